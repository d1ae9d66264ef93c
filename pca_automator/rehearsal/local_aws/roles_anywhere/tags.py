"""The session tags and the source identity that Roles Anywhere takes from a certificate."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

_SHORT = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.LOCALITY_NAME: "L",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
}
_NAME_LIMIT = 61  # with "CN=" before it, a source identity has 64 characters


def principal_tags(certificate: x509.Certificate) -> dict[str, str]:
    """``x509Subject/CN`` and so on; several values of one attribute are joined with a slash."""
    tags = {
        **{f"x509Subject/{name}": value for name, value in _joined(certificate.subject).items()},
        **{f"x509Issuer/{name}": value for name, value in _joined(certificate.issuer).items()},
    }
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return tags
    # Only the first DNS name and the first URI are mapped.
    for label, kind in (("DNS", x509.DNSName), ("URI", x509.UniformResourceIdentifier)):
        values = names.get_values_for_type(kind)
        if values:
            tags[f"x509SAN/{label}"] = str(values[0])
    return tags


def source_identity(certificate: x509.Certificate) -> str:
    """What CloudTrail shows of the certificate's holder."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not names:
        return f"ID={certificate.serial_number:x}"
    name = str(names[0].value)
    return f"CN={name}" if len(name) <= _NAME_LIMIT else name


def _joined(name: x509.Name) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for attribute in name:
        label = _SHORT.get(attribute.oid, attribute.oid.dotted_string)
        values.setdefault(label, []).append(str(attribute.value))
    return {label: "/".join(parts) for label, parts in values.items()}
