"""The one place where errors of AWS become errors of this project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from pca_runtime.errors import kinds as errors

__all__ = ["error_code", "translated", "translation_of"]

# A key's troubles come under other names from each service that uses it: SNS drops "Exception", S3 puts "KMS." first.
_THROTTLING = {
    "BandwidthLimitExceeded", "EC2ThrottledException", "KMS.ThrottlingException", "KMSThrottling",
    "KMSThrottlingException", "KmsThrottlingException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
    "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling", "ThrottlingException",
    "TooManyRequestsException", "TransactionInProgressException",
}  # fmt: skip
_UNAVAILABLE = {
    "InternalError", "InternalFailure", "InternalServerError", "InternalServerException", "RequestTimeout",
    "RequestTimeoutException", "ServiceUnavailable", "ServiceUnavailableException",
}  # fmt: skip
_REFUSED = {
    "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
    "InvalidClientTokenId", "KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException",
    "KMSAccessDenied", "KMSAccessDeniedException", "KMSDisabled", "KMSDisabledException", "KMSInvalidState",
    "KMSInvalidStateException", "KMSNotFound", "KMSNotFoundException", "KMSOptInRequired", "KmsAccessDeniedException",
    "NotAuthorized", "UnauthorizedOperation", "UnrecognizedClientException",
}  # fmt: skip

# Codes that mean something of their own, whichever operation they come from.
_NAMED: Mapping[str, tuple[type[errors.PcaAutomatorError], str]] = {
    "RequestInProgressException": (errors.CertificateNotReady, "CERTIFICATE_IN_PROGRESS"),
    "RequestFailedException": (errors.IssuanceFailed, "ISSUANCE_REQUEST_FAILED"),
    "MalformedCSRException": (errors.CsrRejected, "CSR_MALFORMED"),
    "InvalidArgsException": (errors.IssuanceFailed, "ISSUANCE_ARGUMENTS"),
    "InvalidStateException": (errors.IssuanceFailed, "CA_NOT_ACTIVE"),
    "LimitExceededException": (errors.IssuanceFailed, "CA_LIMIT_EXCEEDED"),
    "InvalidInstanceId": (errors.HostUnreachable, "HOST_UNKNOWN_TO_SSM"),
    "UnsupportedPlatformType": (errors.HostUnreachable, "PLATFORM_UNSUPPORTED"),
    "InvalidParameters": (errors.InvalidInventoryItem, "DOCUMENT_PARAMETER_REFUSED"),
    "InvalidDocument": (errors.ServiceRefused, "DOCUMENT_NOT_FOUND"),
}


def error_code(error: ClientError) -> str:
    """The service's own code, such as ``ThrottlingException``."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def translation_of(error: ClientError | BotoCoreError, operation: str) -> errors.PcaAutomatorError:
    """What an error of botocore means here.

    Args:
        error: as raised by a client.
        operation: the API operation, for the message.

    Unknown codes are permanent (:class:`~pca_runtime.errors.kinds.ServiceRefused`) unless the HTTP status
    says that the service failed: retrying what is not understood only hides it.
    """
    if isinstance(error, ParamValidationError):  # the SDK itself refused it, and will again
        return errors.ServiceRefused(f"{operation}: {str(error)[:500]}", code="SERVICE_REFUSED")
    if not isinstance(error, ClientError):
        return errors.ServiceUnavailable(f"{operation}: {type(error).__name__}", code="SERVICE_UNREACHABLE")
    code = error_code(error)
    details = error.response.get("Error", {})
    sentence = f"{operation}: {code}: {str(details.get('Message', ''))[:500]}"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLING or status == 429:
        return errors.Throttled(sentence, code="SERVICE_THROTTLED")
    if code in _NAMED:
        error_class, own_code = _NAMED[code]
        return error_class(sentence, code=own_code)
    if code in _REFUSED or status in (401, 403):
        return errors.AccessRefused(sentence, code="ACCESS_REFUSED")
    if code in _UNAVAILABLE or status >= 500:
        return errors.ServiceUnavailable(sentence, code="SERVICE_FAILED")
    return errors.ServiceRefused(sentence, code="SERVICE_REFUSED")


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Run API calls of one operation; botocore's errors come out as this project's, with their cause."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise translation_of(error, operation) from error
