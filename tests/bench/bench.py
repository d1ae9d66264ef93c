"""``make bench``: figures, each printed as it comes. Machines differ and are noisy: a ratio says more than a time.

It never runs the tests. By default it ends within ten minutes on two processors; ``FULL=1`` adds larger fleets and the
rehearsal of 200 hosts, and waits as long as AWS does. ``BENCH_ONLY=simulation,memory`` chooses. The status is 1 where
something does not hold.
At the end the figures are put into docs/performance.md (``BENCH_PAGE`` names another file, empty for none).
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "lambda_src")]

from pca_automator.ssm_documents import DOCUMENT_NAMES  # noqa: E402
from tests.bench import command, functions, published, simulated  # noqa: E402
from tests.bench import looks as first_looks  # noqa: E402
from tests.documents import sizes  # noqa: E402

ROUNDS = 3
START_UP_RATIO = 1.5
# Peaks in MB that are allowed, by the number of hosts. The last of them is below each function's own memory.
MEMORY = {
    "CertCheck, a fifth due": {10_000: 90, 100_000: 100, 1_000_000: 120},
    "CertCheck, all due": {10_000: 90, 100_000: 100, 1_000_000: 120},
    "CertReport, a tenth failed": {10_000: 68, 100_000: 72},
    "CertDigest": {10_000: 68, 100_000: 72},
    "CertRetire, reconciliation": {10_000: 75, 100_000: 90},
}
# What README and docs promise of a machine with two cores, in seconds.
PROMISED_REHEARSALS = {25: 90, 200: 360}
MARK = "<!-- What follows is written by make bench. -->"


class Page:
    """What is printed, and kept for the page."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.broken: list[str] = []

    def heading(self, text: str, *columns: str) -> None:
        """A table begins."""
        self._add("", f"### {text}", "", f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}")

    def row(self, *cells: object) -> None:
        """A row of it, as soon as it is known."""
        self._add(f"| {' | '.join(str(cell) for cell in cells)} |")

    def text(self, text: str) -> None:
        """A sentence behind a table."""
        self._add("", text)

    def must(self, what: str) -> None:
        """Something that must hold does not."""
        self.broken.append(what)
        print(f"BROKEN: {what}", flush=True)

    def _add(self, *lines: str) -> None:
        self.lines += lines
        print(*lines, sep="\n", flush=True)


def simulation(page: Page, *, full: bool) -> None:
    """Fleets in simulated time, with documented quotas."""
    page.heading(
        "Fleets in simulated time, beside 2.8 production sessions a second",
        "fleet", "seconds", "of the floor", "failed", "lost", "production throttled", "single host, p99 s", "CPU s",
    )  # fmt: skip
    for case in simulated.CASES + (simulated.FULL_CASES if full else ()):
        found = simulated.figures(case)
        single = "not in time" if found.single is None else f"{found.single:.0f}"
        page.row(
            case.name, f"{found.seconds:,.0f}", f"{found.ratio:.2f}", found.failed, found.lost,
            f"{found.throttled:.2%}", single, f"{found.cpu:.1f}",
        )  # fmt: skip
        for what in found.broken():
            page.must(f"{case.name}: {what}")
    page.text(
        "The worst of three seeds, seconds their median. Untold: the functions pace by the documented quotas, and the "
        "account has others; below 1 of the floor, renewals take what production asks for."
    )


def memory(page: Page, *, full: bool) -> None:
    """What reads the whole inventory, on fleets of several sizes."""
    page.heading(
        "Functions that read the whole inventory",
        "function", "hosts", "chosen", "seconds", "CPU s", "peak MB", "allowed", "requests for items",
    )  # fmt: skip
    for what in functions.READERS:
        for hosts, allowed in MEMORY[what].items():
            if hosts > 100_000 and not full:
                continue
            found = functions.read(what, hosts)
            page.row(
                what, f"{hosts:,}", f"{found.chosen:,}", f"{found.seconds:.1f}", f"{found.cpu_seconds:.1f}",
                f"{found.peak_mb:.0f}", allowed, found.pages,
            )  # fmt: skip
            if found.peak_mb > allowed:
                page.must(f"{what}, {hosts:,} hosts: {found.peak_mb:.0f} MB, {allowed} allowed")


def start_up(page: Page, *, full: bool) -> None:
    """How soon each function is ready, beside one that only makes the same clients."""
    del full
    title = f"Start-up of the functions (promised: at most {START_UP_RATIO} x a plain one)"
    page.heading(title, "function", "CPU ms", "a plain one's", "ratio")
    for name, found in functions.start_up():
        page.row(name, f"{found.ours:.0f}", f"{found.plain:.0f}", f"{found.ratio:.2f}")
        if found.ratio > START_UP_RATIO:
            page.must(f"{name}: ready after {found.ratio:.2f} x a plain function, {START_UP_RATIO} allowed")
    page.text(
        "CPU time of fresh interpreters, the least of seven in turn; a plain function has the same boto3 clients and "
        "does nothing. As on Lambda, boto3 is compiled, and code and layer are not."
    )


def synthesis(page: Page, *, full: bool) -> None:
    """The minimal example and a plain app with as many resources, in turn: A B A B …"""
    del full
    minimal = [sys.executable, str(ROOT / "examples" / "minimal.py")]
    with tempfile.TemporaryDirectory() as folder:
        _seconds(minimal, folder)  # warms the caches up, and tells the number of resources
        (template,) = Path(folder).glob("*.template.json")
        resources = len(json.loads(template.read_text(encoding="utf-8"))["Resources"])
        plain = [sys.executable, str(ROOT / "tests" / "bench" / "plain_app.py"), str(resources)]
        _seconds(plain, folder)
        page.heading(f"Synthesis of {resources} resources", "round", "minimal example s", "plain resources s", "ratio")
        ratios = []
        for number in range(ROUNDS):
            ours, theirs = _seconds(minimal, folder), _seconds(plain, folder)
            ratios.append(ours / theirs)
            page.row(number + 1, f"{ours:.2f}", f"{theirs:.2f}", f"{ratios[-1]:.2f}")
    page.text(f"Median ratio {statistics.median(ratios):.2f} (promised: at most 1.5).")


def _seconds(arguments: list[str], folder: str) -> float:
    """Wall time of one process."""
    environment = os.environ | {
        "CDK_CONTEXT_JSON": json.dumps({"aws:cdk:bundling-stacks": []}),
        "CDK_OUTDIR": folder,
        "PYTHONPATH": str(ROOT),
    }
    begin = time.perf_counter()
    subprocess.run(arguments, check=True, capture_output=True, env=environment, cwd=folder)
    return time.perf_counter() - begin


def rehearsal(page: Page, *, full: bool) -> None:
    """The whole lifecycle in the local AWS."""
    page.heading(
        "Rehearsal", "hosts", "all held", "seconds", "promised s", "transitions a renewal", "invocations a renewal"
    )
    for hosts in (25, 200) if full else (25,):
        begin = time.perf_counter()
        arguments = ["pca-automator", "rehearse", "--hosts", str(hosts)]
        done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
        report = json.loads((ROOT / "build/rehearsal/report.json").read_text(encoding="utf-8"))
        costs = report["per_renewal"]["at_best"]
        page.row(
            hosts, "yes" if done.returncode == 0 else "NO", f"{time.perf_counter() - begin:.0f}",
            PROMISED_REHEARSALS[hosts], costs["state_transitions"], costs["lambda_invocations"],
        )  # fmt: skip
        if done.returncode:
            page.must(f"the rehearsal of {hosts} hosts ended with status {done.returncode}")
    page.text(
        f"The public system ([source]({published.SOURCE}); not run here): {published.TRANSITIONS} transitions and "
        f"{published.INVOCATIONS} invocations, which wait for the host: {published.BILLED_MS / 1000:g} s billed; it "
        f"renewed 25 healthy hosts once in {published.REHEARSAL_25_SECONDS} s, and would take "
        f"{published.CERTIFICATES_A_MONTH:,} certificates a month for 10,000 hosts."
    )


def looks(page: Page, *, full: bool) -> None:
    """A renewal with the first look at a host and without it."""
    page.heading(
        "With the first look at a host and without it, in turn, in the local AWS where a second lasts a second",
        "hosts", "first look", "run s", "a host, median s", "slowest s", "transitions a host", "invocations a host",
    )  # fmt: skip
    for hosts in (25, 200) if full else (25,):
        for run in first_looks.runs(hosts):
            page.row(
                hosts, "after 5 s" if "Without" not in run.name else "none", f"{run.seconds:.0f}", f"{run.median:.1f}",
                f"{run.slowest:.1f}", f"{run.transitions:.1f}", f"{run.invocations:.1f}",
            )  # fmt: skip
    page.text("Of a host: from its claim until its certificate is in service and recorded.")


def verbs(page: Page, *, full: bool) -> None:
    """The operator's command; ``status`` on a large fleet, and with ``FULL=1`` every verb that reads all of it."""
    found = sorted(command.start())
    page.heading("Start of the command (promised: under 0.5 s)", "least s", "median s", "most s")
    page.row(f"{found[0]:.2f}", f"{statistics.median(found):.2f}", f"{found[-1]:.2f}")
    page.heading("`status` (promised: under 3 s)", "look", "hosts", "wall s", "its CPU s", "AWS's CPU s", "peak MB")
    for cells in command.status_of_large():
        page.row(*cells)
    page.text(
        f"Before it looked at every part of the deployment, it took {command.BEFORE_SECONDS} s with as many "
        "hosts, and said nothing of what hosts go dark of."
    )
    if not full:
        return
    title = "Verbs that read the whole inventory (promised: under 3 s with 10,000 hosts)"
    page.heading(title, "verb", "hosts", "wall s", "its CPU s", "AWS's CPU s", "peak MB", "lines")
    for cells in command.large_and_watched():
        page.row(*cells)


def documents(page: Page, *, full: bool) -> None:
    """What SSM counts of each document with the longest values."""
    del full
    page.heading(
        f"SSM documents with the longest constants and parameters, of {sizes.LIMIT:,} bytes",
        "document", "bytes", "room", "of it promised",
    )  # fmt: skip
    for name in DOCUMENT_NAMES:
        found = sizes.longest(name)
        page.row(name, f"{found:,}", f"{sizes.LIMIT - found:,}", f"{sizes.ROOM:,}")
        if found > sizes.LIMIT - sizes.ROOM:
            page.must(f"{name}: {sizes.LIMIT - found:,} bytes of room, {sizes.ROOM:,} promised")


FIGURES: dict[str, Callable[..., None]] = {
    "simulation": simulation, "memory": memory, "documents": documents, "start-up": start_up, "verbs": verbs,
    "synthesis": synthesis, "rehearsal": rehearsal, "looks": looks,
}  # fmt: skip
# These wait as long as on AWS.
LONG = frozenset({"looks"})


def chosen(only: str, *, full: bool) -> Iterator[str]:
    """The names of the figures that were asked for.

    Raises:
        SystemExit: there is none of a name.
    """
    names = [name.strip() for name in only.split(",") if name.strip()]
    names = names or [name for name in FIGURES if full or name not in LONG]
    for name in names:
        if name not in FIGURES:
            raise SystemExit(f"BENCH_ONLY: {name!r} is no figure: one of {', '.join(FIGURES)} is")
        yield name


def write(page: Page, file: Path) -> None:
    """Put the figures below the mark of a page; what stands above it stays."""
    text = file.read_text(encoding="utf-8")
    if MARK not in text:
        raise SystemExit(f"{file} has no line {MARK!r}")
    machine = f"{os.cpu_count()} processors, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    below = "\n".join(["", f"Measured on one machine ({machine}), in one run:", *page.lines, ""])
    file.write_text(text.partition(MARK)[0] + MARK + "\n" + below, encoding="utf-8")


def main() -> int:
    """Measure and print."""
    page, begin = Page(), time.perf_counter()
    full = os.environ.get("FULL", "") not in ("", "0")
    for name in list(chosen(os.environ.get("BENCH_ONLY", ""), full=full)):
        started = time.perf_counter()
        FIGURES[name](page, full=full)
        print(f"({name}: {time.perf_counter() - started:.0f} s)", flush=True)
    print(f"\nall in {time.perf_counter() - begin:.0f} s", flush=True)
    if where := os.environ.get("BENCH_PAGE", str(ROOT / "docs" / "performance.md")):
        write(page, Path(where))
    return int(bool(page.broken))


if __name__ == "__main__":
    sys.exit(main())
