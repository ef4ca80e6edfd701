"""Week 07, learning-rate decay: the exercises with their cases, misconceptions and hints."""

import math

import numpy as np

from course_lib.exercises import Allows, Exercise, Prediction, Quiz, case

# ---------------------------------------------------------------------------------------------------------
# sgd_steady_state_variance


def sgd_steady_state_variance(lr, *, curvature, noise_variance):
    margin = np.maximum(2 - lr * curvature, 0)
    with np.errstate(divide="ignore"):
        return lr * noise_variance / (curvature * margin)


def variance_cases(rng):
    def number(low, high):
        return round(rng.uniform(low, high), 3)

    def valley(part, product):
        curvature = number(1.2, 9)
        return case(part, product / curvature, curvature=curvature, noise_variance=number(2, 6))

    for product in (0.01, number(0.1, 0.4), number(0.5, 0.9), number(1.1, 1.4), number(1.6, 1.8), 1.99):
        yield valley("where it settles", product)
    yield case("where it settles", number(0.05, 0.2), curvature=number(0.1, 0.5), noise_variance=number(0.01, 0.5))
    for product in (2.001, number(2.2, 3), number(10, 100)):
        yield valley("where it does not", product)
    yield case("where it does not", 0.5, curvature=4.0, noise_variance=number(2, 6))  # exactly on the edge
    noise = number(0.5, 4)
    yield case("arrays", rng.uniform(0.01, 0.35, 5).round(3), curvature=number(2, 5), noise_variance=noise)
    yield case("arrays", number(0.1, 0.3), curvature=rng.uniform(0.5, 6, (2, 3)).round(3), noise_variance=noise)
    yield case("arrays", np.array([0.25, 0.5, 0.75]), curvature=4.0, noise_variance=noise)
    yield case("arrays", number(0.1, 0.3), curvature=np.array([1, 3, 40]), noise_variance=noise)  # whole numbers
    yield case("arrays", np.array([1, 2, 3]), curvature=round(rng.uniform(0.7, 0.9), 3), noise_variance=noise)
    rates, curvatures = rng.uniform(0.01, 1, (3, 1)).round(3), rng.uniform(0.5, 3, 4).round(3)
    yield case("arrays", rates, curvature=curvatures, noise_variance=rng.uniform(0.5, 3, 4).round(3))


variance = Exercise(
    sgd_steady_state_variance,
    parts={"where it settles": 1, "where it does not": 1, "arrays": 1},
    cases=variance_cases,
    allows=Allows(alike=("lr",), start="arrays"),
    hints=(
        "At rest, one more update leaves the variance as it was. Put V for both V_t and V_{t+1} in the recursion.",
        "Solve for V; 1 − (1 − αλ)² has the factors αλ and 2 − αλ. Then ask what it means when the second of "
        "them is zero or negative.",
        "The denominator is `curvature * np.maximum(2 - lr * curvature, 0)`. Make that 0 a NumPy number, so that "
        "dividing by it gives inf, and silence the warning with `np.errstate(divide='ignore')`.",
    ),
    explain="why does nothing settle once lr · curvature reaches 2?",
    equivalent={
        "keyword dropped: np.errstate(divide='ignore') → np.errstate()": "only a warning comes",
    },
)


def settled(lr, curvature, noise_variance, *, scale=1.0, edge=2.0, beyond=np.inf):
    """Compute the right answer with one piece replaced."""
    product = lr * curvature
    with np.errstate(divide="ignore", invalid="ignore"):
        value = scale * lr * noise_variance / (curvature * np.asarray(2 - product, dtype=float))
    return np.where(product < edge, value, beyond)[()]


@variance.misconception(
    "That is lr σ² / (2 λ), the limit for tiny rates. Good as a rule of thumb; asked is the exact value: keep"
    " the term (αλ)² of (1 − αλ)²."
)
def small_rates_only(lr, *, curvature, noise_variance):
    return lr * noise_variance / (2 * curvature)


@variance.misconception(
    "Past the edge your formula gives a negative variance. It solves the equation, but from lr · curvature = "
    "2 on no run ever gets there: return infinity."
)
def negative_past_the_edge(lr, *, curvature, noise_variance):
    with np.errstate(divide="ignore"):
        return lr * noise_variance / (curvature * (2 - lr * curvature))


@variance.misconception(
    "That is how far the loss hovers above its minimum, λ/2 times the variance. Asked is the variance of w itself."
)
def the_loss(lr, *, curvature, noise_variance):
    return settled(lr, curvature, noise_variance, scale=curvature / 2)


@variance.misconception(
    "The old variance enters with the factor (1 − αλ)², since variances scale with squares. You have 1 − αλ."
)
def contraction_not_squared(lr, *, curvature, noise_variance):
    return np.where(lr * curvature < 2, lr * noise_variance / curvature, np.inf)[()]


@variance.misconception(
    "You give up at lr · curvature = 1. Between 1 and 2 the steps overshoot and w changes sides, but |1 − αλ| is "
    "still below 1: it settles."
)
def edge_at_one(lr, *, curvature, noise_variance):
    return settled(lr, curvature, noise_variance, edge=1.0)


@variance.misconception(
    "Past the edge you return 0, the best value there is. The run diverges there: return infinity."
)
def zero_past_the_edge(lr, *, curvature, noise_variance):
    return settled(lr, curvature, noise_variance, beyond=0.0)


@variance.misconception(
    "Brackets: `a / b * c` is (a / b) · c. The whole of `curvature * (2 - lr * curvature)` belongs below the line."
)
def brackets_missing(lr, *, curvature, noise_variance):
    return np.where(lr * curvature < 2, lr * noise_variance / curvature * (2 - lr * curvature), np.inf)[()]


@variance.alternative
def from_the_recursion(lr, *, curvature, noise_variance):
    shrink = np.square(1 - np.asarray(lr * curvature))
    with np.errstate(divide="ignore"):
        return np.where(shrink < 1, np.square(lr) * noise_variance / np.abs(1 - shrink), np.inf)


@variance.alternative
def with_a_mask(lr, *, curvature, noise_variance):
    lr, curvature, noise_variance = np.broadcast_arrays(lr, curvature, noise_variance)
    result = np.full(lr.shape, np.inf)
    good = lr * curvature < 2
    a, c, n = lr[good], curvature[good], noise_variance[good]
    result[good] = a * n / (c * (2 - a * c))
    return result


@variance.alternative
def one_number_after_another(lr, *, curvature, noise_variance):
    def single(a, c, n):
        return a * n / (c * (2 - a * c)) if a * c < 2 else math.inf

    return np.vectorize(single, otypes=[float])(lr, curvature, noise_variance)


# ---------------------------------------------------------------------------------------------------------
# inverse_time_decay


def inverse_time_decay(t, *, lr0, decay_rate, steps_per_epoch):
    epoch = (t - 1) // steps_per_epoch
    return lr0 / (1 + decay_rate * epoch)


def inside_an_epoch(rng, length):
    """Return a step that is neither among the first two nor the last two of its epoch, in the epochs from 2 on."""
    return int(rng.integers(2, 12)) * length + int(rng.integers(3, length - 1))


def two_halves(rng, length):
    """Return one step early and one late in an epoch, for those who round instead of cutting off."""
    epoch = int(rng.integers(2, 9))
    return [epoch * length + 3, (epoch + 1) * length - 2]


def inverse_cases(rng):
    def options(length):
        return {
            "lr0": round(rng.uniform(0.05, 2), 3),
            "decay_rate": round(rng.uniform(0.2, 2.5), 2),
            "steps_per_epoch": length,
        }

    length = int(rng.integers(8, 30))
    for t in [inside_an_epoch(rng, length), *two_halves(rng, length), 23 * 5 + 11, 3]:
        yield case("inside an epoch", t, **options(length))
    for t in (1, length, length + 1, 4 * length, 4 * length + 1):
        yield case("first and last steps", t, **options(length))
    yield case("first and last steps", int(rng.integers(5, 20)), **options(1))
    yield case("arrays", np.arange(1, 13), **options(4))
    yield case("arrays", rng.integers(1, 500, (2, 3)), **options(length))


inverse = Exercise(
    inverse_time_decay,
    parts={"inside an epoch": 1, "first and last steps": 1, "arrays": 1},
    cases=inverse_cases,
    allows=Allows(
        alike=("t",),
        ends={"t": (1, 100_000), "decay_rate": (0.0,), "steps_per_epoch": (1, 1000)},
        start="arrays",
    ),
    hints=(
        "First find the epoch that step t belongs to, counted from 0. With 10 steps an epoch: t = 1 … 10 are "
        "epoch 0, t = 11 … 20 are epoch 1. Then use the formula.",
        "The number of complete epochs before step t: t − 1 steps are done by then, divided by steps_per_epoch, "
        "without the rest.",
        "`//` divides and cuts off, for numbers and for arrays: `(t - 1) // …`. Then one line with the formula, "
        "from lr0 and not from the last rate.",
    ),
    explain="why t − 1, and not t, in the count of epochs?",
)


def inverse_at(epoch, lr0, decay_rate):
    return lr0 / (1 + decay_rate * epoch)


@inverse.misconception(
    "The last step of every epoch already gets the next epoch's rate: step t comes after t − 1 finished "
    "steps. Count epochs from t − 1."
)
def last_step_belongs_to_the_next(t, *, lr0, decay_rate, steps_per_epoch):
    return inverse_at(t // steps_per_epoch, lr0, decay_rate)


@inverse.misconception(
    "You put the iteration where the formula has the epoch, so the rate falls steps_per_epoch times too fast."
    " Turn t into an epoch first."
)
def iteration_for_epoch(t, *, lr0, decay_rate, steps_per_epoch):
    return inverse_at(t - 1, lr0, decay_rate)


@inverse.misconception(
    "Your first epoch is number 1, so even the first step does not train at lr0. Here epochs count from 0. (Some "
    "lectures do count from 1.)"
)
def epochs_from_one(t, *, lr0, decay_rate, steps_per_epoch):
    return inverse_at((t - 1) // steps_per_epoch + 1, lr0, decay_rate)


@inverse.misconception(
    "Your rate falls within an epoch too, as fractions of an epoch count. That is legitimate elsewhere (Keras's "
    "default); here the rate waits for the next epoch: cut the fraction off."
)
def fractions_of_an_epoch(t, *, lr0, decay_rate, steps_per_epoch):
    return inverse_at((t - 1) / steps_per_epoch, lr0, decay_rate)


@inverse.misconception(
    "You decay the rate that is already decayed: dividing by 1 + decay_rate · epoch in every epoch piles up. The "
    "formula always starts from lr0."
)
def decays_the_decayed(t, *, lr0, decay_rate, steps_per_epoch):
    epoch = (t - 1) // steps_per_epoch
    piled_up = np.cumprod(1 + decay_rate * np.arange(np.max(epoch) + 1))
    return lr0 / piled_up[epoch]


@inverse.misconception(
    "Your loop decays the rate that is already decayed, and it serves single numbers only. No loop is needed:"
    " the formula starts from lr0 each time."
)
def decays_the_decayed_in_a_loop(t, *, lr0, decay_rate, steps_per_epoch):
    lr = lr0
    for epoch in range(1, (t - 1) // steps_per_epoch + 1):
        lr = lr / (1 + decay_rate * epoch)
    return lr


@inverse.misconception(
    "You divide by 1 + decay_rate once per epoch. That is exponential decay with the factor 1 / (1 + "
    "decay_rate); here the epoch multiplies decay_rate."
)
def divided_once_per_epoch(t, *, lr0, decay_rate, steps_per_epoch):
    return lr0 / (1 + decay_rate) ** ((t - 1) // steps_per_epoch)


@inverse.misconception(
    "Your rate falls along a straight line and becomes negative: you multiply by 1 − decay_rate · epoch. "
    "Divide by 1 + decay_rate · epoch."
)
def straight_line(t, *, lr0, decay_rate, steps_per_epoch):
    return lr0 * (1 - decay_rate * ((t - 1) // steps_per_epoch))


@inverse.alternative
def by_floor(t, *, lr0, decay_rate, steps_per_epoch):
    return lr0 / (decay_rate * np.floor((t - 1) / steps_per_epoch) + 1)


@inverse.alternative
def by_ceiling(t, *, lr0, decay_rate, steps_per_epoch):
    return 1 / (1 / lr0 + decay_rate / lr0 * (np.ceil(np.asarray(t) / steps_per_epoch) - 1))


@inverse.alternative
def one_step_after_another(t, *, lr0, decay_rate, steps_per_epoch):
    if np.ndim(t):
        several = [
            one_step_after_another(int(s), lr0=lr0, decay_rate=decay_rate, steps_per_epoch=steps_per_epoch)
            for s in t.flat
        ]
        return np.array(several).reshape(t.shape)
    epoch, _ = divmod(t - 1, steps_per_epoch)
    return lr0 / (1 + decay_rate * epoch)


# ---------------------------------------------------------------------------------------------------------
# exponential_decay


def exponential_decay(t, *, lr0, factor, steps_per_epoch):
    return lr0 * factor ** ((t - 1) / steps_per_epoch)


def exponential_cases(rng):
    def options(length):
        return {
            "lr0": round(rng.uniform(0.05, 3), 3),
            "factor": round(rng.uniform(0.6, 0.93), 3),
            "steps_per_epoch": length,
        }

    length = int(rng.integers(8, 30))
    steps = [1, 2, length, length + 1, 3 * length + 1, inside_an_epoch(rng, length), *two_halves(rng, length)]
    for t in steps:
        yield case("single steps", t, **options(length))
    yield case("single steps", int(rng.integers(3, 12)), **options(1))
    yield case("arrays", np.arange(1, 10), **options(4))
    yield case("arrays", rng.integers(1, 200, (2, 3)), **options(length))


exponential = Exercise(
    exponential_decay,
    parts={"single steps": 1, "arrays": 1},
    cases=exponential_cases,
    allows=Allows(alike=("t",), ends={"t": (1, 1000), "steps_per_epoch": (1, 1000)}, start="arrays"),
    hints=(
        "Check two steps by hand, with 10 steps an epoch: t = 1 has the rate lr0, and t = 11, one epoch "
        "later, has factor · lr0. What about t = 6, half-way?",
        "The exponent is the number of epochs passed before step t, and it may be a fraction: half an epoch "
        "after the start it is 0.5.",
        "The exponent is `(t - 1) / steps_per_epoch`, with `/`. Python's `**` takes fractions and arrays.",
    ),
    explain="by which factor does the rate fall from one step to the next?",
)


@exponential.misconception(
    "Your rate waits for the next epoch. That staircase is legitimate elsewhere (PyTorch's ExponentialLR); "
    "here it falls a little at every step: divide with `/`."
)
def waits_for_the_epoch(t, *, lr0, factor, steps_per_epoch):
    return lr0 * factor ** ((t - 1) // steps_per_epoch)


@exponential.misconception(
    "You multiply by factor at every step. It is the factor of a whole epoch: the exponent counts epochs, and "
    "fractions of one."
)
def factor_per_step(t, *, lr0, factor, steps_per_epoch):
    return lr0 * factor ** np.asarray(t - 1, dtype=float)[()]


@exponential.misconception(
    "The first step should have exactly lr0, but yours has decayed already: before step t only t − 1 steps "
    "are done."
)
def counts_from_t(t, *, lr0, factor, steps_per_epoch):
    return lr0 * factor ** (t / steps_per_epoch)


@exponential.misconception(
    "You decay with exp(−factor · epoch). Here the base is factor itself: after one epoch the rate is factor "
    "· lr0."
)
def base_e(t, *, lr0, factor, steps_per_epoch):
    return lr0 * np.exp(-factor * (t - 1) / steps_per_epoch)


@exponential.misconception(
    "exp(−(1 − factor) · epoch) is close for factors near 1, as ln f ≈ f − 1 there, but not the same. Raise the "
    "factor itself to the power."
)
def nearly_the_logarithm(t, *, lr0, factor, steps_per_epoch):
    return lr0 * np.exp(-(1 - factor) * (t - 1) / steps_per_epoch)


@exponential.misconception(
    "You raise lr0 to the power as well. Only the factor is: `lr0 * factor ** …`; the power binds first."
)
def power_of_the_product(t, *, lr0, factor, steps_per_epoch):
    return (lr0 * factor) ** ((t - 1) / steps_per_epoch)


@exponential.misconception(
    "You decay the rate that is already decayed: factor ** epoch at every step piles up to a far larger "
    "exponent. The formula always starts from lr0."
)
def powers_pile_up(t, *, lr0, factor, steps_per_epoch):
    return lr0 * factor ** (t * (t - 1) / 2 / steps_per_epoch)


@exponential.alternative
def by_the_logarithm(t, *, lr0, factor, steps_per_epoch):
    return np.exp(np.log(lr0) + np.log(factor) * (t - 1) / steps_per_epoch)


@exponential.alternative
def factor_of_a_step(t, *, lr0, factor, steps_per_epoch):
    per_step = factor ** (1 / steps_per_epoch)
    return lr0 / per_step * np.power(per_step, np.asarray(t))


# ---------------------------------------------------------------------------------------------------------
# sqrt_decay


def sqrt_decay(t, *, k, steps_per_epoch):
    epoch = (t - 1) // steps_per_epoch + 1
    return k / np.sqrt(epoch)


def sqrt_cases(rng):
    def options(length):
        return {"k": round(rng.uniform(0.05, 3), 3), "steps_per_epoch": length}

    length = int(rng.integers(8, 30))
    for t in [inside_an_epoch(rng, length), *two_halves(rng, length), 3, length // 2 + 1]:
        yield case("inside an epoch", t, **options(length))
    for t in (1, length, length + 1, 4 * length, 4 * length + 1):
        yield case("first and last steps", t, **options(length))
    yield case("first and last steps", int(rng.integers(3, 90)), **options(1))
    yield case("arrays", np.arange(1, 13), **options(4))
    yield case("arrays", rng.integers(1, 300, (2, 3)), **options(length))


root = Exercise(
    sqrt_decay,
    parts={"inside an epoch": 1, "first and last steps": 1, "arrays": 1},
    cases=sqrt_cases,
    allows=Allows(alike=("t",), ends={"t": (1, 100_000), "steps_per_epoch": (1, 1000)}, start="arrays"),
    hints=(
        "Which number must the first epoch have, so that nothing is divided by zero? And which step is the "
        "first of the second epoch?",
        "Count the complete epochs before step t, as in inverse_time_decay, and add 1. With steps_per_epoch ="
        " 1 that is t itself.",
        "`epoch = (t - 1) // … + 1`, then divide k by `np.sqrt` of it.",
    ),
    explain="what would the first epoch's rate be if epochs counted from 0?",
)


def root_at(epoch, k):
    with np.errstate(divide="ignore"):
        return k / np.sqrt(epoch)


@root.misconception("The first epoch is number 0 for you, so it divides by √0. Here epochs count from 1.")
def epochs_from_zero(t, *, k, steps_per_epoch):
    return root_at((t - 1) // steps_per_epoch, k)


@root.misconception(
    "`t // steps_per_epoch` is 0 during the first epoch, and √0 is below the line. Besides, the last step of "
    "an epoch would belong to the next. Count from t − 1, then add 1."
)
def division_by_zero(t, *, k, steps_per_epoch):
    return root_at(t // steps_per_epoch, k)


@root.misconception(
    "You keep 0 out with a maximum, so the first two epochs share one rate and all later ones are one epoch "
    "behind. Count from 1: add 1 instead."
)
def kept_out_by_a_maximum(t, *, k, steps_per_epoch):
    return root_at(np.maximum((t - 1) // steps_per_epoch, 1), k)


@root.misconception(
    "A small number under the root avoids the error but not the trouble: the first epoch's rate becomes "
    "gigantic. Count epochs from 1."
)
def tiny_number_under_the_root(t, *, k, steps_per_epoch):
    return root_at((t - 1) // steps_per_epoch + 1e-8, k)


@root.misconception(
    "You count fractions of an epoch, so the rate changes at each step, and in the first epoch it is above k."
    " Here it waits for the next epoch."
)
def fractions_under_the_root(t, *, k, steps_per_epoch):
    return root_at(t / steps_per_epoch, k)


@root.misconception(
    "You round to the nearest epoch, so the second half of each epoch gets the rate of the next. Round down, "
    "then add 1."
)
def rounded_under_the_root(t, *, k, steps_per_epoch):
    return root_at(np.round((t - 1) / steps_per_epoch) + 1, k)


@root.misconception(
    "You divide the rate that is already decayed by the next root, again and again. The formula always starts"
    " from k."
)
def roots_pile_up(t, *, k, steps_per_epoch):
    epoch = (t - 1) // steps_per_epoch
    return k / np.cumprod(np.sqrt(np.arange(1, np.max(epoch) + 2)))[epoch]


@root.alternative
def rounded_up(t, *, k, steps_per_epoch):
    return k / np.sqrt(np.ceil(np.asarray(t) / steps_per_epoch))


@root.alternative
def negative_power(t, *, k, steps_per_epoch):
    return k * ((t + steps_per_epoch - 1) // steps_per_epoch) ** -0.5


@root.alternative
def counted_on_fingers(t, *, k, steps_per_epoch):
    steps = np.asarray(t)
    starts = np.arange(1, steps.max() + 1, steps_per_epoch)
    return k / np.sqrt(np.sum(steps[..., None] >= starts, axis=-1))


# ---------------------------------------------------------------------------------------------------------
# staircase_decay


def staircase_decay(epoch, *, lr0, factor, milestones):
    reached = np.searchsorted(milestones, epoch, side="right")
    return lr0 * factor**reached


def staircase_cases(rng):
    def options(milestones):
        return {
            "lr0": round(rng.uniform(0.2, 3), 3),
            "factor": round(rng.uniform(0.15, 0.6), 2),
            "milestones": milestones,
        }

    a, b, c = np.cumsum(rng.integers([10, 15, 20], [14, 19, 30])).tolist()
    for epoch in (4, a + 3, b + 3, c + 3, c + 40):
        yield case("between milestones", epoch, **options([a, b, c]))
    yield case("between milestones", 2, **options([50]))
    yield case("between milestones", 7, **options([]))
    for epoch in (0, a - 1, a, b - 1, b, c - 1, c):
        yield case("at a milestone", epoch, **options([a, b, c]))
    yield case("at a milestone", 1, **options([1, 2]))
    yield case("arrays", np.arange(8), **options([2, 5]))
    yield case("arrays", rng.integers(0, c + 20, (2, 4)), **options([a, b, c]))


stairs = Exercise(
    staircase_decay,
    parts={"between milestones": 1, "at a milestone": 1, "arrays": 1},
    cases=staircase_cases,
    allows=Allows(alike=("epoch",), ends={"epoch": (0, 1000), "milestones": ([], [1], [0, 2])}, start="arrays"),
    hints=(
        "How many milestones has the epoch reached? Take milestones [30, 60]: epochs 29, 30, 60 and 100 have "
        "reached 0, 1, 2 and 2.",
        "Every milestone reached multiplies the rate by factor once, so the factor's power is their number. "
        "Adding up comparisons, or NumPy's search in a sorted list, counts them, for arrays too.",
        "`np.searchsorted(milestones, epoch, side=…)` counts; try both sides at an epoch that *is* a "
        "milestone. Or begin with zeros in the shape of `epoch`, and add `epoch >= milestone` for each milestone.",
    ),
    explain="why is the rate computed from lr0 and a count, instead of from the last epoch's rate?",
)


def reached_at(epoch, milestones, side="right"):
    return np.searchsorted(milestones, epoch, side=side)


@stairs.misconception(
    "At the milestone itself you still use the old rate. A milestone is the first epoch with the lower rate: "
    "compare with >=."
)
def one_epoch_late(epoch, *, lr0, factor, milestones):
    return lr0 * factor ** reached_at(epoch, milestones, side="left")


@stairs.misconception(
    "Your rate falls only once, whatever the number of milestones reached (an `elif` chain in ascending order"
    " stops at the first). Count all that are reached."
)
def falls_once(epoch, *, lr0, factor, milestones):
    return lr0 * factor ** np.minimum(reached_at(epoch, milestones), 1)


@stairs.misconception(
    "From each milestone on you decay at every epoch: that piles up. Each milestone multiplies once, and the "
    "rate then stays until the next."
)
def decays_at_every_epoch(epoch, *, lr0, factor, milestones):
    passed = sum(np.maximum(np.asarray(epoch) - m + 1, 0) for m in milestones)
    return lr0 * factor ** np.asarray(passed, dtype=float)[()]


@stairs.misconception(
    "Your stairs come at multiples of the first milestone. Each of the milestones is an epoch of its own choice."
)
def multiples_of_the_first(epoch, *, lr0, factor, milestones):
    return lr0 * factor ** (epoch // milestones[0] if milestones else 0)


@stairs.misconception(
    "You take the milestones as the widths of the steps and add them up. They are epoch numbers, counted from"
    " the start of training."
)
def widths_added_up(epoch, *, lr0, factor, milestones):
    return lr0 * factor ** reached_at(epoch, np.cumsum(milestones))


@stairs.misconception(
    "You count the milestones that are still to come, so training starts low. Count those that are reached: "
    "epoch >= milestone."
)
def still_to_come(epoch, *, lr0, factor, milestones):
    return lr0 * factor ** (len(milestones) - reached_at(epoch, milestones))


@stairs.misconception(
    "You apply factor, then factor² on top, then factor³: the decayed rate is decayed by more each time. From"
    " lr0, one factor per milestone."
)
def growing_powers(epoch, *, lr0, factor, milestones):
    reached = reached_at(epoch, milestones)
    return lr0 * factor ** (reached * (reached + 1) / 2)


@stairs.misconception("Your rate never falls at the last milestone: the loop or slice stops one short.")
def last_one_forgotten(epoch, *, lr0, factor, milestones):
    return lr0 * factor ** reached_at(epoch, milestones[:-1])


@stairs.misconception(
    "Right for single epochs, but not for an array of them. Neither `if` nor one comparison of all epochs with "
    "all milestones can decide for each entry. Add up `epoch >= milestone` over the milestones, or use "
    "`np.searchsorted`."
)
def if_for_many_epochs(epoch, *, lr0, factor, milestones):
    lr = lr0
    for milestone in milestones:
        if epoch >= milestone:
            lr = lr * factor
    return lr


@stairs.alternative
def comparisons_added_up(epoch, *, lr0, factor, milestones):
    reached = np.zeros(np.shape(epoch))
    for milestone in milestones:
        reached = reached + (epoch >= milestone)
    return lr0 * factor**reached


@stairs.alternative
def where_by_where(epoch, *, lr0, factor, milestones):
    lr = np.full(np.shape(epoch), lr0)
    for milestone in milestones:
        lr = np.where(epoch >= milestone, lr * factor, lr)
    return lr


@stairs.alternative
def looked_up_in_a_table(epoch, *, lr0, factor, milestones):
    table = lr0 * np.cumprod([1.0] + [factor] * len(milestones))
    return table[np.digitize(epoch, milestones)]


# ---------------------------------------------------------------------------------------------------------
# cosine_with_warmup


def cosine_with_warmup(t, *, lr_max, lr_min, warmup, steps):
    progress = np.clip((t - warmup) / (steps - warmup), 0, 1)
    falling = lr_min + (lr_max - lr_min) * (1 + np.cos(np.pi * progress)) / 2
    return np.minimum(t / max(warmup, 1), 1) * falling


def cosine_cases(rng):
    def options(warmup, steps):
        lr_max = round(rng.uniform(0.05, 2), 3)
        lr_min = lr_max * round(rng.uniform(0.02, 0.2), 3)
        return {"lr_max": lr_max, "lr_min": lr_min, "warmup": warmup, "steps": steps}

    warmup, steps = int(rng.integers(6, 20)), int(rng.integers(60, 120))
    for t in rng.integers(warmup + 2, steps - 2, 4).tolist():
        yield case("the cosine", t, **options(warmup, steps))
    for t in (2, int(rng.integers(3, warmup))):
        yield case("the warm-up", t, **options(warmup, steps))
    yield case("the warm-up", 3, **options(7, 9))
    for t in (1, warmup, warmup + 1, steps, steps + 1, 2 * steps):
        yield case("first, last and beyond", t, **options(warmup, steps))
    for t in (1, int(rng.integers(20, 50)), steps):
        yield case("first, last and beyond", t, **options(0, steps))
    yield case("arrays", np.arange(1, 13), **options(3, 10))
    yield case("arrays", rng.integers(1, steps, (2, 3)), **options(warmup, steps))


cosine = Exercise(
    cosine_with_warmup,
    parts={"the cosine": 1, "the warm-up": 1, "first, last and beyond": 1, "arrays": 1},
    cases=cosine_cases,
    allows=Allows(alike=("t",), ends={"t": (1, 100_000), "warmup": (0, 1, 9), "lr_min": (0.0,)}, start="arrays"),
    hints=(
        "Treat the fall first. Let `progress` run from 0 at t = warmup to 1 at t = steps. What does the "
        "cosine of π · progress do on the way?",
        "(1 + cos(π · progress)) / 2 falls from 1 to 0; stretch it to go from lr_max to lr_min. Keep progress"
        " between 0 and 1 with `np.clip`: then it is at lr_max during the warm-up and at lr_min after the "
        "end. What is left is a ramp to multiply with.",
        "`progress = np.clip((t - warmup) / (steps - warmup), 0, 1)`; the ramp is `np.minimum(t / max(warmup,"
        " 1), 1)`.",
    ),
    explain="why does the warm-up not start at a rate of 0?",
    equivalent={
        "operands swapped: np.clip((t - warmup) / (steps - warmup), 0, 1) → np.clip(0, (t - warmup) / (steps - warmup), 1)": "the same three numbers: the one in the middle",
    },
)


def cosine_of(t, lr_max, lr_min, warmup, steps, *, progress=None, wave=None, before=None):
    """Compute the right answer with pieces replaced."""
    progress = np.clip((t - warmup) / (steps - warmup), 0, 1) if progress is None else progress
    wave = (1 + np.cos(np.pi * progress)) / 2 if wave is None else wave
    falling = lr_min + (lr_max - lr_min) * wave
    before = lr_max * t / max(warmup, 1) if before is None else before
    return np.where(np.asarray(t) < warmup, before, falling)[()]


@cosine.misconception(
    "Your warm-up starts at a rate of 0: the first step does not move at all, and step `warmup` is not yet at"
    " the top. Use t / warmup."
)
def starts_at_zero(t, *, lr_max, lr_min, warmup, steps):
    falling = cosine_of(t, lr_max, lr_min, warmup, steps)
    return np.where(np.asarray(t) <= warmup, lr_max * (t - 1) / max(warmup, 1), falling)[()]


@cosine.misconception(
    "Your cosine runs one step behind, so the last step is not at lr_min. Progress is 0 at t = warmup and 1 at "
    "t = steps. (PyTorch's counter does start one lower.)"
)
def one_step_behind(t, *, lr_max, lr_min, warmup, steps):
    progress = np.clip((t - 1 - warmup) / (steps - warmup), 0, 1)
    return cosine_of(t, lr_max, lr_min, warmup, steps, progress=progress)


@cosine.misconception(
    "Your cosine starts at t = 0, under the warm-up: where the ramp ends the rate jumps to a cosine that has "
    "already fallen. Start it at t = warmup."
)
def cosine_from_step_zero(t, *, lr_max, lr_min, warmup, steps):
    return cosine_of(t, lr_max, lr_min, warmup, steps, progress=np.clip(t / steps, 0, 1))


@cosine.misconception(
    "You run through a whole cosine (2π), which comes up again. Half of one, up to π, goes from the top to "
    "the bottom."
)
def whole_cosine(t, *, lr_max, lr_min, warmup, steps):
    progress = 2 * np.clip((t - warmup) / (steps - warmup), 0, 1)
    return cosine_of(t, lr_max, lr_min, warmup, steps, progress=progress)


@cosine.misconception(
    "You use a quarter of a cosine (up to π/2), which leaves the top gently but hits the bottom steeply. Half"
    " of one, raised by 1 and halved, is flat at both ends."
)
def quarter_cosine(t, *, lr_max, lr_min, warmup, steps):
    progress = np.clip((t - warmup) / (steps - warmup), 0, 1)
    return cosine_of(t, lr_max, lr_min, warmup, steps, wave=np.cos(np.pi / 2 * progress))


@cosine.misconception(
    "Your warm-up rises from lr_min. That is legitimate elsewhere; here it is proportional to t: lr_max · t /"
    " warmup."
)
def ramp_from_the_minimum(t, *, lr_max, lr_min, warmup, steps):
    before = lr_min + (lr_max - lr_min) * t / max(warmup, 1)
    return cosine_of(t, lr_max, lr_min, warmup, steps, before=before)


@cosine.misconception(
    "After the last step your cosine comes up again. Keep progress at 1 there (`np.clip`), so that the rate "
    "stays at lr_min."
)
def comes_up_again(t, *, lr_max, lr_min, warmup, steps):
    return cosine_of(t, lr_max, lr_min, warmup, steps, progress=(t - warmup) / (steps - warmup))


@cosine.alternative
def with_where(t, *, lr_max, lr_min, warmup, steps):
    progress = (np.minimum(t, steps) - warmup) / (steps - warmup)
    falling = lr_max - (lr_max - lr_min) * np.sin(np.pi / 2 * progress) ** 2
    return np.where(np.asarray(t) <= warmup, lr_max * t / (warmup or 1), falling)


@cosine.alternative
def in_pieces(t, *, lr_max, lr_min, warmup, steps):
    lr = np.full(np.shape(t), lr_min)
    t = np.asarray(t)
    rising, falling = t <= warmup, (t > warmup) & (t < steps)
    lr[rising] = lr_max * t[rising] / max(1, warmup)
    angle = np.pi * (t[falling] - warmup) / (steps - warmup)
    lr[falling] = (lr_max + lr_min) / 2 + (lr_max - lr_min) / 2 * np.cos(angle)
    return lr


@cosine.alternative
def by_interpolation(t, *, lr_max, lr_min, warmup, steps):
    table = np.arange(steps + 1.0)
    table[:warmup] *= lr_max / max(warmup, 1)
    table[warmup:] = lr_min + (lr_max - lr_min) * (1 + np.cos(np.linspace(0, np.pi, steps - warmup + 1))) / 2
    return table[np.minimum(t, steps)]


# ---------------------------------------------------------------------------------------------------------
# Questions

prediction_hovering = Prediction(
    "prediction_hovering",
    answer="167e2a6ae5b0e6ac",
    wrong={
        "a": "The noise itself stays, but each step lets in only half of it.",
        "b": "Half is what happens to the variance, the squared distance.",
        "d": (
            "A quarter is what the noise of a single step falls to (its variance). But a smaller rate also "
            "forgets old noise more slowly, so the variance of w only halves, and the distance shrinks by √2."
        ),
    },
    right=(
        "Half the rate halves the variance, so the typical distance shrinks by √2, to about 71 % (here to 69 "
        "%, as these rates are not tiny). To hover half as far out, you need a quarter of the rate."
    ),
)

prediction_total_step = Prediction(
    "prediction_total_step",
    answer="845e77726cd1a614",
    wrong={
        "a": "The rate never becomes 0, but the sum of all rates is 0.3 / (1 − 0.9) = 3.",
        "c": "There is no noise here that could keep it hovering.",
    },
    right=(
        "It is stuck at about 0.4. All rates together add up to 3, and that is all the way it can go: about "
        "e⁻³ = 5 % of the start is left (exactly, 3.8 %). A rate that falls too fast stops short of the goal,"
        " and its curve looks as flat as one that has arrived."
    ),
)

prediction_warmup = Prediction(
    "prediction_warmup",
    answer="251e966d1ddfd358",
    wrong={
        "a": "At the smaller rates both curves lie almost on top of each other.",
        "c": "Small rates are safe from the first step on; a warm-up only takes a few steps away from them.",
    },
    right=(
        "Warm-up rescues rates that are too large for the first steps. At a rate that is tuned anyway it "
        "changes little here: it widens the range of good rates, which is worth something when a run is too "
        "expensive to tune."
    ),
)

claim_decay_faster = Quiz(
    "claim_decay_faster",
    answer="4d32706fd37a829d",
    wrong={
        "true": "Look at the two rows that both start from 0.2: which of them is later at every target?",
        "false": "Look at the two rows that both start from 1.0, and at the tight targets. Name the condition.",
    },
    right=(
        "It depends on the first rate and on the target. A rate that is small already (0.2) only gets slower by "
        "falling. One that hovers too high (1.0) gains, the more the closer the target. With the best rate for "
        "each, a loose target is reached before hovering matters, so decay saves nothing; for the closest one "
        "only the falling rate arrives at all."
    ),
)

claim_adam_no_decay = Quiz(
    "claim_adam_no_decay",
    answer="b07e521bd3caa50e",
    wrong={
        "true": "Compare the two curves for Adam in section 8. Both rates were tuned.",
        "depends": (
            "“Unnecessary” says that nobody needs it: one ordinary problem on which it helps is enough against "
            "that. Did a single seed do as well without decay?"
        ),
    },
    right=(
        "Adam divides by the size of the gradients, not by the noise in its own steps: each is still about α "
        "long, so at a constant rate it hovers like SGD. In section 8 decay brought it several times closer, "
        "on every seed."
    ),
)

claim_smaller_safer = Quiz(
    "claim_smaller_safer",
    answer="a5273737c9c808d7",
    wrong={
        "true": "Look at the left end of the curve. What did the smallest rate have to show after ten epochs?",
        "depends": "The claim says always. One rate that is smaller and ends up worse is enough.",
    },
    right=(
        "Too small is as bad as too large: within a given budget the run stops far from the goal, and its "
        "smooth, falling curve gives no warning. The useful question is not how small but when."
    ),
)

claim_k_over_epoch = Quiz(
    "claim_k_over_epoch",
    answer="a1cf9b29dbcb0b38",
    wrong={"true": "What did it give for the first epoch, when epochs count from 0 as in the formula before it?"},
    also={
        "false": (
            "So it is with the counter of this week: epochs from 0, and the first one divides by zero. For "
            "“depends” speaks that the same text with epochs from 1 gives a decent schedule. A formula for a "
            "schedule is complete only when it says where its counter starts."
        ),
    },
    right=(
        "It holds if epochs are counted from 1. Counted from 0, as in α₀ / (1 + decay_rate · epoch), the "
        "first epoch divides by zero. A formula for a schedule is complete only when it says where its "
        "counter starts."
    ),
)

quiz_decay_count = Quiz(
    "quiz_decay_count",
    answer="39b7cd8613b7436f",
    wrong={
        "a": "You put the iteration in the place of the epoch.",
        "b": "46 / 23 is 2, but step 46 is the last of the second epoch, which is number 1: count from t − 1.",
        "d": "That is the rate of the first epoch, steps 1 to 23.",
    },
    right=(
        "Before step 46, 45 steps are done: ⌊45 / 23⌋ = 1 epoch is complete, so the rate is 0.2 / (1 + 1) = "
        "0.1. Step 47 is the first of the next epoch."
    ),
)

quiz_decay_batch = Quiz(
    "quiz_decay_batch",
    answer="534c9d927c3e6d9e",
    wrong={
        "a": "The batch size sits in σ², the variance of the gradient's noise.",
        "c": "Half is what happens to the typical distance; the height of the loss goes with its square.",
        "d": "The noise variance falls like 1/B, not like 1/B².",
    },
    right=(
        "The height is about α σ² / 4, and four times the examples make a quarter of σ² (week 01). So a "
        "larger batch lands lower, like a smaller rate: growing the batch is another way to decay."
    ),
)

quiz_decay_conditions = Quiz(
    "quiz_decay_conditions",
    answer="a9de8891aab5deb0",
    wrong={
        "a": "A constant rate goes as far as you like, but the noise let in, the sum of its squares, never ends.",
        "b": "All its rates add up to 0.1 / (1 − 0.95) = 2: it may stop short of the goal.",
        "c": (
            "It goes as far as you like, but the squares, 0.01 / t, still add up to infinity. (It lands all the "
            "same, only more slowly: the conditions are sufficient, not necessary.)"
        ),
    },
    right=(
        "The sum of 1/t grows without limit (like ln t) while the sum of 1/t² stays finite: far enough, and "
        "with little enough noise. That is Robbins and Monro's own example."
    ),
)

quiz_decay_flat = Quiz(
    "quiz_decay_flat",
    answer="fc3c49d648a54e8c",
    wrong={
        "b": "Arrived or frozen: both look flat. What has the rate become after 12 halvings?",
        "c": (
            "Nothing here speaks about the shape of the loss. At a rate of 1/4,096 of the first, any slope looks "
            "flat."
        ),
        "d": "Hovering needs steps large enough to hover with; these are a four-thousandth of the first ones.",
    },
    right=(
        "A flat curve at a tiny rate only says that steps are tiny: 0.5¹² is 1/4,096. Raise the rate once; if"
        " the loss goes on falling, it had been frozen."
    ),
)

quiz_decay_scheduler = Quiz(
    "quiz_decay_scheduler",
    answer="9fad589ecc54e3b7",
    wrong={
        "a": "That would be one call per epoch. Here `scheduler.step()` runs after every mini-batch.",
        "c": "Every call multiplies the rate, whether an epoch is over or not.",
        "d": "The calls multiply by 0.95 again and again; nothing is divided by their number.",
    },
    right=(
        "The scheduler counts its own calls and knows nothing of epochs: 500 calls make 0.95⁵⁰⁰, about 7 · "
        "10⁻¹². Training stops in the first epoch, without an error. Call it once per epoch, or use "
        "0.95^(1/500)."
    ),
)
