"""Watching certificate and key on the public paths, all the time while they are replaced."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pca_automator.rehearsal.stage.hosts import Member

_PAUSE_SECONDS = 0.001


class PairWatcher:
    """Reads every member's pair over and over, each time through one resolution of the public paths.

    Two opens of two paths cannot be one moment. So the paths are resolved before and after: if both times they lead
    to the same files, those files were the pair of that moment, and are compared. A certificate path and a key path
    that lead to different versions at one moment are a mismatch, too.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        self._known: dict[tuple[bytes, bytes], bool] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pair-watcher", daemon=True)
        self._failure: Exception | None = None
        self.looks = 0
        self.pairs_seen = 0
        self.mismatches: list[str] = []

    def __enter__(self) -> PairWatcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.pairs_seen = len(self._known)
        if self._failure is not None:
            raise self._failure

    def _watch(self) -> None:
        try:
            self._look_at_all_until_the_end()
        except Exception as error:
            # A watcher that ended early saw nothing: whoever leaves it is told so instead of "no mismatch".
            self._failure = error

    def _look_at_all_until_the_end(self) -> None:
        last = False
        while not last:
            # What was done before the end is looked at once more, however long the machine kept this thread waiting.
            last = self._stop.wait(_PAUSE_SECONDS)
            for member in self._members:
                self._look(member.id, member.certificate, member.key)

    def _look(self, host_id: str, certificate: Path, key: Path) -> None:
        before = _resolved(certificate), _resolved(key)
        try:
            pair = Path(before[0]).read_bytes(), Path(before[1]).read_bytes()
        except OSError as error:
            if (_resolved(certificate), _resolved(key)) == before:
                self.mismatches.append(f"{host_id}: {error}")
            return
        if (_resolved(certificate), _resolved(key)) != before:
            return  # switched between the two reads: no single moment was seen
        self.looks += 1
        if pair not in self._known:
            self._known[pair] = _match(*pair)
        if not self._known[pair]:
            self.mismatches.append(f"{host_id}: certificate and key do not match")


def _resolved(path: Path) -> str:
    """Where a path leads, also while its links are being replaced.

    ``realpath`` asks whether a name is a link and then where it leads: two calls, and a link that goes in between is an
    error there, where a name that is missing from the beginning is none. So such a moment is resolved once more.
    """
    while True:
        try:
            return os.path.realpath(path)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EINVAL, errno.ENOTDIR):
                raise


def _match(certificate: bytes, key: bytes) -> bool:
    try:
        public = x509.load_pem_x509_certificate(certificate).public_key()
        return load_pem_private_key(key, password=None).public_key() == public
    except ValueError:
        return False
