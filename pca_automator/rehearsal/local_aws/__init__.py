"""A local AWS on loopback: MiniStack, with the services it lacks added in its own process.

Started as a process of its own (``python -m pca_automator.rehearsal.local_aws``), because it patches MiniStack in
memory. Added: AWS Private CA, IAM Roles Anywhere, SSM documents and Run Command with a simulated fleet, and their
CloudFormation types. What MiniStack gets wrong about Step Functions and Lambda, and this project relies on, is put
right in ``step_functions`` and ``lambda_workers``.
"""
