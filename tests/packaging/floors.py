"""Prints pip constraints that hold every requirement at its floor: ``python tests/packaging/floors.py``."""

from __future__ import annotations

from importlib.metadata import requires

from packaging.requirements import Requirement


def floors(distribution: str = "pca-automator") -> list[str]:
    """``name==floor`` for each requirement; the distribution must be installed."""
    pinned = []
    for text in requires(distribution) or []:
        requirement = Requirement(text)
        if requirement.marker is None:
            (floor,) = (clause.version for clause in requirement.specifier if clause.operator == ">=")
            pinned.append(f"{requirement.name}=={floor}")
    return pinned


if __name__ == "__main__":
    print("\n".join(floors()))
