"""Codes that come from this project's own checks: the functions and the state machines."""

from __future__ import annotations

from pca_runtime.errors.entry import CatalogueEntry

__all__ = ["WORKFLOW_CODES"]

_ALL = "CertCSR CertCSRStatus CertIssue CertDeploy CertDeployStatus"
_POLLS = "CertCSRStatus CertDeployStatus"
_AGAIN = "Run the host again; if it repeats, "
# https://docs.aws.amazon.com/privateca/latest/APIReference/API_CrlConfiguration.html
_COMPLETE_CRL = (
    "`aws acm-pca update-certificate-authority --certificate-authority-arn <arn> --revocation-configuration "
    "'CrlConfiguration={Enabled=true,ExpirationInDays=7,S3BucketName=<bucket>,CrlType=COMPLETE,"
    "S3ObjectAcl=BUCKET_OWNER_FULL_CONTROL}'`"
)


def _own(code: str, phase: str, meaning: str, remedy: str) -> CatalogueEntry:
    return CatalogueEntry(code, "workflow", phase, meaning, remedy)


_LISTING = (
    _own(
        "HOST_ID_INVALID", "CertCheck",
        "The id is neither an EC2 instance id (i-...) nor a hybrid node id (mi-...).",
        "Correct the id, or delete the entry: `pca-automator hosts remove <id>`",
    ),
    _own(
        "INVENTORY_ATTRIBUTE_IMPOSSIBLE", "CertCheck",
        "An attribute of the item holds what this system cannot have written: it counts as absent, and the host is "
        "renewed all the same.",
        "Find out who wrote it (CloudTrail, the table's stream); a renewal writes it anew: `pca-automator run <id> "
        "--force --watch`",
    ),
    _own(
        "INVENTORY_ITEM_UNREADABLE", "CertCheck CertCSR",
        "The item cannot be read as a whole, so the host is not renewed.",
        "Delete the item and put the host in again: `pca-automator hosts remove <id>` then "
        "`pca-automator hosts add <id>`",
    ),
    _own(
        "HOST_NOT_IN_INVENTORY", "CertCheck CertCSR CertIssue CertDeploy",
        "The inventory has no item for this host.",
        "Put it in: `pca-automator hosts add <id>`",
    ),
    _own(
        "HOST_RETIRED", "CertCheck",
        "The host is retired, so it is not renewed even when it is asked for by its id.",
        "If it is to come back: `pca-automator hosts restore <id>`",
    ),
    _own(
        "HOST_LOST", "CertReport",
        "The run took this host and neither renewed nor failed it: its workflow was stopped or broke.",
        "Nothing, if somebody stopped the run: the next one takes the host once its lease has run out. Otherwise "
        "look at the child execution of the host.",
    ),
    _own(
        "HOST_NOT_ATTEMPTED", "CertReport",
        "The run ended before it came to this host.",
        "Look at why the run ended (the Distributed Map); start it again with the same input, or, for who is due: "
        "`pca-automator run --watch`",
    ),
    _own(
        "INPUT_INVALID", f"CertCheck {_ALL}",
        "The input of the execution, or of a function, is not what is allowed.",
        'The workflow takes {}, {"hostIDs": ["i-..."]}, {"hostIDs": ["i-..."], "force": true} or {"reissue": "all"}, '
        'the last two also with "revokeReplaced": true or false; at most 10,000 ids. CertRetire takes '
        '{"hostIDs": ["i-..."]}, at most 500 ids, also with "reason": "KEY_COMPROMISE" or another one and '
        '"removeFromHost": false.',
    ),
    _own(
        "INVENTORY_ATTRIBUTE_INVALID", "CertCSR CertIssue CertDeploy",
        "An override in the host's inventory item is not allowed.",
        "Correct the attribute; the message says its value and what is allowed. What takes it out again stands in: "
        "`pca-automator hosts lint`",
    ),
    _own(
        "PROFILE_UNKNOWN", "CertCSR CertIssue CertDeploy",
        "The host's item names a certificate profile that the construct does not declare.",
        "Declare the profile in the construct's profiles, or correct the item's attribute certificateProfile, for "
        "example to that of all other hosts: `pca-automator hosts set <id> --override certificateProfile=default`",
    ),
    _own(
        "PROFILE_REFUSES_NAME", "CertCSR CertIssue CertDeploy",
        "The host's item asks for a name that the host's certificate profile does not allow.",
        "Take the name out of the item, or have the construct's profile allow it by a pattern.",
    ),
    _own(
        "PROFILE_REFUSES_KEY", "CertCSR CertIssue CertDeploy",
        "The host's item asks for another key algorithm than the host's certificate profile has.",
        "Take keyAlgorithm out of the item, or choose another profile.",
    ),
    _own(
        "LEASE_LOST", "CertCSR CertIssue CertDeploy CertDeployStatus",
        "Another run took the host over, or it was retired or edited while it was renewed.",
        "Nothing, if the other run renews it; otherwise run the host again.",
    ),
    _own(
        "ConfigurationError", f"CertCheck {_ALL}",
        "An environment variable of a function is missing or wrong.",
        "Deploy again; the message names the variable. Do not edit the functions by hand.",
    ),
)  # fmt: skip

_CSR = (
    _own(
        "CSR_MALFORMED", "CertIssue",
        "What the host sent is not a signing request that can be parsed.",
        f"{_AGAIN}treat the host as tampered with: its documents or its openssl are not what they should be.",
    ),
    _own(
        "CSR_WRONG_SUBJECT", "CertIssue",
        "The signing request names somebody else than the host that sent it.",
        "Treat the host as compromised until the reason is known. No certificate was issued.",
    ),
    _own(
        "CSR_HAS_EXTENSIONS", "CertIssue",
        "The signing request asks for extensions or carries attributes, which the inventory alone decides.",
        "Treat the host as compromised until the reason is known; look for an openssl.cnf that adds them.",
    ),
    _own(
        "CSR_BAD_SIGNATURE", "CertIssue",
        "The signing request is not signed by the key in it.",
        "Treat the host as compromised until the reason is known. No certificate was issued.",
    ),
    _own(
        "CSR_WEAK_SIGNATURE", "CertIssue",
        "The signing request is signed with a hash weaker than SHA-256, or as RSASSA-PSS.",
        "Look at default_md in the host's openssl.cnf.",
    ),
    _own(
        "CSR_WRONG_KEY", "CertIssue",
        "The key is of another algorithm or size than the inventory or the deployment asks for.",
        "Check keyAlgorithm in the inventory; it may have changed during the run. Run the host again.",
    ),
    _own(
        "CSR_NOT_CANONICAL", "CertIssue",
        "The signing request, or the public key in it, is not written as the one way that every tool reads alike.",
        "Look at the openssl of the host; it must write named curves, uncompressed points and rsaEncryption. If it "
        "does, treat the host as compromised. No certificate was issued.",
    ),
    _own(
        "CSR_WEAK_KEY", "CertIssue",
        "The RSA key's modulus has a small factor, two primes of which one gives the other away, one prime alone, or "
        "the mark of a generator that is known to be broken (ROCA): anybody can compute the key.",
        "Look at the random numbers of the host and at what makes its keys, and at every other key made there.",
    ),
    _own(
        "CSR_KEY_REUSED", "CertIssue",
        "The host came with the key of a former certificate again; a renewal makes a new key.",
        "Treat the host as compromised until the reason is known: a key that was stolen would live on.",
    ),
    _own(
        "CSR_KEY_CHANGED", "CertIssue",
        "Within one request the host came with a second key.",
        f"{_AGAIN}treat the host as compromised.",
    ),
    _own(
        "CsrTimedOut", "CertCSRStatus",
        "The host did not finish making the signing request within the polling window.",
        "Check the load of the host and its agent: `systemctl status amazon-ssm-agent` Then: "
        "`pca-automator run <id> --force --watch`",
    ),
)  # fmt: skip

_BUDGET = (
    _own(
        "ISSUANCE_BUDGET_EXCEEDED", "CertIssue",
        "The host had as many certificates within a day as it gets, fewer after failures in a row; none was issued.",
        "See which there are: `pca-automator hosts show <id>` Mend what fails, or stop whoever changes its item; then, "
        "which the budget does not hold: `pca-automator run <id> --force --watch`",
    ),
)  # fmt: skip

_DEPLOYMENT = (
    _own(
        "NOTHING_ISSUED", "CertDeploy CertDeployStatus",
        "There is no certificate for this request.",
        f"{_AGAIN}look at the log of CertIssue for the first error of the run.",
    ),
    _own(
        "CERTIFICATE_MALFORMED", "CertDeploy",
        "The certificate that the CA returned cannot be parsed.",
        f"{_AGAIN}look at the log of CertDeploy, which has its ARN.",
    ),
    _own(
        "CERTIFICATE_NOT_AS_REQUESTED", "CertDeploy",
        "The certificate that came back is not the one that was asked for; it was not installed.",
        "Find out who changed the template or the CA. Revoke the certificate.",
    ),
    _own(
        "ISSUANCE_NOT_RECORDED", "CertDeploy",
        "The CA's event came before CertIssue had written down which certificate it was given.",
        "Nothing: the event is delivered again, or the workflow asks itself.",
    ),
    _own(
        "INSTALL_IN_PROGRESS", "CertDeploy",
        "Another invocation is installing on this host at the same moment.",
        "Nothing: it resolves by itself, or the next run renews the host.",
    ),
    _own(
        "InstallTimedOut", "CertDeployStatus",
        "The host did not finish installing within the polling window; it may still do so.",
        "Look at the command in Run Command. A slow hook needs more attempts or a longer interval.",
    ),
    _own(
        "HOST_RESULT_MISSING", _POLLS,
        "The command ended well, and the host gave no result, or not one.",
        "Documents and functions are of different versions, or the document was replaced by hand; who deploys makes "
        "them fit: `cdk deploy --revert-drift`",
    ),
    _own(
        "HOST_CODE_UNKNOWN", f"{_POLLS} InspectCertificate",
        "The host said a code that none of the documents prints; the words are the host's own, and no advice.",
        "Deploy again, for documents and functions may be of different versions; if they are not, treat the host as "
        "compromised.",
    ),
    _own(
        "HOST_RESULT_FOREIGN", _POLLS,
        "The host's answer belongs to another request or another certificate.",
        f"{_AGAIN}look for a second deployment that renews the same host.",
    ),
)  # fmt: skip

_REVOCATION = (
    _own(
        "CRL_MALFORMED", "CRLProcessor",
        "The object in the CRL bucket is not a complete CRL.",
        "Look at who wrote it (S3 versions, CloudTrail); the CA writes a good one within its next update.",
    ),
    _own(
        "CRL_FOREIGN", "CRLProcessor",
        "The CRL is not the complete CRL of this deployment's CA.",
        "Look at who wrote it (S3 versions, CloudTrail). Nobody but AWS Private CA should be able to.",
    ),
    _own(
        "CRL_PARTIAL", "CRLProcessor",
        "The CRL speaks of a part of the CA's certificates only: the CA writes partitioned CRLs, or somebody else did.",
        "Let the CA write complete CRLs (CrlType COMPLETE); if it does, look at who wrote the object (S3 versions, "
        "CloudTrail). Until then new revocations are NOT in force.",
    ),
    _own(
        "CRL_UNSUPPORTED", "CRLProcessor",
        "The CRL has a signature, a critical extension or one of an entry that a CRL of AWS Private CA does not have.",
        "Look at who wrote it (S3 versions, CloudTrail). Until the CA writes a good one, new revocations are NOT in "
        "force.",
    ),
    _own(
        "CRL_FROM_THE_FUTURE", "CRLProcessor",
        "The CRL's thisUpdate, or the date of an entry, is still to come.",
        "Look at who wrote it (S3 versions, CloudTrail). Until the CA writes a good one, new revocations are NOT in "
        "force.",
    ),
    _own(
        "CRL_NUMBER_REUSED", "CRLProcessor",
        "The CRL has the number of the one in force, and says something else.",
        "Compare the object's versions; nobody but AWS Private CA should write them, and it gives each CRL a number.",
    ),
    _own(
        "CRL_EXPIRED", "CRLProcessor",
        "The CRL in the bucket has run out: the CA has not written a newer one.",
        "Check that the CA is active and may write to the bucket: `pca-automator doctor`",
    ),
    _own(
        "CRL_OLDER", "CRLProcessor",
        "The CRL in the bucket is older than the one in force: the object was rolled back.",
        "Look at the object's versions; restore the newest one.",
    ),
    _own(
        "CRL_TOO_LARGE", "CRLProcessor",
        "The CRL is above the 300,000 bytes that IAM Roles Anywhere takes: new revocations are NOT in force.",
        "Shorten the validity, so that revoked certificates drop off sooner; until then deny hosts by their "
        "subject in the trust policy of the role.",
    ),
    _own(
        "CRL_QUOTA_EXCEEDED", "CRLProcessor",
        "The trust anchor has its two CRLs already, and none of them is this deployment's.",
        "Look which there are: `aws rolesanywhere list-crls` Delete the one that is not needed: "
        "`aws rolesanywhere delete-crl --crl-id <crl>`",
    ),
    _own(
        "CRL_NOT_WRITTEN", "CRLProcessor",
        "AWS Private CA could not write its CRL: revocations since then are NOT in force.",
        "Look at the policy and the key of the CRL bucket; AWS Private CA tries again by itself.",
    ),
    _own(
        "CRL_SWITCHED_OFF", "CRLProcessor",
        "The CA is configured to write no CRL.",
        f"Switch its CRL on: {_COMPLETE_CRL}",
    ),
    _own(
        "CRL_PARTITIONED", "CRLProcessor",
        "The CA writes partitioned CRLs, which IAM Roles Anywhere cannot all take.",
        f"Have it write complete ones: {_COMPLETE_CRL}",
    ),
    _own(
        "CRL_ELSEWHERE", "CRLProcessor",
        "The CA writes its CRL to another bucket than the one that is read.",
        "Give the bucket that the message names to Authority.existing as crl_bucket and deploy again.",
    ),
    _own(
        "CRL_DISABLED", "CRLProcessor",
        "The CRL of this deployment is disabled. Revocations are NOT enforced.",
        "Unless it was disabled on purpose, enable it: `aws rolesanywhere enable-crl --crl-id <crl>`",
    ),
)  # fmt: skip

_GENERAL = (
    _own(
        "Unknown", _ALL,
        "The renewal failed without saying why.",
        "Look at the child execution of the host in Step Functions.",
    ),
    _own(
        "HostRenewalFailed", _ALL,
        "A host's workflow ended in failure; the reason stands in the host's lastError.",
        "Look at the item's lastError in the inventory.",
    ),
)  # fmt: skip

WORKFLOW_CODES = (*_LISTING, *_CSR, *_BUDGET, *_DEPLOYMENT, *_REVOCATION, *_GENERAL)
