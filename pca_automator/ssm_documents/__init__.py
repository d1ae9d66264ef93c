"""The SSM Command documents, put together from ``*.yaml`` and ``shell/*.sh``.

A document's YAML names its parameters, which ``parameters.yaml`` defines once for all documents, and the shell files
that make up its script. Nothing here needs ``aws_cdk``: constructs, tests and the local AWS load the same documents.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml

__all__ = ["DOCUMENT_NAMES", "load_document", "script"]

DOCUMENT_NAMES = ("GenerateCsr", "InstallCertificate", "InspectCertificate", "RemoveCertificate")

_FOLDER = files(__name__)


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
        parameter: {"type": "String", "interpolationType": "ENV_VAR", **definitions[parameter]}
        for parameter in document["parameters"]
    }
    (step,) = document["mainSteps"]
    step["inputs"]["runCommand"] = _compose(list(document["parameters"]), step["inputs"]["runCommand"])
    return document


def script(name: str) -> str:
    """The shell script of one document, with ``{{ parameter }}`` still in it."""
    (step,) = load_document(name)["mainSteps"]
    return "\n".join(step["inputs"]["runCommand"]) + "\n"


def _compose(parameters: list[str], shell_files: list[str]) -> list[str]:
    # Agents before 3.3.2746.0 know no ENV_VAR: they paste the value where its name stands in braces. Between single
    # quotes it is data, because no allowedPattern lets a single quote through.
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-troubleshooting.html
    fallbacks = [f"if [ -z \"${{SSM_{name}+x}}\" ]; then SSM_{name}='{{{{ {name} }}}}'; fi" for name in parameters]
    origin = f"# pca-automator, composed of {' '.join(shell_files)}; the comments are in those files"
    lines = ["#!/bin/sh", origin, *fallbacks]
    for shell_file in shell_files:
        lines.append(_compact((_FOLDER / "shell" / shell_file).read_text(encoding="utf-8")))
    return lines


def _compact(text: str) -> str:
    # SSM takes at most 64 KB, and certificate and chain come on top as parameters: comments and indentation go, and a
    # file is one string, whose lines are two characters apart and not four. No string in the shell files goes on in a
    # line that starts with "#" or a space.
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-creating-content.html
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def _read_yaml(file_name: str) -> Any:
    return yaml.safe_load((_FOLDER / file_name).read_text(encoding="utf-8"))
