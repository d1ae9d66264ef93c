"""``--dry-run`` writes nothing, and what cannot be taken back asks first; told from the calls that were made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Deployed, host

READS = ("BatchGet", "Describe", "Get", "List", "Query", "Scan")

DRY = [
    ("hosts", "add", host(2)),
    ("hosts", "add", "--tag", "team=web"),
    ("hosts", "add", "--from-csv", "hosts.csv"),
    ("hosts", "set", host(1), "--override", "keyMode=0440", "--clear", "keyPath"),
    ("hosts", "retire", host(1)),
    ("hosts", "retire", host(1), "--revoke", "--keep-files", "--yes"),
    ("hosts", "remove-copies", host(1), "--other", host(9)),
    ("run",),
    ("run", host(1), "--force", "--revoke-replaced"),
    ("run", "--force", "--watch", "--yes"),
    ("revoke", host(1)),
    ("revoke", host(1), "--reason", "KEY_COMPROMISE", "--yes"),
    ("verify",),
    ("verify", "--components-only"),
]
DESTRUCTIVE = [
    ("hosts", "retire", host(1)),
    ("hosts", "remove-copies", host(1), "--other", host(9)),
    ("run", "--force"),
    ("run", host(1), "--force", "--revoke-replaced"),
    ("revoke", host(1)),
    ("verify",),
]


@pytest.fixture
def ready(deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """A host with a certificate, a file of hosts, and one that Systems Manager knows."""
    monkeypatch.chdir(tmp_path)
    Path("hosts.csv").write_text(f"hostID\n{host(3)}\n", encoding="utf-8")
    deployed.live(1, serial="abc", previousSerial="def")
    deployed.answers["DescribeInstanceInformation"] = {"InstanceInformationList": [{"InstanceId": host(7)}]}
    return deployed


def writes(deployed: Deployed) -> list[str]:
    return [operation for operation, _ in deployed.calls if not operation.startswith(READS)]


@pytest.mark.parametrize("arguments", DRY, ids=" ".join)
def test_a_dry_run_makes_no_call_that_writes(ready: Deployed, arguments: tuple[str, ...]) -> None:
    before = ready.items()
    done = ready.invoke(*arguments, "--dry-run")
    assert done.exit_code == 0, done.output
    assert done.output.strip()
    assert writes(ready) == []
    assert ready.items() == before


@pytest.mark.parametrize("answer", ["n\n", ""], ids=["no", "nobody"])
@pytest.mark.parametrize("arguments", DESTRUCTIVE, ids=" ".join)
def test_what_cannot_be_taken_back_asks(ready: Deployed, arguments: tuple[str, ...], answer: str) -> None:
    done = ready.invoke(*arguments, input=answer)
    assert done.exit_code == (1 if answer else 2)
    assert "?" in done.stderr
    assert ("nothing was done" if answer else "give --yes") in done.stderr
    assert writes(ready) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", host(1)), "0 hosts"),
        (("run", host(1), "--force"), "1 host"),
        (("run", host(1), host(2)), "1 host"),
        (("run",), "1 host"),
        (("run", host(1), host(2), "--force"), "2 hosts"),
    ],
    ids=str,
)
def test_a_dry_run_says_how_many_hosts_a_run_would_take(
    ready: Deployed, arguments: tuple[str, ...], expected: str
) -> None:
    ready.put(host(2))
    ready.put(host(4), status="RETIRED")
    done = ready.invoke(*arguments, "--dry-run")
    assert re.search(rf"would renew +{expected} *\n", done.stdout)
