"""Figures of the chapter on MobileNetV2."""

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Polygon, Rectangle

from figures.style import WIDTH, accuracy_axes, arrow, box, canvas, colour, look, map_row, save
from figures.v1.draw import released
from tools import counting, papers
from tools.counting import million_macs
from tools.notebooks import definitions

v1, v2 = definitions("v1"), definitions("v2")


def relu() -> None:
    """What comes back of a spiral after a random embedding into n dimensions and a ReLU."""
    fig, axes = plt.subplots(2, 3, figsize=(WIDTH, 3.7))
    fig.subplots_adjust(0.01, 0.01, 0.99, 0.9, wspace=0.05, hspace=0.25)
    x = v2.spiral()
    axes.flat[0].plot(*x, color=colour("ink"), lw=1.5)
    axes.flat[0].set_title("input", fontsize=10)
    torch.manual_seed(44)  # five embeddings that keep about as much as the average
    for ax, n in zip(axes.flat[1:], (2, 3, 5, 15, 30), strict=True):
        back, on = v2.through_relu(x, n)
        kept = on >= 2
        ax.scatter(*back[:, ~kept], s=9, color=colour("shortcut"), marker="x", lw=0.7)
        ax.scatter(*back[:, kept], s=2, color=colour("ink"))
        ax.set_title(f"n = {n}: {100 * kept.double().mean():.0f} % kept", fontsize=10)
    for ax in axes.flat:
        ax.set_aspect("equal", adjustable="datalim")
        ax.axis("off")
    save(fig, "v2/relu")


def tensor(ax, middle: float, y: float, channels: int, scale: float, text: str) -> None:
    """A map as a bar as wide as it has channels."""
    width = channels * scale
    bar = Rectangle((middle - width / 2, y), width, 0.7, fc=colour("map"), ec=colour("muted"))
    ax.add_patch(bar)
    ax.text(middle + max(width, 0) / 2 + 0.25, y + 0.35, text, va="center", fontsize=9)


def funnel(ax, middle: float, y: float, height: float, ends: tuple[float, float], role: str):
    """A layer as a shape that is as wide above as what comes in, and below as what goes out."""
    above, below = (width / 2 for width in ends)
    corners = [(-above, y + height), (above, y + height), (below, y), (-below, y)]
    shape = Polygon([(middle + x, at) for x, at in corners], closed=True)
    shape.set(fc=colour(f"{role}-light"), ec=colour(role), lw=1.4)
    ax.add_patch(shape)


def blocks() -> None:
    """ResNet's bottleneck is an hourglass, V2's inverted residual a barrel."""
    fig, ax = canvas(25, 19.6, 3.77)
    resnet = (("1×1\nReLU", "pointwise"), ("3×3\nReLU", "standard"), ("1×1", "pointwise"))
    inverted = (
        ("1×1\nReLU6", "pointwise"),
        ("3×3 depthwise\nReLU6", "depthwise"),
        ("1×1\nlinear", "pointwise"),
    )
    for title, x, ends, middle, layers in (
        ("ResNet's bottleneck", 6.4, 256, 64, resnet),
        ("V2's inverted residual", 18.9, 24, 6 * 24, inverted),
    ):
        scale = 7.2 / max(ends, middle)
        ax.text(x - 0.6, 18.7, title, ha="center", weight="bold")
        y = 16.9
        tensor(ax, x, y, ends, scale, f"{ends}")
        channels = [ends, middle, middle, ends]
        for (text, role), before, after in zip(layers, channels, channels[1:], strict=False):
            y -= 3.1
            funnel(ax, x, y, 2.9, (before * scale, after * scale), role)
            ax.text(x, y + 1.45, text, ha="center", va="center", fontsize=9, linespacing=1.1)
            y -= 0.9
            tensor(ax, x, y, after, scale, f"{after}")
        # The shortcut: from the input to the sum.
        left, top, total = x - 5.0, 17.25, y - 1.7
        start = x - ends * scale / 2
        path = [start, left, left, x - 0.6], [top, top, total, total]
        ax.plot(*path, color=colour("shortcut"), lw=2)
        ax.text(x, total, "+", ha="center", va="center", fontsize=17, color=colour("shortcut"))
        arrow(ax, (x, y), (x, total + 0.5))
        if layers is resnet:
            ax.text(x + 0.8, total, "then ReLU", va="center")
        arrow(ax, (x, total - 0.5), (x, total - 1.9))
    save(fig, "v2/blocks")


def network() -> None:
    """The rows of Table 2, with the map that each leaves."""
    fig, ax = canvas(25, 26.8, 5.15)
    y = 25.5
    for x, text in ((4.3, "expand"), (7.6, "filter"), (10.9, "project")):
        ax.text(x, y, text, ha="center", fontsize=9)
    ax.text(19.2, y, "the map that comes out", ha="center", weight="bold")
    y -= 0.2
    side = 224
    net = v2.MobileNetV2()
    filters, last = net.stem.conv.out_channels, net.last.conv.out_channels
    classes = net.classifier.out_features
    rows = [("stem", None, filters, 2), *((f"{n}×", t, c, s) for t, c, n, s in v2.V2_ROWS)]
    for name, t, channels, stride in rows:
        side //= stride
        height = max(1.9, 2.8 * side / 112 + 0.3)
        y -= height + 0.15
        at = y + height / 2 - 0.75
        halved = " /2" if stride == 2 else ""
        ax.text(2.6, at + 0.75, name, ha="right", va="center", weight="bold")
        if t is None:
            box(ax, 3.0, at, 9.4, 1.5, f"3×3 conv{halved}, {channels} filters", "standard")
        else:
            if t > 1:
                box(ax, 3.0, at, 2.6, 1.5, f"×{t}", "pointwise")
            box(ax, 5.9, at, 3.4, 1.5, f"3×3{halved}", "depthwise")
            box(ax, 9.6, at, 2.8, 1.5, f"{channels}", "pointwise")
        map_row(ax, y, height, side, channels, widest=last)
    y -= 1.95
    box(ax, 3.0, y, 9.4, 1.5, f"1×1, {last} filters", "pointwise")
    map_row(ax, y, 1.5, side, last, widest=last)
    y -= 1.95
    box(ax, 3.0, y, 9.4, 1.5, "average pooling")
    map_row(ax, y, 1.5, 1, last, widest=last)
    y -= 1.95
    box(ax, 3.0, y, 9.4, 1.5, f"linear, {classes:,} classes")
    ax.text(24.8, y + 0.75, f"{classes:,} logits", ha="right", va="center", fontsize=9)
    save(fig, "v2/network")


def behind_the_stem(network) -> torch.Tensor:
    """What the first block gets, for a picture of 224×224: a shape without numbers."""
    return network.stem(torch.empty(1, 3, 224, 224, device="meta"))


def alive(network) -> list[list[int]]:
    """Of each block's layers in order: bytes that must be there at once, 16 bits for a number.

    That is what a layer reads and what it writes, and the block's input where it is added at the
    end. An activation is computed in its place.
    """
    rows = []
    with torch.no_grad():
        x = behind_the_stem(network)
        for block in network.blocks:
            kept = 2 * x.numel() if getattr(block, "shortcut", False) else 0
            y, row = x, []
            for unit in block.children():
                if not isinstance(unit, torch.nn.Identity):
                    before, y = y, unit(y)
                    again = kept if before is not x else 0  # else the input is read anyway
                    row.append(2 * (before.numel() + y.numel()) + again)
            rows.append(row)
            x = y
    return rows


def in_parts(network) -> list[int]:
    """The same for whole blocks whose wide maps are computed in many thin parts: ends alone."""
    found = []
    with torch.no_grad():
        x = behind_the_stem(network)
        for block in network.blocks:
            y = block(x)
            found.append(2 * (x.numel() + y.numel()))
            x = y
    return found


def memory() -> None:
    """What must be in memory while the blocks of V1 and of V2 run, layer by layer."""
    fig, axes = plt.subplots(2, 1, figsize=(WIDTH, 4.4), sharey=True)
    fig.subplots_adjust(0.12, 0.11, 0.98, 0.94, hspace=0.45)
    for ax, network, role, title in (
        (axes[0], counting.v1(), "map", "V1, layer by layer"),
        (axes[1], counting.v2(), "pointwise-light", "V2, layer by layer and in parts"),
    ):
        for number, row in enumerate(alive(network), start=1):
            width = 0.9 / len(row)
            for index, size in enumerate(row):
                tile = Rectangle((number - 0.45 + index * width, 0), width, size / 1e6)
                edge = "muted" if role == "map" else "pointwise"
                tile.set(fc=colour(role), ec=colour(edge), lw=0.7)
                ax.add_patch(tile)
        ax.set_title(title, loc="left", fontsize=10)
        ax.set(xlim=(0.4, len(network.blocks) + 0.6), ylim=(0, 3.3), ylabel="MB")
        ax.set_xticks(range(1, len(network.blocks) + 1))
        ax.tick_params(axis="x", labelsize=8.5)
    sizes = [size / 1e6 for size in in_parts(counting.v2())]
    xs = [number + shift for number in range(1, 18) for shift in (-0.5, 0.5)]
    ys = [size for size in sizes for _ in range(2)]
    axes[1].plot(xs, ys, "--", color=colour("shortcut"), lw=2, label="a block in thin parts")
    axes[1].legend(frameon=False, loc="upper right")
    axes[1].set_xlabel("block")
    save(fig, "v2/memory")


def grid() -> None:
    """Accuracy over MACs: V2's released networks beside V1's."""
    fig, ax = plt.subplots(figsize=(WIDTH, 4.2))
    fig.subplots_adjust(0.11, 0.12, 0.98, 0.98)
    released(ax)
    marks = {1.4: "P", 1.3: "v", 1.0: "o", 0.75: "s", 0.5: "^", 0.35: "D"}
    for width, marker in marks.items():
        net = counting.v2(width_mult=width)
        points = [(k[1], row[2]) for k, row in papers.SLIM_V2.items() if k[0] == width]
        xs = [million_macs(net, size) for size, _ in points]
        ys = [top1 for _, top1 in points]
        ax.plot(
            xs,
            ys,
            "-",
            marker=marker,
            ms=5,
            lw=1.2,
            color=colour("net-v2"),
            label=f"V2, width {width}",
        )
    ax.plot([], [], ls="", ms=5, label="V1, all widths", **look("V1"))
    accuracy_axes(ax, xlim=(8, 900), ylim=(38, 78))
    save(fig, "v2/grid")


if __name__ == "__main__":
    relu()
    blocks()
    network()
    memory()
    grid()
