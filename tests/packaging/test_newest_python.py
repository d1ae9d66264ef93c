"""Under a newer Python than the one that runs the other tests, the constructs are the same, to the byte."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.packaging.conftest import NO_BUNDLING, ROOT, Consumer
from tests.tiers import need

# The sample stack as a whole; the other tests of constructs synthesize it again, with other props.
TESTS = ("test_parts", "test_sample_app", "test_security", "renewal/test_workflow")


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """An environment that borrows the packages of this one: what constructs need is pure Python."""
    need("python-newest")
    folder = tmp_path_factory.mktemp("newest")
    maker = Consumer(Path("python-newest"))
    maker.run("-m", "venv", "--without-pip", folder, cwd=folder)
    made = Consumer(folder / "bin" / "python")
    site_packages = made.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    borrowed = [sysconfig.get_path("purelib"), str(ROOT), str(ROOT / "lambda_src")]
    Path(site_packages, "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    return made


@pytest.mark.long
def test_the_template_and_the_functions_code_are_the_same(newest: Consumer, app: str, tmp_path: Path) -> None:
    """Templates name every asset by the hash of its content."""
    (tmp_path / "app.py").write_text(app, encoding="utf-8")
    outs = [tmp_path / "this", tmp_path / "newest"]
    this = Consumer(Path(sys.executable))
    for python, out in zip((this, newest), outs, strict=True):
        python.run("app.py", cwd=tmp_path, CDK_OUTDIR=str(out), **NO_BUNDLING)
    this_template, newest_template = (
        (out / "FleetCertificates.template.json").read_text(encoding="utf-8") for out in outs
    )
    assert newest_template == this_template
    assert "AWS::StepFunctions::StateMachine" in this_template


def test_constructs_need_nothing_that_is_built_for_one_version_of_python(app: str, tmp_path: Path) -> None:
    """Beside what jsii loads itself; what the environment above borrows would else fail to load."""
    (tmp_path / "app.py").write_text(app, encoding="utf-8")
    loaded = "import runpy, sys; runpy.run_path('app.py', run_name='__main__'); print(*sys.modules)"
    names = Consumer(Path(sys.executable)).run(
        "-c", loaded, cwd=tmp_path, CDK_OUTDIR=str(tmp_path / "out"), **NO_BUNDLING
    )
    assert {"pca_automator.certificate_automation", "aws_cdk"} <= set(names.split())
    assert {"cryptography", "_cffi_backend", "boto3", "pydantic"}.isdisjoint(names.split())


@pytest.mark.long
def test_the_constructs_keep_their_promises(newest: Consumer) -> None:
    """Without plugins: hypothesis has a part that is built for one version of Python."""
    files = [ROOT / "tests" / "constructs" / f"{name}.py" for name in TESTS]
    options = ["-q", "-p", "no:cacheprovider", "--override-ini", "addopts="]
    printed = newest.run(
        "-m", "pytest", *options, *files, cwd=ROOT, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PATH=os.environ["PATH"]
    )
    assert " passed" in printed
