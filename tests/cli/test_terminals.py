"""On a narrow terminal nothing that is copied is broken, and what is worth less gives way first."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from pca_automator.cli.runtime import runtime
from tests.cli.conftest import SEALED, Deployed, a_crl, host

WIDTHS = (80, 40)


def failing_fleet(deployed: Deployed) -> None:
    a_crl(deployed, 100)
    message = f"refused for {SEALED['profileArn']} and arn:aws:iam::123456789012:role/{'long-name-' * 8}end"
    error = {"code": "ROLES_ANYWHERE_REJECTED", "phase": "CertDeployStatus", "message": message, "at": "x"}
    deployed.live(1, hours=20, status="FAILED", lastError=error)
    deployed.live(2)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_list_gives_way_in_order_of_worth_and_breaks_no_cell(deployed: Deployed, width: int) -> None:
    failing_fleet(deployed)
    done = deployed.invoke("hosts", "list", env={"COLUMNS": str(width)})
    header, _, first, second = done.stdout.splitlines()
    assert all(len(line) <= width for line in (header, first, second))
    assert first.split()[0] == host(1)
    assert second.split()[0] == host(2)
    shown = header.split()
    assert shown == [name for name in ("hostID", "status", "left", "due", "lastError") if name in shown]
    assert ("lastError" in shown) is (width == 80)
    assert ("ROLES_ANYWHERE_REJECTED" in first) is (width == 80)
    assert "expiry" in done.stderr, "what is left out is said"


def test_a_wide_terminal_shows_every_column(deployed: Deployed) -> None:
    failing_fleet(deployed)
    done = deployed.invoke("hosts", "list", env={"COLUMNS": "160"})
    assert done.stdout.splitlines()[0].split() == [
        "hostID", "status", "left", "due", "expiry", "renewalDate", "lastError",
    ]  # fmt: skip
    assert done.stderr == ""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", [("explain", host(1)), ("hosts", "show", host(1)), ("status",), ("doctor",)])
def test_what_is_one_word_stands_on_one_line(deployed: Deployed, verb: tuple[str, ...], width: int) -> None:
    failing_fleet(deployed)
    narrow = deployed.invoke(*verb, env={"COLUMNS": str(width)}).stdout
    answer = json.loads(deployed.invoke(*verb, "--output", "json").stdout)
    wanted = {word for word in commands_in(answer) if word.startswith(("arn:", "i-", "pca-automator "))}
    assert wanted
    for word in wanted:
        assert word in narrow, "whole, so that it can be copied"
    if verb[0] in ("explain", "hosts"):
        assert f"{'long-name-' * 8}end" in narrow


def test_a_checklist_breaks_no_name_and_folds_sentences_alone(deployed: Deployed) -> None:
    failing_fleet(deployed)
    lines = deployed.invoke("doctor", env={"COLUMNS": "80"}).stdout.splitlines()
    parts = [row["part"] for row in json.loads(deployed.invoke("doctor", "--output", "json").stdout)]
    assert any(part.startswith("function ") for part in parts)
    for part in parts:
        assert any(line.startswith(f" {part} ") for line in lines), part
    table = lines[: lines.index("")]
    assert all(len(line) <= 80 for line in table)


def test_a_row_that_goes_into_a_file_loses_nothing(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    deployed.answers["ListExecutions"] = {
        "executions": [{"name": "x" * 200, "status": "SUCCEEDED", "startDate": deployed.now}]
    }
    text = deployed.invoke("runs", "list").stdout
    assert text.count("x") == 200
    assert "SUCCEEDED" in text


def commands_in(answer: object) -> list[str]:
    """What a person copies from an answer: commands as a whole."""
    if isinstance(answer, Mapping):
        copied = [answer["next"]] if isinstance(answer.get("next"), str) else []
        copied += answer.get("commands") or []
        copied += [answer["hostID"]] if isinstance(answer.get("hostID"), str) else []
        return [*copied, *(word for value in answer.values() for word in commands_in(value))]
    return [word for value in answer for word in commands_in(value)] if isinstance(answer, list) else []


def test_where_nobody_looks_a_line_ends_with_its_last_word(deployed: Deployed) -> None:
    failing_fleet(deployed)
    for verb in (("status",), ("hosts", "list"), ("hosts", "show", host(1))):
        lines = deployed.invoke(*verb, env={"COLUMNS": "80"}).stdout.splitlines()
        assert all(line == line.rstrip() for line in lines)


def test_what_would_be_done_is_said_to_programs_too(deployed: Deployed) -> None:
    failing_fleet(deployed)
    revoke = json.loads(deployed.invoke("revoke", host(2), "--dry-run", "--output", "json").stdout)
    assert revoke["goesDark"] is True
    assert [each["result"] for each in revoke["certificates"]] == ["would be revoked"]
    retire = json.loads(deployed.invoke("hosts", "retire", host(2), "--dry-run", "--output", "json").stdout)
    assert retire == [{"hostID": host(2), "result": "would be retired"}]
    assert not {"RevokeCertificate", "Invoke"} & {operation for operation, _ in deployed.calls}


def test_a_revocation_says_that_the_host_goes_dark_and_what_renews_it(deployed: Deployed) -> None:
    failing_fleet(deployed)
    renew = f"pca-automator run {host(2)} --force --watch --region us-east-1"
    asked = deployed.invoke("revoke", host(2), input="n\n")
    assert asked.exit_code == 1
    assert "the host is dark: it gets no session until it has a new certificate" in asked.stderr
    assert renew in asked.stderr.splitlines()
    assert not deployed.called("RevokeCertificate")
    done = deployed.invoke("revoke", host(2), "--yes")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.splitlines().count(renew) == 2
    deployed.live(3, status="RETIRED")
    gone = deployed.invoke("revoke", host(3), "--yes")
    assert "dark" not in gone.stderr, "nobody uses what a retired host had"


def test_a_code_with_many_causes_fits_a_narrow_terminal(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside its commands, which are copied as they stand."""
    monkeypatch.setenv("COLUMNS", "80")
    hints = runtime("errors.service_codes").HINTS
    for code in hints:
        table = deployed.invoke("explain", code).stdout.partition("what to type")[0]
        assert max(len(line) for line in table.splitlines()) <= 80, code
        assert table.count("if it says") == len(hints[code]), code
