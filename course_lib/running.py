"""Run somebody's function on a case and write down all that happens, whatever happens.

What the function prints is kept, what it raises is an outcome, what it changes is noticed, and a loop without
end is stopped. Judging is `course_lib.checking`'s.
"""

import contextlib
import copy
import ctypes
import dis
import inspect
import io
import itertools
import signal
import threading
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_lib.comparing import Difference, compare, describe
from course_lib.exercises import Case, ContractError, Exercise, Seed

__all__ = [
    "GLOBAL_SOURCE",
    "USUAL_WARNINGS",
    "Captured",
    "Outcome",
    "TimeLimitReached",
    "agree",
    "as_locked",
    "copied",
    "first_difference",
    "is_untouched",
    "own_line",
    "quietly",
    "reads",
    "run_case",
    "same_again",
    "same_values",
    "time_limit",
]

MOST_ITEMS = 10_000  # a generator that yields more than this does not end
MOST_PRINTED = 1_000  # characters of the learner's own output that are kept
REPEAT = 0.2  # seconds after which a time limit is raised again: Python drops what is raised in a destructor
GLOBAL_SOURCE = "NumPy's global source"  # stands among the changed arguments where it was drawn from
USUAL_WARNINGS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}  # NumPy's own defaults
PLAIN = int | float | complex | str | bool | np.generic | type(None)
MOST_WARNINGS = 20  # different ones; each is shown once


class TimeLimitReached(BaseException):
    """Raised inside a function that does not come back; no ``except Exception`` can catch it."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Stop the body after `seconds` by raising `TimeLimitReached` in it.

    Uses an alarm signal where there is one (it interrupts ``time.sleep`` too), otherwise an asynchronous
    exception from a watching thread, which takes effect at the next bytecode. A body that catches everything,
    or never leaves one call into compiled code, cannot be stopped from inside its own process.
    """
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():

        def stop(signum, frame):
            raise TimeLimitReached

        previous = signal.signal(signal.SIGALRM, stop)
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
    else:
        raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
        thread = ctypes.c_ulong(threading.get_ident())
        over = threading.Event()

        def watch():
            reached = not over.wait(seconds)
            while reached:
                raise_in(thread, ctypes.py_object(TimeLimitReached))
                reached = not over.wait(REPEAT)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            # What was not delivered yet is taken out here. Taking it back (with None) would leave Python's sign
            # that something waits, at which a function under `sys.setprofile` never begins (CPython 3.11).
            with contextlib.suppress(TimeLimitReached):
                raise_in(thread, ctypes.py_object(TimeLimitReached))
                while True:
                    pass


class Captured(io.TextIOBase):
    """A text stream that keeps the beginning and counts the rest, so that a flood costs no memory."""

    def __init__(self):
        self.kept, self.length = "", 0

    def writable(self):  # noqa: D102 - part of the stream protocol
        return True

    def write(self, text):  # noqa: D102 - part of the stream protocol
        self.length += len(text)
        if len(self.kept) < MOST_PRINTED:
            self.kept += text[: MOST_PRINTED - len(self.kept)]
        return len(text)

    def __str__(self):
        left_out = self.length - len(self.kept)
        return self.kept + (f"\n… and {left_out:,} more characters" if left_out else "")


@contextlib.contextmanager
def quietly(printed: Captured) -> Iterator[None]:
    """Send what the body prints, warns or writes to stderr to `printed`."""
    seen = set()

    def show(message, category, *where, **more):
        text = f"{category.__name__}: {message}\n"
        if text not in seen and len(seen) < MOST_WARNINGS:
            seen.add(text)
            printed.write(text)

    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield


@dataclass
class Outcome:
    """What came of one case: named values, or the exception raised; and which arguments were changed."""

    values: dict[str, Any] = field(default_factory=dict)
    error: BaseException | None = None
    where: str = ""  # the learner's own line that raised the error
    mutated: tuple[str, ...] = ()


def run_case(function: Callable, exercise: Exercise, case: Case) -> Outcome:
    """Let the exercise observe `function` on `case`, with fresh copies of the arguments.

    Arrays come read-only, so that a change in place is noticed at its line, even one that is undone later; then
    the call is made again with arrays that can be written to, to see what comes of it.
    """
    outcome = Outcome()
    names = exercise.arguments
    draws = "rng" in names

    def call_once(args, kwargs):
        returned = function(*args, **kwargs)
        result = _snapshot(returned)
        if inspect.isgenerator(returned) and not exercise.yields:
            raise ContractError("Your function hands its result out with `yield`. Here it should `return` it.")
        return result

    def call(*args, **kwargs):
        before = copied((args, kwargs))
        try:
            result = call_once(*as_locked((args, kwargs)))
            after = args, kwargs
        except ValueError as error:
            if not str(error).endswith("is read-only"):  # NumPy's words where a read-only array is written to
                raise
            outcome.where = _where(error, function)
            after = copied(before)
            result = call_once(*after)
            outcome.mutated = (_first_written_to(call_once, before, names),)
        given = dict(zip(names, before[0], strict=False)) | before[1]
        now = dict(zip(names, after[0], strict=False)) | after[1]
        changed = [name for name in given if not same_values(now[name], given[name])]
        outcome.mutated = tuple(dict.fromkeys([*outcome.mutated, *changed]))
        return result

    own = Case(case.part, *(_fresh(given) for given in (case.args, case.kwargs)))
    state = np.random.get_state()[1:3] if draws else None  # noqa: NPY002 - whether it is used is the question
    try:
        with np.errstate(**USUAL_WARNINGS):
            outcome.values = exercise.observe(call, own)
    except (Exception, SystemExit) as error:  # whatever the learner's code raises is an outcome to explain
        outcome.error = error
        outcome.where = _where(error, function)
    if draws and not all(map(np.array_equal, state, np.random.get_state()[1:3])):  # noqa: NPY002
        outcome.mutated = (*outcome.mutated, GLOBAL_SOURCE)
    return outcome


def _where(error: BaseException, function: Callable) -> str:
    """Say in which line of the learner's an error was raised; of one in a sandbox only the text came here."""
    code = getattr(function, "__code__", None)
    return getattr(error, "where", "") or own_line(error, getattr(code, "co_filename", ""))


def _first_written_to(call_once: Callable, before: tuple, names: tuple[str, ...]) -> str:
    """Return the argument that a function writes to, found by locking one at a time."""
    places = [*range(len(before[0])), *before[1]]
    for place in places:
        args, kwargs = copied(before)
        as_locked(args[place] if isinstance(place, int) else kwargs[place])
        try:
            call_once(args, kwargs)
        except Exception:  # most likely NumPy's, about the array that is locked
            return names[place] if isinstance(place, int) else place
    return names[0]


def same_again(one: Outcome, other: Outcome) -> bool:
    """Whether two runs of one function came to the same, whatever it was."""
    if one.error is not None or other.error is not None:
        return type(one.error) is type(other.error) and str(one.error) == str(other.error)
    return one.mutated == other.mutated and same_values(one.values, other.values)


def copied(value: Any) -> Any:
    """Copy arguments or results, arrays and all; much faster than ``copy.deepcopy`` for what cases hold."""
    kind = type(value)
    if kind in (int, float, str, bool, type(None), np.float64, np.int64):
        return value
    if kind is np.ndarray:
        return value.copy()
    if kind in (list, tuple):
        return kind([copied(item) for item in value])
    if kind is dict:
        return {key: copied(item) for key, item in value.items()}
    return copy.deepcopy(value)


def as_locked(value: Any) -> Any:
    """Make arrays, also those in lists and dictionaries, read-only; return `value`."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            as_locked(item)
    return value


def _fresh(value: Any) -> Any:
    if isinstance(value, Seed):
        return np.random.default_rng(value.value)
    if type(value) is tuple:
        return tuple(map(_fresh, value))
    if type(value) is dict:
        return {key: _fresh(item) for key, item in value.items()}
    return copied(value)


def _snapshot(value: Any) -> Any:
    """Copy a returned value, so that later calls cannot change it; iterators become lists."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, Iterator):
        items = list(itertools.islice(value, MOST_ITEMS + 1))  # first all of it, as ``list(...)`` would have it
        if len(items) > MOST_ITEMS:
            raise ContractError(f"Your function goes on yielding: {len(items):,} items and no end.")
        return [_snapshot(item) for item in items]
    if type(value) in (list, tuple):
        return type(value)(_snapshot(item) for item in value)
    if type(value) is dict:
        return {key: _snapshot(item) for key, item in value.items()}
    return value


def same_values(a: Any, b: Any) -> bool:
    """Whether two values are equal to the last bit; objects of other types are not looked into."""
    if isinstance(a, np.ndarray):
        same_form = isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype
        return same_form and (a.dtype.kind == "O" or a.tobytes() == b.tobytes())
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same_values, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_values(a[key], b[key]) for key in a)
    return not isinstance(a, PLAIN) or a == b or (a != a and b != b)  # NaN is not equal to itself


# ---------------------------------------------------------------------------------------------------------
# Comparing what came of a case with what should have


def first_difference(expected: Outcome, actual: Outcome, exercise: Exercise, case: Case) -> Difference | None:
    """Return the first difference between what came of a case and what should have, or None."""
    dtype = exercise.dtype_part == case.counts_for
    for name, value in expected.values.items():
        other = actual.values.get(name)
        if exercise.returns and name == "the result" and isinstance(value, tuple | list):
            names = ", ".join(exercise.returns)
            if not isinstance(other, tuple | list) or len(other) != len(exercise.returns):
                text = f"The function should return {len(exercise.returns)} values, `{names}`, but returned"
                return Difference("type", f"{text} {describe(other)}.")
            found = (
                compare(e, a, n, rtol=exercise.rtol, atol=exercise.atol, dtype=dtype)
                for n, e, a in zip(exercise.returns, value, other, strict=True)
            )
            difference = next((d for d in found if d), None)
        else:
            difference = compare(value, other, name, rtol=exercise.rtol, atol=exercise.atol, dtype=dtype)
        if difference:
            return difference
    return None


def agree(expected: Outcome, actual: Outcome, exercise: Exercise, case: Case) -> bool:
    """Whether the same came of a case as should have: values, errors, and which arguments were changed."""
    if (expected.error is None) != (actual.error is None):
        return False  # whatever the error is called: a class may have the name NoneType
    if expected.error is not None:
        same_kind = type(expected.error).__name__ == type(actual.error).__name__  # one may come from a sandbox
        return same_kind and (
            not isinstance(actual.error, ContractError) or str(expected.error) == str(actual.error)
        )
    return expected.mutated == actual.mutated and first_difference(expected, actual, exercise, case) is None


# ---------------------------------------------------------------------------------------------------------
# What a function's code shows without running it


def is_untouched(function: Callable) -> bool:
    """Whether nothing was written: a docstring, ``pass``, ``...``, ``return None``, or the stub's ``raise``."""
    if isinstance(function, type):
        own = [member for base in function.__mro__ for member in vars(base).values()]
        methods = [member for member in own if isinstance(member, types.FunctionType)]
        return all(map(is_untouched, methods))
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    nothing = {"RESUME", "NOP", "LOAD_CONST", "POP_TOP", "RETURN_CONST", "RETURN_VALUE"}
    if code.co_names == ("NotImplementedError",):
        nothing |= {"LOAD_GLOBAL", "PUSH_NULL", "PRECALL", "CALL", "RAISE_VARARGS"}
    return all(
        step.opname in nothing and (step.opname not in ("LOAD_CONST", "RETURN_CONST") or step.argval is None)
        for step in dis.get_instructions(code)
    )


def reads(function: Callable) -> list[str]:
    """Return the names of the notebook's data that the function reads."""
    if not isinstance(function, types.FunctionType):
        return []
    names = [step.argval for step in dis.get_instructions(function) if step.opname == "LOAD_GLOBAL"]
    data = int | float | list | tuple | dict | np.ndarray
    return [name for name in dict.fromkeys(names) if isinstance(function.__globals__.get(name), data)]


def own_line(error: BaseException, filename: str) -> str:
    """Say in which line of the file called `filename` an error was raised, if in one."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == filename and frame.line]
    return f"\nin line {own[-1].lineno} of its cell: `{own[-1].line.strip()}`" if own else ""
