"""Checks of arguments, made before anything crosses into the library.

A wrong type is TypeError, a wrong value ValidationError (a ValueError); both name
the argument. ``bool`` is not taken for a number although it is one in Python:
``batch_size=True`` is a mistake.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from .errors import ValidationError

ID_MAX = 2**63 - 1
BATCH_MAX = 2**31 - 1
KEY_MAX = 255  # bytes of a dedup key; twin of the limit in pgqrs.h
SPAN_MAX = 100 * 366 * 86400  # seconds; longer ones are mistakes, and overflow in databases

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def text(value: object, name: str) -> str:
    """A non-empty string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str, not {_type(value)}")
    if not value:
        raise ValidationError(f"{name} must not be empty.", field=name)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValidationError(f"{name} holds a lone surrogate.", field=name) from None
    return value


def optional_text(value: object, name: str) -> str | None:
    """A non-empty string or None."""
    return None if value is None else text(value, name)


def dedup_key(value: object, name: str = "dedup_key") -> str | None:
    """What a message is known by, or None."""
    if value is None:
        return None
    key = text(value, name)
    size = len(key.encode())
    if size > KEY_MAX:
        raise ValidationError(f"{name} has {size} bytes; at most {KEY_MAX} are allowed.", field=name)
    if "\0" in key:
        raise ValidationError(f"{name} holds a NUL character, which no database stores.", field=name)
    return key


def dedup_keys(values: object, count: int) -> list[str | None]:
    """What each of so many payloads is known by; empty when nothing is given."""
    if values is None:
        return []
    keys = [dedup_key(value, f"dedup_keys[{n}]") for n, value in enumerate(items(values, "dedup_keys"))]
    if len(keys) != count:
        raise ValidationError(
            f"dedup_keys has {len(keys)} entries for {count} payloads; give one for each, None for none.",
            field="dedup_keys",
        )
    return keys


def integer(value: object, name: str, low: int, high: int) -> int:
    """An int between low and high, both included."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be int, not {_type(value)}")
    if not low <= value <= high:
        raise ValidationError(f"{name} must be between {low} and {high}, not {_shown(value)}.", field=name)
    return value


def port(value: object) -> int | None:
    """A port number or None."""
    return None if value is None else integer(value, "port", 0, 65535)


def batch_size(value: object, name: str = "batch_size") -> int:
    """How many messages at most."""
    return integer(value, name, 1, BATCH_MAX)


def identifier(value: object, name: str) -> int:
    """The id of a message, queue or worker."""
    return integer(value, name, 1, ID_MAX)


def number(value: object, name: str, low: float, high: float) -> float:
    """An int or float between low and high, both included."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be int or float, not {_type(value)}")
    if value != value:  # math.isnan takes no int beyond the floats
        raise ValidationError(f"{name} must be a number, not NaN.", field=name)
    if not low <= value <= high:
        raise ValidationError(f"{name} must be between {low:g} and {high:g}, not {_shown(value)}.", field=name)
    return float(value)


def span_ms(value: object, name: str, *, positive: bool = False) -> int:
    """A span of time in milliseconds, rounded up so that it lasts at least as long.

    The argument is a number of seconds or a timedelta, not negative; with positive
    also not zero.
    """
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number of seconds or a timedelta, not {_type(value)}")
    if not 0 <= value <= SPAN_MAX:  # nor is NaN
        raise ValidationError(f"{name} must be between 0 and {SPAN_MAX} seconds, not {_shown(value)}.", field=name)
    if positive and value == 0:
        raise ValidationError(f"{name} must be more than 0 seconds.", field=name)
    return math.ceil(value * 1000)


def wait_ms(value: object, name: str = "wait") -> int:
    """A span to wait: None is 0, infinity is -1, "for ever"."""
    if value is None:
        return 0
    if isinstance(value, float) and value == math.inf:
        return -1
    return span_ms(value, name)


def instant(value: object, name: str) -> int:
    """A point in time as microseconds since 1970 UTC."""
    if not isinstance(value, datetime):
        raise TypeError(f"{name} must be datetime, not {_type(value)}")
    if value.tzinfo is None or value.utcoffset() is None:
        raise ValidationError(
            f"{name} must be timezone-aware; use datetime.now(timezone.utc), for example.", field=name
        )
    microseconds = (value - EPOCH) // _MICROSECOND
    if microseconds <= 0:  # 0 means "not given" to the library
        raise ValidationError(f"{name} must be after 1970.", field=name)
    return microseconds


def function(value: object, name: str) -> Callable[..., Any]:
    """Something to call."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, not {_type(value)}")
    return value


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling this gives a coroutine, as far as one can tell before."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def items(values: object, name: str) -> list[Any]:
    """Several things. A str, bytes or dict iterates over what nobody means, so it is refused."""
    several = cast("Iterable[Any]", values)
    if not isinstance(values, Iterable) or isinstance(values, str | bytes | bytearray | dict):
        raise TypeError(f"{name} must be a list, not {_type(several)}")
    return list(several)


def _shown(value: float) -> str:
    """A number in a message: Python writes no int of more than 4,300 digits."""
    try:
        return str(value)
    except ValueError:
        return "an integer of thousands of digits"


def _type(value: object) -> str:
    return type(value).__name__
