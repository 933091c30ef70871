"""Payloads: encoded once before the call crosses, decoded when they are looked at."""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable, Iterable
from typing import Any

from .errors import ValidationError

# Text is sent as it is and not as \u escapes, which would make it up to six times
# longer; a lone surrogate then fails here, where it can be explained.
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)
_decoder = json.JSONDecoder()


def _direct() -> Callable[[Any, int], Iterable[str]]:
    """The encoder without what JSONEncoder.encode() does anew for every value, which
    takes longer than encoding a small one: a function of a value and an indentation
    that gives the pieces of its text. Interpreters without it encode as usual.
    """
    make: Callable[..., Callable[[Any, int], tuple[str, ...]]] | None = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda payload, _: (_encoder.encode(payload),)
    return make(None, _encoder.default, json.encoder.encode_basestring, None, ":", ",", False, False, False)


_pieces = _direct()


def encode(payload: Any, name: str = "payload") -> bytes:
    """The payload as JSON.

    Raises TypeError for what JSON cannot express, ValidationError (a ValueError)
    for NaN, infinities, lone surrogates and structures that are too deep or contain
    themselves; each names the argument.
    """
    try:
        return "".join(_pieces(payload, 0)).encode()
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
        raise ValidationError(f"{name} is nested too deeply, or contains itself.", field=name) from problem
    except ValueError as problem:
        text = str(problem)
        if "Out of range float" in text:
            text = "NaN and infinities do not exist in JSON; store None or a string instead"
        raise ValidationError(f"{name} cannot be stored as JSON: {text}.", field=name) from problem


def encode_all(payloads: Iterable[Any], name: str) -> list[bytes]:
    """Several payloads as JSON; an exception names the one it is about."""
    encoded: list[bytes] = []
    for payload in payloads:
        try:
            encoded.append("".join(_pieces(payload, 0)).encode())
        except Exception:
            encoded.append(encode(payload, f"{name}[{len(encoded)}]"))  # raises, and says why
    return encoded


def decode(document: bytes) -> Any:
    """The value of a document; integers of any size stay exact."""
    text = document.decode()
    try:
        value, end = _decoder.raw_decode(text)  # loads() without its search for white space
        return value if end == len(text) else json.loads(text)
    except ValueError:
        # PostgreSQL writes 1e5000 out in digits, and int() refuses more than 4,300
        # of them to bound quadratic work; the payload limit bounds it here.
        return json.loads(text, parse_int=_any_size)


def _any_size(digits: str) -> int:
    from decimal import Decimal  # takes longer to import than most of this package, and is hardly ever asked for

    return int(Decimal(digits))
