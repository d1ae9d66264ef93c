"""The parts of a deployment: each is reachable and in the state in which it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import Trouble
from pca_automator.cli.output import counted
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.status import next_run

Check = tuple[str, Callable[[], str]]


def components(deployment: Deployment) -> Iterator[Check]:
    """Every part's name and its check, which answers with a detail or raises."""
    aws = deployment.aws

    def state(service: str, operation: str, path: str, wanted: object, **request: Any) -> str:
        answer: Any = getattr(aws.client(service), operation)(**request)
        for name in path.split("."):
            answer = answer.get(name) if isinstance(answer, dict) else None
        if answer != wanted:
            raise Trouble(f"it is {answer}, not {wanted}")
        return "enabled" if answer is True else str(answer)

    def of(name: str, *what: Any, **request: Any) -> Check:
        return name, lambda: state(*what, **request)

    yield of("inventory table", "dynamodb", "describe_table", "Table.TableStatus", "ACTIVE", TableName=deployment.table)
    for resource in deployment.of_type("AWS::Lambda::Function"):
        yield f"function {resource.logical_id[:-8]}", _function(deployment, resource.physical_id)
    yield of(
        "workflow", "stepfunctions", "describe_state_machine", "status", "ACTIVE",
        stateMachineArn=deployment.state_machine,
    )  # fmt: skip
    for resource in deployment.of_type("AWS::SSM::Document"):
        yield of(
            f"document {resource.logical_id[:-8]}", "ssm", "describe_document", "Document.Status", "Active",
            Name=resource.physical_id,
        )  # fmt: skip
    yield of(
        "private CA", "acm-pca", "describe_certificate_authority", "CertificateAuthority.Status", "ACTIVE",
        CertificateAuthorityArn=deployment.authority,
    )  # fmt: skip
    sealed = deployment.sealed
    for name, operation, key in (
        ("trust anchor", "get_trust_anchor", "trustAnchor"),
        ("profile", "get_profile", "profile"),
    ):
        identifier = {f"{key}Id": sealed[f"{key}Arn"].rpartition("/")[2]}
        yield of(name, "rolesanywhere", operation, f"{key}.enabled", True, **identifier)
    topic = deployment.settings("CertReport")["TOPIC_ARN"]
    yield of("topic", "sns", "get_topic_attributes", "Attributes.TopicArn", topic, TopicArn=topic)
    yield "schedule", lambda: _schedule(deployment)
    for resource in deployment.of_type("AWS::SQS::Queue"):
        if "DeadLetters" in resource.logical_id:
            yield f"queue {resource.logical_id[:-8]} is empty", _queue(deployment, resource.physical_id)


def _function(deployment: Deployment, name: str) -> Callable[[], str]:
    def check() -> str:
        answer = deployment.aws.client("lambda").get_function_configuration(FunctionName=name)
        if answer.get("State", "Active") not in ("Active", "Inactive"):  # Inactive: idle for weeks, wakes when called
            raise Trouble(f"it is {answer['State']}: {answer.get('StateReason', '')}")
        return str(answer.get("State", "Active"))

    return check


def _queue(deployment: Deployment, url: str) -> Callable[[], str]:
    def check() -> str:
        name = "ApproximateNumberOfMessages"
        answer = deployment.aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        if waiting := int(answer["Attributes"][name]):
            raise Trouble(f"{counted(waiting, 'message waits', 'messages wait')}: see docs/operations.md")
        return "empty"

    return check


def _schedule(deployment: Deployment) -> str:
    moment = next_run(deployment, runtime("shared.timestamps").utc_now())
    if moment in ("disabled", "no schedule"):
        raise Trouble(moment)
    return f"next run {moment}"
