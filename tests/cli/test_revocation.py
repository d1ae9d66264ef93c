"""Certificates are revoked as the functions would; what is as it should be is not said twice."""

from __future__ import annotations

import pytest

from pca_automator.cli.deployed import revocation
from pca_automator.cli.errors import USAGE, Trouble
from tests.cli.conftest import CA_ARN, Deployed, deployment, error, host


def test_each_certificate_is_revoked_of_the_deployments_ca_and_its_result_told(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(revocation, "say", said.append)
    results = {"0a:bc": {}, "0b": error("RequestAlreadyProcessedException"), "0c": error("ResourceNotFoundException")}

    def revoke(asked: dict[str, str]) -> dict[str, str]:
        answer = results[asked["CertificateSerial"]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    deployed.answers["RevokeCertificate"] = revoke  # type: ignore[assignment]
    found = revocation.revoke(deployment(), host(1), ["abc", "0b", "0c"], "SUPERSEDED")
    assert found == {"abc": "REVOKED", "0b": "BEFORE", "0c": "UNKNOWN"}
    assert [revocation.RESULTS[each] for each in found.values()] == [
        "revoked",
        "was revoked before",
        "unknown to this CA",
    ]
    asked = deployed.called("RevokeCertificate")
    assert {each["CertificateAuthorityArn"] for each in asked} == {CA_ARN}
    assert {each["RevocationReason"] for each in asked} == {"SUPERSEDED"}
    assert said == []


def test_a_certificate_of_another_host_is_not_revoked_and_a_line_says_so(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(revocation, "say", said.append)
    monkeypatch.setattr(revocation.runtime("revocation.revoker").Revoker, "is_anothers", lambda *_: True)
    assert revocation.revoke(deployment(), host(1), ["0a"], "SUPERSEDED") == {"0a": "ANOTHERS"}
    assert revocation.RESULTS["ANOTHERS"] == "not revoked: another host's"
    assert said == [f"not revoked: the certificate is another's: host_id {host(1)}, serial 0a"]
    assert deployed.called("RevokeCertificate") == []


def test_a_reason_is_one_that_the_ca_has_a_name_for() -> None:
    revocation.check_reason("KEY_COMPROMISE")
    with pytest.raises(Trouble, match=r"^'BORED' is not a reason: allowed are .*KEY_COMPROMISE.*, ") as raised:
        revocation.check_reason("BORED")
    assert raised.value.status == USAGE
