"""The rehearsal: the whole system, deployed for real, on one machine.

``local_aws`` is a local AWS (MiniStack and this project's own services), ``scenario`` takes a simulated fleet
through its life in it. Nothing here imports ``aws_cdk``; the extra ``pca-automator[rehearsal]`` brings what it needs.
"""
