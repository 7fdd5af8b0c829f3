"""What several chapters' claims have in common."""

import math
import re

from tests.book import ROOT
from tests.closed_world import Claim, computed, page_blocks

WORDS_PER_MINUTE = 180  # slow, as one reads formulas


def reading_minutes(chapter: str) -> Claim:
    """The time to read that a chapter announces, from its length, in steps of five minutes."""
    blocks = page_blocks(ROOT / "chapters" / chapter / "index.md", chapter)
    words = sum(len(re.findall(r"[^\W\d]{2,}", block.plain())) for block in blocks)
    minutes = words / WORDS_PER_MINUTE
    return computed("Time: {} minutes to read.", 5 * math.ceil(minutes / 5))
