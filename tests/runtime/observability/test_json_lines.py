"""Lines are those of Powertools, which is asked for its own: who has queries for the one has them for the other."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider
from pca_runtime.observability.json_lines import JsonLog, Measurements

from tests.runtime.conftest import Context

VARIABLES = {"POWERTOOLS_SERVICE_NAME": "CertCSR", "POWERTOOLS_LOG_LEVEL": "INFO"}
NAMESPACE = "PcaAutomator"
# Each differs by when, and by where, it was written.
MOVING = ("timestamp", "location")


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")


def ours(capsys: pytest.CaptureFixture[str], cold: bool = True, **fields: Any) -> dict[str, Any]:
    log = JsonLog(VARIABLES)
    log.begin(Context())
    if not cold:
        log.begin(Context())
    log.append_keys(host_id="i-01234567")
    log.info("csr requested", **fields)
    (line,) = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def theirs(cold: bool = True, **fields: Any) -> dict[str, Any]:
    stream = io.StringIO()
    log = Logger(service="CertCSR", stream=stream, logger_handler=None)
    log.registered_handler.stream = stream  # type: ignore[attr-defined]

    @log.inject_lambda_context(clear_state=True)
    def handler(_event: dict[str, Any], _context: Any) -> None:
        log.append_keys(host_id="i-01234567")
        log.info("csr requested", **fields)

    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr("aws_lambda_powertools.logging.logger.is_cold_start", cold)
        handler({}, Context())
    found: dict[str, Any] = json.loads(stream.getvalue())
    return found


@pytest.mark.parametrize("cold", [True, False])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"commandId": "c-1", "attempt": 3, "due": None, "validated": True, "ratio": 1.5},
        {"extra": {"run_id": "r", "numbers": {"hosts": 2}}, "reason": "Zürich\nsaid \"no\""},
        {"host_id": "i-89abcdef"},
        {"what": ValueError("not JSON")},
    ],
)  # fmt: skip
def test_a_line_of_the_log_says_what_powertools_says(
    capsys: pytest.CaptureFixture[str], fields: dict[str, Any], cold: bool
) -> None:
    mine, other = ours(capsys, cold, **fields), theirs(cold, **fields)
    assert list(mine)[:5] == list(other)[:5] == ["level", "location", "message", "timestamp", "service"]
    # The offset is of the machine's own time zone there; Lambda's is UTC.
    assert len(mine["timestamp"]) == len(other["timestamp"])
    assert mine["location"].startswith("ours:")
    assert {name: value for name, value in mine.items() if name not in MOVING} == {
        name: value for name, value in other.items() if name not in MOVING
    }


@pytest.mark.parametrize(
    ("level", "written"),
    [("DEBUG", 2), ("info", 2), ("WARNING", 1), ("ERROR", 0), ("CRITICAL", 0), ("loud", 2), ("", 2)],
)
def test_a_level_keeps_what_is_below_it_out(capsys: pytest.CaptureFixture[str], level: str, written: int) -> None:
    log = JsonLog({"POWERTOOLS_LOG_LEVEL": level})
    log.info("went well")
    log.warning("look")
    assert len(capsys.readouterr().out.splitlines()) == written


def test_what_no_encoding_has_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("w", encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        JsonLog(VARIABLES).warning("failed", reason="half \ud800 of a pair")
    line = json.loads((tmp_path / "log").read_text(encoding="utf-8"))
    assert line["reason"] == "half \ud800 of a pair"


def test_what_an_invocation_appends_is_gone_in_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    log = JsonLog(VARIABLES)
    log.begin(Context())
    log.append_keys(host_id="i-01234567")
    log.begin(Context())
    log.info("crl")
    line = json.loads(capsys.readouterr().out)
    assert "host_id" not in line
    assert line["cold_start"] is False


def test_metrics_are_the_line_that_powertools_writes(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Measurements(NAMESPACE)
    mine.add("fleet", {"HostsDue": 3, "LeastSecondsLeft": 7.5})
    mine.add("fleet", {"HostsDue": 2})
    mine.write()
    ours = json.loads(capsys.readouterr().out)
    provider = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="", metric_set={}, dimension_set={})
    provider.add_dimension("Automation", "fleet")
    for name, unit, value in (("HostsDue", "Count", 3), ("LeastSecondsLeft", "Seconds", 7.5), ("HostsDue", "Count", 2)):
        provider.add_metric(name=name, unit=unit, value=value)
    theirs = provider.serialize_metric_set()
    for line in (ours, theirs):
        assert isinstance(line["_aws"].pop("Timestamp"), int)
    assert ours == theirs


def test_metrics_are_written_once_and_nothing_where_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Measurements(NAMESPACE)
    mine.write()
    assert capsys.readouterr().out == ""
    mine.add("fleet", {"HostsDue": 3})
    mine.write()
    mine.write()
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_no_line_has_more_values_than_cloudwatch_takes(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Measurements(NAMESPACE)
    for _ in range(250):
        mine.add("fleet", {"EventsNotPublished": 1})
    mine.write()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(line["EventsNotPublished"]) for line in lines] == [100, 100, 50]


def test_another_automation_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Measurements(NAMESPACE)
    mine.add("one", {"HostsDue": 3})
    mine.add("two", {"HostsDue": 4})
    mine.write()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["Automation"], line["HostsDue"]) for line in lines] == [("one", [3.0]), ("two", [4.0])]


def test_a_metric_of_nobodys_list_is_refused_and_takes_none_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Measurements(NAMESPACE)
    with pytest.raises(KeyError, match="HostsDune"):
        mine.add("fleet", {"HostsDue": 3, "HostsDune": 4})
    mine.write()
    assert capsys.readouterr().out == ""
