"""The proof with IAM Roles Anywhere: before the switch, and nothing of it reaches the output."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pca_runtime.errors.catalogue import remedy_for

from pca_automator import ssm_documents
from pca_automator.rehearsal.stage.helper_words import NETWORK, SERVICE, Words
from pca_automator.ssm_documents import script, shell_files
from tests.documents.conftest import SHELLS, needs_root
from tests.documents.host import ARNS, CREDENTIALS, Host
from tests.documents.pki import Authority
from tests.members import members
from tests.tiers import need

SHELL_FILES = Path(ssm_documents.__file__).parent / "shell"


def arguments(host: Host) -> list[str]:
    return (host.root / "helper.log").read_text().splitlines()


def test_the_helper_is_asked_with_the_staged_pair_while_the_old_one_is_live(live_host: Host) -> None:
    host = live_host
    old = host.live
    host.add_helper(f"readlink '{host.store}/current' >'{host.root}/live-then'; cmp \"$3\" \"$3\"")
    host.renew()
    command, *rest = arguments(host)
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    assert command == "credential-process"
    assert (host.root / "live-then").read_text().strip() == f"versions/{old}"
    assert given.pop("--certificate").endswith("/tls.crt")
    assert given.pop("--private-key").endswith("/tls.key")
    assert given == {
        "--trust-anchor-arn": ARNS["trustAnchorArn"],
        "--profile-arn": ARNS["profileArn"],
        "--role-arn": ARNS["roleArn"],
        "--session-duration": "900",
    }


def test_intermediates_are_sent_without_the_root(make_host: Callable[..., Host]) -> None:
    root = Authority("Offline root")
    host = make_host(authority=Authority("Issuing CA", parent=root))
    host.add_helper(
        f'while [ $# -gt 0 ]; do [ "$1" != --intermediates ] || cat "$2" >\'{host.root}/sent\'; shift; done'
    )
    host.renew()
    assert (host.root / "sent").read_text() == host.authority.chain.removesuffix(root.chain)


def test_the_credentials_appear_nowhere(host: Host) -> None:
    host.add_helper()
    outcome = host.install(*host.prepare())
    assert outcome.result["validated"] == "true"
    assert "SECRET" not in outcome.stdout + outcome.stderr
    for folder, _, names in os.walk(host.store_root):
        for name in names:
            assert b"SECRET" not in Path(folder, name).read_bytes()


def test_credentials_of_a_helper_that_fails_after_all_do_not_become_the_reason(host: Host) -> None:
    host.add_helper('echo \'{"SecretAccessKey": "ASIA-SECRET"}\'; exit 1')
    outcome = host.install(*host.prepare())
    assert outcome.sentence == "IAM Roles Anywhere: no answer"
    assert "SECRET" not in outcome.stdout + outcome.stderr


def test_a_refusal_leaves_the_old_pair_live_and_repeats_the_helpers_last_words(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    host.add_helper(
        "echo first >&2; printf 'AccessDenied\\033[31m: \\302\\251 Untrusted \"certificate\"\\n\\n' >&2; exit 1"
    )
    outcome = host.install(*host.prepare())
    assert outcome.error == "ROLES_ANYWHERE_REJECTED"
    assert outcome.sentence == 'IAM Roles Anywhere: AccessDenied[31m: Untrusted "certificate"'
    assert host.shown() == before
    assert not host.leftovers()


def test_a_throttled_helper_is_asked_again(host: Host) -> None:
    host.add_helper(
        f"echo >>'{host.root}/asked'; [ \"$(wc -l <'{host.root}/asked')\" -ge 3 ] || "
        "{ echo 'ThrottlingException: Rate exceeded' >&2; exit 1; }"
    )
    host.add_tool("sleep", "exit 0")
    result = host.install(*host.prepare()).result
    # How often, so that fewer hosts start meanwhile.
    assert (result["validated"], result["throttled"]) == ("true", "2")
    assert (host.root / "asked").read_text().count("\n") == 3


def test_a_helper_that_hangs_is_ended(host: Host) -> None:
    host.add_helper("exec sleep 60")
    request, certificate = host.prepare()
    host.keyword["text"] = script("InstallCertificate").replace("helper_seconds=35", "helper_seconds=1")
    outcome = host.install(request, certificate)
    assert outcome.error == "ROLES_ANYWHERE_UNREACHABLE"
    assert outcome.sentence == "IAM Roles Anywhere: no answer within 1 seconds"


@pytest.mark.parametrize(
    ("policy", "present", "validated", "error"),
    [
        ("REQUIRED", True, "true", None),
        ("REQUIRED", False, None, "HELPER_MISSING"),
        ("IF_PRESENT", True, "true", None),
        ("IF_PRESENT", False, "false", None),
        ("NEVER", True, "false", None),
        ("NEVER", False, "false", None),
    ],
)
def test_the_policy_decides(host: Host, policy: str, present: bool, validated: str | None, error: str | None) -> None:
    if present:
        host.add_helper()
    outcome = host.install(*host.prepare(), validationPolicy=policy)
    assert outcome.error == error
    if not error:
        assert outcome.result["validated"] == validated


def test_a_proof_without_arns_is_refused(host: Host) -> None:
    host.add_helper()
    assert host.install(*host.prepare(), roleArn="").error == "BAD_PARAMETER"
    assert host.install(*host.prepare(), roleArn="", validationPolicy="NEVER").status == 0


@pytest.mark.parametrize(("what", "mode"), [("file", 0o777), ("directory", 0o777), ("directory", 0o1777)])
def test_a_helper_that_others_could_have_written_is_not_run(host: Host, what: str, mode: int) -> None:
    """In a sticky directory they could have put a link, and lead it elsewhere once it was examined."""
    host.add_helper()
    (host.helper if what == "file" else host.helper.parent).chmod(mode)
    outcome = host.install(*host.prepare())
    assert outcome.error == "UNSAFE_DIRECTORY"
    assert not (host.root / "helper.log").exists()


@needs_root
def test_a_helper_of_another_user_is_not_run(host: Host) -> None:
    host.add_helper()
    os.chown(host.helper, 65534, 65534)
    assert host.install(*host.prepare()).error == "UNSAFE_DIRECTORY"
    assert not (host.root / "helper.log").exists()


@pytest.mark.parametrize("shell_name", ["dash", "bash", "busybox"])
def test_every_text_of_both_helpers_leads_to_its_code(make_host: Callable[..., Host], shell_name: str) -> None:
    """Each is tried by the function that reads it; one whole installation for each would take minutes."""
    need(shell_name)
    host = make_host(shell=SHELLS[shell_name])
    files = shell_files("InstallCertificate")[:-1]
    lines = [line for line in script("InstallCertificate").splitlines() if line.startswith("SEALED_")]
    lines += [(SHELL_FILES / file).read_text() for file in files]
    lines += ["clean_up() { :; }", f"aside='{host.work}'", "helper_status=1 ask_seconds=1 reported=yes"]
    for number, words in enumerate((*SERVICE, *NETWORK)):
        (host.work / f"words-{number}").write_text(f"ERROR: ld.so: object 'x' cannot be preloaded\n{words.text}\n")
        lines.append(
            f'cp "$aside/words-{number}" "$aside/words"; read_answer; echo "{number} $prove_code $prove_again"'
        )
    host.keyword["text"] = "\n".join(lines)
    outcome = host.run("InstallCertificate", requestId="0" * 32, certificate="A", chain="A")
    found = [line.split() for line in outcome.stdout.splitlines()]
    assert [code for _, code, _ in found] == [words.code for words in (*SERVICE, *NETWORK)]
    assert {again for _, code, again in found if code == "ROLES_ANYWHERE_THROTTLED"} == {"until"}
    assert {again for _, code, again in found if code == "ROLES_ANYWHERE_REJECTED"} == {"never"}


@pytest.mark.parametrize("words", [SERVICE[0], SERVICE[15], NETWORK[0], NETWORK[-1]], ids=lambda words: words.code)
def test_the_line_that_names_the_cause_is_reported(live_host: Host, words: Words) -> None:
    host = live_host
    before = host.shown()
    (host.root / "words").write_text(words.text + "\n")
    host.add_helper(f"cat '{host.root}/words' >&2; exit 1", version=words.version)
    host.add_tool("sleep", "exit 0")
    outcome = host.install(*host.prepare(), proofSeconds="2")
    assert outcome.error == words.code
    assert remedy_for(words.code, outcome.sentence) == remedy_for(words.code, words.text)
    assert words.remedy in remedy_for(words.code, outcome.sentence)
    assert host.shown() == before


@pytest.mark.parametrize("words", [*SERVICE, *NETWORK], ids=lambda words: f"{words.version} {words.code}")
def test_every_text_of_both_helpers_leads_to_its_remedy(words: Words) -> None:
    assert words.remedy in remedy_for(words.code, words.text)


def test_a_helper_that_is_throttled_all_the_time_is_given_up_at_the_deadline(live_host: Host) -> None:
    host = live_host
    host.add_helper(f"echo >>'{host.root}/asked'; echo 'ThrottlingException: Rate exceeded' >&2; exit 1")
    host.add_tool("sleep", f"echo \"$1\" >>'{host.root}/pauses'")
    clock = host.root / "clock"
    clock.write_text("1795690000")
    # a clock that goes on by a second each time that it is read
    host.add_tool(
        "date",
        f"case $* in *%s) read -r now <'{clock}'; echo $((now + 1)) >'{clock}'; echo \"$now\"; exit 0 ;; esac\n"
        f"exec '{shutil.which('date')}' \"$@\"",
    )
    outcome = host.install(*host.prepare(), proofSeconds="12")
    assert outcome.error == "ROLES_ANYWHERE_THROTTLED"
    assert "Rate exceeded" in outcome.sentence
    asked = (host.root / "asked").read_text().count("\n")
    assert 2 <= asked <= 8
    assert len((host.root / "pauses").read_text().splitlines()) == asked - 1


NO_PROOF = {
    "an empty file": ("", "empty"),
    "a comment": ("# comment\n", "neither"),
    "a page of a proxy": ("<html>denied</html>\n", "neither"),
    "a script that does nothing": ("#!/bin/sh\nexit 0\n", "answers 'version' with ''"),
    "a script that says something else": ("#!/bin/sh\necho hello\n", "answers 'version' with 'hello'"),
    "a version that is too old": ("#!/bin/sh\necho 1.3.9\n", "1.4.0 or newer"),
    "a version that is no number": ("#!/bin/sh\necho 1.x\n", "answers 'version'"),
    "a wrapper whose program is gone": ("#!/bin/sh\nexec /usr/local/lib/no-such-helper \"$@\"\n", "not found"),
    "an interpreter that is gone": ("#!/no/such/sh\necho 1.8.0\n", "loader"),
    "a program that is killed": ("#!/bin/sh\nkill -ILL $$\n", "ends with status 132"),
    "a missing library": (
        "#!/bin/sh\necho \"helper: /lib/libc.so.6: version \\`GLIBC_9.34' not found\" >&2; exit 1\n", "newer C library",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    members(
        NO_PROOF,
        ["a version that is too old", "an interpreter that is gone", "a program that is killed", "a missing library"],
    ),
)
def test_a_helper_that_cannot_run_is_told_and_never_a_proof(live_host: Host, case: str) -> None:
    host = live_host
    before = host.shown()
    text, reason = NO_PROOF[case]
    host.add_helper()
    host.helper.write_text(text)
    request, certificate = host.prepare()
    outcome = host.install(request, certificate, validationPolicy="REQUIRED")
    assert outcome.error == "HELPER_BROKEN"
    assert reason in outcome.sentence
    assert host.shown() == before
    assert "HELPER_BROKEN" in host.run("InspectCertificate").result["problems"]
    outcome = host.install(request, certificate)
    assert (outcome.result["validated"], outcome.result["notices"]) == ("false", "HELPER_BROKEN")
    assert reason in outcome.stderr


@pytest.mark.parametrize("machine", members(["b7", "f3", "16", "02"], ["b7", "02"]))
def test_a_program_for_another_machine_is_not_run(live_host: Host, machine: str) -> None:
    """As it would be by a shell, from the first byte on that is no ELF to the kernel."""
    host = live_host
    host.add_helper()
    program = bytearray(Path("/bin/ls").read_bytes())
    program[18] = int(machine, 16)
    host.helper.write_bytes(bytes(program))
    outcome = host.install(*host.prepare(), validationPolicy="REQUIRED")
    assert outcome.error == "HELPER_BROKEN"
    assert f"0x{machine}" in outcome.sentence


@pytest.mark.parametrize("size", members([3, 19, 64, 4000], [3, 4000]))
def test_a_program_that_is_truncated_is_not_run(live_host: Host, size: int) -> None:
    host = live_host
    host.add_helper()
    host.helper.write_bytes(Path("/bin/ls").read_bytes()[:size])
    outcome = host.install(*host.prepare(), validationPolicy="REQUIRED")
    assert outcome.error == "HELPER_BROKEN"
    assert "truncated" in outcome.sentence or "neither" in outcome.sentence


def test_a_helper_that_may_not_be_executed_is_told(live_host: Host) -> None:
    host = live_host
    host.add_helper()
    host.helper.chmod(0o644)
    assert host.renew().result["notices"] == "HELPER_BROKEN"
    assert host.install(*host.prepare(), validationPolicy="REQUIRED").error == "HELPER_BROKEN"


def test_a_helper_that_proved_before_and_is_gone_is_told_each_time(live_host: Host) -> None:
    host = live_host
    assert host.renew().result["notices"] == "none"
    host.add_helper()
    assert host.renew().result["validated"] == "true"
    host.helper.unlink()
    for _ in range(2):
        assert host.renew().result["notices"] == "HELPER_GONE"
    assert "HELPER_GONE" in host.run("InspectCertificate").result["problems"]


NO_ANSWER = {
    "nothing": "exit 0",
    "a helper in the background": "(sleep 0; exit 1) & exit 0",
    "null": "echo null; exit 0",
    "an empty object": "echo '{}'; exit 0",
    "a version alone": """echo '{"Version":1}'; exit 0""",
    "half of an answer": """echo '{"Version":1,"AccessKeyId":"ASIA-SECRET"}'; exit 0""",
    "an answer that breaks off": f"echo '{CREDENTIALS[:-1]}'; exit 0",
    "an empty token": f"""echo '{CREDENTIALS.replace("TOKEN-SECRET", "")}'; exit 0""",
    "a page to sign in": "echo '<html>sign in</html>'; exit 0",
    "a word that looks like ours": "echo status 0; exit 0",
    "what was kept from last time": f"""echo '{CREDENTIALS.replace("2099", "2019")}'; exit 0""",
    "a time that is none": f"""echo '{CREDENTIALS.replace("2099-11", "tomorrow")}'; exit 0""",
    "another version": f"""echo '{CREDENTIALS.replace('"Version":1', '"Version":2')}'; exit 0""",
    "an answer without end": "while echo '{' 2>/dev/null; do :; done; exit 0",
}


@pytest.mark.parametrize(
    "case",
    members(
        NO_ANSWER,
        ["half of an answer", "a page to sign in", "what was kept from last time", "an answer without end"],
    ),
)
def test_a_helper_that_ends_well_without_credentials_has_proven_nothing(live_host: Host, case: str) -> None:
    host = live_host
    before = host.shown()
    host.add_helper(NO_ANSWER[case])
    outcome = host.install(*host.prepare())
    assert outcome.error in ("HELPER_BROKEN", "ROLES_ANYWHERE_REJECTED")
    assert "SECRET" not in outcome.stdout + outcome.stderr
    assert host.shown() == before


def test_the_helper_has_an_environment_of_our_own(live_host: Host) -> None:
    host = live_host
    host.add_helper(f"env >'{host.root}/environment'; pwd >'{host.root}/place'")
    given = {
        "AWS_PROFILE": "none", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_CA_BUNDLE": "/none", "HOME": "/root",
        "AWS_RETRY_MODE": "legacy", "AWS_USE_FIPS_ENDPOINT": "yes", "https_proxy": "http://a b:3128", "NO_PROXY": "x",
    }  # fmt: skip
    given_place = ("sh", "-c", 'cd "$0" && exec "$@"', str(host.root))
    host.keyword["prefix"] = (*given_place, "env", *(f"{name}={value}" for name, value in given.items()))
    assert host.renew().result["validated"] == "true"
    seen = dict(line.split("=", 1) for line in (host.root / "environment").read_text().splitlines())
    kept = {name: value for name, value in seen.items() if name not in ("PATH", "PWD", "_", "SHLVL", "OLDPWD")}
    assert kept == {
        "HOME": "/", "LC_ALL": "C", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "https_proxy": "http://a b:3128", "NO_PROXY": "x",
    }  # fmt: skip
    assert (host.root / "place").read_text() == "/\n"


@pytest.mark.parametrize(
    "end", ["exit 1", *(pytest.param(f"kill -{name} $$", marks=pytest.mark.long) for name in ("SEGV", "ILL"))]
)
def test_words_without_end_fill_no_disk_and_are_cut(live_host: Host, end: str) -> None:
    host = live_host
    host.add_helper(f"head -c 3000000 /dev/zero | tr '\\0' w >&2; echo last >&2; {end}")
    outcome = host.install(*host.prepare())
    assert outcome.error == "ROLES_ANYWHERE_REJECTED"
    assert len(outcome.sentence) < 600
    assert host.shown().matches


@pytest.mark.parametrize(
    "said",
    [
        'proxyconnect tcp: parse "http://svc:top-SECRET@proxy.corp:3128": invalid userinfo',
        'invalid proxy address "svc:x//top-SECRET@proxy": first path segment in URL cannot contain colon',
        "Get https://svc:top-SECRET@proxy.corp: Proxy Authentication Required",
    ],
)
def test_the_password_of_a_proxy_does_not_become_part_of_a_reason(live_host: Host, said: str) -> None:
    host = live_host
    (host.root / "words").write_text(said)
    host.add_helper(f"cat '{host.root}/words' >&2; exit 1")
    host.add_tool("sleep", "exit 0")
    outcome = host.install(*host.prepare(), proofSeconds="2")
    assert outcome.error == "ROLES_ANYWHERE_UNREACHABLE"
    assert "SECRET" not in outcome.stdout + outcome.stderr
    assert "...@proxy" in outcome.sentence


@pytest.mark.parametrize(("name", "told"), [("https_proxy", True), ("HTTPS_PROXY", True), ("http_proxy", False)])
def test_helpers_that_take_a_proxy_only_if_they_are_told_to_are_told(live_host: Host, name: str, told: bool) -> None:
    host = live_host
    host.add_helper()
    host.keyword["prefix"] = ("env", f"{name}=http://proxy.invalid:3128")
    host.renew()
    assert ("--with-proxy" in arguments(host)) is told
