"""Figures of the chapter on MobileNetV1."""

import matplotlib.pyplot as plt

from figures.style import HATCHES, WIDTH, accuracy_axes, box, canvas, colour, look, map_row, save
from tools import counting, papers
from tools.counting import million_macs
from tools.notebooks import definitions

v1 = definitions("v1")

# (width, input size): top-1 accuracy as the V1 paper prints it, in its Tables 6, 7 and 9.
PAPER = {(alpha, 224): row[0] for alpha, row in papers.V1_TABLE6.items()}
PAPER |= {(1.0, size): row[0] for size, row in papers.V1_TABLE7.items()}
PAPER[0.5, 160] = papers.V1_TABLE9["0.50 MobileNet-160"].top1


def units() -> list[tuple[str, list]]:
    """(name, its layers' costs) of the stem, the thirteen blocks and the classifier."""
    costs = v1.layer_costs(v1.MobileNetV1(), 3, 224, 224)
    blocks = [(str(i), costs[2 * i - 1 : 2 * i + 1]) for i in range(1, 14)]
    return [("stem", costs[:1]), *blocks, ("fc", costs[-1:])]


def network() -> None:
    """The whole network: its layers on the left, the map that each leaves on the right."""
    fig, ax = canvas(25, 28.6, 5.49)
    y = 27.1
    for x, text in ((7.4, "layers"), (19.2, "the map that comes out")):
        ax.text(x, y, text, ha="center", weight="bold")
    y -= 0.2
    stem, *blocks, fc = units()
    rows = []
    for name, costs in [stem, *blocks]:
        stride = costs[0].layer.stride[0]
        out = costs[0].input_shape[1] // stride, costs[-1].layer.out_channels
        rows.append((name, stride, out))

    shown = [row for row in rows if row[0] not in ("8", "9", "10", "11")]
    for name, stride, (side, channels) in shown:
        height = max(1.75, 2.8 * side / 112 + 0.3)
        y -= height + 0.15
        middle = y + height / 2 - 0.75
        halved = " /2" if stride == 2 else ""
        label = "7-11" if name == "7" else name
        ax.text(2.9, middle + 0.75, label, ha="right", va="center", weight="bold")
        if name == "stem":
            box(ax, 3.4, middle, 8.8, 1.5, f"3×3 conv{halved}, {channels} filters", "standard")
        else:
            box(ax, 3.4, middle, 4.1, 1.5, f"3×3 dw{halved}", "depthwise")
            box(ax, 7.9, middle, 4.4, 1.5, f"1×1, {channels}", "pointwise")
        map_row(ax, y, height, side, channels, widest=1024)
    y -= 1.95
    box(ax, 3.4, y, 8.8, 1.5, "average pooling")
    map_row(ax, y, 1.5, 1, fc[1][0].layer.in_features, widest=1024)
    y -= 1.95
    classes = fc[1][0].layer.out_features
    box(ax, 3.4, y, 8.8, 1.5, f"linear, {classes:,} classes")
    ax.text(24.8, y + 0.75, f"{classes:,} logits", ha="right", va="center", fontsize=9)
    save(fig, "v1/network")


def cost() -> None:
    """MACs and weights of each block."""
    fig, axes = plt.subplots(2, 1, figsize=(WIDTH, 4.4), sharex=True)
    fig.subplots_adjust(0.13, 0.1, 0.98, 0.86, hspace=0.16)
    labels = {"standard": "3×3", "depthwise": "depthwise", "pointwise": "1×1", "fc": "classifier"}
    for position, (_, costs) in enumerate(units()):
        bottoms = [0.0, 0.0]
        for layer, kind, _, _, macs in costs:
            face = "map" if kind == "fc" else kind if kind == "standard" else f"{kind}-light"
            for row, value in enumerate((macs / 1e6, layer.weight.numel() / 1e6)):
                axes[row].bar(
                    position,
                    value,
                    bottom=bottoms[row],
                    width=0.8,
                    color=colour(face),
                    ec=colour("muted" if kind == "fc" else kind),
                    hatch=HATCHES[kind],
                    label=labels.pop(kind, None) if row == 0 else None,
                )
                bottoms[row] += value
    axes[0].set(ylabel="million MACs", ylim=(0, 58))
    axes[1].set(ylabel="million weights", ylim=(0, 1.19))
    axes[1].set_xticks(range(15), [name for name, _ in units()], fontsize=9)
    fig.legend(loc="upper center", ncol=4, frameon=False, columnspacing=1.2, handletextpad=0.5)
    save(fig, "v1/cost")


def grid() -> None:
    """Accuracy over MACs for sixteen networks."""
    fig, ax = plt.subplots(figsize=(WIDTH, 4.2))
    fig.subplots_adjust(0.11, 0.12, 0.98, 0.98)
    styles = {1.0: ("o", "-"), 0.75: ("s", "--"), 0.5: ("^", "-."), 0.25: ("D", ":")}
    macs = {}
    for alpha, accuracies in papers.SLIM_V1_TOP1.items():
        net = counting.v1(width_mult=alpha)
        for size in papers.V1_SIZES:
            macs[alpha, size] = million_macs(net, size)
        xs = [macs[alpha, size] for size in papers.V1_SIZES]
        marker, line = styles[alpha]
        ax.plot(xs, accuracies, line, marker=marker, ms=5, lw=1.4, color=colour("net-v1"))
        ax.annotate(
            f"α = {alpha}",
            (xs[0], accuracies[0]),
            (4, -15) if alpha != 1.0 else (-8, 5),
            textcoords="offset points",
            weight="bold",
            ha="left" if alpha != 1.0 else "right",
        )
    for size, accuracy in zip(papers.V1_SIZES, papers.SLIM_V1_TOP1[0.25], strict=True):
        point = (macs[0.25, size], accuracy)
        ax.annotate(str(size), point, (-8, 5), textcoords="offset points", ha="right", fontsize=9)
    ax.plot(
        [macs[key] for key in PAPER],
        list(PAPER.values()),
        "o",
        ms=11,
        mfc="none",
        mec=colour("ink"),
        mew=1.4,
        label="printed in the paper",
    )
    ax.plot([], [], "o-", ms=5, lw=1.4, color=colour("net-v1"), label="released checkpoints")
    accuracy_axes(ax, xlim=(10, 800), ylim=(38, 74))
    save(fig, "v1/grid")


def released(ax) -> None:
    """The networks that were released after the paper, as marks: behind those of V2 and V3."""
    for alpha, accuracies in papers.SLIM_V1_TOP1.items():
        net = counting.v1(width_mult=alpha)
        xs = [million_macs(net, size) for size in papers.V1_SIZES]
        ax.plot(xs, accuracies, ls="", ms=5, **look("V1"))


if __name__ == "__main__":
    network()
    cost()
    grid()
