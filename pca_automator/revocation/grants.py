"""The permission to revoke certificates."""

from __future__ import annotations

from aws_cdk import Fn
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from pca_automator._internal.acknowledge import acknowledge_grant

WRITTEN_BY_PRIVATE_CA = (
    "*.crl",
    "audit-report/*",
    "acm-pca-permission-test-key",
    "acm-pca-permission-test-key-private",
)
"""The objects that AWS Private CA writes into a bucket, by the pages on CRLs and encryption; CRLs lie below crl/ or a
CustomPath."""

_WILDCARD = "AWS names no object that it tries; with aws:ViaAWSService AWS alone writes."


def crl_name(certificate_authority: acmpca.ICertificateAuthority) -> str:
    """The name of the object with the complete CRL, without its path: the CA's id is the last part of its ARN."""
    return f"{Fn.select(1, Fn.split('/', certificate_authority.certificate_authority_arn))}.crl"


def grant_revocation(
    grantee: iam.IGrantable, certificate_authority: acmpca.ICertificateAuthority, crl_bucket: s3.IBucket | None
) -> iam.Grant:
    """Allow revoking certificates of a CA.

    Who revokes must be able to write to the CRL bucket, says the page of the operation, or an exception is thrown; it
    does not say to which object. So that is granted for all that AWS Private CA writes there, with the key of a bucket
    that has one, and only for requests that AWS makes on the principal's behalf: nobody can write a CRL with it.
    https://docs.aws.amazon.com/privateca/latest/APIReference/API_RevokeCertificate.html,
    https://docs.aws.amazon.com/privateca/latest/userguide/crl-planning.html

    Args:
        grantee: who may.
        certificate_authority: the CA.
        crl_bucket: where it writes its CRL, if it has one.
    """
    if crl_bucket is not None:
        objects = [crl_bucket.arn_for_objects(key) for key in WRITTEN_BY_PRIVATE_CA]
        _on_behalf(grantee, ["s3:PutObject", "s3:PutObjectAcl"], objects)
        _on_behalf(grantee, ["s3:GetBucketAcl", "s3:GetBucketLocation"], [crl_bucket.bucket_arn])
        if crl_bucket.encryption_key is not None:
            _on_behalf(grantee, ["kms:Decrypt", "kms:GenerateDataKey"], [crl_bucket.encryption_key.key_arn])
    revoke = iam.Grant.add_to_principal(
        actions=["acm-pca:RevokeCertificate"],
        grantee=grantee,
        resource_arns=[certificate_authority.certificate_authority_arn],
    )
    if crl_bucket is not None:
        written = zip(WRITTEN_BY_PRIVATE_CA, objects, strict=True)
        acknowledge_grant(grantee, {arn: _WILDCARD for key, arn in written if "*" in key})
    return revoke


def _on_behalf(grantee: iam.IGrantable, actions: list[str], resources: list[str]) -> None:
    iam.Grant.add_to_principal(
        actions=actions,
        conditions={"Bool": {"aws:ViaAWSService": "true"}},
        grantee=grantee,
        resource_arns=resources,
    )
