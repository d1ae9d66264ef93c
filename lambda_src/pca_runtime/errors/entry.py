"""One entry of the error catalogue. Pure data: no imports but the standard library's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["CatalogueEntry", "Origin"]

Origin = Literal["host", "inspection", "workflow", "service"]


@dataclass(frozen=True)
class CatalogueEntry:
    """What a code means and what to do about it.

    Args:
        code: as it stands in ``lastError.code``, in messages and in ``PCA_ERROR`` lines.
        origin: who says it: the script that renews on the host, the one that looks at the host, this project's own
            checks, or an AWS service.
        phase: the states or documents in which it can come up, separated by spaces.
        meaning: one sentence for a person who has not read the code.
        remedy: the next step; commands where there are any.
    """

    code: str
    origin: Origin
    phase: str
    meaning: str
    remedy: str
