"""The environments of the functions that renew."""

from __future__ import annotations

from typing import Literal

from pca_runtime.authority.profiles import CertificateProfile, CertificateRequest, request
from pca_runtime.inventory.item import Overrides
from pca_runtime.shared.records import field, from_json, integer, number, one_of, optional, pairs, record, truth
from pca_runtime.shared.settings import (
    ARN,
    ATTEMPTS,
    INTERVAL,
    POSITIVE,
    SECONDS,
    TEXT,
    FunctionSettings,
    KeyAlgorithm,
    PolledCommands,
    ScheduledSettings,
    TableSettings,
)

__all__ = [
    "CertCheckSettings", "CertCsrSettings", "CertDeploySettings", "CertDeployStatusSettings", "CertIssueSettings",
    "CertReportSettings", "ReplacementRevocation",
]  # fmt: skip

SigningAlgorithm = Literal[
    "SHA256WITHRSA", "SHA384WITHRSA", "SHA512WITHRSA", "SHA256WITHECDSA", "SHA384WITHECDSA", "SHA512WITHECDSA"
]
ValidationPolicy = Literal["REQUIRED", "IF_PRESENT", "NEVER"]
ReplacementRevocation = Literal["NEVER", "ON_KEY_COMPROMISE", "ALWAYS"]
# For what a renewal does besides waiting for the host and the CA: a minute of retries for each state.
_RETRY_SECONDS = 8 * 60


class StartsSettings(FunctionSettings):
    """What every function has that reserves starts, or tells that AWS throttles."""

    starts_table_name: str = field(TEXT)


class CertCheckSettings(ScheduledSettings, StartsSettings):
    ca_arn: str = field(ARN)
    trust_anchor_arn: str = field(ARN)
    work_bucket: str = field(TEXT)
    validation_policy: ValidationPolicy = field(one_of(ValidationPolicy))
    # What the user says of the account's quotas: requests a second by the name of the API call.
    quotas: dict[str, float] = field(from_json(pairs(number(above=0))), factory=dict)
    # Empty: nobody has said.
    production_sessions: float | None = field(optional(number(least=0), none=""), default=None)
    quota_share: float = field(number(above=0, most=1), default=1.0)
    read_account: bool = field(truth(as_text=True), default=True)
    powertools_metrics_namespace: str = field(TEXT, default="PcaAutomator")
    scan_segments: int = field(integer(1, 64), default=4)
    revoke_replaced: ReplacementRevocation = field(one_of(ReplacementRevocation), default="NEVER")


class ProfileSettings(TableSettings):
    """What a certificate may be for; key and validity are those of a host where neither item nor profile says."""

    certificate_profiles: dict[str, CertificateProfile] = field(from_json(pairs(record(CertificateProfile))))
    key_algorithm: KeyAlgorithm = field(one_of(KeyAlgorithm))
    validity_days: int = field(POSITIVE)

    def request_for(self, host_id: str, overrides: Overrides) -> CertificateRequest:
        """What the host's item asks for, as far as a declared profile allows it.

        Raises:
            InvalidInventoryItem: it does not allow it; says what is allowed.
        """
        return request(
            host_id,
            profile_name=overrides.certificate_profile,
            key_algorithm=overrides.key_algorithm,
            names=overrides.alternative_names(),
            profiles=self.certificate_profiles,
            default_key_algorithm=self.key_algorithm,
            default_validity_days=self.validity_days,
        )


class CertCsrSettings(ProfileSettings, PolledCommands, StartsSettings):
    ca_arn: str = field(ARN)
    issuance_timeout_seconds: int = field(POSITIVE)
    generate_csr_document: str = field(TEXT)
    ledger_table: str = field(TEXT)

    @property
    def lease_seconds(self) -> int:
        """Longer than the longest renewal: two polled commands, the issuance, and retries."""
        return 2 * self.window_seconds + self.issuance_timeout_seconds + _RETRY_SECONDS


class CertCsrStatusSettings(StartsSettings):
    """CertCSRStatus reads no item of the inventory."""


class CertIssueSettings(ProfileSettings, StartsSettings):
    ca_arn: str = field(ARN)
    ledger_table: str = field(TEXT)
    # Certificates for one host within a day; what a person forces is not counted against it.
    issuance_budget: int = field(POSITIVE)
    signing_algorithm: SigningAlgorithm = field(one_of(SigningAlgorithm))

    def template_arn(self, template: str) -> str:
        """Of the CA's partition."""
        return f"arn:{self.ca_arn.split(':')[1]}:acm-pca:::template/{template}"


class CertDeploySettings(ProfileSettings, PolledCommands, StartsSettings):
    ca_arn: str = field(ARN)
    install_document: str = field(TEXT)
    ledger_table: str = field(TEXT)
    renewal_threshold_seconds: int = field(SECONDS)
    renewal_jitter_seconds: int = field(SECONDS)
    signinghelper_path: str = field(TEXT)


class CertDeployStatusSettings(TableSettings, StartsSettings):
    ca_arn: str = field(ARN)
    ledger_table: str = field(TEXT)
    poll_interval_seconds: int = field(INTERVAL)
    poll_attempts: int = field(ATTEMPTS)

    @property
    def lease_seconds(self) -> int:
        """What an installation that is sent again still needs: its polls, and retries."""
        return self.poll_interval_seconds * self.poll_attempts + _RETRY_SECONDS


class CertReportSettings(TableSettings):
    topic_arn: str = field(ARN)
    work_bucket: str = field(TEXT)
