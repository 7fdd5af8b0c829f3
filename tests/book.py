"""What the tests know about the book: its files, and what a notebook defines."""

import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"

CHAPTERS = sorted(path.parent for path in ROOT.glob("chapters/*/index.md"))
PAGES = [folder / "index.md" for folder in CHAPTERS]
NOTEBOOKS = sorted(ROOT.glob("chapters/*/*.ipynb"))


def name(path: Path) -> str:
    """A file's path inside the repository: the name of a test, or of a place in a message."""
    return path.relative_to(ROOT).as_posix()


def toc_files() -> list[str]:
    """Every document that `_toc.yml` lists, without extension."""
    return re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text())


def config() -> dict:
    return yaml.safe_load((ROOT / "_config.yml").read_text())


def read_notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


@cache
def definitions(chapter: str) -> SimpleNamespace:
    """What the cells tagged `define` of a chapter's notebook define, without its experiments.

    >>> definitions("separable").DepthwiseSeparableConv.__name__
    'DepthwiseSeparableConv'
    """
    (path,) = (ROOT / "chapters" / chapter).glob("*.ipynb")
    namespace = {"__name__": path.stem}
    for number, cell in enumerate(read_notebook(path).cells):
        if "define" in cell.metadata.get("tags", []):
            exec(compile(cell.source, f"{name(path)}, cell {number}", "exec"), namespace)
    return SimpleNamespace(**namespace)
