"""Read the notebooks, and take what they define without running their experiments.

The figures draw the networks that the notebooks build, and the tests count and compare them.
"""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import nbformat

ROOT = Path(__file__).resolve().parent.parent


def read_notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_of(path: Path) -> list[nbformat.NotebookNode]:
    """What of a notebook is run: its cells of code. Not looked at is whether it is well formed."""
    cells = nbformat.v4.reads(path.read_text(encoding="utf-8")).cells
    return [cell for cell in cells if cell.cell_type == "code"]


@cache
def define_cells(path: Path, changed: int) -> list[tuple[int, str]]:
    """The cells tagged `define`, by number. To read and validate a file takes longer than to run
    what is defined, and tests break some notebooks a hundred times; `changed` is when the file was.
    """
    cells = enumerate(read_notebook(path).cells)
    return [(n, cell.source) for n, cell in cells if "define" in cell.metadata.get("tags", [])]


@cache
def definitions(chapter: str, right: str = "", wrong: str = "") -> SimpleNamespace:
    """What the cells tagged `define` of a chapter's notebook define, without its experiments.

    With `right` and `wrong`, the first is replaced by the second wherever it stands: that is how
    the tests break a notebook on purpose. ValueError if it stands nowhere.

    >>> definitions("separable").DepthwiseSeparableConv.__name__
    'DepthwiseSeparableConv'
    """
    path = next((ROOT / "chapters" / chapter).glob("*.ipynb"), None)
    if path is None:
        raise ValueError(f"chapters/{chapter} has no notebook (*.ipynb)")
    namespace, found = {"__name__": path.stem}, not right
    for number, original in define_cells(path, path.stat().st_mtime_ns):
        source = original.replace(right, wrong) if right else original
        found = found or right in original
        place = f"{path.relative_to(ROOT).as_posix()}, cell {number}"
        exec(compile(source, place, "exec"), namespace)
    if not found:
        raise ValueError(f"no definition in {path.name} contains {right!r}")
    return SimpleNamespace(**namespace)
