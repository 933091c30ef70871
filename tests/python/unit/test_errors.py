"""The tree of exceptions, and the funnel into it."""

from __future__ import annotations

import builtins
import inspect
import pickle

import pytest

import pgqrs
from pgqrs import errors
from pgqrs._native._errors import exception
from pgqrs._native._status import STATUS

CLASSES = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, pgqrs.PgqrsError)]


def test_bases_are_those_users_expect() -> None:
    assert issubclass(pgqrs.PgqrsError, RuntimeError)
    for name in ("QueueNotFoundError", "ValidationError", "ConfigError", "SerializationError"):
        assert issubclass(getattr(pgqrs, name), ValueError)
    assert issubclass(pgqrs.PgqrsConnectionError, ConnectionError)
    assert issubclass(pgqrs.TimeoutError, builtins.TimeoutError)
    assert issubclass(pgqrs.SchemaError, pgqrs.DatabaseError)


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    drawn = set(
        line.strip("│├└─ ").partition(" ")[0] for line in (errors.__doc__ or "").splitlines() if "Error" in line
    )
    assert {c.__name__ for c in CLASSES} <= drawn


@pytest.mark.parametrize("kind", CLASSES, ids=lambda c: c.__name__)
def test_every_class_has_a_text_a_code_and_survives_pickling(kind: type[pgqrs.PgqrsError]) -> None:
    assert str(kind()) == inspect.cleandoc(kind.__doc__ or "").splitlines()[0]
    problem = kind("what happened", sqlstate="40001", operation="enqueue", retry_after=1.5)
    again = pickle.loads(pickle.dumps(problem))
    assert type(again) is kind
    assert str(again) == "what happened"
    assert (again.sqlstate, again.operation, again.retry_after) == ("40001", "enqueue", 1.5)
    assert again.code == problem.code < 0


@pytest.mark.parametrize("status", [code for code in STATUS if code])
def test_every_status_has_its_class(status: int) -> None:
    name, class_name, text = STATUS[status]
    problem = exception(status)
    if name != "CANCELLED":  # the bridge cancels the await
        assert type(problem).__name__ == class_name
    assert (problem.code, str(problem)) == (status, text)


def test_a_status_without_an_entry_is_internal_and_names_the_number() -> None:
    problem = exception(-777)
    assert isinstance(problem, pgqrs.InternalError)
    assert "-777" in str(problem)


def test_what_is_raised_before_anything_is_sent_is_safe_to_retry() -> None:
    with pytest.raises(pgqrs.ValidationError) as caught:
        pgqrs.Producer("sqlite::memory:", "")
    assert caught.value.safe_to_retry
    for kind in (pgqrs.ConfigError, pgqrs.SerializationError, pgqrs.StateTransitionError, pgqrs.ForkError):
        assert kind("").safe_to_retry
    for kind in (pgqrs.PgqrsConnectionError, pgqrs.DatabaseError, pgqrs.TimeoutError, pgqrs.InternalError):
        assert not kind("").safe_to_retry, "what these are about has been sent, as a rule"
    assert not pgqrs.ValidationError("", safe_to_retry=False).safe_to_retry
    assert pickle.loads(pickle.dumps(caught.value)).safe_to_retry


@pytest.mark.parametrize("status", [code for code in STATUS if code])
def test_a_status_without_a_text_of_its_own_promises_nothing(status: int) -> None:
    assert not exception(status).safe_to_retry
