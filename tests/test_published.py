"""The site as it is built from a public repository: buttons, previews, the list of its pages.

`make test` builds so one chapter alone, `make weekly` the whole book, with warnings as errors.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from tests.book import NOTEBOOKS, PAGES, ROOT, config, name

pytestmark = pytest.mark.words

REPOSITORY = "https://github.com/someone/some-book"
ADDRESS = "https://someone.github.io/some-book/"


# What a build makes anew. Only what the explorers count, it finds again.
MADE = ("html", "jupyter_execute", ".doctrees", ".*cache*")


BRIEF = "separable"  # the chapter that stands for all


def each(paths: list[Path]) -> list:
    """Those of one chapter, and once a week all."""
    weekly = [path for path in paths if path.parent.name != BRIEF]
    own = [path for path in paths if path not in weekly]
    return own + [pytest.param(path, marks=pytest.mark.weekly) for path in weekly]


def shorten(book: Path) -> None:
    """Leave of a book the first page and one chapter."""
    toc = yaml.safe_load((book / "_toc.yml").read_text())
    for part in toc["parts"]:
        part["chapters"] = [each for each in part["chapters"] if BRIEF in each["file"]]
    toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    (book / "_toc.yml").write_text(yaml.safe_dump(toc))


@pytest.fixture(scope="session")
def builds(request, once, built) -> dict:
    """The book built once more, from a copy that has a repository, without running a notebook."""
    whole = any(item.get_closest_marker("weekly") for item in request.session.items)

    def make(folder: Path) -> dict:
        copy = folder / "book"
        left_out = shutil.ignore_patterns(".git", ".venv*", *MADE)
        shutil.copytree(ROOT, copy, ignore=left_out)
        config = copy / "_config.yml"
        text = config.read_text().replace('repository_url: ""', f"repository_url: {REPOSITORY}")
        config.write_text(text.replace("execute_notebooks: cache", 'execute_notebooks: "off"'))
        if not whole:
            shorten(copy)
        site = copy / "_build" / "html"
        return {"book": str(copy), "site": str(site), "failed": build(copy, whole)}

    return once("published", make)


@pytest.fixture
def published(builds) -> Path:
    """Its folder."""
    assert not builds["failed"], builds["failed"]
    return Path(builds["site"])


def remembered(site: Path) -> dict:
    """The index for searching, and the pages in the sitemap."""
    text = (site / "searchindex.js").read_text()
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    listed = sorted(set(re.findall("<loc>(.*?)</loc>", (site / "sitemap.xml").read_text())))
    return {"index": index, "listed": listed}


# A machine that is set to plain ASCII, as no Python takes of itself.
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def build(book: Path, whole: bool = True) -> str:
    """By the command that the README gives, where text is not UTF-8 by itself; what failed. Links
    to chapters that are not there are warnings, and no errors.
    """
    command = [Path(sys.executable).with_name("jupyter-book"), "build", "."]
    strict = ["-n", "-W", "--keep-going"] if whole else []
    done = subprocess.run(
        [*command, *strict],
        cwd=book,
        env=os.environ | ASCII,
        capture_output=True,
        text=True,
        timeout=600,
    )
    return (done.stdout + done.stderr)[-3000:] if done.returncode else ""


def page(site: Path, source: Path) -> str:
    return (site / name(source)).with_suffix(".html").read_text()


@pytest.mark.parametrize("notebook", each(NOTEBOOKS), ids=name)
def test_colab_opens_the_file_itself(published, notebook):
    start = "https://colab.research.google.com/github/someone/some-book/blob/main/"
    links = re.findall(rf'href="{re.escape(start)}([^"]*)"', page(published, notebook))
    assert links == [name(notebook)], "the path of the notebook inside the repository"
    assert (ROOT / links[0]).exists()


@pytest.mark.parametrize("source", each([*PAGES, *NOTEBOOKS]), ids=name)
def test_source_and_edit_buttons_lead_to_the_file(published, source):
    text = page(published, source)
    assert f'href="{REPOSITORY}/edit/main/{name(source)}"' in text
    assert f'href="{REPOSITORY}/blob/main/{name(source)}' in text
    assert f"_sources/{name(source)}" in text, "the download"


@pytest.mark.parametrize("source", each([*PAGES, *NOTEBOOKS]), ids=name)
def test_page_introduces_itself(published, source):
    text = page(published, source)
    tags = dict(re.findall(r'<meta (?:property|name)="([\w:]+)" content="([^"]*)">', text))
    url = ADDRESS + str(Path(name(source)).with_suffix(".html"))
    assert f'<link rel="canonical" href="{url}"' in text
    assert tags["og:url"] == url
    assert tags["og:image"] == ADDRESS + "_static/preview.png"
    assert 50 <= len(tags["description"]) <= 310
    assert tags["og:title"] and "<" not in tags["og:title"]
    assert tags["og:site_name"] == config()["title"]
    assert text.count('name="viewport"') == 1
    assert not re.search(r"\\[a-z]+\{|\$", tags["description"]), "a formula in the description"
    assert '<link rel="icon"' in text


def test_preview_has_the_size_that_is_shown(published):
    from PIL import Image

    assert Image.open(published / "_static" / "preview.png").size == (1200, 630)


def test_sitemap_lists_every_page(builds, published):
    tree = ElementTree.parse(published / "sitemap.xml")
    listed = {each.text for each in tree.iter() if each.tag.endswith("loc")}
    documents = re.findall(r"(?:root|file): (\S+)", (Path(builds["book"]) / "_toc.yml").read_text())
    assert len(documents) >= 3
    assert listed >= {f"{ADDRESS}{document}.html" for document in documents}
    assert all((published / each.removeprefix(ADDRESS)).exists() for each in listed)


def test_a_missing_page_finds_its_styles_from_any_folder(published):
    text = (published / "404.html").read_text()
    assert '<base href="/some-book/">' in text
    assert not re.findall(r'(?:href|src)="#', text), "it would lead to the start page"


@pytest.mark.weekly
def test_a_second_build_loses_nothing(builds, published):
    """After an edit Sphinx would write one page anew, and take of the others what it remembers."""
    before, book = remembered(published), Path(builds["book"])
    page = book / "chapters" / "v1" / "index.md"
    page.write_text(page.read_text() + "\nQuokka.\n")
    assert not (failed := build(book)), failed
    after = remembered(published)
    first, second = dict(before["index"]), dict(after["index"])
    assert len(first["indexentries"]) > 50, "the glossary's"
    terms = dict(second["terms"])
    assert terms.pop("quokka") == second["docnames"].index("chapters/v1/index")
    assert second | {"terms": terms} == first
    assert after["listed"] == before["listed"]


def test_nothing_points_to_a_repository_where_there_is_none(site):
    """This checkout's own site: with a remote on GitHub it has buttons, without one none."""
    remote = subprocess.run(
        ["git", "-C", ROOT, "remote", "get-url", "origin"], capture_output=True, text=True
    ).stdout
    text = "".join(each.read_text() for each in site.rglob("*.html"))
    for button in ("colab.research.google.com", "og:image", "/edit/main/"):
        assert (button in text) == ("github.com" in remote)
