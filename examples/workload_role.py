"""A role for the hosts' own work, an alarm on the time left, and enrolment granted to a pipeline."""

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from pca_automator import PcaCertificateAutomation

app = App()
stack = Stack(app, "WorkloadRole")
automation = PcaCertificateAutomation(stack, "Automation")

# What the hosts may do with their certificates. A profile of their own offers the role; it trusts our anchor, and
# certificates of hosts alone.
logs = s3.Bucket.from_bucket_name(stack, "Logs", "fleet-logs")
workload = automation.trust.create_role(stack, "Workload", description="What the fleet's hosts may do")
automation.trust.create_profile(stack, "WorkloadProfile", roles=[workload])
iam.ManagedPolicy(
    stack,
    "WorkloadPolicy",
    roles=[workload],
    statements=[iam.PolicyStatement(actions=["s3:ListBucket"], resources=[logs.bucket_arn])],
)

# A pipeline that enrols hosts, and nothing else.
pipeline = iam.Role.from_role_name(stack, "Pipeline", "deployment-pipeline")
automation.grant_enrol_hosts(iam.ManagedPolicy(stack, "EnrolHosts", roles=[pipeline]))

runway = cloudwatch.Alarm(
    stack,
    "Runway",
    alarm_description="The first certificate of the fleet expires within a day",
    comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
    evaluation_periods=1,
    metric=automation.metric_least_time_left(),
    threshold=Duration.days(1).to_seconds(),
    treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
)
runway.add_alarm_action(cloudwatch_actions.SnsAction(automation.topic))
app.synth()
