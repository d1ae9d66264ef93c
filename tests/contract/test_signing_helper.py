"""The stand-in of ``aws_signing_helper`` and the documents, held to every fact that was recorded of the real tool.

Recorded with 1.8.0 and 1.4.0 (the last with the first AWS SDK for Go), both whole. A fact is a text that the tool says,
a property of its requests, or a way in which it does not run. Each has a row; the rows are counted.
"""

from __future__ import annotations

import datetime as dt
import importlib
import re
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from pca_automator import ssm_documents
from pca_automator.rehearsal.local_aws.roles_anywhere.signature import SignedRequest, verify
from pca_automator.rehearsal.stage import signing_helper
from pca_automator.rehearsal.stage.helper_words import NETWORK, SERVICE, Words
from tests.documents.pki import Authority, pem
from tests.rehearsal import test_helper_requests as requests
from tests.rehearsal.test_helper_requests import Service, ask

VERSIONS = ("1.8.0", "1.4.0")
RECORDED = {"run": 9, "service": 11, "network": 12, "configuration": 6, "request": 14, "proxy": 5, "environment": 3}
"""How many facts there are of each kind."""

bare_environment = requests.bare_environment
pair = requests.pair
service = requests.service

RUN = {
    "an empty file of mode 0755 is no proof": "tests.documents.test_proof:NO_PROOF:an empty file",
    "nor is a script that ends well": "tests.documents.test_proof:NO_PROOF:a script that does nothing",
    "nor is a comment": "tests.documents.test_proof:NO_PROOF:a comment",
    "nor is a wrapper that leaves the helper behind": "tests.documents.test_proof:NO_ANSWER:a helper in the background",
    "no glibc: the loader is not there": "tests.documents.test_proof:NO_PROOF:an interpreter that is gone",
    "too old a glibc": "tests.documents.test_proof:NO_PROOF:a missing library",
    "a program for another machine": "tests.documents.test_proof:test_a_program_for_another_machine_is_not_run",
    "a truncated program": "tests.documents.test_proof:test_a_program_that_is_truncated_is_not_run",
    "the limit of time ends it": "tests.documents.test_proof:test_a_helper_that_hangs_is_ended",
}
# What the service answers, by what the tool says of it.
ANSWERS = {
    "Certificate revoked": (403, "AccessDeniedException", "Certificate revoked"),
    "Untrusted certificate": (403, "AccessDeniedException", "Untrusted certificate. Insufficient certificate"),
    "wrong role": (403, "AccessDeniedException", "Unable to assume role for arn:aws:iam::1:role/x"),
    "wrong anchor": (404, "ResourceNotFoundException", "Trust anchor not found"),
    "duration of 60 s": (400, "ValidationException", "durationSeconds must be 900 or more"),
    "other Region": (403, "AccessDeniedException", "Credential should be scoped to a valid Region"),
    "Signature expired": (403, "InvalidSignatureException", "Signature expired: 20261126T0Z is now earlier than"),
    "Signature not yet current": (
        403, "InvalidSignatureException", "Signature not yet current: 20261126T0Z is still later",
    ),
    "ThrottlingException": (429, "ThrottlingException", "Rate exceeded"),
    "InternalServerException": (500, "InternalServerException", "internal"),
    "503": (503, "ServiceUnavailable", "Service Unavailable"),
}  # fmt: skip


def at(module: str, name: str, case: str = "") -> Any:
    found = getattr(importlib.import_module(module), name)
    return found[case] if case else found


def same(text: str) -> str:
    """What is said, without what differs each time: when, where and what was asked."""
    text = re.sub(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "STAMP", text.strip())
    text = re.sub(r'https?://[^" ]*', "URL", text)
    text = re.sub(r"\d+\.\d+\.\d+\.\d+:\d+", "PLACE", text)
    return re.sub(r"lookup \S+:", "lookup NAME:", text)


def spoken(version: str) -> set[str]:
    return {same(words.text) for words in (*SERVICE, *NETWORK) if words.version == version}


@pytest.mark.parametrize("fact", RUN)
def test_what_is_no_helper_is_tried_with_the_documents(fact: str) -> None:
    assert at(*RUN[fact].split(":"))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("fact", ANSWERS)
def test_a_refusal_is_told_in_the_words_of_the_table(
    service: Service, pair: tuple[str, str], fact: str, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, error, message = ANSWERS[fact]
    service.answer = (status, {"__type": error, "message": message})
    assert ask(pair, service.endpoint, version=version) == 1
    said = capsys.readouterr()
    assert said.out == ""
    if fact not in ("duration of 60 s", "other Region"):
        assert same(said.err) in spoken(version)
    assert error in said.err
    assert message in said.err
    assert re.match(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", said.err), "the host's time, without its zone"


@contextmanager
def speaking(conversation: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port of this machine at which something else speaks than the service."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    conversation(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def request_of(connection: socket.socket) -> None:
    connection.settimeout(5)
    seen = b""
    while b'"durationSeconds":900}' not in seen:
        seen += connection.recv(65_536)


def hang_up(connection: socket.socket) -> None:
    request_of(connection)


def reset(connection: socket.socket) -> None:
    request_of(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def page(connection: socket.socket) -> None:
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>")


def no_tls(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def tunnel(answer: str) -> Callable[[socket.socket], None]:
    def refuse(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())

    return refuse


@pytest.fixture
def untrusted(tmp_path: Path) -> Callable[[socket.socket], None]:
    """TLS with a certificate that nobody trusts."""
    authority = Authority()
    file = tmp_path / "server.pem"
    key = authority.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM) + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def speak(connection: socket.socket) -> None:
        try:
            context.wrap_socket(connection, server_side=True)
        except OSError:
            return

    return speak


NETWORK_FACTS = {
    "connection refused": "connect: connection refused", "no such host": "no such host", "unreachable": "unreachable",
    "dropped packets": "i/o timeout", "EOF": "EOF", "reset": "connection reset by peer",
    "a page instead of an answer": "'<'", "not TLS": "first record does not look like a TLS handshake",
    "a certificate of somebody else": "x509: certificate signed by unknown authority", "proxy: Forbidden": "Forbidden",
    "proxy: Proxy Authentication Required": "Proxy Authentication Required", "proxy: refused": "proxyconnect tcp",
}  # fmt: skip
CONVERSATIONS = {"EOF": hang_up, "reset": reset, "a page instead of an answer": page, "not TLS": no_tls}
RAISED = {
    "no such host": socket.gaierror(-2, "Name or service not known"),
    "unreachable": OSError(101, "Network is unreachable"), "dropped packets": TimeoutError("timed out"),
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("fact", NETWORK_FACTS)
def test_a_fault_on_the_way_is_told_in_the_words_of_the_table(
    pair: tuple[str, str], fact: str, version: str, untrusted: Callable[[socket.socket], None],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Faults of this machine's own network, where one can be made without the network."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    conversation = {**CONVERSATIONS, "a certificate of somebody else": untrusted}.get(fact)
    scheme = "https" if fact in ("not TLS", "a certificate of somebody else") or fact.startswith("proxy") else "http"
    if fact.startswith("proxy: ") and fact != "proxy: refused":
        status = {"Forbidden": "403 Forbidden"}.get(fact[7:], f"407 {fact[7:]}")
        conversation = tunnel(status)
    with speaking(conversation or hang_up) as port:
        endpoint = f"{scheme}://127.0.0.1:{port}"
        if fact in RAISED:
            error = RAISED[fact]
            monkeypatch.setattr(socket, "create_connection", lambda *_, **__: (_ for _ in ()).throw(error))
        if fact.startswith("proxy: "):
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
            endpoint = "https://rolesanywhere.invalid"
        if conversation is not None or fact in RAISED:
            status = ask(pair, endpoint, "--with-proxy", version=version)
    if conversation is None and fact not in RAISED:  # nobody listens any more
        status = ask(pair, endpoint, "--with-proxy", version=version)
    said = capsys.readouterr()
    assert (status, said.out) == (1, "")
    assert NETWORK_FACTS[fact] in said.err
    assert same(said.err) in spoken(version), said.err


def test_a_connection_that_nobody_answers_is_given_up_after_thirty_seconds() -> None:
    """Less than the documents wait for it, so that the tool can say so."""
    seconds = re.search(r"^helper_seconds=(\d+)$", shell_file("prove.sh"), re.MULTILINE)
    assert seconds is not None
    assert signing_helper.DIAL_SECONDS == 30 < int(seconds[1])


def shell_file(name: str) -> str:
    return (Path(ssm_documents.__file__).parent / "shell" / name).read_text()


ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ROLESANYWHERE")


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_of_the_environment_is_asked_by_the_second_sdk_alone(
    service: Service, pair: tuple[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From which the documents keep it, or a proof would be anybody's."""
    monkeypatch.setenv(name, service.endpoint)
    assert ask_without_endpoint(pair, "1.8.0") == 0
    assert len(service.requests) == 1
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: (_ for _ in ()).throw(OSError(101, "away")))
    assert ask_without_endpoint(pair, "1.4.0") == 1
    assert len(service.requests) == 1


def ask_without_endpoint(pair: tuple[str, str], version: str) -> int:
    arns = ("--trust-anchor-arn", requests.ANCHOR, "--profile-arn", requests.PROFILE, "--role-arn", requests.ROLE)
    command = ("credential-process", "--certificate", pair[0], "--private-key", pair[1], *arns)
    return signing_helper.main((*command, "--session-duration", "900"), version)


KEYS: dict[str, Callable[[], Any]] = {
    "RSA_2048": lambda: rsa.generate_private_key(65537, 2048),
    "EC_prime256v1": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC_secp384r1": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA_4096": lambda: rsa.generate_private_key(65537, 4096),
}  # fmt: skip


@pytest.mark.parametrize(
    "algorithm", [pytest.param(name, marks=pytest.mark.long) if name == "RSA_4096" else name for name in KEYS]
)
def test_signatures_of_every_key_form_and_chain_are_accepted(service: Service, tmp_path: Path, algorithm: str) -> None:
    key = KEYS[algorithm]()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "i-0123456789abcdef0")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, SHA256())
    root = Authority()
    middle = Authority("Middle", parent=root)
    issuing = Authority("Issuing", parent=middle)
    text = request.public_bytes(serialization.Encoding.PEM).decode()
    certificate, key_file, chain = tmp_path / "tls.crt", tmp_path / "tls.key", tmp_path / "chain.pem"
    forms = (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL)
    for depth, authority in enumerate((root, middle, issuing)):
        certificate.write_bytes(authority.issue(text).public_bytes(serialization.Encoding.PEM))
        chain.write_text("".join(pem(each.certificate) for each in (issuing, middle)[2 - depth :]))
        for form in forms:
            key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
            for version in VERSIONS:
                more = ("--intermediates", str(chain)) if depth else ()
                assert ask((str(certificate), str(key_file)), service.endpoint, *more, version=version) == 0
                signer = verify(signed_request(service.requests[-1]), dt.datetime.now(dt.UTC))
                assert signer.certificate.public_key() == key.public_key()
                assert len(signer.chain) == depth
                assert signer.region == "eu-central-1"


def signed_request(seen: dict[str, Any]) -> SignedRequest:
    path, _, query = seen["target"].partition("?")
    headers = {name.lower(): value for name, value in seen["headers"].items()}
    return SignedRequest("POST", path, query, headers, seen["body"])


HERE = "tests.contract.test_signing_helper:test_"
THERE = "tests.rehearsal.test_helper_requests:test_"
PROOF = "tests.documents.test_proof:test_"
ELSEWHERE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "configuration",
        f"{THERE}a_configuration_that_the_second_sdk_refuses_sends_nothing_and_the_first_does_not_look",
        ("AWS_PROFILE", "AWS_RETRY_MODE", "AWS_USE_FIPS_ENDPOINT", "AWS_CA_BUNDLE", "an sso_session without a section"),
    ),
    (
        "configuration",
        f"{HERE}an_endpoint_of_the_environment_is_asked_by_the_second_sdk_alone",
        ("AWS_ENDPOINT_URL sends the proof elsewhere",),
    ),
    (
        "request",
        f"{THERE}the_arns_are_in_the_query_and_the_duration_alone_in_the_body",
        ("ARNs in the query", "900 s in the body", "chunks with the first SDK", "the form of credential_process"),
    ),
    (
        "request",
        f"{THERE}it_asks_as_often_as_its_sdk_and_says_so_in_its_words",
        (
            "the second SDK asks three times", "the first four times", "the second as often as it is told",
            "once after a refusal", "what is not modelled takes two lines with the first SDK",
        ),
    ),
    (
        "request",
        f"{THERE}the_region_is_that_of_the_trust_anchor_whatever_the_environment_says",
        ("the Region comes from the ARN",),
    ),
    ("request", f"{THERE}a_wrong_command_ends_with_status_1", ("a wrong flag ends with 1",)),
    ("request", f"{THERE}the_version_alone_is_printed", ("version prints the number alone",)),
    ("request", f"{HERE}signatures_of_every_key_form_and_chain_are_accepted", ("24 of 24 signatures are accepted",)),
    (
        "request",
        f"{HERE}a_connection_that_nobody_answers_is_given_up_after_thirty_seconds",
        ("one dial takes 30 s",),
    ),
    (
        "proxy",
        f"{THERE}the_first_sdk_takes_a_proxy_only_if_it_is_told_to",
        ("1.8.0 honours https_proxy always", "1.4.0 with the flag", "none without the flag"),
    ),
    ("proxy", f"{THERE}what_no_proxy_names_goes_by_no_proxy", ("no_proxy spares",)),
    (
        "proxy",
        f"{PROOF}helpers_that_take_a_proxy_only_if_they_are_told_to_are_told",
        ("the documents pass the flag",),
    ),
    ("environment", f"{PROOF}the_helper_has_an_environment_of_our_own", ("an environment of our own, and /",)),
    ("environment", f"{PROOF}the_credentials_appear_nowhere", ("no credential in any output",)),
    ("environment", f"{PROOF}the_line_that_names_the_cause_is_reported", ("the cause among all lines",)),
)  # fmt: skip


def test_every_fact_that_was_recorded_has_its_row() -> None:
    rows = Counter({"run": len(RUN), "service": len(ANSWERS), "network": len(NETWORK_FACTS)})
    for kind, shown_by, facts in ELSEWHERE:
        assert callable(at(*shown_by.split(":"))), shown_by
        rows[kind] += len(facts)
    assert dict(rows) == RECORDED


def test_the_table_has_every_text_in_the_words_of_both_versions() -> None:
    def causes(table: tuple[Words, ...], version: str) -> list[str]:
        return [words.code for words in table if words.version == version]

    for table in (SERVICE, NETWORK):
        assert causes(table, "1.8.0") == causes(table, "1.4.0")
    for quoted in NETWORK_FACTS.values():
        for version in VERSIONS:
            assert any(quoted in words.text for words in NETWORK if words.version == version), quoted
