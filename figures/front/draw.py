"""The figure of the landing page, the whole story in five bars, and the picture that stands beside
a link to the book in messages.
"""

from functools import cache

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
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
    """The five bars, to scale, with text of this size."""
    rows = steps()
    for y, (name, macs, top1, role, idea) in enumerate(rows):
        bar = Rectangle((0, -y - 0.36), macs, 0.34)
        bar.set(fc=colour(role), ec=colour("paper"), hatch=HATCHES[role], lw=0)
        ax.add_patch(bar)
        ax.text(0, -y + 0.1, f"{name}: {idea}", va="bottom", fontsize=size)
        ax.text(macs + 250, -y - 0.19, f"{macs:,.0f} M, {top1} %", va="center", fontsize=size)
    ax.set(xlim=(0, 21_500), ylim=(-len(rows) + 0.5, 0.6))
    ax.axis("off")


def story() -> None:
    fig, ax = plt.subplots(figsize=(WIDTH, 3.3))
    fig.subplots_adjust(0.02, 0, 1, 1)
    draw(ax, 9.5)
    save(fig, "front/story")


def preview() -> None:
    """1200×630 pixels, as messengers and social networks show them."""
    fig, ax = plt.subplots(figsize=(12, 6.3), dpi=100)
    fig.subplots_adjust(0.05, 0.01, 0.99, 0.8)
    fig.text(0.05, 0.86, "MobileNets, line by line", fontsize=38, fontweight="bold")
    draw(ax, 18)
    save_pixels(fig, "front/preview")


if __name__ == "__main__":
    story()
    preview()
