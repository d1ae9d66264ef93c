"""The ledger of facts: every rule has its source, and each assumed one is shown in both worlds."""

from __future__ import annotations

import datetime as dt
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from pca_automator.rehearsal.local_aws import step_functions
from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import LEDGER, Evidence, Fact, registered
from pca_automator.rehearsal.local_aws.facts.ledger import assumptions
from pca_automator.rehearsal.local_aws.private_ca.api import Api
from pca_automator.rehearsal.local_aws.private_ca.service import PrivateCa
from pca_automator.rehearsal.local_aws.roles_anywhere.chains import check_end_entity
from pca_automator.rehearsal.local_aws.roles_anywhere.service import RolesAnywhere
from pca_automator.rehearsal.local_aws.roles_anywhere.signature import verify
from pca_automator.rehearsal.local_aws.run_command.script import run
from pca_automator.rehearsal.local_aws.run_command.service import Command, Invocation, RunCommand
from pca_automator.rehearsal.local_aws.settings import Settings
from tests.rehearsal.conftest import eventually
from tests.rehearsal.test_create_session import CA_KEY, KEY, NOW, ROOT, World, certificate, name, pem, signed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rehearsal.md"
ASSUMED = [fact for fact in registered() if fact.evidence is Evidence.ASSUMED]
Asked = Callable[[], object]


@pytest.fixture(autouse=True)
def usual_answers() -> Iterator[None]:
    yield
    LEDGER.answer_otherwise([])


def refusal(act: Callable[[], object]) -> str:
    """The rule by which something is refused, or nothing."""
    try:
        act()
    except ServiceError as error:
        return error.fact.name
    return ""


class Account:
    """What the local Private CA reaches."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def publish(self, *_: object) -> None:
        """Nobody listens."""

    def put_object(self, _: str, key: str, body: bytes) -> None:
        self.objects[key] = body

    def later(self, _: float, work: Callable[[], None]) -> None:
        work()

    def account(self) -> tuple[str, str]:
        return "000000000000", "us-east-1"


def authority(**crl: Any) -> tuple[PrivateCa, Account, str]:
    """An active CA of the local Private CA, with a CRL."""
    account = Account()
    service = PrivateCa(Settings(issuing_seconds=0), account)
    made = service.create(
        {
            "CertificateAuthorityConfiguration": {
                "KeyAlgorithm": "EC_prime256v1",
                "SigningAlgorithm": "SHA256WITHECDSA",
                "Subject": {"CommonName": "Root"},
            },
            "CertificateAuthorityType": "ROOT",
            "RevocationConfiguration": {"CrlConfiguration": {"Enabled": True, "S3BucketName": "crls", **crl}},
        }
    )
    root = service.issue(
        {
            "CertificateAuthorityArn": made.arn,
            "Csr": made.csr,
            "SigningAlgorithm": "SHA256WITHECDSA",
            "TemplateArn": "arn:aws:acm-pca:::template/RootCACertificate/V1",
            "Validity": {"Type": "YEARS", "Value": 1},
        }
    )
    made.install(root.pem.encode(), None)
    return service, account, made.arn


def issue(service: PrivateCa, arn: str) -> x509.Certificate:
    csr = x509.CertificateSigningRequestBuilder().subject_name(name("i-01234567")).sign(KEY, hashes.SHA256())
    return service.issue(
        {
            "CertificateAuthorityArn": arn,
            "Csr": csr.public_bytes(serialization.Encoding.PEM),
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Validity": {"Type": "DAYS", "Value": 1},
        }
    ).certificate


def which_object_must_be_writable() -> object:
    service, _, arn = authority()
    asked: list[str] = []
    api = Api(service, lambda _, key, __: asked.append(key) is None)
    api._check_revoker({"CertificateAuthorityArn": arn}, {})
    return [key.replace(arn.rpartition("/")[2], "id") for key in asked]


def where_the_crl_lies() -> object:
    service, _, arn = authority(CustomPath="lists")
    return service.find(arn).crl_key.split("/")[0]


def when_the_first_crl_appears() -> object:
    service, account, arn = authority(CrlDistributionPointExtensionConfiguration={"OmitExtension": True})
    leaf = issue(service, arn)
    before = service.find(arn).crl_key in account.objects
    service.revoke(
        {
            "CertificateAuthorityArn": arn,
            "CertificateSerial": f"{leaf.serial_number:x}",
            "RevocationReason": "SUPERSEDED",
        }
    )
    return before, service.find(arn).crl_key in account.objects


def two_minutes_off() -> object:
    request = signed(certificate(), date=NOW + dt.timedelta(minutes=2))
    return refusal(lambda: verify(request, NOW))


def without_client_auth() -> object:
    return refusal(lambda: check_end_entity(certificate(), NOW))


def imported(world: World, crl: x509.CertificateRevocationList) -> None:
    import base64

    data = base64.b64encode(crl.public_bytes(serialization.Encoding.PEM)).decode()
    world.service.import_crl({"name": "crl", "crlData": data, "trustAnchorArn": world.anchor.arn, "enabled": True})


def crl(key: Any = CA_KEY, ends: dt.timedelta = dt.timedelta(days=1)) -> x509.CertificateRevocationList:
    builder = x509.CertificateRevocationListBuilder().issuer_name(ROOT.subject)
    return builder.last_update(NOW - dt.timedelta(days=9)).next_update(NOW + ends).sign(key, hashes.SHA256())


def after_its_next_update() -> object:
    world = World()
    imported(world, crl(ends=-dt.timedelta(days=1)))
    return refusal(lambda: world.create(certificate()))


def of_somebody_else() -> object:
    world = World()
    return refusal(lambda: imported(world, crl(key=KEY)))


def what_the_trust_policy_sees() -> object:
    world = World()
    world.create(certificate())
    return "aws:SourceAccount" in world.roles.context, "aws:SourceArn" in world.roles.context


def after_the_ca_was_renewed() -> object:
    present = [pem(ROOT)]
    service = RolesAnywhere(lambda _: present[0], lambda: ("000000000000", "us-east-1"))
    source = {"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": "arn"}}
    anchor = service.create_anchor({"name": "anchor", "source": source})
    renewed = certificate("Root", key=CA_KEY, usage=None, authority=True, ends=dt.timedelta(days=99))
    present[0] = pem(renewed)
    at_once = service.authorities(anchor) == [renewed]
    anchor.change({"source": source})
    return at_once, service.authorities(anchor) == [renewed]


def while_nobody_fetches_the_command() -> object:
    service = RunCommand(Settings(delivery_seconds=0), lambda: ("000000000000", "us-east-1"))
    seen: list[str] = []

    class Watched(Invocation):
        def __setattr__(self, key: str, value: object) -> None:
            if key == "status":
                seen.append(str(value))
            super().__setattr__(key, value)

    invocation = Watched("i-01234567")
    command = Command("id", None, 0, 0, "", 1, {}, {"i-01234567": invocation})  # type: ignore[arg-type]
    host = type("Host", (), {"id": "i-01234567"})
    service._never_delivered(command, host)  # type: ignore[arg-type]
    service.close()
    return seen


def of_a_script_that_is_killed() -> object:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "_script.sh")
        told = Path(folder, "told")
        script.write_text(f"#!/bin/sh\necho told >&2; echo told; touch '{told}'; exec sleep 60\n")
        script.chmod(0o700)
        stop = threading.Event()
        killer = threading.Thread(target=lambda: eventually(told.exists) and stop.set())
        killer.start()
        outcome = run(script, {}, 60, stop)
        killer.join()
    return outcome.stdout, outcome.stderr


def in_which_order() -> object:
    """Of a thousand items; that a shuffle leaves them in order does not happen."""
    return step_functions._in_some_order(lambda: list(range(1000)))() == list(range(1000))


WORLDS: dict[str, tuple[Asked, object, object]] = {
    "private-ca.revoker-object": (which_object_must_be_writable, ["crl/id.crl"], ["acm-pca-permission-test-key"]),
    "private-ca.crl-custom-path": (where_the_crl_lies, "lists", "crl"),
    "private-ca.crl-without-pointer": (when_the_first_crl_appears, (True, True), (False, True)),
    "roles-anywhere.clock": (two_minutes_off, "", "roles-anywhere.clock"),
    "roles-anywhere.extended-key-usage": (without_client_auth, "", "roles-anywhere.extended-key-usage"),
    "roles-anywhere.stale-crl": (after_its_next_update, "", "roles-anywhere.stale-crl"),
    "roles-anywhere.source-account": (what_the_trust_policy_sees, (True, True), (False, True)),
    "roles-anywhere.anchor-follows": (after_the_ca_was_renewed, (True, True), (False, True)),
    "roles-anywhere.crl-signed": (of_somebody_else, "roles-anywhere.crl-signed", ""),
    "run-command.delivery": (
        while_nobody_fetches_the_command,
        ["Pending", "Delayed", "TimedOut"],
        ["Pending", "TimedOut"],
    ),
    "run-command.killed-output": (of_a_script_that_is_killed, ("", ""), ("told\n", "told\n")),
    "workflow.map-order": (in_which_order, True, False),
}
"""Of each assumed rule what can be asked, the answer where it holds, and the other answer."""


@pytest.mark.parametrize("fact", ASSUMED, ids=lambda fact: fact.name)
def test_the_local_aws_gives_either_answer_to_what_is_assumed(fact: Fact) -> None:
    ask, usual, other = WORLDS[fact.name]
    assert ask() == usual
    LEDGER.answer_otherwise([fact.name])
    assert ask() == other
    assert LEDGER.leaned()[fact.name] > 1


def test_a_rule_is_documented_by_a_page_or_says_what_if_not() -> None:
    with pytest.raises(ValueError, match="source is no page"):
        Fact("test.one", "a rule", Evidence.DOCUMENTED, "everybody knows")
    with pytest.raises(ValueError, match="an assumed rule, and only one, has another answer"):
        Fact("test.two", "a rule", Evidence.ASSUMED, "nobody knows")
    with pytest.raises(ValueError, match="stands in the ledger twice"):
        Fact("workflow.year", "a rule", Evidence.DOCUMENTED, "https://docs.aws.amazon.com/")


def test_only_an_assumed_rule_is_answered_otherwise() -> None:
    with pytest.raises(ValueError, match=r"'workflow.year' is no assumed rule; allowed: all, private-ca"):
        assumptions("workflow.year")
    assert set(assumptions("all")) == {fact.name for fact in ASSUMED} == set(WORLDS)
    assert assumptions("") == ()


def test_the_page_lists_every_assumption_with_what_makes_it_safe() -> None:
    rows = "".join(f"| {fact.rule} (`{fact.name}`) | {fact.otherwise} | {fact.safe_by} |\n" for fact in ASSUMED)
    assert rows in PAGE.read_text(encoding="utf-8"), f"docs/rehearsal.md needs these rows:\n{rows}"


def test_a_purpose_that_is_client_authentication_satisfies_both_worlds() -> None:
    LEDGER.answer_otherwise(["roles-anywhere.extended-key-usage"])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name("i-01234567"))
        .issuer_name(ROOT.subject)
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + dt.timedelta(days=1))
        .add_extension(x509.KeyUsage(True, False, True, False, False, False, False, False, False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    assert refusal(lambda: check_end_entity(builder.sign(CA_KEY, hashes.SHA256()), NOW)) == ""
