"""CRLs: many good ones in a row, and some that must be refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pca_automator.rehearsal.scenario.revocation import Revoking
from pca_automator.rehearsal.scenario.world import World

_NOTICE_SECONDS = 180.0
_CRLS_IN_A_ROW = 10
# What IAM Roles Anywhere takes; https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_ImportCrl.html
_CRL_BYTES = 300_000
_DER = serialization.Encoding.DER


def exchange_crls(world: World) -> None:
    """(h) Ten CRLs in a row come into force; a foreign, an older, a truncated and a too large one change nothing."""
    revoking = Revoking(world)
    store = _CrlStore(world)
    with world.display.part("h  CRLs", _CRLS_IN_A_ROW) as advance:
        older = store.read()
        accepted = 0
        for serial in _throwaway_serials(world, _CRLS_IN_A_ROW):
            accepted += revoking.revoke(serial)
            advance(accepted)
        current = store.read()
        in_force = revoking.in_force()
        bad = {
            "of another CA": _foreign(current),
            "with an older number": older,
            "truncated": current[:-20],
            "too large": bytes(_CRL_BYTES + 1),
        }
        refused = [what for what, content in bad.items() if _is_refused(world, store, content)]
        store.write(current)
        unchanged = revoking.in_force() == in_force
    world.report.count("crls_accepted", accepted, _CRLS_IN_A_ROW, "ten CRLs in a row come into force")
    world.report.count("crls_refused", len(refused), len(bad), "four bad CRLs are refused and reported")
    for what in bad.keys() - set(refused):
        world.report.trouble(f"nothing was said about a CRL {what}")
    world.report.expect("none of them changes what is in force", True, unchanged)


class _CrlStore:
    """The object that the CA writes its CRL to."""

    def __init__(self, world: World) -> None:
        self._s3 = world.aws.client("s3")
        authority = world.automation.authority.rpartition("/")[2]
        self._place = {"Bucket": world.automation.crl_bucket, "Key": f"crl/{authority}.crl"}

    def read(self) -> bytes:
        content: bytes = self._s3.get_object(**self._place)["Body"].read()
        return content

    def write(self, content: bytes) -> None:
        self._s3.put_object(**self._place, Body=content)


def _is_refused(world: World, store: _CrlStore, content: bytes) -> bool:
    """Whether somebody was told, after the CRL was put in the place of the CA's."""
    world.mailbox.collect()
    store.write(content)
    return world.eventually(lambda: any("CRL" in message for message in world.mailbox.collect()), _NOTICE_SECONDS)


def _foreign(current: bytes) -> bytes:
    """A newer CRL with the issuer's name, signed by somebody else."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(x509.load_der_x509_crl(current).issuer)
        .last_update(now)
        .next_update(now + timedelta(days=7))
        .add_extension(x509.CRLNumber(1_000_000), critical=False)
    )
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(_DER)


def _throwaway_serials(world: World, count: int) -> list[str]:
    """Certificates of the same CA that are no hosts': their issuance events must disturb nobody."""
    authority = world.aws.client("acm-pca")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody-else")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    arns = [
        authority.issue_certificate(
            CertificateAuthorityArn=world.automation.authority,
            Csr=request.public_bytes(serialization.Encoding.PEM),
            SigningAlgorithm=world.automation.signing_algorithm,
            Validity={"Type": "DAYS", "Value": 1},
        )["CertificateArn"]
        for _ in range(count)
    ]
    return [str(arn).rpartition("/")[2] for arn in arns]
