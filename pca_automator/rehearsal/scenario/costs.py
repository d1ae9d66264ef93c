"""What a renewal costs: counted by the local AWS, divided by the number of hosts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pca_automator.rehearsal.report import Report
from pca_automator.rehearsal.scenario.world import World

PER_HOST = ("CertCSR", "CertCSRStatus", "CertIssue", "CertDeploy", "CertDeployStatus", "CertFailure")
"""The functions that run for each host; CertCheck and CertReport run once for a whole run."""

POLLS = ("CertCSRStatus", "CertDeployStatus")
"""Each of them runs once for a host that has answered by the first look."""

LOOK = 3
"""The states of a further look: one of the waits, the question, the choice. A host that is slow, as all are on a busy
machine, has some."""

EARLY = "CertDeploy CertificateNotReady"
"""The issuance event was faster than CertIssue, which had not written down yet what it is about: CertDeploy has to be
invoked again."""

LATE = "WaitForStart"
"""Where a host comes again whose start was over before a busy machine came to it: CertCSR gives it another one."""
MOST_TRANSITIONS = 12
MOST_INVOCATIONS = 5

SKIPPED = "Skipped"
"""Where a child ends whose host another run is renewing; it is no renewal."""


def start(world: World) -> None:
    """Count from here on."""
    world.aws.control("counters", {"reset": True})


def per_renewal(world: World, hosts: int) -> dict[str, Any]:
    """Averages over the hosts renewed since the start; more looks than one for each wait make them larger."""
    counted = world.aws.control("counters")
    hosts = max(hosts, 1)
    last_states = counted["last_states"]
    transitions = {child: count for child, count in counted["transitions"].items() if last_states.get(child) != SKIPPED}
    looked_again = {
        child: LOOK * sum(states.get(name, 0) for name in POLLS) for child, states in counted["entered_again"].items()
    }
    invocations = Counter({name: count for name, count in counted["invocations"].items() if name in PER_HOST})
    invocations["CertCSR"] -= sum(state == SKIPPED for state in last_states.values())
    calls: Counter[str] = Counter()
    for call in counted["api_calls"]:
        # A host's own CreateSession is part of its renewal, too.
        if call["function"] in PER_HOST or call["operation"] == "CreateSession":
            calls[f"{call['service']}.{call['operation']}"] += call["count"]
    repeated = sum(max(0, invocations[name] - hosts) for name in POLLS) + counted["raised"].get(EARLY, 0)
    repeated += sum(states.get(LATE, 0) for states in counted["entered_again"].values())
    return {
        "state_transitions": round(sum(transitions.values()) / hosts, 2),
        "lambda_invocations": round(sum(invocations.values()) / hosts, 2),
        "api_calls": {name: round(count / hosts, 2) for name, count in sorted(calls.items())},
        "invocations": {name: round(count / hosts, 2) for name, count in sorted(invocations.items())},
        # When both polls succeed at once, no event is early and no start late: the cheapest child execution without its
        # further looks, and all invocations but the repeated ones.
        "at_best": {
            "state_transitions": min(
                (count - looked_again.get(child, 0) for child, count in transitions.items()), default=0
            ),
            "lambda_invocations": round((sum(invocations.values()) - repeated) / hosts, 2),
        },
    }


def expect_what_was_promised(report: Report) -> None:
    """What one renewal may cost, whatever the size of the fleet."""
    best, calls = report.per_renewal["at_best"], report.per_renewal["api_calls"]
    transitions, invocations = best["state_transitions"], best["lambda_invocations"]
    report.expect(f"at most {MOST_TRANSITIONS} state transitions", True, 0 < transitions <= MOST_TRANSITIONS)
    report.expect(f"at most {MOST_INVOCATIONS} Lambda invocations", True, 0 < invocations <= MOST_INVOCATIONS)
    report.expect("two commands for each renewal", 2.0, calls.get("ssm.SendCommand"))
    report.expect("one certificate for each renewal", 1.0, calls.get("acm-pca.IssueCertificate"))
