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
from hashlib import sha256
from pathlib import Path

from filelock import FileLock
from PIL import Image

from tests.book import SITE

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


SERVED = set()  # files of the site, since somebody last emptied it: see tests/verdicts.py


def as_file(page: Path) -> str:
    """The address of a page of the site that is opened from its folder, without a server. All that
    it loads beside itself is made of code.
    """
    SERVED.add(page.relative_to(SITE).as_posix())
    return page.as_uri()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a folder that is served on the loopback interface."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def send_head(self):
            path = Path(self.translate_path(self.path))
            path = path / "index.html" if path.is_dir() else path
            SERVED.add(path.relative_to(folder).as_posix())
            return super().send_head()

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

CONTRAST = "color-contrast"

# What axe calls serious. A link in a text may differ from it by its style or by its colours: who
# has seen the style need not look for the colours, which takes most of the time.
SERIOUS = """async ([context, options, of]) => {
    const whole = Object.keys(of).map((id) => axe._audit.rules.find((rule) => rule.id === id));
    for (const rule of whole) rule.selector = of[rule.id];
    const checks = axe._audit.checks;
    const [colours, style] = [checks['link-in-text-block'], checks['link-in-text-block-style']];
    axe.byColours ??= colours.evaluate;
    colours.evaluate = function (node, ...more) {
        const styled = style.evaluate.call({...this, relatedNodes() {}, data() {}}, node, ...more);
        return styled === true || axe.byColours.call(this, node, ...more);
    };
    const {violations, passes, incomplete} = await axe.run(context || document, options);
    for (const rule of whole) rule.selector = '*';
    const serious = violations.filter(({impact}) => ['serious', 'critical'].includes(impact));
    const wrong = serious.flatMap(
        ({id, nodes}) => nodes.map(({html}) => `${id}: ${html.slice(0, 160)}`));
    const nodes = [passes, incomplete].map((all) => all.flatMap(({nodes}) => nodes));
    const known = ["nonBmp", "shortTextContent"]; // says axe of a sign, of a single letter
    const sign = ({any: [check]}) => known.includes(check.data?.messageKey);
    const fine = [...nodes[0], ...nodes[1].filter(sign)];
    return [wrong, fine.map(({element}) => element?.dataset.kind)];
}"""


def run_axe(page, context=None, rules=None, of=None, **options) -> tuple[list[str], list[str]]:
    """What is wrong, and the kinds of text (below) that are not. `of`: by its name, which elements
    a rule for all is asked about.
    """
    from axe_playwright_python.sync_playwright import Axe

    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    # What `region` finds it never calls serious, and takes a third of the time to find. The styles
    # that it would fetch once more are for a rule that is not asked for. Nobody reads selectors.
    rules = {"region": {"enabled": False}, **(rules or {})}
    usual = {"resultTypes": ["violations"], "preload": False, "selectors": False, "rules": rules}
    return page.evaluate(SERIOUS, [context, {**usual, **options}, of or {}])


def violations(page, context=None, rules=None, **options) -> list[str]:
    """What axe finds on a page as it is now, and calls serious."""
    return run_axe(page, context, rules, **options)[0]


# Shows the page in the other theme, as its switch does, and waits until colours have changed.
OTHER_THEME = """async () => {
    const {dataset} = document.documentElement;
    dataset.theme = dataset.theme === 'light' ? 'dark' : 'light';
    await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
    await Promise.allSettled(document.getAnimations().map(({finished}) => finished));
    return dataset.theme;
}"""


def violations_in_both_themes(page, context: str) -> list[str]:
    """Where only colours differ, the other theme has only their contrast to show."""
    found = violations(page, context)
    themes = {page.evaluate(OTHER_THEME)}
    found += violations(page, context, runOnly={"type": "rule", "values": [CONTRAST]})
    themes.add(page.evaluate(OTHER_THEME))
    assert themes == {"light", "dark"}
    return found


# Marks the first of each kind of text in a part of the page: of the same elements, classes and
# looks, on the same grounds. A ground is whatever has a colour or makes others paler, and lies
# where the text does: around it, or beside it and moved there. Returns of each kind what its
# contrast depends on, so that elsewhere the same need not be looked at, whatever is around it. Of
# a sign axe says that it cannot tell, of punctuation nothing. What is cut away, or outside the
# page, is not seen.
KINDS = """(part) => {
    const grounds = new Map(), rows = new Map(), cut = new Set(), range = document.createRange();
    const rowsOf = ({top, bottom}) => [top, bottom].map((each) => Math.floor(each / 100));
    for (const each of document.querySelectorAll('*')) {
        delete each.dataset.kind;
        delete each.dataset.ground;
        const look = getComputedStyle(each);
        const ground = [look.backgroundColor, look.backgroundImage, look.opacity, look.filter,
            look.mixBlendMode].join();
        if (/^rect\\((\\S+), \\1, \\1, \\1\\)$/.test(look.clip)) cut.add(each);
        if (ground === 'rgba(0, 0, 0, 0),none,1,none,normal') continue;
        if (!each.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
        grounds.set(each, ground);
        for (const rect of each.getClientRects()) {
            const [first, last] = rowsOf(rect);
            for (let row = first; row <= last; row++)
                rows.set(row, [...(rows.get(row) ?? []), [each, rect]]);
        }
    }
    const meet = (one, other) => one.left < other.right && other.left < one.right &&
        one.top < other.bottom && other.top < one.bottom;
    const kinds = new Map();
    const mute = ['hidden', 'range', 'color', 'checkbox', 'radio', 'image', 'file'];
    for (const each of document.querySelectorAll(`${part} *`)) {
        const field = each.matches('input, select, textarea') && !mute.includes(each.type);
        const nodes = [...each.childNodes].filter(({nodeType}) => nodeType === Node.TEXT_NODE);
        const text = nodes.map(({data}) => data).join('').trim();
        if (!field && !/[^\\s!-/:-@[-`{-~\\u2000-\\u206f]/.test(text)) continue;
        if (!each.checkVisibility({visibilityProperty: true})) continue;
        let hidden = false;
        const look = getComputedStyle(each), [below, family, beside] = [[], [], []];
        const kind = [each.tagName, each.className.baseVal ?? each.className, look.color,
            look.fill, look.webkitTextFillColor, look.webkitTextStroke, look.textShadow,
            look.fontSize, look.fontWeight, look.opacity];
        for (let part = each, up = 0; part; part = part.parentElement, up++) {
            hidden ||= cut.has(part);
            if (grounds.has(part)) below.push(grounds.get(part));
            if (up && up < 4) family.push(part.tagName, part.className.baseVal ?? part.className);
        }
        range.selectNodeContents(each);
        const rects = [...(field ? each : range).getClientRects()];
        const outside = ({right, bottom}) => right + scrollX <= 0 || bottom + scrollY <= 0;
        if (hidden || rects.every(outside)) continue;
        for (const rect of rects)
            for (const row of new Set(rowsOf(rect)))
                for (const [other, its] of rows.get(row) ?? [])
                    if (meet(its, rect) && !each.contains(other) && !other.contains(each))
                        beside.push(other);
        const place = 'pre, table, details, .admonition, nav, header, footer, figure, .explorer';
        const off = each.closest(':disabled, [aria-disabled=true]') ??
            each.closest('label')?.control?.disabled;
        const sign = field || /[a-z0-9]/i.test(text) ? '' : text;
        const short = !field && each.textContent.trim().length === 1;
        const near = new Set(beside.map((other) => grounds.get(other)));
        const alike = [...kind, Boolean(off), sign, short, ...below, 'beside', ...near].join();
        const name = [alike, ...family, each.closest(place)?.className].join();
        if (kinds.has(name)) continue;
        each.dataset.kind = kinds.size;
        kinds.set(name, alike);
        for (const other of beside) other.dataset.ground = '';
    }
    return [...kinds.values()];
}"""

# What holds no text that is asked about, and no ground that meets one, may go: most of a page, of
# which axe would place each element. Its box stays, so nothing moves.
EMPTIED = """(asked) => {
    const found = [];
    const walk = (each) => {
        if (!each.matches(asked) && !each.querySelector(asked)) found.push(each);
        else for (const child of each.children) walk(child);
    };
    walk(document.body);
    const block = (each) => !getComputedStyle(each).display.startsWith('inline');
    const boxes = found.filter((each) => each.childElementCount && block(each)).map((each) => {
        const {width, height} = each.getBoundingClientRect();
        return [each, `${width}px`, `${height}px`];
    });
    for (const [each, width, height] of boxes) {
        each.replaceChildren();
        const minWidth = width, minHeight = height, boxSizing = 'border-box';
        Object.assign(each.style, {boxSizing, width, height, minWidth, minHeight});
    }
}"""


class Kinds:
    """The kinds of text whose contrast axe has found enough: in a file, for all who look."""

    def __init__(self, file: Path):
        self.file, self.lock = file, FileLock(f"{file}.lock")

    def known(self) -> set[str]:
        return set(json.loads(self.file.read_text())) if self.file.exists() else set()

    def learn(self, kinds: list[str]) -> None:
        with self.lock:
            self.file.write_text(json.dumps(sorted(self.known() | set(kinds))))


def too_faint(page, seen: Kinds, part: str = "body") -> list[str]:
    """What axe finds in the contrast of texts, on a page that is not used any more: most of it
    goes. Of those of one kind the first stands for all, also
    for those of other pages: axe takes most of its time for that. `make weekly` looks at all.
    """
    kinds = [sha256(each.encode()).hexdigest() for each in page.evaluate(KINDS, part)]
    known = seen.known()
    new = [f'[data-kind="{i}"]' for i, kind in enumerate(kinds) if kind not in known]
    if not new:
        return []
    options = {"runOnly": {"type": "rule", "values": [CONTRAST]}, "elementRef": True}
    options["resultTypes"] = ["violations", "passes", "incomplete"]
    page.evaluate(EMPTIED, ", ".join([*new, "[data-ground]"]))
    wrong, passed = run_axe(page, of={CONTRAST: ", ".join(new)}, **options)
    seen.learn([kinds[int(i)] for i in passed])
    return wrong
