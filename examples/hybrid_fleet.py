"""EC2 instances and hybrid nodes that carry a tag, with EC keys, each certificate proven before it goes live."""

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_scheduler as scheduler

from pca_automator import (
    Authority,
    HostSettings,
    KeyAlgorithm,
    Pace,
    PcaCertificateAutomation,
    RenewalTimes,
    ValidationPolicy,
)

app = App()
stack = Stack(app, "HybridFleet")
PcaCertificateAutomation(
    stack,
    "Automation",
    authority=Authority.created(
        common_name="Example Fleet Root",
        country="DE",
        key_algorithm=KeyAlgorithm.EC_SECP384R1,
        organization="Example GmbH",
    ),
    hosts=HostSettings(
        ca_certificate_path="/etc/pki/fleet",
        certificate_path="/etc/pki/fleet",
        key_algorithm=KeyAlgorithm.EC_PRIME256V1,
        key_path="/etc/pki/fleet/private",
        validation_policy=ValidationPolicy.REQUIRED,
    ),
    instance_tags={"certificates": "managed"},
    pace=Pace(production_sessions=2),
    schedule=scheduler.ScheduleExpression.rate(Duration.hours(6)),
    times=RenewalTimes(interval=Duration.hours(6)),
)
app.synth()
