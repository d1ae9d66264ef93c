"""Where the automation reports failures."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from pca_automator._internal import validation
from pca_automator._internal.acknowledge import acknowledge
from pca_automator._internal.arguments import checked
from pca_automator._internal.encryption_key import alarms_statement
from pca_automator._internal.handed_in import (
    arn_part,
    check_encrypts,
    let_use_key,
    resource_of,
    same_region,
    warn_of_statements,
)


class FailureNotifications(Construct):
    """An encrypted SNS topic that gets one message for each run with failures.

    https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html

    Args:
        encryption_key: key of a created topic.
        emails: addresses to subscribe; each receives a confirmation request first. Default: nobody.
        topic: an existing topic. Default: one is created.

    Raises:
        ValueError: an address is malformed, the given topic is FIFO or of another Region, or an argument has another
            type.
    """

    topic: sns.ITopic
    """Gets the messages."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        encryption_key: kms.IKey,
        emails: Sequence[str] = (),
        topic: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, id)
        if topic is not None:
            _check_topic(self, topic)
        self.topic = topic or sns.Topic(self, "Topic", master_key=encryption_key, enforce_ssl=True)
        self._key = encryption_key if topic is None else topic.master_key
        if topic is not None:
            self._let_alarms_use_the_key(topic)
        self._alarms_publish = False
        for address in emails:
            validation.email("emails", address)
            subscription = self.topic.add_subscription(subscriptions.EmailSubscription(address))
            why = "SNS tries a mail again for hours; what it says is also an event and in the inventory."
            acknowledge(subscription, {"Serverless-SNSRedrivePolicy": why})

    def grant_publish(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow publishing, with the topic's key where this app knows it.

        Args:
            grantee: who may.
        """
        if self._key is not None:
            self._key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey")
        return iam.Grant.add_to_principal(
            actions=["sns:Publish"], grantee=grantee, resource_arns=[self.topic.topic_arn]
        )

    def _let_alarms_use_the_key(self, topic: sns.ITopic) -> None:
        """A message to a topic whose key its sender may not use is dropped without a word, a report as an alarm."""
        statement = alarms_statement(Stack.of(self))
        if self._key is not None:
            let_use_key(self._key, [statement])
        elif resource_of(topic) is None:
            publishing = iam.PolicyStatement(
                principals=[iam.AccountRootPrincipal()],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions={
                    "StringEquals": {"kms:ViaService": f"sns.{Stack.of(self).region}.{Stack.of(self).url_suffix}"}
                },
            )
            warn_of_statements(
                self,
                "topic-key",
                "topic is imported: if it is encrypted with a key of its own, no report and no alarm reaches it unless "
                "the key's policy has these statements, and the functions' roles may use the key",
                [publishing, statement],
            )

    def let_alarms_publish(self) -> None:
        """Allow this account's alarms to publish; a topic with a policy of its own lacks the default one that does.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
        """
        if self._alarms_publish:
            return
        self._alarms_publish = True
        stack = Stack.of(self)
        alarms = stack.format_arn(
            service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": alarms}},
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[self.topic.topic_arn],
            )
        )


def _check_topic(scope: Construct, topic: sns.ITopic) -> None:
    if topic.fifo:
        raise ValueError(
            f"topic is {topic.node.path}, a FIFO topic: neither alarms nor mail go to one; give a standard topic"
        )
    same_region(scope, "topic", topic.topic_arn, "an alarm publishes in its own Region; give a topic of this Region")
    check_encrypts("the key of topic", topic.master_key)
    stack = Stack.of(scope)
    if arn_part(topic.topic_arn, "account") in (None, stack.account) or Token.is_unresolved(stack.account):
        return
    why = f"topic is {topic.topic_arn}, of another account: no report and no alarm reaches it without these statements"
    of_alarms = {"StringEquals": {"aws:SourceAccount": stack.account}}
    warn_of_statements(
        scope,
        "topic-policy",
        f"{why} in its policy",
        [
            iam.PolicyStatement(
                principals=[iam.AccountPrincipal(stack.account)], actions=["sns:Publish"], resources=[topic.topic_arn]
            ),
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions=of_alarms,
            ),
        ],
    )
