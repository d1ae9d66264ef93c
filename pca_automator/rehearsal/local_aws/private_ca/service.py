"""The operations of the local Private CA, on plain Python values and with its surroundings injected."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import private_ca as facts
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.private_ca.audit import Reports
from pca_automator.rehearsal.local_aws.private_ca.authority import Authority, Issued, Revocation
from pca_automator.rehearsal.local_aws.private_ca.crl import REASONS, next_crl
from pca_automator.rehearsal.local_aws.private_ca.issuing import build_certificate
from pca_automator.rehearsal.local_aws.settings import Settings

_TOKEN_SECONDS: float = facts.IDEMPOTENCY.value


class Surroundings(Protocol):
    """What a Private CA reaches in its account."""

    def publish(self, detail_type: str, resources: list[str], detail: Mapping[str, Any]) -> None:
        """Publish an event of source ``aws.acm-pca``."""

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object to S3."""

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do something after a delay, without keeping the caller waiting."""

    def account(self) -> tuple[str, str]:
        """Account and region of the request being served."""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


class PrivateCa:
    """All certificate authorities of the local AWS."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._outside = surroundings
        self._lock = threading.RLock()
        self.authorities: dict[str, Authority] = {}
        self._tokens: dict[tuple[str, str], tuple[float, str]] = {}
        # A report takes as long as a CRL: minutes on AWS.
        self.reports = Reports(lambda work: surroundings.later(settings.crl_seconds, work), surroundings.put_object)

    def create(self, request: Mapping[str, Any]) -> Authority:
        """CreateCertificateAuthority: with CRLs enabled, the bucket is tried at once, as AWS does."""
        account, region = self._outside.account()
        authority = Authority.create(request, account, region, _now())
        self.authorities[authority.arn] = authority
        crl = authority.crl_configuration
        if crl:
            self._outside.later(
                0, lambda: self._outside.put_object(crl["S3BucketName"], "acm-pca-permission-test-key", b"")
            )
        return authority

    def find(self, arn: str) -> Authority:
        """The authority of an ARN."""
        if ":certificate-authority/" not in arn:
            raise ServiceError(
                "InvalidArnException", f"{arn!r} is not the ARN of a certificate authority", fact=facts.ARN
            )
        if arn not in self.authorities:
            raise ServiceError(
                "ResourceNotFoundException", f"Could not find Certificate Authority {arn}", fact=facts.KNOWN
            )
        return self.authorities[arn]

    def issue(self, request: Mapping[str, Any]) -> Issued:
        """IssueCertificate; the event follows after the configured delay."""
        authority = self.find(request["CertificateAuthorityArn"])
        token = (authority.arn, request.get("IdempotencyToken") or "")
        with self._lock:
            if token[1] and token in self._tokens and time.monotonic() - self._tokens[token][0] < _TOKEN_SECONDS:
                return self._issued(self._tokens[token][1])
            certificate = build_certificate(authority, request, blob(request["Csr"]), _now())
            issued = Issued(
                f"{authority.arn}/certificate/{certificate.serial_number:032x}",
                certificate,
                time.monotonic() + self._settings.issuing_seconds,
            )
            first = not authority.crl_number and not authority.crl_pending
            authority.issued[certificate.serial_number] = issued
            self._tokens[token] = (time.monotonic(), issued.arn)
        self._announce(authority, issued)
        # The first certificate that refers to the CRL brings its object.
        refers = authority.points_to_crl or LEDGER.holds(facts.CRL_WITHOUT_POINTER)
        if authority.status == "ACTIVE" and first and refers:
            self._schedule_crl(authority)
        return issued

    def _announce(self, authority: Authority, issued: Issued) -> None:
        def announce() -> None:
            LEDGER.lean(facts.ISSUANCE_EVENT)
            if not self._settings.drop_events:
                self._outside.publish(
                    "ACM Private CA Certificate Issuance", [authority.arn, issued.arn], {"result": "success"}
                )

        self._outside.later(self._settings.issuing_seconds + self._settings.event_seconds, announce)

    def get(self, authority_arn: str, certificate_arn: str) -> tuple[str, str]:
        """GetCertificate: the certificate and its chain, root included."""
        authority = self.find(authority_arn)
        issued = self._issued(certificate_arn)
        if not issued.arn.startswith(authority.arn):
            raise ServiceError(
                "ResourceNotFoundException", f"Could not find certificate {certificate_arn}", fact=facts.KNOWN
            )
        if time.monotonic() < issued.ready_at:
            raise ServiceError(
                "RequestInProgressException",
                f"Request for certificate {certificate_arn} is in progress",
                fact=facts.IN_PROGRESS,
            )
        chain = authority.certificate_pem + authority.chain if authority.certificate is not None else ""
        return issued.pem, chain

    def _issued(self, arn: str) -> Issued:
        authority_arn, _, serial = arn.partition("/certificate/")
        try:
            return self.authorities[authority_arn].issued[int(serial, 16)]
        except (KeyError, ValueError) as error:
            raise ServiceError(
                "ResourceNotFoundException", f"Could not find certificate {arn}", fact=facts.KNOWN
            ) from error

    def revoke(self, request: Mapping[str, Any]) -> None:
        """RevokeCertificate; the CRL follows after the configured delay."""
        authority = self.find(request["CertificateAuthorityArn"])
        if request["RevocationReason"] not in REASONS:
            raise ServiceError(
                "InvalidRequestException",
                f"RevocationReason must be one of {list(REASONS)}",
                fact=facts.REVOCATION_REASON,
            )
        try:
            serial = int(request["CertificateSerial"].replace(":", ""), 16)
        except ValueError as error:
            raise ServiceError(
                "InvalidRequestException", "CertificateSerial is not hexadecimal", fact=facts.SERIAL_FORM
            ) from error
        with self._lock:
            if serial not in authority.issued:
                raise ServiceError(
                    "ResourceNotFoundException", f"Could not find certificate with serial {serial:x}", fact=facts.KNOWN
                )
            if serial in authority.revoked:
                raise ServiceError(
                    "RequestAlreadyProcessedException",
                    "Your request has already been completed.",
                    fact=facts.REVOKED_ONCE,
                )
            authority.revoked[serial] = Revocation(_now(), request["RevocationReason"])
        self._outside.publish(
            "ACM Private CA Certificate Revocation",
            [authority.arn, authority.issued[serial].arn],
            {"result": "success"},
        )
        self._schedule_crl(authority)

    def _schedule_crl(self, authority: Authority) -> None:
        with self._lock:
            if not authority.crl_configuration or authority.crl_pending:
                return
            authority.crl_pending = True
        LEDGER.lean(facts.CRL_DELAY)
        self._outside.later(self._settings.crl_seconds, lambda: self.write_crl(authority.arn))

    def write_crl(self, arn: str) -> None:
        """Write the authority's CRL to its bucket and say so in an event, as after a revocation or before it ends."""
        authority = self.find(arn)
        with self._lock:
            authority.crl_pending = False
            body = next_crl(authority, _now())
        LEDGER.lean(facts.CRL_EVENT)
        detail = {"result": "success"}
        try:
            self._outside.put_object(authority.crl_configuration["S3BucketName"], authority.crl_key, body)
        except Exception:
            detail = {"result": "failure", "reason": "Failed to write CRL to S3. Check your S3 bucket permissions."}
        self._outside.publish("ACM Private CA CRL Generation", [authority.arn], detail)


def blob(value: str | bytes) -> bytes:
    """A blob of the JSON protocol (base64), or PEM as CloudFormation passes it on."""
    if isinstance(value, bytes):
        return value
    if value.lstrip().startswith("-----BEGIN"):
        return value.encode()
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ServiceError("SerializationException", "blob is not base64", fact=facts.BLOB) from error
