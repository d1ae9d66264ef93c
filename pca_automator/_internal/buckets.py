"""Buckets as this library makes them: private, encrypted, TLS only."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge, in_packs, skip_in_checkov


def private_bucket(
    scope: Construct,
    id: str,
    *,
    encryption_key: kms.IKey | None = None,
    access_log_bucket: s3.IBucket | None = None,
    removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
) -> s3.Bucket:
    """A versioned bucket without public access.

    Args:
        encryption_key: Default: keys of Amazon S3 (SSE-S3).
        access_log_bucket: Default: no server access log.
    """
    bucket = s3.Bucket(
        scope,
        id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        bucket_key_enabled=True if encryption_key else None,
        encryption=s3.BucketEncryption.KMS if encryption_key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=encryption_key,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        auto_delete_objects=removal_policy is RemovalPolicy.DESTROY,
        removal_policy=removal_policy,
        server_access_logs_bucket=access_log_bucket,
        server_access_logs_prefix=f"{id}/" if access_log_bucket else None,
        versioned=True,
    )
    assert bucket.policy is not None, "enforce_ssl makes one"
    # A bucket that stays without it would be open to plain HTTP, and AWS Private CA could not write to it any more.
    bucket.policy.apply_removal_policy(removal_policy)
    bucket.add_lifecycle_rule(abort_incomplete_multipart_upload_after=Duration.days(7))
    replication = "Derived from the inventory or the CA, and made again."
    acknowledge(bucket, dict.fromkeys(in_packs("S3BucketReplicationEnabled"), replication))
    return bucket


def access_log_bucket(scope: Construct, id: str, *, removal_policy: RemovalPolicy) -> s3.Bucket:
    """A bucket for server access logs, kept for a year."""
    bucket = private_bucket(scope, id, removal_policy=removal_policy)
    bucket.add_lifecycle_rule(expiration=Duration.days(365), noncurrent_version_expiration=Duration.days(1))
    acknowledge(
        bucket,
        dict.fromkeys(in_packs("S3DefaultEncryptionKMS"), "S3 delivers server access logs to SSE-S3 buckets alone."),
    )
    skip_in_checkov(bucket, {"CKV_AWS_18": "Logging to itself would never end."})
    return bucket


def allow_read(bucket: s3.IBucket, grantee: iam.IGrantable, keys: str, *, may_be_missing: bool = False) -> None:
    """Allow reading objects.

    Args:
        keys: a pattern, such as ``due/*``.
        may_be_missing: also allow listing the bucket: without that, a missing object answers "access denied".
    """
    grantee.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects(keys)])
    )
    if may_be_missing:
        grantee.grant_principal.add_to_principal_policy(
            # GetObject of a missing object checks ListBucket without a prefix, so no condition can narrow it.
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn])
        )
    if bucket.encryption_key is not None:
        bucket.encryption_key.grant(grantee, "kms:Decrypt")


def allow_write(bucket: s3.IBucket, grantee: iam.IGrantable, prefix: str) -> None:
    """Allow writing objects under a prefix."""
    grantee.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(actions=["s3:PutObject"], resources=[bucket.arn_for_objects(f"{prefix}*")])
    )
    if bucket.encryption_key is not None:
        # Decrypt: the work bucket has a bucket key, which S3 verifies before it uses it.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
        bucket.encryption_key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey")


def send_events(bucket: s3.Bucket) -> None:
    """Send the bucket's events to EventBridge.

    The L2's own switch deploys a custom resource for a property that CloudFormation has; this sets the property.
    """
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
