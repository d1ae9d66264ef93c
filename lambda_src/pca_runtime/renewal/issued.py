"""How many certificates an automation has had issued, from its own metric: AWS Private CA does not say."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import CloudWatch

__all__ = ["issued_until"]

_HOUR = timedelta(hours=1)
# CloudWatch keeps data points of an hour for 455 days; what is older was counted by an earlier run.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#metrics-retention
_KEPT = timedelta(days=455)


def issued_until(
    cloudwatch: CloudWatch, metric: dict[str, Any], counted: int | None, until: datetime | None, now: datetime
) -> tuple[int, datetime]:
    """The count, and until when it is complete: whole hours, so that none is counted twice.

    Args:
        cloudwatch: a CloudWatch client.
        metric: the metric of issued certificates, as GetMetricData takes it.
        counted: what an earlier run has counted; None if none has.
        until: until when that is complete.
        now: the current time. The last hour may still be written to.

    Raises:
        PcaAutomatorError: CloudWatch does not answer.
    """
    end = _whole_hour(now - _HOUR)
    begin = _whole_hour(now - _KEPT) if until is None else until
    if begin >= end:
        return counted or 0, begin
    query = {"Id": "issued", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}, "ReturnData": True}
    request: dict[str, Any] = {"MetricDataQueries": [query], "StartTime": begin, "EndTime": end}
    total = 0.0
    while True:
        with translated("GetMetricData"):
            page = cloudwatch.get_metric_data(**request)
        for result in page.get("MetricDataResults", []):
            total += sum(
                value
                for moment, value in zip(result.get("Timestamps", []), result.get("Values", []), strict=True)
                if begin <= moment < end
            )
        if not page.get("NextToken"):
            return (counted or 0) + round(total), end
        request["NextToken"] = page["NextToken"]


def _whole_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
