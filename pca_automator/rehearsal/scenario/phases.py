"""The phases of a rehearsal: what happens to the fleet, and what must then be so."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509

from pca_automator.rehearsal.local_aws.run_command.hosts import Faults
from pca_automator.rehearsal.scenario import costs
from pca_automator.rehearsal.scenario.observing import expect_events
from pca_automator.rehearsal.scenario.revocation import Revoking
from pca_automator.rehearsal.scenario.watching import PairWatcher
from pca_automator.rehearsal.scenario.work_files import expect_lean_results
from pca_automator.rehearsal.scenario.world import Run, World, deployed_at_last, deployed_by
from pca_automator.rehearsal.stage.hosts import Member, inventory_item, verified_by_openssl

FEWEST_HOSTS = 6


class TooFewHostsError(RuntimeError):
    """So much went wrong that the phases that follow would say nothing."""


# The inventory's changes of ten seconds become one run; a fleet that is put within a minute needs no more than these.
_FEW_RUNS = 6


def enrol(world: World) -> None:
    """(a) Every host in the table gets its first certificate."""
    report, members = world.report, world.members
    costs.start(world)
    for member in members:
        world.inventory.put(inventory_item(member))
    with world.display.part("a  first certificates for the fleet", len(members)) as advance:
        run = world.wait_for_enrolment(advance) if world.automation.enrols else world.run_workflow({}, advance)
    items = world.inventory.items()
    deployed = deployed_at_last(items, members)
    report.expect("the run succeeds", "SUCCEEDED", run.status)
    report.count("deployed", len(deployed), len(members), "every host gets a certificate")
    validated = [member for member in deployed if items[member.id].get("validated")]
    report.count(
        "validated", len(validated), len(members), "each is proven with IAM Roles Anywhere before it goes live"
    )
    report.expect("live files whole, modes right, chain verified", 0, _troubled(world, members, items))
    report.numbers["enrolment_runs"] = world.runs()
    report.expect("items put together share a few runs", True, 1 <= world.runs() <= _FEW_RUNS)
    twice = [member.id for member in deployed if items[member.id].get("previousSerial")]
    report.expect("each of them is renewed once", [], twice)
    report.per_renewal = costs.per_renewal(world, len(deployed))
    costs.expect_what_was_promised(report)
    explain(world, items)
    world.members = deployed
    if len(deployed) < FEWEST_HOSTS:
        got = f"{len(deployed)} of {len(members)} hosts have a certificate"
        raise TooFewHostsError(f"{got}; the other phases need {FEWEST_HOSTS}")


def run_again(world: World) -> None:
    """(b) Nothing is due."""
    with world.display.part("b  a second run"):
        run = world.run_workflow({})
    world.report.expect("the run succeeds", "SUCCEEDED", run.status)
    world.report.count("second_run_due", world.due_hosts(run), 0, "a second run finds nothing due")


def renew_some(world: World) -> None:
    """(c) A forced renewal of some: a new pair each, without a moment in which it does not match."""
    report = world.report
    chosen = world.members[: max(2, len(world.members) // 5)]
    before = world.inventory.items()
    keys = {member.id: member.key.read_bytes() for member in chosen}
    with PairWatcher(chosen) as watcher, world.display.part("c  forced renewal of some", len(chosen)) as advance:
        run = world.run_workflow(_forced(chosen), advance, len(chosen))
    items = world.inventory.items()
    renewed = [
        member
        for member in deployed_by(items, chosen, run)
        if items[member.id]["serial"] != before[member.id]["serial"]
        and items[member.id].get("previousSerial") == before[member.id]["serial"]
        and member.key.read_bytes() != keys[member.id]
    ]
    report.count("renewed_again", len(renewed), len(chosen), "each chosen host has a new key and a new certificate")
    lost = [text for member in chosen if (text := _lost_version(member, str(before[member.id]["serial"])))]
    report.expect("the former version is kept on the host", len(chosen), len(chosen) - len(lost))
    for text in lost:
        report.trouble(text)
    report.numbers["pair_observations"] = watcher.looks
    report.expect("the watcher saw old and new pairs", 2 * len(chosen), watcher.pairs_seen)
    report.count("pair_mismatches_seen", len(watcher.mismatches), 0, "certificate and key match at every moment")
    report.expect("live files whole, modes right, chain verified", 0, _troubled(world, chosen, items))
    for mismatch in watcher.mismatches[:5]:
        report.trouble(mismatch)
    explain(world, items, run)


@dataclasses.dataclass(frozen=True)
class Victim:
    """A host that cannot be renewed, and where that must show."""

    member: Member
    what: str
    phase: str
    codes: tuple[str, ...]


def bad_run(world: World) -> None:
    """(d) A run with four hosts that cannot be renewed: the others are, and one message names the four."""
    report = world.report
    unknown, silent, blocked, attacker = world.members[-4:]
    healthy = world.members[: max(2, min(len(world.members) - 4, 10))]
    unwritable = ("UNSAFE_DIRECTORY", "DIRECTORY_NOT_WRITABLE")
    victims = [
        Victim(unknown, "unknown to Systems Manager", "CertCSR", ("HOST_UNKNOWN_TO_SSM",)),
        Victim(silent, "never answers", "CertCSRStatus", ("HOST_UNDELIVERABLE", "CsrTimedOut")),
        Victim(blocked, "its key directory cannot be written", "CertCSRStatus", unwritable),
        Victim(attacker, "its CSR names another host", "CertIssue", ("CSR_WRONG_SUBJECT", "CSR_SUBJECT")),
    ]
    unknown.host.set_faults(Faults(unknown=True))
    silent.host.set_faults(Faults(never_answers=True))
    attacker.host.set_faults(Faults(csr_subject=healthy[0].id))
    obstacle = _block(blocked)
    before = world.inventory.items()
    pairs = {victim.member.id: victim.member.fingerprint() for victim in victims}
    world.mailbox.collect()
    everybody = [*healthy, *(victim.member for victim in victims)]
    with world.display.part("d  a run with four bad hosts", len(everybody)) as advance:
        run = world.run_workflow(_forced(everybody), advance, len(everybody))
    items = world.inventory.items()
    report.count("healthy_in_bad_run", len(deployed_by(items, healthy, run)), len(healthy), "the healthy are renewed")
    failed = [victim for victim in victims if _failed_as_expected(world, items, victim, run)]
    report.count("failed_as_expected", len(failed), 4, "each of the others fails where it must")
    kept = [victim for victim in victims if _kept(victim.member, before, items, pairs)]
    report.count("old_pairs_kept", len(kept), 4, "each of them keeps its pair, serial and expiry")
    _expect_one_message(world, victims, items)
    expect_events(world, run.id, [member.id for member in healthy], [victim.member.id for victim in victims])
    expect_lean_results(world)
    for victim in victims:
        victim.member.host.set_faults(Faults())
    obstacle.unlink(missing_ok=True)


def _block(member: Member) -> Path:
    """Put a regular file where the host makes its keys: not even root can write a directory there."""
    directory = member.path("csrPath") / member.id / "pending"
    shutil.rmtree(directory, ignore_errors=True)
    directory.write_text("a regular file\n")
    return directory


def revoke(world: World) -> None:
    """(e) A revoked certificate is denied, the others are not; further CRLs are taken as well."""
    report = world.report
    revoking = Revoking(world)
    outcast = world.members[0]
    items = world.inventory.items()
    with world.display.part("e  revocation", 3) as advance:
        taken = [revoking.revoke(str(items[outcast.id]["serial"]))]
        advance(1)
        answer = outcast.prove(world.automation)
        denied = answer.returncode != 0 and "revoked" in answer.stderr.lower()
        for replaced in _replaced_serials(items)[:2]:
            taken.append(revoking.revoke(replaced))
            advance(len(taken))
        accepted = revoking.accepted([member for member in world.members if member is not outcast])
    report.count("revoked_denied", int(denied), 1, "the revoked certificate is denied")
    if not denied:
        report.trouble(f"{outcast.id}: {answer.stderr.strip() or 'was given credentials'}")
    report.count("others_still_accepted", accepted, len(world.members) - 1, "all others are still accepted")
    report.count("crl_updates", sum(taken), 3, "three CRLs in a row come into force")
    report.expect("they replace each other", 1, revoking.crls_of_anchor())


def _replaced_serials(items: dict[str, dict[str, Any]]) -> list[str]:
    """Serials that no host uses any more: revoking them hurts nobody."""
    return sorted(str(item["previousSerial"]) for item in items.values() if item.get("previousSerial"))


def explain(world: World, items: dict[str, dict[str, Any]], run: Run | None = None) -> None:
    """Put into the report why hosts failed, in one run or in any."""
    if run is not None and run.status != "SUCCEEDED":
        world.report.trouble(f"the execution is {run.status}: {run.cause}")
    for item in list(items.values()):
        error = item.get("lastError")
        if error and (run is None or item.get("lastRunId") == run.id):
            world.report.trouble(f"{item['hostID']}: {error['phase']} {error['code']}: {error['message']}")


def _forced(members: Sequence[Member]) -> dict[str, Any]:
    return {"hostIDs": [member.id for member in members], "force": True}


def _troubled(world: World, members: Sequence[Member], items: dict[str, dict[str, Any]]) -> int:
    """How many members have something wrong with their live files, or files the table does not know."""
    found = {member.id: member.troubles() for member in members}
    for host_id, complaint in verified_by_openssl([member for member in members if not found[member.id]]).items():
        found[host_id].append(complaint)
    for member in members:
        certificate = member.live_certificate()
        if certificate is not None and f"{certificate.serial_number:x}" != items[member.id].get("serial"):
            found[member.id].append("the table names another serial")
        if found[member.id]:
            world.report.trouble(f"{member.id}: {'; '.join(found[member.id])}")
    return sum(bool(complaints) for complaints in found.values())


def _lost_version(member: Member, serial: str) -> str:
    """What is wrong with a version that should still be on the host; empty if nothing is."""
    versions = member.path("csrPath") / member.id / "versions"
    try:
        certificate = x509.load_pem_x509_certificate((versions / serial / "tls.crt").read_bytes())
    except (OSError, ValueError) as error:
        present = sorted(each.name for each in versions.iterdir()) if versions.is_dir() else []
        return f"{member.id}: version {serial} cannot be read: {error}; there are {', '.join(present) or 'none'}"
    if f"{certificate.serial_number:x}" != serial:
        return f"{member.id}: version {serial} holds certificate {certificate.serial_number:x}"
    return ""


def _failed_as_expected(world: World, items: dict[str, dict[str, Any]], victim: Victim, run: Run) -> bool:
    item = items[victim.member.id]
    error = item.get("lastError") or {}
    held = (
        item.get("status") == "FAILED"
        and item.get("lastRunId") == run.id
        and error.get("phase") == victim.phase
        and error.get("code") in victim.codes
    )
    if not held:
        world.report.trouble(
            f"{victim.member.id} ({victim.what}): {item.get('status')}, {error.get('phase')} {error.get('code')} "
            f"({error.get('message')}), expected {victim.phase} {' or '.join(victim.codes)}"
        )
    return held


def _kept(
    member: Member, before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]], pairs: dict[str, str]
) -> bool:
    same = all(after[member.id].get(name) == before[member.id].get(name) for name in ("serial", "expiry"))
    return same and member.fingerprint() == pairs[member.id]


def _expect_one_message(world: World, victims: Sequence[Victim], items: dict[str, dict[str, Any]]) -> None:
    found: list[str] = []

    def anything() -> bool:
        found.extend(world.mailbox.collect())
        return bool(found)

    world.eventually(anything, 10)
    found += world.mailbox.collect()
    world.report.count("notifications", len(found), 1, "exactly one message")
    text = "\n".join(found)
    named = 0
    for victim in victims:
        error = items[victim.member.id].get("lastError") or {}
        words = [victim.member.id, error.get("phase", "?"), error.get("code", "?")]
        line = next((line for line in text.splitlines() if all(str(word) in line for word in words)), None)
        named += line is not None
    world.report.expect("it names each of the four with phase and cause", len(victims), named)
    if named != len(victims):
        world.report.trouble(f"the message was:\n{text[:3000]}")
