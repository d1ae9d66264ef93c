"""The functions' own code where AWS answers at once: CertCheck on large fleets, and how soon each function is ready.

The answers come from botocore's ``before-send`` hook: everything but the network is what runs in Lambda.
``python -m tests.bench.functions 10000`` measures CertCheck alone.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
# A page of Scan is a megabyte of what is stored; an item of a host that was renewed once has some 650 bytes.
PAGE = 1_600
SEGMENTS = 4
_ROUNDS = 5
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
class Check:
    """CertCheck's choice of hosts."""

    hosts: int
    due: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    pages: int


def check(hosts: int) -> Check:
    """Choose from a fleet of which a fifth is due, in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "tests.bench.functions", str(hosts)]
    environment = os.environ | _ENVIRONMENT
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment)
    return Check(**json.loads(done.stdout))


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


def _item(number: int, now: datetime) -> dict[str, Any]:
    expiry = now + (timedelta(hours=30) if number % 5 == 0 else timedelta(hours=100))
    texts = {
        "hostID": f"i-{number:017x}",
        "status": "DEPLOYED",
        "expiry": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "renewalDate": (expiry - timedelta(hours=48)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {name: {"S": text} for name, text in texts.items()}


class _Table:
    """Answers Scan with the items of a segment, page by page, and takes everything else."""

    def __init__(self, hosts: int, now: datetime) -> None:
        self.hosts, self.now, self.pages = hosts, now, 0

    def __call__(self, request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        body = b""
        if request.headers.get("X-Amz-Target", b"").endswith(b".Scan"):
            body = self._page(json.loads(request.body))
        response = AWSResponse(request.url, 200, {"content-type": "application/x-amz-json-1.0"}, None)
        response._content = body
        return response

    def _page(self, asked: dict[str, Any]) -> bytes:
        self.pages += 1
        first = int(asked.get("ExclusiveStartKey", {}).get("hostID", {}).get("S", "0"))
        numbers = range(asked["Segment"] + first * SEGMENTS, self.hosts, SEGMENTS)[:PAGE]
        answer: dict[str, Any] = {"Items": [_item(number, self.now) for number in numbers]}
        if asked["Segment"] + (first + PAGE) * SEGMENTS < self.hosts:
            answer["LastEvaluatedKey"] = {"hostID": {"S": str(first + PAGE)}}
        return json.dumps(answer).encode()


def _measure(hosts: int) -> Check:
    from pca_runtime.inventory.fleet import Fleet
    from pca_runtime.renewal.pace import Reservation
    from pca_runtime.renewal.payloads import RunInput
    from pca_runtime.renewal.selection import ATTRIBUTES, Selector
    from pca_runtime.renewal.starts import StartsOfRun
    from pca_runtime.renewal.work_files import WorkFiles, hosts_key
    from pca_runtime.shared.clients import client

    now = datetime.now(UTC)
    table = _Table(hosts, now)
    for service in ("dynamodb", "s3"):
        client(service).meta.events.register("before-send", table)
    begin, cpu = time.perf_counter(), time.process_time()
    selection = Selector(Fleet(client("dynamodb"), "table", ATTRIBUTES), SEGMENTS, timedelta(hours=12)).select(
        RunInput.parse({}), now
    )
    starts = Reservation(now.timestamp(), 1 / 6, len(selection.due))
    slots = StartsOfRun(None, starts).slots()
    due = WorkFiles(client("s3"), "bucket").write_lines(hosts_key("run"), selection.lines(now, slots), now)
    assert selection.total == hosts
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Check(hosts, due, time.perf_counter() - begin, time.process_time() - cpu, peak, table.pages)


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1])).__dict__))
