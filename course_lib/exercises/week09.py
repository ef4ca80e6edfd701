"""Week 09, hyperparameter search: exercises with cases, misconceptions and hints.

Draws are judged by their shares, not one by one: there are many right ways to use a generator.
"""

import copy
import math

import numpy as np
from scipy import stats

from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, Seed, case


class Objective:
    """A function of settings made from its text, so that a call that is shown can be read, run and sent away."""

    def __init__(self, text):
        self.text = text
        self.function = eval(text, {"np": np})  # the texts are this module's own

    def __call__(self, config):
        """Return the value at `config`."""
        return self.function(config)

    def __repr__(self):
        return self.text

    def __deepcopy__(self, memo):
        return self  # nothing in it changes

    def __reduce__(self):
        return Objective, (self.text,)


class Watched:
    """An objective that notes the settings it is called with."""

    def __init__(self, objective):
        self.objective, self.seen = objective, []

    def __call__(self, config):
        """Return the value at `config`, and note a copy of it."""
        self.seen.append(copy.copy(config))
        return self.objective(config)

    def __deepcopy__(self, memo):
        return self  # what it notes is ours, not an argument that could be changed


def seed(rng):
    """Draw a seed for a case's own generator."""
    return Seed(int(rng.integers(1, 10**6)))


def another(rng):
    """Return another generator (also for those who draw from its children); `rng` stays as it is."""
    return np.random.default_rng(copy.deepcopy(rng).integers(2**32))


# ---------------------------------------------------------------------------------------------------------
# sample_log_uniform


def sample_log_uniform(low, high, *, size, rng):
    r = rng.uniform(np.log10(low), np.log10(high), size=size)
    return 10**r


def log_uniform_cases(rng):
    for low, high in [(1e-4, 1.0), (3e-4, 0.5), (2, 500), (1e-6, 1e-2), (0.04, 0.1)]:
        yield case("equal factors, equal shares", low, high, size=10_000, rng=seed(rng))
    for size in (1, 7, 40, 2000):
        yield case("the generator", 0.003, 0.9, size=size, rng=seed(rng))


def draws_of(call, case, rng):
    """Call for draws, and see that they are an array of the right shape."""
    kwargs = case.kwargs | {"rng": rng}
    try:
        draws = call(*case.args, **kwargs)
    except ValueError as error:
        if "high - low" in str(error):
            raise ContractError(
                "`rng.uniform` got its bounds the wrong way round: the first must be the smaller one. Which of "
                "your two logarithms is smaller?"
            ) from error
        raise
    size = case.kwargs["size"]
    if not isinstance(draws, np.ndarray) or draws.shape != (size,):
        shape = f"shape {draws.shape}" if isinstance(draws, np.ndarray) else f"type `{type(draws).__name__}`"
        raise ContractError(f"The draws should be a NumPy array of shape ({size},), but came as {shape}.")
    return draws


def shares(values, edges):
    """Return the shares below the first edge, between edges and above the last.

    To a hundredth, and exactly equal where they are equal but for chance: five standard deviations of the number
    of draws that the cases ask for.
    """
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    share, equal = counts / len(values), 1 / (len(edges) - 1)
    chance = 5 * np.sqrt(equal * (1 - equal) / len(values))
    inside = slice(1, -1)
    share[inside] = np.where(np.abs(share[inside] - equal) < chance, equal, share[inside])
    return np.round(share, 2)


def hangs_together(values):
    """Whether each value depends on the one before it, as in sorted draws."""
    ranks = stats.rankdata(values)
    if not np.ptp(ranks) > 0:
        return True
    return bool(abs(np.corrcoef(ranks[1:], ranks[:-1])[0, 1]) > 0.2)


def observe_draws(scale, edges_of):
    """Return an `observe` that looks at shares between edges, or at how the generator is used."""

    def observe(call, case):
        rng = case.kwargs["rng"]
        if case.part == "the generator":
            twin, other = copy.deepcopy(rng), another(rng)
            first, second = draws_of(call, case, rng), draws_of(call, case, rng)
            long = len(first) >= 1000
            return {
                "a second call with the same `rng` gives new draws": not np.array_equal(first, second),
                "an equal generator gives equal draws": np.array_equal(first, draws_of(call, case, twin)),
                "another generator gives other draws": not np.array_equal(first, draws_of(call, case, other)),
                "each draw hangs together with the one before it": long and hangs_together(first),
            }
        draws = draws_of(call, case, rng)
        low, high = case.args
        beyond = 1e-9 * (high - low)  # a draw may round to just outside
        edges = edges_of(low, high)
        edges[[0, -1]] += [-beyond, beyond]
        share = f"the share of draws below `low`, in each fifth of the {scale} scale, above `high`"
        return {
            "nearly all draws are different (no short list, nothing cut off at the bounds)": bool(
                len(np.unique(draws)) > 0.9 * len(draws)  # in float32 some coincide
            ),
            share: shares(draws, edges),
        }

    return observe


sample_rate = Exercise(
    sample_log_uniform,
    parts={"equal factors, equal shares": 3, "the generator": 1},
    cases=log_uniform_cases,
    observe=observe_draws("logarithmic", lambda low, high: np.geomspace(low, high, 6)),
    hints=(
        "What should be uniform is the logarithm of the draws, not the draws.",
        "First the bounds of the exponent, two logarithms. Then uniform exponents between them. Then the "
        "power, with the same base as the logarithm.",
        "`r = rng.uniform(np.log10(low), np.log10(high), size=size)`, and the draws are `10**r`.",
    ),
    explain="why does the base of the logarithm not matter, as long as it is the same twice?",
)


@sample_rate.misconception(
    "The bounds themselves became exponents: `10 ** uniform(low, high)`. Between 0.0001 and 1 that draws from "
    "1 to 10. The exponent runs between the *logarithms* of the bounds, here −4 and 0."
)
def bounds_as_exponents(low, high, *, size, rng):
    with np.errstate(over="ignore"):
        return 10 ** rng.uniform(low, high, size=size)


@sample_rate.misconception(
    "These draws are uniform on the ordinary scale: nearly all lie in the topmost power of ten. Draw the "
    "logarithm uniformly, then undo it."
)
def uniform_itself(low, high, *, size, rng):
    return rng.uniform(low, high, size=size)


@sample_rate.misconception(
    "You return the exponents. They are uniform, as they should be; the draws are 10 to the power of them."
)
def exponents_returned(low, high, *, size, rng):
    return rng.uniform(np.log10(low), np.log10(high), size=size)


@sample_rate.misconception(
    "`-4 * rng.random()` is the lecture's line for the bounds 0.0001 and 1 only. Compute the exponents' bounds "
    "from `low` and `high`."
)
def always_four_decades(low, high, *, size, rng):
    return 10 ** (-4 * rng.random(size))


@sample_rate.misconception(
    "Only whole powers of ten come out. The exponent is any number between the two logarithms, not a whole one."
)
def whole_powers_only(low, high, *, size, rng):
    lowest, highest = math.floor(np.log10(low)), math.ceil(np.log10(high))
    return 10.0 ** rng.integers(lowest, highest, endpoint=True, size=size)


@sample_rate.misconception(
    "Every call returns the same values, whatever `rng` is: either you make a generator with a fixed seed "
    "inside the function, or the values are a grid and not random at all. Draw from the `rng` that is passed "
    "in."
)
def seed_fixed_inside(low, high, *, size, rng):
    return sample_log_uniform(low, high, size=size, rng=np.random.default_rng(0))


@sample_rate.misconception(
    "The draws come in order of size, so each hangs together with the one before it. They should be independent: "
    "leave them as `rng` gives them."
)
def in_order(low, high, *, size, rng):
    return np.sort(sample_log_uniform(low, high, size=size, rng=rng))


@sample_rate.misconception(
    "You draw from a copy of `rng` (`copy.deepcopy`?), so `rng` itself does not move on and a second call repeats "
    "the first. Draw from `rng` itself."
)
def generator_copied(low, high, *, size, rng):
    return sample_log_uniform(low, high, size=size, rng=copy.deepcopy(rng))


@sample_rate.misconception("One exponent is drawn and used for all. Draw `size` of them.")
def one_for_all(low, high, *, size, rng):
    return np.full(size, sample_log_uniform(low, high, size=1, rng=rng)[0])


@sample_rate.misconception(
    "You draw 1/x uniformly. That favours small values far too much: half of the draws lie below twice `low`. "
    "It is the logarithm that should be uniform."
)
def reciprocal_uniform(low, high, *, size, rng):
    return 1 / rng.uniform(1 / high, 1 / low, size=size)


@sample_rate.misconception(
    "Two different bases: logarithms to base 10, and then `np.exp`. Either `np.log10` and `10**r`, or `np.log` "
    "and `np.exp(r)`."
)
def log_ten_power_of_e(low, high, *, size, rng):
    return np.exp(rng.uniform(np.log10(low), np.log10(high), size=size))


@sample_rate.alternative
def powers_of_the_ratio(low, high, *, size, rng):
    return low * (high / low) ** rng.random(size)


@sample_rate.alternative
def from_the_top(low, high, *, size, rng):
    return np.exp(np.log(high) - rng.random(size) * np.log(high / low))


@sample_rate.alternative
def scipys(low, high, *, size, rng):
    return stats.loguniform(low, high).rvs(size=size, random_state=rng)


@sample_rate.alternative
def one_by_one(low, high, *, size, rng):
    return np.array([math.exp(rng.uniform(math.log(low), math.log(high))) for _ in range(size)])


# ---------------------------------------------------------------------------------------------------------
# sample_beta


def sample_beta(low, high, *, size, rng):
    r = rng.uniform(np.log10(1 - high), np.log10(1 - low), size=size)
    return 1 - 10**r


def beta_cases(rng):
    for low, high in [(0.9, 0.999), (0.5, 0.99), (0.8, 0.9999), (0.0, 0.95)]:
        yield case("equal factors of 1 − beta", low, high, size=10_000, rng=seed(rng))
    for size in (1, 7, 40, 2000):
        yield case("the generator", 0.6, 0.99, size=size, rng=seed(rng))


beta = Exercise(
    sample_beta,
    parts={"equal factors of 1 − beta": 2, "the generator": 1},
    cases=beta_cases,
    observe=observe_draws("1 − beta", lambda low, high: 1 - np.geomspace(1 - low, 1 - high, 6)),
    hints=(
        "What works by factors is the distance of beta from 1.",
        "Draw 1 − beta log-uniformly. Its bounds are 1 − high and 1 − low; mind which of them is smaller. Then "
        "turn it back into beta.",
        "`r = rng.uniform(np.log10(1 - high), np.log10(1 - low), size=size)`, and the draws are `1 - 10**r`.",
    ),
    explain="why do 0.999 and 0.9995 differ more than 0.9 and 0.9005, and what has that to do with week 02?",
)


@beta.misconception(
    "These draws of beta are uniform. Half of a memory's powers of ten get nearly nothing: between 0.9 and "
    "0.999 only one draw in eleven would exceed 0.99. Draw the distance 1 − beta on a logarithmic scale."
)
def beta_uniform(low, high, *, size, rng):
    return rng.uniform(low, high, size=size)


@beta.misconception(
    "Beta itself is log-uniform here. Near 1 a logarithm is almost straight, so that is hardly different from "
    "uniform draws. What works by factors is the distance 1 − beta."
)
def beta_log_uniform(low, high, *, size, rng):
    return 10 ** rng.uniform(np.log10(low), np.log10(high), size=size)


@beta.misconception(
    "The bounds of beta became exponents. The exponent runs between the logarithms of 1 − high and 1 − low."
)
def beta_bounds_as_exponents(low, high, *, size, rng):
    return 1 - 10 ** rng.uniform(low, high, size=size)


@beta.misconception(
    "You draw the memory 1/(1 − beta) uniformly. Then nearly all draws have a long memory: of those between 10 "
    "and 1,000 steps only one in eleven has less than 100. Memory works by factors, too: draw its logarithm "
    "uniformly."
)
def memory_uniform(low, high, *, size, rng):
    return 1 - 1 / rng.uniform(1 / (1 - low), 1 / (1 - high), size=size)


@beta.misconception("Two different bases: logarithms to base 10, and then `np.exp`. Take the same base twice.")
def beta_log_ten_power_of_e(low, high, *, size, rng):
    return 1 - np.exp(rng.uniform(np.log10(1 - high), np.log10(1 - low), size=size))


@beta.misconception(
    "The 1 − is in the wrong place: you draw beta log-uniformly and subtract the draw from 1. First take the "
    "distances 1 − high and 1 − low, then draw between *their* logarithms."
)
def subtracted_too_late(low, high, *, size, rng):
    return 1 - 10 ** rng.uniform(np.log10(low), np.log10(high), size=size)


@beta.misconception(
    "Every call returns the same values, whatever `rng` is: either you make a generator with a fixed seed "
    "inside the function, or the values are a grid and not random at all. Draw from the `rng` that is passed "
    "in."
)
def beta_seed_fixed_inside(low, high, *, size, rng):
    return sample_beta(low, high, size=size, rng=np.random.default_rng(0))


@beta.misconception(
    "The draws come in order of size, so each hangs together with the one before it. They should be independent: "
    "leave them as `rng` gives them."
)
def beta_in_order(low, high, *, size, rng):
    return np.sort(sample_beta(low, high, size=size, rng=rng))


@beta.misconception(
    "You draw from a copy of `rng` (`copy.deepcopy`?), so `rng` itself does not move on and a second call repeats "
    "the first. Draw from `rng` itself."
)
def beta_generator_copied(low, high, *, size, rng):
    return sample_beta(low, high, size=size, rng=copy.deepcopy(rng))


@beta.alternative
def by_memory(low, high, *, size, rng):
    memory = np.exp(rng.uniform(-np.log1p(-low), -np.log1p(-high), size=size))
    return 1 - 1 / memory


@beta.alternative
def by_the_other_exercise(low, high, *, size, rng):
    return 1 - sample_log_uniform(1 - high, 1 - low, size=size, rng=rng)


@beta.alternative
def by_the_ratio(low, high, *, size, rng):
    return 1 - (1 - low) * ((1 - high) / (1 - low)) ** rng.random(size)


# ---------------------------------------------------------------------------------------------------------
# random_search


def random_search(objective, space, *, trials, rng):
    history = []
    for _ in range(trials):
        config = {}
        for name, (scale, low, high) in space.items():
            if scale == "log":
                config[name] = float(10 ** rng.uniform(np.log10(low), np.log10(high)))
            elif scale == "integer":
                config[name] = int(rng.integers(low, high, endpoint=True))
            else:
                config[name] = float(rng.uniform(low, high))
        history.append((config, objective(config)))
    best = min(history, key=lambda trial: np.inf if np.isnan(trial[1]) else trial[1])
    return best, history


def search_cases(rng):
    record = "the record and its best"
    a, b = rng.uniform(0.1, 0.9, size=2).round(2)
    both = Objective(f"lambda config: abs(np.log10(config['lr']) + {1 + a}) + abs(config['units'] - 20)")
    space = {"lr": ("log", 1e-4, 1.0), "units": ("integer", 10, 30)}
    for trials in (25, 2, 60):
        yield case(record, both, space, trials=trials, rng=seed(rng))
    for shape in (
        f"(config['lr'] - {a}) ** 2 + {b} * config['lr']",
        "1e9 + 1e9 * config['lr']",
        "-1 - config['lr']",
    ):
        line = {"lr": ("linear", 0.0, 2.0)}
        yield case(record, Objective(f"lambda config: {shape}"), line, trials=30, rng=seed(rng))
    many = {
        "lr": ("log", 3e-5, 0.2),
        "layers": ("integer", 2, 4),
        "dropout": ("linear", 0.1, 0.6),
        "penalty": ("log", 1e-3, 5.0),
    }
    flat = Objective("lambda config: config['dropout'] + config['layers']")
    yield case("the scales", flat, many, trials=2000, rng=seed(rng))
    often = Objective("lambda config: float('nan') if config['lr'] > 0.1 else config['lr']")
    wide = {"lr": ("linear", 0.0, 0.5)}
    for _ in range(5):
        yield case("NaN, calls and the generator", often, wide, trials=40, rng=seed(rng))
    both_kinds = Objective(
        "lambda config: config['lr'] if config['lr'] < 0.3 else float('nan' if config['lr'] > 0.4 else 'inf')"
    )
    yield case("NaN, calls and the generator", both_kinds, wide, trials=40, rng=seed(rng))


def is_trial(trial, space):
    """Whether something is a pair of a dict with the right keys and a number."""
    pair = isinstance(trial, tuple | list) and len(trial) == 2 and isinstance(trial[0], dict)
    return pair and set(trial[0]) == set(space) and isinstance(trial[1], float | int | np.number)


def search_result(call, case, rng, objective=None):
    """Run the search, and see that what comes back has the form that the contract asks for."""
    space = case.args[1]
    found = call(objective or case.args[0], space, trials=case.kwargs["trials"], rng=rng)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise ContractError("The function should return two things: `best` and `history`.")
    best, history = found
    if not is_trial(best, space):
        raise ContractError(
            "`best` should be a pair (config, value): a dict with one value for each name in `space`, and a "
            "number."
        )
    if not isinstance(history, list | tuple) or not all(is_trial(trial, space) for trial in history):
        raise ContractError(
            "`history` should be a list of pairs (config, value), each config a dict with one value for each "
            "name in `space`."
        )
    return best, history


def same(a, b):
    """Whether two values agree, NaN with NaN."""
    return math.isclose(a, b, rel_tol=1e-9) or (math.isnan(a) and math.isnan(b))


def observe_search(call, case):
    objective, space = case.args
    rng = case.kwargs["rng"]
    twin, other, watched = copy.deepcopy(rng), another(rng), Watched(objective)
    best, history = search_result(call, case, rng, watched)
    if case.part == "the scales":
        return scales_of(history, space)
    values = [value for _, value in history]
    seen = {
        "the number of trials in `history`": len(history),
        "each value in `history` is the objective's at its config": all(same(objective(c), v) for c, v in history),
        "the value of `best` is the objective's at its config": same(objective(best[0]), best[1]),
        "the value of `best` is a number and not NaN": not math.isnan(best[1]),
        "`best` has the lowest value in `history`": same(best[1], np.nanmin(values)),
        "the config of `best` is in `history`": any(best[0] == config for config, _ in history),
        "all configs differ": all(a != b for i, (a, _) in enumerate(history) for b, _ in history[:i]),
    }
    if case.part == "NaN, calls and the generator":
        seen["calls of the objective"] = len(watched.seen)
        in_order = [config for config, _ in history] == watched.seen
        seen["`history` is in the order in which the settings were tried"] = in_order
        again, equal = search_result(call, case, rng)[1], search_result(call, case, twin)[1]
        seen["a second call with the same `rng` tries other settings"] = again[0][0] != history[0][0]
        seen["an equal generator gives the same settings"] = [c for c, _ in equal] == [c for c, _ in history]
        seen["another generator gives other settings"] = search_result(call, case, other)[1][0][0] != history[0][0]
    return seen


def scales_of(history, space):
    """Return for each setting its type and shares, and whether settings hang together."""
    seen, ranks = {}, []
    for name, (scale, low, high) in space.items():
        values = [config[name] for config, _ in history]
        ranks.append(stats.rankdata(values))
        if scale == "integer":
            whole = all(isinstance(value, int | np.integer) for value in values)
            seen[f"`{name}` is always a whole number (an `int`)"] = whole
            numbers = sorted({int(value) for value in values})
            seen[f"the numbers that `{name}` takes"] = ", ".join(map(str, numbers))
            if numbers != list(range(low, high + 1)):
                continue  # shares of other numbers would only say the same, less clearly
            edges = np.arange(low, high + 2) - 0.5
            text = f"the share of `{name}` below {low}, at each number from {low} to {high}, above {high}"
        else:
            edges = np.geomspace(low, high, 5) if scale == "log" else np.linspace(low, high, 5)
            edges = edges * np.array([1 - 1e-9, 1, 1, 1, 1 + 1e-9])
            kind = "logarithmic" if scale == "log" else "linear"
            text = f"the share of `{name}` below {low:g}, in each quarter of its {kind} scale, above {high:g}"
        seen[text] = shares(np.array(values, dtype=float), edges)
    seen["the settings of a trial hang together with those of the trial before"] = any(map(hangs_together, ranks))
    between = np.corrcoef(ranks) if all(np.ptp(r) > 0 for r in ranks) else np.ones((2, 2))
    seen["the settings are drawn independently of each other"] = bool(
        np.abs(between - np.eye(len(between))).max() < 0.2
    )
    return seen


searching = Exercise(
    random_search,
    parts={"the record and its best": 2, "the scales": 2, "NaN, calls and the generator": 1},
    cases=search_cases,
    allows=Allows(ends={"trials": (1,)}, part="the record and its best"),
    observe=observe_search,
    hints=(
        "Two loops: over trials, and inside it over the settings of one trial. A new dict for every trial.",
        "A draw per setting, by its scale. Then call the objective once and note the pair (config, value). At "
        "the end look for the lowest value, with NaN counted as infinitely bad.",
        "`rng.integers(low, high, endpoint=True)` reaches the top. `min(history, key=lambda trial: np.inf if "
        "np.isnan(trial[1]) else trial[1])` is the best trial.",
    ),
    explain="why must every trial have a dict of its own, and why does NaN need a sentence of its own?",
    equivalent={
        "line moved into the loop: best = min(history, key=lambda trial: np.inf if np.isnan(trial[1]) else trial[1]) → nothing": "the last turn computes it from all trials",
        "range: range(trials) → range(1, trials + 1)": "the number of the turn is not used",
        "range: range(trials) → range(-1, trials - 1)": "the number of the turn is not used",
        "order of operations: float(10 ** rng.uniform(np.log10(low), np.log10(high))) → float(10) ** rng.uniform(np.log10(low), np.log10(high))": "numbers count, not their type",
        "function dropped: float(10 ** rng.uniform(np.log10(low), np.log10(high))) → 10 ** rng.uniform(np.log10(low), np.log10(high))": "numbers count, not their type",
        "function dropped: int(rng.integers(low, high, endpoint=True)) → rng.integers(low, high, endpoint=True)": "numbers count, not their type",
        "function dropped: float(rng.uniform(low, high)) → rng.uniform(low, high)": "numbers count, not their type",
    },
)


def draw_setting(scale, low, high, rng):
    """Draw one setting as it should be."""
    if scale == "log":
        return float(10 ** rng.uniform(np.log10(low), np.log10(high)))
    if scale == "integer":
        return int(rng.integers(low, high, endpoint=True))
    return float(rng.uniform(low, high))


def lowest(history):
    """Return the best trial, NaN last."""
    return min(history, key=lambda trial: math.inf if math.isnan(trial[1]) else trial[1])


def search_with(objective, space, *, trials, rng, draw=draw_setting, pick=lowest):
    """Search with its pieces replaced."""
    history = []
    for _ in range(trials):
        config = {name: draw(*bounds, rng) for name, bounds in space.items()}
        history.append((config, objective(config)))
    return pick(history), history


@searching.misconception("You pick the highest value. The objective is a loss: lower is better.")
def highest_picked(objective, space, *, trials, rng):
    def pick(history):
        return max(history, key=lambda trial: -math.inf if math.isnan(trial[1]) else trial[1])

    return search_with(objective, space, trials=trials, rng=rng, pick=pick)


@searching.misconception(
    "All entries of the history hold one and the same dict, so they all show the last settings. Make a new "
    "dict inside the loop, for every trial."
)
def one_dict_for_all(objective, space, *, trials, rng):
    history, config = [], {}
    for _ in range(trials):
        for name, bounds in space.items():
            config[name] = draw_setting(*bounds, rng)
        history.append((config, objective(config)))
    return lowest(history), history


@searching.misconception(
    "The best value is right, but its settings are those of the last trial. Keep the config together with its "
    "value, as one pair."
)
def config_of_the_last(objective, space, *, trials, rng):
    best, history = search_with(objective, space, trials=trials, rng=rng)
    return (history[-1][0], best[1]), history


@searching.misconception(
    "One random number places all settings of a trial, so they rise and fall together: you search along a line "
    "through the space. Every setting needs a draw of its own."
)
def one_number_for_all(objective, space, *, trials, rng):
    def place(scale, low, high, u):
        if scale == "log":
            return low * (high / low) ** u
        return int(low + (high - low + 1) * u) if scale == "integer" else low + (high - low) * u

    history = []
    for _ in range(trials):
        u = rng.random()
        config = {name: place(*bounds, u) for name, bounds in space.items()}
        history.append((config, objective(config)))
    return lowest(history), history


@searching.misconception(
    'The scale "log" is ignored: those settings are drawn uniformly, so most lie in the topmost power of ten.'
)
def scales_ignored(objective, space, *, trials, rng):
    def draw(scale, low, high, rng):
        return draw_setting("linear" if scale == "log" else scale, low, high, rng)

    return search_with(objective, space, trials=trials, rng=rng, draw=draw)


@searching.misconception(
    'For "log" the bounds themselves became exponents. The exponent runs between their logarithms.'
)
def search_bounds_as_exponents(objective, space, *, trials, rng):
    def draw(scale, low, high, rng):
        return float(10 ** rng.uniform(low, high)) if scale == "log" else draw_setting(scale, low, high, rng)

    return search_with(objective, space, trials=trials, rng=rng, draw=draw)


@searching.misconception(
    'For "log" two different bases are mixed: natural logarithms of the bounds, and then a power of 10.'
)
def search_bases_mixed(objective, space, *, trials, rng):
    def draw(scale, low, high, rng):
        if scale == "log":
            return float(10 ** rng.uniform(np.log(low), np.log(high)))
        return draw_setting(scale, low, high, rng)

    return search_with(objective, space, trials=trials, rng=rng, draw=draw)


@searching.misconception(
    "Rounding a uniform draw gives the two ends of a whole-number range only half a share each. Use "
    "`rng.integers(low, high, endpoint=True)`."
)
def integers_rounded(objective, space, *, trials, rng):
    def draw(scale, low, high, rng):
        return round(rng.uniform(low, high)) if scale == "integer" else draw_setting(scale, low, high, rng)

    return search_with(objective, space, trials=trials, rng=rng, draw=draw)


@searching.misconception(
    "A trial that diverged won: its value is NaN. `np.argmin` returns the first NaN. Count NaN as infinitely "
    "bad, or use `np.nanargmin`."
)
def nan_wins(objective, space, *, trials, rng):
    def pick(history):
        return history[int(np.argmin([value for _, value in history]))]

    return search_with(objective, space, trials=trials, rng=rng, pick=pick)


@searching.misconception(
    "Trials that diverged are missing in your history. They must not win, but they were tried: note all of them."
)
def nan_left_out(objective, space, *, trials, rng):
    best, history = search_with(objective, space, trials=trials, rng=rng)
    return best, [trial for trial in history if not math.isnan(trial[1])]


@searching.misconception(
    "Your history holds infinity where the objective returned NaN. Count NaN as infinitely bad when you compare, "
    "but note what was returned."
)
def nan_noted_as_infinity(objective, space, *, trials, rng):
    best, history = search_with(objective, space, trials=trials, rng=rng)
    return best, [(config, math.inf if math.isnan(value) else value) for config, value in history]


@searching.misconception(
    "The history is sorted by value. It is a record: leave it in the order in which the settings were tried, and "
    "look for the best with `min`, or sort a copy."
)
def history_sorted(objective, space, *, trials, rng):
    best, history = search_with(objective, space, trials=trials, rng=rng)
    return best, sorted(history, key=lambda trial: math.inf if math.isnan(trial[1]) else trial[1])


@searching.misconception(
    "The objective is called twice per trial, once for the history and once to compare. A call is a training: it "
    "costs time, and the next one may end elsewhere. Call it once and keep the value in a variable."
)
def called_twice(objective, space, *, trials, rng):
    def pick(history):
        return lowest([(config, objective(config)) for config, _ in history])

    return search_with(objective, space, trials=trials, rng=rng, pick=pick)


@searching.misconception(
    "The settings are drawn once, before the loop, so every trial is the same. Draw inside the loop over trials."
)
def drawn_once(objective, space, *, trials, rng):
    config = {name: draw_setting(*bounds, rng) for name, bounds in space.items()}
    history = [(config, objective(config)) for _ in range(trials)]
    return lowest(history), history


@searching.misconception(
    "You make a generator with a fixed seed inside the function, so every search tries the same settings. Use "
    "the `rng` that is passed in."
)
def search_seed_fixed_inside(objective, space, *, trials, rng):
    return random_search(objective, space, trials=trials, rng=np.random.default_rng(0))


@searching.misconception(
    "You draw from a copy of `rng` (`copy.deepcopy`?), so `rng` itself does not move on and a second search tries "
    "the same settings again. Draw from `rng` itself."
)
def search_generator_copied(objective, space, *, trials, rng):
    return random_search(objective, space, trials=trials, rng=copy.deepcopy(rng))


@searching.misconception(
    "Whole numbers never reach their upper bound. `int(...)` cuts the decimals off, and `rng.integers(low, "
    "high)` leaves `high` out unless you say `endpoint=True`."
)
def top_never_reached(objective, space, *, trials, rng):
    def draw(scale, low, high, rng):
        return int(rng.uniform(low, high)) if scale == "integer" else draw_setting(scale, low, high, rng)

    return search_with(objective, space, trials=trials, rng=rng, draw=draw)


@searching.alternative
def best_so_far(objective, space, *, trials, rng):
    best, history = None, []
    for _ in range(trials):
        config = {name: draw_setting(*bounds, rng) for name, bounds in space.items()}
        value = objective(config)
        if best is None or value < best[1] or np.isnan(best[1]):
            best = (config, value)
        history.append((config, value))
    return best, history


@searching.alternative
def setting_by_setting(objective, space, *, trials, rng):
    columns = {}
    for name, (scale, low, high) in space.items():
        if scale == "integer":
            columns[name] = [int(k) for k in low + np.floor((high - low + 1) * rng.random(trials))]
        elif scale == "log":
            columns[name] = np.exp(rng.uniform(np.log(low), np.log(high), trials)).tolist()
        else:
            columns[name] = (high - (high - low) * rng.random(trials)).tolist()
    configs = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    values = [objective(config) for config in configs]
    history = list(zip(configs, values, strict=True))
    return history[int(np.nanargmin(values))], history


# ---------------------------------------------------------------------------------------------------------
# coarse_to_fine


def coarse_to_fine(settings, values, *, keep, margin):
    best = settings[np.argsort(values)[:keep]]
    return best.min(axis=0) / margin, best.max(axis=0) * margin


def zoom_cases(rng):
    def drawn(trials, d):
        settings = 10 ** rng.uniform(-3, 2, size=(trials, d))
        return settings.round(5) + 1e-5, rng.permutation(trials) / 10 - 0.25

    for trials, keep, margin in [(6, 2, 2.0), (8, 3, 1.5), (12, 4, 3.0), (5, 1, 1.2), (4, 4, 2.0)]:
        yield case("the best trials", *drawn(trials, 1), keep=keep, margin=margin)
    for trials, d, keep, margin in [(6, 2, 2, 1.5), (9, 3, 4, 2.0), (3, 4, 2, 1.1)]:
        yield case("several settings", *drawn(trials, d), keep=keep, margin=margin)
    for trials, d, keep, margin in [(7, 2, 3, 1.3), (9, 1, 2, 2.5)]:
        settings = 2 * rng.integers(4, 60, size=(trials, d)) + 1  # whole numbers whose bounds are none
        yield case("several settings", settings, drawn(trials, d)[1], keep=keep, margin=margin)
    for trials, bad, keep in [(7, 2, 3), (8, 5, 2), (6, 1, 1), (14, 6, 4)]:
        settings, values = drawn(trials, 2)
        values[rng.permutation(trials)[:bad]] = np.nan
        yield case("trials that diverged", settings, values, keep=keep, margin=1.6)
    settings, values = drawn(9, 2)
    values[rng.permutation(9)[:5]] = np.nan, np.nan, np.inf, np.nan, np.inf
    yield case("trials that diverged", settings, values, keep=3, margin=1.6)


zooming = Exercise(
    coarse_to_fine,
    parts={"the best trials": 2, "several settings": 1, "trials that diverged": 1},
    cases=zoom_cases,
    allows=Allows(single=("settings", "values"), ends={"keep": (1,)}),
    returns=("low", "high"),
    hints=(
        "Which rows of `settings` belong to the lowest values? Forget the others.",
        "`np.argsort(values)` gives the row numbers from the best to the worst, NaN at the end. Of the rows "
        "kept, take the smallest and the largest per column.",
        "`best = settings[np.argsort(values)[:keep]]`, then `best.min(axis=0) / margin` and `best.max(axis=0) "
        "* margin`.",
    ),
    explain="why may the new range reach beyond the old one, and why by a factor and not by an amount?",
)


def zoom_with(settings, values, *, keep, margin, pick=lambda values, keep: np.argsort(values)[:keep], widen=None):
    """Zoom with its pieces replaced."""
    best = settings[pick(values, keep)]
    low, high = best.min(axis=0), best.max(axis=0)
    return widen(low, high, margin) if widen else (low / margin, high * margin)


@zooming.misconception(
    "You keep the end of the order: the highest values, and NaN before all of them. The objective is a loss: "
    "lower is better."
)
def order_reversed(settings, values, *, keep, margin):
    return zoom_with(settings, values, keep=keep, margin=margin, pick=lambda v, k: np.argsort(v)[::-1][:k])


@zooming.misconception(
    "The margin is added and subtracted. On a logarithmic scale it is a *factor*: divide the lower end by it, "
    "multiply the upper one. (Subtracting can even take a learning rate below 0.)"
)
def margin_added(settings, values, *, keep, margin):
    return zoom_with(settings, values, keep=keep, margin=margin, widen=lambda a, b, m: (a - m, b + m))


@zooming.misconception(
    "The lower end is moved by a share of itself, `low * (2 - margin)`, which is not the same factor as at the "
    "upper end. Divide by the margin."
)
def lower_end_by_a_share(settings, values, *, keep, margin):
    return zoom_with(settings, values, keep=keep, margin=margin, widen=lambda a, b, m: (a * (2 - m), b * m))


@zooming.misconception(
    "Your range is cut off at the settings already tried. If the best trials lie at the edge, the optimum may "
    "be outside, and the search must be able to follow it: let the margin reach beyond."
)
def clipped_to_the_old_range(settings, values, *, keep, margin):
    low, high = zoom_with(settings, values, keep=keep, margin=margin)
    return np.maximum(low, settings.min(axis=0)), np.minimum(high, settings.max(axis=0))


@zooming.misconception(
    "The smallest and the largest are taken over all settings together, so the learning rate gets the range of "
    "the units. Each column has its own: `axis=0`."
)
def all_columns_together(settings, values, *, keep, margin):
    return zoom_with(
        settings,
        values,
        keep=keep,
        margin=margin,
        widen=lambda a, b, m: (np.full_like(a, a.min() / m), np.full_like(b, b.max() * m)),
    )


@zooming.misconception(
    "You take the settings of the very best and of the last that you keep. Their places in the order say nothing "
    "about size: take the smallest and the largest of all that are kept, per column."
)
def first_and_last_kept(settings, values, *, keep, margin):
    best = settings[np.argsort(values)[:keep]]
    return best[0] / margin, best[-1] * margin


@zooming.misconception(
    "The settings are sorted by their own size, not by their values, so you keep the smallest settings and not "
    "the best."
)
def sorted_apart(settings, values, *, keep, margin):
    return zoom_with(np.sort(settings, axis=0), values, keep=keep, margin=margin, pick=lambda v, k: np.arange(k))


@zooming.misconception(
    "Trials that diverged are among your best. Sorting puts NaN at the *end*, and after a change of sign or of "
    "order that end is your beginning. Count NaN as the worst."
)
def nan_kept(settings, values, *, keep, margin):
    return zoom_with(settings, values, keep=keep, margin=margin, pick=lambda v, k: np.argsort(-v)[-k:])


@zooming.misconception(
    "Python's `sorted` cannot order NaN, which is neither smaller nor larger than anything, so the others stop "
    "being sorted, too. `np.argsort` puts NaN at the end."
)
def sorted_around_nan(settings, values, *, keep, margin):
    return zoom_with(
        settings, values, keep=keep, margin=margin, pick=lambda v, k: sorted(range(len(v)), key=lambda i: v[i])[:k]
    )


@zooming.misconception(
    "You take the mean of the best trials and a margin around it. How far the best are apart says how wide the "
    "next range must be: use their smallest and largest."
)
def around_the_mean(settings, values, *, keep, margin):
    centre = settings[np.argsort(values)[:keep]].mean(axis=0)
    return centre / margin, centre * margin


@zooming.alternative
def column_by_column(settings, values, *, keep, margin):
    rows = sorted(range(len(values)), key=lambda i: np.inf if np.isnan(values[i]) else values[i])[:keep]
    columns = [[settings[i, j] for i in rows] for j in range(settings.shape[1])]
    return np.array([min(c) / margin for c in columns]), np.array([max(c) * margin for c in columns])


@zooming.alternative
def on_the_logarithmic_scale(settings, values, *, keep, margin):
    worst_last = np.where(np.isnan(values), np.inf, values)
    exponents = np.log(settings[np.argpartition(worst_last, keep - 1)[:keep]])
    room = np.log(margin)
    return np.exp(exponents.min(axis=0) - room), np.exp(exponents.max(axis=0) + room)


# ---------------------------------------------------------------------------------------------------------
# successive_halving


def successive_halving(curves, *, least, factor):
    n, most = curves.shape
    alive = np.arange(n)
    epochs = least
    spent = n * least
    while len(alive) > 1:
        order = np.argsort(curves[alive, epochs - 1])
        alive = alive[order[: max(1, len(alive) // factor)]]
        longer = min(epochs * factor, most)
        spent += len(alive) * (longer - epochs)
        epochs = longer
    return int(alive[0]), spent


def halving_cases(rng):
    def table(n, T):
        return rng.permutation(n * T).reshape(n, T) / 10 + 0.1

    for n, T, least, factor in [(4, 4, 1, 2), (8, 8, 1, 2), (9, 9, 1, 3), (27, 27, 1, 3), (16, 16, 2, 2)]:
        yield case("the rounds", table(n, T), least=least, factor=factor)
    for n, T, least, factor in [(1, 5, 2, 2), (2, 6, 1, 3), (7, 16, 1, 2), (11, 30, 2, 3), (20, 40, 1, 4)]:
        yield case("any number of settings", table(n, T), least=least, factor=factor)
    for n, T, least, factor in [(12, 3, 1, 2), (20, 10, 2, 3), (9, 4, 3, 2)]:
        yield case("short tables and NaN", table(n, T), least=least, factor=factor)
    for n, T in [(9, 9), (12, 12), (15, 9), (27, 27)]:
        curves = table(n, T)
        for row in rng.permutation(n)[: n // 2]:
            curves[row, int(rng.integers(0, 3)) :] = np.nan
        yield case("short tables and NaN", curves, least=1, factor=3)
    for first in (
        0,
        1,
    ):  # five are left when the table ends: with or without the best of them, three diverge there
        curves = table(10, 3)
        curves[np.argsort(curves[:, 1])[first : first + 3], 2] = np.nan
        yield case("short tables and NaN", curves, least=2, factor=2)


halving = Exercise(
    successive_halving,
    parts={"the rounds": 2, "any number of settings": 1, "short tables and NaN": 1},
    cases=halving_cases,
    allows=Allows(single=("curves",), ends={"least": (4,), "factor": (100,)}),
    returns=("winner", "spent"),
    hints=(
        "Keep a list of the rows that are left, and the number of epochs they have. One turn of the loop is "
        "one round.",
        "The loss after `epochs` epochs is in column `epochs - 1`. Sort the rows that are left by it and keep "
        "the first `max(1, len(alive) // factor)`. Each of those is trained on for the *difference* of new and "
        "old epochs.",
        "`order = np.argsort(curves[alive, epochs - 1])`, `alive = alive[order[:max(1, len(alive) // "
        "factor)]]`, then `spent += len(alive) * (longer - epochs)` with `longer = min(epochs * factor, most)`.",
    ),
    explain="why does every round cost about the same, and which settings does the method treat unfairly?",
    equivalent={
        "name: least → epochs": "epochs is still least there",
        "size: len(alive) → alive.shape[-1]": "the array has one axis",
        "size: len(alive) → alive.size": "the array has one axis",
        "function dropped: int(alive[0]) → alive[0]": "numbers count, not their type",
        "index: alive[0] → alive[-1]": "one is left",
        "constant: 0 → -1": "one is left",
        "name: alive → order": "both have as many entries",
    },
)


def halve_with(
    curves,
    *,
    least,
    factor,
    judge=lambda curves, alive, epochs: curves[alive, epochs - 1],
    left=lambda count, factor: max(1, count // factor),
    longer=lambda epochs, factor, least, most: min(epochs * factor, most),
    cost=lambda alive, n, old, new: alive * (new - old),
    pick=lambda alive, order: alive[order],
):
    """Halve with its pieces replaced."""
    n, most = curves.shape
    alive, epochs, spent = np.arange(n), least, n * least
    while len(alive) > 1:
        order = np.argsort(judge(curves, alive, epochs))
        alive = pick(alive, order[: left(len(alive), factor)])
        new = longer(epochs, factor, least, most)
        spent += cost(len(alive), n, epochs, new)
        epochs = new
    return int(alive[0]), int(spent)


@halving.misconception(
    "After the first round the row numbers are lost: `np.argsort` counts among those that are *left*, not "
    "among all. Translate back: `alive[order[...]]`."
)
def places_among_the_left(curves, *, least, factor):
    return halve_with(curves, least=least, factor=factor, pick=lambda alive, order: order)


@halving.misconception(
    "You look one epoch ahead: column 0 holds the losses after 1 epoch, so after `epochs` epochs it is column "
    "`epochs - 1`."
)
def one_column_ahead(curves, *, least, factor):
    def judge(curves, alive, epochs):
        return curves[alive, min(epochs, curves.shape[1] - 1)]

    return halve_with(curves, least=least, factor=factor, judge=judge)


@halving.misconception("You keep the settings with the highest losses. Keep the lowest.")
def worst_kept(curves, *, least, factor):
    return halve_with(
        curves,
        least=least,
        factor=factor,
        judge=lambda curves, alive, epochs: (
            -np.where(np.isnan(curves[alive, epochs - 1]), -np.inf, curves[alive, epochs - 1])
        ),
    )


@halving.misconception(
    "You drop one part in `factor` and keep the rest. It is the other way about: one part in `factor` is *kept*."
)
def one_part_dropped(curves, *, least, factor):
    return halve_with(curves, least=least, factor=factor, left=lambda k, f: k - max(1, k // f))


@halving.misconception("The number kept is rounded up. The contract rounds down (but keeps at least one).")
def rounded_up(curves, *, least, factor):
    return halve_with(curves, least=least, factor=factor, left=lambda k, f: math.ceil(k / f))


@halving.misconception(
    "You judge by the lowest loss so far. A setting whose loss was low once and rose again would win with a "
    "number that it no longer has. Judge by the loss *after* the round's last epoch."
)
def lowest_so_far(curves, *, least, factor):
    def judge(curves, alive, epochs):
        so_far = np.where(np.isnan(curves), np.inf, curves)[alive, :epochs]
        return so_far.min(axis=1)

    return halve_with(curves, least=least, factor=factor, judge=judge)


@halving.misconception(
    "You judge by the last column: the losses at the very end, which nobody knows before all the training is "
    "done. Look only where training would have come."
)
def looked_at_the_end(curves, *, least, factor):
    return halve_with(curves, least=least, factor=factor, judge=lambda curves, alive, epochs: curves[alive, -1])


@halving.misconception(
    "Every round judges by the first round's losses. After each round look at the new epochs: the column moves on."
)
def first_round_decides(curves, *, least, factor):
    return halve_with(
        curves, least=least, factor=factor, judge=lambda curves, alive, epochs: curves[alive, least - 1]
    )


@halving.misconception(
    "The training grows by `least` each round. It is *multiplied* by `factor`, as the number of settings is "
    "divided by it."
)
def epochs_added(curves, *, least, factor):
    return halve_with(
        curves, least=least, factor=factor, longer=lambda epochs, f, least, most: min(epochs + least, most)
    )


@halving.misconception(
    "You stop when the table ends, though several settings are still left. The rounds go on until one is left; "
    "at the end of the table they cost nothing more."
)
def stopped_at_the_end_of_the_table(curves, *, least, factor):
    alive, epochs, spent = np.arange(len(curves)), least, len(curves) * least
    while len(alive) > 1 and epochs < curves.shape[1]:
        alive = alive[np.argsort(curves[alive, epochs - 1])[: max(1, len(alive) // factor)]]
        longer = min(epochs * factor, curves.shape[1])
        spent, epochs = spent + len(alive) * (longer - epochs), longer
    return int(alive[0]), int(spent)


@halving.misconception(
    "Where fewer than `factor` are left, `len(alive) // factor` is 0 and you keep none. At least one stays: "
    "`max(1, ...)`."
)
def none_is_kept(curves, *, least, factor):
    return halve_with(curves, least=least, factor=factor, left=lambda k, f: k // f)


@halving.misconception(
    "A NaN wins at the end: `np.argmin` returns the first NaN. A training that diverged is worse than any number; "
    "`np.argsort` puts NaN last."
)
def nan_wins_at_the_end(curves, *, least, factor):
    alive, epochs, spent = np.arange(len(curves)), least, len(curves) * least
    while len(alive) > 1 and epochs < curves.shape[1]:
        alive = alive[np.argsort(curves[alive, epochs - 1])[: max(1, len(alive) // factor)]]
        longer = min(epochs * factor, curves.shape[1])
        spent, epochs = spent + len(alive) * (longer - epochs), longer
    return int(alive[np.argmin(curves[alive, -1])]), int(spent)


@halving.misconception(
    "Python's `sorted` cannot order NaN, which is neither smaller nor larger than anything, so the others stop "
    "being sorted, too. `np.argsort` puts NaN at the end."
)
def halved_around_nan(curves, *, least, factor):
    def judge(curves, alive, epochs):
        order = sorted(range(len(alive)), key=lambda i: curves[alive[i], epochs - 1])
        return np.argsort(order)  # each one's place in that order

    return halve_with(curves, least=least, factor=factor, judge=judge)


@halving.misconception(
    "You count each round as if training began anew. That is a legitimate way to do it (the library does); "
    "here those that are kept are trained *on*, so a round costs only the new epochs."
)
def counted_anew(curves, *, least, factor):
    return halve_with(curves, least=least, factor=factor, cost=lambda alive, n, old, new: alive * new)


@halving.misconception("Every round is charged for all settings. Only those that are kept are trained on.")
def all_are_charged(curves, *, least, factor):
    return halve_with(curves, least=least, factor=factor, cost=lambda alive, n, old, new: n * (new - old))


@halving.misconception(
    "The rounds are charged for those that were left *before* the choice. First choose, then train those that "
    "are kept."
)
def charged_before_choosing(curves, *, least, factor):
    n, most = curves.shape
    alive, epochs, spent = np.arange(n), least, n * least
    while len(alive) > 1:
        longer = min(epochs * factor, most)
        spent += len(alive) * (longer - epochs)
        alive = alive[np.argsort(curves[alive, epochs - 1])[: max(1, len(alive) // factor)]]
        epochs = longer
    return int(alive[0]), int(spent)


@halving.misconception(
    "The last round is missing from `spent`: the setting that is left is trained on as well, and the contract "
    "counts it."
)
def last_round_free(curves, *, least, factor):
    return halve_with(
        curves, least=least, factor=factor, cost=lambda alive, n, old, new: alive * (new - old) if alive > 1 else 0
    )


@halving.misconception("The first round is missing from `spent`: all settings train for `least` epochs.")
def first_round_free(curves, *, least, factor):
    winner, spent = successive_halving(curves, least=least, factor=factor)
    return winner, spent - len(curves) * least


@halving.misconception(
    "You count more epochs than the table has. No training is longer than its T columns: take the smaller of "
    "the two."
)
def beyond_the_table(curves, *, least, factor):
    def judge(curves, alive, epochs):
        return curves[alive, min(epochs, curves.shape[1]) - 1]

    return halve_with(
        curves, least=least, factor=factor, judge=judge, longer=lambda epochs, f, least, most: epochs * f
    )


@halving.alternative
def with_lists(curves, *, least, factor):
    def loss(i, epochs):
        value = curves[i][epochs - 1]
        return (bool(np.isnan(value)), value)

    alive, epochs = list(range(len(curves))), least
    spent = len(alive) * epochs
    while len(alive) != 1:
        alive = sorted(alive, key=lambda i: loss(i, epochs))[: len(alive) // factor or 1]
        new = min(epochs * factor, len(curves[0]))
        spent = spent + sum(new - epochs for _ in alive)
        epochs = new
    return alive[0], spent


@halving.alternative
def training_counted_by_setting(curves, *, least, factor):
    trained = np.full(len(curves), least)
    alive = np.arange(len(curves))
    while alive.size > 1:
        now = trained[alive[0]]
        keep = max(alive.size // factor, 1)
        alive = alive[np.argsort(curves[alive, now - 1])[:keep]]
        trained[alive] = min(now * factor, curves.shape[1])
    return int(alive.item()), int(trained.sum())


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims, quiz

prediction_settings_matter = Prediction(
    "prediction_settings_matter",
    answer="d84bba391f17c440",
    wrong={
        "a": "The learning rate matters most by far, with a factor of more than 20. But hidden units (about 6) "
        "and batch size (more than 2) pass the mark of two as well.",
        "c": "From this base β₁, β₂ and ε each move the dev loss by a fifth or less, and the layers by less than "
        "a factor of two.",
    },
    right="Learning rate (more than 20), hidden units (about 6) and batch size (more than 2). From other learning "
    "rates others join them, as the other two panels show.",
)

prediction_grid_axis = Prediction(
    "prediction_grid_axis",
    answer="4eb2213287bf47af",
    wrong={
        "a": "The grid has 25 points, but they stand in five columns: five trials share each value of the "
        "setting that matters.",
        "c": "The other way round. Look at the lower panels from above: the grid's points hide behind each other.",
    },
    right="Five columns against 25 places. The grid spends 20 of its 25 trials on repeating values it has tried.",
)

prediction_best_of_sixty = Prediction(
    "prediction_best_of_sixty",
    answer="75449441046cb44d",
    wrong={
        "a": "That is what an average one shows. The best of sixty is the luckiest of sixty, and 300 images "
        "leave room for luck: ±1.3 points each.",
        "c": "That would be 3.6 standard deviations above the mean; the best of sixty is typically 2.1 to "
        "2.3 above.",
    },
    right="Two and a half points and more from luck alone: 2.2 standard deviations of 1.26 points.",
)

claim_grid_thorough = Quiz(
    "claim_grid_thorough",
    answer="b85db4f89ccde919",
    wrong={
        "true": "With one setting that matters out of two, 16 trials hit the good box in 80 % of the cases "
        "on a grid and in 97 % at random.",
        "false": "With two settings that both matter, the grid hits more often: 64 % against 48 %. It is a "
        "good plan for one or two settings that you know to matter.",
    },
    right="On how many of the settings matter. All of them: the grid is a little better. Few of many, the "
    "usual case: a grid has only n^(1/d) values of those that count, and random trials win clearly.",
)

claim_nine_point_eight = Quiz(
    "claim_nine_point_eight",
    answer="4cb8270631439763",
    wrong={
        "true": "(0.1 − 0.0001)/(1 − 0.0001) is 0.0999/0.9999 = 9.99 %. A million draws give that within "
        "0.03 points, six times closer than 9.8 % is.",
        "depends": "It is one fraction, without conditions: 0.0999/0.9999 = 9.99 %.",
    },
    right="0.0999/0.9999 = 9.99 %; with a standard error of 0.03 points a million draws rule 9.8 % out. The "
    "conclusion that the notes draw, 75 % on the logarithmic scale, is right.",
)

claim_doubling_batch = Quiz(
    "claim_doubling_batch",
    answer="08ffd4dbc90204ca",
    wrong={
        "true": "Not with each batch at its own best rate: doubling gains nothing there. And at a fixed rate "
        "of 0.001 every doubling *costs* points.",
    },
    also={
        "false": "That can be defended: from 256 to 512, the claim's own example, no rate gains a point, and with "
        "each batch at its best rate no doubling does. What speaks for *depends*: at a fixed rate of 0.1, "
        "doubling from 32 to 64 gains more than a point, because that rate is too large for the small batch.",
    },
    right="On the learning rate that is held fixed. Too large a rate gains from a larger batch, too small a "
    "rate loses; where each batch has its own best rate nothing is left of it, and from 256 to 512, the "
    "notes' example, no rate gains a point. What looked like the batch was the rate.",
)

quiz_log_share = Quiz(
    "quiz_log_share",
    answer="94747b3c0812ea54",
    wrong={
        "a": "That is the share of *uniform* draws: (0.01 − 0.001)/1.",
        "b": "There are five powers of ten between 0.00001 and 1, not ten.",
        "d": "That would be right from 0.0001: four powers of ten. Here there are five.",
    },
    right="One of five powers of ten.",
)

quiz_beta_line = Quiz(
    "quiz_beta_line",
    answer="cd95f631ed5e0879",
    wrong={
        "b": "That makes beta itself log-uniform, which near 1 is nearly the same as uniform.",
        "c": "The distance from 1 is uniform there, and so is beta: only one draw in a hundred exceeds 0.999.",
        "d": "The bounds as exponents: 10 to the power of 0.9 is 7.9, and 1 minus that is no beta.",
    },
    right="1 − beta runs from 0.0001 to 0.1, so its exponent from −4 to −1.",
)

quiz_at_the_border = Quiz(
    "quiz_at_the_border",
    answer="1cc92e9eac05c44b",
    wrong={
        "a": "The three best are the three largest that could be drawn. Nothing says that it stops getting "
        "better there.",
        "b": "A best trial at the edge of the range is a sign that the optimum lies outside.",
        "c": "More trials in the same range will crowd at the same edge.",
    },
    right="The best lie at the border, so the good region probably goes on beyond it.",
)

quiz_best_on_test = Quiz(
    "quiz_best_on_test",
    answer="4bdfb64414460fa0",
    wrong={
        "a": "No weight was trained on it, but the settings were chosen on it: the best of sixty scores is "
        "the luckiest.",
        "c": "Whatever the set: the highest of sixty scores is above what that setting will show on new images.",
        "d": "The more settings, the luckier the best: the excess grows like the square root of ln k.",
    },
    right="A winner's score contains its luck. Choose on the dev set, and look at the test set once.",
)

quiz_one_image = Quiz(
    "quiz_one_image",
    answer="989e4121d94eb45c",
    wrong={
        "a": "286 against 285 images. One score on 300 images scatters by 1.3 points.",
        "b": "The same seed removes a part of the luck, but one image is one image.",
        "d": "Nothing in these two numbers speaks of over-fitting.",
    },
    right="286 against 285 right. Several seeds, a mean and a standard error would tell more.",
)
