"""Records: everything that is wrong is told at once, each with its place and what is allowed."""

from __future__ import annotations

import contextlib
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pca_runtime.shared.records import (
    Record,
    UnreadableError,
    checked,
    field,
    from_json,
    integer,
    items,
    number,
    one_of,
    optional,
    pairs,
    record,
    text,
    truth,
)


def _even(value: str) -> str:
    if len(value) % 2:
        raise ValueError("allowed is an even number of characters")
    return value.lower()


class Part(Record, closed=True):
    size: int = field(integer(1, 9))
    colour: Literal["red", "green"] = field(one_of(Literal["red", "green"]), default="red")


class Whole(Record):
    name: str = field(text(1), called="theName")
    parts: list[Part] = field(items(record(Part), most=3), factory=list)
    rates: dict[str, float] = field(from_json(pairs(number(above=0))), factory=dict)
    code: str = field(checked(_even), default="", secret=True)
    sure: bool | None = field(optional(truth()), default=None)


class Grown(Whole):
    name: str = field(text(), default="nobody")
    more: int = field(integer(0), default=7)


def problems(kind: type[Record], given: Any) -> list[tuple[str, str]]:
    with pytest.raises(UnreadableError) as wrong:
        kind.read(given)
    return [(each.place, each.message) for each in wrong.value.problems]


def test_what_is_not_said_is_the_default_and_what_is_not_known_is_ignored() -> None:
    whole = Whole.read({"theName": "x", "other": 1})
    assert whole == Whole(name="x")
    assert (whole.parts, whole.rates, whole.code, whole.sure) == ([], {}, "", None)


def test_everything_that_is_wrong_is_told_with_its_place() -> None:
    found = problems(
        Whole,
        {"parts": [{"size": 1}, {"size": 0, "colour": "blue", "shape": 1}, 7], "rates": '{"a": 0}', "sure": "yes"},
    )
    assert found == [
        ("theName", "it is missing"),
        ("parts.1.size", "allowed is a whole number from 1 to 9"),
        ("parts.1.colour", "allowed are red, green"),
        ("parts.1.shape", "allowed are colour, size"),
        ("parts.2", "allowed is an object with named values"),
        ("rates.a", "allowed is a number above 0"),
        ("sure", "allowed are true and false"),
    ]


def test_the_error_itself_says_all_of_it() -> None:
    with pytest.raises(UnreadableError, match=r"^theName: it is missing; code: allowed is an even number of char"):
        Whole.read({"code": "abc"})
    with pytest.raises(UnreadableError, match=r"^allowed is an object with named values$"):
        Whole.read(["theName"])


@pytest.mark.parametrize(
    ("reader", "value", "read"),
    [
        (integer(0), "015", 15), (integer(0), 15, 15), (integer(0), 15.0, 15), (integer(-3), "-3", -3),
        (number(least=0), "0", 0.0), (number(), "1e-3", 0.001), (number(most=1), 1, 1.0),
        (truth(as_text=True), "True", True), (truth(as_text=True), "false", False), (truth(), False, False),
        (one_of(Literal[True]), True, True), (optional(number(), none=""), "", None), (optional(text()), None, None),
        (items(text(), least=1), ["a"], ["a"]), (from_json(items(text())), '["a"]', ["a"]),
        (checked(_even, 2), "AB", "ab"),
    ],
)  # fmt: skip
def test_what_is_allowed_is_read(reader: Any, value: Any, read: Any) -> None:
    found = reader(value)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("reader", "value", "said"),
    [
        (integer(0), True, "of at least 0"), (integer(0), "1.5", "whole number"), (integer(0), 1.5, "whole number"),
        (integer(0), "", "whole number"), (integer(0), "--1", "whole number"), (integer(0), "٣", "whole number"),
        (integer(0), None, "whole number"), (integer(0), float("inf"), "whole number"), (integer(0), "9" * 5000, "who"),
        (number(), "nan", "a number$"), (number(), "inf", "a number"), (number(), True, "a number"),
        (number(), 10**400, "a number"), (number(above=0, most=1), 1.5, "above 0 and of at most 1"),
        (truth(), "true", "true and false"), (truth(as_text=True), "1", "true and false"), (truth(), 1, "true and"),
        (one_of(Literal[True]), 1, "allowed is true"), (one_of(Literal["a"]), ["a"], "allowed is a"),
        (text(1), "", "not empty"), (text(), b"x", "a text"), (text(), None, "a text"),
        (items(text(), least=1, most=10_000), [], "a list of 1 to 10,000"), (items(text()), "ab", "a list"),
        (pairs(text(), least=1), {}, "at least 1"), (pairs(text()), {1: "a"}, "named values"),
        (from_json(text()), "{", "JSON"), (checked(_even, 2), "", "not empty"), (optional(text()), 1, "a text"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_and_says_what_is(reader: Any, value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        reader(value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=6))
def test_nothing_that_json_can_say_ends_in_another_error(value: Any) -> None:
    readers = (
        integer(0, 5), number(above=0), truth(), truth(as_text=True), one_of(Literal["a", True]), text(1),
        items(integer(0)), pairs(text()), from_json(items(text())), record(Whole), optional(text(), none=""),
    )  # fmt: skip
    for reader in readers:
        with contextlib.suppress(ValueError):
            reader(value)


def test_a_record_does_not_change_and_a_changed_one_is_another() -> None:
    whole = Whole(name="x")
    with pytest.raises(AttributeError, match=r"Whole\.name does not change"):
        whole.name = "y"  # type: ignore[misc]
    with pytest.raises(AttributeError, match=r"Whole\.name does not change"):
        del whole.name
    assert whole.changed(name="y") == Whole(name="y") != whole
    assert hash(Part(size=1)) == hash(Part(size=1))
    assert Whole(name="x") != Grown(name="x")


def test_two_records_share_no_default() -> None:
    first, second = Whole(name="x"), Whole(name="x")
    assert first.parts is not second.parts


def test_a_secret_is_in_no_repr() -> None:
    assert repr(Whole(name="x", code="geheim")) == "Whole(name='x', parts=[], rates={}, sure=None)"


def test_a_record_takes_no_field_of_nobodys_and_lacks_none() -> None:
    with pytest.raises(TypeError, match="Part has no field shape"):
        Part(size=1, shape=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Part needs the field size"):
        Part()  # type: ignore[call-arg]


def test_a_record_that_grows_keeps_the_order_and_may_say_a_field_anew() -> None:
    assert list(Grown.model_fields) == ["name", "parts", "rates", "code", "sure", "more"]
    assert Grown.read({}) == Grown()
    assert Grown().name == "nobody"
    assert not Grown.closed
