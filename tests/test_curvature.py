"""Curvature against exact Hessians, NumPy's and SciPy's own eigenvalues, and closed forms."""

import math

import numpy as np
import pytest
from scipy.optimize import rosen_der, rosen_hess, rosen_hess_prod

from course_lib import curvature, landscapes, networks

ROSENBROCK_POINTS = [np.array([-1.2, 1.0]), np.array([0.3, -0.7, 1.1, 0.5])]


@pytest.fixture
def network():
    return networks.MLP((5, 6, 3), rng=np.random.default_rng(0), l2=0.1)


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    return rng.normal(size=(40, 5)), rng.integers(0, 3, size=40)


def random_symmetric(n, seed=0):
    return curvature.random_symmetric_matrices(1, n, rng=np.random.default_rng(seed))[0]


# ---------------------------------------------------------------------------------------------------------
# Finite differences


@pytest.mark.parametrize("w", ROSENBROCK_POINTS, ids=["n=2", "n=4"])
def test_hessian_agrees_with_scipys_exact_one(w):
    H = curvature.hessian(rosen_der, w)
    np.testing.assert_allclose(H, rosen_hess(w), rtol=1e-7, atol=1e-6)
    np.testing.assert_array_equal(H, H.T)


@pytest.mark.parametrize("make", [landscapes.saddle, landscapes.plateau, landscapes.rosenbrock])
def test_hessian_agrees_with_the_landscapes_own(make):
    landscape = make()
    w = np.array([0.4, -0.8])
    np.testing.assert_allclose(curvature.hessian(landscape.gradient, w), landscape.hessian(w), atol=1e-7)


def test_the_error_of_the_hessian_falls_like_h_squared():
    w = ROSENBROCK_POINTS[0]
    errors = [np.abs(curvature.hessian(rosen_der, w, h=h) - rosen_hess(w)).max() for h in (0.1, 0.01)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=1e-4)


@pytest.mark.parametrize("length", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("w", ROSENBROCK_POINTS, ids=["n=2", "n=4"])
def test_product_agrees_with_scipys_whatever_the_length_of_v(w, length):
    v = length * np.random.default_rng(2).normal(size=len(w))
    product = curvature.hessian_vector_product(rosen_der, w, v)
    np.testing.assert_allclose(product, rosen_hess_prod(w, v), rtol=1e-6)


def test_product_with_zero_is_zero_and_takes_no_gradient():
    product = curvature.hessian_vector_product(None, np.ones(3), np.zeros(3))
    np.testing.assert_array_equal(product, np.zeros(3))


def test_a_gradient_function_may_reuse_its_array():
    A, reused = random_symmetric(3), np.empty(3)

    def gradient(w):
        return np.matmul(A, w, out=reused)

    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(curvature.hessian(gradient, np.ones(3)), A, atol=1e-8)
    np.testing.assert_allclose(curvature.hessian_vector_product(gradient, np.ones(3), v), A @ v, atol=1e-8)


def test_float32_points_are_measured_in_float64():
    w = ROSENBROCK_POINTS[0].astype(np.float32)
    H = curvature.hessian(rosen_der, w)
    assert H.dtype == np.float64
    np.testing.assert_allclose(H, rosen_hess(w.astype(float)), rtol=1e-6)


@pytest.mark.parametrize(("which", "index"), [("lowest", 0), ("largest", -1)])
@pytest.mark.parametrize("n", [2, 3, 40])
def test_extreme_curvature_agrees_with_numpy(n, which, index):
    A = random_symmetric(n, seed=n)
    values, vectors = np.linalg.eigh(A)
    rng = np.random.default_rng(3)
    value, vector = curvature.extreme_curvature(lambda w: A @ w, np.zeros(n), which=which, rng=rng)
    assert value == pytest.approx(values[index], rel=1e-6)
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert abs(vector @ vectors[:, index]) == pytest.approx(1, abs=1e-5)


def test_lowest_curvature_is_the_most_negative_not_the_largest_in_size():
    A = np.diag([100.0, 1.0, -0.5, 3.0])
    value, _ = curvature.extreme_curvature(lambda w: A @ w, np.zeros(4), rng=np.random.default_rng(0))
    assert value == pytest.approx(-0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: curvature.hessian(rosen_der, np.ones((2, 2))), ValueError, "w must have 1 dimensions"),
        (lambda: curvature.hessian(rosen_der, np.ones(2), h=0), ValueError, "h must be finite and greater than 0"),
        (lambda: curvature.hessian(rosen_der, np.array([1, np.nan])), ValueError, "w must be finite"),
        (
            lambda: curvature.hessian_vector_product(rosen_der, np.ones(2), np.ones(3)),
            ValueError,
            r"v must have the shape of w, \(2,\), got \(3,\)",
        ),
        (
            lambda: curvature.extreme_curvature(
                rosen_der, np.ones(2), which="smallest", rng=np.random.default_rng()
            ),
            ValueError,
            'which must be "lowest" or "largest", got \'smallest\'',
        ),
        (
            lambda: curvature.extreme_curvature(rosen_der, np.ones(1), rng=np.random.default_rng()),
            ValueError,
            "w must have at least 2 entries, got 1",
        ),
        (lambda: curvature.extreme_curvature(rosen_der, np.ones(2), rng=0), TypeError, "rng must be"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---------------------------------------------------------------------------------------------------------
# Critical points


@pytest.mark.parametrize(
    ("eigenvalues", "kind"),
    [
        ([1, 2, 3], "minimum"),
        ([-1, -2, -3], "maximum"),
        ([1, 2, -0.01], "saddle"),
        ([-1, -2, 0.01], "saddle"),
        ([1, -2, 0], "saddle"),
        ([1, 2, 0], "undecided"),
        ([-1, -2, 1e-8], "undecided"),
        ([0, 0, 0], "undecided"),
        ([1e-5, 2e-5, 3e-5], "minimum"),
    ],
)
def test_critical_points_are_told_apart_by_eigenvalues(eigenvalues, kind):
    Q, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    H = Q @ np.diag(eigenvalues) @ Q.T
    assert curvature.classify_critical_point(np.zeros(3), H, tol=1e-6) == kind


def test_a_slope_is_not_critical():
    H = np.eye(2)
    assert curvature.classify_critical_point(np.array([8e-4, 8e-4]), H, tol=1e-3) == "not critical"
    assert curvature.classify_critical_point(np.array([6e-4, 6e-4]), H, tol=1e-3) == "minimum"


@pytest.mark.parametrize(
    ("gradient", "hessian", "tol", "message"),
    [
        (np.zeros(2), np.eye(3), 0.1, r"hessian must be symmetric with shape \(2, 2\)"),
        (np.zeros(2), np.array([[1.0, 2.0], [0.0, 1.0]]), 0.1, "hessian must be symmetric"),
        (np.zeros(2), np.eye(2), -0.1, "tol must be finite and at least 0"),
        (np.array([0, np.inf]), np.eye(2), 0.1, "gradient must be finite"),
    ],
)
def test_classifying_names_bad_arguments(gradient, hessian, tol, message):
    with pytest.raises(ValueError, match=message):
        curvature.classify_critical_point(gradient, hessian, tol=tol)


def test_random_symmetric_matrices_have_the_ensembles_variances():
    A = curvature.random_symmetric_matrices(100_000, 3, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(A, A.transpose(0, 2, 1))
    np.testing.assert_allclose(A.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(A.var(axis=0), np.ones((3, 3)) + np.eye(3), rtol=0.03)


@pytest.mark.parametrize(
    ("n", "exact"), [(1, 0.5), (2, (2 - math.sqrt(2)) / 4), (3, (math.pi - 2 * math.sqrt(2)) / (4 * math.pi))]
)
def test_random_minima_are_as_rare_as_theory_says(n, exact):
    N = 200_000
    A = curvature.random_symmetric_matrices(N, n, rng=np.random.default_rng(6))
    found = np.mean(np.linalg.eigvalsh(A)[:, 0] > 0)
    assert abs(found - exact) < 4 * math.sqrt(exact * (1 - exact) / N)


# ---------------------------------------------------------------------------------------------------------
# Networks


def test_network_gradient_is_a_new_array_and_leaves_the_network_alone(network, data):
    before = network.params.copy()
    gradient = curvature.network_gradient(network, *data)
    first = gradient(before + 1)
    expected = first.copy()
    gradient(before - 1)
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(network.params, before)
    np.testing.assert_array_equal(gradient(before), network.loss_and_gradient(*data)[1])


def test_network_gradient_puts_the_parameters_back_after_an_error(network, data):
    before = network.params.copy()
    gradient = curvature.network_gradient(network, data[0][:, :4], data[1])  # a column too few
    with pytest.raises(ValueError, match="matmul"):
        gradient(before + 1)
    np.testing.assert_array_equal(network.params, before)


def test_network_gradient_needs_float64(data):
    network = networks.SoftmaxRegression(5, 3, dtype=np.float32)
    with pytest.raises(TypeError, match="network must have float64 parameters, got float32"):
        curvature.network_gradient(network, *data)


def test_extreme_curvatures_of_a_network_agree_with_its_whole_hessian(network, data):
    gradient, w = curvature.network_gradient(network, *data), network.params
    values = np.linalg.eigvalsh(curvature.hessian(gradient, w, h=1e-9))
    for which, index in (("lowest", 0), ("largest", -1)):
        rng = np.random.default_rng(7)
        value, _ = curvature.extreme_curvature(gradient, w, which=which, rng=rng, h=1e-9)
        assert value == pytest.approx(values[index], rel=1e-4)


def test_hessian_of_softmax_regression_agrees_with_the_closed_form(data):
    X, y = data
    network = networks.SoftmaxRegression(5, 3, l2=0.2)
    network.params[:] = np.random.default_rng(8).normal(size=18)
    p = np.exp(networks.log_softmax(network.scores(X)))
    blocks = p[:, :, None] * np.eye(3) - p[:, :, None] * p[:, None, :]
    ones = np.hstack([X, np.ones((len(X), 1))])
    exact = np.einsum("ma,mb,mij->aibj", ones, ones, blocks).reshape(18, 18) / len(X)
    exact += 0.2 * np.diag([1.0] * 15 + [0.0] * 3)
    measured = curvature.hessian(curvature.network_gradient(network, X, y), network.params)
    np.testing.assert_allclose(measured, exact, atol=1e-8)


def test_line_losses_are_the_networks_own(network, data):
    start, end = network.params.copy(), network.params + 0.3
    losses = curvature.line_losses(network, *data, start, end, np.array([0.0, 0.5, 1.0]))
    np.testing.assert_array_equal(network.params, start)
    for fraction, loss in zip((0, 0.5, 1), losses, strict=True):
        network.params[:] = start + fraction * 0.3
        assert network.loss(*data) == pytest.approx(loss)


def test_plane_losses_are_laid_out_for_contours(network, data):
    centre = network.params.copy()
    first, second = np.random.default_rng(9).normal(size=(2, len(centre)))
    losses = curvature.plane_losses(network, *data, centre, (first, second), np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(network.params, centre)
    network.params[:] = centre + first - second
    assert losses[0, 2] == pytest.approx(network.loss(*data))
    network.params[:] = centre
    assert losses[1, 1] == pytest.approx(network.loss(*data))


def test_filter_normalised_directions_have_the_lengths_of_the_units(network):
    before = network.params.copy()
    direction = curvature.filter_normalised_direction(network, rng=np.random.default_rng(10))
    np.testing.assert_array_equal(network.params, before)
    lengths = [np.linalg.norm(w, axis=0) for w in network.weights]
    network.params[:] = direction
    for w, b, length in zip(network.weights, network.biases, lengths, strict=True):
        np.testing.assert_allclose(np.linalg.norm(w, axis=0), length)
        np.testing.assert_array_equal(b, 0)


def test_filter_normalised_cuts_do_not_see_a_rescaling_of_the_layers(data):
    first, second = (networks.MLP((5, 6, 3), rng=np.random.default_rng(0)) for _ in range(2))
    second.weights[0][...] *= 10
    second.weights[1][...] /= 10
    cuts = []
    for network in (first, second):
        direction = curvature.filter_normalised_direction(network, rng=np.random.default_rng(11))
        end = network.params + direction
        cuts.append(curvature.line_losses(network, *data, network.params.copy(), end, np.linspace(0, 1, 5)))
    np.testing.assert_allclose(cuts[0], cuts[1])
