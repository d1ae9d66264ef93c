"""What holds for every function of an automation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from pca_automator._internal.arguments import check_fields, checked
from pca_automator.functions.endpoints import GATEWAYS, INTERFACES

_GROUP = "PcaAutomatorFunctions"

_OLDEST = 12
"""The functions' code and its packages run on Python 3.11 and newer; of AWS's Amazon Linux 2023 runtimes this is the
oldest. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""


# No dataclass: jsii would take it apart, where it is handed on as IConnectable, instead of referring to it.
@jsii.implements(ec2.IConnectable)
class FunctionNetwork:
    """Where functions run when they must run in a VPC.

    The subnets need a way to the AWS endpoints of what the functions call: DynamoDB, S3, Systems Manager, AWS Private
    CA, IAM Roles Anywhere, Step Functions, SNS, EventBridge and EC2; and to CloudWatch and Service Quotas, from which
    the pace is read where they answer. :meth:`add_endpoints` makes them. Without a way to EventBridge renewals work,
    but no event is published, and each renewal takes some seconds longer.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html

    Args:
        vpc: where the functions get their network interfaces.
        subnets: of the VPC. Default: its private subnets.
        security_groups: of the network interfaces. Default: one is created for all functions.

    Raises:
        ValueError: a value has another type.
    """

    @checked
    def __init__(
        self,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
    ) -> None:
        self.vpc, self.subnets, self.security_groups = vpc, subnets, security_groups

    @cached_property
    def groups(self) -> list[ec2.ISecurityGroup]:
        """The security groups of every function."""
        if self.security_groups is not None:
            return list(self.security_groups)
        # A VPC that is imported or looked up is to Python no construct, but what has the interface of one.
        scope: Construct = self.vpc.stack
        prefix = f"{self.vpc.node.id}{_GROUP}"
        if isinstance(self.vpc, Construct):
            scope, prefix = self.vpc, _GROUP
        made = [each for each in scope.node.children if each.node.id.startswith(prefix)]
        name = f"{prefix}{len(made) + 1 if made else ''}"
        description = "Functions of pca-automator: they call AWS, nobody calls them"
        return [ec2.SecurityGroup(scope, name, vpc=self.vpc, description=description)]

    @property
    def connections(self) -> ec2.Connections:
        """Lets others' security groups name the functions', such as those of endpoints."""
        return ec2.Connections(security_groups=self.groups)

    def add_endpoints(self) -> None:
        """Make the endpoints that the functions need in the VPC, in the functions' subnets.

        What the VPC has already would be made twice: call it for a VPC that has none of them.
        https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
        """
        for name, gateway in GATEWAYS.items():
            subnets = None if self.subnets is None else [self.subnets]
            self.vpc.add_gateway_endpoint(f"{_GROUP}-{name}", service=gateway, subnets=subnets)
        for name, interface in INTERFACES.items():
            endpoint = self.vpc.add_interface_endpoint(
                f"{_GROUP}-{name}", service=interface, subnets=self.subnets, open=False
            )
            endpoint.connections.allow_default_port_from(self)


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """Processors, packages, network and logs of the functions.

    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html

    Args:
        architecture: of the functions' processors. Default: arm64.
        dependency_layer: a layer with the functions' packages for this architecture and runtime: the archive that
            ``pca-automator layer OUT.zip`` writes, a folder of the same shape, or a layer version. Synthesis looks into
            it unless it is imported. Default: built at synthesis with pip, or uv, from wheels with pinned hashes.
        log_retention: how long the logs of functions and workflow are kept. Default: one year.
        network: VPC, subnets and security groups. Default: no VPC.
        runtime: a Python runtime, 3.12 or newer, for which the layer's wheels are chosen. Default: Python 3.14.
        snap_start: restore the functions that renewals call from snapshots of what they are when they are ready, in
            place of starting them. AWS bills a function's snapshot by the hour, whether it is called or not, and each
            restore, both by memory (https://aws.amazon.com/lambda/pricing/). Asia Pacific (New Zealand and Taipei),
            China and GovCloud have none (https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html). Default: no.

    Raises:
        ValueError: a value has another type, or the runtime is another one.
    """

    architecture: lambda_.Architecture = lambda_.Architecture.ARM_64
    dependency_layer: lambda_.ILayerVersion | Path | None = None
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR
    network: FunctionNetwork | None = None
    runtime: lambda_.Runtime = lambda_.Runtime.PYTHON_3_14
    snap_start: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        version = self.runtime.name.removeprefix("python3.")
        if not version.isdigit() or int(version) < _OLDEST:
            raise ValueError(
                f"runtime is {self.runtime.name}: it must be a Python runtime from Runtime.PYTHON_3_{_OLDEST} on, for "
                "which the functions and their packages are made"
            )
