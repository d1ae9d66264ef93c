"""The promises hold for every variation of the parts and options, and each of them can be broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import RemovalPolicy

from pca_automator import Alarms, ReplacementRevocation, RevocationPolicy
from tests.constructs.promises import PROMISES, broken
from tests.constructs.promises.view import View
from tests.constructs.test_bring_your_own import ACCOUNT, REGION, brought
from tests.members import members
from tests.mutants import template as mutants
from tests.mutants.judged import judged
from tests.synthesis import automation, everything, full_template, plain_template, sample_template, template_of

# Every option on and off. A new option of the constructor stands here in both states, or a test below says so.
VARIATIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "nothing given": plain_template,
    "everything": full_template,
    "the sample app": sample_template,
    "everything that the account has already": lambda: template_of(brought()),
    "as little as there can be": lambda: template_of(
        automation(
            alarms=Alarms.none(),
            dashboard=False,
            immediate_enrolment=False,
            removal_policy=RemovalPolicy.DESTROY,
            revoke_on_retire=RevocationPolicy.NEVER,
        )
    ),
    "everything, and nothing revoked": lambda: template_of(
        everything(revoke_on_retire=RevocationPolicy.NEVER, alarms=Alarms.none())
    ),
    "what is replaced is revoked": lambda: template_of(automation(revoke_replaced=ReplacementRevocation.ALWAYS)),
}
# One of so many mutants is tried by make test, another one of them every time that the template changes; make test-long
# and make mutants try all.
STRIDE = 40


# In the others nothing is on and off that is not in these.
AT_ONCE = [
    "nothing given",
    "everything",
    "the sample app",
    "everything that the account has already",
    "as little as there can be",
]


@pytest.mark.parametrize("variation", members(VARIATIONS, AT_ONCE))
def test_every_promise_holds(variation: str) -> None:
    environment = {"account": ACCOUNT, "region": REGION} if "has already" in variation else {}
    assert broken(VARIATIONS[variation](), **environment) == []


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__.strip("_"))
def test_every_promise_can_be_broken(promise: Callable[[View], Any]) -> None:
    """A promise that nothing breaks is none; the first mutant that it notices is enough."""
    template = full_template()
    changes = mutants.mutants_of(template)
    assert any(breaks(promise, mutants.applied(template, change)) for change in changes[::3] + changes)


def breaks(promise: Callable[[View], Any], template: dict[str, Any]) -> bool:
    try:
        return bool(list(promise(View(template))))
    except (KeyError, AttributeError, TypeError, ValueError, IndexError):
        return False


def test_mutants_of_the_template_are_noticed() -> None:
    template = full_template()
    changes = mutants.mutants_of(template)
    assert len(changes) > 2_000
    left = [change.name for change in changes[::STRIDE] if not broken_by(template, change)]
    assert [name for name in left if name not in judged()] == []


@pytest.mark.long
def test_every_mutant_of_the_template_is_noticed_or_judged() -> None:
    left = [mutant.name for mutant in mutants.survivors(full_template())]
    assert [name for name in left if name not in judged()] == []


def broken_by(template: dict[str, Any], change: mutants.TemplateMutant) -> bool:
    try:
        return bool(broken(mutants.applied(template, change)))
    except (KeyError, AttributeError, TypeError, ValueError, IndexError):
        return True
