"""An app in which everybody who can be given something is given everything."""

from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam

from pca_automator import PcaCertificateAutomation

GRANTS = ("grant_start_run", "grant_read_inventory", "grant_enrol_hosts", "grant_revoke", "grant_retire")

app = App()
stack = Stack(app, "EveryGrant")
automation = PcaCertificateAutomation(stack, "Automation", enrol_by_tag={"Pki": "on"}, profile_tag="Profile")
role = iam.Role(stack, "Pipeline", assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"))
policy = iam.ManagedPolicy(stack, "Operators")
imported = iam.Role.from_role_name(stack, "Imported", "operators")
policy.attach_to_role(imported)
for grant in GRANTS:
    getattr(automation, grant)(role)
    getattr(automation, grant)(policy)
app.synth()
