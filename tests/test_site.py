"""The built site, as its readers meet it: links and anchors, then pages in a real browser."""

import functools
import gzip
import io
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urldefrag

import pytest

from tests.book import NOTEBOOKS, ROOT, SITE, toc_files
from tests.browsers import CONTRAST, PLACES, as_file, contents, places, too_faint, violations

PAGES = [f"{document}.html" for document in toc_files()] + ["search.html", "404.html"]
WIDTHS = (390, 768, 1280)
pytestmark = pytest.mark.usefixtures("site")
HEAVIEST = 500_000  # bytes, compressed, of everything that a page fetches until its end


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


def test_expressions_beside_numbers_reach_no_reader():
    assert not [page for page in PAGES if "<!--=" in (SITE / page).read_text(encoding="utf-8")]


@pytest.mark.words  # of the pages that they lead to, which are kept in memory
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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_is_left_out_of_the_book(path):
    """As a notebook leaves out what its reader's machine lacks; the book's own lacks nothing."""
    text = (SITE / path.relative_to(ROOT)).with_suffix(".html").read_text(encoding="utf-8")
    assert not (found := re.findall(r"Left out: [A-Za-z][^<\n]*", text)), found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_warning_stands_on_a_notebooks_page(path):
    """Of what a notebook writes beside its output, a reader sees its progress bars alone."""
    text = (SITE / path.relative_to(ROOT)).with_suffix(".html").read_text(encoding="utf-8")
    beside = re.findall(r'class="output stderr.*?<pre>(.*?)</pre>', text, flags=re.DOTALL)
    said = [re.sub(r"<[^>]*>", "", each) for each in beside]
    assert not (found := [each for each in said if "%|" not in each]), found


# ---------------------------------------------------------------- in a browser


def show_everything(page) -> None:
    """Fetch what waits until the reader comes near, and unfold what is folded."""
    page.evaluate("""async () => {
        const all = (query) => [...document.querySelectorAll(query)];
        all('img').forEach((each) => (each.loading = 'eager'));
        all('details').forEach((each) => (each.open = true));
        const waiting = () => all('article img').some((each) => !each.complete) ||
            all('.explorer:not([data-ready])').length;
        while (waiting()) await new Promise((next) => setTimeout(next, 20));
        await document.fonts.ready;
    }""")


# What a picture, a table, a heading or a formula lacks.
LACKS = """() => {
    const all = (query) => [...document.querySelectorAll(query)];
    const wrong = [];
    for (const each of all('article img')) {
        const { alt, src, naturalWidth } = each;
        const part = alt === '' && each.closest('[role=img][aria-label]'); // of what has a text
        if (!part && (!alt || alt.includes('/'))) wrong.push(`alternative text of ${src}: ${alt}`);
        if (!naturalWidth) wrong.push(`not drawn: ${src}`);
    }
    for (const each of all('article img[width][height]')) {
        const style = getComputedStyle(each);
        const side = (length, ...ends) =>
            ends.reduce((left, end) => left - parseFloat(style[`padding${end}`]), length);
        const width = side(each.clientWidth, 'Left', 'Right');
        const height = side(each.clientHeight, 'Top', 'Bottom');
        const due = (width * each.getAttribute('height')) / each.getAttribute('width');
        if (Math.abs(height - due) > 2) wrong.push(`stretched: ${each.src}`);
    }
    for (const each of all('article .with-punctuation')) {
        const bases = [...each.querySelectorAll('.katex-html > .base')];
        const range = document.createRange();
        const box = (node) => (range.selectNodeContents(node), range.getBoundingClientRect());
        const [first, last] = [bases.at(0), bases.at(-1)].map(box);
        const [opening, closing] = [each.firstChild, each.lastChild].map(box);
        if (opening.left > first.left + 1 || closing.right < last.right - 1)
            wrong.push(`a line breaks between a formula and its punctuation: ${each.innerText}`);
    }
    for (const table of all('article table:not(.eye-grid)')) // a window of numbers has none
        if (!table.querySelector('th')) wrong.push(`no head: ${table.innerText.slice(0, 60)}`);
    const titles = all('h1').filter((each) => each.checkVisibility()).length;
    if (titles !== 1) wrong.push(`${titles} titles`);
    const text = document.querySelector('main').innerText;
    if (/\\\\frac|\\$\\$/.test(text)) wrong.push('math that was not rendered');
    return wrong;
}"""


# A notebook's code that must be scrolled to be read. What is not yet laid out has no width.
CUT_OFF = """() => {
    const style = { textContent: '* { content-visibility: visible !important }' };
    document.head.append(Object.assign(document.createElement('style'), style));
    return [...document.querySelectorAll('.cell_input pre')]
        .filter((each) => each.scrollWidth > each.clientWidth + 1)
        .map((each) => `code is cut off: ${each.innerText.slice(0, 60)}`);
}"""


# A formula that is cut off though its number could make room for it.
COVERED = """() => {
    const end = (each) => each.getBoundingClientRect().right;
    return [...document.querySelectorAll('article div.math:has(.eqno) .katex-display')]
        .filter((box) => Math.max(...[...box.querySelectorAll('.base')].map(end)) > end(box) + 1)
        .map((box) => `a numbered formula is cut off: ${box.innerText.slice(0, 60)}`);
}"""


PHONES = (320, 360, 390)  # 320: also a wide screen, enlarged four times


def too_wide(page, when: str, widths: tuple[int, ...]) -> list[str]:
    """At which widths a page scrolls sideways; the first is the one that it has."""
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 844})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"scrolls sideways, {width} wide, {when}")
    return found


def weight(fetched: list[str], address: str) -> dict[str, int]:
    """The bytes of each file that was fetched, compressed as a server sends it."""
    sizes = {}
    for url in fetched:
        if url.startswith(address):
            name = unquote(url.removeprefix(address).partition("?")[0])
            content = (SITE / name).read_bytes()
            sizes[name] = min(len(content), len(gzip.compress(content, 6)))
    return sizes


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_page_in_a_browser(visit, address, kinds, theme, name):
    """One visit, on a phone in the dark or at a desk in daylight: no error and no request that
    leaves the site, complete, no wider than its window, accessible and light.
    """
    at_desk = theme == "light"
    page, notes, fetched = visit(name, theme, width=1280 if at_desk else PHONES[0])
    wrong = []
    if at_desk:  # what scrolls can be reached before one has scrolled there
        rule = {"type": "rule", "values": ["scrollable-region-focusable"]}
        wrong += violations(page, runOnly=rule)
    else:
        wrong += too_wide(page, "folded", PHONES)
    show_everything(page)
    sizes = weight(fetched, address)
    if sum(sizes.values()) > HEAVIEST:
        wrong.append(f"too heavy, the largest: {sorted(sizes, key=sizes.get)[-3:]}")
    wrong += notes + page.evaluate(LACKS)
    if at_desk:
        wrong += page.evaluate(CUT_OFF)
        wrong += violations(page, rules={CONTRAST: {"enabled": False}})
    else:
        wrong += page.evaluate(COVERED)
        wrong += too_wide(page, "unfolded", PHONES[::-1])
    wrong += too_faint(page, kinds)
    assert wrong == []


@pytest.mark.weekly
@pytest.mark.parametrize("theme, width", [("dark", 390), ("light", 390), ("light", 1280)])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_in_all_its_parts(visit, name, theme, width):
    page, *_ = visit(name, theme, width)
    show_everything(page)
    assert violations(page) == []


@pytest.mark.weekly
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_no_place_moves(browser, address, name, width):
    """At each width a reader arrives by a third of the page's contents, by all of them in all, and
    at the last follows every link to a place on the page, from this page or another.
    tests/test_browsers.py does so in other browsers.
    """
    page = browser.new_page(viewport={"width": width, "height": 844})
    part = (WIDTHS.index(width) + 1) % len(WIDTHS)
    arrivals = contents(SITE / name)[part :: len(WIDTHS)] or [""]
    wrong = []
    for place in arrivals:
        page.goto("about:blank")
        page.goto(f"{address}{name}#{place}")
        follow = places(SITE).get(name, []) if place == arrivals[-1] else []
        wrong += page.evaluate(f"async (...args) => {{{PLACES}}}", follow)
    page.close()
    assert not wrong


def test_folded_answers_open_with_the_keyboard(visit):
    page, *_ = visit("chapters/separable/index.html")
    summary = page.locator("article details summary").first
    summary.focus()
    assert not summary.evaluate("each => each.parentElement.open")
    page.keyboard.press("Enter")
    assert summary.evaluate("each => each.parentElement.open")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_focus_can_be_seen(visit, theme):
    """Each thing that the Tab key reaches first on a page shows that it is reached."""
    page, *_ = visit("chapters/separable/index.html", theme, width=1280)
    looks = """(each) => [each, ...each.querySelectorAll('*')].map((part) => {
        const look = getComputedStyle(part);
        return [look.outlineStyle, look.boxShadow, look.textDecorationLine].join();
    }).join()"""
    for _ in range(40):
        page.keyboard.press("Tab")
        element = page.evaluate_handle("document.activeElement")
        with_focus = page.evaluate(looks, element)
        page.evaluate("each => each.blur()", element)
        page.wait_for_timeout(20)
        without = page.evaluate(looks, element)
        page.evaluate("each => each.focus({focusVisible: true})", element)
        assert with_focus != without, page.evaluate("each => each.outerHTML.slice(0, 90)", element)


def test_pages_work_from_a_folder(browser):
    """Opened as a file, without a server: the theme, the styles, the math, the explorers."""
    page, notes = browser.new_page(), []
    page.on("console", lambda each: notes.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda each: notes.append(str(each)))
    page.goto(as_file(SITE / "intro.html"))
    page.locator("#play-steps[data-ready]").wait_for(state="attached")
    assert (
        page.locator("#play-steps").evaluate("each => getComputedStyle(each).borderRadius") != "0px"
    )
    page.goto(as_file(SITE / "chapters" / "separable" / "index.html"))
    assert page.locator(".katex").count() > 20
    assert notes == []
    page.close()


# Each line: what readers type for the same thing, then titles of pages that must be found.
QUERIES = (
    (("1×1", "1x1", "1 x 1"), ("Pointwise convolution", "MobileNetV2")),
    (("3×3", "3x3"), ("Convolution: the thing", "Depthwise convolution")),
    (("h-swish", "hswish"), ("Glossary", "MobileNetV3")),
    (("hard swish",), ("MobileNetV3",)),
    (("4,231,976", "4231976"), ("MobileNetV1", "The ledger")),
    (("569", "569M", "569 M"), ("MobileNetV1",)),
    (("75.2",), ("MobileNetV3",)),
    (("ReLU6", "relu6"), ("Glossary", "MobileNetV2")),
    (("depth-wise", "depthwise"), ("Depthwise convolution",)),
    (("depthwise-separable", "depthwise separable"), ("Depthwise separable convolution",)),
    (("squeeze-and-excite", "squeeze and excite"), ("Glossary", "MobileNetV3")),
    (("MobileNet-V3", "mobilenetv3"), ("MobileNetV3",)),
    (("top-1",), ("Glossary",)),
    (("constructor", "the", "--"), ()),  # nothing found, and no error
)


BRIEF = '<html><body><div role="main">A page.</div></body></html>'


@pytest.fixture(scope="module")
def search(request, browser, address):
    """What a query finds, and the errors meanwhile."""
    page, notes = browser.new_page(), []
    page.on("console", lambda each: notes.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda each: notes.append(str(each)))
    # Each page that is found is fetched for an excerpt, which takes most of the time, and is the
    # next test's.
    page.route(re.compile(r"/(?!search\.html)[^/?]*\.html$"), lambda each: each.fulfill(body=BRIEF))
    start = address if request.param == "served" else SITE.as_uri() + "/"

    def find(query: str) -> list[str]:
        page.goto(f"{start}search.html?q={quote(query)}")
        page.locator("#search-results .search-summary:not(:empty)").wait_for()
        return page.locator("#search-results li > a").all_inner_texts()

    yield find, notes
    page.close()


def searches() -> list:
    """All that readers type; from a folder, with the same script, a sample (once a week all)."""
    found = []
    for start in ("served", "folder"):
        for number, (typed, titles) in enumerate(QUERIES):
            marks = [pytest.mark.weekly] if start == "folder" and number % 5 else []
            id = f"{start}-{typed[0]}"
            found.append(pytest.param(start, typed, titles, marks=marks, id=id))
    return found


@pytest.mark.words  # the index holds those of every page
@pytest.mark.parametrize(("search", "typed", "titles"), searches(), indirect=["search"])
def test_search_finds_what_readers_type(search, typed, titles):
    find, notes = search
    found = {query: find(query) for query in typed}
    assert notes == []
    for query, results in found.items():
        assert all(any(title in each for each in results) for title in titles), query
        assert bool(results) == bool(titles), query
    if typed[0] in ("1×1", "3×3", "h-swish", "4,231,976", "569", "ReLU6", "MobileNet-V3"):
        assert len(set(map(tuple, found.values()))) == 1, "the same, in whichever way it is typed"


def test_an_excerpt_shows_what_was_found(browser, address):
    page = browser.new_page()
    for query, written in (("1x1", "1×1"), ("4231976", "4,231,976"), ("hswish", "h-swish")):
        page.goto(f"{address}search.html?q={query}")
        page.locator("#search-results li p.context").first.wait_for()
        page.locator("#search-results .search-summary:not(:empty)").wait_for()
        page.wait_for_load_state("networkidle")
        excerpts = page.locator("#search-results li p.context").all_inner_texts()
        assert sum(written in each.lower() for each in excerpts) > len(excerpts) / 2, query
        assert not any("\\" in each for each in excerpts), "the source of a formula"
    page.close()


def test_a_frame_that_may_store_nothing(browser, address):
    """The theme's switch and the search, where the browser denies both storage and other pages."""
    page, notes = browser.new_page(), []
    page.on("pageerror", lambda each: notes.append(str(each)))

    def show(name: str):
        source = f'<iframe sandbox="allow-scripts" src="{address}{name}" width="900" height="700">'
        page.set_content(source, wait_until="networkidle")
        return page.frames[1]

    frame = show("chapters/v3/index.html")
    frame.locator(".explorer[data-ready]").first.wait_for(state="attached")
    themes = []
    for _ in range(3):
        frame.locator(".theme-switch-button:visible").first.click()
        themes.append(frame.evaluate("document.documentElement.dataset.theme"))
    assert set(themes) == {"light", "dark"}
    frame = show("search.html?q=squeeze")
    frame.locator("#search-results li > a").first.wait_for()
    assert notes == []
    page.close()


def test_page_without_scripts_is_complete(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(as_file(SITE / "intro.html"))
    text = page.locator("#play-steps").inner_text()
    assert "2,160" in text and "432 + 240 =" in text, "the explorer's table is in the page itself"
    assert not page.locator("#play-steps form").is_visible(), "controls that would do nothing"
    context.close()


def test_an_explorer_whose_script_is_missing_shows_no_dead_controls(browser, address):
    page = browser.new_page()
    page.route("**/cost.js*", lambda route: route.abort())
    page.goto(address + "chapters/v3/index.html", wait_until="networkidle")
    page.locator("#play-points[data-ready]").wait_for(state="attached")
    assert page.locator("#play-points form").is_visible(), "the other one works"
    assert not page.locator("#play-cost form").is_visible()
    assert page.locator("#play-cost table").first.is_visible()
    page.close()


# What is typed into the ledger's field, and which of its lines must stay.
FILTERS = {
    "v2 table 4": "300 million multiply-adds and 3.4 million parameters",
    "4231976": "4.24 million parameters",
    "3X3": "8 to 9 times less",
    "ASYNCHRONOUS": "asynchronous gradient descent",
}


def test_the_ledger_is_filtered_as_one_types(browser):
    """From a folder, by keyboard alone; what is shown is said to those who do not see it."""
    page, notes = browser.new_page(), []
    page.on("pageerror", lambda each: notes.append(str(each)))
    page.goto(as_file(SITE / "chapters/appendix/ledger.html"))
    page.locator("#ledger-filter[data-ready]").wait_for()
    field, status = (
        page.get_by_role("searchbox", name="Show only lines"),
        page.get_by_role("status"),
    )
    rows = page.locator("#the-ledger section > p:has(> strong:first-child):visible")
    whole = rows.count()
    assert status.inner_text() == f"{whole} of {whole} shown" and whole > 100
    field.focus()
    for typed, kept in FILTERS.items():
        page.keyboard.press("Control+A")
        page.keyboard.type(typed)
        assert status.inner_text() == f"{rows.count()} of {whole} shown"
        assert any(kept in text for text in rows.all_inner_texts()), typed
        assert rows.count() < whole / 2, typed
    page.keyboard.press("Control+A")
    page.keyboard.type("no such line")
    assert (rows.count(), page.locator("#the-ledger h2:visible").count()) == (0, 1)
    page.evaluate("location.hash = 'mobilenetv2-s-paper'")  # a link to a part that is hidden
    page.locator("#mobilenetv2-s-paper:visible").wait_for()
    assert rows.count() == whole and field.input_value() == "" and notes == []
    page.close()


def test_the_ledger_without_scripts_is_whole_and_has_no_dead_field(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(as_file(SITE / "chapters/appendix/ledger.html"))
    assert page.locator("#the-ledger section > p:has(> strong:first-child):visible").count() > 100
    assert not page.locator("#ledger-filter").is_visible()
    context.close()


# ---------------------------------------------------------------- icons, and what is not shipped


def test_every_icon_is_drawn():
    drawn = set(re.findall(r"^\.fa-([\w-]+) \{", (SITE / "_static/icons.css").read_text(), re.M))
    pages = [*SITE.rglob("*.html"), *(SITE / "_static/scripts").glob("*.js")]
    used = {
        icon
        for page in pages
        for words in re.findall(r"\bfa(?:s|b|-solid) ([\w -]*)", page.read_text())
        for icon in re.findall(r"fa-([\w-]+)", words)
    }
    assert used - {"solid", "lg"} <= drawn - {"lg"}


def test_nothing_is_shipped_that_no_page_needs():
    names = {path.name for path in (SITE / "_static").rglob("*") if path.is_file()}
    texts = [
        path.read_text(errors="ignore")
        for path in SITE.rglob("*")
        if path.suffix in (".html", ".css", ".js")
    ]
    assert not [name for name in names if not any(name in text for text in texts)]
    assert not [name for name in names if "fontawesome" in name or name.endswith(".map")]


# ---------------------------------------------------------------- weight and speed

OBSERVE = """
window.seen = {blocked: 0, shift: 0, paint: 0};
const watch = (type, note) => new PerformanceObserver(
    list => list.getEntries().forEach(note)).observe({type, buffered: true});
watch('longtask', each => window.seen.blocked += each.duration - 50);
watch('layout-shift', each => window.seen.shift += each.hadRecentInput ? 0 : each.value);
watch('paint', each => window.seen.paint = each.startTime);
"""


def open_on_a_slow_phone(browser, url: str, prepare=lambda page: None):
    """(page, context): a phone with a quarter of this processor's speed and an empty cache."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page = context.new_page()
    page.add_init_script(OBSERVE)
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    prepare(page)
    page.goto(url, wait_until="networkidle")
    return page, context


@pytest.mark.weekly
@pytest.mark.parametrize("name", PAGES)
def test_page_is_light_and_stands_still(browser, address, name):
    """What a page fetches while it is read to its end, compressed as a server sends it; nothing
    moves while it arrives.
    """
    fetched = {}

    def note(page):
        page.on("response", lambda each: fetched.setdefault(each.url.partition("?")[0], None))

    page, context = open_on_a_slow_phone(browser, address + name, note)
    height = page.evaluate("document.documentElement.scrollHeight")
    for _ in range(0, height, 700):
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(30)
    page.wait_for_load_state("networkidle")
    shift = page.evaluate("window.seen.shift")
    context.close()
    sizes = weight(list(fetched), address)
    print(f"WEIGHT {name} {sum(sizes.values()) / 1000:.0f} kB, shift {shift:.4f}")
    largest = sorted(sizes, key=sizes.get)[-3:]
    assert sum(sizes.values()) <= HEAVIEST, f"the largest: {largest}"
    assert shift < 0.01


@pytest.mark.weekly
def test_page_is_quicker_than_the_themes_own(browser, address):
    """Beside the same page as the theme would load it, in turns: painted no later, and the phone's
    processor is held up for less long. Times are noisy: medians, and only compared.
    """
    theme = (
        Path(__import__("pydata_sphinx_theme").__file__).parent / "theme/pydata_sphinx_theme/static"
    )
    name = "chapters/v2/index.html"

    def as_the_theme_has_it(page):
        text = (SITE / name).read_text().replace(' defer="defer"', "")
        text = re.sub(r' loading="lazy"| width="\d+" height="\d+"', "", text)
        first = 'document.documentElement.dataset.theme = localStorage.getItem("theme") || "auto";'
        text = re.sub(r'(<script data-cfasync="false">)[^<]*', lambda m: m[1] + first, text)
        added = '<script defer src="/theme/scripts/fontawesome.js"></script>'
        added += '<script src="../../searchindex.js"></script>'
        text = text.replace("</head>", added + "</head>")

        def answer(route):
            path = route.request.url.removeprefix(address).partition("?")[0]
            if path == name:
                route.fulfill(body=text, content_type="text/html")
            else:
                route.fulfill(path=theme / path.rpartition("_static/")[2].removeprefix("theme/"))

        names = rf"{re.escape(name)}|(?:fontawesome|pydata-sphinx-theme)\.(?:js|css)(?:\?.*)?"
        page.route(re.compile(rf"/(?:{names})$"), answer)

    seen = {"ours": [], "theirs": []}
    for _ in range(7):
        for whose, prepare in (("theirs", as_the_theme_has_it), ("ours", lambda page: None)):
            page, context = open_on_a_slow_phone(browser, address + name, prepare)
            page.wait_for_timeout(300)
            seen[whose].append(page.evaluate("window.seen"))
            context.close()
    median = {
        (whose, what): sorted(each[what] for each in runs)[3]
        for whose, runs in seen.items()
        for what in ("paint", "blocked")
    }
    print("SPEED", {f"{whose} {what}": round(ms) for (whose, what), ms in median.items()})
    assert median["ours", "paint"] <= 1.1 * median["theirs", "paint"], median
    assert median["ours", "blocked"] < median["theirs", "blocked"], median


# ---------------------------------------------------------------- on paper


def test_a_printed_chapter_is_complete(browser, address):
    from pypdf import PdfReader

    page = browser.new_page(color_scheme="dark")
    page.goto(address + "chapters/training/index.html", wait_until="networkidle")
    text = "".join(each.extract_text() for each in PdfReader(io.BytesIO(page.pdf())).pages)
    text = unicodedata.normalize("NFKC", text)  # ligatures: ﬀ, ﬁ
    on_paper = re.sub(r"[\W\d_]", "", text)  # letters alone: lines and pages break anywhere
    paragraphs = page.locator("article details p:not(:has(.math))").all()
    assert len(paragraphs) > 10
    for paragraph in paragraphs:
        for sentence in re.split(r"(?<=[.?!]) ", paragraph.text_content()):
            letters = re.sub(r"[\W\d_]", "", unicodedata.normalize("NFKC", sentence))
            # A sentence may begin on one sheet and end on the next, with a line between.
            halves = ((letters[:i], letters[i:]) for i in range(10, len(letters) - 10))
            there = letters in on_paper or any(a in on_paper and b in on_paper for a, b in halves)
            assert there, f"not on paper: {sentence}"
    assert not page.locator("article details[open]").count(), "folded again after printing"
    page.close()


def test_the_cheat_sheet_fits_on_one_sheet(browser, address):
    from pypdf import PdfReader

    page = browser.new_page()
    page.goto(address + "chapters/appendix/cheatsheet.html", wait_until="networkidle")
    assert len(PdfReader(io.BytesIO(page.pdf(format="A4"))).pages) == 1
    page.close()
