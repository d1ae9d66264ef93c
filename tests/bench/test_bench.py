"""The bench itself: what was asked for is measured, what must hold is a gate, and the page keeps what people wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench import bench, simulated
from tests.bench.simulated import CASES, Case, Figures

GOOD = Figures(CASES[1], 1_700, 1.25, 0, 0, 0.007, 50, 3)


def test_a_fleet_within_its_bounds_breaks_none() -> None:
    assert list(GOOD.broken()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ratio": 1.31}, "1.31 x the floor, 1.30 allowed"),
        ({"failed": 2}, "2 hosts failed, 1 allowed"),
        ({"lost": 1}, "1 hosts lost, 0 allowed"),
        ({"throttled": 0.011}, "1.10% of production throttled, 1% allowed"),
        ({"single": 61}, "a single host within 61 s, 60 s allowed"),
        ({"single": None}, "a single host within None s, 60 s allowed"),
    ],
)
def test_each_bound_that_is_broken_is_told(change: dict[str, float], said: str) -> None:
    assert list(replace(GOOD, **change).broken()) == [said]  # type: ignore[arg-type]


def test_the_headline_keeps_the_bounds_that_were_promised() -> None:
    (enrolled,) = (case for case in CASES if case.name == "10,000 enrolled at once")
    assert (enrolled.hosts, enrolled.given) == (10_000, {"enrol_at_once": True, "production": 2.8})
    bounds = (enrolled.most_ratio, enrolled.most_failed, enrolled.most_throttled, enrolled.most_single)
    assert bounds == (1.30, 1, 0.01, 120)
    assert len(enrolled.seeds) == 3


def test_a_case_is_played_with_each_seed_and_its_worst_is_what_counts() -> None:
    found = simulated.figures(Case("small", 20, {"production": 0.0}, seeds=(1, 2)))
    assert (found.failed, found.lost) == (0, 0)
    assert found.ratio > 1


def test_a_gate_that_is_broken_fails_the_bench(capsys: pytest.CaptureFixture[str]) -> None:
    page = bench.Page()
    page.must("10,000 enrolled at once: 2 hosts failed, 1 allowed")
    assert page.broken
    assert "BROKEN: 10,000 enrolled at once" in capsys.readouterr().out


def test_the_size_of_each_document_is_printed_and_its_room_is_a_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    page = bench.Page()
    bench.documents(page, full=False)
    assert not page.broken
    assert [line.split(" | ")[0].strip("| ") for line in page.lines if "Certificate" in line or "Csr" in line] == [
        "GenerateCsr", "InstallCertificate", "InspectCertificate", "RemoveCertificate",
    ]  # fmt: skip
    monkeypatch.setattr(bench.sizes, "ROOM", 12 * 1024)
    bench.documents(page, full=False)
    assert page.broken


def test_a_figure_that_there_is_none_of_is_refused_by_name() -> None:
    assert list(bench.chosen("", full=True)) == list(bench.FIGURES)
    assert set(bench.FIGURES) - set(bench.chosen("", full=False)) == {"looks"}
    assert list(bench.chosen("memory, looks", full=False)) == ["memory", "looks"]
    with pytest.raises(SystemExit, match="'tests' is no figure: one of simulation, memory"):
        list(bench.chosen("tests", full=False))


def test_the_figures_go_below_the_mark_and_what_stands_above_it_stays(tmp_path: Path) -> None:
    page, file = bench.Page(), tmp_path / "performance.md"
    file.write_text(f"# Mine\n\n{bench.MARK}\n\nold figures\n", encoding="utf-8")
    page.heading("New", "a", "b")
    page.row(1, 2)
    bench.write(page, file)
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# Mine\n\n")
    assert "old figures" not in text
    assert "### New\n\n| a | b |\n| --- | --- |\n| 1 | 2 |" in text
    file.write_text("# Mine\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no line"):
        bench.write(page, file)


def test_the_page_has_the_mark() -> None:
    assert bench.MARK in (bench.ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
