"""Line ends that a shell does without are taken out of the documents, and the shell does the same as before."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pca_automator import ssm_documents
from pca_automator.ssm_documents import DOCUMENT_NAMES, script
from pca_automator.ssm_documents.lines import joined

HEAD = "first() {\necho first\n}"

COMMANDS = {
    "commands": "echo a\necho b\nfirst",
    "conditions": "if true\nthen\necho a\nelif false; then\necho b\nelse\necho c\nfi\necho d",
    "loops": "for x in 1 2; do\nwhile true; do\nbreak\ndone\necho $x\ndone\nfor y\ndo\necho $y\ndone",
    "cases": "case b in a | c)\necho 1\n;;\nb)\ncase d in\n*\\ ) echo 2 ;;\n*) echo 3 ;;\nesac\n;;\n*) echo 4 ;;\nesac",
    "lists": "true &&\nfalse ||\necho a |\ncat",
    "continued": "echo a \\\nb \\\nc",
    "groups": "{\necho a\necho b\n} | cat\n(\necho c\n)\necho d",
    "texts": 'echo \'a\nthen # no comment\nb\'\nx="c\n\'d;;\ne"\necho "$x" "$(printf \'%s\\n\' "f" "g\'")"',
    "comments": 'echo a # it\'s "one\necho b#c "#" # then\necho ${x#d}$#',
    "escapes": 'echo \\\' \\" \\\\\necho "\\""\necho b',
    "functions": "second() {\nsecond=1\n[ $second = 1 ] && echo a\n}\nsecond\nmain() (\necho b\n)\nmain",
}


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("head", ["", HEAD + "\n"], ids=["before a function", "behind one"])
def test_a_shell_does_the_same(kind: str, head: str, shell: tuple[str, ...]) -> None:
    text = head + COMMANDS[kind].replace("first", "first" if head else "echo first")

    def printed(of: str) -> tuple[int, str, str]:
        done = subprocess.run([*shell, "-c", of], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    before = printed(text)
    assert printed(joined(text)) == before
    assert (before[0], before[2]) == (0, "")
    # Outside of a function nothing is joined that could be a command by itself.
    assert joined(text).count("\n") < text.count("\n") or (
        kind in ("commands", "texts", "comments", "escapes", "groups") and not head
    )


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_a_shell_reads_the_same_commands_in_a_document(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: tuple[str, ...]
) -> None:
    """bash writes a function as it understood it; the other shells must at least take it."""
    short = script(name)
    monkeypatch.setattr(ssm_documents, "joined", lambda text: text)
    long = script(name)
    assert long.count("\n") > 1.5 * short.count("\n")
    if shell[0].endswith("bash"):
        assert understood(short, shell) == understood(long, shell)
    file = tmp_path / "script.sh"
    file.write_text(short)
    subprocess.run([*shell, "-n", str(file)], check=True)


def understood(text: str, shell: tuple[str, ...]) -> str:
    """The functions of a script whose last line, which calls them, is taken away."""
    functions = "\n".join(f"wrapped() {{\n{text.rstrip().removesuffix('main')}\n}}\ndeclare -f wrapped".splitlines())
    done = subprocess.run([*shell, "-c", functions], capture_output=True, text=True, check=True)
    assert "main ()" in done.stdout
    return done.stdout
