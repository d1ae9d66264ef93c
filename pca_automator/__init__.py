"""Certificates of AWS Private CA for a fleet of hosts, as one AWS CDK construct.

:class:`PcaCertificateAutomation` is the whole system; the other names are its parts and the values it takes. They are
loaded when first used, so that the operator's command and the local AWS start without ``aws_cdk``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pca_automator.algorithms import (
        KeyAlgorithm,
        ReplacementRevocation,
        RevocationPolicy,
        SigningAlgorithm,
        UsageMode,
        ValidationPolicy,
    )
    from pca_automator.automation_base import ImportedAutomation
    from pca_automator.certificate_automation import PcaCertificateAutomation
    from pca_automator.crl_budget import CrlBudget
    from pca_automator.departure import HostDeparture
    from pca_automator.digest import FleetDigest
    from pca_automator.enrolment import HostEnrolment
    from pca_automator.existing_ca import ExistingCertificateAuthority
    from pca_automator.fleet_dashboard import FleetDashboard
    from pca_automator.fleet_monitoring import FleetAlarms
    from pca_automator.functions import FunctionFactory, FunctionNetwork
    from pca_automator.host_documents import HostDocuments
    from pca_automator.host_functions import HostFunctions
    from pca_automator.host_renewal import HostRenewal
    from pca_automator.host_settings import HostSettings
    from pca_automator.inventory import HostInventory
    from pca_automator.monitoring import CrlAlarms
    from pca_automator.notifications import FailureNotifications
    from pca_automator.polling import Polling
    from pca_automator.private_ca import PrivateCertificateAuthority
    from pca_automator.registration import TagRegistration
    from pca_automator.renewal_times import RenewalTimes
    from pca_automator.renewal_workflow import RenewalWorkflow
    from pca_automator.revocation import CrlDistribution
    from pca_automator.roles_anywhere import RolesAnywhereTrust

_MODULES = {
    "CrlAlarms": "monitoring",
    "CrlBudget": "crl_budget",
    "CrlDistribution": "revocation",
    "ExistingCertificateAuthority": "existing_ca",
    "FailureNotifications": "notifications",
    "FleetAlarms": "fleet_monitoring",
    "FleetDashboard": "fleet_dashboard",
    "FleetDigest": "digest",
    "FunctionFactory": "functions",
    "FunctionNetwork": "functions",
    "HostDeparture": "departure",
    "HostDocuments": "host_documents",
    "HostEnrolment": "enrolment",
    "HostFunctions": "host_functions",
    "HostInventory": "inventory",
    "HostRenewal": "host_renewal",
    "HostSettings": "host_settings",
    "ImportedAutomation": "automation_base",
    "KeyAlgorithm": "algorithms",
    "PcaCertificateAutomation": "certificate_automation",
    "Polling": "polling",
    "PrivateCertificateAuthority": "private_ca",
    "RenewalTimes": "renewal_times",
    "RenewalWorkflow": "renewal_workflow",
    "ReplacementRevocation": "algorithms",
    "RevocationPolicy": "algorithms",
    "RolesAnywhereTrust": "roles_anywhere",
    "SigningAlgorithm": "algorithms",
    "TagRegistration": "registration",
    "UsageMode": "algorithms",
    "ValidationPolicy": "algorithms",
}

__all__ = [
    "CrlAlarms",
    "CrlBudget",
    "CrlDistribution",
    "ExistingCertificateAuthority",
    "FailureNotifications",
    "FleetAlarms",
    "FleetDashboard",
    "FleetDigest",
    "FunctionFactory",
    "FunctionNetwork",
    "HostDeparture",
    "HostDocuments",
    "HostEnrolment",
    "HostFunctions",
    "HostInventory",
    "HostRenewal",
    "HostSettings",
    "ImportedAutomation",
    "KeyAlgorithm",
    "PcaCertificateAutomation",
    "Polling",
    "PrivateCertificateAuthority",
    "RenewalTimes",
    "RenewalWorkflow",
    "ReplacementRevocation",
    "RevocationPolicy",
    "RolesAnywhereTrust",
    "SigningAlgorithm",
    "TagRegistration",
    "UsageMode",
    "ValidationPolicy",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'pca_automator' has no attribute {name!r}")
    return getattr(importlib.import_module(f"pca_automator.{_MODULES[name]}"), name)
