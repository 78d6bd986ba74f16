"""What git says of commits and trees that are named by their whole ids never changes: it is asked once.

A server keeps such answers, too; and a process for each of them is most of what a compare in this one would cost.
"""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable

MOST = 1000
LARGEST = 1 << 16
"""bytes of an answer that is kept"""
_COMMANDS = frozenset({"cat-file", "diff", "log", "ls-tree", "merge-base", "rev-list", "rev-parse"})
_ID = "[0-9a-f]{40}"
_BY_ID = re.compile(rf"{_ID}(\.\.\.?{_ID}|:.+|\^\{{commit\}})?|blob", re.DOTALL)
_BY_NAME = ("--all", "--branches", "--glob", "--remotes", "--stdin", "--tags")

Ask = Callable[[], Awaitable[bytes]]


class LastingAnswers:
    """The newest of one repository, by the whole command. What failed is asked again: it may be pushed yet."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], bytes] = OrderedDict()

    async def of(self, arguments: tuple[str, ...], ask: Ask) -> bytes:
        """The answer of git to these arguments; raises what `ask` raises."""
        if not lasts(arguments):
            return await ask()
        if arguments in self._kept:
            self._kept.move_to_end(arguments)
            return self._kept[arguments]
        answer = await ask()
        if len(answer) <= LARGEST:
            self._kept[arguments] = answer
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
