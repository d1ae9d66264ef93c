"""How every function of the automation is made: one code asset, one layer, a role and an encrypted log group each."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge, acknowledge_policy, in_packs, skip_in_checkov
from pca_automator._internal.arguments import checked
from pca_automator._internal.assets import ASSET_EXCLUDES, lambda_source
from pca_automator._internal.removal import except_on_create
from pca_automator._internal.statement_ids import name_statements
from pca_automator.authority.regions import check_snap_start
from pca_automator.functions.dependency_layer import built_layer, given_layer
from pca_automator.functions.settings import FunctionSettings

METRIC_NAMESPACE = "PcaAutomator"
"""As the functions have it without being told: two variables in each of them would be a kilobyte of the template."""

_RESTORED = "restored"


class FunctionFactory(Construct):
    """Makes functions that share code, dependency layer and settings.

    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html

    Args:
        encryption_key: key of the log groups.
        automation_name: value of the metric dimension ``Automation``.
        settings: processors, packages, network and logs. Default: as :class:`FunctionSettings` says.
        removal_policy: of log groups. Default: retain.

    Raises:
        RuntimeError: the functions' packages cannot be built into a layer.
        ValueError: an argument has another type, ``dependency_layer`` lacks a package, or the Region has no SnapStart.
    """

    settings: FunctionSettings
    """Processors, packages, network and logs."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        encryption_key: kms.IKey,
        automation_name: str,
        settings: FunctionSettings | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        self._key = encryption_key
        self._automation_name = automation_name
        self.settings = settings or FunctionSettings()
        if self.settings.snap_start:
            check_snap_start(Stack.of(self))
        self._removal_policy = removal_policy
        self._code = lambda_.Code.from_asset(str(lambda_source()), exclude=[*ASSET_EXCLUDES, "layer", "*.md", "*.toml"])
        self._layer = self._dependencies()

    def _dependencies(self) -> lambda_.ILayerVersion:
        requirements = lambda_source() / "layer" / "requirements.txt"
        settings, given = self.settings, self.settings.dependency_layer
        platform = (settings.runtime, settings.architecture)
        if given is None:
            return built_layer(self, "Dependencies", requirements, *platform)
        return given_layer(self, "Dependencies", given, requirements, *platform)

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
            environment: what its settings read beyond the common variables.
            description: one line.
            timeout: of one invocation. Default: 60 seconds.
            memory_mib: memory in MiB; CPU grows with it, and importing cryptography takes 2 to 3 s with 128.
                Default: 256.
        """
        log_group = logs.LogGroup(
            scope, f"{name}Log", encryption_key=self._key, removal_policy=except_on_create(self._removal_policy),
            retention=self.settings.log_retention,
        )  # fmt: skip
        principal = iam.ServicePrincipal("lambda.amazonaws.com")
        role = iam.Role(scope, f"{name}Role", assumed_by=principal, description=description)
        name_statements(role)
        network = self.settings.network
        function = lambda_.Function(
            scope,
            name,
            architecture=self.settings.architecture,
            code=self._code,
            description=description,
            environment={
                "AUTOMATION_NAME": self._automation_name,
                "POWERTOOLS_SERVICE_NAME": name,
                "STACK_NAME": Stack.of(scope).stack_name,
                **environment,
            },
            handler=f"handlers.{handler}.handler",
            layers=[self._layer],
            log_group=log_group,
            memory_size=memory_mib,
            role=role,
            runtime=self.settings.runtime,
            security_groups=network.groups if network else None,
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

    def restore(self, function: lambda_.Function) -> None:
        """Let SnapStart restore a function, if the settings say so: whoever calls it calls :func:`restored`.

        Each version is billed for, so that only functions are restored on which a host waits.

        Args:
            function: one that this factory made.
        """
        if not self.settings.snap_start:
            return
        resource = function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)
        resource.snap_start = lambda_.CfnFunction.SnapStartProperty(apply_on="PublishedVersions")
        function.add_alias(_RESTORED)

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
        acknowledge_policy(role, {"*": "They know no resource type."})
        outside_vpc = "Calls AWS alone; a VPC is a prop."
        concurrency = "A reserved share would starve others."
        failures = "Its caller keeps what failed."
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
                "CKV_AWS_173": "It holds no secret.",
            },
        )


def restored(function: lambda_.Function) -> lambda_.IFunction:
    """What to call: the alias of a function that SnapStart restores, the function itself where none does."""
    alias = function.node.try_find_child(f"Alias{_RESTORED}")
    return alias if isinstance(alias, lambda_.Alias) else function


def _trace(function: lambda_.Function) -> None:
    """Trace with X-Ray; the L2's own switch puts the permission in another place for each feature flag."""
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
    function.grant_principal.add_to_principal_policy(
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html knows no resource type.
        iam.PolicyStatement(actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"])
    )
