"""The plan: what was played, and what follows from it for a month, the CRL and the CA."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pca_automator.cli.runtime import runtime
from pca_automator.planning import costs
from pca_automator.planning.scenario import Played, Scenario
from pca_automator.planning.simulation import play
from pca_automator.planning.workflow import Workflow

_DAY = 86_400
_NEAR = 0.8


@dataclass(frozen=True)
class Settings:
    """What a deployment is made with, as far as a plan needs it.

    Args:
        validity: of certificates.
        threshold: how long before its end one is due.
        jitter: window before that over which due times spread.
        interval: between two runs of the schedule.
        revokes_replaced: whether every replaced certificate is revoked.
        revokes_leaving: whether the certificate of a host that leaves is revoked.
        usage_mode: of the CA, as AWS Private CA names it.
    """

    validity: timedelta = timedelta(days=7)
    threshold: timedelta = timedelta(days=2)
    jitter: timedelta = timedelta(hours=12)
    interval: timedelta = timedelta(hours=12)
    revokes_replaced: bool = False
    revokes_leaving: bool = True
    usage_mode: str = "SHORT_LIVED_CERTIFICATE"

    @classmethod
    def of(cls, environment: Mapping[str, Mapping[str, str]]) -> Settings:
        """As the functions are told; what they are not told, or by a token, stays at the library's default."""
        default = cls()
        deploy, check = environment.get("CertDeploy", {}), environment.get("CertCheck", {})
        retire = environment.get("CertRetire", {})
        days = _seconds(environment.get("CertIssue", {}).get("VALIDITY_DAYS"))
        return cls(
            default.validity if days is None else days * _DAY,
            _seconds(deploy.get("RENEWAL_THRESHOLD_SECONDS")) or default.threshold,
            _seconds(deploy.get("RENEWAL_JITTER_SECONDS")) or default.jitter,
            _seconds(check.get("NEXT_RUN_SECONDS")) or default.interval,
            check.get("REVOKE_REPLACED") == "ALWAYS",
            retire.get("REVOKE_ON_RETIRE", "ALWAYS") == "ALWAYS",
        )

    @property
    def cycle(self) -> Any:
        """As :class:`pca_runtime.authority.lifetime.Cycle`."""
        return runtime("authority.lifetime").Cycle(self.validity, self.threshold, self.jitter)


def _seconds(value: str | None) -> timedelta | None:
    return timedelta(seconds=int(value)) if value is not None and value.isdigit() else None


@dataclass(frozen=True)
class Plan:
    """A scenario that was played, and the fleet that it is about."""

    workflow: Workflow
    scenario: Scenario
    settings: Settings
    played: Played

    def as_json(self) -> dict[str, Any]:
        """Every figure; seconds, requests a second, USD a month, bytes."""
        played, settings, hosts = self.played, self.settings, self.scenario.hosts
        lifetime = self._lifetime()
        entries = self._entries()
        sizes = runtime("revocation.crl_size")
        return {
            "hosts": hosts,
            "due": played.renewed + played.failed + played.lost,
            "enrol_at_once": self.scenario.enrol_at_once,
            "production": played.production,
            "workflow": self.workflow.origin,
            "paced": self.workflow.paced,
            "rate": round(played.rate, 3),
            "bound_by": played.bound_by,
            "seconds": round(played.seconds, 1),
            "floor_seconds": round(played.floor_seconds, 1),
            "ratio": round(played.ratio, 3),
            "hosts_renewed": played.renewed,
            "hosts_failed": played.failed,
            "hosts_lost": played.lost,
            "failures": dict(played.causes.most_common()),
            "production_throttled_share": round(played.production_throttled_share, 5),
            "single_enrolments": len(played.single_seconds),
            "single_enrolment_p50_seconds": _rounded(played.single_p(0.5)),
            "single_enrolment_p99_seconds": _rounded(played.single_p(0.99)),
            "calls": self._calls(),
            "runs": played.runs,
            "requeues": played.requeues,
            "transitions_per_host": round(self._per_host(played.transitions), 2),
            "invocations_per_host": round(self._per_host(sum(played.invocations.values())), 2),
            "most_functions_at_once": played.most_invocations_at_once,
            "functions_at_once_allowed": int(played.quotas["LambdaConcurrency"].rate),
            "within_schedule": played.seconds <= settings.interval.total_seconds(),
            "monthly_certificates": round(lifetime.a_month),
            "monthly_cost": self._cost(),
            "crl_entries": entries,
            "crl_bytes": sizes.pem_bytes(entries),
            "break_glass_crl_bytes": sizes.pem_bytes(entries + hosts),
            "crl_bytes_allowed": runtime("revocation.crl").PEM_MAX,
            "months_until_ca_is_used_up": None if lifetime.months is None else round(lifetime.months, 1),
            "raise_first": self._raise_first(),
            "warnings": self._warnings(),
            "assumptions": self._assumptions(),
            "seed": self.scenario.seed,
        }

    def _per_host(self, count: int) -> float:
        played = self.played
        return count / max(1, played.renewed + played.failed + played.lost + len(played.single_seconds))

    def _lifetime(self) -> Any:
        module = runtime("authority.lifetime")
        return module.Lifetime(0, self.settings.cycle.certificates(self.scenario.hosts, module.MONTH))

    def _entries(self) -> int:
        settings = self.settings
        return int(
            runtime("revocation.crl_size").entries_of(
                self.scenario.hosts,
                settings.cycle,
                replaced=settings.revokes_replaced,
                leaving=settings.revokes_leaving,
            )
        )

    def _cost(self) -> dict[str, float]:
        seconds = sum(self.scenario.assumed.function) / 2
        return costs.monthly(
            costs.Renewals(
                self._lifetime().a_month,
                self._per_host(self.played.transitions),
                self._per_host(sum(self.played.invocations.values())),
                seconds,
                self.settings.usage_mode,
            )
        )

    def _calls(self) -> dict[str, dict[str, Any]]:
        """Of each API that was called: how often, how often throttled, the busiest second, and the quota."""
        found = {}
        for name, meter in self.played.meters.items():
            if not meter.calls or self.played.quotas[name].kind != "rate":
                continue
            quota = self.played.quotas[name]
            found[name] = {
                "calls": sum(meter.calls.values()),
                "throttled": sum(meter.throttled.values()),
                "busiest_second": meter.peak,
                "busiest_minute_rate": round(meter.busiest(60) / 60, 2),
                "quota": quota.rate,
                "published": quota.published,
                "adjustable": quota.adjustable,
                "source": quota.source,
            }
        return found

    def _raise_first(self) -> list[str]:
        """Quotas to ask AWS for, the one that bounds first; what is delayed without a loss is not among them."""
        found = [self.played.bound_by]
        for name, call in self._calls().items():
            busy = call["busiest_minute_rate"] > _NEAR * call["quota"]
            if name not in found and busy:
                found.append(name)
        if self.played.most_invocations_at_once > _NEAR * self.played.quotas["LambdaConcurrency"].rate:
            found.append("LambdaConcurrency")
        return found

    def _warnings(self) -> list[str]:
        found = []
        played, settings = self.played, self.settings
        sessions = played.quotas["CreateSession"].rate
        if self.scenario.proof and played.production >= sessions:
            found.append(
                f"production asks for {played.production:g} sessions a second, the quota is {sessions:g}: renewals "
                f"take {played.rate:g} a second of it all the same"
            )
        if played.seconds > settings.interval.total_seconds():
            found.append(f"this takes longer than the {_hours(settings.interval)} between two runs of the schedule")
        if played.lost:
            found.append(f"{played.lost} hosts have no outcome: their lease has to run out before they are taken again")
        allowed, size = runtime("revocation.crl").PEM_MAX, runtime("revocation.crl_size").pem_bytes
        entries = self._entries()
        after_all = size(entries + self.scenario.hosts)
        if size(entries) > allowed:
            found.append(f"the CRL of an ordinary day does not fit the {allowed:,} bytes that IAM Roles Anywhere takes")
        elif after_all > allowed:
            found.append(
                f"a run that re-issues everything and revokes what it replaces makes a CRL of {after_all:,} bytes; "
                f"IAM Roles Anywhere takes {allowed:,}, and goes on with the last that fitted"
            )
        return found

    def _assumptions(self) -> list[str]:
        quotas = self.played.quotas
        read = [
            f"{name} {quotas[name].rate:g} a second" for name in ("CreateSession", "IssueCertificate", "GetCertificate")
        ]
        proof = "every host proves its certificate" if self.scenario.proof else "no host proves its certificate"
        return [
            f"the workflow is {self.workflow.origin}",
            f"the account's quotas: {', '.join(read)}; production takes {self.played.production:.2f} sessions",
            proof,
            *self.scenario.assumed.sentences(),
        ]


def plan(workflow: Workflow, scenario: Scenario, settings: Settings | None = None) -> Plan:
    """Play a scenario, and say what follows.

    Raises:
        Unplayable: the workflow's definition says something that this cannot play.
        InvalidInput: a quota is unknown, or its rate is not a number above 0.
    """
    return Plan(workflow, scenario, settings or Settings.of(workflow.environment), play(workflow, scenario))


def _rounded(seconds: float | None) -> float | None:
    """None where there was none, or where one never came."""
    return None if seconds is None or math.isinf(seconds) else round(seconds, 1)


def _hours(time: timedelta) -> str:
    return f"{time.total_seconds() / 3600:g} hours"
