"""What the product does where AWS says nothing, against the local services with either answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from aws_cdk import Duration
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from pca_runtime.authority.profiles import TEMPLATES
from pca_runtime.errors.catalogue import remedy_for

from pca_automator.monitoring.crl_alarms import _margin
from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import LEDGER
from pca_automator.rehearsal.local_aws.roles_anywhere.chains import check_end_entity
from pca_automator.rehearsal.local_aws.roles_anywhere.signature import verify
from tests.rehearsal.test_create_session import KEY, NOW, World, certificate, name, signed
from tests.rehearsal.test_facts import authority, crl, imported, refusal

A_CRLS_LIFE = dt.timedelta(days=7)


@pytest.fixture(autouse=True)
def usual_answers() -> Iterator[None]:
    yield
    LEDGER.answer_otherwise([])


@pytest.mark.parametrize(("otherwise", "refused_from"), [([], 6), (["roles-anywhere.clock"], 2)])
def test_whatever_the_window_is_a_host_outside_of_it_is_told_of_its_clock(
    otherwise: list[str], refused_from: int
) -> None:
    LEDGER.answer_otherwise(otherwise)
    verify(signed(certificate(), date=NOW + dt.timedelta(minutes=refused_from - 2)), NOW)
    with pytest.raises(ServiceError) as refused:
        verify(signed(certificate(), date=NOW + dt.timedelta(minutes=refused_from)), NOW)
    assert "The clock of the host is wrong" in remedy_for("ROLES_ANYWHERE_REJECTED", str(refused.value))


@pytest.mark.parametrize("usages", TEMPLATES, ids=lambda usages: "+".join(sorted(usages)))
@pytest.mark.parametrize("otherwise", [[], ["roles-anywhere.extended-key-usage"]], ids=["not demanded", "demanded"])
def test_a_certificate_of_each_template_that_names_clients_proves_itself_in_both_worlds(
    usages: frozenset[str], otherwise: list[str]
) -> None:
    """Of the others, synthesis warns."""
    LEDGER.answer_otherwise(otherwise)
    service, _, arn = authority()
    csr = x509.CertificateSigningRequestBuilder().subject_name(name("i-01234567")).sign(KEY, hashes.SHA256())
    issued = service.issue(
        {
            "CertificateAuthorityArn": arn,
            "Csr": csr.public_bytes(serialization.Encoding.PEM),
            "SigningAlgorithm": "SHA256WITHECDSA",
            "TemplateArn": f"arn:aws:acm-pca:::template/{TEMPLATES[usages]}",
            "Validity": {"Type": "DAYS", "Value": 1},
            "ApiPassthrough": {"Subject": {"CommonName": "i-01234567"}},
        }
    ).certificate
    refused = refusal(lambda: check_end_entity(issued, dt.datetime.now(dt.UTC)))
    assert refused == ("" if not otherwise or "CLIENT_AUTH" in usages else "roles-anywhere.extended-key-usage")


@pytest.mark.parametrize("otherwise", [[], ["roles-anywhere.stale-crl"]], ids=["goes on", "ends"])
def test_the_alarm_of_a_crl_that_runs_out_sounds_while_every_session_is_still_given(otherwise: list[str]) -> None:
    """In the one world hosts would be dark after its end, in the other one revocations would go on to be enforced."""
    LEDGER.answer_otherwise(otherwise)
    margin = dt.timedelta(seconds=_margin(None, Duration.seconds(A_CRLS_LIFE.total_seconds())).to_seconds())
    assert dt.timedelta(hours=12) <= margin < A_CRLS_LIFE
    in_alarm, over = World(), World()
    imported(in_alarm, crl(ends=margin - dt.timedelta(hours=2)))  # what the alarm takes to look
    assert refusal(lambda: in_alarm.create(certificate())) == ""
    imported(over, crl(ends=-dt.timedelta(seconds=1)))
    assert refusal(lambda: over.create(certificate())) == ("roles-anywhere.stale-crl" if otherwise else "")
