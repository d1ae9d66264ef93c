"""The parts of a default deployment: functions, rules, layer, schedule."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_lambda as lambda_

from pca_automator.functions import dependency_layer
from pca_automator.functions.dependency_layer import _WHEEL_PLATFORMS, _PipBundling
from tests.synthesis import actions, resources, sample_template, statements

FUNCTIONS = {
    "CRLProcessor", "CertCSR", "CertCSRStatus", "CertCheck", "CertDeploy", "CertDeployStatus", "CertEnroll",
    "CertFailure", "CertIssue", "CertReport", "CertRetire",
}  # fmt: skip


def functions() -> dict[str, dict[str, Any]]:
    """The properties of every function by its name."""
    found = (each["Properties"] for each in resources(sample_template(), "AWS::Lambda::Function").values())
    return {each["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]: each for each in found}


def test_every_function_has_a_role_and_an_encrypted_log_group_of_its_own() -> None:
    template = sample_template()
    assert set(functions()) == FUNCTIONS
    roles = {each["Role"]["Fn::GetAtt"][0] for each in functions().values()}
    groups = {each["LoggingConfig"]["LogGroup"]["Ref"] for each in functions().values()}
    assert len(roles) == len(groups) == len(FUNCTIONS)
    for group in groups:
        properties = template["Resources"][group]["Properties"]
        assert properties["KmsKeyId"]
        assert properties["RetentionInDays"] == 365


def test_every_function_runs_on_arm_with_one_layer_and_the_newest_python_of_lambda() -> None:
    versions = [int(name.removeprefix("PYTHON_3_")) for name in dir(lambda_.Runtime) if name.startswith("PYTHON_3_")]
    newest = f"python3.{max(versions)}"
    for name, properties in functions().items():
        assert properties["Architectures"] == ["arm64"], name
        assert properties["Runtime"] == newest, name
        assert properties["MemorySize"] >= 256, name  # importing cryptography takes 2 to 3 s with 128
        (layer,) = properties["Layers"]
        assert layer["Ref"] in resources(sample_template(), "AWS::Lambda::LayerVersion")


def test_the_workflow_starts_at_quarter_past_three_and_no_start_is_lost() -> None:
    (schedule,) = (
        resource["Properties"]
        for name, resource in resources(sample_template(), "AWS::Scheduler::Schedule").items()
        if "WorkflowSchedule" in name
    )
    assert schedule["ScheduleExpression"] == "cron(15 3,15 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Etc/UTC"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    dead_letters = schedule["Target"]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert dead_letters in resources(sample_template(), "AWS::SQS::Queue")


def rule(part: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Event pattern and the one target of the rule whose logical id contains ``part``."""
    (properties,) = (
        each["Properties"] for name, each in resources(sample_template(), "AWS::Events::Rule").items() if part in name
    )
    (target,) = properties["Targets"]
    return properties["EventPattern"], target


def test_cert_deploy_is_woken_by_our_cas_successes_alone_and_no_event_is_lost() -> None:
    pattern, target = rule("CertificateIssued")
    (authority,) = resources(sample_template(), "AWS::ACMPCA::CertificateAuthority")
    assert pattern == {
        "source": ["aws.acm-pca"],
        "detail-type": ["ACM Private CA Certificate Issuance"],
        "resources": [{"Fn::GetAtt": [authority, "Arn"]}],
        "detail": {"result": ["success"]},
    }
    assert "CertDeploy" in target["Arn"]["Fn::GetAtt"][0]
    assert target["DeadLetterConfig"]
    configured = [
        each["Properties"] for each in resources(sample_template(), "AWS::Lambda::EventInvokeConfig").values()
    ]
    (deploy,) = (each for each in configured if "CertDeploy" in each["FunctionName"]["Ref"])
    assert deploy["DestinationConfig"]["OnFailure"]["Destination"]


def test_the_crl_processor_hears_of_one_object_and_of_one_at_a_time() -> None:
    pattern, target = rule("CrlWritten")
    ((start, _, end),) = (key["Fn::Join"][1] for key in pattern["detail"]["object"]["key"])
    assert (start, end) == ("crl/", ".crl")
    assert "CrlBucket" in pattern["detail"]["bucket"]["name"][0]["Ref"]
    assert "reason" not in pattern["detail"], "a multipart upload is a CRL, too"
    queue = resources(sample_template(), "AWS::SQS::Queue")[target["Arn"]["Fn::GetAtt"][0]]["Properties"]
    assert queue["FifoQueue"] is True
    assert queue["RedrivePolicy"]["deadLetterTargetArn"]
    assert (target["SqsParameters"], bool(target["DeadLetterConfig"])) == ({"MessageGroupId": "crl"}, True)


def test_the_crl_processor_may_import_once_and_update_ever_after() -> None:
    found = {a: s["Resource"] for s in statements(sample_template(), "CRLProcessorRole") for a in actions(s)}
    assert found["rolesanywhere:ImportCrl"] == found["rolesanywhere:ListCrls"] == "*"
    assert found["rolesanywhere:UpdateCrl"]["Fn::Join"][1][-1].endswith(":crl/*")


def write_wheel(folder: Path, tag: str) -> None:
    """A distribution whose one module says which of its wheels was installed."""
    with zipfile.ZipFile(folder / f"native-1.0-{tag}.whl", "w") as wheel:
        wheel.writestr("native.py", f"TAG = {tag!r}\n")
        wheel.writestr("native-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: native\nVersion: 1.0\n")
        wheel.writestr("native-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        wheel.writestr("native-1.0.dist-info/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index with wheels for both of Lambda's architectures, and for machines that are none of them."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for platform in ("manylinux_2_28_aarch64", "manylinux_2_28_x86_64", "macosx_11_0_arm64", "manylinux_2_39_aarch64"):
        write_wheel(folder, f"cp314-cp314-{platform}")
    write_wheel(folder, "cp313-cp313-manylinux_2_28_aarch64")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


@pytest.mark.usefixtures("index")
def test_the_layer_is_built_where_the_environment_has_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in those that uv makes; Python itself carries one."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find_spec(name))
    assert dependency_layer._pip()[-1].endswith(".whl/pip")
    assert "cp314" in (bundle(tmp_path, "native==1.0", "arm64") / "native.py").read_text()


def test_without_any_pip_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RuntimeError, match=r"has none, nor is one on PATH: install pip beside pca-automator"):
        dependency_layer._pip()


def bundle(tmp_path: Path, requirement: str, architecture: str) -> Path:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"{requirement}\n")
    assert _PipBundling(requirements, "3.14", _WHEEL_PLATFORMS[architecture]).try_bundle(str(tmp_path / "layer"))
    return tmp_path / "layer" / "python"


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(("architecture", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_the_layer_holds_wheels_for_lambdas_platform(tmp_path: Path, architecture: str, machine: str) -> None:
    """Whatever machine synthesizes, and without Docker."""
    installed = bundle(tmp_path, "native==1.0", architecture) / "native.py"
    assert installed.read_text() == f"TAG = 'cp314-cp314-manylinux_2_28_{machine}'\n"


@pytest.mark.usefixtures("index")
def test_a_layer_that_cannot_be_built_says_for_which_platform_and_what_to_do(tmp_path: Path) -> None:
    expected = r"for manylinux_2_34_aarch64, Python 3\.14; it said: .*native==2\.0.* or pass dependency_layer"
    with pytest.raises(RuntimeError, match=f"(?s){expected}"):
        bundle(tmp_path, "native==2.0", "arm64")
