"""PcaCertificateAutomation: everything an account needs to keep the certificates of a fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, Duration, Names, RemovalPolicy
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.interfaces.aws_rolesanywhere import ITrustAnchorRef
from constructs import Construct

from pca_automator._internal import buckets
from pca_automator._internal.encryption_key import allow_services, automation_key
from pca_automator._internal.queues import dead_letter_queue
from pca_automator.authority.algorithms import (
    KeyAlgorithm,
    ReplacementRevocation,
    RevocationPolicy,
    SigningAlgorithm,
    UsageMode,
    ValidationPolicy,
)
from pca_automator.authority.existing_ca import ExistingCertificateAuthority
from pca_automator.authority.private_ca import PrivateCertificateAuthority
from pca_automator.authority.roles_anywhere import RolesAnywhereTrust
from pca_automator.automation_base import AutomationBase, ImportedAutomation
from pca_automator.functions.factory import FunctionFactory, FunctionNetwork
from pca_automator.hosts.documents import HostDocuments
from pca_automator.hosts.settings import HostSettings
from pca_automator.inventory.table import HostInventory
from pca_automator.membership.enrolment import HostEnrolment, has_stream
from pca_automator.membership.registration import TagRegistration
from pca_automator.membership.retirement import HostDeparture
from pca_automator.monitoring import crl_budget
from pca_automator.monitoring.crl_alarms import CrlAlarms
from pca_automator.monitoring.dashboard import FleetDashboard
from pca_automator.monitoring.fleet_alarms import FleetAlarms
from pca_automator.renewal.host_functions import HostFunctions
from pca_automator.renewal.host_renewal import HostRenewal
from pca_automator.renewal.polling import Polling
from pca_automator.renewal.times import RenewalTimes
from pca_automator.renewal.workflow import DEFAULT_CONCURRENCY, RenewalWorkflow
from pca_automator.reporting.digest import FleetDigest
from pca_automator.reporting.notifications import FailureNotifications
from pca_automator.revocation.crl_distribution import CrlDistribution

DEFAULT_SETTINGS = HostSettings()


class PcaCertificateAutomation(AutomationBase):
    """Certificates of AWS Private CA for a fleet: issued, renewed in time, proven, revocable.

    Every argument has a default; the construct alone makes a complete system.

    https://docs.aws.amazon.com/privateca/latest/userguide/PcaWelcome.html

    Args:
        certificate_path: directory of certificates on the hosts. Default: ``/etc/pca-automator/certs``.
        key_path: directory of private keys on the hosts. Default: ``/etc/pca-automator/private``.
        csr_path: directory of pending keys, CSRs and kept versions. Default: ``/var/lib/pca-automator``.
        ca_certificate_path: directory of the CA chain on the hosts. Default: ``/etc/pca-automator/certs``.
        signing_helper_path: directory of ``aws_signing_helper``. Default: ``/usr/local/bin``.
        hooks_path: directory of post-install hooks. Default: ``/etc/pca-automator/post-install.d``.
        hook_timeout: how long all hooks of a host may run together; should be shorter than ``poll_interval``
            times ``poll_attempts``. Default: one minute.
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
        ca_country: of the created CA's subject, two letters. Default: none.
        ca_organization: of the created CA's subject. Default: none.
        ca_common_name: of the created CA's subject. Default: ``pca-automator``.
        ca_validity: of the created CA's certificate. Default: ten years.
        ca_key_algorithm: of the created CA. Default: RSA 2048.
        signing_algorithm: how the CA signs; must fit the CA's key. Default: the usual one for the created CA's key,
            SHA256WITHRSA for an existing CA.
        trust_anchor: an existing IAM Roles Anywhere trust anchor of the CA, such as
            ``CfnTrustAnchor.from_trust_anchor_arn`` gives. Default: one is created.
        profile_roles: roles that certificates may assume, besides the test role. Default: none.
        table: an existing inventory table with partition key ``hostID``. Default: one is created.
        immediate_enrolment: renew a host within a minute after it is put into the inventory or changed there, not only
            at the next scheduled run. Default: yes; for an existing ``table`` only if it has a stream.
        enrol_by_tag: tags by which EC2 instances and managed nodes join the fleet by themselves; a machine must carry
            all of them. Default: a host joins when somebody puts it into the inventory.
        expected_hosts: size of the fleet, for a forecast of the CRL's size and the CA's quota at synthesis.
            Default: no forecast.
        revoke_on_retire: whether the certificates of a host that is terminated, deregistered or retired by hand are
            revoked. Default: always.
        revoke_replaced: which runs revoke a certificate once its successor is live: none, those that re-issue
            everything, or all. Default: none; a run with ``"revokeReplaced": true`` does it in any case.
        encryption_key: key of table, topic, logs and work bucket; its policy must let CloudWatch Logs and alarms use
            it, which is added to a key made in this app and said at synthesis for an imported one. Default: a
            customer-managed key with rotation is created.
        notification_emails: addresses for failure reports. Default: none.
        topic: an existing SNS topic. Default: one is created.
        schedule: when runs start. Default: 03:15 and 15:15 UTC.
        schedule_interval: the longest time between two runs of the schedule. Default: 12 hours.
        max_concurrency: hosts renewed at once. Default: 200.
        tolerated_failure_percentage: share of failed hosts above which a run starts no further renewals; no token, for
            the CDK's Distributed Map takes none. Default: 100.
        poll_interval: between two looks at a host. Default: 15 seconds.
        poll_attempts: looks at a host for each of its two commands. Default: 12.
        issuance_timeout: how long the workflow waits for the issuance event before it looks itself. Default: 2 minutes.
        architecture: of the functions. Default: arm64.
        dependency_layer: layer with the functions' packages. Default: built by pip at synthesis.
        log_retention: how long logs are kept. Default: one year.
        network: VPC, subnets and security groups of the functions. Default: no VPC.
        removal_policy: of table, CA, CRL bucket, key, work bucket and logs. Default: retain.
        alarms: whether alarms are made and publish to the topic. Default: yes.
        runway_alarm: alarm when a certificate of the fleet has less than this left. Default: half the renewal
            threshold.
        ca_expiry_alarm: alarm when the CA's own certificate has less than this left. Default: 90 days,
            or half of ``ca_validity`` if that is less.
        crl_expiry_alarm: alarm when no newer CRL is in force this long before the ``nextUpdate`` of the present one.
            Default: a day for a created CA, 12 hours for an existing one.
        crl_size_alarm_percentage: alarm when the CRL has this share of the 300,000 bytes that IAM Roles Anywhere
            takes. Default: 80.
        dashboard: whether a CloudWatch dashboard is made. Default: yes.
        digest_schedule: when a mail about the fleet, its CA and its CRL is sent, such as once a day, whether anything
            failed or not. Default: never.

    Raises:
        ValueError: a value or a combination is not possible; names what was given and what is allowed.
    """

    certificate_authority: acmpca.ICertificateAuthority
    """The CA that issues."""
    private_ca: PrivateCertificateAuthority | None
    """The created CA; None where an existing one is used."""
    trust: RolesAnywhereTrust
    """Trust anchor, profile and test role; makes roles for workloads."""
    topic: sns.ITopic
    """Gets one message for each run with failures."""
    documents: HostDocuments
    """What runs on the hosts."""
    host_functions: HostFunctions
    """The functions that renew one host."""
    workflow: RenewalWorkflow
    """Which hosts are due, the map over them, the report, the schedule."""
    enrolment: HostEnrolment | None
    """Starts the workflow for hosts that are new or changed; None where only the schedule does."""
    registration: TagRegistration | None
    """Puts tagged machines into the inventory; None where no tag is given."""
    departure: HostDeparture
    """Retires hosts that leave."""
    crl_distribution: CrlDistribution | None
    """Takes the CA's CRL into IAM Roles Anywhere; None where no CRL bucket is known."""
    crl_alarms: CrlAlarms | None
    """Size and age of the CRL in force, and the dead-letter queues; None without a CRL or alarms."""
    digest: FleetDigest | None
    """Sends the digest; None where none is asked for."""
    alarms: FleetAlarms | None
    """Least time left, runs that did not happen or broke; None where alarms are switched off."""

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
        trust_anchor: ITrustAnchorRef | None = None,
        profile_roles: Sequence[iam.IRole] = (),
        table: dynamodb.ITable | None = None,
        immediate_enrolment: bool = True,
        enrol_by_tag: Mapping[str, str] | None = None,
        expected_hosts: int | None = None,
        revoke_on_retire: RevocationPolicy = RevocationPolicy.ALWAYS,
        revoke_replaced: ReplacementRevocation = ReplacementRevocation.NEVER,
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
        ca_expiry_alarm: Duration | None = None,
        crl_expiry_alarm: Duration | None = None,
        crl_size_alarm_percentage: float = 80,
        dashboard: bool = True,
        digest_schedule: scheduler.ScheduleExpression | None = None,
    ) -> None:
        super().__init__(scope, id)
        # Without this flag the CDK lets S3 write access logs by an ACL, which new buckets refuse.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)
        times = RenewalTimes(
            validity=validity, threshold=renewal_threshold, interval=schedule_interval, jitter=renewal_jitter
        )
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
        if polling.gives_up_during(settings.hook_timeout):
            Annotations.of(self).add_warning_v2(
                "pca-automator:hooks-outlast-polls",
                f"hook_timeout is {settings.hook_timeout.to_human_string()}, but the workflow looks at a host for "
                f"{polling.window} (poll_interval times poll_attempts): a host whose hooks take longer "
                "is reported as failed although its new certificate may be live; shorten the one or lengthen the other",
            )

        self.automation_name = Names.unique_resource_name(self, max_length=64, separator="-")
        self.encryption_key = encryption_key or automation_key(self, "Key", removal_policy)
        if encryption_key is not None:
            allow_services(encryption_key, self)
        access_logs = buckets.access_log_bucket(self, "AccessLogs", removal_policy=removal_policy)
        self.dead_letters = dead_letter_queue(self, "DeadLetters")
        inventory = HostInventory(
            self, "Inventory", encryption_key=self.encryption_key, table=table, removal_policy=removal_policy
        )
        self.table = inventory.table
        notifications = FailureNotifications(
            self, "Notifications", encryption_key=self.encryption_key, emails=notification_emails, topic=topic
        )
        self.topic = notifications.topic

        self.private_ca = None
        authority: ExistingCertificateAuthority | PrivateCertificateAuthority
        if certificate_authority is not None:
            _refuse(
                "certificate_authority is given together with {}: these describe a CA that is created",
                ca_country=ca_country,
                ca_organization=ca_organization,
                ca_common_name=ca_common_name,
                ca_validity=ca_validity,
                ca_key_algorithm=ca_key_algorithm,
            )
            authority = ExistingCertificateAuthority(
                certificate_authority=certificate_authority,
                crl_bucket=crl_bucket,
                signing_algorithm=signing_algorithm or SigningAlgorithm.SHA256WITHRSA,
                usage_mode=certificate_authority_usage_mode or UsageMode.GENERAL_PURPOSE,
            )
        else:
            _refuse(
                "{} is given without certificate_authority: it describes an existing CA",
                certificate_authority_usage_mode=certificate_authority_usage_mode,
            )
            authority = self.private_ca = PrivateCertificateAuthority(
                self,
                "PrivateCA",
                access_log_bucket=access_logs,
                common_name="pca-automator" if ca_common_name is None else ca_common_name,
                country=ca_country,
                crl_bucket=crl_bucket,
                key_algorithm=ca_key_algorithm or KeyAlgorithm.RSA_2048,
                organization=ca_organization,
                removal_policy=removal_policy,
                signing_algorithm=signing_algorithm,
                validity=ca_validity,
            )
        times.check_usage_mode(authority.usage_mode)
        self.certificate_authority = authority.certificate_authority
        self.crl_bucket = authority.crl_bucket
        self.trust = RolesAnywhereTrust(
            self,
            "RolesAnywhere",
            certificate_authority=self.certificate_authority,
            depends_on=authority.activation,
            issuer_common_name=authority.common_name,
            profile_roles=profile_roles,
            trust_anchor=trust_anchor,
        )

        self.documents = HostDocuments(self, "Documents", instance_tags=instance_tags)
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
            inventory=inventory,
            polling=polling,
            settings=settings,
            signing_algorithm=authority.signing_algorithm,
            times=times,
            trust=self.trust,
            crl_bucket=self.crl_bucket,
        )
        self.workflow = RenewalWorkflow(
            self,
            "Workflow",
            access_log_bucket=access_logs,
            certificate_authority=self.certificate_authority,
            dead_letters=self.dead_letters,
            encryption_key=self.encryption_key,
            factory=factory,
            host_renewal=HostRenewal(self, "HostRenewal", functions=self.host_functions, polling=polling),
            inventory=inventory,
            log_retention=log_retention,
            max_concurrency=max_concurrency,
            notifications=notifications,
            removal_policy=removal_policy,
            revoke_replaced=revoke_replaced,
            schedule=schedule,
            schedule_interval=times.interval,
            tolerated_failure_percentage=tolerated_failure_percentage,
        )

        self.enrolment = None
        if immediate_enrolment and has_stream(self.table, warn=self):
            self.enrolment = HostEnrolment(
                self,
                "Enrolment",
                dead_letters=self.dead_letters,
                factory=factory,
                state_machine=self.state_machine,
                table=self.table,
            )
        self.registration = None
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
            crl_bucket=self.crl_bucket,
            stream_arn=self.table.table_stream_arn if self.enrolment else None,
        )
        self.crl_distribution = None
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
            if expected_hosts is not None:
                crl_budget.forecast(
                    self,
                    hosts=expected_hosts,
                    times=times,
                    revoke_on_retire=revoke_on_retire,
                    revoke_replaced=revoke_replaced,
                )

        self.digest = None
        if digest_schedule is not None:
            self.digest = FleetDigest(
                self,
                "Digest",
                certificate_authority=self.certificate_authority,
                crl_name=self.crl_distribution.crl_name if self.crl_distribution else None,
                dead_letters=self.dead_letters,
                factory=factory,
                inventory=inventory,
                notifications=notifications,
                schedule=digest_schedule,
                schedule_interval=times.interval,
                trust_anchor_arn=self.trust.trust_anchor_arn if self.crl_distribution else None,
            )

        queues: dict[str, sqs.IQueue] = {"UnhandledEvents": self.dead_letters}
        if self.crl_distribution is not None:
            queues["UnhandledCrls"] = self.crl_distribution.dead_letters
        self.crl_alarms = None
        if alarms and self.crl_distribution is not None:
            self.crl_alarms = CrlAlarms(
                self,
                "CrlAlarms",
                automation_name=self.automation_name,
                dead_letters=queues,
                max_percentage=crl_size_alarm_percentage,
                crl_expiry=self.private_ca.crl_expiry if self.private_ca else None,
                next_update_margin=crl_expiry_alarm or (Duration.days(1) if self.private_ca else None),
                notifications=notifications,
            )
        self.alarms = None
        if alarms:
            self.alarms = FleetAlarms(
                self,
                "Alarms",
                automation=self,
                ca_expiry=ca_expiry_alarm,
                ca_validity=ca_validity,
                dead_letters={} if self.crl_alarms else queues,
                notifications=notifications,
                renewal_threshold=times.threshold,
                runway=runway_alarm,
                schedule_interval=times.interval,
            )
        if dashboard:
            FleetDashboard(
                self,
                "Dashboard",
                alarms=[*(self.alarms.all if self.alarms else []), *(self.crl_alarms.all if self.crl_alarms else [])],
                automation=self,
                crl=self.crl_distribution is not None,
                membership=[
                    *(["HostsEnrolled", "HostsRemoved"] if self.enrolment else []),
                    *(["HostsRegistered"] if self.registration else []),
                ],
                queues=queues,
            )

    @property
    def state_machine(self) -> sfn.IStateMachine:
        """Start an execution of it to run now."""
        return self.workflow.state_machine

    @classmethod
    def from_automation_attributes(
        cls,
        scope: Construct,
        id: str,
        *,
        automation_name: str,
        certificate_authority_arn: str,
        dead_letter_queue_arn: str,
        encryption_key_arn: str,
        state_machine_arn: str,
        table_arn: str,
        crl_bucket_name: str | None = None,
    ) -> ImportedAutomation:
        """A deployed automation, seen from another stack: the same grants, metrics and events.

        The sample stack has an output for each of these.

        Args:
            scope: where it is needed.
            id: its construct id.
            automation_name: value of the metric dimension ``Automation``.
            certificate_authority_arn: of the CA that issues.
            dead_letter_queue_arn: of the queue of what could not be handled.
            encryption_key_arn: of the inventory's key.
            state_machine_arn: of the workflow.
            table_arn: of the inventory.
            crl_bucket_name: of the bucket that the CA writes its CRL to. Default: it writes none.
        """
        return ImportedAutomation(
            scope,
            id,
            automation_name=automation_name,
            certificate_authority_arn=certificate_authority_arn,
            dead_letter_queue_arn=dead_letter_queue_arn,
            encryption_key_arn=encryption_key_arn,
            state_machine_arn=state_machine_arn,
            table_arn=table_arn,
            crl_bucket_name=crl_bucket_name,
        )


def _refuse(message: str, **given: object) -> None:
    names = [name for name, value in given.items() if value is not None]
    if names:
        raise ValueError(f"{message.format(', '.join(names))}; leave one or the other out")
