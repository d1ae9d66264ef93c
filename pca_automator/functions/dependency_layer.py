"""The Lambda layer's third-party wheels, installed by pip for Lambda's platform: no Docker."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

# The wheel tags that a Python function's Amazon Linux 2023 (glibc 2.34) can load, newest first.
# https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
_WHEEL_PLATFORMS = {
    lambda_.Architecture.ARM_64.name: ("manylinux_2_34_aarch64", "manylinux_2_28_aarch64", "manylinux2014_aarch64"),
    lambda_.Architecture.X86_64.name: ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64"),
}


@jsii.implements(ILocalBundling)
class _PipBundling:
    """Installs ``requirements.txt`` into the layer with the pip of the interpreter that synthesizes."""

    def __init__(self, requirements: Path, python_version: str, platforms: tuple[str, ...]) -> None:
        self._requirements = requirements
        self._python_version = python_version
        self._platforms = platforms

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        """Fill ``output_dir/python``; the CDK calls it at synthesis.

        Raises:
            RuntimeError: pip failed; carries what pip said.
        """
        command = [*_pip(), "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
        command += ["--target", str(Path(output_dir, "python")), "--requirement", str(self._requirements)]
        command += ["--implementation", "cp", "--python-version", self._python_version, "--only-binary", ":all:"]
        command += [part for platform in self._platforms for part in ("--platform", platform)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(
                f"pip could not install the Lambda layer's packages ({self._requirements.name}) for "
                f"{self._platforms[0]}, Python {self._python_version}; it said: {done.stderr.strip()[-2000:]} "
                "-- check that a package index is reachable, or pass dependency_layer"
            )
        return True


def _pip() -> list[str]:
    """A pip, whichever there is: wheels for Lambda are chosen by options, not by the interpreter that runs it.

    Environments that uv makes have none; every other Python carries the wheel that ``ensurepip`` would install.

    Raises:
        RuntimeError: there is none.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    ensurepip = importlib.util.find_spec("ensurepip")
    folders = [Path(each, "_bundled") for each in (ensurepip.submodule_search_locations if ensurepip else None) or []]
    wheel = next((each for folder in folders for each in sorted(folder.glob("pip-*.whl"))), None)
    if wheel is not None:
        return [sys.executable, str(wheel / "pip")]
    found = shutil.which("pip3") or shutil.which("pip")
    if found is not None:
        return [found]
    raise RuntimeError(
        f"the Lambda layer's packages are installed by pip, and {sys.executable} has none, nor is one on PATH: install "
        "pip beside pca-automator (uv pip install pip), or pass a dependency_layer"
    )


def dependency_layer_code(
    requirements: Path, runtime: lambda_.Runtime, architecture: lambda_.Architecture
) -> lambda_.Code:
    """The code of the dependency layer.

    Its hash is that of the requirements, the runtime and the architecture, and not that of the installed files, which
    hold the installing machine's traces. The requirements pin every package exactly, so the same hash means the same
    packages.

    Args:
        requirements: a file of exact pins.
        runtime: the functions' runtime; its Python version selects the wheels.
        architecture: the functions' architecture; selects the wheels.
    """
    python_version = runtime.name.removeprefix("python")
    platforms = _WHEEL_PLATFORMS[architecture.name]
    identity = "\n".join((requirements.read_text(encoding="utf-8"), runtime.name, *platforms))
    return lambda_.Code.from_asset(
        str(requirements.parent),
        asset_hash=hashlib.sha256(identity.encode()).hexdigest(),
        asset_hash_type=AssetHashType.CUSTOM,
        bundling=BundlingOptions(
            image=runtime.bundling_image, local=_PipBundling(requirements, python_version, platforms)
        ),
    )


def dependency_layer(
    scope: Construct, id: str, requirements: Path, runtime: lambda_.Runtime, architecture: lambda_.Architecture
) -> lambda_.LayerVersion:
    """One layer version for all functions."""
    return lambda_.LayerVersion(
        scope,
        id,
        code=dependency_layer_code(requirements, runtime, architecture),
        compatible_architectures=[architecture],
        compatible_runtimes=[runtime],
        description="Third-party packages of pca-automator's functions",
    )
