"""Logs tell the story of a renewal and never hold an event, a CSR, a key, a certificate or a token."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pca_runtime.errors import kinds as errors
from pca_runtime.errors.kinds import CsrRejected
from pca_runtime.shared.clients import client

from tests.runtime.conftest import HOST, World
from tests.runtime.pki import make_csr
from tests.runtime.renewal.steps import RUN, TOKEN, completed, finish, host, issuance_event, issue, until_csr

SOURCE = Path(errors.__file__).parents[2]


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What was written to the log since it was last read: lines and metrics."""
    return lambda: capsys.readouterr().out


def test_a_whole_renewal_logs_no_token_csr_certificate_or_event(world: World, log: Callable[[], str]) -> None:
    world.put()
    arn = issue(world)
    world.invoke("cert_deploy", issuance_event(arn))
    finish(world, completed(world))
    text = log()
    assert '"message":"csr requested"' in text
    assert TOKEN not in text
    assert "BEGIN" not in text
    assert "detail-type" not in text
    for line in text.splitlines():
        json.loads(line)


def test_a_rejected_csr_is_logged_with_its_code_and_without_itself(world: World, log: Callable[[], str]) -> None:
    world.put()
    until_csr(world)
    csr = make_csr("i-0fedcba9876543210")
    with pytest.raises(CsrRejected):
        world.invoke("cert_issue", {**host(), "csr": csr, "taskToken": "T-O-K-E-N"})
    (line,) = [json.loads(line) for line in log().splitlines() if '"failed"' in line]
    assert line["level"] == "WARNING"
    assert (line["error"], line["code"]) == ("CsrRejected", "CSR_WRONG_SUBJECT")
    assert (line["host_id"], line["run_id"]) == (host()["hostID"], RUN)
    assert csr.splitlines()[1] not in json.dumps(line)
    assert "T-O-K-E-N" not in json.dumps(line)


@pytest.mark.parametrize(
    ("said", "warned"),
    [("-61", True), ("-60", False), ("300", False), ("301", True), ("unknown", False), ("9" * 12, False)],
)
def test_a_host_whose_clock_is_wrong_is_named(world: World, log: Callable[[], str], said: str, warned: bool) -> None:
    world.put()
    world.invoke("cert_deploy", issuance_event(issue(world)))
    install = completed(world)
    invocation = world.ssm.invocations[install["installCommandId"]]
    words = invocation["StandardOutputContent"].replace("clockDifference=0", f"clockDifference={said}")
    invocation["StandardOutputContent"] = words
    log()
    assert finish(world, install)["state"] == "DEPLOYED"
    lines = [json.loads(line) for line in log().splitlines() if "clock of the host" in line]
    assert [(line["host_id"], line["seconds_ahead"]) for line in lines] == ([(HOST, int(said))] if warned else [])


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("none", None),
        ("HOOKS_SKIPPED skippedHooks=10-a,README", {"HOOKS_SKIPPED": "10-a,README"}),
        ("HELPER_BROKEN,HOOKS_SKIPPED", {"HELPER_BROKEN": "", "HOOKS_SKIPPED": ""}),
        ("CA_NOT_ACTIVE", None),
        ("OTHER_HOSTS_KEY otherHosts=<b>", {"OTHER_HOSTS_KEY": ""}),
        ("HELPER_GONE,<b>", {"HELPER_GONE": ""}),
    ],
)
def test_what_did_not_happen_on_a_host_is_named(
    world: World, log: Callable[[], str], said: str, named: dict[str, str] | None
) -> None:
    world.put()
    world.invoke("cert_deploy", issuance_event(issue(world)))
    install = completed(world)
    invocation = world.ssm.invocations[install["installCommandId"]]
    words = invocation["StandardOutputContent"].replace("clockDifference=0", f"clockDifference=0 notices={said}")
    invocation["StandardOutputContent"] = words
    log()
    assert finish(world, install)["state"] == "DEPLOYED"
    lines = [json.loads(line) for line in log().splitlines() if "has to be looked at" in line]
    assert [line["notices"] for line in lines] == ([named] if named else [])


def test_the_keys_of_one_host_do_not_stick_to_the_next_invocation(world: World, log: Callable[[], str]) -> None:
    world.put()
    world.invoke("cert_csr", host())
    log()
    world.invoke("cert_check", {"input": {}, "runId": "other"})
    lines = [json.loads(line) for line in log().splitlines()]
    assert all("host_id" not in line for line in lines)


def test_metrics_of_one_invocation_do_not_leak_into_the_next(world: World, log: Callable[[], str]) -> None:
    world.invoke("cert_check", {"input": {}, "runId": "one"})
    log()
    world.put()
    world.invoke("cert_csr", host())
    assert "_aws" not in log()


def modules() -> list[Path]:
    return sorted(SOURCE.glob("handlers/*.py")) + sorted(SOURCE.glob("pca_runtime/**/*.py"))


@pytest.mark.parametrize("module", modules(), ids=lambda path: path.stem)
def test_log_messages_are_constants_and_nothing_sleeps_prints_or_imports_the_cdk(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            assert not any(name.split(".")[0] in ("aws_cdk", "time", "subprocess", "os.path") for name in names)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if ast.unparse(node.func.value) in ("logger", "log", "self._log"):
                assert node.func.attr in ("append_keys", "begin") or isinstance(node.args[0], ast.Constant)
            assert node.func.attr != "sleep"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "eval", "exec")


@pytest.mark.parametrize("module", modules(), ids=lambda path: path.stem)
def test_files_and_functions_stay_short(module: Path) -> None:
    text = module.read_text()
    assert len(text.splitlines()) <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 60, node.name


@pytest.mark.parametrize("service", ["dynamodb", "s3", "sns", "ssm", "acm-pca", "stepfunctions", "rolesanywhere"])
def test_clients_have_timeouts_and_a_bounded_retry_and_are_made_once(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    made = client(service)
    config = made.meta.config
    assert client(service) is made
    assert config.retries == {"mode": "standard", "total_max_attempts": 4}
    assert config.connect_timeout + config.read_timeout <= 10


def test_no_renewal_waits_long_for_an_event_to_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    config = client("events").meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}
    assert config.connect_timeout + config.read_timeout <= 3
