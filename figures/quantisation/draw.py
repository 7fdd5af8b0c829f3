"""Figures of the chapter on eight bits."""

import matplotlib.pyplot as plt
import torch

from figures.style import WIDTH, colour, save
from tools import quantising
from tools.notebooks import definitions

notebook = definitions("quantisation")
KINDS = {"expand": ("pointwise", "^"), "depthwise": ("depthwise", "o"), "project": ("ink", "s")}
FLOOR = 0.02  # below it a channel's weights are all but zero


def scales() -> None:
    """A small channel on the steps of a large one, and on its own."""
    fig, axes = plt.subplots(2, 1, figsize=(WIDTH, 2.9))
    fig.subplots_adjust(0.04, 0.1, 0.96, 0.86, hspace=1.1)
    small = torch.tensor([-0.45, -0.3, -0.16, 0.1, 0.26, 0.5])
    both = torch.stack([small, torch.linspace(-30, 50, 6)])
    for ax, per_channel, title in (
        (axes[0], False, "one scale for the layer"),
        (axes[1], True, "a scale of its own"),
    ):
        step = float(both[0 if per_channel else 1].abs().max()) / 127
        count = round(0.55 / step)
        ticks = [step * index for index in range(-count, count + 1)]
        ax.vlines(ticks, -0.3, 0.3, color=colour("muted"), lw=0.6 if per_channel else 1.6)
        kept = notebook.rounded(both, per_channel)[0]
        for weight, left in zip(small.tolist(), kept.tolist(), strict=True):
            ax.plot([weight, left], [1, 0], color=colour("depthwise"), lw=1.1)
        ax.plot(small, [1] * 6, "o", color=colour("depthwise"), ms=6)
        ax.plot(kept, [0] * 6, "D", color=colour("ink"), ms=5)
        ax.set(xlim=(-0.58, 0.58), ylim=(-0.5, 1.4))
        ax.set_title(title, fontsize=10, color=colour("ink"))
        ax.set_yticks([])
        ax.set_xticks([-0.5, 0, 0.5], ["−0.5", "0", "0.5"])
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
    save(fig, "quantisation/scales")


def ranges() -> None:
    """How the channels' largest weights lie apart in Lite0's depthwise layers."""
    fig, axes = plt.subplots(2, 1, figsize=(WIDTH, 4.6), sharex=True, sharey=True)
    fig.subplots_adjust(0.12, 0.11, 0.98, 0.93, hspace=0.28)
    found = zip(axes, ("before the fold", "after the fold"), quantising.reaches(), strict=True)
    for ax, title, layers in found:
        for block, widths in enumerate(layers, start=1):
            silent = widths < FLOOR
            log = widths[~silent].double().log10()  # in 32 bits, processors differ
            low, high = float(log.min()), float(log.max())
            counts = torch.histc(log, 14, low, high)
            edges = torch.linspace(low, high, 15, dtype=torch.float64)
            half = (0.42 * counts / counts.max()).repeat_interleave(2).tolist()
            heights = (10 ** edges.repeat_interleave(2)[1:-1]).tolist()
            left, right = [block - each for each in half], [block + each for each in half]
            ax.fill_betweenx(heights, left, right, color=colour("depthwise"), lw=0)
            ax.plot([block] * 2, [10**low, 10**high], color=colour("depthwise"), lw=0.8)
            ax.plot(block, float(widths.median()), "_", color=colour("ink"), ms=12, mew=1.5)
            if silent.any():
                ax.plot(block, FLOOR, "v", color=colour("ink"), ms=4)
        ax.set(yscale="log", ylabel="largest weight", ylim=(0.7 * FLOOR, 40))
        ax.set_title(title, fontsize=10, color=colour("ink"), loc="left")
        ax.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
        ax.minorticks_off()
        ax.grid(True, axis="y", lw=0.5)
    axes[1].set_xticks(range(1, 17))
    axes[1].set_xlabel("block")
    save(fig, "quantisation/ranges")


def layers() -> None:
    """What is lost if one of Lite0's layers alone is rounded, per tensor."""
    fig, ax = plt.subplots(figsize=(WIDTH, 3.2))
    fig.subplots_adjust(0.11, 0.15, 0.98, 0.96)
    noise = quantising.load()["layers"]
    for kind, (role, marker) in KINDS.items():
        points = [
            (int(name.split(".")[1]) + 1, value)
            for name, value in noise.items()
            if name.endswith(f"{kind}.conv")
        ]
        ax.plot(*zip(*points, strict=True), marker, color=colour(role), ms=6, label=kind)
    places = {"stem": -0.7, "last": 17.7, "fc": 19.2}
    others = [noise[name] for name in ("stem.conv", "last.conv", "classifier")]
    ax.plot(places.values(), others, "D", color=colour("muted"), ms=5, label="others")
    ax.set(ylabel="decibels that are left", xlabel="block", ylim=(0, 52))
    ax.set_xticks([*range(1, 17), *places.values()], [*range(1, 17), *places], fontsize=9)
    ax.legend(ncols=4, fontsize=9, loc="upper left", frameon=False, columnspacing=1)
    ax.grid(True, axis="y", lw=0.5)
    save(fig, "quantisation/layers")


if __name__ == "__main__":
    scales()
    ranges()
    layers()
