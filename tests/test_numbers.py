"""The closed world of numbers: every number on every page and in every notebook's text."""

import importlib

import pytest

from tests import closed_world
from tests.book import NOTEBOOKS, PAGES, ROOT, name

FRONT = {ROOT / "intro.md": "INTRO", ROOT / "README.md": "README"}


def claims_of(path):
    """The claims about a file: tests/claims/<chapter>.py says PAGE and NOTEBOOK."""
    if path in FRONT:
        return getattr(importlib.import_module("tests.claims.front"), FRONT[path])
    module = importlib.import_module(f"tests.claims.{path.parent.name}")
    return module.PAGE if path.suffix == ".md" else module.NOTEBOOK


def blocks_of(path):
    read = closed_world.page_blocks if path.suffix == ".md" else closed_world.notebook_blocks
    return read(path, name(path))


TEXTS = [*FRONT, *PAGES, *NOTEBOOKS]


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_every_number_is_explained(path):
    problems = closed_world.problems(blocks_of(path), claims_of(path))
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_changing_any_digit_is_noticed(path):
    blocks, claims = blocks_of(path), claims_of(path)
    if closed_world.problems(blocks, claims):
        pytest.skip("its numbers must be explained first: see the test above")
    escaped = closed_world.unguarded_digits(blocks, claims)
    assert not escaped, f"\n{len(escaped)} changes go unnoticed:\n" + "\n".join(escaped[:40])
