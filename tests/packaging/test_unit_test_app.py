"""The lines of docs/authority.md with which a consumer tests an app: they reach for no network, and build no layer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

# Whoever reaches for the network or for pip is told of, and gets nothing; jsii's Node.js is watched, too.
_SITE = """\
import os, socket

def refuse(*arguments, **_):
    with open(os.environ["REACHED"], "a") as told:
        told.write(f"network {arguments[1:]}\\n")
    raise OSError("no network")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.create_connection = refuse
"""
_PIP = """\
import os, sys

with open(os.environ["REACHED"], "a") as told:
    told.write("pip\\n")
sys.exit("no index can be reached")
"""
_NODE = """\
const refuse = (...given) => {
  require("fs").appendFileSync(process.env.REACHED, "network of Node.js\\n");
  throw new Error("no network");
};
require("net").Socket.prototype.connect = refuse;
require("dns").lookup = refuse;
"""
_REACHES_OUT = """\
import socket, subprocess, sys
try:
    socket.create_connection(("127.0.0.1", 9))
except OSError:
    pass
subprocess.run(["node", "-e", 'try { require("net").connect(9, "127.0.0.1") } catch (error) {}'], check=True)
"""


@pytest.fixture(scope="module")
def lines() -> str:
    """As the page prints them."""
    page = (ROOT / "docs" / "authority.md").read_text(encoding="utf-8")
    found = re.search(r"## Unit tests of your app\n.*?```py\n(.*?)```", page, re.DOTALL)
    assert found
    return found[1]


def reached_by(source: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """What a script did, and what it reached for, where there is neither network nor package index."""
    watched = folder / "watched"
    (watched / "pip").mkdir(parents=True)
    (watched / "sitecustomize.py").write_text(_SITE)
    (watched / "pip" / "__init__.py").touch()
    (watched / "pip" / "__main__.py").write_text(_PIP)
    (folder / "watched.js").write_text(_NODE)
    (folder / "test_app.py").write_text(source)
    reached = folder / "reached"
    environment = os.environ | {
        "CDK_OUTDIR": str(folder / "out"),
        "NODE_OPTIONS": f"--require {folder / 'watched.js'}",
        "PYTHONPATH": f"{watched}{os.pathsep}{ROOT}",
        "REACHED": str(reached),
    }
    done = subprocess.run(
        [sys.executable, "test_app.py"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return done, sorted(set(reached.read_text().splitlines())) if reached.exists() else []


@pytest.mark.long
def test_a_consumers_unit_test_needs_no_network_and_builds_no_layer(lines: str, tmp_path: Path) -> None:
    done, reached = reached_by(lines, tmp_path)
    assert (done.returncode, reached) == (0, []), done.stderr[-3000:]


@pytest.mark.long
def test_an_app_would_have_built_the_layer(lines: str, tmp_path: Path) -> None:
    app = lines.replace("UnitTestApp()", "App()").replace("import Stack", "import App, Stack")
    done, reached = reached_by(app, tmp_path)
    assert (done.returncode, reached) == (1, ["pip"]), done.stderr[-3000:]


def test_what_reaches_for_the_network_is_seen(tmp_path: Path) -> None:
    _, reached = reached_by(_REACHES_OUT, tmp_path)
    assert [each.partition(" (")[0] for each in reached] == ["network", "network of Node.js"]
