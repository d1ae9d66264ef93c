"""An account that already has a general-purpose CA, a key, a topic and a table."""

from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from pca_automator import Authority, PcaCertificateAutomation, RenewalTimes, SigningAlgorithm, UsageMode

ACCOUNT, REGION = "111122223333", "eu-central-1"
CA_ARN = f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:certificate-authority/11111111-2222-3333-4444-555555555555"

app = App()
stack = Stack(app, "BringYourOwn", env=Environment(account=ACCOUNT, region=REGION))
key = kms.Key.from_key_arn(stack, "Key", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/66666666-7777-8888-9999-000000000000")
PcaCertificateAutomation(
    stack,
    "Automation",
    authority=Authority.existing(
        acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "Authority", CA_ARN),
        # The bucket must send its events to EventBridge.
        crl_bucket=s3.Bucket.from_bucket_name(stack, "Crls", "corporate-crls"),
        signing_algorithm=SigningAlgorithm.SHA384WITHECDSA,
        usage_mode=UsageMode.GENERAL_PURPOSE,
    ),
    encryption_key=key,
    table=dynamodb.Table.from_table_attributes(
        stack,
        "Hosts",
        encryption_key=key,
        table_arn=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/hosts",
        table_stream_arn=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/hosts/stream/2026-01-01T00:00:00.000",
    ),
    times=RenewalTimes(validity=Duration.days(30), threshold=Duration.days(10)),
    topic=sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:{REGION}:{ACCOUNT}:pki-failures"),
)
app.synth()
