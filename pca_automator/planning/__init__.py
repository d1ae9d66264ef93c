"""What a fleet will meet: the workflow's own definition, played against AWS's quotas before AWS plays it."""
