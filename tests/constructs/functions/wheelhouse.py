"""Wheels, pins and an index of the tests' own: nothing is fetched from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ELF = {"aarch64": b"\x7fELF" + bytes(14) + b"\xb7\x00", "x86_64": b"\x7fELF" + bytes(14) + b"\x3e\x00"}
ARM = "cp314-cp314-manylinux_2_28_aarch64"


def wheel(
    folder: Path,
    name: str = "native",
    version: str = "1.0",
    tag: str = ARM,
    *,
    files: dict[str, bytes] | None = None,
    unrecorded: dict[str, bytes] | None = None,
    said_tag: str | None = None,
    requires: str = "",
) -> Path:
    """A wheel whose module says which one it is.

    Args:
        folder: gets it.
        name: of the distribution, and of its module.
        version: of the distribution.
        tag: in the file's name.
        files: beside the module, or in its place.
        unrecorded: in the archive, and in its record with another digest or not at all.
        said_tag: in its own metadata. Default: the tag.
        requires: another distribution that it asks for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + (
        f"Requires-Dist: {requires}\n" if requires else ""
    )
    held = {
        f"{name}.py": f"TAG = {tag!r}\n".encode(),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {said_tag or tag}\n".encode(),
        **(files or {}),
    }
    record = "".join(f"{path},sha256={_digest(content)},{len(content)}\n" for path, content in held.items())
    made = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in {**held, **(unrecorded or {})}.items():
            archive.writestr(zipfile.ZipInfo(path), content)
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), f"{record}{info}/RECORD,,\n")
    return made


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def pins(folder: Path, *wheels: Path) -> Path:
    """Requirements with the hashes of wheels."""
    lines: dict[str, list[str]] = {}
    for each in wheels:
        name, version, *_ = each.name.split("-")
        lines.setdefault(f"{name}=={version}", []).append(hashlib.sha256(each.read_bytes()).hexdigest())
    folder.mkdir(parents=True, exist_ok=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(
        "# why\n" + "".join(f"{pin} {' '.join(f'--hash=sha256:{each}' for each in sorted(found))}\n"
                            for pin, found in lines.items())
    )  # fmt: skip
    return requirements


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """The tests' output is not the index's."""


@contextmanager
def index(folder: Path) -> Iterator[str]:
    """A simple index of a folder of wheels. https://packaging.python.org/en/latest/specifications/simple-repository-api/"""
    for each in sorted(folder.glob("*.whl")):
        page = folder / "simple" / each.name.partition("-")[0].replace("_", "-") / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(each.read_bytes()).hexdigest()
        with page.open("a") as written:
            written.write(f'<a href="/{each.name}#sha256={digest}">{each.name}</a>\n')
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple"
        finally:
            server.shutdown()
            thread.join()
