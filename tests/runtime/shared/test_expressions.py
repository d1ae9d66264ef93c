"""Requests of DynamoDB as they go out, values as they come in, and every pattern to its last character."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from pca_runtime.shared import identifiers
from pca_runtime.shared.expressions import Expressions, Stored, from_item, from_value, to_value
from pca_runtime.shared.timestamps import format_time, parse_time


def test_names_and_values_stand_for_themselves_in_every_clause() -> None:
    e = Expressions()
    assert e.arguments() == {}
    assert e.path("pending.serial") == "#pending.#serial"
    assert e.arguments() == {"ExpressionAttributeNames": {"#pending": "pending", "#serial": "serial"}}
    assert e.compare("status", "<>", "RETIRED") == "#status <> :v0"
    assert e.absent("a") == "attribute_not_exists(#a)"
    assert e.exists("a.b") == "attribute_exists(#a.#b)"
    assert e.absent_or("a", "<=", 1) == "(attribute_not_exists(#a) OR #a <= :v1)"
    assert e.number_between("a", 0, 9) == "(attribute_type(#a, :v2) AND #a BETWEEN :v3 AND :v4)"
    assert e.set({"a": 1, "b.c": "x"}) == "SET #a = :v5, #b.#c = :v6"
    assert e.remove("a", "b.c") == " REMOVE #a, #b.#c"
    assert e.unchanged({"a": None, "b": Stored({"N": "007"})}) == ["attribute_not_exists(#a)", "#b = :v7"]
    assert e.arguments() == {
        "ExpressionAttributeNames": {f"#{name}": name for name in ("pending", "serial", "status", "a", "b", "c")},
        "ExpressionAttributeValues": {
            ":v0": {"S": "RETIRED"}, ":v1": {"N": "1"}, ":v2": {"S": "N"}, ":v3": {"N": "0"}, ":v4": {"N": "9"},
            ":v5": {"N": "1"}, ":v6": {"S": "x"}, ":v7": {"N": "007"},
        },
    }  # fmt: skip
    assert Expressions().path("a") == "#a"
    only_values = Expressions()
    only_values.value(None)
    assert only_values.arguments() == {"ExpressionAttributeValues": {":v0": {"NULL": True}}}


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ({"S": "x"}, "x"), ({"N": "1" + "0" * 100}, Decimal("1" + "0" * 100)), ({"N": "-1E-130"}, Decimal("-1E-130")),
        ({"B": b"\xff"}, b"\xff"), ({"B": "/w=="}, b"\xff"), ({"BS": ["/w==", "AA=="]}, {b"\xff", b"\0"}),
        ({"M": {"a": {"L": [{"N": "1"}]}}}, {"a": [Decimal(1)]}), ({"BOOL": True}, True), ({"NULL": True}, None),
        ({"NS": ["1", "2"]}, {Decimal(1), Decimal(2)}),
    ],
)  # fmt: skip
def test_every_value_comes_in_as_it_is(stored: Any, value: Any) -> None:
    assert from_value(stored) == value
    assert from_item({"a": stored}) == {"a": value}


def test_a_stored_value_goes_out_as_it_came() -> None:
    assert to_value(Stored({"N": "1" + "0" * 100})) == {"N": "1" + "0" * 100}
    assert to_value({"a": 1}) == {"M": {"a": {"N": "1"}}}


LABEL, LONGEST = "a" * 63, ".".join(["a" * 63] * 3 + ["a" * 61])


@pytest.mark.parametrize(
    ("check", "longest", "longer"),
    [
        (identifiers.is_host_id, "i-" + "0" * 17, "i-" + "0" * 18),
        (identifiers.is_host_id, "mi-" + "0" * 17, "mi-" + "0" * 18),
        (identifiers.is_host_id, "i-" + "0" * 8, "i-" + "0" * 9),
        (identifiers.is_path, "/" + "a" * 199, "/" + "a" * 200),
        (identifiers.is_request_id, "0" * 32, "0" * 33),
        (identifiers.is_owner, "a" * 64, "a" * 65),
        (identifiers.is_mode, "0777", "00777"),
        (identifiers.is_dns_name, LONGEST, f"a{LONGEST}"),
        (identifiers.is_dns_name, f"{LABEL}.b", f"a{LABEL}.b"),
        (identifiers.is_run_id, "r" * 80, "r" * 81),
    ],
)
def test_a_name_may_be_as_long_as_is_allowed_and_ends_where_it_ends(check: Any, longest: str, longer: str) -> None:
    assert check(longest) is True
    assert check(longer) is False
    assert check(f"{longest}\n") is False
    assert check(longest.encode()) is False


def test_a_renewal_has_the_same_identity_in_every_release() -> None:
    """Of a run that is on its way during an update: another one would have a second certificate issued."""
    assert identifiers.request_id("run-1", "i-0123456789abcdef0") == "741f58dfed228734e7b1e7a580f728ca"


def test_a_moment_is_written_in_utc_and_read_in_both_forms() -> None:
    east = timezone(timedelta(hours=2))
    assert format_time(datetime(2026, 11, 23, 15, 15, 0, 999_999, tzinfo=east)) == "2026-11-23T13:15:00Z"
    assert parse_time("2026-11-23T13:15:00Z") == datetime(2026, 11, 23, 13, 15, tzinfo=UTC)
    assert parse_time("2026-11-23") == datetime(2026, 11, 23, tzinfo=UTC)
    for wrong in ("2026-11-23T13:15:00", "2026-13-23", "2026-11-23T13:15:00Z\n", "", None, 7, b"2026-11-23"):
        assert parse_time(wrong) is None
