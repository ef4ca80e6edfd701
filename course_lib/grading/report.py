"""What a class did with a week: one page for the instructor and three tables, from the stored results."""

import ast
import base64
import csv
import io
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from course_lib.exercises import Exercise, all_exercises
from course_lib.grading.feedback import pages
from course_lib.grading.gradebook import Week, verdict_of
from course_lib.grading.similarity import fingerprint, near_identical
from course_lib.grading.store import write_whole

__all__ = ["ClassReport"]

GREEN, ORANGE, GREY = "#009E73", "#E69F00", "#BBBBBB"


@dataclass
class _ExerciseCounts:
    """What a class did with one exercise."""

    points: Counter = field(default_factory=Counter)
    statuses: Counter = field(default_factory=Counter)
    max_points: float = 0.0

    @property
    def attempts(self) -> int:
        return self.points.total() - self.statuses["not attempted"]

    @property
    def full(self) -> int:
        return self.points[self.max_points]

    @property
    def mean(self) -> float:
        return sum(points * number for points, number in self.points.items()) / max(1, self.points.total())


class ClassReport:
    """Collects what is worth reporting, one submission after the other; it keeps numbers, not notebooks.

    Parameters
    ----------
    week : Week
        As released.
    """

    def __init__(self, week: Week):
        self.week = week
        self.exercises: dict[str, _ExerciseCounts] = {}
        self.misconceptions: Counter[tuple[str, str]] = Counter()
        self.examples: dict[tuple[str, str], tuple[str, Markup]] = {}
        self.library: list[tuple[str, str, str]] = []
        self.statuses: Counter[str] = Counter()
        self.students: list[dict] = []
        self.fingerprints: dict[str, np.ndarray] = {}

    def add(self, student: str, result: dict):
        """Count one submission."""
        cells = {cell["grade_id"]: cell["source"] for cell in result["cells"] if cell["grade_id"]}
        self.statuses[result["status"]] += 1
        row = {
            "student": student,
            "status": result["status"],
            "points": sum(entry["points"] for entry in result["verdicts"]),
            "max_points": self.week.max_points,
            "seconds": round(result["seconds"], 3),
        }
        code = []
        for entry in result["verdicts"]:
            name = entry["exercise"]
            counts = self.exercises.setdefault(name, _ExerciseCounts())
            counts.max_points = entry["max_points"]
            counts.points[entry["points"]] += 1
            counts.statuses[entry["status"]] += 1
            row[name] = entry["points"]
            source = cells.get(name, "")
            if isinstance(all_exercises().get(name), Exercise) and entry["status"] != "not attempted":
                code.append(source)
            if entry["misconception"]:
                self._add_misconception(entry, source)
            if entry["uses_library"]:
                self.library.append((student, name, ", ".join(entry["uses_library"])))
        self.students.append(row)
        text = [cells.get(entry["grade_id"], "") for entry in result["written"] if entry["answered"]]
        self.fingerprints[student] = fingerprint(code, text)

    def _add_misconception(self, entry: dict, source: str):
        key = entry["exercise"], entry["misconception"]
        self.misconceptions[key] += 1
        example = _anonymous(source)
        if key not in self.examples or 0 < len(example) < len(self.examples[key][0]):
            self.examples[key] = example, Markup(verdict_of(entry | {"printed": ""}).to_html())

    def write(self, folder: Path, *, isolation: str, notes: list[str]):
        """Write ``report.html``, ``students.csv``, ``exercises.csv`` and ``misconceptions.csv`` into `folder`."""
        exercises = [(name, self.exercises[name]) for name in self._in_order()]
        released = [cell.source for cell in self.week.cells.values()]
        known = fingerprint(released, released)
        similar = near_identical(self.fingerprints, known)
        frequent = self.misconceptions.most_common()
        seconds = sorted(row["seconds"] for row in self.students) or [0.0]
        page = pages.get_template("report.html").render(
            week=self.week.name,
            number=len(self.students),
            isolation=isolation,
            notes=notes,
            statuses=self.statuses.most_common(),
            exercises=exercises,
            nobody=[name for name, counts in exercises if not counts.full],
            everybody=[name for name, counts in exercises if counts.full == len(self.students)],
            misconceptions=[(*key, number, *self.examples[key]) for key, number in frequent],
            library=self.library,
            similar=similar,
            median=statistics.median(seconds),
            slowest=sorted(self.students, key=lambda row: -row["seconds"])[:5],
            mean=statistics.fmean(row["points"] for row in self.students) if self.students else 0.0,
            max_points=self.week.max_points,
            plots=self._plots(exercises, seconds) if self.students else [],
        )
        write_whole(folder / "report.html", page)
        names = [name for name, _ in exercises]
        columns = ["student", "status", "points", "max_points", "seconds", *names]
        rows = [[row.get(column, "") for column in columns] for row in self.students]
        write_whole(folder / "students.csv", _csv(columns, rows))
        rows = [
            (name, c.max_points, c.points.total(), c.attempts, c.full, round(c.mean, 3)) for name, c in exercises
        ]
        columns = ["exercise", "max_points", "submissions", "attempts", "full_points", "mean_points"]
        write_whole(folder / "exercises.csv", _csv(columns, rows))
        rows = [(*key, number) for key, number in frequent]
        write_whole(folder / "misconceptions.csv", _csv(["exercise", "misconception", "submissions"], rows))

    def _in_order(self) -> list[str]:
        """Return the names of the exercises in the order of the notebook."""
        order = list(self.week.cells)
        return sorted(self.exercises, key=lambda name: order.index(name) if name in order else len(order))

    def _plots(self, exercises, seconds) -> list[tuple[Markup, str]]:
        number = len(self.students)
        figure = Figure(figsize=(9, 0.8 + 0.34 * len(exercises)), layout="constrained")
        ax = figure.subplots()
        names = [f"{name} ({counts.max_points:g})" for name, counts in exercises]
        full = np.array([counts.full for _, counts in exercises]) * 100 / number
        none = np.array([counts.points[0.0] for _, counts in exercises]) * 100 / number
        some = np.array([counts.points.total() for _, counts in exercises]) * 100 / number - full - none
        left = np.zeros(len(names))
        for share, colour, label in ((full, GREEN, "all points"), (some, ORANGE, "some"), (none, GREY, "none")):
            ax.barh(names, share, left=left, color=colour, label=label)
            left = left + share
        ax.invert_yaxis()
        ax.set_xlabel("% of the submissions")
        ax.set_xlim(0, 100)
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.0 + 1.2 / max(4, len(names))), ncols=3, frameon=False)
        shares = "; ".join(
            f"{n} {f:.0f} %, {s:.0f} %, {z:.0f} %" for n, f, s, z in zip(names, full, some, none, strict=True)
        )
        plots = [(_png(figure), f"For each exercise the share with all, some and no points: {shares}.")]

        totals = [row["points"] for row in self.students]
        bins = np.arange(0, self.week.max_points + 2) - 0.5
        counts, _ = np.histogram(totals, bins)
        plots.append(
            (
                _histogram(totals, bins, "automatic points of a submission"),
                f"Automatic points of {number} submissions, from {min(totals):g} to {max(totals):g} of "
                f"{self.week.max_points:g}; most often {int(np.argmax(counts))}.",
            )
        )
        bins = np.linspace(0, max(*seconds, 0.1), 31)
        plots.append(
            (
                _histogram(seconds, bins, "seconds for a submission"),
                f"Seconds for a submission: median {statistics.median(seconds):.2f}, longest {max(seconds):.2f}.",
            )
        )
        return plots


def _histogram(values, bins, label: str) -> str:
    figure = Figure(figsize=(9, 2.6), layout="constrained")
    ax = figure.subplots()
    ax.hist(values, bins, color="#0072B2", edgecolor="white")
    ax.set_xlabel(label)
    ax.set_ylabel("submissions")
    return _png(figure)


def _png(figure: Figure) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return base64.b64encode(file.getvalue()).decode()


def _csv(columns: list[str], rows: Iterable) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return file.getvalue()


def _anonymous(source: str) -> str:
    """Return code without comments and strings that stand alone, where learners leave their names."""
    try:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(getattr(node, "body", None), list):
                kept = [
                    line
                    for line in node.body
                    if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
                ]
                node.body = kept or [ast.Pass()]
        return ast.unparse(ast.fix_missing_locations(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
