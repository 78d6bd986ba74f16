"""The commit: exactly the lines that were approved, once, on top of whatever the branch is by then."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from bot.domain.caller import PILOTHOUSE
from bot.domain.errors import DigestMismatch, HeadMoved, NotFound, Unavailable, UserError
from bot.domain.overlay import Change, Commit, OverlayImage
from bot.domain.promotion import Move, Promotion
from bot.overlays.built_images import BuiltImages
from bot.overlays.kustomization import read_images, set_image
from bot.ports import OverlaySource, OverlayWriter, Registry
from bot.promotions.commit_message import author, message
from bot.runtime.beside import asked_beside

log = structlog.get_logger(__name__)

TRIES = 40
"""Times that a moved head is read again within one step; other writers are many, but each push takes a second."""


def always() -> bool:
    return True


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
    """Raises IntegrationError when the remote or the registry cannot be asked, DigestMismatch when a tag was moved.

    `built`: what it has learned about overlays spares it questions.
    """

    def __init__(
        self, source: OverlaySource, writer: OverlayWriter, registry: Registry, built: BuiltImages | None = None
    ) -> None:
        self._source = source
        self._writer = writer
        self._registry = registry
        self._built = built or BuiltImages(source)
        # Side by side they would only overtake each other: of 100, none landed while somebody else pushed as well.
        self._alone = asyncio.Lock()
        self._writes = 0
        """those that are over: a head that was asked for before the end of one may not be the head by now"""

    async def commit(self, promotion: Promotion, still: Callable[[], bool] = always) -> Commit | Moved | None:
        """Safe to repeat: a commit that carries this promotion's id is found again instead of made twice.

        `still`: whether what was confirmed holds. Asked after each wait for other writers, for many of them take
        longer than that; None, and nothing is written, where it does not.
        """
        writes = self._writes
        async with asked_beside(self._head_for(promotion.moves)) as asked:
            if done := await self.find(promotion):
                return done
            head = await asked
        waits = self._alone.locked()
        async with self._alone:
            if waits and not still():
                return None
            seen = head if self._writes == writes else ""
            try:
                return await self._write(promotion, seen, still)
            finally:
                self._writes += 1

    async def _head_for(self, moves: tuple[Move, ...]) -> str:
        """Where the branch is. Raises DigestMismatch."""
        _, head = await asyncio.gather(self._check_digests(moves), self._source.head())
        return head

    async def _write(self, promotion: Promotion, seen: str, still: Callable[[], bool]) -> Commit | Moved | None:
        """`seen`: the head to try first, which the push compares with; "" to ask for it."""
        plan = promotion.plan
        for attempt in range(TRIES):
            if attempt and not still():
                return None
            head = seen if seen and not attempt else await self._source.head()
            contents = await self._source.read([move.overlay for move in promotion.moves], head)
            if moved := await self.moved(promotion.moves, contents):
                # A replica that was taken for dead may have been the one that moved it.
                return await self.find(promotion) or moved
            if attempt == 0:
                await self.check_effect(promotion, head)
            change = Change(edited(promotion.moves, contents), message(promotion), author(plan.requester))
            try:
                return await self._writer.commit(change, head)
            except HeadMoved:
                await _pause(attempt)
            except Unavailable:
                # The push may have arrived all the same: look before telling.
                if done := await self.find(promotion):
                    return done
                raise
        raise Unavailable("git", "commit", f"the branch moved {TRIES} times while the commit was being made")

    async def check_effect(self, promotion: Promotion, head: str) -> None:
        """Raises KustomizationError where somebody has renamed, since it was planned, what an entry should change."""
        if head != promotion.plan.seen_commit:
            await self._built.check([(move.overlay, move.name) for move in promotion.moves], head)

    async def overtaken(self, promotion: Promotion) -> Moved | None:
        """What somebody has changed by now of the lines that people were shown."""
        head = await self._source.head()
        contents = await self._source.read([move.overlay for move in promotion.moves], head)
        return await self.moved(promotion.moves, contents)

    async def find(self, promotion: Promotion) -> Commit | None:
        """The commit that was made for this promotion already: its words are anybody's, so its change is read."""
        for found in await self._writer.find("Promotion-Id", promotion.id, promotion.plan.seen_commit):
            if len(found.parents) == 1 and not await self.strange(promotion, found.parents[0], found.sha):
                return found
            log.warning("commit.foreign_trailer", commit=found.sha, promotion=promotion.id)
        return None

    async def strange(self, promotion: Promotion, before: str, after: str) -> tuple[str, ...]:
        """What lies between two commits beside the approved lines, as paths, over the whole repository."""
        if not before or not after:
            return ("the whole branch",)
        paths = [move.overlay for move in promotion.moves]
        differ, old, new = await asyncio.gather(
            self._source.differences(before, after), self._source.read(paths, before), self._source.read(paths, after)
        )
        approved = made(promotion.moves, old)
        odd = {one.path for one in differ if not one.plain or one.path not in approved}
        odd |= {path for path in paths if path not in approved or new.get(path) != approved[path]}
        return tuple(sorted(odd))

    async def restore(self, before: str, after: str, why: str) -> str:
        """Put back what lies between two commits, where nothing has changed since; what came of it, as a sentence.

        Safe to repeat. What was added, removed or renamed is left to people.
        """
        differ = await self._source.differences(before, after)
        plain = [one.path for one in differ if one.plain]
        left = [one.path for one in differ if not one.plain]
        async with self._alone:
            later = await self._put_back(plain, before, after, why)
        if left or later:
            return f"Pilothouse took back what it could; {', '.join([*left, *later])} needs your hand."
        return "Pilothouse took the whole merge back."

    async def _put_back(self, paths: list[str], before: str, after: str, why: str) -> list[str]:
        """The paths that somebody has changed since."""
        wanted, merged = await asyncio.gather(self._source.read(paths, before), self._source.read(paths, after))
        for attempt in range(TRIES):
            head = await self._source.head()
            now = await self._source.read(paths, head)
            files = {path: wanted[path] for path in paths if now.get(path) == merged[path]}
            later = [path for path in paths if now.get(path) not in (merged[path], wanted[path])]
            try:
                if files:
                    await self._writer.commit(Change(files, why, author(PILOTHOUSE)), head)
            except HeadMoved:
                await _pause(attempt)
            else:
                return later
        raise Unavailable("git", "commit", f"the branch moved {TRIES} times while the commit was being made")

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
            if not still_shows(contents.get(move.overlay), move):
                now = _entry(contents.get(move.overlay), move)
                last = await self._source.history(move.overlay, 1)
                by, commit = (last[0].author.name, last[0].short) if last else ("", "")
                shown = "no such image" if now is None else now.label
                if now and now.repository != move.before.repository:
                    shown = f"{now.repository} {shown}"
                return Moved(move.app, shown, by, commit)
        return None


async def _pause(attempt: int) -> None:
    await asyncio.sleep(random.uniform(0, min(0.02 * 2**attempt, 0.5)))  # noqa: S311 (not a secret)


def still_shows(content: bytes | None, move: Move) -> bool:
    """Whether the line is the one that approvers saw."""
    now = _entry(content, move)
    return now is not None and _image(now) == _image(move.before)


def edited(moves: tuple[Move, ...], contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files with every move made."""
    files: dict[str, bytes] = dict(contents)
    for move in moves:
        files[move.overlay] = set_image(files[move.overlay], move.overlay, move.name, move.after)
    return files


def made(moves: tuple[Move, ...], contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files with the moves made; without those that do not show what was approved, or cannot be read."""
    files: dict[str, bytes] = {}
    for path in dict.fromkeys(move.overlay for move in moves):
        there = tuple(move for move in moves if move.overlay == path)
        try:
            if path in contents and all(still_shows(contents[path], move) for move in there):
                files |= edited(there, {path: contents[path]})
        except UserError:
            continue
    return files


def _pins_tag(move: Move) -> bool:
    return bool(move.before.tag) and not move.before.digest and bool(move.after.tag)


def _entry(content: bytes | None, move: Move) -> OverlayImage | None:
    images = read_images(content, move.overlay) if content is not None else ()
    return next((image for image in images if image.name == move.name), None)


def _image(entry: OverlayImage) -> tuple[str, str, str]:
    return entry.repository, entry.tag, entry.digest
