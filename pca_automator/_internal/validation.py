"""Checks of props at synthesis: the value got, what is allowed, what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from enum import Enum

from aws_cdk import Duration, Token

# The same pattern stands in the Lambda code and in the SSM documents; tests/contract holds them together.
# No lookahead: SSM does not say which regular-expression engine reads an allowedPattern.
PATH_PATTERN = r"^(/\.?[A-Za-z0-9_][A-Za-z0-9_.@+=, -]*)+$"
PATH_MAX_LENGTH = 200
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL_PATTERN = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(\.{_LABEL})+$"


def directory(prop: str, value: str) -> str:
    """An absolute directory on the host, returned without a trailing slash.

    Raises:
        ValueError: the path is relative, has a ``.`` or ``..`` segment, or a character a shell gives a meaning to.
    """
    if Token.is_unresolved(value):
        return value
    stripped = value.rstrip("/")
    if len(stripped) > PATH_MAX_LENGTH or not re.fullmatch(PATH_PATTERN, stripped):
        raise ValueError(
            f"{prop} is {value!r}: it must be an absolute path of at most {PATH_MAX_LENGTH} characters whose segments "
            "start with a letter, a digit, '_' or one '.' and hold only letters, digits, spaces and _ . @ + = , - "
            "(no '.' or '..' segments), for example '/etc/pki/tls'"
        )
    return stripped


def email(prop: str, value: str) -> str:
    """An e-mail address that SNS can subscribe.

    Raises:
        ValueError: it is not of the form ``name@example.com``.
    """
    if not Token.is_unresolved(value) and not re.fullmatch(_EMAIL_PATTERN, value):
        raise ValueError(f"{prop} is {value!r}: it must be an e-mail address such as 'pki-team@example.com'")
    return value


def emails(prop: str, values: Sequence[str]) -> None:
    """Several of them.

    Raises:
        ValueError: one is not of the form ``name@example.com``.
    """
    for value in values:
        email(prop, value)


def member(prop: str, value: object, allowed: type[Enum]) -> None:
    """One of the values of an enumeration: without a type checker, a string or another enumeration's value gets here.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, allowed):
        names = ", ".join(f"{allowed.__name__}.{each.name}" for each in allowed)
        raise ValueError(f"{prop} is {value!r}: it must be one of {names}")


def whole_number(prop: str, value: float, minimum: int, maximum: int) -> int:
    """A whole number within bounds; tokens pass.

    Raises:
        ValueError: it is not whole, or out of bounds.
    """
    if not Token.is_unresolved(value) and (int(value) != value or not minimum <= value <= maximum):
        raise ValueError(f"{prop} is {value}: it must be a whole number from {minimum} to {maximum}")
    return value if Token.is_unresolved(value) else int(value)  # type: ignore[return-value]


def percentage(prop: str, value: float, minimum: float = 0) -> float:
    """A share of a hundred.

    Raises:
        ValueError: it is out of bounds, or a token: shares are computed with, or go where the CDK takes no token.
    """
    if Token.is_unresolved(value):
        raise ValueError(f"{prop} is a token: it must be a number from {minimum:g} to 100 that is known at synthesis")
    if not minimum <= value <= 100:
        raise ValueError(f"{prop} is {value}: it must be from {minimum:g} to 100")
    return value


def rate(prop: str, value: float, *, above: float | None = None, most: float | None = None) -> float:
    """A number of zero or more, for example requests a second.

    Raises:
        ValueError: it is out of bounds, or a token: it is computed with.
    """
    if Token.is_unresolved(value):
        raise ValueError(f"{prop} is a token: it must be a number that is known at synthesis")
    enough = value > above if above is not None else value >= 0
    if not enough or value > (sys.float_info.max if most is None else most):
        least = f"above {above:g}" if above is not None else "0 or more"
        raise ValueError(f"{prop} is {value}: it must be {least}" + (f", at most {most:g}" if most is not None else ""))
    return value


def duration(prop: str, value: Duration, minimum: Duration, maximum: Duration) -> Duration:
    """A duration within bounds; tokens pass.

    Raises:
        ValueError: it is out of bounds.
    """
    if value.is_unresolved():
        return value
    if not minimum.to_seconds() <= value.to_seconds() <= maximum.to_seconds():
        raise ValueError(
            f"{prop} is {value.to_human_string()}: "
            f"it must be from {minimum.to_human_string()} to {maximum.to_human_string()}"
        )
    return value


def shorter_than(prop: str, value: Duration, other_prop: str, other: Duration, why: str) -> None:
    """One duration must be shorter than another; tokens pass.

    Raises:
        ValueError: it is as long or longer.
    """
    if value.is_unresolved() or other.is_unresolved():
        return
    if value.to_seconds() >= other.to_seconds():
        raise ValueError(
            f"{prop} is {value.to_human_string()} and {other_prop} is {other.to_human_string()}: "
            f"{prop} must be shorter than {other_prop}; {why}"
        )
