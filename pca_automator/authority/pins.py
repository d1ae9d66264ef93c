"""Which CAs the hosts accept: the public keys that are sealed into the documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Token

# Only where a certificate is known at synthesis: whatever else constructs need is not built for one version of Python,
# and takes no tenth of a second.
if TYPE_CHECKING:
    from cryptography import x509

_KEYS_MAX = 6
_HOW = (
    "it must be certificates in PEM, the CA's own first and then each one's issuer up to the root, as "
    "'aws acm-pca get-certificate-authority-certificate' gives them"
)


@dataclass(frozen=True)
class AuthorityPins:
    """Public keys, one of which every certificate of a chain must have before a host takes it.

    Keys and not certificates, so that a CA whose own certificate is renewed stays pinned. docs/adr/0011 has the
    reasons.

    Args:
        keys: SHA-256 of each subject public key info, in hex.
        certificates: further certificates, PEM, that only CloudFormation knows; the hosts take the keys from them.
    """

    keys: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()

    @classmethod
    def of(cls, prop: str, bundles: Iterable[str]) -> AuthorityPins:
        """The pins of some CAs.

        Args:
            prop: what the bundles were given as, for messages.
            bundles: PEM, for each CA its own certificate and those above it up to the root; or a token, which stands in
                the template as it is.

        Raises:
            ValueError: no PEM, not up to a root, no certificate of a CA, or more than six keys.
        """
        given = tuple(bundles)
        known = [bundle for bundle in given if not Token.is_unresolved(bundle)]
        keys = dict.fromkeys(key for bundle in known for key in _keys(prop, bundle))
        if len(keys) > _KEYS_MAX:
            raise ValueError(f"{prop} has {len(keys)} public keys: at most {_KEYS_MAX} fit into the documents")
        return cls(tuple(keys), tuple(bundle for bundle in given if Token.is_unresolved(bundle)))

    def __bool__(self) -> bool:
        """Whether anything is pinned."""
        return bool(self.keys or self.certificates)

    def __add__(self, others: AuthorityPins) -> AuthorityPins:
        """Both are accepted: while a CA is exchanged."""
        return AuthorityPins(
            tuple(dict.fromkeys((*self.keys, *others.keys))), (*self.certificates, *others.certificates)
        )


def _keys(prop: str, bundle: str) -> list[str]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    shown = f"{prop} is {bundle[:40]!r}…"
    try:
        certificates = x509.load_pem_x509_certificates(bundle.encode())
    except ValueError as error:
        raise ValueError(f"{shown}: {_HOW}") from error
    _check(shown, certificates)
    return [
        hashlib.sha256(each.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
        for each in certificates
    ]


def _check(shown: str, certificates: Sequence[x509.Certificate]) -> None:
    from cryptography.exceptions import InvalidSignature

    for own, issuer in zip(certificates, [*certificates[1:], certificates[-1]], strict=True):
        subject = own.subject.rfc4514_string()
        if not _is_ca(own):
            raise ValueError(f"{shown}: {subject!r} is not the certificate of a CA; {_HOW}")
        try:
            own.verify_directly_issued_by(issuer)
        except (InvalidSignature, TypeError, ValueError) as error:
            raise ValueError(
                f"{shown}: {subject!r} is not issued by what follows it, or it is the last and no root; {_HOW}"
            ) from error


def _is_ca(certificate: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
