"""Find out what is wrong with a wrong answer that no misconception of the bank reproduces.

As a good tutor does: by trying again. `diagnose` forms hypotheses (one slip in a right answer, a parameter that
has no influence, one change in the learner's own text, a relation between wrong and right results, something that
is kept between calls) and tests each by further calls. What it says was observed on every call, those that agreed
and new ones included; where nothing explains all, it says what the failing calls have in common, and no more.
"""

import ast
import inspect
import itertools
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from course_lib import slips
from course_lib.diagnosing.conditions import condition, given_of
from course_lib.diagnosing.relations import pairs_of, relation, right_and_wrong
from course_lib.exercises import Case, Exercise, Seed
from course_lib.reading import Fact, defaults_of, facts, numbers_in, own_text
from course_lib.running import (
    Captured,
    Outcome,
    TimeLimitReached,
    agree,
    copied,
    first_difference,
    quietly,
    run_case,
    same_again,
    same_values,
    time_limit,
)

__all__ = ["Answer", "Diagnosis", "OwnAnswer", "Suspects", "diagnose", "endless_loop", "plain", "survivors"]

SECONDS = 0.4  # for all experiments on one wrong answer
LAST_RESORT = 4  # times the seconds: then even one call is stopped
FRESH = 7_919  # added to the seed: cases to test a hypothesis on that was formed on others
LARGEST = 20_000  # that a count may become when arguments are changed
MOST_PAIRS = 400  # pairs of slips that are tried


@dataclass(frozen=True)
class Diagnosis:
    """What was found: a key for reports, the sentences for the learner, and whether the cause has a name."""

    key: str
    message: str
    named: bool = True


# ---------------------------------------------------------------------------------------------------------
# The answer, as experiments see it


class Answer:
    """A learner's function that can be called again, with its text where there is one.

    `OwnAnswer` is one in this process; the class grader has its own, in a sandbox.
    """

    defaults: Mapping[str, Any] = MappingProxyType({})

    def run(self, case: Case, *, plainly: bool = False) -> Outcome:
        """Return what comes of a case: of the calls that the exercise observes, or `plainly` of the one call."""
        raise NotImplementedError

    def facts(self, needed: tuple[str, ...]) -> list[Fact]:
        """Return the facts of its text."""
        return []

    def constants(self) -> list[float]:
        """Return the numbers that stand in its text."""
        return []

    def line(self, number: int) -> str:
        """Say where a line of its text stands: "line 4 of its cell"."""
        return f"line {number}"

    def repairs(
        self, pieces: list[str], deadline: float
    ) -> Iterator[tuple[slips.Slip, Callable[[Case], Outcome]]]:
        """Yield changes of its text, each with what runs the changed function on a case."""
        return iter(())


def plain(exercise: Exercise) -> Exercise:
    """Return the same exercise observed by one call, whose result is looked at as it is."""
    return replace(exercise, observe=Exercise.observe)


class OwnAnswer(Answer):
    """An answer in this process.

    Parameters
    ----------
    function : callable
        The learner's function or class.
    exercise : Exercise
        What it answers.
    """

    def __init__(self, function: Callable, exercise: Exercise):
        self.function, self.exercise = function, exercise
        self.text, self.first = own_text(function)
        self.defaults = defaults_of(function)

    def run(self, case, *, plainly=False):  # noqa: D102 - as in Answer
        with quietly(Captured()):
            return run_case(self.function, plain(self.exercise) if plainly else self.exercise, case)

    def facts(self, needed):  # noqa: D102 - as in Answer
        return facts(self.text.tree, needed) if self.text else []

    def constants(self):  # noqa: D102 - as in Answer
        return numbers_in(self.text.tree) if self.text else []

    def line(self, number):  # noqa: D102 - as in Answer
        return f"line {self.first + number - 1} of its cell"

    def repairs(self, pieces, deadline):  # noqa: D102 - as in Answer
        if self.text is None:
            return
        for slip in slips.repairs(self.text, pieces):
            if time.monotonic() > deadline:
                return
            try:
                function = self.text.compiled(slip)
            except Exception:  # what a change makes of the text need be no Python
                continue

            def run(case, function=function):
                with quietly(Captured()):
                    return run_case(function, self.exercise, case)

            yield slip, run


# ---------------------------------------------------------------------------------------------------------
# Suspects: functions that may behave as the answer does


@dataclass(frozen=True)
class Mutant:
    """A right answer with one slip in it, or with the same one at several places."""

    text: slips.Text
    slips: tuple[slips.Slip, ...]
    in_reference: bool = True  # and not in another right answer, whose names the learner has never seen

    def compiled(self, *more: slips.Slip) -> Callable | None:
        """Return the function, or None where a slip makes no Python of it."""
        try:
            return self.text.compiled(*self.slips, *more)
        except Exception:  # a slip in a default or in the body of a class shows at once
            return None


def _mutants(exercise: Exercise) -> list[Mutant]:
    found = _mutants_of(exercise.reference, *exercise.alternatives)
    if all(mutant.text.whole for mutant in found):
        return found
    _mutants_of.cache_clear()
    return _mutants_of(exercise.reference, *exercise.alternatives)


@lru_cache(maxsize=128)
def _mutants_of(*right_answers: Callable) -> list[Mutant]:
    """Return mutants of the reference, also with names put in, and of other right answers; likely first."""
    found, seen = [], set()
    for place, function in enumerate(right_answers):
        names = vars(sys.modules[function.__module__])
        for text in _texts_of(function, names):
            new = [s for s in slips.mutants(text) if (s.before, s.after, s.within) not in seen]
            if place:  # too many, and their names are not the page's
                new = [slip for slip in new if RANK.get(slip.kind, 5) < 7]
            seen |= {(slip.before, slip.after, slip.within) for slip in new}
            found += [Mutant(text, (slip,), place == 0) for slip in new]
            found += [Mutant(text, tuple(group), place == 0) for group in slips.twins(new)]
    rank = {id(mutant): RANK.get(mutant.slips[0].kind, 5) for mutant in found}
    return sorted(found, key=lambda mutant: (not mutant.in_reference, len(mutant.slips) > 1, rank[id(mutant)]))


def _texts_of(function: Callable, names: dict[str, Any]) -> list[slips.Text]:
    """Return a function's text, and the one with names put in; none of what was not written with ``def``."""
    try:
        source = inspect.getsource(function)
        written = filter(None, [source, slips.with_names_put_in(source)])
        return [slips.Text(text, names) for text in written]
    except (OSError, TypeError, SyntaxError):
        return []


RANK = {
    "boundary": 0, "weights swapped": 0, "operator": 2, "old value": 1, "axis": 1, "sign": 1, "brackets": 1,
    "order": 2, "range": 2, "factor dropped": 2, "term dropped": 2, "power dropped": 2, "slice": 2, "function": 2,
    "order of operations": 3, "constant": 3, "operands swapped": 4, "other operator": 4, "lines swapped": 7,
    "name": 8, "size": 9,
}  # fmt: skip


def survivors(exercise: Exercise, cases: list[Case], expected: list[Outcome]) -> tuple[int, list[slips.Slip]]:
    """Return how many slips the reference's text allows, and those that no case tells from it.

    Parameters
    ----------
    exercise : Exercise
        What is asked.
    cases, expected : list
        The cases, and what comes of them with the reference.
    """
    text, alive, number = _texts_of(exercise.reference, vars(sys.modules[exercise.reference.__module__]))[0], [], 0
    for slip in slips.mutants(text):
        function = Mutant(text, (slip,)).compiled()
        if function is None:
            continue
        number += 1
        with quietly(Captured()):
            made = (run_case(function, exercise, case) for case in cases)
            if all(
                agree(right, own, exercise, case) for right, own, case in zip(expected, made, cases, strict=True)
            ):
                alive.append(slip)
    return number, alive


DECIDES = {
    "boundary", "comparison", "branch dropped", "branch always", "condition dropped", "condition turned round",
    "lines swapped", "line dropped", "limit dropped", "choice", "function",
}  # fmt: skip


class Suspects:
    """The wrong functions that are known for an exercise, and what comes of each case with them.

    Parameters
    ----------
    exercise : Exercise
        What is asked.
    cases : list of Case
        The cases.
    """

    def __init__(self, exercise: Exercise, cases: list[Case]):
        self.exercise, self.cases = exercise, cases
        self._outcomes: dict[tuple[Any, int], Outcome] = {}
        self._functions: dict[int, Callable | None] = {}

    def outcome(self, key: Any, function: Callable, number: int) -> Outcome:
        """Return what comes of the case with a number, from memory if it was tried before."""
        if (key, number) not in self._outcomes:
            self._outcomes[key, number] = run_case(function, self.exercise, self.cases[number])
        return self._outcomes[key, number]

    def mutant(self, number: int) -> Callable | None:
        """Return the function of a mutant."""
        if number not in self._functions:
            self._functions[number] = _mutants(self.exercise)[number].compiled()
        return self._functions[number]


class _TimeIsUp(Exception):
    """Raised where the time for experiments is over."""


class Inquiry:
    """One wrong answer and all that is known of it."""

    def __init__(self, exercise, seed, cases, expected, outcomes, answer, suspects, draw, seconds):
        self.exercise, self.seed, self.answer = exercise, seed, answer
        self.cases, self.expected, self.outcomes = cases, expected, outcomes
        self.good = [agree(e, a, exercise, c) for e, a, c in zip(expected, outcomes, cases, strict=True)]
        order = list(exercise.parts)
        self.failing = sorted(
            (i for i, fine in enumerate(self.good) if not fine),
            key=lambda i: (order.index(cases[i].counts_for), cases[i].size),
        )
        self.passing = [i for i, fine in enumerate(self.good) if fine]
        self.ran = [i for i in self.failing if outcomes[i].error is None]
        self.suspects = suspects
        self.draw = draw
        self.deadline = time.monotonic() + seconds
        self._fresh: list[tuple[Case, Outcome, Outcome, bool]] | None = None

    def hurry(self):
        """Raise where the time is up."""
        if time.monotonic() > self.deadline:
            raise _TimeIsUp

    @property
    def fresh(self) -> list[tuple[Case, Outcome, Outcome, bool]]:
        """Cases of another seed with what belongs there, what comes, and whether that agrees."""
        if self._fresh is None:
            self._fresh = []
            until = min(self.deadline, time.monotonic() + 0.1)
            cases, expected = self.draw(self.seed + FRESH)
            for case, right in zip(cases, expected, strict=True):
                if time.monotonic() > until:
                    break
                outcome = self.answer.run(case)
                self._fresh.append((case, right, outcome, agree(right, outcome, self.exercise, case)))
        return self._fresh

    def explains(self, predict: Callable[[int], Outcome], again: Callable[[Exercise, Case], Outcome]) -> bool:
        """Whether a hypothesis predicts what came of every case, and of fresh ones.

        Parameters
        ----------
        predict : callable
            ``predict(i)`` is what comes of case i by the hypothesis.
        again : callable
            ``again(exercise, case)`` is what comes of any case, as an exercise observes it.
        """
        exercise = self.exercise
        for i in [*self.ran[:2], *self.failing, *self.passing]:
            if not agree(predict(i), self.outcomes[i], exercise, self.cases[i]):
                return False
        self.hurry()
        if not all(agree(again(exercise, case), outcome, exercise, case) for case, _, outcome, _ in self.fresh):
            return False
        return self.enough or all(
            agree(again(plain(exercise), case), self.answer.run(case, plainly=True), plain(exercise), case)
            for case in (self.cases[i] for i in self.ran[:6])
        )

    @cached_property
    def enough(self) -> bool:
        """Whether what is observed is all that the calls give back; draws are only observed in the mean."""
        custom = self.exercise.observe is not Exercise.observe
        return not custom or "rng" in self.exercise.arguments or isinstance(self.exercise.reference, type)

    @cached_property
    def telling(self) -> bool:
        """Whether what is wrong is so varied that an accident is not to be expected."""
        pairs = [(_as_text(self.expected[i].values), _as_text(self.outcomes[i].values)) for i in self.ran]
        numbers = any("." in actual for _, actual in pairs)
        return bool(pairs) and (numbers or len(set(pairs)) >= 3)

    def believable(self, slip: slips.Slip) -> bool:
        """Whether a slip that explains all is believed: where little is wrong, only one that decides a case."""
        return self.telling or (bool(self.ran) and bool(self.passing) and slip.kind in DECIDES)

    def where(self) -> str:
        """Say what the failing calls have in common and no other has, if anything: " only where …"."""
        tried = [(c, e.values, fine) for c, e, fine in zip(self.cases, self.expected, self.good, strict=True)]
        tried += [(case, right.values, fine) for case, right, _, fine in self.fresh]
        return condition(self.exercise, tried) or ""


def _as_text(values: dict[str, Any]) -> str:
    """Return values as text, whatever they are; a number of thousands of digits has none."""
    try:
        return repr(values)[:400]
    except Exception:  # a learner's own object may refuse in its own way
        return "…"


def diagnose(
    exercise: Exercise,
    seed: int,
    cases: list[Case],
    expected: list[Outcome],
    outcomes: list[Outcome],
    answer: Answer,
    *,
    draw: Callable[[int], tuple[list[Case], list[Outcome]]],
    suspects: Suspects,
    plain: str,
    seconds: float | None = None,
) -> Diagnosis:
    """Find out what is wrong.

    Parameters
    ----------
    exercise : Exercise
        What was asked.
    seed : int
        The seed that drew the cases.
    cases, expected, outcomes : list
        The cases, what belongs there, and what came of them.
    answer : Answer
        The learner's, to be tried again.
    draw : callable
        ``draw(seed)`` returns other cases with what belongs there.
    suspects : Suspects
        Of these cases.
    plain : str
        What can be said without experiments: the difference or the error in the smallest failing case.
    seconds : float, optional
        For all experiments (`SECONDS`).

    Returns
    -------
    Diagnosis
        With the most useful thing that was observed.
    """
    seconds = SECONDS if seconds is None else seconds
    inquiry = Inquiry(exercise, seed, cases, expected, outcomes, answer, suspects, draw, seconds)
    try:
        try:
            with time_limit(LAST_RESORT * seconds), quietly(Captured()), np.errstate(all="ignore"):
                for step in STEPS_IN_ORDER:
                    found = step(inquiry)
                    if found is not None:
                        return _put_together(inquiry, found, plain)
        except (_TimeIsUp, TimeLimitReached):
            pass
        return _what_is_known(inquiry, plain)
    except Exception as problem:  # of an odd result; the verdict stands without, and the report shows the key
        return Diagnosis(f"experiments failed: {type(problem).__name__}", plain)


def _put_together(inquiry: Inquiry, found: Diagnosis, plain: str) -> Diagnosis:
    """Add to a finding where alone it shows, in the words of the standard cases, and the numbers of one call."""
    varied = {inquiry.cases[i].varied for i in inquiry.failing}
    lead = (
        f"Your function is right, except where {varied.pop()}. " if "" not in varied and len(varied) == 1 else ""
    )
    numbers = f"\n{plain}" if found.key.startswith(("relation", "always")) else ""
    return Diagnosis(found.key, f"{lead}{found.message}{numbers}")


# ---------------------------------------------------------------------------------------------------------
# Hypotheses, one after the other


def _kept_between_calls(inquiry: Inquiry) -> Diagnosis | None:
    """Whether the same call gives another result the second time."""
    for i in dict.fromkeys([inquiry.failing[0], 0]):
        again = inquiry.answer.run(inquiry.cases[i])
        if same_again(inquiry.outcomes[i], again):
            continue
        reasons = [f for f in inquiry.answer.facts(()) if f.kind in KEEPS]
        why = f" In {inquiry.answer.line(reasons[0].line)}: {reasons[0].text}" if reasons else ""
        right_again = agree(inquiry.expected[i], again, inquiry.exercise, inquiry.cases[i])
        first_right = inquiry.good[i]
        if right_again != first_right:
            how = (
                "is right the first time and wrong the second"
                if first_right
                else "is wrong here and right when alone"
            )
            text = f"The same call {how}: something is kept between calls that should begin anew each time."
        else:
            text = (
                "The same call twice gives two different results: something is kept between calls, or drawn anew."
            )
        return Diagnosis("kept between calls", text + why)
    return None


def _always_the_same(inquiry: Inquiry) -> Diagnosis | None:
    """Whether every call gives the same back."""
    ran = [outcome.values for outcome in inquiry.outcomes if outcome.error is None]
    observed = inquiry.exercise.observe is not Exercise.observe  # then what is seen may well be the same
    if observed or "rng" in inquiry.exercise.arguments or len(ran) < max(3, len(inquiry.cases)):
        return None
    results = [list(values.values()) for values in ran]
    rights = [list(right.values.values()) for right in inquiry.expected]
    if any(not same_values(results[0], other) for other in results) or all(
        same_values(rights[0], r) for r in rights
    ):
        return None
    return Diagnosis("always the same", "Your function gives back the same, whatever it is called with.")


def _other_default(inquiry: Inquiry) -> Diagnosis | None:
    """Whether only calls that leave an argument out fail, since its default is another one."""
    if any("left out" not in inquiry.cases[i].varied for i in inquiry.failing):
        return None
    parameters = inspect.signature(inquiry.exercise.reference).parameters
    wrong = []
    for name, parameter in parameters.items():
        if parameter.default is not parameter.empty and inquiry.answer.defaults.get(name) != parameter.default:
            own = inquiry.answer.defaults.get(name, "none")
            wrong.append(f"`{name}` is {parameter.default!r} by default, yours: {own!r}")
    if not wrong:
        return None
    return Diagnosis("other default", f"Your function is right, but not its defaults: {'; '.join(wrong)}.")


def _one_slip(inquiry: Inquiry) -> Diagnosis | None:
    """Whether a right answer with one slip in it, perhaps made twice, behaves the same."""
    if not inquiry.ran:
        return None
    for number, mutant in enumerate(_mutants(inquiry.exercise)):
        inquiry.hurry()
        function = inquiry.suspects.mutant(number) if inquiry.believable(mutant.slips[0]) else None
        if function is None:
            continue

        def predict(i, number=number, function=function):
            return inquiry.suspects.outcome(number, function, i)

        def again(exercise, case, function=function):
            return run_case(function, exercise, case)

        if inquiry.explains(predict, again):
            first, *others = mutant.slips
            also = "".join(f"\nThe same again: {in_words(slip)}" for slip in others)
            return Diagnosis(
                f"slip: {_brief(first)}", f"One slip explains all your results: {in_words(first)}{also}"
            )
    return None


def _brief(slip: slips.Slip) -> str:
    return f"{slip.before} → {slip.after or 'nothing'}"


def _two_slips(inquiry: Inquiry) -> Diagnosis | None:
    """Whether a right answer with two slips behaves the same."""
    if not inquiry.telling:
        return None
    i = inquiry.ran[0]
    case, outcome = inquiry.cases[i], inquiry.outcomes[i]
    _, wrong_before = right_and_wrong(inquiry.exercise, [inquiry.expected[i]], [outcome])
    helpful, rest = [], []
    for number, mutant in enumerate(_mutants(inquiry.exercise)):
        inquiry.hurry()
        if len(mutant.slips) > 1 or mutant.slips[0].kind in ("size", "lines swapped"):
            continue
        function = inquiry.suspects.mutant(number)
        made = inquiry.suspects.outcome(number, function, i) if function else None
        if made is None or made.error is not None:
            continue
        _, wrong = right_and_wrong(inquiry.exercise, [made], [outcome])
        if len(wrong) < len(wrong_before):  # it explains a part of the results by itself
            helpful.append(mutant)
        elif mutant.slips[0].kind != "name":
            rest.append(mutant)
    together = itertools.chain(
        itertools.combinations(helpful, 2), itertools.product(helpful, rest), itertools.combinations(rest, 2)
    )
    for first, second in itertools.islice(together, MOST_PAIRS):
        inquiry.hurry()
        (a,), (b,) = first.slips, second.slips
        nested = a.within == b.within and (a.before in b.before or b.before in a.before)
        function = None if nested or first.text is not second.text else first.compiled(b)
        if function is None:
            continue
        if not agree(run_case(function, inquiry.exercise, case), outcome, inquiry.exercise, case):
            continue

        def again(exercise, case, function=function):
            return run_case(function, exercise, case)

        if inquiry.explains(lambda i, again=again: again(inquiry.exercise, inquiry.cases[i]), again):
            said = f"First: {in_words(a)}\nSecond: {in_words(b)}"
            return Diagnosis(
                f"slips: {_brief(a)}; {_brief(b)}", f"Two slips together explain all your results.\n{said}"
            )
    return None


KEEPS = ("shared default", "state in the class", "global", "global source")
CHANGES: list[tuple[str, Callable[[Any], Any]]] = [
    ("`1 - {0}` stands where `{0}` belongs", lambda v: 1 - v),
    ("`{0} + 1` stands where `{0}` belongs: all is one step ahead", lambda v: v + 1),
    ("`{0} - 1` stands where `{0}` belongs: all is one step behind", lambda v: v - 1),
    ("`{0}` enters with the wrong sign", lambda v: -v),
    ("`{0}` enters squared", lambda v: v * v),
    ("the root of `{0}` enters, not `{0}` itself", lambda v: v**0.5 if v >= 0 else None),
    ("`1 / {0}` stands where `{0}` belongs", lambda v: 1 / v if v else None),
    ("`{0}` enters twice as large", lambda v: 2 * v),
    ("`{0}` enters half as large", lambda v: v / 2),
    ("`{0}` is cut to a whole number", lambda v: type(v)(int(v))),
    ("`{0}` is rounded to a whole number", lambda v: type(v)(round(v))),
    ("`{0}` is rounded to one digit after the point", lambda v: round(v, 1)),
    ("`{0}` is rounded to two digits after the point", lambda v: round(v, 2)),
    ("the absolute value of `{0}` enters", lambda v: abs(v)),
    ("`{0}` is taken as at least 0", lambda v: max(v, type(v)(0))),
    ("`{0}` is taken for a percentage", lambda v: v / 100),
]


def _floats(change: Callable) -> Callable:
    return lambda a: change(a) if a.dtype.kind == "f" else None


ARRAYS: list[tuple[str, Callable[[np.ndarray], Any]]] = [
    ("`{0}` enters with the wrong sign", np.negative),
    ("`{0}` enters transposed", lambda a: a.T if a.ndim == 2 and a.shape[0] == a.shape[1] else None),
    ("`{0}` enters in reverse order", lambda a: a[::-1] if a.ndim else None),
    ("`{0}` is sorted first", lambda a: np.sort(a, axis=0) if a.ndim else None),
    ("`{0}` is sorted first, the largest in front", lambda a: np.sort(a, axis=0)[::-1] if a.ndim else None),
    ("equal entries of `{0}` count once", lambda a: np.unique(a) if a.ndim == 1 else None),
    ("only the absolute values of `{0}` enter", np.abs),
    ("`{0}` enters squared", np.square),
    ("`{0}` is taken as 0 throughout: it has no influence", np.zeros_like),
    ("`{0}` is taken as 1 throughout", np.ones_like),
    ("only the signs of `{0}` enter", np.sign),
    ("the mean of `{0}` is taken off first", lambda a: a - a.mean()),
    ("the last entry of `{0}` is left out", lambda a: a[:-1] if a.ndim and len(a) > 1 else None),
    ("the first entry of `{0}` is left out", lambda a: a[1:] if a.ndim and len(a) > 1 else None),
    ("only the first entry of `{0}` is used, for all", lambda a: np.full_like(a, a.flat[0]) if a.size else None),
    ("only the last entry of `{0}` is used, for all", lambda a: np.full_like(a, a.flat[-1]) if a.size else None),
    ("the mean of `{0}` is used for all its entries", _floats(lambda a: np.full_like(a, a.mean()))),
    ("`{0}` is cut to whole numbers", _floats(np.trunc)),
    ("`{0}` is rounded to float32", _floats(lambda a: a.astype(np.float32).astype(a.dtype))),
    ("NaN in `{0}` is taken as 0", _floats(lambda a: np.nan_to_num(a, posinf=np.inf, neginf=-np.inf))),
    ("NaN in `{0}` is left out", _floats(lambda a: a[~np.isnan(a)] if a.ndim == 1 else None)),
]  # fmt: skip
COMMON = (0, 1, -1, 2, 0.5, 0.9, 0.99, 0.999, 1e-8, 0.1, 0.01, 0.001, 10, 100)


def _fixed_parameter(inquiry: Inquiry) -> Diagnosis | None:
    """Whether a right answer behaves the same when an argument is fixed, or two are exchanged."""
    return _parameter(inquiry, fixed=True)


def _parameter(inquiry: Inquiry, *, fixed: bool = False) -> Diagnosis | None:
    """Whether a right answer behaves the same when one argument is replaced by something made of it."""
    if not inquiry.telling or isinstance(inquiry.exercise.reference, type):
        return None
    exercise, signature = inquiry.exercise, inspect.signature(inquiry.exercise.reference)
    given = given_of(exercise, inquiry.cases[inquiry.ran[0]])
    texts = [numbers_in(text.tree) for text in _texts_of(exercise.reference, {})]
    numbers = [*inquiry.answer.constants(), *itertools.chain(*texts), *COMMON]
    for words, change in _replacements(signature, inquiry, given, [*dict.fromkeys(numbers)]):
        inquiry.hurry()
        if ("in all calls" in words or "have changed places" in words) != fixed or not _changes(change, given):
            continue
        function = _with_change(exercise.reference, signature, change)

        def again(exercise, case, function=function):
            return run_case(function, exercise, case)

        if inquiry.explains(lambda i, again=again: again(inquiry.exercise, inquiry.cases[i]), again):
            return Diagnosis(f"parameter: {words}", f"All your results come out if one thing is changed: {words}.")
    return None


NOT_TO_BE_CHANGED = (TypeError, ValueError, ZeroDivisionError, OverflowError, IndexError, AttributeError, KeyError)


def _changes(change, given) -> bool:
    """Whether a change makes other arguments."""
    try:
        changed = change(dict(copied(given)))
    except NOT_TO_BE_CHANGED:
        return False
    return changed is not None


def _with_change(reference: Callable, signature: inspect.Signature, change: Callable) -> Callable:
    """Return a right answer that changes its arguments first."""

    def function(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        changed = change(dict(bound.arguments))
        if changed is not None:
            for name, value in changed.items():
                if type(value) is int and abs(value) > max(LARGEST, bound.arguments[name]):
                    raise ValueError(f"{name} = {value} would take for ever")
            bound.arguments.update(changed)
        return reference(*bound.args, **bound.kwargs)

    return function


def _replacements(signature, inquiry, given, constants) -> Iterator[tuple[str, Callable[[dict], dict | None]]]:
    """Yield in words, and as a change of the arguments, what may stand in the place of each argument."""
    given = given_of(inquiry.exercise, inquiry.cases[inquiry.ran[0]])
    unread = {
        f.text.split("`")[1] for f in inquiry.answer.facts(tuple(signature.parameters)) if f.kind == "never read"
    }

    def replace(name, change):
        def changed(arguments):
            new = change(arguments[name])
            return None if new is None else arguments | {name: new}

        return changed

    scalars = [n for n, v in given.items() if isinstance(v, int | float | np.number) and not isinstance(v, bool)]
    arrays = [n for n, v in given.items() if isinstance(v, np.ndarray)]
    for name in sorted(scalars, key=lambda n: n not in unread):
        default = signature.parameters[name].default
        values = [default] if isinstance(default, int | float) else []
        own = inquiry.answer.defaults.get(name)
        values += [own] if isinstance(own, int | float) else []
        whole = isinstance(given[name], int)  # a huge size or count would take for ever
        for value in dict.fromkeys([*values, *constants]):
            if whole and abs(value) > 1_000:
                continue
            yield (
                f"`{name}` is {value:g} in all calls, whatever comes in",
                lambda arguments, name=name, value=value: arguments | {name: type(arguments[name])(value)},
            )
        for words, change in CHANGES:
            yield words.format(name), replace(name, change)
    defaults = {n: p.default for n, p in signature.parameters.items() if p.default is not p.empty}
    if len(defaults) > 1:
        said = _list(list(defaults))
        yield f"{said} have their defaults in all calls, whatever comes in", lambda arguments: arguments | defaults
    for group in _alike(scalars):
        fixed = {n: defaults[n] for n in group if n in defaults} or dict(zip(group, (0.9, 0.999), strict=False))
        words = f"{_list(list(fixed))} are {' and '.join(f'{v:g}' for v in fixed.values())} in all calls"
        yield f"{words}, whatever comes in", lambda arguments, fixed=fixed: arguments | fixed
        for words, change in CHANGES:
            yield (
                words.format(" and ".join(group)),
                lambda arguments, group=group, change=change: arguments | {n: change(arguments[n]) for n in group},
            )
    for a, b in [*itertools.combinations(scalars, 2), *itertools.combinations(arrays, 2)]:
        yield (
            f"`{a}` and `{b}` have changed places",
            lambda arguments, a=a, b=b: arguments | {a: arguments[b], b: arguments[a]},
        )
    for a, b in [*itertools.permutations(scalars, 2), *itertools.permutations(arrays, 2)]:
        yield (
            f"`{b}` stands where `{a}` belongs, which has no influence",
            lambda arguments, a=a, b=b: arguments | {a: arguments[b]},
        )
    for name in arrays:
        for words, change in ARRAYS:
            yield words.format(name), replace(name, change)
    for name, value in given.items():
        if isinstance(value, bool):
            for fixed in (True, False):
                yield (
                    f"`{name}` is {fixed} in all calls, whatever comes in",
                    lambda arguments, name=name, fixed=fixed: arguments | {name: fixed},
                )
        elif isinstance(value, str):
            for other in dict.fromkeys(given_of(inquiry.exercise, c).get(name) for c in inquiry.cases):
                yield (
                    f"`{name}` is {other!r} in all calls, whatever comes in",
                    lambda arguments, name=name, other=other: arguments | {name: other},
                )
        elif isinstance(value, Seed):
            for number in dict.fromkeys(
                [0, 42, 1, *(int(c) for c in constants if 0 <= c < 2**32 and c == int(c))]
            ):
                yield (
                    f"the generator is one of your own, from the seed {number}; `{name}` has no influence",
                    lambda arguments, name=name, number=number: arguments | {name: np.random.default_rng(number)},
                )
        elif isinstance(value, dict) and value:
            yield (
                f"`{name}` enters in the order of its keys, not by their names",
                lambda arguments, name=name: _by_order(arguments, name),
            )
            yield (
                f"only the first entry of `{name}` is used",
                lambda arguments, name=name: arguments | {name: dict([next(iter(arguments[name].items()))])},
            )


def _alike(names: list[str]) -> list[list[str]]:
    """Return the names that differ by a digit at their end only: beta1 and beta2."""
    groups: dict[str, list[str]] = {}
    for name in names:
        if name[-1].isdigit():
            groups.setdefault(name.rstrip("0123456789"), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _by_order(arguments, name):
    others = [v for k, v in arguments.items() if isinstance(v, dict) and k != name]
    if not others or len(others[0]) != len(arguments[name]):
        return None
    return arguments | {name: dict(zip(others[0], arguments[name].values(), strict=True))}


def _changed_case(signature, case, change) -> Case | None:
    """Return a case with changed arguments, or None where the change does not apply."""
    bound = signature.bind(*case.args, **case.kwargs)
    bound.apply_defaults()
    try:
        changed = change(dict(copied(bound.arguments)))
    except NOT_TO_BE_CHANGED:
        return None
    if changed is None:
        return None
    bound.arguments.update(changed)
    return Case(case.part, bound.args, bound.kwargs, case.varied, case.earns)


def _repair(inquiry: Inquiry) -> Diagnosis | None:
    """Whether one change in the learner's own text makes every call come out right."""
    texts = _texts_of(inquiry.exercise.reference, {})
    pieces = slips.ingredients(texts[0]) if texts else []
    until = min(inquiry.deadline, time.monotonic() + 0.6 * max(inquiry.deadline - time.monotonic(), 0))
    drawn = "rng" in inquiry.exercise.arguments  # then many things look right
    i = inquiry.failing[0]
    best: tuple[int, slips.Slip] | None = None
    for slip, run in inquiry.answer.repairs(pieces, until):
        if (drawn and slip.kind == "piece") or not _right(inquiry, run, i):
            continue
        fixed = [j for j in inquiry.failing if _right(inquiry, run, j)]
        broken = next((j for j in inquiry.passing if not _right(inquiry, run, j)), None)
        if len(fixed) == len(inquiry.failing) and broken is None:
            fresh = all(agree(right, run(case), inquiry.exercise, case) for case, right, _, _ in inquiry.fresh)
            if fresh:
                return _repaired(inquiry, slip)
        elif broken is None and slip.kind not in ("constant", "piece") and (best is None or len(fixed) > best[0]):
            best = len(fixed), slip
    if best is not None and best[0] >= max(2, len(inquiry.failing) / 2):
        return _repaired(inquiry, best[1], best[0])
    return None


def _right(inquiry, run, i) -> bool:
    return agree(inquiry.expected[i], run(inquiry.cases[i]), inquiry.exercise, inquiry.cases[i])


def _repaired(inquiry, slip: slips.Slip, fixed: int | None = None) -> Diagnosis:
    line = inquiry.answer.line(slip.line)
    change = f"with `{slip.after}` in the place of `{slip.before}`"
    if slip.kind in ("lines swapped", "line dropped", "set anew in the loop", "return in the loop"):
        change = {
            "lines swapped": f"with `{slip.after}` before `{slip.before}`",
            "line dropped": f"without `{slip.before}`",
            "set anew in the loop": f"with `{slip.before}` at the beginning of each turn of the loop",
            "return in the loop": f"with `{slip.before}` inside the loop",
        }[slip.kind]
    elif slip.kind.startswith("line moved"):
        where = "inside the loop, at its end" if "into" in slip.kind else "after the loop"
        change = f"with `{slip.before}` {where}"
    elif slip.kind == "branch dropped":
        change = f"without `{slip.before}`"
    elif slip.kind == "branch always":
        change = f"if what follows `{slip.before}` were always done"
    within = f", `{slip.within}`" if slip.within and slip.within != slip.before else ""
    key = f"repair: {slip.before} → {slip.after or 'nothing'}"
    if fixed is None:
        return Diagnosis(key, f"Look at {line}{within}: {change}, every call comes out right.")
    return Diagnosis(
        key,
        f"Look at {line}{within}: {change}, {fixed} of the {len(inquiry.failing)} calls that fail come out right; "
        "for the others, something else is missing.",
    )


def _form(inquiry: Inquiry) -> Diagnosis | None:
    """Whether all wrong results are right in another form: a list, transposed, one entry too many."""
    return _relation(inquiry, forms=True)


def _relation(inquiry: Inquiry, *, forms: bool = False) -> Diagnosis | None:
    """Whether all wrong results are related to the right ones in one way."""
    cases, expected, outcomes = inquiry.cases, inquiry.expected, inquiry.outcomes
    if len(inquiry.ran) < 0.6 * len(inquiry.failing):
        return None
    fresh = [(case, right, outcome) for case, right, outcome, _ in inquiry.fresh]
    more = [list(column) for column in zip(*fresh, strict=True)] or [[], [], []]
    pairs = pairs_of(inquiry.exercise, [*cases, *more[0]], [*expected, *more[1]], [*outcomes, *more[2]])
    if not pairs or len(pairs) > 400:
        return None
    said = relation(inquiry.exercise, pairs, forms=forms)
    if said is None:
        return None
    right, _ = right_and_wrong(inquiry.exercise, expected, outcomes)
    kept = [name for name in right if name.isidentifier()]
    also = f" {_list(kept)} {'is' if len(kept) == 1 else 'are'} right." if kept else ""
    words = inquiry.where()
    only = f" This shows only where {words}." if words and inquiry.passing else ""
    return Diagnosis(f"relation: {said}", said + only + also)


def _list(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names[:4]]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


STEPS_IN_ORDER = (
    _always_the_same,
    _kept_between_calls,
    _other_default,
    _fixed_parameter,
    _one_slip,
    _parameter,
    _form,
    _repair,
    _relation,
    _two_slips,
)


# ---------------------------------------------------------------------------------------------------------
# When nothing explains everything: what is known


def _what_is_known(inquiry: Inquiry, plain: str) -> Diagnosis:
    """Say which calls fail, what they have in common, what is right, and what the text shows."""
    said, (named, key) = [plain], _said_by_itself(inquiry)
    try:
        inquiry.deadline = time.monotonic() + 0.1
        with time_limit(LAST_RESORT * 0.1), quietly(Captured()), np.errstate(all="ignore"):
            needed = inquiry.exercise.arguments
            sure = [fact for fact in inquiry.answer.facts(needed) if fact.sure]
            if sure:
                said.append(f"In {inquiry.answer.line(sure[0].line)}: {sure[0].text}")
                named, key = True, f"text: {sure[0].kind}"
            words = inquiry.where() if inquiry.passing else ""
            if words:
                said.append(f"Only calls fail where {words}; all others agree.")
                key = key if named else f"only where {words}"
                named = named or not re.search(r"\d or (more|less)|equals|than|divide", words)
            elif inquiry.passing:
                said.append(f"{len(inquiry.passing)} of {len(inquiry.cases)} calls agree.{_one_part(inquiry)}")
            right, wrong = right_and_wrong(inquiry.exercise, inquiry.expected, inquiry.outcomes)
            if right and wrong and all(map(str.isidentifier, right)):
                said.append(f"{_list(right)} {'is' if len(right) == 1 else 'are'} right everywhere.")
            neutral = _neutral(inquiry)
            if neutral:
                said.append(neutral)
                named = True
    except (_TimeIsUp, TimeLimitReached):
        pass
    return Diagnosis(key, "\n".join(said), named)


def _said_by_itself(inquiry: Inquiry) -> tuple[bool, str]:
    """Return whether the plain sentence names the mistake, as an error or a wrong form does, and a key."""
    i = inquiry.failing[0]
    error = inquiry.outcomes[i].error
    if error is not None:
        return True, f"error: {type(error).__name__}"
    right, outcome, case = inquiry.expected[i], inquiry.outcomes[i], inquiry.cases[i]
    difference = first_difference(right, outcome, inquiry.exercise, case)
    if difference is not None and difference.kind in ("type", "shape"):
        return True, f"form: {difference.kind}"
    return False, "unexplained"


def _one_part(inquiry: Inquiry) -> str:
    """Say which part all that fails belongs to, if to one."""
    parts = {inquiry.cases[i].counts_for for i in inquiry.failing}
    return f" All that fail belong to “{parts.pop()}”." if len(parts) == 1 < len(inquiry.exercise.parts) else ""


def _neutral(inquiry: Inquiry) -> str:
    """Say with which value of which argument the failing calls come out right: there the mistake has no effect."""
    if isinstance(inquiry.exercise.reference, type) or not inquiry.ran:
        return ""
    signature = inspect.signature(inquiry.exercise.reference)
    given = given_of(inquiry.exercise, inquiry.cases[inquiry.ran[0]])
    for name, value in given.items():
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or name.startswith(("lr", "step", "size"))
        ):
            continue
        inquiry.hurry()
        neutral = 1 if isinstance(value, int) else 0  # a count of 0 is no call that anybody asked for

        def change(arguments, name=name, neutral=neutral):
            return arguments | {name: type(arguments[name])(neutral)}

        if _all_right(inquiry, signature, change):
            return f"With `{name}` = {neutral} your results are right: look at where `{name}` comes in."
    return ""


def _all_right(inquiry, signature, change) -> bool:
    tried = 0
    for i in inquiry.ran[:4]:
        case = _changed_case(signature, inquiry.cases[i], change)
        if case is None:
            return False
        right = run_case(inquiry.exercise.reference, inquiry.exercise, case)
        if (
            right.error is not None
            or "nan" in repr(right.values)
            or not agree(right, inquiry.answer.run(case), inquiry.exercise, case)
        ):
            return False
        numbers = [np.ravel(v) for v in right.values.values() if isinstance(v, np.ndarray | float)]
        tried += any(np.isfinite(n).any() and np.any(n != 0) for n in numbers if n.size)
    return tried > 0


def endless_loop(answer: Answer) -> str:
    """Say which loop of an answer's text cannot end, if one shows."""
    found = next((fact for fact in answer.facts(()) if fact.kind == "endless"), None)
    return f" In {answer.line(found.line)}: {found.text}" if found else ""


# ---------------------------------------------------------------------------------------------------------
# Words for slips


LEADS = {
    "sign": "a sign is turned round",
    "brackets": "the brackets are elsewhere",
    "order of operations": "two operations come in the other order",
    "boundary": "what lies exactly on the boundary is decided the other way",
    "comparison": "a comparison goes the other way",
    "condition turned round": "a condition is turned round",
    "condition dropped": "a condition is missing",
    "operands swapped": "two things have changed places",
    "weights swapped": "the two weights have changed places",
    "axis": "it goes along the other axis",
    "ddof": "the number of values is reduced by one",
    "range": "the loop has other turns",
    "turns": "the loop leaves out a turn",
    "slice": "the slice is off by one",
    "index": "the index is off",
    "limit dropped": "a limit is missing",
    "keyword dropped": "an argument is left out",
    "transposed": "a transpose is missing",
    "own generator": "the generator that comes in is not used",
    "sum overwritten": "a sum is overwritten in each turn",
    "aggregated": "entries are put together that should stay apart",
    "choice": "a choice is always decided the same way",
}
STEPS = {  # slips of whole lines
    "old value": "the old value of `{after}` is used in `{before}`; it is updated first there.",
    "lines swapped": "two steps come in the other order: `{after}` before `{before}`.",
    "line dropped": "`{before}` is missing, or has no effect.",
    "set anew in the loop": "`{before}` is done again in each turn of the loop, not once before it.",
    "return in the loop": "the function returns in the first turn of its loop.",
    "line moved into the loop": "`{before}` is done in each turn of the loop, not once after it.",
    "line moved out of the loop": "`{before}` is done once after the loop, not in each turn.",
    "branch dropped": "the case `{before}` is not treated.",
    "branch always": "what belongs to `{before}` is always done.",
    "break": "the loop goes on where it should end.",
}


def _moved(before: str, after: str) -> list[str]:
    """Return the items of a tuple or list that stand elsewhere."""
    try:
        items, others = (ast.parse(text, mode="eval").body.elts for text in (before, after))
    except (SyntaxError, AttributeError):  # several indices, say
        return []
    return [ast.unparse(a) for a, b in zip(items, others, strict=True) if ast.dump(a) != ast.dump(b)]


def in_words(slip: slips.Slip) -> str:
    """Say what one slip in a right answer is."""
    before, after, within = slip.before, slip.after, slip.within
    if slip.kind in STEPS:
        return STEPS[slip.kind].format(before=before.removesuffix(": …"), after=after)
    place = f", in `{within}`" if within and within not in (before, after) and len(within) < 100 else ""
    if slip.lost:
        verb = "is missing"
        return f"{slip.lost} {verb} in `{within if within and len(within) < 100 else before}`."
    if slip.kind == "function dropped" and before.split("(")[0].replace(".", "").isidentifier():
        return f"`{before.split('(')[0]}` is missing: `{after}` in the place of `{before}`{place}."
    if slip.kind == "order":
        moved = _moved(before, after)
        if moved:
            return f"{_list(moved)} have changed places{place or ' in what is returned'}."
    lead = LEADS.get(slip.kind, "")
    return f"{lead}{': ' * bool(lead)}`{after}` in the place of `{before}`{place}."
