"""What goes wrong for an operator, as one line and an exit status."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer

from pca_automator.cli.output import printable

FAILED = 1
"""The answer is not good: a host failed, does not exist, or something needs a person."""
USAGE = 2
"""The command line, or a file that it names, is wrong; nothing was done."""
NO_DEPLOYMENT = 3
"""The stack, or the automation in it, was not found."""
REFUSED = 4
"""No credentials, or AWS denies access."""
UNAVAILABLE = 5
"""AWS throttles, fails, or cannot be reached."""
INTERRUPTED = 130
"""Ctrl-C."""

_NO_CREDENTIALS = {
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidSignatureException",
    "SignatureDoesNotMatch", "UnrecognizedClientException",
}  # fmt: skip


_FAULT = "a fault of the command itself, please report it"


class Trouble(Exception):  # noqa: N818 - it may be the operator's, the host's or AWS's
    """Something an operator is told in one line.

    Args:
        message: the line.
        status: the exit status.
    """

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def one_line() -> Iterator[None]:
    """Turn what can be expected to go wrong into one line on standard error and an exit status; no traceback."""
    try:
        yield
        # What cannot be written is to be told of, and at exit nobody would hear it.
        sys.stdout.flush()
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        trouble = trouble_of(error) or Trouble(f"{_FAULT}: {type(error).__name__}: {error}", FAILED)
        if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EIO):
            _leave_output()
        typer.echo(f"error: {printable(' '.join(str(trouble).split()))}", err=True)
        raise typer.Exit(trouble.status) from error


def _leave_output() -> None:
    """Nothing is written any more, also not what is buffered: Python would complain about it at exit."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def trouble_of(error: Exception) -> Trouble | None:
    """What an error means for an operator; ``None``: it is a fault of this program."""
    if isinstance(error, Trouble):
        return error
    # Only now: importing botocore takes longer than everything else that --help needs.
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return of_client_error(error)
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return Trouble(f"no AWS credentials: {error}; set AWS_PROFILE, or give --profile", REFUSED)
    if isinstance(error, exceptions.ProfileNotFound):
        return Trouble(f"{error}; see ~/.aws/config", REFUSED)
    if isinstance(error, exceptions.NoRegionError):
        return Trouble("no AWS Region: set AWS_REGION, or give --region", USAGE)
    if isinstance(error, (exceptions.TokenRetrievalError, exceptions.SSOError, exceptions.CredentialRetrievalError)):
        return Trouble(f"the AWS credentials could not be read: {error}; sign in again", REFUSED)
    if isinstance(error, exceptions.BotoCoreError):
        return Trouble(f"AWS cannot be reached: {error}", UNAVAILABLE)
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, ValueError) and "endpoint" in str(error).lower():
        return Trouble(f"{error}: is the Region, or AWS_ENDPOINT_URL, mistyped?", USAGE)
    return _of_runtime(error)


def code_of(error: Exception) -> str:
    """What AWS answered, also where the runtime has put a name of its own on it; "": it was no answer of AWS."""
    from botocore.exceptions import ClientError

    for each in (error, error.__cause__):
        if isinstance(each, ClientError):
            return str(each.response.get("Error", {}).get("Code", ""))
    return ""


def _of_system(error: OSError) -> Trouble:
    """What the machine refuses."""
    if error.errno == errno.ENOSPC:
        where = f" ({error.filename})" if error.filename else ""
        return Trouble(f"the disk, or the file that the output goes to, is full{where}: make room, and repeat")
    if error.errno == errno.EPIPE:
        return Trouble("the output was closed before all of it was written")
    if isinstance(error, FileNotFoundError) and error.filename and os.sep not in str(error.filename):
        return Trouble(f"{error.filename} is missing on this machine: install it, or put it on the PATH")
    return Trouble(f"this machine refuses: {error}")


def of_client_error(error: Any) -> Trouble:
    """What an answer of AWS means for an operator."""
    from pca_automator.cli.runtime import runtime

    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    operation = str(error.operation_name)
    if code in _NO_CREDENTIALS:
        return Trouble(f"AWS does not accept the credentials: {operation}: {code}: {message}", REFUSED)
    meaning = runtime("errors.of_aws").translation_of(error, operation)
    if meaning.code == "SERVICE_THROTTLED":
        return Trouble(f"AWS throttles {operation} ({code}): try again in a minute", UNAVAILABLE)
    if meaning.code == "ACCESS_REFUSED":
        return Trouble(f"AWS denies {operation}: {message or code}", REFUSED)
    if meaning.code in ("SERVICE_FAILED", "SERVICE_UNREACHABLE"):
        return Trouble(f"AWS failed: {meaning.message}", UNAVAILABLE)
    if meaning.code == "SERVICE_REFUSED":
        return Trouble(meaning.message)
    return Trouble(f"{runtime('errors.catalogue').lookup(meaning.code).meaning} ({meaning.message})")


def _of_runtime(error: Exception) -> Trouble | None:
    """The runtime's errors keep what AWS answered as their cause; that says more to an operator."""
    from botocore.exceptions import ClientError

    if isinstance(error.__cause__, ClientError):
        return of_client_error(error.__cause__)
    from pca_automator.cli.runtime import runtime

    if not isinstance(error, runtime("errors.kinds").PcaAutomatorError):
        return None
    unavailable = isinstance(error, runtime("errors.kinds").RetryableError)
    return Trouble(str(error), UNAVAILABLE if unavailable else FAILED)
