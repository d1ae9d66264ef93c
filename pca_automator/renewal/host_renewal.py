"""The child workflow: one host from CSR to a certificate in use."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from pca_automator._internal.arguments import checked
from pca_automator.functions.factory import restored
from pca_automator.renewal import states
from pca_automator.renewal.host_functions import HostFunctions
from pca_automator.renewal.polling import Polling


class HostRenewal(Construct):
    """The states that renew one host.

    Claim and CSR request, poll, issue and wait for the issuance event, poll the installation; every failure is
    recorded in the inventory before the execution ends. The input is ``{"hostID", "runId", "startedAt", "lane",
    "runHosts", "csr": {"Payload": {"startAt", "requeues"}}, "revokeReplaced", "revocationReason", "byHand"}``.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html

    Args:
        functions: what the states invoke.
        polling: waits and attempts.

    Raises:
        ValueError: an argument has another type.
    """

    functions: HostFunctions
    """What the states invoke."""
    definition: sfn.IChainable
    """What a map runs for each host."""

    @checked
    def __init__(self, scope: Construct, id: str, *, functions: HostFunctions, polling: Polling) -> None:
        super().__init__(scope, id)
        self.functions = functions
        self._polling = polling
        self.definition = self._define()

    def _define(self) -> sfn.IChainable:
        """The states, in the order a healthy host passes them: eleven transitions, five invocations."""
        host = {"hostID.$": "$.hostID", "runId.$": "$.runId"}
        failed = _Failures(self, self.functions.cert_failure, host)
        # The map's result file has what a child ends with: its last answer alone, and not the CSR.
        renewed = sfn.Succeed(self, "Renewed", output_path="$.install.Payload")

        deploy = self._deploy(host, failed)
        claim = self._claim(host, failed)
        again = sfn.Wait(
            self,
            "WaitToInstallAgain",
            comment="IAM Roles Anywhere throttled the proof: the certificate that was issued is sent once more",
            time=sfn.WaitTime.timestamp_path("$.install.Payload.startAt"),
        )
        again.next(deploy)
        installed = self._poll(
            "CertDeployStatus",
            self.functions.cert_deploy_status,
            payload={
                **host,
                "commandId.$": "$.install.Payload.commandId",
                "attempt.$": "$.install.Payload.attempt",
                "revokeReplaced.$": "$.revokeReplaced",
                "revocationReason.$": "$.revocationReason",
            },
            result_path="$.install",
            done="DEPLOYED",
            then=renewed,
            timed_out="InstallTimedOut",
            failed=failed,
            # The key of a certificate that was issued before is gone: the host begins anew, at once.
            otherwise={"AGAIN": again, "AFRESH": claim},
        )
        deploy.next(installed)
        issued = self._issue(host, deploy, installed, failed)
        requested = self._poll(
            "CertCSRStatus",
            self.functions.cert_csr_status,
            payload={**host, "commandId.$": "$.csr.Payload.commandId", "attempt.$": "$.csr.Payload.attempt"},
            result_path="$.csr",
            done="READY",
            then=issued,
            timed_out="CsrTimedOut",
            failed=failed,
        )
        return self._start(claim, requested, deploy)

    def _claim(self, host: Mapping[str, str], failed: _Failures) -> sfn.TaskStateBase:
        """Take the host, and ask it for a CSR where no certificate waits for it already."""
        start = {name: f"$.csr.Payload.{name[:-2]}" for name in ("startAt.$", "requeues.$")}
        claim = states.invoke(
            self,
            "CertCSR",
            restored(self.functions.cert_csr),
            {
                **host,
                "startedAt.$": "$.startedAt",
                "lane.$": "$.lane",
                "runHosts.$": "$.runHosts",
                "byHand.$": "$.byHand",
                **start,
            },
            "$.csr",
        )
        claim.add_catch(failed.at("CertCSR"), result_path="$.error")
        return claim

    def _start(self, claim: sfn.TaskStateBase, claimed: sfn.IChainable, deploy: sfn.IChainable) -> sfn.IChainable:
        """Wait for the start that the run reserved; who comes late, or is throttled, gets another."""
        wait = sfn.Wait(self, "WaitForStart", time=sfn.WaitTime.timestamp_path("$.csr.Payload.startAt"))
        wait.next(claim).next(
            sfn.Choice(self, "HostClaimed")
            .when(sfn.Condition.string_equals("$.csr.Payload.state", "SENT"), claimed)
            .when(sfn.Condition.string_equals("$.csr.Payload.state", "WAIT"), wait)
            .when(sfn.Condition.string_equals("$.csr.Payload.state", "ISSUED"), deploy)
            .otherwise(
                sfn.Succeed(self, "Skipped", comment="busy with another run, or retired", output_path="$.csr.Payload")
            )
        )
        return wait

    def _deploy(self, host: Mapping[str, str], failed: _Failures) -> sfn.TaskStateBase:
        """Install what was issued, where no event has done it, or once more."""
        deploy = states.invoke(
            self,
            "CertDeploy",
            restored(self.functions.cert_deploy),
            host,
            "$.install",
            result_selector={
                "Payload": {"commandId.$": "$.Payload.installCommandId", "attempt.$": "$.Payload.attempt"}
            },
        )
        deploy.add_catch(failed.at("CertDeploy"), result_path="$.error")
        return deploy

    def _issue(
        self, host: Mapping[str, str], deploy: sfn.IChainable, installed: sfn.IChainable, failed: _Failures
    ) -> sfn.IChainable:
        """Issue, and wait for the event that wakes CertDeploy; if none comes, call CertDeploy."""
        issue = states.invoke(
            self,
            "CertIssue",
            restored(self.functions.cert_issue),
            {**host, "csr.$": "$.csr.Payload.csr", "byHand.$": "$.byHand", "taskToken": sfn.JsonPath.task_token},
            "$.install",
            result_selector={"Payload": {"commandId.$": "$.installCommandId", "attempt.$": "$.attempt"}},
            wait_for_token=self._polling.issuance_timeout,
        )
        issue.add_catch(deploy, errors=["States.Timeout"], result_path="$.timeout")
        issue.add_catch(failed.at("CertIssue"), result_path="$.error")
        return issue.next(installed)

    def _poll(
        self,
        name: str,
        function: lambda_.Function,
        *,
        payload: Mapping[str, str],
        result_path: str,
        done: str,
        then: sfn.IChainable,
        timed_out: str,
        failed: _Failures,
        otherwise: Mapping[str, sfn.IChainable] | None = None,
    ) -> sfn.IChainable:
        """Wait, ask, and either go on, give up, or wait again; other answers lead elsewhere.

        The look that is sooner than the interval is one beyond the attempts: those that follow it come when they would
        without it, and give up when they would.
        """
        status = states.invoke(self, name, restored(function), payload, result_path)
        status.add_catch(failed.at(name), result_path="$.error")
        attempt, attempts = f"{result_path}.Payload.attempt", self._polling.attempts
        give_up = sfn.Pass(
            self,
            timed_out,
            result=sfn.Result.from_object(
                {"Error": timed_out, "Cause": f"the host did not finish within {self._polling.window}"}
            ),
            result_path="$.error",
        ).next(failed.at(name))
        answered = sfn.Choice(self, f"{name}Answer")
        for state, following in {done: then, **(otherwise or {})}.items():
            answered.when(sfn.Condition.string_equals(f"{result_path}.Payload.state", state), following)
        first_look = self._polling.first_look
        if first_look is None:
            wait = self._wait(f"WaitFor{name}", self._polling.interval, status)
            answered.when(sfn.Condition.number_greater_than_equals(attempt, attempts), give_up).otherwise(wait)
        else:
            soon, left = first_look
            wait = self._wait(f"WaitFor{name}", soon, status)
            answered.when(sfn.Condition.number_greater_than(attempt, attempts), give_up)
            answered.when(sfn.Condition.number_equals(attempt, 1), self._wait(f"WaitFor{name}Longer", left, status))
            answered.otherwise(self._wait(f"WaitFor{name}Again", self._polling.interval, status))
        status.next(answered)
        return wait

    def _wait(self, name: str, duration: Duration, then: sfn.TaskStateBase) -> sfn.Wait:
        wait = sfn.Wait(self, name, time=sfn.WaitTime.duration(duration))
        wait.next(then)
        return wait


class _Failures:
    """Where a failed state goes: its phase is noted, the failure recorded, the execution ends FAILED."""

    def __init__(self, scope: Construct, cert_failure: lambda_.IFunction, host: Mapping[str, str]) -> None:
        self._scope = scope
        self._phases: dict[str, sfn.Pass] = {}
        # The error is handed on whole: a States.Timeout may come without a Cause.
        payload = {**host, "startedAt.$": "$.startedAt", "phase.$": "$.failure.phase", "error.$": "$.error"}
        record = states.invoke(scope, "CertFailure", cert_failure, payload, "$.record")
        end = sfn.Fail(
            scope, "HostRenewalFailed", error="HostRenewalFailed", cause="see lastError of the host in the inventory"
        )
        record.add_catch(end, result_path="$.recordError")
        record.next(end)
        self._record = record

    def at(self, phase: str) -> sfn.IChainable:
        """Where failures of one phase go."""
        if phase not in self._phases:
            note = sfn.Pass(
                self._scope,
                f"{phase}Failed",
                result=sfn.Result.from_object({"phase": phase}),
                result_path="$.failure",
            )
            note.next(self._record)
            self._phases[phase] = note
        return self._phases[phase]
