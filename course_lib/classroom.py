"""What nbgrader needs from this course: how answers are cleared, submissions repaired, run and graded.

nbgrader, left alone, lets one odd submission stop or spoil the grading of a class: a copied cell aborts the
batch, a dead kernel leaves a learner without marks, a warning on stderr costs all points of a right answer.
`nbgrader_config.py` puts the preprocessors of this module in the places where that happens.
"""

import re
from pathlib import Path

import bleach
import nbformat
from bleach.css_sanitizer import CSSSanitizer
from jinja2 import pass_context
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, upgrade
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearSolutions, Execute, NbGraderPreprocessor

from course_lib.checking import MIME_TYPE
from course_lib.restoring import PUT_BACK, Given, cells_that_count

__all__ = [
    "ClearAnswers",
    "ExecuteToTheEnd",
    "HideTests",
    "ReadVerdicts",
    "RestoreCells",
    "clean_html",
    "explain_unreadable",
    "markdown_to_clean_html",
]

ANSWER = re.compile(r"^### BEGIN SOLUTION[ \t]*$.*?^### END SOLUTION[ \t]*$\n?", re.MULTILINE | re.DOTALL)
HIDDEN_TESTS = re.compile(r"^.*BEGIN HIDDEN TESTS(?:.|\n)*?END HIDDEN TESTS.*$", re.MULTILINE)
HTML_TAGS = (
    "h1 h2 h3 h4 h5 h6 p br hr div span pre code details summary sub sup del s u img figure figcaption "
    "table caption thead tbody tfoot tr th td dl dt dd"
)
HTML_STYLES = (
    "border border-left padding margin max-width color background-color text-align white-space "
    "font-weight font-family font-size"
)
HTML_ATTRIBUTES = {
    "*": ["class", "id", "style", "title", "align"],
    "a": ["href"],
    "img": ["src", "alt", "width", "height"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}


class ClearAnswers(ClearSolutions):
    """Clear solutions so that the notebook still runs from top to bottom.

    A region inside a function becomes the stub. One at the left margin, as in an answer to a quiz question,
    leaves nothing: the placeholder above it stays.
    """

    def _replace_solution_region(self, cell, language):
        found = 0
        if cell.cell_type == "code":
            source, found = ANSWER.subn("", cell.source)
            cell.source = source.rstrip("\n")
        return super()._replace_solution_region(cell, language) or found > 0


class RestoreCells(NbGraderPreprocessor):
    """Make every cell that the course knows occur once, with the metadata, type and tests of the course.

    The gradebook says which cells there are. In the submission they are found by their nbgrader metadata or,
    where those were lost, by their cell id. Of several copies the last counts, as it does in the kernel; of a
    written answer the last that says something. Graded cells that were deleted come back at the end, where
    everything that the learner defined is there for them to see.
    """

    def preprocess(self, nb, resources):
        """Repair the cells of `nb` in place."""
        where = resources["nbgrader"]
        with Gradebook(where["db_url"]) as gradebook:
            notebook = gradebook.find_notebook(where["notebook"], where["assignment"])
            given = {
                cell.name: Given(cell.cell_type, cell.source, self._metadata(cell, notebook))
                for cell in notebook.source_cells
            }

        nb = upgrade(nb)  # to the version of the format in which cells have ids
        counting = cells_that_count(nb.cells, given)
        for cell in nb.cells:
            cell.metadata.pop("nbgrader", None)
        for name, index in counting.items():
            nb.cells[index] = self._cell(nb.cells[index], given[name])
        for name, cell in given.items():
            if name not in counting and cell.metadata["grade"]:
                self.log.warning("Cell %r was missing; it is put back at the end", name)
                nb.cells.append(self._missing_cell(cell))
        return nb, resources

    @staticmethod
    def _metadata(cell, notebook) -> dict:
        points = {graded.name: graded.max_score for graded in notebook.grade_cells}
        entry = {
            "cell_type": cell.cell_type,
            "checksum": cell.checksum,
            "grade": cell.name in points,
            "grade_id": cell.name,
            "locked": cell.locked,
            "schema_version": 3,
            "solution": cell.name in {solution.name for solution in notebook.solution_cells},
            "task": False,
        }
        return entry | ({"points": points[cell.name]} if cell.name in points else {})

    @staticmethod
    def _cell(cell, given):
        make = new_code_cell if given.cell_type == "code" else new_markdown_cell
        source = given.source if given.metadata["locked"] else cell.source
        return make(source, id=cell.id, metadata=cell.metadata | {"nbgrader": given.metadata})

    @staticmethod
    def _missing_cell(given):
        if given.cell_type == "code":
            cell = new_code_cell(f"# {PUT_BACK}\n{given.source}")
        else:  # a written answer may stand somewhere else: the changed text makes nbgrader ask a person to look
            cell = new_markdown_cell(f"*{PUT_BACK}*")
        cell.id = given.metadata["grade_id"]
        cell.metadata["nbgrader"] = given.metadata
        return cell


class ExecuteToTheEnd(Execute):
    """Run a submission; when its kernel dies or cannot be interrupted, say so in every cell that did not run.

    Those cells score 0, the others keep what they earned, and the learner reads why.
    """

    def preprocess(self, nb, resources, km=None):
        """Run the cells of `nb` in place."""
        self.ended = None
        return super().preprocess(nb, resources, km)

    def preprocess_cell(self, cell, resources, index):
        """Run one cell, unless the kernel has ended."""
        if self.ended is None:
            try:
                return super().preprocess_cell(cell, resources, index)
            except DeadKernelError:
                self.ended = "the kernel stopped while this cell ran (out of memory, or exit() was called)"
            except CellTimeoutError:
                self.ended = f"this cell ran longer than {self.timeout} s and could not be interrupted"
            self.log.error("Cell %d: %s", index + 1, self.ended)
            _add_error(cell, "KernelStopped", self.ended)
            self.ended = f"not run, because in cell {index + 1} {self.ended.replace('this', 'that')}"
        elif cell.cell_type == "code":
            _add_error(cell, "NotRun", self.ended)
        return cell, resources


class ReadVerdicts(NbGraderPreprocessor):
    """Let the verdict of `course_lib.checking.check` alone decide the points of a graded cell.

    nbgrader gives no points to a cell that wrote to stderr, and full points to one without a result. So where
    there is a verdict, stderr is taken away; where there is none, an error says so.
    """

    def preprocess_cell(self, cell, resources, index):
        """Tidy the outputs of one cell in place."""
        if cell.cell_type != "code" or not utils.is_grade(cell) or utils.is_solution(cell):
            return cell, resources
        if any(output.output_type == "error" for output in cell.outputs):
            return cell, resources
        results = [output for output in cell.outputs if output.output_type == "execute_result"]
        if len(results) == 1 and _is_verdict(results[0].data, cell.metadata.nbgrader["points"]):
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        else:
            _add_error(cell, "NoVerdict", "this cell did not end with the verdict of check(...): no points")
        return cell, resources


def _is_verdict(data, max_points) -> bool:
    """Whether an output is a verdict whose plain text and JSON forms agree on points that the cell can give."""
    verdict = data.get(MIME_TYPE)
    if not isinstance(verdict, dict) or not isinstance(verdict.get("points"), int | float):
        return False
    points = verdict["points"]
    return 0 <= points <= max_points and data.get("text/plain") == repr(float(points))


def _add_error(cell, name: str, message: str):
    """Add an error to the outputs: in front, so that nbgrader gives 0 points whatever comes after it."""
    traceback = [f"\x1b[0;31m{name}\x1b[0m: {message}"]
    cell.outputs.insert(0, new_output("error", ename=name, evalue=message, traceback=traceback))


class HideTests(NbGraderPreprocessor):
    """Keep the code of hidden tests out of the feedback: out of the cell, and out of tracebacks that quote it."""

    def preprocess_cell(self, cell, resources, index):
        """Replace the hidden regions of one cell in place."""
        visible = HIDDEN_TESTS.sub("# (further tests, not shown)", cell.source)
        if visible != cell.source:
            cell.source = visible
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources


def clean_html(html: str) -> str:
    """Return `html` with scripts and the like shown as text; what Markdown and our cards are made of stays.

    nbconvert's own filter of this name shows even ``<p>`` as text.
    """
    return bleach.clean(
        str(html),
        tags={*bleach.ALLOWED_TAGS, *HTML_TAGS.split()},
        attributes=HTML_ATTRIBUTES,
        protocols={*bleach.ALLOWED_PROTOCOLS, "data"},  # images in written answers
        css_sanitizer=CSSSanitizer(allowed_css_properties=HTML_STYLES.split()),
    )


@pass_context
def markdown_to_clean_html(context, source: str) -> str:
    """Render Markdown, then clean it; in place of nbconvert's filter, which nbgrader uses without cleaning."""
    attachments = context.get("cell", {}).get("attachments", {})
    renderer = IPythonRenderer(escape=False, attachments=attachments)
    return clean_html(MarkdownWithMath(renderer=renderer).render(source))


def explain_unreadable(*, assignment, student, notebooks):
    """Put a notebook that says what is wrong in the place of each file that is none.

    nbgrader calls this before it grades a submission. The file that was handed in stays beside it, as
    ``….ipynb.unreadable``. The new notebook scores 0, and the learner finds the reason in the feedback.

    Parameters
    ----------
    assignment, student : str
        Names of the week and the learner, as nbgrader passes them; not used.
    notebooks : list of str
        Paths of the notebooks handed in.
    """
    for path in map(Path, notebooks):
        reason = _why_unreadable(path)
        if reason is not None:
            path.replace(path.with_name(path.name + ".unreadable"))
            text = (
                "**This file could not be read, so nothing in it was graded.** "
                f"`{path.name}` is not a Jupyter notebook: {reason}. "
                "Please open your notebook in JupyterLab, save it and hand it in again."
            )
            nbformat.write(new_notebook(cells=[new_markdown_cell(text, id="unreadable")]), path)


def _why_unreadable(path: Path) -> str | None:
    if not path.read_bytes().strip():
        return "it is empty"
    try:
        nb = nbformat.read(path, as_version=4)
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = []  # they are not graded, so they may be broken
        nbformat.validate(nb)
    except Exception as error:  # whatever a stranger's file does to the reader is the reason we are asked for
        return f"reading it gives {type(error).__name__}"
    return None
