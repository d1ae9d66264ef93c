"""Arguments that several verbs of ``pca-automator hosts`` take."""

from __future__ import annotations

from typing import Annotated

import typer

from pca_automator.cli.deployed import overrides
from pca_automator.cli.verbs.completion import host_ids

IdsArgument = Annotated[
    list[str], typer.Argument(metavar="ID", autocompletion=host_ids, help="EC2 instance ids or hybrid node ids.")
]
OverrideOption = Annotated[
    list[str] | None,
    typer.Option(
        "--override",
        metavar="NAME=VALUE",
        autocompletion=lambda incomplete: [f"{name}=" for name in overrides.names() if name.startswith(incomplete)],
        help="An attribute of these hosts, such as keyAlgorithm=EC_prime256v1 or dnsNames=a.example,b.example.",
    ),
]
