"""Will the CRL fit? A forecast at synthesis, for IAM Roles Anywhere takes 300,000 bytes and no more."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Annotations, Duration, Token
from constructs import IConstruct

from pca_automator._internal import validation
from pca_automator._internal.arguments import check_fields
from pca_automator.renewal.times import RenewalTimes
from pca_automator.revocation.policies import ReplacementRevocation, RevocationPolicy

CRL_MAX_BYTES = 300_000
"""Of a CRL in PEM. https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_ImportCrl.html"""

CRL_ALARM_SHARE = 0.8

# Measured with CRLs of AWS Private CA's form (127-bit serial numbers, reason codes, signed with RSA 2048) in PEM:
# 1,000 entries are 66,913 bytes, 4,500 entries 299,138. That is the slope and what is left at none.
_BYTES_PER_ENTRY = 66.35
_BYTES_WITHOUT_ENTRIES = 565

# Hosts that leave in a day, as a share of the fleet: a guess for a fleet of servers, on the high side.
_LEAVE_A_DAY = 0.01

# Of a CA with a complete CRL, over its whole life.
# https://docs.aws.amazon.com/general/latest/gr/pca.html
CERTIFICATES_PER_CA = 1_000_000
_WARN_BELOW_YEARS = 2


def _pem_bytes(entries: int) -> int:
    return round(_BYTES_WITHOUT_ENTRIES + _BYTES_PER_ENTRY * entries)


@dataclass(frozen=True)
class CrlBudget:
    """What a fleet does to its CRL and to its CA.

    https://docs.aws.amazon.com/general/latest/gr/pca.html

    Args:
        hosts: size of the fleet.
        validity: of the hosts' certificates.
        remaining: what is left of a certificate when it is replaced, on average.
        revoke_on_retire: whether the certificate of a host that leaves is revoked.
        revoke_replaced: which runs revoke what they replace.

    Raises:
        ValueError: ``hosts`` is out of bounds, or a value has another type.
    """

    hosts: int
    validity: Duration
    remaining: Duration
    revoke_on_retire: RevocationPolicy
    revoke_replaced: ReplacementRevocation

    def __post_init__(self) -> None:
        check_fields(self)
        validation.whole_number("hosts", self.hosts, 1, 10_000_000)

    @property
    def certificates_per_year(self) -> float:
        """How many the CA issues."""
        return self.hosts * 365 * 86_400 / (self.validity.to_seconds() - self.remaining.to_seconds())

    @property
    def entries(self) -> int:
        """How many revoked certificates have not run out on an ordinary day; after that they leave the CRL."""
        entries = 0.0
        if self.revoke_replaced is ReplacementRevocation.ALWAYS:
            entries += self.certificates_per_year / 365 * self.remaining.to_seconds() / 86_400
        if self.revoke_on_retire is RevocationPolicy.ALWAYS:
            # A host that leaves is, on average, half-way between two renewals.
            left = (self.validity.to_seconds() + self.remaining.to_seconds()) / 2 / 86_400
            entries += self.hosts * _LEAVE_A_DAY * left
        return round(entries)

    @property
    def crl_bytes(self) -> int:
        """Size of the CRL in PEM on an ordinary day."""
        return _pem_bytes(self.entries)

    @property
    def break_glass_bytes(self) -> int:
        """Size of the CRL in PEM after a run that re-issued everything and revoked what it replaced."""
        return _pem_bytes(self.entries + self.hosts)

    @property
    def years_of_the_ca(self) -> float:
        """After how long a CA with a complete CRL has issued all it may."""
        return CERTIFICATES_PER_CA / self.certificates_per_year

    def warn(self, construct: IConstruct, *, crl: bool = True) -> None:
        """Say at synthesis what will not fit.

        Args:
            construct: gets the warnings.
            crl: whether a CRL is distributed. Default: yes.
        """
        if crl:
            self._warn_of_the_crl(construct)
        if self.years_of_the_ca < _WARN_BELOW_YEARS:
            Annotations.of(construct).add_warning_v2(
                "pca-automator:ca-certificate-quota",
                f"{self.hosts:,} hosts with certificates of {self.validity.to_human_string()} take about "
                f"{self.certificates_per_year:,.0f} certificates a year; a CA with a complete CRL issues "
                f"{CERTIFICATES_PER_CA:,} in its life, so it is used up in {self.years_of_the_ca * 12:.0f} months. "
                "Plan its successor, or use a longer validity",
            )

    def _warn_of_the_crl(self, construct: IConstruct) -> None:
        if self.crl_bytes > CRL_ALARM_SHARE * CRL_MAX_BYTES:
            by_renewals = self.revoke_replaced is ReplacementRevocation.ALWAYS
            remedy = "Set revoke_replaced to NEVER or ON_KEY_COMPROMISE, renew" if by_renewals else "Renew"
            Annotations.of(construct).add_warning_v2(
                "pca-automator:crl-budget",
                f"{self.hosts:,} hosts with certificates of {self.validity.to_human_string()} keep about "
                f"{self.entries:,} revoked certificates on the CRL, {self.crl_bytes:,} bytes; IAM Roles Anywhere takes "
                f"{CRL_MAX_BYTES:,} bytes, and enforces the last CRL that fitted. {remedy} later (the threshold of "
                "times), or spread the fleet over several automations",
            )
        elif self.revoke_replaced is not ReplacementRevocation.NEVER and self.break_glass_bytes > CRL_MAX_BYTES:
            Annotations.of(construct).add_warning_v2(
                "pca-automator:crl-budget",
                f"revoke_replaced is {self.revoke_replaced.value}, so a run that re-issues everything revokes the "
                f"certificates of {self.hosts:,} hosts: the CRL would have {self.break_glass_bytes:,} bytes, and IAM "
                f"Roles Anywhere takes {CRL_MAX_BYTES:,}. It would go on with the last CRL that fitted: the "
                "certificates revoked after that, of hosts that leave too, are accepted until they run out, at most "
                f"{self.validity.to_human_string()} later. Spread the fleet over several automations; or name the "
                'hosts whose keys are out ({"hostIDs": [...], "force": true, "revokeReplaced": true}), and disable '
                "the trust anchor where it is all of them",
            )


def forecast(
    construct: IConstruct,
    *,
    crl: bool,
    hosts: int,
    times: RenewalTimes,
    revoke_on_retire: RevocationPolicy,
    revoke_replaced: ReplacementRevocation,
) -> None:
    """Say at synthesis what will not fit, or that nothing can be said.

    Args:
        construct: gets the warnings.
        crl: whether a CRL is distributed.
        hosts: size of the fleet.
        times: of its certificates.
        revoke_on_retire: whether the certificate of a host that leaves is revoked.
        revoke_replaced: which runs revoke what they replace.

    Raises:
        ValueError: ``hosts`` is out of bounds, or a value has another type.
    """
    if Token.is_unresolved(hosts) or not times.are_known:
        Annotations.of(construct).add_warning_v2(
            "pca-automator:no-forecast",
            "expected_hosts is given, but it or a validity, threshold or jitter of times is a token: the size of "
            "the CRL can only be forecast from numbers that are known at synthesis",
        )
        return
    CrlBudget(
        hosts=hosts,
        validity=times.validity,
        remaining=times.left_at_renewal,
        revoke_on_retire=revoke_on_retire,
        revoke_replaced=revoke_replaced,
    ).warn(construct, crl=crl)
