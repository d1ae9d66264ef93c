"""Every kind of fault has members that nobody reported: at least three, each shown by a test.

A kind is closed where it is understood; what was reported is one member of it. This is the list for whoever looks for
more.
"""

from __future__ import annotations

import importlib
from typing import Any

import pytest

# A table counts as often as it has rows.
KINDS: dict[str, tuple[str, ...]] = {
    "lists of who can read": (
        "test_strange_hosts:DOORS",
        "test_strange_hosts:test_whoever_reads_the_bundle_reads_the_next_one_and_gets_no_right_to_the_key",
        "test_readers:LISTS", "test_readers:DIRECTORY_LISTS",
        "test_readers:test_a_number_that_is_somebody_elses_name_gets_no_key",
        "test_readers:test_an_ls_that_marks_no_lists_does_not_hide_them",
        "test_readers:test_a_directory_that_hands_its_group_down_does_not_let_it_read_keys",
        "test_readers:test_the_security_context_of_the_present_files_is_given_to_the_next_ones",
    ),
    "mounts": (
        "test_strange_hosts:test_a_service_whose_root_is_above_the_public_files_loses_none",
        "test_strange_hosts:test_a_service_from_which_the_store_is_hidden_loses_no_file",
        "test_mounts:test_a_directory_that_is_bound_into_a_chroot_counts_as_well",
        "test_mounts:test_a_mount_that_shows_one_version_for_ever_is_reported",
        "test_mounts:test_a_place_of_any_name_that_shows_the_store_too_is_no_obstacle",
        "test_mounts:test_a_namespace_of_a_service_that_shows_the_whole_host_is_no_obstacle",
    ),
    "words that become values": (
        "test_noise:TOOLS", "test_noise:ENVIRONMENTS", "test_noise:STARTS",
        "test_noise:test_an_openssl_that_answers_without_reading_is_not_believed",
    ),
    "a proof that proves nothing": ("test_proof:NO_PROOF", "test_proof:NO_ANSWER"),
    "a helper that cannot run": (
        "test_proof:NO_PROOF", "test_proof:test_a_program_for_another_machine_is_not_run",
        "test_proof:test_words_without_end_fill_no_disk_and_are_cut",
    ),
    "hooks that are not run": (
        "test_hooks:test_what_is_no_hook_is_not_run",
        "test_hooks:unsafe_places",
        "test_special_files:test_where_nothing_of_value_is_lost_a_renewal_goes_on",
    ),
    "copies of a machine": ("test_remove_certificate:CLONES",),
    "the host's openssl": ("test_generate_csr:CONFIGURATIONS", "test_openssl_111:OPTIONS"),
    "which versions stay": (
        "test_install_certificate:TIMES",
        "test_install_certificate:test_a_repeated_command_that_does_not_know_what_was_before_takes_nothing_away",
    ),
    "special files": ("test_special_files:PLACES", "test_special_files:KINDS"),
    "what outlives a command": (
        "test_hooks:test_a_hook_that_outlives_a_command_that_was_killed_keeps_the_lock",
        "test_hooks:test_a_daemon_that_a_hook_starts_holds_neither_command_nor_lock",
        "test_hooks:test_a_hook_that_takes_too_long_is_ended",
        "test_lock:test_the_lock_of_a_killed_command_is_free_at_once",
    ),
}  # fmt: skip


def members(shown_by: str) -> int:
    module, name = shown_by.split(":")
    found: Any = getattr(importlib.import_module(f"tests.documents.{module}"), name)
    if name == "unsafe_places":
        found = found()
    return 1 if callable(found) else len(found)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_three_members_at_least(kind: str) -> None:
    assert sum(map(members, KINDS[kind])) >= 3
