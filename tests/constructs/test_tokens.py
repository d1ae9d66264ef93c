"""Props whose values are known only at deployment: a CloudFormation parameter reaches the template whole."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Annotations, Match

from pca_automator import Alarms, Authority, HostSettings, Pace, PcaCertificateAutomation, Polling, RenewalTimes
from tests.synthesis import new_app, template_of


def text(name: str, stack: Stack) -> str:
    return CfnParameter(stack, name).value_as_string


def number(name: str, stack: Stack) -> float:
    return CfnParameter(stack, name, type="Number").value_as_number


def seconds(name: str, stack: Stack) -> Duration:
    return Duration.seconds(number(name, stack))


def days(name: str, stack: Stack) -> Duration:
    return Duration.days(number(name, stack))


def expression(name: str, stack: Stack) -> scheduler.ScheduleExpression:
    return scheduler.ScheduleExpression.expression(text(name, stack))


# By the argument of the construct, or of the object that it takes.
GIVEN: dict[str, dict[str, Callable[[str, Stack], Any]]] = {
    "PcaCertificateAutomation": {
        "notification_emails": lambda name, stack: [text(name, stack)],
        "instance_tags": lambda name, stack: {"fleet": text(name, stack)},
        "enrol_by_tag": lambda name, stack: {"fleet": text(name, stack)},
        "profile_tag": text,
        "schedule": expression,
        "digest_schedule": expression,
    },
    "Authority.created": {
        "common_name": text,
        "country": text,
        "organization": text,
        "validity": days,
        "crl_expiry": days,
    },
    "HostSettings": {
        "certificate_path": text,
        "key_path": text,
        "csr_path": text,
        "ca_certificate_path": text,
        "signing_helper_path": text,
        "hooks_path": text,
        "hook_timeout": seconds,
        "versions_kept": number,
    },
    "RenewalTimes": {"validity": days, "threshold": seconds, "jitter": seconds, "interval": seconds},
    "Pace": {"issuance_budget": number, "max_concurrency": number},
    "Polling": {"interval": seconds, "attempts": number, "issuance_timeout": seconds},
    "Alarms": {"runway": seconds, "ca_expiry": seconds, "crl_next_update": seconds},
}
PROPS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "PcaCertificateAutomation": lambda given: given,
    "Authority.created": lambda given: {"authority": Authority.created(**given)},
    "HostSettings": lambda given: {"hosts": HostSettings(**given)},
    "RenewalTimes": lambda given: {"times": RenewalTimes(**given)},
    "Pace": lambda given: {"pace": Pace(**given)},
    "Polling": lambda given: {"pace": Pace(polling=Polling(**given))},
    "Alarms": lambda given: {"alarms": Alarms(**given)},
}
OWNERS: dict[str, Any] = {
    "PcaCertificateAutomation": PcaCertificateAutomation.__init__,
    "Authority.created": Authority.created,
    "HostSettings": HostSettings,
    "RenewalTimes": RenewalTimes,
    "Pace": Pace,
    "Polling": Polling,
    "Alarms": Alarms,
}
PERCENTAGES = {
    ("Alarms", "crl_size_percentage"),
    ("Pace", "production_sessions"),
    ("Pace", "quota_share"),
    ("Pace", "tolerated_failure_percentage"),
}
CASES = [(owner, name) for owner, given in GIVEN.items() for name in given]
# A token's number, or a sum or product of one, that was written as if it were a number.
GARBAGE = re.compile(r"-?\d\.\d{6,}e\+?\d{2,}|-?\d{30,}")


# One automation takes all that go together; a schedule and an interval do not.
APART = {("RenewalTimes", "interval")}


def parameter_of(owner: str, name: str) -> str:
    return re.sub(r"\W|_", "", f"{owner}{name}").title()


@cache
def written(apart: bool) -> str:
    """The resources of an automation that is given a parameter for each of the props."""
    stack = Stack(new_app(), "Consumer")
    props: dict[str, Any] = {}
    for owner, given in GIVEN.items():
        values = {
            name: make(parameter_of(owner, name), stack)
            for name, make in given.items()
            if ((owner, name) in APART) is apart
        }
        if values:
            props = merged(props, PROPS[owner](values))
    return json.dumps(template_of(PcaCertificateAutomation(stack, "Automation", **props))["Resources"])


def merged(props: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    if "pace" in props and "pace" in more:
        return {**props, "pace": dataclasses.replace(props["pace"], polling=more["pace"].polling)}
    return {**props, **more}


@pytest.mark.parametrize(("owner", "name"), CASES)
def test_a_parameter_reaches_the_template_whole(owner: str, name: str) -> None:
    assert f'{{"Ref": "{parameter_of(owner, name)}"}}' in written((owner, name) in APART)


@pytest.mark.parametrize("apart", [False, True])
def test_nothing_of_a_token_is_written_as_if_it_were_the_value(apart: bool) -> None:
    assert not GARBAGE.search(written(apart))
    assert "TOKEN" not in written(apart)


def test_garbage_would_be_seen() -> None:
    assert GARBAGE.search(json.dumps(str(-1.8881545897087743e289)))
    assert GARBAGE.search(json.dumps(str(int(-1.8881545897087743e289) * 12)))


def test_every_prop_of_a_string_number_or_duration_is_covered() -> None:
    simple = {
        (owner, name)
        for owner, function in OWNERS.items()
        for name, parameter in inspect.signature(function).parameters.items()
        if re.search(r"\b(str|int|float|Duration|ScheduleExpression)\b", str(parameter.annotation))
    }
    judged = PERCENTAGES | {("PcaCertificateAutomation", "expected_hosts"), ("PcaCertificateAutomation", "id")}
    judged |= {("Pace", "quotas"), ("Polling", "first")}
    # Names and certificates that synthesis itself reads: a token has neither.
    judged |= {("PcaCertificateAutomation", "profiles"), ("Authority.created", "accepted_certificates")}
    assert simple == set(CASES) | judged


def test_a_fleet_of_unknown_size_is_not_forecast_and_says_so() -> None:
    stack = Stack(new_app(), "Consumer")
    PcaCertificateAutomation(stack, "Automation", expected_hosts=int(number("Given", stack)))
    warned = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp(".*can only be forecast.*"))
    assert warned


def test_a_quota_must_be_known() -> None:
    with pytest.raises(ValueError, match=r"quotas\['CreateSession'\] is a token: .* known at synthesis"):
        Pace(quotas={"CreateSession": number("Given", Stack(new_app(), "Consumer"))})


@pytest.mark.parametrize(("owner", "name"), sorted(PERCENTAGES))
def test_a_percentage_must_be_known(owner: str, name: str) -> None:
    stack = Stack(new_app(), "Consumer")
    with pytest.raises(ValueError, match=rf"{name} is a token: .* known at synthesis"):
        PROPS[owner]({name: number("Given", stack)})
