"""The parts of a deployment, each by the name under which AWS has it; where one is missing, that is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pca_automator.cli.deployed.deployment import Aws, Deployment, Resource, automation_of
from pca_automator.cli.errors import NO_DEPLOYMENT, REFUSED, Trouble
from pca_automator.cli.waiting import WAITING
from tests.cli.conftest import CA_ARN, FUNCTIONS, MACHINE_ARN, REGION, SEALED, Deployed, OneOfEach, error, resources


def of(deployed: Deployed, stack: str = "PcaAutomator", automation: str | None = None) -> Deployment:
    del deployed  # it answers for AWS
    return Deployment(Aws(REGION), stack, automation)


def without(deployed: Deployed, word: str) -> None:
    """Somebody deleted it from the stack."""
    deployed.answers["ListStackResources"] = {
        "StackResourceSummaries": [each for each in resources() if word not in each["LogicalResourceId"]]
    }


def refusal(look: Any) -> tuple[str, int]:
    with pytest.raises(Trouble) as raised:
        look()
    return str(raised.value), raised.value.status


def test_each_setting_is_read_of_the_function_that_has_it_and_only_once(deployed: Deployed) -> None:
    found = of(deployed)
    assert (found.name, found.table, found.starts) == ("fleet", "inventory", "starts")
    assert (found.work_bucket, found.ledger, found.authority) == ("work", "ledger", CA_ARN)
    assert (found.state_machine, found.stack) == (MACHINE_ARN, "PcaAutomator")
    assert deployed.called("GetFunctionConfiguration") == [
        {"FunctionName": "CertCheck"},
        {"FunctionName": "CertDeploy"},
    ]
    assert deployed.called("ListStackResources") == [{"StackName": "PcaAutomator"}]


@pytest.mark.parametrize(
    ("logical_id", "owner"),
    [
        ("FleetKey0A1B2C3D", "Fleet"),
        ("Fleet2Key0A1B2C3D", "Fleet2"),
        ("AnotherKey0A1B2C3D", "Another"),
        ("TopicOfMine0A1B2C3D", None),
        ("FleeKey0A1B2C3D", None),
    ],
)
def test_a_resource_is_the_automations_whose_name_it_begins_with_and_of_several_the_longest(
    logical_id: str, owner: str | None
) -> None:
    assert automation_of(logical_id, ["Another", "Fleet", "Fleet2"]) == owner
    assert automation_of(logical_id, ["Fleet2", "Fleet", "Another"]) == owner


def test_what_a_deployment_lacks_is_said_with_what_mends_it(deployed: Deployed) -> None:
    without(deployed, "CertRetire")
    assert refusal(lambda: of(deployed).settings("CertRetire")) == (
        "the deployment in PcaAutomator has no function CertRetire: cdk deploy --revert-drift", NO_DEPLOYMENT,
    )  # fmt: skip
    assert of(deployed).function("CertRetire") is None
    without(deployed, "StateMachine")
    assert refusal(lambda: of(deployed).state_machine) == (
        "stack PcaAutomator has no renewal workflow", NO_DEPLOYMENT,
    )  # fmt: skip
    without(deployed, "InspectCertificate")
    assert refusal(lambda: of(deployed).document("InspectCertificate")) == (
        "stack PcaAutomator has no document InspectCertificate", NO_DEPLOYMENT,
    )  # fmt: skip
    without(deployed, "WorkflowCertCheck")
    assert refusal(lambda: of(deployed).resources) == (
        "stack PcaAutomator has no PcaCertificateAutomation", NO_DEPLOYMENT,
    )  # fmt: skip


def test_a_resource_that_is_not_made_yet_has_no_name(deployed: Deployed) -> None:
    listed: Any = deployed.answers["ListStackResources"]
    listed["StackResourceSummaries"].append(
        {"LogicalResourceId": "AutomationNew0A1B2C3D", "ResourceType": "AWS::SSM::Document"}
    )
    assert Resource("AutomationNew0A1B2C3D", "AWS::SSM::Document", "") in of(deployed).resources


@pytest.mark.parametrize(
    ("answer", "words", "status"),
    [
        ({}, "the environment of CertCheck cannot be read: kms:Decrypt may be missing", REFUSED),
        (
            {"Environment": {"Error": {"ErrorCode": "AccessDeniedException"}}},
            "the environment of CertCheck cannot be read: kms:Decrypt may be missing", REFUSED,
        ),
        (
            {"Environment": {"Variables": {}}},
            "the function CertCheck has no variable TABLE_NAME: cdk deploy --revert-drift", 1,
        ),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_read_are_no_empty_ones(
    deployed: Deployed, answer: Mapping[str, Any], words: str, status: int
) -> None:
    deployed.answers["GetFunctionConfiguration"] = answer
    assert refusal(lambda: of(deployed).table) == (words, status)


def test_a_stack_that_is_not_there_is_said_with_its_region_and_another_answer_is_not_taken_for_it(
    deployed: Deployed,
) -> None:
    deployed.answers["ListStackResources"] = error("ValidationError", "Stack with id Mine does not exist")
    assert refusal(lambda: of(deployed, "Mine").resources) == (
        f"there is no stack Mine in {REGION}; see --stack, --region and --profile", NO_DEPLOYMENT,
    )  # fmt: skip
    for other in (error("ValidationError", "1 validation error"), error("AccessDenied", "role does not exist")):
        deployed.answers["ListStackResources"] = other
        with pytest.raises(type(other)):
            _ = of(deployed, "Mine").resources


def test_stacks_are_looked_through_by_their_tag_to_the_last_page(deployed: Deployed) -> None:
    """A value may hold what parts it from the key, and a stack may have other tags, or none."""
    tag = {"Key": "team", "Value": "a=b"}
    near = [{"StackName": "C", "Tags": [{"Key": "team", "Value": "a"}]}, {"StackName": "D"}]
    pages = [
        {"Stacks": near, "NextToken": "more"},
        {"Stacks": [{"StackName": "Mine", "Tags": [{"Key": "x", "Value": ""}, tag]}]},
    ]
    deployed.answers["DescribeStacks"] = lambda asked: pages["NextToken" in asked]
    assert of(deployed, "tag:team=a=b").stack == "Mine"
    deployed.answers["DescribeStacks"] = {"Stacks": near}
    assert refusal(lambda: of(deployed, "tag:team=a=b").stack) == (
        "0 stacks carry the tag team=a=b, one is needed", NO_DEPLOYMENT,
    )  # fmt: skip


def test_a_part_is_named_without_the_automation_and_without_its_hash(deployed: Deployed) -> None:
    for prefix in ("Automation", "PlatformFleet", "WorkflowOfMine"):
        deployed.answers["ListStackResources"] = {"StackResourceSummaries": resources(prefix)}
        found = of(deployed)
        assert found.construct == prefix
        assert found.short_of("fleet-InstallCertificate") == "DocumentsInstallCertificate"
        assert found.short_of("AWS-RunShellScript") == "AWS-RunShellScript"
        assert found.short(Resource("OthersTopic0A1B2C3D", "AWS::SNS::Topic", "t")) == "OthersTopic"


def test_a_function_is_found_by_its_whole_name_and_no_other_resource_is_taken_for_it(deployed: Deployed) -> None:
    listed: Any = deployed.answers["ListStackResources"]
    more = [
        {"LogicalResourceId": f"{name}0A1B2C3D", "ResourceType": kind, "PhysicalResourceId": name}
        for name, kind in (
            ("AutomationHostFunctionsCertIssueServiceRole", "AWS::IAM::Role"),
            ("AutomationWorkflowCertCheckServiceRole", "AWS::IAM::Role"),
            ("AutomationWorkflowStateMachineRole", "AWS::IAM::Role"),
        )
    ]
    listed["StackResourceSummaries"] = more + listed["StackResourceSummaries"]
    found = of(deployed)
    assert {name: found.function(name) for name in FUNCTIONS} == {name: name for name in FUNCTIONS}
    assert found.function("Cert") is None
    assert found.state_machine == MACHINE_ARN
    assert found.find("AWS::SSM::Document", "Documents") == "fleet-InspectCertificate"
    assert found.find("AWS::SSM::Document", "Nothing") is None


@pytest.mark.parametrize(
    ("content", "reads"),
    [
        (None, True),
        ("no JSON", False),
        ("{}", False),
        ("[]", False),
    ],
)
def test_what_is_sealed_in_the_documents_is_read_from_the_one_that_has_the_most(
    deployed: Deployed, content: str | None, reads: bool
) -> None:
    if content is not None:
        deployed.answers["GetDocument"] = {"Content": content}
    if reads:
        assert SEALED.items() <= dict(of(deployed).sealed).items()
    else:
        assert refusal(lambda: of(deployed).sealed) == (
            "document fleet-InstallCertificate is not as this library deploys it: cdk deploy --revert-drift",
            NO_DEPLOYMENT,
        )
    assert deployed.called("GetDocument") == [{"Name": "fleet-InstallCertificate"}]


@pytest.mark.parametrize(
    ("stack", "automation", "profile", "said"),
    [
        ("PcaAutomator", None, None, ("", "", "")),
        ("Mine", "Fleet", "night", ("Mine", "Fleet", "night")),
        ("tag:team=web", None, None, ("tag:team=web", "", "")),
    ],
)
@pytest.mark.usefixtures("deployed")
def test_a_printed_command_says_what_is_not_the_default(
    monkeypatch: pytest.MonkeyPatch,
    stack: str,
    automation: str | None,
    profile: str | None,
    said: Any,
) -> None:
    class Session:
        region_name = REGION

    monkeypatch.setattr(Aws, "_session", Session)
    place = Deployment(Aws(None, profile), stack, automation).place
    assert (place.stack, place.automation, place.profile) == said
    assert place.region == REGION
    monkeypatch.setattr(Session, "region_name", None)
    assert Aws().region_name == ""


@pytest.mark.usefixtures("deployed")
def test_a_region_is_found_as_the_aws_cli_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Mapping[str, Any]] = []
    monkeypatch.setattr("boto3.session.Session", lambda **given: asked.append(given))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    _ = Aws()._session, Aws(REGION, "night")._session
    monkeypatch.setenv("AWS_REGION", "")
    _ = Aws()._session
    monkeypatch.delenv("AWS_REGION")
    _ = Aws()._session
    assert asked == [
        {"region_name": "eu-west-1", "profile_name": None}, {"region_name": REGION, "profile_name": "night"},
        {"region_name": None, "profile_name": None}, {"region_name": None, "profile_name": None},
    ]  # fmt: skip


@pytest.mark.usefixtures("deployed")
def test_a_person_waits_so_a_client_gives_up_soon_and_says_whose_it_is() -> None:
    aws = Aws(REGION)
    client = aws.client("sns")
    assert aws.client("sns") is client
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert config.retries == {"mode": "standard", "total_max_attempts": 4}
    assert config.user_agent.endswith(" pca-automator-cli")


@pytest.mark.usefixtures("deployed")
def test_a_client_is_made_once_for_each_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making one takes longer than what it is asked."""
    made: list[str] = []
    genuine = OneOfEach.client

    def client(session: OneOfEach, service: str, **options: Any) -> Any:
        made.append(service)
        return genuine(session, service, **options)

    monkeypatch.setattr(OneOfEach, "client", client)
    aws = Aws(REGION)
    assert [aws.client(service).meta.service_model.service_name for service in ("sns", "ssm", "sns")] == [
        "sns", "ssm", "sns",
    ]  # fmt: skip
    assert made == ["sns", "ssm"]


@pytest.mark.usefixtures("deployed")
def test_who_waits_hears_what_aws_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(WAITING, "about", told.append)
    client = Aws(REGION).client("sns")
    model = client.meta.service_model.operation_model("GetTopicAttributes")
    client.meta.events.emit("before-call.sns.GetTopicAttributes", model=model, params={}, request_signer=None)
    assert told == ["GetTopicAttributes of SNS"]
