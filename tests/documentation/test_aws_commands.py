"""Every command of the AWS CLI that a page or a remedy names is an operation of its service, with options it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from pca_automator.cli.runtime import runtime
from tests.documentation.test_commands import PAGES, ROOT

# Commands that the AWS CLI has beside the operations of the services.
_CUSTOM = {("s3", "ls"), ("s3", "cp"), ("logs", "tail")}
# Options of the AWS CLI itself, which every operation takes.
_COMMON = {"--region", "--profile", "--query", "--output", "--endpoint-url", "--cli-binary-format"}
_COMMAND = re.compile(r"\baws ([a-z0-9-]+)\s+([a-z0-9-]+)([^`;\n]*(?:\\\n[^`;\n]*)*)")
_OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]+")


@cache
def operations(service: str) -> dict[str, Any]:
    """The operations of a service by the names that the AWS CLI gives them."""
    model = Session().get_service_model(service)
    return {xform_name(name, "-"): model.operation_model(name) for name in model.operation_names}


def named() -> Iterator[tuple[str, str, str]]:
    """Service, operation and the rest of each command."""
    catalogue = runtime("errors.catalogue").CATALOGUE.values()
    hints = [hint for hints in runtime("errors.service_codes").HINTS.values() for hint in hints]
    pages = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    for text in [*pages, *(entry.remedy for entry in catalogue), *(hint.remedy for hint in hints)]:
        yield from _COMMAND.findall(text)


def test_every_operation_exists_and_takes_its_options() -> None:
    found = set(named())
    assert len(found) > 8
    for service, operation, rest in found:
        if (service, operation) in _CUSTOM:
            continue
        assert operation in operations(service), (service, operation)
        shape = operations(service)[operation].input_shape
        members = {f"--{xform_name(name, '-')}" for name in shape.members} if shape else set()
        assert set(_OPTION.findall(rest)) <= members | _COMMON, (service, operation, rest)
        if service == "lambda" and "--payload" in rest:
            # The AWS CLI's second version takes base64 without it.
            assert "--cli-binary-format raw-in-base64-out" in rest


@pytest.mark.parametrize(("service", "operation"), [("acm-pca", "get-crl"), ("dynamodb", "restore-table")])
def test_an_operation_that_does_not_exist_is_found(service: str, operation: str) -> None:
    assert operation not in operations(service)
