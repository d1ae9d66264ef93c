"""A CA and a trust anchor that are handed in: can the one issue here, and the other trust it?"""

from __future__ import annotations

import json
import re

from aws_cdk import Annotations, Stack, Token
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_rolesanywhere as rolesanywhere
from aws_cdk import aws_s3 as s3
from aws_cdk.interfaces.aws_rolesanywhere import ITrustAnchorRef
from constructs import IConstruct

from pca_automator._internal.handed_in import arn_part, properties_of, same_account, same_region
from pca_automator.authority.algorithms import SigningAlgorithm, UsageMode

_ARN = re.compile(r"arn:[a-z-]+:acm-pca:[a-z0-9-]+:\d{12}:certificate-authority/[0-9a-f-]{36}")


def check_ca(
    scope: IConstruct,
    authority: acmpca.ICertificateAuthority,
    *,
    usage_mode: UsageMode,
    signing_algorithm: SigningAlgorithm,
    crl_bucket: s3.IBucket | None,
    has_anchor: bool,
) -> None:
    """Refuse a CA that could not work here, as far as its ARN and this app tell.

    https://docs.aws.amazon.com/rolesanywhere/latest/userguide/getting-started.html

    Args:
        scope: whose stack it serves; gets the warning.
        authority: the CA.
        usage_mode: what is said of it.
        signing_algorithm: how it is to sign.
        crl_bucket: where its CRL is looked for.
        has_anchor: whether a trust anchor is given, too.

    Raises:
        ValueError: its ARN is none, of another Region, of another account without a trust anchor; or this app makes
            it, with another mode, key or CRL.
    """
    arn = authority.certificate_authority_arn
    if not Token.is_unresolved(arn) and not _ARN.fullmatch(arn):
        raise ValueError(
            f"certificate_authority is {arn!r}: it must be the ARN of a CA, such as "
            "arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/12345678-1234-1234-1234-123456789012"
        )
    same_region(scope, "certificate_authority", arn, "a trust anchor trusts a CA of its own Region")
    _check_account(scope, arn, has_anchor=has_anchor)
    for each in _described(scope, arn):
        _check_description(each, usage_mode, signing_algorithm)
        if crl_bucket is not None:
            _check_crl(each, crl_bucket)


def check_anchor(scope: IConstruct, anchor: ITrustAnchorRef, authority: acmpca.ICertificateAuthority) -> None:
    """Refuse a trust anchor by which no host could get a session, as far as its ARN and this app tell.

    https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html

    Args:
        scope: whose stack it serves; gets the warning.
        anchor: the trust anchor.
        authority: the CA that issues.

    Raises:
        ValueError: it is of another Region or account, or this app makes it disabled.
    """
    arn, why = anchor.trust_anchor_ref.trust_anchor_arn, "certificates prove themselves in their own; give one of these"
    same_region(scope, "trust_anchor", arn, why)
    same_account(scope, "trust_anchor", arn, why)
    if not isinstance(anchor, rolesanywhere.CfnTrustAnchor):
        return
    described = properties_of(anchor)
    if described.get("enabled") is False:
        raise ValueError(
            f"trust_anchor is {anchor.node.path}, which is disabled: no host would get a session; enable it"
        )
    of = described.get("source", {}).get("sourceData", {}).get("acmPcaArn")
    issuing = Stack.of(anchor).resolve(authority.certificate_authority_arn)
    if of is not None and of != issuing:
        Annotations.of(scope).add_warning_v2(
            "pca-automator:anchor-ca",
            f"trust_anchor is {anchor.node.path}, which trusts another CA than certificate_authority: hosts get "
            "sessions only if that CA is above this one",
        )


def _check_account(scope: IConstruct, arn: str, *, has_anchor: bool) -> None:
    account, own = arn_part(arn, "account"), Stack.of(scope).account
    if account is None or Token.is_unresolved(own) or account == own:
        return
    if not has_anchor:
        raise ValueError(
            f"certificate_authority is {arn}, of account {account}, but the stack is in {own}: a trust anchor of "
            "source AWS_ACM_PCA takes a CA of its own account alone; make one of source CERTIFICATE_BUNDLE with "
            "the CA's certificate and give it as trust_anchor"
        )
    Annotations.of(scope).add_warning_v2(
        "pca-automator:shared-ca",
        f"certificate_authority is of account {account}: AWS's managed permissions for shared CAs allow other "
        "templates than this automation's, its events stay in that account, and whoever may issue from it is every "
        "host here; what a shared CA needs: pca-automator docs authority",
    )


def _described(scope: IConstruct, arn: str) -> list[acmpca.CfnCertificateAuthority]:
    """The CA's resource, where this stack makes it."""
    stack = Stack.of(scope)
    written = stack.resolve(arn)
    made = [each for each in stack.node.find_all() if isinstance(each, acmpca.CfnCertificateAuthority)]
    return [each for each in made if stack.resolve(each.attr_arn) == written]


def _check_description(
    ca: acmpca.CfnCertificateAuthority, usage_mode: UsageMode, signing_algorithm: SigningAlgorithm
) -> None:
    """What this app itself says of a CA that it makes."""
    mode = ca.usage_mode or UsageMode.GENERAL_PURPOSE.value
    if not Token.is_unresolved(mode) and mode != usage_mode.value:
        raise ValueError(
            f"usage_mode is UsageMode.{usage_mode.name}, but {ca.node.path} has {mode}: say the same of it"
        )
    family = "EC" if "ECDSA" in signing_algorithm.value else "RSA"
    if not Token.is_unresolved(ca.key_algorithm) and not ca.key_algorithm.startswith(family):
        raise ValueError(
            f"signing_algorithm is SigningAlgorithm.{signing_algorithm.name}, but {ca.node.path} has a key of "
            f"{ca.key_algorithm}: it must be of the key's family"
        )


def _check_crl(ca: acmpca.CfnCertificateAuthority, crl_bucket: s3.IBucket) -> None:
    """What it writes; what it will be changed to later, the functions look at in each of their runs."""
    crl = properties_of(ca).get("revocationConfiguration", {}).get("crlConfiguration", {})
    bucket = Stack.of(ca).resolve(crl_bucket.bucket_name)
    wrong = None
    if crl.get("enabled") is not True:
        wrong = "which writes no CRL: enable one"
    elif crl.get("crlType") == "PARTITIONED":
        wrong = (
            "which writes partitioned CRLs, and IAM Roles Anywhere takes two for a trust anchor: have it write COMPLETE"
        )
    elif crl.get("s3BucketName") != bucket:
        wrong = f"which writes to {json.dumps(crl.get('s3BucketName'))}, not to {json.dumps(bucket)}: give that bucket"
    if wrong:
        raise ValueError(f"crl_bucket is {crl_bucket.node.path}, but the CA is {ca.node.path}, {wrong}")
