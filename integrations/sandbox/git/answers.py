"""What git has answered, kept: a server keeps such answers too, and here each of them takes one to three processes.

What names commits and trees by their whole ids never changes. What names refs is the same until one moves.
"""

import os
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

A = TypeVar("A")
MOST = 1000
LARGEST = 1 << 16
"""bytes of an answer that is kept"""
_COMMANDS = frozenset({"cat-file", "diff", "log", "ls-tree", "merge-base", "rev-list", "rev-parse"})
_ID = "[0-9a-f]{40}"
_BY_ID = re.compile(rf"{_ID}(\.\.\.?{_ID}|:.+|\^\{{commit\}})?|blob", re.DOTALL)
_BY_NAME = ("--all", "--branches", "--glob", "--remotes", "--stdin", "--tags")
_LS_REFS = b"0014command=ls-refs\n", b"0013command=ls-refs"
"""how such a request begins (gitprotocol-v2); the end of the line is optional"""

State = tuple[tuple[str, int, int, int], ...]
"""of refs: file, inode, time and size of each"""
ANY: State = ()


class Answers(Generic[A]):
    """The newest of one repository, by question. What failed is asked again: it may be pushed yet."""

    def __init__(self, size: Callable[[A], int]) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, tuple[State, A]] = OrderedDict()

    async def of(self, question: Hashable, state: State, ask: Callable[[], Awaitable[A]]) -> A:
        """`state`: the one in which the answer holds, read before; `ANY` for one that always does.

        Raises what `ask` raises.
        """
        if question in self._kept and self._kept[question][0] == state:
            self._kept.move_to_end(question)
            return self._kept[question][1]
        answer = await ask()
        if self._size(answer) <= LARGEST:
            self._kept[question] = (state, answer)
            self._kept.move_to_end(question)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return answer


def lasts(arguments: tuple[str, ...]) -> bool:
    """Whether nothing in a command is a name that may mean something else tomorrow."""
    command, *rest = arguments
    before_paths = rest[: rest.index("--")] if "--" in rest else rest
    named = [word for word in before_paths if not word.startswith("-")]
    return (
        command in _COMMANDS
        and any(word != "blob" for word in named)
        and all(_BY_ID.fullmatch(word) for word in named)
        and not any(word.startswith(_BY_NAME) for word in before_paths)
    )


def about_refs(method: str, path: str, body: bytes) -> bool:
    """Whether a whole request over HTTP asks where refs are, and nothing else."""
    if method == "GET":
        return path.endswith("/info/refs")
    return method == "POST" and path.endswith("/git-upload-pack") and body.startswith(_LS_REFS)


def state(repository: Path) -> State:
    """git writes a ref, and its settings, as a new file that takes the place of the old one."""
    return tuple(sorted(_files(repository)))


def _files(repository: Path) -> Iterator[tuple[str, int, int, int]]:
    for name in ("HEAD", "config", "packed-refs"):
        yield from _one(f"{repository}/{name}")
    for directory, _, names in os.walk(repository / "refs"):
        for name in names:
            yield from _one(f"{directory}/{name}")


def _one(file: str) -> Iterator[tuple[str, int, int, int]]:
    try:
        found = os.stat(file)  # noqa: PTH116 (a hundred of them for each question)
    except FileNotFoundError:
        return
    yield file, found.st_ino, found.st_mtime_ns, found.st_size
