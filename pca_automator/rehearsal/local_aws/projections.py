"""Projections of DynamoDB reads: MiniStack parses the expression anew for every item, which takes most of a Scan."""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from ministack.services import dynamodb

from pca_automator.rehearsal.local_aws.patching import replace

Item = Mapping[str, Any]
Project = Callable[[Item, str, Mapping[str, str] | None], Item]


def install() -> None:
    """Read a projection of whole attributes once; one that reaches into maps or lists is left to MiniStack."""
    replace(dynamodb, "_project_item", _whole_attributes_first)


def _whole_attributes_first(project_item: Project) -> Project:
    def project(item: Item, expression: str, names: Mapping[str, str] | None) -> Item:
        wanted = _whole_attributes(expression, tuple((names or {}).items()))
        if wanted is None:
            return project_item(item, expression, names)
        return {name: item[name] for name in wanted if name in item}

    return project


@lru_cache(maxsize=64)
def _whole_attributes(expression: str, names: tuple[tuple[str, str], ...]) -> tuple[str, ...] | None:
    """The attributes that a projection names, if each path is one placeholder and none is named twice."""
    given = dict(names)
    paths = [path.strip() for path in expression.split(",")]
    attributes = tuple(given[path] for path in paths if path in given)
    plain = len(attributes) == len(paths) == len(set(attributes))
    return attributes if plain else None
