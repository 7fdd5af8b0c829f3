"""How long one reads, where the first page says it in words."""

import pytest

from tests.book import CHAPTERS
from tests.numbers import minutes

pytestmark = pytest.mark.words


def test_the_chapters_take_nearly_five_hours():
    assert 280 <= sum(minutes(folder.name) for folder in CHAPTERS) <= 299


def test_before_an_interview_it_is_two_hours():
    chapters = sum(minutes(chapter) for chapter in ("separable", "v1", "v2", "v3"))
    assert chapters + sum(minutes("appendix", page) for page in ("cheatsheet", "interview")) <= 120
