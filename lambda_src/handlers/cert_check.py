"""CertCheck: which hosts does this run renew?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache

from pca_runtime.authority.certificate_authority import look_at
from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.inventory.fleet import Fleet
from pca_runtime.inventory.gate import Gate
from pca_runtime.monitoring.trust import asked_trust_anchor
from pca_runtime.observability.invocation import Event, InvocationContext, emit, lambda_function, logger
from pca_runtime.renewal.account_use import AccountUse, pace_for
from pca_runtime.renewal.open_runs import OpenRuns
from pca_runtime.renewal.payloads import CheckRequest, RunInput
from pca_runtime.renewal.replacement import revocation_reason
from pca_runtime.renewal.selection import ATTRIBUTES, Selection, Selector
from pca_runtime.renewal.settings import CertCheckSettings
from pca_runtime.renewal.start_items import Account, slot_time
from pca_runtime.renewal.start_ledger import StartLedger
from pca_runtime.renewal.starts import Starts, StartsOfRun
from pca_runtime.renewal.work_files import WorkFiles, hosts_key, rejected_key
from pca_runtime.revocation.reasons import SUPERSEDED
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import format_time, utc_now

made_at_init("acm-pca", "cloudwatch", "dynamodb", "rolesanywhere", "s3", "service-quotas", "stepfunctions")


@cache
def _settings() -> CertCheckSettings:
    return CertCheckSettings.load()


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """``{"input", "runId", "executionArn"}`` in; where the list is, how long it is and what to revoke out.

    Each line of the list says when its host starts. Without the ledger of starts there is no list.
    """
    settings = _settings()
    request = CheckRequest.parse(event)
    wanted = RunInput.parse(request.input)
    now = utc_now()
    ledger = StartLedger(client("dynamodb"), settings.starts_table_name)
    account = ledger.account()
    fleet = Fleet(client("dynamodb"), settings.table_name, ATTRIBUTES, Gate.of(settings, utc_now))
    selection = Selector(fleet, settings.scan_segments, settings.next_run).select(wanted, now)
    if wanted.host_ids is None or account.measured_at is None:
        account = _seen(settings, ledger, account, None if wanted.host_ids else selection.total, now)
    files = WorkFiles(client("s3"), settings.work_bucket)
    runs = OpenRuns(client("stepfunctions"), ledger, files, request.execution_arn, _run_not_seen)
    # Who asks for a host by force, or for every host, is not served by a run that does something else.
    held = 0 if wanted.force or wanted.reissue else selection.leave_out(runs.hosts_ahead(now))
    starts = StartsOfRun(None, None)
    if selection.due:
        pace = pace_for(settings, account, len(selection.due))
        urgent = wanted.host_ids is not None
        reserving = Starts(ledger, pace, settings.next_run, runs.has_ended)
        starts = reserving.reserve(request.run_id, len(selection.due), now, urgent=urgent)
        logger.info("paced", rate=pace.rate, bound_by=pace.bound_by, held=held, postponed=starts.postponed)
    key = hosts_key(request.run_id)
    due = files.write_lines(key, selection.lines(now, starts.slots()), now)
    # Always written, empty if need be: without ListBucket a missing object is "access denied" to CertReport.
    rejected = files.write_lines(rejected_key(request.run_id), (entry.as_line() for entry in selection.rejected), now)
    if wanted.host_ids is None:
        _emit(settings.automation_name, selection, account, now)
    reason = revocation_reason(wanted, settings.revoke_replaced)
    logger.info(
        "selected", run_id=request.run_id, total=selection.total, due=due, rejected=rejected, revocation_reason=reason
    )
    return {
        "runId": request.run_id,
        "bucket": settings.work_bucket,
        "key": key,
        "due": due,
        "held": held,
        "postponed": starts.postponed,
        "lastStart": None if starts.last is None else format_time(slot_time(starts.last)),
        "rejected": rejected,
        "total": selection.total,
        "startedAt": format_time(now),
        "revokeReplaced": reason is not None,
        "revocationReason": reason or SUPERSEDED,
        "byHand": wanted.by_hand,
    }


def _seen(
    settings: CertCheckSettings, ledger: StartLedger, account: Account, total: int | None, now: datetime
) -> Account:
    """The account as it is now, kept for runs of single hosts; what AWS does not say stays as it was."""
    if settings.read_account:
        namespace = settings.powertools_metrics_namespace
        use = AccountUse(
            client("service-quotas"),
            client("cloudwatch"),
            settings.automation_name,
            namespace,
            _not_measured,
        )
        seen = use.look(now, account)
        account = replace(
            seen,
            hosts_total=account.hosts_total if total is None else total,
            quotas={**account.quotas, **seen.quotas},
            production=account.production if seen.production is None else seen.production,
        )
    else:
        account = replace(account, hosts_total=account.hosts_total if total is None else total)
    ledger.remember(account)
    return account


def _run_not_seen(what: str, error: PcaAutomatorError) -> None:
    logger.warning("run not looked at", what=what, code=error.code, reason=error.message)


def _not_measured(what: str, error: PcaAutomatorError) -> None:
    logger.warning("not measured", what=what, code=error.code, reason=error.message)


def _emit(automation: str, selection: Selection, account: Account, now: datetime) -> None:
    """Figures of the fleet and its CA, which only a run over the whole fleet knows."""
    counts = {
        "HostsTotal": selection.total,
        "HostsDue": len(selection.due),
        "HostsOverdue": selection.overdue,
        "EntriesQuarantined": selection.quarantined,
    }
    if account.issued is not None:
        counts["CaCertificatesIssued"] = account.issued
    emit(automation, counts)
    left = {
        "LeastSecondsLeft": selection.least_left,
        "FirstPercentileSecondsLeft": selection.first_percentile_left,
        "CaSecondsLeft": _authority_left(now),
        "TrustAnchorUnfit": _anchor_unfit(),
    }
    emit(automation, {name: value for name, value in left.items() if value is not None})


def _authority_left(now: datetime) -> float | None:
    """``None`` where AWS Private CA does not say: hosts are renewed all the same."""
    try:
        return look_at(client("acm-pca"), _settings().ca_arn).seconds_left(now)
    except PcaAutomatorError as error:
        logger.warning("ca not measured", code=error.code, reason=error.message)
        return None


def _anchor_unfit() -> float | None:
    """1 where it is disabled or may be unlike the CA; ``None`` where AWS does not say."""
    settings = _settings()
    try:
        found = asked_trust_anchor(
            client("rolesanywhere"), settings.trust_anchor_arn, client("acm-pca"), settings.ca_arn
        )
    except PcaAutomatorError as error:
        logger.warning("trust anchor not measured", code=error.code, reason=error.message)
        return None
    if not found.is_ok:
        logger.warning("trust anchor", reason=found.text)
    return float(not found.is_ok)
