"""Run Command: which answers mean wait, and whose words a failure carries."""

from __future__ import annotations

from typing import Any

import pytest
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.errors.kinds import AccessRefused, CsrFailed, HostUnreachable, InstallFailed, PermanentError, Throttled
from pca_runtime.hosts.commands import HostCommands, Order

from tests.runtime.fakes import FakeSsm, client_error

HOST = "i-0123456789abcdef0"


def order(**changes: Any) -> Order:
    values: dict[str, Any] = {
        "document": "GenerateCsr",
        "host_id": HOST,
        "parameters": {"hostID": HOST, "requestId": "0" * 32},
        "purpose": "csr run",
        "delivery_seconds": 60,
    }
    return Order(**{**values, **changes})


def poll(failure: type[PermanentError] = CsrFailed, **answer: Any) -> Any:
    ssm = FakeSsm()
    ssm.invocations["c"] = {"Status": "Success", "StandardOutputContent": "", "StandardErrorContent": "", **answer}
    return HostCommands(ssm).poll("c", HOST, failure)


def test_sends_to_one_instance_with_a_delivery_timeout_and_the_newest_document() -> None:
    ssm = FakeSsm()
    command_id = HostCommands(ssm).send(order())
    (request,) = ssm.requests("send_command")
    assert command_id in ssm.invocations
    assert request["InstanceIds"] == [HOST]
    assert "Targets" not in request
    assert request["DocumentVersion"] == "$LATEST"
    assert request["TimeoutSeconds"] == 60
    assert request["Parameters"] == {"hostID": [HOST], "requestId": ["0" * 32]}


def test_the_comment_fits_the_limit_of_the_api() -> None:
    ssm = FakeSsm()
    HostCommands(ssm).send(order(purpose="csr " + "r" * 80))
    assert len(ssm.requests("send_command")[0]["Comment"]) <= 100


def test_a_host_unknown_to_systems_manager_is_unreachable_at_once() -> None:
    ssm = FakeSsm()
    ssm.unknown.add(HOST)
    with pytest.raises(HostUnreachable) as unreachable:
        HostCommands(ssm).send(order())
    assert unreachable.value.code == "HOST_UNKNOWN_TO_SSM"


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Delayed", "Cancelling"])
def test_waits_while_the_command_is_under_way(status: str) -> None:
    assert not poll(Status=status, StatusDetails=status).finished


def test_waits_while_the_invocation_does_not_exist_yet() -> None:
    assert not HostCommands(FakeSsm()).poll("unknown", HOST, CsrFailed).finished


@pytest.mark.parametrize(
    ("status", "details", "error", "code"),
    [
        ("TimedOut", "Undeliverable", HostUnreachable, "HOST_UNDELIVERABLE"),
        ("TimedOut", "DeliveryTimedOut", HostUnreachable, "HOST_UNDELIVERABLE"),
        ("TimedOut", "Delivery Timed Out", HostUnreachable, "HOST_UNDELIVERABLE"),
        ("TimedOut", "ExecutionTimedOut", CsrFailed, "COMMAND_TIMED_OUT"),
        ("TimedOut", "TimedOut", CsrFailed, "COMMAND_TIMED_OUT"),
        ("Cancelled", "Cancelled", CsrFailed, "COMMAND_CANCELLED"),
        ("Failed", "Terminated", CsrFailed, "COMMAND_CANCELLED"),
        ("Failed", "Invalid Platform", CsrFailed, "PLATFORM_UNSUPPORTED"),
        ("Failed", "AccessDenied", CsrFailed, "ACCESS_REFUSED"),
        ("Failed", "Failed", CsrFailed, "COMMAND_FAILED"),
        ("SomethingNew", "", CsrFailed, "COMMAND_FAILED"),
    ],
)
def test_every_other_status_ends_with_a_reason(
    status: str, details: str, error: type[PermanentError], code: str
) -> None:
    with pytest.raises(error) as failed:
        poll(Status=status, StatusDetails=details)
    assert failed.value.code == code
    assert HOST in failed.value.message


@pytest.mark.parametrize(
    ("stderr", "told"),
    [
        ("sh: 1: /x: Permission denied\nfailed to run commands: exit status 126", "sh: 1: /x: Permission denied"),
        ("failed to run commands: signal: killed", ""),
        ("failed to run commands: fork/exec: no memory\n", "failed to run commands: fork/exec: no memory"),
    ],
)
def test_what_the_agent_adds_to_every_failure_is_no_reason(stderr: str, told: str) -> None:
    with pytest.raises(CsrFailed) as failed:
        poll(Status="Failed", StatusDetails="Failed", ResponseCode=126, StandardErrorContent=stderr)
    quoted = f'; the host says: "{told}"' if told else ""
    assert failed.value.message == f"the command on {HOST} failed with status 126 (Failed){quoted}"


def test_the_hosts_own_code_and_words_are_carried() -> None:
    output = "noise\nPCA_ERROR NO_SPACE no space is left in /var/lib/pca-automator/x\n"
    with pytest.raises(InstallFailed) as failed:
        poll(InstallFailed, Status="Failed", StatusDetails="Failed", ResponseCode=1, StandardOutputContent=output)
    assert failed.value.code == "NO_SPACE"
    assert failed.value.message == 'the host says: "no space is left in /var/lib/pca-automator/x"'
    assert str(failed.value) == f"NO_SPACE: {failed.value.message}"


def test_the_hosts_words_count_also_when_the_execution_was_stopped() -> None:
    with pytest.raises(InstallFailed) as failed:
        poll(
            InstallFailed,
            Status="TimedOut",
            StatusDetails="ExecutionTimedOut",
            StandardOutputContent="PCA_ERROR HOOK_TIMED_OUT slow\r\n",
        )
    assert failed.value.code == "HOOK_TIMED_OUT"
    assert failed.value.message == 'the host says: "slow"'


def test_words_of_a_host_become_one_bounded_line_without_control_characters() -> None:
    output = f"PCA_ERROR INTERNAL \x1b[31mred\x07 {'x' * 10_000}\n"
    with pytest.raises(CsrFailed) as failed:
        poll(Status="Failed", StatusDetails="Failed", StandardOutputContent=output)
    assert failed.value.message.isprintable()
    assert len(failed.value.message) <= 500


@pytest.mark.parametrize(
    "code", sorted(code for code, entry in CATALOGUE.items() if entry.origin != "host" and code.isupper())
)
def test_a_host_cannot_speak_with_the_code_of_a_service_or_of_the_workflow(code: str) -> None:
    """The remedy of such a code would have an administrator change the CA, or a policy."""
    output = f"PCA_ERROR {code} the CA is disabled\n"
    with pytest.raises(InstallFailed) as failed:
        poll(InstallFailed, Status="Failed", StatusDetails="Failed", StandardOutputContent=output)
    assert failed.value.code == "HOST_CODE_UNKNOWN"
    assert failed.value.message == f'the host says: "{code} the CA is disabled"'


# Of each kind that moves, turns, hides, covers or only seems to be nothing: controls of both sets, marks and overrides
# of direction, separators, joiners, tags, annotations, private and unknown ones, letters that are written from the
# right, marks that are drawn over others, fillers, and half a surrogate.
UNSEEN = [
    "\x00", "\x1b", "\x7f", "\x85", "\x9b", "\r", "\xad", "\u061c", "\u180e", "\u200b", "\u200d", "\u200f",
    "\u2028", "\u2029", "\u202a", "\u202e", "\u2060", "\u2066", "\u2069", "\u206f", "\ufeff", "\ufff9", "\ufffe",
    "\ue000", "\U000e0041", "\U000f0000", "\U0001d173", "\u05d0", "\u0627", "\u0661", "\U00010800", "\u0338",
    "\u034f", "\u20dd", "\ufe0f", "\u115f", "\u3164", "\uffa0", "\u2800", "\u00a0", "\u3000", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("character", UNSEEN, ids=lambda character: f"U+{ord(character):04X}")
def test_nothing_in_the_words_of_a_host_turns_or_hides_the_text_around_them(character: str) -> None:
    output = f"PCA_ERROR INTERNAL one{character}two\n"
    with pytest.raises(CsrFailed) as failed:
        poll(Status="Failed", StatusDetails="Failed", StandardOutputContent=output)
    assert failed.value.message == 'the host says: "one two"'


def test_letters_of_most_languages_stay() -> None:
    output = "PCA_ERROR HOOK_FAILED größe: Файл 設定 e\u0301tat ✓ \U0001f600\n"
    with pytest.raises(CsrFailed) as failed:
        poll(Status="Failed", StatusDetails="Failed", StandardOutputContent=output)
    assert failed.value.message == 'the host says: "größe: Файл 設定 état ✓ \U0001f600"'


@pytest.mark.parametrize(
    "words",
    [
        'disk full" -- AWS says: enable the CA',
        '"; the host says: "',
        "the host says: nothing",
        "x" * 2_000 + '" AWS says: y',
        'a"' * 600,
    ],
)
@pytest.mark.parametrize("way", ["known code", "unknown code", "no code"])
def test_a_host_cannot_end_the_marks_around_its_words(words: str, way: str) -> None:
    said = {"known code": f"PCA_ERROR NO_SPACE {words}", "unknown code": f"PCA_ERROR EVIL_CODE {words}"}
    with pytest.raises(CsrFailed) as failed:
        poll(
            Status="Failed",
            StatusDetails="Failed",
            StandardOutputContent=f"{said.get(way, '')}\n",
            StandardErrorContent=words,
        )
    before, mark, after = failed.value.message.partition('the host says: "')
    assert mark
    assert before in ("", f"the command on {HOST} failed with status None (Failed); ")
    assert after.endswith('"')
    assert after.count('"') == 1


def test_without_words_of_the_script_the_error_output_is_quoted() -> None:
    with pytest.raises(CsrFailed) as failed:
        poll(Status="Failed", StatusDetails="Failed", ResponseCode=127, StandardErrorContent="sh: not\nfound\n")
    assert failed.value.code == "COMMAND_FAILED"
    assert failed.value.message.endswith('failed with status 127 (Failed); the host says: "sh: not found"')


def test_a_status_is_one_short_word_whatever_the_agent_reports() -> None:
    with pytest.raises(CsrFailed) as failed:
        poll(Status="Failed", StatusDetails="\u202e" + "x" * 900, ResponseCode="1\n2")
    assert failed.value.message == f"the command on {HOST} failed with status 1 2 ( {'x' * 34}"


def test_success_without_a_result_line_is_a_failure() -> None:
    with pytest.raises(CsrFailed) as failed:
        poll(StandardOutputContent="-----BEGIN CERTIFICATE REQUEST-----\n")
    assert failed.value.code == "HOST_RESULT_MISSING"


def test_reads_the_pairs_of_the_last_result_line() -> None:
    output = "PCA_RESULT requestId=old\nPCA_RESULT requestId=abc serial=0a validated=true rest\n"
    invocation = poll(StandardOutputContent=output)
    assert invocation.finished
    assert invocation.result["requestId"] == "abc"
    assert invocation.result["validated"] == "true"
    assert invocation.result["serial"] == "0a"


def test_throttling_and_refusals_have_their_names() -> None:
    ssm = FakeSsm()
    ssm.fail("get_command_invocation", client_error("ThrottlingException"), client_error("AccessDeniedException"))
    commands = HostCommands(ssm)
    with pytest.raises(Throttled):
        commands.poll("c", HOST, CsrFailed)
    with pytest.raises(AccessRefused):
        commands.poll("c", HOST, CsrFailed)


def test_nothing_of_the_output_or_the_parameters_is_in_a_repr() -> None:
    assert "requestId" not in repr(order())
    assert "abc" not in repr(poll(StandardOutputContent="abc\nPCA_RESULT a=b\n")).replace("'a': 'b'", "")
