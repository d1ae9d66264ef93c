"""CRLProcessor: the CRL in the bucket takes the place of the one in force, if it is ours and newer.

It always reads the object as it is *now*, so doubled, late and reordered events all lead to the same end,
and a scheduled call without an event repairs a lost one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from pca_runtime.errors.kinds import CrlRefused, Throttled
from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.revocation.anchored_crls import anchored_crls
from pca_runtime.revocation.crl import Crl, check_crl, check_size, crl_in_force, load_crl
from pca_runtime.revocation.crl_source import check_source, crl_name, usual_key
from pca_runtime.revocation.settings import CrlProcessorSettings
from pca_runtime.shared.clients import S3, PrivateCa, RolesAnywhere
from pca_runtime.shared.timestamps import Clock

__all__ = ["CrlOutcome", "CrlProcessing"]

# "CRLs per trust anchor: 2", not adjustable.
# https://docs.amazonaws.cn/en_us/rolesanywhere/latest/userguide/quotas.html
_CRLS_PER_ANCHOR = 2
# AWS Private CA writes a CRL about every half an hour at most.
_ROUNDS = 5
# "The first CRL is deposited after a certificate that refers to it was issued", and a CRL about half an hour after what
# it is about. https://docs.aws.amazon.com/privateca/latest/userguide/crl-planning.html
_FIRST_CRL = timedelta(hours=1)


@dataclass(frozen=True)
class CrlOutcome:
    """What came of it: ``IMPORTED``, ``UPDATED``, ``IN_FORCE``, ``NO_CRL_YET`` or ``REFUSED``; of a refusal, the CRLs
    at the trust anchor that it is about; of a CRL that is in force, as of when it is."""

    state: str
    number: int | None = None
    code: str = ""
    message: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    crl_ids: tuple[str, ...] = ()
    as_of: datetime | None = None


@dataclass(frozen=True)
class _InForce:
    """A CRL of our name at the trust anchor; ``number`` is -1 when it must be replaced in any case."""

    crl_id: str
    enabled: bool
    crl: Crl | None

    @classmethod
    def of(cls, entry: dict[str, Any], ca_pem: str) -> _InForce:
        crl = crl_in_force(entry.get("crlData", b""), ca_pem)
        return cls(str(entry["crlId"]), entry.get("enabled") is not False, crl)

    @property
    def number(self) -> int:
        return -1 if self.crl is None else self.crl.number

    @property
    def pem(self) -> bytes:
        return b"" if self.crl is None else self.crl.pem


class CrlProcessing:
    """Brings the CA's CRL into force at the trust anchor.

    Args:
        settings: the function's environment.
        s3: an S3 client.
        private_ca: an AWS Private CA client.
        roles_anywhere: an IAM Roles Anywhere client. Its CRL operations share one request a second
            (https://docs.amazonaws.cn/en_us/rolesanywhere/latest/userguide/quotas.html): throttling that
            botocore's retries do not get over is raised, and the queue delivers again.
        issued_before: whether the fleet has had a certificate since before a moment.
        clock: the current time.
    """

    def __init__(
        self,
        settings: CrlProcessorSettings,
        s3: S3,
        private_ca: PrivateCa,
        roles_anywhere: RolesAnywhere,
        issued_before: Callable[[datetime], bool],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._s3 = s3
        self._private_ca = private_ca
        self._roles_anywhere = roles_anywhere
        self._issued_before = issued_before
        self._clock = clock

    def concerns(self, event: object) -> bool:
        """Whether an S3 event is about an object that this function may read: the CA's CRL, under whatever path."""
        detail = event.get("detail") if isinstance(event, dict) else None
        if not isinstance(detail, dict):
            return False
        bucket, thing = detail.get("bucket"), detail.get("object")
        if not isinstance(bucket, dict) or not isinstance(thing, dict):
            return False
        path, _, name = str(thing.get("key")).rpartition("/")
        return (
            bucket.get("name") == self._settings.crl_bucket and name == crl_name(self._settings.ca_arn) and path != ""
        )

    def bring_into_force(self) -> CrlOutcome:
        """Compare and, if the bucket's CRL is newer, import or update.

        Raises:
            RetryableError: trying again can help.
            AccessRefused: the deployment lacks a permission.
        """
        metrics: dict[str, float] = {}
        try:
            outcome = self._bring_into_force(metrics)
        except CrlRefused as refused:
            metrics["CrlsRefused"] = 1
            return CrlOutcome("REFUSED", None, refused.code, refused.message, metrics, refused.crl_ids)
        if outcome.state in ("IMPORTED", "UPDATED"):
            metrics["CrlsAccepted"] = 1
        return outcome

    def _bring_into_force(self, metrics: dict[str, float]) -> CrlOutcome:
        """Write what the bucket holds, and look again: until what was written is what the bucket still holds.

        Two invocations can overlap, however they came about. Then the last of them to write may write the older CRL;
        but the newer one is in the bucket by that time, so it sees this, and brings the newer one into force.
        docs/adr/0004 has the argument.
        """
        ca_pem = self._ca_certificate()
        keys, misconfigured = self._source()
        for _ in range(_ROUNDS):
            anchored = list(anchored_crls(self._roles_anywhere, self._settings.trust_anchor_arn))
            ours = [_InForce.of(entry, ca_pem) for entry in anchored if entry.get("name") == self._settings.crl_name]
            for entry in ours:
                # First of all: also when the new CRL is refused, one must see when the one in force runs out.
                self._measure(entry.crl, metrics)
            data = self._read(keys, metrics)
            # Without a certificate none is due; with one, it is due within the hour.
            missing = data is None and self._issued_before(self._clock() - _FIRST_CRL)
            metrics["CrlMissing"] = float(missing)
            if data is None:
                if misconfigured:
                    raise misconfigured
                return CrlOutcome("NO_CRL_YET", metrics=metrics)
            crl = self._checked(data, ca_pem, metrics)
            state = self._update(crl, ours) if ours else self._import(crl, anchored)
            self._measure(crl, metrics)
            if state == "IN_FORCE" or self._read(keys, {}) == data:
                self._refuse_disabled(ours)
                if misconfigured:
                    # What lies there is in force; what the CA writes from now on would not come.
                    raise misconfigured
                return CrlOutcome(state, crl.number, metrics=metrics, as_of=crl.parsed.last_update_utc)
        raise Throttled(f"the CRL in the bucket changed {_ROUNDS} times while it was read", code="SERVICE_THROTTLED")

    def _source(self) -> tuple[tuple[str, ...], CrlRefused | None]:
        """Where the CRL may lie, as the CA is configured at this moment, and what is wrong with that."""
        settings = self._settings
        try:
            return check_source(self._private_ca, settings.ca_arn, settings.crl_bucket), None
        except CrlRefused as refused:
            return (usual_key(settings.ca_arn),), refused

    def _checked(self, data: bytes, ca_pem: str, metrics: dict[str, float]) -> Crl:
        crl = load_crl(data)
        metrics["CrlBytes"] = len(crl.pem)
        check_crl(crl, ca_pem, self._clock())
        metrics["CrlEntries"] = crl.entries
        return crl

    @staticmethod
    def _refuse_disabled(ours: list[_InForce]) -> None:
        if disabled := [entry.crl_id for entry in ours if not entry.enabled]:
            # Somebody switched it off. Switching it on is not ours to decide, but it must not be forgotten.
            message = f"the CRL {disabled[0]} is disabled: no revocation is enforced"
            raise CrlRefused(message, code="CRL_DISABLED", crl_ids=disabled)

    def _read(self, keys: tuple[str, ...], metrics: dict[str, float]) -> bytes | None:
        found = (self._read_one(key, metrics) for key in keys)
        return next((data for data in found if data is not None), None)

    def _read_one(self, key: str, metrics: dict[str, float]) -> bytes | None:
        with translated("GetObject"):
            try:
                answer = self._s3.get_object(Bucket=self._settings.crl_bucket, Key=key)
            except ClientError as error:
                # AWS Private CA writes the object after the first certificate that refers to it.
                # https://docs.aws.amazon.com/privateca/latest/userguide/crl-planning.html
                if error_code(error) in ("NoSuchKey", "404"):
                    return None
                raise
            # PEM is a third larger than DER: what is too large here is not read into memory.
            size = int(answer["ContentLength"])
            metrics["CrlBytes"] = size
            check_size(size)
            data: bytes = answer["Body"].read()
        return data

    def _ca_certificate(self) -> str:
        with translated("GetCertificateAuthorityCertificate"):
            answer = self._private_ca.get_certificate_authority_certificate(
                CertificateAuthorityArn=self._settings.ca_arn
            )
        return str(answer["Certificate"])

    def _import(self, crl: Crl, anchored: list[dict[str, Any]]) -> str:
        if len(anchored) >= _CRLS_PER_ANCHOR:
            names = " and ".join(f"{entry.get('name')} ({entry.get('crlId')})" for entry in anchored)
            raise CrlRefused(
                f"the trust anchor has its {_CRLS_PER_ANCHOR} CRLs already, and none is named "
                f"{self._settings.crl_name}: {names}; delete the one that is not needed",
                code="CRL_QUOTA_EXCEEDED",
                crl_ids=[str(entry.get("crlId")) for entry in anchored],
            )
        with translated("ImportCrl"):
            self._roles_anywhere.import_crl(
                name=self._settings.crl_name,
                crlData=crl.pem,
                trustAnchorArn=self._settings.trust_anchor_arn,
                enabled=True,
            )
        return "IMPORTED"

    def _update(self, crl: Crl, ours: list[_InForce]) -> str:
        """Normally one. An ImportCrl that was repeated after a lost answer leaves two; none may go stale."""
        newest = max(entry.number for entry in ours)
        if newest > crl.number:
            message = f"the CRL in the bucket has number {crl.number}, the one in force has {newest}"
            raise CrlRefused(message, code="CRL_OLDER")
        if any(entry.number == crl.number and entry.pem != crl.pem for entry in ours):
            message = f"the CRL in the bucket has number {crl.number}, as the one in force, and other content"
            raise CrlRefused(message, code="CRL_NUMBER_REUSED")
        stale = [entry for entry in ours if entry.number < crl.number]
        for entry in stale:
            with translated("UpdateCrl"):
                self._roles_anywhere.update_crl(crlId=entry.crl_id, name=self._settings.crl_name, crlData=crl.pem)
        return "UPDATED" if stale else "IN_FORCE"

    def _measure(self, crl: Crl | None, metrics: dict[str, float]) -> None:
        if crl is not None:
            metrics["CrlSecondsToNextUpdate"] = (crl.next_update - self._clock()).total_seconds()
            metrics["CrlAgeSeconds"] = (self._clock() - crl.parsed.last_update_utc).total_seconds()
