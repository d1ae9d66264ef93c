"""``pca-automator docs``: the pages of the documentation, as they belong to this version."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pca_automator.cli import pages
from pca_automator.cli.errors import one_line
from pca_automator.cli.output import Output, show, show_rows
from pca_automator.cli.verbs.verb import OutputOption

_COLUMNS = ("page", "title")


def _names(incomplete: str) -> list[str]:
    return [name for name in pages.pages() if name.startswith(incomplete)]


def docs(
    name: Annotated[
        str | None,
        typer.Argument(metavar="PAGE", autocompletion=_names, help="Such as operations. Default: which there are."),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """The pages of the documentation: runbooks, error codes, hosts, revocation, ...; needs no deployment."""
    with one_line():
        if name is None:
            known = pages.pages().items()
            show_rows(output, ({"page": each, "title": pages.title(path)} for each, path in known), _COLUMNS)
        elif output is Output.TABLE:
            sys.stdout.write(pages.page(name))
        else:
            show(output, {"page": name, "text": pages.page(name)}, ())
