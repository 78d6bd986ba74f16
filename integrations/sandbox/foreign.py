"""Commits by somebody else, straight to the branch: what a promotion has to live with."""

import re
from collections.abc import Mapping

from integrations.sandbox.git import GitServer

IMAGE_LINE = re.compile(r"^(?P<indent>[ -]*)(?:newTag|digest): *(?P<quote>['\"]?)[^\s'\"#]+(?P=quote)", re.MULTILINE)
TAG = re.compile(r"\w[\w.-]{0,127}")


async def write(git: GitServer, files: Mapping[str, str], message: str, author: str) -> str:
    """Whole files, path → content. The new commit's id. Raises ValueError for paths that git would not check out."""
    return await git.commit(content_of(files), message, author, f"{author.lower()}@example.com")


def content_of(files: Mapping[str, str]) -> dict[str, bytes | None]:
    """As a commit takes them. Raises ValueError for paths that git would not check out."""
    for path in files:
        if not path or "\n" in path or {"", ".", "..", ".git"} & set(path.split("/")):
            raise ValueError(f"files: {path!r} is no path within the repository")
    return {path: text.encode() for path, text in files.items()}


async def set_tag(git: GitServer, app: str, environment: str, tag: str, author: str) -> str:
    """Edits the first image of one overlay as a person would: its tag, or its digest, becomes this tag.

    The new commit's id. Raises ValueError for what is no tag, and for an overlay that is not there or names no image.
    """
    if not TAG.fullmatch(tag):
        raise ValueError(f"tag: {tag!r} is not one: expected something such as v1.4.0")
    path = f"apps/{app}/overlays/{environment}/kustomization.yaml"
    found = await git.read(path)
    if found is None:
        raise ValueError(f"there is no overlay {path}")
    edited, lines = IMAGE_LINE.subn(rf"\g<indent>newTag: \g<quote>{tag}\g<quote>", found.decode(), count=1)
    if not lines:
        raise ValueError(f"{path} names no image")
    return await write(git, {path: edited}, f"{app}: {tag} in {environment}, by hand", author)
