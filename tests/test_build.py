import argparse
import base64
import io
import os
import re
import subprocess
import sys

import matplotlib.image
import nbformat
import numpy as np
import pytest
from conftest import ROOT, TOY, TOY_SOURCE, graded_code_cells
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib.checking import MIME_TYPE
from course_lib.commands import build as command
from course_lib.commands import building, sources

WEEKS = building.find_weeks(ROOT)


def source_of(course):
    return course / "solutions" / f"{TOY}.py"


def solution_of(course):
    return course / "solutions" / TOY / f"{TOY}.ipynb"


def release_of(course):
    return course / "notebooks" / TOY / f"{TOY}.ipynb"


def contents(course):
    return {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}


def verdict(cell):
    (result,) = [output for output in cell.outputs if output.output_type == "execute_result"]
    assert float(result.data["text/plain"]) == result.data[MIME_TYPE]["points"]
    return result.data[MIME_TYPE]


# ---------------------------------------------------------------------------------------------------------
# A course that is as it should be


def test_building_twice_changes_no_byte_and_check_agrees(built_course, capsys):
    before = contents(built_course)
    assert building.build(built_course, [TOY]) == []
    assert contents(built_course) == before
    assert building.check(built_course, [TOY]) == []
    assert f"{TOY}: built in" in capsys.readouterr().out


def test_ids_metadata_and_pages(built_course):
    solution, release = (nbformat.read(f(built_course), 4) for f in (solution_of, release_of))
    ids = ["cell-001", "cell-002", "halves", "check_halves", "colour", "check_colour", "reflection", "cell-008"]
    assert [cell.id for cell in solution.cells] == [cell.id for cell in release.cells] == ids
    assert set(solution.metadata) == set(release.metadata) == {"course", "kernelspec", "language_info"}
    assert solution.metadata.language_info == {"name": "python"}
    assert (release.nbformat, release.nbformat_minor) == (4, 5)
    row = "| 00 | [A toy week]({}week00_toy/week00_toy.ipynb) |  | 5 | 3 + 4 written |"
    total = "| | **All together** | | 5 | 3 + 4 written |"
    readme = (built_course / "README.md").read_text()
    assert readme.startswith("# Toy\n")
    assert readme.endswith("\nThe rest.\n")
    assert row.format("notebooks/") in readme
    welcome, reference = (
        nbformat.read(built_course / "notebooks" / f"{page}.ipynb", 4).cells[0].source
        for page in ("welcome", "reference")
    )
    assert row.format("") in welcome
    assert total in welcome
    assert '    week00_toy["00 · A toy week"]\n```' in welcome
    assert reference.endswith("See [00].\n\n[00]: week00_toy/week00_toy.ipynb")


def add_week(course, name, builds_on):
    text = TOY_SOURCE.replace("title: A toy week", f"title: More\n#     builds_on: [{builds_on}]")
    (course / "solutions" / f"{name}.py").write_text(text)


def test_pages_say_what_builds_on_what(toy_course):
    add_week(toy_course, "week00_zoo", TOY)
    add_week(toy_course, "week01_next", f"{TOY}, week00_zoo")
    weeks = building.find_weeks(toy_course)
    assert sources.find_problems(toy_course, weeks) == []
    notebooks = {week: sources.read_source(toy_course, week) for week in weeks}
    table = sources.week_table(notebooks, "")
    assert "| 00.1 | [A toy week](week00_toy/week00_toy.ipynb) |  | 5 |" in table
    assert "| 00.2 | [More](week00_zoo/week00_zoo.ipynb) | 00.1 | 5 |" in table
    assert "| 01 | [More](week01_next/week01_next.ipynb) | 00.1, 00.2 | 5 |" in table
    assert table.endswith("| | **All together** | | 15 | 9 + 12 written |")
    drawing = sources.course_map(notebooks).splitlines()
    assert [line.strip() for line in drawing if "-->" in line] == [
        "week00_toy --> week00_zoo",
        "week00_toy --> week01_next",
        "week00_zoo --> week01_next",
    ]
    assert "[00.2]: week00_zoo/week00_zoo.ipynb" in sources.week_links(weeks)


@pytest.mark.parametrize("builds_on", ["week09_gone", "week01_next", "week02_later"])
def test_a_week_builds_on_earlier_weeks(toy_course, builds_on):
    add_week(toy_course, "week01_next", builds_on)
    add_week(toy_course, "week02_later", TOY)
    (problem,) = sources.find_problems(toy_course, building.find_weeks(toy_course))
    assert problem == f"solutions/week01_next.py: builds_on names {builds_on!r}, which is no earlier week"


def test_the_release_gives_nothing_away(built_course):
    text = release_of(built_course).read_text()
    for secret in ("SOLUTION", "HIDDEN", "8127", "secret", 'colour = \\"b\\"', "model answer"):
        assert secret not in text
        assert secret in solution_of(built_course).read_text()
    release = nbformat.read(release_of(built_course), 4)
    code = {cell.id: cell for cell in release.cells if cell.cell_type == "code"}
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code.values())
    assert code["halves"].source.endswith('up."""\n    # YOUR CODE HERE\n    raise NotImplementedError')
    assert code["colour"].source == 'colour = None  # your answer: "a", "b" or "c"'
    assert os.listdir(built_course / "notebooks" / TOY) == [f"{TOY}.ipynb"]


@pytest.mark.parametrize("words", [["week01_one"], ["1"], ["01"]])
def test_a_week_can_be_named_in_short(tmp_path, words):
    (tmp_path / "solutions").mkdir()
    for name in ("week01_one.py", "week11_eleven.py", "welcome.py"):
        (tmp_path / "solutions" / name).touch()
    assert building.find_weeks(tmp_path, words) == ["week01_one"]
    assert building.find_weeks(tmp_path) == ["week01_one", "week11_eleven"]
    with pytest.raises(ValueError, match=r"no week '2'.*week01_one, week11_eleven"):
        building.find_weeks(tmp_path, ["2"])


def test_exit_codes(toy_course, monkeypatch, capsys):
    monkeypatch.setattr(command, "ROOT", toy_course)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)

    def run(*words):
        return command.run(parser.parse_args(words))

    assert run("--check") == 1
    assert "notebooks/week00_toy/week00_toy.ipynb: missing" in capsys.readouterr().out
    assert run("7") == 2
    assert run() == 0
    assert run("--check") == 0
    assert run("--check", "0") == 0


# ---------------------------------------------------------------------------------------------------------
# Sources with mistakes

MISTAKES = {
    "no points": ('"points": 2, ', "", "cell 4 (check_halves): is graded, but has no points"),
    "0 points": ('"points": 2, ', '"points": 0, ', "cell 4 (check_halves): is graded, but has no points"),
    "other points": ('"points": 2, ', '"points": 3, ', "gives 3 points, but 'halves' has 2"),
    "duplicate id": ('"grade_id": "colour"', '"grade_id": "halves"', "cell 5 (halves): has the same id as cell 3"),
    "metadata": (
        '"grade_id": "halves", ',
        "",
        "cell 3: nbgrader metadata: nbgrader cell does not have a grade_id",
    ),
    "no END": ("    ### END SOLUTION\n", "", "cell 3 (halves): BEGIN SOLUTION is never closed"),
    "no BEGIN": ("    ### BEGIN SOLUTION\n", "", "cell 3 (halves): END SOLUTION in line 5 without BEGIN SOLUTION"),
    "tests open": ("### END HIDDEN TESTS\n", "", "cell 4 (check_halves): BEGIN HIDDEN TESTS is never closed"),
    "nested": ("    secret", "    ### BEGIN SOLUTION\n    secret", "but BEGIN SOLUTION is still open"),
    "stray answer": (
        'print("the"',
        "### BEGIN SOLUTION\n### END SOLUTION\nprint(",
        "cell 8: has BEGIN SOLUTION, but",
    ),
    "stray tests": (
        'print("the"',
        "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS\nprint(",
        "cell 8: has BEGIN HIDDEN",
    ),
    "no markers": (
        '### BEGIN SOLUTION\ncolour = "b"\n### END SOLUTION\n',
        "",
        "cell 5 (colour): is an answer cell without ### BEGIN SOLUTION",
    ),
    "no check": ("check(colour=colour)", "print(colour)", "cell 6 (check_colour): is graded, but calls no check"),
    "not last": ("check(colour=colour)", "check(colour=colour)\nprint()", "cell 6 (check_colour): must end with"),
    "only hidden": ("check(halves)\n###", "###", "cell 4 (check_halves): must end with check(...)"),
    "two checks": ("check(halves, seed", "check(double, seed", "must name the same one exercise"),
    "not in the bank": ("check(colour=colour)", "check(color=colour)", "checks 'color', which is not in"),
    "syntax": ('print("the", "end")', 'print("the"', "cell 8: is not valid Python: '(' was never closed"),
    "header": ("#     minutes: 5\n", "", "the header has no course: minutes"),
}


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_by_file_and_cell_and_nothing_is_written(toy_course, old, new, message):
    assert TOY_SOURCE.count(old) >= 1
    source_of(toy_course).write_text(TOY_SOURCE.replace(old, new))
    before = contents(toy_course)
    problems = building.build(toy_course, [TOY])
    assert any(message in problem for problem in problems)
    assert all(problem.startswith(f"solutions/{TOY}.py") for problem in problems)
    assert building.check(toy_course, [TOY]) == problems
    assert contents(toy_course) == before


def test_all_mistakes_come_at_once(toy_course):
    text = TOY_SOURCE.replace('"points": 2, ', "").replace("check(colour=colour)", "pass").replace("the", "th\\")
    source_of(toy_course).write_text(text)
    assert len(sources.find_problems(toy_course, [TOY])) == 3


def test_magics_are_no_mistake(toy_course):
    source_of(toy_course).write_text(TOY_SOURCE.replace('print("the"', '# %matplotlib inline\nprint("the"'))
    assert sources.find_problems(toy_course, [TOY]) == []


FAILURES = {
    "error": ("1 / 0", "cell 8: failed", "ZeroDivisionError"),
    "stderr": ("import warnings\nwarnings.warn('hot')", "cell 8: writes to stderr", "UserWarning: hot"),
    "figure": ("display({'image/png': 'AAAA'}, raw=True)", "cell 8: a figure without alt text", ""),
    "address": ("object()", "cell 8: shows a memory address", ""),
    "dead": ("import os\nos._exit(1)", "cell 8: failed", "Kernel died"),
}


@pytest.mark.parametrize(("code", "message", "detail"), FAILURES.values(), ids=FAILURES)
def test_a_cell_that_fails_is_named_and_the_old_notebooks_stay(built_course, code, message, detail, capsys):
    before = contents(built_course)
    text = TOY_SOURCE.replace('print("the", "end")', code)
    source_of(built_course).write_text(text)
    (problem,) = building.build(built_course, [TOY])
    assert problem.startswith(f"solutions/{TOY}.py, {message}")
    assert detail in problem
    assert f"{TOY}: failed" in capsys.readouterr().out
    assert contents(built_course) == before | {source_of(built_course): text.encode()}


# ---------------------------------------------------------------------------------------------------------
# What check finds


def test_check_shows_what_differs(built_course):
    release = release_of(built_course)
    release.write_text(release.read_text().replace("check(halves)", "check(halve)"))
    (problem,) = building.check(built_course, [TOY])
    assert problem.startswith(f"notebooks/{TOY}/{TOY}.ipynb, cell check_halves: out of date")
    assert "-check(halve)\n" in problem
    assert "+check(halves)\n" in problem

    source_of(built_course).write_text(TOY_SOURCE.replace("A toy week", "A joy week").replace('"the"', '"THE"'))
    problems = building.check(built_course, [TOY])
    where = {problem.partition(": out of date")[0] for problem in problems}
    both = {f"{folder}/{TOY}/{TOY}.ipynb, {part}" for folder in ("solutions", "notebooks") for part in CHANGED}
    release_only = {f"notebooks/{TOY}/{TOY}.ipynb, cell check_halves"}
    assert where == both | release_only | {"notebooks/welcome.ipynb, cell cell-001", "README.md"}


CHANGED = ("metadata", "cell cell-001", "cell cell-008")


def test_check_finds_cells_added_removed_and_bytes(built_course):
    release = release_of(built_course)
    nb = nbformat.read(release, 4)
    del nb.cells[0]
    nb.cells.append(new_code_cell("1", id="mine"))
    nbformat.write(nb, release)
    problems = building.check(built_course, [TOY])
    assert [problem.partition(":")[0] for problem in problems] == [
        f"notebooks/{TOY}/{TOY}.ipynb, cell {cell}" for cell in ("cell-001", "mine")
    ]
    assert building.build(built_course, [TOY]) == []
    release.write_text(release.read_text() + "\n")
    (problem,) = building.check(built_course, [TOY])
    assert "same content, other bytes" in problem


def test_check_does_not_compare_outputs(built_course):
    solution = solution_of(built_course)
    solution.write_text(solution.read_text().replace("the end", "another end"))
    assert building.check(built_course, [TOY]) == []


@pytest.mark.parametrize(
    "stray",
    [
        "notebooks/extra.ipynb",
        f"notebooks/{TOY}/__pycache__/a.pyc",
        f"solutions/{TOY}/notes.txt",
        "notebooks/week09_gone/week09_gone.ipynb",
        "solutions/extra.py",
    ],
)
def test_strays_are_named(built_course, stray):
    (built_course / stray).parent.mkdir(parents=True, exist_ok=True)
    (built_course / stray).write_text("")
    assert building.check(built_course, [TOY]) == [f"{stray}: does not belong here; remove it"]


def test_a_page_without_a_place_for_the_table(built_course):
    (built_course / "README.md").write_text("# Toy\n")
    (problem,) = building.check(built_course, [TOY])
    assert "README.md: no lines <!-- weeks: begin -->" in problem
    welcome = built_course / "solutions" / "welcome.py"
    welcome.write_text(welcome.read_text().replace("{{weeks}}", ""))
    problems = building.check(built_course, [TOY])
    assert "solutions/welcome.py: no line {{weeks}} for the table of weeks" in problems


# ---------------------------------------------------------------------------------------------------------
# Outputs that vary by nature


def png(level, software):
    file = io.BytesIO()
    matplotlib.image.imsave(file, np.full((4, 4), level), vmin=0, vmax=1, metadata={"Software": software})
    return base64.b64encode(file.getvalue()).decode()


def notebook_with(data, source="show()", tags=()):
    cell = new_code_cell(source, id="figure", metadata={"tags": list(tags)})
    cell.outputs = [new_output("display_data", data=data)]
    return new_notebook(cells=[cell])


def test_equal_pixels_keep_the_stored_bytes():
    stored, same, other = png(0.5, "old"), png(0.5, "new"), png(0.6, "new")
    assert stored != same
    for fresh, kept in [(same, stored), (other, other)]:
        nb = notebook_with({"image/png": fresh})
        building._keep_outputs(nb, notebook_with({"image/png": stored}))
        assert nb.cells[0].outputs[0].data["image/png"] == kept


@pytest.mark.parametrize(
    ("source", "tags", "kept"),
    [
        ("show()", ["nbval-ignore-output"], "1.2 s"),
        ("show(2)", ["nbval-ignore-output"], "3 s"),
        ("show()", [], "3 s"),
    ],
)
def test_outputs_that_vary_stay_while_the_source_is_the_same(source, tags, kept):
    nb = notebook_with({"text/plain": "3 s"}, source, tags)
    building._keep_outputs(nb, notebook_with({"text/plain": "1.2 s"}))
    assert nb.cells[0].outputs[0].data["text/plain"] == kept


def test_pieces_of_a_stream_are_joined():
    pieces = [("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")]
    merged = building._merge_streams([new_output("stream", name=name, text=text) for name, text in pieces])
    assert [(output.name, output.text) for output in merged] == [
        ("stdout", "ab"),
        ("stderr", "c"),
        ("stdout", "d"),
    ]


# ---------------------------------------------------------------------------------------------------------
# The weeks of the course


def test_everything_built_is_up_to_date():
    problems = building.check(ROOT, WEEKS)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("week", WEEKS)
def test_the_solution_earns_all_points(week):
    nb = nbformat.read(ROOT / "solutions" / week / f"{week}.ipynb", 4)
    code = [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in graded_code_cells(nb):
        assert verdict(cell)["points"] == cell.metadata.nbgrader.points, cell.id


@pytest.mark.parametrize("week", WEEKS)
def test_the_solution_still_gives_its_stored_outputs(week):
    file = ROOT / "solutions" / week / f"{week}.ipynb"
    options = ["--nbval", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ROOT]
    result = subprocess.run([sys.executable, "-m", "pytest", *options, file], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("week", WEEKS)
def test_the_release_runs_untouched_and_earns_nothing(week, tmp_path):
    nb = nbformat.read(ROOT / "notebooks" / week / f"{week}.ipynb", 4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in nb.cells)
    assert not any(word in cell.source for cell in nb.cells for word in ("END SOLUTION", "HIDDEN TESTS"))
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(nb, resources=resources, timeout=300, extra_arguments=["--log-level=ERROR"]).execute()
    for cell in graded_code_cells(nb):
        assert (verdict(cell)["points"], verdict(cell)["status"]) == (0, "not attempted"), cell.id
    assert not any(output.get("name") == "stderr" for cell in nb.cells for output in cell.get("outputs", []))


@pytest.mark.parametrize("week", building.find_weeks(ROOT))
def test_a_week_says_how_many_points_it_has(week):
    nb = sources.read_source(ROOT, week)
    graded = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    points = {
        kind: sum(c.metadata.nbgrader.points for c in graded if c.cell_type == kind)
        for kind in ("code", "markdown")
    }
    said = re.search(r"Points: (\d+), and (\d+) more", " ".join(nb.cells[0].source.split()))
    assert said is not None
    assert [int(number) for number in said.groups()] == [points["code"], points["markdown"]]


def test_measured_outputs_are_fresh_after_a_cell_that_changed():
    def notebook(first, seconds):
        cells = [new_code_cell(first, id="first"), new_code_cell("show()", id="second")]
        cells[1].metadata["tags"] = ["nbval-ignore-output"]
        cells[1].outputs = [new_output("execute_result", {"text/plain": seconds})]
        return new_notebook(cells=cells)

    for first, kept in [("n = 1", "1.2 s"), ("n = 2", "3 s")]:
        nb = notebook(first, "3 s")
        building._keep_outputs(nb, notebook("n = 1", "1.2 s"))
        assert nb.cells[1].outputs[0].data["text/plain"] == kept
