"""What one part hands to another stays what it was."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import is_dataclass

import pca_runtime

# Filled, counted up or written down line by line, each by the one who made it.
FILLED = {
    "pca_runtime.membership.batches.Batch", "pca_runtime.membership.departures.Roll",
    "pca_runtime.monitoring.fleet.Fleet", "pca_runtime.renewal.selection.Selection",
    "pca_runtime.reporting.digest.Digest", "pca_runtime.reporting.noticed.Noticed",
    "pca_runtime.reporting.run_report.RunReport",
}  # fmt: skip


def test_nobody_can_change_a_value_that_he_was_given() -> None:
    """But for those that are filled, every dataclass is frozen."""
    names = [found.name for found in pkgutil.walk_packages(pca_runtime.__path__, "pca_runtime.") if not found.ispkg]
    classes = {
        f"{thing.__module__}.{thing.__qualname__}": thing
        for name in names
        for thing in vars(importlib.import_module(name)).values()
        if isinstance(thing, type) and is_dataclass(thing) and thing.__module__.startswith("pca_runtime.")
    }
    assert len(classes) > 50
    assert {name for name, thing in classes.items() if not thing.__dataclass_params__.frozen} == FILLED
