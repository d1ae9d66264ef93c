"""The examples of docs/hosts.md for containers, chroots and AppArmor, as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents.container import Container, in_a_namespace
from tests.documents.host import HOST_ID, Host
from tests.documents.pki import Authority
from tests.tiers import needs

SECTION = re.compile(r"^## Containers, chroots and AppArmor\n(.*?)^## ", re.MULTILINE | re.DOTALL)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "hosts.md"
CONFIGURATION, STORE, JAIL = "/etc/pca-automator", "/var/lib/pca-automator", "/srv/jail"


def example(begin: str) -> str:
    """The block of the page whose first line begins like this."""
    (section,) = SECTION.findall(PAGE.read_text(encoding="utf-8"))
    (found,) = [block for block in re.findall(r"^```\w*\n(.*?)^```", section, re.M | re.S) if block.startswith(begin)]
    return str(found)


@pytest.fixture
def plain_host(tmp_path: Path, authority: Authority) -> Host:
    """With the directories of the page below a root of its own: a shell splits no name of theirs."""
    host = Host(tmp_path / "host", authority=authority)
    host.store_root = Path(f"{host.root}{STORE}")
    host.certs, host.private = (Path(f"{host.root}{CONFIGURATION}/{name}") for name in ("certs", "private"))
    host.renew()
    return host


def below(host: Host, text: str) -> str:
    """The same words about a host that has its own root."""
    return text.replace(CONFIGURATION, f"{host.root}{CONFIGURATION}").replace(STORE, f"{host.root}{STORE}")


@needs("root")
@needs("mount")
def test_the_mounts_of_the_container_show_every_new_pair(plain_host: Host, contain: Callable[..., Container]) -> None:
    host = plain_host
    mounts = re.findall(r"--mount type=bind,src=([^,]+),dst=([^,]+),readonly", below(host, example("$ docker run")))
    assert len(mounts) == 2
    container = contain(*(f"{source}:{target}" for source, target in mounts))
    for _ in range(2):
        host.renew()
        assert all(container.reads(path) for path in host.public.values())
    assert host.run("InspectCertificate").result["problems"] == "none"


@needs("root")
@needs("mount")
def test_the_commands_of_the_chroot_show_every_new_pair(plain_host: Host, tmp_path: Path) -> None:
    """They are run in a namespace of mounts of their own; what they make is read from inside of the chroot."""
    host = plain_host
    jail = tmp_path / "jail"
    commands = [line.removeprefix("# ") for line in example("# mkdir").splitlines()]
    assert [command.split()[0] for command in commands] == ["mkdir", "mount", "mount"]
    script = below(host, "\n".join(commands)).replace(JAIL, str(jail))
    reads = (
        "import os, subprocess, sys\nsubprocess.run(['sh', '-euc', sys.argv[1]], check=True)\n"
        "os.chroot(sys.argv[2])\nos.chdir('/')\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "print(sum(len(open(path).read()) > 0 for path in sys.argv[3:]), flush=True)\n"
    )
    public = [str(path) for path in host.public.values()]
    command = in_a_namespace(reads, script, str(jail), *public)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as inside:
        assert inside.stdin is not None
        assert inside.stdout is not None
        assert inside.stdout.readline() == "ready\n"
        host.renew()
        assert inside.communicate("go\n")[0] == "3\n"
    assert inside.returncode == 0


def test_the_rules_for_apparmor_let_every_file_be_read_at_the_end_of_its_links(plain_host: Host) -> None:
    """``**`` stands for anything below, as AppArmor has it."""
    host = plain_host
    rules = [re.fullmatch(r"(\S+)/\*\* r,", line) for line in example("/etc/pca-automator").splitlines()]
    allowed = [below(host, rule[1]) for rule in rules if rule]
    assert len(allowed) == len(rules) == 2
    for path in host.public.values():
        for seen in (str(path), os.path.realpath(path)):
            assert any(seen.startswith(f"{place}/") for place in allowed), seen
    assert HOST_ID in os.path.realpath(host.public["tls.key"])
