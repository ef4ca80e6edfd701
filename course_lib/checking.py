"""Check a learner's answer: the one entry point for learner and grader.

`check` runs a function on the cases of its exercise and decides by the results alone. When they are wrong it
says one thing, the most useful. `hint` gives the next of three hints, `solution` shows an answer to those who
have tried, `plug_in` puts a right answer to work, `settle` compares a prediction with what came out.
"""

import html
import re
import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import numpy as np

from course_lib.comparing import describe
from course_lib.diagnosing import Answer, OwnAnswer, Suspects, diagnose, endless_loop
from course_lib.exercises import Case, ContractError, Exercise, Misconception, Prediction, Quiz, all_exercises
from course_lib.running import (
    GLOBAL_SOURCE,
    Captured,
    Outcome,
    TimeLimitReached,
    agree,
    first_difference,
    is_untouched,
    quietly,
    reads,
    run_case,
    time_limit,
)

__all__ = [
    "MIME_TYPE",
    "Note",
    "Part",
    "Verdict",
    "check",
    "decide",
    "differences",
    "explained",
    "hint",
    "judge_answer",
    "not_attempted",
    "plug_in",
    "reference_outcomes",
    "settle",
    "solution",
    "timed_out",
]

MIME_TYPE = "application/vnd.course.verdict+json"
TIME_LIMIT = 5.0  # seconds for all calls of one check; a right answer needs milliseconds


# ---------------------------------------------------------------------------------------------------------
# The verdict


@dataclass(frozen=True)
class Part:
    """One part of an exercise: ``earned`` is None where the core failed, so the part was not looked at."""

    name: str
    points: int
    earned: bool | None


@dataclass(frozen=True)
class Verdict:
    """What `check` found.

    Shown as HTML in a notebook and as text elsewhere. In a notebook its plain-text form is the points alone,
    which is how nbgrader reads partial credit; `MIME_TYPE` carries the same as JSON, for reports.
    """

    exercise: str
    status: str  # "right", "wrong", "error", "timed out", "not attempted", "noted"
    points: float
    max_points: int
    message: str
    misconception: str | None = None
    case: str = ""
    parts: tuple[Part, ...] = ()
    printed: str = ""

    @property
    def title(self) -> str:
        """Headline: a sign and the status with the points."""
        sign = {"right": "✓", "noted": "✓", "not attempted": "○"}.get(self.status, "✗")
        names = {"error": "Stopped by an error", "timed out": "Stopped: no end in sight", "wrong": "Not yet"}
        name = names.get(self.status, self.status.capitalize())
        return f"{sign} {name} · {self.exercise} · {self.points:g} of {self.max_points} points"

    def __str__(self):
        lines = [self.title, self.message]
        if self.case:
            lines += ["", "The call:", *("    " + line for line in self.case.splitlines())]
        if self.printed:
            lines += ["", "What your code printed:", *("    " + line for line in self.printed.splitlines())]
        if len(self.parts) > 1 and self.status not in ("right", "not attempted"):
            lines += ["", *(f"  {_mark(part)} {part.name} ({part.points:g})" for part in self.parts)]
        return "\n".join(lines)

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        """Return the verdict for machines: exercise, status, misconception, points, parts."""
        return {
            "exercise": self.exercise,
            "status": self.status,
            "misconception": self.misconception,
            "points": float(self.points),
            "max_points": float(self.max_points),
            "parts": {part.name: part.earned for part in self.parts},
        }

    def to_html(self) -> str:
        """Return the verdict as a card that reads well in light and dark themes."""
        colour = {"right": "#009E73", "noted": "#0072B2", "not attempted": "#888888"}.get(self.status, "#D55E00")
        blocks = [
            f"<p style='margin:0'><strong>{html.escape(self.title)}</strong></p>",
            f"<p style='margin:.3em 0 0'>{_html(self.message)}</p>",
        ]
        if self.case:
            blocks.append(f"<p style='margin:.3em 0 0'>The call:</p>{_pre(self.case)}")
        if len(self.parts) > 1 and self.status not in ("right", "not attempted"):
            items = " &nbsp; ".join(
                f"{_mark(part)} {html.escape(part.name)} ({part.points:g})" for part in self.parts
            )
            blocks.append(f"<p style='margin:.3em 0 0'>{items}</p>")
        if self.printed:
            blocks.append(f"<details><summary>What your code printed</summary>{_pre(self.printed)}</details>")
        return _card(colour, "".join(blocks))

    def _repr_mimebundle_(self, include=None, exclude=None):
        if not _in_notebook():
            return {"text/plain": str(self)}
        return {
            "text/plain": repr(float(self.points)),
            "text/html": self.to_html(),
            MIME_TYPE: self.to_json(),
        }


@dataclass(frozen=True)
class Note:
    """A hint, a solution or a settled prediction: text that shows as a card in a notebook."""

    title: str
    text: str
    code: str = ""

    def __str__(self):
        return "\n".join(filter(None, [self.title, self.text, self.code]))

    __repr__ = __str__

    def _repr_html_(self):
        body = f"<p style='margin:0'><strong>{html.escape(self.title)}</strong></p>"
        body += f"<p style='margin:.3em 0 0'>{_html(self.text)}</p>" + (_pre(self.code) if self.code else "")
        return _card("#0072B2", body)


def _mark(part: Part) -> str:
    return {True: "✓", False: "✗", None: "–"}[part.earned]


def _card(colour: str, body: str) -> str:
    style = f"border-left:4px solid {colour};padding:.4em .8em;margin:.2em 0;max-width:46em"
    return f"<div style='{style}'>{body}</div>"


def _html(text: str) -> str:
    """Turn the little Markdown that messages use, `code` and *emphasis*, into HTML."""
    pieces = re.split(r"`([^`]+)`", html.escape(text))
    pieces[::2] = [re.sub(r"(?<![\w*])\*(\w[^*]*)\*(?![\w*])", r"<em>\1</em>", piece) for piece in pieces[::2]]
    pieces[1::2] = [f"<code>{piece}</code>" for piece in pieces[1::2]]
    return "".join(pieces).replace("\n", "<br>")


def _pre(text: str) -> str:
    return f"<pre style='margin:.3em 0 0;white-space:pre-wrap'>{html.escape(text)}</pre>"


def _in_notebook() -> bool:
    """Whether a Jupyter kernel (and not a terminal) asks for our representation."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


# ---------------------------------------------------------------------------------------------------------
# Deciding


@lru_cache(maxsize=256)
def reference_outcomes(name: str, seed: int) -> tuple[list[Case], list[Outcome]]:
    """Return the cases that `seed` draws for an exercise, and what comes of each with its reference."""
    exercise = all_exercises()[name]
    cases = exercise.make_cases(seed)
    with quietly(Captured()):
        outcomes = [run_case(exercise.reference, exercise, c) for c in cases]
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return cases, outcomes


def _show_value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.size > 24:
            return f"<array of shape {value.shape}, dtype {value.dtype}>"
        text = np.array2string(value, separator=", ", max_line_width=88, floatmode="unique")
        dtype = "" if value.dtype in (np.float64, np.int64) else f", dtype=np.{value.dtype}"
        return f"np.array({text}{dtype})".replace("\n", "\n         ")
    return repr(value)


def _show_call(exercise: Exercise, case: Case) -> str:
    arguments = [_show_value(value) for value in case.args]
    arguments += [f"{name}={_show_value(value)}" for name, value in case.kwargs.items()]
    line = f"{exercise.name}({', '.join(arguments)})"
    if len(line) <= 96 and "\n" not in line:
        return line
    return (
        f"{exercise.name}(\n"
        + "".join("    " + argument.replace("\n", "\n    ") + ",\n" for argument in arguments)
        + ")"
    )


def _show_error(outcome: Outcome) -> str:
    """Name the error and the learner's own line that raised it."""
    error = outcome.error
    if isinstance(error, ContractError):
        return str(error)
    if isinstance(error, SystemExit):
        return "Your function called `exit()`. A function gives its result back with `return`."
    text = f"Your function raised `{': '.join(filter(None, [type(error).__name__, str(error)]))}`"
    return text + (outcome.where or ".")


def _nothing_earned(exercise: Exercise) -> dict[str, Any]:
    parts = tuple(Part(name, points, False) for name, points in exercise.parts.items())
    return {"exercise": exercise.name, "points": 0.0, "max_points": exercise.points, "parts": parts}


def not_attempted(exercise: Exercise) -> Verdict:
    """Return the verdict on an exercise where nothing is written."""
    return Verdict(
        **_nothing_earned(exercise),
        status="not attempted",
        message=f"Nothing here yet. Write `{exercise.name}`, run its cell, then check again. "
        f"Stuck? `hint({exercise.name})` helps.",
    )


def timed_out(
    exercise: Exercise,
    case: Case,
    printed: str = "",
    seconds: float = TIME_LIMIT,
    answer: Answer | None = None,
) -> Verdict:
    """Return the verdict on a function that did not come back from `case`."""
    which = endless_loop(answer) if answer else ""
    return Verdict(
        **_nothing_earned(exercise),
        status="timed out",
        message=f"Your function was stopped because it did not come back within {seconds:g} seconds. "
        "Either a loop never ends (its condition never becomes false, its counter never moves), or it is far "
        f"too slow: a right answer needs milliseconds.{which}",
        case=_show_call(exercise, case),
        printed=printed,
    )


def _judge(function: Callable, exercise: Exercise, seed: int) -> Verdict:
    """Run all cases, then decide."""
    if is_untouched(function):
        return not_attempted(exercise)
    cases, _ = reference_outcomes(exercise.name, seed)
    printed, outcomes = [], []
    try:
        with time_limit(TIME_LIMIT):
            for c in cases:
                printed.append(Captured())
                with quietly(printed[-1]):
                    outcomes.append(run_case(function, exercise, c))
    except TimeLimitReached:
        case, said = cases[len(outcomes)], str(printed[-1])
        return timed_out(exercise, case, said, TIME_LIMIT, OwnAnswer(function, exercise))
    texts = [str(text) for text in printed]
    verdict = decide(exercise, seed, outcomes, texts, reads(function))
    if verdict.status in ("wrong", "error") and verdict.misconception is None:
        return explained(verdict, exercise, seed, outcomes, OwnAnswer(function, exercise))
    return verdict


def decide(
    exercise: Exercise, seed: int, outcomes: list[Outcome], printed: list[str], outside: list[str]
) -> Verdict:
    """Judge a function by what came of each case. The order of what is said is the order of usefulness.

    Parameters
    ----------
    exercise : Exercise
        What was asked.
    seed : int
        The seed that drew the cases.
    outcomes : list of Outcome
        What came of them, one for each.
    printed : list of str
        What the function printed in each case.
    outside : list of str
        Names of the notebook's data that the function reads.
    """
    cases, expected = reference_outcomes(exercise.name, seed)
    if isinstance(outcomes[0].error, NotImplementedError):
        text = "Your code runs into the stub's last line. Delete `raise NotImplementedError`, then check again."
        return replace(not_attempted(exercise), message=text)

    good = [agree(e, a, exercise, c) for e, a, c in zip(expected, outcomes, cases, strict=True)]
    parts = _earned_parts(exercise, cases, good)
    common = {
        "exercise": exercise.name,
        "points": float(sum(part.points for part in parts if part.earned)),
        "max_points": exercise.points,
        "parts": parts,
    }
    if all(good):
        return Verdict(**common, status="right", message="All cases agree.", printed=printed[0])

    worst = min((i for i, fine in enumerate(good) if not fine), key=lambda i: _order(exercise, cases[i]))
    common |= {"case": _show_call(exercise, cases[worst]), "printed": printed[worst]}
    known = _recognise(exercise, seed, good, outcomes)
    if known:
        return Verdict(**common, status="wrong", message=known.message, misconception=known.key)
    status, message, may_be_outside = _what_is_wrong(exercise, cases[worst], expected[worst], outcomes[worst])
    return Verdict(**common, status=status, message=message + _outside_data(outside) * may_be_outside)


def _what_is_wrong(exercise: Exercise, case: Case, expected: Outcome, outcome: Outcome) -> tuple[str, str, bool]:
    """Return status and message for a case that failed, and whether data from outside may be the reason."""
    if outcome.error is not None:
        return "wrong" if isinstance(outcome.error, ContractError) else "error", _show_error(outcome), True
    if GLOBAL_SOURCE in outcome.mutated:
        return "wrong", _FROM_THE_GLOBAL_SOURCE, False
    difference = first_difference(expected, outcome, exercise, case)
    if outcome.mutated and (difference is None or difference.kind == "value"):
        names = " and ".join(f"`{name}`" for name in outcome.mutated)
        arguments = "argument" if len(outcome.mutated) == 1 else "arguments"
        message = f"Your function changes its {arguments} {names} in place{outcome.where or '.'}"
        return "wrong", f"{message}\n{_COMPUTE_INTO_A_NEW_ARRAY}", False
    return "wrong", difference.text, True


_FROM_THE_GLOBAL_SOURCE = (
    "Your function draws from NumPy's global source (`np.random`). Whoever calls it cannot repeat the draw then. "
    "Draw everything from `rng`, the generator that comes in."
)
_COMPUTE_INTO_A_NEW_ARRAY = (
    "The array belongs to the caller, who finds other numbers in it afterwards. Compute into a new array, or work "
    "on a copy."
)


def differences(exercise: Exercise, seed: int, outcomes: list[Outcome]) -> list[tuple[str, str, str]]:
    """Return, for each part that failed: its name, the smallest call for which it did, and what is wrong there.

    Parameters
    ----------
    exercise, seed, outcomes
        As in `decide`.
    """
    cases, expected = reference_outcomes(exercise.name, seed)
    found: dict[str, tuple[int, str, str]] = {}
    for case, right, outcome in zip(cases, expected, outcomes, strict=True):
        part = case.counts_for
        if not agree(right, outcome, exercise, case) and (part not in found or case.size < found[part][0]):
            text = _what_is_wrong(exercise, case, right, outcome)[1]
            found[part] = (case.size, _show_call(exercise, case), text)
    return [(part, call, text) for part, (_, call, text) in found.items()]


def _outside_data(names: list[str]) -> str:
    """Say which of the notebook's data the function reads: often a size taken from there, not from an argument."""
    if not names:
        return ""
    found = " and ".join(f"`{name}`" for name in names)
    return f"\nYour function reads {found} from the notebook, not from its arguments. Is that meant?"


def _order(exercise: Exercise, case: Case) -> tuple[int, int]:
    return list(exercise.parts).index(case.counts_for), case.size


def _earned_parts(exercise: Exercise, cases: list[Case], good: list[bool]) -> tuple[Part, ...]:
    earned = {
        name: all(fine for c, fine in zip(cases, good, strict=True) if c.counts_for == name)
        for name in exercise.parts
    }
    core = next(iter(exercise.parts))
    return tuple(
        Part(name, points, earned[name] if earned[core] or name == core else None)
        for name, points in exercise.parts.items()
    )


@lru_cache(maxsize=64)
def _suspects(exercise: Exercise, seed: int) -> Suspects:
    return Suspects(exercise, reference_outcomes(exercise.name, seed)[0])


def _recognise(exercise: Exercise, seed: int, good: list[bool], outcomes: list[Outcome]) -> Misconception | None:
    """Return the misconception whose results are reproduced on every case, if there is one."""
    cases, suspects = reference_outcomes(exercise.name, seed)[0], _suspects(exercise, seed)
    failed_first = sorted(range(len(cases)), key=lambda i: good[i])  # there most misconceptions already differ
    with quietly(Captured()):
        for known in exercise.misconceptions:
            made = ((i, suspects.outcome(known.key, known.function, i)) for i in failed_first)
            if all(agree(outcome, outcomes[i], exercise, cases[i]) for i, outcome in made):
                return known
    return None


def explained(
    verdict: Verdict, exercise: Exercise, seed: int, outcomes: list[Outcome], answer: Answer, **limits: float
) -> Verdict:
    """Return a verdict on a wrong answer that no misconception reproduces, with what experiments on it show.

    Parameters
    ----------
    verdict : Verdict
        As `decide` made it.
    exercise, seed, outcomes
        As in `decide`.
    answer : Answer
        The learner's, to be tried again.
    **limits : float
        As `diagnose` takes them.
    """
    if any(outcome.mutated for outcome in outcomes):
        return replace(verdict, misconception="diagnosed: changes what it should not")
    cases, expected = reference_outcomes(exercise.name, seed)
    found = diagnose(
        exercise,
        seed,
        cases,
        expected,
        outcomes,
        answer,
        draw=lambda other: reference_outcomes(exercise.name, other),
        suspects=_suspects(exercise, seed),
        plain=verdict.message,
        **limits,
    )
    message = found.message
    if verdict.status == "error" and verdict.message not in message:
        message = f"{verdict.message}\n{message}"
    _, reads_outside, names = verdict.message.rpartition("\nYour function reads")
    if reads_outside and reads_outside not in message:
        message += reads_outside + names
    return replace(verdict, message=message, misconception=f"diagnosed: {found.key}" if found.named else None)


# ---------------------------------------------------------------------------------------------------------
# What learners call


@dataclass
class _Progress:
    """What this session knows of one exercise: hints given, whether one was tried, the last right answer."""

    hints: int = 0
    tried: bool = False
    right: Callable | None = None


_progress: dict[str, _Progress] = {}
_checking_now = ContextVar("_checking_now", default=False)


def _progress_of(name: str) -> _Progress:
    return _progress.setdefault(name, _Progress())


def _find(item: Any, caller: str) -> Exercise | Quiz:
    """Return the exercise meant by a function, a class or a name."""
    __tracebackhide__ = True  # a learner who calls us wrongly sees their line and the message, not our lines
    name = item if isinstance(item, str) else getattr(item, "__name__", None)
    bank = all_exercises()
    if name in bank:
        return bank[name]
    if name is None:
        raise TypeError(
            f"{caller} takes the function itself, as in {caller}(steps_per_epoch), without calling it; "
            f"got {describe(item).replace('`', '')}"
        )
    close = get_close_matches(name, bank, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    if isinstance(item, str) and not close:
        meant = "; an answer to a question is checked by its name, as in check(quiz_updates=quiz_updates)"
    elif name == "<lambda>":
        meant = "; define it with def, under the exercise's name"
    raise ValueError(f"{caller}: there is no exercise called {name!r} in this course{meant}")


def check(function: Callable | None = None, /, *, seed: int = 0, **answers: str | None) -> Verdict:
    """Check your answer to an exercise.

    Parameters
    ----------
    function : callable, optional
        The function (or class) that you wrote, under the name that the exercise gave it.
    seed : int
        Draws the cases; another seed, other numbers.
    **answers : str or None
        For a quiz or a prediction instead: its name and your answer, as in ``check(one_pass=one_pass)``.

    Returns
    -------
    Verdict
        Shown as a card in a notebook. The last line of a graded cell must be this call.

    Raises
    ------
    TypeError
        If the function was called instead of passed, or nothing (or too much) was given.
    ValueError
        If the name belongs to no exercise of the course.
    """
    __tracebackhide__ = True
    if _checking_now.get():
        raise RuntimeError("check is called inside the function that it checks: move it out, to the left margin")
    if (function is None) == (len(answers) != 1):
        raise TypeError("check takes one thing: a function, as in check(steps_per_epoch), or one answer by name")
    if answers:
        (name, answer), *_ = answers.items()
        return judge_answer(_find(name, "check"), answer)
    exercise = _find(function, "check")
    if not isinstance(exercise, Exercise):
        raise TypeError(f"check({exercise.name}={exercise.name}) is how an answer to a question is checked")
    if not callable(function):
        raise TypeError(f"check takes the function itself: check({exercise.name}), without quotes")
    token = _checking_now.set(True)
    try:
        verdict = _judge(function, exercise, seed)
    finally:
        _checking_now.reset(token)
    progress = _progress_of(exercise.name)
    progress.tried = progress.tried or verdict.status != "not attempted"
    progress.right = function if verdict.status == "right" else None
    return verdict


def judge_answer(quiz: Quiz, answer: Any) -> Verdict:
    """Judge an answer to a question."""
    if not isinstance(quiz, Quiz):
        raise TypeError(f"{quiz.name} is a function to write: check({quiz.name})")
    common = {"exercise": quiz.name, "max_points": quiz.points}
    options = ", ".join(f'"{option}"' for option in quiz.options)
    if answer is None or answer is Ellipsis:
        text = f"No answer yet. Set `{quiz.name}` to one of {options}, run that cell, then check again."
        return Verdict(**common, status="not attempted", points=0.0, message=text)
    if isinstance(answer, bool | np.bool_):  # to a claim, that is an answer too
        answer = str(answer)
    option = answer.strip().lower() if isinstance(answer, str) else None
    if option not in quiz.options:
        text = f"The answer should be one of {options}, in quotes; yours is {describe(answer)}."
        return Verdict(**common, status="wrong", points=0.0, message=text)
    _progress_of(quiz.name).tried = True
    if isinstance(quiz, Prediction):
        text = f'You predict "{option}". Now let the experiment decide.'
        return Verdict(**common, status="noted", points=float(quiz.points), message=text)
    if quiz.is_right(option) or option in quiz.also:
        message = quiz.also.get(option, quiz.right)
        return Verdict(**common, status="right", points=float(quiz.points), message=message)
    return Verdict(
        **common,
        status="wrong",
        points=0.0,
        message=quiz.wrong[option],
        misconception=f"{quiz.name}:{option}",
    )


def settle(**answers: str | None) -> Note:
    """Compare a prediction with what the experiment showed, as in ``settle(noise=noise)``.

    Raises
    ------
    TypeError, ValueError
        If not exactly one prediction is given, or the name belongs to none.
    """
    if len(answers) != 1:
        raise TypeError("settle takes one prediction by name, as in settle(noise=noise)")
    (name, answer), *_ = answers.items()
    quiz = _find(name, "settle")
    if not isinstance(quiz, Prediction):
        raise ValueError(f"settle: {name!r} is not a prediction")
    option = answer.strip().lower() if isinstance(answer, str) else None
    if option not in quiz.options:
        return Note(
            "No prediction to settle", "Predict first, above: guessing before looking is half the learning."
        )
    if quiz.is_right(option) or option in quiz.also:
        return Note("As you predicted", quiz.also.get(option, quiz.right))
    return Note("A surprise, then", f"{quiz.wrong[option]} {quiz.right}")


def hint(exercise: Callable | str) -> Note:
    """Give the next hint: where to look, then the idea, then nearly the line.

    Parameters
    ----------
    exercise : callable or str
        Your function, or the exercise's name.

    Raises
    ------
    TypeError, ValueError
        If it is no exercise of the course, or a question (those have no hints).
    """
    found = _find(exercise, "hint")
    if isinstance(found, Quiz):
        raise ValueError(f"hint: {found.name!r} is a question; the text above it holds the answer")
    progress = _progress_of(found.name)
    level = min(progress.hints, 2)
    progress.hints = level + 1
    more = (
        "Another call gives the next hint."
        if level < 2
        else f"That was the last; `solution({found.name})` shows one."
    )
    return Note(f"Hint {level + 1} of 3 · {found.name}", f"{found.hints[level]}\n{more}")


def solution(exercise: Callable | str) -> Note:
    """Show an answer, once you have checked an attempt of your own.

    Raises
    ------
    TypeError, ValueError
        If it is no exercise of the course, or a question.
    """
    found = _find(exercise, "solution")
    if isinstance(found, Quiz):
        raise ValueError(f"solution: {found.name!r} is a question; check your answer instead")
    if not _progress_of(found.name).tried:
        return Note(
            f"First a try · {found.name}",
            f"Write something, even if you doubt it, and run `check({found.name})`. Its message will tell you "
            "more than the solution can.",
        )
    return Note(
        f"One solution · {found.name}",
        "Read it, close it, write your own from memory. Then explain it back in a sentence or two: "
        + found.explain,
        found.solution_source(),
    )


def plug_in(function: Callable) -> Callable:
    """Return your function if it is right, otherwise the course's own, and say which.

    So the experiments below an exercise run whatever its state, and on your code when it works.
    """
    exercise = _find(function, "plug_in")
    if not isinstance(exercise, Exercise):
        raise TypeError(f"plug_in takes a function that you wrote; {exercise.name!r} is a question")
    if _progress_of(exercise.name).right is not function:
        check(function)
    if _progress_of(exercise.name).right is function:
        print(f"Running on your {exercise.name}.")
        return function
    print(f"Running on the course's {exercise.name}; yours takes over when its check is right.")
    return exercise.reference
