"""Several verdicts as one."""

from collections.abc import Sequence

from bot.domain.promotion import Move, Verdict, VerdictState

WORST_FIRST = (VerdictState.BLOCKED, VerdictState.WAITING, VerdictState.PASSED)


def worst(verdicts: Sequence[Verdict], names: Sequence[str] = ()) -> Verdict:
    """One answer for several: Blocked if one is, else Waiting if one is, with all that those say.

    `names` are of what was judged, and tell sentences apart that differ. What approvers rely on is all of them, so the
    fingerprints stay together.
    """
    if len(verdicts) == 1:
        return verdicts[0]
    named = list(zip(verdicts, names or [""] * len(verdicts), strict=True))
    state = min((verdict.state for verdict in verdicts), key=WORST_FIRST.index)
    same = [(verdict, name) for verdict, name in named if verdict.state is state]
    # Where some say nothing bad, even a single reason needs the name of what it is about.
    reason = _joined([(verdict.reason, name) for verdict, name in same], always=len(same) < len(named))
    remedy = _joined([(verdict.remedy, name) for verdict, name in same])
    link = next((verdict.link for verdict, _ in same if verdict.link), "")
    again = min((verdict.retry_after for verdict, _ in same if verdict.retry_after is not None), default=None)
    fingerprint = " | ".join(verdict.fingerprint for verdict, _ in same).strip(" |")
    asked = any(verdict.asked for verdict, _ in same)
    return Verdict(state, reason, remedy, link, again, fingerprint, asked)


def worst_image(verdicts: Sequence[Verdict], moves: Sequence[Move]) -> Verdict:
    """`worst` of one verdict for each move, told by the names of their images."""
    repositories = [move.after.repository for move in moves]
    short = [repository.rpartition("/")[2] for repository in repositories]
    return worst(verdicts, short if len(set(short)) == len(set(repositories)) else repositories)


def _joined(said: Sequence[tuple[str, str]], *, always: bool = False) -> str:
    """Each sentence once, after the names of all that it is about."""
    about: dict[str, list[str]] = {}
    for sentence, name in said:
        if sentence:
            about.setdefault(sentence, []).append(name)
    if len(about) > 1 or always:
        told = [_prefixed(sentence, dict.fromkeys(filter(None, names))) for sentence, names in about.items()]
    else:
        told = list(about)
    return (" " if all(sentence.endswith(".") for sentence in told) else " · ").join(told)


def _prefixed(sentence: str, names: dict[str, None]) -> str:
    return f"{', '.join(names)}: {sentence}" if names else sentence
