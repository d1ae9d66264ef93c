"""IAM Roles Anywhere: who trusts the CA, and as what."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import Duration, Names, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rolesanywhere as rolesanywhere
from aws_cdk.interfaces.aws_rolesanywhere import ITrustAnchorRef
from constructs import Construct

from pca_automator._internal.arguments import checked
from pca_automator.authority.given_ca import check_anchor, check_ca
from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.authority.regions import check_services, takes_bundles_only

SESSION_DURATION = Duration.seconds(900)
"""The shortest session IAM Roles Anywhere gives; a session outlives the revocation of its certificate by at most this.
https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_CreateProfile.html"""

HOST_SUBJECTS = ("i-????????", "i-?????????????????", "mi-?????????????????")
"""The common names of hosts: EC2 instances, with 8 digits or with 17, and hybrid nodes. A condition of IAM knows no
digits, so whoever else may have the CA issue certificates can choose a name of this length: the CA is the boundary."""


class RolesAnywhereTrust(Construct):
    """A trust anchor for the CA, a profile, and a test role that may do nothing.

    The test role is what a host assumes to prove a new certificate before it goes live.

    https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html

    Args:
        authority: the CA whose certificates are accepted. Where its subject's common name is known, a certificate's
            issuer must have it.
        trust_anchor: an existing trust anchor of this CA. Default: one is created.
        profile_roles: further roles that the profile lets certificates assume. Default: the test role alone.

    Raises:
        ValueError: CA or trust anchor could not work here, or an argument has another type.
    """

    trust_anchor: ITrustAnchorRef
    """Makes IAM Roles Anywhere trust the CA."""
    trust_anchor_arn: str
    """For ``aws_signing_helper``."""
    test_role: iam.IRole
    """May do nothing."""
    profile: rolesanywhere.CfnProfile
    """Offers the test role and the roles of ``profile_roles``, for 900 seconds."""
    profile_arn: str
    """For ``aws_signing_helper``."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        authority: IssuingAuthority,
        trust_anchor: ITrustAnchorRef | None = None,
        profile_roles: Sequence[iam.IRole] = (),
    ) -> None:
        super().__init__(scope, id)
        check_services(Stack.of(self))
        check_ca(
            self,
            authority.certificate_authority,
            usage_mode=authority.usage_mode,
            signing_algorithm=authority.signing_algorithm,
            crl_bucket=authority.crl_bucket,
            has_anchor=trust_anchor is not None,
        )
        if trust_anchor is not None:
            check_anchor(self, trust_anchor, authority.certificate_authority)
        self._issuer_common_name = authority.common_name
        self.trust_anchor = trust_anchor or self._make_trust_anchor(authority)
        self.trust_anchor_arn = self.trust_anchor.trust_anchor_ref.trust_anchor_arn
        self.test_role = self.create_role(
            self, "TestRole", description="Assumed by a host to prove a new certificate; it has no permission at all"
        )
        self.profile = self.create_profile(self, "Profile", roles=[self.test_role, *profile_roles])
        self.profile_arn = self.profile.attr_profile_arn

    @checked
    def create_role(
        self,
        scope: Construct,
        id: str,
        *,
        subjects: Sequence[str] = HOST_SUBJECTS,
        description: str | None = None,
        max_session_duration: Duration | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
    ) -> iam.Role:
        """A role that certificates of this trust anchor may assume.

        Its trust policy names the trust anchor and the subject's common name, as AWS recommends; no
        condition is negative, for a missing tag makes a negative one true. Hand the role to ``profile_roles`` of the
        automation whose profile shall offer it.
        https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html

        Args:
            scope: where the role belongs.
            id: its construct id.
            subjects: common names (host ids) that may assume the role; ``*`` is a wildcard. Default: every host.
            description: of the role. Default: none.
            max_session_duration: of the role. Default: one hour.
            permissions_boundary: of the role. Default: none.

        Raises:
            ValueError: an argument has another type.
        """
        role = iam.Role(
            scope,
            id,
            assumed_by=self._principal(subjects),
            description=description,
            max_session_duration=max_session_duration,
            permissions_boundary=permissions_boundary,
        )
        assert role.assume_role_policy is not None  # a role made here always has one
        role.assume_role_policy.add_statements(self._session_statement(subjects))
        return role

    @checked
    def grant_assume_role_anywhere(self, role: iam.IRole, *, subjects: Sequence[str] = HOST_SUBJECTS) -> None:
        """Let certificates of this trust anchor assume a role that exists: the same trust as :meth:`create_role` gives.

        Args:
            role: made in this app. Hand it to ``profile_roles`` or :meth:`create_profile` as well.
            subjects: common names (host ids) that may assume the role; ``*`` is a wildcard. Default: every host.

        Raises:
            ValueError: the role is imported, so that this app cannot change its trust policy; the message has the
                statements to add by hand.
        """
        assume = iam.PolicyStatement(principals=[self._principal(subjects)], actions=["sts:AssumeRole"])
        statements = [assume, self._session_statement(subjects)]
        policy = role.assume_role_policy if isinstance(role, iam.Role) else None
        if policy is None:
            written = Stack.of(self).resolve([statement.to_statement_json() for statement in statements])
            raise ValueError(
                f"role is {role.node.path}, which this app only imports: its trust policy cannot be changed from here; "
                f"add these statements where the role is made: {json.dumps(written)}"
            )
        policy.add_statements(*statements)

    @checked
    def create_profile(self, scope: Construct, id: str, *, roles: Sequence[iam.IRole]) -> rolesanywhere.CfnProfile:
        """A profile that offers roles to certificates of this trust anchor, for the shortest sessions there are.

        Args:
            scope: where the profile belongs.
            id: its construct id.
            roles: what a certificate may assume, such as roles made by :meth:`create_role`.

        Raises:
            ValueError: an argument has another type.
        """
        return rolesanywhere.CfnProfile(
            scope,
            id,
            # CloudFormation requires a name; it need not be unique, but two profiles should be told apart.
            name=f"{Names.unique_resource_name(scope, max_length=150, separator='-')}-{id}",
            enabled=True,
            duration_seconds=SESSION_DURATION.to_seconds(),
            role_arns=[role.role_arn for role in roles],
        )

    def _principal(self, subjects: Sequence[str]) -> iam.IPrincipal:
        return iam.ServicePrincipal("rolesanywhere.amazonaws.com", conditions=self._conditions(subjects))

    def _session_statement(self, subjects: Sequence[str]) -> iam.PolicyStatement:
        """IAM Roles Anywhere tags each session with the certificate's fields and sets its source identity."""
        return iam.PolicyStatement(
            principals=[self._principal(subjects)], actions=["sts:TagSession", "sts:SetSourceIdentity"]
        )

    def _conditions(self, subjects: Sequence[str]) -> dict[str, dict[str, str | list[str]]]:
        # The anchor's ARN holds the account. aws:SourceAccount stands in none of AWS's examples for this service: if it
        # is not sent, a policy that demands it refuses every host.
        conditions: dict[str, dict[str, str | list[str]]] = {
            "ArnEquals": {"aws:SourceArn": self.trust_anchor_arn},
            "StringLike": {"aws:PrincipalTag/x509Subject/CN": list(subjects)},
        }
        if self._issuer_common_name is not None:
            conditions["StringEquals"] = {"aws:PrincipalTag/x509Issuer/CN": self._issuer_common_name}
        return conditions

    def _make_trust_anchor(self, authority: IssuingAuthority) -> rolesanywhere.CfnTrustAnchor:
        anchor = rolesanywhere.CfnTrustAnchor(
            self,
            "TrustAnchor",
            name=self._name("anchor"),
            enabled=True,
            source=self._source(authority),
            # The default, 45 days before expiry, would send an event a day for every certificate of a week.
            # https://docs.aws.amazon.com/rolesanywhere/latest/userguide/customize-notification-settings.html
            notification_settings=[
                rolesanywhere.CfnTrustAnchor.NotificationSettingProperty(
                    enabled=True, event="CA_CERTIFICATE_EXPIRY", threshold=45, channel="ALL"
                ),
                rolesanywhere.CfnTrustAnchor.NotificationSettingProperty(
                    enabled=True, event="END_ENTITY_CERTIFICATE_EXPIRY", threshold=1, channel="ALL"
                ),
            ],
        )
        if authority.activation is not None:
            anchor.node.add_dependency(authority.activation)
        return anchor

    def _source(self, authority: IssuingAuthority) -> rolesanywhere.CfnTrustAnchor.SourceProperty:
        """The CA itself; its certificate where AWS takes nothing else."""
        make = rolesanywhere.CfnTrustAnchor
        if not takes_bundles_only(Stack.of(self)):
            arn = authority.certificate_authority.certificate_authority_arn
            data = make.SourceDataProperty(acm_pca_arn=arn)
            return make.SourceProperty(source_type="AWS_ACM_PCA", source_data=data)
        if authority.certificate_pem is None:
            raise ValueError(
                f"the trust anchor would be in {Stack.of(self).region}, where IAM Roles Anywhere takes an uploaded "
                "certificate alone and the existing CA's is not known at synthesis: make a trust anchor of source "
                "CERTIFICATE_BUNDLE and give it as trust_anchor"
            )
        data = make.SourceDataProperty(x509_certificate_data=authority.certificate_pem)
        return make.SourceProperty(source_type="CERTIFICATE_BUNDLE", source_data=data)

    def _name(self, kind: str) -> str:
        # CloudFormation requires a name here; it need not be unique, but two automations should be told apart.
        return f"{Names.unique_resource_name(self, max_length=200, separator='-')}-{kind}"
