"""Payloads: encoded once before the call crosses, decoded when they are looked at."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from .errors import ValidationError

# Text is sent as it is and not as \u escapes, which would make it up to six times
# longer; a lone surrogate then fails here, where it can be explained.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode(payload: Any, name: str = "payload") -> bytes:
    """The payload as JSON.

    Raises TypeError for what JSON cannot express, ValidationError (a ValueError)
    for NaN, infinities, lone surrogates and circular or too deep structures; each
    names the argument.
    """
    try:
        return _encode(payload).encode()
    except TypeError as problem:
        raise TypeError(
            f"{name} cannot be stored as JSON: {problem}. "
            "Use dicts with str keys, lists, str, int, float, bool and None."
        ) from problem
    except UnicodeEncodeError as problem:
        raise ValidationError(
            f"{name} holds a lone surrogate (U+{ord(problem.object[problem.start]):04X}), "
            "which is no text and which no database stores.",
            field=name,
        ) from problem
    except RecursionError as problem:
        raise ValidationError(f"{name} is nested too deeply.", field=name) from problem
    except ValueError as problem:
        text = str(problem)
        if "Out of range float" in text:
            text = "NaN and infinities do not exist in JSON; store None or a string instead"
        raise ValidationError(f"{name} cannot be stored as JSON: {text}.", field=name) from problem


def decode(document: bytes) -> Any:
    """The value of a document; integers of any size stay exact."""
    text = document.decode()
    try:
        return json.loads(text)
    except ValueError:
        # PostgreSQL writes 1e5000 out in digits, and int() refuses more than 4,300
        # of them to bound quadratic work; the payload limit bounds it here.
        return json.loads(text, parse_int=_any_size)


def _any_size(digits: str) -> int:
    return int(Decimal(digits))
