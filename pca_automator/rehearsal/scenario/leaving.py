"""Hosts that leave: their certificates are denied, whether AWS told of them once, twice or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pca_automator.rehearsal.scenario.revocation import Revoking
from pca_automator.rehearsal.scenario.world import World
from pca_automator.rehearsal.stage.hosts import Member

_NOTICE_SECONDS = 180.0


def leave(world: World, doubled: Member, lost: Member, removed: Member, node: Member) -> None:
    """(i) Instances are terminated, with the event twice, not at all, or their item removed; a node is deregistered."""
    ec2, ssm = world.aws.client("ec2"), world.aws.client("ssm")
    leavers = [doubled, lost, node, *([removed] if world.automation.enrols else [])]
    by_hand = world.members[0]
    with world.display.part("i  hosts leave", len(leavers)) as advance:
        world.aws.control("settings", {"instance_events": 2})
        ec2.terminate_instances(InstanceIds=[doubled.id])
        noticed = world.eventually(lambda: _is_retired(world, doubled), _NOTICE_SECONDS)
        advance(1)
        world.aws.control("settings", {"instance_events": 0})
        if removed in leavers:
            ec2.terminate_instances(InstanceIds=[removed.id])
            world.inventory.remove(removed.id)
        ec2.terminate_instances(InstanceIds=[lost.id])
        ssm.deregister_managed_instance(InstanceId=node.id)
        world.aws.control("settings", {"instance_events": 1})
        reconciled = _call(world, {"reconcile": True}).get("retired")  # as the schedule does, every hour
        denied = sum(_is_denied_soon(world, leaver) for leaver in leavers)
        advance(len(leavers))
        _call(world, {"hostIDs": [by_hand.id], "reason": "KEY_COMPROMISE"})
        removed_from_host = world.eventually(lambda: not _holds_anything(by_hand), _NOTICE_SECONDS)
        gone = {by_hand.id, *(leaver.id for leaver in leavers)}
        staying = [member for member in world.members if member.id not in gone]
        accepted = Revoking(world).accepted(staying)
    world.report.expect("EC2's event retires an instance", True, noticed)
    world.report.expect("the reconciliation retires whom no event told of", 2, reconciled)
    world.report.count("retired_denied", denied, len(leavers), "the certificates of all who left are denied")
    world.report.expect("a host that is retired by hand loses key and certificate", True, removed_from_host)
    world.report.expect("all others are still accepted", len(staying), accepted)


def _call(world: World, request: Mapping[str, Any]) -> dict[str, Any]:
    """Ask CertRetire."""
    answer = world.aws.client("lambda").invoke(FunctionName=world.automation.retire, Payload=json.dumps(request))
    answered: dict[str, Any] = json.loads(answer["Payload"].read())
    return answered


def _holds_anything(member: Member) -> bool:
    return any(path.exists() or path.is_symlink() for path in (member.certificate, member.key))


def _is_retired(world: World, member: Member) -> bool:
    return bool(world.inventory.items()[member.id].get("status") == "RETIRED")


def _is_denied_soon(world: World, member: Member) -> bool:
    def is_denied() -> bool:
        answer = member.prove(world.automation)
        return answer.returncode != 0 and "revoked" in answer.stderr.lower()

    return world.eventually(is_denied, _NOTICE_SECONDS)
