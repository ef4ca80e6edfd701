"""The command line and the one-command set-up: nothing here needs a network or installs a real package."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from course_lib import __main__ as command_line
from course_lib.commands import environment, lab

ROOT = Path(__file__).resolve().parents[1]

# A build backend without dependencies: writes an editable wheel of the course, so that nothing is downloaded.
BACKEND = """
import os, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    info = "optimization_course-0.1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, "optimization_course-0.1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("course.pth", os.getcwd())
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: optimization-course\\nVersion: 0.1.0\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return wheel.filename.rsplit(os.sep, 1)[-1]
build_wheel = build_editable
"""
# Stands for pytest: says how it was called.
STUB = "import sys\ndef main(arguments):\n    print('RUNS', sys.prefix, arguments)\n    return 3\n"


def write_course(root):
    """Write a course that needs one small package and itself, and a folder that pip finds that package in."""
    (root / "notebooks").mkdir(parents=True)
    shutil.copytree(ROOT / "course_lib" / "commands", root / "course_lib" / "commands")
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "course_lib" / name, root / "course_lib")
    (root / "requirements.txt").write_text("course-stub>=1.0,<2  # a comment\n\n-e .\n")
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "optimization-course"\nversion = "0.1.0"\n'
    )
    (root / "backend.py").write_text(BACKEND)
    links = root / "links"
    links.mkdir()
    with zipfile.ZipFile(links / "course_stub-1.5-py3-none-any.whl", "w") as wheel:
        info = "course_stub-1.5.dist-info"
        wheel.writestr("pytest.py", STUB)
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\nName: course-stub\nVersion: 1.5\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "/RECORD", "")
    return root


def base_python():
    """Return the Python that this environment was made with: one without the course's packages."""
    return sys._base_executable


def start(root, *arguments, **variables):
    """Start the course like a learner, with pip confined to the stub package."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "COURSE_LIB"))}
    kept |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (root / "links").as_uri()}
    command = [base_python(), "-m", "course_lib", *arguments]
    return subprocess.run(
        command, cwd=root, env=kept | variables, capture_output=True, encoding="utf-8", timeout=60
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Make a fresh clone in a folder with blanks and letters beyond ASCII, and start it once."""
    root = write_course(tmp_path_factory.mktemp("clone") / "deep learning ü 한글")
    return root, start(root, "test", "-k", "a or b", "--flag", "tests/x.py")


@pytest.fixture
def course(tmp_path):
    return write_course(tmp_path / "course")


@pytest.fixture
def no_setup(monkeypatch):
    monkeypatch.setattr(environment, "ensure", lambda argv: None)


# The first start and those after it


def test_first_start_installs_and_goes_on(installed):
    root, first = installed
    assert first.stdout.startswith(f"Installing what the course needs into {root / '.venv'}")
    assert "\n  course_stub 1.5\n" in first.stdout
    assert f"RUNS {root / '.venv'} ['-k', 'a or b', '--flag', 'tests/x.py']" in first.stdout
    assert (first.stderr, first.returncode) == ("", 3)
    assert "Successfully installed" in (root / ".venv" / environment.LOG).read_text(encoding="utf-8")


def test_second_start_installs_nothing(installed):
    root, _ = installed
    again = start(root, "test", PYTHONIOENCODING="ascii", PIP_FIND_LINKS="/nowhere")
    assert again.stdout.startswith("RUNS ")
    assert again.returncode == 3


def test_packages_of_another_python_do_not_get_in(installed, tmp_path):
    root, _ = installed
    install_fake(tmp_path, "course-stub", "0.9")
    again = start(root, "test", PYTHONPATH=str(tmp_path))
    assert again.stdout.startswith(f"RUNS {root / '.venv'} [")


def test_folder_can_be_started_from_anywhere(installed, tmp_path):
    root, _ = installed
    command = [base_python(), str(root / "course_lib"), "test"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60)
    assert done.stdout.startswith(f"RUNS {root / '.venv'} [")


def test_interrupted_package_is_installed_again(installed):
    # As if the start had been killed while pip was unpacking: no stamp, METADATA there, INSTALLER not yet.
    root, _ = installed
    (info,) = (root / ".venv").glob("lib/python*/site-packages/course_stub-1.5.dist-info")
    (info.parent / "pytest.py").unlink()
    (info / "INSTALLER").unlink()
    (root / ".venv" / environment.STAMP).unlink()
    again = start(root, "test")
    assert "RUNS" in again.stdout, again.stderr
    assert (root / ".venv" / environment.STAMP).is_file()


def test_no_network_is_said_in_one_sentence(installed):
    root, _ = installed
    (root / "requirements.txt").write_text("course-missing>=1\n-e .\n")
    try:
        failed = start(root, "test", PIP_NO_INDEX="0", PIP_INDEX_URL="http://127.0.0.1:9/", PIP_FIND_LINKS="")
    finally:
        write_requirements(root)
    assert failed.returncode == 1
    assert failed.stderr.startswith("The packages could not be downloaded: no network connection.")
    assert failed.stderr.count("\n") == 1
    assert str(root / ".venv" / environment.LOG) in failed.stderr
    assert not (root / ".venv" / environment.STAMP).exists()


def write_requirements(root):
    (root / "requirements.txt").write_text("course-stub>=1.0,<2  # a comment\n\n-e .\n")


# What an environment has


def install_fake(folder, name, version, url=None):
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if url is not None:
        (info / "direct_url.json").write_text(f'{{"dir_info": {{"editable": true}}, "url": "{url}"}}')


def test_real_requirements_are_read_and_met_here():
    found = dict(environment.requirements(ROOT))
    assert re.fullmatch(r">=[\d.]+,<[\d.]+", found["numpy"])
    assert all("<" in bounds and ">=" in bounds for bounds in found.values())
    assert list(environment.unmet(ROOT)) == []


def test_project_name_is_that_of_pyproject():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"] == environment.PROJECT


@pytest.mark.parametrize(
    ("version", "bounds", "expected"),
    [
        ("2.1", ">=2.1,<3", True),
        ("2.1.0", ">=2.1,<3", True),
        ("2.10.1", ">=2.9,<3", True),
        ("2.0.9", ">=2.1,<3", False),
        ("3.0", ">=2.1,<3", False),
        ("3.0.0rc1", ">=2.1,<3", False),
        ("2.5.post1", ">=2.1,<3", True),
        ("0.10", ">=0.9.6,<0.10", False),
        ("2", ">=2.0.0", True),
        ("7", "", True),
    ],
)
def test_satisfies(version, bounds, expected):
    assert environment.satisfies(version, bounds) is expected


@pytest.mark.parametrize("line", ["numpy==2.1", "numpy>=2; python_version<'3.12'", "git+https://x.org/y"])
def test_requirement_of_another_form_is_refused(course, line):
    (course / "requirements.txt").write_text(line)
    with pytest.raises(ValueError, match=re.escape(repr(line))):
        environment.requirements(course)


def test_unmet_names_what_is_missing(course, tmp_path):
    other = write_course(tmp_path / "other")
    empty, old, elsewhere, plain, right = (
        tmp_path / name for name in ("empty", "old", "elsewhere", "plain", "right")
    )
    install_fake(old, "course-stub", "0.9")
    install_fake(old, environment.PROJECT, "0.1.0", course.as_uri())
    install_fake(elsewhere, "course_stub", "1.0")
    install_fake(elsewhere, environment.PROJECT, "0.1.0", other.as_uri())
    install_fake(plain, "course-stub", "1.0")
    install_fake(plain, environment.PROJECT, "0.1.0")
    install_fake(right, "course-stub", "1.0")
    install_fake(right, environment.PROJECT, "0.1.0", course.as_uri())

    def unmet(folder):
        return list(environment.unmet(course, [str(folder)]))

    assert len(unmet(empty)) == 2
    assert unmet(old) == ["course-stub>=1.0,<2 (0.9 is installed)"]
    assert unmet(elsewhere) == [f"optimization-course, editable, from {course} ({other.as_uri()} is installed)"]
    assert unmet(plain) == [f"optimization-course, editable, from {course} (nothing is installed)"]
    assert unmet(right) == []


def test_complete_environment_is_used_as_it_is(monkeypatch, course):
    monkeypatch.setattr(environment, "unmet", lambda root: iter(()))
    assert environment.ensure(["lab"], course) is None
    assert not (course / ".venv").exists()


# The stamp


@pytest.fixture
def ready(course):
    venv = course / ".venv"
    environment.python_of(venv).parent.mkdir(parents=True)
    environment.python_of(venv).touch()
    (venv / "pyvenv.cfg").write_text("version = 3.12.1")
    (venv / environment.STAMP).write_text(environment.fingerprint(course))
    return course


def test_stamp_matches(ready):
    assert environment.is_ready(ready)


@pytest.mark.parametrize("file", ["requirements.txt", "pyproject.toml", ".venv/pyvenv.cfg"])
def test_stamp_is_out_of_date_when_a_file_changed(ready, file):
    with open(ready / file, "a") as stream:
        stream.write("# changed\n")
    assert not environment.is_ready(ready)


def test_stamp_is_out_of_date_in_a_moved_clone(ready):
    moved = ready.rename(ready.parent / "moved")
    assert not environment.is_ready(moved)


@pytest.mark.parametrize("file", [environment.STAMP, "pyvenv.cfg", str(environment.python_of(Path()))])
def test_not_ready_without(ready, file):
    (ready / ".venv" / file).unlink()
    assert not environment.is_ready(ready)


def test_changed_environment_is_repaired_by_the_python_that_made_it(monkeypatch, ready):
    class Replaced(Exception):
        pass

    def execve(python, command, variables):
        raise Replaced(python, command[1:])

    monkeypatch.setattr(environment.os, "name", "posix")
    monkeypatch.setattr(environment.os, "execve", execve)
    monkeypatch.setattr(sys, "prefix", str(ready / ".venv"))
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    with pytest.raises(Replaced) as replaced:
        environment.ensure(["lab"], ready)
    assert replaced.value.args == (sys._base_executable, [str(ready / "course_lib"), "lab"])
    assert not environment.is_ready(ready)
    # Not a second time, or both would call each other for ever.
    monkeypatch.setenv("COURSE_LIB_JUST_INSTALLED", "1")
    with pytest.raises(environment.SetupProblem, match="something is missing: course-stub"):
        environment.ensure(["lab"], ready)


# A .venv that does not work, or is something else


@pytest.mark.parametrize("state", ["dangling link", "half made", "copied"])
def test_broken_venv_is_made_anew(course, capsys, monkeypatch, state):
    venv = course / ".venv"
    python = environment.python_of(venv)
    python.parent.mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("home = /gone")
    (venv / "lib").mkdir()
    (venv / "lib" / "rubbish.py").touch()
    if state == "dangling link":
        python.symlink_to("/gone/python3")
    elif state == "copied":  # its scripts start the Python of the clone that it was copied from
        python.symlink_to(sys.executable)
        (venv / environment.STAMP).write_text(f"{course.parent / 'first clone'}\nabc")
        monkeypatch.setattr(environment, "_output", lambda command: "3 12\n")
    made = []
    run = subprocess.run

    def no_pip(command, **options):  # ensurepip takes seconds
        if command[1:3] != ["-m", "venv"]:
            return run(command, **options)
        made.append(command)
        return run([*command, "--without-pip"], **options)

    monkeypatch.setattr(environment.subprocess, "run", no_pip)
    environment.make_venv(venv)
    assert made == [[sys.executable, "-m", "venv", str(venv)]]
    assert "does not work here; it is made anew" in capsys.readouterr().out
    assert not (venv / "lib" / "rubbish.py").exists()
    assert run([python, "-c", "pass"]).returncode == 0


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_foreign_venv_is_left_alone(course, kind):
    venv = course / ".venv"
    if kind == "file":
        venv.write_text("mine")
    elif kind == "folder":
        venv.mkdir()
        (venv / "mine").touch()
    else:
        venv.symlink_to(course / "gone")
    with pytest.raises(environment.SetupProblem, match="is not a virtual environment: move or delete it"):
        environment.make_venv(venv)
    assert os.path.lexists(venv)
    if kind == "file":
        assert venv.read_text() == "mine"
    if kind == "folder":
        assert [file.name for file in venv.iterdir()] == ["mine"]


def test_venv_of_an_old_python_is_explained(course, monkeypatch):
    (course / ".venv").mkdir()
    (course / ".venv" / "pyvenv.cfg").touch()
    monkeypatch.setattr(environment, "_output", lambda command: "3 8\n")
    with pytest.raises(environment.SetupProblem, match=r"uses Python 3\.8, which is too old"):
        environment.make_venv(course / ".venv")


def test_missing_ensurepip_names_the_package(course, monkeypatch):
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(environment.SetupProblem, match="sudo apt install python3-venv"):
        environment.make_venv(course / ".venv")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(13, "Permission denied", "/x/.venv"), "may not be written to"),
        (OSError(28, "No space left on device"), "The disk is full"),
        (OSError(5, "Input/output error"), "could not be set up: .*Input/output error"),
    ],
)
def test_system_errors_are_explained(course, monkeypatch, error, sentence):
    def fail(root):
        raise error

    monkeypatch.setattr(environment, "install", fail)
    with pytest.raises(environment.SetupProblem, match=sentence):
        environment.ensure(["lab"], course)


def test_two_starts_do_not_install_at_the_same_time(course):
    with environment._alone(course):
        second = start(course, "lab")
    assert second.returncode == 1
    assert second.stderr.startswith("Another start of the course is installing its packages right now")
    assert not (course / ".venv").exists()
    with environment._alone(course):  # free again
        pass


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_pip_and_is_one_sentence(course):
    # A pip that reads a pipe nobody writes to: it never ends by itself.
    bin_folder = course / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    (course / ".venv" / "pyvenv.cfg").touch()
    os.mkfifo(course / "silence")
    script = '#!/bin/sh\ncase "$*" in *version_info*) echo 3 12;; *install*) echo Collecting x; echo $$ > pid\n'
    (bin_folder / "python").write_text(
        script + "echo 'Downloading x-1.0-any.whl (1 kB)'; exec cat silence;; esac\n"
    )
    (bin_folder / "python").chmod(0o755)
    command = [base_python(), "-m", "course_lib", "lab"]
    with subprocess.Popen(
        command, cwd=course, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while "x 1.0 (1 kB)" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.kill(int((course / "pid").read_text()), signal.SIGKILL)  # or this test would wait for ever
            raise
    assert process.returncode == 130
    assert said.strip() == "Stopped. Run the same command again to go on: what is downloaded is kept."
    with pytest.raises(ProcessLookupError):
        os.kill(int((course / "pid").read_text()), 0)
    assert not (course / ".venv" / environment.STAMP).exists()


def test_other_failures_quote_pip_and_name_the_log(course, monkeypatch):
    bin_folder = environment.python_of(course / ".venv").parent
    bin_folder.mkdir(parents=True)
    quoted = "import sys; print('ERROR: first'); print('ERROR: the last one'); sys.exit(1)"
    popen = subprocess.Popen
    monkeypatch.setattr(
        environment.subprocess,
        "Popen",
        lambda command, **options: popen([sys.executable, "-c", quoted], **options),
    )
    with pytest.raises(
        environment.SetupProblem, match=r"pip could not .*: the last one\. \(Details: .*install\.log\)"
    ):
        environment.pip_install(course)


# The command line


def test_old_pythons_can_read_the_refusal():
    for name in ("__init__.py", "__main__.py"):
        ast.parse((ROOT / "course_lib" / name).read_text(encoding="utf-8"), feature_version=(3, 6))


def test_old_python_is_refused_in_one_sentence(monkeypatch):
    source = (ROOT / "course_lib" / "__main__.py").read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    monkeypatch.setattr(sys, "version", "3.8.18 (default)")
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; this is 3\.8\.18 \(.*\)"):
        exec(compile(source, "__main__.py", "exec"), {"__name__": "__main__", "__package__": "course_lib"})


def test_arguments_are_read_on_a_bare_python(tmp_path):
    for name in command_line.COMMANDS:
        command = [base_python(), "-I", "-S", str(ROOT / "course_lib"), name, "--help"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.stdout.startswith(f"usage: python3 -m course_lib {name}"), done.stderr


def test_library_without_the_course_is_explained(tmp_path):
    with pytest.raises(environment.SetupProblem, match="get the whole course"):
        environment.ensure(["lab"], tmp_path)


def test_no_command_prints_the_help(capsys):
    assert command_line.main([]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n    {name} " in printed for name in command_line.COMMANDS)


@pytest.mark.parametrize(
    "argv", [["lba"], ["build", "--no-such-option"], ["lab", "--port", "many"], ["--port", "1"]]
)
def test_wrong_command_line_is_refused(capsys, no_setup, argv):
    with pytest.raises(SystemExit) as exit_:
        command_line.main(argv)
    assert exit_.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_problem_is_printed_and_ends_with_1(monkeypatch, capsys):
    def fail(argv):
        raise environment.SetupProblem("One sentence.")

    monkeypatch.setattr(environment, "ensure", fail)
    assert command_line.main(["lab"]) == 1
    assert capsys.readouterr().err == "One sentence.\n"


@pytest.mark.parametrize(
    ("argv", "passed"),
    [
        ([], []),
        (["--no-browser", "--port", "8899"], ["--no-browser", "--port=8899"]),
        (["--IdentityProvider.token=a b", "--debug"], ["--IdentityProvider.token=a b", "--debug"]),
        (["--LabApp.default_url=/lab"], ["--LabApp.default_url=/lab"]),
    ],
)
@pytest.mark.parametrize("root", [False, True])
def test_lab_starts_jupyterlab_on_the_welcome_page(monkeypatch, no_setup, capsys, argv, passed, root):
    from jupyterlab.labapp import LabApp

    monkeypatch.setattr(lab, "is_root", lambda: root)
    calls = []
    monkeypatch.chdir("/")
    monkeypatch.setattr(LabApp, "launch_instance", lambda arguments: calls.append((os.getcwd(), arguments)))
    assert command_line.main(["lab", *argv]) == 0
    welcome = "--LabApp.default_url=/lab/tree/notebooks/welcome.ipynb"
    ours = [f"--ServerApp.root_dir={ROOT}", welcome, *lab.NO_NEWS]
    command = ours + passed
    if root:  # an --ip of the user's comes after ours, and wins
        own = [word for word in passed if word in ("--no-browser", "--port=8899")]
        command = [*ours, *own, "--ServerApp.ip=127.0.0.1", "--allow-root", *passed[len(own) :]]
    assert calls == [(str(ROOT), command)]
    assert ("You are root" in capsys.readouterr().out) == root


def test_welcome_page_exists():
    assert (ROOT / lab.WELCOME.removeprefix("/lab/tree/")).is_file()


@pytest.mark.parametrize(
    "argv", [["-x", "tests/a.py", "-k", "a or b"], ["--version"], ["-p", "no:cacheprovider", "-vv", "--lf"]]
)
def test_test_passes_arguments_and_exit_code_on(monkeypatch, no_setup, argv):
    calls = []
    monkeypatch.chdir("/")
    monkeypatch.setattr(pytest, "main", lambda arguments: calls.append((os.getcwd(), arguments)) or 5)
    assert command_line.main(["test", *argv]) == 5
    assert calls == [(str(ROOT), argv)]


@pytest.mark.parametrize(("cores", "workers"), [(1, "1"), (2, "2"), (64, "4"), (None, "1")])
def test_the_whole_suite_runs_on_several_cores(monkeypatch, no_setup, cores, workers):
    calls = []
    monkeypatch.chdir("/")
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(pytest, "main", lambda arguments: calls.append(arguments) or 0)
    assert command_line.main(["test"]) == 0
    assert calls == [["-n", workers, "--dist", "loadfile"]]


def test_the_benchmark_runs_with_whatever_peers_there_are():
    done = subprocess.run(
        [sys.executable, "-m", "course_lib", "bench", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    ours = [line for line in rows if "step" in line or "EMA" in line or "digits" in line or "batches" in line]
    assert len(ours) >= 20
    assert "Streaming limit measured" in done.stdout
    assert any("SciPy lfilter" in line for line in rows)
