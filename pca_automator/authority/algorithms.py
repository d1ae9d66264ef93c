"""The closed sets of AWS Private CA: key and signing algorithms, usage modes."""

from __future__ import annotations

from enum import Enum


class KeyAlgorithm(Enum):
    """Key algorithms of hosts and of a CA, by the names of AWS Private CA.

    https://docs.aws.amazon.com/privateca/latest/APIReference/API_CertificateAuthorityConfiguration.html
    """

    RSA_2048 = "RSA_2048"
    RSA_3072 = "RSA_3072"
    RSA_4096 = "RSA_4096"
    EC_PRIME256V1 = "EC_prime256v1"
    """NIST P-256."""
    EC_SECP384R1 = "EC_secp384r1"
    """NIST P-384."""

    @property
    def family(self) -> str:
        """``RSA`` or ``EC``."""
        return self.value.split("_")[0]


class SigningAlgorithm(Enum):
    """How the CA signs. The algorithm must be of the family of the *CA's* key; hosts may have any key.

    https://docs.aws.amazon.com/privateca/latest/APIReference/API_IssueCertificate.html
    """

    SHA256WITHRSA = "SHA256WITHRSA"
    SHA384WITHRSA = "SHA384WITHRSA"
    SHA512WITHRSA = "SHA512WITHRSA"
    SHA256WITHECDSA = "SHA256WITHECDSA"
    SHA384WITHECDSA = "SHA384WITHECDSA"
    SHA512WITHECDSA = "SHA512WITHECDSA"

    @property
    def family(self) -> str:
        """The family of key it needs: ``RSA`` or ``EC``."""
        return "RSA" if self.value.endswith("RSA") else "EC"

    @classmethod
    def for_key(cls, key_algorithm: KeyAlgorithm) -> SigningAlgorithm:
        """The usual choice for a CA key: SHA-256, and SHA-384 for P-384.

        Args:
            key_algorithm: of the CA.
        """
        if key_algorithm is KeyAlgorithm.EC_SECP384R1:
            return cls.SHA384WITHECDSA
        return cls.SHA256WITHRSA if key_algorithm.family == "RSA" else cls.SHA256WITHECDSA

    def check_fits(self, key_algorithm: KeyAlgorithm) -> None:
        """Refuse a signing algorithm that the CA's key cannot do.

        Args:
            key_algorithm: of the CA.

        Raises:
            ValueError: families differ; names both values and what is allowed.
        """
        if self.family != key_algorithm.family:
            allowed = ", ".join(each.value for each in SigningAlgorithm if each.family == key_algorithm.family)
            raise ValueError(
                f"signing_algorithm is {self.value} and the CA's key_algorithm is {key_algorithm.value}: "
                f"allowed with this key: {allowed}"
            )


class UsageMode(Enum):
    """What a CA is for; fixed when the CA is created.

    https://docs.aws.amazon.com/privateca/latest/userguide/short-lived-certificates.html
    """

    SHORT_LIVED = "SHORT_LIVED_CERTIFICATE"
    """Certificates of at most seven days, at a lower price."""
    GENERAL_PURPOSE = "GENERAL_PURPOSE"
    """Certificates of any validity."""
