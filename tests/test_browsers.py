"""Every page in Firefox and WebKit: it opens, it is drawn, no place on it moves.

Run with EVERY_BROWSER=1, as each week: then a browser that is missing is a failure.
"""

import functools
import http.server
import os
import threading

import pytest

from tests.book import SITE, toc_files
from tests.browsers import NOTE_ERRORS, PLACES, Firefox, WebKit, contents, places, started

PAGES = [f"{document}.html" for document in toc_files()] + ["search.html", "404.html"]
WIDTHS = (360, 768, 1280)

pytestmark = pytest.mark.skipif(
    not os.environ.get("EVERY_BROWSER"), reason="set EVERY_BROWSER=1 to use Firefox and WebKit"
)


@pytest.fixture(scope="module")
def site():
    """The address of the site, whose pages note their errors."""

    class Noting(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            path = self.translate_path(self.path)
            if not path.endswith(".html") or not os.path.exists(path):
                return super().do_GET()
            with open(path, "rb") as file:
                page = file.read().replace(b"<head>", NOTE_ERRORS, 1)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *args):
            """A browser that goes on to another page closes its connections."""

    server = Server(("127.0.0.1", 0), functools.partial(Noting, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module", params=[Firefox, WebKit])
def browser(request):
    yield from started(request.param)


def go(browser, url: str, width: int = 390) -> None:
    """Load a page anew, though only the end of its address may be another."""
    browser.open("about:blank")
    browser.resize(width, 800)
    browser.open(url)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_drawn(browser, site, name):
    go(browser, site + name)
    wrong = browser.run("""
      const wrong = [...errors], each = (query) => [...document.querySelectorAll(query)];
      each("article details").forEach((all) => (all.open = true));
      each("article img").forEach((all) => (all.loading = "eager"));
      const waiting = () => each("article img").some((one) => !one.complete) ||
        each(".explorer:not([data-ready])").length;
      for (let i = 0; waiting() && i < 100; i++) await new Promise((next) => setTimeout(next, 50));
      const sees = ({ width, height }) => width > 0 && height > 0;
      const empty = (one) => !sees(one.getBoundingClientRect());
      wrong.push(...each("article img").filter((one) => !one.naturalWidth).map((one) => one.src));
      wrong.push(...each("article :is(.katex-html, h1, h2, table, pre)").filter(empty)
        .map((one) => "without size: " + one.textContent.slice(0, 40)));
      wrong.push(...each(".explorer:not([data-ready])").map((one) => one.id + " is not ready"));
      const width = document.documentElement.scrollWidth;
      if (width > innerWidth) wrong.push(`scrolls sideways: ${width} px`);
      return wrong.concat(errors.slice(0, 3));
    """)
    assert not wrong


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", places(SITE) if SITE.exists() else ())
def test_no_place_moves(browser, site, name, width):
    arrivals = contents(SITE / name) or [""]
    wrong = []
    for place in arrivals:
        go(browser, f"{site}{name}#{place}", width)
        wrong += browser.run(PLACES, [] if place is not arrivals[-1] else places(SITE)[name])
    assert not wrong


def test_search_finds_what_readers_type(browser, site):
    go(browser, site + "search.html?q=1x1")
    found, wrong = browser.run("""
      const each = (query) => [...document.querySelectorAll("#search-results " + query)];
      const finished = () => each(".search-summary").some((one) => one.textContent);
      for (let i = 0; !finished() && i < 100; i++) await new Promise((n) => setTimeout(n, 50));
      return [each("li a").map((one) => one.textContent).join(), errors];
    """)
    assert "Pointwise" in found and not wrong


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_are_as_light_or_dark_as_their_page(browser, site, theme):
    """The reader chooses with the page's own switch, against the system's choice or with it."""
    go(browser, site + "chapters/v1/index.html")
    box = browser.run(
        """
      const { dataset } = document.documentElement;
      const button = document.querySelector(".theme-switch-button");
      for (let i = 0; dataset.mode !== args[0] && i < 3; i++) button.click();
      const figure = document.querySelector('article img[src*=".svg"]');
      figure.loading = "eager";
      figure.scrollIntoView({ block: "center", behavior: "instant" });
      await new Promise((next) => setTimeout(next, 1000));
      const { left, top } = figure.getBoundingClientRect();
      return [left + 6, top + 6, devicePixelRatio, dataset.theme];
    """,
        theme,
    )
    *place, ratio, now = box
    assert now == theme
    red, green, blue = browser.picture().getpixel(tuple(int(each * ratio) for each in place))
    assert max(red, green, blue) < 40 if theme == "dark" else min(red, green, blue) > 240
