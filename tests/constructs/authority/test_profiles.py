"""Certificate profiles: what the functions are told, and what they may have issued."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk.assertions import Annotations, Match
from pca_runtime.authority import profiles as runtime

from pca_automator import CertificateProfile, CertificateUsage, KeyAlgorithm, RenewalTimes
from pca_automator.authority import profiles as constructs
from tests.synthesis import actions, automation, new_app, resources, sample_template, statements, template_of

CLIENT, SERVER = CertificateUsage.CLIENT_AUTH, CertificateUsage.SERVER_AUTH
DECLARED = {
    "client": CertificateProfile(usages={CLIENT}, validity=Duration.days(5), organization="Example GmbH"),
    "strong": CertificateProfile(
        key_algorithm=KeyAlgorithm.EC_SECP384R1,
        uris=["spiffe://example.com/{hostID}"],
        organizational_unit="Vaults",
        email_addresses=["*@example.com"],
        ip_addresses=["10.0.0.0/8"],
        wildcards=True,
        dns_names=["*.example.com"],
    ),
}


def environments(template: dict[str, Any], variable: str) -> dict[str, str]:
    """A variable by function, for those that have it."""
    found = (
        each["Properties"]["Environment"]["Variables"] for each in resources(template, "AWS::Lambda::Function").values()
    )
    return {each["POWERTOOLS_SERVICE_NAME"]: each[variable] for each in found if variable in each}


def templates_allowed(template: dict[str, Any]) -> Any:
    (statement,) = (s for s in statements(template, "CertIssueRole") if "acm-pca:IssueCertificate" in actions(s))
    return statement["Condition"]["StringEquals"]["acm-pca:TemplateArn"]


def test_what_a_certificate_is_for_chooses_the_same_template_in_both_worlds() -> None:
    assert dict(constructs.TEMPLATES) == dict(runtime.TEMPLATES)
    assert constructs.DEFAULT_PROFILE == runtime.DEFAULT_PROFILE
    assert {usage.value for usage in CertificateUsage} == set(runtime.Usage.__args__)


def test_by_default_certificates_are_for_clients_and_servers_and_have_no_name() -> None:
    told = environments(sample_template(), "CERTIFICATE_PROFILES")
    assert set(told) == {"CertCSR", "CertDeploy", "CertIssue"}
    assert {json.dumps(json.loads(text)) for text in told.values()} == {
        '{"default": {"usages": ["CLIENT_AUTH", "SERVER_AUTH"]}}'
    }
    assert templates_allowed(sample_template())["Fn::Join"][1][-1].endswith("/EndEntityCertificate_APIPassthrough/V1")


def test_the_functions_are_told_every_profile_and_may_issue_by_their_templates_alone() -> None:
    template = template_of(automation(profiles=DECLARED))
    told = environments(template, "CERTIFICATE_PROFILES")["CertIssue"]
    read = {name: runtime.CertificateProfile.read(given) for name, given in json.loads(told).items()}
    assert set(read) == {"client", "default", "strong"}
    assert read["client"] == runtime.CertificateProfile(
        usages=frozenset({"CLIENT_AUTH"}), validity_days=5, organization="Example GmbH"
    )
    assert read["strong"] == runtime.CertificateProfile(
        usages=frozenset({"CLIENT_AUTH", "SERVER_AUTH"}),
        key_algorithm="EC_secp384r1",
        organizational_unit="Vaults",
        dns_names=("*.example.com",),
        ip_addresses=("10.0.0.0/8",),
        uris=("spiffe://example.com/{hostID}",),
        email_addresses=("*@example.com",),
        wildcards=True,
    )
    allowed = [each["Fn::Join"][1][-1].rpartition("template/")[2] for each in templates_allowed(template)]
    assert allowed == ["EndEntityCertificate_APIPassthrough/V1", "EndEntityClientAuthCertificate_APIPassthrough/V1"]


def test_another_default_profile_is_the_fleets() -> None:
    template = template_of(automation(profiles={"default": CertificateProfile(usages={CLIENT})}))
    assert json.loads(environments(template, "CERTIFICATE_PROFILES")["CertIssue"]) == {
        "default": {"usages": ["CLIENT_AUTH"]}
    }
    assert templates_allowed(template)["Fn::Join"][1][-1].endswith("EndEntityClientAuthCertificate_APIPassthrough/V1")


def test_a_profile_for_servers_alone_is_warned_of() -> None:
    """No page says that IAM Roles Anywhere takes it."""
    made = automation(profiles={"web": CertificateProfile(usages={SERVER})})
    words = Match.string_like_regexp(r"the profiles web are for servers alone.*ack: pca-automator:server-only")
    assert Annotations.from_stack(Stack.of(made)).find_warning("*", words)


@pytest.mark.parametrize("field", ["organization", "organizational_unit", "validity", "dns_names", "ip_addresses"])
def test_a_token_is_refused_for_the_functions_could_not_read_it(field: str) -> None:
    text = CfnParameter(Stack(new_app(), "Consumer"), "Given").value_as_string
    number = CfnParameter(Stack(new_app(), "Other"), "Given", type="Number").value_as_number
    given: dict[str, Any] = {"organization": text, "organizational_unit": text, "validity": Duration.days(number)}
    with pytest.raises(ValueError, match=rf"{field} .*token"):
        CertificateProfile(**{field: given.get(field, [text])})


def test_a_fleet_of_long_lives_may_have_a_profile_of_short_ones() -> None:
    times = RenewalTimes(validity=Duration.days(7), threshold=Duration.days(1))
    made = automation(times=times, profiles={"short": CertificateProfile(validity=Duration.days(3))})
    assert json.loads(environments(template_of(made), "CERTIFICATE_PROFILES")["CertIssue"])["short"] == {
        "usages": ["CLIENT_AUTH", "SERVER_AUTH"],
        "validity_days": 3,
    }
