"""CertRegister: machines with the chosen tags put themselves into the inventory, once Systems Manager reaches them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.inventory.fleet import Fleet
from pca_runtime.shared.clients import DynamoDb, Ec2, SystemsManager
from pca_runtime.shared.expressions import Expressions, to_value
from pca_runtime.shared.identifiers import is_host_id
from pca_runtime.shared.timestamps import Clock, format_time

__all__ = ["Registration"]

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html
_PAGE = 50
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
_INSTANCES = 200


class Registration:
    """Puts hosts into the inventory, and never touches one that is there: not even a retired one.

    Args:
        dynamodb: a DynamoDB client.
        table_name: the inventory table.
        ec2: an EC2 client.
        ssm: a Systems Manager client.
        tags: what a machine must carry, all of it.
        clock: the current time.
        profile_tag: the tag that names a machine's certificate profile. Default: none does.
    """

    def __init__(
        self,
        dynamodb: DynamoDb,
        table_name: str,
        ec2: Ec2,
        ssm: SystemsManager,
        tags: Mapping[str, str],
        clock: Clock,
        *,
        profile_tag: str = "",
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._ec2 = ec2
        self._ssm = ssm
        self._tags = tags
        self._clock = clock
        self._profile_tag = profile_tag

    def tagged(self, host_ids: Sequence[str]) -> set[str]:
        """Which of these instances (at most 200) run and carry the tags."""
        filters = [
            {"Name": "instance-id", "Values": list(host_ids)},
            {"Name": "instance-state-name", "Values": ["running"]},
            *({"Name": f"tag:{key}", "Values": [value]} for key, value in self._tags.items()),
        ]
        with translated("DescribeInstances"):
            answer = self._ec2.describe_instances(Filters=filters)
        reservations: list[dict[str, Any]] = answer.get("Reservations", [])
        return {str(instance["InstanceId"]) for each in reservations for instance in each["Instances"]}

    def online(self, host_ids: Sequence[str]) -> set[str]:
        """Which of these (at most 50) Systems Manager reaches; a command to another one would fail at once."""
        if not host_ids:
            return set()
        return set(self._online("InstanceIds", list(host_ids)))

    def online_and_tagged(self) -> list[str]:
        """Every node, EC2 or hybrid, that is reached and carries the tags.

        One question for each tag: whether several filters mean "and" is not documented, and a machine that carries
        one of two tags must not be enrolled.
        """
        answers = [set(self._online(f"tag:{key}", [value])) for key, value in self._tags.items()]
        return sorted(set.intersection(*answers))

    def register(self, host_ids: Sequence[str]) -> list[str]:
        """Put in those that are missing, with the profiles that their tags name. Returns which.

        A profile that nobody declares goes into the item, too: its renewal is refused and says so, and the machine does
        not get a certificate for something else than its tag says.
        """
        wanted = [host_id for host_id in dict.fromkeys(host_ids) if is_host_id(host_id)]
        # Reading a hundred costs less than being refused a hundred times, and most are there already.
        known = {entry.host_id for entry in Fleet(self._dynamodb, self._table, ()).entries(wanted)}
        missing = [host_id for host_id in wanted if host_id not in known]
        return [host_id for host_id, profile in self._with_profiles(missing) if self._put(host_id, profile)]

    def _with_profiles(self, host_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Each host and the value of its tag, empty without one; who is gone meanwhile is left out."""
        if not self._profile_tag:
            yield from ((host_id, "") for host_id in host_ids)
            return
        instances = [host_id for host_id in host_ids if host_id.startswith("i-")]
        for start in range(0, len(instances), _INSTANCES):
            for instance in self._described(instances[start : start + _INSTANCES]):
                yield str(instance["InstanceId"]), self._profile(instance.get("Tags", []))
        for host_id in host_ids:
            if host_id.startswith("mi-") and (tags := self._tags_of(host_id)) is not None:
                yield host_id, self._profile(tags)

    def _described(self, host_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        with translated("DescribeInstances"):
            answer = self._ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": list(host_ids)}])
        for reservation in answer.get("Reservations", []):
            yield from reservation["Instances"]

    def _tags_of(self, node_id: str) -> list[dict[str, str]] | None:
        """A hybrid node's; ``None`` where it was deregistered meanwhile."""
        with translated("ListTagsForResource"):
            try:
                answer = self._ssm.list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=node_id)
            except ClientError as error:
                if error_code(error) != "InvalidResourceId":
                    raise
                return None
        tags: list[dict[str, str]] = answer.get("TagList", [])
        return tags

    def _profile(self, tags: Sequence[Mapping[str, str]]) -> str:
        return next((str(tag["Value"]) for tag in tags if tag["Key"] == self._profile_tag), "")

    def _online(self, key: str, values: list[str]) -> Iterator[str]:
        """Ids of nodes that fit one filter; a filter of tags does not go together with one of the ping status."""
        request: dict[str, Any] = {"Filters": [{"Key": key, "Values": values}], "MaxResults": _PAGE}
        while True:
            with translated("DescribeInstanceInformation"):
                page = self._ssm.describe_instance_information(**request)
            for entry in page.get("InstanceInformationList", []):
                if entry.get("PingStatus") == "Online":
                    yield str(entry["InstanceId"])
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]

    def _put(self, host_id: str, profile: str) -> bool:
        e = Expressions()
        item = {"hostID": host_id, "enrolledAt": format_time(self._clock()), "enrolledBy": "tag"}
        if profile:
            item["certificateProfile"] = profile
        with translated("PutItem"):
            try:
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item={name: to_value(value) for name, value in item.items()},
                    ConditionExpression=e.absent("hostID"),
                    **e.arguments(),
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True
