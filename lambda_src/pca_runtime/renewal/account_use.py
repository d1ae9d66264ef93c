"""What the account is allowed, and what its workloads use of it: Service Quotas and CloudWatch, as far as they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.errors.of_aws import translated
from pca_runtime.renewal.issued import issued_until
from pca_runtime.renewal.pace import Pace, default_production, pace_of
from pca_runtime.renewal.settings import CertCheckSettings
from pca_runtime.renewal.start_items import Account
from pca_runtime.shared.clients import CloudWatch, ServiceQuotas
from pca_runtime.shared.quotas import QUOTAS, with_rates

__all__ = ["AccountUse", "pace_for"]

# What bounds the pace; SendCommand's rate is in no list.
_READ = ("CreateSession", "IssueCertificate", "GetCertificate")
_PERIOD = 300
_LOOK_BACK = timedelta(days=1)
# Every success names its trust anchor, every failure its kind.
# https://docs.aws.amazon.com/rolesanywhere/latest/userguide/monitoring-cloudwatch.html
_SUCCESSES = (
    "SUM(SEARCH('{AWS/RolesAnywhere,Operation,TrustAnchorArn} "
    f'MetricName="Success" Operation="CreateSession"\', \'Sum\', {_PERIOD}))'
)
_FAILURES = (
    "SUM(SEARCH('{AWS/RolesAnywhere,ErrorType,Operation} "
    f'MetricName="Failure" Operation="CreateSession"\', \'Sum\', {_PERIOD}))'
)


def pace_for(settings: CertCheckSettings, account: Account, hosts: int) -> Pace:
    """How many hosts may start in a second.

    What the user says goes before what was read, and that before what AWS documents.

    Args:
        settings: of CertCheck.
        account: what was last seen.
        hosts: of this run.

    Raises:
        InvalidInput: the settings name a quota that there is none of.
    """
    told = {**account.quotas, **settings.quotas}
    production = settings.production_sessions
    if production is None:
        production = account.production
    if production is None:
        production = default_production(account.hosts_total if account.hosts_total is not None else hosts)
    return pace_of(
        with_rates(told),
        production=production,
        proof=settings.validation_policy != "NEVER",
        share=settings.quota_share,
        told_send="SendCommand" in settings.quotas,
    )


class AccountUse:
    """Looks at the account.

    Args:
        service_quotas: a Service Quotas client.
        cloudwatch: a CloudWatch client.
        automation: the deployment's name, whose own proofs are no production.
        namespace: of its metrics.
        unknown: told of what AWS did not say; then what was seen before, or is documented, holds.
    """

    def __init__(
        self,
        service_quotas: ServiceQuotas,
        cloudwatch: CloudWatch,
        automation: str,
        namespace: str,
        unknown: Callable[[str, PcaAutomatorError], None],
    ) -> None:
        self._service_quotas = service_quotas
        self._cloudwatch = cloudwatch
        self._automation = automation
        self._namespace = namespace
        self._unknown = unknown

    def look(self, now: datetime, before: Account | None = None) -> Account:
        """Everything that AWS says now.

        Args:
            now: the current time.
            before: what was last seen, whose count of certificates goes on. Default: nothing.
        """
        issued, until = self._certificates(before or Account(), now)
        return Account(None, self._quotas(), self._production(now), now, issued, until)

    def _certificates(self, before: Account, now: datetime) -> tuple[int | None, datetime | None]:
        try:
            metric = self._issued()["Metric"]
            return issued_until(self._cloudwatch, metric, before.issued, before.issued_until, now)
        except PcaAutomatorError as error:
            self._unknown("certificates of the CA", error)
            return before.issued, before.issued_until

    def _quotas(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for service in sorted({QUOTAS[name].service for name in _READ}):
            names = {QUOTAS[name].listed_as: name for name in _READ if QUOTAS[name].service == service}
            try:
                found |= {names[listed]: rate for listed, rate in self._listed(service) if listed in names and rate > 0}
            except PcaAutomatorError as error:
                self._unknown(f"quotas of {service}", error)
        return found

    def _listed(self, service: str) -> Iterator[tuple[str, float]]:
        """https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html"""
        request: dict[str, Any] = {"ServiceCode": service, "MaxResults": 100}
        while True:
            with translated("ListServiceQuotas"):
                page = self._service_quotas.list_service_quotas(**request)
            for quota in page.get("Quotas", []):
                yield str(quota.get("QuotaName", "")), float(quota.get("Value", 0))
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]

    def _production(self, now: datetime) -> float | None:
        """CreateSession a second in the busiest five minutes of a day, less our own; None where nothing was measured.

        While a run goes on, its own proofs and their retries would count as production: such minutes are left out
        where there are others.
        """
        try:
            asked, own = self._sessions(now)
        except PcaAutomatorError as error:
            self._unknown("use of CreateSession", error)
            return None
        if not asked:
            return None
        without = {moment: count for moment, count in asked.items() if moment not in own}
        if without:
            return max(without.values()) / _PERIOD
        return max(max(count - own.get(moment, 0), 0) for moment, count in asked.items()) / _PERIOD

    def _sessions(self, now: datetime) -> tuple[dict[datetime, float], dict[datetime, float]]:
        queries = [
            {"Id": "successes", "Expression": _SUCCESSES, "ReturnData": True},
            {"Id": "failures", "Expression": _FAILURES, "ReturnData": True},
            {"Id": "own", "MetricStat": self._issued(), "ReturnData": True},
        ]
        request: dict[str, Any] = {"MetricDataQueries": queries, "StartTime": now - _LOOK_BACK, "EndTime": now}
        counted: dict[str, dict[datetime, float]] = {"successes": {}, "failures": {}, "own": {}}
        while True:
            with translated("GetMetricData"):
                page = self._cloudwatch.get_metric_data(**request)
            for result in page.get("MetricDataResults", []):
                series = counted.setdefault(str(result["Id"]), {})
                series.update(zip(result.get("Timestamps", []), result.get("Values", []), strict=True))
            if not page.get("NextToken"):
                break
            request["NextToken"] = page["NextToken"]
        asked = dict(counted["successes"])
        for moment, count in counted["failures"].items():
            asked[moment] = asked.get(moment, 0) + count
        return asked, {moment: count for moment, count in counted["own"].items() if count > 0}

    def _issued(self) -> Mapping[str, Any]:
        """Each certificate that is issued is proven once."""
        dimensions = [{"Name": "Automation", "Value": self._automation}]
        metric = {"Namespace": self._namespace, "MetricName": "CertificatesIssued", "Dimensions": dimensions}
        return {"Metric": metric, "Period": _PERIOD, "Stat": "Sum"}
