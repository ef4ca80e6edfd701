"""The commands of ``python3 -m course_lib``, one module each.

A command has ``add_arguments(parser)`` and ``run(args)``, which returns the exit code. Arguments are read before
the packages are installed, so whatever is not in Python's standard library is imported inside ``run``. A command
that calls ``parser.set_defaults(passed_on=[])`` finds the arguments that it does not know in ``args.passed_on``.
"""
