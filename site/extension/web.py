"""What every page of the site carries, and what it need not.

* A page is described: for search engines, and for those who see its link in a message.
* A page is light: what the theme loads and this book never uses is left out, scripts wait until
  the page is painted, and a picture's place is kept free until the picture is there.
* A page is finished where the theme is not: controls have names, folded answers are printed.

The theme is not ours: what its templates write differs in site/templates, which
tests/test_templates.py compares with the theme's own. Here is what no template reaches. After an
update of the theme, look at both first.
"""

import io
import itertools
import re
import shutil
import struct
from pathlib import Path
from urllib.parse import urlparse

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

LEDGER = "chapters/appendix/ledger"

OUR_STYLES = ("book.css", "icons.css", "explorers.css")
LARGEST_EXACT = 60_000  # bytes of a picture without loss


def name_folds(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """The fold of a chapter's pages in the sidebar has no name. The theme makes it as a tree."""
    make_tree = context["generate_toctree_html"]

    def make_named_tree(*args, **options):
        tree = make_tree(*args, **options)
        folds = tree.select("summary")
        if not folds:
            raise ExtensionError("the theme's sidebar has no folds any more; see name_folds")
        for fold in folds:
            fold["aria-label"] = "Pages of this chapter"
        return tree

    context["generate_toctree_html"] = make_named_tree


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


def visit_image(translator, node: nodes.image) -> None:
    """A picture with its size, so that the text below stays where it is when it arrives; all but
    the first of a page are fetched when the reader comes near.
    """
    write = type(translator).visit_image
    if "width" in node or node["uri"] not in translator.builder.images:
        write(translator, node)
        return
    width, height = size_of(Path(translator.builder.srcdir, node["uri"]))
    if node is not next(translator.document.findall(nodes.image)):
        node["loading"] = "lazy"
    write(translator, node)
    tag = translator.body.pop()
    if not tag.startswith("<img "):
        raise ExtensionError(f"a picture is written as {tag}; see visit_image")
    translator.body.append(tag.replace("<img ", f'<img width="{width}" height="{height}" ', 1))


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
    """What templates/layout.html says of a page in its head."""
    if doctree is not None:
        context["description"] = description(doctree)
        context["site_address"] = app.config.html_baseurl


def add_filter(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """The ledger alone has a field that filters its lines."""
    if pagename == LEDGER:
        app.add_js_file("ledger.js")


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


def page_not_found(app: Sphinx):
    """404.html, which a server shows in place of any page, however deep its folder."""
    if app.builder.format == "html":
        base = urlparse(app.config.html_baseurl).path
        yield "404", {"title": "This page does not exist", "base": base}, "404.html"


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
            if each.suffix == ".map"  # named by its script alone, for those who debug the theme
            or not any(each.name in text for page, text in texts.items() if page != each)
            and each.name != "preview.png"
        ]
        for each in unused:
            each.unlink()
        if not unused:
            break
    for folder in sorted((out / "_static").rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def name_pictures(app: Sphinx, env: BuildEnvironment) -> None:
    """Pages name as WebP what is PNG until `lighten_pictures`."""
    for path, (documents, name) in list(env.images.items()):
        if name.endswith(".png"):
            env.images[path] = documents, f"{name.removesuffix('.png')}.webp"


def lighten_pictures(app: Sphinx, exception: Exception | None) -> None:
    """Notebooks' pictures as WebP, which every browser reads: a quarter of the size. Drawings stay
    exact; photographs, which would stay large, lose what is not seen.
    """
    if exception or app.builder.name != "html":
        return
    for path in Path(app.outdir, "_images").glob("*.webp"):
        picture = Image.open(io.BytesIO(path.read_bytes()))
        if picture.format == "PNG":
            picture.save(path, lossless=True)
            if path.stat().st_size > LARGEST_EXACT:
                picture.save(path, quality=90)


def words_of(site: Path) -> set[str]:
    """Every word in the pages and scripts of a site: more than the classes that they use."""
    words = set()
    scripts = (site / "_static").rglob("*.js")
    named = [each for each in scripts if each.parent.name != "later"]  # that is data
    for path in [*site.rglob("*.html"), *named]:
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
    app.connect("env-updated", name_pictures)
    app.add_node(nodes.image, override=True, html=(visit_image, None))
    app.connect("html-collect-pages", page_not_found)
    app.connect("html-page-context", describe, priority=900)
    app.connect("html-page-context", name_folds, priority=900)
    app.connect("html-page-context", add_filter)
    app.connect("html-page-context", lighten, priority=950)
    app.connect("build-finished", prune_styles)
    app.connect("build-finished", drop_unused_files)
    app.connect("build-finished", lighten_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
