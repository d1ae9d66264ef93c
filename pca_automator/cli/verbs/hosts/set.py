"""``pca-automator hosts set``: change the overrides of hosts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import overrides
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.deployed.membership import renewed_when
from pca_automator.cli.errors import USAGE, Trouble
from pca_automator.cli.output import say, show_rows
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.hosts.options import IdsArgument, OverrideOption
from pca_automator.cli.verbs.verb import DryRunOption, Operator, verb


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
    if retired := [host_id for host_id in known if known[host_id].status == "RETIRED"]:
        back = op.command(f"pca-automator hosts restore {' '.join(retired)}")
        raise Trouble(f"{', '.join(retired)}: retired, so that nothing renews it with other overrides: {back}")
    if not dry_run:
        for host_id in known:
            _update(op.deployment, host_id, given, cleared)
    change = {**given, **dict.fromkeys(cleared)}
    result = "would be changed" if dry_run else "changed"
    rows = ({"hostID": each, "result": result, **change} for each in known)
    show_rows(op.output, rows, ("hostID", "result", *change))
    if not dry_run:
        say(renewed_when(op.deployment))


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
