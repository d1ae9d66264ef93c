"""Plays an operator's day, and a night, in the local AWS, and writes page and pictures of them.

``python docs/record_commands.py``; with ``--night`` the night's picture alone.
"""

from __future__ import annotations

import io
import os
import shlex
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from rich.console import Console  # noqa: E402
from rich.text import Text  # noqa: E402

from tests.cli.day import CONTEXT, Step, day  # noqa: E402
from tests.cli.local_fleet import LocalFleet, local_fleet  # noqa: E402
from tests.cli.night import ASLEEP, night  # noqa: E402

# What a terminal has that nobody has made wider.
COLUMNS = 80
PICTURES = {"hosts list": "hosts-list", "explain": "explain"}
HEAD = """\
# The command, as an operator uses it

<!-- Made by docs/record_commands.py in the local AWS; do not edit. -->

Each output is what the command wrote, both streams together, against the sample app in the local AWS of
`pca-automator rehearse`, with eight simulated hosts. Where the exit status is not 0, it stands below.
"""


def main() -> None:
    """Write everything."""
    os.umask(0o022)
    if "--night" not in sys.argv[1:]:
        write_the_day()
    write_the_night()


def write_the_night() -> None:
    """A picture of what is seen at three in the morning."""
    with tempfile.TemporaryDirectory() as directory, local_fleet(Path(directory)) as fleet:
        Path(directory).chmod(0o755)
        for step in night(fleet):
            step.before()
            _, text = played(fleet, step)
            if step.why == ASLEEP:
                _picture(DOCS / "images" / "status.svg", f"$ pca-automator status\n{text}", "pca-automator status")


def played(fleet: LocalFleet, step: Step) -> tuple[str, str]:
    """The command of a step, and what it wrote."""
    done = fleet.command(step.arguments, COLUMNS=str(COLUMNS), **step.environment)
    if done.returncode != step.status:
        raise SystemExit(f"{step.arguments} ended with {done.returncode}:\n{done.stdout}")
    text = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    return f"pca-automator {shlex.join(step.arguments)}", text.replace(fleet.aws.endpoint, "https://aws")


def write_the_day() -> None:
    """The page, and a picture of the first good output of some verbs."""
    lines, pictures = [HEAD], dict(PICTURES)
    with tempfile.TemporaryDirectory() as directory, local_fleet(Path(directory), context=CONTEXT) as fleet:
        Path(directory).chmod(0o755)
        for step in day(fleet):
            step.before()
            command, text = played(fleet, step)
            lines += [f"## {step.why.rstrip('.')}", "", "```console", f"$ {command}", text, "```", ""]
            if step.status:
                lines += [f"Exit status {step.status}.", ""]
            verb = " ".join(step.arguments[: 2 if step.arguments[0] == "hosts" else 1])
            if not step.status and (name := pictures.pop(verb, None)):
                _picture(DOCS / "images" / f"{name}.svg", f"$ {command}\n{text}", command)
    (DOCS / "reference" / "commands.md").write_text("\n".join(lines), encoding="utf-8")


def _picture(path: Path, text: str, title: str) -> None:
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(text))
    path.parent.mkdir(exist_ok=True)
    console.save_svg(str(path), title=title)


if __name__ == "__main__":
    main()
