"""What a host adds to a success: what did not happen, or is not as it should be, although all went well."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["DETAIL_MAX", "NOTICES", "is_notice", "notices_of"]

NOTICES = ("HELPER_BROKEN", "HELPER_GONE", "HOOKS_SKIPPED", "OTHER_HOSTS_KEY")
"""Codes of the catalogue that a host may add; whatever else it says is not written down."""
DETAIL_MAX = 200
# As the scripts write it: names without blanks, with commas between them.
_DETAIL = re.compile(r"[A-Za-z0-9_.,-]*")
_DETAILS = {"HOOKS_SKIPPED": "skippedHooks", "OTHER_HOSTS_KEY": "otherHosts"}


def notices_of(result: Mapping[str, str]) -> dict[str, str]:
    """The notices of a command's result, each with the names that it is about, or "".

    Args:
        result: what stood in the line ``PCA_RESULT``.
    """
    said = set(result.get("notices", "").split(","))
    return {code: _detail(result.get(_DETAILS.get(code, ""), "")) for code in NOTICES if code in said}


def is_notice(code: object, detail: object) -> bool:
    """Whether this is a pair that :func:`notices_of` can have given."""
    known = isinstance(code, str) and code in NOTICES
    return known and isinstance(detail, str) and len(detail) <= DETAIL_MAX and bool(_DETAIL.fullmatch(detail))


def _detail(text: str) -> str:
    names = text[:DETAIL_MAX]
    return names if names != "none" and _DETAIL.fullmatch(names) else ""
