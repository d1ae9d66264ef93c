"""What the functions send is what the SSM documents declare, and what these print is in the catalogue."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from pca_runtime.authority.names import NAMES_BYTES_MAX
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.shared.identifiers import request_id

from pca_automator.ssm_documents import load_document, script
from tests.runtime.conftest import HOST, World
from tests.runtime.pki import Ca, make_csr
from tests.runtime.renewal.steps import RUN, USERS, renew

OVERRIDES = {
    **USERS,
    "cacertPath": "/srv/ca",
    "signinghelperPath": "/opt/aws signing/helper",
    "fileOwner": "app",
    "certMode": "0444",
    "bundle": True,
    "keyAlgorithm": "EC_prime256v1",
}


@pytest.mark.parametrize("attributes", [{}, OVERRIDES], ids=["defaults", "overrides"])
@pytest.mark.parametrize("document", ["GenerateCsr", "InstallCertificate"])
def test_the_document_accepts_every_parameter_that_is_sent(
    world: World, document: str, attributes: dict[str, Any]
) -> None:
    world.put(**attributes)
    renew(world)
    declared = load_document(document)["parameters"]
    (request,) = world.ssm.sent(document)
    sent = {name: value for name, (value,) in request["Parameters"].items()}
    assert sent.keys() <= declared.keys()
    assert {name for name, parameter in declared.items() if "default" not in parameter} <= sent.keys()
    for name, value in sent.items():
        assert re.fullmatch(declared[name]["allowedPattern"], value), name
        assert len(value) <= declared[name].get("maxChars", 1_000_000), name


def test_only_what_has_a_default_and_no_setting_is_left_to_the_document(world: World) -> None:
    world.put()
    renew(world)
    for document in ("GenerateCsr", "InstallCertificate"):
        (request,) = world.ssm.sent(document)
        assert set(load_document(document)["parameters"]) == set(request["Parameters"])


def test_the_largest_certificates_and_chains_fit(world: World) -> None:
    """RSA-4096 on both sides, with as many names as the inventory allows."""
    names = [f"h{number:03}.example.com" for number in range(NAMES_BYTES_MAX // 20)]
    world.put(dnsNames=names, keyAlgorithm="RSA_4096")
    world.pca.ca = Ca(key=rsa.generate_private_key(65537, 4096))
    world.ssm.csrs[request_id(RUN, HOST)] = make_csr(HOST, rsa.generate_private_key(65537, 4096))
    renew(world)
    (request,) = world.ssm.sent("InstallCertificate")
    declared = load_document("InstallCertificate")["parameters"]
    for name in ("certificate", "chain"):
        assert len(request["Parameters"][name][0]) <= declared[name]["maxChars"]
    assert len(request["Parameters"]["certificate"][0]) > 0.8 * declared["certificate"]["maxChars"]


@pytest.mark.parametrize("document", ["GenerateCsr", "InstallCertificate"])
def test_every_code_that_a_document_prints_is_in_the_catalogue(document: str) -> None:
    codes = set(re.findall(r"\b(?:fail|PCA_ERROR) ([A-Z][A-Z_]+)", script(document)))
    assert codes
    assert codes <= {code for code, entry in CATALOGUE.items() if entry.origin == "host"}


def test_a_host_id_reaches_the_document_as_it_is(world: World) -> None:
    world.put()
    renew(world)
    assert {request["Parameters"]["hostID"][0] for request in world.ssm.requests("send_command")} == {HOST}
