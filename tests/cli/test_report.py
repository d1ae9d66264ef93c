"""``pca-automator report``: the fleet and its runs as a page, and as data that a page can be made of."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pca_automator.cli.runtime import runtime
from pca_automator.pictures.data import Report, read
from tests.cli.conftest import REGION, Deployed, a_crl, aws, error, host, stamp
from tests.pictures.made_up import fleet

FAILED = {"phase": "CertCSR", "code": "HOST_UNKNOWN_TO_SSM", "message": "no such host"}


def a_fleet(deployed: Deployed) -> None:
    """Three hosts: one is well, one failed, and one entry is no host."""
    deployed.live(1, 100, lastRunId="run-1", lastAttempt=stamp(deployed.now))
    deployed.live(2, 5, status="FAILED", lastRunId="run-1", lastError=FAILED, lastAttempt=stamp(deployed.now))
    deployed.put("web-17")
    for number, serial, hours in ((1, "1ab", 100), (1, "9ab", 20), (2, "2ab", 5)):
        deployed.issued(host(number), serial, hours)
    a_crl(deployed, 100, revoked=(1, 2, 3))


def data_of(deployed: Deployed, folder: Path, *options: str) -> Report:
    file = folder / "report.json"
    done = deployed.invoke("report", "--json", str(file), *options)
    assert done.exit_code == 0, done.output
    return read(file.read_bytes())


def test_the_fleet_as_data(deployed: Deployed, tmp_path: Path) -> None:
    a_fleet(deployed)
    found = data_of(deployed, tmp_path)
    assert found.kind == "fleet"
    assert {each.host_id: each.status for each in found.hosts} == {
        host(1): "DEPLOYED", host(2): "FAILED", "web-17": "QUARANTINED",
    }  # fmt: skip
    (cause,) = found.causes
    assert (cause.code, cause.hosts, cause.most_urgent) == ("HOST_UNKNOWN_TO_SSM", 1, host(2))
    commands = [line.text for line in cause.to_do if line.command]
    assert commands[-1] == f"pca-automator run {host(2)} --force --watch --region {REGION}"
    assert all(host(2) in command for command in commands)
    assert len([each for each in found.certificates if each.host_id == host(1)]) == 2
    assert (found.crl.entries, found.crl.allowed_bytes) == (3, 300_000) if found.crl else False
    assert found.next_run is not None
    assert found.next_run > found.at
    assert found.threshold_seconds == 172_800
    troubles = [each.text for each in found.findings if each.state != "ok"]
    assert [text for text in troubles if text.startswith("1 host failed") and host(2) in text]
    assert found.notes == []


def test_a_page_and_nothing_else_is_written(deployed: Deployed, tmp_path: Path) -> None:
    a_fleet(deployed)
    done = deployed.invoke("report", "--html", str(tmp_path / "fleet.html"))
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert [each.name for each in tmp_path.iterdir()] == ["fleet.html"]
    text = (tmp_path / "fleet.html").read_text(encoding="utf-8")
    assert host(1) in text
    assert "HOST_UNKNOWN_TO_SSM" in text


def test_a_run_has_its_hosts_and_what_its_report_says_of_them(deployed: Deployed, tmp_path: Path) -> None:
    """Also of a host that a later run has taken since."""
    deployed.live(1, 100, lastRunId="run-1", lastAttempt=stamp(deployed.now))
    deployed.live(2, 100, lastRunId="run-2", lastAttempt=stamp(deployed.now))
    deployed.live(3, 100, lastRunId="run-0", lastAttempt=stamp(deployed.now))
    report = {"due": 2, "renewed": 1, "failed": 1, "hosts": [{"hostID": host(2), "outcome": "failed", **FAILED}]}
    key = runtime("renewal.work_files").report_key("run-1")
    aws("s3").put_object(Bucket="work", Key=key, Body=json.dumps(report).encode())
    found = data_of(deployed, tmp_path, "--run", "run-1")
    assert found.kind == "run"
    assert {each.host_id: each.trouble is not None for each in found.hosts} == {host(1): False, host(2): True}
    assert [(each.code, each.most_urgent) for each in found.causes] == [("HOST_UNKNOWN_TO_SSM", host(2))]
    assert ("failed", "1") in found.facts
    assert [(each.host_id, each.outcome) for each in found.renewals] == [(host(1), "renewed")]


def test_what_may_not_be_looked_at_costs_its_own_part_of_the_page(deployed: Deployed, tmp_path: Path) -> None:
    a_fleet(deployed)
    denied = error("AccessDeniedException", "not authorized")
    deployed.answers |= {"ListExecutions": denied, "GetMetricData": denied, "GetSchedule": denied}
    found = data_of(deployed, tmp_path)
    assert len(found.hosts) == 3
    assert found.runs == []
    assert found.next_run is None
    assert {note.partition(":")[0] for note in found.notes} == {"runs", "schedule", "size of the CRL over time"}
    assert all("denies" in note for note in found.notes)


def test_the_size_of_the_crl_is_taken_from_the_metric_of_the_automation(deployed: Deployed, tmp_path: Path) -> None:
    a_fleet(deployed)
    times = [deployed.now - timedelta(hours=hours) for hours in (6, 12)]
    asked: list[Any] = []

    def answer(request: Any) -> Any:
        asked.append(request)
        return {"MetricDataResults": [{"Id": "crl", "Timestamps": times, "Values": [900.0, 800.0]}]}

    deployed.answers["GetMetricData"] = answer
    found = data_of(deployed, tmp_path)
    assert found.crl is not None
    assert [each.bytes for each in found.crl.history[:2]] == [800, 900]
    (stat,) = [
        query["MetricStat"]["Metric"]
        for request in asked
        for query in request["MetricDataQueries"]
        if query["MetricStat"]["Metric"]["MetricName"] == "CrlBytes"
    ]
    assert stat["Dimensions"] == [{"Name": "Automation", "Value": "fleet"}]


def test_nothing_is_written_to_aws(deployed: Deployed, tmp_path: Path) -> None:
    a_fleet(deployed)
    deployed.calls.clear()
    data_of(deployed, tmp_path)
    reading = {"Scan", "BatchGetItem"}
    assert {name for name, _ in deployed.calls if not name.startswith(("List", "Get", "Describe", "Head"))} == reading


def test_from_a_file_nobody_is_asked(deployed: Deployed, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(fleet(30).as_json(), encoding="utf-8")
    page = tmp_path / "page.html"
    done = deployed.invoke("report", "--from", str(tmp_path / "data.json"), "--html", str(page))
    assert done.exit_code == 0, done.output
    assert deployed.calls == []
    assert all(each.host_id in page.read_text(encoding="utf-8") for each in fleet(30).hosts)


def test_data_go_through_a_pipe(deployed: Deployed) -> None:
    text = fleet(3).as_json()
    done = deployed.invoke("report", "--from", "-", "--output", "json", input=text)
    assert json.loads(done.stdout) == json.loads(text)


def test_without_a_file_the_facts_are_shown(deployed: Deployed) -> None:
    a_fleet(deployed)
    done = deployed.invoke("report")
    assert done.exit_code == 0, done.output
    assert "HOST_UNKNOWN_TO_SSM in CertCSR" in done.stdout
    assert "--html FILE" in done.stdout


def test_an_empty_inventory_is_no_fleet(deployed: Deployed) -> None:
    done = deployed.invoke("report")
    assert done.exit_code == 1
    assert "the inventory is empty" in done.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--from", "data.json", "--run", "run-1"], "--from and --run name two sources: give one"),
        (["--html", "nowhere/page.html"], "--html nowhere/page.html: there is no folder nowhere"),
        (["--json", "nowhere/data.json"], "--json nowhere/data.json: there is no folder nowhere"),
        (["--from", "wrong.json"], "is no data of a page: hosts.0.status: Field required"),
        (["--from", "old.json"], "is no data of a page: schemaVersion is '2': Input should be 1"),
        (["--from", "none.json"], "is no data of a page: the file"),
        (["--from", "data.json", "--host", "i-0"], "--host i-0: not in the data"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = json.loads(fleet(2).as_json())
    Path("data.json").write_text(json.dumps(whole), encoding="utf-8")
    Path("old.json").write_text(json.dumps({**whole, "schemaVersion": 2}), encoding="utf-8")
    Path("wrong.json").write_text(json.dumps({**whole, "hosts": [{"hostID": "i-1"}]}), encoding="utf-8")
    Path("none.json").write_text("{", encoding="utf-8")
    done = deployed.invoke("report", *arguments)
    assert done.exit_code == 2, done.output
    (line,) = done.output.splitlines()
    assert complaint in line
    assert {each.name for each in tmp_path.iterdir()} == {"data.json", "old.json", "wrong.json", "none.json"}


def test_an_unknown_run_is_said_in_one_line(deployed: Deployed, tmp_path: Path) -> None:
    deployed.answers["DescribeExecution"] = error("ExecutionDoesNotExist")
    done = deployed.invoke("report", "--run", "run-9", "--html", str(tmp_path / "page.html"))
    assert done.exit_code == 1
    assert "there is no run run-9" in done.output
    assert list(tmp_path.iterdir()) == []
