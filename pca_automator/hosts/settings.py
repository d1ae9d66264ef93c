"""What holds for every host unless the inventory says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from aws_cdk import Duration

from pca_automator._internal import validation
from pca_automator._internal.arguments import check_fields
from pca_automator.authority.algorithms import KeyAlgorithm

SHORTEST_PROOF = Duration.seconds(35)
"""A connection that nobody answers is given up by the helper after 30 seconds, and only then it says so."""
LONGEST_PROOF = Duration.minutes(15)
"""With hooks of ten minutes, run twice, it stays below the 40 minutes that the document gives itself."""


class ValidationPolicy(Enum):
    """Whether a host proves a new pair with IAM Roles Anywhere before the pair goes live.

    https://docs.aws.amazon.com/rolesanywhere/latest/userguide/credential-helper.html
    """

    REQUIRED = "REQUIRED"
    """No ``aws_signing_helper``, no switch: the old pair stays and the renewal fails."""
    IF_PRESENT = "IF_PRESENT"
    """Prove it where the helper is installed; elsewhere go live after the other checks."""
    NEVER = "NEVER"
    """Never call the helper."""


@dataclass(frozen=True, kw_only=True)
class HostSettings:
    """Directories on the hosts, their key algorithm, and how they check and keep certificates.

    https://docs.aws.amazon.com/rolesanywhere/latest/userguide/credential-helper.html

    Args:
        certificate_path: directory of ``<hostID>.crt``; an item's ``certPath`` overrides it.
            Default: ``/etc/pca-automator/certs``.
        key_path: directory of ``<hostID>.key``; an item's ``keyPath`` overrides it.
            Default: ``/etc/pca-automator/private``.
        csr_path: directory of pending keys and CSRs and of the kept versions, the same on every host.
            Default: ``/var/lib/pca-automator``.
        ca_certificate_path: directory of ``ca_chain_certificate.crt``; an item's ``cacertPath`` overrides it.
            Default: ``/etc/pca-automator/certs``.
        signing_helper_path: directory of ``aws_signing_helper``; an item's ``signinghelperPath`` overrides it.
            Default: ``/usr/local/bin``.
        hooks_path: directory of the executables that run after a switch.
            Default: ``/etc/pca-automator/post-install.d``.
        key_algorithm: the hosts' keys; an item's ``keyAlgorithm`` overrides it. Default: RSA 2048.
        validation_policy: whether a new pair is proven with IAM Roles Anywhere before it goes live. Default: where
            the helper is installed.
        versions_kept: superseded versions that stay on the host, 1 to 20. Default: 1.
        hook_timeout: how long all hooks may run together, a second to ten minutes. Default: one minute.

    Raises:
        ValueError: a directory is relative, has ``..`` or a shell character, or a number is out of bounds.
    """

    certificate_path: str = "/etc/pca-automator/certs"
    key_path: str = "/etc/pca-automator/private"
    csr_path: str = "/var/lib/pca-automator"
    ca_certificate_path: str = "/etc/pca-automator/certs"
    signing_helper_path: str = "/usr/local/bin"
    hooks_path: str = "/etc/pca-automator/post-install.d"
    key_algorithm: KeyAlgorithm = KeyAlgorithm.RSA_2048
    validation_policy: ValidationPolicy = ValidationPolicy.IF_PRESENT
    versions_kept: int = 1
    hook_timeout: Duration = field(default_factory=lambda: Duration.seconds(60))

    def __post_init__(self) -> None:
        check_fields(self)
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
