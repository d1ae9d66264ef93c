"""How every function of the automation is made: one code asset, one layer, a role and an encrypted log group each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge, acknowledge_policy, in_packs, skip_in_checkov
from pca_automator._internal.assets import ASSET_EXCLUDES, lambda_source
from pca_automator.functions.dependency_layer import dependency_layer

RUNTIME = lambda_.Runtime.PYTHON_3_14
"""The functions' runtime; the layer's wheels are chosen for it."""

METRIC_NAMESPACE = "PcaAutomator"


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
    """

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection | None = None
    security_groups: Sequence[ec2.ISecurityGroup] | None = None


class FunctionFactory(Construct):
    """Makes functions that share code, dependency layer and settings.

    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html

    Args:
        encryption_key: key of the log groups.
        automation_name: value of the metric dimension ``Automation``.
        architecture: of the functions' processors. Default: arm64.
        dependency_layer: a layer with what ``lambda_src/layer/requirements.txt`` lists, for this architecture.
            Default: built with pip at synthesis.
        log_retention: how long each function's log is kept. Default: one year.
        network: run in a VPC. Default: outside of any VPC.
        removal_policy: of log groups. Default: retain.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        encryption_key: kms.IKey,
        automation_name: str,
        architecture: lambda_.Architecture | None = None,
        dependency_layer: lambda_.ILayerVersion | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        network: FunctionNetwork | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        self._key = encryption_key
        self._automation_name = automation_name
        self._architecture = architecture or lambda_.Architecture.ARM_64
        self._log_retention = log_retention
        self._network = network
        self._removal_policy = removal_policy
        self._code = lambda_.Code.from_asset(str(lambda_source()), exclude=[*ASSET_EXCLUDES, "layer", "*.md", "*.toml"])
        self._layer = dependency_layer or self._build_layer()

    def _build_layer(self) -> lambda_.ILayerVersion:
        requirements = lambda_source() / "layer" / "requirements.txt"
        return dependency_layer(self, "Dependencies", requirements, RUNTIME, self._architecture)

    def make(
        self,
        scope: Construct,
        name: str,
        *,
        handler: str,
        environment: Mapping[str, str],
        description: str,
        timeout: Duration | None = None,
        memory_mib: int = 256,
    ) -> lambda_.Function:
        """One function with a role of its own that may do nothing but write its log and traces.

        Args:
            scope: where it belongs.
            name: its name in states, logs and metrics, such as ``CertCSR``.
            handler: module under ``handlers``.
            environment: what its settings model reads beyond the common variables.
            description: one line.
            timeout: of one invocation. Default: 60 seconds.
            memory_mib: memory in MiB; CPU grows with it, and importing cryptography takes 2 to 3 s with 128.
                Default: 256.
        """
        log_group = logs.LogGroup(
            scope,
            f"{name}Log",
            encryption_key=self._key,
            removal_policy=self._removal_policy,
            retention=self._log_retention,
        )
        role = iam.Role(
            scope, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description
        )
        network = self._network
        function = lambda_.Function(
            scope,
            name,
            architecture=self._architecture,
            code=self._code,
            description=description,
            environment={
                "AUTOMATION_NAME": self._automation_name,
                "POWERTOOLS_LOG_LEVEL": "INFO",
                "POWERTOOLS_METRICS_NAMESPACE": METRIC_NAMESPACE,
                "POWERTOOLS_SERVICE_NAME": name,
                **environment,
            },
            handler=f"handlers.{handler}.handler",
            layers=[self._layer],
            log_group=log_group,
            memory_size=memory_mib,
            role=role,
            runtime=RUNTIME,
            security_groups=network.security_groups if network else None,
            timeout=timeout or Duration.seconds(60),
            vpc=network.vpc if network else None,
            vpc_subnets=network.subnets if network else None,
        )
        log_group.grant_write(role)
        _trace(function)
        if network is not None:
            self._allow_network_interfaces(role)
        self._acknowledge(function, role)
        return function

    def _allow_network_interfaces(self, role: iam.Role) -> None:
        policy = "service-role/AWSLambdaVPCAccessExecutionRole"
        role.add_managed_policy(iam.ManagedPolicy.from_aws_managed_policy_name(policy))
        acknowledge(
            role,
            {
                f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{policy}]": (
                    "Lambda's own policy for network interfaces in a VPC, kept current by AWS."
                )
            },
        )

    def _acknowledge(self, function: lambda_.Function, role: iam.Role) -> None:
        acknowledge_policy(role, {"*": "X-Ray, and what else the granting code names, knows no resource type."})
        outside_vpc = "Calls only AWS service endpoints over TLS; a VPC is a prop for those who need one."
        concurrency = "The workflow's max_concurrency bounds it; a reserved share would starve other functions."
        failures = "The workflow, the event's rule or its queue holds what failed; nothing is lost with the invocation."
        acknowledge(
            function,
            dict.fromkeys(in_packs("LambdaInsideVPC"), outside_vpc)
            | dict.fromkeys(in_packs("LambdaConcurrency"), concurrency)
            | dict.fromkeys([*in_packs("LambdaDLQ"), "Serverless-LambdaDLQ"], failures),
        )
        skip_in_checkov(
            function,
            {
                "CKV_AWS_115": concurrency,
                "CKV_AWS_116": failures,
                "CKV_AWS_117": outside_vpc,
                "CKV_AWS_173": "The environment holds no secret; Lambda encrypts it with its own key.",
            },
        )


def _trace(function: lambda_.Function) -> None:
    """Trace with X-Ray; the L2's own switch puts the permission in another place for each feature flag."""
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
    function.grant_principal.add_to_principal_policy(
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html knows no resource type.
        iam.PolicyStatement(actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"])
    )
