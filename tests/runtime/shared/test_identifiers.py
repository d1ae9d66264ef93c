"""Whatever comes from outside is matched in full, or refused."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pca_runtime.shared.identifiers import (
    is_dns_name,
    is_host_id,
    is_mode,
    is_owner,
    is_path,
    is_request_id,
    is_run_id,
    request_id,
)


@pytest.mark.parametrize("good", ["i-01234567", "i-0123456789abcdef0", "mi-0123456789abcdef0"])
def test_host_ids_of_instances_and_hybrid_nodes(good: str) -> None:
    assert is_host_id(good)


@pytest.mark.parametrize(
    "bad",
    [
        "", "i-", "i-0123456", "i-012345678", "mi-01234567", "I-01234567", "i-0123456G", "i-01234567\n",
        " i-01234567", "i-01234567;reboot", "i-0123456789abcdef0\n", "i-٠١٢٣٤٥٦٧", None, 7, ["i-01234567"],
    ],
)  # fmt: skip
def test_everything_else_is_no_host_id(bad: object) -> None:
    assert not is_host_id(bad)


@pytest.mark.parametrize("good", ["/etc", "/etc/pki tls/a", "/opt/.hidden/x", "/a/b.c_d@e+f=g,h-i"])
def test_paths_may_have_spaces_and_dots(good: str) -> None:
    assert is_path(good)


@pytest.mark.parametrize(
    "bad",
    [
        "", "/", "etc", "./etc", "/etc/..", "/../etc", "/etc/./x", "//etc", "/etc/", "/-rf", "/etc/-x",
        "/etc/ x",
        "/etc\n", "/e\ntc", "/etc;ls", "/etc/$(id)", "/etc/`id`", "/etc/${x}", "/etc/'", '/etc/"', "/etc/a|b",
        "/etc/a&b", "/etc/a>b", "/etc/a*b", "/etc/a?b", "/etc/a\\b", "/etc/{{ x }}", "/etc/~", "/ü",
        "/" + "a" * 200,
        "/etc/\x00", None, b"/etc",
    ],
)  # fmt: skip
def test_paths_that_a_shell_or_a_tool_could_misread_are_refused(bad: object) -> None:
    assert not is_path(bad)


@given(st.text(max_size=60))
def test_a_path_that_passes_is_one_word_once_quoted_and_holds_no_metacharacter(text: str) -> None:
    if is_path(text):
        assert shlex.split(f'"{text}"') == [text]
        assert not set(text) & set("$`\"'\\;|&<>*?!#~(){}[]\n\r\t\x00%")
        assert not any(segment in (".", "..") or segment.startswith("-") for segment in text.split("/"))


@given(st.text(max_size=30))
def test_no_text_with_a_line_break_passes_anything(text: str) -> None:
    for check in (is_host_id, is_path, is_owner, is_mode, is_dns_name, is_request_id, is_run_id):
        assert not check(text + "\n")


def test_owners_modes_and_dns_names() -> None:
    assert is_owner("www-data")
    for name in ("svc.web", "domain users", "Web-Admins", "web@corp.example", "1500", "a" * 64):
        assert is_owner(name)
    for name in ("-x", ".", " a", "a ", "a  b", "a:b", "corp\\web", "a/b", "svc$", "a" * 65):
        assert not is_owner(name)
    assert is_mode("0640")
    assert is_mode("400")
    assert not is_mode("4755")
    assert not is_mode("0o640")
    assert is_dns_name("*.example.com")
    assert is_dns_name("a.example.com")
    assert not is_dns_name("a..example.com")
    assert not is_dns_name("-a.example.com")
    assert not is_dns_name("a.*.example.com")
    assert not is_dns_name("a." * 127 + "abcd")


def test_run_ids_are_execution_names_that_cannot_leave_their_key() -> None:
    assert is_run_id("3f0e9d1a-0000-4000-8000-000000000001_2f")
    assert is_run_id("by hand".replace(" ", "+"))
    assert not is_run_id("../../x")
    assert not is_run_id("a" * 81)


def test_the_same_run_and_host_make_the_same_request_and_no_others_do() -> None:
    one = request_id("run-1", "i-01234567")
    assert one == request_id("run-1", "i-01234567")
    assert is_request_id(one)
    assert one != request_id("run-2", "i-01234567")
    assert one != request_id("run-1", "i-01234568")
