"""What a shell offers where an id is typed: the ids of the deployment that the rest of the line names."""

from __future__ import annotations

from collections.abc import Callable

import typer

from pca_automator.cli.deployed import runs
from pca_automator.cli.deployed.deployment import DEFAULT_STACK, Aws, Deployment
from pca_automator.cli.errors import trouble_of
from pca_automator.cli.runtime import runtime

# More than a shell shows without asking; whoever has more types one character more.
_MOST = 200
_LOOKED_AT = 2_000


def host_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Hosts of the inventory."""
    return _asked(lambda: _hosts(_deployment(ctx), incomplete))


def hosts_and_codes(ctx: typer.Context, incomplete: str) -> list[str]:
    """The same, or codes of the error catalogue: those are known without any deployment."""
    codes = sorted(code for code in runtime("errors.catalogue").CATALOGUE if code.startswith(incomplete))
    return codes if codes and incomplete else [*codes, *host_ids(ctx, incomplete)]


def run_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """The last runs, the newest first."""
    return _asked(
        lambda: [run["runId"] for run in runs.listed(_deployment(ctx)) if str(run["runId"]).startswith(incomplete)]
    )


def reasons(incomplete: str) -> list[str]:
    """Reasons of a revocation."""
    return [reason for reason in runtime("revocation.reasons").REASONS if reason.startswith(incomplete)]


def _deployment(ctx: typer.Context) -> Deployment:
    given = ctx.params
    return Deployment(
        Aws(given.get("region"), given.get("profile")), given.get("stack") or DEFAULT_STACK, given.get("automation")
    )


def _hosts(deployment: Deployment, incomplete: str) -> list[str]:
    request = {"TableName": deployment.table, "ProjectionExpression": "hostID"}
    pages = deployment.aws.client("dynamodb").get_paginator("scan")
    found = (
        str(item["hostID"]["S"])
        for page in pages.paginate(**request, PaginationConfig={"MaxItems": _LOOKED_AT})
        for item in page["Items"]
    )
    is_host_id = runtime("shared.identifiers").is_host_id
    return sorted(each for each in found if each.startswith(incomplete) and is_host_id(each))[:_MOST]


def _asked(ask: Callable[[], list[str]]) -> list[str]:
    """Nothing is offered where AWS cannot be asked: an error would be written over what is typed."""
    try:
        return ask()
    except Exception as error:
        if trouble_of(error) is None:
            raise
        return []
