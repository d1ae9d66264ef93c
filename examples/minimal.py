"""The whole system: CA, trust, inventory, workflow, schedule, notifications."""

from aws_cdk import App, Stack

from pca_automator import PcaCertificateAutomation

app = App()
stack = Stack(app, "FleetCertificates")
PcaCertificateAutomation(stack, "Automation", notification_emails=["pki-team@example.com"])
app.synth()
