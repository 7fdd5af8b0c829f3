"""Write into each notebook the helpers that it shares with others: `python -m tools.stamp`.

Their one text is chapters/helpers.py. A cell with the tag `helper` holds a copy of some of it,
whole definitions, and nothing else: which, say the names that it defines.
"""

import ast
from pathlib import Path

import nbformat

from tools.notebooks import ROOT, read_notebook

HELPERS = ROOT / "chapters" / "helpers.py"
NOTEBOOKS = sorted(ROOT.glob("chapters/*/*.ipynb"))


def defined(source: str) -> dict[str, str]:
    """The text of each function and class that a source defines, decorators included.

    >>> defined("def one():\\n    return 1\\n\\n\\nX = 2\\n")
    {'one': 'def one():\\n    return 1'}
    """
    lines, found = source.splitlines(), {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def stamped(source: str, helpers: dict[str, str]) -> str:
    """The same cell, with the helpers' own text under the names that it defines.

    KeyError for a name that is no helper.
    """
    return "\n\n\n".join(helpers[name] for name in defined(source))


def stamp(path: Path) -> list[str]:
    """Write the helpers into a notebook; the names of those that were out of date."""
    notebook, changed = read_notebook(path), []
    helpers = defined(HELPERS.read_text(encoding="utf-8"))
    for cell in notebook.cells:
        if "helper" in cell.metadata.get("tags", []):
            was, cell.source = cell.source, stamped(cell.source, helpers)
            changed += [n for n, text in defined(was).items() if text != helpers[n]]
    if changed:
        nbformat.write(notebook, path)
    return changed


if __name__ == "__main__":
    for path in NOTEBOOKS:
        if changed := stamp(path):
            print(f"{path.relative_to(ROOT).as_posix()}: {', '.join(changed)}")
