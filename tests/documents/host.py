"""A host in a directory: the parameters that lead there, and what its public paths show."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.documents.agent import Outcome, parameters_refused, run_document, script
from tests.documents.pki import Authority, one_line, pem

HOST_ID = "i-0123456789abcdef0"
FILE_NAMES = {"tls.crt", "tls.key", "ca.crt"}

ROLES_ANYWHERE = "arn:aws:rolesanywhere:eu-central-1:111122223333"
ARNS = {
    "trustAnchorArn": f"{ROLES_ANYWHERE}:trust-anchor/0f1e2d3c-0000-4000-8000-000000000001",
    "profileArn": f"{ROLES_ANYWHERE}:profile/0f1e2d3c-0000-4000-8000-000000000002",
    "roleArn": "arn:aws:iam::111122223333:role/pca/Proof",
}

# What credential_process prints: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
CREDENTIALS = (
    '{"Version":1,"AccessKeyId":"ASIA-SECRET","SecretAccessKey":"SECRET-SECRET","SessionToken":"TOKEN-SECRET",'
    '"Expiration":"2099-11-26T12:00:00Z"}'
)


def serial_of(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:x}"


def new_request() -> str:
    return secrets.token_hex(16)


@dataclass
class Pair:
    """Certificate, key and chain as somebody reads them."""

    certificate: bytes
    key: bytes
    chain: bytes

    @property
    def matches(self) -> bool:
        certificate = x509.load_pem_x509_certificate(self.certificate)
        key = serialization.load_pem_private_key(self.key, None)
        authority = x509.load_pem_x509_certificates(self.chain)[0]
        certificate.verify_directly_issued_by(authority)
        assert not isinstance(key.public_key(), (bytes, str))
        spki = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return key.public_key().public_bytes(*spki) == certificate.public_key().public_bytes(*spki)

    @property
    def serial(self) -> str:
        return serial_of(x509.load_pem_x509_certificate(self.certificate))


@dataclass
class Host:
    """One simulated host below ``root``."""

    root: Path
    authority: Authority = field(default_factory=Authority)
    host_id: str = HOST_ID
    style: str = "env"
    shell: Sequence[str] = ("sh",)
    path: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    keyword: dict[str, Any] = field(default_factory=dict)
    edit: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        self.work = self.root / "agent"
        self.work.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.store_root = self.root / "var/lib/pca automator"  # a space, as paths may have
        self.certs = self.root / "etc/pca/certs"
        self.private = self.root / "etc/pca/private"
        self.helper = self.root / "usr/local/bin/aws_signing_helper"
        self.hooks = self.root / "etc/pca/post-install.d"

    @property
    def store(self) -> Path:
        return self.store_root / self.host_id

    @property
    def public(self) -> dict[str, Path]:
        """The three public paths by the name of the content."""
        return {
            "tls.crt": self.certs / f"{self.host_id}.crt",
            "tls.key": self.private / f"{self.host_id}.key",
            "ca.crt": self.certs / "ca_chain_certificate.crt",
        }

    @property
    def paths(self) -> dict[str, str]:
        return {
            "csrPath": str(self.store_root),
            "certPath": str(self.certs),
            "keyPath": str(self.private),
            "cacertPath": str(self.certs),
        }

    def params(self, name: str, **values: str) -> dict[str, str]:
        params = {"hostID": self.host_id, **self.paths}
        if name in ("InstallCertificate", "InspectCertificate"):
            params |= {"signinghelperPath": str(self.helper.parent), "hooksPath": str(self.hooks)}
        if name == "InstallCertificate":
            params |= ARNS
        if name == "GenerateCsr":
            params["keyAlgorithm"] = "EC_prime256v1"
        params |= {key: value for key, value in self.extra.items() if key in params or name == "InstallCertificate"}
        return params | values

    def run(self, name: str, **values: str) -> Outcome:
        params = self.params(name, **values)
        assert not parameters_refused(name, params), parameters_refused(name, params)
        if self.edit:
            self.keyword["text"] = self.edit(script(name))
        return run_document(
            name, params, work=self.work, style=self.style, shell=self.shell, path=self.path, **self.keyword
        )

    def generate(self, request: str, **values: str) -> Outcome:
        return self.run("GenerateCsr", requestId=request, **values)

    def install(self, request: str, certificate: x509.Certificate, chain: str | None = None, **values: str) -> Outcome:
        return self.run(
            "InstallCertificate",
            requestId=request,
            certificate=one_line(pem(certificate)),
            chain=one_line(chain or self.authority.chain),
            **values,
        )

    def prepare(self, **issue: Any) -> tuple[str, x509.Certificate]:
        """A pending request and the certificate that answers it."""
        request = new_request()
        outcome = self.generate(request)
        assert outcome.status == 0, outcome
        return request, self.authority.issue(outcome.csr, **issue)

    def renew(self, **values: str) -> Outcome:
        """A whole renewal."""
        request, certificate = self.prepare()
        outcome = self.install(request, certificate, **values)
        assert outcome.status == 0, outcome
        return outcome

    def shown(self) -> Pair:
        """What the public paths show, each opened by itself."""
        return Pair(*(self.public[name].read_bytes() for name in ("tls.crt", "tls.key", "ca.crt")))

    def shows_nothing(self) -> bool:
        return not any(path.exists() for path in self.public.values())

    @property
    def live(self) -> str:
        return os.readlink(self.store / "current").removeprefix("versions/")

    def leftovers(self) -> list[str]:
        """Names that no finished command may leave behind."""
        allowed = {"current", "state", "pending", "versions"}
        found = [p for p in self.store.iterdir() if p.name not in allowed]
        found += [p for p in (self.store / "versions").iterdir() if p.name.startswith(".")]
        found += list((self.store / "pending").glob(".*"))
        for directory in {path.parent for path in self.public.values()}:
            if directory.exists():
                found += list(directory.glob(".*"))
        return [str(path.relative_to(self.root)) for path in found]

    def add_helper(self, body: str = "", version: str = "1.8.0") -> None:
        """A stand-in for aws_signing_helper that writes its arguments to ``helper.log``.

        Args:
            body: what it does when it is asked for credentials, before it prints them.
            version: what it answers to ``version``.
        """
        self.helper.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.helper.write_text(
            f"#!/bin/sh\nif [ \"$1\" = version ]; then echo '{version}'; exit 0; fi\n"
            f"printf '%s\\n' \"$@\" >'{self.root}/helper.log'\n{body}\necho '{CREDENTIALS}'\n"
        )
        self.helper.chmod(0o755)

    def add_tool(self, name: str, body: str) -> Path:
        """A program that goes before the machine's own of that name; its directory stays first on PATH."""
        folder = self.root / "bin"
        folder.mkdir(exist_ok=True)
        tool = folder / name
        tool.write_text(f"#!/bin/sh\n{body}\n")
        tool.chmod(0o755)
        self.path = f"{folder}:{os.environ['PATH']}"
        return tool

    def add_hook(self, name: str, body: str) -> Path:
        self.hooks.mkdir(mode=0o755, parents=True, exist_ok=True)
        hook = self.hooks / name
        hook.write_text(f"#!/bin/sh\n{body}\n")
        hook.chmod(0o755)
        return hook
