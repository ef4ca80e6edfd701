"""nbgrader's side of a graded class: its gradebook and its folder ``autograded/``.

Everything goes through nbgrader's own API and converters, so that the formgrader, manual grading,
``nbgrader generate_feedback`` and ``nbgrader export`` work as after ``nbgrader autograde``.
"""

import hashlib
import logging
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell, new_notebook, new_output
from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    InvalidEntry,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError, SAWarning, SQLAlchemyError
from traitlets.config import PyFileConfigLoader

from course_lib.checking import MIME_TYPE, Part, Verdict

__all__ = ["ClassGradebook", "Course", "GradebookProblem", "Week", "autograded_notebook", "verdict_of"]

PATIENCE = 60.0  # seconds that a locked gradebook is tried again
PAUSE = 0.2  # seconds between two tries


class GradebookProblem(Exception):
    """The gradebook cannot be used; the text says why and what to do."""


class Course:
    """A course's folders and gradebook as ``nbgrader_config.py`` names them.

    Parameters
    ----------
    root : Path
        The course's folder.
    db_url : str, optional
        Another gradebook than the configured one: any URL that SQLAlchemy knows.
    """

    def __init__(self, root: Path, db_url: str | None = None):
        self.config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
        if db_url is not None:
            self.config.CourseDirectory.db_url = db_url
        self.directory = CourseDirectory(config=self.config)
        self.root = Path(self.directory.root)
        self.db_url = self.directory.db_url

    def check_gradebook(self):
        """Open the gradebook once, since it is better to fail now than after an hour of grading.

        Raises
        ------
        GradebookProblem
            If it cannot be opened.
        """
        try:
            engine = create_engine(self.db_url)
            with engine.connect():
                pass
            engine.dispose()
        except (SQLAlchemyError, ImportError) as error:  # a bad URL, no such server, no driver for it
            raise GradebookProblem(f"The gradebook cannot be opened: {error}") from error

    def folder(self, step: str, student: str, week: str) -> Path:
        """Return the folder of a step, such as ``"submitted"`` or ``"source"``."""
        return Path(self.directory.format_path(getattr(self.directory, f"{step}_directory"), student, week))


class Week:
    """A week as it was released: its cells, and what nbgrader knows of each."""

    def __init__(self, course: Course, name: str):
        self.name = name
        self.path = course.folder("release", ".", name) / f"{name}.ipynb"
        nb = nbformat.read(self.path, as_version=4)
        self.notebook_metadata = nb.metadata
        marked = [cell for cell in nb.cells if "nbgrader" in cell.metadata]
        self.cells = {cell.metadata.nbgrader["grade_id"]: cell for cell in marked}
        graded = {name: cell for name, cell in self.cells.items() if cell.metadata.nbgrader["grade"]}
        self.points = {name: cell.metadata.nbgrader["points"] for name, cell in graded.items()}
        self.written = [name for name, cell in graded.items() if cell.metadata.nbgrader["solution"]]
        self.max_points = sum(points for name, points in self.points.items() if name not in self.written)


# ---------------------------------------------------------------------------------------------------------
# The database


class ClassGradebook:
    """The one writer to nbgrader's gradebook.

    Parameters
    ----------
    course : Course
        Says where it is.
    week : Week
        The assignment.
    patience : float
        Seconds that a locked gradebook is tried again.
    """

    def __init__(self, course: Course, week: Week, *, patience: float = PATIENCE):
        self.course, self.week, self.patience = course, week, patience

    def __enter__(self) -> "ClassGradebook":
        with _errors_of_nbgrader() as errors:
            self._patiently(self._add_assignment, errors)
            self._api = self._patiently(Gradebook, self.course.db_url, self.course.directory.course_id)
            self._names = self._patiently(self._cell_names)
        return self

    def __exit__(self, *_):
        self._api.close()

    def _add_assignment(self, errors: list[str]):
        """Fill in the assignment as ``nbgrader generate_assignment`` does, if it is missing or out of date."""
        with Gradebook(self.course.db_url, self.course.directory.course_id) as api:
            try:
                cells = api.find_notebook(self.week.name, self.week.name).grade_cells
            except MissingEntry:
                cells = []
            if {cell.name: cell.max_score for cell in cells} == self.week.points:
                return
        with tempfile.TemporaryDirectory() as folder:  # the release itself stays as it is
            config = self.course.config.copy()
            config.CourseDirectory.release_directory = folder
            directory = CourseDirectory(config=config, assignment_id=self.week.name)
            try:
                GenerateAssignment(coursedir=directory, config=config).start()
            except NbGraderException as error:
                said = "\n".join(errors)
                if "is locked" in said:
                    raise InvalidEntry(said) from error
                raise GradebookProblem(
                    f"{self.week.name} cannot be entered into the gradebook; nbgrader says:\n{said.strip()}\n"
                    "If exercises were added or removed since the first grading: `nbgrader export` what is there, "
                    "then give --db another gradebook."
                ) from error

    def _cell_names(self) -> dict[str, str]:
        """Return the name of each cell by its key; asking each grade for its name is a query each."""
        notebook = self._api.find_notebook(self.week.name, self.week.name)
        return {cell.id: cell.name for cell in [*notebook.grade_cells, *notebook.solution_cells]}

    def _patiently(self, action: Callable, *args) -> Any:
        """Do `action`; while another program holds the gradebook, try again, but not for ever."""
        end = time.monotonic() + self.patience
        while True:
            try:
                return action(*args)
            except (OperationalError, InvalidEntry) as error:  # nbgrader turns some of the first into the second
                text = str(error)
                if "disk is full" in text or "disk I/O error" in text:
                    raise OSError(f"the gradebook says: {text.splitlines()[0]}") from error
                if "locked" not in text and "deadlock" not in text:
                    raise GradebookProblem(f"The gradebook says: {text.splitlines()[0]}") from error
                if time.monotonic() > end:
                    raise GradebookProblem(
                        f"The gradebook has been locked by another program for {self.patience:g} seconds. Close "
                        "what else uses it (a formgrader, another nbgrader)."
                    ) from error
                time.sleep(PAUSE)  # there is nothing to wait for: the other program does not know of us
            finally:
                if hasattr(self, "_api"):
                    self._api.db.rollback()

    def save(
        self,
        student: str,
        scores: dict[str, float | None],
        *,
        answered: set[str],
        changed: set[str],
        handed_in: str,
    ):
        """Enter the automatic points of one learner; what a person has entered stays.

        Parameters
        ----------
        student : str
            Name of the learner.
        scores : dict
            Points of each graded cell; None where a person has to look. A cell that is not named gets 0.
        answered : set of str
            The answer cells that hold an answer.
        changed : set of str
            Graded cells whose content or points differ from the last time: where a person has graded such a
            cell, their points stay, and the formgrader asks them to look again.
        handed_in : str
            What nbgrader wrote into ``timestamp.txt``, or nothing.
        """
        with _errors_of_nbgrader():
            self._patiently(self._save, student, scores, answered, changed, handed_in)

    def _save(self, student, scores, answered, changed, handed_in):
        name, api = self.week.name, self._api
        api.update_or_create_student(student)
        timestamp = {"timestamp": parse_utc(handed_in)} if handed_in else {}
        api.update_or_create_submission(name, student, **timestamp)
        notebook = api.find_submission_notebook(name, name, student)
        for grade in notebook.grades:
            cell = self._names[grade.cell_id]
            grade.auto_score = scores.get(cell, 0.0)
            if grade.manual_score is None:
                grade.needs_manual_grade = grade.auto_score is None
            elif cell in changed:
                grade.needs_manual_grade = True
        for comment in notebook.comments:
            comment.auto_comment = None if self._names[comment.cell_id] in answered else "No response."
        api.db.commit()
        api.db.expunge_all()  # a class of thousands would stay in memory

    def grades(self, student: str) -> dict[str, dict]:
        """Return what the gradebook says about each graded cell of a learner, and comments by people."""
        rows = self._patiently(lambda: list(self._rows(SubmittedAssignment.student_id == student)))
        return {name: entry for _, name, entry in rows}

    def states(self) -> dict[str, str]:
        """Return, for each learner in the gradebook, a digest of what `grades` would say."""
        states: dict[str, Any] = {}
        for student, name, entry in self._rows():
            states.setdefault(student, hashlib.sha256()).update(repr((name, entry)).encode())
        return {student: state.hexdigest() for student, state in states.items()}

    def state(self, student: str) -> str | None:
        """Return the digest of one learner, as `states` does."""
        state = hashlib.sha256()
        for entry in self.grades(student).items():
            state.update(repr(entry).encode())
        return state.hexdigest()

    def _rows(self, *where) -> Iterator[tuple[str, str, dict]]:
        """Give (learner, cell, entry) of this week in a fixed order, without holding them all."""

        def select(table, *columns):
            query = (
                self._api.db.query(SubmittedAssignment.student_id, BaseCell.name, *columns)
                .select_from(table)
                .join(BaseCell, BaseCell.id == table.cell_id)
                .join(SubmittedNotebook, SubmittedNotebook.id == table.notebook_id)
                .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
                .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
                .filter(Assignment.name == self.week.name, *where)
                .order_by(SubmittedAssignment.student_id, BaseCell.name)
            )
            return query.yield_per(1000)

        for student, cell, *values in select(
            Grade, Grade.auto_score, Grade.manual_score, Grade.extra_credit, Grade.needs_manual_grade
        ):
            keys = ("auto_score", "manual_score", "extra_credit", "needs_manual_grade")
            yield student, cell, dict(zip(keys, values, strict=True))
        for student, cell, comment in select(Comment, Comment.manual_comment):
            if comment:
                yield student, f"comment on {cell}", {"comment": comment}


@contextmanager
def _errors_of_nbgrader() -> Iterator[list[str]]:
    """Collect what nbgrader logs as an error; otherwise it tells about every file, and shows tracebacks.

    SQLAlchemy warns about the way in which nbgrader's API adds a submission.
    """
    errors: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: errors.append(record.getMessage())
    loggers = [logging.getLogger(name) for name in ("traitlets", "tornado.application")]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            yield errors
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


# ---------------------------------------------------------------------------------------------------------
# The notebook that the formgrader and nbgrader's feedback show


def verdict_of(entry: dict) -> Verdict:
    """Return a verdict of a stored result as what `course_lib.checking.check` would have returned."""
    shown = ("exercise", "status", "points", "max_points", "message", "misconception", "case", "printed")
    return Verdict(**{key: entry[key] for key in shown}, parts=tuple(Part(*part) for part in entry["parts"]))


def autograded_notebook(week: Week, result: dict, summary: str) -> nbformat.NotebookNode:
    """Return a graded submission as a notebook with nbgrader's metadata, its verdicts as outputs.

    Parameters
    ----------
    week : Week
        As released.
    result : dict
        What `course_lib.grading.judging.grade_notebook` returned.
    summary : str
        Markdown to put on top, or nothing.
    """
    verdicts = {entry["grade_id"]: verdict_of(entry) for entry in result["verdicts"]}
    cells = [new_markdown_cell(summary, id="grading-summary")] if summary else []
    for cell in result["cells"]:
        known = week.cells.get(cell["grade_id"])
        new = {  # nbformat would validate each cell, which takes longer than all the rest
            "id": cell["id"],
            "cell_type": cell["kind"],
            "metadata": {} if known is None else known.metadata,
            "source": cell["source"],
        }
        if cell["kind"] == "code":
            new |= {"execution_count": None, "outputs": _outputs(cell, verdicts.get(cell["grade_id"]))}
        cells.append(nbformat.from_dict(new))
    return new_notebook(cells=cells, metadata=week.notebook_metadata)


def _outputs(cell: dict, verdict: Verdict | None) -> list:
    outputs = []
    if cell["printed"]:
        outputs.append(new_output("stream", name="stdout", text=cell["printed"]))
    if verdict is not None:
        data = {
            "text/plain": repr(float(verdict.points)),
            "text/html": verdict.to_html(),
            MIME_TYPE: verdict.to_json(),
        }
        outputs.append(new_output("execute_result", data=data, execution_count=None))
    elif cell["error"]:
        name = cell["error"].partition(":")[0]
        outputs.append(new_output("error", ename=name, evalue=cell["error"], traceback=[cell["error"]]))
    return outputs
