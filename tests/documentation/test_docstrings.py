"""What the API reference is made from: every public name says what it is, takes, defaults to, and refuses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

import griffe
import pytest

from docs import api_reference
from docs.api_reference import arguments, definition, documented, is_enum, members, public_class, text

NAMES = sorted(api_reference.public_names())
CONSTRUCTORS = ("__init__", "__post_init__")
STANDS_FOR = {"True": "yes", "False": "no"}
# Called with the names that it knows.
NEVER_REFUSES = {"pca_automator.ssm_documents.load_document"}


def callables(name: str) -> Iterator[griffe.Class | griffe.Function]:
    """What takes arguments: the class, whose docstring has those of its constructor, and its methods."""
    cls = public_class(name)
    if not is_enum(cls):
        yield cls
    yield from (member for member in members(cls).values() if isinstance(member, griffe.Function))


def test_the_reference_has_every_public_name_once() -> None:
    listed = [name for names in api_reference.PARTS.values() for name in names]
    missing = set(NAMES) - set(listed)
    assert not missing, f"add to PARTS in docs/api_reference.py: {', '.join(sorted(missing))}"
    assert sorted(listed) == NAMES
    assert len(NAMES) > 20


@pytest.mark.parametrize("name", NAMES)
def test_every_class_method_and_attribute_says_what_it_is(name: str) -> None:
    cls = public_class(name)
    assert text(cls)
    for member in members(cls).values():
        if is_enum(cls) and isinstance(member, griffe.Attribute) and member.annotation is None:
            continue  # a member of an enum is named after what AWS calls it
        assert text(member), member.path
        typed = member.returns if isinstance(member, griffe.Function) else member.annotation
        assert typed is not None, member.path


@pytest.mark.parametrize("name", NAMES)
def test_every_class_links_to_the_aws_page_it_follows(name: str) -> None:
    assert re.search(r"^https://docs\.aws\.amazon\.com/\S+\.html(#\S+)?$", text(public_class(name)), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_the_arguments_in_the_docstring_are_those_of_the_signature(name: str) -> None:
    for each in callables(name):
        assert list(documented(each, "parameters")) == [parameter.name for parameter in arguments(each)], each.path


@pytest.mark.parametrize("name", NAMES)
def test_an_argument_says_its_default_where_it_has_one_and_only_there(name: str) -> None:
    for each in callables(name):
        descriptions = documented(each, "parameters")
        for parameter in arguments(each):
            meaning, _, default = descriptions[parameter.name].partition("Default: ")
            assert meaning.removesuffix(".").strip(), (each.path, parameter.name)
            optional = parameter.default is not None and parameter.kind is not griffe.ParameterKind.var_positional
            assert bool(default) == optional, (each.path, parameter.name)
            if optional and isinstance(value := literal(parameter), int | float | str):
                assert STANDS_FOR.get(str(value), str(value)) in default, (each.path, parameter.name)


def literal(parameter: griffe.Parameter) -> object:
    """The default's value where it is written out; None for a name, a call or None itself."""
    with suppress(ValueError):
        return ast.literal_eval(str(parameter.default))
    return None


@pytest.mark.parametrize("name", NAMES)
def test_what_refuses_a_value_says_so(name: str) -> None:
    cls = public_class(name)
    assert ("ValueError" in documented(cls, "raises")) == raises_value_error(cls.path)
    for member in members(cls).values():
        if isinstance(member, griffe.Function):
            assert ("ValueError" in documented(member, "raises")) == raises_value_error(member.path), member.path


def test_a_refusal_is_found_through_what_a_constructor_calls() -> None:
    assert raises_value_error("pca_automator._internal.validation.directory")
    assert raises_value_error(
        "pca_automator.membership.registration.TagRegistration.__init__"
    )  # by a function of its module
    assert raises_value_error("pca_automator.renewal.polling.Polling.__post_init__")  # by another module's
    assert raises_value_error("pca_automator.certificate_automation.PcaCertificateAutomation.__init__")  # by a part's
    assert not raises_value_error("pca_automator.authority.existing_ca.ExistingCertificateAuthority.common_name")


def raises_value_error(path: str) -> bool:
    """Whether a function, or one of the library's own that it calls by name, raises ValueError.

    Called by name are functions and classes of a module, its own or another's, and methods of ``self``.
    """
    seen = set(NEVER_REFUSES)
    to_do = {path}
    while to_do:
        seen.add(current := to_do.pop())
        function = definition(current)
        if isinstance(function, griffe.Class):
            to_do |= {function.members[each].path for each in CONSTRUCTORS if each in function.members} - seen
        elif isinstance(function, griffe.Function):
            raised, called = raised_and_called(function)
            called = called | {
                each.callable_path for each in function.decorators if "pca_automator" in each.callable_path
            }
            if "ValueError" in raised:
                return True
            to_do |= called - seen
    return False


@cache
def raised_and_called(function: griffe.Function) -> tuple[set[str], set[str]]:
    """The exceptions that a function's own text raises, and the paths of the library's own that it calls."""
    nodes = list(ast.walk(ast.parse(function.source)))
    raised = [each.exc for each in nodes if isinstance(each, ast.Raise)]
    called = [called_path(function, ast.unparse(each.func)) for each in nodes if isinstance(each, ast.Call)]
    return {ast.unparse(each.func) for each in raised if isinstance(each, ast.Call)}, set(filter(None, called))


def called_path(caller: griffe.Function, name: str) -> str | None:
    """Where the library defines what is called ``name``, ``self.name`` or ``module.name``; None for anything else."""
    first, _, rest = name.partition(".")
    scope = caller.parent if first == "self" else caller.module
    member = scope.members.get(rest if first == "self" else first) if scope else None
    if member is None:
        return None
    path = member.target_path if isinstance(member, griffe.Alias) else member.path
    path = f"{path}.{rest}" if rest and first != "self" else path
    if not path.startswith("pca_automator."):
        return None
    with suppress(KeyError):  # a method of a value
        return definition(path).path
    return None
