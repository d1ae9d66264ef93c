"""What is being waited for, where somebody looks and it takes longer than a person likes to wonder."""

from __future__ import annotations

import sys
import threading
from typing import Any

_AFTER_SECONDS = 2.0


class Waiting:
    """A line on standard error that says what AWS is asked, from two seconds on until there is something to say.

    Args:
        console: where it is drawn. Default: standard error, if that is a terminal.
        after: seconds until it appears.
    """

    def __init__(self, console: Any = None, after: float = _AFTER_SECONDS) -> None:
        self._console = console
        self._after = after
        self._what = "AWS"
        self._timer: threading.Timer | None = None
        self._status: Any = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Count from now; nothing is drawn where nobody looks."""
        if self._console is None and not sys.stderr.isatty():
            return
        self._timer = threading.Timer(self._after, self._draw)
        # A command that ends sooner does not wait for it.
        self._timer.daemon = True
        self._timer.start()

    def about(self, what: str) -> None:
        """Say what is asked at this moment."""
        with self._lock:
            self._what = what
            if self._status is not None:
                self._status.update(self._text())

    def end(self) -> None:
        """Take the line away: something else is written, or the command is over."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._status is not None:
                self._status.stop()
                self._status = None

    def _draw(self) -> None:
        from rich.console import Console

        with self._lock:
            if self._timer is None:  # it ended meanwhile
                return
            console = self._console or Console(stderr=True)
            self._status = console.status(self._text())
            self._status.start()

    def _text(self) -> str:
        return f"waiting for {self._what}"


WAITING = Waiting()
"""The one of this process."""
