"""What comes in from outside: of whom, and what becomes of it where it is not handled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.constructs.promises.view import View

_OURS_ALONE = {"account": ["ACCOUNT"], "region": ["REGION"]}
_STATE_CHANGE = {
    "source": ["aws.ec2"],
    "detail-type": ["EC2 Instance State-change Notification"],
    **_OURS_ALONE,
}
# Source, and what makes an event ours: our account and Region, our CA, our bucket (which instances are in the inventory
# the function knows).
RULES: dict[str, dict[str, Any]] = {
    "HostFunctionsCertificateIssued": {
        "source": ["aws.acm-pca"],
        "detail-type": ["ACM Private CA Certificate Issuance"],
        **_OURS_ALONE,
        "resources": ["CA"],
        "detail": {"result": ["success"]},
    },
    "DepartureInstanceTerminated": {**_STATE_CHANGE, "detail": {"state": ["terminated"]}},
    "RegistrationInstanceStarted": {**_STATE_CHANGE, "detail": {"state": ["running"]}},
    "RevocationCrlNotWritten": {
        "source": ["aws.acm-pca"],
        "detail-type": ["ACM Private CA CRL Generation"],
        **_OURS_ALONE,
        "resources": ["CA"],
        "detail": {"result": ["failure"]},
    },
    "RevocationCrlWritten": {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        **_OURS_ALONE,
        "detail": {
            "bucket": {"name": ["PrivateCACrlBucket"]},
            "object": {"key": [{"suffix": "/[1 of PrivateCAAuthority].crl"}]},
        },
    },
}
_CLAIMED = {"eventName": ["MODIFY"], "dynamodb": {"OldImage": {"status": {"S": ["DEPLOYED", "FAILED", "RETIRED"]}}}}
_ENDED = {
    "eventName": ["MODIFY"],
    "dynamodb": {
        "OldImage": {"status": {"S": ["RENEWING"]}}, "NewImage": {"status": {"S": ["DEPLOYED", "FAILED"]}},
    },
}  # fmt: skip
_NEW = {"eventName": ["MODIFY"], "dynamodb": {"NewImage": {"status": {"S": [{"exists": False}]}}}}
STREAMS = {
    "DepartureRemovedItems": (200, 5, [{"eventName": ["REMOVE"]}]),
    "EnrolmentInventoryChanges": (1000, 10, [{"eventName": ["INSERT", "REMOVE"]}, _CLAIMED, _ENDED, _NEW]),
}
SCHEDULES = {
    "DepartureReconciliation": ("rate(1 hour)", '{"reconcile":true}'),
    "DigestSchedule": ("cron(0 7 * * ? *)", None),
    "RegistrationReconciliation": ("rate(15 minutes)", "{}"),
    "RevocationReconciliation": ("rate(1 hour)", '{"reconcile":true}'),
    "WorkflowSchedule": ("cron(15 3,15 * * ? *)", "{}"),
}
# Where each of them leads.
TARGETS = {
    "DepartureInstanceTerminated": "DepartureCertRetire",
    "DepartureReconciliation": "DepartureCertRetire",
    "DepartureRemovedItems": "DepartureCertRetire",
    "DigestSchedule": "DigestCertDigest",
    "EnrolmentInventoryChanges": "EnrolmentCertEnroll",
    "HostFunctionsCertificateIssued": "HostFunctionsCertDeploy",
    "RegistrationInstanceStarted": "RegistrationStarted",
    "RegistrationReconciliation": "RegistrationCertRegister",
    "RevocationCrlNotWritten": "RevocationQueue",
    "RevocationCrlWritten": "RevocationQueue",
    "RevocationReconciliation": "RevocationQueue",
    "WorkflowSchedule": "WorkflowStateMachine",
}
# Function, how many messages at once, and for how long they are gathered: CRLs one after the other.
READERS = {
    "RegistrationStarted": ("RegistrationCertRegister", 50, 5),
    "RevocationQueue": ("RevocationCRLProcessor", 1, None),
}
# The CRL of a CA that was there already, in its own bucket.
_OTHERS_CRL = re.compile(r'\["[\w-]+"\]\}, "object": \{"key": \[\{"suffix": "/[0-9a-f-]{36}\.crl"\}\]')
_OURS = '["PrivateCACrlBucket"]}, "object": {"key": [{"suffix": "/[1 of PrivateCAAuthority].crl"}]'
TWO_WEEKS = 14 * 86_400


def _a_rule_takes_events_of_its_source_about_what_is_ours(view: View) -> Iterator[str]:
    for name, rule in view.of_type("Events::Rule").items():
        pattern = rule.get("EventPattern", {})
        resources = pattern.get("resources")
        if resources in (["PrivateCAAuthority"],) or str(resources).startswith("['arn:aws:acm-pca:"):
            pattern = {**pattern, "resources": ["CA"]}
        if "ACCOUNT" in pattern.get("account", []):
            pattern = json.loads(_OTHERS_CRL.sub(_OURS, json.dumps(pattern)))
        if pattern != RULES.get(name) or rule.get("State") != "ENABLED":
            yield f"{name}: {pattern} {rule.get('State')}"


def _an_event_that_is_not_delivered_waits_for_a_person(view: View) -> Iterator[str]:
    for name, rule in view.of_type("Events::Rule").items():
        if not rule.get("Targets"):
            yield f"{name} has no target"
        for target in rule.get("Targets", []):
            if target.get("Arn") != TARGETS.get(name):
                yield f"{name} leads to {target.get('Arn')}"
            if target.get("DeadLetterConfig") != {"Arn": "DeadLetters"}:
                yield f"{name}: {target.get('DeadLetterConfig')}"
            if target.get("Arn") in view.names("Lambda::Function"):
                policy = target.get("RetryPolicy", {})
                # As long as an issued certificate is waited for, or somebody could abuse a terminated host's.
                age = 900 if name == "HostFunctionsCertificateIssued" else 3600
                if policy != {"MaximumEventAgeInSeconds": age, "MaximumRetryAttempts": 10}:
                    yield f"{name} is delivered again: {policy}"
            elif target.get("Arn") == "RevocationQueue" and target.get("SqsParameters") != {"MessageGroupId": "crl"}:
                yield f"{name}: CRLs are taken one after the other: {target.get('SqsParameters')}"


def _only_the_rule_may_invoke_its_function(view: View) -> Iterator[str]:
    rules = view.names("Events::Rule")
    for name, permission in view.of_type("Lambda::Permission").items():
        whose = (permission.get("Action"), permission.get("Principal"))
        if whose != ("lambda:InvokeFunction", "events.amazonaws.com") or permission.get("SourceArn") not in rules:
            yield f"{name}: {permission}"
        elif permission.get("FunctionName") != TARGETS.get(permission["SourceArn"]):
            yield f"{name}: {permission.get('FunctionName')}"


def _changes_of_the_table_come_filtered_and_are_not_lost(view: View) -> Iterator[str]:
    for name, mapping in view.of_type("Lambda::EventSourceMapping").items():
        if "StartingPosition" not in mapping and ".StreamArn" not in str(mapping.get("EventSourceArn")):
            if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                yield f"{name}: one bad message holds up the others"
            how = mapping.get("FunctionName"), mapping.get("BatchSize"), mapping.get("MaximumBatchingWindowInSeconds")
            if how != READERS.get(str(mapping.get("EventSourceArn"))):
                yield f"{name}: {how}"
            continue
        stream = str(mapping.get("EventSourceArn"))
        if mapping.get("FunctionName") != TARGETS.get(name) or not (
            stream == "InventoryHosts.StreamArn" or "/stream/" in stream or stream.endswith("StreamArn")
        ):
            yield f"{name}: from {stream} to {mapping.get('FunctionName')}"
        size, window, filters = STREAMS.get(name, (0, 0, []))
        found = [json.loads(each["Pattern"]) for each in mapping.get("FilterCriteria", {}).get("Filters", [])]
        wanted = {
            "BatchSize": size,
            "MaximumBatchingWindowInSeconds": window,
            "BisectBatchOnFunctionError": True,
            "DestinationConfig": {"OnFailure": {"Destination": "DeadLetters"}},
            "MaximumRecordAgeInSeconds": 43_200,
            "MaximumRetryAttempts": 100,
            "StartingPosition": "TRIM_HORIZON",
        }
        if found != filters or {key: mapping.get(key) for key in wanted} != wanted or mapping.get("Enabled") is False:
            yield f"{name}: {found} {mapping}"


def _what_a_function_did_not_handle_waits_for_a_person(view: View) -> Iterator[str]:
    for name, config in view.of_type("Lambda::EventInvokeConfig").items():
        failed = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        again = config.get("MaximumRetryAttempts"), config.get("MaximumEventAgeInSeconds")
        if failed != "DeadLetters" or again not in ((2, 900), (2, 3600)):
            yield f"{name}: {failed} {again}"
    configured = {config.get("FunctionName") for config in view.of_type("Lambda::EventInvokeConfig").values()}
    asynchronous = {
        target.get("Arn") for rule in view.of_type("Events::Rule").values() for target in rule.get("Targets", [])
    } | {schedule.get("Target", {}).get("Arn") for schedule in view.of_type("Scheduler::Schedule").values()}
    for function in (asynchronous & view.names("Lambda::Function")) - configured:
        yield f"{function} is invoked without an answer, and where it fails nobody learns of it"


def _a_schedule_is_on_says_when_and_is_tried_again(view: View) -> Iterator[str]:
    for name, schedule in view.of_type("Scheduler::Schedule").items():
        target = schedule.get("Target", {})
        when = schedule.get("ScheduleExpression"), target.get("Input")
        if when != SCHEDULES.get(name) or schedule.get("State") != "ENABLED":
            yield f"{name}: {when} {schedule.get('State')}"
        if schedule.get("ScheduleExpressionTimezone") != "Etc/UTC":
            yield f"{name}: {schedule.get('ScheduleExpressionTimezone')}"
        policy = target.get("RetryPolicy", {})
        wanted = {
            "WorkflowSchedule": (3600, 10),
            "RegistrationReconciliation": (900, 3),
        }.get(name, (3600, 3))
        if (policy.get("MaximumEventAgeInSeconds"), policy.get("MaximumRetryAttempts")) != wanted:
            yield f"{name} is tried again: {policy}"
        if target.get("DeadLetterConfig") != {"Arn": "DeadLetters"}:
            yield f"{name}: {target.get('DeadLetterConfig')}"
        if target.get("Arn") != TARGETS.get(name):
            yield f"{name} leads to {target.get('Arn')}"
        if target.get("Arn") == "RevocationQueue" and target.get("SqsParameters") != {"MessageGroupId": "crl"}:
            yield f"{name}: {target.get('SqsParameters')}"
        if target.get("RoleArn") not in view.names("IAM::Role"):
            yield f"{name}: {target.get('RoleArn')}"
        window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15} if name == "WorkflowSchedule" else {"Mode": "OFF"}
        if schedule.get("FlexibleTimeWindow") != window:
            yield f"{name}: {schedule.get('FlexibleTimeWindow')}"


def _a_queue_is_encrypted_patient_and_has_an_end(view: View) -> Iterator[str]:
    """Six times the function's timeout: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""
    queues = view.of_type("SQS::Queue")
    timeouts = {name: function.get("Timeout", 3) for name, function in view.of_type("Lambda::Function").items()}
    readers = {
        mapping.get("EventSourceArn"): timeouts.get(str(mapping.get("FunctionName")), 900)
        for mapping in view.of_type("Lambda::EventSourceMapping").values()
    }
    for name, queue in queues.items():
        if queue.get("FifoQueue", False) is not name.startswith("Revocation"):
            yield f"{name} keeps the order: {queue.get('FifoQueue')}"
        if queue.get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted"
        if name not in readers:
            if queue.get("MessageRetentionPeriod") != TWO_WEEKS:
                yield f"{name} keeps messages for {queue.get('MessageRetentionPeriod')} s"
            continue
        redrive = queue.get("RedrivePolicy", {})
        if redrive.get("deadLetterTargetArn") not in queues or redrive.get("maxReceiveCount") != 10:
            yield f"{name}: {redrive}"
        # There it is the wait until the next look; a message that comes again while it is in work does no harm.
        times = 1 if name == "RegistrationStarted" else 6
        if queue.get("VisibilityTimeout") != times * readers[name]:
            yield f"{name} shows a message again after {queue.get('VisibilityTimeout')} s"
        delay, deduplicated = queue.get("DelaySeconds"), queue.get("ContentBasedDeduplication")
        if (name.startswith("Registration") and delay != 45) or (queue.get("FifoQueue") and deduplicated is not True):
            yield f"{name}: {delay} {deduplicated}"


PROMISES = (
    _a_rule_takes_events_of_its_source_about_what_is_ours,
    _an_event_that_is_not_delivered_waits_for_a_person,
    _only_the_rule_may_invoke_its_function,
    _changes_of_the_table_come_filtered_and_are_not_lost,
    _what_a_function_did_not_handle_waits_for_a_person,
    _a_schedule_is_on_says_when_and_is_tried_again,
    _a_queue_is_encrypted_patient_and_has_an_end,
)
