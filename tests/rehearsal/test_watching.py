"""The watcher and the other checks of a rehearsal find what they are there to find."""

from __future__ import annotations

import datetime as dt
import errno
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pca_automator.rehearsal.local_aws.run_command.hosts import Host
from pca_automator.rehearsal.report import Report
from pca_automator.rehearsal.scenario.watching import PairWatcher
from pca_automator.rehearsal.stage.hosts import Member, verified_by_openssl
from tests.rehearsal.conftest import eventually

HOST = "i-01234567"
PATHS = {"certPath": "/certs", "keyPath": "/private", "cacertPath": "/certs", "csrPath": "/store"}


def make_version(directory: Path) -> Path:
    """A directory with a self-signed pair."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    directory.mkdir(parents=True)
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (directory / "tls.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (directory / "tls.key").chmod(0o400)
    for file in ("tls.crt", "ca.crt"):
        (directory / file).write_bytes(certificate.public_bytes(pem))
        (directory / file).chmod(0o644)
    return directory


@pytest.fixture
def member(tmp_path: Path) -> Member:
    member = Member(Host(HOST, tmp_path), {}, PATHS)
    store = member.path("csrPath") / HOST
    make_version(store / "versions" / "1")
    make_version(store / "versions" / "2")
    (store / "current").symlink_to("versions/1")
    for path, file in ((member.certificate, "tls.crt"), (member.key, "tls.key"), (member.chain, "ca.crt")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(store / "current" / file)
    return member


def switch(member: Member, version: str) -> None:
    link = member.path("csrPath") / HOST / "current"
    aside = link.with_name("aside")
    aside.symlink_to(f"versions/{version}")
    os.replace(aside, link)


def look_again(watcher: PairWatcher) -> None:
    """Wait until the watcher has looked once more, however long the machine lets it wait."""
    looks = watcher.looks
    assert eventually(lambda: watcher.looks > looks)


def found(watcher: PairWatcher, words: str) -> bool:
    return any(words in mismatch for mismatch in watcher.mismatches)


def test_one_atomic_switch_shows_both_pairs_and_no_mismatch(member: Member) -> None:
    with PairWatcher([member]) as watcher:
        for n in range(20):
            look_again(watcher)
            switch(member, "12"[n % 2])
    assert watcher.mismatches == []
    assert watcher.pairs_seen == 2
    assert watcher.looks > 20


def test_a_key_that_is_replaced_after_its_certificate_is_noticed(member: Member) -> None:
    versions = member.path("csrPath") / HOST / "versions"
    with PairWatcher([member]) as watcher:
        look_again(watcher)
        member.certificate.unlink()
        member.certificate.symlink_to(versions / "2" / "tls.crt")
        assert eventually(lambda: found(watcher, "do not match"))
        member.key.unlink()
        member.key.symlink_to(versions / "2" / "tls.key")


def test_a_moment_without_a_certificate_is_noticed(member: Member) -> None:
    with PairWatcher([member]) as watcher:
        member.certificate.unlink()
    assert found(watcher, "No such file")


def test_what_was_done_in_the_last_moment_is_noticed_by_a_watcher_that_has_not_looked_yet(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that is so busy that the watcher's thread gets its first turn after the end."""
    watcher = PairWatcher([member])
    monkeypatch.setattr(watcher._thread, "start", lambda: None)
    monkeypatch.setattr(watcher._thread, "join", watcher._watch)
    with watcher:
        member.certificate.unlink()
    assert len(watcher.mismatches) == 1


def test_a_link_that_goes_while_it_is_being_read_is_looked_at_once_more(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``realpath`` finds a link, and it is gone, or no link any more, before it has been read."""
    read, moments = os.readlink, [errno.ENOENT, errno.EINVAL]

    def gone_at_first(path: str) -> str:
        if moments:
            raise OSError(moments.pop(0), "as in the moment between two calls", path)
        return read(path)

    monkeypatch.setattr(os, "readlink", gone_at_first)
    with PairWatcher([member]) as watcher:
        look_again(watcher)
    assert moments == []
    assert watcher.mismatches == []


def test_a_watcher_that_fails_says_so_instead_of_having_seen_no_mismatch(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: str) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "readlink", denied)
    with pytest.raises(PermissionError), PairWatcher([member]):
        pass


def test_right_files_have_no_troubles(member: Member) -> None:
    assert member.troubles() == []
    assert verified_by_openssl([member]) == {}


def test_wrong_files_have_troubles(member: Member) -> None:
    (member.path("csrPath") / HOST / "versions" / "1" / "tls.key").chmod(0o440)
    assert member.troubles() == [f"{HOST}.key has mode 440, not 400"]
    other = member.path("csrPath") / HOST / "versions" / "2" / "tls.crt"
    member.certificate.unlink()
    member.certificate.symlink_to(other)
    assert "certificate and key do not match" in member.troubles()
    assert "openssl verify" in verified_by_openssl([member])[HOST]
    member.chain.unlink()
    assert member.troubles() == ["ca_chain_certificate.crt is missing"]


def test_a_report_holds_only_if_every_expectation_does() -> None:
    report = Report()
    assert not report.held  # nothing was looked at
    with report.timed("a"):
        report.count("deployed", 3, 3, "every host")
        assert report.held
        report.count("validated", 2, 3, "each")
    assert not report.held
    shown = report.as_json()
    assert (shown["ok"], shown["deployed"], shown["validated"]) == (False, 3, 2)
    assert [expectation["held"] for expectation in shown["expectations"]] == [True, False]
