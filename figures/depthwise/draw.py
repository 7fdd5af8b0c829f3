"""Figures of the chapter on the depthwise convolution."""

import matplotlib.pyplot as plt
import torch
from torch import nn

from figures.style import WIDTH, arrow, canvas, colour, patch, plane, save, sized

# The chapter's example.
INPUT = (3, 6, 6)
LAYER = nn.Conv2d(3, 3, 3, groups=3, device="meta")
OUTPUT = LAYER(torch.empty(INPUT, device="meta")).shape


def channels() -> None:
    """Each channel has a filter of its own; nothing crosses from one row to another."""
    fig, ax = canvas(20, 14.6, 3.5)
    for i in range(3):
        y = 9.6 - 4.4 * i
        plane(ax, 2.6, y, 6, 6, cell=0.62)
        patch(ax, 2.6, y + 3 * 0.62, 3 * 0.62, 3 * 0.62, "depthwise")
        plane(ax, 9.4, y + 0.9, 3, 3, "depthwise-light", edge="depthwise", cell=0.62)
        plane(ax, 14.6, y + 0.6, 4, 4, "depthwise-light", edge="depthwise", cell=0.62)
        arrow(ax, (6.8, y + 1.85), (9.0, y + 1.85))
        arrow(ax, (11.7, y + 1.85), (14.1, y + 1.85))
        ax.text(1.2, y + 1.85, f"channel\n{i + 1}", ha="center", va="center", fontsize=9)
    for x, text in (
        (4.46, f"input {sized(INPUT)}"),
        (10.3, "one {}×{} filter each".format(*LAYER.kernel_size)),
        (15.85, f"output {sized(OUTPUT)}"),
    ):
        ax.text(x, 13.9, text, ha="center")
    save(fig, "depthwise/channels")


def groups() -> None:
    """Which input channel reaches which output channel, for 8 channels in 1 to 8 groups."""
    fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 5.0))
    fig.subplots_adjust(0.1, 0.06, 0.98, 0.91, wspace=0.25, hspace=0.42)
    for ax, number in zip(axes.flat, (1, 2, 4, 8), strict=True):
        layer = nn.Conv2d(8, 8, 3, groups=number, bias=False)
        size = 8 // number
        ax.set(xlim=(0, 8), ylim=(8, 0), aspect="equal", xticks=[], yticks=[])
        for i in range(8):
            for j in range(8):
                joined = i // size == j // size
                role = "depthwise" if number == 8 else "standard"
                ax.add_patch(
                    plt.Rectangle(
                        (i, j),
                        1,
                        1,
                        fc=colour(role if joined else "paper"),
                        ec=colour("grid"),
                        lw=0.8,
                    )
                )
        kind = {1: "standard", 8: "depthwise"}.get(number, "grouped")
        ax.set_title(f"groups = {number}: {kind}\n{layer.weight.numel()} weights", fontsize=10)
        ax.set_xlabel("input channel")
        ax.set_ylabel("output channel")
        ax.spines[:].set_visible(False)
    save(fig, "depthwise/groups")


if __name__ == "__main__":
    channels()
    groups()
