"""What CreateSession must refuse: requests and certificates made wrong in one place each."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.roles_anywhere.service import RolesAnywhere
from pca_automator.rehearsal.local_aws.roles_anywhere.sessions import Sessions
from pca_automator.rehearsal.local_aws.roles_anywhere.signature import SignedRequest

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
ROLE = "arn:aws:iam::000000000000:role/test"
KEY = rsa.generate_private_key(65537, 2048)
CA_KEY = rsa.generate_private_key(65537, 2048)
DIGITAL_SIGNATURE = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
CERT_SIGN = x509.KeyUsage(False, False, False, False, False, True, True, False, False)


def name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def certificate(
    subject: str = "i-01234567",
    *,
    key: rsa.RSAPrivateKey = KEY,
    issuer: tuple[str, rsa.RSAPrivateKey] = ("Root", CA_KEY),
    usage: x509.KeyUsage | None = DIGITAL_SIGNATURE,
    authority: bool = False,
    begins: dt.timedelta = -dt.timedelta(hours=1),
    ends: dt.timedelta = dt.timedelta(days=7),
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer[0]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + begins)
        .not_valid_after(NOW + ends)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
    )
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuer[1], hashes.SHA256())


ROOT = certificate("Root", key=CA_KEY, usage=CERT_SIGN, authority=True)


def pem(*certificates: x509.Certificate) -> str:
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates)


class TrustingRoles:
    """IAM roles of which one trusts whoever the test says."""

    def __init__(self) -> None:
        self.trusting = True
        self.context: Mapping[str, str] = {}

    def trusts(self, role_arn: str, context: Mapping[str, str]) -> bool:
        self.context = context
        return self.trusting and role_arn == ROLE

    def longest_session(self, _: str) -> int:
        return 3600

    def vend(self, _: str, __: str, seconds: int) -> dict[str, str]:
        return {"accessKeyId": "ASIA", "expiration": str(seconds)}


class World:
    """A Roles Anywhere with one trust anchor and one profile."""

    def __init__(self) -> None:
        self.service = RolesAnywhere(lambda _: pem(ROOT), lambda: ("000000000000", "us-east-1"))
        source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": pem(ROOT)}}
        self.anchor = self.service.create_anchor({"name": "anchor", "source": source})
        self.profile = self.service.create_profile({"name": "profile", "roleArns": [ROLE], "durationSeconds": 1800})
        self.roles = TrustingRoles()
        self.sessions = Sessions(self.service, self.roles)

    def body(self, **changes: Any) -> dict[str, Any]:
        arns = {"profileArn": self.profile.arn, "roleArn": ROLE, "trustAnchorArn": self.anchor.arn}
        return {**arns, "durationSeconds": 900, **changes}

    def create(self, leaf: x509.Certificate, **changes: Any) -> dict[str, Any]:
        return self.sessions.create(signed(leaf, json.dumps(self.body(**changes)).encode()), NOW)


def signed(
    leaf: x509.Certificate,
    body: bytes = b"{}",
    *,
    query: str = "",
    key: rsa.RSAPrivateKey = KEY,
    date: dt.datetime = NOW,
    leave_unsigned: str = "",
    chain: tuple[x509.Certificate, ...] = (),
) -> SignedRequest:
    """Sign by hand, after the documentation, so that single parts can be left out."""
    stamp = date.strftime("%Y%m%dT%H%M%SZ")
    der = [base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode() for one in (leaf, *chain)]
    headers = {"host": "localhost", "x-amz-date": stamp, "x-amz-x509": der[0]}
    if chain:
        headers["x-amz-x509-chain"] = ",".join(der[1:])
    names = [header for header in sorted(headers) if header != leave_unsigned]
    lines = "".join(f"{header}:{headers[header]}\n" for header in names)
    payload = hashlib.sha256(body).hexdigest()
    canonical = "\n".join(["POST", "/sessions", query, lines, ";".join(names), payload])
    scope = f"{stamp[:8]}/us-east-1/rolesanywhere/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-X509-RSA-SHA256", stamp, scope, digest])
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()
    headers["authorization"] = (
        f"AWS4-X509-RSA-SHA256 Credential={leaf.serial_number}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return SignedRequest("POST", "/sessions", query, headers, body)


@pytest.fixture
def world() -> World:
    return World()


def denied(world: World, request: SignedRequest) -> str:
    with pytest.raises(ServiceError) as refused:
        world.sessions.create(request, NOW)
    assert (refused.value.code, refused.value.status) == ("AccessDeniedException", 403)
    return refused.value.message


def test_a_right_request_is_answered_with_the_shorter_duration(world: World) -> None:
    answer = world.create(certificate(), durationSeconds=3600)
    assert answer["credentialSet"][0]["credentials"] == {"accessKeyId": "ASIA", "expiration": "1800"}
    assert answer["credentialSet"][0]["sourceIdentity"] == "CN=i-01234567"
    assert world.roles.context["aws:PrincipalTag/x509Subject/CN"] == "i-01234567"
    assert world.roles.context["aws:SourceArn"] == world.anchor.arn


def test_the_arns_may_come_in_the_query_as_the_real_helper_sends_them(world: World) -> None:
    arns = {"profileArn": world.profile.arn, "roleArn": ROLE, "trustAnchorArn": world.anchor.arn}
    from urllib.parse import quote

    query = "&".join(f"{key}={quote(value, safe='-_.~')}" for key, value in sorted(arns.items()))
    assert world.sessions.create(signed(certificate(), b'{"durationSeconds": 900}', query=query), NOW)


def test_a_chain_leads_over_an_intermediate_to_the_anchor(world: World) -> None:
    middle_key = rsa.generate_private_key(65537, 2048)
    middle = certificate("Middle", key=middle_key, usage=CERT_SIGN, authority=True)
    leaf = certificate(issuer=("Middle", middle_key))
    body = json.dumps(world.body()).encode()
    assert world.sessions.create(signed(leaf, body, chain=(middle,)), NOW)
    assert "Untrusted" in denied(world, signed(leaf, body))
    no_authority = certificate("Middle", key=middle_key)
    assert "Untrusted" in denied(world, signed(leaf, body, chain=(no_authority,)))


@pytest.mark.parametrize("header", ["host", "x-amz-date", "x-amz-x509"])
def test_a_header_that_is_not_signed_is_refused(world: World, header: str) -> None:
    assert header in denied(world, signed(certificate(), leave_unsigned=header))


def test_another_body_than_the_signed_one_is_refused(world: World) -> None:
    request = signed(certificate(), json.dumps(world.body()).encode())
    changed = SignedRequest(request.method, request.path, request.query, request.headers, request.body + b" ")
    assert "does not verify" in denied(world, changed)


def test_another_key_than_the_certificates_is_refused(world: World) -> None:
    assert "does not verify" in denied(world, signed(certificate(), key=CA_KEY))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_of_another_time_is_refused(world: World, minutes: int) -> None:
    request = signed(certificate(), date=NOW + dt.timedelta(minutes=minutes))
    assert "expired or not yet" in denied(world, request)


@pytest.mark.parametrize(
    ("leaf", "message"),
    [
        (certificate(usage=None), "digitalSignature"),
        (certificate(usage=CERT_SIGN), "digitalSignature"),
        (certificate(authority=True), "basic constraints"),
        (certificate(""), "subject is empty"),
        (certificate(ends=-dt.timedelta(seconds=1)), "expired"),
        (certificate(begins=dt.timedelta(seconds=1)), "not valid yet"),
        (certificate(issuer=("Root", KEY)), "Untrusted"),
    ],
)
def test_a_certificate_that_breaks_a_requirement_is_refused(world: World, leaf: x509.Certificate, message: str) -> None:
    assert message in denied(world, signed(leaf, json.dumps(world.body()).encode()))


def test_a_role_that_does_not_trust_the_certificate_is_refused(world: World) -> None:
    world.roles.trusting = False
    assert "Unable to assume role" in denied(world, signed(certificate(), json.dumps(world.body()).encode()))


@pytest.mark.parametrize("part", ["anchor", "profile"])
def test_a_disabled_part_is_refused(world: World, part: str) -> None:
    getattr(world, part).change({"enabled": False})
    assert "disabled" in denied(world, signed(certificate(), json.dumps(world.body()).encode()))


@pytest.mark.parametrize("seconds", [899, 43_201])
def test_a_duration_outside_its_bounds_is_refused(world: World, seconds: int) -> None:
    with pytest.raises(ServiceError, match="durationSeconds"):
        world.create(certificate(), durationSeconds=seconds)


def test_a_session_name_needs_the_profiles_consent(world: World) -> None:
    body = json.dumps(world.body(roleSessionName="me")).encode()
    assert "session name" in denied(world, signed(certificate(), body))
    world.profile.change({"acceptRoleSessionName": True})
    answer = world.sessions.create(signed(certificate(), body), NOW)
    assert answer["credentialSet"][0]["assumedRoleUser"]["arn"].endswith("/test/me")
