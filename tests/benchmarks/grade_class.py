"""Time ``course_lib grade`` and ``nbgrader autograde`` side by side on the same class.

    python tests/benchmarks/grade_class.py --submissions 300 --week week04_momentum

Makes submissions of one week, all kinds mixed (right, a known wrong answer to each exercise, untouched, half done,
endless loops, crashes, damaged files), grades them with both in folders of their own, and prints seconds, ratio,
peak memory and where the points of honest submissions differ. With --only-ours, nbgrader is left out; with
--dask N, the class is graded on a local Dask cluster of N workers.
"""

import argparse
import ast
import contextlib
import csv
import inspect
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
HONEST = {"right": 30, "wrong": 30, "half done": 15, "untouched": 5}
KINDS = HONEST | {"endless loop": 3, "crash": 3, "raises": 4, "damaged": 7, "garbage": 3}  # per cent


class Kit:
    """Makes submissions of one week.

    Parameters
    ----------
    week : str
        Its name.
    rng : random.Random
        Chooses.
    """

    def __init__(self, week: str, rng: random.Random):
        from course_lib.exercises import Exercise, all_exercises

        self.rng = rng
        self.release = (ROOT / "notebooks" / week / f"{week}.ipynb").read_text()
        solved = nbformat.read(ROOT / "solutions" / week / f"{week}.ipynb", 4)
        marked = [cell for cell in solved.cells if cell.metadata.get("nbgrader", {}).get("solution")]
        self.right = {cell.id: re.sub("(?m)^ *### (BEGIN|END) SOLUTION\n?", "", cell.source) for cell in marked}
        bank = all_exercises()
        self.code = [name for name in self.right if isinstance(bank.get(name), Exercise)]
        self.wrong = {
            name: [text for m in bank[name].misconceptions if (text := _source_of(m.function, name))]
            for name in self.code
        }

    def make(self, kind: str) -> str:
        """Return the text of a submission."""
        if kind == "garbage":
            return self.rng.choice(["", "PK\x03\x04 a photo", "[]", '{"cells": 3}'])
        nb = nbformat.reads(self.release, as_version=4)
        answers = {} if kind == "untouched" else dict(self.right)
        if kind == "wrong":
            answers |= {name: self.rng.choice(self.wrong[name]) for name in self.code if self.wrong[name]}
        elif kind == "half done":
            answers = {name: source for name, source in answers.items() if self.rng.random() < 0.5}
        elif kind in ("endless loop", "crash", "raises"):
            line = {"endless loop": "while True: pass", "crash": "import os; os._exit(1)", "raises": "1 / 0"}[kind]
            name = self.rng.choice(self.code)
            answers[name] = _with_first_line(answers[name], name, line)
        for cell in nb.cells:
            cell.source = answers.get(cell.id, cell.source)
        if kind == "damaged":
            self._damage(nb)
        return nbformat.writes(nb)

    def _damage(self, nb):
        """Delete, copy, move, retype cells, or lose their metadata."""
        graded = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")]
        cell = self.rng.choice(graded)
        index = nb.cells.index(cell)
        what = self.rng.randrange(4)
        if what == 0:
            del nb.cells[index]
        elif what == 1:
            nb.cells.insert(index, nbformat.from_dict(cell | {"id": "copied"}))
        elif what == 2:
            nb.cells.insert(0, nb.cells.pop(index))
        else:
            for one in nb.cells:
                one.metadata.pop("nbgrader", None)


def _with_first_line(source: str, name: str, line: str) -> str:
    """Return an answer whose function (or first method) does `line` first."""
    lines = source.splitlines()
    start = next(i for i, text in enumerate(lines) if text.startswith((f"def {name}", f"class {name}")))
    first = next(i for i in range(start, len(lines)) if lines[i].lstrip().startswith("def "))
    while not lines[first].rstrip().endswith(":"):  # a signature of several lines
        first += 1
    indent = next(text for text in lines[first + 1 :] if text.strip())
    indent = indent[: len(indent) - len(indent.lstrip())]
    return "\n".join([*lines[: first + 1], indent + line, *lines[first + 1 :]])


def _source_of(function, name: str) -> str | None:
    """Return a wrong answer of the bank as a learner would have typed it; None if it leans on the bank."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    tree.body[0].decorator_list = []  # they register it with the bank
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    bank = {key for key in vars(inspect.getmodule(function)) if not key.startswith("__")} - {"np"}
    if used & bank - {function.__name__}:
        return None
    return re.sub(rf"\b{function.__name__}\b", name, ast.unparse(tree))


def make_course(folder: Path, week: str):
    """Copy what grading one week needs."""
    for part in ("solutions", "notebooks"):
        shutil.copytree(ROOT / part / week, folder / part / week)
    shutil.copy(ROOT / "solutions" / f"{week}.py", folder / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", folder)


def run(command: list[str], folder: Path) -> tuple[float, int, float]:
    """Run a command; return its seconds, exit code, and the peak of its and its children's memory in MB."""
    start, peak = time.perf_counter(), [0.0]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=folder, env=environment)
    over = threading.Event()

    def watch():
        while not over.wait(0.5):
            peak[0] = max(peak[0], memory_of(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    over.set()
    watcher.join()
    return time.perf_counter() - start, code, peak[0]


def memory_of(pid: int) -> float:
    """Return the MB of a process and all below it, shared pages divided among those who share them."""
    parents, total = {}, 0.0
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    below, todo = set(), [pid]
    while todo:
        one = todo.pop()
        below.add(one)
        todo += [child for child, parent in parents.items() if parent == one]
    for one in below:
        with contextlib.suppress(OSError):
            for line in (Path("/proc") / str(one) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) / 1024
    return total


OURS = """
import argparse, sys
from pathlib import Path
from course_lib.commands import grade
parser = argparse.ArgumentParser()
grade.add_arguments(parser)
if __name__ == "__main__":
    sys.exit(grade.run(parser.parse_args(sys.argv[1:]), Path.cwd()))
"""
ON_DASK = """
import subprocess, sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=":0") as cluster:
        command = [sys.executable, "ours.py", *sys.argv[2:], "--dask", cluster.scheduler_address]
        sys.exit(subprocess.call(command))
"""


def points_of(folder: Path, week: str) -> dict[str, dict[str, float | None]]:
    """Return the automatic points of each learner and cell from a gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        return {
            submission.student.id: {g.name: g.auto_score for g in submission.notebooks[0].grades}
            for submission in gradebook.assignment_submissions(week)
        }


def main():
    """Read the command line, run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=300, metavar="N")
    parser.add_argument("--week", default="week04_momentum")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--dask", type=int, metavar="N")
    parser.add_argument("--keep", metavar="FOLDER", help="work there and leave everything")
    parser.add_argument("passed_on", nargs="*", help="after --: arguments for `course_lib grade`")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    kinds = rng.choices(list(KINDS), list(KINDS.values()), k=args.submissions)
    if args.submissions < 20:  # too few to leave it to chance
        kinds = [list(KINDS)[i % len(KINDS)] for i in range(args.submissions)]
    students = {f"learner{number:05d}": kind for number, kind in enumerate(kinds)}
    print(f"{args.week}, {args.submissions} submissions: {dict(Counter(kinds))}", flush=True)

    with contextlib.ExitStack() as stack:
        base = Path(args.keep or stack.enter_context(tempfile.TemporaryDirectory()))
        ours, theirs = base / "ours", base / "nbgrader"
        make_course(ours, args.week)
        kit = Kit(args.week, rng)
        for student, kind in students.items():
            path = ours / "submitted" / student / args.week / f"{args.week}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(kit.make(kind))
        if not args.only_ours:
            shutil.copytree(ours, theirs)
        (ours / "ours.py").write_text(OURS)
        (ours / "on_dask.py").write_text(ON_DASK)
        program = ["ours.py"] if args.dask is None else ["on_dask.py", str(args.dask)]
        seconds, code, peak = run([sys.executable, *program, args.week, *args.passed_on], ours)
        print(f"course_lib grade: {seconds:.1f} s, {args.submissions / seconds:.2f} a second, ", end="")
        print(f"peak {peak:.0f} MB in all processes, exit code {code}", flush=True)
        with open(ours / "graded" / args.week / "students.csv") as file:
            print(f"  {dict(Counter(row['status'] for row in csv.DictReader(file)))}")
        if args.only_ours:
            return
        nbgrader = [sys.executable, "-m", "nbgrader"]
        run([*nbgrader, "generate_assignment", args.week, "--force"], theirs)
        reference, code, peak = run([*nbgrader, "autograde", args.week], theirs)
        print(f"nbgrader autograde: {reference:.1f} s, {args.submissions / reference:.2f} a second, ", end="")
        print(f"peak {peak:.0f} MB in all processes, exit code {code}")
        print(f"ratio: {reference / seconds:.1f}")
        one, two = points_of(ours, args.week), points_of(theirs, args.week)
        for student, kind in students.items():
            if kind in HONEST and one.get(student) != two.get(student):
                cells = {n: (p, two[student][n]) for n, p in one[student].items() if p != two[student][n]}
                print(f"differs: {student} ({kind}): {cells}")


if __name__ == "__main__":
    main()
