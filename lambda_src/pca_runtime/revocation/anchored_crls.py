"""The CRLs of a trust anchor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import RolesAnywhere

__all__ = ["anchored_crls"]


def anchored_crls(roles_anywhere: RolesAnywhere, trust_anchor_arn: str) -> Iterator[dict[str, Any]]:
    """As ListCrls has them; the API can list those of all trust anchors only.

    Raises:
        PcaAutomatorError: IAM Roles Anywhere did not answer.
    """
    request: dict[str, Any] = {}
    while True:
        with translated("ListCrls"):
            page = roles_anywhere.list_crls(**request)
        for entry in page.get("crls", []):
            if entry.get("trustAnchorArn") == trust_anchor_arn:
                yield entry
        if not page.get("nextToken"):
            return
        request = {"nextToken": page["nextToken"]}
