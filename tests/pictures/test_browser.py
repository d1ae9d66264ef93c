"""``make pages`` skips nothing."""

from __future__ import annotations

import pytest

from tests.pictures.browser import chromium


def test_without_a_browser_it_fails_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SystemExit, match="no chromium here, so no page was opened: apt-get install chromium"):
        chromium()
