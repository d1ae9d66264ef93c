"""Each handler in each of its uses: what is there before it is invoked, and what must be there afterwards.

A fault falls on one of its calls; then it is invoked again as Lambda, Step Functions or the queue would, and once more
after it went well, for every delivery may come twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pca_runtime.errors.kinds import PermanentError, RetryableError

from tests.chaos.weather import FAULTS, Weather
from tests.runtime.conftest import HOST
from tests.runtime.fakes import CrashError, Recorder
from tests.runtime.membership.rig import LIVE as MEMBER
from tests.runtime.membership.rig import Members, ec2_event, record
from tests.runtime.renewal.steps import LIVE, RUN, TOKEN, fail, host, issuance_event, issue, renew, until_csr
from tests.runtime.renewal.test_last_issued import failed_once, says
from tests.runtime.revocation.test_crl_processor import in_force, write
from tests.runtime.revocation.test_crl_processor import record as crl_record

_TRIES = 4
Prepare = Callable[[Members], dict[str, Any]]
Holds = Callable[[Members, dict[str, Any]], object]


@dataclass(frozen=True)
class Use:
    """One use of a handler.

    Args:
        handler: its file.
        what: in a word.
        prepare: makes what is there before, and returns the payload.
        holds: whether all is well, given the answer.
        ends: the error that is the right answer, if one is.
    """

    handler: str
    what: str
    prepare: Prepare
    holds: Holds
    ends: str = ""

    @property
    def name(self) -> str:
        """For a person."""
        return f"{self.handler}, {self.what}"


def faults_of(calls: int) -> Iterator[tuple[int, str]]:
    """Every fault at every call."""
    return ((call, fault) for call in range(1, calls + 1) for fault in FAULTS)


def tried(use: Use, members: Members, weather: Weather, patch: pytest.MonkeyPatch) -> list[str]:
    """Invoke a handler in this weather until it goes well, and once more; what does not hold then."""
    patch.setattr(Recorder, "_do", weather.around(Recorder._do))
    weather.calm = True
    payload = use.prepare(members)
    weather.calm = False
    answer = _until_well(use, members, payload)
    weather.calm = True
    if answer is None:
        return [f"{use.name}: no attempt went through"]
    members.world.later(seconds=10)
    again = _until_well(use, members, payload)
    if again is None:
        return [f"{use.name}: the second delivery fails"]
    members.invoke("cert_retire", {"reconcile": True})
    return [] if use.holds(members, answer) else [f"{use.name}: does not hold: {members.world.item()}"]


def _until_well(use: Use, members: Members, payload: dict[str, Any]) -> dict[str, Any] | None:
    for _ in range(_TRIES):
        try:
            answer = members.invoke(use.handler, payload)
        except (CrashError, RetryableError):
            # Longer than a claim to install, where there is one; a start would be late by then.
            members.world.later(seconds=100 if use.handler == "cert_deploy" else 2)
        except PermanentError as error:
            if error.code != use.ends:
                raise
            return {"code": error.code}
        else:
            # What is pending is asked for once more, what a queue has back is delivered once more.
            asks = use.handler.endswith("_status") and answer["state"] == "PENDING"
            if not asks and not answer.get("batchItemFailures"):
                return answer
    return None


def _put(members: Members, **attributes: Any) -> None:
    members.world.put(HOST, **attributes)
    members.ec2.instances[HOST] = ("running", {"CertManaged": "true"})


def _check(members: Members) -> dict[str, Any]:
    _put(members)
    return {"input": {}, "runId": RUN}


def _csr(members: Members) -> dict[str, Any]:
    _put(members, **LIVE)
    return host()


def _csr_status(members: Members) -> dict[str, Any]:
    sent = members.invoke("cert_csr", _csr(members))
    return {**host(), "commandId": sent["commandId"], "attempt": 0}


def _issued_before(members: Members) -> dict[str, Any]:
    members.ec2.instances[HOST] = ("running", {})
    failed_once(members.world, "HOOK_FAILED")
    members.world.later(hours=12)
    at = members.world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**host("run-2"), "startAt": at, "lane": "bulk", "runHosts": 1, "requeues": 0, "byHand": False}


def _issue(members: Members) -> dict[str, Any]:
    _put(members, **LIVE)
    return {**host(), "csr": until_csr(members.world)["csr"], "taskToken": TOKEN}


def _issuance(members: Members) -> dict[str, Any]:
    _put(members, **LIVE)
    return issuance_event(issue(members.world))


def _no_event(members: Members) -> dict[str, Any]:
    _issuance(members)
    return host()


def _send_again(members: Members) -> dict[str, Any]:
    members.invoke("cert_csr", _issued_before(members))
    return host("run-2")


def _installed(members: Members, *code: str, **more: Any) -> dict[str, Any]:
    members.invoke("cert_deploy", _issuance(members))
    return _status(members, RUN, *code, **more)


def _status(members: Members, run: str, *code: str, **more: Any) -> dict[str, Any]:
    command = members.world.item()["pending"]["installCommandId"]
    for each in code:
        says(members.world, {"installCommandId": command}, each)
    return {**host(run), "commandId": command, "attempt": 0, **more}


def _replaced(members: Members) -> dict[str, Any]:
    _put(members)
    renew(members.world, "run-0")
    members.world.later(days=5)
    members.invoke("cert_deploy", issuance_event(issue(members.world)))
    return _status(members, RUN, revokeReplaced=True)


def _key_gone(members: Members) -> dict[str, Any]:
    members.invoke("cert_deploy", _send_again(members))
    return _status(members, "run-2", "PENDING_REQUEST_MISSING")


def _failure(members: Members) -> dict[str, Any]:
    until_csr_of(members)
    return {**host(), "phase": "CertCSRStatus", "error": {"Error": "CsrFailed", "Cause": "NO_SPACE: no space is left"}}


def until_csr_of(members: Members) -> None:
    _put(members, **LIVE)
    until_csr(members.world)


def _report(members: Members) -> dict[str, Any]:
    members.invoke("cert_check", _check(members))
    until_csr(members.world)
    fail(members.world, "CertCSRStatus", "CsrFailed", "NO_SPACE: no space is left")
    return {"runId": RUN, "bucket": "work", "key": f"runs/{RUN}/hosts.jsonl", "executionArn": f"arn:{RUN}"}


def _digest(members: Members) -> dict[str, Any]:
    _put(members, **MEMBER)
    return {}


def _enrolled(_: Members) -> dict[str, Any]:
    return {"Records": [record(1, None, {"hostID": HOST})]}


def _started(members: Members) -> dict[str, Any]:
    members.ec2.instances[HOST] = ("running", {"CertManaged": "true"})
    members.ssm.nodes[HOST] = ("Online", {"CertManaged": "true"})
    event = {"messageId": "m", "body": json.dumps(ec2_event(HOST, "running"))}
    return {"Records": [{**event, "attributes": {"ApproximateReceiveCount": "1"}}]}


def _looked_for(members: Members) -> dict[str, Any]:
    _started(members)
    return {}


def _live(members: Members) -> None:
    _put(members)
    renew(members.world)
    renew(members.world, "run-2")
    members.world.later(hours=1)


def _terminated(members: Members) -> dict[str, Any]:
    _live(members)
    members.ec2.instances[HOST] = ("terminated", {})
    return ec2_event(HOST, "terminated")


def _reconciled(members: Members) -> dict[str, Any]:
    _terminated(members)
    return {"reconcile": True}


def _retired_by_hand(members: Members) -> dict[str, Any]:
    _live(members)
    return {"hostIDs": [HOST], "reason": "KEY_COMPROMISE"}


def _removed(members: Members) -> dict[str, Any]:
    _live(members)
    before = members.world.item()
    members.world.dynamodb.raw.delete_item(TableName="inventory", Key={"hostID": {"S": HOST}})
    members.ec2.instances[HOST] = ("terminated", {})
    return {"Records": [record(1, before, None)]}


def _answer_lost(members: Members) -> dict[str, Any]:
    """A request of which nothing is known but its intent: the report of the CA is asked for, and read later."""
    payload = _issue(members)
    members.invoke("cert_issue", payload)
    key = {"hostID": {"S": HOST}, "requestId": {"S": members.world.certificates()[0].request_id}}
    members.world.dynamodb.raw.update_item(
        TableName="ledger", Key=key, UpdateExpression="REMOVE certificateArn SET #fate = :requested",
        ExpressionAttributeNames={"#fate": "fate"}, ExpressionAttributeValues={":requested": {"S": "REQUESTED"}},
    )  # fmt: skip
    members.world.later(hours=1)
    members.pca.write_report(members.world.s3.raw, members.world.certificates()[0].requested_at)
    members.world.ledger.remember_report("report-1")
    members.world.later(hours=1)
    return {"reconcile": True}


def _first_crl(members: Members) -> dict[str, Any]:
    write(members.world, members.pca.ca.crl(1, revoked=1))
    return {"Records": [crl_record()]}


def _next_crl(members: Members) -> dict[str, Any]:
    members.invoke("crl_processor", _first_crl(members))
    write(members.world, members.pca.ca.crl(2, revoked=2))
    return {"Records": [crl_record()]}


def _lost_crl(members: Members) -> dict[str, Any]:
    _next_crl(members)
    return {}


def _is_told(members: Members, _: object) -> bool:
    return bool(members.world.inbox.messages())


def _is_listed(members: Members, _: object) -> bool:
    return [line["hostID"] for line in members.world.lines(f"runs/{RUN}/hosts.jsonl")] == [HOST]


def _is_taken(members: Members, answer: dict[str, Any]) -> bool:
    return answer["state"] == "ISSUED" and "keyOf" in members.world.item()["pending"]


def _is_one_certificate(members: Members, _: object) -> bool:
    arns = list(members.pca.certificates)
    known = [entry.certificate_arn for entry in members.world.certificates()]
    return len(arns) == 1 and known == arns and members.world.item()["pending"]["certificateArn"] == arns[0]


def _is_sent(members: Members, _: object) -> bool:
    commands = members.ssm.sent("InstallCertificate")
    return "installCommandId" in members.world.item()["pending"] and 1 <= len(commands) <= 2


def _is_sent_and_told(members: Members, _: object) -> bool:
    """Where the event came to nothing, as if another were at it, the task has not ended, and the workflow calls."""
    if TOKEN not in members.world.step_functions.outcomes:
        members.world.later(minutes=2)
        members.invoke("cert_deploy", host())
    return _is_sent(members, _)


def _is_live(members: Members, _: object) -> bool:
    item, newest = members.world.item(), members.world.certificates()[0]
    live = int(str(newest.serial), 16)
    return item["status"] == "DEPLOYED" and newest.fate == "LIVE" and live not in members.pca.revoked


def _is_replaced(members: Members, _: object) -> bool:
    old = members.world.certificates()[1]
    return _is_live(members, None) and int(str(old.serial), 16) in members.pca.revoked and old.fate == "REVOKED"


def _is_in_force(members: Members, number: int) -> bool:
    """Whatever is of our name: an ImportCrl that AWS got twice leaves two, and both are kept up to date."""
    return set(in_force(members.world)) == {number}


def _is_gone(members: Members, _: object) -> bool:
    entries = members.world.certificates()
    revoked = {int(str(entry.serial), 16) for entry in entries} == set(members.pca.revoked)
    return revoked and members.world.item().get("status") in (None, "RETIRED")


USES = (
    Use("cert_check", "a run", _check, _is_listed),
    Use("cert_csr", "a new key", _csr, lambda m, _: "csrCommandId" in m.world.item()["pending"]),
    Use("cert_csr", "issued before", _issued_before, _is_taken),
    Use("cert_csr_status", "a CSR", _csr_status, lambda _, a: a["state"] == "READY"),
    Use("cert_issue", "a certificate", _issue, _is_one_certificate),
    Use("cert_deploy", "the event", _issuance, _is_sent_and_told),
    Use("cert_deploy", "no event", _no_event, _is_sent),
    Use("cert_deploy", "issued before", _send_again, lambda m, _: "installCommandId" in m.world.item()["pending"]),
    Use("cert_deploy_status", "went well", _installed, _is_live),
    Use("cert_deploy_status", "replaced and revoked", _replaced, _is_replaced),
    Use("cert_deploy_status", "went wrong", lambda m: _installed(m, "HOOK_FAILED"),
        lambda m, _: m.world.certificates()[0].install_failed == "HOOK_FAILED", "HOOK_FAILED"),
    Use("cert_deploy_status", "the key is gone", _key_gone,
        lambda m, a: a["state"] == "AFRESH" and "keyOf" not in m.world.item()["pending"]),
    Use("cert_failure", "a failure", _failure,
        lambda m, _: (m.world.item()["status"], m.world.item()["failureCount"]) == ("FAILED", 1)),
    Use("cert_report", "a run with a failure", _report, _is_told),
    Use("cert_digest", "a digest", _digest, _is_told),
    Use("cert_enroll", "a new host", _enrolled, lambda m, _: len(m.runs.started) == 1),
    Use("cert_register", "an instance that starts", _started, lambda m, _: m.world.item()["enrolledBy"] == "tag"),
    Use("cert_register", "the schedule", _looked_for, lambda m, _: m.world.item()["enrolledBy"] == "tag"),
    Use("cert_retire", "an instance ends", _terminated, _is_gone),
    Use("cert_retire", "the schedule finds it gone", _reconciled, _is_gone),
    Use("cert_retire", "by hand", _retired_by_hand, _is_gone),
    Use("cert_retire", "an item was removed", _removed, _is_gone),
    Use("cert_retire", "an answer was lost", _answer_lost, lambda m, _: m.world.certificates()[0].serial is not None),
    Use("crl_processor", "the first", _first_crl, lambda m, _: _is_in_force(m, 1)),
    Use("crl_processor", "a newer one", _next_crl, lambda m, _: _is_in_force(m, 2)),
    Use("crl_processor", "the event was lost", _lost_crl, lambda m, _: _is_in_force(m, 2)),
)  # fmt: skip
