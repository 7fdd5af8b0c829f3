"""Figures of the chapter on a trained network."""

from statistics import mean

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

from figures.style import WIDTH, colour, save
from tools import trained

notebook = trained.notebook
RECORD = trained.load()["lite0"]
SIDE = 60  # pixels of a small photograph


def small(name: str) -> np.ndarray:
    """A photograph's middle, (SIDE, SIDE, 3), by plain means: the same on every machine."""
    photo = notebook.photographs()[name].double().permute(1, 2, 0).numpy()
    height, width = photo.shape[:2]
    cell = min(height, width) // SIDE
    edge = cell * SIDE
    top, left = (height - edge) // 2, (width - edge) // 2
    cut = (255 * photo[top : top + edge, left : left + edge]).round()
    return cut.reshape(SIDE, cell, SIDE, cell, 3).mean((1, 3)).astype(np.uint8)


def photographs() -> None:
    """What the network is asked about."""
    fig, axes = plt.subplots(2, 4, figsize=(WIDTH, 2.75))
    fig.subplots_adjust(0.01, 0.01, 0.99, 0.92, wspace=0.06, hspace=0.22)
    for ax, name in zip(axes.flat, trained.photograph_names(), strict=True):
        ax.imshow(small(name), interpolation="none")
        ax.set_title(name, fontsize=9, pad=3)
        ax.axis("off")
    save(fig, "trained/photographs")


def levels(name: str) -> np.ndarray:
    """A recorded map, (H, W), from 0 to 15."""
    return np.array([[int(shade, 16) for shade in row] for row in RECORD["maps"][name]])


def maps() -> None:
    """One channel for each size of map; and one block, opened."""
    fig, axes = plt.subplots(3, 4, figsize=(WIDTH, 3.95))
    fig.subplots_adjust(0.01, 0.01, 0.99, 0.94, wspace=0.06, hspace=0.2)
    blocks = [f"block {number}" for number in trained.DRAWN]
    opened = ("in", "expanded", "filtered", "projected", "out")
    names = ["the cat", *blocks, "", *opened]
    for ax, name in zip(axes.flat, names, strict=True):
        ax.axis("off")
        if name == "the cat":
            ax.imshow(small("cat"), interpolation="none")
        elif name:
            ax.imshow(levels(name), cmap="gray", vmin=0, vmax=15, interpolation="none")
        else:
            ax.text(0.5, 0.5, f"block {trained.OPENED + 1},\nopened:", ha="center", va="center")
        ax.set_title(name, fontsize=9, pad=3)
    save(fig, "trained/maps")


def zeros() -> None:
    """The share of zeros behind each depthwise layer's ReLU6, by block."""
    fig, ax = plt.subplots(figsize=(WIDTH, 2.7))
    fig.subplots_adjust(0.15, 0.17, 0.98, 0.97)
    blocks = range(1, 17)
    shares = [RECORD["cuts"][f"blocks.{n - 1}.depthwise"][0] for n in blocks]
    for shortcut, face, label in (
        (True, colour("shortcut"), "with a shortcut"),
        (False, colour("paper"), "without"),
    ):
        chosen = [n for n in blocks if (n in trained.SHORTCUTS) == shortcut]
        ax.plot(
            chosen,
            [shares[n - 1] for n in chosen],
            "o" if shortcut else "s",
            mfc=face,
            mec=colour("shortcut") if shortcut else colour("ink"),
            ms=7,
            label=label,
        )
    ax.set(xlabel="block", ylabel="zeros behind the filter", ylim=(0, 1), xticks=range(1, 17, 3))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.grid(True, axis="y", lw=0.5)
    ax.legend(loc="upper left", frameon=False, ncol=2)
    save(fig, "trained/zeros")


def without() -> None:
    """What is left without one block, and without one shortcut."""
    fig, ax = plt.subplots(figsize=(WIDTH, 2.7))
    fig.subplots_adjust(0.15, 0.17, 0.98, 0.97)
    for what, role, mark, label in (
        ("block", "pointwise", "D", "without this block"),
        ("shortcut", "shortcut", "o", "without its shortcut"),
    ):
        kept = [mean(trained.by_photograph(f"without {what} {n}")) for n in trained.SHORTCUTS]
        ax.plot(trained.SHORTCUTS, kept, mark, color=colour(role), ms=7, label=label)
    ax.set(xlabel="block", ylabel="same first guess", ylim=(0, 105), xticks=trained.SHORTCUTS)
    ax.yaxis.set_major_formatter(PercentFormatter(100, decimals=0))
    ax.grid(True, axis="y", lw=0.5)
    ax.legend(loc="center right", frameon=False)
    save(fig, "trained/without")


if __name__ == "__main__":
    photographs()
    maps()
    zeros()
    without()
