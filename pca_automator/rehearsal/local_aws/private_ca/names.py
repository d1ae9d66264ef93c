"""ASN1Subject and GeneralName of the API, as X.509 names."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import private_ca as facts

_ATTRIBUTES = {
    "Country": NameOID.COUNTRY_NAME,
    "Organization": NameOID.ORGANIZATION_NAME,
    "OrganizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "DistinguishedNameQualifier": NameOID.DN_QUALIFIER,
    "State": NameOID.STATE_OR_PROVINCE_NAME,
    "CommonName": NameOID.COMMON_NAME,
    "SerialNumber": NameOID.SERIAL_NUMBER,
    "Locality": NameOID.LOCALITY_NAME,
    "Title": NameOID.TITLE,
    "Surname": NameOID.SURNAME,
    "GivenName": NameOID.GIVEN_NAME,
    "Initials": NameOID.INITIALS,
    "Pseudonym": NameOID.PSEUDONYM,
    "GenerationQualifier": NameOID.GENERATION_QUALIFIER,
}


def distinguished_name(subject: Mapping[str, Any]) -> x509.Name:
    """The name an ASN1Subject describes, in the order of its attributes in the API."""
    try:
        attributes = [
            x509.NameAttribute(oid, str(subject[key])) for key, oid in _ATTRIBUTES.items() if subject.get(key)
        ]
        attributes += [
            x509.NameAttribute(x509.ObjectIdentifier(custom["ObjectIdentifier"]), custom["Value"])
            for custom in subject.get("CustomAttributes") or []
        ]
    except ValueError as error:
        raise ServiceError("InvalidArgsException", f"Subject: {error}", fact=facts.NAMES) from error
    return x509.Name(attributes)


def general_names(names: Sequence[Mapping[str, Any]]) -> x509.SubjectAlternativeName:
    """The subject alternative names of an ApiPassthrough."""
    return x509.SubjectAlternativeName([_general_name(name) for name in names])


def _general_name(name: Mapping[str, Any]) -> x509.GeneralName:
    kinds: dict[str, Any] = {
        "DnsName": x509.DNSName,
        "Rfc822Name": x509.RFC822Name,
        "UniformResourceIdentifier": x509.UniformResourceIdentifier,
        "IpAddress": lambda value: x509.IPAddress(ipaddress.ip_address(value)),
        "RegisteredId": lambda value: x509.RegisteredID(x509.ObjectIdentifier(value)),
        "DirectoryName": lambda value: x509.DirectoryName(distinguished_name(value)),
    }
    for key, make in kinds.items():
        if name.get(key):
            try:
                made: x509.GeneralName = make(name[key])
            except ValueError as error:
                raise ServiceError("InvalidArgsException", f"{key}: {error}", fact=facts.NAMES) from error
            return made
    raise ServiceError("InvalidArgsException", f"GeneralName has none of {list(kinds)}", fact=facts.NAMES)
