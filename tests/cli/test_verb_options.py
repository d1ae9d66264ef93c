"""What every verb has in common: how the deployment is found, how the answer looks, what is asked before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperOption
from typer.testing import CliRunner

from pca_automator.cli.main import app
from pca_automator.cli.verbs import verb
from tests.cli.conftest import Deployed, host, invoked

# Names, environment variable, what stands for the value, default.
OF_DEPLOYMENTS = {
    "stack": (["--stack"], "PCA_AUTOMATOR_STACK", "NAME|tag:KEY=VALUE", "PcaAutomator"),
    "automation": (["--automation"], "PCA_AUTOMATOR_AUTOMATION", "ID", None),
    "region": (["--region"], None, "NAME", None),
    "profile": (["--profile"], None, "NAME", None),
    "long": (["--long"], None, None, False),
}
OF_ALL = {
    "output": (["--output"], None, None, "table"),
    "yes": (["--yes", "-y"], None, None, False),
    "dry_run": (["--dry-run"], None, None, False),
}
OF_HOSTS = {"override": (["--override"], None, "NAME=VALUE", None), "ids": (["ids"], None, "ID", None)}
# They ask no deployment.
ALONE = {"docs", "layer", "rehearse"}


def verbs(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each with its words."""
    if not hasattr(command, "commands"):
        yield path.strip(), command
        return
    for name, inner in command.commands.items():
        yield from verbs(inner, f"{path} {name}")


VERBS = dict(verbs(typer.main.get_command(app)))


def described(parameter: Any) -> tuple[Any, ...]:
    """As in the tables above."""
    default = getattr(parameter.default, "value", parameter.default)
    return parameter.opts, parameter.envvar, parameter.metavar, default


@pytest.mark.parametrize("name", VERBS)
def test_what_verbs_have_in_common_is_the_same_everywhere(name: str) -> None:
    found = {each.name: described(each) for each in VERBS[name].params}
    if name not in ALONE:
        assert {each: found[each] for each in OF_DEPLOYMENTS} == OF_DEPLOYMENTS
        assert list(found)[-6:] == ["stack", "automation", "region", "profile", "output", "long"]
    known = OF_ALL | (OF_HOSTS if name.startswith("hosts ") and name != "hosts remove" else {})
    assert "output" in found
    assert {each: found[each] for each in known if each in found} == {
        each: value for each, value in known.items() if each in found
    }


@pytest.mark.parametrize("name", VERBS)
def test_every_option_says_what_it_is_for(name: str) -> None:
    options = [each for each in VERBS[name].params if isinstance(each, TyperOption)]
    assert [each.name for each in options if not each.help] == []
    assert VERBS[name].help


@pytest.mark.parametrize(("group", "said"), [("hosts", "Who is in the fleet: add, list, lint, "), ("runs", "")])
def test_a_group_alone_shows_what_is_in_it(group: str, said: str) -> None:
    shown = CliRunner().invoke(app, [group], env={"COLUMNS": "132"}).stderr
    assert said in shown
    inside = [name.split()[1] for name in VERBS if name.startswith(f"{group} ")]
    assert [name for name in inside if f" {name} " not in shown] == []


class Recorded:
    """Stands for the line that tells what is waited for."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def begin(self) -> None:
        self.events.append("begin")

    def end(self) -> None:
        self.events.append("end")


@pytest.mark.parametrize(
    ("arguments", "status", "events"),
    [
        (("hosts", "show", host(1)), 0, ["begin", "end"]),
        (("hosts", "show", host(9)), 1, ["begin", "end"]),
        (("hosts", "retire", host(1)), 1, ["begin", "end", "end"]),
        (("hosts", "show", host(1), "--stack", ""), 2, []),
    ],
)
def test_who_waits_is_told_while_aws_is_asked_and_not_while_a_question_stands(
    deployed: Deployed,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    status: int,
    events: list[str],
) -> None:
    waiting = Recorded()
    monkeypatch.setattr(verb, "WAITING", waiting)
    deployed.live(1)
    assert deployed.invoke(*arguments, input="n\n").exit_code == status
    assert waiting.events == events


def test_who_says_yes_is_believed(deployed: Deployed) -> None:
    deployed.live(1)
    deployed.answers["Invoke"] = lambda _: invoked({"retired": 1, "revoked": 0, "commands": {}})
    done = deployed.invoke("hosts", "retire", host(1), input="y\n")
    assert done.exit_code == 0, done.stderr
    assert len(deployed.called("Invoke")) == 1


@pytest.mark.parametrize("option", ["stack", "automation", "region", "profile"])
def test_an_empty_option_is_named(deployed: Deployed, option: str) -> None:
    done = deployed.invoke("hosts", "list", f"--{option}", "")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"error: --{option} is empty: give a name, or leave it out\n"
    assert deployed.calls == []


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        ((), "Automation (stack PcaAutomator, us-east-1)"),
        (("--profile", "ops"), "Automation (stack PcaAutomator, us-east-1, profile ops)"),
        (("--long", "--region", "eu-west-1"), "fleet (stack PcaAutomator, eu-west-1)"),
    ],
)
def test_a_title_says_which_deployment_is_looked_at(
    deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], title: str
) -> None:
    profiles = tmp_path / "config"
    profiles.write_text("[profile ops]\nregion = us-east-1\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profiles))
    deployed.live(1)
    assert deployed.invoke("status", *arguments).stdout.splitlines()[0] == title
