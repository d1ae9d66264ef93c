"""The parts of a default deployment: functions, rules, layer, schedule."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_lambda as lambda_

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
        "account": [{"Ref": "AWS::AccountId"}],
        "region": [{"Ref": "AWS::Region"}],
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
    ((start, _, end),) = (key["suffix"]["Fn::Join"][1] for key in pattern["detail"]["object"]["key"])
    assert (start, end) == ("/", ".crl"), "the CA's own CRL, under whatever path"
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
