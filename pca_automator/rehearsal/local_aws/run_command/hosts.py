"""The simulated fleet: one directory for each host."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

NEW_AGENT = "3.3.3598.0"
OLD_AGENT = "3.3.0.0"
"""The last release that knows no ``interpolationType: ENV_VAR`` is older than 3.3.2746.0."""


@dataclasses.dataclass
class Faults:
    """What is wrong with a host."""

    unknown: bool = False
    """Systems Manager does not know the host (any more); its files are still there."""
    never_answers: bool = False
    """Commands are accepted and never delivered."""
    old_agent: bool = False
    """Parameters are pasted into the script's text; there are no environment variables."""
    csr_subject: str = ""
    """The host answers with a CSR of its own making whose common name is this: an attacker with root there."""


@dataclasses.dataclass(frozen=True)
class Host:
    """One managed node."""

    id: str
    directory: Path

    @property
    def root(self) -> Path:
        """What the host's scripts see as ``/`` in their path parameters."""
        return self.directory / "root"

    @property
    def faults(self) -> Faults:
        """The faults of ``faults.json``, read anew for each command."""
        try:
            return Faults(**json.loads((self.directory / "faults.json").read_text()))
        except FileNotFoundError:
            return Faults()

    def set_faults(self, faults: Faults) -> None:
        """Write ``faults.json`` in one step, so that a command never reads half of it."""
        aside = self.directory / "faults.json.new"
        aside.write_text(json.dumps(dataclasses.asdict(faults)))
        aside.replace(self.directory / "faults.json")

    @property
    def tags(self) -> dict[str, str]:
        """The node's tags, for SendCommand by tag."""
        try:
            tags: dict[str, str] = json.loads((self.directory / "tags.json").read_text())
        except FileNotFoundError:
            return {}
        return tags

    def information(self) -> dict[str, Any]:
        """The InstanceInformation structure."""
        faults = self.faults
        return {
            "InstanceId": self.id,
            "PingStatus": "ConnectionLost" if faults.never_answers else "Online",
            "AgentVersion": OLD_AGENT if faults.old_agent else NEW_AGENT,
            "PlatformType": "Linux",
            "PlatformName": "Simulated host",
            "ResourceType": "ManagedInstance" if self.id.startswith("mi-") else "EC2Instance",
            "ComputerName": self.id,
        }


class Fleet:
    """All hosts below one directory; a host exists when its directory has a ``root``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def find(self, host_id: str) -> Host | None:
        """The host, or nothing if SSM does not know it."""
        if "/" in host_id or host_id.startswith("."):
            return None
        host = Host(host_id, self.directory / host_id)
        return host if host.root.is_dir() and not host.faults.unknown else None

    def add(self, host_id: str) -> Host:
        """Make a host's directory."""
        host = Host(host_id, self.directory / host_id)
        host.root.mkdir(parents=True, exist_ok=True)
        return host

    def all(self) -> list[Host]:
        """Every host, by id."""
        if not self.directory.is_dir():
            return []
        found = (self.find(path.name) for path in sorted(self.directory.iterdir()))
        return [host for host in found if host is not None]
