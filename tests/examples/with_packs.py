"""Runs an app with cdk-nag's packs, added as a consumer would; a finding makes the synthesis fail.

Usage: with_packs.py APP
"""

import runpy
import sys
from typing import Any

import aws_cdk
import cdk_nag

PACKS = (
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.ServerlessChecks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.HIPAASecurityChecks,
    cdk_nag.PCIDSS321Checks,
)
_synthesize = aws_cdk.App.synth


def synthesize_with_packs(app: aws_cdk.App, **options: Any) -> Any:
    aws_cdk.Validations.of(app).add_plugins(*(pack(app) for pack in PACKS))
    return _synthesize(app, **options)


if __name__ == "__main__":
    aws_cdk.App.synth = synthesize_with_packs  # type: ignore[method-assign]
    runpy.run_path(sys.argv[1], run_name="__main__")
