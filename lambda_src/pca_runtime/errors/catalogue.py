"""Every code of the system: what it means, and what to do. Pure data, importable without boto3.

The host's codes are those of the SSM documents; a contract test compares them. ``docs/reference/troubleshooting.md``,
the report and ``pca-automator explain`` are made from this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pca_runtime.errors.entry import CatalogueEntry, Origin
from pca_runtime.errors.host_codes import HOST_CODES
from pca_runtime.errors.inspection_codes import INSPECTION_CODES
from pca_runtime.errors.service_codes import HINTS, SERVICE_CODES, Hint
from pca_runtime.errors.workflow_codes import WORKFLOW_CODES

__all__ = ["CATALOGUE", "CatalogueEntry", "Hint", "Origin", "lookup", "remedy_for"]

CATALOGUE: Mapping[str, CatalogueEntry] = {
    entry.code: entry for entry in (*HOST_CODES, *INSPECTION_CODES, *WORKFLOW_CODES, *SERVICE_CODES)
}


def lookup(code: str) -> CatalogueEntry:
    """The entry of a code; an honest one for a code that is not known, such as a Lambda runtime's own."""
    known = CATALOGUE.get(code)
    if known is not None:
        return known
    return CatalogueEntry(
        code,
        "service",
        "",
        "This error has no entry in the catalogue.",
        "Look at the child execution of the host in Step Functions, and at the log of the function.",
    )


def remedy_for(code: str, message: str) -> str:
    """What to do, more precisely if the message gives the cause away. Addresses in it are not read: they hold names."""
    message = re.sub(r"https?://[^\s\"']+", "", message)
    for hint in HINTS.get(code, ()):
        if re.search(hint.pattern, message, re.IGNORECASE):
            return hint.remedy
    return lookup(code).remedy
