"""``pca-automator plan`` needs no deployment, no credentials, no network; wrong options are told before it plays."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pca_automator.cli.main import app
from pca_automator.planning import picture
from pca_automator.planning.workflow import of_the_library
from tests.cli.conftest import MACHINE_ARN, Deployed, resources
from tests.tiers import need


def planned(*arguments: str, status: int = 0) -> Any:
    done = CliRunner().invoke(app, ["plan", *arguments])
    assert done.exit_code == status, done.output
    return done


def test_a_plan_is_json_for_programs() -> None:
    answer = json.loads(planned("--hosts", "40", "--production", "2.8", "--output", "json").stdout)
    named = {
        "seconds", "floor_seconds", "hosts_failed", "production_throttled_share", "single_enrolment_p99_seconds",
        "monthly_cost", "assumptions",
    }  # fmt: skip
    assert named <= answer.keys()
    assert (answer["hosts"], answer["due"], answer["production"]) == (40, 40, 2.8)
    assert answer["workflow"].startswith("the library's own")


def test_a_plan_is_a_table_for_people() -> None:
    text = planned("--hosts", "40", "--due", "10", "--no-proof").stdout
    assert "plan for 40 hosts" in text
    assert "bound by IssueCertificate" in text or "does not pace its starts" in text
    assert "no host proves its certificate" in text


def test_what_is_said_of_the_run_is_what_is_played() -> None:
    said = json.loads(
        planned("--hosts", "4", "--due", "2", "--enrol-at-once", "--seed", "7", "--output", "json").stdout
    )
    silent = json.loads(planned("--hosts", "4", "--output", "json").stdout)
    named = ("hosts", "due", "enrol_at_once", "seed")
    assert [said[name] for name in named] == [4, 2, True, 7]
    assert [silent[name] for name in named] == [4, 4, False, 1]


def test_quotas_of_the_account_are_planned_with() -> None:
    given = ["--quota", "CreateSession=100", "--quota", "IssueCertificate=100", "--quota", "SendCommand=5"]
    answer = json.loads(planned("--hosts", "20", *given, "--output", "json").stdout)
    assert {name: answer["calls"][name]["quota"] for name in ("CreateSession", "SendCommand")} == {
        "CreateSession": 100,
        "SendCommand": 5,
    }
    assert answer["bound_by"] == "SendCommand"
    untold = json.loads(planned("--hosts", "20", *given, "--untold", "--output", "json").stdout)
    assert untold["bound_by"] == "CreateSession"


def test_the_workflow_of_a_synthesized_app_is_played(tmp_path: Path) -> None:
    definition = {"DefinitionString": json.dumps(of_the_library().definition)}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": definition}
    template = {"Resources": {"FleetWorkflowStateMachine1234ABCD": machine}}
    (tmp_path / "Fleet.template.json").write_text(json.dumps(template), encoding="utf-8")
    answer = json.loads(planned("--hosts", "5", "--app", str(tmp_path), "--output", "json").stdout)
    assert answer["workflow"] == f"FleetWorkflowStateMachine1234ABCD of {tmp_path}"


def test_the_deployed_workflow_is_played_with_what_its_functions_are_told(deployed: Deployed) -> None:
    definition = json.dumps(of_the_library().definition)
    deployed.answers["DescribeStateMachine"] = {"status": "ACTIVE", "definition": definition}
    told = ("plan", "--deployed", "--hosts", "5", "--output", "json")
    done = deployed.invoke(*told)
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["workflow"] == "the deployed one of stack PcaAutomator"
    assert deployed.called("DescribeStateMachine") == [{"stateMachineArn": MACHINE_ARN}]
    asked = {request["FunctionName"] for request in deployed.called("GetFunctionConfiguration")}
    assert asked == {"CertCheck", "CertDeploy", "CertIssue", "CertRetire"}
    # A validity of its functions, not of the library's defaults: the CA is used up twice as late.
    functions: Any = deployed.answers["GetFunctionConfiguration"]
    deployed.answers["GetFunctionConfiguration"] = lambda request: {
        "State": "Active",
        "Environment": {
            "Variables": functions(request)["Environment"]["Variables"] | {"VALIDITY_DAYS": "14"},
        },
    }
    again = json.loads(deployed.invoke(*told).stdout)
    assert again["months_until_ca_is_used_up"] != answer["months_until_ca_is_used_up"]
    deployed.answers["DescribeStateMachine"] = {"status": "ACTIVE", "definition": "{"}
    done = deployed.invoke(*told)
    assert done.exit_code == 2
    assert "cannot be played: the definition of the deployed one of stack PcaAutomator" in done.stderr


def test_a_deployed_workflow_without_a_function_is_played_without_its_settings(deployed: Deployed) -> None:
    definition = json.dumps(of_the_library().definition)
    deployed.answers["DescribeStateMachine"] = {"status": "ACTIVE", "definition": definition}
    kept = [each for each in resources() if "CertRetire" not in each["LogicalResourceId"]]
    deployed.answers["ListStackResources"] = {"StackResourceSummaries": kept}
    done = deployed.invoke("plan", "--deployed", "--hosts", "5", "--output", "json")
    assert (done.exit_code, json.loads(done.stdout)["hosts"]) == (0, 5), done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quota", "CreateSession"], "--quota CreateSession: give NAME=RATE, such as CreateSession=50"),
        (["--quota", "CreateSession=fast"], "--quota CreateSession=fast: give NAME=RATE"),
        (["--quota", "Sessions=1"], "'Sessions' is no quota of this table: one of CreateSession, "),
        (["--quota", "CreateSession=0"], "the quota CreateSession is 0: a number above 0 is needed"),
        (["--app", ".", "--deployed"], "--app and --deployed name two workflows: give one"),
        (["--app", "/nowhere"], "cannot be played: /nowhere has no *.template.json"),
        (["--plot", "plan.pdf"], "--plot plan.pdf: a name that ends in .svg or .png is needed"),
        (["--plot", "/nowhere/plan.svg"], "--plot /nowhere/plan.svg: there is no folder /nowhere"),
    ],
)
def test_a_wrong_option_is_one_line_with_its_value(arguments: list[str], said: str) -> None:
    done = planned("--hosts", "5", *arguments, status=2)
    assert done.stderr.startswith(f"error: {said}")
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments", [["--hosts", "0"], ["--hosts", "5", "--due", "0"], ["--hosts", "5", "--production", "-1"]]
)
def test_a_number_out_of_bounds_is_refused(arguments: list[str]) -> None:
    planned(*arguments, status=2)


def test_the_largest_fleet_that_is_played_has_a_million_hosts() -> None:
    # Refused for its picture, so before it is played.
    assert "a name that ends in" in planned("--hosts", "1000000", "--plot", "plan.pdf", status=2).stderr
    assert "1000001 is not in the range" in planned("--hosts", "1000001", "--plot", "plan.pdf", status=2).stderr


def test_a_picture_that_cannot_be_drawn_is_told_before_anything_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else object())
    done = planned("--hosts", "5", "--plot", str(tmp_path / "plan.svg"), status=2)
    assert (done.stdout, done.stderr) == ("", "error: --plot needs matplotlib: pip install 'pca-automator[plot]'\n")


def test_a_picture_is_drawn_beside_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("matplotlib")
    drawn: list[tuple[int, Path]] = []
    monkeypatch.setattr(picture, "draw", lambda played, file: drawn.append((played.renewed, file)))
    done = planned("--hosts", "5", "--plot", str(tmp_path / "plan.svg"), "--output", "json")
    assert json.loads(done.stdout)["hosts"] == 5
    assert drawn == [(5, tmp_path / "plan.svg")]
    assert done.stderr == f"{tmp_path / 'plan.svg'} written\n"
