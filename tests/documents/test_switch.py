"""The switch: one rename, seen from outside and from the kernel's side."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from pca_automator import ssm_documents
from tests.documents import strace
from tests.documents.access import set_list
from tests.documents.agent import write_script
from tests.documents.conftest import needs_mount, needs_root
from tests.documents.container import ENTER, in_a_namespace
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


def switching_between(host: Host, functions: str, one: str, two: str, enough: Path) -> subprocess.Popen[bytes]:
    """A thousand switches, and as many more as a busy machine takes until ``enough`` is there."""
    loop = f"open_store\nlive_version\nturn=0\nwhile [ $turn -lt {SWITCHES // 2} ] || [ ! -e '{enough}' ]; do\n"
    loop += f"must SWITCH_FAILED one point_current_at {one}\nmust SWITCH_FAILED two point_current_at {two}\n"
    loop += "turn=$((turn + 1))\ndone\necho done\n"
    file = host.work / "switch.sh"
    params = host.params("InstallCertificate", requestId=new_request(), certificate="AA==", chain="AA==")
    variables = write_script("InstallCertificate", params, "env", file, f"{functions}\n{loop}")
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.Popen(["sh", str(file)], env=environment, stdout=subprocess.PIPE)


def test_a_reader_sees_a_matching_pair_every_time_during_a_thousand_switches(host: Host, functions: str) -> None:
    names = ("tls.crt", "tls.key", "ca.crt")
    one = host.renew().result["serial"]
    pairs = {one: host.shown()}
    two = host.renew().result["serial"]
    pairs[two] = host.shown()
    assert all(pair.matches for pair in pairs.values())
    expected = {tuple(getattr(pair, part) for part in ("certificate", "key", "chain")) for pair in pairs.values()}
    enough = host.root / "enough"
    seen = dict.fromkeys(expected, 0)
    through_public_path = 0
    with switching_between(host, functions, one, two, enough) as switching:
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


# A service of its own user, whom only a list lets read, in a container: it reads the three files of one version.
SERVICE = f"""import hashlib
{ENTER.replace("sys.argv[1:]", "sys.argv[3:]")}
store, public = sys.argv[1:3]
os.setgroups([]); os.setgid(60033); os.setuid(33)
seen = {{}}
while len(seen) < 2 or min(seen.values()) < 50:
    for link in (store + "/current", public):
        version = os.path.realpath(link)
        version = version if os.path.isdir(version) else os.path.dirname(version)
        content = b"".join(open(version + "/" + name, "rb").read() for name in ("tls.crt", "tls.key", "ca.crt"))
        digest = hashlib.sha256(content).hexdigest()
        seen[digest] = seen.get(digest, 0) + 1
print(*sorted(seen))
"""


@pytest.mark.long
@needs_root
@needs_mount
def test_a_service_in_a_container_sees_a_matching_pair_every_time_by_a_right_of_a_list(
    host: Host, functions: str, tmp_path: Path
) -> None:
    host.root.parent.chmod(0o711)
    one, two = (host.renew().result["serial"] for _ in range(2))
    digests = set()
    for serial in (one, two):
        version = host.store / "versions" / serial
        set_list(version / "tls.key", ["owner:4", "user:33:4", "group-of-file:0", "mask:4", "other:0"])
        content = b"".join((version / name).read_bytes() for name in ("tls.crt", "tls.key", "ca.crt"))
        digests.add(hashlib.sha256(content).hexdigest())
    enough, root = host.root / "enough", tmp_path / "container"
    root.mkdir()
    shows = [str(place) for place in (host.certs, host.private, host.store_root)]
    command = in_a_namespace(SERVICE, str(host.store), str(host.public["tls.key"]), str(root), *shows)
    with switching_between(host, functions, one, two, enough) as switching:
        service = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        enough.touch()
        assert switching.stdout is not None
        assert switching.stdout.read() == b"done\n"
    assert service.returncode == 0
    assert set(service.stdout.split()) == digests, "a pair that was never live"


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
