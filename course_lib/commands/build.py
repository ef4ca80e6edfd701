"""``python3 -m course_lib build``: make the notebooks from their sources, or check that they are up to date."""

from course_lib.commands.environment import ROOT


def add_arguments(parser):
    """Add the arguments of this command to an `argparse.ArgumentParser`."""
    parser.add_argument(
        "weeks", nargs="*", metavar="WEEK", help="week01_minibatch, or just 1 (default: all, and the welcome page)"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail where a build would change something"
    )


def run(args) -> int:
    """Build or check the weeks in ``args.weeks``; return the exit code."""
    from course_lib.commands import building  # needs packages that a bare Python does not have

    try:
        weeks = building.find_weeks(ROOT, args.weeks)
    except ValueError as error:
        print(error)
        return 2
    if args.check:
        problems = building.check(ROOT, weeks, pages=not args.weeks)
    else:
        problems = building.build(ROOT, weeks, pages=not args.weeks)
    if problems:
        print("\n" + "\n".join(problems))
    return 1 if problems else 0
