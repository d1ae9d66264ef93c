"""Putting this project's services into MiniStack, before it serves its first request."""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import router

from pca_automator.rehearsal.local_aws import (
    asynchronous,
    cloudformation,
    emulator,
    event_sources,
    iam_rules,
    instances,
    lambda_workers,
    projections,
    quotas,
    redrives,
    stacks,
    step_functions,
    streams,
    warming,
)
from pca_automator.rehearsal.local_aws.counters import Counters
from pca_automator.rehearsal.local_aws.emulator import Response
from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import account
from pca_automator.rehearsal.local_aws.facts import roles_anywhere as facts
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.front import Front
from pca_automator.rehearsal.local_aws.limits import history, log_policies, payloads
from pca_automator.rehearsal.local_aws.limits.refusals import Refusals
from pca_automator.rehearsal.local_aws.patching import replace
from pca_automator.rehearsal.local_aws.private_ca import api as private_ca_api
from pca_automator.rehearsal.local_aws.private_ca.service import PrivateCa
from pca_automator.rehearsal.local_aws.roles_anywhere import api as roles_anywhere_api
from pca_automator.rehearsal.local_aws.roles_anywhere.roles import EmulatorRoles
from pca_automator.rehearsal.local_aws.roles_anywhere.service import RolesAnywhere
from pca_automator.rehearsal.local_aws.roles_anywhere.sessions import Sessions
from pca_automator.rehearsal.local_aws.roles_anywhere.signature import SignedRequest
from pca_automator.rehearsal.local_aws.run_command import api as run_command_api
from pca_automator.rehearsal.local_aws.run_command.service import RunCommand
from pca_automator.rehearsal.local_aws.settings import Settings


class _Surroundings:
    """What the local Private CA reaches: events, S3 and time, all of MiniStack."""

    def publish(self, detail_type: str, resources: list[str], detail: Mapping[str, Any]) -> None:
        emulator.publish_aws_event("aws.acm-pca", detail_type, resources, detail)

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        emulator.sdk_client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        emulator.later(seconds, work, "private-ca")

    def account(self) -> tuple[str, str]:
        return emulator.account_id(), emulator.region()


def _announcing(settings: Settings) -> instances.Announce:
    """Publishes EC2's state-change events, as often as the settings say: AWS promises at least once, best effort.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
    """

    def announce(instance_id: str, state: str) -> None:
        arn = f"arn:aws:ec2:{emulator.region()}:{emulator.account_id()}:instance/{instance_id}"
        detail = {"instance-id": instance_id, "state": state}
        LEDGER.lean(account.INSTANCE_EVENT)
        for _ in range(settings.instance_events):
            emulator.publish_aws_event("aws.ec2", "EC2 Instance State-change Notification", [arn], detail)

    return announce


def _scope() -> tuple[str, str]:
    return emulator.account_id(), emulator.region()


def install(settings: Settings) -> None:
    """Register services and resource types, put MiniStack right where it differs, and start counting."""
    LEDGER.answer_otherwise(settings.other_answers.split(","))
    counters = Counters()
    private_ca = PrivateCa(settings, _Surroundings())
    roles_anywhere = RolesAnywhere(lambda arn: private_ca.find(arn).certificate_pem, _scope)
    run_command = RunCommand(settings, _scope)
    sessions = Sessions(roles_anywhere, EmulatorRoles())
    anywhere_api = roles_anywhere_api.Api(roles_anywhere)

    limits = quotas.Quotas(settings)
    authorities = private_ca_api.Api(private_ca, iam_rules.may_write_crl).handle
    _add_service("acm-pca", quotas.guarded(authorities, limits, quotas.by_target), ["ACMPrivateCA."])
    _add_service("rolesanywhere", anywhere_api.handle, [])
    _add_service(quotas.SERVICE_QUOTAS, quotas.service_quotas(limits), [quotas.TARGET_PREFIX])
    commands = run_command_api.Api(run_command, app.SERVICE_HANDLERS["ssm"], iam_rules.may_command).handle
    app.SERVICE_HANDLERS["ssm"] = quotas.guarded(commands, limits, quotas.by_target)
    app.SERVICE_HANDLERS["states"] = redrives.handler(app.SERVICE_HANDLERS["states"])
    app.SERVICE_HANDLERS["ec2"] = instances.Api(settings, app.SERVICE_HANDLERS["ec2"], _announcing(settings)).handle
    cloudformation.install(private_ca, roles_anywhere, run_command)
    stacks.install()
    iam_rules.install(counters)
    event_sources.install()
    streams.install(settings)
    asynchronous.install()
    lambda_workers.install(settings, counters)
    warming.install()
    projections.install()
    refusals = Refusals(settings)
    sizes = payloads.Payloads(settings, refusals)
    history.install(settings, refusals)
    step_functions.install(settings, counters, run_command.busy_hosts, sizes.check)
    payloads.install(sizes)
    log_policies.install(settings, refusals)
    replace(app, "_maybe_record_cloudtrail", lambda record: _counting(record, counters, anywhere_api))
    control = _Control(settings, counters, private_ca, limits, refusals)
    replace(app, "app", lambda served: Front(served, control, _create_session(sessions, counters, limits)))


def _add_service(name: str, handler: emulator.Handler, target_prefixes: list[str]) -> None:
    router.SERVICE_PATTERNS[name] = {"target_prefixes": target_prefixes, "host_patterns": [], "credential_scope": name}
    app.SERVICE_HANDLERS[name] = handler


def _counting(record: Callable[..., None], counters: Counters, anywhere: roles_anywhere_api.Api) -> Callable[..., None]:
    """MiniStack tells this function of every API call it has served."""

    def record_call(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str, region: str
    ) -> None:
        if service == "rolesanywhere":
            operation = anywhere.operation(method, path)
        else:
            operation = app._ct_event_name(service, method, path, headers, query)
        counters.api_call(service, operation, headers.get("user-agent", ""))
        record(service, method, path, headers, body, query, request_id, region)

    return record_call


def _create_session(
    sessions: Sessions, counters: Counters, limits: quotas.Quotas
) -> Callable[[str, str, dict[str, str], bytes], Response]:
    def create_session(path: str, query: str, headers: dict[str, str], body: bytes) -> Response:
        emulator.enter_default_scope()
        counters.api_call("rolesanywhere", "CreateSession", headers.get("user-agent", ""))
        if not limits.take("CreateSession"):
            return quotas.throttled()
        request = SignedRequest("POST", path, query, headers, body)
        try:
            if path != "/sessions":
                raise ServiceError("UnknownOperationException", path, 404, fact=facts.PATH)
            answer = sessions.create(request, dt.datetime.now(dt.UTC))
        except ServiceError as error:
            emulator.log.info("CreateSession: %s", error)
            return emulator.json_error(error.code, error.message, error.status)
        return 201, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    return create_session


class _Control:
    """The rehearsal's own path: settings, counts, and a CRL when one is wanted without a revocation."""

    def __init__(
        self,
        settings: Settings,
        counters: Counters,
        private_ca: PrivateCa,
        limits: quotas.Quotas,
        refusals: Refusals,
    ) -> None:
        self._settings = settings
        self._counters = counters
        self._ca = private_ca
        self._limits = limits
        self._refusals = refusals

    def __call__(self, method: str, path: str, data: dict[str, Any]) -> Any:
        if path == "settings":
            self._settings.change(data)
            LEDGER.answer_otherwise(self._settings.other_answers.split(","))
            return self._settings.as_json()
        if path == "facts":
            return LEDGER.leaned()
        if path == "counters":
            counted = self._counters.as_json()
            if method == "POST" and data.get("reset"):
                self._counters.reset()
            return counted
        if path == "quotas":
            return self._limits.counts()
        if path == "limits":
            return self._refusals.as_json()
        if path == "crl" and method == "POST":
            self._ca.write_crl(data["certificateAuthorityArn"])
            return {}
        raise LookupError(f"no control path {path!r}")
