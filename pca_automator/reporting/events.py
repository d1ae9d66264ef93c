"""The automation's events on the account's default event bus: who may publish them, and rules that match them.

docs/events.md describes what is in each of them; ``pca_runtime.reporting.events`` publishes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

EVENT_SOURCE = "pca-automator"
HOST_RENEWED = "Host Renewed"
HOST_RENEWAL_FAILED = "Host Renewal Failed"
RUN_REPORT = "Run Report"


def grant_put_events(grantee: iam.IGrantable, scope: Construct, detail_type: str) -> None:
    """Allow publishing events of one type, with this library's source, to the default event bus.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html

    Args:
        grantee: the function that publishes.
        scope: in the stack whose account and Region the bus is in.
        detail_type: such as :data:`HOST_RENEWED`.
    """
    bus = Stack.of(scope).format_arn(service="events", resource="event-bus", resource_name="default")
    grantee.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["events:PutEvents"],
            conditions={"StringEquals": {"events:source": EVENT_SOURCE, "events:detail-type": detail_type}},
            resources=[bus],
        )
    )


class AutomationEvents(Construct):
    """Rules on the events of one automation."""

    automation_name: str
    """The name in every event, which rules match so that they see their own automation alone, and the value of the
    metric dimension ``Automation``."""

    def on_host_renewed(
        self,
        id: str,
        *,
        target: events.IRuleTarget | None = None,
        cross_stack_scope: Construct | None = None,
        description: str | None = None,
        event_pattern: events.EventPattern | Mapping[str, Any] | None = None,
        rule_name: str | None = None,
    ) -> events.Rule:
        """A rule on the event that a host's new certificate is live.

        Args:
            id: of the rule, below the automation.
            target: what is invoked. Default: nothing; add targets to the rule.
            cross_stack_scope: where the rule is made, for a target in another stack. Default: here.
            description: of the rule. Default: none.
            event_pattern: what else must match, such as ``EventPattern(detail={"validated": [False]})``.
                Default: every such event of this automation.
            rule_name: its physical name. Default: CloudFormation's.
        """
        return self._rule(id, HOST_RENEWED, target, cross_stack_scope, description, event_pattern, rule_name)

    def on_renewal_failed(
        self,
        id: str,
        *,
        target: events.IRuleTarget | None = None,
        cross_stack_scope: Construct | None = None,
        description: str | None = None,
        event_pattern: events.EventPattern | Mapping[str, Any] | None = None,
        rule_name: str | None = None,
    ) -> events.Rule:
        """A rule on the event that the renewal of a host failed; its old certificate is still live.

        One event for each host that fails: a target that wakes a person is better put on :meth:`on_run_reported`.

        Args:
            id: of the rule, below the automation.
            target: what is invoked. Default: nothing; add targets to the rule.
            cross_stack_scope: where the rule is made, for a target in another stack. Default: here.
            description: of the rule. Default: none.
            event_pattern: what else must match, such as ``EventPattern(detail={"code": ["HOOK_FAILED"]})``.
                Default: every such event of this automation.
            rule_name: its physical name. Default: CloudFormation's.
        """
        return self._rule(id, HOST_RENEWAL_FAILED, target, cross_stack_scope, description, event_pattern, rule_name)

    def on_run_reported(
        self,
        id: str,
        *,
        target: events.IRuleTarget | None = None,
        cross_stack_scope: Construct | None = None,
        description: str | None = None,
        event_pattern: events.EventPattern | Mapping[str, Any] | None = None,
        rule_name: str | None = None,
    ) -> events.Rule:
        """A rule on the report of a run that had anything to do: what the mail says, as data.

        Args:
            id: of the rule, below the automation.
            target: what is invoked. Default: nothing; add targets to the rule.
            cross_stack_scope: where the rule is made, for a target in another stack. Default: here.
            description: of the rule. Default: none.
            event_pattern: what else must match, such as ``EventPattern(detail={"needsAttention": [True]})``.
                Default: every such event of this automation.
            rule_name: its physical name. Default: CloudFormation's.
        """
        return self._rule(id, RUN_REPORT, target, cross_stack_scope, description, event_pattern, rule_name)

    def _rule(
        self,
        id: str,
        detail_type: str,
        target: events.IRuleTarget | None,
        cross_stack_scope: Construct | None,
        description: str | None,
        event_pattern: events.EventPattern | Mapping[str, Any] | None,
        rule_name: str | None,
    ) -> events.Rule:
        given = events.EventPattern(**event_pattern) if isinstance(event_pattern, Mapping) else event_pattern
        rule = events.Rule(
            cross_stack_scope or self, id, description=description, event_pattern=given, rule_name=rule_name
        )
        stack = Stack.of(self)
        # Whoever may put events on the bus from another account could publish them in this automation's name.
        rule.add_event_pattern(
            source=[EVENT_SOURCE],
            account=[stack.account],
            region=[stack.region],
            detail_type=[detail_type],
            detail={"automation": [self.automation_name]},
        )
        rule.add_target(target)
        return rule
