"""A submission in its sandbox, as the grader sees it: it runs cells, gives values and calls functions.

Everything that arrives here was said by code that is not trusted. It is read by `course_lib.grading.protocol`,
checked for its form, and used as numbers to look at; nothing of it is called or run.
"""

import builtins
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import repeat
from typing import Any

import numpy as np

from course_lib.diagnosing import Answer, plain
from course_lib.exercises import Exercise
from course_lib.grading.protocol import Channel, ProtocolError, Stranger, encode
from course_lib.grading.rebuilding import Cell, Release
from course_lib.grading.sandbox import Sandbox
from course_lib.reading import Fact
from course_lib.running import GLOBAL_SOURCE, Captured, quietly, run_case
from course_lib.slips import Slip

__all__ = ["REASONS", "Ended", "Record", "RemoteAnswer", "Submission"]

MOST_NUMBERS = 4_096  # entries of an array with which a function of ours is called
MOST_VARIANTS = 600  # of an answer's text that are made
MOST_STARTS = 6  # a submission that ends its process more often than that is not started again
ERRORS = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type)}
# Made of more than a text, or taken for the end of a loop of ours.
NOT_MADE = KeyError | UnicodeError | BaseExceptionGroup | StopIteration | StopAsyncIteration
REASONS = {
    "timed out": "Something in this notebook ran too long and was stopped.",
    "crashed": "Something in this notebook ended the program that ran it.",
    "out of memory": "Something in this notebook took more memory than there is.",
}


@dataclass
class Record:
    """What the calls of one case showed besides their results."""

    printed: str = ""
    used: set[str] = field(default_factory=set)


class Ended(BaseException):
    """Raised where the submission's process no longer answers; no exercise's `observe` can catch it."""


class Submission:
    """The process of one submission: started when something is asked of it, and again after it has ended."""

    def __init__(self, sandbox: Sandbox, cells: list[Cell], release: Release):
        self.sandbox, self.limits = sandbox, sandbox.limits
        self.cells = [cell for cell in cells if cell.kind == "code" and cell.grade_id not in release.exercises]
        self.release = release
        self.skip: set[int] = set()  # cells that ended the process
        self.happened: set[str] = set()
        self.channel: Channel | None = None
        self.starts = 0
        self.running: int | None = None  # the cell that runs
        self.callbacks: list[Callable] = []

    def close(self):
        """Kill the process and all that it started."""
        self.channel = None
        self.sandbox.end_submission()

    def ask(self, question: str, *args: Any, **kwargs: Any) -> tuple:
        """Ask the process one thing, answering its own questions meanwhile.

        Raises
        ------
        Ended
            If the process does not answer as it should; it is killed.
        """
        self.start()
        try:
            self.channel.send(question, args, kwargs)
            while True:
                kind, *answer = self.channel.receive()
                if kind != "callback":
                    return kind, *answer
                self.channel.send(*self._called_back(*answer))
        except (TimeoutError, ProtocolError) as problem:
            raise Ended(self._end(problem)) from None

    def _end(self, problem: Exception) -> str:
        self.close()
        what = "timed out" if isinstance(problem, TimeoutError) else "crashed"
        self.happened.add(what)
        return what

    def allow(self, seconds: float):
        """Give the process so much time for all that is asked from now on."""
        self.start()
        self.channel.deadline = time.monotonic() + seconds

    def start(self):
        """Start the process and run the cells, unless it is there; leave out a cell that ended it."""
        while self.channel is None:
            self.starts += 1
            if self.starts > MOST_STARTS:
                raise Ended("crashed")
            self.channel = Channel(self.sandbox.submission(), self._describe, self._make)
            self.channel.deadline = time.monotonic() + self.limits.seconds
            self.running = None
            try:
                self._run_cells()
            except (TimeoutError, ProtocolError) as problem:
                what = self._end(problem)
                if self.running is None:
                    raise Ended(what) from None
                self.skip.add(self.running)
                self.cells[self.running].error = REASONS[what]

    def _run_cells(self):
        first = self.release.first["id"]
        cells, places = [], []
        for index, cell in enumerate(self.cells):
            if index not in self.skip:
                names = self.release.names[cell.id] if cell.released else None
                cells.append((cell.id, cell.source, cell.must_run or cell.id == first, names))
                places.append(index)
        self.channel.send("run", (cells,), {"seconds": self.limits.cell_seconds})
        while True:
            match self.channel.receive():
                case ("begin", int(number)) if 0 <= number < len(places):
                    self.running = places[number]
                case ("end", int(number), str(printed), str(error)) if 0 <= number < len(places):
                    cell = self.cells[places[number]]
                    cell.printed, cell.error = printed[:2_000], error[:4_000]
                    if error.startswith("MemoryError"):
                        self.happened.add("out of memory")
                    elif error.startswith("TimeLimitReached"):
                        self.happened.add("timed out")
                case ("ran",):
                    return
                case _:
                    raise ProtocolError("not what was asked for")

    # What travels besides plain values

    def _describe(self, value) -> dict:
        if isinstance(value, Stranger):
            return {"object": value._key}
        if not callable(value):
            raise TypeError(f"cases cannot hold a {type(value).__name__}: it does not travel")
        if not any(value is known for known in self.callbacks):
            self.callbacks.append(value)
        return {"callback": next(i for i, known in enumerate(self.callbacks) if known is value)}

    def _make(self, description) -> Stranger:
        match description:
            case {"object": int(key), "type": str(name), "callable": bool(is_callable), "methods": list(methods)}:
                good = [m for m in methods if isinstance(m, str) and m.isidentifier() and not m.startswith("_")]
                calls = {m: partial(self._method, key, m) for m in good[:100]} if self.wants_objects else {}
                return Stranger.meet(name, key, calls, is_callable=is_callable)
            case {"callback": int()}:
                return Stranger.meet("function", is_callable=True)
        raise ProtocolError("a description")

    wants_objects = False  # whether the exercise is a class, whose objects' methods are called

    def _called_back(self, *answer) -> tuple:
        """Call a function of ours for the learner's function: with numbers only, and not too many."""
        try:
            key, args, kwargs = answer
            for value in (*args, *kwargs.values()):
                _refuse_all_but_numbers(value)
            result = self.callbacks[key](*args, **kwargs)
            encode(result, self._describe)  # odd numbers make results that do not travel
            return "value", result
        except Exception as error:  # whatever it is, the learner's function gets it
            return "raised", (type(error).__name__, str(error)[:500])

    # Calls

    def function(self, name: str, exercise: Exercise, record: Record, variant: int | None = None) -> Callable:
        """Return a stand-in that calls the function called `name`, or a variant of it, in the sandbox."""
        self.wants_objects = isinstance(exercise.reference, type)
        self.record = record
        return partial(self._call, name, None, "", variant)

    def _method(self, key, method, *args, **kwargs):
        return self._call("", key, method, None, *args, **kwargs)

    def _call(self, name, key, method, variant, /, *args, **kwargs):
        given = dict(enumerate(args)) | kwargs
        locked = [place for place, value in given.items() if _is_locked(value)]
        match self.ask("call", name, key, method, args, kwargs, locked, variant):
            case ("returned", str(form), value, dict(changed), str(printed), list(used)):
                self._note(given, changed, printed, used)
                return _as_handed_out(form, value)
            case ("raised", str(kind), str(message), str(where), dict(changed), str(printed), list(used)):
                self._note(given, changed, printed, used)
                raise _error(kind, message, where)
            case ("too large",):
                raise _error("ValueError", "the result is too large to be looked at", "")
            case _:
                raise Ended(self._end(ProtocolError()))

    def _note(self, given, changed, printed, used):
        self.record.printed += printed[: 2_000 - len(self.record.printed)]
        self.record.used |= {name[:80] for name in used[:40] if isinstance(name, str)}
        for place, value in changed.items():
            if place in given:
                _change(given[place], value)
        if GLOBAL_SOURCE in changed:
            np.random.random()  # noqa: NPY002 - do here to the source that all share what was done to it there


def _is_locked(value) -> bool:
    """Whether an argument holds arrays that cannot be written to."""
    if isinstance(value, np.ndarray):
        return not value.flags.writeable
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return any(map(_is_locked, items))


class RemoteAnswer(Answer):
    """An answer in its sandbox, for experiments on it.

    Parameters
    ----------
    run : Submission
        The process.
    name : str
        The function's name there.
    exercise : Exercise
        What it answers.
    """

    def __init__(self, run: Submission, name: str, exercise: Exercise):
        self.submission, self.name, self.exercise = run, name, exercise
        self._read(exercise.arguments)

    def run(self, case, *, plainly=False):  # noqa: D102 - as in Answer
        return self._run(case, None, plain(self.exercise) if plainly else self.exercise)

    def _run(self, case, variant, exercise):
        with quietly(Captured()):
            function = self.submission.function(self.name, self.exercise, Record(), variant)
            return run_case(function, exercise, case)

    def _read(self, needed):
        self.first, self.found, self.numbers = 1, [], []
        match self.submission.ask("read", self.name, list(needed)):
            case ("read", int(first), list(found), list(numbers), dict(defaults)):
                self.first = first
                self.found = [Fact(*fact) for fact in found if [*map(type, fact)] == [str, int, str, bool]]
                self.numbers = [n for n in numbers if type(n) in (int, float)]
                self.defaults = {k: v for k, v in defaults.items() if type(v) in (int, float, str)}

    def facts(self, needed):  # noqa: D102 - as in Answer
        return self.found if needed else [fact for fact in self.found if fact.kind != "never read"]

    def constants(self):  # noqa: D102 - as in Answer
        return self.numbers

    def line(self, number):  # noqa: D102 - as in Answer
        return f"line {self.first + number - 1} of its cell"

    def repairs(self, pieces, deadline):  # noqa: D102 - as in Answer
        match self.submission.ask("repairs", self.name, pieces, MOST_VARIANTS):
            case ("repairs", list(described)):
                for number, slip in enumerate(described):
                    if time.monotonic() > deadline:
                        return
                    if [*map(type, slip)] == [str, int, str, str, str]:
                        kind, line, before, after, within = slip
                        yield (
                            Slip(kind, line, before, after, [], within),
                            partial(self._run, variant=number, exercise=self.exercise),
                        )


def _refuse_all_but_numbers(value, *, inside=False):
    numbers = int | float | complex | np.generic
    if isinstance(value, numbers) and not (isinstance(value, int) and abs(value) >= 1 << 63):
        return
    if isinstance(value, np.ndarray) and value.size <= MOST_NUMBERS and not inside:
        return
    if isinstance(value, list | tuple) and len(value) <= MOST_NUMBERS and not inside:
        for item in value:
            _refuse_all_but_numbers(item, inside=True)
        return
    if isinstance(value, dict) and not inside and all(isinstance(key, str) for key in value):
        for item in value.values():
            _refuse_all_but_numbers(item, inside=True)
        return
    raise TypeError(f"this function takes numbers, and arrays or dictionaries of up to {MOST_NUMBERS:,} of them")


def _as_handed_out(form, value):
    """Return a result in the form in which the learner's function handed it out."""
    if form == "endless":
        return repeat(None)
    if form in ("generator", "iterator") and isinstance(value, list):
        return (item for item in value) if form == "generator" else iter(value)
    return value


def _error(kind, message, where) -> BaseException:
    """Return the error that happened in the sandbox: a built-in one, or one that has its name and text."""
    own, text = ERRORS.get(kind), message[:2_000]
    if own is None or not issubclass(own, Exception | SystemExit) or issubclass(own, NOT_MADE):
        own = _error_called("".join(letter for letter in kind[:60] if letter.isalnum() or letter == "_"))
    error = own(text)
    error.where = where[:500]
    return error


@lru_cache(maxsize=256)
def _error_called(name: str) -> type[Exception]:
    return type(name or "Error", (Exception,), {})


def _change(ours, value):
    """Do to an argument here what the learner's function did to it there."""
    if isinstance(ours, np.ndarray):
        if isinstance(value, np.ndarray) and (value.shape, value.dtype) == (ours.shape, ours.dtype):
            ours[...] = value
        elif ours.size:
            ours.view(np.uint8)[...] ^= 255  # it has another shape or type now: at least it is not what it was
    elif isinstance(ours, np.random.Generator):
        if isinstance(value, np.random.Generator):
            ours.bit_generator.state = value.bit_generator.state
    elif isinstance(ours, list) and isinstance(value, list):
        ours[:] = value
    elif isinstance(ours, dict) and isinstance(value, dict):
        for key in [key for key in ours if key not in value]:
            del ours[key]
        for key, item in value.items():
            if isinstance(ours.get(key), np.ndarray) and not _is_locked(ours[key]):
                _change(ours[key], item)
            else:
                ours[key] = item
