"""What several notebooks define has one text, chapters/helpers.py, and is the same in each."""

import ast

import pytest

from tests.book import NOTEBOOKS, name, read_notebook
from tools import stamp

pytestmark = pytest.mark.words

HELPERS = stamp.defined(stamp.HELPERS.read_text(encoding="utf-8"))


def code_cells(path) -> list:
    """Without the first one: it installs, in words that are not Python's."""
    return [cell for cell in read_notebook(path).cells if cell.cell_type == "code"][1:]


def is_helper(cell) -> bool:
    return "helper" in cell.metadata.get("tags", [])


def stamped_into(path) -> set[str]:
    return {
        each for cell in code_cells(path) if is_helper(cell) for each in stamp.defined(cell.source)
    }


def names_read(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_helper_is_the_same_everywhere(path):
    for cell in filter(is_helper, code_cells(path)):
        assert "define" in cell.metadata.tags
        assert cell.source == stamp.stamped(cell.source, HELPERS), "run python -m tools.stamp"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_no_notebook_defines_a_helper_of_its_own(path):
    for cell in code_cells(path):
        own = set() if is_helper(cell) else stamp.defined(cell.source).keys() & HELPERS.keys()
        assert not own, f"tag its cell `helper`: {own}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_has_only_the_helpers_that_it_uses(path):
    sources = [cell.source for cell in code_cells(path) if not is_helper(cell)]
    here = stamped_into(path)
    for helper in here:
        others = [HELPERS[each] for each in here - {helper}]
        assert helper in names_read("\n\n".join(sources + others)), helper


def test_a_helper_is_what_several_notebooks_need():
    """Two notebooks, or a helper that two notebooks need."""
    stamped = [stamped_into(path) for path in NOTEBOOKS]
    shared = {each for each in HELPERS if sum(each in names for names in stamped) >= 2}
    for helper in HELPERS.keys() - shared:
        assert any(helper in names_read(HELPERS[each]) for each in shared), helper


def test_a_copy_that_was_changed_is_found_and_written_back(tmp_path):
    (original,) = (path for path in NOTEBOOKS if path.parent.name == "convolution")
    copy = tmp_path / original.name
    text = original.read_text(encoding="utf-8")
    assert text.count("get_total_flops() // 2") == 1
    copy.write_text(text.replace("get_total_flops() // 2", "get_total_flops()"), encoding="utf-8")
    assert stamp.stamp(copy) == ["count_macs"]
    assert copy.read_text(encoding="utf-8") == text
    assert stamp.stamp(copy) == []


def test_a_name_that_is_no_helpers_is_refused():
    with pytest.raises(KeyError, match="conv2d_loops"):
        stamp.stamped("def conv2d_loops():\n    pass", HELPERS)
