"""The yardstick: an app with as many resources as the minimal example, each written out by hand."""

import sys

from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

app = App()
stack = Stack(app, "Plain")
states: list[sfn.Pass] = []
for number in range(int(sys.argv[1]) // 4):
    role = iam.Role(stack, f"Role{number}", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    queue = sqs.Queue(stack, f"Queue{number}")
    queue.grant_send_messages(role)
    lambda_.Function(
        stack,
        f"Function{number}",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        handler="index.handler",
        role=role,
        runtime=lambda_.Runtime.PYTHON_3_13,
    )
assert tasks  # the minimal example imports it, too
app.synth()
