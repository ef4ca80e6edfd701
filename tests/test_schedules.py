"""Schedules against closed forms and PyTorch, the hovering radius against its recursion and simulations."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import optimizers, schedules
from course_lib.landscapes import descend, quadratic

# What torch.optim.lr_scheduler (2.13) sets before each step, from lr 0.3, with one scheduler.step() per update.
# Beside each the schedule of ours that should do the same, and its first step. `from_torch` makes them afresh.
TORCH = {
    "ExponentialLR": (
        {"gamma": 0.8},
        [0.3, 0.24, 0.192, 0.1536, 0.12288, 0.098304],
        schedules.exponential(0.3, factor=0.8),
        1,
    ),
    "MultiStepLR": (
        {"milestones": [2, 5], "gamma": 0.1},
        [0.3, 0.3, 0.03, 0.03, 0.03, 0.003, 0.003],
        schedules.staircase(0.3, factor=0.1, milestones=[2, 5]),
        1,
    ),
    "StepLR": (
        {"step_size": 3, "gamma": 0.5},
        [0.3, 0.3, 0.3, 0.15, 0.15, 0.15, 0.075, 0.075],
        schedules.every(0.3, factor=0.5, epochs=3),
        1,
    ),
    # PyTorch's first step is the very top of the cosine, which ours, without a warm-up, has just left.
    "CosineAnnealingLR": (
        {"T_max": 8, "eta_min": 0.03},
        [
            0.3,
            0.289723736889024,
            0.260459415460184,
            0.216662263369287,
            0.165,
            0.113337736630713,
            0.069540584539816,
            0.040276263110976,
            0.03,
        ],
        schedules.cosine(0.3, steps=8, lr_min=0.03),
        0,
    ),
    "LinearLR": (
        {"start_factor": 0.25, "total_iters": 3},
        [0.075, 0.15, 0.225, 0.3],
        schedules.cosine(0.3, steps=100, warmup=4),
        1,
    ),
}
by_scheduler = pytest.mark.parametrize("name", TORCH)


def from_torch(name, options, steps):
    torch = pytest.importorskip("torch")
    parameter = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=0.3)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@by_scheduler
def test_rates_are_pytorchs(name):
    _, golden, schedule, first = TORCH[name]
    t = np.arange(max(first, 1), first + len(golden))
    np.testing.assert_allclose(schedule(t), golden[t[0] - first :], rtol=1e-13)


@by_scheduler
def test_the_golden_rates_are_what_pytorch_gives(name):
    options, golden, _, _ = TORCH[name]
    np.testing.assert_allclose(from_torch(name, options, len(golden)), golden, rtol=1e-13)


# ---------------------------------------------------------------------------------------------------------
# Closed forms, written step by step


def test_decay_per_epoch_as_the_lectures_table_has_it():
    # α₀ = 0.2 and decay rate 1: 0.2, then 0.1, 0.067, 0.05, 0.04.
    lr = schedules.inverse_time(0.2, decay_rate=1.0, steps_per_epoch=5000)
    assert [round(lr(5000 * epoch + 1), 3) for epoch in range(5)] == [0.2, 0.1, 0.067, 0.05, 0.04]
    assert [lr(5000 * epoch) for epoch in (1, 2)] == [0.2, 0.1]


LENGTHS = st.integers(1, 40)
STEPS = st.integers(1, 10_000)


def epochs_before(t, steps_per_epoch):
    """Count finished epochs the slow way."""
    return sum(1 for last in range(steps_per_epoch, t, steps_per_epoch) if last < t)


@given(t=st.integers(1, 300), length=LENGTHS)
def test_per_epoch_schedules_follow_the_finished_epochs(t, length):
    epoch = epochs_before(t, length)
    assert schedules.inverse_time(0.7, decay_rate=0.3, steps_per_epoch=length)(t) == pytest.approx(
        0.7 / (1 + 0.3 * epoch)
    )
    assert schedules.exponential(0.7, factor=0.9, steps_per_epoch=length)(t) == pytest.approx(0.7 * 0.9**epoch)
    assert schedules.inverse_sqrt(0.7, steps_per_epoch=length)(t) == pytest.approx(0.7 / math.sqrt(epoch + 1))
    reached = sum(epoch >= milestone for milestone in (2, 3, 11))
    stairs = schedules.staircase(0.7, factor=0.5, milestones=[2, 3, 11], steps_per_epoch=length)
    assert stairs(t) == pytest.approx(0.7 * 0.5**reached)
    falls = schedules.every(0.7, factor=0.5, epochs=3, steps_per_epoch=length)
    assert falls(t) == pytest.approx(0.7 * 0.5 ** math.floor(epoch / 3))


@given(t=STEPS)
def test_smooth_exponential_decay_falls_by_one_ratio_per_step(t):
    lr = schedules.exponential(0.7, factor=0.5, steps_per_epoch=250, smooth=True)
    assert lr(t + 1) / lr(t) == pytest.approx(0.5 ** (1 / 250))
    assert lr(t + 250) / lr(t) == pytest.approx(0.5)
    assert lr(1) == 0.7


@given(t=STEPS)
def test_decay_by_the_root_of_the_step(t):
    assert schedules.inverse_sqrt(0.5)(t) == pytest.approx(0.5 * t**-0.5)


@given(data=st.data(), steps=st.integers(2, 500), lr_min=st.floats(0, 0.4))
def test_cosine_with_warmup(data, steps, lr_min):
    warmup = data.draw(st.integers(0, steps - 1))
    t = data.draw(st.integers(1, 2 * steps))
    if t <= warmup:
        expected = 0.5 * t / warmup
    elif t < steps:
        angle = math.pi * (t - warmup) / (steps - warmup)
        expected = lr_min + (0.5 - lr_min) * math.cos(angle / 2) ** 2
    else:
        expected = lr_min
    lr = schedules.cosine(0.5, steps=steps, warmup=warmup, lr_min=lr_min)
    assert lr(t) == pytest.approx(expected, abs=1e-15)


def test_cosine_starts_moving_peaks_once_and_ends_at_the_minimum():
    lr = schedules.cosine(0.5, steps=100, warmup=10, lr_min=0.01)
    rates = lr(np.arange(1, 101))
    assert rates[0] == pytest.approx(0.05)
    assert int(np.argmax(rates)) + 1 == 10
    assert rates[9] == 0.5
    assert rates[-1] == 0.01
    assert np.all(np.diff(rates[:10]) > 0)
    assert np.all(np.diff(rates[9:]) < 0)
    assert lr(1000) == 0.01


def test_by_hand_changes_where_it_is_told():
    lr = schedules.by_hand({101: 0.05, 1: 0.5, 301: 0.2})
    assert [lr(t) for t in (1, 100, 101, 300, 301, 10**6)] == [0.5, 0.5, 0.05, 0.05, 0.2, 0.2]


def test_the_range_test_covers_the_range_in_equal_ratios():
    lr = schedules.range_test(1e-4, 10.0, steps=6)
    np.testing.assert_allclose(lr(np.arange(1, 7)), [1e-4, 1e-3, 1e-2, 1e-1, 1, 10], rtol=1e-12)


def test_constant_is_constant():
    assert schedules.constant(0.3)(1) == schedules.constant(0.3)(10**9) == 0.3


# ---------------------------------------------------------------------------------------------------------
# What all schedules share

ALL = {
    "constant": schedules.constant(0.3),
    "inverse time": schedules.inverse_time(0.3, decay_rate=0.5, steps_per_epoch=7),
    "exponential": schedules.exponential(0.3, factor=0.9, steps_per_epoch=7),
    "smooth exponential": schedules.exponential(0.3, factor=0.9, steps_per_epoch=7, smooth=True),
    "inverse root": schedules.inverse_sqrt(0.3, steps_per_epoch=7),
    "staircase": schedules.staircase(0.3, factor=0.1, milestones=[1, 4], steps_per_epoch=7),
    "flat staircase": schedules.staircase(0.3, factor=0.1, milestones=[]),
    "every": schedules.every(0.3, factor=0.1, epochs=2, steps_per_epoch=7),
    "cosine": schedules.cosine(0.3, steps=40, warmup=5, lr_min=0.01),
    "by hand": schedules.by_hand({1: 0.3, 20: 0.1}),
    "range test": schedules.range_test(0.001, 0.3, steps=40),
}
for_each = pytest.mark.parametrize("schedule", ALL.values(), ids=ALL)


@for_each
def test_an_array_of_steps_gives_an_array_of_rates(schedule):
    t = np.arange(1, 61)
    one_by_one = [schedule(int(step)) for step in t]
    assert all(type(rate) is float for rate in one_by_one)
    rates = schedule(t)
    assert rates.dtype == np.float64
    np.testing.assert_allclose(rates, one_by_one, rtol=1e-14)
    np.testing.assert_array_equal(schedule(t.reshape(3, 20)), rates.reshape(3, 20))
    assert schedule(t[:0]).shape == (0,)
    assert type(schedule(np.int32(4))) is float


@for_each
def test_asking_changes_nothing(schedule):
    t = np.arange(1, 61)
    before = schedule(t)
    schedule(t[::-1])
    schedule(7)
    np.testing.assert_array_equal(schedule(t), before)
    np.testing.assert_array_equal(t, np.arange(1, 61))


@for_each
def test_steps_count_from_one_and_are_whole(schedule):
    for t in (0, -3, np.array([1, 0])):
        with pytest.raises(ValueError, match="t counts steps from 1"):
            schedule(t)
    for t in (1.0, "1", None, True, np.array([1.5])):
        with pytest.raises(TypeError, match="t must be a whole number or an array"):
            schedule(t)


@for_each
def test_an_optimizer_follows_the_schedule(schedule):
    w = np.zeros(1)
    optimizer = optimizers.SGD(w, lr=schedule)
    for _ in range(30):
        optimizer.step(np.array([-1.0]))
    assert w[0] == pytest.approx(schedule(np.arange(1, 31)).sum())


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf])
def test_rates_must_be_positive(bad):
    factories = [
        lambda: schedules.constant(bad),
        lambda: schedules.inverse_time(bad, decay_rate=1),
        lambda: schedules.exponential(bad, factor=0.5),
        lambda: schedules.staircase(bad, factor=0.5, milestones=[1]),
        lambda: schedules.every(bad, factor=0.5, epochs=1),
        lambda: schedules.inverse_sqrt(bad),
        lambda: schedules.cosine(bad, steps=10),
        lambda: schedules.by_hand({1: bad}),
        lambda: schedules.range_test(bad, 1.0, steps=10),
    ]
    for make in factories:
        with pytest.raises(ValueError, match=r"(lr0?|lr_max|lr_min|k|rates) must be finite and greater than 0"):
            make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.inverse_time(1, decay_rate=-0.1), "decay_rate must be finite and at least 0"),
        (lambda: schedules.inverse_time(1, decay_rate=1, steps_per_epoch=0), "steps_per_epoch must be at least 1"),
        (lambda: schedules.exponential(1, factor=1.1), "factor must be at most 1"),
        (lambda: schedules.exponential(1, factor=0), "factor must be finite and greater than 0"),
        (lambda: schedules.staircase(1, factor=1.1, milestones=[1]), "factor must be at most 1"),
        (lambda: schedules.staircase(1, factor=0.1, milestones=[4, 2]), "milestones must be strictly ascending"),
        (lambda: schedules.staircase(1, factor=0.1, milestones=[2, 2]), "milestones must be strictly ascending"),
        (lambda: schedules.staircase(1, factor=0.1, milestones=[0, 2]), "milestones must be at least 1"),
        (lambda: schedules.every(1, factor=0.1, epochs=0), "epochs must be at least 1"),
        (lambda: schedules.cosine(1, steps=0), "steps must be at least 1"),
        (lambda: schedules.cosine(1, steps=10, warmup=10), "warmup must be between 0 and steps - 1 = 9"),
        (lambda: schedules.cosine(1, steps=10, warmup=-1), "warmup must be between 0 and steps - 1 = 9"),
        (lambda: schedules.cosine(1, steps=10, lr_min=2), "lr_min must be at most lr_max = 1"),
        (lambda: schedules.cosine(1, steps=10, lr_min=-1), "lr_min must be finite and at least 0"),
        (lambda: schedules.by_hand({2: 0.1}), "rates must say which rate holds from step 1"),
        (lambda: schedules.by_hand({}), "rates must say which rate holds from step 1"),
        (lambda: schedules.by_hand({0: 1, 1: 0.1}), "the steps of rates must be at least 1"),
        (lambda: schedules.range_test(1, 1, steps=10), "lr_max must be finite and greater than 1"),
        (lambda: schedules.range_test(1, 2, steps=1), "steps must be at least 2"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: schedules.constant("0.1"),
        lambda: schedules.inverse_time(1, decay_rate=None),
        lambda: schedules.exponential(1, factor=0.5, steps_per_epoch=2.5),
        lambda: schedules.staircase(1, factor=0.5, milestones=[1.5]),
        lambda: schedules.cosine(1, steps=10, warmup=2.0),
        lambda: schedules.cosine(1, steps=10, warmup=True),
        lambda: schedules.by_hand({1: 0.1, 2.5: 0.1}),
        lambda: schedules.range_test(0.1, 1, steps=True),
    ],
)
def test_wrong_types_are_refused(make):
    with pytest.raises(TypeError, match="must be a"):
        make()


# ---------------------------------------------------------------------------------------------------------
# The hovering radius

VALLEYS = [(0.01, 1.0, 1.0), (0.1, 3.0, 0.5), (0.5, 1.0, 4.0), (0.3, 5.0, 2.0), (0.19, 10.0, 0.1)]


@pytest.mark.parametrize(("lr", "curvature", "noise_variance"), VALLEYS)
def test_the_variance_is_where_the_exact_recursion_ends(lr, curvature, noise_variance):
    variance = 0.0
    for _ in range(5000):
        variance = (1 - lr * curvature) ** 2 * variance + lr**2 * noise_variance
    found = schedules.sgd_steady_state_variance(lr, curvature=curvature, noise_variance=noise_variance)
    assert type(found) is float
    assert found == pytest.approx(variance, rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("lr", "curvature", "noise_variance"), VALLEYS)
def test_the_variance_is_what_a_long_run_of_sgd_shows(lr, curvature, noise_variance, seed):
    # 40 coordinates are 40 independent runs; the first 1,000 steps bring each to its steady state.
    path = descend(
        quadratic(curvature * np.eye(40), start=np.zeros(40)),
        lambda w: optimizers.SGD(w, lr=lr),
        steps=6000,
        noise=math.sqrt(noise_variance),
        rng=np.random.default_rng(seed),
    )[1000:]
    expected = schedules.sgd_steady_state_variance(lr, curvature=curvature, noise_variance=noise_variance)
    # Successive squares have the correlation r² with r = 1 - lr curvature: so many of them are independent.
    correlation = (1 - lr * curvature) ** 2
    independent = path.size * (1 - correlation) / (1 + correlation)
    assert np.mean(path**2) == pytest.approx(expected, rel=4 * math.sqrt(2 / independent))


def test_a_large_rate_never_settles():
    hovers = [
        schedules.sgd_steady_state_variance(lr, curvature=4.0, noise_variance=1.0) for lr in (0.499, 0.5, 0.6, 100)
    ]
    assert math.isfinite(hovers[0])
    assert hovers[1:] == [math.inf] * 3


def test_the_variance_of_arrays_is_broadcast_without_a_warning():
    lr, curvature = np.array([[0.1], [1.0]]), np.array([0.5, 1.0, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = schedules.sgd_steady_state_variance(lr, curvature=curvature, noise_variance=2.0)
    expected = [
        [schedules.sgd_steady_state_variance(a, curvature=c, noise_variance=2.0) for c in (0.5, 1.0, 2.0)]
        for a in (0.1, 1.0)
    ]
    np.testing.assert_array_equal(found, expected)
    assert found[1, 2] == math.inf


@pytest.mark.parametrize("name", ["lr", "curvature", "noise_variance"])
def test_the_variance_needs_positive_numbers(name):
    good = {"lr": 0.1, "curvature": 1.0, "noise_variance": 1.0}
    for bad in (0.0, -1.0, np.array([1.0, 0.0])):
        with pytest.raises(ValueError, match=f"{name} must be greater than 0"):
            schedules.sgd_steady_state_variance(**good | {name: bad})
    with pytest.raises(ValueError, match=f"{name} must be finite"):
        schedules.sgd_steady_state_variance(**good | {name: math.nan})
    with pytest.raises(TypeError, match=f"{name} must be an array of numbers"):
        schedules.sgd_steady_state_variance(**good | {name: "1"})
