"""Certificates of AWS Private CA for a fleet of hosts, as one AWS CDK construct.

:class:`PcaCertificateAutomation` is the whole system; the other names are its parts and the values it takes. They are
loaded when first used, so that the operator's command and the local AWS start without ``aws_cdk``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pca_automator.algorithms import KeyAlgorithm, SigningAlgorithm, UsageMode, ValidationPolicy
    from pca_automator.certificate_automation import PcaCertificateAutomation
    from pca_automator.functions import FunctionFactory, FunctionNetwork
    from pca_automator.host_documents import HostDocuments
    from pca_automator.host_functions import HostFunctions
    from pca_automator.host_renewal import HostRenewal
    from pca_automator.host_settings import HostSettings
    from pca_automator.inventory import HostInventory
    from pca_automator.notifications import FailureNotifications
    from pca_automator.polling import Polling
    from pca_automator.private_ca import PrivateCertificateAuthority
    from pca_automator.renewal_workflow import RenewalWorkflow
    from pca_automator.revocation import CrlDistribution
    from pca_automator.roles_anywhere import RolesAnywhereTrust

_MODULES = {
    "CrlDistribution": "revocation",
    "FailureNotifications": "notifications",
    "FunctionFactory": "functions",
    "FunctionNetwork": "functions",
    "HostDocuments": "host_documents",
    "HostFunctions": "host_functions",
    "HostInventory": "inventory",
    "HostRenewal": "host_renewal",
    "HostSettings": "host_settings",
    "KeyAlgorithm": "algorithms",
    "PcaCertificateAutomation": "certificate_automation",
    "Polling": "polling",
    "PrivateCertificateAuthority": "private_ca",
    "RenewalWorkflow": "renewal_workflow",
    "RolesAnywhereTrust": "roles_anywhere",
    "SigningAlgorithm": "algorithms",
    "UsageMode": "algorithms",
    "ValidationPolicy": "algorithms",
}

__all__ = [
    "CrlDistribution",
    "FailureNotifications",
    "FunctionFactory",
    "FunctionNetwork",
    "HostDocuments",
    "HostFunctions",
    "HostInventory",
    "HostRenewal",
    "HostSettings",
    "KeyAlgorithm",
    "PcaCertificateAutomation",
    "Polling",
    "PrivateCertificateAuthority",
    "RenewalWorkflow",
    "RolesAnywhereTrust",
    "SigningAlgorithm",
    "UsageMode",
    "ValidationPolicy",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'pca_automator' has no attribute {name!r}")
    return getattr(importlib.import_module(f"pca_automator.{_MODULES[name]}"), name)
