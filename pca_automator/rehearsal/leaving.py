"""Hosts that leave: their certificates are denied, whether AWS told of them once, twice or not at all."""

from __future__ import annotations

import json

from pca_automator.rehearsal.hosts import Member
from pca_automator.rehearsal.revoking import Revoking
from pca_automator.rehearsal.world import World

_NOTICE_SECONDS = 30.0


def leave(world: World, doubled: Member, lost: Member, removed: Member, node: Member) -> None:
    """(i) Instances are terminated, with the event twice, not at all, or their item removed; a node is deregistered."""
    ec2, ssm = world.aws.client("ec2"), world.aws.client("ssm")
    leavers = [doubled, lost, node, *([removed] if world.automation.enrols else [])]
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
        # What the schedule sends every hour.
        answer = world.aws.client("lambda").invoke(
            FunctionName=world.automation.retire, Payload=json.dumps({"reconcile": True})
        )
        reconciled = json.loads(answer["Payload"].read()).get("retired")
        denied = sum(_is_denied_soon(world, leaver) for leaver in leavers)
        advance(len(leavers))
        gone = {world.members[0].id, *(leaver.id for leaver in leavers)}  # the first was revoked before
        staying = [member for member in world.members if member.id not in gone]
        accepted = Revoking(world).accepted(staying)
    world.report.expect("EC2's event retires an instance", True, noticed)
    world.report.expect("the reconciliation retires whom no event told of", 2, reconciled)
    world.report.count("retired_denied", denied, len(leavers), "the certificates of all who left are denied")
    world.report.expect("all others are still accepted", len(staying), accepted)


def _is_retired(world: World, member: Member) -> bool:
    return bool(world.inventory.items()[member.id].get("status") == "RETIRED")


def _is_denied_soon(world: World, member: Member) -> bool:
    def is_denied() -> bool:
        answer = member.prove(world.automation)
        return answer.returncode != 0 and "revoked" in answer.stderr.lower()

    return world.eventually(is_denied, _NOTICE_SECONDS)
