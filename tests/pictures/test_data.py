"""The data of a page: what is written can be read, and says what its schema says."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from matplotlib.figure import Figure

from pca_automator.pictures.course import course
from pca_automator.pictures.data import Host, Report, Run, UnreadableError, read, schema
from pca_automator.pictures.drawing import SIZES, day, times
from pca_automator.pictures.runway import runway
from tests.pictures.made_up import NOW, fleet, rehearsal

VALIDATOR = Draft202012Validator(schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize(
    "report", [fleet(30), rehearsal(30), Report(kind="fleet", title="", at=NOW)], ids=lambda r: r.kind
)
def test_what_is_written_is_as_the_schema_says_and_is_read_again(report: Report) -> None:
    text = report.as_json()
    VALIDATOR.validate(json.loads(text))
    assert read(text) == report


def test_the_schema_describes_every_model_and_refuses_what_is_none() -> None:
    Draft202012Validator.check_schema(schema())
    whole = json.loads(fleet(1).as_json())
    for wrong in (
        {**whole, "kind": "herd"},
        {**whole, "at": None},
        {**whole, "hosts": [{}]},
        {**whole, "schemaVersion": 2},
    ):
        with pytest.raises(ValidationError):
            VALIDATOR.validate(wrong)
    described = schema()["$defs"]
    assert {"Host", "Cause", "Certificate", "Run", "Phase", "Crl"} <= set(described)
    assert all(each["description"] for each in described.values())


def test_a_field_that_a_newer_release_adds_is_no_obstacle() -> None:
    whole = json.loads(fleet(1).as_json())
    whole["hosts"][0]["weather"] = "fine"
    assert read(json.dumps({**whole, "mood": "good"})) == fleet(1)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "herd"}, "kind is 'herd': Input should be 'fleet', 'run' or 'rehearsal'"),
        ({"at": "yesterday"}, "at is 'yesterday'"),
        ({"at": "2026-11-26T03:02:00"}, "at is '2026-11-26T03:02:00': Input should have timezone info"),
        ({"hosts": [{"status": "DEPLOYED"}]}, "hosts.0.hostID: Field required"),
        ({"runs": 7}, "runs is '7': Input should be a valid array"),
    ],
)
def test_what_cannot_be_shown_is_named(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        read(json.dumps({**json.loads(fleet(1).as_json()), **change}))
    assert complaint in str(refused.value)


def test_words_that_turn_the_direction_of_writing_are_not_taken_over() -> None:
    host = Host(host_id="i-\u202e1\x1b[2J", status="NEW")
    assert host.host_id == "i-?1?[2J"


LEFT = st.integers(min_value=-400 * 86_400, max_value=4_000 * 86_400)


@given(st.lists(LEFT, max_size=60), st.none() | st.integers(min_value=0, max_value=20 * 86_400))
@settings(max_examples=200, deadline=None)
def test_the_histogram_counts_every_certificate_once(lefts: list[int], next_run: int | None) -> None:
    hosts = [
        Host(host_id=f"i-{number}", status="DEPLOYED", expiry=NOW + timedelta(seconds=seconds))
        for number, seconds in enumerate(lefts)
    ]
    bare = [Host(host_id="i-new", status="NEW"), Host(host_id="i-gone", status="RETIRED", expiry=NOW)]
    at = None if next_run is None else NOW + timedelta(seconds=next_run)
    found = runway(Report(kind="fleet", title="", at=NOW, next_run=at, hosts=[*hosts, *bare]))
    assert sum(each.hosts for each in found.bins) == len(lefts) == found.with_certificate
    assert (found.hosts, found.without) == (len(lefts) + 1, 1)
    assert found.over == sum(seconds <= 0 for seconds in lefts)
    assert found.before_next_run == sum(0 < seconds <= (next_run if next_run is not None else -1) for seconds in lefts)
    assert len(found.bins) <= 25
    for each in found.bins:
        low, high = each.low.total_seconds(), each.high.total_seconds()
        expected = [seconds for seconds in lefts if (seconds <= 0 if each.is_over else max(low, 1) <= seconds < high)]
        assert each.hosts == len(expected)


def test_a_run_with_failures_is_not_well_although_it_succeeded() -> None:
    base = {"status": "SUCCEEDED", "started_at": NOW, "ended_at": NOW}
    runs = [Run(run_id="a", counts={"renewed": 3}, **base), Run(run_id="b", counts={"failed": 1}, **base)]
    lanes = {lane.name: lane.state for lane in course(Report(kind="fleet", title="", at=NOW, runs=runs)).lanes}
    assert lanes == {"a": "good", "b": "bad"}


@pytest.mark.parametrize("seconds", [0, 1, 7, 59, 100, 3_000, 6_000, 30_000, 90_000, 10**6, 10**7, 10**8])
def test_an_axis_of_times_has_few_words_whatever_its_length(seconds: int) -> None:
    for size, most in zip(SIZES, (9, 5), strict=True):
        axes = Figure().subplots()
        axes.plot([day(NOW), day(NOW + timedelta(seconds=seconds))], [0, 1])
        times(axes, size)
        first, last = axes.get_xlim()
        shown = [tick for tick in axes.get_xticks() if first <= tick <= last]
        assert len(shown) <= most
        assert len(shown) >= (1 if seconds else 0)
