"""The environments of the functions with which hosts join and leave."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pca_runtime.shared.settings import FunctionSettings, PolledCommands, TableSettings

__all__ = ["CertDeployStatusSettings", "CertEnrollSettings", "CertRegisterSettings", "CertRetireSettings"]

RevocationPolicy = Literal["ALWAYS", "NEVER"]

_Arn = Annotated[str, Field(pattern=r"^arn:[a-z0-9-]+:[a-z0-9-]+:")]
# DescribeInstances and DescribeInstanceInformation filter by several tags; an empty set would match every machine.
_Tags = Annotated[
    dict[str, str],
    BeforeValidator(lambda text: json.loads(text) if isinstance(text, str) else text),
    Field(min_length=1),
]


class CertEnrollSettings(FunctionSettings):
    state_machine_arn: _Arn


class CertRegisterSettings(TableSettings):
    enrol_tags: _Tags


class CertRetireSettings(PolledCommands):
    ca_arn: _Arn
    remove_document: Annotated[str, Field(min_length=1)]
    revoke_on_retire: RevocationPolicy
    topic_arn: _Arn


class CertDeployStatusSettings(TableSettings):
    ca_arn: _Arn
