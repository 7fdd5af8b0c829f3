"""The glossary, linked from the text: the first mention of each term on a page leads to it.

A term is written once, in the glossary, with its synonyms; pages need no markup. A plural in *s* is
found by itself.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

GLOSSARY = "chapters/appendix/glossary"
# A mention inside these is no sentence that a reader could want to leave for a definition.
CLOSED = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.FixedTextElement,
    nodes.math,
    nodes.table,
    nodes.figure,
    addnodes.download_reference,
    addnodes.pending_xref,
)
TOOLTIP = 200  # characters


class Glossary:
    """The terms of a glossary: a pattern that finds them, and what it found."""

    def __init__(self, doctree: nodes.document):
        self.entries = {}  # form: (anchor, first sentence of its definition)
        for item in doctree.findall(nodes.definition_list_item):
            forms = list(item.findall(nodes.term))
            if not forms or not forms[0]["ids"]:
                continue
            meaning = next(item.findall(nodes.definition)).next_node(nodes.paragraph).astext()
            sentence = re.match(r".+?[.!?](?= |$)|.+", " ".join(meaning.split()))[0]
            if len(sentence) > TOOLTIP:
                sentence = sentence[:TOOLTIP].rpartition(" ")[0] + " …"
            for form in forms:
                self.entries[form.astext().lower()] = forms[0]["ids"][0], sentence
        if not self.entries:
            raise ExtensionError(f"{GLOSSARY}: a glossary without terms")
        longest_first = sorted(map(re.escape, self.entries), key=len, reverse=True)
        self.pattern = re.compile(
            rf"(?<![\w-])({'|'.join(longest_first)})s?(?![\w-])", flags=re.IGNORECASE
        )

    def link(self, doctree: nodes.document, uri: str) -> None:
        """Make a link of the first mention of each term in a page's running text."""
        met = set()
        for text in list(doctree.findall(nodes.Text)):
            paragraph, above = None, text.parent
            while above is not None and not isinstance(above, CLOSED):
                paragraph = paragraph or (above if isinstance(above, nodes.paragraph) else None)
                above = above.parent
            if above is None and paragraph is not None:
                self._link_text(text, uri, met)

    def _link_text(self, text: nodes.Text, uri: str, met: set[str]) -> None:
        pieces, last, words = [], 0, text.astext()
        for found in self.pattern.finditer(words):
            anchor, sentence = self.entries[found[1].lower()]
            if anchor in met:
                continue
            met.add(anchor)
            link = nodes.reference(
                "", found[0], internal=True, refuri=f"{uri}#{anchor}", classes=["term"]
            )
            link["reftitle"] = sentence
            pieces += [nodes.Text(words[last : found.start()]), link]
            last = found.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(words[last:])])


def link_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.format != "html" or GLOSSARY not in app.env.found_docs or docname == GLOSSARY:
        return
    # A notebook reads the same in Colab; titles of papers are not our words.
    if not app.env.doc2path(docname).endswith(".md") or docname == "references":
        return
    if not hasattr(app, "book_glossary"):
        app.book_glossary = Glossary(app.env.get_doctree(GLOSSARY))
    uri = app.builder.get_relative_uri(docname, GLOSSARY)
    app.book_glossary.link(doctree, uri)


def setup(app: Sphinx) -> dict:
    app.connect("doctree-resolved", link_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
