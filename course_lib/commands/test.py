"""Run the course's tests.

All arguments go to pytest, for example `-x`, `-k softmax` or `tests/test_checking.py`; see `pytest --help`.
"""

import os

from course_lib.commands.environment import ROOT


def add_arguments(parser):
    """Add the command's arguments to its argparse parser."""
    parser.set_defaults(passed_on=[])


def run(args):
    """Run pytest in the course's folder and return its exit code."""
    import pytest

    os.chdir(ROOT)
    return int(pytest.main(args.passed_on))
