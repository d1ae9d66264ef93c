"""Before a run revokes what it replaces: does the CRL still fit what IAM Roles Anywhere takes?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.output import counted
from pca_automator.cli.runtime import runtime


def overflow(deployment: Deployment, request: Mapping[str, Any]) -> str | None:
    """What a run with this input would do to the CRL, where that is too much; None where it fits.

    Args:
        deployment: the automation.
        request: the run's input.
    """
    policy = deployment.settings("CertCheck").get("REVOKE_REPLACED")
    wanted = runtime("renewal.payloads").RunInput.parse(dict(request))
    if runtime("renewal.replacement").revocation_reason(wanted, policy) is None:
        return None
    hosts = _with_certificate(deployment, wanted.host_ids)
    entries = _entries(deployment)
    sizes, allowed = runtime("revocation.crl_size"), runtime("revocation.crl").PEM_MAX
    size = sizes.pem_bytes(entries + hosts)
    if size <= allowed:
        return None
    return (
        f"This run revokes the certificates of {counted(hosts, 'host')}. The CRL has "
        f"{counted(entries, 'entry', 'entries')} and grows to {size:,} bytes; IAM Roles Anywhere takes {allowed:,}, "
        f"some {sizes.entries_that_fit():,} entries, and goes on with the last CRL that fitted: what is revoked after "
        "that is accepted until it runs out. Name the hosts whose keys are out. Where it is all of them: make a new "
        "CA, renew every host from it while the trust anchor holds the certificates of both, then take the old one "
        "out of the anchor, and every certificate of the old CA is refused at once."
    )


def _with_certificate(deployment: Deployment, host_ids: list[str] | None) -> int:
    """Hosts of the run that have a certificate to be revoked."""
    attributes = ("status", "expiry")
    items = fleet.hosts(deployment, attributes) if host_ids is None else fleet.these(
        deployment, host_ids, attributes
    ).values()  # fmt: skip
    return sum(item.status != "RETIRED" and item.expiry is not None for item in items)


def _entries(deployment: Deployment) -> int:
    """Of the CRL in force; 0 where there is none yet, or none is distributed."""
    if deployment.function("CRLProcessor") is None:
        return 0
    settings = deployment.settings("CRLProcessor")
    pages = deployment.aws.client("rolesanywhere").get_paginator("list_crls").paginate()
    for page in pages:
        for crl in page.get("crls", []):
            if crl.get("trustAnchorArn") == settings["TRUST_ANCHOR_ARN"] and crl.get("name") == settings["CRL_NAME"]:
                from cryptography.x509 import load_pem_x509_crl

                data = crl["crlData"]
                return len(load_pem_x509_crl(data if isinstance(data, bytes) else str(data).encode()))
    return 0
