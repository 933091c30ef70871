"""How many messages an asyncio worker holds: those its handlers work on, and a few ahead of them."""

from __future__ import annotations

import asyncio
from collections import deque

AHEAD_SECONDS = 0.05
"""A message is fetched ahead of its handler by about so long at most. While it waits
here no other worker can have it, so only what is handled in no time is fetched ahead."""
AHEAD_MAX = 1000  # messages
SETTLING_MIN = 256  # acknowledgements under way before no more messages are fetched
WINDOW_SECONDS = 0.02  # how long the pace of the handlers is watched before it counts


class Places:
    """The places for handlers, and how far messages may be fetched ahead of them.

    Belongs to one loop. A message takes a place when it is asked for, and gives it up
    when its handler has ended.
    """

    __slots__ = ("_ahead", "_concurrency", "_ended", "_held", "_settling", "_since", "_waiting", "working")

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._ahead = 0  # how many may be held beside those that are worked on
        self._held = 0
        self._settling = 0  # messages whose handler has ended and whose acknowledgement has not
        self._ended = 0  # handlers, in the present window
        self._since = 0.0  # when the window began
        self._waiting: deque[tuple[asyncio.Future[None], bool]] = deque()  # and whether one place will do
        self.working = 0  # handlers that run

    @property
    def idle(self) -> bool:
        """Whether a handler may start."""
        return self.working < self._concurrency

    async def take_all(self) -> int:
        """Waits until fetching is worth while, and takes all places there are."""
        while True:
            self._watch()
            if (places := self._room()) > 0:
                break
            await self._wait(False)
        self._held += places
        return places

    async def take_one(self) -> None:
        """Waits for the place of a message that is here already."""
        while self._held >= self._concurrency:
            await self._wait(True)
        self._held += 1

    def give(self, count: int = 1) -> None:
        """Gives places back."""
        self._held -= count
        self._wake()

    def ended(self) -> None:
        """A handler has ended; its message is to be acknowledged."""
        self.working -= 1
        self._ended += 1
        self._settling += 1
        self.give()

    def settled(self) -> None:
        """A message was acknowledged."""
        self._settling -= 1
        if self._waiting:
            self._wake()

    def _room(self) -> int:
        """How many messages to fetch; 0 when there are enough for now."""
        if self._settling > max(self._concurrency, SETTLING_MIN):
            return 0
        room = self._concurrency + self._ahead - self._held
        return room if room > self._ahead // 2 else 0  # few large fetches rather than many small ones

    def _watch(self) -> None:
        """Adapts how far to fetch ahead to the pace of the handlers."""
        now = asyncio.get_running_loop().time()
        elapsed = now - self._since
        if elapsed >= WINDOW_SECONDS:
            self._ahead = min(AHEAD_MAX, int(self._ended / elapsed * AHEAD_SECONDS))
            self._ended, self._since = 0, now

    async def _wait(self, one: bool) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (future, one)
        self._waiting.append(entry)
        try:
            await future
        except asyncio.CancelledError:
            if future.cancelled():
                self._waiting.remove(entry)
            else:  # woken and cancelled at once: it is another's turn
                self._wake()
            raise

    def _wake(self) -> None:
        """Wakes the first who waits, if there is something for them."""
        if self._waiting:
            future, one = self._waiting[0]
            if self._held < self._concurrency if one else self._room() > 0:
                self._waiting.popleft()
                if not future.done():
                    future.set_result(None)
