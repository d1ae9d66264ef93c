"""The environment of CRLProcessor."""

from __future__ import annotations

from pca_runtime.shared.settings import Arn, FunctionSettings, Text

__all__ = ["CrlProcessorSettings"]


class CrlProcessorSettings(FunctionSettings):
    ca_arn: Arn
    ledger_table: Text
    trust_anchor_arn: Arn
    crl_bucket: Text
    crl_name: Text
    topic_arn: Arn
