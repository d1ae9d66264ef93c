"""Everything that can be broken, and how: on the deployment that the unit tests make up, and on one that is deployed.

One table for both: what ``status`` says, and what it says to type. ``tests/cli/test_broken_states.py`` takes the fakes,
``tests/cli/test_mended.py`` breaks the deployment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.cli import breaking
from tests.cli.breaking import Mend, World
from tests.cli.conftest import (
    ANCHOR_ARN,
    ANCHOR_ID,
    CA_ARN,
    PROFILE_ID,
    SEALED,
    WRITES_CRL,
    Deployed,
    a_crl,
    defaults,
    error,
    host,
)  # fmt: skip

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/dead"
ID = host(2)
OTHER_ROLE = "arn:aws:iam::123456789012:role/other"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/inventory"
DEPLOYER, KEEPER, OWNER, TIME = (
    "who deploys",
    "who keeps the CA",
    "who owns the host",
    "what it watches, when it is over",
)

Fake = Callable[[Deployed], None]
Break = Callable[[World], Mend]


@dataclass(frozen=True)
class State:
    """One thing that is broken.

    Args:
        words: what ``status`` says of it.
        commands: what ``status`` prints to type, on the fakes, without the Region.
        fake: breaks the fakes; ``None``: they cannot be broken that way.
        breaks: breaks the deployment, and returns what mends it in the hands of who can; ``None``: a deployment
            cannot be broken that way from outside.
        who: who mends it where no printed command does; "": the printed commands alone.
        cause: what has broken it, in the words of a command that ``status`` prints; "": ``status`` itself tells it.
    """

    words: str
    commands: tuple[str, ...] = ()
    fake: Fake | None = None
    breaks: Break | None = None
    who: str = ""
    cause: str = ""


def answer(operation: str, given: Any) -> Fake:
    return lambda deployed: deployed.answers.update({operation: given})


def ca(status: str, days: float = 3000) -> Fake:
    def broken(deployed: Deployed) -> None:
        found = {"Status": status, "NotAfter": deployed.now + timedelta(days=days), **WRITES_CRL}
        deployed.answers["DescribeCertificateAuthority"] = {"CertificateAuthority": found}

    return broken


def run(status: str) -> Fake:
    return lambda deployed: deployed.answers.update(
        {"ListExecutions": {"executions": [{"name": "run-1", "status": status, "startDate": deployed.now}]}}
    )


def one_of(operation: str, key: str, value: str, state: Any) -> Fake:
    """Of several things that an operation is asked about, one is in a state; the others are as they should be."""

    def broken(deployed: Deployed) -> None:
        healthy: Any = defaults()[operation]

        def asked(request: Mapping[str, Any]) -> Mapping[str, Any]:
            well = healthy(request) if callable(healthy) else healthy
            if request[key] != value:
                return dict(well)
            if isinstance(state, Exception):
                raise state
            return {**well, **state}

        deployed.answers[operation] = asked

    return broken


def table(name: str, status: str) -> Fake:
    return lambda deployed: deployed.answers.update(
        {
            "DescribeTable": lambda request: {
                "Table": {"TableStatus": status if request["TableName"] == name else "ACTIVE"}
            }
        }
    )


def crl(hours: float, **options: Any) -> Fake:
    return lambda deployed: a_crl(deployed, hours, **options)


def never(deployed: Deployed) -> None:
    """There is a certificate of some days, and no CRL."""
    deployed.answers["ListCrls"] = {"crls": []}
    deployed.issued(host(3), "0c", 1)


def left_behind(deployed: Deployed) -> None:
    """The CA was renewed after the trust anchor was last changed, within the hour that its certificates begin early."""
    ca("ACTIVE")(deployed)
    answered: Any = deployed.answers["DescribeCertificateAuthority"]
    answered["CertificateAuthority"]["NotBefore"] = deployed.now - timedelta(minutes=60)
    source = {"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": CA_ARN}}
    changed = deployed.now - timedelta(minutes=30)
    deployed.answers["GetTrustAnchor"] = {"trustAnchor": {"enabled": True, "updatedAt": changed, "source": source}}


def elsewhere(deployed: Deployed) -> None:
    ca("ACTIVE")(deployed)
    answered: Any = deployed.answers["DescribeCertificateAuthority"]
    configured = {"Enabled": True, "S3BucketName": "somewhere", "CustomPath": "pki"}
    answered["CertificateAuthority"]["RevocationConfiguration"] = {"CrlConfiguration": configured}


def item(hours: float = 100, **attributes: Any) -> Fake:
    def broken(deployed: Deployed) -> None:
        deployed.live(2, hours, **attributes)

    return broken


def revoked_live(deployed: Deployed) -> None:
    item(serial="0cab")(deployed)
    a_crl(deployed, 100, revoked=(0x0CAB,))


def failing(deployed: Deployed) -> None:
    values = [{"Id": name, "Values": [3.0]} for name in ("errors0", "invocations0")]
    deployed.answers["GetMetricData"] = {"MetricDataResults": values}


_AGAIN = "aws lambda invoke --function-name CRLProcessor /dev/stdout"
_RUN = "pca-automator run --watch"
_FAILED = ("pca-automator hosts list --failed", f"pca-automator explain {ID}")
_RINGS = {
    "AlarmName": "fleet-Runway", "StateValue": "ALARM",
    "AlarmDescription": "A host is late: pca-automator hosts list --due --stack Fleet --region us-east-1",
}  # fmt: skip
_SCHEDULE = (
    "aws scheduler update-schedule --cli-input-json "
    """'{"ScheduleExpression":"cron(15 3,15 * * ? *)","State":"ENABLED"}'"""
)
_NO_SUBNET = {"State": "Failed", "StateReason": "no subnet"}
_LOG = "aws logs filter-log-events --log-group-name /aws/lambda/CertCheck --start-time SINCE --filter-pattern ERROR"
_OFF = {"State": "DISABLED"}

BROKEN: dict[str, State] = {
    "profile": State(
        "the profile is disabled", (f"aws rolesanywhere enable-profile --profile-id {PROFILE_ID}",),
        answer("GetProfile", {"profile": {"enabled": False}}), breaking.profile,
    ),
    "profile's role": State(
        "the role that hosts prove with is not in the profile",
        (f"aws rolesanywhere update-profile --profile-id {PROFILE_ID} --role-arns {OTHER_ROLE} {SEALED['roleArn']}",),
        answer("GetProfile", {"profile": {"enabled": True, "roleArns": [OTHER_ROLE]}}), breaking.profile_role,
    ),
    "trust anchor": State(
        "the trust anchor is disabled", (f"aws rolesanywhere enable-trust-anchor --trust-anchor-id {ANCHOR_ID}",),
        answer("GetTrustAnchor", {"trustAnchor": {"enabled": False}}), breaking.trust_anchor,
    ),
    "trust anchor left behind": State(
        "it may still have the one before",
        (
            f"aws rolesanywhere update-trust-anchor --trust-anchor-id {ANCHOR_ID} --source "
            f"'sourceType=AWS_ACM_PCA,sourceData={{acmPcaArn={CA_ARN}}}'",
        ),
        left_behind, breaking.anchor_left_behind,
    ),
    "CRL never": State("no revocation is enforced", (_AGAIN,), never),
    "CRL elsewhere": State(
        "the CA writes its CRL to the bucket somewhere, as pki/", ("pca-automator explain CRL_ELSEWHERE",), elsewhere
    ),
    "CRL disabled": State(
        "DISABLED", ("aws rolesanywhere enable-crl --crl-id crl-1",), crl(100, enabled=False), breaking.crl_disabled,
    ),
    "CRL run out": State("the CRL has run out", (_AGAIN,), crl(-1), breaking.crl_run_out),
    "CRL old": State("no newer one came", (_AGAIN,), crl(24, days=20), breaking.crl_old),
    "CRL unreadable": State(
        "cannot be read", (_AGAIN,),
        answer("ListCrls", {"crls": [{"trustAnchorArn": ANCHOR_ARN, "name": "fleet-crl", "crlData": b"x"}]}),
    ),
    "CRL too large": State(
        "of 300,000 bytes are used", ("pca-automator explain CRL_TOO_LARGE",),
        crl(100, revoked=tuple(range(2**150, 2**150 + 5_500))), breaking.crl_large, KEEPER,
    ),
    "CRL's object": State(
        "it is gone", (), answer("HeadObject", error("404", operation="HeadObject", status=404)),
        breaking.crl_object, KEEPER,
    ),
    "CRL's bucket": State(
        "HeadObject", (), answer("HeadObject", error("403", operation="HeadObject", status=403)),
        breaking.crl_bucket, "who gives permissions",
    ),
    "CA disabled": State(
        "the CA is DISABLED",
        (f"aws acm-pca update-certificate-authority --certificate-authority-arn {CA_ARN} --status ACTIVE",),
        ca("DISABLED"), breaking.ca_disabled,
    ),
    "CA deleted": State(
        "the CA is DELETED", (f"aws acm-pca restore-certificate-authority --certificate-authority-arn {CA_ARN}",),
        ca("DELETED"), breaking.ca_deleted,
    ),
    "CA expired": State("the CA is EXPIRED", (), ca("EXPIRED", -1), who=KEEPER),
    "CA ends soon": State(
        "runs out soon", (
            f"aws acm-pca describe-certificate-authority --certificate-authority-arn {CA_ARN}",
            "pca-automator docs authority",
        ),
        ca("ACTIVE", 30), who=KEEPER,
    ),
    "queue": State(
        "2 messages wait",
        (
            f"aws sqs receive-message --queue-url {QUEUE} --attribute-names All --message-attribute-names All",
            f"aws sqs purge-queue --queue-url {QUEUE}",
        ),
        answer("GetQueueAttributes", {"Attributes": {"ApproximateNumberOfMessages": "2"}}),
        breaking.queue("AutomationDeadLetters"), cause="{} 1",
    ),
    "CRL's queue": State(
        "2 messages wait", breaks=breaking.queue("AutomationRevocationDeadLetters"), cause="{} 1",
    ),
    "schedule": State(
        "the schedule is disabled", (_SCHEDULE,), one_of("GetSchedule", "Name", "daily", _OFF),
        breaking.schedule("Workflow"),
    ),
    "another schedule": State(
        "what it starts is not done any more", (_SCHEDULE,), one_of("GetSchedule", "Name", "hourly", _OFF),
        breaking.schedule("RevocationReconciliation"),
    ),
    "no schedule": State(
        "it is gone", (), one_of("GetSchedule", "Name", "hourly", error("ResourceNotFoundException")),
        breaking.no_schedule, DEPLOYER,
    ),
    "rule": State(
        "its events do not arrive any more", ("aws events enable-rule --name crl-written",),
        answer("DescribeRule", _OFF), breaking.rule,
    ),
    "rule's target": State(
        "it has no target any more", (), answer("ListTargetsByRule", {"Targets": []}), breaking.rule_target, DEPLOYER,
    ),
    "event source of a table that was made anew": State(
        "it reads a stream that the inventory has no more", (),
        answer("GetEventSourceMapping", {"State": "Enabled", "EventSourceArn": f"{TABLE_ARN}/stream/2020"}),
        who=DEPLOYER,
    ),
    "key disabled": State(
        "it is disabled: nothing that it encrypts can be read", ("aws kms enable-key --key-id key-1",),
        answer("DescribeKey", {"KeyMetadata": {"KeyState": "Disabled"}}), breaking.key_disabled,
    ),
    "key to be deleted": State(
        "it is to be deleted: nothing that it encrypts can be read",
        ("aws kms cancel-key-deletion --key-id key-1", "aws kms enable-key --key-id key-1"),
        answer("DescribeKey", {"KeyMetadata": {"KeyState": "PendingDeletion"}}), breaking.key_deleted,
    ),
    "key without material": State(
        "it is PendingImport, not Enabled", (), answer("DescribeKey", {"KeyMetadata": {"KeyState": "PendingImport"}}),
        who="who keeps its key material",
    ),
    "event source": State(
        "its function hears of nothing any more",
        ("aws lambda update-event-source-mapping --uuid 11111111-2222-3333-4444-888888888888 --enabled",),
        answer("GetEventSourceMapping", {"State": "Disabled"}), breaking.event_source,
    ),
    "alarm": State(
        "1 alarm rings: A host is late",
        (
            "pca-automator hosts list --due --stack Fleet --region us-east-1",
            "aws cloudwatch describe-alarm-history --alarm-name fleet-Runway --max-records 5",
        ),
        answer("DescribeAlarms", {"MetricAlarms": [_RINGS]}),
    ),
    "an alarm of a deployment": State("1 alarm rings", breaks=breaking.alarm, who=TIME, cause="a test"),
    "table": State(
        "INACCESSIBLE_ENCRYPTION_CREDENTIALS", (), table("inventory", "INACCESSIBLE_ENCRYPTION_CREDENTIALS"),
        who="who keeps the key",
    ),
    "ledger of starts": State(
        "is ARCHIVED", (), table("starts", "ARCHIVED"), who=DEPLOYER,
    ),
    "ledger of starts, gone": State("it is gone", breaks=breaking.starts, who=DEPLOYER),
    "function": State(
        "it is Failed: no subnet", (),
        one_of("GetFunctionConfiguration", "FunctionName", "CertReport", _NO_SUBNET),
        who=DEPLOYER,
    ),
    "function's update": State(
        "its last update failed", (),
        one_of(
            "GetFunctionConfiguration", "FunctionName", "CertReport",
            {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "image"},
        ),
        who=DEPLOYER,
    ),
    "function's settings": State("has no variable TOPIC_ARN", breaks=breaking.settings, who=DEPLOYER),
    "function's calls": State(
        "every call within three hours failed: WorkflowCertCheck",
        (_LOG,),
        failing, who=DEPLOYER,
    ),
    "function shut": State(
        "no call is let through to WorkflowCertReport",
        ("aws lambda delete-function-concurrency --function-name CertReport",),
        one_of("GetFunctionConcurrency", "FunctionName", "CertReport", {"ReservedConcurrentExecutions": 0}),
        breaking.shut,
    ),
    "workflow": State("it is DELETING", (), answer("DescribeStateMachine", {"status": "DELETING"}), who=DEPLOYER),
    "document": State(
        "it is Failed, not Active", (),
        one_of("DescribeDocument", "Name", "fleet-InstallCertificate", {"Document": {"Status": "Failed"}}),
        who=DEPLOYER,
    ),
    "document, gone": State(
        "it is gone", (), one_of("DescribeDocument", "Name", "fleet-InspectCertificate", error("InvalidDocument")),
        breaking.document, DEPLOYER,
    ),
    "topic": State("it is gone", (), answer("GetTopicAttributes", error("NotFound")), breaking.topic, DEPLOYER),
    "ends before the next run": State(
        f"1 certificate ends before the next run: {ID}", (_RUN,), item(2, renewalDate="2020-01-01T00:00:00Z"),
        breaking.ending,
    ),
    "has run out": State(
        f"1 certificate has run out: {ID}", ("pca-automator hosts list --expiring-within 0m", _RUN), item(-1),
        breaking.run_out,
    ),
    "failed": State(
        "1 host failed (", _FAILED, item(status="FAILED"), breaking.agent, OWNER,
        cause="Systems Manager does not know the host",
    ),
    "failed for its profile": State(
        f"1 host failed (PROFILE_UNKNOWN): {ID}", _FAILED,
        item(status="FAILED", lastError={"code": "PROFILE_UNKNOWN", "phase": "CertCSR", "message": "no", "at": "x"}),
        breaking.override("certificateProfile", "nobodys"), cause="nobodys",
    ),
    "failed for an override": State(
        "1 host failed (INVENTORY_ATTRIBUTE_INVALID)", breaks=breaking.override("keyAlgorithm", "RSA_1024"),
        cause="keyAlgorithm is 'RSA_1024'",
    ),
    "revoked, live": State(
        f"1 host holds a revoked certificate, so that no session is given: {ID}",
        (f"pca-automator run {ID} --force --watch",), revoked_live, breaking.revoked,
    ),
    "proof lapsed": State(
        "1 host was proven and is not any more", (f"pca-automator hosts show {ID} --live",),
        item(validated=False, provenAt="2026-11-01T00:00:00Z"), who=OWNER,
    ),
    "helper gone": State(
        f"1 host proved certificates, and the helper is gone: {ID}",
        (f"pca-automator hosts show {ID} --live", "pca-automator explain HELPER_GONE"),
        item(validated=False, provenAt="2026-11-01T00:00:00Z", notices={"HELPER_GONE": ""}), breaking.helper, OWNER,
    ),
    "hooks not run": State(
        f"1 host did not run every file in the hooks directory: {ID}",
        (f"pca-automator hosts show {ID} --live", "pca-automator explain HOOKS_SKIPPED"),
        item(notices={"HOOKS_SKIPPED": "10-reload"}), breaking.hook, OWNER, cause="10-reload",
    ),
    "lost by a run": State(
        f"1 host was left by a run that broke: {ID}", (_RUN,),
        item(status="RENEWING", runId="run-0", leaseUntil="2020-01-01T00:00:00Z"), breaking.lost,
    ),
    "no host": State(
        "1 entry in quarantine: web-1", ("pca-automator hosts lint",), lambda deployed: deployed.put("web-1"),
        breaking.no_host, cause="web-17",
    ),
    "what nobody can have written": State(
        f"1 entry in quarantine: {ID}", ("pca-automator hosts lint",), item(failureCount="many"), breaking.impossible,
        cause="failureCount",
    ),
    "run failed": State(
        "the last run ended FAILED", ("pca-automator runs show run-1", _RUN), run("FAILED"), breaking.run_failed,
        cause="hostIDs",
    ),
    "run timed out": State("the last run ended TIMED_OUT", ("pca-automator runs show run-1", _RUN), run("TIMED_OUT")),
    "run stopped": State(
        "the last run ended ABORTED", ("pca-automator runs show run-1", _RUN), run("ABORTED"), breaking.run_stopped,
    ),
}  # fmt: skip

FAKES = {name: state for name, state in BROKEN.items() if state.fake is not None}
DEPLOYED = {name: state for name, state in BROKEN.items() if state.breaks is not None}
