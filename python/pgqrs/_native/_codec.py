"""Python values to arguments of the library, and results of the library to Python values.

Encoders return ctypes objects that keep what they point to alive; the library
copies its inputs before a call returns. Decoders copy out of a result, which the
caller closes afterwards. A ctypes field costs a tenth of a microsecond, so records
are copied as one block and taken apart by the struct module.
"""

from __future__ import annotations

import ctypes
import json
import struct
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias, cast

from .._payload import decode
from . import _abi, lib  # pyright: ignore[reportPrivateUsage] (it has a stub)
from ._errors import OK, check, explained

Argument: TypeAlias = Any
"""An encoded argument: opaque to everything but the library."""

MISSING = None
"""The encoded form of options that are all at their defaults."""

EVERY_LEVEL: Argument = _abi.LOG_DEBUG

_TOGETHER = 1 << 18  # bytes of texts that are copied at once
_MESSAGE = struct.Struct(_abi.MESSAGE_FORMAT)
_TOKEN = struct.Struct(_abi.TOKEN_FORMAT)


# MessageRow(...) is a call of its own around this, which costs as much as the row.
_row: Callable[[type[MessageRow], tuple[object, ...]], MessageRow] = cast("Any", tuple).__new__


class MessageRow(NamedTuple):
    """One message as the library gave it; instants are microseconds since 1970 UTC.

    Instants and worker ids that are absent are 0.
    """

    id: int
    read_ct: int
    queue_id: int
    enqueued_at: int
    vt: int
    dequeued_at: int
    archived_at: int
    producer_worker_id: int
    consumer_worker_id: int
    payload: bytes
    dead_reason: bytes


# --- arguments ------------------------------------------------------------------


def text(value: str) -> Argument:
    """A string."""
    return _str(value)


def _str(value: str | None) -> _abi.Str:
    if value is None:
        return _abi.Str(None, 0)
    data = value.encode("utf-8", "surrogateescape")
    return _abi.Str(data, len(data))


def document(value: bytes) -> Argument:
    """One JSON document."""
    return _abi.Str(value, len(value))


class _Texts:
    """An array of texts that point into one block, which lives as long as the array."""

    __slots__ = ("_as_parameter_", "_block")

    def __init__(self, block: bytes, array: ctypes.Array[_abi.Str]) -> None:
        self._block = block
        self._as_parameter_ = ctypes.cast(array, ctypes.POINTER(_abi.Str))


def payloads(documents: Sequence[bytes]) -> Argument:
    """JSON documents as an array."""
    count = len(documents)
    if count == 1:
        return (_abi.Str * 1)(_abi.Str(documents[0], len(documents[0])))
    # A struct for each would cost more than encoding the document did: the records are
    # laid out as numbers, and point into one copy of everything.
    block = b"".join(documents)
    lengths = [len(document) for document in documents]
    start = ctypes.cast(ctypes.c_char_p(block), ctypes.c_void_p).value or 0
    records = [0] * (2 * count)
    records[::2] = accumulate(lengths[:-1], initial=start)
    records[1::2] = lengths
    return _Texts(block, (_abi.Str * count).from_buffer_copy(struct.pack(f"<{2 * count}Q", *records)))


def tokens(leases: Sequence[tuple[int, int]]) -> Argument:
    """Fencing tokens, each (message id, receive count or 0), as an array."""
    # Two numbers of 64 bits each: the second is the receive count and the reserved 0.
    numbers = [number for lease in leases for number in lease]
    return (_abi.Token * len(leases)).from_buffer_copy(struct.pack(f"<{len(numbers)}q", *numbers))


def store_options(dsn: str | None, config: dict[str, object], *, bootstrap: bool) -> Argument:
    return _abi.StoreOptions(
        ctypes.sizeof(_abi.StoreOptions),
        _abi.STORE_BOOTSTRAP if bootstrap else 0,
        _str(dsn),
        _str(json.dumps(config) if config else None),
    )


def worker_options(hostname: str | None, port: int | None, *, ephemeral: bool) -> Argument:
    if hostname is None and not port and not ephemeral:
        return MISSING
    return _abi.WorkerOptions(
        ctypes.sizeof(_abi.WorkerOptions),
        _abi.WORKER_EPHEMERAL if ephemeral else 0,
        _str(hostname),
        port or 0,
        0,
    )


class _Keyed(_abi.EnqueueOptions):
    """Options that keep their dedup keys alive."""

    keys: Argument = None


def enqueue_options(delay_ms: int, at: int, keys: Sequence[str | None]) -> Argument:
    """The options of as many messages as there are dedup keys; of any number without."""
    keyed = any(keys)
    if not delay_ms and not at and not keyed:
        return MISSING
    options = _Keyed(ctypes.sizeof(_abi.EnqueueOptions), 0, delay_ms, at)
    if keyed:
        options.keys = payloads([key.encode() if key else b"" for key in keys])
        options.dedup_keys = getattr(options.keys, "_as_parameter_", options.keys)
    return options


def dequeue_options(
    batch: int | None, lease_ms: int, wait_ms: int, at: int, *, auto_extend: bool, keep_max_ms: int
) -> Argument:
    return _abi.DequeueOptions(
        ctypes.sizeof(_abi.DequeueOptions),
        _abi.DEQUEUE_AUTO_EXTEND if auto_extend else 0,
        _abi.BATCH_DEFAULT if batch is None else batch,
        0,
        lease_ms,
        wait_ms,
        at,
        keep_max_ms,
    )


def release_options(at: int, *, unread: bool) -> Argument:
    if not at and not unread:
        return MISSING
    return _abi.ReleaseOptions(ctypes.sizeof(_abi.ReleaseOptions), _abi.RELEASE_UNREAD if unread else 0, at)


def queue_options(max_read_ct: int | None) -> Argument:
    if max_read_ct is None:
        return MISSING
    return _abi.QueueOptions(ctypes.sizeof(_abi.QueueOptions), max_read_ct)


def table_options(
    *,
    queue: str | None = None,
    worker_id: int = 0,
    limit: int = 0,
    offset: int = 0,
    older_than_ms: int = 0,
    min_read_ct: int = 0,
    dead_only: bool = False,
    payload: bytes = b"",
    run_id: int = 0,
    status: str | None = None,
) -> Argument:
    return _abi.TableOptions(
        ctypes.sizeof(_abi.TableOptions),
        _abi.FILTER_DEAD_ONLY if dead_only else 0,
        _str(queue),
        worker_id,
        limit,
        offset,
        older_than_ms,
        min_read_ct,
        0,
        _abi.Str(payload or None, len(payload)),
        run_id,
        _str(status),
    )


# --- results --------------------------------------------------------------------


def read_ids(result: int) -> list[int]:
    """The ids an enqueue stored."""
    view = _abi.List()
    check(lib().pgqrs_result_ids(result, ctypes.byref(view)))
    return list(struct.unpack(f"<{view.count}q", ctypes.string_at(view.items, 8 * view.count))) if view.count else []


def read_each(result: int) -> list[int | Exception]:
    """For every message of an enqueue_each its id, or why it was not stored."""
    ids = read_ids(result)
    return [id or _failure(result, place) for place, id in enumerate(ids)] if 0 in ids else list(ids)


def _failure(result: int, place: int) -> Exception:
    error = _abi.Handle()
    check(lib().pgqrs_result_failure(result, place, ctypes.byref(error)))
    return explained(error.value)


def read_messages(result: int) -> list[MessageRow]:
    """The messages of a dequeue or of a table call, payloads still encoded."""
    view = _abi.List()
    check(lib().pgqrs_result_messages(result, ctypes.byref(view)))
    if not view.count:
        return []
    stride = view.item_size
    block = ctypes.string_at(view.items, stride * view.count)
    if stride == _MESSAGE.size:
        records = list(_MESSAGE.iter_unpack(block))
    else:  # a newer library has longer records
        records = [_MESSAGE.unpack_from(block, start) for start in range(0, len(block), stride)]
    read = _texts(records)
    return [
        _row(MessageRow, (
            id, read_ct, queue, enqueued, vt, dequeued, archived, producer, consumer,
            read(payload, payload_len), read(reason, reason_len) if reason_len else b"",
        ))
        for (
            id, queue, enqueued, vt, dequeued, archived, producer, consumer, payload, payload_len,
            reason, reason_len, read_ct, _,
        ) in records
    ]  # fmt: skip


def _texts(records: list[tuple[int, ...]]) -> Callable[[int, int], bytes]:
    """A function that copies a text of these records, given its address and length."""
    start, end = records[0][8], records[-1][8] + records[-1][9]
    if not 0 <= end - start <= _TOGETHER:
        return ctypes.string_at
    # The texts of a result lie side by side: small ones are copied at once and cut apart.
    block = ctypes.string_at(start, end - start)
    size = len(block)

    def read(address: int, length: int) -> bytes:
        at = address - start
        return block[at : at + length] if 0 <= at <= size - length else ctypes.string_at(address, length)

    return read


def number_id(number: int) -> list[int]:
    """The id of an enqueue of one message, from its completion."""
    return [number]


def number_outcome(number: int) -> list[bool]:
    """The outcome of an acknowledgement of one message, from its completion."""
    return [number == OK]


def read_outcomes(result: int) -> list[bool]:
    """Whether each token of an acknowledgement took effect."""
    view = _abi.List()
    check(lib().pgqrs_result_outcomes(result, ctypes.byref(view)))
    if not view.count:
        return []
    return [status == OK for status in struct.unpack(f"<{view.count}i", ctypes.string_at(view.items, 4 * view.count))]


def read_tokens(result: int) -> list[tuple[int, int]]:
    """The fencing tokens a completion names, each (message id, receive count)."""
    view = _abi.List()
    check(lib().pgqrs_result_tokens(result, ctypes.byref(view)))
    if not view.count:
        return []
    stride = view.item_size
    block = ctypes.string_at(view.items, stride * view.count)
    return [_TOKEN.unpack_from(block, start)[:2] for start in range(0, len(block), stride)]


def read_json(result: int) -> Any:
    """The document of an administration call, decoded."""
    view = _abi.View()
    check(lib().pgqrs_result_json(result, ctypes.byref(view)))
    return decode(ctypes.string_at(view.data, view.len))  # it may hold users' documents, with integers of any size


def read_count(result: int) -> int:
    """The number in the document of a count or a removal."""
    return int(read_json(result)["count"])


def read_handle(result: int) -> int:
    """The object an open call made; it is the receiver's to close."""
    return result


def read_nothing(_result: int) -> None:
    """The result of a call that has none."""


def worker_id(worker: int) -> int:
    """The id of a producer or consumer; 0 for an ephemeral producer."""
    number = ctypes.c_int64()
    check(lib().pgqrs_worker_id(worker, ctypes.byref(number)))
    return number.value


def keep(consumer: int, leases: Sequence[tuple[int, int]], keep_ms: int) -> int:
    """Has leases kept alive for longer; how many of them are kept."""
    return check(lib().pgqrs_consumer_keep(consumer, tokens(leases), len(leases), keep_ms, None))
