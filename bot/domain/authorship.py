"""Who wrote a change, as far as addresses can tell people apart. Pure.

An address in a commit is what its maker typed. So it speaks for somebody only where it is plainly of the same kind as
the address that Slack has confirmed: everybody else cannot be told apart, and who cannot be told apart may not approve.
"""

import re
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from types import MappingProxyType

from bot.domain import identity
from bot.domain.caller import Person
from bot.domain.overlay import Commit

_CO_AUTHOR = re.compile(r"^\s*Co-authored-by\s*:(.*)$", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"<([^<>]*)>")
_NOBODYS = re.compile(r"(^|[.+_-])(no-?reply|do-?not-?reply)([.+_-]|$)")
_GOOGLE = ("gmail.com", "googlemail.com")


People = Mapping[str, tuple[str, ...]]
"""address in Slack → the other addresses that its owner commits with, as policy says"""
NOBODY: People = MappingProxyType({})


class AddressMatch(Enum):
    """What two addresses say of the people behind them."""

    SAME = auto()
    OTHER = auto()
    UNKNOWN = auto()


def authors_of(commits: Iterable[Commit]) -> tuple[str, ...]:
    """Addresses of whoever wrote the newest commit, co-authors included; () where it is not known. Newest first.

    A merge is by who merged: then the newest commit that it brings counts as well.
    """
    listed = list(commits)
    if not listed:
        return ()
    counting = [listed[0]]
    if len(listed[0].parents) > 1:
        counting += [one for one in listed if len(one.parents) < 2][:1]
    return tuple(dict.fromkeys(address for commit in counting for address in _writers(commit)))


def _writers(commit: Commit) -> list[str]:
    """ "" for a co-author without an address."""
    named = [_ADDRESS.search(line) for line in _CO_AUTHOR.findall(commit.message)]
    return [commit.author.email, *(found[1] if found else "" for found in named)]


def told_apart(author: str, person: str, people: People = NOBODY) -> AddressMatch:
    """`author`: address in a commit. `person`: address that Slack has confirmed.

    Two whom `people` names are told apart by that; an address that it names counts as its owner's.
    """
    owners = [owner_of(address, people) for address in (author, person)]
    wrote, asks = (_normal(owner or address) for owner, address in zip(owners, (author, person), strict=True))
    if not wrote or not asks:
        return AddressMatch.UNKNOWN
    if wrote == asks:
        return AddressMatch.SAME
    return AddressMatch.OTHER if all(owners) or wrote[1] == asks[1] else AddressMatch.UNKNOWN


def owner_of(address: str, people: People) -> str:
    """The person under whom an address stands, "" for none."""
    wanted = mailbox(address)
    mine = (owner for owner, others in people.items() if wanted in map(mailbox, (owner, *others)))
    return next(mine, "") if wanted else ""


def mailbox(address: str) -> str:
    """What two spellings of one mailbox have in common; "" for what is nobody's own (`noreply@…`, no address)."""
    if normal := _normal(address):
        return "@".join(normal)
    known = identity.address(address)
    return "" if _NOBODYS.search(known.partition("@")[0]) else known


def same_person(one: Person, other: Person, people: People = NOBODY) -> bool:
    """Whether two accounts are of one person, as far as their addresses and the policy's `people` tell."""
    return one.id == other.id or told_apart(one.email, other.email, people) is AddressMatch.SAME


def _normal(address: str) -> tuple[str, str] | None:
    """(mailbox, domain) without what mail servers leave out of account; None for what is nobody's mailbox."""
    mailbox, _, domain = identity.address(address).partition("@")
    mailbox = mailbox.partition("+")[0]
    if not mailbox or not mailbox.isascii() or "." not in domain:
        return None
    if _NOBODYS.search(mailbox) or _NOBODYS.search(domain) or domain.endswith((".invalid", ".local", ".localdomain")):
        return None
    if domain in _GOOGLE:
        return mailbox.replace(".", ""), _GOOGLE[0]
    return mailbox, domain
