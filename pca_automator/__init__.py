"""Certificates of AWS Private CA for a fleet of hosts, as one AWS CDK construct.

:class:`PcaCertificateAutomation` is the whole system; the other names are its parts and the values it takes. They are
loaded when first used, so that the operator's command and the local AWS start without ``aws_cdk``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pca_automator.authority.algorithms import KeyAlgorithm, SigningAlgorithm, UsageMode
    from pca_automator.authority.existing_ca import ExistingCertificateAuthority
    from pca_automator.authority.issuing import IssuingAuthority
    from pca_automator.authority.private_ca import PrivateCertificateAuthority
    from pca_automator.authority.profiles import CertificateProfile, CertificateProfiles, CertificateUsage
    from pca_automator.authority.roles_anywhere import RolesAnywhereTrust
    from pca_automator.authority.source import Authority
    from pca_automator.automation_base import ImportedAutomation
    from pca_automator.certificate_automation import PcaCertificateAutomation
    from pca_automator.functions.factory import FunctionFactory
    from pca_automator.functions.settings import FunctionNetwork, FunctionSettings
    from pca_automator.functions.unit_test_app import UnitTestApp
    from pca_automator.hosts.documents import HostDocuments
    from pca_automator.hosts.settings import HostSettings, ValidationPolicy
    from pca_automator.inventory.ledger import CertificateLedger
    from pca_automator.inventory.table import HostInventory
    from pca_automator.membership.enrolment import HostEnrolment
    from pca_automator.membership.registration import TagRegistration
    from pca_automator.membership.retirement import HostDeparture
    from pca_automator.monitoring.crl_alarms import CrlAlarms
    from pca_automator.monitoring.crl_budget import CrlBudget
    from pca_automator.monitoring.dashboard import FleetDashboard
    from pca_automator.monitoring.fleet_alarms import FleetAlarms
    from pca_automator.monitoring.options import Alarms
    from pca_automator.renewal.host_functions import HostFunctions
    from pca_automator.renewal.host_renewal import HostRenewal
    from pca_automator.renewal.pace import Pace
    from pca_automator.renewal.polling import Polling
    from pca_automator.renewal.start_ledger import StartLedger
    from pca_automator.renewal.times import RenewalTimes
    from pca_automator.renewal.workflow import RenewalWorkflow
    from pca_automator.reporting.digest import FleetDigest
    from pca_automator.reporting.notifications import FailureNotifications
    from pca_automator.revocation.crl_distribution import CrlDistribution
    from pca_automator.revocation.policies import ReplacementRevocation, RevocationPolicy

_MODULES = {
    "Alarms": "monitoring.options",
    "Authority": "authority.source",
    "CertificateLedger": "inventory.ledger",
    "CertificateProfile": "authority.profiles",
    "CertificateProfiles": "authority.profiles",
    "CertificateUsage": "authority.profiles",
    "CrlAlarms": "monitoring.crl_alarms",
    "CrlBudget": "monitoring.crl_budget",
    "CrlDistribution": "revocation.crl_distribution",
    "ExistingCertificateAuthority": "authority.existing_ca",
    "FailureNotifications": "reporting.notifications",
    "FleetAlarms": "monitoring.fleet_alarms",
    "FleetDashboard": "monitoring.dashboard",
    "FleetDigest": "reporting.digest",
    "FunctionFactory": "functions.factory",
    "FunctionNetwork": "functions.settings",
    "FunctionSettings": "functions.settings",
    "HostDeparture": "membership.retirement",
    "HostDocuments": "hosts.documents",
    "HostEnrolment": "membership.enrolment",
    "HostFunctions": "renewal.host_functions",
    "HostInventory": "inventory.table",
    "HostRenewal": "renewal.host_renewal",
    "HostSettings": "hosts.settings",
    "ImportedAutomation": "automation_base",
    "IssuingAuthority": "authority.issuing",
    "KeyAlgorithm": "authority.algorithms",
    "Pace": "renewal.pace",
    "PcaCertificateAutomation": "certificate_automation",
    "Polling": "renewal.polling",
    "PrivateCertificateAuthority": "authority.private_ca",
    "RenewalTimes": "renewal.times",
    "RenewalWorkflow": "renewal.workflow",
    "ReplacementRevocation": "revocation.policies",
    "RevocationPolicy": "revocation.policies",
    "RolesAnywhereTrust": "authority.roles_anywhere",
    "SigningAlgorithm": "authority.algorithms",
    "StartLedger": "renewal.start_ledger",
    "TagRegistration": "membership.registration",
    "UnitTestApp": "functions.unit_test_app",
    "UsageMode": "authority.algorithms",
    "ValidationPolicy": "hosts.settings",
}

__all__ = [
    "Alarms",
    "Authority",
    "CertificateLedger",
    "CertificateProfile",
    "CertificateProfiles",
    "CertificateUsage",
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
    "FunctionSettings",
    "HostDeparture",
    "HostDocuments",
    "HostEnrolment",
    "HostFunctions",
    "HostInventory",
    "HostRenewal",
    "HostSettings",
    "ImportedAutomation",
    "IssuingAuthority",
    "KeyAlgorithm",
    "Pace",
    "PcaCertificateAutomation",
    "Polling",
    "PrivateCertificateAuthority",
    "RenewalTimes",
    "RenewalWorkflow",
    "ReplacementRevocation",
    "RevocationPolicy",
    "RolesAnywhereTrust",
    "SigningAlgorithm",
    "StartLedger",
    "TagRegistration",
    "UnitTestApp",
    "UsageMode",
    "ValidationPolicy",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'pca_automator' has no attribute {name!r}")
    return getattr(importlib.import_module(f"pca_automator.{_MODULES[name]}"), name)
