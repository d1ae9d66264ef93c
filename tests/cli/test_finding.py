"""The deployment is found by its stack: by name or tag, in any Region, with any profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import REGION, Deployed, resources
from tests.cli.test_failure_lines import expect_one_line


def test_several_automations_are_told_apart(deployed: Deployed) -> None:
    deployed.live(1)
    deployed.answers["ListStackResources"] = {"StackResourceSummaries": resources("Fleet") + resources("Fleet2")}
    expect_one_line(deployed.invoke("hosts", "list"), 3, "choose one of Fleet, Fleet2 with --automation")
    assert deployed.invoke("hosts", "list", "--automation", "Fleet").exit_code == 0
    expect_one_line(
        deployed.invoke("hosts", "list", "--automation", "Other"), 3, "has no PcaCertificateAutomation Other"
    )


@pytest.mark.parametrize(("chosen", "other"), [("Fleet", "Fleet2"), ("Fleet2", "Fleet")])
def test_the_chosen_automation_is_the_only_one_that_is_touched(deployed: Deployed, chosen: str, other: str) -> None:
    """Also where one's construct id is how the other's begins: each has its own table, functions and documents."""
    theirs = [{**each, "PhysicalResourceId": f"{each['PhysicalResourceId']}-of-{other}"} for each in resources(other)]
    functions = deployed.answers["GetFunctionConfiguration"]
    deployed.answers["ListStackResources"] = {"StackResourceSummaries": theirs + resources(chosen) + theirs[:1]}
    assert callable(functions)
    deployed.answers["GetFunctionConfiguration"] = lambda request: (
        functions(request) if not request["FunctionName"].endswith(f"-of-{other}") else {
            "State": "Active", "Environment": {"Variables": {"TABLE_NAME": "theirs", "AUTOMATION_NAME": "theirs"}},
        }
    )  # fmt: skip
    host_id = deployed.live(1)
    for verb in (["hosts", "list"], ["status"], ["hosts", "set", host_id, "--override", "keyMode=0440"]):
        deployed.invoke(*verb, "--automation", chosen)
    assert deployed.items()[host_id]["keyMode"] == "0440"
    asked = repr([request for _, request in deployed.calls])
    assert f"-of-{other}" not in asked
    assert "theirs" not in asked


def test_a_stack_is_found_by_its_tag(deployed: Deployed) -> None:
    deployed.live(1)
    tagged = {"StackName": "Mine", "Tags": [{"Key": "team", "Value": "web"}]}
    deployed.answers["DescribeStacks"] = {"Stacks": [tagged, {"StackName": "Other", "Tags": []}]}
    assert deployed.invoke("hosts", "list", "--stack", "tag:team=web").exit_code == 0
    assert deployed.called("ListStackResources")[0]["StackName"] == "Mine"
    expect_one_line(deployed.invoke("hosts", "list", "--stack", "tag:team=db"), 3, "0 stacks carry the tag team=db")


def test_a_tag_that_two_stacks_carry_is_not_enough(deployed: Deployed) -> None:
    tags = [{"Key": "team", "Value": "web"}]
    deployed.answers["DescribeStacks"] = {"Stacks": [{"StackName": name, "Tags": tags} for name in ("B", "A")]}
    expect_one_line(deployed.invoke("hosts", "list", "--stack", "tag:team=web"), 3, "one is needed: A, B")


@pytest.mark.parametrize("given", ["tag:", "tag:team", "tag:=web"])
def test_a_tag_without_key_or_value_is_refused(deployed: Deployed, given: str) -> None:
    expect_one_line(deployed.invoke("hosts", "list", "--stack", given), 2, "give tag:KEY=VALUE")
    assert deployed.calls == []


def test_the_stack_is_named_in_the_environment(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed.live(1)
    monkeypatch.setenv("PCA_AUTOMATOR_STACK", "Mine")
    assert deployed.invoke("hosts", "list").exit_code == 0
    assert deployed.called("ListStackResources")[0]["StackName"] == "Mine"


def test_every_request_goes_to_the_region_that_was_named(deployed: Deployed) -> None:
    deployed.answers["Scan"] = {"Items": [{"hostID": {"S": "i-0123456789abcdef0"}}]}
    deployed.regions.clear()
    assert deployed.invoke("hosts", "list", "--region", "eu-central-1").exit_code == 0
    assert deployed.regions == {"eu-central-1"}


def test_a_profile_brings_its_region(deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile night-shift]\nregion = ap-southeast-2\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    deployed.answers["Scan"] = {"Items": [{"hostID": {"S": "i-0123456789abcdef0"}}]}
    deployed.regions.clear()
    assert deployed.invoke("hosts", "list", "--profile", "night-shift").exit_code == 0
    assert deployed.regions == {"ap-southeast-2"}
    assert deployed.invoke("hosts", "list", "--profile", "night-shift", "--region", REGION).exit_code == 0
    assert deployed.regions == {"ap-southeast-2", REGION}


def test_without_a_region_the_command_asks_for_one(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    expect_one_line(deployed.invoke("status"), 2, "no AWS Region: set AWS_REGION, or give --region")
