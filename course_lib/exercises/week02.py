"""Week 02, exponentially weighted averages: the exercises with their cases, misconceptions and hints."""

import math

import numpy as np
from scipy.signal import lfilter

from course_lib.averages import ema as course_ema
from course_lib.exercises import Allows, Exercise, Prediction, Quiz, case

# ---------------------------------------------------------------------------------------------------------
# ema


def ema(theta, *, beta):
    averages = np.zeros(len(theta))
    v = 0.0
    for t, value in enumerate(theta):
        v = beta * v + (1 - beta) * value
        averages[t] = v
    return averages


def random_beta(rng):
    """Return a beta that no default and no other beta of the course equals, nor its complement."""
    return round(float(rng.choice([rng.uniform(0.15, 0.45), rng.uniform(0.55, 0.85)])), 3)


RECURRENCE, ANY_LENGTH = "the recurrence", "any length, any beta"


def ema_cases(rng):
    def series(T):
        return (rng.normal(size=T) * 5 + rng.choice([-12.0, 12.0])).round(1)

    for T in (2, 4, 7):
        yield case(RECURRENCE, series(T), beta=random_beta(rng))
    yield case(RECURRENCE, series(12), beta=0.95)
    yield case(ANY_LENGTH, series(1), beta=random_beta(rng))
    yield case(ANY_LENGTH, series(1200), beta=round(rng.uniform(0.2, 0.4), 2))
    yield case(ANY_LENGTH, series(500), beta=round(rng.uniform(0.98, 0.99), 3))
    yield case("whole numbers", rng.integers(3, 30, 5), beta=random_beta(rng))


averaging = Exercise(
    ema,
    parts={RECURRENCE: 2, ANY_LENGTH: 1, "whole numbers": 1},
    cases=ema_cases,
    allows=Allows(real=("theta",), ends={"beta": (0.0, 0.999)}, part=ANY_LENGTH),
    hints=(
        "One variable remembers the average so far. What is it before the first day, and what happens to it on "
        "each day?",
        "Loop over the days. Today's average is a mixture of yesterday's average and today's value, with "
        "shares that add up to 1. Write each day's average into an array of floats.",
        "Before the loop `v = 0.0`. In it: `v = beta * v + …`, with the other share times today's value; then "
        "store v at position t.",
    ),
    explain="why do the two shares add up to 1?",
    equivalent={
        "function: np.zeros(len(theta)) → np.ones(len(theta))": "every entry is written before it is read",
        "size: len(theta) → theta.shape[-1]": "the array has one axis",
        "size: len(theta) → theta.size": "the array has one axis",
    },
)


@averaging.misconception(
    "Your average starts at the first value instead of at 0, so it keeps too much of that one day. That is "
    "legitimate elsewhere (pandas with adjust=False does it); here the contract says v_0 = 0. Week 03 compares "
    "the two."
)
def starts_at_the_first_value(theta, *, beta):
    return course_ema(theta, beta=beta, initial=theta[0])


@averaging.misconception(
    "You scale the old average and the new value both by 1 − beta. The old one is kept with the share beta."
)
def same_share_for_both(theta, *, beta):
    return lfilter([1 - beta], [1, beta - 1], theta)


@averaging.misconception(
    "You mix each value with the value of the day before, so only two days count. Mix it with the *average* of "
    "the day before: it holds all earlier days."
)
def only_two_days(theta, *, beta):
    before = np.concatenate([[0.0], theta[:-1]])
    return beta * before + (1 - beta) * theta


@averaging.misconception(
    "You divide by `1 - beta**t`. That repair of the low start is next week's; here v_t is wanted as it is."
)
def already_corrected(theta, *, beta):
    return ema(theta, beta=beta) / (1 - beta ** np.arange(1, len(theta) + 1))


@averaging.misconception(
    "Right for decimal numbers, but when theta holds whole numbers your averages are cut down to whole numbers "
    "too: `zeros_like(theta)` (or `empty_like`) copies theta's type. Make an array of floats."
)
def cut_to_integers(theta, *, beta):
    averages = np.zeros_like(theta)
    averages[:] = ema(theta, beta=beta)
    return averages


@averaging.misconception(
    "You take the plain mean of the last 1/(1 − beta) values. An exponentially weighted average is no window: "
    "every earlier value counts, with less and less weight."
)
def mean_over_a_window(theta, *, beta):
    window = max(1, round(1 / (1 - beta)))
    return np.array([np.mean(theta[max(0, t - window + 1) : t + 1]) for t in range(len(theta))])


@averaging.misconception(
    "That is the plain mean of all values so far, whatever beta is. Older values should count less and less."
)
def mean_of_all(theta, *, beta):
    return np.cumsum(theta) / np.arange(1, len(theta) + 1)


@averaging.misconception(
    "Your formula multiplies by `beta**t` and divides by `beta**i` (or the like). For a long series these "
    "powers leave the range of floating-point numbers and the result is inf or NaN. Carry the average along "
    "day by day."
)
def overflowing_closed_form(theta, *, beta):
    t = np.arange(len(theta))
    with np.errstate(all="ignore"):
        return (1 - beta) * float(beta) ** t * np.cumsum(theta / float(beta) ** t)


@averaging.misconception(
    "You go through the series from its end, so each average holds the days that come *after* it. Start with "
    "the first day."
)
def backwards(theta, *, beta):
    return ema(theta[::-1], beta=beta)[::-1]


@averaging.alternative
def as_a_correction(theta, *, beta):
    v, averages = 0, []
    for x in theta:
        v += (1 - beta) * (x - v)
        averages.append(v)
    return np.array(averages)


@averaging.alternative
def as_a_filter(theta, *, beta):
    return lfilter([1 - beta], [1, -beta], theta)


@averaging.alternative
def as_a_matrix(theta, *, beta):
    age = np.subtract.outer(np.arange(len(theta)), np.arange(len(theta)))
    return np.where(age >= 0, (1 - beta) * float(beta) ** np.maximum(age, 0), 0) @ theta


# ---------------------------------------------------------------------------------------------------------
# ema_weights


def ema_weights(t, *, beta):
    age = np.arange(t - 1, -1, -1)
    return (1 - beta) * beta**age


def weights_cases(rng):
    for t in (3, 4, 6):
        yield case("the weights", t, beta=random_beta(rng))
    yield case("the weights", 12, beta=0.95)
    yield case("one value, beta 0", 1, beta=random_beta(rng))


weighing = Exercise(
    ema_weights,
    parts={"the weights": 2, "one value, beta 0": 1},
    cases=weights_cases,
    allows=Allows(ends={"t": (2, 300), "beta": (0.0, 0.999)}),
    hints=(
        "How old is the newest value, at position t − 1? How old is the oldest, at position 0?",
        "A value comes in with weight 1 − beta, and each further day multiplies its weight by beta. So you "
        "need the ages, from the oldest to the newest.",
        "`age = np.arange(t - 1, -1, -1)` counts t − 1, …, 1, 0. Then one line with `beta**age`.",
    ),
    explain="which day has the age 0, and where does it stand in the array?",
)


@weighing.misconception(
    "The weights are in the wrong order: position 0 belongs to the oldest value theta_1, which weighs least. "
    "The newest comes last, as in theta itself."
)
def newest_first(t, *, beta):
    return ema_weights(t, beta=beta)[::-1]


@weighing.misconception(
    "Your weights are divided by their sum. That is next week's repair; in v_t as it is they add up to `1 - "
    "beta**t` only."
)
def normalised(t, *, beta):
    weights = ema_weights(t, beta=beta)
    return weights / weights.sum()


@weighing.misconception(
    "Your ages start at 1. Today's value has age 0: it enters with weight 1 − beta, not yet multiplied by beta."
)
def ages_from_one(t, *, beta):
    return (1 - beta) * float(beta) ** np.arange(t, 0, -1)


@weighing.misconception(
    "The oldest value has the weight `beta**(t - 1)`, as if the average had started at theta_1. That is "
    "legitimate elsewhere (pandas with adjust=False); here it starts at 0."
)
def started_at_the_first(t, *, beta):
    weights = ema_weights(t, beta=beta)
    weights[0] = float(beta) ** (t - 1)
    return weights


@weighing.alternative
def impulse_by_impulse(t, *, beta):
    return np.array([ema(row, beta=beta)[-1] for row in np.eye(t)])


@weighing.alternative
def grown_day_by_day(t, *, beta):
    weights = np.array([])
    for _ in range(t):
        weights = np.append(weights * beta, 1 - beta)
    return weights


@weighing.alternative
def one_by_one(t, *, beta):
    return np.array([(1 - beta) * beta ** (t - i) for i in range(1, t + 1)])


# ---------------------------------------------------------------------------------------------------------
# effective_window


def effective_window(beta, kind):
    if kind == "rule":
        return 1 / (1 - beta)
    if kind == "mean age":
        return beta / (1 - beta)
    if kind == "equal noise":
        return (1 + beta) / (1 - beta)
    return np.log(0.5) / np.log(beta)


def window_cases(rng):
    kinds = ["rule", "mean age", "equal noise", "half-life"]
    for part, kind in zip(windows_parts, kinds, strict=True):
        yield case(part, random_beta(rng), kind)
        yield case(part, round(rng.uniform(0.91, 0.97), 3), kind)
        yield case(part, np.array([random_beta(rng), 0.9, random_beta(rng)]), kind)
        yield case(part, 0.9998, kind)


windows_parts = {"the rule of thumb": 1, "mean age": 1, "equal noise": 1, "half-life": 1}

windows = Exercise(
    effective_window,
    parts=windows_parts,
    cases=window_cases,
    allows=Allows(alike=("beta",), ends={"beta": (0.003, 0.5)}, start="half-life"),
    hints=(
        "Four branches, one line each. Each of the four is an equation on the page that is nearly solved.",
        "Mean age: put the sum Σ k·beta^k into the definition; one factor cancels. Equal noise: for which N is "
        "1/N the variance factor? Half-life: take logarithms on both sides.",
        "Mean age: `(1 - beta) * beta / (1 - beta)**2`, simplified. Equal noise: one over `(1 - beta) / (1 + "
        "beta)`. Half-life: `np.log(0.5)` divided by another logarithm; np.log takes arrays, math.log does not.",
    ),
    explain="which of the four would you quote as the delay of the curve, and which as its smoothness?",
    equivalent={
        "lines swapped: if kind == 'rule': → if kind == 'mean age':": "the conditions exclude each other",
        "lines swapped: if kind == 'mean age': → if kind == 'equal noise':": "the conditions exclude each other",
    },
)


def windows_with(beta, kind, **replaced):
    """Compute the right answer, except for the kinds that are replaced (spaces and dashes as underscores)."""
    formula = replaced.get(kind.replace(" ", "_").replace("-", "_"))
    return effective_window(beta, kind) if formula is None else formula(beta)


@windows.misconception(
    "Your mean age is 1/(1 − beta): you let the newest value be one day old. Today's value has age 0."
)
def ages_counted_from_one(beta, kind):
    return windows_with(beta, kind, mean_age=lambda b: 1 / (1 - b))


@windows.misconception(
    "Your mean age is half the rule of thumb, as it would be for a plain window. Exponential weights reach "
    "further back."
)
def half_the_window(beta, kind):
    return windows_with(beta, kind, mean_age=lambda b: 1 / (1 - b) / 2)


@windows.misconception(
    "For equal noise you return the variance factor itself. The window is the N whose 1/N equals it: turn it over."
)
def variance_factor(beta, kind):
    return windows_with(beta, kind, equal_noise=lambda b: (1 - b) / (1 + b))


@windows.misconception(
    "For equal noise you return the rule of thumb again. Compare variances: (1 − beta)/(1 + beta) on the one "
    "side, 1/N on the other."
)
def noise_by_the_rule(beta, kind):
    return windows_with(beta, kind, equal_noise=lambda b: 1 / (1 - b))


@windows.misconception(
    "Your half-life is negative: ln(2)/ln(beta) has the sign of ln(beta). A half is ln(1/2) = −ln(2)."
)
def half_life_negative(beta, kind):
    return windows_with(beta, kind, half_life=lambda b: np.log(2) / np.log(b))


@windows.misconception(
    "Your half-life is the time to 1/e, −1/ln(beta). To one half it is shorter: ln(1/2)/ln(beta)."
)
def time_to_one_over_e(beta, kind):
    return windows_with(beta, kind, half_life=lambda b: -1 / np.log(b))


@windows.misconception(
    "Your half-life uses the approximation ln(beta) ≈ −(1 − beta), good only near 1. Take the logarithm itself."
)
def half_life_approximated(beta, kind):
    return windows_with(beta, kind, half_life=lambda b: np.log(2) / (1 - b))


@windows.misconception("Right for one beta, but `math.log` takes no arrays. `np.log` does.")
def math_log(beta, kind):
    return windows_with(beta, kind, half_life=lambda b: math.log(0.5) / math.log(b))


@windows.alternative
def in_a_table(beta, kind):
    lost = 1 - beta
    return {
        "rule": lost**-1,
        "mean age": 1 / lost - 1,
        "equal noise": 2 / lost - 1,
        "half-life": -1 / np.log2(beta),
    }[kind]


@windows.alternative
def by_first_letter(beta, kind):
    if kind.startswith("r"):
        return np.reciprocal(1 - beta)
    if kind.startswith("m"):
        return (1 - beta) * beta / (1 - beta) ** 2
    if kind.startswith("e"):
        return 1 / ((1 - beta) ** 2 / (1 - beta**2))
    return np.log10(2) / -np.log10(beta)


# ---------------------------------------------------------------------------------------------------------
# ema_many


def ema_many(theta, *, betas):
    T, n = theta.shape
    averages = np.zeros((len(betas), T, n))
    v = np.zeros((len(betas), n))
    beta = betas[:, None]
    for t in range(T):
        v = beta * v + (1 - beta) * theta[t]
        averages[:, t] = v
    return averages


def many_cases(rng):
    def problem(part, k, T, n, betas=None):
        if betas is None:
            betas = rng.choice(np.arange(15, 98), k, replace=False) / 100
        return case(part, (rng.normal(size=(T, n)) * 4 + rng.choice([-9, 9], n)).round(1), betas=betas)

    for shape in [(2, 4, 3), (3, 5, 2), (4, 3, 6)]:
        yield problem("one average per beta and series", *shape)
    for shape in [(3, 4, 3), (2, 2, 2), (4, 6, 4)]:
        yield problem("as many betas as series", *shape)
    for shape in [(1, 4, 3), (3, 4, 1), (2, 1, 3), (1, 1, 1)]:
        yield problem("one beta, one series, one day, many days", *shape)
    yield problem("one beta, one series, one day, many days", 2, 700, 2, betas=np.array([0.25, 0.985]))


many = Exercise(
    ema_many,
    parts={
        "one average per beta and series": 2,
        "as many betas as series": 1,
        "one beta, one series, one day, many days": 1,
    },
    cases=many_cases,
    allows=Allows(real=("theta",), single=("theta",), ends={"betas": (np.array([0.0, 0.999, 0.0]),)}),
    hints=(
        "How many numbers must be remembered from one day to the next, and in which shape would you keep them?",
        "The state v has shape (k, n). It is multiplied by the betas row by row, so give those the shape (k, "
        "1); theta[t] has shape (n,) and serves every row. Then one loop, over the days.",
        "`beta = betas[:, None]`, `v = np.zeros((k, n))`; in the loop over t the line of exercise 1, "
        "unchanged, and `averages[:, t] = v`.",
    ),
    explain="which axis does `[:, None]` add, and what would broadcasting do without it?",
    equivalent={
        "set anew in the loop: beta = betas[:, None] → nothing": "the same view, made again",
        "function: np.zeros((len(betas), T, n)) → np.ones((len(betas), T, n))": "every entry is written before it is read",
        "size: len(betas) → betas.shape[-1]": "the array has one axis",
        "size: len(betas) → betas.size": "the array has one axis",
        "name: betas → averages": "both have a row for each beta",
    },
)


@many.misconception(
    "The axes are in the order (T, k, n): days first. Wanted is (k, T, n), one whole (T, n) table per beta."
)
def days_first(theta, *, betas):
    return ema_many(theta, betas=betas).swapaxes(0, 1)


@many.misconception(
    "The betas are matched with the series, by broadcasting along the wrong axis: that fails, unless there are "
    "as many of one as of the other, and then it is wrong without a sound. Every beta is for every series: "
    "`betas[:, None]`."
)
def betas_along_the_series(theta, *, betas):
    v, averages = np.zeros((len(betas), theta.shape[1])), []
    for row in theta:
        v = betas * v + (1 - betas) * row
        averages.append(v)
    return np.stack(averages, axis=1)


@many.misconception(
    "The average is not set back to 0 between one beta and the next, so each starts where the one before ended."
)
def not_reset_between_betas(theta, *, betas):
    v, averages = np.zeros(theta.shape[1]), []
    for beta in betas:
        for row in theta:
            v = beta * v + (1 - beta) * row
            averages.append(v)
    return np.array(averages).reshape(len(betas), *theta.shape)


@many.misconception(
    "All days hold the last day's averages: you store the same array each time and then change it in place. "
    "Store a copy, or write into `averages[:, t]`."
)
def same_array_stored(theta, *, betas):
    last = ema_many(theta, betas=betas)[:, -1:]
    return np.repeat(last, len(theta), axis=1)


@many.misconception(
    "The averages start at the first row instead of at 0. That is legitimate elsewhere; here v_0 = 0."
)
def many_started_at_the_first(theta, *, betas):
    return np.array([course_ema(theta, beta=beta, initial=theta[0]) for beta in betas])


@many.misconception(
    "You mix all series into one: there is one average per beta, repeated for every series. Average along the "
    "days only and keep the n series apart."
)
def series_mixed(theta, *, betas):
    mixed = np.repeat(theta.mean(axis=1, keepdims=True), theta.shape[1], axis=1)
    return ema_many(mixed, betas=betas)


@many.misconception(
    "Right for a few days. Your formula multiplies by `beta**t` and divides by `beta**i` (or the like): over "
    "hundreds of days, or for beta = 0, these powers leave the range of floating-point numbers. Carry the "
    "averages along day by day."
)
def many_closed_form(theta, *, betas):
    t = np.arange(len(theta))[:, None]
    with np.errstate(all="ignore"):
        powers = betas[:, None, None] ** t
        return (1 - betas)[:, None, None] * powers * np.cumsum(theta / powers, axis=1)


@many.alternative
def loops_and_a_filter(theta, *, betas):
    return np.array([lfilter([1 - beta], [1, -beta], theta, axis=0) for beta in betas])


@many.alternative
def weights_times_values(theta, *, betas):
    age = np.subtract.outer(np.arange(len(theta)), np.arange(len(theta)))
    powers = betas[:, None, None] ** np.maximum(age, 0)
    return (1 - betas)[:, None, None] * np.where(age >= 0, powers, 0) @ theta


@many.alternative
def series_by_series(theta, *, betas):
    averages = np.empty((len(betas), *theta.shape))
    for k, beta in enumerate(betas):
        for j in range(theta.shape[1]):
            averages[k, :, j] = as_a_correction(theta[:, j], beta=beta)
    return averages


# ---------------------------------------------------------------------------------------------------------
# best_beta


def best_beta(theta, *, betas, skip):
    errors = np.zeros(len(betas))
    for i, beta in enumerate(betas):
        forecasts = course_ema(theta, beta=beta)[:-1]
        misses = theta[1:] - forecasts
        errors[i] = np.mean(misses[skip:] ** 2)
    return betas[np.argmin(errors)], errors


def best_cases(rng):
    def problem(part, T, k, skip, *, walk=1.0, noise=1.0, level=5.0):
        theta = level + np.cumsum(rng.normal(size=T)) * walk + rng.normal(size=T) * noise
        betas = rng.choice(np.arange(10, 98), k, replace=False) / 100
        if k > 4:
            betas[-1] = betas[0]  # the same candidate twice
        return case(part, theta.round(2), betas=betas, skip=skip)

    yield problem("all forecasts", 4, 2, 0)
    yield problem("all forecasts", 2, 2, 0)
    yield problem("all forecasts", 8, 3, 0, level=1e5)
    yield problem("all forecasts", 30, 4, 0)
    for T, k, skip in [(6, 2, 2), (12, 3, 5), (40, 5, 10)]:
        yield problem("the first ones left out", T, k, skip)
    yield problem("the best at either end", 30, 3, 8, walk=3.0, noise=0.0)
    yield problem("the best at either end", 30, 3, 8, walk=0.0, noise=2.0, level=0.0)


choosing = Exercise(
    best_beta,
    parts={"all forecasts": 2, "the first ones left out": 1, "the best at either end": 1},
    cases=best_cases,
    allows=Allows(
        ends={"skip": (2,), "betas": (np.array([0.0]), np.array([0.0, 0.99]))},
        long=("theta",),
        part="the first ones left out",
    ),
    returns=("beta", "errors"),
    hints=(
        "Write down which average is the forecast for which value. How many such pairs does a series of length "
        "T give?",
        "The averages without the last one, against the values without the first one: T − 1 pairs. Drop the "
        "first `skip` of them, square, take the mean. Do that for each beta, then look for the smallest.",
        "`course_ema(theta, beta=beta)[:-1]` against `theta[1:]`; cut `[skip:]` off the differences; "
        "`np.mean(… ** 2)`. At the end `betas[np.argmin(errors)], errors`.",
    ),
    explain="what would the best beta be if you compared v_t with theta_t of the same day?",
    equivalent={
        "function: np.zeros(len(betas)) → np.ones(len(betas))": "every entry is written before it is read",
        "size: len(betas) → betas.shape[-1]": "the array has one axis",
        "size: len(betas) → betas.size": "the array has one axis",
        "operands swapped: theta[1:] - forecasts → forecasts - theta[1:]": "it is squared afterwards",
    },
)


def best_with(theta, betas, skip, *, misses=None, score=None, start=0.0):
    """Compute the right answer with one piece replaced."""
    errors = []
    for beta in betas:
        v = course_ema(theta, beta=beta, initial=start)
        missed = theta[1:] - v[:-1] if misses is None else misses(theta, v)
        errors.append(np.mean(missed[skip:] ** 2) if score is None else score(missed, skip))
    return betas[np.argmin(errors)], np.array(errors)


@choosing.misconception(
    "You compare v_t with theta_t, which v_t already contains: no forecast, and it always favours the smallest "
    "beta. v_t is the forecast for the *next* value."
)
def same_day(theta, *, betas, skip):
    return best_with(theta, betas, skip, misses=lambda x, v: (x - v)[1:])


@choosing.misconception(
    "You compare v_t with theta_t, which v_t already contains, and so have T pairs where there are T − 1 "
    "forecasts. v_t is the forecast for the *next* value."
)
def same_day_all(theta, *, betas, skip):
    return best_with(theta, betas, skip, misses=lambda x, v: x - v)


@choosing.misconception(
    "The shift goes the wrong way: you compare v_{t+1} with theta_t, so the average has seen both that value "
    "and the one after it. Pair v_t with theta_{t+1}."
)
def shifted_the_wrong_way(theta, *, betas, skip):
    return best_with(theta, betas, skip, misses=lambda x, v: x[:-1] - v[1:])


@choosing.misconception(
    "You average the absolute errors. That is legitimate elsewhere (it forgives single outliers); here the "
    "squares are asked for."
)
def absolute_errors(theta, *, betas, skip):
    return best_with(theta, betas, skip, score=lambda missed, skip: np.mean(np.abs(missed[skip:])))


@choosing.misconception(
    "You leave out the *last* `skip` forecasts. It is the first ones that suffer from the start at 0."
)
def skipped_at_the_end(theta, *, betas, skip):
    return best_with(theta, betas, skip, score=lambda missed, skip: np.mean(missed[: len(missed) - skip] ** 2))


@choosing.misconception(
    "You cut the first `skip` values off before averaging, so the average starts at 0 later instead of having "
    "warmed up. Average the whole series, then leave forecasts out."
)
def cut_before_averaging(theta, *, betas, skip):
    return best_with(theta[skip:], betas, 0)


@choosing.misconception(
    "Your averages start at the first value. That is legitimate elsewhere; here they start at 0, as `ema` "
    "does, and `skip` takes care of the first forecasts."
)
def best_started_at_the_first(theta, *, betas, skip):
    return best_with(theta, betas, skip, start=theta[0])


@choosing.alternative
def all_at_once(theta, *, betas, skip):
    errors = ((theta[None, 1:] - course_ema(theta, beta=betas)[:, :-1])[:, skip:] ** 2).mean(axis=1)
    return float(betas[errors.argmin()]), errors


@choosing.alternative
def forecast_by_forecast(theta, *, betas, skip):
    errors = []
    for beta in betas:
        v, total = 0.0, 0.0
        for t in range(1, len(theta)):
            v = beta * v + (1 - beta) * theta[t - 1]
            total += (theta[t] - v) ** 2 if t > skip else 0
        errors.append(total / (len(theta) - 1 - skip))
    return min(zip(errors, betas, strict=True))[1], np.array(errors)


@choosing.alternative
def by_variance_and_bias(theta, *, betas, skip):
    misses = [(theta[1:] - ema(theta, beta=beta)[:-1])[skip:] for beta in betas]
    errors = np.array([np.var(miss) + np.mean(miss) ** 2 for miss in misses])
    return betas[list(errors).index(min(errors))], errors


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims and quiz

prediction_larger_beta = Prediction(
    "prediction_larger_beta",
    answer="9b13c5b7210c44d1",
    wrong={
        "a": (
            "Smoother, yes. But look at where the curve turns: an average that holds months of the past cannot "
            "be up to date."
        ),
        "c": (
            "A jump does stay in it for longer, but it enters with a weight of 0.02 instead of 0.1, so it "
            "hardly shows."
        ),
    },
    right=(
        "It becomes smoother and later. Its low and its high come weeks after the weather's, and they are flatter."
    ),
)

prediction_equal_noise = Prediction(
    "prediction_equal_noise",
    answer="c01c8dabab793b64",
    wrong={
        "a": "Five would be more noise than even a window of ten leaves: variance 0.2.",
        "b": (
            "Ten is the rule of thumb. But the weights reach beyond ten days, and those many small ones "
            "average, too."
        ),
        "d": (
            "With 100 the variance would be 0.01; the newest value alone contributes 0.1² = 0.01 already, and "
            "it is not alone."
        ),
    },
    right=(
        "The variance shrinks to (1 − 0.9)/(1 + 0.9) = 1/19. For smoothness it is a mean of 19, for lag an "
        "average of age 9."
    ),
)

prediction_forecast = Prediction(
    "prediction_forecast",
    answer="f7e59342fbf84fda",
    wrong={
        "a": (
            "It removes the most noise, and with it the news: its typical miss is nearly twice that of today's "
            "bare temperature."
        ),
        "b": "The usual compromise misses by 3.5 °C, today's bare temperature by 2.9 °C.",
    },
    right=(
        "Best is about 0.1. A warm spell lasts: what looks like noise around the season is mostly still there "
        "tomorrow."
    ),
)

claim_one_over_e = Quiz(
    "claim_one_over_e",
    answer="8e348fe0f1c00488",
    wrong={
        "true": "Compare the digits for ε = 0.1: is 0.3487 the same number as 0.3679?",
        "depends": (
            "On which ε would it depend? Between 0 and 1 the power is always smaller than 1/e; equality is "
            "only the limit."
        ),
    },
    right=(
        "It is a limit, not an equality: 0.9^10 = 0.349 is 5 % below 1/e = 0.368. As a rule of thumb it is "
        "fine, and the smaller ε, the better."
    ),
)

claim_more_days = Quiz(
    "claim_more_days",
    answer="977db66f8a4b0f61",
    wrong={
        "true": "In the first row of the table 0.98 is the worse one, by far. What went wrong there?",
        "false": ("In two rows of the table 0.98 is the better one. What do they have that the first row lacks?"),
    },
    right=(
        "It depends on noise and trend: with a flat truth or enormous noise the longer memory wins, on a clear "
        "wave its lag costs more than the noise that it removes."
    ),
)

claim_plain_mean = Quiz(
    "claim_plain_mean",
    answer="1531cd451267c8bb",
    wrong={
        "true": (
            "Then the hot day would have left without a trace after ten days. What is left of it in the EMA?"
        ),
        "depends": (
            "A series that is constant for long makes all averages agree. On the temperatures, which change, "
            "they do not: by how much?"
        ),
    },
    right=(
        "The newest of ten values counts a tenth in both, but in the EMA the weights fade instead of ending: "
        "35 % of the weight is older than ten days."
    ),
)

claim_one_number = Quiz(
    "claim_one_number",
    answer="c02b466730195c53",
    wrong={
        "false": ("Look at the differences: they are rounding errors. What else than the saved number was used?"),
        "depends": (
            "Three very different values of β, and each time the saved number was enough. Which condition do "
            "you see?"
        ),
    },
    right=(
        "True: the saved number is all that the next step needs, for every β. A plain window of N values must "
        "remember N of them."
    ),
)

quiz_weight_by_age = Quiz(
    "quiz_weight_by_age",
    answer="51ca899d55da60df",
    wrong={
        "a": (
            "0.64 is 0.8², how much of its weight is left after two days. With which weight did the value come in?"
        ),
        "b": "0.16 is the weight of yesterday's value, 0.2 · 0.8. Two days ago is one factor 0.8 more.",
        "d": ("That is 0.2 · 0.2 · 0.8: the share 1 − β enters once only, each further day multiplies by β."),
    },
    right="It came in with 0.2 and was multiplied by 0.8 twice: 0.2 · 0.8² = 0.128.",
)

quiz_step = Quiz(
    "quiz_step",
    answer="fe68a0fe37f7e40b",
    wrong={
        "a": "On day 1 the average moves a tenth of the way, to 1.",
        "b": "On day 5 it is at 10 · (1 − 0.9⁵) = 4.1.",
        "d": "On day 10 it is at 6.5; it was above 5 before.",
    },
    right=(
        "After t days it is at 10 · (1 − 0.9^t). That passes 5 when 0.9^t falls below one half, after a "
        "half-life of 6.6 days: on day 7."
    ),
)

quiz_half_variance = Quiz(
    "quiz_half_variance",
    answer="b522580ee5d2add2",
    wrong={
        "a": "A smaller β averages less: at 0.45 the variance would be seven times as large.",
        "b": "0.81 = 0.9² averages less than 0.9 does, so its variance is larger.",
        "c": "At 0.93 the variance factor is 0.07/1.93 = 1/28. Half of 1/19 is 1/38.",
    },
    right=(
        "The factor at 0.9 is 1/19. At 0.95 it is 0.05/1.95 = 1/39, about half: close to 1, halving 1 − β "
        "halves the variance, and doubles the lag."
    ),
)

quiz_other_name = Quiz(
    "quiz_other_name",
    answer="d5de3d6d6df9ce51",
    wrong={
        "a": "0.1 is the share of the *new* value. β is the share of the old one that is kept.",
        "c": "Ten is about the number of batches it averages over, 1/(1 − β).",
        "d": "Compare it with the boxed formula: it is the same line with other names.",
    },
    right=(
        "PyTorch's batch normalisation names the share of the new value, so β = 1 − 0.1 = 0.9. Its optimizers "
        "use β itself: always read the formula."
    ),
)
