"""Notifiers: what installed packages offer as `pilothouse.notifiers`, to tell others than Slack what happens.

A notifier has an address in the outbox, as a channel has: what it is to hear is written with its cause, and brought to
it afterwards, in order for each promotion, at least once. One that is slow or broken holds nothing else up.
"""

import asyncio
import inspect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from bot.domain.errors import PolicyError, Refused, Unavailable
from bot.ports import Rendered
from bot.runtime.imports import entry_points
from bot.runtime.injection import Injector, NotOffered, Offered
from bot.store.codec import dump, load
from bot.store.outbox import OutboxEntry

ENTRY_POINTS = "pilothouse.notifiers"
ADDRESS = "notifier:"
"""how the address of one begins; no channel of Slack is called so"""
LONGEST = 30.0
"""seconds that a notifier may take: less than a message's lease"""


@dataclass(frozen=True)
class Notice:
    """Something that happened, told to a notifier.

    `key` names this one happening. After a crash it may come twice, with the same key.
    """

    key: str
    event: str
    """as routes in the policy call it: started, waiting, done, failed, aborted, locked, frozen …"""
    apps: tuple[str, ...]
    environment: str
    subject: str
    """the promotion's id, or of something else a name: what has the same subject belongs together"""
    text: str
    """what channels read, as Slack's mrkdwn, without its layout: people are `<@U0BO>` in it, times `<!date^…>`"""


class Notifier(Protocol):
    """Raises Unavailable when it could not tell it now, and Refused when it never will."""

    name: ClassVar[str]

    async def tell(self, notice: Notice) -> None: ...


class Notifiers:
    """Raises PolicyError for two of one name."""

    def __init__(self, notifiers: Sequence[Notifier] = ()) -> None:
        self._by_address = {f"{ADDRESS}{one.name}": one for one in notifiers}
        if twice := [name for name, times in Counter(one.name for one in notifiers).items() if times > 1]:
            raise PolicyError(f"two packages offer a notifier named {twice[0]!r}: remove one of them")

    def entries(self, entry: OutboxEntry) -> Iterator[OutboxEntry]:
        """The same for each notifier. What the outbox keeps as its message is the notice."""
        notice = Notice(entry.key, entry.event, entry.apps, entry.environment, entry.promotion, entry.message.text)
        kept = Rendered(dump(notice))
        yield from (replace(entry, channel=address, message=kept) for address in self._by_address)

    def __contains__(self, channel: str) -> bool:
        """Whether it is the address of a notifier, of a package that is still installed or of one that was."""
        return channel.startswith(ADDRESS)

    async def tell(self, entry: OutboxEntry) -> None:
        """Raises IntegrationError, and what the notifier raises."""
        notifier = self._by_address.get(entry.channel)
        name = entry.channel.removeprefix(ADDRESS)
        if notifier is None:
            raise Refused(name, "tell it", "its package is no longer installed")
        try:
            async with asyncio.timeout(LONGEST):
                await notifier.tell(load(entry.message.text, Notice))
        except TimeoutError:
            raise Unavailable(name, "tell it", f"no answer within {LONGEST:g} seconds") from None


NONE = Notifiers()


def load_notifiers(offered: Offered) -> Notifiers:
    """Those of installed packages, each handed what its constructor asks for.

    Raises PolicyError when a package offers something that is no notifier, or that asks for what nobody offers.
    """
    injector = Injector(offered)
    return Notifiers([_made(entry.load(), entry.value, injector) for entry in entry_points(group=ENTRY_POINTS)])


def _made(kind: object, origin: str, offered: Injector) -> Notifier:
    tells = inspect.iscoroutinefunction(getattr(kind, "tell", None))
    if not (isinstance(kind, type) and tells and isinstance(getattr(kind, "name", None), str)):
        raise PolicyError(f"{origin} is offered as a notifier, but is not a class with `name` and `async tell`: "
                          "fix or remove its package")  # fmt: skip
    try:
        made: Notifier = offered.make(kind)
    except NotOffered as error:
        raise PolicyError(f"the notifier {error}: fix or remove its package") from error
    return made
