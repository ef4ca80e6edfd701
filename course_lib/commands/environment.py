"""Makes sure that the packages of requirements.txt are there; installs them into ``.venv`` where they are not.

An environment that has everything (conda, Colab, one's own) is used as it is.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "optimization-course"
MINIMUM = (3, 11)
STAMP = "course-installed"  # written into .venv when everything is in it
LOG = "install.log"

FAILURES = [  # what pip, venv or the system say; what we say
    (
        "No space left on device|not enough space on the disk",
        "The disk is full: make about 1 GB free, then run the same command again; what is already there is kept.",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED|SSLError",
        "The packages could not be downloaded: the certificate of the server, or of a proxy on the way, is not "
        "trusted; `pip config set global.cert FILE` tells pip of one. Then run the same command again.",
    ),
    (
        "connection broken by|connection error|Max retries exceeded|Read timed out",
        "The packages could not be downloaded: no network connection. When there is one, run the same command "
        "again; what is already there is kept.",
    ),
    (
        "Permission denied|Read-only file system",
        "The course's folder may not be written to: copy the course to a folder of yours and start it there.",
    ),
]


class SetupProblem(Exception):
    """Something that keeps the course from starting; the text says what, and what to do."""


def requirements(root):
    """Read requirements.txt, except for the project itself (``-e .``).

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    list of (str, str)
        Each distribution's name and its bounds, e.g. ``("numpy", ">=2.1,<3")``.
    """
    found = []
    for raw in (root / "requirements.txt").read_text(encoding="utf-8").splitlines():
        line = raw.partition("#")[0].replace(" ", "")
        if line not in ("", "-e."):
            match = re.fullmatch(r"([\w.-]+)((?:(?:>=|<)[\d.]+,?)*)", line)
            if match is None:
                raise ValueError(f"requirements.txt: expected a line like 'name>=1.2,<2', got {raw!r}")
            found.append(match.groups())
    return found


def satisfies(version, bounds):
    """Tell whether a version such as ``"2.4.6"`` is within bounds such as ``">=2.1,<3"``."""
    number = _numbers(version)
    return all(
        number >= _numbers(bound) if operator == ">=" else number < _numbers(bound)
        for operator, bound in re.findall(r"(>=|<)([\d.]+)", bounds)
    )


def _numbers(version):
    """Turn ``"2.10.0rc1"`` into ``(2, 10)``: the leading numbers, without zeros at the end."""
    numbers = [int(part) for part in re.match(r"[\d.]*", version)[0].split(".") if part]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def unmet(root, path=None):
    """Find the requirements that are not met.

    Parameters
    ----------
    root : Path
        The course's folder.
    path : list of str, optional
        The folders to look for packages in; ``sys.path`` by default.

    Yields
    ------
    str
        What is missing, for example ``"numpy>=2.1,<3 (1.26.4 is installed)"``.
    """
    path = sys.path if path is None else path
    for name, bounds in requirements(root):
        version, _ = _installed(name, path)
        if version is None or not satisfies(version, bounds):
            yield f"{name}{bounds} ({version or 'nothing'} is installed)"
    _, url = _installed(PROJECT, path)
    if url is None or not _is_folder(url, root):
        yield f"{PROJECT}, editable, from {root} ({url or 'nothing'} is installed)"


def _installed(name, path):
    """Return a distribution's version and, if it is editable, the address of its folder; None for what is not."""
    for distribution in importlib.metadata.distributions(name=name, path=path):
        direct_url = json.loads(distribution.read_text("direct_url.json") or "{}")
        editable = direct_url.get("dir_info", {}).get("editable", False)
        return distribution.metadata["Version"], direct_url["url"] if editable else None
    return None, None


def _is_folder(url, folder):
    path = urllib.request.url2pathname(urllib.parse.urlparse(url).path)
    return os.path.isdir(path) and os.path.samefile(path, folder)  # not by name: macOS spells "ü" in two ways


def python_of(venv):
    """Return the path of a virtual environment's Python."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(root):
    """Return a text that changes when ``.venv`` has to be installed again.

    Its first line is the course's folder, as a virtual environment and the editable project hold its path; the
    second one stands for what is installed (requirements.txt, pyproject.toml) and for which Python (pyvenv.cfg).
    """
    digest = hashlib.sha256()
    for file in ("requirements.txt", "pyproject.toml", ".venv/pyvenv.cfg"):
        digest.update(b"\0" + (root / file).read_bytes())
    return f"{root}\n{digest.hexdigest()}"


def is_ready(root):
    """Tell whether ``.venv`` is completely installed and up to date."""
    venv = root / ".venv"
    needed = (venv / STAMP, venv / "pyvenv.cfg", python_of(venv))
    return all(file.exists() for file in needed) and (venv / STAMP).read_text("utf-8") == fingerprint(root)


def ensure(argv, root=ROOT):
    """Return if this Python has all that the course needs; otherwise go on with that of ``.venv``.

    Parameters
    ----------
    argv : list of str
        The command line to go on with, without Python and ``-m course_lib``.
    root : Path
        The course's folder.

    Raises
    ------
    SetupProblem
        If the packages cannot be installed; its text is for the user.
    """
    if not (root / "requirements.txt").is_file() or not (root / "notebooks").is_dir():
        raise SetupProblem(
            f"In {root} there is only the course's library, without the course: get the whole course (clone its "
            "repository) and run `python3 -m course_lib lab` in its folder."
        )
    just_installed = os.environ.pop("COURSE_LIB_JUST_INSTALLED", None)
    missing = next(unmet(root), None)
    if missing is None:
        return
    venv = root / ".venv"
    try:
        if sys.prefix != sys.base_prefix and Path(sys.prefix).resolve() == venv.resolve():
            if just_installed:
                raise SetupProblem(f"After the installation something is missing: {missing}. See {venv / LOG}.")
            # Somebody changed the packages. The Python that made .venv repairs it, as it may have to be made anew.
            (venv / STAMP).unlink(missing_ok=True)
            _go_on(sys._base_executable, argv, root)
        if not is_ready(root):
            with _alone(root):
                install(root)
            os.environ["COURSE_LIB_JUST_INSTALLED"] = "1"
    except OSError as error:
        raise SetupProblem(_explain(str(error), f"The course could not be set up: {error}.")) from error
    _go_on(python_of(venv), argv, root)


def _go_on(python, argv, root):
    """Replace this process by the same command in another Python."""
    command = [str(python), str(root / "course_lib"), *argv]
    # As activating would do: `nbgrader` and `!pip` in JupyterLab are then those of this environment.
    path = f"{Path(python).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    variables = {**_environment(), "PATH": path}
    sys.stdout.flush()
    if os.name == "nt":  # exec would start a second process there and not wait for it
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for JupyterLab, which asks before it stops
        sys.exit(subprocess.call(command, env=variables))
    os.execve(command[0], command, variables)


def _environment():
    """Return the environment variables without those that bring in another Python's packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


@contextlib.contextmanager
def _alone(root):
    """Keep other starts from installing at the same time.

    The system frees the lock when its holder ends, however it ends, so none is ever left behind. It is on a
    file that exists anyway and is outside of ``.venv``, which may have to be made anew.
    """
    with open(root / "requirements.txt", "r+b") as file:
        try:
            if os.name == "nt":
                import msvcrt

                file.seek(2**30)  # far behind the end, so that pip can read the file
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise SetupProblem(
                "Another start of the course is installing its packages right now: wait until it has finished, "
                "then run the same command again."
            ) from error
        yield


def install(root):
    """Make or repair ``.venv`` and install requirements.txt into it.

    The stamp is written last; without it the next start installs again.
    """
    venv = root / ".venv"
    print(
        f"Installing what the course needs into {venv}. This is done once and takes about a minute with a fast "
        "connection: 200 MB to download, 850 MB on the disk.",
        flush=True,
    )
    make_venv(venv)
    (venv / STAMP).unlink(missing_ok=True)
    # pip writes INSTALLER after all other files of a package. Without it the installation of that package was
    # interrupted, but pip would take the package for installed.
    for pattern in ("lib/python*/site-packages/*.dist-info", "Lib/site-packages/*.dist-info"):
        for folder in venv.glob(pattern):
            if not (folder / "INSTALLER").exists():
                shutil.rmtree(folder)
    pip_install(root)
    (venv / STAMP).write_text(fingerprint(root), encoding="utf-8")
    print("Everything is installed.", flush=True)


def make_venv(venv):
    """Make the virtual environment unless there is a working one; leave anything else of that name alone."""
    is_venv = (venv / "pyvenv.cfg").is_file()
    if not is_venv and os.path.lexists(venv) and not (venv.is_dir() and not any(venv.iterdir())):
        raise SetupProblem(
            f"{venv} is not a virtual environment: move or delete it, then run the same command again."
        )
    if is_venv:
        version = _output([python_of(venv), "-I", "-c", "import sys; print(*sys.version_info[:2])"])
        if version is not None and tuple(map(int, version.split())) < MINIMUM:
            raise SetupProblem(
                f"{venv} uses Python {version.strip().replace(' ', '.')}, which is too old: delete it, then "
                "run the same command again."
            )
        stamp = venv / STAMP
        is_copy = stamp.exists() and stamp.read_text("utf-8").splitlines()[:1] != [str(venv.parent)]
        if (
            version is not None
            and not is_copy
            and _output([python_of(venv), "-m", "pip", "--version"]) is not None
        ):
            return
        print(f"{venv} does not work here; it is made anew.", flush=True)
        for entry in venv.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif (
                entry.name != "pyvenv.cfg"
            ):  # which stays, so that the next start knows the folder if this one ends
                entry.unlink()
    if not importlib.util.find_spec("venv") or not importlib.util.find_spec("ensurepip"):
        raise SetupProblem(
            f"This Python ({sys.executable}) cannot make virtual environments: install the part that does "
            "(on Debian and Ubuntu `sudo apt install python3-venv`), then run the same command again."
        )
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(venv)],
        env=_environment(),
        capture_output=True,
        text=True,
        errors="replace",
    )
    if made.returncode != 0:
        said = (made.stdout + made.stderr).strip()
        raise SetupProblem(_explain(said, f"{venv} could not be made: {said}"))


def _output(command):
    """Return what a Python command prints, or None if it fails or does not even start."""
    try:
        return subprocess.run(command, env=_environment(), capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def pip_install(root):
    """Run pip on requirements.txt, show its progress, and keep all that it says in the log file."""
    log = root / ".venv" / LOG
    command = [python_of(root / ".venv"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "-r", "requirements.txt"]
    # Variables, because the pips that pip starts itself get those, but not the arguments. Without a network, pip's
    # own five retries last minutes; with PIP_USER it would install outside of .venv.
    variables = {
        "PIP_RETRIES": "2",
        **_environment(),
        "PIP_USER": "0",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        command,
        cwd=root,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    try:
        with open(log, "w", encoding="utf-8") as file:
            for line in process.stdout:
                file.write(line)
                file.flush()
                _show(line)
    except BaseException:
        process.terminate()
        raise
    finally:
        process.stdout.close()
        process.wait()
        if sys.stdout.isatty():
            _update("")
    if process.returncode != 0:
        said = log.read_text(encoding="utf-8")
        errors = re.findall(r"^ *(?:ERROR|error): (.+)$", said, re.MULTILINE) or [
            f"exit code {process.returncode}"
        ]
        raise SetupProblem(
            _explain(said, f"pip could not install the packages: {errors[-1]}.") + f" (Details: {log})"
        )


def _show(line):
    """Show a line of pip's output if it tells how far the installation is."""
    package = re.match(r"\s*(?:Downloading|Using cached|Processing) (?:\S*[/\\])?(\S+)( \([\d.]+ [kMG]B\))?", line)
    if package and ".metadata" not in line:
        name = re.sub(r"-(\d[^-]*)-.*\.whl$", r" \1", package[1])  # numpy-2.4.6-cp311-linux.whl: numpy 2.4.6
        _update(name + (package[2] or ""))
    elif line.startswith("Installing collected packages:"):
        _update(f"installing {line.count(',') + 1} packages, about half a minute ...")
    elif line.startswith("Collecting ") and sys.stdout.isatty():
        _update(f"looking for {line.split()[1]}")


def _update(text):
    """Print a line; on a terminal, in the place of the one before."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print("\r" + f"  {text}"[:width].ljust(width), end="\r", flush=True)
    else:
        print(f"  {text}", flush=True)


def _explain(said, otherwise):
    """Return our sentence for an error message of pip, venv or the system."""
    return next((sentence for pattern, sentence in FAILURES if re.search(pattern, said)), otherwise)
