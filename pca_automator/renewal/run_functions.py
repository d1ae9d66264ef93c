"""CertCheck and CertReport: the functions that begin and end a run, and what each of them may do."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from pca_automator._internal import buckets
from pca_automator._internal.acknowledge import acknowledge_policy
from pca_automator._internal.statement_ids import name_statements
from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.functions.factory import FunctionFactory
from pca_automator.hosts.settings import HostSettings
from pca_automator.inventory.table import HostInventory
from pca_automator.renewal.pace import Pace
from pca_automator.renewal.start_ledger import StartLedger
from pca_automator.reporting.events import RUN_REPORT, grant_put_events
from pca_automator.reporting.notifications import FailureNotifications
from pca_automator.revocation.policies import ReplacementRevocation

_RUN_FILES = "A run's files; its id is not known before."


def make_cert_check(
    scope: Construct,
    *,
    authority: IssuingAuthority,
    factory: FunctionFactory,
    host_settings: HostSettings,
    inventory: HostInventory,
    pace: Pace,
    revoke_replaced: ReplacementRevocation,
    schedule_interval: Duration,
    starts: StartLedger,
    trust_anchor_arn: str,
    work_bucket: s3.IBucket,
) -> lambda_.Function:
    """The function that lists the hosts of a run and reserves their starts."""
    authority_arn = authority.certificate_authority.certificate_authority_arn
    function = factory.make(
        scope,
        "CertCheck",
        handler="cert_check",
        description="Finds the hosts that are due, and reserves their starts",
        environment={
            "CA_ARN": authority_arn,
            "NEXT_RUN_SECONDS": str(schedule_interval.to_seconds()),
            "REVOKE_REPLACED": revoke_replaced.value,
            "SCAN_SEGMENTS": "4",
            **inventory.environment,
            "TRUST_ANCHOR_ARN": trust_anchor_arn,
            "VALIDATION_POLICY": host_settings.validation_policy.value,
            "WORK_BUCKET": work_bucket.bucket_name,
            **pace.environment,
        },
        # 100,000 hosts are about 40 pages of 1 MB.
        timeout=Duration.minutes(10),
        memory_mib=1024,
    )
    inventory.grant(function, "dynamodb:Scan", "dynamodb:BatchGetItem")
    starts.grant_reserve(function)
    # Where a trust anchor has certificates of its own, they are compared with the CA's.
    looks = ["acm-pca:DescribeCertificateAuthority", "acm-pca:GetCertificateAuthorityCertificate"]
    function.grant_principal.add_to_principal_policy(iam.PolicyStatement(actions=looks, resources=[authority_arn]))
    _allow(function, "rolesanywhere:GetTrustAnchor", trust_anchor_arn)
    reasons = {work_bucket.arn_for_objects("runs/*"): _RUN_FILES}
    if pace.read_account:
        # Neither knows a resource type.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_servicequotas.html
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
        _allow(function, "servicequotas:ListServiceQuotas", "*")
        _allow(function, "cloudwatch:GetMetricData", "*")
    buckets.allow_write(work_bucket, function, "runs/")
    # The lists of other runs, whose hosts it leaves out.
    buckets.allow_read(work_bucket, function, "runs/*")
    acknowledge_policy(function.role or function, reasons)
    return function


def make_cert_report(
    scope: Construct,
    *,
    factory: FunctionFactory,
    inventory: HostInventory,
    notifications: FailureNotifications,
    work_bucket: s3.IBucket,
) -> lambda_.Function:
    """The function that counts a run's outcomes, and reports what failed."""
    function = factory.make(
        scope,
        "CertReport",
        handler="cert_report",
        description="Counts a run's outcomes and reports failures in one message",
        environment={
            **inventory.environment,
            "TOPIC_ARN": notifications.topic.topic_arn,
            "WORK_BUCKET": work_bucket.bucket_name,
        },
        timeout=Duration.minutes(10),
        memory_mib=1024,
    )
    inventory.grant(function, "dynamodb:BatchGetItem")
    buckets.allow_read(work_bucket, function, "runs/*")
    buckets.allow_write(work_bucket, function, "runs/")
    notifications.grant_publish(function)
    grant_put_events(function, scope, RUN_REPORT)
    acknowledge_policy(function.role or function, {work_bucket.arn_for_objects("runs/*"): _RUN_FILES})
    return function


def allow_looking_at_runs(scope: Construct, function: lambda_.Function, machine: sfn.IStateMachine) -> None:
    """Let CertCheck see whether other runs of its workflow are over.

    A policy of its own: the workflow invokes the function, so that the function's own policy cannot name the workflow.
    """
    if function.role is None:
        raise ValueError("CertCheck has no role: the factory makes one")
    stack = Stack.of(scope)
    name = stack.split_arn(machine.state_machine_arn, ArnFormat.COLON_RESOURCE_NAME).resource_name
    executions = stack.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{name}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    statement = iam.PolicyStatement(actions=["states:DescribeExecution"], resources=[executions])
    policy = iam.Policy(scope, "CertCheckLooksAtRuns", roles=[function.role], statements=[statement])
    name_statements(policy)
    acknowledge_policy(policy, {executions: "Executions of this workflow alone."})


def _allow(function: lambda_.Function, action: str, resource: str) -> None:
    function.grant_principal.add_to_principal_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
