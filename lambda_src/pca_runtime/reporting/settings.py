"""The environment of CertDigest."""

from __future__ import annotations

from pca_runtime.shared.settings import Arn, ScheduledSettings

__all__ = ["CertDigestSettings"]


class CertDigestSettings(ScheduledSettings):
    """``crl_name`` and ``trust_anchor_arn`` are empty where no CRL is distributed."""

    ca_arn: Arn
    topic_arn: Arn
    crl_name: str = ""
    trust_anchor_arn: str = ""
