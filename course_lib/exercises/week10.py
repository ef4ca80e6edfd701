"""Week 10, generalisation: the exercises with their cases, misconceptions and hints."""

import copy
import itertools

import numpy as np

from course_lib.exercises import Allows, ContractError, Exercise, Prediction, Quiz, Seed, case


def another(rng):
    """Return another generator (also for those who draw from its children); `rng` stays as it is."""
    return np.random.default_rng(copy.deepcopy(rng).integers(2**32))


# ---------------------------------------------------------------------------------------------------------
# split

SETS = ("train", "dev", "test")
PROPORTION = "every class in proportion"


def split(y, *, dev, test, rng):
    train_rows, dev_rows, test_rows = [], [], []
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        n_dev, n_test = round(dev * len(rows)), round(test * len(rows))
        dev_rows.append(rows[:n_dev])
        test_rows.append(rows[n_dev : n_dev + n_test])
        train_rows.append(rows[n_dev + n_test :])
    return np.concatenate(train_rows), np.concatenate(dev_rows), np.concatenate(test_rows)


def split_cases(rng):
    def labels(part, sizes, dev, test, negative=False):
        classes = np.sort(rng.choice(20, size=len(sizes), replace=False))  # with gaps: classes need not be 0, 1, 2
        if negative:
            classes -= classes[0] + 1  # the lowest is -1
        y = rng.permutation(np.repeat(classes, sizes))
        return case(part, y, dev=dev, test=test, rng=Seed(int(rng.integers(1000))))

    yield labels("every row in one set", [31, 23, 44], 0.2, 0.3)
    yield labels("every row in one set", [27, 38], 0.3, 0.15)
    yield labels("every class in proportion", [33, 24, 63, 49], 0.2, 0.3)
    yield labels("every class in proportion", [12, 99, 27], 0.3, 0.15)
    yield labels("every class in proportion", [24, 33, 50], 0.2, 0.3, negative=True)
    yield labels("every class in proportion", [3, 47, 32], 0.3, 0.15)  # none of the rare class to test
    yield labels("every class in proportion", [1, 3, 44, 37], 0.15, 0.3)  # none of it to dev
    yield labels("every class in proportion", [61], 0.2, 0.3)
    yield labels("drawn by rng", [60, 80], 0.3, 0.2)
    yield labels("drawn by rng", [41, 36, 57], 0.2, 0.3)


def observe_split(call, case):
    """Properties of the sets, not their order: every correct way to draw them is right."""
    (y,), options = case.args, case.kwargs
    y, same_state, other_state = y.copy(), copy.deepcopy(options["rng"]), another(options["rng"])
    first = read_sets(call(y, **options), y)
    shared = [
        f"{SETS[i]} and {SETS[j]}" for i in range(3) for j in range(i) if set(first[i].tolist()) & set(first[j])
    ]
    all_rows = np.concatenate(first)
    seen = {
        "rows that are in two sets": ", ".join(shared) or "none",
        "a row comes twice in a set": any(len(set(rows.tolist())) < len(rows) for rows in first),
        "rows that are in no set": "some" if set(range(len(y))) - set(all_rows.tolist()) else "none",
        "size of the dev set": about(len(first[1]), len(y), options),
        "size of the test set": about(len(first[2]), len(y), options),
    }
    if case.part == "every row in one set":
        return seen
    if case.part == "every class in proportion":
        return seen | {"examples per class in dev and test": rule_of_counts(y, first, options)}
    second = read_sets(call(y, **options), y)
    third = read_sets(call(y, **(options | {"rng": same_state})), y)
    other = read_sets(call(y, **(options | {"rng": other_state})), y)
    return seen | {
        "sets whose rows are picked in the order of the data": named(
            in_order(y, rows, np.isin(np.arange(len(y)), others, invert=True))
            for rows, others in (first[1:], first[:0:-1])
        ),
        "equal generators give equal splits": same_sets(first, third),
        "another generator gives another split": not same_sets(first, other),
        "sets that are the same in the next split": named(
            np.array_equal(np.sort(a), np.sort(b)) for a, b in zip(first[1:], second[1:], strict=True)
        ),
    }


def named(which):
    """Name those of dev and test for which something holds."""
    return ", ".join(name for name, holds in zip(SETS[1:], which, strict=True) if holds) or "none"


def read_sets(result, y):
    """Return the three arrays of row numbers, or say what is wrong with them."""
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise ContractError("Your function should return three arrays, `train_rows, dev_rows, test_rows`.")
    for name, rows in zip(SETS, result, strict=True):
        if not isinstance(rows, np.ndarray) or rows.ndim != 1:
            raise ContractError(f"`{name}_rows` should be a one-dimensional NumPy array of row numbers.")
        if rows.dtype.kind != "i":
            raise ContractError(f"`{name}_rows` has dtype {rows.dtype}. Row numbers are integers, not a mask.")
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(y):
            raise ContractError(f"`{name}_rows` holds {rows.max()}, but y has {len(y)} rows, 0 to {len(y) - 1}.")
    return [rows.copy() for rows in result]


def about(size, m, options):
    """Say which share of the m rows a set holds, leaving room for any way of rounding."""
    for name in ("dev", "test"):
        if abs(size - options[name] * m) <= 4:
            return f"about {name} · m"
    return f"{size} of {m}"


def rule_of_counts(y, sets, options):
    """Name the rule that the numbers of examples of each class follow."""
    classes, sizes = np.unique(y, return_counts=True)
    found = np.array([[np.sum(y[rows] == label) for label in classes] for rows in sets[1:]])
    exact = np.array([[options[name] * size for size in sizes] for name in SETS[1:]])
    rules = {"in proportion, rounded": np.round, "rounded down": np.floor, "rounded up": np.ceil}
    for text, rounding in rules.items():
        if np.array_equal(found, rounding(exact.round(9))):
            return text
    if np.all(np.ptp(found, axis=1) <= 1):
        return "equally many of each class"
    if np.all(np.abs(found - exact) <= 1.5):
        return "nearly in proportion, but some class is one off"
    return "left to chance" if np.all(np.abs((found - exact).sum(axis=1)) <= 4) else "other"


def in_order(y, rows, left):
    """Whether the rows of each class are neighbours among that class's rows, all or those that are left."""
    return neighbours(y, rows, np.ones_like(left)) or neighbours(y, rows, left)


def neighbours(y, rows, among):
    for label in np.unique(y[rows]):
        places = np.flatnonzero(np.isin(np.flatnonzero((y == label) & among), rows))
        if np.any(np.diff(places) != 1):
            return False
    return True


def same_sets(a, b):
    return all(np.array_equal(np.sort(i), np.sort(j)) for i, j in zip(a, b, strict=True))


splitting = Exercise(
    split,
    parts={"every row in one set": 2, "every class in proportion": 1, "drawn by rng": 1},
    cases=split_cases,
    observe=observe_split,
    allows=Allows(ends={"dev": (0.01,), "test": (0.01, 0.69)}, start=PROPORTION, part=PROPORTION),
    equivalent={
        "size: len(rows) → rows.shape[-1]": "rows has one axis",
        "size: len(rows) → rows.size": "rows has one axis",
    },
    hints=(
        "Shuffle row numbers, not the data (week 01). What must you do once per class?",
        "For each class: its row numbers in random order, then cut: the first n_dev to dev, the next n_test to "
        "test, all that is left to train. At the end join the pieces of each set.",
        "`rows = rng.permutation(np.flatnonzero(y == label))` for each label in `np.unique(y)`; then "
        "`rows[:n_dev]`, `rows[n_dev : n_dev + n_test]`, `rows[n_dev + n_test :]`; `np.concatenate` joins.",
    ),
    explain="why does cutting one permutation make the sets disjoint without any further check?",
)


def split_with(y, dev, test, rng, *, count=None, order=None, classes=None, cut=None):
    """Split class by class with one piece replaced."""
    pieces = []
    for label in np.unique(y) if classes is None else classes:
        rows = np.flatnonzero(y == label)
        rows = rng.permutation(rows) if order is None else order(rows)
        n_dev, n_test = (round(share * len(rows)) for share in (dev, test))
        if count:
            n_dev, n_test = count(len(rows))
        cuts = [rows[n_dev + n_test :], rows[:n_dev], rows[n_dev : n_dev + n_test]]
        pieces.append(cut(rows, n_dev, n_test) if cut else cuts)
    return tuple(np.concatenate(part) for part in zip(*pieces, strict=True))


@splitting.misconception(
    "How many of each class a set gets is left to chance; a rare class can be missing altogether. Split the rows "
    "of each class separately, then join the pieces. (If you do: are they rows of y, or of shuffled labels?)"
)
def not_stratified(y, *, dev, test, rng):
    order = rng.permutation(len(y))
    n_dev, n_test = round(dev * len(y)), round(test * len(y))
    return order[n_dev + n_test :], order[:n_dev], order[n_dev : n_dev + n_test]


@splitting.misconception(
    "You cut the rows in the order of the data, without shuffling and without looking at classes. Files are often "
    "sorted, so the sets would differ in kind. Shuffle with rng, class by class."
)
def first_rows(y, *, dev, test, rng):
    n_dev, n_test = round(dev * len(y)), round(test * len(y))
    rows = np.arange(len(y))
    return rows[n_dev + n_test :], rows[:n_dev], rows[n_dev : n_dev + n_test]


@splitting.misconception(
    "Each class is in proportion, but its rows are taken in the order of the data: rng is not used. Permute the "
    "rows of each class before cutting."
)
def not_shuffled(y, *, dev, test, rng):
    return split_with(y, dev, test, rng, order=lambda rows: rows)


@splitting.misconception(
    "The training set still holds the dev and the test rows. Then dev and test measure memory, not "
    "generalisation. Take their rows out of the training set."
)
def train_keeps_all(y, *, dev, test, rng):
    _, dev_rows, test_rows = split(y, dev=dev, test=test, rng=rng)
    return np.arange(len(y)), dev_rows, test_rows


@splitting.misconception(
    "Dev and test are drawn independently of each other, so they share rows. Cut both from *one* permutation, "
    "the second where the first ends."
)
def drawn_independently(y, *, dev, test, rng):
    dev_rows, test_rows = (split(y, dev=dev, test=test, rng=rng)[i] for i in (1, 2))
    taken = np.isin(np.arange(len(y)), np.concatenate([dev_rows, test_rows]))
    return np.flatnonzero(~taken), dev_rows, test_rows


@splitting.misconception(
    "Some rows are in no set: you round the size of the training set as well. Give training *all* that dev and "
    "test leave."
)
def loses_a_remainder(y, *, dev, test, rng):
    def cut(rows, n_dev, n_test):
        n_train = int((1 - dev - test) * len(rows))
        return [rows[n_dev + n_test :][:n_train], rows[:n_dev], rows[n_dev : n_dev + n_test]]

    return split_with(y, dev, test, rng, cut=cut)


@splitting.misconception(
    "A rare class gives at least one example to each set in your version. Asked is `round(...)`, and that may be 0: "
    "what a set of this size cannot show in proportion, it does not show."
)
def at_least_one(y, *, dev, test, rng):
    return split_with(
        y, dev, test, rng, count=lambda n: tuple(min(max(1, round(share * n)), n) for share in (dev, test))
    )


@splitting.misconception(
    "The dev set is a share of what the test set left over. Both shares are of the whole: dev times the number of "
    "examples of the class."
)
def share_of_the_rest(y, *, dev, test, rng):
    return split_with(
        y, dev, test, rng, count=lambda n: (round(dev * (n - round(test * n))), round(test * n))
    )  # fmt: skip


@splitting.misconception(
    "The test set is a share of what the dev set left over. Both shares are of the whole: test times the "
    "number of examples of the class."
)
def test_share_of_the_rest(y, *, dev, test, rng):
    return split_with(
        y, dev, test, rng, count=lambda n: (round(dev * n), round(test * (n - round(dev * n))))
    )  # fmt: skip


@splitting.misconception(
    "Every class gives the same number of examples to dev and to test, however frequent it is. In proportion "
    "means: each gives the same *share* of its examples."
)
def equal_numbers(y, *, dev, test, rng):
    k, m = len(np.unique(y)), len(y)
    n_dev = min(round(dev * m / k), np.unique(y, return_counts=True)[1].min() // 2)
    n_test = min(round(test * m / k), np.unique(y, return_counts=True)[1].min() // 2)
    return split_with(y, dev, test, rng, count=lambda n: (n_dev, n_test))


@splitting.misconception(
    "You take the classes to be 0, 1, 2, …, as many as there are. Labels may have gaps; examples with other "
    "labels are then in no set. `np.unique(y)` lists the classes that occur."
)
def classes_counted(y, *, dev, test, rng):
    k = len(np.unique(y))
    if not np.isin(range(k), y).any():
        return tuple(np.empty(0, dtype=int) for _ in range(3))
    return split_with(y, dev, test, rng, classes=range(k))


@splitting.misconception(
    "Places within the class are taken for row numbers: you permute 0, 1, 2, … for each class, so the same rows "
    "come again and again. Permute the row numbers themselves, `np.flatnonzero(y == label)`."
)
def places_within_the_class(y, *, dev, test, rng):
    return split_with(y, dev, test, rng, order=lambda rows: rng.permutation(len(rows)))


@splitting.misconception(
    "Your second cut is at `round((dev + test) * c)`, so some class gives one too many or too few to test. The "
    "test set gets round(test * c): cut at n_dev + n_test, each rounded by itself."
)
def sum_rounded(y, *, dev, test, rng):
    return split_with(
        y, dev, test, rng, count=lambda n: (round(dev * n), round((dev + test) * n) - round(dev * n))
    )  # fmt: skip


@splitting.misconception(
    "Where a class gives none to test, `rows[-n_test:]` is `rows[-0:]`, and that is all of them: rows of a rare "
    "class are in two sets, or not in train. Cut from the front: `rows[n_dev : n_dev + n_test]`."
)
def cut_from_the_back(y, *, dev, test, rng):
    return split_with(
        y, dev, test, rng, cut=lambda rows, n_dev, n_test: [rows[n_dev:-n_test], rows[:n_dev], rows[-n_test:]]
    )


@splitting.misconception(
    "You return labels, `y[rows]`. Asked are the row numbers themselves: with them X and y can be cut alike."
)
def returns_labels(y, *, dev, test, rng):
    return tuple(y[rows] for rows in split(y, dev=dev, test=test, rng=rng))


@splitting.alternative
def by_masks(y, *, dev, test, rng):
    kind = np.zeros(len(y), dtype=int)
    for label, size in zip(*np.unique(y, return_counts=True), strict=True):
        kinds = [1] * round(dev * size) + [2] * round(test * size)
        kinds += [0] * (size - len(kinds))
        kind[y == label] = rng.permutation(kinds)
    return tuple(np.flatnonzero(kind == k) for k in range(3))


@splitting.alternative
def by_choice(y, *, dev, test, rng):
    left, found = np.arange(len(y)), []
    for share in (dev, test):
        chosen = []
        for label in set(y.tolist()):
            size = round(share * np.count_nonzero(y == label))
            chosen += rng.choice(left[y[left] == label], size=size, replace=False).tolist()
        left = np.setdiff1d(left, chosen)
        found.append(np.array(chosen))
    return [left, *found]


@splitting.alternative
def shuffled_once(y, *, dev, test, rng):
    order = rng.permutation(len(y))
    sets = {name: [] for name in SETS}
    for label in np.unique(y):
        rows = [int(row) for row in order if y[row] == label]
        a, b = round(dev * len(rows)), round(test * len(rows))
        sets["dev"] += rows[:a]
        sets["test"] += rows[a : a + b]
        sets["train"] += rows[a + b :]
    return tuple(np.array(sorted(sets[name])) for name in SETS)


# ---------------------------------------------------------------------------------------------------------
# early_stopping


def early_stopping(dev_losses, snapshots, *, patience):
    best = 0
    for stop in range(len(dev_losses)):
        if dev_losses[stop] < dev_losses[best]:
            best = stop
        if stop - best >= patience:
            break
    return stop, best, snapshots[best]


def stopping_cases(rng):
    def curve(part, losses, patience):
        snapshots = rng.normal(size=(len(losses), 3)).round(2)
        return case(part, [float(loss) for loss in losses], snapshots, patience=patience)

    def bumps(*steps):
        """Return losses on distinct levels: each step moves up (+) or down (-), never to a tie."""
        return (np.cumsum([2.0, *steps]) + 0.001 * rng.random(len(steps) + 1)).round(4)

    start, keep, edge = "when to stop", "what to keep", "ties, NaN and the end"
    # Down, a bump shorter than the patience, down again, up for longer, and at last lower than ever: too late.
    story = bumps(-0.4, -0.3, 0.2, 0.1, -0.5, 0.3, -0.1, 0.2, 0.1, 0.1, -1.0, 0.1)
    yield curve(start, story, 3)
    yield curve(start, bumps(-0.5, 0.2, -0.1, -0.2, -0.1, 0.3, -0.1, 0.2, -0.9), 2)
    yield curve(start, bumps(-0.1, 0.2, -0.4, 0.1, 0.1, -0.9), 1)
    wave = 1 / np.arange(1, 31) + 0.03 * np.arange(30) + 0.02 * rng.normal(size=30)
    yield curve(start, wave.round(4), int(rng.integers(4, 7)))
    yield curve(start, 1e6 * bumps(0.2, 0.3, -0.8, 0.1, 0.2, -0.1, 0.3, -0.9), 4)  # large, and first it rises
    yield curve(keep, story, 3)
    yield curve(keep, bumps(-0.3, -0.2, 0.1, 0.2, -0.1, 0.3, 0.2, -0.9) - 9, 4)  # negative
    flat = [0.9, 0.5, 0.7, 0.5, 0.6, 0.5, 0.5, 0.4]
    yield curve(edge, flat, 4)
    yield curve(edge, [0.9, 0.5, np.nan, 0.4, np.nan, np.nan, np.nan, 0.1], 3)
    yield curve(edge, [0.9, 0.5, 0.6, np.nan], 5)
    yield curve(edge, bumps(-0.3, -0.2, 0.1, -0.3), 3)
    yield curve(edge, [1.0], 2)


def observe_stopping(call, case):
    result = call(*case.args, **case.kwargs)
    if result is None:
        raise ContractError(
            "Your function returned None. Does it reach its `return` also when patience never runs out?"
        )
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise ContractError("Your function should return three values, `stop, best, best_params`.")
    stop, best, best_params = result
    if case.part == "when to stop":
        return {"stop": stop}
    return {"stop": stop, "best": best, "best_params": best_params}


stopping = Exercise(
    early_stopping,
    parts={"when to stop": 2, "what to keep": 1, "ties, NaN and the end": 1},
    cases=stopping_cases,
    observe=observe_stopping,
    allows=Allows(single=("snapshots",), ends={"patience": (1, 100)}, start="what to keep"),
    equivalent={
        "name: dev_losses → snapshots": "as long as dev_losses",
    },
    hints=(
        "Walk through the list once, as training would. Which one number must you remember from step to step?",
        "Remember the index of the lowest loss so far. The number of evaluations since then is the difference "
        "of two indices; when it reaches patience, stop.",
        "`if dev_losses[stop] < dev_losses[best]: best = stop`, and after it "
        "`if stop - best >= patience: break`. Return `snapshots[best]`.",
    ),
    explain="why does nothing have to be reset when a new lowest loss comes?",
)


def stop_with(dev_losses, snapshots, patience, *, better=None, enough=None, keep=None):
    """Stop early with one piece replaced."""
    best = 0
    for stop in range(len(dev_losses)):
        new_best = dev_losses[stop] < dev_losses[best] if better is None else better(dev_losses, stop, best)
        best = stop if new_best else best
        if stop - best >= patience if enough is None else enough(stop, best):
            break
    return stop, best, snapshots[best if keep is None else keep(stop, best)]


@stopping.misconception(
    "You return the last parameters, those of the stop. By then training has been getting worse for `patience` "
    "evaluations: return the snapshot of the best one."
)
def last_parameters(dev_losses, snapshots, *, patience):
    return stop_with(dev_losses, snapshots, patience, keep=lambda stop, best: stop)


@stopping.misconception(
    "Your counter is never reset: it counts all evaluations without progress, not those since the best. A new "
    "lowest loss starts the count anew."
)
def counter_not_reset(dev_losses, snapshots, *, patience):
    best = waited = 0
    for stop in range(len(dev_losses)):
        if dev_losses[stop] < dev_losses[best]:
            best = stop
        elif stop:
            waited += 1
        if waited >= patience:
            break
    return stop, best, snapshots[best]


@stopping.misconception(
    "You compare with the evaluation just before. After a bump, falling back a little is no progress: compare "
    "with the lowest loss so far."
)
def compared_with_the_previous(dev_losses, snapshots, *, patience):
    return stop_with(dev_losses, snapshots, patience, better=lambda d, stop, best: stop and d[stop] < d[stop - 1])


@stopping.misconception(
    "You count rises in a row. A loss that zigzags far above its best would never stop: count the evaluations "
    "since the lowest one, whichever way the loss goes in between."
)
def rises_in_a_row(dev_losses, snapshots, *, patience):
    best = rises = 0
    for stop in range(len(dev_losses)):
        if dev_losses[stop] < dev_losses[best]:
            best = stop
        rises = rises + 1 if stop and not dev_losses[stop] < dev_losses[stop - 1] else 0
        if rises >= patience:
            break
    return stop, best, snapshots[best]


@stopping.misconception(
    "Your best is the lowest loss of the whole list. What comes after the stop never happens: training has ended. "
    "Look only at the evaluations up to the stop."
)
def looks_into_the_future(dev_losses, snapshots, *, patience):
    stop, _, _ = early_stopping(dev_losses, snapshots, patience=patience)
    best = int(np.argmin(dev_losses))
    return stop, best, snapshots[best]


@stopping.misconception(
    "You take the lowest loss of the whole list and add the patience. While training runs, nobody knows what "
    "is still to come: an earlier low may stop it before. Walk through the list from its beginning."
)
def lowest_of_all_plus_patience(dev_losses, snapshots, *, patience):
    best = int(np.argmin(dev_losses))
    return min(best + patience, len(dev_losses) - 1), best, snapshots[best]


@stopping.misconception(
    "You never stop: `stop` is always the last index of the list. Leave the loop when `patience` evaluations have "
    "brought no new lowest."
)
def never_stops(dev_losses, snapshots, *, patience):
    return stop_with(dev_losses, snapshots, patience, enough=lambda stop, best: False)


@stopping.misconception(
    "Where patience never runs out, your `stop` is the length of the list. `stop` is the index of the last "
    "evaluation, and that is one less: `len(dev_losses) - 1`."
)
def length_at_the_end(dev_losses, snapshots, *, patience):
    stop, best, best_params = early_stopping(dev_losses, snapshots, patience=patience)
    return stop + (stop - best < patience), best, best_params


@stopping.misconception(
    "Your `stop` is the best evaluation. Nobody knows it is the best until `patience` more have been made: those "
    "count."
)
def stops_at_the_best(dev_losses, snapshots, *, patience):
    _, best, best_params = early_stopping(dev_losses, snapshots, patience=patience)
    return best, best, best_params


@stopping.misconception(
    "A NaN wins: `np.argmin` and `min` treat it as lowest, or never compare it. A run that has diverged is no "
    "progress; `nan < x` is False, so a plain comparison does the right thing."
)
def nan_is_lowest(dev_losses, snapshots, *, patience):
    for stop in range(len(dev_losses)):
        best = int(np.argmin(dev_losses[: stop + 1]))
        if stop - best >= patience:
            break
    return stop, best, snapshots[best]


@stopping.misconception(
    "A NaN wins: you stop at the right place, but then look for the best with `np.argmin`, which returns the "
    "first NaN. Keep the index that you found while comparing, or take `np.nanargmin`."
)
def nan_wins_afterwards(dev_losses, snapshots, *, patience):
    stop, _, _ = early_stopping(dev_losses, snapshots, patience=patience)
    best = int(np.argmin(dev_losses[: stop + 1]))
    return stop, best, snapshots[best]


@stopping.misconception(
    "You skip evaluations that are NaN, so they use up no patience. A NaN counts as an evaluation without "
    "progress: let it go through the same comparison as the others."
)
def nan_skipped(dev_losses, snapshots, *, patience):
    best = waited = 0
    for stop in range(len(dev_losses)):
        if not np.isnan(dev_losses[stop]):
            waited = 0 if dev_losses[stop] < dev_losses[best] else waited + (stop > 0)
            best = stop if waited == 0 else best
            if waited >= patience:
                break
    return stop, best, snapshots[best]


@stopping.alternative
def with_a_counter(dev_losses, snapshots, *, patience):
    lowest, waited = float("inf"), 0
    for index, (loss, params) in enumerate(zip(dev_losses, snapshots, strict=True)):
        if loss < lowest:
            lowest, waited, best, kept = loss, 0, index, params.copy()
        else:
            waited += 1
            if waited == patience:
                return index, best, kept
    return index, best, kept


@stopping.alternative
def with_running_minimum(dev_losses, snapshots, *, patience):
    losses = np.nan_to_num(dev_losses, nan=np.inf)
    new = np.flatnonzero(losses < np.append(np.inf, np.minimum.accumulate(losses)[:-1]))
    for best, following in zip(new, [*new[1:], np.inf], strict=True):
        if best + patience < following:
            return min(best + patience, len(losses) - 1), best, snapshots[best]


@stopping.alternative
def by_looking_back(dev_losses, snapshots, *, patience):
    for stop in range(len(dev_losses)):
        best = int(np.nanargmin(dev_losses[: stop + 1]))
        if best + patience == stop:
            return stop, best, np.array(snapshots[best])
    return stop, best, np.array(snapshots[best])


# ---------------------------------------------------------------------------------------------------------
# l2_penalty_and_gradient


def l2_penalty_and_gradient(params, *, l2):
    penalty = l2 / 2 * sum(np.sum(p**2) for name, p in params.items() if name.startswith("W"))
    gradient = {name: l2 * p if name.startswith("W") else np.zeros_like(p) for name, p in params.items()}
    return penalty, gradient


def penalty_cases(rng):
    def network(part, *sizes, scale=1.0):
        params = {}
        for layer, (fan_in, out) in enumerate(itertools.pairwise(sizes), start=1):
            params[f"W{layer}"] = (scale * rng.normal(size=(fan_in, out))).round(6)
            params[f"b{layer}"] = (scale * rng.normal(size=out)).round(6)
        return case(part, params, l2=round(rng.uniform(0.01, 0.4), 3))

    for part in ("the penalty", "the gradient of the weights", "the gradient of the biases"):
        yield network(part, 2, 3, 2)
        yield network(part, 3, 4, 5, 2)
        yield network(part, 4, 2)
    yield network("the penalty", 3, 2, 4, scale=100.0)
    yield network("the gradient of the weights", 3, 2, 4, scale=1e-2)
    deep = network("any", *[2] * 12)  # W10 and W11 are weights too
    names = rng.permutation(list(deep.args[0])).tolist()
    yield case("the gradient of the biases", {name: deep.args[0][name] for name in names}, **deep.kwargs)


def observe_penalty(call, case):
    (params,) = case.args
    result = call(params, **case.kwargs)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise ContractError("Your function should return two values, `penalty, gradient`.")
    penalty, gradient = result
    seen = {"penalty": penalty}
    if case.part == "the penalty":
        return seen
    if not isinstance(gradient, dict):
        raise ContractError("The gradient should be a dict with the keys of params: one array per parameter.")
    if case.part == "the gradient of the weights":
        return seen | {f"gradient of {name}": gradient.get(name, "missing") for name in params if name[0] == "W"}
    return seen | {"keys of the gradient": ", ".join(sorted(gradient))} | {
        f"gradient of {name}": gradient.get(name, "missing") for name in params
    }  # fmt: skip


decay = Exercise(
    l2_penalty_and_gradient,
    parts={"the penalty": 1, "the gradient of the weights": 1, "the gradient of the biases": 1},
    cases=penalty_cases,
    observe=observe_penalty,
    allows=Allows(single=("params",), ends={"l2": (0.0, 10.0)}, start="the gradient of the biases"),
    equivalent={
        "lines swapped: penalty = l2 / 2 * sum((np.sum(p ** 2) for name, p in params.items() if name.startswith('W'))) → gradient = {name: l2 * p if name.startswith('W') else np.zeros_like(p) for name, p in params.items()}": "either may come first",
    },
    hints=(
        "Write the penalty of a single number w down and take its derivative. Which factor cancels?",
        "The penalty is one number: the squares of all entries of all weight matrices, added up. Each parameter's "
        "gradient has its shape. What does the penalty say about a bias?",
        "`l2 / 2 * sum(np.sum(w**2) ...)` over the names that start with W; in the dict, `l2 * w` for those "
        "and an array of zeros in the shape of b for the others.",
    ),
    explain="why is a bias left alone, although it is a parameter like the others?",
)


def penalty_with(params, l2, *, total=None, gradient=None, bias=None):
    """Compute the right answer with one piece replaced; `total` gets the list of weight matrices."""
    weights = [p for name, p in params.items() if name[0] == "W"]
    return (
        l2 / 2 * sum(np.sum(w**2) for w in weights) if total is None else total(weights),
        {
            name: (l2 * p if gradient is None else gradient(p))
            if name[0] == "W"
            else (np.zeros_like(p) if bias is None else bias(p))
            for name, p in params.items()
        },
    )


def all_squares(params):
    return sum(np.sum(p**2) for p in params.values())


@decay.misconception(
    "The biases are penalised, too. A bias only shifts a unit's threshold; pulling it to 0 does not make the "
    "network smoother. Leave it out of the penalty, and its gradient is 0."
)
def biases_penalised(params, *, l2):
    return penalty_with(params, l2, total=lambda ws: l2 / 2 * all_squares(params), bias=lambda b: l2 * b)


@decay.misconception(
    "The biases are not in your penalty, but in your gradient (as with PyTorch's `weight_decay` on all "
    "parameters). What the penalty does not contain has gradient 0."
)
def biases_in_the_gradient(params, *, l2):
    return penalty_with(params, l2, bias=lambda b: l2 * b)


@decay.misconception("The biases are in your penalty, though not in your gradient. They belong in neither.")
def biases_in_the_penalty(params, *, l2):
    return penalty_with(params, l2, total=lambda ws: l2 / 2 * all_squares(params))


@decay.misconception(
    "You use l2 · Σw² with gradient 2 · l2 · w. That is legitimate elsewhere (there λ means half as much); "
    "here the penalty is l2 / 2 · Σw², so that the gradient is just l2 · w."
)
def another_convention(params, *, l2):
    return penalty_with(
        params, l2, total=lambda ws: l2 * sum(np.sum(w**2) for w in ws), gradient=lambda w: 2 * l2 * w
    )


@decay.misconception(
    "The gradient of l2 / 2 · w² is l2 · w: the derivative of the square brings a 2, which cancels the ½. Yours "
    "is half of it."
)
def half_in_the_gradient(params, *, l2):
    return penalty_with(params, l2, gradient=lambda w: l2 / 2 * w)


@decay.misconception(
    "You return the weights after shrinking, not the gradient. Asked is what is *added* to the loss's gradient; "
    "the optimizer does the step."
)
def shrunk_weights(params, *, l2):
    return penalty_with(params, l2, gradient=lambda w: w - l2 * w, bias=lambda b: b.copy())


@decay.misconception("You take the norm without squaring it. The penalty is the sum of squares, without a root.")
def norm_not_squared(params, *, l2):
    return penalty_with(params, l2, total=lambda ws: l2 / 2 * np.sqrt(sum(np.sum(w**2) for w in ws)))


@decay.misconception(
    "`np.linalg.norm(w, 2)` of a matrix is its largest singular value. The penalty adds up all squared entries: "
    "`np.sum(w**2)`."
)
def spectral_norm(params, *, l2):
    return penalty_with(params, l2, total=lambda ws: l2 / 2 * sum(np.linalg.norm(w, 2) ** 2 for w in ws))


@decay.misconception(
    "That is the L1 penalty: absolute values, with the sign as gradient. It is used, too, and makes weights "
    "exactly 0; here the squares are asked."
)
def absolute_values(params, *, l2):
    return penalty_with(
        params, l2, total=lambda ws: l2 * sum(np.sum(np.abs(w)) for w in ws), gradient=lambda w: l2 * np.sign(w)
    )


@decay.misconception("Only the last layer is in your penalty. Add up over all weight matrices: `+=`, not `=`.")
def last_layer_only(params, *, l2):
    return penalty_with(params, l2, total=lambda ws: l2 / 2 * np.sum(ws[-1] ** 2))


@decay.misconception("You have written out W1 and W2. A network has any number of layers: go through the dict.")
def two_layers_only(params, *, l2):
    penalty, gradient = l2_penalty_and_gradient({name: params[name] for name in ("W1", "W2")}, l2=l2)
    return penalty, {name: gradient.get(name, np.zeros_like(p)) for name, p in params.items()}


@decay.misconception(
    "Layers from the tenth on are missing: only names of two letters, such as W1, count. Ask whether the name "
    "*begins* with W."
)
def nine_layers_at_most(params, *, l2):
    near = {name: p if len(name) == 2 else np.zeros_like(p) for name, p in params.items()}
    return l2_penalty_and_gradient(near, l2=l2)


@decay.misconception(
    "The biases are missing in your gradient. Theirs exists and is 0: give an array of zeros in the shape of "
    "each b, so that it can be added to the loss's gradient."
)
def no_bias_gradient(params, *, l2):
    penalty, gradient = l2_penalty_and_gradient(params, l2=l2)
    return penalty, {name: g for name, g in gradient.items() if name[0] == "W"}


@decay.alternative
def as_one_vector(params, *, l2):
    flat = np.concatenate([p.ravel() for p in params.values() if p.ndim == 2])
    return 0.5 * l2 * (flat @ flat), {name: p * l2 if p.ndim == 2 else 0.0 * p for name, p in params.items()}


@decay.alternative
def layer_by_layer(params, *, l2):
    penalty, gradient = 0.0, {}
    for layer in range(1, len(params) // 2 + 1):
        w, b = params[f"W{layer}"], params[f"b{layer}"]
        penalty += float(np.linalg.norm(w) ** 2)
        gradient[f"b{layer}"] = np.zeros(b.shape)
        gradient[f"W{layer}"] = np.multiply(l2, w)
    return penalty * l2 / 2, gradient


# ---------------------------------------------------------------------------------------------------------
# dropout_forward


def dropout_forward(a, *, rate, training, rng):
    if not training:
        return a, np.ones_like(a)
    mask = ((rng.random(a.shape) >= rate) / (1 - rate)).astype(a.dtype)
    return a * mask, mask


def dropout_cases(rng):
    def layer(part, rate, shape=(80, 100), *, training=True, dtype=np.float64, signs=(-1, 1)):
        a = (rng.choice(signs, size=shape) * rng.uniform(0.5, 2.0, size=shape)).astype(dtype)
        return case(part, a, rate=rate, training=training, rng=Seed(int(rng.integers(1000))))

    for part in ("zeros at random", "the scale", "by rng, in a's dtype"):
        yield layer(part, float(rng.choice([0.15, 0.25, 0.35])))  # far from tenths
        yield layer(part, float(rng.choice([0.65, 0.75, 0.85])))
    yield layer("the scale", 0.3, signs=(0, 1))  # after a ReLU: zeros in a are no zeros of the mask
    yield layer("by rng, in a's dtype", 0.25, dtype=np.float32)
    yield layer("by rng, in a's dtype", 0.5, (1, 8000))
    yield layer("at test time", 0.4, (2, 3), training=False)
    yield layer("at test time", 0.75, (3, 2), training=False, dtype=np.float32)
    yield layer("at test time", 0.0, (2, 2), training=True)


def observe_dropout(call, case):
    """Properties of the mask, not its entries: every correct way to draw it is right."""
    (a,), options = case.args, case.kwargs
    a, same_state, other_state = a.copy(), copy.deepcopy(options["rng"]), another(options["rng"])
    out, mask = read_dropout(call(a, **options), a)
    if case.part == "at test time":
        return {"out": out, "mask": mask}
    masks = [mask, *(read_dropout(call(a, **options), a)[1] for _ in range(2))]
    dropped = mask == 0
    seen = {
        "share of zeros in the mask": share_dropped(dropped, options["rate"]),
        "what is dropped": unit_of_dropping(dropped),
        "every call drops exactly the same number": len({int(np.sum(m == 0)) for m in masks}) == 1,
    }
    if case.part == "zeros at random":
        return seen | {"out is 0 exactly where the mask is": np.array_equal(out == 0, dropped)}
    seen |= {
        "values in the mask": different_values(mask),
        "values of out / a": different_values(out[a != 0] / a[a != 0]),
    }
    if case.part == "the scale":
        return seen
    again, other = (
        read_dropout(call(a, **(options | {"rng": state})), a)[1] for state in (same_state, other_state)
    )
    return seen | {
        "the next call draws another mask": not np.array_equal(mask == 0, masks[1] == 0),
        "equal generators give equal masks": np.array_equal(mask, again),
        "another generator gives another mask": not np.array_equal(mask == 0, other == 0),
        "dtype of out": str(out.dtype),
        "dtype of the mask": str(mask.dtype),
    }


def read_dropout(result, a):
    """Return out and mask, or say what is wrong with them."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise ContractError("Your function should return two arrays, `out, mask`.")
    for name, value in zip(("out", "mask"), result, strict=True):
        if np.shape(value) != a.shape and np.shape(value) in (a.shape[1:], (1, a.shape[1])):
            raise ContractError(
                f"`{name}` has one number per unit, so every example would lose the same units. "
                "Draw in a's full shape."
            )
        if not isinstance(value, np.ndarray) or value.shape != a.shape:
            raise ContractError(f"`{name}` should be a NumPy array of a's shape, {a.shape}.")
        if value.dtype.kind != "f":
            raise ContractError(
                f"`{name}` has dtype {value.dtype}. It holds the numbers 0 and 1 / (1 - rate), in the dtype of a."
            )
    return [value.copy() for value in result]


def share_dropped(dropped, rate):
    """Say in words which share of the entries is 0; 0.025 is far outside what chance does to 8,000 of them."""
    share = float(dropped.mean())
    if share in (0.0, 1.0):
        return "all" if share else "none"
    for text, expected in (("about rate", rate), ("about 1 - rate", 1 - rate)):
        if abs(share - expected) < (0.025 if unit_of_dropping(dropped) == "single entries" else 0.35):
            return text
    return "another"


def unit_of_dropping(dropped):
    if dropped.all() or not dropped.any():
        return "all or nothing"
    if np.all(dropped == dropped[:1]):
        return "the same units for every example"
    if np.all(dropped == dropped[:, :1]):
        return "whole examples"
    return "single entries"


def different_values(array):
    values = np.unique(array.astype(float).round(5) + 0.0)  # the sum turns -0 into 0
    return ", ".join(f"{value:.4g}" for value in values) if len(values) <= 3 else "many different"


forward = Exercise(
    dropout_forward,
    parts={"zeros at random": 1, "the scale": 1, "at test time": 1, "by rng, in a's dtype": 1},
    cases=dropout_cases,
    observe=observe_dropout,
    dtype_part="by rng, in a's dtype",
    allows=Allows(real=("a",), ends={"rate": (0.0, 0.99)}, start="at test time", part="at test time"),
    equivalent={
        "lines swapped: if not training: → mask = ((rng.random(a.shape) >= rate) / (1 - rate)).astype(a.dtype)": "a mask that is drawn and not used",
        "boundary: rng.random(a.shape) >= rate → rng.random(a.shape) > rate": "a draw is never exactly the rate",
    },
    hints=(
        "Draw one uniform number per entry of a. For which of them does the entry survive, if rate is the "
        "probability to be dropped?",
        "A comparison gives True and False, that is 1 and 0. Divide it so that the mask is 1 on average, put "
        "it into a's dtype, and multiply. At test time nothing is drawn.",
        "`mask = ((rng.random(a.shape) >= rate) / (1 - rate)).astype(a.dtype)`, `out = a * mask`; "
        "without training, `out` is a and the mask is all ones.",
    ),
    explain="why does nothing have to be done at test time?",
)


def drop_with(a, rate, training, rng, *, keep=None, scale=None, out=None, mask=None, test=None):
    """Apply dropout with one piece replaced."""
    if not training:
        return (a, np.ones_like(a)) if test is None else test(a)
    kept = rng.random(a.shape) >= rate if keep is None else keep()
    scaled = (kept * (1 / (1 - rate) if scale is None else scale)).astype(a.dtype)
    return (a * scaled if out is None else out(kept)), (scaled if mask is None else mask(kept))


@forward.misconception(
    "The mask is 0 and 1, so in training the next layer gets too little: (1 - rate) times what it gets at "
    "test time. Divide the mask by 1 - rate."
)
def not_scaled(a, *, rate, training, rng):
    return drop_with(a, rate, training, rng, scale=1)


@forward.misconception(
    "You scale by 1 - rate at test time instead of dividing in training: dropout as first published, legitimate "
    "elsewhere. Asked is the inverted form: the mask of training holds 1 / (1 - rate), and at test time out is a."
)
def as_first_published(a, *, rate, training, rng):
    return drop_with(a, rate, training, rng, scale=1, test=lambda a: (a * (1 - rate), np.ones_like(a)))


@forward.misconception(
    "The mask of test time is right, but out is scaled by 1 - rate. The division by 1 - rate in training already "
    "makes up for the dropped units: at test time out is a itself."
)
def out_scaled_at_test_time(a, *, rate, training, rng):
    return drop_with(a, rate, training, rng, test=lambda a: (a * (1 - rate), np.ones_like(a)))


@forward.misconception(
    "You take rate as the probability to be *kept* (and scale to fit). Some papers do; here, as in PyTorch, it is "
    "the probability to be dropped: keep where the random number is >= rate."
)
def rate_as_keep(a, *, rate, training, rng):
    with np.errstate(divide="ignore", invalid="ignore"):
        return drop_with(
            a, rate, training, rng, keep=lambda: rng.random(a.shape) < rate, scale=np.divide(1, rate)
        )  # fmt: skip


@forward.misconception(
    "`out` is scaled, but the mask that you return is 0 and 1. backward multiplies by the mask, so the factor "
    "1 / (1 - rate) must be in it."
)
def scale_not_in_the_mask(a, *, rate, training, rng):
    return drop_with(a, rate, training, rng, mask=lambda kept: kept.astype(a.dtype))


@forward.misconception(
    "The mask is scaled, but `out` was made before, from zeros and ones. out is a times the very mask you return."
)
def scale_not_in_out(a, *, rate, training, rng):
    return drop_with(a, rate, training, rng, out=lambda kept: a * kept)


@forward.misconception(
    "Units are dropped at test time as well, so the same image gets another answer every time. With "
    "training=False nothing is dropped: out is a, the mask is all ones."
)
def dropped_at_test_time(a, *, rate, training, rng):
    return drop_with(a, rate, True, rng)


@forward.misconception(
    "One mask per unit serves the whole batch: every example loses the same units. Draw in the full shape of "
    "a, so that each example gets a network of its own."
)
def same_for_all_examples(a, *, rate, training, rng):
    return drop_with(a, rate, training, rng, keep=lambda: np.tile(rng.random(a.shape[1]) >= rate, (len(a), 1)))


@forward.misconception(
    "You drop a fixed number of entries. Each is to be dropped with probability rate *independently*, so the "
    "number varies from call to call."
)
def fixed_number(a, *, rate, training, rng):
    def keep():
        kept = np.ones(a.size, dtype=bool)
        kept[rng.permutation(a.size)[: round(rate * a.size)]] = False
        return kept.reshape(a.shape)

    return drop_with(a, rate, training, rng, keep=keep)


@forward.misconception(
    "You draw from a copy of `rng` (`copy.deepcopy`?), so `rng` itself does not move on and the next mask is the "
    "same again. Draw from `rng` itself."
)
def mask_generator_copied(a, *, rate, training, rng):
    return dropout_forward(a, rate=rate, training=training, rng=copy.deepcopy(rng))


@forward.misconception(
    "Your mask is float64 whatever a is, and a float32 network turns into float64 behind it: twice the memory. "
    "Convert the mask to a.dtype."
)
def float64_mask(a, *, rate, training, rng):
    if not training:
        return a, np.ones_like(a)
    mask = (rng.random(a.shape) >= rate) / (1 - rate)
    return a * mask, mask


@forward.misconception(
    "You draw normal random numbers as factors. That is Gaussian dropout, with the same mean and spread, and it "
    "works; here entries are dropped or kept."
)
def gaussian(a, *, rate, training, rng):
    if not training:
        return a, np.ones_like(a)
    mask = rng.normal(1, np.sqrt(rate / (1 - rate)), size=a.shape).astype(a.dtype)
    return a * mask, mask


@forward.alternative
def with_binomial(a, *, rate, training, rng):
    mask = np.ones_like(a)
    if training:
        keep = 1 - rate
        mask[...] = rng.binomial(1, keep, size=a.shape) / keep
    return mask * a, mask


@forward.alternative
def with_where(a, *, rate, training, rng):
    if not training or rate == 0:
        return a.copy(), np.ones(a.shape, a.dtype)
    mask = np.where(rng.uniform(size=a.shape) < rate, 0.0, 1.0 / (1.0 - rate)).astype(a.dtype)
    return np.multiply(a, mask), mask


@forward.alternative
def with_choice(a, *, rate, training, rng):
    keep = 1 - rate if training else 1.0
    mask = rng.choice([0.0, 1 / keep], p=[1 - keep, keep], size=a.shape).astype(a.dtype)
    return a * mask, mask


# ---------------------------------------------------------------------------------------------------------
# dropout_backward


def dropout_backward(dout, mask):
    return dout * mask


def backward_cases(rng):
    def layer(part, rate, shape=(6, 8), *, dtype=np.float64, scale=1.0):
        mask = ((rng.random(shape) >= rate) / (1 - rate)).astype(dtype)
        mask.flat[:2] = 0, 1 / (1 - rate)
        return case(part, (scale * rng.normal(size=shape)).astype(dtype), mask)

    for rate in (0.2, 0.4, 0.7):
        yield layer("the gradient", rate)
    yield layer("any size and dtype", 0.25, (6, 5), dtype=np.float32)
    yield layer("any size and dtype", 0.6, (1, 30), scale=1e-8)
    yield layer("any size and dtype", 0.6, (7, 1))
    yield case("any size and dtype", rng.normal(size=(4, 9)), np.ones((4, 9)))
    yield case("any size and dtype", rng.normal(size=(4, 8)), np.zeros((4, 8)))


def observe_backward(call, case):
    dout, mask = case.args
    dropped = mask == 0
    da = call(dout, mask)
    if da is None:
        raise ContractError("Your function returned None. Is its `return` missing?")
    if not isinstance(da, np.ndarray) or da.shape != dropped.shape:
        raise ContractError(f"`da` should be an array of the mask's shape {dropped.shape}, not of {np.shape(da)}.")
    zero, dropped = da[dout != 0] == 0, dropped[dout != 0]
    if np.array_equal(zero, dropped):
        where = "where the mask is 0"
    elif np.array_equal(zero, ~dropped):
        where = "where the mask is not 0"
    elif zero.any():
        return {"zeros of da": "at other places"}  # which ones, varies from run to run if a mask is drawn anew
    else:
        where = "nowhere"
    return {"zeros of da": where, "da": da.astype(dout.dtype)}


backward = Exercise(
    dropout_backward,
    parts={"the gradient": 1, "any size and dtype": 1},
    cases=backward_cases,
    observe=observe_backward,
    allows=Allows(single=("dout", "mask"), real=("dout",)),
    hints=(
        "Forward was out = a · mask, entry by entry. How much does an entry of out change when that entry of a "
        "changes by 1?",
        "The chain rule multiplies what arrives, dout, by that factor. It is the same mask as in forward, "
        "scale and all.",
        "One line, one product: `dout` times `mask`, element by element.",
    ),
    explain="what would the gradient be that of, if backward drew a mask of its own?",
)


@backward.misconception(
    "You draw a new mask. Then units that took no part get a gradient, and units that did get none. Use the mask "
    "that forward returned."
)
def a_new_mask(dout, mask):
    return dout * (np.random.default_rng(0).random(mask.shape) >= 0.5) / 0.5


@backward.misconception(
    "The zeros are right, but the scale is missing. Forward multiplied by 1 / (1 - rate), so backward does, too: "
    "the mask contains it."
)
def scale_missing(dout, mask):
    return dout * (mask > 0)


@backward.misconception(
    "The gradient goes through as if nothing had been dropped. A dropped unit had no influence on the loss: its "
    "gradient is 0, and the others carry the scale."
)
def passed_through(dout, mask):
    return dout.copy()


@backward.misconception(
    "You average over the batch. The loss's own gradient has the 1/B already; here it is only the factor of "
    "the mask."
)
def divided_by_the_batch(dout, mask):
    return dout * mask / len(dout) if len(dout) > 1 else dout * mask / mask.size


@backward.misconception(
    "You estimate the scale from the share of zeros in this mask. The true factor 1 / (1 - rate) is in the "
    "mask itself."
)
def scale_estimated(dout, mask):
    kept = mask > 0
    return (dout * kept / max(kept.mean(), 0.01)).astype(dout.dtype)


@backward.alternative
def with_where_backward(dout, mask):
    return np.where(mask > 0, dout * mask, np.zeros_like(dout))


@backward.alternative
def entry_by_entry(dout, mask):
    da = np.zeros_like(dout)
    kept = mask > 0
    da[kept] = dout[kept] * mask[kept]
    return da


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims and quiz

prediction_best_score = Prediction(
    "prediction_best_score",
    answer="111a3964354ca29d",
    wrong={
        "a": (
            "For a trial picked blindly that is so. But the winner was picked *because* its dev score was "
            "high, and luck is part of why it was."
        ),
        "c": (
            "The winner is probably good, but its dev score is its quality plus its luck on those 50 images, "
            "and the luck stays behind."
        ),
    },
    right=(
        "Lower, most of the time: a score by which you have chosen is too good. With 50 images and 40 trials "
        "it is several points."
    ),
)

prediction_dev_curve = Prediction(
    "prediction_dev_curve",
    answer="39859241ad3aa702",
    wrong={
        "a": "It would if the training labels were all that counts; but a fifth of them is wrong.",
        "b": "It would if learning wrong labels did no harm; but each of them spoils answers nearby.",
    },
    right=(
        "It falls while the network learns what digits look like, and rises when all that is left to learn "
        "are the accidents of these 200 labels."
    ),
)

prediction_eight_units = Prediction(
    "prediction_eight_units",
    answer="5a87f9e9bf2d5c85",
    wrong={
        "a": "It has no room for the wrong labels, true, but it has not enough for the digits either.",
        "b": "From 16 units on the width hardly matters; but eight are too few.",
    },
    right=(
        "Worse: eight units under-fit. Between 16 and 256 there is hardly any difference, so the number of "
        "parameters is not what matters most."
    ),
)

prediction_vote = Prediction(
    "prediction_vote",
    answer="ea3502f3254f5e5f",
    wrong={
        "a": "The vote is far better than one thinned network. But the full network is not one of the voters.",
        "c": "Each voter alone is worse, true. Their accidents differ, though, and cancel in the average.",
    },
    right=(
        "About the same: the full network, run once, *is* the vote of all thinned networks, exactly so for the "
        "geometric mean in a network with one hidden layer."
    ),
)

claim_low_training_loss = Quiz(
    "claim_low_training_loss",
    answer="3dc0d411d5cd6da0",
    wrong={
        "true": (
            "Look at the second line: labels drawn by lot were learned as perfectly. How good is that model "
            "on images it has not seen?"
        ),
    },
    also={
        "depends": (
            "That can be defended: with right labels the low training loss went with 91 % on new images, with "
            "labels by lot with 11 %, so it depends on how much there is to be learned from the labels. What "
            "speaks for *false*: the loss is the same both times, so by itself it means nothing about new images."
        ),
    },
    right=(
        "The network learned random labels by heart: training loss about 0, and on new images it guesses. A low "
        "training loss shows that the network can store its data, nothing more."
    ),
)

claim_dropout_helps = Quiz(
    "claim_dropout_helps",
    answer="f30a9a5063909db5",
    wrong={
        "true": "Compare the last two lines: eight units, with and without dropout.",
        "false": "On wrong labels, with 128 units, it was the best of all remedies. So when does it help?",
    },
    right=(
        "It helps where a network over-fits: a wide one on few, faulty labels. With right labels it cost a "
        "little, and a network that under-fits already, like the one with eight units, loses many points."
    ),
)

claim_dev_is_test = Quiz(
    "claim_dev_is_test",
    answer="3d33596ca2407234",
    wrong={
        "true": "Not trained on, true. But was it chosen by? Recall what happened to the winner of 40 trials.",
    },
    also={
        "false": (
            "That can be defended: section 3 calls a dev set what one chooses by, and what was chosen by is no "
            "test set any more. What speaks for *depends*: with one trial nothing is chosen, and its score is "
            "honest; and the more dev images, the less a choice does to it."
        ),
    },
    right=(
        "It holds as long as nothing is chosen by it: one trial, one look. After a choice among k its score "
        "is too good by up to the order of sqrt(2 ln k) standard deviations; only a very large dev set makes "
        "that negligible."
    ),
)

claim_rising_dev_loss = Quiz(
    "claim_rising_dev_loss",
    answer="c8c25f0c7fcad0cc",
    wrong={
        "true": "Look at the network with right labels: its dev loss rises. What does its dev accuracy do?",
        "false": "Look at the network with wrong labels: after the turn its dev accuracy falls by seven points.",
    },
    right=(
        "It depends on what counts and on the data. As a judge of probabilities it gets worse by definition. In "
        "accuracy it lost seven points with wrong labels and none with right ones."
    ),
)

quiz_generalisation_gap = Quiz(
    "quiz_generalisation_gap",
    answer="0f3dbf1a434515b5",
    wrong={
        "b": "The gap goes like 1/m, not like 1/√m: four times the data, a quarter of the gap.",
        "c": "The factor 2 is missing: the training error is too low *and* the new error too high, by σ²p/m each.",
        "d": "Each feature still costs 2σ²/m, but m has grown.",
    },
    right="2 · 20 / 100 = 0.4 and 2 · 20 / 400 = 0.1: four times the data, a quarter of the gap.",
)

quiz_patience = Quiz(
    "quiz_patience",
    answer="de6429fd0547752b",
    wrong={
        "a": "With patience 3, one rise (to 0.7) does not stop the training.",
        "c": "That is where training stops. Kept are the parameters of the lowest loss until then.",
        "d": "Evaluation 7 is never made: after 4, 5 and 6 patience has run out. That is its price.",
    },
    right=(
        "The lowest is 0.5 at evaluation 3; evaluations 4, 5 and 6 bring no lower one, so training stops at 6 "
        "and goes back to 3. The 0.4 at evaluation 7 is never seen."
    ),
)

quiz_shrinking = Quiz(
    "quiz_shrinking",
    answer="f97c47275f0b6d38",
    wrong={
        "a": "The factor depends on the curvature: h / (h + λ).",
        "b": "The other way round: where the data care much (h large), the penalty hardly moves the solution.",
        "d": "The factor falls smoothly; where h equals λ it is one half.",
    },
    right="h / (h + λ) is 10/10.1 = 99 %, 0.1/0.2 = 50 % and 0.001/0.101 = 1 %.",
)

quiz_unscaled = Quiz(
    "quiz_unscaled",
    answer="ff843a1293f4b730",
    wrong={
        "a": "Only if the mask were divided by 0.8 in training.",
        "c": "That is the training's share. Seen from training, the full network gives more, not less.",
        "d": "1/0.2 would be right if units were kept with probability 0.2.",
    },
    right=(
        "In training the next layer gets 0.8 of the full sum, at test time all of it: 1/0.8 = 1.25 times as much. "
        "That is why inverted dropout divides by 0.8 in training."
    ),
)

quiz_underfitting = Quiz(
    "quiz_underfitting",
    answer="958663176a402add",
    wrong={
        "a": "Dropout narrows the gap between training and dev. Here there is no gap to narrow.",
        "b": "The gap is one point; more data cannot close the 27 points to what is possible.",
        "c": "Stopping earlier keeps the dev score from falling. Here it has not risen enough.",
    },
    right=(
        "There is no gap but a poor fit: the network under-fits. It needs more room or more steps (or a better "
        "learning rate); remedies for over-fitting would make it worse."
    ),
)
