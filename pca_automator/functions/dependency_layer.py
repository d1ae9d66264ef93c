"""The Lambda layer with the functions' packages: built at synthesis without Docker, or handed in and looked at.

It is built here and not by the CDK's bundling: what a killed build left must not be taken for a layer by the next
synthesis, and what goes wrong is one line and not a trace through Node.js.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import Annotations, AssetHashType, Stack, Stage
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from pca_automator.functions.packages.layer import build, identity, inspect, is_right
from pca_automator.functions.packages.platforms import Platform

_COMMAND = "build one with pca-automator layer OUT.zip"


def built_layer(
    scope: Construct, id: str, requirements: Path, runtime: lambda_.Runtime, architecture: lambda_.Architecture
) -> lambda_.LayerVersion:
    """One layer version for all functions, with the pinned packages.

    The asset's hash is that of the requirements with their hashes, the runtime and the architecture: the same hash
    means the same files, whatever machine, pip and index made them. Nothing is built for a stack that the CDK does not
    bundle for, as in unit tests or when another stack of the app is deployed; it then has another hash.

    Args:
        scope: where it belongs.
        id: of the layer version.
        requirements: pins with hashes.
        runtime: of the functions.
        architecture: of the functions.

    Raises:
        RuntimeError: it cannot be built; one line, with the package that is the reason, if one is.
    """
    platform = Platform(runtime.name, architecture.name)
    fingerprint = identity(requirements, platform)
    if not Stack.of(scope).bundling_required:
        return _version(scope, id, _code(requirements.parent, f"{fingerprint} not built"), runtime, architecture)
    stage = Stage.of(scope)
    assert stage is not None
    folder = Path(stage.asset_outdir, f"layer-{fingerprint}")
    if not folder.exists():
        # As the CDK says it: fetching may take a while.
        sys.stderr.write(f"Bundling asset {scope.node.path}/{id}...\n")
    build(requirements, platform, folder)
    layer = _version(scope, id, _code(folder, fingerprint), runtime, architecture)
    staged = _staged(layer)
    assert staged is not None
    # The CDK copies file by file, and takes what is there for a copy: also what it was killed in.
    if not is_right(requirements, platform, staged):
        shutil.rmtree(staged)
        shutil.copytree(folder, staged)
    return layer


def _code(folder: Path, fingerprint: str) -> lambda_.Code:
    return lambda_.Code.from_asset(str(folder), asset_hash=fingerprint, asset_hash_type=AssetHashType.CUSTOM)


def given_layer(
    scope: Construct,
    id: str,
    given: lambda_.ILayerVersion | Path,
    requirements: Path,
    runtime: lambda_.Runtime,
    architecture: lambda_.Architecture,
) -> lambda_.ILayerVersion:
    """A layer that is handed in, looked at as far as synthesis can see into it.

    An archive, a folder and a layer version of this app must have every package, whole and for the functions' platform;
    a newer version than the pinned one is a warning, for it may be a repaired one. Into an imported layer version
    nobody can see from here: that is a warning, too.

    Raises:
        ValueError: a package is missing, broken, for another platform, or older than the pinned one.
    """
    platform = Platform(runtime.name, architecture.name)
    place = given if isinstance(given, Path) else _staged(given)
    if place is not None:
        _look_at(scope, place, given, requirements, platform)
    elif not isinstance(given, lambda_.LayerVersion):
        Annotations.of(scope).add_warning_v2(
            "pca-automator:layer-unseen",
            "dependency_layer is imported: synthesis cannot see whether it has the packages of "
            f"{requirements.parent.name}/{requirements.name} for {platform}; {_COMMAND} after each upgrade",
        )
    if isinstance(given, Path):
        return _version(scope, id, lambda_.Code.from_asset(str(given)), runtime, architecture)
    return given


def _look_at(scope: Construct, place: Path, given: Any, requirements: Path, platform: Platform) -> None:
    name = str(given) if isinstance(given, Path) else given.node.path
    try:
        other = inspect(requirements, platform, place)
    except RuntimeError as error:
        raise ValueError(f"dependency_layer is {name}: {error}; {_COMMAND}") from error
    older = _spelled({name: pair for name, pair in other.items() if _order(pair[0]) < _order(pair[1])})
    if older:
        raise ValueError(
            f"dependency_layer is {name}: its packages are older than the pinned ones: {older}; {_COMMAND}"
        )
    if other:
        Annotations.of(scope).add_warning_v2(
            "pca-automator:layer-versions",
            f"dependency_layer has other versions than this library was tested with: {_spelled(other)}",
        )


def _staged(layer: lambda_.ILayerVersion) -> Path | None:
    """Where the CDK has put the code of a layer version of this app; None: it is imported, or its code is elsewhere."""
    if not isinstance(layer, lambda_.LayerVersion):
        return None
    asset = layer.node.try_find_child("Code")
    if not isinstance(asset, s3_assets.Asset):
        return None
    stage, stack = Stage.of(layer), Stack.of(layer)
    assert stage is not None
    place = Path(stage.outdir, asset.asset_path)
    # Where the CDK does not bundle, the folder may be the source of what it would have made.
    return place if stack.bundling_required or place.is_file() else None


def _version(
    scope: Construct, id: str, code: lambda_.Code, runtime: lambda_.Runtime, architecture: lambda_.Architecture
) -> lambda_.LayerVersion:
    return lambda_.LayerVersion(
        scope,
        id,
        code=code,
        compatible_architectures=[architecture],
        compatible_runtimes=[runtime],
        description="Third-party packages of pca-automator's functions",
    )


def _spelled(versions: Mapping[str, tuple[str, str]]) -> str:
    return ", ".join(f"{name} {there} in place of {pinned}" for name, (there, pinned) in versions.items())


def _order(version: str) -> tuple[int, ...]:
    """For a comparison of releases; what follows the numbers does not make a package older."""
    numbers = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
