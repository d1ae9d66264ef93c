"""Validity, renewal threshold, schedule and jitter: how they must fit into each other."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Annotations, Duration, Token
from aws_cdk import aws_scheduler as scheduler
from constructs import IConstruct

from pca_automator._internal import validation
from pca_automator._internal.arguments import checked
from pca_automator.authority.algorithms import UsageMode
from pca_automator.authority.profiles import CertificateProfile
from pca_automator.renewal.longest_gap import longest_gap

SHORT_LIVED_MAXIMUM = Duration.days(7)
"""The longest validity a CA in short-lived mode issues.
https://docs.aws.amazon.com/privateca/latest/userguide/short-lived-certificates.html"""


class RenewalTimes:
    """When a certificate is due, and how long it lives.

    https://docs.aws.amazon.com/privateca/latest/userguide/short-lived-certificates.html

    Args:
        validity: of the hosts' certificates, 1 to 3,650 whole days. Default: 7 days.
        threshold: how long before not-after a certificate is due. Default: 2 days.
        interval: the longest time between two runs of the schedule. Default: the schedule's longest gap, which
            is 12 hours for the default schedule.
        jitter: window before the threshold over which a fleet's due times spread. Default: a tenth of what is left of
            the validity, at most a day.

    Raises:
        ValueError: the validity is out of bounds, interval < threshold < validity does not hold, or the jitter does
            not fit into what is left; names the values and why.
    """

    validity: Duration
    """Of the hosts' certificates."""
    threshold: Duration
    """How long before not-after a certificate is due."""
    interval: Duration
    """The longest time between two runs of the schedule."""
    jitter: Duration
    """Window before the threshold over which a fleet's due times spread."""

    @checked
    def __init__(
        self,
        *,
        validity: Duration | None = None,
        threshold: Duration | None = None,
        interval: Duration | None = None,
        jitter: Duration | None = None,
    ) -> None:
        self.validity = validity or Duration.days(7)
        self.threshold = threshold or Duration.days(2)
        self.interval = interval or Duration.hours(12)
        self._interval_is_given = interval is not None
        self._jitter_is_given = jitter is not None
        self.jitter = jitter or _default_jitter(self.validity, self.threshold)
        if not self.validity.is_unresolved():
            validation.duration("validity", self.validity, Duration.days(1), Duration.days(3650))
            if self.validity.to_seconds() % 86_400:
                raise ValueError(
                    f"validity is {self.validity.to_human_string()}: it must be whole days, such as Duration.days(7)"
                )
        validation.duration("interval", self.interval, Duration.minutes(1), Duration.days(3650))
        why = "otherwise every run would renew every host"
        validation.shorter_than("threshold", self.threshold, "validity", self.validity, why)
        why = "otherwise a certificate can expire between two runs"
        validation.shorter_than("interval", self.interval, "threshold", self.threshold, why)
        if self.are_known:
            left = Duration.seconds(self.validity.to_seconds() - self.threshold.to_seconds())
            why = f"that is what the validity leaves before the threshold ({left.to_human_string()})"
            validation.shorter_than("jitter", self.jitter, "validity minus threshold", left, why)

    @property
    def are_known(self) -> bool:
        """Whether validity, threshold and jitter are numbers at synthesis, not tokens."""
        return not any(each.is_unresolved() for each in (self.validity, self.threshold, self.jitter))

    @property
    def left_at_renewal(self) -> Duration:
        """What is left of a certificate when it is replaced, on average; only where the times are known."""
        return Duration.seconds(self.threshold.to_seconds() + self.jitter.to_seconds() / 2)

    def on_schedule(self, schedule: scheduler.ScheduleExpression | None, warn: IConstruct) -> RenewalTimes:
        """The same times, with the interval that a schedule really has, by the clocks of its zone.

        https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html

        Args:
            schedule: when runs start; None is the default schedule, which has 12 hours.
            warn: construct that gets a warning where the longest gap cannot be known at synthesis.

        Raises:
            ValueError: the schedule has a gap that is longer than ``interval``, or not shorter than ``threshold``.
        """
        if schedule is None or Token.is_unresolved(schedule.expression_string):
            return self
        zone = schedule.time_zone.timezone_name if schedule.time_zone else None
        written = schedule.expression_string + (f" in {zone}" if zone else "")
        gap = longest_gap(schedule.expression_string, zone)
        if gap is None:
            Annotations.of(warn).add_warning_v2(
                "pca-automator:schedule-gap",
                f"how long {written} goes without a run cannot be known at synthesis: times.interval, "
                f"{self.interval.to_human_string()}, must be the longest time between two of its runs, with daylight "
                "saving",
            )
            return self
        if not self._interval_is_given:
            return RenewalTimes(
                validity=self.validity,
                threshold=self.threshold,
                interval=Duration.seconds(gap.seconds),
                jitter=self.jitter if self._jitter_is_given else None,
            )
        if not self.interval.is_unresolved() and gap.seconds > self.interval.to_seconds():
            raise ValueError(
                f"interval is {self.interval.to_human_string()}, but {written} has a gap of {gap}: give an interval of "
                "at least that, or leave it out, or give a schedule in UTC, where no hour is skipped"
            )
        return self

    def check(self, usage_mode: UsageMode, profiles: Mapping[str, CertificateProfile]) -> None:
        """Whether the CA can issue for so long, also by the profiles that say how long.

        Args:
            usage_mode: of the CA that issues.
            profiles: by name.

        Raises:
            ValueError: a validity is too long for the CA, or too short for the threshold.
        """
        self.check_usage_mode(usage_mode)
        for name, profile in profiles.items():
            self.check_profile(name, profile, usage_mode)

    def check_profile(self, name: str, profile: CertificateProfile, usage_mode: UsageMode) -> None:
        """A profile's own validity must leave room for the fleet's threshold, too.

        Args:
            name: of the profile.
            profile: what it says.
            usage_mode: of the CA that issues.

        Raises:
            ValueError: the validity is too short for the threshold, or too long for the CA.
        """
        if profile.validity is None:
            return
        prop = f"validity of the profile {name!r}"
        why = "otherwise every run would renew its hosts"
        validation.shorter_than("threshold", self.threshold, prop, profile.validity, why)
        if self.are_known:
            left = Duration.seconds(profile.validity.to_seconds() - self.threshold.to_seconds())
            validation.shorter_than("jitter", self.jitter, f"{prop} minus threshold", left, why)
        if usage_mode is UsageMode.SHORT_LIVED and profile.validity.to_seconds() > SHORT_LIVED_MAXIMUM.to_seconds():
            raise ValueError(
                f"{prop} is {profile.validity.to_human_string()}: a CA in short-lived mode issues at most "
                f"{SHORT_LIVED_MAXIMUM.to_human_string()}; give a shorter validity, or an authority with "
                "UsageMode.GENERAL_PURPOSE"
            )

    def check_usage_mode(self, usage_mode: UsageMode) -> None:
        """A short-lived CA issues for seven days at most.

        Args:
            usage_mode: of the CA that issues.

        Raises:
            ValueError: the validity is longer.
        """
        if usage_mode is not UsageMode.SHORT_LIVED or self.validity.is_unresolved():
            return
        if self.validity.to_seconds() > SHORT_LIVED_MAXIMUM.to_seconds():
            raise ValueError(
                f"validity is {self.validity.to_human_string()}: a CA in short-lived mode issues at most "
                f"{SHORT_LIVED_MAXIMUM.to_human_string()}; give a shorter validity, or an authority with "
                "UsageMode.GENERAL_PURPOSE"
            )


def _default_jitter(validity: Duration, threshold: Duration) -> Duration:
    if validity.is_unresolved() or threshold.is_unresolved():
        return Duration.hours(12)
    tenth = (validity.to_seconds() - threshold.to_seconds()) // 10
    return Duration.seconds(int(max(0, min(tenth, 86_400))))
