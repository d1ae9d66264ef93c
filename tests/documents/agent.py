"""Runs a document on this machine as the SSM agent does: the script in a file, the parameters beside or inside it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pca_automator import ssm_documents

SEALED = ssm_documents.SEALED
SEALED_LINE = re.compile(r"^SEALED_(\w+)='([^']*)'$", re.MULTILINE)

# Loaded once: these tests run documents hundreds of times.
load_document = cache(ssm_documents.load_document)


@cache
def script(name: str, constants: tuple[tuple[str, str], ...] = ()) -> str:
    """The script of a document as a deployment with these constants has it."""
    return ssm_documents.script(name, dict(constants))


def sealed_into(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Those of some values that stand in the text of a document and cannot be sent."""
    return tuple(sorted((key, value) for key, value in params.items() if key in SEALED))


ERROR_LINE = re.compile(r"^PCA_ERROR ([A-Z_]+) ([ -~]+)$", re.MULTILINE)
RESULT_LINE = re.compile(r"^PCA_RESULT ([ -~]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def error(self) -> str | None:
        found = ERROR_LINE.search(self.stdout)
        return found[1] if found else None

    @property
    def sentence(self) -> str:
        found = ERROR_LINE.search(self.stdout)
        return found[2] if found else ""

    @property
    def result(self) -> dict[str, str]:
        found = RESULT_LINE.search(self.stdout)
        assert found, f"no PCA_RESULT line:\n{self.stdout}\n{self.stderr}"
        return dict(pair.split("=", 1) for pair in found[1].split(" "))

    @property
    def csr(self) -> str:
        begin, end = "-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----"
        return self.stdout[self.stdout.index(begin) : self.stdout.index(end) + len(end)] + "\n"


def parameters_refused(name: str, params: Mapping[str, str]) -> list[str]:
    """The parameters that SSM itself would not accept, so that the command would never reach a host; no constants."""
    params = {key: value for key, value in params.items() if key not in SEALED}
    definitions: dict[str, Any] = load_document(name)["parameters"]
    unknown = [key for key in params if key not in definitions]
    missing = [key for key, definition in definitions.items() if key not in params and "default" not in definition]
    refused = [
        key
        for key, value in params.items()
        if key in definitions
        and (
            not re.fullmatch(definitions[key]["allowedPattern"], value)
            or len(value) > definitions[key].get("maxChars", len(value))
        )
    ]
    return sorted({*unknown, *missing, *refused})


def write_script(
    name: str, params: Mapping[str, str], style: str, path: Path, text: str | None = None
) -> dict[str, str]:
    """Write the script to run; returns the environment variables that carry parameters (style ``env``).

    Those of ``params`` that are constants are in the script's text already.
    """
    definitions = load_document(name)["parameters"]
    values = {key: definition["default"] for key, definition in definitions.items() if "default" in definition}
    values.update({key: value for key, value in params.items() if key not in SEALED})
    sealed = dict(sealed_into(params))
    if text is None:
        body = script(name, tuple(sealed.items()))
    else:
        body = SEALED_LINE.sub(lambda found: f"SEALED_{found[1]}='{sealed.get(found[1], found[2])}'", text)
    if style == "text":
        body = re.sub(r"\{\{ *(\w+) *\}\}", lambda found: values.get(found[1], found[0]), body)
    path.write_text(body, encoding="utf-8")
    return {f"SSM_{key}": value for key, value in values.items()} if style == "env" else {}


def _found(command: Sequence[str]) -> list[str]:
    """A command by the path of its program: the PATH of a document may lack what runs the document."""
    return [str(shutil.which(command[0]) or command[0]), *command[1:]] if command else []


def run_document(
    name: str,
    params: Mapping[str, str],
    *,
    work: Path,
    style: str = "env",
    shell: Sequence[str] = ("sh",),
    path: str | None = None,
    timeout: float = 120,
    text: str | None = None,
    prefix: Sequence[str] = (),
    user: int | None = None,
) -> Outcome:
    """Run one document to its end.

    Args:
        work: a directory for the script file.
        style: ``env`` as agents from 3.3.2746.0 on, ``text`` as older ones.
        shell: the shell and its options.
        path: ``PATH`` of the script. Default: this process's.
        text: another script text. Default: the document's own.
        prefix: a command that runs the shell, such as strace.
        user: run as this user and, without any privilege, group of the same number. Default: as this process.
    """
    script_file = work / f"{name}-{os.urandom(4).hex()}.sh"
    variables = write_script(name, params, style, script_file, text)
    with subprocess.Popen(
        [*_found(prefix), *_found(shell), str(script_file)],
        env={"PATH": path or os.environ["PATH"], **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        cwd="/",
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    script_file.unlink()
    return Outcome(process.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace"))
