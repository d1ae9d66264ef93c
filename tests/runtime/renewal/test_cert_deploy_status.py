"""CertDeployStatus: only what the host confirms becomes the live certificate."""

from __future__ import annotations

from typing import Any

import pytest
from pca_runtime.errors.kinds import HostUnreachable, InstallFailed, LeaseLost
from pca_runtime.shared.identifiers import request_id

from tests.runtime.conftest import HOST, World
from tests.runtime.renewal.steps import LIVE, RUN, completed, finish, host, issuance_event, issue


def installing(world: World, **attributes: Any) -> dict[str, Any]:
    world.put(**attributes)
    world.invoke("cert_deploy", issuance_event(issue(world)))
    return completed(world)


def answer(world: World, install: dict[str, Any], **invocation: Any) -> None:
    world.ssm.invocations[install["installCommandId"]].update(invocation)


def result(world: World, **changes: str) -> str:
    values = {
        "requestId": request_id(RUN, HOST),
        "serial": str(world.item()["pending"]["serial"]),
        "validated": "true",
        "previous": "none",
    }
    return "PCA_RESULT " + " ".join(f"{key}={value}" for key, value in {**values, **changes}.items()) + "\n"


def test_waits_without_touching_the_table(world: World) -> None:
    install = installing(world, **LIVE)
    answer(world, install, Status="InProgress")
    before, calls = world.item(), len(world.dynamodb.calls)
    waiting = finish(world, install)
    assert waiting == {"state": "PENDING", "attempt": 1, "commandId": install["installCommandId"]}
    assert (world.item(), len(world.dynamodb.calls)) == (before, calls)


@pytest.mark.parametrize(("said", "validated"), [("true", True), ("false", False), ("", False), ("TRUE", False)])
def test_records_whether_roles_anywhere_accepted_it(world: World, said: str, validated: bool) -> None:
    install = installing(world)
    answer(world, install, StandardOutputContent=result(world, validated=said))
    finish(world, install)
    assert world.item()["validated"] is validated


@pytest.mark.parametrize(
    ("said", "previous"), [("0f00", "0f00"), ("none", "0abc"), ("", "0abc"), ("../x", "0abc"), ("A" * 100, "0abc")]
)
def test_the_replaced_serial_is_the_hosts_word_or_else_the_tables(world: World, said: str, previous: str) -> None:
    install = installing(world, **LIVE)
    answer(world, install, StandardOutputContent=result(world, previous=said))
    finish(world, install)
    assert world.item()["previousSerial"] == previous


def test_a_serial_is_compared_as_a_number(world: World) -> None:
    install = installing(world)
    serial = world.item()["pending"]["serial"]
    answer(world, install, StandardOutputContent=result(world, serial=f"00{serial.upper()}"))
    assert finish(world, install)["state"] == "DEPLOYED"
    assert world.item()["serial"] == serial


@pytest.mark.parametrize("changes", [{"serial": "0abc"}, {"serial": ""}, {"requestId": "0" * 32}])
def test_the_answer_to_something_else_records_nothing(world: World, changes: dict[str, str]) -> None:
    install = installing(world, **LIVE)
    answer(world, install, StandardOutputContent=result(world, **changes))
    before = world.item()
    with pytest.raises(InstallFailed, match="HOST_RESULT_FOREIGN"):
        finish(world, install)
    assert world.item() == before


def test_the_hosts_words_reach_the_workflow(world: World) -> None:
    install = installing(world)
    said = "PCA_ERROR HOOK_FAILED the hook 10-nginx ended with status 1; the old pair is back\n"
    answer(world, install, Status="Failed", StatusDetails="Failed", StandardOutputContent=said)
    with pytest.raises(InstallFailed) as failed:
        finish(world, install)
    words = "the hook 10-nginx ended with status 1; the old pair is back"
    assert str(failed.value) == f'HOOK_FAILED: the host says: "{words}"'


def test_a_host_that_never_answers_is_unreachable(world: World) -> None:
    install = installing(world)
    answer(world, install, Status="TimedOut", StatusDetails="DeliveryTimedOut")
    with pytest.raises(HostUnreachable):
        finish(world, install)


def test_a_repeated_call_after_the_record_says_deployed_and_writes_nothing(world: World) -> None:
    install = installing(world)
    finish(world, install)
    before, entries = world.item(), world.certificates()
    world.later(minutes=5)
    assert finish(world, install)["state"] == "DEPLOYED"
    assert (world.item(), world.certificates()) == (before, entries)


@pytest.mark.parametrize(
    "attributes",
    [
        {"status": "RETIRED", "serial": "0abc"},
        {"status": "RENEWING", "runId": "other", "leaseUntil": "2026-11-23T14:00:00Z", "pending": {"requestId": "x"}},
        {**LIVE, "status": "FAILED", "lastRunId": RUN},
    ],
)
def test_a_host_that_is_no_longer_ours_is_not_recorded(world: World, attributes: dict[str, Any]) -> None:
    install = installing(world)
    world.put(**attributes)
    before = world.item()
    with pytest.raises(LeaseLost):
        finish(world, install)
    assert world.item() == before


def test_a_host_retired_by_hand_during_the_install_stays_retired(world: World) -> None:
    install = installing(world)
    world.put(**{**{key: value for key, value in world.item().items() if key != "hostID"}, "status": "RETIRED"})
    with pytest.raises(LeaseLost):
        finish(world, install)
    assert world.item()["status"] == "RETIRED"


def test_nothing_is_recorded_when_nothing_was_to_be_installed(world: World) -> None:
    world.put()
    sent = world.invoke("cert_csr", host())
    world.ssm.invocations[sent["commandId"]]["StandardOutputContent"] = (
        f"PCA_RESULT requestId={request_id(RUN, HOST)} serial=0a\n"
    )
    with pytest.raises(InstallFailed, match="NOTHING_ISSUED"):
        world.invoke("cert_deploy_status", {**host(), "commandId": sent["commandId"], "attempt": 0})
