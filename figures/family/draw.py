"""Figures of the chapter on the family."""

import torch
from matplotlib.patches import Polygon

from figures.style import arrow, box, canvas, colour, plane, save
from tools.notebooks import definitions

family = definitions("family")
NARROW, WIDE = 1.3, 2.5  # how thick a map is drawn at the ends of a block, and inside
ROWS = (  # title, recipe
    ("MobileNetV1, MobileOne", "MobileNetV1"),
    ("MobileNetV2, EfficientNet-Lite, V4's IB", "MobileNetV2"),
    ("MobileNetV3, MnasNet-A1, EfficientNet", "MobileNetV3"),
    ("ConvNeXt, FastViT, V4's ConvNext", "ConvNeXt"),
    ("RepViT", "RepViT"),
    ("V4's ExtraDW", "V4's ExtraDW"),
    ("StarNet", "StarNet"),
    ("V4's FFN, and the MLP of a transformer", "V4's FFN"),
)
# Where the parts stand, from left to right.
FRONT, EARLY, EXPAND, MIDDLE, LATE, PROJECT, BACK, END = 1.3, 4.3, 6.3, 9.4, 12.4, 14.4, 17.5, 22.6


def band(ax, left: float, right: float, y: float, thick: tuple[float, float], role="map") -> None:
    """A map, or a pointwise layer that makes it wider or narrower."""
    before, after = (each / 2 for each in thick)
    face = f"{role}-light" if role != "map" else role
    corners = [(left, y - before), (left, y + before), (right, y + after), (right, y - after)]
    ax.add_patch(
        Polygon(corners, fc=colour(face), ec=colour("muted" if role == "map" else role), lw=1.2)
    )


def layer(ax, x: float, y: float, kernel: int, thick: float) -> None:
    box(ax, x, y - thick / 2, 2.7, thick, f"{kernel}×{kernel}", "depthwise")


def widening(ax, y: float, star: bool, wide: float) -> None:
    """One pointwise layer, or two whose outputs are multiplied."""
    if not star:
        band(ax, EXPAND, EXPAND + 2.7, y, (NARROW, wide), "pointwise")
        ax.text(EXPAND + 1.35, y, "1×1", ha="center", va="center", fontsize=9)
        return
    for side in (-1, 1):
        band(ax, EXPAND, EXPAND + 2.7, y + side * 0.66, (NARROW / 2, WIDE / 2), "pointwise")
        ax.text(EXPAND + 1.5, y + side * 0.66, "1×1", ha="center", va="center", fontsize=9)
    ax.text(MIDDLE + 0.6, y, "×", ha="center", va="center", fontsize=17, color=colour("squeeze"))


def row(ax, y: float, recipe) -> None:
    """One block from left to right; y is the middle of its maps."""
    wide = WIDE if recipe.expand else NARROW
    band(ax, 0.3, EXPAND if recipe.expand else PROJECT, y, (NARROW, NARROW))
    if recipe.expand:
        band(ax, EXPAND + 2.7, PROJECT, y, (wide, wide))
    band(ax, PROJECT + 2.7, BACK + 3.4, y, (NARROW, NARROW))
    if recipe.front:
        layer(ax, FRONT, y, recipe.front, NARROW)
    if recipe.expand:
        widening(ax, y, recipe.star, wide)
    if recipe.middle:
        layer(ax, MIDDLE, y, recipe.middle, wide)
    if recipe.gate:
        at, thick = (LATE, wide) if recipe.middle else (EARLY, NARROW)
        box(ax, at, y - thick / 2, 1.7, thick, "SE", "squeeze")
    band(ax, PROJECT, PROJECT + 2.7, y, (wide, NARROW), "pointwise")
    ax.text(PROJECT + 1.35, y, "1×1", ha="center", va="center", fontsize=9)
    if recipe.back:
        layer(ax, BACK, y, recipe.back, NARROW)
    if not recipe.shortcut:
        arrow(ax, (BACK + 3.4, y), (END + 2.2, y))
        return
    start = 0.7 if recipe.shortcut == "all" else EXPAND - 0.15
    under = y - WIDE / 2 - 0.45
    path = [start, start, END, END], [y - NARROW / 2, under, under, y - 0.45]
    ax.plot(*path, color=colour("shortcut"), lw=2)
    arrow(ax, (BACK + 3.4, y), (END + 2.2, y))
    ax.text(
        END,
        y,
        "+",
        ha="center",
        va="center",
        fontsize=15,
        color=colour("shortcut"),
        zorder=40,
        bbox={"fc": colour("paper"), "ec": "none", "pad": 0.5},
    )


def blocks() -> None:
    """Where the depthwise layers stand, and what is multiplied in."""
    step = 5.0
    height = step * len(ROWS) + 1.6
    fig, ax = canvas(25, height, height * 4.8 / 25)
    for x, text in (
        (FRONT + 1.35, "front"),
        (EXPAND + 1.35, "widen"),
        (MIDDLE + 1.35, "middle"),
        (PROJECT + 1.35, "narrow"),
        (BACK + 1.35, "back"),
    ):
        ax.text(x, height - 0.9, text, ha="center", fontsize=9, color=colour("muted"))
    for number, (title, name) in enumerate(ROWS):
        top = height - 1.6 - step * number
        ax.text(0.3, top - 0.75, title, weight="bold", va="center")
        row(ax, top - 2.75, family.RECIPES[name])
    save(fig, "family/blocks")


def example() -> torch.nn.Module:
    """A layer of MobileOne's with one channel: the smallest that has something to fold."""
    layer = family.Branches(1, 1, kernel=3, count=1).eval()
    for norm in (layer.identity, layer.equal[0][1], layer.small[1]):
        norm.eps = 0.0  # whole numbers
    with torch.no_grad():
        layer.equal[0][0].weight[0, 0] = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
        layer.small[0].weight.fill_(4)
        layer.small[1].weight.fill_(0.5)
    return layer


@torch.no_grad()
def parts(layer) -> list[torch.Tensor]:
    """The filters that are added, and their sum, each 3×3."""
    conv = layer.equal[0][0]
    found = [
        family.fold(*layer.equal[0]).weight,
        family.widened(family.fold(*layer.small).weight, 3),
        family.fold(family.unchanged(conv), layer.identity).weight,
        family.folded(layer).weight,
    ]
    return [weight[0, 0] for weight in found]


def fold() -> None:
    """Three branches become one filter."""
    fig, ax = canvas(25, 7.2, 7.2 * 4.8 / 25)
    cell, y = 1.6, 1.5
    titles = ("3×3 branch", "1×1 branch", "the input", "folded")
    for number, (title, weights) in enumerate(zip(titles, parts(example()), strict=True)):
        x = 0.4 + 6.45 * number
        role = "depthwise-light" if title == "folded" else "map"
        plane(ax, x, y, 3, 3, role, cell=cell, edge="depthwise" if title == "folded" else "muted")
        for i in range(3):
            for j in range(3):
                value = f"{weights[i, j]:.0f}".replace("-0", "0").replace("-", "−")
                strong = "bold" if weights[i, j] else "normal"
                place = x + (j + 0.5) * cell, y + (2.5 - i) * cell
                ax.text(*place, value, ha="center", va="center", weight=strong, zorder=5)
        ax.text(x + 1.5 * cell, 0.6, title, ha="center", va="center", fontsize=9)
        if number < 3:
            sign = "=" if number == 2 else "+"
            ax.text(
                x + 3 * cell + 0.82, y + 1.5 * cell, sign, ha="center", va="center", fontsize=15
            )
    save(fig, "family/fold")


def main() -> None:
    blocks()
    fold()


if __name__ == "__main__":
    main()
