"""The site's templates beside the theme's: what they repeat is still what the theme has, and what
they leave out is still what they mean. After an update of the theme a test here says where to look.
"""

import re
from pathlib import Path

import pydata_sphinx_theme
import pytest
import sphinx_book_theme

from tests.book import ROOT

OURS = ROOT / "site" / "templates"
PYDATA = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
BOOK = Path(sphinx_book_theme.__file__).parent / "theme" / "sphinx_book_theme"

# Each copy of a component: whose it is, what stands there, what stands here instead.
COPIES = {
    "search-button-field.html": (PYDATA, """ aria-label="{{ _('Search') }}\"""", ""),
    "toggle-primary-sidebar.html": (
        BOOK,
        'title="Toggle primary sidebar"',
        'title="Toggle primary sidebar" aria-label="Toggle primary sidebar"',
    ),
    "toggle-secondary-sidebar.html": (
        BOOK,
        'title="Toggle secondary sidebar"',
        'title="Toggle secondary sidebar" aria-label="Toggle secondary sidebar"',
    ),
}


def block(template: Path, name: str) -> str:
    """A block of a template without comments and spaces around tags."""
    (inside,) = re.findall(
        rf"{{%-? block {name} %}}(.*?){{%-? endblock", template.read_text(), flags=re.DOTALL
    )
    inside = re.sub(r"{#.*?#}|<!--.*?-->", "", inside, flags=re.DOTALL)
    return "\n".join(line.strip() for line in inside.splitlines() if line.strip())


@pytest.mark.parametrize("name", COPIES)
def test_a_copied_component_differs_in_one_place(name):
    folder, there, here = COPIES[name]
    theirs = (folder / "components" / name).read_text()
    comment, _, ours = (OURS / name).read_text().partition("\n")
    assert theirs.count(there) == 1
    assert ours == theirs.replace(there, here)
    version = {PYDATA: pydata_sphinx_theme, BOOK: sphinx_book_theme}[folder].__version__
    assert f"As in {folder.name.replace('_', '-')} {version}, " in comment


def test_every_other_template_extends_the_themes():
    for path in OURS.glob("*.html"):
        assert path.name in COPIES or '{% extends "' in path.read_text(), path.name


def test_the_head_is_the_themes_but_for_its_first_script_and_its_icons():
    first = re.compile(r'<script data-cfasync="false">(.*?)</script>', flags=re.DOTALL)
    theirs, ours = block(PYDATA / "layout.html", "css"), block(OURS / "layout.html", "css")
    assert [line.partition(" =")[0] for line in first.search(theirs)[1].split("\n")[1:-1]] == [
        "document.documentElement.dataset.mode",
        "document.documentElement.dataset.theme",
    ], "what ours sets as well"
    icons = "{{ _webpack.head_js_preload() }}"
    assert first.sub("", ours).strip() == first.sub("", theirs).replace(icons, "").strip()
    said = f"pydata-sphinx-theme {pydata_sphinx_theme.__version__} but"
    assert said in (OURS / "layout.html").read_text()


def test_what_is_left_out_of_the_head_is_known():
    """The icons' script, and the fetching of two others, which stand in our head themselves."""
    macros = (PYDATA / "static" / "webpack-macros.html").read_text()
    scripts = {
        name: re.findall(r"_static/scripts/([\w-]+\.js)", inside)
        for name, inside in re.findall(r"macro (\w+)\(\) %}(.*?){% endmacro", macros, re.DOTALL)
    }
    at_the_end = ["bootstrap.js", "pydata-sphinx-theme.js"]
    assert scripts.pop("head_js_preload") == ["fontawesome.js", *at_the_end]
    assert scripts == {"head_pre_assets": [], "body_post": at_the_end}
    assert block(PYDATA / "layout.html", "scripts_end") == "{{ _webpack.body_post() }}"


def test_what_the_theme_adds_to_the_head_is_known():
    """The viewport again, two tags for a search service, and the scripts of the search."""
    added = re.findall(
        r"""<(?:meta name="|script src="{{ pathto\(')([\w:/.-]+)""",
        block(PYDATA / "layout.html", "extrahead"),
    )
    assert added == [
        "viewport",
        "docsearch:language",
        "docsearch:version",
        "docbuild:last-update",
        "_static/searchtools.js",
        "_static/language_data.js",
        "searchindex.js",
    ]
