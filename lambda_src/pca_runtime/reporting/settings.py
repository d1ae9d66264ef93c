"""The environment of CertDigest."""

from __future__ import annotations

from pca_runtime.shared.settings import Arn, ScheduledSettings

__all__ = ["CertDigestSettings"]


class CertDigestSettings(ScheduledSettings):
    """``crl_name`` and ``crl_bucket`` are empty where no CRL is distributed."""

    ca_arn: Arn
    topic_arn: Arn
    trust_anchor_arn: Arn
    crl_bucket: str = ""
    crl_name: str = ""
