"""What every session of every host hangs on: the CA, the trust anchor, the profile, and the CRL in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pca_runtime.authority.anchored import unlike
from pca_runtime.authority.certificate_authority import Authority
from pca_runtime.errors.kinds import CrlRefused
from pca_runtime.errors.of_aws import translated
from pca_runtime.monitoring.finding import Finding, ok, trouble
from pca_runtime.revocation.crl_size import PEM_MAX
from pca_runtime.shared.clients import PrivateCa, RolesAnywhere
from pca_runtime.shared.counting import counted
from pca_runtime.shared.timestamps import format_time

if TYPE_CHECKING:
    from pca_runtime.revocation.crl import Crl

__all__ = [
    "asked_trust_anchor",
    "authority",
    "crl_in_force",
    "crl_source",
    "facts",
    "named_crl",
    "profile",
    "revoked_serials",
    "trust_anchor",
]

# The CA is to be renewed before renewals begin to fail: with weeks of validity, and a person who is on holiday.
_CA_WARNING = timedelta(days=90)
# IAM Roles Anywhere takes PEM_MAX; beyond this share no revocation of a larger fleet may fit any more.
_CRL_SHARE = 0.8


def authority(found: Authority, ca_arn: str, now: datetime) -> Finding:
    """The CA: whether it issues, and for how long."""
    part = "CA"
    if found.status == "DISABLED":
        enable = f"aws acm-pca update-certificate-authority --certificate-authority-arn {ca_arn} --status ACTIVE"
        return trouble(part, f"the CA is {found}: nothing can be issued", enable)
    if found.status == "DELETED":
        restore = f"aws acm-pca restore-certificate-authority --certificate-authority-arn {ca_arn}"
        return trouble(part, f"the CA is {found}: nothing can be issued", restore)
    if found.status != "ACTIVE":
        return trouble(part, f"the CA is {found}: nothing can be issued", who="who keeps the CA renews its certificate")
    if found.not_after is not None and found.not_after - now < _CA_WARNING:
        describe = f"aws acm-pca describe-certificate-authority --certificate-authority-arn {ca_arn}"
        text = f"{found}: the CA's own certificate runs out soon"
        told = "pca-automator docs authority"
        return trouble(part, text, describe, told, who="who keeps the CA renews its certificate")
    return ok(part, str(found))


def asked_trust_anchor(roles_anywhere: RolesAnywhere, arn: str, private_ca: PrivateCa, ca_arn: str) -> Finding:
    """The trust anchor as it is now, beside the CA that issues.

    Args:
        roles_anywhere: an IAM Roles Anywhere client.
        arn: the trust anchor's.
        private_ca: an AWS Private CA client.
        ca_arn: the CA.

    Raises:
        PcaAutomatorError: IAM Roles Anywhere or AWS Private CA did not answer.
    """
    with translated("GetTrustAnchor"):
        answer = roles_anywhere.get_trust_anchor(trustAnchorId=arn.rpartition("/")[2])
    return trust_anchor(answer, arn, private_ca, ca_arn)


def trust_anchor(answer: Mapping[str, Any], arn: str, private_ca: PrivateCa, ca_arn: str) -> Finding:
    """The trust anchor, as GetTrustAnchor has it, beside the CA that issues.

    Args:
        answer: of GetTrustAnchor.
        arn: the trust anchor's.
        private_ca: an AWS Private CA client.
        ca_arn: the CA.

    Raises:
        PcaAutomatorError: AWS Private CA did not answer.
    """
    part, identifier = "trust anchor", arn.rpartition("/")[2]
    found = _enabled(
        part,
        answer.get("trustAnchor"),
        f"aws rolesanywhere enable-trust-anchor --trust-anchor-id {identifier}",
    )
    said = unlike(answer["trustAnchor"], private_ca, ca_arn) if found.is_ok else None
    if said is None:
        return found
    if (answer["trustAnchor"].get("source") or {}).get("sourceType") != "AWS_ACM_PCA":
        return trouble(part, said, "pca-automator docs authority", who="who keeps the trust anchor updates it")
    source = f"sourceType=AWS_ACM_PCA,sourceData={{acmPcaArn={ca_arn}}}"
    update = f"aws rolesanywhere update-trust-anchor --trust-anchor-id {identifier} --source '{source}'"
    return trouble(part, said, update)


def profile(answer: Mapping[str, Any], arn: str, role_arn: str = "") -> Finding:
    """The profile, as GetProfile has it.

    Args:
        answer: of GetProfile.
        arn: the profile's.
        role_arn: the role that hosts prove their certificates with; "": it is not known here.
    """
    identifier = arn.rpartition("/")[2]
    enable = f"aws rolesanywhere enable-profile --profile-id {identifier}"
    found = _enabled("profile", answer.get("profile"), enable)
    roles = answer["profile"].get("roleArns") if found.is_ok else None
    if not role_arn or roles is None or role_arn in roles:
        return found
    update = f"aws rolesanywhere update-profile --profile-id {identifier} --role-arns {' '.join([*roles, role_arn])}"
    return trouble("profile", "the role that hosts prove with is not in the profile: no proof can succeed", update)


def _enabled(part: str, found: object, enable: str) -> Finding:
    if isinstance(found, Mapping) and found.get("enabled") is True:
        return ok(part, "enabled")
    return trouble(part, f"the {part} is disabled: no host gets a session", enable)


def named_crl(entries: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    """The deployment's own among the CRLs of its trust anchor."""
    return next((entry for entry in entries if entry.get("name") == name), None)


def crl_source(look: Callable[[], object]) -> Finding:
    """Whether the CA is configured to write the CRL that is read.

    Args:
        look: compares what the CA is configured to write, or reads it.
    """
    try:
        look()
    except CrlRefused as refused:
        return trouble("CRL source", refused.message, f"pca-automator explain {refused.code}")
    return ok("CRL source", "the CA writes its CRL where it is read")


def crl_in_force(entry: Mapping[str, Any] | None, now: datetime, *, processor: str = "", due: bool = False) -> Finding:
    """The CRL that IAM Roles Anywhere enforces.

    Args:
        entry: as ListCrls has it; ``None``: there is none.
        now: the current time.
        processor: the function CRLProcessor, which brings in a newer one; "": it is not known here.
        due: whether there have been certificates for so long that there must be one.
    """
    part = "CRL"
    again = (f"aws lambda invoke --function-name {processor} /dev/stdout",) if processor else ()
    if entry is None and due:
        return trouble(part, "none, although there are certificates: no revocation is enforced", *again)
    if entry is None:
        return ok(part, "none yet: the CA writes the first after a certificate")
    crl = _loaded(entry)
    if crl is None:
        return trouble(part, "the CRL in force cannot be read", *again)
    words = f"{counted(crl.entries, 'entry', 'entries')}, next update {format_time(crl.next_update)}"
    if not entry.get("enabled", True):
        enable = f"aws rolesanywhere enable-crl --crl-id {entry.get('crlId', '')}"
        return trouble(part, f"DISABLED, {words}: revoked certificates are accepted", enable)
    if crl.next_update <= now:
        return trouble(part, f"the CRL has run out: {words}", *again)
    if len(crl.pem) > PEM_MAX * _CRL_SHARE:
        text = f"{len(crl.pem):,} of {PEM_MAX:,} bytes are used: {words}"
        return trouble(part, text, "pca-automator explain CRL_TOO_LARGE")
    last = crl.parsed.last_update_utc
    # A CA writes the next one when half of the validity is over.
    if now - last > (crl.next_update - last) * 0.75:
        return trouble(part, f"the CRL in force is old, and no newer one came: {words}", *again)
    return ok(part, f"enabled, {words}")


def facts(entry: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a program wants to know of the CRL in force; nothing where there is none."""
    crl = None if entry is None else _loaded(entry)
    if entry is None or crl is None:
        return {}
    return {
        "enabled": bool(entry.get("enabled", True)),
        "entries": crl.entries,
        "bytes": len(crl.pem),
        "nextUpdate": format_time(crl.next_update),
    }


def revoked_serials(entry: Mapping[str, Any] | None) -> frozenset[int]:
    """What the CRL in force refuses; nothing where there is none, or none that can be read."""
    crl = None if entry is None else _loaded(entry)
    return frozenset() if crl is None else frozenset(each.serial_number for each in crl.parsed)


def _loaded(entry: Mapping[str, Any]) -> Crl | None:
    from pca_runtime.revocation.crl import load_crl  # where no CRL is distributed, none is read

    data = entry.get("crlData", b"")
    try:
        return load_crl(data if isinstance(data, bytes) else str(data).encode())
    except CrlRefused:
        return None
