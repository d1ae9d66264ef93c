"""IAM Roles Anywhere."""

from __future__ import annotations

import datetime as dt

from pca_automator.rehearsal.local_aws.facts.ledger import assumed, documented

_GUIDE = "https://docs.aws.amazon.com/rolesanywhere/latest/userguide/"
_API = "https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_"

PATH = documented(
    "roles-anywhere.path", "CreateSession is POST /sessions", _GUIDE + "authentication-create-session.html"
)
BODY = documented(
    "roles-anywhere.body", "its parameters are a JSON body or a query", _GUIDE + "authentication-create-session.html"
)
SIGNATURE = documented(
    "roles-anywhere.signature",
    "a request is signed by SigV4-X509 with the certificate's key, the certificate's header among what is signed",
    _GUIDE + "authentication-sign-process.html",
)
CLOCK = assumed(
    "roles-anywhere.clock",
    "a signature is five minutes off at most",
    "SigV4's own window; the page names none",
    value=dt.timedelta(minutes=5),
    otherwise="the window is a minute",
    safe_by="a host whose clock is off is told so with its remedy, and keeps its old pair",
)
CHAIN_DEPTH = documented(
    "roles-anywhere.chain-depth",
    "at most five intermediates are sent along",
    _GUIDE + "authentication-sign-process.html",
    value=5,
)
END_ENTITY = documented(
    "roles-anywhere.end-entity",
    "X.509 v3, no CA, digitalSignature, SHA-256 or stronger, a subject",
    _GUIDE + "trust-model.html",
)
EXTENDED_KEY_USAGE = assumed(
    "roles-anywhere.extended-key-usage",
    "no extended key usage is demanded",
    "the trust model lists none",
    otherwise="clientAuth is demanded",
    safe_by="every certificate profile that hosts prove with has clientAuth",
)
VALIDITY = documented(
    "roles-anywhere.validity", "now lies within every certificate's validity", _GUIDE + "trust-model.html"
)
CHAIN = documented(
    "roles-anywhere.chain", "the chain ends at a CA certificate of the trust anchor", _GUIDE + "trust-model.html"
)
REVOKED = documented(
    "roles-anywhere.revoked", "a serial number in an enabled CRL of the anchor is denied", _GUIDE + "trust-model.html"
)
STALE_CRL = assumed(
    "roles-anywhere.stale-crl",
    "a CRL is enforced after its nextUpdate, too",
    "no page speaks of it",
    otherwise="after its nextUpdate every session under the anchor is denied",
    safe_by="a CRL is replaced long before its nextUpdate, and one that is not is an alarm a day ahead",
)
ENABLED = documented(
    "roles-anywhere.enabled", "a disabled anchor or profile lets nobody in", _API + "DisableProfile.html"
)
PROFILE_ROLES = documented(
    "roles-anywhere.profile-roles", "a session is for a role of the profile", _API + "CreateProfile.html"
)
TRUST_POLICY = documented(
    "roles-anywhere.trust-policy",
    "the role trusts the service with AssumeRole, TagSession and SetSourceIdentity; the anchor is aws:SourceArn",
    _GUIDE + "trust-model.html",
)
SOURCE_ACCOUNT = assumed(
    "roles-anywhere.source-account",
    "aws:SourceAccount is in the context of the trust policy, too",
    "AWS's examples use aws:SourceArn alone",
    otherwise="aws:SourceAccount is absent, and a policy that demands it trusts nobody",
    safe_by="the product's trust policies demand the anchor's ARN, which holds the account, and no aws:SourceAccount",
)
DURATION = documented(
    "roles-anywhere.duration",
    "a session lasts 900 to 43,200 s, the profile's and the role's maximum permitting",
    _GUIDE + "authentication-create-session.html",
    value=(900, 43_200, 3_600),
)
SESSION_NAME = documented(
    "roles-anywhere.session-name", "a name of one's own needs the profile's consent", _API + "CreateProfile.html"
)
KNOWN = documented(
    "roles-anywhere.known", "an anchor, profile or CRL that does not exist is not found", _API + "GetTrustAnchor.html"
)
ANCHOR_SOURCE = documented(
    "roles-anywhere.anchor-source", "an anchor's source is a CA certificate that can be read", _API + "Source.html"
)
ANCHOR_FOLLOWS = assumed(
    "roles-anywhere.anchor-follows",
    "an anchor of source AWS_ACM_PCA follows a renewed certificate of its CA at once",
    "nothing; the user guide asks for UpdateTrustAnchor when the validity changes",
    otherwise="it keeps the certificate that the CA had until UpdateTrustAnchor is called",
    safe_by="the runbook for a renewed CA calls UpdateTrustAnchor in any case; an anchor unlike its CA is told",
)
CRLS_PER_ANCHOR = documented(
    "roles-anywhere.crls-per-anchor",
    "two CRLs for each trust anchor, not to be raised",
    "https://docs.aws.amazon.com/general/latest/gr/rolesanywhere.html",
    value=2,
)
CRL_ANCHOR = documented("roles-anywhere.crl-anchor", "a CRL belongs to an anchor that exists", _API + "ImportCrl.html")
CRL_BYTES = documented(
    "roles-anywhere.crl-bytes", "a CRL has 1 to 300,000 bytes", _API + "ImportCrl.html", value=300_000
)
CRL_PEM = documented("roles-anywhere.crl-pem", "a CRL is PEM", _API + "ImportCrl.html")
CRL_SIGNED = assumed(
    "roles-anywhere.crl-signed",
    "a CRL that no CA of the anchor has signed is refused when it is imported",
    "'must be signed by the trust anchor's CA' is not on the page of ImportCrl",
    otherwise="any CRL is taken in",
    safe_by="the product itself checks issuer, key and signature before it imports",
)
