"""``pca-automator rehearse``: the whole life of a fleet in a local AWS."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from pca_automator.cli.errors import FAILED, INTERRUPTED, USAGE, Trouble, one_line
from pca_automator.cli.output import Output, show
from pca_automator.cli.verbs.verb import OutputOption

_FEWEST_HOSTS = 6  # phase d needs four that fail and two that do not
_EXTRA = ("ministack", "iam_rolesanywhere_session")  # of the extra "rehearsal"


def rehearse(
    hosts: Annotated[int, typer.Option(min=_FEWEST_HOSTS, help="How many simulated hosts.")] = 25,
    app: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Directory of the CDK app, the one with cdk.json.")
    ] = Path(),
    keep: Annotated[bool, typer.Option(help="Leave the local AWS running, and say how to use it.")] = False,
    output: OutputOption = Output.TABLE,
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
    with one_line():
        other_answers = _assumptions(otherwise)
        from pca_automator.rehearsal.runner import Options

        _play(Options(hosts, app, keep, signing_helper, build, iam, other_answers, quotas, limits), output)


def _play(options: Any, output: Output) -> None:
    from rich.console import Console

    from pca_automator.rehearsal import preflight
    from pca_automator.rehearsal.display import Display
    from pca_automator.rehearsal.runner import rehearse as play

    console = Console() if output is Output.TABLE else Console(stderr=True)
    display = Display(console)
    try:
        preflight.check(options.app, options.build, options.hosts)
        with preflight.alone(options.build), display:
            report = play(options, display)
    except preflight.UnfitError as error:
        raise Trouble(str(error), USAGE) from error
    except KeyboardInterrupt:
        console.print("interrupted; nothing is left running")
        raise typer.Exit(INTERRUPTED) from None
    except RuntimeError as error:
        console.print(f"[bold red]{type(error).__name__}[/]: {error}", highlight=False, soft_wrap=True)
        console.print(f"see the logs in {options.build}/runs", highlight=False)
        raise typer.Exit(FAILED) from error
    display.result(report)
    console.print(f"Log of the local AWS: {report.numbers['log']}", highlight=False, soft_wrap=True)
    console.print(f"Report: {options.build / 'report.json'}", highlight=False, soft_wrap=True)
    if report.page is not None:
        page = options.build / "page.html"
        console.print(f"Page: {page}, made of {page.with_suffix('.json')}", highlight=False, soft_wrap=True)
    if output is not Output.TABLE:
        show(output, report.as_json(), ())
    raise typer.Exit(0 if report.held else FAILED)


def _assumptions(otherwise: str) -> tuple[str, ...]:
    """The facts that are to have the other answer.

    Raises:
        Trouble: a package of the rehearsal is missing, or there is no such fact.
    """
    # The local AWS is a process of its own: without them it would end at once, with a trace in its log.
    if missing := [name for name in _EXTRA if find_spec(name) is None]:
        raise Trouble(f"{', '.join(missing)} not installed: pip install 'pca-automator[rehearsal]'", USAGE)
    from pca_automator.rehearsal.local_aws.facts.ledger import assumptions

    try:
        return assumptions(otherwise)
    except ValueError as error:
        raise Trouble(f"--otherwise: {error}", USAGE) from error
