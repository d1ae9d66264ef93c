"""Every attribute of an item has one field, one range, and one sentence that says what is wrong with it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pca_runtime.authority.names import Names
from pca_runtime.errors.kinds import InvalidInventoryItem
from pca_runtime.inventory.attributes import COUNT_MAX, Judge, Limits, described, shown
from pca_runtime.inventory.item import HostItem, Overrides, Pending
from pca_runtime.shared.expressions import Stored, to_value
from pca_runtime.shared.timestamps import format_time

from tests.runtime.pki import NOW

HOST = "i-0123456789abcdef0"
LIMITS = Limits(lease=timedelta(minutes=95), validity=timedelta(days=7))
SKEW = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
PENDING = {
    "requestId": "0" * 32, "csrCommandId": "csr-1", "keyAlgorithm": "RSA_2048", "publicKeySha256": "f" * 64,
    "taskToken": "token", "certificateArn": "arn:new", "serial": "0b", "expiry": "2026-11-30T13:15:00Z",
    "renewalDate": "2026-11-28T13:15:00Z", "installCommandId": "install-1",
    "installClaimUntil": "2026-11-23T13:20:00Z", "installsAgain": Decimal(2), "keyOf": "1" * 32, "used": "print",
}  # fmt: skip
ITEM = {
    "hostID": HOST, "status": "RENEWING", "serial": "0a", "expiry": "2026-11-30T13:15:00Z",
    "renewalDate": "2026-11-28T13:15:00Z", "certificateArn": "arn:old", "validated": False,
    "notices": {"HOOKS_SKIPPED": "x"}, "previousSerial": "0c", "runId": "run-2", "leaseUntil": "2026-11-23T14:00:00Z",
    "lastRunId": "run-1", "lastAttempt": "2026-11-22T13:15:00Z", "failureCount": Decimal(4),
    "lastError": {"phase": "CertCSR", "code": "NO_SPACE", "message": "full", "at": "2026-11-22T13:15:00Z"},
    "retiredAt": "2026-11-21T13:15:00Z", "revocationReason": "SUPERSEDED", "revocationOrder": "KEY_COMPROMISE",
    "pending": PENDING,
}  # fmt: skip


def read(**attributes: Any) -> HostItem:
    return HostItem.of({"hostID": HOST, **attributes}, NOW, LIMITS)


def sentences(item: HostItem) -> list[str]:
    return [fault.sentence for fault in item.faults]


def test_each_attribute_stands_in_the_field_of_its_name() -> None:
    item = HostItem.of(ITEM, NOW, LIMITS)
    assert item.faults == ()
    assert item == HostItem(
        host_id=HOST, status="RENEWING", serial="0a", expiry=NOW + timedelta(days=7),
        renewal_date=NOW + timedelta(days=5), certificate_arn="arn:old", validated=False,
        notices={"HOOKS_SKIPPED": "x"}, previous_serial="0c", run_id="run-2", lease_until=NOW + timedelta(minutes=45),
        last_run_id="run-1", last_attempt=NOW - timedelta(days=1),
        last_error={"phase": "CertCSR", "code": "NO_SPACE", "message": "full", "at": "2026-11-22T13:15:00Z"},
        failure_count=4, retired_at=NOW - timedelta(days=2), revocation_reason="SUPERSEDED",
        revocation_order="KEY_COMPROMISE", faults=(), attributes=ITEM, stored={},
        pending=Pending(
            request_id="0" * 32, csr_command_id="csr-1", key_algorithm="RSA_2048", public_key_sha256="f" * 64,
            task_token="token", certificate_arn="arn:new", serial="0b", expiry="2026-11-30T13:15:00Z",
            renewal_date="2026-11-28T13:15:00Z", install_command_id="install-1",
            install_claim_until=NOW + timedelta(minutes=5), installs_again=2, key_of="1" * 32, used="print",
        ),
    )  # fmt: skip


def test_an_item_of_which_only_the_host_is_known_has_nothing_wrong() -> None:
    assert HostItem.of({"hostID": HOST, "pending": {}}, NOW) == HostItem(
        HOST, None, None, None, None, None, None, {}, None, None, None, None, None, {}, 0, None, None, None,
        Pending(""), (), {"hostID": HOST, "pending": {}}, {},
    )  # fmt: skip


@pytest.mark.parametrize("name", [name for name in ITEM if name != "hostID"])
def test_each_attribute_that_cannot_be_is_told_of_under_its_own_name(name: str) -> None:
    item = HostItem.of({**ITEM, name: b"\x00"}, NOW, LIMITS)
    assert name in [fault.attribute for fault in item.faults]
    assert any(sentence.startswith(f"{name} is bytes; this system writes ") for sentence in sentences(item))
    assert all(sentence.endswith("; it counts as absent") for sentence in sentences(item))


@pytest.mark.parametrize("name", PENDING)
def test_each_part_of_a_renewal_in_flight_that_cannot_be_is_told_of_too(name: str) -> None:
    item = HostItem.of({**ITEM, "pending": {**PENDING, name: b"\x00"}}, NOW, LIMITS)
    (fault,) = item.faults
    assert (fault.attribute, fault.code) == (f"pending.{name}", "INVENTORY_ATTRIBUTE_IMPOSSIBLE")
    assert item.pending is not None
    without = {name: value for name, value in PENDING.items() if name != fault.attribute.partition(".")[2]}
    assert item.pending == HostItem.of({**ITEM, "pending": without}, NOW, LIMITS).pending


@pytest.mark.parametrize(
    ("name", "latest", "words"),
    [
        ("lastAttempt", NOW + SKEW, "not after now"),
        ("retiredAt", NOW + SKEW, "not after now"),
        ("leaseUntil", NOW + timedelta(minutes=95) + SKEW, "within the longest lease, 1 h 35 min"),
        ("expiry", NOW + timedelta(days=7) + SKEW, "within the validity that this deployment gives, 7 d"),
        ("renewalDate", NOW + timedelta(days=7) + SKEW, "within the validity that this deployment gives, 7 d"),
    ],
)
def test_a_moment_may_lie_as_late_as_is_said_and_not_a_second_later(name: str, latest: Any, words: str) -> None:
    assert sentences(read(**{name: format_time(latest)})) == []
    late = format_time(latest + SECOND)
    assert sentences(read(**{name: late})) == [
        f"{name} is the text '{late}'; this system writes a time such as 2026-11-23T13:15:00Z, {words}; "
        "it counts as absent"
    ]


def test_a_renewal_date_may_be_the_certificate_s_end_and_not_a_second_later() -> None:
    end = NOW + timedelta(days=2)
    assert sentences(read(expiry=format_time(end), renewalDate=format_time(end))) == []
    (sentence,) = sentences(read(expiry=format_time(end), renewalDate=format_time(end + SECOND)))
    assert "not after the certificate's end" in sentence


def test_without_the_limits_of_a_deployment_those_of_any_hold() -> None:
    assert Limits() == Limits(lease=timedelta(hours=40), validity=timedelta(days=40 * 366))


@pytest.mark.parametrize(
    ("name", "longest"),
    [("certificateArn", 2_048), ("revocationReason", 2_048), ("revocationOrder", 2_048)],
)
def test_a_text_may_be_as_long_as_is_said_and_no_longer(name: str, longest: int) -> None:
    assert sentences(read(**{name: "x" * longest})) == []
    (sentence,) = sentences(read(**{name: "x" * (longest + 1)}))
    assert f"a text of at most {longest} characters" in sentence


@pytest.mark.parametrize(("value", "count"), [(0, 0), (1, 1), (COUNT_MAX, 1_000_000), (COUNT_MAX + 1, 0), (-1, 0)])
def test_a_count_is_read_from_nought_to_a_million(value: int, count: int) -> None:
    item = read(failureCount=Decimal(value))
    assert item.failure_count == count
    assert [fault.attribute for fault in item.faults] == ([] if value == count else ["failureCount"])


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("1.5"), "1", 1, True])
def test_what_is_no_whole_number_of_the_table_is_no_count(value: Any) -> None:
    assert sentences(read(failureCount=value))[0].endswith(
        "this system writes a whole number from 0 to 1000000; it counts as absent"
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a", "the text 'a'"), (Decimal("-1.5"), "the number -1.5"), (True, "the truth value true"),
        (False, "the truth value false"), (b"a", "bytes"), ([1], "a list"), ({"a": 1}, "a map"), ({"a"}, "a set"),
        (None, "null"), (1.5, "a value"), ("x" * 60, f"the text '{'x' * 60}'"),
        ("x" * 61, f"the text '{'x' * 60}…'"), ("a\x1b[2J\u202eb", "the text 'a?[2J?b'"),
        (Decimal("1" * 61), f"the number {'1' * 60}…"),
    ],
)  # fmt: skip
def test_a_value_is_described_in_a_few_words_that_no_terminal_acts_on(value: Any, words: str) -> None:
    assert described(value) == words


def test_as_much_of_a_text_is_shown_as_is_asked_for() -> None:
    assert shown("abc", 3) == "abc"
    assert shown("abcd", 3) == "abc…"


@pytest.mark.parametrize(
    ("value", "known", "at"),
    [
        ({"phase": "p" * 64, "code": "c" * 64, "message": "m" * 1_000, "at": "a" * 64}, None, []),
        ({"phase": 1, "code": "c"}, {"phase": "1", "code": "c"}, ["lastError.phase"]),
        ({"message": 7}, {"message": "7"}, ["lastError.message"]),
        ({"note": "a person's"}, {"code": "Unknown"}, []),
        ({}, {}, ["lastError"]),
        ("NO_SPACE", {}, ["lastError"]),
    ],
)
def test_the_last_error_is_read_as_far_as_it_is_there(value: Any, known: Any, at: list[str]) -> None:
    item = read(lastError=value)
    assert item.last_error == (value if known is None else known)
    assert [fault.attribute for fault in item.faults] == at


def test_no_part_of_the_last_error_is_longer_than_a_report_can_show() -> None:
    item = read(lastError={"phase": "p" * 65, "code": "c" * 65, "message": "m" * 1_001, "at": "a" * 65})
    assert {name: len(text) for name, text in item.last_error.items()} == {
        "phase": 64, "code": 64, "message": 1_000, "at": 64
    }  # fmt: skip


def test_a_map_within_the_item_is_judged_with_the_same_clock_and_limits() -> None:
    latest = NOW + LIMITS.lease + SKEW
    inside = Judge({"pending": {"installClaimUntil": format_time(latest)}}, NOW, LIMITS).within("pending")
    assert inside is not None
    assert inside.lease_end("installClaimUntil") == latest
    assert Judge({}, NOW, LIMITS).within("pending") is None


RAW = {
    "certPath": "/c", "keyPath": "/k", "cacertPath": "/a", "signinghelperPath": "/s", "keyAlgorithm": "RSA_4096",
    "certificateProfile": "client", "dnsNames": ["a.example"], "ipAddresses": ["10.0.0.1"],
    "uris": ["spiffe://example.com/a"], "emailAddresses": ["a@example.com"], "fileOwner": "web", "fileGroup": "tls",
    "certMode": "0640", "keyMode": "0440", "bundle": True,
}  # fmt: skip


def test_each_override_stands_in_the_field_of_its_name() -> None:
    overrides = Overrides.of(HOST, RAW)
    assert [getattr(overrides, name) for name in (
        "cert_path", "key_path", "cacert_path", "signinghelper_path", "key_algorithm", "certificate_profile",
        "dns_names", "ip_addresses", "uris", "email_addresses", "file_owner", "file_group", "cert_mode", "key_mode",
        "bundle",
    )] == list(RAW.values())  # fmt: skip
    assert overrides.alternative_names() == Names(
        ("a.example",), ("10.0.0.1",), ("spiffe://example.com/a",), ("a@example.com",)
    )


@pytest.mark.parametrize("name", RAW)
def test_whatever_a_person_changes_the_item_says_something_else(name: str) -> None:
    """A host that was renewed with the old words is renewed again."""
    whole = Overrides.of(HOST, RAW).fingerprint()
    assert Overrides.of(HOST, {each: value for each, value in RAW.items() if each != name}).fingerprint() != whole
    assert Overrides.of(HOST, {name: RAW[name]}).fingerprint() != Overrides.of(HOST, {}).fingerprint()


def test_what_was_kept_of_a_renewal_in_flight_means_the_same_in_every_release() -> None:
    assert Overrides.of(HOST, RAW).fingerprint() == "e5bbd9092a69b1c923bf6be58a31ba93"


@pytest.mark.parametrize("mode", [*(f"064{digit}" for digit in "2367"), "640!"])
def test_no_mode_lets_others_write_a_certificate(mode: str) -> None:
    with pytest.raises(InvalidInventoryItem, match="certMode"):
        Overrides.of(HOST, {"certMode": mode})
    for digit in "0145":
        assert Overrides.of(HOST, {"certMode": f"064{digit}"}).cert_mode == f"064{digit}"


def test_only_slashes_are_taken_from_the_end_of_a_path() -> None:
    with pytest.raises(InvalidInventoryItem, match="certPath"):
        Overrides.of(HOST, {"certPath": "/etc/x!"})


@pytest.mark.parametrize(("name", "value"), [("keyOf", "no request"), ("keyAlgorithm", "RSA_1024"), ("serial", "zz")])
def test_a_text_that_is_none_of_ours_is_no_part_of_a_renewal_in_flight(name: str, value: str) -> None:
    item = read(pending={**PENDING, name: value})
    assert [fault.attribute for fault in item.faults] == [f"pending.{name}"]


def test_the_same_overrides_say_the_same_however_they_are_written() -> None:
    """What was kept of a renewal in flight must mean the same after an update of the functions."""
    assert Overrides.of(HOST, dict(reversed(RAW.items()))).fingerprint() == Overrides.of(HOST, RAW).fingerprint()
    assert Overrides.of(HOST, {"bundle": False, "certMode": ""}).fingerprint() == Overrides.of(HOST, {}).fingerprint()
    assert len(Overrides.of(HOST, RAW).fingerprint()) == 32


def test_a_change_in_flight_is_one_that_the_installation_was_not_done_with() -> None:
    used = Overrides.of(HOST, {"keyMode": "0440"}).fingerprint()
    for mode, changed in (("0440", False), ("0400", True), ("0999", True)):
        assert read(keyMode=mode, pending={"requestId": "r", "used": used}).was_changed_meanwhile is changed
    assert not read(keyMode="0440", pending={"requestId": "r"}).was_changed_meanwhile
    assert not read(keyMode="0440").was_changed_meanwhile


@pytest.mark.parametrize(
    "name", ["certificateProfile", "dnsNames", "emailAddresses", "ipAddresses", "keyAlgorithm", "uris"]
)
def test_what_is_wrong_with_the_certificate_keeps_nobody_from_the_files(name: str) -> None:
    item = read(certPath="/c", **{name: 7})
    assert item.files() == Overrides.of(HOST, {"hostID": HOST, "certPath": "/c"})


@pytest.mark.parametrize(
    ("run", "status", "holds"), [("run-2", "RENEWING", True), ("run-2", "RETIRED", False), ("run-3", "RENEWING", False)]
)
def test_a_run_holds_a_host_that_it_claimed_and_that_has_not_left(run: str, status: str, holds: bool) -> None:
    assert read(runId="run-2", status=status).holds_lease(run) is holds


def test_a_host_is_busy_until_its_lease_ends() -> None:
    item = read(runId="run-2", leaseUntil=format_time(NOW))
    assert item.is_busy(NOW - SECOND)
    assert not item.is_busy(NOW)
    assert not read(leaseUntil=format_time(NOW)).is_busy(NOW - SECOND)
    assert not read(runId="run-2").is_busy(NOW)


def test_a_renewal_s_key_is_an_earlier_request_s_where_that_had_the_certificate_issued() -> None:
    assert Pending("new", key_of="old").host_request == "old"
    assert Pending("new").host_request == "new"


def test_a_witness_says_what_was_there_and_what_was_not() -> None:
    item = HostItem.of({"hostID": HOST}, NOW, LIMITS, stored={"status": to_value("FAILED")})
    assert item.witness("status", "runId") == {"status": Stored({"S": "FAILED"}), "runId": None}


@pytest.mark.parametrize("owner", ["cert_path", "key_path", "cacert_path"])
def test_a_document_is_told_the_deployment_s_directory_where_the_item_says_none(owner: str) -> None:
    attribute = {"cert_path": "certPath", "key_path": "keyPath", "cacert_path": "cacertPath"}[owner]

    class Defaults:
        cert_path, key_path, cacert_path = "/dc", "/dk", "/da"

    defaults: Any = Defaults
    expected = {"certPath": "/dc", "keyPath": "/dk", "cacertPath": "/da"}
    assert Overrides.of(HOST, {}).directories(defaults) == expected
    assert Overrides.of(HOST, {attribute: "/mine"}).directories(defaults) == {**expected, attribute: "/mine"}


def test_an_item_without_a_clock_is_judged_with_the_real_one() -> None:
    assert HostItem.of({"hostID": HOST, "lastAttempt": "9999-01-01T00:00:00Z"}).last_attempt is None
