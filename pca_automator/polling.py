"""How long the workflow waits for a host, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration

from pca_automator._internal import validation


@dataclass(frozen=True)
class Polling:
    """How the workflow waits for a host.

    Raises:
        ValueError: an interval or number of attempts is out of bounds.
    """

    interval: Duration
    attempts: int
    issuance_timeout: Duration

    def __post_init__(self) -> None:
        validation.duration("poll_interval", self.interval, Duration.seconds(1), Duration.minutes(10))
        validation.whole_number("poll_attempts", self.attempts, 1, 100)
        validation.duration("issuance_timeout", self.issuance_timeout, Duration.seconds(30), Duration.hours(1))

    def gives_up_during(self, hook_timeout: Duration) -> bool:
        """Whether hooks that take all their time outlast the polls of the installation that they are part of."""
        return not hook_timeout.is_unresolved() and hook_timeout.to_seconds() >= self.window_seconds

    @property
    def window_seconds(self) -> int:
        """How long one command has, from sending to its last poll."""
        return int(self.interval.to_seconds()) * self.attempts

    @property
    def command_timeout_seconds(self) -> int:
        """After this a command that was not delivered is dropped: nobody waits for it any more. SSM's least is 30.

        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
        """
        return max(30, self.window_seconds)

    @property
    def lease_seconds(self) -> int:
        """Longer than the longest renewal: two polled commands, the issuance, and a minute of retries per state."""
        return 2 * self.window_seconds + int(self.issuance_timeout.to_seconds()) + 8 * 60
