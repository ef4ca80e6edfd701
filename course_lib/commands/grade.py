"""Grade the submissions of a week: isolated, on all cores, and resumable.

Reads submitted/<student>/<week>/, writes nbgrader's gradebook, autograded/ and feedback/, and a report about
the class in graded/<week>/. Kill it at any moment; the same command goes on where it was.
"""

import contextlib
import importlib.util
import os
import sys
from pathlib import Path

from course_lib.commands.environment import ROOT


def add_arguments(parser):
    """Add the arguments of this command to an `argparse.ArgumentParser`."""
    parser.add_argument("week", metavar="WEEK", help="week01_minibatch, or just 1")
    parser.add_argument("--students", metavar="A,B", help="only these (default: all in submitted/)")
    parser.add_argument(
        "--workers", type=_positive, metavar="N", help="submissions at a time (default: all cores)"
    )
    parser.add_argument("--dask", metavar="ADDRESS", help="grade on a Dask cluster, such as tcp://10.0.0.1:8786")
    parser.add_argument("--db", metavar="URL", help="another gradebook, such as postgresql://user@host/grades")
    parser.add_argument("--seed", type=int, metavar="N", help="draw the cases by this number, to repeat a run")
    parser.add_argument("--new-run", action="store_true", help="draw new cases and grade everything again")
    parser.add_argument(
        "--isolation", choices=("bubblewrap", "docker"), help="what keeps submissions in (default: what is there)"
    )
    parser.add_argument(
        "--trust-submissions",
        action="store_true",
        help="run learners' code as you, without isolation: it can read and delete your files",
    )
    parser.add_argument("--timeout", type=_positive, metavar="S", help="seconds for a submission")
    parser.add_argument("--memory", type=_positive, metavar="MB", help="memory for a submission")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def run(args, root=ROOT) -> int:
    """Grade a week; return the exit code: 0, 1 where something went wrong, 2 where nothing was tried."""
    for library in ("OPENBLAS", "OMP", "MKL"):  # one process a core; more threads would only get in their way
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from course_lib.commands import building
    from course_lib.grading.sandbox import SandboxProblem

    try:
        (week,) = building.find_weeks(root, [args.week])
    except ValueError as error:
        print(error)
        return 2
    if args.dask and importlib.util.find_spec("distributed") is None:
        print("--dask needs one more package: pip install distributed", file=sys.stderr)
        return 2
    try:
        isolation, limits, in_force = _isolation(args)
    except SandboxProblem as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"In force: {in_force}.", flush=True)
    return _grade(args, root, week, isolation, limits, in_force)


def _isolation(args):
    """Return what shuts submissions in, the limits, and both in words, after it has been tried."""
    from course_lib.grading.sandbox import Isolation, Limits, Sandbox, SandboxProblem, available, describe

    wanted = {} if args.timeout is None else {"seconds": args.timeout}
    wanted |= {} if args.memory is None else {"memory": args.memory << 20}
    limits = Limits(**wanted)
    isolation = Isolation.NONE if args.trust_submissions else args.isolation or available()
    if isolation is None:
        raise SandboxProblem(
            "Neither bubblewrap nor Docker is here, so learners' code would run as you, with all that you may "
            "read and delete. Install one of them (Debian, Ubuntu: apt install bubblewrap). If you trust every "
            "submission, say --trust-submissions."
        )
    isolation = Isolation(isolation)
    with Sandbox(isolation, limits) as sandbox:
        sandbox.submission()
        sandbox.end_submission()
        return isolation, limits, describe(isolation, limits, warm=sandbox.warm)


def _grade(args, root, week_name, isolation, limits, in_force) -> int:
    from dataclasses import asdict

    from course_lib.grading.batch import GraderProblem
    from course_lib.grading.gradebook import Course, GradebookProblem, Week
    from course_lib.grading.store import Store

    course = Course(root, args.db)
    store = Store(root / "graded" / week_name)
    go_on = "What is graded is kept; run the same command again to go on."
    try:
        course.check_gradebook()
        week = Week(course, week_name)
        with store.locked():
            settings = {"isolation": str(isolation), "limits": asdict(limits)}
            seed = store.start_run(settings | {"in force": in_force}, seed=args.seed, new=args.new_run)
            return _three_steps(args, course, week, store, seed, isolation, limits, in_force)
    except BlockingIOError:
        print(f"Another process is grading {week_name} right now.", file=sys.stderr)
    except (GraderProblem, GradebookProblem) as problem:
        print(f"\n{problem}\n{go_on}", file=sys.stderr)
    except OSError as error:
        print(f"\n{_explain(error)}\n{go_on}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"\nStopped. {go_on}", file=sys.stderr)
        return 130
    return 1


def _explain(error: OSError) -> str:
    import errno

    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "is full" in str(error)
    return f"The disk is full ({error}). Make room." if full else f"Stopped by the system: {error}."


def _three_steps(args, course, week, store, seed, isolation, limits, in_force) -> int:
    from dataclasses import asdict
    from functools import partial

    import course_lib
    from course_lib.grading import batch
    from course_lib.grading.judging import grade_notebook
    from course_lib.grading.store import digest, exercises_digest
    from course_lib.grading.submissions import find_submissions

    submitted = course.root / course.directory.submitted_directory
    submissions, notes = find_submissions(submitted, week.name)
    everybody = submissions
    if args.students:
        wanted = set(args.students.split(","))
        submissions = [one for one in submissions if one.student in wanted]
        notes += [f"{name}: nothing handed in." for name in sorted(wanted - {one.student for one in submissions})]
    if not submissions:
        print("\n".join(notes))
        print(f"Nothing to grade; submissions are expected as {submitted}/<student>/{week.name}/{week.name}.ipynb")
        return 2
    print(f"{week.name}: {len(submissions)} submissions, seed {seed}.", flush=True)

    exercises = exercises_digest(Path(course_lib.__file__).parent, week.path, week.name)
    key = digest(exercises, str(isolation), asdict(limits), seed)
    grade = partial(
        grade_notebook, week=week.name, course=course.root, seed=seed, limits=limits, isolation=isolation
    )
    workers = args.workers or os.cpu_count()
    with _executors(args.dask, workers) as (make_executor, workers):
        failures = batch.grade_submissions(
            submissions,
            store,
            grade,
            key,
            make_executor,
            release=week.path.read_bytes(),
            window=2 * workers,
            isolation=in_force,
        )
    batch.merge_results(submissions, store, course, week)
    report = batch.report_class(everybody, store, week, isolation=in_force, notes=notes + failures)
    print("\n".join(notes + failures))
    print(", ".join(f"{number} {status}" for status, number in report.statuses.most_common()))
    print(f"Report: {store.folder / 'report.html'}")
    return 1 if failures else 0


@contextlib.contextmanager
def _executors(dask, workers):
    """Give a function that makes executors, and how many submissions they run at a time."""
    from functools import partial

    from course_lib.grading.batch import process_pool

    if dask is None:
        yield partial(process_pool, workers), workers
        return
    import distributed

    with distributed.Client(dask) as client:
        yield partial(client.get_executor, pure=False), sum(client.nthreads().values())
