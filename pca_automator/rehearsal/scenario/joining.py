"""Hosts that join: one that somebody puts into the inventory, and machines that do it themselves, by their tags."""

from __future__ import annotations

import json
import time

from pca_automator.rehearsal.local_aws.run_command.hosts import Faults
from pca_automator.rehearsal.scenario import purposes
from pca_automator.rehearsal.scenario.world import World
from pca_automator.rehearsal.stage.hosts import Member, inventory_item

CONTEXT = {
    "certificateProfiles": json.dumps(purposes.PROFILES),
    "digestSchedule": "cron(0 7 * * ? *)",
    "enrolByTag": "PcaAutomatorRehearsal=joins",
    "profileTag": "PcaAutomatorProfile",
}
"""What the sample app is deployed with: hosts can choose a profile, by their tags as well; machines join by their tags;
a digest is sent."""

_ENROLMENT_SECONDS = 60
_PROFILE = "client"
# A busy machine takes longer, and is no reason to say that a host did not come live.
_LIVE_SECONDS = 300
# The queue's first look at a started instance, scaled as all waits are, and some.
_FIRST_LOOK_SECONDS = 5.0


def join(world: World, newcomer: Member) -> None:
    """(g) An item that is put while nothing runs brings its host a certificate, without the schedule."""
    begin = time.monotonic()
    with world.display.part("g  a host joins"):
        world.inventory.put(inventory_item(newcomer))
        live = _is_live(world, newcomer)
    # What was waited here is a part of what is waited on AWS; to add all of that errs on the safe side.
    seconds = round(time.monotonic() - begin + world.automation.enrolment_waits, 1)
    world.report.numbers["enrolled_within_seconds"] = seconds if live else None
    in_time = live and seconds < _ENROLMENT_SECONDS
    world.report.expect(f"a new host is live within {_ENROLMENT_SECONDS} s, without the schedule", True, in_time)
    if live and not in_time:
        world.report.trouble(f"{newcomer.id} took {seconds} s, with the waits at their full length")
    world.report.expect("it has nothing to complain of", [], newcomer.troubles())
    world.members.append(newcomer)


def join_by_tag(world: World, tagged: Member, plain: Member, node: Member) -> None:
    """(j) Of two instances that start, the tagged one joins once its agent answers; a tagged node joins, too.

    Both have the profile that a tag of theirs names, where the app reads one.
    """
    ec2, ssm = world.aws.client("ec2"), world.aws.client("ssm")
    by_tag = bool(world.automation.profile_tag) and _PROFILE in world.automation.profiles
    wanted = {**world.automation.enrol_tags, **({world.automation.profile_tag: _PROFILE} if by_tag else {})}
    tags = [{"Key": key, "Value": value} for key, value in wanted.items()]
    with world.display.part("j  machines join by their tags", 2) as advance:
        ec2.create_tags(Resources=[tagged.id], Tags=tags)
        tagged.host.set_faults(Faults(unknown=True))
        for member in (tagged, plain):
            ec2.stop_instances(InstanceIds=[member.id])
            ec2.start_instances(InstanceIds=[member.id])
        time.sleep(_FIRST_LOOK_SECONDS)
        waited = tagged.id not in world.inventory.items()
        tagged.host.set_faults(Faults())
        joined = [_is_live(world, tagged)]
        advance(1)
        ssm.add_tags_to_resource(ResourceType="ManagedInstance", ResourceId=node.id, Tags=tags)
        # What the schedule sends every quarter of an hour; no event tells of a node that comes online.
        answer = world.aws.client("lambda").invoke(FunctionName=world.automation.register, Payload=b"{}")
        registered = json.loads(answer["Payload"].read()).get("registered")
        joined.append(_is_live(world, node))
        advance(2)
    world.report.expect("an instance is not put in before Systems Manager reaches it", True, waited)
    world.report.count("registered_by_tag", sum(joined), 2, "a tagged instance and a tagged node join by themselves")
    world.report.expect("the schedule found the node alone", 1, registered)
    world.report.expect("an instance without the tag stays out", False, plain.id in world.inventory.items())
    if by_tag:
        got = [sorted(purposes.usages(member)) for member in (tagged, node)]
        world.report.expect("each has what the profile is for that its tag names", [["clientAuth"]] * 2, got)
    world.members += [tagged, node]


def _is_live(world: World, member: Member) -> bool:
    return world.eventually(lambda: member.live_certificate() is not None, _LIVE_SECONDS)
