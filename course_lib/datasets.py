"""The data sets of the course. All but full MNIST come with the installation and need no network."""

import csv
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

__all__ = ["Dataset", "digits", "mnist", "seattle_temperatures", "xor"]


@dataclass(frozen=True)
class Dataset:
    """A classification data set, split once and for all.

    Attributes
    ----------
    X_train, X_test : ndarray of float64, shape (m, n)
        One example per row; pixels from 0 (white) to 1 (black).
    y_train, y_test : ndarray of int64, shape (m,)
        Classes from 0.
    shape : tuple of int
        Height and width of an image, for drawing a row.
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    shape: tuple[int, int]


def digits() -> Dataset:
    """Return the handwritten digits: 1,797 images of 8 × 8 pixels, 1,437 of them for training.

    From the test part of the UCI set *Optical Recognition of Handwritten Digits* (Alpaydin and Kaynak, 1998),
    as shipped with scikit-learn. Pixels are divided by 16. The split is random, stratified by class, and always
    the same.
    """
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return _split(X / 16, y.astype(np.int64), n_test=360, shape=(8, 8))


def mnist(*, data_home: str | Path | None = None) -> Dataset:
    """Return full MNIST: 60,000 training and 10,000 test images of 28 × 28 pixels (LeCun et al., 1998).

    Opt-in, as the first call downloads 15 MB from openml.org; later calls read the copy on disk.

    Parameters
    ----------
    data_home : path, optional
        Where the copy is kept. Default: scikit-learn's data folder, ``~/scikit_learn_data``.

    Raises
    ------
    ConnectionError
        If there is no copy on disk and the download fails, for instance without a network. `digits` needs none.
    """
    from sklearn.datasets import fetch_openml

    try:
        X, y = fetch_openml(
            "mnist_784",
            version=1,
            return_X_y=True,
            as_frame=False,
            parser="liac-arff",
            data_home=data_home,
            n_retries=1,
        )
    except OSError as error:
        raise ConnectionError(
            "mnist: full MNIST could not be downloaded from openml.org (no network?). "
            "datasets.digits() comes with the installation and serves every week of the course."
        ) from error
    X, y = X / 255, y.astype(np.int64)
    return Dataset(X[:60_000], y[:60_000], X[60_000:], y[60_000:], shape=(28, 28))


def seattle_temperatures() -> tuple[np.ndarray, np.ndarray]:
    """Return Seattle's daily maximum temperature, 1 January 2012 to 31 December 2015, no day missing.

    From the records of the US National Oceanic and Atmospheric Administration, as shipped in the package
    vega_datasets (``local_data.seattle_weather``, column ``temp_max``).

    Returns
    -------
    dates : ndarray of datetime64[D], shape (1461,)
    temperatures : ndarray of float64, shape (1461,)
        Degrees Celsius.
    """
    # Read from its folder, as importing the package would load pandas for a single column of numbers.
    package = find_spec("vega_datasets")
    if package is None:
        raise ModuleNotFoundError(
            "seattle_temperatures needs the package vega_datasets: pip install vega_datasets"
        )
    path = Path(package.origin).parent / "_data" / "seattle-weather.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    dates = np.array([row["date"].replace("/", "-") for row in rows], dtype="datetime64[D]")
    return dates, np.array([float(row["temp_max"]) for row in rows])


def xor() -> tuple[np.ndarray, np.ndarray]:
    """Return the four examples of "exclusive or": class 1 where exactly one of the two inputs is 1.

    The smallest data set that no straight line separates (Minsky and Papert, 1969).

    Returns
    -------
    X : ndarray of float64, shape (4, 2)
        The corners of the unit square: (0, 0), (0, 1), (1, 0), (1, 1).
    y : ndarray of int64, shape (4,)
        Their classes: 0, 1, 1, 0.
    """
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)
    return X, np.array([0, 1, 1, 0], dtype=np.int64)


def _split(X: np.ndarray, y: np.ndarray, *, n_test: int, shape: tuple[int, int]) -> Dataset:
    """Split at random into test and training data, each class in proportion."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(y))
    by_class = order[np.argsort(y[order], kind="stable")]
    test = np.zeros(len(y), dtype=bool)
    # Every k-th of the examples lined up by class: each class is represented in proportion.
    test[by_class[np.linspace(0, len(y) - 1, n_test).round().astype(int)]] = True
    return Dataset(X[~test], y[~test], X[test], y[test], shape)
