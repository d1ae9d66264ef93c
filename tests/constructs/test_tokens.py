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

from pca_automator import PcaCertificateAutomation
from tests.synthesis import new_app, template_of


def text(stack: Stack) -> str:
    return CfnParameter(stack, "Given").value_as_string


def number(stack: Stack) -> float:
    return CfnParameter(stack, "Given", type="Number").value_as_number


def seconds(stack: Stack) -> Duration:
    return Duration.seconds(number(stack))


def days(stack: Stack) -> Duration:
    return Duration.days(number(stack))


GIVEN: dict[str, Callable[[Stack], Any]] = {
    "certificate_path": text,
    "key_path": text,
    "csr_path": text,
    "ca_certificate_path": text,
    "signing_helper_path": text,
    "hooks_path": text,
    "ca_country": text,
    "ca_organization": text,
    "ca_common_name": text,
    "notification_emails": lambda stack: [text(stack)],
    "instance_tags": lambda stack: {"fleet": text(stack)},
    "enrol_by_tag": lambda stack: {"fleet": text(stack)},
    "hook_timeout": seconds,
    "versions_kept": number,
    "validity": days,
    "renewal_threshold": seconds,
    "renewal_jitter": seconds,
    "ca_validity": days,
    "schedule": lambda stack: scheduler.ScheduleExpression.expression(text(stack)),
    "schedule_interval": seconds,
    "max_concurrency": number,
    "poll_interval": seconds,
    "poll_attempts": number,
    "issuance_timeout": seconds,
    "runway_alarm": seconds,
    "ca_expiry_alarm": seconds,
    "crl_expiry_alarm": seconds,
    "digest_schedule": lambda stack: scheduler.ScheduleExpression.expression(text(stack)),
}
PERCENTAGES = {"crl_size_alarm_percentage", "tolerated_failure_percentage"}
# A token's number, or a sum or product of one, that was written as if it were a number.
GARBAGE = re.compile(r"-?\d\.\d{6,}e\+?\d{2,}|-?\d{30,}")


@pytest.mark.parametrize("name", GIVEN)
def test_a_parameter_reaches_the_template_whole(name: str) -> None:
    stack = Stack(new_app(), "Consumer")
    construct = PcaCertificateAutomation(stack, "Automation", **{name: GIVEN[name](stack)})
    written = json.dumps(template_of(construct)["Resources"])
    assert '{"Ref": "Given"}' in written
    assert not GARBAGE.search(written)
    assert "TOKEN" not in written


def test_garbage_would_be_seen() -> None:
    assert GARBAGE.search(json.dumps(str(-1.8881545897087743e289)))
    assert GARBAGE.search(json.dumps(str(int(-1.8881545897087743e289) * 12)))


def test_every_prop_of_a_string_number_or_duration_is_covered() -> None:
    simple = {
        name
        for name, parameter in inspect.signature(PcaCertificateAutomation.__init__).parameters.items()
        if re.search(r"\b(str|int|float|Duration|ScheduleExpression)\b", str(parameter.annotation))
    }
    assert simple - {"id"} == set(GIVEN) | {"expected_hosts"} | PERCENTAGES


def test_a_fleet_of_unknown_size_is_not_forecast_and_says_so() -> None:
    stack = Stack(new_app(), "Consumer")
    PcaCertificateAutomation(stack, "Automation", expected_hosts=int(number(stack)))
    warned = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp(".*can only be forecast.*"))
    assert warned


@pytest.mark.parametrize("name", sorted(PERCENTAGES))
def test_a_percentage_must_be_known(name: str) -> None:
    stack = Stack(new_app(), "Consumer")
    props: dict[str, Any] = {name: number(stack)}
    with pytest.raises(ValueError, match=rf"{name} is a token: .* known at synthesis"):
        PcaCertificateAutomation(stack, "Automation", **props)
