"""The SSM Command documents that run on the hosts."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from pca_automator._internal.acknowledge import acknowledge_policy
from pca_automator._internal.arguments import checked
from pca_automator.ssm_documents import DOCUMENT_NAMES, load_document


class HostDocuments(Construct):
    """One SSM Command document for each thing that is done on a host.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/documents.html

    Args:
        instance_tags: send commands only to instances and nodes that carry all these tags. Default: to any host of
            this account and Region (still only these documents).

    Raises:
        ValueError: an argument has another type.
    """

    @checked
    def __init__(self, scope: Construct, id: str, *, instance_tags: Mapping[str, str] | None = None) -> None:
        super().__init__(scope, id)
        self._instance_tags = dict(instance_tags or {})
        self._documents = {
            name: ssm.CfnDocument(
                self,
                name,
                content=load_document(name),
                document_format="JSON",
                document_type="Command",
                target_type="/",
                # A new version under the same name: commands in flight keep running the text they were sent with.
                update_method="NewVersion",
            )
            for name in DOCUMENT_NAMES
        }

    def document_name(self, name: str) -> str:
        """The deployed name of one document.

        Args:
            name: one of :data:`pca_automator.ssm_documents.DOCUMENT_NAMES`.

        Raises:
            KeyError: there is no such document.
        """
        return self._documents[name].ref

    def grant_send(self, grantee: iam.IGrantable, name: str) -> iam.Grant:
        """Allow sending one document to hosts, and nothing else.

        ``SendCommand`` needs the document and the target, in two statements: a condition on the instance's tags does
        not hold for the document.
        https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html

        Args:
            grantee: who may send.
            name: one of :data:`pca_automator.ssm_documents.DOCUMENT_NAMES`.

        Raises:
            KeyError: there is no such document.
        """
        stack = Stack.of(self)
        document = stack.format_arn(service="ssm", resource="document", resource_name=self.document_name(name))
        hosts = [
            stack.format_arn(service="ec2", resource="instance", resource_name="*"),
            stack.format_arn(service="ssm", resource="managed-instance", resource_name="*"),
        ]
        conditions = {"StringEquals": {f"ssm:resourceTag/{key}": value for key, value in self._instance_tags.items()}}
        if isinstance(grantee.grant_principal, iam.Role):
            acknowledge_policy(grantee.grant_principal, dict.fromkeys(hosts, self._why_any_host()))
        grant = iam.Grant.add_to_principal(actions=["ssm:SendCommand"], grantee=grantee, resource_arns=[document])
        return grant.combine(
            iam.Grant.add_to_principal(
                actions=["ssm:SendCommand"],
                grantee=grantee,
                resource_arns=hosts,
                conditions=conditions if self._instance_tags else None,
            )
        )

    def _why_any_host(self) -> str:
        if self._instance_tags:
            return "Hosts join at run time; the statement's condition admits only those that carry the given tags."
        return "Hosts join at run time; only this library's own document can be sent, and instance_tags narrows it."
