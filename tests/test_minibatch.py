import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.minibatch import expected_gradient_noise, gradient_noise, iterate_minibatches, steps_per_epoch

properties = settings(deadline=None, derandomize=True, max_examples=60)
sizes = st.integers(1, 40)


@properties
@given(st.integers(1, 10**12), st.integers(1, 10**6))
def test_steps_per_epoch_counts_the_starts(m, batch_size):
    assert steps_per_epoch(m, batch_size) == len(range(0, m, batch_size))


def test_steps_per_epoch_is_exact_where_floats_are_not():
    assert steps_per_epoch(10**17 + 1, 1) == 10**17 + 1
    assert type(steps_per_epoch(np.int64(10), np.int32(4))) is int


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((0, 1), ValueError, "m must be at least 1, got 0"),
        ((10, 0), ValueError, "batch_size must be at least 1, got 0"),
        ((10, -4), ValueError, "batch_size must be at least 1, got -4"),
        ((10.0, 4), TypeError, "m must be a whole number, got 10.0"),
        ((10, True), TypeError, "batch_size must be a whole number, got True"),
        ((10, float("nan")), TypeError, "batch_size must be a whole number, got nan"),
    ],
)
def test_steps_per_epoch_names_what_is_wrong(arguments, error, said):
    with pytest.raises(error, match=said):
        steps_per_epoch(*arguments)


# ---------------------------------------------------------------------------------------------------------
# iterate_minibatches


@properties
@given(m=sizes, batch_size=sizes, seed=st.integers(0, 99))
def test_an_epoch_deals_out_every_example_once(m, batch_size, seed):
    X, y = np.arange(2.0 * m).reshape(m, 2), np.arange(m)
    X_before, y_before = X.copy(), y.copy()
    batches = list(iterate_minibatches(X, y, batch_size=batch_size, rng=np.random.default_rng(seed)))
    assert len(batches) == steps_per_epoch(m, batch_size)
    assert [len(y_batch) for _, y_batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    rows = np.concatenate([y_batch for _, y_batch in batches])
    np.testing.assert_array_equal(np.sort(rows), y)
    np.testing.assert_array_equal(np.concatenate([X_batch for X_batch, _ in batches]), X[rows])
    for X_batch, y_batch in batches:
        X_batch[...], y_batch[...] = -1, -1  # copies: the caller's data stay
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)


def epoch(seed_or_rng, m=50, batch_size=7):
    rng = np.random.default_rng(seed_or_rng)
    batches = iterate_minibatches(np.zeros((m, 1)), np.arange(m), batch_size=batch_size, rng=rng)
    return np.concatenate([y for _, y in batches]).tolist()


def test_the_order_is_the_generators():
    assert epoch(0) == epoch(0)
    assert epoch(0) != epoch(1)
    rng = np.random.default_rng(0)
    first, second = epoch(rng), epoch(rng)
    assert first == epoch(0)
    assert second != first
    expected = np.random.default_rng(0)
    assert (first, second) == (expected.permutation(50).tolist(), expected.permutation(50).tolist())


def test_every_place_of_the_order_is_equally_likely():
    rng = np.random.default_rng(0)
    firsts = np.bincount([epoch(rng, m=5, batch_size=2)[0] for _ in range(1000)], minlength=5)
    assert np.all(np.abs(firsts - 200) < 5 * np.sqrt(1000 * 0.2 * 0.8))


def test_rows_may_have_any_shape_and_dtype():
    X, y = np.zeros((5, 4, 4), np.uint8), np.zeros((5, 2), np.float32)
    shapes = [
        (a.shape, b.shape, a.dtype, b.dtype)
        for a, b in iterate_minibatches(X, y, batch_size=3, rng=np.random.default_rng(0))
    ]
    uint8, float32 = np.dtype("u1"), np.dtype("f4")
    assert shapes == [((3, 4, 4), (3, 2), uint8, float32), ((2, 4, 4), (2, 2), uint8, float32)]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (
            {"X": np.zeros((0, 2)), "y": np.zeros(0)},
            ValueError,
            r"X must have at least one row, got shape \(0, 2\)",
        ),
        ({"X": 3.0}, ValueError, "X must have at least one row"),
        ({"y": np.zeros(3)}, ValueError, r"equally many rows, got shapes \(4, 2\) and \(3,\)"),
        ({"y": 1}, ValueError, "equally many rows"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": 2.0}, TypeError, "batch_size must be a whole number, got 2.0"),
        ({"batch_size": None}, TypeError, "batch_size must be a whole number, got None"),
        ({"rng": 0}, TypeError, "rng must be a numpy.random.Generator"),
        ({"rng": None}, TypeError, "rng must be a numpy.random.Generator"),
    ],
)
def test_bad_arguments_are_named_at_the_call(change, error, said):
    good = {"X": np.zeros((4, 2)), "y": np.zeros(4), "batch_size": 2, "rng": np.random.default_rng(0)}
    with pytest.raises(error, match=said):
        iterate_minibatches(**good | change)


# ---------------------------------------------------------------------------------------------------------
# Gradient noise


@properties
@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 99))
def test_gradient_noise_is_the_covariance_of_repeated_rows(T, p, seed):
    rng = np.random.default_rng(seed)
    gradients, batch_sizes = rng.normal(size=(T, p)), rng.integers(1, 9, T)
    mean, variance = gradient_noise(gradients, batch_sizes)
    repeated = np.repeat(gradients, batch_sizes, axis=0)
    np.testing.assert_allclose(mean, repeated.mean(axis=0), atol=1e-14)
    covariance = np.atleast_2d(np.cov(repeated.T, bias=True))
    assert variance == pytest.approx(np.trace(covariance), abs=1e-14)
    assert isinstance(variance, float)


def test_the_weighted_mean_is_the_full_gradient():
    rng = np.random.default_rng(0)
    examples = rng.normal(size=(10, 3))
    pieces = np.split(examples, [4, 8])
    mean, _ = gradient_noise(np.array([piece.mean(axis=0) for piece in pieces]), np.array([4, 4, 2]))
    np.testing.assert_allclose(mean, examples.mean(axis=0), atol=1e-15)


@pytest.mark.parametrize(
    ("gradients", "batch_sizes", "error", "said"),
    [
        (np.ones(3), np.ones(3, int), ValueError, "gradients must have 2 dimensions"),
        (np.ones((3, 2)), np.ones(2, int), ValueError, r"batch_sizes must have shape \(3,\), got \(2,\)"),
        (np.ones((0, 2)), np.ones(0, int), ValueError, "batch_sizes must have shape"),
        (np.full((3, 2), np.nan), np.ones(3, int), ValueError, "gradients must be finite"),
        (np.ones((3, 2), complex), np.ones(3, int), TypeError, "gradients must be an array of numbers"),
        (np.ones((2, 2)), [1, 0], ValueError, "batch_sizes must be whole numbers of at least 1"),
        (np.ones((2, 2)), [4, -1], ValueError, "batch_sizes must be whole numbers of at least 1"),
    ],
)
def test_gradient_noise_names_what_is_wrong(gradients, batch_sizes, error, said):
    with pytest.raises(error, match=said):
        gradient_noise(gradients, batch_sizes)


@pytest.mark.parametrize("batch_sizes", [[1.5, 2.5], [1.0, 2.0], [True, True], [1, np.nan]])
def test_batch_sizes_are_counts(batch_sizes):
    with pytest.raises((TypeError, ValueError), match="batch_sizes must be whole numbers"):
        gradient_noise(np.ones((2, 2)), batch_sizes)


@pytest.mark.parametrize("m", [1, 2, 5, 7])
def test_expected_noise_is_the_average_over_all_batches(m):
    examples = np.random.default_rng(m).normal(size=(m, 2))
    full = examples.mean(axis=0)
    _, example_variance = gradient_noise(examples, np.ones(m, int))
    for batch_size in range(1, m + 1):
        batches = [examples[list(rows)].mean(axis=0) for rows in itertools.combinations(range(m), batch_size)]
        exact = np.mean(np.sum((np.array(batches) - full) ** 2, axis=1))
        assert expected_gradient_noise(example_variance, m, batch_size) == pytest.approx(exact, abs=1e-15)


def test_expected_noise_vanishes_at_the_full_batch():
    assert expected_gradient_noise(3.0, 8, 8) == 0
    assert expected_gradient_noise(3.0, 1, 1) == 0
    assert expected_gradient_noise(3.0, 8, 1) == 3.0
    assert expected_gradient_noise(0, 8, 2) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((-1.0, 8, 2), ValueError, "example_variance must be finite and at least 0, got -1"),
        ((np.nan, 8, 2), ValueError, "example_variance must be finite and at least 0, got nan"),
        ((True, 8, 2), TypeError, "example_variance must be a number, got True"),
        ((1.0, 0, 1), ValueError, "m must be at least 1, got 0"),
        ((1.0, 8, 9), ValueError, "batch_size must be between 1 and 8, got 9"),
        ((1.0, 8, 2.0), TypeError, "batch_size must be a whole number, got 2.0"),
    ],
)
def test_expected_noise_names_what_is_wrong(arguments, error, said):
    with pytest.raises(error, match=said):
        expected_gradient_noise(*arguments)
