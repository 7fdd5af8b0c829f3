"""The directive `explorer`: something to play with, without a kernel.

    ```{explorer} cost
    Choose a network, …
    ```

Its data are counted from the book's networks, and its first state is rendered while the book is
built, by the scripts that go on with it in the browser. So a page without scripts, or on paper,
shows that first state.
"""

import html
import json
import shutil
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import explorers
from extension.settings import node_binary


class explorer(nodes.raw):
    """The place of an explorer on a page."""


class Explorer(SphinxDirective):
    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in explorers.NAMES:
            raise self.error(f"no explorer {name!r}: there are {', '.join(explorers.NAMES)}")
        scripts = explorers.script_files(name)
        for path in [*scripts, *explorers.SOURCES]:
            self.env.note_dependency(str(path))
        data = json.dumps(explorers.data(name), ensure_ascii=False, separators=(",", ":"))
        drawn = subprocess.run(
            [
                node_binary(),
                str(explorers.FOLDER / "prerender.js"),
                name,
                *map(str, scripts),
            ],
            input=data,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        if drawn.returncode:
            raise self.error(f"explorer {name!r}: {drawn.stderr.strip()}")
        title = html.escape(explorers.module(name).TITLE)
        head = f'<p class="explorer-title" id="explorer-{name}">{title}</p>'
        opening = (
            f'<div class="explorer" id="play-{name}" data-name="{name}" role="group" '
            f'aria-labelledby="explorer-{name}">{head}'
        )
        hint = nodes.container(classes=["explorer-hint"])
        self.state.nested_parse(self.content, self.content_offset, hint)
        data = data.replace("</", "<\\/")
        closing = f'{drawn.stdout}<script type="application/json">{data}</script></div>'
        return [
            explorer("", opening, format="html", explorer=name),
            hint,
            nodes.raw("", closing, format="html"),
        ]


def add_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Load the scripts of the explorers into the pages that have one."""
    names = [each["explorer"] for each in doctree.findall(explorer)] if doctree else []
    if names:
        app.add_css_file("explorers.css")
        app.add_js_file("explorer.js", defer="defer")
        for name in sorted(set(names)):
            app.add_js_file(f"{name}.js", defer="defer")


def ship_scripts(app: Sphinx) -> None:
    """Put into the site what its pages load, and not the Python that lies beside it."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    static.mkdir(parents=True, exist_ok=True)
    for file in ("explorer.js", "explorers.css"):
        shutil.copy(explorers.FOLDER / file, static)
    for name in explorers.NAMES:
        shared, *own = explorers.script_files(name)
        text = "\n".join(path.read_text(encoding="utf-8") for path in own)
        (static / f"{name}.js").write_text(text, encoding="utf-8")
        for file, code in explorers.files(name).items():
            (static / "later").mkdir(exist_ok=True)
            (static / "later" / file).write_bytes(code)
        if licence := getattr(explorers.module(name), "licence", None):
            (static / f"{name}-LICENSE.txt").write_text(licence(), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    app.add_directive("explorer", Explorer)
    app.add_node(explorer, html=(lambda self, node: self.visit_raw(node), None))
    app.connect("builder-inited", ship_scripts)
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
