"""What passed is not run again, as long as nothing changes that it reads: proved on a small book
with tests of its own.
"""

import json
import re
import sys

import pytest

from tests import browsers, verdicts
from tests.book import name

pytest_plugins = "pytester"

CONFTEST = """
from pathlib import Path
import pytest
from tests.parts import pytest_addoption, pytest_collection_modifyitems, pytest_configure

ROOT = Path(__file__).parent

@pytest.fixture(autouse=True)
def ran(request, not_again):
    with open(ROOT.parent / "ran", "a") as file:  # beside the book: in it, it would be code
        print(request.node.name, file=file)

@pytest.fixture(scope="module")
def page():
    return (ROOT / "page.md").read_text()
"""
INI = """[pytest]
testpaths = .
addopts = -m 'not weekly'
markers =
    words
    code
    weekly
    long
"""
HEAD = "import pytest\nfrom conftest import ROOT\nSITE = ROOT / '_build' / 'html'\n"


def notebook(code: str, words: str = "words") -> str:
    cells = [
        {"id": "a", "cell_type": "markdown", "metadata": {}, "source": words},
        {"id": "b", "cell_type": "code", "metadata": {"tags": ["define"]}, "source": code},
    ]
    cells[1] |= {"outputs": [], "execution_count": None}
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


class Book:
    def __init__(self, pytester: pytest.Pytester):
        self.pytester, self.root = pytester, pytester.path / "book"
        self.write("conftest.py", CONFTEST)
        self.write("pytest.ini", INI)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def tests(self, body: str, name: str = "test_one.py") -> None:
        self.write(name, HEAD + body)

    def run(self, *options: str) -> list[str]:
        """Which tests ran."""
        ran = self.pytester.path / "ran"
        ran.write_text("")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            self.result = self.pytester.runpytest_inprocess("--once", *options)
        self.said = self.result.stdout.str()
        verdicts.taken()  # what this small book reads is nothing that this test reads
        verdicts.IMPORTED.clear()
        return ran.read_text().split()


@pytest.fixture
def book(pytester, monkeypatch) -> Book:
    book = Book(pytester)
    built = book.root / "_build"
    places = {"ROOT": book.root, "BUILT": built, "SITE": built / "html"}
    places |= {"FILE": built / "passed.json", "OF_CODE": built / "explorers"}
    for place, path in places.items():
        monkeypatch.setattr(verdicts, place, path)
    monkeypatch.setattr(browsers, "SITE", built / "html")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take seconds to import
    monkeypatch.setattr(verdicts, "machine", lambda: ["torch 2.15.0"])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two files may be of the same second
    return book


def test_what_passed_is_not_run_again(book):
    book.tests("def test_a(): ...\ndef test_b(): ...")
    assert book.run() == ["test_a", "test_b"]
    book.tests("def test_c(): ...", "test_two.py")
    assert book.run() == ["test_a", "test_b", "test_c"], "a test is code as well"
    assert book.run() == []
    assert "3 tests were not run" in book.said


CHANGES = {
    "code": lambda book: book.write("tools.py", "two = 2"),
    "a new file": lambda book: book.write("new.py", ""),
    "a name": lambda book: (book.root / "tools.py").rename(book.root / "instruments.py"),
    "a figure": lambda book: book.write("figures/one.svg", "<svg>2</svg>"),
    "a notebook's code": lambda book: book.write("one.ipynb", notebook("two = 2")),
}


@pytest.mark.parametrize("what", [*CHANGES, "a package"])
def test_after_a_change_of_code_all_run(book, monkeypatch, what):
    book.tests("def test_a(): ...")
    book.write("tools.py", "one = 1")
    book.write("figures/one.svg", "<svg>1</svg>")
    book.write("one.ipynb", notebook("one = 1"))
    book.run()
    assert book.run() == []
    if what == "a package":
        monkeypatch.setattr(verdicts, "machine", lambda: ["torch 0.4"])
    else:
        CHANGES[what](book)
    assert book.run() == ["test_a"]
    assert book.run() == []


def test_after_a_change_of_words_those_run_that_read_words(book):
    book.tests("""
def test_of_code(): ...

@pytest.mark.words
def test_of_words():
    assert "one" in (ROOT / "page.md").read_text()
""")
    book.write("page.md", "one")
    book.write("one.ipynb", notebook("one = 1"))
    assert book.run() == ["test_of_code", "test_of_words"]
    book.write("page.md", "two")
    book.write("one.ipynb", notebook("one = 1", words="other words"))
    assert book.run() == ["test_of_words"]
    assert book.result.ret == 1
    assert book.run() == ["test_of_words"], "what failed runs until it passes"


def test_a_program_that_reads_code_alone_is_vouched_for(book):
    book.tests("""
import subprocess, sys

@pytest.mark.code
@pytest.mark.parametrize("page", ["", "page.md"])
def test_a(page):
    subprocess.run([sys.executable, "-c", ""])
    page and (ROOT / page).read_text()
""")
    book.write("page.md", "words")
    book.run()
    assert "FAILED test_one.py::test_a[page.md] - Failed: reads page.md: mark it" in book.said
    assert book.run() == ["test_a[page.md]"]


READS = {
    "itself": "def test_a(): (ROOT / 'page.md').read_text()",
    "by a fixture": "def test_a(page): ...",
    "a whole notebook": "def test_a(): (ROOT / 'one.ipynb').read_text()",
    "by a program": "def test_a():\n    import subprocess, sys\n"
    "    subprocess.run([sys.executable, '-c', ''])",
    "what a build left": "def test_a(): (ROOT / '_build' / 'log').read_text()",
}


@pytest.mark.parametrize("how", READS)
def test_who_reads_words_and_does_not_say_so_fails(book, how):
    book.tests(READS[how] + "\ndef test_b(page, tmp_path): ...\ndef test_c(): ...")
    book.write("page.md", "words")
    book.write("_build/log", "words")
    book.write("one.ipynb", notebook("one = 1"))
    book.run()
    failed = {line.partition(" - ")[0] for line in book.said.splitlines() if "FAILED" in line}
    assert failed == {f"FAILED test_one.py::{each}" for each in ("test_a", "test_b")}
    assert "mark it `words`" in book.said


def test_nobody_reads_words_while_a_module_is_imported(book):
    """What it keeps in memory, a test that comes later would not be seen to read."""
    book.write("helper.py", "from conftest import ROOT\nPAGE = (ROOT / 'page.md').read_text()")
    book.write("page.md", "words")
    book.tests("@pytest.mark.words\ndef test_a():\n    import helper\ndef test_b(): ...")
    book.run()
    assert "2 failed" in book.said and "a module reads page.md while it is imported" in book.said


def test_who_keeps_nothing_in_memory_runs_when_its_own_words_change(book):
    book.tests("""
import subprocess

@pytest.mark.words(anew=True)
@pytest.mark.parametrize("page", ["one", "two"])
def test_read(page):
    (ROOT / f"{page}.md").read_text()

@pytest.mark.words(anew=True)
def test_unseen():
    subprocess.run(["git", "--version"])
""")
    for page in ("one", "two"):
        book.write(f"{page}.md", page)
    assert book.run() == ["test_read[one]", "test_read[two]", "test_unseen"]
    assert book.run() == ["test_unseen"]
    book.write("one.md", "other words")
    assert book.run() == ["test_read[one]", "test_unseen"]


def test_a_definition_of_a_notebook_is_code(book):
    book.write("one.ipynb", notebook("one = 1"))
    book.tests("""
from tools.notebooks import define_cells

def test_a():
    assert define_cells(ROOT / "one.ipynb", 0) == [(1, "one = 1")]
""")
    assert book.run() == ["test_a"] and book.result.ret == 0, book.said


def test_a_page_that_has_changed_is_visited_again(book):
    book.tests("""
import urllib.request
from tests.browsers import as_file, serving

@pytest.mark.parametrize("page", ["one", "two", "none"])
def test_served(page):
    with serving(SITE) as address:
        try:
            urllib.request.urlopen(f"{address}{page}.html").read()
        except urllib.error.HTTPError:
            assert page == "none"

def test_read():
    (SITE / "one.html").read_text()

def test_opened():
    as_file(SITE / "one.html")
""")
    for page in ("one", "two"):
        book.write(f"_build/html/{page}.html", page)
    assert len(book.run()) == 5 and book.result.ret == 0, book.said
    assert book.run() == []
    assert "5 unchanged" in book.said
    book.write("_build/html/two.html", "other words")
    assert book.run() == ["test_served[two]"]
    book.write("_build/html/one.html", "other words")
    assert book.run() == ["test_served[one]", "test_read", "test_opened"]
    book.write("_build/html/none.html", "new")
    (book.root / "_build" / "html" / "two.html").unlink()
    assert book.run() == ["test_served[two]", "test_served[none]"]


NOT_KEPT = {
    "fails": "assert False",
    "is skipped": "pytest.skip('not here')",
    "cannot be prepared": "",
    "cannot be cleared away": "",
}


@pytest.mark.parametrize("how", NOT_KEPT)
def test_only_what_passed_is_kept(book, how):
    book.tests(f"""
@pytest.fixture
def broken():
    assert "{how}" != "cannot be prepared"
    yield
    assert "{how}" != "cannot be cleared away"

def test_a(broken): {NOT_KEPT[how] or ...}
def test_b(): ...
""")
    assert "test_b" in book.run()
    assert "test_b" not in book.run()
    assert how == "cannot be prepared" or book.run() == ["test_a"]


def test_what_is_skipped_here_keeps_no_file_open(book, monkeypatch):
    book.tests("""
import os

@pytest.mark.skipif("EVERY_BROWSER" not in os.environ, reason="EVERY_BROWSER is not set")
def test_a(): ...
def test_b(): ...
""")
    assert book.run() == ["test_b"]
    assert book.run() == [] and "1 skipped" not in book.said, "its file is not even imported"
    monkeypatch.setattr(verdicts, "machine", lambda: ["EVERY_BROWSER=1"])
    monkeypatch.setenv("EVERY_BROWSER", "1")
    assert book.run() == ["test_a", "test_b"]


NOT_COLLECTED = {
    "cannot be imported": "import nowhere",
    "has no such argument": "@pytest.mark.parametrize('x', [1])\ndef test_b(y): ...",
}


@pytest.mark.parametrize("why", NOT_COLLECTED)
def test_a_file_whose_tests_are_not_found_is_red_each_time(book, why):
    """As in the second case, where its examples are found."""
    book.tests(NOT_COLLECTED[why], "test_broken.py")
    book.tests("def test_a(): ...")
    for ran in (["test_a"], []):
        assert book.run("--continue-on-collection-errors", "--doctest-modules") == ran
        assert "ERROR test_broken.py" in book.said and book.result.ret == 1


def test_a_condition_that_is_not_yet_known_skips_nothing(book):
    book.tests("@pytest.mark.skipif('1 > 2', reason='never')\ndef test_a(): assert False")
    for _ in range(2):
        assert book.run() == ["test_a"] and book.result.ret == 1


def test_who_asks_for_some_has_not_asked_for_all(book):
    book.tests("def test_a(): ...\ndef test_b(): ...")
    assert book.run("-k", "test_a") == ["test_a"]
    assert book.run("test_one.py::test_a") == []
    assert book.run() == ["test_b"]
    assert book.run() == []


def test_a_page_asks_for_its_own(book):
    book.tests("def test_v1(): ...\ndef test_v2(): ...")
    assert book.run("--page", "v2") == ["test_v2"]
    assert book.run("--page", "v2") == []
    assert book.run("--page", "v1 v2") == ["test_v1"]
    assert book.run() == []
    book.write("new.py", "")
    book.run()
    assert book.run("--page", "v2") == []


def test_a_change_while_tests_run_is_not_missed(book):
    book.tests("def test_a(): (ROOT / 'new.py').write_text('')")
    book.run()
    (book.root / "new.py").unlink()
    assert book.run() == ["test_a"]


def test_the_digest_answers_for_the_whole_repository(monkeypatch):
    """And for nothing that a build makes: else nothing would stand after it."""
    seen = []
    monkeypatch.setattr(verdicts, "content", lambda path: seen.append(name(path)) or b"")
    verdicts.code()
    files = "Makefile .ci/run .github/workflows/test.yml constraints.txt tests/v1/numbers.py"
    files += " chapters/v1/mobilenet_v1.ipynb figures/v1/grid.svg site/static/book.js"
    assert set(files.split()) <= set(seen)
    assert not [each for each in seen if re.match(r"_build/|\.venv|\.git/|.*\.pyc$", each)]
    monkeypatch.setenv("EVERY_BROWSER", "1")
    told = verdicts.machine.__wrapped__()
    assert "'1'" in told[-1] and {"pytest", "torch"} <= {each.partition(" ")[0] for each in told}
