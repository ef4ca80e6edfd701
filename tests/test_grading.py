"""Grading in the sandbox: honest work gets the points that `check` gives, damaged notebooks are put right."""

import importlib
import inspect
import json
import linecache
import os
import re
import socket
import subprocess
import sys
import threading
import time
import types

import numpy as np
import pytest
from answers import named
from conftest import ROOT, TOY, use_toys

from course_lib.checking import check
from course_lib.commands import building
from course_lib.exercises import Exercise, Seed, all_exercises
from course_lib.grading import judging, protocol, rebuilding, remote, sandbox
from course_lib.grading.judging import exercise_seed, grade_notebook
from course_lib.grading.protocol import Channel, Closed, ProtocolError, Stranger, decode, encode
from course_lib.grading.sandbox import Isolation, Limits, Sandbox, SandboxProblem

needs_bubblewrap = pytest.mark.skipif(
    sandbox.available() is not Isolation.BUBBLEWRAP, reason="bubblewrap is not here, or may not work"
)
QUICK = Limits(seconds=4.0, cell_seconds=1.0, function_seconds=1.0, memory=256 << 20)
RIGHT = "def halves(n):\n    return (n + 1) // 2"
HALF = "def halves(n):\n    return n // 2"
FULL = {"check_halves": 2, "check_colour": 1}
NOTHING = {"check_halves": 0, "check_colour": 0}


# ---------------------------------------------------------------------------------------------------------
# The protocol


def there_and_back(value, *, describe=None, make=None):
    size, data = protocol.HEADER.unpack((frame := b"".join(encode(value, describe)))[: protocol.HEADER.size])
    start = protocol.HEADER.size
    assert len(frame) == start + size + data
    return decode(frame[start : start + size], frame[start + size :], make)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 0, -(2**63) + 1, 2**64, -(10**100), 0.1, -0.0, float("inf"), 1 + 2j, "", "é\n", [], (), {}),
        *(
            [1, (2.0, [None])],
            {"a": 1, 3: [True]},
            np.float32(0.1),
            np.int64(3),
            np.bool_(True),
            np.float64("inf"),
        ),
        *(
            np.zeros((0, 3)),
            np.array(2.5),
            np.array(True),
            np.arange(6).reshape(2, 3),
            np.array([1 + 1j]),
            np.array([True, False]),
        ),
        *(np.ones(3, np.float32), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(9)[::2]),
    ],
    ids=lambda value: f"{type(value).__name__} {value!r}"[:40],
)
def test_plain_values_arrive_as_they_were(value):
    arrived = there_and_back(value)
    assert type(arrived) is type(value)
    assert np.array_equal(arrived, value) if isinstance(value, np.ndarray) else arrived == value
    if isinstance(value, np.ndarray | np.generic):
        assert (arrived.dtype, arrived.shape) == (value.dtype, value.shape)


def test_nan_and_surrogates_arrive():
    assert np.isnan(there_and_back(float("nan")))
    assert there_and_back("a\ud800") == "a?"


def test_an_array_in_two_places_stays_one_and_can_be_written_to():
    a = np.zeros(3)
    first, second, other = there_and_back([a, a, a.copy()])
    first[0] = 1
    assert (second[0], other[0]) == (1, 0)


def test_a_generator_goes_on_where_it_was():
    rng = np.random.default_rng(5)
    rng.random(3, dtype=np.float32)
    arrived = there_and_back(rng)
    assert arrived.random(5).tolist() == rng.random(5).tolist()


class LyingFloat(float):
    __eq__ = __ne__ = lambda self, other: True
    __hash__ = float.__hash__


class LyingArray(np.ndarray):
    __eq__ = lambda self, other: True  # noqa: E731


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [LyingFloat(1), np.zeros(2).view(LyingArray), Text("a"), np.array([object()]), np.str_("a"), {1}, b"a", print],
    ids=lambda value: type(value).__name__,
)
def test_everything_else_is_a_stranger(value):
    described = []

    def describe(thing):
        described.append(thing)
        return {"object": type(thing).__name__}

    arrived = there_and_back([value], describe=describe, make=lambda d: Stranger.meet(d["object"]))
    assert described[0] is value
    assert isinstance(arrived[0], Stranger)
    assert type(arrived[0]).__name__ == type(value).__name__
    assert (arrived[0] == 1.0) is False


def test_a_huge_whole_number_stays_huge_and_a_list_in_itself_ends():
    assert there_and_back(10**6000) > 10**4000
    endless = []
    endless.append(endless)
    there_and_back(endless, describe=lambda value: {"object": 0}, make=lambda d: None)


def refuse(description):
    raise ProtocolError("unknown")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        *(
            (text, b"")
            for text in (b"", b"[", b"[1]", b"[1,2,3]", b"{}", b"null", b"\xff", b"[[],[]]", b"[" * 9999)
        ),
        (b'[{"array":0},[]]', b""),
        (b'[{"array":-1},[["<f8",[1]]]]', b""),
        (b'[{"array":0},[["<f8",[2]]]]', b"12345678"),
        (b'[{"array":0},[["<f8",[-1]]]]', b"12345678"),
        (b'[{"array":0},[["<f8",[1e3]]]]', b"12345678"),
        (b'[{"array":0},[["O",[1]]]]', b"12345678"),
        (b'[{"array":0},[["<f8",[9999999,9999999]]]]', b"12345678"),
        (b'[{"array":0},[["<f8",4]]]', b"12345678"),
        (b'[{"array":true},[]]', b""),
        (b'[{"scalar":0},[]]', b""),
        (b'[{"int":"zz"},[]]', b""),
        (b'[{"int":7},[]]', b""),
        (b'[{"int":"' + b"f" * 9999 + b'"},[]]', b""),
        (b"[" + b"9" * 5000 + b",[]]", b""),
        (b'[{"dict":[[{"list":[]},1]]},[]]', b""),
        (b'[{"dict":[[1,2,3]]},[]]', b""),
        (b'[{"generator":["1"]},[]]', b""),
        (b'[{"generator":["-1","-1","-1","-1"]},[]]', b""),
        (b'[{"list":1},[]]', b""),
        (b'[{"list":[[1]]},[]]', b""),
        (b"[" + b'{"list":[' * 40 + b"]}" * 40 + b",[]]", b""),
        (b'[{"pickle":"gASVAAAA"},[]]', b""),
        (b'[{"object":1,"type":2},[]]', b""),
    ],
    ids=lambda part: repr(part)[:40],
)
def test_what_is_no_frame_is_refused(text, data):
    with pytest.raises(ProtocolError):
        decode(text, data, refuse)


def test_what_would_grow_when_it_is_copied_is_refused():
    large = [np.zeros(protocol.LARGEST_DATA // 80)] * 20
    with pytest.raises(ProtocolError, match="too large"):
        encode(large, refuse)
    text = b'[{"list":[' + b",".join([b'{"array":0}'] * 20) + b']},[["|i1",[%d]]]]' % (protocol.LARGEST_DATA // 10)
    with pytest.raises(ProtocolError, match="again and again"):
        decode(text, bytes(protocol.LARGEST_DATA // 10), refuse)


def test_many_keys_of_one_hash_are_refused():
    keys = [i * (2**61 - 1) for i in range(1, protocol.LARGEST_DICT + 2)]
    with pytest.raises(ProtocolError, match="too large"):
        encode(dict.fromkeys(keys), refuse)
    pairs = [[{"int": hex(key)}, None] for key in keys]
    with pytest.raises(ProtocolError, match="a dictionary"):
        decode(json.dumps([{"dict": pairs}, []]).encode(), b"", refuse)


def test_a_bool_is_true_or_false_whatever_its_byte():
    assert decode(b'[{"array":0},[["|b1",[2]]]]', b"\x02\x00", None).tolist() == [True, False]
    assert decode(b'[{"array":0},[["|b1",[2]]]]', b"\x02\x00", None).view(np.uint8).tolist() == [1, 0]


@pytest.fixture
def wire():
    """A channel and the bare socket at its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours, refuse, refuse), theirs


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", Closed),
        (b"\0\0", Closed),
        (b"\xff" * 8, ProtocolError),
        (protocol.HEADER.pack(6, 0) + b"[1,[]]", ProtocolError),
        (protocol.HEADER.pack(17, 0) + b'[{"tuple":[]},[]]', ProtocolError),
        (protocol.HEADER.pack(18, 0) + b'[{"tuple":[1]},[]]', ProtocolError),
    ],
)
def test_a_channel_refuses_what_is_no_message(wire, sent, error):
    channel, other = wire
    other.sendall(sent)
    other.close()
    with pytest.raises(error):
        channel.receive()


def test_a_channel_waits_no_longer_than_its_deadline_even_where_bytes_drip(wire):
    channel, other = wire
    channel.deadline = time.monotonic() + 0.3
    over = threading.Event()

    def drip():
        other.sendall(protocol.HEADER.pack(1000, 0))
        while not over.wait(0.02):
            other.sendall(b"[")

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(TimeoutError):
        channel.receive()
    over.set()
    thread.join()
    with pytest.raises(TimeoutError):
        channel.send("late")


def test_what_is_too_large_is_not_sent(wire):
    with pytest.raises(ProtocolError, match="too large"):
        wire[0].send("value", np.zeros(protocol.LARGEST_DATA))


# ---------------------------------------------------------------------------------------------------------
# A class of one


@pytest.fixture(scope="module")
def toy(toy_built_once):
    """The toy course, its exercises in the bank of this process."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_toys(monkeypatch)
        yield toy_built_once


@pytest.fixture(scope="module")
def box():
    with Sandbox(Isolation.BUBBLEWRAP) as made:
        yield made


def released(course, week=TOY):
    nb = json.loads((course / "notebooks" / week / f"{week}.ipynb").read_text())
    for cell in nb["cells"]:
        cell["source"] = "".join(cell["source"])
    return nb


def cell_of(nb, name):
    return next(cell for cell in nb["cells"] if cell["id"] == name)


def code(source, name="mine", **metadata):
    return {"cell_type": "code", "id": name, "metadata": metadata, "source": source, "outputs": []}


def answered(nb, halves=RIGHT, colour='colour = "b"'):
    cell_of(nb, "halves")["source"] = halves
    cell_of(nb, "colour")["source"] = colour
    cell_of(nb, "reflection")["source"] = "Halves round up."
    return nb


def before(nb, name, *cells):
    place = nb["cells"].index(cell_of(nb, name))
    nb["cells"][place:place] = cells
    return nb


def without(nb, *names):
    nb["cells"] = [cell for cell in nb["cells"] if cell["id"] not in names]
    return nb


def grade(course, nb, week=TOY, **more):
    source = nb if isinstance(nb, bytes) else json.dumps(nb).encode()
    result = grade_notebook(source, week, course=course, **({"limits": QUICK} | more))
    assert json.loads(json.dumps(result)) == result
    ids = [cell["id"] for cell in result["cells"]]  # they become a notebook again
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in ids)
    return result


def points(result):
    return {verdict["grade_id"]: verdict["points"] for verdict in result["verdicts"]}


def verdict_of(result, exercise="halves"):
    return next(verdict for verdict in result["verdicts"] if verdict["exercise"] == exercise)


@needs_bubblewrap
def test_right_answers(toy):
    result = grade(toy, answered(released(toy)))
    assert (result["status"], result["reason"], points(result)) == ("graded", "", FULL)
    assert [entry["answered"] for entry in result["written"]] == [True]
    assert result["repairs"] == []
    assert [cell["id"] for cell in result["cells"]] == [cell["id"] for cell in released(toy)["cells"]]
    assert verdict_of(result)["parts"] == [["even", 1, True], ["odd", 1, True]]


@needs_bubblewrap
def test_copies_of_cells_that_are_not_graded_get_ids_of_their_own(toy):
    nb = answered(released(toy), RIGHT)
    nb["cells"] += [cell for cell in nb["cells"] if not cell["metadata"].get("nbgrader")]
    result = grade(toy, nb)  # which looks at the ids
    assert points(result)["check_halves"] == 2
    assert any(cell["id"].startswith("copy-") for cell in result["cells"])


@needs_bubblewrap
def test_half_right_answers_hear_what_check_says(toy):
    result = grade(toy, answered(released(toy), HALF + "  # print", 'colour = "a"'), seed=3)
    assert points(result) == {"check_halves": 1, "check_colour": 0}
    found = verdict_of(result)
    expected = check(lambda_called_halves, seed=exercise_seed(3, "halves"))
    assert (found["message"], found["case"]) == (expected.message, expected.case)
    assert verdict_of(result, "colour")["misconception"] == "colour:a"
    failed = [part for part, _, earned in found["parts"] if not earned]
    assert [part for part, _, _ in found["differences"]] == failed
    assert all(call.startswith("halves(") and "should be" in text for _, call, text in found["differences"])


def lambda_called_halves(n):
    return n // 2


lambda_called_halves.__name__ = "halves"


@needs_bubblewrap
def test_an_untouched_notebook_is_not_attempted(toy):
    result = grade(toy, released(toy))
    assert (result["status"], points(result)) == ("not attempted", NOTHING)
    assert {verdict["status"] for verdict in result["verdicts"]} == {"not attempted"}


@needs_bubblewrap
def test_another_seed_draws_other_cases_and_the_same_one_the_same(toy):
    cases = [verdict_of(grade(toy, answered(released(toy), HALF), seed=seed))["case"] for seed in (1, 2, 2)]
    assert cases[0] != cases[1] == cases[2]


@needs_bubblewrap
def test_what_a_function_prints_warns_and_magics_do_no_harm(toy):
    noisy = "%matplotlib inline\n!ls\nimport sys, warnings\n" + RIGHT.replace(
        "    return", "    print('n is', n)\n    warnings.warn('!')\n    sys.stderr.write('x')\n    return"
    )
    timed = code("%%time\nseen = halves(3)\nget_ipython().run_line_magic('who', '')\ndisplay(seen)")
    result = grade(toy, before(answered(released(toy), noisy), "colour", timed))
    assert points(result) == FULL
    assert "n is" in verdict_of(result)["printed"]
    assert [cell["error"] for cell in result["cells"][2:]] == [""] * len(result["cells"][2:])


@needs_bubblewrap
def test_data_changed_in_place_are_as_they_were_when_they_are_read_again(toy):
    cell = "from course_lib import datasets\ndatasets.digits().X_train[:] = -1\n"
    cell += "datasets.seattle_temperatures()[1][:] = -999\n"
    cell += "print(datasets.digits().X_train.min(), datasets.seattle_temperatures()[1].min() > -999)"
    result = grade(toy, before(answered(released(toy)), "colour", code(cell)))
    assert [c["printed"] for c in result["cells"] if c["source"] == cell] == ["0.0 True\n"]


@needs_bubblewrap
def test_a_cell_that_fails_ends_no_other(toy):
    result = grade(toy, before(answered(released(toy)), "colour", code("1 / 0"), code("def", "other")))
    assert (result["status"], points(result)) == ("graded", FULL)
    errors = {cell["id"]: cell["error"] for cell in result["cells"] if cell["error"]}
    assert [error.split(":")[0] for error in errors.values()][-2:] == ["ZeroDivisionError", "SyntaxError"]


@needs_bubblewrap
@pytest.mark.parametrize(
    ("halves", "status", "verdict", "says"),
    [
        ("def halves(n):\n    while True: pass", "timed out", "timed out", "did not come back within 1 seconds"),
        ("def halves(n):\n    import os; os._exit(0)", "crashed", "error", "ended while your function ran"),
        ("def halves(n):\n    return bytearray(10**9)", "out of memory", "error", "MemoryError"),
        ("def halves(n):\n    return 1 / 0", "graded", "error", "in line 2 of its cell: `return 1 / 0`"),
        ("def halves(n):\n    exit()", "graded", "error", "exit"),
        ("def halves(n):\n    raise SystemExit", "graded", "error", "called `exit()`"),
        ("def halves(n)\n    return 1", "graded", "error", "did not run to its end: SyntaxError"),
        ("halves = 3", "graded", "not attempted", "`halves` is not a function"),
        ("", "graded", "not attempted", "Nothing in your notebook defines `halves`"),
        ("def halves(n):\n    yield n", "graded", "wrong", "hands its result out with `yield`"),
        ("def halves(n):\n    return iter(int, 1)", "graded", "wrong", "goes on yielding"),
        ("def halves(n):\n    import numpy; return numpy.zeros(10**6)", "graded", "error", "too large"),
        ("k = 2\ndef halves(n):\n    return n / k", "graded", "wrong", "reads `k` from the notebook"),
        ("class Own(Exception): pass\ndef halves(n):\n    raise Own('me')", "graded", "error", "`Own: me`"),
        ("def halves(n):\n    return n / float(input())", "graded", "error", "nobody is there to answer"),
        ("half = float(input())\ndef halves(n):\n    return n", "graded", "error", "nobody is there to answer"),
        ("def half(n):\n    return (n + 1) // 2", "graded", "not attempted", "The name must stay as it was given"),
        ("def halves(n):\n    return {}['key']", "graded", "error", "`KeyError: 'key'`"),
    ],
)
def test_each_way_to_fail_has_its_words_and_costs_nothing_else(toy, halves, status, verdict, says):
    result = grade(toy, answered(released(toy), halves))
    assert (result["status"], points(result)) == (status, FULL | {"check_halves": 0})
    assert verdict_of(result)["status"] == verdict
    assert says in verdict_of(result)["message"]
    assert bool(result["reason"]) == (status != "graded")


@needs_bubblewrap
@pytest.mark.parametrize(
    ("cell", "status"),
    [
        ("while True: pass", "timed out"),
        (
            "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\nwhile True: pass",
            "timed out",
        ),
        ("import os; os._exit(1)", "crashed"),
        ("import ctypes; ctypes.string_at(0)", "crashed"),
        ("x = bytearray(10**9)", "out of memory"),
        ("raise KeyboardInterrupt", "graded"),
    ],
)
def test_a_cell_that_stops_everything_costs_no_points(toy, cell, status):
    result = grade(toy, before(answered(released(toy)), "halves", code(cell)))
    assert (result["status"], points(result)) == (status, FULL)
    assert next(c for c in result["cells"] if c["source"] == cell)["error"]


@needs_bubblewrap
def test_a_notebook_that_stops_again_and_again_is_given_up(toy):
    cells = [code(f"import os; os._exit({i})", f"c{i}") for i in range(12)]
    result = grade(toy, before(answered(released(toy)), "halves", *cells))
    assert (result["status"], points(result)) == ("crashed", NOTHING)
    assert "could not be run as far as this" in verdict_of(result)["message"]


# ---------------------------------------------------------------------------------------------------------
# Damaged notebooks


def split(nb):
    """Split the answer's cell in two, as JupyterLab does: the second half has the metadata, too."""
    first, second = RIGHT.replace("return", "return up(n)\n\ndef up(n):\n    return").split("\n\n")
    nb = answered(nb, first)
    original = cell_of(nb, "halves")
    place = nb["cells"].index(original)
    nb["cells"].insert(place + 1, original | {"id": "halves-2", "source": second})
    return nb


def copied(nb):
    stub = cell_of(nb, "reflection")
    nb = answered(nb, HALF)
    for name, source in (("halves", RIGHT), ("check_halves", "check(halves)")):
        place = nb["cells"].index(cell_of(nb, name))
        nb["cells"].insert(place + 1, cell_of(nb, name) | {"id": f"copy-{name}", "source": source})
    return nb | {"cells": [*nb["cells"], stub | {"id": "copy", "source": "*Write your answer here.*"}]}


def moved(nb):
    nb["cells"].reverse()
    return nb


def retyped(nb):
    for name in ("halves", "colour", "check_halves"):
        cell_of(nb, name)["cell_type"] = "markdown" if name != "colour" else "raw"
    cell_of(nb, "reflection")["cell_type"] = "code"
    return nb


def edited(nb):
    for name in FULL:
        cell_of(nb, name).update(source="2.0", metadata={"nbgrader": {"grade_id": name, "points": 100}})
    return nb


def stripped(nb, *, ids):
    for cell in nb["cells"]:
        cell["metadata"] = {}
        if ids:
            del cell["id"]
    return nb


def odd(nb):
    """Fields of wrong types, unknown cells, lines in lists, broken outputs, no kernel."""
    nb["metadata"] = {"kernelspec": {"name": "julia-1.9", "language": 7}}
    for cell in nb["cells"]:
        cell["source"] = [*cell["source"].splitlines(keepends=True), None, 3]
        cell["outputs"] = [{"output_type": "nonsense"}]
        cell["execution_count"] = "many"
    nb["cells"] += [None, "text", {}, {"cell_type": "chart"}, {"cell_type": "code", "source": {}, "metadata": []}]
    cell_of(nb | {"cells": nb["cells"][:3]}, "cell-002")["metadata"] = "x"
    return nb


SWAPPED = {"code": "markdown", "markdown": "code"}
DAMAGED = {
    "checks deleted": (lambda nb: without(answered(nb), "check_halves", "check_colour"), FULL),
    "answer deleted": (lambda nb: without(answered(nb), "halves"), FULL | {"check_halves": 0}),
    "everything else deleted": (
        lambda nb: nb | {"cells": [c for c in answered(nb)["cells"] if c["id"] in ("halves", "colour")]},
        FULL,
    ),
    "cells copied": (copied, FULL),
    "cells split": (split, FULL),
    "cells moved": (lambda nb: moved(answered(nb)), FULL),
    "cells retyped": (lambda nb: retyped(answered(nb)), FULL),
    "metadata lost": (lambda nb: stripped(answered(nb), ids=False), FULL),
    "metadata and ids lost": (lambda nb: stripped(answered(nb), ids=True), FULL),
    "odd fields": (lambda nb: odd(answered(nb)), FULL),
    "checks edited": (
        lambda nb: (
            answered(nb) | {"cells": [c | {"source": "2.0"} if "check" in c["id"] else c for c in nb["cells"]]}
        ),
        FULL,
    ),
    "a first byte that is a mark": (lambda nb: "\ufeff".encode() + json.dumps(answered(nb)).encode(), FULL),
    "texts and code swapped": (
        lambda nb: answered(nb) | {"cells": [c | {"cell_type": SWAPPED[c["cell_type"]]} for c in nb["cells"]]},
        FULL,
    ),
    "the same key twice": (
        lambda nb: json.dumps(answered(nb)).replace('{"cells"', '{"cells": 3, "cells"', 1).encode(),
        FULL,
    ),
    "half a surrogate": (lambda nb: answered(nb, RIGHT + "\nx = '\ud800'"), FULL),
    "a null byte": (lambda nb: before(answered(nb), "halves", code("x = 1\0")), FULL),
    "brackets in brackets": (lambda nb: before(answered(nb), "halves", code("(" * 50_000)), FULL),
    "minus minus minus": (lambda nb: before(answered(nb), "halves", code("-" * 200_000 + "1")), FULL),
}


@needs_bubblewrap
@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_notebook_is_rebuilt(toy, how):
    damage, expected = DAMAGED[how]
    result = grade(toy, damage(released(toy)))
    assert points(result) == expected, result
    assert len(result["written"]) == 1


@needs_bubblewrap
@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("checks deleted", ["check_halves: This cell was missing", "check_colour: This cell was missing"]),
        ("cells copied", ["cell 2: A copy of another cell", "cell 4: A copy of another cell", "A copy"]),
        (
            "cells retyped",
            ["halves: It was turned into a markdown cell; it counts as code.", "reflection"],
        ),
        ("metadata lost", ["halves: Its metadata were lost and put back."]),
        ("checks edited", ["check_halves: It was changed; the course's own text counts."]),
    ],
)
def test_what_was_repaired_is_said(toy, how, says):
    said = "\n".join(grade(toy, DAMAGED[how][0](released(toy)))["repairs"])
    for text in says:
        assert text in said


def test_a_set_up_cell_that_is_code_no_more_comes_back(toy):
    release = rebuilding.read_release(toy, TOY)
    nb = released(toy)
    cell_of(nb, release.first["id"])["cell_type"] = "raw"
    cells = rebuilding.rebuild(rebuilding.read_submission(json.dumps(nb).encode(), release, toy), release)
    assert (cells[0].id, cells[0].kind, cells[0].released) == (release.first["id"], "code", True)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"PK\x03\x04 a photo", "not a Jupyter notebook"),
        (b"[]", "not a Jupyter notebook"),
        (b"null", "not a Jupyter notebook"),
        (b'{"cells": 3}', "not a Jupyter notebook"),
        (b'{"nbformat": 3, "worksheets": []}', "not a Jupyter notebook"),
        (b'{"cells": [', "not a Jupyter notebook"),
        (b"[" * 100_000, "not a Jupyter notebook"),
        ("été".encode("latin-1"), "not a Jupyter notebook"),
        (b" " * (rebuilding.LARGEST_FILE + 1) + b"1", "more than the 20 MB"),
        (json.dumps({"cells": [code("x" * 600_000)]}).encode(), "far longer"),
        (json.dumps({"cells": [code("x")] * 2_000}).encode(), "far longer"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_file_that_cannot_be_read_says_why(toy, source, says):
    result = grade(toy, source)
    assert (result["status"], points(result)) == ("unreadable", NOTHING)
    assert says in result["reason"]


def test_the_notebook_of_another_week_is_recognised():
    other = released(ROOT, "week03_bias_correction")
    result = grade(ROOT, other, "week06_adam")
    assert result["status"] == "unreadable"
    assert result["reason"] == "This is the notebook of week03_bias_correction, not of week06_adam."


@needs_bubblewrap
def test_what_the_answers_need_comes_back_and_no_experiment_runs(box, monkeypatch):
    nb = released(ROOT, "week06_adam")
    release = rebuilding.read_release(ROOT, "week06_adam")
    helper = next(cell for cell in nb["cells"] if "def microseconds" in cell["source"])
    cell_of(nb, "step_bound")["source"] = "def step_bound(t, *, lr, beta1, beta2):\n    return microseconds(print)"
    tried_out = next(cell for cell in nb["cells"] if "def attacked" in cell["source"])
    tried_out["source"] += "\nwhile True: pass"
    handed_in = without(nb, helper["id"], release.first["id"])["cells"]
    run = remote.Submission(box, rebuilding.rebuild(handed_in, release), release)
    ran = []
    receive = Channel.receive

    def listen(channel):
        message = receive(channel)
        if message[0] == "end":
            ran.append(run.cells[message[1]].id)
        return message

    monkeypatch.setattr(Channel, "receive", listen)
    run.start()
    run.close()
    answers = {name for name, given in release.given.items() if given.metadata["solution"]}
    assert ran[0] == release.first["id"]
    assert helper["id"] in ran
    assert tried_out["id"] not in ran
    assert len(set(ran) - answers) <= 4  # the helper's cell needs another one


# ---------------------------------------------------------------------------------------------------------
# Honest answers to the real exercises


@needs_bubblewrap
@pytest.mark.parametrize("week", building.find_weeks(ROOT))
def test_the_solved_notebook_gets_all_points(week):
    solved = json.loads((ROOT / "solutions" / week / f"{week}.ipynb").read_text())
    result = grade(ROOT, solved, week, seed=20, limits=Limits())
    assert result["status"] == "graded"
    assert [v["exercise"] for v in result["verdicts"] if v["points"] != v["max_points"]] == []
    assert {name for v in result["verdicts"] for name in v["uses_library"]} == set()


@needs_bubblewrap
@pytest.mark.parametrize("week", building.find_weeks(ROOT))
def test_answers_hear_in_the_sandbox_what_check_says(week, box):
    """The bank's own answers, in one submission a week: every right one, and every third that is wrong."""
    own = ROOT / "course_lib" / "exercises" / f"{week}.py"  # where a week has two notebooks
    bank = importlib.import_module(f"course_lib.exercises.{week if own.exists() else week.split('_')[0]}")
    release = rebuilding.read_release(ROOT, week)
    run = remote.Submission(box, [rebuilding.Cell("bank", "code", inspect.getsource(bank))], release)
    try:
        for exercise in [item for item in vars(bank).values() if isinstance(item, Exercise)]:
            # Every third; what draws from NumPy's global source comes out anew each time.
            wrong = [known.function for known in exercise.misconceptions[::3] if "global" not in known.key]
            for function in (exercise.reference, *exercise.alternatives, *wrong):
                judged = judging._judge(exercise, run, 11, function.__name__)
                expected = check(named(function, exercise.name), seed=11)
                assert judged.verdict == expected, function.__name__
                assert not (judged.used and expected.points), function.__name__
    finally:
        run.close()


@needs_bubblewrap
def test_an_answer_that_calls_the_librarys_own_earns_nothing():
    sources = {
        "adam_step": "adam_step = optimizers.adam_step",
        "adamw_step": "def adamw_step(*args, **kwargs):\n    return optimizers.adamw_step(*args, **kwargs)",
        "amsgrad_step": "import sys\ndef amsgrad_step(*args, **kwargs):\n    sys.setprofile(None)\n"
        "    w, *rest = optimizers.amsgrad_step(*args, **kwargs)\n    return w, *rest",
    }
    nb = released(ROOT, "week06_adam")
    for name, source in sources.items():
        cell_of(nb, name)["source"] = source
    result = grade(ROOT, nb, "week06_adam")
    for name in sources:
        verdict = verdict_of(result, name)
        assert (verdict["status"], verdict["points"]) == ("wrong", 0)
        assert f"optimizers.{name}" in verdict["uses_library"]
        assert "hands its work to the course's library" in verdict["message"]
        assert not any(earned for _, _, earned in verdict["parts"])


@needs_bubblewrap
def test_the_librarys_ema_with_its_correction_switched_on_is_recognised():
    nb = released(ROOT, "week03_bias_correction")
    cell_of(nb, "ema_bias_corrected")["source"] = (
        "def ema_bias_corrected(theta, *, beta):\n    return averages.ema(theta, beta=beta, bias_correction=True)"
    )
    verdict = verdict_of(grade(ROOT, nb, "week03_bias_correction"), "ema_bias_corrected")
    assert (verdict["points"], verdict["uses_library"]) == (0, ["averages.ema, as it is"])


# ---------------------------------------------------------------------------------------------------------
# The sandbox itself


def test_without_fork_a_sentence_says_so(monkeypatch):
    monkeypatch.delattr("os.fork")
    with pytest.raises(SandboxProblem, match="needs Linux"):
        Sandbox(Isolation.NONE)


def test_on_a_mac_a_sentence_says_so(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    assert sandbox.available() is None
    with pytest.raises(SandboxProblem, match="on Linux only; this is darwin"):
        Sandbox(Isolation.BUBBLEWRAP)


def test_a_sandbox_that_does_not_start_says_what_it_said(monkeypatch):
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: ["sh", "-c", "echo no such thing >&2", "--"])
    with Sandbox(Isolation.BUBBLEWRAP) as box, pytest.raises(SandboxProblem, match="no such thing"):
        box.submission()


def test_what_is_in_force_is_said_in_words():
    text = sandbox.describe(Isolation.BUBBLEWRAP, Limits(memory=512 << 20, processes=3))
    for words in ("bubblewrap", "no network", "512 MB", "3 processes", "5 s for a function"):
        assert words in text
    assert "no isolation" in sandbox.describe(Isolation.NONE, Limits())


@pytest.mark.parametrize("said", ["exit 1", "sleep 60"])
def test_a_sandbox_that_does_not_work_is_not_offered(monkeypatch, tmp_path, said):
    """Docker's client without a daemon is common, and so is a container in which bubblewrap may do nothing."""
    sandbox._works.cache_clear()
    monkeypatch.setattr(sandbox, "TRYING", 0.3)
    for program in ("bwrap", "docker"):
        (tmp_path / program).write_text(f"#!/bin/sh\n{said}\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert sandbox.available() is None
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 0\n")
    sandbox._works.cache_clear()
    assert sandbox.available() is Isolation.DOCKER
    sandbox._works.cache_clear()


@needs_bubblewrap
def test_an_installed_copy_of_the_course_an_exchange_and_settings_are_covered(monkeypatch, tmp_path):
    packages = tmp_path / "lib" / "site-packages"
    private = [packages / "course_lib", tmp_path / "share" / "nbgrader", tmp_path / "etc" / "jupyter"]
    for folder in private:
        folder.mkdir(parents=True)
        (folder / "canary").write_text("")
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setattr("sys.path", [*sys.path, str(packages)])
    shut_in = sandbox._bubblewrap()
    find = ["/usr/bin/find", *map(str, private), "-type", "f"]
    assert subprocess.run(find, capture_output=True, text=True, check=True).stdout.count("canary") == 3
    assert subprocess.run([*shut_in, *find], capture_output=True, text=True, check=True).stdout == ""
    assert f"--tmpfs={packages / 'course_lib'}:size=4k" in sandbox._docker(ROOT / "control", Limits())


@needs_bubblewrap
def test_the_sandbox_shows_no_exercise_no_solution_and_no_notebook(box):
    run = remote.Submission(
        box, [rebuilding.Cell("look", "code", LOOK)], rebuilding.read_release(ROOT, "week06_adam")
    )
    run.start()
    _, found = run.ask("value", "found")
    run.close()
    assert found == []


LOOK = """
import os
found = []
for folder, folders, files in os.walk("/"):
    if not folder.startswith(("/usr", "/dev")) and "site-packages" not in folder:
        found += [f"{folder}/{name}" for name in files if "week0" in name or name.endswith((".ipynb", ".db"))]
        found += [f"{folder}/{name}" for name in files if name in ("judging.py", "classroom.py", "remote.py")]
"""


@needs_bubblewrap
@pytest.mark.parametrize(("isolation", "nested"), [(Isolation.BUBBLEWRAP, False), (Isolation.NONE, True)])
def test_the_slower_way_and_the_trusting_way_grade_the_same(toy, monkeypatch, isolation, nested):
    with Sandbox(isolation, QUICK, nested=nested) as other:
        monkeypatch.setattr(judging, "_sandbox", lambda *settings: other)
        for halves, earned in ((RIGHT, 2), (HALF, 1)):
            result = grade(toy, answered(released(toy), halves))
            assert (result["status"], points(result)) == ("graded", FULL | {"check_halves": earned})
        assert other.warm == (isolation is Isolation.NONE)


@needs_bubblewrap
def test_a_lost_warm_process_is_started_again(toy):
    assert points(grade(toy, answered(released(toy)))) == FULL
    used = judging._sandbox(Isolation.BUBBLEWRAP, QUICK)
    used.process.kill()
    used.process.wait()
    assert points(grade(toy, answered(released(toy)))) == FULL


def test_docker_gets_the_same_walls():
    command = sandbox._docker(ROOT / "control", Limits(memory=1 << 30, processes=4))
    for words in ("--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"):
        assert words in command
    assert all(command[i + 1].endswith(":ro") for i, word in enumerate(command) if word == "--volume")
    shown = " ".join(command)
    assert "week06" not in shown
    assert "checking.py" not in shown


def test_every_argument_of_the_bank_travels():
    """A case may hold what the protocol knows, and functions."""
    for exercise in [item for item in all_exercises().values() if isinstance(item, Exercise)]:
        for case in exercise.make_cases(0):
            for value in (*case.args, *case.kwargs.values()):
                if not callable(value) and not isinstance(value, Seed):
                    encode(value, lambda value: pytest.fail(f"{value!r} does not travel"))


@pytest.mark.parametrize(
    "value",
    [
        "a" * 10,
        ["a"],
        [[1]],
        2**70,
        np.zeros(5_000),
        [1] * 5_000,
        None,
        {1: 2.0},
        {"a": "b"},
        {"a": [1]},
        [np.zeros(3)],
        b"a",
    ],
    ids=lambda value: repr(value)[:20],
)
def test_functions_of_the_grader_take_numbers_only(value):
    with pytest.raises(TypeError, match="takes numbers"):
        remote._refuse_all_but_numbers(value)


def test_a_function_of_the_grader_whose_result_does_not_travel_raises_for_the_learner():
    run = remote.Submission(types.SimpleNamespace(limits=QUICK), [], None)
    run.callbacks = [lambda x: x, lambda x: x * np.longdouble(1)]
    assert run._called_back(0, [2.0], {}) == ("value", 2.0)
    assert run._called_back(1, [1j], {})[0] == "raised"


def test_no_error_of_ours_is_made_from_what_cannot_make_it_or_ends_a_loop():
    for kind in ("StopIteration", "ExceptionGroup", "KeyError", "UnicodeDecodeError", "NoneType", "Ended"):
        error = remote._error(kind, "text", "")
        assert type(error).__name__ == kind
        assert type(error).__bases__ == (Exception,)


# ---------------------------------------------------------------------------------------------------------
# Experiments on answers that nobody listed

UNLISTED = {
    "a slip": "def nesterov_step(w, v, gradient, *, lr, beta):\n"
    "    v = beta * v + (1 - beta) * gradient(w - lr * beta * v)\n    return w - lr * lr * v, v",
    "its own text": "def nesterov_step(w, v, gradient, *, lr, beta):\n    g = gradient(w - lr * beta * v)\n"
    "    g = g + 3 * lr\n    v = beta * v + (1 - beta) * g\n    return w - lr * v, v",
    "in place": "def nesterov_step(w, v, gradient, *, lr, beta):\n    v += 1\n    v -= 1\n"
    "    v = beta * v + (1 - beta) * gradient(w - lr * beta * v)\n    return w - lr * v, v",
    "kept": "kept = []\ndef nesterov_step(w, v, gradient, *, lr, beta):\n    kept.append(1)\n"
    "    v = beta * v + (1 - beta) * gradient(w - lr * beta * v) + len(kept)\n    return w - lr * v, v",
}


@needs_bubblewrap
@pytest.mark.parametrize("how", UNLISTED)
def test_experiments_find_in_the_sandbox_what_they_find_in_the_notebook(how, box, monkeypatch):
    source = UNLISTED[how]
    monkeypatch.setattr(judging, "EXPERIMENTS", 3.0)  # the machine may be busy; the same experiments, in time
    monkeypatch.setattr("course_lib.diagnosing.SECONDS", 3.0)
    exercise = all_exercises()["nesterov_step"]
    run = remote.Submission(
        box, [rebuilding.Cell("own", "code", source)], rebuilding.read_release(ROOT, "week04_momentum")
    )
    try:
        judged = judging._judge(exercise, run, 11)
        entry = {"exercise": exercise.name, "message": judged.verdict.message, "misconception": None}
        judging._explain(entry, judged, run, 11)
    finally:
        run.close()
    notebook = {}
    linecache.cache["<cell own>"] = (len(source), None, source.splitlines(keepends=True), "<cell own>")
    exec(compile(source, "<cell own>", "exec"), notebook)
    expected = check(notebook["nesterov_step"], seed=11)
    assert entry["misconception"] == expected.misconception
    assert entry["message"] == expected.message
    assert entry["misconception"].startswith("diagnosed: ")
    assert ("line" in entry["message"]) == (how != "kept")


@needs_bubblewrap
def test_an_experiment_that_ends_the_process_costs_nothing(box):
    """It is made when all points are given: the verdict stays what it was."""
    source = (
        "calls = []\ndef nesterov_step(w, v, gradient, *, lr, beta):\n    calls.append(1)\n"
        "    if len(calls) > 40:\n        import os\n        os._exit(1)\n    return w, v"
    )
    exercise = all_exercises()["nesterov_step"]
    run = remote.Submission(
        box, [rebuilding.Cell("own", "code", source)], rebuilding.read_release(ROOT, "week04_momentum")
    )
    try:
        judged = judging._judge(exercise, run, 11)
        entry = {"exercise": exercise.name, "message": judged.verdict.message, "misconception": None}
        before = dict(entry)
        judging._explain(entry, judged, run, 11)
    finally:
        run.close()
    assert judged.verdict.status == "wrong"
    assert entry == before
