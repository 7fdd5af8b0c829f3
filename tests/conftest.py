"""For every test, and for the notebooks and scripts that tests start; and the browser that looks
at the site.
"""

import functools
import http.server
import os
import shutil
import threading

import pytest

from tests.book import SITE

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Several tests run side by side. Each with PyTorch's usual threads, one for each core, they wait
# for one another: a notebook of 15 seconds took six minutes. Set before torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"

# What is compared here is computed on the CPU, also on a machine with a GPU.
os.environ["CUDA_VISIBLE_DEVICES"] = ""


def find_browser() -> str | None:
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


@pytest.fixture(scope="session")
def browser():
    found = find_browser()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine: .ci/run installs one")
        pytest.skip("no Chromium or Chrome found: these tests look at the site in one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address():
    """The site, served on the loopback interface."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=SITE)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(params=["light", "dark"])
def visit(request, browser, address):
    """Open a page on a phone, note what goes wrong, and return the page and the notes."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme=request.param,
        reduced_motion="reduce",  # an answer that fades in has no contrast yet
    )

    def open_page(name: str):
        page, notes = context.new_page(), []
        page.on(
            "request",
            lambda each: (
                None if each.url.startswith((address, "data:")) else notes.append(each.url)
            ),
        )
        page.on("console", lambda each: notes.append(each.text) if each.type == "error" else None)
        page.on("pageerror", lambda each: notes.append(str(each)))
        page.goto(address + name, wait_until="networkidle")
        return page, notes

    yield open_page
    context.close()
