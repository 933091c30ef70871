"""Consumer: leases messages of one queue and acknowledges them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from . import _arguments, _bridge, _ops
from ._bridge import meet
from ._connection import Source
from ._gather import Joined
from ._lifecycle import Registered
from ._native import _codec
from ._native._codec import MessageRow
from ._pending import Group, Waiter
from ._types import LeasedMessage, QueueMessage
from .errors import PgqrsError

logger = logging.getLogger("pgqrs")

MessageOrId: TypeAlias = LeasedMessage | int
Handler: TypeAlias = Callable[[QueueMessage], Awaitable[object] | object]
"""What processes one message: an async or a plain function. Only an explicit False keeps the message."""
BatchHandler: TypeAlias = Callable[[list[QueueMessage]], Awaitable[object] | object]


class Consumer(Registered):
    """Leases messages of one queue and acknowledges them.

    It is made as a Producer is. Acknowledgements return whether they took effect:
    they do only while this consumer owns the message and, when a message object is
    given instead of an id, while it has not been leased again.
    """

    __slots__ = ()

    _kind = "consumer"
    _open_op = staticmethod(_ops.consumer_open)

    @staticmethod
    async def new_consumer(dsn: Source, queue: str, hostname: str | None = None, port: int | None = None) -> Consumer:
        """A consumer of a DSN, Config, Store or Admin, registered as a worker."""
        return await Consumer._create(dsn, queue, hostname, port)

    # --- leasing ------------------------------------------------------------------

    async def dequeue(
        self,
        batch_size: int | None = None,
        vt: float | timedelta | None = None,
        wait: float | timedelta | None = None,
        auto_extend: bool = False,
    ) -> list[QueueMessage]:
        """Leases eligible messages, the longest eligible first.

        batch_size   how many at most, 1 when not given
        vt           how long the leases last, in seconds; the store's lock time when not given
        wait         how many seconds to wait for a first message; math.inf is for ever, None not at all
        auto_extend  keep the leases alive until the messages are acknowledged or this process ends
        """
        return await self._dequeue(1 if batch_size is None else batch_size, vt, wait, auto_extend=auto_extend)

    async def dequeue_batch(self, batch_size: int | None = None) -> list[QueueMessage]:
        """Leases up to batch_size messages; the Config's default_max_batch_size when not given."""
        return await self._dequeue(batch_size)

    async def dequeue_batch_with_delay(self, limit: int, vt: float | timedelta) -> list[QueueMessage]:
        """Leases up to limit messages for vt seconds."""
        return await self._dequeue(_arguments.batch_size(limit, "limit"), vt)

    async def dequeue_many_with_delay(self, limit: int, vt: float | timedelta) -> list[QueueMessage]:
        """Leases up to limit messages for vt seconds."""
        return await self.dequeue_batch_with_delay(limit, vt)

    async def dequeue_at(self, limit: int, vt: float | timedelta, now: datetime) -> list[QueueMessage]:
        """Leases up to limit messages that are eligible at an instant, for vt seconds from the real now."""
        return await self._dequeue(_arguments.batch_size(limit, "limit"), vt, at=_arguments.instant(now, "now"))

    async def _dequeue(
        self,
        batch_size: int | None = None,
        vt: float | timedelta | None = None,
        wait: float | timedelta | None = None,
        *,
        at: int = 0,
        auto_extend: bool = False,
        keep_max_ms: int = 0,
    ) -> list[QueueMessage]:
        return await self._run(
            _ops.dequeue,
            self._wrap,
            batch=None if batch_size is None else _arguments.batch_size(batch_size),
            lease_ms=0 if vt is None else _arguments.span_ms(vt, "vt", positive=True),
            wait_ms=_arguments.wait_ms(wait),
            at=at,
            auto_extend=auto_extend,
            keep_max_ms=keep_max_ms,
        )

    def _wrap(self, row: MessageRow) -> Any:  # the sync twin makes messages of its own
        return QueueMessage(row, self)

    # --- acknowledging ------------------------------------------------------------

    async def archive(self, message: MessageOrId) -> bool:
        """Finishes a message and keeps it in the archive."""
        return await self._acknowledge_one(_ops.archive, message)

    async def archive_batch(self, messages: Iterable[MessageOrId]) -> list[bool]:
        """Archives several messages; one bool each, in input order."""
        return await self._acknowledge(_ops.archive, messages)

    async def archive_many(self, messages: Iterable[MessageOrId]) -> list[bool]:
        """The same as archive_batch."""
        return await self._acknowledge(_ops.archive, messages)

    async def delete(self, message: MessageOrId) -> bool:
        """Finishes a message without a trace."""
        return await self._acknowledge_one(_ops.delete, message)

    async def delete_batch(self, messages: Iterable[MessageOrId]) -> list[bool]:
        """Deletes several messages; one bool each, in input order."""
        return await self._acknowledge(_ops.delete, messages)

    async def delete_many(self, messages: Iterable[MessageOrId]) -> list[bool]:
        """The same as delete_batch."""
        return await self._acknowledge(_ops.delete, messages)

    async def extend_vt(self, message: MessageOrId, seconds: float | timedelta) -> bool:
        """Makes a lease last at least so long from now; never shortens it."""
        extend_ms = _arguments.span_ms(seconds, "seconds")
        return await self._share(_ops.extend_vt, _token(message, "message"), extend_ms)

    async def extend_visibility(self, message: MessageOrId, seconds: float | timedelta) -> bool:
        """The same as extend_vt."""
        return await self.extend_vt(message, seconds)

    async def release_messages(self, messages: Iterable[MessageOrId]) -> list[bool]:
        """Gives messages back: they may be dequeued at once; one bool each, in input order."""
        return await self._acknowledge(_ops.release, messages)

    async def release_with_visibility(self, message: MessageOrId, when: datetime) -> bool:
        """Gives a message back that may be dequeued from an instant on."""
        at = _arguments.instant(when, "when")
        return _acknowledged(message, await self._share(_ops.release, _token(message, "message"), at=at))

    # What a worker calls: a coroutine less for each message, or none.

    def _archive_for(self, waiter: Waiter, message: LeasedMessage) -> Group[bool] | None:
        """Archives a message and tells the waiter; None where that takes a coroutine."""
        met = meet(_ops.archive, self._handle.number, message._token, waiter)  # pyright: ignore[reportPrivateUsage]
        return met and met[0]

    def _archive(self, message: LeasedMessage) -> Coroutine[Any, Any, bool]:
        return self._acknowledge_one(_ops.archive, message)

    def _release(self, message: LeasedMessage) -> Coroutine[Any, Any, bool]:
        return self._acknowledge_one(_ops.release, message)

    async def _acknowledge_one(self, op: Joined[tuple[int, int], [], bool], message: MessageOrId) -> bool:
        token = _token(message, "message")
        met = meet(op, self._handle.number, token)
        if met is None:
            return _acknowledged(message, await self._share(op, token))
        group, future = met
        try:
            outcome = await future
        except BaseException:
            group.left(future)
            raise
        return _acknowledged(message, outcome)

    async def _acknowledge(
        self, op: Any, messages: Iterable[MessageOrId], name: str = "messages", **options: Any
    ) -> list[bool]:
        items = _arguments.items(messages, name)
        if not items:
            return []
        outcomes: list[bool] = await self._run(op, [_token(item, name) for item in items], **options)
        for item in items:
            if isinstance(item, LeasedMessage):
                item._acknowledged = True  # pyright: ignore[reportPrivateUsage]
        return outcomes

    async def _listen(self, lost: Callable[[list[tuple[int, int]]], None]) -> None:
        """Hands over the tokens of leases that were lost although the library kept them
        alive. Never returns; raises ClosedError at the consumer's end."""
        number = self._handle.get() or await self._open()
        await _bridge.listen(_ops.consumer_losses(number), lost)

    def _keep(self, tokens: list[tuple[int, int]], seconds: float) -> int:
        """Has the library keep leases alive for at least so long from now, and returns how
        many of them it keeps; quick."""
        return _codec.keep(self._handle.get(), tokens, int(seconds * 1000)) if tokens else 0

    # --- handlers -----------------------------------------------------------------

    async def consume(self, handler: Handler) -> bool:
        """Processes at most one message; returns at once when the queue is empty.

        The message is archived when the handler returns, released when it returns
        an explicit False, and released when it raises, which is raised here too.
        Its lease is kept alive meanwhile. Returns whether there was a message.
        """
        _arguments.function(handler, "handler")
        messages = await self._dequeue(1, auto_extend=True)
        if messages:
            await self._handle_messages(messages, lambda: handler(messages[0]))
        return bool(messages)

    async def consume_batch(self, batch_size: int | None = None, handler: BatchHandler | None = None) -> int:
        """Processes up to batch_size messages, the rules of consume holding for all
        together. Returns how many there were."""
        call = _arguments.function(handler, "handler")
        messages = await self._dequeue(batch_size, auto_extend=True)
        if messages:
            await self._handle_messages(messages, lambda: call(messages))
        return len(messages)

    async def _handle_messages(
        self,
        messages: list[QueueMessage],
        call: Callable[[], object],
        failed: Callable[[Exception], Awaitable[None]] | None = None,
    ) -> None:
        """Calls a handler and acknowledges its messages; failed takes its exception, which is raised otherwise."""
        try:
            result = call()
            if inspect.isawaitable(result):
                result = await result
        except BaseException as problem:  # cancellation too: the message must not stay leased
            if failed is not None and isinstance(problem, Exception):
                await failed(problem)
                return
            try:
                await self.release_messages(messages)
            except PgqrsError:  # the handler's own exception is the one to raise
                logger.warning("could not release messages after a failed handler", exc_info=True)
            raise
        if result is False:
            await self.release_messages(messages)
        else:
            await self.archive_batch(messages)


def _acknowledged(message: MessageOrId, outcome: bool) -> bool:
    """Remembers that the caller has decided about a message, and passes the outcome on."""
    if isinstance(message, LeasedMessage):
        message._acknowledged = True  # pyright: ignore[reportPrivateUsage]
    return outcome


def _token(message: object, name: str) -> tuple[int, int]:
    """The fencing token of a message object, or of an id, which the owner alone decides about."""
    if isinstance(message, LeasedMessage):
        return message._token  # pyright: ignore[reportPrivateUsage]
    if isinstance(message, int) and not isinstance(message, bool):
        return _arguments.identifier(message, f"{name} id"), 0
    raise TypeError(f"{name} must be a QueueMessage or an id (int), not {type(message).__name__}")
