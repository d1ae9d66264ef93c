"""Everything that listens: to an event, a stream, a queue or the clock.

EventBridge delivers at least once, for up to a day, and EC2 and AWS Private CA send at best effort; so for each there
is what stands in for a lost event, and a test that loses, doubles and delays it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pca_automator.rehearsal.local_aws.facts import Evidence, account
from tests.constructs.promises.view import View
from tests.synthesis import full_template, sample_template

TESTS = Path(__file__).resolve().parents[1]
UNRELIABLE = "runtime/renewal/test_unreliable_events.py"
PLAYED = {
    "DepartureInstanceTerminated": (
        f"{UNRELIABLE}::test_ec2_events_of_an_instance_that_ends",
        f"{UNRELIABLE}::test_an_end_of_before_a_host_came_back_is_told_of_late_and_retires_nobody",
    ),
    "DepartureRemovedItems": (
        f"{UNRELIABLE}::test_stream_events_of_a_host_that_is_removed",
        f"{UNRELIABLE}::test_a_removal_that_is_told_of_late_revokes_nothing_that_was_asked_for_since",
    ),
    "EnrolmentInventoryChanges": (
        f"{UNRELIABLE}::test_stream_events_of_a_host_that_is_put_in",
        f"{UNRELIABLE}::test_stream_events_of_an_override_that_is_changed",
    ),
    "HostFunctionsCertificateIssued": (f"{UNRELIABLE}::test_events_of_certificates",),
    "RegistrationInstanceStarted": (f"{UNRELIABLE}::test_ec2_events_of_an_instance_that_starts",),
    "RevocationCrlNotWritten": (f"{UNRELIABLE}::test_events_that_a_crl_could_not_be_written",),
    "RevocationCrlWritten": (f"{UNRELIABLE}::test_s3_events_of_new_crls",),
}
"""The first of each is played lost, doubled and reordered."""
WAYS = {"lost", "doubled", "reordered"}
TWICE = {
    "DepartureReconciliation": f"{UNRELIABLE}::test_ec2_events_of_an_instance_that_ends",
    "DigestSchedule": "runtime/reporting/test_cert_digest.py::test_a_digest_that_is_asked_for_twice_writes_nothing",
    "RegistrationReconciliation": "runtime/membership/test_cert_register.py::test_two_at_once_register_a_host_once",
    "RevocationReconciliation": "runtime/revocation/test_crl_processor.py"
    "::test_a_lost_event_is_repaired_by_the_reconciliation",
    "WorkflowSchedule": "runtime/renewal/test_lifecycle.py::test_two_overlapping_runs_renew_a_host_once",
}
"""Schedules may fire twice, too; the next one stands in for one that did not."""


def readers_of(view: View) -> dict[str, str]:
    """Queue or stream, and the function that reads it."""
    mappings = view.of_type("Lambda::EventSourceMapping").values()
    return {mapping["EventSourceArn"]: mapping["FunctionName"] for mapping in mappings}


def listeners(view: View) -> dict[str, set[str]]:
    """Rules and streams, and the functions that they wake, through queues or not."""
    readers = readers_of(view)
    rules = {
        name: {readers.get(target["Arn"], target["Arn"]) for target in rule["Targets"]}
        for name, rule in view.of_type("Events::Rule").items()
    }
    queues = view.names("SQS::Queue")
    streams = {
        name: {mapping["FunctionName"]}
        for name, mapping in view.of_type("Lambda::EventSourceMapping").items()
        if mapping["EventSourceArn"] not in queues
    }
    return rules | streams


def without_an_event(view: View) -> dict[str, set[str]]:
    """What wakes each function by the clock alone: a schedule, or a workflow that one starts."""
    readers = readers_of(view)
    woken: dict[str, set[str]] = {}
    for name, schedule in view.of_type("Scheduler::Schedule").items():
        target = schedule["Target"]["Arn"]
        woken.setdefault(readers.get(target, target), set()).add(name)
        if target not in view.names("StepFunctions::StateMachine"):
            continue
        for function in invoked(view.definitions()):
            woken.setdefault(function, set()).add(name)
        # Whoever starts the same workflow: the schedule starts it, too.
        for function, settings in view.of_type("Lambda::Function").items():
            if target in settings.get("Environment", {}).get("Variables", {}).values():
                woken.setdefault(function, set()).add(name)
    return woken


def invoked(definitions: Any) -> Iterator[str]:
    if isinstance(definitions, dict):
        name = definitions.get("FunctionName")
        yield from [name] if isinstance(name, str) else []
        yield from (each for value in definitions.values() for each in invoked(value))
    elif isinstance(definitions, list):
        yield from (each for value in definitions for each in invoked(value))


def unheard(template: dict[str, Any]) -> list[str]:
    """Listeners of which a lost event is repaired by nothing, or that nobody plays."""
    view = View(template)
    woken = without_an_event(view)
    found = listeners(view)
    alone = [name for name, functions in found.items() if not all(woken.get(each) for each in functions)]
    return alone + sorted(found.keys() - PLAYED.keys()) + sorted(view.names("Scheduler::Schedule") - TWICE.keys())


def test_whatever_listens_has_a_stand_in_for_a_lost_event_and_a_test_that_loses_doubles_and_delays_it() -> None:
    assert unheard(full_template()) == unheard(sample_template()) == []
    view = View(full_template())
    assert set(listeners(view)) == set(PLAYED)
    assert view.names("Scheduler::Schedule") == set(TWICE)


def test_a_rule_that_is_new_and_a_schedule_that_is_gone_are_found() -> None:
    template = copy.deepcopy(full_template())
    resources = template["Resources"]
    rule = logical_id(resources, "AWS::Events::Rule", "InstanceTerminated")
    resources["AutomationNewRule12345678"] = resources[rule]
    assert unheard(template) == ["NewRule"]
    schedule = logical_id(resources, "AWS::Scheduler::Schedule", "DepartureReconciliation")
    del resources["AutomationNewRule12345678"], resources[schedule]
    assert unheard(template) == ["DepartureInstanceTerminated", "DepartureRemovedItems"]


def logical_id(resources: dict[str, Any], kind: str, part: str) -> str:
    (found,) = (name for name, each in resources.items() if each["Type"] == kind and part in name)
    return found


@pytest.mark.parametrize("test", sorted({each for tests in PLAYED.values() for each in tests} | set(TWICE.values())))
def test_what_is_named_is_there(test: str) -> None:
    assert definition(test)


@pytest.mark.parametrize("listener", sorted(PLAYED))
def test_every_listener_is_played_lost_doubled_and_reordered(listener: str) -> None:
    decorators = definition(PLAYED[listener][0]).decorator_list
    text = " ".join(ast.unparse(decorator) for decorator in decorators)
    assert "WAYS" in text or all(repr(way) in text for way in WAYS), text


def test_that_events_come_again_for_a_day_stands_in_the_ledger_with_its_page() -> None:
    fact = account.EVENT_DELIVERY
    assert (fact.evidence, fact.value) == (Evidence.DOCUMENTED, timedelta(hours=24))
    assert account.INSTANCE_EVENT.evidence is Evidence.DOCUMENTED


def definition(test: str) -> ast.FunctionDef:
    file, _, name = test.partition("::")
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    (found,) = (each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == name)
    return found
