"""The figures are what their scripts draw."""

import subprocess
import sys

import pytest

from tests.book import ROOT, name

SCRIPTS = sorted(path for path in ROOT.glob("figures/*.py") if path.name != "style.py")
DRAWN = sorted(ROOT.glob("figures/*.svg"))


@pytest.fixture(scope="session")
def redrawn(tmp_path_factory):
    """A folder with every figure drawn anew."""
    folder = tmp_path_factory.mktemp("figures")
    for script in SCRIPTS:
        subprocess.run([sys.executable, script, folder], check=True, cwd=ROOT)
    return folder


@pytest.mark.xdist_group("figures")
def test_no_figure_is_missing_or_left_over(redrawn):
    assert sorted(path.name for path in redrawn.iterdir()) == [path.name for path in DRAWN]


@pytest.mark.xdist_group("figures")
@pytest.mark.parametrize("figure", DRAWN, ids=name)
def test_figure_is_current(figure, redrawn):
    drawn = redrawn / figure.name
    assert drawn.exists(), f"no script draws {name(figure)}: delete it"
    assert drawn.read_text() == figure.read_text(), f"{name(figure)} is stale: run `make figures`"


@pytest.mark.parametrize("figure", DRAWN, ids=name)
def test_figure_is_used(figure):
    sources = [*ROOT.glob("*.md"), *ROOT.glob("chapters/**/*.md")]
    assert any(figure.name in source.read_text() for source in sources)
