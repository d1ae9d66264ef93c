"""What the Lambda functions share. Imports boto3 and cryptography, never ``aws_cdk``."""
