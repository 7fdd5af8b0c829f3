"""Figures of the chapter on kernels."""

import math
from collections import Counter
from collections.abc import Callable
from itertools import accumulate

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from figures.style import WIDTH, canvas, colour, save
from tools.notebooks import definitions

k = definitions("kernels")
FUNCTIONS = k.functions(k.assemble(k.all_kernels()))
FILTER = 3  # the depthwise kernel of these figures: 3×3 at stride 1


def loads(name: str) -> tuple[int, int]:
    """In the innermost loop: vectors that are loaded as they are, and numbers that are spread."""
    found = FUNCTIONS[name].innermost()
    return found["v128.load"], found["v128.load32_splat"]


def multiply_adds(name: str) -> int:
    return FUNCTIONS[name].innermost()["f32x4.mul"]


def vector(ax: Axes, x: float, y: float, width: float, words: list[str], role: str = "map") -> None:
    """Four numbers side by side, with a word for each or one for all; (x, y) is the lower left."""
    face, edge = (role, "muted") if role == "map" else (f"{role}-light", role)
    box = Rectangle((x, y), width, 1.4, fc=colour(face), ec=colour(edge), lw=1.4)
    ax.add_patch(box)
    share = width / len(words)
    for number, word in enumerate(words):
        middle = x + (number + 0.5) * share, y + (0.65 if len(words) == 4 else 0.8)
        ax.text(*middle, word, ha="center", va="center", fontsize=9)
    for part in (1, 2, 3):
        end = y + (1.4 if len(words) == 4 else 0.3)
        ax.plot([x + part * width / 4] * 2, [y, end], color=colour(edge), lw=0.7)


def heading(ax: Axes, y: float, title: str, kernel: str, about: str) -> None:
    """A panel's name, and what its kernel does in one turn of its innermost loop."""
    ax.text(0.3, y, title, weight="bold", color=colour(title))
    text = f"{sum(loads(kernel))} loads, {multiply_adds(kernel)} multiply-adds"
    ax.text(24.7, y, text, weight="bold", ha="right")
    ax.text(0.3, y - 1.3, about, fontsize=9)


def small(ax: Axes, x: float, y: float, text: str, ha: str = "left") -> None:
    ax.text(x, y, text, ha=ha, va="center", fontsize=9, linespacing=1.25)


LINE = {"color": colour("muted"), "lw": 1.2, "zorder": 0}


def pointwise_block(ax: Axes, top: float) -> None:
    """Every loaded number meets every loaded vector of weights."""
    vectors, places = loads("dense6")
    assert vectors * places == multiply_adds("dense6")
    about = f"one input channel, {places} places, {4 * vectors} output channels"
    heading(ax, top, "pointwise", "dense6", about)
    width, left, columns = 5.6, 2.6, [11.2 + 6.8 * column for column in range(vectors)]
    rows = [top - 7.5 - 2.0 * row for row in range(places)]
    small(ax, 0.3, top - 4.4, f"{places} numbers of the map,\neach spread over a vector")
    small(ax, columns[0], top - 3.0, f"{4 * vectors} weights, in {vectors} vectors")
    for column, x in enumerate(columns):
        digits = [f"{4 * column + i + 1}" for i in range(4)]
        vector(ax, x, top - 5.2, width, digits)
        ax.plot([x + width / 2] * 2, [top - 5.2, rows[-1]], **LINE)
        for letter, y in zip("abcdef", rows, strict=True):
            vector(ax, x, y, width, [letter + digit for digit in digits], "pointwise")
        small(ax, x + width / 2, rows[-1] - 1, f"feeds {places}", "center")
    for letter, y in zip("abcdef", rows, strict=True):
        vector(ax, left, y, width, [letter] * 4)
        ax.plot([left + width, columns[-1]], [y + 0.7] * 2, **LINE)
    small(ax, left + width / 2, rows[-1] - 1, f"each feeds {vectors}", "center")


def depthwise_line(ax: Axes, top: float) -> None:
    """A loaded column meets a weight only where a window lies over it."""
    places = multiply_adds("depthwise31") // FILTER
    columns = "abcdefgh"[: places + FILTER - 1]
    assert len(columns) + FILTER == sum(loads("depthwise31"))
    about = f"one of {FILTER} rows of the filter, {places} places, the same 4 channels throughout"
    heading(ax, top, "depthwise", "depthwise31", about)
    width, xs = 2.9, {each: 5.5 + 3.2 * number for number, each in enumerate(columns)}
    small(ax, 0.3, top - 3.5, f"{FILTER} weights")
    for weight in range(FILTER):
        vector(ax, 5.5 + 3.2 * weight, top - 4.2, width, [f"{weight + 1}"])
    small(ax, 5.5 + 3.2 * FILTER, top - 3.5, f"each feeds {places}")
    small(ax, 0.3, top - 5.9, f"{len(columns)} columns\nof the map")
    fed, lowest = Counter(), {}
    for place in range(places):
        y = top - 8.9 - 2.0 * place
        small(ax, 0.3, y + 0.7, f"total {place + 1}")
        for weight in range(FILTER):
            letter = columns[place + weight]
            vector(ax, xs[letter], y, width, [f"{letter}{weight + 1}"], "depthwise")
            fed[letter] += 1
            lowest[letter] = y
    small(ax, 0.3, y - 1, "feeds")
    for letter, x in xs.items():
        vector(ax, x, top - 6.6, width, [letter])
        ax.plot([x + width / 2] * 2, [top - 6.6, lowest[letter]], **LINE)
        small(ax, x + width / 2, y - 1, f"{fed[letter]}", "center")
    assert fed.total() == multiply_adds("depthwise31")


def blocks() -> None:
    """What one turn of the innermost loop loads, and what that feeds."""
    fig, ax = canvas(25, 38.4, WIDTH * 38.4 / 25)
    pointwise_block(ax, 37.4)
    depthwise_line(ax, 16.4)
    save(fig, "kernels/blocks")


def fewest(most: int, loads_of: Callable[[int, int], float]) -> list[float]:
    """Loads for one multiply-add in the best block, for at most 1, 2, … `most` totals."""
    found = [math.inf] * (most + 1)
    for rows in range(1, most + 1):
        for columns in range(1, most // rows + 1):
            found[rows * columns] = min(found[rows * columns], loads_of(rows, columns))
    return list(accumulate(found[1:], min))


def pointwise_loads(places: int, vectors: int) -> float:
    """One number of each place, and the vectors of weights: for one input channel."""
    return (places + vectors) / (places * vectors)


def depthwise_loads(lines: int, columns: int) -> float:
    """The map under all the windows, and each weight once: for four channels."""
    under = (lines + FILTER - 1) * (columns + FILTER - 1)
    return (under + FILTER**2) / (FILTER**2 * lines * columns)


MARKS = {"pointwise": "^", "depthwise": "o"}  # as in the chapter on devices


def reuse() -> None:
    """How often something is loaded for one multiply-add, by how many totals are kept.

    Pointwise, a block is of places and vectors of output channels; depthwise, of lines and places.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 4.3))
    fig.subplots_adjust(0.13, 0.125, 0.97, 0.98)
    most = 1024
    totals = range(1, most + 1)
    ways = (
        ("pointwise", "-", fewest(most, pointwise_loads)),
        ("depthwise", "--", [depthwise_loads(1, n) for n in totals]),
        ("depthwise", "-.", fewest(most, depthwise_loads)),
    )
    for role, dash, line in ways:
        # Where one total more does not help, it is left out.
        better = [n for n in totals if n == 1 or line[n - 1] < line[n - 2]]
        ax.plot(better, [line[n - 1] for n in better], dash, color=colour(role), lw=1.8)
    for limit in (FILTER, FILTER**2):
        ax.axhline(1 / limit, color=colour("muted"), lw=1, ls=":")
        ax.text(1.05, 0.97 / limit, f"1/{limit}", va="top", fontsize=9)
    for registers in (16, 32):
        ax.axvline(registers, color=colour("muted"), lw=1, ls=(0, (4, 2)), zorder=0)
        label = f"{registers} registers"
        ax.text(registers * 0.97, 2.2, label, rotation=90, ha="right", va="top", fontsize=9)
    for name, role, kept, shift, ha in (
        ("dense1", "pointwise", math.prod(loads("dense1")), (7, 2), "left"),
        ("dense6", "pointwise", math.prod(loads("dense6")), (7, 2), "left"),
        ("depthwise31", "depthwise", multiply_adds("depthwise31") // FILTER, (-3, -15), "right"),
    ):
        at = kept, sum(loads(name)) / multiply_adds(name)
        # None is better than the best of its size; depthwise is a line.
        best = next(line[kept - 1] for each, _, line in ways if each == role)
        assert at[1] == best if role == "depthwise" else at[1] >= best
        ax.plot(*at, MARKS[role], color=colour(role), ms=7)
        text = ax.annotate(name, at, shift, textcoords="offset points", ha=ha, fontsize=9)
        text.set_bbox({"fc": colour("paper"), "ec": "none", "pad": 0.5})
    for x, y, text, role, ha in (
        (1200, 0.41, f"depthwise {FILTER}×{FILTER}, in a line", "depthwise", "right"),
        (11, 0.2, f"depthwise {FILTER}×{FILTER},\nin a block", "depthwise", "right"),
        (42, 0.07, "pointwise,\nin a block", "pointwise", "left"),
    ):
        ax.text(x, y, text, ha=ha, va="bottom", color=colour(role), fontsize=9, weight="bold")
    ax.set(xscale="log", yscale="log", xlim=(0.9, 1250), ylim=(0.05, 2.3))
    ax.set(xlabel="vectors of totals that are kept", ylabel="loads for one multiply-add")
    ax.set_xticks([4**i for i in range(6)], [f"{4**i}" for i in range(6)])
    ax.set_yticks([0.05, 0.1, 0.2, 0.5, 1, 2], ["0.05", "0.1", "0.2", "0.5", "1", "2"])
    ax.minorticks_off()
    ax.grid(True, lw=0.5)
    save(fig, "kernels/reuse")


if __name__ == "__main__":
    blocks()
    reuse()
