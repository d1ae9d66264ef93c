"""``make bench``: figures, measured in one run. Machines differ and are noisy: a ratio says more than a time."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.bench import command  # noqa: E402

ROUNDS = 5
# What README and docs promise of a machine with two cores, in seconds.
PROMISED_REHEARSALS = {25: 90, 200: 360}
PROMISED_TESTS = 600


def seconds(command: list[str], folder: str) -> float:
    """Wall time of one process."""
    environment = os.environ | {
        "CDK_CONTEXT_JSON": json.dumps({"aws:cdk:bundling-stacks": []}),
        "CDK_OUTDIR": folder,
        "PYTHONPATH": str(ROOT),
    }
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=folder)
    return time.perf_counter() - begin


def synthesis() -> tuple[list[float], list[float], int]:
    """The minimal example and a plain app with as many resources, in turn: A B A B …"""
    minimal = [sys.executable, str(ROOT / "examples" / "minimal.py")]
    with tempfile.TemporaryDirectory() as folder:
        seconds(minimal, folder)  # warms the caches up, and tells the number of resources
        (template,) = Path(folder).glob("*.template.json")
        resources = len(json.loads(template.read_text(encoding="utf-8"))["Resources"])
        plain = [sys.executable, str(ROOT / "tests" / "bench" / "plain_app.py"), str(resources)]
        seconds(plain, folder)
        pairs = [(seconds(minimal, folder), seconds(plain, folder)) for _ in range(ROUNDS)]
    return [a for a, _ in pairs], [b for _, b in pairs], resources


def rehearsal(hosts: int) -> dict[str, object]:
    """The report of one rehearsal, with its whole duration added."""
    begin = time.perf_counter()
    command = ["pca-automator", "rehearse", "--hosts", str(hosts)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report: dict[str, object] = json.loads((ROOT / "build/rehearsal/report.json").read_text(encoding="utf-8"))
    return report | {"status": done.returncode, "whole": round(time.perf_counter() - begin, 1)}


def suite() -> float:
    """Wall time of ``make test``, linters included, with its environment set up."""
    begin = time.perf_counter()
    subprocess.run(["make", "test"], cwd=ROOT, capture_output=True, check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    console = Console()
    ours, plain, resources = synthesis()
    table = Table(title=f"Synthesis of {resources} resources, {ROUNDS} rounds in turn")
    for column in ("", "min s", "median s", "max s"):
        table.add_column(column, justify="right")
    for name, values in (("minimal example", ours), ("plain resources", plain)):
        table.add_row(name, *(f"{f(values):.2f}" for f in (min, statistics.median, max)))
    console.print(table)
    ratio = statistics.median(a / b for a, b in zip(ours, plain, strict=True))
    console.print(f"median ratio {ratio:.2f} (promised: at most 1.5)")

    fleet = Table(title="Rehearsal")
    for column in ("hosts", "status", "whole s", "promised s", "deployed", "transitions", "invocations", "phases"):
        fleet.add_column(column)
    for hosts in (int(each) for each in os.environ.get("BENCH_HOSTS", "25 200").split()):
        report = rehearsal(hosts)
        per_renewal = report["per_renewal"]
        assert isinstance(per_renewal, dict)
        fleet.add_row(
            str(hosts),
            str(report["status"]),
            str(report["whole"]),
            str(PROMISED_REHEARSALS.get(hosts, "")),
            str(report["deployed"]),
            str(per_renewal["state_transitions"]),
            str(per_renewal["lambda_invocations"]),
            json.dumps(report["seconds"]),
        )
    console.print(fleet)
    if os.environ.get("BENCH_TESTS", "yes") == "yes":
        console.print(f"make test: {suite():.0f} s (promised: at most {PROMISED_TESTS})")
    command.main(console)


if __name__ == "__main__":
    main()
