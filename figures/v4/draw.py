"""Figures of the chapter on MobileNetV4."""

from functools import cache

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
from torch import nn

from figures.style import HATCHES, WIDTH, arrow, box, canvas, colour, look, plane, save
from tools import counting, papers
from tools.notebooks import definitions

v4 = definitions("v4")
EXAMPLE = v4.CONV_MEDIUM[4]  # 160 channels in and out, and two filters
RIVALS = ("V1", "V2", "V3-Large")


def universal(first: bool = True, second: bool = True, expand: int = EXAMPLE.exp) -> nn.Module:
    """The example with its filters there or not."""
    kernels = EXAMPLE.k1 * first, EXAMPLE.k2 * second
    return v4.UniversalInvertedBottleneck(EXAMPLE.out, *kernels, expand, EXAMPLE.out, EXAMPLE.s)


def block() -> None:
    """The universal inverted bottleneck: what may be left out is dashed."""
    fig, ax = canvas(25, 27.6, 5.3)
    example = universal()
    x, y, scale = 8.8, 26.4, 8.4 / EXAMPLE.exp
    ax.text(24.6, y, "weights", ha="right", color=colour("muted"), fontsize=9)

    def bar(channels: int) -> None:
        face = Rectangle((x - channels * scale / 2, y), channels * scale, 0.7)
        face.set(fc=colour("map"), ec=colour("muted"))
        ax.add_patch(face)
        ax.text(x + channels * scale / 2 + 0.25, y + 0.35, f"{channels}", va="center", fontsize=9)

    bar(EXAMPLE.out)
    top = y + 0.35
    for unit, text, role, note in (
        (example.depthwise1, f"{EXAMPLE.k1}×{EXAMPLE.k1} depthwise", "depthwise", "optional"),
        (example.expand, "1×1, ReLU", "pointwise", ""),
        (
            example.depthwise2,
            f"{EXAMPLE.k2}×{EXAMPLE.k2} depthwise, ReLU",
            "depthwise",
            "optional",
        ),
        (example.project, "1×1", "pointwise", ""),
    ):
        arrow(ax, (x, y), (x, y - 1.0))
        y -= 2.9
        box(ax, x - 4.9, y, 9.8, 1.9, text, role)
        if note:
            ax.patches[-1].set_linestyle((0, (3, 2)))
            ax.text(x + 5.3, y + 0.95, note, va="center", fontsize=9, style="italic")
        weights = unit.conv.weight.numel()
        ax.text(24.6, y + 0.95, f"{weights:,}", ha="right", va="center", fontsize=9)
        arrow(ax, (x, y), (x, y - 1.0))
        y -= 1.75
        bar(unit.conv.out_channels)
    left, start, total = x - 7.2, x - EXAMPLE.out * scale / 2, y - 1.9
    path = [start, left, left, x - 0.6], [top, top, total, total]
    ax.plot(*path, color=colour("shortcut"), lw=2)
    ax.text(x, total, "+", ha="center", va="center", fontsize=17, color=colour("shortcut"))
    arrow(ax, (x, y), (x, total + 0.55))
    arrow(ax, (x, total - 0.55), (x, total - 1.5))
    save(fig, "v4/block")


def field(first: bool, second: bool) -> int:
    """How many places, across and down, a change at one place of the input reaches."""
    torch.manual_seed(0)
    few = universal(first, second, expand=8).double().eval()
    x = torch.randn(1, EXAMPLE.out, 9, 9, dtype=torch.float64)
    changed = x.clone()
    changed[:, :, 4, 4] += 1
    with torch.no_grad():
        reached = (few(changed) - few(x)).abs().sum(dim=1)[0] > 1e-9
    return int(reached.any(dim=0).sum())


ABOUT = {
    "ExtraDW": "both filters",
    "IB": "V2's block, with ReLU",
    "ConvNext": "the filter first",
    "FFN": "two pointwise layers",
}


def four() -> None:
    """The four blocks, each layer as wide as its channels."""
    fig, ax = canvas(25, 31.4, 6.03)
    scale, narrow, wide = 6.8 / EXAMPLE.exp, EXAMPLE.out, EXAMPLE.exp

    def layer(x: float, y: float, before: int, after: int, role: str, text: str) -> None:
        above, below = before * scale / 2, after * scale / 2
        corners = [(x - above, y + 1.7), (x + above, y + 1.7), (x + below, y), (x - below, y)]
        shape = Polygon(corners, closed=True)
        shape.set(fc=colour(f"{role}-light"), ec=colour(role), lw=1.4)
        ax.add_patch(shape)
        inside = before == after == wide
        place = {"ha": "center"} if inside or role == "pointwise" else {"ha": "left"}
        at = x if place["ha"] == "center" else x + below + 0.3
        ax.text(at, y + 0.85, text, va="center", fontsize=9, **place)

    def bar(x: float, y: float, channels: int) -> None:
        face = Rectangle((x - channels * scale / 2, y), channels * scale, 0.6)
        face.set(fc=colour("map"), ec=colour("muted"), lw=0.9)
        ax.add_patch(face)
        text = f"{channels}"
        ax.text(x + channels * scale / 2 + 0.25, y + 0.3, text, va="center", fontsize=9)

    for number, ((first, second), name) in enumerate(v4.BLOCKS.items()):
        x, y = (5.6, 18.2)[number % 2], (30.3, 14.4)[number // 2]
        filters = f"{EXAMPLE.k1}×{EXAMPLE.k1} depthwise"
        bar(x, y, narrow)
        for there, before, after, role, text in (
            (first, narrow, narrow, "depthwise", filters),
            (True, narrow, wide, "pointwise", "1×1"),
            (second, wide, wide, "depthwise", filters),
            (True, wide, narrow, "pointwise", "1×1"),
        ):
            y -= 1.9
            if there:
                layer(x, y, before, after, role, text)
            else:
                ax.plot([x, x], [y - 0.2, y + 1.9], color=colour("muted"), lw=1.4, zorder=0)
            if before != after:
                y -= 0.8
                bar(x, y, after)
        side = field(first, second)
        middle = y - 2.3
        plane(ax, x - 4.4, middle - 0.25 * side, side, side, "depthwise-light", cell=0.5)
        ax.text(x - 1.6, middle + 0.55, name, weight="bold", va="center")
        ax.text(x - 1.6, middle - 0.6, f"sees {side}×{side}", va="center", fontsize=9)
        ax.text(x - 4.4, middle - 2.1, ABOUT[name], va="center", fontsize=9)
    save(fig, "v4/four")


def cell(ax, x: float, y: float, width: float, role: str, text: str = "") -> None:
    """A layer in a row of a network, with its kernel."""
    face = FancyBboxPatch((x, y), width, 0.95, boxstyle="round,pad=0,rounding_size=0.15")
    face.set(fc=colour(f"{role}-light"), ec=colour(role), lw=1.0)
    ax.add_patch(face)
    ax.text(x + width / 2, y + 0.45, text, ha="center", va="center", fontsize=8)


def row_of(ax, x: float, y: float, row) -> None:
    """A block as its layers from left to right, with gaps for those that it has not."""
    if row.block == "FusedIB":
        cell(ax, x + 1.6, y, 2.5, "standard", f"{row.k2}×{row.k2}")
    else:
        if row.k1:
            cell(ax, x, y, 1.5, "depthwise", f"{row.k1}×{row.k1}")
        cell(ax, x + 1.6, y, 0.9, "pointwise")
        if row.k2:
            cell(ax, x + 2.6, y, 1.5, "depthwise", f"{row.k2}×{row.k2}")
    cell(ax, x + 4.2, y, 0.9, "pointwise")


def stages(variant: str) -> list[list]:
    """The rows of a network by the side of the map that they leave."""
    found = []
    for row in v4.VARIANTS[variant].rows:
        if row.s == 2:
            found.append([])
        found[-1].append(row)
    return found


def networks() -> None:
    """Conv-S, Conv-M and Conv-L from top to bottom, their stages side by side."""
    height = 46.6
    fig, ax = canvas(25, height, WIDTH * height / 25)
    columns = {"conv_small": 0.2, "conv_medium": 8.6, "conv_large": 17.0}
    y = height - 1.1
    for variant, x in columns.items():
        title = f"Conv-{variant.partition('_')[2][0].upper()}"
        ax.text(x, y, title, weight="bold", va="center")

    def side_line(halvings: int) -> None:
        for variant, x in columns.items():
            side = v4.SIZES[variant] // 2**halvings
            text = f"{side}×{side}"
            ax.text(x, y, text, va="center", fontsize=8, color=colour("muted"))
        ax.plot([0.2, 24.8], [y - 0.65] * 2, color=colour("grid"), lw=0.8)

    y -= 1.5
    side_line(1)
    y -= 1.75
    for variant, x in columns.items():
        stem = v4.VARIANTS[variant].stem
        cell(ax, x + 1.6, y, 2.5, "standard", "3×3")
        ax.text(x + 5.35, y + 0.45, f"stem, {stem}", va="center", fontsize=8)
    parts = zip(*(stages(variant) for variant in columns), strict=True)
    for halvings, stage in enumerate(parts, start=2):
        y -= 1.0
        side_line(halvings)
        top = y - 1.75
        for x, rows in zip(columns.values(), stage, strict=True):
            before = None
            for number, row in enumerate(rows):
                at = top - 1.1 * number
                row_of(ax, x, at, row)
                if row.block != before:
                    ax.text(x + 5.25, at + 0.45, row.block, va="center", fontsize=8)
                before = row.block
        y = top - 1.1 * (max(map(len, stage)) - 1)
    y -= 0.75
    net = counting.v4()
    last, head, classes = net.last.conv, net.head.conv, net.classifier.out_features
    for text, role in (
        (f"1×1, {last.out_channels} filters", "pointwise"),
        ("average pooling", "map"),
        (f"1×1, {head.out_channels} filters", "pointwise"),
        (f"linear, {classes:,} classes", "map"),
    ):
        y -= 1.65
        box(ax, 0.2, y, 24.6, 1.4, text, role)
    save(fig, "v4/networks")


@cache
def costs(name: str) -> list:
    """What the layers of a network take for a picture of 224×224."""
    build = {"V1": counting.v1, "V2": counting.v2, "V3-Large": counting.v3}
    return v4.layer_costs(build.get(name, counting.v4)(), 3, 224, 224)


def sweep() -> None:
    """The model's times of three networks over V4-Conv-S's, by ridge point."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.9))
    fig.subplots_adjust(0.1, 0.13, 0.955, 0.98)
    low, high = papers.V4_RIDGES
    measured = sorted(papers.V4_RIDGE.values())
    ridges = sorted({low, high, *measured, *torch.logspace(-1, 2.69, 120).tolist()})
    base = [v4.roofline_time(costs("V4"), ridge) for ridge in ridges]
    for name, style in zip(RIVALS, (":", "--", "-"), strict=True):
        own = costs(name)
        ratios = [
            v4.roofline_time(own, ridge) / one for ridge, one in zip(ridges, base, strict=True)
        ]
        marks = [ridges.index(ridge) for ridge in (low, *measured)]
        ax.plot(ridges, ratios, style, label=name, markevery=marks, ms=5, lw=1.6, **look(name))
    ax.axhline(1, color=colour("net-v4"), lw=1.2)
    ax.text(0.15, 0.96, "V4-Conv-S", va="top", color=colour("net-v4"), fontsize=9)
    for number, (machine, ridge) in enumerate(sorted(papers.V4_RIDGE.items(), key=lambda m: m[1])):
        ax.axvline(ridge, color=colour("muted"), lw=0.8, ls=(0, (2, 2)), zorder=0)
        shift, side = ((-2, "right"), (2, "left"))[number % 2]
        place = {"textcoords": "offset points", "rotation": 90, "ha": side, "va": "bottom"}
        text = ax.annotate(f"{machine}, {ridge}", (ridge, 0.06), (shift, 0), **place)
        text.set_fontsize(8.5)
    ax.set_xscale("symlog", linthresh=2)
    ax.set(xlim=(low, high), ylim=(0, 3.3))
    ax.set(xlabel="ridge point, MACs per byte", ylabel="time ÷ V4-Conv-S's")
    ax.set_xticks([0, 1, 2, 5, 10, 20, 50, 100, 200], "0 1 2 5 10 20 50 100 200".split())
    ax.minorticks_off()
    ax.grid(True, axis="y", lw=0.5)
    ax.legend(loc="upper right", frameon=False)
    save(fig, "v4/sweep")


PARTS = {  # colour, hatch
    "start": ("muted", ""),
    "middle": ("map", ""),
    "head": ("paper", HATCHES["fc"]),
}


def by_part(name: str, ridge: float) -> list[float]:
    """A network's time up to the first map of 28×28, in its last three layers, and between."""
    layers = costs(name)
    start = next(i for i, cost in enumerate(layers) if cost.output_shape[1:] == (28, 28))
    # The block that makes this map goes on to its projection: the last of what narrows it.
    while layers[start].kind != "pointwise":
        start += 1
    pieces = layers[: start + 1], layers[start + 1 : -3], layers[-3:]
    return [v4.roofline_time(piece, ridge) for piece in pieces]


def parts() -> None:
    """Where the time goes in the model, at three ridge points."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.6))
    fig.subplots_adjust(0.2, 0.03, 0.98, 0.9)
    y = 0.0
    ridges = (
        papers.V4_RIDGES[0],
        *(papers.V4_RIDGE[m] for m in ("Pixel 6 CPU", "Pixel 8 EdgeTPU")),
    )
    for ridge in ridges:
        ax.text(0, y, f"ridge point {ridge}", weight="bold", va="center")
        whole = sum(by_part("V4", ridge))
        for name, label in (("V4", "V4-Conv-S"), ("V3-Large", "V3-Large")):
            y -= 0.85
            own, x = by_part(name, ridge), 0.0
            for time, (role, hatch) in zip(own, PARTS.values(), strict=True):
                width = time / whole
                ax.barh(y, width, 0.7, x, fc=colour(role), ec=colour("muted"), hatch=hatch, lw=0.9)
                text = ax.text(x + width / 2, y, f"{100 * time / sum(own):.0f} %")
                text.set(ha="center", va="center", fontsize=9)
                text.set_color(colour("paper" if role == "muted" else "ink"))
                if hatch:
                    text.set_bbox({"fc": colour("paper"), "ec": "none", "pad": 1})
                x += width
            ax.text(-0.03, y, label, ha="right", va="center", fontsize=9)
        y -= 1.15
    ax.set(xlim=(0, 1.95), ylim=(y + 0.5, 0.4))
    ax.axis("off")
    save(fig, "v4/parts")


def attention() -> None:
    """Four heads with their own keys and values, and four that share one set."""
    fig, ax = canvas(25, 20.5, 3.94)
    with torch.device("meta"):
        net = v4.MobileNetV4("hybrid_medium")
        shared = [b for b in net.blocks if isinstance(b, v4.MobileMQA)][-1]
        channels, heads = shared.query.in_channels, shared.heads
        own = nn.MultiheadAttention(channels, heads, bias=False)
    each = shared.key[-1].weight.numel()
    asked, answered = shared.query.weight.numel(), shared.output.weight.numel()
    totals = sum(p.numel() for p in own.parameters()), asked + 2 * each + answered
    for title, left, sets, total in (
        ("multi-head", 4.9, heads, totals[0]),
        ("multi-query", 15.6, 1, totals[1]),
    ):
        middles = [left + 1.05 + 2.3 * head for head in range(heads)]
        centre = left + 1.05 + 2.3 * (heads - 1) / 2
        ax.text(centre, 19.4, title, ha="center", weight="bold")
        targets = middles if sets == heads else [centre] * heads
        rows = (("Q", 15.9, middles), ("K", 11.3, targets), ("V", 6.7, targets))
        for letter, y, places in rows:
            for number, x in enumerate(dict.fromkeys(places), start=1):
                index = number if len(set(places)) > 1 else ""
                box(ax, x - 1.0, y, 2.0, 1.8, f"{letter}{index}", "pointwise")
            weights = each * len(set(places))
            ax.text(centre, y + 2.3, f"{weights:,}", ha="center", va="center", fontsize=8.5)
    save(fig, "v4/attention")


MACHINES = {"pixel6": "Pixel 6, CPU", "hexagon": "Pixel 4, DSP", "edgetpu": "Pixel 8, EdgeTPU"}
MEASURED = {
    "V1": ("MobileNet-V1",),
    "V2": ("MobileNet-V2-0.5x", "MobileNet-V2", "MobileNet-V2-1.5x", "MobileNet-V2-2.0x"),
    "V3-Large": ("MobileNet-V3L-0.5x",),
    "V4": ("MNv4-Conv-S", "MNv4-Conv-M", "MNv4-Conv-L"),
}


def latency() -> None:
    """Accuracy over the paper's milliseconds on three machines."""
    fig, axes = plt.subplots(3, 1, figsize=(WIDTH, 6.4), sharex=True, sharey=True)
    fig.subplots_adjust(0.11, 0.08, 0.98, 0.965, hspace=0.2)
    for ax, (column, title) in zip(axes, MACHINES.items(), strict=True):
        for name, rows in MEASURED.items():
            found = [papers.V4_TABLE6[row] for row in rows]
            xs, ys = [getattr(row, column) for row in found], [row.top1 for row in found]
            label = {"V3-Large": "V3-Large × 0.5", "V4": "V4-Conv"}.get(name, name)
            ax.plot(xs, ys, "-", ms=5, lw=1.2, label=label, **look(name))
            if name == "V4":
                for x, y, row in zip(xs, ys, rows, strict=True):
                    text = ax.annotate(row[-1], (x, y), (0, 5), textcoords="offset points")
                    text.set(ha="center", fontsize=9)
        ax.set_title(title, fontsize=10, weight="bold", loc="left")
        ax.set(xscale="log", xlim=(0.55, 80), ylim=(64, 86))
        ax.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        ax.minorticks_off()
        ax.grid(True, lw=0.5)
    axes[0].legend(loc="upper left", frameon=False)
    axes[1].set_ylabel("top-1 on ImageNet, per cent")
    axes[2].set_xlabel("milliseconds")
    save(fig, "v4/latency")


if __name__ == "__main__":
    block()
    four()
    networks()
    sweep()
    parts()
    attention()
    latency()
