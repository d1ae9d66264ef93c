"""What pip installs is whole, and built the same twice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tests.packaging.conftest import ROOT, SOURCE_DATE_EPOCH, build, wheel


def test_the_wheel_has_lambda_code_documents_and_type_marker(distributions: Path) -> None:
    with zipfile.ZipFile(wheel(distributions)) as archive:
        names = set(archive.namelist())
    for folder, prefix in (("pca_automator", "pca_automator/"), ("lambda_src", "pca_automator/lambda_src/")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in (".py", ".yaml", ".sh", ".txt", ".typed", ".j2", ".css", ".js"):
                assert prefix + str(path.relative_to(ROOT / folder)) in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_the_wheel_has_every_page_and_its_metadata_lead_into_the_project(distributions: Path) -> None:
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "reference").glob("*.md")]
    with zipfile.ZipFile(wheel(distributions)) as archive:
        for page in pages:
            assert archive.read(f"pca_automator/pages/{page.name}") == page.read_bytes()
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    assert {"Changelog", "Documentation", "Issues", "Source"} == set(
        re.findall(r"^Project-URL: (\w+), https://\S+$", metadata, re.MULTILINE)
    )
    targets = re.findall(r"]\(([^)]+)\)", metadata)
    assert len(targets) > 20
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_the_sdist_builds_the_same_wheel(distributions: Path, tmp_path: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    subprocess.run([sys.executable, "-m", "tarfile", "--extract", str(sdist), str(tmp_path)], check=True)
    (unpacked,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path), str(unpacked)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH}
    subprocess.run(command, capture_output=True, check=True, timeout=300, env=environment)
    assert contents(wheel(tmp_path)) == contents(wheel(distributions))


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_two_builds_give_the_same_wheel(distributions: Path, tmp_path: Path) -> None:
    """Byte for byte. The sdist is the same but for the moment in its gzip header, which setuptools sets itself."""
    build(tmp_path)
    assert wheel(distributions).read_bytes() == wheel(tmp_path).read_bytes()
    assert files_of_sdist(distributions) == files_of_sdist(tmp_path)


def files_of_sdist(folder: Path) -> dict[str, bytes]:
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}
