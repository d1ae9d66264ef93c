"""Validity, renewal threshold, schedule and jitter: how they must fit into each other."""

from __future__ import annotations

from aws_cdk import Duration

from pca_automator._internal import validation
from pca_automator.algorithms import UsageMode

SHORT_LIVED_MAXIMUM = Duration.days(7)
"""The longest validity a CA in short-lived mode issues.
https://docs.aws.amazon.com/privateca/latest/userguide/short-lived-certificates.html"""


def default_jitter(validity: Duration, threshold: Duration) -> Duration:
    """A tenth of the time between issuance and the threshold, at most a day."""
    if validity.is_unresolved() or threshold.is_unresolved():
        return Duration.hours(12)
    tenth = (validity.to_seconds() - threshold.to_seconds()) // 10
    return Duration.seconds(int(max(0, min(tenth, 86_400))))


def check_times(validity: Duration, threshold: Duration, interval: Duration, jitter: Duration) -> None:
    """The times must fit into each other: interval < threshold < validity, and the jitter into what is left.

    Raises:
        ValueError: they do not; names both values and why.
    """
    if not validity.is_unresolved():
        validation.duration("validity", validity, Duration.days(1), Duration.days(3650))
        if validity.to_seconds() % 86_400:
            raise ValueError(f"validity is {validity.to_human_string()}: it must be whole days")
    why = "otherwise every run would renew every host"
    validation.shorter_than("renewal_threshold", threshold, "validity", validity, why)
    why = "otherwise a certificate can expire between two runs"
    validation.shorter_than("schedule_interval", interval, "renewal_threshold", threshold, why)
    if not any(each.is_unresolved() for each in (validity, threshold, jitter)):
        left = Duration.seconds(validity.to_seconds() - threshold.to_seconds())
        why = f"that is what the validity leaves before the threshold ({left.to_human_string()})"
        validation.shorter_than("renewal_jitter", jitter, "validity minus renewal_threshold", left, why)


def check_validity(validity: Duration, usage_mode: UsageMode) -> None:
    """A short-lived CA issues for seven days at most.

    Raises:
        ValueError: the validity is longer.
    """
    if usage_mode is not UsageMode.SHORT_LIVED or validity.is_unresolved():
        return
    if validity.to_seconds() > SHORT_LIVED_MAXIMUM.to_seconds():
        raise ValueError(
            f"validity is {validity.to_human_string()}: a CA in short-lived mode issues at most "
            f"{SHORT_LIVED_MAXIMUM.to_human_string()}; give a shorter validity, or a general-purpose "
            "certificate_authority"
        )
