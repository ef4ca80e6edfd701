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
from functools import cache, cached_property
from typing import Any

import numpy as np

__all__ = [
    "Allows",
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
        The part of the exercise that this case belongs to; `Exercise.observe` may go by it.
    args, kwargs
        Arguments of the call. Each run gets deep copies, which cannot be written to.
    varied : str
        How `standard_cases` made it from another one, in words: "`eps` is left out".
    earns : str
        The part whose points it counts for, if not `part`.
    """

    part: str
    args: tuple
    kwargs: dict[str, Any]
    varied: str = ""
    earns: str = ""

    @property
    def counts_for(self) -> str:
        """The part whose points hang on this case."""
        return self.earns or self.part

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


LEFT_OUT = object()


@dataclass(frozen=True)
class Allows:
    """What an exercise's contract lets in beyond the cases that its bank draws.

    Attributes
    ----------
    alike : tuple of str
        Arrays that are taken entry by entry and may have any one shape: they come with shape (), with one
        entry, and with three axes.
    whole : tuple of str
        Numbers and arrays that may be integers.
    single : tuple of str
        Arrays that may be float32, all together.
    real : tuple of str
        Arrays that may hold any number: zeros, ties, negative ones.
    ends : dict of str to tuple
        Values at the ends of what a number may be, tried one at a time: ``{"beta": (0.0,), "t": (1, 10_000)}``.
    long : tuple of str
        Arrays whose first axis may be long, all together; `length` is how long.
    empty : tuple of str
        Arrays whose first axis may be empty, all together.
    always : tuple of str
        What is never left out, though it has a default.
    start : str
        The part whose first case is varied (the first part's, if not given).
    part : str
        The part whose points hang on these cases (the last one, if not given).
    """

    alike: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    single: tuple[str, ...] = ()
    real: tuple[str, ...] = ()
    ends: Mapping[str, tuple] = field(default_factory=dict)
    long: tuple[str, ...] = ()
    length: int = 300
    empty: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    start: str = ""
    part: str = ""

    def variations(self, given: dict[str, Any], rng: np.random.Generator) -> Iterable[tuple[str, dict[str, Any]]]:
        """Yield each variation of the arguments `given` in words, and the arguments that it changes."""

        def all_of(names, change):
            return {name: change(given[name]) for name in names if name in given}

        if self.alike:
            names = _listed(self.alike)
            verb = "has" if len(self.alike) == 1 else "have"
            yield f"{names} {verb} the shape ()", all_of(self.alike, lambda a: np.asarray(np.ravel(a)[0]))
            yield f"{names} {verb} one entry", all_of(self.alike, lambda a: np.ravel(a)[-1:])
            yield f"{names} {verb} three axes", all_of(self.alike, lambda a: np.resize(a, (2, 1, 3)))
        if self.whole:
            verb = "holds" if len(self.whole) == 1 else "hold"
            yield f"{_listed(self.whole)} {verb} whole numbers (integers)", all_of(self.whole, _whole)
        if self.single:
            verb = "is" if len(self.single) == 1 else "are"
            yield f"{_listed(self.single)} {verb} float32", all_of(self.single, _single)
        for name in self.real:
            flat = np.ravel(given[name])
            zeros, ties, shape = flat.copy(), flat.copy(), np.shape(given[name])
            zeros[::2], ties[1::2] = 0, ties[: len(ties) // 2 * 2 : 2]
            yield f"`{name}` holds zeros", {name: zeros.reshape(shape)}
            yield f"`{name}` holds nothing but zeros", {name: np.zeros(shape)}
            if flat.size > 1:
                yield f"`{name}` holds equal numbers", {name: ties.reshape(shape)}
            yield f"`{name}` holds no positive number", {name: -np.abs(given[name])}
        for name, values in self.ends.items():
            yield from ((f"`{name}` is {value!r}", {name: value}) for value in values)
        if self.long:
            rows = rng.integers(0, len(given[self.long[0]]), self.length)
            verb = "has" if len(self.long) == 1 else "have"
            how = f"{_listed(self.long)} {verb} {self.length:,} entries"
            yield how, all_of(self.long, lambda a: np.asarray(a)[rows])
        if self.empty:
            verb = "is" if len(self.empty) == 1 else "are"
            yield f"{_listed(self.empty)} {verb} empty", all_of(self.empty, lambda a: np.asarray(a)[:0])


def _listed(names: tuple[str, ...]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def _whole(value: Any) -> Any:
    """Return a number or an array as integers that still differ from each other."""
    scaled = np.rint(np.asarray(value) * (10 if np.max(np.abs(value), initial=0) < 10 else 1)).astype(np.int64)
    return scaled if isinstance(value, np.ndarray) else int(scaled)


def _single(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _single(item) for key, item in value.items()}
    return value.astype(np.float32)


def _call_once(call: Callable, case: Case) -> dict[str, Any]:
    return {"the result": call(*case.args, **case.kwargs)}


@dataclass(eq=False)
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
        Relative tolerance. Default: what fits the dtype (see `course_lib.comparing`).
    atol : float, optional
        Absolute tolerance, where results are differences of larger numbers.
    dtype_part : str, optional
        The part that asks for the dtype of the results, where one does; in all others numbers count alone.
    allows : Allows
        What the contract lets in beyond `cases`; `standard_cases` makes cases of it.
    equivalent : dict of str to str
        Slips in the reference that no case can show, by `Slip.key`, each with the reason.
    """

    reference: Callable
    parts: Mapping[str, int]
    cases: Callable[[np.random.Generator], Iterable[Case]]
    hints: tuple[str, str, str]
    explain: str
    returns: tuple[str, ...] = ()
    observe: Callable[[Callable, Case], dict[str, Any]] = _call_once
    rtol: float | None = None
    atol: float = 0.0
    dtype_part: str = ""
    allows: Allows = Allows()
    equivalent: Mapping[str, str] = field(default_factory=dict)
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

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments, in order."""
        return tuple(inspect.signature(self.reference).parameters)

    @cached_property
    def yields(self) -> bool:
        """Whether the function hands its results out one by one."""
        return inspect.isgeneratorfunction(self.reference)

    @property
    def points(self) -> int:
        """Points for a right answer."""
        return sum(self.parts.values())

    def misconception(self, message: str) -> Callable[[Callable], Callable]:
        """Register the decorated wrong implementation under its own name, answered by `message`."""

        def register(function):
            self.misconceptions.append(Misconception(function.__name__, message, self._with_defaults(function)))
            return function

        return register

    def _with_defaults(self, function: Callable) -> Callable:
        """Give a function of the bank the reference's defaults where it has none of its own."""
        if inspect.isfunction(function) and inspect.isfunction(self.reference):
            own = function.__code__.co_varnames[
                : function.__code__.co_argcount + function.__code__.co_kwonlyargcount
            ]
            defaults = {k: v for k, v in (self.reference.__kwdefaults__ or {}).items() if k in own}
            function.__kwdefaults__ = defaults | (function.__kwdefaults__ or {})
        return function

    def alternative(self, function: Callable) -> Callable:
        """Register the decorated function as right though differently written."""
        self.alternatives.append(self._with_defaults(function))
        return function

    def make_cases(self, seed: int) -> list[Case]:
        """Return the cases that `seed` draws, the standard ones included, ordered by part."""
        rng = np.random.default_rng(seed)
        order = list(self.parts)
        cases = sorted(self.cases(rng), key=lambda c: order.index(c.part))
        return sorted([*cases, *self.standard_cases(cases, rng)], key=lambda c: order.index(c.counts_for))

    def standard_cases(self, cases: list[Case], rng: np.random.Generator) -> Iterable[Case]:
        """Vary the first of `cases` in all ways that every exercise is tried in, as far as its contract goes.

        What has a default is left out, dictionaries come in another order, and what `allows` says: small shapes,
        integers, float32, zeros, ties, the ends of each range, long and empty arrays.
        """
        if isinstance(self.reference, type):
            return  # the cases of a class are what its `observe` makes of them
        allows, last = self.allows, [*self.parts][-1]
        start = next((c for c in cases if c.part == allows.start), cases[0])
        signature = inspect.signature(self.reference)
        given = signature.bind(*start.args, **start.kwargs).arguments

        def varied(how: str, **changed):
            now = {
                name: changed.get(name, value)
                for name, value in given.items()
                if changed.get(name) is not LEFT_OUT
            }
            call = inspect.BoundArguments(signature, now)
            return Case(start.part, call.args, call.kwargs, how, allows.part or last)

        for name, parameter in signature.parameters.items():
            if parameter.default is not parameter.empty and name not in allows.always:
                yield varied(f"`{name}` is left out (its default is {parameter.default!r})", **{name: LEFT_OUT})
        tables = [name for name, value in given.items() if isinstance(value, dict) and len(value) > 1]
        for name in tables[-1:]:
            how = f"the keys of `{name}` come in another order" + f" than those of `{tables[0]}`" * (
                len(tables) > 1
            )
            yield varied(how, **{name: dict(reversed(given[name].items()))})
        yield from (varied(how, **changed) for how, changed in allows.variations(given, rng))

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
