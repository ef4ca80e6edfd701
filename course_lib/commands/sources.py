"""Reading the sources of the notebooks, ``solutions/weekNN_topic.py``, and finding what is wrong in them.

A mistake in a source is cheap to name here and dear later: nbgrader gives full marks to a graded cell without a
check, blanks an answer cell without markers, and releases a solution whose marker is misspelt.
"""

import ast
import re
from collections.abc import Collection
from pathlib import Path

import jupytext
import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbgrader.nbgraderformat import MetadataValidator, SchemaTooNewError, SchemaTooOldError, ValidationError

from course_lib import exercises

__all__ = ["cell_label", "course_map", "find_problems", "read_source", "week_links", "week_table"]

SOLUTION, HIDDEN = "SOLUTION", "HIDDEN TESTS"
MARKED = re.compile(r"\b(BEGIN|END) (SOLUTION|HIDDEN TESTS)\b")


def read_source(root: Path, name: str):
    """Return ``solutions/<name>.py`` as a notebook without outputs.

    Ids come from the exercise's name or the cell's position, and the metadata hold only what does not change
    from machine to machine, so the same source always gives the same notebook.
    """
    nb = nbformat.from_dict(jupytext.read(root / "solutions" / f"{name}.py", fmt="py:percent"))
    kept = {key: nb.metadata[key] for key in ("course", "kernelspec") if key in nb.metadata}
    nb.metadata = nbformat.from_dict(kept | {"language_info": {"name": "python"}})
    nb.nbformat, nb.nbformat_minor = 4, 5
    for number, cell in enumerate(nb.cells, start=1):
        cell.metadata = {key: value for key, value in cell.metadata.items() if not key.startswith("lines_to_")}
        cell.id = _id_safe(_nbgrader(cell).get("grade_id") or f"cell-{number:03d}")
    return nb


def _id_safe(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "-", name)[:64]


def _nbgrader(cell) -> dict:
    entry = cell.metadata.get("nbgrader")
    return entry if isinstance(entry, dict) else {}


def cell_label(name: str, nb, index: int) -> str:
    """Say where a cell is: the source file, the cell's number and, where it has one, its nbgrader id."""
    grade_id = _nbgrader(nb.cells[index]).get("grade_id")
    return f"solutions/{name}.py, cell {index + 1}" + (f" ({grade_id})" if grade_id else "")


# ---------------------------------------------------------------------------------------------------------
# What pages say about the weeks


def week_table(notebooks: dict, prefix: str) -> str:
    """Return a Markdown table of `notebooks`, {week: notebook}; `prefix` leads to them from the page."""
    labels = _labels(notebooks)
    rows = ["| Week | | Builds on | Minutes | Points |", "|---:|---|---|---:|---|"]
    minutes = automatic = written = 0
    for week, nb in notebooks.items():
        course = nb.metadata.course
        by_hand = sum(_points(cell) for cell in nb.cells if _is_written(cell))
        by_machine = sum(_points(cell) for cell in nb.cells) - by_hand
        link = f"[{course.title}]({_address(week, prefix)})"
        earlier = ", ".join(labels[name] for name in course.get("builds_on", []))
        points = _points_text(by_machine, by_hand)
        rows.append(f"| {labels[week]} | {link} | {earlier} | {course.minutes} | {points} |")
        minutes, automatic, written = minutes + course.minutes, automatic + by_machine, written + by_hand
    rows.append(f"| | **All together** | | {minutes:,} | {_points_text(automatic, written)} |")
    return "\n".join(rows)


def course_map(notebooks: dict) -> str:
    """Return a Mermaid diagram of what builds on what, which JupyterLab draws."""
    labels = _labels(notebooks)
    lines = ["```mermaid", "graph TD", "    accTitle: What builds on what"]
    for week, nb in notebooks.items():
        course = nb.metadata.course
        lines.append(f'    {week}["{labels[week]} · {course.title}"]')
        lines += [f"    {earlier} --> {week}" for earlier in course.get("builds_on", [])]
    return "\n".join([*lines, "```"])


def week_links(weeks: Collection[str]) -> str:
    """Return the definitions that make a link of every ``[01]`` in the same Markdown cell."""
    return "\n".join(f"[{label}]: {_address(week, '')}" for week, label in _labels(weeks).items())


def _labels(weeks: Collection[str]) -> dict[str, str]:
    """Return what pages call each week: its number, and the part where several weeks share a number."""
    labels = {}
    for week in weeks:
        same = [other for other in weeks if other[4:6] == week[4:6]]
        labels[week] = week[4:6] if len(same) == 1 else f"{week[4:6]}.{same.index(week) + 1}"
    return labels


def _address(week: str, prefix: str) -> str:
    return f"{prefix}{week}/{week}.ipynb"


def _points_text(automatic: int, written: int) -> str:
    return f"{automatic} + {written} written" if written else f"{automatic}"


def _points(cell) -> int:
    return _nbgrader(cell).get("points", 0)


def _is_written(cell) -> bool:
    entry = _nbgrader(cell)
    return bool(entry.get("grade") and entry.get("solution"))


# ---------------------------------------------------------------------------------------------------------
# Finding mistakes


def find_problems(root: Path, weeks: list[str]) -> list[str]:
    """Return every mistake in the sources of `weeks`, each with file and cell."""
    problems = []
    for week in weeks:
        nb = read_source(root, week)
        course = nb.metadata.get("course", {})
        missing = [key for key in ("title", "minutes") if key not in course]
        problems += [f"solutions/{week}.py: the header has no course: {key}" for key in missing]
        problems += [
            f"solutions/{week}.py: builds_on names {name!r}, which is no earlier week"
            for name in course.get("builds_on", [])
            if name >= week or not (root / "solutions" / f"{name}.py").exists()
        ]
        seen: dict[str, int] = {}
        for index, cell in enumerate(nb.cells):
            found = _cell_problems(cell)
            if cell.id in seen:
                found.append(f"has the same id as cell {seen[cell.id]}")
            seen.setdefault(cell.id, index + 1)
            problems += [f"{cell_label(week, nb, index)}: {text}" for text in found]
    return problems


def _cell_problems(cell) -> list[str]:
    entry = _nbgrader(cell)
    problems = _metadata_problems(cell) + _marker_problems(cell)
    if cell.cell_type != "code":
        return problems
    try:
        ast.parse(_python(cell.source))
    except SyntaxError as error:
        return [*problems, f"is not valid Python: {error.msg} (line {error.lineno} of the cell)"]
    if entry.get("solution") and "BEGIN SOLUTION" not in cell.source:
        problems.append("is an answer cell without ### BEGIN SOLUTION, so all of it would be blanked")
    if entry.get("grade") and not entry.get("solution") and not problems:
        problems += _check_problems(cell)
    return problems


def _python(source: str) -> str:
    """Return the source with magics turned into plain Python."""
    return TransformerManager().transform_cell(source)


def _metadata_problems(cell) -> list[str]:
    if "nbgrader" not in cell.metadata:
        return []
    entry = _nbgrader(cell)
    if entry.get("grade") and not entry.get("points", 0) > 0:
        return ["is graded, but has no points"]
    try:
        MetadataValidator().validate_cell(cell)
    except (SchemaTooOldError, SchemaTooNewError) as error:
        return [f"nbgrader metadata: {error}"]
    except ValidationError as error:
        return [f"nbgrader metadata: {error.message.splitlines()[0]}"]
    return []


def _marker_problems(cell) -> list[str]:
    problems, inside = [], None
    for number, line in enumerate(cell.source.splitlines(), start=1):
        for word, kind in MARKED.findall(line):
            if word == "BEGIN" and inside is None:
                inside = kind
            elif word == "END" and inside == kind:
                inside = None
            elif word == "BEGIN":
                problems.append(f"BEGIN {kind} in line {number}, but BEGIN {inside} is still open")
            else:
                problems.append(f"END {kind} in line {number} without BEGIN {kind}")
    if inside is not None:
        problems.append(f"BEGIN {inside} is never closed")
    entry = _nbgrader(cell)
    if f"BEGIN {SOLUTION}" in cell.source and not entry.get("solution"):
        problems.append("has BEGIN SOLUTION, but is no solution cell by its nbgrader metadata")
    if f"BEGIN {HIDDEN}" in cell.source and not entry.get("grade"):
        problems.append("has BEGIN HIDDEN TESTS, but is not graded by its nbgrader metadata")
    return problems


def _check_problems(cell) -> list[str]:
    """Look at what a graded cell checks: the learner's version and the grader's must both end with a verdict."""
    whole = ast.parse(_python(cell.source)).body
    visible = ast.parse(_python(_without_hidden_tests(cell.source))).body
    checks = [call for node in whole for call in ast.walk(node) if _is_check(call)]
    if not checks:
        return ["is graded, but calls no check(...)"]
    ends = [body[-1] if body else None for body in (visible, whole)]
    if not all(isinstance(end, ast.Expr) and _is_check(end.value) for end in ends):
        return ["must end with check(...), with and without its hidden tests, or it gives full points for nothing"]
    names = {_checked_name(call) for call in checks}
    if len(names) > 1 or None in names:
        return ["each check(...) of a graded cell must name the same one exercise"]
    name = names.pop()
    try:
        exercise = exercises.find(name)
    except KeyError:
        return [f"checks {name!r}, which is not in course_lib/exercises"]
    if exercise.points != _points(cell):
        return [f"gives {_points(cell)} points, but {name!r} has {exercise.points} in course_lib/exercises"]
    return []


def _without_hidden_tests(source: str) -> str:
    return re.sub(r"^.*BEGIN HIDDEN TESTS(?:.|\n)*?END HIDDEN TESTS.*$", "", source, flags=re.MULTILINE)


def _is_check(node) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"


def _checked_name(call: ast.Call) -> str | None:
    if len(call.args) == 1:
        return call.args[0].id if isinstance(call.args[0], ast.Name) else None
    answers = [keyword.arg for keyword in call.keywords]
    return answers[0] if not call.args and len(answers) == 1 else None
