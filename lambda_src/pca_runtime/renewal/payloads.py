"""The payloads of the functions that renew, as typed models."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, field_validator, model_validator

from pca_runtime.renewal.start_gate import Start
from pca_runtime.renewal.start_items import LaneName
from pca_runtime.shared.payloads import HostId, Payload, RunId, Text
from pca_runtime.shared.timestamps import parse_time

__all__ = [
    "HOST_IDS_MAX", "CheckRequest", "CommandRequest", "CsrRequest", "DeployStatusRequest", "FailureRequest",
    "HostRequest", "IssueRequest", "ReportRequest", "RunInput", "WorkflowError",
]  # fmt: skip

Phase = Literal["CertCSR", "CertCSRStatus", "CertIssue", "CertDeploy", "CertDeployStatus"]
# StartExecution's input, and whatever a state makes of it, may have 262,144 bytes. The longest id, mi- and 17 digits,
# takes 24 of them in a list as json.dumps writes it: quotes, comma and space are 4. So 10,000 ids are 240,000 bytes,
# which leaves 22,000 for what CertCheck and CertReport answer, 1,000 each.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
HOST_IDS_MAX = 10_000


class RunInput(Payload):
    """What a person, the schedule or a program starts the workflow with."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    host_ids: Annotated[list[str], Field(min_length=1, max_length=HOST_IDS_MAX)] | None = Field(None, alias="hostIDs")
    force: StrictBool = False
    # Of a run that a change of the inventory started: nobody has looked at what it costs.
    automatic: StrictBool = False
    reissue: Literal["all"] | None = None
    # None: the input does not say, and the policy decides.
    revoke_replaced: StrictBool | None = Field(None, alias="revokeReplaced")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.force and self.host_ids is None:
            raise ValueError('force is only allowed with hostIDs; {"reissue": "all"} renews every host')
        if self.reissue and self.host_ids is not None:
            raise ValueError("reissue and hostIDs exclude each other")
        if self.revoke_replaced and not (self.reissue or self.force):
            raise ValueError("revokeReplaced is only allowed with reissue, or with hostIDs and force")
        return self

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


class CheckRequest(Payload):
    input: dict[str, Any]
    run_id: RunId = Field(alias="runId")
    # Of this execution; those of other runs differ in their last part.
    execution_arn: str = Field("", alias="executionArn")


class HostRequest(Payload):
    host_id: HostId = Field(alias="hostID")
    run_id: RunId = Field(alias="runId")


class CsrRequest(HostRequest):
    """The start is absent in a run that an older definition started: such a host goes on at once, as it did."""

    started_at: str | None = Field(None, alias="startedAt")
    start_at: str | None = Field(None, alias="startAt")
    lane: LaneName = "bulk"
    run_hosts: Annotated[int, Field(ge=0)] = Field(0, alias="runHosts")
    requeues: Annotated[int, Field(ge=0)] = 0
    # None in a run of an older definition, which knows no way from here to a certificate that is there already.
    by_hand: StrictBool | None = Field(None, alias="byHand")

    @property
    def start(self) -> Start | None:
        """The start that the host has reserved."""
        at = parse_time(self.start_at)
        return None if at is None else Start(at, self.lane, self.run_hosts, self.requeues)


class CommandRequest(HostRequest):
    command_id: Text = Field(alias="commandId")
    attempt: Annotated[int, Field(ge=0)]


class DeployStatusRequest(CommandRequest):
    revoke_replaced: StrictBool = Field(False, alias="revokeReplaced")
    # Absent in a run that an older definition started.
    revocation_reason: Literal["KEY_COMPROMISE", "SUPERSEDED"] = Field("SUPERSEDED", alias="revocationReason")


class IssueRequest(HostRequest):
    csr: Text = Field(repr=False)
    task_token: Text = Field(alias="taskToken", repr=False)
    # Absent in a run that an older definition started.
    by_hand: StrictBool = Field(False, alias="byHand")


class WorkflowError(Payload):
    """What a Catch puts into the state: the error's name, and a cause that may be JSON of Lambda."""

    error: str = Field("", alias="Error")
    cause: str = Field("", alias="Cause")

    @field_validator("error", "cause", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> str:
        """Whoever sends SendTaskFailure, or writes a Fail state, need give neither; what is there is kept as text."""
        return value if isinstance(value, str) else "" if value is None else json.dumps(value, default=str)


class FailureRequest(HostRequest):
    phase: Phase
    # A failure that is not recorded would leave the host's lease to run out, so none is refused for its form.
    error: WorkflowError = Field(default_factory=lambda: WorkflowError.model_validate({}))
    # Absent in a run that an older definition started.
    started_at: str | None = Field(None, alias="startedAt")

    @field_validator("error", mode="before")
    @classmethod
    def _any_error(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"Cause": value}


class ReportRequest(Payload):
    run_id: RunId = Field(alias="runId")
    bucket: Text
    key: Text
    # Absent in a run that an older definition started.
    execution_arn: str = Field("", alias="executionArn")
    map_error: WorkflowError | None = Field(None, alias="mapError")
