"""When are two names the same? As bytes, after one normalisation that can never make two people one.

An e-mail address is brought to NFC, and its ASCII letters to lower case: nothing else. Unicode's own lower-casing makes
"k" of the KELVIN SIGN and two characters of "İ", so it is not asked. The domain must be ASCII (an international one is
written with `xn--`). An address that holds what reads as something else (blanks, invisible, full-width and other
compatibility characters, a dot at the end of the domain) is nobody's: it is equal to nothing, not even to itself.

A user group is its id. A handle is a name for one, and can be renamed or taken over: one that looks like an id is none.
"""

import base64
import functools
import hashlib
import re
import string
import unicodedata

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_LOCAL = re.compile(r"[^@\s\"(),:;<>\[\]\\]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_GROUP_ID = re.compile(r"S[A-Z0-9]{2,}")
_HANDLE = re.compile(r"[^\s@A-Z]{1,80}")
LONGEST = 320
"""characters of an address, and of a group"""
REMEMBERED = 4096
"""names, for every decision compares the same few with each other"""


def address(text: str) -> str:
    """What an e-mail address is compared by; "" for one that is compared with nothing."""
    return _address(text) if len(text) <= LONGEST else ""


@functools.lru_cache(REMEMBERED)
def _address(text: str) -> str:
    if text.count("@") != 1:
        return ""
    if any(_misleading(character) for character in text):
        return ""
    local, _, domain = unicodedata.normalize("NFC", text).translate(_LOWER).partition("@")
    return f"{local}@{domain}" if _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) else ""


def same_address(one: str, other: str) -> bool:
    """Whether two e-mail addresses are one person's. Never for what is no address."""
    compared = address(one)
    return bool(compared) and compared == address(other)


def group(name: str) -> str:
    """What a user group is compared by: its id, or "@" and its handle; "" for what is compared with nothing.

    Without "@", what looks like an id is one. Behind "@" stands a handle, and none looks like an id.
    """
    return _group(name) if len(name) <= LONGEST else ""


@functools.lru_cache(REMEMBERED)
def _group(name: str) -> str:
    if _GROUP_ID.fullmatch(name):
        return name
    handle = name.removeprefix("@")
    if not _HANDLE.fullmatch(handle) or any(_misleading(character) for character in handle):
        return ""
    return f"@{unicodedata.normalize('NFC', handle)}"


def handle_of(handle: object) -> str:
    """A group's handle as the workspace tells it, if it can stand for the group; "" if not."""
    return handle if isinstance(handle, str) and group(handle).startswith("@") else ""


def _misleading(character: str) -> bool:
    """Whether a character is unseen, or is another one to those who read it loosely."""
    if character.isascii():
        return not character.isprintable() or character == " "
    kind = unicodedata.category(character)
    return (
        kind[0] in "CZ"
        or unicodedata.normalize("NFKC", character) != unicodedata.normalize("NFC", character)
        or (unicodedata.normalize("NFC", character).isascii())
    )


def promotion_id(request_id: str) -> str:
    """Short enough to type, derived from Slack's own request id: a repeated delivery plans the same promotion."""
    digest = hashlib.sha256(request_id.encode(errors="surrogatepass")).digest()
    return "p-" + base64.b32encode(digest[:5]).decode().lower()
