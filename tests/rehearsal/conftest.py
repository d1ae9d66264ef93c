"""A local AWS for the tests of this folder: one process for each test worker."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pca_automator.rehearsal.local_aws.settings import Settings
from pca_automator.rehearsal.stage.process import LocalAws


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running local AWS with an empty fleet."""
    directory = tmp_path_factory.mktemp("local-aws")
    settings = Settings(fleet=directory / "fleet", crl_seconds=0.2, delivery_seconds=1.5)
    with LocalAws(directory, settings, wait_scale=0.02) as running:
        yield running


@pytest.fixture(scope="session")
def role_arn(aws: LocalAws) -> str:
    """A role that Lambda functions and state machines of the tests run with."""
    principal = {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    role = aws.client("iam").create_role(RoleName="conformance", AssumeRolePolicyDocument=json.dumps(trust))
    return str(role["Role"]["Arn"])


CreateFunction = Callable[[str, str], str]


@pytest.fixture
def create_function(aws: LocalAws, role_arn: str) -> CreateFunction:
    """Makes a Lambda function of a handler's source text."""

    def create(name: str, source: str) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("index.py", source)
        function = aws.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Role=role_arn,
            Code={"ZipFile": archive.getvalue()},
            Timeout=30,
        )
        return str(function["FunctionArn"])

    return create


def eventually(check: Callable[[], Any], seconds: float = 180.0) -> Any:
    """The first answer of a check that is not None, False or an empty list, asked again and again.

    The time is for a machine that does much else: where a check comes true, nothing is waited for.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if not (answer is None or answer is False or answer == []) or time.monotonic() > deadline:
            return answer
        time.sleep(0.1)


def fleet_of(aws: LocalAws) -> Path:
    """Where the hosts of a local AWS live."""
    return aws.directory / "fleet"
