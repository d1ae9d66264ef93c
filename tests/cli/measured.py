"""What the command costs in the local AWS: time, processor time on both sides, memory; and runs that are watched."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pca_automator.rehearsal.stage import deployed
from pca_automator.rehearsal.stage.hosts import inventory_item
from tests.cli.local_fleet import LocalFleet

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
_BATCH = 25
_WRITERS = 4
_FAILED_EVERY = 100
_REST_SECONDS = 600
_AT_REST = 0.1


def fill(fleet: LocalFleet, first: int, last: int) -> None:
    """Write hosts that are renewed already, so that neither the stream nor a run takes them; one in 100 has failed."""
    client, table = fleet.aws.client("dynamodb"), deployed.find(fleet.aws).table
    now = datetime.now(UTC)

    def write(start: int) -> None:
        numbers = range(start, min(start + _BATCH, last + 1))
        requests = [{"PutRequest": {"Item": _item(number, now)}} for number in numbers]
        client.batch_write_item(RequestItems={table: requests})

    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(write, range(first, last + 1, _BATCH)))


def _item(number: int, now: datetime) -> dict[str, Any]:
    expiry = now + timedelta(hours=100 + number % 60)
    texts = {
        "hostID": f"i-{number:017x}",
        "status": "DEPLOYED",
        "serial": f"{number:032x}",
        "expiry": _stamp(expiry),
        "renewalDate": _stamp(expiry - timedelta(hours=48)),
        "lastRunId": "c9d110fa-90df-4c7b-8cd2-4274d6d82218",
        "lastAttempt": _stamp(now),
    }
    item: dict[str, Any] = {name: {"S": text} for name, text in texts.items()} | {"validated": {"BOOL": True}}
    if number % _FAILED_EVERY == 0:
        error = {"phase": "CertCSRStatus", "code": "NO_SPACE", "message": "no space left on /var", "at": _stamp(now)}
        last_error = {"M": {name: {"S": text} for name, text in error.items()}}
        item |= {"status": {"S": "FAILED"}, "failureCount": {"N": "1"}, "lastError": last_error}
    return item


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Spent:
    """What one command took.

    Args:
        wall: seconds from start to end; other work of the machine counts.
        command: processor seconds of the command.
        server: processor seconds of the local AWS in that time, without its functions.
        peak: the most memory that the command had, in MB.
        lines: how many lines it wrote.
    """

    wall: float
    command: float
    server: float
    peak: float
    lines: int


def measured(fleet: LocalFleet, arguments: list[str]) -> Spent:
    """Run the command once; its standard output goes to a file, as a pipe would make it wait."""
    output = fleet.csv.parent / "measured.txt"
    server, begin = _server_seconds(fleet), time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(
            fleet.argv(arguments), cwd=fleet.csv.parent, env=fleet.environment(), stdout=file, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise AssertionError(f"{arguments} ended with {process.returncode}")
    with output.open("rb") as file:
        lines = sum(1 for _ in file)
    spent = usage.ru_utime + usage.ru_stime
    return Spent(wall, spent, _server_seconds(fleet) - server, usage.ru_maxrss / 1024, lines)


def _server_seconds(fleet: LocalFleet) -> float:
    """User and system time of the local AWS, as Linux counts it: fields 14 and 15, after the name in brackets."""
    fields = Path(f"/proc/{fleet.aws.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def large_fleet_verbs() -> Iterator[list[str]]:
    """The verbs that read the whole inventory."""
    yield ["status"]
    for output in ("jsonl", "json", "table"):
        yield ["hosts", "list", "--output", output]
    yield ["hosts", "list", "--failed", "--output", "jsonl"]


def put_due(fleet: LocalFleet) -> None:
    """Write the simulated hosts as ones that have failed before: due, and not taken up by enrolment on its own."""
    client, table = fleet.aws.client("dynamodb"), deployed.find(fleet.aws).table
    for member in fleet.members:
        client.put_item(TableName=table, Item=inventory_item(member) | {"status": {"S": "FAILED"}})


def wait_until_at_rest(fleet: LocalFleet) -> None:
    """Until the local AWS has nothing to do any more: a table's stream is worked off after the writes."""
    for _ in range(_REST_SECONDS):
        before = _server_seconds(fleet)
        time.sleep(1)
        if _server_seconds(fleet) - before < _AT_REST:
            return
    raise AssertionError(f"the local AWS was not at rest within {_REST_SECONDS} s")


@dataclass(frozen=True)
class Watched:
    """A run that was watched to its end.

    Args:
        seconds: wall time.
        progress: the lines that were shown on the way.
        answer: the final counts, as JSON.
        rows: what ``hosts list`` says afterwards of the hosts that the run took.
        status: how the command ended.
    """

    seconds: float
    progress: list[str]
    answer: dict[str, Any]
    rows: list[dict[str, Any]]
    status: int

    @property
    def table(self) -> dict[str, int]:
        """The counts that the table gives."""
        statuses = Counter(row["status"] for row in self.rows)
        return {"hosts": len(self.rows), "done": statuses["DEPLOYED"], "failed": statuses["FAILED"]}

    @property
    def counted(self) -> dict[str, int]:
        """The counts that the command gives."""
        return {name: int(self.answer[name]) for name in ("hosts", "done", "failed")}


def watched(fleet: LocalFleet, arguments: list[str]) -> Watched:
    """Start a run with ``--watch`` and wait for its end."""
    begin = time.perf_counter()
    done = subprocess.run(
        fleet.argv(["run", *arguments, "--watch", "--output", "json"]),
        cwd=fleet.csv.parent, env=fleet.environment(), capture_output=True, text=True, check=False, timeout=1800,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    if not done.stdout:
        raise AssertionError(done.stderr)
    answer = json.loads(done.stdout)
    rows = [row for row in fleet.rows() if row.get("lastRunId") == answer["runId"]]
    return Watched(seconds, done.stderr.splitlines(), answer, rows, done.returncode)
