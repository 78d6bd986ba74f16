"""Several verdicts as one."""

from collections.abc import Sequence

from bot.domain.promotion import Verdict, VerdictState

WORST_FIRST = (VerdictState.BLOCKED, VerdictState.WAITING, VerdictState.PASSED)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """One answer for several images: the first Blocked, else the first Waiting, else the first.

    What approvers rely on is all of them, so the fingerprints stay together.
    """
    found = min(verdicts, key=lambda verdict: WORST_FIRST.index(verdict.state))
    if found.state is not VerdictState.PASSED or len(verdicts) == 1:
        return found
    fingerprint = " | ".join(verdict.fingerprint for verdict in verdicts)
    return Verdict.passed(found.reason, link=found.link, fingerprint=fingerprint.strip(" |"))
