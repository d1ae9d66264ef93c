"""How long a run has a host: reckoned by the constructs for the documents, and by the functions for the table."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from pca_runtime.renewal.settings import CertCsrSettings

from pca_automator.renewal.polling import Polling


@pytest.mark.parametrize(("interval", "attempts", "issuance"), [(15, 12, 120), (1, 1, 30), (600, 100, 3_600)])
def test_a_request_is_left_alone_on_the_host_for_as_long_as_its_run_has_the_host(
    interval: int, attempts: int, issuance: int
) -> None:
    polling = Polling(
        interval=Duration.seconds(interval), attempts=attempts, issuance_timeout=Duration.seconds(issuance)
    )
    functions = CertCsrSettings.load(
        {
            "AUTOMATION_NAME": "fleet", "TABLE_NAME": "t", "CERT_PATH": "/c", "KEY_PATH": "/k", "CACERT_PATH": "/a",
            "GENERATE_CSR_DOCUMENT": "d", "KEY_ALGORITHM": "RSA_2048",
            "STARTS_TABLE_NAME": "s", "VALIDITY_DAYS": "7", "CA_ARN": "arn:aws:acm-pca:c", "LEDGER_TABLE": "l",
            "CERTIFICATE_PROFILES": '{"default": {"usages": ["CLIENT_AUTH"]}}',
            "ISSUANCE_TIMEOUT_SECONDS": str(issuance), **polling.environment,
        }
    )  # fmt: skip
    assert polling.lease.to_seconds() == functions.lease_seconds
