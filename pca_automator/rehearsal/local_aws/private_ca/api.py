"""The JSON protocol of AWS Private CA (``X-Amz-Target: ACMPrivateCA.<Operation>``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pca_automator.rehearsal.local_aws.emulator import Response, json_error, json_response
from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import private_ca as facts
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.private_ca.authority import Authority
from pca_automator.rehearsal.local_aws.private_ca.service import PrivateCa, blob

_REVOCATION_STATES = ("ACTIVE", "DISABLED")
_TEST_KEY = "acm-pca-permission-test-key"
Request = Mapping[str, Any]


class Api:
    """Answers requests as MiniStack hands them to a service."""

    def __init__(self, private_ca: PrivateCa, may_write_crl: Callable[[str, str, Mapping[str, str]], bool]) -> None:
        self._ca = private_ca
        self._may_write_crl = may_write_crl
        self._operations: dict[str, Callable[[Request], Request]] = {
            "CreateCertificateAuthority": self._create,
            "DescribeCertificateAuthority": lambda r: {"CertificateAuthority": self._authority(r).describe()},
            "ListCertificateAuthorities": self._list,
            "UpdateCertificateAuthority": self._update,
            "DeleteCertificateAuthority": self._delete,
            "RestoreCertificateAuthority": self._restore,
            "GetCertificateAuthorityCsr": lambda r: {"Csr": self._authority(r).csr},
            "ImportCertificateAuthorityCertificate": self._import,
            "GetCertificateAuthorityCertificate": self._get_authority_certificate,
            "IssueCertificate": lambda r: {"CertificateArn": self._ca.issue(r).arn},
            "GetCertificate": self._get_certificate,
            "RevokeCertificate": self._revoke,
            "CreateCertificateAuthorityAuditReport": self._create_report,
            "DescribeCertificateAuthorityAuditReport": self._describe_report,
            "TagCertificateAuthority": self._tag,
            "UntagCertificateAuthority": self._untag,
            "ListTags": self._list_tags,
            "CreatePermission": self._create_permission,
            "DeletePermission": self._delete_permission,
            "ListPermissions": lambda r: {"Permissions": list(self._authority(r).permissions.values())},
        }

    async def handle(
        self, _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
    ) -> Response:
        """Serve one request."""
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation not in self._operations:
            return json_error("UnknownOperationException", f"the local Private CA has no operation {operation!r}")
        try:
            request = json.loads(body or b"{}")
            if operation == "RevokeCertificate":
                self._check_revoker(request, headers)
            return json_response(self._operations[operation](request))
        except ServiceError as error:
            return json_error(error.code, error.message, error.status)
        except KeyError as error:
            return json_error("ValidationException", f"{error.args[0]} is required")

    def _authority(self, request: Request) -> Authority:
        return self._ca.find(request["CertificateAuthorityArn"])

    def _create(self, request: Request) -> Request:
        return {"CertificateAuthorityArn": self._ca.create(request).arn}

    def _list(self, _: Request) -> Request:
        return {"CertificateAuthorities": [authority.describe() for authority in self._ca.authorities.values()]}

    def _update(self, request: Request) -> Request:
        authority = self._authority(request)
        if "Status" in request:
            if request["Status"] not in _REVOCATION_STATES:
                raise ServiceError(
                    "InvalidArgsException", f"Status must be one of {list(_REVOCATION_STATES)}", fact=facts.STATUS
                )
            authority.status = request["Status"]
        if "RevocationConfiguration" in request:
            authority.revocation = dict(request["RevocationConfiguration"])
        return {}

    def _delete(self, request: Request) -> Request:
        authority = self._authority(request)
        if authority.status == "ACTIVE":
            raise ServiceError(
                "InvalidStateException",
                "A certificate authority must be DISABLED before it is deleted",
                fact=facts.DELETION,
            )
        authority.status = "DELETED"
        return {}

    def _restore(self, request: Request) -> Request:
        authority = self._authority(request)
        if authority.status != "DELETED":
            raise ServiceError(
                "InvalidStateException", f"The certificate authority is {authority.status}", fact=facts.RESTORED
            )
        authority.status = "DISABLED"
        return {}

    def _import(self, request: Request) -> Request:
        chain = request.get("CertificateChain")
        self._authority(request).install(blob(request["Certificate"]), blob(chain) if chain else None)
        return {}

    def _get_authority_certificate(self, request: Request) -> Request:
        authority = self._authority(request)
        answer = {"Certificate": authority.certificate_pem}
        return {**answer, "CertificateChain": authority.chain} if authority.chain else answer

    def _get_certificate(self, request: Request) -> Request:
        certificate, chain = self._ca.get(request["CertificateAuthorityArn"], request["CertificateArn"])
        return {"Certificate": certificate, "CertificateChain": chain}

    def _check_revoker(self, request: Request, headers: Mapping[str, str]) -> None:
        authority = self._authority(request)
        bucket = authority.crl_configuration.get("S3BucketName")
        key = authority.crl_key if LEDGER.holds(facts.REVOKER_OBJECT) else _TEST_KEY
        if bucket and not self._may_write_crl(bucket, key, headers):
            raise ServiceError(
                "InvalidRequestException",
                f"The caller must be able to write to the bucket {bucket}",
                fact=facts.REVOKER_WRITES,
            )

    def _revoke(self, request: Request) -> Request:
        self._ca.revoke(request)
        return {}

    def _create_report(self, request: Request) -> Request:
        authority = self._authority(request)
        return self._ca.reports.create(authority, request["S3BucketName"], request["AuditReportResponseFormat"])

    def _describe_report(self, request: Request) -> Request:
        self._authority(request)
        return self._ca.reports.describe(request["AuditReportId"])

    def _tag(self, request: Request) -> Request:
        self._authority(request).tags.update({tag["Key"]: tag.get("Value", "") for tag in request["Tags"]})
        return {}

    def _untag(self, request: Request) -> Request:
        for tag in request["Tags"]:
            self._authority(request).tags.pop(tag["Key"], None)
        return {}

    def _list_tags(self, request: Request) -> Request:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._authority(request).tags.items()]}

    def _create_permission(self, request: Request) -> Request:
        authority = self._authority(request)
        if request["Principal"] in authority.permissions:
            raise ServiceError(
                "PermissionAlreadyExistsException",
                f"{request['Principal']} already has a permission",
                fact=facts.PERMISSION,
            )
        authority.permissions[request["Principal"]] = {
            "CertificateAuthorityArn": authority.arn,
            "CreatedAt": authority.created_at.timestamp(),
            "Principal": request["Principal"],
            "Actions": list(request["Actions"]),
        }
        return {}

    def _delete_permission(self, request: Request) -> Request:
        self._authority(request).permissions.pop(request["Principal"], None)
        return {}
