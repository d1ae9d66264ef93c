"""Small functions by themselves, each with a table of what it must answer: whole documents would take minutes.

What a document does with the answers is tested where its promise is.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from tests.documents.functions import answers, say
from tests.documents.host import CREDENTIALS, Host

MOMENT = "2026-11-27T04:05:06Z"


@pytest.fixture
def ask(host: Host) -> Callable[..., list[str]]:
    """Each call, and the answers in their order."""

    def ask(document: str, table: dict[tuple[str, ...], str], *before: str) -> dict[tuple[str, ...], str]:
        return dict(zip(table, answers(host, document, list(table), before), strict=True))

    return ask


def test_times_are_compared_to_the_second(ask: Callable[..., object]) -> None:
    table = {
        ("later", MOMENT, MOMENT): "no",
        ("later", "2026-11-27T04:05:07Z", MOMENT): "yes",
        ("later", "2026-11-27T04:05:05Z", MOMENT): "no",
        ("later", "2026-11-28T00:00:00Z", MOMENT): "yes",
        ("later", "2026-11-26T23:59:59Z", MOMENT): "no",
        ("later", "2027-01-01T00:00:00Z", MOMENT): "yes",
        ("later", "2025-12-31T23:59:59Z", MOMENT): "no",
        ("later", "2026-11-27T08:09:09Z", "2026-11-27T08:09:08Z"): "yes",
    }
    assert ask("InstallCertificate", table) == table


def test_what_openssl_says_of_a_time_and_a_serial_is_read(ask: Callable[..., object]) -> None:
    months = enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)
    table = {
        **{("iso_date", f"{name}  3 13:15:00 2026 GMT"): f"2026-{n:02}-03T13:15:00Z" for n, name in months},
        ("iso_date", "Nov 13 13:15:00 2026 GMT"): "2026-11-13T13:15:00Z",
        ("iso_date", "Bad time value"): "yes",  # and says nothing
        ("lower_hex", "00ABCDEF0"): "abcdef0",
        ("lower_hex", "7F"): "7f",
        ("is_moment", MOMENT): "yes",
        ("is_moment", "2026-11-27T04:05:06"): "no",
        ("is_moment", "2026-11-27 04:05:06Z"): "no",
        ("is_moment", ""): "no",
    }  # fmt: skip
    assert ask("InstallCertificate", table) == table


@pytest.mark.parametrize("user", ["root", "somebody"])
def test_who_else_may_write_is_told_by_owner_group_and_mode(ask: Callable[..., object], user: str) -> None:
    """The group of an ordinary user is their own; that of root may have members."""
    own_group = {"root": "UNSAFE_DIRECTORY", "somebody": "yes"}[user]
    me = {"root": "0", "somebody": "1000"}[user]
    table = {
        ("refuse_others", "own", "/p", me, me, "755"): "yes",
        ("refuse_others", "own", "/p", "0", me, "755"): "yes",
        ("refuse_others", "own", "/p", "1001", me, "755"): "UNSAFE_DIRECTORY",
        ("refuse_others", "own", "/p", me, me, "775"): own_group,
        ("refuse_others", "own", "/p", me, me, "730"): own_group,
        ("refuse_others", "own", "/p", me, "1001", "775"): "UNSAFE_DIRECTORY",
        ("refuse_others", "own", "/p", me, "1001", "720"): "UNSAFE_DIRECTORY",
        ("refuse_others", "own", "/p", me, "1001", "705"): "yes",
        ("refuse_others", "own", "/p", me, me, "757"): "UNSAFE_DIRECTORY",
        ("refuse_others", "own", "/p", me, me, "702"): "UNSAFE_DIRECTORY",
        ("refuse_others", "own", "/p", me, me, "1777"): "UNSAFE_DIRECTORY",
        ("refuse_others", "shared", "/p", "0", "0", "1777"): "yes",
        ("refuse_others", "shared", "/p", "0", "0", "3777"): "yes",
        ("refuse_others", "shared", "/p", "0", "0", "2777"): "UNSAFE_DIRECTORY",
        ("refuse_others", "shared", "/p", "0", "0", "777"): "UNSAFE_DIRECTORY",
        ("refuse_others", "shared", "/p", "1001", "0", "1777"): "UNSAFE_DIRECTORY",
    }
    assert ask("GenerateCsr", table, f"me={me} my_group={me}") == table


def test_what_the_operating_system_said_goes_before_what_was_tried(ask: Callable[..., object]) -> None:
    table = {
        ("code_for", "cp: write error: No space left on device", "X"): "NO_SPACE",
        ("code_for", "cp: Disk quota exceeded", "X"): "NO_SPACE",
        ("code_for", "mv: Read-only file system", "X"): "DIRECTORY_NOT_WRITABLE",
        ("code_for", "mv: Permission denied", "X"): "DIRECTORY_NOT_WRITABLE",
        ("code_for", "chown: Operation not permitted", "OWNER_UNKNOWN"): "OWNER_UNKNOWN",
        ("code_for", "mv: Permission denied", "SWITCH_FAILED"): "SWITCH_FAILED",
        ("code_for", "mv: No space left on device", "SWITCH_FAILED"): "NO_SPACE",
        ("code_for", "something else", "X"): "X",
        ("are_numbers", "2", "1", "22"): "yes",
        ("are_numbers", "2", "1"): "no",
        ("are_numbers", "1", "1", "2"): "no",
        ("are_numbers", "1", "1a"): "no",
        ("are_numbers", "1", ""): "no",
        ("are_numbers", "1", "12345678901"): "no",
        ("one_line", "a\n\tb  c\x07é"): "a b c",
        ("one_line", "x" * 480): "x" * 480,
        ("one_line", "x" * 300 + "y" * 300): f"{'x' * 280} ... {'y' * 190}",
    }
    assert ask("InstallCertificate", table) == table


def test_modes_are_closed_to_those_who_must_not_read_or_write(ask: Callable[..., object]) -> None:
    limits = {"644": "640", "400": "400", "040": "440", "777": "770", "200": "600", "100": "500"}
    reads = {"644": "644", "666": "664", "602": "600", "447": "445", "750": "750"}
    table = {
        **{("eval", f"mode={mode}; limit_key; echo $mode"): limited for mode, limited in limits.items()},
        **{("eval", f"mode={mode}; others_only_read; echo $mode"): limited for mode, limited in reads.items()},
    }
    assert ask("InstallCertificate", table) == table


def test_what_a_service_says_of_a_refusal_is_its_first_exception(ask: Callable[..., object]) -> None:
    """What follows is where in the helper's own text it was thrown."""
    said = "starting\nAccessDeniedException: untrusted\ncaused by: Exception at line 5\n"
    table = {
        (
            "eval",
            f"printf '{said}' >\"$aside/words\"; helper_status=1; read_answer; echo $words",
        ): "AccessDeniedException: untrusted",
    }
    assert ask("InstallCertificate", table, 'mkdir -p "$aside"') == table


@pytest.fixture
def hung_up_as_usual() -> Iterator[None]:
    """Under nohup the signal is ignored, and no shell can change that."""
    former = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, former)


@pytest.mark.usefixtures("hung_up_as_usual")
@pytest.mark.parametrize(
    ("ends", "status"),
    [("exit 7", 7), ("false", 1), ("kill -HUP $$", 129), ("kill -INT $$", 130), ("kill -TERM $$", 143)],
)
def test_whatever_ends_a_document_it_says_so_and_cleans_up(host: Host, ends: str, status: int) -> None:
    outcome = say(host, "GenerateCsr", ["clean_up() { echo cleaned; false; }", "step='a step'", ends, "echo goes on"])
    assert (outcome.status, outcome.stderr) == (1, "cleaned\n")
    assert outcome.stdout == f"PCA_ERROR INTERNAL the script stopped with status {status} at: a step\n"
    outcome = say(host, "GenerateCsr", ["clean_up() { echo cleaned; false; }", "fail CODE words"])
    assert (outcome.status, outcome.stdout, outcome.stderr) == (1, "PCA_ERROR CODE words\n", "cleaned\n")
    outcome = say(host, "GenerateCsr", ["clean_up() { echo cleaned; false; }", "exit 0"])
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "cleaned\n")


def test_only_credentials_that_are_valid_are_credentials(ask: Callable[..., object]) -> None:
    def of(said: str) -> tuple[str, str]:
        return "eval", f"printf '%s' '{said}' | shape_of"

    table = {
        of(CREDENTIALS): "credentials",
        of(CREDENTIALS.replace(",", " ,\n ")): "credentials",
        of(CREDENTIALS.replace("2099", "2019")): "nothing",
        of(CREDENTIALS.replace("2099-11", "soon")): "nothing",
        of(CREDENTIALS.replace('"Version":1', '"Version":2')): "nothing",
        of(CREDENTIALS.replace('"Version":1', '"Version":12')): "nothing",
        of(CREDENTIALS.removesuffix("}")): "nothing",
        of(CREDENTIALS.removeprefix("{")): "nothing",
        of("{}"): "nothing",
        of(""): "nothing",
        of("status 137"): "137",
        of(f"{CREDENTIALS}status 1"): "1",
        **{
            of(CREDENTIALS.replace(f'"{name}":"', f'"{name}":""')): "nothing"
            for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
        },
    }
    assert ask("InstallCertificate", table) == table


def test_pauses_between_proofs_grow_to_twenty_seconds_and_are_drawn_from_all_below(ask: Callable[..., object]) -> None:
    """5354 leaves of each bound the bound itself: what is drawn is otherwise anything from 0 on."""
    stubs = (
        "SEALED_validationPolicy=REQUIRED SEALED_trustAnchorArn=a SEALED_profileArn=b SEALED_roleArn=c",
        "clock_difference=1",
        "proof_throttled=0 asked=0 words= prove_code=ROLES_ANYWHERE_THROTTLED prove_again=until",
        "examine_helper() { helper_fault=; }",
        "ask_roles_anywhere() { asked=$((asked + 1)); [ $asked -gt 6 ]; }",
        "read_answer() { :; }",
        "date() { echo 1000; }",
        "sleep() { echo $1; }",
    )
    said = 'od() {{ echo " {0}"; }}; prove; echo $validated $proof_throttled'
    table = {
        ("eval", said.format(5354)): "4\n8\n16\n20\n20\n20\ntrue 6",
        ("eval", said.format(0)): "0\n0\n0\n0\n0\n0\ntrue 6",
    }
    assert ask("InstallCertificate", table, *stubs) == table
    once = {("eval", "prove_again=once; " + said.format(0)): "0\nROLES_ANYWHERE_THROTTLED"}
    assert ask("InstallCertificate", once, *stubs, "fail() { echo $1; exit 1; }") == once


def test_limits_of_values_are_taken_exactly(ask: Callable[..., object]) -> None:
    refused = "BAD_PARAMETER"
    table = {
        ("check_path", "certPath", "/" + "a" * 199): "yes",
        ("check_path", "certPath", "/" + "a" * 200): refused,
        ("check_owner", "fileOwner", ""): "yes",
        ("check_owner", "fileOwner", "a" * 64): "yes",
        ("check_owner", "fileOwner", "a" * 65): refused,
        ("check_moment", "sentAt", ""): "yes",
        ("check_moment", "sentAt", "1" * 11): "yes",
        ("check_moment", "sentAt", "1" * 12): refused,
        ("check_number", "hookTimeout", "1", "50"): "yes",
        ("check_number", "hookTimeout", "50", "50"): "yes",
        ("check_number", "hookTimeout", "51", "50"): refused,
        ("check_number", "hookTimeout", "999", "999"): "yes",
        ("check_number", "hookTimeout", "1000", "9999"): refused,
        ("check_number", "hookTimeout", "0", "50"): refused,
        ("check_request_id", "a" * 32): "yes",
        ("check_request_id", "a" * 31): refused,
        ("check_request_id", "a" * 33): refused,
        ("check_request_id", "A" * 32): refused,
        ("check_word", "bundle", "true", "true", "false"): "yes",
        ("check_word", "bundle", "false", "true", "false"): "yes",
        ("check_word", "bundle", "", "true", "false"): refused,
        ("check_chain", "A.B"): "yes",
        **{("check_chain", chain): refused for chain in (".A", "A.", "A..B", "", "A B")},
        **{("check_mode", "certMode", mode): "yes" for mode in ("", "400", "0644", "777")},
        **{("check_mode", "certMode", mode): refused for mode in ("344", "64", "06444", "1644", "648")},
    }
    assert ask("InstallCertificate", table) == table


BAD_VALUES = {
    "GenerateCsr": {
        "SSM_requestId": "A", "SEALED_csrPath": "a", "SEALED_requestLease": "0", "SSM_certPath": "a",
        "SSM_keyPath": "a", "SSM_cacertPath": "a", "SSM_keyAlgorithm": "RSA_1024", "SSM_hostID": "i-0123456g",
    },
    "InstallCertificate": {
        "SSM_requestId": "A", "SEALED_csrPath": "a", "SSM_certPath": "a", "SSM_keyPath": "a", "SSM_cacertPath": "a",
        "SSM_signinghelperPath": "a", "SEALED_hooksPath": "a", "SSM_certificate": "-", "SSM_chain": "-",
        "SSM_sentAt": "01", "SEALED_caKeys": "A", "SEALED_versionsKept": "51", "SEALED_hookTimeout": "1000",
        "SSM_fileOwner": "-a", "SSM_fileGroup": "-a", "SSM_certMode": "666", "SSM_keyMode": "641", "SSM_bundle": "yes",
        "SSM_hostID": "mi-0",
    },
    "InspectCertificate": {
        "SEALED_csrPath": "a", "SSM_certPath": "a", "SSM_keyPath": "a", "SSM_cacertPath": "a",
        "SSM_signinghelperPath": "a", "SEALED_hooksPath": "a", "SSM_hostID": "",
    },
    "RemoveCertificate": {
        "SEALED_csrPath": "a", "SSM_certPath": "a", "SSM_keyPath": "a", "SSM_cacertPath": "a", "SSM_serial": "g",
        "SSM_hostID": "i-0123456789abcdefg",
    },
}  # fmt: skip


@pytest.mark.parametrize("document", BAD_VALUES)
def test_each_value_is_checked_once_more_on_the_host(ask: Callable[..., object], document: str) -> None:
    """An agent that knows no patterns may hand over anything."""
    table = {
        ("eval", f"{name}='{value}'; check_parameters"): "BAD_PARAMETER" for name, value in BAD_VALUES[document].items()
    }
    assert ask(document, table) == table
    fine = {("check_parameters",): "yes", ("eval", "SSM_hostID='{{ hostID }}'; check_parameters"): "AGENT_TOO_OLD"}
    if document == "RemoveCertificate":
        fine |= {("eval", f"SSM_serial={'a' * 40}; check_parameters"): "yes"}
        fine |= {("eval", f"SSM_serial={'a' * 41}; check_parameters"): "BAD_PARAMETER"}
    assert ask(document, fine) == fine
