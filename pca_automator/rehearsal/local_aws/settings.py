"""What the local AWS can be told: at its start by environment variables, later over its control path."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pca_automator.rehearsal.local_aws.facts import workflow

_PREFIX = "REHEARSAL_"


@dataclasses.dataclass
class Settings:
    """Delays are in seconds. Real services take longer; what matters is that no delay is zero everywhere."""

    fleet: Path = Path("fleet")
    """Directory that holds one directory for each simulated host."""
    issuing_seconds: float = 0.05
    """How long GetCertificate answers RequestInProgressException."""
    event_seconds: float = 0.1
    """How long after issuance the EventBridge event is published."""
    drop_events: bool = False
    """Publish no issuance event at all: delivery is best effort on AWS."""
    instance_events: int = 1
    """How often each EC2 state change is published: 2 doubles every event, 0 loses them all."""
    callback_scale: float = 1.0
    """What the timeout of a task that waits for its token is multiplied with; waits have a scale of their own."""
    crl_seconds: float = 1.0
    """How long after a revocation the CRL is written (about 30 minutes on AWS)."""
    invocation_seconds: float = 0.05
    """How long GetCommandInvocation answers InvocationDoesNotExist after SendCommand."""
    delivery_seconds: float = 6.0
    """How long a host that never answers stays undelivered before its command times out."""
    host_processes: int = max(2, os.cpu_count() or 2)
    """How many hosts run their script at the same time."""
    children: int = 6 * max(2, os.cpu_count() or 2)
    """How many child executions of a Distributed Map run at the same time."""
    other_answers: str = ""
    """Assumed rules of the ledger, by name and separated by commas, to which the other answer is given."""
    quotas: str = ""
    """How often each API may be called in a second of the account's time, as JSON: ``{"CreateSession": 10}``. Of it,
    as much passes in a real second as the waits of the workflow are shortened. Empty: as often as one likes."""
    limits: bool = True
    """Whether what AWS does not raise for anybody is enforced: sizes of histories and payloads, retries of streams."""
    history_events: int = workflow.HISTORY.value
    """How many events the history of an execution may have."""
    payload_bytes: int = workflow.PAYLOAD.value
    """How many bytes input and output of states, tasks and executions may have."""
    log_policies: int = 0
    """How many resource policies of CloudWatch Logs others have in the account, of the ten that there may be."""
    log_policy_characters: int = 0
    """How many characters others have in the policy that a workflow's log group is added to, of 5,120."""
    ignore_starts: bool = False
    """Let every host start at once, whatever start it has: what happens without pacing."""
    lambda_processes: int = 2
    """How many workers one Lambda function may have; further invocations wait for one."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read ``REHEARSAL_<NAME>`` for each setting."""
        settings = cls()
        values = {
            field.name: environment[_PREFIX + field.name.upper()]
            for field in dataclasses.fields(cls)
            if _PREFIX + field.name.upper() in environment
        }
        settings.change(values)
        return settings

    def change(self, values: Mapping[str, Any]) -> None:
        """Change settings in place; raises ValueError for a name that does not exist or a value of a wrong type."""
        for name, value in values.items():
            if name not in {field.name for field in dataclasses.fields(self)}:
                raise ValueError(f"unknown setting {name!r}")
            setattr(self, name, self._converted(name, value))

    def _converted(self, name: str, value: Any) -> Any:
        current = getattr(self, name)
        if isinstance(current, bool):
            return value if isinstance(value, bool) else str(value).lower() == "true"
        return type(current)(value) if not isinstance(current, Path) else Path(value)

    def as_environment(self) -> dict[str, str]:
        """The environment variables that start a local AWS with these settings."""
        return {_PREFIX + field.name.upper(): str(getattr(self, field.name)) for field in dataclasses.fields(self)}

    def as_json(self) -> dict[str, Any]:
        """The settings as plain data."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in vars(self).items()}
