"""Certificate templates: which extension a certificate gets, and from whom.

The order of the documentation is kept: template, then API, then CSR. Base templates copy subject and subject
alternative name from the CSR although they are no CSRPassthrough variety.
"""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import private_ca as facts
from pca_automator.rehearsal.local_aws.private_ca.names import distinguished_name, general_names

DEFAULT = "EndEntityCertificate/V1"

_TEMPLATE = re.compile(r"arn:aws[a-z-]*:acm-pca:::template/(?P<name>[A-Za-z0-9_]+/V1)")
_CLIENT, _SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
_PURPOSES = {"SERVER_AUTH": _SERVER, "CLIENT_AUTH": _CLIENT}


@dataclasses.dataclass(frozen=True)
class Template:
    """What one template fixes; the rest is the requester's."""

    authority: bool = False
    path_length: int | None = None
    purposes: tuple[x509.ObjectIdentifier, ...] = ()
    api_passthrough: bool = False
    blank: bool = False

    @property
    def key_usage(self) -> x509.KeyUsage | None:
        """The key usage this template fixes, critical."""
        if self.blank:
            return None
        return key_usage(
            digital_signature=True,
            key_encipherment=not self.authority,
            key_cert_sign=self.authority,
            crl_sign=self.authority,
        )


def key_usage(**uses: bool) -> x509.KeyUsage:
    """A KeyUsage extension from the uses that are set."""
    names = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    return x509.KeyUsage(**{name: bool(uses.get(name)) for name in names})


def _end_entities() -> dict[str, Template]:
    kinds = {
        "EndEntityCertificate": Template(purposes=(_SERVER, _CLIENT)),
        "EndEntityClientAuthCertificate": Template(purposes=(_CLIENT,)),
        "EndEntityServerAuthCertificate": Template(purposes=(_SERVER,)),
    }
    passing = {
        f"{name}_APIPassthrough": dataclasses.replace(kind, api_passthrough=True) for name, kind in kinds.items()
    }
    passing["BlankEndEntityCertificate_APIPassthrough"] = Template(blank=True, api_passthrough=True)
    return {f"{name}/V1": template for name, template in {**kinds, **passing}.items()}


TEMPLATES: dict[str, Template] = {
    "RootCACertificate/V1": Template(authority=True),
    **{f"SubordinateCACertificate_PathLen{n}/V1": Template(authority=True, path_length=n) for n in range(4)},
    **_end_entities(),
}


def find(arn: str | None) -> Template:
    """The template of an ARN; without one, the default of IssueCertificate."""
    if not arn:
        return TEMPLATES[DEFAULT]
    match = _TEMPLATE.fullmatch(arn)
    if match is None:
        raise ServiceError("InvalidArnException", f"{arn} is not the ARN of a template", fact=facts.TEMPLATES)
    if match["name"] not in TEMPLATES:
        raise ServiceError(
            "InvalidArgsException", f"the local Private CA has no template {match['name']}", fact=facts.TEMPLATES
        )
    return TEMPLATES[match["name"]]


def subject_of(template: Template, csr: x509.CertificateSigningRequest, passthrough: Mapping[str, Any]) -> x509.Name:
    """The subject: the API's if the template lets it through, else the CSR's."""
    if template.api_passthrough and passthrough.get("Subject"):
        return distinguished_name(passthrough["Subject"])
    return csr.subject


def requested_extensions(
    template: Template, csr: x509.CertificateSigningRequest, passthrough: Mapping[str, Any]
) -> list[x509.Extension[x509.ExtensionType]]:
    """Basic constraints, key usage, extended key usage, alternative names and custom extensions."""
    wanted: Mapping[str, Any] = passthrough.get("Extensions") or {} if template.api_passthrough else {}
    extensions = [_extension(x509.BasicConstraints(template.authority, template.path_length), critical=True)]
    usage = template.key_usage or _api_key_usage(wanted)
    if usage is not None:
        extensions.append(_extension(usage, critical=True))
    purposes = list(template.purposes) or _api_purposes(wanted)
    if purposes:
        extensions.append(_extension(x509.ExtendedKeyUsage(purposes), critical=False))
    names = (
        general_names(wanted["SubjectAlternativeNames"]) if wanted.get("SubjectAlternativeNames") else _csr_names(csr)
    )
    if names is not None and not template.authority:
        extensions.append(_extension(names, critical=False))
    for custom in wanted.get("CustomExtensions") or []:
        value = x509.UnrecognizedExtension(
            x509.ObjectIdentifier(custom["ObjectIdentifier"]), base64.b64decode(custom["Value"])
        )
        extensions.append(_extension(value, critical=bool(custom.get("Critical"))))
    return extensions


def _extension(value: x509.ExtensionType, *, critical: bool) -> x509.Extension[x509.ExtensionType]:
    return x509.Extension(value.oid, critical, value)


def _csr_names(csr: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName | None:
    try:
        return csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _api_key_usage(wanted: Mapping[str, Any]) -> x509.KeyUsage | None:
    uses = wanted.get("KeyUsage")
    if not uses:
        return None
    snake = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): value for name, value in uses.items()}
    snake["content_commitment"] = snake.get("non_repudiation", False)
    return key_usage(**{name.replace("crlsign", "crl_sign"): bool(value) for name, value in snake.items()})


def _api_purposes(wanted: Mapping[str, Any]) -> list[x509.ObjectIdentifier]:
    return [
        _PURPOSES[entry["ExtendedKeyUsageType"]]
        if entry.get("ExtendedKeyUsageType") in _PURPOSES
        else x509.ObjectIdentifier(entry["ExtendedKeyUsageObjectIdentifier"])
        for entry in wanted.get("ExtendedKeyUsage") or []
    ]
