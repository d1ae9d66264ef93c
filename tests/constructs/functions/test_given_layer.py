"""A layer that is handed in has every package, whole and for the functions' platform, or it is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match
from typer.testing import CliRunner

from pca_automator import FunctionSettings
from pca_automator.cli.main import app as command
from pca_automator.functions.dependency_layer import given_layer
from pca_automator.functions.packages import fetching
from tests.constructs.functions import wheelhouse
from tests.constructs.functions.wheelhouse import ARM, ELF, wheel
from tests.synthesis import automation, new_app, resources, template_of

RUNTIME, ARCHITECTURE = lambda_.Runtime.PYTHON_3_14, lambda_.Architecture.ARM_64


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    """What is pinned: one package."""
    return wheelhouse.pins(tmp_path / "pins", wheel(tmp_path / "pinned"))


def archive(tmp_path: Path, made: Path, below: str = "python") -> Path:
    """A layer with one wheel."""
    written = tmp_path / "layer.zip"
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(written, "w") as target:
        for name in source.namelist():
            target.writestr(f"{below}/{name}", source.read(name))
    return written


def given(stack: Stack, layer: Any, requirements: Path) -> lambda_.ILayerVersion:
    return given_layer(stack, "Dependencies", layer, requirements, RUNTIME, ARCHITECTURE)


@pytest.mark.parametrize("below", ["python", "python/lib/python3.14/site-packages"])
def test_an_archive_becomes_the_layer(below: str, tmp_path: Path, requirements: Path) -> None:
    stack = Stack(new_app(), "Consumer")
    given(stack, archive(tmp_path, wheel(tmp_path), below), requirements)
    (layer,) = resources(template_of(stack), "AWS::Lambda::LayerVersion").values()
    assert layer["Properties"]["CompatibleRuntimes"] == ["python3.14"]
    assert layer["Properties"]["CompatibleArchitectures"] == ["arm64"]
    assert not Annotations.from_stack(stack).find_warning("*", Match.any_value())


def a_text_file(tmp_path: Path) -> Path:
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer" / "readme.txt").write_text("soon")
    return tmp_path / "layer"


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda tmp: tmp / "nowhere.zip", "neither a folder nor a ZIP archive"),
    "no archive": (lambda tmp: wheelhouse.pins(tmp, wheel(tmp)), "neither a folder nor a ZIP archive"),
    "one text file": (a_text_file, r"native==1\.0 is missing"),
    "packages beside the folder": (lambda tmp: archive(tmp, wheel(tmp), "lib"), r"native==1\.0 is missing"),
    "another runtime's folder": (
        lambda tmp: archive(tmp, wheel(tmp), "python/lib/python3.13/site-packages"), r"native==1\.0 is missing",
    ),
    "Windows": (lambda tmp: archive(tmp, wheel(tmp, tag="cp314-cp314-win_amd64")), "a wheel for cp314-cp314-win_amd64"),
    "another architecture": (
        lambda tmp: archive(tmp, wheel(tmp, tag="cp314-cp314-manylinux_2_28_x86_64")), "does not load on python3.14 on",
    ),
    "a module of another architecture": (
        lambda tmp: archive(tmp, wheel(tmp, files={"_n.so": ELF["x86_64"]})), "_n.so, a native module that does not",
    ),
    "a changed file": (
        lambda tmp: archive(tmp, wheel(tmp, files={"a.py": b"1"}, unrecorded={"a.py": b"2"})), "another a.py than its",
    ),
    "an older version": (
        lambda tmp: archive(tmp, wheel(tmp, version="0.9")), r"older than the pinned ones: native 0\.9 in place",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_layer_that_could_not_work_is_refused(wrong: str, tmp_path: Path, requirements: Path) -> None:
    make, said = WRONG[wrong]
    stack = Stack(new_app(), "Consumer")
    with pytest.raises(
        ValueError, match=f"^dependency_layer is {tmp_path}.*{said}.*build one with pca-automator layer"
    ):
        given(stack, make(tmp_path), requirements)


def test_a_layer_version_of_the_app_is_looked_at_too(tmp_path: Path, requirements: Path) -> None:
    stack = Stack(App(outdir=str(tmp_path / "out")), "Consumer")
    good = lambda_.LayerVersion(stack, "Good", code=lambda_.Code.from_asset(str(archive(tmp_path, wheel(tmp_path)))))
    assert given(stack, good, requirements) is good
    bad = lambda_.LayerVersion(stack, "Bad", code=lambda_.Code.from_asset(str(a_text_file(tmp_path))))
    with pytest.raises(ValueError, match=r"^dependency_layer is Consumer/Bad: native==1\.0 is missing"):
        given(stack, bad, requirements)


def test_a_newer_version_is_warned_of(tmp_path: Path, requirements: Path) -> None:
    """It may be a repaired one that must not wait for the next release of the library."""
    stack = Stack(new_app(), "Consumer")
    given(stack, archive(tmp_path, wheel(tmp_path, version="1.0.1")), requirements)
    expected = Match.string_like_regexp("other versions than .*: native 1.0.1 in place of 1.0")
    Annotations.from_stack(stack).has_warning("/Consumer", expected)


def test_an_imported_layer_is_warned_of(requirements: Path) -> None:
    stack = Stack(new_app(), "Consumer")
    arn = "arn:aws:lambda:eu-central-1:111122223333:layer:dependencies:7"
    imported = lambda_.LayerVersion.from_layer_version_arn(stack, "Imported", arn)
    assert given(stack, imported, requirements) is imported
    Annotations.from_stack(stack).has_warning("/Consumer", Match.string_like_regexp("cannot see whether it has the"))


def test_the_construct_looks_at_what_it_is_given(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dependency_layer is .*layer: cryptography==[0-9.]+ is missing"):
        automation(functions=FunctionSettings(dependency_layer=a_text_file(tmp_path)))


@pytest.fixture
def fetched(tmp_path: Path, requirements: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command's requirements are the test's, and what pip would fetch is the pinned wheel."""
    (tmp_path / "layer").mkdir()
    shutil.copy(requirements, tmp_path / "layer" / "requirements.txt")

    def fetch(arguments: list[str], *_: Any) -> None:
        shutil.copy(tmp_path / "pinned" / f"native-1.0-{ARM}.whl", arguments[arguments.index("--dest") + 1])

    monkeypatch.setattr("pca_automator.cli.verbs.layer.lambda_source", lambda: tmp_path)
    monkeypatch.setattr(fetching, "_run", fetch)
    monkeypatch.setattr(fetching, "_pip_environment", lambda _: {})
    return tmp_path


def test_the_command_writes_an_archive_that_the_construct_takes(fetched: Path, requirements: Path) -> None:
    out = fetched / "out.zip"
    done = CliRunner().invoke(command, ["layer", str(out), "--output", "jsonl"])
    assert done.exit_code == 0, done.output
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert done.stderr == f"{out} written\n"
    told = {"archive": str(out), "packages": 1, "runtime": "python3.14", "architecture": "arm64", "sha256": digest}
    assert json.loads(done.stdout) == told
    given(Stack(new_app(), "Consumer"), out, requirements)
    before = out.read_bytes()
    assert CliRunner().invoke(command, ["layer", str(out)]).exit_code == 0
    assert out.read_bytes() == before
    with zipfile.ZipFile(out) as made:
        assert {(each.external_attr >> 16) & 0o777 for each in made.infolist()} == {0o644}


def test_what_the_command_cannot_build_is_one_line_and_leaves_the_former_archive(fetched: Path) -> None:
    """The one package's wheel is for another architecture."""
    (fetched / "out.zip").write_bytes(b"former")
    done = CliRunner().invoke(command, ["layer", str(fetched / "out.zip"), "--architecture", "x86_64"])
    assert done.exit_code == 1
    assert done.stderr.startswith(
        "error: the functions' packages for python3.14 on x86_64 cannot be had: native==1.0 is a"
    )
    assert done.stderr.count("\n") == 1
    assert (fetched / "out.zip").read_bytes() == b"former"
    assert not list(fetched.glob(".layer*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["out.tar"], "out.tar: give the name of a file that ends in .zip"),
        (["nowhere/out.zip"], "nowhere/out.zip: there is no folder "),
        (["out.zip", "--architecture", "arm"], "--architecture is 'arm': it must be one of arm64, x86_64"),
        (["out.zip", "--runtime", "python3.9"], "--runtime is 'python3.9': it must be one of python3.12, "),
    ],
)
def test_a_wrong_argument_is_told_before_anything_is_fetched(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command, ["layer", *arguments])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {said}")
    assert list(tmp_path.iterdir()) == []
