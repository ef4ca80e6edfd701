"""Week 08, local optima, saddle points and plateaus: exercises with cases, misconceptions and hints."""

import math

import numpy as np

from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, case


class Formula:
    """A function of parameters made from its text, so that a call that is shown can be read and run."""

    def __init__(self, text):
        self.text = text
        self.function = eval(text, {"np": np})  # the texts are this module's own

    def __call__(self, w):
        """Return the function's value at `w`."""
        return self.function(w)

    def __repr__(self):
        return self.text

    def __deepcopy__(self, memo):
        return self  # nothing in it changes


# ---------------------------------------------------------------------------------------------------------
# hessian


def hessian(gradient, w, *, h):
    n = len(w)
    H = np.zeros((n, n))
    for j in range(n):
        nudge = np.zeros(n)
        nudge[j] = h
        H[:, j] = (gradient(w + nudge) - gradient(w - nudge)) / (2 * h)
    return (H + H.T) / 2


def quadratic_gradient(rng, n):
    """Return the gradient of a random quadratic, A w with A symmetric and small whole entries."""
    A = rng.integers(-4, 5, size=(n, n))
    A = A + A.T + np.diag(np.arange(1, n + 1))
    return Formula(f"lambda w: np.array({A.tolist()}) @ w")


def curved_gradients(rng):
    """Gradients of xyz³ + b eʸ, of a ln-cosh, and of a x³y + b y⁴ + cx, with random constants."""
    a, b, c = rng.uniform(0.5, 2, size=3).round(1)
    yield (
        3,
        Formula(
            f"lambda w: np.array([w[1] * w[2]**3, w[0] * w[2]**3 + {b} * np.exp(w[1]), 3 * w[0] * w[1] * w[2]**2])"
        ),
    )
    yield 1, Formula(f"lambda w: {a} * np.tanh(w) + {b} * w**4")
    yield (
        2,
        Formula(f"lambda w: np.array([3 * {a} * w[0]**2 * w[1] + {c}, {a} * w[0]**3 + 4 * {b} * w[1]**3])"),
    )


def point(rng, n):
    """Return a point whose entries are of ordinary size and never 0."""
    return (rng.choice([-1, 1], size=n) * rng.uniform(0.5, 1.5, size=n)).round(2)


def hessian_cases(rng):
    for n in (2, 3, 4):
        yield case("a quadratic", quadratic_gradient(rng, n), point(rng, n), h=float(rng.choice([0.1, 0.2])))
    for h in (0.2, 0.05):
        yield from (case("a curved surface", g, point(rng, n), h=h) for n, g in curved_gradients(rng))


hess = Exercise(
    hessian,
    parts={"a quadratic": 2, "a curved surface": 2},
    cases=hessian_cases,
    allows=Allows(whole=("w",), real=("w",), start="a curved surface"),
    hints=(
        "Column j of the Hessian says how the whole gradient changes when only w[j] changes.",
        "Take the gradient at w + h in coordinate j and at w − h in coordinate j. The two points are 2h "
        "apart. At the end average the matrix with its transpose.",
        "`nudge = np.zeros(n); nudge[j] = h`, then `H[:, j] = (gradient(w + nudge) - gradient(w - nudge)) / "
        "(2 * h)`; after the loop `(H + H.T) / 2`.",
    ),
    explain="why must a Hessian be symmetric, and why is the matrix of differences not quite?",
    rtol=1e-6,
    equivalent={
        "size: len(w) → w.shape[-1]": "the array has one axis",
        "size: len(w) → w.size": "the array has one axis",
        "function: np.zeros((n, n)) → np.ones((n, n))": "every entry is written before it is read",
        "range: range(n) → range(-1, n)": "column -1 is the last one",
        "range: range(n) → range(-1, n - 1)": "column -1 is the last one",
        "order: (:, j) → (j, :)": "the matrix is made symmetric afterwards",
    },
)


def hessian_with(gradient, w, *, divide, up=1, down=-1, finish=lambda H: (H + H.T) / 2):
    """Compute a matrix of differences with its pieces replaced; `up` and `down` are displacements of a unit."""
    unit = np.eye(len(w))
    H = np.stack([(gradient(w + up * e) - gradient(w + down * e)) / divide for e in unit], axis=1)
    return finish(H)


@hess.misconception(
    "Forward differences: from w to w + h, divided by h. On a curved surface their error shrinks like h; the "
    "central difference, from w − h to w + h, has an error like h². The contract asks for that one."
)
def forward_differences(gradient, w, *, h):
    return hessian_with(gradient, w, divide=h, up=h, down=0)


@hess.misconception(
    "Backward differences: from w − h to w. Go as far to the other side, too: the errors of the two halves "
    "then cancel to first order."
)
def backward_differences(gradient, w, *, h):
    return hessian_with(gradient, w, divide=h, up=0, down=-h)


@hess.misconception(
    "Nearly there: on a curved surface your matrix is not quite symmetric, because each column has a small "
    "error of its own. Return the average of H and its transpose."
)
def not_symmetrised(gradient, w, *, h):
    return hessian_with(gradient, w, divide=2 * h, up=h, down=-h, finish=lambda H: H)


@hess.misconception(
    "You copy one triangle onto the other. That is symmetric, but it throws half of the measurements away; the "
    "contract asks for the average (H + Hᵀ)/2."
)
def one_triangle_copied(gradient, w, *, h):
    return hessian_with(gradient, w, divide=2 * h, up=h, down=-h, finish=lambda H: np.triu(H) + np.triu(H, 1).T)


@hess.misconception(
    "Only the diagonal is filled. The entries beside it say how one coordinate's slope changes when another "
    "coordinate moves, and they decide about saddles too."
)
def only_the_diagonal(gradient, w, *, h):
    return hessian_with(gradient, w, divide=2 * h, up=h, down=-h, finish=lambda H: np.diag(np.diag(H)))


@hess.misconception(
    "The nudge is never taken back, so the second coordinate is measured with the first one still moved (and "
    "the caller's `w` is changed). Make a fresh nudge for every coordinate."
)
def nudges_pile_up(gradient, w, *, h):
    H = np.zeros((len(w), len(w)))
    for j in range(len(w)):
        w[j] += h
        up = gradient(w)
        w[j] -= 2 * h
        H[:, j] = (up - gradient(w)) / (2 * h)
    return (H + H.T) / 2


@hess.misconception(
    "Right, except where `w` holds whole numbers: then `np.zeros_like(w)` holds whole numbers as well, and cuts "
    "the nudge `h` off to 0. Make it with `np.zeros(n)`."
)
def nudge_of_whole_numbers(gradient, w, *, h):
    H = np.zeros((len(w), len(w)))
    for j in range(len(w)):
        nudge = np.zeros_like(w)
        nudge[j] = h
        H[:, j] = (gradient(w + nudge) - gradient(w - nudge)) / (2 * h)
    return (H + H.T) / 2


@hess.misconception(
    "That is the formula for values of the loss: f(w + h) − 2 f(w) + f(w − h), divided by h². You have "
    "gradients, which are first derivatives already: one difference is enough."
)
def second_difference(gradient, w, *, h):
    H = np.stack([gradient(w + h * e) - 2 * gradient(w) + gradient(w - h * e) for e in np.eye(len(w))], axis=1)
    H = H / h**2
    return (H + H.T) / 2


@hess.misconception(
    "That is the outer product of the gradient with itself. It knows how steep the surface is here, not how it "
    "bends: at a critical point it would be 0 on hill, pass and valley alike."
)
def outer_product(gradient, w, *, h):
    g = gradient(w)
    return np.outer(g, g)


@hess.alternative
def row_by_row(gradient, w, *, h):
    rows = [(gradient(w + h * e) - gradient(w - h * e)) / (2 * h) for e in np.eye(len(w))]
    H = np.array(rows)
    return 0.5 * (H + H.T)


@hess.alternative
def moving_a_copy(gradient, w, *, h):
    w = w.astype(float)
    H = np.empty((w.size, w.size))
    for j in range(w.size):
        kept = w[j]
        w[j] = kept + h
        up = gradient(w)
        w[j] = kept - h
        H[j] = (up - gradient(w)) / (2 * h)
        w[j] = kept
    return np.mean([H, H.T], axis=0)


@hess.alternative
def entry_by_entry(gradient, w, *, h):
    n, unit = len(w), np.eye(len(w))

    def entry(i, j):
        return (gradient(w + h * unit[j])[i] - gradient(w - h * unit[j])[i]) / (2 * h)

    return np.array([[(entry(i, j) + entry(j, i)) / 2 for j in range(n)] for i in range(n)])


# ---------------------------------------------------------------------------------------------------------
# classify_critical_point


def classify_critical_point(gradient, hessian, *, tol):
    if np.linalg.norm(gradient) > tol:
        return "not critical"
    eigenvalues = np.linalg.eigvalsh(hessian)
    if np.all(eigenvalues > tol):
        return "minimum"
    if np.all(eigenvalues < -tol):
        return "maximum"
    if np.any(eigenvalues > tol) and np.any(eigenvalues < -tol):
        return "saddle"
    return "undecided"


def with_eigenvalues(rng, eigenvalues):
    """Return a symmetric matrix with these eigenvalues and eigenvectors at random."""
    n = len(eigenvalues)
    Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    H = Q @ np.diag(eigenvalues) @ Q.T
    return (H + H.T) / 2


def classify_cases(rng):
    def at(part, eigenvalues, *, tol=1e-3, gradient=0.0, matrix=None):
        n = len(eigenvalues)
        H = with_eigenvalues(rng, eigenvalues).round(6) if matrix is None else np.array(matrix)
        g = np.full(n, gradient / np.sqrt(n))
        return case(part, g, H, tol=tol)

    a, b, c, d = rng.uniform(0.5, 2, size=4).round(1)
    yield at("valley, hill and pass", [a, b])
    yield at("valley, hill and pass", [-a, -b])
    yield at("valley, hill and pass", [a, -b])
    yield at("valley, hill and pass", [3.0, -1.0], matrix=[[1.0, 2.0], [2.0, 1.0]])
    for signs in ([1, 1, 1], [-1, -1, -1], [1, -1, -1], [1, 1, -1], [1, 1, -1, -1], [-1, -1, -1, -1]):
        yield at("more dimensions", list(np.array(signs) * [a, b, c, d][: len(signs)]))
    yield at("more dimensions", [5.0, 4.0, -0.1])
    yield at("more dimensions", [-5.0, -4.0, 0.1])
    for curvature in (a, -b):
        yield at("more dimensions", [curvature])  # or fewer
    small = 2e-4
    yield at("flat directions", [a, 0.0], matrix=[[a, 0.0], [0.0, 0.0]])
    yield at("flat directions", [0.0, 0.0], matrix=[[0.0, 0.0], [0.0, 0.0]])
    yield at("flat directions", [a, b, small])
    yield at("flat directions", [a, -small])
    yield at("flat directions", [-a, -b, small])
    yield at("flat directions", [-a, -small])
    yield at("flat directions", [a, -b, small])
    yield at("flat directions", [a, b], tol=0.01, gradient=2e-3)
    yield at("flat directions", [0.02, 0.03], tol=0.01)
    yield at("not critical", [a, b], gradient=0.5)
    yield at("not critical", [a, -b, c], gradient=5e-3)
    yield at("not critical", [-a, -b], gradient=0.1, tol=0.01)
    # No entry is above tol, and the sum of the entries is 0, but the length is above.
    yield case("not critical", np.array([8e-4, -8e-4]), np.diag([a, b]), tol=1e-3)
    yield case("not critical", np.array([0.5, -0.5]), np.diag([a, b]), tol=1e-3)
    # On the boundary, where all is exact: what is as large as tol counts as 0.
    yield case("flat directions", np.zeros(2), np.diag([2.0, 0.25]), tol=0.25)
    yield case("flat directions", np.zeros(2), np.diag([-2.0, -0.25]), tol=0.25)
    yield case("flat directions", np.zeros(2), np.diag([-2.0, 0.25]), tol=0.25)
    yield case("flat directions", np.zeros(2), np.diag([2.0, -0.25]), tol=0.25)
    yield case("not critical", np.array([0.75, 1.0]), np.diag([2.0, 3.0]), tol=1.25)


KINDS = ("not critical", "minimum", "maximum", "saddle", "undecided")


def observe_kind(call, case):
    """Read the answer, which must be one of the five words."""
    kind = call(*case.args, **case.kwargs)
    if isinstance(kind, str) and kind not in KINDS:
        words = ", ".join(f'"{word}"' for word in KINDS)
        text = kind if len(kind) <= 40 else kind[:40] + "…"
        raise ContractError(f'Your function returned "{text}". The answer should be one of {words}.')
    return {"the result": kind}


classify = Exercise(
    classify_critical_point,
    parts={"valley, hill and pass": 1, "more dimensions": 1, "flat directions": 1, "not critical": 1},
    cases=classify_cases,
    observe=observe_kind,
    hints=(
        "First ask whether the point is critical at all. Then ask for the curvature in the directions in "
        "which the surface bends most and least.",
        "`np.linalg.eigvalsh` gives all curvatures that matter, in rising order. Compare each with "
        "+tol and with −tol: up, down, or flat as far as one can tell.",
        "`np.all(eigenvalues > tol)` is a minimum, `np.all(eigenvalues < -tol)` a maximum; one of each kind "
        "(`np.any`) is a saddle whatever the others are; what is left is undecided.",
    ),
    explain="why does one flat direction make a valley undecided, but leave a saddle a saddle?",
    equivalent={
        "lines swapped: if np.linalg.norm(gradient) > tol: → eigenvalues = np.linalg.eigvalsh(hessian)": "the same eigenvalues in another order",
        "lines swapped: if np.all(eigenvalues > tol): → if np.all(eigenvalues < -tol):": "the conditions exclude each other",
        "lines swapped: if np.all(eigenvalues < -tol): → if np.any(eigenvalues > tol) and np.any(eigenvalues < -tol):": "the conditions exclude each other",
        "function: np.linalg.eigvalsh(hessian) → np.linalg.eigvals(hessian)": "the same eigenvalues in another order",
    },
)


def classify_by(up, down, *, flat="undecided"):
    """Decide from the two questions whether all or any curvatures are positive (negative)."""
    return "minimum" if up else "maximum" if down else flat


@classify.misconception(
    "A zero gradient alone says that the surface is level here, as it is on every pass and every summit. "
    "Whether it is a valley the Hessian must tell."
)
def zero_gradient_is_a_minimum(gradient, hessian, *, tol):
    return "minimum" if np.linalg.norm(gradient) <= tol else "not critical"


@classify.misconception(
    "You decide by the determinant and the first entry, the rule from two-dimensional calculus. The "
    "determinant is the product of all eigenvalues: in four dimensions, two that point down give a positive "
    "one, too. Look at the eigenvalues themselves."
)
def by_determinant(gradient, hessian, *, tol):
    if np.linalg.norm(gradient) > tol:
        return "not critical"
    determinant = np.linalg.det(hessian)
    if abs(determinant) <= tol**2:
        return "undecided"
    if determinant < 0:
        return "saddle"
    return "minimum" if hessian[0, 0] > 0 else "maximum"


@classify.misconception(
    "You decide by the trace, the sum of the eigenvalues. One strong valley hides a weak way down: 5 + 4 − "
    "0.1 is positive, and still a saddle."
)
def by_trace(gradient, hessian, *, tol):
    if np.linalg.norm(gradient) > tol:
        return "not critical"
    trace = np.trace(hessian)
    return classify_by(trace > tol, trace < -tol)


@classify.misconception(
    "You look at the diagonal, the curvatures along the axes. A saddle may point down between the axes: "
    "[[1, 2], [2, 1]] has 1 and 1 on the diagonal and −1 among its eigenvalues."
)
def by_diagonal(gradient, hessian, *, tol):
    return classify_critical_point(gradient, np.diag(np.diag(hessian)), tol=tol)


@classify.misconception(
    "You call a flat direction part of a minimum (or maximum). An eigenvalue of 0 says only that the second "
    "derivative is silent there: w⁴, −w⁴ and w³ all have it at 0. That is undecided."
)
def zero_is_good_enough(gradient, hessian, *, tol):
    if np.linalg.norm(gradient) > tol:
        return "not critical"
    eigenvalues = np.linalg.eigvalsh(hessian)
    if np.all(eigenvalues >= -tol):
        return "minimum"
    return "maximum" if np.all(eigenvalues <= tol) else "saddle"


@classify.misconception(
    "You compare the eigenvalues with exactly 0. A measured Hessian has rounding and truncation errors, so an "
    "eigenvalue within ±tol has no sign that one may trust."
)
def tolerance_forgotten(gradient, hessian, *, tol):
    if np.linalg.norm(gradient) > tol:
        return "not critical"
    return classify_critical_point(np.zeros_like(gradient), hessian, tol=0.0)


@classify.misconception(
    "You ask whether the gradient is exactly 0. After any computation it never is: compare its length with tol."
)
def gradient_exactly_zero(gradient, hessian, *, tol):
    if np.any(gradient != 0):
        return "not critical"
    return classify_critical_point(gradient, hessian, tol=tol)


@classify.misconception(
    "You compare each entry of the gradient with tol (or the largest). The contract asks for its length: "
    "many small entries make a slope, too."
)
def largest_entry(gradient, hessian, *, tol):
    if np.max(np.abs(gradient)) > tol:
        return "not critical"
    return classify_critical_point(np.zeros_like(gradient), hessian, tol=tol)


@classify.misconception(
    "You add up the entries of the gradient, so +1 and −1 cancel. Its length is the root of the sum of squares "
    "(`np.linalg.norm`)."
)
def summed_gradient(gradient, hessian, *, tol):
    if abs(np.sum(gradient)) > tol:
        return "not critical"
    return classify_critical_point(np.zeros_like(gradient), hessian, tol=tol)


@classify.misconception(
    'You give up ("undecided") as soon as one eigenvalue is near 0. But with one clearly positive and one '
    "clearly "
    "negative it is a saddle, whatever the flat direction does."
)
def undecided_comes_first(gradient, hessian, *, tol):
    if np.linalg.norm(gradient) > tol:
        return "not critical"
    if np.any(np.abs(np.linalg.eigvalsh(hessian)) <= tol):
        return "undecided"
    return classify_critical_point(np.zeros_like(gradient), hessian, tol=tol)


@classify.misconception(
    "Minimum and maximum are the wrong way round: where all curvatures are positive, the surface rises on "
    "all sides."
)
def upside_down_curvature(gradient, hessian, *, tol):
    return classify_critical_point(gradient, -hessian, tol=tol)


@classify.misconception(
    "Whatever is neither a minimum nor a maximum you call a saddle. A saddle needs a proof of both: one "
    "eigenvalue above tol and one below −tol. Else it is undecided."
)
def saddle_by_exclusion(gradient, hessian, *, tol):
    kind = classify_critical_point(gradient, hessian, tol=tol)
    return "saddle" if kind == "undecided" else kind


@classify.misconception(
    "Singular values (or absolute values) have lost the sign, and the sign is the question. Use the "
    "eigenvalues of a symmetric matrix: `np.linalg.eigvalsh`."
)
def singular_values(gradient, hessian, *, tol):
    if np.linalg.norm(gradient) > tol:
        return "not critical"
    return "minimum" if np.all(np.linalg.svd(hessian, compute_uv=False) > tol) else "undecided"


@classify.alternative
def by_extremes(gradient, hessian, *, tol):
    if not gradient @ gradient <= tol**2:
        return "not critical"
    values = np.sort(np.linalg.eigvals(hessian).real)
    low, high = values[0], values[-1]
    if low > tol:
        return "minimum"
    if high < -tol:
        return "maximum"
    return "saddle" if low < -tol and high > tol else "undecided"


@classify.alternative
def by_counting_signs(gradient, hessian, *, tol):
    if math.hypot(*gradient) > tol:
        return "not critical"
    values, _ = np.linalg.eigh(hessian)
    up, down = int(sum(values > tol)), int(sum(values < -tol))
    if up and down:
        return "saddle"
    return {up: "minimum", down: "maximum"}.get(len(values), "undecided")


# ---------------------------------------------------------------------------------------------------------
# probability_of_minimum


def probability_of_minimum(hessians):
    eigenvalues = np.linalg.eigvalsh(hessians)
    p = np.mean(np.all(eigenvalues > 0, axis=1))
    return p, np.sqrt(p * (1 - p) / len(hessians))


def probability_cases(rng):
    def drawn(part, minima, maxima, mixed, n):
        """Return a stack with so many minima, maxima and saddles, in random order."""
        signs = [np.ones(n)] * minima + [-np.ones(n)] * maxima
        for k in range(mixed):
            sign = np.ones(n)
            sign[: 1 + k % (n - 1)] = -1
            signs.append(sign)
        stack = [with_eigenvalues(rng, sign * rng.uniform(0.5, 2, size=n)) for sign in signs]
        return case(part, rng.permutation(np.array(stack).round(3), axis=0))

    yield drawn("two dimensions", 2, 1, 2, 2)
    yield drawn("two dimensions", 3, 2, 3, 2)
    yield case("two dimensions", np.array([[[3.0, -2.0], [-2.0, 3.0]], [[1.0, 2.0], [2.0, 1.0]]]))
    yield case("two dimensions", np.array([np.diag([2.0, 1e-4]), np.diag([1e-3, -1e-4]), np.diag([1.0, 3.0])]))
    yield drawn("more dimensions", 4, 3, 6, 3)
    yield drawn("more dimensions", 2, 1, 9, 4)
    yield case("more dimensions", np.array([np.diag([5.0, 4.0, -0.1]), np.diag([1.0, 2.0, 3.0])]))
    yield case("edge cases", np.array([np.diag([1.0, 0.0]), np.diag([2.0, 1.0]), np.diag([0.0, 0.0])]))
    yield case("edge cases", rng.choice([-1, 1], size=(7, 1, 1)) * rng.uniform(0.5, 2, size=(7, 1, 1)).round(2))
    yield drawn("edge cases", 1, 0, 0, 3)
    yield drawn("edge cases", 0, 1, 3, 3)


probability = Exercise(
    probability_of_minimum,
    parts={"two dimensions": 1, "more dimensions": 1, "edge cases": 1},
    cases=probability_cases,
    allows=Allows(long=("hessians",), start="more dimensions"),
    returns=("p", "error"),
    hints=(
        "One matrix is a minimum or it is not. Which eigenvalues must be positive for that?",
        "`np.linalg.eigvalsh` takes the whole stack of shape (N, n, n) and returns (N, n). `np.all(…, "
        "axis=1)` says for each matrix whether it is a minimum.",
        "`p = np.mean(np.all(eigenvalues > 0, axis=1))`; the standard error of a fraction is "
        "`np.sqrt(p * (1 - p) / N)`.",
    ),
    explain="why does the error fall like 1/√N, and what does that mean for an event as rare as one in a million?",
    rtol=1e-7,
    equivalent={
        "function: np.linalg.eigvalsh(hessians) → np.linalg.eigvals(hessians)": "the same eigenvalues in another order",
        "name: hessians → eigenvalues": "both have an entry for each matrix",
    },
)


def standard_error(p, N):
    """Return the standard error of a fraction p of N."""
    return np.sqrt(p * (1 - p) / N)


def fraction(found):
    """Return what an array of truth values would give as p and error."""
    p = np.mean(found)
    return p, standard_error(p, len(found))


@probability.misconception(
    "That is (½)ⁿ, which takes for granted that the signs of the curvatures are independent. Whether they "
    "are is the question; look at the matrices."
)
def half_per_direction(hessians):
    p = 0.5 ** hessians.shape[1]
    return p, standard_error(p, len(hessians))


@probability.misconception(
    "A positive determinant is no proof: two negative eigenvalues multiply to a positive number. All "
    "eigenvalues must be positive."
)
def positive_determinant(hessians):
    return fraction(np.linalg.det(hessians) > 0)


@probability.misconception(
    "A positive trace says only that the eigenvalues are positive on average. For a minimum each of them must be."
)
def positive_trace(hessians):
    return fraction(np.trace(hessians, axis1=1, axis2=2) > 0)


@probability.misconception(
    "You look at the diagonals, the curvatures along the axes. A matrix can point down between the axes; its "
    "eigenvalues know."
)
def positive_diagonal(hessians):
    return fraction(np.all(np.diagonal(hessians, axis1=1, axis2=2) > 0, axis=1))


@probability.misconception(
    "The signs of a matrix's entries say little: [[3, −2], [−2, 3]] is a minimum, [[1, 2], [2, 1]] is not. "
    "Take the eigenvalues."
)
def positive_entries(hessians):
    return fraction(np.all(hessians > 0, axis=(1, 2)))


@probability.misconception(
    "That is the fraction of positive eigenvalues. Asked is the fraction of matrices all of whose "
    "eigenvalues are positive: `np.all(…, axis=1)` before the mean."
)
def fraction_of_eigenvalues(hessians):
    p = np.mean(np.linalg.eigvalsh(hessians) > 0)
    return p, standard_error(p, len(hessians))


@probability.misconception(
    "You count the maxima as well: all eigenvalues of one sign. A minimum has all of them positive."
)
def minima_and_maxima(hessians):
    eigenvalues = np.linalg.eigvalsh(hessians)
    return fraction(np.all(eigenvalues > 0, axis=1) | np.all(eigenvalues < 0, axis=1))


@probability.misconception(
    "Your `p` is right, and N − 1 under the root is a legitimate convention (`ddof=1`), but it fails for a "
    "single matrix. The contract asks for N."
)
def error_with_n_minus_one(hessians):
    p, _ = probability_of_minimum(hessians)
    N = len(hessians)
    return p, np.sqrt(p * (1 - p) / (N - 1)) if N > 1 else np.nan


@probability.misconception(
    "Your `p` is right. But 1/√N is the order of the error at p = ½ only, and far too large for rare events: "
    "√(p(1 − p)/N)."
)
def error_without_p(hessians):
    p, _ = probability_of_minimum(hessians)
    return p, 1 / np.sqrt(len(hessians))


@probability.alternative
def one_at_a_time(hessians):
    minima = 0
    for H in hessians:
        if min(np.linalg.eigvalsh(H)) > 0:
            minima += 1
    p = minima / len(hessians)
    return p, math.sqrt(p * (1 - p) / len(hessians))


@probability.alternative
def with_cholesky(hessians):
    def positive(H):
        try:
            np.linalg.cholesky(H)
        except np.linalg.LinAlgError:
            return False
        return True

    found = [positive(H) for H in hessians]
    return np.mean(found), np.std(found) / np.sqrt(len(found))


@probability.alternative
def with_leading_minors(hessians):
    n = hessians.shape[1]
    found = np.all([np.linalg.det(hessians[:, :k, :k]) > 0 for k in range(1, n + 1)], axis=0)
    return found.mean(), found.std() / len(found) ** 0.5


# ---------------------------------------------------------------------------------------------------------
# escape_steps


def escape_steps(curvature, offset, *, lr, radius):
    if offset >= radius:
        return 0
    if offset == 0 or curvature >= 0:
        return math.inf
    steps = math.log(radius / offset) / math.log(1 + lr * abs(curvature))
    return math.ceil(round(steps, 9))  # what should be 3 may come out as 3.0000000000000004


def escape_cases(rng):
    def away_from_whole(part, curvatures, exponents, rates):
        """Draw a case whose unrounded answer is not near a whole number, nor near that of the linear growth."""
        while True:
            curvature = -round(float(rng.uniform(*curvatures)), 2)
            offset = round(float(rng.uniform(1, 9)), 1) * 10.0 ** int(rng.integers(*exponents))
            lr, radius = round(float(rng.uniform(*rates)), 2), round(float(rng.uniform(0.5, 2)), 1)
            exact = math.log(radius / offset) / math.log(1 + lr * -curvature)
            if 0.1 < exact % 1 < 0.9:
                return case(part, curvature, offset, lr=lr, radius=radius)

    for _ in range(5):
        yield away_from_whole("escape", (0.4, 3), (-5, -1), (0.05, 0.5))
    yield away_from_whole("close to the line", (0.4, 3), (-16, -9), (0.05, 0.5))
    yield away_from_whole("close to the line", (0.01, 0.02), (-9, -3), (0.05, 0.1))
    yield away_from_whole("close to the line", (20, 40), (-9, -3), (0.5, 0.9))
    # A growth of exactly 2, and a radius that is reached exactly: here no logarithm is off by a rounding.
    yield case("just out, already out, or never", -1.0, 1.0, lr=1.0, radius=8.0)
    yield case("just out, already out, or never", -4.0, 1.0, lr=0.25, radius=4.0)
    yield case("just out, already out, or never", 1.5, 0.7, lr=0.1, radius=0.25)
    yield case("just out, already out, or never", -1.5, 0.7, lr=0.1, radius=0.25)
    yield case("just out, already out, or never", -1.5, 0.5, lr=0.2, radius=0.5)
    yield case("just out, already out, or never", 1.5, 0.5, lr=0.2, radius=0.5)
    yield case("just out, already out, or never", -0.5, 0.3, lr=0.1, radius=0.8)
    yield case("just out, already out, or never", -0.02, 0.001, lr=0.1, radius=2.0)
    yield case("just out, already out, or never", 1.5, 0.01, lr=0.1, radius=0.5)


def observe_steps(call, case):
    """Read the number of steps; a whole number counts, whether it comes as an int or as a float."""
    steps = call(*case.args, **case.kwargs)
    if isinstance(steps, float | np.floating) and float(steps).is_integer():
        steps = int(steps)
    return {"the result": steps}


escape = Exercise(
    escape_steps,
    parts={"escape": 2, "close to the line": 1, "just out, already out, or never": 1},
    cases=escape_cases,
    allows=Allows(ends={"curvature": (0.0,), "offset": (0.0, 1e-200)}),
    observe=observe_steps,
    hints=(
        "Each step multiplies the distance by 1 + α|λ|. After how many steps has `offset` grown to `radius`?",
        "Solve offset · (1 + α|λ|)ᵗ = radius for t by taking logarithms, and round up: steps are whole. Then "
        "ask which arguments make a logarithm of 0, or of something that does not grow.",
        "First `if offset >= radius: return 0`, then `if offset == 0 or curvature >= 0: return math.inf`; else "
        "`math.ceil` of `math.log(radius / offset) / math.log(1 + lr * abs(curvature))`.",
    ),
    explain="why does a start a thousand times closer to the line cost only a few more steps?",
    equivalent={
        "function: round(steps, 9) → int(np.ceil(steps))": "decides only where a rounding error would",
        "function dropped: round(steps, 9) → steps": "decides only where a rounding error would",
        "constant: 9 → 10": "decides only where a rounding error would",
        "constant: 9 → 8": "decides only where a rounding error would",
        "order of operations: lr * abs(curvature) → abs(lr * curvature)": "lr is positive",
    },
)


def escape_with(curvature, offset, *, lr, radius, steps=None, inside=math.ceil, on_line=math.inf):
    """Compute the right answer with one piece replaced: `steps` the formula, `inside` what is done to it."""
    if offset >= radius:
        return 0
    if curvature >= 0:
        return math.inf
    if offset == 0:
        return on_line
    growth = math.log(1 + lr * abs(curvature))
    return inside(math.log(radius / offset) / growth if steps is None else steps)


@escape.misconception(
    "Right, except where the radius is reached exactly: there you count one step more. Rounding down and adding 1 "
    "is not rounding up when the number is whole already (`math.ceil`)."
)
def rounded_down_plus_one(curvature, offset, *, lr, radius):
    return escape_with(curvature, offset, lr=lr, radius=radius, inside=lambda t: math.floor(t) + 1)


@escape.misconception(
    "You divide by lr · |λ| where ln(1 + lr · |λ|) belongs. That is the escape of a path with infinitely "
    "small steps (the gradient flow), and a good approximation while lr · |λ| is small; for real steps take "
    "the logarithm."
)
def gradient_flow(curvature, offset, *, lr, radius):
    flow = None
    if 0 < offset < radius and curvature < 0:
        flow = math.log(radius / offset) / (lr * abs(curvature))
    return escape_with(curvature, offset, lr=lr, radius=radius, steps=flow)


@escape.misconception(
    "You let the distance grow by the same amount each step. But the force grows with the distance: each step "
    "multiplies it by 1 + lr · |λ|, so the answer has a logarithm."
)
def linear_growth(curvature, offset, *, lr, radius):
    linear = None
    if 0 < offset < radius and curvature < 0:
        linear = (radius - offset) / (lr * abs(curvature) * offset)
    return escape_with(curvature, offset, lr=lr, radius=radius, steps=linear)


@escape.misconception(
    "On the stable line (offset 0) you answer 0 steps. It never leaves: 0 times any factor is 0. Standing "
    "still is not having arrived: return `math.inf`."
)
def on_the_line_is_done(curvature, offset, *, lr, radius):
    return escape_with(curvature, offset, lr=lr, radius=radius, on_line=0)


@escape.misconception(
    "A positive curvature pulls back to the critical point; you treat it as if it pushed away. Without "
    "negative curvature there is no escape: return `math.inf`."
)
def upward_curvature_pushes(curvature, offset, *, lr, radius):
    if curvature == 0:
        return math.inf
    return escape_steps(-abs(curvature), offset, lr=lr, radius=radius)


@escape.misconception(
    "The formula is right where there is something to escape from. Before it come the other cases: outside "
    "already (0 steps), exactly on the stable line, or no negative curvature (never: `math.inf`)."
)
def formula_alone(curvature, offset, *, lr, radius):
    return math.ceil(math.log(radius / offset) / math.log(1 + lr * abs(curvature)))


@escape.alternative
def float_steps(curvature, offset, *, lr, radius):
    return escape_with(curvature, offset, lr=lr, radius=radius, inside=np.ceil)


@escape.alternative
def step_by_step(curvature, offset, *, lr, radius):
    if offset < radius and (offset == 0 or curvature >= 0):
        return math.inf
    steps = 0
    while offset < radius:
        offset = offset - lr * curvature * offset
        steps += 1
    return steps


@escape.alternative
def base_two_and_numpy(curvature, offset, *, lr, radius):
    if offset >= radius:
        return 0
    if curvature >= 0 or not offset > 0:
        return float("inf")
    exact = (np.log2(radius) - np.log2(offset)) / np.log2(1 - lr * curvature)
    return int(np.ceil(exact))


@escape.alternative
def log_with_base(curvature, offset, *, lr, radius):
    if curvature >= 0 or offset == 0:
        return 0 if offset >= radius else np.inf
    return max(0, math.ceil(math.log(radius / offset, 1 + lr * -curvature)))


# ---------------------------------------------------------------------------------------------------------
# hessian_vector_product


def hessian_vector_product(gradient, w, v, *, h):
    length = np.linalg.norm(v)
    if length == 0:
        return np.zeros_like(v)
    nudge = h / length * v
    return (gradient(w + nudge) - gradient(w - nudge)) / (2 * h) * length


def product_cases(rng):
    def direction(n, length):
        v = point(rng, n)
        return v * length

    for n in (2, 3, 4):
        yield case("a quadratic", quadratic_gradient(rng, n), point(rng, n), direction(n, 1.0), h=0.1)
    for h in (0.2, 0.05):
        for n, g in curved_gradients(rng):
            yield case("a curved surface", g, point(rng, n), direction(n, 0.5), h=h)
    for length in (10.0, 1e-6, 1e-15):
        for n, g in curved_gradients(rng):
            yield case("v of any length", g, point(rng, n), direction(n, length), h=0.1)


product = Exercise(
    hessian_vector_product,
    parts={"a quadratic": 2, "a curved surface": 1, "v of any length": 1},
    cases=product_cases,
    allows=Allows(whole=("w", "v"), real=("w", "v"), start="a curved surface"),
    hints=(
        "H v is how fast the gradient changes when w moves along v. Which two gradients show that?",
        "Walk a distance h from w along ±v: the nudge is h · v/‖v‖. The difference of the two gradients over "
        "2h is H times the unit vector. What is missing to H v?",
        "`nudge = h / length * v`, then `(gradient(w + nudge) - gradient(w - nudge)) / (2 * h) * length`, with "
        "`length = np.linalg.norm(v)`; zeros where that is 0.",
    ),
    explain="why do two gradients suffice, when the matrix H has n² entries?",
    rtol=1e-6,
    equivalent={
        "lines swapped: if length == 0: → nudge = h / length * v": "computed before it is thrown away: 0/0 is not used",
        "name: v → w": "both have the same shape",
    },
)


@product.misconception(
    "You step by h · v, so a long v walks far and a short one hardly moves: on a curved surface the result "
    "depends on the length of v. Walk a distance h, along v/‖v‖, and multiply by ‖v‖ at the end."
)
def v_not_normalised(gradient, w, v, *, h):
    return (gradient(w + h * v) - gradient(w - h * v)) / (2 * h)


@product.misconception(
    "A forward difference, from w to w + h. Its error shrinks only like h; step to both sides of w for one "
    "like h²."
)
def forward_only(gradient, w, v, *, h):
    length = np.linalg.norm(v)
    if length == 0:
        return np.zeros_like(v)
    return (gradient(w + h / length * v) - gradient(w)) / h * length


@product.misconception(
    "You add the step to the gradient, gradient(w) ± h · v, and the difference gives back v itself. It is "
    "the point that moves: gradient(w ± nudge)."
)
def added_to_the_gradient(gradient, w, v, *, h):
    return ((gradient(w) + h * v) - (gradient(w) - h * v)) / (2 * h)


@product.misconception(
    "That is the gradient times v, entry by entry. H v needs the change of the gradient along v."
)
def gradient_times_v(gradient, w, v, *, h):
    return gradient(w) * v


@product.misconception(
    "You return the number vᵀH v, the curvature along v (times ‖v‖²). Asked is the vector H v, before the "
    "last product."
)
def curvature_along_v(gradient, w, v, *, h):
    return float(v @ hessian_vector_product(gradient, w, v, h=h))


@product.misconception(
    "Only the diagonal of H acts in your result: each entry of v is used for its own coordinate. Move w "
    "along the whole of v at once."
)
def diagonal_times_v(gradient, w, v, *, h):
    H = np.stack([(gradient(w + h * e) - gradient(w - h * e)) / (2 * h) for e in np.eye(len(w))], axis=1)
    return np.diag(H) * v


@product.misconception(
    "You build the whole Hessian, column by column, and multiply. Nearly the same numbers, but 2n gradients "
    "instead of two; for a network that is the difference between a millisecond and a second. Move w along v."
)
def whole_hessian(gradient, w, v, *, h):
    H = np.stack([(gradient(w + h * e) - gradient(w - h * e)) / (2 * h) for e in np.eye(len(w))], axis=1)
    return H @ v


@product.misconception(
    "That is the formula for values of the loss, with −2 f(w) in the middle and h² below. Gradients are "
    "first derivatives already: one difference is enough."
)
def difference_of_differences(gradient, w, v, *, h):
    length = np.linalg.norm(v)
    if length == 0:
        return np.zeros_like(v)
    nudge = h / length * v
    return (gradient(w + nudge) - 2 * gradient(w) + gradient(w - nudge)) / h**2 * length


@product.alternative
def unit_vector_first(gradient, w, v, *, h):
    length = math.sqrt(v @ v)
    if not length:
        return 0.0 * v
    unit = v / length
    ahead, behind = gradient(w + h * unit), gradient(w - h * unit)
    return length * (ahead - behind) / 2 / h


@product.alternative
def one_step_size(gradient, w, v, *, h):
    if not v.any():
        return np.zeros(len(w))
    eps = h / np.linalg.norm(v)
    return (gradient(w + eps * v) - gradient(w - eps * v)) / (2 * eps)


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims and quiz

prediction_starts = Prediction(
    "prediction_starts",
    answer="3163d9a9e4727955",
    wrong={
        "a": (
            "So it would be if the surface were full of poor valleys. With 2 hidden units it does look like "
            "that; with 16 it does not."
        ),
        "b": "There are no two camps: with 16 hidden units all ten end at nearly the same height.",
    },
    right=(
        "All ten come down to nearly the same loss, close to 0. Their parameters have little in common: "
        "there are many good places, and every start finds one."
    ),
)

prediction_closer = Prediction(
    "prediction_closer",
    answer="54dcdfc52f500748",
    wrong={
        "a": "That would be so if it moved away at a constant speed. But every step multiplies the distance.",
        "b": "Still far too many: the distance grows by the same factor each step, and factors add up quickly.",
        "d": "It does take longer: a factor of a million has to be made up for first.",
    },
    right=(
        "The distance grows by a factor of 1.1 per step. From 10⁻³ to 0.1 is a factor of a hundred, from 10⁻⁹ a "
        "factor of a hundred million: four times as many powers of ten, so four times as many steps."
    ),
)

prediction_line = Prediction(
    "prediction_line",
    answer="f86b17235a6c74d5",
    wrong={
        "b": "A natural guess for a landscape of valleys, but there is no hill on this line.",
        "c": "The loss does not wait: it falls from the first tenth of the way on.",
    },
    right="It falls all the way: on the straight line to the place where training ended, nothing is in between.",
)

claim_local_optima = Quiz(
    "claim_local_optima",
    answer="274d6968cf2d5dda",
    wrong={
        "true": (
            "How many of the ten starts ended in a poor place, with 16 or 32 hidden units? If poor valleys "
            "were the main trouble, some of the ten would have met one."
        ),
    },
    also={
        "depends": (
            "With 2 to 8 units section 2 is a lottery, so the width can be named as a condition. Against it: what "
            "is drawn there are dead units, and the sentence speaks of deep networks in general. At ordinary "
            "widths all starts ended equally well, so it is false."
        ),
    },
    right=(
        "From 16 units on, every start came down to nearly the same loss, with three hidden layers as with one. "
        "What costs time are plateaus, the surroundings of saddles, and ravines. (Networks with very few units do "
        "lose starts, to dead units.)"
    ),
)

claim_two_to_minus_n = Quiz(
    "claim_two_to_minus_n",
    answer="9bae54f16f9ed5e1",
    wrong={
        "true": (
            "For n = 3 it would say 12.5 %. What did you measure for random symmetric matrices? Which "
            "assumption is missing there?"
        ),
    },
    also={
        "false": (
            "As it stands, without any condition, it is: random symmetric matrices have 2.5 % and not 12.5 % at "
            "n = 3. For “depends” speaks that one can say when it is exact: if the curvatures are independent of "
            "each other."
        ),
    },
    right=(
        "It holds where the curvatures are independent. In a random symmetric matrix they are not: 2.5 % and "
        "not 12.5 % at n = 3, and ever more extreme. In real networks it depends on the height, too: the "
        "lower the loss, the fewer negative curvatures."
    ),
)

claim_saddle_traps = Quiz(
    "claim_saddle_traps",
    answer="d26993260345ebf1",
    wrong={"true": "Look at the starts 10⁻¹² beside the line, and at the noisy runs that began on it."},
    also={
        "depends": (
            "One start did stay for ever: exactly on the stable line, without noise. That is the condition. But "
            "it is no ordinary start, and “for ever” is false as soon as one ordinary start gets away: all the "
            "others did, and so did every noisy run from the line itself."
        ),
    },
    right=(
        "Any offset grows exponentially, and the gradient noise of mini-batches makes an offset at once: even the "
        "runs that began on the line got away. Only exactly on it and without noise does one stay, which "
        "happens on paper. But the passage may take long."
    ),
)

claim_only_adam_plateau = Quiz(
    "claim_only_adam_plateau",
    answer="0e20e4ed5a0e83bd",
    wrong={
        "true": "Which of the four came first in the race? And did the other two really not arrive?",
        "depends": (
            'One counterexample is enough against "only", and you have seen three: all four arrived, and one '
            "of them "
            "before Adam."
        ),
    },
    right=(
        "All four crossed it. RMSprop was even quicker than Adam, because what counts is the division by the "
        "gradient's own size; Momentum took several times as long, plain gradient descent longest of all."
    ),
)

quiz_eigenvalues_signs = Quiz(
    "quiz_eigenvalues_signs",
    answer="381344c6e471df42",
    wrong={
        "a": "The sum is the trace; it lets the strong valley directions outvote the way down.",
        "b": "−0.01 is small, but far beyond the tolerance of 10⁻⁶: it is negative.",
        "d": "A maximum needs all curvatures negative.",
    },
    right="One clearly positive and one clearly negative curvature: a saddle, however weak the way down.",
)

quiz_flat_direction = Quiz(
    "quiz_flat_direction",
    answer="3466f1557c8f1d41",
    wrong={
        "a": "Along the third direction the surface may go like w⁴, but also like −w⁴.",
        "b": "A saddle needs a direction that provably goes down.",
        "c": "Two directions go up.",
    },
    right="Two directions go up, and the third is silent: only higher derivatives, or a look at the loss, "
    "can tell.",
)

quiz_escape_rate = Quiz(
    "quiz_escape_rate",
    answer="d233efe9c66d0f6d",
    wrong={
        "a": "The distance is multiplied at each step, so a factor in the start costs a fixed number of steps.",
        "c": "That is ln 100; it must be divided by the growth per step, ln(1 + 0.2 · 0.5).",
        "d": "Making up for a factor of 100 takes steps.",
    },
    right="ln 100 / ln 1.1 = 4.61 / 0.0953 = 48.3.",
)

quiz_plateau_rate = Quiz(
    "quiz_plateau_rate",
    answer="00532a5da7db9e74",
    wrong={
        "b": "On a plateau the gradient is tiny, not 0; a huge rate would move.",
        "c": "A step costs the same at every rate.",
        "d": "So do the others, on average; it does not explain why their rates may be effectively larger here.",
    },
    right=(
        "The rate that would cross the plain in a few steps exceeds 2/λ in the valley behind it, and would "
        "throw it out again. Dividing by the gradient's own size gives large steps here and smaller ones there."
    ),
)

quiz_hessian_cost = Quiz(
    "quiz_hessian_cost",
    answer="39430df68ba70458",
    wrong={
        "a": "The Hessian has 1,210 columns, and each is a product of its own: H times a unit vector.",
        "c": "A column is found at once, from two gradients: the entries need not be measured one by one.",
        "d": "A central difference needs two gradients, one on each side.",
    },
    right="Two gradients per column and 1,210 columns: 2,420, against 2 for one product. Lanczos needs some "
    "dozens of those, or a few hundred.",
)
