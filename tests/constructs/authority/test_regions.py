"""Partitions and Regions as services, not as text."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from aws_cdk import Environment, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_rolesanywhere as rolesanywhere

from pca_automator import Authority, PcaCertificateAutomation
from pca_automator.authority.regions import MISSING
from tests.members import members
from tests.synthesis import new_app, resources, template_of

ACCOUNT = "111122223333"
ID = "12345678-1234-1234-1234-123456789012"


def stack(region: str | None) -> Stack:
    return Stack(new_app(), "Fleet", env=Environment(account=ACCOUNT, region=region) if region else None)


def existing(fleet: Stack, partition: str) -> Authority:
    arn = f"arn:{partition}:acm-pca:{fleet.region}:{ACCOUNT}:certificate-authority/{ID}"
    return Authority.existing(acmpca.CertificateAuthority.from_certificate_authority_arn(fleet, "CA", arn))


def anchor_source(fleet: Stack, **props: Any) -> dict[str, Any]:
    template = template_of(PcaCertificateAutomation(fleet, "Automation", **props))
    (anchor,) = resources(template, "AWS::RolesAnywhere::TrustAnchor").values()
    source: dict[str, Any] = anchor["Properties"]["Source"]
    return source


@pytest.mark.parametrize("region", members(["cn-north-1", "cn-northwest-1"], ["cn-north-1"]))
def test_in_china_the_trust_anchor_is_the_created_cas_certificate(region: str) -> None:
    source = anchor_source(stack(region))
    assert source["SourceType"] == "CERTIFICATE_BUNDLE"
    name, attribute = source["SourceData"]["X509CertificateData"]["Fn::GetAtt"]
    assert "RootCertificate" in name
    assert attribute == "Certificate"


@pytest.mark.parametrize("region", members(["eu-central-1", "us-gov-west-1", None], ["us-gov-west-1"]))
def test_elsewhere_the_trust_anchor_is_the_ca_itself(region: str | None) -> None:
    assert anchor_source(stack(region))["SourceType"] == "AWS_ACM_PCA"


def test_in_china_an_existing_ca_needs_a_trust_anchor_of_its_certificate() -> None:
    fleet = stack("cn-north-1")
    with pytest.raises(ValueError, match="in cn-north-1, where IAM Roles Anywhere takes an uploaded certificate alone"):
        PcaCertificateAutomation(fleet, "Automation", authority=existing(fleet, "aws-cn"))
    fleet = stack("cn-north-1")
    anchor = rolesanywhere.CfnTrustAnchor.from_trust_anchor_arn(
        fleet,
        "Anchor",
        f"arn:aws-cn:rolesanywhere:cn-north-1:{ACCOUNT}:trust-anchor/{ID}",
    )
    made = PcaCertificateAutomation(fleet, "Automation", authority=existing(fleet, "aws-cn"), trust_anchor=anchor)
    assert "AWS::RolesAnywhere::TrustAnchor" not in {each["Type"] for each in template_of(made)["Resources"].values()}


@pytest.mark.parametrize(
    ("region", "missing"),
    [("us-iso-east-1", "no IAM Roles Anywhere:"), ("us-isob-east-1", "no IAM Roles Anywhere and no AWS Private CA:")],
)
def test_a_region_without_a_service_that_is_needed_is_refused(region: str, missing: str) -> None:
    with pytest.raises(ValueError, match=f"Region {region} of partition .* has {missing}"):
        PcaCertificateAutomation(stack(region), "Automation")


@pytest.mark.parametrize("partition", boto3.session.Session().get_available_partitions())
def test_the_table_of_what_is_missing_is_that_of_the_endpoints_that_botocore_ships(partition: str) -> None:
    """A service is missing where other Regions of the partition have it, or the whole partition has none."""
    session = boto3.session.Session()
    regions = set(session.get_available_regions("lambda", partition))
    assert regions
    for service, name in {"acm-pca": "AWS Private CA", "rolesanywhere": "IAM Roles Anywhere"}.items():
        without = regions - set(session.get_available_regions(service, partition))
        assert without == (regions if name in MISSING.get(partition, ()) else set()), service
    for service in ("dynamodb", "events", "scheduler", "sns", "sqs", "ssm", "stepfunctions"):
        assert regions <= set(session.get_available_regions(service, partition)), service
