"""What AWS lets an account do in a second, and in a life: one table, each number with its source.

Read in 2026. Rates are requests a second for each account and Region, and the defaults of an account that nobody has
raised. Constructs, functions, the plan and the local AWS all read this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pca_runtime.errors.kinds import InvalidInput

__all__ = ["CA_LIFETIME_CERTIFICATES", "QUOTAS", "Quota", "quota", "with_rates"]

_ROLES_ANYWHERE = "https://docs.aws.amazon.com/general/latest/gr/rolesanywhere.html"
_PRIVATE_CA = "https://docs.aws.amazon.com/general/latest/gr/pca.html"
_STEP_FUNCTIONS = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
_THROTTLE = "throttle limit in transactions per second"
_EVENT_BRIDGE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
_SCALING = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html"
_SYSTEMS_MANAGER = "https://docs.aws.amazon.com/general/latest/gr/ssm.html"

CA_LIFETIME_CERTIFICATES = 1_000_000
"""What a CA with a complete CRL may issue in its life; Service Quotas L-F99AB81B, acm-pca.
https://docs.aws.amazon.com/general/latest/gr/pca.html"""


@dataclass(frozen=True)
class Quota:
    """How often an account may call an API, or how much it may have at once.

    Args:
        name: of the API call, or of what is counted.
        service: code of the service, as Service Quotas has it.
        rate: a second; for ``kind`` "count" how many at once.
        burst: how many may come at once before the rate counts; one second of it where AWS does not say.
        adjustable: whether AWS raises it on request.
        source: the page that says so.
        listed_as: the quota's name in Service Quotas. Default: it is not there.
        published: whether AWS publishes the number; otherwise it is what is assumed.
        kind: "rate" or "count".
    """

    name: str
    service: str
    rate: float
    burst: float
    adjustable: bool
    source: str
    listed_as: str | None = None
    published: bool = True
    kind: str = "rate"


_TABLE = (
    Quota("CreateSession", "rolesanywhere", 10, 10, True, _ROLES_ANYWHERE, "Rate of CreateSession requests"),
    # ListCrls, GetCrl, ImportCrl, UpdateCrl and their like together.
    Quota("UpdateCrl", "rolesanywhere", 1, 1, True, _ROLES_ANYWHERE, "Combined rate of CRL requests"),
    Quota("IssueCertificate", "acm-pca", 25, 25, True, _PRIVATE_CA, "Rate of IssueCertificate requests"),
    Quota("GetCertificate", "acm-pca", 75, 75, True, _PRIVATE_CA, "Rate of GetCertificate requests"),
    Quota("RevokeCertificate", "acm-pca", 20, 20, False, _PRIVATE_CA, "Rate of RevokeCertificate requests"),
    # Run Command's rates are published nowhere; users report throttling at some tens a second.
    Quota("SendCommand", "ssm", 50, 50, False, _SYSTEMS_MANAGER, published=False),
    Quota("GetCommandInvocation", "ssm", 50, 50, False, _SYSTEMS_MANAGER, published=False),
    # The Regions that have least: 800 at once and 500 a second (us-east-1, us-west-2, eu-west-1: 5,000 and 1,500).
    Quota("StateTransition", "states", 500, 800, True, _STEP_FUNCTIONS),
    Quota("SendTaskSuccess", "states", 300, 1500, True, _STEP_FUNCTIONS),
    Quota("StartExecution", "states", 150, 800, True, _STEP_FUNCTIONS),
    # How fast a Distributed Map starts its children is not documented; the study of the pacing assumed as much.
    Quota("StartChild", "states", 300, 300, False, _STEP_FUNCTIONS, published=False),
    # The Regions that have least; us-east-1 has 10,000 and 18,750.
    Quota("PutEvents", "events", 400, 400, True, _EVENT_BRIDGE, f"PutEvents {_THROTTLE}"),
    Quota("RuleInvocation", "events", 750, 750, True, _EVENT_BRIDGE, f"Invocations {_THROTTLE}"),
    # Ten requests a second for each unit of concurrency; a new account may start with less.
    Quota("LambdaConcurrency", "lambda", 1000, 1000, True, _LAMBDA, "Concurrent executions", kind="count"),
    # A function's environments grow by 1,000 in ten seconds.
    Quota("LambdaScaling", "lambda", 100, 1000, False, _SCALING),
)  # fmt: skip

QUOTAS: Mapping[str, Quota] = {each.name: each for each in _TABLE}
"""Every quota that renewals touch, by name."""


def quota(name: str) -> Quota:
    """The quota of a name.

    Raises:
        InvalidInput: there is none.
    """
    if name not in QUOTAS:
        raise InvalidInput(f"{name!r} is no quota of this table: one of {', '.join(sorted(QUOTAS))} is")
    return QUOTAS[name]


def with_rates(rates: Mapping[str, float]) -> dict[str, Quota]:
    """The table with other rates, as an account may have them; a burst grows and falls with its rate.

    Args:
        rates: requests a second, by the name of the quota; above 0.

    Raises:
        InvalidInput: there is no such quota, or its rate is not a number above 0.
    """
    table = dict(QUOTAS)
    for name, rate in rates.items():
        known = quota(name)
        if not 0 < rate < float("inf"):
            raise InvalidInput(f"the quota {name} is {rate:g}: a number above 0 is needed")
        table[name] = replace(known, rate=rate, burst=known.burst * rate / known.rate, published=True)
    return table
