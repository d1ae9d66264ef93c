"""Two invocations of CRLProcessor at once, in every order in which their calls can happen: the newest CRL wins."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from pca_runtime.errors.kinds import Throttled
from pca_runtime.revocation.crl import load_crl
from pca_runtime.revocation.crl_processing import CrlProcessing
from pca_runtime.revocation.settings import CrlProcessorSettings

from tests.runtime.conftest import World
from tests.runtime.revocation.test_crl_processor import KEY, in_force, reconcile, write

# List, read, write, look again; the newer CRL is put into the bucket before the second invocation begins.
FIRST, SECOND = ["first"] * 4, ["bucket", *["second"] * 4]


def orders() -> list[list[str]]:
    """Every way of merging the two, each in its own order."""
    places = itertools.combinations(range(len(FIRST) + len(SECOND)), len(FIRST))
    merged = []
    for chosen in places:
        rest = iter(SECOND)
        merged.append(["first" if at in chosen else next(rest) for at in range(len(FIRST) + len(SECOND))])
    return merged


class Turns:
    """Lets threads make one call after the other, in a given order."""

    def __init__(self, order: list[str]) -> None:
        self._order = list(order)
        self._changed = threading.Condition()

    def take(self, who: str, work: Callable[[], Any]) -> Any:
        """Do something when it is one's turn; who has more to do than the order knows does it when nobody waits."""
        with self._changed:
            assert self._changed.wait_for(lambda: who not in self._order or self._order[0] == who, timeout=20)
            try:
                return work()
            finally:
                if who in self._order:
                    self._order.pop(0)
                self._changed.notify_all()

    def leave(self, who: str) -> None:
        """One who is through leaves the rest of the order to the others."""
        with self._changed:
            self._order = [name for name in self._order if name != who]
            self._changed.notify_all()


class InTurn:
    """A client whose calls wait for their turn."""

    def __init__(self, client: Any, who: str, turns: Turns) -> None:
        self._client, self._who, self._turns = client, who, turns

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = getattr(self._client, operation)
        return lambda **request: self._turns.take(self._who, lambda: call(**request))


def process(world: World, who: str, turns: Turns) -> None:
    s3, anywhere = InTurn(world.s3, who, turns), InTurn(world.roles_anywhere, who, turns)
    CrlProcessing(CrlProcessorSettings.load(), s3, world.pca, anywhere, lambda _: True, world.clock).bring_into_force()  # type: ignore[arg-type]
    turns.leave(who)


def play(world: World, order: list[str]) -> None:
    """Both at once; an error of a thread would leave the other one waiting, which fails, too."""
    turns = Turns(order)

    def second() -> None:
        turns.take("bucket", lambda: write(world, world.pca.ca.crl(7)))
        process(world, "second", turns)

    threads = [threading.Thread(target=process, args=(world, "first", turns)), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.parametrize("known", [True, False], ids=["update", "import"])
def test_whatever_the_order_the_newest_crl_is_in_force_at_the_end(world: World, known: bool) -> None:
    assert len(orders()) == 126
    for order in orders():
        world.roles_anywhere.crls.clear()
        if known:
            world.roles_anywhere.add("pca-automator", load_crl(world.pca.ca.crl(5)).pem)
        write(world, world.pca.ca.crl(6))
        play(world, order)
        assert set(in_force(world)) == {7}, order


def test_an_invocation_that_dies_after_an_older_write_is_repaired(world: World) -> None:
    """Lambda ends it before it can look again: the message is delivered again, or the reconciliation comes."""
    write(world, world.pca.ca.crl(7))
    world.roles_anywhere.add("pca-automator", load_crl(world.pca.ca.crl(6)).pem)
    assert reconcile(world) == {"state": "UPDATED", "number": 7, "code": ""}


def test_a_crl_that_changes_again_and_again_is_left_to_the_next_delivery(world: World) -> None:
    number = iter(range(1, 100))
    update = world.roles_anywhere.update_crl
    world.roles_anywhere.add("pca-automator", load_crl(world.pca.ca.crl(next(number))).pem)
    write(world, world.pca.ca.crl(next(number)))

    def overtaken(**request: Any) -> Any:
        answer = update(**request)
        world.s3.raw.put_object(Bucket="crls", Key=KEY, Body=world.pca.ca.crl(next(number)))
        return answer

    world.roles_anywhere.update_crl = overtaken  # type: ignore[method-assign]
    with pytest.raises(Throttled, match="changed 5 times"):
        reconcile(world)
    assert world.inbox.messages() == []
