"""The items of a long JSON list, one by one: to tell ten thousand apart in one go holds the event loop up.

This is no parser of JSON. What looks like the end of an item is believed when all before it decodes as one, which no
part of an item does; and what is left in the end is decoded as the list that it is. So nothing is left out.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import msgspec

from integrations.argocd import wire
from integrations.http import Answer
from integrations.http.answer import decode

T = TypeVar("T")
BEGINNING = re.compile(rb'"items"\s*:\s*\[(?=\s*\{\s*("(?:[^"\\]|\\.)*"))')
"""of the list, and the first key of its first item"""
HEAD = 65_536
"""bytes in which the list begins"""
TRIES = 8
"""at the end of one item; then the rest is decoded in one go"""


def items(answer: Answer, model: type[T]) -> Iterator[T]:
    """Of a list in Kubernetes' form. Raises Refused, perhaps after some of them, where it is none."""
    begun = BEGINNING.search(answer.body, 0, HEAD)
    start = head = begun.end() if begun else 0
    for item, after in _apart(answer.body, start, begun[1], model) if begun else ():
        start = after
        yield item
    rest = answer.body[:head] + answer.body[start:]
    del begun  # the body is large, and the match holds it
    listed = replace(answer, body=rest).decode(wire.RawList)
    for raw in listed.items or ():
        yield decode(raw, model, answer.system, answer.operation)


def _apart(body: bytes, start: int, key: bytes, model: type[T]) -> Iterator[tuple[T, int]]:
    """Each item but the last, and where the next one begins; until one cannot be told apart."""
    end = re.compile(rb"\}\s*,(?=\s*\{\s*%s\s*:)" % re.escape(key))
    whole, tries = memoryview(body), 0
    for found in end.finditer(body, start):
        try:
            item = msgspec.json.decode(whole[start : found.start() + 1], type=model)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            tries += 1  # the end of something inside it, or it is not what was expected
            if tries == TRIES:
                return
            continue
        start, tries = found.end(), 0
        yield item, start
