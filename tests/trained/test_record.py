"""The record is what Lite0 answers: some of it is asked again, and its sums are what is quoted."""

import re

import pytest
import torch

from tests.book import ROOT
from tests.trained import numbers
from tools import trained

RECORD = trained.load()["lite0"]
AGAIN = 2  # pieces of each photograph
ASKED = ("no_shortcuts", "pytorchs_epsilon", "symmetric_padding", "without block 3")
OF_THE_PAGE = trained.load()["page"]
ASKED_OF_THE_PAGE = (
    "symmetric_padding",
    "pytorchs_epsilon",
    "8 bits per tensor",
    "5 bits per channel",
    "block 8 without 50%",
)


def test_the_first_guesses_are_those_of_the_record():
    notebook = trained.notebook
    photos = notebook.photographs()
    x = notebook.prepared(torch.stack([notebook.square(photo) for photo in photos.values()]))
    for name, guesses in zip(photos, notebook.top(trained.lite0(), x), strict=True):
        recorded = RECORD["guesses"][name]
        assert guesses[0].name == recorded[0][1], name
        for guess, (share, _) in zip(guesses, recorded, strict=True):
            assert guess.share == pytest.approx(share, abs=1e-3)


def nearly_the_same(found: str, recorded: str) -> bool:
    """On another processor two nearly equal guesses may change places."""
    return sum(a != b for a, b in zip(found, recorded[: len(found)], strict=True)) <= 1


@pytest.mark.parametrize("name", ASKED)
def test_the_answers_are_those_of_the_record(name):
    jobs = {change.__name__: lambda c=change: trained.changed(c) for change in trained.CHANGES}
    network = jobs.get(name, lambda: trained.without_block(3))()
    found = trained.answer(network, each=AGAIN)
    recorded = RECORD["answers"][name]
    assert nearly_the_same(found["agree"], recorded["agree"])
    assert found["Grace Hopper"][0][0] == pytest.approx(recorded["Grace Hopper"][0][0], abs=1e-3)
    assert found["Grace Hopper"][0][1] == recorded["Grace Hopper"][0][1]


@pytest.mark.parametrize("name", ASKED_OF_THE_PAGE)
def test_the_pages_switches_leave_what_the_record_says(name):
    outputs = trained.page_ways(AGAIN)[name]()
    found = trained.agree(outputs, trained.whole_page(AGAIN))
    assert len(found) == 16 and nearly_the_same(found, OF_THE_PAGE["answers"][name]["agree"])


@pytest.mark.parametrize("per", ["channel", "tensor"])
def test_8_bits_leave_what_the_record_says(per):
    found = trained.rounding(per, AGAIN)
    assert nearly_the_same(found["agree"], OF_THE_PAGE["rounding"][per]["agree"])
    assert found["error"] == pytest.approx(OF_THE_PAGE["rounding"][per]["error"], rel=0.25)


def test_the_record_has_each_of_the_pages_switches():
    assert list(OF_THE_PAGE["answers"]) == list(trained.page_ways())
    answers = [*OF_THE_PAGE["answers"].values(), *OF_THE_PAGE["rounding"].values()]
    assert {len(each["agree"]) for each in answers} == {OF_THE_PAGE["pieces"]} == {240}
    again = OF_THE_PAGE["answers"]["8 bits per channel"]  # rounded once more: nothing happens
    assert again == {"agree": "1" * 240, "error": 0}


def test_what_the_page_says_of_channels_that_are_taken_out():
    """Blocks with a shortcut and blocks without are apart."""
    assert min(numbers.thinned(True)) > max(numbers.thinned(False))


def test_what_does_not_reach_a_block_need_not_be_computed_again():
    """The short way, by the maps that enter the block, and the long one."""
    for number in (1, 7):
        network = trained.page()
        trained.notebook.remove_channels(network, number, 0.25)
        short = trained.thinner(number, 0.25, 1)
        torch.testing.assert_close(short, trained.page_logits(network, 1), rtol=1e-4, atol=1e-3)


def test_the_maps_are_those_of_the_record():
    for name, rows in trained.cat_maps().items():
        pairs = zip("".join(rows), "".join(RECORD["maps"][name]), strict=True)
        assert all(abs(int(a, 16) - int(b, 16)) <= 1 for a, b in pairs), name


PAGE = ROOT / "chapters" / "trained" / "index.md"
CELL = r"\| *([^|]*?) *(?=\|)"


def table(head: str) -> list[list[str]]:
    """The rows of the page's table that begins so, cell by cell."""
    page = PAGE.read_text(encoding="utf-8")
    lines = page[page.index(head) :].partition("\n<!--=")[0].splitlines()[2:]
    return [re.findall(CELL, line) for line in lines]


@pytest.mark.words
def test_the_page_names_what_was_guessed():
    """Its digits are tested as everywhere; these are the words between them."""
    for photo, *guesses in table("| Photograph |"):
        words = [guess.partition(",")[0] for guess in guesses]
        assert words == [name for _, name in RECORD["guesses"][photo][:2]]


@pytest.mark.words
def test_the_page_names_what_grace_hopper_becomes():
    rows = table("| Mistake |")
    for (*_, becomes), name in zip(rows, numbers.NAMES, strict=True):
        assert becomes.split(",")[0] == RECORD["answers"][name]["Grace Hopper"][0][1], name


def test_what_the_page_says_of_the_cameraman_and_the_astronaut():
    man, woman = map(trained.photograph_names().index, ("cameraman", "astronaut"))
    kept = [trained.by_photograph(name) for name in numbers.NAMES[1:5]]
    assert all(parts[man] == 100 for parts in kept) and 60 < kept[0][woman] < 70


def test_what_the_page_says_in_words():
    """Nothing is left without shortcuts, or with an activation behind the projections."""
    kept = {name: numbers.kept(name) for name in RECORD["answers"]}
    assert kept["no_shortcuts"] == kept["relu_behind_the_projection"] == 0
    assert round(1 / (1 - kept["a_pixel"] / 100)) == 7, "one square in seven"
    assert round(1 / (1 - kept["pytorchs_epsilon"] / 100)) == 8, "seven times in eight"
    assert [each > 0 for each in numbers.without("shortcut")] == [False] * 6 + [True] * 3
    assert max(numbers.without("shortcut")) < 12 and min(numbers.without("block")) > 75
    shares = [numbers.zeros(n) for n in range(1, 17)]
    for number in range(2, 16):  # between neighbours with a shortcut, one without has fewer zeros
        if number not in trained.SHORTCUTS and number - 1 in trained.SHORTCUTS:
            assert shares[number - 1] < shares[number - 2]
    assert min(numbers.WITH) > max(numbers.WITHOUT)
    zeros, sixes = RECORD["all cuts"]
    assert round(zeros, 2) == 0.41 and 0.01 < sixes < 0.02 and kept["plain_relu"] < 50
    widened = [numbers.wide(n) / numbers.narrow(n) for n in range(1, 17)]
    assert 2 == min(widened) and max(widened) == 6


def test_what_the_page_says_of_the_released_files():
    """How much the padding takes away, and that ours agree as the file with itself does."""
    small, half, v2 = (file["crops"]["agree"] for file in numbers.RELEASED["files"])
    lost = [1 - each["symmetric"] / each["ours"] for each in (small, v2)]
    assert 0.70 < lost[0] < 0.75 and 0.18 < lost[1] < 0.23
    assert all(abs(each["ours"] - each["reference kernels"]) <= 3 for each in (half, v2))
    assert small["reference kernels"] - small["ours"] > 10
    assert len(numbers.RELEASED["photographs"]) == 12
