"""Compliance packs, checkov and cfn-lint on the sample stack: as it comes, with every option on, and in a VPC."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cdk_nag
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from app import SampleStack
from pca_automator import FunctionNetwork, FunctionSettings, PcaCertificateAutomation, ReplacementRevocation
from tests.constructs.test_sample_app import CONTEXT
from tests.synthesis import ROOT, new_app, sample_stack, sample_template

CHECKOV = ROOT / "build" / "checkov" / "bin" / "checkov"

PACKS = {
    "AwsSolutions": cdk_nag.AwsSolutionsChecks,
    "Serverless": cdk_nag.ServerlessChecks,
    "NIST 800-53 r5": cdk_nag.NIST80053R5Checks,
    "HIPAA": cdk_nag.HIPAASecurityChecks,
    "PCI DSS": cdk_nag.PCIDSS321Checks,
}


def findings(pack: str, stack: Stack) -> list[str]:
    app = App.of(stack)
    return sorted(
        f"{violation.rule_name}: {resource.construct_path}"
        for violation in PACKS[pack](app).validate_scope(stack).violations
        for resource in violation.violating_resources
    )


# Of each Region something differs: the first, a government's, China's, one without, one as usual, a young one.
REGIONS = ["us-east-1", "us-gov-west-1", "cn-north-1", "eu-central-2", "eu-west-1", "ap-southeast-5"]
WITHOUT_SNAP_START = {"us-gov-west-1", "cn-north-1"}
# What the context of test_sample_app.py, which has a value for every parameter, switches off.
SWITCHED_ON = {"false": "true", "NEVER": "ALWAYS"}


@cache
def with_every_option(**other: str) -> Stack:
    """The sample stack with a value for every parameter that it reads, and nothing switched off."""
    context = {name: SWITCHED_ON.get(value, value) for name, value in CONTEXT.items()}
    assert sum(context[name] != CONTEXT[name] for name in context) >= 4
    return SampleStack(new_app(**context | other), "EveryOption")


@cache
def in_a_vpc() -> Stack:
    """What the sample app has no parameters for: a VPC that is looked up, roles of workloads, and every grant."""
    app = new_app()
    stack = Stack(app, "Network")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-0123456789abcdef0", availability_zones=["a"], private_subnet_ids=["subnet-01234567"]
    )
    made = PcaCertificateAutomation(
        stack,
        "Automation",
        enrol_by_tag={"certificates": "managed"},
        functions=FunctionSettings(network=FunctionNetwork(vpc)),
        profile_roles=[iam.Role(stack, "Workload", assumed_by=iam.ServicePrincipal("rolesanywhere.amazonaws.com"))],
        revoke_replaced=ReplacementRevocation.ALWAYS,
    )
    operator = iam.Role(stack, "Operator", assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"))
    grants = [name for name in dir(made) if name.startswith("grant_")]
    assert len(grants) >= 5
    for grant in grants:
        getattr(made, grant)(operator)
    return stack


STACKS: dict[str, Callable[[], Stack]] = {
    "as it comes": sample_stack,
    "every option": with_every_option,
    "in a VPC": in_a_vpc,
}


@cache
def template(which: str) -> dict[str, Any]:
    if STACKS[which] is sample_stack:
        return sample_template()
    document: dict[str, Any] = Template.from_stack(STACKS[which]()).to_json()
    return document


@pytest.mark.parametrize("which", STACKS)
@pytest.mark.parametrize("pack", PACKS)
def test_the_sample_stack_has_no_finding(pack: str, which: str) -> None:
    assert findings(pack, STACKS[which]()) == []


def test_every_option_makes_what_the_defaults_do_not() -> None:
    """Else the same template would be looked at twice."""
    more = [each["Type"] for each in template("every option")["Resources"].values()]
    less = [each["Type"] for each in sample_template()["Resources"].values()]
    for kind in ("AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::SNS::Subscription", "AWS::Scheduler::Schedule"):
        assert more.count(kind) > less.count(kind), kind


def test_the_packs_find_something_where_there_is_something() -> None:
    stack = Stack(new_app(), "Careless")
    sqs.Queue(stack, "Queue")
    assert any("SQS" in finding for finding in findings("AwsSolutions", stack))


@pytest.mark.long
@pytest.mark.parametrize("which", STACKS)
def test_checkov_has_no_finding(which: str, tmp_path: Path) -> None:
    assert checkov(template(which), tmp_path) == []


@pytest.mark.long
def test_checkov_finds_something_where_there_is_something(tmp_path: Path) -> None:
    stack = Stack(new_app(), "Careless")
    sqs.Queue(stack, "Queue")
    assert checkov(Template.from_stack(stack).to_json(), tmp_path) == ["CKV_AWS_27"]


def checkov(template: dict[str, Any], folder: Path) -> list[str]:
    """The checks that fail; checkov has an environment of its own, which ``make test-long`` makes."""
    file = folder / "template.json"
    file.write_text(json.dumps(template), encoding="utf-8")
    command = [CHECKOV, "--framework", "cloudformation", "--skip-download", "--output", "json", "--file", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] + report["summary"]["failed"] > 0
    return sorted({finding["check_id"] for finding in report["results"]["failed_checks"]})


OTHERS = [pytest.param(each, marks=pytest.mark.long) for each in STACKS if each != "every option"]


@pytest.mark.parametrize("which", ["every option", *OTHERS])
def test_cfn_lint_has_nothing_to_say_in_six_regions(which: str, tmp_path: Path) -> None:
    # SnapStart, which is one of the options, is refused where it is not offered.
    without = WITHOUT_SNAP_START if which == "every option" else set()
    done = lint(template(which), tmp_path, [each for each in REGIONS if each not in without])
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.long
def test_cfn_lint_has_nothing_to_say_where_there_is_no_snap_start(tmp_path: Path) -> None:
    document = Template.from_stack(with_every_option(snapStart="false")).to_json()
    done = lint(document, tmp_path, sorted(WITHOUT_SNAP_START))
    assert (done.returncode, done.stdout) == (0, "")


def test_cfn_lint_finds_something_where_there_is_something(tmp_path: Path) -> None:
    careless = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Fifo": True}}}}
    assert "E3002" in lint(careless, tmp_path).stdout


def lint(document: dict[str, Any], folder: Path, regions: Sequence[str] = REGIONS) -> subprocess.CompletedProcess[str]:
    file = folder / "template.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return subprocess.run(
        # W3005: DependsOn that a reference implies already; the CDK writes both.
        ["cfn-lint", "--ignore-checks", "W3005", "--regions", *regions, "--", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
