"""How long the workflow waits for a host, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import Annotations, Duration, Token
from constructs import IConstruct

from pca_automator._internal import validation
from pca_automator._internal.arguments import check_fields
from pca_automator.hosts.settings import LONGEST_PROOF, SHORTEST_PROOF

_FIRST_SECONDS = 5
# For what a renewal does besides waiting for the host and the CA: a minute of retries for each state.
_RETRY_SECONDS = 8 * 60
# For what an installation does beside proof and hooks, on a busy host, and until the agent has told of it.
_REST_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Polling:
    """How the workflow waits for a host.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html

    Args:
        interval: between two looks at a host, a second to ten minutes. Default: 15 seconds.
        attempts: looks at a host for each of its two commands, an interval apart, 1 to 100. Default: 12.
        issuance_timeout: how long the workflow waits for the issuance event before it looks itself, half a minute to
            an hour. Default: 2 minutes.
        first: one more look comes so soon after the command was sent, at least a second: most hosts are done by then.
            The others come as if it had not been, so that no host is seen later for it. As long as ``interval``: there
            is no such look. Known at synthesis, and so is ``interval`` where this is given. Default: 5 seconds; none
            where ``interval`` is no longer, or a token.

    Raises:
        ValueError: an interval or number of attempts is out of bounds, or the first look comes after the second.
    """

    interval: Duration = field(default_factory=lambda: Duration.seconds(15))
    attempts: int = 12
    issuance_timeout: Duration = field(default_factory=lambda: Duration.minutes(2))
    first: Duration | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        validation.duration("interval", self.interval, Duration.seconds(1), Duration.minutes(10))
        validation.whole_number("attempts", self.attempts, 1, 100)
        validation.duration("issuance_timeout", self.issuance_timeout, Duration.seconds(30), Duration.hours(1))
        if self.first is not None:
            self._check_first(self.first)

    def _check_first(self, first: Duration) -> None:
        for name, given in (("first", first), ("interval", self.interval)):
            if given.is_unresolved():
                raise ValueError(f"{name} is a token: with first, both must be known at synthesis; or leave first out")
        validation.duration("first", first, Duration.seconds(1), Duration.minutes(10))
        if first.to_seconds() > self.interval.to_seconds():
            raise ValueError(
                f"first is {first.to_human_string()} and interval is {self.interval.to_human_string()}: the first look "
                "must not come after the second; shorten first, or give it the interval's length for no look before it"
            )

    @property
    def first_look(self) -> tuple[Duration, Duration] | None:
        """The wait until the look that is sooner than the interval, and what is left of the interval then.

        Returns:
            None where the first look comes after an interval, as all others do.
        """
        if self.interval.is_unresolved():
            return None
        interval = int(self.interval.to_seconds())
        first = _FIRST_SECONDS if self.first is None else int(self.first.to_seconds())
        return (Duration.seconds(first), Duration.seconds(interval - first)) if first < interval else None

    def gives_up_during(self, hook_timeout: Duration) -> bool:
        """Whether hooks that take all their time outlast the polls of the installation that they are part of.

        Args:
            hook_timeout: how long all hooks of a host may run together.
        """
        if self._window_seconds is None or hook_timeout.is_unresolved():
            return False
        return hook_timeout.to_seconds() >= self._window_seconds

    def warn_of_long_hooks(self, construct: IConstruct, hook_timeout: Duration) -> None:
        """Say at synthesis that hooks may outlast the polls.

        Args:
            construct: gets the warning.
            hook_timeout: how long all hooks of a host may run together.
        """
        if self.gives_up_during(hook_timeout):
            Annotations.of(construct).add_warning_v2(
                "pca-automator:hooks-outlast-polls",
                f"hook_timeout is {hook_timeout.to_human_string()}, but the workflow looks at a host for "
                f"{self.window} (interval times attempts of the polling): a host whose hooks take longer is reported "
                "as failed although its new certificate may be live; shorten the one or lengthen the other",
            )

    def proof_window(self, hook_timeout: Duration) -> Duration:
        """How long a host may ask IAM Roles Anywhere again: what the polls leave beside its hooks and all the rest.

        Args:
            hook_timeout: how long all hooks of a host may run together.

        Returns:
            35 seconds to 15 minutes; 90 seconds where a token hides how long the polls are or the hooks may be.
        """
        if self._window_seconds is None or hook_timeout.is_unresolved():
            return Duration.seconds(90)
        left = self._window_seconds - int(hook_timeout.to_seconds()) - _REST_SECONDS
        shortest, longest = (int(each.to_seconds()) for each in (SHORTEST_PROOF, LONGEST_PROOF))
        return Duration.seconds(min(max(left, shortest), longest))

    @property
    def window(self) -> str:
        """How long one command has, from sending to its last poll, in words."""
        if self._window_seconds is None:
            return f"{self.attempts} x {self.interval.to_seconds()} s"
        return f"{self._window_seconds} s"

    @property
    def lease(self) -> Duration:
        """How long a run has a host, at the most; the functions reckon the same. A day where a token hides it."""
        if self._window_seconds is None or self.issuance_timeout.is_unresolved():
            return Duration.days(1)
        retries = 8 * 60  # a minute for each state
        return Duration.seconds(2 * self._window_seconds + int(self.issuance_timeout.to_seconds()) + retries)

    @property
    def _window_seconds(self) -> int | None:
        """The same as a number; None where a token hides it."""
        if self.interval.is_unresolved() or Token.is_unresolved(self.attempts):
            return None
        return int(self.interval.to_seconds()) * self.attempts

    def longest_lease_seconds(self, interval: Duration) -> int | None:
        """The longest that a run holds a host: two polled commands, the issuance, retries, and a place in the line.

        Args:
            interval: between two runs; a run ends within twice that.

        Returns:
            Seconds; None behind a token.
        """
        if self._window_seconds is None or self.issuance_timeout.is_unresolved() or interval.is_unresolved():
            return None
        renewal = 2 * self._window_seconds + int(self.issuance_timeout.to_seconds()) + _RETRY_SECONDS
        return renewal + 2 * int(interval.to_seconds())

    @property
    def environment(self) -> dict[str, str]:
        """What a function that sends commands reads: it multiplies what a token does not let us multiply."""
        return {
            "POLL_ATTEMPTS": str(self.attempts),
            "POLL_INTERVAL_SECONDS": str(self.interval.to_seconds()),
        }
