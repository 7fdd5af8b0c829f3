"""Figures of the chapter on the standard convolution."""

import matplotlib.pyplot as plt
import torch
from torch import nn

from figures.style import HATCHES, WIDTH, arrow, canvas, colour, patch, plane, save, sized, stack
from tools.counting import kind_of, macs_by_layer, on_meta, params
from tools.notebooks import definitions

notebook = definitions("convolution")

# The chapter's example.
INPUT = (3, 6, 6)
LAYER = nn.Conv2d(3, 5, 3, device="meta")
OUTPUT = LAYER(torch.empty(INPUT, device="meta")).shape


def window() -> None:
    """One filter at one place: 27 weights, one output number."""
    fig, ax = canvas(20, 11.5, 2.76)
    at = stack(ax, 0.6, 2.6, 6, 3)
    for i in range(3):
        x, y = at(i)
        patch(ax, x, y + 3, 3, 3, "standard", z=10 - i + 0.5, cells=True)
    ax.text(4.2, 1.2, f"input {sized(INPUT)}", ha="center")

    at = stack(ax, 9.3, 5.6, 3, 3, "standard-light", edge="standard")
    ax.text(
        11.4,
        4.0,
        f"one filter\n{sized(LAYER.weight[0].shape)}",
        ha="center",
        va="center",
        color=colour("standard"),
    )
    ax.text(8.9, 7.0, "∗", ha="center", va="center", fontsize=16)
    ax.text(14.3, 7.2, "=", ha="center", fontsize=14)

    stack(ax, 15.2, 3.2, 4, 1)
    patch(ax, 15.2, 6.2, 1, 1, "standard")
    ax.text(17.2, 1.8, "one channel\nof the output", ha="center", va="center")
    ax.text(
        10,
        10.8,
        f"{LAYER.weight[0].numel()} products, added up: one number",
        ha="center",
        weight="bold",
    )
    save(fig, "convolution/window")


def whole() -> None:
    """Five filters make five output channels."""
    fig, ax = canvas(20, 10.6, 2.54)
    stack(ax, 0.6, 2.4, 6, 3)
    ax.text(4.2, 1.0, f"input {sized(INPUT)}", ha="center")
    for i in range(5):
        stack(
            ax,
            9.6,
            0.7 + 1.75 * i,
            3,
            3,
            "standard-light",
            edge="standard",
            cell=0.4,
            shift=0.2,
        )
    ax.text(10.4, 9.5, f"{len(LAYER.weight)} filters", ha="center", color=colour("standard"))
    arrow(ax, (8.2, 5.4), (9.3, 5.4))
    arrow(ax, (11.7, 5.4), (12.9, 5.4))
    stack(ax, 13.3, 2.9, 4, 5, "standard-light", edge="standard")
    ax.text(16.5, 1.0, f"output {sized(OUTPUT)}", ha="center")
    save(fig, "convolution/whole")


def padding() -> None:
    """Where the middle of a 3×3 window may stand, without padding, with it, and at stride 2."""
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.3))
    fig.subplots_adjust(0.01, 0.02, 0.99, 0.76, wspace=0.05)
    for ax, (pad, stride) in zip(axes, [(0, 1), (1, 1), (1, 2)], strict=True):
        title = f"padding {pad}" if pad else "no padding"
        if stride > 1:
            title += f",\nstride {stride}"
        ax.set(xlim=(-1.2, 7.2), ylim=(-1.2, 7.2), aspect="equal")
        ax.axis("off")
        if pad:
            plane(ax, -1, -1, 8, 8, "paper", edge="grid", z=0)
        plane(ax, 0, 0, 6, 6, "map", z=1)
        size = (6 + 2 * pad - 3) // stride + 1
        centres = [1 - pad + stride * i + 0.5 for i in range(size)]
        for x in centres:
            for y in centres:
                ax.plot(x, 6 - y, "o", ms=5, color=colour("standard"), zorder=30)
        ax.add_patch(
            plt.Rectangle(
                (-pad, 3 + pad),
                3,
                3,
                fill=False,
                ec=colour("standard"),
                lw=1.8,
                zorder=25,
            )
        )
        ax.set_title(f"{title}\n6×6 → {size}×{size}", fontsize=10, pad=5)
    save(fig, "convolution/padding")


def vgg_layers() -> list[tuple[str, int, int]]:
    """(kind, MACs, parameters) of each layer of VGG-16 at 224×224."""
    return [
        ("fc" if kind_of(layer) == "fc" else "conv", macs, params(layer))
        for layer, macs, _ in macs_by_layer(on_meta(notebook.vgg16), 3, 224, 224)
    ]


def vgg() -> None:
    """Where VGG-16 computes and where it stores."""
    rows = vgg_layers()
    counts = [len(part.split()) for part in " ".join(notebook.VGG16).split("M")]
    names = [f"{s}.{i}" for s, n in enumerate(counts, 1) for i in range(1, n + 1)]
    names += ["fc1", "fc2", "fc3"]
    fig, axes = plt.subplots(2, 1, figsize=(WIDTH, 3.9), sharex=True)
    fig.subplots_adjust(0.13, 0.12, 0.98, 0.91, hspace=0.45)
    for ax, column, title, scale in (
        (axes[0], 1, "computes: multiply-accumulates, in millions", 1e6),
        (axes[1], 2, "stores: parameters, in millions", 1e6),
    ):
        for kind, role, face in (
            ("conv", "standard", "standard"),
            ("fc", "muted", "map"),
        ):
            at = [i for i, row in enumerate(rows) if row[0] == kind]
            bars = ax.bar(
                at,
                [rows[i][column] / scale for i in at],
                color=colour(face),
                ec=colour(role),
                lw=0.8,
                label="convolution" if kind == "conv" else "fully connected",
            )
            if kind == "fc":
                for bar in bars:
                    bar.set_hatch(HATCHES["fc"])
        ax.set_title(title, fontsize=10, loc="left")
        ax.grid(axis="y", lw=0.5)
        ax.set_axisbelow(True)
    axes[1].legend(frameon=False, loc="upper left")
    axes[1].set_xticks(range(len(rows)), names, rotation=90, fontsize=8.5)
    save(fig, "convolution/vgg16-layers")


if __name__ == "__main__":
    window()
    whole()
    padding()
    vgg()
