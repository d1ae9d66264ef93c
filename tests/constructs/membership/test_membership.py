"""Joining and leaving: stream, tags, retirement, reconciliation, CRL budget and alarms."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk.assertions import Annotations, Match

from pca_automator import CrlBudget, PcaCertificateAutomation, ReplacementRevocation, RevocationPolicy
from tests.constructs.test_compliance import PACKS, findings
from tests.synthesis import (
    actions,
    as_list,
    automation,
    new_app,
    resources,
    state_machine_definition,
    statements,
    template_of,
)

TAGS = {"CertManaged": "true"}


@cache
def everything() -> Any:
    return automation(enrol_by_tag=TAGS, expected_hosts=10_000, revoke_replaced=ReplacementRevocation.ALWAYS)


@cache
def template() -> dict[str, Any]:
    return template_of(everything())


def function(name: str) -> tuple[str, dict[str, Any]]:
    (found,) = [
        (logical_id, resource["Properties"])
        for logical_id, resource in resources(template(), "AWS::Lambda::Function").items()
        if resource["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == name
    ]
    return found


def environment(name: str) -> dict[str, Any]:
    variables: dict[str, Any] = function(name)[1]["Environment"]["Variables"]
    return variables


def allowed(name: str) -> dict[str, set[str]]:
    """Action to resources (as JSON) of one function's role."""
    found: dict[str, set[str]] = {}
    for statement in statements(template(), f"{name}Role"):
        for action in actions(statement):
            found.setdefault(action, set()).update(json.dumps(each) for each in as_list(statement["Resource"]))
    return found


def mapping(name: str = "CertEnroll") -> dict[str, Any]:
    """The mapping of the inventory's stream to a function."""
    (found,) = [
        resource
        for resource in resources(template(), "AWS::Lambda::EventSourceMapping").values()
        if resource["Properties"].get("StartingPosition")
        and resource["Properties"]["FunctionName"] == {"Ref": function(name)[0]}
    ]
    return found


@pytest.mark.parametrize("pack", PACKS)
def test_with_everything_switched_on_there_is_no_finding(pack: str) -> None:
    assert findings(pack, Stack.of(everything())) == []


@pytest.mark.parametrize(("name", "construct"), [("CertEnroll", "Enrolment"), ("CertRetire", "Departure")])
def test_changes_are_gathered_and_nothing_that_fails_is_lost(name: str, construct: str) -> None:
    properties = mapping(name)["Properties"]
    assert properties["EventSourceArn"] == {"Fn::GetAtt": [table(), "StreamArn"]}
    assert 0 < properties["MaximumBatchingWindowInSeconds"] <= 20
    assert properties["BisectBatchOnFunctionError"] is True
    assert properties["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0].startswith("AutomationDeadLet")
    assert properties["MaximumRetryAttempts"] > 3
    policy = f"Automation{construct}{name}RoleDefaultPolicy"
    assert any(each.startswith(policy) for each in mapping(name)["DependsOn"])


def test_cert_retire_is_told_of_removed_items_alone() -> None:
    (pattern,) = mapping("CertRetire")["Properties"]["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {"eventName": ["REMOVE"]}


def table() -> str:
    (name,) = (each for each in resources(template(), "AWS::DynamoDB::Table") if "Hosts" in each)
    return name


def test_the_table_streams_both_images() -> None:
    (found,) = (each for name, each in resources(template(), "AWS::DynamoDB::Table").items() if "Hosts" in name)
    assert found["Properties"]["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.mark.parametrize(
    ("before", "after", "passes"),
    [
        (None, {"hostID": "i"}, True),
        ({"status": "DEPLOYED"}, None, True),
        ({"status": "DEPLOYED"}, {"status": "DEPLOYED", "keyMode": "0440"}, True),
        ({"status": "FAILED"}, {"status": "FAILED", "keyMode": "0440"}, True),
        ({"status": "RETIRED"}, {"hostID": "i"}, True),
        ({"status": "RENEWING"}, {"status": "RENEWING", "pending": "x"}, False),
        ({"status": "RENEWING"}, {"status": "DEPLOYED"}, True),
        ({"status": "RENEWING"}, {"status": "FAILED"}, True),
        ({"status": "RENEWING"}, {"status": "RETIRED"}, False),
        ({"hostID": "i"}, {"status": "RENEWING"}, False),
    ],
)
def test_the_filter_lets_people_through_and_keeps_most_of_the_system_out(
    before: dict[str, str] | None, after: dict[str, str] | None, passes: bool
) -> None:
    name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
    patterns = [json.loads(each["Pattern"]) for each in mapping()["Properties"]["FilterCriteria"]["Filters"]]
    images = {"OldImage": before or {}, "NewImage": after or {}}
    assert any(_matches(pattern, name, images) for pattern in patterns) is passes


def _matches(pattern: dict[str, Any], name: str, images: dict[str, dict[str, str]]) -> bool:
    """The filter's few operators: equality, and absence of a leaf."""
    for image, attributes in pattern.get("dynamodb", {}).items():
        for attribute, wanted in attributes.items():
            value = images[image].get(attribute)
            if wanted["S"] == [{"exists": False}]:
                if value is not None:
                    return False
            elif value not in wanted["S"]:
                return False
    return name in pattern["eventName"]


def test_cert_enroll_may_read_the_stream_and_start_the_one_workflow() -> None:
    grants = allowed("CertEnroll")
    (machine,) = resources(template(), "AWS::StepFunctions::StateMachine")
    stream = json.dumps({"Fn::GetAtt": [table(), "StreamArn"]})
    assert grants["states:StartExecution"] == {json.dumps({"Ref": machine})}
    for action in ("DescribeStream", "GetRecords", "GetShardIterator"):
        assert grants[f"dynamodb:{action}"] == {stream}
    assert environment("CertEnroll")["STATE_MACHINE_ARN"] == {"Ref": machine}
    assert not {action for action in grants if action.startswith("dynamodb:Put") or action.endswith("Item")}


def test_who_revokes_may_look_whose_certificate_it_is() -> None:
    for name in ("CertDeployStatus", "CertRetire"):
        grants = allowed(name)
        assert grants["acm-pca:GetCertificate"] == grants["acm-pca:RevokeCertificate"] != set()


def test_cert_retire_may_revoke_with_the_one_ca_and_send_the_one_document() -> None:
    grants = allowed("CertRetire")
    (authority,) = resources(template(), "AWS::ACMPCA::CertificateAuthority")
    ca = json.dumps({"Fn::GetAtt": [authority, "Arn"]})
    assert grants["acm-pca:RevokeCertificate"] == grants["acm-pca:GetCertificate"] == {ca}
    documents = [each for each in grants["ssm:SendCommand"] if "document" in each]
    assert len(documents) == 1
    assert "RemoveCertificate" in documents[0]
    assert {action for action, where in grants.items() if where == {'"*"'}} == {
        "dynamodb:ListStreams",
        "ec2:DescribeInstances",
        "ssm:DescribeInstanceInformation",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
    assert {action for action in grants if action.startswith("dynamodb:")} == {
        "dynamodb:DescribeStream",
        "dynamodb:GetItem",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
    }
    # Into the ledger of certificates goes what is to be revoked; an entry of the inventory is never written whole.
    for action in ("dynamodb:PutItem", "dynamodb:Query"):
        assert all("Ledger" in where and "Inventory" not in where for where in grants[action]), grants[action]


def test_cert_register_may_only_look_and_put() -> None:
    assert {action for action in allowed("CertRegister") if action.split(":")[0] in ("dynamodb", "acm-pca")} == {
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
    }
    assert json.loads(environment("CertRegister")["ENROL_TAGS"]) == TAGS
    assert "PROFILE_TAG" not in environment("CertRegister")
    assert "ssm:ListTagsForResource" not in allowed("CertRegister")


def test_for_profiles_by_tag_cert_register_may_read_the_tags_of_nodes_alone() -> None:
    named = template_of(automation(enrol_by_tag=TAGS, profile_tag="CertificateProfile"))
    (statement,) = (s for s in statements(named, "CertRegisterRole") if "ssm:ListTagsForResource" in actions(s))
    assert actions(statement) == ["ssm:ListTagsForResource"]
    assert json.dumps(statement["Resource"]).endswith(':managed-instance/*"]]}')
    (variables,) = (
        each["Properties"]["Environment"]["Variables"]
        for each in resources(named, "AWS::Lambda::Function").values()
        if each["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == "CertRegister"
    )
    assert variables["PROFILE_TAG"] == "CertificateProfile"


def test_there_is_time_to_look_at_ten_thousand_nodes_and_a_started_instance_is_looked_at_soon() -> None:
    """200 pages of 50 nodes, half a second each at worst, for one tag; Lambda refuses a shorter visibility timeout."""
    timeout = function("CertRegister")[1]["Timeout"]
    (queue,) = [
        each["Properties"]
        for each in resources(template(), "AWS::SQS::Queue").values()
        if each["Properties"].get("DelaySeconds")
    ]
    assert timeout >= 200 * 0.5
    assert timeout <= queue["VisibilityTimeout"] <= 180
    assert queue["DelaySeconds"] <= 60


def test_policies_reach_the_functions() -> None:
    assert environment("CertRetire")["REVOKE_ON_RETIRE"] == "ALWAYS"
    assert environment("CertCheck")["REVOKE_REPLACED"] == "ALWAYS"


def rules() -> dict[str, dict[str, Any]]:
    return {
        resource["Properties"]["EventPattern"]["detail"]["state"][0]: resource["Properties"]
        for resource in resources(template(), "AWS::Events::Rule").values()
        if resource["Properties"]["EventPattern"]["source"] == ["aws.ec2"]
    }


def test_started_and_terminated_instances_are_noticed_and_no_event_is_dropped() -> None:
    found = rules()
    assert set(found) == {"running", "terminated"}
    for rule in found.values():
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"]
    assert found["terminated"]["Targets"][0]["Arn"] == {"Fn::GetAtt": [function("CertRetire")[0], "Arn"]}


def test_each_event_has_a_schedule_that_repairs_its_loss() -> None:
    inputs = {}
    for resource in resources(template(), "AWS::Scheduler::Schedule").values():
        target = resource["Properties"]["Target"]
        assert target["DeadLetterConfig"]
        inputs[resource["Properties"]["Description"]] = (
            resource["Properties"]["ScheduleExpression"],
            json.loads(target["Input"]),
            target.get("SqsParameters"),
        )
    assert inputs["Retires the hosts that are gone"] == ("rate(1 hour)", {"reconcile": True}, None)
    assert inputs["Puts tagged nodes into the inventory that no event told of"][:2] == ("rate(15 minutes)", {})
    crl = inputs["Brings the private CA's CRL into force where an event was lost"]
    assert crl == ("rate(1 hour)", {"reconcile": True}, {"MessageGroupId": "crl"})


def refuse_silent_failures(document: dict[str, Any]) -> None:
    """Schedules and rules hand their event to Lambda and hear no more of it: what fails then must not be lost."""
    woken = {
        str(target["Arn"]["Fn::GetAtt"][0])
        for resource in resources(document, "AWS::Scheduler::Schedule").values()
        if "Fn::GetAtt" in (target := resource["Properties"]["Target"])["Arn"]
    } & set(resources(document, "AWS::Lambda::Function"))
    assert woken
    kept = {
        each["Properties"]["FunctionName"]["Ref"]
        for each in resources(document, "AWS::Lambda::EventInvokeConfig").values()
        if each["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]
    }
    assert woken <= kept


def test_a_function_that_a_schedule_wakes_does_not_fail_in_silence() -> None:
    refuse_silent_failures(template())


def test_schedules_may_only_be_used_by_this_account() -> None:
    roles = [
        role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
        for name, role in resources(template(), "AWS::IAM::Role").items()
        if "ReconciliationRole" in name
    ]
    assert len(roles) == 3
    for statement in roles:
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert "aws:SourceArn" in statement["Condition"]["ArnLike"]


def test_whether_to_revoke_goes_from_the_input_to_the_state_that_records() -> None:
    definition = state_machine_definition(template())
    renew = definition["States"]["RenewHosts"]
    assert renew["ItemSelector"]["revokeReplaced.$"] == "$.check.Payload.revokeReplaced"
    status = renew["ItemProcessor"]["States"]["CertDeployStatus"]
    assert status["Parameters"]["Payload"]["revokeReplaced.$"] == "$.revokeReplaced"
    assert renew["ItemSelector"]["revocationReason.$"] == "$.check.Payload.revocationReason"
    assert status["Parameters"]["Payload"]["revocationReason.$"] == "$.revocationReason"


def test_alarms_reach_the_encrypted_topic() -> None:
    alarms = [
        alarm
        for name, alarm in resources(template(), "AWS::CloudWatch::Alarm").items()
        if name.startswith("AutomationCrlAlarms")
    ]
    (topic,) = resources(template(), "AWS::SNS::Topic")
    by_metric = {each["Properties"]["MetricName"]: each["Properties"] for each in alarms}
    assert by_metric["CrlBytes"]["Threshold"] == 240_000
    assert by_metric["CrlSecondsToNextUpdate"]["Threshold"] == 86_400
    assert by_metric["CrlSecondsToNextUpdate"]["ComparisonOperator"] == "LessThanThreshold"
    assert all(each["AlarmActions"] == [{"Ref": topic}] for each in by_metric.values())
    name = environment("CRLProcessor")["AUTOMATION_NAME"]
    assert by_metric["CrlBytes"]["Dimensions"] == [{"Name": "Automation", "Value": name}]
    (policy,) = resources(template(), "AWS::SNS::TopicPolicy").values()
    publishers = [
        each for each in policy["Properties"]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"
    ]  # fmt: skip
    assert [each["Principal"] for each in publishers] == [{"Service": "cloudwatch.amazonaws.com"}]
    (key,) = resources(template(), "AWS::KMS::Key").values()
    principals = [each["Principal"].get("Service") for each in key["Properties"]["KeyPolicy"]["Statement"]]
    assert "cloudwatch.amazonaws.com" in principals


def test_a_fleet_that_overflows_its_crl_is_warned_of_at_synthesis() -> None:
    warnings = Annotations.from_stack(Stack.of(everything()))
    warnings.has_warning("*", Match.string_like_regexp("10,000 hosts .* keep about .* IAM Roles Anywhere takes"))
    warnings.has_warning("*", Match.string_like_regexp("a CA with a complete CRL issues 1,000,000"))
    for slug in ("crl-budget", "ca-certificate-quota"):
        warnings.has_warning("*", Match.string_like_regexp(f"ack: pca-automator:{slug}"))


@pytest.mark.parametrize(
    ("policy", "hosts", "warned"),
    [
        pytest.param(ReplacementRevocation.NEVER, 4_314, False, marks=pytest.mark.long),
        # 4,500 entries fit, and the hosts that left within a week are some of them.
        (ReplacementRevocation.ON_KEY_COMPROMISE, 4_313, False),
        (ReplacementRevocation.ON_KEY_COMPROMISE, 4_314, True),
        pytest.param(ReplacementRevocation.ALWAYS, 4_314, True, marks=pytest.mark.long),
    ],
)
def test_a_fleet_that_cannot_be_revoked_at_once_is_warned_of(
    policy: ReplacementRevocation, hosts: int, warned: bool
) -> None:
    warnings = Annotations.from_stack(Stack.of(automation(expected_hosts=hosts, revoke_replaced=policy)))
    words = (
        f"{policy.value}, so .* of 4,314 hosts: .* [0-9]{{3}},[0-9]{{3}} bytes.* last CRL that fitted.* "
        "at most 7 days later.* disable the trust anchor.*ack: pca-automator:crl-budget"
    )
    assert len(warnings.find_warning("*", Match.any_value())) == warned
    assert len(warnings.find_warning("*", Match.string_like_regexp(words))) == warned


def test_an_ordinary_day_is_the_same_with_a_policy_for_compromises() -> None:
    never, compromise = (
        budget(10_000, ReplacementRevocation.NEVER),
        budget(10_000, ReplacementRevocation.ON_KEY_COMPROMISE),
    )
    assert (compromise.entries, compromise.crl_bytes) == (never.entries, never.crl_bytes)
    assert compromise.break_glass_bytes == pytest.approx(10_000 * 66.35, rel=0.001)


def test_a_small_fleet_is_not_warned() -> None:
    quiet = automation(expected_hosts=500)
    Annotations.from_stack(Stack.of(quiet)).has_no_warning("*", Match.any_value())


def budget(
    hosts: int, replaced: ReplacementRevocation, retired: RevocationPolicy = RevocationPolicy.NEVER
) -> CrlBudget:
    return CrlBudget(
        hosts=hosts,
        validity=Duration.days(7),
        remaining=Duration.hours(56),
        revoke_on_retire=retired,
        revoke_replaced=replaced,
    )


def test_the_forecast_agrees_with_what_was_measured() -> None:
    """7 days, renewed after two thirds, 10,000 hosts: 2,143 a day with 2.33 days left are 5,000 entries."""
    forecast = budget(10_000, ReplacementRevocation.ALWAYS)
    assert forecast.entries == 5_000
    assert forecast.crl_bytes > 300_000
    assert round(forecast.certificates_per_year) == pytest.approx(782_143, abs=1)
    assert budget(10_000, ReplacementRevocation.NEVER).entries == 0
    assert 0 < budget(10_000, ReplacementRevocation.NEVER, RevocationPolicy.ALWAYS).entries < 1_000


@pytest.mark.parametrize(("entries", "measured"), [(1_000, 66_913), (4_500, 299_138)])
def test_bytes_for_each_entry_are_those_of_real_crls(entries: int, measured: int) -> None:
    assert budget(2 * entries, ReplacementRevocation.ALWAYS).crl_bytes == pytest.approx(measured, rel=0.001)


def test_an_existing_table_without_a_stream_is_enrolled_by_the_schedule_and_says_so() -> None:
    stack = Stack(new_app(), "Consumer")
    imported = dynamodb.Table.from_table_name(stack, "Table", "hosts")
    made = automation_in(stack, table=imported)
    assert made.enrolment is None
    Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp("no stream that this stack knows of"))


def test_an_existing_table_with_a_stream_is_enrolled_at_once() -> None:
    stack = Stack(new_app(), "Consumer")
    arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/hosts"
    imported = dynamodb.Table.from_table_attributes(
        stack, "Table", table_arn=arn, table_stream_arn=f"{arn}/stream/2026-11-23T00:00:00.000"
    )
    assert automation_in(stack, table=imported).enrolment is not None


def test_immediate_enrolment_can_be_switched_off() -> None:
    assert automation(immediate_enrolment=False).enrolment is None


def automation_in(stack: Stack, **props: Any) -> Any:
    return PcaCertificateAutomation(stack, "Automation", **props)
