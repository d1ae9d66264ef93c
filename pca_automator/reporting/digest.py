"""The daily digest: a mail about the fleet, its CA and its CRL, whether anything failed or not."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal.arguments import checked
from pca_automator._internal.schedules import invoke_on_schedule
from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.functions.factory import FunctionFactory
from pca_automator.inventory.table import HostInventory
from pca_automator.reporting.notifications import FailureNotifications

_DESCRIPTION = "Sends the digest of the fleet"


class FleetDigest(Construct):
    """CertDigest and its schedule. It only reads, and publishes to the topic.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html

    Args:
        authority: the CA.
        dead_letters: queue for digests that could not be started, or failed.
        factory: makes the function.
        inventory: the hosts.
        notifications: topic of the digest.
        schedule: when it is sent.
        schedule_interval: the longest time between two runs: what is due before the next one counts as due.
        trust_anchor_arn: the trust anchor of the CA.
        crl_name: name of the CRL at the trust anchor. Default: no CRL is looked at.

    Raises:
        ValueError: an argument has another type.
    """

    cert_digest: lambda_.Function
    """Makes the digest."""
    schedule: scheduler.Schedule
    """When it is made."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        authority: IssuingAuthority,
        dead_letters: sqs.IQueue,
        factory: FunctionFactory,
        inventory: HostInventory,
        notifications: FailureNotifications,
        schedule: scheduler.ScheduleExpression,
        schedule_interval: Duration,
        trust_anchor_arn: str,
        crl_name: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        ca_arn = authority.certificate_authority.certificate_authority_arn
        crl_bucket = authority.crl_bucket if crl_name is not None else None
        self.cert_digest = factory.make(
            self,
            "CertDigest",
            handler="cert_digest",
            description=_DESCRIPTION,
            environment={
                "CA_ARN": ca_arn,
                "CRL_BUCKET": crl_bucket.bucket_name if crl_bucket else "",
                "CRL_NAME": crl_name or "",
                "NEXT_RUN_SECONDS": str(schedule_interval.to_seconds()),
                **inventory.environment,
                "TOPIC_ARN": notifications.topic.topic_arn,
                "TRUST_ANCHOR_ARN": trust_anchor_arn,
            },
            # 100,000 hosts are about 40 pages of 1 MB, one after the other.
            timeout=Duration.minutes(5),
            memory_mib=512,
        )
        inventory.grant(self.cert_digest, "dynamodb:Scan")
        # The schedule hands its event over and hears no more of it: a digest that fails would only be missed.
        self.cert_digest.configure_async_invoke(
            max_event_age=Duration.hours(1), on_failure=destinations.SqsDestination(dead_letters), retry_attempts=2
        )
        notifications.grant_publish(self.cert_digest)
        self._allow("acm-pca:DescribeCertificateAuthority", ca_arn)
        self._allow("acm-pca:GetCertificateAuthorityCertificate", ca_arn)
        self._allow("rolesanywhere:GetTrustAnchor", trust_anchor_arn)
        if crl_name is not None:
            # ListCrls knows no resource type.
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementrolesanywhere.html
            self._allow("rolesanywhere:ListCrls", "*")
        self.schedule = invoke_on_schedule(
            self,
            "Schedule",
            dead_letters=dead_letters,
            description=_DESCRIPTION,
            function=self.cert_digest,
            max_event_age=Duration.hours(1),
            schedule=schedule,
        )

    def _allow(self, action: str, resource: str) -> None:
        self.cert_digest.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=[action], resources=[resource])
        )
