"""The SSM Command documents, put together from ``*.yaml`` and ``shell/*.sh``.

A document's YAML names its parameters, which ``parameters.yaml`` defines once for all documents, the constants that a
deployment seals into its text, which ``sealed.yaml`` defines, and the shell files that make up its script. Nothing here
needs ``aws_cdk``: constructs, tests and the local AWS load the same documents.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from importlib.resources import files
from itertools import product
from string import ascii_lowercase
from typing import Any

import yaml

from pca_automator.ssm_documents.lines import joined

__all__ = ["DOCUMENT_NAMES", "SEALED", "load_document", "script", "sealed_values", "shell_files"]

DOCUMENT_NAMES = ("GenerateCsr", "InstallCertificate", "InspectCertificate", "RemoveCertificate")

_FOLDER = files(__name__)
# Functions, assignments, loops, and what read fills.
_NAMES = re.compile(
    r"^([a-z][a-z0-9_]*)\(\)|(?<![\w$.\\-])([a-z][a-z0-9_]*)=|\bfor ([a-z][a-z0-9_]*) |\bread -r ([a-z_ ]+)",
    re.MULTILINE,
)
# With what shows a variable before it, or nothing.
_USES = re.compile(r"(\$\{?#?|^(?=[a-z][a-z0-9]*=))?(?<![\w.\\-])([a-z][a-z0-9_]*)(?![\w.])", re.MULTILINE)
_RESERVED = {"do", "fi", "if", "in"}
# As the first argument of those that take a code, outside of quotes.
_CODES = re.compile(r"(\b(?:fail|must|notice) )([A-Z]+(?:_[A-Z]+)+)(?= )")
_SEALED_LINE = re.compile(r"^SEALED_(\w+)='([^']*)'$", re.MULTILINE)


@cache
def _parsed(file_name: str) -> Any:
    return yaml.safe_load((_FOLDER / file_name).read_text(encoding="utf-8"))


def _read_yaml(file_name: str) -> Any:
    """A copy of its own for each who asks: documents are filled in."""
    return deepcopy(_parsed(file_name))


SEALED: Mapping[str, Mapping[str, Any]] = _read_yaml("sealed.yaml")
"""Every constant that may be sealed: its description, default, longest value and pattern."""


def load_document(
    name: str, constants: Mapping[str, str] | None = None, *, deferred: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The content of one document, as ``ssm:CreateDocument`` takes it.

    Args:
        name: one of :data:`DOCUMENT_NAMES`.
        constants: values of :data:`SEALED` that are known now. Those that this document has no use for are left out.
            Default: each has the default of its definition.
        deferred: further constants as the shell is to read them, quotes and all: what only CloudFormation knows.
            Default: none.

    Raises:
        ValueError: there is no such document or constant, or a value is not allowed; names it and what is.
    """
    if name not in DOCUMENT_NAMES:
        raise ValueError(f"no document is called {name!r}: the documents are {', '.join(DOCUMENT_NAMES)}")
    document: dict[str, Any] = _read_yaml(f"{name}.yaml")
    definitions = _read_yaml("parameters.yaml")
    document["parameters"] = {
        parameter: {"type": "String", "interpolationType": "ENV_VAR", **_without_description(definitions[parameter])}
        for parameter in document["parameters"]
    }
    quoted = _quoted(constants or {}, deferred or {})
    sealed = [f"SEALED_{constant}={quoted[constant]}" for constant in document.pop("sealed")]
    (step,) = document["mainSteps"]
    step["inputs"]["runCommand"] = _compose(sealed, list(document["parameters"]), step["inputs"]["runCommand"])
    return document


def script(name: str, constants: Mapping[str, str] | None = None) -> str:
    """The shell script of one document, with ``{{ parameter }}`` still in it."""
    (step,) = load_document(name, constants)["mainSteps"]
    return "\n".join(step["inputs"]["runCommand"]) + "\n"


def shell_files(name: str) -> list[str]:
    """The files of the folder ``shell`` that a document's script is put together from, in their order."""
    (step,) = _read_yaml(f"{name}.yaml")["mainSteps"]
    return [str(file) for file in step["inputs"]["runCommand"]]


def sealed_values(document: Mapping[str, Any]) -> dict[str, str]:
    """The constants that stand in the text of a deployed document.

    Args:
        document: its content.
    """
    lines = [str(line) for step in document["mainSteps"] for line in step["inputs"]["runCommand"]]
    return dict(_SEALED_LINE.findall("\n".join(lines)))


def _without_description(definition: Mapping[str, Any]) -> dict[str, Any]:
    # It would take room from the values: see _compact.
    return {key: value for key, value in definition.items() if key != "description"}


def _quoted(constants: Mapping[str, str], deferred: Mapping[str, str]) -> dict[str, str]:
    if unknown := sorted({*constants, *deferred} - set(SEALED)):
        raise ValueError(f"{', '.join(unknown)} cannot be sealed: the constants are {', '.join(SEALED)}")
    values = {name: constants.get(name, definition["default"]) for name, definition in SEALED.items()}
    for name, value in values.items():
        pattern, longest = SEALED[name]["allowedPattern"], SEALED[name]["maxChars"]
        if len(value) > longest or not re.fullmatch(pattern, value):
            raise ValueError(
                f"{name} is {value[:200]!r}: it must match {pattern} and have at most {longest} characters"
            )
    # No pattern lets a quote or a brace through, so this is quoting enough, and nothing that the agent would fill in.
    return {name: f"'{value}'" for name, value in values.items()} | dict(deferred)


def _compose(sealed: Iterable[str], parameters: Iterable[str], shell_files: Iterable[str]) -> list[str]:
    # Agents before 3.3.2746.0 know no ENV_VAR: they paste the value where its name stands in braces. Between single
    # quotes it is data, because no allowedPattern lets a single quote through.
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-troubleshooting.html
    fallbacks = [f"[ \"${{SSM_{name}+x}}\" ] || SSM_{name}='{{{{ {name} }}}}'" for name in parameters]
    # Which files these are, the document's YAML says.
    origin = "# pca-automator; names and comments are in its folder ssm_documents/shell"
    texts = tuple(_compact((_FOLDER / "shell" / shell_file).read_text(encoding="utf-8")) for shell_file in shell_files)
    codes, lines = _abbreviate(_shorten(texts))
    return ["#!/bin/sh", origin, *sealed, *fallbacks, *codes, *(joined(text) for text in lines)]


def _compact(text: str) -> str:
    # SSM takes at most 64 KB, and certificate and chain come on top as parameters: comments and indentation go, names
    # are shortened, and a file is one string, whose lines are two characters apart and not four. No string in the shell
    # files goes on in a line that starts with "#" or a space.
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-creating-content.html
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def _abbreviate(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Codes that often stand behind a function that takes one become variables: the lines that set these, and texts."""
    uses = Counter(found[2] for text in texts for found in _CODES.finditer(text))
    often = sorted(code for code, count in uses.items() if count > 2)
    short = {code: f"_{number}" for number, code in enumerate(often)}

    def abbreviated(found: re.Match[str]) -> str:
        return f"{found[1]}${short[found[2]]}" if found[2] in short else found[0]

    return [f"{name}={code}" for code, name in short.items()], [_CODES.sub(abbreviated, text) for text in texts]


@cache
def _shorten(texts: tuple[str, ...]) -> list[str]:
    # The more often a name is used, the shorter it becomes; that of a function behind an underscore, which begins no
    # name of a command. One of two words and more is found wherever it stands; a variable of one word only where it is
    # one beyond doubt. A name that ends in _seconds is a setting and stays.
    whole = "\n".join(texts)
    names = {name for found in _NAMES.findall(whole) for name in " ".join(found).split()}
    phrases = {name for name in names if "_" in name and not name.endswith("_seconds")}
    words = {name for name in names if "_" not in name and len(name) > 2 and _is_plain_variable(name, whole)}
    uses = Counter(found[1] or found[2] for found in _USES.finditer(whole))
    ranked = sorted(phrases | words, key=lambda name: (-uses[name] * len(name), name))
    functions = {found[1] for found in _NAMES.finditer(whole)}
    taken = set(re.findall(r"\w+", whole))
    plain = (name for name in _short_names() if name not in taken and name not in _RESERVED)
    underscored = (f"_{name}" for name in _short_names())
    short = {name: next(underscored if name in functions else plain) for name in ranked}

    def renamed(found: re.Match[str]) -> str:
        name, variable = found[2], found[1]
        if name in phrases or (variable is not None and name in words):
            return f"{variable or ''}{short[name]}"
        return found[0]

    return [_USES.sub(renamed, text) for text in texts]


def _short_names() -> Iterator[str]:
    for length in (1, 2):
        for letters in product(ascii_lowercase, repeat=length):
            yield "".join(letters)


def _is_plain_variable(name: str, text: str) -> bool:
    """Whether it is only ever assigned at the begin of a line, and read with a dollar sign."""
    assigned = len(re.findall(rf"(?<![\w$.\\-]){name}=", text))
    at_begin = len(re.findall(rf"^{name}=", text, re.MULTILINE))
    bare = re.search(rf"\$\(\([^\n]*(?<![\w$]){name}\b|\b(?:for|read -r|unset|export)\b[^\n]*\b{name}\b", text)
    return assigned > 0 and assigned == at_begin and bare is None
