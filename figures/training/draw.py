"""Figures of the chapter on training."""

from statistics import mean, stdev

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from figures.style import WIDTH, arrow, box, canvas, colour, save
from tools import learning
from tools.notebooks import definitions

notebook = definitions("training")
NETWORKS = (  # case, label, colour, marker, line
    (learning.FULL, "full", "standard", "o", "-"),
    (learning.SEPARABLE, "separable", "depthwise", "s", "--"),
    (learning.THINNED, "full, thinned", "ink", "D", ":"),
    (learning.LINEAR, "no ReLU6 between", "pointwise", "^", "-."),
)


def macs(kind: str, width: float) -> float:
    """Million MACs for one digit."""
    return notebook.count_macs(notebook.SmallMobileNet(kind, width), 1, 16, 16) / 1e6


def points(ax, xs: list[float], runs: list[list[float]], role: str, **look) -> None:
    """Means with bars as long as the standard deviation between seeds, to either side."""
    look |= {"color": colour(role), "ms": 6, "lw": 1.3, "capsize": 3}
    ax.errorbar(xs, [mean(run) for run in runs], [stdev(run) for run in runs], **look)


def cost() -> None:
    """Test accuracy over MACs, for both kinds of block at several widths."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.6))
    fig.subplots_adjust(0.15, 0.14, 0.98, 0.97)
    for case, label, role, marker, line in NETWORKS[:2]:
        widths = learning.WIDTHS[case.kind]
        runs = [learning.tested(case._replace(width=width)) for width in widths]
        xs = [macs(case.kind, width) for width in widths]
        points(ax, xs, runs, role, marker=marker, ls=line, label=label)
    ax.set(xscale="log", xlabel="million MACs", ylabel="per cent of the test digits")
    ax.set_xticks([0.05, 0.1, 0.3, 1, 3, 10], ["0.05", "0.1", "0.3", "1", "3", "10"])
    ax.minorticks_off()
    ax.grid(True, lw=0.5)
    ax.legend(loc="lower right", frameon=False)
    save(fig, "training/cost")


def pictures() -> None:
    """Test accuracy over the number of pictures to learn from."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.6))
    fig.subplots_adjust(0.15, 0.14, 0.98, 0.97)
    for case, label, role, marker, line in NETWORKS:
        cases = [learning.with_pictures(case, count) for count in learning.PICTURES]
        runs = [learning.tested(each) for each in cases]
        points(ax, learning.PICTURES, runs, role, marker=marker, ls=line, label=label)
    ax.set(xscale="log", xlabel="pictures to learn from", ylabel="per cent of the test digits")
    ax.set_xticks(learning.PICTURES, [str(count) for count in learning.PICTURES])
    ax.minorticks_off()
    ax.grid(True, lw=0.5)
    ax.legend(loc="lower right", frameon=False)
    save(fig, "training/pictures")


def curves() -> None:
    """Training loss and validation accuracy by epoch, the mean of all seeds."""
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(WIDTH, 4.6), sharex=True)
    fig.subplots_adjust(0.14, 0.11, 0.98, 0.98, hspace=0.12)
    for case, label, role, marker, line in NETWORKS[:3]:
        runs = learning.measured(case)
        epochs = range(1, len(runs[0]["loss"]) + 1)
        look = {"color": colour(role), "marker": marker, "ls": line, "ms": 5, "lw": 1.3}
        losses = [mean(values) for values in zip(*(run["loss"] for run in runs), strict=True)]
        right = [mean(values) for values in zip(*(run["val"] for run in runs), strict=True)]
        top.plot(epochs, losses, label=label, **look)
        bottom.plot(epochs, right, label=label, **look)
    top.set(yscale="log", ylabel="training loss")
    top.set_yticks([1, 0.1, 0.01], ["1", "0.1", "0.01"])
    bottom.set(xlabel="epoch", ylabel="per cent of validation")
    bottom.legend(loc="lower right", frameon=False)
    for ax in (top, bottom):
        ax.minorticks_off()
        ax.grid(True, lw=0.5)
    save(fig, "training/curves")


def processes() -> None:
    """One batch on two processes: what is shared, and what is not."""
    fig, ax = canvas(25, 23.2, 4.45)
    batch, each = 50, 50 // 2
    ax.text(12.5, 22.2, f"a batch of {batch} pictures", ha="center", va="center", weight="bold")
    for index in range(10):
        role = "map" if index % 2 else "grid"
        cell = Rectangle((7.5 + index, 20.1), 1, 1, fc=colour(role), ec=colour("muted"), lw=0.9)
        ax.add_patch(cell)
    for process, (x, start) in enumerate(((6.2, 11.0), (18.8, 14.0))):
        arrow(ax, (start, 20.0), (x, 18.3))
        ax.text(
            x, 17.4, f"process {process}: {each} pictures", ha="center", va="center", weight="bold"
        )
        box(ax, x - 5.0, 14.4, 10.0, 1.9, "its copy of the network")
        box(ax, x - 5.0, 11.7, 10.0, 1.9, f"means of its own {each}")
        ax.patches[-1].set(ls="--", lw=1.8)  # not shared
        arrow(ax, (x, 11.6), (x, 9.7))
        box(ax, x - 5.0, 7.6, 10.0, 1.9, "its gradient")
        arrow(ax, (x, 7.5), (x * 0.75 + 3.1, 5.7))
        arrow(ax, (x * 0.75 + 3.1, 3.5), (x, 1.9))
        ax.text(x, 1.1, "the same step", ha="center", va="center")
    box(ax, 4.5, 3.6, 16.0, 1.9, "the mean of both gradients")
    save(fig, "training/processes")


if __name__ == "__main__":
    cost()
    pictures()
    curves()
    processes()
