"""A class is graded: found, graded in parallel, merged, reported, whatever happens to the grader meanwhile."""

import argparse
import contextlib
import csv
import errno
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import nbformat
import numpy as np
import pytest
import stand_in_grader
from benchmarks import grade_class as benchmark
from conftest import ROOT, TOY
from faults import kill_grading
from nbgrader.api import Gradebook
from test_nbgrader import HALF, RIGHT, answer, cell_of, hand_in, nbgrader, release_of, without_experiments

from course_lib.commands import grade
from course_lib.grading import batch
from course_lib.grading.gradebook import ClassGradebook, Course, GradebookProblem, Week
from course_lib.grading.sandbox import Isolation, Limits, available
from course_lib.grading.similarity import fingerprint, near_identical
from course_lib.grading.store import Store, digest, exercises_digest, write_whole
from course_lib.grading.submissions import LARGEST, Unreadable, find_submissions, read_submission

CELLS = {"check_halves", "check_colour", "reflection"}
one_thread = partial(ThreadPoolExecutor, 1)


class Classroom:
    """A toy course and what one does with it."""

    def __init__(self, root):
        self.root = root
        self.store = Store(root / "graded" / TOY)
        self.log = root / "log"

    def hand_in(self, student, *args, **kwargs):
        hand_in(self.root, student, answer(release_of(self.root, TOY), *args, **kwargs))

    def submissions(self):
        return find_submissions(self.root / "submitted", TOY)[0]

    def grade(self, key="k", make_executor=one_thread, window=4, grade=None):
        self.log.unlink(missing_ok=True)
        return batch.grade_submissions(
            self.submissions(),
            self.store,
            grade or partial(stand_in_grader.grade, log=self.log),
            key,
            make_executor,
            release=(self.root / "notebooks" / TOY / f"{TOY}.ipynb").read_bytes(),
            window=window,
            isolation="none",
            show=False,
        )

    def merge(self, **kwargs):
        course = Course(self.root)
        batch.merge_results(self.submissions(), self.store, course, Week(course, TOY), show=False, **kwargs)

    def report(self):
        week = Week(Course(self.root), TOY)
        batch.report_class(self.submissions(), self.store, week, isolation="none at all", notes=["a note"])

    def runs(self):
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def status(self, student):
        return self.store.result(student)["result"]["status"]

    @contextlib.contextmanager
    def notebook_in_gradebook(self, student):
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            yield gradebook, gradebook.find_submission_notebook(TOY, TOY, student)

    def grades(self, student):
        """Return (automatic points, points by hand, whether a person has to look) of each graded cell."""
        with self.notebook_in_gradebook(student) as (_, notebook):
            return {g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades}

    def grade_by_hand(self, student, points, comment):
        """Do what the formgrader does when a person grades the reflection."""
        with self.notebook_in_gradebook(student) as (gradebook, _):
            grade = gradebook.find_grade("reflection", TOY, TOY, student)
            grade.manual_score, grade.needs_manual_grade = points, False
            gradebook.find_comment("reflection", TOY, TOY, student).manual_comment = comment
            gradebook.db.commit()

    def feedback(self, student):
        return (self.root / "feedback" / student / TOY / f"{TOY}.html").read_text()


@pytest.fixture
def classroom(built_course):
    return Classroom(built_course)


# ---------------------------------------------------------------------------------------------------------
# Finding and reading


def put(folder, *names, text="{}"):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(text)


def test_submissions_in_damaged_folders_are_found_or_named(tmp_path):
    week = "week01_minibatch"
    put(tmp_path / "ada" / week, f"{week}.ipynb", "other.ipynb")
    put(tmp_path / "berta" / week, "Week01_Minibatch (1).ipynb", "scratch.ipynb")
    put(tmp_path / "carl", f"{week}.ipynb")
    put(tmp_path / "dora" / week / "inner", "homework.ipynb")
    put(tmp_path / "emil" / week, "a.ipynb", "b.ipynb")
    put(tmp_path / "fritz" / week, "week01.txt")
    put(tmp_path / "gerd" / "week02_averages", "week02_averages.ipynb")
    put(tmp_path / "hans" / week, f"{week}.ipynb", f"{week}.ipynb.unreadable")
    put(tmp_path / ".ipynb_checkpoints" / week, f"{week}.ipynb")
    put(tmp_path, "stray.zip")
    (tmp_path / os.fsdecode(b"\xff\xfe") / week).mkdir(parents=True)
    found, notes = find_submissions(tmp_path, week)
    assert {one.student: one.path and one.path.name for one in found} == {
        "ada": f"{week}.ipynb",
        "berta": "Week01_Minibatch (1).ipynb",
        "carl": f"{week}.ipynb",
        "dora": "homework.ipynb",
        "emil": None,
        "fritz": None,
        "hans": f"{week}.ipynb.unreadable",
    }
    assert [note.partition(":")[0] for note in notes] == [
        "berta", "carl", "dora", "emil", "fritz", "stray.zip", r"'\udcff\udcfe'",
    ]  # fmt: skip
    assert find_submissions(tmp_path / "nowhere", week) == ([], [])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to("/etc/hostname"), "could not be opened"),
        (lambda path: os.mkfifo(path), "not a file"),
        (lambda path: path.mkdir(), "could not be opened"),
        (lambda path: (path.touch(), os.truncate(path, LARGEST + 1)), "50 MB"),
    ],
    ids=["link", "pipe", "folder", "huge"],
)
def test_what_is_no_plain_file_is_not_read(tmp_path, make, reason):
    folder = tmp_path / "ada" / TOY
    folder.mkdir(parents=True)
    make(folder / f"{TOY}.ipynb")
    (submission,), _ = find_submissions(tmp_path, TOY)
    with pytest.raises(Unreadable, match=reason):
        read_submission(submission)


def test_a_folder_that_links_to_a_classmate_is_not_read(tmp_path):
    put(tmp_path / "ada" / TOY, f"{TOY}.ipynb")
    (tmp_path / "berta").mkdir()
    (tmp_path / "berta" / TOY).symlink_to(tmp_path / "ada" / TOY)
    submissions = {one.student: one for one in find_submissions(tmp_path, TOY)[0]}
    with pytest.raises(Unreadable, match="link"):
        read_submission(submissions["berta"])


# ---------------------------------------------------------------------------------------------------------
# What is kept


def test_a_file_is_whole_or_not_there(tmp_path):
    write_whole(tmp_path / "a" / "file", "first")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            write_whole(tmp_path / "a" / "file", "x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, previous)
    assert {path.name: path.read_text() for path in (tmp_path / "a").iterdir()} == {"file": "first"}


def test_the_digest_of_the_exercises_changes_with_each_of_its_parts(tmp_path):
    package, notebook = tmp_path / "course_lib", tmp_path / "week01.ipynb"
    files = ["checking.py", "exercises/__init__.py", "exercises/week01.py", "grading/judging.py"]
    others = ["exercises/week02.py", "commands/build.py", "grading/report.py"]
    for name in files + others:
        write_whole(package / name, name)
    write_whole(notebook, "{}")
    before = exercises_digest(package, notebook, "week01_minibatch")
    for path in [package / name for name in others]:
        path.write_text("changed")
    assert exercises_digest(package, notebook, "week01_minibatch") == before
    digests = {before}
    for path in [notebook, *(package / name for name in files)]:
        path.write_text("changed")
        digests.add(exercises_digest(package, notebook, "week01_minibatch"))
    assert len(digests) == 6
    assert digest("ab", "c") != digest("a", "bc")


def test_the_seed_of_a_run_goes_on_until_a_new_run(tmp_path):
    store = Store(tmp_path)
    first = store.start_run({"isolation": "none"})
    assert store.start_run({}) == first
    assert store.start_run({}, new=True) != first
    assert store.start_run({}, seed=7) == 7
    assert json.loads((tmp_path / "run.json").read_text())["seed"] == 7


def test_two_graders_do_not_work_on_one_week(tmp_path):
    with Store(tmp_path).locked(), pytest.raises(BlockingIOError), Store(tmp_path).locked():
        pass
    with Store(tmp_path).locked():
        pass


# ---------------------------------------------------------------------------------------------------------
# Grading


def test_every_submission_ends_in_a_status(classroom):
    classroom.hand_in("right")
    hand_in(classroom.root, "garbage", "PK\x03\x04")
    (classroom.root / "submitted" / "nothing" / TOY).mkdir(parents=True)
    os.mkfifo((classroom.root / "submitted" / "nothing" / TOY).parent / f"{TOY}.ipynb")
    assert classroom.grade() == []
    students = ("right", "garbage", "nothing")
    assert [classroom.status(name) for name in students] == ["graded", "unreadable", "unreadable"]
    classroom.merge()
    assert classroom.grades("right") == {
        "check_halves": (2, None, False), "check_colour": (1, None, False), "reflection": (None, None, True),
    }  # fmt: skip
    assert classroom.grades("garbage") == dict.fromkeys(CELLS, (0, None, False))
    assert "It is not a notebook" in classroom.feedback("garbage")


def test_only_what_has_changed_is_graded_again(classroom):
    classroom.hand_in("ada")
    classroom.hand_in("berta")
    classroom.grade()
    assert classroom.runs() == 2
    classroom.grade()
    assert classroom.runs() == 0
    path = classroom.root / "submitted" / "ada" / TOY / f"{TOY}.ipynb"
    path.write_text(path.read_text().replace("(n + 1)", "n"))
    classroom.grade()
    assert classroom.runs() == 1
    classroom.grade(key="other exercises, settings or seed")
    assert classroom.runs() == 2


def test_a_failing_grader_is_reported_and_tried_again(classroom):
    classroom.hand_in("ada", "# BUG")
    classroom.hand_in("berta")
    (problem,) = classroom.grade()
    assert problem.startswith("ada: the grader failed")
    assert "ZeroDivisionError: a bug in the grader" in problem
    assert [classroom.status(name) for name in ("ada", "berta")] == ["crashed", "graded"]
    classroom.grade()
    assert classroom.runs() == 1 + 1  # it, and the untouched notebook


def test_a_grader_that_fails_on_everything_costs_nobody_points(classroom):
    classroom.hand_in("ada")
    with pytest.raises(batch.GraderProblem, match="Not even the untouched notebook can be graded: no sandbox"):
        classroom.grade(grade=_no_sandbox)
    assert classroom.store.result("ada") is None


def _no_sandbox(source):
    raise RuntimeError("no sandbox")


def test_a_lost_worker_costs_only_the_submission_that_loses_it(classroom):
    for number in range(6):
        classroom.hand_in(f"s{number}", "# KILL" if number == 2 else RIGHT)
    classroom.hand_in("unlucky", colour='colour = "b"  # KILL ONCE')
    classroom.grade(make_executor=partial(batch.process_pool, 2))
    statuses = {submission.student: classroom.status(submission.student) for submission in classroom.submissions()}
    assert statuses == {f"s{n}": "graded" for n in range(6)} | {"s2": "crashed", "unlucky": "graded"}
    assert "killed, twice" in classroom.store.result("s2")["result"]["reason"]


def _no_start():
    os._exit(3)


def test_workers_that_never_start_cost_nobody_points(classroom):
    classroom.hand_in("ada")
    context = multiprocessing.get_context("spawn")
    pool = partial(ProcessPoolExecutor, 1, initializer=_no_start, mp_context=context)
    with pytest.raises(batch.GraderProblem):
        classroom.grade(make_executor=pool)
    assert classroom.store.result("ada") is None


def test_only_a_few_submissions_are_under_way_at_a_time(classroom):
    for number in range(9):
        classroom.hand_in(f"s{number}")
    waiting, most = [], []

    class Counting(ThreadPoolExecutor):
        def submit(self, function, *args):
            future = super().submit(function, *args)
            if args:
                waiting.append(future)
                most.append(sum(not one.done() for one in waiting))
            return future

    classroom.grade(make_executor=partial(Counting, 2), window=3)
    assert len(waiting) == 9
    assert max(most) <= 3


def test_on_a_dask_cluster(classroom):
    distributed = pytest.importorskip("distributed")
    for number in range(4):
        classroom.hand_in(f"s{number}", HALF if number % 2 else RIGHT)
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, distributed.Client(cluster) as client:
        assert classroom.grade(make_executor=partial(client.get_executor, pure=False)) == []
    assert classroom.runs() == 4
    points = [[v["points"] for v in classroom.store.result(f"s{n}")["result"]["verdicts"]] for n in range(2)]
    assert points == [[2, 1], [1, 1]]


# ---------------------------------------------------------------------------------------------------------
# nbgrader's side


def test_the_assignment_is_filled_in_as_nbgrader_does_it(classroom):
    classroom.hand_in("ada")
    classroom.grade()
    release = (classroom.root / "notebooks" / TOY / f"{TOY}.ipynb").read_bytes()
    classroom.merge()
    ours = rows_of(classroom.root / "gradebook.db")
    (classroom.root / "gradebook.db").unlink()
    nbgrader(classroom.root, ["generate_assignment", TOY, "--force"])
    assert ours == rows_of(classroom.root / "gradebook.db")
    assert (classroom.root / "notebooks" / TOY / f"{TOY}.ipynb").read_bytes() == release


def rows_of(database):
    with contextlib.closing(sqlite3.connect(database)) as connection:
        cells = connection.execute("SELECT name, type FROM base_cell ORDER BY name").fetchall()
        points = connection.execute("SELECT max_score, cell_type FROM grade_cells ORDER BY max_score").fetchall()
        sources = connection.execute("SELECT name, cell_type, locked, source FROM source_cell").fetchall()
    return cells, points, sorted(sources)


def test_points_given_by_hand_and_comments_stay_and_are_shown(classroom):
    classroom.hand_in("ada", HALF)
    classroom.grade()
    classroom.merge()
    assert "still to come" in classroom.feedback("ada")
    classroom.grade_by_hand("ada", 3, "Well <put>.")
    by_hand = {"check_halves": (1, None, False), "check_colour": (1, None, False), "reflection": (0, 3, False)}
    by_hand["reflection"] = (None, 3, False)
    for key in ("k", "new cases"):  # nothing has changed; then all is graded again, the answer being the same
        classroom.grade(key)
        classroom.merge()
        assert classroom.grades("ada") == by_hand
        assert "3 of 4 points" in classroom.feedback("ada")
        assert "Well &lt;put&gt;." in classroom.feedback("ada")
        assert "5 of 7 points" in classroom.feedback("ada")
    path = classroom.root / "submitted" / "ada" / TOY / f"{TOY}.ipynb"
    path.write_text(path.read_text().replace("I learned", "On second thoughts I learned"))
    classroom.grade()
    classroom.merge()
    assert classroom.grades("ada") == by_hand | {"reflection": (None, 3, True)}  # kept, and to be looked at again


def test_a_lost_gradebook_is_filled_again_without_grading(classroom):
    classroom.hand_in("ada")
    classroom.grade()
    classroom.merge()
    before = classroom.grades("ada")
    (classroom.root / "gradebook.db").unlink()
    classroom.grade()
    classroom.merge()
    assert classroom.runs() == 0
    assert classroom.grades("ada") == before


def test_the_time_of_handing_in_is_taken_over_and_late_penalties_stay(classroom):
    classroom.hand_in("ada")
    stamp = classroom.root / "submitted" / "ada" / TOY / "timestamp.txt"
    stamp.write_text("2030-02-03 04:05:06 UTC")
    classroom.grade()
    classroom.merge()
    with classroom.notebook_in_gradebook("ada") as (gradebook, notebook):
        assert str(notebook.assignment.timestamp) == "2030-02-03 04:05:06"
        notebook.late_submission_penalty = 1.5
        gradebook.db.commit()
    stamp.write_text("yesterday, I think")
    classroom.grade("again")
    classroom.merge()
    with classroom.notebook_in_gradebook("ada") as (_, notebook):
        assert notebook.late_submission_penalty == 1.5
        assert str(notebook.assignment.timestamp) == "2030-02-03 04:05:06"


def test_a_locked_gradebook_is_waited_for(classroom):
    classroom.hand_in("ada")
    classroom.grade()
    classroom.merge()
    classroom.grade("again")
    other = sqlite3.connect(classroom.root / "gradebook.db", check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(GradebookProblem, match="locked by another program"):
        classroom.merge(patience=0.0)
    timer = threading.Timer(6.0, other.rollback)  # SQLite itself waits for 5 seconds
    timer.start()
    classroom.merge()
    timer.join()
    other.close()
    assert classroom.store.merged("ada")["key"] == classroom.store.result("ada")["key"]


def test_exercises_that_changed_after_grading_are_explained(classroom):
    classroom.hand_in("ada")
    classroom.grade()
    classroom.merge()
    with Gradebook(f"sqlite:///{classroom.root}/gradebook.db") as gradebook:
        gradebook.add_grade_cell("check_gone", TOY, TOY, max_score=1, cell_type="code")
    with pytest.raises(GradebookProblem, match="Cannot add or remove cells") as problem:
        classroom.merge()
    assert "another gradebook" in str(problem.value)


def test_nbgrader_goes_on_from_there(classroom):
    """Feedback by nbgrader, export, and the formgrader's view of what waits for a person."""
    classroom.hand_in("ada", HALF)
    classroom.hand_in("berta", RIGHT, 'colour = "<script>alert(1)</script>"')
    hand_in(classroom.root, "untouched", release_of(classroom.root, TOY))
    hand_in(classroom.root, "garbage", "PK\x03\x04")
    classroom.grade()
    classroom.merge()
    classroom.grade_by_hand("ada", 3, "Well put.")
    with ClassGradebook(Course(classroom.root), Week(Course(classroom.root), TOY)) as gradebook:
        waiting = {d["student"]: d["needs_manual_grade"] for d in gradebook._api.submission_dicts(TOY)}
    assert waiting == {"ada": False, "berta": True, "untouched": False, "garbage": False}

    nbgrader(classroom.root, ["generate_feedback", TOY, "--force"], ["export"])
    page = classroom.feedback("ada")
    assert "Well put." in page
    assert "border-left" in page  # the card of a verdict
    assert "<script>alert" not in classroom.feedback("berta")
    assert "The file could not be read" in classroom.feedback("garbage")
    with open(classroom.root / "grades.csv") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {"ada": 5, "berta": 2, "untouched": 0, "garbage": 0}


def test_the_autograded_notebook_holds_the_verdicts_as_nbgrader_reads_them(classroom):
    classroom.hand_in("ada", HALF)
    classroom.grade()
    classroom.merge()
    nb = nbformat.read(classroom.root / "autograded" / "ada" / TOY / f"{TOY}.ipynb", 4)
    nbformat.validate(nb)
    (output,) = cell_of(nb, "check_halves").outputs
    assert output.data["text/plain"] == "1.0"
    assert cell_of(nb, "check_halves").metadata.nbgrader["points"] == 2


# ---------------------------------------------------------------------------------------------------------
# Pages


def test_a_learners_page_shows_code_and_verdict_as_text(classroom):
    classroom.hand_in("ada", f"# <script>alert(2)</script>\n{HALF}")
    classroom.grade()
    classroom.merge()
    page = classroom.feedback("ada")
    assert "# &lt;script&gt;alert(2)" in page
    assert "<script" not in page
    assert "Not &lt;b&gt;so&lt;/b&gt;: expected 3, got <code>2</code>" in page
    assert "8127" not in page  # the seed of the hidden test
    assert "HIDDEN" not in page


def test_the_class_report(classroom):
    for number in range(8):
        classroom.hand_in(f"s{number}", HALF + "  # by Ada" if number < 3 else RIGHT)
    hand_in(classroom.root, "garbage", "PK\x03\x04")
    classroom.grade()
    classroom.report()
    folder = classroom.root / "graded" / TOY
    page = (folder / "report.html").read_text()
    assert "3 × halves: rounds_down" in page
    assert "def halves(n):\n    return n // 2" in page
    assert "by Ada" not in page
    assert "none at all" in page
    assert "a note" in page
    assert page.count("<img ") == page.count('alt="') == 3
    assert (folder / "misconceptions.csv").read_text().splitlines()[1] == "halves,rounds_down,3"
    with open(folder / "exercises.csv") as file:
        rows = {row["exercise"]: row for row in csv.DictReader(file)}
    assert (rows["halves"]["full_points"], rows["halves"]["mean_points"]) == ("5", "1.625")
    with open(folder / "students.csv") as file:
        points = {row["student"]: (row["status"], float(row["points"])) for row in csv.DictReader(file)}
    assert points["s0"] == ("graded", 2)
    assert points["s7"] == ("graded", 3)
    assert points["garbage"] == ("unreadable", 0)


def test_a_report_about_nobody(classroom):
    classroom.report()
    assert "0 submissions" in (classroom.root / "graded" / TOY / "report.html").read_text()


USUAL = """
def mean(values):
    total = 0
    for value in values:
        total += value
    return total / len(values)
"""
COPIED = """
def mean(values):
    {acc}, {n} = 0.0, 0
    while {n} < len(values):  # {comment}
        {acc} = {acc} * ({n} / ({n} + 1)) + values[{n}] / ({n} + 1)
        {n} = {n} + 1
    if not {n}:
        raise ValueError('nothing')
    return float({acc})
"""


def test_near_identical_submissions_are_those_that_share_what_is_unusual():
    prints = {f"s{n}": fingerprint([USUAL], [f"what number {n} says about it is short"]) for n in range(60)}
    prints["ada"] = fingerprint([COPIED.format(acc="acc", n="n", comment="mine")], [])
    prints["berta"] = fingerprint([COPIED.format(acc="running", n="k", comment="all my own work")], [])
    pairs = near_identical(prints, fingerprint([], []))
    assert [pair[:2] for pair in pairs] == [("ada", "berta")]
    assert pairs[0][2] == 1.0
    assert near_identical(prints, prints["ada"]) == []  # everybody was given it
    assert near_identical({}, np.array([], dtype=np.uint64)) == []
    assert fingerprint(["not Python ("], []).size == 0


# ---------------------------------------------------------------------------------------------------------
# The command


def arguments(*words):
    parser = argparse.ArgumentParser()
    grade.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "Stopped."),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "The disk is full"),
        (OSError("sqlite:///x: database or disk is full"), 1, "The disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), 1, "Stopped by the system"),
        (batch.GraderProblem("No worker process starts"), 1, "No worker process starts"),
        (GradebookProblem("The gradebook has been locked"), 1, "The gradebook has been locked"),
        (BlockingIOError(), 1, "Another process is grading"),
    ],
)
def test_however_a_run_is_stopped_it_says_so(built_course, monkeypatch, capsys, error, code, message):
    def stop(*_):
        raise error

    monkeypatch.setattr(grade, "_isolation", lambda args: (Isolation.NONE, Limits(), "nothing is in force"))
    monkeypatch.setattr(grade, "_three_steps", stop)
    assert grade.run(arguments("0"), built_course) == code
    printed = capsys.readouterr()
    assert "In force: nothing is in force." in printed.out
    assert message in printed.err
    assert ("run the same command again" in printed.err) != isinstance(error, BlockingIOError)


def test_without_isolation_nothing_is_run(built_course, monkeypatch, capsys):
    monkeypatch.setattr("course_lib.grading.sandbox.available", lambda: None)
    assert grade.run(arguments("0"), built_course) == 2
    assert "--trust-submissions" in capsys.readouterr().err
    assert not (built_course / "graded").exists()


def test_a_week_that_does_not_exist(built_course, capsys):
    assert grade.run(arguments("9"), built_course) == 2
    assert "There is no week '9'" in capsys.readouterr().out


def test_a_week_that_nobody_handed_in(built_course, monkeypatch, capsys):
    monkeypatch.setattr(grade, "_isolation", lambda args: (Isolation.NONE, Limits(), "nothing is in force"))
    assert grade.run(arguments("0"), built_course) == 2
    assert "Nothing to grade" in capsys.readouterr().out


@pytest.mark.parametrize("url", ["no URL", "nosuchdatabase://x", "sqlite:////no/such/folder/gradebook.db"])
def test_a_gradebook_that_cannot_be_opened_is_named_first(built_course, monkeypatch, capsys, url):
    monkeypatch.setattr(grade, "_isolation", lambda args: (Isolation.NONE, Limits(), "nothing is in force"))
    assert grade.run(arguments("0", "--db", url), built_course) == 1
    assert "The gradebook cannot be opened" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--workers", "0"), ("--timeout", "-1"), ("--memory", "much")])
def test_arguments_that_make_no_sense(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        arguments("1", *words)
    assert "invalid" in capsys.readouterr().err


@pytest.mark.skipif(available() is None, reason="needs bubblewrap or Docker")
def test_the_same_points_as_nbgrader_on_honest_submissions(tmp_path, monkeypatch):
    """Through the real command, with real answers to a real week; then nbgrader goes on from there."""
    week, rng = "week04_momentum", random.Random(4)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    benchmark.make_course(ours, week)
    kit = benchmark.Kit(week, rng)
    for number, kind in enumerate(["right", "wrong", "wrong", "half done", "untouched"]):
        nb = without_experiments(nbformat.reads(kit.make(kind), 4))
        hand_in(ours, f"{number} {kind}", nb, week)
    shutil.copytree(ours, theirs)
    nbgrader(theirs, ["generate_assignment", week, "--force"], ["autograde", week])
    (ours / "ours.py").write_text(benchmark.OURS)
    command = [sys.executable, "ours.py", week, "--workers", "1", "--seed", "5"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=ours, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    points = benchmark.points_of(ours, week)
    assert points == benchmark.points_of(theirs, week)
    assert len(points) == 5
    assert sum(points["0 right"][name] for name in points["0 right"] if name.startswith("check_")) == 30

    nbgrader(ours, ["generate_feedback", week, "--force"], ["export"])
    assert (ours / "feedback" / "1 wrong" / week / f"{week}.html").exists()
    with open(ours / "grades.csv") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {student: sum(p or 0 for p in cells.values()) for student, cells in points.items()}


# ---------------------------------------------------------------------------------------------------------
# Faults


def test_killed_at_random_moments_nothing_is_lost_repeated_or_half_written(built_course, tmp_path_factory):
    course = tmp_path_factory.mktemp("killed") / "disturbed"
    built_course.rename(course)
    counts = kill_grading.compare(course, kills=3, learners=12, seed=random.randrange(2**32))
    assert counts["killed graders"] + counts["killed workers"] == 3
    assert counts["different files"] == counts["different grades"] == counts["half-written"] == []
    assert counts["left behind"] == 0
    assert counts["graded"] <= counts["graded at most"]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from faults import kill_grading
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    kill_grading.run(Path(sys.argv[1]), "0")
except OSError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("room", [1500, 40_000])
def test_a_full_disk_loses_nothing(built_course, room):
    """A limit on the size of files stands for the disk: first no result fits, then no gradebook."""
    kill_grading.hand_in_class(built_course, 4)
    before = {path: path.read_bytes() for path in (built_course / "submitted").rglob("*.ipynb")}
    command = [sys.executable, "-c", FULL_DISK, str(built_course), str(room)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1, result.stderr
    assert not list((built_course / "graded").rglob("*.new"))
    kill_grading.run(built_course, "0")
    state = kill_grading.state(built_course)
    assert len({student for student, _ in state["grades"]}) == 4
    assert before == {path: path.read_bytes() for path in before}
