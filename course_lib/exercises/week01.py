"""Week 01, mini-batch gradient descent: the exercises with their cases, misconceptions and hints."""

import copy
import math

import numpy as np

from course_lib.comparing import describe
from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, Seed, case
from course_lib.minibatch import iterate_minibatches as course_minibatches
from course_lib.networks import log_softmax, softmax_regression_loss_and_gradient

# ---------------------------------------------------------------------------------------------------------
# steps_per_epoch


def steps_per_epoch(m, batch_size):
    return math.ceil(m / batch_size)


def steps_cases(rng):
    b = int(rng.integers(3, 9))
    k = int(rng.integers(3, 9))
    yield from (case("whole batches", m, size) for m, size in [(k * b, b), (b, b), (1000, 250), (60, 1)])
    short = [(k * b + 1, b), (k * b - 1, b), (b - 1, b), (k * b + b // 2, b), (1, 64), (10, 4), (5_001, 1000)]
    yield from (case("a short last batch", m, size) for m, size in short)


steps = Exercise(
    steps_per_epoch,
    parts={"whole batches": 1, "a short last batch": 1},
    cases=steps_cases,
    hints=(
        "Take m = 10 and batches of 4. How many examples are in each batch, the last one included?",
        "Divide, and round in the direction that leaves no example behind. Then ask what type the result has.",
        "`math.ceil` rounds up and returns an `int`; with whole numbers, `-(-a // b)` does the same.",
    ),
    explain="which examples would never be seen if you rounded down?",
)


@steps.misconception(
    "You round down, so the last m % batch_size examples belong to no batch. A short last batch is a batch "
    "too: round up."
)
def rounds_down(m, batch_size):
    return m // batch_size


@steps.misconception(
    "You always add one. When batch_size divides m exactly, nothing is left over and the extra batch is empty."
)
def always_one_more(m, batch_size):
    return m // batch_size + 1


@steps.misconception(
    "You round to the nearest whole number, so a small rest is dropped and a large one is kept. Any rest needs "
    "a batch: round up."
)
def rounds_to_nearest(m, batch_size):
    return round(m / batch_size)


@steps.misconception(
    "The value is right, but it is a float (`np.ceil` returns one), which `range` refuses. Return an `int`."
)
def a_float(m, batch_size):
    return np.ceil(m / batch_size)


@steps.misconception(
    "You return the size of the last, short batch (the remainder). Asked is how many batches there are."
)
def the_remainder(m, batch_size):
    return m % batch_size


@steps.alternative
def negative_floor(m, batch_size):
    return -(-m // batch_size)


@steps.alternative
def by_counting(m, batch_size):
    return len(range(0, m, batch_size))


@steps.alternative
def quotient_and_rest(m, batch_size):
    quotient, rest = divmod(m, batch_size)
    return np.int64(quotient + (rest > 0))


# ---------------------------------------------------------------------------------------------------------
# iterate_minibatches


def iterate_minibatches(X, y, *, batch_size, rng):
    order = rng.permutation(len(X))
    for start in range(0, len(X), batch_size):
        batch = order[start : start + batch_size]
        yield X[batch], y[batch]


def batch_cases(rng):
    def numbered(part, m, batch_size):
        y = np.arange(m)
        X = y[:, None] + np.array([0.0, 0.5])  # the row says which example it is
        return case(part, X, y, batch_size=batch_size, rng=Seed(int(rng.integers(1000))))

    b, k = int(rng.integers(3, 6)), int(rng.integers(4, 7))
    for m, size in [(k * b, b), (b, b), (20, 1)]:
        yield numbered("every example once", m, size)
    for m, size in [(k * b + 1, b), (k * b - 1, b), (b - 1, b), (1, 1), (15, 64)]:
        yield numbered("a short last batch", m, size)
    for m, size in [(24, 4), (30, 6)]:
        yield numbered("shuffled by rng, anew each epoch", m, size)


def observe_batches(call, case):
    """Properties of the batches, not their order: every correct way to shuffle is right."""
    (X, y), batch_size, rng = case.args, case.kwargs["batch_size"], case.kwargs["rng"]
    m, original, same_state = len(X), X.copy(), copy.deepcopy(rng)
    first = read_batches(call(X, y, batch_size=batch_size, rng=rng), original)
    second = read_batches(call(X, y, batch_size=batch_size, rng=rng), original)
    sizes = [len(ids) for ids, _ in first]
    ids = np.concatenate([[], *(ids for ids, _ in first)])
    labels = np.concatenate([[], *(labels for _, labels in first)])
    ids_2 = np.concatenate([[], *(ids for ids, _ in second)])
    left_out, left_out_2 = (sorted(set(range(m)) - set(seen.tolist())) for seen in (ids, ids_2))
    left = "the same ones every epoch" if left_out == left_out_2 else "others every epoch"
    seen = {
        "sizes of the batches": ", ".join(map(str, sizes)),
        "every label stays with its example": np.array_equal(ids, labels),
    }
    if m >= 12:  # in a smaller set, chance may hide it
        seen["examples left out"] = left if left_out else "none"
        seen["examples used twice in an epoch"] = len(set(ids.tolist())) < len(ids)
    if case.part != "shuffled by rng, anew each epoch":
        return seen
    third = np.concatenate(
        [ids for ids, _ in read_batches(call(X, y, batch_size=batch_size, rng=same_state), original)]
    )
    in_one_piece = all(np.array_equal(np.sort(i), np.arange(min(i), min(i) + len(i))) for i, _ in first if len(i))
    neighbours = np.mean(np.diff(ids) % m == 1) if len(ids) > 1 else 0
    return seen | {
        "neighbours in the data stay neighbours": bool(neighbours > 0.5),
        "the order differs from that of the data": not np.array_equal(ids, np.arange(m)[: len(ids)]),
        "a batch mixes examples from all over the data": not in_one_piece,
        "the next epoch has another order": not np.array_equal(ids, ids_2),
        "equal generators give equal orders": np.array_equal(ids, third),
    }


def read_batches(batches, X):
    """Return the examples' numbers and labels batch by batch, or say what is wrong with the batches."""
    if batches is None:
        raise ContractError("Your function returned None. It should `yield` pairs `(X_batch, y_batch)`.")
    if not isinstance(batches, list | tuple):
        raise ContractError(f"Expected batches one after another, got a value of type `{type(batches).__name__}`.")
    if [getattr(batch, "ndim", None) for batch in batches] == [2, 1]:
        raise ContractError("Your function returned a single pair, not one pair after another.")
    found = []
    for i, batch in enumerate(batches):
        if not isinstance(batch, list | tuple) or len(batch) != 2:
            raise ContractError(f"Batch {i} should be a pair `(X_batch, y_batch)`, but is {describe(batch)}.")
        X_batch, y_batch = batch
        if np.ndim(X_batch) == 1 and np.ndim(y_batch) == 0:
            raise ContractError("You yield single examples. A batch is an array of up to batch_size rows.")
        if not isinstance(X_batch, np.ndarray) or not isinstance(y_batch, np.ndarray):
            raise ContractError(f"X and y of batch {i} should both be NumPy arrays, as `X[...]` and `y[...]` are.")
        if X_batch.ndim != 2 or X_batch.shape[1] != X.shape[1] or y_batch.shape != X_batch.shape[:1]:
            raise ContractError(
                f"Batch {i} has shapes {X_batch.shape} and {y_batch.shape}; with B examples they should be "
                f"(B, {X.shape[1]}) and (B,), X first."
            )
        if y_batch.dtype.kind != "i":
            raise ContractError(f"The labels became {y_batch.dtype}. Index `y` itself; do not join it with X.")
        numbers = X_batch[:, 0].astype(int)
        if not np.isin(numbers, range(len(X))).all() or not np.array_equal(X[numbers], X_batch):
            raise ContractError(f"The rows of batch {i} are not rows of X: hand them out as they are.")
        found.append((numbers, y_batch))
    return found


batches = Exercise(
    iterate_minibatches,
    parts={"every example once": 2, "a short last batch": 1, "shuffled by rng, anew each epoch": 1},
    cases=batch_cases,
    observe=observe_batches,
    equivalent={
        "name: X → y": "as long as X",
        "name: X → order": "as long as X",
    },
    hints=(
        "Do not shuffle X or y. Make one shuffled list of row numbers, and let both follow it.",
        "`rng.permutation(m)` is that list. Cut it into pieces of batch_size; slicing past the end is allowed "
        "and gives the short last piece.",
        "`for start in range(0, m, batch_size):` … `yield X[order[start : start + batch_size]], …` and the "
        "same for y.",
    ),
    explain="why does one `order` for X and y keep every label with its example?",
)


@batches.misconception(
    "X and y are shuffled differently, so examples get other examples' labels. Draw one permutation and index "
    "both with it."
)
def shuffled_apart(X, y, *, batch_size, rng):
    order_X, order_y = rng.permutation(len(X)), rng.permutation(len(X))
    for start in range(0, len(X), batch_size):
        stop = start + batch_size
        yield X[order_X[start:stop]], y[order_y[start:stop]]


@batches.misconception(
    "The last, short batch is missing: its examples do nothing in this epoch. Let the loop run to m; the last "
    "slice may be shorter."
)
def drops_the_short_batch(X, y, *, batch_size, rng):
    order = rng.permutation(len(X))
    for i in range(len(X) // batch_size):
        batch = order[i * batch_size : (i + 1) * batch_size]
        yield X[batch], y[batch]


@batches.misconception(
    "The examples come in the order of the data. Sorted data would give one-sided batches: shuffle with rng first."
)
def no_shuffling(X, y, *, batch_size, rng):
    for start in range(0, len(X), batch_size):
        yield X[start : start + batch_size], y[start : start + batch_size]


@batches.misconception(
    "Every epoch has the same order: it comes from a fixed seed, or is kept from the first call. Draw it from "
    "the `rng` that is passed in, which moves on."
)
def own_generator(X, y, *, batch_size, rng):
    return iterate_minibatches(X, y, batch_size=batch_size, rng=np.random.default_rng(0))


@batches.misconception(
    "You draw from another source than `rng` (NumPy's or Python's global one), so nobody can repeat your run. "
    "Call `rng.permutation`."
)
def global_random_state(X, y, *, batch_size, rng):
    order = np.random.permutation(len(X))  # noqa: NPY002 - the misconception itself
    for start in range(0, len(X), batch_size):
        batch = order[start : start + batch_size]
        yield X[batch], y[batch]


@batches.misconception(
    "Every batch is drawn anew (or with replacement), so some examples come twice in an epoch and others not "
    "at all. Draw one permutation before the loop, then cut it."
)
def with_replacement(X, y, *, batch_size, rng):
    for start in range(0, len(X), batch_size):
        batch = rng.integers(0, len(X), min(batch_size, len(X) - start))
        yield X[batch], y[batch]


@batches.misconception("You make batch_size batches. It is the size of each batch, not their number.")
def number_for_size(X, y, *, batch_size, rng):
    for batch in np.array_split(rng.permutation(len(X)), batch_size):
        yield X[batch], y[batch]


@batches.misconception(
    "You share the examples out evenly over the batches (as `np.array_split` does). Asked are full batches of "
    "batch_size and only the last one shorter."
)
def even_batches(X, y, *, batch_size, rng):
    for batch in np.array_split(rng.permutation(len(X)), math.ceil(len(X) / batch_size)):
        yield X[batch], y[batch]


@batches.misconception(
    "You fill the last batch up with examples that were already used in this epoch. Let it be short."
)
def fills_up(X, y, *, batch_size, rng):
    order = rng.permutation(len(X))
    for start in range(0, len(X), batch_size):
        batch = np.take(order, range(start, start + batch_size), mode="wrap")
        yield X[batch], y[batch]


@batches.misconception(
    "The batches come in random order, but each holds neighbours: the cut was made before the shuffle. Permute "
    "the examples first."
)
def shuffles_blocks(X, y, *, batch_size, rng):
    for start in rng.permutation(range(0, len(X), batch_size)):
        yield X[start : start + batch_size], y[start : start + batch_size]


@batches.alternative
def shuffled_range(X, y, *, batch_size, rng):
    order = np.arange(len(y))
    rng.shuffle(order)
    while len(order):
        batch, order = order[:batch_size], order[batch_size:]
        yield X[batch], y[batch]


@batches.alternative
def as_a_list(X, y, *, batch_size, rng):
    order = rng.permutation(len(X))
    X, y = X[order], y[order]
    return [(X[i : i + batch_size], y[i : i + batch_size]) for i in range(0, len(X), batch_size)]


@batches.alternative
def split_at_multiples(X, y, *, batch_size, rng):
    order = np.argsort(rng.random(len(X)))
    pieces = np.split(order, range(batch_size, len(X), batch_size))
    return ((X[piece], y[piece]) for piece in pieces)


# ---------------------------------------------------------------------------------------------------------
# minibatch_loss_and_gradient


def minibatch_loss_and_gradient(w, b, X, y, *, l2):
    rows = np.arange(len(X))
    log_p = log_softmax(X @ w + b)
    loss = -log_p[rows, y].mean() + l2 / 2 * np.sum(w**2)
    dz = np.exp(log_p)
    dz[rows, y] -= 1
    dz /= len(X)
    return loss, X.T @ dz + l2 * w, dz.sum(axis=0)


def loss_cases(rng):
    def problem(part, B, n, k, l2, scale=1.0):
        w, b = (rng.normal(size=s).round(2) * scale for s in ((n, k), k))
        X, y = rng.normal(size=(B, n)).round(2), rng.integers(0, k, B)
        return case(part, w, b, X, y, l2=l2)

    for B, n, k in [(1, 2, 3), (2, 2, 3), (5, 3, 4), (8, 2, 2)]:
        yield problem("the data term", B, n, k, l2=0.0)
    for l2 in (0.1, 1.5):
        yield problem("the L2 term", 3, 2, 3, l2)
        yield problem("the L2 term", 6, 3, 4, l2)
    for _ in range(3):
        w, b, X, y = problem("scores in the hundreds", 4, 2, 3, l2=0.0, scale=400.0).args
        y[0] = np.argmin(X[0] @ w + b)  # a class of probability 0 in floating point
        yield case("scores in the hundreds", w, b, X, y, l2=0.0)


def observe_loss(call, case):
    """Compare the numbers, but where they overflow only say what did: inf and nan differ by accident."""
    result = call(*case.args, **case.kwargs)
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise ContractError(f"The function should return `loss, dw, db`, but returned {describe(result)}.")
    loss, dw, db = result
    try:
        finite = {
            "the loss is finite": bool(np.isfinite(loss).all()),
            "the gradient is finite": bool(np.isfinite(dw).all() and np.isfinite(db).all()),
        }
    except TypeError:
        finite = {}  # no numbers at all, which the comparison below says better
    return finite | ({"loss": loss, "dw": dw, "db": db} if all(finite.values()) else {})


loss_and_gradient = Exercise(
    minibatch_loss_and_gradient,
    parts={"the data term": 2, "the L2 term": 1, "scores in the hundreds": 1},
    cases=loss_cases,
    observe=observe_loss,
    allows=Allows(
        whole=("X",), real=("w", "b", "X"), ends={"l2": (0.0, 10.0)}, start="the L2 term", part="the L2 term"
    ),
    equivalent={
        "name: X → y": "as long as X",
        "name: X → dz": "as long as X",
        "name: X → log_p": "as long as X",
        "name: X → rows": "as long as X",
        "order of operations: l2 / 2 * np.sum(w ** 2) → np.sum(l2 / 2 * w ** 2)": "a common factor",
    },
    hints=(
        "Work outwards: scores z (B, k), their log-softmax, the loss; then the derivative with respect to z, "
        "from which dw and db follow.",
        "The derivative of the mean cross-entropy with respect to z is (p − [j = y])/B. w enters z through X @ "
        "w and b is added to every row; w also has the L2 term, b has none.",
        "`dz = np.exp(log_p)`; subtract 1 at `[np.arange(B), y]`; divide by B. Then `X.T @ dz + l2 * w` and a "
        "sum of dz over the examples.",
    ),
    explain="where does each of the two factors 1/B and l2 come from?",
)


def loss_with(w, b, X, y, l2, *, data_loss=np.mean, penalty=None, dz_scale=1.0, penalty_gradient=None, db=None):
    """Compute the right answer with one piece replaced: most wrong answers differ in one piece."""
    rows = np.arange(len(X))
    log_p = log_softmax(X @ w + b)
    loss = data_loss(-log_p[rows, y]) + (l2 / 2 * np.sum(w**2) if penalty is None else penalty)
    dz = np.exp(log_p)
    dz[rows, y] -= 1
    dz *= dz_scale / len(X)
    dw = X.T @ dz + (l2 * w if penalty_gradient is None else penalty_gradient)
    return loss, dw, dz.sum(axis=0) if db is None else db(dz)


@loss_and_gradient.misconception(
    "You sum over the batch. A batch twice as large then has twice the loss and twice the step: divide by the "
    "number of examples in this batch."
)
def sums_over_the_batch(w, b, X, y, *, l2):
    return loss_with(w, b, X, y, l2, data_loss=np.sum, dz_scale=len(X))


@loss_and_gradient.misconception(
    "Your loss is averaged over examples *and* classes (the mean of a one-hot product). Sum over the classes, "
    "then take the mean over the examples."
)
def averaged_over_classes(w, b, X, y, *, l2):
    return loss_with(w, b, X, y, l2, data_loss=lambda losses: np.mean(losses) / len(b))


@loss_and_gradient.misconception(
    "You penalise the bias b as well. It shifts the scores of all examples alike: the L2 term is for w alone."
)
def bias_penalised(w, b, X, y, *, l2):
    penalty = l2 / 2 * (np.sum(w**2) + np.sum(b**2))
    return loss_with(w, b, X, y, l2, penalty=penalty, db=lambda dz: dz.sum(axis=0) + l2 * b)


@loss_and_gradient.misconception(
    "You divide the L2 term by the batch size, as the lecture's λ/(2B) does. That is legitimate elsewhere, but "
    "it makes the penalty depend on B; here it is l2/2 · Σw²."
)
def penalty_per_example(w, b, X, y, *, l2):
    return loss_with(w, b, X, y, l2 / len(X))


@loss_and_gradient.misconception(
    "Right for small scores, but `np.exp` of a score in the hundreds overflows (or a probability underflows to "
    "0 and its log is −inf). Use `log_softmax`, which subtracts the row's maximum first."
)
def overflowing_softmax(w, b, X, y, *, l2):
    rows = np.arange(len(X))
    e = np.exp(X @ w + b)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, y]).mean() + l2 / 2 * np.sum(w**2)
    p[rows, y] -= 1
    return loss, X.T @ p / len(X) + l2 * w, p.mean(axis=0)


@loss_and_gradient.misconception(
    "Your softmax subtracts the maximum, but the loss then takes the log of a probability that has underflowed "
    "to 0. `log_softmax` gives the log directly."
)
def log_of_zero(w, b, X, y, *, l2):
    rows = np.arange(len(X))
    p = np.exp(log_softmax(X @ w + b))
    loss = -np.log(p[rows, y]).mean() + l2 / 2 * np.sum(w**2)
    p[rows, y] -= 1
    return loss, X.T @ p / len(X) + l2 * w, p.mean(axis=0)


@loss_and_gradient.misconception(
    "`log_p[:, y]` takes, for every row, the columns of all labels. Pair each row with its own label: "
    "`log_p[np.arange(B), y]`."
)
def whole_columns(w, b, X, y, *, l2):
    rows = np.arange(len(X))
    log_p = log_softmax(X @ w + b)
    dz = np.exp(log_p)
    dz[rows, y] -= 1
    return -log_p[:, y].mean() + l2 / 2 * np.sum(w**2), X.T @ dz / len(X) + l2 * w, dz.mean(axis=0)


@loss_and_gradient.misconception("The derivative of l2/2 · w² is l2 · w: the 2 of the square cancels the ½.")
def penalty_gradient_halved(w, b, X, y, *, l2):
    return loss_with(w, b, X, y, l2, penalty_gradient=l2 / 2 * w)


@loss_and_gradient.misconception(
    "The small number inside the log (or the clipping) caps an example's loss, at 27.6 for 1e-12. `log_softmax` "
    "gives the log without rounding the probability to 0 first."
)
def epsilon_in_the_log(w, b, X, y, *, l2):
    p = np.exp(log_softmax(X @ w + b))[np.arange(len(X)), y]
    _, dw, db = loss_with(w, b, X, y, l2)
    return -np.log(p + 1e-12).mean() + l2 / 2 * np.sum(w**2), dw, db


@loss_and_gradient.alternative
def with_one_hot(w, b, X, y, *, l2):
    Y = np.eye(len(b))[y]
    z = X @ w + b
    z = z - z.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(z).sum(axis=1, keepdims=True))
    loss = np.sum(Y * (log_sum - z)) / len(X) + 0.5 * l2 * np.linalg.norm(w) ** 2
    dz = np.exp(z - log_sum) - Y
    return [loss, np.dot(X.T, dz) / len(X) + l2 * w, np.mean(dz, axis=0)]


@loss_and_gradient.alternative
def example_by_example(w, b, X, y, *, l2):
    loss, dw, db = l2 / 2 * float(np.sum(w * w)), l2 * w, np.zeros_like(b)
    for x, label in zip(X, y, strict=True):
        log_p = log_softmax(x[None, :] @ w + b)[0]
        delta = np.exp(log_p) - (np.arange(len(b)) == label)
        loss += -log_p[label] / len(X)
        dw = dw + np.outer(x, delta) / len(X)
        db = db + delta / len(X)
    return loss, dw, db


@loss_and_gradient.alternative
def bias_as_a_weight(w, b, X, y, *, l2):
    X1 = np.hstack([X, np.ones((len(X), 1))])
    theta = np.vstack([w, b])
    log_p = log_softmax(X1 @ theta)
    loss = -np.take_along_axis(log_p, y[:, None], axis=1).mean() + l2 * (w**2).sum() / 2
    gradient = X1.T @ (np.exp(log_p) - np.eye(len(b))[y]) / len(X)
    return loss, gradient[:-1] + l2 * w, gradient[-1]


# ---------------------------------------------------------------------------------------------------------
# train_epoch


def train_epoch(w, b, X, y, *, batch_size, lr, l2, rng):
    total = 0.0
    for X_batch, y_batch in course_minibatches(X, y, batch_size=batch_size, rng=rng):
        loss, dw, db = softmax_regression_loss_and_gradient(w, b, X_batch, y_batch, l2=l2)
        w = w - lr * dw
        b = b - lr * db
        total += loss * len(X_batch)
    return w, b, total / len(X)


def epoch_cases(rng):
    def problem(part, m, batch_size):
        n, k = int(rng.integers(2, 4)), int(rng.integers(3, 5))
        w, b = (rng.normal(size=s).round(2) for s in ((n, k), k))
        X, y = rng.normal(size=(m, n)).round(2), rng.integers(0, k, m)
        lr, l2 = round(rng.uniform(0.3, 0.9), 2), round(rng.uniform(0.1, 0.5), 2)
        return case(part, w, b, X, y, batch_size=batch_size, lr=lr, l2=l2, rng=Seed(int(rng.integers(1000))))

    for part in ("the parameters", "the mean loss"):
        yield problem(part, 8, 4)
        yield problem(part, 12, 3)
    for m, batch_size in [(7, 3), (9, 4), (5, 4)]:
        yield problem("a short last batch", m, batch_size)


def observe_epoch(call, case):
    result = call(*case.args, **case.kwargs)
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise ContractError("The function should return three values, `w, b, mean_loss`.")
    w, b, mean_loss = result
    if case.part == "the mean loss":
        return {"mean_loss": mean_loss}
    return {"w": w, "b": b} if case.part == "the parameters" else {"w": w, "b": b, "mean_loss": mean_loss}


epoch = Exercise(
    train_epoch,
    parts={"the parameters": 2, "the mean loss": 1, "a short last batch": 1},
    cases=epoch_cases,
    observe=observe_epoch,
    allows=Allows(
        whole=("X",), real=("w", "X"), ends={"batch_size": (1, 100), "l2": (0.0,)}, start="a short last batch"
    ),
    equivalent={
        "name: X → y": "as long as X",
        "name: X_batch → y_batch": "as long as X_batch",
    },
    hints=(
        "One loop over `course_minibatches(...)`. What changes inside it, and what do you add up?",
        "Each batch's gradient is taken at the parameters that the batch before left. For the mean loss, a "
        "batch of 3 counts three times, one of 64 sixty-four times.",
        "In the loop: `loss, dw, db = softmax_regression_loss_and_gradient(w, b, X_batch, y_batch, l2=l2)`, "
        "then `w = w - lr * dw`, the same for b, and `total += loss * len(X_batch)`.",
    ),
    explain="why must the loss of a batch be weighted by its size?",
)


def epoch_with(w, b, X, y, batch_size, lr, l2, rng, *, step=None, summary=None, batches=course_minibatches):
    """Run the right epoch with one piece replaced."""
    losses, sizes = [], []
    for X_batch, y_batch in batches(X, y, batch_size=batch_size, rng=rng):
        loss, dw, db = softmax_regression_loss_and_gradient(w, b, X_batch, y_batch, l2=l2)
        w, b = (w - lr * dw, b - lr * db) if step is None else step(w, b, dw, db, lr, X_batch, y_batch)
        losses.append(loss)
        sizes.append(len(X_batch))
    mean_loss = (
        np.average(losses, weights=sizes) if summary is None else summary(np.array(losses), np.array(sizes))
    )
    return w, b, mean_loss


@epoch.misconception(
    "All gradients are taken at the parameters from the start of the epoch. Each batch must see the parameters "
    "that the batch before left behind."
)
def stale_gradients(w, b, X, y, *, batch_size, lr, l2, rng):
    new_w, new_b, losses, sizes = w, b, [], []
    for X_batch, y_batch in course_minibatches(X, y, batch_size=batch_size, rng=rng):
        loss, dw, db = softmax_regression_loss_and_gradient(w, b, X_batch, y_batch, l2=l2)
        new_w, new_b = new_w - lr * dw, new_b - lr * db
        losses.append(loss)
        sizes.append(len(X_batch))
    return new_w, new_b, np.average(losses, weights=sizes)


@epoch.misconception(
    "You average over batches, so an example in the short last batch counts more than the others. Weight each "
    "loss by its batch's size, and divide by m."
)
def unweighted_mean(w, b, X, y, *, batch_size, lr, l2, rng):
    return epoch_with(w, b, X, y, batch_size, lr, l2, rng, summary=lambda losses, sizes: losses.mean())


@epoch.misconception("You return the sum of the batches' losses. Asked is the mean per example.")
def sum_of_losses(w, b, X, y, *, batch_size, lr, l2, rng):
    return epoch_with(w, b, X, y, batch_size, lr, l2, rng, summary=lambda losses, sizes: losses.sum())


@epoch.misconception(
    "You return the last batch's loss. One batch is a noisy witness: take the mean over the epoch."
)
def last_loss(w, b, X, y, *, batch_size, lr, l2, rng):
    return epoch_with(w, b, X, y, batch_size, lr, l2, rng, summary=lambda losses, sizes: losses[-1])


@epoch.misconception(
    "You return the loss on all data at the end of the epoch. A useful number, but not the one asked for: the "
    "mean of the losses that the batches had on the way, which costs nothing extra."
)
def loss_at_the_end(w, b, X, y, *, batch_size, lr, l2, rng):
    w, b, _ = epoch_with(w, b, X, y, batch_size, lr, l2, rng)
    return w, b, softmax_regression_loss_and_gradient(w, b, X, y, l2=l2)[0]


@epoch.misconception(
    "You compute each batch's loss after its update. The loss that comes with the gradient, before the step, "
    "is the one asked for."
)
def loss_after_the_step(w, b, X, y, *, batch_size, lr, l2, rng):
    total = 0.0
    for X_batch, y_batch in course_minibatches(X, y, batch_size=batch_size, rng=rng):
        _, dw, db = softmax_regression_loss_and_gradient(w, b, X_batch, y_batch, l2=l2)
        w, b = w - lr * dw, b - lr * db
        total += softmax_regression_loss_and_gradient(w, b, X_batch, y_batch, l2=l2)[0] * len(X_batch)
    return w, b, total / len(X)


@epoch.misconception(
    "The batches come in the order of the data. Take them from `course_minibatches(X, y, batch_size=…, rng=rng)`, "
    "which shuffles."
)
def unshuffled(w, b, X, y, *, batch_size, lr, l2, rng):
    return epoch_with(w, b, X, y, batch_size, lr, l2, rng, batches=no_shuffling)


@epoch.misconception(
    "Only the last batch's step survives: each step starts from the parameters of the beginning. Carry w and b on."
)
def only_the_last_step(w, b, X, y, *, batch_size, lr, l2, rng):
    losses, sizes = [], []
    for X_batch, y_batch in course_minibatches(X, y, batch_size=batch_size, rng=rng):
        loss, dw, db = softmax_regression_loss_and_gradient(w, b, X_batch, y_batch, l2=l2)
        losses.append(loss)
        sizes.append(len(X_batch))
    return w - lr * dw, b - lr * db, np.average(losses, weights=sizes)


@epoch.alternative
def copied_then_in_place(w, b, X, y, *, batch_size, lr, l2, rng):
    w, b, losses, sizes = w.copy(), b.copy(), [], []
    for X_batch, y_batch in course_minibatches(X, y, batch_size=batch_size, rng=rng):
        loss, dw, db = minibatch_loss_and_gradient(w, b, X_batch, y_batch, l2=l2)
        w -= lr * dw
        b -= lr * db
        losses.append(loss)
        sizes.append(len(y_batch))
    return w, b, np.dot(losses, sizes) / sum(sizes)


@epoch.alternative
def own_permutation(w, b, X, y, *, batch_size, lr, l2, rng):
    order, mean_loss = rng.permutation(len(X)), 0.0
    for start in range(0, len(X), batch_size):
        rows = order[start : start + batch_size]
        loss, dw, db = minibatch_loss_and_gradient(w, b, X[rows], y[rows], l2=l2)
        w, b = w - lr * dw, b - lr * db
        mean_loss += loss * len(rows) / len(X)
    return [w, b, mean_loss]


# ---------------------------------------------------------------------------------------------------------
# gradient_noise


def gradient_noise(gradients, batch_sizes):
    weights = batch_sizes / np.sum(batch_sizes)
    mean = weights @ gradients
    variance = weights @ np.sum((gradients - mean) ** 2, axis=1)
    return mean, variance


def noise_cases(rng):
    def problem(part, sizes, p):
        gradients = (rng.normal(size=(len(sizes), p)) + rng.normal(size=p)).round(2)
        return case(part, gradients, np.array(sizes))

    for T, p in [(3, 2), (4, 3), (6, 2)]:
        yield problem("equal batches", [int(rng.integers(2, 65))] * T, p)
    for sizes, p in [([4, 4, 1], 2), ([64, 64, 29], 3), ([3, 3, 3, 2], 4), ([16, 5], 1), ([2, 7, 1, 5], 2)]:
        yield problem("unequal batches", sizes, p)
    far = problem("", [8, 8, 8, 3], 2)  # squares of large numbers swallow the scatter
    yield case("unequal batches", far.args[0] + 1e5, far.args[1])
    yield problem("one batch", [7], 3)


noise = Exercise(
    gradient_noise,
    parts={"equal batches": 1, "unequal batches": 1, "one batch": 1},
    cases=noise_cases,
    allows=Allows(whole=("gradients",), real=("gradients",), start="unequal batches", part="unequal batches"),
    equivalent={
        "operands swapped: gradients - mean → mean - gradients": "it is squared",
        "operands swapped: weights @ np.sum((gradients - mean) ** 2, axis=1) → "
        "np.sum((gradients - mean) ** 2, axis=1) @ weights": "two vectors",
    },
    returns=("mean", "variance"),
    hints=(
        "How much should the gradient of a batch count, if it speaks for B of the m examples?",
        "Weights B_t/m sum to 1. Use them for the mean of the gradients, and the same weights for the mean "
        "squared distance from that mean.",
        "`mean = weights @ gradients`; then `weights @ (squared distances)`, where a squared distance is a sum "
        "over the parameters, `axis=1`.",
    ),
    explain="why is the weighted mean exactly the gradient of the whole data set?",
)


def noise_with(gradients, batch_sizes, *, mean_weights=None, weights=None, finish=None):
    """Compute the right answer with one piece replaced."""
    right = batch_sizes / np.sum(batch_sizes)
    mean = (right if mean_weights is None else mean_weights) @ gradients
    distances = np.sum((gradients - mean) ** 2, axis=1)
    variance = (right if weights is None else weights) @ distances
    return mean, variance if finish is None else finish(variance)


def equal_weights(gradients):
    return np.full(len(gradients), 1 / len(gradients))


@noise.misconception(
    "Every batch counts the same, so an example in the short last batch counts more than the others. Weight by "
    "batch size, in the mean and in the variance."
)
def all_unweighted(gradients, batch_sizes):
    equal = equal_weights(gradients)
    return noise_with(gradients, batch_sizes, mean_weights=equal, weights=equal)


@noise.misconception(
    "Your mean is right, but you divide the squared distances by T − 1. That is for estimating from a sample; "
    "here all batches of the epoch are known, and their weights sum to 1."
)
def sample_variance(gradients, batch_sizes):
    T = len(gradients)
    return noise_with(gradients, batch_sizes, finish=lambda v: v * T / (T - 1) if T > 1 else np.nan)


@noise.misconception(
    "You average over the parameters; a squared distance is the *sum* over them. Otherwise the noise of a "
    "large network would look small just because it is large."
)
def averaged_over_parameters(gradients, batch_sizes):
    return noise_with(gradients, batch_sizes, finish=lambda v: v / gradients.shape[1])


@noise.misconception(
    "Weighted by B, the sum must be divided by the number of examples m, not by the number of batches."
)
def divided_by_batches(gradients, batch_sizes):
    weights = batch_sizes / len(batch_sizes)
    return noise_with(gradients, batch_sizes, mean_weights=weights, weights=weights)


@noise.misconception(
    "You average along the wrong axis: the rows are the batches, so the mean gradient has one entry per "
    "parameter (axis 0)."
)
def wrong_axis(gradients, batch_sizes):
    mean = gradients.mean(axis=1)
    return mean, np.mean((gradients - mean[:, None]) ** 2)


@noise.misconception(
    "Multiplying (T, p) by (T,) does not line rows up with their weights. Give the weights the shape (T, 1): "
    "`batch_sizes[:, None]`."
)
def weights_not_lined_up(gradients, batch_sizes):
    weights = batch_sizes / np.sum(batch_sizes)
    mean = np.sum(gradients * weights, axis=0)
    return mean, float(np.sum(weights * (gradients - mean) ** 2))


@noise.misconception(
    "`np.var` measures around the unweighted mean and weights all batches alike. Use the weighted mean that "
    "you return."
)
def plain_variance(gradients, batch_sizes):
    mean, _ = noise_with(gradients, batch_sizes)
    return mean, gradients.var(axis=0).sum()


@noise.misconception("You average the distances; the variance is the mean of the *squared* distances.")
def distances_not_squared(gradients, batch_sizes):
    weights = batch_sizes / np.sum(batch_sizes)
    mean = weights @ gradients
    return mean, weights @ np.linalg.norm(gradients - mean, axis=1)


@noise.misconception(
    "The mean of the squares minus the square of the mean is right on paper. In floating point two large, nearly "
    "equal numbers lose their digits where the gradients are large beside their scatter; the result may even be "
    "negative. Subtract the mean first, then square."
)
def squares_minus_square(gradients, batch_sizes):
    weights = batch_sizes / np.sum(batch_sizes)
    mean = weights @ gradients
    return mean, weights @ np.sum(gradients**2, axis=1) - np.sum(mean**2)


@noise.alternative
def with_average(gradients, batch_sizes):
    mean = np.average(gradients, axis=0, weights=batch_sizes)
    return mean, np.average(np.linalg.norm(gradients - mean, axis=1) ** 2, weights=batch_sizes)


@noise.alternative
def batch_by_batch(gradients, batch_sizes):
    m = sum(batch_sizes)
    mean = sum(g * B / m for g, B in zip(gradients, batch_sizes, strict=True))
    variance = 0.0
    for g, B in zip(gradients, batch_sizes, strict=True):
        variance += B / m * float((g - mean) @ (g - mean))
    return mean, variance


@noise.alternative
def repeated_rows(gradients, batch_sizes):
    each = np.repeat(gradients, batch_sizes, axis=0)
    return each.mean(axis=0), each.var(axis=0).sum()


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims and quiz

prediction_race = Prediction(
    "prediction_race",
    answer="1b3b41dcfbc6a99a",
    wrong={
        "a": "The exact gradient has the better direction, but it makes one step where mini-batches make 23.",
        "c": (
            "The same examples were looked at, but not used at the same parameters: a mini-batch step already "
            "profits from the step before."
        ),
    },
    right=(
        "Mini-batches are far ahead: for the same examples looked at, they made 23 times as many steps, and "
        "each step's noise costs less than the extra steps bring."
    ),
)

prediction_noise = Prediction(
    "prediction_noise",
    answer="c2e1f17b6ab79230",
    wrong={
        "a": "Averaging more examples does change it: their deviations partly cancel.",
        "b": "Half is what happens to the distance itself, the root of it.",
        "d": "One sixteenth would be 1/B²; that is more cancelling than independent deviations can do.",
    },
    right=(
        "The squared distance falls like 1/B: four times the examples, a quarter of it. The distance itself only "
        "halves."
    ),
)

prediction_time = Prediction(
    "prediction_time",
    answer="76fc6447da898946",
    wrong={
        "a": (
            "Single examples do need the fewest passes, but every step has a fixed cost, and they pay it 1,437 "
            "times a pass."
        ),
        "c": "The full batch has the cheapest example, but it needs 44 passes, batches of 64 need fewer than 3.",
    },
    right=(
        "The curve is a U. Single examples need few passes but pay the overhead of a step 1,437 times per "
        "pass; the full batch uses the processor well but wastes passes."
    ),
)

claim_epochs = Quiz(
    "claim_epochs",
    answer="8deea13c67449c6e",
    wrong={
        "true": (
            "Count again what each word counts: an epoch is a pass over the data, an iteration is an update. "
            "Which of them happens 5,000 times?"
        ),
        "depends": (
            "It does not depend on anything: the words have fixed meanings. An epoch is one pass over the "
            "data, whatever happens inside."
        ),
    },
    right=(
        "One pass is one epoch, however many updates it makes. 5,000 mini-batches are 5,000 iterations "
        "(updates) in one epoch."
    ),
)

claim_powers_of_two = Quiz(
    "claim_powers_of_two",
    answer="94351c5f5938e4c8",
    wrong={
        "true": (
            "Look at the times of 63, 64 and 65 in the figure: is there a jump? The rule comes from particular "
            "hardware."
        ),
    },
    also={
        "false": (
            "That is what the figure says: on this computer 64 and 256 are no faster than their neighbours. And "
            "where sizes do matter, being a power of two is not the reason. But there are such machines, so "
            '"depends" is as good: on a GPU whose matrix units work in blocks of 8 or 16, 64 can be faster '
            "than 63 or 65."
        ),
    },
    right=(
        'It depends on the machine. Here 64 is no faster than its neighbours (so "false" earns the point, '
        "too). On a GPU whose matrix units work in blocks of 8 or 16, multiples of those can be faster, powers "
        "of two or not. Measure where you train."
    ),
)

claim_every_step = Quiz(
    "claim_every_step",
    answer="3ded1d7a41a01f66",
    wrong={
        "true": "You have just seen a full-batch curve that rises. What was different about it?",
    },
    also={
        "depends": (
            "You can name the condition: below 2/L, with L the largest curvature, each step lowers the loss, "
            'and the run at 0.3 shows it. But the sentence says "at every step" without it, so one rise is '
            'enough for "false"; you saw 18, at a rate that ended far lower.'
        ),
    },
    right=(
        "The run at rate 6 rose in 18 of 60 steps, and one would have been enough. It becomes true with a "
        'condition (so "depends" earns the point, too): a learning rate below 2/L, with L the largest '
        "curvature. Above, a step may overshoot, full batch or not."
    ),
)

claim_never_converges = Quiz(
    "claim_never_converges",
    answer="16075f2a1ecaa690",
    wrong={
        "true": (
            "Compare the two learning rates in the figure: how high does each hover? What does the rate do that "
            "keeps falling?"
        ),
    },
    also={
        "depends": (
            "You can name the condition: at a constant rate both runs hover, with a falling rate the third goes "
            'on getting closer. But the sentence says "never" and "for ever", so that third run is enough '
            'for "false".'
        ),
    },
    right=(
        "The run with a falling rate (week 07) goes on getting closer. What is true of the claim needs a "
        'condition (so "depends" earns the point, too): at a constant rate it hovers, at a height that '
        "shrinks with the rate. And where all examples can be fitted at once, even the noise vanishes at the "
        "minimum."
    ),
)

claim_small_sets = Quiz(
    "claim_small_sets",
    answer="f0b0d7adbc56cf4f",
    wrong={
        "true": (
            "Look at the time-to-target curve again: those were 1,437 examples. Which end of the curve is the "
            "full batch?"
        ),
        "depends": (
            "The condition is in the claim itself: any set of at most 2,000 examples. You have measured one "
            'where they bring a lot, and against "nothing" one is enough.'
        ),
    },
    right=(
        "You measured the opposite: on 1,437 digits mini-batches needed a small fraction of the passes and the "
        "time. The rule of thumb only says that on so little data both are quick enough not to care."
    ),
)

quiz_updates = Quiz(
    "quiz_updates",
    answer="8c515be51f052ec2",
    wrong={
        "a": "That drops the 29 examples of the short last batch in every epoch.",
        "b": "You divided 14,370 by 64: but batches do not reach across the end of an epoch.",
        "d": "That is one update per example, batch size 1.",
    },
    right="1,437 / 64 is 22.45, so 23 updates per epoch, the last of them on 29 examples; ten epochs make 230.",
)

quiz_noise = Quiz(
    "quiz_noise",
    answer="1a112e84ba0f5b69",
    wrong={
        "a": "Twice the batch halves the *squared* distance; the distance itself shrinks by √2 only.",
        "c": "A batch that is √2 times as large shrinks the distance by 2^(1/4), that is to 84 %.",
        "d": "Sixteen times the batch brings the distance down to a quarter.",
    },
    right=(
        "The squared noise goes like 1/B, so the distance goes like 1/√B: half the distance costs four times "
        "the examples. This is why ever larger batches pay less and less."
    ),
)

quiz_sorted = Quiz(
    "quiz_sorted",
    answer="d1665fb3e98cf471",
    wrong={
        "a": "Each example is used once, true, but in which company? Look at what a single batch would teach.",
        "b": (
            "There is no such average: each step starts where the one before ended, and these steps pull in "
            "turn towards one class each."
        ),
        "c": "The size of a batch does not change; what changes is how well it represents the data.",
    },
    right=(
        "Most batches hold one class only and pull the network towards answering that class; a few batches "
        "later it is pulled elsewhere. You saw the loss of such an epoch."
    ),
)

quiz_memory = Quiz(
    "quiz_memory",
    answer="8f77d834a9cdb524",
    wrong={
        "a": "A float32 takes 4 bytes and each example has 784 of them.",
        "b": "That is one byte per pixel; a float32 takes four.",
        "d": "That is all five million images: 5,000,000 · 784 · 4 bytes.",
    },
    right=(
        "1,000 · 784 · 4 bytes = 3.1 MB, against 15.7 GB for all of X: one fits in a processor's cache, the "
        "other not even in most graphics cards."
    ),
)

quiz_rise = Quiz(
    "quiz_rise",
    answer="01f58fa842b8c54c",
    wrong={
        "b": (
            "Possible, but one rise is no evidence: the two losses belong to different examples. Look at the "
            "trend."
        ),
        "c": (
            "A bug would show in the trend. Two batches hold different examples, so their losses differ even "
            "at the same parameters."
        ),
        "d": "Over-fitting shows in data that are not trained on (week 10); these are two training batches.",
    },
    right=(
        "By itself nothing: the second batch holds other examples, perhaps harder ones. The trend over many "
        "batches is what counts."
    ),
)
