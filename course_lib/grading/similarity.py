"""Find submissions that are nearly the same in what is unusual about them: a hint where to look, not a proof."""

import ast
import itertools
from collections import Counter
from hashlib import blake2b

import numpy as np

__all__ = ["Similar", "fingerprint", "near_identical"]

CODE_WINDOW = 12  # nodes of the syntax tree, about one line of code
TEXT_WINDOW = 4  # words
COMMON = 0.05  # what more than this share of a class has written is what one writes
MOST = 50  # ... and what more than this many have
FEWEST = 30  # unusual pieces that two submissions must share
ALIKE = 0.7  # share of the unusual pieces of either that are the other's, too

Similar = tuple[str, str, float]


def fingerprint(code: list[str], text: list[str]) -> np.ndarray:
    """Return the hashes of all short pieces of a submission.

    In code, names of variables, comments, strings and layout do not count; in written answers, capitals and
    punctuation do not.
    """
    pieces = set()
    for source in code:
        pieces |= _windows(_shape(source), CODE_WINDOW)
    for source in text:
        words = "".join(letter if letter.isalnum() else " " for letter in source.lower()).split()
        pieces |= _windows(words, TEXT_WINDOW)
    hashes = (blake2b("\0".join(piece).encode(errors="replace"), digest_size=8).digest() for piece in pieces)
    return np.frombuffer(b"".join(sorted(hashes)), dtype=np.uint64)


def _windows(items: list[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(items[start : start + length]) for start in range(len(items) - length + 1)}


def _shape(source: str) -> list[str]:
    """Return the nodes of the syntax tree in order, assigned names numbered; nothing for code that is none."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    nodes = list(ast.walk(tree))
    own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    numbers: dict[str, int] = {}
    shape, todo = [], [tree]
    while todo:  # in order, without recursion: a learner's expression may be nested deeply
        node = todo.pop()
        label = type(node).__name__
        if isinstance(node, ast.Name):
            label += f" {numbers.setdefault(node.id, len(numbers))}" if node.id in own else f" {node.id}"
        elif isinstance(node, ast.Attribute):
            label += f" {node.attr}"
        elif isinstance(node, ast.Constant):
            label += "" if isinstance(node.value, str) else f" {node.value!r:.40}"
        if not isinstance(node, ast.expr_context):
            shape.append(label)
        todo.extend(reversed(list(ast.iter_child_nodes(node))))
    return shape


def near_identical(fingerprints: dict[str, np.ndarray], known: np.ndarray) -> list[Similar]:
    """Return the pairs of learners whose unusual pieces agree, the most similar first.

    Parameters
    ----------
    fingerprints : dict
        For each learner what `fingerprint` returned.
    known : ndarray
        Pieces that everybody was given.
    """
    students = list(fingerprints)
    if len(students) < 2:
        return []
    sizes = [len(fingerprints[student]) for student in students]
    owners = np.repeat(np.arange(len(students), dtype=np.uint32), sizes)
    hashes = np.concatenate([fingerprints[student] for student in students])
    order = np.argsort(hashes, kind="stable")
    hashes, owners = hashes[order], owners[order]
    values, starts, counts = np.unique(hashes, return_index=True, return_counts=True)
    unusual = ~np.isin(values, known) & (counts <= min(MOST, max(2, COMMON * len(students))))
    total: Counter[int] = Counter()
    shared: Counter[tuple[int, int]] = Counter()
    for start, count in zip(starts[unusual], counts[unusual], strict=True):
        group = owners[start : start + count].tolist()
        total.update(group)
        shared.update(itertools.combinations(group, 2))
    pairs = [
        (students[a], students[b], number / max(total[a], total[b]))
        for (a, b), number in shared.items()
        if number >= FEWEST and number >= ALIKE * max(total[a], total[b])
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[:2]))
