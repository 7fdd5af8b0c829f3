"""What the expressions of several chapters have in common."""

import math
import re

from tests.book import ROOT
from tools.prose import page_chunks

WORDS_PER_MINUTE = 180  # slow, as one reads formulas


def minutes(folder: str, page: str = "index") -> int:
    """The time that a page takes to read, from its length, in steps of five minutes."""
    chunks = page_chunks(ROOT / "chapters" / folder / f"{page}.md")
    words = sum(len(re.findall(r"[^\W\d]{2,}", chunk.text())) for chunk in chunks)
    return 5 * math.ceil(words / WORDS_PER_MINUTE / 5)


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
