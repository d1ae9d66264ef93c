"""Props whose values are known only at deployment: a CloudFormation parameter reaches the template whole."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Annotations, Match

from pca_automator import Alarms, Authority, HostSettings, Pace, PcaCertificateAutomation, Polling, RenewalTimes
from tests.synthesis import new_app, template_of


def text(stack: Stack) -> str:
    return CfnParameter(stack, "Given").value_as_string


def number(stack: Stack) -> float:
    return CfnParameter(stack, "Given", type="Number").value_as_number


def seconds(stack: Stack) -> Duration:
    return Duration.seconds(number(stack))


def days(stack: Stack) -> Duration:
    return Duration.days(number(stack))


def expression(stack: Stack) -> scheduler.ScheduleExpression:
    return scheduler.ScheduleExpression.expression(text(stack))


# By the argument of the construct, or of the object that it takes.
GIVEN: dict[str, dict[str, Callable[[Stack], Any]]] = {
    "PcaCertificateAutomation": {
        "notification_emails": lambda stack: [text(stack)],
        "instance_tags": lambda stack: {"fleet": text(stack)},
        "enrol_by_tag": lambda stack: {"fleet": text(stack)},
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
    "Pace": {"max_concurrency": number},
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


@pytest.mark.parametrize(("owner", "name"), CASES)
def test_a_parameter_reaches_the_template_whole(owner: str, name: str) -> None:
    stack = Stack(new_app(), "Consumer")
    construct = PcaCertificateAutomation(stack, "Automation", **PROPS[owner]({name: GIVEN[owner][name](stack)}))
    written = json.dumps(template_of(construct)["Resources"])
    assert '{"Ref": "Given"}' in written
    assert not GARBAGE.search(written)
    assert "TOKEN" not in written


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
    judged |= {("Pace", "quotas")}
    # Names and certificates that synthesis itself reads: a token has neither.
    judged |= {("PcaCertificateAutomation", "profiles"), ("Authority.created", "accepted_certificates")}
    assert simple == set(CASES) | judged


def test_a_fleet_of_unknown_size_is_not_forecast_and_says_so() -> None:
    stack = Stack(new_app(), "Consumer")
    PcaCertificateAutomation(stack, "Automation", expected_hosts=int(number(stack)))
    warned = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp(".*can only be forecast.*"))
    assert warned


def test_a_quota_must_be_known() -> None:
    with pytest.raises(ValueError, match=r"quotas\['CreateSession'\] is a token: .* known at synthesis"):
        Pace(quotas={"CreateSession": number(Stack(new_app(), "Consumer"))})


@pytest.mark.parametrize(("owner", "name"), sorted(PERCENTAGES))
def test_a_percentage_must_be_known(owner: str, name: str) -> None:
    stack = Stack(new_app(), "Consumer")
    with pytest.raises(ValueError, match=rf"{name} is a token: .* known at synthesis"):
        PROPS[owner]({name: number(stack)})
