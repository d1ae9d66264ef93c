"""What a renewal costs: counted by the local AWS, divided by the number of hosts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pca_automator.rehearsal.world import World

PER_HOST = ("CertCSR", "CertCSRStatus", "CertIssue", "CertDeploy", "CertDeployStatus", "CertFailure")
"""The functions that run for each host; CertCheck and CertReport run once for a whole run."""


SKIPPED = "Skipped"
"""Where a child ends whose host another run is renewing; it is no renewal."""


def start(world: World) -> None:
    """Count from here on."""
    world.aws.control("counters", {"reset": True})


def per_renewal(world: World, hosts: int) -> dict[str, Any]:
    """Averages over the hosts renewed since the start; more polls than one for each wait make them larger."""
    counted = world.aws.control("counters")
    hosts = max(hosts, 1)
    last_states = counted["last_states"]
    transitions = [count for child, count in counted["transitions"].items() if last_states.get(child) != SKIPPED]
    invocations = Counter({name: count for name, count in counted["invocations"].items() if name in PER_HOST})
    invocations["CertCSR"] -= sum(state == SKIPPED for state in last_states.values())
    calls: Counter[str] = Counter()
    for call in counted["api_calls"]:
        # A host's own CreateSession is part of its renewal, too.
        if call["function"] in PER_HOST or call["operation"] == "CreateSession":
            calls[f"{call['service']}.{call['operation']}"] += call["count"]
    best = min(transitions, default=0)
    return {
        "state_transitions": round(sum(transitions) / hosts, 2),
        "lambda_invocations": round(sum(invocations.values()) / hosts, 2),
        "api_calls": {name: round(count / hosts, 2) for name, count in sorted(calls.items())},
        "invocations": {name: round(count / hosts, 2) for name, count in sorted(invocations.items())},
        # Each further poll is a Wait, a Lambda invocation and a Choice: three transitions more, one invocation more.
        "at_best": {"state_transitions": best, "lambda_invocations": 5 if best else 0},
    }
