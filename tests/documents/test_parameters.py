"""Values made of everything a shell gives a meaning to: refused, or data; whichever way the agent hands them over."""

from __future__ import annotations

import functools
import os
import re
import string
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pca_automator import ssm_documents
from tests.documents.agent import SEALED, load_document, parameters_refused, run_document, script, write_script
from tests.documents.conftest import SHELLS
from tests.documents.host import HOST_ID, Host, new_request
from tests.documents.pki import one_line
from tests.members import members
from tests.tiers import need


# Fixed seeds: a run in CI must be the run of yesterday. tmp_path is shared by the examples of one test on purpose.
def properties(max_examples: int) -> settings:
    return settings(
        max_examples=max_examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


SPECIAL = "'\"`$\\;&|<>(){}[]*?!#~ \t\n\r=,.@+-_/:%^\x1b\x7féß€\u202e😀"
NASTY = [
    "-rf", "--", "-", ".", "..", "/..", "/.", "//", "/", "", " ", "\n", "\x7f", "$(touch {canary})", "`touch {canary}`",
    ";touch {canary};", "|touch {canary}", "&& touch {canary} &&", "'; touch {canary}; '", "\"; touch {canary}; \"",
    "${{IFS}}touch${{IFS}}{canary}", "\n touch {canary}\n", "{{{{ ssm:secret }}}}", "{{{{hostID}}}}", "~root", "*",
    "é", "/a/-rf", "/a/../b", "/a b", "/.a", "/..a", "/a//b", "/a/", "/a\n", "/a\nb", "/-a", "/=a", "/a=b,c@d+e.f-g_h",
]  # fmt: skip
text = st.text(st.sampled_from(string.ascii_letters + string.digits + SPECIAL), max_size=30)
values = st.one_of(text, st.sampled_from(NASTY), st.builds("/{}".format, text), st.builds("{}{}".format, text, text))


def example_for(pattern: str) -> st.SearchStrategy[str]:
    """Texts that a pattern accepts, and the same with something put in or taken away."""
    accepted = st.from_regex(pattern.removesuffix("$"), fullmatch=True)
    return st.one_of(accepted, st.builds(lambda a, b, i: a[:i] + b + a[i:], accepted, text, st.integers(0, 9)))


CHECKED = [
    (name, parameter)
    for name in ("GenerateCsr", "InstallCertificate", "RemoveCertificate", "InspectCertificate")
    for parameter in load_document(name)["parameters"]
]
# Parameters of several documents have one definition and one check; generated values are tried once for each.
GENERATED = {parameter: name for name, parameter in CHECKED if parameter not in ("certPath", "cacertPath")}


@functools.cache
def deployed_name(name: str, function: str) -> str:
    """What a function of the shell files is called in a deployed script, whose lines have shorter names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssm_documents, "_shorten", lambda texts: texts)
        line = ssm_documents.script(name).splitlines().index(f"{function}() {{")
    return script(name).splitlines()[line].removesuffix("() {")


def verdicts(name: str, parameter: str, candidates: list[str], folder: Path, shell: tuple[str, ...]) -> list[bool]:
    """Whether the script accepts each value of one parameter, asked of one process: values come as arguments."""
    good = {
        key: definition.get("default", "")
        for key, definition in load_document(name)["parameters"].items()
    } | {"hostID": HOST_ID, "requestId": "0" * 32, "certificate": "AA==", "chain": "AA=="}  # fmt: skip
    file = folder / "verdicts.sh"
    body = script(name).rstrip("\n").removesuffix("\nmain")
    check = deployed_name(name, "check_parameters")
    loop = f"for SSM_{parameter} do\n({check}) >/dev/null 2>&1 && echo yes || echo no\ndone\n"
    variables = write_script(name, good, "env", file, f"{body}\n{loop}")
    asked = subprocess.run(
        [*shell, str(file), *candidates],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        timeout=60,
        check=True,
    )
    answers = asked.stdout.decode().split()
    assert len(answers) == len(candidates), asked.stderr
    return [answer == "yes" for answer in answers]


def assert_agreement(name: str, parameter: str, candidates: list[str], folder: Path) -> None:
    definition = load_document(name)["parameters"][parameter]
    pattern, longest = definition["allowedPattern"], definition.get("maxChars", 10_000)
    expected = [bool(re.fullmatch(pattern, value)) and len(value) <= longest for value in candidates]
    found = verdicts(name, parameter, candidates, folder, ("sh",))
    assert found == expected, [v for v, f, e in zip(candidates, found, expected, strict=True) if f != e]


@pytest.mark.parametrize(("name", "parameter"), CHECKED)
def test_script_and_pattern_refuse_the_same_values(name: str, parameter: str, tmp_path: Path) -> None:
    # where another document has the same parameter tried with all of them, it is enough that there is a check
    nasty = NASTY if GENERATED.get(parameter) == name else NASTY[:9]
    assert_agreement(name, parameter, [value.format(canary="x") for value in nasty], tmp_path)


@pytest.mark.parametrize("parameter", sorted(GENERATED))
def test_script_and_pattern_accept_the_same_values(parameter: str, tmp_path: Path) -> None:
    """The pattern is what SSM checks, the script what the host checks: neither knows more than the other."""
    name = GENERATED[parameter]
    pattern = load_document(name)["parameters"][parameter]["allowedPattern"]

    @properties(2)
    @given(st.lists(st.one_of(text, example_for(pattern)), min_size=25, max_size=40))
    def agree(candidates: list[str]) -> None:
        assert_agreement(name, parameter, candidates, tmp_path)

    agree()


@pytest.mark.parametrize("shell_name", sorted(SHELLS))
def test_every_shell_accepts_the_same_paths_and_host_ids(shell_name: str, tmp_path: Path) -> None:
    need(SHELLS[shell_name][0])
    document = load_document("GenerateCsr")["parameters"]
    candidates = [value.format(canary="x") for value in NASTY] + [
        "/" + "a" * 199, "/" + "a" * 200, "i-01234567", HOST_ID, "mi-" + "0" * 17, "i-0123456", "i-0123456G",
        "i-\uff101234567", "mi-" + "0" * 8, HOST_ID + "\n", "/ä", "/a\xa0b",
    ]  # fmt: skip
    for parameter in ("certPath", "hostID"):
        pattern = document[parameter]["allowedPattern"]
        expected = [bool(re.fullmatch(pattern, v)) and (parameter == "hostID" or len(v) <= 200) for v in candidates]
        assert verdicts("GenerateCsr", parameter, candidates, tmp_path, SHELLS[shell_name]) == expected


def names_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("style", ["env", "text"])
@pytest.mark.parametrize("parameter", ["hostID", "requestId", "certPath", "keyPath", "keyAlgorithm"])
def test_a_hostile_value_is_refused_or_data(host: Host, style: str, parameter: str) -> None:
    """Run as if SSM had checked nothing; a quote is left out of substituted text, as SSM itself leaves it out."""
    canary = host.root / "canary"

    @properties(15)
    @given(values)
    def hold(value: str) -> None:
        value = value.format(canary=canary) if "{canary}" in value else value
        if style == "text":
            value = value.replace("'", "")
        if parameter.endswith("Path") and value.startswith("/"):
            value = f"{host.root}/area{value}"
        params = host.params("GenerateCsr", requestId="0" * 32) | {parameter: value}
        refused = parameters_refused("GenerateCsr", params)
        outcome = run_document("GenerateCsr", params, work=host.work, style=style)
        assert not canary.exists(), value
        if parameter == "hostID" and value.startswith("{"):
            assert outcome.error == "AGENT_TOO_OLD", (value, outcome)
        elif refused:
            assert outcome.error == "BAD_PARAMETER", (value, outcome)
            assert parameter in outcome.sentence
        else:
            assert outcome.status == 0, (value, outcome)

    hold()


HOSTILE = [
    (name, parameter)
    for name in ("InstallCertificate", "InspectCertificate", "RemoveCertificate")
    for parameter in load_document(name)["parameters"]
]


@pytest.mark.parametrize("style", members(["env", "text"], ["env"]))
@pytest.mark.parametrize(("name", "parameter"), HOSTILE)
def test_every_parameter_of_every_document_is_refused_before_anything_is_touched(
    host: Host, style: str, name: str, parameter: str
) -> None:
    """What the pattern refuses, the script refuses, too, and has made nothing by then."""
    canary = host.root / "canary"
    pattern = load_document(name)["parameters"][parameter]["allowedPattern"]
    good = {"requestId": "0" * 32, "certificate": "AA==", "chain": "AA=="} if name == "InstallCertificate" else {}
    before = names_below(host.root)

    @properties(3)
    @given(values.map(lambda value: value.format(canary=canary) if "{canary}" in value else value))
    @example(f"$(touch {canary})")
    @example(f"`touch {canary}`")
    @example(f'";touch {canary};"')
    def refuse(value: str) -> None:
        value = value.replace("'", "") if style == "text" else value
        if re.fullmatch(pattern, value):
            return
        outcome = run_document(name, host.params(name, **good) | {parameter: value}, work=host.work, style=style)
        assert outcome.error in ("BAD_PARAMETER", "AGENT_TOO_OLD"), (value, outcome)
        assert names_below(host.root) == before, value

    refuse()


@pytest.mark.parametrize("style", ["env", "text"])
def test_paths_with_everything_that_is_allowed_work(host: Host, style: str) -> None:
    pattern = load_document("GenerateCsr")["parameters"]["certPath"]["allowedPattern"]
    names = st.from_regex(r"(/\.?[A-Za-z0-9_][A-Za-z0-9_.@+=, -]{0,12}){1,2}", fullmatch=True)

    @properties(4)
    @given(names, names, names)
    def work(store: str, certs: str, private: str) -> None:
        assert re.fullmatch(pattern, store)
        area = host.root / f"area-{len(list(host.root.iterdir()))}"
        local = Host(host.root, authority=host.authority, style=style)
        local.store_root, local.certs, local.private = (
            Path(f"{area}/{kind}{path}") for kind, path in (("a", store), ("b", certs), ("c", private))
        )
        local.renew()
        assert local.shown().matches
        assert not local.leftovers()

    work()


@pytest.mark.parametrize("style", ["env", "text"])
def test_texts_that_are_no_certificates_are_refused(live_host: Host, style: str) -> None:
    host = live_host
    before = host.shown()
    request, certificate = host.prepare()
    canary = host.root / "canary"
    pem_like = st.builds("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n".format, text)

    @properties(8)
    @given(st.one_of(text, pem_like, st.sampled_from(NASTY)), st.booleans())
    def refuse(value: str, as_chain: bool) -> None:
        value = value.format(canary=canary) if "{canary}" in value else value
        noise = one_line(value) or "=="
        good = one_line(host.authority.chain)
        params = host.params(
            "InstallCertificate", requestId=request, certificate=good if as_chain else noise,
            chain=noise if as_chain else good,
        )  # fmt: skip
        outcome = run_document("InstallCertificate", params, work=host.work, style=style)
        assert outcome.error in ("CHAIN_INVALID", "CERTIFICATE_KEY_MISMATCH"), (value, outcome)
        assert not canary.exists()
        assert host.shown() == before

    refuse()
    assert host.install(request, certificate).status == 0


@pytest.mark.parametrize("name", ["GenerateCsr", "InstallCertificate", "InspectCertificate", "RemoveCertificate"])
def test_an_agent_that_hands_over_nothing_is_told_so(host: Host, name: str) -> None:
    """Neither an environment variable nor a substituted text: the braces are still there, and are no value."""
    outcome = run_document(name, {}, work=host.work, style="neither")
    assert outcome.error == "AGENT_TOO_OLD"
    assert "3.3.2746.0" in outcome.sentence


# What a script looks at once more, because a token may have hidden it at synthesis; the rest is data and no more.
CHECKED_CONSTANTS = [
    (name, constant)
    for name in ("GenerateCsr", "InstallCertificate", "RemoveCertificate", "InspectCertificate")
    for constant in ("csrPath", "hooksPath", "hookTimeout", "versionsKept", "requestLease", "caKeys")
    if f"SEALED_{constant}=" in script(name)
]


def as_cloudformation_quotes(value: str) -> str:
    """What pca_automator.hosts.documents makes of a value that only CloudFormation knows; its tests compare the two."""
    return "'" + value.replace("'", "'\\''").replace("{", "{''") + "'"


@pytest.mark.parametrize(("name", "constant"), CHECKED_CONSTANTS)
def test_a_hostile_constant_is_data_and_refused_by_name(host: Host, name: str, constant: str) -> None:
    """Of a deployment whose value was hidden by a token: whatever it holds, it does not leave its quotes."""
    canary = host.root / "canary"
    good = {"requestId": "0" * 32, "certificate": "AA==", "chain": "AA=="} if name == "InstallCertificate" else {}
    good |= {"requestId": "0" * 32} if name == "GenerateCsr" else {}
    before = names_below(host.root)
    pattern = SEALED[constant]["allowedPattern"]

    @properties(3)
    @given(values.map(lambda value: value.format(canary=canary) if "{canary}" in value else value))
    @example(f"'; touch {canary}; '")
    @example(f"'$(touch {canary})'")
    @example("/x{{ssm:name}}")
    @example("/x{{{ssm:name}}}")
    def refuse(value: str) -> None:
        if re.fullmatch(pattern, value):
            return
        quoted = as_cloudformation_quotes(value.replace("\0", ""))
        assert "{{" not in quoted
        document = load_document_with(name, constant, quoted)
        params = {key: known for key, known in host.params(name, **good).items() if key != constant}
        outcome = run_document(name, params, work=host.work, text=document)
        assert outcome.error == "BAD_PARAMETER", (value, outcome)
        assert constant in outcome.sentence
        assert names_below(host.root) == before, value

    refuse()


def load_document_with(name: str, constant: str, quoted: str) -> str:
    """A script with one constant as CloudFormation would put it."""
    (step,) = ssm_documents.load_document(name, deferred={constant: quoted})["mainSteps"]
    return "\n".join(step["inputs"]["runCommand"]) + "\n"


def test_the_environment_goes_before_substituted_text(host: Host) -> None:
    """A new agent may paste the text as well; what counts is the variable, even an empty one."""
    params: dict[str, Any] = host.params("GenerateCsr", requestId=new_request())
    body = re.sub(r"\{\{ *(\w+) *\}\}", "pasted", script("GenerateCsr"))
    assert run_document("GenerateCsr", params, work=host.work, text=body).status == 0
    assert run_document("GenerateCsr", params | {"hostID": ""}, work=host.work, text=body).error == "BAD_PARAMETER"
