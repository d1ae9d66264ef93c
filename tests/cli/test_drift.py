"""``doctor`` and ``verify`` name what somebody changed by hand: what there is stands beside the stack's template."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from pca_automator.cli.deployed.drift import same
from tests.cli.conftest import FUNCTIONS, TOPIC_ARN, Answer, Deployed, error, resources

HASH = "0A1B2C3D"
STATEMENT = {"Effect": "Allow", "Action": ["sns:Publish", "kms:Decrypt"], "Resource": {"Ref": f"AutomationTopic{HASH}"}}
POLICY = {"Version": "2012-10-17", "Statement": [STATEMENT]}
FOUND = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": ["kms:Decrypt", "sns:Publish"], "Resource": TOPIC_ARN},
}
"""As a service may give it back: in another order, and one statement alone."""
CONTENT = {"schemaVersion": "2.2", "mainSteps": [{"action": "aws:runShellScript", "inputs": {"runCommand": ["true"]}}]}
MORE = {
    "CertCheckRoleDefaultPolicy": ("AWS::IAM::Policy", "policy"),
    "Topic": ("AWS::SNS::Topic", TOPIC_ARN),
    "TopicPolicy": ("AWS::SNS::TopicPolicy", "topic-policy"),
    "LettersPolicy": ("AWS::SQS::QueuePolicy", "queue-policy"),
    "CrlBucketPolicy": ("AWS::S3::BucketPolicy", "bucket-policy"),
    "CertCheckRole": ("AWS::IAM::Role", "the-role"),
}
TEMPLATE: dict[str, dict[str, Any]] = {
    "WorkflowCertCheck": {
        "Handler": "handlers.cert_check.handler", "MemorySize": 1024, "Runtime": "python3.14", "Timeout": 600,
        "Environment": {"Variables": {**FUNCTIONS["CertCheck"], "CA_ARN": {"Fn::GetAtt": ["CA", "Arn"]}}},
    },
    "WorkflowStateMachine": {
        "DefinitionString": {
            "Fn::Join": [
                "", ['{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"', {"Fn::GetAtt": ["F", "Arn"]}, '"}}}'],
            ]
        }
    },
    "WorkflowSchedule": {"ScheduleExpression": "cron(15 3,15 * * ? *)", "Target": {"Arn": {"Ref": "Machine"}}},
    "RevocationCrlWritten": {
        "EventPattern": {"source": ["aws.s3"], "account": [{"Ref": "AWS::AccountId"}]}, "Targets": [{"Id": "Target0"}],
    },
    "DocumentsInspectCertificate": {"Content": CONTENT},
    "CertCheckRoleDefaultPolicy": {
        "PolicyDocument": POLICY, "PolicyName": "its-policy", "Roles": [{"Ref": f"AutomationCertCheckRole{HASH}"}],
    },
    "TopicPolicy": {"PolicyDocument": POLICY, "Topics": [{"Ref": f"AutomationTopic{HASH}"}]},
    "LettersPolicy": {"PolicyDocument": POLICY, "Queues": [{"Ref": f"AutomationDeadLetters{HASH}"}]},
    "CrlBucketPolicy": {"PolicyDocument": POLICY, "Bucket": "crls"},
}  # fmt: skip
WIDER = {**FOUND, "Statement": {**FOUND["Statement"], "Resource": "*"}}  # type: ignore[dict-item]
Change = Callable[[Deployed], None]


def to(operation: str, answer: Answer) -> Change:
    return lambda deployed: deployed.answers.update({operation: answer})


def function(**changed: Any) -> Answer:
    said = TEMPLATE["WorkflowCertCheck"]
    check = {name: said[name] for name in ("Handler", "MemorySize", "Runtime", "Timeout")}

    def found(request: Mapping[str, Any]) -> dict[str, Any]:
        variables = {"Variables": FUNCTIONS[request["FunctionName"]]}
        return {"State": "Active", "Environment": variables, **check, **changed}

    return found


def definition(word: str) -> Answer:
    text = {"StartAt": "A", "States": {"A": {"Type": word, "Resource": "arn:aws:lambda:us-east-1:1:function:F"}}}
    return {"status": "ACTIVE", "definition": json.dumps(text)}


def document(content: Any) -> Answer:
    genuine = {"Content": json.dumps(content)}
    return lambda request: genuine if "Inspect" in request["Name"] else SEALED_DOCUMENT


SEALED_DOCUMENT: dict[str, Any] = {}
RULE = {"State": "ENABLED", "EventPattern": json.dumps({"source": ["aws.s3"], "account": ["123456789012"]})}
CHANGES: dict[str, tuple[Change, str]] = {
    "a role's policy, widened": (to("GetRolePolicy", {"PolicyDocument": WIDER}), "Policy CertCheckRoleDefaultPolicy"),
    "a role's policy, deleted": (to("GetRolePolicy", error("NoSuchEntity")), "Policy CertCheckRoleDefaultPolicy is go"),
    "a topic's policy": (
        to("GetTopicAttributes", {"Attributes": {"TopicArn": TOPIC_ARN, "Policy": json.dumps(WIDER)}}), "TopicPolicy",
    ),
    "a queue's policy": (to("GetQueueAttributes", {"Attributes": {"ApproximateNumberOfMessages": "0"}}), "QueuePolicy"),
    "a bucket's policy": (to("GetBucketPolicy", error("NoSuchBucketPolicy")), "BucketPolicy CrlBucketPolicy is gone"),
    "a function's time": (to("GetFunctionConfiguration", function(Timeout=3)), "Function WorkflowCertCheck"),
    "a function's memory": (to("GetFunctionConfiguration", function(MemorySize=128)), "Function WorkflowCertCheck"),
    "a function's handler": (to("GetFunctionConfiguration", function(Handler="x.y")), "Function WorkflowCertCheck"),
    "the workflow": (to("DescribeStateMachine", definition("Pass")), "StateMachine WorkflowStateMachine"),
    "a schedule's time": (
        to("GetSchedule", {"State": "ENABLED", "ScheduleExpression": "rate(30 days)", "Target": {}}),
        "Schedule WorkflowSchedule",
    ),
    "a rule's pattern": (
        to("DescribeRule", {"State": "ENABLED", "EventPattern": json.dumps({"source": ["aws.ec2"]})}),
        "Rule RevocationCrlWritten",
    ),
    "a document": (
        to("GetDocument", document({**CONTENT, "mainSteps": []})), "Document DocumentsInspectCertificate",
    ),
}  # fmt: skip


@pytest.fixture
def compared(deployed: Deployed) -> Deployed:
    """A deployment as its template has it."""
    deployed.live(1)
    more = [
        {"LogicalResourceId": f"Automation{name}{HASH}", "ResourceType": kind, "PhysicalResourceId": physical}
        for name, (kind, physical) in MORE.items()
    ]
    SEALED_DOCUMENT.update(deployed.answers["GetDocument"])  # type: ignore[arg-type]
    template = {f"Automation{name}{HASH}": {"Properties": said} for name, said in deepcopy(TEMPLATE).items()}
    letters = {"ApproximateNumberOfMessages": "0", "Policy": json.dumps(FOUND)}
    deployed.answers |= {
        "ListStackResources": {"StackResourceSummaries": [*resources(), *more]},
        "GetTemplate": {"TemplateBody": {"Resources": template}},
        "GetRolePolicy": {"PolicyDocument": FOUND},
        "GetTopicAttributes": {"Attributes": {"TopicArn": TOPIC_ARN, "Policy": json.dumps(FOUND)}},
        "GetQueueAttributes": {"Attributes": letters},
        "GetBucketPolicy": {"Policy": json.dumps(FOUND)},
        "GetFunctionConfiguration": function(),
        "DescribeStateMachine": definition("Task"),
        "GetSchedule": {"State": "ENABLED", "ScheduleExpression": "cron(15 3,15 * * ? *)", "Target": {"Arn": "x"}},
        "DescribeRule": RULE,
        "GetDocument": document(CONTENT),
    }
    return deployed


def line(deployed: Deployed) -> dict[str, Any]:
    rows = json.loads(deployed.invoke("doctor", "--output", "json").stdout)
    return next(row for row in rows if row["part"] == "as deployed")


def test_what_is_as_it_was_deployed_is_well(compared: Deployed) -> None:
    found = line(compared)
    assert (found["result"], found["detail"]) == ("ok", "9 parts are as the template has them")
    assert compared.called("GetRolePolicy")[0] == {"RoleName": "the-role", "PolicyName": "its-policy"}
    assert [request["DocumentVersion"] for request in compared.called("GetDocument") if len(request) > 1] == ["$LATEST"]


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_by_hand_is_named_with_who_can_undo_it(compared: Deployed, what: str) -> None:
    change, words = CHANGES[what]
    change(compared)
    found = line(compared)
    assert found["result"] == "trouble"
    assert found["detail"].startswith("changed by hand: ")
    assert words in found["detail"]
    assert found["who"] == "who deploys it: cdk deploy --revert-drift"
    done = compared.invoke("verify", "--components-only", "--output", "json")
    assert "as deployed" in {row["check"] for row in json.loads(done.stdout) if row["result"] == "failed"}


def test_a_variable_of_a_function_that_was_changed_is_named(compared: Deployed) -> None:
    genuine = compared.answers["GetFunctionConfiguration"]
    assert callable(genuine)

    def found(request: Mapping[str, Any]) -> dict[str, Any]:
        answer = deepcopy(dict(genuine(request)))
        answer["Environment"]["Variables"]["SCAN_SEGMENTS"] = "64"
        return answer

    compared.answers["GetFunctionConfiguration"] = found
    assert "Function WorkflowCertCheck is another" in line(compared)["detail"]


def test_many_changes_are_counted(compared: Deployed) -> None:
    for change, _ in CHANGES.values():
        change(compared)
    assert line(compared)["detail"].endswith(" and 4 more")


def test_a_template_that_nobody_may_read_costs_its_own_line(compared: Deployed) -> None:
    compared.answers["GetTemplate"] = error("AccessDenied", "no", "GetTemplate", 403)
    assert line(compared)["result"] == "refused"
    assert compared.invoke("status").exit_code == 0


@pytest.mark.parametrize(
    ("said", "found", "expected"),
    [
        ("\0", {"any": "thing"}, True),
        ("\0", "*", False),
        ("arn:\0:s3:::\0/*", "arn:aws:s3:::*/*", False),
        ("arn:\0:s3:::\0/*", "arn:aws:s3:::bucket/*", True),
        ("arn:\0:s3:::\0/*", "arn:aws:s3:::bucket", False),
        ({"a": "1"}, {"a": 1}, True),
        ({"a": True}, {"a": "true"}, True),
        ({"a": "1"}, {"a": "1", "b": "2"}, False),
        ({"a": "1", "b": "2"}, {"a": "1"}, False),
        (["a", "b"], ["b", "a"], True),
        (["a"], "a", True),
        ("a", ["a"], True),
        (["a"], ["a", "b"], False),
        (["a", "a"], ["a", "b"], False),
        ({"a": "1"}, "1", False),
    ],
)
def test_the_same_is_what_a_service_may_make_of_it(said: Any, found: Any, expected: bool) -> None:
    assert same(said, found) is expected
