"""``pca-automator plan``: what a fleet will meet, before it does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pca_automator.cli.errors import USAGE, Trouble
from pca_automator.cli.output import counted, say, show
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.verb import Operator, verb

if TYPE_CHECKING:
    from pca_automator.planning.workflow import Workflow

_MOST_HOSTS = 1_000_000


@verb
def plan(
    op: Operator,
    hosts: Annotated[int, typer.Option("--hosts", min=1, max=_MOST_HOSTS, help="Size of the fleet.")],
    due: Annotated[
        int | None, typer.Option("--due", min=1, help="Hosts that the run renews. Default: all of them.")
    ] = None,
    enrol_at_once: Annotated[
        bool, typer.Option("--enrol-at-once", help="All are put in at once, rather than renewed by the schedule.")
    ] = False,
    production: Annotated[
        float | None,
        typer.Option(
            "--production",
            min=0,
            metavar="RATE",
            help="CreateSession a second of the account's own workloads. Default: one an hour for each host.",
        ),
    ] = None,
    quota: Annotated[
        list[str] | None,
        typer.Option("--quota", metavar="NAME=RATE", help="A quota of this account, such as CreateSession=50."),
    ] = None,
    untold: Annotated[
        bool, typer.Option("--untold", help="The functions are not told of --quota: they pace by the documented ones.")
    ] = False,
    proof: Annotated[bool, typer.Option("--proof/--no-proof", help="Whether hosts prove their certificates.")] = True,
    app: Annotated[
        Path | None,
        typer.Option("--app", metavar="FOLDER", help="Play the workflow of a synthesized app, such as cdk.out."),
    ] = None,
    deployed: Annotated[
        bool, typer.Option("--deployed", help="Play the deployed workflow. Default: the library's own.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw the rates over time: FILE.svg or FILE.png.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of everything that chance decides.")] = 1,
) -> None:
    """How long a run takes, what fails, what production feels, what it costs: played in simulated time."""
    from pca_automator.planning import picture
    from pca_automator.planning.hosts import Proof
    from pca_automator.planning.plan import plan as played
    from pca_automator.planning.scenario import Scenario

    if plot is not None:
        _check_plot(plot, picture.FORMATS)
    rates = _rates(quota or [])
    scenario = Scenario(
        hosts, due=due, enrol_at_once=enrol_at_once, production=production, rates=rates, seed=seed,
        told={} if untold else None, proof=Proof() if proof else None,
    )  # fmt: skip
    found = played(_workflow(op, app, deployed), scenario)
    answer = found.as_json()
    show(op.output, answer, _table(answer), f"plan for {counted(hosts, 'host')}")
    if plot is not None:
        picture.draw(found.played, plot)
        say(f"{plot} written")


def _check_plot(file: Path, formats: tuple[str, ...]) -> None:
    """Before anything is played: who waits for a plan does not wait for nothing."""
    if file.suffix.lower() not in formats:
        raise Trouble(f"--plot {file}: a name that ends in {' or '.join(formats)} is needed", USAGE)
    if not file.parent.is_dir():
        raise Trouble(f"--plot {file}: there is no folder {file.parent}", USAGE)
    if importlib.util.find_spec("matplotlib") is None:
        raise Trouble("--plot needs matplotlib: pip install 'pca-automator[plot]'", USAGE)


def _rates(given: list[str]) -> dict[str, float]:
    rates: dict[str, float] = {}
    for each in given:
        name, equals, rate = each.partition("=")
        try:
            rates[name] = float(rate)
        except ValueError:
            equals = ""
        if not equals:
            raise Trouble(f"--quota {each}: give NAME=RATE, such as CreateSession=50", USAGE)
    try:
        runtime("shared.quotas").with_rates(rates)
    except runtime("errors.kinds").InvalidInput as error:
        raise Trouble(error.message, USAGE) from error
    return rates


def _workflow(op: Operator, app: Path | None, deployed: bool) -> Workflow:
    from pca_automator.planning import workflow
    from pca_automator.planning.errors import Unplayable

    if app is not None and deployed:
        raise Trouble("--app and --deployed name two workflows: give one", USAGE)
    try:
        if app is not None:
            found = workflow.of_app(app, op.deployment.automation)
        elif deployed:
            found = _deployed(op)
        else:
            found = workflow.of_the_library()
        found.machine  # noqa: B018 - read now, so that what cannot be played is refused as what was given
    except Unplayable as error:
        raise Trouble(f"cannot be played: {error}", USAGE) from error
    return found


def _deployed(op: Operator) -> Workflow:
    from pca_automator.planning.workflow import of_definition

    answer = op.aws.client("stepfunctions").describe_state_machine(stateMachineArn=op.deployment.state_machine)
    told = ("CertCheck", "CertDeploy", "CertIssue", "CertRetire")
    return of_definition(
        str(answer["definition"]),
        f"the deployed one of stack {op.deployment.stack}",
        {name: op.deployment.settings(name) for name in told if op.deployment.function(name)},
    )


def _table(answer: dict[str, Any]) -> list[tuple[str, Any]]:
    single = answer["single_enrolment_p99_seconds"]
    cost = answer["monthly_cost"]
    months = answer["months_until_ca_is_used_up"]
    rows = [
        ("takes", f"{_time(answer['seconds'])}; the quotas allow {_time(answer['floor_seconds'])} at best"),
        ("starts", _starts(answer)),
        ("renewed", f"{answer['hosts_renewed']:,}"),
        ("failed", f"{answer['hosts_failed']:,}; the next run takes them" if answer["hosts_failed"] else "none"),
        ("lost", f"{answer['hosts_lost']:,}" if answer["hosts_lost"] else "none"),
        ("production throttled", f"{answer['production_throttled_share']:.1%} of {answer['production']:.2g} a second"),
        ("one host meanwhile", f"within {single:.0f} s (99 of 100)" if single is not None else "not in time"),
    ]
    for name, call in answer["calls"].items():
        known = "" if call["published"] else " (assumed)"
        rows.append(
            (
                f"  {name}",
                f"{call['calls']:,} calls, {call['throttled']:,} throttled or delayed, at most "
                f"{call['busiest_minute_rate']:g} a second in a minute; quota {call['quota']:g}{known}",
            )
        )
    rows += [
        ("  functions", f"{answer['most_functions_at_once']} at once of {answer['functions_at_once_allowed']:,}"),
        ("a month", f"{answer['monthly_certificates']:,} certificates, {cost['total']:,.0f} USD"),
        ("  most of it", ", ".join(f"{name} {usd:,.0f}" for name, usd in _largest(cost))),
        ("CRL", f"{answer['crl_bytes']:,} of {answer['crl_bytes_allowed']:,} bytes"),
        ("CA used up", f"in month {months:.0f}" if months is not None else "never"),
        ("raise first", ", ".join(answer["raise_first"])),
        *(("take care", warning) for warning in answer["warnings"]),
        *(("assumed", sentence) for sentence in answer["assumptions"]),
    ]
    return rows


def _starts(answer: dict[str, Any]) -> str:
    if not answer["paced"]:
        return "as fast as the map's concurrency lets them: this workflow does not pace its starts"
    return f"{answer['rate']:.3g} hosts a second, bound by {answer['bound_by']}"


def _largest(cost: dict[str, float]) -> list[tuple[str, float]]:
    ranked = sorted(((usd, name) for name, usd in cost.items() if name != "total"), reverse=True)
    return [(name, usd) for usd, name in ranked[:3]]


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
