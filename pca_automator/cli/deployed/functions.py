"""The functions of a deployment: whether they are there, are let through, and do not fail at every call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment, Resource
from pca_automator.cli.deployed.part import WHO_DEPLOYS, Part
from pca_automator.cli.runtime import runtime

# The reconciliations come every hour: three calls are enough to tell a fault from bad luck.
_SINCE = timedelta(hours=3)


class Functions:
    """Looks at each of them, and at all together.

    Args:
        deployment: the automation.
        now: the current time.
    """

    def __init__(self, deployment: Deployment, now: Any) -> None:
        self._deployment = deployment
        self._now = now
        self._finding = runtime("monitoring.finding")
        self._all = deployment.of_type("AWS::Lambda::Function")

    def parts(self) -> Iterator[Part]:
        """Every function, and the look at it."""
        for each in self._all:
            part = f"function {self._deployment.short(each)}"
            yield part, partial(self._function, part, each)
        yield "functions let through", self._let_through

    def _client(self) -> Any:
        return self._deployment.aws.client("lambda")

    def _function(self, part: str, resource: Resource) -> Any:
        answer = self._client().get_function_configuration(FunctionName=resource.physical_id)
        state = answer.get("State", "Active")
        if state not in ("Active", "Inactive"):  # Inactive: idle for weeks, wakes when called
            return self._finding.trouble(part, f"it is {state}: {answer.get('StateReason', '')}", who=WHO_DEPLOYS)
        if answer.get("LastUpdateStatus", "Successful") == "Failed":
            reason = answer.get("LastUpdateStatusReason", "")
            return self._finding.trouble(part, f"its last update failed: {reason}", who=WHO_DEPLOYS)
        return self._finding.ok(part, str(state))

    def _let_through(self) -> Any:
        """The console's button "Throttle" reserves no concurrency at all: no call is let through."""
        part, client = "functions let through", self._client()
        closed = [
            each
            for each in self._all
            if client.get_function_concurrency(FunctionName=each.physical_id).get("ReservedConcurrentExecutions") == 0
        ]
        if closed:
            names = ", ".join(self._deployment.short(each) for each in closed)
            opening = (f"aws lambda delete-function-concurrency --function-name {each.physical_id}" for each in closed)
            return self._finding.trouble(part, f"no call is let through to {names}", *opening)
        return self._finding.ok(part, "all")

    def failing(self) -> Any:
        """Functions of which every call fails; single errors are tried again, and are a host's at most."""
        part, names = "function errors", ("Errors", "Invocations")
        answer = self._deployment.aws.client("cloudwatch").get_metric_data(
            StartTime=self._now - _SINCE,
            EndTime=self._now,
            MetricDataQueries=[
                {
                    "Id": f"{name.lower()}{number}",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/Lambda",
                            "MetricName": name,
                            "Dimensions": [{"Name": "FunctionName", "Value": each.physical_id}],
                        },
                        "Period": int(_SINCE.total_seconds()),
                        "Stat": "Sum",
                    },
                }
                for number, each in enumerate(self._all)
                for name in names
            ],
        )
        sums = {each["Id"]: sum(each.get("Values", ())) for each in answer.get("MetricDataResults", ())}
        failing = [
            each
            for number, each in enumerate(self._all)
            if sums.get(f"errors{number}") and sums[f"errors{number}"] >= sums.get(f"invocations{number}", 0)
        ]
        if failing:
            words = ", ".join(self._deployment.short(each) for each in failing)
            return self._finding.trouble(
                part, f"every call within three hours failed: {words}", self._log_of(failing[0])
            )
        return self._finding.ok(part, "no function fails at every call")

    def _log_of(self, resource: Resource) -> str:
        """The command that shows the last errors: one that both versions of the AWS CLI have."""
        answer = self._client().get_function_configuration(FunctionName=resource.physical_id)
        group = answer.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{resource.physical_id}"
        since = int((self._now - _SINCE).timestamp() * 1000)
        return f"aws logs filter-log-events --log-group-name {group} --start-time {since} --filter-pattern ERROR"
