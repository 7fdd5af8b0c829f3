"""Pages and notebooks keep their contracts; each notebook runs alone, with the network off."""

import ast
import builtins
import io
import os
import re
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple
from unittest.mock import MagicMock

import nbformat
import pytest

from tests.book import (
    APPENDIX,
    CHAPTERS,
    NETWORKS,
    NOTEBOOKS,
    PAGES,
    ROOT,
    SITE,
    config,
    name,
    read_notebook,
    toc_files,
)
from tools import alone, build_book
from tools.alone import SECONDS

pytestmark = pytest.mark.words

SECTIONS = [
    "What is often got wrong",
    "Key points",
    "Exercises",
    "Interview questions",
    "Further reading",
]
# What Colab brings along; anything else must be in a notebook's install cell.
COLAB = {
    "IPython",
    "PIL",
    "huggingface_hub",
    "matplotlib",
    "numpy",
    "safetensors",
    "torch",
    "torchvision",
}

# ---------------------------------------------------------------- the book as a whole


READ = [*PAGES, *APPENDIX, *NOTEBOOKS]


@pytest.mark.parametrize("path", READ, ids=name)
def test_a_page_is_in_the_table_of_contents(path):
    assert name(path).removesuffix(path.suffix) in toc_files(), "_toc.yml does not list it"


def test_no_other_page_is_in_the_table_of_contents():
    """The tests below would not read it."""
    expected = {name(path).removesuffix(path.suffix) for path in READ}
    assert expected | {"intro", "references"} == set(toc_files())


@pytest.mark.parametrize("folder", CHAPTERS, ids=name)
def test_a_chapter_is_one_page_and_one_notebook_and_on_the_first_page(folder):
    notebooks = list(folder.glob("*.ipynb"))
    assert len(notebooks) == 1, f"{len(notebooks)} notebooks (*.ipynb) in {name(folder)}, not 1"
    label = f"<ch-{folder.name}>"
    assert label in (ROOT / "intro.md").read_text(), f"intro.md has no link to {label}"


def test_a_failed_notebook_fails_the_build():
    execute = config()["execute"]
    assert execute["execute_notebooks"] == "cache"
    assert not execute.get("allow_errors", False)
    assert {"build", ".", "-n", "-W", "--keep-going"} <= set(build_book.COMMAND)


@pytest.mark.long(150)  # if no notebook of it has run before
def test_the_book_is_built(built):
    """Its notebooks executed where they have changed, every warning an error."""
    assert not built, built
    missing = [each for each in toc_files() if not (SITE / f"{each}.html").exists()]
    assert not missing, f"run `make book` first: {missing} not found"


def test_what_a_site_is_made_from(tmp_path, monkeypatch):
    """A changed, a new and a lost file, a package and the repository's address make another site;
    tests, caches and what an editor leaves beside a page do not.
    """
    monkeypatch.setattr(build_book, "ROOT", tmp_path)
    page = tmp_path / "chapters" / "page.md"
    page.parent.mkdir()
    page.write_text("# One")
    first = build_book.made_from()

    for folder in ("tests", "_build", ".venv", "chapters/__pycache__"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text("x")
    (tmp_path / "chapters" / ".#page.md").symlink_to("nowhere")
    assert build_book.made_from() == first

    page.write_text("# Two")
    second = build_book.made_from()
    (tmp_path / "new.md").write_text("")
    third = build_book.made_from()
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", "address"], check=True)
    fourth = build_book.made_from()
    monkeypatch.setattr(build_book, "packages", lambda: [])
    assert len({first, second, third, fourth, build_book.made_from()}) == 5


def test_a_site_that_is_built_is_not_built_again(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "_build"
    folder.mkdir()
    places = {"ROOT": tmp_path, "BUILD": folder, "BUILT": folder / "built", "LOG": folder / "log"}
    for place, path in places.items():
        monkeypatch.setattr(build_book, place, path)
    builds, status = [], 0

    def run_build() -> int:
        builds.append(status)
        (folder / "html").mkdir()
        (folder / "html" / "index.html").write_text("")
        build_book.LOG.write_text("page.md:1: WARNING: no")
        return status

    monkeypatch.setattr(build_book, "run_build", run_build)
    assert (build_book.main(), build_book.main()) == (0, 0) and len(builds) == 1
    assert "Built already" in capsys.readouterr().out
    monkeypatch.setattr(build_book, "made_from", lambda: "other sources")
    status = 1
    assert (build_book.main(), build_book.main()) == (1, 1) and len(builds) == 3, "not if it failed"


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("{root}/a.md:3: WARNING: undefined label: 'x'\n", "a.md:3: WARNING: undefined label: 'x'"),
        ("Traceback\nyaml.E: x\nsphinx.errors.ConfigError: no\nRuntimeError: \n=====\n", "no"),
        ("{root}/a.md: WARNING: a\n{root}/a.md: WARNING: a\nError: b\n", "a.md: WARNING: a"),
    ],
)
def test_a_failed_build_ends_with_one_line_for_its_cause(log, cause, tmp_path, monkeypatch):
    monkeypatch.setattr(build_book, "LOG", tmp_path / "log")
    (tmp_path / "log").write_text(log.format(root=ROOT))
    (line,) = build_book.causes()
    assert line.endswith(cause)


# ---------------------------------------------------------------- pages


def directives(text: str, kind: str) -> list[tuple[str, str]]:
    """(argument, body) of each directive of a kind on a page."""
    pattern = rf"^(`{{3,}})\{{{kind}\}} *(.*)\n((?:.*\n)*?)\1`*$"
    return [(m[2], m[3]) for m in re.finditer(pattern, text, flags=re.MULTILINE)]


@pytest.fixture(params=PAGES, ids=name)
def page(request) -> tuple[Path, str]:
    return request.param, request.param.read_text()


def test_page_opens_with_the_idea(page):
    path, text = page
    label = f"(ch-{path.parent.name})="
    opening = rf"\A{re.escape(label)}\n# .+\n\n```\{{admonition\}} The idea\n:class: note idea\n"
    assert re.match(opening, text), "label, title, then the idea in a note"
    assert len(re.findall(r"^# ", text, flags=re.MULTILINE)) == 1


def test_page_says_what_it_teaches_and_tests_it(page):
    path, text = page
    strip = dict(directives(text, "container")).get("strip", "")
    assert strip, "no {container} strip below the idea: see chapters/pointwise"
    (notebook,) = path.parent.glob("*.ipynb")
    assert re.match(rf"\*\*\d+ minutes\*\* · needs .* · \[notebook\]\({notebook.name}\), ", strip)
    folded = dict(directives(text, "dropdown")).get("After this chapter you can …", "")
    objectives = re.findall(r"^1\. (.*)$", folded, flags=re.MULTILINE)
    assert 3 <= len(objectives) <= 5, f"{len(objectives)} objectives, not 3 to 5"
    labels = set(re.findall(r"^:label: (\S+)$", text, flags=re.MULTILINE))
    for objective in objectives:
        tested_by = re.findall(r"<(ex-[\w-]+)>", objective)
        assert tested_by, f"no exercise tests: {objective}"
        assert set(tested_by) <= labels


def test_page_asks_for_a_prediction_and_folds_the_answer(page):
    _, text = page
    parts = re.split(r"^`{3,}\{admonition\} Predict first\n", text, flags=re.MULTILINE)[1:]
    assert parts, "no `Predict first` on the page"
    for part in parts:
        following = re.findall(r"^`{3,}\{(\w+)\} *(.*)$", part, flags=re.MULTILINE)
        following = [each for each in following if each[0] != "figure"]
        assert following[0] == ("dropdown", "Answer"), part[:80]


def test_page_has_its_sections_in_order(page):
    path, text = page
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert headings[-len(SECTIONS) :] == SECTIONS
    if path.parent.name in NETWORKS:
        assert "The paper's numbers, recomputed" in headings


def test_every_exercise_has_a_folded_solution(page):
    _, text = page
    section = text.partition("## Exercises")[2].partition("## Interview questions")[0]
    kinds = re.findall(r"^`{3,}\{(\w+)\} *(.*)$", section, flags=re.MULTILINE)
    count = sum(kind == "exercise" for kind, _ in kinds)
    assert count >= 3, f"{count} exercises, at least 3"
    assert len(kinds) == 2 * count, "each exercise is followed by its solution"
    for exercise, solution in zip(kinds[::2], kinds[1::2], strict=True):
        assert exercise[0] == "exercise" and solution == ("dropdown", "Solution")
    for _, body in directives(section, "exercise") + directives(section, "dropdown"):
        assert re.sub(r"^:.*$", "", body, flags=re.MULTILINE).strip(), "an empty box"


def test_interview_questions_have_folded_answers(page):
    _, text = page
    section = text.partition("## Interview questions")[2].partition("## Further reading")[0]
    questions = directives(section, "dropdown")
    assert len(questions) >= 4, f"{len(questions)} interview questions, at least 4"
    assert all(question and answer.strip() for question, answer in questions)


def test_further_reading_is_cited(page):
    _, text = page
    keys = re.findall(r"\{cite:?\w*\}`([^`]+)`", text)
    known = re.findall(r"^@\w+\{([^,]+),", (ROOT / "references.bib").read_text(), re.MULTILINE)
    assert "{cite" in text.partition("## Further reading")[2]
    assert {key for group in keys for key in group.split(",")} <= set(known)


def test_figures_are_ours_and_described(page):
    path, text = page
    figures = directives(text, "figure")
    assert figures, "a page without a figure"
    for target, body in figures:
        assert (path.parent / target).resolve().parent == ROOT / "figures" / path.parent.name
        alt = re.search(r"^:alt: (.+)$", body, flags=re.MULTILINE)
        assert alt and len(alt[1]) >= 60, f"{target}: say what the figure shows"
        caption = re.sub(r"^:.*$", "", body, flags=re.MULTILINE).strip()
        assert len(caption) >= 20, f"{target}: say what to notice"
    assert not re.search(r"!\[|\{image\}|<img", text), "pictures come as figures, with alt text"


WIDEST = 72  # columns of code: what a folded answer shows at 1280 px without scrolling


@pytest.mark.parametrize("path", [*PAGES, *APPENDIX], ids=name)
def test_code_on_a_page_fits_its_box(path):
    blocks = re.findall(r"^```python\n(.*?)^```$", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    wide = [line for block in blocks for line in block.splitlines() if len(line) > WIDEST]
    assert not wide, "\n".join(wide)


def test_page_holds_all_of_its_text(page):
    """What comes from another file, or as raw HTML, no test here would read."""
    _, text = page
    assert not re.search(r"\{(include|literalinclude|raw)\}|^:::|^:file:", text, re.MULTILINE)


@pytest.mark.parametrize("path", APPENDIX, ids=name)
def test_back_matter_opens_with_its_idea_and_holds_all_of_its_text(path):
    text = path.read_text()
    label = rf"\(app-{path.stem}\)="
    opening = rf"\A{label}\n# .+\n\n```\{{admonition\}} The idea\n:class: note idea\n"
    assert re.match(opening, text), "label, title, then the idea in a note"
    test_page_holds_all_of_its_text((path, text))


# ---------------------------------------------------------------- notebooks


@pytest.fixture(params=NOTEBOOKS, ids=name)
def notebook(request):
    return read_notebook(request.param)


def code(notebook) -> list[str]:
    """The code cells; magics are commented out, so that Python can parse them."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return [re.sub(r"^(\s*)%", r"\1pass  # %", cell, flags=re.MULTILINE) for cell in cells]


def test_notebook_is_committed_without_outputs(notebook):
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None, f"cell {number} has outputs"
    assert notebook.metadata.kernelspec.name == "python3"


def test_notebook_opens_with_its_goal_and_an_install_cell(notebook):
    first, second = notebook.cells[:2]
    assert first.cell_type == "markdown" and first.source.startswith("# Notebook: ")
    assert "You will" in first.source
    assert second.cell_type == "code" and "find_spec" in second.source
    assert "ensurepip.bootstrap()" in second.source, "environments made by uv have no pip"
    installs = re.findall(r"%pip install (.*)", second.source)
    assert installs and not any("==" in line for line in installs)
    assert "%pip" not in "\n".join(cell.source for cell in notebook.cells[2:])


def test_notebook_imports_only_what_it_may(notebook):
    installed = set(re.findall(r'"(\w+)"', notebook.cells[1].source))
    allowed = COLAB | installed | set(sys.stdlib_module_names)
    for cell in code(notebook):
        for node in ast.walk(ast.parse(cell)):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module] if node.level == 0 else ["a relative import"]
            else:
                continue
            for module in modules:
                assert module.partition(".")[0] in allowed, f"may not import {module}"


def test_notebook_hides_no_error(notebook):
    assert "mystnb" not in notebook.metadata, "it is executed like any other"
    for cell in notebook.cells:
        assert not {"raises-exception", "skip-execution"} & set(cell.metadata.get("tags", []))
    for cell in code(notebook):
        for node in ast.walk(ast.parse(cell)):
            if isinstance(node, ast.ExceptHandler):
                caught = node.type and ast.unparse(node.type)
                assert caught not in (None, "Exception", "BaseException"), "hides every error"


def test_cells_tagged_define_only_define(notebook):
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.Expr)
    tagged = [cell for cell in notebook.cells if "define" in cell.metadata.get("tags", [])]
    assert len(tagged) >= 2
    for cell in tagged:
        for node in ast.parse(cell.source).body:
            assert isinstance(node, allowed), f"not a definition: {ast.unparse(node)[:60]}"
            if isinstance(node, ast.Expr):
                assert isinstance(node.value, ast.Constant), "only a docstring may stand alone"
            if isinstance(node, ast.Assign):
                assert all(target.id.isupper() for target in node.targets)


def test_notebook_builds_summarises_and_checks(notebook):
    source = "\n".join(code(notebook))
    asserts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]
    assert len(asserts) >= 8, "results are asserted, not only printed"
    assert "assert_close(" in source, "the pieces are proved equal to a reference"
    assert "summary(" in source, "torchinfo's table is shown"
    assert "manual_seed(" in source


def test_plots_have_alternative_text(notebook):
    """Without it, a picture's alternative text is its file's path."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and re.search(r"plt\.subplots|\.imshow|\.plot", cell.source):
            assert "plt.show()" in cell.source
            assert len(cell.metadata.mystnb.image.alt) >= 60, cell.source[:60]


LONGEST = 40  # lines of code in a cell: about what a screen shows
LAYOUT = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def lines_of_code(source: str) -> int:
    """Without blank lines, comments and docstrings.

    >>> lines_of_code("def f():\\n    'Two.'\\n\\n    # why\\n    return 2\\n")
    2
    """
    lines, before = set(), tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NL, tokenize.COMMENT):
            continue
        docstring = token.type == tokenize.STRING and before in LAYOUT
        if token.type not in LAYOUT and not docstring:
            lines.update(range(token.start[0], token.end[0] + 1))
        before = token.type
    return len(lines)


def test_no_cell_is_longer_than_a_screen(notebook):
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            lines = lines_of_code(cell.source)
            assert lines <= LONGEST, f"cell {number} has {lines} lines: {cell.source[:60]}"


class Exercise(NamedTuple):
    """The three cells below the task, and the name that two of them define."""

    starter: nbformat.NotebookNode
    check: nbformat.NotebookNode
    solution: nbformat.NotebookNode
    name: str


def functions(source: str) -> dict[str, ast.FunctionDef]:
    """The functions that a source defines, by name."""
    return {n.name: n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)}


def exercises_of(notebook) -> list[Exercise]:
    found = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and cell.source.startswith("## Exercise "):
            following = [each for each in notebook.cells[number + 1 :] if each.cell_type == "code"]
            starter, check, solution = following[:3]
            both = functions(starter.source).keys() & functions(solution.source).keys()
            assert len(both) == 1, (
                f"{cell.source[:40]}: one name in starter and solution, not {both}"
            )
            found.append(Exercise(starter, check, solution, *both))
    return found


def test_notebook_exercises_have_starter_check_and_solution(notebook):
    """The starter and the solution define one name, which one function checks."""
    assert len(exercises_of(notebook)) >= 2
    for each in exercises_of(notebook):
        assert "return None  # your turn" in each.starter.source
        assert not each.name.startswith(("my_", "solution_"))
        call = f"check_{each.name}()"
        for cell in (each.check, each.solution):
            assert ast.unparse(ast.parse(cell.source).body[-1]) == call
        assert each.name not in functions(each.check.source)
        judge = list(ast.walk(functions(each.check.source)[f"check_{each.name}"]))
        asserted = [node.test for node in judge if isinstance(node, ast.Assert)]
        calls = [ast.unparse(node.func) for node in judge if isinstance(node, ast.Call)]
        assert asserted or "torch.testing.assert_close" in calls, f"{call} checks nothing"
        assert not any(isinstance(test, ast.Constant) for test in asserted)
        assert each.solution.source.startswith("# @title Solution")  # folds in Colab
        assert each.solution.metadata.cellView == "form"
        assert each.solution.metadata.jupyter.source_hidden  # folds in JupyterLab
        assert {"hide-cell", "solution"} <= set(each.solution.metadata.tags)  # folds on the site


def test_a_starter_without_a_return_is_told_so(notebook, capsys):
    """The check by itself: for what the notebook has computed by then, mocks stand in."""
    for each in exercises_of(notebook):
        names = [n.id for n in ast.walk(ast.parse(each.check.source)) if isinstance(n, ast.Name)]
        scope = {word: MagicMock() for word in set(names) - set(dir(builtins))}
        scope[each.name] = lambda *args, **kwargs: None
        exec(each.check.source, scope)
        assert capsys.readouterr().out == f"{each.name} returns nothing yet\n"


# ---------------------------------------------------------------- notebooks, alone


@pytest.fixture
def places(tmp_path) -> dict[str, Path]:
    """An empty folder to run in and an empty home."""
    found = {"folder": tmp_path / "folder", "home": tmp_path / "home"}
    for each in found.values():
        each.mkdir()
    return found


def test_ci_shuts_the_network_off_below_python():
    if os.environ.get("CI"):
        assert alone.isolation() and alone.is_watched(), "see .ci/run"
    elif not (alone.isolation() and alone.is_watched()):
        pytest.skip("no network namespace or no strace: only Python's own sockets are guarded")


FETCH = "import urllib.request; urllib.request.urlopen('http://192.0.2.1/')"
# The same from below Python: no module of Python's is asked for an address.
CONNECT = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
place = (2).to_bytes(2, "little") + (80).to_bytes(2, "big") + bytes([192, 0, 2, 1]) + bytes(8)
assert libc.connect(libc.socket(2, 1, 0), place, len(place)) == -1
print("not reached")
"""


def test_the_network_is_really_off(places):
    done = alone.run_offline(sys.executable, "-c", FETCH, **places)
    assert "the network is off in this test" in done.output
    assert done.reached_for == []


@pytest.mark.skipif(not alone.isolation(), reason="needs a network namespace")
def test_the_network_is_off_below_python_too(places):
    done = alone.run_offline(sys.executable, "-c", CONNECT, **places)
    assert done.output == "not reached\n"
    if alone.is_watched():
        assert len(done.reached_for) == 1 and "192.0.2.1" in done.reached_for[0]


ASKS_FOR_NAMES = {"training"}  # torchrun looks names up, and goes on without an answer
MEMORY = 3.5e9  # bytes: what the largest of the notebooks needs, and rounded, what it says

# What a notebook may leave in the home folder: what Jupyter, IPython and matplotlib always do.
HOME = {".ipython", ".jupyter", ".local/share/jupyter", ".cache/matplotlib", ".config/matplotlib"}


def unexpected(run: alone.Run) -> list[str]:
    return [each for each in run.left_at_home if not each.startswith(tuple(HOME))]


@pytest.mark.skipif(sys.platform != "linux", reason="where its package does so was seen on Linux")
def test_a_device_id_in_the_home_folder_would_be_seen(places):
    """ONNX Runtime writes one at its import, unless it is told not to."""
    run = alone.run_offline(sys.executable, "-c", "import onnxruntime", **places)
    assert any("deviceid" in each for each in unexpected(run))


def timed(paths: list[Path], times: int = 1) -> list:
    """The notebooks as parameters, with the seconds they are known to take, run so many times."""
    known = {path: times * SECONDS.get(path.parent.name, 5) for path in paths}
    return [
        pytest.param(path, marks=pytest.mark.long(known[path]), id=name(path)) for path in paths
    ]


def printed(cell) -> str:
    return "".join(each.text for each in cell.outputs if each.output_type == "stream")


@pytest.mark.parametrize("path", timed(NOTEBOOKS))
def test_notebook_runs_alone_with_the_network_off(path):
    """nbmake runs a copy in an empty folder, where no file of the book can help it. It tries to
    reach nobody, and leaves nothing behind. The site shows what this run printed."""
    run, executed = alone.run_of(path)
    assert run.returncode == 0, run.output[-6000:]
    names = path.parent.name in ASKS_FOR_NAMES
    assert [each for each in run.reached_for if not (names and "htons(53)" in each)] == []
    assert run.memory < MEMORY
    assert run.left == [path.name], "left behind"
    assert unexpected(run) == []
    for each in exercises_of(read_notebook(executed)):
        assert printed(each.check) == f"{each.name} returns nothing yet\n"
        assert printed(each.solution).splitlines()[-1].startswith("correct: ")
