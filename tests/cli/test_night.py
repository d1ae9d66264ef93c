"""A fleet in trouble, deployed into the local AWS: the screen and the page name everything that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pca_automator.pictures.data import read
from tests.cli.local_fleet import local_fleet
from tests.cli.night import ASLEEP, night


@pytest.mark.long
@pytest.mark.rehearsal
def test_at_three_in_the_morning_screen_and_page_say_what_is_wrong(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    said = {}
    with local_fleet(tmp_path) as fleet:
        for step in night(fleet):
            step.before()
            done = fleet.command(step.arguments, **step.environment)
            assert done.returncode == step.status, (step.arguments, done.stdout)
            said[step.why] = done.stdout
        page = read((fleet.csv.parent / "night.json").read_bytes())
        lost, gone, silent, late = (member.id for member in fleet.members[:4])
    for words in ("1 certificate has run out", "3 hosts failed", "the profile is disabled"):
        assert words in said[ASLEEP]
        assert any(words in finding.text for finding in page.findings if finding.state == "trouble")
    assert {cause.code: cause.hosts for cause in page.causes} == {"HOST_UNKNOWN_TO_SSM": 2, "HOST_UNDELIVERABLE": 1}
    assert {host.host_id for host in page.hosts if host.trouble} == {lost, gone, silent}
    assert [host.host_id for host in page.hosts if host.expiry and host.expiry < page.at] == [late]
    assert {each.outcome for each in page.renewals if each.host_id in (lost, gone, silent)} == {"failed"}
    assert page.notes == []
    assert (fleet.csv.parent / "night.html").stat().st_size > 50_000
