"""Decorators that make workflows and steps of async functions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar, overload

from . import _arguments
from ._retry import Retry
from ._workflow import Workflow, perform
from ._workflow_tables import ATTEMPTS_DEFAULT, ATTEMPTS_MAX

__all__ = ["step", "workflow"]

P = ParamSpec("P")
T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 (input)
O = TypeVar("O")  # noqa: E741 (output)


@overload
def workflow(function: Callable[[I], Coroutine[Any, Any, O]], /) -> Workflow[I, O]: ...
@overload
def workflow(*, name: str | None = None) -> Callable[[Callable[[I], Coroutine[Any, Any, O]]], Workflow[I, O]]: ...
def workflow(function: Any = None, /, *, name: str | None = None) -> Any:
    """Makes a workflow of an async function that takes the run's input.

    ::

        @pgqrs.workflow(name="orders")
        async def orders(order):
            paid = await charge(order)
            await ship(order, paid)
            return paid

    The result handles the messages of the queue of its name, the function's own name
    when none is given. What the function returns becomes the run's output; what it
    raises, the run's error. After a crash, or when a step is to be tried again, the
    function is called anew, and steps that were done before return what they returned
    then. So what it does outside of steps must be the same every time.
    """

    def make(function: Callable[[I], Coroutine[Any, Any, O]]) -> Workflow[I, O]:
        _async_only(function, "workflow")
        try:
            inspect.signature(function).bind(None)
        except TypeError:
            raise TypeError(f"the workflow {function.__name__} must take one argument, the run's input") from None
        return Workflow(function, function.__name__ if name is None else _arguments.text(name, "name"))

    return make if function is None else make(function)


@overload
def step(function: Callable[P, Coroutine[Any, Any, T]], /) -> Callable[P, Coroutine[Any, Any, T]]: ...
@overload
def step(
    *, name: str | None = None, retries: int = ATTEMPTS_DEFAULT - 1, delay: float | timedelta | Retry = 1.0
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, Coroutine[Any, Any, T]]]: ...
def step(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    retries: int = ATTEMPTS_DEFAULT - 1,
    delay: float | timedelta | Retry = 1.0,
) -> Any:
    """Makes a step of an async function: inside a workflow it is done once.

    name     what it is recorded under; the function's own name when not given. A second
             call in one run is recorded as "name#2", and so on
    retries  how often it is tried again after it raised; then RetriesExhaustedError
             is raised in the workflow
    delay    seconds before it is tried again, or a Retry for pauses that grow. A
             TransientStepError with a retry_after says it itself

    It returns what its result is as JSON, the first time as well: a tuple becomes a
    list. A step that was under way when its process died is done again, so it should
    bear that. Outside a workflow, and inside another step, it is just its function.
    """
    attempts = 1 + _arguments.integer(retries, "retries", 0, ATTEMPTS_MAX - 1)
    pause = delay if isinstance(delay, Retry) else _arguments.span_ms(delay, "delay") / 1000

    def make(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        _async_only(function, "step")
        label = function.__name__ if name is None else _arguments.text(name, "name")

        @functools.wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return await perform(label, attempts, pause, functools.partial(function, *args, **kwargs))

        return call

    return make if function is None else make(function)


def _async_only(function: object, what: str) -> None:
    if not inspect.iscoroutinefunction(function):
        named = getattr(function, "__name__", repr(function))
        raise TypeError(
            f"@pgqrs.{what} takes async functions, and {named} is none. "
            "Write `async def`, and call what blocks with asyncio.to_thread()."
        )
