"""The environment of the functions as typed models, read once at cold start: what several capabilities share."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, Self

from pca_runtime.errors.kinds import ConfigurationError
from pca_runtime.errors.remedies import Place
from pca_runtime.shared.records import Record, UnreadableError, checked, field, integer, optional, text

__all__ = [
    "ARN", "ATTEMPTS", "INTERVAL", "POSITIVE", "SECONDS", "TEXT", "FunctionSettings", "HostDirectories", "KeyAlgorithm",
    "PolledCommands", "ScheduledSettings", "TableSettings",
]  # fmt: skip

KeyAlgorithm = Literal["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1"]


def _arn(value: str) -> str:
    if not re.match(r"arn:[a-z0-9-]+:[a-z0-9-]+:", value):
        raise ValueError("allowed is an ARN, such as arn:aws:sns:eu-central-1:123456789012:topic")
    return value


TEXT = text(1)
ARN = checked(_arn)
SECONDS = integer(0)
POSITIVE = integer(1)
INTERVAL = integer(1, 600)
"""Seconds between polls."""
ATTEMPTS = integer(1, 100)
"""Polls."""
# SendCommand refuses a shorter delivery timeout.
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
_LEAST_DELIVERY_SECONDS = 30


class FunctionSettings(Record):
    """What every function has. A field ``table_name`` is read from the variable ``TABLE_NAME``."""

    automation_name: str = field(TEXT)
    # Where to look for the deployment. What was deployed before it was told says nothing, and commands name no stack.
    stack_name: str = field(text(), default="")
    aws_region: str = field(text(), default="")

    @classmethod
    def outside(cls, name: str) -> str:
        """The variable of a field."""
        return name.upper()

    @property
    def place(self) -> Place:
        """Where the deployment is, for the commands of a message."""
        return Place(stack=self.stack_name, region=self.aws_region)

    @classmethod
    def load(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the environment.

        Raises:
            ConfigurationError: naming each variable that is missing or wrong, and what is allowed.
        """
        try:
            return cls.read(environment)
        except UnreadableError as error:
            problems = "; ".join(f"environment variable {each.place}: {each.message}" for each in error.problems)
            raise ConfigurationError(problems) from None


class TableSettings(FunctionSettings):
    """CertDeployStatus and CertFailure, and the base of the other functions that use the inventory."""

    table_name: str = field(TEXT)
    # What this deployment can have written at the most; without them, what any deployment can.
    longest_lease_seconds: int | None = field(optional(POSITIVE), default=None)
    validity_days: int | None = field(optional(POSITIVE), default=None)


class HostDirectories(TableSettings):
    """Default directories on the hosts, which items may override."""

    cert_path: str = field(TEXT)
    key_path: str = field(TEXT)
    cacert_path: str = field(TEXT)


class PolledCommands(HostDirectories):
    """How long the workflow waits for a command on a host."""

    poll_interval_seconds: int = field(INTERVAL)
    poll_attempts: int = field(ATTEMPTS)

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

    next_run_seconds: int = field(SECONDS, default=43_200)

    @property
    def next_run(self) -> timedelta:
        """How long until the next scheduled run."""
        return timedelta(seconds=self.next_run_seconds)
