"""Hosts on which programs complain although nothing is wrong: no word of theirs becomes a value, and no check opens."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pca_automator import ssm_documents
from tests.documents.host import Host
from tests.members import members

SHELL_FILES = Path(ssm_documents.__file__).parent / "shell"
NEEDED = re.compile(r"need_tools (?:[^\n]*\\\n)*[^\n]*")
# What would be taken for a value, for a reason or for an answer if the streams were mixed.
COMPLAINT = """ERROR: ld.so: object '/usr/lib/libmissing.so' from LD_PRELOAD cannot be preloaded: ignored.
0 0 755
serial=00
notAfter=Jan  1 00:00:00 2038 GMT
-----BEGIN PUBLIC KEY-----
AAAA
-----END PUBLIC KEY-----
verify OK
versions/0
/tmp
ThrottlingException: Rate exceeded: No space left on device"""

TOOLS = sorted(
    {"id", "chmod", "chown"}.union(
        *(
            line.replace("\\\n", " ").split()[1:]
            for file in SHELL_FILES.glob("*.sh")
            for line in NEEDED.findall(file.read_text())
        )
    )
)


def complaining(host: Host, tools: list[str], stream: str = ">&2") -> None:
    """These tools say :data:`COMPLAINT` first, and then do what they always do."""
    for tool in tools:
        lines = "\n".join(f"printf '%s\\n' '{line}' {stream}" for line in COMPLAINT.replace("'", '"').splitlines())
        host.add_tool(tool, f"{lines}\nexec '{shutil.which(tool)}' \"$@\"")


def life_of(host: Host) -> list[Any]:
    """Everything that documents do on a host, and what they tell of it, without what differs each time."""
    host.add_hook("10-hook", 'test "$PCA_AUTOMATOR_ACTION" = install')
    host.add_helper()
    told: list[Any] = []
    serials = []
    for _ in range(2):
        outcome = host.renew(bundle="true")
        result = outcome.result
        serials.append(result["serial"])
        told.append({key: result[key] for key in ("validated", "switched", "takeover")})
        assert host.shown().matches
        assert host.shown().serial == result["serial"]
        told.append({path.name: oct(path.stat().st_mode) for path in (host.store / "current").iterdir()})
    assert result["previous"] == serials[0]
    inspected = host.run("InspectCertificate")
    seen = json.loads(inspected.stdout.splitlines()[0])
    assert seen["live"]["serial"] == serials[1]
    told += [seen["problems"], seen["files"], seen["hooks"], seen["unsafe"], seen["live"]["keyMatches"]]
    told.append(host.run("RemoveCertificate", serial=serials[1]).result["removed"])
    assert host.shows_nothing()
    return told


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    former = os.umask(0o022)
    told = life_of(Host(tmp_path_factory.mktemp("quiet") / "host"))
    os.umask(former)
    return told


def test_the_tools_that_documents_name_are_all_here() -> None:
    assert {"openssl", "stat", "flock", "mv", "date", "timeout", "readlink", "cut", "id"} <= set(TOOLS)
    assert all(shutil.which(tool) for tool in TOOLS)


def test_a_library_that_cannot_be_preloaded_changes_nothing(
    make_host: Callable[..., Host], platform: dict[str, Any], quiet: list[Any]
) -> None:
    host = make_host(**platform)
    host.keyword["prefix"] = ("env", "LD_PRELOAD=/usr/lib/libmissing.so")
    assert life_of(host) == quiet


def test_all_tools_may_complain_at_once(
    make_host: Callable[..., Host], shell: tuple[str, ...], quiet: list[Any]
) -> None:
    host = make_host(shell=shell)
    complaining(host, TOOLS)
    assert life_of(host) == quiet


# What an agent may have been started with; whatever it means to a shell, a tool or openssl, it means nothing here.
ENVIRONMENTS = {
    "tools": {
        "POSIXLY_CORRECT": "1", "_POSIX2_VERSION": "199209", "GREP_OPTIONS": "--color=always", "TAR_OPTIONS": "-z",
        "QUOTING_STYLE": "c", "TIME_STYLE": "long-iso", "BLOCK_SIZE": "1k", "COLUMNS": "10", "LANG": "tr_TR.UTF-8",
        "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de", "TZ": "Asia/Kolkata", "TMPDIR": "/nonexistent", "HOME": "",
        "PWD": "/x",
    },
    "openssl": {
        "OPENSSL_CONF": "/nonexistent", "OPENSSL_MODULES": "/nonexistent", "OPENSSL_ENGINES": "/nonexistent",
        "SSLKEYLOGFILE": "/nonexistent/log", "SSL_CERT_FILE": "/nonexistent", "RANDFILE": "/nonexistent/rnd",
        "LD_LIBRARY_PATH": "/nonexistent", "MALLOC_PERTURB_": "7",
    },
    "shells": {
        "IFS": "/x0", "CDPATH": "/:/etc:/tmp", "ENV": "/nonexistent", "BASH_ENV": "/nonexistent", "PS4": "$(id)",
    },
    "options of bash": {"SHELLOPTS": "noglob:xtrace:verbose:nounset:pipefail:noclobber:keyword"},
    "behaviour of bash": {"BASHOPTS": "nocasematch:failglob:dotglob:nullglob:extglob"},
    "functions of bash": {"BASH_FUNC_stat%%": "() { echo 0 0 755; }", "BASH_FUNC_openssl%%": "() { echo OK; }"},
    "names of ours": dict.fromkeys(
        ("live", "value", "words", "nl", "me", "store", "locked", "notices", "hooks", "list", "mode", "owner", "group",
         "state_live", "state_history", "before", "stay", "version", "validated", "SEALED_csrPath", "SSM_COMMAND_ID"),
        "evil",
    ),
}  # fmt: skip
STARTS = {
    "everything": "umask 777; trap '' PIPE CHLD TERM HUP INT XFSZ; ulimit -n 24; exec \"$@\" <&- 9</etc/passwd",
    "no input": 'exec "$@" <&-', "a lock's number is taken": 'exec "$@" 9</etc/passwd',
    "few files": 'ulimit -n 24; exec "$@"',
    "signals that are ignored": "trap '' PIPE CHLD TERM HUP INT XFSZ; exec \"$@\"", "no mask": 'umask 0; exec "$@"',
    "a mask of everything": 'umask 777; exec "$@"',
}  # fmt: skip


def environment(*names: str) -> tuple[str, ...]:
    return ("env", *(f"{name}={value}" for each in names for name, value in ENVIRONMENTS[each].items()))


def test_no_environment_of_the_agent_changes_anything(
    make_host: Callable[..., Host], shell: tuple[str, ...], quiet: list[Any]
) -> None:
    host = make_host(shell=shell)
    host.keyword["prefix"] = (*environment(*ENVIRONMENTS), "sh", "-c", STARTS["everything"], "sh")
    assert life_of(host) == quiet


@pytest.mark.long
@pytest.mark.parametrize("name", [*ENVIRONMENTS, *STARTS])
def test_nothing_that_the_agent_was_started_with_changes_anything_alone(
    make_host: Callable[..., Host], shell: tuple[str, ...], name: str, quiet: list[Any]
) -> None:
    host = make_host(shell=shell)
    host.keyword["prefix"] = environment(name) if name in ENVIRONMENTS else ("sh", "-c", STARTS[name], "sh")
    assert life_of(host) == quiet


@pytest.mark.long
@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_may_complain_alone(
    make_host: Callable[..., Host], shell: tuple[str, ...], tool: str, quiet: list[Any]
) -> None:
    host = make_host(shell=shell)
    complaining(host, [tool])
    assert life_of(host) == quiet


@pytest.mark.parametrize("stream", [">&2", ""])
@pytest.mark.parametrize("what", members(["store", "hook", "helper", "public directory"], ["store", "hook"]))
def test_a_noisy_stat_does_not_open_the_checks(
    make_host: Callable[..., Host], shell: tuple[str, ...], what: str, stream: str
) -> None:
    """On stderr it is not heard; on stdout the facts are not what they must be, and that is a refusal."""
    host = make_host(shell=shell)
    host.renew()
    before = host.shown()
    host.add_helper(f"echo ran >'{host.root}/ran'")
    hook = host.add_hook("10-hook", f"echo ran >'{host.root}/ran'")
    request, certificate = host.prepare()
    place = {"store": host.store, "hook": hook, "helper": host.helper, "public directory": host.certs}[what]
    place.chmod(0o777)
    complaining(host, ["stat"], stream)
    outcome = host.install(request, certificate)
    assert outcome.error == "UNSAFE_DIRECTORY"
    assert not (host.root / "ran").exists()
    assert host.shown() == before


@pytest.mark.parametrize("tool", ["stat", "id", "date", "readlink"])
@pytest.mark.parametrize(
    "words",
    members(["complaint: 1", "1 2 3 4", "-1 0 755", "", "9999999999999999999999"], ["complaint: 1", "-1 0 755", ""]),
)
def test_a_fact_that_is_not_what_it_must_be_is_a_refusal(live_host: Host, tool: str, words: str) -> None:
    """The tool answers nothing else, and ends well."""
    host = live_host
    before = host.shown()
    request, certificate = host.prepare()
    host.add_tool(tool, f"echo '{words}'")
    outcome = host.install(request, certificate)
    assert outcome.status == 1
    assert outcome.error is not None
    host.path = None
    assert host.shown() == before


@pytest.mark.parametrize("answer", ["verify OK", "-----BEGIN PUBLIC KEY-----", "serial=01"])
def test_an_openssl_that_answers_without_reading_is_not_believed(live_host: Host, answer: str) -> None:
    host = live_host
    before = host.shown()
    request, certificate = host.prepare()
    host.add_tool("openssl", f"echo '{answer}'; echo '{answer}' >&2")
    assert host.install(request, certificate).status == 1
    assert host.shown() == before


def test_what_a_failing_tool_says_is_found_among_complaints_of_the_loader(live_host: Host) -> None:
    host = live_host
    request, certificate = host.prepare()
    loader = "ERROR: ld.so: object 'x.so' from LD_PRELOAD cannot be preloaded: ignored."
    real = shutil.which("mv")
    host.add_tool(
        "mv", f"case \"$*\" in */.aside/current*) echo 'mv: Input/output error' >&2; echo \"{loader}\" >&2; exit 1 ;; "
        f"esac\nexec '{real}' \"$@\""
    )  # fmt: skip
    outcome = host.install(request, certificate)
    assert outcome.error == "SWITCH_FAILED"
    assert outcome.sentence.endswith("mv: Input/output error")
