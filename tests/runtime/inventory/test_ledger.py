"""The ledger of certificates: what each of its writes leaves in the table, to the attribute."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest
from pca_runtime.authority.leaf import Leaf
from pca_runtime.authority.names import Names
from pca_runtime.errors.kinds import Throttled
from pca_runtime.inventory.ledger import CertificateLedger, Entry, Work
from pca_runtime.inventory.ledger_entries import copy_of, entry_of, epoch, moment, spare_id
from pca_runtime.shared.expressions import from_item

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import client_error
from tests.runtime.pki import NOW

ARN, OTHER = "arn:of-the-certificate", "arn:of-another"
KEY = "f" * 64
REQUEST = "0" * 32
END = NOW + timedelta(days=7)
LATER = NOW + timedelta(hours=1)
# As the first and the last second look in the table.
AT_NOW, AT_LATER, AT_END = "2026-11-23T13:15:00Z", "2026-11-23T14:15:00Z", "2026-11-30T13:15:00Z"
KEPT_UNTIL = int((END + timedelta(days=2)).timestamp())
INTENDED = {
    "hostID": HOST, "requestId": REQUEST, "runId": "run-1", "requestedAt": AT_NOW, "publicKeySha256": KEY,
    "fate": "REQUESTED", "asked": "what it is to be like", "work": "ARN", "workSince": AT_NOW, "expiresAt": KEPT_UNTIL,
}  # fmt: skip
ISSUED = {**INTENDED, "certificateArn": ARN, "fate": "ISSUED"}
KNOWN = {
    **{name: value for name, value in ISSUED.items() if name not in ("work", "workSince")},
    "serial": "0abc", "notAfter": AT_END, "expiresAt": KEPT_UNTIL,
}  # fmt: skip
KNOWN_WITHOUT_END = {name: value for name, value in KNOWN.items() if name not in ("serial", "notAfter")}
ORDERED = {**KNOWN, "reason": "SUPERSEDED", "work": "REVOKE", "workSince": AT_LATER}


def leaf(serial: str = "0abc", **other: Any) -> Leaf:
    nothing: frozenset[str] = frozenset()
    made = Leaf(HOST, (), Names((), (), (), ()), 0, nothing, nothing, False, nothing, serial, NOW, END, KEY)
    return dataclasses.replace(made, **other)


@pytest.fixture
def ledger(world: World) -> CertificateLedger:
    return CertificateLedger(world.dynamodb, "ledger", world.clock)


def intend(ledger: CertificateLedger, request_id: str = REQUEST) -> tuple[bool, Entry]:
    return ledger.intend(HOST, "run-1", request_id, KEY, timedelta(days=7), "what it is to be like")


def items(world: World) -> list[dict[str, Any]]:
    """What the table holds, in the order of its keys."""
    found = world.dynamodb.raw.scan(TableName="ledger")["Items"]
    return sorted(map(from_item, found), key=lambda item: (item["hostID"], item["requestId"]))


def test_an_intent_says_everything_before_the_ca_is_asked_and_is_written_once(
    world: World, ledger: CertificateLedger
) -> None:
    written, entry = intend(ledger)
    assert (written, entry) == (True, Entry(
        HOST, REQUEST, "run-1", NOW, KEY, "REQUESTED", asked="what it is to be like"
    ))  # fmt: skip
    assert items(world) == [INTENDED]
    world.later(hours=1)
    assert intend(ledger) == (False, entry)
    assert items(world) == [INTENDED]


def test_our_own_answer_adds_the_arn_and_nothing_is_done_yet(world: World, ledger: CertificateLedger) -> None:
    ledger.issued(intend(ledger)[1], ARN)
    assert items(world) == [ISSUED]
    ledger.issued(ledger.of_host(HOST)[0], ARN)
    assert items(world) == [ISSUED]


def test_what_was_seen_of_a_certificate_completes_its_entry_and_ends_the_work(
    world: World, ledger: CertificateLedger
) -> None:
    ledger.issued(intend(ledger)[1], ARN)
    entry = ledger.notice(leaf(), ARN)
    assert items(world) == [KNOWN]
    assert entry == entry_of(KNOWN)
    world.later(hours=1)
    assert ledger.notice(leaf(), ARN) == entry
    assert items(world) == [KNOWN]
    ledger.issued(entry_of(INTENDED), ARN)
    assert items(world) == [KNOWN], "our own answer comes after the event"


def test_a_certificate_of_a_key_that_nobody_asked_for_is_none_of_ours(world: World, ledger: CertificateLedger) -> None:
    intend(ledger)
    assert ledger.notice(leaf(public_key_sha256="e" * 64), ARN) is None
    assert ledger.notice(leaf(common_name=None), ARN) is None
    assert items(world) == [INTENDED]


def test_a_second_certificate_for_a_key_has_an_entry_of_its_own_as_complete_as_the_first(
    world: World, ledger: CertificateLedger
) -> None:
    intend(ledger)
    ledger.notice(leaf(), ARN)
    world.later(hours=1)
    second = ledger.notice(leaf("0abd", not_after=END + timedelta(days=1)), OTHER)
    spare = {
        **KNOWN, "requestId": spare_id(entry_of(KNOWN), OTHER), "certificateArn": OTHER, "serial": "0abd",
        "notAfter": "2026-12-01T13:15:00Z", "expiresAt": KEPT_UNTIL + 24 * 3600,
    }  # fmt: skip
    assert items(world) == [KNOWN, spare]
    assert second == entry_of(spare)
    assert not second.is_own
    assert second.certificate_request == REQUEST
    assert ledger.notice(leaf(), ARN) == entry_of(KNOWN)
    assert items(world) == [KNOWN, spare]


def test_two_certificates_of_a_key_that_are_seen_at_once_have_an_entry_each(
    world: World, ledger: CertificateLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, before = intend(ledger)
    ledger.notice(leaf(), ARN)
    monkeypatch.setattr(ledger, "of_host", lambda _host_id: [before])
    second = ledger.notice(leaf("0abd"), OTHER)
    spare = {**KNOWN, "requestId": spare_id(before, OTHER), "certificateArn": OTHER, "serial": "0abd"}
    assert second == entry_of(spare)
    assert items(world) == [KNOWN, spare]


def test_our_own_certificate_takes_the_entry_that_an_event_had_given_to_another(
    world: World, ledger: CertificateLedger
) -> None:
    _, entry = intend(ledger)
    ledger.notice(leaf(), OTHER)
    world.later(hours=1)
    ledger.issued(entry, ARN)
    moved = {**KNOWN, "requestId": spare_id(entry, OTHER), "certificateArn": OTHER}
    assert items(world) == [
        {**KNOWN_WITHOUT_END, "certificateArn": ARN, "work": "ARN", "workSince": AT_LATER},
        moved,
    ]  # fmt: skip


def test_what_a_host_made_of_its_certificate_is_noted_and_the_ca_s_word_stays(
    world: World, ledger: CertificateLedger
) -> None:
    intend(ledger)
    ledger.notice(leaf(), ARN)
    ledger.not_installed(HOST, REQUEST, "HOOK_FAILED")
    ledger.sent_again(HOST, REQUEST)
    ledger.sent_again(HOST, REQUEST)
    assert items(world) == [{**KNOWN, "installFailed": "HOOK_FAILED", "sentAgain": 2}]
    assert ledger.of_host(HOST)[0] == dataclasses.replace(entry_of(KNOWN), install_failed="HOOK_FAILED", sent_again=2)
    ledger.live(HOST, REQUEST)
    assert items(world) == [{**KNOWN, "installFailed": "HOOK_FAILED", "sentAgain": 2, "fate": "LIVE"}]
    ledger.notice(leaf(), ARN)
    assert items(world)[0]["fate"] == "LIVE"


def test_nothing_that_a_host_says_makes_an_entry_or_takes_back_a_revocation(
    world: World, ledger: CertificateLedger
) -> None:
    ledger.live(HOST, REQUEST)
    ledger.not_installed(HOST, REQUEST, "HOOK_FAILED")
    ledger.sent_again(HOST, REQUEST)
    ledger.not_issued(entry_of(INTENDED))
    ledger.revoked(entry_of(INTENDED))
    ledger.issued(entry_of(INTENDED), ARN)
    assert ledger.order(entry_of(INTENDED), "SUPERSEDED") == entry_of(INTENDED)
    assert items(world) == []
    _, entry = intend(ledger)
    ledger.revoked(entry)
    revoked = items(world)
    ledger.live(HOST, REQUEST)
    ledger.not_installed(HOST, REQUEST, "HOOK_FAILED")
    assert ledger.order(entry, "SUPERSEDED").fate == "REVOKED"
    assert items(world) == revoked


def test_a_request_of_which_nothing_came_waits_for_nothing_any_more(world: World, ledger: CertificateLedger) -> None:
    _, entry = intend(ledger)
    ledger.not_issued(entry)
    without = {name: value for name, value in INTENDED.items() if name not in ("work", "workSince")}
    assert items(world) == [{**without, "fate": "NOT_ISSUED"}]
    ledger.notice(leaf(), ARN)
    assert items(world) == [KNOWN], "the audit report was wrong, or early"
    ledger.not_issued(entry)
    assert items(world) == [KNOWN]


def test_an_order_of_a_certificate_that_is_known_is_work_at_once(world: World, ledger: CertificateLedger) -> None:
    intend(ledger)
    known = ledger.notice(leaf(), ARN)
    assert known is not None
    world.later(hours=1)
    assert ledger.order(known, "SUPERSEDED") == entry_of(ORDERED)
    assert items(world) == [ORDERED]
    world.later(hours=1)
    ledger.revoked(entry_of(ORDERED))
    done = {name: value for name, value in ORDERED.items() if name not in ("work", "workSince")}
    assert items(world) == [{**done, "fate": "REVOKED", "revokedAt": "2026-11-23T15:15:00Z"}]
    assert ledger.of_host(HOST)[0].revoked_at == NOW + timedelta(hours=2)


def test_an_order_of_one_that_is_not_known_waits_for_what_it_is(world: World, ledger: CertificateLedger) -> None:
    _, entry = intend(ledger)
    ordered = ledger.order(entry, "SUPERSEDED", fate="REFUSED")
    assert items(world) == [{**INTENDED, "reason": "SUPERSEDED", "fate": "REFUSED"}]
    assert (ordered.reason, ordered.fate) == ("SUPERSEDED", "REFUSED")
    world.later(hours=1)
    ledger.notice(leaf(), ARN)
    assert items(world) == [{**ORDERED, "fate": "REFUSED"}]


def test_an_order_of_what_has_become_known_meanwhile_is_work_at_once_too(
    world: World, ledger: CertificateLedger
) -> None:
    _, before = intend(ledger)
    ledger.notice(leaf(), ARN)
    world.later(hours=1)
    assert ledger.order(before, "SUPERSEDED") == entry_of(ORDERED)
    assert items(world) == [ORDERED]


def test_a_second_certificate_of_a_revoked_key_is_revoked_too(world: World, ledger: CertificateLedger) -> None:
    intend(ledger)
    known = ledger.notice(leaf(), ARN)
    assert known is not None
    ledger.order(known, "SUPERSEDED")
    world.later(hours=1)
    second = ledger.notice(leaf("0abd"), OTHER)
    assert second is not None
    assert items(world)[1] == {
        **ORDERED, "requestId": spare_id(known, OTHER), "certificateArn": OTHER, "serial": "0abd"
    }  # fmt: skip


def test_a_revoked_certificate_that_is_seen_again_is_not_revoked_again(world: World, ledger: CertificateLedger) -> None:
    """Lambda delivers an event more than once."""
    intend(ledger)
    known = ledger.notice(leaf(), ARN)
    assert known is not None
    ledger.revoked(ledger.order(known, "SUPERSEDED"))
    before = items(world)
    world.later(hours=1)
    assert ledger.notice(leaf(), ARN) == entry_of(before[0])
    assert items(world) == before


def test_a_certificate_that_only_the_inventory_knew_is_adopted_to_be_revoked(
    world: World, ledger: CertificateLedger
) -> None:
    adopted = {
        "hostID": HOST, "requestId": "serial-0abc", "runId": "", "requestedAt": AT_NOW, "publicKeySha256": "",
        "fate": "LIVE", "serial": "0abc", "notAfter": AT_END, "reason": "SUPERSEDED", "work": "REVOKE",
        "workSince": AT_NOW, "expiresAt": KEPT_UNTIL,
    }  # fmt: skip
    entry = ledger.adopt(HOST, "0abc", END, "SUPERSEDED")
    assert entry == entry_of(adopted)
    assert not entry.is_own
    assert items(world) == [adopted]
    world.later(hours=1)
    assert ledger.adopt(HOST, "0abc", END, "CESSATION_OF_OPERATION") == entry
    assert items(world) == [adopted]


def test_an_adopted_entry_that_is_in_the_way_is_ordered(world: World, ledger: CertificateLedger) -> None:
    ledger.adopt(HOST, "0abc", END, "SUPERSEDED")
    world.dynamodb.raw.update_item(
        TableName="ledger", Key={"hostID": {"S": HOST}, "requestId": {"S": "serial-0abc"}},
        UpdateExpression="REMOVE reason, #work", ExpressionAttributeNames={"#work": "work"},
    )  # fmt: skip
    assert ledger.adopt(HOST, "0abc", END, "KEY_COMPROMISE").reason == "KEY_COMPROMISE"
    assert items(world)[0]["work"] == "REVOKE"


def test_the_newest_entry_comes_first_and_of_one_second_always_the_same(
    world: World, ledger: CertificateLedger
) -> None:
    for request_id in ("b" * 32, "a" * 32):
        intend(ledger, request_id)
    world.later(hours=1)
    intend(ledger, "0" * 32)
    assert [entry.request_id[0] for entry in ledger.of_host(HOST)] == ["0", "b", "a"]


@pytest.mark.parametrize("work", ["ARN", "REVOKE"])
def test_work_is_read_page_by_page_what_waits_longest_first(
    world: World, ledger: CertificateLedger, work: Work
) -> None:
    serials = ["c", "a", "b"]
    for serial in serials:
        if work == "REVOKE":
            ledger.adopt(HOST, serial, END, "SUPERSEDED")
        else:
            intend(ledger, serial * 32)
        world.later(minutes=1)
    query = world.dynamodb.raw.query
    world.dynamodb.query = lambda **request: query(**request, Limit=1)
    assert [entry.request_id[-1] for entry in ledger.waiting(work)] == serials
    other: Work = "ARN" if work == "REVOKE" else "REVOKE"
    assert list(ledger.waiting(other)) == []


def test_the_audit_report_that_is_waited_for_is_no_host_s_entry(world: World, ledger: CertificateLedger) -> None:
    assert ledger.report() is None
    ledger.remember_report("report-1")
    world.later(hours=1)
    assert ledger.report() == ("report-1", NOW)
    assert items(world) == [
        {"hostID": "audit-report", "requestId": "audit-report", "reportId": "report-1", "askedAt": AT_NOW}
    ]
    ledger.remember_report(None)
    assert ledger.report() is None


class Recorded:
    """Answers nothing of use, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def query(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return {"Items": []}


def test_whoever_decides_over_a_host_reads_what_was_written_last() -> None:
    """An index of DynamoDB cannot be read so; what waits there is looked at again before it is revoked."""
    recorded = Recorded()
    ledger = CertificateLedger(recorded, "ledger", lambda: NOW)  # type: ignore[arg-type]
    ledger.of_host(HOST)
    ledger.report()
    list(ledger.waiting("ARN"))
    assert [request.get("ConsistentRead") for request in recorded.requests] == [True, True, None]
    assert {request["TableName"] for request in recorded.requests} == {"ledger"}


@pytest.mark.parametrize("operation", ["put_item", "update_item", "query"])
def test_a_table_that_is_busy_is_an_error_and_not_a_condition(
    world: World, ledger: CertificateLedger, operation: str
) -> None:
    _, entry = intend(ledger)
    world.dynamodb.fail(operation, client_error("ThrottlingException"))
    name = operation.title().replace("_", "")
    with pytest.raises(Throttled, match=f": {name}: ThrottlingException"):
        {
            "put_item": lambda: intend(ledger, "1" * 32),
            "update_item": lambda: ledger.revoked(entry),
            "query": lambda: ledger.of_host(HOST),
        }[operation]()  # type: ignore[no-untyped-call]


FULL = Entry(HOST, REQUEST, "run-1", NOW, KEY, "LIVE", ARN, "0abc", END, "SUPERSEDED", LATER, "HOOK_FAILED", "asked", 3)


def test_an_entry_is_read_with_every_attribute() -> None:
    assert entry_of({
        "hostID": HOST, "requestId": REQUEST, "runId": "run-1", "requestedAt": AT_NOW, "publicKeySha256": KEY,
        "fate": "LIVE", "certificateArn": ARN, "serial": "0abc", "notAfter": AT_END, "reason": "SUPERSEDED",
        "revokedAt": AT_LATER, "installFailed": "HOOK_FAILED", "asked": "asked", "sentAgain": 3,
    }) == FULL  # fmt: skip
    least = {name: INTENDED[name] for name in ("hostID", "requestId", "runId", "requestedAt", "publicKeySha256")}
    assert entry_of({**least, "fate": "REQUESTED"}) == Entry(HOST, REQUEST, "run-1", NOW, KEY, "REQUESTED")


COPY = {
    "hostID": HOST, "requestId": "new", "runId": "run-1", "requestedAt": AT_NOW, "publicKeySha256": KEY,
    "fate": "ISSUED", "certificateArn": ARN, "serial": "0abc", "notAfter": AT_END, "reason": "SUPERSEDED",
    "asked": "asked", "expiresAt": KEPT_UNTIL, "work": "REVOKE", "workSince": AT_NOW,
}  # fmt: skip


@pytest.mark.parametrize(
    ("unknown", "absent", "kept"),
    [
        ((), (), KEPT_UNTIL),
        (("reason",), ("reason", "work", "workSince"), KEPT_UNTIL),
        (("serial",), ("serial", "work", "workSince"), KEPT_UNTIL),
        # Nobody knows how long it is valid: longer than any that a deployment asks for.
        (("not_after",), ("notAfter",), int((NOW + timedelta(days=368)).timestamp())),
    ],
)
def test_a_copy_of_an_entry_keeps_all_of_it_and_a_revocation_that_is_ordered(
    unknown: tuple[str, ...], absent: tuple[str, ...], kept: int
) -> None:
    copied = copy_of(dataclasses.replace(FULL, **dict.fromkeys(unknown)), "new")
    assert copied == {**{name: value for name, value in COPY.items() if name not in absent}, "expiresAt": kept}


def test_one_more_certificate_of_a_key_always_has_the_same_id() -> None:
    first = spare_id(FULL, ARN)
    assert first == spare_id(dataclasses.replace(FULL, request_id=first), ARN)
    assert first.startswith(f"{REQUEST}+")
    assert len(first) == 32 + 1 + 16
    assert first != spare_id(FULL, OTHER)


@pytest.mark.parametrize(
    ("fate", "until", "is_it"),
    [
        ("REQUESTED", None, True), ("ISSUED", END, True), ("LIVE", NOW + timedelta(seconds=1), True),
        ("LIVE", NOW, False), ("REFUSED", END, True), ("REVOKED", END, False), ("NOT_ISSUED", None, False),
    ],
)  # fmt: skip
def test_a_certificate_may_be_valid_until_it_is_revoked_ends_or_never_was(
    fate: Any, until: datetime | None, is_it: bool
) -> None:
    assert dataclasses.replace(FULL, fate=fate, not_after=until).may_be_valid(NOW) is is_it


def test_a_serial_number_is_known_however_it_is_written(ledger: CertificateLedger) -> None:
    unknown = dataclasses.replace(FULL, serial=None)
    assert ledger.knows([unknown, FULL], "A:BC")
    assert not ledger.knows([unknown, FULL], "abd")
    assert not ledger.knows([unknown], "abc")


def test_what_is_no_time_of_the_ledger_is_named() -> None:
    assert moment(AT_NOW) == NOW
    assert epoch(NOW) == int(NOW.timestamp())
    with pytest.raises(ValueError, match="'soon' is no time of the ledger"):
        moment("soon")
