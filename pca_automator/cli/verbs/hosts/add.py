"""``pca-automator hosts add``: put hosts into the inventory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import overrides
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.deployed.membership import renewed_when
from pca_automator.cli.errors import FAILED, USAGE, Trouble
from pca_automator.cli.output import counted, say, show_rows
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.hosts.options import OverrideOption
from pca_automator.cli.verbs.verb import DryRunOption, Operator, verb

# botocore's default pool of connections.
_WRITERS = 10
# The most that DescribeInstanceInformation takes; its default is 10.
_NODES_PAGE = 50
_UNREAD = "differs: it cannot be read"


@verb
def add(
    op: Operator,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="EC2 instance or hybrid node ids.")] = None,
    from_csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Columns: hostID and any override; checked as a whole before any is written."
        ),
    ] = None,
    tag: Annotated[
        str | None, typer.Option(metavar="KEY=VALUE", help="Every host with this tag that Systems Manager knows.")
    ] = None,
    override: OverrideOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Put hosts into the inventory; one that is there already stays as it is."""
    new = _new_hosts(op.deployment, ids or [], from_csv, tag, override or [])
    if dry_run:
        show_rows(op.output, (host.item for host in new), ("hostID", *_columns(new)), "Would be added")
        return
    with ThreadPoolExecutor(max_workers=_WRITERS) as pool:
        rows = list(pool.map(lambda host: _put(op.deployment, host), new))
    show_rows(op.output, rows, ("hostID", "result"))
    added = sum(row["result"] == "added" for row in rows)
    others = sum(row["result"].startswith("differs in") for row in rows)
    retired = [row["hostID"] for row in rows if row["result"].startswith("differs: it is retired")]
    there = counted(len(rows) - added, "was there already", "were there already")
    say(f"{added} added, {there}. {renewed_when(op.deployment) if added else ''}".strip())
    if retired:
        are = f"{counted(len(retired), 'is', 'are')} retired"
        raise Trouble(f"{are}: {op.command(f'pca-automator hosts restore {retired[0]}')}", FAILED)
    if unread := sum(row["result"] == _UNREAD for row in rows):
        cannot = f"{counted(unread, 'is', 'are')} there and cannot be read"
        raise Trouble(f"{cannot}: {op.command('pca-automator hosts lint')}", FAILED)
    if others:
        differ = f"{counted(others, 'is', 'are')} there with other overrides"
        raise Trouble(f"{differ}: pca-automator hosts set ID --override NAME=VALUE", FAILED)


def _new_hosts(
    deployment: Deployment, ids: list[str], from_csv: Path | None, tag: str | None, assignments: list[str]
) -> list[overrides.NewHost]:
    common = overrides.parse(assignments)
    fleet.check_ids(ids)
    new = [overrides.NewHost(host_id, common) for host_id in ids]
    if from_csv is not None:
        read = overrides.read_csv(from_csv)
        new += [overrides.NewHost(host.host_id, {**common, **host.overrides}) for host in read]
    if tag is not None:
        new += [overrides.NewHost(host_id, common) for host_id in _tagged(deployment, tag)]
    distinct = {host.host_id: host for host in reversed(new)}
    if not distinct:
        raise Trouble("no hosts: give ids, --from-csv or --tag", USAGE)
    return list(reversed(distinct.values()))


def _tagged(deployment: Deployment, tag: str) -> list[str]:
    key, _, value = tag.partition("=")
    if not key or not value:
        # Systems Manager cannot look for a tag without a value.
        raise Trouble(f"{tag!r} is not a tag with a value: give KEY=VALUE", USAGE)
    pages = deployment.aws.client("ssm").get_paginator("describe_instance_information")
    found = [
        str(host["InstanceId"])
        for page in pages.paginate(
            Filters=[{"Key": f"tag:{key}", "Values": [value]}], PaginationConfig={"PageSize": _NODES_PAGE}
        )
        for host in page["InstanceInformationList"]
    ]
    if not found:
        raise Trouble(f"Systems Manager knows no host with the tag {key}={value}")
    return found


def _columns(new: list[overrides.NewHost]) -> list[str]:
    return sorted({name for host in new for name in host.overrides})


def _put(deployment: Deployment, host: overrides.NewHost) -> dict[str, str]:
    from botocore.exceptions import ClientError

    expressions = runtime("shared.expressions")
    try:
        deployment.aws.client("dynamodb").put_item(
            TableName=deployment.table,
            Item={name: expressions.to_value(value) for name, value in host.item.items()},
            ConditionExpression="attribute_not_exists(hostID)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        old = fleet.gate(deployment).admit(error.response.get("Item", {}))
        return {"hostID": host.host_id, "result": _compared(old, host)}
    return {"hostID": host.host_id, "result": "added"}


def _compared(old: Any, host: overrides.NewHost) -> str:
    if not fleet.is_host(old):
        return _UNREAD
    if old.status == "RETIRED":
        return "differs: it is retired, and comes back with hosts restore"
    there = {name: old.attributes[name] for name in overrides.names() if name in old.attributes}
    return "unchanged" if there == dict(host.overrides) else "differs in its overrides"
