"""For every test, and for the notebooks and scripts that tests start; and the browser that looks
at the site.
"""

import copy
import gc
import http.server
import json
import os
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from tests.book import ROOT, SITE
from tests.browsers import Kinds, serving
from tests.parts import (  # noqa: F401  hooks, which pytest looks for here
    counted_as,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_ignore_collect,
    pytest_runtest_call,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)
from tools.chromium import FLAGS, find_browser

# What a build of the book may use; the tests below may not.
READERS_OWN = dict(os.environ)

# Several tests run side by side. Each with PyTorch's usual threads, one for each core, they wait
# for one another: a notebook of 15 seconds took six minutes. Set before torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"

# Every 700 objects Python looks for garbage that refers to itself; here there is hardly any.
gc.set_threshold(10_000)

# What is compared here is computed on the CPU, also on a machine with a GPU.
os.environ["CUDA_VISIBLE_DEVICES"] = ""


# ---------------------------------------------------------------- counted beside the pages
# Imported when a test asks for them: to count them takes seconds.


@pytest.fixture(scope="session")
def counted_v2():
    from tests.v2 import numbers

    return numbers


@pytest.fixture(scope="session")
def counted_v3():
    from tests.v3 import numbers

    return numbers


@pytest.fixture(scope="session")
def counted_device():
    from tests.device import numbers

    return numbers


@pytest.fixture(scope="session")
def counted_quantisation():
    from tests.quantisation import numbers

    return numbers


# ---------------------------------------------------------------- for the notebooks' definitions


@pytest.fixture
def one_seed():
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session")
def patterns_once():
    """XNNPACK's quantiser exports the same few patterns each time that it looks at a network, which
    takes it five seconds, and what is asked a tenth of that. Nothing of ours is in them. Each is
    exported once, by the tool itself: the same code, closed over the same values, for the same
    shapes. A copy is handed out, as the tool rewrites what it gets.
    """
    from executorch.backends.xnnpack.quantizer import xnnpack_quantizer_utils as tool

    exported, export = {}, tool._get_aten_graph_module_for_pattern

    def once(pattern, inputs, *rest):
        values = tuple(cell.cell_contents for cell in pattern.fn.__closure__)
        key = pattern.fn.__code__, values, tuple(each.shape for each in inputs), rest
        if key not in exported:
            exported[key] = export(pattern, inputs, *rest)
        return copy.deepcopy(exported[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool, "_get_aten_graph_module_for_pattern", once)
        yield


@pytest.fixture
def served():
    """Files by the end of their address, and the address of the server that has them.

    It answers as the hub of timm's weights does, whose etag is a SHA-256.
    """
    files = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = files.get(self.path.rpartition("/")[2])
            self.send_response(404 if content is None else 200)
            content = content or b""
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", 40 * "a")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield files, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def hub(monkeypatch, tmp_path, served):
    """The hub of timm's weights, on the loopback interface: the files by their names, the cache,
    and how to cut it off.
    """
    files, address = served
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    def connect(to: str = address) -> None:
        pattern = to + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", pattern)

    connect()
    return SimpleNamespace(files=files, cache=tmp_path, connect=connect)


# ---------------------------------------------------------------- the site


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder of all workers."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@pytest.fixture(scope="session")
def once(shared):
    """Do something for all workers: the first that asks does it, the others wait for its result,
    which JSON must be able to hold.
    """

    def do(what: str, make):
        result = shared / f"{what}.json"
        with FileLock(shared / f"{what}.lock"):
            if not result.exists():
                folder = shared / what
                folder.mkdir()
                result.write_text(json.dumps(make(folder)))
        return json.loads(result.read_text())

    return do


@pytest.fixture(scope="session")
def built(request, once) -> str:
    """Build the book, if `--build` says so; what failed, or nothing."""

    def build(_) -> str:
        command = [sys.executable, "-m", "tools.build_book"]
        done = subprocess.run(command, cwd=ROOT, env=READERS_OWN, capture_output=True, text=True)
        return done.returncode and (done.stderr or done.stdout)

    return once("site", build) if request.config.getoption("build") else ""


@pytest.fixture(scope="session")
def site(built) -> Path:
    """The folder of the built site."""
    if built or not (SITE / "index.html").exists():
        pytest.skip("there is no site: see test_the_book_is_built")
    return SITE


@pytest.fixture(scope="session")
def browser(site):
    found = find_browser()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine: .ci/run installs one")
        pytest.skip("no Chromium or Chrome found: these tests look at the site in one")
    from playwright.sync_api import sync_playwright

    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
    yield browser
    with counted_as("the browser"):  # whose seconds are known when it has ended
        browser.close()
        playwright.stop()


@pytest.fixture(scope="session")
def address(site):
    """The site, served on the loopback interface."""
    with serving(SITE) as found:
        yield found


@pytest.fixture(scope="session")
def windows(browser) -> dict:
    """One for each theme, for all visits: a new one costs more than what it is opened for."""
    return {}


def open_window(browser, theme: str):
    context = browser.new_context(
        color_scheme=theme,
        reduced_motion="reduce",  # an answer that fades in has no contrast yet
    )
    context.set_default_timeout(120_000)  # a busy machine is slow, not wrong
    # Nothing is remembered of an earlier visit. (A blank page has no storage, and says so.)
    context.add_init_script("try { localStorage.clear(); sessionStorage.clear(); } catch {}")
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})  # as at a first visit
    return page


@pytest.fixture(scope="session")
def kinds(shared) -> Kinds:
    return Kinds(shared / "kinds.json")


@pytest.fixture
def visit(browser, windows, address):
    """Open a page, on a phone unless a width is given; return the page, notes of what goes wrong,
    and the addresses of all that it fetches. A second visit in the same theme ends the first.
    """
    listening = []

    def open_page(name: str, theme: str = "light", width: int = 390):
        if theme not in windows or windows[theme].is_closed():
            windows[theme] = open_window(browser, theme)
        page, notes, fetched = windows[theme], [], []
        page.goto("about:blank")  # what an earlier page still asks for ends here
        page.set_viewport_size({"width": width, "height": 844})
        page.mouse.move(0, 0)

        def note_request(request) -> None:
            fetched.append(request.url)
            if not request.url.startswith((address, "data:", "blob:")):  # a blob is the page's own
                notes.append(request.url)

        handlers = {
            "request": note_request,
            "console": lambda each: notes.append(each.text) if each.type == "error" else None,
            "pageerror": lambda each: notes.append(str(each)),
        }
        for event, handler in handlers.items():
            page.on(event, handler)
            listening.append((page, event, handler))
        page.goto(address + name)
        return page, notes, fetched

    yield open_page
    for page, event, handler in listening:
        page.remove_listener(event, handler)
