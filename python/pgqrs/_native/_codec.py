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
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from .._payload import decode
from . import _abi, lib  # pyright: ignore[reportPrivateUsage] (it has a stub)
from ._errors import OK, check

Argument: TypeAlias = Any
"""An encoded argument: opaque to everything but the library."""

MISSING = None
"""The encoded form of options that are all at their defaults."""

_MESSAGE = struct.Struct(_abi.MESSAGE_FORMAT)
_TOKEN = struct.Struct(_abi.TOKEN_FORMAT)


class MessageRow(NamedTuple):
    """One message as the library gave it; instants are microseconds since 1970 UTC."""

    id: int
    queue_id: int
    enqueued_at: int
    vt: int
    dequeued_at: int | None
    archived_at: int | None
    producer_worker_id: int | None
    consumer_worker_id: int | None
    payload: bytes
    dead_reason: str | None
    read_ct: int


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


def payloads(documents: Sequence[bytes]) -> Argument:
    """JSON documents as an array."""
    return (_abi.Str * len(documents))(*[_abi.Str(document, len(document)) for document in documents])


def tokens(leases: Sequence[tuple[int, int]]) -> Argument:
    """Fencing tokens, each (message id, receive count or 0), as an array."""
    block = b"".join([_TOKEN.pack(message, read_ct, 0) for message, read_ct in leases])
    return (_abi.Token * len(leases)).from_buffer_copy(block)


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


def enqueue_options(delay_ms: int, at: int) -> Argument:
    if not delay_ms and not at:
        return MISSING
    return _abi.EnqueueOptions(ctypes.sizeof(_abi.EnqueueOptions), 0, delay_ms, at)


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


def read_messages(result: int) -> list[MessageRow]:
    """The messages of a dequeue or of a table call, payloads still encoded."""
    view = _abi.List()
    check(lib().pgqrs_result_messages(result, ctypes.byref(view)))
    if not view.count:
        return []
    stride = view.item_size  # a newer library may have longer records
    block = ctypes.string_at(view.items, stride * view.count)
    return [_message(block, start) for start in range(0, len(block), stride)]


def _message(block: bytes, start: int) -> MessageRow:
    (
        id_,
        queue_id,
        enqueued_at,
        vt,
        dequeued_at,
        archived_at,
        producer,
        consumer,
        payload,
        payload_len,
        reason,
        reason_len,
        read_ct,
        present,
    ) = _MESSAGE.unpack_from(block, start)
    return MessageRow(
        id_,
        queue_id,
        enqueued_at,
        vt,
        dequeued_at if present & _abi.HAS_DEQUEUED_AT else None,
        archived_at if present & _abi.HAS_ARCHIVED_AT else None,
        producer if present & _abi.HAS_PRODUCER_WORKER_ID else None,
        consumer if present & _abi.HAS_CONSUMER_WORKER_ID else None,
        ctypes.string_at(payload, payload_len),
        ctypes.string_at(reason, reason_len).decode("utf-8", "replace") if present & _abi.HAS_DEAD_REASON else None,
        read_ct,
    )


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
