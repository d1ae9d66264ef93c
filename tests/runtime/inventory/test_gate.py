"""Whatever DynamoDB can hold comes in as a host, with what counts as absent told of, or as an entry in quarantine."""

from __future__ import annotations

import ast
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pca_runtime.inventory.attributes import ATTRIBUTE_IMPOSSIBLE, Limits
from pca_runtime.inventory.gate import Gate, Quarantined, complaints, handle_of
from pca_runtime.inventory.item import HostItem
from pca_runtime.shared.timestamps import format_time

from pca_automator._internal import assets
from tests.runtime.pki import NOW

HOST = "i-0123456789abcdef0"
LEASE = timedelta(minutes=16)
GATE = Gate(lambda: NOW, Limits(lease=LEASE, validity=timedelta(days=7)))

TEXTS = st.text(max_size=30)
NUMBERS = st.one_of(
    st.integers().map(str),
    st.builds("{}E{}".format, st.integers(-(10**37), 10**37), st.integers(-130, 88)),
    st.just("1" + "0" * 100),
)
SCALARS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    TEXTS.map(lambda text: {"S": text}),
    NUMBERS.map(lambda number: {"N": number}),
    st.binary(max_size=8).map(lambda octets: {"B": octets}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"NULL": True}),
    st.lists(TEXTS, min_size=1, max_size=3, unique=True).map(lambda texts: {"SS": texts}),
    st.lists(NUMBERS, min_size=1, max_size=3, unique=True).map(lambda numbers: {"NS": numbers}),
    st.lists(st.binary(max_size=4), min_size=1, max_size=3, unique=True).map(lambda octets: {"BS": octets}),
)
NAMES = st.sampled_from(["requestId", "serial", "expiry", "taskToken", "code", "phase", "message", "at", "x"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: {"L": values}),
        st.dictionaries(NAMES, inner, max_size=4).map(lambda values: {"M": values}),
    ),
    max_leaves=8,
)
ATTRIBUTES = st.sampled_from(
    [
        "status", "serial", "expiry", "renewalDate", "certificateArn", "validated", "runId", "leaseUntil", "pending",
        "lastRunId", "lastAttempt", "lastError", "failureCount", "previousSerial", "retiredAt", "revocationReason",
        "notices", "dnsNames", "certPath", "keyMode", "bundle", "anything",
    ]
)  # fmt: skip


def host(**attributes: dict[str, Any]) -> HostItem:
    entry = GATE.admit({"hostID": {"S": HOST}, **attributes})
    assert isinstance(entry, HostItem)
    return entry


@given(st.dictionaries(ATTRIBUTES, VALUES, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_item_of_dynamodb_comes_in(attributes: dict[str, Any]) -> None:
    item = host(**attributes)
    assert not item.is_busy(NOW + LEASE + timedelta(minutes=6)), "a lease beyond the longest"
    assert item.expiry is None or item.expiry <= NOW + timedelta(days=7, minutes=5)
    assert item.last_attempt is None or item.last_attempt <= NOW + timedelta(minutes=5)
    for fault in complaints(item):
        assert fault.sentence.isprintable()
        assert len(fault.sentence) < 2_100


@given(st.one_of(st.text(max_size=2_048), st.none()))
@settings(max_examples=50, deadline=None)
def test_any_key_comes_in_and_has_a_name_that_can_be_typed(key: str | None) -> None:
    entry = GATE.admit({"hostID": {"S": key}} if key is not None else {})
    assert isinstance(entry, Quarantined)
    assert entry.code == "HOST_ID_INVALID"
    assert entry.shown.isprintable()
    assert len(entry.shown) <= 101
    assert handle_of(entry.host_id).startswith("entry-")


@pytest.mark.parametrize("key", ["\ud800", "i-0123456789abcdef\udfff", "\udc80" * 2_048])
def test_a_key_that_is_no_text_has_a_name_too(key: str) -> None:
    """Half of a pair of surrogates: JSON holds it, UTF-8 does not."""
    entry = GATE.admit({"hostID": {"S": key}})
    assert isinstance(entry, Quarantined)
    entry.shown.encode()
    assert handle_of(entry.host_id).startswith("entry-")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("leaseUntil", {"S": "9999-12-31T23:59:59Z"}),
        ("leaseUntil", {"S": format_time(NOW + LEASE + timedelta(hours=1))}),
        ("leaseUntil", {"N": "9"}),
        ("lastAttempt", {"S": format_time(NOW + timedelta(hours=1))}),
        ("lastAttempt", {"S": "zzz"}),
        ("expiry", {"S": format_time(NOW + timedelta(days=8))}),
        ("renewalDate", {"S": "9999-12-31"}),
        ("failureCount", {"S": "x"}),
        ("failureCount", {"N": "-1"}),
        ("failureCount", {"N": "1E+125"}),
        ("failureCount", {"N": "0.5"}),
        ("status", {"S": "deployed"}),
        ("runId", {"S": "a b"}),
        ("serial", {"S": "0x1"}),
        ("validated", {"S": "true"}),
        ("pending", {"S": "x"}),
        ("lastError", {"SS": ["x"]}),
        ("notices", {"S": "HOOKS_SKIPPED"}),
        ("notices", {"M": {"HOOKS_SKIPPED": {"S": "a b"}}}),
        ("notices", {"M": {"CA_NOT_ACTIVE": {"S": ""}}}),
        ("notices", {"M": {"HOOKS_SKIPPED": {"S": "a" * 201}}}),
    ],
)
def test_what_this_system_cannot_have_written_counts_as_absent_and_is_told_of(name: str, value: Any) -> None:
    item = host(**{name: value})
    (fault,) = item.faults
    assert (fault.attribute, fault.code) == (name, ATTRIBUTE_IMPOSSIBLE)
    assert name in fault.sentence
    assert "counts as absent" in fault.sentence
    without = host()
    for field in ("status", "serial", "expiry", "renewal_date", "run_id", "lease_until", "last_attempt", "validated"):
        assert getattr(item, field) == getattr(without, field)


def test_a_renewal_date_does_not_lie_behind_its_certificate_s_end() -> None:
    end = NOW + timedelta(days=2)
    expiry = {"S": format_time(end)}
    item = host(expiry=expiry, renewalDate={"S": format_time(end + timedelta(hours=1))})
    assert (item.expiry, item.renewal_date) == (end, None)
    assert [fault.attribute for fault in item.faults] == ["renewalDate"]


def test_what_the_system_writes_is_no_fault() -> None:
    item = host(
        status={"S": "RENEWING"}, serial={"S": "0abc"}, expiry={"S": format_time(NOW + timedelta(days=7))},
        renewalDate={"S": "2026-11-24"}, validated={"BOOL": False}, runId={"S": "run-1"},
        leaseUntil={"S": format_time(NOW + LEASE)}, lastRunId={"S": "run-0"}, lastAttempt={"S": format_time(NOW)},
        failureCount={"N": "3"}, pending={"M": {"requestId": {"S": "0" * 32}, "taskToken": {"S": "t" * 1_000}}},
        lastError={"M": {"phase": {"S": "CertCSR"}, "code": {"S": "X"}, "message": {"S": "m"}, "at": {"S": "t"}}},
    )  # fmt: skip
    assert item.faults == ()
    assert item.is_busy(NOW)


def test_an_item_that_cannot_be_read_at_all_is_in_quarantine() -> None:
    """A type that DynamoDB does not have today."""
    entry = GATE.admit({"hostID": {"S": HOST}, "status": {"X": "1"}})
    assert isinstance(entry, Quarantined)
    assert (entry.host_id, entry.code) == (HOST, "INVENTORY_ITEM_UNREADABLE")


def test_nobody_but_the_gate_reads_what_dynamodb_holds_of_a_host() -> None:
    """A second reader would have to be as careful."""
    for folder in ("lambda_src", "pca_automator"):
        for path in (assets.lambda_source().parent / folder).rglob("*.py"):
            if "rehearsal" in path.parts or path.name in ("gate.py", "expressions.py", "start_ledger.py", "ledger.py"):
                continue
            imported = {
                alias.name
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            }
            assert not imported & {"from_item", "from_value", "TypeDeserializer"}, path


@pytest.mark.parametrize(
    ("overrides", "codes"),
    [({}, []), ({"certMode": {"S": "0999"}}, ["overrides"]), ({"certPath": {"S": "relative"}}, ["overrides"])],
)
def test_an_override_that_is_not_allowed_is_a_complaint(overrides: dict[str, Any], codes: list[str]) -> None:
    """Before a run meets it: the command's lint says the same."""
    entry = GATE.admit({"hostID": {"S": HOST}, **overrides})
    assert [fault.attribute for fault in complaints(entry)] == codes
