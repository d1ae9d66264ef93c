"""Which tests meet a mutant of shell: those that run its line, which probes tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import probes
from tests.mutants.worlds import WORLDS
from tests.ordinary import ROOT

SCRIPT = """\
first() {
  if [ "$1" = a ]; then
    echo a
  elif [ "$1" = b ]; then
    echo b
  fi
  case $1 in
    c)
      echo c
      ;;
    d) echo d ;;
  esac
  true &&
    echo e
}

second() (
  echo f
)
"""


def test_probes_stand_where_commands_begin_and_tell_of_the_lines_below_them() -> None:
    assert probes.places(SCRIPT) == [2, 3, 5, 7, 9, 13, 18]
    told = {2: 2, 3: 3, 4: 2, 5: 5, 8: 7, 9: 9, 11: 7, 13: 13, 14: 13, 18: 18}
    assert {line: probes.place_of(SCRIPT, line) for line in told} == told
    assert probes.place_of("set -eu\n" + SCRIPT, 1) is None, "every run reaches it"


def test_a_script_with_probes_says_where_it_was_and_does_the_same(tmp_path: Path) -> None:
    said = tmp_path / "said"
    said.touch()
    calls = "".join(f"first {letter}\n" for letter in "abcda") + "second\n"
    text = probes.probed({"common.sh": SCRIPT + calls}, said)["common.sh"]
    plain, traced = (
        subprocess.run(["sh"], input=each, capture_output=True, text=True, check=True)
        for each in (SCRIPT + calls, text)
    )
    assert (traced.stdout, traced.stderr) == (plain.stdout, "")
    assert said.read_text().split() == [f"common.sh:{line}" for line in (2, 3, 7, 13, 5, 9, 18)], "each once"


def test_files_with_probes_are_shell() -> None:
    sources = {Path(file).name: (ROOT / file).read_text(encoding="utf-8") for file in WORLDS["shell"].files()}
    for name, text in probes.probed(sources, Path("/said")).items():
        parsed = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
        assert parsed.returncode == 0, (name, parsed.stderr)


COMMON = """add() {
  if [ "$2" != 0 ]; then
    echo $(($1 + $2))
  else
    echo "$1"
  fi
}
"""
TEST = """import subprocess
from pathlib import Path
import pytest

def add(*numbers):
    text = Path("pca_automator/ssm_documents/shell/common.sh").read_text() + "add " + " ".join(map(str, numbers))
    return int(subprocess.run(["sh"], input=text, capture_output=True, text=True, check=True).stdout)

@pytest.fixture(scope="session")
def five():
    return add(2, 3)

def test_five(five):
    assert five == 5

def test_nothing():
    assert add(1, 0) >= 1

def test_of_the_text():
    assert "PROBE" not in Path("pca_automator/ssm_documents/shell/common.sh").read_text()
"""
JUDGE = """
import json
import sys
from pathlib import Path
from tests.mutants import in_shell
from tests.mutants.mutant import Mutant
place, kept = map(Path, sys.argv[1:])
file = place / in_shell.FOLDER / "common.sh"
source = file.read_text()
def mutant(line, before, after):
    start = source.index(before)
    return Mutant("common.sh", line, "add", "test", before, after, 0, start, start + len(before))
three = [mutant(3, "+", "-"), mutant(2, "!= 0", "!= 1"), mutant(5, '"$1"', "9")]
for number, outcome in in_shell.outcomes(place, three, kept, {"common.sh": ["add"]}):
    print(number, outcome)
assert file.read_text() == source
known = {entry["test"].rpartition("::")[2]: entry for entry in map(json.loads, (kept / "of_shell.jsonl").open())}
for name in sorted(known):
    print(name, *(known[name]["lines"] if known[name]["passed"] else ["unknown"]))
"""


@pytest.mark.long
def test_a_mutant_meets_the_tests_that_run_its_line(tmp_path: Path) -> None:
    place = tmp_path / "place"
    for name, text in (("pca_automator/ssm_documents/shell/common.sh", COMMON), ("tests/documents/test_add.py", TEST)):
        (place / name).parent.mkdir(parents=True)
        (place / name).write_text(text)
    command = [sys.executable, "-c", JUDGE, str(place), str(tmp_path / "kept")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert list(filter(None, done.stdout.splitlines())) == [
        "0 killed",
        "1 survived",
        "2 survived",
        "test_five common.sh:2 common.sh:3",
        "test_nothing common.sh:2 common.sh:5",
        "test_of_the_text unknown",
    ], done.stderr
