"""The command that changes the notebooks on purpose changes them as little as it says."""

import ast
import functools
import io
import tokenize

import pytest

from tests.book import definitions
from tools import mutate

SOURCE = '''
def scaled(channels: int = 8, width: float = 0.5, *, whole: bool = True) -> int:
    """A docstring of 3 lines or 1 < 2."""
    if not whole and channels != 1:
        raise ValueError(f"channels must be {1 + 0}, not {channels!r}")
    return max(8, int(channels * width), default=-1)  # 2 + 2
'''


@pytest.fixture(autouse=True, scope="module")
def found_once():
    """Tests ask for the changes of all chapters again and again; to find them takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mutate, "of_chapter", functools.cache(mutate.of_chapter))
        yield


def tokens(source: str) -> list[str]:
    return [each.string for each in tokenize.generate_tokens(io.StringIO(source).readline)]


@functools.cache  # of a cell it is asked twenty times
def program(source: str) -> str:
    return ast.dump(ast.parse(source))


def test_what_is_changed():
    """No type hint, no docstring, no comment, no message, and no name that nobody knows."""
    found = {(SOURCE[each.start : each.end], each.new) for each in mutate.mutants(SOURCE)}
    assert found == {
        *{("8", "9"), ("0.5", "1.0"), ("1", "0"), ("True", "False"), ("not", "")},
        *{("and", "or"), ("!=", "=="), ("max", "min"), ("*", "/"), ("-", "+")},
        ("default=-1", ""),
    }


@pytest.mark.parametrize("chapter", mutate.CHAPTERS)
def test_a_change_is_one_token_or_one_keyword_argument_and_another_program(chapter):
    sources = dict(mutate.defined_in(chapter))
    for each in [mutant for cell in mutate.of_chapter(chapter) for mutant in cell[:20]]:
        source = sources[each.cell]
        changed, taken = each.apply(source), source[each.start : each.end]
        assert changed == source[: each.start] + each.new + source[each.end :]
        keyword = ast.parse(f"f({taken})").body[0].value.keywords if "=" in taken[1:-1] else []
        assert len(tokens(taken)) == len(tokens("x")) or (len(keyword) == 1 and not each.new)
        assert program(changed) != program(source)
        assert each.before != each.after


def test_a_seed_draws_the_same_changes_again_in_all_chapters():
    first = mutate.draw(60, seed=1)
    assert first == mutate.draw(60, seed=1) != mutate.draw(60, seed=2)
    counts = [sum(each.chapter == chapter for each in first) for chapter in mutate.CHAPTERS]
    assert sum(counts) == 60 and max(counts) - min(counts) <= 1
    assert len(set(first)) == 60


@pytest.mark.words
def test_a_change_is_seen_by_the_tests_and_stays_in_no_file(monkeypatch, tmp_path):
    """The notebook is another one in the process of the test alone."""
    test = tmp_path / "test_it.py"
    test.write_text(
        "from tools.notebooks import definitions\n"
        "def test_it():\n"
        "    assert definitions('separable').times_cheaper(2, 2) == 4 / 3\n"
    )
    monkeypatch.setitem(mutate.TESTS, "separable", (str(test),))
    assert definitions("separable").times_cheaper(2, 2) == 4 / 3
    before = mutate.notebook_of("separable").read_bytes()
    found = [each for cell in mutate.of_chapter("separable") for each in cell]
    (change,) = (each for each in found if each.after == "return 1 / (1 / n - 1 / kernel**2)")
    assert mutate.noticed_by(change).endswith("::test_it")
    assert mutate.notebook_of("separable").read_bytes() == before
    assert definitions("separable").times_cheaper(2, 2) == 4 / 3


def test_what_is_called_equivalent_is_still_there():
    there = {
        (each.chapter, each.before, each.after)
        for chapter in mutate.CHAPTERS
        for cell in mutate.of_chapter(chapter)
        for each in cell
    }
    assert mutate.EQUIVALENT.keys() <= there
