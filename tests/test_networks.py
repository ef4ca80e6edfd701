import copy
import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from course_lib.networks import MLP, SoftmaxRegression, log_softmax, softmax_regression_loss_and_gradient
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
