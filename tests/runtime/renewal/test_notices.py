"""What did not happen on a host although it was renewed: in the item, the event, the report and the digest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.hosts.notices import NOTICES, notices_of
from pca_runtime.reporting.run_report import HostOutcome, RunReport, message_of

from tests.runtime.conftest import HOST, World
from tests.runtime.pki import NOW
from tests.runtime.renewal.steps import LIVE, RUN, completed, fail, finish, issuance_event, issue, until_csr
from tests.runtime.renewal.test_cert_check import host_id
from tests.runtime.reporting.test_cert_report import document, listed, report


def renewed(world: World, said: str, run: str = RUN, name: str = HOST) -> None:
    """A renewal in whose result the host says something beside."""
    token = f"token-{run}-{name}"
    world.invoke("cert_deploy", issuance_event(issue(world, token, run, name)))
    install = completed(world, token)
    answer = world.ssm.invocations[install["installCommandId"]]
    answer["StandardOutputContent"] = answer["StandardOutputContent"].replace("validated=true", said)
    assert finish(world, install, run, name)["state"] == "DEPLOYED"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("notices=HOOKS_SKIPPED skippedHooks=20-reload,README", {"HOOKS_SKIPPED": "20-reload,README"}),
        ("notices=HELPER_GONE skippedHooks=none", {"HELPER_GONE": ""}),
        ("notices=OTHER_HOSTS_KEY,HELPER_BROKEN otherHosts=mi-0", {"OTHER_HOSTS_KEY": "mi-0", "HELPER_BROKEN": ""}),
        ("notices=none skippedHooks=none otherHosts=none", {}),
        ("notices= skippedHooks=a", {}),
        ("", {}),
        ("notices=CA_NOT_ACTIVE,X,hooks_skipped", {}),
        ("notices=HOOKS_SKIPPED skippedHooks=\x1b[2J", {"HOOKS_SKIPPED": ""}),
        (f"notices=HOOKS_SKIPPED skippedHooks={'a' * 900}", {"HOOKS_SKIPPED": "a" * 200}),
    ],
)
def test_what_a_host_says_beside_its_success_is_in_its_item_and_in_the_event(
    world: World, said: str, kept: dict[str, str]
) -> None:
    world.put(**LIVE)
    renewed(world, f"validated=true {said}")
    assert world.item().get("notices", {}) == kept
    (event,) = world.events.details("Host Renewed")
    assert event["notices"] == sorted(kept)


def test_a_notice_is_gone_with_the_renewal_that_has_none_and_stays_when_one_fails(world: World) -> None:
    world.put(**LIVE)
    renewed(world, "validated=true notices=HOOKS_SKIPPED skippedHooks=a")
    world.later(minutes=1)
    until_csr(world, "run-2")
    fail(world, "CertCSRStatus", "CsrFailed", "NO_SPACE: full", run="run-2")
    assert world.item()["notices"] == {"HOOKS_SKIPPED": "a"}, "what is live was installed with it"
    world.later(minutes=1)
    renewed(world, "validated=true notices=none", run="run-3")
    assert "notices" not in world.item()


def a_run(world: World) -> None:
    for number in range(5):
        world.put(host_id(number), **LIVE)
    listed(world)
    world.later(minutes=1)
    renewed(world, "validated=false notices=HELPER_GONE,HOOKS_SKIPPED skippedHooks=a", name=host_id(0))
    renewed(world, "validated=true notices=HOOKS_SKIPPED skippedHooks=b", name=host_id(1))
    renewed(world, "validated=false notices=none", name=host_id(2))
    renewed(world, "validated=true notices=none", name=host_id(3))
    until_csr(world, host_id=host_id(4))
    fail(world, "CertCSRStatus", "CsrFailed", "NO_SPACE: full", host_id=host_id(4))


def test_the_report_counts_the_unproven_and_names_who_has_something_to_say(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    a_run(world)
    capsys.readouterr()
    report(world)
    stored = document(world)
    assert (stored["renewed"], stored["unproven"]) == (4, 2)
    said = [(each["code"], each["hosts"], each["first"]) for each in stored["notices"]]
    assert said == [("HOOKS_SKIPPED", 2, [host_id(0), host_id(1)]), ("HELPER_GONE", 1, [host_id(0)])]
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"HostsUnproven"' in line]
    assert [(line["HostsUnproven"], line["HostsNoticed"]) for line in written] == [([2.0], [2.0])]
    (message,) = world.inbox.messages()
    text = message["Message"]
    assert "     2  renewed without a proof by IAM Roles Anywhere" in text
    part = text.split("RENEWED, BUT SOMETHING IS NOT AS IT SHOULD BE")[1]
    assert "* 2 hosts: HOOKS_SKIPPED" in part
    assert f"pca-automator hosts show {host_id(0)} --live" in part
    assert "* 1 host: HELPER_GONE" in part


def test_a_run_without_notices_says_nothing_of_them(world: World) -> None:
    world.put(**LIVE)
    listed(world)
    renewed(world, "validated=true notices=none")
    report(world)
    stored = document(world)
    assert (stored["unproven"], stored["notices"]) == (0, [])


def test_the_digest_says_who_is_unproven_and_what_did_not_happen(world: World) -> None:
    a_run(world)
    world.invoke("cert_digest", {})
    (message,) = world.inbox.messages()
    text = message["Message"]
    assert "     2  with a certificate that IAM Roles Anywhere was not asked about" in text
    assert f"2 hosts did not run every file in the hooks directory: {host_id(0)}, {host_id(1)}" in text
    assert f"1 host proved certificates, and the helper is gone: {host_id(0)}" in text


def test_a_thousand_notices_make_a_short_mail() -> None:
    run = RunReport("fleet", RUN, NOW, "s3://work/report.json")
    for number in range(1_000):
        run.add(HostOutcome(host_id(number), "renewed", notices=NOTICES))
    text = message_of(run)
    assert text.count(f"{host_id(0)}, ") == len(NOTICES)
    assert "and 980 more" in text
    assert len(text) < 6_000


@pytest.mark.parametrize("code", NOTICES)
def test_every_notice_is_explained(code: str) -> None:
    assert CATALOGUE[code].remedy
    said: dict[str, Any] = {"notices": code}
    assert notices_of(said) == {code: ""}
