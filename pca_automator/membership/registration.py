"""Enrolment by tag: machines that carry the chosen tags put themselves into the inventory."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import Aws, Duration, Stack, Token
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge, acknowledge_policy, skip_in_checkov
from pca_automator._internal.arguments import checked
from pca_automator._internal.queues import SQS_MANAGED_ENCRYPTION
from pca_automator._internal.schedules import invoke_every
from pca_automator.functions.factory import FunctionFactory
from pca_automator.inventory.table import HostInventory

RECONCILE_EVERY = Duration.minutes(15)
"""How long a hybrid node that comes online waits at most: no event tells of it."""

# A started instance's agent is online half a minute to two minutes later.
_FIRST_LOOK = Duration.seconds(45)
# The schedule's look at 10,000 nodes is 200 calls for each tag, of a tenth of a second or two; a batch of events takes
# two calls.
_TIMEOUT = Duration.minutes(3)
# The wait between two looks at an instance. Lambda accepts no queue whose visibility timeout is below the function's
# timeout. It asks for six times that, against messages that come again while they are in work; here they do no harm.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_NEXT_LOOK = _TIMEOUT
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
_KEY_MAX = 128


class TagRegistration(Construct):
    """CertRegister: looks at every EC2 instance that starts, and at all managed nodes every quarter of an hour.

    An instance is put into the inventory once Systems Manager reaches it: before that, a command to it would fail.
    EC2's events wait for it in a queue.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html

    Args:
        dead_letters: queue for events that could not be handled.
        factory: makes the function.
        inventory: the hosts.
        tags: what an instance or a node must carry, all of it.
        profile_tag: the tag whose value names the certificate profile of a machine that joins. Default: none does.

    Raises:
        ValueError: no tag is given, which would enrol every machine of the account, or a value that is empty or that
            EC2 would take for a pattern, or ``profile_tag`` is no key of a tag, or an argument has another type.
    """

    queue: sqs.Queue
    """Instances that started and that Systems Manager does not reach yet."""
    cert_register: lambda_.Function
    """Puts machines with the tags into the inventory."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        dead_letters: sqs.IQueue,
        factory: FunctionFactory,
        inventory: HostInventory,
        tags: Mapping[str, str],
        profile_tag: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        check_tags("tags", tags)
        check_profile_tag(profile_tag, tags)
        self.queue = sqs.Queue(
            self, "Started", dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=10, queue=dead_letters),
            delivery_delay=_FIRST_LOOK, encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True,
            visibility_timeout=_NEXT_LOOK,
        )  # fmt: skip
        skip_in_checkov(self.queue, {"CKV_AWS_27": SQS_MANAGED_ENCRYPTION})
        self.cert_register = factory.make(
            self,
            "CertRegister",
            handler="cert_register",
            description="Puts machines with the chosen tags into the inventory",
            environment={
                "ENROL_TAGS": json.dumps(dict(tags)),
                **({"PROFILE_TAG": profile_tag} if profile_tag else {}),
                **inventory.environment,
            },
            timeout=_TIMEOUT,
        )
        inventory.grant(self.cert_register, "dynamodb:BatchGetItem", "dynamodb:PutItem")
        self._allow_looking()
        if profile_tag:
            self._allow_reading_tags()
        self.cert_register.add_event_source(
            # 50 ids are one call of DescribeInstanceInformation.
            sources.SqsEventSource(
                self.queue,
                batch_size=50,
                max_batching_window=Duration.seconds(5),
                report_batch_item_failures=True,
            )
        )
        acknowledge(
            self.cert_register,
            {"Serverless-LambdaEventSourceMappingDestination": "The queue's own redrive policy keeps what failed."},
        )
        # Of the schedule's looks; the queue keeps EC2's events.
        self.cert_register.configure_async_invoke(
            max_event_age=RECONCILE_EVERY, on_failure=destinations.SqsDestination(dead_letters), retry_attempts=2
        )
        self._listen(dead_letters)
        invoke_every(
            self, "Reconciliation", dead_letters=dead_letters,
            description="Puts tagged nodes into the inventory that no event told of", function=self.cert_register,
            interval=RECONCILE_EVERY, payload={},
        )  # fmt: skip

    def _allow_looking(self) -> None:
        """At machines; neither action knows a resource type, and both only read.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
        """
        self.cert_register.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"],
                resources=["*"],
            )
        )

    def _allow_reading_tags(self) -> None:
        """Of hybrid nodes; an instance's come with DescribeInstances."""
        nodes = Stack.of(self).format_arn(service="ssm", resource="managed-instance", resource_name="*")
        self.cert_register.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["ssm:ListTagsForResource"], resources=[nodes])
        )
        assert self.cert_register.role is not None
        acknowledge_policy(
            self.cert_register.role,
            {nodes: "Nodes join at run time; reading their tags shows which profile they have."},
        )

    def _listen(self, dead_letters: sqs.IQueue) -> None:
        events.Rule(
            self,
            "InstanceStarted",
            description="An EC2 instance was started",
            event_pattern=events.EventPattern(
                source=["aws.ec2"],
                account=[Aws.ACCOUNT_ID],
                region=[Aws.REGION],
                detail_type=["EC2 Instance State-change Notification"],
                detail={"state": ["running"]},
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=dead_letters)],
        )


def check_profile_tag(profile_tag: str | None, tags: Mapping[str, str] | None) -> None:
    """Refuse a tag of which no machine's certificate profile would ever be read.

    Args:
        profile_tag: key of the tag, or None.
        tags: by which machines join, or None where none does.

    Raises:
        ValueError: it is no key of a tag, or is read of nobody.
    """
    if profile_tag is None:
        return
    if tags is None:
        raise ValueError(
            f"profile_tag is {profile_tag!r} without enrol_by_tag: it is read of machines that join by their tags; "
            "give enrol_by_tag, such as {'Pki': 'on'}, or have the items' certificateProfile name the profile"
        )
    if not Token.is_unresolved(profile_tag) and not 1 <= len(profile_tag) <= _KEY_MAX:
        raise ValueError(
            f"profile_tag is {profile_tag!r}: it must be the key of a tag, of 1 to {_KEY_MAX} characters, such as "
            "'CertificateProfile'"
        )


def check_tags(name: str, tags: Mapping[str, str] | None) -> None:
    """Refuse tags that would enrol other machines than those that carry them.

    Args:
        name: of the argument.
        tags: what a machine must carry; tokens pass, and None, where nobody joins by a tag.

    Raises:
        ValueError: there is none, or a value is empty or a pattern.
    """
    if tags is None or Token.is_unresolved(tags):
        return
    if not tags:
        raise ValueError(f"{name} is empty: that would enrol every machine; give a tag, such as {{'Pki': 'on'}}")
    for key, value in tags.items():
        if not value:
            # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_InstanceInformationStringFilter.html
            raise ValueError(
                f"{name} has an empty value for {key!r}: Systems Manager cannot look for a tag without a value; "
                "give the machines a value, such as 'on'"
            )
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html#Filtering_Resources_CLI
        if not Token.is_unresolved(value) and any(char in value for char in "*?\\"):
            raise ValueError(
                f"{name} has the value {value!r} for {key!r}: EC2 takes *, ? and \\ in a tag's value for a "
                "pattern, which would enrol other machines, too; give the value itself"
            )
