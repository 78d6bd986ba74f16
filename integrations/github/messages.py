"""Commit messages for GitHub, which sets the author itself (G4): the person becomes a co-author. Pure."""

import re
from dataclasses import replace
from datetime import UTC, datetime

from bot.domain.overlay import Author, Commit
from integrations.github import wire

CO_AUTHOR = "Co-authored-by"
_TRAILER = re.compile(r"[A-Za-z][A-Za-z0-9-]*: .+")
_PERSON = re.compile(r"(.*?) <([^<>]*)>")


def with_co_author(message: str, author: Author) -> str:
    """The trailer joins the last paragraph when that is of trailers."""
    name = "".join(c for c in author.name if c.isprintable() and c not in "<>").strip() or "unknown"
    email = "".join(c for c in author.email if c.isprintable() and c not in "<> ")
    text = message.strip("\n")
    paragraphs = text.split("\n\n")
    trailers = len(paragraphs) > 1 and all(map(_TRAILER.fullmatch, paragraphs[-1].splitlines()))
    return f"{text}{chr(10) if trailers else chr(10) * 2}{CO_AUTHOR}: {name} <{email}>"


def headline_and_body(message: str) -> dict[str, str]:
    headline, _, body = message.partition("\n")
    return {"headline": headline, "body": body.lstrip("\n")}


def commit(read: wire.GitHubCommit) -> Commit:
    """The author is the person: the co-author of what a bot committed."""
    author = read.commit.author or wire.GitSignature()
    committed = read.commit.committer or author
    found = Commit(
        read.sha,
        Author(author.name, author.email),
        read.commit.message.strip("\n"),
        committed.date or datetime.min.replace(tzinfo=UTC),
        read.html_url,
        tuple(parent.sha for parent in read.parents),
    )
    person = _PERSON.fullmatch(found.trailer(CO_AUTHOR))
    if person and read.author is not None and read.author.type == "Bot":
        return replace(found, author=Author(person[1], person[2]))
    return found
