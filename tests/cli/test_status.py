"""``pca-automator status``, ``explain`` and ``revoke``."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from pca_automator.cli.deployed import lifetime
from pca_automator.cli.deployed.deployment import Aws, Deployment
from pca_automator.cli.deployed.schedule import next_of_cron
from pca_automator.cli.runtime import runtime
from tests.cli.conftest import CA_ARN, REGION, WRITES_CRL, Deployed, a_crl, aws, error, host


def test_status_is_the_fleet_in_one_screen(deployed: Deployed) -> None:
    for number in range(1, 4):
        deployed.live(number, hours=100 + number)
    deployed.put(host(4))
    deployed.live(5, hours=-1, status="RETIRED")
    a_crl(deployed, 100)
    done = deployed.invoke("status", "--output", "json")
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["statuses"] == {"DEPLOYED": 3, "NEW": 1, "RETIRED": 1}
    assert (answer["hosts"], answer["due"], answer["overdue"]) == (4, 1, 0)
    assert answer["leastSecondsLeftHost"] == host(1)
    assert 100 * 3600 < answer["leastSecondsLeft"] <= 101 * 3600
    assert answer["lastRun"]["status"] == "SUCCEEDED"
    assert (answer["ca"]["status"], answer["crl"]["entries"]) == ("ACTIVE", 0)
    table = deployed.invoke("status").stdout
    assert "least time left" in table
    assert "needs a person" in table


def test_status_says_how_fast_the_fleet_is_renewed_and_why(deployed: Deployed) -> None:
    deployed.live(1)
    a_crl(deployed, 100)
    ledger = runtime("renewal.start_ledger").StartLedger(aws("dynamodb"), "starts")
    account = runtime("renewal.start_items").Account
    ledger.remember(account(10_000, {"CreateSession": 50.0}, 2.8, deployed.now))
    ledger.reserve("bulk", "run-1", 1_000, 10, deployed.now)
    ledger.note_throttled(deployed.now)
    pace = json.loads(deployed.invoke("status", "--output", "json").stdout)["pace"]
    assert (pace["rate"], pace["boundBy"]) == (22.0, "IssueCertificate")
    assert (pace["quotas"], pace["production"], pace["brake"]) == ({"CreateSession": 50}, 2.8, 0.75)
    assert 0 < pace["waiting"]["bulk"] <= 100
    assert pace["waiting"]["express"] == 0
    assert "AWS throttles: 75 %" in pace["summary"].replace("75%", "75 %")


@pytest.mark.parametrize(
    ("issued", "hosts", "month", "exit_code"),
    [(None, 4, None, 0), (0, 10_000, 16, 0), (500_000, 10_000, 8, 0), (799_999, 4, None, 0), (800_000, 10_000, 4, 1)],
)
def test_status_says_in_which_month_the_ca_is_used_up(
    deployed: Deployed, issued: int | None, hosts: int, month: int | None, exit_code: int
) -> None:
    found = lifetime.look(of(deployed), hosts, issued, deployed.now)
    assert (found["issued"], found["allowed"]) == (issued, 1_000_000)
    if month is not None:
        assert found["month"] == month
        assert f"month {month} from now" in found["summary"]
    assert found["soon"] is bool(exit_code)


def test_a_year_that_nobody_foresees_is_not_said(deployed: Deployed) -> None:
    found = lifetime.look(of(deployed), 8, 0, deployed.now)
    assert found["month"] > 120
    assert found["summary"] == "0 of 1,000,000 issued; enough for more than ten years"


def test_hosts_beyond_their_budget_of_certificates_are_counted(deployed: Deployed) -> None:
    """Also where other causes are more frequent, which alone are named in the line of those that failed."""
    a_crl(deployed, 100)
    for number, code in enumerate(["NO_SPACE", "NO_SPACE", "HOOK_FAILED", "HOOK_FAILED", "X", "X"], start=10):
        deployed.live(number, status="FAILED", lastError={"code": code})
    deployed.live(1, status="FAILED", lastError={"code": "ISSUANCE_BUDGET_EXCEEDED"})
    assert json.loads(deployed.invoke("status", "--output", "json").stdout)["overBudget"] == 1
    assert re.search(r"over their budget +1\n", deployed.invoke("status").stdout)


def test_a_ca_that_is_nearly_used_up_needs_a_person(deployed: Deployed) -> None:
    deployed.live(1)
    a_crl(deployed, 100)
    ledger = runtime("renewal.start_ledger").StartLedger(aws("dynamodb"), "starts")
    ledger.remember(runtime("renewal.start_items").Account(issued=812_345, issued_until=deployed.now))
    done = deployed.invoke("status", "--output", "json")
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    assert answer["ca"]["certificates"]["issued"] == 812_345
    assert any("812,345 of 1,000,000 issued" in trouble for trouble in answer["troubles"])


def of(deployed: Deployed) -> Deployment:
    del deployed  # it answers for AWS
    return Deployment(Aws(REGION))


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([("enrol-1-0", "SUCCEEDED"), ("changed-1-0", "SUCCEEDED"), ("a", "FAILED")], "run a ended FAILED"),
        ([("b", "RUNNING"), ("a", "TIMED_OUT")], "run a ended TIMED_OUT"),
        ([("a", "ABORTED"), ("z", "SUCCEEDED")], "the last run ended ABORTED"),
        ([("enrol-1-0", "FAILED"), ("z", "SUCCEEDED")], "the last run ended FAILED"),
        ([("b", "SUCCEEDED"), ("a", "FAILED")], None),
        ([("enrol-1-0", "SUCCEEDED"), ("b", "SUCCEEDED"), ("enrol-0-0", "FAILED")], None),
        ([], None),
    ],
)
def test_a_host_that_joins_does_not_hide_the_run_that_broke(
    deployed: Deployed, runs: list[tuple[str, str]], words: str | None
) -> None:
    deployed.live(1)
    a_crl(deployed, 100)
    found = [{"name": name, "status": status, "startDate": deployed.now} for name, status in runs]
    deployed.answers["ListExecutions"] = {"executions": found}
    done = deployed.invoke("status", "--output", "json")
    assert json.loads(done.stdout)["troubles"] == ([] if words is None else [words])
    assert done.exit_code == (0 if words is None else 1)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("overdue", "1 certificate has run out"),
        ("failed", "1 host failed"),
        ("run", "the last run ended FAILED"),
        ("ca", "the CA is DISABLED"),
        ("ca expires", "own certificate runs out soon"),
        ("crl", "the CRL has run out"),
        ("schedule", "the schedule is disabled"),
    ],
)
def test_status_says_what_needs_a_person(deployed: Deployed, what: str, words: str) -> None:
    deployed.live(1, hours=-1 if what == "overdue" else 100, status="FAILED" if what == "failed" else "DEPLOYED")
    a_crl(deployed, -1 if what == "crl" else 100)
    if what == "run":
        run = {"name": "run-1", "status": "FAILED", "startDate": deployed.now}
        deployed.answers["ListExecutions"] = {"executions": [run]}
    if what.startswith("ca"):
        end = deployed.now + timedelta(days=30 if what == "ca expires" else 3000)
        status = "DISABLED" if what == "ca" else "ACTIVE"
        deployed.answers["DescribeCertificateAuthority"] = {
            "CertificateAuthority": {"Status": status, "NotAfter": end, **WRITES_CRL}
        }
    if what == "schedule":
        deployed.answers["GetSchedule"] = lambda request: {
            "State": "DISABLED" if request["Name"] == "daily" else "ENABLED", "ScheduleExpression": "rate(1 day)",
        }  # fmt: skip
    done = deployed.invoke("status", "--output", "json")
    assert done.exit_code == 1
    (trouble,) = json.loads(done.stdout)["troubles"]
    assert words in trouble
    assert words in done.stderr


@pytest.mark.parametrize(
    ("expression", "now", "expected"),
    [
        ("cron(15 3,15 * * ? *)", (3, 14), (23, 3, 15)),
        ("cron(15 3,15 * * ? *)", (3, 15), (23, 15, 15)),
        ("cron(15 3,15 * * ? *)", (16, 0), (24, 3, 15)),
        ("cron(0,30 0 * * ? *)", (0, 10), (23, 0, 30)),
        ("cron(0 3 ? * MON *)", (1, 0), None),
        ("rate(12 hours)", (1, 0), None),
    ],
)
def test_next_run(expression: str, now: tuple[int, int], expected: tuple[int, int, int] | None) -> None:
    moment = next_of_cron(expression, datetime(2026, 11, 23, *now, tzinfo=UTC))
    assert moment == (datetime(2026, 11, *expected, tzinfo=UTC) if expected else None)


def test_explain_goes_from_the_message_to_the_remedy(deployed: Deployed) -> None:
    message = "CreateSession: Untrusted certificate. Insufficient certificate"
    last = {"phase": "CertDeployStatus", "code": "ROLES_ANYWHERE_REJECTED", "message": message, "at": "now"}
    deployed.live(1, status="FAILED", lastError=last, failureCount=3)
    done = deployed.invoke("explain", host(1), "--output", "json")
    assert done.exit_code == 0
    answer = json.loads(done.stdout)
    assert answer["remedy"] == runtime("errors.catalogue").remedy_for("ROLES_ANYWHERE_REJECTED", message)
    assert "trust anchor does not hold the CA" in answer["remedy"]
    assert answer["failures"] == 3
    assert host(1) in answer["next"]


def test_explain_of_a_code_needs_no_deployment(deployed: Deployed) -> None:
    done = deployed.invoke("explain", "HOOK_FAILED", "--output", "json")
    assert json.loads(done.stdout)["meaning"].startswith("A post-install hook failed")
    assert deployed.calls == []


def test_explain_names_the_host_in_the_commands_of_the_remedy(deployed: Deployed) -> None:
    deployed.live(1, status="FAILED", lastError={"code": "HOST_UNKNOWN_TO_SSM", "message": "no"})
    answer = json.loads(deployed.invoke("explain", host(1), "--output", "json").stdout)
    assert f"Values={host(1)}" in answer["remedy"]
    assert "<id>" not in answer["remedy"]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("HOOK_FAILD", "did you mean HOOK_FAILED"),
        ("no-space", "NO_SPACE"),
        ("web-1", "pca-automator docs troubleshooting"),
    ],
)
def test_explain_of_neither_a_host_nor_a_code_says_what_could_be_meant(
    deployed: Deployed, word: str, hint: str
) -> None:
    done = deployed.invoke("explain", word)
    assert (done.exit_code, deployed.calls) == (2, [])
    assert hint in done.stderr


@pytest.mark.parametrize("former", [{}, {"lastError": {"code": "HOOK_FAILED", "phase": "x", "message": "old"}}])
def test_explain_of_a_host_that_a_dead_run_left_says_so_and_which_command_is_next(
    deployed: Deployed, former: dict[str, object]
) -> None:
    """Its run was stopped, or broke: nothing is recorded, and the report calls it HOST_LOST."""
    past = (deployed.now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    deployed.live(1, status="RENEWING", runId="run-0", leaseUntil=past, pending={"requestId": "x"}, **former)
    done = deployed.invoke("explain", host(1))
    assert "HOST_LOST" in done.stdout
    assert "HOOK_FAILED" not in done.stdout
    answer = json.loads(deployed.invoke("explain", host(1), "--output", "json").stdout)
    assert answer["next"] == f"pca-automator run {host(1)} --force --watch --region us-east-1"


def test_explain_of_a_host_that_is_being_renewed_says_until_when(deployed: Deployed) -> None:
    soon = (deployed.now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    deployed.live(1, status="RENEWING", runId="run-0", leaseUntil=soon, pending={"requestId": "x"})
    answer = json.loads(deployed.invoke("explain", host(1), "--output", "json").stdout)
    assert answer["outcome"] == f"run run-0 is renewing it, until {soon} at most"


def test_explain_of_a_good_host_says_so(deployed: Deployed) -> None:
    deployed.live(1)
    assert "its last renewal went well" in deployed.invoke("explain", host(1)).stdout


def test_revoke_tells_the_ca_and_nobody_else(deployed: Deployed) -> None:
    deployed.live(1, serial="abc", previousSerial="beef")
    before = deployed.items()
    done = deployed.invoke("revoke", host(1), "--reason", "KEY_COMPROMISE", "--yes", "--output", "json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["certificates"] == [{"serial": "abc", "result": "revoked"}]
    (asked,) = deployed.called("RevokeCertificate")
    assert asked == {
        "CertificateAuthorityArn": CA_ARN,
        "CertificateSerial": "0a:bc",
        "RevocationReason": "KEY_COMPROMISE",
    }
    assert deployed.items() == before
    assert f"pca-automator run {host(1)} --force" in done.stderr


def test_revoke_takes_everything_that_the_ledger_knows_and_that_may_be_valid(deployed: Deployed) -> None:
    """The live certificate, one that was replaced, and one of a renewal that never ended well."""
    deployed.live(1, serial="abc")
    for serial, hours in (("0abc", 90), ("0bed", 80), ("0cab", 70), ("0dad", -1)):
        deployed.issued(host(1), serial, hours)
    shown = deployed.invoke("hosts", "show", host(1), "--output", "json")
    assert [each["serial"] for each in json.loads(shown.stdout)["certificates"]] == ["0abc", "0bed", "0cab"]
    assert deployed.invoke("revoke", host(1), "--yes").exit_code == 0
    serials = [request["CertificateSerial"] for request in deployed.called("RevokeCertificate")]
    assert sorted(set(serials)) == ["0a:bc", "0b:ed", "0c:ab"]


def test_revoke_of_what_was_revoked(deployed: Deployed) -> None:
    deployed.live(1, serial="abc")
    deployed.answers["RevokeCertificate"] = error("RequestAlreadyProcessedException")
    done = deployed.invoke("revoke", host(1), "--yes", "--output", "json")
    assert [row["result"] for row in json.loads(done.stdout)["certificates"]] == ["was revoked before"]


def test_what_is_in_quarantine_shows_everywhere_and_can_be_removed(deployed: Deployed) -> None:
    odd = "\x1b[2J" + "x" * 2_000
    deployed.live(1)
    deployed.put(odd, status="DEPLOYED")
    deployed.live(2, leaseUntil="9999-12-31T23:59:59Z", runId="run-9")
    deployed.put(host(3), certPath="relative")
    status = deployed.invoke("status")
    assert status.exit_code != 0
    said = re.search(r"2 entries in quarantine: (.+), (\S+)\n +pca-automator hosts lint --region", status.output)
    assert said
    assert re.fullmatch(r"\?\[2Jx+…", said[1])
    assert len(said[1]) < 200
    assert said[2] == host(2)
    listed = json.loads(deployed.invoke("hosts", "list", "--failed", "--output", "json").stdout)
    assert {row["quarantine"] for row in listed} == {"HOST_ID_INVALID", "INVENTORY_ATTRIBUTE_IMPOSSIBLE"}
    lint = deployed.invoke("hosts", "lint", "--output", "json")
    assert lint.exit_code != 0
    rows = {row["hostID"]: row for row in json.loads(lint.stdout[: lint.stdout.rindex("]") + 1])}
    assert {row["code"] for row in rows.values()} == {
        "HOST_ID_INVALID", "INVENTORY_ATTRIBUTE_IMPOSSIBLE", "INVENTORY_ATTRIBUTE_INVALID",
    }  # fmt: skip
    (name,) = (name for name in rows if name.startswith("entry-"))
    for verb in (
        ("hosts", "list"),
        ("hosts", "lint"),
        ("explain", name),
        ("explain", host(2)),
        ("hosts", "show", host(2)),
    ):
        output = deployed.invoke(*verb).output
        assert "\x1b[2J" not in output
        assert "Traceback" not in output
    assert "HOST_ID_INVALID" in deployed.invoke("explain", name).output
    assert deployed.invoke("hosts", "remove", name, host(3), "--yes").exit_code == 0
    assert set(deployed.items()) == {host(1), host(2)}
    assert deployed.invoke("hosts", "remove", "i-00000000000000fff", "--yes").exit_code == 1


def test_revoke_asks_and_checks(deployed: Deployed) -> None:
    deployed.live(1, serial="abc")
    deployed.put(host(2))
    assert deployed.invoke("revoke", host(1), input="n\n").exit_code == 1
    assert deployed.invoke("revoke", host(1), "--dry-run").exit_code == 0
    assert deployed.invoke("revoke", host(1), "--reason", "BORED", "--yes").exit_code == 2
    assert deployed.invoke("revoke", host(2), "--yes").exit_code == 1
    assert deployed.called("RevokeCertificate") == []
