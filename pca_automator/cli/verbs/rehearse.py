"""``pca-automator rehearse``: the whole life of a fleet in a local AWS."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

_FEWEST_HOSTS = 6  # phase d needs four that fail and two that do not
_EXTRA = ("ministack", "aws_lambda_powertools", "iam_rolesanywhere_session")  # of the extra "rehearsal"


def rehearse(
    hosts: Annotated[int, typer.Option(min=_FEWEST_HOSTS, help="How many simulated hosts.")] = 25,
    app: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Directory of the CDK app, the one with cdk.json.")
    ] = Path(),
    keep: Annotated[bool, typer.Option(help="Leave the local AWS running, and say how to use it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on standard output.")] = False,
    signing_helper: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, resolve_path=True, help="The real aws_signing_helper."),
    ] = None,
    build: Annotated[Path, typer.Option(help="Where report.json, page, log and hosts go.")] = Path("build/rehearsal"),
    iam: Annotated[bool, typer.Option("--iam/--no-iam", help="Enforce the IAM policies of the app.")] = True,
    quotas: Annotated[
        bool | None,
        typer.Option(
            "--quotas/--no-quotas",
            help="Give the account quotas while the fleet is enrolled, and show it without pacing, too. "
            "Default: from 100 hosts on.",
        ),
    ] = None,
    limits: Annotated[
        bool,
        typer.Option(
            "--limits/--no-limits",
            help="Enforce what AWS raises for nobody: sizes of histories and payloads, retries, policies.",
        ),
    ] = True,
    otherwise: Annotated[
        str,
        typer.Option(help="Assumed facts of AWS, separated by commas, to give the other answer to; 'all' for each."),
    ] = "",
) -> None:
    """Deploy a CDK app into a local AWS and take a simulated fleet through its life."""
    # The local AWS is a process of its own: without them it would end at once, with a trace in its log.
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        typer.echo(f"error: {', '.join(missing)} not installed: pip install 'pca-automator[rehearsal]'", err=True)
        raise typer.Exit(2)
    from rich.console import Console

    from pca_automator.rehearsal.display import Display
    from pca_automator.rehearsal.local_aws.facts.ledger import assumptions
    from pca_automator.rehearsal.runner import Options
    from pca_automator.rehearsal.runner import rehearse as play

    console = Console(stderr=True) if as_json else Console()
    try:
        other_answers = assumptions(otherwise)
    except ValueError as error:
        typer.echo(f"error: --otherwise: {error}", err=True)
        raise typer.Exit(2) from error
    options = Options(hosts, app, keep, signing_helper, build, iam, other_answers, quotas, limits)
    display = Display(console)
    try:
        with display:
            report = play(options, display)
    except KeyboardInterrupt:
        console.print("interrupted; nothing is left running")
        raise typer.Exit(130) from None
    except RuntimeError as error:
        console.print(f"[bold red]{type(error).__name__}[/]: {error}", highlight=False, soft_wrap=True)
        console.print(f"see the logs in {build}/runs", highlight=False)
        raise typer.Exit(1) from error
    display.result(report)
    console.print(f"Log of the local AWS: {report.numbers['log']}", highlight=False, soft_wrap=True)
    console.print(f"Report: {build / 'report.json'}", highlight=False, soft_wrap=True)
    if report.page is not None:
        console.print(f"Page: {build / 'page.html'}, made of {build / 'page.json'}", highlight=False, soft_wrap=True)
    if as_json:
        json.dump(report.as_json(), sys.stdout, indent=2)
        sys.stdout.write("\n")
    raise typer.Exit(0 if report.held else 1)
