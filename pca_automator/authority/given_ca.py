"""A CA that is handed in: can it issue here, and be trusted?"""

from __future__ import annotations

import re

from aws_cdk import Annotations, Stack, Token
from aws_cdk import aws_acmpca as acmpca
from constructs import IConstruct

from pca_automator._internal.handed_in import arn_part, same_region
from pca_automator.authority.algorithms import SigningAlgorithm, UsageMode

_ARN = re.compile(r"arn:[a-z-]+:acm-pca:[a-z0-9-]+:\d{12}:certificate-authority/[0-9a-f-]{36}")


def check_ca(
    scope: IConstruct,
    authority: acmpca.ICertificateAuthority,
    *,
    usage_mode: UsageMode,
    signing_algorithm: SigningAlgorithm,
    has_anchor: bool,
) -> None:
    """Refuse a CA that could not work here, as far as its ARN and this app tell.

    https://docs.aws.amazon.com/rolesanywhere/latest/userguide/getting-started.html

    Args:
        scope: whose stack it serves; gets the warning.
        authority: the CA.
        usage_mode: what is said of it.
        signing_algorithm: how it is to sign.
        has_anchor: whether a trust anchor is given, too.

    Raises:
        ValueError: its ARN is none, of another Region, of another account without a trust anchor; or this app makes
            it, with another mode or key.
    """
    arn = authority.certificate_authority_arn
    if not Token.is_unresolved(arn) and not _ARN.fullmatch(arn):
        raise ValueError(
            f"certificate_authority is {arn!r}: it must be the ARN of a CA, such as "
            "arn:aws:acm-pca:eu-central-1:111122223333:certificate-authority/12345678-1234-1234-1234-123456789012"
        )
    same_region(scope, "certificate_authority", arn, "a trust anchor trusts a CA of its own Region")
    _check_account(scope, arn, has_anchor=has_anchor)
    _check_description(scope, arn, usage_mode, signing_algorithm)


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


def _check_description(scope: IConstruct, arn: str, usage_mode: UsageMode, signing_algorithm: SigningAlgorithm) -> None:
    """What this app itself says of a CA that it makes."""
    stack = Stack.of(scope)
    written = stack.resolve(arn)
    for each in stack.node.find_all():
        if not isinstance(each, acmpca.CfnCertificateAuthority) or stack.resolve(each.attr_arn) != written:
            continue
        mode = each.usage_mode or UsageMode.GENERAL_PURPOSE.value
        if not Token.is_unresolved(mode) and mode != usage_mode.value:
            raise ValueError(
                f"usage_mode is UsageMode.{usage_mode.name}, but {each.node.path} has {mode}: say the same of it"
            )
        family = "EC" if "ECDSA" in signing_algorithm.value else "RSA"
        if not Token.is_unresolved(each.key_algorithm) and not each.key_algorithm.startswith(family):
            raise ValueError(
                f"signing_algorithm is SigningAlgorithm.{signing_algorithm.name}, but {each.node.path} has a key of "
                f"{each.key_algorithm}: it must be of the key's family"
            )
