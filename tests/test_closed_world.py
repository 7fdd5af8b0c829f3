"""The closed world of numbers is itself tested: it must not let anything through."""

import pytest

from tests.closed_world import (
    Block,
    computed,
    given,
    page_blocks,
    problems,
    unguarded_digits,
)


def blocks(*lines: str) -> list[Block]:
    return [Block((line,), "page.md", number) for number, line in enumerate(lines, 1)]


def test_an_explained_page_passes():
    page = blocks("It costs 2,160 MACs.", "Together $432 + 240 = 672$.")
    claims = [computed("{:,} MACs", 2160), computed("= {}", 672)]
    assert problems(page, claims) == []


def test_a_wrong_digit_is_named_with_its_line():
    page = blocks("Fine.", "It costs 2,161 MACs.")
    found = problems(page, [computed("{:,} MACs", 2160)])
    assert found[0].startswith("page.md:2: 2,161 is not explained")
    assert "does not say “2,160 MACs”" in found[1]


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
def test_false_arithmetic_is_found(text):
    assert any("is not true" in problem for problem in problems(blocks(text), []))


def test_true_arithmetic_about_the_wrong_thing_is_found():
    claims = [computed("{} numbers", 80), computed("= {}", 80)]
    assert problems(blocks("80 numbers: $4 \\times 4 \\times 5 = 80$"), claims) == []
    assert problems(blocks("80 numbers: $4 \\times 5 \\times 6 = 120$"), claims)


def test_a_number_inside_a_longer_one_is_not_explained():
    page = blocks("There are 216 channels and 16 channels.")
    assert "216 is not explained" in problems(page, [given("16 channels")])[0]


def test_link_targets_and_names_are_not_numbers():
    page = blocks("See [here](https://a.b/2017) for MobileNetV2 and `Conv2d`, with VGG-16.")
    names = {"MobileNetV2": 1, "Conv2d": 1, "VGG-16": 1}
    assert problems(page, [], names) == []
    assert unguarded_digits(page, []) == []


@pytest.mark.parametrize("wrong", ["a 7×7 kernel of V1", "a 3×3 kernel of V2"])
def test_a_name_is_guarded_by_its_count(wrong):
    names = {"3×3": 1, "V1": 1}
    assert problems(blocks("a 3×3 kernel of V1"), [], names) == []
    assert len(problems(blocks(wrong), [], names)) == 2


@pytest.mark.parametrize("text", ["20.92e3", "20.92k", "−20.92", "-20.92", "120.92", "20.923"])
def test_a_number_with_something_glued_to_it_is_another_number(text):
    claims = [computed("{:.2f}", 20.92)]
    assert problems(blocks("It is 20.92 times."), claims) == []
    assert problems(blocks("It is 20.92 times.", f"It is {text} times."), claims)


def test_digits_that_are_no_digits_are_refused():
    assert "write ² as math" in problems(blocks("It grows with its side²."), [])[0]


def test_alternative_text_is_read():
    assert problems(blocks(":alt: It shows 3 planes."), [])


def test_a_digit_that_could_change_unnoticed_is_found():
    # Both numbers are explained, but the first could become the second.
    page = blocks("It has 3 groups.", "Again 3 groups.", "It has 4 groups.")
    claims = [given("3 groups"), given("4 groups")]
    assert problems(page, claims) == []
    assert unguarded_digits(page, claims) == [
        "page.md:1: It has 3 groups. -> It has 4 groups.",
        "page.md:2: Again 3 groups. -> Again 4 groups.",
    ]


def test_rounding_hides_nothing():
    # 1 / 3 is 0.33 to two digits, and so is 1 / 3.0…: but 2 / 3 is not.
    assert problems(blocks("1 / 3 ≈ 0.33"), [given("≈ 0.33")]) == []
    escaped = unguarded_digits(blocks("672 / 2,160 ≈ 0.31"), [given("≈ 0.31")])
    assert any("2,161" in each for each in escaped), "a coarse rounding must be reported"


def test_places_survive_list_items_and_tables(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n- one\n- has 7\n\n| a | b |\n|--|--|\n| 8 | x |\n")
    found = problems(page_blocks(page, "page.md"), [])
    assert [each.split(" is")[0] for each in found] == ["page.md:4: 7", "page.md:8: 8"]
