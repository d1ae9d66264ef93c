"""Revoking at the CA and waiting for IAM Roles Anywhere to enforce it."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from pca_automator.rehearsal.scenario.world import World
from pca_automator.rehearsal.stage import signing_helper
from pca_automator.rehearsal.stage.hosts import Member

_CRL_SECONDS = 180.0


class Revoking:
    """Revocations of one automation."""

    def __init__(self, world: World) -> None:
        self._world = world

    def revoke(self, serial: str) -> bool:
        """Revoke a certificate; whether a newer CRL that names it came into force."""
        automation = self._world.automation
        before = self._number_in_force()
        self._world.aws.client("acm-pca").revoke_certificate(
            CertificateAuthorityArn=automation.authority,
            CertificateSerial=serial,
            RevocationReason="CESSATION_OF_OPERATION",
        )
        wanted = int(serial, 16)

        def in_force() -> bool:
            return any(
                _number(crl) > before and crl.get_revoked_certificate_by_serial_number(wanted) is not None
                for crl in self._crls()
            )

        return self._world.eventually(in_force, _CRL_SECONDS)

    def accepted(self, members: Sequence[Member]) -> int:
        """How many members still get a session; asked from here, because a process for each would take long."""
        count = 0
        for member in members:
            try:
                signing_helper.create_session(
                    endpoint=self._world.aws.endpoint,
                    certificate=str(member.certificate),
                    private_key=str(member.key),
                    trust_anchor_arn=self._world.automation.trust_anchor,
                    profile_arn=self._world.automation.profile,
                    role_arn=self._world.automation.role,
                )
            except (OSError, ValueError) as error:
                self._world.report.trouble(f"{member.id} is not accepted any more: {error}")
            else:
                count += 1
        return count

    def crls_of_anchor(self) -> int:
        """How many CRLs the trust anchor has; AWS allows two."""
        return len(self._crls())

    def in_force(self) -> list[bytes]:
        """The CRLs of the trust anchor, byte for byte."""
        return sorted(crl.public_bytes(serialization.Encoding.PEM) for crl in self._crls())

    def _number_in_force(self) -> int:
        return max((_number(crl) for crl in self._crls()), default=0)

    def _crls(self) -> list[x509.CertificateRevocationList]:
        listed = self._world.aws.client("rolesanywhere").list_crls()["crls"]
        return [
            x509.load_pem_x509_crl(crl["crlData"])
            for crl in listed
            if crl["enabled"] and crl["trustAnchorArn"] == self._world.automation.trust_anchor
        ]


def _number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
