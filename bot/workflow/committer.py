"""The commit: exactly the lines that were approved, once, on top of whatever the branch is by then."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.caller import Person
from bot.domain.errors import DigestMismatch, HeadMoved, NotFound, Unavailable
from bot.domain.overlay import Author, Change, Commit, OverlayImage
from bot.domain.promotion import Kind, Move, Promotion
from bot.kustomization import read_images, set_image
from bot.ports import OverlaySource, OverlayWriter, Registry

TRIES = 40
"""Times that a moved head is read again within one step; other writers are many, but each push takes a second."""


@dataclass(frozen=True)
class Moved:
    """A line no longer shows what the approvers saw."""

    app: str
    now: str
    by: str
    commit: str

    @property
    def sentence(self) -> str:
        who = f" by {self.by} ({self.commit})" if self.by else ""
        return (
            f"The overlay of {self.app} was changed{who} and now shows {self.now}: the approvals do not hold for that."
        )


class Committer:
    """Raises IntegrationError when the remote or the registry cannot be asked, DigestMismatch when a tag was moved."""

    def __init__(self, source: OverlaySource, writer: OverlayWriter, registry: Registry) -> None:
        self._source = source
        self._writer = writer
        self._registry = registry
        # Side by side they would only overtake each other: of 100, none landed while somebody else pushed as well.
        self._alone = asyncio.Lock()

    async def commit(self, promotion: Promotion) -> Commit | Moved:
        """Safe to repeat: a commit that carries this promotion's id is found again instead of made twice."""
        if done := await self.find(promotion):
            return done
        await self._check_digests(promotion.moves)
        async with self._alone:
            return await self._write(promotion)

    async def _write(self, promotion: Promotion) -> Commit | Moved:
        plan = promotion.plan
        for attempt in range(TRIES):
            head = await self._source.head()
            contents = await self._source.read([move.overlay for move in promotion.moves], head)
            if moved := await self.moved(promotion.moves, contents):
                # A replica that was taken for dead may have been the one that moved it.
                return await self.find(promotion) or moved
            change = Change(edited(promotion.moves, contents), message(promotion), author(plan.requester))
            try:
                return await self._writer.commit(change, head)
            except HeadMoved:
                await asyncio.sleep(random.uniform(0, min(0.02 * 2**attempt, 0.5)))  # noqa: S311 (not a secret)
            except Unavailable:
                # The push may have arrived all the same: look before telling.
                if done := await self.find(promotion):
                    return done
                raise
        raise Unavailable("git", "commit", f"the branch moved {TRIES} times while the commit was being made")

    async def overtaken(self, promotion: Promotion) -> Moved | None:
        """What somebody has changed by now of the lines that people were shown."""
        head = await self._source.head()
        contents = await self._source.read([move.overlay for move in promotion.moves], head)
        return await self.moved(promotion.moves, contents)

    async def find(self, promotion: Promotion) -> Commit | None:
        """The commit that was made for this promotion already."""
        return await self._writer.find("Promotion-Id", promotion.id, promotion.plan.seen_commit)

    async def _check_digests(self, moves: tuple[Move, ...]) -> None:
        """An entry that pins a tag runs whatever the tag means: it must still mean what was approved."""
        await asyncio.gather(*(self._check_digest(move) for move in moves if _pins_tag(move)))

    async def _check_digest(self, move: Move) -> None:
        try:
            artifact = await self._registry.artifact(move.after.repository, move.after.tag)
        except NotFound as error:
            raise DigestMismatch(f"{move.after.repository}:{move.after.tag} is no longer in the registry") from error
        if artifact.image.digest != move.after.digest:
            raise DigestMismatch(
                f"{move.after.repository}:{move.after.tag} was {move.after.digest} when it was approved and is "
                f"{artifact.image.digest} now"
            )

    async def moved(self, moves: tuple[Move, ...], contents: Mapping[str, bytes]) -> Moved | None:
        for move in moves:
            now = _entry(contents.get(move.overlay), move)
            if now is None or _image(now) != _image(move.before):
                last = await self._source.history(move.overlay, 1)
                by, commit = (last[0].author.name, last[0].short) if last else ("", "")
                shown = "no such image" if now is None else now.label
                if now and now.repository != move.before.repository:
                    shown = f"{now.repository} {shown}"
                return Moved(move.app, shown, by, commit)
        return None


def edited(moves: tuple[Move, ...], contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files with every move made."""
    files: dict[str, bytes] = dict(contents)
    for move in moves:
        files[move.overlay] = set_image(files[move.overlay], move.overlay, move.name, move.after)
    return files


def message(promotion: Promotion) -> str:
    """Headline, why, and trailers that say who, what and from where."""
    plan = promotion.plan
    verb = "roll back to" if plan.kind is Kind.ROLLBACK else "promote"
    single, *more = promotion.moves
    if not more:
        headline = f"{single.app}: {verb} {single.after.label} in {plan.environment}"
    else:
        headline = f"{verb} {', '.join(apps_of(promotion))} in {plan.environment}"
    body = [f"- {move.app}: {move.label_before} -> {move.after.label}" for move in promotion.moves]
    if plan.reason:
        body.append(f"\n{_one_line(plan.reason)}")
    trailers = [("Promotion-Id", plan.id), ("Promoted-By", _signed(plan.requester))]
    trailers += [("Approved-By", _signed(approval.approver)) for approval in promotion.approvals]
    trailers += [("On-Behalf-Of", _signed(person)) for approval in promotion.approvals for person in approval.behalf]
    trailers += [("Image", f"{move.after.repository}@{move.after.digest}") for move in promotion.moves]
    trailers.append(("From", plan.source or plan.kind))
    if plan.break_glass:
        trailers.append(("Break-Glass", plan.reason))
    lines = "\n".join(f"{key}: {_one_line(value)}" for key, value in trailers)
    return f"{headline}\n\n" + "\n".join(body) + f"\n\n{lines}\n"


def apps_of(promotion: Promotion) -> tuple[str, ...]:
    return tuple(dict.fromkeys(move.app for move in promotion.moves))


def author(person: Person) -> Author:
    """The human as git wants them; Slack may keep the address from us."""
    return Author(_one_line(person.name), person.email or f"{person.id.lower()}@slack.invalid")


def _pins_tag(move: Move) -> bool:
    return bool(move.before.tag) and not move.before.digest and bool(move.after.tag)


def _entry(content: bytes | None, move: Move) -> OverlayImage | None:
    images = read_images(content, move.overlay) if content is not None else ()
    return next((image for image in images if image.name == move.name), None)


def _image(entry: OverlayImage) -> tuple[str, str, str]:
    return entry.repository, entry.tag, entry.digest


def _signed(person: Person) -> str:
    who = author(person)
    return f"{who.name} <{who.email}> ({person.id})"


def _one_line(text: str) -> str:
    """A name or reason from a person must not become a trailer of its own, nor hide others, as NUL does from git."""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
