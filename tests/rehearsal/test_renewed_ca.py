"""The runbook for a CA whose certificate was renewed, played as the page has it, whatever an anchor does by itself."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import LEDGER
from pca_automator.rehearsal.local_aws.roles_anywhere.service import RolesAnywhere
from pca_automator.rehearsal.local_aws.roles_anywhere.sessions import Sessions
from tests.rehearsal.test_create_session import KEY, World, name, signed
from tests.rehearsal.test_facts import authority

PAGE = Path(__file__).resolve().parents[2] / "docs" / "authority.md"
SECTION = PAGE.read_text(encoding="utf-8").partition("\n## The CA is about to expire\n")[2].partition("\n## ")[0]
UPDATE = "rolesanywhere update-trust-anchor"
# The CA of the test lives for a year; the fleet, much longer.
AFTER_A_YEAR = dt.timedelta(days=400)


class Renewal(World):
    """A CA and an anchor of source AWS_ACM_PCA, and what the commands of the page do to them."""

    def __init__(self) -> None:
        super().__init__()
        self.ca, _, self.arn = authority()
        self.service = RolesAnywhere(
            lambda arn: self.ca.find(arn).certificate_pem, lambda: ("000000000000", "us-east-1")
        )
        self.source = {"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": self.arn}}
        self.anchor = self.service.create_anchor({"name": "anchor", "source": self.source})
        self.profile = self.service.create_profile(self.profile.fields)
        self.sessions = Sessions(self.service, self.roles)
        self.csr, self.issued, self.new = "", "", ""
        self.commands: dict[str, Callable[[], Any]] = {
            "acm-pca get-certificate-authority-csr": self._get_csr,
            "acm-pca issue-certificate": self._issue,
            "acm-pca get-certificate": self._get,
            "acm-pca import-certificate-authority-certificate": self._import,
            UPDATE: lambda: self.service.anchors.get(self.anchor.id).change({"source": self.source}),
        }

    def _get_csr(self) -> None:
        self.csr = self.ca.find(self.arn).csr

    def _issue(self) -> None:
        self.issued = self.ca.issue(
            {
                "CertificateAuthorityArn": self.arn,
                "Csr": self.csr,
                "SigningAlgorithm": "SHA256WITHECDSA",
                "TemplateArn": "arn:aws:acm-pca:::template/RootCACertificate/V1",
                "Validity": {"Type": "YEARS", "Value": 10},
            }
        ).arn

    def _get(self) -> None:
        self.new, _ = self.ca.get(self.arn, self.issued)

    def _import(self) -> None:
        self.ca.find(self.arn).install(self.new.encode(), None)

    def session_a_year_later(self) -> str:
        """Of a host that was renewed after the CA was; what refuses it, or nothing."""
        csr = x509.CertificateSigningRequestBuilder().subject_name(name("i-01234567")).sign(KEY, hashes.SHA256())
        leaf = self.ca.issue(
            {
                "CertificateAuthorityArn": self.arn,
                "Csr": csr.public_bytes(serialization.Encoding.PEM),
                "SigningAlgorithm": "SHA256WITHECDSA",
                "Validity": {"Type": "DAYS", "Value": 500},
            }
        ).certificate
        later = dt.datetime.now(dt.UTC) + AFTER_A_YEAR
        try:
            self.sessions.create(signed(leaf, json.dumps(self.body()).encode(), date=later), later)
        except ServiceError as error:
            return error.code
        return ""


@pytest.fixture(autouse=True)
def usual_answers() -> Iterator[None]:
    yield
    LEDGER.answer_otherwise([])


def typed() -> list[str]:
    """Service and operation of each command of the page, in its order."""
    blocks = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    return re.findall(r"^ *aws ([a-z-]+ [a-z-]+)", "\n".join(blocks), re.MULTILINE)


@pytest.mark.parametrize("world", [[], ["roles-anywhere.anchor-follows"]], ids=["it follows", "it does not"])
def test_the_runbook_keeps_every_session_in_both_worlds(world: list[str]) -> None:
    LEDGER.answer_otherwise(world)
    renewal = Renewal()
    assert len(typed()) == len(renewal.commands)
    for command in typed():
        renewal.commands[command]()
    assert renewal.session_a_year_later() == ""


def test_without_the_update_the_fleet_would_go_dark_where_an_anchor_does_not_follow() -> None:
    LEDGER.answer_otherwise(["roles-anywhere.anchor-follows"])
    renewal = Renewal()
    for command in typed():
        if command != UPDATE:
            renewal.commands[command]()
    assert renewal.session_a_year_later() == "AccessDeniedException"


def test_a_disabled_ca_takes_no_new_certificate() -> None:
    """https://docs.aws.amazon.com/privateca/latest/userguide/PCAUpdateCA.html"""
    renewal = Renewal()
    for command in typed()[:3]:
        renewal.commands[command]()
    renewal.ca.find(renewal.arn).status = "DISABLED"
    with pytest.raises(ServiceError, match="DISABLED"):
        renewal.commands["acm-pca import-certificate-authority-certificate"]()
