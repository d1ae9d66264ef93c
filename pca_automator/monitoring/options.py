"""Which alarms an automation has, and when they go off."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import Duration

from pca_automator._internal import validation
from pca_automator._internal.arguments import check_fields


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """Thresholds of the alarms; :meth:`none` for an automation without alarms.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html

    Args:
        runway: alarm when a certificate of the fleet has less than this left. Default: half the renewal threshold, or
            what a good run can leave if that is less.
        ca_expiry: alarm when the CA's own certificate has less than this left. Default: 90 days, or half the validity
            of a created CA if that is less.
        crl_next_update: alarm when no newer CRL is in force this long before the ``nextUpdate`` of the present one,
            where a CRL is distributed. Default: half of a created CA's ``crl_expiry``, at most a day; 12 hours for an
            existing CA.
        crl_size_percentage: alarm when the CRL has this share of the 300,000 bytes that IAM Roles Anywhere takes,
            where a CRL is distributed. Default: 80.

    Raises:
        ValueError: a value is out of bounds, or the percentage a token.
    """

    runway: Duration | None = None
    ca_expiry: Duration | None = None
    crl_next_update: Duration | None = None
    crl_size_percentage: float | None = None
    are_made: bool = field(default=True, init=False)
    """Whether there are alarms at all."""

    def __post_init__(self) -> None:
        check_fields(self)
        minute = Duration.minutes(1)
        for name, value, maximum in (
            ("runway", self.runway, Duration.days(3650)),
            ("ca_expiry", self.ca_expiry, Duration.days(365 * 30)),
            ("crl_next_update", self.crl_next_update, Duration.days(5000)),
        ):
            if value is not None:
                validation.duration(name, value, minute, maximum)
        if self.crl_size_percentage is not None:
            validation.percentage("crl_size_percentage", self.crl_size_percentage, minimum=1)

    @classmethod
    def none(cls) -> Alarms:
        """No alarm at all: for who watches the metrics with something else."""
        without = cls()
        object.__setattr__(without, "are_made", False)
        return without

    def check_without_crl(self) -> None:
        """Refuse thresholds that would do nothing, where there is no CRL to watch.

        Raises:
            ValueError: one is given; names it.
        """
        for name in ("crl_next_update", "crl_size_percentage"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} is given, but no CRL is distributed: give Authority.existing the crl_bucket that the CA "
                    f"writes its CRL to, or leave {name} out"
                )
