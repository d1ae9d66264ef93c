"""``pca-automator revoke``: a host's certificate is to be accepted no more."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed import ledger, revocation
from pca_automator.cli.errors import Trouble
from pca_automator.cli.output import say, show
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.completion import host_ids, reasons
from pca_automator.cli.verbs.verb import DryRunOption, Operator, YesOption, confirm, verb

_DARK = "From the CA's next CRL on the host is dark: it gets no session until it has a new certificate."


@verb
def revoke(
    op: Operator,
    host_id: Annotated[str, typer.Argument(metavar="ID", autocompletion=host_ids)],
    reason: Annotated[
        str,
        typer.Option(
            metavar="REASON",
            autocompletion=reasons,
            help="KEY_COMPROMISE, SUPERSEDED, ... as AWS Private CA names them.",
        ),
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
    renew = op.command(f"pca-automator run {host_id} --force --watch")
    dark = _goes_dark(item, serials)
    what = f"revoke {' and '.join(serials)} of {host_id} ({reason})"
    if dry_run:
        rows = [{"serial": serial, "result": "would be revoked"} for serial in serials]
        answer = {"hostID": host_id, "reason": reason, "certificates": rows, "goesDark": dark}
        show(op.output, answer, [(row["serial"], row["result"]) for row in rows], host_id)
        say(f"would {what}{f'. {_DARK}' if dark else ''}")
        return
    if dark:
        say(f"{host_id} holds one of them now. {_DARK} To renew it first, answer no and type:\n{renew}")
    confirm(f"{what}? This cannot be taken back", yes=yes)
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
    seen = op.command("pca-automator status")
    say(f"IAM Roles Anywhere refuses it with the CA's next CRL: up to half an hour. To see it:\n{seen}")
    if dark:
        say(f"{_DARK} The host needs a new one:\n{renew}")


def _goes_dark(item: Any, serials: list[str]) -> bool:
    """Whether the certificate that the host works with is among them."""
    same = runtime("authority.leaf").same_serial
    return item.status != "RETIRED" and item.serial is not None and any(same(item.serial, each) for each in serials)
