"""What every page of the site carries, and what it need not.

* A page is described: for search engines, and for those who see its link in a message.
* A page is light: what the theme loads and this book never uses is left out, scripts wait until
  the page is painted, and a picture's place is kept free until the picture is there.
* A page is finished where the theme is not: controls have names, folded answers are printed.

The theme is not ours. Each edit of what it writes names what it expects to find, and the build
fails where that is missing: after an update of the theme, look here first.
"""

import html
import itertools
import re
import shutil
import struct
from pathlib import Path
from urllib.parse import urlparse

import pydata_sphinx_theme
import tinycss2
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

# Loaded into every page, used on none.
UNUSED_SCRIPTS = ("togglebutton.js", "design-tabs.js")
UNUSED_STYLES = ("togglebutton.css",)
UNUSED_LINES = ("toggleHint", "toggleOpenOnPrint", "togglebuttonSelector", "DOCUMENTATION_OPTIONS")

# The first thing on a page. A frame that may store nothing ends the theme's scripts at their first
# line: what they store is kept there as long as the page is. And the theme is light or dark before
# anything is drawn: changed later, all styles are computed twice.
FIRST_SCRIPT = """
    for (const name of ["localStorage", "sessionStorage"]) {
      try {
        window[name];
      } catch {
        const kept = new Map();
        const value = {
          getItem: (key) => kept.get(key) ?? null,
          setItem: (key, text) => kept.set(key, String(text)),
          removeItem: (key) => kept.delete(key),
        };
        Object.defineProperty(window, name, { value });
      }
    }
    {
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      const mode = localStorage.getItem("mode") || "auto";
      const theme = mode === "auto" ? (dark ? "dark" : "light") : mode;
      Object.assign(document.documentElement.dataset, { mode, theme });
    }
  """

# On a page with formulas: their fonts are asked for at once. A browser asks for a font when it lays
# out the first letter of it; then a line is drawn, and moves when its formula is drawn anew. (A
# page opened from a folder may fetch a font by its stylesheet alone.)
EARLY_FONTS = """
  <script>
    if (origin !== "null")
      for (const name of ["Main-Regular", "Math-Italic"]) {
        const href = `${document.documentElement.dataset.content_root}_static/katex/fonts/`;
        const link = { rel: "preload", as: "font", type: "font/woff2", crossOrigin: "" };
        link.href = `${href}KaTeX_${name}.woff2`;
        document.head.append(Object.assign(document.createElement("link"), link));
      }
  </script>"""

# In each page: (what the theme writes, what stands there instead).
EDITS = (
    (
        r'(?<=<script data-cfasync="false">)\s*document\.documentElement\.dataset\.mode = [^<]*',
        FIRST_SCRIPT,
    ),
    # 1.5 MB of icons. Ours are in site/static/icons.css.
    (r'<script defer src="[^"]*/fontawesome\.js[^"]*"></script>', ""),
    # Once is enough; Sphinx writes the first.
    (r'\s*<meta name="viewport" content="width=device-width, initial-scale=1" ?/?>', ""),
    (r'<meta name="docsearch:language"[^>]*>\s*<meta name="docsearch:version"[^>]*>', ""),
    # The fold of a chapter's pages in the sidebar has no name.
    (
        r"<summary>(?=<span class=\"toctree-toggle\")",
        '<summary aria-label="Pages of this chapter">',
    ),
    # Buttons are named by their title alone, which no phone shows and not every reader says.
    (r'(<button class="sidebar-toggle [^>]*?title="(Toggle [^"]*)")', r'\1 aria-label="\2"'),
    # What is seen must be part of what is said: "Search Ctrl+K", and the theme's switch.
    (r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),
)
# The theme lays the whole page out to find what scrolls; site/static/book.js does it bit by bit.
MEASURE_ALL = ',"complete"===document.readyState?I():window.addEventListener("load",I)'

OUR_STYLES = ("book.css", "icons.css", "explorers.css")
LARGEST_EXACT = 60_000  # bytes of a picture without loss

# On all pages but the one for searching, which needs them.
SEARCH = r'<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>\s*'


def edit(page: str, name: str) -> str:
    """One page as the theme wrote it, with the edits above."""
    for found, instead in EDITS:
        page, times = re.subn(found, instead, page, flags=re.DOTALL)
        if not times:
            raise ExtensionError(
                f"{name}: the theme no longer writes {found}; see site/extension/web.py"
            )
    if 'class="katex"' in page:
        page = page.replace("</title>", f"</title>{EARLY_FONTS}", 1)
    return page if name == "search" else re.sub(SEARCH, "", page)


# ---------------------------------------------------------------- pictures


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a picture in pixels: of a PNG from its head, of an SVG from its tag."""
    start = path.read_bytes()[:2000]
    if start.startswith(b"\x89PNG"):
        return struct.unpack(">II", start[16:24])
    found = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', start)
    if not found:
        raise ExtensionError(f"{path.name}: neither a PNG nor an SVG with a viewBox")
    return round(float(found[1])), round(float(found[2]))


def reserve_space(page: str, sources: dict[str, Path]) -> str:
    """Pictures with their size, so that the text below stays where it is when they arrive; all
    but the first are fetched when the reader comes near.
    """
    lazy = ""

    def sized(tag: re.Match) -> str:
        nonlocal lazy
        source = sources.get(tag[2])
        if source is None or "width=" in tag[0]:
            return tag[0]
        width, height = size_of(source)
        added, lazy = f'{lazy} width="{width}" height="{height}"', ' loading="lazy"'
        return f"{tag[1]}{added}{tag[3]}"

    return re.sub(r'(<img (?=[^>]*src="[^"]*_images/([^"]+)")[^>]*?)( ?/?>)', sized, page)


# ---------------------------------------------------------------- the head


def address_of_site(repository: str) -> str:
    """Where GitHub Pages publishes a repository.

    >>> address_of_site("https://github.com/someone/mobilenets")
    'https://someone.github.io/mobilenets/'
    >>> address_of_site("https://github.com/someone/someone.github.io")
    'https://someone.github.io/'
    >>> address_of_site("")
    ''
    """
    url = urlparse(repository)
    if url.hostname != "github.com":
        return ""
    owner, _, name = url.path.strip("/").removesuffix(".git").partition("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def find_address(app: Sphinx, config: Config) -> None:
    """The site's address, if it has one: then there are a sitemap and previews."""
    config.html_baseurl = config.html_baseurl or address_of_site(
        config.html_theme_options.get("repository_url", "")
    )
    if config.html_baseurl and not config.html_baseurl.endswith("/"):
        config.html_baseurl += "/"
    if config.html_baseurl:
        app.setup_extension("sphinx_sitemap")
        config.sitemap_url_scheme = "{link}"


def description(doctree: nodes.document) -> str:
    """A page in a sentence or two: its idea, or else its first paragraph, without formulas."""
    ideas = [each for each in doctree.findall(nodes.admonition) if "idea" in each["classes"]]
    for paragraph in (ideas[0] if ideas else doctree).findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if len(text) > 300:
            text = text[:297].rpartition(" ")[0] + " …"
        return text
    return ""


def describe(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Tags by which a page introduces itself."""
    if doctree is None:
        return
    title = re.sub(r"<[^>]*>", "", context.get("title", ""))
    tags = {"og:title": html.unescape(title), "og:type": "article"}
    tags |= {"og:site_name": app.config.html_title, "og:description": description(doctree)}
    if app.config.html_baseurl:
        tags["og:url"] = context["pageurl"]
        tags["og:image"] = app.config.html_baseurl + "_static/preview.png"
        tags["og:image:alt"] = (
            "Five bars, from VGG-16 to MobileNetV3: each network cheaper than the one above it."
        )
    lines = [f'<meta property="{key}" content="{html.escape(text)}">' for key, text in tags.items()]
    lines.append(f'<meta name="description" content="{html.escape(tags["og:description"])}">')
    if app.config.html_baseurl:
        lines.append('<meta name="twitter:card" content="summary_large_image">')
    context["metatags"] = context.get("metatags", "") + "\n    ".join(["", *lines])


def lighten(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Leave out what no page uses; let scripts wait until the page is painted."""

    def is_used(script) -> bool:
        body = str(script.attributes.get("body", ""))
        return not str(script.filename).endswith(UNUSED_SCRIPTS) and not any(
            line in body for line in UNUSED_LINES
        )

    def waiting(script):
        """The same script, which waits; the objects themselves are shared between pages."""
        attributes = {"defer": "defer"} | script.attributes
        return type(script)(script.filename, priority=script.priority, **attributes)

    scripts = [each for each in context["script_files"] if is_used(each)]
    if pagename != "search":  # its own scripts, further down, need the others at once
        scripts = [waiting(each) if each.filename else each for each in scripts]
    context["script_files"] = scripts
    styles = {str(each.filename).partition("?")[0]: each for each in context["css_files"]}
    context["css_files"] = [
        each for name, each in styles.items() if not name.endswith(UNUSED_STYLES)
    ]


def edit_what_is_written(app: Sphinx) -> None:
    """Let each page pass through `edit` on its way to its file."""
    if app.builder.format != "html" or app.builder.name == "linkcheck":
        return
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
    if MEASURE_ALL not in (theme / "scripts" / "pydata-sphinx-theme.js").read_text(
        encoding="utf-8"
    ):
        raise ExtensionError(
            f"the theme's script no longer says {MEASURE_ALL}; see site/extension/web.py"
        )
    render = app.builder.templates.render

    def render_and_edit(template: str, context: dict) -> str:
        page = render(template, context)
        if "</html>" not in page:
            return page
        images = {name: Path(app.srcdir, path) for path, (_, name) in app.env.images.items()}
        page = reserve_space(edit(page, context["pagename"]), images)
        if context["pagename"] == "404":
            return from_anywhere(page, app.config.html_baseurl)
        return page

    app.builder.templates.render = render_and_edit


NOT_FOUND = """<section><h1>This page does not exist</h1>
<p>Perhaps it has moved, or its address was mistyped. All chapters are in the menu; the
<a href="search.html">search</a> knows every word of the book; or
<a href="{root}">start at the beginning</a>.</p></section>"""


def page_not_found(app: Sphinx):
    """404.html, which a server shows in place of any page, however deep its folder."""
    if app.builder.format == "html":
        body = NOT_FOUND.format(root=app.builder.get_target_uri(app.config.root_doc))
        yield "404", {"title": "This page does not exist", "body": body}, "page.html"


def from_anywhere(page: str, address: str) -> str:
    """The same page with addresses that hold in every folder, where the site's own is known."""
    if not address:
        return page
    page = page.replace('href="#', 'href="404.html#')
    return page.replace("<head>", f'<head>\n    <base href="{urlparse(address).path}">', 1)


# ---------------------------------------------------------------- the folder


def write_every_page(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set):
    """An edited page is not enough: of the pages that it does not write, Sphinx drops the entries
    of the glossary from the index for searching, the sitemap drops all, and links to a term that
    is new are missing. Only notebooks take long, and their results are kept.
    """
    return env.found_docs - added


def drop_unused_files(app: Sphinx, exception: Exception | None) -> None:
    """Delete from `_static` what no page, style or script names; first of all, the icons."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    if app.config.html_baseurl:  # it needs a full address: without one, nobody could see it
        shutil.copy(Path(app.srcdir, "figures", "front", "preview.png"), out / "_static")
    script = out / "_static" / "scripts" / "pydata-sphinx-theme.js"
    script.write_text(script.read_text(encoding="utf-8").replace(MEASURE_ALL, ""), encoding="utf-8")
    for path in (out / "_static").rglob("*"):
        if path.suffix in (".css", ".js"):
            text = path.read_text(encoding="utf-8")
            path.write_text(
                re.sub(r"(//|/\*)# sourceMappingURL=[^*\s]*(\s*\*/)?", "", text), encoding="utf-8"
            )
    while True:  # what only an unused file names is unused
        files = [each for each in (out / "_static").rglob("*") if each.is_file()]
        readable = [
            *out.rglob("*.html"),
            *(each for each in files if each.suffix in (".css", ".js")),
        ]
        texts = {each: each.read_text(errors="ignore", encoding="utf-8") for each in readable}
        unused = [
            each
            for each in files
            if not any(each.name in text for page, text in texts.items() if page != each)
            and each.name != "preview.png"
        ]
        for each in unused:
            each.unlink()
        if not unused:
            break
    for folder in sorted((out / "_static").rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def lighten_pictures(app: Sphinx, exception: Exception | None) -> None:
    """Notebooks' pictures as WebP, which every browser reads: a quarter of the size. Drawings stay
    exact; photographs, which would stay large, lose what is not seen.
    """
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    renamed = {}
    for path in (out / "_images").glob("*.png"):
        picture, target = Image.open(path), path.with_suffix(".webp")
        picture.save(target, lossless=True)
        if target.stat().st_size > LARGEST_EXACT:
            picture.save(target, quality=90)
        renamed[f"_images/{path.name}"] = f"_images/{target.name}"
        path.unlink()
    if renamed:
        for page in out.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            if found := [name for name in renamed if name in text]:
                for name in found:
                    text = text.replace(name, renamed[name])
                page.write_text(text, encoding="utf-8")


def words_of(site: Path) -> set[str]:
    """Every word in the pages and scripts of a site: more than the classes that they use."""
    words = set()
    for path in [*site.rglob("*.html"), *(site / "_static").rglob("*.js")]:
        words.update(re.findall(r"[\w-]+", path.read_text(encoding="utf-8")))
    return words


def prune(css: str, words: set[str]) -> str:
    """A stylesheet without the rules for classes that are not among the words, and without the
    theme's fonts of icons.

    >>> prune(".a{x:1} .b, p:not(.c){x:2} @media print{.b{x:3}} .d{x:4}", {"a"})
    '.a{x:1}p:not(.c){x:2}'
    """
    kept = []
    for rule in tinycss2.parse_rule_list(css, skip_comments=True, skip_whitespace=True):
        if rule.type == "qualified-rule":
            selectors, current = [], []
            for token in [*rule.prelude, None]:
                if token is None or (token.type == "literal" and token.value == ","):
                    selectors.append(current)
                    current = []
                else:
                    current.append(token)
            used = [
                tinycss2.serialize(selector).strip()
                for selector in selectors
                if all(
                    name.value in words
                    for dot, name in itertools.pairwise(selector)
                    if dot.type == "literal" and dot.value == "." and name.type == "ident"
                )
            ]
            if used:
                kept.append(f"{','.join(used)}{{{tinycss2.serialize(rule.content)}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inner = prune(tinycss2.serialize(rule.content), words)
            if inner:
                query = tinycss2.serialize(rule.prelude)
                kept.append(f"@{rule.at_keyword}{query}{{{inner}}}")
        elif "Font Awesome" not in (text := rule.serialize()):
            kept.append(text)
    return "".join(kept)


def prune_styles(app: Sphinx, exception: Exception | None) -> None:
    """Leave out of the theme's styles what no page uses: more than half of them."""
    if exception or app.builder.name != "html":
        return
    static = Path(app.outdir) / "_static"
    words = words_of(Path(app.outdir))
    for path in static.rglob("*.css"):
        if path.name not in OUR_STYLES:  # whose classes may be made up by a script: is-${kind}
            path.write_text(prune(path.read_text(encoding="utf-8"), words), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", find_address, priority=900)  # after the repository is known
    app.connect("env-get-outdated", write_every_page)
    app.connect("builder-inited", edit_what_is_written, priority=900)
    app.connect("html-collect-pages", page_not_found)
    app.connect("html-page-context", describe, priority=900)
    app.connect("html-page-context", lighten, priority=950)
    app.connect("build-finished", prune_styles)
    app.connect("build-finished", drop_unused_files)
    app.connect("build-finished", lighten_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
