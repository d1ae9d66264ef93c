"""The environments of the functions that renew."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Json

from pca_runtime.authority.profiles import CertificateProfile, CertificateRequest, request
from pca_runtime.inventory.item import Overrides
from pca_runtime.shared.settings import (
    Arn,
    FunctionSettings,
    KeyAlgorithm,
    PolledCommands,
    Positive,
    ScheduledSettings,
    Seconds,
    TableSettings,
    Text,
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


# What the user says of the account's quotas: requests a second by the name of the API call.
_Quotas = Annotated[
    dict[str, Annotated[float, Field(gt=0)]],
    BeforeValidator(lambda text: json.loads(text) if isinstance(text, str) else text),
]
# Empty: nobody has said.
_OptionalRate = Annotated[
    Annotated[float, Field(ge=0)] | None, BeforeValidator(lambda text: None if text == "" else text)
]


class StartsSettings(FunctionSettings):
    """What every function has that reserves starts, or tells that AWS throttles."""

    starts_table_name: Text


class CertCheckSettings(ScheduledSettings, StartsSettings):
    ca_arn: Arn
    work_bucket: Text
    validation_policy: ValidationPolicy
    quotas: _Quotas = Field(default_factory=dict)
    production_sessions: _OptionalRate = None
    quota_share: Annotated[float, Field(gt=0, le=1)] = 1
    read_account: bool = True
    powertools_metrics_namespace: Text = "PcaAutomator"
    scan_segments: Annotated[int, Field(ge=1, le=64)] = 4
    revoke_replaced: ReplacementRevocation = "NEVER"


class ProfileSettings(TableSettings):
    """What a certificate may be for; key and validity are those of a host where neither item nor profile says."""

    certificate_profiles: Json[dict[str, CertificateProfile]]
    key_algorithm: KeyAlgorithm
    validity_days: Positive

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
    ca_arn: Arn
    issuance_timeout_seconds: Positive
    generate_csr_document: Text
    ledger_table: Text

    @property
    def lease_seconds(self) -> int:
        """Longer than the longest renewal: two polled commands, the issuance, and retries."""
        return 2 * self.window_seconds + self.issuance_timeout_seconds + _RETRY_SECONDS


class CertCsrStatusSettings(StartsSettings):
    """CertCSRStatus reads no item of the inventory."""


class CertIssueSettings(ProfileSettings, StartsSettings):
    ca_arn: Arn
    ledger_table: Text
    # Certificates for one host within a day; what a person forces is not counted against it.
    issuance_budget: Positive
    signing_algorithm: SigningAlgorithm

    def template_arn(self, template: str) -> str:
        """Of the CA's partition."""
        return f"arn:{self.ca_arn.split(':')[1]}:acm-pca:::template/{template}"


class CertDeploySettings(ProfileSettings, PolledCommands, StartsSettings):
    ca_arn: Arn
    install_document: Text
    ledger_table: Text
    renewal_threshold_seconds: Seconds
    renewal_jitter_seconds: Seconds
    signinghelper_path: Text


class CertDeployStatusSettings(TableSettings, StartsSettings):
    ca_arn: Arn
    ledger_table: Text
    poll_interval_seconds: Annotated[int, Field(ge=1, le=600)]
    poll_attempts: Annotated[int, Field(ge=1, le=100)]

    @property
    def lease_seconds(self) -> int:
        """What an installation that is sent again still needs: its polls, and retries."""
        return self.poll_interval_seconds * self.poll_attempts + _RETRY_SECONDS


class CertReportSettings(TableSettings):
    topic_arn: Arn
    work_bucket: Text
