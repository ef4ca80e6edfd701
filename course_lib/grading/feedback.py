"""The page that a learner gets back: their code, the verdict, and what people have added."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from course_lib.grading.gradebook import Week, verdict_of

__all__ = ["feedback_page", "pages", "summary"]

pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TITLES = {
    "not attempted": "Nothing to grade",
    "timed out": "Stopped: it ran too long",
    "crashed": "It crashed",
    "out of memory": "It ran out of memory",
    "unreadable": "The file could not be read",
}


def summary(result: dict) -> str:
    """Return, as Markdown, what has to be said about a submission as a whole; often nothing."""
    lines = []
    if result["status"] != "graded":
        lines.append(f"**{TITLES[result['status']]}.** {result['reason']}")
    return "\n\n".join(lines + [f"- {sentence}" for sentence in result["repairs"]])


def feedback_page(week: Week, student: str, result: dict, grades: dict[str, dict]) -> str:
    """Return a learner's page as HTML. It holds neither code of hidden tests nor seeds.

    Parameters
    ----------
    week : Week
        As released.
    student : str
        Name of the learner.
    result : dict
        What `course_lib.grading.judging.grade_notebook` returned.
    grades : dict
        What the gradebook says, see `course_lib.grading.gradebook.ClassGradebook.grades`.
    """
    cells = {cell["grade_id"]: cell for cell in result["cells"] if cell["grade_id"]}
    shown = {entry["exercise"] for entry in result["verdicts"]}
    exercises = []
    for entry in result["verdicts"]:
        verdict = verdict_of(entry)
        answer = cells.get(verdict.exercise)
        exercises.append(
            {
                "name": verdict.exercise,
                "code": answer["source"] if answer else "",
                "printed": answer["printed"] if answer else "",
                "error": answer["error"] if answer else "",
                "card": Markup(verdict.to_html()),  # escapes what comes from the learner
                "uses_library": entry["uses_library"],
                "differences": entry.get("differences", []),
                **_by_people(grades, entry["grade_id"], verdict.exercise),
            }
        )
    written = [
        {"text": cells[entry["grade_id"]]["source"] if entry["grade_id"] in cells else entry["source"]}
        | {"answered": entry["answered"], "max_points": entry["max_points"]}
        | _by_people(grades, entry["grade_id"], entry["grade_id"])
        for entry in result["written"]
    ]
    scores = {name: _score(entry) for name, entry in grades.items() if name in week.points}
    return pages.get_template("feedback.html").render(
        week=week.name,
        student=student,
        result=result,
        title=TITLES.get(result["status"], ""),
        exercises=exercises,
        written=written,
        errors=[cell for cell in result["cells"] if cell["error"] and cell["grade_id"] not in shown],
        score=sum(score for score in scores.values() if score is not None),
        max_score=sum(week.points.values()),
        waiting=[name for name, entry in grades.items() if entry.get("needs_manual_grade")],
    )


def _score(entry: dict) -> float | None:
    """Return the points of a cell as nbgrader counts them; None where there are none yet."""
    points = entry["auto_score"] if entry["manual_score"] is None else entry["manual_score"]
    return points if points is None else points + (entry["extra_credit"] or 0.0)


def _by_people(grades: dict[str, dict], graded: str, answer: str) -> dict:
    """Return the points of a cell, and what a person has added to the automatic ones."""
    entry = grades.get(graded, {"auto_score": None, "manual_score": None, "extra_credit": None})
    by_hand = entry["manual_score"] is not None or bool(entry["extra_credit"])
    comment = grades.get(f"comment on {answer}", {}).get("comment", "")
    return {"points": _score(entry), "by_hand": by_hand, "comment": comment}
