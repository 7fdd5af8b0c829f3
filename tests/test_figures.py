"""The figures are what their scripts draw."""

import multiprocessing
import os
import runpy
import sys

import pytest
import torch  # noqa: F401 (here, once: in each script's own process it would take seconds)
from PIL import Image

from tests.book import ROOT, name

SCRIPTS = sorted(path for path in ROOT.glob("figures/*.py") if path.name != "style.py")
DRAWN = sorted(ROOT.glob("figures/*.svg"))
START = "fork" if sys.platform == "linux" else "spawn"
PIXELS = sorted(ROOT.glob("figures/*.png"))


def content(path):
    """What a figure shows: the text of an SVG, the pixels of a PNG, however they are packed."""
    return path.read_text() if path.suffix == ".svg" else Image.open(path).convert("RGB").tobytes()


def draw(script, folder) -> None:
    """What `python figures/v2.py folder` does."""
    os.chdir(ROOT)
    sys.argv = [str(script), str(folder)]
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_figures_are_what_their_script_draws(script, tmp_path):
    drawing = multiprocessing.get_context(START).Process(target=draw, args=(script, tmp_path))
    drawing.start()
    drawing.join()
    assert drawing.exitcode == 0, "the script failed: its error stands above"
    anew = {path.name: content(path) for path in tmp_path.iterdir()}
    source = script.read_text()
    kept = {path.name: content(path) for path in DRAWN + PIXELS if f'"{path.stem}"' in source}
    assert anew.keys() == kept.keys(), "a figure is missing, or no script draws it: delete it"
    stale = [each for each in anew if anew[each] != kept[each]]
    assert not stale, f"{stale} are stale: run `make figures`"


@pytest.mark.parametrize("figure", DRAWN, ids=name)
def test_one_script_draws_a_figure(figure):
    sources = [script.read_text() for script in SCRIPTS]
    assert sum(f'"{figure.stem}"' in source for source in sources) == 1


@pytest.mark.parametrize("figure", DRAWN, ids=name)
def test_figure_is_used(figure):
    sources = [*ROOT.glob("*.md"), *ROOT.glob("chapters/**/*.md")]
    assert any(figure.name in source.read_text() for source in sources)
