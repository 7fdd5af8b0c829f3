"""Doctest for prose: a number in a text lives beside the expression that it must equal.

The digits stay in the text. The expressions follow in a comment, in the order of the numbers:

    Against V1 it is 53 % of the MACs and 83 % of the parameters.
    <!--= share(MACS, V1_MACS), share(PARAMS, V1_PARAMS) -->

Decimals, commas and `million` are taken from what the text shows; `cut(x)` is cut instead of
rounded, `*each` stands for several numbers, `_` skips one. `let(size)` calls a number of a question
`size`, for the expressions below it, up to the next exercise or heading. The other names are those
of `tests/<chapter>/numbers.py`.

What has no expression, a choice or a name such as V2, stands in `tests/numbers.lock`, in the order
of the text. `make numbers` writes that file, and digits whose expressions say otherwise; the tests
only compare. So no digit can change unseen: it is in an expression's place or in the lock.
"""

import ast
import difflib
import html
import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, lru_cache
from itertools import accumulate
from math import floor
from pathlib import Path

from tools.notebooks import ROOT

LOCK = ROOT / "tests" / "numbers.lock"
COMMENT = re.compile(r"\s*<!--= (.*) -->\s*$")
NUMBER = r"\d+(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?"
TOKEN = re.compile(
    r"(?P<command>\\[A-Za-z]+)"
    r"|(?P<word>[^\W\d_](?:[\w]|_(?={))*)"  # an identifier with its digits: V1, Conv2d, D_K
    rf"|(?P<number>{NUMBER})"
    r"|(?P<other>\S)"
)
UNITS = {"million": 1e6, "M": 1e6, "billion": 1e9}


# ---------------------------------------------------------------- what a reader reads


@dataclass
class Chunk:
    """A paragraph, a list item or a table; the expressions that follow it."""

    place: str
    first: int
    section: str
    lines: list[str] = field(default_factory=list)
    items: list[tuple[int, str]] = field(default_factory=list)  # line, expression

    def text(self) -> str:
        return " ".join(filter(None, map(plain, self.lines)))

    def where(self, line: int | None = None) -> str:
        return f"{self.place}:{self.first if line is None else line}"


@cache
def plain(line: str) -> str:
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
        (r"\\(?:left|right|d?frac)(?=\W)", lambda m: r"\frac" if "frac" in m[0] else ""),
        (r"\s+", " "),
    ):
        line = re.sub(pattern, replacement, line)
    return line.strip()


def chunks(lines: list[str], place: str, section: str = "") -> list[Chunk]:
    """A text, cut before blank lines, list items and after comments.

    >>> found = chunks(["It has 3.", "<!--= 1 + 2 -->", "- 4"], "page")
    >>> [(chunk.lines, chunk.items) for chunk in found]
    [(['It has 3.'], [(2, '1 + 2')]), (['- 4'], [])]
    """
    found, fresh, fenced = [], True, False
    for number, line in enumerate(lines, 1):
        if comment := COMMENT.match(line):
            if not found:
                raise ValueError(f"{place}:{number}: there is no text before this comment")
            found[-1].items += [(number, item) for item in split(comment[1], f"{place}:{number}")]
            fresh = True
            continue
        if "<!--=" in line:  # the build would show it, and nobody would compare it
            raise ValueError(f"{place}:{number}: {line.strip()} is not `<!--= expressions -->`")
        if re.match(r"\s*```\w*\s*$", line):
            fenced = not fenced and not line.strip() == "```"  # a listing has no headings
        if not fenced and re.match(r"#+ ", line):
            section, fresh = plain(line.lstrip("# ")), True
        if not line.strip():
            fresh = True
            continue
        if fresh or re.match(r"\s*(?:- |\d+\. )", line):
            found.append(Chunk(place, number, section))
        found[-1].lines.append(line)
        fresh = False
    return found


def split(source: str, where: str) -> list[str]:
    """The expressions of one comment.

    >>> split("share(a, b), *rows[1]", "page:1")
    ['share(a, b)', '*rows[1]']
    """
    try:
        items = ast.parse(f"[{source}]", mode="eval").body.elts
    except SyntaxError as error:
        raise ValueError(f"{where}: {source} is not Python: {error.msg}") from None
    return [ast.unparse(item) for item in items]


def page_chunks(path: Path) -> list[Chunk]:
    return chunks(path.read_text(encoding="utf-8").splitlines(), name(path))


def notebook_chunks(path: Path) -> list[Chunk]:
    """Text cells, and the alternative texts of plots: their expressions stand in the metadata."""
    found, section = [], ""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells, 1):
        place = f"{name(path)}, cell {number}"
        if cell["cell_type"] == "markdown":
            found += chunks("".join(cell["source"]).splitlines(), place, section)
            section = found[-1].section
        elif alt := cell["metadata"].get("mystnb", {}).get("image", {}).get("alt"):
            items = split(cell["metadata"].get("numbers", ""), place)
            found.append(Chunk(place, 1, section, [alt], [(1, item) for item in items]))
    return found


def figure_chunks(path: Path) -> list[Chunk]:
    """What a figure says in words: `figures/style.py` writes it into the SVG."""
    described = re.search(r"<desc>(.*?)</desc>", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    words = html.unescape(described[1]).splitlines() if described else []
    return [Chunk(name(path), number, "", [line]) for number, line in enumerate(words, 1)]


def is_writable(path: Path) -> bool:
    """Whether expressions stand beside the numbers of a text."""
    return path.suffix in (".md", ".ipynb")


def script_chunks(path: Path) -> list[Chunk]:
    """The fixed texts of an explorer: what stands between its tags, and the labels of its parts."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for literal in re.findall(r"\"[^\"\n]*\"|`[^`]*`", re.sub(r"^\s*(?://|/?\*).*", "", line)):
            text = literal[1:-1]
            while (inner := re.sub(r"\$\{[^{}]*\}", "", text)) != text:
                text = inner
            labels = re.findall(r"aria-label=\"([^\"]*)", text)
            text = " ".join([re.sub(r"<[^>]*(?:>|$)|^[^<]*>", " ", text), *labels])
            if re.search(r"[A-Za-z]{2}.*\d|\d.*[A-Za-z]{2}", text):
                found.append(Chunk(name(path), number, "", [text]))
    return found


def module_chunks(path: Path) -> list[Chunk]:
    """The words, with a space in them, that a Python module hands to an explorer."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        Chunk(name(path), node.lineno, "", [node.value])
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
        if re.search(r"\d", node.value) and " " in node.value
    ]


READERS = {".md": page_chunks, ".ipynb": notebook_chunks, ".svg": figure_chunks}
READERS |= {".js": script_chunks, ".py": module_chunks}


def read(path: Path) -> list[Chunk]:
    return READERS[path.suffix](path)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def texts() -> list[Path]:
    """Everything that is checked, in the order of the lock."""
    return [
        ROOT / "README.md",
        ROOT / "intro.md",
        *sorted(ROOT.glob("chapters/*/*.md")),
        *sorted(ROOT.glob("chapters/*/*.ipynb")),
        *sorted(ROOT.glob("figures/*/*.svg")),
        ROOT / "site" / "explorers" / "explorer.js",
        *sorted(ROOT.glob("site/explorers/*/view.js")),
        *sorted(ROOT.glob("site/explorers/**/*.py")),
    ]


MINUS = re.compile(r"(?:^|[\s(=,;|\[{^/])[−-]$")  # before a number, and no hyphen or dash
UNIT = re.compile(r"\s*([A-Za-z]+)")  # behind it


@dataclass(frozen=True)
class Token:
    """A number or a name with a digit in it, where it stands in a plain text."""

    text: str
    start: int
    is_number: bool
    negative: bool
    unit: str


@lru_cache(maxsize=1024)  # each is asked for several times in a row
def tokens(text: str) -> tuple[Token, ...]:
    """
    >>> [token.text for token in tokens("V2 has 3,504,872 parameters, of a 3×3 D_K.")]
    ['V2', '3,504,872', '3', '3']
    """
    found = []
    for match in TOKEN.finditer(text):
        if match.lastgroup in ("number", "word") and re.search(r"\d", match[0]):
            before = MINUS.match(text[max(0, match.start() - 2) : match.start()])
            unit = UNIT.match(text, match.end())
            found.append(
                Token(
                    match[0],
                    match.start(),
                    match.lastgroup == "number",
                    bool(before),
                    unit[1] if unit else "",
                )
            )
    return tuple(found)


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True)
class cut:
    """A number that the text cuts instead of rounding."""

    value: float


def numbers(text: str) -> list[str]:
    """The numbers of a computed text, such as a list of blocks."""
    return re.findall(NUMBER, text)


def shown(value, token: Token) -> str:
    """A value as a text shows it: with so many decimals, with or without commas.

    >>> [token] = tokens("2,160.0")
    >>> shown(2159.96, token), shown(cut(2159.96), token)
    ('2,160.0', '2,159.9')
    """
    if isinstance(value, str):
        return value
    decimals = len(token.text.partition(".")[2])
    if isinstance(value, cut):
        value = Fraction(floor(abs(value.value) * 10**decimals), 10**decimals)
    if decimals or not isinstance(value, int):
        value = float(value)
    style = ("," if "," in token.text else "") + ("" if isinstance(value, int) else f".{decimals}f")
    return format(abs(value), style)


def shows(token: Token, value) -> bool:
    """Whether a number of a text is this value, or is it in the unit that follows: 569 million."""
    if isinstance(value, str):
        return value.replace(",", "") == token.text.replace(",", "")
    amount = value.value if isinstance(value, cut) else value
    if (amount < 0) != token.negative and float(token.text.replace(",", "")):
        return False
    if shown(value, token) == token.text:
        return True
    if token.unit not in UNITS or abs(amount) < 1000:  # in millions, a small number shows as 0.0
        return False
    scaled = amount / UNITS[token.unit]
    return shown(cut(scaled) if isinstance(value, cut) else scaled, token) == token.text


def helpers_of(path: Path) -> str:
    """The module that has the names for a text."""
    if path.parent == ROOT:
        return "tests.front.numbers"
    folder = path.parent.name
    return f"tests.appendix.{path.stem}" if folder == "appendix" else f"tests.{folder}.numbers"


@cache
def helpers(path: Path) -> dict:
    """The names that the expressions of a text may use."""
    module = helpers_of(path)
    if importlib.util.find_spec(module) is None:
        file = module.replace(".", "/") + ".py"
        raise ValueError(f"{file} is missing: it has the names for the numbers of {name(path)}")
    found = importlib.import_module(module)
    return {**vars(found), "cut": cut, "numbers": numbers}


def evaluate(chunk: Chunk, line: int, source: str, names: dict) -> list:
    """The values of one expression: several, if it begins with a star."""
    if source in names["__values__"]:
        return names["__values__"][source]
    try:
        found = eval(f"[{source}]", names)
    except Exception as error:
        raise Wrong(f"{chunk.place}:{line}: {source}: {error!r}") from error
    for value in found:
        if not isinstance(value, int | float | Fraction | str | cut):
            raise Wrong(f"{chunk.place}:{line}: {source} is no number: {value!r}")
    names["__values__"][source] = found
    return found


class Wrong(ValueError):
    """What is wrong with a text, and where."""


def bind(name: str, token: Token, names: dict, where: str) -> None:
    """Call a number of the text by a name."""
    if name in names["__taken__"]:
        raise Wrong(f"{where}: {name} is already a name among the helpers: choose another one")
    digits = token.text.replace(",", "")
    names[name] = float(digits) if "." in digits else int(digits)
    names["__values__"] = {}


def assigned(chunk: Chunk, names: dict) -> Iterator[tuple[str, int, int]]:
    """(expression, which of its values, which token) for each value of a chunk's expressions.

    Each takes the next number that it equals, `let` and `_` the next that there is.
    """
    here = tokens(chunk.text())
    left = [index for index, token in enumerate(here) if token.is_number]
    for line, source in chunk.items:
        if is_free(source):
            if not left:
                raise Wrong(f"{chunk.place}:{line}: there is no number left for {source}")
            index = left.pop(0)
            if source != "_":
                bind(source[4:-1], here[index], names, f"{chunk.place}:{line}")
            yield source, 0, index
            continue
        for which, value in enumerate(evaluate(chunk, line, source, names)):
            index = next((i for i in left if shows(here[i], value)), None)
            if index is None:
                rest = ", ".join(here[i].text for i in left) or "no number"
                exact = value.value if isinstance(value, cut) else value
                raise Wrong(f"{chunk.place}:{line}: {source} is {exact}, the text says {rest}")
            left = [i for i in left if i > index]
            yield source, which, index


def is_free(source: str) -> bool:
    """Whether it takes a number as it is."""
    return source == "_" or source.startswith("let(")


def pattern(chunk: Chunk, names: dict) -> list[str]:
    """The numbers and names of a chunk, with a dot in place of those that have an expression."""
    found = [token.text for token in tokens(chunk.text())]
    for source, _, index in assigned(chunk, names):
        if not is_free(source):
            found[index] = DOT
    return found


# ---------------------------------------------------------------- the lock

DOT = "·"


def read_lock() -> dict[str, dict[str, list[str]]]:
    """By file and section: the patterns of all chunks that have something to lock."""
    found, sections = {}, {}
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            sections = found.setdefault(line[1:-1], {})
        elif line.startswith("#"):
            rows = sections.setdefault(line[2:], [])
        elif line and found:
            rows.append(line)
    return found


def sections(path: Path) -> dict[str, list[Chunk]]:
    found = {}
    for chunk in read(path):
        found.setdefault(chunk.section, []).append(chunk)
    return found


def examine(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    """What the lock should say of a file, by section, and what is wrong with it."""
    rows, wrong = {}, []
    for section, found in sections(path).items():
        names = scope(path)
        for chunk in found:
            if begins_exercise(chunk):
                names = scope(path)
            wrong += [f"{chunk.where()}: {each}" for each in complaints(chunk.text())]
            try:
                row = pattern(chunk, names)
            except Wrong as error:
                wrong.append(str(error))
                continue
            if any(each != DOT for each in row):
                rows.setdefault(section, []).append(" ".join(row))
    return rows, wrong


def begins_exercise(chunk: Chunk) -> bool:
    return re.match(r"\s*`+\{exercise\}", chunk.lines[0]) is not None


def scope(path: Path) -> dict:
    """The names of a text before a question has added to them, and a place for known values."""
    names = dict(helpers(path)) if is_writable(path) else {}
    return {**names, "__taken__": frozenset(names), "__values__": {}}


def problems(path: Path, lock: dict | None = None) -> list[str]:
    """Everything wrong with the numbers of a file."""
    rows, wrong = examine(path)
    locked = (read_lock() if lock is None else lock).get(name(path), {})
    for section in dict.fromkeys([*rows, *locked]):
        now, then = rows.get(section, []), locked.get(section, [])
        if now != then and not wrong:
            wrong += [
                f"{name(path)}, “{section}”: {each}"
                for each in difflib.ndiff(then, now)
                if each[0] in "-+"
            ]
            wrong.append("if this is meant, run `make numbers`, and look at what it changes")
    return wrong


def complaints(text: str) -> list[str]:
    """What needs no expression to be wrong: equations, and digits that are none."""
    odd = re.findall(r"[²³¹⁰⁴-⁹₀-₉½¼¾]", text)
    return [f"write {each} as math, where it is checked" for each in odd] + wrong_arithmetic(text)


def escapes(path: Path, others: Callable[[int, int], Iterable[int]]) -> list[str]:
    """The digits of a file that could become others, given the digit and its place, unnoticed."""
    found = []
    for section in sections(path).values():
        names = scope(path)
        for chunk in section:
            if begins_exercise(chunk):
                names = scope(path)
            before = dict(names)
            row, read = pattern(chunk, names), [each.text for each in tokens(chunk.text())]
            for index, line in enumerate(chunk.lines):
                for digit in re.finditer(r"[0-9]", line):
                    for other in others(int(digit[0]), digit.start()):
                        changed = line[: digit.start()] + str(other) + line[digit.end() :]
                        lines = [*chunk.lines[:index], changed, *chunk.lines[index + 1 :]]
                        mutant = replace(chunk, lines=lines)
                        if [each.text for each in tokens(mutant.text())] == read:
                            continue  # a link's target: nobody reads it
                        if not is_noticed(mutant, dict(before), row):
                            found.append(f"{chunk.where()}: {line.strip()} -> {changed.strip()}")
    return found


def is_noticed(mutant: Chunk, names: dict, row: list[str]) -> bool:
    try:
        return pattern(mutant, names) != row
    except Wrong:
        return True


def givens(path: Path) -> list[tuple[Chunk, str, float, bool]]:
    """(question, name, another number, whether an answer turns red) for each number of a question.

    The question is changed as a whole, in words and in its comment: the answers must tell.
    """
    found = []
    for section in sections(path).values():
        for index, chunk in enumerate(section):
            for given in [source[4:-1] for _, source in chunk.items if source.startswith("let(")]:
                for change in (lambda n: n + 1, lambda n: 2 * n or 2):
                    found.append((chunk, given, *answers(path, section, index, given, change)))
    return found


def answers(path: Path, section: list[Chunk], asked: int, given: str, change) -> tuple[float, bool]:
    """The changed number, and whether an answer is wrong with it: a number of a chunk below, or in
    the same chunk one of a line below or one that only a calculation gives.
    """
    names, other = scope(path), 0.0
    for index, chunk in enumerate(section):
        if begins_exercise(chunk):
            names = scope(path)
        try:
            found = list(assigned(chunk, names))
        except Wrong:
            return other, True
        if index == asked:
            other = names[given] = change(names[given])
            names["__values__"] = {}
            if any(is_wrong_below(chunk, *each, given, found, names) for each in found):
                return other, True
    return other, False


def is_wrong_below(chunk, source, which, index, given, found, names) -> bool:
    """Whether one of a chunk's expressions answers what the chunk itself gives, and is wrong."""
    here = tokens(chunk.text())
    [place] = [i for free, _, i in found if free == f"let({given})"]
    ends = accumulate(len(text) + 1 for text in filter(None, map(plain, chunk.lines)))
    end = next(each for each in ends if here[place].start < each)
    calculates = re.search(r"[(*]", source.lstrip("*"))  # `size` and `size / 2` repeat the question
    if is_free(source) or (here[index].start < end and not calculates):
        return False
    try:
        return not shows(here[index], evaluate(chunk, 0, source, names)[which])
    except Wrong:
        return True


# ---------------------------------------------------------------- equations on the page


def exact(side: str) -> Fraction | None:
    """The exact value of one side of an equation, None if it is not plain arithmetic.

    >>> exact("3 × 3 × 2,160") == 19440, exact(r"\\frac{1}{5} + 1/9") == Fraction(14, 45)
    (True, True)
    >>> exact("3 ×"), exact("")
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


def wrong_arithmetic(text: str) -> list[str]:
    """A message for each false equation of a text.

    >>> wrong_arithmetic("Together 432 + 240 = 672, and 1 / 3 ≈ 0.33, but 2 + 2 = 5.")
    ['2 + 2 = 5 is not true']
    """
    wrong, runs, current, before = [], [], [], None
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
            a, b = (exact(text[part[0].start() : part[-1].end()]) for part in (left, right))
            if a is None or b is None:
                continue
            shown = text[right[0].start() : right[-1].end()]
            decimals = len(shown.partition(".")[2]) if len(right) == 1 else 9
            if a != b and (equal == "=" or abs(a - b) > Fraction(1, 2 * 10**decimals)):
                wrong.append(f"{text[slice(*span)]} is not true")
    return wrong


def trimmed(side: list) -> list:
    """A side without the brackets of the sentence around it: `(3 + 4 = 7)`."""
    text = [token[0] for token in side]
    while text and text[0] == "(" and text.count("(") > text.count(")"):
        side, text = side[1:], text[1:]
    while text and text[-1] == ")" and text.count(")") > text.count("("):
        side, text = side[:-1], text[:-1]
    return side


# ---------------------------------------------------------------- make numbers


def places(chunk: Chunk, names: dict, rows: list[str]) -> list[tuple[int, str]]:
    """(which token of a chunk, what it should be) for each that its expression says otherwise.

    Which number is meant is told by the lock, or by there being as many numbers as expressions.
    """
    found = [
        value
        for line, source in chunk.items
        if not is_free(source)
        for value in evaluate(chunk, line, source, names)
    ]
    here = tokens(chunk.text())
    shapes = [row.split() for row in rows] + [[DOT] * len(here)]
    fitting = [
        row
        for row in shapes
        if row.count(DOT) == len(found)
        and len(row) == len(here)
        and all(old in (DOT, token.text) for old, token in zip(row, here, strict=True))
    ]
    if not fitting or any(row != fitting[0] for row in fitting):
        return []
    meant = [index for index, old in enumerate(fitting[0]) if old == DOT]
    return [
        (index, shown(value, here[index]))
        for index, value in zip(meant, found, strict=True)
        if not shows(here[index], value)
    ]


def amended(chunk: Chunk, index: int, digits: str) -> list[str]:
    """The lines of a chunk with one number changed, and nothing else that is read."""
    here = [each.text for each in tokens(chunk.text())]
    wanted = [*here[:index], digits, *here[index + 1 :]]
    for row, line in enumerate(chunk.lines):
        for old, new in ((here[index], digits), (tex(here[index]), tex(digits))):
            for found in re.finditer(re.escape(old), line):
                changed = line[: found.start()] + new + line[found.end() :]
                lines = [*chunk.lines[:row], changed, *chunk.lines[row + 1 :]]
                if [each.text for each in tokens(" ".join(map(plain, lines)))] == wanted:
                    return lines
    return chunk.lines


def tex(number: str) -> str:
    return number.replace(",", "{,}")


def amend(path: Path, locked: dict[str, list[str]]) -> list[str]:
    """Write the digits of a file as their expressions say, and return what has changed."""
    changes, changed = [], {}
    for section, found in sections(path).items():
        names = scope(path)
        for chunk in found:
            try:
                pattern(chunk, names)
                continue
            except Wrong:
                pass
            try:
                wrong = places(chunk, names, locked.get(section, []))
            except Wrong:
                continue
            for index, digits in wrong:
                old = tokens(chunk.text())[index].text
                lines = amended(chunk, index, digits)
                if lines != chunk.lines:
                    changes.append(f"{chunk.where()}: {old} -> {digits}")
                    changed[chunk.place, chunk.first] = chunk.lines = lines
    if changed:
        write(path, changed)
    return changes


def write(path: Path, changed: dict[tuple[str, int], list[str]]) -> None:
    """Put the changed lines of chunks where they came from."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        lines = source.splitlines()
        for (_, first), new in changed.items():
            lines[first - 1 : first - 1 + len(new)] = new
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return
    notebook = json.loads(source)
    for (place, first), new in changed.items():
        cell = notebook["cells"][int(place.rpartition(" ")[2]) - 1]
        if cell["cell_type"] == "code":
            cell["metadata"]["mystnb"]["image"]["alt"] = new[0]
            continue
        lines = "".join(cell["source"]).splitlines()
        lines[first - 1 : first - 1 + len(new)] = new
        cell["source"] = "\n".join(lines).splitlines(keepends=True)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


HEAD = """\
Written by `make numbers`: the numbers and names of each text, in their order, where not all of them
have an expression. A dot stands for one that has.
"""


def main(wanted: list[str]) -> int:
    """Amend the digits of the texts whose path has one of these parts, then write the lock.

    Nothing is locked while something is wrong.
    """
    locked = read_lock() if LOCK.exists() else {}
    lines, wrong = [HEAD], []
    for part in wanted:
        if not any(part in name(path) for path in texts()):
            print(f"no text has {part!r} in its path")
            return 1
    for path in texts():
        rows = locked.get(name(path), {})
        if any(part in name(path) for part in wanted or [""]):
            if is_writable(path):
                for change in amend(path, rows):
                    print(change)
            rows, here = examine(path)
            wrong += here
        lines.append(f"[{name(path)}]")
        for section, found in rows.items():
            lines += [f"# {section}".rstrip(), *found]
    if wrong:
        print(*wrong, sep="\n")
        return 1
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
