"""Week 11, batch normalisation: the exercises with their cases, misconceptions and hints."""

import numpy as np

from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, case

# ---------------------------------------------------------------------------------------------------------
# What several exercises share


def positive(rng, low, high, shape):
    """Draw positive numbers, evenly on a logarithmic scale."""
    return np.exp(rng.uniform(np.log(low), np.log(high), shape))


def scale_and_shift(rng, n):
    """Draw a gamma (of either sign, never 1) and a beta (never 0) for n units."""
    return rng.choice([-1, 1], n) * rng.uniform(1.2, 2.5, n), rng.uniform(0.5, 1.5, n)


def observe_named(*names, only=()):
    """Return an `observe` that compares the returned values by name, in this order of importance.

    Parameters
    ----------
    *names : str
        What the function returns, in order.
    only : mapping of str to tuple of str, optional
        For a part of the exercise, the names that it looks at.
    """

    def observe(call, case):
        values = call(*case.args, **case.kwargs)
        if not isinstance(values, tuple | list) or len(values) != len(names):
            raise ContractError(f"The function should return {len(names)} values, `{', '.join(names)}`.")
        found = dict(zip(names, values, strict=True))
        return {name: found[name] for name in dict(only).get(case.part, names)}

    return observe


# ---------------------------------------------------------------------------------------------------------
# batchnorm_forward


def batchnorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return mean, var, x_hat, gamma * x_hat + beta


def forward_cases(rng):
    def batch(part, shape, *, scale=1.0, offset=2.0, eps=1e-12):
        n = shape[1]
        x = offset * rng.normal(size=n) + scale * positive(rng, 0.5, 2, n) * rng.normal(size=shape)
        return case(part, x, *scale_and_shift(rng, n), eps=eps)

    usual, edge = "a batch", "where eps matters, and edge sizes"
    for shape in [(4, 4), (6, 3), (3, 5), (7, 1)]:
        yield batch(usual, shape)
    yield batch(usual, (5, 2), scale=1e3)
    yield batch(edge, (4, 2), eps=round(rng.uniform(0.5, 1.0), 2))
    yield batch(edge, (5, 5), scale=1e-3, offset=0.0, eps=round(rng.uniform(1e-6, 3e-6), 8))
    yield batch(edge, (2, 3), eps=round(rng.uniform(0.05, 0.2), 3))
    yield batch(edge, (1, 3), eps=round(rng.uniform(0.05, 0.2), 3))
    constant = batch(edge, (4, 2), eps=1e-3)
    x, gamma, beta = constant.args
    yield case(edge, np.column_stack([x[:, 0], np.full(4, 1.5)]), gamma, beta, eps=1e-3)
    yield batch(edge, (6, 2), offset=1e6)  # far from 0


forward = Exercise(
    batchnorm_forward,
    parts={"a batch": 2, "where eps matters, and edge sizes": 1},
    cases=forward_cases,
    observe=observe_named("mean", "var", "x_hat", "out"),
    allows=Allows(
        single=("x", "gamma", "beta"), real=("x", "gamma", "beta"), ends={"eps": (0.0, 10.0)}, long=("x",)
    ),
    hints=(
        "Every column of x is one unit. Along which axis do the B examples lie, and which shape is left when you "
        "average over them?",
        "Mean and variance over axis 0, one number per unit; subtract, divide by the root of (variance + eps); "
        "then scale by gamma and shift by beta. Broadcasting lines (n,) up with every row of (B, n).",
        "`x.mean(axis=0)` and `x.var(axis=0)`, then `(x - mean) / np.sqrt(var + eps)`. The output is gamma times "
        "that, plus beta.",
    ),
    explain="why does (B, n) - (n,) subtract the right number from every entry?",
)


def forward_with(x, gamma, beta, eps, *, mean=None, var=None, root=None):
    """Compute the forward pass with one piece replaced."""
    m = x.mean(axis=0) if mean is None else mean(x)
    v = x.var(axis=0) if var is None else var(x)
    x_hat = (x - m) / (np.sqrt(v + eps) if root is None else root(v))
    return m, v, x_hat, gamma * x_hat + beta


@forward.misconception(
    "Mean and variance are those of one example over its units. That is layer normalisation: legitimate elsewhere, "
    "but here each unit is standardised over the examples: axis 0, and one number per unit."
)
def layer_normalisation_flat(x, gamma, beta, *, eps=1e-5):
    mean, var, x_hat, out = layer_normalisation(x, gamma, beta, eps=eps)
    return mean.ravel(), var.ravel(), x_hat, out


@forward.misconception(
    "You standardise each example over its own units. That is layer normalisation: legitimate elsewhere (it needs "
    "no batch), but here each unit is standardised over the examples: axis 0."
)
def layer_normalisation(x, gamma, beta, *, eps=1e-5):
    return forward_with(
        x, gamma, beta, eps,
        mean=lambda x: x.mean(axis=1, keepdims=True), var=lambda x: x.var(axis=1, keepdims=True),
    )  # fmt: skip


@forward.misconception(
    "eps is outside the root. Adam has it there (week 06); here it joins the variance, inside: sqrt(var + eps)."
)
def eps_outside(x, gamma, beta, *, eps=1e-5):
    return forward_with(x, gamma, beta, eps, root=lambda v: np.sqrt(v) + eps)


@forward.misconception(
    "eps is missing. A unit that gives the same value for the whole batch has variance 0, and 0/0 is not a number."
)
def no_eps(x, gamma, beta, *, eps=1e-5):
    return forward_with(x, gamma, beta, eps, root=np.sqrt)


@forward.misconception(
    "Your variance divides by B - 1 (`ddof=1`). Here the batch is all there is, so it is the plain mean of the "
    "squared deviations, divided by B. (B - 1 comes later, in the running variance. And it fails for a batch of "
    "one.)"
)
def unbiased_variance(x, gamma, beta, *, eps=1e-5):
    return forward_with(x, gamma, beta, eps, var=lambda x: x.var(axis=0, ddof=1))


@forward.misconception(
    "x_hat is right, but the returned var is the unbiased one. Return the variance that you divided by."
)
def two_variances(x, gamma, beta, *, eps=1e-5):
    mean, _, x_hat, out = forward_with(x, gamma, beta, eps)
    return mean, x.var(axis=0, ddof=1), x_hat, out


@forward.misconception(
    "The mean of the squares minus the square of the mean is right on paper. In floating point two large, nearly "
    "equal numbers lose their digits where a unit lies far from 0; it may even be negative. Subtract the mean "
    "first, then square."
)
def squares_minus_square(x, gamma, beta, *, eps=1e-5):
    with np.errstate(invalid="ignore"):
        return forward_with(
            x, gamma, beta, eps, var=lambda x: (x**2).mean(axis=0) - x.mean(axis=0) ** 2
        )  # fmt: skip


@forward.misconception(
    "You stretch each unit to the range from 0 to 1 (minimum and maximum). Asked is mean 0 and variance 1."
)
def range_from_0_to_1(x, gamma, beta, *, eps=1e-5):
    low, high = x.min(axis=0), x.max(axis=0)
    x_hat = (x - low) / (high - low + eps)
    return x.mean(axis=0), x.var(axis=0), x_hat, gamma * x_hat + beta


@forward.alternative
def unit_by_unit(x, gamma, beta, *, eps=1e-5):
    x_hat, mean, var = np.empty_like(x), np.empty_like(gamma), np.empty_like(gamma)
    for j in range(x.shape[1]):
        mean[j] = np.sum(x[:, j]) / len(x)
        var[j] = np.sum((x[:, j] - mean[j]) ** 2) / len(x)
        x_hat[:, j] = (x[:, j] - mean[j]) / (var[j] + eps) ** 0.5
    return mean, var, x_hat, x_hat * gamma + beta


@forward.alternative
def transposed(x, gamma, beta, *, eps=1e-5):
    columns = x.T
    mean = np.average(columns, axis=1)
    deviation = columns - mean[:, None]
    var = np.einsum("nb,nb->n", deviation, deviation) / columns.shape[1]
    x_hat = (deviation * ((var + eps) ** -0.5)[:, None]).T
    return [mean, var, x_hat, np.add(beta, np.multiply(x_hat, gamma))]


@forward.alternative
def with_std(x, gamma, beta, *, eps=1e-5):
    mean, std = np.mean(x, axis=0), np.std(x, axis=0)
    x_hat = np.divide(x - mean, np.hypot(std, np.asarray(eps**0.5, dtype=x.dtype)))
    return mean, std**2, x_hat, beta + x_hat * gamma


# ---------------------------------------------------------------------------------------------------------
# batchnorm_backward


def batchnorm_backward(dout, x_hat, gamma, var, *, eps=1e-5):
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - dbeta / len(dout) - x_hat * dgamma / len(dout))
    return dx, dgamma, dbeta


def backward_cases(rng):
    def batch(part, shape, *, scale=1.0, grad=1.0, eps=1e-12):
        gamma, beta = scale_and_shift(rng, shape[1])
        x = scale * positive(rng, 0.5, 2, shape[1]) * rng.normal(size=shape)
        _, var, x_hat, _ = batchnorm_forward(x, gamma, beta, eps=eps)
        dout = grad * (rng.normal(size=shape) + rng.normal(size=shape[1]))
        return case(part, dout, x_hat, gamma, var, eps=eps)

    sums, full, eps_part = "dgamma and dbeta", "dx", "dx where eps matters"
    for shape in [(4, 4), (6, 3), (2, 5)]:
        yield batch(sums, shape)
    for shape, scale, grad in [((4, 4), 1.0, 1.0), ((7, 2), 10.0, 1e-3), ((5, 3), 0.1, 1e3), ((8, 1), 1.0, 1.0)]:
        yield batch(full, shape, scale=scale, grad=grad)
    yield batch(eps_part, (2, 3), eps=round(rng.uniform(0.2, 0.9), 2))
    yield batch(eps_part, (5, 5), eps=round(rng.uniform(0.2, 0.9), 2))
    yield batch(eps_part, (4, 2), scale=1e-3, eps=round(rng.uniform(1e-6, 3e-6), 8))


backward = Exercise(
    batchnorm_backward,
    parts={"dgamma and dbeta": 1, "dx": 2, "dx where eps matters": 1},
    cases=backward_cases,
    observe=observe_named(
        "dx", "dgamma", "dbeta", only={"dgamma and dbeta": ("dgamma", "dbeta"), "dx": ("dgamma", "dbeta", "dx")}
    ),
    allows=Allows(single=("dout", "x_hat", "gamma", "var"), real=("dout", "gamma"), start="dx where eps matters"),
    equivalent={
        "name: dout → x_hat": "as long as dout",
    },
    hints=(
        "Start with the easy two: one gamma and one beta serve all B examples, so their gradients are sums over "
        "the batch. Then look at the boxed formula: two of its sums you have already.",
        "dx has three terms: dout itself, minus its mean over the batch, minus x_hat times the mean of dout * "
        "x_hat. The factor in front is gamma over the same root as in the forward pass.",
        "With `dbeta = dout.sum(axis=0)` and `dgamma = (dout * x_hat).sum(axis=0)`, the bracket is "
        "`dout - dbeta / B - x_hat * dgamma / B`; in front of it stands gamma over the root.",
    ),
    explain="which of the three terms comes from which path?",
)


def backward_with(dout, x_hat, gamma, var, eps, *, bracket=None, sums=None):
    """Compute the backward pass with one piece replaced; ``bracket`` gets what dx_hat is multiplied to."""
    d = dout * gamma
    mean = d.mean(axis=0)
    along = (d * x_hat).mean(axis=0)
    inner = d - mean - x_hat * along if bracket is None else bracket(d, mean, along)
    dgamma, dbeta = ((dout * x_hat).sum(axis=0), dout.sum(axis=0)) if sums is None else sums
    return inner / np.sqrt(var + eps), dgamma, dbeta


@backward.misconception(
    "Your dx treats mean and variance as constants. They are computed from x: nudge one activation, and the mean"
    " and the variance move, and with them the output of *all* examples. Two terms are missing."
)
def statistics_as_constants(dout, x_hat, gamma, var, *, eps=1e-5):
    return backward_with(dout, x_hat, gamma, var, eps, bracket=lambda d, mean, along: d)


@backward.misconception(
    "The path through the mean is missing in dx: nudging one activation moves the mean of its unit. Subtract the"
    " mean of the gradient over the batch."
)
def mean_as_constant(dout, x_hat, gamma, var, *, eps=1e-5):
    return backward_with(dout, x_hat, gamma, var, eps, bracket=lambda d, mean, along: d - x_hat * along)


@backward.misconception(
    "The path through the variance is missing in dx: nudging one activation changes the spread of its unit. "
    "Subtract x_hat times the mean of (gradient times x_hat), the mean of a product."
    " (The mean of x_hat alone is 0.)"
)
def variance_as_constant(dout, x_hat, gamma, var, *, eps=1e-5):
    return backward_with(dout, x_hat, gamma, var, eps, bracket=lambda d, mean, along: d - mean)


@backward.misconception(
    "The means in dx are taken over the units. Mean and variance belong to a unit and were taken over the batch: "
    "axis 0."
)
def means_over_units(dout, x_hat, gamma, var, *, eps=1e-5):
    d = dout * gamma
    return backward_with(
        dout, x_hat, gamma, var, eps,
        bracket=lambda *_: (
            d - d.mean(axis=1, keepdims=True) - x_hat * (d * x_hat).mean(axis=1, keepdims=True)
        ),
    )  # fmt: skip


@backward.misconception(
    "Only the first of the three terms in dx is divided by the root. All three are: put them into one pair of "
    "parentheses."
)
def first_term_divided(dout, x_hat, gamma, var, *, eps=1e-5):
    std = np.sqrt(var + eps)
    return backward_with(
        dout, x_hat, gamma, var, eps, bracket=lambda d, mean, along: d - (mean + x_hat * along) * std
    )


@backward.misconception(
    "Your variance's path divides by B - 1. The forward pass divided by B (the biased variance), so its "
    "derivative does, too."
)
def unbiased_path(dout, x_hat, gamma, var, *, eps=1e-5):
    return backward_with(
        dout, x_hat, gamma, var, eps,
        bracket=lambda d, mean, along: d - mean - x_hat * along * len(d) / (len(d) - 1),
    )  # fmt: skip


@backward.misconception(
    "You divide by the sum of x_hat², as for a projection. It equals B only while eps is negligible; with eps in"
    " the root it is smaller. The derivation gives 1/B."
)
def as_a_projection(dout, x_hat, gamma, var, *, eps=1e-5):
    def bracket(d, mean, along):
        return d - mean - x_hat * (d * x_hat).sum(axis=0) / (x_hat**2).sum(axis=0)

    return backward_with(dout, x_hat, gamma, var, eps, bracket=bracket)


@backward.misconception(
    "dgamma and dbeta are means over the batch. One gamma serves all examples, so its gradient is the *sum* over"
    " them (the loss has divided by B already)."
)
def means_for_dgamma_and_dbeta(dout, x_hat, gamma, var, *, eps=1e-5):
    sums = (dout * x_hat).mean(axis=0), dout.mean(axis=0)
    return backward_with(dout, x_hat, gamma, var, eps, sums=sums)


@backward.alternative
def path_by_path(dout, x_hat, gamma, var, *, eps=1e-5):
    size, std = len(dout), np.sqrt(var + eps)
    centred = x_hat * std
    dx_hat = dout * gamma
    dvar = -0.5 * (dx_hat * centred).sum(axis=0) / std**3
    dmean = -dx_hat.sum(axis=0) / std
    dx = dx_hat / std + dvar * 2 * centred / size + dmean / size
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


@backward.alternative
def with_the_jacobian(dout, x_hat, gamma, var, *, eps=1e-5):
    size = len(dout)
    dx = np.empty_like(dout)
    for j in range(dout.shape[1]):
        column = x_hat[:, j]
        jacobian = np.eye(size, dtype=dout.dtype) - 1 / size - np.outer(column, column) / size
        dx[:, j] = jacobian @ dout[:, j] * gamma[j] / (var[j] + eps) ** 0.5
    return [dx, np.einsum("bn,bn->n", dout, x_hat), np.einsum("bn->n", dout)]


@backward.alternative
def one_over_b_in_front(dout, x_hat, gamma, var, *, eps=1e-5):
    size = dout.shape[0]
    d = dout * gamma
    dx = (size * d - d.sum(0) - x_hat * (d * x_hat).sum(0)) * (var + eps) ** -0.5 / size
    return dx, np.sum(dout * x_hat, 0), np.sum(dout, 0)


# ---------------------------------------------------------------------------------------------------------
# update_running_stats


def update_running_stats(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    unbiased = var * batch_size / (batch_size - 1)
    running_mean = decay * running_mean + (1 - decay) * mean
    running_var = decay * running_var + (1 - decay) * unbiased
    return running_mean, running_var


def running_cases(rng):
    def step(part, n, batch_size, *, start=False, scale=1.0):
        old = (
            (np.zeros(n), np.ones(n))
            if start
            else (scale * rng.normal(size=n), scale**2 * positive(rng, 0.3, 3, n))
        )
        mean, var = scale * rng.normal(size=n), scale**2 * positive(rng, 0.3, 3, n)
        return case(part, *old, mean, var, batch_size=batch_size, decay=round(rng.uniform(0.55, 0.85), 2))

    mean, variance, chain = "the mean", "the variance", "a chain from the start"
    for n, size in [(3, 4), (5, 64), (1, 2)]:
        yield step(mean, n, size)
    for n, size, scale in [(3, 4, 1.0), (2, 2, 1.0), (4, 8, 100.0), (3, 3, 0.01), (1, 5, 1.0)]:
        yield step(variance, n, size, scale=scale)
    for n, size in [(2, 6), (3, 16)]:
        yield step(chain, n, size, start=True)


def observe_running(call, case):
    """One update, or a chain of four with batches of different sizes."""
    names, parts = ("running_mean", "running_var"), {"the mean": 1, "the variance": 2}

    def pair(values):
        if not isinstance(values, tuple | list) or len(values) != 2:
            raise ContractError("The function should return 2 values, `running_mean, running_var`.")
        return values

    if case.part in parts:
        values = pair(call(*case.args, **case.kwargs))
        return dict(zip(names[: parts[case.part]], values, strict=False))
    *state, mean, var = case.args
    seen = {}
    for k in range(1, 5):
        size = case.kwargs["batch_size"] // (2 if k == 4 else 1)
        state = pair(call(*state, mean * (-0.5) ** k, var * k, batch_size=size, decay=case.kwargs["decay"]))
        seen |= {f"{name} after update {k}": x for name, x in zip(names, state, strict=True)}
    return seen


running = Exercise(
    update_running_stats,
    parts={"the mean": 1, "the variance": 1, "a chain from the start": 1},
    cases=running_cases,
    observe=observe_running,
    allows=Allows(
        single=("running_mean", "running_var", "mean", "var"),
        real=("running_mean", "mean"),
        ends={"decay": (0.0, 1.0), "batch_size": (2, 1000)},
        start="the variance",
        part="the variance",
    ),
    hints=(
        "It is week 02's average, one step of it, for two series. Which of its two weights belongs to the past?",
        "The mean is averaged as it is. The batch's variance was divided by B, and a running estimate of the "
        "data's variance wants B - 1: correct it before it is averaged.",
        "`decay * running_mean + (1 - decay) * mean`, and the same for the variance with "
        "`var * batch_size / (batch_size - 1)` as its new value.",
    ),
    explain="why is the mean left alone and the variance corrected?",
)


def running_with(running_mean, running_var, mean, var, batch_size, decay, *, factor=None, new_var=None):
    """Update with one piece replaced; ``factor`` is what the batch's variance is multiplied by."""
    unbiased = var * (batch_size / (batch_size - 1) if factor is None else factor)
    running_mean, old_mean = decay * running_mean + (1 - decay) * mean, running_mean
    running_var = decay * running_var + (1 - decay) * unbiased if new_var is None else new_var(unbiased, old_mean)
    return running_mean, running_var


@running.misconception(
    "decay and 1 - decay have changed places: decay is the weight of the past. (PyTorch's `momentum` is the "
    "weight of the new batch, so its 0.1 is our 0.9: legitimate there.)"
)
def convention_swapped(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    return running_with(running_mean, running_var, mean, var, batch_size, 1 - decay)


@running.misconception(
    "The mean is right. The variance goes into its average uncorrected: it was divided by B, and is too small on"
    " average by the factor (B - 1)/B. Multiply by B/(B - 1) first. (Some libraries leave that out: legitimate "
    "elsewhere.)"
)
def biased_variance_kept(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    return running_with(running_mean, running_var, mean, var, batch_size, decay, factor=1.0)


@running.misconception(
    "You correct the running variance after averaging, so its past is multiplied by B/(B - 1) again at every "
    "update. Correct only what is new."
)
def past_corrected_again(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    factor = batch_size / (batch_size - 1)
    return running_with(
        running_mean, running_var, mean, var, batch_size, decay,
        new_var=lambda unbiased, old: (decay * running_var + (1 - decay) * var) * factor,
    )  # fmt: skip


@running.misconception(
    "The mean is multiplied by B/(B - 1), too. Only the variance is too small on average; the mean of a batch is"
    " right."
)
def mean_corrected_too(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    mean = mean * batch_size / (batch_size - 1)
    return running_with(running_mean, running_var, mean, var, batch_size, decay)


@running.misconception(
    "You correct the variance by the number of units (its length). What counts is over how many examples it was "
    "taken: batch_size."
)
def units_for_batch_size(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    factor = len(var) / (len(var) - 1)
    return running_with(running_mean, running_var, mean, var, batch_size, decay, factor=factor)


@running.misconception(
    "`B / B - 1` is 0 to Python, and `x * B / B - 1` is x - 1: division comes before subtraction. Parentheses: "
    "`batch_size / (batch_size - 1)`."
)
def parentheses_of_the_factor(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    return running_with(
        running_mean, running_var, mean, var, batch_size, decay,
        new_var=lambda unbiased, old: decay * running_var + (1 - decay) * var * batch_size / batch_size - 1,
    )  # fmt: skip


@running.misconception(
    "`B / B - 1` is 0 to Python: division comes before subtraction. So the batch's variance never counts, or "
    "counts wrongly. Parentheses: `batch_size / (batch_size - 1)`."
)
def factor_of_zero(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    return running_with(running_mean, running_var, mean, var, batch_size, decay, factor=0.0)


@running.misconception(
    "The weight of the new batch is written into your code as 0.1. It is 1 - decay: the two weights add up to 1."
)
def new_weight_hard_coded(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    unbiased = var * batch_size / (batch_size - 1)
    return decay * running_mean + 0.1 * mean, decay * running_var + 0.1 * unbiased


@running.misconception(
    "You average the standard deviations and square the result. The average is taken of the variances themselves."
)
def roots_averaged(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    return running_with(
        running_mean, running_var, mean, var, batch_size, decay,
        new_var=lambda unbiased, old: (decay * np.sqrt(running_var) + (1 - decay) * np.sqrt(unbiased)) ** 2,
    )  # fmt: skip


@running.misconception(
    "Your running variance is that of all batches thrown together: it includes the spread of their means. A "
    "thoughtful idea, and legitimate elsewhere; here the variances alone are averaged."
)
def spread_of_the_means_added(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    return running_with(
        running_mean, running_var, mean, var, batch_size, decay,
        new_var=lambda unbiased, old: (
            decay * running_var + (1 - decay) * unbiased + decay * (1 - decay) * (mean - old) ** 2
        ),
    )  # fmt: skip


@running.alternative
def towards_the_new(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    unbiased = var / (1 - 1 / batch_size)
    new_mean = running_mean + (1 - decay) * (mean - running_mean)
    return new_mean, running_var - (1 - decay) * (running_var - unbiased)


@running.alternative
def with_average(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    weights = [decay, 1 - decay]
    pairs = np.array([[running_mean, running_var], [mean, var * (batch_size / (batch_size - 1))]])
    new_mean, new_var = np.average(pairs, axis=0, weights=weights)
    return [new_mean, new_var]


# ---------------------------------------------------------------------------------------------------------
# batchnorm_inference


def batchnorm_inference(x, gamma, beta, running_mean, running_var, *, eps=1e-5):
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


def inference_cases(rng):
    def rows(part, shape, *, scale=1.0, eps=1e-12):
        n = shape[1]
        mean, var = scale * rng.normal(size=n), scale**2 * positive(rng, 0.3, 3, n)
        x = mean + 2 * scale * (rng.normal(size=shape) + rng.normal(size=n))
        return case(part, x, *scale_and_shift(rng, n), mean, var, eps=eps)

    usual, edge = "each row by itself", "where eps matters, and edge sizes"
    for shape in [(3, 3), (5, 2), (1, 4)]:
        yield rows(usual, shape)
    yield rows(edge, (3, 2), eps=round(rng.uniform(0.2, 0.9), 2))
    yield rows(edge, (4, 4), scale=1e-3, eps=round(rng.uniform(1e-6, 3e-6), 8))
    yield rows(edge, (1, 1), eps=round(rng.uniform(0.05, 0.2), 3))


inference = Exercise(
    batchnorm_inference,
    parts={"each row by itself": 1, "where eps matters, and edge sizes": 1},
    cases=inference_cases,
    allows=Allows(
        single=("x", "gamma", "beta", "running_mean", "running_var"),
        real=("x", "gamma", "beta", "running_mean"),
        ends={"eps": (0.0, 10.0)},
        long=("x",),
    ),
    hints=(
        "Which numbers stand in for the batch's mean and variance now? Should the result for one row depend on "
        "the others?",
        "The same three operations as in training, subtract, divide, scale and shift, with the running "
        "statistics in place of the batch's. Nothing is computed from x over the rows.",
        "`gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta`",
    ),
    explain="why does this work for a single row, where the training version does not?",
)


@inference.misconception(
    "You normalise with the mean and variance of the rows that happen to come together. Then an image's answer "
    "depends on its neighbours, and a single image gives beta for every input. Use running_mean and running_var."
)
def batch_statistics(x, gamma, beta, running_mean, running_var, *, eps=1e-5):
    return batchnorm_inference(x, gamma, beta, x.mean(axis=0), x.var(axis=0), eps=eps)


@inference.misconception(
    "You correct running_var by B/(B - 1) with the number of these rows. It was corrected when it was collected;"
    " how many rows come together now means nothing."
)
def corrected_again(x, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = len(x) / (len(x) - 1) if len(x) > 1 else 1
    return batchnorm_inference(x, gamma, beta, running_mean, running_var * factor, eps=eps)


@inference.misconception(
    "A single row is treated well, but several rows are normalised with their own statistics again. Each row "
    "depends on itself alone, however many come together."
)
def batch_statistics_of_several(x, gamma, beta, running_mean, running_var, *, eps=1e-5):
    if len(x) > 1:
        running_mean, running_var = x.mean(axis=0), x.var(axis=0)
    return batchnorm_inference(x, gamma, beta, running_mean, running_var, eps=eps)


@inference.misconception(
    "beta is added before gamma multiplies. The order is that of training: scale, then shift."
)
def shifted_before_scaled(x, gamma, beta, running_mean, running_var, *, eps=1e-5):
    return gamma * (batchnorm_inference(x, 1.0, 0.0, running_mean, running_var, eps=eps) + beta)


@inference.alternative
def as_one_line_per_unit(x, gamma, beta, running_mean, running_var, *, eps=1e-5):
    slope = gamma / np.sqrt(running_var + eps)
    return slope * x + (beta - slope * running_mean)


@inference.alternative
def row_by_row(x, gamma, beta, running_mean, running_var, *, eps=1e-5):
    out = np.empty_like(x)
    for i, row in enumerate(x):
        out[i] = np.divide(row - running_mean, (running_var + eps) ** 0.5) * gamma + beta
    return out


# ---------------------------------------------------------------------------------------------------------
# fold_batchnorm


def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return w * scale, (b - running_mean) * scale + beta


def fold_cases(rng):
    def layer(part, shape, *, scale=1.0, eps=1e-12, bias=True):
        n = shape[1]
        w, b = scale * rng.normal(size=shape), scale * rng.normal(size=n) * bias
        mean, var = scale * rng.normal(size=n), scale**2 * positive(rng, 0.3, 3, n)
        return case(part, w, b, *scale_and_shift(rng, n), mean, var, eps=eps)

    weights, bias, eps_part = "the weights", "the bias", "where eps matters"
    for shape in [(3, 3), (2, 4), (4, 1)]:
        yield layer(weights, shape)
    for shape in [(3, 3), (5, 2), (1, 3)]:
        yield layer(bias, shape)
    yield layer(bias, (2, 3), bias=False)
    yield layer(eps_part, (3, 2), eps=round(rng.uniform(0.2, 0.9), 2))
    yield layer(eps_part, (2, 2), scale=1e-3, eps=round(rng.uniform(1e-6, 3e-6), 8))
    yield layer(eps_part, (2, 3), eps=1e-3)


fold = Exercise(
    fold_batchnorm,
    parts={"the weights": 1, "the bias": 1, "where eps matters": 1},
    cases=fold_cases,
    observe=observe_named("w", "b", only={"the weights": ("w",)}),
    allows=Allows(
        single=("w", "b", "gamma", "beta", "running_mean", "running_var"),
        real=("w", "b", "gamma", "beta", "running_mean"),
        ends={"eps": (0.0, 10.0)},
        start="where eps matters",
    ),
    hints=(
        "Write down what comes out for one row a: first a @ w + b, then the normalisation of that. Which factor "
        "does every w_ij end up with? What is left over that has no a in it?",
        "With scale = gamma / sqrt(running_var + eps), the output is scale * (a @ w + b - running_mean) + beta. "
        "Multiply out. scale has one entry per unit, that is per column of w.",
        "`w * scale` multiplies column j by scale[j]; the new bias is `(b - running_mean) * scale + beta`.",
    ),
    explain="what does the old bias do in a network that trains with batch normalisation?",
)


def fold_with(w, b, gamma, beta, running_mean, running_var, eps, *, new_w=None, new_b=None):
    """Fold with one piece replaced."""
    scale = gamma / np.sqrt(running_var + eps)
    return (
        w * scale if new_w is None else new_w(scale),
        (b - running_mean) * scale + beta if new_b is None else new_b(scale),
    )


@fold.misconception(
    "The bias of the linear layer is forgotten. The normalisation sees a @ w + b, so b is scaled along: "
    "(b - running_mean) * scale + beta."
)
def old_bias_forgotten(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    return fold_with(
        w, b, gamma, beta, running_mean, running_var, eps, new_b=lambda scale: beta - running_mean * scale
    )


@fold.misconception("The running mean is subtracted without the scale: both b and the mean are multiplied by it.")
def mean_not_scaled(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    return fold_with(
        w, b, gamma, beta, running_mean, running_var, eps, new_b=lambda scale: b * scale - running_mean + beta
    )


@fold.misconception("beta is multiplied by the scale. It is added last, after all scaling.")
def beta_scaled(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    return fold_with(
        w, b, gamma, beta, running_mean, running_var, eps, new_b=lambda scale: (b - running_mean + beta) * scale
    )


@fold.misconception(
    "You scale the rows of w (`scale[:, None]`). A unit is a column here, as examples are rows: `w * scale`. "
    "(Where w has shape (out, in), as in PyTorch, it is the rows.)"
)
def rows_scaled(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    return fold_with(w, b, gamma, beta, running_mean, running_var, eps, new_w=lambda scale: scale[:, None] * w)


@fold.alternative
def by_asking_the_two_layers(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    def layers(a):
        return batchnorm_inference(a @ w + b, gamma, beta, running_mean, running_var, eps=eps)

    bias = layers(np.zeros((1, len(w)), w.dtype))[0]
    return layers(np.eye(len(w), dtype=w.dtype)) - bias, bias


@fold.alternative
def column_by_column(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    new_w, new_b = w.copy(), b.copy()
    for j in range(w.shape[1]):
        root = (running_var[j] + eps) ** 0.5
        new_w[:, j] = w[:, j] * gamma[j] / root
        new_b[j] = gamma[j] * (b[j] - running_mean[j]) / root + beta[j]
    return [new_w, new_b]


@fold.alternative
def with_a_diagonal_matrix(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    scale = np.diag(gamma * (running_var + eps) ** -0.5)
    return w @ scale, np.matmul(b - running_mean, scale) + beta


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims and quiz


prediction_scaled_weights = Prediction(
    "prediction_scaled_weights",
    answer="846e1b96e5dfa90c",
    wrong={
        "a": "The mean and the deviation grow by the same factor 10, and it cancels: the output cannot be larger.",
        "b": (
            "The output is unchanged, right. But a nudge of the same size is now a tenth of what it was beside "
            "the weights, so it turns them less."
        ),
        "d": "The output is unchanged, right. But long weights turn less for the same nudge, not more.",
    },
    right="J(cW) = J(W); differentiate by W and you have the gradient at cW: 1/c times that at W.",
)

prediction_one_by_one = Prediction(
    "prediction_one_by_one",
    answer="30f74ef5043450bc",
    wrong={
        "a": "The normalisation needs a mean, and the mean of one image is the image itself: x minus mean is 0.",
        "b": "It is not a matter of noise: with one image, x minus mean is exactly 0 in every unit.",
    },
    right=(
        "Every unit gives beta, whatever the image: the same answer to all. Nothing of the image gets past the "
        "first normalisation."
    ),
)

prediction_shallow = Prediction(
    "prediction_shallow",
    answer="ab7a5d8481b41b45",
    wrong={
        "a": (
            "With one hidden layer there was hardly any trouble to be cured: the inputs are standardised already."
        ),
        "c": "A plain network with one hidden layer trains very well: week 06 did nothing else.",
    },
    right=(
        "Where inputs are standardised and weights well drawn, one layer has nothing to gain at the best rate. "
        "What is wider is the range of rates."
    ),
)

prediction_shaken = Prediction(
    "prediction_shaken",
    answer="666fed6d1c72ef66",
    wrong={
        "a": "So the story of the covariate shift says. The shift was larger, and yet the loss was lower.",
        "c": "It trains, and well: gradient descent gets along with noise of this size.",
    },
    right="More shift than in the plain network, a lower loss, and nearly that of the undisturbed normalisation.",
)

claim_bn_speed = Quiz(
    "claim_bn_speed",
    answer="606718f080dc1675",
    wrong={
        "true": (
            "Look at the right panel of section 6, at batches of two in section 7, and at the time of one update."
        ),
    },
    also={
        "false": (
            "Counted in seconds that is what this page measured: an update costs about three times as much, and "
            "in the same time nothing was gained, with eight layers or with one. What speaks for “depends”: per "
            "update the deep network gained clearly, and where the normalisation is a small share of the work, "
            "updates are what counts."
        ),
    },
    right=(
        "It depends on the depth, and on what you count. Per update, eight layers learn faster with it, one "
        "layer does not, and with batches of two it does harm. An update costs about three times as much here, "
        "and in the same time even the eight layers gained nothing (which also speaks for “false”). It cures a "
        "trouble, and where there is none it only costs."
    ),
)

claim_bn_averages_in_training = Quiz(
    "claim_bn_averages_in_training",
    answer="70bbdf5052e701fb",
    wrong={
        "true": "Which of the two numbers equals the loss in training?",
        "depends": "On what? In training it is the batch's own statistics, always; compare the numbers.",
    },
    right=(
        "In training each batch is normalised with its own mean and variance, and the gradient goes through "
        "them. The exponentially weighted averages are kept on the side, for inference."
    ),
)

claim_bn_coarse_to_fine = Quiz(
    "claim_bn_coarse_to_fine",
    answer="6d6473efd99755d1",
    wrong={
        "true": "Nothing is searched for and nothing is narrowed. What happened to the range of good rates?",
        "depends": "The two have nothing in common that a condition could save: compare what each of them does.",
    },
    right=(
        "A search from coarse to fine (week 09) narrows the range in which one looks. Batch normalisation "
        "searches nothing; it changes the network, and the range of good rates becomes wider. The one thing that"
        " the notes may have had in mind is the exponentially weighted average, which is in the record."
    ),
)

claim_bn_covariate_shift = Quiz(
    "claim_bn_covariate_shift",
    answer="063a8373d260de27",
    wrong={
        "true": "It shifts less, and it trains better. But what happened when the shift was put back?",
        "depends": (
            "A cause must matter when it is changed. The shaken network shifts more than the plain one: how did "
            "it train?"
        ),
    },
    right=(
        "The shift is smaller, but that is not why: shaken until it was larger than the plain network's, "
        "training was nearly as good. What went along with the gain was that the gradient could be believed for "
        "longer steps."
    ),
)

claim_bn_initial_scale = Quiz(
    "claim_bn_initial_scale",
    answer="742c6c2a81731ac2",
    wrong={
        "true": "The outputs do not change, but the gradients do: compare the lines of the table.",
    },
    also={
        "false": (
            "For training, yes: ten times as long, and the loss was several times as high. What speaks for "
            "“depends”: the output does not change at all, and shorter weights did no harm at any of the three "
            "rates."
        ),
    },
    right=(
        "It depends on the direction, and on what you look at. For the output it does not matter. For training "
        "it acts as a learning rate: weights 10 times as long turn 100 times as slowly (a tenth of the "
        "gradient, on ten times the length). Short weights lengthen by themselves in a few steps; plain "
        "gradient descent never shortens long ones."
    ),
)

quiz_bn_numbers = Quiz(
    "quiz_bn_numbers",
    answer="afe073b197ab7f04",
    wrong={
        "a": "gamma and beta are not shared: every unit has its own pair.",
        "b": "Those are the learned ones. What does inference need besides?",
        "d": "Every unit has two learned numbers and two running ones.",
    },
    right=(
        "Every unit has gamma and beta, which are learned, and a running mean and a running variance, which are "
        "not."
    ),
)

quiz_pytorch_momentum = Quiz(
    "quiz_pytorch_momentum",
    answer="0bc6fc233878b00e",
    wrong={
        "b": "That takes 0.01 for the weight of the past. In PyTorch it is the weight of the new batch.",
        "c": "That is the weight of the newest batch, not of the start.",
        "d": "That is what one update leaves. After 100 it is 0.99 to the power of 100.",
    },
    right="The decay is 0.99, and 0.99**100 = 0.366: week 03's bias, in a layer of PyTorch.",
)

quiz_batch_of_two = Quiz(
    "quiz_batch_of_two",
    answer="8735fd7db2d92bbc",
    wrong={
        "a": "Standardising subtracts the mean, 3.05.",
        "b": "Those are the deviations. They are divided by the standard deviation, which is 0.05.",
        "c": "That divides by the unbiased deviation, 0.0707. In training the variance is divided by B.",
    },
    right="The mean is 3.05, the deviation 0.05. In a batch of two all that survives is who is larger.",
)

quiz_bias_before_bn = Quiz(
    "quiz_bias_before_bn",
    answer="70126b746fa85050",
    wrong={
        "a": "beta stands behind the normalisation and is not subtracted again; the bias is.",
        "c": "It is zero everywhere: adding a constant to a unit changes no output of the normalisation.",
        "d": "The mean takes the bias away again, whatever gamma is.",
    },
    right=(
        "A bias shifts the whole column and its mean alike. No output changes, so the gradient is zero at every "
        "step."
    ),
)

quiz_company = Quiz(
    "quiz_company",
    answer="28739f2b2ccea950",
    wrong={
        "a": "Poor averages give poor answers, but always the same ones for the same image.",
        "b": "With inference statistics the order cannot matter, and with the batch's it should not be the cure.",
        "d": "A negative gamma is nothing unusual, and does not change from morning to evening.",
    },
    right="It depends on its company, so the batch's own statistics are in use: `model.eval()` was forgotten.",
)

quiz_bn_undone = Quiz(
    "quiz_bn_undone",
    answer="c1b985784ab9bc41",
    wrong={
        "b": "gamma may take any value. In this week's networks many exceed 1.",
        "c": "The trained network of section 4 depends on it: with the wrong statistics its accuracy was ruined.",
        "d": "They start at 1 and 0, which undoes nothing, and each moves by its own gradient.",
    },
    right=(
        "The functions of the finished network are the same, the coordinates are not, and gradient descent "
        "feels coordinates: that was the lesson of standardised inputs, too."
    ),
)
