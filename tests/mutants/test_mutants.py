"""The mutators: what they change is one thing, is still a program, and is known again when lines move."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import __main__ as command
from tests.mutants import in_place, python, shell
from tests.mutants.mutant import Mutant
from tests.mutants.worlds import WORLDS
from tests.ordinary import ROOT

MODULE = '''"""Words."""
LIMIT = 10
Answer = Literal["yes", "no"]
Kind = Literal["this", "that"]
kind = field(one_of(Kind))


def late(now: int, end: int, *, strict: bool = True) -> Literal["yes", "no"]:
    """Words."""
    if not strict and now < end:
        raise ValueError(f"{now} is early")
    return client.put(Item=now, ConditionExpression="exists") or now >= end
'''
SCRIPT = """# words
settle() {
  step="words"
  must FAILED "cannot move" mv -f "$store/.staged/$1" "$store/versions/"
  sync "$store/versions/$1" 2>/dev/null || sync
  [ -L "$store" ] || fail UNSAFE "no link"
}
"""


def changes(mutants: list[Mutant]) -> set[tuple[str, str]]:
    return {(mutant.kind.partition(" in ")[0], " ".join(mutant.after.split())) for mutant in mutants}


def test_python_loses_conditions_limits_and_arguments() -> None:
    found = changes(python.mutants_of("late.py", MODULE))
    for expected in (
        ("constant", "(10 + 1)"), ("constant", "False"), ("not", "strict"), ("compare", "<="), ("compare", ">"),
        ("and/or", "or"), ("and/or", "and"), ("condition", "True"), ("condition", "False"), ("left out", "pass"),
        ("return", "return None"), ("argument", ""), ("operand", "True"),
    ):  # fmt: skip
        assert expected in found, (expected, found)
    assert not {after for _, after in found if "yes" in after}, "nobody runs a type"
    assert ("constant", "'this!'") in found, "but where values are held against it"


def test_what_a_module_says_of_itself_meets_the_tests_that_are_named_for_it_too() -> None:
    """An option is read where the command is put together: no test runs its line."""
    of_options = WORLDS["command"].tests("pca_automator/cli/verbs/hosts/options.py")
    assert {"tests/cli/test_hosts.py", "tests/cli/test_verb_options.py"} <= set(of_options[0])
    assert of_options[-1][-1] == "tests/cli"
    met = command._met(["tests/cli/test_waiting.py"], of_options)
    assert [met[0][-1], *met[1:]] == ["tests/cli/test_waiting.py", of_options[0]]
    assert command._met([], of_options) == of_options


def test_what_only_a_type_checker_asks_for_is_left_alone() -> None:
    head = "if TYPE_CHECKING:\n    import this\nT = TypeVar('T', bound=int)\nP = ParamSpec('P')\n"
    typed = "@dataclass(frozen=True, slots=True, kw_only=True)\nclass Typed:\n    left: int\n"
    assert python.mutants_of("typed.py", head + typed) == []
    for other in ("eq=False", "order=True", "repr=False"):
        assert python.mutants_of("typed.py", typed.replace("slots=True", other)), other
    assert python.mutants_of("typed.py", typed.replace(": int", ": int = 7")), "a default is what runs"


def test_the_name_of_an_encoding_is_left_alone_because_a_mark_behind_it_changes_nothing() -> None:
    assert "ü".encode("utf-8!") == "ü".encode()
    found = changes(python.mutants_of("coded.py", 'x = text.decode("ascii", "replace")\n'))
    assert found == {("constant", "'replace!'")}
    assert changes(python.mutants_of("coded.py", 'x = open(name, encoding="ascii")\n')) == {("argument", "")}


def test_shell_loses_checks_syncs_and_the_order_of_moves() -> None:
    found = changes(shell.mutants_of("stage.sh", SCRIPT))
    _, _, _, move, sync, *_ = (line.strip() for line in SCRIPT.splitlines())
    for expected in (
        ("left out", ":"),
        ("and/or", "&&"),
        ("copy", "cp -R"),
        ("link", "-e"),
        ("swapped", f"{sync} {move}"),
    ):
        assert expected in found, (expected, found)


@pytest.mark.parametrize("world", WORLDS)
def test_every_mutant_is_another_program(world: str) -> None:
    """Of Python, which a child process would have to be started for in the case of shell."""
    mutants = WORLDS[world].mutants()
    assert len(mutants) > 500
    texts: dict[str, str] = {}
    for number, mutant in enumerate(mutants):
        source = texts.setdefault(mutant.file, (ROOT / mutant.file).read_text(encoding="utf-8"))
        changed = mutant.applied_to(source)
        assert changed != source, mutant.name
        if world != "shell" and number % 10 == 0:
            ast.parse(changed)
    assert len({mutant.name for mutant in mutants}) == len(mutants)


def test_mutants_of_shell_are_shell() -> None:
    """In one process for each file, all its mutants one after the other."""
    for file in WORLDS["shell"].files():
        source = (ROOT / file).read_text(encoding="utf-8")
        mutants = shell.mutants_of(file, source)[::7]
        functions = (f"mutant_{n}() {{\n{each.applied_to(source)}\n}}" for n, each in enumerate(mutants))
        text = "\n".join(functions)
        parsed = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
        assert parsed.returncode == 0, (file, parsed.stderr)


def test_a_name_does_not_change_when_lines_move() -> None:
    before = {mutant.name for mutant in python.mutants_of("late.py", MODULE)}
    after = {mutant.name for mutant in python.mutants_of("late.py", MODULE.replace("LIMIT", "\n\nLIMIT"))}
    assert before == after


def test_a_seed_draws_the_same_sample_and_another_another(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = []
    for seed in ("a", "a", "b"):
        assert command.main(["--list", "--seed", seed, "--count", "20"]) == 0
        drawn.append(capsys.readouterr().out.splitlines())
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 20
    assert all(":" in line for line in drawn[0])


def test_it_starts_as_make_starts_it() -> None:
    """Without pytest's paths: what it imports, it finds by itself."""
    listed = [sys.executable, "-m", "tests.mutants", "--list", "--world", "shell", "--count", "3"]
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(listed, cwd=ROOT, env=bare, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 3


def test_a_part_of_a_sample_is_its_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a run that was interrupted, what it did is a fair sample."""
    drawn = []
    for count in ("5", "12"):
        assert command.main(["--list", "--seed", "a", "--world", "command", "--count", count]) == 0
        drawn.append(capsys.readouterr().out.splitlines())
    assert drawn[0] == drawn[1][:5]


JUDGE = """
import sys
from pathlib import Path
from tests.mutants import running
from tests.mutants.mutant import Mutant
from tests.mutants.running import BrokenTestsError, Judge
place, source = Path(sys.argv[1]), "def add(a, b):\\n    return a + b  # words\\n"
def mutant(before, after):
    start = source.index(before)
    return Mutant("sum_of.py", 1, "add", "test", before, after, 0, start, start + len(before))
judge, sum_of = Judge(place), [["test_sum.py"]]
print(judge.outcome(mutant("+", "-"), sum_of))
print(judge.outcome(mutant("words", "other words"), sum_of))
usual, running.LOOPING = running.LOOPING, 1.0
print(judge.outcome(mutant("return", "while True: pass #"), sum_of))
running.LOOPING = usual
print(Judge(place, seconds=5).outcome(mutant("return", "__import__('time').sleep(1000) #"), sum_of))
print(judge.outcome(mutant("def add", "def"), sum_of))
print(judge.outcome(mutant("+", "-"), [["test_more.py"], *sum_of]))
for tests in ("test_missing.py", "test_broken.py"):
    try:
        judge.outcome(mutant("words", "other words"), [[tests]])
    except BrokenTestsError:
        print("shows nothing")
running.PATIENCE = 0.0
print(judge.outcome(mutant("+", "-"), sum_of))
assert (place / "sum_of.py").read_text() == source
"""


@pytest.mark.long
def test_a_mutant_is_killed_by_a_failing_test_and_survives_passing_ones(tmp_path: Path) -> None:
    (tmp_path / "sum_of.py").write_text("def add(a, b):\n    return a + b  # words\n")
    (tmp_path / "test_sum.py").write_text("from sum_of import add\n\ndef test_add():\n    assert add(1, 2) == 3\n")
    (tmp_path / "test_broken.py").write_text("def test_broken():\n    assert MISSING\n")
    (tmp_path / "test_more.py").write_text("def test_more():\n    pass\n")
    command = [sys.executable, "-c", JUDGE, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    noticed = ["killed", "survived", "timed out", "timed out", "killed", "killed"]
    assert done.stdout.splitlines() == [*noticed, "shows nothing", "shows nothing", "killed"]


SUMS = """
LIMIT = 10


class Sums:
    def __init__(self, first):
        self._first = first

    @property
    def first(self):
        return self._first + 0

    def plus(self, other, most=7):
        def add():
            return self._first + other  # words
        return min(add(), LIMIT)


def names():
    return ["one", "two"]


def nobody():
    return 1 + 1
"""
TESTS_OF_SUMS = """
import pytest
from sums import Sums, names

@pytest.mark.parametrize("name", names())
def test_first(name, tmp_path):
    assert Sums(name + "!").first == name + "!" if False else Sums(1).first == 1

def test_plus(capfd):
    assert Sums(1).plus(2) == 3

def test_unsound():
    import os
    assert os.environ.get("PYTEST_DEBUG_TEMPROOT", "").count("mutant-")
"""


def test_the_function_that_a_mutant_lies_in_is_the_outermost_and_its_defaults_belong_to_the_module() -> None:
    def function_at(text: str) -> str | None:
        start = SUMS.index(text)
        return in_place.function_of(SUMS, Mutant("sums.py", 1, "", "", text, "", 0, start, start + len(text)))

    assert function_at("+ other") == "Sums.plus"
    assert function_at("+ 0") == "Sums.first"
    assert function_at("1 + 1") == "nobody"
    assert function_at("most=7") is function_at("10") is function_at("property") is None


@pytest.mark.long
def test_mutants_in_memory_meet_the_tests_that_run_them_and_others_are_left_for_a_process_of_their_own(
    tmp_path: Path,
) -> None:
    place = tmp_path / "place"
    shutil.copytree(ROOT / "tests/mutants", place / "tests/mutants")
    shutil.copy(ROOT / "tests/ordinary.py", place / "tests/ordinary.py")
    for folder, name, text in (
        ("tests", "__init__.py", ""), ("tests/runtime", "test_sums.py", TESTS_OF_SUMS),
        ("lambda_src/pca_runtime", "sums.py", SUMS),
        (".", "pytest.ini", "[pytest]\npythonpath = lambda_src/pca_runtime\nmarkers =\n  long: a\n  rehearsal: b\n"),
    ):  # fmt: skip
        (place / folder).mkdir(parents=True, exist_ok=True)
        (place / folder / name).write_text(text)

    def mutant(before: str, after: str) -> Mutant:
        start = SUMS.index(before)
        file = "lambda_src/pca_runtime/sums.py"
        return Mutant(file, 1, "", "test", before, after, 0, start, start + len(before))

    mutants = [
        mutant("+ other", "- other"), mutant("words", "other words"), mutant("+ 0", "+ 1"), mutant("10", "(10 + 1)"),
        mutant('["one", "two"]', '["one"]'), mutant("1 + 1", "1 - 1"), mutant("min(", "while_(*[[]]) if 0 else max("),
        mutant("return min(add(), LIMIT)", "while True: pass"),
    ]  # fmt: skip
    found = dict(in_place.outcomes(place, mutants, tmp_path / "covers", 2))
    elsewhere = ["tests/runtime/test_sums.py"]
    assert [found[number] for number in range(len(mutants))] == [
        "killed", "survived", "killed", elsewhere, elsewhere, "survived", "killed", "timed out",
    ]  # fmt: skip
    assert [path.name for path in place.glob("mutant-*")] == [], "no child leaves anything"
