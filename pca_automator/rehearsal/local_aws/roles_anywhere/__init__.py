"""A local IAM Roles Anywhere, whose CreateSession really verifies.

Followed: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication.html (trust, end-entity
requirements, revocation) and .../authentication-sign-process.html (SigV4-X509).
"""
