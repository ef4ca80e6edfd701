"""Kill the grading of a class at random moments, start it again, and compare with a run that nobody disturbed.

    cd tests; python -m faults.kill_grading --kills 50 --learners 100

The class is one of the toy course, its submissions are graded by a stand-in that takes as long as a real one.
Every third kill hits a worker process, the others the grader itself; both by SIGKILL.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import nbformat
import stand_in_grader
import toy_bank
from conftest import TOY
from nbgrader.api import Gradebook

from course_lib.grading import batch
from course_lib.grading.gradebook import Course, Week
from course_lib.grading.store import Store
from course_lib.grading.submissions import find_submissions

TESTS = Path(__file__).resolve().parents[1]
WORKERS, WINDOW = 2, 4
SECONDS = 0.05  # that grading a submission takes
LONGEST = 6.0  # seconds into its work that a run is killed at the latest
SETTLED = 60.0  # seconds after which workers of a killed grader are declared left behind


def hand_in_class(course: Path, learners: int):
    """Write the submissions of a class: right, half right, untouched, damaged."""
    release = (course / "notebooks" / TOY / f"{TOY}.ipynb").read_text()
    for number in range(learners):
        nb = nbformat.reads(release, as_version=4)
        answers = {
            "halves": [
                f"def halves(n):  # {stand_in_grader.SLOW} {SECONDS} \n    return (n + 1) // 2",
                f"def halves(n):  # {stand_in_grader.SLOW} {SECONDS} \n    return n // 2",
            ][number % 2],
            "colour": 'colour = "b"',
            "reflection": f"I am number {number}.",
        }
        for cell in nb.cells:
            if number % 7:
                cell.source = answers.get(cell.id, cell.source)
        folder = course / "submitted" / f"learner{number:04d}" / TOY
        folder.mkdir(parents=True)
        text = "PK\x03\x04" if number % 11 == 10 else nbformat.writes(nb)
        (folder / f"{TOY}.ipynb").write_text(text)


def run(root: Path, key: str):
    """Grade the class once; the three steps of `python -m course_lib grade`."""
    toy_bank.register()
    course = Course(root)
    week, store = Week(course, TOY), Store(root / "graded" / TOY)
    submissions, notes = find_submissions(root / "submitted", TOY)
    grade = partial(stand_in_grader.grade, log=root / f"graded-{key}.log")
    pool = partial(batch.process_pool, WORKERS)
    with store.locked():
        store.start_run({}, seed=1)
        problems = batch.grade_submissions(
            submissions,
            store,
            grade,
            key,
            pool,
            release=week.path.read_bytes(),
            window=WINDOW,
            isolation="none",
            show=False,
        )
        batch.merge_results(submissions, store, course, week, show=False)
        batch.report_class(submissions, store, week, isolation="none", notes=notes + problems)


def start(root: Path, key: str) -> subprocess.Popen:
    """Start `run` in a process of its own."""
    command = [sys.executable, "-m", "faults.kill_grading", "--run", str(root), key]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"})


def state(root: Path) -> dict:
    """Return all that a graded class consists of, to compare."""
    files = {}
    for folder in ("graded", "autograded", "feedback"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix != ".html":
                files[str(path.relative_to(root))] = path.read_bytes()
    files |= {str(p.relative_to(root)): p.read_bytes() for p in sorted((root / "feedback").rglob("*.html"))}
    grades = {}
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        for submission in gradebook.assignment_submissions(TOY):
            for grade in submission.notebooks[0].grades:
                entry = (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                grades[submission.student.id, grade.name] = entry
    return {"files": files, "grades": grades}


def children(pid: int) -> list[int]:
    """Return the living child processes of a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


def _await_work(root: Path, process: subprocess.Popen):
    """Wait until the run has begun its work: importing everything takes seconds, and nothing can break there."""
    begun = root / "graded" / TOY / "run.json"
    begun.unlink(missing_ok=True)
    while not begun.exists() and process.poll() is None:
        time.sleep(0.02)


def left_behind(pids: list[int]) -> list[int]:
    """Return which of the processes are still there after a while."""
    end = time.monotonic() + SETTLED
    while time.monotonic() < end:
        pids = [pid for pid in pids if _is_alive(pid)]
        if not pids:
            break
        time.sleep(0.02)
    return pids


def _is_worker(pid: int) -> bool:
    """Whether a process is one of the pool; Python has another, which tidies up semaphores."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_and_restart(root: Path, kills: int, rng: random.Random) -> dict:
    """Disturb runs until `kills` kills have hit, let the last run end, and return counts."""
    counts = {"killed graders": 0, "killed workers": 0, "runs that ended": 0, "left behind": 0}
    key = 0
    while counts["killed graders"] + counts["killed workers"] < kills:
        process = start(root, str(key))
        _await_work(root, process)
        try:
            process.wait(rng.uniform(0.0, LONGEST))
        except subprocess.TimeoutExpired:
            below = children(process.pid)
            workers = [pid for pid in below if _is_worker(pid)]
            if (counts["killed graders"] + counts["killed workers"]) % 3 == 2 and workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(rng.choice(workers), signal.SIGKILL)
                counts["killed workers"] += 1
                process.wait()
            else:
                process.kill()
                process.wait()
                counts["killed graders"] += 1
                counts["left behind"] += len(left_behind(below))
                continue
        if process.returncode != 0:
            raise RuntimeError("a run failed, see above")
        counts["runs that ended"] += 1
        key += 1  # new conditions: everything is graded again
    if start(root, str(key)).wait() != 0:
        raise RuntimeError("the last run failed, see above")
    counts["last key"] = key
    return counts


def compare(course: Path, kills: int, learners: int, seed: int) -> dict:
    """Grade the same class with and without disturbance, below `course`; return counts and differences."""
    shutil.rmtree(course / "submitted", ignore_errors=True)
    hand_in_class(course, learners)
    other = course.with_name("undisturbed")
    shutil.copytree(course, other)
    counts = kill_and_restart(course, kills, random.Random(seed))
    run(other, str(counts["last key"]))
    one, two = state(course), state(other)
    names = one["files"].keys() | two["files"].keys()
    counts["different files"] = sorted(n for n in names if one["files"].get(n) != two["files"].get(n))
    counts["different grades"] = sorted(
        n for n in one["grades"].keys() | two["grades"].keys() if one["grades"].get(n) != two["grades"].get(n)
    )
    counts["half-written"] = [name for name in one["files"] if name.endswith(".new")]
    runs = sum(len(path.read_text().splitlines()) for path in course.glob("graded-*.log"))
    counts["graded"] = runs
    counts["graded at most"] = (counts["last key"] + 1) * learners + kills * (WINDOW + WORKERS)
    return counts


def main():
    """Read the command line and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--learners", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        run(Path(args.run[0]), args.run[1])
        return
    from conftest import write_toy_course

    from course_lib.commands import building

    os.environ["PYTHONPATH"] = str(TESTS)  # the toy notebook's kernel imports toy_bank
    toy_bank.register()
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder) / "disturbed"
        course.mkdir()
        write_toy_course(course)
        building.build(course, [TOY])
        print(json.dumps(compare(course, args.kills, args.learners, args.seed), indent=1))


if __name__ == "__main__":
    main()
