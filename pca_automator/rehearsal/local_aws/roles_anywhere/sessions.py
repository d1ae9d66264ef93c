"""CreateSession: from a signed request to temporary credentials."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import roles_anywhere as facts
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.roles_anywhere import chains, tags
from pca_automator.rehearsal.local_aws.roles_anywhere.service import RolesAnywhere
from pca_automator.rehearsal.local_aws.roles_anywhere.signature import SignedRequest, Signer, denied, verify
from pca_automator.rehearsal.local_aws.roles_anywhere.store import Resource, Store

_SHORTEST, _LONGEST, _DEFAULT = facts.DURATION.value


class Roles(Protocol):
    """The IAM roles of the account."""

    def trusts(self, role_arn: str, context: Mapping[str, str]) -> bool:
        """Whether the role's trust policy lets Roles Anywhere assume it in this context; False if there is none."""

    def longest_session(self, role_arn: str) -> int:
        """The role's maximum session duration in seconds."""

    def vend(self, role_arn: str, session_name: str, seconds: int) -> dict[str, str]:
        """Register temporary credentials of the role and return them as the Credentials shape."""


class Sessions:
    """Serves CreateSession."""

    def __init__(self, roles_anywhere: RolesAnywhere, roles: Roles) -> None:
        self._resources = roles_anywhere
        self._roles = roles

    def create(self, request: SignedRequest, now: dt.datetime) -> dict[str, Any]:
        """Verify everything and answer the CreateSession response; raises AccessDeniedException otherwise."""
        signer = verify(request, now)
        wanted = _parameters(request)
        anchor = _enabled(self._resources.anchors, wanted, "trustAnchorArn", "Trust anchor")
        profile = _enabled(self._resources.profiles, wanted, "profileArn", "Profile")
        chains.check_end_entity(signer.certificate, now)
        chains.check_chain(signer.certificate, signer.chain, self._resources.authorities(anchor), now)
        if self._resources.stale(anchor, now) and not LEDGER.holds(facts.STALE_CRL):
            raise denied("The CRL of the trust anchor is out of date", fact=facts.STALE_CRL)
        if self._resources.revoked(anchor, signer.certificate):
            raise denied("Certificate revoked", fact=facts.REVOKED)
        role_arn = wanted.get("roleArn", "")
        if role_arn not in profile.fields["roleArns"]:
            raise denied(f"Role {role_arn} is not in the profile", fact=facts.PROFILE_ROLES)
        self._check_trust(role_arn, anchor, signer)
        seconds = self._duration(wanted, profile, role_arn)
        name = self._session_name(wanted, profile, signer)
        return self._answer(role_arn, name, seconds, signer)

    def _check_trust(self, role_arn: str, anchor: Resource, signer: Signer) -> None:
        context = {f"aws:PrincipalTag/{tag}": value for tag, value in tags.principal_tags(signer.certificate).items()}
        context["aws:SourceArn"] = anchor.arn
        if LEDGER.holds(facts.SOURCE_ACCOUNT):
            context["aws:SourceAccount"] = anchor.arn.split(":")[4]
        context["sts:SourceIdentity"] = tags.source_identity(signer.certificate)
        if not self._roles.trusts(role_arn, context):
            raise denied(f"Unable to assume role for arn: {role_arn}", fact=facts.TRUST_POLICY)

    def _duration(self, wanted: Mapping[str, Any], profile: Resource, role_arn: str) -> int:
        seconds = int(wanted.get("durationSeconds", _DEFAULT))
        if not _SHORTEST <= seconds <= _LONGEST:
            raise ServiceError(
                "ValidationException", f"durationSeconds must be {_SHORTEST} to {_LONGEST}", fact=facts.DURATION
            )
        effective = min(seconds, int(profile.fields["durationSeconds"]))
        if effective > self._roles.longest_session(role_arn):
            raise ServiceError("ValidationException", "The session is longer than the role allows", fact=facts.DURATION)
        return effective

    def _session_name(self, wanted: Mapping[str, Any], profile: Resource, signer: Signer) -> str:
        name = wanted.get("roleSessionName")
        if name and not profile.fields.get("acceptRoleSessionName"):
            raise denied("The profile does not accept a role session name", fact=facts.SESSION_NAME)
        return str(name or f"{signer.certificate.serial_number:x}")

    def _answer(self, role_arn: str, name: str, seconds: int, signer: Signer) -> dict[str, Any]:
        credentials = self._roles.vend(role_arn, name, seconds)
        account = role_arn.split(":")[4]
        role = role_arn.rpartition("/")[2]
        subject = f"subject/{signer.certificate.serial_number:x}"
        return {
            "credentialSet": [
                {
                    "assumedRoleUser": {
                        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
                        "assumedRoleId": f"{role}:{name}",
                    },
                    "credentials": credentials,
                    "packedPolicySize": 0,
                    "roleArn": role_arn,
                    "sourceIdentity": tags.source_identity(signer.certificate),
                }
            ],
            "subjectArn": f"arn:aws:rolesanywhere:{signer.region}:{account}:{subject}",
        }


def _parameters(request: SignedRequest) -> dict[str, Any]:
    """The parameters: AWS's helper sends ARNs in the query, other clients send everything in the body."""
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise ServiceError("ValidationException", "The body is not JSON", fact=facts.BODY) from error
    query = {name: values[0] for name, values in parse_qs(request.query).items()}
    return {**body, **query}


def _enabled(store: Store, wanted: Mapping[str, Any], key: str, what: str) -> Resource:
    resource = store.by_arn(str(wanted.get(key, "")))
    if resource is None:
        raise ServiceError("ResourceNotFoundException", f"{what} not found", 404, fact=facts.KNOWN)
    if not resource.enabled:
        raise denied(f"{what} is disabled", fact=facts.ENABLED)
    return resource
