"""The closed world of numbers: every number on every page and in every notebook's text."""

import importlib

import pytest

from tests import closed_world
from tests.book import APPENDIX, NOTEBOOKS, PAGES, ROOT, name

FIGURES = sorted(ROOT.glob("figures/*.svg"))
FRONT = {ROOT / "intro.md": "INTRO", ROOT / "README.md": "README"}


KINDS = {".md": "PAGE", ".ipynb": "NOTEBOOK", ".svg": "FIGURES"}


def chapter_of(path):
    """The chapter that a file belongs to; a figure is named after the script that draws it, a page
    of the appendix after itself.
    """
    if path in APPENDIX:
        return path.stem
    if path.suffix != ".svg":
        return path.parent.name
    return next(
        script.stem
        for script in ROOT.glob("figures/*.py")
        if f'"{path.stem}"' in script.read_text()
    )


def claims_of(path):
    """The claims about a file: tests/claims/<chapter>.py says PAGE, NOTEBOOK and FIGURES."""
    if path in FRONT:
        return getattr(importlib.import_module("tests.claims.front"), FRONT[path])
    module = importlib.import_module(f"tests.claims.{chapter_of(path)}")
    return getattr(module, KINDS[path.suffix])


def names_of(path):
    """How often names with a digit stand in a file: PAGE_NAMES and so on, beside its claims."""
    if path in FRONT:
        front = importlib.import_module("tests.claims.front")
        return getattr(front, f"{FRONT[path]}_NAMES")
    module = importlib.import_module(f"tests.claims.{chapter_of(path)}")
    return getattr(module, f"{KINDS[path.suffix]}_NAMES", None)


def blocks_of(path):
    read = closed_world.page_blocks if path.suffix == ".md" else closed_world.notebook_blocks
    return read(path, name(path))


TEXTS = [*FRONT, *PAGES, *APPENDIX, *NOTEBOOKS]


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_every_number_is_explained(path):
    problems = closed_world.problems(blocks_of(path), claims_of(path), names_of(path))
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize("chapter", sorted({chapter_of(figure) for figure in FIGURES}))
def test_every_number_in_a_figure_is_explained(chapter):
    figures = [figure for figure in FIGURES if chapter_of(figure) == chapter]
    blocks = [
        block for figure in figures for block in closed_world.figure_blocks(figure, name(figure))
    ]
    assert len(blocks) >= len(figures), "a figure without its words: run `make figures`"
    module = importlib.import_module(f"tests.claims.{chapter}")
    problems = closed_world.problems(blocks, module.FIGURES, module.FIGURES_NAMES)
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_changing_any_digit_is_noticed(path):
    blocks, claims = blocks_of(path), claims_of(path)
    if closed_world.problems(blocks, claims, names_of(path)):
        pytest.skip("its numbers must be explained first: see the test above")
    escaped = closed_world.unguarded_digits(blocks, claims)
    assert not escaped, f"\n{len(escaped)} changes go unnoticed:\n" + "\n".join(escaped[:40])
