"""Find and read what learners handed in: ``submitted/<student>/<week>/<week>.ipynb``, or what comes close to it.

Folders and files are strangers' work too: nothing here follows a link, waits for a pipe or reads without a limit.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LARGEST", "Submission", "Unreadable", "find_submissions", "read_submission"]

LARGEST = 50_000_000  # bytes; a week with all its plots has less than one million
KEPT = ".unreadable"  # the plain nbgrader path keeps a file that it could not read under this name


class Unreadable(Exception):
    """A file that cannot be graded; the text is a sentence for the learner."""


@dataclass(frozen=True)
class Submission:
    """One learner's file; ``path`` is None where the folder holds no notebook."""

    student: str
    path: Path | None


def find_submissions(submitted: Path, week: str) -> tuple[list[Submission], list[str]]:
    """Return the submissions of a week in order of the learners' names, and a sentence for each odd thing.

    Parameters
    ----------
    submitted : Path
        nbgrader's folder of that name.
    week : str
        Such as ``"week01_minibatch"``.
    """
    found, notes = [], []
    for folder in sorted(submitted.iterdir()) if submitted.is_dir() else []:
        student = folder.name
        if student.startswith("."):
            continue
        if not _is_text(student):
            notes.append(f"{student!r}: the folder's name is not valid UTF-8; rename it, then grade again.")
        elif not folder.is_dir():
            notes.append(f"{student}: a file among the learners' folders; ignored.")
        else:
            path, note = _find_notebook(folder, week)
            if path is not None or (folder / week).is_dir():
                found.append(Submission(student, path))
            if note:
                notes.append(f"{student}: {note}")
    return found, notes


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _find_notebook(folder: Path, week: str) -> tuple[Path | None, str]:
    """Return the notebook of one learner, and what is odd about where it is."""
    expected = folder / week / f"{week}.ipynb"
    kept = expected.with_name(expected.name + KEPT)
    if os.path.lexists(kept):
        return kept, ""
    if os.path.lexists(expected):
        return expected, ""
    if os.path.lexists(folder / f"{week}.ipynb"):
        return folder / f"{week}.ipynb", f"{week}.ipynb lies beside the folder {week}, not in it; graded."
    inside = sorted((folder / week).rglob("*.ipynb")) if _is_folder(folder / week) else []
    inside = [path for path in inside if ".ipynb_checkpoints" not in path.parts]
    named = [path for path in inside if path.name.lower().startswith(week[:6])] or inside
    if len(named) == 1:
        return named[0], f"graded {named[0].relative_to(folder)}, as there is no {week}.ipynb."
    if named:
        names = ", ".join(str(path.relative_to(folder / week)) for path in named)
        return None, f"no {week}.ipynb, but {names}: rename the one that counts, then grade again."
    return None, f"no notebook in the folder {week}." if (folder / week).is_dir() else ""


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def read_submission(submission: Submission) -> bytes:
    """Return the content of a learner's file.

    Raises
    ------
    Unreadable
        If there is no file, or it is a link, not a plain file, or larger than `LARGEST`.
    """
    path = submission.path
    if path is None:
        raise Unreadable("No notebook was found in what you handed in.")
    if path.parent.is_symlink():
        raise Unreadable("The folder is a link to another place; hand in the notebook itself.")
    try:
        file = open(path, "rb", opener=_open_carefully)  # noqa: SIM115
    except OSError as error:
        raise Unreadable(f"The file could not be opened ({error.strerror}).") from error
    with file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise Unreadable("It is not a file but a pipe or a device.")
        if info.st_size > LARGEST:
            raise Unreadable(
                f"The file has {info.st_size / 1e6:.0f} MB; at most {LARGEST / 1e6:.0f} MB are read. "
                "In JupyterLab: Edit, Clear Outputs of All Cells, save, and hand it in again."
            )
        return file.read(LARGEST)


def _open_carefully(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe must not make us wait
