"""Figures of the chapter on the pointwise convolution."""

import matplotlib.pyplot as plt
import torch
from torch import nn

from figures.style import HATCHES, WIDTH, arrow, canvas, colour, patch, plane, save, sized, stack
from tools.notebooks import definitions

# The chapter's example.
INPUT = (3, 4, 4)
LAYER = nn.Conv2d(3, 5, 1, device="meta")
OUTPUT = LAYER(torch.empty(INPUT, device="meta")).shape


def mix() -> None:
    """At every pixel, the same table of weights turns three numbers into five."""
    fig, ax = canvas(20, 9.6, 2.3)
    at = stack(ax, 0.7, 2.6, 4, 3, shift=0.8)
    for i in range(3):
        x, y = at(i)
        patch(ax, x + 3, y + 3, 1, 1, "pointwise", z=10 - i + 0.5)
    ax.text(3.5, 1.2, f"input {sized(INPUT)}", ha="center")
    plane(ax, 8.6, 2.9, 5, 3, "pointwise-light", edge="pointwise", cell=0.9)
    ax.text(
        9.95,
        8.0,
        "{}×{} weights".format(*LAYER.weight.shape),
        ha="center",
        color=colour("pointwise"),
    )
    arrow(ax, (7.0, 5.2), (8.3, 5.2))
    arrow(ax, (11.6, 5.2), (12.9, 5.2))
    at = stack(ax, 13.2, 2.3, 4, 5, shift=0.6)
    for i in range(5):
        x, y = at(i)
        patch(ax, x + 3, y + 3, 1, 1, "pointwise", z=10 - i + 0.5)
    ax.text(16.4, 0.9, f"output {sized(OUTPUT)}", ha="center")
    save(fig, "pointwise/mix")


def v1_totals() -> dict[str, tuple[int, int]]:
    """(MACs, weights) of MobileNetV1 at 224×224 by layer type."""
    v1 = definitions("v1")
    totals = {}
    for cost in v1.layer_costs(v1.MobileNetV1(), 3, 224, 224):
        macs, weights = totals.get(cost.kind, (0, 0))
        totals[cost.kind] = macs + cost.macs, weights + cost.layer.weight.numel()
    return totals


def shares() -> None:
    """Where MobileNetV1 computes and where it stores."""
    totals = v1_totals()
    fig, ax = plt.subplots(figsize=(WIDTH, 2.5))
    fig.subplots_adjust(0.2, 0.17, 0.97, 0.70)
    for row in (0, 1):
        left, whole = 0.0, sum(total[row] for total in totals.values())
        for kind, label in (
            ("pointwise", "pointwise"),
            ("depthwise", "depthwise"),
            ("standard", "first 3×3"),
            ("fc", "classifier"),
        ):
            share = 100 * totals[kind][row] / whole
            face = "map" if kind == "fc" else f"{kind}-light" if kind != "standard" else kind
            edge = "muted" if kind == "fc" else kind
            ax.barh(
                row,
                share,
                left=left,
                height=0.62,
                color=colour(face),
                ec=colour(edge),
                hatch=HATCHES[kind],
                label=label if row == 0 else None,
            )
            if kind == "pointwise":
                text = f"{share:.2f} %"
                note = dict(boxstyle="round,pad=0.25", fc=colour("paper"), ec="none")
                ax.text(
                    share / 2,
                    row,
                    text,
                    ha="center",
                    va="center",
                    weight="bold",
                    bbox=note,
                )
            left += share
    ax.set_yticks([0, 1], ["MACs", "weights"], color=colour("ink"))
    ax.invert_yaxis()
    ax.set(xlim=(0, 100), xlabel="per cent of MobileNetV1")
    fig.legend(loc="upper center", ncol=2, frameon=False)
    save(fig, "pointwise/shares")


if __name__ == "__main__":
    mix()
    shares()
