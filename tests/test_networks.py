import copy
import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from course_lib.networks import (
    MLP,
    SoftmaxRegression,
    batchnorm_backward,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    log_softmax,
    softmax_regression_loss_and_gradient,
)
from course_lib.optimizers import SGD
from course_lib.training import train

properties = settings(deadline=None, derandomize=True, max_examples=50)


def problem(seed, m=8, n=3, k=4, scale=1.0, dtype=np.float64):
    """Random data, and a network with random parameters."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(m, n)).astype(dtype), rng.integers(0, k, m)
    network = SoftmaxRegression(n, k, l2=float(rng.uniform(0, 0.5)), dtype=dtype)
    network.params[:] = rng.normal(size=network.params.size, scale=scale)
    return network, X, y


scores = npst.arrays(
    np.float64,
    npst.array_shapes(min_dims=2, max_dims=2, max_side=5),
    elements=st.floats(-1e300, 1e300) | st.floats(-50, 50),
)


@properties
@given(scores)
def test_log_softmax_agrees_with_scipy_at_any_size_of_score(z):
    before = z.copy()
    np.testing.assert_allclose(log_softmax(z), scipy.special.log_softmax(z, axis=1), rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(z, before)


@properties
@given(scores)
def test_probabilities_of_a_row_sum_to_one(z):
    np.testing.assert_allclose(np.exp(log_softmax(z)).sum(axis=1), 1, rtol=1e-12)


@properties
@given(st.integers(0, 10**6), st.sampled_from([0.1, 1.0, 5.0]))
def test_the_gradient_is_the_slope_of_the_loss(seed, scale):
    network, X, y = problem(seed, scale=scale)
    loss, gradient = network.loss_and_gradient(X, y)
    assert loss == pytest.approx(network.loss(X, y), rel=1e-13)
    h, gradient, slopes = 1e-5, gradient.copy(), []
    for i in range(network.params.size):
        start = network.params[i]
        network.params[i] = start + h
        above = network.loss(X, y)
        network.params[i] = start - h
        below = network.loss(X, y)
        network.params[i] = start
        slopes.append((above - below) / (2 * h))
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8)


def test_the_loss_is_scikit_learns_plus_the_penalty():
    log_loss = pytest.importorskip("sklearn.metrics").log_loss
    network, X, y = problem(1)
    p = scipy.special.softmax(X @ network.w + network.b, axis=1)
    penalty = network.l2 / 2 * np.linalg.norm(network.w) ** 2
    assert network.loss(X, y) == pytest.approx(log_loss(y, p, labels=range(4)) + penalty, rel=1e-12)


def test_scores_in_the_thousands_give_finite_loss_and_gradient():
    network, X, y = problem(2, scale=2000.0)
    loss, gradient = network.loss_and_gradient(X, y)
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


def test_the_function_changes_no_argument():
    network, X, y = problem(3)
    arguments = [network.w, network.b, X, y]
    before = [a.copy() for a in arguments]
    loss, dw, db = softmax_regression_loss_and_gradient(*arguments, l2=0.3)
    for a, b in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (type(loss), dw.shape, db.shape) == (float, (3, 4), (4,))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_parameters_and_data_is_kept(dtype):
    network, X, y = problem(4, dtype=dtype)
    _, dw, db = softmax_regression_loss_and_gradient(network.w, network.b, X, y, l2=0.1)
    assert (dw.dtype, db.dtype, log_softmax(X).dtype) == (dtype, dtype, dtype)
    loss, gradient = network.loss_and_gradient(X, y)
    assert (type(loss), gradient.dtype, network.params.dtype) == (float, dtype, dtype)


def test_float32_agrees_with_float64():
    single, X, y = problem(5, dtype=np.float32)
    double = SoftmaxRegression(3, 4, l2=single.l2)
    double.params[:] = single.params
    loss, gradient = single.loss_and_gradient(X, y)
    expected_loss, expected = double.loss_and_gradient(X.astype(float), y)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6)


def test_weights_and_gradients_are_views_of_flat_vectors():
    network = SoftmaxRegression(3, 4)
    assert network.params.shape == network.grad.shape == (16,)
    assert not network.params.any()
    network.params[:] = np.arange(16)
    np.testing.assert_array_equal(network.w, np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(network.b, [12, 13, 14, 15])
    network.w[0, 0], network.b[-1] = 50, 60
    assert (network.params[0], network.params[-1]) == (50, 60)
    _, gradient = network.loss_and_gradient(np.ones((2, 3)), np.array([0, 1]))
    assert gradient is network.grad
    assert np.shares_memory(network.dw, gradient)
    assert np.shares_memory(network.db, gradient)


def test_prediction_and_accuracy():
    network = SoftmaxRegression(2, 3)
    network.w[:] = [[1, 0, -1], [0, 1, 0]]
    X = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [-2.0, 1.0]])
    assert network.predict(X).tolist() == [0, 1, 2, 2]
    assert network.accuracy(X, np.array([0, 1, 2, 0])) == 0.75
    assert network.predict([[1, 0]]).tolist() == [0]


def hessian(network, X, y):
    """Central differences of the gradient."""
    h, rows = 1e-5, []
    for i in range(network.params.size):
        start = network.params[i]
        network.params[i] = start + h
        above = network.loss_and_gradient(X, y)[1].copy()
        network.params[i] = start - h
        rows.append((above - network.loss_and_gradient(X, y)[1]) / (2 * h))
        network.params[i] = start
    return np.array(rows)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("k", [2, 4])
def test_largest_curvature_bounds_the_hessian(seed, k):
    network, X, y = problem(seed, k=k, scale=[0.0, 0.3, 2.0][seed % 3])
    bound = network.largest_curvature(X)
    largest = np.linalg.eigvalsh(hessian(network, X, y)).max()
    assert largest <= bound * (1 + 1e-6)


def test_largest_curvature_is_reached_by_two_classes_at_the_start():
    network, X, y = problem(0, k=2, scale=0.0)
    with_penalty = np.linalg.eigvalsh(hessian(network, X, y)).max()
    unpenalised = network.largest_curvature(X) - network.l2
    assert unpenalised <= with_penalty * (1 + 1e-6)
    assert with_penalty <= network.largest_curvature(X) * (1 + 1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_gradient_descent_below_two_over_L_falls_at_every_step(seed):
    network, X, y = problem(seed, m=20)
    optimizer = SGD(network.params, lr=1.99 / network.largest_curvature(X))
    losses = []
    for _ in range(50):
        loss, gradient = network.loss_and_gradient(X, y)
        losses.append(loss)
        optimizer.step(gradient)
    falls = -np.diff(losses)
    assert np.all(falls > -1e-15)
    assert np.all(falls[:20] > 0)  # later it may have arrived


def test_long_training_finds_scikit_learns_optimum():
    LogisticRegression = pytest.importorskip("sklearn.linear_model").LogisticRegression
    rng = np.random.default_rng(0)
    X, l2 = rng.normal(size=(60, 3)), 0.05
    y = np.argmax(X @ rng.normal(size=(3, 3)) + rng.gumbel(size=(60, 3)), axis=1)
    network = SoftmaxRegression(3, 3, l2=l2)
    lr = 1 / network.largest_curvature(X)
    train(network, SGD(network.params, lr=lr), X, y, batch_size=60, epochs=1500, rng=rng, evaluate_every=1500)
    # C weighs the sum of the losses against half the squared weights; the intercept is free there, too.
    theirs = LogisticRegression(C=1 / (len(X) * l2), tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(network.w.T, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(network.b, theirs.intercept_, atol=1e-5)
    np.testing.assert_array_equal(network.predict(X), theirs.predict(X))


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda net: SoftmaxRegression(0, 3), ValueError, "n_features must be at least 1, got 0"),
        (lambda net: SoftmaxRegression(2, 3.0), TypeError, "n_classes must be a whole number, got 3.0"),
        (lambda net: SoftmaxRegression(True, 3), TypeError, "n_features must be a whole number, got True"),
        (lambda net: SoftmaxRegression(2, 3, l2=-0.1), ValueError, "l2 must be finite and at least 0, got -0.1"),
        (lambda net: SoftmaxRegression(2, 3, l2=np.nan), ValueError, "l2 must be finite and at least 0, got nan"),
        (lambda net: SoftmaxRegression(2, 3, l2="0"), TypeError, "l2 must be a number, got '0'"),
        (lambda net: net.predict(np.ones((4, 2))), ValueError, r"X must have 3 columns, got shape \(4, 2\)"),
        (lambda net: net.predict(np.ones(3)), ValueError, "X must have 2 dimensions"),
        (lambda net: net.predict([[1, 2, np.nan]]), ValueError, "X must be finite"),
        (lambda net: net.predict([["a", "b", "c"]]), TypeError, "X must be an array of numbers"),
        (lambda net: net.loss(np.ones((2, 3)), [0, 4]), ValueError, "y must lie between 0 and 3, got 0 to 4"),
        (lambda net: net.loss(np.ones((2, 3)), [0, -1]), ValueError, "y must lie between 0 and 3, got -1 to 0"),
        (lambda net: net.loss(np.ones((2, 3)), [0.0, 1.0]), TypeError, "y must hold integer class labels"),
        (lambda net: net.loss(np.ones((2, 3)), [0]), ValueError, r"y must have shape \(2,\)"),
        (lambda net: net.accuracy(np.ones((2, 3)), [0]), ValueError, r"y must have shape \(2,\)"),
        (lambda net: net.largest_curvature(np.ones(3)), ValueError, "X must have 2 dimensions"),
    ],
)
def test_bad_arguments_are_named(call, error, said):
    with pytest.raises(error, match=said):
        call(SoftmaxRegression(3, 4))


@pytest.mark.parametrize("dtype", [int, complex, np.float16, object])
def test_parameters_are_float32_or_float64(dtype):
    with pytest.raises((TypeError, ValueError), match="dtype must be float32 or float64"):
        SoftmaxRegression(3, 4, dtype=dtype)


# ---------------------------------------------------------------------------------------------------------
# MLP


def mlp_problem(sizes, m, *, seed=0, dtype=np.float64, **options):
    """Random data, and an MLP whose biases are random, too."""
    rng = np.random.default_rng(seed)
    network = MLP(sizes, rng=rng, dtype=dtype, **options)
    for b in network.biases:
        b[:] = rng.normal(scale=0.3, size=b.shape)
    return network, rng.normal(size=(m, sizes[0])).astype(dtype), rng.integers(0, sizes[-1], m)


def plain_loss_and_gradient(network, X, y):
    """The same mathematics, a new array at every step, in float64."""
    weights, biases = ([p.astype(float) for p in ps] for ps in (network.weights, network.biases))
    inputs = [X.astype(float)]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        inputs.append(np.maximum(inputs[-1] @ w + b, 0))
    loss, dw, db = softmax_regression_loss_and_gradient(weights[-1], biases[-1], inputs[-1], y, l2=network.l2)
    loss += network.l2 / 2 * sum(np.sum(w**2) for w in weights[:-1])
    delta = np.exp(log_softmax(inputs[-1] @ weights[-1] + biases[-1]))
    delta = (delta - np.eye(network.n_classes)[y]) / len(X)
    gradients = [dw.ravel(), db]
    for layer in reversed(range(len(weights) - 1)):
        delta = delta @ weights[layer + 1].T * (inputs[layer + 1] > 0)
        gradients = [
            (inputs[layer].T @ delta + network.l2 * weights[layer]).ravel(),
            delta.sum(axis=0),
            *gradients,
        ]
    return loss, np.concatenate(gradients)


def assert_slopes(network, X, y, gradient):
    """Assert that `gradient` is what central differences of the training loss give."""
    h, slopes = 1e-6, []
    for i in range(network.params.size):
        start = network.params[i]
        network.params[i] = start + h
        above = network.loss_and_gradient(X, y)[0]
        network.params[i] = start - h
        slopes.append((above - network.loss_and_gradient(X, y)[0]) / (2 * h))
        network.params[i] = start
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8)


SIZES = [(3, 4), (3, 5, 4), (5, 1, 2), (1, 6, 3, 5), (64, 64, 10)]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("m", [1, 2, 29, 64])
@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_network_computes_what_the_plain_formulas_do(sizes, m, l2, dtype, tol):
    network, X, y = mlp_problem(sizes, m, l2=l2, dtype=dtype)
    before = X.copy(), y.copy()
    expected_loss, expected = plain_loss_and_gradient(network, X, y)
    loss, gradient = network.loss_and_gradient(X, y)
    assert loss == pytest.approx(expected_loss, rel=tol)
    np.testing.assert_allclose(gradient, expected, rtol=tol, atol=tol * np.abs(expected).max())
    assert (type(loss), gradient.dtype) == (float, dtype)
    assert network.loss(X, y) == pytest.approx(loss, rel=tol)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize("sizes", [(3, 4), (3, 5, 4), (2, 6, 5, 3)])
def test_the_gradient_of_an_mlp_is_the_slope_of_its_loss(sizes):
    network, X, y = mlp_problem(sizes, 7, l2=0.1)
    assert_slopes(network, X, y, network.loss_and_gradient(X, y)[1].copy())


def test_softmax_regression_is_its_formula():
    network, X, y = problem(6)
    loss, dw, db = softmax_regression_loss_and_gradient(network.w, network.b, X, y, l2=network.l2)
    assert network.loss_and_gradient(X, y)[0] == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(network.dw, dw, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(network.db, db, rtol=1e-12, atol=1e-15)


def test_batches_of_changing_size_do_not_disturb_each_other():
    network, X, y = mlp_problem((3, 6, 4), 40)
    for m in [8, 3, 8, 1, 40, 2, 3, 5, 8, 8]:
        loss, gradient = network.loss_and_gradient(X[-m:], y[-m:])
        expected_loss, expected = plain_loss_and_gradient(network, X[-m:], y[-m:])
        assert loss == pytest.approx(expected_loss, rel=1e-12)
        np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-15)


def test_scores_are_the_callers_own():
    network, X, y = mlp_problem((3, 6, 4), 8)
    scores = network.scores(X)
    before = scores.copy()
    network.loss_and_gradient(X + 1, y)
    network.scores(X + 1)
    np.testing.assert_array_equal(scores, before)


def test_a_step_makes_no_array_of_the_batch():
    """Only vectors of one number per example, and the targets, may be new."""
    network, X, y = mlp_problem((50, 300, 4), 500, dtype=np.float32)
    network.loss_and_gradient(X, y)
    tracemalloc.start()
    network.loss_and_gradient(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500 * 300 * 4 / 4  # a quarter of the hidden layer


def test_data_of_another_dtype_or_type_are_converted():
    network, X, y = mlp_problem((3, 5, 4), 8, dtype=np.float32)
    loss, gradient = network.loss_and_gradient(X, y)
    gradient = gradient.copy()
    for same in (X.astype(float), X.tolist(), np.asfortranarray(X), X[::-1][::-1]):
        other_loss, other = network.loss_and_gradient(same, y.tolist())
        assert other_loss == pytest.approx(loss, rel=1e-6)
        np.testing.assert_allclose(other, gradient, rtol=1e-5, atol=1e-7)
        assert network.scores(same).dtype == np.float32


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
@pytest.mark.parametrize("make", [lambda: mlp_problem((3, 5, 4), 8), lambda: problem(0)])
def test_a_copy_is_a_network_of_its_own(duplicate, make):
    network, X, y = make()
    loss, gradient = network.loss_and_gradient(X, y)
    twin = duplicate(network)
    twin.params += 1
    assert twin.loss_and_gradient(X, y)[0] != loss
    assert network.loss_and_gradient(X, y)[0] == loss
    twin.params -= 1
    np.testing.assert_allclose(twin.loss_and_gradient(X, y)[1], gradient, rtol=1e-9, atol=1e-12)
    assert np.shares_memory(twin.weights[0], twin.params)


def test_the_first_weights_are_hes_and_drawn_layer_by_layer():
    network = MLP((200, 300, 10), rng=np.random.default_rng(3))
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(network.weights[0], rng.normal(scale=np.sqrt(2 / 200), size=(200, 300)))
    np.testing.assert_array_equal(network.weights[1], rng.normal(scale=np.sqrt(2 / 300), size=(300, 10)))
    assert not any(b.any() for b in network.biases)


def torch_twin(network, torch):
    """The same network in PyTorch."""
    layers = []
    for w, b in zip(network.weights, network.biases, strict=True):
        linear = torch.nn.Linear(*w.shape, dtype=torch.from_numpy(w).dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w.T.copy()))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_an_mlp_is_pytorchs(sizes, dtype, tol):
    torch = pytest.importorskip("torch")
    network, X, y = mlp_problem(sizes, 32, dtype=dtype)
    theirs = torch_twin(network, torch)
    expected = torch.nn.functional.cross_entropy(theirs(torch.from_numpy(X)), torch.from_numpy(y))
    expected.backward()
    loss, _ = network.loss_and_gradient(X, y)
    assert loss == pytest.approx(expected.item(), rel=tol)
    linear = [layer for layer in theirs if isinstance(layer, torch.nn.Linear)]
    gradient = np.concatenate([g.numpy().T.ravel() for one in linear for g in (one.weight.grad, one.bias.grad)])
    np.testing.assert_allclose(network.grad, gradient, rtol=tol, atol=tol * np.abs(gradient).max())


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda rng: MLP((3,), rng=rng), ValueError, r"sizes must name at least inputs and classes, got \[3\]"),
        (lambda rng: MLP((3, 0), rng=rng), ValueError, "sizes must be at least 1, got 0"),
        (lambda rng: MLP((3, 2.0), rng=rng), TypeError, "sizes must be a whole number, got 2.0"),
        (lambda rng: MLP((3, 2), rng=0), TypeError, "rng must be a numpy.random.Generator"),
        (lambda rng: MLP((3, 2), rng=rng, l2=-1), ValueError, "l2 must be finite and at least 0, got -1"),
        (
            lambda rng: MLP((3, 2), rng=rng).loss_and_gradient(np.ones((4, 2)), [0, 0, 1, 1]),
            ValueError,
            r"X must have shape \(m, 3\) .* got \(4, 2\)",
        ),
        (lambda rng: MLP((3, 2), rng=rng).loss_and_gradient(np.ones((2, 3)), [0, 2]), IndexError, "out of bounds"),
    ],
)
def test_bad_arguments_of_an_mlp_are_named(call, error, said):
    with pytest.raises(error, match=said):
        call(np.random.default_rng(0))


# ---------------------------------------------------------------------------------------------------------
# Dropout


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(4, 3), (5,), (2, 3, 4)])
@pytest.mark.parametrize("rate", [0, 0.1, 0.5, 0.9])
def test_a_mask_holds_zeros_and_scaled_ones(dtype, shape, rate):
    a = np.random.default_rng(0).normal(size=shape).astype(dtype)
    before = a.copy()
    out, mask = dropout_forward(a, rate=rate, rng=np.random.default_rng(1))
    assert set(np.unique(mask)) <= {dtype(0), dtype(1 / (1 - rate))}
    assert (mask.dtype, out.dtype, mask.shape) == (dtype, dtype, shape)
    np.testing.assert_array_equal(out, a * mask)
    np.testing.assert_array_equal(a, before)
    # One number of the generator for each of a, in a's order, whatever the dtype.
    np.testing.assert_array_equal(mask > 0, np.random.default_rng(1).random(shape) >= rate)


def test_rate_zero_drops_nothing():
    a = np.arange(6.0).reshape(2, 3)
    out, mask = dropout_forward(a, rate=0, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(out, a)
    assert np.all(mask == 1)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_the_rate_is_the_share_dropped_and_the_mean_stays(rate):
    m = 100_000
    _, mask = dropout_forward(np.ones(m), rate=rate, rng=np.random.default_rng(0))
    deviation = np.sqrt(rate * (1 - rate) / m)
    assert abs(np.mean(mask == 0) - rate) < 4 * deviation
    assert abs(mask.mean() - 1) < 4 * deviation / (1 - rate)


def test_the_derivative_of_dropout_is_its_mask():
    rng = np.random.default_rng(0)
    a, dout = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    _, mask = dropout_forward(a, rate=0.4, rng=rng)
    # The loss is sum(dout * a * mask); it is linear in a, so any h will do.
    slopes = [np.sum(dout * ((a + e.reshape(4, 3)) - a) * mask) for e in np.eye(12)]
    np.testing.assert_allclose(dropout_backward(dout, mask).ravel(), slopes, rtol=1e-12, atol=1e-15)


# ---------------------------------------------------------------------------------------------------------
# Batch normalisation


def batchnorm_problem(seed=0, B=6, n=3, dtype=np.float64):
    rng = np.random.default_rng(seed)
    x = rng.normal(loc=[3.0, -50.0, 0.0][:n], scale=[1.0, 20.0, 0.1][:n], size=(B, n))
    return [a.astype(dtype) for a in (x, rng.normal(size=n), rng.normal(size=n), rng.normal(size=(B, n)))]


@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_columns_are_normalised_then_scaled_and_shifted(eps):
    x, gamma, beta, _ = batchnorm_problem()
    before = [a.copy() for a in (x, gamma, beta)]
    out, cache = batchnorm_forward(x, gamma, beta, eps=eps)
    np.testing.assert_allclose(out, (x - x.mean(0)) / np.sqrt(x.var(0) + eps) * gamma + beta, rtol=1e-12)
    np.testing.assert_allclose(cache.mean, x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(cache.variance, x.var(axis=0), rtol=1e-14)
    for a, b in zip((x, gamma, beta), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_constant_column_becomes_beta():
    out, _ = batchnorm_forward(np.full((4, 2), 7.0), np.ones(2), np.array([1.0, -2.0]))
    np.testing.assert_array_equal(out, [[1, -2]] * 4)


@pytest.mark.parametrize("B", [2, 3, 8])
@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_the_derivatives_of_batch_normalisation_are_slopes(B, eps):
    x, gamma, beta, dout = batchnorm_problem(B=B)
    if B == 2:
        x /= np.array(
            [1.0, 20.0, 0.1]
        )  # two points are pushed to ±1: little is left, and rounding must not be more
    _, cache = batchnorm_forward(x, gamma, beta, eps=eps)
    arguments = [x, gamma, beta]
    for argument, gradient in zip(arguments, batchnorm_backward(dout, cache), strict=True):
        assert gradient.shape == argument.shape
        h, slopes = 1e-5, np.empty(argument.shape)
        for index in np.ndindex(argument.shape):
            start = argument[index]
            argument[index] = start + h
            above = np.sum(dout * batchnorm_forward(*arguments, eps=eps)[0])
            argument[index] = start - h
            slopes[index] = (above - np.sum(dout * batchnorm_forward(*arguments, eps=eps)[0])) / (2 * h)
            argument[index] = start
        np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-11), (np.float32, 1e-4)])
def test_batch_normalisation_is_pytorchs(dtype, tol):
    torch = pytest.importorskip("torch")
    x, gamma, beta, dout = batchnorm_problem(B=16, dtype=dtype)
    leaves = [torch.from_numpy(a).requires_grad_() for a in (x, gamma, beta)]
    theirs = torch.nn.functional.batch_norm(leaves[0], None, None, *leaves[1:], training=True)
    theirs.backward(torch.from_numpy(dout))
    out, cache = batchnorm_forward(x, gamma, beta)
    np.testing.assert_allclose(out, theirs.detach().numpy(), rtol=tol, atol=tol)
    for ours, leaf in zip(batchnorm_backward(dout, cache), leaves, strict=True):
        expected = leaf.grad.numpy()
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, expected, rtol=tol, atol=tol * np.abs(expected).max())


# ---------------------------------------------------------------------------------------------------------
# MLP with both

BOTH = [{"dropout": 0.4}, {"batch_norm": True}, {"dropout": 0.3, "batch_norm": True, "l2": 0.1}]


@pytest.mark.parametrize("options", BOTH)
@pytest.mark.parametrize("sizes", [(3, 4), (3, 5, 4), (2, 6, 5, 3)])
def test_the_gradient_with_dropout_and_batch_norm_is_the_slope(options, sizes):
    network, X, y = mlp_problem(sizes, 9, **options)
    for gamma in network.gammas:
        gamma[:] = np.random.default_rng(1).normal(size=gamma.shape)

    def loss_and_gradient(params):
        same_masks = copy.deepcopy(network)  # the generator of the masks is copied, too
        same_masks.params[:] = params
        return same_masks.loss_and_gradient(X, y)

    h, slopes = 1e-6, []
    for e in np.eye(network.params.size):
        above, below = (loss_and_gradient(network.params + step * e)[0] for step in (h, -h))
        slopes.append((above - below) / (2 * h))
    np.testing.assert_allclose(loss_and_gradient(network.params)[1], slopes, rtol=2e-6, atol=1e-8)


@pytest.mark.parametrize("options", BOTH)
def test_training_and_inference_are_the_plain_formulas(options):
    """Linear, batch norm, ReLU, dropout, in this order; masks from the generator's first child."""
    network, X, y = mlp_problem((5, 8, 6, 3), 20, seed=4, **options)
    masks_rng = np.random.default_rng(4).spawn(1)[0]
    for gamma in network.gammas:
        gamma[:] = np.random.default_rng(1).uniform(0.5, 2, size=gamma.shape)
    means, variances = [0, 0], [1, 1]
    for _ in range(3):
        a = X
        for i, (w, b) in enumerate(zip(network.weights[:-1], network.biases[:-1], strict=True)):
            z = a @ w
            if network.batch_norm:
                means[i] = 0.9 * means[i] + 0.1 * z.mean(axis=0)
                variances[i] = 0.9 * variances[i] + 0.1 * z.var(axis=0, ddof=1)
                z = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5) * network.gammas[i]
            a, _ = dropout_forward(np.maximum(z + b, 0), rate=network.dropout, rng=masks_rng)
        log_p = log_softmax(a @ network.weights[-1] + network.biases[-1])
        expected = -log_p[np.arange(20), y].mean() + network.penalty()
        assert network.loss_and_gradient(X, y)[0] == pytest.approx(expected, rel=1e-12)
    a = X
    for i, (w, b) in enumerate(zip(network.weights[:-1], network.biases[:-1], strict=True)):
        z = a @ w
        if network.batch_norm:
            np.testing.assert_allclose(network.running_means[i], means[i], rtol=1e-12)
            np.testing.assert_allclose(network.running_vars[i], variances[i], rtol=1e-12)
            z = (z - means[i]) / np.sqrt(variances[i] + 1e-5) * network.gammas[i]
        a = np.maximum(z + b, 0)
    np.testing.assert_allclose(network.scores(X), a @ network.weights[-1] + network.biases[-1], rtol=1e-11)


@pytest.mark.parametrize("options", [{}, *BOTH])
@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-11), (np.float32, 1e-4)])
def test_training_with_dropout_and_batch_norm_is_pytorchs(options, dtype, tol):
    """Three steps of gradient descent, then inference: parameters, running averages and scores."""
    torch = pytest.importorskip("torch")
    network, X, y = mlp_problem((5, 8, 6, 3), 20, seed=4, dtype=dtype, **options)
    for gamma in network.gammas:
        gamma[:] = np.random.default_rng(1).uniform(0.5, 2, size=gamma.shape)

    class Masked(torch.nn.Module):
        """Dropout with the masks that the network will draw."""

        def __init__(self, masks):
            super().__init__()
            self.masks = iter(masks)

        def forward(self, a):
            return a * next(self.masks) if self.training else a

    rng, steps, masks = np.random.default_rng(4).spawn(1)[0], 3, [[], []]
    for _ in range(steps):
        for layer, units in enumerate((8, 6)):
            _, mask = dropout_forward(np.ones((20, units), dtype), rate=network.dropout, rng=rng)
            masks[layer].append(torch.from_numpy(mask))
    layers, leaves = [], []
    for layer, (w, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        hidden = layer < 2
        normal = hidden and network.batch_norm
        linear = torch.nn.Linear(*w.shape, bias=not normal, dtype=torch.from_numpy(X).dtype)
        linear.weight.data = torch.from_numpy(w.T.copy())
        layers.append(linear)
        if normal:
            layers.append(torch.nn.BatchNorm1d(len(b), dtype=linear.weight.dtype))
            layers[-1].weight.data = torch.from_numpy(network.gammas[layer].copy())
        layers[-1].bias.data = torch.from_numpy(b.copy())
        leaves.append((linear, layers[-1]))
        if hidden:
            layers += [torch.nn.ReLU(), Masked(masks[layer])]
    theirs = torch.nn.Sequential(*layers)

    for _ in range(steps):
        expected = torch.nn.functional.cross_entropy(theirs(torch.from_numpy(X)), torch.from_numpy(y))
        expected = expected + network.l2 / 2 * sum((linear.weight**2).sum() for linear, _ in leaves)
        theirs.zero_grad()
        expected.backward()
        loss, gradient = network.loss_and_gradient(X, y)
        assert loss == pytest.approx(expected.item(), rel=tol)
        network.params -= 0.3 * gradient
        with torch.no_grad():
            for leaf in theirs.parameters():
                leaf -= 0.3 * leaf.grad
    for layer, (linear, last) in enumerate(leaves):
        close = {"rtol": tol, "atol": tol}
        np.testing.assert_allclose(network.weights[layer], linear.weight.detach().numpy().T, **close)
        np.testing.assert_allclose(network.biases[layer], last.bias.detach().numpy(), **close)
        if linear is not last:
            np.testing.assert_allclose(network.gammas[layer], last.weight.detach().numpy(), **close)
            np.testing.assert_allclose(network.running_means[layer], last.running_mean.numpy(), **close)
            np.testing.assert_allclose(network.running_vars[layer], last.running_var.numpy(), **close)
    theirs.eval()
    np.testing.assert_allclose(
        network.scores(X), theirs(torch.from_numpy(X)).detach().numpy(), rtol=10 * tol, atol=10 * tol
    )


def test_gammas_and_betas_are_views_that_start_at_one_and_zero():
    network = MLP((3, 5, 6, 4), rng=np.random.default_rng(0), batch_norm=True)
    assert network.params.size == 3 * 5 + 2 * 5 + 5 * 6 + 2 * 6 + 6 * 4 + 4
    assert [g.tolist() for g in network.gammas] == [[1] * 5, [1] * 6]
    assert [b.tolist() for b in network.betas] == [[0] * 5, [0] * 6]
    assert [v.tolist() for v in network.running_vars] == [[1] * 5, [1] * 6]
    assert [v.tolist() for v in network.running_means] == [[0] * 5, [0] * 6]
    views = [*network.weights, *network.biases, *network.gammas]
    network.params[:] = np.arange(network.params.size)
    np.testing.assert_array_equal(np.sort(np.concatenate([v.ravel() for v in views])), network.params)
    assert all(np.shares_memory(beta, network.params) for beta in network.betas)


@pytest.mark.parametrize("options", BOTH)
def test_inference_changes_nothing_and_repeats(options):
    network, X, y = mlp_problem((3, 5, 6, 4), 12, **options)
    network.loss_and_gradient(X, y)
    before = copy.deepcopy(network)
    first = network.scores(X), network.loss(X, y), network.accuracy(X, y)
    second = network.scores(X), network.loss(X, y), network.accuracy(X, y)
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1:] == second[1:]
    assert first[1] == pytest.approx(
        -np.mean(log_softmax(first[0])[np.arange(12), y]) + network.penalty(), rel=1e-12
    )
    for now, then in zip(
        network.running_means + network.running_vars, before.running_means + before.running_vars, strict=True
    ):
        np.testing.assert_array_equal(now, then)
    np.testing.assert_array_equal(network.loss_and_gradient(X, y)[1], before.loss_and_gradient(X, y)[1])
    np.testing.assert_allclose(network.scores(X[:1]), network.scores(X)[:1], rtol=1e-12)  # one example is enough


def test_masks_are_new_at_every_call():
    network, X, y = mlp_problem((3, 50, 4), 12, dropout=0.5)
    first = network.loss_and_gradient(X, y)[1].copy()
    assert not np.array_equal(network.loss_and_gradient(X, y)[1], first)


@pytest.mark.parametrize("options", [*BOTH, {"dropout": 0.0}, {"dropout": 0, "batch_norm": False}])
def test_the_options_leave_the_weights_and_the_generator_as_they_were(options):
    rng, plain_rng = np.random.default_rng(0), np.random.default_rng(0)
    network, plain = MLP((3, 5, 4), rng=rng, **options), MLP((3, 5, 4), rng=plain_rng)
    for ours, theirs in zip(network.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert rng.bit_generator.state == plain_rng.bit_generator.state
    spawned = rng.bit_generator.seed_seq.n_children_spawned
    assert spawned == (1 if network.dropout else 0)


def test_dropout_and_batch_norm_keep_float32():
    network, X, y = mlp_problem((3, 5, 4), 8, dtype=np.float32, dropout=0.5, batch_norm=True)
    _, gradient = network.loss_and_gradient(X, y)
    arrays = [gradient, network.scores(X), *network.gammas, *network.running_means, *network.running_vars]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_copy_takes_the_running_averages_and_gammas_along(duplicate):
    network, X, y = mlp_problem((3, 5, 4), 8, dropout=0.5, batch_norm=True)
    network.loss_and_gradient(X, y)
    twin = duplicate(network)
    np.testing.assert_array_equal(twin.scores(X), network.scores(X))
    assert np.shares_memory(twin.gammas[0], twin.params)
    twin.loss_and_gradient(X, y)
    assert not np.array_equal(twin.running_means[0], network.running_means[0])


A = np.ones((4, 3))


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (
            lambda rng: dropout_forward(A, rate=1, rng=rng),
            ValueError,
            "rate must be .*at least 0 and less than 1, got 1",
        ),
        (lambda rng: dropout_forward(A, rate=-0.1, rng=rng), ValueError, "rate must be .* got -0.1"),
        (lambda rng: dropout_forward(A, rate="0", rng=rng), TypeError, "rate must be a number, got '0'"),
        (lambda rng: dropout_forward(A, rate=0.5, rng=0), TypeError, "rng must be a numpy.random.Generator"),
        (
            lambda rng: dropout_forward([1.0], rate=0.5, rng=rng),
            TypeError,
            "a must be an array of float.* got list",
        ),
        (lambda rng: dropout_forward(A.astype(int), rate=0.5, rng=rng), TypeError, "a must be .* got int64"),
        (lambda rng: dropout_backward(A, A[:2]), ValueError, r"dout must have the shape of mask, \(2, 3\), got"),
        (lambda rng: batchnorm_forward(A[:1], A[0], A[0]), ValueError, r"at least 2 rows .* got \(1, 3\)"),
        (lambda rng: batchnorm_forward(A[0], A[0], A[0]), ValueError, r"x must have shape \(B, n\) .* got \(3,\)"),
        (
            lambda rng: batchnorm_forward(A, A[0, :2], A[0]),
            ValueError,
            r"gamma must have shape \(3,\).* got \(2,\)",
        ),
        (lambda rng: batchnorm_forward(A, A[0], A), ValueError, r"beta must have shape \(3,\).* got \(4, 3\)"),
        (lambda rng: batchnorm_forward(A, A[0], 0.0), TypeError, "beta must be an array of float.* got float"),
        (lambda rng: batchnorm_forward(A, A[0], A[0], eps=0), ValueError, "eps must be .*greater than 0, got 0"),
        (
            lambda rng: batchnorm_backward(A[:2], batchnorm_forward(A, A[0], A[0])[1]),
            ValueError,
            r"dout must have the shape of the output, \(4, 3\), got \(2, 3\)",
        ),
        (lambda rng: MLP((3, 2), rng=rng, dropout=1), ValueError, "dropout must be .*less than 1, got 1"),
        (lambda rng: MLP((3, 2), rng=rng, dropout=True), TypeError, "dropout must be a number, got True"),
        (lambda rng: MLP((3, 2), rng=rng, batch_norm=0.1), TypeError, "batch_norm must be True or False, got 0.1"),
        (
            lambda rng: MLP((3, 5, 2), rng=rng, batch_norm=True).loss_and_gradient(A[:1], [0]),
            ValueError,
            "X must have at least 2 rows to normalise over the batch, got 1",
        ),
    ],
)
def test_bad_arguments_of_dropout_and_batch_norm_are_named(call, error, said):
    with pytest.raises(error, match=said):
        call(np.random.default_rng(0))
