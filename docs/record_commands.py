"""Plays an operator's day in the local AWS and writes page and pictures of it: ``python docs/record_commands.py``."""

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

from tests.cli.day import CONTEXT, day  # noqa: E402
from tests.cli.local_fleet import local_fleet  # noqa: E402

COLUMNS = 118
PICTURES = {"status": "status", "hosts list": "hosts-list", "explain": "explain"}
HEAD = """\
# The command, as an operator uses it

<!-- Made by docs/record_commands.py in the local AWS; do not edit. -->

Each output is what the command wrote, both streams together, against the sample app in the local AWS of
`pca-automator rehearse`, with eight simulated hosts. Where the exit status is not 0, it stands below.
"""


def main() -> None:
    """Write the page, and a picture of the first good output of some verbs."""
    os.umask(0o022)
    lines, pictures = [HEAD], dict(PICTURES)
    with tempfile.TemporaryDirectory() as directory, local_fleet(Path(directory), context=CONTEXT) as fleet:
        Path(directory).chmod(0o755)
        for step in day(fleet):
            step.before()
            done = fleet.command(step.arguments, COLUMNS=str(COLUMNS), **step.environment)
            if done.returncode != step.status:
                raise SystemExit(f"{step.arguments} ended with {done.returncode}:\n{done.stdout}")
            command = f"pca-automator {shlex.join(step.arguments)}"
            text = "\n".join(line.rstrip() for line in done.stdout.splitlines())
            text = text.replace(fleet.aws.endpoint, "https://aws")
            lines += [f"## {step.why.rstrip('.')}", "", "```console", f"$ {command}", text, "```", ""]
            if done.returncode:
                lines += [f"Exit status {done.returncode}.", ""]
            verb = " ".join(step.arguments[: 2 if step.arguments[0] == "hosts" else 1])
            if not done.returncode and (name := pictures.pop(verb, None)):
                _picture(DOCS / "images" / f"{name}.svg", f"$ {command}\n{text}", command)
    (DOCS / "reference" / "commands.md").write_text("\n".join(lines), encoding="utf-8")


def _picture(path: Path, text: str, title: str) -> None:
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(text))
    path.parent.mkdir(exist_ok=True)
    console.save_svg(str(path), title=title)


if __name__ == "__main__":
    main()
