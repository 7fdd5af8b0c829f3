"""What several chapters' claims have in common."""

import math
import re

from tests.book import ROOT
from tests.closed_world import Claim, computed, page_blocks

WORDS_PER_MINUTE = 180  # slow, as one reads formulas


def minutes(folder: str, page: str = "index") -> int:
    """The time that a page takes to read, from its length, in steps of five minutes."""
    blocks = page_blocks(ROOT / "chapters" / folder / f"{page}.md", folder)
    words = sum(len(re.findall(r"[^\W\d]{2,}", block.plain())) for block in blocks)
    return 5 * math.ceil(words / WORDS_PER_MINUTE / 5)


def reading_minutes(chapter: str) -> Claim:
    """The time to read that a chapter announces."""
    return computed("Time: {} minutes to read.", minutes(chapter))
