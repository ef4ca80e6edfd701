"""Sentences and alt texts keep to what the cells above them printed."""

import json

import pytest
from prose import GOLDEN, PAGES, all_numbers, borne_out, is_borne_out, numbers_in

RECORDED = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_numbers_in_sentences_are_those_that_were_printed(page):
    said, today = all_numbers(page), borne_out(page)
    stale = [
        f"{cell}: {number}"
        for cell, numbers in RECORDED[page.stem].items()
        for number in numbers
        if number in said.get(cell, []) and number not in today.get(cell, [])
    ]
    assert stale == [], "no longer what the cells above print"
    assert RECORDED[page.stem] == today, "numbers came or went: look at them, then run python tests/prose.py"


def test_what_counts_as_a_number_of_a_sentence():
    text = "From 0.113 to −2.5, 1,797 images in 2014, 48 % of 64, week 02, v1.2.3, x_12."
    assert numbers_in(text) == ["0.113", "-2.5", "1797"]


@pytest.mark.parametrize(
    ("number", "printed", "is_so"),
    [("0.11", ["0.113"], True), ("0.12", ["0.113"], False), ("48.1", ["0.481"], True), ("1797", ["1797"], True)],
)
def test_a_number_may_be_rounded_or_a_percentage(number, printed, is_so):
    assert is_borne_out(number, printed) == is_so
