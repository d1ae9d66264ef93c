"""One place turns errors of AWS into the names that the workflow matches."""

from __future__ import annotations

import ast
from pathlib import Path

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.retries.standard import ThrottledRetryableChecker
from pca_runtime.errors import kinds as errors
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.errors.of_aws import translated, translation_of

from tests.runtime.fakes import client_error


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [
        ("ThrottlingException", 400, "Throttled"),
        ("Throttling", 400, "Throttled"),
        ("TooManyRequestsException", 429, "Throttled"),
        ("ProvisionedThroughputExceededException", 400, "Throttled"),
        ("RequestLimitExceeded", 503, "Throttled"),
        ("SlowDown", 503, "Throttled"),
        ("KmsThrottlingException", 400, "Throttled"),
        ("KMSThrottling", 400, "Throttled"),
        ("SomethingOfTomorrow", 429, "Throttled"),
        ("InternalServerError", 500, "ServiceUnavailable"),
        ("InternalFailure", 500, "ServiceUnavailable"),
        ("ServiceUnavailable", 503, "ServiceUnavailable"),
        ("SomethingOfTomorrow", 502, "ServiceUnavailable"),
        ("AccessDeniedException", 400, "AccessRefused"),
        ("AccessDenied", 403, "AccessRefused"),
        ("ExpiredTokenException", 400, "AccessRefused"),
        ("KMSAccessDenied", 400, "AccessRefused"),
        ("KMSDisabled", 400, "AccessRefused"),
        ("KMS.DisabledException", 400, "AccessRefused"),
        ("SomethingOfTomorrow", 403, "AccessRefused"),
        ("RequestInProgressException", 400, "CertificateNotReady"),
        ("RequestFailedException", 400, "IssuanceFailed"),
        ("InvalidStateException", 400, "IssuanceFailed"),
        ("LimitExceededException", 400, "IssuanceFailed"),
        ("InvalidArgsException", 400, "IssuanceFailed"),
        ("MalformedCSRException", 400, "CsrRejected"),
        ("InvalidInstanceId", 400, "HostUnreachable"),
        ("UnsupportedPlatformType", 400, "HostUnreachable"),
        ("InvalidParameters", 400, "InvalidInventoryItem"),
        ("InvalidDocument", 400, "ServiceRefused"),
        ("ValidationException", 400, "ServiceRefused"),
        ("SomethingOfTomorrow", 400, "ServiceRefused"),
    ],
)
def test_each_code_has_one_name_and_a_catalogue_entry(code: str, status: int, name: str) -> None:
    error = translation_of(client_error(code, status=status), "Operation")
    assert type(error).__name__ == name
    assert error.code in CATALOGUE
    assert error.message.startswith(f"Operation: {code}")


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://x"),
        ReadTimeoutError(endpoint_url="https://x"),
        ConnectTimeoutError(endpoint_url="https://x"),
    ],
)
def test_a_service_that_cannot_be_reached_is_worth_a_retry(error: Exception) -> None:
    with pytest.raises(errors.ServiceUnavailable) as unavailable, translated("Operation"):
        raise error
    assert unavailable.value.__cause__ is error


def test_errors_that_are_not_of_aws_pass_through() -> None:
    with pytest.raises(KeyError), translated("Operation"):
        raise KeyError("x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NO_SPACE: no space is left", ("NO_SPACE", "no space is left")),
        ("LOCKED: busy: very", ("LOCKED", "busy: very")),
        ("INTERNAL: x", ("INTERNAL", "x")),
        ("CsrFailed: x", (None, "CsrFailed: x")),
        ("2026 abc Task timed out after 60 seconds", (None, "2026 abc Task timed out after 60 seconds")),
        ("HTTP: x", (None, "HTTP: x")),
        ("", (None, "")),
    ],
)
def test_a_code_is_found_again_in_the_text_of_an_error(text: str, expected: tuple[str | None, str]) -> None:
    assert errors.split_code(text) == expected


def test_every_error_is_either_retryable_or_permanent_and_named_after_its_class() -> None:
    for name in errors.__all__:
        thing = getattr(errors, name)
        if isinstance(thing, type) and thing not in (errors.PcaAutomatorError,):
            assert issubclass(thing, errors.RetryableError) != issubclass(thing, errors.PermanentError)
            assert thing("x").code == name


def test_no_module_but_this_one_names_throttling_or_access_codes() -> None:
    """Translating in two places is how two places disagree."""
    source = Path(errors.__file__).parents[1]
    for module in source.rglob("*.py"):
        if module.name == "of_aws.py":
            continue
        words = {node.value for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Constant)}
        assert not words & {"ThrottlingException", "AccessDeniedException", "TooManyRequestsException"}, module.name


def test_a_message_names_the_operation_that_was_called() -> None:
    """What an operator looks up in the service's documentation and in CloudTrail, and allows in a policy."""
    source, asked = Path(errors.__file__).parents[1], 0
    for module in source.rglob("*.py"):
        for block in (node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.With)):
            inside = [node for each in block.body for node in ast.walk(each)]
            called = {node.attr for node in inside if isinstance(node, ast.Attribute)}
            called |= {node.value for node in inside if isinstance(node, ast.Constant)}  # of a paginator
            # A body that was answered is read line by line.
            called |= {"get_object"} if "iter_lines" in called else set()
            for call in (item.context_expr for item in block.items if isinstance(item.context_expr, ast.Call)):
                if getattr(call.func, "id", "") == "translated" and isinstance(call.args[0], ast.Constant):
                    asked += 1
                    assert xform_name(str(call.args[0].value)) in called, (module.name, block.lineno)
    assert asked > 40


def test_every_way_in_which_sns_speaks_of_its_key_has_a_name() -> None:
    """By its own API model; the codes on the wire are not the names of the exceptions."""
    model = boto3.client("sns", region_name="eu-central-1").meta.service_model
    codes = {shape.error_code for shape in model.operation_model("Publish").error_shapes if "KMS" in shape.name}
    assert len(codes) > 4
    for code in codes:
        error = translation_of(client_error(code), "Publish")
        assert type(error).__name__ == ("Throttled" if code == "KMSThrottling" else "AccessRefused"), code


# What a service says by itself where the status of the answer does not: 400, as of what the caller did wrong.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html and its like of S3, EC2 and KMS.
OF_THE_SERVICE = (
    "InternalError", "InternalFailure", "InternalServerError", "InternalServerException", "RequestTimeout",
    "RequestTimeoutException", "ServiceUnavailable", "ServiceUnavailableException",
)  # fmt: skip
OF_THE_CALLER = (
    "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
    "InvalidClientTokenId", "NotAuthorized", "UnauthorizedOperation", "UnrecognizedClientException",
    "KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException", "KMSDisabledException",
    "KMSInvalidStateException", "KMSNotFoundException", "KMSAccessDeniedException", "KmsAccessDeniedException",
)  # fmt: skip
OF_A_BUSY_KEY = ("KMS.ThrottlingException", "KMSThrottling", "KMSThrottlingException", "KmsThrottlingException")


@pytest.mark.parametrize("code", [*ThrottledRetryableChecker._THROTTLED_ERROR_CODES, *OF_A_BUSY_KEY])
def test_whatever_the_sdk_takes_for_throttling_is_throttling(code: str) -> None:
    """But for what the CA says, of whose certificates there are not more in a little while."""
    expected = "IssuanceFailed" if code == "LimitExceededException" else "Throttled"
    assert type(translation_of(client_error(code), "Operation")).__name__ == expected


@pytest.mark.parametrize("code", OF_THE_SERVICE)
def test_a_service_that_failed_is_worth_a_retry_whatever_its_status(code: str) -> None:
    error = translation_of(client_error(code), "Operation")
    assert (type(error), error.code) == (errors.ServiceUnavailable, "SERVICE_FAILED")


@pytest.mark.parametrize("code", OF_THE_CALLER)
def test_who_may_not_is_told_so_whatever_the_status(code: str) -> None:
    error = translation_of(client_error(code), "Operation")
    assert (type(error), error.code) == (errors.AccessRefused, "ACCESS_REFUSED")


def test_an_answer_without_a_code_is_still_an_error_of_ours() -> None:
    error = translation_of(ClientError({"ResponseMetadata": {}}, "GetItem"), "GetItem")  # type: ignore[typeddict-item]
    assert (type(error), error.code) == (errors.ServiceRefused, "SERVICE_REFUSED")
    assert "Unknown" in error.message


def test_what_the_sdk_refuses_is_not_tried_again() -> None:
    translation = translation_of(ParamValidationError(report="Invalid length for parameter Value"), "GetItem")
    assert (type(translation), translation.code) == (errors.ServiceRefused, "SERVICE_REFUSED")
    assert "Invalid length for parameter Value" in translation.message
