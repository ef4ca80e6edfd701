"""Week 06, Adam: the exercises with their cases, misconceptions and hints."""

import math
from dataclasses import dataclass

import numpy as np

from course_lib import optimizers
from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, case
from course_lib.optimizers import SGD, Adam

# ---------------------------------------------------------------------------------------------------------
# What the three steps share: cases, observation, and one formula in which wrong answers replace a piece

LATE = 20_000  # a step at which every bias correction in the cases has faded (save that of beta2 = 0.9999)


def state_case(rng, part, *, t, shape, grad=1.0, eps=1e-12, fresh=False, s_max=False, **more):
    """Draw one call of a step: parameters, gradient and moments with every hyperparameter off its default."""

    def draw(scale):
        return np.array(scale * rng.normal(size=shape))

    w, dw, v, s = draw(1.0), draw(grad), draw(0.7 * grad), np.array((grad * draw(1.0)) ** 2)
    if fresh:
        v, s = np.zeros_like(v), np.zeros_like(s)
    # The state's maximum lies above s in some entries and below in others.
    args = (w, dw, v, s, *([s * rng.uniform(0.4, 1.8, size=shape)] if s_max else []), t)
    constants = {
        "lr": round(rng.uniform(0.02, 0.2), 3),
        "beta1": round(rng.uniform(0.5, 0.8), 2),
        "beta2": round(rng.uniform(0.85, 0.98), 3),
        "eps": eps,
    }
    return case(part, *args, **constants, **more)


def observe_steps(names):
    """Return an `observe` for a step whose results are called `names`, parameters first."""

    def values_of(result):
        if not isinstance(result, tuple | list) or len(result) != len(names):
            raise ContractError(f"The function should return {len(names)} values, `{', '.join(names)}`.")
        return result

    def observe(call, case):
        if "chain" not in case.part:
            w, *state = values_of(call(*case.args, **case.kwargs))
            return dict(zip(names[1:], state, strict=True)) | {"w": w}
        (w, dw, *state, t), seen = case.args, {}
        for k in range(4):
            grad = np.roll(dw, k) * (-0.5) ** k
            w, *state = values_of(call(w, grad, *state, t + k, **case.kwargs))
            seen |= {f"{name} after step {t + k}": x for name, x in zip(names[1:], state, strict=True)}
            seen[f"w after step {t + k}"] = w
        return seen

    return observe


def adam_with(
    w, dw, v, s, t, lr, beta1, beta2, eps, *, numerator=None, denominator=None, new_s=None, step=None, store=None
):
    """Compute Adam's step with one piece replaced: most wrong answers differ in one piece."""
    old_v, old_s = v, s
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * (dw**2 if new_s is None else new_s(v))
    v_hat, s_hat = v / (1 - beta1**t), s / (1 - beta2**t)
    top = v_hat if numerator is None else numerator(v, v_hat, old_v)
    bottom = np.sqrt(s_hat) + eps if denominator is None else denominator(s, s_hat, old_s)
    new_w = w - lr * top / bottom if step is None else step(top, bottom)
    return (new_w, v, s) if store is None else (new_w, *store(v, s, v_hat, s_hat))


# ---------------------------------------------------------------------------------------------------------
# adam_step


def adam_step(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    v_hat = v / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return w - lr * v_hat / (np.sqrt(s_hat) + eps), v, s


def adam_cases(rng):
    late, chain, eps = "late in a run", "a chain from t = 1", "where eps matters"
    for shape in [(2,), (3, 2), (4,)]:
        yield state_case(rng, late, t=LATE, shape=shape)
    yield state_case(rng, late, t=LATE, shape=(3,), grad=1e3)
    for grad in (1.0, 1e-3, 1e3):
        yield state_case(rng, chain, t=1, shape=(3,), grad=grad, fresh=True)
    yield state_case(rng, chain, t=3, shape=(2, 2))
    yield state_case(rng, chain, t=60, shape=(3,))
    for grad, size in [(1e-8, 1e-8), (1e-3, 1e-2), (1.0, 1.0)]:
        yield state_case(rng, eps, t=LATE, shape=(3,), grad=grad, eps=size)
        yield state_case(rng, eps, t=2, shape=(2,), grad=grad, eps=size)
    still = state_case(rng, eps, t=1, shape=(2,), fresh=True, eps=1e-3)
    w, dw, *rest = still.args
    yield case(eps, w, np.array([dw[0], 0.0]), *rest, **still.kwargs)


adam = Exercise(
    adam_step,
    parts={"late in a run": 2, "a chain from t = 1": 1, "where eps matters": 1},
    cases=adam_cases,
    observe=observe_steps(("w", "v", "s")),
    allows=Allows(
        alike=("w", "dw", "v", "s"),
        single=("w", "dw", "v", "s"),
        real=("dw",),
        ends={"beta1": (0.0,), "beta2": (0.0, 0.9999)},
        start="where eps matters",
    ),
    hints=(
        "Five lines: two averages, two corrections, one step. Which of the five values must the next call "
        "get back?",
        "v is an average of dw, s of its square, each with its own beta. The corrected values are for this "
        "step only; the uncorrected ones are returned. The root comes first, then eps, then the division.",
        "`v_hat = v / (1 - beta1**t)`, the same for s with beta2; the step is "
        "`lr * v_hat / (np.sqrt(s_hat) + eps)`. Return `w - ...`, v, s.",
    ),
    explain="why are v and s returned, and not v_hat and s_hat?",
)


@adam.misconception(
    "No bias correction: both averages start at 0 and are too small at first, s far more so than v. Divide v by "
    "1 - beta1**t and s by 1 - beta2**t."
)
def no_correction(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam_with(
        w, dw, v, s, t, lr, beta1, beta2, eps,
        numerator=lambda v, v_hat, old: v, denominator=lambda s, s_hat, old: np.sqrt(s) + eps,
    )  # fmt: skip


@adam.misconception(
    "Your correction is one step ahead: t is advanced once more inside the function. The caller counts; t is "
    "already 1 at the first step."
)
def one_step_ahead(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam_with(
        w, dw, v, s, t, lr, beta1, beta2, eps,
        numerator=lambda v, v_hat, old: v / (1 - beta1 ** (t + 1)),
        denominator=lambda s, s_hat, old: np.sqrt(s / (1 - beta2 ** (t + 1))) + eps,
    )  # fmt: skip


@adam.misconception(
    "You advance t once per parameter, so later parameters are corrected as if they were older. All parameters of "
    "one step share one t."
)
def t_per_parameter(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    new_w, v, s = w.copy(), v.copy(), s.copy()
    for i in np.ndindex(w.shape):
        new_w[i], v[i], s[i] = adam_step(w[i], dw[i], v[i], s[i], t, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
        t += 1
    return new_w, v, s


@adam.misconception(
    "You divide by 1 - beta, which is right only at t = 1. The weights of the average sum to 1 - beta**t."
)
def corrected_by_one_minus_beta(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam_with(
        w, dw, v, s, t, lr, beta1, beta2, eps,
        numerator=lambda v, v_hat, old: v / (1 - beta1),
        denominator=lambda s, s_hat, old: np.sqrt(s / (1 - beta2)) + eps,
    )  # fmt: skip


@adam.misconception(
    "You return the corrected moments, so the next step averages and corrects them again. Keep v_hat and "
    "s_hat for this step's w only; return v and s."
)
def corrected_moments_stored(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam_with(w, dw, v, s, t, lr, beta1, beta2, eps, store=lambda v, s, v_hat, s_hat: (v_hat, s_hat))


@adam.misconception(
    "eps is added to the quotient (or to w), not to the denominator: division comes before addition. It needs "
    "brackets, (root + eps); without them nothing guards against 0/0, and every step shifts w by eps."
)
def eps_added_to_the_quotient(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam_with(
        w, dw, v, s, t, lr, beta1, beta2, eps,
        denominator=lambda s, s_hat, old: np.sqrt(s_hat), step=lambda top, bottom: w - lr * top / bottom + eps,
    )  # fmt: skip


@adam.misconception(
    "eps is inside the root. That is legitimate elsewhere (some libraries define it so), but it is another eps: "
    "the root of 1e-8 is 1e-4. Here it is added after the root."
)
def eps_inside_the_root(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam_with(w, dw, v, s, t, lr, beta1, beta2, eps, denominator=lambda s, s_hat, old: np.sqrt(s_hat + eps))


@adam.misconception(
    "You add eps to the root of the uncorrected s and correct afterwards. That is the paper's shortcut, "
    "where it is called eps-hat (Keras and TensorFlow use it): legitimate elsewhere, but eps then weighs "
    "more in the first steps. Here it is added to the root of the corrected s."
)
def eps_hat(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam_with(
        w, dw, v, s, t, lr, beta1, beta2, eps,
        denominator=lambda s, s_hat, old: (np.sqrt(s) + eps) / np.sqrt(1 - beta2**t),
    )  # fmt: skip


@adam.misconception(
    "The numerator is this step's dw, so v is computed and never used: that is RMSprop. Adam moves along v_hat."
)
def dw_for_v_hat(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam_with(w, dw, v, s, t, lr, beta1, beta2, eps, numerator=lambda v, v_hat, old: dw)


@adam.misconception(
    "You average the square of v (momentum first, RMSprop on what comes out). s averages the square of the "
    "gradient itself, dw**2."
)
def s_from_v(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam_with(w, dw, v, s, t, lr, beta1, beta2, eps, new_s=lambda v: v**2)


@adam.misconception(
    "Your correction is one step behind, as if t counted from 0 (at the first step it divides by 0). Here t is 1 "
    "at the first step: the powers are beta**t."
)
def one_step_behind(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return adam_with(
        w, dw, v, s, t, lr, beta1, beta2, eps,
        numerator=lambda v, v_hat, old: v / (1 - beta1 ** (t - 1)),
        denominator=lambda s, s_hat, old: np.sqrt(s / (1 - beta2 ** (t - 1))) + eps,
    )  # fmt: skip


@adam.misconception(
    "beta and 1 - beta have changed places: beta is the weight of the past, 1 - beta that of the new gradient."
)
def weights_swapped(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    v = (1 - beta1) * v + beta1 * dw
    s = (1 - beta2) * s + beta2 * dw**2
    return w - lr * (v / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + eps), v, s


@adam.alternative
def one_factor_for_both_corrections(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    v = v + (1 - beta1) * (dw - v)
    s = s + (1 - beta2) * (np.square(dw) - s)
    root = math.sqrt(1 - beta2**t)
    return [w - lr * root / (1 - beta1**t) * v / (np.sqrt(s) + eps * root), v, s]


@adam.alternative
def with_a_power_of_one_half(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    new_v, new_s = np.add(beta1 * v, (1 - beta1) * dw), np.add(beta2 * s, (1 - beta2) * dw * dw)
    c1, c2 = 1 - math.pow(beta1, t), 1 - math.pow(beta2, t)
    return w - (lr / c1) * new_v / ((new_s / c2) ** 0.5 + eps), new_v, new_s


@adam.alternative
def entry_by_entry(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    w, v, s = w.copy(), v.copy(), s.copy()
    for i in np.ndindex(w.shape):
        v[i] = beta1 * v[i] + (1 - beta1) * dw[i]
        s[i] = beta2 * s[i] + (1 - beta2) * dw[i] ** 2
        w[i] -= lr * (v[i] / (1 - beta1**t)) / (math.sqrt(s[i] / (1 - beta2**t)) + eps)
    return w, v, s


# ---------------------------------------------------------------------------------------------------------
# step_bound


def step_bound(t, *, lr, beta1, beta2):
    k = np.arange(t)
    p = (1 - beta1) * beta1**k / (1 - beta1**t)
    q = (1 - beta2) * beta2**k / (1 - beta2**t)
    return lr * np.sqrt(np.sum(p**2 / q))


def bound_cases(rng):
    def rate():
        return round(rng.uniform(0.02, 3.0), 3)

    usual, any_betas = "betas of everyday use", "any betas"
    for beta1, beta2 in [(0.9, 0.999), (0.9, 0.99), (0.95, 0.98), (round(rng.uniform(0.6, 0.9), 2), 0.97)]:
        yield case(usual, int(rng.integers(30, 400)), lr=rate(), beta1=beta1, beta2=beta2)
        yield case(usual, int(rng.integers(2, 12)), lr=rate(), beta1=beta1, beta2=beta2)
    yield case(any_betas, 40, lr=rate(), beta1=0.875, beta2=0.765625)  # the square: all terms are equal
    yield case(any_betas, 25, lr=rate(), beta1=0.95, beta2=0.75)
    yield case(any_betas, 2000, lr=rate(), beta1=0.5, beta2=0.75)
    yield case(any_betas, 60, lr=rate(), beta1=0.95, beta2=0.95)


bound = Exercise(
    step_bound,
    parts={"betas of everyday use": 2, "any betas": 1},
    cases=bound_cases,
    allows=Allows(ends={"t": (1, 2000), "beta1": (0.0, 0.99), "beta2": (0.75, 0.9999)}),
    hints=(
        "You need two lists of t numbers: the weights that the gradients have in v_hat, and the weights that "
        "their squares have in s_hat. Week 03 had such weights.",
        "The gradient of k steps ago has the weight (1 - beta) * beta**k in the average, and the corrected "
        "average divides that by 1 - beta**t. Both lists sum to 1. Square one, divide by the other, add up, "
        "take the root.",
        "With `k = np.arange(t)`: `p = (1 - beta1) * beta1**k / (1 - beta1**t)`, q the same with beta2; then lr "
        "times the root of the sum of `p**2 / q`.",
    ),
    explain="for which betas is the bound exactly lr, and why?",
    equivalent={
        "operands swapped: 1 - beta1 ** t → beta1 ** t - 1": "it is squared afterwards",
        "operands swapped: 1 - beta1 → beta1 - 1": "it is squared afterwards",
    },
)


def bound_with(t, lr, beta1, beta2, *, terms=None, combine=None):
    """Compute the bound with one piece replaced."""
    k = np.arange(t if terms is None else terms)
    p, q = ((1 - beta) * beta**k / (1 - beta**t) for beta in (beta1, beta2))
    return lr * (np.sqrt(np.sum(p**2 / q)) if combine is None else combine(p, q))


@bound.misconception(
    "That is lr itself. It is the size of the first step, and a good estimate for steady gradients, but gradients "
    "that have just grown make larger steps: compute the root of the sum."
)
def always_lr(t, *, lr, beta1, beta2):
    return lr


@bound.misconception(
    "That is the bound of the paper's section 2.1: the larger of lr and lr * (1 - beta1) / sqrt(1 - beta2). "
    "A good rule of thumb, but it only looks at steady gradients and at a single gradient after nothing but "
    "zeros. In between there is worse: use the inequality above."
)
def the_papers_bound(t, *, lr, beta1, beta2):
    return lr * max(1.0, (1 - beta1) / math.sqrt(1 - beta2))


@bound.misconception(
    "That is (1 - beta1) / sqrt(1 - beta2) times lr: the step after a single gradient, with all before it "
    "zero and the corrections long gone. Other gradients can do worse, and t matters."
)
def a_single_gradient(t, *, lr, beta1, beta2):
    return lr * (1 - beta1) / math.sqrt(1 - beta2)


@bound.misconception(
    "That is a single gradient at step t after nothing but zeros, with its corrections. It is one of the "
    "gradients that one can think of, not the worst: add up over all k."
)
def a_single_gradient_corrected(t, *, lr, beta1, beta2):
    return bound_with(t, lr, beta1, beta2, terms=1)


@bound.misconception(
    "That is the limit for large t. At step t only t gradients have been seen: stop the sum there, and keep the "
    "corrections 1 - beta**t."
)
def limit_for_large_t(t, *, lr, beta1, beta2):
    return lr * (1 - beta1) / np.sqrt((1 - beta2) * (1 - beta1**2 / beta2))


@bound.misconception(
    "You add the roots, sum of p / sqrt(q). That is a bound too, but far from reached: the terms belong under one "
    "root."
)
def sum_of_roots(t, *, lr, beta1, beta2):
    return bound_with(t, lr, beta1, beta2, combine=lambda p, q: np.sum(p / np.sqrt(q)))


@bound.misconception(
    "Your sum has one term too many: after t steps there are t gradients, k = 0, 1, …, t - 1, the newest "
    "with k = 0."
)
def one_term_too_many(t, *, lr, beta1, beta2):
    return bound_with(t, lr, beta1, beta2, terms=t + 1)


@bound.misconception("Your sum leaves the newest gradient out: k runs from 0 (this step's) to t - 1, not from 1.")
def newest_left_out(t, *, lr, beta1, beta2):
    return bound_with(t, lr, beta1, beta2, combine=lambda p, q: np.sqrt(np.sum(p[1:] ** 2 / q[1:])))


@bound.misconception(
    "The closed form of the geometric series divides by 0 where beta1**2 equals beta2. All terms are equal there, "
    "and the sum is t times one of them: treat that case by itself, or add the terms up."
)
def closed_form_divides_by_zero(t, *, lr, beta1, beta2):
    rho = beta1**2 / beta2
    total = (1 - rho**t) / (1 - rho)
    return lr * (1 - beta1) / (1 - beta1**t) * math.sqrt((1 - beta2**t) / (1 - beta2) * total)


@bound.alternative
def as_a_geometric_series(t, *, lr, beta1, beta2):
    rho = beta1**2 / beta2
    total = t if rho == 1 else (1 - rho**t) / (1 - rho)
    first = (1 - beta1) ** 2 / (1 - beta2)
    return lr * math.sqrt(first * total * (1 - beta2**t)) / (1 - beta1**t)


@bound.alternative
def by_running_adam_on_the_worst_gradients(t, *, lr, beta1, beta2):
    k = np.arange(t)[::-1]
    v = s = 0.0
    for weight_v, weight_s in zip((1 - beta1) * beta1**k, (1 - beta2) * beta2**k, strict=True):
        g = weight_v / weight_s
        v, s = beta1 * v + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2
    return lr * (v / (1 - beta1**t)) / math.sqrt(s / (1 - beta2**t))


@bound.alternative
def term_by_term(t, *, lr, beta1, beta2):
    total = 0.0
    for k in range(t):
        p = (1 - beta1) * beta1**k / (1 - beta1**t)
        total += p * p * (1 - beta2**t) / ((1 - beta2) * beta2**k)
    return float(lr * total**0.5)


# ---------------------------------------------------------------------------------------------------------
# adamw_step


def adamw_step(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    v_hat = v / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return w - lr * (v_hat / (np.sqrt(s_hat) + eps) + weight_decay * w), v, s


def adamw_cases(rng):
    def decay():
        return round(rng.uniform(0.1, 0.9), 2)

    one, chain = "one step", "a chain from t = 1"
    for t, shape, grad in [(LATE, (2,), 1e-7), (7, (3,), 1.0), (2, (2, 3), 1.0), (1, (4,), 1.0)]:
        yield state_case(rng, one, t=t, shape=shape, grad=grad, eps=1e-8, weight_decay=decay())
    yield state_case(rng, one, t=5, shape=(3,), eps=0.1, weight_decay=decay())
    for grad in (1e-3, 1.0, 1e3):
        yield state_case(rng, chain, t=1, shape=(3,), grad=grad, fresh=True, eps=1e-8, weight_decay=decay())
    yield state_case(rng, chain, t=4, shape=(2,), eps=1e-2, weight_decay=decay())
    yield state_case(rng, chain, t=60, shape=(3,), eps=1e-2, weight_decay=decay())


adamw = Exercise(
    adamw_step,
    parts={"one step": 2, "a chain from t = 1": 1},
    cases=adamw_cases,
    observe=observe_steps(("w", "v", "s")),
    allows=Allows(
        alike=("w", "dw", "v", "s"),
        single=("w", "dw", "v", "s"),
        real=("dw", "w"),
        ends={"beta1": (0.0,), "beta2": (0.0, 0.9999), "weight_decay": (0.0,)},
    ),
    hints=(
        "It is your adam_step with one more term. Where must that term stand so that neither v nor s ever hears "
        "of it, and no root divides it?",
        "The moments see dw and nothing else. The decay is a part of the step of its own: it is multiplied by lr, "
        "but not divided by the root.",
        "`w - lr * (v_hat / (np.sqrt(s_hat) + eps) + weight_decay * w)`, with the w from before the step.",
    ),
    explain="what would happen to the decay of a weight with large gradients if it went through the moments?",
)


def adamw_with(w, dw, v, s, t, lr, beta1, beta2, eps, *, decayed):
    """Compute the step with Adam's part done right: ``decayed(step)`` returns the new parameters."""
    new_w, v, s = adam_step(np.zeros_like(w), dw, v, s, t, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    return decayed(new_w), v, s


@adamw.misconception(
    "You add weight_decay * w to the gradient. That is L2 regularisation inside Adam, which AdamW was invented to "
    "replace: the decay then goes through both moments and is divided by the root. Leave dw as it is."
)
def l2_in_the_gradient(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    return adam_step(w, dw + weight_decay * w, v, s, t, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


@adamw.misconception(
    "Your decay is divided by the root along with v_hat, so a weight with large gradients hardly decays. It "
    "stands beside the quotient, not in its numerator."
)
def decay_scaled_by_the_root(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    return adam_with(
        w, dw, v, s, t, lr, beta1, beta2, eps, numerator=lambda v, v_hat, old: v_hat + weight_decay * w
    )


@adamw.misconception(
    "The decay enters v, if not s: it is then averaged and divided by the root. Neither moment sees it."
)
def decay_in_v(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    _, _, new_s = adam_step(w, dw, v, s, t, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    v = beta1 * v + (1 - beta1) * (dw + weight_decay * w)
    return w - lr * (v / (1 - beta1**t)) / (np.sqrt(new_s / (1 - beta2**t)) + eps), v, new_s


@adamw.misconception(
    "Your decay is not multiplied by lr. The paper writes it so, with a factor of the schedule in its place: "
    "legitimate elsewhere. Here, as in PyTorch, a step shrinks w by lr * weight_decay of itself."
)
def decay_without_lr(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    return adamw_with(w, dw, v, s, t, lr, beta1, beta2, eps, decayed=lambda step: w + step - weight_decay * w)


@adamw.misconception(
    "You decay what Adam's step has left over; asked is the decay of w from before the step. (The difference is "
    "of the order lr², but it is a different formula.)"
)
def decay_of_the_new_w(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    return adamw_with(
        w, dw, v, s, t, lr, beta1, beta2, eps, decayed=lambda step: (w + step) * (1 - lr * weight_decay)
    )


@adamw.misconception(
    "The decay is there twice: in the gradient and beside the quotient. Only the second is asked."
)
def decays_twice(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    return adamw_step(
        w, dw + weight_decay * w, v, s, t,
        lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay,
    )  # fmt: skip


@adamw.misconception("Your decay is multiplied by lr twice. Inside the bracket it is weight_decay * w alone.")
def lr_twice(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    return adamw_step(w, dw, v, s, t, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=lr * weight_decay)


@adamw.alternative
def shrinks_first(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    v, s = beta1 * v + (1 - beta1) * dw, beta2 * s + (1 - beta2) * dw * dw
    w = w * (1 - lr * weight_decay)
    return w - lr * (v / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + eps), v, s


@adamw.alternative
def on_top_of_adam(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    new_w, v, s = optimizers.adam_step(w, dw, v, s, t, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    return [new_w - lr * weight_decay * w, v, s]


# ---------------------------------------------------------------------------------------------------------
# amsgrad_step


def amsgrad_step(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    s_max = np.maximum(s_max, s)
    v_hat = v / (1 - beta1**t)
    s_hat = s_max / (1 - beta2**t)
    return w - lr * v_hat / (np.sqrt(s_hat) + eps), v, s, s_max


def amsgrad_cases(rng):
    one, chain = "one step", "a chain from t = 1"
    for t, shape, grad in [(LATE, (4,), 1e-7), (6, (3,), 1.0), (2, (3, 2), 1.0), (40, (5,), 1.0)]:
        yield state_case(rng, one, t=t, shape=shape, grad=grad, eps=1e-8, s_max=True)
    yield state_case(rng, one, t=5, shape=(4,), eps=0.1, s_max=True)
    for grad in (1e-3, 1.0, 1e3):
        yield state_case(rng, chain, t=1, shape=(3,), grad=grad, fresh=True, eps=1e-8, s_max=True)
    yield state_case(rng, chain, t=4, shape=(2, 2), eps=1e-2, s_max=True)
    yield state_case(rng, chain, t=60, shape=(3,), eps=1e-2, s_max=True)


amsgrad = Exercise(
    amsgrad_step,
    parts={"one step": 2, "a chain from t = 1": 1},
    cases=amsgrad_cases,
    observe=observe_steps(("w", "v", "s", "s_max")),
    allows=Allows(
        alike=("w", "dw", "v", "s", "s_max"),
        single=("w", "dw", "v", "s", "s_max"),
        real=("dw",),
        ends={"beta1": (0.0,), "beta2": (0.0, 0.9999)},
    ),
    hints=(
        "It is adam_step with one more array, which remembers. Which of the two, s or s_max, goes on being an "
        "average, and which one stands under the root?",
        "Update s as in Adam. Then each entry of s_max becomes the larger of itself and the new s. s_max, "
        "corrected, takes the place of s under the root, and nothing else changes.",
        "`s_max = np.maximum(s_max, s)` after s is updated, then `s_hat = s_max / (1 - beta2**t)`.",
    ),
    explain="why may s fall again, as long as s_max does not?",
)


def amsgrad_with(w, dw, v, s, s_max, t, lr, beta1, beta2, eps, *, under_root=None, new_max=None, numerator=None):
    """Compute AMSGrad's step with one piece replaced; ``under_root`` gets s, old and new maximum."""
    old_s, old_max = s, s_max
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    s_max = np.maximum(s_max, s) if new_max is None else new_max(s, s_max, old_s)
    s_hat = s_max / (1 - beta2**t) if under_root is None else under_root(s, old_max, s_max)
    v_hat = v / (1 - beta1**t) if numerator is None else numerator(v)
    return w - lr * v_hat / (np.sqrt(s_hat) + eps), v, s, s_max


@amsgrad.misconception(
    "s_max is computed and returned but the step still divides by the root of s: this is Adam. Put s_max "
    "under the root."
)
def maximum_not_used(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return amsgrad_with(
        w, dw, v, s, s_max, t, lr, beta1, beta2, eps, under_root=lambda s, old, new: s / (1 - beta2**t)
    )


@amsgrad.misconception(
    "You take the maximum of the corrected s_hat. Some libraries do (optax): legitimate elsewhere. Here, as in "
    "PyTorch, the maximum is taken of s, and corrected afterwards."
)
def maximum_of_the_corrected(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return amsgrad_with(
        w, dw, v, s, s_max, t, lr, beta1, beta2, eps,
        new_max=lambda s, s_max, old: np.maximum(s_max, s / (1 - beta2**t)),
        under_root=lambda s, old, new: new,
    )  # fmt: skip


@amsgrad.misconception(
    "No bias correction. The paper on AMSGrad has none: legitimate elsewhere. Here v and s_max are divided by "
    "1 - beta1**t and 1 - beta2**t, as in PyTorch."
)
def as_in_the_paper(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return amsgrad_with(
        w, dw, v, s, s_max, t, lr, beta1, beta2, eps,
        under_root=lambda s, old, new: new, numerator=lambda v: v,
    )  # fmt: skip


@amsgrad.misconception(
    "s is overwritten by the maximum, so the next average starts from it and can never come down. Keep both: s "
    "goes on as an ordinary average."
)
def s_overwritten(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    w, v, _, s_max = amsgrad_step(w, dw, v, s, s_max, t, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    return w, v, s_max, s_max


@amsgrad.misconception(
    "You take the maximum over all parameters, so that they share one. Every parameter has its own: `np.maximum` "
    "compares two arrays entry by entry."
)
def one_maximum_for_all(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    def largest(s, s_max, old):
        return np.full_like(s, max(s_max.max(), s.max()))

    return amsgrad_with(w, dw, v, s, s_max, t, lr, beta1, beta2, eps, new_max=largest)


@amsgrad.misconception(
    "The maximum is taken of dw**2 itself, not of its average s: one outlier then brakes for ever."
)
def maximum_of_the_squares(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return amsgrad_with(
        w, dw, v, s, s_max, t, lr, beta1, beta2, eps, new_max=lambda s, s_max, old: np.maximum(s_max, dw**2)
    )


@amsgrad.misconception(
    "Python's `max` cannot compare arrays (it asks which whole array is larger). `np.maximum` compares entry by "
    "entry."
)
def pythons_max(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    return amsgrad_with(w, dw, v, s, s_max, t, lr, beta1, beta2, eps, new_max=lambda s, s_max, old: max(s_max, s))


@amsgrad.alternative
def with_where(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    v, s = beta1 * v + (1 - beta1) * dw, beta2 * s + (1 - beta2) * dw * dw
    s_max = np.where(s > s_max, s, s_max)
    root = np.sqrt(s_max) / math.sqrt(1 - beta2**t)
    return [w - lr / (1 - beta1**t) * v / (root + eps), v, s, s_max]


@amsgrad.alternative
def maximum_of_the_roots(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    v = v - (1 - beta1) * (v - dw)
    s = s - (1 - beta2) * (s - dw**2)
    scale = (1 - beta2**t) ** -0.5
    root = np.maximum(np.sqrt(s_max) * scale, np.sqrt(s) * scale)
    return w - lr * (v / (1 - beta1**t)) / (root + eps), v, s, np.max([s_max, s], axis=0)


# ---------------------------------------------------------------------------------------------------------
# train_with_switch


@dataclass(frozen=True)
class ShakenBowl:
    """The gradient of a bowl that every mini-batch shakes in its own way."""

    curvature: tuple[float, ...]
    shake: float

    def __call__(self, w, t):
        """Return the gradient of update t at w."""
        return np.array(self.curvature) * w + self.shake * np.cos(2.3 * t + np.arange(len(w)))


def train_with_switch(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    w = w.copy()
    optimizer = Adam(w, lr=lr_adam)
    ends = []
    for epoch in range(epochs):
        if epoch == switch_after:
            optimizer = SGD(w, lr=lr_sgd)
        for t in range(epoch * steps_per_epoch + 1, (epoch + 1) * steps_per_epoch + 1):
            optimizer.step(gradient(w, t))
        ends.append(w.copy())
    return np.array(ends)


def switch_cases(rng):
    def problem(part, epochs, steps_per_epoch, switch_after):
        p = int(rng.integers(2, 4))
        bowl = ShakenBowl(tuple(rng.uniform(0.5, 2.0, p).round(2).tolist()), round(rng.uniform(0.5, 2.0), 2))
        rates = {"lr_adam": round(rng.uniform(0.05, 0.3), 3), "lr_sgd": round(rng.uniform(0.02, 0.1), 3)}
        plan = {"epochs": epochs, "steps_per_epoch": steps_per_epoch, "switch_after": switch_after}
        return case(part, bowl, rng.normal(scale=2.0, size=p).round(2), **plan, **rates)

    end, rows, edge = "where it ends", "a row for every epoch", "switch_after 0, and beyond the end"
    for epochs, steps, after in [(5, 3, 2), (6, 4, 3), (4, 5, 1)]:
        yield problem(end, epochs, steps, after)
        yield problem(rows, epochs, steps, after)
    for epochs, steps, after in [(3, 4, 0), (3, 2, 3), (2, 3, 7), (1, 4, 0)]:
        yield problem(edge, epochs, steps, after)


def observe_switch(call, case):
    epochs, p = case.kwargs["epochs"], len(case.args[1])
    ends = call(*case.args, **case.kwargs)
    if not isinstance(ends, np.ndarray) or ends.ndim != 2 or case.part != "where it ends" or not len(ends):
        return {"ends": ends}
    if ends.shape[1] != p:
        raise ContractError(f"The result should have shape ({epochs}, {p}), but yours has shape {ends.shape}.")
    return {"the last row": ends[-1]}


switch = Exercise(
    train_with_switch,
    parts={"where it ends": 2, "a row for every epoch": 1, "switch_after 0, and beyond the end": 1},
    cases=switch_cases,
    allows=Allows(real=("w",), ends={"epochs": (1,), "steps_per_epoch": (1,)}),
    observe=observe_switch,
    hints=(
        "Two loops: epochs, and updates within an epoch. What has to happen once, at the beginning of one "
        "particular epoch? What must not happen at the beginning of every epoch?",
        "An optimizer works in place on the array that it was made for. So make one copy of w, and let SGD "
        "be made on the array that Adam has been moving. And keep copies of it: the array itself goes on "
        "changing.",
        "Inside `for epoch in range(epochs)`: `if epoch == switch_after: optimizer = SGD(w, lr=lr_sgd)`; then the "
        "updates with t counted over all epochs; then `ends.append(w.copy())`.",
    ),
    explain="why does every row need a copy?",
)


def switch_with(
    gradient, w, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd,
    *, use_sgd=None, on_epoch=None, number=None, update=None,
):  # fmt: skip
    """Train with one piece of the plan replaced."""
    start, w = w.copy(), w.copy()
    both, all_rows = (Adam(w, lr=lr_adam), SGD(w, lr=lr_sgd)), []
    for step in range(epochs * steps_per_epoch):
        epoch = step // steps_per_epoch
        if on_epoch and step % steps_per_epoch == 0:
            both = on_epoch(epoch, both, w, start)
        second = epoch >= switch_after if use_sgd is None else use_sgd(epoch, step)
        t = step + 1 if number is None else number(epoch, step)
        dw = gradient(w, t)
        if update is None:
            both[second].step(dw)
        else:
            update(both, second, dw)
        all_rows.append(w.copy())
    return np.array(all_rows)[steps_per_epoch - 1 :: steps_per_epoch]


@switch.misconception(
    "All rows are the same: the list holds the same array several times, and the optimizers change it in place. "
    "Append a copy, `w.copy()`."
)
def rows_are_one_array(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    ends = switch_with(gradient, w, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd)
    return np.tile(ends[-1], (epochs, 1))


@switch.misconception(
    "You switch one epoch too late: Adam trains the first switch_after epochs, 0 … switch_after - 1."
)
def one_epoch_late(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    return switch_with(gradient, w, epochs, steps_per_epoch, switch_after + 1, lr_adam, lr_sgd)


@switch.misconception("You switch one epoch too early: Adam trains switch_after whole epochs.")
def one_epoch_early(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    return switch_with(gradient, w, epochs, steps_per_epoch, switch_after - 1, lr_adam, lr_sgd)


@switch.misconception("SGD comes first in your function and Adam after it; asked is the other order.")
def wrong_order(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    return switch_with(
        gradient, w, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd,
        use_sgd=lambda epoch, step: epoch < switch_after,
    )  # fmt: skip


@switch.misconception(
    "You make a new Adam at the beginning of every epoch, so its moments and its t are forgotten each time. "
    "Make it once, before the loop."
)
def new_adam_every_epoch(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    return switch_with(
        gradient, w, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd,
        on_epoch=lambda epoch, both, w, start: (Adam(w, lr=lr_adam), both[1]),
    )  # fmt: skip


@switch.misconception(
    "SGD starts again from the w that came in, so Adam's epochs are lost. Make SGD on the array that Adam "
    "has moved."
)
def starts_over(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    def on_epoch(epoch, both, w, start):
        if epoch == switch_after:
            w[:] = start
        return both

    return switch_with(gradient, w, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd, on_epoch=on_epoch)


@switch.misconception(
    "t begins again at 1 in every epoch, so every epoch sees the same mini-batches. It numbers the updates of the "
    "whole run."
)
def t_starts_again(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    return switch_with(
        gradient, w, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd,
        number=lambda epoch, step: step % steps_per_epoch + 1,
    )  # fmt: skip


@switch.misconception("You pass the number of the epoch to gradient. It wants the number of the update, t.")
def epoch_for_t(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    return switch_with(
        gradient, w, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd,
        number=lambda epoch, step: epoch + 1,
    )  # fmt: skip


@switch.misconception(
    "After the switch both optimizers make a step with every gradient. From then on it is SGD's turn alone."
)
def adam_goes_on(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    def update(both, second, dw):
        for optimizer in both[: 1 + second]:
            optimizer.step(dw)

    return switch_with(gradient, w, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd, update=update)


@switch.misconception("You switch after switch_after updates. It counts epochs, of steps_per_epoch updates each.")
def counts_updates(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    return switch_with(
        gradient, w, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd,
        use_sgd=lambda epoch, step: step >= switch_after,
    )[0]  # fmt: skip


@switch.alternative
def with_the_formulas(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    ends, v, s = np.empty((epochs, len(w))), np.zeros_like(w), np.zeros_like(w)
    for t in range(1, epochs * steps_per_epoch + 1):
        dw = gradient(w, t)
        if t <= switch_after * steps_per_epoch:
            w, v, s = optimizers.adam_step(w, dw, v, s, t, lr=lr_adam)
        else:
            w = w - lr_sgd * dw
        ends[(t - 1) // steps_per_epoch] = w
    return ends


@switch.alternative
def in_two_phases(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    params, t, ends = np.array(w), 0, []
    first = min(switch_after, epochs)
    for optimizer, count in [(Adam(params, lr=lr_adam), first), (SGD(params, lr=lr_sgd), epochs - first)]:
        for _ in range(count):
            for _ in range(steps_per_epoch):
                t += 1
                optimizer.step(gradient(params, t))
            ends.append(params.copy())
    return np.stack(ends)


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims, quiz

prediction_uncorrected = Prediction(
    "prediction_uncorrected",
    answer="bfe8d5dfdbf31677",
    wrong={
        "a": "v is too small at first, true. But s is too small as well, and it stands in the denominator.",
        "b": (
            "The two errors work against each other, but they do not cancel: v is ten times too small, the "
            "root of s 31.6 times."
        ),
    },
    right=(
        "v starts ten times too small, which shrinks the step; s starts 1,000 times too small, and its root, "
        "31.6, enlarges it. Together 3.16 times too large at t = 1, and 6.6 times at t = 12."
    ),
)

prediction_largest_step = Prediction(
    "prediction_largest_step",
    answer="f2c973aba29b8f0b",
    wrong={
        "a": "A steady gradient moves w by lr, but gradients that have just grown move it further.",
        "b": "That is what the paper's section 2.1 says. It is reached by a single gradient after a long silence.",
        "d": "v_hat cannot outgrow the root of s_hat without limit here, because s remembers longer than v.",
    },
    right=(
        "The worst gradients grow by about 11 % a step, and reach 7.27 · lr. The bound lies higher than the "
        "paper's, and gradients that reach it exist."
    ),
)

prediction_adam_race = Prediction(
    "prediction_adam_race",
    answer="4077a587840c6404",
    wrong={
        "a": "At some pair of rates Adam is far ahead, at another SGD. Here both are tuned.",
        "b": "A lead of SGD on test data has been reported for large image networks. It did not show here.",
    },
    right=(
        "Once both have their own best rate, the ranges over five seeds overlap, in the loss as well as on "
        "the test set. How far two optimizers seem apart hangs on how carefully each was tuned (Choi et al., "
        "2019)."
    ),
)

claim_adam_no_tuning = Quiz(
    "claim_adam_no_tuning",
    answer="9be70e12a49de7dc",
    wrong={
        "true": "Look at the loss at the default rate, 0.001, and at the lowest point of Adam's curve.",
    },
    also={
        "depends": (
            "Whether tuning pays does depend on how well the default rate happens to suit the problem. But the "
            "sentence says that there is no need, and one ordinary problem refutes it: here the loss at the "
            "default rate was 0.69, at the best 0.04."
        ),
    },
    right=(
        "False: on these digits the default rate ended at a loss of 0.69 and the best one at 0.04, with the same "
        "work. Adam's good range is somewhat wider than momentum's, and it does not move when the loss is "
        "rescaled. That is less tuning, not none."
    ),
)

claim_adam_beats_sgd = Quiz(
    "claim_adam_beats_sgd",
    answer="66ad0c64878f5411",
    wrong={
        "true": "Compare the two tuned curves on the digits as they are. Is there a winner?",
        "false": "On the digits with every pixel in another unit, who won, and on how many seeds?",
    },
    right=(
        "On the digits as they are, tuned momentum is as good. With every pixel in its own unit, Adam wins "
        "on all seeds. On the problem of Reddi et al., Adam ends at the worst point and SGD at the best. It "
        "depends on the problem, above all on how differently its coordinates are scaled."
    ),
)

claim_momentum_then_rmsprop = Quiz(
    "claim_momentum_then_rmsprop",
    answer="2e61cb16791ef9be",
    wrong={
        "true": (
            "Look at what the chained one does with pure noise: its steps are as large as with a clear "
            "signal. What does it average the squares of?"
        ),
        "depends": "At all five levels of noise the two differ, from 0.23 against 1 to 0.95 against 1.",
    },
    right=(
        "Both ideas are in Adam, but side by side: s averages the squares of the raw gradient, not of v. So "
        "the step shrinks where the gradient is noise, to 0.23 of lr (root mean square), and a chain of the two "
        "would not notice."
    ),
)

claim_switch_at_ten = Quiz(
    "claim_switch_at_ten",
    answer="f43c85a4b6c0ee02",
    wrong={
        "true": "Compare with the later switch, and with the plan that stayed with Adam at a smaller rate.",
    },
    also={
        "false": (
            "As a rule for all it is wrong: here epoch 10 was no better than a well-tuned Adam (lower on 2 of 5 "
            "seeds), and 20 was better than 10 on all five. But the idea depends on when: a switch after Adam has "
            "begun to hover did help."
        ),
    },
    right=(
        "Here a switch at epoch 10 was no better than a well-tuned Adam (lower on 2 of 5 seeds), and one at "
        "20 was better than one at 10 on all five. A good epoch depends on where Adam begins to hover. And "
        "what helps is the smaller step, not the name: Adam at a smaller rate landed as well."
    ),
)

quiz_first_adam_step = Quiz(
    "quiz_first_adam_step",
    answer="cafa540f0e834758",
    wrong={
        "a": "That is plain gradient descent, lr · dw. Adam divides by the gradient's own size.",
        "c": "That is 3.16 · lr, the first step without the bias corrections.",
        "d": "eps = 1e-8 is nothing beside a root of 250.",
    },
    right="v_hat = dw and the root of s_hat = |dw|, so the step is lr times the sign of dw: 0.001, against it.",
)

quiz_adam_checkpoint = Quiz(
    "quiz_adam_checkpoint",
    answer="a437bb05e474a1e6",
    wrong={
        "a": "t enters the corrections: 1 − 0.9 and 1 − 0.999 are far from 1.",
        "b": "v_hat becomes ten times too large, true; but s_hat becomes 1,000 times too large.",
        "c": "s_hat becomes 1,000 times too large, but it stands under a root, and v_hat changes as well.",
    },
    right=(
        "v is divided by 0.1 and s by 0.001, although both are full: 10 / √1000 = 0.316. The steps are 3.16 "
        "times too small at first. A checkpoint of Adam holds w, v, s and t."
    ),
)

quiz_large_eps = Quiz(
    "quiz_large_eps",
    answer="1c7a2ec92388e6d0",
    wrong={
        "b": "RMSprop's division is just what a large eps drowns: root + 1 is nearly 1 for every parameter.",
        "c": "The sign comes out when eps is much smaller than the root. Here it is much larger.",
        "d": "The step is small, lr · v_hat, but it is not zero: a larger lr makes up for it.",
    },
    right=(
        "root + 1 is nearly 1 for every parameter, so the step is lr · v_hat: momentum. eps is a dial from "
        "sign-like steps to momentum, which is why it is sometimes tuned."
    ),
)

quiz_adam_memory = Quiz(
    "quiz_adam_memory",
    answer="1193fa290786f9f5",
    wrong={
        "a": "Adam keeps two more numbers for every parameter, v and s.",
        "b": "That is one moment. Adam keeps two.",
        "d": "That counts the parameters as well; asked is what comes on top of them.",
    },
    right="Two moments of 10 million numbers of 4 bytes: 80 MB. Momentum needs 40 MB, plain SGD nothing.",
)

quiz_decoupled = Quiz(
    "quiz_decoupled",
    answer="9e9f05285fa6f6c1",
    wrong={
        "a": "For plain SGD they are one thing. Adam divides by the root, and the penalty's gradient with it.",
        "c": "It is the other way round: a large root divides the penalty's gradient by a large number.",
        "d": "Neither of the two forms depends on the number of parameters.",
    },
    right=(
        "The gradient of the penalty joins dw and is divided by the root of s with it: a weight with large "
        "gradients hardly decays. AdamW shrinks all by the same share, lr · weight_decay."
    ),
)
