"""What is mutated, and which tests should notice: what must never be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.mutants import python, shell
from tests.mutants.mutant import Mutant
from tests.ordinary import ROOT

RUNTIME = "lambda_src/pca_runtime"
# Conditions of writes, times, gates, retry classification, revocation, report limits, selection.
FUNCTIONS = (
    f"{RUNTIME}/authority/*.py",
    f"{RUNTIME}/errors/of_aws.py",
    f"{RUNTIME}/inventory/*.py",
    f"{RUNTIME}/membership/*.py",
    f"{RUNTIME}/renewal/*.py",
    f"{RUNTIME}/reporting/*.py",
    f"{RUNTIME}/revocation/*.py",
    f"{RUNTIME}/shared/expressions.py",
    f"{RUNTIME}/shared/identifiers.py",
    f"{RUNTIME}/shared/timestamps.py",
)
COMMAND_LINE = "pca_automator/cli"
# What writes, and what says to whom: hosts and deployments are chosen, certificates revoked, runs started.
COMMAND = (
    *(
        f"{COMMAND_LINE}/deployed/{name}.py"
        for name in (
            "break_glass", "deployment", "host_command", "inventory", "ledger", "leftovers", "lifetime", "membership",
            "overrides", "remains", "revocation", "runs", "schedule", "wiring",
        )
    ),
    *(f"{COMMAND_LINE}/verbs/{name}.py" for name in ("leftovers", "plan", "revoke", "run", "verb")),
    f"{COMMAND_LINE}/verbs/hosts/*.py",
)  # fmt: skip
NOT_DEPLOYED = ["-m", "not long and not rehearsal"]
SHELL = ("pca_automator/ssm_documents/shell/*.sh",)
# Where a file of shell is tested most: of the tests that run a line, these come first.
CLOSEST = {
    "certificate": ("functions", "functions_on_files", "inspect_certificate"),
    "chain": ("pins", "install_certificate"),
    "common": ("functions", "noise", "failing_tools"),
    "directories": ("functions", "functions_on_files", "hostile_filesystem"),
    "generate_csr": ("generate_csr", "failing_tools", "strange_hosts"),
    "helper": ("functions_on_files", "proof"),
    "hook_files": ("hooks",),
    "hooks": ("hooks",),
    "inspect_certificate": ("inspect_certificate",),
    "mounts": ("mount_tables", "mounts", "strange_hosts"),
    "parameters": ("functions", "parameters"),
    "prove": ("functions", "proof"),
    "readers": ("readers", "readers_in_trouble"),
    "remove_certificate": ("remove_certificate", "lock"),
    "rights": ("readers", "readers_in_trouble", "functions"),
    "stage": ("install_certificate", "functions"),
    "store": ("lock", "switch", "hostile_filesystem"),
    "take_over": ("take_over", "planted_links"),
}


@dataclass(frozen=True)
class World:
    """A kind of file.

    Args:
        patterns: which files.
        find: all mutants of one, by its path and text.
        tests: what should notice a mutant of it, in stages, the nearest first; of shell, the names of the nearest.
        least: the share that must be noticed, or listed with a reason.
        in_place: whether its mutants can be put into the memory of a process; those of shell are put into a file.
    """

    patterns: tuple[str, ...]
    find: Callable[[str, str], list[Mutant]]
    tests: Callable[[str], list[list[str]]]
    least: float
    in_place: bool = True

    def files(self) -> list[str]:
        """Paths in the repository, in a fixed order."""
        found = {path for pattern in self.patterns for path in ROOT.glob(pattern) if path.name != "__init__.py"}
        return sorted(str(path.relative_to(ROOT)) for path in found)

    def mutants(self, file: str | None = None) -> list[Mutant]:
        """All of them, or those of one file."""
        files = [each for each in self.files() if file in (None, each)]
        return [mutant for each in files for mutant in self.find(each, (ROOT / each).read_text(encoding="utf-8"))]


def _tests_of_module(file: str) -> list[list[str]]:
    capability = Path(file).parent.name
    near = f"tests/runtime/{capability}"
    named = [str(path.relative_to(ROOT)) for path in sorted((ROOT / near).glob(f"test_*{Path(file).stem}*.py"))]
    if not (ROOT / near).is_dir():
        return [["tests/runtime", "tests/contract"]]
    return [[*named, near], ["tests/runtime", "tests/contract", f"--ignore={near}"]]


def _tests_of_command(file: str) -> list[list[str]]:
    words = {Path(file).stem, *({"hosts"} & {Path(file).parent.name})}
    paths = {path for word in words for path in (ROOT / "tests/cli").glob(f"test_*{word}*.py")}
    named = sorted(str(path.relative_to(ROOT)) for path in paths)
    return [[*NOT_DEPLOYED, *stage] for stage in (named, ["tests/cli"]) if stage]


def _tests_of_shell(file: str) -> list[list[str]]:
    return [list(CLOSEST.get(Path(file).stem, ("install_certificate",)))]


WORLDS = {
    "functions": World(FUNCTIONS, python.mutants_of, _tests_of_module, 0.95),
    "command": World(COMMAND, python.mutants_of, _tests_of_command, 0.95),
    "shell": World(SHELL, shell.mutants_of, _tests_of_shell, 0.90, in_place=False),
}
