"""Runs an app with cdk-nag 2's packs, added as a consumer would, as aspects; prints each finding.

Usage: with_packs_2.py APP, with an interpreter that has cdk-nag 2, which does not fit beside cdk-nag 3.
"""

import runpy
import sys
from typing import Any

import aws_cdk
import cdk_nag
from aws_cdk.assertions import Annotations, Match

PACKS = (
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.ServerlessChecks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.HIPAASecurityChecks,
    cdk_nag.PCIDSS321Checks,
)


def report(app: aws_cdk.App, **_: Any) -> None:
    """In the place of ``app.synth()``: the assertions synthesize, and see what the aspects say."""
    for pack in PACKS:
        aws_cdk.Aspects.of(app).add(pack())
    for child in app.node.children:
        assert isinstance(child, aws_cdk.Stack)
        annotations = Annotations.from_stack(child)
        for found in (annotations.find_error, annotations.find_warning):
            for finding in found("*", Match.any_value()):
                if "pca-automator:" not in str(finding.entry.data):
                    print(f"{finding.id}: {finding.entry.data}")


if __name__ == "__main__":
    aws_cdk.App.synth = report  # type: ignore[assignment, method-assign]
    runpy.run_path(sys.argv[1], run_name="__main__")
