"""Exercises of the toy course; a toy notebook registers them in its kernel, a test with the fixture `toy_bank`."""

from course_lib.exercises import Exercise, Quiz, all_exercises, case
from course_lib.exercises import hash_answer as hashed


def halves(n):
    return -(-n // 2)


def _cases(rng):
    yield from (case("even", 2 * int(n)) for n in rng.integers(1, 50, 4))
    yield from (case("odd", 2 * int(n) + 1) for n in rng.integers(1, 50, 4))


EXERCISES = {
    "halves": Exercise(
        halves, {"even": 1, "odd": 1}, _cases, hints=("Look.", "Round up.", "`-(-n // 2)`"), explain="Why up?"
    ),
    "colour": Quiz("colour", hashed("colour", "b"), wrong={"a": "Not red.", "c": "Not green."}, right="Blue."),
}


def register():
    """Add the toy exercises to the bank of this process."""
    all_exercises().update(EXERCISES)
