"""What holds for every function of an automation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from pca_automator._internal.arguments import check_fields

_OLDEST = 12
"""The functions' code and its packages run on Python 3.11 and newer; of AWS's Amazon Linux 2023 runtimes this is the
oldest. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""


@dataclass(frozen=True)
class FunctionNetwork:
    """Where functions run when they must run in a VPC.

    The subnets need a way to the AWS endpoints of DynamoDB, S3, SSM, AWS Private CA, IAM Roles Anywhere, Step
    Functions, SNS, SQS, KMS, EventBridge and CloudWatch Logs. Without a way to EventBridge renewals work, but no event
    is published, and each renewal takes some seconds longer.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html

    Args:
        vpc: where the functions get their network interfaces.
        subnets: of the VPC. Default: its private subnets.
        security_groups: of the network interfaces. Default: one is created for each function.

    Raises:
        ValueError: a value has another type.
    """

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection | None = None
    security_groups: Sequence[ec2.ISecurityGroup] | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """Processors, packages, network and logs of the functions.

    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html

    Args:
        architecture: of the functions' processors. Default: arm64.
        dependency_layer: a layer with what ``lambda_src/layer/requirements.txt`` lists, for this architecture.
            Default: built with pip at synthesis.
        log_retention: how long the logs of functions and workflow are kept. Default: one year.
        network: VPC, subnets and security groups. Default: no VPC.
        runtime: a Python runtime, 3.12 or newer, for which the layer's wheels are chosen. Default: Python 3.14.

    Raises:
        ValueError: a value has another type, or the runtime is another one.
    """

    architecture: lambda_.Architecture = lambda_.Architecture.ARM_64
    dependency_layer: lambda_.ILayerVersion | None = None
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR
    network: FunctionNetwork | None = None
    runtime: lambda_.Runtime = lambda_.Runtime.PYTHON_3_14

    def __post_init__(self) -> None:
        check_fields(self)
        version = self.runtime.name.removeprefix("python3.")
        if not version.isdigit() or int(version) < _OLDEST:
            raise ValueError(
                f"runtime is {self.runtime.name}: it must be a Python runtime from Runtime.PYTHON_3_{_OLDEST} on, for "
                "which the functions and their packages are made"
            )
