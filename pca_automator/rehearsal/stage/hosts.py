"""The simulated fleet as the scenario sees it: hosts with their paths, and what is live on them."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pca_automator.rehearsal.local_aws.run_command.hosts import Fleet, Host
from pca_automator.rehearsal.stage import signing_helper
from pca_automator.rehearsal.stage.deployed import Automation

_CHAIN_FILE = "ca_chain_certificate.crt"


@dataclasses.dataclass(frozen=True)
class Member:
    """One host of the fleet, with the paths that its inventory item gives it."""

    host: Host
    overrides: Mapping[str, str]
    defaults: Mapping[str, str]

    @property
    def id(self) -> str:
        """The host id."""
        return self.host.id

    def path(self, name: str) -> Path:
        """A directory on the host, as a path of this machine."""
        return Path(f"{self.host.root}{self.overrides.get(name) or self.defaults[name]}")

    @property
    def certificate(self) -> Path:
        """The public path of the certificate."""
        return self.path("certPath") / f"{self.id}.crt"

    @property
    def key(self) -> Path:
        """The public path of the private key."""
        return self.path("keyPath") / f"{self.id}.key"

    @property
    def chain(self) -> Path:
        """The public path of the CA certificate."""
        return self.path("cacertPath") / _CHAIN_FILE

    @property
    def helper(self) -> Path:
        """The signing helper on the host."""
        return self.path("signinghelperPath") / signing_helper.NAME

    def live_certificate(self) -> x509.Certificate | None:
        """The certificate at the public path, or nothing."""
        try:
            return x509.load_pem_x509_certificate(self.certificate.read_bytes())
        except (OSError, ValueError):
            return None

    def fingerprint(self) -> str:
        """A hash of what certificate and key paths show: the same before and after means an untouched pair."""
        digest = hashlib.sha256()
        for path in (self.certificate, self.key):
            digest.update(path.read_bytes() if path.exists() else b"(none)")
        return digest.hexdigest()

    def troubles(self) -> list[str]:
        """What is wrong with the live files: missing, wrong mode, a pair that does not match."""
        found = [f"{path.name} is missing" for path in (self.certificate, self.key, self.chain) if not path.exists()]
        if found:
            return found
        for path, mode in ((self.key, 0o400), (self.certificate, 0o644), (self.chain, 0o644)):
            actual = stat.S_IMODE(path.stat().st_mode)
            if actual != mode:
                found.append(f"{path.name} has mode {actual:o}, not {mode:o}")
        if not _same_key(self.certificate.read_bytes(), self.key.read_bytes()):
            found.append("certificate and key do not match")
        return found

    def prove(self, automation: Automation) -> subprocess.CompletedProcess[str]:
        """Ask the host's own helper for credentials, with the live pair."""
        arguments = {
            "certificate": str(self.certificate),
            "private-key": str(self.key),
            "trust-anchor-arn": automation.trust_anchor,
            "profile-arn": automation.profile,
            "role-arn": automation.role,
        }
        options = [part for name, value in arguments.items() for part in (f"--{name}", value)]
        return subprocess.run(
            [str(self.helper), "credential-process", *options, "--session-duration", "900"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


def _same_key(certificate: bytes, key: bytes) -> bool:
    try:
        public = x509.load_pem_x509_certificate(certificate).public_key()
        return load_pem_private_key(key, password=None).public_key() == public
    except ValueError:
        return False


def verified_by_openssl(members: Sequence[Member]) -> dict[str, str]:
    """What ``openssl verify`` complains of, by host; one process for all hosts that hold the same CA file."""
    groups: dict[bytes, list[Member]] = {}
    for member in members:
        groups.setdefault(member.chain.read_bytes(), []).append(member)
    complaints: dict[str, str] = {}
    for group in groups.values():
        paths = [str(member.certificate) for member in group]
        run = subprocess.run(
            ["openssl", "verify", "-purpose", "sslclient", "-CAfile", str(group[0].chain), *paths],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        good = {line.removesuffix(": OK") for line in run.stdout.splitlines() if line.endswith(": OK")}
        for member, path in zip(group, paths, strict=True):
            if path not in good:
                complaints[member.id] = f"openssl verify: {run.stderr.strip()[:300]}"
    return complaints


def build_fleet(
    directory: Path, count: int, automation: Automation, endpoint: str, real_helper: Path | None
) -> list[Member]:
    """Make ``count`` hosts, EC2 and hybrid mixed; some have directories of their own, one of them with a space."""
    os.umask(0o022)  # whatever the user's: the documents refuse directories that others may write
    return [_build(Fleet(directory), number, automation, endpoint, real_helper) for number in range(count)]


def build_newcomers(
    directory: Path, fleet_size: int, automation: Automation, endpoint: str, real_helper: Path | None
) -> tuple[Member, Member, Member, Member]:
    """Three EC2 instances and a hybrid node with the default directories, beside a fleet of a certain size."""
    first = fleet_size + 15 - fleet_size % 15
    numbers = (first, first + 15, first + 30, first + 10)  # see _host_id and _overrides
    one, two, three, node = (_build(Fleet(directory), each, automation, endpoint, real_helper) for each in numbers)
    return one, two, three, node


def _build(fleet: Fleet, number: int, automation: Automation, endpoint: str, real_helper: Path | None) -> Member:
    defaults = {
        "certPath": automation.certificate_path,
        "keyPath": automation.key_path,
        "csrPath": automation.csr_path,
        "hooksPath": automation.hooks_path,
        "cacertPath": automation.ca_certificate_path,
        "signinghelperPath": automation.signing_helper_path,
    }
    member = Member(fleet.add(_host_id(number)), _overrides(number), defaults)
    signing_helper.write(member.path("signinghelperPath"), endpoint, real_helper)
    return member


def _host_id(number: int) -> str:
    digits = hashlib.sha256(f"rehearsal {number}".encode()).hexdigest()
    if number % 3 == 1:
        return f"mi-{digits[:17]}"
    return f"i-{digits[:17]}" if number % 3 == 0 else f"i-{digits[:8]}"


def _overrides(number: int) -> dict[str, str]:
    if number == 1:
        return {"certPath": "/srv/Payment Service/tls", "keyPath": "/srv/Payment Service/tls/private"}
    if number % 5 == 2:
        return {"certPath": f"/opt/app{number}/certs", "keyPath": f"/opt/app{number}/keys"}
    if number % 5 == 4:
        return {"certPath": "/opt/store/certs", "cacertPath": "/opt/ca"}
    return {}


def inventory_item(member: Member) -> dict[str, Any]:
    """What a user writes into the table: the host id and the overrides, nothing else."""
    return {"hostID": {"S": member.id}, **{name: {"S": value} for name, value in member.overrides.items()}}
