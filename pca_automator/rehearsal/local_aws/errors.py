"""The one error of the local services: an AWS error code, its message, its HTTP status, and the rule behind it."""

from __future__ import annotations

from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER, Fact


class ServiceError(Exception):
    """What a local service answers instead of a result; ``code`` is the name botocore's model knows.

    ``fact`` is the rule of the ledger that it refuses by.
    """

    def __init__(self, code: str, message: str, status: int = 400, *, fact: Fact) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fact = LEDGER.lean(fact)
