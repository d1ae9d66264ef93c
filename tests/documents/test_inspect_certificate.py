"""InspectCertificate: a report, and not a byte changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from typing import Any

from tests.documents import strace
from tests.documents.host import HOST_ID, Host
from tests.documents.pki import DAY, pem
from tests.documents.test_take_over import lay_down
from tests.tiers import need

LIMIT = 2000


def inspect(host: Host) -> dict[str, Any]:
    outcome = host.run("InspectCertificate")
    assert outcome.status == 0, outcome
    report, result = outcome.stdout.splitlines()
    assert len(report) <= LIMIT
    facts: dict[str, Any] = json.loads(report)
    assert outcome.result["problems"] == (",".join(facts["problems"]) or "none")
    assert result.startswith(f"PCA_RESULT hostID={HOST_ID} ")
    return facts


def test_reports_a_healthy_host(make_host: Callable[..., Host], platform: dict[str, Any]) -> None:
    host = make_host(**platform)
    host.add_helper()
    former = host.renew().result["serial"]
    host.add_hook("10-reload", "true")
    result = host.renew().result
    owner = {"owner": host.public["tls.key"].owner(), "group": host.public["tls.key"].group()}
    facts = inspect(host)
    assert set(facts.pop("versions")["names"]) == {former, result["serial"]}
    assert facts.pop("openssl").startswith("OpenSSL ")
    assert facts.pop("clock") >= result["clock"]
    assert facts.pop("live").pop("notBefore")
    assert facts == {
        "hostID": HOST_ID,
        "files": {
            "tls.crt": {"shown": "ours", "mode": "644", **owner},
            "tls.key": {"shown": "ours", "mode": "400", **owner},
            "ca.crt": {"shown": "ours", "mode": "644", **owner},
        },
        "pending": {"count": 0, "names": []},
        "hooks": {"count": 1, "names": ["10-reload"]},
        "helper": "1.8.0",
        "unsafe": "",
        "problems": [],
    }


def test_reports_what_is_live(host: Host) -> None:
    result = host.renew().result
    live = inspect(host)["live"]
    assert live == {
        "version": result["serial"],
        "serial": result["serial"],
        "commonName": HOST_ID,
        "notBefore": live["notBefore"],
        "notAfter": result["notAfter"],
        "keyMatches": True,
        "validated": False,
        "confirmed": True,
    }


def test_reports_a_host_that_has_nothing(host: Host) -> None:
    facts = inspect(host)
    assert facts["live"] is None
    assert facts["problems"] == ["NOTHING_SHOWN", "NOT_OUR_LINK"]
    assert facts["helper"] == "missing"
    assert not host.store_root.exists()


def test_reports_files_that_are_not_ours_and_a_key_that_others_can_read(host: Host, make_host: Any) -> None:
    elsewhere = make_host()
    elsewhere.renew()
    lay_down(host, elsewhere.shown())
    host.public["tls.key"].chmod(0o644)
    facts = inspect(host)
    assert facts["problems"] == ["NOT_OUR_LINK", "KEY_READABLE_BY_OTHERS"]
    assert facts["files"]["tls.key"]["mode"] == "644"
    assert facts["files"]["tls.key"]["shown"] == "foreign"
    assert facts["live"]["validated"] is None


def test_reports_a_mismatched_pair_and_an_expired_certificate(live_host: Host, make_host: Any) -> None:
    host = live_host
    elsewhere = make_host()
    elsewhere.renew()
    host.public["tls.key"].chmod(0o600)
    host.public["tls.key"].write_bytes(elsewhere.shown().key)
    _, expired = host.prepare(starts=-3 * DAY, ends=-DAY, common_name="i-00000000")
    host.public["tls.crt"].write_text(pem(expired))
    facts = inspect(host)
    assert facts["live"]["keyMatches"] is False
    assert facts["problems"] == [
        "CERTIFICATE_KEY_MISMATCH",
        "CERTIFICATE_SUBJECT_MISMATCH",
        "CERTIFICATE_NOT_VALID_NOW",
    ]


def test_reports_a_certificate_that_cannot_be_read(live_host: Host) -> None:
    (live_host.store / "current/tls.crt").write_text("no certificate\n")
    assert inspect(live_host)["problems"] == ["CERTIFICATE_UNREADABLE"]


def test_reports_unsafe_places_instead_of_failing(live_host: Host) -> None:
    host = live_host
    host.add_helper()
    host.helper.chmod(0o777)
    host.private.chmod(0o777)
    facts = inspect(host)
    assert facts["problems"] == ["UNSAFE_DIRECTORY"]
    assert facts["unsafe"].startswith(f"UNSAFE_DIRECTORY {host.private} can be changed by others")
    assert facts["helper"].startswith("does not run")
    assert not (host.root / "helper.log").exists()


def test_a_helper_in_a_directory_for_everyone_is_not_run(live_host: Host) -> None:
    host = live_host
    host.add_helper()
    host.helper.parent.chmod(0o1777)
    facts = inspect(host)
    assert facts["problems"] == ["UNSAFE_DIRECTORY"]
    assert facts["helper"].startswith("does not run")
    assert not (host.root / "helper.log").exists()


def test_reports_a_store_whose_link_leads_nowhere_good(live_host: Host) -> None:
    host = live_host
    (host.store / "current").unlink()
    (host.store / "current").symlink_to("/etc")
    assert "UNSAFE_DIRECTORY" in inspect(host)["problems"]


def test_stays_short_whatever_there_is(host: Host) -> None:
    host.add_helper()
    host.helper.write_text("#!/bin/sh\nhead -c 9000 /dev/zero | tr '\\0' '\"'; printf '\\\\\\n\\033'\n")
    for number in range(20):
        host.add_hook(f"{number:02}-" + 'long"\\name' * 15, "true")
        (host.store / "versions" / f"{'f' * 40}-{number}").mkdir(parents=True, exist_ok=True)
        (host.store / "pending" / (f"{number:02}" * 16)).mkdir(parents=True, exist_ok=True)
    host.private.mkdir(parents=True)
    host.private.chmod(0o777)
    facts = inspect(host)
    assert facts["versions"]["count"] == 20
    assert (facts["hooks"]["count"], facts["skipped"]["count"]) == (0, 20)


def test_stays_short_with_every_field_at_its_longest(live_host: Host) -> None:
    """Nothing is as it should be, and every name is as long as it can be."""
    host = live_host
    host.add_helper(version="no" * 50)
    host.add_tool("openssl", f'[ "$1" != version ] && exec \'{shutil.which("openssl")}\' "$@"; echo {"long " * 30}')
    facts = f'case $* in *%U*) echo "777 {"u" * 64} {"g" * 64}" ;; *) exec \'{shutil.which("stat")}\' "$@" ;; esac'
    host.add_tool("stat", facts)
    version = host.store / "versions" / ("f" * 90)
    (host.store / "versions" / host.live).rename(version)
    (host.store / "current").unlink()
    (host.store / "current").symlink_to(f"versions/{version.name}")
    _, expired = host.prepare(
        starts=-3 * DAY, ends=-DAY, common_name="C" * 64, serial=0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF
    )
    (version / "tls.crt").chmod(0o600)
    (version / "tls.crt").write_text(pem(expired))
    (host.store / "state").write_text(f"live={version.name}\nconfirmed=no\nvalidated=false\n")
    for path in host.public.values():
        path.unlink()
        path.symlink_to(version / ("tls.key" if path.suffix == ".key" else "tls.crt"))
    for number in range(20):
        host.add_hook(f"{number:02}-" + "long-name" * 15, "true")
        (host.store / "versions" / f"{'e' * 80}-{number}").mkdir()
        (host.store / "pending" / (f"{number:02}" * 16)).mkdir()
    host.private.chmod(0o777)
    found = inspect(host)
    assert found["live"]["commonName"] == "C" * 64
    assert found["live"]["serial"] == "7" + "f" * 39
    assert len(found["helper"]) == 80
    assert found["versions"]["count"] == 21
    assert set(found["problems"]) == {
        "CERTIFICATE_KEY_MISMATCH", "CERTIFICATE_NOT_VALID_NOW", "CERTIFICATE_SUBJECT_MISMATCH", "HELPER_BROKEN",
        "HOOKS_NOT_FINISHED", "KEY_READABLE_BY_OTHERS", "NOT_OUR_LINK", "UNSAFE_DIRECTORY",
    }  # fmt: skip


def test_writes_nothing(live_host: Host) -> None:
    need("strace")
    host = live_host
    log = host.root / "strace.log"
    host.keyword["prefix"] = strace.command(log)
    inspect(host)
    changes = [
        call for call in strace.calls(log) if call.made or call.name.startswith(("unlink", "chmod", "chown", "fch"))
    ]
    assert not [call for call in changes if not any(path.startswith("/dev/null") for path in call.paths)]
    assert os.path.exists(log)
