"""The stand-in for ``aws_signing_helper`` on a simulated host.

It takes the real tool's command line, signs with the independent client ``iam-rolesanywhere-session`` (so that the
local CreateSession is not proven by its own code), prints what ``credential_process`` prints, and ends with status 1
and the real tool's words on standard error when it is refused, see ``helper_words``. Started by the launcher that
:func:`write` puts on a host; never imported by the rest of the package.
"""

from __future__ import annotations

import argparse
import configparser
import http.client
import importlib.util
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

VERSION = "1.8.0"
"""The version of the real tool that is followed where no other is asked for."""
NAME = "aws_signing_helper"
DIAL_SECONDS = 30.0
"""How long Go waits for a connection that nobody answers."""


def main(arguments: Sequence[str], version: str = VERSION) -> int:
    """Run one command of the helper, as one version of it does."""
    parser = _parser()
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit as ended:  # the real tool has no status 2
        return 1 if ended.code else 0
    if parsed.command == "version":
        print(version)
        return 0
    try:
        if fault := "" if _words().is_old(version) else _fault_of_configuration(os.environ):
            raise PermissionError(fault)
        endpoint = parsed.endpoint or _endpoint(version, parsed.trust_anchor_arn, os.environ)
        by_proxy = parsed.with_proxy or not _words().is_old(version)
        answer = create_session(
            endpoint=endpoint,
            certificate=parsed.certificate,
            private_key=parsed.private_key,
            trust_anchor_arn=parsed.trust_anchor_arn,
            profile_arn=parsed.profile_arn,
            role_arn=parsed.role_arn,
            intermediates=parsed.intermediates,
            region=parsed.region,
            session_name=parsed.role_session_name,
            seconds=parsed.session_duration,
            version=version,
            proxy=_proxy(endpoint, os.environ) if by_proxy else None,
            attempts=_attempts(version, os.environ),
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
    for required in ("certificate", "private-key", "trust-anchor-arn", "profile-arn", "role-arn"):
        process.add_argument(f"--{required}", required=True)
    process.add_argument("--endpoint")
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
    version: str = VERSION,
    proxy: str | None = None,
    attempts: int = 1,
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
    text = json.dumps(body, separators=(",", ":"))
    # The ARNs go into the query, as the real tool has it.
    query = urlencode({"profileArn": profile_arn, "roleArn": role_arn, "trustAnchorArn": trust_anchor_arn})
    request = AWSRequest(method="POST", url=f"{endpoint}/sessions?{query}", data=text)
    signer.add_auth(request)
    headers = dict(request.headers.items())
    stamp = time.strftime("%Y/%m/%d %H:%M:%S")
    url = f"{endpoint}/sessions?{query}"
    for attempt in range(attempts):
        is_last = attempt == attempts - 1
        try:
            status, text_of_answer = _send(url, headers, text, version, proxy)
        except (OSError, http.client.HTTPException) as error:
            if is_last:
                cause = _neighbour("network_words").words_of(error, urlsplit(endpoint), proxy)
                raise PermissionError(_words().no_answer(version, cause, url, attempts, stamp)) from error
            continue
        if is_last or not (status == http.client.TOO_MANY_REQUESTS or status >= http.client.INTERNAL_SERVER_ERROR):
            break
    try:
        answer: dict[str, Any] = json.loads(text_of_answer)
    except ValueError as error:
        raise PermissionError(_words().unreadable(version, status, chr(text_of_answer[0]), stamp)) from error
    if status != http.client.CREATED:
        error_name = str(answer.get("__type", status)).rpartition("#")[2]
        raise PermissionError(_words().refused(version, status, error_name, str(answer.get("message", "")), stamp))
    return answer


def _send(url: str, headers: dict[str, str], body: str, version: str, proxy: str | None) -> tuple[int, bytes]:
    """One request; by a proxy as Go does it, which asks it for a tunnel where the endpoint is TLS."""
    parts = urlsplit(url)
    target = url if proxy else f"{parts.path}?{parts.query}"
    place = urlsplit(proxy).netloc if proxy else parts.netloc
    made: http.client.HTTPConnection
    if parts.scheme == "https":
        made = http.client.HTTPSConnection(place, timeout=DIAL_SECONDS)
        if proxy:
            target = f"{parts.path}?{parts.query}"
            made.set_tunnel(parts.netloc)
    else:
        made = http.client.HTTPConnection(place, timeout=DIAL_SECONDS)
    with closing(made) as connection:
        if _words().is_old(version):
            headers = {**headers, "Transfer-Encoding": "chunked"}
            connection.request("POST", target, iter([body.encode()]), headers, encode_chunked=True)
        else:
            connection.request("POST", target, body.encode(), headers)
        response = connection.getresponse()
        return response.status, response.read()


def _endpoint(version: str, anchor: str, environment: Mapping[str, str]) -> str:
    """Where the service is; the second SDK also hears of it in the environment."""
    told = environment.get("AWS_ENDPOINT_URL_ROLESANYWHERE") or environment.get("AWS_ENDPOINT_URL")
    if told and not _words().is_old(version):
        return told
    return f"https://rolesanywhere.{anchor.split(':')[3]}.amazonaws.com"


def _attempts(version: str, environment: Mapping[str, str]) -> int:
    """How often the SDK asks a service that throttles or has trouble; the first one cannot be told."""
    return 4 if _words().is_old(version) else int(environment.get("AWS_MAX_ATTEMPTS") or 3)


def _fault_of_configuration(environment: Mapping[str, str]) -> str:
    """Why the second SDK does not load its configuration, and so asks nobody; "": it does."""
    home = Path(environment.get("HOME") or "/")
    file = Path(environment.get("AWS_CONFIG_FILE") or home / ".aws" / "config")
    config = configparser.ConfigParser(interpolation=None)
    config.read(file)
    profile = environment.get("AWS_PROFILE")
    if profile and not config.has_section(f"profile {profile}"):
        return f"failed to get shared config profile, {profile}"
    section = f"profile {profile}" if profile else "default"
    session = config.get(section, "sso_session", fallback="")
    if session and not config.has_section(f"sso-session {session}"):
        return f"failed to load SSO session {session}"
    if (mode := environment.get("AWS_RETRY_MODE")) and mode not in ("standard", "adaptive"):
        return f"invalid AWS_RETRY_MODE value, {mode}"
    if (fips := environment.get("AWS_USE_FIPS_ENDPOINT")) and fips not in ("true", "false"):
        return f"invalid AWS_USE_FIPS_ENDPOINT value, {fips}"
    if (bundle := environment.get("AWS_CA_BUNDLE")) and not Path(bundle).is_file():
        return f"failed to open custom CA bundle PEM file, {bundle}"
    return ""


def _proxy(endpoint: str, environment: Mapping[str, str]) -> str | None:
    """The proxy that Go's net/http takes for an endpoint; none for this machine, whatever the environment says."""
    parts = urlsplit(endpoint)
    name, host = f"{parts.scheme}_proxy", parts.hostname or ""
    given = environment.get(name.upper()) or environment.get(name)
    if not given or host == "localhost" or host.startswith("127."):
        return None
    spared = (environment.get("NO_PROXY") or environment.get("no_proxy") or "").split(",")
    return None if any(host == each or (each and host.endswith(f".{each.lstrip('.')}")) for each in spared) else given


@cache
def _neighbour(name: str) -> ModuleType:
    """A module beside this one, without the package around, which would take longer to load than the rest takes."""
    specification = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def _words() -> ModuleType:
    return _neighbour("helper_words")


def _as_credential_process(answer: dict[str, Any]) -> dict[str, Any]:
    credentials = answer["credentialSet"][0]["credentials"]
    return {
        "Version": 1,
        "AccessKeyId": credentials["accessKeyId"],
        "SecretAccessKey": credentials["secretAccessKey"],
        "SessionToken": credentials["sessionToken"],
        "Expiration": credentials["expiration"],
    }


def write(directory: Path, endpoint: str, real_helper: Path | None = None, version: str = VERSION) -> Path:
    """Put the helper into a host's directory: a launcher of the stand-in, or of the real tool if one is named.

    Args:
        directory: of the host.
        endpoint: of the local service.
        real_helper: the real tool.
        version: that the stand-in stands for.
    """
    directory.mkdir(parents=True, exist_ok=True)
    launcher = directory / NAME
    if real_helper is not None:
        command = f'"{real_helper}" "$@" --endpoint "{endpoint}" --no-verify-ssl'
    else:
        command = f'"{sys.executable}" -I "{Path(__file__).resolve()}" {version} "$@" --endpoint "{endpoint}"'
    launcher.write_text(
        "#!/bin/sh\n"
        "# Only credential-process talks to the service.\n"
        f'[ "$1" = credential-process ] && exec {command}\n'
        f"exec {command.partition(' --endpoint')[0]}\n"
    )
    launcher.chmod(0o755)
    return launcher


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], sys.argv[1]))
