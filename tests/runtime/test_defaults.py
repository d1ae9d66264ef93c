"""What a record says where nobody gave a value: nothing was counted, and nothing is claimed."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator

import pca_runtime
import pytest

# Defaults that say something, each with what it says.
MEANT = {
    "Brake.factor": 1,  # everything is let through
    "HostOutcome.is_proven": True,  # who is not reported as unproven is none
    "Quota.published": True,  # of AWS
}


def numbers() -> Iterator[tuple[str, object]]:
    """Of each record of the functions: its fields that are numbers, or true or false, by default."""
    for module in pkgutil.walk_packages(pca_runtime.__path__, "pca_runtime."):
        for name, record in vars(importlib.import_module(module.name)).items():
            if isinstance(record, type) and record.__module__ == module.name and dataclasses.is_dataclass(record):
                for field in dataclasses.fields(record):
                    if isinstance(field.default, (int, float)):
                        yield f"{name}.{field.name}", field.default


@pytest.mark.parametrize(("name", "default"), [pytest.param(*each, id=each[0]) for each in numbers()])
def test_nothing_is_counted_or_claimed_where_nobody_said_so(name: str, default: object) -> None:
    assert default == MEANT.get(name, 0)


def test_each_default_that_says_something_is_there() -> None:
    assert set(MEANT) <= {name for name, _ in numbers()}
    assert len(list(numbers())) > 20
