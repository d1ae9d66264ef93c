"""The dashboard: numbers first, lines where alarms go off, and words that a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack

from pca_automator import Alarms, PcaCertificateAutomation
from tests.constructs.monitoring.test_fleet_alarms import alarms, dashboard
from tests.synthesis import automation, new_app, sample_template, template_of

# The graph, the alarm whose line it has, and by how much the metric's unit is divided there.
LINES = {
    "Least time left (hours)": ("AutomationAlarmsRunway", 3600),
    "Days until the CA runs out": ("AutomationAlarmsCaExpiry", 86_400),
    "Certificates of the 1,000,000 that a CA with a complete CRL issues": ("AutomationAlarmsCaCertificates", 10_000),
    "CRL in force": ("AutomationCrlAlarmsCrlSize", 1),
}


def widgets(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The widgets that draw metrics, by their titles."""
    found = [each["properties"] for each in dashboard(template)["widgets"] if each["type"] == "metric"]
    return {each["title"]: each for each in found if each["view"] == kind}


def lines(widget: dict[str, Any]) -> dict[str, float]:
    found = widget.get("annotations", {}).get("horizontal", [])
    return {each["label"]: each["value"] for each in found}


def rows(widget: dict[str, Any]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """What is drawn: names, and how."""
    for row in widget["metrics"]:
        options = row[-1] if isinstance(row[-1], dict) else {}
        if options.get("visible", True):
            yield row, options


def test_the_numbers_stand_above_every_graph() -> None:
    (numbers,) = widgets(sample_template(), "singleValue").values()
    labels = [options["label"] for _, options in rows(numbers)]
    assert labels == [
        "hours: the first certificate", "hours: 99 of 100", "hosts", "due", "ran out", "failed", "days: the CA",
        "% of the CRL's room",
    ]  # fmt: skip
    kinds = [
        each["properties"].get("view", each["type"])
        for each in sorted(dashboard(sample_template())["widgets"], key=lambda each: each["y"])
    ]
    assert kinds[:3] == ["text", "alarm", "singleValue"]
    assert set(kinds[3:]) == {"timeSeries"}


def test_a_number_is_the_metric_in_the_unit_that_its_label_names() -> None:
    (numbers,) = widgets(sample_template(), "singleValue").values()
    hidden = {row[-1]["id"]: row[1] for row in numbers["metrics"] if isinstance(row[-1], dict) and row[-1].get("id")}
    told = {
        options["label"]: re.sub(r"^(\w+)", lambda found: hidden[found[1]], options["expression"])
        for _, options in rows(numbers)
        if "expression" in options
    }
    assert told == {
        "hours: the first certificate": "LeastSecondsLeft / 3600",
        "hours: 99 of 100": "FirstPercentileSecondsLeft / 3600",
        "days: the CA": "CaSecondsLeft / 86400",
        "% of the CRL's room": "CrlBytes / 3000",
    }


@pytest.mark.parametrize("title", LINES)
def test_a_graph_has_the_line_at_which_the_alarm_goes_off(title: str) -> None:
    name, divisor = LINES[title]
    found = lines(widgets(sample_template(), "timeSeries")[title])
    (alarm,) = (value for label, value in found.items() if label.startswith("alarm: "))
    assert alarm == alarms()[name]["Threshold"] / divisor


def test_a_line_moves_with_its_alarm() -> None:
    given = automation(alarms=Alarms(runway=Duration.hours(6), ca_expiry=Duration.days(30), crl_size_percentage=50))
    graphs = widgets(template_of(given), "timeSeries")
    assert set(lines(graphs["Least time left (hours)"]).values()) == {6}
    assert set(lines(graphs["Days until the CA runs out"]).values()) == {30}
    assert set(lines(graphs["CRL in force"]).values()) == {150_000, 300_000}


def test_without_alarms_there_is_the_line_of_what_aws_allows_alone() -> None:
    graphs = widgets(template_of(automation(alarms=Alarms.none())), "timeSeries")
    assert {title: lines(graph) for title, graph in graphs.items() if lines(graph)} == {
        "CRL in force": {"allowed": 300_000}
    }


def test_a_threshold_that_is_known_at_deployment_only_is_no_line() -> None:
    stack = Stack(new_app(), "Consumer")
    token = Duration.seconds(CfnParameter(stack, "Runway", type="Number").value_as_number)
    given = PcaCertificateAutomation(stack, "Automation", alarms=Alarms(runway=token))
    assert lines(widgets(template_of(given), "timeSeries")["Least time left (hours)"]) == {}


def test_every_label_is_words() -> None:
    """Not the name of a metric, a queue or an alarm."""
    for kind in ("timeSeries", "singleValue"):
        for title, widget in widgets(sample_template(), kind).items():
            labels = [options.get("label", "") for _, options in rows(widget)] + list(lines(widget))
            for words in [title, *labels]:
                assert words, title
                assert not re.search(r"[a-z][A-Z]|_", words), (title, words)
