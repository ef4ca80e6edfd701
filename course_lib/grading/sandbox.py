"""How a submission is shut in: bubblewrap or Docker around a warm process, namespaces of its own for each.

The outer sandbox shows the process a read-only system, Python with its packages and the modules of the course
that learners may use. It has no network and no capabilities, and neither the weeks' exercises nor any file of
the course's folder is in it. Within it every submission runs in a fresh child with its own users, processes and
/tmp, so that it meets neither the warm process nor anything an earlier submission left behind.
"""

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import course_lib

__all__ = ["Isolation", "Limits", "Sandbox", "SandboxProblem", "available", "describe"]

LIBRARY = Path(course_lib.__file__).resolve().parent
SHOWN = ["exercises/__init__.py"]
SHOWN += [f"grading/{name}.py" for name in ("__init__", "inspecting", "protocol", "worker")]
NOT_SHOWN = {"__main__.py", "checking.py", "classroom.py", "restoring.py"}
TRYING = 20.0  # seconds that bubblewrap, or Docker's daemon, has to show that it works
STARTING = 60.0  # seconds until a worker must be ready
ENDING = 10.0  # seconds until a killed submission must be gone
STOPPING = 2.0  # seconds until a worker that is no longer needed is killed
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "COURSE_LIB_ENGINE": "numpy",  # nothing may be compiled to disk there, and compiling anew takes a second
}
KEPT = ("share/nbgrader", "etc/jupyter")  # in a folder of Python's: exchange and settings, of no use to learners
SCRATCH = "/scratch"  # the folder to write in; not /tmp, where Python itself may be installed


class SandboxProblem(Exception):
    """Raised where no submission can be run; its text says why, to the instructor."""


class Isolation(StrEnum):
    """What keeps a submission from the rest of the machine."""

    BUBBLEWRAP = "bubblewrap"
    DOCKER = "docker"
    NONE = "none"  # only where the instructor trusts the submissions


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    seconds : float
        For all its cells together.
    cell_seconds : float
        For one cell.
    function_seconds : float
        For all calls of one function.
    cpu_seconds : int
        Of processor time, for each process.
    memory : int
        Bytes that each process may take beyond what is there at the start.
    processes : int
        Processes and threads at once.
    file_size : int
        Bytes of one file. All files together have 64 MB, in memory.
    """

    seconds: float = 60.0
    cell_seconds: float = 10.0
    function_seconds: float = 5.0
    cpu_seconds: int = 120
    memory: int = 1 << 30
    processes: int = 8
    file_size: int = 16 << 20


def available() -> Isolation | None:
    """Return the isolation that works on this machine, if any: each is started once, to see."""
    if sys.platform == "linux":
        if _works(*_bubblewrap(), "true"):
            return Isolation.BUBBLEWRAP
        if _works("docker", "version", "--format={{.Server.Version}}"):  # the client alone answers with an error
            return Isolation.DOCKER
    return None


@functools.cache
def _works(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TRYING)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class Sandbox:
    """A warm process in a sandbox, which runs one submission after another.

    Parameters
    ----------
    isolation : Isolation
        What to shut submissions in with.
    limits : Limits, optional
        What each may use.
    image : str, optional
        Docker's image; it needs nothing but the same version of Python.
    nested : bool
        Whether submissions get namespaces of their own, where that is possible. If not, each gets a whole
        sandbox of its own, which takes about a second more.

    Raises
    ------
    SandboxProblem
        If the sandbox does not start, or not here.
    """

    def __init__(
        self, isolation: Isolation, limits: Limits | None = None, *, image: str = "", nested: bool = True
    ):
        if not hasattr(os, "fork") or not hasattr(socket, "send_fds"):
            raise SandboxProblem("Grading in a sandbox needs Linux: there is no way to fork a process here.")
        if isolation is not Isolation.NONE and sys.platform != "linux":
            raise SandboxProblem(f"{isolation} shuts submissions in on Linux only; this is {sys.platform}.")
        self.isolation, self.limits = Isolation(isolation), limits or Limits()
        self.image = image or f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
        self.nested = nested and isolation is not Isolation.NONE
        self.process: subprocess.Popen | None = None
        self.connection: socket.socket | None = None
        self.warm = False
        self.owner = os.getpid()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def submission(self) -> socket.socket:
        """Start the process of one submission; return the socket that leads to it."""
        for _ in range(2):  # the warm process itself may have been lost since the last one
            self._start()
            ours, theirs = socket.socketpair()
            with theirs, contextlib.suppress(OSError):
                socket.send_fds(self.control, [b"S"], [theirs.fileno()])
            if self._answer(STARTING) == b"S":
                self.connection = ours
                return ours
            ours.close()
            self.close()
        raise SandboxProblem("A submission could not be started in its sandbox.")

    def end_submission(self):
        """Kill the submission's process with all that it started."""
        if self.connection is None:
            return
        self.connection.close()
        self.connection = None
        try:
            self.control.sendall(b"K")
            gone = self._answer(ENDING) == b"K"
        except OSError:
            gone = False
        if not gone or not self.warm:
            self.close()

    def close(self):
        """Kill everything in the sandbox."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        if self.process is not None:
            self.control.close()  # at which the worker ends, and everything with it
            try:
                self.process.wait(STOPPING)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.scratch, ignore_errors=True)
            self.process = None

    def _start(self):
        if self.process is not None and self.process.poll() is None:
            return
        self.close()
        self.scratch = tempfile.mkdtemp(prefix="grading-")
        settings = json.dumps(asdict(self.limits) | {"own_namespaces": self.nested})
        with open(Path(self.scratch) / "messages", "wb") as messages:
            start = functools.partial(
                subprocess.Popen,
                cwd=self.scratch,
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=messages,
                start_new_session=True,
            )
            if self.isolation is Isolation.DOCKER:
                self._start_container(start, settings)
            else:
                self.control, theirs = socket.socketpair()
                with theirs:
                    command, environment = self._command(str(theirs.fileno()), settings)
                    self.process = start(command, env=environment, pass_fds=[theirs.fileno()])
        ready = self._answer(STARTING)
        if ready not in (b"W", b"C"):
            said = (Path(self.scratch) / "messages").read_text(errors="replace").strip()[-600:]
            self.close()
            raise SandboxProblem(f"The sandbox did not start with {self.isolation}: {said or 'no reason given'}")
        self.warm = ready == b"W" or self.isolation is Isolation.NONE

    def _answer(self, seconds: float) -> bytes:
        self.control.settimeout(seconds)
        try:
            return self.control.recv(1)
        except OSError:
            return b""

    def _command(self, number: str, settings: str) -> tuple[list[str], dict[str, str]]:
        run = [sys.executable, "-B", "-m", "course_lib.grading.worker", number, settings]
        if self.isolation is Isolation.NONE:
            own = {"PYTHONPATH": str(LIBRARY.parent), "TMPDIR": self.scratch, "HOME": self.scratch}
            return run, dict(os.environ) | ENVIRONMENT | own
        return _bubblewrap() + run, {"PATH": os.environ.get("PATH", os.defpath)}

    def _start_container(self, start, settings: str):
        """Start a container and wait for its call: file descriptors do not pass through Docker's client."""
        os.chmod(self.scratch, 0o711)
        path = Path(self.scratch) / "control"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            path.chmod(0o666)
            server.listen(1)
            server.settimeout(STARTING)
            self.process = start([*_docker(path, self.limits), self.image, *_DOCKER_RUN, settings])
            try:
                self.control, _ = server.accept()
            except OSError:
                self.control, _ = socket.socketpair()  # nobody answers, and the client's message says why


_DOCKER_RUN = ["python3", "-B", "-m", "course_lib.grading.worker", "/control"]


def _shown_files() -> dict[Path, str]:
    """Return the files that the sandbox shows, and where."""
    import matplotlib

    modules = [path for path in LIBRARY.glob("*.py") if path.name not in NOT_SHOWN]
    modules += [LIBRARY / name for name in SHOWN]
    shown = {path: f"/course/course_lib/{path.relative_to(LIBRARY).as_posix()}" for path in modules}
    # Matplotlib's list of fonts: without it every start would take seconds to make one.
    fonts = Path(matplotlib.get_cachedir()).glob("fontlist-*.json")
    return shown | {path: f"/config/{path.name}" for path in fonts}


def _inside() -> dict[str, str]:
    own = {"HOME": SCRATCH, "TMPDIR": SCRATCH, "MPLCONFIGDIR": "/config", "COURSE_SANDBOX": "1"}
    return ENVIRONMENT | own | {"PYTHONPATH": ":".join(["/course", *_packages()])}


def _packages() -> list[str]:
    """Return the folders of installed packages, in the order in which Python looks into them."""
    return [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


def _python_folders() -> list[Path]:
    """Return the folders of Python and its packages."""
    folders = {Path(sys.prefix), *(Path(path).resolve() for path in (sys.prefix, sys.base_prefix, *_packages()))}
    return sorted(folders - {Path("/"), Path("/usr")})


def _private_folders() -> set[Path]:
    """Return what lies in the folders of Python and its packages and is not for learners.

    An installed copy of the course has the answers; nbgrader's exchange, with what the class handed in, and the
    settings of Jupyter are kept there, too.
    """
    packages = {Path(folder) / "course_lib" for folder in _packages()}
    kept = {top / name for top in (Path("/usr/local"), *_python_folders()) for name in KEPT}
    return {LIBRARY} | {folder.resolve() for folder in packages | kept if folder.is_dir()}


def _bubblewrap() -> list[str]:
    if os.getuid() == 0:  # then the worker gives up root itself, which counts its processes
        spaces = "--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try"
        spaces += " --cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID"
    else:
        spaces = "--unshare-all --cap-drop ALL"
    command = ["bwrap", *spaces.split(), "--die-with-parent", "--new-session", "--clearenv"]
    command += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--ro-bind", "/usr", "/usr"]
    command += ["--size", str(64 << 20), "--perms", "1777", "--tmpfs", SCRATCH, "--chdir", SCRATCH]
    for folder in ("bin", "lib", "lib32", "lib64", "sbin"):
        if (path := Path("/", folder)).is_symlink():
            command += ["--symlink", os.readlink(path), str(path)]
        elif path.exists():
            command += ["--ro-bind", str(path), str(path)]
    if Path("/etc/ld.so.cache").exists():
        command += ["--ro-bind", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    # An inner folder after the outer one: the course's own folder is empty, but a .venv in it is there.
    binds = {folder: ["--ro-bind", str(folder), str(folder)] for folder in _python_folders()}
    hidden = {*_private_folders(), *([LIBRARY.parent] if (LIBRARY.parent / "solutions").exists() else [])}
    for folder in hidden:
        if any(folder.is_relative_to(shown) for shown in [Path("/usr"), *binds]):
            binds[folder] = ["--tmpfs", str(folder)]
    above = sorted({parent for folder in binds for parent in folder.parents} - {Path("/")})
    command += [word for folder in above for word in ("--dir", str(folder))]  # readable, unlike those bwrap makes
    command += [word for _, words in sorted(binds.items()) for word in words]
    for folder in ("/course", "/course/course_lib", "/course/course_lib/exercises", "/course/course_lib/grading"):
        command += ["--dir", folder]
    for path, inside in _shown_files().items():
        command += ["--ro-bind", str(path), inside]
    for name, value in _inside().items():
        command += ["--setenv", name, value]
    return [*command, "--remount-ro", "/", "--"]


def _docker(control: Path, limits: Limits) -> list[str]:
    shown = {Path(folder): folder for folder in _packages()} | _shown_files() | {control: "/control"}
    command = ["docker", "run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--user=65534:65534"]
    command += ["--security-opt=no-new-privileges", f"--pids-limit={limits.processes + 8}"]
    command += [
        f"--memory={(2 << 30) + limits.memory}",
        f"--tmpfs={SCRATCH}:size=64m,mode=1777",
        f"--workdir={SCRATCH}",
    ]
    for path, inside in shown.items():
        command += ["--volume", f"{path}:{inside}:ro"]
    for folder in _private_folders():
        if any(folder.is_relative_to(packages) for packages in _packages()):
            command += [f"--tmpfs={folder}:size=4k"]
    for name, value in _inside().items():
        command += ["--env", f"{name}={value}"]
    return command


def describe(isolation: Isolation, limits: Limits, *, warm: bool = True) -> str:
    """Say in words what is in force."""
    if isolation is Isolation.NONE:
        shut_in = "no isolation: submissions run with your rights"
    else:
        each = "in namespaces of its own" if warm else f"in a {isolation} of its own (slower)"
        shut_in = (
            f"{isolation}: no network, a read-only system, no capabilities, a private folder to write in, "
            f"each submission {each}, everything killed at its end"
        )
    return (
        f"{shut_in}; at most {limits.seconds:g} s for the cells, {limits.function_seconds:g} s for a function, "
        f"{limits.cpu_seconds} s of processor time and {limits.memory >> 20} MB of memory a process, "
        f"{limits.processes} processes, {limits.file_size >> 20} MB a file"
    )
