"""What the tests know about the book: its files, and what a notebook defines."""

import re
from pathlib import Path

import yaml

from tools.notebooks import ROOT, code_of, definitions, read_notebook

__all__ = ["ROOT", "code_of", "definitions", "read_notebook"]  # from here, for every test

SITE = ROOT / "_build" / "html"

CHAPTERS = sorted(path.parent for path in ROOT.glob("chapters/*/index.md"))
PAGES = [folder / "index.md" for folder in CHAPTERS]
APPENDIX = sorted(ROOT.glob("chapters/appendix/*.md"))  # back matter: pages without a notebook
NOTEBOOKS = sorted(ROOT.glob("chapters/*/*.ipynb"))
NETWORKS = {  # chapter: its class
    "v1": "MobileNetV1",
    "v2": "MobileNetV2",
    "v3": "MobileNetV3",
    "v4": "MobileNetV4",
}


def name(path: Path) -> str:
    """A file's path inside the repository: the name of a test, or of a place in a message."""
    return path.relative_to(ROOT).as_posix()


def toc_files() -> list[str]:
    """Every document that `_toc.yml` lists, without extension."""
    return re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text())


def config() -> dict:
    return yaml.safe_load((ROOT / "_config.yml").read_text())


def mistakes_under(chapter: str, heading: str) -> list[str]:
    """The mistakes that a chapter's page lists under a heading, by their words in bold."""
    page = (ROOT / "chapters" / chapter / "index.md").read_text()
    section = page.partition(f"### {heading}\n")[2].partition("\n##")[0]
    return re.findall(r"^\*\*(.+?)\*\*", section, flags=re.MULTILINE)
