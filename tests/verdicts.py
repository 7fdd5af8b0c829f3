"""A test that passed is not run again until something changes that it reads (`--once`).

A test reads three kinds of things:

* Code: everything in the repository that is no words, the code cells of notebooks, Python, the
  packages and the browser. One digest answers for all of it: after a changed line of code every
  test runs.
* The site: of each test is noted which of its files were read, or served to the browser, and their
  contents. After a changed sentence that page is visited again, and no other.
* Words: the pages, whole notebooks, the lock of digits, what a build left. Who reads them wears
  `@pytest.mark.words` and always runs; with `anew=True` it promises to keep nothing in memory, and
  runs when a file has changed that it read.

A test without that mark that opens such a file fails: there is no list to keep. So it does where a
module reads words while it is imported, and where it starts a program, of which nobody sees what it
reads, and does not promise by `@pytest.mark.code` that this is code.

Verdicts lie in `_build/passed.json`. `make clean` forgets them, `make test ONCE=` does not ask.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.book import ROOT, SITE
from tests.browsers import SERVED
from tools.chromium import find_browser
from tools.notebooks import code_of

FILE = ROOT / "_build" / "passed.json"
WORDS = {".md", ".ipynb", ".bib", ".cff", ".lock"}
BUILT = ROOT / "_build"
OF_CODE = BUILT / "explorers"  # built, but from code alone, and named after its digest
MADE = re.compile(r"_build|\.git|\.venv.*|__pycache__|\.(pytest|ruff)_cache|\.ipynb_checkpoints")
READS_CODE = {"define_cells", "code_of"}  # what opens a notebook for its code alone
UNSEEN = "whatever {} reads"
PROGRAMS = {"git", "make", Path(sys.executable).name}  # nobody sees what they read
BUILDS = {"built"}  # fixtures that make the site: what they read a test sees on it
TOLD = ("read", "unread", "asked", "left_out")  # what a worker tells who hands out the tests
STANDS = "passed before, and nothing that it reads has changed"


# ---------------------------------------------------------------- what is read


def content(path: Path) -> bytes:
    """What code a file holds."""
    if path.suffix == ".ipynb":
        return json.dumps(code_of(path), sort_keys=True).encode()
    return b"" if path.suffix in WORDS else path.read_bytes()


def code() -> str:
    """A digest of all code, and of what runs it."""
    found = hashlib.sha256(json.dumps(machine()).encode())
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(each for each in folders if not MADE.fullmatch(each))
        for path in sorted(Path(folder, each) for each in files):
            if not MADE.fullmatch(path.name):
                found.update(f"\n{path.relative_to(ROOT).as_posix()}\n".encode() + content(path))
    return found.hexdigest()


@cache
def machine() -> list[str]:
    """Python, the packages and the browser of this machine, and what it is told."""
    packages = sorted(f"{each.name} {each.version}" for each in distributions())
    browser = find_browser()
    command = [browser, "--version"]
    done = browser and subprocess.run(command, capture_output=True, text=True).stdout
    told = [os.environ.get(each) for each in ("CI", "EVERY_BROWSER", "RELEASED")]
    return [sys.version, sys.platform, *packages, str(done), str(told)]


@cache
def digest_of(path: Path, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def now(name: str) -> str:
    """A digest of what a file holds now; of none, if it is not there."""
    path = ROOT / name
    return digest_of(path, path.stat().st_mtime_ns) if path.is_file() else ""


def kind_of(path: Path) -> str:
    """What a file is: code, words or of the site; else nothing.

    >>> [kind_of(ROOT / each) for each in ("tools/prose.py", "intro.md", "_build/html/intro.html")]
    ['code', 'words', 'site']
    """
    if not path.is_relative_to(ROOT) or path.is_relative_to(OF_CODE) or path == FILE:
        return ""
    if path.is_relative_to(BUILT):
        return "site" if path.is_relative_to(SITE) else "words"
    is_words = path.suffix in WORDS or path.is_relative_to(ROOT / ".git")
    return "words" if is_words else "code"


@dataclass
class Read:
    """What was read: files of the site, and what is words."""

    site: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)

    def add(self, other: "Read") -> None:
        self.site |= other.site
        self.words |= other.words


NOW = Read()  # since somebody last took it
IMPORTED = set()  # words that a module read while it was imported


def taken() -> Read:
    """What this process read, and its server served, since the last time."""
    served = {(SITE / each).relative_to(ROOT).as_posix() for each in SERVED}
    read = Read(NOW.site | served, set(NOW.words))
    for each in (NOW.site, NOW.words, SERVED):
        each.clear()
    return read


@cache  # a process listens once: nobody can take a hook back
def listen() -> None:
    sys.addaudithook(note)


def note(event: str, details: tuple) -> None:
    if event == "open" and isinstance(details[0], str | os.PathLike):
        path = os.path.abspath(details[0])
        if path.startswith(str(ROOT)):
            note_file(Path(path))
    elif event == "subprocess.Popen":
        program = os.path.basename(details[0] or details[1][0])
        if program in PROGRAMS:
            NOW.words.add(UNSEEN.format(program))


def note_file(path: Path) -> None:
    kind = kind_of(path)
    if kind == "site":
        NOW.site.add(path.relative_to(ROOT).as_posix())
    elif kind == "words" and not (path.suffix == ".ipynb" and is_inside(READS_CODE)):
        read = IMPORTED if is_inside({"exec_module"}) else NOW.words
        read.add(path.relative_to(ROOT).as_posix())


def is_inside(functions: set[str]) -> bool:
    frame = sys._getframe()
    while frame and frame.f_code.co_name not in functions:
        frame = frame.f_back
    return frame is not None


# ---------------------------------------------------------------- what passed


class Verdicts:
    """The hooks, in each worker and in the process that hands out the tests."""

    def __init__(self, config: pytest.Config):
        self.config, self.digest = config, code()
        listen()
        self.page = config.getoption("page") or ""
        kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
        known = kept.get("code") == self.digest
        self.tests = kept["tests"] if known else {}  # name: {file, no code: digest}
        self.files = kept["files"] if known else {}  # page: files whose tests about it all stand
        self.fixtures = {}  # what they read, before a test was asked
        self.read, self.unread = set(), set()  # files of tests, whether they could be imported
        self.asked, self.left_out = set(), set()
        self.passed, self.others = {}, set()

    # -------- which tests are asked

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        name = Path(os.path.relpath(collection_path, ROOT)).as_posix()
        if name not in self.files.get("", []) + self.files.get(self.page, []):
            return None
        self.left_out |= {test for test in self.tests if file_of(test) == name}
        return True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.nodeid.endswith(".py"):
            (self.read if report.passed else self.unread).add(report.nodeid)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        stand = {each.nodeid for each in items if self.tests.get(each.nodeid) == {}}
        items[:] = [each for each in items if each.nodeid not in stand]
        self.left_out |= stand

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.asked = {each.nodeid for each in session.items if not is_skipped(each)}

    @pytest.fixture(autouse=True)
    def not_again(self, request: pytest.FixtureRequest) -> None:
        read = self.tests.get(request.node.nodeid)
        if read and all(now(name) == was for name, was in read.items()):
            pytest.skip(STANDS)

    # -------- what a test reads

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        if fixturedef.scope == "function":
            return (yield)
        before = taken()
        try:
            return (yield)
        finally:
            read = taken()
            if fixturedef.argname not in BUILDS:
                self.fixtures.setdefault(fixturedef.argname, Read()).add(read)
            NOW.add(before)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self):
        taken()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item):
        result = yield
        read = taken()
        for name in getattr(item, "fixturenames", ()):
            read.add(self.fixtures.get(name, Read()))
        self.judge(item, read)
        return result

    def judge(self, item: pytest.Item, read: Read) -> None:
        """Fail, or note what must be the same for a verdict to stand; nothing, if it never does."""
        if IMPORTED:
            found = ", ".join(sorted(IMPORTED))
            pytest.fail(f"a module reads {found} while it is imported", pytrace=False)
        unseen = set(map(UNSEEN.format, PROGRAMS))
        if item.get_closest_marker("code"):
            read.words -= unseen
        mark = item.get_closest_marker("words")
        if read.words and not mark:
            found = ", ".join(sorted(read.words))
            pytest.fail(f"reads {found}: mark it `words`", pytrace=False)
        if not mark or (mark.kwargs.get("anew") and not read.words & unseen):
            files = {name: now(name) for name in sorted(read.site | read.words)}
            item.user_properties.append(("read", files))

    # -------- how it ends

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report) -> tuple[str, str, str] | None:
        return ("unchanged", "", "UNCHANGED") if stands(report) else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.passed[report.nodeid] = dict(report.user_properties).get("read")
        elif not report.passed and not stands(report):
            self.others.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        if is_worker(self.config):
            self.config.workeroutput.update({each: sorted(getattr(self, each)) for each in TOLD})

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node) -> None:
        output = getattr(node, "workeroutput", {})
        for each in TOLD:
            getattr(self, each).update(output.get(each, ()))

    def pytest_terminal_summary(self, terminalreporter) -> None:
        if code() == self.digest:  # nobody has changed it meanwhile
            self.write()
        if self.left_out:
            terminalreporter.write_line(
                f"{len(self.left_out)} tests were not run: each {STANDS} (`make clean` forgets it)"
            )

    def write(self) -> None:
        """What passed now or before. A file stands if all does that is asked of it, if only that is
        nothing.
        """
        stand = {**self.tests, **self.passed}
        for test in list(stand):
            if stand[test] is None or test in self.others:
                del stand[test]
        files = dict(self.files)
        if is_all(self.config):
            open_ = {file_of(test) for test in self.asked if stand.get(test) != {}}
            known = {*files.get(self.page, ()), *self.read}
            files[self.page] = sorted(known - open_ - self.unread)
        FILE.parent.mkdir(exist_ok=True)
        kept = {"code": self.digest, "tests": stand, "files": files}
        FILE.write_text(json.dumps(kept), encoding="utf-8")


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workeroutput")


def is_all(config: pytest.Config) -> bool:
    """Whether nobody has left out tests by name: then a file's tests are all there are."""
    option = config.option
    some = option.keyword or option.deselect or option.ignore or option.markexpr != "not weekly"
    return not some and config.args_source is pytest.Config.ArgsSource.TESTPATHS


def is_skipped(item: pytest.Item) -> bool:
    """Because of a package or a variable of this machine, for which the digest answers. A condition
    in a string is not known yet.
    """
    return any(mark.args[:1] == (True,) for mark in item.iter_markers("skipif"))


def file_of(test: str) -> str:
    return test.partition("::")[0]


def stands(report: pytest.TestReport) -> bool:
    return report.skipped and STANDS in str(report.longrepr)
