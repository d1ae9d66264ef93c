"""The ledger of certificates: a table of its own, which no user writes."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from pca_automator._internal import buckets
from pca_automator._internal.acknowledge import acknowledge, acknowledge_policy, in_packs
from pca_automator._internal.arguments import checked
from pca_automator.inventory.table import grant_table_key

WORK_INDEX = "Work"
"""The sparse index of what is still to be done."""

_TIME_TO_LIVE = "expiresAt"


class CertificateLedger(Construct):
    """One entry for each certificate that was asked for, from before the request until it has run out.

    Whoever retires a host, or replaces what may be compromised, revokes from here: every certificate that the host may
    hold, whatever its number, and also one whose answer and event were lost. Nobody but the functions writes it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html

    Args:
        access_log_bucket: for the bucket of the CA's audit reports.
        encryption_key: key of the table.
        removal_policy: of table and bucket; anything but retain also switches deletion protection off. Default: retain.

    Raises:
        ValueError: an argument has another type.
    """

    table: dynamodb.Table
    """One item for each certificate, by ``hostID`` and ``requestId``."""
    audit_bucket: s3.Bucket
    """Where the CA writes its audit reports, which tell what came of a request that nothing else tells of."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        access_log_bucket: s3.IBucket,
        encryption_key: kms.IKey,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        self.table = dynamodb.Table(
            self,
            "Certificates",
            partition_key=dynamodb.Attribute(name="hostID", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="requestId", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            deletion_protection=removal_policy is RemovalPolicy.RETAIN,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=encryption_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=removal_policy,
            time_to_live_attribute=_TIME_TO_LIVE,
        )
        self.table.add_global_secondary_index(
            index_name=WORK_INDEX,
            partition_key=dynamodb.Attribute(name="work", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="workSince", type=dynamodb.AttributeType.STRING),
        )
        backup = "Point-in-time recovery keeps 35 days; an AWS Backup plan is the account owner's choice."
        acknowledge(self.table, dict.fromkeys(in_packs("DynamoDBInBackupPlan"), backup))
        self.audit_bucket = self._make_audit_bucket(access_log_bucket, removal_policy)

    def grant(self, function: lambda_.Function, *actions: str) -> None:
        """Allow a function actions on the table, and tell it the table's name.

        Args:
            function: gets the variable ``LEDGER_TABLE``.
            actions: such as ``dynamodb:PutItem``.
        """
        function.add_environment("LEDGER_TABLE", self.table.table_name)
        self._allow(function, self.table.table_arn, *actions)
        grant_table_key(function, Stack.of(self), self.table.encryption_key)

    def grant_work(self, function: lambda_.Function, authority: acmpca.ICertificateAuthority) -> None:
        """Allow a function to find what is still to be done, and to have the CA say what it has issued.

        https://docs.aws.amazon.com/privateca/latest/userguide/PcaAuditReport.html

        Args:
            function: gets the variable ``AUDIT_BUCKET``.
            authority: the CA.
        """
        function.add_environment("AUDIT_BUCKET", self.audit_bucket.bucket_name)
        self._allow(function, f"{self.table.table_arn}/index/{WORK_INDEX}", "dynamodb:Query")
        self._allow(
            function,
            authority.certificate_authority_arn,
            "acm-pca:CreateCertificateAuthorityAuditReport",
            "acm-pca:DescribeCertificateAuthorityAuditReport",
        )
        # The CA's id is the last part of its ARN, and known at deployment alone.
        self._allow(function, self.audit_bucket.arn_for_objects("audit-report/*"), "s3:GetObject")
        _acknowledge_reports(function, self.audit_bucket)

    def _allow(self, function: lambda_.Function, resource: str, *actions: str) -> None:
        function.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=list(actions), resources=[resource])
        )

    def _make_audit_bucket(self, access_log_bucket: s3.IBucket, removal_policy: RemovalPolicy) -> s3.Bucket:
        bucket = buckets.private_bucket(
            self, "AuditReports", access_log_bucket=access_log_bucket, removal_policy=removal_policy
        )
        bucket.add_lifecycle_rule(expiration=Duration.days(7), noncurrent_version_expiration=Duration.days(1))
        # https://docs.aws.amazon.com/privateca/latest/userguide/PcaAuditReport.html#s3-access
        conditions = {
            "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
            "ArnLike": {
                "aws:SourceArn": Stack.of(self).format_arn(
                    service="acm-pca", resource="certificate-authority", resource_name="*"
                )
            },
        }
        principal = iam.ServicePrincipal("acm-pca.amazonaws.com")
        for actions, resource in (
            (["s3:PutObject", "s3:PutObjectAcl"], bucket.arn_for_objects("*")),
            (["s3:GetBucketAcl", "s3:GetBucketLocation"], bucket.bucket_arn),
        ):
            bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[principal], actions=actions, resources=[resource], conditions=conditions
                )
            )
        acknowledge(
            bucket,
            dict.fromkeys(
                in_packs("S3DefaultEncryptionKMS"),
                "No secrets, kept for a week; a key's policy could keep AWS Private CA from writing.",
            ),
        )
        return bucket


def _acknowledge_reports(function: lambda_.Function, bucket: s3.Bucket) -> None:
    """The one wildcard that reading a report needs."""
    reports = "Every report of the CA; the bucket holds nothing else."
    acknowledge_policy(function.role or function, {bucket.arn_for_objects("audit-report/*"): reports})
