"""Show, for each exercise of the bank, whether its cases tell all slips in the reference apart, and what is named.

Of each exercise: the slips that its reference allows (mutants), how many its cases kill, how many are listed
as equivalent with a reason, the misconceptions written by hand, and which share of them experiments alone would
name. With names of exercises, their surviving slips and unnamed misconceptions are listed.
"""


def add_arguments(parser):
    """Add the command's arguments to its argparse parser."""
    parser.add_argument("exercises", nargs="*", metavar="EXERCISE", help="only these, in detail")
    parser.add_argument(
        "--experiments", action="store_true", help="try the misconceptions without the bank (slow)"
    )


def run(args):
    """Print the table; return 1 where a slip survives that nobody has listed."""
    from course_lib.checking import reference_outcomes
    from course_lib.diagnosing import survivors
    from course_lib.exercises import Exercise, all_exercises

    bank = {name: item for name, item in all_exercises().items() if isinstance(item, Exercise)}
    unknown = [name for name in args.exercises if name not in bank]
    if unknown:
        print(f"There is no exercise {unknown[0]!r}.")
        return 2
    print("| exercise | mutants | killed | equivalent | alive | misconceptions |", end="")
    print(" named by experiments |" if args.experiments else "")
    print("|---|---:|---:|---:|---:|---:|" + "---:|" * args.experiments)
    left = 0
    for name, exercise in bank.items():
        if args.exercises and name not in args.exercises:
            continue
        number, alive = survivors(exercise, *reference_outcomes(name, 0))
        unlisted = [slip for slip in alive if slip.key not in exercise.equivalent]
        left += len(unlisted)
        row = [
            number,
            number - len(alive),
            len(alive) - len(unlisted),
            len(unlisted),
            len(exercise.misconceptions),
        ]
        unnamed = _without_the_bank(exercise) if args.experiments else []
        if args.experiments:
            row.append(len(exercise.misconceptions) - len(unnamed))
        print(f"| {name} | {' | '.join(map(str, row))} |", flush=True)
        if args.exercises:
            print(*(f"  alive, line {slip.line}: {slip.key}   in `{slip.within}`" for slip in unlisted), sep="\n")
            print(*(f"  unnamed: {key}" for key in unnamed), sep="\n")
    return int(left > 0)


def _without_the_bank(exercise):
    """Return the keys of the misconceptions for which experiments alone find no name."""
    import numpy as np

    from course_lib.checking import check

    known, unnamed = list(exercise.misconceptions), []
    exercise.misconceptions.clear()
    try:
        for wrong in known:
            np.random.seed(7)  # noqa: NPY002 - some draw from NumPy's global source
            answer = wrong.function
            own = answer.__name__
            answer.__name__ = exercise.name
            try:
                verdict = check(answer)
            finally:
                answer.__name__ = own
            if verdict.misconception is None:
                unnamed.append(wrong.key)
    finally:
        exercise.misconceptions.extend(known)
    return unnamed
