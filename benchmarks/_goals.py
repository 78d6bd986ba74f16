"""How each benchmark ends: what was aimed at, what was measured, and whether that is enough."""


def goal(what: str, measured: float, *, at_most: float | None = None, at_least: float | None = None) -> None:
    """Prints one line. `measured` is a ratio to the baseline that `what` names, of the same run."""
    good = (at_most is None or measured <= at_most) and (at_least is None or measured >= at_least)
    bound = f"at most {at_most:g}×" if at_most is not None else f"at least {at_least:g}×"
    print(f"  {'met   ' if good else 'MISSED'}  {what}: {measured:.2f}× ({bound})", flush=True)
