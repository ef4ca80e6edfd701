import numpy as np
import pytest

from course_lib.validation import as_float_array, as_generator, as_labels, as_number, as_positive_int


@pytest.mark.parametrize("value", [1, 7, np.int64(7), np.uint8(7)])
def test_positive_int_comes_back_as_an_int(value):
    assert as_positive_int("m", value) == value
    assert type(as_positive_int("m", value, most=7)) is int


@pytest.mark.parametrize(
    "value", [True, np.True_, 3.0, np.float64(3), "3", None, float("nan"), [3], np.array([3])]
)
def test_positive_int_takes_nothing_but_whole_numbers(value):
    with pytest.raises(TypeError, match=r"m must be a whole number, got "):
        as_positive_int("m", value)


@pytest.mark.parametrize(("value", "most", "expected"), [(0, None, "at least 1"), (-3, 5, "between 1 and 5")])
def test_positive_int_is_bounded(value, most, expected):
    with pytest.raises(ValueError, match=f"m must be {expected}, got {value}"):
        as_positive_int("m", value, most=most)
    with pytest.raises(ValueError, match="m must be between 1 and 5, got 6"):
        as_positive_int("m", 6, most=5)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2)])
def test_number_comes_back_as_a_float(value):
    assert as_number("lr", value, above=1, least=2, below=3) == 2.0
    assert type(as_number("lr", value)) is float


@pytest.mark.parametrize("value", [True, np.False_, "1", None, 1j, [1.0], np.array([1.0])])
def test_number_takes_nothing_but_numbers(value):
    with pytest.raises(TypeError, match="lr must be a number, got "):
        as_number("lr", value)


@pytest.mark.parametrize(
    ("value", "bounds", "said"),
    [
        (float("nan"), {}, "lr must be finite, got nan"),
        (float("inf"), {"above": 0}, "lr must be finite and greater than 0, got inf"),
        (0, {"above": 0}, "lr must be finite and greater than 0, got 0"),
        (-1, {"least": 0}, "lr must be finite and at least 0, got -1"),
        (1, {"least": 0, "below": 1}, "lr must be finite and at least 0 and less than 1, got 1"),
        (float("nan"), {"least": 0, "below": 1}, "got nan"),
    ],
)
def test_number_is_finite_and_bounded(value, bounds, said):
    with pytest.raises(ValueError, match=said):
        as_number("lr", value, **bounds)


def test_float_array_keeps_floats_and_converts_integers():
    for dtype, expected in [("f4", "f4"), ("f8", "f8"), ("i8", "f8"), ("u1", "f8"), ("f2", "f8")]:
        assert as_float_array("X", np.ones((2, 3), dtype), ndim=2).dtype == expected
    assert as_float_array("X", [[1, 2]]).tolist() == [[1.0, 2.0]]
    X = np.ones(3)
    assert as_float_array("X", X) is X


@pytest.mark.parametrize("value", [["a"], [None], [True], [1j]])
def test_float_array_takes_nothing_but_numbers(value):
    with pytest.raises(TypeError, match="X must be an array of numbers, got dtype"):
        as_float_array("X", value)


def test_float_array_is_finite_and_of_the_right_dimension():
    with pytest.raises(ValueError, match=r"X must have 2 dimensions, got shape \(3,\)"):
        as_float_array("X", np.ones(3), ndim=2)
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="X must be finite, got NaN or infinity in it"):
            as_float_array("X", [1.0, bad])


def test_labels_are_integers_in_range():
    assert as_labels("y", [0, 2, 1], length=3, n_classes=3).tolist() == [0, 2, 1]
    assert len(as_labels("y", np.array([], int), length=0, n_classes=3)) == 0
    for bad in ([0.0, 1.0], [True, False], ["0", "1"], [0, np.nan]):
        with pytest.raises(TypeError, match="y must hold integer class labels, got dtype"):
            as_labels("y", bad, length=2, n_classes=2)
    for bad in ([0, 1, 1], [[0, 1]], 0):
        with pytest.raises(ValueError, match=r"y must have shape \(2,\), one label per row of X"):
            as_labels("y", bad, length=2, n_classes=2)
    for bad, said in (([0, 2], "got 0 to 2"), ([-1, 1], "got -1 to 1")):
        with pytest.raises(ValueError, match=f"y must lie between 0 and 1, {said}"):
            as_labels("y", bad, length=2, n_classes=2)


def test_a_generator_is_a_generator():
    rng = np.random.default_rng(0)
    assert as_generator("rng", rng) is rng
    for bad in (0, None, np.random.RandomState(0), np.random):
        with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
            as_generator("rng", bad)
