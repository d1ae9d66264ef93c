"""DynamoDB expressions whose names and values are always placeholders, so that no name is a reserved word."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

__all__ = ["Expressions", "Stored", "from_item", "from_value", "to_value"]


class _Deserializer(TypeDeserializer):
    """Every value that DynamoDB holds, as it is.

    Numbers: boto3 rounds to 38 digits in a context that raises ``decimal.Rounded`` for a one with a hundred zeros,
    which DynamoDB stores without a word. A decimal that is made of a text has all its digits and raises nothing.
    Bytes: boto3's own type for them cannot be made a text. Lambda hands on those of a stream in base64.
    """

    def _deserialize_n(self, value: str) -> Decimal:
        return Decimal(value)

    def _deserialize_b(self, value: bytes | str) -> bytes:
        return b64decode(value) if isinstance(value, str) else value


class Stored(dict[str, Any]):
    """A value as DynamoDB has it, to be compared with what is there now; it may be one that Python cannot give back."""


_SERIALIZER = TypeSerializer()
_DESERIALIZER = _Deserializer()


def to_value(value: object) -> dict[str, Any]:
    """A Python value as DynamoDB's JSON."""
    return dict(value) if isinstance(value, Stored) else dict(_SERIALIZER.serialize(value))


def from_value(value: Any) -> Any:
    """DynamoDB's JSON as a Python value; numbers are decimals with all their digits."""
    return _DESERIALIZER.deserialize(value)


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item, or an image of a stream's record, as a Python dictionary."""
    return {name: from_value(value) for name, value in item.items()}


class Expressions:
    """Collects the names and values of one request while its expressions are written."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, dict[str, Any]] = {}

    def path(self, dotted: str) -> str:
        """``pending.serial`` as ``#pending.#serial``."""
        parts = dotted.split(".")
        self.names.update({f"#{part}": part for part in parts})
        return ".".join(f"#{part}" for part in parts)

    def value(self, value: object) -> str:
        """A placeholder for a value."""
        name = f":v{len(self.values)}"
        self.values[name] = to_value(value)
        return name

    def compare(self, path: str, operator: str, value: object) -> str:
        """``#path <operator> :value``."""
        return f"{self.path(path)} {operator} {self.value(value)}"

    def absent(self, path: str) -> str:
        return f"attribute_not_exists({self.path(path)})"

    def exists(self, path: str) -> str:
        return f"attribute_exists({self.path(path)})"

    def absent_or(self, path: str, operator: str, value: object) -> str:
        """True without the attribute, whatever DynamoDB thinks of comparing with nothing."""
        return f"({self.absent(path)} OR {self.compare(path, operator, value)})"

    def number_between(self, path: str, least: int, most: int) -> str:
        """True for a number within bounds, and false for a value of any other type."""
        is_number = f"attribute_type({self.path(path)}, {self.value('N')})"
        return f"({is_number} AND {self.path(path)} BETWEEN {self.value(least)} AND {self.value(most)})"

    def unchanged(self, witness: Mapping[str, object]) -> list[str]:
        """Conditions that attributes still are what was read of them; ``None``: absent."""
        return [
            self.absent(path) if value is None else self.compare(path, "=", value) for path, value in witness.items()
        ]

    def set(self, assignments: Mapping[str, object]) -> str:
        """The SET clause; a path may be nested when its parent exists."""
        return "SET " + ", ".join(f"{self.path(path)} = {self.value(value)}" for path, value in assignments.items())

    def remove(self, *paths: str) -> str:
        """The REMOVE clause."""
        return " REMOVE " + ", ".join(self.path(path) for path in paths)

    def arguments(self) -> dict[str, Any]:
        """The arguments that carry names and values."""
        arguments: dict[str, Any] = {}
        if self.names:
            arguments["ExpressionAttributeNames"] = self.names
        if self.values:
            arguments["ExpressionAttributeValues"] = self.values
        return arguments
