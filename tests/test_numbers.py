"""Every number that a reader reads equals its expression, or is in the lock: see tools/prose.py."""

import re

import pytest

from tools import prose

pytestmark = pytest.mark.words(anew=True)

TEXTS = prose.texts()


@pytest.fixture(scope="module", params=TEXTS, ids=prose.name)
def path(request):
    """A text. All that is asked of it comes in a row, by the scope: what is counted, once."""
    return request.param


def test_numbers(path):
    problems = prose.problems(path)
    assert not problems, "\n" + "\n".join(problems)


def test_a_changed_digit_is_noticed(path):
    """Each digit becomes one other digit; `python -m tools.mutate numbers` tries all nine."""
    escaped = prose.escapes(path, lambda digit, at: [(digit + 1 + at % 9) % 10])
    assert not escaped, "\n" + "\n".join(escaped)


def test_the_lock_names_no_other_file():
    assert list(prose.read_lock()) == [prose.name(path) for path in TEXTS]


@pytest.mark.parametrize("path", [each for each in TEXTS if each.suffix == ".md"], ids=prose.name)
def test_a_comment_is_no_longer_than_a_line(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if "<!--=" in line:
            place = f"{prose.name(path)}:{number}"
            assert len(line) <= 100, f"{place}: give a part of it a name in numbers.py"


def test_no_expression_repeats_the_text():
    """A number that is typed twice is not computed: without an expression, it is locked."""
    items = [
        (chunk.place, line, source)
        for path in TEXTS
        for chunk in prose.read(path)
        for line, source in chunk.items
    ]
    assert [each for each in items if re.fullmatch(r"[\d._]*\d[\d._]*|'[^']*'", each[2])] == []
