"""A page as a browser takes it apart: tags, attributes, ids, text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

# Elements that have no end.
VOID = {"br", "hr", "img", "input", "link", "meta"}
REFERENCES = {
    "action", "background", "cite", "data", "formaction", "href", "longdesc", "manifest", "ping", "poster", "src",
    "srcset", "xlink:href",
}  # fmt: skip
"""Attributes that may name something outside."""


@dataclass
class Element:
    """One element, with all the text in it."""

    tag: str
    attributes: dict[str, str]
    inside: list[Element] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def every(self, *tags: str) -> Iterator[Element]:
        """Elements below it, in the order of the page; no tag: all."""
        for each in self.inside:
            if not tags or each.tag in tags:
                yield each
            yield from each.every(*tags)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for each in self.open:
            each.words.append(data)


def parsed(page: str) -> Element:
    """The page; every element must end where it should."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert [each.tag for each in parser.open] == [""], "elements that do not end"
    return parser.open[0]


def outside(page: str) -> list[str]:
    """What a page names that is not in it."""
    root = parsed(page)
    found = []
    for each in root.every():
        for name, value in each.attributes.items():
            if name in REFERENCES and not (value.startswith("#") or value == "data:,"):
                found.append(f"<{each.tag} {name}={value}>")
            if name not in ("content", "title", "aria-label"):
                found += _in_style(value)
            if name.startswith("on"):
                found.append(f"<{each.tag} {name}>")
        if each.tag == "style":
            found += _in_style(each.text)
        if each.tag in ("iframe", "object", "embed", "base", "audio", "video", "image", "foreignobject"):
            found.append(f"<{each.tag}>")
    return found


def _in_style(text: str) -> list[str]:
    return [each for each in re.findall(r"url\([^)]*\)|@import[^;]*|@font-face", text) if not each.startswith("url(#")]
