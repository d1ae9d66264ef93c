"""The environments of the functions that renew."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pca_runtime.shared.settings import (
    Arn,
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


class CertCheckSettings(ScheduledSettings):
    ca_arn: Arn
    work_bucket: Text
    scan_segments: Annotated[int, Field(ge=1, le=64)] = 4
    revoke_replaced: ReplacementRevocation = "NEVER"


class CertCsrSettings(PolledCommands):
    issuance_timeout_seconds: Positive
    generate_csr_document: Text
    key_algorithm: KeyAlgorithm

    @property
    def lease_seconds(self) -> int:
        """Longer than the longest renewal: two polled commands, the issuance, and retries."""
        return 2 * self.window_seconds + self.issuance_timeout_seconds + _RETRY_SECONDS


class CertIssueSettings(TableSettings):
    ca_arn: Arn
    signing_algorithm: SigningAlgorithm
    template_arn: Arn
    validity_days: Positive
    key_algorithm: KeyAlgorithm


class CertDeploySettings(PolledCommands):
    """The bounds of ``versions_kept`` and ``hook_timeout_seconds`` are those of the document's patterns."""

    ca_arn: Arn
    install_document: Text
    renewal_threshold_seconds: Seconds
    renewal_jitter_seconds: Seconds
    signing_helper_path: Text
    trust_anchor_arn: Arn
    profile_arn: Arn
    role_arn: Arn
    validation_policy: ValidationPolicy
    versions_kept: Annotated[int, Field(ge=1, le=50)]
    hooks_path: Text
    hook_timeout_seconds: Annotated[int, Field(ge=1, le=999)]


class CertDeployStatusSettings(TableSettings):
    ca_arn: Arn


class CertReportSettings(TableSettings):
    topic_arn: Arn
    work_bucket: Text
