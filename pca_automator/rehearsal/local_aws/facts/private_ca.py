"""AWS Private CA."""

from __future__ import annotations

import datetime as dt

from pca_automator.rehearsal.local_aws.facts.ledger import assumed, documented

_API = "https://docs.aws.amazon.com/privateca/latest/APIReference/API_"
_GUIDE = "https://docs.aws.amazon.com/privateca/latest/userguide/"

ARN = documented("private-ca.arn", "operations refuse an ARN that is none of a CA", _API + "IssueCertificate.html")
KNOWN = documented(
    "private-ca.known", "a CA or certificate that does not exist is not found", _API + "GetCertificate.html"
)
STATE = documented(
    "private-ca.state", "only an active CA issues; a disabled or unfinished one refuses", _API + "IssueCertificate.html"
)
OWN_CERTIFICATE = documented(
    "private-ca.own-certificate",
    "a CA takes a certificate that carries its own key, the first while it waits for one, another while it is active",
    _GUIDE + "PCAUpdateCA.html",
)
KEY_ALGORITHMS = documented(
    "private-ca.key-algorithms", "keys of a CA are RSA or EC", _API + "CertificateAuthorityConfiguration.html"
)
SIGNING_FAMILY = documented(
    "private-ca.signing-family", "the signing algorithm must be of the CA key's family", _API + "IssueCertificate.html"
)
CSR_BYTES = documented(
    "private-ca.csr-bytes", "a CSR has 32,768 bytes at most", _API + "IssueCertificate.html", value=32_768
)
CSR_FORM = documented(
    "private-ca.csr-form", "a CSR that cannot be read or verified is malformed", _API + "IssueCertificate.html"
)
CSR_NAMES = documented(
    "private-ca.csr-names", "a certificate has a subject or alternative names", _GUIDE + "PcaIssueCert.html"
)
NAMES = documented("private-ca.names", "subject and alternative names must be well formed", _API + "ASN1Subject.html")
TEMPLATES = documented(
    "private-ca.templates",
    "a template fixes key usage, extended key usage and basic constraints; template before API before CSR",
    _GUIDE + "UsingTemplates.html",
)
VALIDITY_KIND = documented(
    "private-ca.validity-kind", "validity is days, months, years, absolute or an end date", _API + "Validity.html"
)
VALIDITY_ORDER = documented(
    "private-ca.validity-order", "a certificate ends after it begins", _API + "IssueCertificate.html"
)
WITHIN_CA = documented(
    "private-ca.within-ca",
    "no certificate outlives its CA, but for a root's own, by which it is renewed",
    _API + "IssueCertificate.html",
)
SHORT_LIVED = documented(
    "private-ca.short-lived",
    "a short-lived CA issues for seven days at most",
    _GUIDE + "short-lived-certificates.html",
    value=dt.timedelta(days=7),
)
BACKDATED = documented(
    "private-ca.backdated",
    "notBefore is an hour back, for hosts with a slow clock",
    _API + "IssueCertificate.html",
    value=dt.timedelta(minutes=60),
)
IDEMPOTENCY = documented(
    "private-ca.idempotency",
    "an idempotency token is honoured for five minutes",
    _API + "IssueCertificate.html",
    value=300.0,
)
IN_PROGRESS = documented(
    "private-ca.in-progress", "GetCertificate answers 'in progress' for a while", _API + "GetCertificate.html"
)
ISSUANCE_EVENT = documented(
    "private-ca.issuance-event",
    "issuance is an event with the ARNs of CA and certificate, at best effort",
    _GUIDE + "CloudWatchEvents.html",
)
REVOCATION_REASON = documented(
    "private-ca.revocation-reason", "a revocation has one of eight reasons", _API + "RevokeCertificate.html"
)
SERIAL_FORM = documented(
    "private-ca.serial-form", "a serial number is hexadecimal, with or without colons", _API + "RevokeCertificate.html"
)
REVOKED_ONCE = documented(
    "private-ca.revoked-once", "a second revocation is 'already processed'", _API + "RevokeCertificate.html"
)
REVOKER_WRITES = documented(
    "private-ca.revoker-writes",
    "who revokes must be able to write to the CRL bucket",
    _API + "RevokeCertificate.html",
)
REVOKER_OBJECT = assumed(
    "private-ca.revoker-object",
    "what must be writable for whoever revokes is the CRL's own object",
    "the page says 'the S3 bucket' and names no object",
    otherwise="it is the object acm-pca-permission-test-key, which a new CA also writes",
    safe_by="the grant covers every object that AWS Private CA writes: CRLs, audit reports, both permission test keys",
)
CRL_KEY = documented(
    "private-ca.crl-key", "a complete CRL lies under crl/<id of the CA>.crl", _GUIDE + "crl-planning.html"
)
CRL_CUSTOM_PATH = assumed(
    "private-ca.crl-custom-path",
    "a CustomPath takes the place of 'crl' in the key of a complete CRL, too",
    "the API describes it for partitions: <CustomPath>/<GUID>.crl",
    otherwise="a complete CRL stays under crl/, whatever the CustomPath",
    safe_by="both places are looked at, and a CRL that is in neither is a metric, an alarm and a line of status",
)
CRL_FIRST = documented(
    "private-ca.crl-first",
    "the first CRL appears after a certificate that refers to it was issued",
    _GUIDE + "crl-planning.html",
)
CRL_WITHOUT_POINTER = assumed(
    "private-ca.crl-without-pointer",
    "with OmitExtension any certificate brings the first CRL, although none refers to it",
    "the page does not speak of OmitExtension; a CA whose CRL never appeared could not revoke",
    otherwise="the first CRL appears with the first revocation alone",
    safe_by="a missing CRL is a metric and, once certificates exist, an alarm; the first revocation brings it",
)
CRL_DELAY = documented(
    "private-ca.crl-delay",
    "a CRL follows a revocation after about half an hour (here: crl_seconds)",
    _GUIDE + "crl-planning.html",
)
CRL_EVENT = documented(
    "private-ca.crl-event",
    "a CRL that was written, or could not be, is an event with the CA's ARN",
    _GUIDE + "CloudWatchEvents.html",
)
TEST_KEY = documented(
    "private-ca.test-key", "a new CA tries its CRL bucket with a test object", _GUIDE + "crl-planning.html"
)
STATUS = documented("private-ca.status", "a CA is set to active or disabled", _API + "UpdateCertificateAuthority.html")
DELETION = documented(
    "private-ca.deletion", "only a CA that is not active is deleted", _API + "DeleteCertificateAuthority.html"
)
RESTORED = documented(
    "private-ca.restored",
    "a CA that was deleted comes back disabled, while its time of restoration lasts",
    _API + "RestoreCertificateAuthority.html",
)
PERMISSION = documented(
    "private-ca.permission", "a principal has one permission at a CA", _API + "CreatePermission.html"
)
AUDIT_FORMAT = documented(
    "private-ca.audit-format",
    "an audit report has one of the formats that are named; here CSV alone",
    _API + "CreateCertificateAuthorityAuditReport.html",
)
AUDIT_KNOWN = documented(
    "private-ca.audit-known",
    "an audit report that nobody asked for is not found",
    _API + "DescribeCertificateAuthorityAuditReport.html",
)
BLOB = documented("private-ca.blob", "binary data is base64 in the JSON protocol", _API + "IssueCertificate.html")
