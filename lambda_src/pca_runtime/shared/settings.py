"""The environment of the functions as typed models, read once at cold start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pca_runtime.errors.kinds import ConfigurationError

__all__ = [
    "CertCheckSettings", "CertCsrSettings", "CertDeploySettings", "CertDigestSettings", "CertIssueSettings",
    "CertReportSettings", "CrlProcessorSettings", "FunctionSettings", "HostDirectories", "KeyAlgorithm",
    "PolledCommands", "ReplacementRevocation", "TableSettings",
]  # fmt: skip

KeyAlgorithm = Literal["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1"]
SigningAlgorithm = Literal[
    "SHA256WITHRSA", "SHA384WITHRSA", "SHA512WITHRSA", "SHA256WITHECDSA", "SHA384WITHECDSA", "SHA512WITHECDSA"
]
ValidationPolicy = Literal["REQUIRED", "IF_PRESENT", "NEVER"]
ReplacementRevocation = Literal["NEVER", "ON_KEY_COMPROMISE", "ALWAYS"]

_Text = Annotated[str, Field(min_length=1)]
_Arn = Annotated[str, Field(pattern=r"^arn:[a-z0-9-]+:[a-z0-9-]+:")]
_Seconds = Annotated[int, Field(ge=0)]
_Positive = Annotated[int, Field(ge=1)]
# SendCommand refuses a shorter delivery timeout.
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
_LEAST_DELIVERY_SECONDS = 30
# For what a renewal does besides waiting for the host and the CA: a minute of retries for each state.
_RETRY_SECONDS = 8 * 60


class FunctionSettings(BaseModel):
    """What every function has. A field ``table_name`` is read from the variable ``TABLE_NAME``."""

    model_config = ConfigDict(frozen=True, alias_generator=str.upper, extra="ignore")

    automation_name: _Text

    @classmethod
    def load(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the environment.

        Raises:
            ConfigurationError: naming each variable that is missing or wrong.
        """
        try:
            return cls.model_validate(dict(environment))
        except ValidationError as error:
            problems = "; ".join(
                f"environment variable {problem['loc'][0]}: {problem['msg']}" for problem in error.errors()
            )
            raise ConfigurationError(problems) from None


class TableSettings(FunctionSettings):
    """CertDeployStatus and CertFailure, and the base of the other functions that use the inventory."""

    table_name: _Text


class HostDirectories(TableSettings):
    """Default directories on the hosts; items may override all but ``csr_path``."""

    csr_path: _Text
    cert_path: _Text
    key_path: _Text
    cacert_path: _Text


class PolledCommands(HostDirectories):
    """How long the workflow waits for a command on a host."""

    poll_interval_seconds: Annotated[int, Field(ge=1, le=600)]
    poll_attempts: Annotated[int, Field(ge=1, le=100)]

    @property
    def window_seconds(self) -> int:
        """From sending a command to its last poll."""
        return self.poll_interval_seconds * self.poll_attempts

    @property
    def command_timeout_seconds(self) -> int:
        """After this a command that was not delivered is dropped: nobody waits for it any more."""
        return max(_LEAST_DELIVERY_SECONDS, self.window_seconds)


class ScheduledSettings(TableSettings):
    """What knows when the schedule starts the next run."""

    next_run_seconds: _Seconds = 43_200

    @property
    def next_run(self) -> timedelta:
        """How long until the next scheduled run."""
        return timedelta(seconds=self.next_run_seconds)


class CertCheckSettings(ScheduledSettings):
    ca_arn: _Arn
    work_bucket: _Text
    scan_segments: Annotated[int, Field(ge=1, le=64)] = 4
    revoke_replaced: ReplacementRevocation = "NEVER"


class CertCsrSettings(PolledCommands):
    issuance_timeout_seconds: _Positive
    generate_csr_document: _Text
    key_algorithm: KeyAlgorithm

    @property
    def lease_seconds(self) -> int:
        """Longer than the longest renewal: two polled commands, the issuance, and retries."""
        return 2 * self.window_seconds + self.issuance_timeout_seconds + _RETRY_SECONDS


class CertIssueSettings(TableSettings):
    ca_arn: _Arn
    signing_algorithm: SigningAlgorithm
    template_arn: _Arn
    validity_days: _Positive
    key_algorithm: KeyAlgorithm


class CertDeploySettings(PolledCommands):
    """The bounds of ``versions_kept`` and ``hook_timeout_seconds`` are those of the document's patterns."""

    ca_arn: _Arn
    install_document: _Text
    renewal_threshold_seconds: _Seconds
    renewal_jitter_seconds: _Seconds
    signing_helper_path: _Text
    trust_anchor_arn: _Arn
    profile_arn: _Arn
    role_arn: _Arn
    validation_policy: ValidationPolicy
    versions_kept: Annotated[int, Field(ge=1, le=50)]
    hooks_path: _Text
    hook_timeout_seconds: Annotated[int, Field(ge=1, le=999)]


class CertReportSettings(TableSettings):
    topic_arn: _Arn
    work_bucket: _Text


class CertDigestSettings(ScheduledSettings):
    """``crl_name`` and ``trust_anchor_arn`` are empty where no CRL is distributed."""

    ca_arn: _Arn
    topic_arn: _Arn
    crl_name: str = ""
    trust_anchor_arn: str = ""


class CrlProcessorSettings(FunctionSettings):
    ca_arn: _Arn
    trust_anchor_arn: _Arn
    crl_bucket: _Text
    crl_name: _Text
    topic_arn: _Arn
