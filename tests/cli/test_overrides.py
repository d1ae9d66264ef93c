"""What an operator says about a host is read as it is meant, or refused with what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pca_automator.cli.deployed import overrides
from pca_automator.cli.deployed.overrides import NewHost
from pca_automator.cli.errors import USAGE, Trouble
from tests.cli.conftest import host


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that a person reads."""
    lines: list[str] = []
    monkeypatch.setattr(overrides, "say", lines.append)
    return lines


def refusal(look: Any) -> str:
    with pytest.raises(Trouble) as raised:
        look()
    assert raised.value.status == USAGE
    return str(raised.value)


@pytest.mark.parametrize("given", ["keyMode", "keyMode=", "=0440", ""])
def test_an_override_without_name_or_value_is_refused_with_the_names_that_there_are(given: str) -> None:
    words = refusal(lambda: overrides.parse([given]))
    if given == "=0440":
        assert words.startswith("'' is not an override: allowed are bundle, cacertPath, ")
    else:
        assert words == f"{given!r}: an override is NAME=VALUE, and NAME one of {', '.join(overrides.names())}"


@pytest.mark.parametrize(
    ("given", "attributes"),
    [
        ("uris=spiffe://a.example/web?x=1", {"uris": ["spiffe://a.example/web?x=1"]}),
        ("dnsNames= a.example;b.example, c.example\td ;", {"dnsNames": ["a.example", "b.example", "c.example", "d"]}),
        ("emailAddresses=a@b.example,c@b.example", {"emailAddresses": ["a@b.example", "c@b.example"]}),
        ("ipAddresses=192.0.2.1 2001:db8::1", {"ipAddresses": ["192.0.2.1", "2001:db8::1"]}),
        ("keyMode= 0440 ", {"keyMode": "0440"}),
        ("bundle=YES", {"bundle": True}), ("bundle=true", {"bundle": True}),
        ("bundle=No", {"bundle": False}), ("bundle=FALSE", {"bundle": False}),
    ],
)  # fmt: skip
def test_an_override_is_of_the_kind_that_the_inventory_has(given: str, attributes: dict[str, Any]) -> None:
    assert overrides.parse([given]) == attributes


def test_a_value_that_is_not_allowed_is_said_with_what_is() -> None:
    assert refusal(lambda: overrides.parse(["bundle=1"])) == "bundle is '1': allowed are true and false"
    words = "the inventory item of the host has an attribute that is not allowed: keyMode is '0777': allowed is "
    assert refusal(lambda: overrides.parse(["keyMode=0777"])).startswith(words)


def test_who_is_put_in_has_an_id_and_what_was_said(tmp_path: Path) -> None:
    assert NewHost(host(1)).item == {"hostID": host(1)}
    file = tmp_path / "hosts.csv"
    file.write_text(f"hostID,bundle,keyMode\n{host(1)},no,0440\n{host(2)}\n", encoding="utf-8")
    assert [each.item for each in overrides.read_csv(file)] == [
        {"hostID": host(1), "bundle": False, "keyMode": "0440"}, {"hostID": host(2)},
    ]  # fmt: skip


@pytest.mark.parametrize(("wrong", "more"), [(1, None), (20, None), (21, "... and 1 more"), (25, "... and 5 more")])
def test_of_many_mistakes_in_a_file_the_first_twenty_are_shown_and_all_are_counted(
    tmp_path: Path, said: list[str], wrong: int, more: str | None
) -> None:
    file = tmp_path / "hosts.csv"
    file.write_text("hostID\n" + "".join(f"web-{number}\n" for number in range(wrong)), encoding="utf-8")
    counted = "1 line is" if wrong == 1 else f"{wrong} lines are"
    assert refusal(lambda: overrides.read_csv(file)) == f"{counted} wrong in {file}: nothing was written"
    shown = [
        f"{file}:{number + 2}: 'web-{number}' is not an EC2 instance id (i-...) nor a hybrid node id (mi-...)"
        for number in range(min(wrong, 20))
    ]
    assert said == [*shown, *([more] if more else [])]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (f"hostID\n{host(1)}\n{host(2)}\n{host(1)}\n", f":4: {host(1)} stands in line 2 already"),
        (f"hostID,keyMode\n{host(1)},0440,0440\n", ":2: more cells than columns"),
        (f"hostID,keyMode\n{host(1)},0440,\n", ":2: more cells than columns"),
        (f'hostID,dnsNames\n{host(1)},"a.example\n\nb.example"\nweb-1,\n', ":5: 'web-1' is not an EC2 instance id"),
        (f'hostID,dnsNames\r\n{host(1)},"a.example\r\nb.example"\r\n\r\nweb-1,\r\n', ":5: 'web-1' is not an EC2"),
        (f"hostID,keyMode\n,\n{host(1)},0440\n,0440\n", ":4: '' is not an EC2 instance id"),
    ],
)
def test_each_mistake_in_a_file_is_said_with_its_line(tmp_path: Path, said: list[str], text: str, mistake: str) -> None:
    file = tmp_path / "hosts.csv"
    file.write_text(text, encoding="utf-8")
    refusal(lambda: overrides.read_csv(file))
    assert len(said) == 1
    assert said[0].startswith(f"{file}{mistake}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hostID,keyMode,keyMode,bundle,bundle\n", "{}:1: bundle, keyMode is there twice"),
        ("keyMode\n", "{}:1: the first line must name the columns, one of them hostID"),
        ("hostID,colour\n", "{}:1: 'colour' is not an override: allowed are bundle, "),
        ("hostID,\n", "{}:1: '' is not an override: allowed are bundle, "),
        ("hostID\n", "{} has no hosts"),
        (f'hostID\n{host(1)}\n"i-1"x\n', "{}:3: "),
        (f'hostID\n{host(1)}\n\n"i-1\n{host(2)}\n', "{}:4: "),
        ('hostID"x"y,"\n', "{}:1: "),
    ],
)
def test_a_file_of_the_wrong_shape_is_one_line(tmp_path: Path, said: list[str], text: str, words: str) -> None:
    file = tmp_path / "hosts.csv"
    file.write_text(text, encoding="utf-8")
    assert refusal(lambda: overrides.read_csv(file)).startswith(words.format(file))
    assert said == []
