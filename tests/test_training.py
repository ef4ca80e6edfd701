"""Optimizers, and the training loop on them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.minibatch import iterate_minibatches
from course_lib.networks import MLP, SoftmaxRegression
from course_lib.optimizers import SGD
from course_lib.training import History, train

properties = settings(deadline=None, derandomize=True, max_examples=50)

# ---------------------------------------------------------------------------------------------------------
# SGD


def test_three_steps_by_hand():
    w = np.array([1.0, -2.0])
    optimizer = SGD(w, lr=0.5)
    for gradient, expected in [([2.0, 4.0], [0.0, -4.0]), ([0.0, -1.0], [0.0, -3.5]), ([-1.0, 1.0], [0.5, -4.0])]:
        optimizer.step(np.array(gradient))
        assert w.tolist() == expected
    assert optimizer.t == 3
    assert optimizer.params is w


@properties
@given(st.floats(0.01, 3), st.floats(0.1, 1.5), st.integers(1, 30))
def test_on_a_quadratic_the_error_shrinks_by_a_fixed_factor(curvature, lr, steps):
    w = np.array([1.0])
    optimizer = SGD(w, lr=lr)
    for _ in range(steps):
        optimizer.step(curvature * w)
    assert w[0] == pytest.approx((1 - lr * curvature) ** steps, rel=1e-9, abs=1e-12)


def test_a_schedule_is_asked_at_every_step_from_one():
    asked, w = [], np.zeros(1)

    def schedule(t):
        asked.append(t)
        return 1 / t

    optimizer = SGD(w, lr=schedule)
    for _ in range(3):
        optimizer.step(np.ones(1))
    assert asked == [1, 2, 3]
    assert w[0] == pytest.approx(-(1 + 1 / 2 + 1 / 3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("lr", [0.1, lambda t: np.float64(0.1)], ids=["number", "schedule"])
def test_the_dtype_is_kept_and_the_gradient_left_alone(dtype, lr):
    network = SoftmaxRegression(2, 2, dtype=dtype)
    gradient = np.full(6, 0.5, dtype)
    SGD(network.params, lr=lr).step(gradient)
    assert network.params.dtype == dtype
    np.testing.assert_allclose(network.w, -0.05, rtol=1e-6)  # a view: changed in place
    assert np.all(gradient == 0.5)


@pytest.mark.parametrize(
    ("params", "lr", "error", "said"),
    [
        ([1.0], 0.1, TypeError, "params must be a flat float32 or float64 array, got shape"),
        (np.ones((2, 2)), 0.1, TypeError, r"params must be a flat .* got shape \(2, 2\), float64"),
        (np.ones(2, int), 0.1, TypeError, r"got shape \(2,\), int64"),
        (np.ones(2, np.float16), 0.1, TypeError, "float16"),
        (np.ones(2), 0.0, ValueError, "lr must be finite and greater than 0, got 0.0"),
        (np.ones(2), -1, ValueError, "lr must be finite and greater than 0, got -1"),
        (np.ones(2), np.nan, ValueError, "lr must be finite and greater than 0, got nan"),
        (np.ones(2), np.inf, ValueError, "lr must be finite and greater than 0, got inf"),
        (np.ones(2), True, TypeError, "lr must be a number, got True"),
        (np.ones(2), None, TypeError, "lr must be a number, got None"),
    ],
)
def test_an_optimizer_names_what_is_wrong(params, lr, error, said):
    with pytest.raises(error, match=said):
        SGD(params, lr=lr)


@pytest.mark.parametrize("gradient", [np.ones(3), np.ones((2, 1)), np.ones(2, np.float32), np.ones(2, int)])
def test_a_gradient_of_another_shape_or_dtype_is_refused_before_anything_moves(gradient):
    w = np.ones(2)
    optimizer = SGD(w, lr=0.1)
    with pytest.raises(ValueError, match=r"grad must have shape \(2,\) and dtype float64, got"):
        optimizer.step(gradient)
    assert optimizer.t == 0
    assert w.tolist() == [1, 1]


def test_a_gradient_must_be_an_array():
    with pytest.raises((TypeError, ValueError), match="grad must"):
        SGD(np.ones(2), lr=0.1).step([1.0, 1.0])


@pytest.mark.parametrize("rate", [-0.1, float("nan"), float("inf")])
def test_a_schedule_that_goes_wrong_is_stopped_before_anything_moves(rate):
    w = np.ones(2)
    optimizer = SGD(w, lr=lambda t: rate)
    with pytest.raises(ValueError, match="lr must be finite and at least 0, got"):
        optimizer.step(np.ones(2))
    assert optimizer.t == 0
    assert w.tolist() == [1, 1]


# ---------------------------------------------------------------------------------------------------------
# train

rng = np.random.default_rng(7)
X, y = rng.normal(size=(23, 3)), rng.integers(0, 4, 23)


def run(batch_size=5, epochs=3, *, seed=0, lr=0.3, **options):
    network = SoftmaxRegression(3, 4, l2=0.01)
    history = train(
        network,
        SGD(network.params, lr=lr),
        X,
        y,
        batch_size=batch_size,
        epochs=epochs,
        rng=np.random.default_rng(seed),
        **options,
    )
    return network, history


@pytest.mark.parametrize(("batch_size", "per_epoch"), [(1, 23), (5, 5), (22, 2), (23, 1), (100, 1)])
def test_updates_and_examples_are_counted_once_an_epoch(batch_size, per_epoch):
    _, history = run(batch_size)
    assert history.updates == [0, per_epoch, 2 * per_epoch, 3 * per_epoch]
    assert history.examples == [0, 23, 46, 69]
    assert len(history.batch_loss) == 3 * per_epoch
    assert len(history.loss) == len(history.seconds) == 4
    assert all(np.diff(history.seconds) > 0)
    assert history.seconds[0] == 0
    assert history.reached is False


@pytest.mark.parametrize(
    ("every", "updates", "examples"),
    [
        (4, [0, 4, 8, 12, 15], [0, 20, 38, 56, 69]),
        (5, [0, 5, 10, 15], [0, 23, 46, 69]),
        (7, [0, 7, 14, 15], [0, 33, 66, 69]),
        (100, [0, 15], [0, 69]),
    ],
)
def test_evaluations_come_on_a_grid_and_at_the_end(every, updates, examples):
    network, history = run(evaluate_every=every)
    assert (history.updates, history.examples) == (updates, examples)
    assert history.loss[-1] == network.loss(X, y)
    plain, other = run()
    np.testing.assert_array_equal(network.params, plain.params)  # looking changes nothing
    assert history.batch_loss == other.batch_loss


def test_training_is_a_plain_loop():
    network, history = run()
    other = SoftmaxRegression(3, 4, l2=0.01)
    generator, batch_losses, losses = np.random.default_rng(0), [], [other.loss(X, y)]
    for _ in range(3):
        for X_batch, y_batch in iterate_minibatches(X, y, batch_size=5, rng=generator):
            loss, gradient = other.loss_and_gradient(X_batch, y_batch)
            other.params -= 0.3 * gradient
            batch_losses.append(loss)
        losses.append(other.loss(X, y))
    np.testing.assert_array_equal(network.params, other.params)
    assert history.batch_loss == batch_losses
    assert history.loss == losses


def test_the_full_batch_is_gradient_descent():
    network, history = run(batch_size=23, epochs=10)
    other = SoftmaxRegression(3, 4, l2=0.01)
    for _ in range(10):
        other.params -= 0.3 * other.loss_and_gradient(X, y)[1]
    np.testing.assert_allclose(network.params, other.params, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(history.batch_loss, history.loss[:-1], rtol=1e-12)


def test_the_same_seed_gives_the_same_run_and_the_data_stay():
    before = X.copy(), y.copy()
    (a, history_a), (b, history_b), (c, _) = run(seed=1), run(seed=1), run(seed=2)
    np.testing.assert_array_equal(a.params, b.params)
    assert (history_a.loss, history_a.batch_loss) == (history_b.loss, history_b.batch_loss)
    assert not np.array_equal(a.params, c.params)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_training_stops_at_the_first_evaluation_that_reaches_the_target():
    _, whole = run(epochs=5, evaluate_every=2)
    target = whole.loss[4]
    first = next(i for i, loss in enumerate(whole.loss) if loss <= target)
    network, history = run(epochs=5, evaluate_every=2, target_loss=target)
    assert history.reached is True
    assert history.loss == whole.loss[: first + 1]
    assert history.updates[-1] == len(history.batch_loss) == 2 * first
    assert network.loss(X, y) == history.loss[-1]


def test_a_target_that_holds_from_the_start_needs_no_update():
    network, history = run(target_loss=10)
    assert (history.reached, history.updates, history.batch_loss) == (True, [0], [])
    assert not network.params.any()


def test_a_target_out_of_reach_is_not_reached():
    _, history = run(target_loss=-1)
    assert history.reached is False
    assert history.updates == [0, 5, 10, 15]


def test_divergence_is_recorded():
    _, history = run(epochs=5, lr=1e3)
    assert history.loss[-1] > history.loss[0]


def test_histories_share_no_lists():
    assert History().loss is not History().loss
    assert History().dev_loss is not History().dev_loss


def test_data_are_converted_to_the_networks_dtype():
    single, double = (SoftmaxRegression(3, 4, dtype=dtype) for dtype in (np.float32, np.float64))
    for network in (single, double):
        train(network, SGD(network.params, lr=0.3), X, y, batch_size=5, epochs=2, rng=np.random.default_rng(0))
    assert single.params.dtype == np.float32
    np.testing.assert_allclose(single.params, double.params, rtol=1e-4, atol=1e-6)


# ---------------------------------------------------------------------------------------------------------
# Dev set and patience

dev = rng.normal(size=(40, 3)), rng.integers(0, 4, 40)  # as random as the training data: soon over-fitted


class Scripted:
    """A network whose dev loss follows a script, one value per evaluation; its parameter counts the updates."""

    n_classes = 4

    def __init__(self, dev_losses):
        self.params, self.running_means, self.running_vars = np.zeros(1), [np.zeros(1)], [np.zeros(1)]
        self.dev_losses = iter(dev_losses)

    def loss_and_gradient(self, X_batch, y_batch):
        self.running_means[0] += 10
        self.running_vars[0] += 100
        return 1.0, np.array([-1.0])

    def loss(self, X_any, y_any):
        return next(self.dev_losses) if len(X_any) == len(dev[0]) else 1.0


def run_script(dev_losses, **options):
    network = Scripted(dev_losses)
    options = {"epochs": 20, "dev": dev, "rng": np.random.default_rng(0)} | options
    history = train(network, SGD(network.params, lr=1.0), X, y, batch_size=23, **options)
    return network, history


def test_the_dev_loss_is_recorded_beside_the_loss_and_changes_nothing():
    network, history = run(evaluate_every=2, dev=dev)
    plain, plain_history = run(evaluate_every=2)
    np.testing.assert_array_equal(network.params, plain.params)
    assert (history.loss, history.updates) == (plain_history.loss, plain_history.updates)
    assert len(history.dev_loss) == len(history.loss)
    assert history.dev_loss[-1] == network.loss(*dev)
    assert history.best == int(np.argmin(history.dev_loss))
    assert (plain_history.dev_loss, plain_history.best) == ([], None)


@pytest.mark.parametrize(
    ("dev_losses", "patience", "evaluations", "best"),
    [
        ([5, 4, 3, 6, 7, 2, 1], 2, 5, 2),
        ([5, 4, 3, 6, 7, 2, 8, 8, 8, 1], 3, 9, 5),
        ([5, 6, 1], 1, 2, 0),
        ([5, 5, 5, 1], 2, 3, 0),  # an equal loss is no new lowest
        ([5, 4, np.nan, 4.5, 1], 2, 4, 1),
        ([np.nan, 4, 5, 6, 1], 2, 4, 1),
        ([np.nan, np.nan, np.nan, 1], 2, 3, 0),
        ([np.inf, np.inf, 3, 9, 9, 1], 2, 5, 2),
    ],
)
def test_patience_waits_for_a_new_lowest_dev_loss_and_puts_the_best_back(dev_losses, patience, evaluations, best):
    network, history = run_script(dev_losses, patience=patience)
    np.testing.assert_array_equal(history.dev_loss, dev_losses[:evaluations])
    assert history.best == best
    assert history.updates[-1] == evaluations - 1
    arrays = [network.params, *network.running_means, *network.running_vars]
    assert [array.item() for array in arrays] == [best, 10 * best, 100 * best]


def test_the_best_are_put_back_at_the_regular_end_and_at_the_target_too():
    network, history = run_script([5, 3, 4, 4], epochs=3, patience=10)
    assert (history.best, network.params.item(), history.updates[-1]) == (1, 1, 3)
    network, history = run_script([5], target_loss=1.5, patience=10)
    assert (history.best, network.params.item(), history.reached) == (0, 0, True)


def test_without_patience_the_last_parameters_stay():
    network, history = run_script([5, 3, 4, 4], epochs=3)
    assert (history.best, network.params.item()) == (1, 3)


def test_early_stopping_of_a_real_network_gives_the_best_evaluations_losses():
    network = MLP((3, 30, 4), rng=np.random.default_rng(0), batch_norm=True, dropout=0.1)
    history = train(
        network,
        SGD(network.params, lr=0.3),
        X,
        y,
        batch_size=12,
        epochs=300,
        rng=np.random.default_rng(0),
        dev=dev,
        patience=4,
    )
    assert len(history.loss) == history.best + 5 < 301
    assert network.loss(*dev) == history.dev_loss[history.best] == min(history.dev_loss)
    assert network.loss(X, y) == history.loss[history.best]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": 2.0}, TypeError, "batch_size must be a whole number, got 2.0"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": True}, TypeError, "epochs must be a whole number, got True"),
        ({"epochs": 1.5}, TypeError, "epochs must be a whole number, got 1.5"),
        ({"evaluate_every": 0}, ValueError, "evaluate_every must be at least 1, got 0"),
        ({"evaluate_every": -1}, ValueError, "evaluate_every must be at least 1, got -1"),
        ({"evaluate_every": 0.5}, TypeError, "evaluate_every must be a whole number, got 0.5"),
        ({"target_loss": np.nan}, ValueError, "target_loss must be finite, got nan"),
        ({"target_loss": "low"}, TypeError, "target_loss must be a number, got 'low'"),
        ({"patience": 5}, ValueError, r"patience=5 needs dev=\(X_dev, y_dev\)"),
        ({"patience": 0, "dev": dev}, ValueError, "patience must be at least 1, got 0"),
        ({"patience": 2.0, "dev": dev}, TypeError, "patience must be a whole number, got 2.0"),
        ({"dev": dev[0]}, TypeError, r"dev must be a pair \(X_dev, y_dev\), got ndarray"),
        ({"dev": (dev[0][:, :2], dev[1])}, ValueError, r"X_dev must have 3 columns, .* got \(40, 2\)"),
        ({"dev": (dev[0][:0], dev[1][:0])}, ValueError, r"X_dev must have .* at least one row, got \(0, 3\)"),
        ({"dev": (dev[0] * np.nan, dev[1])}, ValueError, "X_dev must be finite"),
        ({"dev": (dev[0], dev[1][1:])}, ValueError, r"y_dev must have shape \(40,\)"),
        ({"dev": (dev[0], dev[1] + 1)}, ValueError, "y_dev must lie between 0 and 3, got 1 to 4"),
    ],
)
def test_bad_options_are_named(options, error, said):
    with pytest.raises(error, match=said):
        run(**options)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"y": y[:-1]}, ValueError, r"y must have shape \(23,\), one label per row of X, got \(22,\)"),
        ({"y": y.astype(float)}, TypeError, "y must hold integer class labels, got dtype float64"),
        ({"y": y - 1}, ValueError, "y must lie between 0 and"),
        ({"y": y + 1}, ValueError, "y must lie between 0 and 3, got 1 to 4"),
        ({"X": X[:, :2]}, ValueError, r"X must have 3 columns, got shape \(23, 2\)"),
        ({"X": np.full_like(X, np.nan)}, ValueError, "X must be finite"),
        ({"rng": 0}, TypeError, "rng must be a numpy.random.Generator"),
        ({"X": X[:0], "y": y[:0]}, ValueError, "X must have at least one row"),
    ],
)
def test_bad_data_are_named_before_anything_moves(change, error, said):
    network = SoftmaxRegression(3, 4)
    data = {"X": X, "y": y, "rng": np.random.default_rng(0)} | change
    with pytest.raises(error, match=said):
        train(network, SGD(network.params, lr=0.1), data.pop("X"), data.pop("y"), batch_size=5, epochs=1, **data)
    assert not network.params.any()
