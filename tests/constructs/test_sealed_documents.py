"""What stands in the text of the deployed documents, and that what CloudFormation puts there stays in its quotes."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk.assertions import Annotations, Match, Template
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from pca_automator.authority.existing_ca import ExistingCertificateAuthority
from pca_automator.authority.pins import AuthorityPins
from pca_automator.hosts.documents import HostDocuments
from pca_automator.hosts.settings import HostSettings
from pca_automator.ssm_documents import DOCUMENT_NAMES, SEALED
from tests.constructs.wrong_props import existing_authority
from tests.documents.pki import Authority, key_sha256
from tests.synthesis import automation, new_app, plain, plain_template, resources, template_of

NEWLINES = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def resolved(value: Any, given: dict[str, str]) -> Any:
    """What CloudFormation makes of a property; ``given`` has what a Ref or an attribute is."""
    if isinstance(value, list):
        return [resolved(each, given) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        return {key: resolved(each, given) for key, each in value.items()}
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return argument[0].join(resolved(argument[1], given))
    if function == "Fn::Split":
        return resolved(argument[1], given).split(argument[0])
    if function == "Ref":
        return given.get(argument, f"<{argument}>")
    if function == "Fn::GetAtt":
        return given.get(argument[1], f"<{argument[0]}.{argument[1]}>")
    return {function: resolved(argument, given)}


def documents_of(template: dict[str, Any], **given: str) -> dict[str, str]:
    """The scripts of the documents, as text, by their names."""
    contents = [each["Properties"]["Content"] for each in resources(template, "AWS::SSM::Document").values()]
    # CloudFormation writes the JSON itself: what is in an attribute is escaped.
    parsed = [json.loads(json.dumps(resolved(content, given))) for content in contents]
    return {each["mainSteps"][0]["name"]: "\n".join(each["mainSteps"][0]["inputs"]["runCommand"]) for each in parsed}


def values_in(script: str) -> dict[str, str]:
    """The constants as a shell reads them."""
    head = script[: script.index('[ "${SSM_')]
    names = re.findall(r"^SEALED_(\w+)=", head, re.MULTILINE)
    words = " ".join(f'"$SEALED_{name}"' for name in names)
    run = subprocess.run(["sh", "-c", f"{head}\nprintf '%s\\0' {words}"], capture_output=True, check=True, text=True)
    return dict(zip(names, run.stdout.split("\0"), strict=False))


def test_every_constant_of_a_deployment_is_in_the_text_and_none_is_a_parameter() -> None:
    construct = automation(
        hosts=HostSettings(
            csr_path="/srv/store", hooks_path="/srv/hooks", hook_timeout=Duration.seconds(90), versions_kept=4
        )
    )
    template = template_of(construct)
    scripts = documents_of(template, Certificate=NEWLINES, TrustAnchorArn="anchor", ProfileArn="profile", Arn="role")
    assert scripts.keys() == set(DOCUMENT_NAMES)
    install = values_in(scripts["InstallCertificate"])
    assert install == {
        "csrPath": "/srv/store", "hooksPath": "/srv/hooks", "hookTimeout": "90", "versionsKept": "4",
        "validationPolicy": "IF_PRESENT", "proofSeconds": "60", "trustAnchorArn": "anchor",
        "profileArn": "profile", "roleArn": "role", "caKeys": "", "caCertificates": NEWLINES,
    }  # fmt: skip
    assert values_in(scripts["GenerateCsr"]) == {"csrPath": "/srv/store", "requestLease": "960"}
    for document in resources(template, "AWS::SSM::Document").values():
        assert not set(SEALED) & set(document["Properties"]["Content"]["parameters"])


def test_the_ca_that_is_created_is_pinned_by_the_certificate_that_its_activation_installs() -> None:
    template = plain_template()
    (activation,) = resources(template, "AWS::ACMPCA::CertificateAuthorityActivation").values()
    assert activation["Properties"]["Certificate"]["Fn::GetAtt"][1] == "Certificate"
    text = json.dumps(resources(template, "AWS::SSM::Document"))
    assert json.dumps(activation["Properties"]["Certificate"]) in text


@pytest.mark.parametrize(
    "value",
    [
        "/var/lib/plain", "'; reboot; '", "'", "''", "'\\''", "$(reboot)", "`reboot`", "\\", "\\'", "a\nb", "{{ssm:x}}",
        "{{{ssm:x}}}", "{'{ssm:x}}", "{{hostID}}", "{", "é\u202e", '"',
    ],
)  # fmt: skip
def test_a_value_that_only_cloudformation_knows_is_data_whatever_it_is(value: str) -> None:
    stack = Stack(new_app(), "Consumer")
    given = CfnParameter(stack, "Given").value_as_string
    HostDocuments(stack, "Documents", settings=HostSettings(csr_path=given, hooks_path=f"/srv/{given}"))
    script = documents_of(Template.from_stack(stack).to_json(), Given=value)["InspectCertificate"]
    assert values_in(script) == {"csrPath": value, "hooksPath": f"/srv/{value}"}
    assert "{{" not in script[: script.index('[ "${SSM_')]


def test_numbers_that_only_cloudformation_knows_are_in_the_text_as_numbers() -> None:
    stack = Stack(new_app(), "Consumer")
    given = CfnParameter(stack, "Given", type="Number").value_as_number
    HostDocuments(stack, "Documents", settings=HostSettings(versions_kept=given, hook_timeout=Duration.seconds(given)))
    script = documents_of(Template.from_stack(stack).to_json(), Given="7")["InstallCertificate"]
    assert {name: values_in(script)[name] for name in ("versionsKept", "hookTimeout")} == {
        "versionsKept": "7",
        "hookTimeout": "7",
    }


def test_documents_without_a_pin_warn() -> None:
    stack = Stack(new_app(), "Consumer")
    HostDocuments(stack, "Documents")
    Annotations.from_stack(stack).has_warning("/Consumer/Documents", Match.string_like_regexp(".*give the CA's cert"))


def test_pinned_documents_do_not_warn() -> None:
    assert not Annotations.from_stack(Stack.of(plain())).find_warning("*", Match.string_like_regexp("unpinned"))


ROOT_CA = Authority("Root")
ISSUER = Authority("Issuer", parent=ROOT_CA)
NEXT = Authority("Next")


def test_a_ca_that_is_handed_in_is_pinned_by_every_key_up_to_its_root() -> None:
    stack = Stack(new_app(), "Consumer")
    authority = ExistingCertificateAuthority(
        existing_authority(stack), certificate=ISSUER.chain, accepted_certificates=[NEXT.chain]
    )
    HostDocuments(stack, "Documents", pins=authority.pins)
    expected = [key_sha256(each.certificate) for each in (ISSUER, ROOT_CA, NEXT)]
    script = documents_of(Template.from_stack(stack).to_json())["InstallCertificate"]
    assert values_in(script)["caKeys"].split() == expected


def test_a_renewed_certificate_of_the_same_ca_is_the_same_pin() -> None:
    again = Authority("Root", key=ROOT_CA.key)
    assert again.certificate != ROOT_CA.certificate
    assert AuthorityPins.of("certificate", [again.chain]) == AuthorityPins.of("certificate", [ROOT_CA.chain])


def test_other_cas_alone_do_not_shut_out_one_whose_certificate_is_not_known() -> None:
    stack = Stack(new_app(), "Consumer")
    assert not ExistingCertificateAuthority(existing_authority(stack), accepted_certificates=[NEXT.chain]).pins


def leaf() -> str:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(ROOT_CA.certificate.subject).issuer_name(
        ROOT_CA.certificate.subject
    )  # fmt: skip
    signed = (
        builder.public_key(NEXT.key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(ROOT_CA.key, hashes.SHA256())
    )
    return signed.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        ("", "it must be certificates in PEM"),
        ("arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/x", "it must be certificates in PEM"),
        (NEWLINES, "it must be certificates in PEM"),
        (
            ISSUER.chain.split("-----END CERTIFICATE-----\n")[0] + "-----END CERTIFICATE-----\n",
            "is the last and no root",
        ),
        (ROOT_CA.chain + ISSUER.chain, "'CN=Root' is not issued by what follows it"),
        (leaf() + ROOT_CA.chain, "'CN=Root' is not the certificate of a CA"),
    ],
    ids=["empty", "an ARN", "no certificate", "without its root", "in the wrong order", "a leaf"],
)
def test_what_cannot_be_a_pin_is_refused_at_synthesis(bundle: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        AuthorityPins.of("certificate", [bundle])


def test_more_keys_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="has 7 public keys: at most 6"):
        AuthorityPins.of("accepted_certificates", [Authority(f"CA {number}").chain for number in range(7)])
