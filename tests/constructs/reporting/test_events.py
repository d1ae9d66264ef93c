"""Events: who may publish them, and the rules that match them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs

from pca_automator import ImportedAutomation
from pca_automator.automation_base import AutomationBase
from tests.members import members
from tests.synthesis import ROOT, actions, automation, new_app, resources, sample_template, statements, template_of

PUBLISHERS = {
    "CertDeployStatusRole": "Host Renewed",
    "CertFailureRole": "Host Renewal Failed",
    "CertReportRole": "Run Report",
}
RULES: dict[str, Callable[..., events.Rule]] = {
    "Host Renewed": AutomationBase.on_host_renewed,
    "Host Renewal Failed": AutomationBase.on_renewal_failed,
    "Run Report": AutomationBase.on_run_reported,
}


def imported(app: App) -> ImportedAutomation:
    return ImportedAutomation(
        Stack(app, "Other"),
        "Imported",
        automation_name="fleet",
        certificate_authority_arn="arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/x",
        dead_letter_queue_arn="arn:aws:sqs:eu-central-1:111122223333:x",
        encryption_key_arn="arn:aws:kms:eu-central-1:111122223333:key/x",
        state_machine_arn="arn:aws:states:eu-central-1:111122223333:stateMachine:x",
        table_arn="arn:aws:dynamodb:eu-central-1:111122223333:table/x",
    )


def pattern(template: dict[str, Any], part: str) -> dict[str, Any]:
    (rule,) = (rule for name, rule in resources(template, "AWS::Events::Rule").items() if part in name)
    found: dict[str, Any] = rule["Properties"]["EventPattern"]
    return found


def test_each_publisher_may_publish_its_own_news_to_the_default_bus_and_nobody_else_anything() -> None:
    granted = {}
    for name in resources(sample_template(), "AWS::IAM::Policy"):
        for statement in statements(sample_template(), name):
            if "events:PutEvents" in actions(statement):
                assert actions(statement) == ["events:PutEvents"]
                assert statement["Resource"]["Fn::Join"][1][-1] == ":event-bus/default"
                assert statement["Condition"].keys() == {"StringEquals"}
                assert statement["Condition"]["StringEquals"]["events:source"] == "pca-automator"
                granted[name] = statement["Condition"]["StringEquals"]["events:detail-type"]
    assert len(granted) == len(PUBLISHERS)
    for role, detail_type in PUBLISHERS.items():
        assert [kind for name, kind in granted.items() if f"{role}Default" in name] == [detail_type]


@pytest.mark.parametrize("detail_type", members(RULES, ["Host Renewal Failed"]))
def test_a_rule_matches_the_events_of_its_own_automation_alone(detail_type: str) -> None:
    construct = automation()
    RULES[detail_type](construct, "News")
    template = template_of(construct)
    assert pattern(template, "AutomationNews") == {
        "source": ["pca-automator"],
        "account": [{"Ref": "AWS::AccountId"}],
        "region": [{"Ref": "AWS::Region"}],
        "detail-type": [detail_type],
        "detail": {"automation": [construct.automation_name]},
    }


@pytest.mark.parametrize("detail_type", RULES)
def test_an_imported_automation_has_the_same_rules(detail_type: str) -> None:
    found = imported(new_app())
    queue = sqs.Queue(found, "Queue")
    RULES[detail_type](found, "News", target=targets.SqsQueue(queue), description="news", rule_name="our-news")
    (rule,) = resources(template_of(found), "AWS::Events::Rule").values()
    assert rule["Properties"]["EventPattern"]["detail"] == {"automation": ["fleet"]}
    assert rule["Properties"]["EventPattern"]["detail-type"] == [detail_type]
    assert len(rule["Properties"]["Targets"]) == 1
    assert (rule["Properties"]["Description"], rule["Properties"]["Name"]) == ("news", "our-news")


@pytest.mark.parametrize(
    "more",
    [
        events.EventPattern(detail={"code": ["HOOK_FAILED"]}),
        pytest.param({"detail": {"code": ["HOOK_FAILED"]}}, marks=pytest.mark.long),
    ],
)
def test_a_pattern_narrows_a_rule_further(more: Any) -> None:
    construct = automation()
    construct.on_renewal_failed("Hooks", event_pattern=more)
    detail = pattern(template_of(construct), "AutomationHooks")["detail"]
    assert detail == {"automation": [construct.automation_name], "code": ["HOOK_FAILED"]}


def test_the_example_of_the_page_works() -> None:
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    construct = automation()
    known = {"automation": construct, "events": events, "targets": targets, "queue": sqs.Queue(construct, "Queue")}
    exec(example, known)  # noqa: S102 - the repository's own page
    assert pattern(template_of(construct), "HookFailed")["detail"]["code"] == ["HOOK_FAILED"]


def test_a_rule_can_be_made_in_the_stack_of_its_target() -> None:
    app = new_app()
    construct = automation(app)
    elsewhere = Stack(app, "Elsewhere")
    rule = construct.on_run_reported("Reports", cross_stack_scope=elsewhere)
    assert Stack.of(rule) is elsewhere
