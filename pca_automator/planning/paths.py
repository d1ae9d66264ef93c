"""Reading and writing a state's data: JSONPath references, payload templates and choice rules, compiled once.

Ten thousand hosts pass through each state, so everything that a definition says is turned into functions before the
first of them comes. What a definition says and this cannot play is refused by name: a plan that skipped it would lie.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-input-output-filtering.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pca_automator.planning.errors import StateError, Unplayable

Data = Any
Context = Mapping[str, Any]
Reader = Callable[[Data, Context], Any]
Writer = Callable[[Data, Any], Data]
Rule = Callable[[Data, Context], bool]

_REFERENCE = re.compile(r"\$(\$?)((?:\.[A-Za-z_][A-Za-z0-9_]*)*)")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "String": lambda value: isinstance(value, str),
    "Numeric": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "Boolean": lambda value: isinstance(value, bool),
    "Timestamp": lambda value: isinstance(value, str),
}
_TESTS: Mapping[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": _KINDS["String"],
    "IsNumeric": _KINDS["Numeric"],
    "IsBoolean": _KINDS["Boolean"],
}
_OPERATOR = re.compile(r"(String|Numeric|Boolean|Timestamp)(Equals|(?:Less|Greater)Than(?:Equals)?)(Path)?")


def reader(path: str) -> Reader:
    """What reads a reference path such as ``$.csr.Payload.state`` or ``$$.Execution.Name``.

    Raises:
        Unplayable: it is no reference path of names.
    """
    match = _REFERENCE.fullmatch(path)
    if match is None:
        raise Unplayable(f"the path {path!r}: only names, such as $.csr.Payload.state, can be read")
    names = tuple(match[2].split(".")[1:])
    of_context = bool(match[1])

    def read(data: Data, context: Context) -> Any:
        value: Any = context if of_context else data
        for name in names:
            try:
                value = value[name]
            except (KeyError, TypeError):
                raise StateError("States.Runtime", f"nothing is at {path}") from None
        return value

    return read


def template(value: Any) -> Reader:
    """What fills a payload template: a key that ends in ``.$`` holds a path, everything else stays as it is."""
    if isinstance(value, Mapping):
        constants = {key: each for key, each in value.items() if _is_constant(key, each)}
        parts = [
            (key.removesuffix(".$"), reader(each) if key.endswith(".$") else template(each))
            for key, each in value.items()
            if key not in constants
        ]

        def fill(data: Data, context: Context) -> Any:
            filled = dict(constants)
            for key, read in parts:
                filled[key] = read(data, context)
            return filled

        return fill
    if isinstance(value, list) and not all(_is_constant("", each) for each in value):
        raise Unplayable("a list in a payload template holds paths")
    return lambda _data, _context: value


def _is_constant(key: str, value: Any) -> bool:
    if key.endswith(".$"):
        return False
    if isinstance(value, Mapping):
        return all(_is_constant(inner, each) for inner, each in value.items())
    return not isinstance(value, list) or all(_is_constant("", each) for each in value)


def writer(path: str | None) -> Writer:
    """What puts a state's result into its input: at a path, in its place (``$``), or nowhere (null).

    The input is not changed: states before this one may still hold it.
    """
    if path is None:
        return lambda data, _result: data
    match = _REFERENCE.fullmatch(path)
    if match is None or match[1]:
        raise Unplayable(f"the path {path!r}: a result can be written at names, such as $.csr, alone")
    names = tuple(match[2].split(".")[1:])
    if not names:
        return lambda _data, result: result

    def write(data: Data, result: Any) -> Data:
        written = dict(data) if isinstance(data, Mapping) else {}
        place = written
        for name in names[:-1]:
            inner = place.get(name)
            place[name] = dict(inner) if isinstance(inner, Mapping) else {}
            place = place[name]
        place[names[-1]] = result
        return written

    return write


def rule(choice: Mapping[str, Any]) -> Rule:
    """What decides one rule of a Choice state.

    Raises:
        Unplayable: it compares in a way that this cannot.
    """
    if "And" in choice:
        every = [rule(each) for each in choice["And"]]
        return lambda data, context: all(each(data, context) for each in every)
    if "Or" in choice:
        some = [rule(each) for each in choice["Or"]]
        return lambda data, context: any(each(data, context) for each in some)
    if "Not" in choice:
        inner = rule(choice["Not"])
        return lambda data, context: not inner(data, context)
    (name,) = choice.keys() - {"Variable", "Next", "Comment"}
    read = reader(choice["Variable"])
    if name == "IsPresent":
        return _presence(read, choice[name])
    if name in _TESTS:
        test, wanted = _TESTS[name], bool(choice[name])
        return lambda data, context: test(read(data, context)) is wanted
    match = _OPERATOR.fullmatch(name)
    if match is None:
        raise Unplayable(f"the comparison {name}")
    return _comparison(read, match[1], _COMPARISONS[match[2]], choice[name], by_path=bool(match[3]))


def _presence(read: Reader, wanted: bool) -> Rule:
    def present(data: Data, context: Context) -> bool:
        try:
            read(data, context)
        except StateError:
            return not wanted
        return wanted

    return present


def _comparison(read: Reader, kind: str, compare: Callable[[Any, Any], bool], other: Any, *, by_path: bool) -> Rule:
    """A value of another type is not equal, less or greater; it is no error."""
    fits = _KINDS[kind]
    read_other = reader(other) if by_path else (lambda _data, _context: other)
    convert = moment if kind == "Timestamp" else (lambda value: value)

    def decide(data: Data, context: Context) -> bool:
        left, right = read(data, context), read_other(data, context)
        return fits(left) and fits(right) and compare(convert(left), convert(right))

    return decide


def moment(text: str) -> float:
    """Seconds since the epoch of a timestamp, as in a Wait or a Choice.

    Raises:
        StateError: it is none.
    """
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        raise StateError("States.Runtime", f"{text!r} is no timestamp") from None
