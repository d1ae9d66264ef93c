"""What holds for every test of this project."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache

import botocore.session
import pytest

from tests import tiers
from tests.ordinary import ordinary_environment, ordinary_process


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--everything", action="store_true", help="fail where this machine could not show something")


def pytest_configure(config: pytest.Config) -> None:
    ordinary_process()
    # moto gives each test a session of its own, and each session would read the services' models anew.
    botocore.session.create_loader = cache(botocore.session.create_loader)
    if not hasattr(config, "workerinput"):  # pytest-xdist's workers inherit it
        environment = ExitStack()
        environment.enter_context(ordinary_environment())
        config.add_cleanup(environment.close)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that deploy come first: they wait more than they work, and nobody waits at the end for one alone."""
    deploying = {item.path for item in items if item.get_closest_marker("rehearsal")}
    items.sort(key=lambda item: item.path not in deploying)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = not_shown(terminalreporter)
    if lines:
        terminalreporter.section("not shown here")
    for line in lines:
        terminalreporter.line(line)


def not_shown(reporter: pytest.TerminalReporter) -> list[str]:
    """What the tests that were skipped would have shown, and what others could not show for all that they passed."""
    reasons = [report.longrepr[2].removeprefix("Skipped: ") for report in reporter.getreports("skipped")]
    for report in reporter.getreports("passed"):
        reasons += [str(value) for name, value in report.user_properties if name == tiers.PROPERTY]
    return tiers.summary(reasons)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is None:  # in a worker of pytest-xdist, whose reports go to the one that started it
        return
    if session.config.getoption("everything") and exitstatus == pytest.ExitCode.OK and not_shown(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
