"""``pca-automator hosts show``: everything about one host."""

from __future__ import annotations

from typing import Annotated

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed.host_details import details, remedy_for
from pca_automator.cli.deployed.host_live import live_state
from pca_automator.cli.errors import Trouble
from pca_automator.cli.output import show
from pca_automator.cli.verbs.completion import host_ids
from pca_automator.cli.verbs.verb import Operator, verb


@verb
def show_(
    op: Operator,
    host_id: Annotated[str, typer.Argument(metavar="ID", autocompletion=host_ids)],
    live: Annotated[bool, typer.Option("--live", help="Ask the host itself, through InspectCertificate.")] = False,
) -> None:
    """One host: what the inventory says, its last run, its commands, and with --live what is on it."""
    item = fleet.get(op.deployment, host_id)
    answer, table = details(op.deployment, item, long=op.long)
    silent: Trouble | None = None
    # What went wrong last comes behind what went well and was noticed; without it there is nothing to type.
    told = [(code, "") for code in item.notices]
    told.append((str(item.last_error.get("code", "")), str(item.last_error.get("message", ""))))
    advice = [f"  {line}" for each in told for line in _commands(remedy_for(op.deployment, host_id, *each))]
    if live:
        try:
            answer["live"] = live_state(op.deployment, item)
        except Trouble as error:
            # What the inventory knows is asked for all the more where the host does not answer.
            answer["live"], silent = None, error
            table.append(("on the host", f"no answer: {error}"))
    if state := answer.get("live"):
        table += [(f"on the host: {name}", "none" if value == [] else value) for name, value in state.items()]
        for code in state["problems"]:
            lines = remedy_for(op.deployment, host_id, code)
            table.append((f"  {code}", " ".join(line for is_command, line in lines if not is_command)))
            advice += [f"  {line}" for line in _commands(lines)]
    show(op.output, answer, table, host_id, list(dict.fromkeys(advice)))
    if silent is not None:
        raise silent
    if state and state["problems"]:
        raise Trouble(f"the host is not as it should be: {', '.join(state['problems'])}")


def _commands(lines: list[tuple[bool, str]]) -> list[str]:
    return [line for is_command, line in lines if is_command]
