"""Every example passes the packs, is deployed into an account of its own, and hosts get certificates from it.

``minimal.py`` is what ``tests/packaging/test_consumer.py`` deploys, from the wheel.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples import existing
from tests.examples.account import ROOT, Account, account
from tests.examples.test_examples import EXAMPLES


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("assembly")


@pytest.fixture
def local(tmp_path: Path, assembly: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with account(tmp_path, assembly) as made:
        yield made


def example(name: str) -> str:
    return (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.rehearsal
def test_hybrid_fleet(local: Account) -> None:
    local.deploy(example("hybrid_fleet"))
    items = local.give_hosts_certificates()
    assert all(item["validated"] for item in items.values()), "the example asks for a proof of each"


@pytest.mark.long
@pytest.mark.rehearsal
def test_bring_your_own(local: Account) -> None:
    local.deploy(existing.make(local.aws, example("bring_your_own")))
    local.give_hosts_certificates()
    authorities = local.aws.client("acm-pca").list_certificate_authorities()["CertificateAuthorities"]
    assert len(authorities) == 1, "the CA that was there issued"


@pytest.mark.long
@pytest.mark.rehearsal
def test_workload_role(local: Account) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    local.aws.client("iam").create_role(RoleName="deployment-pipeline", AssumeRolePolicyDocument=document)
    local.deploy(example("workload_role"))
    local.give_hosts_certificates()
    profiles = local.aws.client("rolesanywhere").list_profiles()["profiles"]
    assert any("Workload" in role for profile in profiles for role in profile["roleArns"])


def test_no_example_is_forgotten() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in EXAMPLES if f'example("{name.removesuffix(".py")}")' not in here] == ["minimal.py"]
