"""The stand-in for ``aws_signing_helper`` on a simulated host.

It takes the real tool's command line, signs with the independent client ``iam-rolesanywhere-session`` (so that the
local CreateSession is not proven by its own code), prints what ``credential_process`` prints, and ends with status 1
and the real tool's words on standard error when it is refused, see ``helper_words``. Started by the launcher that
:func:`write` puts on a host; never imported by the rest of the package.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

VERSION = "1.8.0"
"""The version of the real tool whose command line is followed."""
NAME = "aws_signing_helper"


def main(arguments: Sequence[str]) -> int:
    """Run one command of the helper."""
    parser = _parser()
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit as ended:  # the real tool has no status 2
        return 1 if ended.code else 0
    if parsed.command == "version":
        print(VERSION)
        return 0
    try:
        answer = create_session(
            endpoint=parsed.endpoint,
            certificate=parsed.certificate,
            private_key=parsed.private_key,
            trust_anchor_arn=parsed.trust_anchor_arn,
            profile_arn=parsed.profile_arn,
            role_arn=parsed.role_arn,
            intermediates=parsed.intermediates,
            region=parsed.region,
            session_name=parsed.role_session_name,
            seconds=parsed.session_duration,
        )
        print(json.dumps(_as_credential_process(answer)))
    except Exception as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version")
    process = commands.add_parser("credential-process")
    for required in ("certificate", "private-key", "trust-anchor-arn", "profile-arn", "role-arn", "endpoint"):
        process.add_argument(f"--{required}", required=True)
    process.add_argument("--intermediates")
    process.add_argument("--region")
    process.add_argument("--role-session-name")
    process.add_argument("--session-duration", type=int, default=3600)
    for flag in ("no-verify-ssl", "with-proxy", "debug"):
        process.add_argument(f"--{flag}", action="store_true")
    return parser


def create_session(
    *,
    endpoint: str,
    certificate: str,
    private_key: str,
    trust_anchor_arn: str,
    profile_arn: str,
    role_arn: str,
    intermediates: str | None = None,
    region: str | None = None,
    session_name: str | None = None,
    seconds: int = 900,
) -> dict[str, Any]:
    """CreateSession, signed by the independent client; raises PermissionError with the service's words."""
    from botocore.awsrequest import AWSRequest
    from iam_rolesanywhere_session import IAMRolesAnywhereSigner

    class Signer(IAMRolesAnywhereSigner):
        @property
        def algorithm(self) -> str:
            # The client names the hash that the CA signed with; it signs with SHA-256 whatever that was.
            return f"AWS4-X509-{self.private_key_type}-SHA256"

    # As the real tool: the Region is the trust anchor's unless told otherwise.
    signer = Signer(certificate, private_key, intermediates, region=region or trust_anchor_arn.split(":")[3])
    body: dict[str, Any] = {"durationSeconds": seconds}
    if session_name:
        body["roleSessionName"] = session_name
    text = json.dumps(body)
    # The ARNs go into the query, as the real tool has it.
    query = urlencode({"profileArn": profile_arn, "roleArn": role_arn, "trustAnchorArn": trust_anchor_arn})
    request = AWSRequest(method="POST", url=f"{endpoint}/sessions?{query}", data=text)
    signer.add_auth(request)
    return _send(endpoint, f"/sessions?{query}", dict(request.headers.items()), text)


def _send(endpoint: str, target: str, headers: dict[str, str], body: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=60)
    connection.request("POST", target, body.encode(), headers)
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    if response.status != http.client.CREATED:
        error = str(answer.get("__type", response.status)).rpartition("#")[2]
        raise PermissionError(_words().refused(VERSION, response.status, error, str(answer.get("message", ""))))
    return answer


def _words() -> ModuleType:
    """Its neighbour, without the package around them, which would take longer to load than the rest takes."""
    specification = importlib.util.spec_from_file_location("helper_words", Path(__file__).with_name("helper_words.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["helper_words"] = module
    specification.loader.exec_module(module)
    return module


def _as_credential_process(answer: dict[str, Any]) -> dict[str, Any]:
    credentials = answer["credentialSet"][0]["credentials"]
    return {
        "Version": 1,
        "AccessKeyId": credentials["accessKeyId"],
        "SecretAccessKey": credentials["secretAccessKey"],
        "SessionToken": credentials["sessionToken"],
        "Expiration": credentials["expiration"],
    }


def write(directory: Path, endpoint: str, real_helper: Path | None = None) -> Path:
    """Put the helper into a host's directory: a launcher of the stand-in, or of the real tool if one is named."""
    directory.mkdir(parents=True, exist_ok=True)
    launcher = directory / NAME
    if real_helper is not None:
        command = f'"{real_helper}" "$@" --endpoint "{endpoint}" --no-verify-ssl'
    else:
        command = f'"{sys.executable}" -I "{Path(__file__).resolve()}" "$@" --endpoint "{endpoint}"'
    launcher.write_text(
        "#!/bin/sh\n"
        "# Only credential-process talks to the service.\n"
        f'[ "$1" = credential-process ] && exec {command}\n'
        f"exec {command.partition(' --endpoint')[0]}\n"
    )
    launcher.chmod(0o755)
    return launcher


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
