"""Schedules that repair what an event did not do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge_policy
from pca_automator._internal.statement_ids import name_statements

_VERSIONS = "Any version of the one function, as the CDK's schedule target grants it."


def invoke_every(
    scope: Construct,
    id: str,
    *,
    dead_letters: sqs.IQueue,
    description: str,
    function: lambda_.IFunction,
    interval: Duration,
    payload: Mapping[str, Any],
) -> scheduler.Schedule:
    """Invoke a function at a fixed rate, with a role of its own.

    Args:
        dead_letters: queue for invocations that could not be made.
        interval: between two invocations; a missed one is not made up for, the next does the same.
        payload: what the function gets.
    """
    return invoke_on_schedule(
        scope,
        id,
        dead_letters=dead_letters,
        description=description,
        function=function,
        max_event_age=interval,
        payload=payload,
        schedule=scheduler.ScheduleExpression.rate(interval),
    )


def invoke_on_schedule(
    scope: Construct,
    id: str,
    *,
    dead_letters: sqs.IQueue,
    description: str,
    function: lambda_.IFunction,
    max_event_age: Duration,
    schedule: scheduler.ScheduleExpression,
    payload: Mapping[str, Any] | None = None,
) -> scheduler.Schedule:
    """Invoke a function when a schedule says so, with a role of its own.

    Args:
        dead_letters: queue for invocations that could not be made.
        max_event_age: how long an invocation that could not be made is tried again.
        payload: what the function gets. Default: the scheduler's own event.
    """
    role = schedule_role(scope, f"{id}Role", description)
    acknowledge_policy(role, {f"{function.function_arn}:*": _VERSIONS})
    return scheduler.Schedule(
        scope,
        id,
        description=description,
        schedule=schedule,
        target=targets.LambdaInvoke(
            function,
            dead_letter_queue=dead_letters,
            input=None if payload is None else scheduler.ScheduleTargetInput.from_object(dict(payload)),
            max_event_age=max_event_age,
            retry_attempts=3,
            role=role,
        ),
    )


def schedule_role(scope: Construct, id: str, description: str) -> iam.Role:
    """A role that only schedules of this account's default group may take.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    stack = Stack.of(scope)
    group = stack.format_arn(service="scheduler", resource="schedule-group", resource_name="default")
    conditions = {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": group}}
    role = iam.Role(
        scope,
        id,
        assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=conditions),
        description=description,
    )
    name_statements(role)
    acknowledge_policy(role, {})
    return role
