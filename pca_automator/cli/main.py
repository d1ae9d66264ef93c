"""The entry point of ``pca-automator``: one Typer app, one module for each verb."""

from __future__ import annotations

from typing import Annotated

import typer

from pca_automator.cli.verbs import (
    docs,
    doctor,
    explain,
    layer,
    leftovers,
    plan,
    rehearse,
    report,
    revoke,
    run,
    runs,
    status,
    verify,
)
from pca_automator.cli.verbs.hosts import app as hosts

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("pca-automator"))
        raise typer.Exit


@app.callback()
def pca_automator(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Certificates of AWS Private CA for a fleet of hosts.

    Exit status: 0 all is well; 1 something is not (a host failed, there is no such host, ...); 2 the command line or a
    file is wrong, nothing was done; 3 no such deployment; 4 no credentials, or access denied; 5 AWS throttles or cannot
    be reached.
    """


app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
app.add_typer(hosts.hosts, name="hosts")
app.command("run")(run.run)
app.add_typer(runs.runs, name="runs")
app.command("explain")(explain.explain)
app.command("docs")(docs.docs)
app.command("revoke")(revoke.revoke)
app.command("plan")(plan.plan)
app.command("report")(report.report)
app.command("verify")(verify.verify)
app.command("layer")(layer.layer)
app.command("leftovers")(leftovers.leftovers)
app.command("rehearse")(rehearse.rehearse)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
