"""The environment of the functions as typed models, read once at cold start: what several capabilities share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pca_runtime.errors.kinds import ConfigurationError
from pca_runtime.errors.remedies import Place

__all__ = [
    "Arn", "FunctionSettings", "HostDirectories", "KeyAlgorithm", "PolledCommands", "Positive", "ScheduledSettings",
    "Seconds", "TableSettings", "Text",
]  # fmt: skip

KeyAlgorithm = Literal["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1"]

Text = Annotated[str, Field(min_length=1)]
Arn = Annotated[str, Field(pattern=r"^arn:[a-z0-9-]+:[a-z0-9-]+:")]
Seconds = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
# SendCommand refuses a shorter delivery timeout.
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
_LEAST_DELIVERY_SECONDS = 30


class FunctionSettings(BaseModel):
    """What every function has. A field ``table_name`` is read from the variable ``TABLE_NAME``."""

    model_config = ConfigDict(frozen=True, alias_generator=str.upper, extra="ignore")

    automation_name: Text
    # Where to look for the deployment. What was deployed before it was told says nothing, and commands name no stack.
    stack_name: str = ""
    aws_region: str = ""

    @property
    def place(self) -> Place:
        """Where the deployment is, for the commands of a message."""
        return Place(stack=self.stack_name, region=self.aws_region)

    @classmethod
    def load(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the environment.

        Raises:
            ConfigurationError: naming each variable that is missing or wrong.
        """
        try:
            return cls.model_validate(dict(environment))
        except ValidationError as error:
            problems = "; ".join(
                f"environment variable {problem['loc'][0]}: {problem['msg']}" for problem in error.errors()
            )
            raise ConfigurationError(problems) from None


class TableSettings(FunctionSettings):
    """CertDeployStatus and CertFailure, and the base of the other functions that use the inventory."""

    table_name: Text
    # What this deployment can have written at the most; without them, what any deployment can.
    longest_lease_seconds: Positive | None = None
    validity_days: Positive | None = None


class HostDirectories(TableSettings):
    """Default directories on the hosts, which items may override."""

    cert_path: Text
    key_path: Text
    cacert_path: Text


class PolledCommands(HostDirectories):
    """How long the workflow waits for a command on a host."""

    poll_interval_seconds: Annotated[int, Field(ge=1, le=600)]
    poll_attempts: Annotated[int, Field(ge=1, le=100)]

    @property
    def window_seconds(self) -> int:
        """From sending a command to its last poll."""
        return self.poll_interval_seconds * self.poll_attempts

    @property
    def command_timeout_seconds(self) -> int:
        """After this a command that was not delivered is dropped: nobody waits for it any more."""
        return max(_LEAST_DELIVERY_SECONDS, self.window_seconds)


class ScheduledSettings(TableSettings):
    """What knows when the schedule starts the next run."""

    next_run_seconds: Seconds = 43_200

    @property
    def next_run(self) -> timedelta:
        """How long until the next scheduled run."""
        return timedelta(seconds=self.next_run_seconds)
