"""Help for tests of `check`: functions and classes under the name that an exercise asks for."""

import types


def named(answer, name):
    """Return the same function or class under another name: `check` finds the exercise by it."""
    if isinstance(answer, type):
        return type(name, (answer,), {})
    copy = types.FunctionType(answer.__code__, answer.__globals__, name, answer.__defaults__, answer.__closure__)
    copy.__kwdefaults__ = answer.__kwdefaults__
    return copy
