"""Codes that the SSM documents print as ``PCA_ERROR <CODE> <sentence>``."""

from __future__ import annotations

from pca_runtime.errors.entry import CatalogueEntry

__all__ = ["HOST_CODES"]

_CSR = "CertCSRStatus"
_INSTALL = "CertDeployStatus"
_BOTH = f"{_CSR} {_INSTALL}"


def _host(code: str, phase: str, meaning: str, remedy: str) -> CatalogueEntry:
    return CatalogueEntry(code, "host", phase, meaning, remedy)


HOST_CODES = (
    _host(
        "MISSING_TOOL", _BOTH,
        "A program that the document needs is not installed on the host, or not in root's PATH.",
        "Install what the message names (openssl and the core utilities), then run the host again.",
    ),
    _host(
        "DIRECTORY_NOT_WRITABLE", _BOTH,
        "root cannot write to a directory on the host: a read-only file system, a mount, or SELinux.",
        "Look at the directory in the message; mount it writable, or override the path in the inventory.",
    ),
    _host(
        "NO_SPACE", _BOTH,
        "The file system of the store is full, or has no inodes left.",
        "Free space on the file system in the message (`df -h` and `df -i`), then run the host again.",
    ),
    _host(
        "UNSAFE_DIRECTORY", _BOTH,
        "A directory or link on the way to the key could be changed by somebody who is not root.",
        "Give it to root and take write permission from group and others, or override the path.",
    ),
    _host(
        "READERS_NOT_KEPT", _BOTH,
        "The next files could not be given to exactly those who can read the present ones: an access control list, a "
        "security context, or a directory that keeps others away.",
        "Install getfacl and setfacl (the package acl), take the list away, or say in the inventory who shall read: "
        "fileGroup and keyMode. The message names the file.",
    ),
    _host(
        "MOUNTED_ELSEWHERE", f"{_CSR} InspectCertificate",
        "A public directory is mounted into a container, a chroot or a service that does not show the store; "
        "files there would become links that lead nowhere.",
        "Mount the store there too, at the same path and read-only; how stands in: `pca-automator docs hosts` Then run "
        "the host again.",
    ),
    _host(
        "LOCKED", _BOTH,
        "Another command of this system is at work on the host and did not finish in time.",
        "Wait for the next run; if it repeats, look for a hanging hook, or a second deployment on the host.",
    ),
    _host(
        "KEY_GENERATION_FAILED", _CSR,
        "openssl could not make a private key.",
        "Run openssl genpkey on the host; an old openssl or FIPS mode may not know the key algorithm.",
    ),
    _host(
        "CSR_GENERATION_FAILED", _CSR,
        "openssl could not make a signing request with the new key.",
        "Run openssl req on the host and look at its configuration (OPENSSL_CONF, openssl.cnf).",
    ),
    _host(
        "BAD_PARAMETER", _BOTH,
        "The document refused one of its values.",
        "Correct the attribute that the message names in the inventory; if none is named there, "
        "documents and functions are of different versions; who deploys makes them fit: `cdk deploy --revert-drift`",
    ),
    _host(
        "AGENT_TOO_OLD", _BOTH,
        "SSM Agent on the host did not hand the document's parameters over.",
        "Update SSM Agent on the host to 3.3.2746.0 or newer (AWS-UpdateSSMAgent), then run the host again.",
    ),
    _host(
        "PENDING_REQUEST_MISSING", _INSTALL,
        "The key that the certificate was issued for is no longer on the host.",
        "Run the host again; if it repeats, something cleans the store (/var/lib/pca-automator) meanwhile.",
    ),
    _host(
        "CERTIFICATE_KEY_MISMATCH", _INSTALL,
        "The certificate that arrived does not belong to the pending key.",
        "Run the host again; if it repeats, look for a second deployment that renews the same host.",
    ),
    _host(
        "CERTIFICATE_SUBJECT_MISMATCH", _INSTALL,
        "The certificate that arrived carries another name than the host's.",
        "Check that the CA and the template of the deployment were not changed; then run the host again.",
    ),
    _host(
        "CERTIFICATE_NOT_VALID_NOW", _INSTALL,
        "By the host's clock the certificate is not valid yet, or no longer.",
        "The times are in the message; set the host's clock, on the host: `timedatectl || chronyc tracking`",
    ),
    _host(
        "CHAIN_INVALID", _INSTALL,
        "The certificate does not verify with the chain that came with it.",
        "Check that the CA is active and that its own certificate was not replaced; then run the host again.",
    ),
    _host(
        "CHAIN_NOT_PINNED", _INSTALL,
        "The chain that came with the certificate has the key of a CA that is not sealed into the deployed documents.",
        "If the CA was exchanged, name both CAs in the deployment and deploy again. If it was not, somebody else sent "
        "the command: find out who may call ssm:SendCommand with these documents.",
    ),
    _host(
        "HELPER_MISSING", _INSTALL,
        "Validation is required, and aws_signing_helper is not where it should be.",
        "Install aws_signing_helper there, override signinghelperPath, or validate only if present.",
    ),
    _host(
        "ROLES_ANYWHERE_REJECTED", _INSTALL,
        "IAM Roles Anywhere did not accept the new certificate.",
        "Read the message: trust anchor, profile and role must be enabled and fit each other, and the clock "
        "must be right.",
    ),
    _host(
        "ROLES_ANYWHERE_UNREACHABLE", _INSTALL,
        "IAM Roles Anywhere gave the host no answer: the network, a proxy, TLS, or the service itself.",
        "The host needs a way to rolesanywhere.<region>.amazonaws.com: look at route, proxy and DNS; the message has "
        "the helper's words. Then run the host again.",
    ),
    _host(
        "ROLES_ANYWHERE_THROTTLED", _INSTALL,
        "IAM Roles Anywhere throttled the host's proof until its time had run out; the certificate itself is good.",
        "It is installed again at the next run. If it happens often, look at the quota of CreateSession (ten a second "
        "for an account, shared with production) and at the pace of the renewals.",
    ),
    _host(
        "HELPER_BROKEN", f"{_INSTALL} InspectCertificate",
        "aws_signing_helper is on the host, and cannot run, or is too old: the message says why.",
        "Install aws_signing_helper 1.4.0 or newer for the host's architecture and C library; on a file system that is "
        "not mounted noexec. Try: aws_signing_helper version.",
    ),
    _host(
        "SWITCH_FAILED", _INSTALL,
        "The new version could not be put in the place of the old one; the old pair is in service.",
        "Look at the store and the public paths on the host; the message names what could not be changed.",
    ),
    _host(
        "VERIFY_FAILED", _INSTALL,
        "After the switch the public paths did not show the new pair.",
        "Look at the links at the public paths on the host; something else manages these files.",
    ),
    _host(
        "HOOK_FAILED", _INSTALL,
        "A post-install hook failed; the old pair was put back in service.",
        "Run the hook in the message by hand on the host, repair it, then run the host again.",
    ),
    _host(
        "HOOK_TIMED_OUT", _INSTALL,
        "A post-install hook did not end in time; the old pair was put back in service.",
        "Make the hook faster, or deploy with a longer hook timeout.",
    ),
    _host(
        "OWNER_UNKNOWN", _BOTH,
        "fileOwner or fileGroup names an account that the host does not have.",
        "Create the account on the host, or correct the attribute in the inventory.",
    ),
    _host(
        "INTERNAL", _BOTH,
        "The script on the host stopped where it should not.",
        "Look at the command's output in Run Command; this is a defect worth reporting.",
    ),
)  # fmt: skip
