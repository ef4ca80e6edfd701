"""Experiments on wrong answers: what they find, and that they assert no more than was observed."""

import ast
import inspect
import linecache
import textwrap
import warnings

import numpy as np
import pytest

from course_lib import checking, diagnosing, reading, slips
from course_lib.checking import check
from course_lib.diagnosing import OwnAnswer, Suspects, diagnose, survivors
from course_lib.exercises import Allows, Exercise, all_exercises, case
from course_lib.running import GLOBAL_SOURCE, run_case

EXERCISES = [item for item in all_exercises().values() if isinstance(item, Exercise)]


# ---------------------------------------------------------------------------------------------------------
# The bank: cases leave no gap


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_the_cases_kill_every_slip_of_the_reference_that_is_not_listed(exercise):
    for seed in (0, 1):
        number, alive = survivors(exercise, *checking.reference_outcomes(exercise.name, seed))
        assert number > 3
        assert {slip.key for slip in alive} - set(exercise.equivalent) == set(), f"seed {seed}"
        assert all(len(reason) > 5 for reason in exercise.equivalent.values())
    everything = {slip.key for slip in slips.mutants(diagnosing._texts_of(exercise.reference, {})[0])}
    assert set(exercise.equivalent) <= everything, "listed, but no slip of today's reference"


# ---------------------------------------------------------------------------------------------------------
# One exercise, many wrong answers


def smoothed(x, y, *, beta=0.9, lr=0.1, n=2):
    total = beta * x + (1 - beta) * y**2
    scaled = total / np.sqrt(n)
    return total, x - lr * scaled


def _cases(rng):
    for part, size in [("one step", 3), ("one step", 5), ("one step", 2), ("many", 8), ("many", 1)]:
        numbers = rng.normal(size=(2, size))
        constants = {"beta": round(rng.uniform(0.3, 0.8), 2), "lr": round(rng.uniform(0.2, 0.9), 2)}
        yield case(part, numbers[0], numbers[1], **constants, n=int(rng.integers(3, 9)))


@pytest.fixture(autouse=True)
def time_enough(monkeypatch):
    """On a busy machine too."""
    monkeypatch.setattr(diagnosing, "SECONDS", 5.0)


@pytest.fixture
def exercise(monkeypatch):
    """Put the exercise into the bank."""
    made = Exercise(
        smoothed,
        {"one step": 2, "many": 1},
        _cases,
        hints=("a", "b", "c"),
        explain="Why?",
        returns=("total", "moved"),
        allows=Allows(alike=("x", "y"), whole=("x", "y"), real=("y",), ends={"beta": (0.0,)}),
    )
    monkeypatch.setitem(all_exercises(), "smoothed", made)
    monkeypatch.setattr(checking, "_progress", {})
    checking.reference_outcomes.cache_clear()
    return made


def answered(source, **names):
    """Check an answer that was typed into a cell."""
    source = textwrap.dedent(source)
    filename = f"<cell {abs(hash(source))}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    notebook = {"np": np} | names
    exec(compile(source, filename, "exec"), notebook)
    return check(notebook["smoothed"])


HEAD = "def smoothed(x, y, *, beta=0.9, lr=0.1, n=2):\n"
TOTAL = "total = beta * x + (1 - beta) * y**2\n"
BACK = "return total, x - lr * total / np.sqrt(n)"
WRONG = [  # the body of an answer, the beginning of the key, words of the message
    ("total = beta * x + (1 - beta) * y\n" + BACK, "slip", ["`** 2` is missing"]),
    ("total = beta * x + y**2\n" + BACK, "slip", ["the factor `1 - beta` is missing"]),
    (TOTAL + "return total, x + lr * total / np.sqrt(n)", "slip", ["`x + lr * scaled`"]),
    ("total = (1 - beta) * x + beta * y**2\n" + BACK, "slip", ["the two weights have changed places"]),
    (TOTAL + "return x - lr * total / np.sqrt(n), total", "slip", ["have changed places"]),
    ("total = 0.9 * x + 0.1 * y**2\n" + BACK, "parameter", ["`beta` is 0.9 in all calls"]),
    (
        ("total = beta * y + (1 - beta) * x**2\nreturn total, y - lr * total / np.sqrt(n)"),
        "parameter",
        ["changed places"],
    ),
    (
        TOTAL + ("step = lr * total / np.sqrt(n)\nstep = step + 3 * lr\nreturn total, x - step"),
        "repair",
        ["line 4 of its cell", "step = step + 3 * lr"],
    ),
    (
        TOTAL + "return total, [a - lr * b / n**0.5 for a, b in zip(x, total)]",
        "relation",
        ["`moved` is a list", "`total` is right"],
    ),
    (
        (
            "total = np.round(beta * x + (1 - beta) * y**2, 2)\n"
            "exact = beta * x + (1 - beta) * y**2\n"
            "return total, x - lr * exact / np.sqrt(n)"
        ),
        "repair",
        ["line 2 of its cell", "np.round"],
    ),
    (
        ("kept.append(len(kept))\ntotal = beta * x + (1 - beta) * y**2 + len(kept)\n") + BACK,
        "kept between calls",
        ["The same call twice"],
    ),
    (
        ("x += 1\nx -= 1\ntotal = beta * x + (1 - beta) * y**2\nreturn total, x - lr * total / n**.5"),
        "changes",
        ["`x`", "line 2"],
    ),
    ("return 1.0, 2.0", "always the same", ["whatever it is called with"]),
    (
        ("total = np.zeros_like(x)\ntotal[...] = beta * x + (1 - beta) * y**2\n") + BACK,
        "repair",
        ["whole numbers (integers)", "np.zeros_like(x)"],
    ),
    (
        (
            "if beta < 0.1:\n"
            "    beta = 0.5\n"
            "total = beta * x + (1 - beta) * y**2\n"
            "return total, x - lr * total / n**.5"
        ),
        "",
        ["`beta` is 0.0"],
    ),
]


@pytest.mark.parametrize(("body", "key", "words"), WRONG)
def test_an_unlisted_mistake_is_found_out(exercise, body, key, words):
    verdict = answered(HEAD + textwrap.indent(body, "    "), kept=[])
    assert verdict.status in ("wrong", "error")
    assert verdict.misconception.startswith(f"diagnosed: {key}"), verdict
    for word in words:
        assert word in verdict.message, verdict


def test_a_default_of_ones_own_is_named(exercise):
    body = "    total = beta * x + (1 - beta) * y**2\n    return total, x - lr * total / np.sqrt(n)\n"
    verdict = answered(HEAD.replace("lr=0.1", "lr=0.01") + body)
    assert verdict.points == 2
    assert "`lr` is 0.1 by default, yours: 0.01" in verdict.message


def test_two_slips_together_are_told_apart(exercise):
    body = "total = beta * x + (1 - beta) * y\nreturn total, x + lr * (beta * x + (1 - beta) * y) / n**0.5\n"
    verdict = answered(HEAD + textwrap.indent(body, "    "))
    assert "First:" in verdict.message or "Look at line" in verdict.message, verdict


def test_an_error_keeps_its_text_and_line(exercise):
    verdict = answered(
        HEAD + "    total = beta * x + (1 - beta) * y**2\n    return total, x - lr * totl / np.sqrt(n)\n"
    )
    assert verdict.status == "error"
    assert "NameError" in verdict.message
    assert "line 3" in verdict.message


def test_what_is_wrong_nowhere_else_is_said_with_its_case(exercise):
    verdict = answered(
        HEAD + "    if x.ndim == 0:\n        raise ValueError('no')\n"
        "    total = beta * x + (1 - beta) * y**2\n    return total, x - lr * total / np.sqrt(n)\n"
    )
    assert "have the shape ()" in verdict.message
    assert verdict.points == 2


def test_all_wrong_answers_of_the_bank_without_the_bank_end_in_words(monkeypatch):
    """Experiments alone: nothing raises, and each message holds what was observed."""
    exercise = all_exercises()["rmsprop_step"]
    known = list(exercise.misconceptions)
    monkeypatch.setattr(exercise, "misconceptions", [])
    for wrong in known:
        monkeypatch.setattr(wrong.function, "__name__", exercise.name)
        verdict = check(wrong.function)
        assert verdict.status in ("wrong", "error")
        assert len(verdict.message) > 20


# ---------------------------------------------------------------------------------------------------------
# The same verdict, whatever the learner's settings


def test_floating_point_errors_and_warnings_as_errors_change_no_verdict():
    before = {e.name: check(e.reference).status for e in EXERCISES}
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        checking.reference_outcomes.cache_clear()
        after = {e.name: check(e.reference).status for e in EXERCISES}
    checking.reference_outcomes.cache_clear()
    assert before == after
    assert set(after.values()) == {"right"}


def test_the_source_that_all_programs_share_is_noticed():
    def draws(size, *, rng):
        return rng.random(size) + 0 * np.random.random()  # noqa: NPY002 - what is to be noticed

    made = Exercise(draws, {"all": 1}, lambda rng: [], ("a", "b", "c"), "why?")
    outcome = run_case(draws, made, case("all", 3, rng=np.random.default_rng(0)))
    assert outcome.mutated == (GLOBAL_SOURCE,)


# ---------------------------------------------------------------------------------------------------------
# Slips and facts of a text


def test_slips_are_taken_back():
    text = slips.Text(inspect.getsource(smoothed), {"np": np})
    before = ast.dump(text.tree)
    for slip in slips.mutants(text):
        text.compiled(slip)
        assert ast.dump(text.tree) == before


def test_loops_without_end_end():
    text = slips.Text("def loop(n):\n    while n > 0:\n        n = n + 1\n    return n\n", {})
    with pytest.raises(slips.Endless):
        text.compiled()(1)


def test_a_text_that_is_no_function_is_refused():
    with pytest.raises(SyntaxError, match="not the text of one function"):
        slips.Text("x = 1\ny = 2", {})


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("return a", "never read"),
        ("a = 3\nreturn a + b", "argument lost"),
        ("c = a\nreturn a + b", "not used"),
        ("for i in range(3):\n    return a + b", "return in the loop"),
        ("a == b\nreturn a + b", "compares"),
        ("a + b\nreturn a + b", "result lost"),
        ("np.sqrt(a)\nreturn a + b", "result lost"),
        ("a = a.sort()\nreturn a, b", "keeps None"),
        ("while a:\n    b = 2\nreturn a + b", "endless"),
        ("return a ^ b", "xor"),
        ("return a + b + np.random.normal()", "global source"),
        ("return a + b + np.zeros_like(a)", "dtype of its model"),
    ],
)
def test_a_text_shows_facts(body, kind):
    tree = ast.parse("def f(a, b):\n" + textwrap.indent(body, "    "))
    assert kind in [fact.kind for fact in reading.facts(tree, ("a", "b"))]


def test_a_right_text_shows_no_sure_fact():
    for exercise in EXERCISES:
        tree = ast.parse(textwrap.dedent(inspect.getsource(exercise.reference)))
        assert [fact for fact in reading.facts(tree) if fact.sure] == [], exercise.name


def test_time_is_bounded_and_what_is_known_is_said(exercise):
    cases, expected = checking.reference_outcomes("smoothed", 0)
    calls = []

    def slow(x, y, *, beta=0.9, lr=0.1, n=2):
        calls.append(1)
        return x, x

    answer = OwnAnswer(slow, exercise)
    outcomes = [answer.run(c) for c in cases]
    found = diagnose(
        exercise, 0, cases, expected, outcomes, answer,
        draw=lambda seed: checking.reference_outcomes("smoothed", seed),
        suspects=Suspects(exercise, cases), plain="The plain difference.", seconds=0.0,
    )  # fmt: skip
    assert found.message.startswith("The plain difference.")
    assert len(calls) < 3 * len(cases)
