"""A machine with the chosen tags joins once, when Systems Manager reaches it; nobody else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pca_runtime.errors.kinds import ConfigurationError, Throttled
from pca_runtime.membership.settings import CertRegisterSettings

from tests.runtime.conftest import ENVIRONMENT, HOST, World
from tests.runtime.fakes import client_error
from tests.runtime.membership.rig import Members, ec2_event, enter

TAGS = {"CertManaged": "true"}
NODE = "mi-0123456789abcdef0"
NOTHING_AGAIN: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def members(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    yield from enter(world, monkeypatch)


def started(members: Members, *host_ids: str, received: int = 1, state: str = "running") -> dict[str, Any]:
    records = [
        {
            "messageId": f"m-{host_id}",
            "body": json.dumps(ec2_event(host_id, state)),
            "attributes": {"ApproximateReceiveCount": str(received)},
        }
        for host_id in host_ids
    ]
    return members.invoke("cert_register", {"Records": records})


def test_a_tagged_instance_is_registered_once_it_is_online(members: Members) -> None:
    members.ec2.instances[HOST] = ("running", TAGS)
    assert started(members, HOST) == {"batchItemFailures": [{"itemIdentifier": f"m-{HOST}"}]}
    assert members.world.item() == {}
    members.ssm.nodes[HOST] = ("Online", TAGS)
    assert started(members, HOST, received=2) == NOTHING_AGAIN
    expected = {"hostID": HOST, "enrolledAt": "2026-11-23T13:15:00Z", "enrolledBy": "tag"}
    assert members.world.item() == expected


@pytest.mark.parametrize(
    "instance",
    [("running", {}), ("running", {"CertManaged": "false"}), ("stopped", TAGS), ("terminated", TAGS), None],
)
def test_other_instances_are_left_alone_and_not_waited_for(members: Members, instance: Any) -> None:
    if instance:
        members.ec2.instances[HOST] = instance
    members.ssm.nodes[HOST] = ("Online", {})
    assert started(members, HOST) == NOTHING_AGAIN
    assert members.world.item() == {}


def test_every_tag_must_be_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for members in enter(world, monkeypatch, ENROL_TAGS='{"CertManaged": "true", "Stage": "prod"}'):
        members.ec2.instances[HOST] = ("running", TAGS)
        members.ssm.nodes[HOST] = ("Online", TAGS)
        started(members, HOST)
        assert members.invoke("cert_register", {}) == {"registered": 0}
        members.ssm.nodes |= {NODE: ("Online", TAGS | {"Stage": "prod"}), HOST: ("Online", {"Stage": "prod"})}
        assert members.invoke("cert_register", {}) == {"registered": 1}
        assert members.world.item(NODE)


def test_an_instance_that_never_comes_online_is_left_to_the_schedule(members: Members) -> None:
    members.ec2.instances[HOST] = ("running", TAGS)
    assert started(members, HOST, received=5) != NOTHING_AGAIN
    assert started(members, HOST, received=6) == NOTHING_AGAIN
    members.ssm.nodes[HOST] = ("Online", TAGS)
    assert members.invoke("cert_register", {}) == {"registered": 1}


def test_events_that_come_twice_or_again_later_change_nothing(members: Members) -> None:
    members.ec2.instances[HOST] = ("running", TAGS)
    members.ssm.nodes[HOST] = ("Online", TAGS)
    members.world.put(status="RETIRED", retiredAt="2026-11-23T00:00:00Z")
    assert started(members, HOST) == NOTHING_AGAIN
    assert members.invoke("cert_register", {}) == {"registered": 0}
    assert members.world.item()["status"] == "RETIRED"


def test_two_at_once_register_a_host_once(members: Members) -> None:
    members.ssm.nodes[HOST] = ("Online", TAGS)
    batch_get = members.world.dynamodb.batch_get_item

    def overtaken(**request: Any) -> Any:
        answer = batch_get(**request)
        members.world.put(certPath="/etc/own")
        return answer

    members.world.dynamodb.batch_get_item = overtaken
    assert members.invoke("cert_register", {}) == {"registered": 0}
    assert members.world.item()["certPath"] == "/etc/own"


@pytest.mark.parametrize("value", ["web", "administrator", "no profile's name!"])
def test_a_machine_joins_with_the_profile_that_its_tag_names_and_is_never_given_another(
    world: World, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """What is not declared is refused when its certificate is asked for."""
    tags = TAGS | {"CertificateProfile": value}
    for members in enter(world, monkeypatch, PROFILE_TAG="CertificateProfile"):
        members.ec2.instances[HOST] = ("running", tags)
        members.ssm.nodes |= {HOST: ("Online", tags), NODE: ("Online", tags)}
        assert started(members, HOST) == NOTHING_AGAIN
        assert members.invoke("cert_register", {}) == {"registered": 1}
        assert [members.world.item(each)["certificateProfile"] for each in (HOST, NODE)] == [value, value]


def test_without_that_tag_a_machine_has_the_default_profile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for members in enter(world, monkeypatch, PROFILE_TAG="CertificateProfile"):
        members.ec2.instances[HOST] = ("running", TAGS | {"CertificateProfile": ""})
        members.ssm.nodes |= {HOST: ("Online", TAGS), NODE: ("Online", TAGS | {"certificateprofile": "web"})}
        assert members.invoke("cert_register", {}) == {"registered": 2}
        assert [members.world.item(each).keys() for each in (HOST, NODE)] == [
            {"hostID", "enrolledAt", "enrolledBy"}
        ] * 2


def test_a_tag_changes_nothing_for_a_host_that_is_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for members in enter(world, monkeypatch, PROFILE_TAG="CertificateProfile"):
        members.world.put(NODE, certificateProfile="client")
        members.ssm.nodes[NODE] = ("Online", TAGS | {"CertificateProfile": "web"})
        assert members.invoke("cert_register", {}) == {"registered": 0}
        assert members.world.item(NODE)["certificateProfile"] == "client"
        assert members.ssm.count("list_tags_for_resource") == 0


def test_a_machine_that_is_gone_when_its_tags_are_read_does_not_join(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for members in enter(world, monkeypatch, PROFILE_TAG="CertificateProfile"):
        members.ssm.nodes |= {HOST: ("Online", TAGS), NODE: ("Online", TAGS)}
        monkeypatch.setattr(members.ssm, "list_tags_for_resource", refuse)
        assert members.invoke("cert_register", {}) == {"registered": 0}


def refuse(**_: Any) -> Any:
    raise client_error("InvalidResourceId", "ListTagsForResource")


def test_the_schedule_finds_nodes_page_by_page_and_only_those_online_with_the_tags(members: Members) -> None:
    for number in range(5):
        members.ssm.nodes[f"mi-{number:017x}"] = ("Online", TAGS)
    members.ssm.nodes[NODE] = ("ConnectionLost", TAGS)
    members.ssm.nodes[HOST] = ("Online", {})
    assert members.invoke("cert_register", {}) == {"registered": 5}
    assert members.world.item(NODE) == members.world.item(HOST) == {}


def test_one_of_a_batch_that_is_not_online_does_not_repeat_the_others(members: Members) -> None:
    other = "i-0000000000000000a"
    members.ec2.instances |= {HOST: ("running", TAGS), other: ("running", TAGS)}
    members.ssm.nodes[other] = ("Online", TAGS)
    assert started(members, HOST, other) == {"batchItemFailures": [{"itemIdentifier": f"m-{HOST}"}]}
    assert members.world.item(other)


def test_foreign_messages_are_dropped(members: Members) -> None:
    assert started(members, HOST, state="stopped") == NOTHING_AGAIN
    for body in ("", "[]", "[" * 100_000, '{"source": "aws.ec2"}', json.dumps(ec2_event("i-1", "running"))):
        assert members.invoke("cert_register", {"Records": [{"messageId": "m", "body": body}]}) == NOTHING_AGAIN
    assert members.ec2.calls == []


def test_throttling_leaves_the_messages_in_the_queue(members: Members) -> None:
    members.ec2.fail("describe_instances", client_error("RequestLimitExceeded"))
    with pytest.raises(Throttled):
        started(members, HOST)


@pytest.mark.parametrize("tags", ["{}", "[]", "on", '{"a": 1}', ""])
def test_tags_that_would_match_everything_or_nothing_are_refused(tags: str) -> None:
    with pytest.raises(ConfigurationError, match="ENROL_TAGS"):
        CertRegisterSettings.load({**ENVIRONMENT, "ENROL_TAGS": tags})
