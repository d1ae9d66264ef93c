"""Where the automation reports failures."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from pca_automator._internal import validation


class FailureNotifications(Construct):
    """An encrypted SNS topic that gets one message for each run with failures.

    Args:
        encryption_key: key of a created topic.
        emails: addresses to subscribe; each receives a confirmation request first. Default: nobody.
        topic: an existing topic. Default: one is created.

    Raises:
        ValueError: an address is malformed.
    """

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
        self.topic: sns.ITopic = topic or sns.Topic(self, "Topic", master_key=encryption_key, enforce_ssl=True)
        self._key = encryption_key if topic is None else None
        for address in emails:
            validation.email("notification_emails", address)
            self.topic.add_subscription(subscriptions.EmailSubscription(address))

    def grant_publish(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow publishing; the key of an existing topic is its owner's to grant."""
        if self._key is not None:
            self._key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey")
        return iam.Grant.add_to_principal(
            actions=["sns:Publish"], grantee=grantee, resource_arns=[self.topic.topic_arn]
        )
