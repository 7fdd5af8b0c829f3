"""A closed world of numbers: every number that a reader meets must be explained.

A number in a page's text, tables or formulas is explained in one of four ways.

* `computed("{:,} multiplications", 3 * 3 * 3 * 4 * 4 * 5)`: the words on the page, with the
  value that the test computes from a layer, a network or a formula;
* `printed("{} % of ImageNet", 70.6, where="...")`: a number that a paper prints, and where;
* `named("Chapter 4", why="...")`: a number that counts nothing, such as a name;
* arithmetic on the page itself, `3 × 4 = 12`, is evaluated and explains its left side; the
  result needs a claim all the same, or a true equation about the wrong thing would pass.

Names with a digit, such as MobileNetV1, Conv2d and 3×3, are guarded by how often a page uses
each of them.

A claim binds a number to the words around it, so that a wrong digit cannot hide behind the same
digit elsewhere. `unguarded_digits` proves it: it changes every digit of a page to every other
digit and returns those changes that nothing would notice.
"""

import html
import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import floor
from pathlib import Path

import nbformat

# Names with a number beside a hyphen or a space. Words with a digit in them (V1, Conv2d) are
# names by themselves, and so is a kernel size such as 3×3, if both sides agree.
NAMES = ("VGG-16", "ResNet-50", "ResNet-18", "CC BY 4.0", "CIFAR-10")
KERNEL = r"(?<![\d×] )(?<![\d×])([1357])×\1(?! ?×|\d)"

NUMBER = r"\d+(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?"
TOKEN = re.compile(
    r"(?P<command>\\[A-Za-z]+)"
    r"|(?P<word>[^\W\d_](?:[\w]|_(?={))*)"  # an identifier with its digits: V1, Conv2d, D_K
    rf"|(?P<number>{NUMBER})"
    r"|(?P<other>\S)"
)


@dataclass(frozen=True)
class Claim:
    """Words that must stand on a page, and where their numbers come from."""

    text: str
    source: str


def computed(template: str, *values) -> Claim:
    return Claim(template.format(*values), "computed")


def printed(template: str, *values, where: str) -> Claim:
    return Claim(template.format(*values), f"printed in {where}")


def named(text: str, why: str) -> Claim:
    return Claim(text, why)


def given(text: str) -> Claim:
    """A number that a question or an example chooses freely."""
    return Claim(text, "a given")


@dataclass(frozen=True)
class Block:
    """A paragraph, a list item or a row of a table: raw lines and where they begin."""

    lines: tuple[str, ...]
    place: str
    first: int = 0

    def where(self, offset: int) -> str:
        """The place of a character of `plain()`, as `file:line`."""
        if not self.first:
            return self.place
        lengths = [len(part) for part in self._parts()]
        line = 0
        while line < len(lengths) - 1 and offset > sum(lengths[: line + 1]) + line:
            line += 1
        return f"{self.place}:{self.first + line}"

    def _parts(self) -> list[str]:
        return [plain_line(line) for line in self.lines]

    def plain(self) -> str:
        """The text as it is read: no markup, no link targets, one space between words."""
        return " ".join(self._parts())


def plain_line(line: str) -> str:
    """One line of MyST without what the reader does not see."""
    for pattern, replacement in (
        (r"^\s*\([\w:-]+\)=\s*$", ""),  # a label
        # A directive's options: those that nobody sees; the others are text (alt, caption).
        (r"^\s*:(?:class|name|label|open|width|align|filter|list):.*$", ""),
        (r"^\s*:[\w-]+:", ""),
        (r"^(\s*[`:]{3,}\{(?:figure|image|bibliography|include|doc)\}).*$", ""),
        (r"^\s*(?:1\.|-) ", ""),  # the marker of a list; a numbered one is always 1.
        (r"\\\\(?=\s|$)", ";"),  # a line break in a formula
        (r"<!--.*?-->", ""),
        (r"\{cite(?::\w+)?\}`[^`]*`", ""),
        (r"\{[\w:-]+\}`([^`<]*?)\s*<[^`>]*>`", r"\1"),  # {ref}`text <target>`
        (r"\{(?:ref|doc|numref|eq|download)\}`[^`]*`", ""),
        (r"\]\([^)]*\)", "]"),  # a link's target
        (r"<(https?://[^>]*)>", r"\1"),
        (r"(?<=\d)\s*\*\s*(?=\d)", " × "),
        (r"[$`*]", ""),
        (r"\{,\}", ","),
        (r"\\times\b", "×"),
        (r"\\cdot\b", "·"),
        (r"\\approx\b", "≈"),
        (r"\\%", "%"),
        (r"\\[,;:! ]|&nbsp;|\u00a0|\u202f|~", " "),
        (
            r"\\(?:left|right|d?frac)(?=\W)",
            lambda m: r"\frac" if "frac" in m[0] else "",
        ),
        (r"\s+", " "),
    ):
        line = re.sub(pattern, replacement, line)
    return line.strip()


NEW_BLOCK = re.compile(r"\s*(?:$|\||- |\d+\. )")


def split(lines: list[str]) -> list[tuple[int, tuple[str, ...]]]:
    """Lines cut before each blank line, list item and table row, with their numbers."""
    pieces = []
    for number, line in enumerate(lines, start=1):
        if not pieces or NEW_BLOCK.match(line):
            pieces.append((number, []))
        pieces[-1][1].append(line)
    return [(number, tuple(piece)) for number, piece in pieces]


def page_blocks(path: Path, place: str) -> list[Block]:
    """The text of a Markdown page, piece by piece."""
    lines = path.read_text().splitlines()
    return [Block(piece, place, number) for number, piece in split(lines)]


def notebook_blocks(path: Path, place: str) -> list[Block]:
    """The text cells of a notebook, piece by piece, and its plots' alternative text."""
    blocks = []
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells, start=1):
        text = cell.source
        if cell.cell_type == "code":
            text = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        for _, piece in split(text.splitlines()):
            blocks.append(Block(piece, f"{place}, cell {number}"))
    return blocks


def figure_blocks(path: Path, place: str) -> list[Block]:
    """What a figure says in words: `figures/style.py` writes it into the SVG."""
    description = re.search(r"<desc>(.*?)</desc>", path.read_text(), flags=re.DOTALL)
    words = html.unescape(description[1]) if description else ""
    return [Block((line,), place) for line in words.splitlines()]


def numbers(text: str) -> list[tuple[int, int]]:
    """Where the numbers of a plain text are; digits inside a word (V1, Conv2d) are no numbers.

    >>> text = "V2 has 3,504,872 parameters; D_K is 3."
    >>> [text[start:end] for start, end in numbers(text)]
    ['3,504,872', '3']
    """
    return [found.span() for found in TOKEN.finditer(text) if found.lastgroup == "number"]


def occurrences(claim: Claim, text: str) -> list[tuple[int, int]]:
    """Where the words of a claim stand in a text, not as part of a longer number."""
    pattern = re.escape(claim.text)
    if claim.text[0].isdigit():
        pattern = r"(?<![\w.−-])(?<!\d,)" + pattern
    if claim.text[-1].isdigit():
        pattern += r"(?!\w)(?![.,]\d)"
    return [found.span() for found in re.finditer(pattern, text)]


def value(side: str) -> Fraction | None:
    """The exact value of one side of an equation, None if it is not plain arithmetic.

    >>> value("3 × 3 × 2,160") == 19440, value(r"\\frac{1}{5} + 1/9") == Fraction(14, 45)
    (True, True)
    >>> value("3 ×"), value("")
    (None, None)
    """
    side = re.sub(rf"({NUMBER})", lambda m: f" Fraction('{m[1].replace(',', '')}') ", side)
    while (found := re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", side)) != side:
        side = found
    for mark, operator in (
        (r"\lfloor", "floor("),
        (r"\rfloor", ")"),
        ("⌊", "floor("),
        ("⌋", ")"),
        ("×", "*"),
        ("·", "*"),
        ("−", "-"),
        ("^", "**"),
        ("{", "("),
        ("}", ")"),
    ):
        side = side.replace(mark, operator)
    if not side.strip() or "\\" in side:
        return None
    try:
        result = eval(side.strip(), {"Fraction": Fraction, "floor": floor, "__builtins__": {}})
        return Fraction(result)
    except (SyntaxError, TypeError, ValueError, ZeroDivisionError):
        return None


def names(text: str) -> Counter:
    """How often each name with a digit in it stands in a text.

    >>> sorted(names("A 3×3 Conv2d of VGG-16, a 3×3 of V1, on a map of 3×3×7").items())
    [('3×3', 2), ('Conv2d', 1), ('V1', 1), ('VGG-16', 1)]
    """
    found = Counter(found[0] for found in re.finditer(KERNEL, text))
    found.update({known: len(occurrences(Claim(known, ""), text)) for known in NAMES})
    for token in TOKEN.finditer(text):
        if token.lastgroup == "word" and re.search(r"\d", token[0]):
            found[token[0]] += 1
    return +found


def arithmetic(text: str) -> tuple[list[tuple[int, int]], list[tuple[int, str]]]:
    """What true equations explain, all but their results, and a message for each false one.

    >>> text = "Together 432 + 240 = 672, and 1 / 3 ≈ 0.33, but 2 + 2 = 5."
    >>> spans, wrong = arithmetic(text)
    >>> [text[start:end].strip() for start, end in spans], [message for _, message in wrong]
    (['432 + 240', '1 / 3'], ['2 + 2 = 5 is not true'])
    """
    spans, wrong = [], []
    runs, current, before = [], [], None
    for token in [*TOKEN.finditer(text), None]:
        kind = token.lastgroup if token else None
        belongs = kind == "number" or (
            token is not None and token[0] in ("\\lfloor", "\\rfloor", "\\frac", *"×·+−-/()=≈^{}⌊⌋")
        )
        if belongs:
            if not current:
                opened = before
            current.append(token)
        elif current:
            runs.append((opened, current, token))
            current = []
        before = token
    for opened, tokens, closed in runs:
        sides, equals = [[]], []
        for token in tokens:
            if token[0] in "=≈":
                equals.append(token[0])
                sides.append([])
            else:
                sides[-1].append(token)
        # Beside a symbol, the outermost side is only a part of an expression: N + 3 = 5.
        if opened and sides[0] and opened.end() == sides[0][0].start() and opened[0] in ".√!±_":
            sides[0] = []
        if opened and sides[0] and opened.lastgroup in ("word", "command"):
            if sides[0][0][0] in "+−-×·/^)" or opened.end() == sides[0][0].start():
                sides[0] = []
        if closed and sides[-1] and closed.lastgroup in ("word", "command"):
            if sides[-1][-1].end() == closed.start():
                sides[-1] = []
        for left, equal, right in zip(sides, equals, sides[1:], strict=False):
            left, right = trimmed(left), trimmed(right)
            if not left or not right:
                continue
            span = (left[0].start(), right[-1].end())
            a, b = (value(text[part[0].start() : part[-1].end()]) for part in (left, right))
            if a is None or b is None:
                continue
            shown = text[right[0].start() : right[-1].end()]
            decimals = len(shown.partition(".")[2]) if len(right) == 1 else 9
            if a == b or (equal == "≈" and abs(a - b) <= Fraction(1, 2 * 10**decimals)):
                spans.append((span[0], left[-1].end()))
                if len(right) > 1:
                    spans.append((right[0].start(), span[1]))
            else:
                wrong.append((span[0], f"{text[slice(*span)]} is not true"))
    return spans, wrong


def trimmed(side: list) -> list:
    """A side without the brackets of the sentence around it: `(3 + 4 = 7)`."""
    text = [token[0] for token in side]
    while text and text[0] == "(" and text.count("(") > text.count(")"):
        side, text = side[1:], text[1:]
    while text and text[-1] == ")" and text.count(")") > text.count("("):
        side, text = side[:-1], text[:-1]
    return side


def examine(block: Block, claims: list[Claim]) -> tuple[list[str], set[Claim]]:
    """What is wrong with a block, and which claims were found in it."""
    text = block.plain()
    if odd := re.search(r"[²³¹⁰⁴-⁹₀-₉½¼¾]", text):
        return [f"{block.where(odd.start())}: write {odd[0]} as math, where it is checked"], set()
    if not any(character.isdigit() for character in text):
        return [], set()
    covered, wrong = arithmetic(text)
    problems = [f"{block.where(start)}: {message}" for start, message in wrong]
    met = set()
    for claim in claims:
        if spans := occurrences(claim, text):
            met.add(claim)
            covered += spans
    for known in NAMES:
        covered += occurrences(Claim(known, "a name"), text)
    covered += [found.span() for found in re.finditer(KERNEL, text)]
    for start, end in numbers(text):
        if not any(a <= start and end <= b for a, b in covered):
            context = text[max(0, start - 30) : end + 30]
            problems.append(
                f"{block.where(start)}: {text[start:end]} is not explained: …{context}…"
            )
    return problems, met


def problems(blocks: list[Block], claims: list[Claim], expected: dict | None = None) -> list[str]:
    """Everything wrong with a page: numbers not explained, claims that it no longer makes, and
    names that stand more or less often than `expected`.
    """
    found, met = [], set()
    for block in blocks:
        wrong, here = examine(block, claims)
        found += wrong
        met |= here
    place = blocks[0].place.partition(",")[0]
    for claim in claims:
        if claim not in met:
            found.append(f"{place} does not say “{claim.text}” ({claim.source})")
    counted = sum((names(block.plain()) for block in blocks), Counter())
    expected = expected or {}
    for name in sorted(counted.keys() | expected.keys()):
        if counted[name] != expected.get(name, 0):
            found.append(
                f"{place} says “{name}” {counted[name]} times, not {expected.get(name, 0)}: "
                "if this is meant, change the count among its claims"
            )
    return found


def shape_of(text: str) -> str:
    """A text with its digits blotted out: what a change of digits leaves as it is."""
    return re.sub(r"\d", "0", text)


def unguarded_digits(blocks: list[Block], claims: list[Claim]) -> list[str]:
    """Each single digit that could be changed on a page without `problems` noticing."""
    shapes = [(shape_of(claim.text), claim) for claim in claims]

    @cache
    def candidates(shape: str) -> list[Claim]:
        """The only claims that a text of this shape can contain, whatever its digits."""
        return [claim for needle, claim in shapes if needle in shape]

    met_by_block = [examine(block, claims)[1] for block in blocks]
    times = {claim: sum(claim in met for met in met_by_block) for claim in claims}
    escaped = []
    for block, met in zip(blocks, met_by_block, strict=True):
        text = block.plain()
        original, named_before = [text[slice(*span)] for span in numbers(text)], names(text)
        for row, line in enumerate(block.lines):
            for column, old in enumerate(line):
                if old not in "0123456789":
                    continue
                for new in "0123456789".replace(old, ""):
                    changed = line[:column] + new + line[column + 1 :]
                    lines = (*block.lines[:row], changed, *block.lines[row + 1 :])
                    mutant = Block(lines, block.place, block.first)
                    after = mutant.plain()
                    if names(after) != named_before:
                        continue  # the count of a name has changed
                    if [after[slice(*span)] for span in numbers(after)] == original:
                        continue  # a link target: not a number that is read
                    wrong, here = examine(mutant, candidates(shape_of(after)))
                    lost = any(times[claim] == 1 for claim in met - here)
                    if not wrong and not lost:
                        place = f"{block.place}:{block.first + row}"
                        escaped.append(f"{place}: {line.strip()} -> {changed.strip()}")
    return escaped
