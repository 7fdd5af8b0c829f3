"""Figures of the chapter on MobileNetV2."""

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Rectangle

from figures.style import HATCHES, WIDTH, accuracy_axes, arrow, box, canvas, colour, map_row, save
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


def blocks() -> None:
    """ResNet's bottleneck and V2's inverted residual: where it is wide, where the sum stands."""
    fig, ax = canvas(25, 22.9, 4.4)
    resnet = (("1×1, ReLU", "pointwise"), ("3×3, ReLU", "standard"), ("1×1", "pointwise"))
    inverted = (
        ("1×1, ReLU6", "pointwise"),
        ("3×3 dw, ReLU6", "depthwise"),
        ("1×1, linear", "pointwise"),
    )
    for title, x, ends, middle, layers in (
        ("ResNet's bottleneck", 5.7, 256, 64, resnet),
        ("V2's inverted residual", 18.2, 24, 6 * 24, inverted),
    ):
        scale = 6.0 / max(ends, middle)
        ax.text(x, 22.1, title, ha="center", weight="bold")
        y = 20.1
        tensor(ax, x, y, ends, scale, f"{ends}")
        for index, (text, role) in enumerate(layers):
            arrow(ax, (x, y), (x, y - 1.0))
            y -= 2.9
            box(ax, x - 3.1, y, 6.2, 1.9, text, role)
            arrow(ax, (x, y), (x, y - 1.0))
            y -= 1.75
            channels = ends if index == 2 else middle
            tensor(ax, x, y, channels, scale, f"{channels}")
        # The shortcut: from the input to the sum.
        left, top = x - 4.6, 20.45
        y -= 1.9
        start = x - ends * scale / 2
        ax.plot([start, left, left, x - 0.6], [top, top, y, y], color=colour("shortcut"), lw=2)
        ax.text(x, y, "+", ha="center", va="center", fontsize=17, color=colour("shortcut"))
        arrow(ax, (x, y + 1.9), (x, y + 0.55))
        y -= 0.55
        if layers is resnet:
            arrow(ax, (x, y), (x, y - 0.9))
            y -= 2.4
            box(ax, x - 1.5, y, 3.0, 1.5, "ReLU")
        arrow(ax, (x, y), (x, y - 1.0))
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


def memory() -> None:
    """What must be kept at each size of the map, in V1 and in V2."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.1))
    fig.subplots_adjust(0.16, 0.16, 0.98, 0.86)
    sizes = (112, 56, 28, 14, 7)
    v1_maps, narrow, wide = {}, {}, {}
    for cost in v1.layer_costs(v1.MobileNetV1(), 3, 224, 224)[:-1]:
        channels, side = cost.layer.out_channels, cost.input_shape[1] // cost.layer.stride[0]
        v1_maps[side] = max(v1_maps.get(side, 0), 2 * channels * side**2)
    for cost in v2.layer_costs(v2.MobileNetV2(), 3, 224, 224)[1:-2]:
        group = narrow if cost.kind == "pointwise" and is_projection(cost) else wide
        side = cost.output_shape[1]
        group[side] = max(group.get(side, 0), 2 * math.prod(cost.output_shape))
    for shift, values, label, role, hatch in (
        (-0.27, v1_maps, "V1: any map", "map", HATCHES["fc"]),
        (0.0, wide, "V2: inside a block", "pointwise-light", HATCHES["pointwise"]),
        (0.27, narrow, "V2: leaves a block", "shortcut", ""),
    ):
        heights = [values[size] / 1000 for size in sizes]
        xs = [i + shift for i in range(5)]
        edge = "muted" if role == "map" else role.removesuffix("-light")
        ax.bar(xs, heights, 0.26, color=colour(role), ec=colour(edge), hatch=hatch, label=label)
    ax.set_xticks(range(5), [f"{size}×{size}" for size in sizes])
    ax.set(ylabel="kB at 16 bits", yscale="log", ylim=(10, 4000), xlabel="map")
    ax.set_yticks([10, 100, 1000], ["10", "100", "1000"])
    ax.minorticks_off()
    fig.legend(
        loc="upper center", ncol=3, frameon=False, columnspacing=1.0, handletextpad=0.4, fontsize=9
    )
    save(fig, "v2/memory")


def is_projection(cost) -> bool:
    """The 1×1 layer that closes a block has fewer channels out than in."""
    return cost.layer.out_channels < cost.layer.in_channels


def grid() -> None:
    """Accuracy over MACs: V2's released networks beside V1's."""
    fig, ax = plt.subplots(figsize=(WIDTH, 4.2))
    fig.subplots_adjust(0.11, 0.12, 0.98, 0.98)
    for alpha, row in papers.SLIM_V1_TOP1.items():
        net = counting.v1(width_mult=alpha)
        xs = [million_macs(net, size) for size in papers.V1_SIZES]
        ax.plot(xs, row, "x", ms=5, color=colour("muted"))
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
            color=colour("pointwise"),
            label=f"V2, width {width}",
        )
    ax.plot([], [], "x", ms=5, color=colour("muted"), label="V1, all widths")
    accuracy_axes(ax, xlim=(8, 900), ylim=(38, 78))
    save(fig, "v2/grid")


if __name__ == "__main__":
    relu()
    blocks()
    network()
    memory()
    grid()
