"""Command documents: what SSM checks when one is created, and when it is sent with parameters."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import run_command as facts

_BYTES: int = facts.DOCUMENT_BYTES.value
_TYPES = {"String", "StringList", "Boolean", "Integer", "MapList", "StringMap"}
_STORED = re.compile(r"\{\{ *ssm:[/\w.:-]+ *\}\}")
_REFERENCE = re.compile(r"\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}")


@dataclasses.dataclass(frozen=True)
class Step:
    """One ``aws:runShellScript`` step."""

    name: str
    script: str
    timeout_seconds: float


@dataclasses.dataclass(frozen=True)
class Document:
    """One Command document of schema 2.2."""

    name: str
    version: int
    content: Mapping[str, Any]

    @classmethod
    def parse(cls, name: str, version: int, content: str | Mapping[str, Any]) -> Document:
        """Read and check a document's content, JSON or YAML."""
        try:
            parsed = yaml.safe_load(content) if isinstance(content, str) else content
        except yaml.YAMLError as error:
            raise ServiceError(
                "InvalidDocumentContent", f"The document cannot be read: {error}", fact=facts.DOCUMENT_FORM
            ) from error
        document = cls(name, version, parsed)
        document._check()
        return document

    def _check(self) -> None:
        if not isinstance(self.content, Mapping) or str(self.content.get("schemaVersion")) != "2.2":
            raise ServiceError(
                "InvalidDocumentSchemaVersion",
                "The simulated fleet runs documents of schema 2.2",
                fact=facts.DOCUMENT_FORM,
            )
        if len(json.dumps(self.content)) > _BYTES:
            raise ServiceError(
                "MaxDocumentSizeExceeded", f"The document is larger than {_BYTES} bytes", fact=facts.DOCUMENT_BYTES
            )
        for name, parameter in self.parameters.items():
            if parameter.get("type") not in _TYPES:
                raise ServiceError("InvalidDocumentContent", f"Parameter {name} has no type", fact=facts.DOCUMENT_FORM)
            if parameter.get("interpolationType") == "ENV_VAR" and parameter["type"] != "String":
                raise ServiceError(
                    "InvalidDocumentContent", f"Parameter {name}: ENV_VAR needs the type String", fact=facts.ENV_VAR
                )
            self._compiled(name, parameter)
        if not self.steps:
            raise ServiceError(
                "InvalidDocumentContent",
                "The document has no aws:runShellScript step for Linux",
                fact=facts.DOCUMENT_FORM,
            )
        for step in self.steps:
            if stored := _STORED.search(step.script):
                message = f"{stored[0]} is in no Parameter Store: the simulated fleet has none"
                raise ServiceError("InvalidDocumentContent", message, fact=facts.STORED_PARAMETERS)
            for reference in _REFERENCE.findall(step.script):
                if ":" not in reference and "." not in reference and reference not in self.parameters:
                    raise ServiceError(
                        "InvalidDocumentContent", f"Parameter {reference} is not declared", fact=facts.DOCUMENT_FORM
                    )

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """The declared parameters."""
        return self.content.get("parameters") or {}

    @property
    def steps(self) -> list[Step]:
        """The steps that run on Linux."""
        return [
            Step(
                step.get("name", "aws:runShellScript"),
                "\n".join(_lines(step["inputs"]["runCommand"])),
                float(step["inputs"].get("timeoutSeconds", 3600)),
            )
            for step in self.content.get("mainSteps") or []
            if step.get("action") == "aws:runShellScript" and _on_linux(step.get("precondition"))
        ]

    def values(self, given: Mapping[str, Any]) -> dict[str, str]:
        """The value of every parameter, checked as SendCommand checks it; raises InvalidParameters."""
        unknown = sorted(set(given) - set(self.parameters))
        if unknown:
            raise _invalid(f"document {self.name} does not support parameters. {', '.join(unknown)}")
        values = {name: self._value(name, parameter, given) for name, parameter in self.parameters.items()}
        if len(json.dumps(self.content)) + len(json.dumps(values)) > _BYTES:
            raise ServiceError(
                "MaxDocumentSizeExceeded",
                f"Document and parameters are larger than {_BYTES} bytes",
                fact=facts.DOCUMENT_BYTES,
            )
        return values

    def _value(self, name: str, parameter: Mapping[str, Any], given: Mapping[str, Any]) -> str:
        if name not in given:
            if "default" not in parameter:
                raise _invalid(f"Parameter {name} is required")
            value = _text(parameter["default"])
        else:
            value = _text(given[name])
        if parameter.get("allowedValues") and value not in map(_text, parameter["allowedValues"]):
            raise _invalid(f"Parameter {name}: the value is not one of the allowed values")
        pattern = self._compiled(name, parameter)
        if pattern is not None and not pattern.search(value):
            raise _invalid(f"Parameter {name} does not match the allowed pattern {parameter['allowedPattern']}")
        if stored := _STORED.search(value):
            message = f"Parameter {name}: {stored[0]} is in no Parameter Store: the simulated fleet has none"
            raise ServiceError("InvalidParameters", message, fact=facts.STORED_PARAMETERS)
        if not int(parameter.get("minChars", 0)) <= len(value) <= int(parameter.get("maxChars", _BYTES)):
            raise _invalid(f"Parameter {name} has a length that is not allowed")
        return value

    @staticmethod
    def _compiled(name: str, parameter: Mapping[str, Any]) -> re.Pattern[str] | None:
        if "allowedPattern" not in parameter:
            return None
        try:
            return re.compile(_end_of_text(parameter["allowedPattern"]))
        except re.error as error:
            raise ServiceError(
                "InvalidDocumentContent", f"Parameter {name}: {error}", fact=facts.DOCUMENT_FORM
            ) from error


def _end_of_text(pattern: str) -> str:
    r"""SSM's ``$`` ends the text; Python's would let a newline follow, so it becomes ``\Z``."""
    return re.sub(r"(\\.|\[(?:\\.|[^\]])*\])|\$", lambda match: match[1] or r"\Z", pattern)


def substituted(script: str, values: Mapping[str, str]) -> str:
    """The script with ``{{ name }}`` replaced by the value's text, as an agent without ENV_VAR does it."""
    return _REFERENCE.sub(lambda match: values.get(match[1], match[0]), script)


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameters", message, fact=facts.PARAMETERS)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lines(command: Any) -> list[str]:
    return [command] if isinstance(command, str) else [str(line) for line in command]


def _on_linux(precondition: Any) -> bool:
    operands = (precondition or {}).get("StringEquals")
    return operands is None or "Linux" in operands
