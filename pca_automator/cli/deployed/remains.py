"""Each kind of resource that a stack may leave behind: what is in it, and how it is removed for good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from pca_automator.cli.deployed.deployment import Aws
from pca_automator.cli.output import counted

# The shortest and the longest that AWS allows; a CA can be restored until then, and a key's deletion cancelled.
# https://docs.aws.amazon.com/privateca/latest/APIReference/API_DeleteCertificateAuthority.html
_CA_DAYS = 30
# https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
_KEY_DAYS = 30
_NOT_THERE = {"404", "NoSuchBucket", "NotFoundException", "ResourceNotFoundException"}
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
_OBJECTS_AT_ONCE = 1_000


class Kind(ABC):
    """A type of resource."""

    name: str
    """What people call it."""

    def look(self, aws: Aws, physical_id: str) -> str | None:
        """What is in it, "" for nothing to speak of; ``None``: it does not exist any more, or is on its way out."""
        from botocore.exceptions import ClientError

        try:
            return self._look(aws, physical_id)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None
            raise

    @abstractmethod
    def _look(self, aws: Aws, physical_id: str) -> str | None: ...

    @abstractmethod
    def remove(self, aws: Aws, physical_id: str) -> str:
        """Remove it; says what has become of it."""


class _LogGroup(Kind):
    name = "log group"

    def _look(self, aws: Aws, physical_id: str) -> str | None:
        pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=physical_id)
        groups = [group for page in pages for group in page["logGroups"] if group["logGroupName"] == physical_id]
        if not groups:
            return None
        return f"{groups[0]['storedBytes']:,} bytes" if groups[0].get("storedBytes") else ""

    def remove(self, aws: Aws, physical_id: str) -> str:
        aws.client("logs").delete_log_group(logGroupName=physical_id)
        return "deleted"


class _Bucket(Kind):
    name = "bucket"

    def _look(self, aws: Aws, physical_id: str) -> str | None:
        listed = aws.client("s3").list_object_versions(Bucket=physical_id, MaxKeys=_OBJECTS_AT_ONCE)
        count = len(listed.get("Versions", [])) + len(listed.get("DeleteMarkers", []))
        more = "more than " if listed.get("IsTruncated") else ""
        return f"{more}{counted(count, 'object version')}" if count else ""

    def remove(self, aws: Aws, physical_id: str) -> str:
        s3 = aws.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=physical_id):
            versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if versions:
                named = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
                s3.delete_objects(Bucket=physical_id, Delete={"Objects": named, "Quiet": True})
        s3.delete_bucket(Bucket=physical_id)
        return "emptied and deleted"


class _Table(Kind):
    name = "table"

    def _look(self, aws: Aws, physical_id: str) -> str | None:
        dynamodb = aws.client("dynamodb")
        if dynamodb.describe_table(TableName=physical_id)["Table"]["TableStatus"] == "DELETING":
            return None
        # ItemCount is hours old.
        page = dynamodb.scan(TableName=physical_id, Limit=_OBJECTS_AT_ONCE, Select="COUNT", ConsistentRead=True)
        more = "more than " if "LastEvaluatedKey" in page else ""
        return f"{more}{counted(page['Count'], 'item')}" if page["Count"] else ""

    def remove(self, aws: Aws, physical_id: str) -> str:
        dynamodb = aws.client("dynamodb")
        dynamodb.update_table(TableName=physical_id, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=physical_id)
        dynamodb.delete_table(TableName=physical_id)
        return "deleted"


class _Authority(Kind):
    name = "CA"

    def _look(self, aws: Aws, physical_id: str) -> str | None:
        answer = aws.client("acm-pca").describe_certificate_authority(CertificateAuthorityArn=physical_id)
        status = str(answer["CertificateAuthority"]["Status"])
        if status == "DELETED":
            return None
        return f"{status}, at its monthly price"

    def remove(self, aws: Aws, physical_id: str) -> str:
        """A CA that is active has to be disabled first; one that never got its certificate is deleted at once.

        https://docs.aws.amazon.com/privateca/latest/userguide/PCADeleteCA.html
        """
        private_ca = aws.client("acm-pca")
        answer = private_ca.describe_certificate_authority(CertificateAuthorityArn=physical_id)
        if answer["CertificateAuthority"]["Status"] == "ACTIVE":
            private_ca.update_certificate_authority(CertificateAuthorityArn=physical_id, Status="DISABLED")
        private_ca.delete_certificate_authority(
            CertificateAuthorityArn=physical_id, PermanentDeletionTimeInDays=_CA_DAYS
        )
        return f"disabled; to be deleted in {_CA_DAYS} days, until then it can be restored"


class _Key(Kind):
    name = "key"

    def _look(self, aws: Aws, physical_id: str) -> str | None:
        described = aws.client("kms").describe_key(KeyId=physical_id)["KeyMetadata"]
        return None if described["KeyState"] == "PendingDeletion" else f"{described['KeyState'].lower()}, $1 a month"

    def remove(self, aws: Aws, physical_id: str) -> str:
        aws.client("kms").schedule_key_deletion(KeyId=physical_id, PendingWindowInDays=_KEY_DAYS)
        return f"to be deleted in {_KEY_DAYS} days, until then that can be cancelled"


KINDS: Mapping[str, Kind] = {
    "AWS::ACMPCA::CertificateAuthority": _Authority(),
    "AWS::DynamoDB::Table": _Table(),
    "AWS::DynamoDB::GlobalTable": _Table(),
    "AWS::S3::Bucket": _Bucket(),
    "AWS::Logs::LogGroup": _LogGroup(),
    "AWS::KMS::Key": _Key(),
}
"""By the type's name in CloudFormation, in the order of removal: nothing comes before what needs it."""
