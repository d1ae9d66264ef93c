"""Lists every difference between two folders of synthesized templates: ``python tests/differences.py BEFORE AFTER``.

For whoever moves or renames what synthesis runs through: synthesize the app and the examples before and after, each
with ``cdk synth --output FOLDER/<name>``, and read what has become different. What only says which content an asset
has is named as such. Ends with 1 where there is any other difference.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ASSET = "<asset>"
_ASSET_HASH = re.compile(r"[0-9a-f]{64}")


def folders(before: Path, after: Path) -> Iterator[str]:
    """A line for each difference between the templates of two folders, of whatever depth.

    Raises:
        ValueError: a folder has no template.
    """
    old, new = _templates(before), _templates(after)
    for name in sorted(old.keys() - new.keys()):
        yield f"{name}: is gone"
    for name in sorted(new.keys() - old.keys()):
        yield f"{name}: is new"
    for name in sorted(old.keys() & new.keys()):
        for line in differences(old[name], new[name]):
            yield f"{name}: {line}"


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """A line for each difference between two values of JSON, by its path."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            below = f"{path}/{key}"
            if key not in after:
                yield f"{below}: is gone, was {_short(before[key])}"
            elif key not in before:
                yield f"{below}: is new, {_short(after[key])}"
            else:
                yield from differences(before[key], after[key], below)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}/{index}")
    elif before != after:
        kind = f"{ASSET} " if _without_hashes(before) == _without_hashes(after) else ""
        yield f"{path}: {kind}was {_short(before)}, is {_short(after)}"


def is_of_an_asset(line: str) -> bool:
    """Whether a difference only says that an asset has other content."""
    return f": {ASSET} was " in line


def _templates(folder: Path) -> dict[str, Any]:
    found = {
        str(path.relative_to(folder)): json.loads(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.template.json")
    }
    if not found:
        raise ValueError(f"{folder} has no *.template.json: give the --output of cdk synth")
    return found


def _without_hashes(value: Any) -> Any:
    return _ASSET_HASH.sub(ASSET, value) if isinstance(value, str) else value


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def main(before: str, after: str) -> int:
    lines = list(folders(Path(before), Path(after)))
    for line in lines:
        print(line)
    return int(not all(is_of_an_asset(line) for line in lines))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
