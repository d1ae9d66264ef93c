"""The account's resource policies of CloudWatch Logs: ten, and 5,120 characters for the log groups of all workflows.

Step Functions adds the log group of each workflow to one policy of the account. Where the account has many, a further
one fails the deployment; the policy knows the groups below /aws/vendedlogs/ by a wildcard.
https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudwatch_logs, stepfunctions

from pca_automator.rehearsal.local_aws import emulator
from pca_automator.rehearsal.local_aws.emulator import Response
from pca_automator.rehearsal.local_aws.facts import account
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.limits.refusals import Refusals
from pca_automator.rehearsal.local_aws.patching import replace
from pca_automator.rehearsal.local_aws.settings import Settings

_NAME = "AWSLogDeliveryWrite20150319"
_CHARACTERS, _EXEMPT = account.LOG_DELIVERY.value
_POLICIES: int = account.LOG_POLICIES.value
_SERVICE = {"Service": "delivery.logs.amazonaws.com"}


def install(settings: Settings, refusals: Refusals) -> None:
    """Patch MiniStack's workflows: their log group needs a place in the policy."""
    policies = _Policies(settings, refusals)
    for name in ("_create_state_machine", "_update_state_machine"):
        replace(stepfunctions, name, lambda make: _delivering(make, policies))


def _delivering(make: Callable[[dict[str, Any]], Response], policies: _Policies) -> Callable[..., Response]:
    def make_state_machine(data: dict[str, Any]) -> Response:
        logging: Mapping[str, Any] = data.get("loggingConfiguration") or {}
        if logging.get("level", "OFF") != "OFF":
            for destination in logging.get("destinations", []):
                refusal = policies.admit(str(destination["cloudWatchLogsLogGroup"]["logGroupArn"]))
                if refusal is not None:
                    return refusal
        return make(data)

    return make_state_machine


class _Policies:
    """What others have in the account, and what is added for its workflows."""

    def __init__(self, settings: Settings, refusals: Refusals) -> None:
        self._settings = settings
        self._refusals = refusals

    def admit(self, log_group: str) -> Response | None:
        """Let logs be delivered to a group; what AWS answers where there is no room."""
        exempt = log_group.split(":log-group:")[-1].startswith(_EXEMPT)
        arn = f"{log_group.split(':log-group:')[0]}:log-group:{_EXEMPT}*" if exempt else log_group
        LEDGER.lean(account.LOG_DELIVERY)
        policy = cloudwatch_logs._resource_policies.get(_NAME)
        if policy is None:
            return self._create(arn, exempt)
        document = json.loads(policy["policyDocument"])
        resources = document["Statement"][0]["Resource"]
        if arn in resources:
            return None
        resources.append(arn)
        return self._put(document, exempt)

    def _create(self, arn: str, exempt: bool) -> Response | None:
        policies = len(cloudwatch_logs._resource_policies) + self._settings.log_policies + 1
        if not self._refusals.passes("resource policies of CloudWatch Logs", policies, _POLICIES):
            LEDGER.lean(account.LOG_POLICIES)
            return _refused(f"an account can have at most {_POLICIES} resource policies")
        statement = {"Effect": "Allow", "Principal": _SERVICE, "Action": "logs:PutLogEvents", "Resource": [arn]}
        return self._put({"Version": "2012-10-17", "Statement": [statement]}, exempt)

    def _put(self, document: dict[str, Any], exempt: bool) -> Response | None:
        text = json.dumps(document, separators=(",", ":"))
        size = len(text) + self._settings.log_policy_characters
        if not exempt and not self._refusals.passes("characters of the log delivery policy", size, _CHARACTERS):
            return _refused("the CloudWatch Logs Resource Policy size was exceeded")
        cloudwatch_logs._put_resource_policy({"policyName": _NAME, "policyDocument": text})
        return None


def _refused(why: str) -> Response:
    return emulator.json_error("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {why}.")
