"""``pca-automator doctor``: every part of a deployment as a checklist, with what to type where one is not well."""

from __future__ import annotations

from pca_automator.cli.deployed.checklist import look, status_of
from pca_automator.cli.output import show_rows
from pca_automator.cli.verbs.verb import Operator, verb


@verb
def doctor(op: Operator) -> None:
    """Look at everything, change nothing: fleet, CA, CRL, queues, functions, and whether all is as it was deployed."""
    looked = look(op.deployment, deep=True)
    rows = (op.finding(each) | {"result": each.state, "detail": each.text} for each in looked.findings)
    show_rows(op.output, rows, ("part", "result", "detail"), op.title, op.advice(looked.told))
    if trouble := status_of(looked.findings):
        raise trouble
