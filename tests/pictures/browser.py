"""Opens pages in a real browser, and takes the pictures of the documentation: ``make pages``.

Debian's chromium, driven by puppeteer-core; axe-core looks for whatever keeps somebody out. Any line on the console,
any request that leaves the page, any finding of axe, text too small or cut, a host that is not there: it fails. So it
does where there is no browser: nothing is skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pca_automator.pictures.data import Report, read
from pca_automator.pictures.page import write
from tests.pictures.made_up import NOW, fleet, host_id, rehearsal
from tests.pictures.test_page import hostile, run_of

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
_SHOTS = {"fleet": 1_060}
"""Pages of which pictures are taken, and how much of them is shown."""
_TINY = '<svg role="img" aria-label="a" viewBox="0 0 9 9" width="3"><text y="9" font-size="9">a</text></svg>'
_NOT, _LOW = "event.preventDefault()", "height:9px"
# Each of them must be found, or the checks say nothing.
_BAD = {
    "console": ("<script>console.error('oh')</script>", "console: error: oh"),
    "exception": ("<script>throw new Error('no')</script>", "error: no"),
    "request": ('<img alt="a" src="https://no.invalid/a.png">', "asks for https://no.invalid/a.png"),
    "contrast": ('<p style="color:#999;background:#aaa">pale</p>', "axe: color-contrast"),
    "name": ('<button type="button"></button>', "axe: button-name"),
    "width": ('<p style="width:2000px">wide</p>', "pixels wide, 360 can be seen"),
    "text": (_TINY, "text of 3.0 pixels"),
    "unreached": ('<details><summary tabindex="-1">a</summary>fact</details>', "keyboard does not reach summary: a"),
    "unopened": (f'<details><summary onkeydown="{_NOT}" onkeyup="{_NOT}">a</summary>fact</details>', "does not open"),
    "unscrolled": (f'<div tabindex="-1" style="overflow:auto;{_LOW}"><p>fact</p></div>', "does not scroll div: fact"),
    "clipped": (f'<div style="overflow:hidden;{_LOW}"><p>cut off</p></div>', "keyboard does not scroll div: cut off"),
    "pointer": ('<p title="a fact">a</p>', "only a pointer finds out: a fact"),
    "host": ("<p>empty</p>", "1 hosts are not on it"),
}  # fmt: skip


def chromium() -> str:
    """The browser.

    Raises:
        SystemExit: there is none.
    """
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        if name and (found := shutil.which(name)):
            return found
    raise SystemExit("no chromium here, so no page was opened: apt-get install chromium, or set CHROMIUM to a browser")


def opened(modules: Path, browser: str, orders: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """Open pages; the lines say what is wrong."""
    # A file: ten thousand ids are more than a pipe holds at once.
    given = modules / "orders.json"
    given.write_text(json.dumps(orders), encoding="utf-8")
    command = ["node", str(Path(__file__).with_name("open_pages.mjs")), str(modules), browser, str(given)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=3_000)


def check_the_checks(modules: Path, browser: str) -> None:
    """Pages with one fault each: every fault is found.

    Raises:
        SystemExit: one is not.
    """
    orders = []
    for name, (body, _) in _BAD.items():
        file = modules / f"bad-{name}.html"
        file.write_text(f'<!DOCTYPE html><html lang="en"><title>{name}</title><main><h1>{name}</h1>{body}</main>')
        hosts = ["i-0123456789abcdef0"] if name == "host" else []
        orders.append({"name": name, "url": file.as_uri(), "hosts": hosts, "kind": "empty"})
    done = opened(modules, browser, orders)
    missed = [
        name
        for name, (_, words) in _BAD.items()
        if not any(line.startswith(f"{name} (") and words in line for line in done.stdout.splitlines())
    ]
    if missed or done.returncode != 1:
        raise SystemExit(f"faults that were not found: {', '.join(missed)}\n{done.stdout}{done.stderr}")
    print(f"{len(_BAD)} pages with a fault each: all found")


def made(modules: Path, given: list[Path]) -> list[dict[str, Any]]:
    """Write the pages; each with what is to be looked for on it."""
    reports: dict[str, Report] = {
        "fleet": fleet(2_000),
        "rehearsal of 200": rehearsal(200),
        "fleet of 10,000": fleet(10_000),
        "run": run_of(30),
        "hostile": hostile(20),
        "nothing": Report(kind="fleet", title="nothing yet", at=NOW),
        **{str(file): read(file.read_bytes()) for file in given},
    }
    orders = []
    for number, (name, report) in enumerate(reports.items()):
        file = modules / f"page-{number}.html"
        write(report, file)
        size = file.stat().st_size
        print(f"{name}: {len(report.hosts):,} hosts, {size:,} bytes")
        order: dict[str, Any] = {"name": name, "url": file.as_uri(), "kind": "page" if report.hosts else "empty"}
        order["hosts"] = [host.host_id for host in report.hosts]
        if name.startswith("fleet"):
            order["find"] = host_id(17)
        if name in _SHOTS:
            order |= {"shot": str(modules / "shot"), "height": _SHOTS[name]}
        orders.append(order)
    return orders


def main() -> None:
    """Open every page; with ``--docs``, put the pictures where the documentation has them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("modules", type=Path, help="folder with puppeteer-core and axe-core in node_modules")
    options.add_argument(
        "data", type=Path, nargs="*", help="more pages: what report --json, or a rehearsal, has written"
    )
    options.add_argument("--docs", action="store_true", help="take the pictures of the documentation")
    given = options.parse_args()
    browser, modules = chromium(), given.modules.resolve()
    check_the_checks(modules, browser)
    done = opened(modules, browser, made(modules, given.data))
    sys.stdout.write(done.stdout + done.stderr)
    if done.returncode:
        raise SystemExit(done.returncode)
    if given.docs:
        for shot, name in {"light-wide": "report", "dark-phone": "report-phone"}.items():
            shutil.copy(modules / f"shot-{shot}.png", IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
