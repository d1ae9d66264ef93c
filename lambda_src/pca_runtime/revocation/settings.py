"""The environment of CRLProcessor."""

from __future__ import annotations

from pca_runtime.shared.records import field
from pca_runtime.shared.settings import ARN, TEXT, FunctionSettings

__all__ = ["CrlProcessorSettings"]


class CrlProcessorSettings(FunctionSettings):
    ca_arn: str = field(ARN)
    ledger_table: str = field(TEXT)
    trust_anchor_arn: str = field(ARN)
    crl_bucket: str = field(TEXT)
    crl_name: str = field(TEXT)
    topic_arn: str = field(ARN)
