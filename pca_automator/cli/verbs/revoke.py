"""``pca-automator revoke``: a host's certificate is to be accepted no more."""

from __future__ import annotations

from typing import Annotated

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import ledger, revocation
from pca_automator.cli.errors import Trouble
from pca_automator.cli.output import say, show
from pca_automator.cli.verbs.verb import DryRunOption, Operator, YesOption, confirm, verb


@verb
def revoke(
    op: Operator,
    host_id: Annotated[str, typer.Argument(metavar="ID")],
    reason: Annotated[
        str, typer.Option(metavar="REASON", help="KEY_COMPROMISE, SUPERSEDED, ... as AWS Private CA names them.")
    ] = "UNSPECIFIED",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Revoke every certificate of a host that may be valid, as the ledger knows them; it cannot be taken back."""
    revocation.check_reason(reason)
    item = fleet.get(op.deployment, host_id)
    serials = ledger.serials(op.deployment, item)
    if not serials:
        raise Trouble(f"{host_id} has no certificate that has not run out")
    if dry_run:
        say(f"would revoke {' and '.join(serials)} of {host_id}: {reason}")
        return
    confirm(f"revoke {' and '.join(serials)} of {host_id} ({reason})? This cannot be taken back", yes=yes)
    done = revocation.revoke(op.deployment, host_id, serials, reason)
    rows = [{"serial": serial, "result": revocation.RESULTS[result]} for serial, result in done.items()]
    show(
        op.output,
        {"hostID": host_id, "reason": reason, "certificates": rows},
        [(row["serial"], row["result"]) for row in rows],
        host_id,
    )
    if not {"REVOKED", "BEFORE"} & set(done.values()):
        raise Trouble(f"nothing of {host_id} was revoked")
    say("IAM Roles Anywhere refuses it with the CA's next CRL: up to half an hour. See pca-automator status.")
    if item.status != "RETIRED":
        say(f"The host needs a new one: pca-automator run {host_id} --force")
