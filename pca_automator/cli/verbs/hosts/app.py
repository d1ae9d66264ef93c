"""``pca-automator hosts``: who is in the fleet. Every write is conditional and leaves the system's attributes alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import overrides
from pca_automator.cli.deployed import revocation as departure
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.deployed.host_details import details, live_state, remedy_for
from pca_automator.cli.errors import FAILED, USAGE, Trouble
from pca_automator.cli.output import Output, counted, say, show, show_rows
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.verb import DryRunOption, Operator, YesOption, confirm, verb

hosts = typer.Typer(no_args_is_help=True, help="Who is in the fleet: add, list, show, set, retire.")

# botocore's default pool of connections.
_WRITERS = 10
# The most that DescribeInstanceInformation takes; its default is 10.
_NODES_PAGE = 50
_LIST_COLUMNS = ("hostID", "status", "left", "due", "expiry", "renewalDate", "lastError")

IdsArgument = Annotated[list[str], typer.Argument(metavar="ID", help="EC2 instance ids or hybrid node ids.")]
OverrideOption = Annotated[
    list[str] | None,
    typer.Option(
        "--override",
        metavar="NAME=VALUE",
        autocompletion=lambda incomplete: [f"{name}=" for name in overrides.names() if name.startswith(incomplete)],
        help="An attribute of these hosts, such as keyAlgorithm=EC_prime256v1 or dnsNames=a.example,b.example.",
    ),
]


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
    others = sum(row["result"].startswith("differs") for row in rows)
    there = counted(len(rows) - added, "was there already", "were there already")
    say(f"{added} added, {there}. {_when(op.deployment) if added else ''}".strip())
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
    key, equals, value = tag.partition("=")
    if not equals or not key or not value:
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
        old = expressions.from_item(error.response.get("Item", {}))
        return {"hostID": host.host_id, "result": _compared(old, host)}
    return {"hostID": host.host_id, "result": "added"}


def _compared(old: dict[str, Any], host: overrides.NewHost) -> str:
    if old.get("status") == "RETIRED":
        return "differs: it is retired"
    there = {name: old[name] for name in overrides.names() if name in old}
    return "unchanged" if there == dict(host.overrides) else "differs in its overrides"


def _when(deployment: Deployment) -> str:
    if deployment.function("CertEnroll"):
        return "They are renewed within a minute."
    return "They are renewed at the next scheduled run, or now with pca-automator run."


@verb
def list_(
    op: Operator,
    due: Annotated[bool, typer.Option("--due", help="That a run would renew now.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Whose last renewal failed.")] = False,
    expiring_within: Annotated[
        str | None, typer.Option(metavar="TIME", help="Whose certificate runs out by then: 90m, 24h, 7d.")
    ] = None,
    retired: Annotated[bool, typer.Option("--retired", help="The retired ones too.")] = False,
) -> None:
    """The fleet, or a part of it; several conditions must all hold."""
    span = None if expiring_within is None else fleet.parse_span(expiring_within)
    rows = _rows(op.deployment, due=due, failed=failed, within=span, retired=retired)
    if op.output is not Output.JSONL:
        # JSON lines pass through; a table is read from the top, so the most urgent come first.
        rows = iter(sorted(rows, key=_urgency))
    if show_rows(op.output, rows, _LIST_COLUMNS) == 0:
        fleet.refuse_empty(op.deployment)
        say("no host fits")


def _rows(
    deployment: Deployment, *, due: bool, failed: bool, within: timedelta | None, retired: bool
) -> Iterator[dict[str, Any]]:
    view = fleet.View.of(deployment)
    latest = None if within is None else within.total_seconds()
    for item in fleet.scan(deployment, status="FAILED" if failed else None):
        if item.status == "RETIRED" and not retired:
            continue
        row = view.row(item)
        if due and not row["due"]:
            continue
        if latest is not None and (row["secondsLeft"] is None or row["secondsLeft"] > latest):
            continue
        yield row


def _urgency(row: dict[str, Any]) -> tuple[bool, float, str]:
    seconds = row["secondsLeft"]
    return row["status"] == "RETIRED", 0 if seconds is None else seconds, str(row["hostID"])


@verb
def show_(
    op: Operator,
    host_id: Annotated[str, typer.Argument(metavar="ID")],
    live: Annotated[bool, typer.Option("--live", help="Ask the host itself, through InspectCertificate.")] = False,
) -> None:
    """One host: what the inventory says, its last run, its commands, and with --live what is on it."""
    item = fleet.get(op.deployment, host_id)
    answer, table = details(op.deployment, item)
    if live:
        state = live_state(op.deployment, item)
        answer["live"] = state
        table += [(f"on the host: {name}", "none" if value == [] else value) for name, value in state.items()]
        table += [(f"  {code}", remedy_for(host_id, code)) for code in state["problems"]]
    show(op.output, answer, table, host_id)
    if live and answer["live"]["problems"]:
        raise Trouble(f"the host is not as it should be: {', '.join(answer['live']['problems'])}")


@verb
def set_(
    op: Operator,
    ids: IdsArgument,
    override: OverrideOption = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            autocompletion=lambda incomplete: [name for name in overrides.names() if name.startswith(incomplete)],
            help="Back to the deployment's default.",
        ),
    ] = None,
    dry_run: DryRunOption = False,
) -> None:
    """Change the overrides of hosts; they are renewed with them."""
    given, cleared = overrides.parse(override or []), clear or []
    try:
        overrides.check_names(cleared)
    except ValueError as error:
        raise Trouble(str(error), USAGE) from error
    if not given and not cleared:
        raise Trouble("nothing to change: give --override NAME=VALUE or --clear NAME", USAGE)
    if both := sorted(set(given) & set(cleared)):
        raise Trouble(f"{', '.join(both)} cannot be set and cleared at once", USAGE)
    fleet.check_ids(ids)
    known = fleet.these(op.deployment, list(dict.fromkeys(ids)), ("status",))
    if missing := [host_id for host_id in ids if host_id not in known]:
        raise fleet.no_such_host(missing[0])
    if not dry_run:
        for host_id in known:
            _update(op.deployment, host_id, given, cleared)
    change = {**given, **dict.fromkeys(cleared)}
    result = "would be changed" if dry_run else "changed"
    rows = ({"hostID": each, "result": result, **change} for each in known)
    show_rows(op.output, rows, ("hostID", "result", *change))
    if not dry_run:
        say(_when(op.deployment))


def _update(deployment: Deployment, host_id: str, given: dict[str, Any], cleared: list[str]) -> None:
    from botocore.exceptions import ClientError

    expressions = runtime("shared.expressions").Expressions()
    update = f"{expressions.set(given) if given else ''}{expressions.remove(*cleared) if cleared else ''}"
    try:
        deployment.aws.client("dynamodb").update_item(
            TableName=deployment.table,
            Key={"hostID": {"S": host_id}},
            UpdateExpression=update.strip(),
            ConditionExpression=expressions.exists("hostID"),
            **expressions.arguments(),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            raise fleet.no_such_host(host_id) from error
        raise


@verb
def retire(
    op: Operator,
    ids: IdsArgument,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Revoke its certificates even if the deployment does not.")
    ] = False,
    keep_files: Annotated[bool, typer.Option("--keep-files", help="Leave key and certificate on the host.")] = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Take hosts out of the fleet: no renewal any more, key and certificate removed from the host."""
    fleet.check_ids(ids)
    wanted = list(dict.fromkeys(ids))
    known = fleet.these(op.deployment, wanted, departure.ATTRIBUTES)
    if missing := [host_id for host_id in wanted if host_id not in known]:
        raise fleet.no_such_host(missing[0])
    revokes = departure.revokes(op.deployment)
    what = f"retire {', '.join(wanted[:5])}{f' and {len(wanted) - 5} more' if len(wanted) > 5 else ''}"
    how = f"{what}, {'revoke' if revoke or revokes else 'do not revoke'} what they hold"
    if dry_run:
        say(f"would {how}")
        return
    confirm(f"{how}?", yes=yes)
    answer = departure.retire(op.deployment, wanted, remove_from_host=not keep_files)
    if revoke and not revokes:
        answer["revoked"] += sum(departure.revoke_item(op.deployment, known[each]) for each in wanted)
    rows = ({"hostID": each, "result": "retired", "removal": answer["commands"].get(each)} for each in wanted)
    show_rows(op.output, rows, ("hostID", "result", "removal"))
    say(f"{answer['retired']} retired, {counted(answer['revoked'], 'certificate')} revoked")


hosts.command("add")(add)
hosts.command("list")(list_)
hosts.command("show")(show_)
hosts.command("set")(set_)
hosts.command("retire")(retire)
