"""Help for tests of `check`: functions under the name that an exercise asks for."""

import types


def named(function, name):
    """Return the same function under another name: `check` finds the exercise by it."""
    copy = types.FunctionType(
        function.__code__, function.__globals__, name, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy
