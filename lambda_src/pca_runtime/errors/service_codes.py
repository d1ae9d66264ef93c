"""Codes for what AWS services answer, and hints that read their opaque sentences."""

from __future__ import annotations

from dataclasses import dataclass

from pca_runtime.errors.entry import CatalogueEntry

__all__ = ["HINTS", "SERVICE_CODES", "Hint"]

_ALL = "CertCheck CertCSR CertCSRStatus CertIssue CertDeploy CertDeployStatus CertReport CRLProcessor"
_SEND = "CertCSR CertDeploy"
_POLLS = "CertCSRStatus CertDeployStatus"
# A host that was asked for before its time is not due, and no scheduled run takes it up before it is.
_REPEATED = "The next run repeats it if the host is due then; if not: `pca-automator run <id> --force`"


def _aws(code: str, phase: str, meaning: str, remedy: str) -> CatalogueEntry:
    return CatalogueEntry(code, "service", phase, meaning, remedy)


_SYSTEMS_MANAGER = (
    _aws(
        "HOST_UNKNOWN_TO_SSM", _SEND,
        "Systems Manager does not know the host, or its agent is not connected.",
        "Is it running, registered and online? `aws ssm describe-instance-information --filters "
        "Key=InstanceIds,Values=<id>` If it is gone, retire it: `pca-automator hosts retire <id>`",
    ),
    _aws(
        "HOST_UNDELIVERABLE", _POLLS,
        "The command could not be delivered: the agent of the host did not answer in time.",
        "Is the host up, and can its agent reach Systems Manager? On the host: `systemctl status amazon-ssm-agent`",
    ),
    _aws(
        "COMMAND_TIMED_OUT", _POLLS,
        "The command ran on the host longer than its document allows and was stopped, or was killed there.",
        "Look at its output in Run Command, at the load of the host, and in its log for what the kernel killed.",
    ),
    _aws(
        "COMMAND_CANCELLED", _POLLS,
        "Somebody, or Systems Manager, cancelled the command.",
        "Look in CloudTrail for CancelCommand; then run the host again.",
    ),
    _aws(
        "COMMAND_FAILED", _POLLS,
        "The command failed on the host before its script could say why.",
        "Look at its output in Run Command; no shell, a full disk or an old agent are usual reasons.",
    ),
    _aws(
        "PLATFORM_UNSUPPORTED", f"{_SEND} {_POLLS}",
        "The documents do not support the platform of the host.",
        "Only Linux is supported; take the host out of the inventory.",
    ),
    _aws(
        "DOCUMENT_PARAMETER_REFUSED", _SEND,
        "Systems Manager refused a parameter of the document.",
        "Correct the override in the inventory that the message names; if it names none, the document was changed by "
        "hand, and who deploys takes that back: `cdk deploy --revert-drift`",
    ),
    _aws(
        "DOCUMENT_NOT_FOUND", _SEND,
        "The SSM document of the deployment does not exist.",
        "Somebody deleted it; who deploys makes it again: `cdk deploy --revert-drift`",
    ),
)  # fmt: skip

_PRIVATE_CA = (
    _aws(
        "CA_NOT_ACTIVE", "CertIssue CertDeploy",
        "The CA is not active: it is disabled, expired, deleted or waits for its certificate.",
        "Look which: `pca-automator doctor` If it was disabled, enable it: `aws acm-pca update-certificate-authority "
        "--certificate-authority-arn <arn> --status ACTIVE` If it expired, who keeps the CA renews its certificate.",
    ),
    _aws(
        "CA_LIMIT_EXCEEDED", "CertIssue",
        "A quota of the CA is used up, such as 1,000,000 certificates with a complete CRL.",
        "Look at Service Quotas for AWS Private CA; ask for more, or move to a new CA.",
    ),
    _aws(
        "ISSUANCE_ARGUMENTS", "CertIssue",
        "The CA refused the request: template, validity or signing algorithm do not fit it.",
        "Deploy with a signing algorithm of the CA's key family and a validity that the CA allows.",
    ),
    _aws(
        "ISSUANCE_REQUEST_FAILED", "CertDeploy",
        "The CA took the request and then failed to issue.",
        "Run the host again; if it repeats, look at the AWS Health Dashboard.",
    ),
    _aws(
        "CERTIFICATE_IN_PROGRESS", "CertDeploy",
        "The CA was still issuing when the workflow stopped waiting.",
        "Run the host again; if many hosts are affected, ask for a higher IssueCertificate quota.",
    ),
)  # fmt: skip

_GENERAL = (
    _aws(
        "SERVICE_THROTTLED", _ALL,
        "A service asked to slow down for longer than all retries.",
        f"{_REPEATED} If it happens often, lower the concurrency or ask for a higher quota.",
    ),
    _aws(
        "SERVICE_FAILED", _ALL,
        "A service had an internal error for longer than all retries.",
        f"{_REPEATED} Look at the AWS Health Dashboard.",
    ),
    _aws(
        "SERVICE_UNREACHABLE", _ALL,
        "A service could not be reached, or did not answer in time.",
        f"{_REPEATED} If the functions are in a VPC, look at its endpoints.",
    ),
    _aws(
        "ACCESS_REFUSED", _ALL,
        "IAM, a key policy, a resource policy or the host's tag condition refused a call.",
        "The message names the call. A tag condition on SendCommand needs the tag on the host; "
        "otherwise look for a permissions boundary, an SCP or a change by hand.",
    ),
    _aws(
        "SERVICE_REFUSED", _ALL,
        "A service refused a call for a reason that has no entry of its own.",
        "Read the message: it has the call and the service's words.",
    ),
    _aws(
        "States.Timeout", _ALL,
        "A step of the workflow took longer than it may.",
        "Run the host again; if it repeats, look at the log of the function of this phase.",
    ),
    _aws(
        "States.TaskFailed", _ALL,
        "A step of the workflow failed.",
        "Look at the child execution of the host in Step Functions.",
    ),
    _aws(
        "Lambda.TooManyRequestsException", _ALL,
        "Lambda had no concurrency left for longer than all retries.",
        "Lower the concurrency of the workflow, or raise the account's concurrent executions.",
    ),
    _aws(
        "Lambda.Unknown", _ALL,
        "A function ended without an answer: out of memory, or killed at its time limit.",
        "Look at the log of the function of this phase.",
    ),
    _aws(
        "Runtime.ExitError", _ALL,
        "A function was killed before it could answer, as often as it was tried.",
        "Look at the last lines of the log of the function of this phase; out of memory is the usual reason.",
    ),
    _aws(
        "Runtime.OutOfMemory", _ALL,
        "A function ran out of memory, as often as it was tried.",
        "Look at the log of the function of this phase: its REPORT lines have the memory that it used.",
    ),
    _aws(
        "Sandbox.Timedout", _ALL,
        "A function ran into its time limit.",
        "Look at the log of the function of this phase; a VPC without a way to AWS is the usual reason.",
    ),
)  # fmt: skip

_MAP = (
    _aws(
        "States.ExceedToleratedFailureThreshold", "RenewHosts",
        "More hosts failed than tolerated_failure_percentage allows; renewals under way were stopped, no other began.",
        "Repair what most of the failed hosts have in common; then: `pca-automator run --watch`",
    ),
    _aws(
        "States.ItemReaderFailed", "RenewHosts",
        "The workflow could not read the list of the run's hosts from the work bucket; no host was touched.",
        "Look at the policies of the work bucket and of its key, which the workflow's role must be able to use. "
        "What somebody changed there is taken back by `cdk deploy --revert-drift`; then: `pca-automator run --watch`",
    ),
    _aws(
        "States.ResultWriterFailed", "RenewHosts",
        "The workflow could not write the map's results to the work bucket; what became of the hosts is counted here.",
        "Look at the policies of the work bucket and of its key, which the workflow's role must be able to use. "
        "What somebody changed there is taken back by `cdk deploy --revert-drift`; then: `pca-automator run --watch`",
    ),
)  # fmt: skip

_LAMBDA = tuple(
    _aws(
        f"Lambda.{name}", _ALL,
        "Lambda could not start a function, for longer than all retries.",
        f"{_REPEATED} Look at the AWS Health Dashboard and, if the functions are in a VPC, at their state: "
        "`pca-automator doctor`",
    )
    for name in (
        "AWSLambdaException", "ClientExecutionTimeoutException", "EC2ThrottledException", "ENINotReadyException",
        "ResourceConflictException", "ResourceNotReadyException", "SdkClientException", "ServiceException",
    )
)  # fmt: skip

SERVICE_CODES = (*_SYSTEMS_MANAGER, *_PRIVATE_CA, *_GENERAL, *_LAMBDA, *_MAP)


@dataclass(frozen=True)
class Hint:
    """A cause that can be read from an opaque sentence.

    Args:
        pattern: a regular expression, searched in the message without regard to case.
        remedy: what to do when it is found.
    """

    pattern: str
    remedy: str


# The sentences of IAM Roles Anywhere say little:
# https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication.html
HINTS: dict[str, tuple[Hint, ...]] = {
    "ROLES_ANYWHERE_REJECTED": (
        Hint("revoked", "The certificate, or the CA's, is on a CRL: look at the CRLs of the trust anchor."),
        Hint(
            "signature.*(expired|not yet current)|not yet valid|clock|skew",
            "The clock of the host is wrong; on the host: `timedatectl || chronyc tracking`",
        ),
        Hint(
            "untrusted|insufficient certificate|unable to verify",
            "The trust anchor does not hold the CA that issued: compare its bundle with the CA's "
            "certificate, above all after the CA was renewed or replaced.",
        ),
        Hint("expired", "The certificate or the CA's own has expired: look at both dates."),
        Hint(
            "assume|not authorized|trust policy",
            "The role refuses: its trust policy must allow rolesanywhere.amazonaws.com for this trust anchor "
            "and subject, and the profile must list the role.",
        ),
        Hint(
            "profile.*disabled",
            "The profile is disabled: `aws rolesanywhere enable-profile --profile-id <profile>`",
        ),
        Hint(
            "anchor.*disabled",
            "The trust anchor is disabled: `aws rolesanywhere enable-trust-anchor --trust-anchor-id <anchor>`",
        ),
        Hint("disabled", "Trust anchor or profile is disabled; which, and what enables it: `pca-automator doctor`"),
        Hint(
            "not ?found",
            "Trust anchor or profile does not exist in this region; who deploys makes it again: "
            "`cdk deploy --revert-drift`",
        ),
    ),
    "ROLES_ANYWHERE_UNREACHABLE": (
        Hint(
            "internal ?server|internal ?failure|service ?unavailable|code: 5|bad gateway",
            "IAM Roles Anywhere, or a proxy on the way, has trouble: look at the AWS Health Dashboard; the next run "
            "repeats it.",
        ),
        Hint(
            "tls:|x509",
            "Something on the way ends TLS or is not the service: the host cannot reach "
            "rolesanywhere.<region>.amazonaws.com itself: look at route, proxy and DNS, and at an inspecting firewall.",
        ),
    ),
    "SERVICE_REFUSED": (
        Hint(
            "validity.*exceeds|exceeds.*validity",
            "The CA's own certificate runs out before a new one would. Renew the CA, as is told in: "
            "`pca-automator docs authority` Or deploy with a shorter validity; then: `pca-automator run --watch`",
        ),
    ),
    "ACCESS_REFUSED": (
        Hint("SendCommand", "The host lacks the tag that the deployment asks for, or a role was changed."),
        Hint(
            "kms.*(disabled|invalid ?state)",
            "The key is disabled, or is to be deleted: `aws kms cancel-key-deletion --key-id <key>` and "
            "`aws kms enable-key --key-id <key>` Until then nothing is renewed, and no message reaches the topic.",
        ),
        Hint(
            "kms",
            "The key policy does not let the function use the key; who deploys takes back what was changed by hand: "
            "`cdk deploy --revert-drift`",
        ),
    ),
}
