"""nbgrader's configuration for this course; it is read whenever nbgrader or JupyterLab starts in this folder."""

import os
import sys
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    GetGrades,
    LimitOutput,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from course_lib.classroom import (
    ClearAnswers,
    ExecuteToTheEnd,
    HideTests,
    ReadVerdicts,
    RestoreCells,
    clean_html,
    explain_unreadable,
    markdown_to_clean_html,
)

c = get_config()  # noqa: F821  (nbgrader provides it)

# nbgrader calls the program alembic, which is installed beside Python; without an activated environment it is
# not on the path.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

c.CourseDirectory.course_id = "optimization"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
# Nothing but notebooks is released or graded. A course_lib or numpy that a learner hands in would be imported
# in place of the real one.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "__pycache__",
    "course_lib*",
    "*.py",
    "*.pyc",
    "*.so",
    "*.pyd",
    "*.md",
    "*.unreadable",
]

# Release: the notebook runs from top to bottom untouched, see ClearAnswers.
c.GenerateAssignment.preprocessors = [
    ClearAnswers if step is ClearSolutions else step for step in GenerateAssignment.preprocessors.default()
]
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "*Write your answer here.*"

# Collecting: ada_week01_minibatch.ipynb, or week01_minibatch.ipynb in a folder or archive called ada.
c.FileNameCollectorPlugin.named_regexp = r".*[/\\](?P<student_id>[^/\\]+)[/\\_](?P<file_id>week\d\d_\w+)"

# Grading: whatever is handed in gets a status, and only the verdict of check() decides the points.
c.Autograde.pre_convert_hook = explain_unreadable
c.Autograde.sanitize_preprocessors = [ClearOutput, RestoreCells, OverwriteKernelspec, CheckCellMetadata]
c.Autograde.autograde_preprocessors = [
    ExecuteToTheEnd,
    LimitOutput,
    ReadVerdicts,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
c.Execute.timeout = 60  # seconds a cell
c.Execute.error_on_timeout = {
    "ename": "CellTimeoutError",
    "evalue": "this cell was stopped because it ran too long",
    "traceback": ["\x1b[0;31mCellTimeoutError\x1b[0m: this cell was stopped because it ran too long"],
}
c.Execute.extra_arguments = ["--log-level=ERROR"]  # otherwise every kernel warns about its transport
c.Execute.shutdown_kernel = "immediate"  # nothing to tidy up, and 0.2 s less for each learner

# Feedback: no code of hidden tests, no scripts.
c.GenerateFeedback.preprocessors = [GetGrades, HideTests, CSSHTMLHeaderPreprocessor]
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {"clean_html": clean_html, "markdown2html": markdown_to_clean_html}
