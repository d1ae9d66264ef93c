"""The workflow's calls, in its order, for tests that begin in the middle of a renewal."""

from __future__ import annotations

import json
from typing import Any

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CA_ARN

RUN = "run-1"
TOKEN = "token-1"
# What an operator wrote and what the last renewal left: none of it may ever get lost.
LIVE = {
    "status": "DEPLOYED",
    "serial": "0abc",
    "expiry": "2026-11-25T12:00:00Z",
    "renewalDate": "2026-11-23T12:00:00Z",
    "certificateArn": f"{CA_ARN}/certificate/old",
    "validated": True,
    "lastRunId": "run-0",
    "lastAttempt": "2026-11-18T03:20:00Z",
}
USERS = {
    "certPath": "/srv/my certs",
    "keyPath": "/srv/keys/",
    "dnsNames": {"b.example.com", "a.example.com"},
    "fileGroup": "ssl-cert",
    "keyMode": "0640",
    "team": "payments",
    "note": {"ticket": 7},
}


def host(run: str = RUN, host_id: str = HOST) -> dict[str, str]:
    return {"hostID": host_id, "runId": run}


def issuance_event(arn: str, *, result: str = "success", ca: str = CA_ARN) -> dict[str, Any]:
    """As published: https://docs.aws.amazon.com/privateca/latest/userguide/CloudWatchEvents.html"""
    return {
        "version": "0",
        "source": "aws.acm-pca",
        "detail-type": "ACM Private CA Certificate Issuance",
        "resources": [ca, arn],
        "detail": {"result": result},
    }


def until_csr(world: World, run: str = RUN, host_id: str = HOST) -> dict[str, Any]:
    """CertCSR and CertCSRStatus."""
    sent = world.invoke("cert_csr", host(run, host_id))
    polled = {**host(run, host_id), "commandId": sent["commandId"], "attempt": sent["attempt"]}
    return world.invoke("cert_csr_status", polled)


def issue(world: World, token: str = TOKEN, run: str = RUN, host_id: str = HOST) -> str:
    """CertCSR to CertIssue; returns the certificate's ARN."""
    ready = until_csr(world, run, host_id)
    world.invoke("cert_issue", {**host(run, host_id), "csr": ready["csr"], "taskToken": token})
    return str(world.item(host_id)["pending"]["certificateArn"])


def completed(world: World, token: str = TOKEN) -> dict[str, Any]:
    """The output that the waiting task got."""
    return json.loads(world.step_functions.outcomes[token]["output"])


def finish(world: World, install: dict[str, Any], run: str = RUN, host_id: str = HOST) -> dict[str, Any]:
    """CertDeployStatus, once."""
    payload = {**host(run, host_id), "commandId": install["installCommandId"], "attempt": install["attempt"]}
    return world.invoke("cert_deploy_status", payload)


def renew(world: World, run: str = RUN, host_id: str = HOST) -> None:
    """A healthy renewal from end to end."""
    arn = issue(world, f"token-{run}-{host_id}", run, host_id)
    world.invoke("cert_deploy", issuance_event(arn))
    assert finish(world, completed(world, f"token-{run}-{host_id}"), run, host_id)["state"] == "DEPLOYED"


def fail(
    world: World, phase: str, error: str, cause: str, run: str = RUN, host_id: str = HOST, **more: str
) -> dict[str, Any]:
    """CertFailure."""
    payload = {**host(run, host_id), **more, "phase": phase, "error": {"Error": error, "Cause": cause}}
    return world.invoke("cert_failure", payload)
