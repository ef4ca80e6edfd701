"""Week 05, RMSprop and AdaGrad: the exercises with their cases, misconceptions and hints."""

import numpy as np

from course_lib.comparing import describe
from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, case

# ---------------------------------------------------------------------------------------------------------
# What both optimizers share: their cases, and how they are watched

ONE_STEP, SEVERAL_STEPS = "one step", "several steps in a row"
SMALL_PRINT = "eps, tiny gradients, whole numbers"


def draw_beta(rng):
    """Draw a beta that is not near 0.9, so that nobody gets by with the usual one."""
    return round(float(rng.choice([rng.uniform(0.55, 0.8), rng.uniform(0.93, 0.97)])), 3)


def step_cases(rng, **more):
    """Draw w, dw, s and hyperparameters; `more` maps names of further hyperparameters to their draws."""

    def numbers(shape, scale=1.0):
        return np.array((rng.choice([-1, 1], shape) * rng.uniform(0.2, 3.0, shape)).round(2) * scale)

    def problem(part, w, dw, s, eps):
        extra = {name: draw(rng) for name, draw in more.items()}
        return case(part, w, dw, s, lr=round(rng.uniform(0.02, 0.3), 3), **extra, eps=eps)

    def typical(part, shape, fresh):
        s = np.zeros(shape) if fresh else np.array(rng.uniform(5e3, 5e4, shape).round())
        return problem(part, numbers(shape), numbers(shape, 100.0), s, eps=1e-12)

    for shape, fresh in [((2,), False), ((3,), True), ((1,), False), ((2, 3), False), ((3, 2), True)]:
        yield typical(ONE_STEP, shape, fresh)
    for shape, fresh in [((2,), True), ((3,), False), ((2, 2), True)]:
        yield typical(SEVERAL_STEPS, shape, fresh)
    for eps, size in [(1e-8, 1e-8), (1e-3, 1e-3), (0.05, 1e-2), (1.0, 100.0)]:
        yield problem(SMALL_PRINT, numbers(3), numbers(3, size), rng.uniform(0.5, 2.0, 3) * size**2, eps)
    yield problem(SMALL_PRINT, numbers(3), numbers(3) * [0, 1, 0], np.array([0.0, 0.5, 2.0]), eps=1e-6)


def step_allows(**ends):
    return Allows(
        alike=("w", "dw", "s"),
        whole=("w", "dw", "s"),
        single=("w", "dw", "s"),
        real=("w", "dw"),
        ends={"eps": (1e-4, 1.0), **ends},
    )


def observe_steps(call, case):
    """One step, or a chain in which every step goes on from what the one before returned."""
    w, dw, s = case.args
    steps = 4 if case.part == SEVERAL_STEPS else 1
    seen = {}
    for t in range(1, steps + 1):
        result = call(w, dw, s, **case.kwargs)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise ContractError(f"The function should return two values, `w, s`, but returned {describe(result)}.")
        w, s = result
        seen |= {"s": s, "w": w} if steps == 1 else {f"the new s of step {t}": s, f"the new w of step {t}": w}
        dw = -0.5 * dw
    return seen


# ---------------------------------------------------------------------------------------------------------
# rmsprop_step


def rmsprop_step(w, dw, s, *, lr, beta, eps):
    s = beta * s + (1 - beta) * dw**2
    return w - lr * dw / (np.sqrt(s) + eps), s


def rmsprop_cases(rng):
    return step_cases(rng, beta=draw_beta)


rmsprop = Exercise(
    rmsprop_step,
    parts={ONE_STEP: 2, SEVERAL_STEPS: 1, SMALL_PRINT: 1},
    cases=rmsprop_cases,
    allows=step_allows(beta=(0.0, 0.999)),
    observe=observe_steps,
    hints=(
        "Two lines: first the new s from the old s and this gradient, then the new w from that new s.",
        "s is week 02's running average, of dw·dw instead of temperatures, entry by entry. The gradient itself "
        "stays as it is; it is only divided by the root of s.",
        "`s = beta * s + (1 - beta) * dw**2`. In the second line mind the brackets: the whole of "
        "`(np.sqrt(s) + eps)` is the divisor.",
    ),
    explain="why does multiplying dw by 1,000 hardly change the step?",
)


def rmsprop_with(w, dw, s, lr, beta, eps, *, new_s=None, ratio=None):
    """Make the right step with one piece replaced: most wrong answers differ in one piece."""
    s = beta * s + (1 - beta) * dw**2 if new_s is None else new_s
    return w - lr * (dw / (np.sqrt(s) + eps) if ratio is None else ratio(s)), s


@rmsprop.misconception(
    "You average |dw| and then take a root of it. A root belongs to squares: average dw**2, so that √s has the "
    "size of a gradient."
)
def sizes_averaged(w, dw, s, *, lr, beta, eps):
    return rmsprop_with(w, dw, s, lr, beta, eps, new_s=beta * s + (1 - beta) * np.abs(dw))


@rmsprop.misconception(
    "Your eps is inside the root, √(s + eps). Keras and TensorFlow do that, so it is legitimate elsewhere; but "
    "an eps of 1e-8 in there acts like 1e-4. Here it is added outside: √s + eps."
)
def eps_inside_the_root(w, dw, s, *, lr, beta, eps):
    return rmsprop_with(w, dw, s, lr, beta, eps, ratio=lambda s: dw / np.sqrt(s + eps))


@rmsprop.misconception(
    "You take the mean of dw**2 over the coordinates, so they all share one rate. The mean in the name is over "
    "time; the squares stay element by element."
)
def mean_over_coordinates(w, dw, s, *, lr, beta, eps):
    return rmsprop_with(w, dw, s, lr, beta, eps, new_s=beta * s + (1 - beta) * np.mean(dw**2))


@rmsprop.misconception(
    "You sum the squares, and a sum never forgets. That is AdaGrad, exercise 3; RMSprop takes "
    "the running average with beta."
)
def summed_instead(w, dw, s, *, lr, beta, eps):
    return rmsprop_with(w, dw, s, lr, beta, eps, new_s=s + dw**2)


@rmsprop.misconception(
    "You square the average instead of averaging the squares. (A running mean of dw, then squared, would be 0 "
    "for a gradient that swings to and fro.)"
)
def average_squared(w, dw, s, *, lr, beta, eps):
    return rmsprop_with(w, dw, s, lr, beta, eps, new_s=(beta * s + (1 - beta) * dw) ** 2)


@rmsprop.misconception(
    "eps is added to the quotient, where it does not prevent a division by 0 and pushes every step in one "
    "direction. Put brackets round the divisor: dw / (√s + eps)."
)
def eps_added_to_the_quotient(w, dw, s, *, lr, beta, eps):
    return rmsprop_with(w, dw, s, lr, beta, eps, ratio=lambda s: dw / np.sqrt(s) + eps)


@rmsprop.misconception(
    "You take the larger of √s and eps. That prevents the division by 0 as well, but asked is their sum."
)
def eps_as_a_floor(w, dw, s, *, lr, beta, eps):
    return rmsprop_with(w, dw, s, lr, beta, eps, ratio=lambda s: dw / np.maximum(np.sqrt(s), eps))


@rmsprop.misconception(
    "The numerator is squared as well, so every step goes in the same direction. Only the average is of squares; "
    "the step is along dw itself."
)
def numerator_squared(w, dw, s, *, lr, beta, eps):
    return rmsprop_with(w, dw, s, lr, beta, eps, ratio=lambda s: dw**2 / (np.sqrt(s) + eps))


@rmsprop.misconception(
    "You correct s by 1/(1 - beta), as if every step were the first. Adam (week 06) corrects, with the step "
    "number t; RMSprop as asked here does not."
)
def corrected(w, dw, s, *, lr, beta, eps):
    return rmsprop_with(w, dw, s, lr, beta, eps, ratio=lambda s: dw / (np.sqrt(s / (1 - beta)) + eps))


@rmsprop.misconception("The new w is right, but you return the old s, so the next step has no memory.")
def old_s_returned(w, dw, s, *, lr, beta, eps):
    return rmsprop_step(w, dw, s, lr=lr, beta=beta, eps=eps)[0], s.astype(float) if s.dtype.kind == "i" else s


@rmsprop.misconception(
    "Right for floats, but with whole numbers your results are cut off: an array made by `np.zeros_like(s)` or "
    "`np.empty_like(w)` has the dtype int of its model. Let the formula make the arrays."
)
def cut_to_whole_numbers(w, dw, s, *, lr, beta, eps):
    new_w, new_s = rmsprop_step(w, dw, s, lr=lr, beta=beta, eps=eps)
    return new_w.astype(w.dtype), new_s.astype(s.dtype)


@rmsprop.alternative
def towards_the_square(w, dw, s, *, lr, beta, eps):
    s = s + (1 - beta) * (dw * dw - s)
    rate = lr / (eps + s**0.5)
    return [w - rate * dw, s]


@rmsprop.alternative
def with_numpy_names(w, dw, s, *, lr, beta, eps):
    mean_square = np.add(np.multiply(beta, s), np.multiply(1 - beta, np.square(dw)))
    return np.subtract(w, np.divide(lr * dw, np.add(np.sqrt(mean_square), eps))), mean_square


@rmsprop.alternative
def entry_by_entry(w, dw, s, *, lr, beta, eps):
    float_type = np.result_type(w.dtype, 0.0)
    new_w, new_s = np.empty(w.shape, float_type), np.empty(w.shape, float_type)
    for i in np.ndindex(w.shape):
        new_s[i] = beta * s[i] + (1 - beta) * dw[i] ** 2
        new_w[i] = w[i] - lr * dw[i] / (np.sqrt(new_s[i]) + eps)
    return new_w, new_s


# ---------------------------------------------------------------------------------------------------------
# first_step_size


def first_step_size(g, t, *, lr, beta, eps):
    rms = np.sqrt(1 - beta**t) * np.abs(g)
    return lr * np.abs(g) / (rms + eps)


def size_cases(rng):
    def problem(part, t, size=1.0, eps=1e-12, n=3, beta=None):
        g = (rng.choice([-1, 1], n) * rng.uniform(0.3, 3.0, n)).round(2) * size
        beta = beta or draw_beta(rng)
        return case(part, g, t, lr=round(rng.uniform(0.02, 0.5), 3), beta=beta, eps=eps)

    for n in (2, 3, 1):
        yield problem("the first step", 1, n=n)
    for t in (2, 3, int(rng.integers(4, 9)), 50):
        yield problem("step t", t)
    yield problem("step t", 2000, beta=0.999)
    for t, size, eps in [(1, 1e-8, 1e-8), (4, 1e-3, 1e-3), (2, 0.1, 0.05), (7, 100.0, 1.0)]:
        yield problem("eps and tiny gradients", t, size, eps)


sizes = Exercise(
    first_step_size,
    parts={"the first step": 2, "step t": 1, "eps and tiny gradients": 1},
    cases=size_cases,
    allows=Allows(
        whole=("g",),
        real=("g",),
        ends={"t": (1, 3000), "beta": (0.001, 0.999), "eps": (1e-4, 1.0)},
        start="step t",
    ),
    hints=(
        "What is s after t steps, if all t gradients were g and s began at 0? The page derived it.",
        "s is (1 - beta**t) times g². Put that into the step lr·g/(√s + eps) and take its size, without the sign.",
        "`rms = np.sqrt(1 - beta**t) * np.abs(g)`, and the result is lr times |g| over (rms + eps).",
    ),
    explain="why is the first step the longest, and what does it tend to?",
    equivalent={
        "order of operations: np.sqrt(1 - beta ** t) * np.abs(g) → np.abs(np.sqrt(1 - beta ** t) * g)": "the other factor is not negative",
        "order of operations: lr * np.abs(g) → np.abs(lr * g)": "the other factor is not negative",
    },
)


def size_with(g, lr, eps, share):
    """Compute the size of the step when s is `share` times g²."""
    return lr * np.abs(g) / (np.sqrt(share) * np.abs(g) + eps)


@sizes.misconception(
    "That is lr/√(1 - beta) at every step, which is right for t = 1 only. After t steps s has grown to "
    "(1 - beta**t)·g²."
)
def always_the_first(g, t, *, lr, beta, eps):
    return size_with(g, lr, eps, 1 - beta)


@sizes.misconception(
    "That is the size of a step with bias correction, lr throughout, as Adam's (week 06). RMSprop's s starts at 0 "
    "and stays uncorrected, so the first steps are longer."
)
def as_if_corrected(g, t, *, lr, beta, eps):
    return size_with(g, lr, eps, 1.0)


@sizes.misconception(
    "You multiply by the root of 1 - beta**t. s is too small at first and it stands in the divisor, so the "
    "first steps are too *long*: divide."
)
def multiplied_by_the_root(g, t, *, lr, beta, eps):
    return lr * np.abs(g) * np.sqrt(1 - beta**t) / (np.abs(g) + eps)


@sizes.misconception("The root is missing: s is (1 - beta**t)·g², but the step is divided by √s.")
def root_missing_in_size(g, t, *, lr, beta, eps):
    return lr * np.abs(g) / ((1 - beta**t) * np.abs(g) + eps)


@sizes.misconception(
    "You count from 0: with beta**(t - 1) the first step would divide by nothing but eps. s holds this step's "
    "gradient already: beta**t."
)
def one_step_late(g, t, *, lr, beta, eps):
    return size_with(g, lr, eps, 1 - beta ** (t - 1))


@sizes.misconception(
    "eps is missing. You cancelled |g|, which is right for large gradients; but where |g| is about eps the step "
    "is shorter, and where g is 0 it is 0."
)
def eps_cancelled(g, t, *, lr, beta, eps):
    return np.full(g.shape, lr / np.sqrt(1 - beta**t))


@sizes.misconception(
    "You cancelled |g| but kept eps beside the 1. Divide numerator and denominator by |g|: eps becomes eps/|g|."
)
def eps_beside_one(g, t, *, lr, beta, eps):
    return np.full(g.shape, lr / (np.sqrt(1 - beta**t) + eps))


@sizes.misconception("eps is added to the quotient. It belongs into the divisor: |g| / (√s + eps).")
def eps_after_dividing(g, t, *, lr, beta, eps):
    return lr * (np.abs(g) / np.sqrt((1 - beta**t) * g**2) + eps)


@sizes.misconception(
    "You use AdaGrad's sum of squares, t·g². RMSprop's running average of a constant is (1 - beta**t)·g²."
)
def adagrads_size(g, t, *, lr, beta, eps):
    return size_with(g, lr, eps, t)


@sizes.misconception("You sum all steps so far. Asked is the size of step number t alone.")
def distance_so_far(g, t, *, lr, beta, eps):
    return sum(size_with(g, lr, eps, 1 - beta**k) for k in range(1, t + 1))


@sizes.alternative
def by_walking(g, t, *, lr, beta, eps):
    s = np.zeros(g.shape)
    for _ in range(t):
        s = beta * s + (1 - beta) * g**2
    return np.abs(lr * g / (np.sqrt(s) + eps))


@sizes.alternative
def from_the_sum_of_weights(g, t, *, lr, beta, eps):
    weight = sum((1 - beta) * beta**k for k in range(t))
    return np.abs(g) * lr / (eps + (weight * g * g) ** 0.5)


@sizes.alternative
def with_expm1(g, t, *, lr, beta, eps):
    share = -np.expm1(t * np.log(beta))
    return np.array([lr * abs(x) / (np.sqrt(share) * abs(x) + eps) for x in g])


# ---------------------------------------------------------------------------------------------------------
# adagrad_step


def adagrad_step(w, dw, s, *, lr, eps):
    s = s + dw**2
    return w - lr * dw / (np.sqrt(s) + eps), s


adagrad = Exercise(
    adagrad_step,
    parts={ONE_STEP: 2, SEVERAL_STEPS: 1, SMALL_PRINT: 1},
    cases=step_cases,
    allows=step_allows(),
    observe=observe_steps,
    hints=(
        "It is your rmsprop_step with one line changed. Which one?",
        "s is now the plain sum of all squared gradients, entry by entry, this step's included. Nothing is "
        "forgotten, so no weights are needed.",
        "`s = s + dw**2`, in a new array; the line with the step stays as it was in rmsprop_step.",
    ),
    explain="how long is step number 100, if all gradients were the same?",
)


def adagrad_with(w, dw, s, lr, eps, *, new_s=None, ratio=None):
    """Make the right step with one piece replaced."""
    s = s + dw**2 if new_s is None else new_s
    return w - lr * (dw / (np.sqrt(s) + eps) if ratio is None else ratio(s)), s


@adagrad.misconception("You add |dw| instead of its square, and then take a root. Add dw**2.")
def sum_of_sizes(w, dw, s, *, lr, eps):
    return adagrad_with(w, dw, s, lr, eps, new_s=s + np.abs(dw))


@adagrad.misconception(
    "Your sum is decayed by a factor of 0.9. Then it is no sum any more but (nearly) RMSprop's memory: AdaGrad "
    "forgets nothing."
)
def decayed_sum(w, dw, s, *, lr, eps):
    return adagrad_with(w, dw, s, lr, eps, new_s=0.9 * s + dw**2)


@adagrad.misconception(
    "That is RMSprop's running average with beta = 0.9. AdaGrad has no beta: it adds the squares up."
)
def running_mean_instead(w, dw, s, *, lr, eps):
    return adagrad_with(w, dw, s, lr, eps, new_s=0.9 * s + 0.1 * dw**2)


@adagrad.misconception("eps is added to the quotient. Put brackets round the divisor: dw / (√s + eps).")
def eps_outside_the_brackets(w, dw, s, *, lr, eps):
    return adagrad_with(w, dw, s, lr, eps, ratio=lambda s: dw / np.sqrt(s) + eps)


@adagrad.misconception(
    "The numerator is squared as well. The step goes along dw itself; only the sum has squares."
)
def squared_on_top(w, dw, s, *, lr, eps):
    return adagrad_with(w, dw, s, lr, eps, ratio=lambda s: dw**2 / (np.sqrt(s) + eps))


@adagrad.alternative
def rate_first(w, dw, s, *, lr, eps):
    total = np.square(dw) + s
    rate = lr / (eps + total**0.5)
    return [w - rate * dw, total]


@adagrad.alternative
def direction_first(w, dw, s, *, lr, eps):
    s = np.add(s, dw * dw)
    direction = np.divide(dw, np.sqrt(s) + eps)
    return w + -lr * direction, s


@adagrad.alternative
def one_at_a_time(w, dw, s, *, lr, eps):
    s = s + np.abs(dw) ** 2
    new_w = np.empty(w.shape, np.result_type(w.dtype, 0.0))
    for i in np.ndindex(w.shape):
        new_w[i] = w[i] - lr * dw[i] / (s[i] ** 0.5 + eps)
    return new_w, s


# ---------------------------------------------------------------------------------------------------------
# rotate_quadratic


def rotate_quadratic(A, angle):
    c, s = np.cos(angle), np.sin(angle)
    R = np.array([[c, -s], [s, c]])
    return R @ A @ R.T


def turning_cases(rng):
    def along_the_axes():
        return np.diag(rng.choice(np.arange(1.0, 30.0), 2, replace=False))

    def symmetric():
        a, b, d = rng.uniform(0.5, 9.0, 3).round(1)
        return np.array([[a, d], [d, -b]])

    for angle in (*rng.uniform(0.2, 0.7, 2).round(2), np.pi / 4):
        yield case("a ravine along an axis", along_the_axes(), float(angle))
    for angle in rng.uniform(0.2, 0.7, 3).round(2):
        yield case("any symmetric matrix", symmetric(), float(angle))
    for angle in (*rng.uniform(1.7, 3.0, 1).round(2), *rng.uniform(-1.4, -0.2, 2).round(2)):
        yield case("any angle, whole numbers too", symmetric(), float(angle))


turning = Exercise(
    rotate_quadratic,
    parts={"a ravine along an axis": 2, "any symmetric matrix": 1, "any angle, whole numbers too": 1},
    cases=turning_cases,
    allows=Allows(whole=("A",), ends={"angle": (0.0, 7.0, -4.0)}, start="any symmetric matrix"),
    hints=(
        "Where was the point w of the turned surface before the turn? There the old surface tells its height.",
        "It was at Rᵀw. So the new surface is ½(Rᵀw)ᵀA(Rᵀw): collect what stands between wᵀ and w. R turns "
        "counter-clockwise, so it takes (1, 0) to (cos, sin), its first column.",
        "R is [[c, -s], [s, c]] with c = np.cos(angle) and s = np.sin(angle). Then R, A and the transpose of R, "
        "joined by `@`.",
    ),
    explain="which numbers does the turn leave unchanged, and which does RMSprop see?",
)


def rotation_matrix(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


@turning.misconception(
    "You turn the other way: that is Rᵀ A R, or an R with its minus sign in the wrong corner. It is legitimate "
    "where the axes are turned instead of the surface. Asked is the surface: R A Rᵀ with R = [[c, -s], [s, c]]."
)
def turned_the_other_way(A, angle):
    return rotate_quadratic(A, -angle)


@turning.misconception("The angle is in radians already; you convert it as if it were in degrees.")
def as_if_in_degrees(A, angle):
    return rotate_quadratic(A, np.deg2rad(angle))


@turning.misconception("You convert the angle from radians to degrees, but np.cos and np.sin want radians.")
def converted_to_degrees(A, angle):
    return rotate_quadratic(A, np.rad2deg(angle))


@turning.misconception("You multiply by R on the right only. A quadratic form changes on both sides: R A Rᵀ.")
def right_without_transpose(A, angle):
    return A @ rotation_matrix(angle)


@turning.misconception("`*` multiplies element by element. The product of matrices is `@`.")
def element_by_element(A, angle):
    R = rotation_matrix(angle)
    return R * A * R.T


@turning.misconception(
    "Your matrix [[c, s], [s, -c]] is a reflection. For a ravine along an axis nobody can tell, otherwise it "
    "flips the surface. A rotation is [[c, -s], [s, c]]."
)
def a_reflection(A, angle):
    c, s = np.cos(angle), np.sin(angle)
    R = np.array([[c, s], [s, -c]])
    return R @ A @ R.T


@turning.misconception(
    "You turn the diagonal of A only. Right for a ravine along an axis, but A may have entries off the diagonal, "
    "and they belong to the surface."
)
def diagonal_only(A, angle):
    return rotate_quadratic(np.diag(np.diag(A)), angle)


@turning.misconception(
    "The entries off the diagonal are missing in your result. They are what RMSprop cannot see, and the whole "
    "point of this section."
)
def result_without_corners(A, angle):
    return np.diag(np.diag(rotate_quadratic(A, angle)))


@turning.alternative
def by_its_inverse(A, angle):
    R = rotation_matrix(angle)
    return np.linalg.multi_dot([R, A.astype(float), np.linalg.inv(R)])


@turning.alternative
def by_the_double_angle(A, angle):
    middle, half, d = (A[0, 0] + A[1, 1]) / 2, (A[0, 0] - A[1, 1]) / 2, A[0, 1]
    c, s = np.cos(2 * angle), np.sin(2 * angle)
    x, corner = half * c - d * s, half * s + d * c
    return np.array([[middle + x, corner], [corner, middle - x]])


@turning.alternative
def column_by_column(A, angle):
    back = rotation_matrix(-angle)
    return np.einsum("ki,kl,lj->ij", back, A, back)


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims and quiz

prediction_loss_scale = Prediction(
    "prediction_loss_scale",
    answer="c220fb3210e5a695",
    wrong={
        "a": "Gradient descent would do that. Here the divisor √s has grown by the same factor.",
        "b": "The root is of s, and s has grown by 1,000², so √s has grown by 1,000, not by √1,000.",
        "d": "The gradient has grown as well, by exactly the factor by which √s has.",
    },
    right=(
        "Gradient and √s both grow by 1,000, and the quotient forgets it. Only eps notices, where gradients are "
        "as small as eps."
    ),
)

prediction_first_step = Prediction(
    "prediction_first_step",
    answer="501b22ec1707dec6",
    wrong={
        "a": "That is where the steps end up, once s has seen enough gradients.",
        "b": "s is 1,000 times too small, true; but it stands in the divisor, and under a root.",
        "c": "While the gradient is far above eps, its size cancels: √s is proportional to it.",
    },
    right=(
        "After one step s holds 0.001 of g², and the step is lr/√0.001, which is 31.6 times lr: too small an s "
        "makes too long a step."
    ),
)

prediction_moving_minimum = Prediction(
    "prediction_moving_minimum",
    answer="04cc02fa4366040e",
    wrong={
        "b": "Its tuned rate is the larger number, but by then it is divided by the root of thousands of squares.",
        "c": "Already at the first jump it is 308 steps against 43, and AdaGrad's steps go on shrinking.",
    },
    right=(
        "RMSprop's steps are as long as on the first day, so it needs about the same time after each jump. "
        "AdaGrad remembers every gradient that it ever saw, and takes longer each time."
    ),
)

prediction_turned_ravine = Prediction(
    "prediction_turned_ravine",
    answer="8ea4611a2cf7cc20",
    wrong={
        "a": "The surface is the same, but RMSprop's own axes, the coordinates, have not turned with it.",
        "b": "It loses far more than that: at 10° already it needs about ten times as many.",
    },
    right=(
        "Seen from the diagonal, both coordinates have the same curvature, so there is nothing to rescale: what "
        "is left is about gradient descent, 124 steps against 129. Even ten degrees cost it a factor of ten."
    ),
)

claim_rmsprop_ravine = Quiz(
    "claim_rmsprop_ravine",
    answer="1f94889c7cc9e225",
    wrong={
        "true": "In which ravine? Look at the figure of section 7 again, at 45°.",
        "false": "At 0° it needed a handful of steps, and gradient descent over a hundred. Name the condition.",
    },
    right=(
        "It depends on where the ravine points: it holds along a coordinate axis, 4 steps against 129; at 45° "
        "nothing is left of it, 124 against 129, and with beta = 0.9 it is slower than gradient descent."
    ),
)

claim_rmsprop_eps = Quiz(
    "claim_rmsprop_eps",
    answer="f6d4ee0243e2b5c0",
    wrong={"true": "Look at the row of section 6's table where the loss was multiplied by 0.000001."},
    also={
        "depends": (
            "Whether it matters does depend on the gradients: not while they are far above eps (outside the "
            "root) or above √eps (inside it); below, eps decides. But the sentence says that eps does nothing "
            "else, and the last row of the table is enough to refute that."
        ),
    },
    right=(
        "False: with the loss multiplied by 0.000001, the same 1e-8 gives 0.11 outside the root and 2.38, "
        "guessing, inside. Only while the gradients are far above eps (or above √eps, inside) does it not "
        "matter; below, the method turns into gradient descent with rate lr/eps."
    ),
)

claim_rmsprop_numerator = Quiz(
    "claim_rmsprop_numerator",
    answer="405391eace9ff3d0",
    wrong={
        "true": "Look at your own rmsprop_step: what stands above the line?",
        "depends": "On what? Methods with a running average above the line have names of their own.",
    },
    right=(
        "The numerator is this step's gradient, as it is; only its square is averaged, for the divisor. With a "
        "running average above the line as well you get Adam, next week."
    ),
)

claim_rmsprop_beats_momentum = Quiz(
    "claim_rmsprop_beats_momentum",
    answer="5bc3f9dab2f14713",
    wrong={
        "true": "Look at the left panel: whose loss is lowest on the digits as they are?",
        "false": "Look at the right panel, where the columns have their own units.",
    },
    right=(
        "It depends on whether the coordinates differ in scale. On the digits as they are momentum is clearly "
        "ahead; with 64 units of measurement it is RMSprop."
    ),
)

claim_rmsprop_tuning = Quiz(
    "claim_rmsprop_tuning",
    answer="64ccddea02b268c3",
    wrong={
        "true": "Look at the curve: what happens at a tenth of the best rate, and at ten times the best?",
    },
    also={
        "depends": (
            "Whether tuning pays does depend on the rate that you begin with: PyTorch's default of 0.01 happens "
            "to be good here, Keras's 0.001 is not. But the sentence says that there is no need any more, and "
            "one problem where a default is bad refutes it."
        ),
    },
    right=(
        "False: lr is now a length, how far each parameter moves per step. It no longer depends on the units of "
        "the loss, but on those of the parameters. On the MLP a tenth of the best rate, or ten times it, costs "
        "several times the loss."
    ),
)

quiz_rmsprop_first_step = Quiz(
    "quiz_rmsprop_first_step",
    answer="ab8b0be7d7e4b0cb",
    wrong={
        "a": "That would be lr: the size with bias correction, or after many steps.",
        "c": "That is lr·g, gradient descent's step. Here the gradient's size cancels.",
        "d": "1 - beta goes under a root: the step is 0.02/√0.04, not 0.02/0.04.",
    },
    right="s = 0.04·50² = 100, √s = 10, and 0.02·50/10 = 0.1: five times lr, since 1/√0.04 = 5.",
)

quiz_two_coordinates = Quiz(
    "quiz_two_coordinates",
    answer="3beeb14b0ea9ad76",
    wrong={
        "b": "That is gradient descent, whose steps are proportional to the gradients.",
        "c": "√1,000 would come out if the gradients were divided by √|g|; √s is about |g| itself.",
        "d": "Dividing by s, without the root, would do that.",
    },
    right="After a while √s is 1,000 and 1, and both quotients are 1: each coordinate moves by lr.",
)

quiz_adagrad_steps = Quiz(
    "quiz_adagrad_steps",
    answer="b701e2d3a78acfa8",
    wrong={
        "a": "That is RMSprop's. AdaGrad's s goes on growing.",
        "b": "The divisor is the root of the sum of 10,000 squares, so 100 |g|, not 10,000 |g|.",
        "d": "The learning rate stays; it is the divisor that grows, and only like √t.",
    },
    right="s = 10,000 g², √s = 100 |g|: the step is lr/100. In general lr/√t.",
)

quiz_eps_inside = Quiz(
    "quiz_eps_inside",
    answer="f6237ad00bfde51c",
    wrong={
        "a": "For a gradient of 1 yes, but here s is 1e-12, far below eps.",
        "b": "That is the form with eps outside: 1e-6/(1e-6 + 1e-8) = 0.99.",
        "c": "1e-6/1e-8 would be 100, longer than lr, and a positive eps only makes steps shorter.",
    },
    right=(
        "√(1e-12 + 1e-8) is 1e-4, and 1e-6/1e-4 is 0.01. Inside the root an eps of 1e-8 is felt by all gradients "
        "below 1e-4."
    ),
)

quiz_spike = Quiz(
    "quiz_spike",
    answer="a4419c09df58dddc",
    wrong={
        "a": "RMSprop divides by what it remembers, and it remembers for about 1/(1 - beta) steps or more.",
        "c": "That is AdaGrad: its sum never falls. A running average forgets.",
        "d": "The spike's own step is at most lr/√(1 - beta); what follows is too short, not too long.",
    },
    right=(
        "s jumps to 0.1·10,000² and falls by 0.9 a step: it takes ln(10^7)/ln(1/0.9), some 150 steps, until the "
        "spike's share is down to 1. Until then the steps are too short."
    ),
)
