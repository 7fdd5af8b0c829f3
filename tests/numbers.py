"""What the expressions of several chapters have in common."""

import math
import re

from tests.book import ROOT, read_notebook
from tools.prose import numbers, page_chunks

WORDS_PER_MINUTE = 180  # slow, as one reads formulas


def minutes(folder: str, page: str = "index") -> int:
    """The time that a page takes to read, from its length, in steps of five minutes."""
    chunks = page_chunks(ROOT / "chapters" / folder / f"{page}.md")
    words = sum(len(re.findall(r"[^\W\d]{2,}", chunk.text())) for chunk in chunks)
    return 5 * math.ceil(words / WORDS_PER_MINUTE / 5)


def code(folder: str, words: str) -> list[str]:
    """The numbers of the one line of a notebook's code that has these words.

    For a question whose answer is what that line prints.
    """
    (path,) = (ROOT / "chapters" / folder).glob("*.ipynb")
    cells = [cell.source for cell in read_notebook(path).cells if cell.cell_type == "code"]
    (line,) = {line for cell in cells for line in cell.splitlines() if words in line}
    return numbers(re.sub(r"[A-Za-z]\w*", "", line))


def integer(value: float) -> int:
    """A number that has no decimals to round: 7 for 14 / 2, an error for 15 / 2."""
    if value != int(value):
        raise ValueError(f"{value} is no whole number")
    return int(value)


def provided(holds: bool, value: float) -> float:
    """A number of a sentence whose words are true only on a condition."""
    if not holds:
        raise ValueError("the sentence is no longer true")
    return value
