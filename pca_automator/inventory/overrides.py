"""What a user may say about a host: the attributes of an item beside ``hostID``."""

from __future__ import annotations

from collections.abc import Mapping

OVERRIDES: Mapping[str, str | None] = {
    "certPath": "certificate_path",
    "keyPath": "key_path",
    "cacertPath": "ca_certificate_path",
    "signinghelperPath": "signing_helper_path",
    "keyAlgorithm": "key_algorithm",
    "certificateProfile": None,
    "dnsNames": None,
    "ipAddresses": None,
    "uris": None,
    "emailAddresses": None,
    "fileOwner": None,
    "fileGroup": None,
    "certMode": None,
    "keyMode": None,
    "bundle": None,
}
"""Each attribute, and the prop of ``HostSettings`` that it overrides, if there is one. The functions' own list is their
model of an item; tests/contract holds the two together, and with every other place that has to know them."""

USER_ATTRIBUTES = ("hostID", *OVERRIDES)
"""What a user writes into the inventory; the other attributes are the system's."""
