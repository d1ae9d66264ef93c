"""The account's quotas in force: a whole fleet at once, paced and not, beside production."""

from __future__ import annotations

import collections
import dataclasses
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pca_automator.rehearsal.scenario.world import World
from pca_automator.rehearsal.stage.hosts import Member
from pca_automator.rehearsal.stage.signing_helper import create_session

FEWEST_HOSTS = 100
"""From so many hosts on a rehearsal has quotas: fewer pass them on any machine."""
_MOST_THROTTLED = 0.01
# Requests in a real second. A machine with two cores renews more than one host in a second, and so asks for more than
# this when nothing holds it back. Among each other they are as on AWS, but for IssueCertificate, which bounds a fleet
# there that has CreateSession raised; here it shows what happens to hosts whose calls are not answered in a minute.
_REAL = {
    "CreateSession": 1.0,
    "IssueCertificate": 0.9,
    "GetCertificate": 7.5,
    "SendCommand": 5.0,
    "GetCommandInvocation": 20.0,
}
# Of CreateSession, as 10,000 hosts with a session an hour ask of AWS's ten.
_PRODUCTION = 0.28
_CHILDREN_AT_ONCE = 10_000
SETTINGS: dict[str, int] = {"lambda_processes": 8, "host_processes": 8}
"""What else the local AWS has for it: enough of everything that is not a quota."""


def quotas(wait_scale: float) -> dict[str, float]:
    """Requests a second of the account's own time, as the deployment is told by Service Quotas."""
    return {name: rate * wait_scale for name, rate in _REAL.items()}


def context(wait_scale: float) -> dict[str, str]:
    """What the app is deployed with."""
    return {"productionSessions": f"{_PRODUCTION * wait_scale:g}"}


def set_quotas(world: World, wait_scale: float) -> None:
    """Let every bucket be full, and in force from now on."""
    world.aws.control("settings", {"quotas": json.dumps(quotas(wait_scale))})


@dataclasses.dataclass
class Production:
    """Sessions that other workloads of the account ask for, all the time."""

    asked: int = 0
    throttled: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the requests that were throttled at the first attempt."""
        return self.throttled / self.asked if self.asked else 1.0


@contextmanager
def production(world: World) -> Iterator[Production]:
    """Ask as production does while something else happens, with the first pair that any host has."""
    counted, over = Production(), threading.Event()
    thread = threading.Thread(target=_ask, args=(world, counted, over), daemon=True, name="production")
    thread.start()
    try:
        yield counted
    finally:
        over.set()
        thread.join()


def _ask(world: World, counted: Production, over: threading.Event) -> None:
    while not over.is_set() and not any(member.certificate.exists() for member in world.members):
        over.wait(0.5)
    due = time.monotonic()
    while not over.is_set():
        member = next(member for member in world.members if member.certificate.exists())
        counted.asked += 1
        try:
            _session(world, member)
        except PermissionError as error:
            if "Throttling" in str(error):
                counted.throttled += 1
            else:
                counted.failed.append(str(error))
        due += 1 / _PRODUCTION
        over.wait(max(0.0, due - time.monotonic()))


def _session(world: World, member: Member) -> None:
    create_session(
        endpoint=world.aws.endpoint,
        certificate=str(member.certificate),
        private_key=str(member.key),
        trust_anchor_arn=world.automation.trust_anchor,
        profile_arn=world.automation.profile,
        role_arn=world.automation.role,
    )


def expect_paced(world: World, seen: Production, failed: Mapping[str, int]) -> None:
    """Nobody failed, and production was left alone.

    Args:
        world: the fleet.
        seen: what production saw meanwhile.
        failed: hosts that failed, by the code.
    """
    report = world.report
    report.numbers["paced"] = _numbers(world, seen, failed)
    report.expect("paced, no host fails under the quotas", {}, dict(failed))
    report.expect("production was asked for all the time", True, seen.asked > 0 and not seen.failed)
    report.expect("production is throttled 1 % at most", True, seen.share <= _MOST_THROTTLED)


def control(world: World, wait_scale: float) -> None:
    """The same without pacing: every host starts at once, and the quotas are what they are. Old pairs stay."""
    report, members = world.report, world.members
    set_quotas(world, wait_scale)
    world.aws.control("settings", {"ignore_starts": True, "children": _CHILDREN_AT_ONCE})
    with world.display.part("   the same without pacing", len(members)) as advance, production(world) as seen:
        run = world.run_workflow({"hostIDs": [member.id for member in members], "force": True}, advance, len(members))
    failed = failures(world, run.id)
    report.numbers["unpaced"] = _numbers(world, seen, failed)
    report.expect("without pacing, hosts fail under the same quotas", True, sum(failed.values()) > 0)
    report.expect("and their old pairs stay", [], [member.id for member in members if member.troubles()])
    world.aws.control("settings", {"ignore_starts": False, "children": world.aws.settings.children, "quotas": ""})
    world.clear_starts()


def failures(world: World, run_id: str = "") -> dict[str, int]:
    """Hosts whose last renewal failed, by the code; of one run, or of any."""
    counted: collections.Counter[str] = collections.Counter()
    for item in world.inventory.items().values():
        if item.get("status") == "FAILED" and run_id in ("", item.get("lastRunId")):
            counted[str(item["lastError"]["code"])] += 1
    return dict(counted)


def _numbers(world: World, seen: Production, failed: Mapping[str, int]) -> dict[str, Any]:
    return {
        "failed": dict(failed),
        "production_asked": seen.asked,
        "production_throttled": seen.throttled,
        "calls": world.aws.control("quotas"),
    }
