"""What a user may say about a host."""

from __future__ import annotations

USER_ATTRIBUTES = (
    "hostID",
    "certPath",
    "keyPath",
    "cacertPath",
    "signinghelperPath",
    "keyAlgorithm",
    "dnsNames",
    "fileOwner",
    "fileGroup",
    "certMode",
    "keyMode",
    "bundle",
)
"""What a user writes into the inventory; the other attributes are the system's."""
