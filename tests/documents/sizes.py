"""How much of what SSM takes a document needs: counted as JSON with blanks after commas and colons, the longer way."""

from __future__ import annotations

import json

from pca_automator.ssm_documents import SEALED, load_document

LIMIT = 64 * 1024
"""Of a document and the parameters that it is sent with.
https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-creating-content.html"""

ROOM = 8 * 1024
"""What stays free of it."""

# What a parameter may have whose pattern bounds its length; the longest of these is an owner's, 32.
_UNNAMED = 64
# A CA that is made with the documents is a root: its certificate is in the text, and is all of the chain. The chain of
# one that is handed in may be long, and only the digests of its keys are in the text.
_CREATED = {"chain": SEALED["caCertificates"]["maxChars"]}
_EXISTING = {"caCertificates": 0}


def longest(name: str) -> int:
    """Bytes of a document, deployed with the longest constants, and the longest parameters that it can be sent."""
    return max(_longest(name, lengths) for lengths in (_CREATED, _EXISTING))


def _longest(name: str, lengths: dict[str, int]) -> int:
    sealed = {each: f"'{'x' * lengths.get(each, definition['maxChars'])}'" for each, definition in SEALED.items()}
    document = load_document(name, deferred=sealed)
    parameters = {
        each: ["x" * lengths.get(each, definition.get("maxChars", _UNNAMED))]
        for each, definition in document["parameters"].items()
    }
    return len(json.dumps(document).encode()) + len(json.dumps(parameters).encode())
