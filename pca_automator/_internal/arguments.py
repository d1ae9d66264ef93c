"""Arguments of the wrong type are refused by name, with what is allowed, before anything is made of them.

The CDK's own check (typeguard, in jsii) looks at what reaches the CDK; an argument of this library that is compared or
computed with first would end in an ``AttributeError`` that names no argument. The annotations that a type checker reads
are what is checked here, so there is nothing to keep in step.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from aws_cdk import Duration, Token

P = ParamSpec("P")
R = TypeVar("R")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Check the arguments of a constructor or method against its annotations.

    Raises:
        ValueError: at a call, for an argument of another type; names it, the value and what is allowed.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checking(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        hints = _hints(function)
        for name, value in bound.arguments.items():
            # scope and id are the CDK's, which says what is wrong with them.
            if name in hints and name not in ("scope", "id"):
                _check(name, value, hints[name])
        return function(*args, **kwargs)

    return checking


def check_fields(instance: Any) -> None:
    """Check the fields of a dataclass against their annotations; the first thing in its ``__post_init__``.

    Raises:
        ValueError: a value has another type; names its field, the value and what is allowed.
    """
    cls: Any = type(instance)
    hints = _hints(cls)
    for field in dataclasses.fields(instance):
        _check(field.name, getattr(instance, field.name), hints[field.name])


@functools.cache
def _hints(owner: Any) -> dict[str, Any]:
    return typing.get_type_hints(owner)


def _check(name: str, value: Any, expected: Any) -> None:
    fault = _fault(value, expected)
    if fault is not None:
        raise ValueError(f"{name} {fault}")
    # Nothing here is told less than a second, and the CDK's own refusal names no argument.
    if isinstance(value, Duration) and not value.is_unresolved() and value.to_milliseconds(integral=False) % 1000:
        raise ValueError(f"{name} is {value.to_human_string()}: it must be whole seconds")


def _fault(value: Any, expected: Any) -> str | None:
    """What is wrong, in words that follow the argument's name."""
    if _fits(value, expected):
        return None
    for part in _alternatives(expected):
        # A list or a mapping of something else: the wrong one among many is what helps.
        if _is_collection(value, part):
            items = value.items() if isinstance(value, Mapping) else enumerate(value)
            wanted = typing.get_args(part)[-1]
            wrong = next((each for each in items if not _fits(each[1], wanted)), None)
            if wrong is not None:
                return f"has {wrong[1]!r} at {wrong[0]!r}: it must be {_allowed(wanted)}"
    return f"is {value!r}: it must be {_allowed(expected)}"


def _fits(value: Any, expected: Any) -> bool:
    if expected is Any or expected is object or isinstance(expected, TypeVar):
        return True
    alternatives = _alternatives(expected)
    if len(alternatives) > 1:
        return any(_fits(value, each) for each in alternatives)
    if expected is types.NoneType:
        return value is None
    origin = typing.get_origin(expected)
    if origin is not None and issubclass(origin, collections.abc.Collection):
        if hasattr(type(value), "__jsii_type__"):
            return bool(Token.is_unresolved(value))
        wanted = typing.get_args(expected)[-1]
        values = value.values() if isinstance(value, Mapping) else value
        return _is_collection(value, expected) and all(_fits(each, wanted) for each in values)
    return _is_instance(value, origin or expected)


def _alternatives(expected: Any) -> tuple[Any, ...]:
    is_union = typing.get_origin(expected) in (typing.Union, types.UnionType)
    return typing.get_args(expected) if is_union else (expected,)


def _is_collection(value: Any, expected: Any) -> bool:
    origin = typing.get_origin(expected)
    if origin is None or not isinstance(origin, type):
        return False
    # A text is a sequence, of letters: one address where a list of them is due.
    return isinstance(value, origin) and not isinstance(value, (str, bytes))


def _is_instance(value: Any, expected: type) -> bool:
    if expected is bool:
        return isinstance(value, bool)
    if expected in (int, float):
        # Tokens of numbers are numbers, too. Whole numbers are judged where their bounds are.
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if getattr(expected, "_is_protocol", False):
        return _has_members(value, expected)
    return isinstance(value, expected)


def _has_members(value: Any, protocol: type) -> bool:
    """Whether an object is what an interface of the CDK describes, which ``isinstance`` cannot tell."""
    if isinstance(value, (str, int, float, Mapping, Sequence, Enum, Duration, type)) or value is None:
        return False
    # What jsii hands out for an interface alone carries its members at run time.
    if type(value).__module__.startswith("jsii"):
        return True
    return all(hasattr(type(value), name) or name in getattr(value, "__dict__", {}) for name in _members(protocol))


@functools.cache
def _members(protocol: type) -> frozenset[str]:
    return frozenset(
        name
        for base in protocol.__mro__
        if getattr(base, "_is_protocol", False) and base is not typing.Protocol
        for name in (*vars(base), *vars(base).get("__annotations__", ()))
        if not name.startswith("_")
    )


def _allowed(expected: Any) -> str:
    return " or ".join(_words(each) for each in _alternatives(expected))


_WORDS = {
    str: "text",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    types.NoneType: "None",
    Path: "a Path",
    Duration: "a Duration, such as Duration.days(2)",
}


def _words(expected: Any) -> str:
    if expected in _WORDS:
        return _WORDS[expected]
    origin = typing.get_origin(expected)
    if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
        return "a mapping, such as {'name': 'value'}"
    if isinstance(origin, type) and issubclass(origin, collections.abc.Set):
        return f"a set of {_item(expected)}"
    if isinstance(origin, type) and issubclass(origin, collections.abc.Collection):
        return f"a list of {_item(expected)}"
    if isinstance(expected, type) and issubclass(expected, Enum):
        return "one of " + ", ".join(f"{expected.__name__}.{each.name}" for each in expected)
    made_by = getattr(expected, "_MADE_BY", None)
    if made_by is not None:
        return str(made_by)
    name = getattr(origin or expected, "__jsii_type__", None)
    return f"an {name.removeprefix('aws-cdk-lib.')}" if name else f"of the type {(origin or expected).__name__}"


def _item(expected: Any) -> str:
    (wanted, *_) = typing.get_args(expected)
    return _words(wanted)
