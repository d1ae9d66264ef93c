"""The third-party packages of the functions: what is pinned, how it is fetched, and whether a folder holds just that.

Nothing here needs ``aws_cdk``: ``pca-automator layer`` builds the layer on machines that have only the command.
"""
