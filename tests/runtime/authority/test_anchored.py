"""A trust anchor that is unlike its CA is noticed: by the digest here, and by ``status``, ``doctor`` and ``verify``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.runtime.conftest import World
from tests.runtime.fakes import ANCHOR_ARN, CA_ARN
from tests.runtime.pki import NOW, Ca
from tests.runtime.reporting.test_cert_digest import digest

UPDATE = (
    f"aws rolesanywhere update-trust-anchor --trust-anchor-id {ANCHOR_ARN.rpartition('/')[2]} --source "
    f"'sourceType=AWS_ACM_PCA,sourceData={{acmPcaArn={CA_ARN}}}'"
)


def bundle(world: World, *authorities: Ca) -> None:
    pem = "".join(each.pem for each in authorities)
    world.roles_anywhere.anchor["source"] = {
        "sourceType": "CERTIFICATE_BUNDLE",
        "sourceData": {"x509CertificateData": pem},
    }


def test_an_anchor_that_was_made_after_the_cas_certificate_is_like_it(world: World) -> None:
    world.roles_anywhere.anchor["updatedAt"] = NOW
    text = digest(world)
    assert "trust anchor" not in text
    assert world.roles_anywhere.count("get_trust_anchor") == 1


def test_a_ca_that_was_renewed_after_the_anchor_is_told_with_what_to_type(world: World) -> None:
    world.pca.ca = Ca(key=world.pca.ca.key, made_at=NOW)
    world.roles_anywhere.anchor["updatedAt"] = NOW - timedelta(days=300)
    text = digest(world)
    assert "the CA's certificate came after " in text
    assert "it may still have the one before" in text
    assert UPDATE in text
    world.roles_anywhere.anchor["updatedAt"] = NOW
    assert UPDATE not in digest(world)


@pytest.mark.parametrize("minutes", [1, 30, 59])
def test_a_ca_that_was_renewed_within_the_hour_after_the_anchors_change_is_told(world: World, minutes: int) -> None:
    """Its certificate begins an hour before it is made, so before that change."""
    renewed = NOW
    world.pca.ca = Ca(key=world.pca.ca.key, made_at=renewed)
    world.roles_anywhere.anchor["updatedAt"] = renewed - timedelta(minutes=minutes)
    assert world.pca.ca.certificate.not_valid_before_utc < world.roles_anywhere.anchor["updatedAt"]
    assert UPDATE in digest(world)
    world.roles_anywhere.anchor["updatedAt"] = renewed + timedelta(minutes=1)
    assert "trust anchor" not in digest(world)


def test_an_anchor_of_another_ca_says_nothing_of_this_one(world: World) -> None:
    """The root of a subordinate CA that issues, for one."""
    world.roles_anywhere.anchor["updatedAt"] = datetime(2020, 1, 1, tzinfo=UTC)
    world.roles_anywhere.anchor["source"]["sourceData"] = {"acmPcaArn": CA_ARN[:-1] + "9"}
    assert "trust anchor" not in digest(world)


def test_a_disabled_anchor_is_told_as_such(world: World) -> None:
    world.roles_anywhere.anchor["enabled"] = False
    assert "the trust anchor is disabled" in digest(world)


def test_a_bundle_with_the_cas_certificate_is_like_it_beside_others(world: World) -> None:
    bundle(world, Ca("Another Root"), world.pca.ca)
    assert "trust anchor" not in digest(world)


def test_a_bundle_with_the_certificate_from_before_the_renewal_is_told(world: World) -> None:
    before = world.pca.ca
    bundle(world, before)
    world.pca.ca = Ca(key=before.key, made_at=NOW + timedelta(days=400))
    text = digest(world)
    assert "the trust anchor's certificate of the CA runs out 2036-" in text
    assert "pca-automator docs authority" in text


@pytest.mark.parametrize("key", ["same", "new"])
def test_a_bundle_of_other_cas_is_told_whatever_they_are_called(world: World, key: str) -> None:
    other = Ca("Test CA") if key == "new" else Ca("Renamed", key=world.pca.ca.key)
    bundle(world, other)
    text = digest(world)
    assert "neither the CA nor those above it are among them" in text
