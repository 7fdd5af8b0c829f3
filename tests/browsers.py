"""Firefox and WebKit, driven by the protocols that they speak themselves: Firefox over Marionette,
WebKit by the driver that comes with it. Nothing else need be installed.
"""

import base64
import functools
import http.server
import io
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
WEBKIT = shutil.which("Xvfb") and shutil.which("WebKitWebDriver")
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
PATIENCE = 120  # seconds: a page on a busy machine

# To each page of the site: note what goes wrong while it loads, a file that is missing included.
NOTE_ERRORS = b"""<head><script>
  window.errors = [];
  addEventListener("error", (event) => errors.push(event.message ?? event.target.outerHTML), true);
  addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
</script>"""

# Marionette and WebDriver run a script that calls its last argument when it is done.
ASYNC = """
const [...values] = arguments, done = values.pop();
(async (...args) => {%s})(...values).then(done, (error) => done({failed: String(error)}));
"""


class Failed(Exception):
    """What a browser says that it could not do."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, seconds: float = 60):
    """The first true value of `what`, which may be refused a connection until then."""
    end = time.monotonic() + seconds
    while True:
        try:
            if value := what():
                return value
        except OSError:
            pass
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


class Driven:
    """What both browsers do by the same commands, each in its own way to send them."""

    def open(self, url: str) -> None:
        self.command("WebDriver:Navigate", "POST /url", url=url)

    def run(self, body: str, *args):
        """What the body of an asynchronous function of `args` returns, run on the page."""
        value = self.command(
            "WebDriver:ExecuteAsyncScript",
            "POST /execute/async",
            script=ASYNC % body,
            args=list(args),
        )
        if isinstance(value, dict) and "failed" in value:
            raise Failed(value["failed"])
        return value

    def picture(self) -> Image.Image:
        """What the window shows."""
        data = self.command("WebDriver:TakeScreenshot", "GET /screenshot", full=False)
        return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


class Firefox(Driven):
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="firefox-")
        port = free_port()
        settings = {"marionette.port": port, "ui.prefersReducedMotion": 1}
        settings |= {"browser.shell.checkDefaultBrowser": False, "app.normandy.enabled": False}
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in settings.items())
        Path(self.profile, "user.js").write_text("".join(lines))
        flags = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote"]
        self.process = subprocess.Popen([FIREFOX, *flags, "--profile", self.profile], **QUIET)
        address = ("127.0.0.1", port)
        self.socket = wait_for(lambda: socket.create_connection(address, timeout=PATIENCE))
        self.answers = self.socket.makefile("rb")
        self.receive()  # its greeting
        self.command("WebDriver:NewSession", timeouts={"script": 1000 * PATIENCE})

    def receive(self):
        length = b""
        while (each := self.answers.read(1)) != b":":
            if not each:
                raise Failed("Firefox has closed the connection")
            length += each
        return json.loads(self.answers.read(int(length)))

    def command(self, name: str, _=None, **parameters):
        message = json.dumps([0, 1, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        *_, error, result = self.receive()
        if error:
            raise Failed(f"{error['error']}: {error['message']}")
        return result.get("value", result)

    def resize(self, width: int, height: int) -> None:
        """A window has a least width; the page inside it has none."""
        self.command("WebDriver:SetWindowRect", width=max(width, 600), height=height + 200)
        self.command("Marionette:SetContext", value="chrome")
        sizes = """const { style } = gBrowser.selectedBrowser;
            for (const [side, size] of [["width", args[0]], ["height", args[1]]])
              for (const each of [side, `min-${side}`, `max-${side}`])
                style.setProperty(each, `${size}px`);"""
        self.run(sizes, width, height)
        self.command("Marionette:SetContext", value="content")
        wait_for(lambda: self.run("return innerWidth") == width)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.socket.close()
        shutil.rmtree(self.profile, ignore_errors=True)


class WebKit(Driven):
    def __init__(self):
        self.config = tempfile.mkdtemp(prefix="webkit-")
        # The width of the browser's own buttons would be the least of its window.
        Path(self.config, "gtk-3.0").mkdir()
        slim = "* { min-width: 0; padding: 0; margin: 0; border: 0; font-size: 1px; }"
        Path(self.config, "gtk-3.0", "gtk.css").write_text(slim)
        reading, writing = os.pipe()
        screen = ["-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
        command = ["Xvfb", "-displayfd", str(writing), *screen]
        self.screen = subprocess.Popen(command, pass_fds=[writing], **QUIET)
        os.close(writing)
        with os.fdopen(reading) as lines:
            display = ":" + lines.readline().strip()
        port = free_port()
        own = {"DISPLAY": display, "GDK_BACKEND": "x11", "XDG_CONFIG_HOME": self.config}
        self.process = subprocess.Popen([WEBKIT, f"--port={port}"], env=os.environ | own, **QUIET)
        self.address = f"http://127.0.0.1:{port}"
        wait_for(lambda: self.command(None, "GET /status")["ready"])
        browser = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
        options = {"binary": str(browser), "args": ["--automation"]}
        wanted = {"webkitgtk:browserOptions": options, "timeouts": {"script": 1000 * PATIENCE}}
        capabilities = {"alwaysMatch": wanted}
        session = self.command(None, "POST /session", capabilities=capabilities)
        self.address += "/session/" + session["sessionId"]

    def command(self, _, name: str, **parameters):
        method, _, path = name.partition(" ")
        body = json.dumps(parameters).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + path, body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise Failed(f"{value['error']}: {value['message']}") from None

    def resize(self, width: int, height: int) -> None:
        def fits() -> bool:
            frame = self.run("return [outerWidth - innerWidth, outerHeight - innerHeight]")
            size = {"width": width + frame[0], "height": height + frame[1]}
            self.command(None, "POST /window/rect", **size)
            return self.run("return innerWidth") == width

        wait_for(fits)

    def close(self) -> None:
        self.command(None, "DELETE")
        for each in (self.process, self.screen):
            each.terminate()
            each.wait()
        shutil.rmtree(self.config, ignore_errors=True)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a folder that is served on the loopback interface."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def started(kind: type[Driven]) -> Iterator[Driven]:
    """A browser, until a fixture is done with it. AssertionError if it is not on this machine."""
    found = {Firefox: FIREFOX, WebKit: WEBKIT}[kind]
    assert found, f"no {kind.__name__} on this machine: see .github/workflows/weekly.yml"
    browser = kind()
    yield browser
    browser.close()


# ---------------------------------------------------------------- places on a page

# Is the place to which the page's address leads where the reader's eye is? If ids are given: so is
# each of them, once a link has led there, and from the page's end to its start nothing moves but
# by scrolling. Returns what is wrong.
PLACES = """
const ids = args[0], page = document.documentElement, wrong = [];
const frames = async (count) => {
  for (; count; count--) await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
};
const off = (id) => {
  const place = document.getElementById(id);
  const padding = parseFloat(getComputedStyle(page).scrollPaddingTop);
  const margin = parseFloat(getComputedStyle(place).scrollMarginTop);
  const off = place.getBoundingClientRect().top - padding - margin;
  const scrolledOut = off > 0 ? scrollY + innerHeight > page.scrollHeight - 2 : scrollY === 0;
  return Math.abs(off) > 3 && !scrolledOut && `${id}: off by ${Math.round(off)} px`;
};
const look = async (id, rest) => {
  for (let i = 0; off(id) && i < 50; i++) await frames(1); // a busy browser scrolls late
  await frames(rest);
  if (off(id)) wrong.push(off(id));
};
page.style.scrollBehavior = "auto";
await document.fonts.ready;
await frames(3);
if (location.hash) await look(decodeURIComponent(location.hash.slice(1)), 5);
if (!ids.length) return wrong;

for (const id of ids) {
  scrollTo(0, 0);
  const link = document.querySelector(`main a[href="#${CSS.escape(id)}"]`);
  if (link) link.click();
  else location.hash = id;
  await look(id, 1);
}

scrollTo(0, page.scrollHeight);
await frames(2);
const left = document.querySelector(".bd-article").getBoundingClientRect().left + 30;
while (scrollY) {
  let text, height = innerHeight / 2;
  do text = document.elementFromPoint(left, (height -= 10));
  while (!text?.closest("article section") && height > 80);
  const [before, start] = [text.getBoundingClientRect().top, scrollY];
  scrollBy(0, -0.8 * innerHeight);
  await frames(2);
  const moved = text.getBoundingClientRect().top - before - (start - scrollY);
  if (Math.abs(moved) > 3) wrong.push(`${text.outerHTML.slice(0, 60)}: ${Math.round(moved)} px`);
  if (scrollY === start) wrong.push(`${start}: does not scroll`) && scrollTo(0, 0);
}
return wrong;
"""


def places(site: Path) -> dict[str, list[str]]:
    """page: [every id there to which its table of contents or a link of any page leads]."""
    site, found = site.resolve(), {}
    for page in site.rglob("*.html"):
        for address, place in re.findall(r'href="([^"#:]*)#([^"]+)"', page.read_text()):
            target = (page.parent / address).resolve() if address else page
            if target.is_file() and place != "main-content":
                key = target.relative_to(site).as_posix()
                found.setdefault(key, {})[place] = None
    return {page: list(ids) for page, ids in found.items()}


def contents(page: Path) -> list[str]:
    """The ids in a page's table of contents."""
    return list(dict.fromkeys(re.findall(r'nav-link" href="#([^"]+)"', page.read_text())))


# ---------------------------------------------------------------- accessible

SERIOUS = """async ([context, options]) => {
    const {violations} = await axe.run(context || document, options);
    return violations.filter(({impact}) => ['serious', 'critical'].includes(impact)).flatMap(
        ({id, nodes}) => nodes.map(({html}) => `${id}: ${html.slice(0, 160)}`));
}"""


def violations(page, context=None, rules=None, **options) -> list[str]:
    """What axe finds on a page as it is now, and calls serious."""
    from axe_playwright_python.sync_playwright import Axe

    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    # What `region` finds it never calls serious, and takes a third of the time to find. The styles
    # that it would fetch once more are for a rule that is not asked for.
    rules = {"region": {"enabled": False}, **(rules or {})}
    options = {"resultTypes": ["violations"], "preload": False, "rules": rules, **options}
    return page.evaluate(SERIOUS, [context, options])
