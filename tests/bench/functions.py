"""The functions' own code where AWS answers at once: what large fleets take, and how soon each function is ready.

The answers come from botocore's ``before-send`` hook: everything but the network is what runs in Lambda.
``python -m tests.bench.functions 'CertCheck, all due' 10000`` measures that alone.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
# A page of Scan is a megabyte of what is stored; an item of a host that was renewed once has some 650 bytes.
PAGE = 1_600
SEGMENTS = 4
_ROUNDS = 7
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AUTOMATION_NAME": "Bench",
    "POWERTOOLS_METRICS_NAMESPACE": "PcaAutomator",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "PYTHONPATH": f"{ROOT / 'lambda_src'}:{ROOT}",
}


@dataclass(frozen=True)
class Read:
    """What a function took that reads the whole inventory."""

    what: str
    hosts: int
    chosen: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    pages: int


def read(what: str, hosts: int) -> Read:
    """One of :data:`READERS` on a fleet, in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "tests.bench.functions", what, str(hosts)]
    environment = os.environ | _ENVIRONMENT
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment)
    return Read(**json.loads(done.stdout))


@dataclass(frozen=True)
class StartUp:
    """CPU milliseconds until a function is ready, and until one is that makes the same clients and does nothing."""

    ours: float
    plain: float

    @property
    def ratio(self) -> float:
        """How many times as long."""
        return self.ours / self.plain


def start_up(source: Path = ROOT / "lambda_src") -> Iterator[tuple[str, StartUp]]:
    """Each handler beside a plain one, in turn, in fresh interpreters; the least of several, for load only adds.

    As on Lambda: what the runtime brings is compiled, and code and layer, which stand in folders that cannot be written
    into, are not.

    Args:
        source: the folder of the functions' code; another one is that of another commit.
    """
    with tempfile.TemporaryDirectory() as compiled:
        environment = os.environ | _ENVIRONMENT | {"PYTHONPATH": str(source), "PYTHONPYCACHEPREFIX": compiled}
        every = sorted((source / "handlers").glob("c*.py"))
        services = {file.stem: _services(file) for file in every}
        _cpu(_plain(sorted({each for names in services.values() for each in names})), environment, writes=True)
        for name, used in services.items():
            # What an older commit does not make at init is made all the same.
            made = f"from pca_runtime.shared.clients import client\nfor each in {used}: client(each)"
            ours = f"import handlers.{name}\n{made}"
            times = [(_cpu(ours, environment), _cpu(_plain(used), environment)) for _ in range(_ROUNDS)]
            yield name, StartUp(min(each for each, _ in times), min(each for _, each in times))


def _services(handler: Path) -> list[str]:
    return sorted(set(re.findall(r'client\("([a-z0-9-]+)"\)', handler.read_text(encoding="utf-8"))))


def _plain(services: list[str]) -> str:
    return (
        f"import boto3\nfrom botocore.config import Config\nfor each in {services}: boto3.client(each, config=Config())"
    )


def _cpu(script: str, environment: dict[str, str], *, writes: bool = False) -> float:
    command = [sys.executable, "-c", f"{script}\nimport time; print(time.process_time())"]
    given = environment | {"PYTHONDONTWRITEBYTECODE": "" if writes else "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=given)
    return 1000 * float(done.stdout)


def _item(number: int, now: datetime, due: int) -> dict[str, Any]:
    """Of ``due`` hosts one is due."""
    expiry = now + (timedelta(hours=30) if number % due == 0 else timedelta(hours=100))
    texts = {
        "hostID": f"i-{number:017x}",
        "status": "DEPLOYED",
        "serial": f"{number + 1:032x}",
        "expiry": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "renewalDate": (expiry - timedelta(hours=48)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    item: dict[str, Any] = {name: {"S": text} for name, text in texts.items()}
    return item | {"validated": {"BOOL": True}}


class _Table:
    """Answers Scan with the items of a segment, page by page, BatchGetItem with those asked for, and takes the rest."""

    def __init__(self, hosts: int, now: datetime, due: int) -> None:
        self.hosts, self.now, self.due, self.pages = hosts, now, due, 0

    def __call__(self, request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        target, body = request.headers.get("X-Amz-Target", b""), b""
        if target.endswith(b".Scan"):
            body = self._page(json.loads(request.body))
        if target.endswith(b".BatchGetItem"):
            body = self._batch(json.loads(request.body))
        response = AWSResponse(request.url, 200, {"content-type": "application/x-amz-json-1.0"}, None)
        response._content = body
        return response

    def _page(self, asked: dict[str, Any]) -> bytes:
        self.pages += 1
        segments = asked.get("TotalSegments", 1)
        first = int(asked.get("ExclusiveStartKey", {}).get("hostID", {}).get("S", "0"))
        numbers = range(asked.get("Segment", 0) + first * segments, self.hosts, segments)[:PAGE]
        answer: dict[str, Any] = {"Items": [_item(number, self.now, self.due) for number in numbers]}
        if asked.get("Segment", 0) + (first + PAGE) * segments < self.hosts:
            answer["LastEvaluatedKey"] = {"hostID": {"S": str(first + PAGE)}}
        return json.dumps(answer).encode()

    def _batch(self, asked: dict[str, Any]) -> bytes:
        """One of ten has failed."""
        self.pages += 1
        ((table, keys),) = asked["RequestItems"].items()
        items = []
        for key in keys["Keys"]:
            number = int(key["hostID"]["S"][2:], 16)
            item = _item(number, self.now, self.due) | {"lastRunId": {"S": "run"}}
            if number % 10 == 0:
                words = {"phase": {"S": "CertCSR"}, "code": {"S": "NO_SPACE"}, "message": {"S": "no space is left"}}
                item |= {"status": {"S": "FAILED"}, "lastError": {"M": words}}
            items.append(item)
        return json.dumps({"Responses": {table: items}, "UnprocessedKeys": {}}).encode()


def _check(hosts: int, now: datetime) -> int:
    """CertCheck: the list of a run."""
    from pca_runtime.inventory.fleet import Fleet
    from pca_runtime.renewal.pace import Reservation
    from pca_runtime.renewal.payloads import RunInput
    from pca_runtime.renewal.selection import ATTRIBUTES, Selector
    from pca_runtime.renewal.starts import StartsOfRun
    from pca_runtime.renewal.work_files import WorkFiles, hosts_key
    from pca_runtime.shared.clients import client

    selection = Selector(Fleet(client("dynamodb"), "table", ATTRIBUTES), SEGMENTS, timedelta(hours=12)).select(
        RunInput.parse({}), now
    )
    assert selection.total == hosts
    assert selection.first_percentile_left is not None
    starts = Reservation(now.timestamp(), 1 / 6, len(selection.due))
    slots = StartsOfRun(None, starts).slots()
    return WorkFiles(client("s3"), "bucket").write_lines(hosts_key("run"), selection.lines(now, slots), now)


def _report(hosts: int, now: datetime) -> int:
    """CertReport: what became of a run of the whole fleet, a tenth of which failed."""
    from botocore.response import StreamingBody
    from pca_runtime.inventory.fleet import Fleet
    from pca_runtime.renewal.outcomes import ATTRIBUTES, Reporter
    from pca_runtime.renewal.payloads import ReportRequest
    from pca_runtime.renewal.work_files import WorkFiles
    from pca_runtime.reporting.run_report import message_of
    from pca_runtime.shared.clients import client

    with tempfile.TemporaryFile() as listed:
        for number in range(hosts):
            listed.write(b'{"hostID":"i-%017x","expiry":null}\n' % number)

        def get_object(**asked: Any) -> dict[str, Any]:
            if asked["Key"].endswith("rejected.jsonl"):
                return {"Body": StreamingBody(io.BytesIO(), 0)}
            size = listed.seek(0, 2)
            listed.seek(0)
            return {"Body": StreamingBody(listed, size)}

        files = WorkFiles(SimpleNamespace(get_object=get_object), "bucket")  # type: ignore[arg-type]
        fleet = Fleet(client("dynamodb"), "table", ATTRIBUTES)
        request = ReportRequest.parse({"runId": "run", "bucket": "bucket", "key": "runs/run/hosts.jsonl"})
        report = Reporter("Bench", fleet, files).report(request, now)
        assert report.due == hosts
        assert message_of(report)
        return report.numbers()["failed"]


def _digest(hosts: int, now: datetime) -> int:
    """CertDigest: the daily mail."""
    from pca_runtime.inventory.fleet import Fleet
    from pca_runtime.monitoring.fleet import ATTRIBUTES as HEALTH
    from pca_runtime.monitoring.fleet import Fleet as Health
    from pca_runtime.reporting.digest import ATTRIBUTES, gather, message_of
    from pca_runtime.shared.clients import client

    attributes = tuple(dict.fromkeys((*ATTRIBUTES, *HEALTH)))
    items = Fleet(client("dynamodb"), "table", attributes).segment(0, 1)
    counts = Health(now, timedelta(hours=12))
    digest = gather("Bench", counts.adding(items), now, timedelta(hours=12))
    assert digest.hosts == hosts
    assert message_of(digest)
    return digest.due


def _reconciliation(hosts: int, now: datetime) -> int:
    """CertRetire once an hour: who is gone."""
    from pca_runtime.inventory.gate import Gate
    from pca_runtime.membership.departures import Departures
    from pca_runtime.shared.clients import client

    def describe_instances(**asked: Any) -> dict[str, Any]:
        ids = asked["Filters"][0]["Values"]
        instances = [{"InstanceId": each, "State": {"Name": "running"}} for each in ids]
        return {"Reservations": [{"Instances": instances}]}

    ec2: Any = SimpleNamespace(describe_instances=describe_instances)
    departures = Departures(client("dynamodb"), "table", ec2, client("ssm"), Gate(lambda: now))
    roll = departures.roll(1_000)
    assert len(roll.live) == hosts
    return len(departures.gone(roll.live))


READERS: dict[str, tuple[Callable[[int, datetime], int], int]] = {
    "CertCheck, a fifth due": (_check, 5),
    "CertCheck, all due": (_check, 1),
    "CertReport, a tenth failed": (_report, 1),
    "CertDigest": (_digest, 5),
    "CertRetire, reconciliation": (_reconciliation, 5),
}
"""What reads the whole inventory, and of how many hosts one is due."""


def _measure(what: str, hosts: int) -> Read:
    from pca_runtime.shared.clients import client

    function, due = READERS[what]
    now = datetime.now(UTC)
    table = _Table(hosts, now, due)
    for service in ("dynamodb", "s3"):
        client(service).meta.events.register("before-send", table)
    begin, cpu = time.perf_counter(), time.process_time()
    chosen = function(hosts, now)
    # Of this program alone: what getrusage says begins with the bench itself, whose child it was before it was started.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return Read(what, hosts, chosen, time.perf_counter() - begin, time.process_time() - cpu, peak, table.pages)


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2])).__dict__))
