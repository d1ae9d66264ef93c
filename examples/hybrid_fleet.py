"""EC2 instances and hybrid nodes that carry a tag, with EC keys, each certificate proven before it goes live."""

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_scheduler as scheduler

from pca_automator import KeyAlgorithm, PcaCertificateAutomation, ValidationPolicy

app = App()
stack = Stack(app, "HybridFleet")
PcaCertificateAutomation(
    stack,
    "Automation",
    ca_country="DE",
    ca_organization="Example GmbH",
    ca_common_name="Example Fleet Root",
    ca_key_algorithm=KeyAlgorithm.EC_SECP384R1,
    key_algorithm=KeyAlgorithm.EC_PRIME256V1,
    instance_tags={"certificates": "managed"},
    max_concurrency=100,
    certificate_path="/etc/pki/fleet",
    key_path="/etc/pki/fleet/private",
    ca_certificate_path="/etc/pki/fleet",
    schedule=scheduler.ScheduleExpression.rate(Duration.hours(6)),
    schedule_interval=Duration.hours(6),
    validation_policy=ValidationPolicy.REQUIRED,
)
app.synth()
