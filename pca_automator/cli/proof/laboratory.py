"""Made for the proof alone: a CA in this process, a trust anchor for it, a profile, two roles that may do nothing.

Nothing of the deployment is touched, and all of it is removed at the end, whatever happens.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pca_automator.cli.deployed.deployment import Aws
from pca_automator.cli.output import say
from pca_automator.cli.proof.session import Answer, Door

NAME = "pca-automator-proof"
RESERVED_ID = "i-00000000000000000"
"""A host id that EC2's random ids are as good as never given: the subject of every certificate of a proof."""

_PROPAGATION_SECONDS = 60
_SERVICE = {"Service": "rolesanywhere.amazonaws.com"}


class Laboratory:
    """The throw-away trust anchor and what can be asked of it; use :func:`laboratory`.

    Args:
        aws: clients.
        patience: seconds that a new role may take until IAM knows it everywhere.
    """

    def __init__(self, aws: Aws, patience: float = _PROPAGATION_SECONDS) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self._aws = aws
        self._patience = patience
        self._name = f"{NAME}-{secrets.token_hex(4)}"
        self._undo: list[tuple[str, Callable[[], object]]] = []
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._ca_key = ec.generate_private_key(ec.SECP256R1())
        self.anchor_arn = ""
        self.doors: dict[str, Door] = {}

    def build(self) -> None:
        """Make anchor, roles and profile; ``doors`` has one by the anchor's ARN alone, one with the account, too."""
        from cryptography.hazmat.primitives import serialization

        anywhere, iam = self._aws.client("rolesanywhere"), self._aws.client("iam")
        pem = self._authority().public_bytes(serialization.Encoding.PEM).decode()
        source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem}}
        anchor = anywhere.create_trust_anchor(name=self._name, source=source, enabled=True)["trustAnchor"]
        self._later("trust anchor", anywhere.delete_trust_anchor, trustAnchorId=anchor["trustAnchorId"])
        self.anchor_arn = anchor["trustAnchorArn"]
        roles = {}
        for kind, equals in (("anchor", {}), ("account", {"aws:SourceAccount": self.anchor_arn.split(":")[4]})):
            conditions: dict[str, Any] = {"ArnEquals": {"aws:SourceArn": self.anchor_arn}}
            if equals:
                conditions["StringEquals"] = equals
            actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
            statement = {"Effect": "Allow", "Principal": _SERVICE, "Action": actions, "Condition": conditions}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            name = f"{self._name}-{kind}"
            made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy, Description="may do nothing")["Role"]
            self._later("role", iam.delete_role, RoleName=name)
            roles[kind] = made["Arn"]
        profile = anywhere.create_profile(
            name=self._name, roleArns=list(roles.values()), durationSeconds=900, enabled=True
        )["profile"]
        self._later("profile", anywhere.delete_profile, profileId=profile["profileId"])
        self.doors = {kind: Door(anywhere, self.anchor_arn, profile["profileArn"], arn) for kind, arn in roles.items()}

    def _later(self, what: str, undo: Callable[..., object], **request: Any) -> None:
        self._undo.append((what, lambda: undo(**request)))

    def remove(self) -> list[str]:
        """Remove all that was made, the last first; what could not be removed is named."""
        from botocore.exceptions import BotoCoreError, ClientError

        left = []
        for what, undo in reversed(self._undo):
            try:
                undo()
            except (ClientError, BotoCoreError) as error:
                left.append(f"{what} {self._name}: {error}")
        self._undo.clear()
        return left

    def opened_in_time(self, kind: str, certificate: Any) -> Answer:
        """Ask until the session opens, as long as a new role may take to be known everywhere."""
        deadline = time.monotonic() + self._patience
        while True:
            answer = self.doors[kind].knock(certificate, self.key)
            if answer.opened or time.monotonic() >= deadline:
                return answer
            time.sleep(min(2.0, self._patience / 10))

    def certificate(self, serial: int | None = None, *, client_auth: bool = True) -> Any:
        """A certificate of the laboratory's CA for the reserved host."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.x509.oid import ExtendedKeyUsageOID

        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        builder = self._builder(_name(RESERVED_ID), self.key.public_key(), serial)
        builder = builder.add_extension(x509.BasicConstraints(False, None), True).add_extension(usage, True)
        if client_auth:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        return builder.sign(self._ca_key, hashes.SHA256())

    def _authority(self) -> Any:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = self._builder(_name(NAME), self._ca_key.public_key(), None)
        builder = builder.add_extension(x509.BasicConstraints(True, 0), True).add_extension(usage, True)
        return builder.sign(self._ca_key, hashes.SHA256())

    def _builder(self, subject: Any, key: Any, serial: int | None) -> Any:
        from cryptography import x509

        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name(NAME))
            .public_key(key)
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    def import_crl(self, revoked: int, *, ends: dt.timedelta, foreign: bool = False) -> None:
        """Import a CRL with one serial number into the laboratory's anchor; ``foreign``: signed by another key.

        Raises:
            ClientError: IAM Roles Anywhere refuses it.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        now = dt.datetime.now(dt.UTC)
        entry = x509.RevokedCertificateBuilder().serial_number(revoked).revocation_date(now - dt.timedelta(days=2))
        crl = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(_name(NAME))
            .last_update(now - dt.timedelta(days=2))
            .next_update(now + ends)
            .add_revoked_certificate(entry.build())
            .add_extension(x509.CRLNumber(1), False)
            .sign(self.key if foreign else self._ca_key, hashes.SHA256())
        )
        anywhere = self._aws.client("rolesanywhere")
        made = anywhere.import_crl(
            name=self._name,
            crlData=crl.public_bytes(serialization.Encoding.PEM),
            enabled=not foreign,
            trustAnchorArn=self.anchor_arn,
        )["crl"]
        self._later("CRL", anywhere.delete_crl, crlId=made["crlId"])


def _name(common_name: str) -> Any:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@contextmanager
def laboratory(aws: Aws, patience: float = _PROPAGATION_SECONDS) -> Iterator[Laboratory]:
    """A laboratory that is removed at the end; what cannot be removed is said."""
    made = Laboratory(aws, patience)
    try:
        made.build()
        yield made
    finally:
        for what in made.remove():
            say(f"could not remove {what}")
