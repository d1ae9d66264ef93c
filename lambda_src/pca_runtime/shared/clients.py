"""AWS clients: made once for each container, with timeouts and retries that a Lambda timeout can bear.

The protocols list the API calls that are made, and so the IAM actions that are needed; tests pass fakes.
"""

from __future__ import annotations

import gc
import os
from functools import cache
from typing import Any, Protocol, cast

import boto3
from botocore.config import Config

__all__ = [
    "S3",
    "AuditingCa",
    "CloudWatch",
    "DynamoDb",
    "Ec2",
    "EventBridge",
    "LedgerDynamoDb",
    "PrivateCa",
    "RevokingCa",
    "RolesAnywhere",
    "ServiceQuotas",
    "Sns",
    "StepFunctions",
    "SystemsManager",
    "client",
    "made_at_init",
]  # fmt: skip

# 4 attempts with botocore's exponential backoff (at most 1, 2 and 4 s, full jitter) and 10 s for each:
# 47 s in the worst case, inside the functions' timeout of 60 s. The workflow retries what is left.
# https://docs.aws.amazon.com/boto3/latest/guide/retries.html
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=7,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=16,
    user_agent_extra="pca-automator",
)
# News, and looks at the account, which no renewal waits for: 2 attempts of at most 3 s with a pause of at most 1 s
# are 7 s in the worst case, as where a VPC has no way to EventBridge.
_QUICK = ("cloudwatch", "events", "service-quotas")
_NEWS_CONFIG = _CONFIG.merge(
    Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
)

Answer = dict[str, Any]


class DynamoDb(Protocol):
    def get_item(self, **kwargs: Any) -> Answer: ...
    def put_item(self, **kwargs: Any) -> Answer: ...
    def update_item(self, **kwargs: Any) -> Answer: ...
    def scan(self, **kwargs: Any) -> Answer: ...
    def batch_get_item(self, **kwargs: Any) -> Answer: ...
    def query(self, **kwargs: Any) -> Answer: ...


class LedgerDynamoDb(Protocol):
    def put_item(self, **kwargs: Any) -> Answer: ...
    def update_item(self, **kwargs: Any) -> Answer: ...
    def query(self, **kwargs: Any) -> Answer: ...


class RevokingCa(Protocol):
    def get_certificate(self, **kwargs: Any) -> Answer: ...
    def revoke_certificate(self, **kwargs: Any) -> Answer: ...


class AuditingCa(Protocol):
    def create_certificate_authority_audit_report(self, **kwargs: Any) -> Answer: ...
    def describe_certificate_authority_audit_report(self, **kwargs: Any) -> Answer: ...


class S3(Protocol):
    def get_object(self, **kwargs: Any) -> Answer: ...
    def put_object(self, **kwargs: Any) -> Answer: ...


class Sns(Protocol):
    def publish(self, **kwargs: Any) -> Answer: ...


class SystemsManager(Protocol):
    def describe_instance_information(self, **kwargs: Any) -> Answer: ...
    def list_tags_for_resource(self, **kwargs: Any) -> Answer: ...
    def send_command(self, **kwargs: Any) -> Answer: ...
    def get_command_invocation(self, **kwargs: Any) -> Answer: ...


class PrivateCa(Protocol):
    def issue_certificate(self, **kwargs: Any) -> Answer: ...
    def get_certificate(self, **kwargs: Any) -> Answer: ...
    def describe_certificate_authority(self, **kwargs: Any) -> Answer: ...
    def get_certificate_authority_certificate(self, **kwargs: Any) -> Answer: ...
    def revoke_certificate(self, **kwargs: Any) -> Answer: ...


class Ec2(Protocol):
    def describe_instances(self, **kwargs: Any) -> Answer: ...


class EventBridge(Protocol):
    def put_events(self, **kwargs: Any) -> Answer: ...


class StepFunctions(Protocol):
    def start_execution(self, **kwargs: Any) -> Answer: ...
    def describe_execution(self, **kwargs: Any) -> Answer: ...
    def send_task_success(self, **kwargs: Any) -> Answer: ...
    def send_task_failure(self, **kwargs: Any) -> Answer: ...


class ServiceQuotas(Protocol):
    def list_service_quotas(self, **kwargs: Any) -> Answer: ...


class CloudWatch(Protocol):
    def get_metric_data(self, **kwargs: Any) -> Answer: ...


class RolesAnywhere(Protocol):
    def get_trust_anchor(self, **kwargs: Any) -> Answer: ...
    def list_crls(self, **kwargs: Any) -> Answer: ...
    def import_crl(self, **kwargs: Any) -> Answer: ...
    def update_crl(self, **kwargs: Any) -> Answer: ...


@cache
def client(service: str) -> Any:
    """The client of a service, for example ``client("ssm")``; the region comes from the environment."""
    # cast: the overloads of boto3-stubs cannot express a service name that is not a literal.
    return cast(Any, boto3).client(service, config=_NEWS_CONFIG if service in _QUICK else _CONFIG)


def made_at_init(*services: str) -> None:
    """Make a handler's clients before its first invocation, while Lambda gives more CPU than its memory pays for.

    Reading the services' models is most of what a cold start takes. Lambda tells of itself by a variable
    (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html); whatever else imports a handler has its
    own clients, or none.

    By then everything is loaded, and stays: the collector of garbage, which rests since ``handlers`` was imported,
    leaves that out from now on, in the invocations, too (https://docs.python.org/3/library/gc.html#gc.freeze).
    """
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE"):
        for service in services:
            client(service)
        gc.freeze()
        gc.enable()
