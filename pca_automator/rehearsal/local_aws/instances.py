"""EC2, as far as the fleet's instances are concerned: their state, their tags, and the events of their states.

The instances are the simulated hosts whose id begins with ``i-``; what the API answers of instances is about those
alone. Everything else of EC2 stays with MiniStack.
"""

from __future__ import annotations

import fnmatch
import re
import urllib.parse
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from pca_automator.rehearsal.local_aws.emulator import Handler, Response
from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import account as facts
from pca_automator.rehearsal.local_aws.run_command.hosts import Fleet, Host
from pca_automator.rehearsal.local_aws.settings import Settings

Parameters = Mapping[str, str]
Announce = Callable[[str, str], None]
"""Publishes an instance's new state: its id, and the state."""

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
# What an operation leads through, and from which states it may.
_WAYS = {
    "StartInstances": (("pending", "running"), ("stopped", "running")),
    "StopInstances": (("stopping", "stopped"), ("running", "stopped")),
    "TerminateInstances": (("shutting-down", "terminated"), ("running", "stopped", "terminated")),
}
_FILTER_VALUES: int = facts.INSTANCE_FILTERS.value
_INSTANCE = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})")
_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


class Api:
    """Answers requests as MiniStack hands them to a service, in EC2's query protocol."""

    def __init__(self, settings: Settings, others: Handler, announce: Announce) -> None:
        self._settings = settings
        self._others = others
        self._announce = announce

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Serve one request."""
        parameters = {key: values[0] for key, values in urllib.parse.parse_qs(body.decode(), True).items()}
        action = parameters.get("Action", "")
        try:
            if action == "DescribeInstances":
                return _answer(action, self._describe(parameters))
            if action in _WAYS:
                return _answer(action, self._lead(action, parameters))
            if action in ("CreateTags", "DeleteTags") and self._are_ours(_listed(parameters, "ResourceId")):
                return _answer(action, self._tag(action, parameters))
        except ServiceError as error:
            return _refusal(error)
        return await self._others(method, path, headers, body, query)

    @property
    def _fleet(self) -> Fleet:
        return Fleet(self._settings.fleet)

    def _are_ours(self, ids: Sequence[str]) -> bool:
        return bool(ids) and all(_INSTANCE.fullmatch(each) and self._fleet.find_machine(each) for each in ids)

    def _named(self, parameters: Parameters) -> list[Host]:
        ids = _listed(parameters, "InstanceId")
        if wrong := [each for each in ids if not _INSTANCE.fullmatch(each)]:
            raise ServiceError("InvalidInstanceID.Malformed", f'Invalid id: "{wrong[0]}"', fact=facts.INSTANCE_ID)
        found = {each: self._fleet.find_machine(each) for each in ids}
        if missing := [each for each, host in found.items() if host is None]:
            raise ServiceError(
                "InvalidInstanceID.NotFound",
                f"The instance ID '{missing[0]}' does not exist",
                fact=facts.INSTANCE_KNOWN,
            )
        return [host for host in found.values() if host is not None]

    def _describe(self, parameters: Parameters) -> str:
        named = _listed(parameters, "InstanceId")
        size = int(parameters.get("MaxResults") or 1000)
        if named and "MaxResults" in parameters:
            raise ServiceError(
                "InvalidParameterCombination",
                "MaxResults and instance ids exclude each other",
                fact=facts.INSTANCE_FILTERS,
            )
        if not 5 <= size <= 1000:
            raise ServiceError(
                "InvalidParameterValue",
                f"MaxResults is {size}: it must be between 5 and 1000",
                fact=facts.INSTANCE_FILTERS,
            )
        filters = _filters(parameters)
        hosts = self._named(parameters) if named else self._fleet.instances()
        found = [host for host in hosts if all(_fits(host, name, values) for name, values in filters)]
        start = int(parameters.get("NextToken") or 0)
        items = "".join(_reservation(host) for host in found[start : start + size])
        more = f"<nextToken>{start + size}</nextToken>" if start + size < len(found) else ""
        return f"<reservationSet>{items}</reservationSet>{more}"

    def _lead(self, action: str, parameters: Parameters) -> str:
        states, allowed = _WAYS[action]
        hosts = self._named(parameters)
        for host in hosts:
            if host.state not in allowed:
                raise ServiceError(
                    "IncorrectInstanceState", f"The instance '{host.id}' is {host.state}", fact=facts.INSTANCE_STATE
                )
        items = ""
        for host in hosts:
            before = host.state
            items += f"<item><instanceId>{host.id}</instanceId>"
            items += f"<previousState>{_state(before)}</previousState><currentState>{_state(states[0])}</currentState>"
            items += "</item>"
            if before == states[-1]:
                continue
            for state in states:
                host.set_state(state)
                self._announce(host.id, state)
        return f"<instancesSet>{items}</instancesSet>"

    def _tag(self, action: str, parameters: Parameters) -> str:
        keys = _listed(parameters, "Tag", ".Key")
        for host_id in _listed(parameters, "ResourceId"):
            host = self._fleet.find_machine(host_id)
            if host is None:
                continue
            if action == "CreateTags":
                values = [parameters.get(f"Tag.{number}.Value", "") for number in range(1, len(keys) + 1)]
                host.set_tags({**host.tags, **dict(zip(keys, values, strict=True))})
            else:
                host.set_tags({key: value for key, value in host.tags.items() if key not in keys})
        return "<return>true</return>"


def _listed(parameters: Parameters, name: str, suffix: str = "") -> list[str]:
    """The values of ``name.1``, ``name.2`` and so on."""
    found: list[str] = []
    while (value := parameters.get(f"{name}.{len(found) + 1}{suffix}")) is not None:
        found.append(value)
    return found


def _filters(parameters: Parameters) -> list[tuple[str, list[str]]]:
    names = _listed(parameters, "Filter", ".Name")
    filters = [(name, _listed(parameters, f"Filter.{number}.Value")) for number, name in enumerate(names, 1)]
    for name, values in filters:
        if name not in ("instance-id", "instance-state-name", "tag-key") and not name.startswith("tag:"):
            raise ServiceError(
                "InvalidParameterValue",
                f"The filter '{name}' is invalid, or not known to the local AWS",
                fact=facts.INSTANCE_FILTERS,
            )
        if len(values) > _FILTER_VALUES:
            raise ServiceError(
                "FilterLimitExceeded",
                f"{name} has {len(values)} values: {_FILTER_VALUES} are allowed",
                fact=facts.INSTANCE_FILTERS,
            )
    return filters


def _fits(host: Host, name: str, values: Sequence[str]) -> bool:
    """One value of a filter is enough; values are case-sensitive and may have the wildcards * and ?."""
    if name == "tag-key":
        facts = list(host.tags)
    elif name.startswith("tag:"):
        facts = [value for key, value in host.tags.items() if key == name.removeprefix("tag:")]
    else:
        facts = [host.id if name == "instance-id" else host.state]
    return any(fnmatch.fnmatchcase(fact, value) for fact in facts for value in values)


def _reservation(host: Host) -> str:
    tags = "".join(
        f"<item><key>{escape(key)}</key><value>{escape(value)}</value></item>" for key, value in host.tags.items()
    )
    instance = f"<instanceId>{host.id}</instanceId><instanceState>{_state(host.state)}</instanceState>"
    instances = f"<instancesSet><item>{instance}<tagSet>{tags}</tagSet></item></instancesSet>"
    return f"<item><reservationId>r-{host.id[2:]}</reservationId>{instances}</item>"


def _state(name: str) -> str:
    return f"<code>{_CODES[name]}</code><name>{name}</name>"


def _answer(action: str, inner: str) -> Response:
    request_id = f"<requestId>{uuid.uuid4()}</requestId>"
    text = f'<{action}Response xmlns="{_NAMESPACE}">{inner}{request_id}</{action}Response>'
    return 200, {"Content-Type": "text/xml"}, text.encode()


def _refusal(error: ServiceError) -> Response:
    details = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    text = f"<Response><Errors>{details}</Errors><RequestID>{uuid.uuid4()}</RequestID></Response>"
    return 400, {"Content-Type": "text/xml"}, text.encode()
