"""Single calls of many coroutines cross into the library together.

A thousand coroutines that each enqueue one message would submit a thousand
operations, and each costs as much as the message itself. What coroutines ask for in
one turn of the loop is collected instead and submitted as one operation, whose
answer is a list with a value for everyone. The rows of such a list do not depend on
each other: each is stored, refused or acknowledged as if it had come alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from ._native._cq import Call
from ._pending import Group, Waiter

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 (the item a coroutine contributes)
P = ParamSpec("P")

SHARE_MAX = 256
"""Calls that cross together at most: the database works on the first ones while the
others are still being encoded, and nobody waits for the answers of all."""

EAGER = 32
"""Calls that cross at once when nothing is under way, or half of those that were last,
if that is more: the database need not stand idle until everybody has asked, and two
equal halves take turns with it best."""

NOTHING: Mapping[str, Any] = MappingProxyType({})

Joined: TypeAlias = Callable[Concatenate[int, list[I], P], Call[list[T]]]
"""An operation on a target and a list of items that answers with one value each, in
order; an Exception in the place of a value is raised to that caller."""


class Gathering:
    """The groups of one loop that are not submitted yet."""

    __slots__ = ("_eager", "_groups", "_submit", "under_way")

    def __init__(self, submit: Callable[[Group[Any]], None]) -> None:
        self._groups: dict[Hashable, Group[Any]] = {}
        self._submit = submit
        self._eager = EAGER
        self.under_way = 0  # calls that were submitted and have not completed

    def add(
        self,
        loop: asyncio.AbstractEventLoop,
        op: Joined[I, P, T],
        target: int,
        item: I,
        waiter: Waiter,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] = NOTHING,
    ) -> Group[T]:
        """Adds a call to the group of its kind, which is submitted in the loop's next turn."""
        key = (op, target, *args, *kwargs.items()) if args or kwargs else (op, target)
        group = self._groups.get(key)
        if group is None:
            if not self._groups:
                loop.call_soon(self.flush)
            make: Any = op  # the arguments are those of op, which its type no longer says
            group = self._groups[key] = Group(lambda items: make(target, items, *args, **kwargs))
        items = group.items
        items.append(item)
        group.waiters.append(waiter)
        count = len(items)
        if count == SHARE_MAX or (count == self._eager and not self.under_way):
            del self._groups[key]
            self._submit(group)
        return group

    def flush(self) -> None:
        """Submits what was collected."""
        groups, self._groups = self._groups, {}
        for group in groups.values():
            self._submit(group)
        self._eager = max(EAGER, self.under_way // 2)
