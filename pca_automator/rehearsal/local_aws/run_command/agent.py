"""The agent of a simulated host: it runs one document's steps with the machine's own ``sh``."""

from __future__ import annotations

import dataclasses
import re
import threading
import uuid
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from pca_automator.rehearsal.local_aws.run_command import script
from pca_automator.rehearsal.local_aws.run_command.documents import Document, Step, substituted
from pca_automator.rehearsal.local_aws.run_command.hosts import Faults, Host
from pca_automator.rehearsal.local_aws.run_command.script import Outcome

_CSR = re.compile(r"-----BEGIN CERTIFICATE REQUEST-----.*?-----END CERTIFICATE REQUEST-----", re.DOTALL)
_SEALED_PATH = re.compile(r"^(SEALED_\w+Path=')(?=/)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Order:
    """A command as it reaches the agent of one host.

    Args:
        command_id: of the command.
        document: to run.
        values: of its parameters.
        region: of the request.
        stop: set when the command is cancelled.
    """

    command_id: str
    document: Document
    values: Mapping[str, str]
    region: str
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)


def run_document(host: Host, order: Order) -> Outcome:
    """Run the steps in order; the first that fails is the last."""
    faults = host.faults
    rooted = rooted_values(host, order.values)
    stdout = stderr = ""
    for step in order.document.steps:
        outcome = _run_step(host, order, step, rooted, faults)
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


def _rooted_script(host: Host, text: str) -> str:
    return _SEALED_PATH.sub(lambda found: f"{found[1]}{host.root}", text)


def _run_step(host: Host, order: Order, step: Step, values: Mapping[str, str], faults: Faults) -> Outcome:
    by_environment = {
        name: value
        for name, value in values.items()
        if order.document.parameters[name].get("interpolationType") == "ENV_VAR" and not faults.old_agent
    }
    pasted = {name: value for name, value in values.items() if name not in by_environment}
    work = host.directory / "agent" / uuid.uuid4().hex
    work.mkdir(parents=True)
    file = work / "_script.sh"
    file.write_text(substituted(_rooted_script(host, step.script), pasted) + "\n")
    file.chmod(0o700)
    return script.run(file, _environment(host, order, by_environment), step.timeout_seconds, order.stop)


def _environment(host: Host, order: Order, parameters: Mapping[str, str]) -> dict[str, str]:
    """What the agent adds to its own environment, in which there is no HOME."""
    return {
        "SSM_COMMAND_ID": order.command_id,
        "AWS_SSM_INSTANCE_ID": host.id,
        "AWS_SSM_REGION_NAME": order.region,
        "AWS_SSM_PLATFORM_NAME": "Simulated host",
        "AWS_SSM_PLATFORM_VERSION": "1",
        **{f"SSM_{name}": value for name, value in parameters.items()},
    }


def _csr_for(common_name: str) -> str:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode().strip()
