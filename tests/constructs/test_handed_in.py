"""What is handed in is looked at: refused, put right, or warned of with the statement to add."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rolesanywhere as rolesanywhere
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match

from pca_automator import Authority, PcaCertificateAutomation, SigningAlgorithm, UsageMode
from pca_automator._internal.handed_in import CHECKS
from tests.members import members
from tests.synthesis import actions, as_list, new_app, resources, statements, template_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "handed-in.md"
ACCOUNT, REGION = "111122223333", "eu-central-1"
ID = "12345678-1234-1234-1234-123456789012"
STRING = dynamodb.AttributeType.STRING


def fleet(app: App | None = None) -> Stack:
    return Stack(app or new_app(), "Fleet", env=Environment(account=ACCOUNT, region=REGION))


def made(stack: Stack, **props: Any) -> dict[str, Any]:
    return template_of(PcaCertificateAutomation(stack, "Automation", **props))


def ca(stack: Stack, region: str = REGION, account: str = ACCOUNT, **more: Any) -> Authority:
    arn = f"arn:aws:acm-pca:{region}:{account}:certificate-authority/{ID}"
    return Authority.existing(acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "CA", arn), **more)


def table(stack: Stack, key: str = "hostID", kind: dynamodb.AttributeType = STRING, **more: Any) -> dynamodb.Table:
    return dynamodb.Table(stack, "Mine", partition_key=dynamodb.Attribute(name=key, type=kind), **more)


def own_ca(
    stack: Stack, mode: str, algorithm: str = "RSA_2048", crl: dict[str, Any] | None = None
) -> acmpca.ICertificateAuthority:
    made = acmpca.CfnCertificateAuthority
    resource = made(
        stack,
        "Own",
        revocation_configuration=None
        if crl is None
        else made.RevocationConfigurationProperty(crl_configuration=made.CrlConfigurationProperty(**crl)),
        type="ROOT",
        usage_mode=mode,
        key_algorithm=algorithm,
        signing_algorithm="SHA256WITHRSA" if algorithm.startswith("RSA") else "SHA256WITHECDSA",
        subject=made.SubjectProperty(common_name="Own"),
    )
    return acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "Imported", resource.attr_arn)


def writes(stack: Stack, **crl: Any) -> dict[str, Any]:
    """A CA of this app with a CRL, and the bucket "crls" in which that is looked for."""
    bucket = s3.Bucket.from_bucket_name(stack, "Crls", "crls")
    return {"authority": Authority.existing(own_ca(stack, "GENERAL_PURPOSE", crl=crl), crl_bucket=bucket)}


def anchor(
    stack: Stack, *, enabled: bool | None = True, of: str = f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:x"
) -> dict[str, Any]:
    """A trust anchor of this app, and a CA that is imported."""
    kind = rolesanywhere.CfnTrustAnchor
    source = kind.SourceProperty(source_type="AWS_ACM_PCA", source_data=kind.SourceDataProperty(acm_pca_arn=of))
    return {
        "authority": ca(stack),
        "trust_anchor": kind(stack, "Anchor", name="anchor", enabled=enabled, source=source),
    }


def imported_anchor(stack: Stack, region: str = REGION, account: str = ACCOUNT) -> dict[str, Any]:
    arn = f"arn:aws:rolesanywhere:{region}:{account}:trust-anchor/{ID}"
    return {
        "authority": ca(stack),
        "trust_anchor": rolesanywhere.CfnTrustAnchor.from_trust_anchor_arn(stack, "Anchor", arn),
    }


def imported_table(stack: Stack, region: str = REGION, account: str = ACCOUNT) -> dict[str, Any]:
    arn = f"arn:aws:dynamodb:{region}:{account}:table/hosts"
    return {"table": dynamodb.Table.from_table_arn(stack, "Mine", arn)}


def signing_key(stack: Stack) -> kms.Key:
    return kms.Key(stack, "K", key_spec=kms.KeySpec.ECC_NIST_P256, key_usage=kms.KeyUsage.SIGN_VERIFY)


REFUSED: dict[str, tuple[Callable[[Stack], dict[str, Any]], str]] = {
    "FIFO topic": (lambda s: {"topic": sns.Topic(s, "T", fifo=True)}, "topic is Fleet/T, a FIFO topic"),
    "imported FIFO topic": (
        lambda s: {"topic": sns.Topic.from_topic_arn(s, "T", f"arn:aws:sns:{REGION}:{ACCOUNT}:t.fifo")},
        "a FIFO topic",
    ),
    "topic of another Region": (
        lambda s: {"topic": sns.Topic.from_topic_arn(s, "T", f"arn:aws:sns:us-east-1:{ACCOUNT}:t")},
        "topic is arn:aws:sns:us-east-1:.* of Region us-east-1, but the stack is in eu-central-1",
    ),
    "table with another key": (lambda s: {"table": table(s, "id")}, r"table is Fleet/Mine with the key id \(HASH"),
    "table with a number for a key": (
        lambda s: {"table": table(s, kind=dynamodb.AttributeType.NUMBER)},
        r"hostID \(HASH, type N\)",
    ),
    "table with a sort key": (
        lambda s: {"table": table(s, sort_key=dynamodb.Attribute(name="at", type=STRING))},
        "without a sort key",
    ),
    "table with keys in its stream": (
        lambda s: {"table": table(s, stream=dynamodb.StreamViewType.KEYS_ONLY)},
        "with a stream of KEYS_ONLY: .* NEW_AND_OLD_IMAGES",
    ),
    "TableV2 with another key": (
        lambda s: {"table": dynamodb.TableV2(s, "Mine", partition_key=dynamodb.Attribute(name="host", type=STRING))},
        r"with the key host \(HASH",
    ),
    "TableV2 with new images in its stream": (
        lambda s: {
            "table": dynamodb.TableV2(
                s,
                "Mine",
                partition_key=dynamodb.Attribute(name="hostID", type=STRING),
                dynamo_stream=dynamodb.StreamViewType.NEW_IMAGE,
            )
        },
        "table is Fleet/Mine with a stream of NEW_IMAGE: .* NEW_AND_OLD_IMAGES",
    ),
    "table of another Region": (
        lambda s: imported_table(s, region="us-east-1"),
        "table is arn:aws:dynamodb:us-east-1:.* of Region us-east-1, but the stack is in eu-central-1",
    ),
    "table of another account": (
        lambda s: imported_table(s, account="999999999999"),
        "table is .* of account 999999999999, but the stack is in 111122223333",
    ),
    "table whose key signs": (
        lambda s: {"table": table(s, encryption_key=signing_key(s))},
        "the key of table is Fleet/K/Resource with key spec ECC_NIST_P256",
    ),
    "topic whose key is disabled": (
        lambda s: {"topic": sns.Topic(s, "T", master_key=kms.Key(s, "K", enabled=False))},
        "the key of topic is Fleet/K/Resource, which is disabled",
    ),
    "bucket whose key is for HMACs": (
        lambda s: {
            "authority": Authority.created(
                crl_bucket=s3.Bucket(
                    s,
                    "Crls",
                    encryption_key=kms.Key(
                        s, "K", key_spec=kms.KeySpec.HMAC_256, key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC
                    ),
                )
            )
        },
        "the key of crl_bucket is Fleet/K/Resource with key spec HMAC_256",
    ),
    "key that signs": (
        lambda s: {"encryption_key": signing_key(s)},
        "encryption_key is Fleet/K/Resource with key spec",
    ),
    "key that encrypts with a pair": (
        lambda s: {"encryption_key": kms.Key(s, "K", key_spec=kms.KeySpec.RSA_2048)},
        "encryption_key is Fleet/K/Resource with key spec RSA_2048",
    ),
    "key that is disabled": (
        lambda s: {"encryption_key": kms.Key(s, "K", enabled=False)},
        "encryption_key is Fleet/K/Resource, which is disabled",
    ),
    "CA that writes no CRL": (
        lambda s: writes(s, enabled=False),
        "the CA is Fleet/Own, which writes no CRL: enable one",
    ),
    "CA with partitioned CRLs": (
        lambda s: writes(s, enabled=True, s3_bucket_name="crls", crl_type="PARTITIONED"),
        "the CA is Fleet/Own, which writes partitioned CRLs",
    ),
    "CA that writes elsewhere": (
        lambda s: writes(s, enabled=True, s3_bucket_name="others"),
        'crl_bucket is Fleet/Crls, but the CA is Fleet/Own, which writes to "others", not to "crls"',
    ),
    "trust anchor of another Region": (
        lambda s: imported_anchor(s, region="us-east-1"),
        "trust_anchor is arn:aws:rolesanywhere:us-east-1:.* of Region us-east-1",
    ),
    "trust anchor of another account": (
        lambda s: imported_anchor(s, account="999999999999"),
        "trust_anchor is .* of account 999999999999",
    ),
    "disabled trust anchor": (lambda s: anchor(s, enabled=False), "trust_anchor is Fleet/Anchor, which is disabled"),
    "CA that is none": (
        lambda s: {
            "authority": Authority.existing(
                acmpca.CertificateAuthority.from_certificate_authority_arn(s, "CA", "my-ca")
            )
        },
        "certificate_authority is 'my-ca': it must be the ARN of a CA",
    ),
    "CA of another Region": (lambda s: {"authority": ca(s, region="us-east-1")}, "of Region us-east-1, but the stack"),
    "CA of another account": (
        lambda s: {"authority": ca(s, account="999999999999")},
        "of account 999999999999, but the stack is in 111122223333: .* give it as trust_anchor",
    ),
    "short-lived CA of this app": (
        lambda s: {"authority": Authority.existing(own_ca(s, "SHORT_LIVED_CERTIFICATE"))},
        "usage_mode is UsageMode.GENERAL_PURPOSE, but Fleet/Own has SHORT_LIVED_CERTIFICATE",
    ),
    "EC CA of this app": (
        lambda s: {"authority": Authority.existing(own_ca(s, "GENERAL_PURPOSE", "EC_prime256v1"))},
        "signing_algorithm is SigningAlgorithm.SHA256WITHRSA, but Fleet/Own has a key of EC_prime256v1",
    ),
    "alias": (
        lambda s: {"encryption_key": kms.Alias(s, "A", alias_name="alias/mine", target_key=kms.Key(s, "K"))},
        "an alias: give the key itself",
    ),
    "key of another Region": (
        lambda s: {"encryption_key": kms.Key.from_key_arn(s, "K", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{ID}")},
        "encryption_key is .* of Region us-east-1",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_could_not_work_is_refused_with_what_is_the_matter(what: str) -> None:
    props, said = REFUSED[what]
    stack = fleet()
    with pytest.raises(ValueError, match=said):
        made(stack, **props(stack))


FITS: list[Callable[[Stack], dict[str, Any]]] = [
    lambda s: {"table": table(s, stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES)},
    lambda s: {"table": table(s), "immediate_enrolment": False},
    lambda s: {
        "authority": Authority.existing(
            own_ca(s, "SHORT_LIVED_CERTIFICATE", "EC_prime256v1"),
            usage_mode=UsageMode.SHORT_LIVED,
            signing_algorithm=SigningAlgorithm.SHA256WITHECDSA,
        )
    },
    lambda s: {"authority": ca(s)},
    lambda s: writes(s, enabled=True, s3_bucket_name="crls", custom_path="pki/lists"),
    lambda s: imported_anchor(s),
    lambda s: imported_table(s),
    lambda s: {"encryption_key": kms.Key(s, "K", enabled=True)},
    lambda s: {
        "table": dynamodb.TableV2(
            s,
            "Mine",
            partition_key=dynamodb.Attribute(name="hostID", type=STRING),
            dynamo_stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            table_class=dynamodb.TableClass.STANDARD_INFREQUENT_ACCESS,
        )
    },
]


@pytest.mark.parametrize("props", members(FITS, [FITS[2], FITS[4], FITS[8]]))
def test_what_fits_is_taken(props: Callable[[Stack], dict[str, Any]]) -> None:
    stack = fleet()
    assert made(stack, **props(stack))["Resources"]


def test_who_publishes_may_use_the_key_of_a_topic_of_this_app_and_so_may_alarms() -> None:
    """Else reports and alarms alike are dropped without a word."""
    stack = fleet()
    key = kms.Key(stack, "TopicKey")
    template = made(stack, topic=sns.Topic(stack, "Topic", master_key=key))
    name = stack.get_logical_id(key.node.default_child)  # type: ignore[arg-type]

    def publishing(statement: dict[str, Any]) -> bool:
        return "sns:Publish" in actions(statement)

    policies = resources(template, "AWS::IAM::Policy").values()
    publishers = [each["Properties"]["PolicyDocument"]["Statement"] for each in policies]
    publishers = [each for each in publishers if any(publishing(statement) for statement in each)]
    assert len(publishers) >= 3
    for each in publishers:
        assert any(
            name in json.dumps(statement["Resource"]) and "kms:GenerateDataKey" in actions(statement)
            for statement in each
        )
    policy = resources(template, "AWS::KMS::Key")[name]["Properties"]["KeyPolicy"]["Statement"]
    (alarms,) = [each for each in policy if each["Principal"].get("Service") == "cloudwatch.amazonaws.com"]
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


WARNED: dict[str, tuple[Callable[[Stack], dict[str, Any]], str]] = {
    "topic of another account": (
        lambda s: {"topic": sns.Topic.from_topic_arn(s, "T", f"arn:aws:sns:{REGION}:999999999999:t")},
        f"of another account.*sns:Publish.*{ACCOUNT}.*cloudwatch.amazonaws.com",
    ),
    "trust anchor of another CA": (
        lambda s: anchor(s),
        "trust_anchor is Fleet/Anchor, which trusts another CA than certificate_authority",
    ),
    "CRL bucket of another Region": (
        lambda s: {
            "authority": ca(
                s,
                crl_bucket=s3.Bucket.from_bucket_attributes(s, "Crls", bucket_name="crls", region="us-east-1"),
            )
        },
        "crl_bucket is Fleet/Crls, of Region us-east-1, and its events stay there",
    ),
    "CRL bucket of another account": (
        lambda s: {
            "authority": ca(
                s,
                crl_bucket=s3.Bucket.from_bucket_attributes(s, "Crls", bucket_name="crls", account="999999999999"),
            )
        },
        "crl_bucket is Fleet/Crls, of account 999999999999, and its events stay there",
    ),
    "imported topic": (
        lambda s: {"topic": sns.Topic.from_topic_arn(s, "T", f"arn:aws:sns:{REGION}:{ACCOUNT}:t")},
        "no report and no alarm reaches it.*cloudwatch.amazonaws.com",
    ),
    "shared CA": (
        lambda s: {
            "authority": ca(s, account="999999999999"),
            "trust_anchor": rolesanywhere.CfnTrustAnchor.from_trust_anchor_arn(
                s, "A", f"arn:aws:rolesanywhere:{REGION}:{ACCOUNT}:trust-anchor/{ID}"
            ),
        },
        "certificate_authority is of account 999999999999",
    ),
    "silent CRL bucket": (
        lambda s: {"authority": ca(s, crl_bucket=s3.Bucket(s, "Crls"))},
        "crl_bucket is Fleet/Crls, which sends no events to EventBridge",
    ),
    "imported CRL bucket of a created CA": (
        lambda s: {"authority": Authority.created(crl_bucket=s3.Bucket.from_bucket_name(s, "Crls", "crls"))},
        "without these statements the CA cannot be made.*acm-pca.amazonaws.com",
    ),
}


@pytest.mark.parametrize(
    "what",
    members(
        WARNED, ["topic of another account", "CRL bucket of another Region", "imported CRL bucket of a created CA"]
    ),
)
def test_what_cannot_be_known_is_warned_of_with_what_to_add(what: str) -> None:
    props, said = WARNED[what]
    stack = fleet()
    made(stack, **props(stack))
    Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp(said))


@pytest.mark.parametrize("how", members(["property", "custom resource"], ["custom resource"]))
def test_a_bucket_that_sends_its_events_is_not_warned_of(how: str) -> None:
    stack = fleet()
    bucket = s3.Bucket(stack, "Crls", event_bridge_enabled=how == "custom resource")
    if how == "property":
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.add_property_override(
            "NotificationConfiguration", {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
        )
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
    made(stack, authority=ca(stack, crl_bucket=bucket))
    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("sends no events"))


def test_a_bucket_of_this_app_and_its_key_are_opened_for_the_created_ca() -> None:
    stack = fleet()
    key = kms.Key(stack, "CrlKey")
    bucket = s3.Bucket(stack, "Crls", encryption_key=key, event_bridge_enabled=True)
    template = made(stack, authority=Authority.created(crl_bucket=bucket))
    policies = resources(template, "AWS::S3::BucketPolicy")
    (policy,) = [each for name, each in policies.items() if name.startswith("Crls")]
    allowed = [
        action
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "acm-pca.amazonaws.com"}
        for action in actions(statement)
    ]
    assert set(allowed) == {"s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation"}
    name = stack.get_logical_id(key.node.default_child)  # type: ignore[arg-type]
    of_key = resources(template, "AWS::KMS::Key")[name]["Properties"]["KeyPolicy"]["Statement"]
    assert any(each["Principal"] == {"Service": "acm-pca.amazonaws.com"} for each in of_key)
    # Who revokes writes with that key, too, through AWS alone.
    revoking = [each for each in statements(template) if "kms:GenerateDataKey" in actions(each)]
    revoking = [each for each in revoking if name in json.dumps(as_list(each["Resource"]))]
    assert revoking
    assert all(each["Condition"] == {"Bool": {"aws:ViaAWSService": "true"}} for each in revoking)


def test_the_trust_anchor_of_the_ca_itself_is_not_warned_of() -> None:
    stack = fleet()
    of = f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:certificate-authority/{ID}"
    made(stack, **anchor(stack, of=of))
    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("another CA"))


def test_the_page_has_every_check() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = "".join(f"| {what} | {becomes} |\n" for what, becomes in CHECKS.items())
    assert rows in page, f"docs/handed-in.md needs these rows:\n{rows}"
