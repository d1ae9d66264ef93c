"""An account of its own for one app: deployed with the real CDK CLI into a local AWS, with hosts that join."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pca_automator.rehearsal.local_aws.settings import Settings
from pca_automator.rehearsal.scenario.world import Inventory
from pca_automator.rehearsal.stage import deployed
from pca_automator.rehearsal.stage.cdk import Cdk
from pca_automator.rehearsal.stage.hosts import build_fleet, inventory_item, verified_by_openssl
from pca_automator.rehearsal.stage.process import LocalAws

ROOT = Path(__file__).resolve().parent.parent.parent
WITH_PACKS = Path(__file__).with_name("with_packs.py")
WAIT_SCALE = 0.05
"""How many real seconds a second of the account lasts."""
_SECONDS = 600


@dataclass(frozen=True)
class Account:
    """A local AWS, bootstrapped for the CDK."""

    aws: LocalAws
    directory: Path
    assembly: Path

    def deploy(self, source: str, python: str = sys.executable) -> None:
        """``cdk deploy`` of an app that is one file, in which cdk-nag's packs find nothing.

        Args:
            source: text of ``app.py``.
            python: the interpreter that runs it.
        """
        app = self.directory / "app"
        app.mkdir()
        (app / "app.py").write_text(source, encoding="utf-8")
        (app / "cdk.json").write_text(
            json.dumps({"app": shlex.join([python, str(WITH_PACKS), "app.py"])}), encoding="utf-8"
        )
        Cdk(app, self.aws, self.assembly).deploy()

    def give_hosts_certificates(self, count: int = 3) -> dict[str, Any]:
        """Put hosts, EC2 and hybrid, into the inventory and wait until each has a pair that openssl accepts.

        Returns:
            the items of the inventory.
        """
        automation = deployed.find(self.aws)
        members = build_fleet(self.directory / "fleet", count, automation, self.aws.endpoint, None)
        inventory = Inventory(self.aws, automation.table)
        for member in members:
            inventory.put(inventory_item(member))
        deadline = time.monotonic() + _SECONDS
        while any(item.get("status") != "DEPLOYED" for item in inventory.items().values()):
            assert time.monotonic() < deadline, f"not every host has a certificate: {inventory.items()}"
            time.sleep(0.5)
        assert [trouble for member in members for trouble in member.troubles()] == []
        assert verified_by_openssl(members) == {}
        items = inventory.items()
        assert len(items) == count
        return items


@contextmanager
def account(directory: Path, assembly: Path, wait_scale: float = WAIT_SCALE) -> Iterator[Account]:
    """Start and bootstrap; everything is stopped afterwards.

    Args:
        directory: of this account alone.
        assembly: for the cloud assembly; the CDK finds the layer's bundle in it again if it is shared.
        wait_scale: how many real seconds a second of the account lasts.
    """
    with LocalAws(directory, Settings(fleet=directory / "fleet", crl_seconds=0.5), wait_scale=wait_scale) as aws:
        empty = directory / "bootstrap"
        empty.mkdir()
        Cdk(empty, aws, assembly).bootstrap()
        yield Account(aws, directory, assembly)
