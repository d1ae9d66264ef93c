"""A certificate that was issued and could not be put in service is installed again, and not paid for twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.errors.kinds import HostUnreachable, InstallFailed, PcaAutomatorError
from pca_runtime.inventory.ledger import Entry
from pca_runtime.renewal.last_issued import CERTIFICATES_OWN, HOSTS_OWN, usable
from pca_runtime.shared.identifiers import request_id

from tests.members import members
from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import CA_ARN
from tests.runtime.pki import NOW
from tests.runtime.renewal.steps import LIVE, completed, fail, finish, host, issuance_event

OTHERS = ["ROLES_ANYWHERE_REJECTED", "VERIFY_FAILED", "INTERNAL", "CERTIFICATE_NOT_VALID_NOW"]


def start(world: World, run: str, *, by_hand: bool | None = False) -> dict[str, Any]:
    """CertCSR, as the workflow calls it."""
    more = {} if by_hand is None else {"byHand": by_hand}
    at = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return world.invoke("cert_csr", {**host(run), "startAt": at, "lane": "bulk", "runHosts": 1, "requeues": 0, **more})


def anew(world: World, run: str, sent: dict[str, Any]) -> dict[str, Any]:
    """From the host's new key to the install command."""
    assert sent["state"] == "SENT"
    polled = {**host(run), "commandId": sent["commandId"], "attempt": 0}
    csr = world.invoke("cert_csr_status", polled)["csr"]
    token = f"token-{run}"
    world.invoke("cert_issue", {**host(run), "csr": csr, "taskToken": token})
    world.invoke("cert_deploy", issuance_event(world.item()["pending"]["certificateArn"]))
    return completed(world, token)


def says(world: World, install: dict[str, Any], code: str) -> None:
    """The host's answer to an install command is an error."""
    world.ssm.invocations[install["installCommandId"]] = {
        "Status": "Failed", "StandardOutputContent": f"PCA_ERROR {code} as the host says\n", "ResponseCode": 1,
    }  # fmt: skip


def fails(world: World, run: str, install: dict[str, Any], code: str) -> None:
    """The installation fails, and the run records it."""
    says(world, install, code)
    with pytest.raises((InstallFailed, HostUnreachable)) as failed:
        finish(world, install, run)
    fail(world, "CertDeployStatus", "InstallFailed", str(failed.value), run=run)


def failed_once(world: World, code: str, **attributes: Any) -> str:
    """A run that had a certificate issued and could not install it; returns its ARN."""
    world.put(**{**LIVE, **attributes})
    install = anew(world, "run-1", start(world, "run-1"))
    arn = str(world.item()["pending"]["certificateArn"])
    fails(world, "run-1", install, code)
    return arn


def issued(world: World) -> int:
    return world.pca.count("issue_certificate")


ANSWERED = sorted(HOSTS_OWN - {"ROLES_ANYWHERE_THROTTLED", "COMMAND_TIMED_OUT", "HOST_UNDELIVERABLE"}) + OTHERS


@pytest.mark.parametrize("code", members(ANSWERED, [*ANSWERED[:-4:3], OTHERS[0]]))
def test_the_next_run_installs_what_the_last_one_had_issued(world: World, code: str) -> None:
    arn = failed_once(world, code)
    world.later(hours=12)
    answer = start(world, "run-2")
    assert (answer["state"], answer["requeues"]) == ("ISSUED", 0)
    install = world.invoke("cert_deploy", host("run-2"))
    # The host has the key under the name of the request that it was made for.
    assert world.ssm.sent("InstallCertificate")[-1]["Parameters"]["requestId"] == [request_id("run-1", HOST)]
    assert finish(world, install, "run-2")["state"] == "DEPLOYED"
    item = world.item()
    assert (item["status"], item["certificateArn"], item["lastRunId"]) == ("DEPLOYED", arn, "run-2")
    assert not {"pending", "runId", "lastError", "failureCount"} & item.keys()
    assert issued(world) == 1
    assert len(world.ssm.sent("GenerateCsr")) == 1
    assert [(entry.fate, entry.certificate_arn) for entry in world.certificates()] == [("LIVE", arn)]


def test_a_host_whose_hook_is_broken_for_days_is_paid_for_once_in_half_a_life(world: World) -> None:
    failed_once(world, "HOOK_FAILED")
    states = []
    for number in range(2, 9):
        world.later(hours=12)
        answer = start(world, f"run-{number}")
        states.append(answer["state"])
        if answer["state"] == "ISSUED":
            install = world.invoke("cert_deploy", host(f"run-{number}"))
        else:
            install = anew(world, f"run-{number}", answer)
        fails(world, f"run-{number}", install, "HOOK_FAILED")
    # Of seven days, three and a half.
    assert states == ["ISSUED"] * 6 + ["SENT"]
    assert issued(world) == 2


@pytest.mark.parametrize("code", members([*OTHERS, "NOBODY_KNOWS_THIS"], [OTHERS[0], "NOBODY_KNOWS_THIS"]))
def test_where_the_certificate_may_be_at_fault_it_is_tried_once_more_and_then_a_new_one(
    world: World, code: str
) -> None:
    failed_once(world, code)
    world.later(hours=12)
    assert start(world, "run-2")["state"] == "ISSUED"
    fails(world, "run-2", world.invoke("cert_deploy", host("run-2")), code)
    world.later(hours=12)
    install = anew(world, "run-3", start(world, "run-3"))
    assert finish(world, install, "run-3")["state"] == "DEPLOYED"
    assert issued(world) == 2


@pytest.mark.parametrize("code", sorted(CERTIFICATES_OWN))
def test_a_certificate_that_can_never_be_installed_is_not_tried_again(world: World, code: str) -> None:
    failed_once(world, code)
    world.later(hours=12)
    assert start(world, "run-2")["state"] == "SENT"


@pytest.mark.parametrize("code", members(sorted(CERTIFICATES_OWN), sorted(CERTIFICATES_OWN)[::2]))
def test_a_key_that_is_gone_is_made_anew_within_the_same_run(world: World, code: str) -> None:
    """Somebody has cleaned the store since: that must not cost the host another half day."""
    failed_once(world, "NO_SPACE")
    world.later(hours=12)
    assert start(world, "run-2")["state"] == "ISSUED"
    install = world.invoke("cert_deploy", host("run-2"))
    says(world, install, code)
    assert finish(world, install, "run-2")["state"] == "AFRESH"
    install = anew(world, "run-2", start(world, "run-2"))
    assert world.ssm.sent("InstallCertificate")[-1]["Parameters"]["requestId"] == [request_id("run-2", HOST)]
    assert finish(world, install, "run-2")["state"] == "DEPLOYED"
    assert issued(world) == 2
    # Its own certificate that the host cannot use is the run's failure, as ever: there is no second way round.
    new, old = world.certificates()
    assert (new.fate, old.fate, old.install_failed) == ("LIVE", "ISSUED", code)


@pytest.mark.parametrize("ended", ["timed out", "stopped", "never delivered", "command timed out"])
def test_whatever_ended_the_installation_the_certificate_is_kept(world: World, ended: str) -> None:
    world.put(**LIVE)
    install = anew(world, "run-1", start(world, "run-1"))
    if ended == "timed out":
        fail(world, "CertDeployStatus", "InstallTimedOut", "the host did not finish", run="run-1")
    elif ended != "stopped":
        details = "Undeliverable" if ended == "never delivered" else "TimedOut"
        world.ssm.invocations[install["installCommandId"]] = {"Status": "TimedOut", "StatusDetails": details}
        with pytest.raises((HostUnreachable, InstallFailed)) as failed:
            finish(world, install)
        fail(world, "CertDeployStatus", "InstallFailed", str(failed.value), run="run-1")
    world.later(hours=12)
    assert start(world, "run-2")["state"] == "ISSUED"
    assert finish(world, world.invoke("cert_deploy", host("run-2")), "run-2")["state"] == "DEPLOYED"
    assert issued(world) == 1


def test_who_asks_for_something_else_by_now_gets_a_new_certificate(world: World) -> None:
    failed_once(world, "NO_SPACE", dnsNames={"a.example.com"})
    world.later(hours=12)
    world.put(**{**world.item(), "dnsNames": {"b.example.com"}})
    assert start(world, "run-2")["state"] == "SENT"


def test_where_its_files_go_may_have_changed(world: World) -> None:
    failed_once(world, "DIRECTORY_NOT_WRITABLE", certPath="/srv/read-only")
    world.later(hours=12)
    world.put(**{**world.item(), "certPath": "/srv/other"})
    assert start(world, "run-2")["state"] == "ISSUED"
    assert finish(world, world.invoke("cert_deploy", host("run-2")), "run-2")["state"] == "DEPLOYED"
    assert world.ssm.sent("InstallCertificate")[-1]["Parameters"]["certPath"] == ["/srv/other"]


@pytest.mark.parametrize("by_hand", [True, None], ids=["a person forces it", "an older definition of the workflow"])
def test_a_new_key_is_made_where_a_person_forces_it_and_where_the_workflow_knows_no_other_way(
    world: World, by_hand: bool | None
) -> None:
    failed_once(world, "NO_SPACE")
    world.later(hours=12)
    assert start(world, "run-2", by_hand=by_hand)["state"] == "SENT"


def test_the_budget_does_not_hold_what_costs_nothing(world: World) -> None:
    failed_once(world, "HOOK_FAILED", failureCount=9)
    for number in range(9):
        world.issued(f"{number + 1:x}", minutes=-number - 1)
    world.later(minutes=30)
    assert start(world, "run-2")["state"] == "ISSUED"


def test_an_answer_that_was_lost_is_given_again(world: World) -> None:
    arn = failed_once(world, "LOCKED")
    world.later(hours=12)
    assert start(world, "run-2") == start(world, "run-2")
    install = world.invoke("cert_deploy", host("run-2"))
    assert world.invoke("cert_deploy", host("run-2")) == install
    assert finish(world, install, "run-2")["state"] == finish(world, install, "run-2")["state"] == "DEPLOYED"
    assert world.item()["certificateArn"] == arn
    assert len(world.ssm.sent("InstallCertificate")) == 2


def test_an_event_that_comes_late_is_no_second_command(world: World) -> None:
    arn = failed_once(world, "LOCKED")
    world.later(minutes=5)
    start(world, "run-2")
    assert world.invoke("cert_deploy", issuance_event(arn))["state"] == "SENT"
    install = world.invoke("cert_deploy", host("run-2"))
    assert finish(world, install, "run-2")["state"] == "DEPLOYED"
    assert len(world.ssm.sent("InstallCertificate")) == 2


def test_the_answer_of_another_request_is_not_the_hosts_answer(world: World) -> None:
    failed_once(world, "LOCKED")
    world.later(hours=12)
    start(world, "run-2")
    install = world.invoke("cert_deploy", host("run-2"))
    output = world.ssm.invocations[install["installCommandId"]]["StandardOutputContent"]
    own = output.replace(request_id("run-1", HOST), request_id("run-2", HOST))
    world.ssm.invocations[install["installCommandId"]]["StandardOutputContent"] = own
    with pytest.raises(InstallFailed, match="HOST_RESULT_FOREIGN"):
        finish(world, install, "run-2")


@pytest.mark.parametrize("key_of", [request_id("run-9", HOST), "0" * 32, "../x", 7])
def test_what_is_written_into_an_item_chooses_no_key(world: World, key_of: Any) -> None:
    """The ledger says for which request the host has the key; an item's word for another is not sent."""
    failed_once(world, "LOCKED")
    world.later(hours=12)
    start(world, "run-2")
    world.put(**{**world.item(), "pending": {**world.item()["pending"], "keyOf": key_of}})
    install = world.invoke("cert_deploy", host("run-2"))
    assert world.ssm.sent("InstallCertificate")[-1]["Parameters"]["requestId"] == [request_id("run-1", HOST)]
    with pytest.raises(PcaAutomatorError):
        finish(world, install, "run-2")
    assert [entry.fate for entry in world.certificates()] == ["ISSUED"]


ENTRY = Entry(
    HOST, "r1", "run-1", NOW - timedelta(days=1), "f" * 64, "ISSUED", f"{CA_ARN}/certificate/1", "1",
    NOW + timedelta(days=6), install_failed="NO_SPACE", asked="{}",
)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"fate": "REQUESTED"}, {"fate": "LIVE"}, {"fate": "REFUSED"}, {"fate": "REVOKED"}, {"certificate_arn": None},
        {"reason": "KEY_COMPROMISE"}, {"asked": None}, {"asked": "{ }"}, {"not_after": None},
        {"not_after": NOW + timedelta(days=1)}, {"not_after": NOW - timedelta(days=1)}, {"run_id": ""},
        {"request_id": "r1+second"},
    ],
    ids=str,
)  # fmt: skip
def test_a_certificate_is_taken_only_while_everything_about_it_is_right(change: dict[str, Any]) -> None:
    assert usable([ENTRY], "{}", NOW) is ENTRY
    assert usable([Entry(**{**vars(ENTRY), **change})], "{}", NOW) is None


def test_only_what_was_asked_for_last_is_taken() -> None:
    """What is older was replaced, or its key is gone; but a request that came to nothing was no request."""
    newer = Entry(**{**vars(ENTRY), "request_id": "r2", "requested_at": NOW, "fate": "REQUESTED", "asked": "{}"})
    assert usable([newer, ENTRY], "{}", NOW) is None
    nothing = Entry(**{**vars(newer), "fate": "NOT_ISSUED"})
    assert usable([nothing, ENTRY], "{}", NOW) is ENTRY


def test_the_codes_are_those_of_the_catalogue() -> None:
    assert {*HOSTS_OWN, *CERTIFICATES_OWN} <= CATALOGUE.keys()
