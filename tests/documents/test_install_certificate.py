"""InstallCertificate: what goes live, what is refused, and what a repeated command does."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pca_automator.ssm_documents import script
from tests.documents.conftest import needs_root
from tests.documents.host import FILE_NAMES, Host, new_request, serial_of
from tests.documents.pki import DAY, Authority


def mode(path: Any) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("style", ["env", "text"])
def test_makes_certificate_key_and_chain_live(
    make_host: Callable[..., Host], platform: dict[str, Any], style: str
) -> None:
    host = make_host(**platform, style=style)
    host.add_helper()
    request, certificate = host.prepare()
    outcome = host.install(request, certificate)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout.count("\n") == 1
    assert outcome.result | {"clock": "", "clockDifference": ""} == {
        "requestId": request,
        "serial": serial_of(certificate),
        "notAfter": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "validated": "true",
        "switched": "true",
        "previous": "none",
        "takeover": "false",
        "clock": "",
        "clockDifference": "",
        "throttled": "0",
        "notices": "none",
        "skippedHooks": "none",
        "otherHosts": "none",
    }
    assert host.shown().matches
    assert host.shown().serial == host.live == serial_of(certificate)
    assert host.shown().chain.decode() == host.authority.chain
    first = host.live
    second = host.renew()
    assert second.result["previous"] == first
    assert host.shown().matches
    assert host.live == second.result["serial"] != first
    assert not host.leftovers()


@pytest.mark.parametrize("algorithm", ["RSA_2048", "EC_secp384r1"])
def test_other_kinds_of_key_go_live_too(host: Host, algorithm: str) -> None:
    request = new_request()
    csr = host.generate(request, keyAlgorithm=algorithm).csr
    assert host.install(request, host.authority.issue(csr)).status == 0
    assert host.shown().matches


def test_layout_and_modes_are_those_that_the_guide_promises(live_host: Host) -> None:
    host = live_host
    assert {path.name for path in host.store.iterdir()} == {"current", "state", "versions", "pending"}
    version = host.store / "versions" / host.live
    assert {path.name for path in version.iterdir()} == FILE_NAMES
    assert mode(host.store_root) == mode(host.store) == mode(version.parent) == mode(version) == 0o711
    assert mode(host.store / "pending") == 0o700
    assert mode(host.public["tls.key"]) == 0o400
    assert mode(host.public["tls.crt"]) == mode(host.public["ca.crt"]) == 0o644
    assert mode(host.certs) == mode(host.private) == 0o755
    assert not list((host.store / "pending").iterdir())
    for name, path in host.public.items():
        assert os.readlink(path) == f"{host.store}/current/{name}"


def test_bundle_and_full_chain_are_switched_with_the_rest(host: Host) -> None:
    host.renew(bundle="true")
    live = host.store / "current"
    certificate, key, chain = (live.joinpath(name).read_bytes() for name in ("tls.crt", "tls.key", "ca.crt"))
    assert (live / "bundle.pem").read_bytes() == certificate + chain + key
    assert (live / "fullchain.pem").read_bytes() == certificate + chain
    assert mode(live / "bundle.pem") == 0o400
    assert mode(live / "fullchain.pem") == 0o644


def test_modes_are_those_that_were_asked_for(host: Host) -> None:
    host.renew(certMode="0640", keyMode="440", bundle="true")
    live = host.store / "current"
    assert [mode(live / name) for name in ("tls.crt", "ca.crt", "fullchain.pem")] == [0o640] * 3
    assert [mode(live / name) for name in ("tls.key", "bundle.pem")] == [0o440] * 2


@needs_root
def test_files_are_given_to_the_owner_and_group_that_were_asked_for(host: Host) -> None:
    host.renew(fileOwner="nobody", fileGroup="daemon")
    for path in host.public.values():
        assert (path.stat().st_uid, path.owner(), path.group()) == (path.stat().st_uid, "nobody", "daemon")
    host.renew(fileGroup="mail")
    assert (host.public["tls.key"].owner(), host.public["tls.key"].group()) == ("nobody", "mail")


@needs_root
def test_an_owner_that_does_not_exist_is_named_and_nothing_changes(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    outcome = host.install(*host.prepare(), fileOwner="no-such-user")
    assert outcome.error == "OWNER_UNKNOWN"
    assert "no-such-user" in outcome.sentence
    assert host.shown() == before
    assert not host.leftovers()


def test_what_the_files_have_is_kept_when_nothing_is_asked_for(host: Host) -> None:
    host.renew(keyMode="0440", certMode="0444")
    host.renew()
    assert mode(host.public["tls.key"]) == 0o440
    assert mode(host.public["tls.crt"]) == 0o444


def test_a_key_that_others_could_read_gets_a_successor_that_they_cannot(live_host: Host) -> None:
    host = live_host
    host.public["tls.key"].chmod(0o644)
    host.renew()
    assert mode(host.public["tls.key"]) == 0o640


def test_files_that_others_could_write_get_successors_that_they_cannot(live_host: Host) -> None:
    """Who can write the chain decides whom the host's services trust."""
    host = live_host
    host.public["tls.crt"].chmod(0o666)
    host.renew()
    assert [mode(host.public[name]) for name in ("tls.crt", "ca.crt")] == [0o664, 0o644]


def test_the_same_command_again_changes_nothing(host: Host) -> None:
    request, certificate = host.prepare()
    host.add_helper()
    host.install(request, certificate)
    before = host.shown()
    inode = (host.store / "current").lstat().st_ino
    host.add_helper("echo the live one is not proven again >&2; exit 1")
    again = host.install(request, certificate)
    assert again.result["switched"] == "false"
    assert again.result["validated"] == "true"
    assert again.result["previous"] == "none"
    assert host.shown() == before
    assert (host.store / "current").lstat().st_ino == inode


def test_a_command_with_another_chain_is_not_taken_for_one_that_was_done(host: Host) -> None:
    """Of an unconfirmed installation, as after a kill: what is live is not what this command brings."""
    host.add_hook("10-hook", f"[ -e '{host.root}/well' ] || kill -9 $PPID")
    request, certificate = host.prepare()
    assert host.install(request, certificate).status != 0  # killed before it was confirmed
    (host.root / "well").touch()
    longer = host.authority.chain + Authority("One more").chain
    outcome = host.install(request, certificate, chain=longer)
    assert outcome.status == 0, outcome
    assert outcome.result["switched"] == "true"
    assert host.shown().chain.decode() == longer
    assert host.install(request, certificate, chain=host.authority.chain).error == "PENDING_REQUEST_MISSING"
    assert host.shown().chain.decode() == longer


def test_the_same_command_again_repairs_a_public_link(host: Host) -> None:
    request, certificate = host.prepare()
    host.install(request, certificate)
    before = host.shown()
    host.public["tls.key"].unlink()
    assert host.install(request, certificate).status == 0
    assert host.shown() == before


def test_a_live_version_that_was_damaged_is_replaced_and_never_removed_first(host: Host) -> None:
    request, certificate = host.prepare()
    key = (host.store / "pending" / request / "tls.key").read_bytes()
    host.install(request, certificate)
    damaged = host.store / "versions" / host.live
    (damaged / "tls.crt").write_text("lost\n")
    pending = host.store / "pending" / request
    pending.mkdir(mode=0o700)
    (pending / "tls.key").write_bytes(key)
    outcome = host.install(request, certificate)
    assert outcome.result["switched"] == "true"
    assert host.shown().matches
    assert host.live == f"{serial_of(certificate)}-b"


@pytest.mark.parametrize("kept", [1, 3])
def test_as_many_former_versions_are_kept_as_asked_for(host: Host, kept: int) -> None:
    serials = [host.renew(versionsKept=str(kept)).result["serial"] for _ in range(kept + 2)]
    assert {path.name for path in (host.store / "versions").iterdir()} == set(serials[-kept - 1 :])


def test_a_changed_override_leaves_the_old_names_showing_the_live_pair(live_host: Host) -> None:
    host = live_host
    former = host.public["tls.crt"]
    host.certs = host.root / "srv/tls"
    host.renew()
    assert host.shown().matches
    assert former.read_bytes() == host.shown().certificate


@pytest.mark.parametrize(("behind", "least"), [(-100, 100), (0, 0), (100, -100)])
def test_the_difference_of_the_clocks_is_reported(host: Host, behind: int, least: int) -> None:
    result = host.install(*host.prepare(), sentAt=str(int(time.time()) + behind)).result
    assert least <= int(result["clockDifference"]) <= least + 30
    assert host.renew().result["clockDifference"] == "unknown"


def test_a_clock_that_is_too_slow_for_the_certificate_is_told_by_how_much(live_host: Host) -> None:
    host = live_host
    request, certificate = host.prepare(starts=timedelta(minutes=30))
    outcome = host.install(request, certificate, sentAt=str(int(time.time()) + 3600))
    assert outcome.error == "CERTIFICATE_NOT_VALID_NOW"
    found = re.search(
        r"the clock of this host shows [-0-9T:]+Z, (\d+) s before this command was sent$", outcome.sentence
    )
    assert found
    assert 3500 < int(found[1]) <= 3600


def refusals() -> dict[str, tuple[str, Callable[[Host, str], Any], str]]:
    other_key = Authority("Somebody else's CA")

    def wrong_key(host: Host, request: str) -> Any:
        return host.install(request, host.prepare()[1])

    def issue(**how: Any) -> Callable[[Host, str], Any]:
        return lambda host, request: host.install(request, host.authority.issue(host.generate(request).csr, **how))

    def wrong_chain(host: Host, request: str) -> Any:
        certificate = host.authority.issue(host.generate(request).csr)
        return host.install(request, certificate, chain=other_key.chain)

    def no_chain(host: Host, request: str) -> Any:
        return host.install(request, host.authority.issue(host.generate(request).csr), chain="no certificate\n")

    def no_certificate(host: Host, request: str) -> Any:
        return host.run("InstallCertificate", requestId=request, certificate="bm90aGluZw==", chain="bm90aGluZw==")

    def bad_base64(host: Host, request: str) -> Any:
        return host.run("InstallCertificate", requestId=request, certificate="====", chain="====")

    def no_request(host: Host, _: str) -> Any:
        return host.install(new_request(), host.prepare()[1])

    return {
        "a certificate for another key": ("CERTIFICATE_KEY_MISMATCH", wrong_key, "was not issued for the key"),
        "an expired certificate": (
            "CERTIFICATE_NOT_VALID_NOW",
            issue(starts=-2 * DAY, ends=-DAY),
            "clock of this host",
        ),
        "one that is not valid yet": (
            "CERTIFICATE_NOT_VALID_NOW",
            issue(starts=timedelta(minutes=5)),
            "clock of this host",
        ),
        "one for another host": ("CERTIFICATE_SUBJECT_MISMATCH", issue(common_name="i-0123456789abcdef1"), "abcdef1"),
        "one of another CA": ("CHAIN_INVALID", wrong_chain, "with its chain: unable to get local issuer certificate"),
        "a chain without certificates": ("CHAIN_INVALID", no_chain, "chain"),
        "no certificate": ("CHAIN_INVALID", no_certificate, "certificate cannot be read"),
        "bad base64": ("CHAIN_INVALID", bad_base64, "certificate cannot be read"),
        "a request that is not pending": ("PENDING_REQUEST_MISSING", no_request, "no pending key"),
    }


def test_refuses_with_the_reason_and_leaves_the_old_pair_live(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    for case, (code, attempt, words) in refusals().items():
        request = new_request()
        host.generate(request)
        outcome = attempt(host, request)
        assert (outcome.status, outcome.error) == (1, code), (case, outcome)
        assert words in outcome.sentence, case
        assert host.shown() == before, case
        assert not host.leftovers(), case


def test_refuses_a_certificate_for_another_key(host: Host, make_host: Callable[..., Host]) -> None:
    request = new_request()
    host.generate(request)
    _, foreign = make_host(authority=host.authority).prepare()
    assert host.install(request, foreign).error == "CERTIFICATE_KEY_MISMATCH"
    assert host.shows_nothing()
    assert not host.leftovers()


def test_the_hosts_own_trusted_certificates_do_not_make_a_chain_valid(host: Host) -> None:
    """openssl would look into its own directory and file as well; the chain that came with the certificate decides."""
    request, certificate = host.prepare()
    trusted = host.root / "trusted"
    trusted.mkdir()
    root = trusted / "root.pem"
    root.write_text(host.authority.chain)
    digest = subprocess.run(
        ["openssl", "x509", "-in", root, "-noout", "-subject_hash"], capture_output=True, text=True, check=True
    ).stdout.strip()
    (trusted / f"{digest}.0").symlink_to(root)
    host.keyword["prefix"] = ["env", f"SSL_CERT_FILE={root}", f"SSL_CERT_DIR={trusted}"]
    assert host.install(request, certificate, chain=Authority("Another").chain).error == "CHAIN_INVALID"


def test_a_chain_through_an_intermediate_is_verified(make_host: Callable[..., Host]) -> None:
    root = Authority("Offline root")
    host = make_host(authority=Authority("Issuing CA", parent=root))
    host.renew()
    assert host.shown().matches
    assert host.shown().chain.decode() == host.authority.chain
    request, certificate = host.prepare()
    assert host.install(request, certificate, chain=root.chain).error == "CHAIN_INVALID"


def test_text_around_certificates_is_not_installed(host: Host) -> None:
    request, certificate = host.prepare()
    noisy = "Bag Attributes: x\n" + host.authority.chain + "trailing words\n"
    assert host.install(request, certificate, chain=noisy).status == 0
    assert host.shown().chain.decode() == host.authority.chain


def test_a_long_chain_arrives_whole(make_host: Callable[..., Host]) -> None:
    authority = Authority()
    for number in range(6):
        authority = Authority(f"CA number {number} " + "x" * 40, parent=authority)
    host = make_host(authority=authority)
    host.renew()
    assert host.shown().chain.decode() == authority.chain


@pytest.mark.parametrize(
    ("serial", "shown"), [(0x0A, "a"), (0x7F00AB, "7f00ab"), (0xFEDCBA9876543210, "fedcba9876543210")]
)
def test_serials_are_lower_hex_without_leading_zeros(host: Host, serial: int, shown: str) -> None:
    request, certificate = host.prepare(serial=serial)
    assert host.install(request, certificate).result["serial"] == shown == host.live


def test_a_first_installation_that_fails_leaves_no_names(host: Host) -> None:
    host.add_helper("exit 1")
    outcome = host.install(*host.prepare())
    assert outcome.error == "ROLES_ANYWHERE_REJECTED"
    assert not any(os.path.lexists(path) for path in host.public.values())
    assert not host.leftovers()


def test_a_missing_tool_is_named(host: Host) -> None:
    text = script("GenerateCsr").replace("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n", "\n")
    folder = host.root / "bin"
    folder.mkdir()
    for tool in ("sh", "tr", "cut", "id"):
        (folder / tool).symlink_to(f"/usr/bin/{tool}" if os.path.exists(f"/usr/bin/{tool}") else f"/bin/{tool}")
    host.keyword["text"] = text
    host.path = str(folder)
    host.shell = (str(folder / "sh"),)
    outcome = host.generate(new_request())
    assert outcome.error == "MISSING_TOOL"
    assert outcome.sentence.startswith("openssl is not installed on this host")


def test_going_back_by_hand_works_as_the_guide_says(live_host: Host) -> None:
    host = live_host
    former = host.live
    host.renew()
    guide = (Path(__file__).parents[2] / "docs" / "hosts.md").read_text()
    (line,) = (line for line in guide.splitlines() if line.startswith("# mkdir by-hand"))
    by_hand = line.removeprefix("# ").replace("<serial>", former)
    subprocess.run(["sh", "-eu", "-c", by_hand], cwd=host.store, check=True)
    assert host.shown().serial == former
    assert host.shown().matches
    assert host.renew().result["previous"] == former


def test_a_repeated_command_that_does_not_know_what_was_before_takes_nothing_away(host: Host) -> None:
    """A power cut right after the switch can leave an empty state; here the live key is damaged as well."""
    former = host.renew().result["serial"]
    request, certificate = host.prepare()
    host.install(request, certificate)
    (host.store / "state").write_text("")
    key = host.store / "versions" / host.live / "tls.key"
    key.chmod(0o600)
    key.write_bytes((host.store / "versions" / former / "tls.key").read_bytes())
    before = host.shown()
    outcome = host.install(request, certificate)
    assert outcome.error == "VERIFY_FAILED"
    assert host.shown() == before


TIMES = {
    "those that are younger look older": lambda age: 2_000_000_000 - age,
    "all look the same": lambda age: 1_700_000_000 + 0 * age,
    "some are from the future": lambda age: 4_000_000_000 if age % 2 else 1_000_000_000,
}


@pytest.mark.parametrize(
    "case", [next(iter(TIMES)), *(pytest.param(name, marks=pytest.mark.long) for name in list(TIMES)[1:])]
)
def test_former_versions_are_forgotten_by_when_they_were_installed(host: Host, case: str) -> None:
    """Whoever touches, copies or restores a file of a version gives it another time."""
    serials = []
    for _ in range(4):
        serials.append(host.renew(versionsKept="2").result["serial"])
        for age, old in enumerate(serials):
            if (host.store / "versions" / old).exists():
                os.utime(host.store / "versions" / old, (TIMES[case](age), TIMES[case](age)))
    assert {path.name for path in (host.store / "versions").iterdir()} == set(serials[1:])
