"""The optimizers against PyTorch's, and what they promise beyond: dtypes, state, schedules, errors."""

import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest

from course_lib import optimizers
from course_lib.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    HeavyBall,
    Momentum,
    Nesterov,
    RMSprop,
)

GOLDEN = Path(__file__).parent / "golden"


def load_maker():
    """Import the script that made the golden values: it holds the problem and the runs."""
    spec = importlib.util.spec_from_file_location("make_optimizers", GOLDEN / "make_optimizers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = load_maker()
CLASSES = {
    "sgd": SGD,
    "momentum": Momentum,
    "heavy ball": HeavyBall,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "amsgrad": AMSGrad,
}
ALL = pytest.mark.parametrize("kind", CLASSES.values(), ids=CLASSES)
RUNS = pytest.mark.parametrize("name", maker.RUNS)


def make_like_pytorch(name, params):
    """Return our optimizer for a run of PyTorch's."""
    _, options, scheduled = maker.RUNS[name]
    kind = CLASSES[name.split(",")[0]]
    ours = {"eps": options["eps"]} if "eps" in options else {}
    lr = options.get("lr", 1e-3)
    if "betas" in options:
        ours["beta1"], ours["beta2"] = options["betas"]
    if "alpha" in options:
        ours["beta"] = options["alpha"]
    if "weight_decay" in options:
        ours["weight_decay"] = options["weight_decay"]
    if "momentum" in options:
        ours["beta"] = options["momentum"]
        if kind in (Momentum, Nesterov):
            lr = lr / (1 - options["momentum"])
    return kind(params, lr=(lambda t: lr * maker.falling(t)) if scheduled else lr, **ours)


def run_ours(name):
    """Return the parameters after each step and the optimizer at the end."""
    params = maker.START.copy()
    optimizer = make_like_pytorch(name, params)
    path = []
    for t in range(1, maker.STEPS + 1):
        optimizer.step(maker.gradient(params, t))
        path.append(params.copy())
    return np.array(path), optimizer


# ---------------------------------------------------------------------------------------------------------
# PyTorch


@RUNS
def test_fifty_steps_are_pytorchs(name):
    golden = np.load(GOLDEN / "optimizers.npz")
    path, optimizer = run_ours(name)
    np.testing.assert_allclose(path[np.array(maker.KEPT) - 1], golden[f"{name}/path"], rtol=0, atol=1e-13)
    state = {key.split("/")[1]: golden[key] for key in golden.files if key.startswith(f"{name}/")}
    del state["path"]
    assert_same_state(optimizer, state)


@RUNS
def test_fifty_steps_are_those_of_the_pytorch_installed_here(name):
    pytest.importorskip("torch")
    expected, state = maker.run_pytorch(name)
    path, optimizer = run_ours(name)
    np.testing.assert_allclose(path, expected, rtol=0, atol=1e-13)
    assert_same_state(optimizer, state)


def assert_same_state(optimizer, expected):
    averaged = isinstance(optimizer, Momentum) and not isinstance(optimizer, HeavyBall)
    assert {key for key in ("v", "s", "s_max") if hasattr(optimizer, key)} == set(expected)
    for key, value in expected.items():
        scale = 1 - optimizer.beta if averaged else 1  # PyTorch leaves the factor 1 − beta out
        np.testing.assert_allclose(getattr(optimizer, key), scale * value, rtol=1e-11, atol=1e-16)


def test_the_golden_file_holds_the_runs_of_its_script():
    golden = np.load(GOLDEN / "optimizers.npz")
    assert {key.split("/")[0] for key in golden.files} == set(maker.RUNS)
    assert {name.split(",")[0] for name in maker.RUNS} == set(CLASSES)
    assert all(golden[f"{name}/path"].shape == (len(maker.KEPT), len(maker.START)) for name in maker.RUNS)


@RUNS
def test_a_wrong_eps_or_order_would_be_noticed(name):
    """The steps are large enough, and eps matters enough, for the tolerance above to mean something."""
    path, _ = run_ours(name)
    steps = np.abs(np.diff(path, axis=0))
    assert np.median(steps[steps > 0]) > 1e9 * 1e-13
    options = maker.RUNS[name][1]
    if "eps" in options:
        params = maker.START.copy()
        other = make_like_pytorch(name, params)
        other.eps *= 1.01
        for t in range(1, maker.STEPS + 1):
            other.step(maker.gradient(params, t))
        assert np.abs(params - path[-1]).max() > 1e-8


# ---------------------------------------------------------------------------------------------------------
# State


def gradients(p=6, steps=12, dtype=np.float64):
    return np.random.default_rng(5).normal(size=(steps, p)).astype(dtype)


def start(p=6, dtype=np.float64):
    return np.random.default_rng(6).normal(size=p).astype(dtype)


def moments(optimizer):
    return {key: getattr(optimizer, key) for key in ("v", "s", "s_max") if hasattr(optimizer, key)}


@ALL
def test_a_step_changes_the_parameters_in_place_and_counts(kind):
    params = start()
    view, before = params[2:4], params.copy()
    optimizer = kind(params, lr=0.1)
    assert (optimizer.t, optimizer.params) == (0, pytest.approx(before))
    for t, grad in enumerate(gradients(), start=1):
        same = grad.copy()
        assert optimizer.step(grad) is None
        assert optimizer.t == t
        np.testing.assert_array_equal(grad, same)
    assert optimizer.params is params
    assert np.all(params != before)
    np.testing.assert_array_equal(view, params[2:4])


@ALL
def test_the_moments_start_at_zero_and_are_arrays_of_their_own(kind):
    params = start()
    state = moments(kind(params, lr=0.1))
    for value in state.values():
        assert value.shape == params.shape
        assert value.dtype == params.dtype
        assert not value.any()
    arrays = [params, *state.values()]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_the_moments_are_the_uncorrected_averages():
    optimizer = Adam(np.zeros(2), beta1=0.8, beta2=0.95)
    for _ in range(7):
        optimizer.step(np.array([3.0, -0.5]))
    np.testing.assert_allclose(optimizer.v, (1 - 0.8**7) * np.array([3.0, -0.5]), rtol=1e-13)
    np.testing.assert_allclose(optimizer.s, (1 - 0.95**7) * np.array([9.0, 0.25]), rtol=1e-13)


@ALL
def test_a_run_can_be_resumed(kind):
    whole, halved = start(), start()
    one = kind(whole, lr=0.1)
    first = kind(halved, lr=0.1)
    for grad in gradients():
        one.step(grad)
    for grad in gradients()[:5]:
        first.step(grad)
    second = kind(halved, lr=0.1)
    second.t = first.t
    for key, value in moments(first).items():
        getattr(second, key)[:] = value
    for grad in gradients()[5:]:
        second.step(grad)
    np.testing.assert_array_equal(halved, whole)
    assert second.t == one.t == 12


@ALL
def test_every_parameter_is_treated_by_itself(kind):
    together, apart = start(), [start()[:2].copy(), start()[2:].copy()]
    one, two = kind(together, lr=0.1), [kind(piece, lr=0.1) for piece in apart]
    for grad in gradients():
        one.step(grad)
        two[0].step(grad[:2])
        two[1].step(grad[2:])
    np.testing.assert_array_equal(together, np.concatenate(apart))


@pytest.mark.parametrize("kind", [Adam, AMSGrad], ids=["Adam", "AMSGrad"])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_the_first_step_is_lr_times_the_sign(kind, size):
    params = np.zeros(3)
    kind(params, lr=0.1).step(size * np.array([1.0, -2.0, 0.5]))
    np.testing.assert_allclose(params, [-0.1, 0.1, -0.1], rtol=1e-3)


def test_amsgrads_second_moment_never_falls():
    params = np.zeros(1)
    adam, amsgrad = Adam(np.zeros(1), beta2=0.5), AMSGrad(params, beta2=0.5)
    for grad in ([8.0], [0.1], [0.1]):
        before = amsgrad.s_max.copy()
        adam.step(np.array(grad))
        amsgrad.step(np.array(grad))
        assert amsgrad.s_max >= before
        np.testing.assert_array_equal(amsgrad.s, adam.s)
    assert amsgrad.s_max == 32.0 > amsgrad.s


def test_weight_decay_is_no_part_of_the_moments():
    plain, decayed = Adam(np.full(1, 5.0)), AdamW(np.full(1, 5.0), weight_decay=0.5)
    for grad in ([1.0], [-3.0], [0.5]):
        plain.step(np.array(grad))
        decayed.step(np.array(grad))
    np.testing.assert_array_equal(decayed.v, plain.v)
    np.testing.assert_array_equal(decayed.s, plain.s)
    still = AdamW(np.full(1, 5.0), lr=0.1, weight_decay=0.5)
    still.step(np.zeros(1))
    np.testing.assert_allclose(still.params, [5.0 * (1 - 0.1 * 0.5)], rtol=1e-15)


# ---------------------------------------------------------------------------------------------------------
# Dtypes


@ALL
def test_float32_stays_float32_and_stays_near_float64(kind):
    ends = {}
    for dtype in (np.float32, np.float64):
        params = start(dtype=dtype)
        optimizer = kind(params, lr=0.01)
        for grad in gradients(steps=50, dtype=np.float32):
            optimizer.step(grad.astype(dtype))
        assert {value.dtype for value in (optimizer.params, *moments(optimizer).values())} == {np.dtype(dtype)}
        ends[dtype] = params
    np.testing.assert_allclose(ends[np.float32], ends[np.float64], rtol=0, atol=2e-6)
    assert not np.array_equal(ends[np.float32], ends[np.float64])


FORMULAS = {name: getattr(optimizers, name) for name in optimizers.__all__ if name.endswith("_step")}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_a_formula_keeps_the_dtype_and_leaves_its_arguments_alone(formula, dtype):
    positional = [p for p in inspect.signature(formula).parameters.values() if p.kind != p.KEYWORD_ONLY]
    args = [3 if p.name == "t" else np.abs(start(dtype=dtype)) for p in positional]
    before = [np.copy(a) for a in args]
    result = formula(*args, lr=0.1)
    for value in result if isinstance(result, tuple) else [result]:
        assert value.dtype == dtype
    for a, b in zip(args, before, strict=True):
        np.testing.assert_array_equal(a, b)


# ---------------------------------------------------------------------------------------------------------
# Schedules and errors


@ALL
def test_a_schedule_is_asked_for_every_step_from_1(kind):
    asked = []

    def schedule(t):
        asked.append(t)
        return 0.1

    scheduled, constant = start(), start()
    one, two = kind(scheduled, lr=schedule), kind(constant, lr=0.1)
    assert asked == []
    for grad in gradients():
        one.step(grad)
        two.step(grad)
    assert asked == list(range(1, 13))
    np.testing.assert_array_equal(scheduled, constant)


@ALL
def test_a_rate_of_zero_stands_still_and_goes_on_averaging(kind):
    params = start()
    optimizer = kind(params, lr=lambda t: 0.0)
    optimizer.step(gradients()[0])
    np.testing.assert_array_equal(params, start())
    assert optimizer.t == 1
    assert all(value.any() for value in moments(optimizer).values())


def assert_untouched_by(optimizer, error, match, grad):
    before = [optimizer.params.copy(), *(value.copy() for value in moments(optimizer).values())]
    with pytest.raises(error, match=match):
        optimizer.step(grad)
    after = [optimizer.params, *moments(optimizer).values()]
    assert all(np.array_equal(a, b) for a, b in zip(after, before, strict=True))
    assert optimizer.t == 0


@ALL
@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf])
def test_a_schedule_out_of_range_is_an_error_and_no_step(kind, rate):
    assert_untouched_by(kind(start(), lr=lambda t: rate), ValueError, "lr must be", gradients()[0])


@ALL
@pytest.mark.parametrize("grad", [np.zeros(5), np.zeros((6, 1)), np.zeros(()), np.zeros(6, dtype=np.float32)])
def test_a_gradient_of_another_shape_or_dtype_is_an_error_and_no_step(kind, grad):
    assert_untouched_by(kind(start(), lr=0.1), ValueError, r"grad must have shape \(6,\)", grad)


@ALL
@pytest.mark.parametrize("lr", [0.0, -1.0, np.nan, np.inf])
def test_a_rate_must_be_positive(kind, lr):
    with pytest.raises(ValueError, match=r"lr must be finite and greater than 0, got"):
        kind(start(), lr=lr)


@ALL
@pytest.mark.parametrize("lr", ["0.1", True, None, [0.1]])
def test_a_rate_must_be_a_number_or_a_schedule(kind, lr):
    with pytest.raises(TypeError, match="lr must be a number"):
        kind(start(), lr=lr)


@ALL
@pytest.mark.parametrize(
    "params",
    [[1.0, 2.0], np.arange(3), np.zeros((2, 3)), np.zeros(3, dtype=np.float16), 1.0, None],
    ids=["list", "integers", "matrix", "float16", "number", "None"],
)
def test_parameters_must_be_a_flat_float_array(kind, params):
    with pytest.raises(TypeError, match="params must be a flat float32 or float64 array"):
        kind(params, lr=0.1)


OPTIONS = [
    (kind, name)
    for kind in CLASSES.values()
    for name in ("beta", "beta1", "beta2", "eps", "weight_decay")
    if hasattr(kind(np.zeros(1), lr=0.1), name)
]


@pytest.mark.parametrize(("kind", "name"), OPTIONS, ids=lambda value: getattr(value, "__name__", value))
def test_options_out_of_range_are_errors(kind, name):
    wrong = {"eps": [0.0, -1e-8], "weight_decay": [-0.1]}.get(name, [1.0, -0.1])
    for value in [*wrong, np.nan, np.inf]:
        with pytest.raises(ValueError, match=f"^{name} must be finite and .*, got"):
            kind(start(), lr=0.1, **{name: value})
    with pytest.raises(TypeError, match=f"^{name} must be a number, got 'much'"):
        kind(start(), lr=0.1, **{name: "much"})


@ALL
def test_hyperparameters_are_given_by_name(kind):
    with pytest.raises(TypeError):
        kind(start(), 0.1)
