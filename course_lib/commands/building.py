"""From ``solutions/weekNN_topic.py`` to the executed solution notebook and the learner's copy of it.

The way goes in one direction. A source is checked (by `sources`), turned into a notebook whose cell ids
depend on nothing but the source, executed, and released by nbgrader with the course's own configuration. What
is on disk changes only when all of that has worked, and only where something really changed.
"""

import base64
import difflib
import io
import json
import logging
import os
import re
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import matplotlib.image
import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import SaveCells
from traitlets.config import PyFileConfigLoader

from course_lib.commands.sources import (
    cell_label,
    course_map,
    find_problems,
    read_source,
    week_links,
    week_table,
)

__all__ = ["build", "check", "find_weeks"]

PAGES = ("welcome", "reference")  # built from solutions/<page>.py too, but without exercises and not executed
CELL_TIMEOUT = 300  # seconds
BEGIN_WEEKS, END_WEEKS = "<!-- weeks: begin -->", "<!-- weeks: end -->"
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
Problems = list[str]


def find_weeks(root: Path, wanted: list[str] | None = None) -> list[str]:
    """Return the names of the weeks in `root` that `wanted` means.

    Parameters
    ----------
    root : Path
        The course.
    wanted : list of str, optional
        Each ``"week01_minibatch"``, ``"01"`` or ``"1"``. Default: all weeks.

    Raises
    ------
    ValueError
        If there is no such week.
    """
    names = sorted(path.stem for path in (root / "solutions").glob("week[0-9][0-9]_*.py"))
    if not wanted:
        return names
    found = []
    for word in wanted:
        number = f"week{int(word):02d}_" if word.isdecimal() else None
        matches = [name for name in names if name == word or (number and name.startswith(number))]
        if not matches:
            raise ValueError(f"There is no week {word!r}. The course has: {', '.join(names) or 'none yet'}.")
        found += matches
    return found


def build(root: Path, weeks: list[str], *, pages: bool = True) -> Problems:
    """Build `weeks`, and with `pages` the pages beside them and the README's table of weeks.

    Returns
    -------
    list of str
        What is wrong; empty when all went well. When a source is wrong, nothing is written.
    """
    problems = find_problems(root, find_weeks(root) if pages else weeks)
    if problems:
        return problems
    for week in weeks:
        start = time.perf_counter()
        found = _build_week(root, week)
        problems += found
        print(f"{week}: {'failed' if found else 'built'} in {time.perf_counter() - start:.1f} s", flush=True)
    if pages:
        for path, text in _pages(root, problems).items():
            _write(path, text)
    return problems + _strays(root)


def check(root: Path, weeks: list[str], *, pages: bool = True) -> Problems:
    """Compare what `build` would produce with what is stored, without executing or writing anything.

    Outputs are not compared (nbval does that); everything else is.

    Returns
    -------
    list of str
        Differences by file and cell; empty when everything is up to date.
    """
    problems = find_problems(root, find_weeks(root) if pages else weeks)
    if problems:
        return problems
    for week in weeks:
        solution_path, release_path = _paths(root, week)
        solution = read_source(root, week)
        problems += _compare(root, solution_path, _text(_without_outputs(solution)))
        problems += _compare(root, release_path, _release(root, week, solution))
    if pages:
        for path, text in _pages(root, problems).items():
            problems += _compare(root, path, text)
    return problems + _strays(root)


def _paths(root: Path, week: str) -> tuple[Path, Path]:
    return (root / "solutions" / week / f"{week}.ipynb", root / "notebooks" / week / f"{week}.ipynb")


def _build_week(root: Path, week: str) -> Problems:
    solution_path, release_path = _paths(root, week)
    nb = read_source(root, week)
    metadata = nb.metadata.copy()
    problems = _execute(nb, root, week)
    nb.metadata = metadata  # the kernel adds the exact Python version, which changes from machine to machine
    problems += _output_problems(nb, week)
    if problems:
        return problems
    if solution_path.exists():
        _keep_outputs(nb, nbformat.read(solution_path, as_version=4))
    nbformat.validate(nb)
    release = _release(root, week, nb)
    _write(solution_path, _text(nb))
    _write(release_path, release)
    return []


def _text(nb) -> str:
    return nbformat.writes(nb) + "\n"


def _write(path: Path, text: str):
    """Write a file in one step, and only if that changes it."""
    if path.exists() and path.read_bytes() == text.encode():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8", newline="\n")
    os.replace(new, path)


# ---------------------------------------------------------------------------------------------------------
# Executing


def _execute(nb, root: Path, week: str) -> Problems:
    """Run the cells of `nb` in place, in a folder of their own."""
    started = []
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            nb,
            timeout=CELL_TIMEOUT,
            record_timing=False,
            shutdown_kernel="immediate",
            extra_arguments=["--log-level=ERROR"],  # otherwise every kernel warns about its transport
            resources={"metadata": {"path": folder}},
            on_cell_start=lambda cell, cell_index: started.append(cell_index),
        )
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
            return [f"{cell_label(week, nb, started[-1])}: failed\n{_indent(text)}"]
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = _merge_streams(cell.outputs)
    return []


def _merge_streams(outputs):
    """Join neighbouring pieces of one stream: where the kernel splits them is chance."""
    merged = []
    for output in outputs:
        if merged and "name" in output and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def _output_problems(nb, week: str) -> Problems:
    problems = []
    for index, cell in enumerate(nb.cells):
        for output in cell.get("outputs", []):
            where = cell_label(week, nb, index)
            data, text = output.get("data", {}), output.get("text", "")
            if output.get("name") == "stderr":
                problems.append(f"{where}: writes to stderr\n{_indent(text)}")
            if "image/png" in data and not output.metadata.get("image/png", {}).get("alt"):
                problems.append(f"{where}: a figure without alt text (metadata['image/png']['alt'])")
            if ADDRESS.search(text + str(data.get("text/plain", ""))):
                problems.append(f"{where}: shows a memory address, which is another one in every run")
    return problems


def _keep_outputs(nb, stored):
    """Keep stored outputs that differ only as they do from run to run, so that a rebuild changes no byte.

    That is, the outputs of cells that say so by their tag, up to the first code cell whose source has changed
    (what comes after may show something new), and figures with the same pixels.
    """
    old_cells = {cell.get("id"): cell for cell in stored.cells if cell.cell_type == "code"}
    nothing_changed = True
    for cell in (cell for cell in nb.cells if cell.cell_type == "code"):
        old = old_cells.get(cell.id)
        nothing_changed = nothing_changed and old is not None and old.source == cell.source
        if old is None:
            continue
        if nothing_changed and old.outputs and "nbval-ignore-output" in cell.metadata.get("tags", []):
            cell.outputs = old.outputs
        for new_output, old_output in zip(cell.outputs, old.outputs, strict=False):
            new_png, old_png = (o.get("data", {}).get("image/png") for o in (new_output, old_output))
            if new_png and old_png and _same_pixels(new_png, old_png):
                new_output.data["image/png"] = old_png


def _same_pixels(one: str, other: str) -> bool:
    """Whether two PNGs in base64 look the same: same shape, and no pixel further off than an eye could see."""
    a, b = (matplotlib.image.imread(io.BytesIO(base64.b64decode(png))) for png in (one, other))
    return a.shape == b.shape and float(np.abs(a - b).max()) < 8 / 255


# ---------------------------------------------------------------------------------------------------------
# Releasing, by nbgrader


def _release(root: Path, week: str, solution) -> str:
    """Return the text of the learner's copy, made by nbgrader as the course configures it."""
    with tempfile.TemporaryDirectory() as folder:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
        config.CourseDirectory.root = folder
        steps = config.GenerateAssignment.preprocessors  # all but the gradebook, which changes no notebook
        config.GenerateAssignment.preprocessors = [step for step in steps if step is not SaveCells]
        config.GenerateAssignment.no_database = True
        source, release = _paths(Path(folder), week)
        _write(source, _text(solution))
        course = CourseDirectory(config=config, assignment_id=week)
        with _errors_of_nbgrader() as errors:
            try:
                GenerateAssignment(coursedir=course, config=config).start()
            except NbGraderException as error:
                raise RuntimeError(f"{week}: nbgrader cannot release it\n" + "\n".join(errors)) from error
        return release.read_text(encoding="utf-8")


@contextmanager
def _errors_of_nbgrader():
    """Collect nbgrader's errors; otherwise it tells about every file that it touches."""
    logger = logging.getLogger("traitlets")
    handler = logging.Handler(logging.ERROR)
    errors: list[str] = []
    handler.emit = lambda record: errors.append(record.getMessage())
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield errors
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


# ---------------------------------------------------------------------------------------------------------
# The pages that speak of all weeks


def _page_path(root: Path, page: str) -> Path:
    return root / "notebooks" / f"{page}.ipynb"


def _pages(root: Path, problems: Problems) -> dict[Path, str]:
    """Return the texts of the pages and the README; append to `problems` where the table has no place."""
    weeks = {week: read_source(root, week) for week in find_weeks(root)}
    places = {"{{map}}": course_map(weeks), "{{weeks}}": week_table(weeks, ""), "{{links}}": week_links(weeks)}
    pages, found = {}, set()
    for page in PAGES:
        nb = read_source(root, page)
        for cell in nb.cells:
            found |= {place for place in places if place in cell.source}
            for place, text in places.items():
                cell.source = cell.source.replace(place, text)
        pages[_page_path(root, page)] = _text(nb)
    if "{{weeks}}" not in found:
        problems.append(f"solutions/{PAGES[0]}.py: no line {{{{weeks}}}} for the table of weeks")

    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN_WEEKS)
    _, end, after = rest.partition(END_WEEKS)
    if end:
        table = week_table(weeks, "notebooks/")
        pages[readme] = f"{before}{begin}\n{table}\n{end}{after}"
    else:
        problems.append(f"README.md: no lines {BEGIN_WEEKS} and {END_WEEKS} for the table of weeks")
    return pages


# ---------------------------------------------------------------------------------------------------------
# Comparing


def _without_outputs(nb):
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def _compare(root: Path, path: Path, expected: str) -> Problems:
    """Describe how the stored file differs from the `expected` text."""
    name = path.relative_to(root).as_posix()
    if not path.exists():
        return [f"{name}: missing; run `python3 -m course_lib build`"]
    stored = path.read_text(encoding="utf-8")
    executed = path.suffix == ".ipynb" and path.is_relative_to(root / "solutions")
    if executed:
        stored = _text(_without_outputs(nbformat.reads(stored, as_version=4)))
    if stored == expected:
        return []
    if path.suffix != ".ipynb":
        return [f"{name}: out of date\n{_diff(stored, expected)}"]
    old, new = (_parts(nbformat.reads(text, as_version=4)) for text in (stored, expected))
    problems = [
        f"{name}, {part}: out of date\n{_diff(old.get(part, ''), new.get(part, ''))}"
        for part in [*new, *(part for part in old if part not in new)]
        if old.get(part) != new.get(part)
    ]
    if list(old) != list(new) and set(old) == set(new):
        problems.append(f"{name}: cells in another order")
    return problems or [f"{name}: same content, other bytes; run `python3 -m course_lib build`"]


def _parts(nb) -> dict[str, str]:
    """Return the notebook's metadata and cells as texts that a person can compare."""

    def pretty(value):
        return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)

    parts = {"metadata": f"{pretty(nb.metadata)}\nnbformat {nb.nbformat}.{nb.nbformat_minor}"}
    for cell in nb.cells:
        rest = {key: cell[key] for key in cell if key not in ("id", "source", "metadata", "cell_type")}
        parts[f"cell {cell.get('id')}"] = "\n".join(
            [f"[{cell.cell_type}]", cell.source, pretty(cell.metadata), pretty(rest)]
        )
    return parts


def _diff(stored: str, expected: str) -> str:
    lines = difflib.unified_diff(
        stored.splitlines(), expected.splitlines(), "stored", "a build would give", n=2, lineterm=""
    )
    return _indent("\n".join(lines))


def _indent(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())


def _strays(root: Path) -> Problems:
    """Name files beside the notebooks that no source stands behind."""
    weeks = find_weeks(root)
    expected = {path for week in weeks for path in _paths(root, week)}
    expected |= {_page_path(root, page) for page in PAGES}
    expected |= {root / "solutions" / f"{name}.py" for name in (*weeks, *PAGES)}
    found = [
        path
        for folder in ("solutions", "notebooks")
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and ".ipynb_checkpoints" not in path.parts and path not in expected
    ]
    return [f"{path.relative_to(root).as_posix()}: does not belong here; remove it" for path in found]
