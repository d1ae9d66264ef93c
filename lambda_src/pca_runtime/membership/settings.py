"""The environments of the functions with which hosts join and leave."""

from __future__ import annotations

from typing import Literal

from pca_runtime.shared.records import field, from_json, one_of, pairs, text
from pca_runtime.shared.settings import ARN, TEXT, FunctionSettings, PolledCommands, TableSettings

__all__ = ["CertEnrollSettings", "CertRegisterSettings", "CertRetireSettings"]

RevocationPolicy = Literal["ALWAYS", "NEVER"]


class CertEnrollSettings(FunctionSettings):
    state_machine_arn: str = field(ARN)


class CertRegisterSettings(TableSettings):
    """``profile_tag`` is empty where a machine's tags say nothing of its certificate."""

    # DescribeInstances and DescribeInstanceInformation filter by several tags; none would match every machine.
    enrol_tags: dict[str, str] = field(from_json(pairs(text(), least=1)))
    profile_tag: str = field(text(), default="")


class CertRetireSettings(PolledCommands):
    """``audit_bucket`` is empty where the CA cannot write its audit reports."""

    audit_bucket: str = field(text(), default="")
    ca_arn: str = field(ARN)
    ledger_table: str = field(TEXT)
    remove_document: str = field(TEXT)
    revoke_on_retire: RevocationPolicy = field(one_of(RevocationPolicy))
    topic_arn: str = field(ARN)
