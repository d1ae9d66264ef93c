"""The pages of the documentation, whichever way the library was installed: whoever has only the wheel has them, too."""

from __future__ import annotations

from pathlib import Path

from pca_automator.cli.errors import USAGE, Trouble

_PACKAGE = Path(__file__).resolve().parent.parent
# A wheel carries them inside the package (setup.py), a checkout beside it.
_PLACES = (_PACKAGE / "pages", _PACKAGE.parent / "docs")


def pages() -> dict[str, Path]:
    """Every page by its name.

    Raises:
        Trouble: the installation has none.
    """
    for place in _PLACES:
        if found := {path.stem: path for path in [*place.glob("*.md"), *place.glob("reference/*.md")]}:
            return dict(sorted(found.items()))
    raise Trouble(f"the pages are missing; looked at: {', '.join(map(str, _PLACES))}; install the package again")


def page(name: str) -> str:
    """The text of a page.

    Args:
        name: of the page, as in ``operations``.

    Raises:
        Trouble: there is no such page.
    """
    known = pages()
    wanted = name.removesuffix(".md").rpartition("/")[2]
    if wanted not in known:
        raise Trouble(f"there is no page {name!r}: one of {', '.join(known)}", USAGE)
    return known[wanted].read_text(encoding="utf-8")


def title(path: Path) -> str:
    """What a page is called in its first heading."""
    with path.open(encoding="utf-8") as file:
        return next((line.lstrip("# ").strip() for line in file if line.startswith("# ")), path.stem)
