"""A throw-away certificate of the deployed CA: a session with it, its revocation, the denied session."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import USAGE, Trouble
from pca_automator.cli.proof.laboratory import RESERVED_ID
from pca_automator.cli.proof.session import Answer, Door
from pca_automator.cli.runtime import runtime

_ISSUED_SECONDS = 60.0
_POLL_SECONDS = 15.0
CRL_SECONDS = 60 * 60
"""How long the CRL may take: AWS Private CA writes it about half an hour after a revocation.
https://docs.aws.amazon.com/privateca/latest/userguide/crl-planning.html"""


@dataclasses.dataclass(frozen=True)
class Throwaway:
    """A key of this process and its certificate; PEM."""

    certificate: str
    key: str
    door: dict[str, str]

    def save(self, path: Path) -> None:
        """Keep it for later, readable by its owner alone.

        Raises:
            Trouble: the file exists or cannot be written.
        """
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise Trouble(f"{path} cannot be written: {error.strerror}; give --resume another file", USAGE) from error
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(self), file)

    @classmethod
    def load(cls, path: Path) -> Throwaway:
        """Read what :meth:`save` wrote.

        Raises:
            Trouble: the file is not one of a proof.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise Trouble(f"{path} is no file of a proof: {error}", USAGE) from error

    def knock(self, client: Any) -> Answer:
        """Ask for a session under the deployed trust anchor."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization

        certificate = x509.load_pem_x509_certificate(self.certificate.encode())
        key = serialization.load_pem_private_key(self.key.encode(), None)
        return Door(client, **self.door).knock(certificate, key)

    @property
    def serial(self) -> str:
        """The serial number, hexadecimal."""
        from cryptography import x509

        return f"{x509.load_pem_x509_certificate(self.certificate.encode()).serial_number:x}"


def issue(deployment: Deployment) -> Throwaway:
    """Have the deployed CA issue a certificate for the reserved host, for one day.

    Raises:
        Trouble: it did not come.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    settings = deployment.settings("CertIssue")
    pca = deployment.aws.client("acm-pca")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, RESERVED_ID)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    request: dict[str, Any] = {
        "CertificateAuthorityArn": deployment.authority,
        "Csr": csr.public_bytes(serialization.Encoding.PEM),
        "SigningAlgorithm": settings["SIGNING_ALGORITHM"],
        "TemplateArn": _template(deployment.authority, settings["CERTIFICATE_PROFILES"]),
        "Validity": {"Type": "DAYS", "Value": 1},
        "ApiPassthrough": {"Subject": {"CommonName": RESERVED_ID}},
    }
    arn = pca.issue_certificate(**request)["CertificateArn"]
    deadline = time.monotonic() + _ISSUED_SECONDS
    while True:
        try:
            answer = pca.get_certificate(CertificateAuthorityArn=deployment.authority, CertificateArn=arn)
            break
        except pca.exceptions.RequestInProgressException:
            if time.monotonic() > deadline:
                raise Trouble(f"{arn} was not issued within {_ISSUED_SECONDS:.0f} s; revoke it") from None
            time.sleep(1)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Throwaway(answer["Certificate"], private.decode(), _deployed_door(deployment))


def _template(authority_arn: str, declared: str) -> str:
    """The template of the default profile, as CertIssue asks for it."""
    profiles = runtime("authority.profiles")
    default = json.loads(declared)[profiles.DEFAULT_PROFILE]
    return f"arn:{authority_arn.split(':')[1]}:acm-pca:::template/{profiles.TEMPLATES[frozenset(default['usages'])]}"


def _deployed_door(deployment: Deployment) -> dict[str, str]:
    client = deployment.aws.client("rolesanywhere")
    profiles = deployment.of_type("AWS::RolesAnywhere::Profile")
    roles = [each.physical_id for each in deployment.of_type("AWS::IAM::Role") if "TestRole" in each.logical_id]
    if not profiles or not roles:
        raise Trouble(f"stack {deployment.stack} has no profile with a test role")
    profile = client.get_profile(profileId=profiles[0].physical_id.rpartition("/")[2])["profile"]
    role = next(arn for arn in profile["roleArns"] if arn.rpartition("/")[2] == roles[0])
    anchors = deployment.of_type("AWS::RolesAnywhere::TrustAnchor")
    if anchors:
        identifier = anchors[0].physical_id.rpartition("/")[2]
        anchor = client.get_trust_anchor(trustAnchorId=identifier)["trustAnchor"]["trustAnchorArn"]
    else:
        anchor = deployment.settings("CRLProcessor")["TRUST_ANCHOR_ARN"]
    return {"trust_anchor_arn": anchor, "profile_arn": profile["profileArn"], "role_arn": role}


def revoke(deployment: Deployment, throwaway: Throwaway) -> None:
    """Revoke it; what was revoked already is."""
    pca = deployment.aws.client("acm-pca")
    try:
        pca.revoke_certificate(
            CertificateAuthorityArn=deployment.authority,
            CertificateSerial=throwaway.serial,
            RevocationReason="CESSATION_OF_OPERATION",
        )
    except pca.exceptions.RequestAlreadyProcessedException:
        return


def denied_in_time(deployment: Deployment, throwaway: Throwaway, seconds: float) -> Answer:
    """Ask until the session is denied, or the time is over."""
    client = deployment.aws.client("rolesanywhere")
    deadline = time.monotonic() + seconds
    while True:
        answer = throwaway.knock(client)
        if not answer.opened or time.monotonic() >= deadline:
            return answer
        time.sleep(min(_POLL_SECONDS, max(0.5, seconds / 20)))
