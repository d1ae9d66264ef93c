"""``pca-automator runs``: which runs there were, what became of one, and how far one has come."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import runs as known
from pca_automator.cli.deployed.host_details import values_for
from pca_automator.cli.errors import Trouble
from pca_automator.cli.output import counted, say, show, show_rows
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.completion import run_ids
from pca_automator.cli.verbs.run import watch_run
from pca_automator.cli.verbs.verb import Operator, verb

runs = typer.Typer(no_args_is_help=True, help="The runs: list, show, watch.")

_COLUMNS = ("runId", "status", "startedAt", "endedAt")
_HOSTS_SHOWN = 20
# Its name has the hash of the state machine in it.
_ARN = "executionArn"


@verb
def list_(
    op: Operator,
    most: Annotated[int, typer.Option("--most", min=1, max=1000, help="How many, the newest first.")] = 20,
) -> None:
    """The last runs, the newest first; Step Functions keeps them for 90 days."""
    if show_rows(op.output, known.listed(op.deployment, most), _COLUMNS) == 0:
        say("there was no run yet")


@verb
def show_(op: Operator, run_id: Annotated[str, typer.Argument(metavar="RUN", autocompletion=run_ids)]) -> None:
    """One run: how it ended, and which hosts failed for which cause."""
    run = known.described(op.deployment, run_id)
    report = known.report(op.deployment, run["runId"])
    table: list[tuple[str, Any]] = [
        (name, value) for name, value in run.items() if value is not None and (op.long or name != _ARN)
    ]
    advice: list[str] = []
    for cause in report.get("causes", []):
        many = counted(cause["hosts"], "host")
        table.append((f"{cause['code']} in {cause['phase']}", f"{many}, such as {cause['mostUrgent']}"))
        advice.append(f"{cause['code']}: {cause['meaning']}")
        # As the report has it: it was chosen by the host's message.
        remedy = str(cause.get("remedy") or runtime("errors.catalogue").lookup(cause["code"]).remedy)
        values = {**values_for(op.deployment, remedy), "id": cause["mostUrgent"]}
        advice += op.deployment.place.text(remedy, values).splitlines()
    hosts = report.get("hosts", [])[:_HOSTS_SHOWN]
    table += [(f"  {each['hostID']}", each.get("code", each["outcome"])) for each in hosts]
    show(op.output, {**run, "report": report or None}, table, run["runId"], advice)
    if run["status"] not in ("RUNNING", "SUCCEEDED"):
        raise Trouble(f"the run ended {run['status']}: {run['cause'] or run['error'] or 'without a cause'}")
    if known.is_test(run["runId"]):
        say("a run of pca-automator verify: its hosts are test entries, which fail as they must")
    elif failed := run.get("failed", 0) + run.get("lost", 0):
        raise Trouble(f"{failed} of its hosts failed")


@verb
def watch(
    op: Operator,
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="RUN", autocompletion=run_ids, help="Default: the one that runs."),
    ] = None,
) -> None:
    """Show how far a run has come until it is over, also one that somebody else started."""
    if run_id is None:
        running = [each["runId"] for each in known.listed(op.deployment) if each["status"] == "RUNNING"]
        if not running:
            raise Trouble("no run is under way: give the id of one, see pca-automator runs list")
        run_id = running[0]
    watch_run(op, known.described(op.deployment, run_id)["executionArn"])


runs.command("list")(list_)
runs.command("show")(show_)
runs.command("watch")(watch)
