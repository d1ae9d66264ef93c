"""What a verb loads before it knows what it is asked: that is how long an operator waits for an answer of the shell."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.documentation.test_verbs import verbs

# Each takes longer to load than the command itself. typer 0.29 loads pydantic for every option (constraints.txt).
HEAVY = {
    "aws_cdk", "boto3", "botocore", "cryptography", "jinja2", "matplotlib", "ministack", "pydantic", "rich", "simpy",
    "yaml",
}  # fmt: skip
LOADED = """
import sys
from pca_automator.cli.main import app
for words in (line.split() for line in sys.stdin):
    app([*words, "--help"], standalone_mode=False)
print("loaded:", *sys.modules)
"""


def loaded(lines: list[str]) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("loaded:"))
    return set(line.split()[1:])


def test_no_verb_loads_what_is_heavy_before_it_knows_what_it_is_asked() -> None:
    names = [name for name, _ in verbs()]
    assert len(names) > 20
    assert loaded(names) & HEAVY == set()


@pytest.mark.parametrize("name", ["pydantic", "boto3"])
def test_what_is_loaded_would_be_found(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {name}\n{LOADED}"], input="", capture_output=True, text=True, check=True
    )
    assert name in done.stdout.split()
