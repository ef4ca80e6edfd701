"""Grading a class: every submission through an executor, results to disk, then one writer for the gradebook.

Each of the three steps (grade, merge, report) can be killed at any moment; started again, it goes on with what is
missing. Only a few submissions are in memory at a time.
"""

import concurrent.futures
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.utils import parse_utc
from tqdm import tqdm

from course_lib.grading.feedback import feedback_page, summary
from course_lib.grading.gradebook import ClassGradebook, Course, Week, autograded_notebook
from course_lib.grading.report import ClassReport
from course_lib.grading.store import Store, digest, write_whole
from course_lib.grading.submissions import Submission, Unreadable, read_submission

__all__ = ["GraderProblem", "grade_submissions", "merge_results", "process_pool", "report_class"]

STARTS = 3  # a worker that is lost while it starts may have been unlucky
TRIES_ALONE = 2  # a submission that loses its worker when nothing else runs gets one more chance
LOST = (
    "The process that ran your notebook was killed, twice, from outside Python: probably it took all of the "
    "computer's memory."
)
FAILED = "The grader itself failed on this notebook. That is not your fault; your instructor has been told."


class GraderProblem(Exception):
    """Nothing can be graded, whoever handed it in; the text says why."""


# ---------------------------------------------------------------------------------------------------------
# Workers


def process_pool(workers: int) -> Executor:
    """Return a pool of processes that end when this process ends, however it ends."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker)


def _prepare_worker():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _stop(executor: Executor, futures: Iterable[Future]):
    """End an executor now, its running tasks too."""
    children = multiprocessing.active_children() if isinstance(executor, ProcessPoolExecutor) else []
    for future in futures:
        future.cancel()
    executor.shutdown(wait=False)
    for child in children:
        child.kill()


def _ready() -> bool:
    return True


# ---------------------------------------------------------------------------------------------------------
# Step 1: grading


@dataclass
class _Task:
    submission: Submission
    key: str
    source: bytes
    tries_alone: int = 0


class _Queue:
    """Hands tasks to an executor and takes back results; a lost worker costs nobody but who lost it.

    When a worker is lost, it is not known which of the running tasks was to blame. So those that ran are tried
    again one at a time. When the grader itself fails, grading `release` shows whether the submission is to blame.
    """

    def __init__(self, grade: Callable, make_executor: Callable[[], Executor], window: int, release: bytes):
        self.grade, self.make_executor, self.window, self.release = grade, make_executor, window, release
        self.executor: Executor | None = None
        self.running: dict[Future, _Task] = {}
        self.suspects: deque[_Task] = deque()
        self.alone = False  # whether a suspect is running

    def run(self, tasks: Iterable[_Task], done: Callable[[_Task, dict, str], None]):
        """Grade `tasks` and call ``done(task, result, problem)`` for each."""
        tasks = iter(tasks)
        more = True
        try:
            while more or self.running or self.suspects:
                while more and not self.suspects and not self.alone and len(self.running) < self.window:
                    task = next(tasks, None)
                    more = task is not None
                    if more:
                        self._submit(task)
                if self.suspects and not self.running:
                    self.alone = True
                    self._submit(self.suspects.popleft())
                if self.running:
                    self._collect(done)
        finally:
            if self.executor is not None:
                _stop(self.executor, self.running)

    def _submit(self, task: _Task):
        starts = 0
        while self.executor is None:
            starts += 1
            self.executor = self.make_executor()
            try:
                self.executor.submit(_ready).result()
            except concurrent.futures.BrokenExecutor as error:
                if starts == STARTS:
                    raise GraderProblem(f"No worker process starts: {error}") from error
                self._rebuild()
        try:
            self.running[self.executor.submit(self.grade, task.source)] = task
        except concurrent.futures.BrokenExecutor:
            self.suspects.append(task)
            self._rebuild()

    def _collect(self, done):
        finished, _ = concurrent.futures.wait(self.running, return_when=concurrent.futures.FIRST_COMPLETED)
        lost = []
        for future in finished:
            task = self.running.pop(future)
            if future.cancelled():
                raise GraderProblem("The executor has dropped its tasks. Is the cluster still there?")
            error = future.exception()
            if error is None:
                done(task, future.result(), "")
            elif isinstance(error, concurrent.futures.BrokenExecutor):
                task.tries_alone += self.alone
                lost.append(task)
            else:
                self._check_grader()
                problem = "".join(traceback.format_exception(error))
                done(task, _ended("crashed", FAILED), problem)
        self.alone = False
        for task in lost:
            if task.tries_alone < TRIES_ALONE:
                self.suspects.append(task)
            else:
                done(task, _ended("crashed", LOST), "")
        if lost:
            self._rebuild()

    def _check_grader(self):
        """Make sure that the grader can grade at all; otherwise a whole class would end as crashed."""
        try:
            self.executor.submit(self.grade, self.release).result()
        except Exception as error:
            raise GraderProblem(f"Not even the untouched notebook can be graded: {error}") from error

    def _rebuild(self):
        """Start afresh with a new executor; what still runs in the broken one is tried again."""
        _stop(self.executor, self.running)
        self.executor = None
        self.suspects.extend(self.running.values())
        self.running.clear()


def _ended(status: str, reason: str) -> dict:
    """Return the result of a submission that was not run to its end."""
    nothing = {"cells": [], "verdicts": [], "written": [], "repairs": []}
    return {"status": status, "reason": reason, "seconds": 0.0} | nothing


def grade_submissions(
    submissions: list[Submission],
    store: Store,
    grade: Callable[[bytes], dict],
    key: str,
    make_executor: Callable[[], Executor],
    *,
    release: bytes,
    window: int,
    isolation: str,
    show: bool = True,
) -> list[str]:
    """Grade what has not been graded yet under the same conditions, and store each result as it comes.

    Parameters
    ----------
    submissions : list of Submission
        From `course_lib.grading.submissions.find_submissions`.
    store : Store
        Takes the results.
    grade : callable
        Takes the bytes of a submission, returns its result; for a process pool it must be picklable.
    key : str
        Digest of all conditions but the submission: exercises, settings, seed.
    make_executor : callable
        Returns a `concurrent.futures.Executor`; called again when one breaks.
    release : bytes
        The notebook as learners got it, to see whether the grader works at all.
    window : int
        Submissions that may be under way at a time.
    isolation : str
        What was in force, in words; recorded with each result.
    show : bool
        Whether to show progress.

    Returns
    -------
    list of str
        For the instructor: failures of the grader itself. Those submissions are tried again in the next run.

    Raises
    ------
    GraderProblem
        If nothing can be graded.
    """
    problems = []

    def save(submission: Submission, key: str, result: dict, problem: str = ""):
        store.save_result(
            submission.student, {"key": key, "isolation": isolation, "problem": problem, "result": result}
        )
        if problem:
            problems.append(f"{submission.student}: the grader failed\n{problem}")
        bar.update()

    def tasks():
        for submission in submissions:
            try:
                source, reason = read_submission(submission), ""
            except Unreadable as unreadable:
                source, reason = b"", str(unreadable)
            own_key = digest(key, source, reason)
            stored = store.result(submission.student)
            if stored is not None and stored["key"] == own_key and not stored["problem"]:
                bar.total -= 1
            elif reason:
                status = "not attempted" if submission.path is None else "unreadable"
                save(submission, own_key, _ended(status, reason))
            else:
                yield _Task(submission, own_key, source)

    queue = _Queue(grade, make_executor, window, release)
    with _progress("Grading", len(submissions), show) as bar:
        queue.run(tasks(), lambda task, result, problem: save(task.submission, task.key, result, problem))
    return problems


def _progress(label: str, total: int, show: bool) -> tqdm:
    return tqdm(desc=label, total=total, unit=" submissions", disable=not show, smoothing=0.1, dynamic_ncols=True)


# ---------------------------------------------------------------------------------------------------------
# Step 2: nbgrader's folders and gradebook


def merge_results(
    submissions: list[Submission],
    store: Store,
    course: Course,
    week: Week,
    *,
    show: bool = True,
    patience: float | None = None,
):
    """Bring gradebook, ``autograded/`` and ``feedback/`` up to date with the stored results.

    What people have entered (points, extra points, comments) stays, and is shown in the feedback.

    Parameters
    ----------
    submissions : list of Submission
        Those whose results are merged.
    store : Store
        Holds the results.
    course : Course
        Says where everything is.
    week : Week
        As released.
    show : bool
        Whether to show progress.
    patience : float, optional
        Seconds that a locked gradebook is tried again.
    """
    limit = {} if patience is None else {"patience": patience}
    with ClassGradebook(course, week, **limit) as gradebook:
        states = gradebook.states()
        for submission in _progress_over(submissions, "Gradebook", show):
            _merge(submission, store, course, week, gradebook, states.get(submission.student))


def _progress_over(submissions, label: str, show: bool):
    with _progress(label, len(submissions), show) as bar:
        for submission in submissions:
            yield submission
            bar.update()


def _merge(submission: Submission, store: Store, course: Course, week: Week, gradebook, state: str | None):
    student = submission.student
    record = store.result(student)
    if record is None:  # graded with other arguments, or not yet
        return
    result = record["result"]
    before = store.merged(student) or {}
    notebook = course.folder("autograded", student, week.name) / f"{week.name}.ipynb"
    page = course.folder("feedback", student, week.name) / f"{week.name}.html"
    if state == before.get("state") and record["key"] == before.get("key") and notebook.exists() and page.exists():
        return

    scores: dict[str, float | None] = {entry["grade_id"]: entry["points"] for entry in result["verdicts"]}
    scores |= {entry["grade_id"]: None if entry["answered"] else 0.0 for entry in result["written"]}
    sources = {cell["grade_id"]: cell["source"] for cell in result["cells"] if cell["grade_id"]}
    answered = {name for name, cell in week.cells.items() if sources.get(name, cell.source) != cell.source}
    content = {name: digest(scores.get(name, 0.0), sources.get(name, "")) for name in week.points}
    changed = {name for name in content if content[name] != before.get("content", {}).get(name)}
    gradebook.save(student, scores, answered=answered, changed=changed, handed_in=_timestamp(submission))

    write_whole(notebook, nbformat.v4.writes(autograded_notebook(week, result, summary(result))))
    grades = gradebook.grades(student)
    write_whole(page, feedback_page(week, student, result, grades))
    state = gradebook.state(student)
    store.save_merged(student, {"key": record["key"], "state": state, "content": content})


def _timestamp(submission: Submission) -> str:
    """Return what nbgrader noted about the time of handing in, if it can be understood."""
    if submission.path is None:
        return ""
    beside = Submission(submission.student, submission.path.with_name("timestamp.txt"))
    with contextlib.suppress(Unreadable, ValueError):  # no file, or no date in it: nbgrader, too, goes on without
        text = read_submission(beside).decode().strip()
        return text if text and parse_utc(text) else ""
    return ""


# ---------------------------------------------------------------------------------------------------------
# Step 3: the report


def report_class(
    submissions: list[Submission], store: Store, week: Week, *, isolation: str, notes: list[str]
) -> ClassReport:
    """Write the class report beside the results, and return what it counted."""
    report = ClassReport(week)
    for submission in submissions:
        record = store.result(submission.student)
        if record is not None:
            report.add(submission.student, record["result"])
    report.write(Path(store.folder), isolation=isolation, notes=notes)
    return report
