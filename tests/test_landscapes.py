"""The landscapes against central differences, their descents, and the exact analysis against eigenvalues."""

import itertools
import math

import numpy as np
import pytest

from course_lib import optimizers
from course_lib.exercises import week04
from course_lib.landscapes import (
    descend,
    double_well,
    momentum_spectral_radius,
    optimal_momentum,
    plateau,
    quadratic,
    ravine,
    rosenbrock,
    rotation,
    saddle,
)

TILTED = np.array([[3.0, 1.0, 0.0], [1.0, -2.0, 0.5], [0.0, 0.5, 1.0]])
LANDSCAPES = [
    quadratic(TILTED),
    ravine(),
    ravine(flat=0.5, steep=40.0, angle=np.pi / 5),
    saddle(),
    plateau(),
    double_well(),
    double_well(tilt=0.0),
    rosenbrock(),
]
every_landscape = pytest.mark.parametrize("landscape", LANDSCAPES, ids=lambda landscape: landscape.name)


def points_of(landscape, seed=0):
    return np.random.default_rng(seed).normal(size=(6, len(landscape.start)))


def central_difference(function, w, h=1e-5):
    """Return the derivatives of `function` with respect to each entry of w, along the first axis."""
    return np.array([(function(w + h * e) - function(w - h * e)) / (2 * h) for e in np.eye(len(w))])


# ---------------------------------------------------------------------------------------------------------
# Surfaces


@every_landscape
def test_the_gradient_is_the_slope_of_the_value(landscape):
    for w in points_of(landscape):
        measured = central_difference(landscape.value, w)
        np.testing.assert_allclose(landscape.gradient(w), measured, rtol=1e-6, atol=1e-7)


@every_landscape
def test_the_hessian_is_the_slope_of_the_gradient(landscape):
    for w in points_of(landscape):
        hessian = landscape.hessian(w)
        np.testing.assert_array_equal(hessian, hessian.T)
        np.testing.assert_allclose(hessian, central_difference(landscape.gradient, w), rtol=1e-6, atol=1e-6)


@every_landscape
def test_one_function_serves_a_point_and_a_grid(landscape):
    points = points_of(landscape)
    grid = points.reshape(2, 3, -1)
    assert landscape.value(grid).shape == (2, 3)
    assert landscape.gradient(grid).shape == grid.shape
    for i, j in itertools.product(range(2), range(3)):
        np.testing.assert_allclose(landscape.value(grid)[i, j], landscape.value(grid[i, j]))
        np.testing.assert_allclose(landscape.gradient(grid)[i, j], landscape.gradient(grid[i, j]))


@pytest.mark.parametrize(
    "landscape",
    [surface for surface in LANDSCAPES if surface.minimum is not None],
    ids=lambda surface: surface.name,
)
def test_the_minimum_is_flat_and_nothing_near_or_far_is_lower(landscape):
    np.testing.assert_allclose(landscape.gradient(landscape.minimum), 0, atol=1e-12)
    assert np.linalg.eigvalsh(landscape.hessian(landscape.minimum))[0] >= 0
    others = 3 * np.random.default_rng(1).normal(size=(2000, len(landscape.start)))
    assert landscape.value(others).min() >= landscape.value(landscape.minimum) - 1e-12


def test_a_quadratic_without_a_lowest_point_names_none():
    assert quadratic(TILTED).minimum is None
    assert quadratic(np.eye(3)).minimum.tolist() == [0, 0, 0]


def test_a_quadratic_keeps_its_own_matrix():
    surface = quadratic(np.diag([1.0, 2.0]), name="bowl", start=np.array([3.0, 4.0]))
    surface.hessian(surface.start)[:] = 0
    assert surface.hessian(surface.start).tolist() == [[1, 0], [0, 2]]
    assert (surface.name, surface.start.tolist()) == ("bowl", [3, 4])


def test_rotation_turns_counter_clockwise_and_keeps_lengths():
    np.testing.assert_allclose(rotation(np.pi / 2) @ [1, 0], [0, 1], atol=1e-15)
    turn = rotation(0.7)
    np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-15)


def test_a_turned_ravine_is_the_same_problem():
    plain, turned = ravine(flat=1, steep=30), ravine(flat=1, steep=30, angle=0.6)
    np.testing.assert_allclose(np.linalg.eigvalsh(turned.hessian(turned.start)), [1, 30])
    np.testing.assert_allclose(turned.value(turned.start), plain.value(plain.start))
    paths = [descend(surface, lambda w: optimizers.SGD(w, lr=0.05), steps=20) for surface in (plain, turned)]
    np.testing.assert_allclose(paths[1], paths[0] @ rotation(0.6).T, atol=1e-12)


def test_the_deeper_valley_of_the_double_well_is_the_minimum():
    well = double_well(tilt=0.2)
    local = descend(well, lambda w: optimizers.SGD(w, lr=0.1), steps=500)[-1]
    assert local[0] > 0 > well.minimum[0]
    assert well.value(local) > well.value(well.minimum)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: quadratic(np.array([[1.0, 2.0], [0.0, 1.0]])), "matrix must be square and symmetric"),
        (lambda: quadratic(np.ones((2, 3))), "matrix must be square and symmetric"),
        (lambda: quadratic(np.ones(3)), "matrix must have 2 dimensions"),
        (lambda: ravine(flat=0), "flat must be finite and greater than 0, got 0"),
        (lambda: ravine(steep=-1.0), "steep must be finite and greater than 0"),
        (lambda: double_well(tilt=0.4), "tilt must be finite and at least 0 and less than 0.3849"),
        (lambda: double_well(tilt=-0.1), "tilt must be finite and at least 0"),
    ],
)
def test_impossible_surfaces_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---------------------------------------------------------------------------------------------------------
# descend


def test_descend_returns_the_start_and_the_place_after_each_step():
    path = descend(ravine(flat=1, steep=10), lambda w: optimizers.SGD(w, lr=0.1), steps=3)
    t = np.arange(4)
    np.testing.assert_allclose(path, np.stack([-2 * 0.9**t, [1, 0, 0, 0]], axis=1), atol=1e-15)


def test_descend_leaves_the_start_alone():
    surface, start = ravine(), np.array([1, 2])
    before = surface.start.copy()
    path = descend(surface, lambda w: optimizers.SGD(w, lr=0.1), steps=2, start=start)
    assert path[0].tolist() == start.tolist() == [1, 2]
    descend(surface, lambda w: optimizers.SGD(w, lr=0.1), steps=2)
    np.testing.assert_array_equal(surface.start, before)


def test_the_noise_is_gaussian_with_its_standard_deviation_and_repeatable():
    flat = quadratic(np.zeros((4, 4)))

    def walk(seed):
        sgd = lambda w: optimizers.SGD(w, lr=1.0)  # noqa: E731 - as it is written in the course
        return descend(flat, sgd, steps=5000, noise=0.5, rng=np.random.default_rng(seed))

    steps = np.diff(walk(0), axis=0)
    assert abs(steps.std() - 0.5) < 0.02
    assert abs(steps.mean()) < 0.02
    np.testing.assert_array_equal(walk(0), walk(0))
    assert not np.array_equal(walk(0), walk(1))


def test_a_descent_that_explodes_is_recorded():
    path = descend(ravine(), lambda w: optimizers.SGD(w, lr=1e3), steps=200)
    assert np.isfinite(path[0]).all()
    assert not np.isfinite(path[-1]).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": 0}, ValueError, "steps must be at least 1, got 0"),
        ({"steps": 2.0}, TypeError, "steps must be a whole number"),
        ({"steps": 1, "noise": -1.0}, ValueError, "noise must be finite and at least 0"),
        ({"steps": 1, "noise": 1.0}, TypeError, "rng must be a numpy.random.Generator"),
        ({"steps": 1, "start": np.ones((1, 2))}, ValueError, "start must have 1 dimensions"),
    ],
)
def test_descend_names_a_bad_argument(options, error, message):
    with pytest.raises(error, match=message):
        descend(ravine(), lambda w: optimizers.SGD(w, lr=0.1), **options)


# ---------------------------------------------------------------------------------------------------------
# Exact analysis


def matrix_of_momentum(curvature, lr, beta):
    """Return the matrix of one step of the library's momentum on (w, v), found by applying it to unit vectors."""
    columns = [optimizers.momentum_step(w, curvature * w, v, lr=lr, beta=beta) for w, v in np.eye(2)]
    return np.array(columns).T


GRID = list(itertools.product([0.0, 0.3, 0.81, 0.97], [-0.5, 0.0, 0.02, 0.7, 1.3, 9.0, 60.0]))


@pytest.mark.parametrize(("beta", "x"), GRID)
def test_the_spectral_radius_is_that_of_the_matrix(beta, x):
    expected = np.abs(np.linalg.eigvals(matrix_of_momentum(x / 0.4, 0.4, beta))).max()
    assert momentum_spectral_radius(x / 0.4, lr=0.4, beta=beta) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("beta", "x"), [(beta, x) for beta, x in GRID if x > 0])
def test_the_spectral_radius_is_the_rate_of_a_long_run(beta, x):
    matrix, state, log_size, steps = matrix_of_momentum(x, 1.0, beta), np.array([1.0, 0.0]), 0.0, 8000
    for _ in range(steps):
        state = matrix @ state
        length = np.linalg.norm(state)
        log_size += math.log(length)
        state /= length
    assert math.exp(log_size / steps) == pytest.approx(momentum_spectral_radius(x, lr=1.0, beta=beta), rel=2e-3)


def test_the_spectral_radius_takes_arrays_and_knows_gradient_descent():
    curvature = np.array([0.0, 0.5, 1.0, 3.0])
    np.testing.assert_allclose(momentum_spectral_radius(curvature, lr=0.8, beta=0.0), np.abs(1 - 0.8 * curvature))
    beta = np.array([[0.1], [0.9]])
    table = momentum_spectral_radius(curvature, lr=0.8, beta=beta)
    assert table.shape == (2, 4)
    for (i, b), (j, c) in itertools.product(enumerate(beta[:, 0]), enumerate(curvature)):
        assert table[i, j] == pytest.approx(momentum_spectral_radius(float(c), lr=0.8, beta=float(b)))


@pytest.mark.parametrize("beta", [0.0, 0.2, 0.9, 0.99])
def test_the_edges_of_the_regions(beta):
    root = beta**0.5
    limit = 2 * (1 + beta) / (1 - beta)
    assert momentum_spectral_radius(limit * 0.999, lr=1.0, beta=beta) < 1
    assert momentum_spectral_radius(limit * 1.001, lr=1.0, beta=beta) > 1
    if beta:
        inside = np.geomspace((1 - root) / (1 + root) * 1.001, (1 + root) / (1 - root) * 0.999, 9)
        np.testing.assert_allclose(momentum_spectral_radius(inside, lr=1.0, beta=beta), root, rtol=1e-9)
        outside = np.array([inside[0] * 0.99, inside[-1] * 1.01])
        assert np.all(momentum_spectral_radius(outside, lr=1.0, beta=beta) > root)


@pytest.mark.parametrize(("smallest", "largest"), [(1.0, 1.0), (0.3, 0.6), (1.0, 20.0), (0.02, 50.0)])
def test_no_grid_point_beats_the_optimal_momentum(smallest, largest):
    lr, beta, rate = optimal_momentum(smallest, largest)
    kappa = largest / smallest
    assert rate == pytest.approx((kappa**0.5 - 1) / (kappa**0.5 + 1))
    curvatures = np.geomspace(smallest, largest, 41)
    np.testing.assert_allclose(momentum_spectral_radius(curvatures, lr=lr, beta=beta), rate, atol=1e-7)
    rates = lr * np.geomspace(0.05, 20, 401)[:, None, None]
    betas = np.linspace(0, 0.995, 200)[:, None]
    worst = momentum_spectral_radius(np.array([smallest, largest]), lr=rates, beta=betas).max(axis=-1)
    assert worst.min() >= rate - 1e-9
    assert worst.min() <= rate + 0.02


def test_the_optimal_momentum_of_a_ravine_is_reached_by_the_optimizer():
    lr, beta, rate = optimal_momentum(1.0, 100.0)
    path = descend(ravine(flat=1, steep=100), lambda w: optimizers.Momentum(w, lr=lr, beta=beta), steps=150)
    measured = (np.linalg.norm(path[150]) / np.linalg.norm(path[100])) ** (1 / 50)
    assert rate < measured < rate + 0.01
    gd = descend(ravine(flat=1, steep=100), lambda w: optimizers.SGD(w, lr=2 / 101), steps=150)
    assert (np.linalg.norm(gd[150]) / np.linalg.norm(gd[100])) ** (1 / 50) == pytest.approx(99 / 101)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: momentum_spectral_radius(1.0, lr=-0.1, beta=0.9), ValueError, "lr must be at least 0, got -0.1"),
        (lambda: momentum_spectral_radius(1.0, lr=0.1, beta=1.0), ValueError, "beta must be at least 0 and less"),
        (lambda: momentum_spectral_radius(1.0, lr=0.1, beta=[0.5, -1]), ValueError, "less than 1, got -1"),
        (lambda: momentum_spectral_radius(np.nan, lr=0.1, beta=0.5), ValueError, "curvature must be finite"),
        (lambda: momentum_spectral_radius("1", lr=0.1, beta=0.5), TypeError, "curvature must be an array"),
        (lambda: optimal_momentum(0.0, 1.0), ValueError, "smallest must be finite and greater than 0"),
        (lambda: optimal_momentum(2.0, 1.0), ValueError, "largest must be finite and at least 2"),
        (lambda: optimal_momentum("1", 1.0), TypeError, "smallest must be a number"),
    ],
)
def test_the_analysis_names_a_bad_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---------------------------------------------------------------------------------------------------------
# The reference answers of week 04 are the library's


def test_the_references_of_the_analysis_agree_with_the_library():
    curvature, beta = np.array([-1.0, 0.0, 0.3, 2.0, 40.0]), np.array([[0.0], [0.4], [0.9]])
    expected = momentum_spectral_radius(curvature, lr=0.7, beta=beta)
    np.testing.assert_allclose(week04.momentum_spectral_radius(curvature, lr=0.7, beta=beta), expected, rtol=1e-12)
    np.testing.assert_allclose(week04.optimal_momentum(0.3, 50.0), optimal_momentum(0.3, 50.0), rtol=1e-12)


def test_the_references_of_the_steps_agree_with_the_library():
    surface = ravine(flat=1, steep=30, angle=0.4)
    expected = descend(surface, lambda w: optimizers.Momentum(w, lr=0.1, beta=0.6), steps=20)
    params, v = {"w": surface.start}, {"w": np.zeros(2)}
    for place in expected[1:]:
        grads = {"w": surface.gradient(params["w"])}
        params, v = week04.momentum_step(params, grads, v, lr=0.1, beta=0.6)
        np.testing.assert_allclose(params["w"], place, rtol=0, atol=1e-12)
    ahead = descend(surface, lambda w: optimizers.Nesterov(w, lr=0.05, beta=0.6), steps=20)
    w, velocity = surface.start, np.zeros(2)
    for place in ahead[1:]:
        w, velocity = week04.nesterov_step(w, velocity, surface.gradient, lr=0.05, beta=0.6)
        np.testing.assert_allclose(w - 0.05 * 0.6 * velocity, place, rtol=0, atol=1e-12)


def test_the_reference_of_the_conversion_makes_the_two_forms_one():
    surface = ravine(flat=1, steep=30)
    heavy_lr = week04.convert_learning_rate(0.1, beta=0.8, to="heavy ball")
    assert week04.convert_learning_rate(heavy_lr, beta=0.8, to="average") == pytest.approx(0.1)
    average = descend(surface, lambda w: optimizers.Momentum(w, lr=0.1, beta=0.8), steps=40)
    heavy = descend(surface, lambda w: optimizers.HeavyBall(w, lr=heavy_lr, beta=0.8), steps=40)
    np.testing.assert_allclose(heavy, average, rtol=0, atol=1e-12)
