"""The side that is trusted: it has a submission run in its sandbox and judges what comes back.

The cases, the references and the comparison stay here; the sandbox gets the arguments of one call at a time. The
judge is the one of `course_lib.checking`, with seeds of its own.
"""

import atexit
import hashlib
import os
import time
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from course_lib.checking import (
    Verdict,
    decide,
    differences,
    explained,
    judge_answer,
    not_attempted,
    reference_outcomes,
    timed_out,
)
from course_lib.exercises import Exercise, all_exercises
from course_lib.grading.inspecting import AS_IT_IS, SWITCHED_OFF, LibraryCalls
from course_lib.grading.protocol import Stranger
from course_lib.grading.rebuilding import Cell, Release, Unreadable, read_release, read_submission, rebuild
from course_lib.grading.remote import REASONS, Ended, Record, RemoteAnswer, Submission
from course_lib.grading.sandbox import Isolation, Limits, Sandbox
from course_lib.running import Captured, Outcome, quietly, run_case

__all__ = ["exercise_seed", "grade_notebook"]

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = 0.3  # seconds for those on one wrong answer
STATUSES = ("out of memory", "timed out", "crashed")  # the first that happened is the submission's


def exercise_seed(seed: int, exercise: str) -> int:
    """Return the seed that draws the cases of an exercise in the run whose seed is `seed`."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{exercise}".encode()).digest()[:4])


# ---------------------------------------------------------------------------------------------------------
# Judging


@dataclass
class _Judged:
    """A verdict, what of the library the function uses, and what was expected and found in each failed part."""

    verdict: Verdict
    used: list[str] = field(default_factory=list)
    found: list[tuple[str, str, str]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


def _judge(exercise: Exercise, run: Submission, seed: int, name: str | None = None) -> _Judged:
    """Run the cases of an exercise in the sandbox and judge them here; `name` is the function's, if another."""
    name = name or exercise.name
    run.allow(run.limits.function_seconds)
    match run.ask("look", name):
        case ("function", False, list(outside)):
            outside = [name[:80] for name in outside if isinstance(name, str)][:10]
        case ("missing" | "value" as kind, *_):
            return _Judged(_nothing_there(exercise, kind, run))
        case _:
            return _Judged(not_attempted(exercise))
    cases, _ = reference_outcomes(exercise.name, seed)
    outcomes, records = [], []
    run.allow(run.limits.function_seconds)
    try:
        for case in cases:
            records.append(Record())
            with quietly(Captured()):
                outcomes.append(run_case(run.function(name, exercise, records[-1]), exercise, case))
    except Ended as end:
        return _Judged(_ended(exercise, cases[len(outcomes)], end, run))
    if any(isinstance(outcome.error, MemoryError) for outcome in outcomes):
        run.happened.add("out of memory")
    with quietly(Captured()):  # of odd numbers NumPy warns
        verdict = decide(exercise, seed, outcomes, [record.printed for record in records], outside)
        found = differences(exercise, seed, outcomes) if verdict.status != "not attempted" else []
    used = sorted(set().union(*(record.used for record in records)) - _allowed(exercise.name))
    if used and verdict.points:
        return _Judged(_handed_to_the_library(verdict, used), used, found)
    return _Judged(verdict, used, found, outcomes)


def _explain(entry: dict[str, Any], judged: _Judged, run: Submission, seed: int) -> None:
    """Put into an entry what experiments on the answer show, when nothing in the bank is like it.

    All points are given by then: whatever an experiment does to the submission's process costs nothing.
    """
    exercise = all_exercises()[entry["exercise"]]
    verdict = judged.verdict
    if not judged.outcomes or verdict.status not in ("wrong", "error") or verdict.misconception:
        return
    try:
        run.allow(run.limits.function_seconds)
        answer = RemoteAnswer(run, exercise.name, exercise)
        with quietly(Captured()):
            verdict = explained(verdict, exercise, seed, judged.outcomes, answer, seconds=EXPERIMENTS)
    except Ended:
        return
    entry |= {"message": verdict.message, "misconception": verdict.misconception}


def _nothing_there(exercise, kind, run) -> Verdict:
    own = next((cell for cell in run.cells if cell.grade_id == exercise.name), None)
    if kind == "value":
        return replace(not_attempted(exercise), message=f"`{exercise.name}` is not a function in your notebook.")
    if own is None:
        text = f"Your notebook has no cell for `{exercise.name}`, and nothing else defines it."
        return replace(not_attempted(exercise), message=text)
    if own.error:
        text = f"The cell of `{exercise.name}` did not run to its end: {own.error}"
        return replace(not_attempted(exercise), status="error", message=text)
    return replace(
        not_attempted(exercise),
        message=f"Nothing in your notebook defines `{exercise.name}`. The name must stay as it was given.",
    )


def _ended(exercise, case, end: Ended, run) -> Verdict:
    verdict = timed_out(exercise, case, seconds=run.limits.function_seconds)
    if end.args[0] == "timed out":
        return verdict
    text = "The program ended while your function ran: it ended itself, or broke something that Python needs."
    return replace(verdict, status="error", message=text)


@lru_cache(maxsize=256)
def _allowed(name: str) -> frozenset[str]:
    """Return the library's functions that right answers of an exercise may use: those of the bank's own do."""
    exercise = all_exercises()[name]
    used = set()
    for function in (exercise.reference, *exercise.alternatives):
        with quietly(Captured()):
            for case in exercise.make_cases(0):
                calls = LibraryCalls()

                def observed(*args, calls=calls, function=function, **kwargs):
                    with calls:
                        result = function(*args, **kwargs)
                        result = list(result) if hasattr(result, "__next__") else result
                    calls.look_at(result)
                    return result

                run_case(observed, exercise, case)
                used |= calls.used
    return frozenset(used)


def _handed_to_the_library(verdict: Verdict, used: list[str]) -> Verdict:
    names = ", ".join(sorted({f"`{name.removesuffix(AS_IT_IS)}`" for name in used}))
    message = (
        f"Your function hands its work to the course's library ({names}). The exercise is to write this "
        "yourself, so there are no points for it."
    )
    if SWITCHED_OFF in used:
        message = (
            "Your function runs a profiler. Grading needs Python's own to see that the work is yours and not the "
            "library's, so there are no points for it. Take the profiler out."
        )
    return replace(
        verdict,
        status="wrong",
        points=0.0,
        parts=tuple(replace(part, earned=False) for part in verdict.parts),
        message=message,
    )


def _verdict(grade_id: str, name: str, run: Submission, seed: int) -> tuple[dict[str, Any], _Judged]:
    item = all_exercises()[name]
    judged = None
    try:
        if isinstance(item, Exercise):
            judged = _judge(item, run, exercise_seed(seed, name))
            verdict = judged.verdict
        else:
            run.allow(run.limits.function_seconds)
            match run.ask("value", name):
                case ("value", value):
                    verdict = judge_answer(item, value)
                case _:
                    verdict = judge_answer(item, Stranger.meet("object"))
    except Ended as end:
        status = "timed out" if end.args[:1] == ("timed out",) else "error"
        reason = REASONS["crashed" if status == "error" else status]
        text = f"Your notebook could not be run as far as this. {reason}"
        verdict = Verdict(name, status, 0.0, item.points, text)
        if isinstance(item, Exercise):
            verdict = replace(verdict, parts=not_attempted(item).parts)
    judged = judged or _Judged(verdict)
    entry = {
        "grade_id": grade_id,
        "exercise": name,
        "status": verdict.status,
        "points": float(verdict.points),
        "max_points": item.points,
        "misconception": verdict.misconception,
        "message": verdict.message,
        "case": verdict.case,
        "parts": [[part.name, part.points, part.earned] for part in verdict.parts],
        "printed": verdict.printed,
        "uses_library": judged.used,
        "differences": [list(row) for row in judged.found],
    }
    return entry, judged


# ---------------------------------------------------------------------------------------------------------
# One submission


_warm: dict[tuple, Sandbox] = {}


def _sandbox(isolation: Isolation, limits: Limits) -> Sandbox:
    """Return this process's warm sandbox with these limits."""
    key = (os.getpid(), isolation, limits)  # a forked process does not share its parent's
    if key not in _warm:
        _warm[key] = Sandbox(isolation, limits)
        atexit.register(_warm[key].close)
    return _warm[key]


def grade_notebook(
    source: bytes,
    week: str,
    *,
    course: Path = ROOT,
    seed: int = 0,
    limits: Limits | None = None,
    isolation: Isolation | str = Isolation.BUBBLEWRAP,
) -> dict[str, Any]:
    """Grade one submitted notebook.

    Parameters
    ----------
    source : bytes
        The file that was handed in.
    week : str
        The name of the week, as in "week06_adam".
    course : path, optional
        The course's folder: its notebooks are what was given out.
    seed : int
        Draws the seeds of the exercises.
    limits : Limits, optional
        What the submission may use.
    isolation : Isolation
        What shuts it in.

    Returns
    -------
    dict
        What JSON can hold: status, reason, seconds, cells, verdicts, written, repairs.

    Raises
    ------
    SandboxProblem
        If the sandbox itself does not work; whatever a submission does raises nothing.
    """
    start = time.monotonic()
    release = read_release(Path(course), week)
    sandbox = _sandbox(Isolation(isolation), limits or Limits())
    try:
        cells = rebuild(read_submission(source, release, Path(course)), release)
    except Unreadable as problem:
        return _unreadable(release, str(problem)) | {"seconds": time.monotonic() - start}
    run = Submission(sandbox, cells, release)
    try:
        judged = [_verdict(grade_id, name, run, seed) for grade_id, name in release.exercises.items()]
        happened = set(run.happened)
        for entry, details in judged:
            _explain(entry, details, run, exercise_seed(seed, entry["exercise"]))
    finally:
        run.close()
    verdicts = [entry for entry, _ in judged]
    shown = [cell for cell in cells if cell.handed_in]
    written = _written(shown, release)
    attempted = any(v["status"] != "not attempted" for v in verdicts) or any(w["answered"] for w in written)
    status = next((status for status in STATUSES if status in happened), "graded")
    if status == "graded" and not attempted:
        status = "not attempted"
    reason = REASONS.get(status, "" if attempted else "Nothing was answered.")
    return {
        "status": status,
        "reason": reason,
        "seconds": time.monotonic() - start,
        "cells": [
            {"id": name}
            | {k: getattr(cell, k) for k in ("kind", "source", "grade_id", "repaired", "printed", "error")}
            for name, cell in zip(_ids(shown), shown, strict=True)
        ],
        "verdicts": verdicts,
        "written": written,
        "repairs": [f"{_label(cell)}: {cell.repaired}" for cell in shown if cell.repaired],
    }


def _ids(cells: list[Cell]) -> list[str]:
    """Return the cells' ids, with others for copies: no two cells of a notebook may have the same."""
    first = {cell.id: number for number, cell in reversed(list(enumerate(cells)))}
    return [cell.id if first[cell.id] == number else f"copy-{number}" for number, cell in enumerate(cells)]


def _label(cell: Cell) -> str:
    return cell.grade_id or cell.id.replace("own-cell-", "cell ")


def _written(cells: list[Cell], release: Release) -> list[dict[str, Any]]:
    return [
        {
            "grade_id": cell.grade_id,
            "source": cell.source,
            "max_points": release.given[cell.grade_id].metadata["points"],
            "answered": cell.source.strip() != release.given[cell.grade_id].source.strip(),
        }
        for cell in cells
        if cell.grade_id and release.given[cell.grade_id].written
    ]


def _unreadable(release: Release, reason: str) -> dict[str, Any]:
    verdicts = []
    for grade_id, name in release.exercises.items():
        item = all_exercises()[name]
        parts = (
            [[part, points, False] for part, points in item.parts.items()] if isinstance(item, Exercise) else []
        )
        verdicts.append(
            {
                "grade_id": grade_id,
                "exercise": name,
                "status": "not attempted",
                "points": 0.0,
                "max_points": item.points,
                "misconception": None,
                "message": "The file that was handed in could not be read.",
                "case": "",
                "parts": parts,
                "printed": "",
                "uses_library": [],
            }
        )
    return {
        "status": "unreadable",
        "reason": reason,
        "cells": [],
        "verdicts": verdicts,
        "written": [],
        "repairs": [],
    }
