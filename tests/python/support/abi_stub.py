"""Writes python/pgqrs/_native/_abi.pyi: the types of what _abi.py declares with ctypes.

    python tests/python/support/abi_stub.py    write the stub

tests/python/unit/test_abi.py fails when the stub is out of date.
"""

from __future__ import annotations

import ctypes
import inspect
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
WIDTH = 120
STUB = ROOT / "python" / "pgqrs" / "_native" / "_abi.pyi"

HEAD = '''# Generated from _abi.py by tests/python/support/abi_stub.py; do not edit.

from ctypes import CDLL, Structure, c_uint64
from typing import Any, Final, Protocol, TypeAlias

Handle = c_uint64
Pointer: TypeAlias = Any
"""byref(…), an array, a structure, or None for NULL."""

FUNCTIONS: Final[dict[str, tuple[Any, tuple[Any, ...]]]]

def declare(library: CDLL) -> None: ...
'''


def render(abi: Any) -> str:
    """The text of the stub."""
    structures = [s for s in vars(abi).values() if inspect.isclass(s) and issubclass(s, ctypes.Structure)]
    own = [s for s in structures if s.__module__ == abi.__name__]
    parts = [HEAD]
    for name, value in vars(abi).items():
        if name.isupper() and isinstance(value, int | str):
            parts.append(f"{name}: Final = {value!r}" if isinstance(value, int) else f'{name}: Final = "{value}"')
    for structure in own:
        fields = structure._fields_
        parts.append(f"\nclass {structure.__name__}(Structure):")
        parts += [f"    {name}: {_field(kind)}" for name, kind in fields]
        parts.append(_method("__init__", [f"{name}: {_field(kind)} = ..." for name, kind in fields], "None"))
    parts.append('\nclass Library(Protocol):\n    """The shared library after declare()."""\n')
    for name, (restype, argtypes) in abi.FUNCTIONS.items():
        arguments = [f"_{n}: {_argument(kind)}" for n, kind in enumerate(argtypes)]
        parts.append(_method(name, [*arguments, "/"] if arguments else [], _result(restype)))
    return "\n".join(parts) + "\n"


def _method(name: str, parameters: list[str], result: str) -> str:
    """One method, broken into lines as the formatter would."""
    everything = ["self", *parameters]
    head, tail = f"    def {name}(", f") -> {result}: ..."
    joined = ", ".join(everything)
    if len(head + joined + tail) <= WIDTH:
        return head + joined + tail
    if len(joined) + 8 <= WIDTH:
        return f"{head}\n        {joined}\n    {tail}"
    return head + "".join(f"\n        {parameter}," for parameter in everything) + f"\n    {tail}"


def _field(kind: Any) -> str:
    if _is_pointer(kind):
        return "Pointer"
    if issubclass(kind, ctypes.Structure):
        return str(kind.__name__)
    if kind is ctypes.c_void_p:
        return "int"  # None only where the length is 0
    if kind is ctypes.c_char_p:
        return "bytes | None"
    return "bytes" if issubclass(kind, ctypes.Array) else "int"


def _argument(kind: Any) -> str:
    return "Pointer" if _is_pointer(kind) else "int"


def _is_pointer(kind: Any) -> bool:
    return issubclass(kind, ctypes._Pointer)  # type: ignore[attr-defined]


def _result(kind: Any) -> str:
    return "bytes" if kind is ctypes.c_char_p else "int"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "python"))
    from pgqrs._native import _abi

    STUB.write_text(render(_abi))
