"""Acknowledgements of an asyncio Worker that no task waits for.

A task that waited for its message's acknowledgement would cost a third of all that
the loop does for a message: two coroutines, a future and another turn. A receipt is
told the outcome instead, in the drain that brings it. Only what goes wrong gets a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ._pending import Group
from ._serving import Served
from ._types import QueueMessage


class Receipt:
    """Takes the outcome of one acknowledgement as a future would: see Waiter in _pending.py."""

    __slots__ = ("_left", "_receipts", "message", "queue")

    def __init__(self, receipts: Receipts, queue: Served, message: QueueMessage) -> None:
        self._receipts = receipts
        self._left = False
        self.queue = queue
        self.message = message

    def done(self) -> bool:
        return self._left

    def cancelled(self) -> bool:
        return self._left

    def set_result(self, took_effect: bool, /) -> None:
        self.queue.archived(self.message, took_effect)
        self._receipts.end(self, None)

    def set_exception(self, problem: Exception, /) -> None:
        self._receipts.end(self, problem)

    def cancel(self) -> None:
        """Leaves, or is left: nobody says any more what became of the message. Its group may
        say so too, when others waited for it longer."""
        if not self._left:
            self._left = True
            self._receipts.end(self, asyncio.CancelledError())


class Receipts:
    """The acknowledgements under way. Belongs to one loop."""

    __slots__ = ("_ended", "_groups", "_nothing")

    def __init__(self, ended: Callable[[Served, QueueMessage, BaseException | None], None]) -> None:
        self._ended = ended  # told of each, and of what went wrong
        # What each crossed in. A receipt does not know its group, which knows the receipt:
        # that would be garbage for the collector.
        self._groups: dict[Receipt, Group[bool] | None] = {}
        self._nothing: asyncio.Future[None] | None = None  # of whoever waits for the last one

    def __len__(self) -> int:
        return len(self._groups)

    def archive(self, queue: Served, message: QueueMessage) -> bool:
        """Archives a message. False where that takes a coroutine, Served.conclude."""
        receipt = Receipt(self, queue, message)
        self._groups[receipt] = None
        group = queue.archive_for(receipt, message)
        if group is None:
            del self._groups[receipt]
        elif receipt in self._groups:  # else it has failed already
            self._groups[receipt] = group
        return group is not None

    def end(self, receipt: Receipt, problem: BaseException | None) -> None:
        """Tells that the outcome of a receipt is known."""
        del self._groups[receipt]
        self._ended(receipt.queue, receipt.message, problem)
        if self._nothing is not None and not self._groups and not self._nothing.done():
            self._nothing.set_result(None)

    async def wait(self) -> None:
        """Waits until there is none. One waits at a time."""
        if self._groups:
            self._nothing = asyncio.get_running_loop().create_future()
            await self._nothing

    def cancel(self) -> None:
        """Ends all, as a task is cancelled that waits."""
        for receipt, group in list(self._groups.items()):
            receipt.cancel()
            if group is not None:
                group.left(receipt)
