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
from ministack.services.cloudformation import provisioners

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
    # CloudFormation's resource type writes into the service's store by itself.
    handlers = provisioners._RESOURCE_HANDLERS["AWS::StepFunctions::StateMachine"]
    handlers["create"] = _provisioning(handlers["create"], policies)


def _delivering(make: Callable[[dict[str, Any]], Response], policies: _Policies) -> Callable[..., Response]:
    def make_state_machine(data: dict[str, Any]) -> Response:
        return policies.admit(data.get("loggingConfiguration")) or make(data)

    return make_state_machine


def _provisioning(create: Callable[..., Any], policies: _Policies) -> Callable[..., Any]:
    def create_state_machine(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
        refusal = policies.admit(properties.get("LoggingConfiguration"))
        if refusal is not None:
            raise provisioners._sfn_service_error(refusal)
        return create(logical_id, properties, stack_name)

    return create_state_machine


def _log_groups(logging: Any) -> list[str]:
    """The ARNs of the groups that a workflow logs to, as the API and as CloudFormation spell it."""
    found = _small(logging or {})
    if found.get("level", "OFF") == "OFF":
        return []
    return [str(each["cloudWatchLogsLogGroup"]["logGroupArn"]) for each in found.get("destinations", [])]


def _small(value: Any) -> Any:
    """With the first letter of each name small."""
    if isinstance(value, Mapping):
        return {name[:1].lower() + name[1:]: _small(each) for name, each in value.items()}
    return [_small(each) for each in value] if isinstance(value, list) else value


class _Policies:
    """What others have in the account, and what is added for its workflows."""

    def __init__(self, settings: Settings, refusals: Refusals) -> None:
        self._settings = settings
        self._refusals = refusals

    def admit(self, logging: Any) -> Response | None:
        """Let a workflow's logs be delivered; what AWS answers where there is no room."""
        for log_group in _log_groups(logging):
            refusal = self._admit(log_group)
            if refusal is not None:
                return refusal
        return None

    def _admit(self, log_group: str) -> Response | None:
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
