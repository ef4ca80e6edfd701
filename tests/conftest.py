"""A toy course of one tiny week, for tests of what the build and nbgrader do with any week."""

import shutil
from pathlib import Path

import pytest
import toy_bank

from course_lib.commands import building
from course_lib.exercises import all_exercises

ROOT = Path(__file__).resolve().parents[1]
TOY = "week00_toy"

ANSWER = '"locked": false, "schema_version": 3, "solution": true, "task": false'
CHECK = '"locked": true, "schema_version": 3, "solution": false, "task": false'
TOY_SOURCE = '''\
# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: A toy week
#     minutes: 5
# ---

# %% [markdown]
# # A toy week
#
# With a formula, $a < b$.

# %%
import toy_bank

toy_bank.register()
from course_lib.checking import check

# %% nbgrader={"grade": false, "grade_id": "halves", ANSWER}
def halves(n):
    """Return half of n, rounded up."""
    ### BEGIN SOLUTION
    secret = -(-n // 2)
    return secret
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_halves", "points": 2, CHECK}
check(halves)
### BEGIN HIDDEN TESTS
check(halves, seed=8127)
### END HIDDEN TESTS

# %% nbgrader={"grade": false, "grade_id": "colour", ANSWER}
colour = None  # your answer: "a", "b" or "c"
### BEGIN SOLUTION
colour = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_colour", "points": 1, CHECK}
check(colour=colour)

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection", "points": 4, ANSWER}
# The model answer, which learners must not see.

# %%
print("the", "end")
'''.replace("ANSWER", ANSWER).replace("CHECK", CHECK)

TOY_WELCOME = """\
# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Welcome
#
# {{weeks}}
#
# {{map}}
"""

TOY_REFERENCE = """\
# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Reference
#
# See [00].
#
# {{links}}
"""


def graded_code_cells(nb):
    graded = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    return [cell for cell in graded if cell.cell_type == "code"]


def use_toys(monkeypatch):
    """Put the toy exercises into the bank, of this process and of kernels; keep kernels to one thread."""
    for name, exercise in toy_bank.EXERCISES.items():
        monkeypatch.setitem(all_exercises(), name, exercise)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")


def write_toy_course(course):
    (course / "solutions").mkdir()
    (course / "solutions" / f"{TOY}.py").write_text(TOY_SOURCE)
    (course / "solutions" / "welcome.py").write_text(TOY_WELCOME)
    (course / "solutions" / "reference.py").write_text(TOY_REFERENCE)
    (course / "README.md").write_text(f"# Toy\n{building.BEGIN_WEEKS}\n{building.END_WEEKS}\nThe rest.\n")
    shutil.copy(ROOT / "nbgrader_config.py", course)


@pytest.fixture
def toy_course(tmp_path, monkeypatch):
    """The root of a toy course, its sources written and nothing built."""
    use_toys(monkeypatch)
    write_toy_course(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def toy_built_once(tmp_path_factory):
    """The root of a toy course that is built. To copy, not to change."""
    course = tmp_path_factory.mktemp("toy")
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_toys(monkeypatch)
        write_toy_course(course)
        assert building.build(course, [TOY]) == []
    return course


@pytest.fixture
def built_course(toy_built_once, tmp_path, monkeypatch):
    """The root of a toy course that is built."""
    use_toys(monkeypatch)
    shutil.copytree(toy_built_once, tmp_path, dirs_exist_ok=True)
    return tmp_path
