"""A wrong value fails at synthesis with the value got and what is allowed."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk.assertions import Annotations, Match

from pca_automator import (
    HostSettings,
    KeyAlgorithm,
    PcaCertificateAutomation,
    PrivateCertificateAuthority,
    SigningAlgorithm,
)
from tests.constructs.wrong_props import WRONG, existing_authority
from tests.synthesis import automation, new_app, template_of


@pytest.mark.parametrize("name", WRONG)
def test_fails_with_the_value_and_what_is_allowed(name: str) -> None:
    wrong = WRONG[name]
    stack = Stack(new_app(), "Consumer")
    with pytest.raises(ValueError, match=wrong.message):
        PcaCertificateAutomation(stack, "Automation", **wrong.props(stack))


def test_every_prop_that_can_be_wrong_is_tried() -> None:
    """What is left has a type all of whose values are possible: an enum, an object of the CDK, a mapping of tags."""
    parameters = inspect.signature(PcaCertificateAutomation.__init__).parameters.values()
    open_types = re.compile(r"\b(str|int|float|Duration)\b")
    can_be_wrong = {each.name for each in parameters if open_types.search(str(each.annotation))} - {"id"}
    tried = {name for wrong in WRONG.values() for name in wrong.given}
    assert can_be_wrong - tried == {"instance_tags"}


def test_a_general_purpose_ca_may_issue_for_a_month() -> None:
    stack = Stack(new_app(), "Consumer")
    construct = PcaCertificateAutomation(
        stack,
        "Automation",
        certificate_authority=existing_authority(stack),
        validity=Duration.days(30),
        renewal_threshold=Duration.days(10),
    )
    assert "AWS::ACMPCA::CertificateAuthority" not in {
        each["Type"] for each in template_of(construct)["Resources"].values()
    }


@pytest.mark.parametrize(("minutes", "warned"), [(2, 0), (3, 1)])
def test_warns_of_hooks_that_outlast_the_polls(minutes: int, warned: int) -> None:
    """Twelve polls, fifteen seconds apart."""
    construct = automation(hook_timeout=Duration.minutes(minutes))
    words = Match.string_like_regexp(r"hook_timeout is 3 minutes, but the workflow looks at a host for 180 s")
    assert len(Annotations.from_stack(Stack.of(construct)).find_warning("*", words)) == warned


def test_a_trailing_slash_is_not_an_error() -> None:
    assert HostSettings(certificate_path="/etc/pki/").certificate_path == "/etc/pki"


@pytest.mark.parametrize("key", list(KeyAlgorithm))
def test_the_usual_signing_algorithm_fits_every_ca_key(key: KeyAlgorithm) -> None:
    SigningAlgorithm.for_key(key).check_fits(key)


def test_the_ca_alone_checks_its_own_props() -> None:
    with pytest.raises(ValueError, match="crl_expiry is 1 hour"):
        PrivateCertificateAuthority(
            Stack(new_app(), "Consumer"), "CA", common_name="Root", crl_expiry=Duration.hours(1)
        )


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"keyAlgorithm": "DSA"}, r"context value keyAlgorithm is 'DSA': allowed: RSA_2048, RSA_3072"),
        (
            {"revokeReplaced": "SOMETIMES"},
            r"context value revokeReplaced is 'SOMETIMES': allowed: NEVER, ON_KEY_COMPROMISE, ALWAYS",
        ),
        ({"revokeOnRetire": "ON_KEY_COMPROMISE"}, r"revokeOnRetire is 'ON_KEY_COMPROMISE': allowed: ALWAYS, NEVER"),
        ({"validityDays": "week"}, r"context value validityDays is 'week'"),
        ({"architecture": "mips"}, r"context value architecture is 'mips': allowed: arm64, x86_64"),
    ],
)
def test_the_sample_app_names_a_wrong_context_value(context: dict[str, Any], message: str) -> None:
    from app import SampleStack

    with pytest.raises(ValueError, match=message):
        SampleStack(new_app(**context), "Sample")
