"""Week 00, part 2, from a perceptron to a network: the exercises with their cases, misconceptions and hints."""

import numpy as np

from course_lib.comparing import describe
from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, case

# ---------------------------------------------------------------------------------------------------------
# bernoulli_gradient_ascent


def bernoulli_gradient_ascent(y, *, z, lr, steps):
    path = []
    for _ in range(steps):
        theta = 1 / (1 + np.exp(-z))
        path.append(theta)
        z = z + lr * (np.mean(y) - theta)
    path.append(1 / (1 + np.exp(-z)))
    return np.array(path)


def bernoulli_cases(rng):
    def tosses(m, heads):
        return rng.permutation(np.arange(m) < heads).astype(int)

    for m, heads, steps in [(4, 3, 1), (7, 2, 2), (10, 6, 5)]:
        z, lr = round(rng.uniform(-1.5, 1.5), 2), round(rng.uniform(0.3, 2.5), 2)
        yield case("the path", tosses(m, heads), z=z, lr=lr, steps=steps)
    lr = round(rng.uniform(0.5, 2), 2)
    yield case("edge cases", tosses(3, 3), z=0.25, lr=lr, steps=3)
    yield case("edge cases", tosses(1, 0), z=-0.5, lr=lr, steps=2)
    for z in (2000.0, -2000.0):
        yield case("edge cases", tosses(5, int(rng.integers(1, 5))), z=z, lr=50 * lr, steps=4)


def observe_ascent(call, case):
    """Compare the path where it is finite; inf and nan differ by accident, and so do 0 and 1e-200."""
    path = call(*case.args, **case.kwargs)
    if not isinstance(path, np.ndarray) or path.dtype.kind != "f":
        return {"the path is finite": True, "theta": path}  # what it is instead, the comparison says
    finite = bool(np.isfinite(path).all())
    path = np.where(np.abs(path) < 1e-100, 0.0, path)
    return {"the path is finite": finite} | ({"theta": path} if finite else {})


ascent = Exercise(
    bernoulli_gradient_ascent,
    parts={"the path": 3, "edge cases": 1},
    cases=bernoulli_cases,
    observe=observe_ascent,
    allows=Allows(ends={"z": (0.0, 2000.0, -2000.0), "lr": (1e-3, 100.0), "steps": (0, 40)}),
    equivalent={
        "order of operations: np.mean(y) - theta → np.mean(y - theta)": "theta is one number",
        "range: range(steps) → range(-1, steps - 1)": "as many turns",
        "range: range(steps) → range(1, steps + 1)": "as many turns",
    },
    hints=(
        "The page has two derivatives: of the mean log-likelihood with respect to θ, and of θ with respect to "
        "z. Multiply them on paper before you write code.",
        "The product is short: nearly everything cancels, and what is left is a difference of two numbers. "
        "Ascent adds it. Collect σ(z) before every step and once more at the end.",
        "In the loop: `theta = 1 / (1 + np.exp(-z))`, append it, then `z = z + lr * (np.mean(y) - theta)`. "
        "After the loop append the last one.",
    ),
    explain="why can θ never leave the interval from 0 to 1, whatever the learning rate?",
)


def climb(y, z, lr, steps, slope, sigmoid=lambda z: 1 / (1 + np.exp(-z))):
    """Compute the path with another slope ``slope(theta, mean)`` or another sigmoid."""
    path = [sigmoid(z)]
    for _ in range(steps):
        z = z + lr * slope(path[-1], np.mean(y))
        path.append(sigmoid(z))
    return np.array(path)


@ascent.misconception(
    "Your slope is the sum over the tosses. Asked is the *mean* log-likelihood: divide by m, or the step grows "
    "with the number of tosses."
)
def sums_over_tosses(y, *, z, lr, steps):
    return climb(y, z, lr * len(y), steps, lambda theta, mean: mean - theta)


@ascent.misconception(
    "You use the slope with respect to θ for a step in z. The chain rule has a second factor, dθ/dz = θ(1 − θ)."
)
def slope_in_theta_for_z(y, *, z, lr, steps):
    return climb(y, z, lr, steps, lambda theta, mean: (mean - theta) / (theta * (1 - theta)))


@ascent.misconception(
    "The factor θ(1 − θ) is in your slope although it cancels: dividing by it belongs to the likelihood, "
    "multiplying to the sigmoid. (With a squared error nothing cancels, and what you wrote would be right.)"
)
def factor_left_over(y, *, z, lr, steps):
    return climb(y, z, lr, steps, lambda theta, mean: (mean - theta) * theta * (1 - theta))


@ascent.misconception(
    "Only the tosses with y = 1 pull on your θ, so it climbs to 1 whatever the data. The second term, "
    "(1 − y) log(1 − θ), pulls the other way."
)
def ones_only(y, *, z, lr, steps):
    return climb(y, z, lr, steps, lambda theta, mean: mean * (1 - theta))


@ascent.misconception(
    "You take the steps in θ itself. Walk in z: one step too long and θ leaves the interval from 0 to 1."
)
def steps_in_theta(y, *, z, lr, steps):
    path = [1 / (1 + np.exp(-z))]
    for _ in range(steps):
        theta = path[-1]
        path.append(theta + lr * (np.mean(y) - theta) / (theta * (1 - theta)))
    return np.array(path)


@ascent.misconception(
    "Your slope is the one for z, but you add it to θ. Keep z, change z, and compute θ from it each time."
)
def slope_in_z_for_theta(y, *, z, lr, steps):
    path = [1 / (1 + np.exp(-z))]
    for _ in range(steps):
        path.append(path[-1] + lr * (np.mean(y) - path[-1]))
    return np.array(path)


@ascent.misconception(
    "The slope is computed once, at the start. It changes as θ moves: compute it again in every step."
)
def slope_at_the_start(y, *, z, lr, steps):
    slope = np.mean(y) - 1 / (1 + np.exp(-z))
    return 1 / (1 + np.exp(-(z + lr * slope * np.arange(steps + 1))))


@ascent.misconception(
    "Right, except far out: `exp(z) / (1 + exp(z))` is inf/inf for large z. Divide through by exp(z): "
    "1 / (1 + exp(−z)) never is."
)
def exponential_of_plus_z(y, *, z, lr, steps):
    return climb(y, z, lr, steps, lambda theta, mean: mean - theta, sigmoid=lambda z: np.exp(z) / (1 + np.exp(z)))


@ascent.misconception("You make one step per toss. One step uses all tosses: the mean of y, once, `steps` times.")
def one_step_per_toss(y, *, z, lr, steps):
    path = [1 / (1 + np.exp(-z))]
    for _ in range(steps):
        for toss in y:
            z = z + lr * (toss - 1 / (1 + np.exp(-z)))
        path.append(1 / (1 + np.exp(-z)))
    return np.array(path)


@ascent.misconception(
    "Right, except far out: where θ has been rounded to 0 or 1, your slope divides by 0. Let θ(1 − θ) cancel on "
    "paper; what is left divides by nothing."
)
def not_cancelled(y, *, z, lr, steps):
    def slope(theta, mean):
        return (mean / theta - (1 - mean) / (1 - theta)) * theta * (1 - theta)

    return climb(y, z, lr, steps, slope)


@ascent.alternative
def with_hyperbolic_tangent(y, *, z, lr, steps):
    theta = np.empty(steps + 1)
    theta[0] = (1 + np.tanh(z / 2)) / 2
    for t in range(1, steps + 1):
        z -= lr * (theta[t - 1] - y.sum() / y.size)
        theta[t] = 1 / (1 + np.exp(-z))
    return theta


@ascent.alternative
def sum_of_both_terms(y, *, z, lr, steps):
    zs = [z]
    for _ in range(steps):
        theta = 1 / (1 + np.exp(-zs[-1]))
        zs.append(zs[-1] + lr * np.mean(y * (1 - theta) - (1 - y) * theta))
    return 1 / (1 + np.exp(-np.array(zs)))


@ascent.alternative
def all_in_logarithms(y, *, z, lr, steps):
    path = []
    for t in range(steps + 1):
        path.append(float(np.exp(-np.logaddexp(0, -z))))
        z = z + lr * sum(y - path[t]) / len(y)
    return np.asarray(path)


# ---------------------------------------------------------------------------------------------------------
# perceptron_epoch


def perceptron_epoch(w, b, X, y):
    mistakes = 0
    for x_i, y_i in zip(X, y):  # noqa: B905 - as the page has it
        if y_i * (x_i @ w + b) <= 0:
            w = w + y_i * x_i
            b = b + y_i
            mistakes += 1
    return w, b, mistakes


def perceptron_cases(rng):
    def signs(m):
        y = rng.choice([-1, 1], size=m)
        y[:2] = 1, -1
        return y

    def halves(*shape):  # with w and X in halves and b in odd eighths no score is 0, whatever the order of sums
        return rng.integers(-5, 6, size=shape) / 2

    def odd_eighth():
        return float(rng.integers(-2, 3)) + 0.125

    for m, n in [(6, 2), (9, 3), (14, 2)]:
        yield case("mistakes only, one after the other", halves(n), odd_eighth(), halves(m, n), signs(m))
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    either = np.array([-1, 1, 1, 1])
    yield case("mistakes only, one after the other", np.array([-1.0, 2.0]), -0.625, corners, either)
    # From zero the first score is 0, and on whole numbers more zeros follow.
    yield case("a score of 0", np.zeros(2), 0.0, corners, np.array([-1, -1, -1, 1]))
    yield case("a score of 0", np.zeros(3), 0.0, halves(5, 3), signs(5))
    x = rng.integers(1, 4, size=(1, 2)).astype(float)
    yield case("a score of 0", x[0], -float(x[0] @ x[0]), x, np.array([1]))
    for m, n in [(5, 2), (8, 3)]:
        w, b, X = halves(n), odd_eighth(), halves(m, n)
        yield case("a pass without mistakes", w, b, X, np.where(X @ w + b > 0, 1, -1))


perceptron = Exercise(
    perceptron_epoch,
    parts={"mistakes only, one after the other": 2, "a score of 0": 1, "a pass without mistakes": 1},
    cases=perceptron_cases,
    allows=Allows(real=("w", "X"), ends={"b": (0.0, -2.5)}, part="a score of 0"),
    equivalent={
        "operands swapped: x_i @ w → w @ x_i": "two vectors",
    },
    returns=("w", "b", "mistakes"),
    hints=(
        "Go through the rows one by one. Each is judged by the w and b that the rows before it have left behind.",
        "y·score is positive where the side is right. If it is not positive: add y times the example to w, and "
        "y to b (the bias is a weight whose input is 1).",
        "`for x_i, y_i in zip(X, y):` and inside `if y_i * (x_i @ w + b) <= 0:` three lines: new w, new b, one "
        "mistake more. Write `w = w + …`, not `w += …`.",
    ),
    explain="after the update for example i, in which direction has its own score moved, and by how much?",
)


def perceptron_with(w, b, X, y, *, wrong=lambda margin: margin <= 0, push=lambda x, y, score: y):
    """Make the right pass with one piece replaced."""
    mistakes = 0
    for x_i, y_i in zip(X, y, strict=True):
        score = x_i @ w + b
        if wrong(y_i * score):
            w = w + push(x_i, y_i, score) * x_i
            b = b + push(x_i, y_i, score)
            mistakes += 1
    return w, b, mistakes


@perceptron.misconception(
    "A score of exactly 0 is on neither side and counts as a mistake: use `<=`. With `<`, a perceptron that "
    "starts at 0 never learns anything."
)
def zero_is_not_a_mistake(w, b, X, y):
    return perceptron_with(w, b, X, y, wrong=lambda margin: margin < 0)


@perceptron.misconception(
    "A score of exactly 0 gives the output −1, so you count it as right where y = −1. For learning it is a "
    "mistake whatever the label: update where y · score `<= 0`."
)
def zero_counts_as_minus_one(w, b, X, y):
    mistakes = 0
    for x_i, y_i in zip(X, y, strict=True):
        if (1 if x_i @ w + b > 0 else -1) != y_i:
            w, b, mistakes = w + y_i * x_i, b + y_i, mistakes + 1
    return w, b, mistakes


@perceptron.misconception(
    "All examples are judged by the w and b of the beginning of the pass. Each update counts at once: the next "
    "example is judged by the new w and b."
)
def judged_by_the_old_weights(w, b, X, y):
    wrong = y * (X @ w + b) <= 0
    return w + y[wrong] @ X[wrong], float(b + y[wrong].sum()), int(wrong.sum())


@perceptron.misconception(
    "Your step is y minus the predicted sign, which is ±2 for labels ±1: twice too long. (With labels 0 and 1 "
    "that rule is right, and it is how many books write it.)"
)
def difference_of_signs(w, b, X, y):
    return perceptron_with(w, b, X, y, push=lambda x, y, score: 2 * y)


@perceptron.misconception(
    "You step by y minus the *score*, in proportion to the error. That is the rule of Widrow and Hoff (ADALINE, "
    "1960), a gradient step on squared errors. The perceptron's step is y, whatever the size of the score."
)
def proportional_to_the_error(w, b, X, y):
    return perceptron_with(w, b, X, y, push=lambda x, y, score: y - score)


@perceptron.misconception(
    "You update wherever y · score is below 1. Asking for a margin of 1 is the rule of support vector machines; "
    "the perceptron asks only for the right side: `<= 0`."
)
def wants_a_margin(w, b, X, y):
    return perceptron_with(w, b, X, y, wrong=lambda margin: margin < 1)


@perceptron.misconception("You stop after the first mistake. One pass looks at every row once, to the last.")
def stops_at_the_first(w, b, X, y):
    for x_i, y_i in zip(X, y, strict=True):
        if y_i * (x_i @ w + b) <= 0:
            return w + y_i * x_i, b + y_i, 1
    return w, b, 0


@perceptron.alternative
def with_a_column_of_ones(w, b, X, y):
    u, mistakes = np.append(w, b), 0
    for row, sign in zip(np.column_stack([X, np.ones(len(X))]), y, strict=True):
        if np.sign(row @ u) != sign:
            u = u + sign * row
            mistakes += 1
    return u[:-1], u[-1], mistakes


@perceptron.alternative
def with_labels_times_rows(w, b, X, y):
    w, count = w.copy(), np.int64(0)
    for i in range(len(y)):
        wrong = not y[i] * (np.sum(w * X[i]) + b) > 0
        w += wrong * y[i] * X[i]
        b += float(wrong * y[i])
        count += wrong
    return w, b, count


# ---------------------------------------------------------------------------------------------------------
# xor_by_hand


def xor_by_hand(low, high):
    w1 = np.array([[1.0, -1.0], [-1.0, 1.0]])
    b1 = np.zeros(2)
    w2 = np.array([1.0, 1.0])
    b2 = -(high - low) / 2
    return w1, b1, w2, b2


def xor_cases(rng):
    yield case("inputs 0 and 1", 0.0, 1.0)
    for _ in range(2):
        low = round(rng.uniform(1.5, 4), 1)
        yield case("other voltages", low, round(low + rng.uniform(0.6, 0.9), 1))  # the difference below high / 2
        yield case("other voltages", -low, round(low + rng.uniform(1, 5), 1))
    low = -round(rng.uniform(0.1, 0.2), 2)
    yield case("other voltages", low, round(low + rng.uniform(0.3, 0.4), 2))  # and below 1/2


def observe_xor(call, case):
    """Judge the network by its answers at the four corners: any weights that give the right ones are right."""
    result = call(*case.args, **case.kwargs)
    if not isinstance(result, tuple | list) or len(result) != 4:
        raise ContractError(f"The function should return `w1, b1, w2, b2`, but returned {describe(result)}.")
    *arrays, b2 = result
    b2 = b2[()] if isinstance(b2, np.ndarray) else b2  # an array of shape () is a number, too
    for name, value, shape in zip(("w1", "b1", "w2"), arrays, ((2, 2), (2,), (2,)), strict=True):
        if not isinstance(value, np.ndarray) or value.shape != shape:
            raise ContractError(f"`{name}` should be a NumPy array of shape {shape}, but is {describe(value)}.")
        if value.dtype.kind not in "fi":
            raise ContractError(f"`{name}` should hold numbers, but has dtype {value.dtype}.")
    if isinstance(b2, bool) or not isinstance(b2, int | float | np.integer | np.floating):
        raise ContractError(f"`b2` should be one number, but is {describe(b2)}.")
    w1, b1, w2 = arrays
    low, high = case.args
    seen = {}
    for name, x in (
        ("both switches low", [low, low]),
        ("only the second switch high", [low, high]),
        ("only the first switch high", [high, low]),
        ("both switches high", [high, high]),
    ):
        score = float(np.maximum(np.array(x) @ w1 + b1, 0) @ w2 + b2)
        near = abs(score) < 1e-9 * (1 + np.abs(w2).max() * np.abs(w1).max() * max(-low, high))
        seen[f"the lamp with {name}"] = "undecided (score 0)" if near else "on" if score > 0 else "off"
    return seen


by_hand = Exercise(
    xor_by_hand,
    parts={"inputs 0 and 1": 2, "other voltages": 1},
    cases=xor_cases,
    observe=observe_xor,
    allows=Allows(ends={"low": (-100.0, -1.0, 0.5, 0.99), "high": (0.01, 100.0)}),
    equivalent={
        "constant: 1.0 → 2.0": "any weights that give the right answers are right",
        "constant: 2 → 3": "so is any threshold between 0 and high - low",
        "order: [[1.0, -1.0], [-1.0, 1.0]] → [[-1.0, 1.0], [1.0, -1.0]]": "the hidden units change places",
    },
    hints=(
        "Exactly one switch is high when the two inputs *differ*. What does a ReLU make of the first input minus "
        "the second?",
        "Let one hidden unit be positive only if the first input is the larger one, the other only if the second "
        "is. Add both, and put the threshold half-way between equal and different.",
        "Columns of w1: (1, −1) and (−1, 1); no b1; both weights in w2 are 1. Their sum is 0 or high − low: half "
        "of that, subtracted, is b2.",
    ),
    explain="where in the plane of the inputs does each of your hidden units switch on?",
)


@by_hand.misconception(
    "Your lamp is on with both switches high as well: that is OR. The second hidden unit must pull the score "
    "down again there."
)
def computes_or(low, high):
    return np.eye(2), np.full(2, -low), np.ones(2), -(high - low) / 2


@by_hand.misconception(
    "Your lamp is on only with both switches high: that is AND. It must be on when exactly one of them is."
)
def computes_and(low, high):
    return np.eye(2), np.full(2, -low), np.ones(2), -1.5 * (high - low)


@by_hand.misconception(
    "Your lamp is on when the switches are *equal*: exactly the wrong way round. Change the sign of w2 and of b2."
)
def computes_equality(low, high):
    w1, b1, w2, b2 = xor_by_hand(low, high)
    return w1, b1, -w2, -b2


@by_hand.misconception(
    "Right for inputs 0 and 1, but b1 or b2 is a fixed number. The switches send `low` and `high`: measure the "
    "inputs from low, in units of high − low."
)
def for_zero_and_one(low, high):
    return np.ones((2, 2)), np.array([0.0, -1.0]), np.array([1.0, -2.0]), -0.5


@by_hand.misconception(
    "Right for inputs 0 and 1. You measure in units of high − low, but not from low: an input is 0 to your hidden "
    "units only after `low` is subtracted, which is the work of b1."
)
def scaled_not_shifted(low, high):
    return np.ones((2, 2)) / (high - low), np.array([0.0, -1.0]), np.array([1.0, -2.0]), -0.5


@by_hand.misconception(
    "Right for inputs 0 and 1. You measure from low, but the 1 in b1 (and the threshold in b2) belongs to inputs "
    "that are 1 apart. Here they are high − low apart."
)
def shifted_not_scaled(low, high):
    return np.ones((2, 2)), np.array([-2 * low, -2 * low - 1]), np.array([1.0, -2.0]), -0.5


@by_hand.misconception(
    "Right for inputs 0 and 1; elsewhere the lamp is on when it should be off, because the threshold in b2 does "
    "not grow with high − low."
)
def threshold_of_a_half(low, high):
    return (*xor_by_hand(low, high)[:3], -0.5)


@by_hand.misconception(
    "Right for inputs 0 and 1. In b2 the threshold is half of `high`, but your hidden units measure differences, "
    "which are 0 or high − low."
)
def half_of_high(low, high):
    return (*xor_by_hand(low, high)[:3], -high / 2)


@by_hand.misconception(
    "The score is exactly 0 where the inputs are equal, and 0 is neither on nor off. Put b2 half-way between the "
    "two values that the hidden units' sum takes."
)
def no_threshold(low, high):
    return (*xor_by_hand(low, high)[:3], 0.0)


@by_hand.alternative
def count_of_high_switches(low, high):
    span = high - low
    w1 = np.ones((2, 2)) / span
    b1 = np.array([-2 * low / span, -2 * low / span - 1])
    return w1, b1, np.array([1.0, -2.0]), -0.5


@by_hand.alternative
def or_and_not_and(low, high):
    middle = (low + high) / 2
    w1 = np.array([[1, 1], [1, 1]])
    b1 = np.array([-low - middle, -high - middle])
    return w1, b1, np.array([1, -5]), np.float64(-0.2 * (high - low))


@by_hand.alternative
def from_above(low, high):
    w1, b1, w2, b2 = count_of_high_switches(low, high)
    return [w1[:, ::-1], b1[::-1], w2[::-1] * 7, b2 * 7]


# ---------------------------------------------------------------------------------------------------------
# mlp_forward


def mlp_forward(X, w1, b1, w2, b2):
    z1 = X @ w1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2 + b2
    e = np.exp(z2 - z2.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return z1, a1, p


def forward_cases(rng):
    def network(part, m, n, h, k, scale=1.0):
        shapes = ((m, n), (n, h), (h,), (h, k), (k,))
        X, w1, b1, w2, b2 = (rng.normal(size=shape).round(2) for shape in shapes)
        return case(part, X, w1, b1, scale * w2, scale * b2)

    for sizes in [(1, 2, 3, 2), (3, 2, 4, 3), (4, 3, 2, 4), (5, 4, 4, 4)]:
        yield network("values and probabilities", *sizes)
    yield network("values and probabilities", 2, 1, 1, 1)
    for _ in range(2):
        X, w1, b1, w2, b2 = network("", 3, 2, 3, 4, scale=300.0).args
        X[0] *= 40  # one row's scores far above the others'
        yield case("scores in the thousands", X, w1, b1 + 1, w2, b2)
    X, w1, b1, w2, b2 = network("", 3, 2, 3, 4).args
    yield case("scores in the thousands", X, w1, b1, w2, b2 + 2000)  # all rows are alike


def observe_forward(call, case):
    """Compare the numbers, but where the softmax overflows only say so."""
    result = call(*case.args, **case.kwargs)
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise ContractError(f"The function should return `z1, a1, p`, but returned {describe(result)}.")
    z1, a1, p = result
    seen = {"z1": z1, "a1": a1}
    if isinstance(p, np.ndarray) and p.dtype.kind == "f" and not np.isfinite(p).all():
        return seen | {"p is finite": False}
    return seen | {"p is finite": True, "p": p}


forward = Exercise(
    mlp_forward,
    parts={"values and probabilities": 2, "scores in the thousands": 1},
    cases=forward_cases,
    observe=observe_forward,
    allows=Allows(real=("X", "w1", "b1", "w2", "b2"), part="values and probabilities"),
    hints=(
        "Four lines, in the order of the drawing: z1, a1, the scores, the probabilities. Write the shape of each "
        "beside it.",
        "A layer multiplies its input by the weights and adds the bias. ReLU is `np.maximum` with 0, for the "
        "hidden layer only. The softmax of part 1 turns scores into probabilities, each row by itself.",
        "`z1 = X @ w1 + b1`, `a1 = np.maximum(z1, 0)`, the same without ReLU for z2; then the exponentials of z2 "
        "minus its row maxima (`keepdims=True`), divided by their row sums.",
    ),
    explain="what would change in p if the same number were added to all scores of a row?",
)


def row_softmax(z):
    """Compute the softmax of each row."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward_with(X, w1, b1, w2, b2, *, relu=lambda z: np.maximum(z, 0), out=lambda z: z, softmax=row_softmax):
    """Compute the forward pass with one piece replaced."""
    z1 = X @ w1 + b1
    a1 = relu(z1)
    return z1, a1, softmax(out(a1 @ w2 + b2))


@forward.misconception(
    "There is no ReLU: a1 equals z1. Two linear layers in a row are one linear layer, and XOR stays out of reach."
)
def without_relu(X, w1, b1, w2, b2):
    return forward_with(X, w1, b1, w2, b2, relu=lambda z: z)


@forward.misconception(
    "You put a ReLU on the scores, too. All negative scores then look alike. The last layer has no ReLU: its "
    "scores may be negative, softmax takes care of them."
)
def relu_on_the_scores(X, w1, b1, w2, b2):
    return forward_with(X, w1, b1, w2, b2, out=lambda z: np.maximum(z, 0))


@forward.misconception("The hidden layer has a sigmoid. Here it is ReLU, `np.maximum(z1, 0)`.")
def sigmoid_in_the_hidden_layer(X, w1, b1, w2, b2):
    return forward_with(X, w1, b1, w2, b2, relu=lambda z: 1 / (1 + np.exp(-z)))


@forward.misconception(
    "Your z1 has already been cut off at 0 (was it changed in place?). Keep z1 as it is: backprop needs to know "
    "where it was negative."
)
def z1_overwritten(X, w1, b1, w2, b2):
    _, a1, p = forward_with(X, w1, b1, w2, b2)
    return a1, a1, p


@forward.misconception(
    "`np.max(z1, 0)` is the largest entry of each column: the 0 is taken for an axis. ReLU compares every entry "
    "with 0: `np.maximum(z1, 0)`."
)
def max_for_maximum(X, w1, b1, w2, b2):
    return forward_with(X, w1, b1, w2, b2, relu=lambda z: np.max(z, 0))


@forward.misconception("The softmax is applied twice, which flattens the probabilities. Once is enough.")
def softmax_of_the_softmax(X, w1, b1, w2, b2):
    return forward_with(X, w1, b1, w2, b2, softmax=lambda z: row_softmax(row_softmax(z)))


@forward.alternative
def mask_times_values(X, w1, b1, w2, b2):
    hidden = np.dot(X, w1) + b1[None, :]
    active = hidden * (hidden > 0)
    scores = np.einsum("ih,hk->ik", active, w2) + b2
    log_p = scores - np.logaddexp.reduce(scores, axis=1)[:, None]
    return hidden, active, np.exp(log_p)


@forward.alternative
def one_row_after_the_other(X, w1, b1, w2, b2):
    z1 = np.array([x @ w1 + b1 for x in X])
    a1 = np.where(z1 > 0, z1, 0)
    p = []
    for a in a1:
        e = np.exp(a @ w2 + b2 - max(a @ w2 + b2))
        p.append(e / sum(e))
    return [z1, a1, np.array(p)]


# ---------------------------------------------------------------------------------------------------------
# mlp_backward


def mlp_backward(X, y, z1, a1, p, w2):
    dz2 = p.copy()
    dz2[np.arange(len(y)), y] -= 1
    dz2 /= len(y)
    dw2 = a1.T @ dz2
    db2 = dz2.sum(axis=0)
    dz1 = (dz2 @ w2.T) * (z1 > 0)
    dw1 = X.T @ dz1
    db1 = dz1.sum(axis=0)
    return dw1, db1, dw2, db2


def backward_cases(rng):
    def state(part, m, n, h, k, zeros=0):
        X, z1, w2 = (rng.normal(size=shape).round(2) for shape in ((m, n), (m, h), (h, k)))
        z1.flat[rng.permutation(z1.size)[:zeros]] = 0.0  # a unit exactly at its kink is off
        p = row_softmax(rng.normal(size=(m, k)).round(1))
        return case(part, X, rng.integers(0, k, m), z1, np.maximum(z1, 0), p, w2)

    for sizes in [(2, 2, 3, 3), (4, 3, 2, 4), (5, 2, 4, 3)]:
        yield state("the output layer", *sizes)
    X, y, *rest = state("the output layer", 3, 2, 2, 4).args
    yield case("the output layer", X, 1 + y % 2, *rest)  # the last class does not occur
    for sizes in [(2, 2, 3, 3), (4, 3, 5, 4), (6, 5, 3, 2)]:
        yield state("the hidden layer", *sizes)
    yield state("the hidden layer", 3, 2, 3, 3, zeros=3)
    yield state("the hidden layer", 1, 3, 3, 2, zeros=1)
    yield state("the hidden layer", 3, 1, 1, 2)


def observe_backward(call, case):
    """Look at the output layer alone first: it is worth points by itself."""
    result = call(*case.args, **case.kwargs)
    if not isinstance(result, tuple | list) or len(result) != 4:
        raise ContractError(f"The function should return `dw1, db1, dw2, db2`, but returned {describe(result)}.")
    dw1, db1, dw2, db2 = result
    output = {"dw2": dw2, "db2": db2}
    return output if case.part == "the output layer" else output | {"dw1": dw1, "db1": db1}


backward = Exercise(
    mlp_backward,
    parts={"the output layer": 2, "the hidden layer": 2},
    cases=backward_cases,
    observe=observe_backward,
    allows=Allows(real=("X", "w2"), start="the hidden layer"),
    equivalent={
        "name: y → X": "as long as y",
        "name: y → z1": "as long as y",
        "name: y → a1": "as long as y",
        "name: y → p": "as long as y",
        "name: y → dz2": "as long as y",
        "name: z1 → a1": "a1 is positive where z1 is",
        "size: len(y) → y.shape[-1]": "y has one axis",
        "size: len(y) → y.size": "y has one axis",
    },
    hints=(
        "Go backwards: dz2 (m, k) first. From it dw2 and db2. Then one layer down: dz1 (m, h), and from it dw1 "
        "and db1 in the same way.",
        "A sum over examples is a product with a transposed matrix on the left; a sum over classes is one with w2 "
        "transposed on the right. The mask says where z1 was positive. Let the shapes guide you.",
        "`dz2 = p.copy()`; subtract 1 at `[np.arange(m), y]`; divide by m. `dw2 = a1.T @ dz2`. Then `dz1 = (dz2 @ "
        "w2.T) * (z1 > 0)`, and dw1 from X and dz1 likewise.",
    ),
    explain="which of the arrays that the forward pass computed does the backward pass need, and what for?",
)


def output_error(y, p):
    """Compute the derivative of the mean cross-entropy with respect to the scores."""
    return (p - np.eye(p.shape[1])[y]) / len(y)


def backward_with(X, y, z1, a1, p, w2, *, dz2=None, gate=None):
    """Compute the right gradients with one piece replaced."""
    dz2 = output_error(y, p) if dz2 is None else dz2
    da1 = dz2 @ w2.T
    dz1 = da1 * (z1 > 0) if gate is None else gate(da1)
    return X.T @ dz1, dz1.sum(axis=0), a1.T @ dz2, dz2.sum(axis=0)


@backward.misconception(
    "The ReLU is missing on the way back: units that were off (z1 ≤ 0) pass no gradient on. Multiply by the mask "
    "z1 > 0. (And mind: `a1 >= 0` is always true.)"
)
def no_mask(X, y, z1, a1, p, w2):
    return backward_with(X, y, z1, a1, p, w2, gate=lambda da1: da1)


@backward.misconception(
    "The mask is taken from the gradient that comes back (da1 > 0). What counts is whether the unit was on in the "
    "*forward* pass: z1 > 0. A gradient may well be negative."
)
def mask_from_the_gradient(X, y, z1, a1, p, w2):
    return backward_with(X, y, z1, a1, p, w2, gate=lambda da1: np.maximum(da1, 0))


@backward.misconception(
    "You multiply by a1, the value. The *derivative* of ReLU is 1 where z1 is positive and 0 elsewhere."
)
def times_the_value(X, y, z1, a1, p, w2):
    return backward_with(X, y, z1, a1, p, w2, gate=lambda da1: da1 * a1)


@backward.misconception(
    "a(1 − a) is the derivative of the sigmoid. The hidden units are ReLUs: their derivative is 1 or 0."
)
def derivative_of_a_sigmoid(X, y, z1, a1, p, w2):
    return backward_with(X, y, z1, a1, p, w2, gate=lambda da1: da1 * a1 * (1 - a1))


@backward.misconception(
    "`dz2[:, y] -= 1` subtracts from the columns y in *every* row. Pair each row with its own class: "
    "`dz2[np.arange(m), y] -= 1`."
)
def columns_for_pairs(X, y, z1, a1, p, w2):
    dz2 = p.copy()
    dz2[:, y] -= 1
    return backward_with(X, y, z1, a1, p, w2, dz2=dz2 / len(y))


@backward.misconception(
    "You subtract the class *number* from the probabilities. What is subtracted is 1, at the position of the "
    "class."
)
def number_for_one_hot(X, y, z1, a1, p, w2):
    return backward_with(X, y, z1, a1, p, w2, dz2=(p - y[:, None]) / len(y))


@backward.misconception(
    "p − y is already the derivative with respect to the scores, softmax included. The factor p(1 − p) is one "
    "derivative too many."
)
def softmax_derived_twice(X, y, z1, a1, p, w2):
    return backward_with(X, y, z1, a1, p, w2, dz2=output_error(y, p) * p * (1 - p))


@backward.misconception(
    "Only the right class gets an error. The others have one, too: their probability p, which pushes their scores "
    "down. dz2 = (p − one-hot y)/m, in all columns."
)
def error_of_the_right_class_only(X, y, z1, a1, p, w2):
    return backward_with(X, y, z1, a1, p, w2, dz2=output_error(y, p) * np.eye(p.shape[1])[y])


@backward.misconception(
    "db1 is summed before the mask: units that were off get a share in it. Sum dz1, after the ReLU."
)
def bias_before_the_mask(X, y, z1, a1, p, w2):
    dw1, _, dw2, db2 = mlp_backward(X, y, z1, a1, p, w2)
    return dw1, (output_error(y, p) @ w2.T).sum(axis=0), dw2, db2


@backward.alternative
def with_one_hot_rows(X, y, z1, a1, p, w2):
    m, k = p.shape
    Y = np.eye(k)[y]
    delta = (p - Y) / m
    hidden = np.where(a1 > 0, np.dot(delta, w2.T), 0)
    return np.dot(X.T, hidden), np.sum(hidden, 0), np.dot(a1.T, delta), np.sum(delta, 0)


@backward.alternative
def each_example_alone(X, y, z1, a1, p, w2):
    dw1, db1 = np.zeros((X.shape[1], len(w2))), np.zeros(len(w2))
    dw2, db2 = np.zeros(w2.shape), np.zeros(w2.shape[1])
    for i in range(len(X)):
        d2 = p[i] - (np.arange(p.shape[1]) == y[i])
        d1 = (w2 @ d2) * (z1[i] > 0)
        dw1 += np.outer(X[i], d1)
        db1 += d1
        dw2 += np.outer(a1[i], d2)
        db2 += d2
    return [part / len(X) for part in (dw1, db1, dw2, db2)]


@backward.alternative
def divided_at_the_end(X, y, z1, a1, p, w2):
    e2 = p - (y[:, None] == np.arange(p.shape[1]))
    e1 = np.einsum("ic,ac->ia", e2, w2)
    e1[z1 <= 0] = 0
    m = len(X)
    return X.T @ e1 / m, e1.mean(axis=0), a1.T @ e2 / m, e2.mean(axis=0)


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims and quiz

prediction_logistic_xor = Prediction(
    "prediction_logistic_xor",
    answer="fc49bea32c43b0cb",
    wrong={
        "a": (
            "That is the best that a line can do for the *accuracy*, but the loss punishes a confident mistake "
            "hard: three good answers do not pay for one terrible one."
        ),
        "c": (
            "The loss is convex, with a single minimum, and the rate is small enough: gradient descent settles "
            "down."
        ),
    },
    right=(
        "All four end at one half. The loss is convex and its gradient vanishes at w = 0, b = 0, so this is the "
        "minimum: the best that a straight line can say about XOR is nothing."
    ),
)

prediction_perceptron_xor = Prediction(
    "prediction_perceptron_xor",
    answer="8b28dc164f43f1e7",
    wrong={
        "a": (
            "It stops only after a pass without a mistake, and with three of four right there is one mistake in "
            "every pass."
        ),
        "b": (
            "They do pass through 0 again and again, but they do not shrink: each update is as long as the "
            "example."
        ),
        "c": "A mistake lengthens the weights only a little, and here the four updates of a pass even cancel.",
    },
    right=(
        "Four mistakes in the first pass, whose updates cancel: w and b are back at 0, and the next pass must "
        "repeat it, for ever. (In general the weights stay bounded: the perceptron cycling theorem.)"
    ),
)

prediction_depth = Prediction(
    "prediction_depth",
    answer="e85b504414a40402",
    wrong={
        "a": (
            "That is what the notes saw in one run. In sixty, each depth at its best rate, it is the other way "
            "round for sigmoid units."
        ),
        "b": (
            "About as many is what ReLU units need. A sigmoid's slope is at most 1/4, and the gradient is "
            "multiplied by it (and by the weights) in each layer on its way back."
        ),
    },
    right=(
        "Some twenty times as many, and a third of the four-layer networks need more than the 3,000 steps: the "
        "sigmoids' small slopes let little of the gradient through to the first layers."
    ),
)

claim_mle_overfits = Quiz(
    "claim_mle_overfits",
    answer="027f6a93bde1cfaf",
    wrong={
        "true": (
            "It does always fit the data that it has seen at least as well as the truth does. But over-fitting is "
            "measured on new data: look at the rows of 100 and of 3,000 tosses."
        ),
    },
    also={
        "depends": (
            "On how much data there is for each parameter, indeed: with three tosses it is often certain and "
            "infinitely wrong, with 3,000 it is within a few ten-thousandths of the best. But the sentence says "
            "*always*, and the last two rows refute it: by the course's rule it is false."
        ),
    },
    right=(
        "*Always* is refuted by the last two rows: with 100 tosses the loss on new data is 0.005 above the "
        "best, with 3,000 a few ten-thousandths. It does over-fit where data are few: three tosses often make "
        "it certain, and infinitely wrong. What decides is how much data there is for each parameter; the "
        "excess shrinks like 1/m."
    ),
)

claim_xor_half = Quiz(
    "claim_xor_half",
    answer="52f9ab5834dc718f",
    wrong={
        "true": "Look at the line with 3 of 4 in the table, or at OR's line in section 1.",
        "depends": "The claim says *at most*, for any line. One line with three right is enough to settle it.",
    },
    right=(
        "Three of four are possible, with OR's line for instance; four are not. The 0.5 of the notes was a tie: "
        "all probabilities exactly one half."
    ),
)

claim_larger_loss = Quiz(
    "claim_larger_loss",
    answer="b1ae7d74eba253a3",
    wrong={
        "true": (
            "For the cross-entropy, yes. Look at the left end of the other curve: the loss is at its largest, "
            "and the gradient?"
        ),
        "false": (
            "Look at the curve of the cross-entropy: there the gradient does grow with the loss. What is "
            "different with the other?"
        ),
    },
    right=(
        "It depends on the loss. With the cross-entropy the gradient is p − 1, so it grows with the loss. With "
        "the squared error after a sigmoid the slope p(1 − p) comes in, and an example that is hopelessly wrong "
        "gets hardly any correction. That is the practical reason for the cross-entropy."
    ),
)

claim_deeper_faster = Quiz(
    "claim_deeper_faster",
    answer="f47fe34b95eb7bae",
    wrong={
        "true": "Look at the sigmoid units: which depth was faster there, and by how much?",
    },
    also={
        "false": (
            "For it: at their own best rates, depth gained nothing that one could see, with either kind of unit. "
            "Against it: with ReLU at the common rate 0.2 the deep network did need fewer steps, so it depends on "
            "the units and on how the rates are chosen."
        ),
    },
    right=(
        "It depends on the units, on the start, and on how the rates were chosen. With sigmoids depth costs a "
        "factor of twenty; with ReLU at the best rates there is hardly a difference; at one common rate the deep "
        "network may look nearly three times as fast."
    ),
)

claim_anywhere = Quiz(
    "claim_anywhere",
    answer="804d8f7d9a902bb3",
    wrong={
        "true": "Look at the accuracy after a move by a single pixel, and by two.",
        "depends": (
            "*Wherever it is* leaves no room for conditions, and both networks that you measured lost half of "
            "their accuracy by one pixel."
        ),
    },
    right=(
        "One pixel costs half of the accuracy, two leave no more than guessing. Each pixel has its own "
        "weights, and what was learnt at one place is not known at the next. Convolutional networks share the "
        "weights between places: that is why they were invented."
    ),
)

quiz_no_relu_networks = Quiz(
    "quiz_no_relu_networks",
    answer="b7620af78d179489",
    wrong={
        "b": "Multiply it out: what is (X W₁ + b₁) W₂ + b₂ as a function of X?",
        "c": "No number of steps helps if no weights exist that solve it. Multiply the two layers out.",
        "d": "Its gradient is not 0 in general. It learns, but only what a linear score can express.",
    },
    right=(
        "(X W₁ + b₁) W₂ + b₂ = X (W₁W₂) + (b₁W₂ + b₂): a single linear layer with other names. Without a bend "
        "between them, a thousand layers are one."
    ),
)

quiz_mask_networks = Quiz(
    "quiz_mask_networks",
    answer="488201f03e4cade0",
    wrong={
        "a": "That mask looks at the sign of the gradient. It is the sign of Z₁ that says which unit was on.",
        "b": "The second unit was on (Z₁ = 2), so its gradient passes, although it is negative.",
        "c": "That multiplies by Z₁. The slope of ReLU is 1 where Z₁ > 0 and 0 elsewhere.",
    },
    right=(
        "The first unit was off and passes nothing; the second was on and passes its gradient unchanged, sign "
        "included."
    ),
)

quiz_zero_start_networks = Quiz(
    "quiz_zero_start_networks",
    answer="760f78b8214e518d",
    wrong={
        "a": "Compute the first backward pass: what are A₁ and W₂, and what do they multiply?",
        "b": (
            "That happens if all weights start at one and the same number *other than 0*. With zeros, compute "
            "dW₂ = A₁ᵀ dZ₂ and dZ₁ = dZ₂ W₂ᵀ."
        ),
        "d": "dZ₁ = dZ₂ W₂ᵀ is 0 as long as W₂ is 0.",
    },
    right=(
        "A₁ = 0 makes dW₂ = 0, W₂ = 0 makes dZ₁ = 0 and with it dW₁ and db₁, and db₂ = 0 because the classes are "
        "balanced. It sits on a saddle for ever. Random weights break the tie."
    ),
)

quiz_parameters_networks = Quiz(
    "quiz_parameters_networks",
    answer="390418ab97cf6d57",
    wrong={
        "a": "The biases are missing: 100 for the hidden units and 10 for the classes.",
        "c": (
            "You counted a bias for each of the 784 inputs in place of the 100 hidden units. Inputs are data, "
            "they have no bias."
        ),
        "d": "That multiplies all three sizes. Each layer has its own matrix: 784 · 100, and 100 · 10.",
    },
    right=(
        "784 · 100 + 100 weights and biases in the first layer, 100 · 10 + 10 in the second: 78,500 + 1,010 = "
        "79,510."
    ),
)
