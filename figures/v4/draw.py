"""Figures of the chapter on MobileNetV4."""

from functools import cache

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import FancyBboxPatch, Rectangle
from torch import nn

from figures.style import HATCHES, WIDTH, arrow, box, canvas, colour, look, plane, save
from figures.v2.draw import funnel, tensor
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
    fig, ax = canvas(25, 23.6, 4.53)
    example = universal()
    x, y, scale = 8.4, 22.5, 8.4 / EXAMPLE.exp
    ax.text(24.6, y, "weights", ha="right", color=colour("muted"), fontsize=9)
    v2 = y - 4.5  # where V2's block begins
    tensor(ax, x, y, EXAMPLE.out, scale, f"{EXAMPLE.out}")
    top = y + 0.35
    for unit, text, role, note in (
        (
            example.depthwise1,
            f"{EXAMPLE.k1}×{EXAMPLE.k1} depthwise, linear",
            "depthwise",
            "optional",
        ),
        (example.expand, "1×1, ReLU", "pointwise", ""),
        (
            example.depthwise2,
            f"{EXAMPLE.k2}×{EXAMPLE.k2} depthwise, ReLU",
            "depthwise",
            "optional",
        ),
        (example.project, "1×1, linear", "pointwise", ""),
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
        out = unit.conv.out_channels
        tensor(ax, x, y, out, scale, f"{out}")
    ax.plot([x + 9.6, x + 9.9, x + 9.9, x + 9.6], [v2, v2, y, y], color=colour("muted"), lw=1.2)
    place = {"rotation": -90, "ha": "center", "va": "center"}
    ax.text(x + 10.8, (v2 + y) / 2, "V2's block", fontsize=9, **place)
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
    fig, ax = canvas(25, 31.8, 6.11)
    scale, narrow, wide = 6.8 / EXAMPLE.exp, EXAMPLE.out, EXAMPLE.exp
    for number, ((first, second), name) in enumerate(v4.BLOCKS.items()):
        x, y = (5.6, 18.2)[number % 2], (30.6, 14.5)[number // 2]
        filters = f"{EXAMPLE.k1}×{EXAMPLE.k1} depthwise"
        tensor(ax, x, y, narrow, scale, f"{narrow}")
        for there, before, after, role, text in (
            (first, narrow, narrow, "depthwise", filters),
            (True, narrow, wide, "pointwise", "1×1"),
            (second, wide, wide, "depthwise", filters),
            (True, wide, narrow, "pointwise", "1×1"),
        ):
            y -= 1.9
            if there:
                funnel(ax, x, y, 1.7, (before * scale, after * scale), role)
                beside = before == after == narrow  # no room inside
                at = (x + narrow * scale / 2 + 0.3, "left") if beside else (x, "center")
                ax.text(at[0], y + 0.85, text, ha=at[1], va="center", fontsize=9)
            else:
                ax.plot([x, x], [y - 0.1, y + 1.9], color=colour("muted"), lw=1.4, zorder=0)
            if before != after:
                y -= 0.9
                tensor(ax, x, y, after, scale, f"{after}")
        side = field(first, second)
        role = "depthwise" if side > 1 else "pointwise"
        middle = y - 2.3
        plane(
            ax, x - 3.15 - 0.25 * side, middle - 0.25 * side, side, side, f"{role}-light", cell=0.5
        )
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
        cell(ax, x + 1.6, y, 2.3, "standard", f"{row.k2}×{row.k2}")
    else:
        if row.k1:
            cell(ax, x, y, 1.5, "depthwise", f"{row.k1}×{row.k1}")
        cell(ax, x + 1.6, y, 0.7, "pointwise")
        if row.k2:
            cell(ax, x + 2.4, y, 1.5, "depthwise", f"{row.k2}×{row.k2}")
    cell(ax, x + 4.0, y, 0.7, "pointwise")


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
    height = 45.5
    fig, ax = canvas(25, height, WIDTH * height / 25)
    columns = {"conv_small": 0.2, "conv_medium": 8.4, "conv_large": 16.6}
    y = height - 1.1
    for variant, x in columns.items():
        title = f"Conv-{variant.partition('_')[2][0].upper()}"
        ax.text(x, y, title, weight="bold", va="center")
        size = f"{v4.SIZES[variant]}×{v4.SIZES[variant]}"
        ax.text(x + 4.9, y, size, va="center", fontsize=8, color=colour("muted"))

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
        stem = counting.v4(variant).stem.conv
        cell(ax, x + 1.6, y, 2.3, "standard", "{}×{}".format(*stem.kernel_size))
        ax.text(x + 4.9, y + 0.45, f"stem, {stem.out_channels}", va="center", fontsize=8)
    halved = zip(*(stages(variant) for variant in columns), strict=True)
    for halvings, stage in enumerate(halved, start=2):
        y -= 1.0
        side_line(halvings)
        top = y - 1.75
        for x, rows in zip(columns.values(), stage, strict=True):
            before = None
            for number, row in enumerate(rows):
                at = top - 1.1 * number
                row_of(ax, x, at, row)
                if row.block != before:
                    ax.text(x + 4.9, at + 0.45, row.block, va="center", fontsize=8)
                before = row.block
        y = top - 1.1 * (max(map(len, stage)) - 1)
    net = counting.v4()  # behind the blocks all three are alike
    last, head, classes = net.last.conv, net.head.conv, net.classifier.out_features
    y -= 2.5
    box(ax, 0.2, y, 12.1, 1.5, f"1×1, {last.out_channels} filters", "pointwise")
    box(ax, 12.7, y, 12.1, 1.5, "average pooling")
    y -= 1.8
    box(ax, 0.2, y, 12.1, 1.5, f"1×1, {head.out_channels} filters", "pointwise")
    box(ax, 12.7, y, 12.1, 1.5, f"linear, {classes:,} classes")
    save(fig, "v4/networks")


@cache
def costs(name: str) -> list:
    """What the layers of a network take for a picture of 224×224."""
    build = {"V1": counting.v1, "V2": counting.v2, "V3-Large": counting.v3}
    return v4.layer_costs(build.get(name, counting.v4)(), 3, 224, 224)


def sweep() -> None:
    """The model's times of three networks over V4-Conv-S's, by ridge point."""
    fig, ax = plt.subplots(figsize=(WIDTH, 4.0))
    fig.subplots_adjust(0.125, 0.125, 0.945, 0.98)
    low, high = papers.V4_RIDGES
    measured = sorted(papers.V4_RIDGE.values())
    ridges = sorted({low, high, *measured, *torch.logspace(-1, 2.69, 120).tolist()})
    base = [v4.roofline_time(costs("V4"), ridge) for ridge in ridges]
    marks = [ridges.index(ridge) for ridge in (low, *measured)]
    line = {"markevery": marks, "ms": 5, "lw": 1.6}
    for name, style in zip(RIVALS, (":", "--", "-"), strict=True):
        times = [v4.roofline_time(costs(name), ridge) for ridge in ridges]
        ratios = [time / one for time, one in zip(times, base, strict=True)]
        ax.plot(ridges, ratios, style, **line, **look(name))
        ax.text(0.15, ratios[0] + 0.05, name, fontsize=9)
    ax.plot(ridges, [1] * len(ridges), "-", **line, **look("V4"))
    ax.text(0.15, 0.95, "V4-Conv-S", va="top", fontsize=9)
    for number, (machine, ridge) in enumerate(sorted(papers.V4_RIDGE.items(), key=lambda m: m[1])):
        ax.axvline(ridge, color=colour("muted"), lw=0.8, ls=(0, (2, 2)), zorder=0)
        shift, side = ((-2, "right"), (2, "left"))[number % 2]
        place = {"textcoords": "offset points", "rotation": 90, "ha": side, "va": "bottom"}
        text = ax.annotate(machine, (ridge, 0.02), (shift, 0), **place)
        text.set_fontsize(8.5)
    ax.set_xscale("symlog", linthresh=2, linscale=0.5)
    ax.set(xlim=(low, high), ylim=(0, 3.3))
    ax.set(xlabel="ridge point, MACs per byte", ylabel="time ÷ V4-Conv-S's")
    ax.set_xticks([0, 2, 5, 10, 20, 50, 100, 200], "0 2 5 10 20 50 100 200".split())
    ax.minorticks_off()
    ax.grid(True, axis="y", lw=0.5)
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
    # Where a depthwise layer makes that map, the start ends with the pointwise one behind it.
    while layers[start].kind != "pointwise":
        start += 1
    pieces = layers[: start + 1], layers[start + 1 : -3], layers[-3:]
    return [v4.roofline_time(piece, ridge) for piece in pieces]


def parts() -> None:
    """Where the time goes in the model, at three ridge points."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.6))
    fig.subplots_adjust(0.2, 0.02, 0.98, 0.9)
    y = 0.0
    shown = {"bytes are free": papers.V4_RIDGES[0]}
    shown |= {machine: papers.V4_RIDGE[machine] for machine in ("Pixel 6 CPU", "Pixel 8 EdgeTPU")}
    for machine, ridge in shown.items():
        ax.text(0, y, f"ridge point {ridge}", weight="bold", va="center")
        ax.text(0.8, y, machine, va="center", color=colour("muted"))
        whole = sum(by_part("V4", ridge))
        shares = v4.time_by_part(counting.v4(), ridge)  # as the notebook cuts it
        assert list(shares.values()) == [time / whole for time in by_part("V4", ridge)]
        for name, label in (("V4", "V4-Conv-S"), ("V3-Large", "V3-Large")):
            y -= 0.85
            own, x = by_part(name, ridge), 0.0
            for time, (role, hatch) in zip(own, PARTS.values(), strict=True):
                width = time / whole
                ax.barh(y, width, 0.7, x, fc=colour(role), ec=colour("muted"), hatch=hatch, lw=0.9)
                thin = width < 0.1  # then beside it
                text = ax.text(x + width / 2, y, f"{100 * time / sum(own):.0f} %")
                text.set(ha="center", va="center", fontsize=9)
                text.set_color(colour("paper" if role == "muted" else "ink"))
                if thin:
                    text.set(x=x + width + 0.03, ha="left")
                elif hatch:
                    text.set_bbox({"fc": colour("paper"), "ec": "none", "pad": 1})
                x += width
            ax.text(-0.03, y, label, ha="right", va="center", fontsize=9)
        y -= 1.15
    handles = [
        Rectangle((0, 0), 1, 1, fc=colour(role), ec=colour("muted"), hatch=hatch)
        for role, hatch in PARTS.values()
    ]
    fig.legend(handles, PARTS, loc="upper center", ncol=3, frameon=False, handlelength=1.4)
    ax.set(xlim=(0, 1.9), ylim=(y + 0.6, 0.4))
    ax.axis("off")
    save(fig, "v4/parts")


def attention() -> None:
    """Four heads with their own keys and values, and four that share one set."""
    fig, ax = canvas(25, 21.2, 4.07)
    with torch.device("meta"):
        net = v4.MobileNetV4("hybrid_medium")
        shared = [b for b in net.blocks if isinstance(b, v4.MobileMQA)][-1]
        own = nn.MultiheadAttention(shared.query.in_channels, shared.heads, bias=False)
    heads, each = shared.heads, shared.key[-1].weight.numel()
    lines = {"queries": 17.0, "keys": 13.4, "values": 9.8, "answers": 6.2, "output": 2.6}
    for name, y in lines.items():
        ax.text(0.2, y + 0.8, name, va="center", fontsize=9)
    ax.text(0.2, 1.0, "weights", va="center", fontsize=9)
    for title, left, sets, layers in (
        ("multi-head", 3.7, heads, [own]),
        ("multi-query", 14.4, 1, [m for m in shared.modules() if isinstance(m, nn.Conv2d)]),
    ):
        middles = [left + 0.85 + 1.9 * head for head in range(heads)]
        centre = sum(middles) / heads
        ax.text(centre, 20.1, title, ha="center", weight="bold")
        targets = middles if sets == heads else [centre] * heads
        places = {"queries": middles, "keys": targets, "values": targets, "answers": middles}
        for upper, lower in zip(places, list(places)[1:], strict=False):
            for start, end in zip(places[upper], places[lower], strict=True):
                ends = [lines[upper], lines[lower] + 1.6]
                ax.plot([start, end], ends, color=colour("muted"), lw=1.1, zorder=0)
        for name, xs in places.items():
            role = "map" if name == "answers" else "pointwise"
            for x in dict.fromkeys(xs):
                box(ax, x - 0.85, lines[name], 1.7, 1.6, name[0].upper(), role)
        for x in middles:
            ends = [lines["answers"], lines["output"] + 1.6]
            ax.plot([x, x], ends, color=colour("muted"), lw=1.1, zorder=0)
        box(ax, left, lines["output"], 7.4, 1.6, "1×1", "pointwise")
        made = {"queries": heads, "keys": sets, "values": sets, "output": heads}
        for name, blocks in made.items():
            text = f"{blocks * each:,}"
            ax.text(left + 10.25, lines[name] + 0.8, text, ha="right", va="center", fontsize=8.5)
        total = sum(map(v4.count_params, layers))
        assert total == each * sum(made.values())
        text = f"{total:,}"
        ax.text(left + 10.25, 1.0, text, ha="right", va="center", fontsize=9, weight="bold")
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
        ax.set(xscale="log", xlim=(0.55, 80), ylim=(64, 87))
        ax.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        ax.minorticks_off()
        ax.grid(True, lw=0.5)
    axes[2].legend(loc="lower right", frameon=False)
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
