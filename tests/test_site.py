"""The built site, as its readers meet it: links and anchors, then pages in a real browser."""

import functools
import http.server
import os
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from tests.book import SITE, toc_files

PAGES = [f"{document}.html" for document in toc_files()]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Links(HTMLParser):
    """Everything that a page points to, and every anchor that it offers."""

    def __init__(self, text: str):
        super().__init__()
        self.targets, self.anchors = [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if key in ("href", "src") and value:
                self.targets.append(value)
            elif key in ("id", "name") and value:
                self.anchors.add(value)


@functools.cache
def links(page: Path) -> Links:
    return Links(page.read_text())


def test_the_site_is_built():
    missing = [page for page in PAGES if not (SITE / page).exists()]
    assert not missing, f"run `make book` first: {missing} not found"


@pytest.mark.parametrize("page", PAGES)
def test_links_and_anchors_resolve(page):
    source = SITE / page
    dead = []
    for target in links(source).targets:
        address, anchor = urldefrag(target)
        if "://" in address or address.startswith(("mailto:", "data:", "javascript:")):
            continue
        address = unquote(address.partition("?")[0])
        file = (source.parent / address).resolve() if address else source
        file = file / "index.html" if file.is_dir() else file
        if not file.exists():
            dead.append(target)
        elif anchor and file.suffix == ".html" and unquote(anchor) not in links(file).anchors:
            dead.append(target)
    assert not dead


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_fetched_from_elsewhere(page):
    fetched = [
        target
        for target in Sources((SITE / page).read_text()).targets
        if target.startswith(("http:", "https:", "//"))
    ]
    assert not fetched


class Sources(Links):
    """What a browser loads by itself: scripts, pictures, styles and fonts, not links."""

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "img", "iframe", "source", "video"):
            self.targets += [value for key, value in attrs if key == "src" and value]
        elif tag == "link" and dict(attrs).get("rel") in ("stylesheet", "preload", "icon"):
            self.targets.append(dict(attrs)["href"])


# ---------------------------------------------------------------- in a browser


@pytest.fixture(scope="session")
def browser():
    found = [path for path in map(shutil.which, BROWSERS) if path]
    if not found:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine: .ci/run installs one")
        pytest.skip("no Chromium or Chrome found: these tests look at the site in one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=FLAGS)
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


@pytest.mark.parametrize("name", PAGES)
def test_page_in_a_browser(visit, name):
    page, notes = visit(name)
    assert notes == [], "requests that leave the site, and errors"

    assert page.locator("h1:visible").count() == 1
    for picture in page.locator("article img").all():
        alt = picture.get_attribute("alt") or ""
        assert alt and "/" not in alt, f"alt text: {alt!r}"
        assert picture.evaluate("each => each.complete && each.naturalWidth > 0")

    text = page.locator("article").inner_text()
    assert "\\frac" not in text and "$$" not in text, "math that was not rendered"

    for width in (360, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "unfolded"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible(visit, name):
    from axe_playwright_python.sync_playwright import Axe

    page, _ = visit(name)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page).response["violations"]
    grave = [
        f"{each['id']}: {node['html'][:160]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
    assert not grave, "\n".join(grave)


def test_folded_answers_open_with_the_keyboard(visit):
    page, _ = visit("chapters/separable/index.html")
    summary = page.locator("article details summary").first
    summary.focus()
    assert not summary.evaluate("each => each.parentElement.open")
    page.keyboard.press("Enter")
    assert summary.evaluate("each => each.parentElement.open")
