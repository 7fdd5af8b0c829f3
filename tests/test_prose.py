"""The doctest for prose is itself tested: it must not let anything through."""

import json

import pytest

from tools import prose


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Write a page whose helpers are `eight` and `row`; return it and what is wrong with it."""
    helpers = {"eight": 8, "row": (1.26, 2160), "cut": prose.cut, "numbers": prose.numbers}
    monkeypatch.setattr(prose, "helpers", lambda path: helpers)
    path = tmp_path / "page.md"

    def write(*lines: str, lock: dict | None = None) -> list[str]:
        path.write_text("\n".join(lines) + "\n")
        return prose.problems(path, {"page.md": lock or {}})

    write.path = path
    return write


def test_a_number_equals_its_expression(page):
    assert page("It has 8 groups.", "<!--= eight -->") == []
    assert page("It has 9 groups.", "<!--= eight -->") == [
        "page.md:2: eight is 8, the text says 9",
    ]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("1.3 and 2,160", "row[0], row[1]"),
        ("1.26 and 2160", "*row"),
        ("1.2", "cut(row[0])"),
        ("0.002160 million", "row[1]"),
        ("−1.3", "-row[0]"),
        ("8 to 9", '*numbers("from 8 to 9")'),
        ("`8` of $8$", "eight, eight"),
    ],
)
def test_decimals_commas_and_units_are_those_of_the_text(page, text, source):
    assert page(text, f"<!--= {source} -->") == []


@pytest.mark.parametrize("text", ["80.0", "−8", "0.8", "8.1", "18", "8,000", "x8", "0.0 million"])
def test_another_number_is_another_number(page, text):
    assert page(f"It is {text}.", "<!--= eight -->")


def test_what_has_no_expression_is_locked(page):
    text = ("# Title", "V2 has 8 groups of 3.", "<!--= eight -->")
    assert page(*text, lock={"Title": ["V2 · 3"]}) == []
    for wrong in ({}, {"Title": ["V1 · 3"]}, {"Title": ["V2 · 4"]}, {"Title": ["V2 · 3", "3"]}):
        assert any("make numbers" in each for each in page(*text, lock=wrong))


def test_what_is_locked_and_gone_is_named(page):
    assert any("V2 · 3" in each for each in page("Nothing.", lock={"Title": ["V2 · 3"]}))


def test_a_question_binds_its_answer(page):
    def text(size):
        return (
            f"A map of {size}×{size}: what is left at stride 2?",
            "<!--= let(size), size -->",
            "",
            "4×4.",
            "<!--= size / 2, size / 2 -->",
        )

    assert page(*text(8), lock={"": ["8 · 2"]}) == []
    assert page(*text(6), lock={"": ["6 · 2"]}) == [
        "page.md:5: size / 2 is 3.0, the text says 4, 4"
    ]


def test_a_bound_name_is_forgotten_at_the_next_heading(page):
    text = ("Take 3.", "<!--= let(n) -->", "# Next", "It is 3.", "<!--= n -->")
    assert "NameError" in page(*text, lock={"": ["3"]})[0]


def test_a_bound_name_does_not_hide_a_helper(page):
    assert "already a name" in page("Take 3.", "<!--= let(eight) -->", lock={"": ["3"]})[0]


@pytest.mark.parametrize("comment", ["<!--=eight -->", "<!--= eight-->", "Or <!--= eight -->"])
def test_a_comment_that_would_not_be_read_is_refused(page, comment):
    with pytest.raises(ValueError, match="page.md:2"):
        page("It is 9.", comment)


def test_what_cannot_be_evaluated_is_named_with_page_line_and_expression(page):
    assert page("It is 8.", "", "<!--= nine -->") == [
        "page.md:3: nine: NameError(\"name 'nine' is not defined\")"
    ]
    assert page("It is 8.", "<!--= row -->") == ["page.md:2: row is no number: (1.26, 2160)"]


@pytest.mark.parametrize(
    "text",
    [
        "$432 + 240 = 673$",
        r"$\lfloor (6 + 2 - 3) / 2 \rfloor + 1 = 2$",
        r"$\frac{1}{5} + \frac{1}{9} \approx 0.3112$",
        r"$3 \times 3 \times 3 = 2{,}700$",
        "(432 + 240 = 671)",
    ],
)
def test_false_arithmetic_is_found(page, text):
    assert any("is not true" in each for each in page(text))


def test_digits_that_are_no_digits_are_refused(page):
    assert "write ² as math" in page("It grows with its side².")[0]


def test_link_targets_are_no_numbers(page):
    assert page("See [here](https://a.b/2017) and {ref}`text <fig-3>`.") == []


def test_alternative_text_is_read(page):
    figure = ("```{figure} a-1.svg", ":name: fig-1", ":alt: It shows 8.", "", "<!--= eight -->")
    assert page(*figure, "Eight.", "```") == []
    assert page(*(line.replace("8", "7") for line in figure), "Eight.", "```")


def test_a_table_has_its_expressions_below(page):
    table = ("| a | b |", "|:--|--:|", "| 8 | 1.26 |", "| 8 | 2,160 |")
    assert page(*table, "<!--= eight, row[0] -->", "<!--= eight, row[1] -->") == []


def test_every_digit_that_changes_is_noticed(page):
    text = ("V2 has 8 groups of 3, 1.26 times; $3 \\times 8 = 24$.", "<!--= eight, row[0] -->")
    page(*text)
    assert prose.escapes(page.path, lambda digit, at: set(range(10)) - {digit}) == []


def test_digits_are_written_as_their_expressions_say(page):
    page("V2 has 7 groups,", "and $2{,}161$.", "<!--= eight, row[1] -->")
    changes = prose.amend(page.path, {"": ["V2 · ·"]})
    assert changes == ["page.md:1: 7 -> 8", "page.md:1: 2,161 -> 2,160"]
    assert page.path.read_text().splitlines()[:2] == ["V2 has 8 groups,", "and $2{,}160$."]


def test_an_amended_number_may_be_longer(page):
    page("From 7 to 21 and 8.", "<!--= eight * 100, row[1], eight -->")
    assert len(prose.amend(page.path, {})) == 2
    assert page.path.read_text().splitlines()[0] == "From 800 to 2160 and 8."


def test_a_number_that_may_not_be_meant_is_left_alone(page):
    page("Of 7 and 9", "<!--= eight -->")
    assert prose.amend(page.path, {"": ["7 ·", "· 9"]}) == []


def test_a_notebook_is_read_cell_by_cell_and_written_back(page):
    path = page.path.with_suffix(".ipynb")
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["It is 7.\n", "<!--= eight -->"]},
        {
            "cell_type": "code",
            "metadata": {"numbers": "eight", "mystnb": {"image": {"alt": "A plot of 7."}}},
            "source": ["plot(7)"],
        },
    ]
    path.write_text(json.dumps({"cells": cells}, indent=1))
    assert len(prose.problems(path, {})) == 2
    assert len(prose.amend(path, {})) == 2
    assert prose.problems(path, {}) == []
    assert json.loads(path.read_text())["cells"][1]["source"] == ["plot(7)"]


def test_a_given_that_no_answer_uses_is_found(page):
    page("Of 3 and 4?", "<!--= let(m), let(n) -->", "", "It is 9.", "<!--= m * m -->")
    found = [(name, other, red) for _, name, other, red in prose.givens(page.path)]
    assert found == [("m", 4, True), ("m", 6, True), ("n", 5, False), ("n", 8, False)]
