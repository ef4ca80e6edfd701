import hashlib
import socket
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
import sklearn.datasets

from course_lib import datasets

DIGITS = "c0de2cacbd90f6aba5e5b21a8f04b1c00b616118f585ad22c8482fe20856bbf7"


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        pytest.fail("somebody asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def digits(no_network):
    return datasets.digits()


def test_digits_have_the_shapes_and_ranges_that_they_promise(digits):
    assert (digits.X_train.shape, digits.y_train.shape) == ((1437, 64), (1437,))
    assert (digits.X_test.shape, digits.y_test.shape) == ((360, 64), (360,))
    assert digits.shape == (8, 8)
    for X, y in [(digits.X_train, digits.y_train), (digits.X_test, digits.y_test)]:
        assert (X.dtype, y.dtype) == (np.float64, np.int64)
        assert (X.min(), X.max()) == (0, 1)
        assert set(y.tolist()) == set(range(10))


def test_every_digit_is_in_one_part_and_each_class_in_proportion(digits):
    X, y = sklearn.datasets.load_digits(return_X_y=True)
    both = np.vstack([digits.X_train, digits.X_test])
    labels = np.concatenate([digits.y_train, digits.y_test])
    rows = sorted(zip(map(bytes, X / 16), y.tolist(), strict=True))
    assert rows == sorted(zip(map(bytes, both), labels.tolist(), strict=True))
    share = np.bincount(digits.y_test) / np.bincount(labels)
    assert np.all(np.abs(share - 360 / 1797) < 0.01)


def test_the_split_is_random_within_a_class_and_always_the_same(digits):
    again = datasets.digits()
    np.testing.assert_array_equal(digits.X_test, again.X_test)
    np.testing.assert_array_equal(digits.y_train, again.y_train)
    content = (
        digits.X_train.tobytes() + digits.y_train.tobytes() + digits.X_test.tobytes() + digits.y_test.tobytes()
    )
    assert hashlib.sha256(content).hexdigest() == DIGITS
    # Not simply the last ones: every tenth of the file is in the test part about as often.
    X, _ = sklearn.datasets.load_digits(return_X_y=True)
    test = set(map(bytes, digits.X_test))
    tenths = [np.mean([bytes(row) in test for row in part / 16]) for part in np.array_split(X, 10)]
    assert 0.1 < min(tenths) < max(tenths) < 0.3


def test_a_dataset_cannot_be_rebound(digits):
    with pytest.raises(AttributeError):
        digits.X_train = None


@pytest.mark.parametrize(
    "failure",
    [
        urllib.error.URLError("no route to host"),
        urllib.error.HTTPError("https://openml.org", 503, "unavailable", None, None),
        TimeoutError("timed out"),
    ],
)
def test_mnist_without_a_network_says_what_to_do(monkeypatch, failure):
    def fails(*args, **kwargs):
        raise failure

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fails)
    with pytest.raises(
        ConnectionError, match=r"could not be downloaded from openml\.org.*datasets\.digits\(\)"
    ) as e:
        datasets.mnist()
    assert e.value.__cause__ is failure


def test_mnist_is_split_as_its_authors_did(monkeypatch):
    asked = {}

    def fetch(name, **options):
        asked.update(options, name=name)
        return np.full((70_000, 2), 255.0), np.full(70_000, "7")  # two pixels are enough to split

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    data = datasets.mnist(data_home=Path("somewhere"))
    assert (asked["name"], asked["version"], asked["data_home"]) == ("mnist_784", 1, Path("somewhere"))
    assert (data.X_train.shape, data.X_test.shape) == ((60_000, 2), (10_000, 2))
    assert (data.y_train.shape, data.y_test.shape, data.y_train.dtype) == ((60_000,), (10_000,), np.int64)
    assert data.shape == (28, 28)
    assert data.X_test.max() == 1


def test_xor_is_its_truth_table(no_network):
    X, y = datasets.xor()
    assert (X.dtype, X.shape, y.dtype, y.shape) == (np.float64, (4, 2), np.int64, (4,))
    assert {(*map(bool, row), bool(label)) for row, label in zip(X, y, strict=True)} == {
        (a, b, a != b) for a in (False, True) for b in (False, True)
    }


def test_xor_is_made_anew_each_time():
    X, y = datasets.xor()
    X[:], y[:] = 7, 7
    assert datasets.xor()[0].max() == datasets.xor()[1].max() == 1


def test_no_straight_line_separates_xor_and_one_gets_three_of_four():
    X, y = datasets.xor()
    signs = 2 * y - 1
    # A line exists if and only if this linear program is feasible: signs * (X @ w + b) >= 1.
    rows = -signs[:, None] * np.column_stack([X, np.ones(4)])

    def separable(rows):
        free = [(None, None)] * 3
        return scipy.optimize.linprog(np.zeros(3), A_ub=rows, b_ub=-np.ones(len(rows)), bounds=free).success

    assert not separable(rows)
    assert all(separable(np.delete(rows, left_out, axis=0)) for left_out in range(4))
