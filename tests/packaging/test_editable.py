"""An editable install of a fresh clone finds Lambda code and documents there, and synthesizes the README's app."""

from __future__ import annotations

import json
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.packaging.conftest import NO_BUNDLING, Consumer, copy_sources

WHERE = """
import json
import pca_automator
from pca_automator._internal.assets import lambda_source
from pca_automator.ssm_documents import DOCUMENT_NAMES, load_document
print(json.dumps({
    "package": pca_automator.__file__,
    "lambda": str(lambda_source()),
    "documents": {name: load_document(name)["schemaVersion"] for name in DOCUMENT_NAMES},
}))
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("editable") / "clone"
    copy_sources(folder)
    return folder


@pytest.fixture(scope="module")
def editable(clone: Path) -> Consumer:
    """An environment of its own that borrows the packages of this one, but not its editable install of the checkout.

    A path in a ``.pth`` file is only put on ``sys.path``: the ``.pth`` files in it are not read.
    """
    folder = clone.parent / "environment"
    venv.create(folder, symlinks=True)
    made = Consumer(folder / "bin" / "python")
    site_packages = made.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    Path(site_packages, "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    install = ["--quiet", "--no-deps", "--no-build-isolation", "--no-compile", "--disable-pip-version-check"]
    made.run("-m", "pip", "install", *install, "--editable", clone, cwd=folder)
    return made


def test_package_lambda_code_and_documents_are_those_of_the_clone(
    editable: Consumer, clone: Path, tmp_path: Path
) -> None:
    found = json.loads(editable.run("-c", WHERE, cwd=tmp_path))
    assert Path(found["package"]) == clone / "pca_automator" / "__init__.py"
    assert Path(found["lambda"]) == clone / "lambda_src"
    assert set(found["documents"].values()) == {"2.2"}


def test_the_command_starts(editable: Consumer, tmp_path: Path) -> None:
    command = editable.python.with_name("pca-automator")
    assert "explain" in editable.run(command, "--help", cwd=tmp_path)


@pytest.mark.long
def test_the_readmes_app_synthesizes(editable: Consumer, app: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(app, encoding="utf-8")
    editable.run("app.py", cwd=tmp_path, CDK_OUTDIR=str(tmp_path / "out"), **NO_BUNDLING)
    (template,) = (tmp_path / "out").glob("*.template.json")
    resources = json.loads(template.read_text(encoding="utf-8"))["Resources"].values()
    assert sum(each["Type"] == "AWS::SSM::Document" for each in resources) == 4
    assert list((tmp_path / "out").glob("asset.*/handlers/cert_check.py"))
