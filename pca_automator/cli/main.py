"""The entry point of ``pca-automator``: one Typer app, one module for each verb."""

from __future__ import annotations

import typer

from pca_automator.cli import explain, hosts, rehearse, revoke, run, status, verify

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def pca_automator() -> None:
    """Certificates of AWS Private CA for a fleet of hosts.

    Exit status: 0 all is well; 1 something is not (a host failed, there is no such host, ...); 2 the command line or a
    file is wrong, nothing was done; 3 no such deployment; 4 no credentials, or access denied; 5 AWS throttles or cannot
    be reached.
    """


app.command("status")(status.status)
app.add_typer(hosts.hosts, name="hosts")
app.command("run")(run.run)
app.command("explain")(explain.explain)
app.command("revoke")(revoke.revoke)
app.command("verify")(verify.verify)
app.command("rehearse")(rehearse.rehearse)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
