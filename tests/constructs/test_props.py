"""A wrong value fails at synthesis with the value got and what is allowed."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Annotations, Match

import pca_automator
from pca_automator import (
    Alarms,
    Authority,
    CertificateProfile,
    CertificateProfiles,
    FunctionSettings,
    HostSettings,
    IssuingAuthority,
    KeyAlgorithm,
    Pace,
    PcaCertificateAutomation,
    Polling,
    PrivateCertificateAuthority,
    RenewalTimes,
    SigningAlgorithm,
    UsageMode,
)
from pca_automator._internal import arguments
from tests.constructs.wrong_props import WRONG, existing_authority
from tests.synthesis import automation, new_app, template_of


@pytest.mark.parametrize("name", WRONG)
def test_fails_with_the_value_and_what_is_allowed(name: str) -> None:
    wrong = WRONG[name]
    stack = Stack(new_app(), "Consumer")
    with pytest.raises(ValueError, match=wrong.message):
        PcaCertificateAutomation(stack, "Automation", **wrong.props(stack))


OPTIONS: dict[str, Any] = {
    "Alarms": Alarms,
    "Authority.created": Authority.created,
    "CertificateProfile": CertificateProfile,
    "FunctionSettings": FunctionSettings,
    "HostSettings": HostSettings,
    "Pace": Pace,
    "Polling": Polling,
    "RenewalTimes": RenewalTimes,
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_argument_of_an_option_object_is_refused_in_its_own_name(name: str) -> None:
    for argument in inspect.signature(OPTIONS[name]).parameters:
        with pytest.raises(ValueError, match=rf"^{argument} is <object .*>: it must be "):
            OPTIONS[name](**{argument: object()})


def test_every_prop_is_refused_in_its_own_name() -> None:
    stack = Stack(new_app(), "Consumer")
    for argument in props(PcaCertificateAutomation):
        with pytest.raises(ValueError, match=rf"^{argument} is <object .*>: it must be "):
            PcaCertificateAutomation(stack, f"With{argument}", **{argument: object()})


def props(cls: type) -> list[str]:
    return [name for name in inspect.signature(cls.__init__).parameters if name not in ("self", "scope", "id")]


CLASSES = [
    each
    for name in pca_automator.__all__
    if not issubclass(each := getattr(pca_automator, name), Enum)
    and each not in (Authority, CertificateProfiles, IssuingAuthority)
]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_looks_at_the_types_of_its_arguments(cls: Any) -> None:
    """Which it does before anything is made of them: nothing is an ``object``, so nothing lets one through."""
    if dataclasses.is_dataclass(cls):
        hints = {field.name: typing.get_type_hints(cls)[field.name] for field in dataclasses.fields(cls)}
        assert "check_fields" in cls.__post_init__.__code__.co_names
    else:
        hints = typing.get_type_hints(cls.__init__)
        assert cls.__init__.__wrapped__, "@checked"
    wanted = hints.keys() - {"scope", "id", "return"}
    assert wanted
    assert [name for name in wanted if arguments._fits(object(), hints[name])] == []


@pytest.mark.parametrize(
    ("value", "expected", "fits"),
    [
        (["a"], Sequence[str], True),
        (("a",), Sequence[str], True),
        ("a", Sequence[str], False),
        (["a", 1], Sequence[str], False),
        ({"a": "b"}, Mapping[str, str], True),
        ({"a": 1}, Mapping[str, str], False),
        ([("a", "b")], Mapping[str, str], False),
        (1, int, True),
        (True, int, False),
        ("1", int, False),
        (1, float, True),
        (1, bool, False),
        (None, int | None, True),
        (None, int, False),
        (KeyAlgorithm.RSA_2048, KeyAlgorithm, True),
        ("RSA_2048", KeyAlgorithm, False),
        (UsageMode.SHORT_LIVED, KeyAlgorithm, False),
        ({UsageMode.SHORT_LIVED}, frozenset[UsageMode], False),
        (frozenset({UsageMode.SHORT_LIVED}), frozenset[UsageMode], True),
        (Duration.days(1), Duration, True),
        (86_400, Duration, False),
    ],
)
def test_a_value_fits_what_an_annotation_says(value: Any, expected: Any, fits: bool) -> None:
    assert arguments._fits(value, expected) is fits


def test_an_object_of_another_kind_is_no_key() -> None:
    stack = Stack(new_app(), "Consumer")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    with pytest.raises(ValueError, match=r"encryption_key is <.*Role.*>: it must be an aws_kms.IKey"):
        PcaCertificateAutomation(stack, "Automation", encryption_key=role)  # type: ignore[arg-type]


def test_a_general_purpose_ca_may_issue_for_a_month() -> None:
    stack = Stack(new_app(), "Consumer")
    construct = PcaCertificateAutomation(
        stack,
        "Automation",
        authority=Authority.existing(existing_authority(stack)),
        times=RenewalTimes(validity=Duration.days(30), threshold=Duration.days(10)),
    )
    assert "AWS::ACMPCA::CertificateAuthority" not in {
        each["Type"] for each in template_of(construct)["Resources"].values()
    }


@pytest.mark.parametrize(("minutes", "warned"), [(2, 0), (3, 1)])
def test_warns_of_hooks_that_outlast_the_polls(minutes: int, warned: int) -> None:
    """Twelve polls, fifteen seconds apart."""
    construct = automation(hosts=HostSettings(hook_timeout=Duration.minutes(minutes)))
    words = Match.string_like_regexp(r"hook_timeout is 3 minutes, but the workflow looks at a host for 180 s")
    assert len(Annotations.from_stack(Stack.of(construct)).find_warning("*", words)) == warned


def test_a_trailing_slash_is_not_an_error() -> None:
    assert HostSettings(certificate_path="/etc/pki/").certificate_path == "/etc/pki"


@pytest.mark.parametrize("key", list(KeyAlgorithm))
def test_the_usual_signing_algorithm_fits_every_ca_key(key: KeyAlgorithm) -> None:
    usual = SigningAlgorithm.for_key(key)
    usual.check_fits(key)
    assert usual.value.endswith("WITHECDSA" if key.value.startswith("EC") else "WITHRSA")


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
