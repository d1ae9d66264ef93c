"""The payloads of the functions that renew, as typed models."""

from __future__ import annotations

import json
from typing import Any, Literal

from pca_runtime.renewal.start import LaneName, Start
from pca_runtime.shared.payloads import HOST_ID, RUN_ID, TEXT, Payload
from pca_runtime.shared.records import field, integer, items, one_of, optional, pairs, text, truth
from pca_runtime.shared.timestamps import parse_time

__all__ = [
    "HOST_IDS_MAX", "CheckRequest", "CommandRequest", "CsrRequest", "DeployStatusRequest", "FailureRequest",
    "HostRequest", "IssueRequest", "ReportRequest", "RunInput", "WorkflowError",
]  # fmt: skip

Phase = Literal["CertCSR", "CertCSRStatus", "CertIssue", "CertDeploy", "CertDeployStatus"]
RunReason = Literal["KEY_COMPROMISE", "SUPERSEDED"]
# StartExecution's input, and whatever a state makes of it, may have 262,144 bytes. The longest id, mi- and 17 digits,
# takes 24 of them in a list as json.dumps writes it: quotes, comma and space are 4. So 10,000 ids are 240,000 bytes,
# which leaves 22,000 for what CertCheck and CertReport answer, 1,000 each.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
HOST_IDS_MAX = 10_000


class RunInput(Payload, closed=True):
    """What a person, the schedule or a program starts the workflow with."""

    host_ids: list[str] | None = field(
        optional(items(text(), least=1, most=HOST_IDS_MAX)), called="hostIDs", default=None
    )
    force: bool = field(truth(), default=False)
    # Of a run that a change of the inventory started: nobody has looked at what it costs.
    automatic: bool = field(truth(), default=False)
    reissue: Literal["all"] | None = field(optional(one_of(Literal["all"])), default=None)
    # None: the input does not say, and the policy decides.
    revoke_replaced: bool | None = field(optional(truth()), called="revokeReplaced", default=None)

    def _consistent(self) -> None:
        if self.force and self.host_ids is None:
            raise ValueError('force is only allowed with hostIDs; {"reissue": "all"} renews every host')
        if self.reissue and self.host_ids is not None:
            raise ValueError("reissue and hostIDs exclude each other")
        if self.revoke_replaced and not (self.reissue or self.force):
            raise ValueError("revokeReplaced is only allowed with reissue, or with hostIDs and force")

    @property
    def by_hand(self) -> bool:
        """Whether a person has forced it, so that what a host may cost within a day does not hold."""
        return (self.force or self.reissue is not None) and not self.automatic

    @classmethod
    def _allowed(cls) -> str:
        return (
            f'; allowed are {{}}, {{"hostIDs": [1 to {HOST_IDS_MAX:,} ids], "force": true|false}} and '
            '{"reissue": "all"}, the forced ones also with "revokeReplaced": true|false'
        )


def _anything(value: object) -> object:
    return value


class CheckRequest(Payload):
    input: dict[str, Any] = field(pairs(_anything))
    run_id: str = field(RUN_ID, called="runId")
    # Of this execution; those of other runs differ in their last part.
    execution_arn: str = field(text(), called="executionArn", default="")


class HostRequest(Payload):
    host_id: str = field(HOST_ID, called="hostID")
    run_id: str = field(RUN_ID, called="runId")


class CsrRequest(HostRequest):
    """The start is absent in a run that an older definition started: such a host goes on at once, as it did."""

    started_at: str | None = field(optional(text()), called="startedAt", default=None)
    start_at: str | None = field(optional(text()), called="startAt", default=None)
    lane: LaneName = field(one_of(LaneName), default="bulk")
    run_hosts: int = field(integer(0), called="runHosts", default=0)
    requeues: int = field(integer(0), default=0)
    # None in a run of an older definition, which knows no way from here to a certificate that is there already.
    by_hand: bool | None = field(optional(truth()), called="byHand", default=None)

    @property
    def start(self) -> Start | None:
        """The start that the host has reserved."""
        at = parse_time(self.start_at)
        return None if at is None else Start(at, self.lane, self.run_hosts, self.requeues)


class CommandRequest(HostRequest):
    command_id: str = field(TEXT, called="commandId")
    attempt: int = field(integer(0))


class DeployStatusRequest(CommandRequest):
    revoke_replaced: bool = field(truth(), called="revokeReplaced", default=False)
    # Absent in a run that an older definition started.
    revocation_reason: RunReason = field(one_of(RunReason), called="revocationReason", default="SUPERSEDED")


class IssueRequest(HostRequest):
    csr: str = field(TEXT, secret=True)
    task_token: str = field(TEXT, called="taskToken", secret=True)
    # Absent in a run that an older definition started.
    by_hand: bool = field(truth(), called="byHand", default=False)


def _as_text(value: object) -> str:
    """Whoever sends SendTaskFailure, or writes a Fail state, need give neither; what is there is kept as text."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


class WorkflowError(Payload):
    """What a Catch puts into the state: the error's name, and a cause that may be JSON of Lambda."""

    error: str = field(_as_text, called="Error", default="")
    cause: str = field(_as_text, called="Cause", default="")


def _any_error(value: object) -> WorkflowError:
    """A failure that is not recorded would leave the host's lease to run out, so none is refused for its form."""
    return WorkflowError.read(value if isinstance(value, dict) else {"Cause": value})


class FailureRequest(HostRequest):
    phase: Phase = field(one_of(Phase))
    error: WorkflowError = field(_any_error, factory=WorkflowError)
    # Absent in a run that an older definition started.
    started_at: str | None = field(optional(text()), called="startedAt", default=None)


class ReportRequest(Payload):
    run_id: str = field(RUN_ID, called="runId")
    bucket: str = field(TEXT)
    key: str = field(TEXT)
    # Absent in a run that an older definition started.
    execution_arn: str = field(text(), called="executionArn", default="")
    map_error: WorkflowError | None = field(optional(WorkflowError.read), called="mapError", default=None)
