"""PcaCertificateAutomation: everything an account needs to keep the certificates of a fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, Duration, Names, RemovalPolicy, TimeZone
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rolesanywhere as rolesanywhere
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from pca_automator._internal import buckets, times, validation
from pca_automator._internal.acknowledge import acknowledge, in_packs
from pca_automator._internal.encryption_key import automation_key
from pca_automator.algorithms import KeyAlgorithm, RevocationPolicy, SigningAlgorithm, UsageMode, ValidationPolicy
from pca_automator.automation_base import AutomationBase
from pca_automator.crl_budget import CrlBudget
from pca_automator.departure import HostDeparture
from pca_automator.enrolment import HostEnrolment
from pca_automator.fleet_monitoring import FleetAlarms, FleetDashboard
from pca_automator.functions import FunctionFactory, FunctionNetwork
from pca_automator.host_documents import HostDocuments
from pca_automator.host_functions import HostFunctions
from pca_automator.host_renewal import HostRenewal
from pca_automator.host_settings import HostSettings
from pca_automator.inventory import HostInventory
from pca_automator.monitoring import CrlAlarms
from pca_automator.notifications import FailureNotifications
from pca_automator.polling import Polling
from pca_automator.private_ca import PrivateCertificateAuthority
from pca_automator.registration import TagRegistration
from pca_automator.renewal_workflow import DEFAULT_CONCURRENCY, RenewalWorkflow
from pca_automator.revocation import CrlDistribution
from pca_automator.roles_anywhere import RolesAnywhereTrust

DEFAULT_SETTINGS = HostSettings()


class PcaCertificateAutomation(AutomationBase):
    """Certificates of AWS Private CA for a fleet: issued, renewed in time, proven, revocable.

    Every argument has a default; the construct alone makes a complete system.

    Args:
        certificate_path: directory of certificates on the hosts. Default: ``/etc/pca-automator/certs``.
        key_path: directory of private keys on the hosts. Default: ``/etc/pca-automator/private``.
        csr_path: directory of pending keys, CSRs and kept versions. Default: ``/var/lib/pca-automator``.
        ca_certificate_path: directory of the CA chain on the hosts. Default: ``/etc/pca-automator/certs``.
        signing_helper_path: directory of ``aws_signing_helper``. Default: ``/usr/local/bin``.
        hooks_path: directory of post-install hooks. Default: ``/etc/pca-automator/post-install.d``.
        hook_timeout: how long one hook may run. Default: one minute.
        key_algorithm: the hosts' keys. Default: RSA 2048.
        validation_policy: whether a new pair is proven with IAM Roles Anywhere before it goes live. Default: where
            the helper is installed.
        versions_kept: superseded versions kept on a host. Default: 1.
        instance_tags: send commands only to hosts with all these tags. Default: to any host of the inventory.
        validity: of the hosts' certificates, whole days. Default: 7 days.
        renewal_threshold: how long before not-after a certificate is due. Default: 2 days.
        renewal_jitter: window before that over which a fleet's due times spread. Default: a tenth of what is left of
            the validity, at most a day.
        certificate_authority: an existing, active CA. Default: a short-lived-mode root CA is created and activated.
        certificate_authority_usage_mode: mode of an existing CA. Default: general purpose.
        crl_bucket: where an existing CA writes its CRL, sending events to EventBridge. Default: a created CA gets a
            bucket; for an existing CA nothing listens for CRLs.
        ca_country: two letters. Default: none.
        ca_organization: Default: none.
        ca_common_name: Default: ``pca-automator``.
        ca_validity: of the created CA's certificate. Default: ten years.
        ca_key_algorithm: of the created CA. Default: RSA 2048.
        signing_algorithm: how the CA signs; must fit the CA's key. Default: the usual one for the created CA's key,
            SHA256WITHRSA for an existing CA.
        trust_anchor: an existing IAM Roles Anywhere trust anchor of the CA. Default: one is created.
        profile_roles: roles that certificates may assume, besides the test role. Default: none.
        table: an existing inventory table with partition key ``hostID``. Default: one is created.
        immediate_enrolment: renew a host within a minute after it is put into the inventory or changed there, not only
            at the next scheduled run. Default: yes; for an existing ``table`` only if it has a stream.
        enrol_by_tag: tags by which EC2 instances and managed nodes join the fleet by themselves; a machine must carry
            all of them. Default: a host joins when somebody puts it into the inventory.
        expected_hosts: size of the fleet, for a forecast of the CRL's size and the CA's quota at synthesis. Default:
            no forecast.
        revoke_on_retire: whether the certificates of a host that is terminated, deregistered or retired by hand are
            revoked. Default: always.
        revoke_replaced: whether a certificate is revoked once its successor is live. Default: never; a run with
            ``revokeReplaced`` does it in any case.
        encryption_key: key of table, topic, logs and work bucket. Default: a customer-managed key with rotation
            is created.
        notification_emails: addresses for failure reports. Default: none.
        topic: an existing SNS topic. Default: one is created.
        schedule: when runs start. Default: 03:15 and 15:15 UTC.
        schedule_interval: the longest time between two runs of the schedule. Default: 12 hours.
        max_concurrency: hosts renewed at once. Default: 200.
        tolerated_failure_percentage: share of failed hosts above which a run starts no further renewals. Default: 100.
        poll_interval: between two looks at a host. Default: 15 seconds.
        poll_attempts: looks at a host for each of its two commands. Default: 12.
        issuance_timeout: how long the workflow waits for the issuance event before it looks itself. Default: 2 minutes.
        architecture: of the functions. Default: arm64.
        dependency_layer: layer with the functions' packages. Default: built by pip at synthesis.
        log_retention: Default: one year.
        network: VPC, subnets and security groups of the functions. Default: no VPC.
        removal_policy: of table, CA, CRL bucket, key, work bucket and logs. Default: retain.
        alarms: whether alarms are made and publish to the topic. Default: yes.
        runway_alarm: alarm when a certificate of the fleet has less than this left. Default: half the renewal
            threshold.
        dashboard: whether a CloudWatch dashboard is made. Default: yes.

    Raises:
        ValueError: a value or a combination is not possible; names what was given and what is allowed.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        certificate_path: str = DEFAULT_SETTINGS.certificate_path,
        key_path: str = DEFAULT_SETTINGS.key_path,
        csr_path: str = DEFAULT_SETTINGS.csr_path,
        ca_certificate_path: str = DEFAULT_SETTINGS.ca_certificate_path,
        signing_helper_path: str = DEFAULT_SETTINGS.signing_helper_path,
        hooks_path: str = DEFAULT_SETTINGS.hooks_path,
        hook_timeout: Duration | None = None,
        key_algorithm: KeyAlgorithm = KeyAlgorithm.RSA_2048,
        validation_policy: ValidationPolicy = ValidationPolicy.IF_PRESENT,
        versions_kept: int = DEFAULT_SETTINGS.versions_kept,
        instance_tags: Mapping[str, str] | None = None,
        validity: Duration | None = None,
        renewal_threshold: Duration | None = None,
        renewal_jitter: Duration | None = None,
        certificate_authority: acmpca.ICertificateAuthority | None = None,
        certificate_authority_usage_mode: UsageMode | None = None,
        crl_bucket: s3.IBucket | None = None,
        ca_country: str | None = None,
        ca_organization: str | None = None,
        ca_common_name: str | None = None,
        ca_validity: Duration | None = None,
        ca_key_algorithm: KeyAlgorithm | None = None,
        signing_algorithm: SigningAlgorithm | None = None,
        trust_anchor: rolesanywhere.CfnTrustAnchor | None = None,
        profile_roles: Sequence[iam.IRole] = (),
        table: dynamodb.ITable | None = None,
        immediate_enrolment: bool = True,
        enrol_by_tag: Mapping[str, str] | None = None,
        expected_hosts: int | None = None,
        revoke_on_retire: RevocationPolicy = RevocationPolicy.ALWAYS,
        revoke_replaced: RevocationPolicy = RevocationPolicy.NEVER,
        encryption_key: kms.IKey | None = None,
        notification_emails: Sequence[str] = (),
        topic: sns.ITopic | None = None,
        schedule: scheduler.ScheduleExpression | None = None,
        schedule_interval: Duration | None = None,
        max_concurrency: int = DEFAULT_CONCURRENCY,
        tolerated_failure_percentage: float = 100,
        poll_interval: Duration | None = None,
        poll_attempts: int = 12,
        issuance_timeout: Duration | None = None,
        architecture: lambda_.Architecture | None = None,
        dependency_layer: lambda_.ILayerVersion | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        network: FunctionNetwork | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        alarms: bool = True,
        runway_alarm: Duration | None = None,
        dashboard: bool = True,
    ) -> None:
        super().__init__(scope, id)
        # Without this flag the CDK lets S3 write access logs by an ACL, which new buckets refuse.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)
        validity = validity or Duration.days(7)
        threshold = renewal_threshold or Duration.days(2)
        interval = schedule_interval or Duration.hours(12)
        jitter = renewal_jitter or times.default_jitter(validity, threshold)
        times.check_times(validity, threshold, interval, jitter)
        polling = Polling(
            interval=poll_interval or Duration.seconds(15),
            attempts=poll_attempts,
            issuance_timeout=issuance_timeout or Duration.minutes(2),
        )
        settings = HostSettings(
            certificate_path=certificate_path,
            key_path=key_path,
            csr_path=csr_path,
            ca_certificate_path=ca_certificate_path,
            signing_helper_path=signing_helper_path,
            hooks_path=hooks_path,
            hook_timeout=hook_timeout or DEFAULT_SETTINGS.hook_timeout,
            key_algorithm=key_algorithm,
            validation_policy=validation_policy,
            versions_kept=versions_kept,
        )

        self.automation_name: str = Names.unique_resource_name(self, max_length=64, separator="-")
        """Value of the metric dimension ``Automation``."""
        self.encryption_key: kms.IKey = encryption_key or automation_key(self, "Key", removal_policy)
        """Key of table, topic, logs and work bucket."""
        self._access_logs = self._make_access_log_bucket(removal_policy)
        self.dead_letters: sqs.IQueue = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        """Starts and events that could not be handled."""
        last = "It is the dead-letter queue of schedule, rules and function."
        acknowledge(self.dead_letters, {"AwsSolutions-SQS3": last, "Serverless-SQSRedrivePolicy": last})

        inventory = HostInventory(
            self, "Inventory", encryption_key=self.encryption_key, table=table, removal_policy=removal_policy
        )
        self.table: dynamodb.ITable = inventory.table
        """The inventory of hosts."""
        notifications = FailureNotifications(
            self, "Notifications", encryption_key=self.encryption_key, emails=notification_emails, topic=topic
        )
        self.topic: sns.ITopic = notifications.topic
        """Gets one message for each run with failures."""

        self.private_ca: PrivateCertificateAuthority | None = None
        """The created CA; None where an existing one is used."""
        if certificate_authority is None:
            self.private_ca = PrivateCertificateAuthority(
                self,
                "PrivateCA",
                access_log_bucket=self._access_logs,
                common_name=ca_common_name or "pca-automator",
                country=ca_country,
                crl_bucket=crl_bucket,
                key_algorithm=ca_key_algorithm or KeyAlgorithm.RSA_2048,
                organization=ca_organization,
                removal_policy=removal_policy,
                signing_algorithm=signing_algorithm,
                validity=ca_validity,
            )
            certificate_authority = self.private_ca.certificate_authority
        else:
            _refuse_ca_props(
                ca_country=ca_country,
                ca_organization=ca_organization,
                ca_common_name=ca_common_name,
                ca_validity=ca_validity,
                ca_key_algorithm=ca_key_algorithm,
            )
        self.certificate_authority: acmpca.ICertificateAuthority = certificate_authority
        """The CA that issues."""
        self.crl_bucket: s3.IBucket | None = self.private_ca.crl_bucket if self.private_ca else crl_bucket
        """Where the CA writes its CRL."""
        usage_mode = self.private_ca.usage_mode if self.private_ca else certificate_authority_usage_mode
        times.check_validity(validity, usage_mode or UsageMode.GENERAL_PURPOSE)
        if signing_algorithm is None:
            signing_algorithm = self.private_ca.signing_algorithm if self.private_ca else SigningAlgorithm.SHA256WITHRSA

        self.trust = RolesAnywhereTrust(
            self,
            "RolesAnywhere",
            certificate_authority=self.certificate_authority,
            depends_on=self.private_ca.activation if self.private_ca else None,
            issuer_common_name=self.private_ca.common_name if self.private_ca else None,
            profile_roles=profile_roles,
            trust_anchor=trust_anchor,
        )
        """Trust anchor, profile and test role."""
        self.documents = HostDocuments(self, "Documents", instance_tags=instance_tags)
        """What runs on the hosts."""
        factory = FunctionFactory(
            self,
            "Functions",
            architecture=architecture,
            automation_name=self.automation_name,
            dependency_layer=dependency_layer,
            encryption_key=self.encryption_key,
            log_retention=log_retention,
            network=network,
            removal_policy=removal_policy,
        )
        self.host_functions = HostFunctions(
            self,
            "HostFunctions",
            certificate_authority=self.certificate_authority,
            dead_letters=self.dead_letters,
            documents=self.documents,
            factory=factory,
            polling=polling,
            renewal_jitter=jitter,
            renewal_threshold=threshold,
            revoke_replaced=revoke_replaced,
            settings=settings,
            signing_algorithm=signing_algorithm,
            inventory=inventory,
            trust=self.trust,
            validity=validity,
        )
        """The functions that renew one host."""
        host_renewal = HostRenewal(self, "HostRenewal", functions=self.host_functions, polling=polling)
        self.workflow = RenewalWorkflow(
            self,
            "Workflow",
            access_log_bucket=self._access_logs,
            dead_letters=self.dead_letters,
            encryption_key=self.encryption_key,
            factory=factory,
            host_renewal=host_renewal,
            log_retention=log_retention,
            max_concurrency=max_concurrency,
            notifications=notifications,
            removal_policy=removal_policy,
            schedule=schedule or _default_schedule(),
            schedule_interval=interval,
            inventory=inventory,
            tolerated_failure_percentage=tolerated_failure_percentage,
        )
        """Which hosts are due, the map over them, the report, the schedule."""
        self.enrolment = self._enrol_immediately(inventory, factory) if immediate_enrolment else None
        """Starts the workflow for hosts that are new or changed; None where only the schedule does."""
        self.registration: TagRegistration | None = None
        """Puts tagged machines into the inventory; None where no tag is given."""
        if enrol_by_tag is not None:
            self.registration = TagRegistration(
                self,
                "Registration",
                dead_letters=self.dead_letters,
                factory=factory,
                inventory=inventory,
                tags=enrol_by_tag,
            )
        self.departure = HostDeparture(
            self,
            "Departure",
            certificate_authority=self.certificate_authority,
            dead_letters=self.dead_letters,
            documents=self.documents,
            factory=factory,
            inventory=inventory,
            notifications=notifications,
            polling=polling,
            revoke=revoke_on_retire,
            settings=settings,
        )
        """Retires hosts that leave."""
        self.crl_distribution: CrlDistribution | None = None
        """Takes the CA's CRL into IAM Roles Anywhere; None where no CRL bucket is known."""
        if self.crl_bucket is not None:
            self.crl_distribution = CrlDistribution(
                self,
                "Revocation",
                certificate_authority=self.certificate_authority,
                crl_bucket=self.crl_bucket,
                dead_letters=self.dead_letters,
                factory=factory,
                notifications=notifications,
                trust=self.trust,
            )
            if alarms:
                self.crl_alarms = CrlAlarms(
                    self,
                    "CrlAlarms",
                    automation_name=self.automation_name,
                    dead_letters={
                        "UnhandledEvents": self.dead_letters,
                        "UnhandledCrls": self.crl_distribution.dead_letters,
                    },
                    next_update_margin=Duration.days(1) if self.private_ca else None,
                    notifications=notifications,
                )
                """Size and age of the CRL in force, and the dead-letter queues."""
            if expected_hosts is not None and not any(each.is_unresolved() for each in (validity, threshold, jitter)):
                validation.whole_number("expected_hosts", expected_hosts, 1, 10_000_000)
                CrlBudget(
                    hosts=expected_hosts,
                    validity=validity,
                    remaining=Duration.seconds(threshold.to_seconds() + jitter.to_seconds() / 2),
                    revoke_on_retire=revoke_on_retire,
                    revoke_replaced=revoke_replaced,
                ).warn(self)

        self.alarms: FleetAlarms | None = None
        """Least time left, runs that did not happen or broke; None where alarms are switched off."""
        if alarms:
            self.alarms = FleetAlarms(
                self,
                "Alarms",
                automation=self,
                dead_letters={} if self.crl_distribution else {"UnhandledEvents": self.dead_letters},
                notifications=notifications,
                renewal_threshold=threshold,
                runway=runway_alarm,
                schedule_interval=interval,
            )
        if dashboard:
            queues = {"events and starts": self.dead_letters}
            if self.crl_distribution:
                queues["CRLs"] = self.crl_distribution.dead_letters
            FleetDashboard(
                self, "Dashboard", alarms=self.alarms.all if self.alarms else [], automation=self, queues=queues
            )

    @property
    def state_machine(self) -> sfn.IStateMachine:
        """Start an execution of it to run now."""
        return self.workflow.state_machine

    def _enrol_immediately(self, inventory: HostInventory, factory: FunctionFactory) -> HostEnrolment | None:
        if inventory.table.table_stream_arn is None:
            Annotations.of(self).add_warning_v2(
                "pca-automator:no-stream",
                "the given table has no stream that this stack knows of, so hosts are enrolled at the next scheduled "
                "run; import it with table_stream_arn, or set immediate_enrolment to False",
            )
            return None
        return HostEnrolment(
            self,
            "Enrolment",
            dead_letters=self.dead_letters,
            factory=factory,
            state_machine=self.workflow.state_machine,
            stream_key=inventory.table.encryption_key,
            table=inventory.table,
        )

    def _make_access_log_bucket(self, removal_policy: RemovalPolicy) -> s3.Bucket:
        bucket = buckets.private_bucket(self, "AccessLogs", removal_policy=removal_policy)
        bucket.add_lifecycle_rule(expiration=Duration.days(365), noncurrent_version_expiration=Duration.days(1))
        acknowledge(
            bucket,
            dict.fromkeys(
                in_packs("S3DefaultEncryptionKMS"), "S3 delivers server access logs to SSE-S3 buckets alone."
            ),
        )
        return bucket


def _default_schedule() -> scheduler.ScheduleExpression:
    return scheduler.ScheduleExpression.cron(hour="3,15", minute="15", time_zone=TimeZone.ETC_UTC)


def _refuse_ca_props(**given: object) -> None:
    names = [name for name, value in given.items() if value is not None]
    if names:
        raise ValueError(
            f"certificate_authority is given together with {', '.join(names)}: these describe a CA that is created; "
            "leave them out, or leave certificate_authority out"
        )
