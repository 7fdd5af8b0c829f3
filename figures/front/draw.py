"""The figures of the landing page: the whole story in five squares, the networks as towers; and the
picture that stands beside a link to the book in messages.
"""

from functools import cache
from math import sqrt

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import nn
from torchvision.models import vgg16

from figures.style import HATCHES, WIDTH, colour, plt, save, save_pixels
from tools import counting, papers
from tools.counting import million_macs, on_meta
from tools.notebooks import definitions


@cache
def steps() -> list[tuple]:
    """(network, its million MACs, its accuracy in its paper, role of its colour, its idea)."""
    full = on_meta(definitions("v1").with_full_convolutions)
    return [
        (name, round(million_macs(network, 224), 3), top1, role, idea)
        for name, network, top1, role, idea in (
            ("VGG-16", on_meta(vgg16), papers.V1_TABLE8["VGG 16"].top1, *FULL[0]),
            ("V1's shape, full convolutions", full, papers.V1_TABLE4["full"].top1, *FULL[1]),
            ("V1", counting.v1(), papers.V1_TABLE4["separable"].top1, *LIGHT[0]),
            ("V2", counting.v2(), papers.V2_TABLE4["MobileNetV2"].top1, *LIGHT[1]),
            ("V3-Large", counting.v3(), papers.V3_TABLE3["V3-Large 1.0"].top1, *LIGHT[2]),
        )
    ]


FULL = (("standard", "every channel meets every other"), ("standard", "smaller, and as good"))
LIGHT = (
    ("pointwise", "filter each channel, then mix"),
    ("pointwise", "narrow between blocks, and linear there"),
    ("pointwise", "searched by a phone's clock, finished by hand"),
)


def draw(ax: Axes, size: float) -> None:
    """Five squares whose areas are the work for one picture, with text of this size beside them.
    The first has a side of 1.
    """
    rows, top = steps(), 0.0
    for name, macs, top1, role, idea in rows:
        side = sqrt(macs / rows[0][1])
        height = max(side, 0.32)
        middle = top - height / 2
        face = Rectangle((1 - side, middle - side / 2), side, side)
        face.set(fc=colour(role), ec=colour("paper"), hatch=HATCHES[role], lw=0)
        ax.add_patch(face)
        ax.text(1.06, middle + 0.1, name, va="center", fontsize=size, weight="bold")
        ax.text(1.06, middle, idea, va="center", fontsize=size)
        ax.text(1.06, middle - 0.1, f"{macs:,.0f} M, {top1} %", va="center", fontsize=size)
        top -= height + 0.06
    ax.set(xlim=(0, 3.05), ylim=(top + 0.06, 0), aspect="equal")
    ax.axis("off")


def layers_of(network: nn.Module) -> list[tuple[str, int, float]]:
    """(type, channels that come out, million MACs) of each layer, for a picture of 224×224."""
    rows = counting.macs_by_layer(network, 3, 224, 224)
    return [(counting.kind_of(layer), shape[0], macs / 1e6) for layer, macs, shape in rows]


def silhouettes() -> None:
    """V1, V2 and V3-Large as towers of their layers, all to one scale."""
    fig, ax = plt.subplots(figsize=(WIDTH, 5.6))
    fig.subplots_adjust(0.13, 0.02, 0.99, 0.93)
    names = {"V1": counting.v1(), "V2": counting.v2(), "V3-Large": counting.v3()}
    for column, (name, network) in enumerate(names.items()):
        middle, y = 700 + 1400 * column, 0.0
        for kind, channels, macs in layers_of(network):
            tile = Rectangle((middle - channels / 2, y), channels, macs)
            tile.set(fc=colour({"fc": "muted"}.get(kind, kind)), ec=colour("paper"), lw=0.25)
            ax.add_patch(tile)
            y += macs
        ax.text(middle, -22, name, ha="center", weight="bold")
        ax.text(middle, -5, f"{y:,.0f} million", ha="center", fontsize=9)
    width = 1000
    ax.plot([700 + 900, 700 + 900 + width], [560, 560], color=colour("ink"), lw=1.2)
    ax.text(700 + 900 + width / 2, 556, f"{width:,} channels", ha="center", fontsize=9)
    ax.set(xlim=(0, 4200), ylim=(570, -32), ylabel="million MACs, from the picture down")
    ax.set_yticks(range(0, 501, 100))
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    handles = [Rectangle((0, 0), 1, 1, fc=colour(kind)) for kind in NAME_OF]
    fig.legend(
        handles,
        NAME_OF.values(),
        loc="upper center",
        ncol=3,
        frameon=False,
        fontsize=9,
        columnspacing=1.0,
        handlelength=1.0,
        handletextpad=0.4,
    )
    save(fig, "front/silhouettes")


NAME_OF = {"standard": "3×3", "depthwise": "depthwise", "pointwise": "1×1"}  # others are too flat


def story() -> None:
    fig, ax = plt.subplots(figsize=(WIDTH, 4.3))
    fig.subplots_adjust(0.01, 0.01, 0.99, 0.99)
    draw(ax, 9.5)
    save(fig, "front/story")


def preview() -> None:
    """1200×630 pixels, as messengers and social networks show them."""
    fig, ax = plt.subplots(figsize=(12, 6.3), dpi=100)
    fig.subplots_adjust(0.4, 0.03, 0.99, 0.97)
    fig.text(0.05, 0.86, "MobileNets,\nline by line", fontsize=38, fontweight="bold", va="top")
    draw(ax, 14)
    save_pixels(fig, "front/preview")


if __name__ == "__main__":
    story()
    silhouettes()
    preview()
