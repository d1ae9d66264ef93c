"""What the looks of the health list share: a part with the look at it, and who mends what only a deployment mends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Part = tuple[str, Callable[[], Any]]
"""A part's name, and the look at it, which answers with a finding or raises."""

# Without this CloudFormation compares templates alone, and leaves what somebody deleted or changed as it is.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
WHO_DEPLOYS = "who deploys it: cdk deploy --revert-drift"
