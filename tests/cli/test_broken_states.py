"""Whatever is broken, ``status`` says it, and what to type: each state alone, and all is well without it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from tests.cli.conftest import ANCHOR_ARN, CA_ARN, Deployed, a_crl, defaults, error, host, stamp
from tests.documentation.test_commands import parse

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/dead"


def answer(operation: str, given: Any) -> Callable[[Deployed], None]:
    return lambda deployed: deployed.answers.update({operation: given})


def ca(status: str, days: float = 3000) -> Callable[[Deployed], None]:
    def broken(deployed: Deployed) -> None:
        found = {"Status": status, "NotAfter": deployed.now + timedelta(days=days)}
        deployed.answers["DescribeCertificateAuthority"] = {"CertificateAuthority": found}

    return broken


def run(status: str) -> Callable[[Deployed], None]:
    return lambda deployed: deployed.answers.update(
        {"ListExecutions": {"executions": [{"name": "run-1", "status": status, "startDate": deployed.now}]}}
    )


def function(state: dict[str, Any]) -> Callable[[Deployed], None]:
    def broken(deployed: Deployed) -> None:
        healthy: Any = defaults()["GetFunctionConfiguration"]
        deployed.answers["GetFunctionConfiguration"] = lambda request: {
            **healthy(request), **(state if request["FunctionName"] == "CertReport" else {}),
        }  # fmt: skip

    return broken


def document(status: str) -> Callable[[Deployed], None]:
    """One of them; the others are as they should be."""
    return lambda deployed: deployed.answers.update(
        {
            "DescribeDocument": lambda request: {
                "Document": {"Status": status if request["Name"] == "fleet-InstallCertificate" else "Active"}
            }
        }
    )


def crl(hours: float, **options: Any) -> Callable[[Deployed], None]:
    return lambda deployed: a_crl(deployed, hours, **options)


def item(hours: float = 100, **attributes: Any) -> Callable[[Deployed], None]:
    def broken(deployed: Deployed) -> None:
        deployed.live(2, hours, **attributes)

    return broken


def failing(deployed: Deployed) -> None:
    values = [{"Id": name, "Values": [3.0]} for name in ("errors0", "invocations0")]
    deployed.answers["GetMetricData"] = {"MetricDataResults": values}


ID = host(2)
# What is broken, what status says of it, and what it says to type.
BROKEN: dict[str, tuple[Callable[[Deployed], None], str, list[str]]] = {
    "profile": (
        answer("GetProfile", {"profile": {"enabled": False}}), "the profile is disabled",
        ["aws rolesanywhere enable-profile --profile-id profile"],
    ),
    "trust anchor": (
        answer("GetTrustAnchor", {"trustAnchor": {"enabled": False}}), "the trust anchor is disabled",
        ["aws rolesanywhere enable-trust-anchor --trust-anchor-id anchor"],
    ),
    "CRL disabled": (crl(100, enabled=False), "DISABLED", ["aws rolesanywhere enable-crl --crl-id crl-1"]),
    "CRL run out": (crl(-1), "the CRL has run out", ["aws lambda invoke --function-name CRLProcessor /dev/stdout"]),
    "CRL old": (
        crl(24, days=20), "no newer one came", ["aws lambda invoke --function-name CRLProcessor /dev/stdout"],
    ),
    "CRL unreadable": (
        answer("ListCrls", {"crls": [{"trustAnchorArn": ANCHOR_ARN, "name": "fleet-crl", "crlData": b"x"}]}),
        "cannot be read", ["aws lambda invoke --function-name CRLProcessor /dev/stdout"],
    ),
    "CRL too large": (
        crl(100, revoked=tuple(range(2**150, 2**150 + 5_500))), "of 300,000 bytes are used",
        ["pca-automator explain CRL_TOO_LARGE"],
    ),
    "CRL bucket": (answer("HeadObject", error("403", operation="HeadObject", status=403)), "HeadObject", []),
    "CA disabled": (
        ca("DISABLED"), "the CA is DISABLED",
        [f"aws acm-pca update-certificate-authority --certificate-authority-arn {CA_ARN} --status ACTIVE"],
    ),
    "CA deleted": (
        ca("DELETED"), "the CA is DELETED",
        [f"aws acm-pca restore-certificate-authority --certificate-authority-arn {CA_ARN}"],
    ),
    "CA expired": (ca("EXPIRED", -1), "the CA is EXPIRED", []),
    "CA ends soon": (
        ca("ACTIVE", 30), "runs out soon",
        [f"aws acm-pca describe-certificate-authority --certificate-authority-arn {CA_ARN}"],
    ),
    "queue": (
        answer("GetQueueAttributes", {"Attributes": {"ApproximateNumberOfMessages": "2"}}), "2 messages wait",
        [
            f"aws sqs receive-message --queue-url {QUEUE} --attribute-names All --message-attribute-names All",
            f"aws sqs purge-queue --queue-url {QUEUE}",
        ],
    ),
    "schedule": (
        answer("GetSchedule", {"State": "DISABLED", "ScheduleExpression": "rate(1 day)"}),
        "the schedule is disabled", ["pca-automator run --watch"],
    ),
    "alarm": (
        answer("DescribeAlarms", {"MetricAlarms": [{"AlarmName": "fleet-Runway", "StateValue": "ALARM"}]}),
        "1 alarm rings: fleet-Runway",
        ["aws cloudwatch describe-alarm-history --alarm-name fleet-Runway --max-records 5"],
    ),
    "table": (
        answer("DescribeTable", {"Table": {"TableStatus": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"}}),
        "INACCESSIBLE_ENCRYPTION_CREDENTIALS", [],
    ),
    "function": (function({"State": "Failed", "StateReason": "no subnet"}), "it is Failed: no subnet", []),
    "function's update": (
        function({"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "image"}), "its last update failed", [],
    ),
    "function's calls": (failing, "every call within three hours failed: AutomationWorkflowCertCheck", [
        "aws logs tail /aws/lambda/CertCheck --since 3h",
    ]),
    "workflow": (answer("DescribeStateMachine", {"status": "DELETING"}), "it is DELETING", []),
    "document": (document("Failed"), "it is Failed, not Active", []),
    "ends before the next run": (
        item(2, renewalDate="2020-01-01T00:00:00Z"), f"1 certificate ends before the next run: {ID}",
        ["pca-automator run --watch"],
    ),
    "has run out": (item(-1), "1 certificate has run out", ["pca-automator hosts list --expiring-within 0m"]),
    "failed": (item(status="FAILED"), "1 host failed", ["pca-automator hosts list --failed"]),
    "revoked, live": (
        lambda deployed: (item(serial="0cab")(deployed), a_crl(deployed, 100, revoked=(0x0CAB,)))[1],
        f"1 host holds a revoked certificate, so that no session is given: {ID}",
        [f"pca-automator run {ID} --force --watch"],
    ),
    "proof lapsed": (
        item(validated=False, provenAt="2026-11-01T00:00:00Z"), "1 host was proven and is not any more",
        [f"pca-automator hosts show {ID} --live"],
    ),
    "helper gone": (
        item(validated=False, provenAt="2026-11-01T00:00:00Z", notices={"HELPER_GONE": ""}),
        f"1 host proved certificates, and the helper is gone: {ID}",
        [f"pca-automator hosts show {ID} --live", "pca-automator explain HELPER_GONE"],
    ),
    "hooks not run": (
        item(notices={"HOOKS_SKIPPED": "10-reload"}),
        f"1 host did not run every file in the hooks directory: {ID}",
        [f"pca-automator hosts show {ID} --live", "pca-automator explain HOOKS_SKIPPED"],
    ),
    "lost by a run": (
        item(status="RENEWING", runId="run-0", leaseUntil="2020-01-01T00:00:00Z"),
        f"1 host was left by a run that broke: {ID}", ["pca-automator run --watch"],
    ),
    "no host": (
        lambda deployed: deployed.put("web-1"), "1 entry in quarantine: web-1",
        ["pca-automator hosts lint"],
    ),
    "run failed": (
        run("FAILED"), "the last run ended FAILED", ["pca-automator runs show run-1", "pca-automator run --watch"],
    ),
    "run timed out": (
        run("TIMED_OUT"), "the last run ended TIMED_OUT",
        ["pca-automator runs show run-1", "pca-automator run --watch"],
    ),
}  # fmt: skip


def healthy(deployed: Deployed) -> None:
    deployed.live(1)
    a_crl(deployed, 100)


def filled(command: str) -> str:
    return f"{command} --region us-east-1" if not command.startswith("pca-automator explain") else command


@pytest.mark.parametrize("state", BROKEN)
def test_what_is_broken_is_said_with_what_to_type(deployed: Deployed, state: str) -> None:
    break_it, words, commands = BROKEN[state]
    healthy(deployed)
    assert deployed.invoke("status").exit_code == 0
    break_it(deployed)
    done = deployed.invoke("status", "--output", "json")
    assert done.exit_code != 0
    assert words in done.stderr
    (found,) = json.loads(done.stdout)["findings"]
    assert words in found["text"]
    assert found["commands"] == [filled(command) for command in commands]
    assert commands or found["who"] or "could not be looked at" in found["text"] or state == "table"
    lines = deployed.invoke("status").stdout.splitlines()
    for command in found["commands"]:
        assert f"  {command}" in lines, "a command stands alone, so that it can be copied"


@pytest.mark.parametrize("state", BROKEN)
def test_every_command_of_the_health_list_is_one_that_exists(state: str) -> None:
    for command in BROKEN[state][2]:
        name, service, operation, *rest = shlex.split(command)
        if name == "pca-automator":
            parse(command)
        elif service != "logs":
            model = Session().get_service_model(service)
            shapes = {xform_name(each, "-"): model.operation_model(each).input_shape for each in model.operation_names}
            members = {f"--{xform_name(each, '-')}" for each in shapes[operation].members}
            # The AWS CLI's own name for MaxRecords where it pages, and of describe-alarm-history.
            assert {word for word in rest if word.startswith("--")} <= members, command


@pytest.mark.parametrize(
    ("refusal", "state", "status"),
    [
        (error("AccessDeniedException", "no", "Call", 403), "refused", 4),
        (error("ThrottlingException", "slow", "Call"), "unavailable", 5),
    ],
)
@pytest.mark.parametrize(
    "operation",
    [
        "GetSchedule", "ListExecutions", "GetProfile", "ListCrls", "DescribeAlarms", "GetQueueAttributes",
        "GetMetricData",
    ],
)  # fmt: skip
def test_a_look_that_is_refused_costs_its_own_line(
    deployed: Deployed, operation: str, refusal: Exception, state: str, status: int
) -> None:
    healthy(deployed)
    deployed.answers[operation] = refusal
    done = deployed.invoke("status", "--output", "json")
    answer = json.loads(done.stdout)
    assert answer["hosts"] == 1
    assert [found["state"] for found in answer["findings"]] == [state]
    assert (done.exit_code, done.stderr.count("\n")) == (status, 1)


def test_trouble_counts_for_more_than_what_could_not_be_seen(deployed: Deployed) -> None:
    healthy(deployed)
    deployed.answers["GetSchedule"] = error("AccessDeniedException", "no", "GetSchedule", 403)
    deployed.live(2, hours=-1)
    assert deployed.invoke("status").exit_code == 1


def test_the_number_of_calls_does_not_grow_with_the_fleet(deployed: Deployed) -> None:
    healthy(deployed)
    before = len(deployed.calls)
    deployed.invoke("status")
    alone = len(deployed.calls) - before
    for number in range(2, 40):
        deployed.live(number, status="FAILED", lastError={"code": "NO_SPACE"})
    before = len(deployed.calls)
    deployed.invoke("status")
    assert len(deployed.calls) - before == alone


def test_doctor_is_the_whole_list(deployed: Deployed) -> None:
    healthy(deployed)
    done = deployed.invoke("doctor", "--output", "json")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {row["result"] for row in rows} == {"ok"}
    assert {"hosts", "CA", "CRL", "profile", "trust anchor", "schedule", "alarms", "last run"} <= {
        row["part"] for row in rows
    }
    past = stamp(deployed.now - timedelta(hours=1))
    deployed.live(2, status="RENEWING", runId="run-0", leaseUntil=past)
    broken = deployed.invoke("doctor")
    assert broken.exit_code == 1
    assert "  pca-automator run --watch --region us-east-1" in broken.stdout.splitlines()
