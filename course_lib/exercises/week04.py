"""Week 04, momentum: the exercises with their cases, misconceptions and hints."""

from dataclasses import dataclass

import numpy as np

from course_lib.comparing import describe
from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, case

# ---------------------------------------------------------------------------------------------------------
# momentum_step


def momentum_step(params, grads, v, *, lr, beta):
    new_params, new_v = {}, {}
    for name in params:
        new_v[name] = beta * v[name] + (1 - beta) * grads[name]
        new_params[name] = params[name] - lr * new_v[name]
    return new_params, new_v


def momentum_cases(rng):
    def problem(part, shapes, *, at_rest=False, scale=1.0, turned=False):
        def draw():
            return {name: np.array((rng.normal(size=shape) * scale).round(2)) for name, shape in shapes.items()}

        v = {name: np.zeros(shape) for name, shape in shapes.items()} if at_rest else draw()
        lr, beta = round(rng.uniform(0.05, 3.0), 2), round(rng.uniform(0.2, 0.8), 2)
        params, grads = draw(), draw()
        if turned:  # the same names in another order
            grads, v = ({name: d[name] for name in reversed(d)} for d in (grads, v))
        return case(part, params, grads, v, lr=lr, beta=beta)

    k, n = (int(size) for size in rng.integers(2, 5, 2))
    one, layer = {"w": (2,)}, {"W": (n, k), "b": (k,)}
    norm = {"gamma": (k,), "delta": (k,)}  # equal shapes: mixing them up raises no error
    network = {"W1": (n, k), "b1": (k,), "W2": (k, 1), "b2": (1,)}
    for shapes in (one, norm, layer):
        yield problem("from rest", shapes, at_rest=True)
    for shapes in (norm, one, layer, network):
        yield problem("on the way", shapes)
    yield problem("on the way", layer, scale=100.0)
    yield problem("on the way", norm, turned=True)
    yield problem("on the way", {"scale": (), "b": (k,)})
    for shapes in (norm, network):
        yield problem("five steps in a row", shapes, at_rest=True)


def two_dictionaries(result, params):
    """Return both dictionaries, or say what is wrong with what was returned."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise ContractError(
            f"The function should return two dictionaries, `params, v`, but returned {describe(result)}."
        )
    for name, found in zip(("params", "v"), result, strict=True):
        if not isinstance(found, dict):
            raise ContractError(f"`{name}` should be a dictionary of arrays, but is {describe(found)}.")
        if set(found) != set(params):
            expected, got = (", ".join(map(repr, sorted(map(str, d)))) for d in (params, found))
            raise ContractError(f"`{name}` should have the keys {expected}, but has {got or 'none'}.")
    return result


def observe_momentum(call, case):
    (params, grads, v), kwargs = case.args, case.kwargs
    new_params, new_v = two_dictionaries(call(params, grads, v, **kwargs), params)
    if case.part == "five steps in a row":
        for _ in range(4):
            slopes = {name: 0.5 * new_params[name] - grads[name] for name in params}
            new_params, new_v = two_dictionaries(call(new_params, slopes, new_v, **kwargs), params)
    seen = {f"v['{name}']": new_v[name] for name in params}
    return seen | {f"params['{name}']": new_params[name] for name in params}


momentum = Exercise(
    momentum_step,
    parts={"from rest": 1, "on the way": 2, "five steps in a row": 1},
    cases=momentum_cases,
    allows=Allows(single=("params", "grads", "v"), ends={"beta": (0.0,)}, start="on the way", part="on the way"),
    observe=observe_momentum,
    hints=(
        "Two lines of arithmetic, once per name: first the velocity, then the parameter. Which of them needs the "
        "other?",
        "The velocity is week 02's running average, with the gradient as the new value. The step then uses the "
        "velocity that you have just made. Collect both in new dictionaries.",
        "`for name in params:` … `new_v[name] = beta * v[name] + (1 - beta) * …`, then "
        "`new_params[name] = params[name] - lr * …`, and return both at the end.",
    ),
    explain="why does every parameter need a velocity of its own?",
    equivalent={
        "name: params → grads": "the three dictionaries have the same keys",
        "name: params → v": "the three dictionaries have the same keys",
    },
)


def momentum_with(params, grads, v, lr, beta, *, velocity=None, step=None):
    """Compute the right answer with one piece replaced."""
    new_params, new_v = {}, {}
    for name, w in params.items():
        dw, old = grads[name], v[name]
        new = beta * old + (1 - beta) * dw if velocity is None else velocity(old, dw)
        new_v[name] = new
        new_params[name] = w - lr * new if step is None else step(w, dw, old, new)
    return new_params, new_v


@momentum.misconception(
    "The factor 1 − beta in front of the gradient is missing. That is the heavy ball, PyTorch's form: legitimate "
    "elsewhere, but its velocity is 1/(1 − beta) times as large. Asked is the average."
)
def heavy_ball(params, grads, v, *, lr, beta):
    return momentum_with(params, grads, v, lr, beta, velocity=lambda v, dw: beta * v + dw)


@momentum.misconception(
    "Your v holds the step itself: the learning rate is inside it (Keras writes it so; legitimate elsewhere). "
    "Here v is the average of the gradients, and lr comes in when the parameters move."
)
def rate_inside_velocity(params, grads, v, *, lr, beta):
    return momentum_with(
        params, grads, v, lr, beta, velocity=lambda v, dw: beta * v - lr * dw, step=lambda w, dw, v, new: w + new
    )


@momentum.misconception(
    "You average the negative gradients and add. The parameters come out right, but v has the wrong sign: it is "
    "the average of the gradients, and the minus stands in front of lr."
)
def negative_velocity(params, grads, v, *, lr, beta):
    def velocity(v, dw):
        return -(beta * v + (1 - beta) * dw)

    return momentum_with(params, grads, v, lr, beta, velocity=velocity, step=lambda w, dw, v, new: w + lr * new)


@momentum.misconception(
    "The brackets slipped: you multiply old velocity and gradient by 1 − beta. It is beta times the one plus "
    "1 − beta times the other."
)
def one_factor_for_both(params, grads, v, *, lr, beta):
    return momentum_with(params, grads, v, lr, beta, velocity=lambda v, dw: (1 - beta) * (v + dw))


@momentum.misconception(
    "The old velocity comes in with a minus, so each step undoes part of the last. Momentum goes on: plus "
    "beta · v."
)
def velocity_subtracted(params, grads, v, *, lr, beta):
    return momentum_with(params, grads, v, lr, beta, velocity=lambda v, dw: -beta * v + (1 - beta) * dw)


@momentum.misconception(
    "One velocity runs through all parameters: the second one's average begins with the first one's gradient. "
    "Every name has its own v[name]."
)
def one_velocity_for_all(params, grads, v, *, lr, beta):
    running = next(iter(v.values()))
    new_params, new_v = {}, {}
    for name in params:
        running = beta * running + (1 - beta) * grads[name]
        new_v[name] = running
        new_params[name] = params[name] - lr * running
    return new_params, new_v


@momentum.misconception(
    "You pair the dictionaries by the order of their entries, which may differ. What belongs together has the "
    "same name: `params[name]`, `grads[name]`, `v[name]`."
)
def paired_by_position(params, grads, v, *, lr, beta):
    grads, v = (dict(zip(params, d.values(), strict=True)) for d in (grads, v))
    return momentum_step(params, grads, v, lr=lr, beta=beta)


@momentum.misconception(
    "Only the first parameter gets momentum; the others move along their bare gradients and their velocities stay "
    "as they were. Every parameter is treated alike."
)
def only_the_first(params, grads, v, *, lr, beta):
    new_params, new_v = momentum_with(params, grads, v, lr, beta)
    for name in list(params)[1:]:
        new_params[name], new_v[name] = params[name] - lr * grads[name], v[name]
    return new_params, new_v


@momentum.misconception(
    "The caller's parameters change. (Copying the dictionary is not enough: the copy holds the same arrays, and "
    "`-=` writes into them. `w = w - …` makes a new array.)"
)
def parameters_in_place(params, grads, v, *, lr, beta):
    new_params, new_v = params.copy(), {}
    for name in params:
        new_v[name] = beta * v[name] + (1 - beta) * grads[name]
        new_params[name] -= lr * new_v[name]
    return new_params, new_v


@momentum.alternative
def by_comprehension(params, grads, v, *, lr, beta):
    v = {name: v[name] + (1 - beta) * (grads[name] - v[name]) for name in v}
    return {name: w - lr * v[name] for name, w in params.items()}, v


@momentum.alternative
def copies_then_in_place(params, grads, v, *, lr, beta):
    params = {name: w.copy() for name, w in params.items()}
    v = {name: old.copy() for name, old in v.items()}
    for name, dw in grads.items():
        v[name] *= beta
        v[name] += (1 - beta) * dw
        params[name] -= lr * v[name]
    return [params, v]


@momentum.alternative
def entry_by_entry(params, grads, v, *, lr, beta):
    new_params, new_v = {}, {}
    for name in reversed(list(params)):
        new_params[name], new_v[name] = np.empty_like(params[name]), np.empty_like(v[name])
        for i in np.ndindex(params[name].shape):
            new_v[name][i] = beta * v[name][i] + (1 - beta) * grads[name][i]
            new_params[name][i] = params[name][i] - lr * new_v[name][i]
    return new_params, new_v


# ---------------------------------------------------------------------------------------------------------
# convert_learning_rate


def convert_learning_rate(lr, *, beta, to):
    if to == "heavy ball":
        return lr * (1 - beta)
    return lr / (1 - beta)


def convert_cases(rng):
    for form in ("heavy ball", "average"):
        for _ in range(3):
            lr, beta = round(rng.uniform(0.01, 4.0), 3), round(rng.uniform(0.15, 0.85), 2)
            yield case(f"to the {form}", lr, beta=beta, to=form)
        yield case(f"to the {form}", 0.1, beta=0.9, to=form)
        yield case(f"to the {form}", 2, beta=0.0, to=form)


convert = Exercise(
    convert_learning_rate,
    parts={"to the heavy ball": 1, "to the average": 1},
    cases=convert_cases,
    allows=Allows(whole=("lr",), ends={"beta": (0.0, 0.999)}, start="to the average"),
    hints=(
        "Both forms must make the same steps. Write down the first step of each from v = 0, for a gradient of 1.",
        "The heavy ball's velocity is larger by one constant factor, at every step. So its learning rate must be "
        "smaller by that factor, and the other way round.",
        "One branch multiplies `lr` by `1 - beta`, the other divides by it. Which is which? The heavy ball needs "
        "the smaller one.",
    ),
    explain="why does one factor serve every step, and not only the first?",
)


def convert_with(lr, to, to_heavy_ball, to_average):
    return lr * (to_heavy_ball if to == "heavy ball" else to_average)


@convert.misconception(
    "The conversion is upside down. Without the factor 1 − beta the velocity is larger, so the heavy ball needs "
    "the smaller learning rate."
)
def upside_down(lr, *, beta, to):
    return convert_with(lr, to, 1 / (1 - beta), 1 - beta)


@convert.misconception(
    "You return 1/(1 − beta) or 1 − beta itself, as a sentence in some lecture notes has it (“α must become "
    "1/(1 − β)”). That is the factor between the two rates; the learning rate that you were given has to be "
    "multiplied by it."
)
def the_factor_alone(lr, *, beta, to):
    return convert_with(1.0, to, 1 - beta, 1 / (1 - beta))


@convert.misconception("The factor between the two forms is 1 − beta, not beta.")
def by_beta(lr, *, beta, to):
    return convert_with(lr, to, beta, 1 / beta if beta else np.inf)


@convert.misconception(
    "You subtract. One velocity is a multiple of the other, so the rates differ by a factor: multiply or divide "
    "by 1 − beta."
)
def subtracts(lr, *, beta, to):
    return lr - (1 - beta) if to == "heavy ball" else lr + (1 - beta)


@convert.alternative
def by_a_table(lr, *, beta, to):
    return lr * {"heavy ball": 1 - beta, "average": 1 / (1 - beta)}[to]


@convert.alternative
def by_an_exponent(lr, *, beta, to):
    sign = 1 if to == "heavy ball" else -1
    return np.float64(lr * (1 - beta) ** sign)


# ---------------------------------------------------------------------------------------------------------
# momentum_spectral_radius


def momentum_spectral_radius(curvature, *, lr, beta):
    trace = 1 + beta - lr * (1 - beta) * curvature
    root = np.sqrt(trace**2 - 4 * beta + 0j)
    return np.maximum(np.abs(trace + root), np.abs(trace - root)) / 2


def radius_cases(rng):
    def beta_of(low, high):
        return round(rng.uniform(low, high), 2)

    def at(beta, low, high):
        """Draw lr · curvature inside the part of the axis between two edges of the regions."""
        r = np.sqrt(beta)
        edges = {"0": 0.0, "c": (1 - r) / (1 + r), "f": (1 + r) / (1 - r), "u": 2 * (1 + beta) / (1 - beta)}
        edges["far"] = 2 * edges["u"]
        return edges[low] + rng.uniform(0.2, 0.8) * (edges[high] - edges[low])

    def single(part, low, high):
        beta, lr = beta_of(0.2, 0.8), round(rng.uniform(0.2, 3.0), 2)
        return case(part, float(at(beta, low, high) / lr), lr=lr, beta=beta)

    regions = [("0", "c"), ("c", "f"), ("f", "u"), ("u", "far")]
    for low, high in [*regions[:3], ("c", "f")]:
        yield single("one curvature", low, high)
    yield single("the edges", "u", "far")
    yield case("the edges", round(rng.uniform(0.3, 1.7), 2), lr=1.1, beta=0.0)
    yield case("the edges", -round(rng.uniform(0.1, 2.0), 2), lr=0.7, beta=beta_of(0.3, 0.8))
    yield case("the edges", 0.0, lr=0.7, beta=beta_of(0.3, 0.8))
    beta = beta_of(0.3, 0.7)
    yield case("arrays", np.array([at(beta, *region) for region in regions]) / 0.6, lr=0.6, beta=beta)
    betas = np.array([[0.0], [0.25], [0.55]])
    yield case("arrays", np.array([0.01, 3.7]) * rng.uniform(0.9, 1.1), lr=1.3, beta=betas)
    yield case("arrays", rng.uniform(0.2, 0.6, size=3), lr=np.array([0.9, 1.0, 1.1]), beta=0.4)


radius = Exercise(
    momentum_spectral_radius,
    parts={"one curvature": 2, "the edges": 1, "arrays": 1},
    cases=radius_cases,
    allows=Allows(alike=("curvature",), real=("curvature",), ends={"beta": (0.0,)}, start="arrays"),
    rtol=1e-6,  # close to critical damping the root magnifies the rounding of its argument
    hints=(
        "The eigenvalues are the two solutions of the quadratic equation of the section above. Write them down "
        "with the school formula. When is the number under the root negative, and what is their modulus then?",
        "Let NumPy take the root of a complex number (add `0j` to the number under it); `np.abs` of a complex "
        "number is its modulus. Both solutions are needed: either may be the larger one.",
        "With `trace = 1 + beta - …` and `root = np.sqrt(trace**2 - 4 * beta + 0j)`, take the larger of "
        "`np.abs(trace + root)` and `np.abs(trace - root)`, by `np.maximum`, and do not forget the ½.",
    ),
    explain="why does the learning rate not matter inside the oscillating region?",
    equivalent={
        "operands swapped: 1 + beta - lr * (1 - beta) * curvature → lr * (1 - beta) * curvature - (1 + beta)": "the largest absolute value does not change with the sign of the trace",
        "operator: trace ** 2 - 4 * beta + 0j → trace ** 2 - 4 * beta - 0j": "the other of two conjugate roots",
        "operands swapped: trace - root → root - trace": "its absolute value is taken",
    },
)


def matrix_with(curvature, lr, beta, *, new_velocity=True):
    """Return the (…, 2, 2) matrices of momentum on (w, v); w moves with the new velocity or with the old one."""
    gain = (1 - beta) * curvature
    first_row = (1 - lr * gain, -lr * beta) if new_velocity else (1, -lr)
    rows = np.stack(np.broadcast_arrays(*first_row, gain, beta), axis=-1)
    return rows.reshape(*rows.shape[:-1], 2, 2)


@radius.misconception(
    "That is the heavy ball, without the factor 1 − beta in front of the gradient: legitimate elsewhere. Here lr "
    "is the rate of the form with the factor, so it is lr · (1 − beta) · curvature that counts."
)
def heavy_balls_rate(curvature, *, lr, beta):
    return momentum_spectral_radius(curvature, lr=lr / (1 - beta), beta=beta)


@radius.misconception(
    "In the oscillating region the number under the root is negative, and NumPy's real root makes it nan. Make it "
    "complex first: `np.sqrt(… + 0j)`."
)
def real_root(curvature, *, lr, beta):
    trace = 1 + beta - lr * (1 - beta) * curvature
    root = np.sqrt(trace**2 - 4 * beta)
    return np.maximum(np.abs(trace + root), np.abs(trace - root)) / 2


@radius.misconception(
    "Where the number under the root is negative you put 0 in its place, and so lose the imaginary part. The "
    "modulus of a complex eigenvalue counts both parts."
)
def root_clipped(curvature, *, lr, beta):
    trace = 1 + beta - lr * (1 - beta) * curvature
    root = np.sqrt(np.maximum(trace**2 - 4 * beta, 0.0))
    return np.maximum(np.abs(trace + root), np.abs(trace - root)) / 2


@radius.misconception(
    "√beta is right inside the oscillating region, where the two eigenvalues are conjugate. Outside it they are "
    "real, and one of them is larger."
)
def root_of_beta_everywhere(curvature, *, lr, beta):
    return np.sqrt(np.asarray(beta) + 0.0 * lr * curvature)


@radius.misconception(
    "You return the product of the eigenvalues (the determinant), which is beta whatever the rate. Asked is the "
    "larger of their moduli."
)
def the_determinant(curvature, *, lr, beta):
    return np.linalg.det(matrix_with(curvature, lr, beta))


@radius.misconception(
    "That is gradient descent's rate, |1 − lr · curvature|. With momentum the state has two numbers, w and v, and "
    "two eigenvalues."
)
def gradient_descents_rate(curvature, *, lr, beta):
    return np.abs(1 - lr * curvature) + 0.0 * np.asarray(beta)


@radius.misconception(
    "That is the matrix's norm (its largest singular value): the most that one step can do. Over many steps its "
    "eigenvalues decide."
)
def the_norm(curvature, *, lr, beta):
    return np.linalg.norm(matrix_with(curvature, lr, beta), 2, axis=(-2, -1))


@radius.misconception(
    "Your matrix moves w with the old velocity. The new one, beta · v + (1 − beta) · curvature · w, is what w "
    "moves with; put that in for v in the first row."
)
def old_velocity_in_matrix(curvature, *, lr, beta):
    return np.abs(np.linalg.eigvals(matrix_with(curvature, lr, beta, new_velocity=False))).max(axis=-1)


@radius.alternative
def by_eigvals(curvature, *, lr, beta):
    return np.abs(np.linalg.eigvals(matrix_with(curvature, lr, beta))).max(axis=-1)


@radius.alternative
def by_cases(curvature, *, lr, beta):
    half = np.abs(1 + beta - lr * (1 - beta) * curvature) / 2
    under = half**2 - beta
    return np.where(under < 0, np.sqrt(np.abs(beta)), half + np.sqrt(np.maximum(under, 0)))[()]


@radius.alternative
def by_polynomial_roots(curvature, *, lr, beta):
    def one(c, lr, beta):
        return max(abs(np.roots([1, lr * (1 - beta) * c - 1 - beta, beta])))

    return np.vectorize(one, otypes=[float])(curvature, lr, beta)[()]


# ---------------------------------------------------------------------------------------------------------
# optimal_momentum


def optimal_momentum(smallest, largest):
    root = np.sqrt(largest / smallest)
    rate = (root - 1) / (root + 1)
    return 1 / np.sqrt(smallest * largest), rate**2, rate


def optimal_cases(rng):
    def pair(factor):
        smallest = round(float(10 ** rng.uniform(-1, 0.5)), 3)
        return smallest, round(smallest * factor, 3)

    for part in ("beta and the rate", "the learning rate"):
        yield case(part, 1.0, 4.0)
        for factor in (rng.uniform(2, 9), rng.uniform(20, 200), rng.uniform(1e3, 1e4)):
            yield case(part, *pair(factor))
    yield case("equal curvatures", *pair(1.0))
    yield case("equal curvatures", 2.0, 2.0)


def observe_optimal(call, case):
    result = call(*case.args)
    if not isinstance(result, tuple | list) or len(result) != 3:
        text = f"The function should return three numbers, `lr, beta, rate`, but returned {describe(result)}."
        raise ContractError(text)
    lr, beta, rate = result
    seen = {"beta": beta, "rate": rate, "lr": lr}
    keep = {"beta and the rate": ("beta", "rate"), "the learning rate": ("lr",)}
    return {name: seen[name] for name in keep.get(case.part, seen)}


optimal = Exercise(
    optimal_momentum,
    parts={"beta and the rate": 2, "the learning rate": 1, "equal curvatures": 1},
    cases=optimal_cases,
    allows=Allows(ends={"smallest": (1e-6,), "largest": (1e6,)}, start="equal curvatures"),
    observe=observe_optimal,
    hints=(
        "Both ends of the bar must sit exactly on the two edges of the oscillating region. That is two equations "
        "for lr and beta; the rate is what the map says inside the region.",
        "The quotient of the two edges must be largest/smallest, which leaves one equation for √beta. Their "
        "product is 1: what does that say of lr · smallest times lr · largest?",
        "`root = np.sqrt(largest / smallest)`; the rate is (root − 1) over (root + 1) and beta its square. And "
        "lr² · smallest · largest = 1.",
    ),
    explain="why is lr the reciprocal of the curvatures' geometric mean?",
    equivalent={
        "order of operations: 1 / np.sqrt(smallest * largest) → np.sqrt(1 / (smallest * largest))": "1/√x is √(1/x)",
        "aggregated: rate ** 2 → np.sum(rate ** 2)": "of a single number",
        "aggregated: rate ** 2 → np.mean(rate ** 2)": "of a single number",
    },
)


def optimal_with(smallest, largest, *, lr=None, beta=None, rate=None):
    right = optimal_momentum(smallest, largest)
    return tuple(r if other is None else other for r, other in zip(right, (lr, beta, rate), strict=True))


@optimal.misconception(
    "Your lr belongs to the heavy ball, the form without the factor 1 − beta: legitimate elsewhere. For the form "
    "asked here divide it by 1 − beta."
)
def heavy_balls_optimum(smallest, largest):
    return optimal_with(smallest, largest, lr=4 / (np.sqrt(largest) + np.sqrt(smallest)) ** 2)


@optimal.misconception(
    "You converted the heavy ball's rate the wrong way: from there to the form with the factor 1 − beta, divide."
)
def converted_upside_down(smallest, largest):
    heavy = 4 / (np.sqrt(largest) + np.sqrt(smallest)) ** 2
    return optimal_with(smallest, largest, lr=heavy * (1 - optimal_momentum(smallest, largest)[1]))


@optimal.misconception(
    "Your rate is beta. In the oscillating region the eigenvalues' product is beta, so each has modulus √beta."
)
def rate_is_beta(smallest, largest):
    beta = optimal_momentum(smallest, largest)[1]
    return optimal_with(smallest, largest, rate=beta)


@optimal.misconception(
    "(κ − 1)/(κ + 1) is gradient descent's best rate. Momentum's has √κ in place of κ; that is its whole point."
)
def kappa_without_root(smallest, largest):
    kappa = largest / smallest
    rate = (kappa - 1) / (kappa + 1)
    return optimal_with(smallest, largest, beta=rate**2, rate=rate)


@optimal.misconception(
    "That is gradient descent's optimum: lr = 2/(smallest + largest), no momentum. It is the best at beta = 0 "
    "only."
)
def gradient_descents_optimum(smallest, largest):
    kappa = largest / smallest
    return 2 / (smallest + largest), 0.0, (kappa - 1) / (kappa + 1)


@optimal.misconception(
    "beta and rate are right, but lr = 1/largest is too careful: it leaves the steepest direction in the middle "
    "of the oscillating region and the flattest outside it."
)
def one_over_largest(smallest, largest):
    return optimal_with(smallest, largest, lr=1 / largest)


@optimal.misconception(
    "You centre the bar by the arithmetic mean of the curvatures, 2/(smallest + largest). On the map's "
    "logarithmic axis the middle is the geometric mean."
)
def arithmetic_mean(smallest, largest):
    return optimal_with(smallest, largest, lr=2 / (smallest + largest))


@optimal.misconception(
    "1 − 1/√κ is a good approximation for very long ravines. Here the exact values are asked: (√κ − 1)/(√κ + 1)."
)
def approximate_rate(smallest, largest):
    rate = 1 - 1 / np.sqrt(largest / smallest)
    return optimal_with(smallest, largest, beta=rate**2, rate=rate)


@optimal.alternative
def by_roots_of_both(smallest, largest):
    low, high = smallest**0.5, largest**0.5
    rate = (high - low) / (high + low)
    return [4 / (low + high) ** 2 / (1 - rate**2), rate * rate, rate]


@optimal.alternative
def by_hyperbolic_tangent(smallest, largest):
    rate = np.tanh(np.log(largest / smallest) / 4)
    return np.exp(-(np.log(smallest) + np.log(largest)) / 2), rate**2, rate


# ---------------------------------------------------------------------------------------------------------
# nesterov_step


def nesterov_step(w, v, gradient, *, lr, beta):
    ahead = w - lr * beta * v
    v = beta * v + (1 - beta) * gradient(ahead)
    return w - lr * v, v


@dataclass(frozen=True)
class Slope:
    """The gradient of a bowl with its bottom at `bottom`, shown as the function that one would write."""

    curvature: tuple[float, ...]
    bottom: tuple[float, ...]

    def __call__(self, w):  # noqa: D102 - the formula says it
        return np.array(self.curvature) * (w - np.array(self.bottom))

    def __repr__(self):
        return f"lambda w: np.array({list(self.curvature)}) * (w - np.array({list(self.bottom)}))"


def nesterov_cases(rng):
    def problem(part, n, *, at_rest=False, scale=1.0):
        curvature, bottom = rng.uniform(0.5, 4.0, n).round(2), rng.normal(size=n).round(2)
        w, v = (rng.normal(size=(2, n)) * scale).round(2)
        lr, beta = round(rng.uniform(0.1, 1.5), 2), round(rng.uniform(0.25, 0.8), 2)
        slope = Slope(tuple(map(float, curvature)), tuple(map(float, bottom)))
        return case(part, w, np.zeros(n) if at_rest else v, slope, lr=lr, beta=beta)

    yield from (problem("one step", n) for n in (2, 1, 3, 5))
    yield problem("one step", 2, scale=100.0)
    yield from (problem("five steps from rest", n, at_rest=True) for n in (1, 3))


def observe_nesterov(call, case):
    (w, v, gradient), kwargs = case.args, case.kwargs
    for _ in range(5 if case.part == "five steps from rest" else 1):
        result = call(w, v, gradient, **kwargs)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise ContractError(f"The function should return two arrays, `w, v`, but returned {describe(result)}.")
        w, v = result
        for name, value in (("w", w), ("v", v)):
            if not isinstance(value, np.ndarray):
                raise ContractError(f"`{name}` should be a NumPy array, but is {describe(value)}.")
    return {"v": v, "w": w}


nesterov = Exercise(
    nesterov_step,
    parts={"one step": 2, "five steps from rest": 1},
    cases=nesterov_cases,
    allows=Allows(real=("w", "v"), ends={"beta": (0.0,)}),
    observe=observe_nesterov,
    hints=(
        "Three lines: where would the old velocity alone take you? What is the gradient there? Then the two lines "
        "of momentum.",
        "If the gradient were zero, the next step would be lr · beta · v long. Look from that point; but the step "
        "itself starts where you stand.",
        "`ahead = w - lr * beta * v`, then the usual average with `gradient(ahead)` in place of `dw`, then the "
        "usual step from `w`.",
    ),
    explain="what does the gradient at the point ahead know that the gradient at w does not?",
)


def nesterov_with(w, v, gradient, lr, beta, *, ahead=None, step=None):
    """Compute the right answer with one piece replaced."""
    at = w - lr * beta * v if ahead is None else ahead
    dw = gradient(at)
    new = beta * v + (1 - beta) * dw
    return w - lr * new if step is None else step(at, dw, new), new


@nesterov.misconception(
    "You take the gradient where you stand: that is plain momentum. Nesterov looks from the point that the old "
    "velocity leads to."
)
def looks_from_here(w, v, gradient, *, lr, beta):
    return nesterov_with(w, v, gradient, lr, beta, ahead=w)


@nesterov.misconception(
    "You look back instead of ahead. The velocity is an average of gradients, and steps go against it: "
    "w − lr · beta · v."
)
def looks_back(w, v, gradient, *, lr, beta):
    return nesterov_with(w, v, gradient, lr, beta, ahead=w + lr * beta * v)


@nesterov.misconception(
    "You make the step from the point ahead, so the old velocity moves you twice. Look from there, but step "
    "from w."
)
def steps_from_ahead(w, v, gradient, *, lr, beta):
    return nesterov_with(w, v, gradient, lr, beta, step=lambda ahead, dw, new: ahead - lr * new)


@nesterov.misconception(
    "That is PyTorch's form: the gradient at w, and the momentum applied once more in the step. It is legitimate "
    "elsewhere (the next cell shows how the two are related), but here the gradient is asked at the point ahead."
)
def pytorchs_form(w, v, gradient, *, lr, beta):
    dw = gradient(w)
    v = beta * v + (1 - beta) * dw
    return w - lr * (beta * v + (1 - beta) * dw), v


@nesterov.misconception(
    "You refresh v with the gradient at w first and look ahead along the new velocity: two gradients in one step. "
    "Nesterov takes one, ahead along the old velocity."
)
def two_gradients(w, v, gradient, *, lr, beta):
    first = beta * v + (1 - beta) * gradient(w)
    return nesterov_with(w, v, gradient, lr, beta, ahead=w - lr * beta * first)


@nesterov.misconception(
    "v is right, but the step goes along the gradient ahead and leaves the velocity out of it: w − lr · v."
)
def steps_along_gradient(w, v, gradient, *, lr, beta):
    return nesterov_with(w, v, gradient, lr, beta, step=lambda ahead, dw, new: w - lr * dw)


@nesterov.alternative
def from_the_point_ahead(w, v, gradient, *, lr, beta):
    ahead = w - lr * beta * v
    dw = gradient(ahead)
    return ahead - lr * (1 - beta) * dw, beta * v + (1 - beta) * dw


@nesterov.alternative
def by_displacement(w, v, gradient, *, lr, beta):
    glide = -lr * beta * v
    push = -lr * (1 - beta) * gradient(w + glide)
    return [w + glide + push, -(glide + push) / lr]


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims and quiz

prediction_same_lr = Prediction(
    "prediction_same_lr",
    answer="4d5e95ee0c8be884",
    wrong={
        "a": (
            "That would need longer steps along the valley, and an average of gradients is hardly longer than the "
            "gradients."
        ),
        "c": "It does come late, but only by β/(1−β) = 2.3 steps, once; after that it goes as fast.",
    },
    right=(
        "About as many: 364 instead of 386. Along the valley the average nearly equals the gradient, so at the "
        "same rate the speed is nearly the same. The gain comes when you raise the rate."
    ),
)

prediction_dropped_factor = Prediction(
    "prediction_dropped_factor",
    answer="1eafa0ed9a7ac923",
    wrong={
        "a": "The velocity is then a sum, g + βg + β²g + …, and no longer an average.",
        "c": "Dropping a factor below 1 makes the velocity larger.",
    },
    right=(
        "The velocity adds up to g/(1−β), ten times the average. In the valley, steps three times as long (β "
        "= 0.7) were enough to explode."
    ),
)

prediction_narrow = Prediction(
    "prediction_narrow",
    answer="8a9af21aa194b593",
    wrong={
        "a": "That is how gradient descent scales, with κ itself.",
        "c": (
            "A narrower valley is a longer bar on the map: it needs a higher place in the funnel, and so a "
            "slower rate."
        ),
    },
    right=(
        "Momentum's steps grow like √κ: ten times as many for a valley 100 times as narrow. You see it in the "
        "slope of one half."
    ),
)

prediction_hover = Prediction(
    "prediction_hover",
    answer="205de950776920ff",
    wrong={
        "a": (
            "1/19 is right for the variance of v, the single step. But the errors of consecutive steps are "
            "alike, and they add up."
        ),
        "b": ("There is no such halfway house: the errors of consecutive steps add up to all the noise there is."),
    },
    right=(
        "About the same: 0.025 for both. Each gradient is used up completely in the end, only in "
        "instalments, and its noise with it."
    ),
)

claim_always_faster = Quiz(
    "claim_always_faster",
    answer="a153c7c70f0204dc",
    wrong={
        "true": "What did the kinked loss do, and what was left of the gain in the noisy valley?",
    },
    also={
        "depends": (
            "Whether it is faster does depend: on whether curvature limits the learning rate, as in the exact "
            "valley (44 steps instead of 386), or noise does, as at noise 30 (no gain). But the sentence says "
            "always, and one of these is enough to make it false."
        ),
    },
    right=(
        "False: at noise 30 nothing is gained, in a round bowl the best β is 0, and on the kinked loss the "
        "settings that are best for bowls do not even converge. It wins where curvature limits the learning rate: "
        "in narrow valleys, with little noise."
    ),
)

claim_reciprocal_rate = Quiz(
    "claim_reciprocal_rate",
    answer="950cc3f00f6820e3",
    wrong={
        "true": "Which of the three recipes gave the same path?",
        "depends": "It would hold only by accident, for one single α. Which recipe gave the same path?",
    },
    right=(
        "v is larger by the factor 1/(1−β), so α must become smaller by it: α(1−β). The sentence has the "
        "direction wrong, and mistakes a factor for the rate itself."
    ),
)

claim_correction_useless = Quiz(
    "claim_correction_useless",
    answer="7c7f5b289e21d5d7",
    wrong={
        "true": "Look at β = 0.99 in the bowl: 0.36 against 0.14 after 100 steps. Is that nothing?",
    },
    also={
        "depends": (
            "Its use does depend on β, the rate and the budget: it helps at β = 0.99 in the bowl (0.14 instead of "
            "0.36 after 100 steps) and harms in the valley (3.9 instead of 0.0007 after 60). But the sentence "
            "says that nobody notices after ten steps, and these are easily noticed."
        ),
    },
    right=(
        "False: at β = 0.99 in the bowl it is noticed after 100 steps, 0.14 instead of 0.36. At β = 0.9 it is "
        "little, 0.08 instead of 0.10. And at the large rates for which momentum is used it does harm: the first "
        "steps become too long."
    ),
)

claim_larger_beta_calmer = Quiz(
    "claim_larger_beta_calmer",
    answer="19e040a2e42d6f1f",
    wrong={
        "true": "Compare β = 0.2 with β = 0.99 in the table.",
        "false": "From β = 0 to 0.2 the swinging did die out sooner, 7 steps instead of 44. Up to where does it?",
    },
    right=(
        "It depends on where the curvature lies on the map: it is true until the funnel is reached. From there on "
        "the swing shrinks by √β a step, so a larger β rings for longer: 911 steps at 0.99."
    ),
)

quiz_torch_rate = Quiz(
    "quiz_torch_rate",
    answer="f73662de7d4eac79",
    wrong={
        "a": (
            "That is the other direction: 0.05 · (1 − 0.9). The form with 1 − β has the smaller velocity and "
            "needs the larger rate."
        ),
        "b": "That is 0.9 · 0.05. The factor between the forms is 1 − β = 0.1.",
        "d": "10 is 1/(1−β), the factor between the rates. Multiply the rate by it.",
    },
    right="0.05 / (1 − 0.9) = 0.5. PyTorch's form has no factor 1 − β, so its rates are smaller by it.",
)

quiz_terminal_speed = Quiz(
    "quiz_terminal_speed",
    answer="d4d93277af7ef74e",
    wrong={
        "b": "That is the heavy ball's step, without the factor 1 − β.",
        "c": "That is the first step. The velocity then grows towards g.",
        "d": "Friction sees to it that it does not: the weights of the average add up to 1.",
    },
    right=(
        "The average of equal gradients is that gradient, so momentum ends at the speed of gradient descent: α·g."
    ),
)

quiz_inside_funnel = Quiz(
    "quiz_inside_funnel",
    answer="752a2ab1e868082e",
    wrong={
        "a": "Look at the formula for complex eigenvalues: where is α in it?",
        "b": "The root belongs to β: each modulus is √β, whatever α is.",
        "c": "They swing faster, not longer: the modulus of the eigenvalues does not change.",
    },
    right="Inside the funnel both eigenvalues have modulus √β; α and λ only decide how fast the ball swings.",
)

quiz_velocity_memory = Quiz(
    "quiz_velocity_memory",
    answer="fe4233425b4890f1",
    wrong={
        "a": "One number would be one velocity for all parameters. Each of them has its own average.",
        "b": "Four arrays, but each as large as its parameter.",
        "d": "The running average is what makes ten gradients unnecessary: one number per parameter (week 02).",
    },
    right="One velocity for each parameter, of the same shape: 2,410 numbers.",
)

quiz_tiny_batches = Quiz(
    "quiz_tiny_batches",
    answer="b6cc3b5e745896f7",
    wrong={
        "a": "Momentum buys a higher limit of stability, and the best rate is far below the limit as it is.",
        "c": "The noise is paid out in instalments, all of it. The hovering stays as it was.",
        "d": "At these small rates momentum and gradient descent follow nearly the same path.",
    },
    right=(
        "Little. Momentum raises the limit of stability, but it is the noise that keeps the rate down, and "
        "momentum does not lessen its effect."
    ),
)
