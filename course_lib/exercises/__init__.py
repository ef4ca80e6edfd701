"""The exercise bank: what is asked, what is right, and what each known wrong answer needs to hear.

One module a week (``week01.py``, …; one a notebook where a week has two) defines its exercises side by side with
their cases, misconceptions, alternatives and hints. `find` looks one up by name; `course_lib.checking` runs them.
"""

import hashlib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

__all__ = [
    "Case",
    "ContractError",
    "Exercise",
    "Misconception",
    "Prediction",
    "Quiz",
    "Seed",
    "all_exercises",
    "case",
    "find",
]


class ContractError(Exception):
    """Raised by an `Exercise.observe` that cannot go on, with the sentence that the learner should read."""


@dataclass(frozen=True)
class Seed:
    """Stands in a case for ``np.random.default_rng(value)``: every run gets a fresh, equal generator."""

    value: int

    def __repr__(self):
        return f"np.random.default_rng({self.value})"


@dataclass(frozen=True)
class Case:
    """One call of the learner's function, with what it is meant to show.

    Attributes
    ----------
    part : str
        The part of the exercise's points that this case belongs to.
    args, kwargs
        Arguments of the call. Each run gets deep copies.
    """

    part: str
    args: tuple
    kwargs: dict[str, Any]

    @property
    def size(self) -> int:
        """Numbers in the arguments; among failing cases the smallest is shown."""
        values = [*self.args, *self.kwargs.values()]
        return sum(int(np.size(value)) for value in values if not isinstance(value, Seed))


def case(part: str, *args, **kwargs) -> Case:
    """Write a case the way the call is written: ``case("edge sizes", 7, batch_size=3)``."""
    return Case(part, args, kwargs)


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that learners really give, and the one message that its author needs."""

    key: str
    message: str
    function: Callable


def _call_once(call: Callable, case: Case) -> dict[str, Any]:
    return {"the result": call(*case.args, **case.kwargs)}


@dataclass
class Exercise:
    """A function (or class) that learners write.

    Parameters
    ----------
    reference : callable
        A right answer. Its name is the exercise's name.
    parts : dict of str to int
        Points for each part. The first part is the core: without it the others earn nothing.
    cases : callable
        ``cases(rng)`` yields `Case` objects; the same ``rng`` state gives the same cases.
    hints : sequence of three str
        Where to look, the idea, nearly the line.
    explain : str
        What the learner is asked to explain in own words after seeing the solution.
    returns : sequence of str, optional
        Names of the returned values, in order, when there are several.
    observe : callable, optional
        ``observe(call, case)`` makes the calls that the case needs and returns named quantities to compare,
        in order of importance. Default: one call, and the result is compared.
    rtol : float, optional
        Relative tolerance. Default: what fits the dtype (see `course_lib.checking`).
    """

    reference: Callable
    parts: Mapping[str, int]
    cases: Callable[[np.random.Generator], Iterable[Case]]
    hints: tuple[str, str, str]
    explain: str
    returns: tuple[str, ...] = ()
    observe: Callable[[Callable, Case], dict[str, Any]] = _call_once
    rtol: float | None = None
    misconceptions: list[Misconception] = field(default_factory=list)
    alternatives: list[Callable] = field(default_factory=list)
    kind: str = "code"

    def __post_init__(self):
        if len(self.hints) != 3:
            raise ValueError(f"hints of {self.name}: expected three levels, got {len(self.hints)}")

    @property
    def name(self) -> str:
        """Name of the function that learners write."""
        return self.reference.__name__

    @property
    def points(self) -> int:
        """Points for a right answer."""
        return sum(self.parts.values())

    def misconception(self, message: str) -> Callable[[Callable], Callable]:
        """Register the decorated wrong implementation under its own name, answered by `message`."""

        def register(function):
            self.misconceptions.append(Misconception(function.__name__, message, function))
            return function

        return register

    def alternative(self, function: Callable) -> Callable:
        """Register the decorated function as right though differently written."""
        self.alternatives.append(function)
        return function

    def make_cases(self, seed: int) -> list[Case]:
        """Return the cases that `seed` draws, ordered by part."""
        cases = list(self.cases(np.random.default_rng(seed)))
        order = list(self.parts)
        return sorted(cases, key=lambda c: order.index(c.part))

    def solution_source(self) -> str:
        """Return the text of the reference answer."""
        return inspect.getsource(self.reference)


def hash_answer(name: str, answer: str) -> str:
    """Return what the bank stores in place of a right answer, so that a glance at it gives nothing away."""
    return hashlib.sha256(f"{name}/{answer}/spoil it for nobody".encode()).hexdigest()[:16]


_OPTIONS = [*"abcdef", "true", "false", "depends"]


@dataclass(frozen=True)
class Quiz:
    """A question with options, checked at once.

    Parameters
    ----------
    name : str
        The variable that holds the learner's answer.
    answer : str
        The right option as `hash_answer` gives it.
    wrong : dict of str to str
        For each wrong option, why it is wrong.
    right : str
        Said to a right answer: why it is right.
    also : dict of str to str, optional
        Other options that can be defended, each with what is to be said for it and against it. They earn the
        points too.
    """

    name: str
    answer: str
    wrong: Mapping[str, str]
    right: str
    points: int = 1
    kind: str = "quiz"
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> tuple[str, ...]:
        """All options, in the order of the page: the right one is in neither `wrong` nor `also`."""
        return tuple(sorted([*self.wrong, *self.also, self.right_option], key=_OPTIONS.index))

    @property
    def right_option(self) -> str:
        """The right option, found by trying."""
        return next(option for option in _OPTIONS if self.is_right(option))

    def is_right(self, answer: str) -> bool:
        """Whether `answer` is the right option."""
        return hash_answer(self.name, answer) == self.answer


@dataclass(frozen=True)
class Prediction(Quiz):
    """A quiz answered before an experiment: committing earns the points, the experiment settles it."""

    kind: str = "prediction"


@cache
def all_exercises() -> dict[str, Exercise | Quiz]:
    """Return every exercise, quiz and prediction of the course by name, in the order of the weeks."""
    bank = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        week = importlib.import_module(f"{__name__}.{module}")
        for item in vars(week).values():
            if isinstance(item, Exercise | Quiz):
                if item.name in bank:
                    raise ValueError(f"{module}.py: the name {item.name!r} is used by two exercises")
                bank[item.name] = item
    return bank


def find(name: str) -> Exercise | Quiz:
    """Return the exercise called `name`; ``KeyError`` if there is none."""
    return all_exercises()[name]
