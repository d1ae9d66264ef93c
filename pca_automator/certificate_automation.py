"""PcaCertificateAutomation: everything an account needs to keep the certificates of a fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Names, RemovalPolicy
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.interfaces.aws_rolesanywhere import ITrustAnchorRef
from constructs import Construct

from pca_automator._internal import buckets, validation
from pca_automator._internal.acknowledge import note_acknowledgements, write_for_cdk_nag_2
from pca_automator._internal.arguments import checked
from pca_automator._internal.encryption_key import allow_services, automation_key
from pca_automator._internal.handed_in import check_key
from pca_automator._internal.queues import dead_letter_queue
from pca_automator.authority.private_ca import PrivateCertificateAuthority
from pca_automator.authority.profiles import CertificateProfile, CertificateProfiles
from pca_automator.authority.roles_anywhere import RolesAnywhereTrust
from pca_automator.authority.source import Authority
from pca_automator.automation_base import AutomationBase
from pca_automator.functions.factory import FunctionFactory
from pca_automator.functions.settings import FunctionSettings
from pca_automator.hosts.documents import HostDocuments
from pca_automator.hosts.settings import HostSettings
from pca_automator.inventory.ledger import CertificateLedger
from pca_automator.inventory.table import HostInventory
from pca_automator.membership.enrolment import HostEnrolment, has_stream
from pca_automator.membership.registration import TagRegistration, check_profile_tag, check_tags
from pca_automator.membership.retirement import HostDeparture
from pca_automator.monitoring import crl_budget
from pca_automator.monitoring.crl_alarms import CrlAlarms
from pca_automator.monitoring.fleet_alarms import FleetAlarms
from pca_automator.monitoring.options import Alarms
from pca_automator.monitoring.watch import watch
from pca_automator.renewal.host_functions import HostFunctions
from pca_automator.renewal.host_renewal import HostRenewal
from pca_automator.renewal.pace import Pace
from pca_automator.renewal.start_ledger import StartLedger
from pca_automator.renewal.times import RenewalTimes
from pca_automator.renewal.workflow import RenewalWorkflow
from pca_automator.reporting.digest import FleetDigest
from pca_automator.reporting.notifications import FailureNotifications
from pca_automator.revocation.crl_distribution import CrlDistribution
from pca_automator.revocation.policies import ReplacementRevocation, RevocationPolicy


class PcaCertificateAutomation(AutomationBase):
    """Certificates of AWS Private CA for a fleet: issued, renewed in time, proven, revocable.

    Every argument has a default; the construct alone makes a complete system.

    https://docs.aws.amazon.com/privateca/latest/userguide/PcaWelcome.html

    Args:
        authority: the CA, :meth:`Authority.created` or :meth:`Authority.existing`. Default: a short-lived-mode root CA.
        hosts: directories on the hosts, their keys, and how they prove and keep certificates. Default: as
            :class:`HostSettings` says.
        profiles: what certificates are for, by name; an item's ``certificateProfile`` chooses one, ``default`` is that
            of all others. Default: certificates for clients and servers, with no name but the host's id.
        times: how long certificates live and when they are due. Default: 7 days, renewed 2 days before the end.
        pace: how many hosts at once, and how long the workflow waits for each. Default: as :class:`Pace` says.
        functions: processors, packages, network and logs of the functions. Default: as :class:`FunctionSettings` says.
        alarms: thresholds of the alarms; :meth:`Alarms.none` makes none. Default: as :class:`Alarms` says.
        instance_tags: send commands only to hosts with all these tags. Default: to any host of the inventory.
        trust_anchor: an existing IAM Roles Anywhere trust anchor of the CA, such as
            ``CfnTrustAnchor.from_trust_anchor_arn`` gives. Default: one is created.
        profile_roles: roles that certificates may assume, besides the test role. Default: none.
        table: an existing inventory table with partition key ``hostID``. Default: one is created.
        immediate_enrolment: renew a host within a minute after it is put into the inventory or changed there, not only
            at the next scheduled run. Default: yes; for an existing ``table`` only if it has a stream.
        enrol_by_tag: tags by which EC2 instances and managed nodes join the fleet by themselves; a machine must carry
            all of them. Default: a host joins when somebody puts it into the inventory.
        profile_tag: the tag whose value names the certificate profile of a machine that joins by ``enrol_by_tag``.
            Default: such a machine has the default profile.
        expected_hosts: size of the fleet, for a forecast of the CRL's size and the CA's quota at synthesis.
            Default: no forecast.
        revoke_on_retire: whether the certificates of a host that leaves or is retired are revoked. Default: always.
        revoke_replaced: which runs revoke a certificate once its successor is live: none, those that re-issue
            everything, or all. Default: none; a run with ``"revokeReplaced": true`` does it in any case.
        encryption_key: key of table, topic, logs and work bucket; its policy must let CloudWatch Logs and alarms use
            it, which is added to a key made in this app and said at synthesis for an imported one. Default: a
            customer-managed key with rotation is created.
        notification_emails: addresses for failure reports. Default: none.
        topic: an existing SNS topic. Default: one is created.
        schedule: when runs start, at least once in the ``interval`` of ``times``. Default: 03:15 and 15:15 UTC.
        removal_policy: of table, CA, CRL bucket, key, work bucket and logs. Default: retain.
        dashboard: whether a CloudWatch dashboard is made. Default: yes.
        digest_schedule: when a mail about fleet, CA and CRL is sent, whether anything failed or not. Default: never.

    Raises:
        ValueError: a value or a combination is not possible; names what was given and what is allowed.
    """

    certificate_authority: acmpca.ICertificateAuthority
    """The CA that issues."""
    private_ca: PrivateCertificateAuthority | None
    """The created CA; None where an existing one is used."""
    ledger: CertificateLedger
    """Every certificate that was asked for, until it has run out."""
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

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        authority: Authority | None = None,
        hosts: HostSettings | None = None,
        profiles: Mapping[str, CertificateProfile] | None = None,
        times: RenewalTimes | None = None,
        pace: Pace | None = None,
        functions: FunctionSettings | None = None,
        alarms: Alarms | None = None,
        instance_tags: Mapping[str, str] | None = None,
        trust_anchor: ITrustAnchorRef | None = None,
        profile_roles: Sequence[iam.IRole] = (),
        table: dynamodb.ITable | None = None,
        immediate_enrolment: bool = True,
        enrol_by_tag: Mapping[str, str] | None = None,
        profile_tag: str | None = None,
        expected_hosts: int | None = None,
        revoke_on_retire: RevocationPolicy = RevocationPolicy.ALWAYS,
        revoke_replaced: ReplacementRevocation = ReplacementRevocation.NEVER,
        encryption_key: kms.IKey | None = None,
        notification_emails: Sequence[str] = (),
        topic: sns.ITopic | None = None,
        schedule: scheduler.ScheduleExpression | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        dashboard: bool = True,
        digest_schedule: scheduler.ScheduleExpression | None = None,
    ) -> None:
        """Longer than a function should be, for it is the table of contents: one part after the other, no decision."""
        super().__init__(scope, id)
        noted = note_acknowledgements()
        authority, hosts, times = authority or Authority.created(), hosts or HostSettings(), times or RenewalTimes()
        pace, alarms, times = pace or Pace(), alarms or Alarms(), times.on_schedule(schedule, self)
        declared = CertificateProfiles(profiles)
        validation.emails("notification_emails", notification_emails)
        check_tags("enrol_by_tag", enrol_by_tag)
        check_profile_tag(profile_tag, enrol_by_tag)
        pace.polling.warn_of_long_hooks(self, hosts.hook_timeout)
        # Without this flag the CDK lets S3 write access logs by an ACL, which new buckets refuse.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)

        self.automation_name = Names.unique_resource_name(self, max_length=64, separator="-")
        self.encryption_key = encryption_key or automation_key(self, "Key", removal_policy)
        if encryption_key is not None:
            check_key(self, "encryption_key", encryption_key)
            allow_services(encryption_key, self)
        access_logs = buckets.access_log_bucket(self, "AccessLogs", removal_policy=removal_policy)
        self.dead_letters = dead_letter_queue(self, "DeadLetters")
        inventory = HostInventory(
            self, "Inventory", encryption_key=self.encryption_key,
            longest_lease_seconds=pace.polling.longest_lease_seconds(times.interval),
            removal_policy=removal_policy, table=table, validity=times.validity,
        )  # fmt: skip
        self.table = inventory.table
        self.ledger = CertificateLedger(
            self, "Ledger", access_log_bucket=access_logs, encryption_key=self.encryption_key,
            removal_policy=removal_policy,
        )  # fmt: skip
        notifications = FailureNotifications(
            self, "Notifications", encryption_key=self.encryption_key, emails=notification_emails, topic=topic
        )
        self.topic = notifications.topic

        issuing = authority.bind(self, "PrivateCA", access_log_bucket=access_logs, removal_policy=removal_policy)
        times.check(issuing.usage_mode, declared.all)
        declared.warn(self)
        self.private_ca = issuing if isinstance(issuing, PrivateCertificateAuthority) else None
        self.certificate_authority, self.crl_bucket = issuing.certificate_authority, issuing.crl_bucket
        self.trust = RolesAnywhereTrust(
            self, "RolesAnywhere", authority=issuing, profile_roles=profile_roles, trust_anchor=trust_anchor
        )

        self.documents = HostDocuments(
            self, "Documents", instance_tags=instance_tags, pins=issuing.pins,
            proof_window=pace.polling.proof_window(hosts.hook_timeout), request_lease=pace.polling.lease,
            settings=hosts, trust=self.trust,
        )  # fmt: skip
        factory = FunctionFactory(
            self, "Functions", automation_name=self.automation_name, encryption_key=self.encryption_key,
            removal_policy=removal_policy, settings=functions,
        )  # fmt: skip
        starts = StartLedger(self, "StartLedger", encryption_key=self.encryption_key, removal_policy=removal_policy)
        self.host_functions = HostFunctions(
            self, "HostFunctions", authority=issuing, dead_letters=self.dead_letters, documents=self.documents,
            factory=factory, inventory=inventory, issuance_budget=pace.issuance_budget, ledger=self.ledger,
            polling=pace.polling, profiles=declared, settings=hosts, starts=starts, times=times,
        )  # fmt: skip
        self.workflow = RenewalWorkflow(
            self, "Workflow", access_log_bucket=access_logs, authority=issuing, dead_letters=self.dead_letters,
            encryption_key=self.encryption_key, factory=factory,
            host_renewal=HostRenewal(self, "HostRenewal", functions=self.host_functions, polling=pace.polling),
            host_settings=hosts, inventory=inventory, notifications=notifications, pace=pace,
            removal_policy=removal_policy, revoke_replaced=revoke_replaced, schedule=schedule,
            schedule_interval=times.interval, starts=starts, trust_anchor_arn=self.trust.trust_anchor_arn,
        )  # fmt: skip

        self.enrolment = None
        if immediate_enrolment and has_stream(self.table, warn=self):
            self.enrolment = HostEnrolment(
                self, "Enrolment", dead_letters=self.dead_letters, factory=factory,
                state_machine=self.state_machine, table=self.table,
            )  # fmt: skip
        self.registration = None
        if enrol_by_tag is not None:
            self.registration = TagRegistration(
                self, "Registration", dead_letters=self.dead_letters, factory=factory, inventory=inventory,
                profile_tag=profile_tag, tags=enrol_by_tag,
            )  # fmt: skip
        self.departure = HostDeparture(
            self, "Departure", authority=issuing, dead_letters=self.dead_letters, documents=self.documents,
            factory=factory, inventory=inventory, ledger=self.ledger, notifications=notifications,
            polling=pace.polling, revoke=revoke_on_retire, settings=hosts,
            stream_arn=self.table.table_stream_arn if self.enrolment else None,
        )  # fmt: skip
        self.crl_distribution = None
        if issuing.crl_bucket is not None:
            self.crl_distribution = CrlDistribution(
                self, "Revocation", authority=issuing, dead_letters=self.dead_letters, factory=factory,
                ledger=self.ledger, notifications=notifications, trust=self.trust,
            )  # fmt: skip
        if expected_hosts is not None:
            validation.whole_number("expected_hosts", expected_hosts, 1, 10_000_000)
            crl_budget.forecast(
                self, crl=self.crl_distribution is not None, hosts=expected_hosts, times=times,
                revoke_on_retire=revoke_on_retire, revoke_replaced=revoke_replaced,
            )  # fmt: skip

        self.digest = None
        if digest_schedule is not None:
            self.digest = FleetDigest(
                self, "Digest", authority=issuing,
                crl_name=self.crl_distribution.crl_name if self.crl_distribution else None,
                dead_letters=self.dead_letters, factory=factory, inventory=inventory, notifications=notifications,
                schedule=digest_schedule, schedule_interval=times.interval,
                trust_anchor_arn=self.trust.trust_anchor_arn,
            )  # fmt: skip
        joining = ["HostsEnrolled", "HostsRemoved"] if self.enrolment else []
        self.alarms, self.crl_alarms = watch(
            self, authority=issuing, dashboard=dashboard, dead_letters=self.dead_letters,
            membership=[*joining, "HostsRegistered"] if self.registration else joining,
            notifications=notifications, thresholds=alarms, times=times,
            unhandled_crls=self.crl_distribution.dead_letters if self.crl_distribution else None,
        )  # fmt: skip
        write_for_cdk_nag_2(self, noted)

    @property
    def state_machine(self) -> sfn.IStateMachine:
        """Start an execution of it to run now."""
        return self.workflow.state_machine

    @property
    def retire_function_arn(self) -> str:
        """Of CertRetire, by which hosts are retired by hand."""
        return self.departure.cert_retire.function_arn
