"""Pictures drawn with matplotlib, as SVG that stands in a page: its colours are the page's, its ids its own.

matplotlib knows no CSS: each colour of the page has a stand-in, and the SVG names the page's variable in its place, so
that one picture does for light and dark. Text stays text. What leads out of the page (namespaces, metadata), or would
change the rest of it (a style for every element), is taken away.
"""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, GRID, GOOD, WARN, BAD, PLAIN, CARD = (f"#0a00{number:02x}" for number in range(1, 9))
_NAMES = {
    INK: "ink", MUTED: "muted", GRID: "grid", GOOD: "bar-good", WARN: "bar-warn", BAD: "bar-bad", PLAIN: "bar-plain",
    CARD: "card",
}  # fmt: skip
COLOURS = frozenset(_NAMES.values())
"""The page's variables that pictures use."""

_STAND_IN = re.compile("|".join(_NAMES))
# A hundredth of a pixel is nothing that anybody sees.
_DIGITS = re.compile(r"(\d+\.\d\d)\d+")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_POINTS = 72
_DAY = 86_400
# Seconds between the words on an axis of times.
_TICKS = (
    1, 2, 5, 10, 20, 60, 120, 300, 600, 1_200, 3_600, 7_200, 6 * 3_600, 12 * 3_600, _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY,
    14 * _DAY, 30 * _DAY, 91 * _DAY, 365 * _DAY, 3_650 * _DAY,
)  # fmt: skip
_RULES: dict[str, Any] = {
    # Hosts choose some of the words: a dollar sign is one, and begins no formula.
    "text.parse_math": False,
    "svg.fonttype": "none", "font.size": 13, "axes.edgecolor": MUTED, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.facecolor": "none", "figure.facecolor": "none",
    "savefig.facecolor": "none", "axes.titlesize": 13, "legend.frameon": False, "legend.labelcolor": INK,
    "grid.color": GRID, "hatch.color": CARD, "patch.edgecolor": CARD,
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """A picture is drawn once for a wide screen and once for a phone: text that is shrunk cannot be read."""

    name: str
    width: int

    @property
    def is_wide(self) -> bool:
        """Whether there is room for labels beside things."""
        return self.name == "wide"


SIZES = (Size("wide", 960), Size("narrow", 328))


@dataclass(frozen=True)
class Picture:
    """One picture, in each size; ``svg`` is by the size's name."""

    name: str
    title: str
    description: str
    svg: dict[str, str]


def drawn(
    name: str, title: str, description: str, height: Callable[[Size], int], draw: Callable[[Figure, Size], None]
) -> Picture:
    """Draw a picture.

    Args:
        name: a word that no other picture of the page has.
        title: what is seen.
        description: what it says, for whoever does not see it.
        height: in pixels.
        draw: fills the figure.
    """
    from matplotlib.figure import Figure

    context: Any = importlib.import_module("matplotlib").rc_context
    found = {}
    for size in SIZES:
        # The same data give the same page: no random ids.
        with context({**_RULES, "svg.hashsalt": f"{name}-{size.name}"}):
            figure = Figure(figsize=(size.width / _POINTS, height(size) / _POINTS), layout="constrained")
            draw(figure, size)
            file = io.StringIO()
            figure.savefig(file, format="svg", metadata={"Date": None})
        found[size.name] = _for_a_page(file.getvalue(), f"{name}-{size.name}", title, description)
    return Picture(name, title, description, found)


def _for_a_page(text: str, name: str, title: str, description: str) -> str:
    root = ET.fromstring(text)  # noqa: S314 - it is our own
    used = set(_REFERENCE.findall(text)) | set(re.findall(r'href="#([^"]+)"', text))
    for element in root.iter():
        element.tag = _local(element.tag)
        for key, value in list(element.attrib.items()):
            del element.attrib[key]
            if (kept := _attribute(_local(key), value, name, used)) is not None:
                element.set(_local(key), kept)
        element.tail = None
        element.text = element.text if (element.text or "").strip() else None
    for parent in list(root.iter()):
        for child in [each for each in parent if each.tag in ("metadata", "style")]:
            parent.remove(child)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-words")
    for place, (tag, words) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(tag, {"id": f"{name}-{'words' if tag == 'desc' else tag}"})
        element.text = words
        root.insert(place, element)
    return ET.tostring(root, encoding="unicode")


def _attribute(key: str, value: str, name: str, used: set[str]) -> str | None:
    """As it stands in the page; None: it is not needed there."""
    if key == "id":
        return f"{name}-{value}" if value in used else None
    if key == "href":
        return f"#{name}-{value[1:]}"
    if key == "transform" and value.startswith("rotate(-0 "):
        return None
    value = _REFERENCE.sub(lambda found: f"url(#{name}-{found[1]})", value)
    value = re.sub(r"font-family: [^;]*;? ?", "", value)
    value = _STAND_IN.sub(lambda found: f"var(--{_NAMES[found[0]]})", value)
    return _DIGITS.sub(r"\1", " ".join(value.split()))


def _local(name: Any) -> str:
    """Without its namespace: in a page SVG has none."""
    return str(name).rpartition("}")[2]


def day(moment: datetime) -> float:
    """A time on an axis of times."""
    return float(_dates().date2num(moment))


def times(axes: Any, size: Size) -> None:
    """An axis of times, with few words; called when everything is drawn."""
    axes.xaxis_date()
    axes.margins(x=0.02)
    axes.set_xlabel("UTC")
    first, last = axes.get_xlim()
    most = 8 if size.is_wide else 4
    step = next((step for step in _TICKS if (last - first) * _DAY < step * most), _TICKS[-1])
    locator = importlib.import_module("matplotlib.ticker").MultipleLocator(step / _DAY)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(_dates().ConciseDateFormatter(locator))


def shortened(name: str, size: Size) -> str:
    """On a phone there is no room for a whole id; its end is what tells it from others."""
    most = 30 if size.is_wide else 12
    return name if len(name) <= most else f"…{name[1 - most :]}"


def _dates() -> Any:
    return importlib.import_module("matplotlib.dates")


def quiet(axes: Any, *, grid: str = "") -> None:
    """Axes without what says nothing."""
    axes.tick_params(length=3)
    axes.spines["left"].set_visible(False)
    if grid:
        axes.grid(axis=grid, linewidth=0.8)
        axes.set_axisbelow(True)
