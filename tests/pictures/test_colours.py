"""The page's colours: enough contrast in light and dark, and no colour that is not among them."""

from __future__ import annotations

import re
from itertools import product

import pytest

from pca_automator.pictures.drawing import COLOURS
from pca_automator.pictures.page import HERE
from tests.pictures.test_page import shown

CSS = (HERE / "page.css").read_text(encoding="utf-8")
SCHEMES = dict(zip(("light", "dark"), re.findall(r":root \{(.*?)\}", CSS, re.DOTALL), strict=True))
TEXT = ("ink", "muted", "link", "good", "bad")
# What is drawn, or is the border of a control. https://www.w3.org/TR/WCAG22/#non-text-contrast
GRAPHICS = ("bar-good", "bar-warn", "bar-bad", "bar-plain", "edge")
SURFACES = ("page", "card")
DECORATION = ("grid",)
"""Lines that say nothing."""


def colours(scheme: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", SCHEMES[scheme]))


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_is_computed_as_the_guidelines_say() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_and_pictures_stand_out(scheme: str) -> None:
    known = colours(scheme)
    assert set(known) == {*TEXT, *GRAPHICS, *SURFACES, *DECORATION}
    for text, surface in product(TEXT, SURFACES):
        assert contrast(known[text], known[surface]) >= 4.5, (scheme, text, surface)
    for graphic, surface in product(GRAPHICS, SURFACES):
        assert contrast(known[graphic], known[surface]) >= 3, (scheme, graphic, surface)


def test_there_is_no_other_colour() -> None:
    """Neither in the style nor in a picture: what is not a variable would not change with the scheme."""
    rest = re.sub(r":root \{.*?\}", "", CSS, flags=re.DOTALL)
    literal = (
        r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(|(?<![-\w])(?:black|white|red|green|gr[ae]y|blue|orange)(?![-\w])"
    )
    assert re.findall(literal, re.sub(r"#[\w-]+(?= [,{])", "", rest.replace("#more", ""))) == []
    assert set(re.findall(r"var\(--([\w-]+)\)", rest)) <= set(colours("light"))
    for name in ("rehearsal", "one host"):
        for svg in re.findall(r"<svg.*?</svg>", shown(name), re.DOTALL):
            styles = " ".join(re.findall(r'(?:style|fill|stroke)="([^"]*)"', svg))
            assert re.findall(literal, styles) == []
            assert set(re.findall(r"var\(--([\w-]+)\)", styles)) <= COLOURS <= set(colours("light"))


def test_both_schemes_are_offered() -> None:
    assert "@media (prefers-color-scheme: dark)" in CSS
    assert colours("light").keys() == colours("dark").keys()
    assert colours("light")["page"] != colours("dark")["page"]
