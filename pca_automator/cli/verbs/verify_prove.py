"""``pca-automator verify --prove``: does AWS behave as is assumed of it?

Everything is asked with things made for the question; what is left at the end is one revoked certificate.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import Trouble
from pca_automator.cli.output import Output, say, show, show_rows
from pca_automator.cli.proof import certificate as throwaway
from pca_automator.cli.proof.experiments import CONFIRMED, EXPERIMENTS, REFUTED, finding, rows
from pca_automator.cli.proof.laboratory import laboratory
from pca_automator.cli.verbs.verb import confirm

_COLUMNS = ("fact", "answer", "seen", "rule")
_COSTS = (
    "issue one certificate of the deployed CA (AWS bills it as any other) and revoke it, make a trust anchor, a "
    "profile and two roles without permissions for some seconds, and ask for about a dozen sessions"
)


def prove(
    deployment: Deployment, output: Output, *, yes: bool, wait: bool, resume: Path | None, patience: float = 60
) -> None:
    """Ask AWS; the exit status says whether everything that was reached is as assumed and the deployment revokes.

    Args:
        deployment: what is proven.
        output: how the answer looks; JSON can be sent to the project.
        yes: do not ask first.
        wait: for the CRL, about half an hour; else the throw-away key is kept in ``resume``.
        resume: file of a proof that goes on, or is to go on, later.
        patience: seconds a new role may take to be known everywhere.
    """
    if resume is not None and resume.exists():
        _go_on(deployment, output, resume, wait=wait)
        return
    confirm(f"prove it on {deployment.aws.client('acm-pca').meta.region_name}? It will {_COSTS}", yes=yes)
    found = {}
    with laboratory(deployment.aws, patience) as things:
        baseline = things.opened_in_time("anchor", things.certificate())
        if not baseline.opened:
            raise Trouble(f"nothing can be asked: a session under a trust anchor of our own is {baseline}")
        for name, experiment in EXPERIMENTS.items():
            say(f"{name} ...")
            found[name] = finding(experiment, things)
    say("a certificate of the deployed CA ...")
    made = throwaway.issue(deployment)
    opened = made.knock(deployment.aws.client("rolesanywhere"))
    throwaway.revoke(deployment, made)
    facts = rows(found)
    steps = [_step("session with a certificate of the deployed CA", opened.opened, str(opened))]
    if wait:
        steps.append(_revoked(deployment, made, throwaway.CRL_SECONDS))
    else:
        kept = resume or Path(f"pca-automator-proof-{made.serial[:8]}.json")
        made.save(kept)
        detail = f"revoked; in about half an hour: pca-automator verify --prove --resume {kept}"
        steps.append({"fact": "revocation reaches CreateSession", "answer": "not yet", "seen": detail, "rule": ""})
    _show(deployment, output, facts, steps)


def _go_on(deployment: Deployment, output: Output, path: Path, *, wait: bool) -> None:
    made = throwaway.Throwaway.load(path)
    step = _revoked(deployment, made, throwaway.CRL_SECONDS if wait else 0)
    if step["answer"] == CONFIRMED:
        path.unlink()
    _show(deployment, output, [], [step])


def _revoked(deployment: Deployment, made: throwaway.Throwaway, seconds: float) -> dict[str, str]:
    say("waiting for the CRL: AWS Private CA writes it about half an hour after a revocation ...")
    answer = throwaway.denied_in_time(deployment, made, seconds)
    return _step("revocation reaches CreateSession", not answer.opened, str(answer))


def _step(name: str, good: bool, seen: str) -> dict[str, str]:
    return {"fact": name, "answer": CONFIRMED if good else REFUTED, "seen": seen, "rule": "of this deployment"}


def _show(deployment: Deployment, output: Output, facts: list[dict[str, Any]], steps: list[dict[str, Any]]) -> None:
    if output is Output.TABLE:
        show_rows(output, [*steps, *facts], _COLUMNS, f"Proof on {deployment.stack}")
    else:
        client = deployment.aws.client("rolesanywhere")
        answer = {
            "asked": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "region": client.meta.region_name,
            "partition": client.meta.partition,
            "deployment": steps,
            "facts": facts,
        }
        show(output, answer, [])
    if wrong := [row["fact"] for row in [*steps, *facts] if row["answer"] == REFUTED]:
        raise Trouble(f"not as assumed: {', '.join(wrong)}; what that means: pca-automator docs rehearsal")
