"""How soon the workflow looks at a host, and that looking sooner once changes nothing else."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter, Duration, Stack, Token

from pca_automator import Polling
from tests.synthesis import new_app


def hidden(name: str) -> Duration:
    parameter = CfnParameter(Stack(new_app(), "Consumer"), name, type="Number")
    return Duration.seconds(Token.as_number(parameter.value_as_number))


def first_look(polling: Polling) -> tuple[float, float] | None:
    found = polling.first_look
    return None if found is None else (found[0].to_seconds(), found[1].to_seconds())


@pytest.mark.parametrize(
    ("interval", "first", "waits"),
    [
        (15, None, (5, 10)),
        (600, None, (5, 595)),
        (6, None, (5, 1)),
        (5, None, None),
        (1, None, None),
        (15, 1, (1, 14)),
        (15, 14, (14, 1)),
        (15, 15, None),
        (600, 599, (599, 1)),
        (2, 1, (1, 1)),
        (1, 1, None),
    ],
)
def test_the_first_look_and_what_is_left_are_the_interval(
    interval: int, first: int | None, waits: tuple[int, int] | None
) -> None:
    given = None if first is None else Duration.seconds(first)
    assert first_look(Polling(interval=Duration.seconds(interval), first=given)) == waits


@pytest.mark.parametrize("first", [Duration.seconds(1), Duration.seconds(20), None])
def test_all_that_follows_from_the_polling_is_as_it_would_be_without_a_first_look(first: Duration | None) -> None:
    """Leases, time-outs of commands, the time for hooks and the proof, and what the functions are told."""
    interval, hooks = Duration.seconds(20), Duration.seconds(60)
    polling, plain = Polling(interval=interval, first=first), Polling(interval=interval, first=interval)
    assert polling.window == plain.window == "240 s"
    assert polling.environment == plain.environment
    assert polling.lease.to_seconds() == plain.lease.to_seconds()
    assert polling.proof_window(hooks).to_seconds() == plain.proof_window(hooks).to_seconds()
    assert polling.longest_lease_seconds(Duration.hours(1)) == plain.longest_lease_seconds(Duration.hours(1))


def test_where_a_token_hides_the_interval_there_is_no_look_before_it() -> None:
    assert Polling(interval=hidden("Interval")).first_look is None


@pytest.mark.parametrize("name", ["first", "interval"])
def test_a_first_look_and_its_interval_must_be_known(name: str) -> None:
    given = {"first": Duration.seconds(5), "interval": Duration.seconds(15), name: hidden("Given")}
    with pytest.raises(ValueError, match=rf"^{name} is a token: with first, both must be known at synthesis"):
        Polling(**given)  # type: ignore[arg-type]
