"""Every command of the AWS CLI that is said is an operation of its service, with options and values that it takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from tests.documentation import said

# Commands that the AWS CLI has beside the operations of the services, in its first version and its second.
_CUSTOM = {("s3", "ls"), ("s3", "cp")}
# Options of the AWS CLI itself, which every operation takes.
_COMMON = {
    "--region", "--profile", "--query", "--output", "--endpoint-url", "--cli-binary-format", "--cli-input-json",
}  # fmt: skip
_BLOCK = re.compile(r"^ *```(?:sh|console)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
# A truth value has two options.
_NO = "--no-"


@cache
def operations(service: str) -> dict[str, Any]:
    """The operations of a service by the names that the AWS CLI gives them."""
    model = Session().get_service_model(service)
    return {xform_name(name, "-"): model.operation_model(name) for name in model.operation_names}


def named() -> Iterator[str]:
    """Every command that is said: in the blocks and spans of pages, between a remedy's backticks, in messages."""
    for page in said.PAGES:
        text = said.page(page)
        for block in _BLOCK.findall(text):
            yield from _commands(block.replace("\\\n", " ").splitlines())
        yield from _commands(re.findall(r"`([^`]+)`", _BLOCK.sub("", text)))
    for text in said.remedies():
        yield from _commands(re.findall(r"`([^`]+)`", text))
    yield from _commands(said.messages())


def _commands(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        line = " ".join(text.strip().removeprefix("$ ").split())
        if re.match(r"aws [a-z]", line):
            yield line


def check_aws(line: str) -> None:
    """Refuse what the AWS CLI would not take: another service, operation or option, or what nobody can copy."""
    assert line.startswith("aws ")
    words = shlex.split(line.partition(" # ")[0])
    service, operation, rest = words[1], words[2], words[3:]
    if (service, operation) in _CUSTOM:
        return
    assert operation in operations(service), line
    shape = operations(service)[operation].input_shape
    members = {f"--{xform_name(name, '-')}" for name in shape.members} if shape else set()
    options = {word.partition("=")[0] for word in rest if word.startswith("--")}
    assert {option.replace(_NO, "--") for option in options} <= members | _COMMON, line
    if service == "lambda" and "--payload" in rest:
        # The AWS CLI's second version takes base64 without it.
        assert "--cli-binary-format raw-in-base64-out" in line
    required = {f"--{xform_name(name, '-')}" for name in (shape.required_members if shape else ())}
    if rest and "..." not in rest and "--cli-input-json" not in options:
        assert required <= options, line


def test_every_command_is_one_that_the_aws_cli_takes() -> None:
    found = set(named())
    assert len(found) > 20
    for line in found:
        check_aws(line)


@pytest.mark.parametrize(
    "line",
    [
        "aws acm-pca get-crl --certificate-authority-arn x",
        "aws dynamodb restore-table --table-name x",
        "aws rolesanywhere enable-trust-anchor --profile-id x",
        "aws rolesanywhere enable-trust-anchor --region x",
        "aws logs tail x",
    ],
)
def test_what_it_does_not_take_is_found(line: str) -> None:
    with pytest.raises(AssertionError):
        check_aws(line)
