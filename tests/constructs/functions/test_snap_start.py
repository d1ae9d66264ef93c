"""SnapStart: who is called for each host has one version and an alias, and nobody else is billed for."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from aws_cdk import Environment, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_lambda import Alias

from pca_automator import FunctionSettings, PcaCertificateAutomation
from tests.synthesis import new_app, resources, sample_template, state_machine_definition, statements

RESTORED = {"CertCSR", "CertCSRStatus", "CertIssue", "CertDeploy", "CertDeployStatus"}


def stack(region: str | None = None) -> Stack:
    made = Stack(new_app(), "PcaAutomator", env=Environment(region=region))
    PcaCertificateAutomation(made, "Automation", functions=FunctionSettings(snap_start=True))
    return made


@cache
def template() -> dict[str, Any]:
    document: dict[str, Any] = Template.from_stack(stack()).to_json()
    return document


def functions_of(kind: str) -> set[str]:
    """The names of the functions that versions or aliases are of."""
    names = {}
    for name, function in resources(template(), "AWS::Lambda::Function").items():
        names[name] = function["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    return {names[each["Properties"]["FunctionName"]["Ref"]] for each in resources(template(), kind).values()}


def test_by_default_nothing_is_published() -> None:
    types = {each["Type"] for each in sample_template()["Resources"].values()}
    assert not types & {"AWS::Lambda::Version", "AWS::Lambda::Alias"}
    for function in resources(sample_template(), "AWS::Lambda::Function").values():
        assert "SnapStart" not in function["Properties"]


def test_only_who_is_called_for_each_host_has_a_version() -> None:
    assert functions_of("AWS::Lambda::Version") == functions_of("AWS::Lambda::Alias") == RESTORED


def test_an_alias_points_to_the_version_of_its_function_which_takes_a_snapshot() -> None:
    versions = resources(template(), "AWS::Lambda::Version")
    functions = resources(template(), "AWS::Lambda::Function")
    taken = {name for name, each in functions.items() if "SnapStart" in each["Properties"]}
    assert taken == {each["Properties"]["FunctionName"]["Ref"] for each in versions.values()}
    for alias in resources(template(), "AWS::Lambda::Alias").values():
        function = alias["Properties"]["FunctionName"]["Ref"]
        version, attribute = alias["Properties"]["FunctionVersion"]["Fn::GetAtt"]
        assert attribute == "Version"
        assert versions[version]["Properties"]["FunctionName"] == {"Ref": function}
        assert functions[function]["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_the_workflow_calls_the_aliases_and_may_call_nothing_else_of_them() -> None:
    aliases = set(resources(template(), "AWS::Lambda::Alias"))
    definition = str(state_machine_definition(template()))
    called = {name for name in aliases if name in definition}
    assert called == aliases
    allowed = [
        arn
        for statement in statements(template())
        if statement["Action"] == "lambda:InvokeFunction"
        for arn in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
    ]
    assert {arn["Ref"] for arn in allowed if "Ref" in arn} >= aliases


@pytest.mark.parametrize("region", ["ap-east-2", "ap-southeast-6", "cn-north-1", "us-gov-west-1"])
def test_a_region_without_it_is_refused_by_name(region: str) -> None:
    with pytest.raises(ValueError, match=f"snap_start=True.*Region {region} has no Lambda SnapStart"):
        stack(region)


def test_other_regions_are_not() -> None:
    aliases = [each for each in stack("eu-central-1").node.find_all() if isinstance(each, Alias)]
    assert len(aliases) == len(RESTORED)
