"""Single functions of a document, called by themselves: a table of answers costs no more than one whole run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pca_automator.ssm_documents import script, shell_files
from tests.documents.agent import Outcome
from tests.documents.host import Host

FOLDER = Path(__file__).parents[2] / "pca_automator" / "ssm_documents" / "shell"
GIVEN = {
    "GenerateCsr": {"requestId": "0" * 32},
    "InstallCertificate": {"requestId": "0" * 32, "certificate": "A", "chain": "A"},
}


def say(host: Host, name: str, lines: Iterable[str], edit: Callable[[str], str] = str) -> Outcome:
    """Run lines of shell in place of a document's last one, which calls ``main``.

    Args:
        host: where; its parameters are set.
        name: of the document, as which files its functions come from.
        lines: what is run, after all functions of the document have been read.
        edit: changes their text.
    """
    sealed = [line for line in script(name).splitlines() if line.startswith("SEALED_")]
    *files, last = [(FOLDER / file).read_text(encoding="utf-8") for file in shell_files(name)]
    last, _, call = last.rstrip().rpartition("\n")
    assert call == "main", call
    host.keyword["text"] = "\n".join([*sealed, *map(edit, [*files, last]), *lines, ""])
    outcome = host.run(name, **GIVEN.get(name, {}))
    del host.keyword["text"]
    return outcome


def answers(
    host: Host,
    name: str,
    calls: Sequence[Sequence[str]],
    before: Sequence[str] = (),
    edit: Callable[[str], str] = str,
) -> list[str]:
    """What each call says, or "yes" or "no" where it only ends well or badly; ``CODE`` where it ends the document.

    Args:
        host: where.
        name: of the document.
        calls: a function and its arguments, each a word.
        before: lines that each of the calls needs.
        edit: changes the text of the functions.
    """
    lines = []
    for call in calls:
        words = shlex.join(call)
        lines += [f"( {'; '.join(before) or ':'}; {words} ) && echo '<yes>' || echo '<no>'"]
    said = say(host, name, ["clean_up() { :; }", "trap - EXIT", *lines], edit).stdout
    found = []
    for part, end in zip(*[iter(_parts(said))] * 2, strict=True):
        words = part.strip()
        code = words.split()[1] if words.startswith("PCA_ERROR ") else ""
        found.append(code or words or end)
    return found


def _parts(said: str) -> list[str]:
    rest, found = said, []
    while rest.strip():
        place = min(place for place in (rest.find("<yes>"), rest.find("<no>")) if place >= 0)
        end = "yes" if rest[place:].startswith("<yes>") else "no"
        found += [rest[:place], end]
        rest = rest[place + len(end) + 2 :]
    return found
