"""Figures of the chapter on MobileNetV3."""

from functools import cache

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.patches import Rectangle

from figures.style import (
    HATCHES,
    WIDTH,
    accuracy_axes,
    arrow,
    box,
    canvas,
    colour,
    look,
    map_row,
    save,
)
from figures.v1.draw import released
from tools import counting, papers
from tools.counting import million_macs
from tools.notebooks import definitions
from tools.variants import grouped, paper_v3

v1, v2, v3 = definitions("v1"), definitions("v2"), definitions("v3")
with torch.device("meta"):  # for counting: no numbers
    STEPS = v3.steps()
GONE = {"fc": colour("paper"), "ec": colour("shortcut"), "hatch": HATCHES["gone"]}


def million(macs: int) -> str:
    return f"{macs / 1e6:.1f}"


def steps() -> None:
    """MACs and parameters on the way from MnasNet-A1 to V3-Large."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.0))
    fig.subplots_adjust(0.02, 0.02, 0.98, 0.9)
    before = None
    for row, (name, network) in enumerate(STEPS.items()):
        macs, params = million_macs(network, 224), v3.count_params(network) / 1e6
        ax.barh(-row, macs, 0.36, color=colour("pointwise-light"), ec=colour("pointwise"))
        if before and before > macs:
            ax.barh(-row, before - macs, 0.36, macs, **GONE)
        change = f" ({macs - before:+.1f})".replace("-", "−") if before else ""
        ax.text(0, -row + 0.36, name, weight="bold", va="center")
        ax.text(200, -row + 0.36, f"{macs:.1f}{change}", ha="center", va="center")
        ax.text(312, -row + 0.36, f"{params:.2f}", ha="right", va="center")
        before = macs
    ax.text(200, 0.85, "million MACs", ha="center", color=colour("muted"))
    ax.text(312, 0.85, "M parameters", ha="right", color=colour("muted"))
    ax.set(xlim=(0, 312), ylim=(-4.3, 1.0))
    ax.axis("off")
    save(fig, "v3/steps")


def search() -> None:
    """The size of each expansion before and after NetAdapt."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.0))
    fig.subplots_adjust(0.16, 0.16, 0.98, 0.87)
    pairs = zip(v3.MNASNET_A1[:15], v3.V3_LARGE, strict=True)
    for number, (seed, row) in enumerate(pairs, start=1):
        first = number == 1
        labels = ("MnasNet-A1", "V3-Large") if first else (None, None)
        left = {"fc": colour("pointwise-light"), "ec": colour("pointwise")}
        ax.bar(number, seed.exp, 0.78, label=labels[0], **GONE)
        ax.bar(number, row.exp, 0.78, label=labels[1], **left)
        if seed.exp != row.exp and not first:
            text = f"{seed.exp} → {row.exp}"
            ax.text(number, seed.exp + 20, text, ha="center", va="bottom", fontsize=9, rotation=90)
    ax.set(xlabel="block", ylabel="channels inside", ylim=(0, 1000))
    ax.set_xticks(range(1, 16), [str(number) for number in range(1, 16)], fontsize=9)
    fig.legend(loc="upper center", ncol=2, frameon=False)
    save(fig, "v3/search")


def block() -> None:
    """Block 5 of V3-Large: where squeeze-and-excite stands, and what it is."""
    fig, ax = canvas(25, 32.3, 6.2)
    row, channels = v3.V3_LARGE[4], v3.V3_LARGE[3].out
    squeeze, kernel = v3.make_divisible(row.exp // 4), row.kernel
    x, y, scale = 7.4, 31.2, 5.6 / row.exp

    def bar(middle: float, at: float, width: int, text: str) -> None:
        half = max(width * scale, 0.4) / 2
        face = Rectangle((middle - half, at), 2 * half, 0.7)
        face.set(fc=colour("map"), ec=colour("muted"))
        ax.add_patch(face)
        ax.text(middle + half + 0.25, at + 0.35, text, va="center", fontsize=9)

    bar(x, y, channels, f"{channels}")
    top = y + 0.35
    for text, role, width in (
        ("1×1, ReLU", "pointwise", row.exp),
        (f"{kernel}×{kernel} dw, ReLU", "depthwise", row.exp),
    ):
        arrow(ax, (x, y), (x, y - 1.0))
        y -= 2.9
        box(ax, x - 3.3, y, 6.6, 1.9, text, role)
        arrow(ax, (x, y), (x, y - 1.0))
        y -= 1.75
        bar(x, y, width, f"{width}")
    # Squeeze-and-excite, to the right, from the map to the product.
    right, into = 19.2, y + 0.35
    ax.plot([x + 4.6, right], [into, into], color=colour("squeeze"), lw=1.6)
    arrow(ax, (right, into), (right, into - 1.3), "squeeze")
    at = into - 1.3
    for text in (
        "mean of each channel",
        f"1×1 to {squeeze}, ReLU",
        f"1×1 to {row.exp}",
        "hard sigmoid",
    ):
        at -= 1.9
        box(ax, right - 4.7, at, 9.4, 1.9, text, "squeeze")
        if text != "hard sigmoid":
            arrow(ax, (right, at), (right, at - 0.9), "squeeze")
            at -= 0.9
    ax.text(right + 0.4, at - 0.85, f"{row.exp} gates", va="center", fontsize=9)
    product = at - 1.9
    ax.plot([right, right], [at, product], color=colour("squeeze"), lw=1.6)
    arrow(ax, (right, product), (x + 0.8, product), "squeeze")
    arrow(ax, (x, y), (x, product + 0.65))
    ax.text(x, product, "×", ha="center", va="center", fontsize=17, color=colour("squeeze"))
    y = product - 0.65
    arrow(ax, (x, y), (x, y - 0.9))
    y -= 2.8
    box(ax, x - 3.3, y, 6.6, 1.9, "1×1, linear", "pointwise")
    arrow(ax, (x, y), (x, y - 1.0))
    y -= 1.75
    bar(x, y, channels, f"{channels}")
    y -= 1.9
    left, start = x - 5.6, x - channels * scale / 2
    ax.plot([start, left, left, x - 0.6], [top, top, y, y], color=colour("shortcut"), lw=2)
    ax.text(x, y, "+", ha="center", va="center", fontsize=17, color=colour("shortcut"))
    arrow(ax, (x, y + 1.9), (x, y + 0.55))
    arrow(ax, (x, y - 0.55), (x, y - 1.5))
    save(fig, "v3/block")


def swish() -> None:
    """Sigmoid and swish, soft and hard, and how far apart they are."""
    fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 3.7), height_ratios=(2.1, 1), sharex="col")
    fig.subplots_adjust(0.14, 0.08, 0.98, 0.97, wspace=0.26, hspace=0.12)
    x = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    hard, soft = {"color": colour("squeeze"), "ls": "--"}, {"color": colour("ink")}
    for column, (name, smooth, straight) in enumerate(
        (
            ("sigmoid", x.sigmoid(), v3.hard_sigmoid(x)),
            ("swish", F.silu(x), v3.hard_swish(x)),
        )
    ):
        upper, lower = axes[:, column]
        upper.plot(x, smooth, label=name, **soft)
        upper.plot(x, straight, label="h-swish" if column else "hard sigmoid", **hard)
        lower.plot(x, straight - smooth, color=colour("shortcut"))
        lower.set(ylim=(-0.17, 0.17), xticks=(-3, 0, 3))
        lower.axhline(0, color=colour("muted"), lw=0.6)
        if name == "swish":
            upper.plot(x, F.relu(x), ":", color=colour("standard"), label="ReLU")
        upper.legend(loc="upper left", frameon=False, handlelength=1.6, borderaxespad=0)
        for ax in (upper, lower):
            ax.grid(True, lw=0.5)
    axes[0, 0].set_ylim(-0.05, 1.4)
    axes[1, 0].set_ylabel("hard − soft")
    save(fig, "v3/swish")


def ends() -> None:
    """The last stage before and after, with the MACs of each layer."""
    fig, ax = canvas(25, 20.6, 3.96)
    for title, name, left in (
        ("as in MnasNet-A1", "expansions shrunk", 0.3),
        ("V3's", "shorter end", 13.0),
    ):
        costs = v3.layer_costs(STEPS[name], 3, 224, 224)
        original = name == "expansions shrunk"
        costs = costs[-5:] if original else costs[-3:]
        ax.text(left + 4.0, 19.6, title, ha="center", weight="bold")
        ax.text(left + 11.6, 19.6, "MACs", ha="right", color=colour("muted"), fontsize=9)
        y, places = 19.0, None
        for cost in costs:
            if places and len(cost.input_shape) < places:  # from maps to vectors
                y -= 2.6
                box(ax, left, y, 8.0, 1.9, "average pooling")
            places = len(cost.input_shape)
            wide, out = cost.input_shape[0], cost.output_shape[0]
            text = f"1×1, {wide} to {out}"
            if cost.kind == "depthwise":
                text = f"3×3 dw, {wide}"
            elif cost.kind == "fc":
                text = f"linear, {wide} to {out}"
            y -= 2.6
            role = "map" if cost.kind == "fc" else cost.kind
            box(ax, left, y, 8.0, 1.9, text, role)
            ax.text(left + 11.6, y + 0.95, f"{million(cost.macs)} M", ha="right", va="center")
        total = sum(cost.macs for cost in costs)
        ax.text(left + 11.6, 0.6, f"{million(total)} M", ha="right", weight="bold")
        ax.text(left + 4.0, 0.6, "together", ha="center")
    save(fig, "v3/ends")


def network(variant: str, name: str, inches: float, height: float) -> None:
    """A table of the paper as a picture: layers on the left, the map that each leaves."""
    fig, ax = canvas(25, height, inches)
    net = v3.MobileNetV3(variant)
    rows, features = v3.VARIANTS[variant]
    last, classes = net.last.conv.out_channels, net.classifier[-1].out_features
    y = height - 1.3
    for x, text in ((3.6, "expand"), (6.5, "filter"), (8.95, "SE"), (10.9, "project")):
        ax.text(x, y, text, ha="center", fontsize=9)
    ax.text(20.0, y, "the map that comes out", ha="center", weight="bold", fontsize=9)
    y -= 0.2
    side, channels = 112, net.stem.conv.out_channels

    def line(label: str, tall: float) -> float:
        nonlocal y
        y -= tall + 0.15
        at = y + tall / 2 - 0.75
        ax.text(2.1, at + 0.75, label, ha="right", va="center", weight="bold", fontsize=9)
        return at

    at = line("stem", 3.1)
    box(ax, 2.4, at, 9.5, 1.5, f"3×3 conv /2, {channels} filters", "standard")
    map_row(ax, y, 3.1, side, channels, widest=1280)
    for first, number, row in grouped(rows, channels):
        repeats = f"{first}-{number}" if number > first else f"{first}"
        side //= row.s
        tall = max(1.75, 2.8 * side / 112 + 0.3)
        at = line(repeats, tall)
        if row.exp != channels:
            box(ax, 2.4, at, 2.4, 1.5, f"{row.exp}", "pointwise")
        halved = " /2" if row.s == 2 else ""
        box(ax, 5.0, at, 3.0, 1.5, f"{row.kernel}×{row.kernel}{halved}", "depthwise")
        if row.se:
            squeeze = v3.make_divisible(row.exp // 4)
            box(ax, 8.2, at, 1.5, 1.5, f"{squeeze}", "squeeze")
        box(ax, 9.9, at, 2.0, 1.5, f"{row.out}", "pointwise")
        ax.text(12.05, at + 0.75, row.nl, va="center", fontsize=8, color=colour("muted"))
        channels = row.out
        map_row(ax, y, tall, side, channels, widest=1280)
    for text, role, out, size in (
        (f"1×1, {last} filters", "pointwise", last, side),
        ("average pooling", "map", last, 1),
        (f"linear, {features} features", "map", features, 1),
    ):
        y -= 1.9
        box(ax, 2.4, y, 9.5, 1.5, text, role)
        map_row(ax, y, 1.5, size, out, widest=1280)
    y -= 1.9
    box(ax, 2.4, y, 9.5, 1.5, f"linear, {classes:,} classes")
    ax.text(24.8, y + 0.75, f"{classes:,} logits", ha="right", va="center", fontsize=9)
    save(fig, name)


@cache
def table9(variant: str, by: str) -> list[tuple[float, float, float]]:
    """Points of Table 9 along a knob, "size" or "width": million MACs (ours), top-1, Pixel 1 ms."""
    points = []
    for (name, size, width), (top1, _, _, ms) in papers.V3_TABLE9.items():
        if name == variant and (width == 1.0 if by == "size" else size == 224):
            macs = million_macs(paper_v3(variant, width), size)
            points.append((macs, top1, ms))
    return sorted(points)


def accuracy() -> None:
    """Accuracy over MACs: V1, V2, and V3 along both of its knobs."""
    fig, ax = plt.subplots(figsize=(WIDTH, 4.2))
    fig.subplots_adjust(0.11, 0.12, 0.98, 0.98)
    released(ax)
    for (width, size), (_, _, top1, _) in papers.SLIM_V2.items():
        macs = million_macs(counting.v2(width_mult=width), size)
        ax.plot(macs, top1, ls="", ms=5, mfc="none", **look("V2"))
    for variant in ("large", "small"):
        label = f"V3-{variant.title()}"
        for by, style in (("size", "-"), ("width", ":")):
            xs, ys, _ = zip(*table9(variant, by), strict=True)
            ax.plot(xs, ys, style, label=f"{label}, {by}", ms=5, lw=1.2, **look(label))
    ax.plot([], [], ls="", ms=5, mfc="none", label="V2", **look("V2"))
    ax.plot([], [], ls="", ms=5, label="V1", **look("V1"))
    accuracy_axes(ax, xlim=(8, 900), ylim=(38, 79))
    save(fig, "v3/accuracy")


def latency() -> None:
    """Accuracy over the papers' own milliseconds on the Pixel 1."""
    fig, ax = plt.subplots(figsize=(WIDTH, 4.2))
    fig.subplots_adjust(0.11, 0.12, 0.98, 0.98)
    for variant in ("large", "small"):
        label = f"V3-{variant.title()}"
        for by, style in (("size", "-"), ("width", ":")):
            points = sorted((ms, top1) for _, top1, ms in table9(variant, by))
            lines = {"label": f"{label}, {by}", "ms": 5, "lw": 1.2}
            ax.plot(*zip(*points, strict=True), style, **lines, **look(label))
    a1 = papers.V3_TABLE3["MnasNet-A1"]
    ax.plot(a1[3], a1[0], "P", ms=7, color=colour("ink"), label="MnasNet-A1")
    for index, name in enumerate(("V2 1.0", "V2 0.35")):
        top1, _, _, ms, *_ = papers.V3_TABLE3[name]
        text = None if index else "V2, V3's measurement"
        ax.plot(ms, top1, ls="", ms=7, label=text, **look("V2"))
    xs, ys = [row[3] for row in papers.SLIM_V2.values()], [r[2] for r in papers.SLIM_V2.values()]
    ax.plot(xs, ys, ls="", ms=5, mfc="none", label="V2, its own", **look("V2"))
    top1, _, _, ms = papers.V2_TABLE4["MobileNetV1"]
    ax.plot(ms, top1, ls="", ms=7, label="V1, in V2's paper", **look("V1"))
    ax.set(xscale="log", xlim=(3.6, 180), ylim=(38, 79))
    ax.set(xlabel="milliseconds on the Pixel 1", ylabel="top-1 on ImageNet, per cent")
    ax.set_xticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    ax.minorticks_off()
    ax.grid(True, lw=0.5)
    ax.legend(loc="lower right", frameon=False)
    save(fig, "v3/latency")


if __name__ == "__main__":
    steps()
    search()
    block()
    swish()
    ends()
    network("large", "v3/large", 7.05, 36.7)
    network("small", "v3/small", 5.71, 29.75)
    accuracy()
    latency()
