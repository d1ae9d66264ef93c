"""The environment of CertDigest."""

from __future__ import annotations

from pca_runtime.shared.records import field, text
from pca_runtime.shared.settings import ARN, ScheduledSettings

__all__ = ["CertDigestSettings"]


class CertDigestSettings(ScheduledSettings):
    """``crl_name`` and ``crl_bucket`` are empty where no CRL is distributed."""

    ca_arn: str = field(ARN)
    topic_arn: str = field(ARN)
    trust_anchor_arn: str = field(ARN)
    crl_bucket: str = field(text(), default="")
    crl_name: str = field(text(), default="")
