"""Which tests run, in which order, and what each part of them takes. conftest.py hands these hooks
to pytest.

* `--page v2` leaves the tests that are about one page, or several (`make check PAGE=v2`); without a
  name, about those that differ from the last commit (`make check`). What a test is about, its
  folder says: what stands in `tests/v2/` is about that page alone. Elsewhere its name does:
  `test_v2_…`, `[chapters/v2/index.md]`; if that names no page, the test's own code:
  `definitions("v2")`. There is no list to keep.
* `@pytest.mark.weekly`: left out unless asked for (`make weekly`): what measures the machine rather
  than the commit, and what repeats at length what another test tries in short.
* `@pytest.mark.long(seconds)`: starts before the others, so that no core waits at the end.
"""

import inspect
import itertools
import os
import re
import subprocess
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.book import APPENDIX, CHAPTERS, ROOT
from tests.verdicts import Verdicts

NAMES = [*(folder.name for folder in CHAPTERS), *(path.stem for path in APPENDIX), "intro"]
ALSO = {"intro": "front"}  # the first page's folder in figures and tests
TESTS = ROOT / "tests"
NEED_THE_SITE = ("site", "published")  # fixtures; such tests are of the whole book

# ---------------------------------------------------------------- about a page


def pages_in(text: str) -> set[str]:
    """The pages whose names stand in a text as words of their own.

    >>> sorted(pages_in("tests/device/test_device.py::test_its_v1[chapters/v1/index.md]"))
    ['device', 'v1']
    >>> pages_in("test_convolutions_of_any_size")
    set()
    """
    words = set(re.findall(r"[a-z0-9]+", text.lower()))
    return {name for name in NAMES if {name, ALSO.get(name)} & words}


def pages_of_file(path: Path) -> set[str]:
    """The page that a file's folder in `tests/` is named after; back matter shares a folder."""
    return pages_in(f"{path.parent.name} {path.stem}")


def pages_of(item: pytest.Item) -> set[str]:
    """The pages that a test is about."""
    named = pages_of_file(item.path) or pages_in(item.name)
    return named or pages_in(inspect.getsource(item.obj))


def needs_the_site(item: pytest.Item) -> bool:
    return bool(set(NEED_THE_SITE) & set(getattr(item, "fixturenames", ())))


def is_about(item: pytest.Item, pages: set[str]) -> bool:
    is_function = isinstance(item, pytest.Function)  # not an example in a docstring
    return is_function and not needs_the_site(item) and bool(pages & pages_of(item))


def changed(root: Path = ROOT) -> list[str]:
    """The files that differ from the last commit; none where Git does not say."""
    command = ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=all", "-z"]
    with suppress(FileNotFoundError):  # no Git
        said = subprocess.run(command, capture_output=True, text=True, encoding="utf-8").stdout
        return [each[3:] for each in said.split("\0") if each[2:3] == " "]
    return []


def asked(page: str) -> set[str]:
    """The pages that `--page` names, or else that have been changed. ValueError if there are none.

    >>> sorted(asked("v2 v4"))
    ['v2', 'v4']
    """
    pages = set(page.split()) or set().union(*map(pages_in, changed()))
    if not pages:
        raise ValueError(f"no page differs from the last commit: PAGE= one of {', '.join(NAMES)}")
    if pages - set(NAMES):
        raise ValueError(f"PAGE is {page!r}: there are {', '.join(NAMES)}")
    return pages


# ---------------------------------------------------------------- in order


def seconds(item: pytest.Item) -> float:
    """How long a test is known to take; 0 if nobody said."""
    marker = item.get_closest_marker("long")
    return marker.args[0] if marker else 0.0


def in_order(items: list, workers: int) -> list:
    """Each worker begins with an equal part of the list. The first starts with what is long, the
    build of the site before all, and goes on with what needs the site. The others leave that for
    their end: until the site is built they would wait for it. Of who has much left, an idle worker
    takes some over.
    """
    first = sorted(filter(seconds, items), key=seconds, reverse=True)
    rest = [each for each in items if not seconds(each)]
    browser = [each for each in rest if needs_the_site(each)]
    others = [each for each in rest if not needs_the_site(each)]
    ordered = []
    for worker in range(workers):
        size = (len(items) - len(ordered)) // (workers - worker)
        own = first[worker::workers] + browser[worker::workers]
        short = max(size - len(own), 0)
        own += others[:short]
        others = others[short:]
        ordered += own if worker == 0 else sorted(own, key=needs_the_site)
    return ordered + others


def pages_left(config: pytest.Config) -> set[str]:
    return set((config.getoption("page") or "").split())


def pytest_addoption(parser):
    parser.addoption("--page", help=f"only the tests about some pages: {', '.join(NAMES)}")
    parser.addoption("--once", action="store_true", help="not what passed and is unchanged")
    parser.addoption("--build", action="store_true", help="build the book, then look at it")


def pytest_configure(config):
    page = config.getoption("page")
    if page is not None:
        try:
            config.option.page = " ".join(sorted(asked(page)))
        except ValueError as error:
            raise pytest.UsageError(error) from None
    if config.getoption("once"):
        config.pluginmanager.register(Verdicts(config), "verdicts")


def pytest_ignore_collect(collection_path, config):
    """What is about another page need not even be imported: some imports take long. And beside the
    tests of a page, names for its numbers take seconds to import, and have no examples.
    """
    if collection_path.is_dir() or collection_path.parent == TESTS:
        return None
    pages, named = pages_left(config), pages_of_file(collection_path)
    is_test = collection_path.name.startswith("test_")
    return True if not is_test or (pages and named and not pages & named) else None


@pytest.hookimpl(trylast=True)  # when the others have been left out
def pytest_collection_modifyitems(config, items):
    if pages := pages_left(config):
        about = [is_about(each, pages) for each in items]
        others = itertools.compress(items, [not each for each in about])
        config.hook.pytest_deselected(items=list(others))
        items[:] = itertools.compress(items, about)
    items[:] = in_order(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


# ---------------------------------------------------------------- what each part takes

SPENT = defaultdict(lambda: [0, 0.0, 0.0])  # part: tests, seconds on the clock, of a processor


def processor_seconds() -> float:
    """This process's, and those of the processes that it started and that have ended."""
    return sum(os.times()[:4])


@contextmanager
def counted_as(part: str, tests: int = 0):
    clock, processor = time.perf_counter(), processor_seconds()
    yield
    spent = SPENT[part]
    spent[0] += tests
    spent[1] += time.perf_counter() - clock
    spent[2] += processor_seconds() - processor


def part_of(item: pytest.Item) -> str:
    """The file that a test stands in; the notebooks apart."""
    is_a_notebooks_run = item.name.startswith("test_notebook_runs_alone")
    return "notebooks" if is_a_notebooks_run else item.path.stem.removeprefix("test_")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    with counted_as(part_of(item)):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    with counted_as(part_of(item), tests=1):
        return (yield)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # one of several workers: it reports to the first
        session.config.workeroutput["spent"] = dict(SPENT)


@pytest.hookimpl(optionalhook=True)  # there is none without pytest-xdist
def pytest_testnodedown(node):
    for part, numbers in getattr(node, "workeroutput", {}).get("spent", {}).items():
        SPENT[part] = [sum(pair) for pair in zip(SPENT[part], numbers, strict=True)]


def pytest_terminal_summary(terminalreporter, config):
    if pages := pages_left(config):
        terminalreporter.write_line(f"Asked was what is about {', '.join(sorted(pages))}.")
    if len(SPENT) < 2:
        return
    terminalreporter.section("what each part took, in seconds")
    rows = sorted(SPENT.items(), key=lambda row: -row[1][1])
    rows.append(("all", [sum(column) for column in zip(*SPENT.values(), strict=True)]))
    terminalreporter.write_line(f"{'':16} tests   clock  processor")
    for part, (tests, clock, processor) in rows:
        terminalreporter.write_line(f"{part:16} {tests:5} {clock:7.1f} {processor:10.1f}")
