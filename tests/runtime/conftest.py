"""A small AWS for each test: table, buckets and topic by moto, the rest by fakes, and a clock to set."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import HealthCheck, settings
from moto import mock_aws
from pca_runtime.inventory.ledger import WORK_INDEX, CertificateLedger, Entry
from pca_runtime.shared.expressions import _DESERIALIZER as EXACT
from pca_runtime.shared.expressions import from_item, to_value
from pca_runtime.shared.timestamps import format_time

from tests.quick_moto import QUICK_CALLS, make_quick
from tests.runtime.fakes import (
    ANCHOR_ARN,
    CA_ARN,
    REGION,
    FakeCloudWatch,
    FakeEventBridge,
    FakePca,
    FakeRolesAnywhere,
    FakeServiceQuotas,
    FakeSsm,
    FakeStepFunctions,
    Passing,
)
from tests.runtime.pki import NOW, Ca

# A busy machine is no defect, a run in CI must be the run of yesterday, and tests write nothing into the checkout.
settings.register_profile(
    "ordinary", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ordinary")
make_quick()

HANDLERS = (
    "cert_check", "cert_csr", "cert_csr_status", "cert_issue", "cert_deploy", "cert_deploy_status",
    "cert_digest", "cert_failure", "cert_report", "crl_processor",
)  # fmt: skip
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "POWERTOOLS_SERVICE_NAME": "Test",
    "POWERTOOLS_METRICS_NAMESPACE": "PcaAutomator",
    "AUTOMATION_NAME": "fleet",
    "TABLE_NAME": "inventory",
    "STARTS_TABLE_NAME": "starts",
    "READ_ACCOUNT": "true",
    "LEDGER_TABLE": "ledger",
    "AUDIT_BUCKET": "audit",
    "WORK_BUCKET": "work",
    "SCAN_SEGMENTS": "4",
    "NEXT_RUN_SECONDS": "43200",
    "POLL_INTERVAL_SECONDS": "15",
    "POLL_ATTEMPTS": "4",
    "ISSUANCE_BUDGET": "10",
    "ISSUANCE_TIMEOUT_SECONDS": "1200",
    "GENERATE_CSR_DOCUMENT": "GenerateCsr",
    "INSTALL_DOCUMENT": "InstallCertificate",
    "CERT_PATH": "/etc/pca-automator/certs",
    "KEY_PATH": "/etc/pca-automator/private",
    "CACERT_PATH": "/etc/pca-automator/certs",
    "SIGNINGHELPER_PATH": "/usr/local/bin",
    "KEY_ALGORITHM": "EC_prime256v1",
    "CA_ARN": CA_ARN,
    "SIGNING_ALGORITHM": "SHA256WITHECDSA",
    "CERTIFICATE_PROFILES": json.dumps(
        {
            "default": {
                "usages": ["CLIENT_AUTH", "SERVER_AUTH"],
                "dns_names": ["*.example.com"],
                "ip_addresses": ["10.0.0.0/8", "fd00::/8"],
                "uris": ["spiffe://example.com/host/{hostID}"],
                "email_addresses": ["*@example.com"],
            },
            "client": {"usages": ["CLIENT_AUTH"], "validity_days": 5, "organization": "Example GmbH"},
            "strong": {"usages": ["CLIENT_AUTH"], "key_algorithm": "EC_secp384r1", "organizational_unit": "Vaults"},
        }
    ),
    "VALIDITY_DAYS": "7",
    "RENEWAL_THRESHOLD_SECONDS": "172800",
    "RENEWAL_JITTER_SECONDS": "0",
    "TRUST_ANCHOR_ARN": ANCHOR_ARN,
    "VALIDATION_POLICY": "IF_PRESENT",
    "TOPIC_ARN": f"arn:aws:sns:{REGION}:123456789012:failures",
    "CRL_BUCKET": "crls",
    "CRL_NAME": "pca-automator",
}
HOST = "i-0123456789abcdef0"


class Context:
    """What is read of Lambda's context."""

    function_name = "Test"
    memory_limit_in_mb = 256
    invoked_function_arn = f"arn:aws:lambda:{REGION}:111122223333:function:Test"
    aws_request_id = "request"


class ExactSerializer(TypeSerializer):
    """Gives a number back with the digits it was stored with, as DynamoDB does."""

    def _serialize_n(self, value: Any) -> str:
        return str(value)


class Inbox:
    """A queue that is subscribed to the topic, as an e-mail address would be."""

    def __init__(self, sns: Any, sqs: Any) -> None:
        self._sqs = sqs
        topic = sns.create_topic(Name="failures")["TopicArn"]
        self._queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def messages(self) -> list[dict[str, str]]:
        """Everything that was published, with Subject and Message."""
        found: list[dict[str, str]] = []
        while answer := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in answer]
            for message in answer:
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return found


@dataclass
class World:
    """Everything a function can reach, and the handlers themselves."""

    dynamodb: Any
    s3: Any
    sns: Any
    ssm: FakeSsm
    pca: FakePca
    step_functions: FakeStepFunctions
    roles_anywhere: FakeRolesAnywhere
    events: FakeEventBridge
    service_quotas: FakeServiceQuotas
    cloudwatch: FakeCloudWatch
    inbox: Inbox
    now: datetime = NOW

    def clock(self) -> datetime:
        return self.now

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def client(self, service: str) -> Any:
        return {
            "dynamodb": self.dynamodb,
            "s3": self.s3,
            "sns": self.sns,
            "ssm": self.ssm,
            "acm-pca": self.pca,
            "stepfunctions": self.step_functions,
            "rolesanywhere": self.roles_anywhere,
            "events": self.events,
            "service-quotas": self.service_quotas,
            "cloudwatch": self.cloudwatch,
        }[service]

    def invoke(self, handler: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Call a handler the way Lambda does: JSON in, JSON out."""
        module = importlib.import_module(f"handlers.{handler}")
        answer = module.handler(json.loads(json.dumps(payload)), Context())
        return json.loads(json.dumps(answer))

    def put(self, host_id: str = HOST, **attributes: Any) -> None:
        item = {name: to_value(value) for name, value in {"hostID": host_id, **attributes}.items()}
        self.dynamodb.raw.put_item(TableName="inventory", Item=item)

    def item(self, host_id: str = HOST) -> dict[str, Any]:
        answer = self.dynamodb.raw.get_item(TableName="inventory", Key={"hostID": {"S": host_id}})
        return from_item(answer["Item"]) if "Item" in answer else {}

    @property
    def ledger(self) -> CertificateLedger:
        return CertificateLedger(self.dynamodb.raw, "ledger", self.clock)

    def certificates(self, host_id: str = HOST) -> list[Entry]:
        """What the ledger has of a host, the newest first."""
        return self.ledger.of_host(host_id)

    def issued(self, serial: str, host_id: str = HOST, *, days: float = 7, minutes: float = 0) -> None:
        """An entry of the ledger, as the renewal leaves it that had this certificate issued some minutes from now."""
        values = {
            "hostID": host_id, "requestId": f"request-{serial}", "runId": "run-0", "publicKeySha256": serial,
            "requestedAt": format_time(self.now + timedelta(minutes=minutes)), "fate": "LIVE", "serial": serial,
            "notAfter": format_time(self.now + timedelta(days=days)),
            "certificateArn": f"{CA_ARN}/certificate/{serial}",
        }  # fmt: skip
        item = {name: to_value(value) for name, value in values.items()}
        self.dynamodb.raw.put_item(TableName="ledger", Item=item)

    def lines(self, key: str) -> list[dict[str, Any]]:
        body = self.s3.raw.get_object(Bucket="work", Key=key)["Body"].read()
        return [json.loads(line) for line in body.splitlines()]


@pytest.fixture(scope="session")
def clients() -> dict[str, Any]:
    """moto's clients, made once: reading the service models takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in ENVIRONMENT.items():
            patch.setenv(variable, value)
        return {
            service: boto3.client(service, config=QUICK_CALLS.get(service, QUICK_CALLS[""]))
            for service in ("dynamodb", "s3", "sns", "sqs")
        }


@pytest.fixture
def world(clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A fresh world, with every handler's caches emptied and its clients and clock replaced."""
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    with mock_aws():
        yield _world(clients, monkeypatch)


def create_starts(dynamodb: Any) -> None:
    """The table of the ledger of starts."""
    dynamodb.create_table(
        TableName="starts",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def _world(clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> World:
    # moto itself reads and projects numbers with boto3's types, which raise for some that DynamoDB holds.
    monkeypatch.setattr("moto.dynamodb.models.dynamo_type.deserializer", EXACT)
    monkeypatch.setattr("moto.dynamodb.models.dynamo_type.serializer", ExactSerializer())
    clients["dynamodb"].create_table(
        TableName="inventory",
        KeySchema=[{"AttributeName": "hostID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "hostID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    create_starts(clients["dynamodb"])
    clients["dynamodb"].create_table(
        TableName="ledger",
        KeySchema=[
            {"AttributeName": "hostID", "KeyType": "HASH"},
            {"AttributeName": "requestId", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("hostID", "requestId", "work", "workSince")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": WORK_INDEX,
                "KeySchema": [
                    {"AttributeName": "work", "KeyType": "HASH"},
                    {"AttributeName": "workSince", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for bucket in ("work", "crls", "audit"):
        clients["s3"].create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    made = World(
        Passing(clients["dynamodb"]),
        Passing(clients["s3"]),
        Passing(clients["sns"]),
        FakeSsm(),
        FakePca(Ca()),
        FakeStepFunctions(),
        FakeRolesAnywhere(),
        FakeEventBridge(),
        FakeServiceQuotas(),
        FakeCloudWatch(),
        Inbox(clients["sns"], clients["sqs"]),
    )
    for handler in HANDLERS:
        module = importlib.import_module(f"handlers.{handler}")
        monkeypatch.setattr(module, "client", made.client)
        if hasattr(module, "utc_now"):
            monkeypatch.setattr(module, "utc_now", made.clock)
        for thing in vars(module).values():
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()
    return made
