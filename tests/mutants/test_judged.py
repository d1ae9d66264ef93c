"""The list of judged survivors cannot grow unseen, and nothing on it is out of date."""

from __future__ import annotations

from tests.mutants.judged import judged
from tests.mutants.worlds import WORLDS

# Whoever judges a survivor raises this, and says in the list why no user could notice it.
JUDGED = 64


def test_as_many_survivors_are_judged_as_somebody_has_agreed_to() -> None:
    assert len(judged()) == JUDGED


def test_every_judgement_says_why() -> None:
    assert [name for name, reason in judged().items() if len(reason.split()) < 5] == []


def test_every_judged_mutant_still_exists() -> None:
    """A line that was changed has new mutants, which nobody has judged."""
    names = {mutant.name for world in WORLDS.values() for mutant in world.mutants()}
    assert {name for name in judged() if not name.startswith("template ")} <= names
