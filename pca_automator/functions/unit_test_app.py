"""An app for the unit tests of whoever uses the library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import App

from pca_automator._internal.arguments import checked


class UnitTestApp(App):
    """An app whose stacks are synthesized without the functions' packages: no pip, no network, a second and not twenty.

    Template and assertions are those of the real app, but for the hash of the layer's content.

    https://docs.aws.amazon.com/cdk/v2/guide/testing.html

    Args:
        context: of the app. Default: none.

    Raises:
        ValueError: an argument has another type.
    """

    @checked
    def __init__(self, *, context: Mapping[str, Any] | None = None) -> None:
        # The CDK bundles the assets of the stacks that this lists; its own tests do the same.
        super().__init__(context={**(context or {}), "aws:cdk:bundling-stacks": []})
