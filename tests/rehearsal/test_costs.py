"""What a renewal costs: what is counted, and that too much of it does not pass."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pca_automator.rehearsal.report import Report
from pca_automator.rehearsal.scenario import costs
from pca_automator.rehearsal.scenario.world import World

HOSTS = 2


class CountingWorld:
    """A world that has nothing but counters."""

    def __init__(self, counted: dict[str, Any]) -> None:
        self.aws = self
        self._counted = counted

    def control(self, _: str) -> dict[str, Any]:
        return self._counted


def counted() -> dict[str, Any]:
    """Two healthy hosts, of which the second had to be asked twice for its CSR."""
    invocations = dict.fromkeys(costs.PER_HOST[:5], HOSTS)
    invocations["CertCSRStatus"] += 1
    return {
        "transitions": {"one": 10, "two": 13},
        "entered_again": {"two": dict.fromkeys(("CertCSRStatus", "CertCSRStatusAnswer"), 1)},
        "last_states": {"one": "Renewed", "two": "Renewed"},
        "invocations": invocations | {"CertCheck": 1, "CertReport": 1},
        "raised": {},
        "api_calls": [
            {"function": "CertCSR", "service": "ssm", "operation": "SendCommand", "count": HOSTS},
            {"function": "CertDeploy", "service": "ssm", "operation": "SendCommand", "count": HOSTS},
            {"function": "CertIssue", "service": "acm-pca", "operation": "IssueCertificate", "count": HOSTS},
            {"function": "", "service": "dynamodb", "operation": "PutItem", "count": HOSTS},
        ],
    }


def report_on(numbers: dict[str, Any]) -> Report:
    report = Report()
    report.per_renewal = costs.per_renewal(cast(World, CountingWorld(numbers)), HOSTS)
    costs.expect_what_was_promised(report)
    return report


def not_held(numbers: dict[str, Any]) -> list[str]:
    return [expectation.what for expectation in report_on(numbers).expectations if not expectation.held]


def test_a_repeated_poll_counts_in_the_average_and_not_at_best() -> None:
    report = report_on(counted())
    assert report.held
    assert report.per_renewal["state_transitions"] == 11.5
    assert report.per_renewal["lambda_invocations"] == 5.5
    assert report.per_renewal["at_best"] == {"state_transitions": 10, "lambda_invocations": 5.0}
    assert report.per_renewal["api_calls"] == {"acm-pca.IssueCertificate": 1.0, "ssm.SendCommand": 2.0}


def test_an_event_that_came_before_the_answer_was_written_down_counts_in_the_average_and_not_at_best() -> None:
    numbers = counted()
    numbers["invocations"]["CertDeploy"] += 1
    numbers["raised"] = {"CertDeploy CertificateNotReady": 1, "CertDeployStatus InstallFailed": 1}
    assert report_on(numbers).held
    assert report_on(numbers).per_renewal["lambda_invocations"] == 6.0
    assert report_on(numbers).per_renewal["at_best"]["lambda_invocations"] == 5.0


def test_a_start_that_a_busy_machine_missed_counts_in_the_average_and_not_at_best() -> None:
    numbers = counted()
    numbers["invocations"]["CertCSR"] += 1
    assert not_held(numbers) == ["at most 5 Lambda invocations"]
    numbers["transitions"]["two"] += 3
    numbers["entered_again"]["two"] |= {"WaitForStart": 1, "CertCSR": 1, "HostClaimed": 1}
    assert report_on(numbers).held
    assert report_on(numbers).per_renewal["lambda_invocations"] == 6.0
    assert report_on(numbers).per_renewal["at_best"] == {"state_transitions": 10, "lambda_invocations": 5.0}


def test_a_host_that_another_run_had_is_no_renewal() -> None:
    numbers = counted()
    numbers["transitions"]["three"] = 3
    numbers["last_states"]["three"] = costs.SKIPPED
    numbers["invocations"]["CertCSR"] += 1
    assert report_on(numbers).per_renewal == report_on(counted()).per_renewal


@pytest.mark.parametrize(
    ("function", "times", "broken"),
    [("CertDeploy", 1, "at most 5 Lambda invocations"), ("CertIssue", HOSTS, "at most 5 Lambda invocations")],
)
def test_an_invocation_too_many_is_no_success(function: str, times: int, broken: str) -> None:
    numbers = counted()
    numbers["invocations"][function] += times
    assert not_held(numbers) == [broken]


@pytest.mark.parametrize(("number", "broken"), [(0, "two commands"), (1, "two commands"), (2, "one certificate")])
def test_a_call_too_many_is_no_success(number: int, broken: str) -> None:
    numbers = counted()
    numbers["api_calls"][number]["count"] += 1
    assert not_held(numbers) == [f"{broken} for each renewal"]


def test_looks_at_slow_hosts_are_no_transitions_too_many_and_other_states_that_come_again_are() -> None:
    numbers = counted()
    numbers["transitions"] = {"one": 14, "two": 17}
    slow = dict.fromkeys(("CertDeployStatus", "CertDeployStatusAnswer"), 1)
    numbers["entered_again"] = {"one": slow, "two": {name: 2 * count for name, count in slow.items()}}
    assert report_on(numbers).held
    assert report_on(numbers).per_renewal["at_best"]["state_transitions"] == 11
    numbers["entered_again"] = {"one": {"WaitForStart": 3}, "two": {"CertDeploy": 6}}
    assert not_held(numbers) == ["at most 12 state transitions"]


def test_a_transition_too_many_and_no_renewal_at_all_are_no_success() -> None:
    numbers = counted()
    numbers["transitions"] = {"one": 13, "two": 16}
    assert not_held(numbers) == ["at most 12 state transitions"]
    nothing: dict[str, Any] = {"invocations": {}, "api_calls": [], "raised": {}}
    nothing |= {"transitions": {}, "entered_again": {}, "last_states": {}}
    assert len(not_held(nothing)) == 4
