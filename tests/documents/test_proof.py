"""The proof with IAM Roles Anywhere: before the switch, and nothing of it reaches the output."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pca_automator.ssm_documents import script
from tests.documents.conftest import needs_root
from tests.documents.host import ARNS, Host
from tests.documents.pki import Authority


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
    assert "AKIA" not in outcome.stdout + outcome.stderr
    for folder, _, names in os.walk(host.store_root):
        for name in names:
            assert b"AKIA" not in Path(folder, name).read_bytes()


def test_credentials_of_a_helper_that_fails_after_all_do_not_become_the_reason(host: Host) -> None:
    host.add_helper('echo \'{"SecretAccessKey": "AKIA-SECRET"}\'; exit 1')
    outcome = host.install(*host.prepare())
    assert outcome.sentence == "IAM Roles Anywhere: no answer"
    assert "AKIA" not in outcome.stdout + outcome.stderr


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
    assert host.install(*host.prepare()).result["validated"] == "true"
    assert (host.root / "asked").read_text().count("\n") == 3


def test_a_helper_that_hangs_is_ended(host: Host) -> None:
    host.add_helper("exec sleep 60")
    request, certificate = host.prepare()
    host.keyword["text"] = script("InstallCertificate").replace("helper_seconds=30", "helper_seconds=1")
    outcome = host.install(request, certificate)
    assert outcome.error == "ROLES_ANYWHERE_REJECTED"
    assert "no answer within 1 seconds" in outcome.sentence


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
