"""CertDigest: the whole fleet in a mail that can be read in ten seconds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.runtime.conftest import World
from tests.runtime.fakes import ANCHOR_ARN, client_error
from tests.runtime.renewal.steps import fail
from tests.runtime.renewal.test_cert_check import DAY, ManyHosts, host_id, live


def digest(world: World) -> str:
    """Send one; what the mail says."""
    world.invoke("cert_digest", {})
    (message,) = world.inbox.messages()
    return f"{message['Subject']}\n{message['Message']}"


def put_crl(world: World, revoked: int, *, name: str = "pca-automator", anchor: str = ANCHOR_ARN) -> None:
    der = world.pca.ca.crl(1, revoked=revoked)
    pem = x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
    world.roles_anywhere.add(name, pem, anchor)


def test_counts_the_fleet_and_says_who_runs_out_first(world: World) -> None:
    world.put(host_id(1), **live(5 * DAY, 3 * DAY))
    world.put(host_id(2), **live(timedelta(hours=30), -DAY))
    world.put(host_id(3), **live(-DAY, -3 * DAY))
    world.put(host_id(4))
    world.put(host_id(5), status="RETIRED")
    world.put("not-a-host")
    text = digest(world)
    for expected in (
        "     4  hosts", "     3  due", "     1  overdue", "     1  without a certificate", "     0  failed",
        "     1  in quarantine", f"Least time left:   EXPIRED 1 d 0 h ago, {host_id(3)}",
        "99 of 100 have:    EXPIRED 1 d 0 h ago", "pca-automator status",
    ):  # fmt: skip
        assert expected in text


def test_groups_the_failed_by_cause_and_says_what_to_do(world: World) -> None:
    for number, (phase, code) in enumerate(
        [("CertDeployStatus", "HOOK_FAILED"), ("CertDeployStatus", "HOOK_FAILED"), ("CertCSRStatus", "NO_SPACE")]
    ):
        world.put(host_id(number), **live((3 - number) * DAY, DAY))
        fail(world, phase, "X", f"{code}: it went wrong", host_id=host_id(number))
    text = digest(world)
    worst = "1 thing needs a person: 3 hosts failed (2 HOOK_FAILED, 1 NO_SPACE)"
    assert text.startswith(f"[fleet] least time left 1 d 0 h, {worst}\n")
    assert text.index("2 hosts: HOOK_FAILED in CertDeployStatus") < text.index("1 host: NO_SPACE in CertCSRStatus")
    assert text.count("What to do:") == 2
    failed = text.split("FAILED, MOST URGENT FIRST")[1].splitlines()
    assert [line.split()[0] for line in failed if line.startswith("  i-")] == [host_id(2), host_id(1), host_id(0)]


def test_a_healthy_fleet_has_nothing_but_numbers(world: World) -> None:
    world.put(host_id(1), **live(5 * DAY, 3 * DAY))
    text = digest(world)
    assert text.startswith("[fleet] certificates: all well, least time left 5 d 0 h\n")
    assert "     1  host\n" in text
    assert "     0  in quarantine" in text
    assert "WHY" not in text
    assert "FAILED, MOST URGENT FIRST" not in text


def test_an_empty_fleet_is_no_error(world: World) -> None:
    text = digest(world)
    assert "     0  hosts\n" in text
    assert "Least time left:   no certificate\n" in text


def test_says_how_the_ca_is(world: World) -> None:
    world.pca.status = "DISABLED"
    text = digest(world)
    assert "CA:                the CA is DISABLED, until 2036-11-2" in text
    subject, _, _ = text.partition("\n")
    assert subject.startswith("[fleet] least time left no certificate, 1 thing needs a person: the CA is DISABLED")


def test_says_which_crl_is_in_force_at_our_trust_anchor(world: World) -> None:
    put_crl(world, 9, name="another")
    put_crl(world, 7, anchor="arn:aws:rolesanywhere:eu-central-1:111122223333:trust-anchor/other")
    put_crl(world, 3)
    text = digest(world)
    assert "CRL in force:      enabled, 3 entries, next update 2026-11-30T13:15:00Z\n" in text
    assert world.roles_anywhere.count("list_crls") == 2


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("none", "none yet"),
        ("disabled", "DISABLED, 3 entries"),
        ("broken", "cannot be read"),
        ("off", "distributes none"),
    ],
)
def test_says_what_is_wrong_with_the_crl(world: World, monkeypatch: pytest.MonkeyPatch, state: str, words: str) -> None:
    if state == "off":
        monkeypatch.setenv("CRL_NAME", "")
    elif state != "none":
        put_crl(world, 3)
        world.roles_anywhere.crls[0].update(
            {"disabled": {"enabled": False}, "broken": {"crlData": b"-----BEGIN X"}}[state]
        )
    assert words in digest(world)


def test_a_service_that_does_not_answer_leaves_the_rest_of_the_digest(world: World) -> None:
    world.put(host_id(1), **live(5 * DAY, 3 * DAY))
    world.pca.fail("describe_certificate_authority", client_error("AccessDeniedException"))
    world.roles_anywhere.fail("list_crls", client_error("ThrottlingException"))
    text = digest(world)
    assert "CA:                could not be looked at: ACCESS_REFUSED" in text
    assert "CRL in force:      could not be looked at: SERVICE_THROTTLED" in text
    assert "     1  host\n" in text


def test_ten_thousand_failed_hosts_make_a_short_mail(world: World) -> None:
    world.dynamodb = ManyFailed()
    text = digest(world)
    assert " 10000  failed" in text
    assert "... and 9980 more:\n    pca-automator hosts list --failed" in text
    assert len(text.encode()) < 10_000


class ManyFailed(ManyHosts):
    """10,000 hosts of which each failed for a reason that it chose itself."""

    def __init__(self) -> None:
        super().__init__(10_000, None)

    def scan(self, **request: object) -> dict[str, object]:
        page: dict[str, object] = super().scan(**request)
        items = page["Items"]
        assert isinstance(items, list)
        for item in items:
            error = {"phase": {"S": "CertDeployStatus"}, "code": {"S": "HOOK_FAILED"}, "message": {"S": "\x1b[2J"}}
            item.update({"status": {"S": "FAILED"}, "lastError": {"M": error}})
        return page


def test_the_mail_is_plain_text(world: World) -> None:
    world.put(host_id(1), status="FAILED", lastError={"phase": "\x1b[2J", "code": "\x07", "message": "x"})
    assert all(line.isprintable() for line in digest(world).splitlines())


def test_a_digest_that_is_asked_for_twice_writes_nothing(world: World) -> None:
    """A schedule may fire twice: two mails that say the same, and nothing else."""
    world.put(host_id(1), **live(5 * DAY, 3 * DAY))
    before = world.item(host_id(1))
    assert digest(world) == digest(world)
    assert world.item(host_id(1)) == before
    assert (world.pca.count("issue_certificate"), world.ssm.calls) == (0, [])
