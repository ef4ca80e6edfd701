"""What `check` decides and says, whatever a learner's function does; and hint, solution, plug_in, settle."""

import contextlib
import io
import itertools
import json
import re
import signal
import sys
import threading
import time
import tracemalloc
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from answers import named
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from course_lib import checking, running
from course_lib.checking import MIME_TYPE, check, hint, plug_in, settle, solution
from course_lib.comparing import compare, describe
from course_lib.exercises import Exercise, Prediction, Quiz, Seed, all_exercises, case, find, hash_answer

HINTS = ("Look at the sign.", "Add it to itself.", "`return 2 * x`")


@pytest.fixture(autouse=True)
def new_session(monkeypatch):
    """Forget what earlier tests checked, and what they drew for exercises of the same name."""
    monkeypatch.setattr(checking, "_progress", {})
    checking.reference_outcomes.cache_clear()


@pytest.fixture
def ask(monkeypatch):
    """Put an exercise on a reference and a few cases into the bank, and return it."""

    def put(reference, *cases, parts=None, **options):
        exercise = Exercise(
            reference,
            parts or {"all": 2},
            lambda rng: cases,
            **({"hints": HINTS, "explain": "Why twice?"} | options),
        )
        monkeypatch.setitem(all_exercises(), exercise.name, exercise)
        checking.reference_outcomes.cache_clear()
        return exercise

    return put


@pytest.fixture(autouse=True)
def no_experiments(monkeypatch):
    """What can be said without them is tested here, they themselves in test_diagnosing.py."""
    monkeypatch.setattr(checking, "explained", lambda verdict, *more, **limits: verdict)


@pytest.fixture
def double(ask):
    """An exercise on arrays: a core of small ones, and one with large numbers."""

    def double(x):
        return 2 * x

    return ask(
        double,
        case("small", np.array([1.0, -2.0, 3.5])),
        case("small", np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])),
        case("large", np.array([1e6])),
        parts={"small": 2, "large": 1},
    )


def answer(function, name="double"):
    return check(named(function, name))


# ---------------------------------------------------------------------------------------------------------
# Types, shapes, dtypes, values


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.uint8])
def test_numbers_count_and_not_their_dtype(ask, dtype):
    def double(x):
        return 2 * x

    ask(double, case("all", np.array([1.0, 2.0, 3.5])))
    assert answer(lambda x: (2 * x).astype(dtype)).status == "right"
    ask(double, case("all", np.array([1.0, 2.0, 3.5])), dtype_part="all")
    assert "should have dtype float64" in answer(lambda x: (2 * x).astype(dtype)).message
    ask(double, case("all", np.array([1.05, 2.2, 3.3])))
    assert answer(lambda x: (2 * x).astype(dtype)).status == "wrong"  # cut, or rounded in the tenth digit


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: (2 * x).tolist(), "should be a NumPy array, but is a list of 3 items."),
        (lambda x: tuple(2 * x.ravel()), "should be a NumPy array, but is a tuple of 3 items."),
        (lambda x: print(2 * x), "should be a NumPy array, but is `None` (is there a `return`?)."),
        (lambda x: 2.5, "should be a NumPy array, but is the float 2.5."),
        (lambda x: len, "should be a NumPy array, but is a function that was not called."),
        (lambda x: {"x": x}, "should be a NumPy array, but is a value of type `dict`."),
        (lambda x: np.matrix(2 * x), "should be a NumPy array, but is a NumPy array"),
        (lambda x: (2 * x).view(np.recarray), "should be a NumPy array, but is"),
        (lambda x: np.ma.masked_array(2 * x), "should be a NumPy array, but is"),
        (
            lambda x: 2 * x[:, None] if x.ndim == 1 else 2 * x,
            "should have shape (3,), but yours has shape (3, 1).",
        ),
        (lambda x: np.float64(6) + np.zeros(()), "should be a NumPy array, but is the float64 6.0."),
        (lambda x: np.array(6.0), "should have shape (3,), but yours has shape ()."),
        (lambda x: (2 * x).astype(object), "should have dtype float64, but yours has dtype object."),
        (lambda x: 2 * x + 0j, "should have dtype float64, but yours has dtype complex128."),
        (lambda x: (2 * x).astype(str), "should have dtype float64, but yours has dtype <U32."),
        (
            lambda x: x,
            "should be 2, but yours is 1. (3 of 3 entries differ.) Yours is 0.5 times what it should be",
        ),
        (lambda x: 4 * x, "Yours is 2 times what it should be everywhere."),
        (lambda x: -2 * x, "The sign is the wrong way round."),
        (lambda x: 2 * np.abs(x), "at [1] should be -4, but yours is 4. (1 of 3 entries differ.)"),
        (lambda x: 2 * x + 1e-5, "at [0] should be 2, but yours is 2.00001. (3 of 3 entries differ.)"),
        (lambda x: x * np.nan, "at [0] should be 2, but yours is nan. (3 of 3 entries differ.)"),
    ],
)
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_wrong_array_is_told_what_is_wrong_with_it(double, function, said):
    verdict = answer(function)
    assert (verdict.status, verdict.points, verdict.misconception) == ("wrong", 0, None)
    assert verdict.message.startswith("The result ")
    assert said in verdict.message
    assert verdict.case == "double(np.array([ 1. , -2. ,  3.5]))"


def test_a_ratio_is_named_only_where_all_entries_agree_on_it(double):
    for function in (lambda x: x + 3, lambda x: 0 * x, lambda x: np.where(x > 0, 4 * x, 2 * x)):
        assert "times" not in answer(function).message
    for factor in (1 + 1e-6, 1.0002):
        assert "Yours is 1 times" not in answer(lambda x, factor=factor: 2 * factor * x).message


@pytest.fixture
def total(ask):
    def total(x):
        return float(np.sum(x))

    return ask(total, case("all", np.array([0.5, 0.25])))


@pytest.mark.parametrize(
    "function",
    [np.sum, lambda x: x.sum(), lambda x: np.array(x.sum()), lambda x: np.float64(0.75), lambda x: 0.75 + 1e-11],
    ids=["numpy", "method", "0-d array", "np.float64", "rounding"],
)
def test_a_number_may_be_of_any_kind(total, function):
    assert answer(lambda x: function(x), "total").status == "right"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.array([0.75]), "The result should be one number, but is a NumPy array of shape (1,)."),
        ([0.75], "The result should be a number, but is a list of 1 item."),
        ("0.75", "The result should be a number, but is `'0.75'`."),
        (True, "The result should be a number, but is `True`."),
        (np.True_, "The result should be a number, but is `np.True_`."),
        (None, "The result should be a number, but is `None` (is there a `return`?)."),
        (0.75 + 0j, "The result should be a number, but is a value of type `complex`."),
        (1.5, "The result should be 0.75, but yours is 1.5. Yours is 2 times what it should be."),
        (-0.75, "The result should be 0.75, but yours is -0.75. The sign is the wrong way round."),
        (0.7500001, "The result should be 0.75, but yours is 0.7500001."),
        (float("nan"), "The result should be 0.75, but yours is nan."),
        (float("inf"), "The result should be 0.75, but yours is inf."),
    ],
)
def test_a_wrong_number_is_told_what_is_wrong_with_it(total, value, said):
    verdict = answer(lambda x: value if len(x) else 0, "total")
    assert (verdict.status, verdict.points) == ("wrong", 0)
    assert verdict.message.startswith(said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3.0, "should be a whole number (an `int`), but is the float 3.0."),
        (np.float64(3), "should be a whole number (an `int`), but is the float64 3.0."),
        (True, "should be a number, but is `True`."),
        (4, "should be 3, but yours is 4."),
        (-3, "should be 3, but yours is -3."),
    ],
)
def test_a_count_must_be_whole(ask, value, said):
    def count(x):
        return len(x)

    ask(count, case("all", [1, 2, 3]))
    for right in (3, np.int64(3), np.array(3), np.uint8(3)):
        assert answer(lambda x, right=right: right if x else 0, "count").status == "right"
    verdict = answer(lambda x: value if x else 0, "count")
    assert (verdict.status, verdict.message) == ("wrong", f"The result {said}")


@pytest.mark.parametrize(("value", "status"), [(None, "wrong"), (0.0, "wrong"), (np.nan, "right")])
def test_nan_is_right_only_where_nan_is_expected(ask, value, status):
    def undefined(x):
        return float("nan")

    ask(undefined, case("all", 1.0))
    assert answer(lambda x: value if x else 0, "undefined").status == status


@pytest.fixture
def low_and_high(ask):
    def low_and_high(x):
        return x.min(), x.max()

    return ask(low_and_high, case("all", np.array([3.0, 1.0, 2.0])), returns=("low", "high"))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x.min(), "The function should return 2 values, `low, high`, but returned the float64 1.0."),
        (lambda x: (1.0, 2.0, 3.0), "2 values, `low, high`, but returned a tuple of 3 items."),
        (lambda x: np.array([1.0, 3.0]), "2 values, `low, high`, but returned a NumPy array of shape (2,)."),
        (lambda x: (x.max(), x.min()), "`low` should be 1, but yours is 3. Yours is 3 times what it should be."),
        (lambda x: (x.min(), x.sum()), "`high` should be 3, but yours is 6. Yours is 2 times what it should be."),
        (lambda x: (x.min(), x), "`high` should be one number, but is a NumPy array of shape (3,)."),
    ],
)
def test_several_results_are_told_apart_by_name(low_and_high, function, said):
    verdict = answer(function, "low_and_high")
    assert verdict.status == "wrong"
    assert verdict.message.endswith(said)
    assert answer(lambda x: [np.min(x), np.max(x)], "low_and_high").status == "right"


@pytest.mark.parametrize(("dtype", "small", "large"), [(np.float32, 3e-5, 3e-4), (np.float64, 3e-10, 3e-9)])
def test_tolerance_fits_the_dtype(dtype, small, large):
    expected = np.array([1.0, 1e-3], dtype)
    assert compare(expected, expected * dtype(1 + small), "w") is None
    assert compare(expected, expected * dtype(1 + large), "w").kind == "value"
    assert compare(expected, expected + dtype(1000) * dtype(small), "w").kind == "value"
    assert compare(expected, expected * dtype(1 + large), "w", rtol=1e-2) is None


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(300, 4000).map(lambda n: -(10**n)),
    st.floats(),
    st.text(max_size=3),
    st.complex_numbers(),
    npst.arrays(
        st.one_of(npst.floating_dtypes(), npst.integer_dtypes(), st.just(bool), npst.complex_number_dtypes()),
        npst.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2),
    ),
    st.lists(st.floats(), max_size=2),
)
EXPECTED = st.one_of(
    st.booleans(),
    st.integers(-(2**31), 2**31),
    st.floats(allow_nan=False),
    npst.arrays(np.float64, npst.array_shapes(max_dims=2, max_side=2), elements=st.floats()),
    npst.arrays(np.float32, npst.array_shapes(max_dims=1, max_side=2), elements=st.floats(width=32)),
    npst.arrays(np.int64, npst.array_shapes(max_dims=1, max_side=2)),
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(EXPECTED, VALUES)
def test_comparing_never_fails_whatever_comes_back(expected, actual):
    difference = compare(expected, actual, "w")
    assert compare(expected, expected, "w") is None
    if difference is not None:
        assert difference.kind in ("type", "shape", "dtype", "value")
        assert difference.text.startswith("`w")
        assert len(difference.text) < 500


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_two_numbers_that_differ_also_look_different(a, b):
    difference = compare(a, b, "w")
    if difference is not None:
        right, wrong = re.match(r"`w` should be (\S+), but yours is (\S+?)\.(?: |$)", difference.text).groups()
        assert right != wrong


@pytest.mark.parametrize("pair", [(1e-300, 1e300), (-1.5e308, 1.5e308), (5e-324, 1.0)])
def test_numbers_at_the_ends_of_the_scale_make_no_noise(pair):
    for numbers in (pair, pair[::-1]):
        assert compare(*numbers, "w").kind == "value"
        assert compare(*map(np.atleast_1d, numbers), "w").kind == "value"


def test_describe_names_whatever_it_is_given():
    assert describe(np.int64(3)) == "the int64 3"
    assert describe([]) == "a list of 0 items"
    assert describe(object()) == "a value of type `object`"
    assert len(describe("x" * 10_000)) < 500
    assert len(compare("minimum", "word " * 10_000, "w").text) < 500
    assert len(describe(10**5000)) < 500


# ---------------------------------------------------------------------------------------------------------
# Arguments changed in place, errors, output


def test_changing_an_argument_in_place_is_named(ask):
    def blend(x, y):
        return x + y

    ask(blend, case("all", np.array([1.0, 2.0]), y=np.array([3.0, 4.0])))

    def into_x(x, y):
        x += y
        return x

    def into_both(x, y):
        total = x + y
        x[:] = y[:] = 0
        return total

    assert "changes its argument `x` in place" in answer(into_x, "blend").message
    verdict = answer(into_both, "blend")
    assert (verdict.status, verdict.points) == ("wrong", 0)
    assert "changes its arguments `x` and `y` in place" in verdict.message
    assert answer(into_both, "blend").message == verdict.message  # the cases themselves stay as they were


def test_lists_and_dicts_changed_in_place_are_noticed(ask):
    def names(items, settings):
        return len(items)

    ask(names, case("all", [3, 1, 2], {"a": 1}))

    def sorts(items, settings):
        items.sort()
        settings["b"] = 2
        return len(items)

    assert "`items` and `settings` in place" in answer(sorts, "names").message


def test_drawing_from_a_generator_is_no_change_and_each_run_gets_an_equal_one(ask):
    def draw(rng):
        return rng.random(3)

    ask(draw, case("all", rng=Seed(5)))
    assert answer(lambda rng: np.array([rng.random() for _ in range(3)]), "draw").status == "right"
    wrong = answer(lambda rng: rng.random(3) + 1, "draw")
    assert wrong.case == "draw(rng=np.random.default_rng(5))"


def test_an_error_shows_the_learners_own_line(double):
    def fails(x):
        y = np.zeros(2)
        return np.linalg.solve(y, x)  # numpy raises, in a file of its own

    verdict = answer(fails)
    assert (verdict.status, verdict.points) == ("error", 0)
    assert verdict.message.startswith("Your function raised `LinAlgError: ")
    line = fails.__code__.co_firstlineno + 2
    assert f"in line {line} of its cell: `return np.linalg.solve(y, x)" in verdict.message
    assert "numpy/" not in verdict.message
    assert verdict.title == "✗ Stopped by an error · double · 0 of 3 points"


def test_an_error_in_a_helper_or_a_generator_shows_the_line_that_raised(double):
    def helper(x):
        return {}["missing"]

    def uses_helper(x):
        return helper(x)

    def generates(x):
        yield x
        raise RuntimeError

    assert "`KeyError: 'missing'`" in answer(uses_helper).message
    assert '`return {}["missing"]`' in answer(uses_helper).message
    assert "Your function raised `RuntimeError`\n" in answer(generates).message
    assert "`raise RuntimeError`" in answer(generates).message


@pytest.mark.parametrize("function", [lambda: 1, lambda x, y: x, lambda *, x: x])
def test_a_wrong_signature_is_an_error_in_words(double, function):
    verdict = answer(function)
    assert verdict.status == "error"
    assert "Your function raised `TypeError: " in verdict.message
    assert "argument" in verdict.message


def test_some_cases_may_pass_before_one_fails(double):
    verdict = answer(lambda x: 2 * x if x.size > 1 else 1 / 0)
    assert (verdict.status, verdict.points) == ("error", 2)
    assert verdict.case == "double(np.array([1000000.]))"


@pytest.mark.parametrize("leave", [sys.exit, lambda: exit(3), lambda: (_ for _ in ()).throw(SystemExit)])
def test_exit_does_not_end_the_session(double, leave):
    verdict = answer(lambda x: leave() if x.size else x)
    assert (verdict.status, verdict.points) == ("error", 0)
    assert "`return`" in verdict.message


def test_keyboard_interrupt_passes_through_and_leaves_all_as_it_was(double, capsys):
    streams, filters = (sys.stdout, sys.stderr), list(warnings.filters)
    handler = signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None

    def interrupted(x):
        print("so far")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answer(interrupted)
    assert (sys.stdout, sys.stderr) == streams
    assert list(warnings.filters) == filters
    if handler is not None:
        assert signal.getsignal(signal.SIGALRM) is handler
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert capsys.readouterr() == ("", "")


def noisy(x):
    print("a value:", x[0] if x.ndim == 1 else x[0, 0])
    print("to stderr", file=sys.stderr)
    warnings.warn("careful", UserWarning, stacklevel=1)
    np.log(np.zeros(1))
    return 2 * x


def test_what_a_function_prints_warns_or_writes_to_stderr_is_shown_and_costs_nothing(double, capsys):
    streams, filters = (sys.stdout, sys.stderr), list(warnings.filters)
    verdict = answer(noisy)
    assert (verdict.status, verdict.points) == ("right", 3)
    for text in ("a value: 1.0", "to stderr", "UserWarning: careful", "RuntimeWarning: divide by zero"):
        assert text in verdict.printed
    assert verdict.printed.count("careful") == 1
    assert "What your code printed:" in str(verdict)
    assert capsys.readouterr() == ("", "")
    assert (sys.stdout, sys.stderr) == streams
    assert list(warnings.filters) == filters
    assert "a value" in answer(lambda x: noisy(x) + 1).printed


def test_a_flood_of_output_is_cut_and_costs_no_memory(double):
    def floods(x):
        for i in range(5_000):
            print(i)
        print("x" * 10**6)
        return 2 * x

    tracemalloc.start()
    verdict = answer(floods)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert verdict.status == "right"
    assert verdict.printed.startswith("0\n1\n2\n")
    assert re.search(r"… and 1,0[\d,]+ more characters$", verdict.printed)
    assert len(verdict.printed) < running.MOST_PRINTED + 100
    assert peak < 10e6


def test_a_flood_of_warnings_costs_no_memory(double):
    def warns(x):
        for _ in range(4_000):
            warnings.warn("again", UserWarning, stacklevel=1)
        return 2 * x

    tracemalloc.start()
    verdict = answer(warns)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert verdict.status == "right"
    assert verdict.printed.count("again") == 1
    assert peak < 1e6


# ---------------------------------------------------------------------------------------------------------
# Functions without an end


def no_end():
    """Yield for ever; or 20 seconds, so that a failing test fails instead of hanging."""
    start = time.monotonic()
    while time.monotonic() < start + 20:
        yield


def for_ever(x):
    print("round and round")
    warnings.warn("dizzy", UserWarning, stacklevel=1)
    for _ in no_end():
        x = x + 1


def for_ever_despite_errors(x):
    for _ in no_end():
        try:
            raise ValueError
        except Exception:
            x = x + 1


def in_a_generator(x):
    yield x
    for _ in no_end():
        pass


class Slow:
    """Python swallows whatever is raised while an object is deleted, a time limit too."""

    def __del__(self):
        start = time.monotonic()
        while time.monotonic() < start + 0.3:
            pass


def at_a_bad_moment(x):
    Slow()
    for _ in no_end():
        x = x + 1


@pytest.fixture
def short_limit(monkeypatch):
    monkeypatch.setattr(checking, "TIME_LIMIT", 0.2)


def in_a_thread(work):
    """Run `work` outside the main thread, where there are no signals, and return what it returns."""
    results = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(30)
    assert results, "the thread did not come back"
    return results[0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("function", [for_ever, for_ever_despite_errors, in_a_generator, at_a_bad_moment])
@pytest.mark.parametrize("run", [lambda work: work(), in_a_thread], ids=["alarm", "thread"])
def test_a_loop_without_end_is_stopped_and_told_so(double, short_limit, run, function):
    verdict = run(lambda: answer(function))
    assert (verdict.status, verdict.points) == ("timed out", 0)
    assert "stopped because it did not come back within 0.2 seconds" in verdict.message
    assert verdict.case == "double(np.array([ 1. , -2. ,  3.5]))"
    assert verdict.title.startswith("✗ Stopped: no end in sight")
    assert run(lambda: answer(lambda x: 2 * x)).status == "right"


def test_what_an_endless_function_printed_and_warned_is_shown(double, short_limit):
    verdict = answer(for_ever)
    assert "round and round" in verdict.printed
    assert "UserWarning: dizzy" in verdict.printed


needs_alarm = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this platform has no alarm signal")


@needs_alarm
def test_sleeping_for_ever_is_stopped_and_the_alarm_handler_restored(double, short_limit):
    def mine(signum, frame):
        pytest.fail("the alarm came too late")

    previous = signal.signal(signal.SIGALRM, mine)
    try:
        assert answer(lambda x: time.sleep(20)).status == "timed out"
        assert signal.getsignal(signal.SIGALRM) is mine
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    finally:
        signal.signal(signal.SIGALRM, previous)


@pytest.mark.parametrize("run", [lambda work: work(), in_a_thread], ids=["alarm", "thread"])
def test_the_limit_lifts_when_the_body_ends(run):
    def body():
        with running.time_limit(0.05):
            result = sum(range(10))
        over = time.monotonic() + 0.15
        while time.monotonic() < over:  # a late alarm would strike here
            pass
        return result

    assert run(body) == 45


@pytest.mark.parametrize(
    "function",
    [lambda x: itertools.count(), lambda x: itertools.repeat(x), lambda x: iter(int, 1)],
    ids=["count", "repeat", "iter"],
)
def test_a_generator_without_end_is_stopped(double, function):
    verdict = answer(function)
    assert (verdict.status, verdict.points) == ("wrong", 0)
    assert "goes on yielding" in verdict.message


def test_recursion_without_end_is_an_error_on_the_learners_line(double):
    def again(x):
        return again(x)

    verdict = answer(again)
    assert verdict.status == "error"
    assert "RecursionError" in verdict.message
    assert "`return again(x)`" in verdict.message


# ---------------------------------------------------------------------------------------------------------
# Partial credit


def test_parts_earn_points_one_by_one(double):
    verdict = answer(lambda x: 2 * x if x.size > 1 else x)
    assert (verdict.status, verdict.points) == ("wrong", 2)
    assert {part.name: part.earned for part in verdict.parts} == {"small": True, "large": False}
    assert "✓ small (2)" in str(verdict)
    assert "✗ large (1)" in str(verdict)


def test_without_the_core_the_other_parts_are_not_looked_at(double):
    verdict = answer(lambda x: 2 * x if x.size == 1 else x)
    assert (verdict.status, verdict.points) == ("wrong", 0)
    assert {part.name: part.earned for part in verdict.parts} == {"small": False, "large": None}
    assert "– large (1)" in str(verdict)


def test_the_smallest_failing_case_of_the_first_failing_part_is_shown(ask):
    def size(x):
        return len(x)

    cases = [case("b", [1]), case("a", [1, 2, 3]), case("a", [1, 2]), case("a", [])]
    exercise = ask(size, *cases, parts={"a": 1, "b": 1})
    assert [c.part for c in exercise.make_cases(0)] == ["a", "a", "a", "b"]
    assert answer(lambda x: len(x) if not x else 9, "size").case == "size([1, 2])"


def test_a_misconception_is_named_only_when_every_case_agrees(double):
    @double.misconception("Twice, not squared.")
    def squared(x):
        return x**2

    verdict = answer(lambda x: x * x)
    assert (verdict.misconception, verdict.message) == ("squared", "Twice, not squared.")
    assert answer(lambda x: x * x if x.ndim == 1 else x).misconception is None


def test_a_misconception_that_raises_is_known_by_its_error(double):
    @double.misconception("A list cannot be halved.")
    def list_halved(x):
        return x.tolist() / 2

    assert answer(lambda x: list(x) / 2).misconception == "list_halved"
    assert answer(lambda x: {}["missing"]).misconception is None


def test_what_a_misconception_prints_is_nobodys(double, capsys):
    @double.misconception("Thrice.")
    def thrice(x):
        print("from the bank")
        return 3 * x

    assert answer(lambda x: x + 1).printed == ""
    assert capsys.readouterr().out == ""


def test_a_broken_reference_is_an_error_of_ours_not_the_learners(ask):
    def broken(x):
        return x + "1"

    ask(broken, case("all", 1))
    with pytest.raises(TypeError, match="unsupported operand"):
        answer(lambda x: x + 1, "broken")


def test_classes_can_be_asked_for(ask, monkeypatch):
    class Counter:
        def __init__(self, start):
            self.n = start

        def up(self):
            self.n += 1
            return self.n

    def observe(call, case):
        counter = call(*case.args)
        return {"first": counter.up(), "second": counter.up()}

    ask(Counter, case("all", 3), observe=observe)
    assert check(Counter).status == "right"

    def answer_with(**methods):
        return check(type("Counter", (), methods))

    def stub(self, *args):
        raise NotImplementedError

    assert answer_with().status == "not attempted"
    assert answer_with(__init__=stub, up=stub).status == "not attempted"
    verdict = answer_with(__init__=lambda self, start: None, up=lambda self: 4)
    assert (verdict.status, verdict.message) == (
        "wrong",
        "`second` should be 5, but yours is 4.",
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_call_shown_can_be_pasted(ask, seed):
    rng = np.random.default_rng(seed)
    c = case(
        "all",
        int(rng.integers(10)),
        rng.normal(size=(3, 4)),
        np.float32(rng.normal(size=5)),
        rng.integers(0, 2, 4) == 1,
        y=rng.integers(0, 9, (2, 3)),
        name="x",
        rate=1e-3,
        lots=rng.normal(size=40),
    )

    def wide(*args, **kwargs):
        return 0.0

    exercise = Exercise(wide, {"all": 1}, lambda rng: [c], HINTS, "why?")
    text = checking._show_call(exercise, c)
    assert "<array of shape (40,), dtype float64>" in text
    pasted = text.replace("<array of shape (40,), dtype float64>", "None")
    args, kwargs = eval(pasted, {"np": np, "wide": lambda *args, **kwargs: (args, kwargs)})
    kwargs["lots"] = c.kwargs["lots"]
    for shown, given_ in zip([*args, *kwargs.values()], [*c.args, *c.kwargs.values()], strict=True):
        assert np.asarray(shown).dtype == np.asarray(given_).dtype
        np.testing.assert_array_equal(shown, given_)


# ---------------------------------------------------------------------------------------------------------
# Not attempted


def test_a_stub_left_below_the_work_is_pointed_out(double):
    def unfinished(x):
        x = 2 * x  # the work is done
        raise NotImplementedError

    verdict = answer(unfinished)
    assert (verdict.status, verdict.points) == ("not attempted", 0)
    assert "raise NotImplementedError" in verdict.message


def test_nothing_is_run_of_an_untouched_function(double, monkeypatch):
    monkeypatch.setattr(double, "cases", lambda rng: pytest.fail("cases were drawn"))

    def stub(x):
        """Twice."""

    verdict = answer(stub)
    assert verdict.title == "○ Not attempted · double · 0 of 3 points"
    assert "`hint(double)`" in verdict.message


# ---------------------------------------------------------------------------------------------------------
# Calls that make no sense


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: check(), TypeError, "check takes one thing"),
        (lambda: check(None), TypeError, "check takes one thing"),
        (lambda: check(named(noisy, "double"), colour="a"), TypeError, "check takes one thing"),
        (lambda: check(colour="a", double="b"), TypeError, "check takes one thing"),
        (lambda: check(5), TypeError, "takes the function itself.*got the int 5"),
        (lambda: check(np.zeros(3)), TypeError, r"without calling it; got a NumPy array of shape \(3,\)"),
        (lambda: check([1.0]), TypeError, "got a list of 1 item"),
        (lambda: check("double"), TypeError, r"check\(double\), without quotes"),
        (lambda: check("colour"), TypeError, r"check\(colour=colour\)"),
        (lambda: check(double="a"), TypeError, r"double is a function to write: check\(double\)"),
        (lambda: check(named(noisy, "doubel")), ValueError, "no exercise called 'doubel'.*did you mean 'double'"),
        (lambda: check(named(noisy, "zzz")), ValueError, r"no exercise called 'zzz' in this course$"),
        (lambda: check(lambda x: x), ValueError, "no exercise called '<lambda>'"),
        (lambda: check(color="a"), ValueError, "did you mean 'colour'"),
        (lambda: hint(3), TypeError, r"hint takes the function itself, as in hint\("),
        (lambda: hint("doubl"), ValueError, "did you mean 'double'"),
        (lambda: hint("colour"), ValueError, "'colour' is a question"),
        (lambda: solution("colour"), ValueError, "'colour' is a question"),
        (lambda: solution("nothing at all"), ValueError, "there is no exercise"),
        (lambda: plug_in("colour"), TypeError, "'colour' is a question"),
        (lambda: plug_in(None), TypeError, "plug_in takes the function itself"),
        (lambda: settle(), TypeError, "settle takes one prediction by name"),
        (lambda: settle(guess="a", colour="b"), TypeError, "settle takes one prediction by name"),
        (lambda: settle(colour="a"), ValueError, "'colour' is not a prediction"),
        (lambda: settle(gues="a"), ValueError, "did you mean 'guess'"),
    ],
)
def test_calls_that_make_no_sense_are_explained(double, questions, call, error, said):
    with pytest.raises(error, match=said):
        call()


# ---------------------------------------------------------------------------------------------------------
# Questions


@pytest.fixture
def questions(monkeypatch):
    wrong = {"a": "Not red.", "c": "Not <green>."}
    for kind, name in [(Quiz, "colour"), (Prediction, "guess")]:
        item = kind(name, hash_answer(name, "b"), wrong=wrong, right="Blue it is.")
        monkeypatch.setitem(all_exercises(), name, item)
    fact = Quiz("fact", hash_answer("fact", "true"), {"false": "No.", "depends": "On what?"}, "Yes.", points=2)
    monkeypatch.setitem(all_exercises(), "fact", fact)


@pytest.mark.parametrize(
    ("given_", "status", "points", "said"),
    [
        ("b", "right", 1, "Blue it is."),
        (" B ", "right", 1, "Blue it is."),
        ("a", "wrong", 0, "Not red."),
        ("C\n", "wrong", 0, "Not <green>."),
        (None, "not attempted", 0, 'No answer yet. Set `colour` to one of "a", "b", "c"'),
        (..., "not attempted", 0, "No answer yet."),
        ("d", "wrong", 0, 'The answer should be one of "a", "b", "c", in quotes; yours is `\'d\'`.'),
        ("", "wrong", 0, "The answer should be one of"),
        (2, "wrong", 0, "yours is the int 2."),
        (["b"], "wrong", 0, "yours is a list of 1 item."),
        (np.zeros(3), "wrong", 0, "yours is a NumPy array of shape (3,)."),
    ],
)
def test_a_quiz_answer(questions, given_, status, points, said):
    verdict = check(colour=given_)
    assert (verdict.exercise, verdict.status, verdict.points) == ("colour", status, points)
    assert said in verdict.message


def test_true_and_false_may_be_written_as_such(questions):
    assert check(fact=True).points == check(fact="True").points == check(fact="true").points == 2
    assert check(fact=False).misconception == "fact:false"
    assert check(fact="depends").misconception == "fact:depends"


def test_a_prediction_earns_its_point_by_being_made_and_is_settled_later(questions):
    for option in "abc":
        verdict = check(guess=option)
        assert (verdict.status, verdict.points) == ("noted", 1)
        assert "Blue" not in str(verdict)
        assert verdict.misconception is None
    assert check(guess=None).points == check(guess="z").points == 0
    assert str(settle(guess=" B")) == "As you predicted\nBlue it is."
    assert str(settle(guess="a")) == "A surprise, then\nNot red. Blue it is."
    for nothing in (None, "z", 5):
        assert str(settle(guess=nothing)).startswith("No prediction to settle")


# ---------------------------------------------------------------------------------------------------------
# Hints, solutions, plug-ins


def test_hints_come_one_by_one_and_stay_at_the_last(double):
    notes = [hint("double"), hint(named(noisy, "double")), hint("double"), hint("double")]
    for note, level, text in zip(notes, [1, 2, 3, 3], [*HINTS, HINTS[2]], strict=True):
        assert note.title == f"Hint {level} of 3 · double"
        assert note.text.startswith(text)
        assert ("`solution(double)`" in note.text) == (level == 3)
        assert ("next hint" in note.text) == (level < 3)


def test_a_solution_needs_an_attempt_and_asks_to_explain_it_back(double):
    def stub(x):
        raise NotImplementedError

    for _ in range(2):
        note = solution("double")
        assert note.title.startswith("First a try")
        assert "return 2 * x" not in str(note)
        answer(stub)  # an untouched function is no attempt
    answer(lambda x: x)
    note = solution("double")
    assert "return 2 * x" in note.code
    assert "explain it back" in note.text
    assert note.text.endswith("Why twice?")


def test_a_right_function_is_plugged_in_and_any_other_replaced(double, capsys):
    right, wrong = named(lambda x: x + x, "double"), named(lambda x: x, "double")
    assert plug_in(right) is right
    assert capsys.readouterr().out == "Running on your double.\n"
    check(right)
    assert plug_in(right) is right
    check(wrong)
    assert plug_in(wrong) is double.reference
    assert plug_in(right) is right

    def stub(x):
        raise NotImplementedError

    capsys.readouterr()
    assert plug_in(named(stub, "double")) is double.reference
    out = "Running on the course's double; yours takes over when its check is right.\n"
    assert capsys.readouterr().out == out


# ---------------------------------------------------------------------------------------------------------
# The forms of a verdict


@pytest.fixture
def notebook(monkeypatch):
    """Pretend that a kernel asks."""
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


@pytest.fixture
def terminal(monkeypatch):
    """Pretend that IPython in a terminal asks."""
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))


def verdicts():
    """One verdict of each status."""

    def stub(x):
        raise NotImplementedError

    right, wrong, error = (lambda x: 2 * x), (lambda x: 2 * x if x.size > 1 else x), (lambda x: 1 / 0 * x)
    return [*map(answer, (stub, right, wrong, error)), check(guess="a"), check(colour="c"), check(fact=None)]


def test_in_a_notebook_the_plain_text_is_the_points(double, questions, notebook):
    found = [verdict._repr_mimebundle_() for verdict in verdicts()]
    assert [float(bundle["text/plain"]) for bundle in found] == [0, 3, 2, 0, 1, 0, 0]
    for verdict, bundle in zip(verdicts(), found, strict=True):
        assert set(bundle) == {"text/plain", "text/html", MIME_TYPE}
        assert bundle[MIME_TYPE]["points"] == float(bundle["text/plain"]) == verdict.points
        assert json.loads(json.dumps(bundle)) == bundle


def test_outside_a_notebook_a_verdict_reads_as_text(double, questions, terminal):
    for verdict in verdicts():
        assert verdict._repr_mimebundle_() == {"text/plain": str(verdict)}
        assert repr(verdict) == str(verdict)
        assert verdict.exercise in str(verdict).splitlines()[0]
        assert str(verdict).splitlines()[1] == verdict.message.splitlines()[0]


def test_ipython_shows_what_the_verdict_gives_it(double, monkeypatch):
    from IPython.core.formatters import DisplayFormatter

    verdict = answer(lambda x: 2 * x)
    assert DisplayFormatter().format(verdict) == ({"text/plain": str(verdict)}, {})
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    data, _ = DisplayFormatter().format(verdict)
    assert data["text/plain"] == "3.0"
    assert data["text/html"] == verdict.to_html()


def test_the_json_form_is_complete(double):
    verdict = answer(lambda x: 2 * x if x.size == 1 else x)
    assert verdict.to_json() == {
        "exercise": "double",
        "status": "wrong",
        "misconception": None,
        "points": 0.0,
        "max_points": 3.0,
        "parts": {"small": False, "large": None},
    }


def test_html_shows_a_learners_text_as_text(double, questions):
    attack = "<script>alert('hi')</script>"

    def prints(x):
        print(attack)
        raise ValueError(attack)

    returns = answer(lambda x: attack)
    for verdict in (answer(prints), returns, check(colour=attack), check(colour="c")):
        page = verdict.to_html()
        assert "<script" not in page
        assert "<green>" not in page
        assert "&lt;" in page
    page = answer(prints).to_html()
    assert page.count("&lt;script&gt;") >= 2  # what was printed, and what was raised
    assert "What your code printed" in page
    assert "Stopped by an error" in page


def test_html_marks_code_and_parts(double):
    page = answer(lambda x: 2 * x if x.size > 1 else x).to_html()
    assert "✓ small (2)" in page
    assert "✗ large (1)" in page
    assert "The call:" in page
    assert "border-left:4px solid #D55E00" in page
    assert "<code>hint(double)</code>" in answer(named(lambda x: None, "double")).to_html()
    assert "border-left:4px solid #009E73" in answer(lambda x: 2 * x).to_html()


def test_notes_show_as_cards_and_as_text(double):
    answer(lambda x: x)
    note = solution("double")
    assert repr(note) == str(note) == f"{note.title}\n{note.text}\n{note.code}"
    assert "<pre" in note._repr_html_()
    assert "return 2 * x" in note._repr_html_()
    assert "<pre" not in hint("double")._repr_html_()


def test_checking_writes_nothing_itself(double, capfd):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        verdicts_ = [answer(lambda x: 2 * x), answer(lambda x: x * np.inf), answer(lambda x: x * 1e308)]
    assert [v.status for v in verdicts_] == ["right", "wrong", "wrong"]
    assert out.getvalue() == ""
    assert capfd.readouterr() == ("", "")


def test_the_markdown_of_messages_becomes_html():
    text = "The *sum* of `a * b * c` and 1 - beta**t, not beta2**t."
    html = checking._html(text)
    assert html == "The <em>sum</em> of <code>a * b * c</code> and 1 - beta**t, not beta2**t."


def test_check_inside_the_function_that_it_checks_is_explained(double):
    def checks_itself(x):
        answer(checks_itself)
        return 2 * x

    verdict = answer(checks_itself)
    assert verdict.status == "error"
    assert "inside the function that it checks" in verdict.message
    assert answer(lambda x: 2 * x).status == "right"


def test_a_generator_where_a_value_is_asked(double):
    def yields(x):
        yield 2 * x

    assert "`yield`" in answer(yields).message


def test_data_of_the_notebook_are_named(double):
    notebook = {"np": np, "m": 3}
    exec("def double(x):\n    return x * m", notebook)  # a function whose globals are a notebook's
    assert "reads `m` from the notebook" in check(notebook["double"]).message


def test_every_part_that_failed_is_shown_with_its_smallest_call():
    exercise = find("steps_per_epoch")
    cases, _ = checking.reference_outcomes("steps_per_epoch", 0)
    wrong = [running.run_case(lambda m, batch_size: m // batch_size + 7, exercise, case) for case in cases]
    found = checking.differences(exercise, 0, wrong)
    assert [part for part, _, _ in found] == list(exercise.parts)
    for part, call, text in found:
        smallest = min(case.size for case in cases if case.part == part)
        assert call in [checking._show_call(exercise, case) for case in cases if case.size == smallest]
        assert "should be" in text
    right = [running.run_case(exercise.reference, exercise, case) for case in cases]
    assert checking.differences(exercise, 0, right) == []


def test_nan_in_a_list_is_no_change_of_the_argument():
    assert running.same_values([1.0, float("nan")], [1.0, float("nan")])
    assert not running.same_values([1.0, float("nan")], [1.0, 2.0])
