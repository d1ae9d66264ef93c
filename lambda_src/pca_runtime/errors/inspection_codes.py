"""Codes of what ``hosts show --live`` finds on a host; those that a renewal says too stand with the host's."""

from __future__ import annotations

from pca_runtime.errors.entry import CatalogueEntry

__all__ = ["INSPECTION_CODES"]


def _found(code: str, meaning: str, remedy: str) -> CatalogueEntry:
    return CatalogueEntry(code, "inspection", "InspectCertificate", meaning, remedy)


_FORCE = "a new pair comes with: `pca-automator run <id> --force --watch`"

INSPECTION_CODES = (
    _found(
        "NOTHING_SHOWN",
        "There is neither a certificate nor a key at the public paths of the host.",
        f"It was never renewed, was retired, or somebody removed them: {_FORCE}",
    ),
    _found(
        "CERTIFICATE_UNREADABLE",
        "The file at the public path of the certificate is no certificate that openssl can read.",
        f"Look who wrote it (ls -l); {_FORCE}",
    ),
    _found(
        "NOT_OUR_LINK",
        "A public path is a file or a link of somebody else, not the link of this system.",
        f"Find the tool that writes it (another renewal, configuration management) and stop it; {_FORCE}",
    ),
    _found(
        "KEY_READABLE_BY_OTHERS",
        "The mode of the private key lets users other than its owner and group have it.",
        "Treat the key as known: chmod o= the file, `pca-automator revoke <id> --reason KEY_COMPROMISE` and "
        "run the host again with --force.",
    ),
    _found(
        "HOOKS_NOT_FINISHED",
        "The live pair was switched in, and the host was interrupted before its post-install hooks had all ended.",
        "Programs may still hold the former pair: reload them, or: `pca-automator run <id> --force --watch`",
    ),
    _found(
        "HOOKS_SKIPPED",
        "Files in the hooks directory are not run: not executable, on a file system mounted noexec, or oddly named.",
        "chmod 755 what shall run, rename it (letters, digits, _ . -), and move everything else away; they are named "
        "by: `pca-automator hosts show <id> --live`",
    ),
    _found(
        "FILE_MOUNT_PINNED",
        "A single file or version of the store is mounted into a container or chroot, and shows there what it is now.",
        "Mount the directories instead, store and links, and restart the container; how stands in: "
        "`pca-automator docs hosts`",
    ),
    _found(
        "OTHER_HOSTS_KEY",
        "The store holds keys of another host: this machine is a copy of it, or was registered anew.",
        "Treat that host's key as known: revoke and renew it. From this machine it is removed by: "
        "`pca-automator hosts remove-copies <id>`",
    ),
    _found(
        "HELPER_GONE",
        "aws_signing_helper has proven certificates of the host before, and is gone: they go live unproven.",
        "Install it again, or deploy with a validation policy of NEVER if that is meant. Then: "
        "`pca-automator run <id> --force --watch`",
    ),
    _found(
        "NOT_THE_CERTIFICATE_OF_THE_INVENTORY",
        "The certificate on the host is not the one that the inventory says was put there last.",
        f"The host was restored from a backup, or the table was. If the pair is good it may stay; {_FORCE}",
    ),
)
