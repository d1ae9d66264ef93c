"""How fast a fleet is renewed, and how long the workflow waits for each of its hosts."""

from __future__ import annotations

from dataclasses import dataclass, field

from pca_automator._internal import validation
from pca_automator._internal.arguments import check_fields
from pca_automator.renewal.polling import Polling

DEFAULT_CONCURRENCY = 200
"""Hosts in flight at once. A host takes two polls of 15 s at least, so 200 stay below IssueCertificate's 25 a second
and CreateSession's 10 a second. https://docs.aws.amazon.com/general/latest/gr/rolesanywhere.html"""

_MAP_CONCURRENCY_LIMIT = 10_000


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How many hosts at once, how many may fail, and how long each may take.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html

    Args:
        max_concurrency: hosts renewed at once, 1 to 10,000. Default: 200.
        tolerated_failure_percentage: share of failed hosts above which a run starts no further renewals; no token, for
            the CDK's Distributed Map takes none. Default: 100.
        polling: how long the workflow waits for a host. Default: twelve looks, 15 seconds apart, for each command.

    Raises:
        ValueError: a value is out of bounds, or the percentage a token.
    """

    max_concurrency: int = DEFAULT_CONCURRENCY
    tolerated_failure_percentage: float = 100
    polling: Polling = field(default_factory=Polling)

    def __post_init__(self) -> None:
        check_fields(self)
        validation.whole_number("max_concurrency", self.max_concurrency, 1, _MAP_CONCURRENCY_LIMIT)
        validation.percentage("tolerated_failure_percentage", self.tolerated_failure_percentage)
