"""The operator's command, ``pca-automator``; it never imports ``aws_cdk``."""
