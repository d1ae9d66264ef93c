"""Of each fact that is only assumed: what shows that the product loses nothing, whichever answer AWS gives.

That the local AWS gives both answers is shown by ``tests/rehearsal/test_facts.py``, and the whole lifecycle with every
other answer at once by ``rehearse --otherwise all``. Here stands what shows the product's own answer.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pca_automator.rehearsal.local_aws.facts import Evidence, registered
from tests.rehearsal.test_facts import WORLDS

TESTS = Path(__file__).resolve().parents[1]
ASSUMED = [fact.name for fact in registered() if fact.evidence is Evidence.ASSUMED]

SHOWN_BY = {
    "private-ca.crl-custom-path": (
        "runtime/revocation/test_crl_source.py::test_with_a_custom_path_the_crl_is_taken_from_wherever_aws_writes_it",
    ),
    "private-ca.crl-without-pointer": (
        "runtime/revocation/test_crl_source.py"
        "::test_whenever_the_first_crl_appears_its_lack_is_told_and_no_revocation_is_dropped",
        "runtime/revocation/test_crl_processor.py::test_before_the_first_certificate_there_is_no_crl_and_that_is_fine",
        "runtime/revocation/test_crl_source.py::test_an_hour_after_the_first_certificate_a_crl_is_missed",
    ),
    "private-ca.revoker-object": (
        "rehearsal/test_iam.py::test_the_objects_that_the_product_grants_let_it_revoke_in_both_worlds",
        "constructs/test_security.py::test_whoever_revokes_may_have_aws_write_each_object_that_private_ca_writes",
        "rehearsal/test_iam.py::test_who_revokes_must_be_able_to_write_the_crl",
    ),
    "roles-anywhere.anchor-follows": (
        "rehearsal/test_renewed_ca.py::test_the_runbook_keeps_every_session_in_both_worlds",
        "runtime/authority/test_anchored.py::test_a_ca_that_was_renewed_after_the_anchor_is_told_with_what_to_type",
        "runtime/authority/test_anchored.py::test_a_ca_that_was_renewed_within_the_hour_after_the_anchors_change_is_told",
        "runtime/renewal/test_cert_check.py::test_an_anchor_that_does_not_fit_is_measured_by_each_run_over_the_fleet",
    ),
    "roles-anywhere.clock": (
        "rehearsal/test_both_worlds.py::test_whatever_the_window_is_a_host_outside_of_it_is_told_of_its_clock",
        "documents/test_proof.py::test_a_refusal_leaves_the_old_pair_live_and_repeats_the_helpers_last_words",
        "documents/test_proof.py::test_every_text_of_both_helpers_leads_to_its_remedy",
    ),
    "roles-anywhere.crl-signed": (
        "runtime/revocation/test_crl_processor.py::test_a_crl_of_another_ca_is_refused_and_reported",
    ),
    "roles-anywhere.extended-key-usage": (
        "rehearsal/test_both_worlds.py"
        "::test_a_certificate_of_each_template_that_names_clients_proves_itself_in_both_worlds",
        "rehearsal/test_facts.py::test_a_purpose_that_is_client_authentication_satisfies_both_worlds",
        "constructs/authority/test_profiles.py::test_a_profile_for_servers_alone_is_warned_of",
    ),
    "roles-anywhere.source-account": (
        "constructs/test_security.py::test_the_test_role_may_do_nothing_and_trusts_our_anchor_and_hosts_alone",
    ),
    "roles-anywhere.stale-crl": (
        "rehearsal/test_both_worlds.py"
        "::test_the_alarm_of_a_crl_that_runs_out_sounds_while_every_session_is_still_given",
        "runtime/revocation/test_crl_processor.py::test_when_a_new_crl_is_refused_the_one_in_force_is_still_measured",
        "constructs/monitoring/test_fleet_alarms.py::test_every_threshold_is_a_prop",
    ),
    "run-command.delivery": (
        "runtime/renewal/test_cert_csr.py"
        "::test_a_host_whose_agent_fetches_nothing_fails_and_is_due_again_whichever_status_it_has",
        "constructs/renewal/test_workflow.py"
        "::test_it_looks_soon_once_and_every_fifteen_seconds_and_gives_up_after_twelve",
        "runtime/hosts/test_commands.py::test_waits_while_the_command_is_under_way",
    ),
    "run-command.killed-output": (
        "runtime/hosts/test_commands.py::test_the_hosts_words_count_also_when_the_execution_was_stopped",
        "runtime/hosts/test_commands.py::test_every_other_status_ends_with_a_reason",
    ),
    "workflow.map-order": (
        "runtime/renewal/test_start_gate.py::test_in_whatever_order_the_map_starts_them_every_host_is_renewed_once",
        "runtime/renewal/test_start_gate.py::test_a_host_that_comes_late_goes_back_into_the_line",
    ),
}
"""Fact to tests: without one an assumption is a hope."""


def names_in(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")}


def test_there_are_assumptions_to_show() -> None:
    assert len(ASSUMED) >= 8


@pytest.mark.parametrize("fact", ASSUMED)
def test_each_assumed_fact_is_played_in_both_worlds_and_the_product_is_shown_in_them(fact: str) -> None:
    assert fact in WORLDS, f"tests/rehearsal/test_facts.py needs both answers of {fact}"
    assert SHOWN_BY.get(fact), f"{fact} needs a test that shows the product safe for both answers"
    for test in SHOWN_BY[fact]:
        file, _, name = test.partition("::")
        assert name in names_in(file), test


def test_nothing_is_listed_that_is_not_assumed_any_more() -> None:
    assert set(SHOWN_BY) == set(ASSUMED) == set(WORLDS)
