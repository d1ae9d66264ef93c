"""The page: everything is on it, nothing leaves it, and everybody can read it. A browser's turn is ``make pages``."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from itertools import pairwise

import pytest

from pca_automator.pictures.data import Certificate, Host, Report, Trouble
from pca_automator.pictures.page import page
from tests.members import members
from tests.pictures.looking import Element, outside, parsed
from tests.pictures.made_up import NOW, fleet, host_id, rehearsal, serial

HOSTILE = '</script><script>alert("1")</script><img src=x onerror=alert(2)> $\\frac{1}$ \u202egnp.x {{ 7*7 }}'


def run_of(count: int) -> Report:
    return fleet(count).model_copy(update={"kind": "run", "title": "run run-1", "runs": fleet(count).runs[:1]})


def hostile(count: int) -> Report:
    """Everything that a host, or whoever may write to the inventory, can choose, chosen by somebody who means ill."""
    trouble = Trouble(phase=HOSTILE, code=HOSTILE, message=HOSTILE)
    base = fleet(count)
    hosts = [host.model_copy(update={"trouble": trouble, "status": HOSTILE}) for host in base.hosts]
    odd = Host(host_id=HOSTILE, status="QUARANTINED", trouble=trouble)
    causes = [
        cause.model_copy(update={"code": HOSTILE, "phase": HOSTILE, "most_urgent": HOSTILE}) for cause in base.causes
    ]
    runs = [run.model_copy(update={"run_id": HOSTILE, "cause": HOSTILE}) for run in base.runs]
    return Report.model_validate(
        {
            **base.model_dump(),
            "title": HOSTILE,
            "hosts": [each.model_dump() for each in [odd, *hosts]],
            "causes": [each.model_dump() for each in causes],
            "runs": [each.model_dump() for each in runs],
            "notes": [HOSTILE],
        }
    )


def bare(report: Report) -> Report:
    """The hosts alone, so that little is to be drawn."""
    return report.model_copy(update={"certificates": [], "crl": None, "renewals": [], "runs": []})


def too_much(count: int) -> Report:
    """Every host has failed, each in its own words, and has more certificates than anybody needs."""
    base = fleet(count, certificates=30_000 // count)
    hosts = [
        host.model_copy(
            update={"trouble": Trouble(phase="CertCSR", code=f"CODE_{number}", message=f"<{number}> & '" * 200)}
        )
        for number, host in enumerate(base.hosts)
    ]
    # Nothing is drawn but what is about hosts and certificates.
    return base.model_copy(update={"hosts": hosts, "crl": None, "renewals": [], "runs": []})


SHOWN = {
    "fleet": lambda: fleet(200),
    "fleet of ten thousand": lambda: fleet(10_000),
    "run": lambda: run_of(30),
    "rehearsal": lambda: rehearsal(200),
    "hostile": lambda: hostile(20),
    "hostile and large": lambda: bare(hostile(1_001)),
    "one host": lambda: fleet(1),
    "nothing": lambda: Report(kind="fleet", title="nothing yet", at=NOW),
}


@cache
def shown(name: str) -> str:
    return page(SHOWN[name]())


@cache
def root(name: str) -> Element:
    return parsed(shown(name))


def test_every_host_of_a_rehearsal_is_on_its_page() -> None:
    (table,) = (each for each in root("rehearsal").every("table") if each.attributes.get("class") == "hosts")
    rows = [each.text.split()[0] for each in table.every("tr")][1:]
    assert sorted(rows) == sorted(host_id(number) for number in range(200))
    assert len(shown("rehearsal").encode()) < 2_000_000


def test_every_fact_of_a_picture_is_in_words_too() -> None:
    text = root("rehearsal").text
    data = rehearsal(200)
    for phase in data.phases:
        assert all(each.what in text for each in phase.expectations), phase.name
    for each in data.certificates:
        assert str(each.serial) in text
    words = " ".join(each.text for each in root("rehearsal").every("details"))
    assert all(each.run_id in words and each.host_id in words for each in data.renewals)


def test_ten_thousand_hosts_are_found_on_demand() -> None:
    text = shown("fleet of ten thousand")
    assert len(text.encode()) < 5_000_000
    (data,) = (
        json.loads(each.text) for each in root("fleet of ten thousand").every("script") if "type" in each.attributes
    )
    assert {each[0] for each in data["hosts"]} == {host_id(number) for number in range(10_000)}
    assert (data["hostsLeftOut"], data["certificatesLeftOut"]) == (0, 0)
    assert sum(map(len, data["certificates"].values())) == 20_000
    assert len(list(root("fleet of ten thousand").every("tr"))) < 250
    headings = [each.text for each in root("fleet of ten thousand").every("h2")]
    assert headings[:2] == ["How long the fleet has", "Why hosts fail, and what to do"]
    assert headings[-1] == "Hosts"


def test_whoever_needs_attention_comes_first() -> None:
    for name in ("fleet", "fleet of ten thousand"):
        (table,) = (each for each in root(name).every("table") if each.attributes.get("class") == "hosts")
        statuses = [each.attributes["data-status"] for each in table.every("tr") if "data-status" in each.attributes]
        assert statuses == sorted(statuses, key=lambda status: status != "FAILED"), name


@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_page_stays_small_whatever_stands_in_the_inventory(count: int) -> None:
    text = page(too_much(count))
    assert len(text.encode()) < 5_000_000
    assert "older certificates would not fit" in parsed(text).text


@pytest.mark.parametrize("name", members(SHOWN, ["hostile", "run"]))
def test_nothing_on_a_page_is_fetched_from_anywhere(name: str) -> None:
    assert outside(shown(name)) == []
    (policy,) = (each.attributes["content"] for each in root(name).every("meta") if "http-equiv" in each.attributes)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    # The page's own script alone runs: the policy has its hash.
    (script,) = re.findall(r"<script>(.*?)</script>", shown(name), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"


def test_what_is_outside_would_be_found() -> None:
    bad = (
        '<img src="https://a.example/b.png">', '<link rel="stylesheet" href="x.css">', '<a href="https://a.example">a</a>',
        '<p style="background: url(https://a.example)">a</p>', "<style>@import 'a.css';</style>",
        "<p onclick='x()'>a</p>",
        "<style>p { background: url(//a.example) }</style>", '<iframe></iframe>',
    )  # fmt: skip
    for text in bad:
        assert outside(text) != [], text


@pytest.mark.parametrize("name", ["hostile", "hostile and large"])
def test_words_of_hosts_do_nothing(name: str) -> None:
    tags = {each.tag for each in root(name).every()}
    assert "img" not in tags
    scripts = [each for each in root(name).every("script") if "type" not in each.attributes]
    assert len(scripts) == 1
    assert "\u202e" not in shown(name)
    assert "gnp.x" in shown(name)
    assert "{{ 7*7 }}" in shown(name)


@pytest.mark.parametrize("name", SHOWN)
def test_a_screen_reader_finds_its_way(name: str) -> None:
    found = root(name)
    (html,) = found.every("html")
    assert html.attributes["lang"] == "en"
    for tag in ("title", "h1", "main", "header", "footer", "nav"):
        outer = [each for each in found.every(tag) if not (tag == "title" and "id" in each.attributes)]
        assert len(outer) == 1, tag
        assert outer[0].text or tag in ("main", "nav"), tag
    ids = [each.attributes["id"] for each in found.every() if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    for each in found.every():
        for reference in each.attributes.get("aria-labelledby", "").split():
            assert reference in ids
        if each.tag in ("a", "use") and each.attributes.get("href", "").startswith("#"):
            assert each.attributes["href"][1:] in ids
        for reference in re.findall(r"url\(#([^)]+)\)", " ".join(each.attributes.values())):
            assert reference in ids
    levels = [int(each.tag[1]) for each in found.every("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(next_one - one <= 1 for one, next_one in pairwise(levels)), levels


@pytest.mark.parametrize("name", SHOWN)
def test_every_picture_and_table_says_what_it_is(name: str) -> None:
    named = {each.attributes["id"]: each.text for each in root(name).every() if "id" in each.attributes}
    for picture in root(name).every("svg"):
        assert picture.attributes["role"] == "img"
        words = [named[each] for each in picture.attributes["aria-labelledby"].split()]
        assert all(len(each) > 5 for each in words), words
    for figure in root(name).every("figure"):
        assert [each.attributes["class"] for each in figure.every("div")] == ["wide", "narrow"]
    for table in root(name).every("table"):
        captions = [each.text for each in table.every("caption")]
        assert captions or table.attributes.get("aria-labelledby") in named
        assert all(each.attributes.get("scope") in ("col", "row") for each in table.every("th"))
    for region in (each for each in root(name).every("div") if each.attributes.get("role") == "region"):
        assert region.attributes["tabindex"] == "0"
        assert region.attributes["aria-label"]
    for control in root(name).every("input", "select"):
        assert any(control in list(label.every()) for label in root(name).every("label"))
    assert not [each for each in root(name).every() if int(each.attributes.get("tabindex", "0")) > 0]


def test_a_phone_gets_pictures_of_its_own_width() -> None:
    for figure in root("fleet").every("figure"):
        wide, narrow = (each.attributes["viewbox"].split() for each in figure.every("svg"))
        assert (wide[2], narrow[2]) == ("960", "328")
        # Drawn for the width at which it is shown, so that no text becomes smaller than it is here.
        for svg in figure.every("svg"):
            sizes = [
                float(size)
                for each in svg.every("text")
                for size in re.findall(r"font-size: ([\d.]+)px", each.attributes["style"])
            ]
            assert sizes
            assert min(sizes) >= 11
    (viewport,) = (each for each in root("fleet").every("meta") if each.attributes.get("name") == "viewport")
    assert viewport.attributes["content"] == "width=device-width, initial-scale=1"


def test_commands_are_filled_in_and_can_be_copied() -> None:
    commands = [each.text for each in root("fleet").every("pre")]
    assert len(commands) > 4
    for each in commands:
        assert "<" not in each
        assert each.startswith(("pca-automator ", "aws "))
    again = [
        each for each in commands if re.match(r"pca-automator run m?i-\w+ --force --watch --stack FleetCert", each)
    ]
    assert len(again) == 3


def test_the_same_data_give_the_same_page() -> None:
    assert page(SHOWN["one host"]()) == shown("one host")


def test_only_the_chosen_hosts_certificates_are_drawn() -> None:
    wanted = [host_id(3), host_id(7)]
    text = parsed(page(fleet(400), wanted)).text
    assert "4 certificates of 2 hosts: 2 in service, 2 replaced." in text


def test_a_certificate_is_told_by_what_became_of_it() -> None:
    hosts = [Host(host_id=host_id(1), status="DEPLOYED", expiry=NOW, serial=serial("live"))]
    fates = {"LIVE": "live", "REVOKED": "revoked", "REFUSED": "refused", "REQUESTED": ""}
    certificates = [
        Certificate(host_id=host_id(1), serial=serial(word) if word else None, requested_at=NOW, fate=fate)
        for fate, word in fates.items()
    ] + [Certificate(host_id=host_id(1), serial=serial("former"), requested_at=NOW, fate="LIVE")]
    text = parsed(page(Report(kind="fleet", title="t", at=NOW, hosts=hosts, certificates=certificates))).text
    assert "5 certificates of 1 host: 1 in service, 1 replaced, 1 revoked, 2 never in service." in text
    assert f"in service: serial {serial('live')}" in text
    assert f"replaced: serial {serial('former')}" in text
    assert "never in service: serial not known" in text
