"""Week 00, foundations: the exercises of its first notebook with their cases, misconceptions and hints."""

import numpy as np

from course_lib.comparing import describe
from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, case
from course_lib.networks import log_softmax

# ---------------------------------------------------------------------------------------------------------
# softmax


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_cases(rng):
    for m, k in [(1, 3), (2, 3), (4, 2), (3, 3), (5, 4)]:
        yield case("ordinary scores", rng.normal(scale=2, size=(m, k)).round(2))
    for m, k in [(1, 3), (2, 2), (3, 4)]:
        signs = rng.choice([-1.0, 1.0], size=(m, k))
        yield case("large scores", signs * 2 * rng.integers(360, 900, size=(m, k)))  # beyond any clipping
        z = rng.normal(scale=2, size=(m, k)).round(2)
        yield case("large scores", z + 1000.0)
        yield case("large scores", z - 1000.0)
    yield case("large scores", np.array([[0.0, 1.0, -1.0]]) * float(rng.integers(400, 500)))
    for row in ([900.0, -900.0, -900.0], [-1000.0, 200.0, 100.0]):  # tell what was subtracted apart
        yield case("large scores", np.array([row]) + float(rng.integers(0, 9)))
    rows_far_apart = rng.normal(scale=2, size=(3, 3)).round(2) + np.array([[-900.0], [0.0], [900.0]])
    yield case("large scores", rows_far_apart)


def is_finite(value):
    """Whether all numbers in `value` are finite; what holds no numbers is left to the comparison."""
    is_number = isinstance(value, np.ndarray | float | np.floating) and np.asarray(value).dtype.kind == "f"
    return bool(np.all(np.isfinite(value))) if is_number else True


def is_array(value):
    """Whether `value` is an array of floating-point numbers."""
    return type(value) is np.ndarray and value.dtype.kind == "f"


def observe_softmax(call, case):
    """Compare the numbers, but where they overflow only say so: inf and nan differ by accident."""
    p = call(*case.args)
    finite = is_finite(p)
    return {"every probability is a finite number": finite} | ({"p": p} if finite else {})


soft = Exercise(
    softmax,
    parts={"ordinary scores": 2, "large scores": 1},
    cases=softmax_cases,
    observe=observe_softmax,
    allows=Allows(real=("z",), part="ordinary scores"),
    hints=(
        "Two steps: make every score positive with the exponential function, then share out by row. For large "
        "scores look at what may be subtracted beforehand.",
        "Each row is an example: sums and maxima run along axis 1. `keepdims=True` keeps them as a column, so "
        "that they fit to the rows again. After subtracting its maximum, no row has a score above 0.",
        "`e = np.exp(z - z.max(axis=1, keepdims=True))`, then divide `e` by its sum along the same axis.",
    ),
    explain="why may you subtract a row's maximum, and why is the exponential then always between 0 and 1?",
)


def share(e, axis=1):
    return e / e.sum(axis=axis, keepdims=True)


@soft.misconception(
    "Right for ordinary scores. But `np.exp` of a score above 709 is `inf`, and inf/inf is `nan`; a row far below "
    "−745 becomes 0/0. Subtract each row's maximum first: it changes no probability."
)
def no_shift(z):
    return share(np.exp(z))


@soft.misconception(
    "You subtract one maximum, that of the whole array. A row that lies far below it becomes all zeros, and 0/0 "
    "is `nan`. Every row needs its own maximum."
)
def one_maximum_for_all(z):
    return share(np.exp(z - z.max()))


@soft.misconception(
    "Clipping the scores avoids the overflow but changes them: 1000 and 1001 become the same. Subtract the row's "
    "maximum, which changes no probability."
)
def scores_clipped(z):
    return share(np.exp(np.clip(z, -500, 500)))


@soft.misconception(
    "Your sums run down the columns (axis 0), over the examples. It is each example's probabilities over the "
    "classes that sum to 1: axis 1."
)
def over_the_examples(z):
    return share(np.exp(z - z.max(axis=0)), axis=0)


@soft.misconception(
    "The row sums have shape (m,), and NumPy lines them up with the columns, not with the rows (or refuses to). "
    "With `keepdims=True` they stay a column of shape (m, 1)."
)
def dimensions_dropped(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1)


@soft.misconception(
    "The maximum is subtracted above the fraction bar but not below it. Shift the scores once, then use the "
    "shifted ones in both places."
)
def shifted_above_only(z):
    return np.exp(z - z.max(axis=1, keepdims=True)) / np.exp(z).sum(axis=1, keepdims=True)


@soft.misconception(
    "That is the sigmoid of every score on its own, so a row does not sum to 1. The classes compete: divide each "
    "exponential by the sum of the row's."
)
def sigmoids(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), 1 - 1 / (1 + np.exp(-np.abs(z))))


@soft.misconception(
    "The softmax is taken twice. The second one takes probabilities for scores and makes them all nearly equal."
)
def softmax_twice(z):
    return softmax(softmax(z))


@soft.misconception(
    "The small number in the denominator is not needed once the maximum is subtracted (the sum is then at least "
    "1), and with it the probabilities do not quite sum to 1."
)
def epsilon_in_the_denominator(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / (e.sum(axis=1, keepdims=True) + 1e-8)


@soft.misconception(
    "You subtract the largest *absolute* value. Where all scores of a row are far below 0, that pushes them "
    "farther down, and all exponentials round to 0. Subtract the largest score."
)
def absolute_maximum_subtracted(z):
    return share(np.exp(z - np.abs(z).max(axis=1, keepdims=True)))


@soft.misconception(
    "`nan_to_num` turns the `nan` of inf/inf into 0, and the best class may be the one that gets it. Avoid the "
    "`inf` instead: subtract each row's maximum first."
)
def nan_swept_away(z):
    return np.nan_to_num(share(np.exp(z)))


@soft.alternative
def through_the_logarithm(z):
    return np.exp(log_softmax(z))


@soft.alternative
def row_by_row(z):
    p = np.empty(z.shape)
    for i, row in enumerate(z):
        e = np.exp(row - max(row))
        p[i] = e / sum(e)
    return p


@soft.alternative
def transposed(z):
    e = np.exp(z.T - np.max(z, axis=1))
    return (e / e.sum(axis=0)).T


# ---------------------------------------------------------------------------------------------------------
# cross_entropy


def cross_entropy(z, y):
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(z)), y].mean()


def entropy_cases(rng):
    for m, k in [(1, 3), (3, 2), (4, 3), (6, 4), (3, 3)]:
        yield case("ordinary scores", rng.normal(scale=2, size=(m, k)).round(2), rng.integers(0, k, m))
    m, k = 3, 3
    for top in (1000.0, 0.0, 900.0):  # the scores overflow, or only their softmax underflows
        z = rng.integers(-80, -1, size=(m, k)) * 1.0 - 900.0
        best = rng.integers(0, k, m)
        z[np.arange(m), best] = top
        yield case("a probability of 0", z, (best + rng.integers(1, k, m)) % k)
    for level in (1000.0, np.array([[-900.0], [0.0], [900.0]])):  # ordinary rows, but far up or far apart
        z = rng.integers(-12, -4, size=(m, k))
        best = rng.integers(0, k, m)
        z[np.arange(m), best] = 0
        yield case("a probability of 0", z + level, (best + rng.integers(1, k, m)) % k)
    z = np.full((2, 3), -5.0)
    best = rng.integers(0, 3, 2)
    z[np.arange(2), best] = 1000.0 + rng.integers(0, 9)
    yield case("a probability of 0", z, best)  # here it is the wrong classes that have it


def observe_entropy(call, case):
    """Compare the loss; beyond floating point's reach say first what gave way, which differs by accident."""
    z, y = case.args
    loss = call(z, y)
    seen = {"the loss is a finite number": is_finite(loss)}
    if not is_finite(loss):
        return seen
    if case.part == "a probability of 0" and np.ndim(loss) == 0:
        farther = call(2 * z, y)
        capped = isinstance(farther, float) and loss > 1 and bool(abs(farther / loss - 2) > 0.5)
        seen["scores twice as far apart make the loss twice as large"] = not capped
        if capped:
            return seen
    return seen | {"the loss": loss}


entropy = Exercise(
    cross_entropy,
    parts={"ordinary scores": 2, "a probability of 0": 1},
    cases=entropy_cases,
    observe=observe_entropy,
    allows=Allows(real=("z",), part="ordinary scores"),
    equivalent={
        "name: z → y": "as long as z",
        "name: z → log_p": "as long as z",
        "name: z → shifted": "as long as z",
    },
    hints=(
        "One number per example first: the loss of its right class. Then the mean. For a probability that rounds "
        "to 0, the logarithm must be taken on paper, before anything is rounded.",
        "log p is the shifted score minus the log of the sum of the exponentials of the shifted scores. The right "
        "class of every row is picked with two index arrays, row numbers and labels.",
        "`shifted = z - z.max(axis=1, keepdims=True)`, `log_p = shifted - np.log(np.exp(shifted).sum(axis=1, "
        "keepdims=True))`, then minus the mean of `log_p[np.arange(len(z)), y]`.",
    ),
    explain="why does the log of the sum never become the log of 0?",
)


def losses(z, y):
    return -log_softmax(z)[np.arange(len(z)), y]


def picked(z, y):
    return softmax(z)[np.arange(len(z)), y]


@entropy.misconception(
    "You divide by examples *and* classes (the mean of a one-hot product does). Sum over the classes, then take "
    "the mean over the examples."
)
def averaged_over_classes(z, y):
    return losses(z, y).mean() / z.shape[1]


@entropy.misconception(
    "Your softmax is safe, but a probability of e to the −900 still rounds to 0, and its log is −inf. Take the "
    "log on paper: shifted score minus log of the sum."
)
def log_of_zero(z, y):
    return -np.log(picked(z, y)).mean()


@entropy.misconception(
    "Right for ordinary scores, but `np.exp` of a score of 1000 is `inf`. Subtract the row's maximum first, and "
    "do not take the log of a rounded probability."
)
def overflow(z, y):
    e = np.exp(z)
    return -np.log(e[np.arange(len(z)), y] / e.sum(axis=1)).mean()


@entropy.misconception(
    "The small number inside the log puts a ceiling on the loss: with 1e-12, a wrong answer given with certainty "
    "costs 28, however wrong. Take the log on paper, then no ceiling is needed."
)
def epsilon_in_the_log(z, y):
    return -np.log(picked(z, y) + 1e-12).mean()


@entropy.misconception(
    "Nearly: the log of the sum is taken on paper, but its exponentials overflow. Subtract the row's maximum from "
    "the scores first."
)
def sum_not_shifted(z, y):
    rows = np.arange(len(z))
    return (np.log(np.exp(z).sum(axis=1)) - z[rows, y]).mean()


@entropy.misconception(
    "`log_p[:, y]` takes, for every row, the columns of all labels. Pair each row with its own label: row numbers "
    "as the first index."
)
def whole_columns(z, y):
    return -log_softmax(z)[:, y].mean()


@entropy.misconception(
    "You take the log of the mean probability. The mean comes last: one confidently wrong example must hurt."
)
def log_of_the_mean(z, y):
    return -np.log(picked(z, y).mean())


@entropy.misconception(
    "You use the probability of the class that the machine prefers. The loss asks for that of the *right* class, "
    "y."
)
def of_the_preferred_class(z, y):
    return losses(z, np.argmax(z, axis=1)).mean()


@entropy.misconception(
    "You also add log(1 − p) of the wrong classes, which is the loss for several yes-no questions. With one right "
    "class among k only −log p of that class counts."
)
def with_the_wrong_classes(z, y):
    p, Y = softmax(z), np.eye(z.shape[1])[y]
    return -np.sum(Y * np.log(p) + (1 - Y) * np.log(1 - p)) / len(z)


@entropy.misconception(
    "A small number added to p, or a lower bound for it (or for the scores), puts a ceiling on the loss: with "
    "1e-15, a wrong answer given with certainty costs 35, however wrong. Take the log on paper, then none is "
    "needed."
)
def clipped_from_below(z, y):
    return -np.log(np.maximum(picked(z, y), 1e-15)).mean()


@entropy.misconception(
    "Your softmax is safe, but the log of a probability that rounds to 0 is −inf, and the one-hot 0 times −inf is "
    "`nan`. Take the log on paper: shifted score minus log of the sum."
)
def zero_times_log_of_zero(z, y):
    return -np.mean(np.sum(np.eye(z.shape[1])[y] * np.log(softmax(z)), axis=1))


@entropy.alternative
def by_logaddexp(z, y):
    return float(np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y]))


@entropy.alternative
def with_one_hot(z, y):
    Y = np.eye(z.shape[1])[y]
    top = z.max(axis=1, keepdims=True)
    log_p = z - (top + np.log(np.exp(z - top).sum(axis=1, keepdims=True)))
    return -np.sum(Y * log_p) / len(z)


@entropy.alternative
def example_by_example(z, y):
    total = 0.0
    for row, label in zip(z, y, strict=True):
        total += np.log(np.sum(np.exp(row - row[label] - max(row - row[label])))) + max(row - row[label])
    return total / len(y)


# ---------------------------------------------------------------------------------------------------------
# numerical_gradient


class Formula:
    """A function made from its text, so that a call that is shown can be read, run, and sent elsewhere."""

    def __init__(self, text):
        self.text = text
        self.function = eval(text, {"np": np})  # the texts are this module's own

    def __call__(self, w):
        """Return the function's value at `w`."""
        return self.function(w)

    def __repr__(self):
        return self.text

    def __deepcopy__(self, memo):
        return self  # nothing in it changes, and a copy would be taken for a changed argument

    def __reduce__(self):
        return Formula, (self.text,)


def numerical_gradient(f, w, *, h):
    gradient = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        nudge = np.zeros_like(w)
        nudge[index] = h
        gradient[index] = (f(w + nudge) - f(w - nudge)) / (2 * h)
    return gradient


def numerical_cases(rng):
    def point(*shape):
        return (rng.choice([-1, 1], size=shape) * rng.uniform(0.5, 1.5, size=shape)).round(2)

    a, b, c = rng.uniform(0.5, 2, size=3).round(1)
    for h in (0.1, 0.02):
        yield case("a vector", Formula(f"lambda w: {a} * w[0]**3"), point(1), h=h)
        yield case("a vector", Formula(f"lambda w: {a} * w[0]**3 + {b} * w[0] * w[1]**4"), point(2), h=h)
        text = f"lambda w: np.sum({c} * w**3 + np.exp(w)) + w[0] * w[1] * w[2]"
        yield case("a vector", Formula(text), point(3), h=h)
    for shape in [(2, 2), (3, 2), (2, 4), (2, 1, 3)]:
        text = f"lambda w: np.sum({a} * w**3) + {b} * np.sum(w) ** 4"
        yield case("any shape", Formula(text), point(*shape), h=float(rng.choice([0.05, 0.1])))
    text = f"lambda w: {a} * np.sum(w[0] ** 3) + {b} * np.sum(w[-1]) ** 4"  # one that cares for the shape of w
    yield case("any shape", Formula(text), point(3, 2), h=0.1)


numerical = Exercise(
    numerical_gradient,
    parts={"a vector": 2, "any shape": 1},
    cases=numerical_cases,
    allows=Allows(real=("w",), ends={"h": (1.0, 1e-3)}, start="any shape"),
    equivalent={
        "function: np.zeros_like(w) → np.ones_like(w)": "every entry of the gradient is written",
        "name: w → gradient": "of the shape of w",
    },
    hints=(
        "Each entry of w gets its own little experiment: a bit up, a bit down, all other entries as they were.",
        "Make a fresh array of zeros with h in one place. The two points where you measure are 2h apart, so that "
        "is what the difference is divided by. `np.ndindex(w.shape)` runs through the places of any array.",
        "`for index in np.ndindex(w.shape):` make `nudge = np.zeros_like(w)`, set `nudge[index] = h`, then "
        "`gradient[index] = (f(w + nudge) - f(w - nudge)) / (2 * h)`.",
    ),
    explain="why is the difference between both sides so much more exact than that to one side?",
    rtol=1e-7,
)


def differences(f, w, *, up, down, divide):
    """Difference f(w + up) − f(w + down) over `divide`, one entry after the other."""
    gradient = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        unit = np.zeros_like(w)
        unit[index] = 1
        gradient[index] = (f(w + up * unit) - f(w + down * unit)) / divide
    return gradient


@numerical.misconception(
    "That is the forward difference, from w to w + h. Its error shrinks like h; that of the central difference, "
    "from w − h to w + h, like h². The contract asks for the central one."
)
def forward_difference(f, w, *, h):
    return differences(f, w, up=h, down=0, divide=h)


@numerical.misconception(
    "You hand f a single entry. f wants the whole array w, of which only this one entry is nudged."
)
def only_the_entry(f, w, *, h):
    gradient = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        gradient[index] = (f(w[index] + h) - f(w[index] - h)) / (2 * h)
    return gradient


@numerical.misconception(
    "Right where f does not care for the shape. But you hand it a flattened w, and f may look for rows and "
    "columns. `np.ndindex(w.shape)` runs over the entries without flattening."
)
def flat_argument(f, w, *, h):
    return numerical_gradient(f, w.ravel(), h=h).reshape(w.shape)


@numerical.misconception(
    "Your nudges pile up: one entry is still moved while the next is measured. Make a fresh nudge for each, or "
    "put the entry back."
)
def nudges_pile_up(f, w, *, h):
    gradient, nudge = np.zeros_like(w), np.zeros_like(w)
    for index in np.ndindex(w.shape):
        nudge[index] = h
        gradient[index] = (f(w + nudge) - f(w - nudge)) / (2 * h)
    return gradient


@numerical.misconception(
    "Right for vectors. In a matrix `w[j]` is a whole row, so you nudge all of its entries together. Run over "
    "every index: `np.ndindex(w.shape)`."
)
def a_row_at_once(f, w, *, h):
    gradient = np.zeros_like(w)
    for j in range(len(w)):
        nudge = np.zeros_like(w)
        nudge[j] = h
        gradient[j] = (f(w + nudge) - f(w - nudge)) / (2 * h)
    return gradient


@numerical.misconception(
    "The step is a fraction of each entry (h times w), so it differs from entry to entry and is 0 where w is. The "
    "contract says h, the same for all."
)
def relative_steps(f, w, *, h):
    gradient = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        nudge = np.zeros_like(w)
        nudge[index] = h * w[index]
        gradient[index] = (f(w + nudge) - f(w - nudge)) / (2 * nudge[index])
    return gradient


@numerical.alternative
def on_a_copy(f, w, *, h):
    gradient, moved = np.empty(w.shape), w.copy()
    for index, kept in np.ndenumerate(w):
        moved[index] = kept + h
        up = f(moved)
        moved[index] = kept - h
        gradient[index] = 0.5 * (up - f(moved)) / h
        moved[index] = kept
    return gradient


@numerical.alternative
def through_flat_units(f, w, *, h):
    steps = h * np.eye(w.size).reshape(w.size, *w.shape)
    return np.array([(f(w + step) - f(w - step)) / (2 * h) for step in steps]).reshape(w.shape)


# ---------------------------------------------------------------------------------------------------------
# softmax_regression_gradient


def softmax_regression_gradient(w, b, X, y):
    dz = np.exp(log_softmax(X @ w + b))
    dz[np.arange(len(X)), y] -= 1
    dz /= len(X)
    return X.T @ dz, dz.sum(axis=0)


def gradient_cases(rng):
    def problem(part, m, n, k, scale=1.0):
        w, b = ((rng.normal(size=s) * scale).round(2) for s in ((n, k), k))
        return case(part, w, b, rng.normal(size=(m, n)).round(2), rng.integers(0, k, m))

    for n, k in [(2, 3), (3, 2), (1, 4)]:
        yield problem("one example", 1, n, k)
    for m, n, k in [(2, 2, 3), (4, 3, 4), (3, 3, 3), (7, 2, 2)]:
        yield problem("many examples", m, n, k)
    for _ in range(3):
        w, b, X, y = problem("large scores", 4, 2, 3, scale=400.0).args
        X[0] = [2.0, -3.0]
        b[0] += 4000.0  # one class far above the others, for certain
        yield case("large scores", w, b, X, y)


def observe_gradient(call, case):
    """Compare the two arrays, but where they overflow only say so."""
    result = call(*case.args)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise ContractError(f"The function should return `dw, db`, but returned {describe(result)}.")
    finite = all(map(is_finite, result))
    if finite and case.part == "large scores":  # what cancels there, to 0 or to 1e-17, is an accident of rounding
        result = [np.where(np.abs(d) < 1e-14, 0.0, d) if is_array(d) else d for d in result]
    return {"the gradient is finite": finite} | ({"dw": result[0], "db": result[1]} if finite else {})


regression_gradient = Exercise(
    softmax_regression_gradient,
    parts={"one example": 2, "many examples": 1, "large scores": 1},
    cases=gradient_cases,
    observe=observe_gradient,
    allows=Allows(real=("w", "b", "X"), start="many examples", part="many examples"),
    equivalent={
        "name: X → y": "as long as X",
        "name: X → dz": "as long as X",
    },
    hints=(
        "Work forwards to the probabilities (m, k), then backwards: first the derivative with respect to the "
        "scores, again (m, k), then what each dial does to the scores.",
        "The derivative with respect to the scores is p, minus 1 at each row's right class, over m. The sum over "
        "examples of pixel times that is a matrix product: which of the two must be transposed to give (n, k)?",
        "`dz = np.exp(log_softmax(X @ w + b))`; `dz[np.arange(len(X)), y] -= 1`; divide by `len(X)`. Then "
        "`X.T @ dz`, and the sum of `dz` over the rows.",
    ),
    explain="in words: what is p − [j = y], and why is a pixel that is 0 without influence on its dial?",
)


def gradient_with(w, b, X, y, *, p=None, target=None, dz=lambda dz: dz):
    """Compute the right answer with a piece replaced: most wrong answers differ in one piece."""
    p = np.exp(log_softmax(X @ w + b)) if p is None else p
    target = np.eye(len(b))[y] if target is None else target
    d = dz((p - target) / len(X))
    return X.T @ d, d.sum(axis=0)


@regression_gradient.misconception(
    "You use the probabilities alone. Subtract 1 at each example's right class: that is what pulls its score up."
)
def labels_not_subtracted(w, b, X, y):
    return gradient_with(w, b, X, y, target=0.0)


@regression_gradient.misconception(
    "You subtract the label's *number* from all probabilities. Subtract 1 at the label's place, 0 elsewhere."
)
def label_number_subtracted(w, b, X, y):
    return gradient_with(w, b, X, y, target=y[:, None])


@regression_gradient.misconception(
    "You subtract 1 at the class with the highest score. It belongs to the *right* class y, whatever the machine "
    "thinks."
)
def preferred_class_subtracted(w, b, X, y):
    return gradient_with(w, b, X, y, target=np.eye(len(b))[np.argmax(X @ w + b, axis=1)])


@regression_gradient.misconception(
    "`dz[:, y] -= 1` subtracts in whole columns: every row loses 1 at every label that occurs. Pair each row with "
    "its own label: `dz[np.arange(len(X)), y]`."
)
def whole_columns_subtracted(w, b, X, y):
    target = np.zeros((len(X), len(b)))
    target[:, y] = 1
    return gradient_with(w, b, X, y, target=target)


@regression_gradient.misconception(
    "Your softmax runs over the examples (axis 0). Each example's probabilities over the classes sum to 1: axis 1."
)
def gradient_softmax_over_examples(w, b, X, y):
    return gradient_with(w, b, X, y, p=np.exp(log_softmax((X @ w + b).T)).T)


@regression_gradient.misconception(
    "Right for ordinary scores, but `np.exp` of a large score is `inf`, and inf/inf is `nan`. Use "
    "`np.exp(log_softmax(z))`, or subtract the row's maximum first."
)
def gradient_overflows(w, b, X, y):
    return gradient_with(w, b, X, y, p=share(np.exp(X @ w + b)))


@regression_gradient.misconception(
    "There is a factor p (1 − p) too many: that is the derivative of a squared error. With the cross-entropy it "
    "cancels, and p − [j = y] is all that is left."
)
def squared_error_gradient(w, b, X, y):
    p = np.exp(log_softmax(X @ w + b))
    return gradient_with(w, b, X, y, p=p, dz=lambda dz: dz * p * (1 - p))


@regression_gradient.misconception(
    "Only the right class gets a gradient. The others have one, too: their probability p, which pushes their "
    "scores down."
)
def right_class_only(w, b, X, y):
    return gradient_with(w, b, X, y, dz=lambda dz: dz * np.eye(len(b))[y])


@regression_gradient.alternative
def by_one_hot(w, b, X, y):
    p = softmax(X @ w + b)
    Y = np.eye(len(b))[y]
    return np.dot(X.T, p - Y) / len(X), np.mean(p - Y, axis=0)


@regression_gradient.alternative
def example_after_example(w, b, X, y):
    dw, db = np.zeros(w.shape), np.zeros(b.shape)
    for x, label in zip(X, y, strict=True):
        z = x @ w + b
        p = np.exp(z - z.max())
        p /= p.sum()
        p[label] -= 1
        dw += np.outer(x, p) / len(X)
        db += p / len(X)
    return [dw, db]


@regression_gradient.alternative
def by_einsum(w, b, X, y):
    p = np.exp(log_softmax(X @ w + b)) - (y[:, None] == np.arange(len(b)))
    return np.einsum("ia,ij->aj", X, p) / len(X), np.ones(len(X)) @ p / len(X)


# ---------------------------------------------------------------------------------------------------------
# standardize


def standardize(X_train, X_test):
    mean = X_train.mean(axis=0)
    std = X_train.std(axis=0)
    constant = X_train.max(axis=0) == X_train.min(axis=0)
    std = np.where(constant, 1.0, std)
    return (X_train - mean) / std, (X_test - mean) / std


def standardize_cases(rng):
    def tables(m, k, n):
        scale = 10.0 ** rng.permutation(np.linspace(-2, 3, n))
        centre = scale * rng.uniform(1, 3, n)
        X_train = centre + scale * rng.normal(size=(m, n))
        return X_train.round(4), (1.3 * centre + 2 * scale * rng.normal(size=(k, n))).round(4)

    for part in ("the training set", "the test set"):
        for m, k, n in [(4, 2, 2), (3, 3, 3), (9, 4, 2)]:
            yield case(part, *tables(m, k, n))
    yield case("the test set", *tables(5, 1, 2))
    for m, k, n in [(4, 2, 2), (6, 3, 3)]:
        X_train, X_test = tables(m, k, n)
        value = float(rng.integers(2, 9))
        column = rng.integers(n)
        X_train[:, column], X_test[:, column] = value, value + np.arange(k)
        small = (column + 1) % n  # a column that hardly varies is still no constant one
        X_train[:, small], X_test[:, small] = ((3e-5 + 1e-5 * rng.normal(size=size)).round(8) for size in (m, k))
        yield case("a constant column", X_train, X_test)
    X_train, X_test = tables(3, 2, 2)
    for value in rng.permutation(np.arange(1, 60) / 10):  # one whose computed deviation is not quite 0
        X_train[:, 0] = value
        if X_train.std(axis=0)[0] > 0:
            break
    X_test[:, 0] = [value, value + 1]
    yield case("a constant column", X_train, X_test)
    X_train, X_test = tables(4, 2, 3)  # a constant column among others, and one of tiny entries that does vary
    X_train[:, 0], X_test[:, 0] = 0.0, [-5.0, -4.0]
    X_train[:, 1:], X_test[:, 1:] = 1 + np.abs(X_train[:, 1:]), 2 * X_test[:, 1:]
    X_train[:, 1], X_test[:, 1] = 1e-20 * X_train[:, 1], 1e-20 * X_test[:, 1]
    yield case("a constant column", X_train, X_test)
    yield case("a constant column", *tables(1, 2, 2))


def observe_tables(call, case):
    """Look at what the part asks for: the training set comes first, the test set once that is right."""
    result = call(*case.args)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise ContractError(f"The function should return `Z_train, Z_test`, but returned {describe(result)}.")
    Z_train, Z_test = result
    if case.part == "the training set":
        return {"Z_train": Z_train}
    finite = is_finite(Z_train) and is_finite(Z_test)
    return {"all entries are finite numbers": finite} | ({"Z_train": Z_train, "Z_test": Z_test} if finite else {})


standard = Exercise(
    standardize,
    parts={"the training set": 2, "the test set": 1, "a constant column": 1},
    cases=standardize_cases,
    observe=observe_tables,
    allows=Allows(real=("X_train", "X_test"), start="the test set"),
    equivalent={},
    hints=(
        "Two numbers per column, and both are measured on one of the two sets only. Which one do you have when "
        "the machine is trained?",
        "Mean and standard deviation of every column (axis 0) of the training set; both sets are shifted and "
        "scaled by these. Where the largest entry of a column equals the smallest, divide by 1 instead.",
        "`std = np.where(X_train.max(axis=0) == X_train.min(axis=0), 1.0, std)` takes care of constant columns. "
        "Then `(X_train - mean) / std`, and the same `mean` and `std` for X_test.",
    ),
    explain="what would go wrong if the test set were standardised by its own mean?",
)


def constant_columns(X):
    return np.ptp(X, axis=0) == 0


def moments(X):
    return X.mean(axis=0), np.where(constant_columns(X), 1.0, X.std(axis=0))


def scaled(X, mean, std):
    return (X - mean) / std


@standard.misconception(
    "The test set is standardised by its own mean and deviation. Then the same patient gets other numbers "
    "depending on who else is in the test. Use the training set's for both."
)
def test_by_its_own(X_train, X_test):
    return scaled(X_train, *moments(X_train)), scaled(X_test, *moments(X_test))


@standard.misconception(
    "Mean and deviation come from both sets together, so the test set leaks into training. Measure them on "
    "X_train alone."
)
def from_both_together(X_train, X_test):
    mean, std = moments(np.vstack([X_train, X_test]))
    return scaled(X_train, mean, std), scaled(X_test, mean, std)


@standard.misconception(
    "A column that never changes has the deviation 0, and 0/0 is `nan`. Divide such a column by 1: it becomes 0 "
    "in the training set and harms nobody."
)
def divides_by_zero(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    return scaled(X_train, mean, std), scaled(X_test, mean, std)


@standard.misconception(
    "You add 1e-8 to the deviation. That avoids 0/0, but a constant column that is off by 1 in the test set then "
    "becomes 100,000,000, and the other columns are not quite scaled. Divide by 1 where the deviation is 0."
)
def epsilon_added(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0) + 1e-8
    return scaled(X_train, mean, std), scaled(X_test, mean, std)


@standard.misconception(
    "You set a constant column to 0 in the test set, too. That is legitimate elsewhere (it tells the machine "
    "nothing); the contract here says: subtract the mean and divide by 1."
)
def constant_set_to_zero(X_train, X_test):
    mean, std = moments(X_train)
    keep = ~constant_columns(X_train)
    return scaled(X_train, mean, std) * keep, scaled(X_test, mean, std) * keep


@standard.misconception(
    "The columns are centred but not scaled: divide by the training set's standard deviation. Without it the "
    "thousands stay thousands."
)
def not_scaled(X_train, X_test):
    mean, _ = moments(X_train)
    return X_train - mean, X_test - mean


@standard.misconception(
    "Your mean and deviation run along the rows (axis 1), over one example's columns, which have different units. "
    "Every column is standardised over the examples: axis 0."
)
def along_the_rows(X_train, X_test):
    return scaled(X_train.T, *moments(X_train.T)).T, scaled(X_test.T, *moments(X_test.T)).T


@standard.misconception(
    "You scale each column to the range from 0 to 1. That is another, legitimate, recipe (one outlier decides "
    "it); here the mean becomes 0 and the deviation 1."
)
def minimum_and_maximum(X_train, X_test):
    low, span = X_train.min(axis=0), np.ptp(X_train, axis=0)
    span = np.where(span == 0, 1.0, span)
    return scaled(X_train, low, span), scaled(X_test, low, span)


@standard.misconception(
    "A constant column is left as it was. It, too, has its mean subtracted; only the division is by 1."
)
def constant_left_alone(X_train, X_test):
    mean, std = moments(X_train)
    mean = np.where(constant_columns(X_train), 0.0, mean)
    return scaled(X_train, mean, std), scaled(X_test, mean, std)


@standard.misconception(
    "Right where the deviation of a constant column is exactly 0. But rounding may leave a little of it (of "
    "three times 0.1 it is 1.4e-17), and what is divided by that explodes. Ask the entries: the column is "
    "constant where its largest equals its smallest."
)
def constant_by_the_deviation(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std = np.where(std == 0, 1.0, std)
    return scaled(X_train, mean, std), scaled(X_test, mean, std)


@standard.misconception(
    "You divide by 1 where the deviation is merely small. A column in small units needs its division most: only "
    "a column whose entries are all equal is left undivided."
)
def small_taken_for_constant(X_train, X_test):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std = np.where(std < 1e-3, 1.0, std)
    return scaled(X_train, mean, std), scaled(X_test, mean, std)


@standard.alternative
def with_a_loop(X_train, X_test):
    Z_train, Z_test = np.empty(X_train.shape), np.empty(X_test.shape)
    for j in range(X_train.shape[1]):
        column = X_train[:, j]
        centre, spread = np.mean(column), np.sqrt(np.mean((column - np.mean(column)) ** 2))
        spread = spread if len(set(column)) > 1 else 1
        Z_train[:, j] = (column - centre) / spread
        Z_test[:, j] = (X_test[:, j] - centre) / spread
    return [Z_train, Z_test]


@standard.alternative
def as_one_matrix(X_train, X_test):
    centred = np.vstack([X_train, X_test]) - np.average(X_train, axis=0)
    std = np.sqrt(np.mean(centred[: len(X_train)] ** 2, axis=0))
    std[np.ptp(X_train, axis=0) == 0] = 1
    return tuple(np.split(centred / std, [len(X_train)]))


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims, quiz

prediction_way_down = Prediction(
    "prediction_way_down",
    answer="80c3e1bd52638714",
    wrong={
        "a": (
            "Two dials and 650 are not the same: a step that changes all dials at random is right for about half "
            "of them and wrong for the others."
        ),
        "c": (
            "It does find the way: half of all directions lead down, if only a little, and every little is kept."
        ),
    },
    right=(
        "Random local search falls from 2.30 to 0.35, slowly and surely; gradient descent had been there "
        "after a hundred looks and ends at 0.09."
    ),
)

prediction_bowl = Prediction(
    "prediction_bowl",
    answer="c7cebd785771d39a",
    wrong={
        "a": "That would need a factor between 0 and −1 per step, so a rate below 2/L = 0.2.",
        "b": "That happens at exactly 2/L = 0.2, where the factor is −1.",
    },
    right=(
        "The factor per step is 1 − 0.21 · 10 = −1.1: to the other side, and ten per cent higher up in w each "
        "time."
    ),
)

prediction_units = Prediction(
    "prediction_units",
    answer="152cbad4f363d968",
    wrong={
        "a": (
            "One learning rate serves all dials. Tuned to the area's dial, it is millions of times too small for "
            "the smoothness's."
        ),
        "b": "Thousands of steps would do for a condition number of some thousands. Here it is two billion.",
    },
    right=(
        "After 10,000 steps the loss has hardly moved. The area allows rates of some millionths only, and at such "
        "rates the other dials stand still."
    ),
)

claim_global_minimum = Quiz(
    "claim_global_minimum",
    answer="73edb6685fe8d2d7",
    wrong={
        "true": "Where did the starts on the right-hand side of the map end up, and was that the lowest point?",
    },
    also={
        "depends": (
            "On the landscape, indeed (and on a learning rate that is not too large): the loss of softmax "
            "regression is one single bowl, and there any start will do. But the sentence says *always*, and "
            "nearly half of the starts between two valleys refute it: by the course's rule it is false."
        ),
    },
    right=(
        "*Always* is refuted by one ordinary landscape: with two valleys, nearly half of the starts end in the "
        "higher one. What is true: the loss of softmax regression is *convex*, one single bowl, and there any "
        "start will do if the rate is not too large. Networks have no such bowl; how bad that is, week 08 will "
        "measure."
    ),
)

claim_zero_loss = Quiz(
    "claim_zero_loss",
    answer="adc8df9c5c1b9a3f",
    wrong={
        "true": "The slope has vanished, so this is the bottom of the bowl. At which loss?",
    },
    also={
        "depends": (
            "For it: a cross-entropy is never negative, so where it *can* become 0, that is the lowest there "
            "is, and whether it can depends on the data. Against it: as a definition it is false, for the "
            "global minimum is the lowest point at whatever height. Here is one at 0.118."
        ),
    },
    right=(
        "The global minimum is the *lowest* point, at whatever height. Where the classes overlap, no setting of "
        "the dials is right about everybody, and the lowest loss is above 0: here 0.118. So a loss that stops "
        "above 0 is no proof of being stuck."
    ),
)

claim_rate_tenth = Quiz(
    "claim_rate_tenth",
    answer="1a26cefe6c5916b1",
    wrong={
        "true": "Look where the grey line meets the curve of the digits with pixels from 0 to 255.",
    },
    also={
        "false": (
            "For it: on none of these four tables is 0.1 near the best rate, and who uses it by default does not "
            "look at the table. Against it: on inputs of size 1 the loss falls safely with it, on the others it "
            "explodes, so whether it is a fair first guess depends on the units."
        ),
    },
    right=(
        "It depends on the curvature, and so on the units: the best rates here range from some millionths to "
        "about 30. On inputs of size 1, 0.1 is a safe first guess and may be far from the best. A learning rate "
        "is found, not known."
    ),
)

claim_local_search = Quiz(
    "claim_local_search",
    answer="f2052e96df4bcb61",
    wrong={
        "true": "Look at the map with two dials once more: how far apart did the two end there?",
        "false": "Read the third race at 650 dials: some thousands of looks against six.",
    },
    right=(
        "It depends on the number of dials. With two, it was a tie. In round bowls its looks grow in proportion "
        "to the dimension; on the digits it needed about fifteen times as many as gradient descent. With a "
        "million dials it would be hopeless, and where no gradient exists it may be all you have."
    ),
)

claim_same_ability = Quiz(
    "claim_same_ability",
    answer="2c0f13d8d10f5a5d",
    wrong={
        "false": (
            "Compare the scores of the translated machine with those of the original one, patient by patient."
        ),
        "depends": (
            "The translation of the dials works for every table whose columns are not constant. What would it "
            "depend on?"
        ),
    },
    right=(
        "Both machines give every patient the same scores. Standardising changes the landscape, not what lies in "
        "it: the same machines become easy to *find*. (It is no remedy for over-fitting either, though some notes "
        "say so.) The raw dials show why they were hard to find: one must be tiny, the other large."
    ),
)

quiz_start_foundations = Quiz(
    "quiz_start_foundations",
    answer="91bea105d3f547b9",
    wrong={
        "a": "0.01 is the probability of the right kind. The loss is minus its logarithm.",
        "b": "A loss is not a share of something, and 1 is no special value of it.",
        "d": "100 is the inverse of the probability. Take its logarithm.",
    },
    right=(
        "−log 0.01 = log 100 = 4.6. It is worth knowing log k by heart for your k: a training that starts at "
        "another loss has a mistake, or dials that are already sure of something."
    ),
)

quiz_shift_foundations = Quiz(
    "quiz_shift_foundations",
    answer="ffad5f5012ee2f34",
    wrong={
        "b": "Every exponential grows by that factor, and so does their sum.",
        "c": "That happens when the scores are *multiplied* by a number below 1.",
        "d": "That happens when the scores are *multiplied* by a number above 1.",
    },
    right="The factor e to the 7 stands above and below the fraction bar. Only differences of scores count.",
)

quiz_check_foundations = Quiz(
    "quiz_check_foundations",
    answer="af81cf6c746132bb",
    wrong={
        "a": "That would make small errors of various sizes, not one factor everywhere.",
        "c": "The learning rate does not appear in a gradient at all.",
        "d": "Nudges are good to many digits. A factor of 20 is a mistake, and a telling one: how many examples?",
    },
    right="One factor everywhere, and it is the number of examples: a sum where the loss has a mean.",
)

quiz_record_foundations = Quiz(
    "quiz_record_foundations",
    answer="d74d3f49ef6fb592",
    wrong={
        "a": "It grows by a factor of about four per step, and each step starts from a worse place. Do not wait.",
        "b": "A larger step would overshoot farther still.",
        "d": "The start is not the trouble: the border 2/L belongs to the landscape.",
    },
    right="Rising faster and faster is divergence: the rate is beyond 2/L. Smaller, and from the start again.",
)

quiz_patient_foundations = Quiz(
    "quiz_patient_foundations",
    answer="7b81a3fea01b1ff8",
    wrong={
        "a": "How large is the mean of a single number, and how far is that number from it?",
        "b": "Compute it for one column: the mean of a single number is the number itself.",
        "d": "Something is subtracted: what is the mean of a single number?",
    },
    right=(
        "Every number minus itself is 0 (and 0/0 if one divides by its deviation). The machine would treat all "
        "patients alike. Mean and deviation of the training set are part of the machine."
    ),
)
