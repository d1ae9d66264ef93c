"""``pca-automator hosts retire``: take hosts out of the fleet."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import ledger, membership, revocation
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.output import counted, say, show_rows
from pca_automator.cli.verbs.hosts.options import IdsArgument
from pca_automator.cli.verbs.verb import DryRunOption, Operator, YesOption, confirm, verb


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
    known = fleet.these(op.deployment, wanted, ("serial", "expiry"))
    if missing := [host_id for host_id in wanted if host_id not in known]:
        raise fleet.no_such_host(missing[0])
    revokes = membership.revokes(op.deployment)
    what = f"retire {', '.join(wanted[:5])}{f' and {len(wanted) - 5} more' if len(wanted) > 5 else ''}"
    how = f"{what}, {'revoke' if revoke or revokes else 'do not revoke'} what they hold"
    if dry_run:
        show_rows(op.output, ({"hostID": each, "result": "would be retired"} for each in wanted), ("hostID", "result"))
        say(f"would {how}")
        return
    confirm(f"{how}?", yes=yes)
    answer = membership.retire(op.deployment, wanted, remove_from_host=not keep_files)
    if revoke and not revokes:
        answer["revoked"] += sum(_revoke(op.deployment, known[each]) for each in wanted)
    rows = ({"hostID": each, "result": "retired", "removal": answer["commands"].get(each)} for each in wanted)
    show_rows(op.output, rows, ("hostID", "result", "removal"))
    say(f"{answer['retired']} retired, {counted(answer['revoked'], 'certificate')} revoked")


def _revoke(deployment: Deployment, item: Any) -> int:
    """Revoke what an item says that its host holds. Returns how many certificates are revoked now."""
    done = revocation.revoke(deployment, item.host_id, ledger.serials(deployment, item), "CESSATION_OF_OPERATION")
    return sum(result in ("REVOKED", "BEFORE") for result in done.values())
