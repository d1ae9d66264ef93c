"""What holds for every host unless the inventory says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import Duration

from pca_automator._internal import validation
from pca_automator.algorithms import KeyAlgorithm, ValidationPolicy


@dataclass(frozen=True)
class HostSettings:
    """Directories on the hosts, their key algorithm, and how they check and keep certificates.

    Raises:
        ValueError: a directory is relative, has ``..`` or a shell character, or a number is out of bounds.
    """

    certificate_path: str = "/etc/pca-automator/certs"
    """Directory of ``<hostID>.crt``; an item's ``certPath`` overrides it."""
    key_path: str = "/etc/pca-automator/private"
    """Directory of ``<hostID>.key``; an item's ``keyPath`` overrides it."""
    csr_path: str = "/var/lib/pca-automator"
    """Directory of pending keys and CSRs and of the kept versions, the same on every host."""
    ca_certificate_path: str = "/etc/pca-automator/certs"
    """Directory of ``ca_chain_certificate.crt``; an item's ``cacertPath`` overrides it."""
    signing_helper_path: str = "/usr/local/bin"
    """Directory of ``aws_signing_helper``; an item's ``signinghelperPath`` overrides it."""
    hooks_path: str = "/etc/pca-automator/post-install.d"
    """Directory of the executables that run after a switch."""
    key_algorithm: KeyAlgorithm = KeyAlgorithm.RSA_2048
    """The hosts' key; an item's ``keyAlgorithm`` overrides it."""
    validation_policy: ValidationPolicy = ValidationPolicy.IF_PRESENT
    """Whether a new pair is proven with IAM Roles Anywhere before it goes live."""
    versions_kept: int = 1
    """How many superseded versions stay on the host."""
    hook_timeout: Duration = field(default_factory=lambda: Duration.seconds(60))
    """How long all hooks may run together."""

    def __post_init__(self) -> None:
        for name in (
            "certificate_path",
            "key_path",
            "csr_path",
            "ca_certificate_path",
            "signing_helper_path",
            "hooks_path",
        ):
            object.__setattr__(self, name, validation.directory(name, getattr(self, name)))
        validation.whole_number("versions_kept", self.versions_kept, 1, 20)
        validation.duration("hook_timeout", self.hook_timeout, Duration.seconds(1), Duration.minutes(10))
