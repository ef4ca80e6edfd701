"""The side that is not trusted: inside the sandbox it runs a submission's cells, then answers calls.

A warm process imports what notebooks import, once. For each submission it forks a child, which enters
namespaces and limits of its own and talks to the grader over one socket. Nothing here judges, and nothing that
could is within reach: the weeks' exercises, the solutions and other learners' files do not exist in the sandbox,
and `course_lib.checking` is a stand-in. Once a learner's cell has run, nothing that this process says is
believed: it can only hand in values, which is what it was asked for.
"""

import ast
import builtins
import contextlib
import copy
import ctypes
import functools
import inspect
import itertools
import json
import linecache
import os
import platform
import resource
import signal
import socket
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.grading.inspecting import LibraryCalls, names_of, watch_only
from course_lib.grading.protocol import Channel, Closed, ProtocolError, encode
from course_lib.reading import defaults_of, facts, numbers_in, own_text
from course_lib.running import (
    GLOBAL_SOURCE,
    MOST_ITEMS,
    USUAL_WARNINGS,
    Captured,
    TimeLimitReached,
    as_locked,
    is_untouched,
    own_line,
    quietly,
    reads,
)
from course_lib.running import time_limit as soft_limit
from course_lib.slips import repairs

__all__ = ["main"]

LONGEST_MESSAGE = 2_000
CHECKING = "check hint plug_in settle solution"
PRIVATE = "size=64m,nr_inodes=4096,mode=1777"

# linux/sched.h, linux/mount.h, linux/prctl.h
NEW_USER, NEW_PID, NEW_MOUNTS, NEW_IPC = 0x10000000, 0x20000000, 0x00020000, 0x08000000
READ_ONLY, NO_SUID, NO_DEV = 1, 2, 4
SET_DEATH_SIGNAL, SET_DUMPABLE, SET_NO_NEW_PRIVILEGES = 1, 4, 38
# The system call keyctl, for which the C library has no name, and its order to begin an empty keyring.
KEYCTL, JOIN_SESSION_KEYRING = {"x86_64": 250, "aarch64": 219}, 1


# ---------------------------------------------------------------------------------------------------------
# The warm process


def main(arguments: list[str]) -> None:
    """Serve submissions until the grader hangs up.

    Parameters
    ----------
    arguments : list of str
        The control socket's file descriptor or path, and the limits as JSON.
    """
    if arguments[0].isdigit():
        control = socket.socket(fileno=int(arguments[0]))
    else:
        control = socket.socket(socket.AF_UNIX)
        control.connect(arguments[0])
    limits = json.loads(arguments[1])
    _give_up_root()
    _import_what_notebooks_import()
    own_namespaces = limits["own_namespaces"] and _can_nest()
    control.sendall(b"W" if own_namespaces else b"C")  # warm: many submissions; cold: one
    init = 0
    while True:
        order, files, _, _ = socket.recv_fds(control, 1, 1)
        if order == b"S":
            connection = socket.socket(fileno=files[0])
            init = _fork_submission(control, connection, limits, own_namespaces)
            connection.close()
            control.sendall(b"S" if init else b"F")
        elif order == b"K":
            with contextlib.suppress(ProcessLookupError):
                os.kill(init, signal.SIGKILL)  # the first process of its namespace: all others go with it
                if not own_namespaces:
                    os.killpg(init, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-1, 0)
            control.sendall(b"K")
        else:
            return


def _give_up_root():
    """Go on as nobody: limits on processes do not count for root."""
    if os.getuid() == 0 and os.environ.get("COURSE_SANDBOX"):
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        _libc().prctl(SET_DUMPABLE, 1, 0, 0, 0)  # otherwise /proc/self stays root's


def _import_what_notebooks_import():
    checking = types.ModuleType("course_lib.checking", "A stand-in: in the sandbox nothing is judged.")
    for name in CHECKING.split():
        setattr(checking, name, _says_nothing)
    checking.plug_in = _plug_in
    sys.modules["course_lib.checking"] = checking

    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import scipy.linalg
    import scipy.optimize
    import scipy.signal
    import scipy.special
    import scipy.stats  # noqa: F401
    from IPython.core.inputtransformer2 import TransformerManager  # noqa: F401

    import course_lib
    from course_lib import curvature, datasets, landscapes, networks, plotting, schedules, training  # noqa: F401

    course_lib.checking = checking
    plt.close(plt.figure())
    # Every notebook reads its data and sets its style first: read it once, and draw for nobody.
    datasets.digits = _read_once(datasets.digits)
    datasets.seattle_temperatures = _read_once(datasets.seattle_temperatures)
    plotting.use_style = lambda: None
    plotting.show = lambda figure, alt: plt.close(figure)
    sys.setprofile, threading.setprofile = watch_only, _says_nothing


def _says_nothing(*args, **kwargs):
    return None


def _read_once(read):
    data = read()
    return functools.wraps(read)(lambda: copy.deepcopy(data))  # a cell may change its own in place


def _nobody_answers(*question):
    raise EOFError("`input` asks a question, and nobody is there to answer. Write the value into the code instead")


def _plug_in(function):
    return function


# ---------------------------------------------------------------------------------------------------------
# A process of its own for each submission


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _must(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _can_nest() -> bool:
    """Whether a child can have namespaces of its own here; in some containers it cannot."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            _enter_namespaces()
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _enter_namespaces():
    """Leave the warm process's users, processes, files and shared memory behind; the next fork is process 1."""
    uid, gid = os.getuid(), os.getgid()
    libc = _libc()
    _must(libc.unshare(NEW_USER | NEW_PID | NEW_MOUNTS | NEW_IPC), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        Path(f"/proc/self/{name}").write_text(text)
    # In namespaces of its own a submission could mount memory without limit.
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    size, none = PRIVATE.encode(), b"size=4k,mode=555"
    _must(
        libc.mount(b"tmpfs", os.environb[b"TMPDIR"], b"tmpfs", NO_SUID | NO_DEV, size),
        "mount a folder to write in",
    )
    _must(libc.mount(b"tmpfs", b"/proc", b"tmpfs", READ_ONLY | NO_SUID | NO_DEV, none), "mount /proc")


def _leave_keyring():
    """Leave the keys of the session behind in which the grader was started; no sandbox hides those."""
    if (number := KEYCTL.get(platform.machine())) is not None:
        _libc().syscall(number, JOIN_SESSION_KEYRING, None)  # a kernel or container without keyrings says no


def _drop_capabilities():
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    libc = _libc()
    _must(libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
    _must(libc.capset(header, nothing), "capset")


def _fork_submission(control, connection, limits, own_namespaces) -> int:
    """Start the process that serves one submission; return its id, or 0 if that failed."""
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        try:
            control.close()
            os.close(reading)
            size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            if own_namespaces:
                _enter_namespaces()
                init = os.fork()
                if init:
                    os.write(writing, str(init).encode())
                    os.close(writing)
                    connection.close()
                    os.waitpid(init, 0)
                    os._exit(0)
                _libc().prctl(SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
            else:
                os.write(writing, str(os.getpid()).encode())
            os.close(writing)
            _leave_keyring()
            os.setsid()  # a signal to its process group would reach the warm process, whatever the namespace
            _set_limits(limits, size)
            if own_namespaces:
                _drop_capabilities()
            _serve(connection, limits)
        finally:
            os._exit(70)  # whatever happened: never back into the warm process's loop
    os.close(writing)
    with open(reading, "rb") as pipe:
        return int(pipe.read() or 0)


def _set_limits(limits, size):
    most = {
        "AS": size + limits["memory"],
        "CPU": limits["cpu_seconds"],
        "FSIZE": limits["file_size"],
        "NOFILE": 64,
        "CORE": 1,  # with 0, the system's own collector would still get each dump
    }
    if os.environ.get("COURSE_SANDBOX"):  # without a sandbox, all of the instructor's processes would count
        most["NPROC"] = limits["processes"]
    for name, value in most.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    os.chdir(os.environ["TMPDIR"])
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # what compiled code prints is seen by nobody and costs nothing
        os.dup2(nothing, stream)
    os.close(nothing)


# ---------------------------------------------------------------------------------------------------------
# Cells


def _plain_python(source: str) -> str:
    """Return a cell without magics, where it has some."""
    try:
        ast.parse(source)
    except SyntaxError:  # IPython's own way to write things, or a mistake
        from IPython.core.inputtransformer2 import TransformerManager

        with contextlib.suppress(SyntaxError):
            return TransformerManager().transform_cell(source)
    except ValueError:  # a null byte
        pass
    return source


def _needed(must: list[bool], define: list[set[str]], need: list[list[str]]) -> list[int]:
    """Return which cells to run: those that must be, and of the others those whose names they need."""
    chosen = {index for index, yes in enumerate(must) if yes}
    waiting = list(chosen)
    while waiting:
        index = waiting.pop()
        for name in need[index]:
            before = next((i for i in range(index - 1, -1, -1) if name in define[i]), None)
            if before is not None and before not in chosen:
                chosen.add(before)
                waiting.append(before)
    return sorted(chosen)


class _Shell:
    """What ``get_ipython()`` gives: magics do nothing, but the body of a cell magic runs."""

    def __init__(self, namespace):
        self.user_ns = namespace

    def run_cell_magic(self, name, line, cell):
        if name in ("time", "timeit", "capture", "prun"):
            exec(_plain_python(cell), self.user_ns)

    run_line_magic = system = _says_nothing

    def getoutput(self, *args, **kwargs):
        return []


# ---------------------------------------------------------------------------------------------------------
# Answering the grader


class _Callback:
    """A function of the grader's, as the learner's function gets it."""

    def __init__(self, session, key):
        self._ask = functools.partial(session.call_back, key)
        self._key = key

    def __call__(self, *args, **kwargs):
        return self._ask(args, kwargs)

    def __deepcopy__(self, memo):
        return self


class _Session:
    """One submission: its namespace, and the objects of it that the grader has heard of."""

    def __init__(self, connection, limits):
        self.channel = Channel(connection, self.describe, self.make)
        self.limits = limits
        self.module = types.ModuleType("__main__")
        sys.modules["__main__"] = self.module
        self.names = self.module.__dict__
        shell = _Shell(self.names)
        self.names |= {"get_ipython": lambda: shell, "display": _says_nothing}
        builtins.input = _nobody_answers
        builtins.get_ipython = self.names["get_ipython"]
        self.objects: list[Any] = []
        self.variants: dict[str, Any] = {}  # of functions' texts, by name

    def describe(self, value):
        """Describe an object that does not travel."""
        if isinstance(value, _Callback):
            return {"callback": value._key}
        methods = []
        with contextlib.suppress(Exception):  # a learner's class may refuse to be looked at
            public = [name for name in dir(value) if not name.startswith("_")][:100]
            methods = [name for name in public if callable(getattr(value, name, None))]
        if not isinstance(value, type | types.FunctionType | types.ModuleType):
            self.objects.append(value)
        return {
            "object": len(self.objects) - 1,
            "type": type(value).__name__,
            "callable": callable(value),
            "methods": methods,
        }

    def make(self, description):
        """Return what the grader means by a description: its function, or an object it has from here."""
        if "callback" in description:
            return _Callback(self, description["callback"])
        return self.objects[description["object"]]

    def run(self, cells, *, seconds):
        """Run the cells that are needed, saying before and after each how it went."""
        sources, names = [], []
        for index, (_, source, _, known) in enumerate(cells):
            if known is None:
                self.channel.send("begin", index)  # some cells are too much for Python's own parser
                source = _plain_python(source)
                try:
                    known = names_of(source)
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    known = [], []
            sources.append(source)
            names.append(known)
        must = [cell[2] for cell in cells]
        for index in _needed(must, [set(define) for define, _ in names], [need for _, need in names]):
            name, source = cells[index][0], sources[index]
            filename = f"<cell {name}>"
            linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
            printed, error = Captured(), ""
            self.channel.send("begin", index)
            try:
                with quietly(printed), soft_limit(seconds):
                    exec(compile(source, filename, "exec"), self.names)
            except TimeLimitReached:
                error = "TimeLimitReached: stopped, because it ran too long"
            except BaseException as problem:  # whatever a cell raises ends that cell and no other
                error = _text_of(problem) + own_line(problem, filename)
            self.channel.send("end", index, str(printed), error)
        return ("ran",)

    def look(self, name):
        """Say what stands under a name: nothing, a value, or a function and what its code shows."""
        if name not in self.names:
            return "missing", False, []
        value = self.names[name]
        if not callable(value):
            return "value", False, []
        return "function", is_untouched(value), reads(value)

    def value(self, name):
        """Return the value of a variable."""
        return "value", self.names.get(name)

    def call(self, name, key, method, args, kwargs, locked=(), variant=None):
        """Call the function called `name`, a method of an object that it returned before, or a variant of it.

        The arguments in the places `locked` cannot be written to.
        """
        given = dict(enumerate(args)) | kwargs
        before = {place: self._bytes(value) for place, value in given.items()}
        for place in locked:
            as_locked(given[place])
        draws = any(isinstance(value, np.random.Generator) for value in given.values())
        state = np.random.get_state()[1:3] if draws else None  # noqa: NPY002 - whether it is used is the question
        printed = Captured()
        library = LibraryCalls(threads=True)
        function = None
        try:
            function = self._function(name, key, method, variant)
            with quietly(printed), library, np.errstate(**USUAL_WARNINGS):
                returned = function(*args, **kwargs)
                form, value = _settle(returned)
            library.look_at(returned)
            answer = ["returned", form, value]
        except BaseException as error:  # whatever it raises is an outcome
            code = getattr(function, "__code__", None)
            where = own_line(error, getattr(code, "co_filename", ""))
            answer = ["raised", type(error).__name__, _text_of(error, kind=False), where]
        changed = {place: value for place, value in given.items() if self._bytes(value) != before[place]}
        if draws and not all(map(np.array_equal, state, np.random.get_state()[1:3])):  # noqa: NPY002
            changed[GLOBAL_SOURCE] = True
        return *answer, changed, str(printed), sorted(library.used)

    def _function(self, name, key, method, variant):
        if variant is not None:
            text, slips = self.variants[name]
            return text.compiled(slips[variant])
        return self.names.get(name) if key is None else getattr(self.objects[key], method)

    def read(self, name, needed):
        """Say what the text of the function called `name` shows, and which defaults it has."""
        function = self.names.get(name)
        text, first = own_text(function)
        if text is None:
            return "read", first, [], [], {}
        found = [[f.kind, f.line, f.text[:400], f.sure] for f in facts(text.tree, tuple(needed))[:40]]
        numbers = [n for n in numbers_in(text.tree) if isinstance(n, float) or abs(n) < 1 << 62]
        defaults = {k: v for k, v in defaults_of(function).items() if isinstance(v, int | float | str | None)}
        return "read", first, found, numbers[:60], defaults

    def repairs(self, name, pieces, most):
        """Make variants of the text of the function called `name`, to be called; describe them."""
        text, _ = own_text(self.names.get(name))
        slips = [] if text is None else list(itertools.islice(repairs(text, pieces), most))
        self.variants[name] = text, slips
        described = [[s.kind, s.line, s.before[:200], s.after[:200], s.within[:200]] for s in slips]
        return "repairs", described

    def _bytes(self, value):
        kept = len(self.objects)
        try:
            return b"".join(encode(value, self.describe))
        except ProtocolError:
            return b"too large"
        finally:
            del self.objects[kept:]

    def call_back(self, key, args, kwargs):
        """Ask the grader to call a function of its own."""
        self.channel.send("callback", key, args, kwargs)
        answer, value = self.channel.receive()
        if answer == "raised":
            name, message = value
            kind = getattr(builtins, name, RuntimeError)
            raise kind(message)
        return value


def _settle(value) -> tuple[str, Any]:
    """Return an iterator's items as a list, and how a value was handed out."""
    if not isinstance(value, Iterator):
        return "value", value
    items = list(itertools.islice(value, MOST_ITEMS + 1))
    form = "generator" if inspect.isgenerator(value) else "iterator"
    return (form, items) if len(items) <= MOST_ITEMS else ("endless", None)


def _text_of(error, *, kind=True) -> str:
    try:
        text = str(error)
    except Exception:
        text = ""
    return ": ".join(filter(None, [type(error).__name__ if kind else "", text[:LONGEST_MESSAGE]]))


def _serve(connection, limits):
    session = _Session(connection, limits)
    answers: dict[str, Callable] = {
        "run": session.run,
        "look": session.look,
        "value": session.value,
        "call": session.call,
        "read": session.read,
        "repairs": session.repairs,
    }
    with contextlib.suppress(Closed):
        while True:
            question, args, kwargs = session.channel.receive()
            answer = answers[question](*args, **kwargs)
            try:
                session.channel.send(*answer)
            except ProtocolError:
                session.channel.send("too large")


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # nothing to tidy up
