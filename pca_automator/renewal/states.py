"""Building blocks of the workflow: a Lambda task with the retries every task has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

# Lambda's own passing troubles, and the handlers' retryable errors. A throttled invocation is among them: it is not
# covered by States.TaskFailed handling alone and 200 hosts at once can meet the account's concurrency. A function that
# was killed (out of memory, a crash of its environment) fails with the runtime's own error name, Runtime.ExitError. One
# in a VPC that nobody has called for weeks, as CertFailure in a good fleet, is inactive: its first call only wakes it.
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
# https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
LAMBDA_TROUBLE = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.EC2ThrottledException",
    "Lambda.ENINotReadyException",
    "Lambda.ResourceConflictException",
    "Lambda.ResourceNotReadyException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
    "Sandbox.Timedout",
)
RETRYABLE_ERRORS = ("Throttled", "ServiceUnavailable", "CertificateNotReady")


def invoke(
    scope: Construct,
    name: str,
    function: lambda_.IFunction,
    payload: Mapping[str, Any],
    result_path: str,
    *,
    result_selector: Mapping[str, Any] | None = None,
    wait_for_token: Duration | None = None,
) -> tasks.LambdaInvoke:
    """A task that invokes a function by its own name, with the workflow's retries.

    Every handler may run twice for the same input, so each passing trouble is retried: 5 times after 2, 4, 8, 16 and
    30 s at most, each a random part of it (full jitter), which is one minute in all.

    Args:
        wait_for_token: wait so long for the task token; the state's output is what completes it. Default: the
            function's answer is the output, under ``Payload``.
    """
    task = tasks.LambdaInvoke(
        scope,
        name,
        integration_pattern=(
            sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN if wait_for_token else sfn.IntegrationPattern.REQUEST_RESPONSE
        ),
        lambda_function=function,
        payload=sfn.TaskInput.from_object(dict(payload)),
        result_path=result_path,
        result_selector=dict(result_selector or {"Payload.$": "$.Payload"}),
        retry_on_service_exceptions=False,
        # A function ends by itself after its own timeout; this ends an invocation whose answer was lost.
        task_timeout=sfn.Timeout.duration(wait_for_token or Duration.minutes(15)),
    )
    task.add_retry(
        errors=[*LAMBDA_TROUBLE, *RETRYABLE_ERRORS],
        interval=Duration.seconds(2),
        backoff_rate=2,
        max_attempts=5,
        max_delay=Duration.seconds(30),
        jitter_strategy=sfn.JitterType.FULL,
    )
    return task
