"""The command starts at once, completes what is typed, and ends quietly when nobody reads on."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).parent / "pca-automator")


def test_the_command_starts_without_what_it_need_not_have() -> None:
    """Half a second: nothing heavy is imported before a verb needs it, and never the CDK."""
    heavy = ("aws_cdk", "boto3", "botocore", "pydantic", "cryptography", "ministack")
    script = f"import sys, pca_automator.cli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "[]"


def test_a_rehearsal_without_its_extra_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; from pca_automator.cli.main import app; "
        "sys.modules.update(ministack=None, iam_rolesanywhere_session=None); app(['rehearse', '--hosts', '6'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 2
    assert done.stderr == (
        "error: ministack, iam_rolesanywhere_session not installed: pip install 'pca-automator[rehearsal]'\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_runtime_is_found_without_being_on_the_path() -> None:
    script = (
        "import sys; from pca_automator.cli.runtime import runtime; runtime('inventory.item'); "
        "runtime('inventory.fleet'); runtime('renewal.work_files'); runtime('renewal.payloads'); "
        "runtime('errors.catalogue'); "
        "print([name for name in ('aws_cdk', 'aws_lambda_powertools', 'handlers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "[]"


def test_the_help_imports_nothing_but_the_command_line_itself() -> None:
    """What the half second depends on, and not how busy this machine is; ``make bench`` measures it."""
    script = (
        "import sys; from pca_automator.cli.main import app; app(['--help'], standalone_mode=False); "
        "print(*{name.partition('.')[0] for name, module in sys.modules.items() "
        "if 'site-packages' in str(getattr(module, '__file__', ''))}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300)
    installing = {
        name for name in done.stderr.split() if name.startswith(("__editable__", "_distutils", "_virtualenv"))
    }
    assert "typer" in done.stderr.split()
    assert set(done.stderr.split()) - installing <= {
        "annotated_doc",
        "click",
        "shellingham",
        "typer",
        "typing_extensions",
    }


def complete(words: str, shell: str = "bash") -> list[str]:
    """What a shell's completion script asks the command, and what it is answered."""
    environment = {
        **os.environ,
        "_PCA_AUTOMATOR_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1), "_TYPER_COMPLETE_ARGS": words,
    }  # fmt: skip
    done = subprocess.run([COMMAND], env=environment, capture_output=True, text=True, check=True, timeout=300)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pca-automator st", ["status"]),
        ("pca-automator hosts reti", ["retire"]),
        ("pca-automator hosts list --exp", ["--expiring-within"]),
        ("pca-automator explain HOOK_F", ["HOOK_FAILED"]),
        ("pca-automator hosts add --override keyM", ["keyMode="]),
        ("pca-automator hosts set i-1 --clear keyM", ["keyMode"]),
    ],
)
def test_a_completion_request_is_answered(words: str, expected: list[str]) -> None:
    assert complete(words) == expected


def test_a_completion_request_of_zsh_is_answered() -> None:
    assert any("status" in word for word in complete("pca-automator st", "zsh"))


@pytest.mark.parametrize(("shell", "words"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --")])
def test_a_completion_script_is_produced(shell: str, words: str) -> None:
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [COMMAND, "--show-completion", shell], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    assert words in done.stdout
    assert "_PCA_AUTOMATOR_COMPLETE" in done.stdout


def test_the_version_is_the_installed_packages() -> None:
    done = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == f"{importlib.metadata.version('pca-automator')}\n"


def test_a_closed_pipe_is_no_traceback() -> None:
    """``| head`` stops reading before the catalogue entry is written."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        done = subprocess.run(
            [COMMAND, "explain", "HOOK_FAILED", "--output", "jsonl"],
            stdout=nobody, stderr=subprocess.PIPE, text=True, check=False, timeout=300,
        )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode != 0
