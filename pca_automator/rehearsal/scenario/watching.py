"""Watching certificate and key on the public paths, all the time while they are replaced."""

from __future__ import annotations

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

    def _watch(self) -> None:
        last = False
        while not last:
            # What was done before the end is looked at once more, however long the machine kept this thread waiting.
            last = self._stop.wait(_PAUSE_SECONDS)
            for member in self._members:
                self._look(member.id, member.certificate, member.key)

    def _look(self, host_id: str, certificate: Path, key: Path) -> None:
        before = os.path.realpath(certificate), os.path.realpath(key)
        try:
            pair = Path(before[0]).read_bytes(), Path(before[1]).read_bytes()
        except OSError as error:
            if (os.path.realpath(certificate), os.path.realpath(key)) == before:
                self.mismatches.append(f"{host_id}: {error}")
            return
        if (os.path.realpath(certificate), os.path.realpath(key)) != before:
            return  # switched between the two reads: no single moment was seen
        self.looks += 1
        if pair not in self._known:
            self._known[pair] = _match(*pair)
        if not self._known[pair]:
            self.mismatches.append(f"{host_id}: certificate and key do not match")


def _match(certificate: bytes, key: bytes) -> bool:
    try:
        public = x509.load_pem_x509_certificate(certificate).public_key()
        return load_pem_private_key(key, password=None).public_key() == public
    except ValueError:
        return False
