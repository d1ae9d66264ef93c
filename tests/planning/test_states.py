"""A plan plays the States Language as Step Functions does, and refuses what it cannot play."""

from __future__ import annotations

from typing import Any

import pytest

from pca_automator.planning.errors import StateError, Unplayable
from pca_automator.planning.states import Machine
from tests.planning.playing import run, task, world

DONE = {"Type": "Succeed"}
RETRY = [{"ErrorEquals": ["Throttled"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 3, "MaxDelaySeconds": 5}]


def failing(times: int, error: str = "Throttled", answer: Any = "good") -> Any:
    left = [StateError(error)] * times
    return lambda _payload: left.pop() if left else answer


def test_a_task_reads_its_payload_and_its_result_goes_where_the_path_says() -> None:
    played = world(functions={"CertCSR": lambda payload: {"seen": payload}})
    state = task("CertCSR", ResultPath="$.csr.again", ResultSelector={"Payload.$": "$.Payload.seen", "kind": "x"})
    state["Parameters"]["Payload"] = {"hostID.$": "$.hostID", "run.$": "$$.Execution.Name", "fixed": {"a": [1]}}
    outcome = run(played, {"CertCSR": state}, {"hostID": "i-1", "csr": {"kept": True}})
    seen = {"hostID": "i-1", "run": "run", "fixed": {"a": [1]}}
    assert outcome.output == {"hostID": "i-1", "csr": {"kept": True, "again": {"Payload": seen, "kind": "x"}}}


@pytest.mark.parametrize(
    ("path", "output"), [({}, {"a": {"b": 1}}), ({"OutputPath": "$.a"}, {"b": 1}), ({"InputPath": "$.a"}, {"b": 1})]
)
def test_an_execution_ends_with_what_its_last_state_lets_out(path: dict[str, str], output: Any) -> None:
    outcome = run(world(), {"Done": {**DONE, **path}}, {"a": {"b": 1}})
    assert (outcome.succeeded, outcome.output) == (True, output)


def test_an_output_that_is_not_there_ends_an_execution_in_failure() -> None:
    outcome = run(world(), {"Done": {**DONE, "OutputPath": "$.b"}}, {"a": 1})
    assert (outcome.succeeded, outcome.error) == (False, "States.Runtime")


def test_retries_back_off_up_to_their_longest_delay_and_count_as_transitions() -> None:
    played = world(functions={"CertCSR": failing(3)})
    outcome = run(played, {"CertCSR": task("CertCSR", Retry=RETRY)})
    assert outcome.succeeded
    assert [time for time, _, _ in played.calls] == [0, 2, 6, 11]
    assert outcome.transitions == 4


def test_full_jitter_is_a_random_part_of_the_delay() -> None:
    played = world(functions={"CertCSR": failing(1)}, lot=0.25)
    run(played, {"CertCSR": task("CertCSR", Retry=[{**RETRY[0], "JitterStrategy": "FULL"}])})
    assert [time for time, _, _ in played.calls] == [0, 0.5]


def test_after_its_retries_an_error_goes_to_the_first_catcher_that_names_it() -> None:
    played = world(functions={"CertCSR": failing(9)})
    catch = [
        {"ErrorEquals": ["Other"], "Next": "Wrong"},
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Right"},
    ]
    states = {"CertCSR": task("CertCSR", Retry=RETRY, Catch=catch), "Right": DONE, "Wrong": {"Type": "Fail"}}
    outcome = run(played, states, {"hostID": "i-1"})
    assert outcome.last_state == "Right"
    assert outcome.output == {"hostID": "i-1", "error": {"Error": "Throttled", "Cause": ""}}
    assert len(played.calls) == 4


@pytest.mark.parametrize("error", ["States.Runtime", "States.DataLimitExceeded"])
def test_wildcards_do_not_catch_what_step_functions_never_lets_them_catch(error: str) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    played = world(functions={"CertCSR": failing(1, error)})
    outcome = run(played, {"CertCSR": task("CertCSR", Catch=catch), "Caught": DONE})
    assert (outcome.succeeded, outcome.error) == (False, error)


def test_an_input_that_lacks_what_a_state_reads_is_fatal() -> None:
    state = task("CertCSR", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
    state["Parameters"]["Payload"] = {"hostID.$": "$.hostID"}
    outcome = run(world(), {"CertCSR": state, "Caught": DONE})
    assert outcome.error == "States.Runtime"


TOKEN = "arn:aws:states:::lambda:invoke.waitForTaskToken"


def test_a_task_waits_for_its_token_and_its_answer_is_what_completes_it() -> None:
    played = world(functions={"CertIssue": lambda _payload: {}})
    state = task("CertIssue", Resource=TOKEN, TimeoutSeconds=120)
    state["Parameters"]["Payload"] = {"taskToken.$": "$$.Task.Token"}

    def later() -> Any:
        yield played.env.timeout(30)
        played.tokens[0].succeed({"command": "c"})

    played.env.process(later())
    outcome = run(played, {"CertIssue": state})
    assert outcome.output == {"command": "c"}
    assert played.env.now == 30
    assert played.calls[0][2] == {"taskToken": "token-1"}


def test_a_token_that_nobody_uses_is_a_timeout() -> None:
    played = world(functions={"CertIssue": lambda _payload: (20, {})})
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}]
    outcome = run(
        played, {"CertIssue": task("CertIssue", Resource=TOKEN, TimeoutSeconds=120, Catch=catch), "Late": DONE}
    )
    assert (outcome.last_state, played.env.now) == ("Late", 120)


@pytest.mark.parametrize(
    ("wait", "end"),
    [
        ({"Seconds": 15}, 15),
        ({"SecondsPath": "$.pause"}, 7),
        ({"TimestampPath": "$.at"}, 3600),
        ({"Timestamp": "1970-01-01T00:00:10Z"}, 10),
        ({"TimestampPath": "$.past"}, 0),
    ],
)
def test_waits_last_as_they_say_and_a_time_that_is_past_is_no_wait(wait: dict[str, Any], end: float) -> None:
    played = world()
    data = {"pause": 7, "at": "1970-01-01T01:00:00+00:00", "past": "1969-01-01T00:00:00Z"}
    run(played, {"W": {"Type": "Wait", **wait, "Next": "D"}, "D": DONE}, data)
    assert played.env.now == end


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"Variable": "$.state", "StringEquals": "SENT"}, True),
        ({"Variable": "$.attempt", "NumericGreaterThanEquals": 3}, True),
        ({"Variable": "$.attempt", "NumericGreaterThan": 3}, False),
        ({"Variable": "$.attempt", "StringEquals": "3"}, False),
        ({"Variable": "$.flag", "BooleanEquals": True}, True),
        ({"Variable": "$.flag", "NumericEquals": 1}, False),
        ({"Variable": "$.missing", "IsPresent": False}, True),
        ({"Variable": "$.state", "IsPresent": True}, True),
        ({"Variable": "$.attempt", "NumericLessThanPath": "$.most"}, True),
        ({"Variable": "$.at", "TimestampLessThan": "2026-01-01T00:00:00+02:00"}, False),
        ({"Not": {"Variable": "$.state", "StringEquals": "SENT"}}, False),
        (
            {
                "And": [
                    {"Variable": "$.state", "StringEquals": "SENT"},
                    {"Or": [{"Variable": "$.flag", "IsNull": True}, {"Variable": "$.attempt", "NumericEquals": 3}]},
                ]
            },
            True,
        ),
    ],
)
def test_choices_decide_as_step_functions_does(rule: dict[str, Any], holds: bool) -> None:
    data = {"state": "SENT", "attempt": 3, "most": 4, "flag": True, "at": "2025-12-31T23:00:00Z"}
    states = {
        "C": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"}, "Yes": DONE, "No": DONE,
    }  # fmt: skip
    assert run(world(), states, data).last_state == ("Yes" if holds else "No")


def test_a_choice_without_a_match_and_without_a_default_fails() -> None:
    states = {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "D"}]}, "D": DONE,
    }  # fmt: skip
    assert run(world(), states, {"a": 2}).error == "States.NoChoiceMatched"


def a_map(**more: Any) -> dict[str, Any]:
    return {
        "M": {
            "Type": "Map",
            "ItemReader": {"Parameters": {"Bucket": "b", "Key.$": "$.key"}},
            "ItemSelector": {"hostID.$": "$$.Map.Item.Value.hostID", "run.$": "$.run"},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "One",
                "States": {"One": {**task("One"), "Parameters": {"Payload": {"hostID.$": "$.hostID"}}}},
            },
            "Next": "D",
            **more,
        },
        "D": DONE,
    }


LINES = [{"hostID": f"i-{number}"} for number in range(20)]


@pytest.mark.parametrize(("more", "most", "seconds"), [({"MaxConcurrency": 4}, 4, 50), ({}, 20, 10)])
def test_a_map_runs_no_more_children_at_once_than_it_may(more: dict[str, int], most: int, seconds: float) -> None:
    played = world(functions={"One": lambda _payload: (10, {})}, lines=LINES)
    outcome = run(played, a_map(**more), {"key": "k", "run": "r"})
    assert outcome.succeeded
    assert (played.most, played.env.now, len(played.children)) == (most, seconds, 20)
    assert [payload["hostID"] for _, _, payload in played.calls] == [line["hostID"] for line in LINES]


def test_a_map_stops_starting_children_once_too_many_have_failed() -> None:
    played = world(functions={"One": lambda _payload: StateError("Bad")}, lines=LINES)
    catch = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Stopped"}]
    states = {**a_map(MaxConcurrency=1, ToleratedFailurePercentage=25, Catch=catch), "Stopped": DONE}
    outcome = run(played, states, {"key": "k", "run": "r"})
    assert outcome.last_state == "Stopped"
    assert len(played.children) == 6


def test_children_that_fail_within_the_tolerance_do_not_fail_the_map() -> None:
    played = world(functions={"One": lambda _payload: StateError("Bad")}, lines=LINES)
    assert run(played, a_map(ToleratedFailurePercentage=100), {"key": "k", "run": "r"}).succeeded


@pytest.mark.parametrize(
    ("states", "named"),
    [
        ({"S": {"Type": "Parallel", "Branches": []}}, "a state of type Parallel \\(S\\)"),
        ({"S": {**task("S"), "HeartbeatSeconds": 3}}, "HeartbeatSeconds of the Task state S"),
        ({"S": {**task("S"), "Resource": "arn:aws:states:::sqs:sendMessage"}}, "the resource arn:aws:states:::sqs"),
        ({"S": {"Type": "Wait", "SecondsPath": "$.a[0]", "End": True}}, "the path '\\$.a\\[0\\]'"),
        ({"S": {**task("S"), "Parameters": {"a.$": "States.UUID()"}}}, "the path 'States.UUID\\(\\)'"),
        ({"S": {"Type": "Choice", "Choices": [{"Variable": "$.a", "StringMatches": "*", "Next": "S"}]}}, "StringMatch"),
        ({"S": {"Type": "Pass", "QueryLanguage": "JSONata", "End": True}}, "JSONata"),
        ({"S": {**task("S"), "OutputPath": "$.a"}}, "an OutputPath, of the Task state S"),
    ],
)
def test_what_a_plan_cannot_play_is_refused_by_name_before_the_first_host(states: Any, named: str) -> None:
    with pytest.raises(Unplayable, match=named):
        Machine({"StartAt": "S", "States": states})
