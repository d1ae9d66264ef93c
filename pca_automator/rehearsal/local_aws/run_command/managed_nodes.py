"""DescribeInstanceInformation, and hybrid nodes' tags and deregistration: what Systems Manager knows of the fleet.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import run_command as facts
from pca_automator.rehearsal.local_aws.run_command.hosts import Fleet, Host
from pca_automator.rehearsal.local_aws.run_command.service import HOST_ID

Request = Mapping[str, Any]

# Filter keys, and the field of InstanceInformation that each looks at. The others that AWS has (ActivationIds,
# AssociationStatus, IamRole, SourceIds, SourceTypes) are about what simulated hosts do not have.
_FIELDS = {
    "AgentVersion": "AgentVersion",
    "InstanceIds": "InstanceId",
    "PingStatus": "PingStatus",
    "PlatformTypes": "PlatformType",
    "ResourceType": "ResourceType",
}
_FILTER_VALUES = 100
_TAGS_PER_NODE: int = facts.NODE_TAGS.value
_NODE = re.compile(r"mi-\w{17}")


def describe(fleet: Fleet, request: Request) -> dict[str, Any]:
    """One page of DescribeInstanceInformation."""
    size = int(request.get("MaxResults") or 10)
    if not 5 <= size <= 50:
        raise ServiceError(
            "ValidationException", f"maxResults is {size}: it must be between 5 and 50", fact=facts.NODE_FILTERS
        )
    filters = _filters(request)
    found = [host for host in fleet.all() if all(_fits(host, key, values) for key, values in filters)]
    start = _start(request.get("NextToken"), len(found))
    page: dict[str, Any] = {"InstanceInformationList": [host.information() for host in found[start : start + size]]}
    return {**page, "NextToken": str(start + size)} if start + size < len(found) else page


def _start(token: object, count: int) -> int:
    if token is None:
        return 0
    if not str(token).isdecimal() or int(str(token)) >= count:
        raise ServiceError("InvalidNextToken", "The specified token isn't valid.", fact=facts.NODE_FILTERS)
    return int(str(token))


def _filters(request: Request) -> list[tuple[str, Sequence[str]]]:
    new, legacy = request.get("Filters") or [], request.get("InstanceInformationFilterList") or []
    if new and legacy:
        raise ServiceError(
            "ValidationException",
            "Filters and InstanceInformationFilterList exclude each other",
            fact=facts.NODE_FILTERS,
        )
    filters = [(str(each["Key"]), each["Values"]) for each in new]
    filters += [(str(each["key"]), each["valueSet"]) for each in legacy]
    for key, values in filters:
        _check_filter(key, values, legacy=bool(legacy))
    if len({_is_tag(key) for key, _ in filters}) > 1:
        raise ServiceError(
            "ValidationException", "Cannot mix tag or inventory filter with any other filter.", fact=facts.NODE_FILTERS
        )
    return filters


def _check_filter(key: str, values: Sequence[str], *, legacy: bool) -> None:
    if key not in _FIELDS and (legacy or not _is_tag(key)):
        raise ServiceError(
            "InvalidFilterKey",
            f"{key} isn't a valid key, or is not supported by the local AWS",
            fact=facts.NODE_FILTERS,
        )
    if not 1 <= len(values) <= _FILTER_VALUES:
        raise ServiceError(
            "ValidationException",
            f"{key} has {len(values)} values: 1 to {_FILTER_VALUES} are allowed",
            fact=facts.NODE_FILTERS,
        )
    if key == "ResourceType" and len(values) > 1:
        raise ServiceError(
            "InvalidInstanceInformationFilterValue",
            "ResourceType filter may contain only one value.",
            fact=facts.NODE_FILTERS,
        )
    if key == "InstanceIds" and (wrong := [value for value in values if not HOST_ID.fullmatch(value)]):
        raise ServiceError("InvalidInstanceId", f"{wrong[0]} is not the id of a managed node", fact=facts.NODE_FILTERS)


def _is_tag(key: str) -> bool:
    return key == "tag-key" or (key.startswith("tag:") and len(key) > len("tag:"))


def _fits(host: Host, key: str, values: Sequence[str]) -> bool:
    if key == "tag-key":
        return not host.tags.keys().isdisjoint(values)
    if _is_tag(key):
        return host.tags.get(key.removeprefix("tag:")) in values
    return host.information()[_FIELDS[key]] in values


def is_about_a_node(request: Request) -> bool:
    """Whether a request about tags is about a managed node; documents and parameters have tags, too."""
    return request.get("ResourceType") == "ManagedInstance"


def add_tags(fleet: Fleet, request: Request) -> dict[str, Any]:
    """AddTagsToResource of a hybrid node."""
    host = _node(fleet, request)
    tags = {**host.tags, **{str(tag["Key"]): str(tag["Value"]) for tag in request["Tags"]}}
    if len(tags) > _TAGS_PER_NODE:
        raise ServiceError(
            "TooManyTagsError",
            f"{host.id} would have {len(tags)} tags: {_TAGS_PER_NODE} are allowed",
            fact=facts.NODE_TAGS,
        )
    host.set_tags(tags)
    return {}


def remove_tags(fleet: Fleet, request: Request) -> dict[str, Any]:
    """RemoveTagsFromResource of a hybrid node."""
    host = _node(fleet, request)
    host.set_tags({key: value for key, value in host.tags.items() if key not in request["TagKeys"]})
    return {}


def list_tags(fleet: Fleet, request: Request) -> dict[str, Any]:
    """ListTagsForResource of a hybrid node."""
    return {"TagList": [{"Key": key, "Value": value} for key, value in _node(fleet, request).tags.items()]}


def _node(fleet: Fleet, request: Request) -> Host:
    """The type ManagedInstance is for hybrid nodes alone: EC2 instances have EC2's tags."""
    host_id = str(request["ResourceId"])
    host = fleet.find(host_id) if _NODE.fullmatch(host_id) else None
    if host is None:
        raise ServiceError(
            "InvalidResourceId",
            "The resource ID isn't valid. Verify that you entered the correct ID.",
            fact=facts.NODE_KNOWN,
        )
    return host


def deregister(fleet: Fleet, request: Request) -> dict[str, Any]:
    """DeregisterManagedInstance: Systems Manager forgets a hybrid node; the machine and its files are still there."""
    host_id = str(request["InstanceId"])
    host = fleet.find(host_id) if _NODE.fullmatch(host_id) else None
    if host is None:
        raise ServiceError("InvalidInstanceId", f"{host_id} is not registered", fact=facts.NODE_KNOWN)
    host.set_faults(dataclasses.replace(host.faults, unknown=True))
    return {}
