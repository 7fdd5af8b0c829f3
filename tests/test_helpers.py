"""Helpers of the numbers are used: a name that no expression, helper or test uses goes."""

import ast
import re
from collections import defaultdict
from functools import cache

import pytest

from tests.book import ROOT
from tools import prose

pytestmark = pytest.mark.words

# Of what several texts use, of each text.
MODULES = {"tests.numbers", *map(prose.helpers_of, filter(prose.is_writable, prose.texts()))}
HELPERS = sorted(ROOT / f"{each.replace('.', '/')}.py" for each in MODULES)


def names(tree: ast.Module) -> list[str]:
    """What a module defines or imports at its top."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [(each.asname or each.name).partition(".")[0] for each in node.names]
        elif isinstance(node, ast.Assign):
            targets = (each for target in node.targets for each in ast.walk(target))
            found += [each.id for each in targets if isinstance(each, ast.Name)]
    return found


@cache
def expressions() -> dict[str, str]:
    """All that texts ask of their modules, by module."""
    found = defaultdict(str)
    for path in prose.texts():
        if prose.is_writable(path):
            sources = [source for chunk in prose.read(path) for _, source in chunk.items]
            found[prose.helpers_of(path)] += "\n".join([*sources, ""])
    return found


@pytest.mark.parametrize("path", HELPERS, ids=prose.name)
def test_helpers_are_used(path):
    source = path.read_text(encoding="utf-8")
    others = [each for each in ROOT.glob("tests/**/*.py") if each != path]
    importing = [each.read_text(encoding="utf-8") for each in others]
    module = prose.name(path).removesuffix(".py").replace("/", ".")
    folder, _, last = module.rpartition(".")
    imports = rf"from {folder} import .*\b{last}\b|from {module} import"
    imports += rf"|\bcounted_{path.parent.name}\b"  # or a fixture
    importing = [each for each in importing if re.search(imports, each)]
    used = "\n".join([expressions()[module], *importing])
    of_others = "\n".join(expressions().values())  # the ledger's c2.SECOND
    unused = [
        each
        for each in names(ast.parse(source))
        if each != "_"
        and len(re.findall(rf"\b{each}\b", source)) == 1
        and not re.search(rf"\b{each}\b", used)
        and not re.search(rf"\.{each}\b", of_others)
    ]
    assert not unused, f"nobody uses {', '.join(unused)}"
