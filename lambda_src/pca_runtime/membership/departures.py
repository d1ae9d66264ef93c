"""Which hosts are gone: the comparison that repairs a lost event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pca_runtime.errors.of_aws import translated
from pca_runtime.inventory.fleet import scanned
from pca_runtime.inventory.gate import Entry, Gate, Quarantined
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.retired import REVOCATION_ORDER
from pca_runtime.membership.retirement import is_retired
from pca_runtime.shared.clients import DynamoDb, Ec2, SystemsManager
from pca_runtime.shared.expressions import Expressions

__all__ = ["GONE", "Departures", "Roll", "too_many"]

# A filter takes 200 values. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
_PER_FILTER = 200
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html
_PAGE = 50
_ATTRIBUTES = (
    "hostID", "status", "serial", "expiry", "retiredAt", "revocationReason", REVOCATION_ORDER, "runId",
)  # fmt: skip
# A fleet does not leave within an hour. If it seems so, the question was wrong (another account, another Region,
# a service that answers half), and revoking it all could not be taken back.
_SURELY_FEW = 10
_SHARE = 0.1


@dataclass
class Roll:
    """The inventory as far as leaving is concerned; of most hosts that is little, for all of them are kept at once.

    Args:
        live: whether it had a certificate, by the id of each host that is not retired.
        unfinished: whose retirement or revocation was not finished.
    """

    live: dict[str, bool] = field(default_factory=dict)
    unfinished: list[HostItem] = field(default_factory=list)


def too_many(gone: Sequence[str], live: int) -> bool:
    """Whether so many hosts seem gone at once that a person must look first."""
    most_of_a_small_fleet = len(gone) > 2 and len(gone) > live / 2
    return most_of_a_small_fleet or len(gone) > max(_SURELY_FEW, int(live * _SHARE))


class Departures:
    """Compares the inventory with EC2 and Systems Manager.

    Args:
        dynamodb: a DynamoDB client.
        table_name: the inventory table.
        ec2: an EC2 client.
        ssm: a Systems Manager client.
        gate: reads what the table holds.
    """

    def __init__(self, dynamodb: DynamoDb, table_name: str, ec2: Ec2, ssm: SystemsManager, gate: Gate) -> None:
        self._gate = gate
        self._dynamodb = dynamodb
        self._table = table_name
        self._ec2 = ec2
        self._ssm = ssm

    def roll(self, most: int) -> Roll:
        """Read the inventory: who is live, and whose retirement or revocation was not finished.

        Args:
            most: how many of the unfinished are kept.
        """
        roll = Roll()
        for item in self._scan():
            if isinstance(item, Quarantined):
                continue
            if item.status != "RETIRED":
                roll.live[item.host_id] = bool(item.serial)
            # With status RETIRED and no moment, a person wrote the status into the table.
            if item.revocation_order or (item.status == "RETIRED" and not is_retired(item)):
                roll.unfinished += [item] if len(roll.unfinished) < most else []
        return roll

    def gone(self, live: Mapping[str, bool]) -> list[str]:
        """The hosts that are terminated or deregistered.

        A host that neither service knows counts as gone only if it had a certificate: one that was put into the
        inventory ahead of its first start must not be retired.

        Args:
            live: whether it had a certificate, by host id.
        """
        instances = (host for host in live if host.startswith("i-"))
        gone: list[str] = []
        while asked := list(islice(instances, _PER_FILTER)):
            states = self._states(asked)
            gone += [host for host in asked if states.get(host, "absent" if live[host] else "") in GONE]
        return gone + self._deregistered([host for host in live if host.startswith("mi-")], live)

    def state(self, instance: str) -> str | None:
        """EC2's name for the state of an instance; ``None``: it knows none of this id (any more).

        Raises:
            PcaAutomatorError: EC2 does not answer.
        """
        return self._states([instance]).get(instance)

    def _states(self, instances: list[str]) -> dict[str, str]:
        """State names by instance id; a filter, unlike a list of ids, does not fail for an id that is unknown."""
        states: dict[str, str] = {}
        request: dict[str, Any] = {"Filters": [{"Name": "instance-id", "Values": instances}], "MaxResults": 1000}
        for page in self._pages("DescribeInstances", self._ec2.describe_instances, request):
            for reservation in page.get("Reservations", []):
                for instance in reservation["Instances"]:
                    states[instance["InstanceId"]] = instance["State"]["Name"]
        return states

    def _deregistered(self, nodes: Sequence[str], live: Mapping[str, bool]) -> list[str]:
        """Those who had a certificate and are no hybrid node any more, connected or not."""
        if not nodes:
            return []
        missing = {host for host in nodes if live[host]}
        request = {"Filters": [{"Key": "ResourceType", "Values": ["ManagedInstance"]}], "MaxResults": _PAGE}
        for page in self._pages("DescribeInstanceInformation", self._ssm.describe_instance_information, request):
            missing.difference_update(str(entry["InstanceId"]) for entry in page.get("InstanceInformationList", []))
        return [host for host in nodes if host in missing]

    def _scan(self) -> Iterator[Entry]:
        e = Expressions()
        request: dict[str, Any] = {
            "TableName": self._table,
            "ProjectionExpression": ", ".join(e.path(name) for name in _ATTRIBUTES),
            **e.arguments(),
        }
        return scanned(self._dynamodb, request, self._gate)

    @staticmethod
    def _pages(operation: str, call: Any, request: dict[str, Any]) -> Iterable[dict[str, Any]]:
        token: dict[str, Any] = {}
        while True:
            with translated(operation):
                page = call(**request, **token)
            yield page
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}


# From shutting-down there is no way back.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
GONE = ("absent", "shutting-down", "terminated")
