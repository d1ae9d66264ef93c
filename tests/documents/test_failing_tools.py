"""Tools that fail, or lie: a code and a sentence, and the old pair live."""

from __future__ import annotations

import shutil

import pytest

from tests.documents.host import Host, new_request


def failing(tool: str, when: str, then: str) -> str:
    """A stand-in that is the real tool, but for the calls that ``when`` describes."""
    return f'case "$*" in {when}) {then} ;; esac\nexec \'{shutil.which(tool)}\' "$@"'


@pytest.mark.parametrize(
    ("when", "code"),
    [("genpkey*", "KEY_GENERATION_FAILED"), ("'req -new'*", "CSR_GENERATION_FAILED")],
)
def test_openssl_that_fails_is_quoted(live_host: Host, when: str, code: str) -> None:
    host = live_host
    before = host.shown()
    host.add_tool("openssl", failing("openssl", when, "echo 'entropy: none' >&2; exit 1"))
    outcome = host.generate(new_request())
    assert outcome.error == code
    assert outcome.sentence.endswith(": entropy: none")
    assert host.shown() == before
    assert not host.leftovers()
    assert not list((host.store / "pending").iterdir())


@pytest.mark.parametrize(
    ("name", "tool", "status"),
    [
        ("GenerateCsr", "readlink", 137), ("InstallCertificate", "date", 168), ("InspectCertificate", "date", 194),
        ("RemoveCertificate", "readlink", 168),
    ],
)  # fmt: skip
def test_no_document_ends_with_a_status_that_means_something_to_the_agent(
    live_host: Host, name: str, tool: str, status: int
) -> None:
    """Timed out, successful, reboot: see the rule of statuses in the ledger of the local AWS."""
    host = live_host
    request, certificate = host.prepare()
    host.add_tool(tool, f"exit {status}")
    outcome = {
        "GenerateCsr": lambda: host.generate(request), "InstallCertificate": lambda: host.install(request, certificate),
    }.get(name, lambda: host.run(name))()  # fmt: skip
    assert (outcome.status, outcome.error) == (1, "INTERNAL")
    assert f"status {status}" in outcome.sentence


def test_a_key_that_was_written_in_part_is_not_kept(live_host: Host) -> None:
    host = live_host
    host.add_tool("openssl", failing("openssl", "'req -new'*", 'for key; do :; done; : >"$key"; exit 0'))
    assert host.generate(new_request()).error == "CSR_GENERATION_FAILED"
    assert not list((host.store / "pending").iterdir())


@pytest.mark.parametrize(("probe", "code"), [("exit 1", "NO_SPACE"), ("exit 0", "CSR_GENERATION_FAILED")])
def test_a_request_that_is_not_whole_is_told_from_a_full_disk(live_host: Host, probe: str, code: str) -> None:
    """openssl may end well without having written anything."""
    host = live_host
    host.add_tool("openssl", failing("openssl", "'req -new'*", "exit 0"))
    host.add_tool("head", failing("head", "'-c 16384 /dev/zero'", probe))
    outcome = host.generate(new_request())
    assert outcome.error == code
    assert not host.leftovers()
    assert not list((host.store / "pending").iterdir())


def test_a_state_that_cannot_be_written_when_going_back_does_not_stay_that_of_what_failed(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    request, certificate = host.prepare()
    host.add_hook("10-hook", f": >'{host.root}/ran'; exit 1")
    host.add_tool("mv", failing("mv", "*/.aside/state*", f"[ ! -e '{host.root}/ran' ] || exit 1"))
    assert host.install(request, certificate).error == "HOOK_FAILED"
    assert host.shown() == before
    assert not (host.store / "state").exists()


def test_a_rename_that_fails_is_no_switch(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    request, certificate = host.prepare()
    host.add_tool("mv", failing("mv", "*/.aside/current*", "echo 'mv: Input/output error' >&2; exit 1"))
    outcome = host.install(request, certificate)
    assert outcome.error == "SWITCH_FAILED"
    assert "Input/output error" in outcome.sentence
    assert host.shown() == before
    assert not host.leftovers()
    host.path = None
    assert host.install(request, certificate).status == 0


def test_a_first_switch_that_fails_leaves_no_names(host: Host) -> None:
    request, certificate = host.prepare()
    host.add_tool("mv", failing("mv", "*/.aside/current*", "exit 1"))
    assert host.install(request, certificate).error == "SWITCH_FAILED"
    assert not any(path.is_symlink() for path in host.public.values())


def test_a_new_pair_that_is_not_what_was_staged_is_taken_back(live_host: Host) -> None:
    """The disk, or somebody, changes the new key in the instant of the switch."""
    host = live_host
    before, former = host.shown(), host.live
    request, certificate = host.prepare()
    spoil = f'\'{shutil.which("mv")}\' "$@"; key=\'{host.store}/current/tls.key\'; rm -f "$key"; echo >"$key"; exit 0'
    host.add_tool(
        "mv", failing("mv", "*/.aside/current*", f"[ -e '{host.root}/once' ] || {{ : >'{host.root}/once'; {spoil}; }}")
    )
    host.add_hook("10-hook", f"echo ran >'{host.root}/ran'")
    outcome = host.install(request, certificate)
    assert outcome.error == "VERIFY_FAILED"
    assert outcome.sentence.endswith(f"went back to {former}")
    assert host.shown() == before
    assert not (host.root / "ran").exists()
    host.path = None
    assert host.install(request, certificate).result["previous"] == former
    assert host.shown().matches


def test_somebody_who_writes_over_a_public_path_meanwhile_is_reported(live_host: Host) -> None:
    host = live_host
    request, certificate = host.prepare()
    public = host.public["tls.crt"]
    replace = f"'{shutil.which('mv')}' \"$@\"; rm -f '{public}'; echo theirs >'{public}'; exit 0"
    host.add_tool("mv", failing("mv", "*/.aside/current*", replace))
    outcome = host.install(request, certificate)
    assert outcome.error == "VERIFY_FAILED"
    assert outcome.sentence.endswith("but the public paths do not show it")
    assert public.read_text() == "theirs\n"


def test_what_nobody_thought_of_is_reported_with_the_step(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    request, certificate = host.prepare()
    host.add_tool("readlink", "exit 5")
    outcome = host.install(request, certificate)
    assert (outcome.status, outcome.error) == (1, "INTERNAL")
    assert outcome.sentence.startswith("the script stopped with status 5 at: preparing ")
    assert host.shown() == before
    assert not host.leftovers()
