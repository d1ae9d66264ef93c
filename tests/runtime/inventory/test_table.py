"""The lease: whoever has lost the host writes nothing, whichever write it is and whatever it read before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pca_runtime.errors.kinds import LeaseLost
from pca_runtime.inventory.lease import InstalledCertificate, IssuedCertificate, Lease
from pca_runtime.inventory.table import Inventory
from pca_runtime.shared.identifiers import request_id

from tests.runtime.conftest import HOST, World
from tests.runtime.pki import NOW
from tests.runtime.renewal.steps import LIVE, RUN, USERS

LEASE = Lease(HOST, RUN)
ISSUED = IssuedCertificate("f" * 64, "arn:new", "0b", "2026-11-30T13:15:00Z", "2026-11-28T13:15:00Z", "print")
INSTALLED = InstalledCertificate("arn:new", "b", "2026-11-30T13:15:00Z", "2026-11-28T13:15:00Z", True, "a")
CLAIM = timedelta(seconds=90)

Write = Callable[[Inventory], object]
WRITES: dict[str, Write] = {
    "store_csr_command": lambda inventory: inventory.store_csr_command(LEASE, "c", "RSA_2048"),
    "store_request": lambda inventory: inventory.store_request(LEASE, "f" * 64, "token"),
    "store_certificate_arn": lambda inventory: inventory.store_certificate_arn(LEASE, "arn:new"),
    "claim_install": lambda inventory: inventory.claim_install(LEASE, ISSUED, NOW, CLAIM),
    "store_install_command": lambda inventory: inventory.store_install_command(LEASE, "c"),
    "record_deployed": lambda inventory: inventory.record_deployed(LEASE, INSTALLED, NOW),
}
OURS = {
    **LIVE,
    **USERS,
    "status": "RENEWING",
    "runId": RUN,
    "leaseUntil": "2026-11-23T13:45:00Z",
    "pending": {"requestId": request_id(RUN, HOST), "publicKeySha256": "f" * 64},
}


@pytest.fixture
def inventory(world: World) -> Inventory:
    return Inventory(world.dynamodb, "inventory")


@pytest.mark.parametrize("write", WRITES)
def test_each_write_succeeds_while_the_lease_is_held_and_keeps_what_the_user_wrote(
    world: World, inventory: Inventory, write: str
) -> None:
    world.put(**OURS)
    WRITES[write](inventory)
    assert {name: world.item()[name] for name in USERS} == USERS


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "change",
    [
        {"runId": "other"},
        {"runId": "other", "pending": {"requestId": request_id("other", HOST), "publicKeySha256": "f" * 64}},
        {"pending": {"requestId": request_id("other", HOST), "publicKeySha256": "f" * 64}},
        {"status": "RETIRED"},
        {"pending": "mangled"},
    ],
    ids=["another-run", "another-run-and-request", "another-request", "retired", "mangled"],
)
def test_no_write_succeeds_once_the_lease_is_lost(
    world: World, inventory: Inventory, write: str, change: dict[str, Any]
) -> None:
    world.put(**{**OURS, **change})
    before = world.item()
    with pytest.raises(LeaseLost):
        WRITES[write](inventory)
    assert world.item() == before


@pytest.mark.parametrize("write", WRITES)
def test_no_write_brings_a_removed_host_back(world: World, inventory: Inventory, write: str) -> None:
    with pytest.raises(LeaseLost):
        WRITES[write](inventory)
    assert world.item() == {}


def test_the_certificate_that_the_event_brought_stays(world: World, inventory: Inventory) -> None:
    world.put(**OURS)
    inventory.claim_install(LEASE, ISSUED, NOW, CLAIM)
    inventory.store_certificate_arn(LEASE, "arn:later")
    assert world.item()["pending"]["certificateArn"] == "arn:new"


def test_nothing_may_be_sent_for_another_key_than_the_one_that_was_stored_meanwhile(
    world: World, inventory: Inventory
) -> None:
    world.put(**{**OURS, "pending": {"requestId": request_id(RUN, HOST), "publicKeySha256": "0" * 64}})
    before = world.item()
    may_send, _ = inventory.claim_install(LEASE, ISSUED, NOW, CLAIM)
    assert not may_send
    assert world.item() == before


def test_once_a_command_was_sent_no_claim_is_given_however_late(world: World, inventory: Inventory) -> None:
    world.put(**OURS)
    assert inventory.claim_install(LEASE, ISSUED, NOW, CLAIM)[0]
    inventory.store_install_command(LEASE, "c")
    inventory.release_install(LEASE)
    may_send, item = inventory.claim_install(LEASE, ISSUED, NOW + timedelta(minutes=10), CLAIM)
    assert not may_send
    assert item.pending is not None
    assert item.pending.install_command_id == "c"


def test_a_claim_is_given_once_until_it_runs_out_or_is_given_back(world: World, inventory: Inventory) -> None:
    world.put(**OURS)
    assert inventory.claim_install(LEASE, ISSUED, NOW, CLAIM)[0]
    assert not inventory.claim_install(LEASE, ISSUED, NOW + timedelta(seconds=89), CLAIM)[0]
    assert inventory.claim_install(LEASE, ISSUED, NOW + CLAIM, CLAIM)[0]
    inventory.release_install(LEASE)
    assert inventory.claim_install(LEASE, ISSUED, NOW + CLAIM, CLAIM)[0]


def test_giving_a_claim_back_without_the_lease_changes_nothing(world: World, inventory: Inventory) -> None:
    pending = {**OURS["pending"], "installClaimUntil": "2026-11-23T13:16:00Z"}
    world.put(**{**OURS, "runId": "other", "pending": pending})
    before = world.item()
    inventory.release_install(LEASE)
    assert world.item() == before


def test_recording_twice_records_once(world: World, inventory: Inventory) -> None:
    world.put(**OURS)
    first = inventory.record_deployed(LEASE, INSTALLED, NOW)
    before = world.item()
    assert inventory.record_deployed(LEASE, INSTALLED, NOW + timedelta(minutes=1)) == first
    assert world.item() == before
