"""What every payload shares. Messages never repeat a value: it may be secret."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from pca_runtime.errors.kinds import InvalidInput
from pca_runtime.shared import identifiers

__all__ = ["HostId", "Payload", "RunId", "Text"]


def _host_id(value: str) -> str:
    if not identifiers.is_host_id(value):
        raise ValueError("must be an EC2 instance id (i-…) or a hybrid node id (mi-…)")
    return value


def _run_id(value: str) -> str:
    if not identifiers.is_run_id(value):
        raise ValueError("must be the name of an execution")
    return value


HostId = Annotated[str, AfterValidator(_host_id)]
RunId = Annotated[str, AfterValidator(_run_id)]
Text = Annotated[str, Field(min_length=1)]


class Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True)

    @classmethod
    def parse(cls, event: object) -> Self:
        """Validate a payload.

        Raises:
            InvalidInput: naming each field and what is allowed, without its value.
        """
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(str(part) for part in problem['loc']) or 'input'}: "
                f"{problem['msg'].removeprefix('Value error, ')}"
                for problem in error.errors(include_input=False, include_url=False)
            )
            raise InvalidInput(problems + cls._allowed(), code="INPUT_INVALID") from None

    @classmethod
    def _allowed(cls) -> str:
        return ""
