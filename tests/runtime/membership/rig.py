"""What the functions of joining and leaving reach beyond the world of a renewal."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from pca_runtime.shared.expressions import to_value

from tests.runtime.conftest import HOST, Context, World
from tests.runtime.fakes import CA_ARN, REGION, FakePca, FakeSsm, FakeStepFunctions, Recorder, client_error

HANDLERS = ("cert_enroll", "cert_register", "cert_retire", "cert_deploy_status")
MACHINE = f"arn:aws:states:{REGION}:111122223333:stateMachine:Renewal"
LIVE = {
    "status": "DEPLOYED",
    "serial": "0abc",
    "expiry": "2026-11-30T13:15:00Z",
    "renewalDate": "2026-11-28T13:15:00Z",
    "certificateArn": "arn:aws:acm-pca:x",
    "lastRunId": "run-0",
}
NODE = "mi-0123456789abcdef0"
FUTURE, PAST = "2026-11-24T00:00:00Z", "2026-11-22T00:00:00Z"
ENVIRONMENT = {
    "REMOVE_DOCUMENT": "RemoveCertificate",
    "REVOKE_ON_RETIRE": "ALWAYS",
    "ENROL_TAGS": '{"CertManaged": "true"}',
}


class Runs(FakeStepFunctions):
    """StartExecution with its names, which are unique for 90 days."""

    def __init__(self) -> None:
        super().__init__()
        self.started: dict[str, dict[str, Any]] = {}

    def start_execution(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            assert request["stateMachineArn"] == MACHINE
            assert len(request["input"].encode()) <= 262_144
            if request["name"] in self.started:
                raise client_error("ExecutionAlreadyExists", "StartExecution")
            self.started[request["name"]] = json.loads(request["input"])
            return {"executionArn": "arn"}

        return self._do("start_execution", request, work)


class Authority(FakePca):
    """RevokeCertificate, which knows its certificates by their serial numbers."""

    def __init__(self, pca: FakePca) -> None:
        super().__init__(pca.ca)
        self.certificates = pca.certificates
        self.revoked: dict[int, str] = {}
        self.foreign: set[int] = set()
        self.reported = False

    def create_certificate_authority_audit_report(self, **request: Any) -> dict[str, Any]:
        assert (request["S3BucketName"], request["AuditReportResponseFormat"]) == ("audit", "CSV")
        answer = {"AuditReportId": "report-1", "S3Key": "audit-report/ca/report-1.csv"}
        return self._do("create_certificate_authority_audit_report", request, lambda: answer)

    def describe_certificate_authority_audit_report(self, **request: Any) -> dict[str, Any]:
        assert request["AuditReportId"] == "report-1"
        state = "SUCCESS" if self.reported else "CREATING"
        answer = {"AuditReportStatus": state, "S3Key": "audit-report/ca/report-1.csv"}
        return self._do("describe_certificate_authority_audit_report", request, lambda: answer)

    def write_report(self, s3: Any, issued_at: datetime) -> None:
        """As https://docs.aws.amazon.com/privateca/latest/userguide/PcaAuditReport.html shows it."""
        lines = ["awsAccountId,requestedByServicePrincipal,certificateArn,serial,subject,notBefore,notAfter,issuedAt"]
        for arn, pem in self.certificates.items():
            leaf = x509.load_pem_x509_certificate(pem.encode())
            subject = leaf.subject.rfc4514_string()
            lines.append(f'111122223333,,{arn},00,"{subject}",,,{issued_at:%Y-%m-%dT%H:%M:%S+0000}')
        s3.put_object(Bucket="audit", Key="audit-report/ca/report-1.csv", Body="\n".join(lines).encode())
        self.reported = True

    def revoke_certificate(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            assert request["CertificateAuthorityArn"] == CA_ARN
            parts = request["CertificateSerial"].split(":")
            assert all(len(part) == 2 for part in parts)
            serial = int("".join(parts), 16)
            if serial in self.foreign:
                raise client_error("ResourceNotFoundException", "RevokeCertificate")
            if serial in self.revoked:
                raise client_error("RequestAlreadyProcessedException", "RevokeCertificate")
            self.revoked[serial] = request["RevocationReason"]
            return {}

        return self._do("revoke_certificate", request, work)


def as_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


class Nodes(FakeSsm):
    """Managed nodes: ping status and tags by id, listed two at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: dict[str, tuple[str, dict[str, str]]] = {}

    def describe_instance_information(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            if len({wanted["Key"].startswith("tag:") for wanted in request["Filters"]}) > 1:
                # "Cannot mix tag or inventory filter with any other filter."
                raise client_error("ValidationException", "DescribeInstanceInformation")
            found = [
                {"InstanceId": name, "PingStatus": node[0]}
                for name, node in self.nodes.items()
                if self._matches(name, node, request)
            ]
            start = int(request.get("NextToken", "0"))
            page: dict[str, Any] = {"InstanceInformationList": found[start : start + 2]}
            return page if start + 2 >= len(found) else {**page, "NextToken": str(start + 2)}

        return self._do("describe_instance_information", request, work)

    def list_tags_for_resource(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            assert request["ResourceType"] == "ManagedInstance"
            if request["ResourceId"] not in self.nodes or not request["ResourceId"].startswith("mi-"):
                raise client_error("InvalidResourceId", "ListTagsForResource")
            return {"TagList": as_tags(self.nodes[request["ResourceId"]][1])}

        return self._do("list_tags_for_resource", request, work)

    @staticmethod
    def _matches(name: str, node: tuple[str, dict[str, str]], request: dict[str, Any]) -> bool:
        ping, tags = node
        kind = "ManagedInstance" if name.startswith("mi-") else "EC2Instance"
        facts = {"InstanceIds": name, "PingStatus": ping, "ResourceType": kind}
        facts |= {f"tag:{key}": value for key, value in tags.items()}
        return all(facts.get(wanted["Key"]) in wanted["Values"] for wanted in request["Filters"])

    def _send(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["DocumentName"] != "RemoveCertificate":
            return super()._send(request)
        (host_id,) = request["InstanceIds"]
        if host_id in self.unknown:
            raise client_error("InvalidInstanceId", "SendCommand")
        return {"Command": {"CommandId": f"remove-{host_id}"}}


class Instances(Recorder):
    """EC2: state and tags by id; an id that is unknown is not in the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.instances: dict[str, tuple[str, dict[str, str]]] = {}

    def describe_instances(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            found = [
                {"InstanceId": name, "State": {"Name": state}, "Tags": as_tags(tags)}
                for name, (state, tags) in self.instances.items()
                if self._matches(name, state, tags, request)
            ]
            return {"Reservations": [{"Instances": [instance]} for instance in found]}

        return self._do("describe_instances", request, work)

    @staticmethod
    def _matches(name: str, state: str, tags: dict[str, str], request: dict[str, Any]) -> bool:
        facts = {"instance-id": name, "instance-state-name": state}
        facts |= {f"tag:{key}": value for key, value in tags.items()}
        assert all(len(wanted["Values"]) <= 200 for wanted in request["Filters"])
        return all(facts.get(wanted["Name"]) in wanted["Values"] for wanted in request["Filters"])


class Members:
    """The world of a renewal, and more of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs = world.step_functions = Runs()
        self.pca = world.pca = Authority(world.pca)
        self.ssm = world.ssm = Nodes()
        self.ec2 = Instances()

    def client(self, service: str) -> Any:
        return self.ec2 if service == "ec2" else self.world.client(service)

    def invoke(self, handler: str, payload: dict[str, Any]) -> dict[str, Any]:
        module = importlib.import_module(f"handlers.{handler}")
        return json.loads(json.dumps(module.handler(json.loads(json.dumps(payload)), Context())))  # type: ignore[no-any-return]


def enter(world: World, monkeypatch: pytest.MonkeyPatch, **environment: str) -> Iterator[Members]:
    """Replace clients and clock of these handlers, too."""
    for variable, value in (ENVIRONMENT | {"STATE_MACHINE_ARN": MACHINE} | environment).items():
        monkeypatch.setenv(variable, value)
    members = Members(world)
    for handler in HANDLERS:
        module = importlib.import_module(f"handlers.{handler}")
        monkeypatch.setattr(module, "client", members.client)
        if hasattr(module, "utc_now"):
            monkeypatch.setattr(module, "utc_now", world.clock)
        for thing in vars(module).values():
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()
    yield members


def image(**attributes: Any) -> dict[str, Any]:
    return {name: to_value(value) for name, value in attributes.items()}


def record(number: int, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """A record of the inventory's stream."""
    name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
    host_id = (after or before or {})["hostID"]
    images = {"OldImage": before, "NewImage": after}
    return {
        "eventName": name,
        "dynamodb": {
            "Keys": image(hostID=host_id),
            "SequenceNumber": str(number),
            **{key: image(**attributes) for key, attributes in images.items() if attributes is not None},
        },
    }


def ec2_event(host_id: str, state: str) -> dict[str, Any]:
    return {
        "source": "aws.ec2",
        "detail-type": "EC2 Instance State-change Notification",
        "detail": {"instance-id": host_id, "state": state},
    }


def terminated(members: Members, host_id: str = HOST) -> dict[str, Any]:
    return members.invoke("cert_retire", ec2_event(host_id, "terminated"))


def reconcile(members: Members) -> dict[str, Any]:
    return members.invoke("cert_retire", {"reconcile": True})
