"""What somebody changes by hand in a console, on a deployment: each returns what takes the change back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.cli.breaking import Mend, World

_ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}],
}
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def _role_policy(world: World) -> dict[str, str]:
    """Where the policy of CertReport's role is."""
    function = world.client("lambda").get_function_configuration(FunctionName=world.deployment.function("CertReport"))
    role = function["Role"].rpartition("/")[2]
    (name,) = world.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
    return {"RoleName": role, "PolicyName": name}


def _with_its_policy(change: Callable[[Any, dict[str, str]], None]) -> Callable[[World], Mend]:
    def by_hand(world: World) -> Mend:
        client, where = world.client("iam"), _role_policy(world)
        document = json.dumps(client.get_role_policy(**where)["PolicyDocument"])
        change(client, where)
        return lambda: client.put_role_policy(**where, PolicyDocument=document)

    return by_hand


def _widened(client: Any, where: dict[str, str]) -> None:
    client.put_role_policy(**where, PolicyDocument=json.dumps(_EVERYTHING))


def _deleted(client: Any, where: dict[str, str]) -> None:
    client.delete_role_policy(**where)


def topic_policy(world: World) -> Mend:
    client, arn = world.client("sns"), world.deployment.settings("CertReport")["TOPIC_ARN"]
    before = client.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]

    def put(policy: str) -> None:
        client.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)

    put(json.dumps(_ANYBODY))
    return lambda: put(before)


def queue_policy(world: World) -> Mend:
    client, url = world.client("sqs"), world.physical("AWS::SQS::Queue", "AutomationDeadLetters")
    before = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(_ANYBODY)})
    return lambda: client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": before})


def bucket_policy(world: World) -> Mend:
    client, bucket = world.client("s3"), world.deployment.settings("CRLProcessor")["CRL_BUCKET"]
    before = client.get_bucket_policy(Bucket=bucket)["Policy"]
    client.delete_bucket_policy(Bucket=bucket)
    return lambda: client.put_bucket_policy(Bucket=bucket, Policy=before)


def workflow(world: World) -> Mend:
    client, arn = world.client("stepfunctions"), world.deployment.state_machine
    before = client.describe_state_machine(stateMachineArn=arn)["definition"]
    changed = json.loads(before)
    changed["States"]["RenewHosts"]["MaxConcurrency"] = 1
    client.update_state_machine(stateMachineArn=arn, definition=json.dumps(changed))
    return lambda: client.update_state_machine(stateMachineArn=arn, definition=before)


def document(world: World) -> Mend:
    client, name = world.client("ssm"), world.deployment.document("InspectCertificate")
    before = client.get_document(Name=name)["Content"]
    changed = json.loads(before)
    changed["mainSteps"][0]["inputs"]["runCommand"] = ["true"]

    def put(content: str) -> None:
        client.delete_document(Name=name)
        client.create_document(Name=name, Content=content, DocumentType="Command")

    put(json.dumps(changed))
    return lambda: put(before)


def schedule(world: World) -> Mend:
    client = world.client("scheduler")
    name = world.physical("AWS::Scheduler::Schedule", "AutomationRevocationReconciliation").rpartition("/")[2]
    found = client.get_schedule(Name=name)
    kept = ("Name", "GroupName", "FlexibleTimeWindow", "Target", "Description", "State")
    whole = {key: found[key] for key in kept if key in found}
    client.update_schedule(**whole, ScheduleExpression="rate(30 days)")
    return lambda: client.update_schedule(**whole, ScheduleExpression=found["ScheduleExpression"])


def function(world: World) -> Mend:
    client, name = world.client("lambda"), world.deployment.function("CertRetire")
    before = client.get_function_configuration(FunctionName=name)["Timeout"]
    client.update_function_configuration(FunctionName=name, Timeout=3)
    return lambda: client.update_function_configuration(FunctionName=name, Timeout=before)


def rule(world: World) -> Mend:
    client, name = world.client("events"), world.physical("AWS::Events::Rule", "AutomationRevocationCrlWritten")
    before = client.describe_rule(Name=name)["EventPattern"]
    client.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.ec2"]}))
    return lambda: client.put_rule(Name=name, EventPattern=before)


BY_HAND: dict[str, tuple[Callable[[World], Mend], str]] = {
    "a role's policy, widened": (_with_its_policy(_widened), "Policy WorkflowCertReportRoleDefaultPolicy is another"),
    "a role's policy, deleted": (_with_its_policy(_deleted), "Policy WorkflowCertReportRoleDefaultPolicy is gone"),
    "the topic's policy": (topic_policy, "TopicPolicy NotificationsTopicPolicy is another"),
    "a queue's policy": (queue_policy, "QueuePolicy DeadLettersPolicy is another"),
    "a bucket's policy": (bucket_policy, "BucketPolicy PrivateCACrlBucketPolicy is gone"),
    "the workflow": (workflow, "StateMachine WorkflowStateMachine is another"),
    "a document": (document, "Document DocumentsInspectCertificate is another"),
    "a schedule's time": (schedule, "Schedule RevocationReconciliation is another"),
    "a function's time": (function, "Function DepartureCertRetire is another"),
    "a rule's pattern": (rule, "Rule RevocationCrlWritten is another"),
}
"""What is changed, and what ``doctor`` says of it."""
