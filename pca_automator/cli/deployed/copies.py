"""Keys of other hosts on a machine that is a copy of them."""

from __future__ import annotations

from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.deployed.host_command import DELIVERY_SECONDS, answer_of
from pca_automator.cli.errors import USAGE, Trouble
from pca_automator.cli.runtime import runtime

__all__ = ["others_on", "remove"]


def others_on(item: Any, named: list[str]) -> list[str]:
    """Whose keys are to be removed: those that a person names, or else those that the host told of when it was renewed.

    Raises:
        Trouble: a name is no host's id or the machine's own, or nobody is named and none was told of.
    """
    is_host_id = runtime("shared.identifiers").is_host_id
    for other in named:
        if not is_host_id(other):
            raise Trouble(f"{other!r} is no host id: an EC2 instance id or hybrid node id is expected", USAGE)
        if other == item.host_id:
            raise Trouble(f"{other} is the machine itself: to take its own files away, use hosts retire", USAGE)
    told = item.notices.get("OTHER_HOSTS_KEY", "").split(",")
    others = named or [each for each in told if is_host_id(each) and each != item.host_id]
    if not others:
        raise Trouble(f"{item.host_id} told of no keys of other hosts at its last renewal; name one with --other")
    return list(dict.fromkeys(others))


def remove(deployment: Deployment, item: Any, other: str) -> str:
    """Have the machine remove another host's store, and nothing of its own.

    Returns:
        What was done, in words.

    Raises:
        Trouble: the machine cannot be asked, fails, or does not answer.
        PcaAutomatorError: AWS denies or throttles the call, or cannot be reached; AWS's answer is the cause.
    """
    defaults, own = deployment.settings("CertDeploy"), item.overrides()
    directories = runtime("shared.settings").HostDirectories.load(defaults)
    order = runtime("hosts.commands").Order(
        document=deployment.document("RemoveCertificate"),
        host_id=item.host_id,
        purpose=f"hosts remove-copies {item.host_id} of {other}",
        delivery_seconds=DELIVERY_SECONDS,
        parameters={"hostID": other, **own.directories(directories)},
    )
    words = answer_of(deployment, order).rpartition("PCA_RESULT ")[2].split()
    result = dict(word.partition("=")[::2] for word in words)
    if result.get("hostID") != other:
        raise Trouble(f"{item.host_id} gave no answer about {other}: the command ended well and said nothing of it")
    kept = result.get("takenOverKept", "0")
    return "removed" if kept in ("", "0") else "removed, but for files of another tool that were taken over"
