"""Run the local AWS in the foreground; ``pca_automator.rehearsal.stage.process`` starts it as a child process."""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import os
import signal
import sys
import threading

from pca_automator.rehearsal.local_aws import installing
from pca_automator.rehearsal.local_aws.settings import Settings


def _end_with_parent() -> None:
    """End the whole process group when the rehearsal that started it is gone (end of file on standard input)."""
    while os.read(0, 1):  # not sys.stdin, whose lock would stand in the way of an ordinary end
        pass
    if os.getpgrp() == os.getpid():  # started as a session of its own, never somebody's shell
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def main() -> None:
    """Register this project's services with MiniStack and serve until the process is told to end."""
    if os.environ.get("REHEARSAL_WATCH_STDIN") == "1":
        threading.Thread(target=_end_with_parent, daemon=True, name="watch-parent").start()
    installing.install(Settings.from_environment(os.environ))
    from ministack import app

    sys.argv = ["ministack"]  # main() parses the command line; this process has no arguments of its own
    app.main()


if __name__ == "__main__":
    main()
