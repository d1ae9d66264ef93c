"""What a machine lacks for a rehearsal is one line with what to do, before anything is started."""

from __future__ import annotations

import shutil
import socket
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pca_automator.cli.main import app
from pca_automator.rehearsal import preflight, runner

Usage = namedtuple("Usage", "total used free")
Lacking = Callable[[pytest.MonkeyPatch, Path], list[str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CDK app and a machine that has everything."""
    (tmp_path / "cdk.json").write_text("{}")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("openssl", "node", "cdk"):
        program = programs / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("CDK_CLI", raising=False)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setattr(runner, "rehearse", lambda *_: pytest.fail("it was started"))
    return tmp_path


def without(name: str) -> Lacking:
    def lacking(_: pytest.MonkeyPatch, folder: Path) -> list[str]:
        (folder / "bin" / name).unlink()
        return []

    return lacking


def old_python(monkeypatch: pytest.MonkeyPatch, _: Path) -> list[str]:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    return []


def full_disk(monkeypatch: pytest.MonkeyPatch, _: Path) -> list[str]:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 12_000_000))
    return []


def no_port(monkeypatch: pytest.MonkeyPatch, _: Path) -> list[str]:
    def bind(*_: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(socket.socket, "bind", bind)
    return []


def no_app(_: pytest.MonkeyPatch, folder: Path) -> list[str]:
    (folder / "cdk.json").unlink()
    return []


def a_file_in_the_way(_: pytest.MonkeyPatch, folder: Path) -> list[str]:
    (folder / "taken").write_text("")
    return ["--build", str(folder / "taken")]


def an_odd_path(_: pytest.MonkeyPatch, folder: Path) -> list[str]:
    return ["--build", str(folder / "what's this")]


def an_odd_fact(*_: object) -> list[str]:
    return ["--otherwise", "nothing"]


LACKING: dict[str, tuple[Lacking, str]] = {
    "openssl": (without("openssl"), "openssl is missing: the simulated hosts make their keys with it; install it"),
    "node": (without("node"), "node is missing: the CDK runs on it; install it"),
    "the CDK CLI": (without("cdk"), "no CDK CLI: run npm install in"),
    "an app": (no_app, "has no cdk.json: name the directory of a CDK app with --app"),
    "a newer Python": (old_python, "Python 3.10 is too old: 3.11 or newer is needed"),
    "room": (full_disk, "has 12 MB left, and 6 hosts need 212: make room, or name a folder elsewhere with --build"),
    "a port": (no_port, "no port of 127.0.0.1 can be listened at: Address already in use"),
    "a folder": (a_file_in_the_way, "cannot be written to: File exists; name another folder with --build"),
    "a path that documents take": (an_odd_path, "the documents do not take the path"),
    "a fact": (an_odd_fact, "--otherwise: "),
}


@pytest.mark.parametrize("what", LACKING)
def test_what_is_lacking_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    lacking, words = LACKING[what]
    options = ["--build", str(folder / "with a space"), *lacking(monkeypatch, folder)]
    done = CliRunner().invoke(app, ["rehearse", "--hosts", "6", "--app", str(folder), *options])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.output
    assert done.stderr.startswith("error: ")
    assert words in done.stderr


def test_nothing_is_lacking_in_a_path_with_a_space(folder: Path) -> None:
    preflight.check(folder, folder / "with a space", 6)
    assert (folder / "with a space").is_dir()


def test_two_rehearsals_do_not_share_a_folder(folder: Path) -> None:
    with preflight.alone(folder / "build"):
        done = CliRunner().invoke(app, ["rehearse", "--app", str(folder), "--build", str(folder / "build")])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "another rehearsal is under way in" in done.stderr
    with preflight.alone(folder / "build"):
        """Once it is over, the next one may."""


def test_what_the_machine_refuses_later_is_one_line_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/build/report.json")

    monkeypatch.setattr(runner, "rehearse", full)
    done = CliRunner().invoke(app, ["rehearse", "--app", str(folder), "--build", str(folder / "build")])
    assert done.exit_code == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")] == [
        "error: the disk, or the file that the output goes to, is full (/build/report.json): make room, and repeat"
    ]
    assert "Traceback" not in done.output
