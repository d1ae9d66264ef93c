"""One deployment is broken in every way, and mended by what is printed or by who can; then ``status`` is clean."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.breaking import World
from tests.cli.broken import DEPLOYED
from tests.cli.by_hand import BY_HAND
from tests.cli.local_fleet import ROOT, local_fleet

pytestmark = [pytest.mark.rehearsal, pytest.mark.long]

# It has an environment of its own, which make test-long makes: it pins botocore.
AWS_CLI = ROOT / "build" / "awscli" / "bin"
HOSTS = 6
# Whoever follows what is printed gets to the end after so many answers at the most.
_ANSWERS = 3
_CLEAN_SECONDS = 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A deployed sample app with a healthy fleet. Lists of revoked certificates that nobody signed are taken in: only
    so can a test put one into force that has run out."""
    assert (AWS_CLI / "aws").exists(), f"{AWS_CLI}: run make test-long, which makes it"
    directory: Path = tmp_path_factory.mktemp("broken")
    directory.chmod(0o755)
    with local_fleet(directory, HOSTS, other_answers="roles-anywhere.crl-signed") as fleet:
        made = World(fleet)
        added = made.command("hosts", "add", *(member.id for member in fleet.members))
        assert added.returncode == 0, added.stdout
        yield settled(made)


def settled(world: World) -> World:
    """With everybody renewed."""
    world.fleet.settle()
    return world


@pytest.mark.parametrize("name", DEPLOYED)
def test_what_is_broken_is_named_and_mended(world: World, name: str) -> None:
    state, world.turn = DEPLOYED[name], world.turn + 1
    # The state before has ended with a look that found nothing.
    assert world.known_clean or world.clean(), world.status().output
    assert state.breaks is not None
    world.known_clean = False
    mend = state.breaks(world)
    try:
        commands, said = named(world, state.words)
        commands, more = follow(world, commands)
        # The second command to the cause, where status, which is the first, does not tell it.
        assert state.cause in said or any(state.cause in each for each in more), (said, more)
        if state.who:
            mend()
        for _ in range(_ANSWERS - 1):
            if state.who or world.clean():
                break
            commands, _ = follow(world, commands or named(world, "")[0])
        world.until(f"clean after {commands}", world.clean, _CLEAN_SECONDS)
    except BaseException:
        # The next state is shown all the same.
        world.environment.clear()
        mend()
        raise


@pytest.mark.parametrize("name", BY_HAND)
def test_what_was_changed_by_hand_is_named_until_it_is_taken_back(world: World, name: str) -> None:
    """``status`` compares nothing with the template; ``doctor`` does, and says who brings it back."""
    change, words = BY_HAND[name]
    back = change(world)
    try:
        (found,) = as_deployed(world)
        assert (found["result"], found["who"]) == ("trouble", "who deploys it: cdk deploy --revert-drift")
        assert words in found["detail"]
        assert " more" not in found["detail"]
    finally:
        back()
    (found,) = as_deployed(world)
    assert found["result"] == "ok", found


def as_deployed(world: World) -> list[dict[str, Any]]:
    """What ``doctor`` says of what was changed by hand."""
    rows = json.loads(world.command("doctor", "--output", "json").stdout.partition("]\n")[0] + "]")
    return [row for row in rows if row["part"] == "as deployed"]


def named(world: World, words: str) -> tuple[list[str], str]:
    """What ``status`` prints to type, and what it says; it ends badly, and says what is wrong in the words."""
    done = world.status("--output", "json")
    assert done.exit_code != 0, done.output
    answer = json.loads(done.stdout)
    found = [each for each in answer["findings"] if words.replace(HOST, "") in each["text"]]
    assert found, done.stdout
    return [command for each in found for command in each["commands"]], " ".join(each["text"] for each in found)


def follow(world: World, commands: list[str]) -> tuple[list[str], list[str]]:
    """Type each command as it is printed, and answer yes. Returns what they print to type in their turn, and all."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(AWS_CLI), os.environ["PATH"]])
    further: list[str] = []
    said: list[str] = []
    for command in commands:
        assert "<" not in command
        if command.startswith("aws sqs "):
            # For queues the first version of the AWS CLI takes an endpoint from nowhere else.
            command = f"{command} --endpoint-url {world.fleet.aws.endpoint}"
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=world.fleet.csv.parent, env=world.fleet.environment(PATH=path, **world.environment), input="y\n",
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, (command, done.stderr)
        # 1: it went well, and what it shows does not.
        assert done.returncode in (0, 1), (command, done.stdout, done.stderr)
        said.append(done.stdout + done.stderr)
        printed = done.stdout.partition("what to type:\n")[2].splitlines()
        further += [line.strip() for line in printed if line.strip() and shlex.split(line)]
    return further, said


HOST = "i-00000000000000002"
