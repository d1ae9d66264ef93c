"""What a CA's CRL bucket lets AWS Private CA do, whoever made the bucket."""

from __future__ import annotations

from aws_cdk import Annotations, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from pca_automator._internal.handed_in import check_encrypts, let_use_key, resource_of, warn_of_statements

_SERVICE = "acm-pca.amazonaws.com"


def writing_statements(stack: Stack, bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    """The statements of the bucket's policy, for CAs of this account and Region.

    The CA's own ARN would be a cycle: the CA needs this policy before it is made.
    https://docs.aws.amazon.com/privateca/latest/userguide/crl-planning.html#s3-policies
    """
    principal = iam.ServicePrincipal(_SERVICE)
    return [
        # The whole bucket, as AWS documents it: the CA also writes test objects of its own naming when it is made.
        iam.PolicyStatement(
            principals=[principal],
            actions=["s3:PutObject", "s3:PutObjectAcl"],
            resources=[bucket.arn_for_objects("*")],
            conditions=_of_own_cas(stack),
        ),
        iam.PolicyStatement(
            principals=[principal],
            actions=["s3:GetBucketAcl", "s3:GetBucketLocation"],
            resources=[bucket.bucket_arn],
            conditions=_of_own_cas(stack),
        ),
    ]


def let_private_ca_write(scope: Construct, bucket: s3.IBucket) -> None:
    """Extend the policies of a bucket that is handed in, and of its key; warn with the statements where that cannot be.

    Args:
        scope: gets the warning.
        bucket: where a CA that is created writes its CRL.
    """
    stack = Stack.of(scope)
    statements = writing_statements(stack, bucket)
    left = [each for each in statements if not bucket.add_to_resource_policy(each).statement_added]
    if left:
        warn_of_statements(
            scope,
            "crl-bucket-policy",
            "crl_bucket is imported, so its policy cannot be changed from here; without these statements the CA cannot "
            "be made",
            left,
        )
    if bucket.encryption_key is None:
        return
    use = iam.PolicyStatement(
        principals=[iam.ServicePrincipal(_SERVICE)],
        actions=["kms:Decrypt", "kms:GenerateDataKey"],
        resources=["*"],  # in a key policy, "*" is this key
        conditions=_of_own_cas(stack),
    )
    if left := let_use_key(bucket.encryption_key, [use]):
        warn_of_statements(scope, "crl-bucket-key", "the key of crl_bucket is imported; its policy needs", left)


def check_events(scope: Construct, bucket: s3.IBucket) -> None:
    """Warn of a bucket whose events this stack does not get: its CRLs are then found once an hour.

    Args:
        scope: gets the warning.
        bucket: where the CA writes its CRL.

    Raises:
        ValueError: the bucket's key cannot encrypt.
    """
    check_encrypts("the key of crl_bucket", bucket.encryption_key)
    for part, its, own in (
        ("Region", bucket.env.region, Stack.of(scope).region),
        ("account", bucket.env.account, Stack.of(scope).account),
    ):
        if its != own and not Token.is_unresolved(its) and not Token.is_unresolved(own):
            Annotations.of(scope).add_warning_v2(
                "pca-automator:crl-events",
                f"crl_bucket is {bucket.node.path}, of {part} {its}, and its events stay there: a new CRL is found "
                f"by the hourly look alone; have the CA write to a bucket of {own}",
            )
            return
    resource = resource_of(bucket)
    if not isinstance(resource, s3.CfnBucket):
        return
    # The L2 switches it on with a custom resource of its own, this library with the bucket's own property.
    if resource.notification_configuration is not None or bucket.node.try_find_child("Notifications") is not None:
        return
    Annotations.of(scope).add_warning_v2(
        "pca-automator:crl-events",
        f"crl_bucket is {bucket.node.path}, which sends no events to EventBridge: a new CRL is then found by the "
        "hourly look alone; make it with event_bridge_enabled=True",
    )


def _of_own_cas(stack: Stack) -> dict[str, dict[str, str]]:
    cas = stack.format_arn(service="acm-pca", resource="certificate-authority", resource_name="*")
    return {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": cas}}
