"""The operations on trust anchors, profiles and CRLs, with the quotas that cannot be raised."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import x509

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import roles_anywhere as facts
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.roles_anywhere.store import Resource, Revocations, Store

CRLS_PER_TRUST_ANCHOR: int = facts.CRLS_PER_ANCHOR.value
CRL_BYTES: int = facts.CRL_BYTES.value


class RolesAnywhere:
    """All resources of the local Roles Anywhere.

    ``authority_pem`` gives the CA certificate of an AWS Private CA by its ARN; ``scope`` the account and region of
    the request being served.
    """

    def __init__(self, authority_pem: Callable[[str], str], scope: Callable[[], tuple[str, str]]) -> None:
        self._authority_pem = authority_pem
        self._scope = scope
        self.anchors = Store("trust-anchor")
        self.profiles = Store("profile")
        self.crls = Store("crl")
        self._parsed: dict[str, Revocations] = {}
        self._seen: dict[str, tuple[int, str]] = {}

    def create_anchor(self, fields: Mapping[str, Any]) -> Resource:
        """CreateTrustAnchor: the CA certificate must be one."""
        anchor = self.anchors.add(*self._scope(), {"notificationSettings": [], **fields})
        try:
            authorities = self.authorities(anchor)
        except (ServiceError, ValueError) as error:
            self.anchors.remove(anchor.id)
            raise ServiceError(
                "ValidationException", f"The trust anchor's source cannot be read: {error}", fact=facts.ANCHOR_SOURCE
            ) from error
        for authority in authorities:
            if not authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
                self.anchors.remove(anchor.id)
                raise ServiceError(
                    "ValidationException", "Incorrect basic constraints for CA certificate", fact=facts.ANCHOR_SOURCE
                )
        return anchor

    def create_profile(self, fields: Mapping[str, Any]) -> Resource:
        """CreateProfile."""
        return self.profiles.add(
            *self._scope(), {"durationSeconds": 3600, "requireInstanceProperties": False, **fields}
        )

    def authorities(self, anchor: Resource) -> list[x509.Certificate]:
        """The CA certificates an anchor trusts."""
        source = anchor.fields["source"]
        data = source["sourceData"]
        pem = data["x509CertificateData"] if "x509CertificateData" in data else self._of_private_ca(anchor, data)
        return x509.load_pem_x509_certificates(pem.encode())

    def _of_private_ca(self, anchor: Resource, data: Mapping[str, Any]) -> str:
        """The CA's certificate of now or, in the other answer, as it was when the anchor was made or updated."""
        present = self._authority_pem(data["acmPcaArn"])
        seen = self._seen.setdefault(anchor.id, (anchor.revision, present))
        if seen[0] != anchor.revision:
            seen = self._seen[anchor.id] = (anchor.revision, present)
        return present if LEDGER.holds(facts.ANCHOR_FOLLOWS) else seen[1]

    def import_crl(self, request: Mapping[str, Any]) -> Resource:
        """ImportCrl: always a new CRL, so that the quota is reached by whoever does not update."""
        anchor = self.anchors.by_arn(request["trustAnchorArn"])
        if anchor is None:
            raise ServiceError("ValidationException", "The trust anchor does not exist", fact=facts.CRL_ANCHOR)
        if len(self.crls_of(anchor)) >= CRLS_PER_TRUST_ANCHOR:
            raise ServiceError(
                "ValidationException",
                f"Limit of {CRLS_PER_TRUST_ANCHOR} CRLs per trust anchor exceeded",
                fact=facts.CRLS_PER_ANCHOR,
            )
        revocations = self._checked(request["crlData"], anchor)
        crl = self.crls.add(
            *self._scope(),
            {
                "name": request["name"],
                "crlData": request["crlData"],
                "enabled": bool(request.get("enabled", False)),
                "trustAnchorArn": anchor.arn,
            },
        )
        self._parsed[crl.id] = revocations
        return crl

    def update_crl(self, identifier: str, request: Mapping[str, Any]) -> Resource:
        """UpdateCrl: replace name or data in place."""
        crl = self.crls.get(identifier)
        changes = {key: request[key] for key in ("name", "crlData") if request.get(key) is not None}
        if "crlData" in changes:
            anchor = self.anchors.by_arn(crl.fields["trustAnchorArn"])
            if anchor is None:
                raise ServiceError(
                    "ValidationException", "The CRL's trust anchor does not exist any more", fact=facts.CRL_ANCHOR
                )
            self._parsed[identifier] = self._checked(changes["crlData"], anchor)
        crl.change(changes)
        return crl

    def delete_crl(self, identifier: str) -> Resource:
        """DeleteCrl."""
        self._parsed.pop(identifier, None)
        return self.crls.remove(identifier)

    def crls_of(self, anchor: Resource) -> list[Resource]:
        """The CRLs imported for an anchor, enabled or not."""
        return [crl for crl in self.crls.all() if crl.fields["trustAnchorArn"] == anchor.arn]

    def revoked(self, anchor: Resource, certificate: x509.Certificate) -> bool:
        """Whether an enabled CRL of the anchor names this certificate."""
        return any(
            crl.enabled
            and self._parsed[crl.id].crl.issuer == certificate.issuer
            and certificate.serial_number in self._parsed[crl.id].serials
            for crl in self.crls_of(anchor)
        )

    def stale(self, anchor: Resource, now: dt.datetime) -> bool:
        """Whether an enabled CRL of the anchor is past its nextUpdate."""
        ends = [self._parsed[crl.id].crl.next_update_utc for crl in self.crls_of(anchor) if crl.enabled]
        return any(end is not None and end < now for end in ends)

    def _checked(self, data: str, anchor: Resource) -> Revocations:
        raw = base64.b64decode(data)
        if not 1 <= len(raw) <= CRL_BYTES:
            raise ServiceError(
                "ValidationException",
                f"Value at 'crlData' failed to satisfy constraint: length must be 1 to {CRL_BYTES}",
                fact=facts.CRL_BYTES,
            )
        if not raw.lstrip().startswith(b"-----BEGIN X509 CRL-----"):
            raise ServiceError("ValidationException", "The CRL must be in PEM format", fact=facts.CRL_PEM)
        try:
            crl = x509.load_pem_x509_crl(raw)
        except ValueError as error:
            raise ServiceError("ValidationException", f"The CRL cannot be read: {error}", fact=facts.CRL_PEM) from error
        issuers = [ca for ca in self.authorities(anchor) if ca.subject == crl.issuer]
        signed = any(crl.is_signature_valid(ca.public_key()) for ca in issuers)  # type: ignore[arg-type]
        if not signed and LEDGER.holds(facts.CRL_SIGNED):
            raise ServiceError(
                "ValidationException", "The CRL is not signed by a CA of the trust anchor", fact=facts.CRL_SIGNED
            )
        return Revocations(crl, frozenset(entry.serial_number for entry in crl))
