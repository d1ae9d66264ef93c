"""The functions' packages: pinned by hash, whatever machine, index and settings; or one line that says why not."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_

from pca_automator._internal.assets import lambda_source
from pca_automator.functions.dependency_layer import built_layer
from pca_automator.functions.packages import fetching, pins
from pca_automator.functions.packages.layer import build, identity
from pca_automator.functions.packages.platforms import MACHINES, RUNTIMES, Platform
from tests.constructs.functions import wheelhouse
from tests.constructs.functions.wheelhouse import ARM, ELF, index, wheel

PLATFORM = Platform("python3.14", "arm64")
REQUIREMENTS = lambda_source() / "layer" / "requirements.txt"


@pytest.fixture(autouse=True)
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this machine's index nothing is asked."""
    for name in os.environ:
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "out").mkdir()


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose wheels are what was fetched, without the second that pip takes."""
    folder = tmp_path / "wheels"

    def fetch(command: list[str], *_: Any) -> None:
        for each in folder.glob("*.whl"):
            shutil.copy(each, command[command.index("--dest") + 1])

    monkeypatch.setattr(fetching, "_run", fetch)
    monkeypatch.setattr(fetching, "_pip_environment", lambda _: {})
    return folder


def mirror(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def layer_of(stack: Stack, requirements: Path, architecture: Any = lambda_.Architecture.ARM_64) -> str:
    """The hash by which the stack names its layer."""
    built_layer(stack, "Layer", requirements, lambda_.Runtime.PYTHON_3_14, architecture)
    (found,) = (
        Stack.of(stack).resolve(stack.node.find_child("Layer").node.default_child.content)["s3Key"].split(".")[:1]
    )
    return str(found)


def synthesized(out: Path, requirements: Path) -> Path:
    """The folder that is uploaded."""
    stack = Stack(App(outdir=str(out)), "Consumer")
    layer_of(stack, requirements)
    app: Any = stack.node.root
    (folder,) = Path(app.synth().directory).glob("asset.*")
    return folder


def test_a_good_index_makes_the_layer_and_a_doctored_mirror_fails_synthesis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same name and version, with one more module and one more package; and nothing of it stays."""
    good, doctored = tmp_path / "good", tmp_path / "doctored"
    made = [wheel(good, "typing_extensions", "4.16.0", "py3-none-any"), wheel(good), wheel(good, "pure", "2.0")]
    requirements = wheelhouse.pins(tmp_path / "pins", *made)
    shutil.copytree(good, doctored)
    wheel(doctored, "typing_extensions", "4.16.0", "py3-none-any", files={"evil.py": b""}, requires="evil_transitive")
    wheel(doctored, "evil_transitive", "1.0", "py3-none-any")
    monkeypatch.delenv("PIP_NO_INDEX")
    with index(doctored) as url:
        monkeypatch.setenv("PIP_INDEX_URL", url)
        with pytest.raises(RuntimeError) as raised:
            synthesized(tmp_path / "out", requirements)
    said = str(raised.value)
    assert re.search(r"typing-extensions==4\.16\.0: the index gives another file than the one that is pinned", said)
    assert "\n" not in said
    assert list((tmp_path / "out").iterdir()) == []
    with index(good) as url:
        monkeypatch.setenv("PIP_INDEX_URL", url)
        folder = synthesized(tmp_path / "out", requirements)
    assert sorted(each.name for each in (folder / "python").glob("*.py")) == [
        "native.py", "pure.py", "typing_extensions.py",
    ]  # fmt: skip


WRONG = {
    "another hash": ({"files": {"evil.py": b""}}, False, "is not the file that is pinned, with sha256:"),
    "Windows' wheel under another name": ({"said_tag": "cp314-cp314-win_amd64"}, True, "is a wheel for .*win_amd64"),
    "a file that is not recorded": ({"unrecorded": {"evil.py": b""}}, True, "evil.py, which its record does not name"),
    "a file that is recorded otherwise": (
        {"files": {"native/a.py": b"1"}, "unrecorded": {"native/a.py": b"2"}}, True, "has another native/a.py than",
    ),
    "a native module of another machine": (
        {"files": {"_n.cpython-314-x86_64-linux-gnu.so": ELF["x86_64"]}}, True, "_n.cpython-314.* does not load on",
    ),
    "Windows' native module": ({"files": {"_n.pyd": b"MZ"}}, True, "_n.pyd, a native module that does not load"),
    "a package in another's wheel": (
        {"files": {"evil-2.0.dist-info/RECORD": b"", "evil-2.0.dist-info/WHEEL": b"Tag: py3-none-any"}},
        True, "evil is there, which is not pinned",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wheel_that_is_not_what_is_pinned_fails_the_build_in_one_line_with_its_name(
    wrong: str, fetched: Path, tmp_path: Path
) -> None:
    """Some of them with the hash that is pinned: then the pin is wrong, and no layer is built either."""
    given, is_pinned, said = WRONG[wrong]
    made = wheel(fetched, **given)
    requirements = wheelhouse.pins(tmp_path, made if is_pinned else wheel(tmp_path / "other"))
    with pytest.raises(RuntimeError, match=said) as raised:
        build(requirements, PLATFORM, tmp_path / "out" / "layer")
    assert re.search("native==1.0|evil", str(raised.value))
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith("pca-automator layer OUT.zip, and pass it as dependency_layer")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_index_with_no_wheel_but_windows_is_told_with_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = wheelhouse.pins(tmp_path, wheel(tmp_path / "wheels", tag="cp314-cp314-win_amd64"))
    mirror(tmp_path / "wheels", monkeypatch)
    expected = (
        r"native==1\.0: the index gives no wheel of it for manylinux_2_34_aarch64 and Python 3\.14: ERROR: No match"
    )
    with pytest.raises(RuntimeError, match=expected):
        build(requirements, PLATFORM, tmp_path / "out" / "layer")


HOSTILE = {
    "abi": "none", "constraint": "nowhere.txt", "dry-run": "1", "ignore-installed": "1", "implementation": "pp",
    "no-binary": ":all:", "only-binary": ":none:", "platform": "win_amd64", "prefix": "elsewhere", "pre": "1",
    "python-version": "3.9", "quiet": "3", "require-virtualenv": "1", "root": "elsewhere", "target": "elsewhere",
    "upgrade": "1", "user": "1",
}  # fmt: skip


@pytest.mark.parametrize("where", ["environment", "configuration"])
def test_of_pips_settings_the_index_alone_counts(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = wheel(tmp_path / "wheels")
    requirements = wheelhouse.pins(tmp_path, made)
    # Neither a module in the working directory nor one on the path is taken for pip's.
    (tmp_path / "logging.py").write_text("raise SystemExit('not the one of Python')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    if where == "environment":
        mirror(tmp_path / "wheels", monkeypatch)
        for name, value in HOSTILE.items():
            monkeypatch.setenv(f"PIP_{name.upper().replace('-', '_')}", value)
    else:
        lines = [f"{name} = {value}\n" for name, value in HOSTILE.items()]
        text = ["[global]\n", f"find-links =\n    {tmp_path}/nowhere\n    {tmp_path / 'wheels'}\n", "quiet = 3\n"]
        (tmp_path / "pip.conf").write_text("".join([*text, "[install]\n", *lines, "[download]\n", *lines]))
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    build(requirements, PLATFORM, tmp_path / "out" / "layer")
    assert (tmp_path / "out" / "layer" / "python" / "native.py").read_text() == f"TAG = {ARM!r}\n"
    assert not (tmp_path / "elsewhere").exists()


def test_the_layer_holds_the_wheels_of_its_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever machine synthesizes, and without Docker."""
    folder = tmp_path / "wheels"
    tags = [f"cp314-cp314-manylinux_2_28_{machine}" for machine in MACHINES.values()]
    tags += ["cp313-cp313-manylinux_2_28_aarch64", "cp314-cp314-macosx_11_0_arm64"]
    tags += ["cp314-cp314-manylinux_2_39_aarch64"]
    requirements = wheelhouse.pins(tmp_path, *(wheel(folder, tag=tag) for tag in tags))
    mirror(folder, monkeypatch)
    for architecture, machine in MACHINES.items():
        out = tmp_path / "out" / architecture
        build(requirements, Platform("python3.14", architecture), out)
        assert (out / "python" / "native.py").read_text() == f"TAG = 'cp314-cp314-manylinux_2_28_{machine}'\n"


def test_what_a_killed_build_left_is_not_taken_for_a_layer(tmp_path: Path, fetched: Path) -> None:
    """Nor what somebody put there; what is right is not fetched again."""
    requirements = wheelhouse.pins(tmp_path / "pins", wheel(fetched, files={"native/a.py": b"1"}))
    out = tmp_path / "out"
    uploaded = synthesized(out, requirements)
    (built,) = out.glob("layer-*")
    whole = contents(uploaded)
    assert contents(built) == whole
    for folder in (built, uploaded):
        (folder / "python" / "native" / "a.py").unlink()
    assert (synthesized(out, requirements), contents(uploaded), contents(built)) == (uploaded, whole, whole)
    (built / "python" / "more.py").write_text("")
    shutil.rmtree(uploaded / "python")
    assert (synthesized(out, requirements), contents(uploaded), contents(built)) == (uploaded, whole, whole)
    shutil.rmtree(fetched)
    assert (synthesized(out, requirements), contents(uploaded)) == (uploaded, whole)


def test_what_is_not_imported_is_no_part_of_the_layer(tmp_path: Path, fetched: Path) -> None:
    """A script of a wheel would carry the path of somebody's interpreter; a signed record signs another one."""
    files = {
        "native-1.0.data/scripts/run": b"#!python", "native-1.0.data/purelib/more.py": b"1",
        "native-1.0.dist-info/RECORD.jws": b"{}",
    }  # fmt: skip
    requirements = wheelhouse.pins(tmp_path / "pins", wheel(fetched, files=files))
    build(requirements, PLATFORM, tmp_path / "out" / "layer")
    info = Path("python/native-1.0.dist-info")
    assert set(contents(tmp_path / "out" / "layer")) == {
        Path("python/native.py"), Path("python/more.py"), info / "METADATA", info / "WHEEL", info / "RECORD",
    }  # fmt: skip


def contents(folder: Path) -> dict[Path, bytes]:
    return {each.relative_to(folder): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_lambda_may_read_the_layer_whatever_the_umask(tmp_path: Path, fetched: Path) -> None:
    requirements = wheelhouse.pins(tmp_path / "pins", wheel(fetched, files={"native/a.py": b"1"}))
    before = os.umask(0o077)
    try:
        folder = synthesized(tmp_path / "out", requirements)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(each.stat().st_mode) for each in (folder, *folder.rglob("*"))}
    assert modes == {0o755, 0o644}


def test_the_hash_is_that_of_the_pins_their_hashes_and_the_platform(tmp_path: Path) -> None:
    text = REQUIREMENTS.read_text()
    other = tmp_path / "requirements.txt"
    hashes = {identity(REQUIREMENTS, Platform(runtime, machine)) for runtime in RUNTIMES for machine in MACHINES}
    for each in (
        text[:-3] + ("0" if text[-3] != "0" else "1") + text[-2:],
        text.replace("cffi==2.1.1", "cffi==2.1.2"),
    ):
        assert each != text
        other.write_text(each)
        hashes.add(identity(other, PLATFORM))
    assert len(hashes) == len(RUNTIMES) * len(MACHINES) + 2


def test_a_stack_that_is_not_bundled_for_builds_nothing_and_has_another_hash(tmp_path: Path, fetched: Path) -> None:
    """As when another stack of the app is deployed: what it leaves must not stand for the layer afterwards."""
    requirements = wheelhouse.pins(tmp_path / "pins", wheel(fetched))
    off = Stack(App(outdir=str(tmp_path / "out"), context={"aws:cdk:bundling-stacks": ["Other"]}), "Consumer")
    unbuilt = layer_of(off, requirements)
    assert list((tmp_path / "out").glob("layer-*")) == []
    stack = Stack(App(outdir=str(tmp_path / "out")), "Consumer")
    assert layer_of(stack, requirements) != unbuilt
    assert len(list((tmp_path / "out").glob("asset.*/python/native.py"))) == 1


def test_the_layer_is_built_where_the_environment_has_no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in those that uv makes; Python itself carries one."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find_spec(name))
    assert fetching.pip_command()[-1].endswith(".whl/pip")
    assert fetching._pip_environment(fetching.pip_command())["PIP_CONFIG_FILE"] == os.devnull


UV = """
import os, sys, zipfile
assert not [name for name in os.environ if name.startswith("UV_") and name not in ("UV_INDEX_URL", "UV_FIND_LINKS")]
options = dict(zip(sys.argv, sys.argv[1:]))
assert {"--require-hashes", "--no-deps", "--quiet"} <= set(sys.argv) and options["--only-binary"] == ":all:"
assert options["--python-version"] == "3.14" and options["--python-platform"] == "aarch64-manylinux_2_34"
for name in os.listdir(os.environ["UV_FIND_LINKS"]):
    zipfile.ZipFile(os.path.join(os.environ["UV_FIND_LINKS"], name)).extractall(options["--target"])
for trace in (".lock", "native-1.0.dist-info/INSTALLER"):
    open(os.path.join(options["--target"], trace), "w").close()
with open(os.path.join(options["--target"], "native-1.0.dist-info/RECORD"), "a") as record:
    record.write("native-1.0.dist-info/INSTALLER,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\\n")
"""


def test_uv_makes_the_same_files_where_no_pip_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in that leaves the traces of the real one, whose settings are cleared away like pip's."""
    requirements = wheelhouse.pins(tmp_path, wheel(tmp_path / "wheels"))
    mirror(tmp_path / "wheels", monkeypatch)
    build(requirements, PLATFORM, tmp_path / "out" / "pip")
    stand_in = tmp_path / "bin" / "uv"
    stand_in.parent.mkdir()
    program = tmp_path / "uv.py"
    program.write_text(UV)
    # A first line names no interpreter in a path with a space.
    stand_in.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(program))} "$@"\n')
    stand_in.chmod(0o755)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(stand_in.parent))
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    for name in ("UV_TARGET", "UV_PYTHON_PLATFORM", "UV_CONSTRAINT", "UV_NO_BINARY"):
        monkeypatch.setenv(name, "elsewhere")
    build(requirements, PLATFORM, tmp_path / "out" / "uv")
    assert contents(tmp_path / "out" / "uv") == contents(tmp_path / "out" / "pip")


def test_without_pip_and_uv_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/nowhere")
    requirements = wheelhouse.pins(tmp_path, wheel(tmp_path / "wheels"))
    with pytest.raises(RuntimeError, match=r"neither pip nor uv is there: .* install pip beside pca-automator --"):
        build(requirements, PLATFORM, tmp_path / "out" / "layer")


def test_an_index_that_cannot_be_reached_is_not_blamed_on_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = wheelhouse.pins(tmp_path, wheel(tmp_path / "wheels"))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with index(tmp_path / "wheels") as url:
        monkeypatch.setenv("PIP_INDEX_URL", url)
    # Nobody listens there any more.
    with pytest.raises(RuntimeError, match="the package index cannot be reached"):
        build(requirements, PLATFORM, tmp_path / "out" / "layer")


def test_a_runtime_without_pinned_wheels_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"python3\.15 on arm64 cannot be had: wheels are pinned for python3\.12, "):
        build(REQUIREMENTS, Platform("python3.15", "arm64"), tmp_path / "out" / "layer")


def test_the_requirements_pin_wheels_of_every_platform_and_name_no_place() -> None:
    found = pins.read(REQUIREMENTS)
    assert {pin.name for pin in found} == {"cryptography", "cffi", "pycparser"}
    assert "://" not in re.sub(r"^#.*$", "", REQUIREMENTS.read_text(), flags=re.MULTILINE)
    for pin in found:
        if pin.name == "cffi":
            assert len(pin.hashes) >= len(RUNTIMES) * len(MACHINES), pin
    assert {f"python3.{minor}" for minor in (12, 13, 14)} == set(RUNTIMES)


@pytest.mark.parametrize(
    "line", ["native", "native==1.0", "native>=1.0 --hash=sha256:" + 64 * "0", "native==1.0 --hash=md5:" + 32 * "0",
             "--index-url https://example.com native==1.0 --hash=sha256:" + 64 * "0", ""],
)  # fmt: skip
def test_a_requirement_without_pins_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"{line}\n")
    with pytest.raises(ValueError, match=r"requirements\.txt (has|pins no package)"):
        pins.read(tmp_path / "requirements.txt")


@pytest.mark.parametrize(
    ("tag", "loads"),
    [
        ("cp314-cp314-manylinux_2_34_aarch64", True), ("cp314-cp314-manylinux2014_aarch64", True),
        ("cp39-abi3-manylinux_2_17_aarch64", True), ("py3-none-any", True), ("py3-none-manylinux1_aarch64", True),
        ("cp314-cp314-linux_aarch64", True), ("cp315-abi3-manylinux_2_28_aarch64", False),
        ("cp313-cp313-manylinux_2_28_aarch64", False), ("cp314-cp314t-manylinux_2_28_aarch64", False),
        ("cp314-cp314-manylinux_2_35_aarch64", False), ("cp314-cp314-manylinux_2_28_x86_64", False),
        ("cp314-cp314-musllinux_1_2_aarch64", False), ("cp314-cp314-win_arm64", False),
        ("cp314-cp314-macosx_11_0_arm64", False), ("py2-none-any", False),
    ],
)  # fmt: skip
def test_a_platform_takes_what_loads_there(tag: str, loads: bool) -> None:
    assert PLATFORM.takes(tag) is loads


@pytest.mark.long
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("architecture", MACHINES)
def test_the_pinned_wheels_are_what_the_index_has(
    runtime: str, architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the index of whoever runs the tests."""
    monkeypatch.undo()
    build(REQUIREMENTS, Platform(runtime, architecture), tmp_path / "layer")
