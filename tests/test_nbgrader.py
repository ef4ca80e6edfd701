"""The whole way through nbgrader, as an instructor goes it: release, collect, autograde, feedback, export."""

import csv
import html
import json
import re
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest
from answers import named
from conftest import ROOT, TOY, graded_code_cells, use_toys
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.validator import Validator
from traitlets.config import PyFileConfigLoader

from course_lib.checking import check
from course_lib.classroom import clean_html, explain_unreadable
from course_lib.commands import building
from course_lib.exercises import find

RIGHT = "def halves(n):\n    return (n + 1) // 2"
HALF = "def halves(n):\n    return n // 2"
FULL = {"check_halves": 2, "check_colour": 1}
NOTHING = {"check_halves": 0, "check_colour": 0}


def nbgrader(course, *commands):
    """Run nbgrader commands in the course, as at a terminal but in one process, and return what they said."""
    result = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(commands)], cwd=course, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


RUN = """
import contextlib, json, sys
from jupyter_core.application import NoStart
from nbgrader.apps import NbGraderApp
for words in json.loads(sys.argv[1]):
    app = NbGraderApp()
    app.initialize(words)
    with contextlib.suppress(NoStart):  # how it says that a subcommand did the work
        app.start()
    app.subapp.clear_instance()
"""


# ---------------------------------------------------------------------------------------------------------
# What learners hand in: each function takes the released notebook and gives back what to write


def cell_of(nb, name):
    return next(cell for cell in nb.cells if cell.id == name)


def answer(nb, halves=RIGHT, colour='colour = "b"'):
    cell_of(nb, "halves").source = halves
    cell_of(nb, "colour").source = colour
    cell_of(nb, "reflection").source = "I learned that halves round up. <script>alert(1)</script>"
    return nb


def with_cell(nb, before, source):
    nb.cells.insert(nb.cells.index(cell_of(nb, before)), new_code_cell(source))
    return nb


def delete(nb, *names):
    nb.cells = [cell for cell in nb.cells if cell.id not in names]
    return nb


def copy_cell(nb, name, source):
    """Paste a copy of a cell below it, as JupyterLab does (same metadata, another id), and edit it."""
    original = cell_of(nb, name)
    copy = nbformat.from_dict(original | {"id": f"copy-of-{name}"})
    copy.source = source
    nb.cells.insert(nb.cells.index(original) + 1, copy)
    return nb


def copy_cells(nb):
    """Write the right answer in a copy, copy the test, and keep a copy of the empty reflection."""
    stub = cell_of(nb, "reflection").source
    nb = copy_cell(copy_cell(answer(nb, HALF), "halves", RIGHT), "check_halves", "check(halves)")
    return copy_cell(nb, "reflection", stub)


def strip(nb, *, ids):
    """Lose all metadata of cells, as some editors do; some save in an older format, without ids."""
    nb.nbformat_minor = 4 if ids else 5
    for cell in nb.cells:
        cell.metadata = nbformat.from_dict({})
        if ids:
            del cell["id"]
    return nb


def damage(nb):
    """Leave some nbgrader metadata empty or wrong, and turn a test cell into Markdown."""
    cell_of(nb, "cell-002").metadata["nbgrader"] = {}
    cell_of(nb, "halves").metadata["nbgrader"] = {"grade_id": "halves", "schema_version": 1}
    cell_of(nb, "check_colour").metadata["nbgrader"] = "x"
    index = nb.cells.index(cell_of(nb, "check_halves"))
    cell = nb.cells[index]
    nb.cells[index] = new_markdown_cell(cell.source, id=cell.id, metadata=cell.metadata, attachments={})
    return nb


def edit_tests(nb):
    cell_of(nb, "check_halves").source = "2.0"
    cell_of(nb, "check_halves").metadata.nbgrader.points = 100
    return nb


NOISY = """\
def halves(n):
    import sys, warnings
    print(n)
    print(n, file=sys.stderr)
    warnings.warn("far too late")
    return (n + 1) // 2

import sys
original = check
def check(*args, **answers):
    print("and from outside the function", file=sys.stderr)
    return original(*args, **answers)
"""
UNSTOPPABLE = """\
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    pass
"""
SUBMISSIONS = {
    "perfect": (answer, FULL),
    "untouched": (lambda nb: nb, NOTHING),
    "half right": (lambda nb: answer(nb, HALF, 'colour = "a"'), {"check_halves": 1, "check_colour": 0}),
    "test cells deleted": (lambda nb: delete(answer(nb), "check_halves", "check_colour"), FULL),
    "answer cell deleted": (lambda nb: delete(answer(nb), "halves"), FULL | {"check_halves": 0}),
    "both deleted": (lambda nb: delete(answer(nb), "halves", "check_halves"), FULL | {"check_halves": 0}),
    "tests edited": (lambda nb: edit_tests(answer(nb, HALF)), FULL | {"check_halves": 1}),
    "cells copied": (lambda nb: copy_cells(nb), FULL),
    "noisy": (lambda nb: answer(nb, NOISY), FULL),
    "check replaced": (lambda nb: with_cell(nb, "check_halves", "def check(*a, **k): return 1.0"), NOTHING),
    "killed": (lambda nb: with_cell(answer(nb), "colour", "import os\nos._exit(1)"), FULL | {"check_colour": 0}),
    "endless loop": (lambda nb: with_cell(answer(nb), "colour", "while True:\n    pass"), FULL),
    "unstoppable": (lambda nb: with_cell(answer(nb), "colour", UNSTOPPABLE), FULL | {"check_colour": 0}),
    "metadata lost": (lambda nb: strip(answer(nb), ids=False), FULL),
    "metadata and ids lost": (lambda nb: strip(answer(nb), ids=True), FULL),
    "metadata damaged": (lambda nb: damage(answer(nb)), FULL),
    "garbage": (lambda nb: "PK\x03\x04 this was a photo", NOTHING),
    "empty": (lambda nb: "", NOTHING),
}


def hand_in(course, student, submission, week=TOY):
    folder = course / "submitted" / student / week
    folder.mkdir(parents=True)
    text = submission if isinstance(submission, str) else nbformat.writes(submission)
    (folder / f"{week}.ipynb").write_text(text)
    return folder


def release_of(course, week):
    return nbformat.read(course / "notebooks" / week / f"{week}.ipynb", 4)


@pytest.fixture(scope="module")
def classroom(tmp_path_factory, toy_built_once):
    """A toy course with a graded class: all submissions in one run of each of nbgrader's commands."""
    course = tmp_path_factory.mktemp("class") / "with blanks é"
    shutil.copytree(toy_built_once, course)
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_toys(monkeypatch)
        for student, (make, _) in SUBMISSIONS.items():
            hand_in(course, student, make(release_of(course, TOY)))
        (course / "submitted" / "tests edited" / TOY / "course_lib.py").write_text("1 / 0")
        (course / "submitted" / "no notebook" / TOY).mkdir(parents=True)
        log = nbgrader(
            course,
            ["generate_assignment", TOY, "--force"],
            ["autograde", TOY, "--Execute.timeout=3", "--Execute.iopub_timeout=1"],
            ["generate_feedback", TOY],
            ["export"],
        )
    return course, log


def points(course, student, week=TOY):
    """Return the automatic points of each graded cell of a learner; None where a person has to grade."""
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook(week, week, student)
        return {grade.name: grade.auto_score for grade in notebook.grades}


def feedback(course, student):
    return (course / "feedback" / student / TOY / f"{TOY}.html").read_text()


def autograded(course, student):
    return nbformat.read(course / "autograded" / student / TOY / f"{TOY}.ipynb", 4)


# ---------------------------------------------------------------------------------------------------------
# One class


@pytest.mark.parametrize("student", SUBMISSIONS)
def test_points(classroom, student):
    course, _ = classroom
    earned = points(course, student)
    assert {name: earned[name] for name in FULL} == SUBMISSIONS[student][1]


@pytest.mark.parametrize(
    ("student", "needs_a_person"),
    [
        ("perfect", True),
        ("untouched", False),
        ("cells copied", True),
        ("metadata lost", True),
        ("garbage", True),
    ],
)
def test_the_written_answer_waits_for_a_person_where_there_is_one(classroom, student, needs_a_person):
    assert points(classroom[0], student)["reflection"] == (None if needs_a_person else 0)


@pytest.mark.parametrize("student", SUBMISSIONS)
def test_feedback_shows_no_hidden_test_and_runs_no_script(classroom, student):
    page = feedback(classroom[0], student)
    assert "8127" not in page
    assert "HIDDEN TESTS" not in page
    assert "<script>alert" not in page


def test_feedback_shows_the_rest(classroom):
    page = feedback(classroom[0], "perfect")
    assert "# (further tests, not shown)" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<p>With a formula, $a &lt; b$.</p>" in page
    assert "border-left" in page  # the card of a verdict keeps its style


@pytest.mark.parametrize(
    ("student", "name", "reason"),
    [
        ("killed", "check_colour", "not run, because in cell 5 the kernel stopped while that cell ran"),
        ("unstoppable", "check_colour", "not run, because in cell 5 that cell ran longer than 3 s"),
        ("endless loop", None, "this cell was stopped because it ran too long"),
        ("check replaced", "check_halves", "this cell did not end with the verdict of check(...): no points"),
        ("answer cell deleted", "check_halves", "name 'halves' is not defined"),
    ],
)
def test_feedback_says_why_there_are_no_points(classroom, student, name, reason):
    course, _ = classroom
    nb = autograded(course, student)
    cells = [cell_of(nb, name)] if name else nb.cells
    errors = [o.evalue for cell in cells for o in cell.get("outputs", []) if o.output_type == "error"]
    assert any(error.startswith(reason) for error in errors)
    assert reason in html.unescape(re.sub("<[^>]*>", "", feedback(course, student)))


@pytest.mark.parametrize(
    ("student", "reason"),
    [("garbage", "NotJSONError"), ("empty", "it is empty")],
)
def test_an_unreadable_file_is_kept_and_explained(classroom, student, reason):
    course, _ = classroom
    assert "This file could not be read" in feedback(course, student)
    assert reason in feedback(course, student)
    kept = course / "submitted" / student / TOY / f"{TOY}.ipynb.unreadable"
    assert kept.read_text() == SUBMISSIONS[student][0](None)


def test_deleted_tests_are_put_back_and_say_so(classroom):
    nb = autograded(classroom[0], "test cells deleted")
    assert [cell.id for cell in nb.cells[-2:]] == ["check_halves", "check_colour"]
    assert nb.cells[-1].source.startswith("# This cell was missing from what was handed in")


def test_only_notebooks_are_graded(classroom):
    folder = classroom[0] / "autograded" / "tests edited" / TOY
    assert [path.name for path in folder.iterdir()] == [f"{TOY}.ipynb"]


def test_someone_who_handed_in_nothing_is_named(classroom):
    assert "No notebooks were matched by" in classroom[1]
    assert "no notebook" in classroom[1]


def test_export(classroom):
    course, _ = classroom
    with open(course / "grades.csv") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(SUBMISSIONS)
    for student, (_, expected) in SUBMISSIONS.items():
        assert float(rows[student]["raw_score"]) == sum(expected.values())
        assert float(rows[student]["max_score"]) == 7


def test_the_release_is_the_one_that_the_build_makes(classroom, toy_built_once):
    course, _ = classroom
    path = f"notebooks/{TOY}/{TOY}.ipynb"
    assert (course / path).read_bytes() == (toy_built_once / path).read_bytes()


# ---------------------------------------------------------------------------------------------------------
# Around it


def test_collecting_files_and_archives(built_course):
    downloaded = built_course / "downloaded" / TOY / "archive"
    downloaded.mkdir(parents=True)
    text = nbformat.writes(release_of(built_course, TOY))
    (downloaded / f"ada_{TOY}.ipynb").write_text(text)
    with zipfile.ZipFile(downloaded / "berta.zip", "w") as archive:
        archive.writestr(f"{TOY}.ipynb", text)
    nbgrader(built_course, ["zip_collect", TOY])
    collected = sorted(
        path.relative_to(built_course).as_posix() for path in built_course.glob("submitted/*/*/*.ipynb")
    )
    assert collected == [f"submitted/{student}/{TOY}/{TOY}.ipynb" for student in ("ada", "berta")]


def test_the_validate_button(built_course):
    path = built_course / "notebooks" / TOY / f"{TOY}.ipynb"
    config = PyFileConfigLoader("nbgrader_config.py", path=str(built_course)).load_config()
    failed = Validator(config=config).validate(str(path))["failed"]
    assert [cell["source"] for cell in failed] == [
        "check(halves)",
        "check(colour=colour)",
        "*Write your answer here.*",
    ]
    nbformat.write(answer(release_of(built_course, TOY)), path)
    assert Validator(config=config).validate(str(path)) == {}


@pytest.mark.parametrize(
    "text", ["[]", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5}', '{"a": 1}', "\ufeff", "null"]
)
def test_json_that_is_no_notebook_is_replaced(tmp_path, text):
    path = tmp_path / "week.ipynb"
    path.write_text(text)
    explain_unreadable(assignment="", student="", notebooks=[str(path)])
    assert "could not be read" in nbformat.read(path, 4).cells[0].source
    assert (tmp_path / "week.ipynb.unreadable").read_text() == text


def test_a_notebook_with_broken_outputs_is_read(tmp_path, toy_built_once):
    nb = release_of(toy_built_once, TOY)
    cell_of(nb, "halves").outputs = [{"output_type": "nonsense"}]
    path = tmp_path / "week.ipynb"
    path.write_text(json.dumps(nb))
    explain_unreadable(assignment="", student="", notebooks=[str(path)])
    assert json.loads(path.read_text()) == nb


def test_html_is_cleaned_of_what_runs():
    dirty = "<p style='color: red' onclick='x()'>a</p><img src='javascript:x()' alt='b'><iframe src='x'></iframe>"
    clean = clean_html(dirty)
    assert clean.startswith('<p style="color: red;">a</p><img alt="b">&lt;iframe')


def without_experiments(nb):
    """Keep imports, answers and checks: nbval and the untouched release run the rest."""
    imports = "from course_lib.checking import"
    nb.cells = [cell for cell in nb.cells if "nbgrader" in cell.metadata or imports in cell.source]
    return nb


@pytest.mark.parametrize("week", building.find_weeks(ROOT))
def test_a_real_week(week, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    for part in ("solutions", "notebooks"):
        shutil.copytree(ROOT / part / week, tmp_path / part / week)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    solved = nbformat.read(ROOT / "solutions" / week / f"{week}.ipynb", 4)
    answers = {cell.id: cell.source for cell in solved.cells if cell.metadata.get("nbgrader", {}).get("solution")}
    perfect, untouched = (without_experiments(release_of(tmp_path, week)) for _ in range(2))
    for cell in perfect.cells:
        cell.source = answers.get(cell.id, cell.source)
    hand_in(tmp_path, "perfect", perfect, week)
    hand_in(tmp_path, "untouched", untouched, week)
    nbgrader(tmp_path, ["generate_assignment", week, "--force"], ["autograde", week])
    automatic = {cell.id: cell.metadata.nbgrader.points for cell in graded_code_cells(solved)}
    for student, share in (("perfect", 1), ("untouched", 0)):
        earned = points(tmp_path, student, week)
        assert {name: earned[name] for name in automatic} == {name: share * p for name, p in automatic.items()}


WRONG_ANSWER = """\
import types
from course_lib.exercises import find
wrong = find({name!r}).misconceptions[{index}].function
{name} = types.FunctionType(wrong.__code__, wrong.__globals__, {name!r}, wrong.__defaults__, wrong.__closure__)
{name}.__kwdefaults__ = wrong.__kwdefaults__"""


def test_every_misconception_of_a_week_gets_its_points(tmp_path, monkeypatch):
    """A class in which student k gives the k-th known wrong answer to every exercise of week 01."""
    week = "week01_minibatch"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    shutil.copytree(ROOT / "solutions" / week, tmp_path / "solutions" / week)
    shutil.copytree(ROOT / "notebooks" / week, tmp_path / "notebooks" / week)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    solved = nbformat.read(ROOT / "solutions" / week / f"{week}.ipynb", 4)
    seeds = dict(re.findall(r"check\((\w+), seed=(\d+)\)", "".join(cell.source for cell in solved.cells)))
    expected: dict[str, dict[str, float]] = {}
    submissions: dict[str, nbformat.NotebookNode] = {}
    for name, seed in seeds.items():
        for index, misconception in enumerate(find(name).misconceptions):
            student = f"student{index:02d}"
            if student not in submissions:
                submissions[student] = without_experiments(release_of(tmp_path, week))
            source = WRONG_ANSWER.format(name=name, index=index)
            cell_of(submissions[student], name).source = source
            verdict = check(named(misconception.function, name), seed=int(seed))
            expected.setdefault(student, {})[f"check_{name}"] = verdict.points
    for student, submission in submissions.items():
        hand_in(tmp_path, student, submission, week)
    nbgrader(tmp_path, ["generate_assignment", week, "--force"], ["autograde", week])
    for student, scores in expected.items():
        earned = points(tmp_path, student, week)
        assert {name: earned[name] for name in scores} == scores, student
