"""Many promotions at once into one repository, while somebody else pushes, too.

`python -m benchmarks.concurrency` prints it: 100 apps by the bot's own committer over smart HTTP beside a push every
500 ms, and beside one every 200 ms (which is about as long as one try takes). The baseline in the same run is what a
shell script does (clone, edit, commit, push, and pull when refused), for fewer apps, since it takes so much longer.
Afterwards every commit of either side must be in the history, and every promotion in it once.
"""

import asyncio
import statistics
import tempfile
from collections import Counter
from pathlib import Path

from tests.restart.crowd import (
    ANA,
    Outcome,
    Repository,
    by_the_bot,
    job_of,
    kustomization,
    lost,
    path,
    promotion_id,
    repository,
    timed,
)


async def by_a_script(place: Repository, every: float) -> Outcome:
    """Clone, edit, commit, push; when refused: pull with a rebase, and push again."""
    tries: Counter[str] = Counter()

    async def promote(app: str) -> None:
        clone = place.directory / "clones" / app
        await _git(place.directory, "clone", "--quiet", place.authenticated_url, f"{clone}")
        await asyncio.to_thread((clone / path(app)).write_bytes, kustomization(app, "v2"))
        await _git(clone, "commit", "--quiet", "--all", "-m", f"{app}: promote v2\n\nPromotion-Id: {promotion_id(app)}")
        while True:
            tries[promotion_id(app)] += 1
            if await _git(clone, "push", "--quiet", "origin", "main", check=False):
                return
            await _git(clone, "pull", "--quiet", "--rebase", "origin", "main", check=False)

    await asyncio.to_thread((place.directory / "clones").mkdir)
    outcome = await timed(place, every, {app: job_of(promote, app) for app in place.apps})
    return Outcome(outcome.seconds, dict(tries), {}, outcome.foreign, outcome.took)


async def _git(directory: Path, *arguments: str, check: bool = True) -> bool:
    who = ("-c", f"user.name={ANA.name}", "-c", f"user.email={ANA.email}")
    process = await asyncio.create_subprocess_exec(
        "git", *who, *arguments, cwd=directory, stderr=asyncio.subprocess.PIPE
    )
    _, told = await process.communicate()
    if check and process.returncode:
        raise RuntimeError(f"git {arguments[0]}: {told.decode()}")
    return process.returncode == 0


def _told(name: str, outcome: Outcome, wrong: list[str]) -> str:
    seconds, tries = sorted(outcome.seconds.values()), list(outcome.tries.values())
    each = f"{outcome.took / len(seconds) * 1000:.0f} ms each"
    spread = f"median {statistics.median(seconds):.1f} s, last {seconds[-1]:.1f} s"
    pushes = f"tries: mean {statistics.mean(tries):.1f}, most {max(tries)}"
    ends = f"not landed: {len(outcome.said)}, foreign commits: {len(outcome.foreign)}, lost: {len(wrong)}"
    return f"{name:<50} {len(seconds)} promotions, {each}; {spread}; {pushes}; {ends}"


RUNS = (
    ("pilothouse", by_the_bot, 100, 0.5),
    ("clone, edit, push, pull", by_a_script, 20, 0.5),
    ("pilothouse", by_the_bot, 100, 0.2),
    ("clone, edit, push, pull", by_a_script, 5, 0.2),
)


async def main() -> None:
    for name, work, apps, every in RUNS:
        with tempfile.TemporaryDirectory() as directory:
            async with repository(Path(directory), apps) as place:
                outcome = await work(place, every)
                wrong = await lost(place, outcome)
        print(_told(f"{name}, a push every {every * 1000:.0f} ms:", outcome, wrong))
        for sentence in [*wrong, *outcome.said.values()][:5]:
            print(f"  {sentence}")


if __name__ == "__main__":
    asyncio.run(main())
