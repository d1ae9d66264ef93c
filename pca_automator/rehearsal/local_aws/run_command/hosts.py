"""The simulated fleet: one directory for each host."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
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
        """Write ``faults.json``."""
        self._write("faults.json", dataclasses.asdict(faults))

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the instance or the hybrid node."""
        try:
            tags: dict[str, str] = json.loads((self.directory / "tags.json").read_text())
        except FileNotFoundError:
            return {}
        return tags

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Write ``tags.json``: all tags that the host has from now on."""
        self._write("tags.json", tags)

    @property
    def state(self) -> str:
        """The EC2 instance's state, such as ``running``; a hybrid node is always that."""
        try:
            return str(json.loads((self.directory / "state.json").read_text()))
        except FileNotFoundError:
            return "running"

    def set_state(self, state: str) -> None:
        """Write ``state.json``."""
        self._write("state.json", state)

    def _write(self, name: str, content: object) -> None:
        """In one step, so that nobody reads half of it."""
        aside = self.directory / f"{name}.new"
        aside.write_text(json.dumps(content))
        aside.replace(self.directory / name)

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
        """The host, or nothing if Systems Manager does not know it: it was never there, or does not run."""
        host = self.find_machine(host_id)
        return host if host and host.state == "running" and not host.faults.unknown else None

    def find_machine(self, host_id: str) -> Host | None:
        """The host, whatever state it is in."""
        if "/" in host_id or host_id.startswith("."):
            return None
        host = Host(host_id, self.directory / host_id)
        return host if host.root.is_dir() else None

    def add(self, host_id: str) -> Host:
        """Make a host's directory."""
        host = Host(host_id, self.directory / host_id)
        host.root.mkdir(parents=True, exist_ok=True)
        return host

    def all(self) -> list[Host]:
        """Every host that Systems Manager knows, by id."""
        return [host for name in self._names() if (host := self.find(name))]

    def instances(self) -> list[Host]:
        """Every EC2 instance, by id, whatever state it is in."""
        return [host for name in self._names() if name.startswith("i-") and (host := self.find_machine(name))]

    def _names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir()) if self.directory.is_dir() else []
