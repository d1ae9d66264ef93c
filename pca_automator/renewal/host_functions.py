"""The functions that renew one host, and what each of them may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from pca_automator._internal.arguments import checked
from pca_automator._internal.handed_in import owners
from pca_automator.authority.issuing import IssuingAuthority
from pca_automator.authority.profiles import CertificateProfiles
from pca_automator.functions.factory import FunctionFactory
from pca_automator.hosts.documents import HostDocuments
from pca_automator.hosts.settings import HostSettings
from pca_automator.inventory.ledger import CertificateLedger
from pca_automator.inventory.table import HostInventory
from pca_automator.renewal.polling import Polling
from pca_automator.renewal.start_ledger import StartLedger
from pca_automator.renewal.times import RenewalTimes
from pca_automator.reporting.events import HOST_RENEWAL_FAILED, HOST_RENEWED, grant_put_events
from pca_automator.revocation.grants import grant_revocation


class HostFunctions(Construct):
    """CertCSR, CertCSRStatus, CertIssue, CertDeploy, CertDeployStatus and CertFailure.

    CertDeploy is invoked by the CA's issuance event; the others, and CertDeploy where no event came, by the workflow.

    https://docs.aws.amazon.com/privateca/latest/userguide/CloudWatchEvents.html

    Args:
        authority: the CA that issues.
        dead_letters: queue for issuance events that could not be handled.
        documents: what runs on the hosts.
        factory: makes the functions.
        inventory: the hosts.
        ledger: of the certificates; it is asked before the CA is, and told what came of it.
        polling: waits and attempts.
        settings: what holds for every host.
        starts: the ledger of starts.
        times: validity, and when a certificate is due.
        profiles: what certificates are for. Default: one profile, for clients and servers.
        issuance_budget: certificates of one host within 24 hours, see :class:`Pace`. Default: 10.

    Raises:
        ValueError: an argument has another type.
    """

    cert_csr: lambda_.Function
    """Claims a host and asks it for a key and a CSR."""
    cert_csr_status: lambda_.Function
    """Polls the CSR command and reads the CSR."""
    cert_issue: lambda_.Function
    """Verifies a CSR and has the CA issue the certificate."""
    cert_deploy: lambda_.Function
    """Fetches an issued certificate and sends it to its host."""
    cert_deploy_status: lambda_.Function
    """Polls the installation and records the renewal."""
    cert_failure: lambda_.Function
    """Records why a host was not renewed."""

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        authority: IssuingAuthority,
        dead_letters: sqs.IQueue,
        documents: HostDocuments,
        factory: FunctionFactory,
        inventory: HostInventory,
        ledger: CertificateLedger,
        polling: Polling,
        settings: HostSettings,
        starts: StartLedger,
        times: RenewalTimes,
        profiles: CertificateProfiles | None = None,
        issuance_budget: int = 10,
    ) -> None:
        """Longer than a function should be, for it is one list: each function with what it reads and what it may do."""
        super().__init__(scope, id)
        certificate_authority = authority.certificate_authority
        declared = profiles or CertificateProfiles()
        self._factory = factory
        self._inventory = inventory
        self._ledger = ledger
        self._profiles = {
            "CERTIFICATE_PROFILES": declared.environment(),
            "KEY_ALGORITHM": settings.key_algorithm.value,
            "VALIDITY_DAYS": str(times.validity.to_days()),
        }
        directories = {
            "CACERT_PATH": settings.ca_certificate_path,
            "CERT_PATH": settings.certificate_path,
            "KEY_PATH": settings.key_path,
            **polling.environment,
        }
        self.cert_csr = self._make(
            "CertCSR",
            "cert_csr",
            "Claims a host and asks it for a key and a CSR",
            environment={
                **directories,
                "CA_ARN": certificate_authority.certificate_authority_arn,
                "GENERATE_CSR_DOCUMENT": documents.document_name("GenerateCsr"),
                "ISSUANCE_TIMEOUT_SECONDS": str(polling.issuance_timeout.to_seconds()),
                **self._profiles,
            },
            table_actions=("GetItem", "UpdateItem"),
        )
        ledger.grant(self.cert_csr, "dynamodb:Query")
        documents.grant_send(self.cert_csr, "GenerateCsr")
        self.cert_csr_status = self._make("CertCSRStatus", "cert_csr_status", "Polls the CSR command, reads the CSR")
        _allow_reading_commands(self.cert_csr_status)
        self.cert_issue = self._make_cert_issue(authority, declared.templates, issuance_budget)
        self.cert_deploy = self._make(
            "CertDeploy",
            "cert_deploy",
            "Fetches an issued certificate and sends it to its host",
            environment={
                **directories,
                **self._profiles,
                "CA_ARN": certificate_authority.certificate_authority_arn,
                "INSTALL_DOCUMENT": documents.document_name("InstallCertificate"),
                "RENEWAL_JITTER_SECONDS": str(times.jitter.to_seconds()),
                "RENEWAL_THRESHOLD_SECONDS": str(times.threshold.to_seconds()),
                "SIGNINGHELPER_PATH": settings.signing_helper_path,
            },
            table_actions=("GetItem", "UpdateItem"),
        )
        ledger.grant(self.cert_deploy, "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")
        _allow(self.cert_deploy, "acm-pca:GetCertificate", certificate_authority.certificate_authority_arn)
        documents.grant_send(self.cert_deploy, "InstallCertificate")
        # SendTask* know no resource type: whoever holds the token may complete the task.
        _allow(self.cert_deploy, "states:SendTaskSuccess", "*")
        _allow(self.cert_deploy, "states:SendTaskFailure", "*")
        self._listen_for_issuance(certificate_authority.certificate_authority_arn, dead_letters)
        self.cert_deploy_status = self._make(
            "CertDeployStatus",
            "cert_deploy_status",
            "Polls the installation and records the renewal",
            environment={"CA_ARN": certificate_authority.certificate_authority_arn, **polling.environment},
            table_actions=("GetItem", "UpdateItem"),
        )
        ledger.grant(self.cert_deploy_status, "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")
        _allow_reading_commands(self.cert_deploy_status)
        grant_put_events(self.cert_deploy_status, self, HOST_RENEWED)
        # Whatever the policy: {"reissue": "all", "revokeReplaced": true} is how a compromised fleet is renewed.
        grant_revocation(self.cert_deploy_status, certificate_authority, authority.crl_bucket)
        # It looks whose certificate it is before it revokes.
        _allow(self.cert_deploy_status, "acm-pca:GetCertificate", certificate_authority.certificate_authority_arn)
        self.cert_failure = self._make(
            "CertFailure", "cert_failure", "Records why a host was not renewed", table_actions=("UpdateItem",)
        )
        grant_put_events(self.cert_failure, self, HOST_RENEWAL_FAILED)
        for function in (self.cert_csr, self.cert_deploy_status):
            starts.grant_judge(function)
        for function in (self.cert_csr_status, self.cert_issue, self.cert_deploy):
            starts.grant_note(function)
        for function in self.all:
            # Only failures call that one.
            if function is not self.cert_failure:
                factory.restore(function)

    @property
    def all(self) -> tuple[lambda_.Function, ...]:
        """Every function the states invoke."""
        return (
            self.cert_csr,
            self.cert_csr_status,
            self.cert_issue,
            self.cert_deploy,
            self.cert_deploy_status,
            self.cert_failure,
        )

    def _make(
        self,
        name: str,
        handler: str,
        description: str,
        *,
        environment: Mapping[str, str] | None = None,
        table_actions: tuple[str, ...] = (),
    ) -> lambda_.Function:
        table = self._inventory.environment if table_actions else {}
        function = self._factory.make(
            self, name, handler=handler, description=description, environment={**table, **(environment or {})}
        )
        if table_actions:
            self._inventory.grant(function, *(f"dynamodb:{action}" for action in table_actions))
        return function

    def _make_cert_issue(
        self, authority: IssuingAuthority, templates: Sequence[str], issuance_budget: int
    ) -> lambda_.Function:
        authority_arn = authority.certificate_authority.certificate_authority_arn
        partition = Stack.of(self).partition
        allowed = [f"arn:{partition}:acm-pca:::template/{template}" for template in templates]
        function = self._make(
            "CertIssue",
            "cert_issue",
            "Verifies a CSR and has the private CA issue the certificate",
            environment={
                **self._profiles,
                "CA_ARN": authority_arn,
                "ISSUANCE_BUDGET": str(issuance_budget),
                "SIGNING_ALGORITHM": authority.signing_algorithm.value,
            },
            table_actions=("GetItem", "UpdateItem"),
        )
        self._ledger.grant(function, "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")
        function.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["acm-pca:IssueCertificate"],
                resources=[authority_arn],
                conditions={"StringEquals": {"acm-pca:TemplateArn": allowed if len(allowed) > 1 else allowed[0]}},
            )
        )
        _allow(function, "states:SendTaskSuccess", "*")
        return function

    def _listen_for_issuance(self, authority_arn: str, dead_letters: sqs.IQueue) -> None:
        """Wake CertDeploy when our CA has issued; https://docs.aws.amazon.com/privateca/latest/userguide/CloudWatchEvents.html"""
        lifetime = Duration.minutes(15)  # later, the workflow has long called CertDeploy itself
        events.Rule(
            self,
            "CertificateIssued",
            description="A certificate was issued by the fleet's private CA",
            event_pattern=events.EventPattern(
                source=["aws.acm-pca"],
                account=owners(self, authority_arn),
                region=[Aws.REGION],
                detail_type=["ACM Private CA Certificate Issuance"],
                resources=[authority_arn],
                detail={"result": ["success"]},
            ),
            targets=[
                targets.LambdaFunction(
                    self.cert_deploy, dead_letter_queue=dead_letters, max_event_age=lifetime, retry_attempts=10
                )
            ],
        )
        self.cert_deploy.configure_async_invoke(
            max_event_age=lifetime, on_failure=destinations.SqsDestination(dead_letters), retry_attempts=2
        )


def _allow(function: lambda_.Function, action: str, resource: str) -> None:
    function.grant_principal.add_to_principal_policy(iam.PolicyStatement(actions=[action], resources=[resource]))


def _allow_reading_commands(function: lambda_.Function) -> None:
    # GetCommandInvocation knows no resource type.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
    _allow(function, "ssm:GetCommandInvocation", "*")
