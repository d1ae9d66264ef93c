"""What every test finds, whatever machine, shell or CI system started it.

A test shows what the product does, and not what somebody's shell profile, umask or ``nohup`` did before. What a
machine *has* is another matter: see ``tests/tiers.py``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
UMASK = 0o022
# With SIGCHLD ignored no status of a child is ever known; the others are what commands are interrupted with. SIGHUP is
# left as it is: who starts tests under nohup means it.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGALRM, signal.SIGCHLD)
# How programs find their settings, what they draw on, and how they talk.
FOREIGN = (
    "AWS_", "CDK_", "COLUMNS", "FORCE_COLOR", "GIT_DIR", "GIT_WORK_TREE", "LANG", "LC_", "LINES", "NO_COLOR",
    "OPENSSL_CONF", "PCA_", "POSIXLY_CORRECT", "POWERTOOLS_", "SOURCE_DATE_EPOCH", "TERM", "XDG_",
)  # fmt: skip
# Where a certificate authority of the machine's own network is named, that is how packages are fetched.
KEPT = {"AWS_CA_BUNDLE", "XDG_RUNTIME_DIR"}


def ordinary_process() -> None:
    """Make this an ordinary process: its children inherit signals and umask."""
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    os.umask(UMASK)


@contextmanager
def ordinary_environment() -> Iterator[None]:
    """An environment with a home of its own, for this process and what it starts."""
    with TemporaryDirectory(prefix="pca-automator-home-") as home:
        make_ordinary(os.environ, Path(home))
        yield


def make_ordinary(environment: MutableMapping[str, str], home: Path) -> None:
    """Take the machine's and the user's own settings out of an environment, but not how it fetches packages."""
    _keep_pip(environment)
    for name in [name for name in environment if name.startswith(FOREIGN) and name not in KEPT]:
        del environment[name]
    environment |= {"HOME": str(home), "LC_ALL": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true"}
    # jsii unpacks the CDK once; in each new home it would do so again.
    environment.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(ROOT / "build" / "jsii"))
    environment.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")


def _keep_pip(environment: MutableMapping[str, str]) -> None:
    """pip's user settings and its cache stand below the home: https://pip.pypa.io/en/stable/topics/configuration/."""
    former = environment.get("HOME")
    if not former:
        return
    settings = Path(environment.get("XDG_CONFIG_HOME", f"{former}/.config"), "pip", "pip.conf")
    older = Path(former, ".pip", "pip.conf")
    found = next((path for path in (settings, older) if os.access(path, os.R_OK)), None)
    if found:
        environment.setdefault("PIP_CONFIG_FILE", str(found))
    environment.setdefault("PIP_CACHE_DIR", str(Path(environment.get("XDG_CACHE_HOME", f"{former}/.cache"), "pip")))
