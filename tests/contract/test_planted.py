"""Lists that several worlds know, beside the overrides of test_lists.py: metrics, variables, codes, verbs, numbers.

Each has one home. What a place knows is found in the place itself, so that an entry which is planted in the home alone
is missed in every place; a second test plants one, for a check that finds nothing would be green as well.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import typer.main
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.observability.metrics import UNITS
from pca_runtime.revocation.crl import PEM_MAX
from pca_runtime.shared.quotas import CA_LIFETIME_CERTIFICATES

from pca_automator import PcaCertificateAutomation
from pca_automator.cli.main import app
from pca_automator.monitoring import crl_budget
from pca_automator.rehearsal.local_aws.facts.ledger import registered
from tests.synthesis import ROOT, full_template, resources

RUNTIME = ROOT / "lambda_src"


def page(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def constants_of_the_functions() -> set[str]:
    """Every text in the functions' code, but for the lists themselves."""
    homes = {"metrics.py"}
    return {
        node.value
        for path in RUNTIME.rglob("*.py")
        if path.name not in homes
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


# Metrics: the home is observability/metrics.py, and what is not there cannot be emitted.


def emitted_metrics() -> set[str]:
    outcomes = importlib.import_module("handlers.cert_report")
    return {outcomes._metric(name) for name in outcomes._METRICS} | (constants_of_the_functions() & UNITS.keys())


def documented_metrics() -> set[str]:
    rows = re.findall(
        r"^\| (`[A-Z]\w+`.*?) \|", page("docs/monitoring.md").partition("\n## Metrics\n")[2], re.MULTILINE
    )
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


# Environment variables: the home is the settings of a function; the place is the function's environment.

NOT_IN_SETTINGS = {"POWERTOOLS_LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"}
"""Read by the log itself."""


@cache
def functions() -> dict[str, dict[str, Any]]:
    """Every function of an automation that has all there is, by the name of its handler."""
    made = [each["Properties"] for each in resources(full_template(), "AWS::Lambda::Function").values()]
    return {
        each["Handler"].split(".")[1]: each["Environment"]["Variables"]
        for each in made
        if each["Handler"].startswith("handlers.")
    }


def settings_of(handler: str) -> Any:
    module = importlib.import_module(f"handlers.{handler}")
    getter = getattr(module, "_settings", None)
    if getter is None:
        return None
    name = inspect.signature(inspect.unwrap(getter)).return_annotation
    return getattr(module, name)


def variables_read(handler: str) -> dict[str, bool]:
    """Each variable, and whether the function cannot do without it."""
    return {name.upper(): field.is_required() for name, field in settings_of(handler).model_fields.items()}


def not_given(required: dict[str, bool], given: set[str]) -> set[str]:
    return {name for name, is_required in required.items() if is_required} - given


HANDLERS = sorted(path.stem for path in (RUNTIME / "handlers").glob("c*.py"))
WITH_SETTINGS = [handler for handler in HANDLERS if settings_of(handler) is not None]


def test_every_handler_is_deployed_where_everything_is_switched_on() -> None:
    assert sorted(functions()) == HANDLERS
    assert len(WITH_SETTINGS) > 8


@pytest.mark.parametrize("handler", WITH_SETTINGS)
def test_a_function_reads_each_variable_that_it_is_given_and_is_given_each_that_it_needs(handler: str) -> None:
    read, given = variables_read(handler), set(functions()[handler])
    assert given - NOT_IN_SETTINGS - set(read) == set(), "a variable nobody reads"
    assert not_given(read, given) == set(), "a variable nobody gives"


@pytest.mark.parametrize("handler", WITH_SETTINGS)
def test_a_variable_that_only_one_side_knows_would_be_missed(handler: str) -> None:
    read, given = variables_read(handler), set(functions()[handler])
    assert not_given({**read, "NEW_THING": True}, given) == {"NEW_THING"}
    assert given | {"NEW_THING"} - NOT_IN_SETTINGS - set(read) >= {"NEW_THING"}


# Verbs: the home is the command itself.


def verbs(command: Any = None, name: str = "") -> set[str]:
    command = command or typer.main.get_command(app)
    below = getattr(command, "commands", None)
    if below is None:
        return {name}
    return {verb for each, child in below.items() for verb in verbs(child, f"{name} {each}".strip())}


def verbs_on(path: str, known: set[str]) -> set[str]:
    text = page(path)
    return {verb for verb in known if re.search(rf"pca-automator {re.escape(verb)}(?![\w-])", text)}


# The homes and the places of what is a list of names.

LISTS: dict[str, tuple[Callable[[], set[str]], Callable[[set[str]], set[str]]]] = {
    "metrics: somebody emits them": (lambda: set(UNITS), lambda _: emitted_metrics()),
    "metrics: docs/monitoring.md": (lambda: set(UNITS), lambda _: documented_metrics()),
    "codes: the page of the codes": (
        lambda: set(CATALOGUE),
        lambda _: set(re.findall(r"^### (\S+)$", page("docs/reference/troubleshooting.md"), re.MULTILINE)),
    ),
    "verbs: the recorded page and the operator's": (
        verbs,
        lambda known: {
            verb
            for path in (
                "docs/reference/commands.md",
                "docs/operations.md",
                "docs/rehearsal.md",
                "docs/performance.md",
                "docs/pictures.md",
            )
            for verb in verbs_on(path, known)
        },
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_each_place_knows_every_entry(name: str) -> None:
    home, place = LISTS[name]
    assert home() - place(home()) == set()


@pytest.mark.parametrize("name", LISTS)
def test_each_place_would_miss_an_entry_that_the_home_alone_has(name: str) -> None:
    home, place = LISTS[name]
    planted = {*home(), "NewThing"}
    assert planted - place(planted) == {"NewThing"}


def test_no_place_knows_a_metric_that_is_none() -> None:
    assert documented_metrics() == set(UNITS)
    construct = inspect.getmembers(PcaCertificateAutomation, inspect.isfunction)
    named = {
        name
        for method, function in construct
        if method.startswith("metric_")
        for name in re.findall(r'self\.metric\("(\w+)"', inspect.getsource(function))
    }
    assert len(named) > 10
    assert named <= set(UNITS)


# Numbers that stand in more than one world. The text of a page says them as people write them.

NUMBERS: dict[str, tuple[int, dict[str, Callable[[], set[int]]]]] = {
    "bytes of a CRL": (
        PEM_MAX,
        {
            "the forecast at synthesis": lambda: {crl_budget.CRL_MAX_BYTES},
            "the local AWS": lambda: {fact.value for fact in registered() if fact.name == "roles-anywhere.crl-bytes"},
            "docs/revocation.md": lambda: said("docs/revocation.md", r"above ([\d,]+) bytes in PEM"),
            "docs/monitoring.md": lambda: said("docs/monitoring.md", r"% of ([\d,]+) bytes"),
            "the alarm's runbook": lambda: said("docs/operations.md", r"80 % of the ([\d,]+) bytes"),
            "the metric": lambda: said("pca_automator/monitoring/metrics.py", r"takes ([\d,]+) bytes at most"),
            "the code of the refusal": lambda: said("docs/reference/troubleshooting.md", r"above the ([\d,]+) bytes"),
        },
    ),
    "certificates of a CA": (
        CA_LIFETIME_CERTIFICATES,
        {
            "the forecast at synthesis": lambda: {crl_budget.CERTIFICATES_PER_CA},
            "the alarm": lambda: said("pca_automator/monitoring/fleet_alarms.py", r"of the ([\d,]+) certificates"),
            "docs/monitoring.md": lambda: said("docs/monitoring.md", r"issue ([\d,]+) certificates in its life"),
            "docs/operations.md": lambda: said("docs/operations.md", r"of the ([\d,]+) certificates"),
        },
    ),
}


def said(path: str, pattern: str) -> set[int]:
    return {int(number.replace(",", "")) for number in re.findall(pattern, page(path))}


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, (_, places) in NUMBERS.items() for place in places]
)
def test_a_number_is_the_same_in_every_world(name: str, place: str) -> None:
    value, places = NUMBERS[name]
    assert places[place]() == {value}
