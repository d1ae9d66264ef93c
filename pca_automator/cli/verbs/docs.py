"""``pca-automator docs``: the pages of the documentation, as they belong to this version."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pca_automator.cli import pages
from pca_automator.cli.errors import one_line


def _names(incomplete: str) -> list[str]:
    return [name for name in pages.pages() if name.startswith(incomplete)]


def docs(
    name: Annotated[
        str | None,
        typer.Argument(metavar="PAGE", autocompletion=_names, help="Such as operations. Default: which there are."),
    ] = None,
) -> None:
    """The pages of the documentation: runbooks, error codes, hosts, revocation, ...; needs no deployment."""
    with one_line():
        if name is not None:
            sys.stdout.write(pages.page(name))
            return
        known = pages.pages()
        width = max(map(len, known))
        sys.stdout.writelines(f"{each:<{width}}  {pages.title(path)}\n" for each, path in known.items())
