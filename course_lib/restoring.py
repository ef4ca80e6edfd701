"""Which cells of a submitted notebook stand for the cells that the course gave out, whatever became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["PUT_BACK", "Given", "cells_that_count", "name_of"]

PUT_BACK = "This cell was missing from what was handed in; it was put back for grading."


@dataclass(frozen=True)
class Given:
    """A cell with a name (nbgrader's ``grade_id``), as the course gave it out.

    Attributes
    ----------
    cell_type : str
        "code" or "markdown".
    source : str
        Its text.
    metadata : mapping
        What nbgrader writes down about it.
    """

    cell_type: str
    source: str
    metadata: Mapping[str, Any]

    @property
    def written(self) -> bool:
        """Whether it is a written answer, which a person grades."""
        return bool(self.metadata["grade"] and self.metadata["solution"])


def name_of(cell: Mapping[str, Any], given: Mapping[str, Given]) -> str | None:
    """Return the name of a submitted cell: from its nbgrader metadata or, where those were lost, its id."""
    metadata = cell.get("metadata")
    entry = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
    grade_id = str(entry.get("grade_id")) if isinstance(entry, Mapping) else None
    return next((name for name in (grade_id, cell.get("id")) if isinstance(name, str) and name in given), None)


def cells_that_count(cells: Sequence[Mapping[str, Any]], given: Mapping[str, Given]) -> dict[str, int]:
    """Return for every named cell that was handed in which one counts.

    Of several copies it is the last, as it is in the kernel; of a written answer the last that says something.

    Parameters
    ----------
    cells : sequence of mapping
        The submitted cells, as nbformat has them.
    given : mapping
        The named cells that the course gave out.
    """
    found: dict[str, list[int]] = {}
    for index, cell in enumerate(cells):
        name = name_of(cell, given)
        if name is not None:
            found.setdefault(name, []).append(index)
    count = {}
    for name, indices in found.items():
        answered = [index for index in indices if cells[index]["source"] != given[name].source]
        count[name] = (answered if given[name].written and answered else indices)[-1]
    return count
