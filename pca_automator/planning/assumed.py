"""What a plan has to assume, because AWS does not say it or hosts differ: each number once, in words for the reader."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Assumed:
    """Times in seconds; a pair is the least and the most, evenly spread between.

    The pairs can be what was measured: tests/planning/test_against_local_aws.py compares a plan with the local AWS so.

    Args:
        csr: from SendCommand until the host has made key and CSR.
        install: from SendCommand until the host has installed and proven, without waits for CreateSession.
        function: one invocation, besides waits for throttled calls.
        check: CertCheck for a small fleet.
        check_per_host: CertCheck for each host of the fleet, on top.
        report: CertReport.
        issuance_event: from IssueCertificate until CertDeploy is invoked by the event.
        depth_seconds: seconds of its rate that a quota's bucket holds.
        put_rate: hosts a second that are put into the inventory when a fleet is enrolled at once.
        shards: of the inventory's stream; each gathers records for itself.
        shuffled: whether a Distributed Map starts its children in any order.
    """

    csr: tuple[float, float] = (1.5, 5.0)
    install: tuple[float, float] = (2.0, 5.0)
    function: tuple[float, float] = (0.2, 0.4)
    check: tuple[float, float] = (1.5, 2.5)
    check_per_host: float = 60e-6
    report: tuple[float, float] = (1.0, 3.0)
    issuance_event: tuple[float, float] = (1.0, 2.0)
    depth_seconds: float = 1.0
    put_rate: float = 1_000.0
    shards: int = 4
    shuffled: bool = False

    def sentences(self) -> list[str]:
        """What a reader of the plan has to believe."""
        order = "in any order" if self.shuffled else "in the order of the list"
        return [
            f"a quota's bucket holds {self.depth_seconds:g} s of its rate; AWS publishes no depth, and it decides most",
            "SendCommand and GetCommandInvocation: 50 a second each, unless given; AWS publishes no rate",
            f"a Distributed Map starts its children {order}, 300 a second",
            f"a host makes key and CSR within {_range(self.csr)}, and installs within {_range(self.install)}",
            f"a function takes {_range(self.function)}; none starts cold, none is killed",
            f"the CA's event comes {_range(self.issuance_event)} after the request",
            f"a fleet enrolled at once is put in with {self.put_rate:g} hosts a second, over {self.shards} shards",
            "production asks for sessions at random times, with the same rate throughout",
            "every host is well: it is online, and its clock, disk and signing helper work",
            "prices are list prices of us-east-1, read in 2026, without free tiers and discounts",
        ]


def _range(pair: tuple[float, float]) -> str:
    return f"{pair[0]:g} to {pair[1]:g} s"
