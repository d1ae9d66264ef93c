"""What each code of AWS means here, whatever the status of the answer: by it the workflow tries again or gives up."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError
from pca_runtime.errors.of_aws import error_code, translation_of

from tests.runtime.fakes import client_error

# By hand, from the references of the services: https://docs.aws.amazon.com/general/latest/gr/api-retries.html
MEANINGS = {
    ("Throttled", "SERVICE_THROTTLED"): """
        BandwidthLimitExceeded EC2ThrottledException KMS.ThrottlingException KMSThrottling KMSThrottlingException
        KmsThrottlingException PriorRequestNotComplete ProvisionedThroughputExceededException RequestLimitExceeded
        RequestThrottled RequestThrottledException SlowDown ThrottledException Throttling ThrottlingException
        TooManyRequestsException TransactionInProgressException""",
    ("ServiceUnavailable", "SERVICE_FAILED"): """
        InternalError InternalFailure InternalServerError InternalServerException RequestTimeout
        RequestTimeoutException ServiceUnavailable ServiceUnavailableException""",
    ("AccessRefused", "ACCESS_REFUSED"): """
        AccessDenied AccessDeniedException ExpiredToken ExpiredTokenException IncompleteSignature InvalidClientTokenId
        KMS.DisabledException KMS.KMSInvalidStateException KMS.NotFoundException KMSAccessDenied
        KMSAccessDeniedException KMSDisabled KMSDisabledException KMSInvalidState KMSInvalidStateException KMSNotFound
        KMSNotFoundException KMSOptInRequired KmsAccessDeniedException NotAuthorized UnauthorizedOperation
        UnrecognizedClientException""",
    ("CertificateNotReady", "CERTIFICATE_IN_PROGRESS"): "RequestInProgressException",
    ("IssuanceFailed", "ISSUANCE_REQUEST_FAILED"): "RequestFailedException",
    ("IssuanceFailed", "ISSUANCE_ARGUMENTS"): "InvalidArgsException",
    ("IssuanceFailed", "CA_NOT_ACTIVE"): "InvalidStateException",
    ("IssuanceFailed", "CA_LIMIT_EXCEEDED"): "LimitExceededException",
    ("CsrRejected", "CSR_MALFORMED"): "MalformedCSRException",
    ("HostUnreachable", "HOST_UNKNOWN_TO_SSM"): "InvalidInstanceId",
    ("HostUnreachable", "PLATFORM_UNSUPPORTED"): "UnsupportedPlatformType",
    ("InvalidInventoryItem", "DOCUMENT_PARAMETER_REFUSED"): "InvalidParameters",
    ("ServiceRefused", "DOCUMENT_NOT_FOUND"): "InvalidDocument",
    ("ServiceRefused", "SERVICE_REFUSED"): "ValidationException",
}
CODES = [(code, *meaning) for meaning, codes in MEANINGS.items() for code in codes.split()]


def meaning(code: str, status: int) -> tuple[str, str]:
    error = translation_of(client_error(code, status=status), "Operation")
    return type(error).__name__, error.code


@pytest.mark.parametrize(("code", "name", "own"), CODES)
def test_a_code_means_the_same_where_the_status_says_nothing(code: str, name: str, own: str) -> None:
    assert meaning(code, 400) == (name, own)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, ("Throttled", "SERVICE_THROTTLED")), (428, ("ServiceRefused", "SERVICE_REFUSED")),
        (430, ("ServiceRefused", "SERVICE_REFUSED")), (401, ("AccessRefused", "ACCESS_REFUSED")),
        (402, ("ServiceRefused", "SERVICE_REFUSED")), (403, ("AccessRefused", "ACCESS_REFUSED")),
        (404, ("ServiceRefused", "SERVICE_REFUSED")), (499, ("ServiceRefused", "SERVICE_REFUSED")),
        (500, ("ServiceUnavailable", "SERVICE_FAILED")), (501, ("ServiceUnavailable", "SERVICE_FAILED")),
    ],
)  # fmt: skip
def test_the_status_decides_over_what_nobody_knows(status: int, expected: tuple[str, str]) -> None:
    assert meaning("SomethingOfTomorrow", status) == expected


def test_an_answer_that_says_little_is_refused_and_quoted_as_far_as_it_goes() -> None:
    bare: Any = ClientError({}, "Operation")
    assert error_code(bare) == "Unknown"
    error = translation_of(bare, "Operation")
    assert (type(error).__name__, error.code, error.message) == (
        "ServiceRefused", "SERVICE_REFUSED", "Operation: Unknown: "
    )  # fmt: skip
    response: Any = {"Error": {"Code": "X", "Message": "m" * 501}}
    assert translation_of(ClientError(response, "Operation"), "Put").message == f"Put: X: {'m' * 500}"


def test_what_the_sdk_itself_refuses_is_not_tried_again() -> None:
    error = translation_of(ParamValidationError(report="r" * 600), "Put")
    assert (type(error).__name__, error.code) == ("ServiceRefused", "SERVICE_REFUSED")
    assert error.message.startswith("Put: Parameter validation failed:\nrrr")
    assert len(error.message) == len("Put: ") + 500
    error = translation_of(ReadTimeoutError(endpoint_url="x"), "Put")
    assert (type(error).__name__, error.code, error.message) == (
        "ServiceUnavailable", "SERVICE_UNREACHABLE", "Put: ReadTimeoutError"
    )  # fmt: skip
