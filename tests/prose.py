"""Numbers in a page's sentences and alt texts, and the output above that bears them out.

`python tests/prose.py` writes down in golden/prose.json which numbers are borne out today. From then on a test
holds sentence and output together: a number that was borne out and no longer is has gone stale.
"""

import json
import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = Path(__file__).parent / "golden" / "prose.json"
PAGES = sorted((ROOT / "solutions").glob("week*/*.ipynb"))
NUMBER = re.compile(r"(?<![\w.,-])[-−]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?![\w]|[.,]\d)")


def numbers_in(text: str) -> list[str]:
    """Return the numbers of a text that say something: with a point, or of three digits and more; no years."""
    found = (match.replace("−", "-").replace(",", "") for match in NUMBER.findall(text))
    return [
        n
        for n in dict.fromkeys(found)
        if "." in n or (len(n.lstrip("-")) > 2 and not re.fullmatch("(19|20)..", n))
    ]


def prose_of(cell) -> str:
    """Return what a markdown cell says, without code, formulas and addresses; of a code cell, its alt texts."""
    if cell.cell_type == "markdown":
        text = re.sub(
            r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)|https?://\S+", " ", cell.source, flags=re.DOTALL
        )
        return re.sub(r"<!--.*?-->", " ", text, flags=re.DOTALL)
    alts = [o.get("metadata", {}).get("image/png", {}).get("alt", "") for o in cell.get("outputs", [])]
    return "\n".join(alts)


def output_of(cell) -> str:
    """Return what a code cell printed."""
    texts = []
    for output in cell.get("outputs", []):
        texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return "\n".join(texts)


def is_borne_out(number: str, printed: list[str]) -> bool:
    """Whether a number was printed, perhaps with more digits; a percentage as a share, too."""
    if number in printed:
        return True
    digits = len(number.partition(".")[2]) if "." in number else 0
    for other in printed:
        if len(other.partition(".")[2]) > digits and abs(round(float(other), digits) - float(number)) < 1e-12:
            return True
        if "." in other and abs(round(100 * float(other), digits) - float(number)) < 1e-9:
            return True
    return False


def borne_out(page: Path) -> dict[str, list[str]]:
    """Return for each cell the numbers of its prose that were printed above it, or by itself."""
    found, printed = {}, []
    for cell in nbformat.read(page, as_version=4).cells:
        if cell.cell_type == "code":
            printed += [
                n.replace(",", "") for n in re.findall(r"-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?", output_of(cell))
            ]
            printed = [n.rstrip(",") for n in printed]
        own = [number for number in numbers_in(prose_of(cell)) if is_borne_out(number, printed)]
        if own:
            found[cell.id] = own
    return found


def all_numbers(page: Path) -> dict[str, list[str]]:
    """Return for each cell all numbers of its prose."""
    cells = nbformat.read(page, as_version=4).cells
    return {cell.id: numbers for cell in cells if (numbers := numbers_in(prose_of(cell)))}


if __name__ == "__main__":
    GOLDEN.write_text(
        json.dumps({page.stem: borne_out(page) for page in PAGES}, indent=1, ensure_ascii=False) + "\n"
    )
