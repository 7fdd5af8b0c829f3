"""Who says that a paper, a README or a library says something, says where.

A sentence that attributes something must have a place beside it, in its paragraph, list item or
table: a section, a table, a figure, a file, a version. In an exercise it may stand anywhere.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.book import APPENDIX, CHAPTERS, NOTEBOOKS, ROOT
from tools.prose import COMMENT, notebook_chunks, page_chunks

pytestmark = pytest.mark.words

NAMES = ("glossary", "interview", "notation", "cheatsheet", "essence", "which")
PAGES = [folder / "index.md" for folder in CHAPTERS]
PAGES += [path for path in APPENDIX if path.stem in NAMES] + NOTEBOOKS

SAYS = (
    r"(?:says?|said|prints?|printed|gives?|gave|writes?|wrote|calls?|called|reports?|reported|"
    r"found|finds?|measured?|measures|tried|tries|names?|named|argues?|argued|claims?|claimed|"
    r"suggests?|states?|mentions?|explains?|observed?|proposed?|recommends?|lists?|counts?|counted|"
    r"thinks?|reads?|compares?|credits?|cites?|warns?|notes?|noted|promises?|hopes?)"
)
DOES = r"(?:uses?|used|has|had|have|puts?|takes?|took|trained?|trains|keeps?|kept|makes?|made)"
TELLS = (
    r"(?:tells?|told|sees?|saw|asks?|leaves?|left|embeds?|draws?|decides?|decided|chooses?|chose)"
)
WHOSE = r"[Tt]he|[Ii]ts|[Tt]heir|[Aa]ll(?: three| four)?|[Mm]any|[Mm]ost|[\w.-]+'s"
OWN = r"(?: (?:own|last|first|other|earlier|original))?"
TEXT = r"(?:[Pp]apers?|authors?|READMEs?|docstrings?|released (?:code|weights))"
# The paper, its authors, V1's README, slim's code; not "the code", which may be ours.
SOURCE = rf"(?:(?:{WHOSE}){OWN} {TEXT}|[\w.-]+'s (?:code|scripts?|recipe))"
CODE = r"(?:slim|torchvision|timm|Keras)(?:'s(?: [\w`.-]+){1,3}?)?"
NETWORK = r"(?:V[1-4]|NetAdapt|MnasNet|Xception|ShuffleNet|ResNet|Inception|\{cite:t\}`\w+`)"
OF_TEXTS = (
    rf"{SOURCE}(?: [\w-]+){{0,2}}? (?:{SAYS}|{DOES}|{TELLS})|{NETWORK}(?: \w+)? {SAYS}|"
    rf"{SAYS} (?:{SOURCE}|{NETWORK}(?!'s? [\w-]+))|[Aa]ccording to|(?:[Bb]y|[Ii]n) {SOURCE}"
)
OF_CODE = rf"{CODE} (?:{SAYS}|{DOES})|{SAYS} {CODE}"
ATTRIBUTES = re.compile(rf"(?<![\w'-])(?:{OF_TEXTS}|{OF_CODE})(?![\w-])")
# In a notebook the next cell runs what a library has.
IN_NOTEBOOKS = re.compile(rf"(?<![\w'-])(?:{OF_TEXTS})(?![\w-])")
PLACE = re.compile(
    r"[Tt]ables? [\dA-Z]|[Ff]ig(?:ure|\.)s? \d|[Ss]ections? [\dA-Z]|§|[Aa]ppendi(?:x|ces)"
    r"|[Aa]bstract|[Ff]ootnote|README|docstring|[Ee]quations? \d|[Tt]heorem|[Aa]lgorithm \d"
    r"|[\w-]+\.(?:py|md|h|cc|cpp|prototxt|gradle)\b|\bversions? \d|\b\d+\.\d+\.\d+\b"
    r"|\]\(https?://"
)


def sentences(text: str) -> list[str]:
    """Cut behind a full stop, not behind one within a number or an abbreviation.

    >>> sentences("V1 says 2.5. It is (see Fig. 3) true.")
    ['V1 says 2.5.', 'It is (see Fig. 3) true.']
    """
    return re.split(r"(?<=[.?!:])(?<!Fig\.)(?<!al\.)\s+(?=[A-Z\"*{`$(])", text)


@cache
def files() -> set[str]:
    """A source that is itself a file or a page is one: its entry says which, and in which
    version.
    """
    return set(re.findall(r"@misc\{(\w+)", (ROOT / "references.bib").read_text(encoding="utf-8")))


CITED = re.compile(r"\{cite(?::\w+)?\}`([\w, ]+)`")


def has_place(text: str) -> bool:
    cited = {key.strip() for keys in CITED.findall(text) for key in keys.split(",")}
    return bool(PLACE.search(text) or cited & files())


def shown(lines: list[str]) -> str:
    """What a reader sees, with the sources that are cited."""
    text = " ".join(line.strip() for line in lines if not COMMENT.match(line))
    text = re.sub(r"\{(?:ref|doc|numref|term)\}`([^`<]*)<[^`]*>`", r"\1", text)
    return re.sub(r"\*\*|<!--.*?-->", "", text)


def unplaced(path: Path) -> Iterator[str]:
    """Sentences that attribute something, with no place beside them: nor in the heading, nor in
    what a colon leads to, which may be a table and its caption. Questions say nothing.
    """
    is_page = path.suffix == ".md"
    attributes = ATTRIBUTES if is_page else IN_NOTEBOOKS
    chunks = page_chunks(path) if is_page else notebook_chunks(path)
    texts = [shown(chunk.lines) for chunk in chunks]
    for number, (chunk, text) in enumerate(zip(chunks, texts, strict=True), 1):
        led_to = texts[number : number + 2] if text.endswith(":") else []
        if has_place(" ".join([chunk.section, text, *led_to])):
            continue
        for sentence in sentences(text):
            found = attributes.search(sentence)
            if found and not sentence.endswith("?"):
                yield f"{chunk.where()}: [{found[0]}] {sentence}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_an_attribution_has_its_place(path):
    found = list(unplaced(path))
    assert not found, "\n" + "\n".join(found)


WITHOUT = (
    "The paper says so.",
    "Its authors found it important.",
    "This is the better one, says V1's paper.",
    "torchvision has another rule.",
    "slim's code puts none on them.",
    "On ImageNet it is 70.6 % by the paper.",
    "So V3 reports.",
    "{cite:t}`howard2017mobilenets` found it important.",
)
WITH = (
    "The paper says so (section 3.2).",
    "Its authors found it important (Table 4).",
    "torchvision has another rule, in `mobilenetv3.py`.",
    "slim's code puts none on them {cite:p}`slim_v1_training`.",
    "As the code says, V1 has thirteen blocks.",
    "What does the paper say?",
)


@pytest.mark.parametrize("text", WITHOUT + WITH)
def test_a_sentence_without_a_place_is_found(text, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\nV1 was first; see its Table 1.\n\n{text}\n")
    assert bool(list(unplaced(page))) == (text in WITHOUT)
    page.write_text(f"# Its section 3\n\n{text}\n")
    assert not list(unplaced(page))
