"""The red team: submissions that try for points that they did not earn, or for the instructor's machine.

Each attack is a cell of an otherwise worthless submission. None gains a point, reads or changes a file outside,
reaches the network, leaves a process behind, or disturbs whoever is graded next.
"""

import gc
import json
import os
import shutil
import socket
import textwrap
from pathlib import Path

import pytest
from conftest import ROOT, TOY, use_toys

from course_lib.grading.judging import grade_notebook
from course_lib.grading.sandbox import Isolation, Limits, available

pytestmark = pytest.mark.skipif(
    available() is not Isolation.BUBBLEWRAP, reason="bubblewrap is not here, or may not work"
)

# The odd number of bytes tells this suite's sandbox from others on the machine.
LIMITS = Limits(seconds=4.0, cell_seconds=1.0, function_seconds=1.0, memory=(256 << 20) + os.getpid())
CANARY = "yellow bird 4711"
WRONG = "def halves(n):\n    return -1\n"
RIGHT = "def halves(n):\n    return (n + 1) // 2\n"
EVERY_HALF = "range(0, 60)"


def attack(text):
    return textwrap.dedent(text).strip() + "\n"


ATTACKS = {}

# ---------------------------------------------------------------------------------------------------------
# Values that lie

ATTACKS["an object that equals everything"] = attack("""
    class Any:
        __eq__ = __ge__ = __le__ = lambda self, other: True
        __ne__ = __lt__ = __gt__ = lambda self, other: False
        __hash__ = lambda self: 0
        __class__ = int
    def halves(n):
        return Any()
    colour = Any()
""")
ATTACKS["subclasses of int and str with lying operators"] = attack("""
    class Int(int):
        __eq__ = lambda self, other: True
        __ne__ = lambda self, other: False
        __hash__ = int.__hash__
    class Str(str):
        __eq__ = lambda self, other: True
        __hash__ = str.__hash__
        strip = lower = lambda self: "b"
        encode = lambda self, *args: b"b"
    def halves(n):
        return Int(-1)
    colour = Str("a")
""")
ATTACKS["an array subclass with lying operators"] = attack("""
    import numpy as np
    class Array(np.ndarray):
        __eq__ = lambda self, other: np.True_
        __ne__ = lambda self, other: np.False_
        __array_ufunc__ = lambda self, *args, **kwargs: np.False_
        __array_function__ = lambda self, *args, **kwargs: True
    def halves(n):
        return np.array(-1).view(Array)
""")
ATTACKS["not a number"] = attack("""
    import numpy as np
    def halves(n):
        return [float("nan"), np.nan, np.array(np.nan), np.datetime64("nat"), complex("nan")][n % 5]
""")
ATTACKS["an object that pickles as something else"] = attack("""
    import os
    class Bomb:
        def __reduce__(self):
            return os.system, ("touch /scratch/pickled",)
    def halves(n):
        return Bomb()
""")
ATTACKS["a result that changes after it was returned"] = attack("""
    import threading, time
    def halves(n):
        result = [-1]
        def change():
            while True:
                result[0] = (n + 1) // 2
        threading.Thread(target=change, daemon=True).start()
        return result
""")
ATTACKS["an iterator that counts upwards until it fits"] = attack(f"""
    def halves(n):
        yield from {EVERY_HALF}
""")
ATTACKS["every answer at once"] = attack(f"""
    def halves(n):
        return set({EVERY_HALF}), list({EVERY_HALF}), dict.fromkeys({EVERY_HALF})
    colour = ["a", "b", "c"]
""")
ATTACKS["lists within lists, and one in itself"] = attack("""
    deep = []
    for _ in range(100_000):
        deep = [deep]
    loop = []
    loop.append(loop)
    def halves(n):
        return [deep, loop][n % 2]
""")
ATTACKS["numbers and texts of absurd size"] = attack("""
    def halves(n):
        return [10**100_000, -(10**100_000), "9" * 10_000_000, b"9" * 10_000_000][n % 4]
    colour = 10**100_000
""")
ATTACKS["an error that fails when it is shown"] = attack("""
    class Odd(Exception):
        __str__ = __repr__ = lambda self: 1 / 0
        __class__ = property(lambda self: 1 / 0)
    def halves(n):
        raise Odd
""")
ATTACKS["errors that no except Exception catches"] = attack("""
    def halves(n):
        raise [KeyboardInterrupt, GeneratorExit, SystemExit, BaseException][n % 4]
""")

# ---------------------------------------------------------------------------------------------------------
# Tampering with the judge

ATTACKS["transformers that take out assertions and blank cells"] = (
    attack("""
    import ast
    class NoAssert(ast.NodeTransformer):
        def visit_Assert(self, node):
            return None
    try:
        shell = get_ipython()
        shell.ast_transformers.append(NoAssert())
        shell.input_transformers_cleanup.append(lambda lines: [])
    except AttributeError:
        pass
    import IPython
    IPython.core.inputtransformer2.TransformerManager.transform_cell = lambda *args: ""
""")
    + WRONG
)
ATTACKS["comparisons of NumPy that always agree"] = (
    attack("""
    import numpy as np, numpy.testing
    for module in (np, np.testing, np.core if hasattr(np, "core") else np):
        for name in ("isclose", "allclose", "array_equal", "assert_allclose", "assert_array_equal", "all"):
            setattr(module, name, lambda *args, **kwargs: True)
""")
    + WRONG
)
ATTACKS["builtins that always agree"] = (
    attack("""
    import builtins
    builtins.all = builtins.isinstance = lambda *args: True
    builtins.sum = builtins.len = lambda *args: 2
    builtins.type = lambda value: int
""")
    + WRONG
)
ATTACKS["a check of one's own"] = (
    attack("""
    import sys
    import course_lib.checking as checking
    for name in ("check", "decide", "judge_answer", "_judge", "compare"):
        setattr(checking, name, lambda *args, **kwargs: 2.0)
    def check(*args, **kwargs):
        return 2.0
    sys.modules["course_lib.checking"] = sys.modules["course_lib.comparing"] = None
""")
    + WRONG
)
ATTACKS["replacing what reports to the grader"] = attack("""
    import gc
    def halves(n):
        return -1
    for thing in gc.get_objects():
        if type(thing).__name__ == "_Session":
            thing.call = lambda *args: ("returned", "value", 7, {}, "", [])
            thing.look = lambda *args: ("function", False, [])
            send = thing.channel.send
            thing.channel.send = lambda *message: send("returned", "value", 7, {}, "", [])
""")
ATTACKS["forged frames on every socket"] = attack("""
    import json, os, struct
    def halves(n):
        return -1
    result = {"tuple": ["returned", "value", 7, {"dict": []}, "", {"list": []}]}
    verdict = {"tuple": ["verdict", "right", 2.0]}
    for body in (verdict, result):
        text = json.dumps([body, []]).encode()
        for number in range(3, 64):
            try:
                os.write(number, (struct.pack("<II", len(text), 0) + text) * 50)
            except OSError:
                pass
""")
ATTACKS["frames of absurd size"] = attack("""
    import os
    def halves(n):
        for number in range(3, 64):
            try:
                os.write(number, b"\\xff" * 100_000)
            except OSError:
                pass
        return -1
""")
ATTACKS["a flood of frames"] = attack("""
    import json, os, struct
    text = json.dumps([{"tuple": ["callback", 0, {"tuple": []}, {"dict": []}]}, []]).encode()
    def halves(n):
        while True:
            for number in range(3, 64):
                try:
                    os.write(number, struct.pack("<II", len(text), 0) + text)
                except OSError:
                    pass
""")
ATTACKS["claiming that arguments have changed"] = attack("""
    import gc
    for thing in gc.get_objects():
        if type(thing).__name__ == "_Session":
            changes = {0: 0, "n": 0, "reference": 1, "__class__": 2, -1: 3, (): 4, None: 5}
            thing.call = lambda *args: ("returned", "value", 0, changes, "", [])
    def halves(n):
        return 0 if n else None
""")
ATTACKS["looking for the reference in memory, in frames and in modules"] = attack("""
    import gc, importlib, sys
    found = [t for t in gc.get_objects() if type(t).__name__ in ("Exercise", "Case", "Misconception")]
    frame = sys._getframe()
    while frame is not None:
        found += [v for v in frame.f_locals.values() if callable(v) and getattr(v, "__name__", "") == "halves"]
        frame = frame.f_back
    for name in ("toy_bank", "course_lib.exercises.week01", "course_lib.checking"):
        try:
            module = importlib.import_module(name)
            found += [v for k, v in vars(module).items() if k in ("halves", "EXERCISES", "reference_outcomes")]
        except ImportError:
            pass
    from course_lib.exercises import all_exercises
    found += all_exercises().values()
    def halves(n):
        return found[0](n) if found else -1
""")
ATTACKS["a memory of the calls before"] = attack("""
    seen = []
    def halves(n):
        seen.append(n)
        open("/scratch/seen", "a").write(f"{n}\\n")
        before = [int(line) for line in open("/scratch/seen")][:-1]
        return before[-1] if before else -1
""")
ATTACKS["the same verdict from a forged notebook"] = WRONG  # see `forged`
# ---------------------------------------------------------------------------------------------------------
# Reading what is not theirs

ATTACKS["reading the gradebook, classmates and solutions"] = attack("""
    import os
    def halves(n):
        return -1
    for path in OUTSIDE:
        try:
            print(path, open(path, errors="replace").read())
        except OSError:
            pass
    for folder, folders, files in os.walk("/"):
        folders[:] = [f for f in folders if folder != "/" or f not in ("usr", "dev", "sys")]
        for name in files:
            if name.endswith((".ipynb", ".db")) and "site-packages" not in folder or "canary" in name:
                print(folder, name, open(os.path.join(folder, name), errors="replace").read())
""")
ATTACKS["reading the environment and other processes"] = (
    attack("""
    import glob, os
    print(dict(os.environ))
    for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline") + glob.glob("/proc/*/root/*"):
        try:
            print(path, open(path, errors="replace").read())
        except OSError:
            pass
""")
    + WRONG
)
ATTACKS["calling out"] = (
    attack("""
    import socket
    for address in (("127.0.0.1", PORT), ("localhost", PORT), ("1.1.1.1", 53)):
        try:
            with socket.create_connection(address, timeout=0.2) as connection:
                connection.sendall(b"a point, please")
        except OSError as error:
            print(error)
""")
    + WRONG
)

# ---------------------------------------------------------------------------------------------------------
# Doing harm

ATTACKS["writing and deleting outside"] = (
    attack("""
    import os, shutil
    for path in [*OUTSIDE, "/course/course_lib/minibatch.py", "/config/x", "/etc/passwd", "/usr/bin/x", "/x"]:
        for harm in (lambda: open(path, "w").write("harm"), lambda: os.remove(path), lambda: os.chmod(path, 0)):
            try:
                harm()
                print("done:", path)
            except OSError:
                pass
    import course_lib, numpy
    for module in (course_lib, numpy):
        shutil.rmtree(os.path.dirname(module.__file__), ignore_errors=True)
""")
    + WRONG
)
ATTACKS["a fork bomb"] = attack("""
    import os
    def halves(n):
        while True:
            try:
                os.fork()
            except OSError:
                pass
""")
ATTACKS["a flood of threads"] = (
    attack("""
    import threading, time
    try:
        while True:
            threading.Thread(target=time.sleep, args=(1000,)).start()
    except RuntimeError:
        pass
""")
    + WRONG
)
ATTACKS["all memory there is"] = attack("""
    def halves(n):
        hoard = []
        while True:
            hoard.append(bytearray(16 << 20))
""")
ATTACKS["all disk there is"] = (
    attack("""
    import os
    written = 0
    for folder in ("/scratch", "/tmp", "/dev/shm", "/", "/config", os.getcwd()):
        try:
            for number in range(100):
                with open(f"{folder}/flood{number}", "wb") as file:
                    for _ in range(40):
                        written += file.write(bytes(1 << 20))
        except OSError as error:
            print(folder, error)
    print("written", written >> 20)
""")
    + WRONG
)
ATTACKS["a flood of output"] = attack("""
    import os, sys
    def halves(n):
        for _ in range(2_000):
            print("x" * 100_000)
            os.write(1, b"y" * 100_000)
            sys.__stderr__.write("z" * 100_000)
        return -1
""")
ATTACKS["a loop without end that ignores every signal"] = attack("""
    import signal
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    def halves(n):
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
""")
ATTACKS["a daemon left behind"] = (
    attack("""
    import ctypes, os, signal, time
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            time.sleep(1000)
        os._exit(0)
""")
    + WRONG
)
ATTACKS["killing everybody else"] = (
    attack("""
    import os, signal
    for pid in [os.getppid(), -1, 0, *range(1, 400)]:
        try:
            if pid != os.getpid():
                os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
""")
    + WRONG
)
ATTACKS["ending oneself in every way"] = attack("""
    import os
    def halves(n):
        try:
            os.abort()
        finally:
            os._exit(0)
""")
ATTACKS["taking Python itself apart"] = attack("""
    import ctypes, sys
    sys.setrecursionlimit(10**9)
    def halves(n):
        return halves(n)
    ctypes.memset(id(None), 0, 1)
    ctypes.string_at(1)
""")
ATTACKS["taking off the blinds: mounts, namespaces, capabilities, limits"] = (
    attack("""
    import ctypes, os, resource
    libc = ctypes.CDLL(None, use_errno=True)
    done = [libc.umount2(path, 2) for path in (b"/proc", b"/scratch", b"/dev", b"/usr", b"/")]
    done += [libc.mount(b"none", b"/usr", None, 32 | 4096, None), libc.chroot(b"/scratch")]
    done += [libc.ptrace(16, pid, 0, 0) for pid in range(1, 9) if pid != os.getpid()]
    print("undone", [result for result in done if result == 0])
    for limit in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_CPU):
        try:
            resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print("undone", limit)
        except (OSError, ValueError):
            pass
    # Namespaces of one's own are allowed; what is covered stays covered in them.
    if libc.unshare(0x10000000 | 0x00020000) == 0:
        print("undone", [path for path in (b"/proc", b"/usr") if libc.umount2(path, 2) == 0])
""")
    + WRONG
)
ATTACKS["poisoning the well for the next learner"] = (
    attack("""
    import builtins, os, sys
    import numpy as np
    import course_lib.exercises, course_lib.grading.worker, course_lib.running
    for module in (course_lib.running, course_lib.grading.worker, np, builtins):
        for name in list(vars(module)):
            if not name.startswith("__") and name not in ("open", "list", "vars", "setattr", "getattr"):
                try:
                    setattr(module, name, lambda *args, **kwargs: "poison")
                except Exception:
                    pass
    for folder in ("/scratch", "/tmp", "/course", "/config", "/dev/shm"):
        try:
            open(f"{folder}/sitecustomize.py", "w").write("raise SystemExit")
        except Exception:
            pass
""")
    + WRONG
)

# ---------------------------------------------------------------------------------------------------------
# The second team's

ATTACKS["an error with the name of no error"] = attack("""
    class NoneType(Exception):
        pass
    def halves(n):
        raise NoneType
""")
ATTACKS["errors with the names of ours"] = attack("""
    names = "ContractError Ended ProtocolError TimeLimitReached StopIteration ExceptionGroup Exception".split()
    def halves(n):
        raise type(names[n % len(names)], (BaseException,), {"__eq__": lambda self, other: True})("right")
""")
ATTACKS["one array, a hundred thousand times"] = attack("""
    import numpy as np
    large = np.zeros(400_000)
    colour = [large] * 100_000
    def halves(n):
        return [(large,) * 100_000, [[large] * 300] * 300, {i: large for i in range(900)}][n % 3]
""")
ATTACKS["arrays of every odd kind"] = attack("""
    import numpy as np
    odd = [
        np.zeros(1, [("a", "i8"), ("b", "O")]), np.array([None]), np.array(["x"]), np.array([b"x"], "V1"),
        np.array("now", "M8[s]"), np.ma.masked_array([1], [True]), np.matrix([[1]]), np.recarray(1, [("a", "i8")]),
        np.arange(9)[::-2], np.broadcast_to(np.int8(1), (10**6,)), np.empty((0,) * 20), np.array(2, ">i8"),
        np.lib.stride_tricks.as_strided(np.zeros(1), (10**9,), (0,)), np.longdouble("1e4000"), np.int64(-(2**63)),
        np.uint64(2**64 - 1), np.clongdouble(1), np.float16("-nan"), np.array([], object), memoryview(b"abc"),
    ]
    turn = iter(odd * 5)
    def halves(n):
        return next(turn)
    colour = np.array(["b"])
""")
ATTACKS["modules of one's own in the place of those that are used"] = attack("""
    import json, struct, sys, types
    class Agreeable(types.ModuleType):
        def __getattr__(self, name):
            return lambda *args, **kwargs: 7
    def halves(n):
        for name in ("numpy", "json", "course_lib.grading.protocol", "course_lib.running", "inspect", "itertools"):
            sys.modules[name] = Agreeable(name)
        json.dumps = lambda *args, **kwargs: '[{"tuple":["returned","value",7,{"dict":[]},"",{"list":[]}]},[]]'
        return -1
""")
ATTACKS["answers sent before they are asked for"] = attack("""
    import gc
    for thing in gc.get_objects():
        if type(thing).__name__ == "Channel":
            for message in (("end", 0, "", ""), ("ran",), ("function", False, []), ("value", "b")):
                thing.send(*message)
            for n in range(100):
                thing.send("returned", "value", n, {}, "", [])
    def halves(n):
        return -1
""")
ATTACKS["threads that answer while their function is called"] = attack("""
    import gc, threading
    channel = next(thing for thing in gc.get_objects() if type(thing).__name__ == "Channel")
    def flood():
        while True:
            channel.send("returned", "value", 7, {}, "", [])
    def halves(n):
        for _ in range(3):
            threading.Thread(target=flood, daemon=True).start()
        return -1
""")
ATTACKS["two processes that answer one call"] = attack("""
    import os
    def halves(n):
        return n if os.fork() else -1
""")
ATTACKS["questions back that nobody answers"] = attack("""
    import gc
    channel = next(thing for thing in gc.get_objects() if type(thing).__name__ == "Channel")
    keys = [0, -1, 10**30, "0", None, [0], 0.0, float("nan"), True, (1, 2)]
    def halves(n):
        for key in keys:
            channel.send("callback", key, [n], {"self": 1, "reference": 2})
            channel.receive()
            channel.send("callback", key)
            channel.receive()
        return -1
""")
ATTACKS["handles of objects that are not there"] = attack("""
    import gc
    session = next(thing for thing in gc.get_objects() if type(thing).__name__ == "_Session")
    methods = ["update", "__class__", "__eq__", "_key", "real", "dtype", "shape", "__array__", "\\ud800"] * 99
    forged = {"object": -(10**25), "type": "int\\x00" * 99, "callable": False, "methods": methods}
    session.channel.describe = lambda value: forged
    def halves(n):
        return {n}
    colour = {"b"}
""")
ATTACKS["reading the judge off the call stack"] = attack("""
    import sys
    def halves(n):
        frame, found = sys._getframe(1), -1
        while frame is not None:
            for name, value in list(frame.f_locals.items()):
                if name in ("given", "before", "kwargs", "names") and isinstance(value, dict):
                    value.clear()
                if name in ("expected", "cases", "outcomes", "reference", "exercise"):
                    found = value
            frame = frame.f_back
        return found
""")
ATTACKS["the alarm set again, from a handler and a thread"] = attack("""
    import _thread, signal, threading
    def again(*args):
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        raise TimeoutError
    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    threading.Timer(0.05, _thread.interrupt_main).start()
    def halves(n):
        while True:
            try:
                while True:
                    pass
            except TimeoutError:
                pass
""")
ATTACKS["code that breaks the parser"] = (
    attack("""
    import ast
    for text in ("(" * 100_000, "-" * 100_000 + "1", "x" + ".x" * 100_000, "[" * 90 + "]" * 90):
        try:
            compile(text, "", "exec")
        except Exception:
            pass
    number = 10 ** 10 ** 6
""")
    + WRONG
)
ATTACKS["memory of file systems of one's own"] = (
    attack("""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    for spaces in (0x10000000, 0x10000000 | 0x00020000, 0x10000000 | 0x40000000, 0x00020000):
        if libc.unshare(spaces) == 0:
            print("done: a namespace", hex(spaces))
    if libc.mount(b"tmpfs", b"/scratch", b"tmpfs", 0, b"size=64g") == 0:
        print("done: a mount")
""")
    + WRONG
)
ATTACKS["file descriptors that were left open"] = (
    attack("""
    import os, stat
    for number in range(1024):
        try:
            kind = os.fstat(number).st_mode
        except OSError:
            continue
        if not stat.S_ISCHR(kind) and not (stat.S_ISSOCK(kind) and number == 3):
            print("done:", number, stat.filemode(kind))
        for where in ("..", "../..", "."):
            try:
                print("done:", os.open(where, os.O_RDONLY, dir_fd=number))
            except OSError:
                pass
""")
    + WRONG
)
ATTACKS["files handed over to the grader"] = (
    attack("""
    import os, socket
    connection = socket.socket(fileno=os.dup(3))
    for _ in range(40):
        socket.send_fds(connection, [b"["], [os.open("/dev/zero", os.O_RDONLY)] * 50)
""")
    + WRONG
)
ATTACKS["a message for the next learner"] = attack("""
    import ctypes, os, socket
    libc = ctypes.CDLL(None, use_errno=True)
    note, found = b"the answers", []
    try:
        socket.socket(socket.AF_UNIX).connect("\\0note")
        found.append("a socket")
    except OSError:
        kept = socket.socket(socket.AF_UNIX)
        kept.bind("\\0note")
        kept.listen()
    shared = libc.shmget(4711, 4096, 0)
    found += ["shared memory"] * (shared >= 0)
    libc.shmget(4711, 4096, 0o1666)
    found += ["a queue"] * (libc.msgget(4711, 0) >= 0)
    libc.msgget(4711, 0o1666)
    for ring in (-3, -4, -5):  # the keyrings of thread, process and session: search, then add
        found += ["a key"] * (libc.syscall(250, 10, ring, b"user", b"note", 0) >= 0)
    for ring in (-3, -4, -5):
        libc.syscall(248, b"user", b"note", note, len(note), ring)
    for folder in ("/scratch", "/dev/shm", "/config", "/tmp", "/course"):
        try:
            found += ["a file"] * os.path.exists(f"{folder}/note")
            open(f"{folder}/note", "wb").write(note)
        except OSError:
            pass
    print("done:" if found else "", found)
    def halves(n):
        return -1
""")
ATTACKS["programs with other rights, and other processes' limits"] = (
    attack("""
    import os, resource, subprocess
    for command in (["su", "-c", "id"], ["mount"], ["newgrp"], ["bwrap", "--dev-bind", "/", "/", "true"]):
        try:
            if subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0:
                print("done:", command)
        except OSError:
            pass
    for call in (lambda: os.setuid(0), lambda: os.seteuid(0), lambda: os.setgroups([0]), lambda: os.nice(-5)):
        try:
            call()
            print("done: more rights")
        except OSError:
            pass
    for pid in range(2, 50):
        try:
            resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1))
            print("done:", pid)
        except (OSError, ValueError):
            pass
""")
    + WRONG
)
ATTACKS["leaving traps for when the process ends"] = attack("""
    import atexit, gc, os, sys, threading, weakref
    class Trap:
        def __del__(self):
            while True:
                pass
    def halves(n):
        atexit.register(lambda: halves(n))
        weakref.finalize(Trap(), lambda: os.fork())
        sys.excepthook = sys.unraisablehook = threading.excepthook = lambda *args: os._exit(0)
        gc.callbacks.append(lambda *args: os.fork())
        return -1
""")
ATTACKS["a class with the function's name, and odd callables"] = attack("""
    import functools, types
    class halves:
        __code__ = property(lambda self: 1 / 0)
        __globals__ = __name__ = __wrapped__ = __signature__ = None
        def __new__(cls, *args, **kwargs):
            return object.__new__(cls)
        def __call__(self, n):
            return self
        def __getattr__(self, name):
            raise KeyboardInterrupt(name)
        __len__ = __index__ = __int__ = __float__ = __array__ = lambda self: 1 / 0
    colour = functools.partial(halves, 1)
""")
ATTACKS["descriptions of nothing at all"] = attack("""
    class Meta(type):
        __name__ = property(lambda cls: 10**5000)
        __instancecheck__ = __subclasscheck__ = lambda cls, other: True
        __dir__ = lambda cls: ["x"] * 10**6
    class Odd(metaclass=Meta):
        __dir__ = lambda self: ["update"] * 10**6
        update = property(lambda self: 1 / 0)
    def halves(n):
        return [Odd(), Odd, (Odd,) * 99_999][n % 3]
    colour = Odd()
""")


# ---------------------------------------------------------------------------------------------------------
# The range


@pytest.fixture(scope="module")
def outside(toy_built_once, tmp_path_factory):
    """What attackers would like to have: a gradebook, a classmate's notebook, and a server that listens."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(toy_built_once, course, dirs_exist_ok=True)
    (course / "submitted" / "ada" / TOY).mkdir(parents=True)
    files = [course / "gradebook.db", course / "submitted" / "ada" / TOY / f"{TOY}.ipynb", course / "canary.txt"]
    for path in files:
        path.write_text(CANARY)
    files.append(course / "notebooks" / TOY / f"{TOY}.ipynb")
    with pytest.MonkeyPatch.context() as monkeypatch, socket.create_server(("127.0.0.1", 0)) as server:
        use_toys(monkeypatch)
        monkeypatch.setenv("SECRET", CANARY)
        server.setblocking(False)
        contents = {path: path.read_bytes() for path in files}
        yield course, server, contents


def submission(course, halves, *, forged=False):
    nb = json.loads((course / "notebooks" / TOY / f"{TOY}.ipynb").read_text())
    for cell in nb["cells"]:
        if cell["id"] == "halves":
            cell["source"] = halves
        if forged and cell["cell_type"] == "code":
            cell["metadata"].setdefault("nbgrader", {})["points"] = 100
            data = {"text/plain": "2.0", "application/vnd.course.verdict+json": {"points": 2.0, "status": "right"}}
            cell["outputs"] = [{"output_type": "execute_result", "data": data, "metadata": {}}]
            cell["source"] = "2.0" if "check" in cell["id"] else cell["source"]
    return json.dumps(nb).encode()


def grade(course, halves, **more):
    return grade_notebook(submission(course, halves, **more), TOY, course=course, limits=LIMITS)


def workers():
    """Return the ids of this suite's sandboxed processes, wherever on the machine they are."""
    mark = f'"memory": {LIMITS.memory}'.encode()
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark in path.read_bytes():
                found.add(path.parent.name)
        except OSError:
            continue
    return found


def memory():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def assert_unharmed(outside, result, processes):
    course, server, contents = outside
    assert CANARY not in json.dumps(result)
    assert {path: path.read_bytes() for path in contents} == contents
    with pytest.raises(BlockingIOError):
        server.accept()
    assert len(workers()) == processes
    assert sum(v["points"] for v in grade(course, RIGHT)["verdicts"]) == 2
    assert len(workers()) == processes


@pytest.fixture(scope="module")
def processes(outside):
    """How many processes a sandbox has that has just graded an honest submission."""
    course, *_ = outside
    assert sum(v["points"] for v in grade(course, RIGHT)["verdicts"]) == 2
    return len(workers())


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_gains_a_point_or_does_harm(name, outside, processes):
    course, server, contents = outside
    known = f"OUTSIDE = {[str(path) for path in contents]}\nPORT = {server.getsockname()[1]}\n"
    result = grade(course, known + ATTACKS[name], forged="forged" in name)
    assert sum(verdict["points"] for verdict in result["verdicts"]) == 0, result["verdicts"]
    assert not any(earned for verdict in result["verdicts"] for _, _, earned in verdict["parts"])
    printed = "".join(cell["printed"] for cell in result["cells"])
    assert "done:" not in printed
    assert "undone [0" not in printed
    assert_unharmed(outside, result, processes)


def test_no_learner_leaves_a_message_for_the_next(outside):
    course, *_ = outside
    for _ in range(2):
        result = grade(course, ATTACKS["a message for the next learner"])
        assert "done:" not in "".join(cell["printed"] for cell in result["cells"])


ROUND_THE_WATCH = {
    "getattr": "    return getattr(optimizers, 'adam' + '_step')(*args, **kwargs)",
    "importlib": "    from importlib import import_module as find\n"
    "    return vars(find('course_lib.optimizers'))['adam_step'](*args, **kwargs)",
    "reload": "    import importlib\n    return importlib.reload(optimizers).adam_step(*args, **kwargs)",
    "map": "    return list(map(lambda f: f(*args, **kwargs), [optimizers.adam_step]))[0]",
    "a thread": "    import threading\n    got = []\n    def step():\n"
    "        got.append(optimizers.adam_step(*args, **kwargs))\n"
    "    thread = threading.Thread(target=step)\n    thread.start()\n    thread.join()\n    return got[0]",
    "a profiler": "    from cProfile import Profile\n    with Profile():\n"
    "        return optimizers.adam_step(*args, **kwargs)",
    "no profiler": "    import sys, threading\n    sys.setprofile(None)\n    threading.setprofile(None)\n"
    "    return optimizers.adam_step(*args, **kwargs)",
}


@pytest.mark.parametrize("way", ROUND_THE_WATCH)
def test_easy_ways_round_the_watch_over_the_library_earn_nothing(way, outside):
    nb = json.loads((ROOT / "notebooks" / "week06_adam" / "week06_adam.ipynb").read_text())
    answer = next(cell for cell in nb["cells"] if cell["id"] == "adam_step")
    answer["source"] = "def adam_step(*args, **kwargs):\n" + ROUND_THE_WATCH[way]
    result = grade_notebook(json.dumps(nb).encode(), "week06_adam", limits=LIMITS)
    verdict = next(verdict for verdict in result["verdicts"] if verdict["exercise"] == "adam_step")
    assert (verdict["status"], verdict["points"]) == ("wrong", 0)
    assert verdict["uses_library"]
    assert ("profiler" in verdict["message"]) == (way == "a profiler")


def test_there_are_enough_attacks():
    assert len(ATTACKS) >= 60


@pytest.mark.parametrize(
    "arguments",
    [
        '"x" * 1_000_000, 10**9',
        "[[0] * 4000] * 4000",
        "[0] * 3_000_000",
        "np.zeros(400_000)",
        "10**300_000",
        "w.view(Lying)",
        "lambda: 1",
        "w, w, w",
        "gradient",
        "[np.longdouble(1), 1j]",
        "np.full(w.shape, np.longdouble('1e4000'))",
        "w * (1 + 1j), w=w",
    ],
)
def test_a_function_of_the_grader_is_called_with_numbers_only(arguments, outside, processes):
    """Week 04's `nesterov_step` gets a function that runs outside: it is called with little and plain things."""
    answer = f"""
class Lying(np.ndarray):
    __sub__ = __rsub__ = __mul__ = __rmul__ = lambda self, other: self

def nesterov_step(w, v, gradient, *, lr, beta):
    for _ in range(3):
        try:
            gradient({arguments})
        except Exception:
            pass
    return w, v
"""
    nb = json.loads((ROOT / "notebooks" / "week04_momentum" / "week04_momentum.ipynb").read_text())
    next(cell for cell in nb["cells"] if cell["id"] == "nesterov_step")["source"] = answer
    result = grade_notebook(json.dumps(nb).encode(), "week04_momentum", limits=LIMITS)
    verdict = next(verdict for verdict in result["verdicts"] if verdict["exercise"] == "nesterov_step")
    assert verdict["points"] == 0
    assert verdict["status"] in ("wrong", "timed out")
    assert_unharmed(outside, result, processes)


def test_the_graders_memory_is_flat(outside, processes):
    course, *_ = outside
    names = ["numbers and texts of absurd size", "lists within lists, and one in itself", "every answer at once"]
    used = []
    for _ in range(8):
        for name in names:
            grade(course, ATTACKS[name])
        gc.collect()
        used.append(memory())
    assert used[-1] - used[2] < 24, used
    assert len(workers()) == processes
