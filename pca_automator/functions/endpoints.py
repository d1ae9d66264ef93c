"""Which AWS endpoints the functions call: derived from what their roles may do, and held to it by a test."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2

GATEWAYS = {
    "dynamodb": ec2.GatewayVpcEndpointAwsService.DYNAMODB,
    "s3": ec2.GatewayVpcEndpointAwsService.S3,
}
"""Gateway endpoints, which cost nothing, by the prefix of IAM's actions."""

INTERFACES = {
    "acm-pca": ec2.InterfaceVpcEndpointAwsService.PRIVATE_CERTIFICATE_AUTHORITY,
    "cloudwatch": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING,
    "ec2": ec2.InterfaceVpcEndpointAwsService.EC2,
    "events": ec2.InterfaceVpcEndpointAwsService.EVENTBRIDGE,
    "rolesanywhere": ec2.InterfaceVpcEndpointAwsService.IAM_ROLES_ANYWHERE,
    "servicequotas": ec2.InterfaceVpcEndpointAwsService("servicequotas"),
    "sns": ec2.InterfaceVpcEndpointAwsService.SNS,
    "ssm": ec2.InterfaceVpcEndpointAwsService.SSM,
    "states": ec2.InterfaceVpcEndpointAwsService.STEP_FUNCTIONS,
}
"""Interface endpoints, which AWS bills by the hour."""

NOT_CALLED = {
    "kms": "used by DynamoDB, S3 and SNS on the functions' behalf",
    "logs": "written by Lambda itself, outside the VPC",
    "sqs": "polled by Lambda itself, outside the VPC",
    "xray": "sent by Lambda itself, outside the VPC",
}
"""Prefixes that roles have and that need no endpoint in the VPC, and why."""
