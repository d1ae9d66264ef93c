"""``pca-automator hosts restore``: a retired host comes back."""

from __future__ import annotations

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed.membership import renewed_when, restore_item
from pca_automator.cli.errors import Trouble
from pca_automator.cli.output import counted, say, show_rows
from pca_automator.cli.verbs.hosts.options import IdsArgument
from pca_automator.cli.verbs.verb import DryRunOption, Operator, verb


@verb
def restore(op: Operator, ids: IdsArgument, dry_run: DryRunOption = False) -> None:
    """Take retired hosts back into the fleet: they are enrolled like new ones, and keep their overrides."""
    fleet.check_ids(ids)
    wanted = list(dict.fromkeys(ids))
    known = fleet.these(op.deployment, wanted, ("status", "revocationOrder"))
    if missing := [host_id for host_id in wanted if host_id not in known]:
        raise fleet.no_such_host(missing[0])
    rows = []
    for host_id in wanted:
        item = known[host_id]
        if item.status != "RETIRED":
            result = "is not retired"
        elif item.revocation_order is not None:
            result = "waits for its revocation: try again in an hour"
        elif dry_run:
            result = "would be restored"
        else:
            result = "restored" if restore_item(op.deployment, host_id) else "was changed meanwhile"
        rows.append({"hostID": host_id, "result": result})
    show_rows(op.output, rows, ("hostID", "result"))
    restored = sum(row["result"] == "restored" for row in rows)
    if restored:
        say(f"{counted(restored, 'host')} restored. What was revoked stays revoked. {renewed_when(op.deployment)}")
    if not dry_run and restored < len(rows):
        raise Trouble(f"{counted(len(rows) - restored, 'host')} not restored")
