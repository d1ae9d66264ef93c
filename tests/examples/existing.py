"""What the account of ``bring_your_own.py`` has before the app is deployed into it."""

from __future__ import annotations

import json
import re

from pca_automator.rehearsal.stage.process import ACCOUNT, REGION, LocalAws

_ROOT = "arn:aws:acm-pca:::template/RootCACertificate/V1"


def make(aws: LocalAws, source: str) -> str:
    """Make CA, key, topic, table and bucket; returns the example's text with their ARNs in the place of its own."""
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    table = aws.client("dynamodb").create_table(
        TableName="hosts",
        AttributeDefinitions=[{"AttributeName": "hostID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "hostID", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    aws.client("sns").create_topic(Name="pki-failures")
    _crl_bucket(aws, "corporate-crls")
    stream = str(table["LatestStreamArn"]).rsplit("/", 1)[-1]
    replacements = {
        r"certificate-authority/[0-9a-f-]{36}": _authority(aws, "corporate-crls").split(":", 5)[-1],
        r"key/[0-9a-f-]{36}": str(key).split(":", 5)[-1],
        r"stream/2026-01-01T00:00:00.000": f"stream/{stream}",
        r'"111122223333", "eu-central-1"': f'"{ACCOUNT}", "{REGION}"',
    }
    for pattern, value in replacements.items():
        source, count = re.subn(pattern, value, source)
        assert count == 1, f"bring_your_own.py has {count} times {pattern}"
    return source


def _crl_bucket(aws: LocalAws, name: str) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "acm-pca.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))


def _authority(aws: LocalAws, bucket: str) -> str:
    """A general-purpose root CA with a key on P-384, active."""
    pca = aws.client("acm-pca")
    algorithm = "SHA384WITHECDSA"
    arn = pca.create_certificate_authority(
        CertificateAuthorityType="ROOT",
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_secp384r1",
            "SigningAlgorithm": algorithm,
            "Subject": {"CommonName": "Corporate Root"},
        },
        RevocationConfiguration={
            "CrlConfiguration": {
                "Enabled": True,
                "ExpirationInDays": 7,
                "S3BucketName": bucket,
                "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
            }
        },
        UsageMode="GENERAL_PURPOSE",
    )["CertificateAuthorityArn"]
    csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"].encode()
    certificate = pca.issue_certificate(
        CertificateAuthorityArn=arn,
        Csr=csr,
        SigningAlgorithm=algorithm,
        TemplateArn=_ROOT,
        Validity={"Type": "DAYS", "Value": 3650},
    )["CertificateArn"]
    waiter = pca.get_waiter("certificate_issued")
    waiter.wait(CertificateAuthorityArn=arn, CertificateArn=certificate, WaiterConfig={"Delay": 1})
    issued = pca.get_certificate(CertificateAuthorityArn=arn, CertificateArn=certificate)["Certificate"]
    pca.import_certificate_authority_certificate(CertificateAuthorityArn=arn, Certificate=issued.encode())
    return str(arn)
