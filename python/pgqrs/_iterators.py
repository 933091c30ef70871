"""ConsumerIterator: messages of a queue, one after the other, for ever."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar, Self

from . import _arguments, _bridge, _loops, _ops
from ._connection import Closing, Connection
from ._consumer import Consumer, MessageOrId
from ._types import QueueMessage
from .errors import ClosedError, PgqrsError

logger = logging.getLogger("pgqrs")


class ConsumerIterator(Closing):
    """Messages of one queue, as ``async for`` wants them; waits when there are none.

    ::

        async for msg in pgqrs.consume_iter(store, "tasks"):
            await msg.archive()

        async with store.consume_iter("tasks") as iterator:
            async for msg in iterator:
                await iterator.archive(msg.id)

    The loop body is the handler. While it runs its message stays leased, for up to
    the Config's max_lease_seconds, whether or not it blocks the event loop; a body
    that comes to its end has succeeded, so a message that it neither acknowledged nor
    released is archived when the loop advances. ``break``, an exception, cancellation
    and close() release what is held and end the worker, which exists only for the
    loop. One task may advance an iterator; once that task has ended, what an iterator
    still holds is kept for 15 minutes.
    """

    __slots__ = ("_batch_size", "_closed", "_connection", "_held", "_poll", "_queue", "_vt")

    _consumer_type: ClassVar[type[Consumer]] = Consumer

    def __init__(
        self,
        connection: Connection,
        queue: str,
        batch_size: int = 1,
        vt: float | timedelta | None = None,
        poll_interval_ms: float | None = None,
    ) -> None:
        self._closed = True  # for __del__, until the arguments are checked
        self._connection = connection
        self._queue = _arguments.text(queue, "queue")
        self._batch_size = _arguments.batch_size(batch_size)
        if vt is not None:
            _arguments.span_ms(vt, "vt", positive=True)
        self._vt = vt
        # Without an interval of its own one dequeue waits for ever: the library knows
        # best when to look. With one it looks at least so often.
        self._poll = float("inf")
        if poll_interval_ms is not None:
            self._poll = _arguments.number(poll_interval_ms, "poll_interval_ms", 1, 3_600_000) / 1000
        self._held: _Held | None = None
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> QueueMessage:
        if self._closed:
            raise StopAsyncIteration
        try:
            held = await self._open()
            await held.finish()
            while not held.prefetched:
                await held.fetch(self._batch_size, self._vt, self._poll)
            await held.renew()
            return held.hand_out(_bridge.caller()) if held.prefetched else await self.__anext__()
        except BaseException:
            # Cancelled, or the store failed: nothing stays leased. The iterator itself
            # stays usable, so that `wait_for(anext(it), 1)` may be tried again.
            self._let_go()
            raise

    async def _open(self) -> _Held:
        if self._held is None:
            consumer = await self._consumer_type._register(self._connection, self._queue, ephemeral=True)  # pyright: ignore[reportPrivateUsage]
            self._held = _Held(consumer)
            await consumer._poll(True)  # pyright: ignore[reportPrivateUsage]
        return self._held

    async def archive(self, message: MessageOrId) -> bool:
        """Finishes a message of this loop and keeps it in the archive."""
        held = self._holding()
        return await held.consumer.archive(held.own(message))

    async def delete(self, message: MessageOrId) -> bool:
        """Finishes a message of this loop without a trace."""
        held = self._holding()
        return await held.consumer.delete(held.own(message))

    async def extend_vt(self, message: MessageOrId, seconds: float | timedelta) -> bool:
        """Makes the lease of a message of this loop last at least so long from now."""
        held = self._holding()
        return await held.consumer.extend_vt(held.own(message), seconds)

    def _holding(self) -> _Held:
        if self._held is None:
            raise ClosedError("This iterator holds no message: it is closed or has handed out none yet.")
        return self._held

    async def close(self) -> None:
        """Releases what is held and ends the worker. Iterating on ends the loop."""
        self._closed = True
        held, self._held = self._held, None
        if held is not None:
            await held.close()

    aclose = close

    def _let_go(self) -> None:
        """Closes what is held without waiting for it."""
        held, self._held = self._held, None
        if held is not None:
            ending = _Ending(held)
            if held.consumer_open():
                _bridge.spawn(ending.run)

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    def __del__(self) -> None:
        # `break` reaches only this. The message in the loop's variable keeps its
        # consumer alive, so the consumer has to be ended here.
        if not self._closed:
            self._let_go()

    def __repr__(self) -> str:
        return f"ConsumerIterator(queue={self._queue!r}{', closed' if self._closed else ''})"


class _Ending:
    """Closes what a loop held, and drops it at the latest when nobody will close it: there
    is no event loop, or it ended before this had its turn."""

    __slots__ = ("_held",)

    def __init__(self, held: _Held) -> None:
        self._held = held

    async def run(self) -> None:
        await self._held.close()

    def __del__(self) -> None:
        self._held.drop()


class _Held:
    """The ephemeral consumer of a loop and the messages it leased."""

    __slots__ = ("_alive", "_tokens", "consumer", "current", "prefetched")

    def __init__(self, consumer: Consumer) -> None:
        self._alive: Callable[[], bool] | None = None  # of whoever advances the loop
        self._tokens: list[tuple[int, int]] = []  # of the last fetch, acknowledged or not
        self.consumer = consumer
        self.current: QueueMessage | None = None  # in the loop body
        self.prefetched: deque[QueueMessage] = deque()

    def hand_out(self, alive: Callable[[], bool]) -> QueueMessage:
        if self._alive is None:
            _loops.begin(self)
        self._alive = alive
        self.current = self.prefetched.popleft()
        return self.current

    def sign_of_life(self) -> None:
        """Called beside the loop, whose body may be running at any line."""
        try:
            if self._alive is not None and self._alive():
                self.consumer._keep(self._tokens, _loops.KEEP_SECONDS)  # pyright: ignore[reportPrivateUsage]
        except PgqrsError:  # closed meanwhile
            logger.debug("a loop gave no sign of life", exc_info=True)

    async def finish(self) -> None:
        """The loop body has come to its end: archives what it left."""
        message, self.current = self.current, None
        if message is not None and not message._acknowledged:  # pyright: ignore[reportPrivateUsage]
            await self.consumer.archive(message)

    async def fetch(self, batch_size: int, vt: float | timedelta | None, wait: float) -> None:
        messages = await self.consumer._dequeue(  # pyright: ignore[reportPrivateUsage]
            batch_size, vt, wait, auto_extend=True, keep_max_ms=int(_loops.KEEP_SECONDS * 1000)
        )
        self._tokens = [message._token for message in messages]  # pyright: ignore[reportPrivateUsage]
        self.prefetched.extend(messages)

    async def renew(self) -> None:
        """Sees to it that what was fetched before is still ours."""
        tokens = [message._token for message in self.prefetched]  # pyright: ignore[reportPrivateUsage]
        if self.consumer._keep(tokens, _loops.KEEP_SECONDS) == len(tokens):  # pyright: ignore[reportPrivateUsage]
            return
        # Some were lost, or given up after the task that advanced this loop had ended.
        outcomes = await self.consumer._run(_ops.extend_vt, tokens, int(_loops.KEEP_SECONDS * 1000))  # pyright: ignore[reportPrivateUsage]
        self.prefetched = deque(
            message for message, still_ours in zip(self.prefetched, outcomes, strict=True) if still_ours
        )

    def own(self, message: MessageOrId) -> MessageOrId:
        """The message in the loop body when its id is given, which fences better than an id."""
        if self.current is not None and message == self.current.id and not isinstance(message, bool):
            return self.current
        return message

    def consumer_open(self) -> bool:
        return not self.consumer._handle.closed  # pyright: ignore[reportPrivateUsage]

    async def close(self) -> None:
        _loops.end(self)
        prefetched, self.prefetched = self.prefetched, deque()
        current, self.current = self.current, None
        try:
            if prefetched:  # never seen by anybody: as if never leased
                tokens = [message._token for message in prefetched]  # pyright: ignore[reportPrivateUsage]
                await self.consumer._run(_ops.release, tokens, unread=True)  # pyright: ignore[reportPrivateUsage]
            if current is not None and not current._acknowledged:  # pyright: ignore[reportPrivateUsage]
                await self.consumer.release_messages([current])
            await self.consumer.close()
        except PgqrsError:  # the leases expire by themselves
            logger.warning("could not release the messages of a loop", exc_info=True)
        finally:
            self.drop()

    def drop(self) -> None:
        """Ends the worker at once; the library releases what it held."""
        _loops.end(self)
        self.consumer._handle.close()  # pyright: ignore[reportPrivateUsage]
