"""The ctypes declarations are those of the header, all of them."""

from __future__ import annotations

import ctypes
import struct

import abi_stub
import header
import pytest

from pgqrs import _transaction
from pgqrs._native import _abi, _codec, _errors, lib
from pgqrs._native._status import STATUS

C_NAMES = {
    "uint64_t": ctypes.c_uint64,
    "int64_t": ctypes.c_int64,
    "uint32_t": ctypes.c_uint32,
    "int32_t": ctypes.c_int32,
    "pgqrs_handle": _abi.Handle,
    "const char *": ctypes.c_char_p,
    "const void *": ctypes.c_void_p,
    "char[8]": ctypes.c_char * 8,
}
STRUCTURES = {
    "pgqrs_list": _abi.List,
    "pgqrs_completion": _abi.Completion,
    "pgqrs_message": _abi.Message,
    "pgqrs_token": _abi.Token,
    "pgqrs_error_detail": _abi.ErrorDetail,
    "pgqrs_cq_options": _abi.CqOptions,
    "pgqrs_store_options": _abi.StoreOptions,
    "pgqrs_worker_options": _abi.WorkerOptions,
    "pgqrs_enqueue_options": _abi.EnqueueOptions,
    "pgqrs_dequeue_options": _abi.DequeueOptions,
    "pgqrs_release_options": _abi.ReleaseOptions,
    "pgqrs_queue_options": _abi.QueueOptions,
    "pgqrs_table_options": _abi.TableOptions,
}
# A view is what pgqrs_str is when the library fills it in.
OUTPUT_RECORDS = (_abi.Message, _abi.ErrorDetail)


def declared(spelling: str, *, output: bool) -> object:
    """What ctypes calls a type of the header."""
    pointer = spelling.endswith(" *") and spelling not in C_NAMES
    base = spelling.removesuffix(" *") if pointer else spelling
    base = base.removeprefix("const ") if pointer else base
    if base == "pgqrs_str":
        kind: type = _abi.View if output else _abi.Str
    else:
        kind = C_NAMES.get(base) or STRUCTURES[base]
    return ctypes.POINTER(kind) if pointer else kind


@pytest.mark.parametrize("name", sorted(header.prototypes()))
def test_every_function_has_its_full_declaration(name: str) -> None:
    result, parameters = header.prototypes()[name]
    assert name in _abi.FUNCTIONS, f"{name} is not declared in _abi.py"
    restype, argtypes = _abi.FUNCTIONS[name]
    assert restype is declared(result, output=True)
    wanted = [declared(p, output=p == "pgqrs_str *") for p in parameters]
    assert list(argtypes) == wanted


def test_no_function_is_declared_that_the_header_lacks() -> None:
    assert set(_abi.FUNCTIONS) == set(header.prototypes())


@pytest.mark.parametrize("name", sorted(set(header.structures()) - {"pgqrs_str"}))
def test_every_structure_has_the_fields_of_the_header(name: str) -> None:
    twin = STRUCTURES[name]
    output = twin in OUTPUT_RECORDS
    assert [(f, t) for f, t in twin._fields_] == [
        (field, declared(spelling, output=output)) for field, spelling in header.structures()[name]
    ]


def test_both_twins_of_str_have_its_layout() -> None:
    assert header.structures()["pgqrs_str"] == [("data", "const char *"), ("len", "uint64_t")]
    for twin in (_abi.Str, _abi.View):
        assert (twin.data.offset, twin.len.offset, ctypes.sizeof(twin)) == (0, 8, 16)


@pytest.mark.parametrize(
    ("form", "twin"),
    [
        (_abi.COMPLETION_FORMAT, _abi.Completion),
        (_abi.MESSAGE_FORMAT, _abi.Message),
        (_abi.TOKEN_FORMAT, _abi.Token),
    ],
)
def test_struct_formats_have_the_layout_of_their_structures(form: str, twin: type[ctypes.Structure]) -> None:
    assert struct.calcsize(form) == ctypes.sizeof(twin)
    # Each byte is given a value of its own, so that no two fields could be exchanged.
    block = bytes(range(1, ctypes.sizeof(twin) + 1))

    def flat(value: object) -> list[object]:
        if isinstance(value, ctypes.Structure):
            return [x for field, _ in value._fields_ for x in flat(getattr(value, field))]
        return [value]

    assert list(struct.unpack(form, block)) == flat(twin.from_buffer_copy(block))


def test_constants_are_those_of_the_header() -> None:
    constants = header.constants()
    twins = {name: value for name, value in vars(_abi).items() if name.isupper() and isinstance(value, int)}
    assert twins
    assert twins == {name: constants[name] for name in twins}
    flags = {n for n in constants if not n.startswith("E_") and n not in ("OK", "ABI_VERSION")}
    assert flags - set(twins) == set(), "a constant of the header has no twin"


def test_statuses_are_those_of_the_header() -> None:
    constants = header.constants()
    wanted = {value: name.removeprefix("E_") for name, value in constants.items() if name.startswith("E_")}
    assert {code: name for code, (name, _, _) in STATUS.items() if code} == wanted


def test_no_callback_crosses_the_boundary() -> None:
    for path in header.HEADER.parents[1].glob("python/pgqrs/**/*.py"):
        code = path.read_text()
        assert "CFUNCTYPE(" not in code
        assert "PYFUNCTYPE(" not in code


def test_the_stub_is_up_to_date() -> None:
    assert abi_stub.STUB.read_text() == abi_stub.render(_abi), "run python tests/python/support/abi_stub.py"


def test_the_sql_of_enqueue_batch_in_is_the_librarys() -> None:
    enqueue = _transaction._Enqueue("tasks", [b"1"], ["once"], None, 'my "jobs"')
    result, error = _abi.Handle(), _abi.Handle()
    schema = _codec._str(enqueue.schema)
    status = lib().pgqrs_sql_text(0, schema, _abi.SQL_ENQUEUE_BATCH, None, ctypes.byref(result), ctypes.byref(error))
    _errors.check(status, error.value)
    try:
        answer = _codec.read_json(result.value)
    finally:
        lib().pgqrs_close(result)
    assert answer["sql"] == enqueue.statement(lambda _, n: f"${n}")
    assert [parameter["name"] for parameter in answer["parameters"]] == list(enqueue.parameters)
