"""The permission to revoke certificates."""

from __future__ import annotations

from aws_cdk import Fn
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3


def crl_key(certificate_authority: acmpca.ICertificateAuthority) -> str:
    """The key of the object that AWS Private CA writes its complete CRL to: the CA's id is the last part of its ARN."""
    return f"crl/{Fn.select(1, Fn.split('/', certificate_authority.certificate_authority_arn))}.crl"


def grant_revocation(
    grantee: iam.IGrantable, certificate_authority: acmpca.ICertificateAuthority, crl_bucket: s3.IBucket | None
) -> iam.Grant:
    """Allow revoking certificates of a CA.

    Who revokes must be able to write to the CRL bucket, says the page of the operation, or an exception is thrown. That
    is granted for the one object and for requests that AWS makes on the principal's behalf: nobody can write a CRL with
    it. https://docs.aws.amazon.com/privateca/latest/APIReference/API_RevokeCertificate.html

    Args:
        grantee: who may.
        certificate_authority: the CA.
        crl_bucket: where it writes its CRL, if it has one.
    """
    if crl_bucket is not None:
        for actions, resource in (
            (["s3:PutObject", "s3:PutObjectAcl"], crl_bucket.arn_for_objects(crl_key(certificate_authority))),
            (["s3:GetBucketAcl", "s3:GetBucketLocation"], crl_bucket.bucket_arn),
        ):
            iam.Grant.add_to_principal(
                actions=actions,
                conditions={"Bool": {"aws:ViaAWSService": "true"}},
                grantee=grantee,
                resource_arns=[resource],
            )
    return iam.Grant.add_to_principal(
        actions=["acm-pca:RevokeCertificate"],
        grantee=grantee,
        resource_arns=[certificate_authority.certificate_authority_arn],
    )
