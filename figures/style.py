"""One style for all figures: the colours, the drawing of feature maps, and how a figure is saved.

A figure is a deterministic SVG that carries its own dark colours: inside an `<img>`, the query
`prefers-color-scheme` follows the theme of the page around it (in WebKit with the help of
site/static/book.js). Figures are drawn narrow, so that their text stays legible on a phone.
"""

import html
import re
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.text import Text

FOLDER = Path(__file__).resolve().parent
WIDTH = 4.8  # inches: a phone shows this at four fifths of its size

# Role: (in the light theme, in the dark theme). After Okabe and Ito: safe for colour-blind readers.
COLOURS = {
    "paper": ("#fdfdfb", "#16191d"),
    "ink": ("#1b1f24", "#e8eaed"),
    "muted": ("#59636e", "#a8b1bb"),
    "grid": ("#d5dae0", "#3b424b"),
    "map": ("#eceff3", "#2b3138"),  # a feature map without a role
    "standard": ("#0072b2", "#56b4e9"),
    "depthwise": ("#b86e00", "#f0b030"),
    "pointwise": ("#00805e", "#3ccba2"),
    "squeeze": ("#b0508a", "#e7a0c9"),
    "shortcut": ("#c14a00", "#f58b54"),
    "standard-light": ("#cfe4f1", "#143d57"),
    "depthwise-light": ("#f9e2bd", "#54400f"),
    "pointwise-light": ("#c8e8dc", "#10483a"),
    "squeeze-light": ("#f3dbe9", "#4f2440"),
    # Networks: violet, further from the ground with each version, and always with its mark.
    "net-v1": ("#b47ab7", "#9644b0"),
    "net-v2": ("#7b3781", "#ad5cc6"),
    "net-v3": ("#5f0f70", "#b885ba"),
    "net-v4": ("#390048", "#f5ccff"),
}
# The explorers have the same.
MARKS = {"V1": "x", "V2": "o", "V3-Large": "^", "V3-Small": "v", "V4": "D"}
# Never by colour alone: each role has its own hatch as well.
HATCHES = {
    "standard": "",
    "depthwise": "////",
    "pointwise": "....",
    "gone": "////",  # what was there and is no more
    "fc": "xxxx",
}


def colour(role: str) -> str:
    return COLOURS[role][0]


def look(network: str) -> dict[str, str]:
    """A network's colour and mark, such as V3-Large's."""
    role = f"net-{network.partition('-')[0].lower()}"
    return {"color": colour(role), "marker": MARKS[network]}


plt.rcParams.update(
    {
        "svg.hashsalt": "mobilenets",
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",  # ships with matplotlib: the same everywhere
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": colour("muted"),
        "axes.labelcolor": colour("ink"),
        "axes.facecolor": colour("paper"),
        "figure.facecolor": colour("paper"),
        "savefig.facecolor": colour("paper"),
        "text.color": colour("ink"),
        "xtick.color": colour("muted"),
        "ytick.color": colour("muted"),
        "grid.color": colour("grid"),
        "hatch.linewidth": 0.6,
    }
)
matplotlib.use("svg")


def sized(shape: tuple[int, ...]) -> str:
    """A map's or a filter's shape as the book writes it: height, width, channels."""
    channels, height, width = shape
    return f"{height}×{width}×{channels}"


def canvas(width: float, height: float, inches: float) -> tuple[Figure, Axes]:
    """A drawing area in units of one cell, without axes."""
    fig, ax = plt.subplots(figsize=(WIDTH, inches))
    fig.subplots_adjust(0, 0, 1, 1)
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return fig, ax


def plane(ax: Axes, x: float, y: float, rows: int, columns: int, role: str = "map", **kwargs):
    """One channel of a feature map: a grid of cells whose lower left corner is (x, y)."""
    edge = kwargs.get("edge", "muted")
    z = kwargs.get("z", 1)
    cell = kwargs.get("cell", 1.0)
    face = Rectangle((x, y), columns * cell, rows * cell, fc=colour(role), ec=colour(edge), lw=0.9)
    ax.add_patch(face).set_zorder(z)
    for i in range(1, columns):
        xs = [x + i * cell] * 2
        ax.plot(xs, [y, y + rows * cell], color=colour(edge), lw=0.35, zorder=z + 0.1)
    for i in range(1, rows):
        ys = [y + i * cell] * 2
        ax.plot([x, x + columns * cell], ys, color=colour(edge), lw=0.35, zorder=z + 0.1)


def stack(ax: Axes, x: float, y: float, size: int, channels: int, role: str = "map", **kwargs):
    """A feature map of several channels, one behind the other; (x, y) is the front's corner.

    Returns the offset of channel i as a function, so that windows can be drawn on each.
    """
    shift = kwargs.pop("shift", 0.6)
    for i in reversed(range(channels)):
        plane(ax, x + i * shift, y + i * shift, size, size, role, z=10 - i, **kwargs)
    return lambda i: (x + i * shift, y + i * shift)


def patch(
    ax: Axes,
    x: float,
    y: float,
    rows: int,
    columns: int,
    role: str,
    z=20.0,
    cells=False,
):
    """A marked region of a feature map, in the colour of its role."""
    if cells:
        plane(ax, x, y, rows, columns, f"{role}-light", edge=role, z=z)
    box = Rectangle((x, y), columns, rows, ec=colour(role), lw=1.6, zorder=z + 0.3)
    box.set_facecolor("none" if cells else colour(f"{role}-light"))
    ax.add_patch(box)


def arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], role: str = "muted"):
    ax.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=11,
            lw=1.4,
            color=colour(role),
            zorder=30,
        )
    )


def box(
    ax: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    text: str,
    role: str = "map",
):
    """A layer in a diagram of a block: a rounded box with its name; (x, y) is its lower left."""
    face = f"{role}-light" if f"{role}-light" in COLOURS else role
    edge = "muted" if role == "map" else role
    ax.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.25",
            fc=colour(face),
            ec=colour(edge),
            lw=1.4,
        )
    )
    ax.text(x + width / 2, y + height / 2, text, ha="center", va="center", linespacing=1.35)


def map_row(ax: Axes, y: float, height: float, side: int, channels: int, widest: int) -> None:
    """A map to scale, for a column of them: a square, its channels as a bar, its shape in words.

    The canvas is 25 wide; a side of 112 is drawn as 2.8, `widest` channels as 3.6.
    """
    face, middle = 2.8 * side / 112, y + height / 2
    square = Rectangle((14.4 - face / 2, middle - face / 2), face, face)
    square.set(fc=colour("map"), ec=colour("muted"), lw=0.9)
    bar = Rectangle((16.4, middle - 0.35), 3.6 * channels / widest, 0.7)
    bar.set(fc=colour("muted"), ec=colour("muted"), lw=0.9)
    ax.add_patch(square)
    ax.add_patch(bar)
    ax.text(24.8, middle, f"{side}×{side}×{channels}", ha="right", va="center", fontsize=9)


def accuracy_axes(ax: Axes, xlim: tuple[float, float], ylim: tuple[float, float]) -> None:
    """Axes for accuracy over MACs, with the legend where no network is."""
    ax.set(xscale="log", xlim=xlim, ylim=ylim)
    ax.set(xlabel="million MACs", ylabel="top-1 on ImageNet, per cent")
    ax.set_xticks([10, 20, 50, 100, 200, 500], ["10", "20", "50", "100", "200", "500"])
    ax.minorticks_off()
    ax.grid(True, lw=0.5)
    ax.legend(loc="lower right", frameon=False)


def theme_rules(drawn: str) -> str:
    """CSS that gives every colour in a drawing its name, and each name its light and its dark
    colour. The query decides; at an address that ends in `#light` or `#dark`, that does.
    """
    used = {role: pair for role, pair in COLOURS.items() if pair[0] in drawn}

    def colours(theme: int) -> str:
        return "{" + ";".join(f"--{role}:{each[theme]}" for role, each in used.items()) + "}"

    rules = [f"svg{colours(0)}", f"@media (prefers-color-scheme:dark){{svg{colours(1)}}}"]
    rules += [f"#light:target~*{colours(0)}", f"#dark:target~*{colours(1)}"]
    rules += [
        f'[style*="{what}: {light}"]{{{what}:var(--{role})!important}}'
        for role, (light, _) in used.items()
        for what in ("fill", "stroke")
    ]
    # A hatch keeps its ground in an attribute.
    rules += [f'[fill="{light}"]{{fill:var(--{role})}}' for role, (light, _) in used.items()]
    return f'<style>{"".join(rules)}</style><g id="light"/><g id="dark"/>'


def words_of(fig: Figure) -> list[str]:
    """What a figure says, but for the numbers on its axes. The text is drawn as curves; this is
    how the tests read it.
    """
    ticks = {id(t) for ax in fig.axes for t in ax.get_xticklabels() + ax.get_yticklabels()}
    found = [t for t in fig.findobj(Text) if t.get_visible() and id(t) not in ticks]
    return [" ".join(t.get_text().split()) for t in found if t.get_text().strip()]


def target(file: str) -> Path:
    """figures/<file>, or the same in the folder that the command line names."""
    path = (Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER) / file
    path.parent.mkdir(exist_ok=True)
    return path


def save_pixels(fig: Figure, name: str) -> None:
    """Write figures/<name>.png, for places that show no SVG."""
    fig.savefig(target(f"{name}.png"), metadata={"Software": None})
    plt.close(fig)


def save(fig: Figure, name: str) -> None:
    """Write figures/<name>.svg."""
    path = target(f"{name}.svg")
    words = html.escape("\n".join(words_of(fig)))
    fig.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(fig)
    text = path.read_text(encoding="utf-8")
    head = f"<desc>{words}</desc>{theme_rules(text)}"
    text = re.sub(r"(<svg [^>]*>)", lambda m: m[1] + head, text, count=1, flags=re.DOTALL)
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")
