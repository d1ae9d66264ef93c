"""The hosts: how long their commands take, and how they prove a certificate where many ask at once."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from pca_automator.planning.account import Account
from pca_automator.planning.assumed import Assumed

if TYPE_CHECKING:
    from simpy import Event

# The signing helper's own: 3 attempts of the Go SDK's standard retryer, a random part of 1 and 2 s between.
# https://docs.aws.amazon.com/sdk-for-go/v2/developer-guide/configure-retries-timeouts.html
HELPER_ATTEMPTS = 3


@dataclass(frozen=True)
class Proof:
    """How prove.sh asks again: full jitter, doubling from ``first`` to ``most`` seconds, until a deadline.

    Args:
        first: the longest pause after the first throttled try.
        most: the longest pause.
        deadline: seconds after which it gives up.
    """

    first: float = 4.0
    most: float = 30.0
    deadline: float = 120.0


@dataclass
class Host:
    """One host, and what became of it.

    Args:
        host_id: its id.
        listed_at: when it was put in, or its run started.
    """

    host_id: str
    listed_at: float
    single: bool = False
    run: str | None = None
    claimed_at: float = float("-inf")
    certificate: bool = False
    installing: bool = False
    outcome: str = ""
    ended_at: float | None = None
    token: str = ""
    install: Command | None = None
    requeues: int = 0
    installs_again: int = 0


@dataclass
class Command:
    """A command on a host.

    Args:
        done: when its answer can be read; inf while the host is at work.
        error: why it failed.
        throttled: tries of the proof that were throttled.
    """

    done: float = float("inf")
    error: str = ""
    throttled: int = 0


@dataclass
class Fleet:
    """Runs commands on hosts.

    Args:
        account: whose quotas they meet.
        assumed: their times.
        proof: how they ask for a session; None if they prove nothing.
        random: for their times.
    """

    account: Account
    assumed: Assumed
    proof: Proof | None
    random: Random
    commands: dict[str, Command] = field(default_factory=dict)

    def make_csr(self) -> Command:
        """Key and CSR: nothing but the host's own time."""
        return Command(done=self.account.env.now + self.random.uniform(*self.assumed.csr))

    def install(self) -> Command:
        """Install and prove."""
        command = Command()
        self.account.env.process(self._installing(command))
        return command

    def _installing(self, command: Command) -> Generator[Event, None, None]:
        env = self.account.env
        yield env.timeout(self.random.uniform(*self.assumed.install))
        if self.proof is not None and not (yield from self._prove(command, self.proof)):
            command.error = "ROLES_ANYWHERE_THROTTLED"
        command.done = env.now

    def _prove(self, command: Command, proof: Proof) -> Generator[Event, None, bool]:
        env = self.account.env
        begin, pause = env.now, proof.first
        while True:
            if (yield from session(self.account, self.random)):
                return True
            command.throttled += 1
            wait = self.random.random() * pause
            if env.now + wait - begin > proof.deadline:
                return False
            yield env.timeout(wait)
            pause = min(2 * pause, proof.most)


def session(
    account: Account, random: Random, first: Callable[[bool], None] | None = None
) -> Generator[Event, None, bool]:
    """One call of the signing helper. Returns whether it got a session.

    Args:
        account: whose quota it meets.
        random: for the pauses between its attempts.
        first: is told whether the first attempt was let through.
    """
    for attempt in range(HELPER_ATTEMPTS):
        passed = account.once("CreateSession")
        if attempt == 0 and first is not None:
            first(passed)
        if passed:
            return True
        if attempt + 1 < HELPER_ATTEMPTS:
            yield account.env.timeout(random.random() * 2.0**attempt)
    return False
