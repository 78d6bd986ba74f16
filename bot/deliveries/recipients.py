"""Who is to hear of each piece of news, from what Slack answers by now.

What is asked is who a person is, each question once for all news. One that is slow or fails keeps nobody else from
hearing: the others are told, and that person follows when Slack answers.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import filterfalse
from typing import Generic, TypeVar

from bot.deliveries.authors import Authors
from bot.deliveries.journey_service import JourneyService
from bot.deliveries.lookups import Lookups
from bot.domain import slack_id
from bot.domain.caller import Caller, Target
from bot.domain.delivery import News
from bot.domain.event import Event
from bot.notify.audience import Audience, Listeners, of_change, told_to_the_author
from bot.notify.channels import ChannelIds
from bot.policy import Policy
from bot.store.delivery_news import Noted

ASKED_SECONDS = 86_400.0
"""for which Slack is asked who is to hear of a piece of news"""
FRESH_SECONDS = 30.0
"""for which an answer is kept while another one is waited for; a question takes 20 s at most"""

A = TypeVar("A")


@dataclass(frozen=True)
class Recipients:
    """`complete`: nobody else is to be asked; `told` names the author, where Slack knows them."""

    noted: Noted
    told: News
    channels: tuple[str, ...]
    complete: bool = True


class FreshAnswers(Generic[A]):
    """Of questions that are asked side by side; an answer is kept while it is fresh and `forget` does not drop it."""

    def __init__(self, ready: asyncio.Event, clock: Callable[[], float]) -> None:
        self.lookups: Lookups[str, A] = Lookups(ready, clock)
        self._clock = clock
        self._known: dict[str, tuple[float, A]] = {}

    async def known(self, asks: Mapping[str, Callable[[], Coroutine[object, object, A]]]) -> dict[str, A]:
        """Those that are known by now; `asks` holds all that anybody still wants to know. Raises DatabaseAway."""
        now = self._clock()
        self._known = {key: known for key, known in self._known.items() if now - known[0] < FRESH_SECONDS}
        new = await self.lookups.answers({key: ask for key, ask in asks.items() if key not in self._known})
        self._known |= {key: (now, answer) for key, answer in new.items()}
        return {key: known[1] for key, known in self._known.items() if key in asks}

    def forget(self) -> None:
        self._known.clear()


@dataclass(frozen=True)
class _Questions:
    """What has to be known for some news."""

    people: dict[str, Callable[[], Coroutine[object, object, Caller | None]]] = field(default_factory=dict)
    """by id, and authors by their address"""
    names: dict[str, Callable[[], Coroutine[object, object, str]]] = field(default_factory=dict)
    """of channels, as annotations call them"""


class RecipientService:
    """`added` is set when a slow answer is there; `clock` counts seconds since the epoch."""

    def __init__(
        self,
        policy: Policy,
        authors: Authors,
        channels: ChannelIds,
        journeys: JourneyService,
        listeners: Listeners,
        added: asyncio.Event,
        clock: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._authors = authors
        self._channels = channels
        self._journeys = journeys
        self._listeners = listeners
        self._clock = clock
        self._pushes: FreshAnswers[News] = FreshAnswers(added, clock)
        self._people: FreshAnswers[Caller | None] = FreshAnswers(added, clock)
        self._names: FreshAnswers[str] = FreshAnswers(added, clock)
        self._open: set[int] = set()
        """the news of the round before"""
        self._partly: dict[str, Recipients] = {}
        """what has been told to some, and is still asked about"""

    @property
    def _all(self) -> tuple[FreshAnswers[News], FreshAnswers[Caller | None], FreshAnswers[str]]:
        return self._pushes, self._people, self._names

    async def close(self) -> None:
        await asyncio.gather(*(one.lookups.close() for one in self._all))

    async def of(self, new: Sequence[Noted]) -> list[Recipients]:
        """Who is known by now, of what there is something new to say; the rest follows in a later round."""
        audience = await self._listeners.now(self._clock())
        journeys = [one for one in new if one.news.event is Event.JOURNEY]
        pushes = await self._pushes.known({_key(one): partial(self._journeys.authored, one.news) for one in journeys})
        asked = [(one, pushes.get(_key(one), one.news)) for one in new]
        questions, fresh = _Questions(), _Questions()
        for noted, told in asked:
            self._ask(told, audience, questions if noted.id in self._open else fresh)
        self._people.lookups.hasten(fresh.people)
        self._names.lookups.hasten(fresh.names)
        questions.people.update(fresh.people)
        questions.names.update(fresh.names)
        self._open = {noted.id for noted in new}
        people, names = await asyncio.gather(self._people.known(questions.people), self._names.known(questions.names))
        found: list[Recipients] = []
        for noted, told in asked:
            one = self._recipients(noted, told, audience, people, names)
            waits = noted.news.event is Event.JOURNEY and _key(noted) not in pushes
            late = self._clock() - noted.noted_at > ASKED_SECONDS
            found.append(replace(one, complete=late or (one.complete and not waits)))
        if all(one.complete for one in found):
            for answers in self._all:  # they are kept only while others are waited for
                answers.forget()
        self._partly = {key: self._partly[key] for one in found if (key := _key(one.noted)) in self._partly}
        return [one for one in found if one.complete or self._partly.get(_key(one.noted)) != one]

    def noted(self, told: Sequence[Recipients]) -> None:
        """They are on record now: only what comes on top of that is said again."""
        self._partly |= {_key(one.noted): one for one in told if not one.complete}

    def _ask(self, news: News, audience: Audience, questions: _Questions) -> None:
        if news.email:
            questions.people[_mail(news)] = partial(self._authors.who, news.email)
        for person in audience.deciding(news):
            questions.people[person] = partial(self._listeners.who, person)
        for name in filterfalse(_is_id, audience.listeners(news)):
            questions.names[name] = partial(self._channels.find, name)

    def _recipients(
        self,
        noted: Noted,
        news: News,
        audience: Audience,
        people: Mapping[str, Caller | None],
        names: Mapping[str, str],
    ) -> Recipients:
        author = (
            self._authors.allowed(people.get(_mail(news)), Target(news.app, news.environment)) if news.email else ""
        )
        told = replace(news, user=author) if author else news
        channels = [self._channels.of(channel) for channel in of_change(self._policy, told)]
        if told.user and told_to_the_author(self._policy, told):
            channels.append(told.user)
        elsewhere = {self._channels.of(each) for each in told.heard}
        listeners = audience.of(told, people)
        named = [self._channels.of(one) if _is_id(one) else names.get(one, "") for one in listeners]
        channels += [where for where in named if where and where not in elsewhere]
        unknown = (bool(news.email) and _mail(news) not in people) or not all(named)
        complete = not (unknown or audience.unknown(told, people))
        return Recipients(noted, told, tuple(dict.fromkeys(audience.awake(channels, told, people))), complete)


def _is_id(listener: str) -> bool:
    return slack_id.is_user(listener) or slack_id.is_conversation(listener)


def _mail(news: News) -> str:
    return f"mailto:{news.email}"


def _key(noted: Noted) -> str:
    return f"{noted.id}:{noted.version}"
