"""The SSM Command documents, put together from ``*.yaml`` and ``shell/*.sh``.

A document's YAML names its parameters, which ``parameters.yaml`` defines once for all documents, and the shell files
that make up its script. Nothing here needs ``aws_cdk``: constructs, tests and the local AWS load the same documents.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["DOCUMENT_NAMES", "load_document", "script"]

DOCUMENT_NAMES = ("GenerateCsr", "InstallCertificate", "InspectCertificate", "RemoveCertificate")

_FOLDER = files(__name__)
# Functions, assignments, loops, and what read fills.
_NAMES = re.compile(
    r"^([a-z][a-z0-9_]*)\(\)|(?<![\w$.\\-])([a-z][a-z0-9_]*)=|\bfor ([a-z][a-z0-9_]*) |\bread -r ([a-z_ ]+)",
    re.MULTILINE,
)
_WORD = re.compile(r"(?<![\w.\\-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w.])")


def load_document(name: str) -> dict[str, Any]:
    """The content of one document, as ``ssm:CreateDocument`` takes it.

    Args:
        name: one of :data:`DOCUMENT_NAMES`.

    Raises:
        ValueError: there is no such document.
    """
    if name not in DOCUMENT_NAMES:
        raise ValueError(f"no document is called {name!r}: the documents are {', '.join(DOCUMENT_NAMES)}")
    document: dict[str, Any] = _read_yaml(f"{name}.yaml")
    definitions = _read_yaml("parameters.yaml")
    document["parameters"] = {
        parameter: {"type": "String", "interpolationType": "ENV_VAR", **_without_description(definitions[parameter])}
        for parameter in document["parameters"]
    }
    (step,) = document["mainSteps"]
    step["inputs"]["runCommand"] = _compose(list(document["parameters"]), step["inputs"]["runCommand"])
    return document


def script(name: str) -> str:
    """The shell script of one document, with ``{{ parameter }}`` still in it."""
    (step,) = load_document(name)["mainSteps"]
    return "\n".join(step["inputs"]["runCommand"]) + "\n"


def _without_description(definition: dict[str, Any]) -> dict[str, Any]:
    # It would take room from the values: see _compact.
    return {key: value for key, value in definition.items() if key != "description"}


def _compose(parameters: list[str], shell_files: list[str]) -> list[str]:
    # Agents before 3.3.2746.0 know no ENV_VAR: they paste the value where its name stands in braces. Between single
    # quotes it is data, because no allowedPattern lets a single quote through.
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-troubleshooting.html
    fallbacks = [f"[ \"${{SSM_{name}+x}}\" ] || SSM_{name}='{{{{ {name} }}}}'" for name in parameters]
    origin = f"# pca-automator, composed of {' '.join(shell_files)}; names and comments are in those files"
    texts = [_compact((_FOLDER / "shell" / shell_file).read_text(encoding="utf-8")) for shell_file in shell_files]
    return ["#!/bin/sh", origin, *fallbacks, *_shorten(texts)]


def _compact(text: str) -> str:
    # SSM takes at most 64 KB, and certificate and chain come on top as parameters: comments and indentation go, names
    # are shortened, and a file is one string, whose lines are two characters apart and not four. No string in the shell
    # files goes on in a line that starts with "#" or a space.
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-creating-content.html
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def _shorten(texts: list[str]) -> list[str]:
    # Names of two words and more become their initials behind an underscore, which begins no command's name:
    # look_at_public_paths is _lapp. A name that ends in _seconds is a setting and stays.
    names = {name for text in texts for found in _NAMES.findall(text) for name in " ".join(found).split()}
    short: dict[str, str] = {}
    for name in sorted(name for name in names if "_" in name and not name.endswith("_seconds")):
        initials = "_" + "".join(word[0] for word in name.split("_"))
        number = 0
        while (candidate := f"{initials}{number or ''}") in short.values():
            number += 1
        short[name] = candidate
    return [_WORD.sub(lambda found: short.get(found[0], found[0]), text) for text in texts]


def _read_yaml(file_name: str) -> Any:
    return yaml.safe_load((_FOLDER / file_name).read_text(encoding="utf-8"))
