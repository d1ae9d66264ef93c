"""What a function loads until it is ready: counted, for how long it takes depends on the machine (``make bench``)."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[3]
HANDLERS = sorted(path.stem for path in (ROOT / "lambda_src" / "handlers").glob("c*.py"))
READS_CERTIFICATES = {"cert_deploy", "cert_issue", "crl_processor"}
"""CSRs, certificates and CRLs are read in every invocation of these."""
KEEPS_STARTS = {"cert_check", "cert_csr", "cert_csr_status", "cert_deploy_status"}
"""They reserve starts, judge them or send hosts back; whoever else is throttled only says so, then."""

# Each in a process of its own that has loaded what Lambda's runtime brings: a fork is a hundred times as fast as a
# start of Python.
SCRIPT = """
import gc, importlib, json, os, sys
import boto3, boto3.dynamodb.types
before = set(sys.modules)
for handler in sys.argv[1:]:
    reader, writer = os.pipe()
    if os.fork() == 0:
        collections = sum(each["collections"] for each in gc.get_stats())
        importlib.import_module(f"handlers.{handler}")
        collections = sum(each["collections"] for each in gc.get_stats()) - collections
        from pca_runtime.shared import clients
        own = sorted(name for name in sys.modules if name.startswith("pca_runtime."))
        packages = {name.partition(".")[0] for name in set(sys.modules) - before}
        packages -= {name.partition(".")[0] for name in before} | set(sys.stdlib_module_names)
        made = clients.client.cache_info().currsize
        garbage = [collections, gc.isenabled(), gc.get_freeze_count()]
        os.write(writer, json.dumps([sorted(packages), own, made, garbage]).encode())
        os._exit(0)
    os.wait()
    os.close(writer)
    with os.fdopen(reader) as answer:
        print(json.dumps({handler: json.load(answer)}))
"""


class Loaded(NamedTuple):
    """Packages, modules of ours, the number of clients, and what the collector of garbage did, does and leaves out."""

    packages: list[str]
    own: list[str]
    clients: int
    garbage: tuple[int, bool, int]


@pytest.fixture(scope="module")
def loaded() -> dict[str, Loaded]:
    """What there is after the import of each handler, as Lambda imports it."""
    environment = {
        **os.environ,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "PYTHONPATH": str(ROOT / "lambda_src"),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *HANDLERS], env=environment, capture_output=True, text=True, check=True
    )
    answers: dict[str, Any] = {}
    for line in done.stdout.splitlines():
        answers.update(json.loads(line))
    return {handler: Loaded(*answer) for handler, answer in answers.items()}


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_function_loads_its_own_code_and_what_it_always_needs(handler: str, loaded: dict[str, Loaded]) -> None:
    packages = loaded[handler].packages
    reading = {"cryptography"} if handler in READS_CERTIFICATES else set()
    # Its parts in other languages begin with an underscore.
    assert {each for each in packages if not each.startswith("_")} == {"handlers", "pca_runtime"} | reading


@pytest.mark.parametrize("handler", HANDLERS)
def test_the_ledger_of_starts_is_loaded_where_starts_are_reserved_or_judged(
    handler: str, loaded: dict[str, Loaded]
) -> None:
    of_starts = {"pca_runtime.renewal.start_ledger", "pca_runtime.renewal.pace"}
    assert of_starts.issubset(loaded[handler].own) == (handler in KEEPS_STARTS)
    assert of_starts.isdisjoint(loaded[handler].own) == (handler not in KEEPS_STARTS)


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_function_makes_every_client_that_it_has_before_its_first_invocation(
    handler: str, loaded: dict[str, Loaded]
) -> None:
    text = (ROOT / "lambda_src" / "handlers" / f"{handler}.py").read_text(encoding="utf-8")
    used = set(re.findall(r'\bclient\("([a-z0-9-]+)"\)', text))
    (call,) = (
        node.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and "made_at_init" in ast.unparse(node)
    )
    assert [ast.literal_eval(argument) for argument in call.args] == sorted(used)
    assert loaded[handler].clients == len(used)


@pytest.mark.parametrize("handler", HANDLERS)
def test_nothing_is_looked_through_for_garbage_while_a_function_gets_ready_and_what_is_loaded_never_again(
    handler: str, loaded: dict[str, Loaded]
) -> None:
    collections, collects_now, left_out = loaded[handler].garbage
    assert collections == 0
    assert collects_now
    assert left_out > 0


def test_whatever_else_imports_a_handler_gets_no_client_made() -> None:
    script = SCRIPT.replace(
        "os.write(writer",
        "assert made == 0, made\n        assert gc.isenabled() and not gc.get_freeze_count()\n        os.write(writer",
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment["PYTHONPATH"] = str(ROOT / "lambda_src")
    subprocess.run([sys.executable, "-c", script, "cert_csr"], env=environment, check=True, capture_output=True)
