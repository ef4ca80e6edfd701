"""A stand-in for `grade_notebook` on the toy week: the same result, from the text of the answers alone.

Some answers do to the grader's own process what no sandbox lets a real one do.
"""

import os
import signal
import time
from pathlib import Path

import nbformat

SLOW = "SLOW"


def grade(source: bytes, log: Path | None = None) -> dict:
    """Grade a submission to the toy week; with `log`, note there that it was run."""
    try:
        nb = nbformat.reads(source.decode(), as_version=4)
    except Exception:
        return ended("unreadable", "It is not a notebook.")
    answers = {cell.id: cell.source for cell in nb.cells}
    if log is not None:
        with open(log, "a") as file:
            file.write(answers["reflection"] + "\n")
    halves, colour = answers["halves"], answers["colour"]
    if "KILL" in halves:
        os.kill(os.getpid(), signal.SIGKILL)
    if "KILL ONCE" in colour and not os.path.exists(f"{log}.killed"):
        Path(f"{log}.killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if "BUG" in halves:
        raise ZeroDivisionError("a bug in the grader")
    if SLOW in halves:
        time.sleep(float(halves.split(SLOW)[1].split()[0]))
    even, odd = "n // 2" in halves or "(n + 1) // 2" in halves, "(n + 1) // 2" in halves
    status = "right" if odd else "wrong" if "return" in halves else "not attempted"
    chosen = colour.partition("=")[2].strip(' "')
    verdicts = [
        verdict(
            "halves",
            status,
            even + odd,
            2,
            parts=[["even", 1, even], ["odd", 1, odd]],
            misconception="rounds_down" if even and not odd else None,
            message="Not <b>so</b>: expected 3, got `2`." if not odd else "All cases agree.",
            case="" if odd else "halves(5)",
        ),
        verdict("colour", "right" if chosen == "b" else "wrong", chosen == "b", 1),
    ]
    stub = "*Write your answer here.*"
    written = [
        {
            "grade_id": "reflection",
            "source": answers["reflection"],
            "max_points": 4,
            "answered": answers["reflection"] != stub,
        }
    ]
    cells = [
        {
            "id": cell.id,
            "kind": cell.cell_type,
            "source": cell.source,
            "grade_id": cell.metadata.get("nbgrader", {}).get("grade_id"),
            "repaired": "",
            "printed": "",
            "error": "",
        }
        for cell in nb.cells
    ]
    return ended("graded", "") | {"seconds": 0.01, "cells": cells, "verdicts": verdicts, "written": written}


def verdict(name, status, points, max_points, *, parts=(), misconception=None, message="", case=""):
    return {
        "grade_id": f"check_{name}",
        "exercise": name,
        "status": status,
        "points": float(points),
        "max_points": max_points,
        "misconception": misconception,
        "message": message,
        "case": case,
        "parts": list(parts),
        "printed": "",
        "uses_library": [],
    }


def ended(status, reason):
    nothing = {"cells": [], "verdicts": [], "written": [], "repairs": []}
    return {"status": status, "reason": reason, "seconds": 0.0} | nothing
