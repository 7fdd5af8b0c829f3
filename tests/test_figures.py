"""The figures are what their scripts draw."""

import subprocess
import sys

import pytest
from PIL import Image

from tests.book import ROOT, name

SCRIPTS = sorted(path for path in ROOT.glob("figures/*.py") if path.name != "style.py")
DRAWN = sorted(ROOT.glob("figures/*.svg"))
PIXELS = sorted(ROOT.glob("figures/*.png"))


def content(path):
    """What a figure shows: the text of an SVG, the pixels of a PNG, however they are packed."""
    return path.read_text() if path.suffix == ".svg" else Image.open(path).convert("RGB").tobytes()


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_figures_are_what_their_script_draws(script, tmp_path):
    subprocess.run([sys.executable, script, tmp_path], check=True, cwd=ROOT)
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
