"""What every payload shares. Messages never repeat a value: it may be secret."""

from __future__ import annotations

from typing import Self

from pca_runtime.errors.kinds import InvalidInput
from pca_runtime.shared import identifiers
from pca_runtime.shared.records import Record, UnreadableError, checked, text

__all__ = ["HOST_ID", "RUN_ID", "TEXT", "Payload"]


def _host_id(value: str) -> str:
    if not identifiers.is_host_id(value):
        raise ValueError("must be an EC2 instance id (i-…) or a hybrid node id (mi-…)")
    return value


def _run_id(value: str) -> str:
    if not identifiers.is_run_id(value):
        raise ValueError("must be the name of an execution")
    return value


HOST_ID = checked(_host_id)
RUN_ID = checked(_run_id)
TEXT = text(1)


class Payload(Record):
    @classmethod
    def parse(cls, event: object) -> Self:
        """Validate a payload.

        Raises:
            InvalidInput: naming each field and what is allowed, without its value.
        """
        try:
            found = cls.read(event)
            found._consistent()
        except UnreadableError as error:
            problems = "; ".join(f"{each.place or 'input'}: {each.message}" for each in error.problems)
        except ValueError as error:
            problems = f"input: {error}"
        else:
            return found
        raise InvalidInput(problems + cls._allowed(), code="INPUT_INVALID")

    def _consistent(self) -> None:
        """Raise ValueError where fields do not go together, saying what does."""

    @classmethod
    def _allowed(cls) -> str:
        return ""
