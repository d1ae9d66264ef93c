"""Starting and stopping the local AWS: one process group, which leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pca_automator
from pca_automator.rehearsal.local_aws.settings import Settings

REGION = "us-east-1"
ACCOUNT = "000000000000"
# One fixed dummy key: the CDK CLI caches which account a key belongs to, and MiniStack takes "test" as its root.
ACCESS_KEY = "test"
SECRET_KEY = "test"  # noqa: S105 - not a secret; MiniStack's documented default

# The package's place is an argument and not PYTHONPATH, which Lambda workers would inherit: deployed code must not
# find this package.
_LAUNCH = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]); "
    "runpy.run_module('pca_automator.rehearsal.local_aws', run_name='__main__')"
)
_STARTUP_SECONDS = 180.0
_STOP_SECONDS = 5.0


class LocalAwsError(RuntimeError):
    """The local AWS did not start; its log says why."""


class LocalAws:
    """A running local AWS, as a context manager that stops every process of it."""

    def __init__(
        self, directory: Path, settings: Settings, *, wait_scale: float = 0.05, keep: bool = False, auth: bool = False
    ) -> None:
        self.directory = directory
        self.log_path = directory / "local-aws.log"
        self._settings = settings
        self._wait_scale = wait_scale
        self._keep = keep
        self._auth = auth
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}
        self.endpoint = ""

    @property
    def settings(self) -> Settings:
        """What it was started with."""
        return self._settings

    @property
    def pid(self) -> int:
        """The process id of the local AWS, which is the id of its process group too."""
        if self._process is None:
            raise LocalAwsError("the local AWS is not running")
        return self._process.pid

    def __enter__(self) -> LocalAws:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and wait until it answers."""
        (self.directory / "tmp").mkdir(parents=True, exist_ok=True)
        port = _free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LAUNCH, str(Path(pca_automator.__file__).resolve().parents[1])],
                # Its end of file tells the local AWS that the rehearsal is gone, however it went.
                stdin=subprocess.DEVNULL if self._keep else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=self._environment(port),
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every process of the group: the server, its Lambda workers and the scripts on simulated hosts."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def control(self, path: str, data: Mapping[str, Any] | None = None) -> Any:
        """Ask the control path: GET without data, POST with it."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"{self.endpoint}/_rehearsal/{path}", data=body)  # noqa: S310 - http, loopback
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return json.loads(response.read())

    def client_environment(self) -> dict[str, str]:
        """Environment variables that point the AWS CLI, boto3 and the CDK CLI at this local AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """A boto3 client of this local AWS; one for each service, because making one takes a tenth of a second."""
        import boto3

        if service not in self._clients:
            self._clients[service] = boto3.client(  # type: ignore[call-overload]
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id=ACCESS_KEY,
                aws_secret_access_key=SECRET_KEY,
            )
        return self._clients[service]

    def _environment(self, port: int) -> dict[str, str]:
        # Settings of the user's own AWS account have no business in here.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **inherited,
            **self._settings.as_environment(),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "S3_DATA_DIR": str(self.directory / "s3"),
            "STATE_DIR": str(self.directory / "state"),
            "TMPDIR": str(self.directory / "tmp"),
            "SFN_WAIT_SCALE": str(self._wait_scale),
            "AUTH": "true" if self._auth else "false",
            # MiniStack would listen for MQTT on 0.0.0.0:8883 and for SFTP.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "REHEARSAL_WATCH_STDIN": "0" if self._keep else "1",
            "PYTHONUNBUFFERED": "1",
        }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _STARTUP_SECONDS
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise LocalAwsError(f"the local AWS ended with status {self._process.returncode}; see {self.log_path}")
            with contextlib.suppress(OSError, ValueError):
                self.control("settings")
                return
            time.sleep(0.1)
        raise LocalAwsError(f"the local AWS did not answer within {_STARTUP_SECONDS:.0f} s; see {self.log_path}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
