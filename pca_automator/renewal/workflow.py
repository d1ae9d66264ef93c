"""The parent workflow: which hosts are due, all of them at once, one report; and its schedule."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import ArnFormat, Aws, Duration, Fn, Names, RemovalPolicy, Stack, TimeZone
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from pca_automator._internal import buckets
from pca_automator._internal.acknowledge import acknowledge_policy
from pca_automator._internal.arguments import checked
from pca_automator._internal.removal import except_on_create
from pca_automator._internal.statement_ids import name_statements
from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.functions.factory import FunctionFactory
from pca_automator.hosts.settings import HostSettings
from pca_automator.inventory.table import HostInventory
from pca_automator.renewal import states
from pca_automator.renewal.host_renewal import HostRenewal
from pca_automator.renewal.pace import Pace
from pca_automator.renewal.run_functions import allow_looking_at_runs, make_cert_check, make_cert_report
from pca_automator.renewal.start_ledger import StartLedger
from pca_automator.reporting.notifications import FailureNotifications
from pca_automator.revocation.policies import ReplacementRevocation

_FLEXIBLE_WINDOW = Duration.minutes(15)


class RenewalWorkflow(Construct):
    """CertCheck, the Distributed Map over the due hosts, CertReport, and the schedule that starts them.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html

    Args:
        access_log_bucket: where the work bucket logs access.
        authority: the CA, whose remaining time is a metric.
        dead_letters: queue for starts that failed.
        encryption_key: key of logs and work bucket.
        factory: makes the functions.
        host_renewal: the functions and states that renew one host.
        host_settings: what holds for every host: whether they prove their certificates bounds the pace.
        inventory: the hosts.
        notifications: topic for the report.
        starts: the ledger of starts.
        trust_anchor_arn: the trust anchor of the CA: whether it fits is a metric.
        pace: how many hosts start in a second, and how many may fail. Default: as :class:`Pace` says.
        removal_policy: of work bucket and log. Default: retain.
        revoke_replaced: which runs revoke what they replace; a run's input can ask for it in any case. Default: none.
        schedule: when runs start. Default: 03:15 and 15:15 UTC.
        schedule_interval: the longest time between two of them. Default: 12 hours.

    Raises:
        ValueError: an argument has another type.
    """

    state_machine: sfn.IStateMachine
    """Start an execution of it to run now."""
    schedule: scheduler.Schedule
    """Starts the runs."""
    cert_check: lambda_.Function
    """Finds the hosts that are due."""
    cert_report: lambda_.Function
    """Counts, and reports what failed."""
    work_bucket: s3.Bucket
    """Hosts, results and reports of the runs, kept for 90 days."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        access_log_bucket: s3.IBucket,
        authority: IssuingAuthority,
        dead_letters: sqs.IQueue,
        encryption_key: kms.IKey,
        factory: FunctionFactory,
        host_renewal: HostRenewal,
        host_settings: HostSettings,
        inventory: HostInventory,
        notifications: FailureNotifications,
        starts: StartLedger,
        trust_anchor_arn: str,
        pace: Pace | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        revoke_replaced: ReplacementRevocation = ReplacementRevocation.NEVER,
        schedule: scheduler.ScheduleExpression | None = None,
        schedule_interval: Duration | None = None,
    ) -> None:
        super().__init__(scope, id)
        schedule_interval = schedule_interval or Duration.hours(12)
        # The CDK drops result_writer_v2 without a word where the app lacks this flag; a library cannot rely on it.
        self.node.set_context("@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2", True)
        # States are named like the functions they invoke; a scope of their own keeps the construct ids apart.
        self._states = Construct(self, "States")
        self.work_bucket = self._make_work_bucket(encryption_key, access_log_bucket, removal_policy)
        pace = pace or Pace()
        self.cert_check = make_cert_check(
            self, authority=authority, factory=factory, host_settings=host_settings, inventory=inventory,
            pace=pace, revoke_replaced=revoke_replaced, schedule_interval=schedule_interval, starts=starts,
            trust_anchor_arn=trust_anchor_arn, work_bucket=self.work_bucket,
        )  # fmt: skip
        self.cert_report = make_cert_report(
            self, factory=factory, inventory=inventory, notifications=notifications, work_bucket=self.work_bucket
        )
        self.state_machine = self._make_state_machine(
            self._define(host_renewal.definition, pace),
            schedule_interval,
            encryption_key,
            factory.settings.log_retention,
            removal_policy,
        )
        allow_looking_at_runs(self, self.cert_check, self.state_machine)
        self._acknowledge((self.cert_check, self.cert_report, *host_renewal.functions.all))
        self.schedule = self._make_schedule(schedule or _default_schedule(), dead_letters)

    def _make_schedule(self, schedule: scheduler.ScheduleExpression, dead_letters: sqs.IQueue) -> scheduler.Schedule:
        return scheduler.Schedule(
            self,
            "Schedule",
            description="Renews the certificates that are due",
            schedule=schedule,
            target=scheduler_targets.StepFunctionsStartExecution(
                self.state_machine,
                dead_letter_queue=dead_letters,
                input=scheduler.ScheduleTargetInput.from_object({}),
                max_event_age=Duration.hours(1),
                retry_attempts=10,
                role=self._make_schedule_role(),
            ),
            time_window=scheduler.TimeWindow.flexible(_FLEXIBLE_WINDOW),
        )

    def _make_work_bucket(
        self, key: kms.IKey, access_log_bucket: s3.IBucket, removal_policy: RemovalPolicy
    ) -> s3.Bucket:
        bucket = buckets.private_bucket(
            self,
            "WorkBucket",
            encryption_key=key,
            access_log_bucket=access_log_bucket,
            removal_policy=removal_policy,
        )
        # A run's files are of use as long as its execution history, which Step Functions keeps for 90 days.
        bucket.add_lifecycle_rule(expiration=Duration.days(90), noncurrent_version_expiration=Duration.days(1))
        return bucket

    def _define(self, host_renewal: sfn.IChainable, pace: Pace) -> sfn.IChainable:
        check = states.invoke(
            self._states,
            "CertCheck",
            self.cert_check,
            {"input.$": "$", "runId.$": "$$.Execution.Name", "executionArn.$": "$$.Execution.Id"},
            "$.check",
        )
        report = self._report("CertReport", with_map_error=False).next(sfn.Succeed(self._states, "RunDone"))
        stopped = self._report("CertReportAfterStop", with_map_error=True).next(
            sfn.Fail(
                self._states,
                "RunStopped",
                error="RunStopped",
                cause="the map run stopped early: see the report and the map run",
            )
        )
        renew = sfn.DistributedMap(
            self._states,
            "RenewHosts",
            comment="one execution for each due host",
            item_reader=sfn.S3JsonLItemReader(
                bucket=self.work_bucket, key=sfn.JsonPath.string_at("$.check.Payload.key")
            ),
            item_selector={
                "hostID.$": "$$.Map.Item.Value.hostID",
                "runId.$": "$.check.Payload.runId",
                "startedAt.$": "$.check.Payload.startedAt",
                "lane.$": "$$.Map.Item.Value.lane",
                "runHosts.$": "$.check.Payload.due",
                # Where CertCSR puts another start, if the host has to come again.
                "csr": {"Payload": {"startAt.$": "$$.Map.Item.Value.startAt", "requeues": 0}},
                "revokeReplaced.$": "$.check.Payload.revokeReplaced",
                "revocationReason.$": "$.check.Payload.revocationReason",
                "byHand.$": "$.check.Payload.byHand",
            },
            label="RenewHosts",
            map_execution_type=sfn.StateMachineType.STANDARD,
            max_concurrency=pace.max_concurrency,
            result_path=sfn.JsonPath.DISCARD,
            result_writer_v2=sfn.ResultWriterV2(bucket=self.work_bucket, prefix="results"),
            tolerated_failure_percentage=pace.tolerated_failure_percentage,
        )
        renew.item_processor(host_renewal)
        renew.add_catch(stopped, result_path="$.mapError")
        renew.next(report)
        return check.next(
            sfn.Choice(self._states, "AnythingDue")
            .when(sfn.Condition.number_greater_than("$.check.Payload.due", 0), renew)
            .when(sfn.Condition.number_greater_than("$.check.Payload.rejected", 0), report)
            .otherwise(sfn.Succeed(self._states, "NothingDue"))
        )

    def _report(self, name: str, *, with_map_error: bool) -> sfn.TaskStateBase:
        payload = {
            "runId.$": "$.check.Payload.runId",
            "bucket.$": "$.check.Payload.bucket",
            "key.$": "$.check.Payload.key",
            "executionArn.$": "$$.Execution.Id",
        }
        if with_map_error:
            payload["mapError.$"] = "$.mapError"
        return states.invoke(self._states, name, self.cert_report, payload, "$.report")

    def _make_state_machine(
        self,
        definition: sfn.IChainable,
        schedule_interval: Duration,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
        removal_policy: RemovalPolicy,
    ) -> sfn.StateMachine:
        log_group = logs.LogGroup(
            self,
            "Log",
            encryption_key=key,
            log_group_name=self._log_group_name(),
            removal_policy=except_on_create(removal_policy),
            retention=log_retention,
        )
        machine = sfn.StateMachine(
            self,
            "StateMachine",
            comment="pca-automator: renews the certificates that are due",
            definition_body=sfn.DefinitionBody.from_chainable(definition),
            logs=sfn.LogOptions(
                # Execution data holds CSRs and task tokens; events without it say which state and which error.
                destination=log_group,
                include_execution_data=False,
                level=sfn.LogLevel.ALL,
            ),
            # Not retained: its role and functions would go, and nothing could run it.
            removal_policy=RemovalPolicy.DESTROY,
            role=self._make_role(),
            timeout=_run_timeout(schedule_interval),
            tracing_enabled=True,
        )
        # The CDK grants the map's S3 actions, but not the key of an encrypted bucket (aws/aws-cdk#32144).
        key.grant(machine, "kms:Decrypt", "kms:GenerateDataKey")
        # The CDK gives the map a policy of its own, below the machine.
        name_statements(machine)
        return machine

    def _log_group_name(self) -> str:
        """Under the prefix that AWS exempts from the resource policy that Step Functions adds each log group to.

        That policy has 5,120 characters for all groups of the account, and a full one fails the deployment. The stack's
        own id is part of the name, so that a group that an earlier stack left behind is not in the way of the next.
        https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
        """
        unique = Names.unique_resource_name(self, max_length=200, separator="-")
        stack_id = Fn.select(2, Fn.split("/", Stack.of(self).stack_id))
        return f"/aws/vendedlogs/states/{unique}-{stack_id}"

    def _make_role(self) -> iam.Role:
        """The workflow's role, for state machines of this account and Region alone.

        https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html#prevent-cross-service-confused-deputy
        """
        machines = Stack.of(self).format_arn(
            service="states", resource="stateMachine", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        return self._named_role("StateMachineRole", "states", machines, "Runs the renewal workflow")

    def _make_schedule_role(self) -> iam.Role:
        """The schedule's role. https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html"""
        group = Stack.of(self).format_arn(service="scheduler", resource="schedule-group", resource_name="default")
        return self._named_role("ScheduleRole", "scheduler", group, "Starts the renewal workflow")

    def _named_role(self, id: str, service: str, source_arn: str, description: str) -> iam.Role:
        principal = iam.ServicePrincipal(f"{service}.amazonaws.com", conditions=self._only_for(source_arn))
        role = iam.Role(self, id, assumed_by=principal, description=description)
        name_statements(role)
        return role

    def _only_for(self, source_arn: str) -> dict[str, dict[str, str]]:
        return {
            "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
            "ArnLike": {"aws:SourceArn": source_arn},
        }

    def _acknowledge(self, functions: Sequence[lambda_.IFunction]) -> None:
        arn = self.state_machine.state_machine_arn
        name = Stack.of(self).split_arn(arn, ArnFormat.COLON_RESOURCE_NAME).resource_name
        executions = [
            Stack.of(self).format_arn(
                service="states", resource="execution", resource_name=each, arn_format=ArnFormat.COLON_RESOURCE_NAME
            )
            for each in (f"{name}:*", f"{name}/RenewHosts:*")
        ]
        own = "Executions of this state machine alone."
        versions = "Any version of the one function, as the CDK's Lambda task grants it."
        work = "The work bucket holds nothing but this workflow's files."
        acknowledge_policy(
            self,
            dict.fromkeys(executions, own)
            | {f"{function.function_arn}:*": versions for function in functions}
            | {
                f"arn:{Aws.PARTITION}:s3:::{self.work_bucket.bucket_name}/*": work,
                "*": "X-Ray and log delivery know no resource type.",
            },
        )


def _run_timeout(schedule_interval: Duration) -> Duration:
    """A run that is still going when the one after the next starts is stuck; leases keep the two apart."""
    if schedule_interval.is_unresolved():
        return Duration.days(1)
    return Duration.seconds(2 * schedule_interval.to_seconds())


def _default_schedule() -> scheduler.ScheduleExpression:
    return scheduler.ScheduleExpression.cron(hour="3,15", minute="15", time_zone=TimeZone.ETC_UTC)
