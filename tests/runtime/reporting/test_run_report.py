"""The text of the message: bounded, sorted, readable in a plain e-mail."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pca_runtime.errors.remedies import Place
from pca_runtime.reporting.notifications import execution_url
from pca_runtime.reporting.run_report import HostOutcome, Outcome, RunReport, message_of, subject_of

from tests.runtime.pki import NOW


def report(*hosts: HostOutcome, automation: str = "fleet", map_error: str = "") -> RunReport:
    made = RunReport(automation, "run-1", NOW, "s3://work/runs/run-1/report.json", "", map_error)
    for host in hosts:
        made.due += host.outcome != "rejected"
        made.add(host)
    return made


def failed(number: int, days: float | None = 1.0, code: str = "NO_SPACE", message: str = "full") -> HostOutcome:
    expiry = None if days is None else NOW + timedelta(days=days)
    return HostOutcome(f"i-{number:017x}", "failed", expiry, "CertCSRStatus", code, message)


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (5.5, "5 d 12 h left"),
        (0.5, "12 h 0 min left"),
        (-0.02, "EXPIRED 0 h 28 min ago"),
        (-3, "EXPIRED 3 d 0 h ago"),
        (None, "no certificate"),
    ],
)
def test_says_how_long_a_host_still_has(days: float | None, text: str) -> None:
    assert text in message_of(report(failed(1, days)))


def test_groups_by_cause_the_most_frequent_first_and_names_the_most_urgent_of_each() -> None:
    text = message_of(
        report(
            failed(1, 3, "HOOK_FAILED"), failed(2, 2, "HOOK_FAILED"), failed(3, 1, "NO_SPACE"),
            failed(4, 4, "HOOK_FAILED"),
        )
    )  # fmt: skip
    assert text.index("3 hosts: HOOK_FAILED in CertCSRStatus") < text.index("1 host: NO_SPACE in CertCSRStatus")
    assert "Most urgent:   i-00000000000000002, 2 d 0 h left" in text


def test_the_same_code_with_different_causes_gives_different_advice() -> None:
    text = message_of(
        report(
            failed(1, 1, "ROLES_ANYWHERE_REJECTED", "Certificate revoked"),
            failed(2, 1, "ROLES_ANYWHERE_REJECTED", "Signature expired"),
        )
    )
    assert "CRLs of the trust anchor" in text
    assert "clock of the host" in text


def test_an_unknown_code_of_a_host_is_shown_and_does_no_harm() -> None:
    assert "1 host: SOMETHING_NEW" in message_of(report(failed(1, 1, "SOMETHING_NEW")))


def test_hosts_cannot_fill_the_message_with_codes_of_their_own() -> None:
    hosts = [failed(number, 1, f"EVIL_{number}", "x" * 500) for number in range(3_000)]
    text = message_of(report(*hosts))
    assert "and 2960 rarer causes" in text
    assert len(text.encode()) < 262_144


def test_the_subject_is_short_ascii_on_one_line() -> None:
    subject = subject_of(report(failed(1), automation="flotte-é\n" + "x" * 200))
    assert len(subject) <= 100
    assert subject.isascii()
    assert "\n" not in subject
    assert subject.endswith("...] certificate renewal: 1 host needs attention, 1 d 0 h left (NO_SPACE)")


def test_singular_and_plural() -> None:
    assert subject_of(report(failed(1))).endswith("1 host needs attention, 1 d 0 h left (NO_SPACE)")
    assert subject_of(report(failed(1), failed(2))).endswith("2 hosts need attention, 1 d 0 h left (NO_SPACE)")


# Characters of one, two, three and four bytes, and what JSON writes in two.
words = st.text(st.sampled_from('ax\u00e9\u20ac\N{GRINNING FACE}"\\ '), max_size=500)
troubles = st.lists(
    st.builds(failed, st.integers(0, 10**6), st.none() | st.floats(-100, 100), st.just("NO_SPACE"), words),
    min_size=1,
    max_size=40,
)


def size(text: str) -> int:
    return len(text.encode())


def json_size(document: object) -> int:
    """As Events writes it."""
    return size(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


@settings(max_examples=60)
@given(troubles, st.floats(0, 1))
def test_a_message_is_never_longer_than_the_limit_and_leaves_out_no_more_than_it_must(
    hosts: list[HostOutcome], share: float
) -> None:
    """Any limit between what is always there and the whole: in most of the drawings something is left out."""
    made = report(*hosts)
    whole = message_of(made, 10**9)
    least = size(message_of(made, 0))
    limit = least + int((size(whole) - least) * share)
    text = message_of(made, limit)
    assert size(text) <= max(limit, least)
    assert "s3://work/runs/run-1/report.json" in text
    shown = [line for line in text.splitlines() if line.startswith("  i-")]
    all_of_them = [line for line in whole.splitlines() if line.startswith("  i-")]
    assert shown == all_of_them[: len(shown)]
    if len(shown) < len(all_of_them):
        assert f"... and {len(all_of_them) - len(shown)} more" in text
        assert size(text) + size(all_of_them[len(shown)]) + 1 + 350 > limit, "one more would have fitted"


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.long)])
def test_a_message_that_just_fits_is_not_cut_and_one_byte_less_is(step: int) -> None:
    made = report(*(failed(number, message="\u20ac" * 300) for number in range(30)))
    # 300 bytes are kept for the words of a list that was cut.
    whole = size(message_of(made, 10**9)) + 300
    assert " more:" not in message_of(made, whole)
    for limit in [*range(whole - 2_500, whole - 100, step), *range(whole - 100, whole)]:
        text = message_of(made, limit)
        assert size(text) <= limit
    assert " more:" in message_of(made, whole - 2_500)


def test_a_thousand_hosts_with_one_cause_are_one_cause() -> None:
    text = message_of(report(*(failed(number, 1 + number) for number in range(1_190))))
    lines = text.splitlines()
    assert lines.count("* 1190 hosts: NO_SPACE in CertCSRStatus") == 1
    first = "; ".join(f"i-{number:017x}, {1 + number} d 0 h left" for number in range(3))
    assert f"  Most urgent:   {first}; and 1187 more" in lines
    assert sum(line.startswith("  i-") for line in lines) == 40
    assert "  ... and 1150 more:" in lines
    assert "    pca-automator hosts list --failed" in lines


def test_the_limits_are_those_of_the_services_with_room_to_spare() -> None:
    """https://docs.aws.amazon.com/sns/latest/api/API_Publish.html and EventBridge: 262,144 bytes."""
    many = report(*(failed(number, message="\u20ac" * 2_500) for number in range(200)))
    assert 230_000 < size(message_of(many)) <= 240_000
    assert 230_000 < json_size(many.as_event()) <= 240_000


@settings(max_examples=60)
@given(st.lists(words, min_size=1, max_size=40), st.floats(0, 1))
def test_an_event_is_never_longer_than_the_limit_and_accounts_for_every_host(texts: list[str], share: float) -> None:
    made = report(*(failed(number, 1.0, "NO_SPACE", text) for number, text in enumerate(texts)))
    least, whole = json_size({**made.as_json(), "hosts": []}) + 7, json_size(made.as_json())
    limit = least + int((whole - least) * share)
    event = made.as_event(limit)
    assert json_size(event) <= limit
    assert len(event["hosts"]) + event["hostsLeftOut"] == len(texts)
    assert event["hosts"] == made.as_json()["hosts"][: len(event["hosts"])]
    assert event["details"] == "s3://work/runs/run-1/report.json"


def test_an_event_takes_hosts_as_long_as_they_fit_to_the_byte() -> None:
    made = report(*(failed(number, 1.0, "NO_SPACE", "\u20ac") for number in range(12)))
    hosts = made.as_json()["hosts"]
    base = json_size({**made.as_json(), "hosts": []}) + 7  # digits for the number of those left out
    for count in range(len(hosts) + 1):
        limit = base + sum(json_size(host) + 1 for host in hosts[:count])
        assert len(made.as_event(limit)["hosts"]) == count
        if count:
            assert len(made.as_event(limit - 1)["hosts"]) == count - 1


@pytest.mark.parametrize(
    ("partition", "console"),
    [
        ("aws", "console.aws.amazon.com"),
        ("aws-cn", "console.amazonaws.cn"),
        ("aws-us-gov", "console.amazonaws-us-gov.com"),
    ],
)
def test_the_link_fits_the_partition(partition: str, console: str) -> None:
    arn = f"arn:{partition}:states:r-1:1:execution:Renewal:run-1"
    assert execution_url(arn) == f"https://r-1.{console}/states/home?region=r-1#/v2/executions/details/{arn}"
    text = message_of(dataclasses.replace(report(failed(1)), execution_arn=arn))
    assert f"  Run:       {execution_url(arn)}\n" in text
    assert f"aws stepfunctions list-map-runs --execution-arn {arn}\n" in text


def test_a_run_of_an_older_definition_has_no_link() -> None:
    assert execution_url("") == ""
    assert "Run:" not in message_of(report(failed(1)))


def test_reads_as_a_plain_mail() -> None:
    text = message_of(
        report(
            failed(1, 0.1, "HOOK_FAILED", "nginx: \x1b[2Jbind() failed\nsecond line"), failed(2, 2, "NO_SPACE"),
            HostOutcome("x", "rejected", None, "CertCheck", "HOST_ID_INVALID", "no id"),
        )
    )  # fmt: skip
    assert all(line.isprintable() for line in text.splitlines())
    assert not text.lstrip().startswith(("{", "<"))
    headings = [line for line in text.splitlines() if line.isupper() or line.startswith("WHY")]
    assert headings == ["WHY, AND WHAT TO DO", "HOSTS, MOST URGENT FIRST", "WHEN IT IS REPAIRED", "DETAILS"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("States.ExceedToleratedFailureThreshold: x", "what most of the failed hosts have in common"),
        ("States.ItemReaderFailed: Access Denied", "the policies of the work bucket"),
        ("States.ResultWriterFailed", "the policies of the work bucket"),
        ("States.SomethingNew: x", "Look at the map run"),
    ],
)
def test_a_run_that_did_not_finish_says_what_to_do_and_with_which_command(error: str, words: str) -> None:
    text = message_of(report(map_error=error))
    (remedy,) = (line for line in text.splitlines() if line.startswith("  What to do:"))
    assert words in remedy
    assert "    pca-automator run --watch" in text.splitlines(), "a command stands alone"
    assert "child execution" not in text


def test_says_with_which_command_a_host_is_renewed_when_it_is_repaired() -> None:
    text = message_of(report(failed(1, 2), failed(2, 1)))
    assert "  The most urgent host:\n    pca-automator run i-00000000000000002 --force --watch\n" in text
    assert "The host:\n    pca-automator run i-00000000000000001" in message_of(report(failed(1)))


def test_no_host_is_named_where_none_failed() -> None:
    quarantined = HostOutcome("x", "rejected", None, "CertCheck", "HOST_ID_INVALID", "no id")
    for made in (report(quarantined), report(map_error="States.Timeout")):
        repaired = message_of(made).partition("WHEN IT IS REPAIRED")[2]
        assert "  All due:\n    pca-automator run --watch\n" in repaired
        assert "pca-automator run x" not in repaired
        assert "host:" not in repaired


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("rejected", "rejected"), ("impaired", "impaired"), ("failed", "no certificate"), ("lost", "no certificate")],
)
def test_an_entry_that_cannot_be_read_is_not_said_to_have_no_certificate(outcome: Outcome, words: str) -> None:
    text = message_of(report(HostOutcome("mi-1", outcome, None, "CertCheck", "HOST_ID_INVALID", "no")))
    assert f"  {'mi-1':<20}  {words:<22}  " in text


@pytest.mark.parametrize("length", [5, 60, 200])
def test_a_long_name_gives_way_to_the_time_that_is_left(length: int) -> None:
    subject = subject_of(report(failed(1), automation="x" * length))
    assert len(subject) <= 100
    assert subject.startswith("[x")
    assert "1 host needs attention, 1 d 0 h left" in subject


def test_what_the_self_test_made_is_marked_as_a_test() -> None:
    entry = HostOutcome("mi-00000000000000001", "failed", None, "CertCSR", "HOST_UNKNOWN_TO_SSM", "no")
    assert "TEST: " in subject_of(report(entry))
    assert "none of your hosts is in it" in message_of(report(entry))
    assert "none of your hosts" not in message_of(report(entry, failed(1)))
    assert "TEST: " not in subject_of(report(entry, failed(1)))


def test_a_mails_commands_say_stack_and_region() -> None:
    made = report(failed(1))
    made.place = Place(stack="Fleet Certificates", region="eu-central-1")
    lines = message_of(made).splitlines()
    options = "--stack 'Fleet Certificates' --region eu-central-1"
    assert f"    pca-automator run i-00000000000000001 --force --watch {options}" in lines
    assert f"    pca-automator run --watch {options}" in lines
