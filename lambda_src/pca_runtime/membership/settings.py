"""The environments of the functions with which hosts join and leave."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pca_runtime.shared.settings import Arn, FunctionSettings, PolledCommands, TableSettings, Text

__all__ = ["CertEnrollSettings", "CertRegisterSettings", "CertRetireSettings"]

RevocationPolicy = Literal["ALWAYS", "NEVER"]

# DescribeInstances and DescribeInstanceInformation filter by several tags; an empty set would match every machine.
_Tags = Annotated[
    dict[str, str],
    BeforeValidator(lambda text: json.loads(text) if isinstance(text, str) else text),
    Field(min_length=1),
]


class CertEnrollSettings(FunctionSettings):
    state_machine_arn: Arn


class CertRegisterSettings(TableSettings):
    """``profile_tag`` is empty where a machine's tags say nothing of its certificate."""

    enrol_tags: _Tags
    profile_tag: str = ""


class CertRetireSettings(PolledCommands):
    """``audit_bucket`` is empty where the CA cannot write its audit reports."""

    audit_bucket: str = ""
    ca_arn: Arn
    ledger_table: Text
    remove_document: Text
    revoke_on_retire: RevocationPolicy
    topic_arn: Arn
