"""Where the refs of a repository are, as its files say: a process for that would be most of what its host runs."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_PLAIN = re.compile(r"refs/[^\x00-\x20~^:?*\[\\@]+")
"""a whole name, without what makes git work something out from it (gitrevisions)"""
_ID = re.compile(r"[0-9a-f]{40}")
_SYMBOLIC = "ref: "


def refs(repository: Path, prefix: str = "refs/") -> dict[str, str]:
    """Id of the object that each one names, an annotated tag's own, and for a symbolic one what the other names.

    `prefix`: a directory of them. Empty where there is no repository.
    """
    loose = dict(_loose(repository))  # first: one that is packed meanwhile is found among the packed
    written = {**dict(_packed(repository)), **loose}
    found = {name: written.get(said.removeprefix(_SYMBOLIC), said) for name, said in written.items()}
    return {name: found[name] for name in sorted(found) if name.startswith(prefix) and _ID.fullmatch(found[name])}


def named(revision: str, known: Mapping[str, str]) -> str | None:
    """The commit of a branch that is named in full; "" where nothing of a full name is there; None: git must say."""
    if not _PLAIN.fullmatch(revision):
        return None
    sha = known.get(revision, "")
    return sha if not sha or revision.startswith("refs/heads/") else None


def _packed(repository: Path) -> Iterator[tuple[str, str]]:
    """gitrepository-layout: a line for each, and one that begins with ^ for what a tag before it leads to."""
    try:
        lines = (repository / "packed-refs").read_text(errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        sha, _, name = line.partition(" ")
        if _ID.fullmatch(sha):
            yield name, sha


def _loose(repository: Path) -> Iterator[tuple[str, str]]:
    """Each in a file of its own, which holds an id, or "ref: " and the name of another one."""
    for directory, _, files in os.walk(repository / "refs"):
        for file in files:
            if file.endswith(".lock"):  # what one is about to be
                continue
            try:
                said = Path(directory, file).read_text(errors="surrogateescape").strip()
            except FileNotFoundError:  # it goes just now
                continue
            yield f"{Path(directory).relative_to(repository)}/{file}", said
