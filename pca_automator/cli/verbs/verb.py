"""What every verb has in common: the options that find the deployment, the output, and one line for an error."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Annotated, Any, Concatenate, ParamSpec, get_type_hints

import typer

from pca_automator.cli.deployed.deployment import DEFAULT_STACK, Aws, Deployment
from pca_automator.cli.errors import USAGE, Trouble, one_line
from pca_automator.cli.output import Output, printable
from pca_automator.cli.waiting import WAITING

P = ParamSpec("P")

StackOption = Annotated[
    str,
    typer.Option(
        "--stack",
        envvar="PCA_AUTOMATOR_STACK",
        metavar="NAME|tag:KEY=VALUE",
        help="The stack, by name or by a tag that it alone carries.",
    ),
]
AutomationOption = Annotated[
    str | None,
    typer.Option(
        "--automation",
        envvar="PCA_AUTOMATOR_AUTOMATION",
        metavar="ID",
        help="Construct id, if the stack has several automations.",
    ),
]
RegionOption = Annotated[str | None, typer.Option("--region", metavar="NAME", help="AWS Region.")]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="AWS profile of ~/.aws/config."),
]
OutputOption = Annotated[Output, typer.Option("--output", help="A table, JSON, or one JSON object a line.")]
LongOption = Annotated[bool, typer.Option("--long", help="Names as AWS has them, with their hashes.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]

_OPTIONS: dict[str, tuple[Any, Any]] = {
    "stack": (StackOption, DEFAULT_STACK),
    "automation": (AutomationOption, None),
    "region": (RegionOption, None),
    "profile": (ProfileOption, None),
    "output": (OutputOption, Output.TABLE),
    "long": (LongOption, False),
}


@dataclass
class Operator:
    """Who asks for what: the deployment, the clients, and how the answer is to look.

    Args:
        deployment: the automation.
        output: table or JSON.
        long: a table names things as AWS does; else as the library does, without the hashes of CloudFormation.
    """

    deployment: Deployment
    output: Output
    long: bool = False
    aws: Aws = field(init=False)

    def __post_init__(self) -> None:
        self.aws = self.deployment.aws

    @property
    def title(self) -> str:
        """What is looked at: automation, stack, Region and profile, so that nobody mends another one."""
        profile = f", profile {self.aws.profile}" if self.aws.profile else ""
        name = self.deployment.name if self.long else self.deployment.construct
        return f"{name} (stack {self.deployment.stack}, {self.aws.region_name}{profile})"

    def command(self, text: str, **values: str) -> str:
        """A command of a message, with all that is known of the deployment."""
        return str(self.deployment.place.command(text, values))

    def finding(self, found: Any) -> dict[str, Any]:
        """A line of the health list, for a program."""
        commands = [self.command(each) for each in found.commands]
        return {"part": found.part, "text": found.text, "state": found.state, "commands": commands, "who": found.who}

    def advice(self, findings: list[Any]) -> list[str]:
        """What to do about lines of the health list: each command stands on a line of its own, to be copied."""
        lines = []
        for found in findings:
            lines.append(f"{found.part}: {found.text}{f' ({found.who})' if found.who else ''}")
            lines += [f"  {self.command(each)}" for each in found.commands]
        return lines


def verb(function: Callable[Concatenate[Operator, P], None]) -> Callable[..., None]:
    """A Typer command from a function whose first parameter is the :class:`Operator`.

    The common options are added behind its own; what goes wrong is said in one line.
    """

    @wraps(function)
    def command(**given: Any) -> None:
        common = {name: given.pop(name) for name in _OPTIONS}
        with one_line():
            if empty := [name for name, value in common.items() if value == ""]:
                raise Trouble(f"--{empty[0]} is empty: give a name, or leave it out", USAGE)
            aws = Aws(common["region"], common["profile"])
            deployment = Deployment(aws, common["stack"], common["automation"])
            WAITING.begin()
            try:
                function(Operator(deployment, common["output"], common["long"]), **given)  # type: ignore[call-arg]
            finally:
                WAITING.end()

    hints = get_type_hints(function, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]
    parameters = [parameter.replace(annotation=hints[parameter.name]) for parameter in own]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _OPTIONS.items()
    ]
    # Typer reads both.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be taken back.

    Raises:
        Trouble: nobody is there to ask, and ``--yes`` was not given.
        typer.Abort: the answer is no.
    """
    if yes:
        return
    WAITING.end()
    try:
        answer = typer.confirm(printable(question), err=True)
    except typer.Abort:
        raise Trouble("nobody answered; give --yes where nobody can", USAGE) from None
    if not answer:
        raise Trouble("nothing was done")
