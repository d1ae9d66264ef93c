"""docs/reference/refusals.md: what synthesis says to each wrong value, as it says it."""

from __future__ import annotations

from enum import Enum
from typing import Any

from aws_cdk import Duration, Stack

from pca_automator import PcaCertificateAutomation
from tests.constructs.wrong_props import WRONG, Made, Wrong
from tests.synthesis import new_app

INTRODUCTION = """\
# What synthesis refuses

A value that cannot work fails `cdk synth` with a `ValueError` that names the prop, the value and what is allowed;
nothing is deployed. The name is that of the argument, in the object that it is an argument of. Below is what is said to
one wrong value of each kind. The sample app's context values end in the same checks; one that cannot be read at all is
named as `context value <name>`.

| Given | Message |
| --- | --- |
"""


def refusals() -> str:
    """The page."""
    return INTRODUCTION + "".join(f"| {_given(wrong)} | {_text(message(wrong))} |\n" for wrong in WRONG.values())


def message(wrong: Wrong) -> str:
    """What the construct says."""
    stack = Stack(new_app(), "Consumer")
    try:
        PcaCertificateAutomation(stack, "Automation", **wrong.props(stack))
    except ValueError as error:
        return str(error)
    raise AssertionError(f"accepted: {wrong.given}")


def _given(wrong: Wrong) -> str:
    return ", ".join(f"`{name}={_value(value)}`" for name, value in wrong.given.items())


def _value(value: Any) -> str:
    """As it stands in an app; a duration in words."""
    if isinstance(value, Made):
        arguments = [_value(each) for each in value.positional]
        arguments += [f"{name}={_value(each)}" for name, each in value.arguments.items()]
        return f"{value.name}({', '.join(arguments)})"
    if isinstance(value, Duration):
        return value.to_human_string()
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {_value(each)}" for name, each in value.items()) + "}"
    text = "ca" if callable(value) else repr(value)
    return text if len(text) <= 120 else f"{text[:120]}..."


def _text(message: str) -> str:
    """Markdown that shows the message as it is."""
    return message.replace("<", "&lt;").replace("*", "\\*")
