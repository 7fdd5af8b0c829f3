"""The book's Sphinx extension: buttons where there is a repository, none where there is not."""

import logging
from types import SimpleNamespace

import nbformat
import pytest
from docutils import nodes
from docutils.utils import new_document
from myst_nb.core.config import NbParserConfig
from myst_nb.core.execute import cache
from nbformat.v4 import new_code_cell, new_notebook
from sphinx.errors import ExtensionError

from extension import settings
from tests.book import ROOT


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/someone/mobilenets", "https://github.com/someone/mobilenets"),
        ("https://github.com/someone/mobilenets.git", "https://github.com/someone/mobilenets"),
        ("https://token@github.com/someone/nets.git/", "https://github.com/someone/nets"),
        ("git@github.com:someone/mobilenets.git", "https://github.com/someone/mobilenets"),
        ("ssh://git@github.com/someone/nets.v2.git", "https://github.com/someone/nets.v2"),
        ("ssh://git@github.com:22/someone/nets.git", "https://github.com/someone/nets"),
        ("https://gitlab.com/someone/mobilenets", ""),
        ("/a/folder/on/this/machine", ""),
        ("", ""),
    ],
)
def test_address_of_a_remote(remote, address):
    assert settings.https_url(remote) == address


@pytest.mark.parametrize("remote", ["git@github.com:someone/mobilenets.git", ""])
def test_buttons_follow_the_repository(remote, monkeypatch):
    monkeypatch.setattr(settings, "git_remote", lambda folder: remote)
    config = SimpleNamespace(html_theme_options={"repository_url": ""})
    settings.show_repository_buttons(SimpleNamespace(srcdir=ROOT), config)
    options = config.html_theme_options
    assert ("colab_url" in options["launch_buttons"]) == bool(remote)
    assert options.get("repository_url", "") == settings.https_url(remote)
    assert options.get("use_source_button", False) == bool(remote)


def test_one_setting_overrules_the_remote(monkeypatch):
    monkeypatch.setattr(settings, "git_remote", lambda folder: "git@github.com:a/fork.git")
    setting = "https://github.com/the/original"
    config = SimpleNamespace(html_theme_options={"repository_url": setting})
    settings.show_repository_buttons(SimpleNamespace(srcdir=ROOT), config)
    assert config.html_theme_options["repository_url"] == setting


PRINTS_IN_PIECES = """
import sys, time
from IPython.display import Math

print("width 0.35", end="", flush=True)
print("!", file=sys.stderr, flush=True)
time.sleep(0.5)
display(Math("x"))
for state in (" 11", "\\n10 %", "\\r50 %", "\\r100 %\\ndone\\n"):
    print(state, end="", flush=True)
    time.sleep(0.5)
"""


@pytest.mark.code
def test_what_was_printed_in_pieces_is_one_output(tmp_path, monkeypatch):
    """As MyST-NB executes a notebook; of a progress bar the last state is left."""
    monkeypatch.setattr(
        cache, "single_nb_execution", settings.in_whole_lines(cache.single_nb_execution)
    )
    path = tmp_path / "pieces.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(PRINTS_IN_PIECES)]), path)
    config = NbParserConfig(execution_mode="cache", execution_cache_path=str(tmp_path / "cache"))
    notebook = nbformat.read(path, as_version=4)
    with cache.NotebookClientCache(notebook, path, config, logging.getLogger()) as client:
        assert client.exec_metadata["succeeded"], client.exec_metadata
        outputs = client.notebook.cells[0].outputs
    printed = {each["name"]: each["text"] for each in outputs if each["output_type"] == "stream"}
    assert len(outputs) == 3 and len(printed) == 2
    assert printed == {"stdout": "width 0.35 11\n100 %\ndone\n", "stderr": "!\n"}


def test_a_setting_that_a_package_no_longer_has_fails_the_build():
    with pytest.raises(ExtensionError, match="myst_nb.core.execute.cache no longer has gone"):
        settings.set_in(cache, "gone", None)


@pytest.mark.parametrize(
    ("file", "written", "shown"),
    [
        (
            "page.md",
            "41 % of V4-Conv-S, and Hybrid-L",
            "41\u00a0% of V4-Conv\u2011S, and Hybrid\u2011L",
        ),
        ("page.md", "Conv-Small, S-Conv", "Conv-Small, S-Conv"),
        ("notebook.ipynb", "41 % of V4-Conv-S", "41 % of V4-Conv-S"),
    ],
)
def test_a_number_keeps_its_per_cent_and_a_name_its_letter(file, written, shown):
    source = [written]
    app = SimpleNamespace(env=SimpleNamespace(doc2path=lambda document: file))
    settings.keep_together(app, "document", source)
    assert source == [shown]


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [
        ("it is our ", ". In Keras", "x."),
        ("its size (", "), and", "(x),"),
        ("it says “", " less”", "“x"),
        ("of ", " and", None),
        (None, None, None),
    ],
)
def test_a_formula_keeps_its_punctuation(before, after, whole):
    """In one element, of a class that book.css does not break; the text stays what it was."""
    document = new_document("")
    parts = before and nodes.Text(before), nodes.math("", "x"), after and nodes.Text(after)
    paragraph = nodes.paragraph("", "", *filter(None, parts))
    document += paragraph
    text = paragraph.astext()
    settings.keep_punctuation(None, document)
    assert paragraph.astext() == text
    together = list(paragraph.findall(nodes.inline))
    assert [each.astext() for each in together] == [whole] * bool(whole)
    assert all(each["classes"] == ["with-punctuation"] for each in together)
    assert len(list(paragraph.findall(nodes.math))) == 1
