"""Recording stand-ins for the services that moto does not simulate well enough."""

from __future__ import annotations

import base64
import ipaddress
import json
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from cryptography import x509
from pca_runtime.shared.timestamps import Clock

from tests.runtime.pki import BOTH, NOW, Ca, make_csr, name, p256

REGION = "eu-central-1"
CA_ARN = f"arn:aws:acm-pca:{REGION}:111122223333:certificate-authority/0a1b2c3d-0000-4000-8000-000000000001"
ANCHOR_ARN = f"arn:aws:rolesanywhere:{REGION}:111122223333:trust-anchor/aaaaaaaa-0000-4000-8000-000000000001"


def client_error(code: str, operation: str = "Operation", status: int = 400, **more: Any) -> ClientError:
    response = {"Error": {"Code": code, "Message": f"{code} happened"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError({**response, **more}, operation)


_USAGES = {
    "EndEntityCertificate_APIPassthrough/V1": BOTH,
    "EndEntityClientAuthCertificate_APIPassthrough/V1": BOTH[:1],
    "EndEntityServerAuthCertificate_APIPassthrough/V1": BOTH[1:],
}


def _general_name(asked: dict[str, str]) -> x509.GeneralName:
    ((kind, value),) = asked.items()
    if kind == "IpAddress":
        return x509.IPAddress(ipaddress.ip_address(value))
    return {"DnsName": x509.DNSName, "UniformResourceIdentifier": x509.UniformResourceIdentifier,
            "Rfc822Name": x509.RFC822Name}[kind](value)  # fmt: skip


class CrashError(Exception):
    """The Lambda environment died at this instant."""


class Recorder:
    """Records calls, and can be told to fail before or to crash after an operation."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._before: dict[str, list[BaseException]] = defaultdict(list)
        self._crash: tuple[str, int] | None = None

    def fail(self, operation: str, *errors: BaseException) -> None:
        """The next calls raise these instead of doing anything."""
        self._before[operation] += errors

    def crash_after(self, operation: str, nth: int = 1) -> None:
        """The nth call from now does its work, and its caller never learns of it."""
        self._crash = (operation, nth)

    def disarm(self) -> None:
        """No crash, if it has not come yet."""
        self._crash = None

    def count(self, operation: str) -> int:
        return sum(1 for name, _ in self.calls if name == operation)

    def requests(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.calls if name == operation]

    def _do(self, operation: str, request: dict[str, Any], work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if self._before[operation]:
            raise self._before[operation].pop(0)
        self.calls.append((operation, request))
        answer = work()
        if self._crash and self._crash[0] == operation:
            self._crash = (operation, self._crash[1] - 1) if self._crash[1] > 1 else None
            if self._crash is None:
                raise CrashError(operation)
        return answer


class Passing(Recorder):
    """A real (moto) client whose calls are recorded and can be made to fail."""

    def __init__(self, client: Any) -> None:
        super().__init__()
        self.raw = client

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        method = getattr(self.raw, operation)
        return lambda **request: self._do(operation, request, lambda: method(**request))


class FakeSsm(Recorder):
    """Run Command and its hosts: one document makes a key for each request, the other says yes."""

    def __init__(self) -> None:
        super().__init__()
        self.invocations: dict[str, dict[str, Any]] = {}
        self.csrs: dict[str, str] = {}
        self.unknown: set[str] = set()

    def send_command(self, **request: Any) -> dict[str, Any]:
        return self._do("send_command", request, lambda: self._send(request))

    def _send(self, request: dict[str, Any]) -> dict[str, Any]:
        (host_id,) = request["InstanceIds"]
        if host_id in self.unknown:
            raise client_error("InvalidInstanceId", "SendCommand")
        command_id = str(uuid.uuid4())
        parameters = {key: value[0] for key, value in request["Parameters"].items()}
        output = self._generate(parameters) if request["DocumentName"] == "GenerateCsr" else self._install(parameters)
        self.invocations[command_id] = {
            "Status": "Success",
            "StatusDetails": "Success",
            "StandardOutputContent": output,
        }
        return {"Command": {"CommandId": command_id}}

    def _generate(self, parameters: dict[str, str]) -> str:
        request_id = parameters["requestId"]
        csr = self.csrs.setdefault(request_id, make_csr(parameters["hostID"], p256()))
        return f"{csr}PCA_RESULT requestId={request_id} keyAlgorithm=EC_prime256v1 clock=2026-11-23T13:15:00Z\n"

    def _install(self, parameters: dict[str, str]) -> str:
        leaf = x509.load_der_x509_certificate(base64.b64decode(parameters["certificate"]))
        return (
            f"PCA_RESULT requestId={parameters['requestId']} serial={leaf.serial_number:x} notAfter=x "
            "validated=true switched=true previous=none takeover=false clock=x clockDifference=0\n"
        )

    def get_command_invocation(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            if request["CommandId"] not in self.invocations:
                raise client_error("InvocationDoesNotExist", "GetCommandInvocation")
            return self.invocations[request["CommandId"]]

        return self._do("get_command_invocation", request, work)

    def sent(self, document: str) -> list[dict[str, Any]]:
        return [request for request in self.requests("send_command") if request["DocumentName"] == document]


class FakePca(Recorder):
    """AWS Private CA: honours the idempotency token and the API passthrough."""

    def __init__(self, ca: Ca) -> None:
        super().__init__()
        self.crl_configuration: dict[str, Any] = {"Enabled": True, "S3BucketName": "crls"}
        self.ca = ca
        self.status = "ACTIVE"
        self.certificates: dict[str, str] = {}
        self._tokens: dict[str, str] = {}

    def issue_certificate(self, **request: Any) -> dict[str, Any]:
        return self._do("issue_certificate", request, lambda: {"CertificateArn": self._issue(request)})

    def _issue(self, request: dict[str, Any]) -> str:
        token = request["IdempotencyToken"]
        if token not in self._tokens:
            passed = request["ApiPassthrough"]
            names = [_general_name(each) for each in passed.get("Extensions", {}).get("SubjectAlternativeNames", [])]
            subject = passed["Subject"]
            pem = self.ca.issue(
                request["Csr"],
                names=names,
                subject=name(
                    subject["CommonName"], O=subject.get("Organization"), OU=subject.get("OrganizationalUnit")
                ),
                purposes=_USAGES[request["TemplateArn"].split("/", 1)[1]],
                validity=timedelta(days=request["Validity"]["Value"]),
            )
            self._tokens[token] = self.add(pem)
        return self._tokens[token]

    def add(self, pem: str) -> str:
        """Put a certificate into the CA as if somebody had had it issued."""
        readable = pem.startswith("-----BEGIN")
        serial = x509.load_pem_x509_certificate(pem.encode()).serial_number if readable else len(self.certificates)
        arn = f"{CA_ARN}/certificate/{serial:032x}"
        self.certificates[arn] = pem
        return arn

    def get_certificate(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            if request["CertificateArn"] not in self.certificates:
                raise client_error("ResourceNotFoundException", "GetCertificate")
            return {"Certificate": self.certificates[request["CertificateArn"]], "CertificateChain": self.ca.pem}

        return self._do("get_certificate", request, work)

    def describe_certificate_authority(self, **request: Any) -> dict[str, Any]:
        answer = {
            "CertificateAuthority": {
                "Status": self.status,
                "NotBefore": self.ca.certificate.not_valid_before_utc,
                "NotAfter": self.ca.certificate.not_valid_after_utc,
                "RevocationConfiguration": {"CrlConfiguration": self.crl_configuration},
            }
        }
        return self._do("describe_certificate_authority", request, lambda: answer)

    def get_certificate_authority_certificate(self, **request: Any) -> dict[str, Any]:
        return self._do("get_certificate_authority_certificate", request, lambda: {"Certificate": self.ca.pem})


class FakeStepFunctions(Recorder):
    """Tokens that can be completed once, and executions by the last part of their ARN, each with its status."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.gone: set[str] = set()
        self.executions: dict[str, str] = {}

    def describe_execution(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            name = request["executionArn"].rpartition(":")[2]
            if name not in self.executions:
                raise client_error("ExecutionDoesNotExist", "DescribeExecution")
            return {"executionArn": request["executionArn"], "status": self.executions[name]}

        return self._do("describe_execution", request, work)

    def _complete(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            token = request["taskToken"]
            if token in self.gone or token in self.outcomes:
                raise client_error("TaskTimedOut", operation)
            self.outcomes[token] = request
            return {}

        return self._do(operation, request, work)

    def send_task_success(self, **request: Any) -> dict[str, Any]:
        return self._complete("send_task_success", request)

    def send_task_failure(self, **request: Any) -> dict[str, Any]:
        return self._complete("send_task_failure", request)


class FakeEventBridge(Recorder):
    """Takes what EventBridge takes: up to ten entries, 256 KB together, details that are JSON objects."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.refuse = 0

    def put_events(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            entries = request["Entries"]
            size = sum(len(str(value).encode()) for entry in entries for value in entry.values())
            if not 1 <= len(entries) <= 10 or size > 262_144:
                raise client_error("ValidationException", "PutEvents")
            if self.refuse:
                self.refuse -= 1
                refused = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
                return {"FailedEntryCount": len(entries), "Entries": [refused for _ in entries]}
            self.events += [{**entry, "Detail": json.loads(entry["Detail"])} for entry in entries]
            return {"FailedEntryCount": 0, "Entries": [{"EventId": str(uuid.uuid4())} for _ in entries]}

        return self._do("put_events", request, work)

    def details(self, detail_type: str) -> list[dict[str, Any]]:
        """The details of one type, in the order of their publication."""
        return [event["Detail"] for event in self.events if event["DetailType"] == detail_type]


class FakeServiceQuotas(Recorder):
    """The quotas of an account by service and name; one a page, so that pagination matters."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, dict[str, float]] = {
            "rolesanywhere": {"Profiles": 250, "Rate of CreateSession requests": 10},
            "acm-pca": {"Rate of IssueCertificate requests": 25, "Rate of GetCertificate requests": 75},
        }

    def list_service_quotas(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            listed = list(self.values[request["ServiceCode"]].items())
            start = int(request.get("NextToken", "0"))
            page: dict[str, Any] = {
                "Quotas": [{"QuotaName": name, "Value": value} for name, value in listed[start:][:1]]
            }
            return page if start + 1 >= len(listed) else {**page, "NextToken": str(start + 1)}

        return self._do("list_service_quotas", request, work)


class FakeCloudWatch(Recorder):
    """Sums of five minutes by the id of the query; nothing was measured unless a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.series: dict[str, dict[datetime, float]] = {}

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            results = [
                {"Id": query["Id"], "Timestamps": list(series), "Values": list(series.values())}
                for query in request["MetricDataQueries"]
                for series in (self.series.get(query["Id"], {}),)
            ]
            return {"MetricDataResults": results}

        return self._do("get_metric_data", request, work)


class FakeRolesAnywhere(Recorder):
    """CRLs with their quota, listed two at a time so that pagination matters."""

    def __init__(self) -> None:
        super().__init__()
        self.crls: list[dict[str, Any]] = []
        self.anchor: dict[str, Any] = {
            "enabled": True,
            "source": {"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": CA_ARN}},
            "updatedAt": NOW,
        }

    def get_trust_anchor(self, **request: Any) -> dict[str, Any]:
        return self._do("get_trust_anchor", request, lambda: {"trustAnchor": self.anchor})

    def list_crls(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            start = int(request.get("nextToken", "0"))
            page: dict[str, Any] = {"crls": self.crls[start : start + 2]}
            return page if start + 2 >= len(self.crls) else {**page, "nextToken": str(start + 2)}

        return self._do("list_crls", request, work)

    def add(self, crl_name: str, data: bytes, anchor: str = ANCHOR_ARN, *, enabled: bool = True) -> str:
        if sum(entry["trustAnchorArn"] == anchor for entry in self.crls) >= 2:
            raise client_error("ValidationException", "ImportCrl")
        if not 1 <= len(data) <= 300_000 or not data.startswith(b"-----BEGIN"):
            raise client_error("ValidationException", "ImportCrl")
        crl_id = str(uuid.uuid4())
        entry = {"crlId": crl_id, "name": crl_name, "crlData": data, "trustAnchorArn": anchor, "enabled": enabled}
        self.crls.append(entry)
        return crl_id

    def import_crl(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            return {"crl": {"crlId": self.add(request["name"], request["crlData"], request["trustAnchorArn"])}}

        return self._do("import_crl", request, work)

    def update_crl(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            (entry,) = (entry for entry in self.crls if entry["crlId"] == request["crlId"])
            entry.update(crlData=request["crlData"], name=request["name"])
            return {"crl": entry}

        return self._do("update_crl", request, work)


__all__ = [
    "ANCHOR_ARN", "CA_ARN", "REGION", "Clock", "CrashError", "FakeCloudWatch", "FakeEventBridge", "FakePca",
    "FakeRolesAnywhere", "FakeServiceQuotas", "FakeSsm", "FakeStepFunctions", "Passing", "Recorder", "client_error",
]  # fmt: skip
