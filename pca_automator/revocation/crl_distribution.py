"""From the CA's CRL to IAM Roles Anywhere."""

from __future__ import annotations

from aws_cdk import Aws, Duration, Names, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal import buckets
from pca_automator._internal.acknowledge import acknowledge, acknowledge_policy, skip_in_checkov
from pca_automator._internal.arguments import checked
from pca_automator._internal.handed_in import owners
from pca_automator._internal.queues import SQS_MANAGED_ENCRYPTION, dead_letter_queue
from pca_automator._internal.schedules import schedule_role
from pca_automator.authority.crl_bucket import check_events
from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.authority.roles_anywhere import RolesAnywhereTrust
from pca_automator.functions.factory import FunctionFactory
from pca_automator.inventory.ledger import CertificateLedger
from pca_automator.reporting.notifications import FailureNotifications
from pca_automator.revocation.grants import crl_name

_TIMEOUT = Duration.seconds(60)
_RECONCILE_EVERY = Duration.hours(1)
# One group: messages of a group are handled one after the other.
_GROUP = "crl"
_CRLS = "*.crl"


class CrlDistribution(Construct):
    """Takes each CRL that the CA writes into IAM Roles Anywhere: imported once, updated ever after.

    Events go through a FIFO queue with one message group, so that one CRL is taken at a time (the CRL API allows one
    request a second) without reserving a share of the account's concurrency, and a failing one is tried again. Every
    hour the schedule puts a message of its own into the queue, which repairs what a lost event left undone.

    https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_ImportCrl.html

    Args:
        authority: whose CRL it is; its CRL bucket must send its events to EventBridge.
        dead_letters: queue for events that never reached the FIFO queue.
        factory: makes the function.
        ledger: knows whether there are certificates: a CRL is due then.
        notifications: topic for refused CRLs.
        trust: whose trust anchor the CRL is for.

    Raises:
        ValueError: the CA has no CRL bucket, or an argument has another type.
    """

    dead_letters: sqs.Queue
    """CRLs that could not be taken."""
    queue: sqs.Queue
    """Tells CRLProcessor that there is a CRL to take."""
    crl_name: str
    """Name of the CRL at the trust anchor."""
    crl_processor: lambda_.Function
    """Takes the CRL into IAM Roles Anywhere."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        authority: IssuingAuthority,
        dead_letters: sqs.IQueue,
        factory: FunctionFactory,
        ledger: CertificateLedger,
        notifications: FailureNotifications,
        trust: RolesAnywhereTrust,
    ) -> None:
        super().__init__(scope, id)
        certificate_authority, crl_bucket = authority.certificate_authority, authority.crl_bucket
        if crl_bucket is None:
            raise ValueError("authority has no CRL bucket: there is no CRL to distribute; give the CA's crl_bucket")
        check_events(self, crl_bucket)
        self.dead_letters = dead_letter_queue(self, "DeadLetters", fifo=True)
        self.queue = sqs.Queue(
            self,
            "Queue",
            content_based_deduplication=True,
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=10, queue=self.dead_letters),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            fifo=True,
            # Six times the function's timeout, as Lambda asks for.
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
            visibility_timeout=Duration.seconds(6 * int(_TIMEOUT.to_seconds())),
        )
        self.crl_name = Names.unique_resource_name(self, max_length=200, separator="-")
        self.crl_processor = factory.make(
            self,
            "CRLProcessor",
            handler="crl_processor",
            description="Takes the private CA's CRL into IAM Roles Anywhere",
            environment={
                "CA_ARN": certificate_authority.certificate_authority_arn,
                "CRL_BUCKET": crl_bucket.bucket_name,
                "CRL_NAME": self.crl_name,
                "TOPIC_ARN": notifications.topic.topic_arn,
                "TRUST_ANCHOR_ARN": trust.trust_anchor_arn,
            },
            timeout=_TIMEOUT,
            memory_mib=512,
        )
        self._allow(certificate_authority.certificate_authority_arn, crl_bucket, notifications)
        ledger.grant(self.crl_processor, "dynamodb:Scan")
        source = sources.SqsEventSource(self.queue, batch_size=1, report_batch_item_failures=True)
        self.crl_processor.add_event_source(source)
        acknowledge(
            self.crl_processor,
            {"Serverless-LambdaEventSourceMappingDestination": "The queue's own redrive policy keeps what failed."},
        )
        skip_in_checkov(self.queue, {"CKV_AWS_27": SQS_MANAGED_ENCRYPTION})
        self._listen(authority, crl_bucket, dead_letters)
        self._reconcile(dead_letters)

    def _reconcile(self, dead_letters: sqs.IQueue) -> None:
        """Compare the CA's CRL with the one in force, whatever became of the events; measure both."""
        description = "Brings the private CA's CRL into force where an event was lost"
        scheduler.Schedule(
            self,
            "Reconciliation",
            description=description,
            schedule=scheduler.ScheduleExpression.rate(_RECONCILE_EVERY),
            target=scheduler_targets.SqsSendMessage(
                self.queue,
                dead_letter_queue=dead_letters,
                input=scheduler.ScheduleTargetInput.from_object({"reconcile": True}),
                max_event_age=_RECONCILE_EVERY,
                message_group_id=_GROUP,
                retry_attempts=3,
                role=schedule_role(self, "ReconciliationRole", description),
            ),
        )

    def _allow(self, authority_arn: str, crl_bucket: s3.IBucket, notifications: FailureNotifications) -> None:
        function = self.crl_processor
        function.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["acm-pca:DescribeCertificateAuthority", "acm-pca:GetCertificateAuthorityCertificate"],
                resources=[authority_arn],
            )
        )
        function.grant_principal.add_to_principal_policy(
            # ImportCrl and ListCrls know no resource type.
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementrolesanywhere.html
            iam.PolicyStatement(actions=["rolesanywhere:ImportCrl", "rolesanywhere:ListCrls"], resources=["*"])
        )
        crls = Stack.of(self).format_arn(service="rolesanywhere", resource="crl", resource_name="*")
        function.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["rolesanywhere:UpdateCrl"], resources=[crls])
        )
        acknowledge_policy(
            function.role or function,
            {
                crls: "The CRL's id is not known before it is imported; only its own is updated.",
                crl_bucket.arn_for_objects(_CRLS): "AWS Private CA chooses the path.",
            },
        )
        buckets.allow_read(crl_bucket, function, _CRLS, may_be_missing=True)
        notifications.grant_publish(function)

    def _listen(self, authority: IssuingAuthority, crl_bucket: s3.IBucket, dead_letters: sqs.IQueue) -> None:
        authority_arn = authority.certificate_authority.certificate_authority_arn
        # Under whatever path: the CA's configuration, which may change after this deployment, says which.
        name = {"suffix": f"/{crl_name(authority.certificate_authority)}"}
        events.Rule(
            self,
            "CrlWritten",
            description="The private CA wrote its CRL",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                account=[Aws.ACCOUNT_ID],
                region=[Aws.REGION],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [crl_bucket.bucket_name]}, "object": {"key": [name]}},
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=dead_letters, message_group_id=_GROUP)],
        )
        events.Rule(
            self,
            "CrlNotWritten",
            description="The private CA could not write its CRL",
            event_pattern=events.EventPattern(
                source=["aws.acm-pca"],
                account=owners(self, authority_arn),
                region=[Aws.REGION],
                detail_type=["ACM Private CA CRL Generation"],
                resources=[authority_arn],
                detail={"result": ["failure"]},
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=dead_letters, message_group_id=_GROUP)],
        )
