"""What was handed in, laid over what the course gave out: every cell in its place, whatever became of the file.

What a learner wrote is text here: it is neither run nor parsed.
"""

import ast
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from course_lib.grading.inspecting import names_of
from course_lib.restoring import PUT_BACK, Given, cells_that_count, name_of

__all__ = ["Cell", "Release", "Unreadable", "read_release", "read_submission", "rebuild"]

LARGEST_FILE = 20 << 20  # bytes
MOST_CODE = 500_000  # characters in all cells of one notebook
MOST_CELLS = 1_000


# ---------------------------------------------------------------------------------------------------------
# What the course gave out


@dataclass(frozen=True)
class Release:
    """A week's notebook as learners got it."""

    week: str
    cells: list[dict[str, Any]]
    given: dict[str, Given]
    exercises: dict[str, str]  # by the name of the check's cell
    names: dict[str, tuple[list[str], list[str]]]  # of code cells, by id: names defined and read

    @property
    def first(self) -> dict[str, Any]:
        """The cell that imports what the others use."""
        return next(cell for cell in self.cells if cell["cell_type"] == "code")


def read_release(course: Path, week: str) -> Release:
    """Return the released notebook of a week; it is read anew when the file changes."""
    path = course / "notebooks" / week / f"{week}.ipynb"
    return _read_release(path, week, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _read_release(path: Path, week: str, changed: int) -> Release:
    cells = _cells_of(json.loads(path.read_bytes()))
    given, exercises, names = {}, {}, {}
    for cell in cells:
        entry = cell["metadata"].get("nbgrader")
        if entry:
            name = cell["id"] = entry["grade_id"]
            given[name] = Given(cell["cell_type"], cell["source"], entry)
            if entry["grade"] and not entry["solution"]:
                exercises[name] = _checked(cell["source"])
        if cell["cell_type"] == "code":
            names[cell["id"]] = names_of(cell["source"])
    return Release(week, cells, given, exercises, names)


def _checked(source: str) -> str:
    """Return the name of the exercise that a cell checks."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    call = next(call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "check")
    return call.args[0].id if call.args else call.keywords[0].arg


# ---------------------------------------------------------------------------------------------------------
# What was handed in


class Unreadable(Exception):
    """Raised where a file is no notebook of the week; its text is the reason, for the learner."""


def _text(value: Any) -> str:
    """Return the text of a cell, which is one string or a list of lines."""
    text = "".join(part for part in value if isinstance(part, str)) if isinstance(value, list) else value
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""


def _cells_of(notebook: Any) -> list[dict[str, Any]]:
    """Return the cells of a notebook that are cells, with the fields that count, whatever else there is."""
    cells = []
    for cell in notebook["cells"]:
        if isinstance(cell, dict) and cell.get("cell_type") in ("code", "markdown", "raw"):
            metadata, name = cell.get("metadata"), cell.get("id")
            cells.append(
                {
                    "cell_type": cell["cell_type"],
                    "id": _text(name)[:100],
                    "metadata": metadata if isinstance(metadata, dict) else {},
                    "source": _text(cell.get("source")),
                }
            )
    return cells


def read_submission(source: bytes, release: Release, course: Path) -> list[dict[str, Any]]:
    """Return the cells of a file that was handed in.

    Raises
    ------
    Unreadable
        If it is no notebook of this week.
    """
    if not source.strip():
        raise Unreadable("The file is empty.")
    if len(source) > LARGEST_FILE:
        size = f"{len(source) >> 20} MB, more than the {LARGEST_FILE >> 20} MB that are read"
        raise Unreadable(f"The file has {size}. Clear its outputs, save it and hand it in again.")
    try:
        notebook = json.loads(source.decode("utf-8-sig"))
        if not isinstance(notebook, dict) or notebook.get("nbformat", 4) != 4:
            raise ValueError("no notebook of format 4")
        cells = _cells_of(notebook)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unreadable(
            f"This is not a Jupyter notebook (reading it gives {type(error).__name__}). Open your notebook in "
            "JupyterLab, save it and hand it in again."
        ) from None
    if len(cells) > MOST_CELLS or sum(len(cell["source"]) for cell in cells) > MOST_CODE:
        raise Unreadable("The notebook is far longer than the course's own.")
    if not any(name_of(cell, release.given) for cell in cells):
        _refuse_another_week(cells, release, course)
    return cells


def _refuse_another_week(cells, release, course):
    for folder in sorted((course / "notebooks").glob("week*")):
        other = read_release(course, folder.name)
        if other.week != release.week and any(name_of(cell, other.given) for cell in cells):
            raise Unreadable(f"This is the notebook of {other.week}, not of {release.week}.")


@dataclass
class Cell:
    """A cell of the rebuilt notebook, and what came of it."""

    id: str
    kind: str
    source: str
    grade_id: str | None = None
    released: bool = False  # as the course gave it out
    experiment: bool = False  # the course's, changed by the learner
    repaired: str = ""
    printed: str = ""
    error: str = ""
    handed_in: bool = True

    @property
    def must_run(self) -> bool:
        """Whether it runs in any case: what learners add may matter, what they try out matters by its names."""
        return self.kind == "code" and not self.released and not self.experiment


def rebuild(submitted: list[dict[str, Any]], release: Release) -> list[Cell]:
    """Lay what was handed in over what was given out."""
    counting = {index: name for name, index in cells_that_count(submitted, release.given).items()}
    by_source = {(cell["cell_type"], cell["source"]): cell["id"] for cell in release.cells}
    own = {cell["id"] for cell in release.cells} - set(release.given) - {release.first["id"]}
    cells, seen = [], set()
    for index, cell in enumerate(submitted):
        if index in counting:
            cells.append(_named(counting[index], cell, release))
        else:
            rebuilt = Cell(f"own-cell-{index}", cell["cell_type"], cell["source"])
            if name_of(cell, release.given):
                rebuilt.repaired = "A copy of another cell; of several copies the last one counts."
            elif (kind_and_source := (cell["cell_type"], cell["source"])) in by_source:
                rebuilt.id, rebuilt.released = by_source[kind_and_source], True
            elif cell["id"] in own:
                rebuilt.id, rebuilt.experiment = cell["id"], True
            cells.append(rebuilt)
        seen.add(cells[-1].id)
    for name, given in release.given.items():
        if name not in seen and given.metadata["grade"]:
            source = f"*{PUT_BACK}*" if given.written else given.source
            cells.append(Cell(name, given.cell_type, source, name, released=True, repaired=PUT_BACK))
    missing = [c for c in release.cells if c["cell_type"] == "code" and c["id"] not in seen]
    first = [Cell(c["id"], "code", c["source"], released=True, handed_in=False) for c in missing]
    return [cell for cell in first if cell.id not in release.given] + cells


def _named(name, cell, release) -> Cell:
    given = release.given[name]
    rebuilt = Cell(name, given.cell_type, cell["source"], name)
    notes = []
    if cell["cell_type"] != given.cell_type:
        notes.append(f"It was turned into a {cell['cell_type']} cell; it counts as {given.cell_type}.")
    if given.metadata["locked"]:
        if cell["source"] != given.source:
            notes.append("It was changed; the course's own text counts.")
        rebuilt.source, rebuilt.released = given.source, True
    if not cell["metadata"].get("nbgrader"):
        notes.append("Its metadata were lost and put back.")
    rebuilt.repaired = " ".join(notes)
    return rebuilt
