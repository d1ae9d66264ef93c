"""EC2 and Systems Manager over their real protocols: who is in the fleet, in which state, with which tags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pca_automator.rehearsal.local_aws.run_command.hosts import Faults, Fleet, Host
from pca_automator.rehearsal.stage.process import LocalAws
from tests.rehearsal.conftest import CreateFunction, eventually, fleet_of

WEB, DATABASE, NODE = "i-0000000000000a11a", "i-0a11b0a1", "mi-0000000000000a11c"


@pytest.fixture(autouse=True)
def hosts(aws: LocalAws) -> Iterator[dict[str, Host]]:
    """Two instances and a hybrid node, new for each test."""
    fleet = Fleet(fleet_of(aws))
    found = {host_id: fleet.add(host_id) for host_id in (WEB, DATABASE, NODE)}
    yield found
    for host in found.values():
        host.set_tags({})
        host.set_state("running")
        host.set_faults(Faults())


def nodes(aws: LocalAws, *filters: tuple[str, list[str]], **options: Any) -> list[str]:
    """DescribeInstanceInformation, every page of it, of the hosts of this test."""
    pages = aws.client("ssm").get_paginator("describe_instance_information")
    given = [{"Key": key, "Values": values} for key, values in filters]
    found = [each for page in pages.paginate(Filters=given, **options) for each in page["InstanceInformationList"]]
    return sorted(str(each["InstanceId"]) for each in found if each["InstanceId"] in (WEB, DATABASE, NODE))


def instances(aws: LocalAws, *filters: tuple[str, list[str]]) -> dict[str, str]:
    """DescribeInstances: states by id."""
    given = [{"Name": name, "Values": values} for name, values in filters]
    pages = aws.client("ec2").get_paginator("describe_instances").paginate(Filters=given)
    found = [each for page in pages for reservation in page["Reservations"] for each in reservation["Instances"]]
    return {str(each["InstanceId"]): str(each["State"]["Name"]) for each in found}


def refused(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**request)
    return str(error.value.response["Error"]["Code"])


def test_a_tag_of_an_instance_is_ec2s_and_systems_manager_filters_by_it(aws: LocalAws) -> None:
    aws.client("ec2").create_tags(Resources=[WEB, DATABASE], Tags=[{"Key": "Pki", "Value": "on"}])
    aws.client("ec2").create_tags(Resources=[WEB], Tags=[{"Key": "Team", "Value": "web & <co>"}])
    assert nodes(aws, ("tag:Pki", ["on"])) == sorted([WEB, DATABASE])
    assert nodes(aws, ("tag:Pki", ["off", "on"]), ("tag:Team", ["web & <co>"])) == [WEB]
    assert nodes(aws, ("tag-key", ["Team"])) == [WEB]
    assert nodes(aws, ("tag:pki", ["on"])) == []
    (reservation,) = aws.client("ec2").describe_instances(InstanceIds=[WEB])["Reservations"]
    tags = {tag["Key"]: tag["Value"] for tag in reservation["Instances"][0]["Tags"]}
    assert tags == {"Pki": "on", "Team": "web & <co>"}
    aws.client("ec2").delete_tags(Resources=[WEB], Tags=[{"Key": "Pki"}])
    assert nodes(aws, ("tag:Pki", ["on"])) == [DATABASE]


def test_a_tag_of_a_hybrid_node_is_systems_managers(aws: LocalAws) -> None:
    ssm = aws.client("ssm")
    node = {"ResourceType": "ManagedInstance", "ResourceId": NODE}
    ssm.add_tags_to_resource(**node, Tags=[{"Key": "Pki", "Value": "on"}, {"Key": "Site", "Value": "Bonn"}])
    assert ssm.list_tags_for_resource(**node)["TagList"] == [
        {"Key": "Pki", "Value": "on"},
        {"Key": "Site", "Value": "Bonn"},
    ]
    assert nodes(aws, ("tag:Pki", ["on"])) == [NODE]
    ssm.remove_tags_from_resource(**node, TagKeys=["Pki"])
    assert nodes(aws, ("tag:Pki", ["on"])) == []
    assert refused(ssm.list_tags_for_resource, ResourceType="ManagedInstance", ResourceId=WEB) == "InvalidResourceId"
    many = [{"Key": f"tag{number}", "Value": ""} for number in range(50)]
    assert refused(ssm.add_tags_to_resource, **node, Tags=many) == "TooManyTagsError"


def test_tags_of_other_things_stay_with_ministack(aws: LocalAws) -> None:
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="tagged", Value="x", Type="String")
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="tagged", Tags=[{"Key": "a", "Value": "b"}])
    answer = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="tagged")
    assert answer["TagList"] == [{"Key": "a", "Value": "b"}]


def test_a_tag_filter_does_not_go_together_with_another_one(aws: LocalAws) -> None:
    """As on AWS: "Cannot mix tag or inventory filter with any other filter.\""""
    mixed = [{"Key": "tag:Pki", "Values": ["on"]}, {"Key": "PingStatus", "Values": ["Online"]}]
    assert refused(aws.client("ssm").describe_instance_information, Filters=mixed) == "ValidationException"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"Filters": [{"Key": "Colour", "Values": ["red"]}]}, "InvalidFilterKey"),
        ({"Filters": [{"Key": "tag:", "Values": ["red"]}]}, "InvalidFilterKey"),
        ({"Filters": [{"Key": "InstanceIds", "Values": ["web-1"]}]}, "InvalidInstanceId"),
        ({"Filters": [{"Key": "InstanceIds", "Values": [WEB] * 101}]}, "ValidationException"),
        (
            {"Filters": [{"Key": "ResourceType", "Values": ["EC2Instance", "ManagedInstance"]}]},
            "InvalidInstanceInformationFilterValue",
        ),
        (
            {
                "Filters": [{"Key": "PingStatus", "Values": ["Online"]}],
                "InstanceInformationFilterList": [{"key": "PingStatus", "valueSet": ["Online"]}],
            },
            "ValidationException",
        ),
        ({"NextToken": "somewhere"}, "InvalidNextToken"),
        ({"MaxResults": 51}, "ValidationException"),
    ],
)
def test_a_question_that_aws_would_refuse_is_refused(aws: LocalAws, request_: dict[str, Any], code: str) -> None:
    assert refused(aws.client("ssm").describe_instance_information, **request_) == code


def test_the_legacy_filter_list_knows_no_tags(aws: LocalAws) -> None:
    ssm = aws.client("ssm")
    legacy = [{"key": "ResourceType", "valueSet": ["ManagedInstance"]}, {"key": "InstanceIds", "valueSet": [WEB, NODE]}]
    answer = ssm.describe_instance_information(InstanceInformationFilterList=legacy)
    assert [each["InstanceId"] for each in answer["InstanceInformationList"]] == [NODE]


def test_nodes_come_in_pages_of_ten_unless_said_otherwise(aws: LocalAws) -> None:
    fleet = Fleet(fleet_of(aws))
    many = [fleet.add(f"mi-{number:017x}") for number in range(12)]
    for host in many:
        host.set_tags({"Page": "yes"})
    ssm = aws.client("ssm")
    filters = [{"Key": "tag:Page", "Values": ["yes"]}]
    first = ssm.describe_instance_information(Filters=filters)
    assert len(first["InstanceInformationList"]) == 10
    rest = ssm.describe_instance_information(Filters=filters, NextToken=first["NextToken"])
    assert (len(rest["InstanceInformationList"]), "NextToken" in rest) == (2, False)


def test_systems_manager_knows_no_instance_that_does_not_run(aws: LocalAws) -> None:
    aws.client("ec2").stop_instances(InstanceIds=[WEB])
    aws.client("ec2").terminate_instances(InstanceIds=[DATABASE])
    assert nodes(aws, ("InstanceIds", [WEB, DATABASE, NODE])) == [NODE]
    assert instances(aws, ("instance-id", [WEB, DATABASE])) == {WEB: "stopped", DATABASE: "terminated"}
    assert refused(aws.client("ec2").start_instances, InstanceIds=[DATABASE]) == "IncorrectInstanceState"
    aws.client("ec2").start_instances(InstanceIds=[WEB])
    assert nodes(aws, ("InstanceIds", [WEB])) == [WEB]


def test_a_node_that_is_deregistered_is_not_known_any_more(aws: LocalAws) -> None:
    deregister = aws.client("ssm").deregister_managed_instance
    deregister(InstanceId=NODE)
    assert nodes(aws, ("InstanceIds", [WEB, NODE])) == [WEB]
    assert refused(deregister, InstanceId=NODE) == "InvalidInstanceId"


def test_instances_are_found_by_id_state_and_tag(aws: LocalAws, hosts: dict[str, Host]) -> None:
    hosts[WEB].set_tags({"Pki": "on"})
    hosts[DATABASE].set_tags({"Pki": "on"})
    hosts[DATABASE].set_state("stopped")
    unknown = "i-00000000000000000"
    asked = ("instance-id", [WEB, DATABASE, NODE, unknown])
    assert instances(aws, asked) == {WEB: "running", DATABASE: "stopped"}
    assert instances(aws, asked, ("tag:Pki", ["o?"]), ("instance-state-name", ["running"])) == {WEB: "running"}
    assert instances(aws, asked, ("tag:Pki", ["off"])) == {}
    ec2 = aws.client("ec2")
    assert refused(ec2.describe_instances, InstanceIds=[unknown]) == "InvalidInstanceID.NotFound"
    assert refused(ec2.describe_instances, InstanceIds=["web-1"]) == "InvalidInstanceID.Malformed"
    too_many = [{"Name": "instance-id", "Values": [f"i-{number:08x}" for number in range(201)]}]
    assert refused(ec2.describe_instances, Filters=too_many) == "FilterLimitExceeded"
    assert refused(ec2.describe_instances, Filters=[{"Name": "colour", "Values": ["red"]}]) == "InvalidParameterValue"


COLLECT = """
import boto3, json, uuid
def handler(event, context):
    boto3.client("s3").put_object(Bucket="states", Key=str(uuid.uuid4()), Body=json.dumps(event))
"""


def test_a_change_of_state_is_an_event_as_often_as_the_settings_say(
    aws: LocalAws, create_function: CreateFunction
) -> None:
    s3, events = aws.client("s3"), aws.client("events")
    s3.create_bucket(Bucket="states")
    arn = create_function("states", COLLECT)
    pattern = {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Instance State-change Notification"],
        "detail": {"state": ["terminated"]},
    }
    events.put_rule(Name="states", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="states", Targets=[{"Id": "target", "Arn": arn}])

    def received() -> list[dict[str, Any]]:
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="states").get("Contents", [])]
        return [json.loads(s3.get_object(Bucket="states", Key=key)["Body"].read()) for key in keys]

    aws.control("settings", {"instance_events": 0})
    aws.client("ec2").terminate_instances(InstanceIds=[DATABASE])
    aws.control("settings", {"instance_events": 2})
    aws.client("ec2").terminate_instances(InstanceIds=[WEB])
    aws.control("settings", {"instance_events": 1})
    assert eventually(lambda: len(received()) == 2)
    for event in received():
        assert event["detail"] == {"instance-id": WEB, "state": "terminated"}
        assert event["resources"] == [f"arn:aws:ec2:us-east-1:000000000000:instance/{WEB}"]
