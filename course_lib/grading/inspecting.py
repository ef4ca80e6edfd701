"""What can be seen in code: the names that a cell needs, the library's functions that a call uses."""

import ast
import symtable
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["AS_IT_IS", "SWITCHED_OFF", "LibraryCalls", "names_of", "watch_only"]

LIBRARY = Path(__file__).resolve().parents[1]
KERNELS = "averages curvature landscapes minibatch networks optimizers schedules search training"
AS_IT_IS = ", as it is"  # behind the name of a function whose result was handed on unchanged
FILES = {str(LIBRARY / f"{module}.py"): module for module in KERNELS.split()}

SWITCHED_OFF = "the watch over the library, switched off"
# The worker hides these from learners' code, which could switch the watch off.
_set_profile, _set_profile_of_threads = sys.setprofile, threading.setprofile


def watch_only(function: Any) -> None:
    """Stand in for `sys.setprofile`: threads that begin under watch use it, and nobody else is to."""
    if isinstance(getattr(function, "__self__", None), LibraryCalls):
        _set_profile(function)


def names_of(source: str) -> tuple[list[str], list[str]]:
    """Return the names that a cell defines at its left margin, and those that it needs from elsewhere."""
    top = symtable.symtable(source, "cell", "exec")
    define = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    augmented = (node.target for node in ast.walk(ast.parse(source)) if isinstance(node, ast.AugAssign))
    added_to = {target.id for target in augmented if isinstance(target, ast.Name)}
    return sorted(define), sorted(set(_needed(top)) | added_to & define)


def _needed(table: symtable.SymbolTable) -> Iterator[str]:
    at_the_margin = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (at_the_margin or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _needed(child)


class LibraryCalls:
    """Writes down which functions of the course's library are called, from outside of it, while it is entered.

    Parameters
    ----------
    threads : bool
        Whether threads that begin meanwhile are watched, too.
    """

    def __init__(self, *, threads: bool = False):
        self.threads = threads
        self.used: set[str] = set()
        self.results: deque[tuple[str, Any]] = deque(maxlen=64)

    def __enter__(self):
        if self.threads:
            _set_profile_of_threads(self._saw)
        _set_profile(self._saw)
        return self

    def __exit__(self, *exception):
        if sys.getprofile() != self._saw:  # a profiler of the learner's own took its place
            self.used.add(SWITCHED_OFF)
        _set_profile(None)
        if self.threads:
            _set_profile_of_threads(None)

    def _saw(self, frame, event, argument):
        module = FILES.get(frame.f_code.co_filename)
        if module is None or event not in ("call", "return"):
            return
        if frame.f_back is None or frame.f_back.f_code.co_filename in FILES:
            return
        name = f"{module}.{frame.f_code.co_qualname.split('.<locals>')[0].removesuffix('.__init__')}"
        self.used.add(name)
        if event == "return" and argument is not None:
            self.results.append((name, argument))

    def look_at(self, returned: Any):
        """Mark the function whose result was handed on as it was."""
        self.used |= {name + AS_IT_IS for name, result in self.results if result is returned}
