"""The switch: one rename, seen from outside and from the kernel's side."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from pca_automator import ssm_documents
from tests.documents import strace
from tests.documents.agent import write_script
from tests.documents.host import Host, new_request
from tests.tiers import need

SWITCHES = 1000


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> str:
    """The script of InstallCertificate under the names of its files, without its last line, which calls main."""
    monkeypatch.setattr(ssm_documents, "_shorten", lambda texts: texts)
    body, _, last = ssm_documents.script("InstallCertificate").rstrip("\n").rpartition("\n")
    assert last == "main"
    return body


def test_a_reader_sees_a_matching_pair_every_time_during_a_thousand_switches(host: Host, functions: str) -> None:
    names = ("tls.crt", "tls.key", "ca.crt")
    one = host.renew().result["serial"]
    pairs = {one: host.shown()}
    two = host.renew().result["serial"]
    pairs[two] = host.shown()
    assert all(pair.matches for pair in pairs.values())
    expected = {tuple(getattr(pair, part) for part in ("certificate", "key", "chain")) for pair in pairs.values()}
    # A thousand, and as many more as a busy machine takes to let the reader look often enough.
    enough = host.root / "enough"
    loop = f"open_store\nlive_version\nturn=0\nwhile [ $turn -lt {SWITCHES // 2} ] || [ ! -e '{enough}' ]; do\n"
    loop += f"must SWITCH_FAILED one point_current_at {one}\nmust SWITCH_FAILED two point_current_at {two}\n"
    loop += "turn=$((turn + 1))\ndone\necho done\n"
    file = host.work / "switch.sh"
    params = host.params("InstallCertificate", requestId=new_request(), certificate="AA==", chain="AA==")
    variables = write_script("InstallCertificate", params, "env", file, f"{functions}\n{loop}")
    environment = {"PATH": os.environ["PATH"], **variables}
    seen = dict.fromkeys(expected, 0)
    through_public_path = 0
    with subprocess.Popen(["sh", str(file)], env=environment, stdout=subprocess.PIPE) as switching:
        while switching.poll() is None:
            # One link resolution: of `current`, or of any public path, whose last part the version has under its name.
            version = Path(os.path.realpath(host.store / "current"))
            seen[tuple(version.joinpath(name).read_bytes() for name in names)] += 1
            version = Path(os.path.realpath(host.public["tls.key"])).parent
            assert tuple(version.joinpath(name).read_bytes() for name in names) in expected
            through_public_path += 1
            if through_public_path > 100 and all(count > 50 for count in seen.values()):
                enough.touch()
            time.sleep(0)
        assert switching.stdout is not None
        assert switching.stdout.read() == b"done\n"
    assert set(seen) == expected, "a pair that was never live"
    assert all(count > 50 for count in seen.values()), seen
    assert through_public_path > 100


def test_the_switch_is_one_rename_and_the_link_is_never_absent(live_host: Host) -> None:
    need("strace")
    host = live_host
    request, certificate = host.prepare()
    log = host.root / "strace.log"
    host.keyword["prefix"] = strace.command(log)
    assert host.install(request, certificate).result["switched"] == "true"
    touching = [
        call
        for call in strace.calls(log)
        if any(path == str(host.store / "current") or path == "current" for path in call.paths)
        and not call.name.startswith("open")
    ]
    assert [call.name.rstrip("at2") for call in touching] == ["rename"], touching


def test_public_directories_are_not_written_to_once_the_links_are_there(live_host: Host) -> None:
    need("strace")
    host = live_host
    request, certificate = host.prepare()
    log = host.root / "strace.log"
    host.keyword["prefix"] = strace.command(log)
    host.install(request, certificate)
    made = [call.made for call in strace.calls(log) if call.made]
    assert made
    assert not [name for name in made if name.startswith((str(host.certs), str(host.private)))]


@pytest.mark.parametrize("key_mode", ["", "0440"])
def test_a_key_is_never_observable_with_a_wider_mode_than_asked_for(host: Host, key_mode: str) -> None:
    """Every call that creates, or changes the mode of, a file that holds a key, from its birth to the end."""
    need("strace")
    request, log = new_request(), host.root / "strace.log"
    host.keyword["prefix"] = strace.command(log)
    asked = int(key_mode or "0400", 8)
    csr = host.generate(request).csr
    calls = list(strace.calls(log))
    host.install(request, host.authority.issue(csr), keyMode=key_mode, bundle="true")
    calls += strace.calls(log)
    key_files = ("/tls.key", "/bundle.pem")
    created = [call for call in calls if call.created_mode is not None and call.paths[0].endswith(key_files)]
    assert {Path(call.paths[0]).name for call in created} == {"tls.key", "bundle.pem"}
    for call in created:
        assert call.created_mode == 0o400, call
    chmods = [call for call in calls if "chmod" in call.name and any(p.endswith(key_files) for p in call.paths)]
    assert chmods
    for call in chmods:
        assert call.arguments.endswith(f"0{asked:o}") or f", 0{asked:o}" in call.arguments, call
    assert stat.S_IMODE(host.public["tls.key"].stat().st_mode) == asked
