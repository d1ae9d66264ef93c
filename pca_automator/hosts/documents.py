"""The SSM Command documents that run on the hosts."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Annotations, Duration, Fn, Stack, Token, Tokenization
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from pca_automator._internal import validation
from pca_automator._internal.acknowledge import acknowledge_policy
from pca_automator._internal.arguments import checked
from pca_automator.authority.pins import AuthorityPins
from pca_automator.authority.roles_anywhere import RolesAnywhereTrust
from pca_automator.hosts.settings import LONGEST_PROOF, SHORTEST_PROOF, HostSettings
from pca_automator.ssm_documents import DOCUMENT_NAMES, load_document


class HostDocuments(Construct):
    """One SSM Command document for each thing that is done on a host.

    What is the same for all hosts stands in their text, where who may send them cannot change it.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/documents.html

    Args:
        settings: store, hooks, and how certificates are checked and kept. Default: those of :class:`HostSettings`.
        trust: what a host proves a certificate against. Default: nothing, and none can be proven.
        pins: the CAs that the hosts accept. Default: any, and synthesis warns.
        proof_window: in which IAM Roles Anywhere is asked again if it throttles or cannot be reached, whole seconds, 35
            seconds to 15 minutes. Default: 90 seconds, what the default polling leaves beside the default hooks.
        request_lease: how long a pending request is left alone by another one. Default: 16 minutes, the lease of a
            renewal with the default polling.
        instance_tags: send commands only to instances and nodes that carry all these tags. Default: to any host of
            this account and Region (still only these documents).

    Raises:
        ValueError: an argument has another type, or the window of the proof is out of bounds or a token.
    """

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: HostSettings | None = None,
        trust: RolesAnywhereTrust | None = None,
        pins: AuthorityPins | None = None,
        proof_window: Duration | None = None,
        request_lease: Duration | None = None,
        instance_tags: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._instance_tags = dict(instance_tags or {})
        pinned = pins or AuthorityPins()
        if not pinned:
            Annotations.of(self).add_warning_v2(
                "pca-automator:unpinned",
                "the certificate of the CA is not known, so the hosts accept the chain of any: whoever may send these "
                "documents can have them trust a CA of their own; give the CA's certificate",
            )
        constants = _constants(
            settings or HostSettings(),
            trust,
            pinned,
            request_lease or Duration.minutes(16),
            _proof_seconds(proof_window or Duration.seconds(90)),
        )
        known = {name: value for name, value in constants.items() if not Token.is_unresolved(value)}
        deferred = {name: _quoted(value) for name, value in constants.items() if name not in known}
        self._documents = {
            name: ssm.CfnDocument(
                self,
                name,
                # An object, not a text: CloudFormation itself writes the JSON, and escapes what an attribute brings in.
                content=load_document(name, known, deferred=deferred),
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
        return "Hosts join at run time; instance_tags narrows it."


def _proof_seconds(window: Duration) -> str:
    """It stands in a document whose own time-out is fixed, so it has to be known at synthesis."""
    if window.is_unresolved():
        raise ValueError("proof_window is a token; allowed is what is known at synthesis: derive it from numbers")
    validation.duration("proof_window", window, SHORTEST_PROOF, LONGEST_PROOF)
    return str(int(window.to_seconds()))


def _constants(
    settings: HostSettings, trust: RolesAnywhereTrust | None, pins: AuthorityPins, lease: Duration, proof_seconds: str
) -> dict[str, str]:
    proof = {}
    if trust is not None:
        proof = {
            "trustAnchorArn": trust.trust_anchor_arn,
            "profileArn": trust.profile_arn,
            "roleArn": trust.test_role.role_arn,
        }
    return {
        "csrPath": settings.csr_path,
        "requestLease": Tokenization.stringify_number(lease.to_seconds()),
        "hooksPath": settings.hooks_path,
        "hookTimeout": Tokenization.stringify_number(settings.hook_timeout.to_seconds()),
        "versionsKept": Tokenization.stringify_number(settings.versions_kept),
        "validationPolicy": settings.validation_policy.value,
        "proofSeconds": proof_seconds,
        **proof,
        "caKeys": " ".join(pins.keys),
        "caCertificates": "\n".join(pins.certificates),
    }


def _quoted(token: str) -> str:
    """What only CloudFormation knows, between single quotes that it cannot leave, whatever it is.

    A quote ends the text, stands for itself, and begins it anew. A brace is followed by an empty text, so that two
    never meet: the agent would take ``{{ssm:name}}`` for a parameter of Parameter Store, and paste what is in it.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-split.html
    """
    for character, replacement in (("'", "'\\''"), ("{", "{''")):
        token = Fn.join(replacement, Fn.split(character, token))
    return f"'{token}'"
