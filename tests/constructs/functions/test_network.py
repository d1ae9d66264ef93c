"""Functions in a VPC: one security group, and the endpoints that their roles' permissions call for."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from aws_cdk import Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from pca_automator import FunctionNetwork, FunctionSettings, PcaCertificateAutomation
from pca_automator.functions.endpoints import GATEWAYS, INTERFACES, NOT_CALLED
from tests.members import members
from tests.synthesis import actions, new_app, resources, statements, template_of

TAGS = {"team": "pki"}


@cache
def deployed() -> dict[str, Any]:
    """With every endpoint that there is."""
    stack = Stack(new_app(), "Fleet")
    vpc = ec2.Vpc(stack, "Vpc", nat_gateways=0, max_azs=1)
    subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    network = FunctionNetwork(vpc, subnets)
    made = PcaCertificateAutomation(stack, "Automation", functions=FunctionSettings(network=network), enrol_by_tag=TAGS)
    network.add_endpoints()
    return template_of(made)


def test_the_endpoints_are_those_of_what_the_functions_roles_may_call() -> None:
    template = deployed()
    called = set()
    for function in resources(template, "AWS::Lambda::Function").values():
        if "POWERTOOLS_SERVICE_NAME" not in function["Properties"]["Environment"]["Variables"]:
            continue
        role = function["Properties"]["Role"]["Fn::GetAtt"][0]
        policies = [
            policy
            for policy in resources(template, "AWS::IAM::Policy").values()
            if {"Ref": role} in policy["Properties"]["Roles"]
        ]
        for policy in policies:
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                called |= {action.split(":")[0] for action in actions(statement)}
    assert called == set(GATEWAYS) | set(INTERFACES) | set(NOT_CALLED)
    assert len(statements(template)) > 30


def test_all_functions_share_one_group_and_endpoints_let_it_in() -> None:
    template = deployed()
    groups = resources(template, "AWS::EC2::SecurityGroup")
    (group,) = [name for name in groups if re.fullmatch("VpcPcaAutomatorFunctions[0-9A-F]{8}", name)]
    functions = [each["Properties"] for each in resources(template, "AWS::Lambda::Function").values()]
    ours = [each["VpcConfig"]["SecurityGroupIds"] for each in functions if "VpcConfig" in each]
    assert len(ours) > 10
    assert all(each == [{"Fn::GetAtt": [group, "GroupId"]}] for each in ours)
    made = resources(template, "AWS::EC2::VPCEndpoint").values()
    assert len(made) == len(GATEWAYS) + len(INTERFACES)
    let_in = [
        each["Properties"]["SourceSecurityGroupId"]
        for each in resources(template, "AWS::EC2::SecurityGroupIngress").values()
    ]
    assert let_in == [{"Fn::GetAtt": [group, "GroupId"]}] * len(INTERFACES)


def test_groups_that_are_given_are_used_and_two_automations_do_not_collide() -> None:
    stack = Stack(new_app(), "Fleet")
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    mine = ec2.SecurityGroup(stack, "Mine", vpc=vpc)
    PcaCertificateAutomation(
        stack, "One", functions=FunctionSettings(network=FunctionNetwork(vpc, security_groups=[mine]))
    )
    PcaCertificateAutomation(stack, "Two", functions=FunctionSettings(network=FunctionNetwork(vpc)))
    groups = resources(Template.from_stack(stack).to_json(), "AWS::EC2::SecurityGroup")
    assert len(groups) == 2


def imported(stack: Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Shared",
        vpc_id="vpc-01234567",
        availability_zones=["a"],
        isolated_subnet_ids=["subnet-01234567"],
        isolated_subnet_route_table_ids=["rtb-1"],
    )


def looked_up(stack: Stack) -> ec2.IVpc:
    return ec2.Vpc.from_lookup(stack, "Shared", vpc_id="vpc-01234567")


@pytest.mark.parametrize("given", members([imported, looked_up], [imported]))
def test_a_vpc_that_is_not_of_this_app_gets_a_group_and_endpoints_too(given: Callable[[Stack], ec2.IVpc]) -> None:
    """To Python such a VPC is no construct; two automations share it here, each with a group of its own."""
    stack = Stack(new_app(), "Fleet", env=Environment(account="111122223333", region="eu-central-1"))
    vpc = given(stack)
    subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED) if given is imported else None
    networks = [FunctionNetwork(vpc, subnets) for _ in range(2)]
    for name, network in zip(("One", "Two"), networks, strict=True):
        PcaCertificateAutomation(stack, name, functions=FunctionSettings(network=network))
    networks[0].add_endpoints()
    template = Template.from_stack(stack).to_json()
    made = resources(template, "AWS::EC2::SecurityGroup")
    assert len([each for each in made if re.fullmatch("SharedPcaAutomatorFunctions2?[0-9A-F]{8}", each)]) == 2
    assert len(resources(template, "AWS::EC2::VPCEndpoint")) == len(GATEWAYS) + len(INTERFACES)


def test_others_let_the_functions_in_as_they_do_with_every_connectable_of_the_cdk() -> None:
    stack = Stack(new_app(), "Fleet")
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    proxy = ec2.SecurityGroup(stack, "Proxy", vpc=vpc)
    network = FunctionNetwork(vpc, ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))
    proxy.connections.allow_from(network, ec2.Port.tcp(3128))
    network.connections.allow_to(proxy, ec2.Port.tcp(3129))
    rules = resources(Template.from_stack(stack).to_json(), "AWS::EC2::SecurityGroupIngress").values()
    assert sorted(each["Properties"]["FromPort"] for each in rules) == [3128, 3129]


@pytest.mark.parametrize("more", [{"vpc": "vpc-1"}, {"subnets": "private"}, {"security_groups": "sg-1"}])
def test_what_is_of_another_type_is_named(more: dict[str, Any]) -> None:
    (name,) = more
    with pytest.raises(ValueError, match=f"^{name} is '{more[name]}': it must be "):
        FunctionNetwork(**{"vpc": ec2.Vpc(Stack(new_app(), "Fleet"), "Vpc"), **more})
