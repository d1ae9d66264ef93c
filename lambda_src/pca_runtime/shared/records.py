"""Typed records of what comes from outside: the environment, a payload, an item.

A record is read, and everything that is wrong with it is told at once, each with its place. No library does it: to
import one and build its models took longer than everything else that a function does until it is ready (ADR 0041).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self, TypeVar, cast, dataclass_transform, get_args

__all__ = [
    "Field", "Problem", "Reader", "Record", "UnreadableError", "checked", "field", "from_json", "integer", "items",
    "number", "one_of", "optional", "pairs", "record", "text", "truth",
]  # fmt: skip

_T = TypeVar("_T")
_K = TypeVar("_K", int, str)
Reader = Callable[[object], _T]
"""Gives back what it is, or raises ValueError with what is allowed; :class:`UnreadableError` for parts of it."""

_REQUIRED: Any = object()
_DIGITS = re.compile("-?[0-9]{1,18}")


class Problem:
    """One thing that is wrong.

    Args:
        path: where: names of fields and places in lists.
        value: what stands there; ``None`` where nothing does.
        message: what is allowed.
    """

    def __init__(self, path: tuple[str | int, ...], value: object, message: str) -> None:
        self.path, self.value, self.message = path, value, message

    @property
    def place(self) -> str:
        """The path as a text, such as ``dnsNames.3``."""
        return ".".join(map(str, self.path))


class UnreadableError(ValueError):
    """Everything that is wrong with what was read."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{each.place}: {each.message}".removeprefix(": ") for each in self.problems))

    @classmethod
    def within(cls, part: str | int, value: object, error: ValueError) -> list[Problem]:
        """The problems of a part, from where the whole is seen."""
        if isinstance(error, UnreadableError):
            return [Problem((part, *each.path), each.value, each.message) for each in error.problems]
        return [Problem((part,), value, str(error))]


class Field:
    """How one field is read; see :func:`field`."""

    def __init__(
        self, reader: Reader[Any], alias: str | None, default: Any, factory: Callable[[], Any] | None, secret: bool
    ) -> None:
        self.reader, self.alias, self.secret = reader, alias, secret
        self._default, self._factory = default, factory

    def is_required(self) -> bool:
        """Whether a record cannot be read without it."""
        return self._default is _REQUIRED and self._factory is None

    @property
    def default(self) -> Any:
        """What it is where nothing is said; a new one each time."""
        return self._factory() if self._factory else self._default


def field(
    reader: Reader[_T],
    *,
    called: str | None = None,
    default: _T = _REQUIRED,
    factory: Callable[[], _T] | None = None,
    secret: bool = False,
) -> _T:
    """A field of a record.

    Args:
        reader: makes what it is of what stands there.
        called: its name outside. Default: its own.
        default: what it is where nothing stands. Default: it is required.
        factory: the same, for what can be changed.
        secret: whether it stands in no ``repr``.
    """
    return cast(_T, Field(reader, called, default, factory, secret))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Record:
    """Fields that do not change; what is not known is ignored, except in a record that is ``closed``."""

    model_fields: ClassVar[Mapping[str, Field]] = {}
    """By name, those of the bases first."""
    closed: ClassVar[bool] = False
    """Whether what is not known is refused."""

    def __init_subclass__(cls, *, closed: bool = False) -> None:
        super().__init_subclass__()
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        for name in own:
            delattr(cls, name)
        inherited: dict[str, Field] = {}
        for base in reversed(cls.__mro__[1:]):
            inherited.update(vars(base).get("model_fields", {}))
        cls.model_fields = {**inherited, **own}
        cls.closed = closed or cls.closed

    def __init__(self, **values: Any) -> None:
        if unknown := values.keys() - self.model_fields.keys():
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        for name, each in self.model_fields.items():
            if name not in values and each.is_required():
                raise TypeError(f"{type(self).__name__} needs the field {name}")
            self.__dict__[name] = values.get(name, each.default)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} does not change")

    __delattr__ = cast(Callable[[Any, str], None], lambda self, name: self.__setattr__(name, None))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        shown = (name for name, each in self.model_fields.items() if not each.secret)
        return f"{type(self).__name__}({', '.join(f'{name}={self.__dict__[name]!r}' for name in shown)})"

    def changed(self, **values: Any) -> Self:
        """The same with other values, which are taken as they are."""
        return type(self)(**{**self.__dict__, **values})

    @classmethod
    def outside(cls, name: str) -> str:
        """What a field is called where it comes from."""
        return cls.model_fields[name].alias or name

    @classmethod
    def read(cls, given: object) -> Self:
        """Make a record of a mapping.

        Raises:
            UnreadableError: with everything that is missing, wrong, or not known in a closed record.
        """
        if not isinstance(given, Mapping):
            raise UnreadableError([Problem((), given, "allowed is an object with named values")])
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, each in cls.model_fields.items():
            called = cls.outside(name)
            if called not in given:
                if each.is_required():
                    problems.append(Problem((called,), None, "it is missing"))
                continue
            try:
                values[name] = each.reader(given[called])
            except ValueError as error:
                problems += UnreadableError.within(called, given[called], error)
        known = {cls.outside(name) for name in cls.model_fields}
        if cls.closed:
            wrong = [key for key in given if key not in known]
            problems += [Problem((str(key),), given[key], f"allowed are {', '.join(sorted(known))}") for key in wrong]
        if problems:
            raise UnreadableError(problems)
        return cls(**values)


_R = TypeVar("_R", bound=Record)


def text(least: int = 0) -> Reader[str]:
    """A text of so many characters at least."""

    def read(value: object) -> str:
        if not isinstance(value, str) or len(value) < least:
            raise ValueError("allowed is a text" + (" that is not empty" if least else ""))
        return value

    return read


def checked(check: Callable[[str], str], least: int = 0) -> Reader[str]:
    """A text that passes a check, as the check gives it back."""
    read = text(least)
    return lambda value: check(read(value))


def integer(least: int, most: int | None = None) -> Reader[int]:
    """A whole number, also as the digits of an environment variable."""
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"

    def read(value: object) -> int:
        found = None if isinstance(value, bool) else value
        if isinstance(found, str):
            found = int(found) if _DIGITS.fullmatch(found) else None
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if not isinstance(found, int) or found < least or (most is not None and found > most):
            raise ValueError(f"allowed is a whole number {bounds}")
        return found

    return read


def number(*, above: float | None = None, least: float | None = None, most: float | None = None) -> Reader[float]:
    """A number, also as text; never infinite."""
    words = [f"above {above:g}"] if above is not None else []
    words += [f"of at least {least:g}"] if least is not None else []
    words += [f"of at most {most:g}"] if most is not None else []

    def read(value: object) -> float:
        try:
            found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
        except (OverflowError, ValueError):
            found = None
        fits = found is not None and -float("inf") < found < float("inf")
        fits = fits and (above is None or cast(float, found) > above) and (least is None or cast(float, found) >= least)
        if found is None or not fits or (most is not None and found > most):
            raise ValueError(f"allowed is a number {' and '.join(words)}".rstrip())
        return found

    return read


def truth(*, as_text: bool = False) -> Reader[bool]:
    """True or false; of the environment as text."""

    def read(value: object) -> bool:
        if as_text and isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise ValueError("allowed are true and false")
        return value

    return read


def one_of(literal: Any) -> Reader[Any]:
    """One of the values of a ``Literal``, of its very type."""
    allowed = get_args(literal)

    def read(value: object) -> Any:
        if not any(type(value) is type(each) and value == each for each in allowed):
            words = ", ".join(json.dumps(each).strip('"') for each in allowed)
            raise ValueError(f"allowed {'is' if len(allowed) == 1 else 'are'} {words}")
        return value

    return read


def optional(reader: Reader[_T], *, none: object = None) -> Reader[_T | None]:
    """``None`` for nothing, or for a value that means it."""
    return lambda value: None if value is None or (none is not None and value == none) else reader(value)


def items(reader: Reader[_T], *, least: int = 0, most: int | None = None) -> Reader[list[_T]]:
    """A list; each thing that is wrong in it is told."""
    bounds = f" of at least {least}" if most is None and least else "" if most is None else f" of {least} to {most:,}"

    def read(value: object) -> list[_T]:
        if not isinstance(value, list) or len(value) < least or (most is not None and len(value) > most):
            raise ValueError(f"allowed is a list{bounds}")
        return [each for _, each in _each(enumerate(value), reader)]

    return read


def pairs(reader: Reader[_T], *, least: int = 0) -> Reader[dict[str, _T]]:
    """An object with names of its own."""

    def read(value: object) -> dict[str, _T]:
        if not isinstance(value, dict) or len(value) < least or not all(isinstance(name, str) for name in value):
            raise ValueError("allowed is an object with named values" + (f", at least {least}" if least else ""))
        return dict(_each(value.items(), reader))

    return read


def _each(parts: Iterable[tuple[_K, object]], reader: Reader[_T]) -> list[tuple[_K, _T]]:
    """Every part as it is read, or everything that is wrong with any of them."""
    found: list[tuple[_K, _T]] = []
    problems: list[Problem] = []
    for place, each in parts:
        try:
            found.append((place, reader(each)))
        except ValueError as error:
            problems += UnreadableError.within(place, each, error)
    if problems:
        raise UnreadableError(problems)
    return found


def from_json(reader: Reader[_T]) -> Reader[_T]:
    """What stands in a text of JSON."""

    def read(value: object) -> _T:
        try:
            parsed = json.loads(value) if isinstance(value, str) else value
        except (RecursionError, ValueError):
            raise ValueError("allowed is JSON") from None
        return reader(parsed)

    return read


def record(kind: type[_R]) -> Reader[_R]:
    """A record within another."""
    return kind.read
