"""What the automation told of itself: events for programs, metrics for alarms and the dashboard."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pca_automator.rehearsal.scenario.world import World
from pca_automator.rehearsal.stage import metrics

RENEWED, FAILED, REPORTED = "Host Renewed", "Host Renewal Failed", "Run Report"


def expect_events(world: World, run_id: str, renewed: Sequence[str], failed: Sequence[str]) -> None:
    """State that a run told of exactly these hosts, and of itself once, with the same numbers."""
    events, report = world.events, world.report
    world.eventually(lambda: bool(events.of_run(run_id, REPORTED)), 10)
    for what, kind, hosts in (("renewed", RENEWED, renewed), ("failed", FAILED, failed)):
        told = [str(detail["hostID"]) for detail in events.of_run(run_id, kind)]
        report.expect(f"one event for each host that {what}, none for others", [], _differences(hosts, told))
    reports = events.of_run(run_id, REPORTED)
    report.expect("one event with the report of the run", 1, len(reports))
    for each in reports:
        report.expect("it has the hosts that failed", [], _differences(failed, [h["hostID"] for h in each["hosts"]]))
        report.expect("it links to the run", True, each["execution"].endswith(f":{run_id}"))


def expect_metrics(world: World) -> None:
    """State that nothing on the dashboard, and no alarm, waits for a metric that is never measured."""
    report = world.report
    emitted, asked_for = metrics.emitted(world.aws), metrics.asked_for(world.aws)
    own = {metric.name for metric in emitted if ("Automation", world.automation.name) in metric.dimensions}
    report.numbers["metrics"] = sorted(own)
    report.expect(
        "metrics of alarms and dashboard that nobody emitted", [], [str(m) for m in sorted(asked_for - emitted)]
    )


def expect_digest(world: World) -> None:
    """State that the digest is one mail with the table's own numbers. The local AWS fires no schedule: it is called."""
    report, automation = world.report, world.automation
    world.mailbox.collect()
    world.aws.client("lambda").invoke(FunctionName=automation.digest, Payload=b"{}")
    found: list[str] = []

    def arrived() -> bool:
        found.extend(world.mailbox.collect())
        return bool(found)

    world.eventually(arrived, 10)
    live = [item for item in world.inventory.items().values() if item.get("status") != "RETIRED"]
    text = "\n".join(found)
    expected = {
        "hosts": len(live),
        "failed in their last renewal": sum(item.get("status") == "FAILED" for item in live),
    }
    report.count("digests", len(found), 1, "one digest")
    missing = [what for what, count in expected.items() if not re.search(rf"^ +{count}  {what}$", text, re.MULTILINE)]
    missing += [word for word in ("Least time left:", "CA:                ACTIVE, until") if word not in text]
    report.expect("it has the numbers of the table, and the CA's state", [], missing)
    if automation.crl_bucket:
        report.expect(
            "it has the CRL in force", True, bool(re.search(r"CRL in force: +enabled, \d+ entries, next upd", text))
        )
    if missing:
        report.trouble(f"the digest was:\n{text[:2000]}")


def _differences(expected: Sequence[str], told: Sequence[str]) -> list[str]:
    """Who is missing, who is too many, who was told of twice."""
    wanted, found = Counter(expected), Counter(told)
    return sorted([*(wanted - found), *(found - wanted)])
