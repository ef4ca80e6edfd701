"""The bank's own tests: every right answer is right, and every known wrong answer hears its own message."""

import ast
import doctest
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from answers import named

from course_lib import checking, running
from course_lib.checking import check, hint
from course_lib.exercises import Exercise, Prediction, Quiz, all_exercises, case, find
from course_lib.running import run_case

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "solutions").glob("week*.py"))
HIDDEN = [pair for source in SOURCES for pair in re.findall(r"check\((\w+), seed=(\d+)\)", source.read_text())]


@pytest.fixture(autouse=True)
def repeatable():
    """Some misconceptions draw from NumPy's global source."""
    np.random.seed(7)  # noqa: NPY002


def seeds_of(exercise):
    """Return the seeds to test: a few, and those that the notebook's hidden tests use."""
    return [0, 1, 2, *(int(seed) for name, seed in HIDDEN if name == exercise.name)]


ITEMS = dict(all_exercises())
EXERCISES = [item for item in ITEMS.values() if isinstance(item, Exercise)]
QUIZZES = [item for item in ITEMS.values() if isinstance(item, Quiz)]


def by_name(items):
    return pytest.mark.parametrize("item", items, ids=lambda item: item.name)


def for_every_seed(names, *answers):
    """Parametrise over (exercise, answer), each with the seeds of its exercise."""
    rows = [
        pytest.param(exercise, answer, seed, id=f"{exercise.name}-{label}-{seed}")
        for exercise, answer, label in answers
        for seed in seeds_of(exercise)
    ]
    return pytest.mark.parametrize((*names, "seed"), rows)


@pytest.fixture(autouse=True)
def new_session(monkeypatch):
    """Forget what earlier tests checked."""
    monkeypatch.setattr(checking, "_progress", {})


# ---------------------------------------------------------------------------------------------------------
# Right answers and known wrong ones


@for_every_seed(
    ("exercise", "function"),
    *((e, f, f.__name__) for e in EXERCISES for f in (e.reference, *e.alternatives)),
)
def test_right_answers_get_all_points_and_no_diagnosis(exercise, function, seed):
    verdict = check(named(function, exercise.name), seed=seed)
    assert (verdict.status, verdict.misconception) == ("right", None), verdict
    assert verdict.points == verdict.max_points == exercise.points
    assert [part.earned for part in verdict.parts] == [True] * len(exercise.parts)
    assert (verdict.case, verdict.printed) == ("", "")


@for_every_seed(("exercise", "wrong"), *((e, m, m.key) for e in EXERCISES for m in e.misconceptions))
def test_wrong_answers_hear_their_own_message(exercise, wrong, seed):
    verdict = check(named(wrong.function, exercise.name), seed=seed)
    assert verdict.status == "wrong", verdict
    assert verdict.misconception == wrong.key
    assert verdict.message == wrong.message
    assert verdict.points < exercise.points
    assert verdict.case.startswith(f"{exercise.name}(")


@by_name(EXERCISES)
def test_no_seed_lets_a_wrong_answer_through(item):
    for seed in range(3, 9):
        cases = item.make_cases(seed)
        expected = [run_case(item.reference, item, c) for c in cases]
        for wrong in item.misconceptions:
            with running.quietly(running.Captured()):
                actual = (run_case(wrong.function, item, c) for c in cases)
                same = all(running.agree(e, a, item, c) for e, a, c in zip(expected, actual, cases, strict=True))
            assert not same, f"{wrong.key} is right with seed {seed}"


@by_name(EXERCISES)
def test_the_bank_knows_enough_answers(item):
    assert len(item.misconceptions) >= 4
    assert len(item.alternatives) >= 2
    messages = [m.message for m in item.misconceptions]
    assert len(set(messages)) == len(messages)
    keys = [m.key for m in item.misconceptions]
    assert len(set(keys)) == len(keys)
    assert all(message[-1] in ".?)…" for message in messages)


# Some of the same mistakes as others would write them.


def np_floor(m, batch_size):
    return int(np.floor(m / batch_size))


def ceil_as_float(m, batch_size):
    return float(-(-m // batch_size))


def choice_with_replacement(X, y, *, batch_size, rng):
    for start in range(0, len(X), batch_size):
        rows = rng.choice(len(X), size=min(batch_size, len(X) - start))
        yield X[rows], y[rows]


def drops_by_break(X, y, *, batch_size, rng):
    order = rng.permutation(len(X))
    for start in range(0, len(X), batch_size):
        if start + batch_size > len(X):
            break
        yield X[order[start : start + batch_size]], y[order[start : start + batch_size]]


def own_generator_seed_42(X, y, *, batch_size, rng):
    order = np.random.default_rng(42).permutation(len(X))
    for start in range(0, len(X), batch_size):
        yield X[order[start : start + batch_size]], y[order[start : start + batch_size]]


def global_shuffle(X, y, *, batch_size, rng):
    order = np.arange(len(X))
    np.random.shuffle(order)  # noqa: NPY002 - the misconception itself
    for start in range(0, len(X), batch_size):
        yield X[order[start : start + batch_size]], y[order[start : start + batch_size]]


def shuffled_one_after_the_other(X, y, *, batch_size, rng):
    y, X = rng.permutation(y), rng.permutation(X)
    for start in range(0, len(X), batch_size):
        yield X[start : start + batch_size], y[start : start + batch_size]


def textbook_softmax(w, b, X, y, *, l2):
    Y = np.eye(len(b))[y]
    e = np.exp(np.dot(X, w) + b)
    p = e / np.sum(e, axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(p)) / len(X) + 0.5 * l2 * np.sum(np.square(w))
    return loss, X.T @ (p - Y) / len(X) + l2 * w, np.sum(p - Y, axis=0) / len(X)


def own_norm(gradients, batch_sizes):
    mean = np.average(gradients, axis=0, weights=batch_sizes)
    return mean, np.average(np.linalg.norm(gradients - mean, axis=1), weights=batch_sizes)


@for_every_seed(
    ("exercise", "answer"),
    *(
        (ITEMS[name], (function, key), function.__name__)
        for name, function, key in [
            ("steps_per_epoch", np_floor, "rounds_down"),
            ("steps_per_epoch", ceil_as_float, "a_float"),
            ("iterate_minibatches", choice_with_replacement, "with_replacement"),
            ("iterate_minibatches", drops_by_break, "drops_the_short_batch"),
            ("iterate_minibatches", own_generator_seed_42, "own_generator"),
            ("iterate_minibatches", global_shuffle, "global_random_state"),
            ("iterate_minibatches", shuffled_one_after_the_other, "shuffled_apart"),
            ("gradient_noise", own_norm, "distances_not_squared"),
        ]
    ),
)
def test_known_mistakes_are_recognised_in_other_hands(exercise, answer, seed):
    function, key = answer
    verdict = check(named(function, exercise.name), seed=seed)
    assert verdict.misconception == key, verdict
    assert verdict.points < exercise.points


@pytest.mark.parametrize("seed", seeds_of(ITEMS["minibatch_loss_and_gradient"]))
def test_the_textbooks_softmax_is_pointed_to_the_stable_one(seed):
    verdict = check(named(textbook_softmax, "minibatch_loss_and_gradient"), seed=seed)
    assert verdict.misconception is not None, verdict
    assert "`log_softmax`" in verdict.message
    assert verdict.points == 3


def only_the_examples(X, y, *, batch_size, rng):
    order = rng.permutation(len(X))
    for start in range(0, len(X), batch_size):
        yield X[order[start : start + batch_size]]


def test_batches_without_labels_are_not_told_about_return():
    verdict = check(named(only_the_examples, "iterate_minibatches"))
    assert verdict.status == "wrong"
    assert verdict.misconception != "returns_the_first"
    assert "pair" in verdict.message or "`y" in verdict.message


# ---------------------------------------------------------------------------------------------------------
# No answer, and nonsense


def with_docstring_and_raise(*args, **kwargs):
    """As released."""
    raise NotImplementedError


def with_raise_and_text(*args, **kwargs):
    raise NotImplementedError("later")


def with_pass(*args, **kwargs):
    pass


def with_dots(*args, **kwargs): ...


def with_return_none(*args, **kwargs):
    """Nothing yet."""
    return None


def with_bare_return(*args, **kwargs):
    return


NOTHING = [with_docstring_and_raise, with_raise_and_text, with_pass, with_dots, with_return_none, with_bare_return]


@by_name(EXERCISES)
def test_an_untouched_function_is_not_attempted(item):
    for function in NOTHING:
        verdict = check(named(function, item.name))
        assert (verdict.status, verdict.points, verdict.misconception) == ("not attempted", 0.0, None)
        assert not any(part.earned for part in verdict.parts)
        if function is with_raise_and_text:
            assert "`raise NotImplementedError`" in verdict.message
        else:
            assert verdict.message.startswith("Nothing here yet.")


def zeros_like(value):
    if isinstance(value, np.ndarray):
        return np.zeros_like(value)
    if isinstance(value, list | tuple):
        return type(value)(map(zeros_like, value))
    return type(value)(0)


def nonsense(exercise):
    """Functions whose answers are wrong in every part, whatever the exercise."""

    def none_after_work(*args, **kwargs):
        total = sum(np.size(value) for value in args)
        print(total)

    def zero(*args, **kwargs):
        return 0

    def text(*args, **kwargs):
        return "done"

    def first_argument(*args, **kwargs):
        return args[0]

    def all_arguments(*args, **kwargs):
        return args

    def zeros(*args, **kwargs):
        (outcome,) = run_case(exercise.reference, exercise, case("", *args, **kwargs)).values.values()
        return zeros_like(outcome)

    def nan(*args, **kwargs):
        return float("nan")

    def empty(*args, **kwargs):
        return []

    def huge(*args, **kwargs):
        return 10**5000

    def long_text(*args, **kwargs):
        return "word " * 10_000

    def itself(*args, **kwargs):
        return itself

    def raises(*args, **kwargs):
        return 1 / 0

    def no_arguments():
        return 1

    functions = [none_after_work, zero, text, first_argument, all_arguments, nan, empty, huge, long_text, itself]
    return [*functions, raises, no_arguments] + ([zeros] if exercise.observe is Exercise.observe else [])


@by_name(EXERCISES)
def test_nonsense_earns_nothing(item):
    for function in nonsense(item):
        verdict = check(named(function, item.name))
        assert verdict.status in ("wrong", "error"), f"{function.__name__}: {verdict}"
        assert verdict.points == 0, f"{function.__name__}: {verdict}"
        assert "experiments failed" not in (verdict.misconception or ""), f"{function.__name__}: {verdict}"
        assert 0 < len(verdict.message) < 1000, function.__name__


def tampered(change):
    def iterate_minibatches(X, y, *, batch_size, rng):
        order = rng.permutation(len(X))
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            yield change(X[rows], y[rows])

    return iterate_minibatches


@pytest.mark.parametrize(
    "change",
    [
        lambda X, y: (X + 0.25, y),
        lambda X, y: (X[:, ::-1], y),
        lambda X, y: (X * [1, 0], y),
        lambda X, y: (X, y + 1),
        lambda X, y: (y, X),
        lambda X, y: (X.T, y),
        lambda X, y: (X, y[:, None]),
    ],
    ids=[
        "shifted",
        "columns reversed",
        "column zeroed",
        "labels shifted",
        "swapped",
        "transposed",
        "y as a column",
    ],
)
def test_batches_must_hold_the_rows_as_they_are(change):
    verdict = check(tampered(change))
    assert verdict.status == "wrong", verdict
    assert verdict.points == 0


# ---------------------------------------------------------------------------------------------------------
# Cases


@by_name(EXERCISES)
def test_a_seed_always_draws_the_same_cases_in_the_order_of_the_parts(item):
    for seed in seeds_of(item):
        cases = item.make_cases(seed)
        assert repr(cases) == repr(item.make_cases(seed))
        assert list(dict.fromkeys(c.part for c in cases)) == list(item.parts)


@by_name(EXERCISES)
def test_other_seeds_draw_other_cases(item):
    assert len({repr(item.make_cases(seed)) for seed in range(8)}) > 4


@by_name(EXERCISES)
def test_points_are_the_sum_of_the_parts(item):
    assert item.points == sum(item.parts.values())
    assert min(item.parts.values()) >= 1


@by_name([e for e in EXERCISES if not isinstance(e.reference, type)])
def test_cases_call_the_function_as_its_signature_says(item):
    signature = inspect.signature(item.reference)
    for c in item.make_cases(0):
        bound = signature.bind(*c.args, **c.kwargs)
        missing = set(signature.parameters) - set(bound.arguments)
        assert len(missing) <= ("left out" in c.varied)


# ---------------------------------------------------------------------------------------------------------
# Hints


def squeezed(text):
    return re.sub(r"[\s`]", "", text)


@by_name(EXERCISES)
def test_hints_lead_up_to_the_solution_without_giving_it_away(item):
    where, idea, line = item.hints
    assert len({where, idea, line}) == 3
    body = ast.parse(item.solution_source()).body[0].body
    for node in ast.walk(ast.Module(body, [])):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Return | ast.Yield) and node.value is not None:
            value = squeezed(ast.unparse(node.value))
            if len(value) > 12:
                assert value not in squeezed(where) + squeezed(idea)
    given = [hint(item.name).text for _ in item.hints]
    assert all(text.startswith(hint_) for text, hint_ in zip(given, item.hints, strict=True))
    assert item.explain.endswith("?")


# ---------------------------------------------------------------------------------------------------------
# Questions


@by_name(QUIZZES)
def test_a_question_has_one_right_option_and_an_explanation_for_each(item):
    candidates = [*"abcdef", "true", "false", "depends"]
    (right,) = [option for option in candidates if item.is_right(option)]
    assert item.right_option == right
    assert right not in item.wrong
    assert not set(item.also) & set(item.wrong)
    assert len(item.wrong) + len(item.also) >= 2
    assert item.wrong
    assert set(item.options) in (set("abc"), set("abcd"), {"true", "false", "depends"})
    explanations = [item.right, *item.also.values(), *item.wrong.values()]
    assert all(text[-1] in ".?!)" and len(text) > 20 for text in explanations)
    assert len(set(explanations)) == len(explanations)


@by_name(QUIZZES)
def test_a_question_is_answered_as_its_option_deserves(item):
    for option in item.options:
        verdict = check(**{item.name: option})
        if isinstance(item, Prediction):
            assert (verdict.status, verdict.points) == ("noted", item.points)
            assert item.right not in verdict.message
        elif item.is_right(option):
            assert (verdict.status, verdict.points, verdict.message) == ("right", item.points, item.right)
        elif option in item.also:
            assert (verdict.status, verdict.points, verdict.message) == ("right", item.points, item.also[option])
        else:
            assert (verdict.status, verdict.points, verdict.message) == ("wrong", 0, item.wrong[option])
            assert verdict.misconception == f"{item.name}:{option}"
    assert check(**{item.name: None}).status == "not attempted"


# ---------------------------------------------------------------------------------------------------------
# The bank and the notebooks


def test_names_are_unique_and_can_be_looked_up():
    assert all(find(name) is item and item.name == name for name, item in ITEMS.items())
    with pytest.raises(KeyError):
        find("no_such_exercise")


def test_two_exercises_of_one_name_are_refused(monkeypatch):
    from course_lib.exercises import week01

    twin = Quiz("steps_per_epoch", "", {}, "")
    monkeypatch.setattr(week01, "a_twin", twin, raising=False)
    with pytest.raises(ValueError, match="'steps_per_epoch' is used by two exercises"):
        all_exercises.__wrapped__()


def test_an_exercise_needs_three_hints():
    with pytest.raises(ValueError, match="hints of zeros_like: expected three levels, got 2"):
        Exercise(zeros_like, {"all": 1}, lambda rng: [], ("one", "two"), "why?")


def definitions(source):
    """Return the functions and classes that a notebook's source defines, those of the bank only, by name."""
    answers = (n for n in ast.parse(source.read_text()).body if isinstance(n, ast.FunctionDef | ast.ClassDef))
    return {node.name: node for node in answers if node.name in ITEMS}


def without_docstring(node):
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner) is not None:
            del inner.body[0]
    return ast.unparse(node)


ANSWERS = [(source, name) for source in SOURCES for name in definitions(source)]


@pytest.mark.parametrize(("source", "name"), ANSWERS, ids=[name for _, name in ANSWERS])
def test_the_notebooks_solution_is_the_banks_reference(source, name):
    in_bank = ast.parse(inspect.getsource(ITEMS[name].reference)).body[0]
    assert without_docstring(definitions(source)[name]) == without_docstring(in_bank)


@pytest.mark.parametrize(("source", "name"), ANSWERS, ids=[name for _, name in ANSWERS])
def test_the_examples_of_the_docstring_hold(source, name):
    text = ast.get_docstring(definitions(source)[name])
    test = doctest.DocTestParser().get_doctest(
        text, {"np": np, **{e.name: e.reference for e in EXERCISES}}, name, str(source), None
    )
    assert test.examples
    said = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert not said, "".join(said)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_every_item_of_the_week_is_asked_and_answered_in_its_notebook(source):
    from importlib import import_module

    own = ROOT / "course_lib" / "exercises" / source.name  # where a week has two notebooks, each has its bank
    week = import_module(f"course_lib.exercises.{source.stem if own.exists() else source.stem.split('_')[0]}")
    here = [item for item in vars(week).values() if isinstance(item, Exercise | Quiz)]
    assert {e.name for e in here if isinstance(e, Exercise)} == set(definitions(source))
    text = source.read_text()
    for quiz in here:
        if isinstance(quiz, Quiz):
            (offered,) = re.findall(rf"^{quiz.name} = None  # (.+)$", text, re.MULTILINE)
            assert tuple(re.findall(r'"(\w+)"', offered)) == quiz.options
            (answer,) = re.findall(rf'^{quiz.name} = "(\w+)"$', text, re.MULTILINE)
            assert quiz.is_right(answer)


def test_one_array_refilled_for_every_batch_is_noticed():
    def iterate_minibatches(X, y, *, batch_size, rng):
        order = rng.permutation(len(X))
        X_batch, y_batch = np.empty((batch_size, X.shape[1])), np.empty(batch_size, y.dtype)
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            X_batch[: len(rows)], y_batch[: len(rows)] = X[rows], y[rows]
            yield X_batch[: len(rows)], y_batch[: len(rows)]

    verdict = check(iterate_minibatches)
    assert (verdict.status, verdict.points) == ("wrong", 0)
