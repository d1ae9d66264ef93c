"""What a user may write into an item, and what the system makes of the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pca_runtime.errors.kinds import InvalidInventoryItem
from pca_runtime.inventory.item import HostItem, Overrides

HOST = "i-0123456789abcdef0"


def refused(**attributes: Any) -> str:
    with pytest.raises(InvalidInventoryItem) as wrong:
        Overrides.of(HOST, attributes)
    assert wrong.value.code == "INVENTORY_ATTRIBUTE_INVALID"
    assert HOST in wrong.value.message
    return wrong.value.message


def test_an_item_with_only_a_host_id_has_the_documented_defaults() -> None:
    overrides = Overrides.of(HOST, {"hostID": HOST})
    assert overrides.cert_path is overrides.key_path is overrides.cacert_path is None
    assert overrides.signinghelper_path is overrides.key_algorithm is None
    assert (overrides.cert_mode, overrides.key_mode, overrides.bundle) == ("", "", False)
    assert (overrides.file_owner, overrides.file_group, overrides.dns_names) == ("", "", [])


def test_trailing_slashes_are_stripped() -> None:
    assert Overrides.of(HOST, {"certPath": "/etc/my certs//"}).cert_path == "/etc/my certs"


@pytest.mark.parametrize("attribute", ["certPath", "keyPath", "cacertPath", "signinghelperPath"])
@pytest.mark.parametrize(
    "value", ["/", "", "relative", "/a/../b", "/tmp/$(reboot)", "/tmp/x;reboot", "/x\n", "/" * 300]
)
def test_a_wrong_path_is_named_with_its_value_and_what_is_allowed(attribute: str, value: str) -> None:
    message = refused(**{attribute: value})
    assert attribute in message
    assert "allowed is an absolute path" in message


def test_names_may_take_as_much_room_as_they_are_said_to_take() -> None:
    """2,500 together, with 4 for each."""
    names = [f"{number:02}{'x' * 32}.example.com" for number in range(50)]
    assert Overrides.of(HOST, {"dnsNames": names}).dns_names == names
    assert "at most 2500 characters together" in refused(dnsNames=[*names[1:], f"x{names[0]}"])


def test_a_string_set_and_a_list_of_dns_names_mean_the_same() -> None:
    from_set = Overrides.of(HOST, {"dnsNames": {"b.example.com", "A.example.com"}})
    from_list = Overrides.of(HOST, {"dnsNames": ["a.example.com", "b.example.com", "B.example.com"]})
    assert from_set.dns_names == from_list.dns_names == ["a.example.com", "b.example.com"]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("dnsNames", "a.example.com"),
        ("dnsNames", ["a example"]),
        ("dnsNames", {Decimal(1)}),
        ("dnsNames", [f"h{number}.io" for number in range(151)]),
        ("dnsNames", [f"h{number}.{'x' * 60}.example.com" for number in range(40)]),
        ("keyAlgorithm", "RSA_1024"),
        ("keyAlgorithm", "rsa_2048"),
        ("fileOwner", "root;id"),
        ("fileGroup", "-g"),
        ("certMode", "4755"),
        ("certMode", "0044"),
        ("certMode", "0646"),
        ("keyMode", "0644"),
        ("keyMode", "0404"),
        ("keyMode", "0200"),
        ("keyMode", Decimal(400)),
        ("bundle", "true"),
        ("certPath", {"S": "/x"}),
    ],
)
def test_refuses_what_is_not_allowed_and_names_it(attribute: str, value: Any) -> None:
    assert attribute in refused(**{attribute: value})


def test_names_every_wrong_attribute_at_once_and_stays_short() -> None:
    message = refused(certPath="x", keyMode="0777", dnsNames=["-" * 300] * 150)
    assert "certPath is 'x'" in message
    assert "keyMode is '0777'" in message
    assert len(message) <= 2_000


def test_accepts_the_modes_that_non_root_services_need() -> None:
    overrides = Overrides.of(HOST, {"keyMode": "0640", "certMode": "0644", "fileGroup": "ssl-cert", "bundle": True})
    assert overrides.key_mode == "0640"
    assert overrides.bundle


def test_reads_an_item_that_a_person_mangled_without_an_error() -> None:
    item = HostItem.of(
        {"hostID": HOST, "status": "???", "expiry": Decimal(5), "pending": "x", "lastError": 1, "leaseUntil": "soon"}
    )
    assert (item.expiry, item.pending, item.lease_until) == (None, None, None)
    assert item.last_error == {}


def test_the_repr_of_what_is_pending_hides_the_task_token() -> None:
    item = HostItem.of({"hostID": HOST, "pending": {"requestId": "r", "taskToken": "secret"}})
    assert item.pending is not None
    assert item.pending.task_token == "secret"
    assert "secret" not in repr(item.pending)


def test_an_address_and_a_uri_may_be_as_long_as_they_are_said_to_be() -> None:
    domain = ".".join(["x" * 55] * 4) + ".io"
    mailbox, path = "m" * (256 - 1 - len(domain)), "p" * (253 - len("spiffe://example.com/"))
    for attribute, value in (("emailAddresses", f"{mailbox}@{domain}"), ("uris", f"spiffe://example.com/{path}")):
        Overrides.of(HOST, {attribute: [value]})
        longer = f"m{value}" if "@" in value else f"{value}p"
        assert "allowed is" in refused(**{attribute: [longer]})
