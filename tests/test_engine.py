"""Both engines against the formulas, to the last bit; and what Numba's cache and threads must survive."""

import inspect
import os
import shutil
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from course_lib import averages, engine, optimizers

ROOT = Path(__file__).resolve().parents[1]
FORMULAS = [getattr(optimizers, name) for name in optimizers.__all__ if name.endswith("_step")]
FORMULA = pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.__name__)
DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(params=["numba", "numpy"])
def one_engine(request, monkeypatch):
    """Make kernels of one engine, whatever the machine's choice."""
    monkeypatch.setenv("COURSE_LIB_ENGINE", request.param)
    engine._numba.cache_clear()
    yield request.param
    engine._numba.cache_clear()


def arguments_of(formula, size, dtype, seed=0):
    """Return arrays, step and constants for a formula, all away from defaults and spread over many magnitudes."""
    rng = np.random.default_rng(seed)
    parameters = inspect.signature(formula).parameters.values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    arrays = [rng.normal(size=size) * 10.0 ** rng.integers(-9, 4, size) for name in names if name != "t"]
    arrays = [(a if i < 2 else np.abs(a)).astype(dtype) for i, a in enumerate(arrays)]
    constants = {p.name: float(rng.uniform(0.01, 0.99)) for p in parameters if p.kind is p.KEYWORD_ONLY}
    return arrays, [7] * ("t" in names), constants


def results_of(formula, arrays, step, constants):
    new = formula(*arrays, *step, **constants)
    return new if isinstance(new, tuple) else (new,)


# ---------------------------------------------------------------------------------------------------------
# The same numbers


@FORMULA
@DTYPE
@pytest.mark.parametrize("size", [0, 1, 7, 1000, engine.BLOCK // 4 + 1, engine.SHARE_FROM + 3])
def test_a_kernel_is_its_formula_to_the_last_bit(one_engine, formula, dtype, size):
    arrays, step, constants = arguments_of(formula, size, dtype)
    with np.errstate(all="ignore"):
        expected = results_of(formula, arrays, step, constants)
        gradient = arrays[1].copy()
        assert engine.fuse(formula).apply(*arrays, *step, **constants) is None
    for name, actual, value in zip(["w", "v", "s", "s_max"], [arrays[0], *arrays[2:]], expected, strict=False):
        assert actual.dtype == dtype
        assert actual.tobytes() == value.tobytes(), name
    np.testing.assert_array_equal(arrays[1], gradient)


@DTYPE
def test_arrays_that_are_not_contiguous_or_not_writeable_gradients(one_engine, dtype):
    arrays, step, constants = arguments_of(optimizers.adam_step, 60, dtype)
    expected = results_of(optimizers.adam_step, [a[::3] for a in arrays], step, constants)
    views = [a[::3] for a in arrays]
    views[1].flags.writeable = False
    before = [a.copy() for a in arrays]
    engine.fuse(optimizers.adam_step).apply(*views, *step, **constants)
    for view, value in zip([views[0], *views[2:]], expected, strict=True):
        assert view.tobytes() == value.tobytes()
    for array, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(np.delete(array, np.s_[::3]), np.delete(old, np.s_[::3]))


def test_nan_and_infinity_pass_through_as_in_numpy(one_engine):
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, 5e-324])
    w, dw = (grid.ravel() for grid in np.meshgrid(special, special))
    with np.errstate(all="ignore"):
        expected = optimizers.amsgrad_step(w, dw, dw, np.abs(w), np.abs(dw), 3)
        state = [w.copy(), dw.copy(), dw.copy(), np.abs(w), np.abs(dw)]
        engine.fuse(optimizers.amsgrad_step).apply(*state, 3)
    for actual, value in zip([state[0], *state[2:]], expected, strict=True):
        np.testing.assert_array_equal(actual, value)


def test_old_and_new_state_may_both_be_used(one_engine):
    def formula(w, dw, s, *, lr):
        before = s
        s = s + dw**3
        return w - lr * (s - before) / np.abs(-s), s * w

    w, dw, s = (np.linspace(a, 2, 50) for a in (-1, 1, 3))
    expected = formula(w, dw, s, lr=0.1)
    engine.fuse(formula).apply(w, dw, s, lr=0.1)
    for actual, value in zip((w, s), expected, strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-15)


def test_a_number_may_have_a_name_of_its_own(one_engine):
    def formula(w, dw, t, *, lr, beta=0.9):
        correction = 1 - beta**t
        twice = correction * 2
        dw = twice * dw
        return np.maximum(w, 0.5) - lr * dw / correction + 1

    w, dw = np.linspace(-1, 2, 50, dtype=np.float32), np.linspace(3, 1, 50, dtype=np.float32)
    expected = formula(w, dw, 4, lr=0.1)
    engine.fuse(formula).apply(w, dw, 4, lr=0.1)
    assert w.dtype == np.float32
    assert w.tobytes() == expected.tobytes()


def test_both_engines_average_alike(one_engine, monkeypatch):
    averages._loops.cache_clear()
    rng = np.random.default_rng(0)
    for shape in [(1,), (2,), (3,), (1001,), (50, 3), (7, 0), (6, 2, 3)]:
        theta = rng.normal(size=shape)
        v = averages.ema(theta, beta=np.array([0.0, 0.5, 0.999]), initial=0.25)
        slow = np.empty_like(v)
        for k, beta in enumerate([0.0, 0.5, 0.999]):
            last = np.full(shape[1:], 0.25)
            for t in range(shape[0]):
                last = slow[k, t] = beta * last + (1 - beta) * theta[t]
        np.testing.assert_allclose(v, slow, rtol=1e-12, atol=1e-15)
    for bad in (np.nan, np.inf):
        for shape, where in [((9,), 0), ((9,), 8), ((9, 2), (3, 1))]:
            theta = np.ones(shape)
            theta[where] = bad
            with pytest.raises(ValueError, match="theta must be finite"):
                averages.ema(theta, beta=0.0)
    averages._loops.cache_clear()


# ---------------------------------------------------------------------------------------------------------
# What it refuses, and what it costs


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            lambda a: a.astype(np.float64),
            r"s must have shape \(9,\) and dtype float32, as w has, got \(9,\) and float64",
        ),
        (lambda a: a[:5], r"s must have shape \(9,\) and dtype float32, as w has, got \(5,\) and float32"),
    ],
)
def test_arrays_that_differ_are_named_and_nothing_is_changed(one_engine, broken, message):
    arrays, step, constants = arguments_of(optimizers.adam_step, 9, np.float32)
    arrays[3] = broken(arrays[3])
    before = [a.copy() for a in arrays]
    with pytest.raises(ValueError, match=message):
        engine.fuse(optimizers.adam_step).apply(*arrays, *step, **constants)
    for array, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, old)


def with_a_loop(w, dw, *, lr):
    for _ in range(3):
        w = w - lr * dw
    return w


def without_a_result(w, dw, *, lr):
    w = w - lr * dw


def with_a_number_twice(w, dw, *, lr):
    lr = lr / 2
    return w - lr * dw


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (with_a_loop, "with_a_loop must consist of assignments"),
        (without_a_result, "must end by returning"),
        (with_a_number_twice, "may not assign to the number 'lr' again"),
    ],
)
def test_what_is_no_formula_is_refused(formula, message):
    with pytest.raises(TypeError, match=message):
        engine._Formula(formula)


@DTYPE
def test_a_step_allocates_nothing_of_the_parameters_size(one_engine, dtype):
    arrays, step, constants = arguments_of(optimizers.adamw_step, engine.SHARE_FROM - 1, dtype)
    kernel = engine.fuse(optimizers.adamw_step)
    kernel.apply(*arrays, *step, **constants)
    tracemalloc.start()
    kernel.apply(*arrays, *step, **constants)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000


def test_the_variable_must_name_an_engine(monkeypatch):
    monkeypatch.setenv("COURSE_LIB_ENGINE", "fortran")
    engine._numba.cache_clear()
    with pytest.raises(ValueError, match="COURSE_LIB_ENGINE must be 'numba', 'numpy' or empty, got 'fortran'"):
        engine.engine_name()
    engine._numba.cache_clear()


def test_without_numba_numpy_does_the_work_and_numba_is_missed_only_where_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delenv("COURSE_LIB_ENGINE", raising=False)
    engine._numba.cache_clear()
    assert engine.engine_name() == "numpy"
    monkeypatch.setenv("COURSE_LIB_ENGINE", "numba")
    engine._numba.cache_clear()
    with pytest.raises(ImportError):
        engine.engine_name()
    engine._numba.cache_clear()


# ---------------------------------------------------------------------------------------------------------
# Processes, threads and folders

STEPS = """
import numpy as np
from course_lib import engine
from course_lib.optimizers import Adam
assert engine.engine_name() == "numba"
for size in (10, engine.SHARE_FROM + 1):
    w = np.linspace(-1, 1, size, dtype=np.float32)
    optimizer = Adam(w)
    for _ in range(3):
        optimizer.step(w.copy())
    print(w[-1], float(w.sum(dtype=float)).hex())
"""


def run(code, folder=ROOT, **environment):
    environment = {**os.environ, "COURSE_LIB_ENGINE": "numba", "PYTHONPATH": str(folder), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def output_of(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


@pytest.fixture
def a_copy(tmp_path):
    """A fresh copy of the library, without anything compiled."""
    shutil.copytree(ROOT / "course_lib", tmp_path / "course_lib", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_two_processes_may_compile_at_once_and_the_next_one_need_not(a_copy):
    first, second = run(STEPS, a_copy), run(STEPS, a_copy)
    expected = output_of(first)
    assert output_of(second) == expected
    kept = sorted((a_copy / "course_lib" / "__pycache__").glob("*adam_step*.nbc"))
    assert kept
    assert output_of(run(STEPS, a_copy)) == expected
    after = sorted((a_copy / "course_lib" / "__pycache__").glob("*adam_step*.nbc"))
    assert [(p.name, p.stat().st_mtime_ns) for p in after] == [(p.name, p.stat().st_mtime_ns) for p in kept]


def test_where_nothing_can_be_kept_every_process_compiles(a_copy):
    for name in (
        "course_lib/__pycache__",
        "home",
    ):  # a file where a folder should be: not even root can write there
        (a_copy / name).write_text("")
    home = str(a_copy / "home")
    out = output_of(
        run(STEPS, a_copy, HOME=home, XDG_CACHE_HOME=home, LOCALAPPDATA=home, PYTHONDONTWRITEBYTECODE="1")
    )
    assert out == output_of(run(STEPS))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_computes_too():
    code = STEPS + (
        "import os, sys\n"
        "sys.stdout.flush()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    w = np.linspace(-1, 1, engine.SHARE_FROM + 1, dtype=np.float32)\n"
        "    optimizer = Adam(w)\n"
        "    for _ in range(3): optimizer.step(w.copy())\n"
        "    print('child', float(w.sum(dtype=float)).hex(), flush=True)\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    lines = output_of(run(code, PYTHONWARNINGS="ignore")).splitlines()
    assert lines[2].split()[1] == lines[1].split()[1]


def test_threads_may_step_at_the_same_time():
    def train(seed):
        rng = np.random.default_rng(seed)
        w = rng.normal(size=engine.SHARE_FROM + 10)
        optimizer = optimizers.RMSprop(w)
        for _ in range(20):
            optimizer.step(np.sin(w))
        return w

    expected = [train(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for alone, beside in zip(expected, pool.map(train, range(4)), strict=True):
            assert alone.tobytes() == beside.tobytes()
