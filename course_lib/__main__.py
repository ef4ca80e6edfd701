"""The command line of the course: ``python3 -m course_lib lab`` and its sisters.

This file stays readable for Python 3.6, so that an old Python says what is wrong instead of ``SyntaxError``.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"This course needs Python 3.11 or newer; this is {sys.version.split()[0]} ({sys.executable}). "
        "Install a newer one from https://www.python.org/downloads/ and start the course with it, "
        "for example: python3.12 -m course_lib lab"
    )

import argparse
import importlib
import os

if not __package__:  # started by its folder, "python3 path/to/course_lib": Python then looks for modules inside it
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from course_lib.commands import environment

COMMANDS = {
    "lab": "open the course in JupyterLab",
    "test": "run the course's tests",
    "grade": "grade the submissions of a week, isolated and in parallel",
    "build": "build the notebooks from their sources in solutions/",
    "bank": "show which mistakes the exercises' cases tell apart, and which are named",
    "bench": "measure the kernels beside their peers",
    "animate": "draw the animation of the README",
}


def main(argv=None):
    """Run one command of the course.

    Parameters
    ----------
    argv : list of str, optional
        The command and its arguments; those that Python was started with by default.

    Returns
    -------
    int
        The exit code.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a path may hold letters that the terminal cannot show

    parser = argparse.ArgumentParser(
        prog="python3 -m course_lib",
        description="Optimization algorithms of deep learning: a course with graded exercises. "
        "The first start installs what it needs into the folder .venv.",
        allow_abbrev=False,
    )
    subparsers = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    module = None
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, allow_abbrev=False)
        if argv[:1] == [name]:  # only the command that is asked for is imported
            module = importlib.import_module(f"course_lib.commands.{name}")
            subparser.description = module.__doc__
            subparser.formatter_class = argparse.RawDescriptionHelpFormatter
            module.add_arguments(subparser)
    args, unknown = parser.parse_known_args(argv)
    if module is None:
        parser.print_help()
        return 0
    if hasattr(args, "passed_on"):
        args.passed_on = unknown
    elif unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")

    try:
        environment.ensure(argv)
    except environment.SetupProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on: what is downloaded is kept.", file=sys.stderr)
        return 130
    return module.run(args)


if __name__ == "__main__":
    sys.exit(main())
