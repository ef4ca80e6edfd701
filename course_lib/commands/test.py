"""Run the course's tests.

Without arguments the whole suite runs, on up to four cores. All arguments go to pytest, for example `-x`,
`-k softmax` or `tests/test_checking.py`; see `pytest --help`.
"""

import os

from course_lib.commands.environment import ROOT


def add_arguments(parser):
    """Add the command's arguments to its argparse parser."""
    parser.set_defaults(passed_on=[])


def in_parallel():
    """Return the arguments that spread the whole suite over the cores, a file at a time."""
    return ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile"]


def run(args):
    """Run pytest in the course's folder and return its exit code."""
    import pytest

    os.chdir(ROOT)
    own = [] if args.passed_on else in_parallel()
    return int(pytest.main([*own, *args.passed_on]))
