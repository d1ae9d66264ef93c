"""The agent of a simulated host: it runs one document's steps with the machine's own ``sh``."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shlex
import signal
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from pca_automator.rehearsal.local_aws.run_command.documents import Document, Step, substituted
from pca_automator.rehearsal.local_aws.run_command.hosts import Faults, Host

_CSR = re.compile(r"-----BEGIN CERTIFICATE REQUEST-----.*?-----END CERTIFICATE REQUEST-----", re.DOTALL)
_SEALED_PATH = re.compile(r"^(SEALED_\w+Path=')(?=/)", re.MULTILINE)
_TIMED_OUT = 124


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a command on one host."""

    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool = False


def run_document(host: Host, document: Document, values: Mapping[str, str], region: str) -> Outcome:
    """Run the steps in order; the first that fails is the last."""
    faults = host.faults
    rooted = rooted_values(host, values)
    stdout = stderr = ""
    for step in document.steps:
        outcome = _run_step(host, document, step, rooted, faults, region)
        stdout, stderr = stdout + outcome.stdout, stderr + outcome.stderr
        if outcome.exit_code != 0:
            return dataclasses.replace(outcome, stdout=stdout, stderr=stderr)
    if faults.csr_subject:
        stdout = _CSR.sub(_csr_for(faults.csr_subject).replace("\\", r"\\"), stdout)
    return Outcome(0, stdout, stderr)


def rooted_values(host: Host, values: Mapping[str, str]) -> dict[str, str]:
    """The one lie of the simulation: what is named ``…Path``, sent or sealed, lies below the host's own root."""
    return {
        name: f"{host.root}{value}" if name.endswith("Path") and value.startswith("/") else value
        for name, value in values.items()
    }


def _rooted_script(host: Host, script: str) -> str:
    return _SEALED_PATH.sub(lambda found: f"{found[1]}{host.root}", script)


def _run_step(
    host: Host, document: Document, step: Step, values: Mapping[str, str], faults: Faults, region: str
) -> Outcome:
    by_environment = {
        name: value
        for name, value in values.items()
        if document.parameters[name].get("interpolationType") == "ENV_VAR" and not faults.old_agent
    }
    pasted = {name: value for name, value in values.items() if name not in by_environment}
    work = host.directory / "agent" / uuid.uuid4().hex
    work.mkdir(parents=True)
    script = work / "_script.sh"
    script.write_text(substituted(_rooted_script(host, step.script), pasted) + "\n")
    script.chmod(0o700)
    return _run(script, work, _environment(host, by_environment, region), step.timeout_seconds)


def _environment(host: Host, parameters: Mapping[str, str], region: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        "HOME": str(host.root),
        "AWS_SSM_INSTANCE_ID": host.id,
        "AWS_SSM_REGION_NAME": region,
        "AWS_SSM_PLATFORM_NAME": "Simulated host",
        **{f"SSM_{name}": value for name, value in parameters.items()},
    }


def _run(script: Path, work: Path, environment: Mapping[str, str], timeout: float) -> Outcome:
    with (work / "stdout").open("wb") as stdout, (work / "stderr").open("wb") as stderr:
        # As the real agent: sh -c with the script's own path, so that its first line may name another shell.
        process = subprocess.Popen(
            ["sh", "-c", shlex.quote(str(script))],
            cwd=work,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        try:
            code = process.wait(timeout)
            timed_out = False
        except subprocess.TimeoutExpired:
            _kill_tree(process.pid)
            process.wait()
            code, timed_out = _TIMED_OUT, True
    return Outcome(code, _text(work / "stdout"), _text(work / "stderr"), timed_out)


def _kill_tree(pid: int) -> None:
    """Kill a process and what it started; its process group is the whole local AWS's, so go by parentage."""
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            _kill_tree(int(child))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def _csr_for(common_name: str) -> str:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode().strip()
