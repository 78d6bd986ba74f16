"""Whose turn it is to write, in the order in which they came; what is urgent goes before what is not."""

import asyncio
from collections import deque


class Turns:
    """One at a time. Whoever waits may be cancelled."""

    def __init__(self) -> None:
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._usual: deque[asyncio.Future[None]] = deque()

    async def take(self, *, urgent: bool = False) -> None:
        """Whoever has taken a turn hands it on, whatever happens."""
        if not self._taken:
            self._taken = True
            return
        line = self._urgent if urgent else self._usual
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.hand_on()  # it came at the same moment
            raise

    def hand_on(self) -> None:
        """To the next who still waits."""
        for line in (self._urgent, self._usual):
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._taken = False
