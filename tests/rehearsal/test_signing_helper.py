"""The launcher on a simulated host: what the real ``aws_signing_helper`` would be started with."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pca_automator.rehearsal.stage import signing_helper


def test_a_real_helper_that_the_user_names_is_pointed_at_the_local_service(tmp_path: Path) -> None:
    real = tmp_path / "a real helper"
    real.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    real.chmod(0o755)
    launcher = signing_helper.write(tmp_path / "bin", "http://127.0.0.1:4566", real)
    asked = subprocess.run(
        [launcher, "credential-process", "--certificate", "/a b/tls.crt"], capture_output=True, text=True, check=True
    )
    assert asked.stdout.splitlines() == [
        "credential-process", "--certificate", "/a b/tls.crt",
        "--endpoint", "http://127.0.0.1:4566", "--no-verify-ssl",
    ]  # fmt: skip
    version = subprocess.run([launcher, "version"], capture_output=True, text=True, check=True)
    assert version.stdout.splitlines() == ["version"]


def test_the_stand_in_says_which_version_it_stands_for(tmp_path: Path) -> None:
    launcher = signing_helper.write(tmp_path, "http://127.0.0.1:4566")
    version = subprocess.run([launcher, "version"], capture_output=True, text=True, check=True)
    assert version.stdout == f"{signing_helper.VERSION}\n"
