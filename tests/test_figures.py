"""The figures are what their scripts draw."""

import multiprocessing
import os
import runpy
import sys

import pytest
from PIL import Image

from tests.book import NETWORKS, ROOT, definitions, name

FOLDER = ROOT / "figures"
SCRIPTS = sorted(FOLDER.glob("*/draw.py"))
DRAWN = sorted(FOLDER.glob("*/*.svg"))
START = "fork" if sys.platform == "linux" else "spawn"
PIXELS = sorted(FOLDER.glob("*/*.png"))


def content(path):
    """What a figure shows: the text of an SVG, the pixels of a PNG, however they are packed."""
    return path.read_text() if path.suffix == ".svg" else Image.open(path).convert("RGB").tobytes()


def figure(path, folder=FOLDER) -> str:
    """Its name in the script that draws it, such as v2/memory."""
    return path.relative_to(folder).with_suffix("").as_posix()


def draw(script, folder) -> None:
    """What `python -m figures.v2.draw folder` does."""
    os.chdir(ROOT)
    sys.argv = [str(script), str(folder)]
    runpy.run_module(f"figures.{script.parent.name}.draw", run_name="__main__")


@pytest.fixture(scope="module")
def loaded() -> None:
    """What many scripts import and define: here, once. In each script's own process it would take
    seconds.
    """
    import matplotlib.backends.backend_svg  # noqa: F401
    import torchvision  # noqa: F401

    import tools.variants  # noqa: F401

    for chapter in NETWORKS:
        definitions(chapter)


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_figures_are_what_their_script_draws(script, tmp_path, loaded):
    drawing = multiprocessing.get_context(START).Process(target=draw, args=(script, tmp_path))
    drawing.start()
    drawing.join()
    assert drawing.exitcode == 0, "the script failed: its error stands above"
    anew = {figure(path, tmp_path): content(path) for path in tmp_path.glob("*/*")}
    kept = {figure(path): content(path) for path in DRAWN + PIXELS if path.parent == script.parent}
    assert anew.keys() == kept.keys(), "a figure is missing, or no script draws it: delete it"
    stale = [each for each in anew if anew[each] != kept[each]]
    assert not stale, f"{stale} are stale: run `make figures`"


@pytest.mark.parametrize("path", DRAWN, ids=name)
def test_one_script_draws_a_figure(path):
    sources = [script.read_text() for script in SCRIPTS]
    assert sum(f'"{figure(path)}"' in source for source in sources) == 1


@pytest.mark.words
@pytest.mark.parametrize("path", DRAWN, ids=name)
def test_figure_is_used(path):
    sources = [*ROOT.glob("*.md"), *ROOT.glob("chapters/**/*.md")]
    assert any(f"figures/{figure(path)}.svg" in source.read_text() for source in sources)
