"""The ledger of facts: ``ledger`` keeps it, one file for each service holds its rules."""

from __future__ import annotations

from pca_automator.rehearsal.local_aws.facts import account, private_ca, roles_anywhere, run_command, workflow
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER, Evidence, Fact, registered

__all__ = [
    "LEDGER",
    "Evidence",
    "Fact",
    "account",
    "private_ca",
    "registered",
    "roles_anywhere",
    "run_command",
    "workflow",
]
