"""The account: IAM, EC2, CloudFormation."""

from __future__ import annotations

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
