"""``pca-automator layer``: the functions' packages as an archive, for machines that synthesize without an index."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from pca_automator._internal.assets import lambda_source
from pca_automator.cli.errors import USAGE, Trouble, one_line
from pca_automator.cli.output import Output, say, show
from pca_automator.cli.verbs.verb import OutputOption
from pca_automator.cli.waiting import WAITING

_ARCHITECTURES = ("arm64", "x86_64")


def layer(
    archive: Annotated[Path, typer.Argument(metavar="OUT.zip", help="The archive to write.")],
    architecture: Annotated[
        str, typer.Option("--architecture", metavar="|".join(_ARCHITECTURES), help="Of the functions.")
    ] = "arm64",
    runtime: Annotated[
        str, typer.Option("--runtime", metavar="NAME", help="Of the functions, from python3.12 on.")
    ] = "python3.14",
    output: OutputOption = Output.TABLE,
) -> None:
    """Build the functions' packages into an archive for FunctionSettings(dependency_layer=Path("OUT.zip"))."""
    from pca_automator.functions.packages.layer import pack
    from pca_automator.functions.packages.platforms import RUNTIMES, Platform

    with one_line():
        for option, value, allowed in (("architecture", architecture, _ARCHITECTURES), ("runtime", runtime, RUNTIMES)):
            if value not in allowed:
                raise Trouble(f"--{option} is {value!r}: it must be one of {', '.join(allowed)}", USAGE)
        if archive.suffix != ".zip" or archive.is_dir():
            raise Trouble(f"{archive}: give the name of a file that ends in .zip", USAGE)
        if not archive.absolute().parent.is_dir():
            raise Trouble(f"{archive}: there is no folder {archive.absolute().parent}", USAGE)
        WAITING.begin()
        WAITING.about("the packages from the index of pip")
        try:
            packages = pack(lambda_source() / "layer" / "requirements.txt", Platform(runtime, architecture), archive)
        except RuntimeError as error:
            raise Trouble(str(error)) from error
        finally:
            WAITING.end()
        answer = {
            "archive": str(archive),
            "packages": len(packages),
            "runtime": runtime,
            "architecture": architecture,
            "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        }
        show(output, answer, answer.items())
        say(f"{archive} written")
