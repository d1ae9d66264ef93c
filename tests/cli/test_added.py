"""``pca-automator hosts add``: what is asked, what is told of each host, and how it ends."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pca_automator.cli.verbs.hosts import add
from tests.cli.conftest import Deployed, aws, error, host, table


def test_a_table_tells_of_each_host_what_became_of_it(deployed: Deployed) -> None:
    deployed.put(host(2), keyMode="0440")
    done = deployed.invoke("hosts", "add", host(1), host(2))
    assert table(done.stdout) == [
        ["hostID", "result"],
        [host(1), "added"],
        [host(2), "differs in its overrides"],
    ]
    assert json.loads(deployed.invoke("hosts", "add", host(3), "--output", "json").stdout) == [
        {"hostID": host(3), "result": "added"}
    ]


def test_a_dry_run_shows_each_host_with_its_overrides(deployed: Deployed) -> None:
    done = deployed.invoke(
        "hosts", "add", host(1), "--override", "keyMode=0440", "--override", "bundle=yes", "--dry-run"
    )
    assert table(done.stdout) == [["Would be added"], ["hostID", "bundle", "keyMode"], [host(1), "yes", "0440"]]


def test_whom_to_restore_is_told_by_name(deployed: Deployed) -> None:
    deployed.put(host(1), status="RETIRED")
    done = deployed.invoke("hosts", "add", host(1))
    assert table(done.stdout)[1:] == [[host(1), "differs: it is retired, and comes back with hosts restore"]]
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        1, f"error: 1 is retired: pca-automator hosts restore {host(1)} --region us-east-1",
    )  # fmt: skip


def test_an_entry_that_cannot_be_read_is_no_success(deployed: Deployed) -> None:
    deployed.answers["PutItem"] = error("ConditionalCheckFailedException")
    done = deployed.invoke("hosts", "add", host(1))
    assert table(done.stdout)[1:] == [[host(1), "differs: it cannot be read"]]
    assert (done.exit_code, done.stderr.splitlines()) == (
        1,
        [
            "0 added, 1 was there already.",
            "error: 1 is there and cannot be read: pca-automator hosts lint --region us-east-1",
        ],
    )


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "error: no hosts: give ids, --from-csv or --tag\n"),
        (("--tag", "fleet"), 2, "error: 'fleet' is not a tag with a value: give KEY=VALUE\n"),
        (("--tag", "=web"), 2, "error: '=web' is not a tag with a value: give KEY=VALUE\n"),
        (("--tag", "fleet=web"), 1, "error: Systems Manager knows no host with the tag fleet=web\n"),
    ],
)
def test_no_host_at_all_is_one_line_and_no_write(
    deployed: Deployed, arguments: tuple[str, ...], status: int, words: str
) -> None:
    deployed.answers["DescribeInstanceInformation"] = {"InstanceInformationList": []}
    done = deployed.invoke("hosts", "add", *arguments)
    assert (done.exit_code, done.stdout, done.stderr) == (status, "", words)
    assert deployed.called("PutItem") == []


def test_as_many_hosts_are_asked_for_at_once_as_systems_manager_allows(deployed: Deployed) -> None:
    def page(request: Any) -> dict[str, Any]:
        first = "NextToken" not in request
        known = [{"InstanceId": host(1 if first else 2)}]
        return {"InstanceInformationList": known, **({"NextToken": "more"} if first else {})}

    deployed.answers["DescribeInstanceInformation"] = page
    assert deployed.invoke("hosts", "add", "--tag", "fleet=web").exit_code == 0
    model = aws("ssm").meta.service_model.operation_model("DescribeInstanceInformation")
    most = model.input_shape.members["MaxResults"].metadata["max"]
    assert [request["MaxResults"] for request in deployed.called("DescribeInstanceInformation")] == [most, most]
    assert set(deployed.items()) == {host(1), host(2)}


def test_no_writer_waits_for_a_connection(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    writers: list[int | None] = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, max_workers: int | None = None) -> None:
            writers.append(max_workers)
            super().__init__(max_workers)

    monkeypatch.setattr(add, "ThreadPoolExecutor", Pool)
    assert deployed.invoke("hosts", "add", host(1)).exit_code == 0
    assert writers == [aws("dynamodb").meta.config.max_pool_connections]
