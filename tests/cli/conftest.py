"""A deployment as the command sees it: table, bucket and topic by moto; stack, functions and the rest as answers."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import botocore.client
import pytest
import typer.testing
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto import mock_aws
from typer.testing import CliRunner, Result

from pca_automator.cli.deployed.deployment import Aws, Deployment, _tell
from pca_automator.cli.main import app
from pca_automator.cli.runtime import runtime
from pca_automator.ssm_documents import load_document
from tests.quick_moto import make_quick

REGION = "us-east-1"
ACCOUNT = "123456789012"
CA_ARN = f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:certificate-authority/11111111-2222-3333-4444-555555555555"
ANCHOR_ID = "11111111-2222-3333-4444-666666666666"
ANCHOR_ARN = f"arn:aws:rolesanywhere:{REGION}:{ACCOUNT}:trust-anchor/{ANCHOR_ID}"
PROFILE_ID = "11111111-2222-3333-4444-777777777777"
MACHINE_ARN = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:Workflow"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:failures"
RUN_ARN = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:Workflow:run-1"

# How the CA is configured: where its CRL is read.
WRITES_CRL = {"RevocationConfiguration": {"CrlConfiguration": {"Enabled": True, "S3BucketName": "crls"}}}
FUNCTIONS = {
    "CertCheck": {
        "AUTOMATION_NAME": "fleet", "TABLE_NAME": "inventory", "WORK_BUCKET": "work", "NEXT_RUN_SECONDS": "43200",
        "CA_ARN": CA_ARN, "TRUST_ANCHOR_ARN": ANCHOR_ARN,
        "STARTS_TABLE_NAME": "starts", "VALIDATION_POLICY": "IF_PRESENT", "QUOTAS": "{}",
        "PRODUCTION_SESSIONS": "", "QUOTA_SHARE": "1", "READ_ACCOUNT": "true",
    },
    "CertDeploy": {
        "AUTOMATION_NAME": "fleet", "TABLE_NAME": "inventory", "LEDGER_TABLE": "ledger", "CA_ARN": CA_ARN,
        "CERT_PATH": "/etc/pca-automator/certs",
        "KEY_PATH": "/etc/pca-automator/private", "CACERT_PATH": "/etc/pca-automator/certs",
        "SIGNINGHELPER_PATH": "/usr/local/bin",
        "RENEWAL_THRESHOLD_SECONDS": "172800", "RENEWAL_JITTER_SECONDS": "43200",
    },
    "CertIssue": {"VALIDITY_DAYS": "7"},
    "CertReport": {"TOPIC_ARN": TOPIC_ARN},
    "CRLProcessor": {
        "TRUST_ANCHOR_ARN": ANCHOR_ARN, "CRL_NAME": "fleet-crl", "CRL_BUCKET": "crls", "LEDGER_TABLE": "ledger",
    },
    "CertRetire": {"REVOKE_ON_RETIRE": "NEVER"},
    "CertEnroll": {},
}  # fmt: skip
SEALED = {
    "trustAnchorArn": ANCHOR_ARN, "profileArn": f"arn:aws:rolesanywhere:{REGION}:{ACCOUNT}:profile/{PROFILE_ID}",
    "roleArn": f"arn:aws:iam::{ACCOUNT}:role/prove",
}  # fmt: skip
_PLACES = {
    "CertCheck": "Workflow", "CertReport": "Workflow", "CertDeploy": "HostFunctions",
    "CertIssue": "HostFunctions", "CRLProcessor": "Revocation",
    "CertRetire": "Departure", "CertEnroll": "Enrolment",
}  # fmt: skip

Answer = Mapping[str, Any] | Exception | Callable[[Mapping[str, Any]], Mapping[str, Any]]


def error(code: str, message: str = "no", operation: str = "Operation", status: int = 400) -> ClientError:
    """What a client raises."""
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


def resources(prefix: str = "Automation") -> list[dict[str, str]]:
    """The stack's resources, as ListStackResources names them."""
    found = [(f"{prefix}{_PLACES[name]}{name}0A1B2C3D", "AWS::Lambda::Function", name) for name in FUNCTIONS]
    found += [
        (f"{prefix}WorkflowStateMachine0A1B2C3D", "AWS::StepFunctions::StateMachine", MACHINE_ARN),
        (f"{prefix}WorkflowSchedule0A1B2C3D", "AWS::Scheduler::Schedule", "daily"),
        (f"{prefix}RevocationReconciliation0A1B2C3D", "AWS::Scheduler::Schedule", "hourly"),
        (f"{prefix}RevocationCrlWritten0A1B2C3D", "AWS::Events::Rule", "crl-written"),
        (
            f"{prefix}EnrolmentInventoryChanges0A1B2C3D",
            "AWS::Lambda::EventSourceMapping",
            "11111111-2222-3333-4444-888888888888",
        ),
        (f"{prefix}DocumentsInspectCertificate0A1B2C3D", "AWS::SSM::Document", "fleet-InspectCertificate"),
        (f"{prefix}DocumentsInstallCertificate0A1B2C3D", "AWS::SSM::Document", "fleet-InstallCertificate"),
        (f"{prefix}Key0A1B2C3D", "AWS::KMS::Key", "key-1"),
        (f"{prefix}AlarmsRunway0A1B2C3D", "AWS::CloudWatch::Alarm", "fleet-Runway"),
        (f"{prefix}DeadLetters0A1B2C3D", "AWS::SQS::Queue", f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/dead"),
    ]
    return [
        {"LogicalResourceId": logical, "ResourceType": kind, "PhysicalResourceId": physical}
        for logical, kind, physical in found
    ]


@dataclass
class Deployed:
    """The deployment, what it answers, and what it was asked."""

    now: datetime
    answers: dict[str, Answer] = field(default_factory=dict)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    regions: set[str] = field(default_factory=set)

    def invoke(self, *arguments: str, **options: Any) -> Result:
        """Run the command."""
        return CliRunner().invoke(app, list(arguments), **options)

    def put(self, host_id: str, **attributes: Any) -> None:
        """Write an item as it is."""
        to_value = runtime("shared.expressions").to_value
        item = {name: to_value(value) for name, value in {"hostID": host_id, **attributes}.items()}
        aws("dynamodb").put_item(TableName="inventory", Item=item)
        self.calls.pop()  # not one of the command's

    def issued(self, host_id: str, serial: str, hours: float) -> None:
        """Write an entry of the ledger: a certificate that has some hours left."""
        to_value = runtime("shared.expressions").to_value
        values = {
            "hostID": host_id, "requestId": f"request-{serial}", "runId": "run-0", "publicKeySha256": "x",
            "requestedAt": stamp(self.now - timedelta(hours=100 - hours)), "fate": "LIVE", "serial": serial,
            "notAfter": stamp(self.now + timedelta(hours=hours)),
        }  # fmt: skip
        item = {name: to_value(value) for name, value in values.items()}
        aws("dynamodb").put_item(TableName="ledger", Item=item)
        self.calls.pop()  # not one of the command's

    def live(self, number: int, hours: float = 100, **attributes: Any) -> str:
        """Write an item with a certificate that has some hours left."""
        found = {"status": "DEPLOYED", "serial": f"{number:x}ab", **self.times(hours), **attributes}
        self.put(host(number), **found)
        return host(number)

    def times(self, hours: float) -> dict[str, str]:
        """Expiry and renewal date of a certificate with some hours left; it is renewed two days before its end."""
        expiry = self.now + timedelta(hours=hours)
        return {"expiry": stamp(expiry), "renewalDate": stamp(expiry - timedelta(hours=48))}

    def items(self) -> dict[str, dict[str, Any]]:
        """What the table holds."""
        found = aws("dynamodb").scan(TableName="inventory")["Items"]
        plain = [runtime("shared.expressions").from_item(item) for item in found]
        return {item["hostID"]: item for item in plain}

    def called(self, operation: str) -> list[Mapping[str, Any]]:
        """The requests of one operation."""
        return [request for name, request in self.calls if name == operation]


def a_crl(
    deployed: Deployed, hours: float, *, enabled: bool = True, revoked: tuple[int, ...] = (), days: float = 7
) -> None:
    """A CRL at the trust anchor, beside somebody else's: how long it is good for, whom it names, and how old it is."""
    key = ec.generate_private_key(ec.SECP256R1())

    def crl(serials: Iterable[int]) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")]))
            .last_update(deployed.now - timedelta(days=days))
            .next_update(deployed.now + timedelta(hours=hours))
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        for serial in serials:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(deployed.now)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    ours = {
        "trustAnchorArn": ANCHOR_ARN, "name": "fleet-crl", "crlId": "crl-1", "enabled": enabled,
        "crlData": crl(revoked),
    }  # fmt: skip
    others = {**ours, "name": "somebody else's", "crlId": "crl-2", "crlData": crl(range(1_000_000, 1_000_050))}
    elsewhere = {**others, "name": "fleet-crl", "trustAnchorArn": f"{ANCHOR_ARN}-of-others", "crlId": "crl-3"}
    deployed.answers["ListCrls"] = {"crls": [others, elsewhere, ours]}


def deployment() -> Deployment:
    """The one that :class:`Deployed` answers for, as the command finds it."""
    return Deployment(Aws(REGION))


def table(text: str) -> list[list[str]]:
    """What a person reads in a table, a title and the names of the columns included: the cells of each line."""
    lines = (re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip("─ ┃│"))
    return [line for line in lines if line != [""]]


def host(number: int) -> str:
    """An EC2 instance id."""
    return f"i-{number:017x}"


def stamp(moment: datetime) -> str:
    """As the system writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def _installing() -> str:
    return json.dumps(load_document("InstallCertificate", SEALED))


def defaults() -> dict[str, Answer]:
    """What a healthy deployment answers."""
    started = {"executionArn": RUN_ARN, "startDate": datetime(2026, 11, 23, 3, 15, tzinfo=UTC)}
    return {
        "ListStackResources": {"StackResourceSummaries": resources()},
        "DescribeStacks": {"Stacks": []},
        "GetFunctionConfiguration": lambda request: {
            "State": "Active", "Environment": {"Variables": FUNCTIONS[request["FunctionName"]]},
        },
        "StartExecution": started,
        "DescribeExecution": {**started, "status": "SUCCEEDED", "output": "{}"},
        "ListExecutions": {"executions": [{**started, "name": "run-1", "status": "SUCCEEDED"}]},
        "DescribeStateMachine": {"status": "ACTIVE"},
        "GetSchedule": {"State": "ENABLED", "ScheduleExpression": "cron(15 3,15 * * ? *)"},
        "DescribeRule": {"State": "ENABLED"},
        "ListTargetsByRule": {"Targets": [{"Id": "Target0", "Arn": "arn"}]},
        "DescribeKey": {"KeyMetadata": {"KeyState": "Enabled"}},
        "GetTemplate": {"TemplateBody": {"Resources": {}}},
        "GetEventSourceMapping": {"State": "Enabled"},
        "GetFunctionConcurrency": {},
        "DescribeCertificateAuthority": {
            "CertificateAuthority": {"Status": "ACTIVE", "NotAfter": datetime(2036, 1, 1, tzinfo=UTC), **WRITES_CRL},
        },
        "RevokeCertificate": {},
        "GetCertificate": error("ResourceNotFoundException"),
        "ListCrls": {"crls": []},
        "DescribeAlarms": {"MetricAlarms": []},
        "GetMetricData": {"MetricDataResults": []},
        "HeadObject": {},
        "GetTrustAnchor": {"trustAnchor": {"enabled": True}},
        "GetProfile": {"profile": {"enabled": True}},
        "DescribeDocument": {"Document": {"Status": "Active"}},
        "GetDocument": {"Content": _installing()},
        "GetQueueAttributes": {"Attributes": {"ApproximateNumberOfMessages": "0"}},
        "GetTopicAttributes": {"Attributes": {"TopicArn": TOPIC_ARN}},
        "ListSubscriptionsByTopic": {"Subscriptions": []},
        "ListCommandInvocations": {"CommandInvocations": []},
    }  # fmt: skip


def invoked(answer: Mapping[str, Any], failed: bool = False) -> dict[str, Any]:
    """What Lambda answers an Invoke."""
    body = {"Payload": io.BytesIO(json.dumps(answer).encode()), "StatusCode": 200}
    return {**body, "FunctionError": "Unhandled"} if failed else body


# The tree of verbs is the same for every test.
typer.testing._get_command = cache(typer.testing._get_command)
make_quick()


class OneOfEach(boto3.session.Session):
    """Makes one client of each kind: what it is made of is read from tables that are the same for every test."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._made: dict[str, Any] = {}

    def client(self, *arguments: Any, **options: Any) -> Any:
        """As boto3's, but tests of one process share it: what it is answered is below it."""
        config = options.get("config")
        said = sorted(config._user_provided_options.items()) if config else None
        environment = sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))
        kind = repr((arguments, options | {"config": said}, environment))
        if kind not in self._made:
            self._made[kind] = super().client(*arguments, **options)
        # A client that is new tells nobody yet.
        self._made[kind].meta.events.unregister("before-call", _tell)
        return self._made[kind]


# One session for all tests: reading the services' models anew takes longer than everything else in a test.
_session = cache(OneOfEach)


def aws(service: str) -> Any:
    """A client for what a test itself does."""
    return _session(region_name=REGION).client(service)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """A healthy deployment with an empty fleet."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "PCA_AUTOMATOR_STACK", "PCA_AUTOMATOR_AUTOMATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("COLUMNS", "132")
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(boto3.session, "Session", _session)
    world = Deployed(datetime.now(UTC).replace(microsecond=0), defaults())
    genuine = botocore.client.BaseClient._make_api_call

    def answer(client: Any, operation: str, request: Mapping[str, Any]) -> Any:
        world.calls.append((operation, request))
        world.regions.add(client.meta.region_name)
        if operation not in world.answers:
            return genuine(client, operation, request)
        # What AWS would refuse for its form, no test may pass with.
        model = client.meta.service_model.operation_model(operation)
        refused = ParamValidator().validate(dict(request), model.input_shape) if model.input_shape else None
        assert refused is None or not refused.has_errors(), f"{operation}: {refused.generate_report()}"
        given = world.answers[operation]
        if isinstance(given, Exception):
            raise given
        return given(request) if callable(given) else dict(given)

    with mock_aws():
        aws("dynamodb").create_table(
            TableName="inventory",
            KeySchema=[{"AttributeName": "hostID", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "hostID", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        aws("dynamodb").create_table(
            TableName="starts",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "at", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        aws("dynamodb").create_table(
            TableName="ledger",
            KeySchema=[
                {"AttributeName": "hostID", "KeyType": "HASH"},
                {"AttributeName": "requestId", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("hostID", "requestId")],
            BillingMode="PAY_PER_REQUEST",
        )
        aws("s3").create_bucket(Bucket="work")
        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", answer)
        yield world
