"""Hosts that leave: retired in the inventory, their certificates revoked."""

from __future__ import annotations

from aws_cdk import Aws, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal.arguments import checked
from pca_automator._internal.schedules import invoke_every
from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.functions.factory import FunctionFactory
from pca_automator.hosts.documents import HostDocuments
from pca_automator.hosts.settings import HostSettings
from pca_automator.inventory.ledger import CertificateLedger
from pca_automator.inventory.table import HostInventory
from pca_automator.membership.streams import follow_changes
from pca_automator.renewal.polling import Polling
from pca_automator.reporting.notifications import FailureNotifications
from pca_automator.revocation.grants import grant_revocation
from pca_automator.revocation.policies import RevocationPolicy

RECONCILE_EVERY = Duration.hours(1)
"""EC2 shows a terminated instance for about an hour, and AWS Private CA writes a CRL about half an hour after a
revocation: more often would gain little.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html"""

# One EC2 filter takes 200 ids, and each item may wait for three revocations of a twentieth of a second.
_REMOVED_AT_ONCE = 200


class HostDeparture(Construct):
    """CertRetire: woken by EC2's termination events, by a schedule, and by hand.

    The schedule compares the inventory with EC2 and Systems Manager, which repairs a lost event, finds deregistered
    hybrid nodes (no event tells of them), and finishes revocations that failed. By hand, invoke the function with
    ``{"hostIDs": ["i-..."]}``: it also has the hosts remove key and certificate. A removed item tells it once more what
    was to be revoked, because the reconciliation cannot find that any more.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html

    Args:
        authority: the CA that issued.
        dead_letters: queue for events that could not be handled.
        documents: what runs on the hosts.
        factory: makes the function.
        inventory: the hosts.
        ledger: of the certificates, from which everything is revoked.
        notifications: topic for a departure that is too large to be true.
        polling: how long a command may wait for its host.
        revoke: whether the certificates of a host that leaves are revoked.
        settings: where things are on the hosts.
        stream_arn: the inventory's stream. Default: removed items are not looked at.

    Raises:
        ValueError: an argument has another type.
    """

    cert_retire: lambda_.Function
    """Retires hosts and revokes their certificates; invoke it by hand for hosts that leave."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        authority: IssuingAuthority,
        dead_letters: sqs.IQueue,
        documents: HostDocuments,
        factory: FunctionFactory,
        inventory: HostInventory,
        ledger: CertificateLedger,
        notifications: FailureNotifications,
        polling: Polling,
        revoke: RevocationPolicy,
        settings: HostSettings,
        stream_arn: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.cert_retire = factory.make(
            self,
            "CertRetire",
            handler="cert_retire",
            description="Retires hosts that left and revokes their certificates",
            environment={
                "CACERT_PATH": settings.ca_certificate_path,
                "CA_ARN": authority.certificate_authority.certificate_authority_arn,
                "CERT_PATH": settings.certificate_path,
                "KEY_PATH": settings.key_path,
                **polling.environment,
                "REMOVE_DOCUMENT": documents.document_name("RemoveCertificate"),
                "REVOKE_ON_RETIRE": revoke.value,
                **inventory.environment,
                "TOPIC_ARN": notifications.topic.topic_arn,
            },
            # 500 hosts by hand, or 100,000 compared with EC2 in 500 calls.
            timeout=Duration.minutes(10),
            memory_mib=512,
        )
        inventory.grant(self.cert_retire, "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Scan")
        ledger.grant(self.cert_retire, "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")
        ledger.grant_work(self.cert_retire, authority.certificate_authority)
        documents.grant_send(self.cert_retire, "RemoveCertificate")
        notifications.grant_publish(self.cert_retire)
        self._allow(authority)
        self._listen(dead_letters)
        if stream_arn is not None:
            follow_changes(
                self, "RemovedItems", batch_size=_REMOVED_AT_ONCE, dead_letters=dead_letters,
                filters=[{"eventName": lambda_.FilterRule.is_equal("REMOVE")}], function=self.cert_retire,
                gather_for=Duration.seconds(5), stream_arn=stream_arn, stream_key=None,
            )  # fmt: skip
        invoke_every(
            self, "Reconciliation", dead_letters=dead_letters, description="Retires the hosts that are gone",
            function=self.cert_retire, interval=RECONCILE_EVERY, payload={"reconcile": True},
        )  # fmt: skip

    def _allow(self, authority: IssuingAuthority) -> None:
        self.cert_retire.grant_principal.add_to_principal_policy(
            # Whose certificate it is, and the serial number of one that is not recorded yet.
            iam.PolicyStatement(
                actions=["acm-pca:GetCertificate"],
                resources=[authority.certificate_authority.certificate_authority_arn],
            )
        )
        grant_revocation(self.cert_retire, authority.certificate_authority, authority.crl_bucket)
        # Neither knows a resource type; both only read.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
        self.cert_retire.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"],
                resources=["*"],
            )
        )

    def _listen(self, dead_letters: sqs.IQueue) -> None:
        """Every termination of the account and Region; the function knows which instances are in the inventory."""
        lifetime = Duration.hours(1)  # then the schedule has done it
        events.Rule(
            self,
            "InstanceTerminated",
            description="An EC2 instance was terminated",
            event_pattern=events.EventPattern(
                source=["aws.ec2"],
                account=[Aws.ACCOUNT_ID],
                region=[Aws.REGION],
                detail_type=["EC2 Instance State-change Notification"],
                detail={"state": ["terminated"]},
            ),
            targets=[
                targets.LambdaFunction(
                    self.cert_retire, dead_letter_queue=dead_letters, max_event_age=lifetime, retry_attempts=10
                )
            ],
        )
        self.cert_retire.configure_async_invoke(
            max_event_age=lifetime, on_failure=destinations.SqsDestination(dead_letters), retry_attempts=2
        )
