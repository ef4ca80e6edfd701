"""What a run of the grader keeps on disk, so that it can be stopped at any moment and started again.

``graded/<week>/run.json`` holds the seed and the settings, ``graded/<week>/students/<student>/result.json`` the
result of each submission, ``merged.json`` beside it what of it has reached the gradebook. Files appear whole or
not at all.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Store", "digest", "exercises_digest", "write_whole"]

AROUND = {"batch", "feedback", "gradebook", "report", "similarity", "store", "submissions"}  # decide on no points


def write_whole(path: Path, content: str | bytes):
    """Write a file so that at every moment there is the old one or the new one, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    try:
        with open(new, "wb") as file:
            file.write(content.encode(errors="replace") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def digest(*parts: Any) -> str:
    """Return the SHA-256 of `parts`, each bytes or something that JSON can hold."""
    total = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
        total.update(len(content).to_bytes(8, "big") + content)
    return total.hexdigest()


def exercises_digest(package: Path, notebook: Path, week: str) -> str:
    """Return the digest of all that decides about points: the library, the week's bank, the grader, the notebook.

    Parameters
    ----------
    package : Path
        The folder ``course_lib``.
    notebook : Path
        The week as it was released.
    week : str
        Its name.
    """
    bank = package / "exercises"
    files = [*package.glob("*.py"), bank / "__init__.py", *bank.glob(f"{week[:6]}*.py")]
    files += [path for path in package.glob("grading/*.py") if path.stem not in AROUND]
    files.sort()
    versions = [platform.python_version(), np.__version__]
    return digest(versions, [path.name for path in files], *(path.read_bytes() for path in [*files, notebook]))


class Store:
    """The results of one week.

    Parameters
    ----------
    folder : Path
        Where they are kept; created when something is written.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second grader away; the lock ends with the process that holds it, however it ends.

        Raises
        ------
        BlockingIOError
            If another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def start_run(self, settings: dict, *, seed: int | None = None, new: bool = False) -> int:
        """Return the seed of the run and record it with the settings.

        The seed of the last run goes on, so that latecomers meet the same cases as their class; another is drawn
        for the first run and for a `new` one.
        """
        last = _read(self.folder / "run.json")
        if seed is None:
            seed = secrets.randbits(32) if last is None or new else last["seed"]
        write_whole(self.folder / "run.json", json.dumps({"seed": seed} | settings, indent=1))
        return seed

    def result(self, student: str) -> dict | None:
        """Return the stored record of a learner: key, isolation, result."""
        return _read(self._folder(student) / "result.json")

    def save_result(self, student: str, record: dict):
        """Store the record of a learner."""
        write_whole(self._folder(student) / "result.json", json.dumps(record))

    def merged(self, student: str) -> dict | None:
        """Return what was last told to the gradebook about a learner."""
        return _read(self._folder(student) / "merged.json")

    def save_merged(self, student: str, record: dict):
        """Remember what was told to the gradebook about a learner."""
        write_whole(self._folder(student) / "merged.json", json.dumps(record))

    def _folder(self, student: str) -> Path:
        return self.folder / "students" / student


def _read(path: Path) -> dict | None:
    """Return the content of a JSON file; None where there is none, or where a disk returned half of one."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
