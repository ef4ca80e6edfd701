"""Week 03, bias correction: the exercises with their cases, misconceptions and hints."""

# ruff: noqa: D101, D102 - what a class is for stands in its message, as with functions

import math

import numpy as np

from course_lib.averages import ema as course_ema
from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, case

# ---------------------------------------------------------------------------------------------------------
# ema_bias_corrected


def ema_bias_corrected(theta, *, beta):
    corrected = np.zeros(len(theta))
    v = 0.0
    for t, value in enumerate(theta, start=1):
        v = beta * v + (1 - beta) * value
        corrected[t - 1] = v / (1 - beta**t)
    return corrected


def random_beta(rng):
    """Return a beta that no default and no other beta of the course equals, nor its complement."""
    return round(float(rng.choice([rng.uniform(0.15, 0.45), rng.uniform(0.55, 0.85)])), 3)


def corrected_cases(rng):
    def series(T):
        return (rng.normal(size=T) * 5 + rng.choice([-12.0, 12.0])).round(1)

    for T in (2, 4, 7):
        yield case("a series", series(T), beta=random_beta(rng))
    yield case("a series", series(12), beta=0.95)
    yield case("long memory, one value, many values", series(6), beta=0.999)
    yield case("long memory, one value, many values", series(1), beta=random_beta(rng))
    whole = rng.permutation(np.arange(20, 30))[:3]  # with averages that are not whole
    yield case("no memory, whole numbers", whole, beta=random_beta(rng))
    yield case("long memory, one value, many values", series(300), beta=0.98)
    yield case("long memory, one value, many values", series(1500), beta=0.6)  # beta**-1500 is no float


correcting = Exercise(
    ema_bias_corrected,
    parts={"a series": 2, "long memory, one value, many values": 1, "no memory, whole numbers": 1},
    cases=corrected_cases,
    allows=Allows(real=("theta",), ends={"beta": (0.0,)}),
    hints=(
        "Two quantities are at work here. Which of them goes on to the next day, and which is only reported?",
        "Average as in week 02, in v. Report, in another variable, v divided by the sum of its weights. The "
        "first day is t = 1, so nothing is ever divided by 0.",
        "In the loop, with `enumerate(theta, start=1)`: first week 02's line for v, then store v divided by `1 "
        "- beta**t`, and leave v itself alone.",
    ),
    explain="why must the corrected value not be put back into v?",
    equivalent={
        "function: np.zeros(len(theta)) → np.ones(len(theta))": "every entry is written before it is read",
        "size: len(theta) → theta.shape[-1]": "the array has one axis",
        "size: len(theta) → theta.size": "the array has one axis",
    },
)


def steps(theta):
    return np.arange(1, len(theta) + 1)


@correcting.misconception(
    "You put the corrected value back into v, so the next day starts from a v that has been corrected already. "
    "Keep two variables: v goes on uncorrected, the quotient is only reported."
)
def fed_back(theta, *, beta):
    v, corrected = 0.0, []
    for t, value in enumerate(theta, start=1):
        v = (beta * v + (1 - beta) * value) / (1 - beta**t)
        corrected.append(v)
    return np.array(corrected)


@correcting.misconception(
    "Your t starts at 0: on the first day you divide by `1 - beta**0` = 0, and each later day by the sum of "
    "the day before. The first day is t = 1."
)
def t_from_zero(theta, *, beta):
    with np.errstate(all="ignore"):
        return course_ema(theta, beta=beta) / (1 - float(beta) ** (steps(theta) - 1))


@correcting.misconception(
    "Your t starts at 0, and dividing by `1 - beta**0` = 0 stops Python. The first day is t = 1: `enumerate(…, "
    "start=1)`."
)
def t_from_zero_in_python(theta, *, beta):
    v = 0.0
    return np.array([v := (beta * v + (1 - beta) * float(x)) / (1 - beta**t) for t, x in enumerate(theta)])


@correcting.misconception(
    "You divide by `1 - beta**t` twice. One division makes the weights add up to 1; the second makes them too "
    "large."
)
def corrected_twice(theta, *, beta):
    return course_ema(theta, beta=beta) / (1 - beta ** steps(theta)) ** 2


@correcting.misconception("All days are divided by the last day's sum, `1 - beta**T`. Each day needs its own t.")
def last_sum_for_all(theta, *, beta):
    return course_ema(theta, beta=beta) / (1 - beta ** len(theta))


@correcting.misconception(
    "You correct only the first day, and go on with the uncorrected v. It stays too low for many days: divide "
    "each."
)
def first_day_only(theta, *, beta):
    v = course_ema(theta, beta=beta)
    v[0] = theta[0]
    return v


@correcting.misconception(
    "You start at the first value instead of correcting. That is another cure, legitimate elsewhere (pandas "
    "with adjust=False), but it lets one day weigh too much: here start at 0 and divide by `1 - beta**t`."
)
def started_at_the_first_value(theta, *, beta):
    return course_ema(theta, beta=beta, initial=float(theta[0]))


@correcting.misconception(
    "You start at the first value *and* divide by `1 - beta**t`. The weights add up to 1 without the division "
    "then, so it makes the start too large. One cure is enough: start at 0."
)
def two_cures(theta, *, beta):
    return course_ema(theta, beta=beta, initial=float(theta[0])) / (1 - beta ** steps(theta))


@correcting.misconception(
    "The results go into an array of theta's kind (`zeros_like` or `copy`). If theta holds whole numbers, each "
    "average is cut to one. `np.zeros(len(theta))` holds floats."
)
def cut_to_whole_numbers(theta, *, beta):
    return ema_bias_corrected(theta, beta=beta).astype(theta.dtype)


@correcting.alternative
def as_a_weighted_mean(theta, *, beta):
    weights = [float(beta) ** np.arange(t - 1, -1, -1) for t in steps(theta)]
    return np.array([w @ theta[: len(w)] / w.sum() for w in weights])


@correcting.alternative
def with_a_shrinking_step(theta, *, beta):
    mean, corrected = 0.0, []
    for t, value in enumerate(theta, 1):
        mean += (1 - beta) / (1 - beta**t) * (value - mean)
        corrected.append(mean)
    return np.array(corrected)


@correcting.alternative
def two_averages(theta, *, beta):
    return course_ema(theta, beta=beta) / course_ema(np.ones(len(theta)), beta=beta)


# ---------------------------------------------------------------------------------------------------------
# debiased_weights


def debiased_weights(t, *, beta):
    age = np.arange(t - 1, -1, -1)
    return (1 - beta) * beta**age / (1 - beta**t)


def debiased_cases(rng):
    for t in (3, 4, 6):
        yield case("the weights", t, beta=random_beta(rng))
    yield case("the weights", 12, beta=0.95)
    yield case("one value, no memory", 1, beta=random_beta(rng))
    yield case("long memory", 4, beta=0.999)
    yield case("long memory", 40, beta=0.999)
    yield case("long memory", 400, beta=0.999)


debiasing = Exercise(
    debiased_weights,
    parts={"the weights": 2, "long memory": 1, "one value, no memory": 1},
    cases=debiased_cases,
    allows=Allows(ends={"beta": (0.0,)}),
    hints=(
        "Which weights did week 02 find, and what do they add up to?",
        "Divide week 02's weights by their sum. The oldest value comes first, so the ages run from t − 1 down "
        "to 0.",
        "`age = np.arange(t - 1, -1, -1)`, then `(1 - beta) * beta**age`, divided by `1 - beta**t`.",
    ),
    explain="what do the weights look like when beta is so close to 1 that `beta**t` is still near 1?",
)


@debiasing.misconception(
    "These are the weights of v_t before correction. They add up to `1 - beta**t`: divide by that."
)
def weights_not_corrected(t, *, beta):
    return (1 - beta) * float(beta) ** np.arange(t - 1, -1, -1)


@debiasing.misconception(
    "You divide by `1 - beta**(t - 1)`, the sum of the day before. After t values the weights add up to `1 - "
    "beta**t`."
)
def sum_of_the_day_before(t, *, beta):
    with np.errstate(all="ignore"):
        return weights_not_corrected(t, beta=beta) / (1 - np.float64(beta) ** (t - 1))


@debiasing.misconception(
    "The missing weight `beta**t` is given to the oldest value alone. That is what starting at theta_1 does, "
    "legitimate elsewhere; the correction shares it among all in proportion."
)
def rest_to_the_oldest(t, *, beta):
    weights = weights_not_corrected(t, beta=beta)
    weights[0] += float(beta) ** t
    return weights


@debiasing.misconception(
    "The missing weight `beta**t` is shared out equally. The correction keeps the weights in proportion: "
    "divide by their sum."
)
def rest_shared_equally(t, *, beta):
    return weights_not_corrected(t, beta=beta) + float(beta) ** t / t


@debiasing.misconception(
    "You divide by the root of the sum of squares (the norm). The weights should *add up* to 1: divide by "
    "their sum."
)
def norm_is_one(t, *, beta):
    weights = debiased_weights(t, beta=beta)
    return weights / np.linalg.norm(weights)


@debiasing.misconception(
    "beta and 1 − beta are swapped: a weight shrinks by the factor beta with each day of age."
)
def debiased_swapped(t, *, beta):
    weights = (1 - float(beta)) ** np.arange(t - 1, -1, -1)
    return weights / weights.sum()


@debiasing.misconception(
    "All your weights are 1/t, those of the plain mean. The correction comes close to that for beta near 1, "
    "but older values still weigh a little less."
)
def all_weights_equal(t, *, beta):
    return np.full(t, 1 / t)


@debiasing.alternative
def divided_by_their_sum(t, *, beta):
    weights = np.array([beta ** (t - i) for i in range(1, t + 1)], dtype=float)
    return weights / weights.sum()


@debiasing.alternative
def value_by_value(t, *, beta):
    return np.array([ema_bias_corrected(row, beta=beta)[-1] for row in np.eye(t)])


# ---------------------------------------------------------------------------------------------------------
# correction_steps


def correction_steps(beta, *, tolerance):
    return math.ceil(math.log(tolerance) / math.log(beta))


def steps_cases(rng):
    def between(part, low, high, t, fraction):
        """Let the exact answer, before rounding up, lie `fraction` of a step after t − 1."""
        beta = round(rng.uniform(low, high), 4)
        return case(part, beta, tolerance=float(f"{beta ** (t - 1 + fraction):.3g}"))

    for fraction in (0.2, 0.4, 0.7, 0.8):
        yield between("how many steps", 0.55, 0.75, int(rng.integers(4, 8)), fraction)
    yield between("how many steps", 0.9, 0.95, int(rng.integers(20, 40)), 0.5)
    for tolerance in (0.1, 0.003):
        yield case("long memory", round(rng.uniform(0.9985, 0.9992), 5), tolerance=tolerance)
    yield case("long memory", round(rng.uniform(0.9994, 0.9996), 5), tolerance=0.001)  # 11,000 steps and more
    yield case("one step, a whole number of steps", 0.5, tolerance=0.25)


counting = Exercise(
    correction_steps,
    parts={"how many steps": 2, "long memory": 1, "one step, a whole number of steps": 1},
    cases=steps_cases,
    allows=Allows(ends={"beta": (0.003,), "tolerance": (0.99, 1e-9)}),
    hints=(
        "After t steps, which fraction of a constant series is still missing in v_t?",
        "`beta**t` must not be larger than the tolerance. Take logarithms on both sides; ln(beta) is negative, "
        "so dividing by it turns the inequality round. Then round up.",
        "`math.log(tolerance)` divided by `math.log(beta)`, and `math.ceil` round that, which gives an int.",
    ),
    explain="why is it right to round up, and what would rounding down promise too early?",
)


@counting.misconception("You round to the nearest whole number, which may be a day too early. Round up.")
def rounded_to_nearest(beta, *, tolerance):
    return round(math.log(tolerance) / math.log(beta))


@counting.misconception(
    "You round down and add one. That is a day too many when the quotient is a whole number: at beta = 0.5 and "
    "a tolerance of 0.25 two steps are enough."
)
def down_and_one_more(beta, *, tolerance):
    return math.floor(math.log(tolerance) / math.log(beta)) + 1


@counting.misconception(
    "The value is right, but it is a float (`np.ceil` returns one). Steps are counted: return an int."
)
def steps_as_float(beta, *, tolerance):
    return np.ceil(math.log(tolerance) / math.log(beta))


@counting.misconception(
    "You take the rule of thumb 1/(1 − beta). After so many steps the average is still low by about 1/e = 37 "
    "%, whatever the tolerance."
)
def rule_of_thumb(beta, *, tolerance):
    return math.ceil(1 / (1 - beta))


@counting.misconception(
    "You ask when the *correction* is at most the tolerance, `beta**t/(1 - beta**t)`, a fraction of v_t. That "
    "is legitimate elsewhere; here the missing part is a fraction of the true mean: `beta**t`."
)
def relative_to_v(beta, *, tolerance):
    return math.ceil(math.log(tolerance / (1 + tolerance)) / math.log(beta))


@counting.misconception(
    "You approximate ln(beta) by −(1 − beta). Near 1 that is close, but not close enough to count steps: take "
    "the logarithm."
)
def approximated_logarithm(beta, *, tolerance):
    return math.ceil(-math.log(tolerance) / (1 - beta))


@counting.alternative
def by_counting(beta, *, tolerance):
    t = 1
    while beta**t > tolerance:
        t += 1
    return t


@counting.alternative
def by_searching(beta, *, tolerance):
    return np.argmax(beta ** np.arange(1, 20_000) <= tolerance) + 1


@counting.alternative
def with_other_logarithms(beta, *, tolerance):
    return int(-(np.log2(tolerance) // -np.log2(beta)))


# ---------------------------------------------------------------------------------------------------------
# StreamingEMA


class StreamingEMA:
    def __init__(self, *, beta):
        self.beta = beta
        self.v = 0.0
        self.weight = 0.0

    def update(self, theta):
        """Take in one day's value, None if it is missing; return the average so far."""
        self.v = self.beta * self.v
        self.weight = self.beta * self.weight
        if theta is not None:
            self.v += (1 - self.beta) * theta
            self.weight += 1 - self.beta
        return self.v / self.weight if self.weight > 0 else math.nan


def stream_cases(rng):
    def readings(T, missing=(), zeros=()):
        values = (rng.normal(size=T) * 4 + rng.choice([-9, 9])).round(1)
        return [None if i in missing else 0.0 if i in zeros else float(x) for i, x in enumerate(values)]

    for T in (2, 5):
        yield case("no day missing", beta=random_beta(rng), updates=readings(T))
    yield case("no day missing", beta=0.95, updates=readings(8))
    yield case("missing days", beta=random_beta(rng), updates=readings(5, missing=[2]))
    yield case("missing days", beta=random_beta(rng), updates=readings(9, missing=[1, 4, 5, 6], zeros=[3]))
    yield case("missing days", beta=0.3, updates=readings(45, missing=range(3, 42)))
    yield case("missing days", beta=0.95, updates=readings(60, missing=[7, *range(20, 32)]))
    yield case("missing at the start", beta=random_beta(rng), updates=readings(4, missing=[0, 1]))
    yield case("missing at the start", beta=random_beta(rng), updates=readings(5, missing=[1], zeros=[0]))
    yield case("two streams at once", beta=random_beta(rng), updates=readings(4), other=readings(4))
    yield case("two streams at once", beta=random_beta(rng), updates=readings(5, zeros=[2]), other=readings(5))


def observe_stream(call, case):
    """Drive one object, or two in turns, and collect what `update` returns."""
    streams = [(call(beta=case.kwargs["beta"]), case.kwargs["updates"])]
    if "other" in case.kwargs:
        streams.append((call(beta=case.kwargs["beta"] / 2), case.kwargs["other"]))
    for stream, _ in streams:
        if not callable(getattr(stream, "update", None)):
            raise ContractError("`StreamingEMA(beta=…)` should make an object with a method `update(theta)`.")
    averages = [[] for _ in streams]
    for day in range(len(streams[0][1])):
        for (stream, readings), seen in zip(streams, averages, strict=True):
            average = stream.update(readings[day])
            if average is None:
                raise ContractError(
                    f"Your `update` returned None on day {day + 1}. Is there a `return` on every path?"
                )
            seen.append(average)
    return dict(zip(["average", "average_of_the_other"], averages, strict=False))


stream = Exercise(
    StreamingEMA,
    parts={"no day missing": 1, "missing days": 1, "missing at the start": 1, "two streams at once": 1},
    cases=stream_cases,
    observe=observe_stream,
    hints=(
        "What must the object remember from one day to the next? The formula `1 - beta**t` no longer holds, so "
        "what it stood for has to be remembered, too.",
        "Keep two numbers on `self`: the weighted sum, and the sum of the weights. Each day both shrink by "
        "beta. A reading adds to both; a missing day adds nothing. The answer is the one divided by the other.",
        "In update: `self.v *= self.beta` and the same for self.weight; `if theta is not None:` add `(1 - "
        "self.beta) * theta` to the one and `1 - self.beta` to the other. While the weight is 0, return NaN.",
    ),
    explain="what is self.weight when no day is missing?",
    equivalent={
        "lines swapped: self.beta = beta → self.v = 0.0": "neither line uses what the other sets",
        "lines swapped: self.v = 0.0 → self.weight = 0.0": "neither line uses what the other sets",
        "lines swapped: self.v = self.beta * self.v → self.weight = self.beta * self.weight": "neither line uses what the other sets",
        "lines swapped: self.v += (1 - self.beta) * theta → self.weight += 1 - self.beta": "neither line uses what the other sets",
    },
)


class WithPieces:
    """The right object with one piece replaced: most wrong answers differ in one piece."""

    def __init__(self, *, beta):
        self.beta, self.v, self.weight, self.t, self.last = beta, 0.0, 0.0, 0, None
        self.readings = []

    def age(self):
        self.t += 1
        self.v *= self.beta
        self.weight *= self.beta

    def add(self, theta):
        self.last = theta
        self.readings.append(theta)
        self.v += (1 - self.beta) * theta
        self.weight += 1 - self.beta

    def result(self):
        return self.v / self.weight if self.weight else math.nan

    def update(self, theta):
        self.age()
        if theta is not None:
            self.add(theta)
        return self.result()


@stream.misconception(
    "Right while no day is missing. But on a missing day v shrinks while you divide by `1 - beta**t`, which "
    "counts that day as a reading of 0. Remember the sum of the weights that were really given."
)
class MissingAsZero(WithPieces):
    def result(self):
        return self.v / (1 - self.beta**self.t) if self.readings else math.nan


@stream.misconception(
    "Right while no day is missing. But for you a missing day does not exist: the clock stops. That is "
    "legitimate elsewhere (pandas with ignore_na=True); here time passes, and the old readings age by beta on "
    "that day, too."
)
class ClockStops(WithPieces):
    def update(self, theta):
        return self.result() if theta is None else super().update(theta)


@stream.misconception(
    "Right while no day is missing. On a missing day you keep v as it is but divide by `1 - beta**t` with a t "
    "that has moved on. What ages is v *and* the sum of its weights, both by beta."
)
class OnlyTMovesOn(WithPieces):
    def update(self, theta):
        if theta is None:
            self.t += 1
        else:
            self.age()
            self.add(theta)
        return self.v / (1 - self.beta**self.t) if self.readings else math.nan


@stream.misconception(
    "On a missing day you take the last reading once more. That is legitimate elsewhere (filling forward), but "
    "it invents data: here a missing day adds no weight at all."
)
class FilledForward(WithPieces):
    def update(self, theta):
        if theta is None and self.last is not None:
            theta = self.last
        return super().update(theta)


@stream.misconception(
    "On a missing day you take the average itself as the reading. The average stays, but its weight grows as "
    "if something had been seen, so the next reading counts too little. Add nothing."
)
class FilledWithTheAverage(WithPieces):
    def update(self, theta):
        if theta is None and self.readings:
            theta = self.result()
        return super().update(theta)


@stream.misconception(
    "On a missing day only the sum of the values shrinks by beta, not the sum of the weights, so the average "
    "falls towards 0. Both age together."
)
class WeightDoesNotAge(WithPieces):
    def update(self, theta):
        weight = self.weight
        self.age()
        if theta is None:
            self.weight = weight
        else:
            self.add(theta)
        return self.result()


@stream.misconception(
    "You return NaN on a missing day although there are older readings. The average so far is still known: "
    "return it."
)
class NanOnMissingDays(WithPieces):
    def update(self, theta):
        average = super().update(theta)
        return math.nan if theta is None else average


@stream.misconception(
    "A reading of 0.0 is taken for a missing day, because `if theta:` is false for both. Ask `if theta is not "
    "None:`."
)
class ZeroIsMissing(WithPieces):
    def update(self, theta):
        return super().update(theta or None)


@stream.misconception(
    "Before the first reading you return 0.0, a temperature that nobody has measured. Return NaN (`math.nan`) "
    "while there is none."
)
class ZeroBeforeTheFirst(WithPieces):
    def result(self):
        return self.v / self.weight if self.weight else 0.0


@stream.misconception(
    "Dividing fails before the first reading, because the sum of the weights is still 0. Return NaN "
    "(`math.nan`) then."
)
class FailsBeforeTheFirst(WithPieces):
    def result(self):
        return self.v / self.weight


@stream.misconception(
    "You put the corrected average back into the sum, so it is corrected again and again. Keep sum and average "
    "apart."
)
class FedBack(WithPieces):
    def result(self):
        if self.weight:
            self.v = self.v / self.weight
            return self.v
        return math.nan


@stream.misconception(
    "Two objects share one memory: what one reads changes the other. The state is kept in the class (or in a "
    "global list); set it on `self` in `__init__`."
)
class SharedMemory(WithPieces):
    shared = None

    def __init__(self, *, beta):
        super().__init__(beta=beta)
        type(self).shared = {"v": 0.0, "weight": 0.0}

    def update(self, theta):
        self.v, self.weight = self.shared["v"], self.shared["weight"]
        average = super().update(theta)
        self.shared.update(v=self.v, weight=self.weight)
        return average


@stream.misconception(
    "Your average starts at the first reading, without a correction. That is legitimate elsewhere; here it "
    "starts at 0 and is divided by the sum of its weights."
)
class StartsAtTheFirst(WithPieces):
    def update(self, theta):
        if theta is not None:
            share = 1 - self.beta if self.readings else 1.0
            self.v += share * (theta - self.v)
            self.readings.append(theta)
        return self.v if self.readings else math.nan


@stream.misconception("beta and 1 − beta are swapped: beta is the share of the old that is kept.")
class StreamSwapped(WithPieces):
    def __init__(self, *, beta):
        super().__init__(beta=1 - beta)


@stream.misconception("beta is fixed at 0.9 in your class. Keep the argument: `self.beta = beta`.")
class StreamBetaFixed(WithPieces):
    def __init__(self, *, beta):
        super().__init__(beta=0.9)


@stream.alternative
class MovingMean:
    """Keeps the mean itself and moves it by the reading's share of the weight."""

    def __init__(self, *, beta):
        self.beta, self.mean, self.weight = beta, float("nan"), 0.0

    def update(self, theta):
        self.weight *= self.beta
        if theta is not None:
            old = 0.0 if self.weight == 0 else self.mean
            self.weight += 1 - self.beta
            self.mean = old + (1 - self.beta) / self.weight * (theta - old)
        return self.mean


@stream.alternative
class RemembersEverything:
    """Spends memory on all readings with their days."""

    def __init__(self, *, beta):
        self.beta, self.day, self.seen = beta, 0, []

    def update(self, theta):
        self.day += 1
        if theta is not None:
            self.seen.append((self.day, theta))
        weights = [self.beta ** (self.day - day) for day, _ in self.seen]
        if not weights:
            return np.nan
        return np.dot(weights, [x for _, x in self.seen]) / sum(weights)


@stream.alternative
class CountsTheGap:
    """Lets the sums stand on missing days, and ages them all at once at the next reading."""

    def __init__(self, *, beta):
        self.beta, self.total, self.weight, self.gap = beta, 0.0, 0.0, 1

    def update(self, theta):
        if theta is None:
            self.gap += 1
        else:
            fade = self.beta**self.gap
            self.total, self.weight, self.gap = fade * self.total + theta, fade * self.weight + 1, 1
        return self.total / self.weight if self.weight else np.float64("nan")


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims and quiz

prediction_ninety = Prediction(
    "prediction_ninety",
    answer="d925e218843e0882",
    wrong={
        "a": "Ten days is the rule of thumb for β = 0.9; and even there it is not enough.",
        "b": "After 50 days, 1/(1 − β), the average is at 1 − 0.98⁵⁰ = 64 %.",
    },
    right="0.98^t falls to 0.1 at t = 114. Nearly four months of an average that is visibly too low.",
)

prediction_squares = Prediction(
    "prediction_squares",
    answer="893cdb5b256a58f1",
    wrong={
        "a": "So little is missing only after 2,302 steps. (About 10 % of the truth is what is there.)",
        "b": "Half of it is there after 693 steps, a half-life.",
    },
    right=(
        "0.999^100 = 0.905: nine tenths are missing. Dividing by the root of such a number makes the first "
        "steps of Adam too large, as week 06 will show."
    ),
)

prediction_cures = Prediction(
    "prediction_cures",
    answer="fb5f257606af63e9",
    wrong={
        "a": (
            "At t = 10 the first value still has the weight 0.98⁹ = 0.83, so the average is little better than "
            "that one value."
        ),
        "c": (
            "Both are right on average, but not equally certain: one leans on a single value, the other on all "
            "ten."
        ),
    },
    right=(
        "The corrected average weighs the ten values nearly alike, which leaves 1/√10 of one value's scatter; "
        "the other leans on the first value with 83 %."
    ),
)

claim_nobody_needs = Quiz(
    "claim_nobody_needs",
    answer="12e29adf4bcae899",
    wrong={
        "true": "Look at the row β = 0.999: what does the average show at the end of a run of 230 updates?",
    },
    also={
        "depends": (
            "Whether *you* need it does depend on the run's length against ln(tolerance)/ln(β): 44 updates to 1 % "
            "with β = 0.9, 4,603 with 0.999. But the sentence says that nobody does, and at β = 0.999 a run of "
            "230 updates ends with 79.4 % missing. One such run makes it false."
        ),
    },
    right=(
        "False: with β = 0.999, a run of 230 updates ends with 79.4 % missing. Who does need it depends on the "
        "run's length against ln(tolerance)/ln(β): with β = 0.9 only 1 % is missing after 44 updates, with 0.999 "
        "after 4,603."
    ),
)

claim_ten_steps = Quiz(
    "claim_ten_steps",
    answer="266f50d0932a67d0",
    wrong={
        "true": "What does the table say for β = 0.9 after ten steps?",
        "depends": "The claim names both, β = 0.9 and ten steps. So there is one number to look at.",
    },
    right=("False: at β = 0.9 the average is still 0.9^10 = 35 % low after ten steps. One per cent takes 44."),
)

claim_unbiased = Quiz(
    "claim_unbiased",
    answer="42b7620ff18855a5",
    wrong={
        "true": "Look at the rising series: does the corrected average hit the truth of its day?",
        "false": "Look at the series of constant mean: is there a systematic error left?",
    },
    right=(
        "It depends on whether the mean changes. If it does not, the average is unbiased from the first day on. "
        "If it does, the average is late, corrected or not: the correction cures the start, not the lag."
    ),
)

claim_plain_mean_limit = Quiz(
    "claim_plain_mean_limit",
    answer="28e6fc31ad3553e4",
    wrong={
        "false": "The differences shrink by a factor of ten whenever 1 − β does. Where does that lead?",
        "depends": "On what? For each day t the weights all become 1/t when β comes close enough to 1.",
    },
    right=(
        "True: for β → 1 each weight becomes 1/t. An uncorrected average would stay at 0 instead. So the "
        "corrected EMA reaches from today's value (β = 0) to the mean of all (β → 1)."
    ),
)

quiz_first_value = Quiz(
    "quiz_first_value",
    answer="9473fb9c8464d8b0",
    wrong={
        "a": "The corrected value is 1.0 / (1 − 0.9).",
        "c": "0.9 is the share of the old average, which was 0. The new value enters with 0.1.",
        "d": "Uncorrected, v started at 0 and moved only a tenth of the way.",
    },
    right="v = 0.1 · 10 = 1, and 1/(1 − 0.9) = 10: after one day the best guess is that day's value.",
)

quiz_second_weights = Quiz(
    "quiz_second_weights",
    answer="08115737eb558f6d",
    wrong={
        "a": "These are the uncorrected weights (1 − β)β and 1 − β; they add up to 0.75 only.",
        "c": ("Equal weights belong to the plain mean; and to a start at the first value, which is another cure."),
        "d": "Right numbers, wrong way round: the newer value weighs more.",
    },
    right="0.25 and 0.5, divided by their sum 0.75: a third and two thirds.",
)

quiz_feedback_bug = Quiz(
    "quiz_feedback_bug",
    answer="db876fed3fe38345",
    wrong={
        "b": "The power is right: t counts from 1.",
        "c": "The shares are right: β for the old, 1 − β for the new.",
        "d": "Dividing is right. But look at which variable receives the quotient.",
    },
    right=(
        "The second line overwrites v with the corrected value, and the next step starts from it. Use a second "
        "name, v_hat."
    ),
)

quiz_checkpoint = Quiz(
    "quiz_checkpoint",
    answer="6da61d7699264670",
    wrong={
        "a": "Nothing would be needed if t had been saved, too. Look at what 1 − β^t is for t = 1.",
        "b": ("Too small would come from a v that starts at 0 and is not corrected. Here v is in full swing."),
        "c": "The rate plays no part: v is divided by 1 − β, which is 0.1.",
    },
    right=(
        "v is already at its full size, and dividing it by 1 − 0.9 makes it ten times too large. State is v "
        "*and* t: save both."
    ),
)

quiz_gap = Quiz(
    "quiz_gap",
    answer="6adbaa037697e076",
    wrong={
        "a": "That happens to v, the sum. But the sum of its weights shrinks just as much.",
        "c": "NaN is for the time before the first reading. Here older readings are known.",
        "d": "The last reading has no special part; all readings keep their proportions.",
    },
    right=(
        "Both sums shrink by 0.9¹⁰, so their quotient stays. What has changed is how much the next reading "
        "will count."
    ),
)
