"""What a created and an imported automation have in common: grants, metrics and events."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge_grant
from pca_automator._internal.arguments import checked
from pca_automator._internal.queues import messages_waiting
from pca_automator.inventory.overrides import USER_ATTRIBUTES
from pca_automator.inventory.table import grant_table_key
from pca_automator.monitoring.metrics import AutomationMetrics
from pca_automator.revocation.grants import grant_revocation


class AutomationBase(AutomationMetrics):
    """Grants, metrics and events of an automation, whether this stack made it or imports it."""

    certificate_authority: acmpca.ICertificateAuthority
    """The CA that issues."""
    crl_bucket: s3.IBucket | None
    """Where the CA writes its CRL; none for an existing CA without one."""
    dead_letters: sqs.IQueue
    """Starts and events that could not be handled."""
    encryption_key: kms.IKey
    """Key of the inventory."""
    table: dynamodb.ITable
    """The inventory of hosts."""

    def metric_dead_letters(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Starts and events that wait in :attr:`dead_letters`; CRLs have a queue of their own.

        Args:
            period: of a data point. Default: five minutes.
        """
        return messages_waiting(self.dead_letters, period=period)

    def grant_start_run(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow starting runs, and watching those runs and their hosts.

        Args:
            grantee: who may.
        """
        stack = Stack.of(self)
        arn = self.state_machine.state_machine_arn
        name = stack.split_arn(arn, ArnFormat.COLON_RESOURCE_NAME).resource_name
        # A host's execution is named after the map's label: execution:<name>/RenewHosts:<id>.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
        executions = [
            stack.format_arn(
                service="states", resource=kind, resource_name=each, arn_format=ArnFormat.COLON_RESOURCE_NAME
            )
            for kind, each in (("execution", f"{name}:*"), ("execution", f"{name}/*"), ("mapRun", f"{name}/*"))
        ]
        running = "Runs of this state machine alone, whose ids are not known before."
        start = self.state_machine.grant(grantee, "states:StartExecution", "states:ListExecutions")
        watch = iam.Grant.add_to_principal(
            actions=[
                "states:DescribeExecution",
                "states:DescribeMapRun",
                "states:ListExecutions",
                "states:ListMapRuns",
            ],
            grantee=grantee,
            resource_arns=executions,
        )
        acknowledge_grant(grantee, dict.fromkeys(executions, running))
        return start.combine(watch)

    def grant_read_inventory(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow reading the inventory.

        Args:
            grantee: who may.
        """
        grant_table_key(grantee, Stack.of(self), self.encryption_key)
        return self.table.grant(grantee, "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan")

    def grant_enrol_hosts(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow putting hosts and their overrides into the inventory, but none of the system's own attributes.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html

        Args:
            grantee: who may.
        """
        grant_table_key(grantee, Stack.of(self), self.encryption_key)
        return iam.Grant.add_to_principal(
            actions=["dynamodb:PutItem", "dynamodb:UpdateItem"],
            conditions={
                "ForAllValues:StringEquals": {"dynamodb:Attributes": list(USER_ATTRIBUTES)},
                # Without this, UpdateItem could return every attribute of the item.
                "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]},
            },
            grantee=grantee,
            resource_arns=[self.table.table_arn],
        )

    @property
    def retire_function_arn(self) -> str | None:
        """Of CertRetire, by which hosts are retired by hand; None where an import does not say it."""
        raise NotImplementedError

    @checked
    def grant_retire(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow retiring hosts: ``pca-automator hosts retire ID``, or a pipeline that takes machines down.

        Args:
            grantee: who may.

        Raises:
            ValueError: the automation is imported without ``retire_function_arn``, or the argument has another type.
        """
        if self.retire_function_arn is None:
            raise ValueError("retire_function_arn is None: import the automation with the ARN of its CertRetire")
        # Not grant_invoke, which also allows every version and alias, of which there is none.
        return iam.Grant.add_to_principal(
            actions=["lambda:InvokeFunction"], grantee=grantee, resource_arns=[self.retire_function_arn]
        )

    def grant_revoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow revoking certificates of the CA.

        Args:
            grantee: who may.
        """
        return grant_revocation(grantee, self.certificate_authority, self.crl_bucket)

    @classmethod
    def from_automation_attributes(
        cls,
        scope: Construct,
        id: str,
        *,
        automation_name: str,
        certificate_authority_arn: str,
        dead_letter_queue_arn: str,
        encryption_key_arn: str,
        state_machine_arn: str,
        table_arn: str,
        crl_bucket_name: str | None = None,
        retire_function_arn: str | None = None,
    ) -> ImportedAutomation:
        """A deployed automation, seen from another stack: the same grants, metrics and events.

        The sample stack has an output for each of these.

        Args:
            scope: where it is needed.
            id: its construct id.
            automation_name: value of the metric dimension ``Automation``.
            certificate_authority_arn: of the CA that issues.
            dead_letter_queue_arn: of the queue of what could not be handled.
            encryption_key_arn: of the inventory's key.
            state_machine_arn: of the workflow.
            table_arn: of the inventory.
            crl_bucket_name: of the bucket that the CA writes its CRL to. Default: it writes none.
            retire_function_arn: of CertRetire, for :meth:`grant_retire`. Default: nobody can be allowed to retire.

        Raises:
            ValueError: an argument has another type.
        """
        return ImportedAutomation(
            scope,
            id,
            automation_name=automation_name,
            certificate_authority_arn=certificate_authority_arn,
            dead_letter_queue_arn=dead_letter_queue_arn,
            encryption_key_arn=encryption_key_arn,
            state_machine_arn=state_machine_arn,
            table_arn=table_arn,
            crl_bucket_name=crl_bucket_name,
            retire_function_arn=retire_function_arn,
        )


class ImportedAutomation(AutomationBase):
    """A deployed automation, seen from another stack; ``PcaCertificateAutomation.from_automation_attributes`` makes it.

    https://docs.aws.amazon.com/cdk/v2/guide/resources.html#resources_importing

    Args:
        automation_name: value of the metric dimension ``Automation``.
        certificate_authority_arn: of the CA that issues.
        dead_letter_queue_arn: of the queue of what could not be handled.
        encryption_key_arn: of the inventory's key.
        state_machine_arn: of the workflow.
        table_arn: of the inventory.
        crl_bucket_name: of the bucket that the CA writes its CRL to. Default: it writes none.
        retire_function_arn: of CertRetire, for :meth:`grant_retire`. Default: nobody can be allowed to retire hosts.

    Raises:
        ValueError: an argument has another type.
    """

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        automation_name: str,
        certificate_authority_arn: str,
        dead_letter_queue_arn: str,
        encryption_key_arn: str,
        state_machine_arn: str,
        table_arn: str,
        crl_bucket_name: str | None = None,
        retire_function_arn: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.crl_bucket = (
            None if crl_bucket_name is None else s3.Bucket.from_bucket_name(self, "CrlBucket", crl_bucket_name)
        )
        self.automation_name = automation_name
        self.certificate_authority = acmpca.CertificateAuthority.from_certificate_authority_arn(
            self, "CertificateAuthority", certificate_authority_arn
        )
        self.encryption_key = kms.Key.from_key_arn(self, "Key", encryption_key_arn)
        self.dead_letters = sqs.Queue.from_queue_arn(self, "DeadLetters", dead_letter_queue_arn)
        self._retire_function_arn = retire_function_arn
        self._state_machine = sfn.StateMachine.from_state_machine_arn(self, "StateMachine", state_machine_arn)
        self.table = dynamodb.Table.from_table_attributes(
            self, "Table", table_arn=table_arn, encryption_key=self.encryption_key
        )

    @property
    def state_machine(self) -> sfn.IStateMachine:
        """The workflow."""
        return self._state_machine

    @property
    def retire_function_arn(self) -> str | None:
        """Of CertRetire, by which hosts are retired by hand; None where it was not given."""
        return self._retire_function_arn
