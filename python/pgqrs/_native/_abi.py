"""Declarations only: the structures, constants and prototypes of include/pgqrs.h.

Every structure is the twin of the one of the same name in the header, and
``FUNCTIONS`` holds the prototype of every function; tests/python/unit/test_abi.py
walks the header and fails for anything that is missing or different here.

No restype is ``c_char_p`` for text the caller owns (ctypes would drop the
pointer), and there is no CFUNCTYPE anywhere: the library never calls Python.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_char, c_char_p, c_int32, c_int64, c_uint32, c_uint64, c_void_p
from typing import Any, Final

ABI_VERSION: Final = 1

CQE_MORE: Final = 0x1
CQE_VALUE: Final = 0x2
CQ_PIPE: Final = 0x1
CQ_VALUES: Final = 0x2
STORE_BOOTSTRAP: Final = 0x1
WORKER_EPHEMERAL: Final = 0x1
DEQUEUE_AUTO_EXTEND: Final = 0x1
BATCH_DEFAULT: Final = 0xFFFFFFFF
RELEASE_UNREAD: Final = 0x1
FILTER_DEAD_ONLY: Final = 0x1
SQL_ENQUEUE: Final = 1
SQL_ENQUEUE_BATCH: Final = 2
ERROR_TRANSIENT: Final = 0x1
ERROR_SAFE_TO_RETRY: Final = 0x2
LOG_DEBUG: Final = 1
LOG_INFO: Final = 2
LOG_WARN: Final = 3
LOG_ERROR: Final = 4
HAS_DEQUEUED_AT: Final = 0x01
HAS_ARCHIVED_AT: Final = 0x02
HAS_PRODUCER_WORKER_ID: Final = 0x04
HAS_CONSUMER_WORKER_ID: Final = 0x08
HAS_DEAD_REASON: Final = 0x10

Handle = c_uint64  # pgqrs_handle; 0 is never valid


class Str(Structure):
    """pgqrs_str as an input: borrowed from the bytes object it was made of."""

    _fields_ = [("data", c_char_p), ("len", c_uint64)]


class View(Structure):
    """pgqrs_str as an output: valid until the handle it was read from is closed.

    The address stays a number, because ctypes reads a ``c_char_p`` only up to the
    first NUL.
    """

    _fields_ = [("data", c_void_p), ("len", c_uint64)]


class List(Structure):
    _fields_ = [("items", c_void_p), ("item_size", c_uint32), ("count", c_uint32)]


class Completion(Structure):
    _fields_ = [
        ("user_data", c_uint64),
        ("status", c_int32),
        ("flags", c_uint32),
        ("result", Handle),
        ("error", Handle),
    ]


COMPLETION_FORMAT: Final = "<QiIQQ"  # Completion for the struct module, which unpacks many at once


class Message(Structure):
    _fields_ = [
        ("id", c_int64),
        ("queue_id", c_int64),
        ("enqueued_at", c_int64),
        ("vt", c_int64),
        ("dequeued_at", c_int64),
        ("archived_at", c_int64),
        ("producer_worker_id", c_int64),
        ("consumer_worker_id", c_int64),
        ("payload", View),
        ("dead_reason", View),
        ("read_ct", c_int32),
        ("present", c_uint32),
    ]


MESSAGE_FORMAT: Final = "<8qQQQQiI"  # Message for the struct module


class Token(Structure):
    _fields_ = [("id", c_int64), ("read_ct", c_int32), ("reserved", c_uint32)]


TOKEN_FORMAT: Final = "<qiI"  # Token for the struct module


class ErrorDetail(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("code", c_int32),
        ("message", View),
        ("operation", View),
        ("field", View),
        ("sqlstate", c_char * 8),
        ("retry_after_ms", c_int64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class CqOptions(Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("max_pending", c_uint32), ("reserved", c_uint32)]


class StoreOptions(Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("dsn", Str), ("config", Str)]


class WorkerOptions(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("hostname", Str),
        ("port", c_int32),
        ("reserved", c_uint32),
    ]


class EnqueueOptions(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("delay_ms", c_int64),
        ("at", c_int64),
        ("dedup_keys", POINTER(Str)),
    ]


class DequeueOptions(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("batch", c_uint32),
        ("reserved", c_uint32),
        ("lease_ms", c_int64),
        ("wait_ms", c_int64),
        ("at", c_int64),
        ("keep_max_ms", c_int64),
    ]


class ReleaseOptions(Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("at", c_int64)]


class QueueOptions(Structure):
    _fields_ = [("struct_size", c_uint32), ("max_read_ct", c_int32)]


class TableOptions(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("queue", Str),
        ("worker_id", c_int64),
        ("limit", c_int64),
        ("offset", c_int64),
        ("older_than_ms", c_int64),
        ("min_read_ct", c_int32),
        ("reserved", c_uint32),
        ("payload", Str),
        ("run_id", c_int64),
        ("status", Str),
    ]


# The common end of asynchronous prototypes: cq, user_data, op, error.
_TAIL = (Handle, c_uint64, POINTER(Handle), POINTER(Handle))
_STR = POINTER(Str)
_OUT = POINTER(Handle)
_TOKENS = (Handle, POINTER(Token), c_uint32)
_BY_NAME = (Handle, _STR, *_TAIL)  # store, queue name
_BY_ID = (Handle, c_int64, *_TAIL)  # store, id
_BY_FILTER = (Handle, POINTER(TableOptions), *_TAIL)  # store, options
_ON = (Handle, *_TAIL)  # the target alone
_EXECUTION = (Handle, c_int64, c_int32)  # store, run, attempt
_ACKNOWLEDGE_WAIT = (Handle, c_int64, c_int32, c_int64, _OUT)

# name -> (restype, argtypes); statuses are int32_t.
FUNCTIONS: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    # library; the first three texts and numbers are static, so c_char_p drops nothing
    "pgqrs_version": (c_char_p, ()),
    "pgqrs_abi_version": (c_int32, ()),
    "pgqrs_status_text": (c_char_p, (c_int32,)),
    "pgqrs_runtime_wait": (c_int32, ()),
    "pgqrs_shutdown_wait": (c_int32, (c_int64,)),
    "pgqrs_close": (c_int32, (Handle,)),
    # errors and results
    "pgqrs_error_info": (c_int32, (Handle, POINTER(ErrorDetail))),
    "pgqrs_result_ids": (c_int32, (Handle, POINTER(List))),
    "pgqrs_result_failure": (c_int32, (Handle, c_uint32, POINTER(Handle))),
    "pgqrs_result_messages": (c_int32, (Handle, POINTER(List))),
    "pgqrs_result_outcomes": (c_int32, (Handle, POINTER(List))),
    "pgqrs_result_tokens": (c_int32, (Handle, POINTER(List))),
    "pgqrs_result_json": (c_int32, (Handle, POINTER(View))),
    "pgqrs_result_discard": (c_int32, (Handle,)),
    # completion queue
    "pgqrs_cq_open": (c_int32, (POINTER(CqOptions), _OUT)),
    "pgqrs_cq_fd": (c_int32, (Handle, POINTER(c_int32))),
    "pgqrs_cq_poll": (c_int32, (Handle, POINTER(Completion), c_uint32)),
    "pgqrs_cq_wait": (c_int32, (Handle, c_int64)),
    "pgqrs_op_cancel": (c_int32, (Handle,)),
    "pgqrs_cq_nop": (c_int32, _TAIL),
    # log
    "pgqrs_log_subscribe": (c_int32, (c_int32, *_TAIL)),
    # stores
    "pgqrs_store_open": (c_int32, (POINTER(StoreOptions), *_TAIL)),
    "pgqrs_store_stop": (c_int32, _ON),
    "pgqrs_store_install": (c_int32, _ON),
    "pgqrs_store_verify": (c_int32, _ON),
    "pgqrs_store_uninstall": (c_int32, _ON),
    "pgqrs_store_stats": (c_int32, _ON),
    "pgqrs_store_activity": (c_int32, _ON),
    "pgqrs_store_inspect": (c_int32, _ON),
    # workers
    "pgqrs_producer_open": (c_int32, (Handle, _STR, POINTER(WorkerOptions), *_TAIL)),
    "pgqrs_consumer_open": (c_int32, (Handle, _STR, POINTER(WorkerOptions), *_TAIL)),
    "pgqrs_worker_id": (c_int32, (Handle, POINTER(c_int64))),
    "pgqrs_consumer_losses": (c_int32, _ON),
    "pgqrs_consumer_keep": (c_int32, (*_TOKENS, c_int64, _OUT)),
    "pgqrs_worker_heartbeat": (c_int32, _ON),
    "pgqrs_worker_suspend": (c_int32, _ON),
    "pgqrs_worker_resume": (c_int32, _ON),
    "pgqrs_worker_shutdown": (c_int32, _ON),
    "pgqrs_worker_status": (c_int32, _ON),
    "pgqrs_worker_interrupt": (c_int32, _ON),
    "pgqrs_worker_poll": (c_int32, (Handle, c_int32, *_TAIL)),
    # messages
    "pgqrs_enqueue": (c_int32, (Handle, _STR, c_uint32, POINTER(EnqueueOptions), *_TAIL)),
    "pgqrs_enqueue_each": (c_int32, (Handle, _STR, c_uint32, POINTER(EnqueueOptions), *_TAIL)),
    "pgqrs_dequeue": (c_int32, (Handle, POINTER(DequeueOptions), *_TAIL)),
    "pgqrs_archive": (c_int32, (*_TOKENS, *_TAIL)),
    "pgqrs_delete": (c_int32, (*_TOKENS, *_TAIL)),
    "pgqrs_extend_vt": (c_int32, (*_TOKENS, c_int64, *_TAIL)),
    "pgqrs_release": (c_int32, (*_TOKENS, POINTER(ReleaseOptions), *_TAIL)),
    # tables
    "pgqrs_queue_create": (c_int32, (Handle, _STR, POINTER(QueueOptions), *_TAIL)),
    "pgqrs_queue_get": (c_int32, _BY_NAME),
    "pgqrs_queue_by_id": (c_int32, _BY_ID),
    "pgqrs_queue_delete": (c_int32, _BY_NAME),
    "pgqrs_queue_purge": (c_int32, _BY_NAME),
    "pgqrs_queue_metrics": (c_int32, _BY_FILTER),
    "pgqrs_queue_list": (c_int32, _BY_FILTER),
    "pgqrs_queue_count": (c_int32, _BY_FILTER),
    "pgqrs_worker_get": (c_int32, _BY_ID),
    "pgqrs_worker_list": (c_int32, _BY_FILTER),
    "pgqrs_worker_count": (c_int32, _BY_FILTER),
    "pgqrs_worker_delete": (c_int32, _BY_ID),
    "pgqrs_worker_release": (c_int32, _BY_ID),
    "pgqrs_worker_purge": (c_int32, _BY_FILTER),
    "pgqrs_worker_stats": (c_int32, _BY_FILTER),
    "pgqrs_worker_health": (c_int32, _BY_FILTER),
    "pgqrs_message_get": (c_int32, _BY_ID),
    "pgqrs_message_list": (c_int32, _BY_FILTER),
    "pgqrs_message_count": (c_int32, _BY_FILTER),
    "pgqrs_message_reclaim": (c_int32, _BY_FILTER),
    "pgqrs_message_dead_letter": (c_int32, _BY_ID),
    "pgqrs_archive_get": (c_int32, _BY_ID),
    "pgqrs_archive_list": (c_int32, _BY_FILTER),
    "pgqrs_archive_count": (c_int32, _BY_FILTER),
    "pgqrs_archive_delete": (c_int32, _BY_ID),
    "pgqrs_archive_replay": (c_int32, _BY_ID),
    "pgqrs_archive_purge": (c_int32, _BY_FILTER),
    # workflows
    "pgqrs_workflow_create": (c_int32, (Handle, _STR, POINTER(QueueOptions), *_TAIL)),
    "pgqrs_workflow_get": (c_int32, _BY_NAME),
    "pgqrs_workflow_by_id": (c_int32, _BY_ID),
    "pgqrs_workflow_list": (c_int32, _BY_FILTER),
    "pgqrs_workflow_count": (c_int32, _BY_FILTER),
    "pgqrs_run_trigger": (c_int32, (Handle, _STR, _STR, *_TAIL)),
    "pgqrs_run_start": (c_int32, (Handle, c_int64, c_int64, *_TAIL)),
    "pgqrs_run_complete": (c_int32, (*_EXECUTION, _STR, *_TAIL)),
    "pgqrs_run_fail": (c_int32, (*_EXECUTION, _STR, *_TAIL)),
    "pgqrs_run_pause": (c_int32, _BY_ID),
    "pgqrs_run_resume": (c_int32, _BY_ID),
    "pgqrs_run_cancel": (c_int32, _BY_ID),
    "pgqrs_run_get": (c_int32, _BY_ID),
    "pgqrs_run_list": (c_int32, _BY_FILTER),
    "pgqrs_run_count": (c_int32, _BY_FILTER),
    "pgqrs_step_acquire": (c_int32, (*_EXECUTION, _STR, c_int32, *_TAIL)),
    "pgqrs_step_complete": (c_int32, (*_EXECUTION, _STR, _STR, *_TAIL)),
    "pgqrs_step_fail": (c_int32, (*_EXECUTION, _STR, _STR, c_int64, *_TAIL)),
    "pgqrs_step_get": (c_int32, _BY_ID),
    "pgqrs_step_list": (c_int32, _BY_FILTER),
    "pgqrs_step_count": (c_int32, _BY_FILTER),
    # SQL for transactions of the caller's own
    "pgqrs_sql_text": (c_int32, (Handle, _STR, c_int32, POINTER(View), _OUT, _OUT)),
    # blocking forms
    "pgqrs_store_open_wait": (c_int32, (_STR, c_int64, _OUT, _OUT)),
    "pgqrs_install_wait": (c_int32, (Handle, c_int64, _OUT)),
    "pgqrs_queue_create_wait": (c_int32, (Handle, _STR, c_int64, _OUT)),
    "pgqrs_producer_open_wait": (c_int32, (Handle, _STR, c_int64, _OUT, _OUT)),
    "pgqrs_consumer_open_wait": (c_int32, (Handle, _STR, c_int64, _OUT, _OUT)),
    "pgqrs_enqueue_wait": (c_int32, (Handle, _STR, c_int64, c_int64, POINTER(c_int64), _OUT)),
    "pgqrs_dequeue_wait": (c_int32, (Handle, c_uint32, c_int64, c_int64, c_int64, _OUT, _OUT)),
    "pgqrs_archive_wait": (c_int32, _ACKNOWLEDGE_WAIT),
    "pgqrs_delete_wait": (c_int32, _ACKNOWLEDGE_WAIT),
    "pgqrs_extend_vt_wait": (c_int32, (Handle, c_int64, c_int32, c_int64, c_int64, _OUT)),
    "pgqrs_release_wait": (c_int32, _ACKNOWLEDGE_WAIT),
}


def declare(library: ctypes.CDLL) -> None:
    """Gives every function of the library its result and argument types.

    Raises AttributeError naming the first function the library does not export.
    """
    for name, (restype, argtypes) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = restype
        function.argtypes = argtypes
