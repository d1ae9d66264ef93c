"""A local AWS Private CA: real keys, real signatures, the real template rules.

Followed: https://docs.aws.amazon.com/privateca/latest/APIReference/ and, for the templates,
https://docs.aws.amazon.com/privateca/latest/userguide/UsingTemplates.html
"""
