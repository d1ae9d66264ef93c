"""How fast a fleet is renewed, how often a host at most, and how long the workflow waits for each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pca_automator._internal import validation
from pca_automator._internal.arguments import check_fields
from pca_automator.renewal.polling import Polling

_MAP_CONCURRENCY_LIMIT = 10_000
# A host that is renewed every two minutes; the budget is there to be met before that.
_ISSUANCE_BUDGET_MAX = 1_000
QUOTAS = ("CreateSession", "GetCertificate", "IssueCertificate", "SendCommand")
"""The API calls of a renewal whose quotas bound the pace."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How many hosts start in a second, how many may fail, and how long each may take.

    Every run, whoever starts it, reserves a start for each of its hosts, so that all runs together stay within what the
    account's quotas leave. CreateSession of IAM Roles Anywhere bounds it: 10 a second for the whole account, of which
    renewals and production take nine tenths together.

    https://docs.aws.amazon.com/rolesanywhere/latest/userguide/quotas.html

    Args:
        quotas: requests a second that AWS allows this account, by API call: CreateSession, GetCertificate,
            IssueCertificate and SendCommand, known at synthesis. Default: what Service Quotas says, else what AWS
            documents; SendCommand, whose quota AWS does not publish, bounds nothing until it is given here.
        production_sessions: CreateSession requests a second of the account's own workloads, known at synthesis; so
            many are left to them. Default: what CloudWatch saw in the busiest five minutes of the day before, else one
            an hour for each host.
        quota_share: this automation's part of the quotas, above 0, at most 1, known at synthesis: with several
            automations in an account, a part for each. Default: 1.
        read_account: whether runs over the fleet look at Service Quotas and CloudWatch. Default: yes.
        max_concurrency: hosts under way at once, 1 to 10,000, those that wait for their start among them. It is no way
            to go slower: see quotas. Default: 10,000.
        tolerated_failure_percentage: share of failed hosts above which a run starts no further renewals; no token, for
            the CDK's Distributed Map takes none. Default: 100.
        issuance_budget: certificates of one host within 24 hours, 1 to 1,000, whoever asks for them but a person who
            forces a run. A host that fails again and again gets half as many after each failure, and two at least.
            Default: 10.
        polling: how long the workflow waits for a host. Default: a look after 5 seconds, and twelve that are 15
            seconds apart, for each command.

    Raises:
        ValueError: a value is out of bounds, a quota's name is none of the four, or a rate or share is a token.
    """

    quotas: Mapping[str, float] | None = None
    production_sessions: float | None = None
    quota_share: float = 1
    read_account: bool = True
    max_concurrency: int = _MAP_CONCURRENCY_LIMIT
    tolerated_failure_percentage: float = 100
    issuance_budget: int = 10
    polling: Polling = field(default_factory=Polling)

    def __post_init__(self) -> None:
        check_fields(self)
        for name, rate in (self.quotas or {}).items():
            if name not in QUOTAS:
                raise ValueError(f"quotas has {name!r}: it must be one of {', '.join(QUOTAS)}")
            validation.rate(f"quotas[{name!r}]", rate, above=0)
        if self.production_sessions is not None:
            validation.rate("production_sessions", self.production_sessions)
        validation.rate("quota_share", self.quota_share, above=0, most=1)
        validation.whole_number("max_concurrency", self.max_concurrency, 1, _MAP_CONCURRENCY_LIMIT)
        validation.percentage("tolerated_failure_percentage", self.tolerated_failure_percentage)
        validation.whole_number("issuance_budget", self.issuance_budget, 1, _ISSUANCE_BUDGET_MAX)

    @property
    def environment(self) -> dict[str, str]:
        """What CertCheck reads; empty where nobody has said."""
        production = self.production_sessions
        return {
            "PRODUCTION_SESSIONS": "" if production is None else f"{production:g}",
            "QUOTAS": json.dumps(dict(sorted((self.quotas or {}).items()))),
            "QUOTA_SHARE": f"{self.quota_share:g}",
            "READ_ACCOUNT": str(self.read_account).lower(),
        }
