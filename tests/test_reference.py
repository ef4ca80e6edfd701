"""The reference page says what the library does, what the weeks print, and where things are."""

import ast
import inspect
import re
from pathlib import Path

import nbformat
import pytest

from course_lib import averages, exercises, networks, optimizers, schedules
from course_lib.commands import building, sources

ROOT = Path(__file__).resolve().parents[1]
WEEKS = building.find_weeks(ROOT)
SOURCE = sources.read_source(ROOT, "reference")
PAGE = "\n".join(cell.source for cell in SOURCE.cells)
WEEK_OF = dict(re.findall(r"\[([\d.]+)\]: (\w+)/", sources.week_links(WEEKS)))

# What a week must print for the page to quote it: the number on the page, the week, and the output.
EVIDENCE = [
    ("54 % of 1,000 starts", "00.1", "54% of the starts end in the deeper one"),
    ("0.11769", "00.1", "3,000 steps: loss 0.11769"),
    ("from 3e-06 to 3e+01", "00.1", "best rate about 3e-06"),
    ("from 3e-06 to 3e+01", "00.1", "best rate about 3e+01"),
    ("2.0e-04 above the lowest point", "00.1", "random local search 2.0e-04"),
    ("2.3e-04 or 3.8e-04", "00.1", "gradient descent    2.3e-04 at lr 1.8"),
    ("2.3e-04 or 3.8e-04", "00.1", "gradient descent    3.8e-04 at lr 2"),
    ("0.35 against 0.09", "00.1", "random local search: 0.35\ngradient descent:    0.09"),
    ("from 2.1e+09 to 1.4", "00.1", "columns as they are   condition number 2.1e+09"),
    ("from 2.1e+09 to 1.4", "00.1", "standardised          condition number 1.4"),
    ("agree to 1e-9", "00.1", "below 1e-9? True"),
    ("28 % of the estimates", "00.2", "3                28%"),
    ("0.0002 too high", "00.2", "0.0002      0.0002"),
    ("13 % of random lines", "00.2", "3 of 4 right:  13%"),
    ("2,700 steps instead of 130", "00.2", "60 of 60          130"),
    ("2,700 steps instead of 130", "00.2", "38 of 60        2,700"),
    ("20 instead of 22", "00.2", "ReLU        1 × 10            1   57 of 60           22"),
    ("20 instead of 22", "00.2", "ReLU        3 × 10          0.5   57 of 60           20"),
    ("18 of 60 steps", "01", "lr 6.0: the loss rose in 18 of 60 steps"),
    ("0 of 60 at 0.3", "01", "lr 0.3: the loss rose in 0 of 60 steps"),
    ("2.7 passes", "01", "B =    64: lr    5, passes   2.7"),
    ("44.0 with the full batch", "01", "B = 1,437: lr   10, passes  44.0"),
    ("2e-02 above", "01", "constant, 0.5               mean height in the last 20 epochs: 2e-02"),
    ("2e-03 at 0.1", "01", "constant, 0.1               mean height in the last 20 epochs: 2e-03"),
    ("4e-04 with decay", "01", "falling, 0.5 / (1 + t/500)  mean height in the last 20 epochs: 4e-04"),
    ("23 batches of 64, the last one of 29", "01", "23 batches, sizes 64 … 29"),
    ("0.3487$, which is 5.2 % below", "02", "0.3487, which is -5.2% off"),
    ("65.1 %", "02", "6.6         65.1%"),
    ("up to 3.0 °C", "02", "differ by up to 3.0 °C"),
    ("temperature 0.1 is best", "02", "tomorrow's temperature: best beta 0.1"),
    ("loss 0.9", "02", "the next mini-batch's loss: best beta 0.9"),
    ("79.4 % after 230", "03", "0.999           79.4%"),
    ("44 steps to 1 %", "03", "0.9          22         44            34.9%"),
    ("4,603 for", "03", "0.999     2,302      4,603"),
    ("34.9 % low after ten", "03", "44            34.9%"),
    ("7,311 steps; with momentum 321", "04", "10, 100, 1000: 73 731 7,311"),
    ("7,311 steps; with momentum 321", "04", "10, 100, 1000: 28 95 321"),
    ("equal (1.0 times)", "04", "noise   30: gradient descent's loss is   1.0 times momentum's"),
    ("hover at 0.025", "04", "gradient descent  : lr 0.05: measured 0.025"),
    ("hover at 0.025", "04", "momentum, beta 0.9: lr 0.05: measured 0.025"),
    ("heavy ball at 0.030", "04", "= 0.030: same path as the average: True"),
    ("7 steps at 0.2", "04", "beta  0.2:    7 steps"),
    ("911 at 0.99", "04", "beta 0.99:  911 steps"),
    ("0.14 instead of 0.36", "04", "0.36 without correction, 0.14 with it"),
    ("3,427 instead of 3.8", "04", "largest distance 3.8 without, 3,427 with correction"),
    ("4 steps at 0°, 124 at 45°", "05", "RMSprop, beta 0.99     4 at 0°,  42 at 10°,  82 at 20°, 124 at 45°"),
    ("momentum: 86 at any angle", "05", "86 at 0°,  86 at 10°,  86 at 20°,  86 at 45°"),
    ("it ends at 0.15", "05", "loss x 0.001: 0.15,  x 1: 0.15,  x 1000: 0.15"),
    ("30 of 650 parameters", "05", "30 of 650 parameters are nan"),
    ("1.89 instead of 0.07", "05", "0.0001                  0.07               1.89"),
    (r"to 5 at $\varepsilon = 10$", "05", "eps =    10: best lr     5"),
    ("711 of 2,410 parameters", "06", "711 of 2,410 parameters are NaN"),
    ("0.23 lr, of the chain's 1.00", "06", "0.0: root mean square step of Adam 0.23 lr, of the chain 1.00 lr"),
    ("0.139 and 0.137", "06", "SGD alone    : loss 0.137 to 0.214, median 0.139"),
    ("0.139 and 0.137", "06", "Adam alone   : loss 0.126 to 0.139, median 0.137"),
    ("2 of 5 seeds", "06", "Adam 10, SGD ends below Adam alone on 2 of 5 seeds"),
    ("60 updates either way", "07", "updates, constant              60 "),
    ("60 updates either way", "07", "updates, decay                 60 "),
    ("570 or never", "07", "640   never"),
    ("570 or never", "07", "430     570"),
    ("the first rate is infinite", "07", "epochs from 0: [  inf"),
    ("10 of 10 starts", "08", "16 hidden units: 10 of 10 starts"),
    ("with 2 units none", "08", "2 hidden units:  0 of 10 starts"),
    ("194 steps", "08", "from 1e-09: 194 steps"),
    ("15 steps RMSprop", "08", "RMSprop           lr  0.100: median  15 steps"),
    ("24 Adam", "08", "Adam              lr  1.000: median  24 steps"),
    ("67 Momentum", "08", "Momentum          lr 17.783: median  67 steps"),
    ("128 gradient descent", "08", "gradient descent  lr  1.778: median 128 steps"),
    ("10.02 % of a million, give or take 0.03 %", "09", "share 10.02%, standard error 0.03%"),
    ("0.97 against the grid's 0.81", "09", "1 of 2 matter: grid 0.81, random 0.97"),
    ("0.47 against 0.65", "09", "2 of 2 matter: grid 0.65, random 0.47"),
    ("from 84 % to 77 %", "10", "best dev accuracy 84%, at the end 77%"),
    ("91 % and 91 %", "10", "best dev accuracy 91%, at the end 91%"),
    ("5.5 points too good on 50", "10", "50 dev images: the best of 40 is 5.5 points too good"),
    ("200 thinned ones to 0.00", "10", "200 voters by log p against the full network: losses differ by 0.00"),
    ("76 % right instead of 61 %", "10", "without dropout : 61% with three quarters removed"),
    ("76 % right instead of 61 %", "10", "with dropout 0.5: 76% with three quarters removed"),
    ("5 of 5 seeds instead of 0 of 5", "11", "without batch norm,  5 epochs: lr 0.1, loss below 0.2 on 0 of 5"),
    ("5 of 5 seeds instead of 0 of 5", "11", "with    batch norm,  5 epochs: lr 0.3, loss below 0.2 on 5 of 5"),
    ("15 epochs, on 5 of 5 as well", "11", "without batch norm, 15 epochs: lr 0.1, loss below 0.2 on 5 of 5"),
    ("0.4034, not 0.3371", "11", "own statistics 0.4034; with the running averages 0.3371"),
    ("from 0.03 … 0.3 to", "11", "8 hidden, without batch norm: 0.03 to 0.3"),
    ("0.3 to 0.03 … 3", "11", "8 hidden, with    batch norm: 0.03 to 3"),
]


def calls(text):
    """Return the calls in code font as pairs of a name and {parameter: default}; None where it has no default."""
    for code in re.findall(r"`([\w.]+\([^`]*\))`", text):
        call = ast.parse(code, mode="eval").body
        required = {ast.unparse(arg): None for arg in call.args}
        yield ast.unparse(call.func), required | {k.arg: ast.literal_eval(k.value) for k in call.keywords}


def parameters(function):
    """Return {parameter: default} of a function or class, with those that a class hands on to its base."""
    found = {}
    owners = [c.__init__ for c in function.__mro__[:-1]] if inspect.isclass(function) else [function]
    for owner in owners:
        for name, parameter in inspect.signature(owner).parameters.items():
            if name == "self" or parameter.kind == parameter.VAR_KEYWORD:
                continue
            found.setdefault(name, None if parameter.default is parameter.empty else parameter.default)
        if not any(p.kind == p.VAR_KEYWORD for p in inspect.signature(owner).parameters.values()):
            return found
    return found


def classes_and_schedules():
    yield from (name for name in optimizers.__all__ if inspect.isclass(getattr(optimizers, name)))
    yield from (name for name in schedules.__all__ if name != "Schedule")


@pytest.mark.parametrize("name", list(classes_and_schedules()))
def test_the_sheet_has_every_optimizer_and_schedule_with_its_defaults(name):
    function = getattr(optimizers, name, None) or getattr(schedules, name)
    assert dict(calls(PAGE))[name] == parameters(function)
    if inspect.isclass(function):
        assert f"| `{name}` |" in PAGE  # its formula


@pytest.mark.parametrize(
    "function", [averages.ema, networks.dropout_forward, networks.batchnorm_forward], ids=lambda f: f.__name__
)
def test_the_sheet_has_the_signatures_of_functions(function):
    assert dict(calls(PAGE))[function.__name__] == parameters(function)


def test_the_sheet_has_the_defaults_of_pytorch():
    torch = pytest.importorskip("torch")
    there = [(name, said) for name, said in calls(PAGE) if name.startswith("torch.")]
    assert len(there) == 10
    for name, said in there:
        function = torch
        for part in name.split(".")[1:]:
            function = getattr(function, part)
        assert said.items() <= parameters(function).items(), name


@pytest.mark.parametrize(("said", "week", "printed"), EVIDENCE)
def test_the_page_quotes_what_a_week_prints(said, week, printed):
    assert said in PAGE
    name = WEEK_OF[week]
    nb = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", 4)
    outputs = (output.get("text", "") for cell in nb.cells for output in cell.get("outputs", []))
    assert any(printed in text for text in outputs)


def text_of(week):
    return (ROOT / "solutions" / f"{week}.py").read_text(encoding="utf-8")


def rows():
    return [line for line in PAGE.splitlines() if line.startswith("|")]


def test_sections_exist():
    seen = 0
    for row in rows():
        for label, sections in re.findall(r"\[(\d\d(?:\.\d)?)\]((?:,? § \d+)+)", row):
            for number in re.findall(r"\d+", sections):
                assert f"\n# ## {number} ·" in text_of(WEEK_OF[label]), row
                seen += 1
    assert seen > 100


def test_exercises_exist_in_the_week_that_is_named():
    seen = 0
    for row in rows():
        names = [name for name in re.findall(r"`([a-zA-Z_]+)`", row) if name in exercises.all_exercises()]
        weeks = [WEEK_OF.get(label) for label in re.findall(r"\[(\d\d(?:\.\d)?)\]", row)]
        for name in names:
            assert any(week and f'"grade_id": "{name}"' in text_of(week) for week in weeks), row
            seen += 1
    assert seen > 80
    where = SOURCE.cells[-1].source + " ".join(re.findall(r"`claim_\w+`", PAGE))
    assert set(re.findall(r"`(\w+)`", where)) <= set(exercises.all_exercises())


def test_brackets_lead_to_weeks():
    for cell in SOURCE.cells:
        used = set(re.findall(r"\[(\d\d(?:\.\d)?)\]", cell.source))
        assert used <= set(WEEK_OF)
        assert not used or cell.source.endswith("{{links}}")


def test_tables_have_as_many_cells_as_their_heads():
    width = 0
    for line in PAGE.splitlines():
        cells = line.count("|") - 1 if line.startswith("|") else 0
        assert not width or not cells or cells == width, line
        width = cells
