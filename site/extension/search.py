"""The search finds what readers type.

Sphinx cuts text wherever no letter or digit stands, and leaves numbers out of a query. So `1×1`,
`h-swish` and `4,231,976` could not be found, however they were typed. Here a product, a word with
hyphens and a number are words, written in one way in the index; search.js writes a query in the
same way.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

WORD = re.compile(r"\w+(?:-\w+|\.\d+)*")


class Search(SearchEnglish):
    # Sphinx writes this behind its own code for searching.
    js_splitter_code = Path(__file__).with_name("search.js").read_text(encoding="utf-8")

    def split(self, text: str) -> list[str]:
        """Words as the index has them, and what they are made of.

        >>> Search({}).split("h-swish, 1 × 1 and 4,231,976")
        ['hswish', 'h', 'swish', '1x1', '1', '1', 'and', '4231976']
        >>> Search({}).split(r"75.2 of 3 \\times 3.")
        ['75.2', 'of', '3x3', '3', '3']
        """
        text = re.sub(r"(?<=\d)(?:,|\{,\})(?=\d{3}(?!\d))", "", text.replace("\u2011", "-"))
        text = re.sub(r"(?<=\d)\s*(?:x|×|\\times)\s*(?=\d)", "x", text)
        words = []
        for word in WORD.findall(text):
            parts = re.split(r"-|(?<=\d)x(?=\d)", word)
            words += [word.replace("-", ""), *(parts if len(parts) > 1 else [])]
        return words


def setup(app: Sphinx) -> dict:
    app.add_search_language(Search)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
