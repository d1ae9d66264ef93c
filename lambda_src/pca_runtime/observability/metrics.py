"""Every metric that the functions emit, and its unit: the one list that alarms, dashboard and docs are held to."""

from __future__ import annotations

from collections.abc import Mapping

UNITS: Mapping[str, str] = {
    "CaCertificatesIssued": "Count",
    "CaSecondsLeft": "Seconds",
    "CertificatesIssued": "Count",
    "CertificatesRevoked": "Count",
    "CrlAgeSeconds": "Seconds",
    "CrlBytes": "Bytes",
    "CrlEntries": "Count",
    "CrlMissing": "Count",
    "CrlSecondsToNextUpdate": "Seconds",
    "CrlsAccepted": "Count",
    "CrlsRefused": "Count",
    "DeparturesRefused": "Count",
    "EntriesQuarantined": "Count",
    "EventsNotPublished": "Count",
    "FirstPercentileSecondsLeft": "Seconds",
    "HostsDue": "Count",
    "HostsEnrolled": "Count",
    "HostsFailed": "Count",
    "HostsImpaired": "Count",
    "HostsLost": "Count",
    "HostsNotAttempted": "Count",
    "HostsNoticed": "Count",
    "HostsOverdue": "Count",
    "HostsRegistered": "Count",
    "HostsRejected": "Count",
    "HostsRemoved": "Count",
    "HostsRenewed": "Count",
    "HostsRetired": "Count",
    "HostsSkipped": "Count",
    "HostsTotal": "Count",
    "HostsUnproven": "Count",
    "IssuanceBudgetExceeded": "Count",
    "IssuanceIgnored": "Count",
    "LeastSecondsLeft": "Seconds",
    "RecordsUnreadable": "Count",
    "RunSeconds": "Seconds",
    "TrustAnchorUnfit": "Count",
}
"""CloudWatch's units. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html"""
