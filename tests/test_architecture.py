"""An import only ever points to a lower floor, and the learner's floors need no server, kernel or subprocess."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = [  # lowest first; modules on one line do not know each other
    {"validation", "engine", "slips"},
    {"averages", "minibatch", "optimizers", "schedules", "networks", "datasets", "plotting"},
    {"landscapes", "curvature", "search", "training"},
    {"comparing", "restoring", "reading"},
    {"exercises"},
    {"running"},
    {"diagnosing"},
    {"checking"},
    {"classroom"},
    {"grading"},
    {"commands"},
]
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in sorted(names)}
LEARNERS = sorted(name for name, floor in FLOOR_OF.items() if floor <= FLOOR_OF["checking"])
SERVERS = {
    "nbconvert",
    "nbclient",
    "nbgrader",
    "nbformat",
    "jupyter_client",
    "jupyter_server",
    "zmq",
    "subprocess",
}


def files_of(module):
    path = ROOT / "course_lib" / module
    return sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def imports_of(module):
    """Return the top-level packages that a module imports, and the modules of the course among them."""
    packages, own = set(), set()
    for path in files_of(module):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                first, *rest = name.split(".")
                packages.add(first)
                if first == "course_lib" and rest:
                    own.add(rest[0])
    return packages, own - {module}


def test_every_module_has_its_floor():
    found = {p.stem for p in (ROOT / "course_lib").glob("*.py")} | {
        p.name for p in (ROOT / "course_lib").iterdir() if (p / "__init__.py").exists()
    }
    assert found - {"__init__", "__main__"} == set(FLOOR_OF)


@pytest.mark.parametrize("module", FLOOR_OF)
def test_imports_point_down(module):
    _, own = imports_of(module)
    assert {name for name in own if FLOOR_OF[name] >= FLOOR_OF[module]} == set()


@pytest.mark.parametrize("module", LEARNERS)
def test_what_learners_import_needs_no_server(module):
    packages, _ = imports_of(module)
    assert packages & SERVERS == set()
