"""The AWS CLI itself takes every command that is said: it asks somebody who writes down what he was asked."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.documentation.said import HOST, ROOT
from tests.documentation.test_aws_commands import named

pytestmark = pytest.mark.long

PYTHON = ROOT / "build" / "awscli" / "bin" / "python"
# One process for all: the AWS CLI takes a second to start. What it says of an answer that is none goes to its own end.
DRIVER = """
import contextlib, io, json, sys
from awscli.clidriver import create_clidriver
found = []
for words in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            status = create_clidriver().main(words)
        except SystemExit as end:
            status = end.code
    found.append([status, said.getvalue()])
json.dump(found, sys.stdout)
"""
UUID = "11111111-2222-3333-4444-555555555555"
ARN = f"arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/{UUID}"
# What stands for what is the reader's own.
OWN = {
    "ARN": ARN, "arn": ARN, "anchor": UUID, "profile": UUID, "crl": UUID, "key": UUID, "id": "i-0123456789abcdef0",
    "bucket": "some-bucket", "InventoryTableName": "table", "StateMachineArn": ARN, "RetireFunctionArn": "retire",
    "URL": "http://127.0.0.1/queue", "TABLE": "table", "CRLPROCESSOR": "processor", "CRL-BUCKET": "some-bucket",
    "CA-ARN": ARN, "CERTIFICATE-ARN": f"{ARN}/certificate/{'1' * 32}", "ANCHOR-ID": UUID,
}  # fmt: skip
# The longer ones first, which end with others.
_UPPER = sorted((name for name in OWN if name.isupper()), key=len, reverse=True)
_SCHEDULE = {
    "Name": "x", "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {"Arn": ARN, "RoleArn": ARN},
}  # fmt: skip
OF_OPTIONS = {
    "--uuid": UUID, "--crl-id": UUID, "--profile-id": UUID, "--trust-anchor-id": UUID, "--start-time": "1",
    "--source": f"sourceType=AWS_ACM_PCA,sourceData={{acmPcaArn={ARN}}}", "--cli-input-json": json.dumps(_SCHEDULE),
}  # fmt: skip


class _Notes(BaseHTTPRequestHandler):
    """Answers nothing that a service would, and notes that it was asked."""

    asked: list[str] = []  # noqa: RUF012 - one for all requests of a test

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append(self.path)
        body = b"{}"
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - http.server calls them so

    def log_message(self, *_: object) -> None:
        """The test's output is its own."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Notes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    _Notes.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def typed() -> dict[str, list[str]]:
    """Every command that is said as a whole, with something of the reader's own in it; by the line as it is said."""
    found = {}
    for line in sorted(set(named())):
        # Where the answer goes is the shell's part.
        words = shlex.split(line.partition(" # ")[0].partition(" > ")[0])[1:]
        if len(words) > 2 and not any("..." in word for word in words):
            owned = [_owned(word) for word in words]
            # What a message puts in is taken for a host id, which not every option takes.
            found[line] = [
                OF_OPTIONS.get(before, word) if word == HOST else word
                for before, word in zip(["", *owned], owned, strict=False)
            ]
    return found


def _owned(word: str) -> str:
    word = re.sub(r"<([A-Za-z]+)>", lambda match: OWN.get(match[1], "something"), word)
    return re.sub(rf"\b({'|'.join(_UPPER)})\b", lambda match: OWN[match[1]], word)


def test_the_aws_cli_takes_every_command_that_is_said(endpoint: str, tmp_path: Path) -> None:
    commands = typed()
    assert len(commands) > 15
    for file in ("ca.csr", "ca.pem"):
        (tmp_path / file).write_text("what an earlier command has written")
    (tmp_path / ".aws").mkdir()
    # As in docs/reference/commands.md.
    profile = "[profile night-shift]\nregion = us-east-1\naws_access_key_id = x\naws_secret_access_key = x\n"
    (tmp_path / ".aws" / "config").write_text(profile)
    arguments = [[*_first_version(words), "--endpoint-url", endpoint] for words in commands.values()]
    done = subprocess.run(
        [PYTHON, "-c", DRIVER],
        input=json.dumps(arguments), capture_output=True, text=True, check=False, cwd=tmp_path,
        env={
            "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1", "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    refused = {
        line: said
        for line, (_, said) in zip(commands, json.loads(done.stdout), strict=True)
        # This is what is said once the request was made and answered.
        if not any(words in said for words in ("An error occurred", "fatal error", "Unable to parse response"))
    }
    assert refused == {}
    assert len(_Notes.asked) >= len(commands)


def _first_version(words: list[str]) -> list[str]:
    """PyPI has the first version alone, which takes a payload as it is, and knows no option that says so."""
    without = list(words)
    if "--cli-binary-format" in without:
        place = without.index("--cli-binary-format")
        del without[place : place + 2]
    return without
