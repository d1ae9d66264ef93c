"""The local Private CA and Roles Anywhere over their real protocols: botocore's models and an independent signer."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pca_automator.authority.roles_anywhere import HOST_SUBJECTS
from pca_automator.rehearsal.stage import signing_helper
from pca_automator.rehearsal.stage.process import LocalAws
from tests.rehearsal.conftest import eventually

CLIENT_TEMPLATE = "arn:aws:acm-pca:::template/EndEntityClientAuthCertificate_APIPassthrough/V1"
ROOT_TEMPLATE = "arn:aws:acm-pca:::template/RootCACertificate/V1"
NO_AUTHORITY = "arn:aws:acm-pca:us-east-1:000000000000:certificate-authority/"
WEEK = {"Type": "DAYS", "Value": 7}
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def csr_for(key: PrivateKey, common_name: str, *dns_names: str) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if dns_names:
        names = x509.SubjectAlternativeName([x509.DNSName(dns) for dns in dns_names])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Issuer(NamedTuple):
    """An active CA with its trust anchor, profile and role."""

    arn: str
    bucket: str
    anchor: str
    profile: str
    role: str


def fetch(aws: LocalAws, authority: str, certificate: str) -> dict[str, str]:
    """GetCertificate, as soon as it does not answer RequestInProgressException any more."""

    pca = aws.client("acm-pca")

    def attempt() -> Any:
        try:
            return pca.get_certificate(CertificateAuthorityArn=authority, CertificateArn=certificate)
        except pca.exceptions.RequestInProgressException:
            return None

    return dict(eventually(attempt))


def make_authority(aws: LocalAws, bucket: str, algorithm: str = "RSA_2048") -> str:
    family = "ECDSA" if algorithm.startswith("EC") else "RSA"
    pca = aws.client("acm-pca")
    arn = pca.create_certificate_authority(
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": algorithm,
            "SigningAlgorithm": f"SHA256WITH{family}",
            "Subject": {"Country": "DE", "Organization": "Example", "CommonName": "Root"},
        },
        CertificateAuthorityType="ROOT",
        UsageMode="SHORT_LIVED_CERTIFICATE",
        RevocationConfiguration={"CrlConfiguration": {"Enabled": True, "S3BucketName": bucket, "ExpirationInDays": 7}},
    )["CertificateAuthorityArn"]
    request = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"].encode()
    issued = pca.issue_certificate(
        CertificateAuthorityArn=arn,
        Csr=request,
        SigningAlgorithm=f"SHA256WITH{family}",
        TemplateArn=ROOT_TEMPLATE,
        Validity={"Type": "YEARS", "Value": 5},
    )["CertificateArn"]
    root = fetch(aws, arn, issued)["Certificate"]
    pca.import_certificate_authority_certificate(CertificateAuthorityArn=arn, Certificate=root.encode())
    return str(arn)


def trust_policy(anchor: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "rolesanywhere.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": {
            "ArnEquals": {"aws:SourceArn": anchor},
            "StringLike": {"aws:PrincipalTag/x509Subject/CN": list(HOST_SUBJECTS)},
            "StringEquals": {"aws:PrincipalTag/x509Issuer/CN": "Root"},
        },
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_issuer(aws: LocalAws, name: str, algorithm: str = "RSA_2048") -> Issuer:
    bucket = f"crl-{name}"
    aws.client("s3").create_bucket(Bucket=bucket)
    arn = make_authority(aws, bucket, algorithm)
    anywhere = aws.client("rolesanywhere")
    anchor = anywhere.create_trust_anchor(
        name=name, enabled=True, source={"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": arn}}
    )["trustAnchor"]["trustAnchorArn"]
    role = aws.client("iam").create_role(RoleName=f"anywhere-{name}", AssumeRolePolicyDocument=trust_policy(anchor))
    role_arn = role["Role"]["Arn"]
    profile = anywhere.create_profile(name=name, enabled=True, roleArns=[role_arn], durationSeconds=900)["profile"]
    return Issuer(arn, bucket, anchor, profile["profileArn"], role_arn)


@pytest.fixture(scope="module")
def issuer(aws: LocalAws) -> Issuer:
    return make_issuer(aws, "shared")


def issue(aws: LocalAws, ca_arn: str, csr: bytes, **more: Any) -> tuple[str, x509.Certificate, str]:
    pca = aws.client("acm-pca")
    request = {"SigningAlgorithm": "SHA256WITHRSA", "TemplateArn": CLIENT_TEMPLATE, "Validity": WEEK, **more}
    arn = pca.issue_certificate(CertificateAuthorityArn=ca_arn, Csr=csr, **request)["CertificateArn"]
    pem = fetch(aws, ca_arn, arn)["Certificate"]
    return arn, x509.load_pem_x509_certificate(pem.encode()), pem


def refused(code: str, call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


def common_name(certificate: x509.Certificate) -> Any:
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def test_the_api_subject_wins_over_the_csr(aws: LocalAws, issuer: Issuer) -> None:
    key = rsa.generate_private_key(65537, 2048)
    passthrough = {"Subject": {"CommonName": "i-0123456789abcdef0"}}
    _, certificate, _ = issue(aws, issuer.arn, csr_for(key, "i-victim"), ApiPassthrough=passthrough)
    assert [attribute.rfc4514_string() for attribute in certificate.subject] == ["CN=i-0123456789abcdef0"]


def test_a_base_template_takes_subject_and_names_from_the_csr_and_ignores_the_api(
    aws: LocalAws, issuer: Issuer
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    template = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
    passthrough = {"Subject": {"CommonName": "from-api"}}
    csr = csr_for(key, "from-csr", "a.example")
    _, certificate, _ = issue(aws, issuer.arn, csr, TemplateArn=template, ApiPassthrough=passthrough)
    assert common_name(certificate) == "from-csr"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example"]


def test_the_client_template_fixes_usages(aws: LocalAws, issuer: Issuer) -> None:
    key = rsa.generate_private_key(65537, 2048)
    passthrough = {"Extensions": {"ExtendedKeyUsage": [{"ExtendedKeyUsageType": "SERVER_AUTH"}]}}
    _, certificate, _ = issue(aws, issuer.arn, csr_for(key, "i-01234567"), ApiPassthrough=passthrough)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.key_encipherment) == (True, True)
    assert not usage.value.key_cert_sign
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds() == 7 * 86400 + 3600


def test_a_csr_whose_signature_does_not_verify_is_malformed(aws: LocalAws, issuer: Issuer) -> None:
    request = csr_for(rsa.generate_private_key(65537, 2048), "i-01234567")
    der = bytearray(x509.load_pem_x509_csr(request).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    label = b"CERTIFICATE REQUEST-----\n"
    pem = b"-----BEGIN " + label + base64.encodebytes(bytes(der)) + b"-----END " + label
    arguments = {"CertificateAuthorityArn": issuer.arn, "SigningAlgorithm": "SHA256WITHRSA", "Validity": WEEK}
    refused("MalformedCSRException", aws.client("acm-pca").issue_certificate, Csr=pem, **arguments)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Validity": {"Type": "DAYS", "Value": 8}}, "ValidationException"),
        ({"SigningAlgorithm": "SHA256WITHECDSA"}, "InvalidArgsException"),
        ({"TemplateArn": "arn:aws:acm-pca:::template/NoSuchTemplate/V1"}, "InvalidArgsException"),
        ({"CertificateAuthorityArn": f"{NO_AUTHORITY}x"}, "ResourceNotFoundException"),
    ],
)
def test_what_issue_certificate_refuses(aws: LocalAws, issuer: Issuer, changes: dict[str, Any], code: str) -> None:
    request = {
        "CertificateAuthorityArn": issuer.arn,
        "Csr": csr_for(rsa.generate_private_key(65537, 2048), "i-01234567"),
        "SigningAlgorithm": "SHA256WITHRSA",
        "Validity": WEEK,
    }
    refused(code, aws.client("acm-pca").issue_certificate, **{**request, **changes})


def test_an_idempotency_token_yields_one_certificate(aws: LocalAws, issuer: Issuer) -> None:
    csr = csr_for(rsa.generate_private_key(65537, 2048), "i-01234567")
    first, _, _ = issue(aws, issuer.arn, csr, IdempotencyToken="t1")
    again, _, _ = issue(aws, issuer.arn, csr, IdempotencyToken="t1")
    other, _, _ = issue(aws, issuer.arn, csr, IdempotencyToken="t2")
    assert first == again != other


class Holder(NamedTuple):
    certificate: Path
    key: Path
    serial: int


def hold(aws: LocalAws, issuer: Issuer, directory: Path, name: str, key: PrivateKey | None = None) -> Holder:
    key = key or rsa.generate_private_key(65537, 2048)
    algorithm = "SHA256WITHECDSA" if issuer.bucket.startswith("crl-ec") else "SHA256WITHRSA"
    _, certificate, pem = issue(aws, issuer.arn, csr_for(key, name), SigningAlgorithm=algorithm)
    (directory / "tls.crt").write_text(pem)
    (directory / "tls.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Holder(directory / "tls.crt", directory / "tls.key", certificate.serial_number)


def prove(
    aws: LocalAws, issuer: Issuer, holder: Holder, directory: Path, **changes: str
) -> subprocess.CompletedProcess[str]:
    helper = signing_helper.write(directory / "bin", aws.endpoint)
    given = {
        "certificate": str(holder.certificate),
        "private-key": str(holder.key),
        "trust-anchor-arn": issuer.anchor,
        "profile-arn": issuer.profile,
        "role-arn": issuer.role,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    options = [part for name, value in given.items() for part in (f"--{name}", value)]
    return subprocess.run(
        [helper, "credential-process", *options], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_certificate_becomes_credentials_that_work(aws: LocalAws, issuer: Issuer, tmp_path: Path) -> None:
    holder = hold(aws, issuer, tmp_path, "i-0123456789abcdef0")
    run = prove(aws, issuer, holder, tmp_path)
    assert run.returncode == 0, run.stderr
    credentials = json.loads(run.stdout)
    assert credentials["Version"] == 1
    sts = boto3.client(
        "sts",
        endpoint_url=aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    assert f"assumed-role/anywhere-shared/{holder.serial:x}" in sts.get_caller_identity()["Arn"]


def test_an_ec_certificate_of_an_ec_authority_becomes_credentials(aws: LocalAws, tmp_path: Path) -> None:
    issuer = make_issuer(aws, "ec", "EC_prime256v1")
    holder = hold(aws, issuer, tmp_path, "mi-0123456789abcdef0", ec.generate_private_key(ec.SECP256R1()))
    assert prove(aws, issuer, holder, tmp_path).returncode == 0


def test_another_names_certificate_is_refused_by_the_trust_policy(
    aws: LocalAws, issuer: Issuer, tmp_path: Path
) -> None:
    holder = hold(aws, issuer, tmp_path, "www.example.com")
    run = prove(aws, issuer, holder, tmp_path)
    assert run.returncode == 1
    assert "Unable to assume role" in run.stderr


def test_another_authoritys_certificate_is_untrusted(aws: LocalAws, issuer: Issuer, tmp_path: Path) -> None:
    other = make_issuer(aws, "other")
    holder = hold(aws, other, tmp_path, "i-0123456789abcdef0")
    run = prove(aws, issuer, holder, tmp_path)
    assert run.returncode == 1
    assert "Untrusted certificate" in run.stderr


def test_a_key_that_is_not_the_certificates_cannot_sign(aws: LocalAws, issuer: Issuer, tmp_path: Path) -> None:
    holder = hold(aws, issuer, tmp_path, "i-0123456789abcdef0")
    (tmp_path / "other").mkdir()
    thief = hold(aws, issuer, tmp_path / "other", "i-0123456789abcdef1")
    run = prove(aws, issuer, holder._replace(key=thief.key), tmp_path)
    assert run.returncode == 1
    assert "signature does not verify" in run.stderr


def test_a_role_outside_the_profile_is_refused(aws: LocalAws, issuer: Issuer, tmp_path: Path) -> None:
    holder = hold(aws, issuer, tmp_path, "i-0123456789abcdef0")
    run = prove(aws, issuer, holder, tmp_path, role_arn="arn:aws:iam::000000000000:role/other")
    assert run.returncode == 1
    assert "not in the profile" in run.stderr


def read_crl(aws: LocalAws, issuer: Issuer, number: int) -> x509.CertificateRevocationList | None:
    key = f"crl/{issuer.arn.rpartition('/')[2]}.crl"
    try:
        body = aws.client("s3").get_object(Bucket=issuer.bucket, Key=key)["Body"].read()
    except ClientError:
        return None
    crl = x509.load_der_x509_crl(body)
    found = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    return crl if found >= number else None


def test_a_revoked_certificate_is_denied_once_its_crl_is_imported(aws: LocalAws, tmp_path: Path) -> None:
    issuer = make_issuer(aws, "revoking")
    (tmp_path / "healthy").mkdir()
    revoked = hold(aws, issuer, tmp_path, "i-0123456789abcdef0")
    healthy = hold(aws, issuer, tmp_path / "healthy", "i-0123456789abcdef1")
    first = eventually(lambda: read_crl(aws, issuer, 1))
    assert first is not None
    assert len(first) == 0
    pca = aws.client("acm-pca")
    serial = ":".join(f"{revoked.serial:032x}"[i : i + 2] for i in range(0, 32, 2))
    request = {"CertificateAuthorityArn": issuer.arn, "CertificateSerial": serial, "RevocationReason": "KEY_COMPROMISE"}
    pca.revoke_certificate(**request)
    refused("RequestAlreadyProcessedException", pca.revoke_certificate, **request)
    crl = eventually(lambda: read_crl(aws, issuer, 2))
    assert [entry.serial_number for entry in crl] == [revoked.serial]
    assert prove(aws, issuer, revoked, tmp_path).returncode == 0  # nobody has imported it yet
    pem = crl.public_bytes(serialization.Encoding.PEM)
    aws.client("rolesanywhere").import_crl(name="crl", crlData=pem, trustAnchorArn=issuer.anchor, enabled=True)
    run = prove(aws, issuer, revoked, tmp_path)
    assert (run.returncode, "Certificate revoked" in run.stderr) == (1, True)
    assert prove(aws, issuer, healthy, tmp_path).returncode == 0


def test_what_import_crl_refuses(aws: LocalAws, tmp_path: Path) -> None:
    issuer, other = make_issuer(aws, "quota"), make_issuer(aws, "foreign")
    for one in (issuer, other):
        hold(aws, one, tmp_path, "i-0123456789abcdef0")
    own = eventually(lambda: read_crl(aws, issuer, 1))
    foreign = eventually(lambda: read_crl(aws, other, 1))
    anywhere = aws.client("rolesanywhere")

    def attempt(data: bytes) -> str:
        arguments = {"name": "crl", "crlData": data, "trustAnchorArn": issuer.anchor, "enabled": True}
        return refused("ValidationException", anywhere.import_crl, **arguments)

    pem = own.public_bytes(serialization.Encoding.PEM)
    assert "PEM" in attempt(own.public_bytes(serialization.Encoding.DER))
    assert "not signed" in attempt(foreign.public_bytes(serialization.Encoding.PEM))
    assert "300000" in attempt(pem + b"#" * 300_000)
    imported = [
        anywhere.import_crl(name="crl", crlData=pem, trustAnchorArn=issuer.anchor)["crl"]["crlId"] for _ in range(2)
    ]
    assert "Limit of 2" in attempt(pem)
    anywhere.update_crl(crlId=imported[0], crlData=pem)
    anywhere.enable_crl(crlId=imported[0])
    listed = {crl["crlId"]: crl for crl in anywhere.list_crls()["crls"]}
    assert listed[imported[0]]["enabled"]
    assert anywhere.get_crl(crlId=imported[0])["crl"]["crlData"] == pem
    anywhere.delete_crl(crlId=imported[1])
    refused("ResourceNotFoundException", anywhere.get_crl, crlId=imported[1])
