"""``hosts list`` of any number of hosts, whose table answers at once: ``python -m tests.cli.listed OUTPUT HOSTS...``.

Prints, for each number, how many bytes more the process took at its most than before. Each is a process of its own.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_PAGE = 200


def growth(output: str, *hosts: int) -> list[int]:
    """What ``hosts list`` takes of memory beyond a start, in bytes, for each number of hosts."""
    command = [sys.executable, "-m", "tests.cli.listed", output, *map(str, hosts)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [int(line) for line in done.stderr.splitlines()]


def _item(number: int, now: datetime) -> dict[str, Any]:
    expiry = now + timedelta(hours=number * 7919 % 200 - 10)
    texts = {
        "hostID": f"i-{number:017x}", "status": "DEPLOYED", "serial": f"{number:032x}", "lastRunId": "run-1",
        "expiry": f"{expiry:%Y-%m-%dT%H:%M:%SZ}", "renewalDate": f"{expiry - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    return {name: {"S": text} for name, text in texts.items()}


def _deployment(hosts: int) -> Any:
    now = datetime.now(UTC)

    def pages(**_: Any) -> Iterator[dict[str, Any]]:
        for first in range(0, hosts, _PAGE):
            yield {"Items": [_item(number, now) for number in range(first, min(hosts, first + _PAGE))]}

    table = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=pages))
    settings = {"AUTOMATION_NAME": "Fleet", "TABLE_NAME": "inventory", "NEXT_RUN_SECONDS": "43200"}
    aws = SimpleNamespace(client=lambda _: table)
    return SimpleNamespace(settings=lambda _: settings, table="inventory", aws=aws)


def _list(output: str, hosts: int) -> None:
    from pca_automator.cli.output import Output
    from pca_automator.cli.verbs.hosts.list import list_

    operator = SimpleNamespace(deployment=_deployment(hosts), output=Output(output))
    whole = {"due": False, "failed": False, "expiring_within": None, "retired": False}
    list_.__wrapped__(operator, **whole)  # type: ignore[attr-defined]


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(output: str, *numbers: int) -> None:
    """List so many hosts, each in a child that has loaded everything."""
    _list(output, 600)
    before = _peak()
    for hosts in numbers:
        sys.stdout.flush()
        if os.fork() == 0:
            _list(output, hosts)
            sys.stdout.flush()
            sys.stderr.write(f"{_peak() - before}\n")
            sys.stderr.flush()
            os._exit(0)
        os.wait()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
