"""What crosses the worlds and has a list in each: an entry that is added in one place alone is missed in every other.

For each place there is a way to find what it knows. A test plants an entry that only the model has, and expects that
each place is told of it: so none of these checks can be one that lets everything through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

import pytest
from pca_runtime.authority.names import KINDS
from pca_runtime.authority.profiles import CertificateProfile, request
from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.inventory.item import Overrides
from pca_runtime.membership import enrolment
from pca_runtime.renewal.settings import CertCsrSettings, CertDeploySettings
from pca_runtime.shared.settings import KeyAlgorithm

from pca_automator.cli.deployed import overrides as command
from pca_automator.hosts.settings import HostSettings
from pca_automator.inventory.overrides import OVERRIDES, USER_ATTRIBUTES
from pca_automator.ssm_documents import load_document
from tests.runtime.conftest import ENVIRONMENT
from tests.synthesis import ROOT

HOST = "i-0123456789abcdef0"
# One value for each override that is not the default and that the profile below allows.
VALUES: dict[str, Any] = {
    "bundle": True,
    "cacertPath": "/opt/a",
    "certMode": "0640",
    "certPath": "/opt/b",
    "certificateProfile": "other",
    "dnsNames": ["a.example.com"],
    "emailAddresses": ["a@example.com"],
    "fileGroup": "www",
    "fileOwner": "www",
    "ipAddresses": ["10.0.0.1"],
    "keyAlgorithm": "RSA_4096",
    "keyMode": "0440",
    "keyPath": "/opt/c",
    "signinghelperPath": "/opt/d",
    "uris": ["spiffe://example.com/a"],
}
IN_CERTIFICATE = {"certificateProfile", "dnsNames", "emailAddresses", "ipAddresses", "keyAlgorithm", "uris"}
"""What the CA is asked for, or what the certificate is compared with; the others are about files on the host."""

_OPEN = {"dns_names": ["*.example.com"], "ip_addresses": ["10.0.0.0/8"], "uris": ["spiffe://example.com/*"],
         "email_addresses": ["*@example.com"]}  # fmt: skip
PROFILES = {
    "default": CertificateProfile(usages=frozenset({"CLIENT_AUTH"}), **_OPEN),
    "other": CertificateProfile(usages=frozenset({"SERVER_AUTH"}), **_OPEN),
}


def of_the_model() -> set[str]:
    """What the functions take from an item: this is the home of the list."""
    return {str(field.alias) for field in Overrides.model_fields.values()}


def asked(attribute: str | None) -> Any:
    """What is asked of the CA for a host that says one thing, and what the answer is compared with."""
    overrides = Overrides.of(HOST, {attribute: VALUES[attribute]} if attribute else {})
    return request(
        HOST,
        profile_name=overrides.certificate_profile,
        key_algorithm=overrides.key_algorithm,
        names=overrides.alternative_names(),
        profiles=PROFILES,
        default_key_algorithm="RSA_2048",
        default_validity_days=7,
    )


def reaches_the_ca(attribute: str) -> bool:
    usual, other = asked(None), asked(attribute)
    return (usual.api_passthrough(), usual.template, usual.key_algorithm) != (
        other.api_passthrough(), other.template, other.key_algorithm,
    )  # fmt: skip


def is_compared(attribute: str) -> bool:
    """The leaf check works on the request: what differs in it is looked at, see test_profiles."""
    return bool(asked(attribute) != asked(None))


def parameters(document: str) -> set[str]:
    return set(load_document(document)["parameters"])


PLACES: dict[str, Callable[[set[str]], set[str]]] = {
    "the IAM condition of grant_enrol_hosts": lambda _: set(USER_ATTRIBUTES),
    "what is asked of the CA": lambda known: {a for a in known & IN_CERTIFICATE if reaches_the_ca(a)} | on_the_host(),
    "the check of the leaf": lambda known: {a for a in known & IN_CERTIFICATE if is_compared(a)} | on_the_host(),
    "the parameters of the documents": lambda _: (
        (parameters("InstallCertificate") | parameters("GenerateCsr")) | (IN_CERTIFICATE - {"keyAlgorithm"})
    ),
    "the changes that enrol": lambda _: set(enrolment.OVERRIDES),
    "the command": lambda _: {name for name in VALUES if typed_by_the_command(name)},
    "the README": lambda _: of_the_readme(),
}


def on_the_host() -> set[str]:
    return set(VALUES) - IN_CERTIFICATE


def typed_by_the_command(name: str) -> bool:
    """The command reads text; what it makes of it must be what the model takes."""
    value = VALUES[name]
    text = ",".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else value
    try:
        return command.validated(HOST, {name: text}) == {name: value}
    except (ValueError, PcaAutomatorError):
        return False


def of_the_readme() -> set[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("### Overrides for one host\n")[1].split("\n## ")[0]
    return {
        name for row in text.splitlines() if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }


def missed(place: str, overrides: set[str]) -> set[str]:
    return overrides - PLACES[place](overrides)


@pytest.mark.parametrize("place", PLACES)
def test_each_place_knows_every_override(place: str) -> None:
    assert missed(place, of_the_model()) == set()


@pytest.mark.parametrize("place", PLACES)
def test_each_place_would_miss_an_override_that_the_model_alone_has(place: str) -> None:
    assert missed(place, of_the_model() | {"newThing"}) == {"newThing"}


def test_nobody_is_allowed_what_the_model_does_not_take() -> None:
    assert set(USER_ATTRIBUTES) == of_the_model() | {"hostID"}
    assert set(enrolment.OVERRIDES) == of_the_model()
    assert set(command.names()) == of_the_model() == set(VALUES) == of_the_readme()
    assert set(OVERRIDES) == of_the_model()


def test_every_kind_of_name_has_an_attribute() -> None:
    """dns_names of a profile is dnsNames of an item."""
    assert {camel(kind) for kind in KINDS} == IN_CERTIFICATE - {"certificateProfile", "keyAlgorithm"}


def camel(snake: str) -> str:
    first, *rest = snake.split("_")
    return first + "".join(word.title() for word in rest)


def test_a_default_is_spelled_by_one_rule_from_the_prop_to_the_host() -> None:
    """An item's attribute is the document's parameter; the variable is the same in capitals."""
    settings = set(CertCsrSettings.model_fields) | set(CertDeploySettings.model_fields)
    props = set(HostSettings.__dataclass_fields__)
    for attribute, prop in OVERRIDES.items():
        if prop is None:
            continue
        assert prop in props, f"{attribute} overrides a prop"
        variable = snake(attribute)
        assert variable in settings, f"{attribute} has the variable {variable.upper()}"
        assert variable.upper() in ENVIRONMENT


def snake(camel_case: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", camel_case).lower()


def test_the_values_of_this_test_are_no_defaults() -> None:
    defaults: Mapping[str, Any] = {str(field.alias): field.default for field in Overrides.model_fields.values()}
    assert [name for name, value in VALUES.items() if defaults[name] == value] == []
    assert VALUES["keyAlgorithm"] in get_args(KeyAlgorithm)
