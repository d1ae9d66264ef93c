"""What the stand-in for ``aws_signing_helper`` sends, held to what was recorded of the real 1.8.0 and 1.4.0.

Who has the real tool runs a rehearsal with ``--signing-helper``; this holds the stand-in to the same facts for whoever
has not: the same request, as often, by the same way, and none where the real tool sends none.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pca_automator.rehearsal.stage import helper_words, signing_helper
from tests.documents.pki import Authority

ANCHOR = "arn:aws:rolesanywhere:eu-central-1:111122223333:trust-anchor/0f1e2d3c-0000-4000-8000-000000000001"
PROFILE = "arn:aws:rolesanywhere:eu-central-1:111122223333:profile/0f1e2d3c-0000-4000-8000-000000000002"
ROLE = "arn:aws:iam::111122223333:role/Proof"
OLD, NEW = "1.4.0", "1.8.0"
SESSION = {
    "credentialSet": [
        {"credentials": {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c", "expiration": "d"}}
    ]
}
THROTTLED = (429, {"__type": "ThrottlingException", "message": "Rate exceeded"})
BROKEN = (500, {"__type": "InternalServerException", "message": "internal"})
REVOKED = (403, {"__type": "AccessDeniedException", "message": "Certificate revoked"})


class Service:
    """Writes requests down, and answers what it is told to; a proxy sees the same requests with whole addresses."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answer: tuple[int, dict[str, Any]] = (201, SESSION)
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if chunked := self.headers.get("Transfer-Encoding") == "chunked":
                    body = b""
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                service.requests.append(
                    {"target": self.path, "headers": dict(self.headers), "body": body, "chunked": chunked}
                )
                status, answer = service.answer
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the requests are kept."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def end(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.end()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What decides is what a test sets."""
    for scheme in ("http", "https", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)
    for name in ("AWS_PROFILE", "AWS_MAX_ATTEMPTS", "AWS_CONFIG_FILE", "AWS_RETRY_MODE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Certificate and key of a host."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import NameOID

    folder = tmp_path_factory.mktemp("pair")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "i-0123456789abcdef0")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, SHA256())
    encoding = serialization.Encoding.PEM
    certificate = Authority().issue(request.public_bytes(encoding).decode())
    (folder / "tls.crt").write_bytes(certificate.public_bytes(encoding))
    (folder / "tls.key").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "tls.crt"), str(folder / "tls.key")


def ask(pair: tuple[str, str], endpoint: str, *more: str, version: str = NEW) -> int:
    certificate, key = pair
    arns = ("--trust-anchor-arn", ANCHOR, "--profile-arn", PROFILE, "--role-arn", ROLE)
    command = ("credential-process", "--certificate", certificate, "--private-key", key, *arns)
    return signing_helper.main((*command, "--session-duration", "900", "--endpoint", endpoint, *more), version)


@pytest.mark.parametrize(("version", "chunked"), [(NEW, False), (OLD, True)])
def test_the_arns_are_in_the_query_and_the_duration_alone_in_the_body(
    service: Service, pair: tuple[str, str], version: str, chunked: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(pair, service.endpoint, version=version) == 0
    (request,) = service.requests
    target = urlsplit(request["target"])
    assert target.path == "/sessions"
    assert parse_qs(target.query) == {"profileArn": [PROFILE], "roleArn": [ROLE], "trustAnchorArn": [ANCHOR]}
    assert request["body"] == b'{"durationSeconds":900}'
    assert request["chunked"] is chunked, "the first SDK sends the body in chunks"
    assert ("Content-Length" in request["headers"]) is not chunked
    assert json.loads(capsys.readouterr().out) == {
        "Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", "Expiration": "d",
    }  # fmt: skip


@pytest.mark.parametrize("version", [NEW, OLD])
def test_the_region_is_that_of_the_trust_anchor_whatever_the_environment_says(
    service: Service, pair: tuple[str, str], version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert ask(pair, service.endpoint, version=version) == 0
    headers = {name.lower(): value for name, value in service.requests[0]["headers"].items()}
    assert headers["authorization"].startswith("AWS4-X509-")
    assert "/eu-central-1/rolesanywhere/aws4_request" in headers["authorization"]
    assert "x-amz-x509" in headers


@pytest.mark.parametrize(
    ("version", "answer", "attempts", "asked"),
    [
        (NEW, THROTTLED, None, 3), (NEW, BROKEN, None, 3), (NEW, THROTTLED, "1", 1), (NEW, REVOKED, None, 1),
        (OLD, THROTTLED, None, 4), (OLD, THROTTLED, "1", 4), (OLD, REVOKED, None, 1),
    ],
)  # fmt: skip
def test_it_asks_as_often_as_its_sdk_and_says_so_in_its_words(
    service: Service, pair: tuple[str, str], version: str, answer: Any, attempts: str | None, asked: int,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    if attempts is not None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", attempts)
    service.answer = answer
    assert ask(pair, service.endpoint, version=version) == 1
    assert len(service.requests) == asked
    status, words = answer
    said = capsys.readouterr()
    stamp = said.err[: len("2026/11/26 09:29:10")]
    assert said.err == helper_words.refused(version, status, words["__type"], words["message"], stamp) + "\n"
    assert said.out == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_PROFILE", "nobody"), ("AWS_RETRY_MODE", "legacy"), ("AWS_USE_FIPS_ENDPOINT", "yes"),
        ("AWS_CA_BUNDLE", "/nowhere/ca.pem"), ("HOME", "sso"),
    ],
)  # fmt: skip
def test_a_configuration_that_the_second_sdk_refuses_sends_nothing_and_the_first_does_not_look(
    service: Service, pair: tuple[str, str], name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    """Root's own profiles and settings, from which the documents keep the helper away."""
    if value == "sso":
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws" / "config").write_text("[default]\nsso_session = gone\n")
        value = str(tmp_path)
    monkeypatch.setenv(name, value)
    assert ask(pair, service.endpoint) == 1
    assert service.requests == []
    assert ask(pair, service.endpoint, version=OLD) == 0
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("version", "flag", "through"), [(NEW, False, True), (NEW, True, True), (OLD, False, False), (OLD, True, True)]
)
def test_the_first_sdk_takes_a_proxy_only_if_it_is_told_to(
    service: Service, pair: tuple[str, str], version: str, flag: bool, through: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is nobody's: what arrives has come by the proxy."""
    monkeypatch.setenv("http_proxy", service.endpoint)
    endpoint = "http://rolesanywhere.invalid"
    assert ask(pair, endpoint, *(["--with-proxy"] if flag else []), version=version) == int(not through)
    assert [request["target"].startswith(f"{endpoint}/sessions?") for request in service.requests] == [True] * through


@pytest.mark.parametrize("spared", ["rolesanywhere.invalid", ".invalid", "x,rolesanywhere.invalid"])
def test_what_no_proxy_names_goes_by_no_proxy(
    service: Service, pair: tuple[str, str], spared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", service.endpoint)
    monkeypatch.setenv("NO_PROXY", spared)
    assert ask(pair, "http://rolesanywhere.invalid") == 1
    assert service.requests == []


@pytest.mark.parametrize("arguments", [["--nonsense"], ["credential-process"], ["credential-process", "--role-arn"]])
def test_a_wrong_command_ends_with_status_1(arguments: list[str]) -> None:
    assert signing_helper.main(arguments) == 1


@pytest.mark.parametrize("version", [NEW, OLD, "1.5.1"])
def test_the_version_alone_is_printed(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert signing_helper.main(["version"], version) == 0
    assert capsys.readouterr().out == f"{version}\n"
