"""The account: IAM, EC2, CloudFormation."""

from __future__ import annotations

import datetime as dt

from pca_automator.rehearsal.local_aws.facts.ledger import documented

_EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_"

INSTANCE_ID = documented("account.instance-id", "the form of an instance's id", _EC2 + "DescribeInstances.html")
INSTANCE_KNOWN = documented(
    "account.instance-known", "an instance that does not exist is not found", _EC2 + "DescribeInstances.html"
)
INSTANCE_FILTERS = documented(
    "account.instance-filters",
    "filters have 200 values at most; pages have 5 to 1,000 instances, or ids are named",
    _EC2 + "DescribeInstances.html",
    value=200,
)
INSTANCE_STATE = documented(
    "account.instance-state", "from which state an instance starts, stops or ends", _EC2 + "InstanceState.html"
)
INSTANCE_EVENT = documented(
    "account.instance-event",
    "each change of an instance's state is an event, at best effort and at least once",
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html",
)
EVENT_DELIVERY = documented(
    "account.event-delivery",
    "an event comes at least once, and where its target fails again for 24 hours, unless the target says otherwise",
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html",
    value=dt.timedelta(hours=24),
)
LOG_POLICIES = documented(
    "account.log-policies",
    "an account and Region has ten resource policies of CloudWatch Logs at most",
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html",
    value=10,
)
LOG_DELIVERY = documented(
    "account.log-delivery",
    "the log group of a workflow is added to one resource policy of 5,120 characters, unless its name begins with "
    "/aws/vendedlogs/",
    "https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html",
    value=(5_120, "/aws/vendedlogs/"),
)
FORMER_STACKS = documented(
    "account.former-stacks",
    "a stack that was deleted is listed, with its events and template, by its id for 90 days",
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html",
)
