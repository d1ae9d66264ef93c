"""The policy ``ON_KEY_COMPROMISE``, from the sample app's context to the CRL that IAM Roles Anywhere enforces."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cryptography import x509

from tests.cli.local_fleet import LocalFleet, local_fleet

pytestmark = [pytest.mark.long, pytest.mark.rehearsal]

HOSTS = 4  # in the CSV file; two more are not put into the inventory
_CRL_SECONDS = 600


def revoked(fleet: LocalFleet) -> dict[int, x509.ReasonFlags]:
    """What the CRL in force names, and why."""
    crls = fleet.aws.client("rolesanywhere").list_crls()["crls"]
    return {
        entry.serial_number: entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        for crl in crls
        for entry in x509.load_pem_x509_crl(crl["crlData"])
    }


def serials(fleet: LocalFleet) -> set[int]:
    return {int(row["serial"], 16) for row in fleet.rows()}


def run(fleet: LocalFleet, *options: str) -> None:
    done = fleet.command(["run", "--watch", "--yes", *options])
    assert done.returncode == 0, done.stdout


def test_a_re_issue_of_everything_revokes_what_it_replaces_unless_it_says_no(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with local_fleet(tmp_path, HOSTS + 2, {"revokeReplaced": "ON_KEY_COMPROMISE"}) as fleet:
        added = fleet.command(["hosts", "add", "--from-csv", str(fleet.csv)])
        assert added.returncode == 0, added.stdout
        fleet.settle()
        first = fleet.members[0].id
        issued = serials(fleet)
        run(fleet, first, "--force")
        issued |= serials(fleet)
        run(fleet, "--force", "--no-revoke-replaced")
        issued |= serials(fleet)
        assert len(issued) == HOSTS + 1 + HOSTS
        assert revoked(fleet) == {}
        run(fleet, "--force")
        deadline = time.monotonic() + _CRL_SECONDS
        while len(revoked(fleet)) < len(issued) and time.monotonic() < deadline:
            time.sleep(1)
        # Not the last ones alone: whatever a host holds that has not run out may be compromised.
        assert revoked(fleet) == dict.fromkeys(issued, x509.ReasonFlags.key_compromise)
        assert not issued & serials(fleet)
