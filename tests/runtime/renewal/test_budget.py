"""A host gets enough certificates for every healthy use, and no more, whoever writes its item."""

from __future__ import annotations

import pytest
from pca_runtime.errors.kinds import IssuanceBudgetExceeded
from pca_runtime.renewal.budget import allowed

from tests.runtime.conftest import HOST, World
from tests.runtime.renewal.steps import fail, host, renew, until_csr


@pytest.mark.parametrize(("failures", "most"), [(0, 10), (1, 10), (2, 5), (3, 2), (4, 2), (500, 2)])
def test_the_budget_halves_with_each_failure_and_never_ends(failures: int, most: int) -> None:
    assert allowed(10, failures) == most


@pytest.mark.parametrize("per_day", [1, 2, 3])
def test_a_small_budget_is_never_exceeded(per_day: int) -> None:
    assert [allowed(per_day, failures) for failures in range(9)] <= [per_day] * 9


def asked(world: World, run: str, **more: object) -> object:
    ready = until_csr(world, run)
    return world.invoke("cert_issue", {**host(run), "csr": ready["csr"], "taskToken": f"token-{run}", **more})


def test_nineteen_changes_of_an_item_within_a_day_make_ten_certificates(world: World) -> None:
    world.put()
    for number in range(10):
        world.later(minutes=1)
        renew(world, f"run-{number}")
    for number in range(10, 19):
        world.later(minutes=1)
        with pytest.raises(IssuanceBudgetExceeded, match=r"ISSUANCE_BUDGET_EXCEEDED: .* within a day") as exceeded:
            renew(world, f"run-{number}")
        fail(world, "CertIssue", "IssuanceBudgetExceeded", str(exceeded.value), run=f"run-{number}")
    assert world.pca.count("issue_certificate") == 10
    assert world.item()["lastError"]["code"] == "ISSUANCE_BUDGET_EXCEEDED"
    # The live certificate is as it was, and a day later there is room again.
    world.later(days=1)
    renew(world, "run-tomorrow")
    assert world.item()["status"] == "DEPLOYED"


def test_what_a_person_forces_is_not_held_by_the_budget(world: World) -> None:
    world.put()
    for number in range(10):
        world.issued(f"{number + 1:x}", minutes=-number)
    with pytest.raises(IssuanceBudgetExceeded):
        asked(world, "run-1")
    fail(world, "CertIssue", "IssuanceBudgetExceeded", "x", run="run-1")
    assert asked(world, "run-2", byHand=True) == {"issued": True}


def test_a_repeated_call_is_no_second_certificate(world: World) -> None:
    world.put()
    for number in range(9):
        world.issued(f"{number + 1:x}", minutes=-number)
    asked(world, "run-1")
    assert asked(world, "run-1") == {"issued": False}


def test_a_host_that_fails_gets_fewer(world: World) -> None:
    world.put(failureCount=4)
    for serial in ("1", "2"):
        world.issued(serial)
    with pytest.raises(IssuanceBudgetExceeded, match="after 4 failures in a row"):
        asked(world, "run-1")


@pytest.mark.parametrize(
    ("given", "by_hand"),
    [
        ({}, False),
        ({"hostIDs": [HOST]}, False),
        ({"hostIDs": [HOST], "force": True}, True),
        ({"hostIDs": [HOST], "force": True, "automatic": True}, False),
        ({"reissue": "all"}, True),
    ],
)
def test_only_a_person_who_forces_is_a_person_who_forces(world: World, given: dict[str, object], by_hand: bool) -> None:
    world.put()
    assert world.invoke("cert_check", {"input": given, "runId": "run-1"})["byHand"] is by_hand
