"""docs/reference/api.md: every public name with its arguments, attributes and methods, read from the docstrings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parent.parent

PARTS = {
    "The automation": ("PcaCertificateAutomation", "ImportedAutomation"),
    "Values": (
        "KeyAlgorithm",
        "SigningAlgorithm",
        "UsageMode",
        "ValidationPolicy",
        "ReplacementRevocation",
        "RevocationPolicy",
    ),
    "What the automation takes": (
        "Authority",
        "CertificateProfile",
        "CertificateUsage",
        "HostSettings",
        "RenewalTimes",
        "Pace",
        "Polling",
        "FunctionSettings",
        "FunctionNetwork",
        "Alarms",
        "UnitTestApp",
    ),
    "The CA, and who trusts it": (
        "IssuingAuthority",
        "CertificateProfiles",
        "PrivateCertificateAuthority",
        "ExistingCertificateAuthority",
        "RolesAnywhereTrust",
    ),
    "Hosts": (
        "HostInventory",
        "CertificateLedger",
        "HostDocuments",
        "HostEnrolment",
        "TagRegistration",
        "HostDeparture",
    ),
    "Renewal": ("RenewalWorkflow", "StartLedger", "HostRenewal", "HostFunctions", "FunctionFactory"),
    "Revocation, alarms and reports": (
        "CrlDistribution",
        "CrlAlarms",
        "CrlBudget",
        "FleetAlarms",
        "FleetDashboard",
        "FleetDigest",
        "FailureNotifications",
    ),
}

INTRODUCTION = """\
# API reference

Every name of `pca_automator`, from its docstrings. A construct takes `scope` and `id` first, as everywhere in the CDK,
and its other arguments by name. `ValueError` is raised at synthesis, before anything is deployed.
"""


@cache
def package() -> griffe.Module:
    """The library as griffe reads it, without running it."""
    found = griffe.load("pca_automator", search_paths=[ROOT], docstring_parser="google", resolve_aliases=True)
    assert isinstance(found, griffe.Module)
    return found


def public_names() -> set[str]:
    """What ``__all__`` lists."""
    return {str(name) for name in package().exports or ()}


def definition(path: str) -> griffe.Object:
    """What is defined at a path of the package, or imported there."""
    found = package()[path.removeprefix("pca_automator.")]
    return found.final_target if isinstance(found, griffe.Alias) else found


def public_class(name: str) -> griffe.Class:
    """The class behind one of the public names."""
    found = definition(name)
    assert isinstance(found, griffe.Class)
    return found


def members(cls: griffe.Class) -> dict[str, griffe.Attribute | griffe.Function]:
    """Public attributes, properties and methods, also of the library's own base classes; the documented one counts."""
    found: dict[str, griffe.Attribute | griffe.Function] = {}
    for each in (cls, *cls.mro()):
        for name, member in each.members.items():
            if name.startswith("_") or not isinstance(member, griffe.Attribute | griffe.Function):
                continue
            if name not in found or not found[name].has_docstring:
                found[name] = member
    if "dataclass" in cls.labels:  # its fields are its arguments
        return {name: member for name, member in found.items() if name not in cls.parameters}
    return found


def arguments(owner: griffe.Class | griffe.Function) -> list[griffe.Parameter]:
    """The parameters a caller thinks about: not ``self``, and of a construct not ``scope`` and ``id``."""
    implied = {"self", "cls"}
    if isinstance(owner, griffe.Class):
        implied |= {"scope", "id"}
    return [parameter for parameter in owner.parameters if parameter.name not in implied]


def documented(documented_object: griffe.Object, kind: str) -> dict[str, str]:
    """Name and text of each entry of a docstring's section: ``parameters`` or ``raises``."""
    return {
        entry.name.lstrip("*") if kind == "parameters" else str(entry.annotation): entry.description
        for section in _sections(documented_object)
        if section.kind.value == kind
        for entry in section.value
    }


def text(documented_object: griffe.Object) -> str:
    """What a docstring says before its sections."""
    return "\n\n".join(section.value for section in _sections(documented_object) if section.kind.value == "text")


def is_enum(cls: griffe.Class) -> bool:
    return any(str(base) == "Enum" for base in cls.bases)


def _sections(documented_object: griffe.Object) -> list[griffe.DocstringSection]:
    return documented_object.docstring.parsed if documented_object.docstring else []


def api() -> str:
    """The page."""
    blocks = [INTRODUCTION]
    described: dict[str, str] = {}
    for part, names in PARTS.items():
        blocks.append(f"## {part}\n")
        for name in names:
            cls = public_class(name)
            blocks += _class(cls, described)
            described |= {member.path: name for member in members(cls).values()}
    return _markdown("\n".join(blocks))


def _class(cls: griffe.Class, described: dict[str, str]) -> Iterator[str]:
    """A class: text, arguments, attributes, methods; of what a class before it has, the names."""
    own = [member for member in members(cls).values() if member.path not in described]
    shared = [member for member in members(cls).values() if member.path in described]
    methods = [each for each in own if isinstance(each, griffe.Function)]
    attributes = [each for each in own if isinstance(each, griffe.Attribute)]
    yield f"### {cls.name}\n\n{text(cls)}\n"
    if is_enum(cls):
        yield from _list("Members", [_entry(f"`{each.name}`", text(each)) for each in attributes if not _type(each)])
        attributes = [each for each in attributes if _type(each)]
    yield from _list("Arguments", _arguments(cls))
    yield from _list("Raises", [_entry(f"`{error}`", why) for error, why in documented(cls, "raises").items()])
    yield from _list("Attributes", [_entry(f"`{each.name}` (`{_type(each)}`)", text(each)) for each in attributes])
    yield from _list("Methods", [_method(cls, each) for each in methods])
    for other in dict.fromkeys(described[each.path] for each in shared):
        names = ", ".join(f"`{each.name}`" for each in shared if described[each.path] == other)
        yield f"Attributes and methods as in `{other}`: {names}.\n"


def _method(cls: griffe.Class, method: griffe.Function) -> str:
    name = f"{cls.name}.{method.name}" if "classmethod" in method.labels else method.name
    returns = "" if str(method.returns) == "None" else f" → `{method.returns}`"
    below = _arguments(method)
    below += [_entry(f"raises `{error}`", why) for error, why in documented(method, "raises").items()]
    return "\n".join([_entry(f"`{name}({_signature(method)})`{returns}", text(method)), *map(_indent, below)])


def _signature(method: griffe.Function) -> str:
    names: list[str] = []
    for parameter in arguments(method):
        if parameter.kind is griffe.ParameterKind.keyword_only and "*" not in names:
            names.append("*")
        starred = parameter.kind is griffe.ParameterKind.var_positional
        names.append(f"*{parameter.name}" if starred else parameter.name)
    return ", ".join(names)


def _arguments(owner: griffe.Class | griffe.Function) -> list[str]:
    descriptions = documented(owner, "parameters")
    return [
        _entry(f"`{each.name}` (`{each.annotation}`)", descriptions.get(each.name, "")) for each in arguments(owner)
    ]


def _type(attribute: griffe.Attribute) -> str:
    return str(attribute.annotation or "")


def _list(title: str, entries: list[str]) -> Iterator[str]:
    if entries:
        yield "\n".join([f"**{title}**\n", *entries, ""])


def _entry(head: str, description: str) -> str:
    return _indent(f"{head}: {description}" if description else head, first="- ")


def _indent(lines: str, first: str = "  ") -> str:
    return first + "\n".join(line and f"  {line}" for line in lines.split("\n")).removeprefix("  ")


def _markdown(restructured: str) -> str:
    """Roles and literals of reStructuredText as Markdown's code spans."""
    return re.sub(r":\w+:`([^`]+)`", r"`\1`", restructured).replace("``", "`")
